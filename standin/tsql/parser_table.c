/* Tables and indexes: columns, constraints, ALTER TABLE, CREATE INDEX, table variables. */
#include "standin/tsql/parser_internal.h"

bool parser_key_list(Parser *p, AstKeyColumn **ret, size_t *ret_count) {
    if (!parser_expect_symbol(p, '(')) return false;
    do {
        AstKeyColumn k = {0};
        if (!parser_one_name(p, &k.name)) return false;
        k.is_descending = parser_accept_keyword(p, KW_DESC);
        if (!k.is_descending) (void)parser_accept_keyword(p, KW_ASC);
        PARSER_PUSH(p, *ret, *ret_count, k);
    } while (parser_accept_symbol(p, ','));
    return parser_expect_symbol(p, ')');
}

/* ---- options that say how to store: read, without effect ---- */

static bool skip_parentheses(Parser *p) {
    if (!parser_expect_symbol(p, '(')) return false;
    int depth = 1;
    while (depth > 0) {
        if (parser_peek(p, 0)->kind == TOKEN_END) return parser_fail(p);
        if (parser_is_symbol(p, '(')) depth++;
        if (parser_is_symbol(p, ')')) depth--;
        p->at++;
    }
    return true;
}

/* WITH (PAD_INDEX = OFF, …) or WITH FILLFACTOR = 80; ret_index may be NULL */
static bool index_options(Parser *p, AstCreateIndex *index) {
    if (!parser_is_keyword(p, KW_WITH)) return true;
    LexerKeyword next = parser_peek(p, 1)->keyword;
    if (next == KW_CHECK || next == KW_NOCHECK) return true; /* ALTER TABLE's */
    p->at++;
    if (parser_accept_keyword(p, KW_FILLFACTOR)) {
        int64_t ignored;
        return parser_expect_symbol(p, '=') && parser_integer(p, &ignored);
    }
    for (size_t i = 1; index && parser_peek(p, i)->kind != TOKEN_END && parser_peek(p, i)->symbol != ')';
         i++) {
        bool is_on = parser_peek(p, i + 1)->symbol == '=' && parser_peek(p, i + 2)->keyword == KW_ON;
        Str word = parser_peek(p, i)->text;
        if (is_on && str_eq_icase(word, STR_LIT("IGNORE_DUP_KEY"))) index->ignore_dup_key = true;
        if (is_on && str_eq_icase(word, STR_LIT("DROP_EXISTING"))) index->drop_existing = true;
    }
    return skip_parentheses(p);
}

/* ON [PRIMARY], TEXTIMAGE_ON [PRIMARY], ON ps(column) */
static bool filegroup(Parser *p) {
    for (;;) {
        if (parser_is_word(p, "filestream_on")) return parser_unsupported(p, "FILESTREAM_ON");
        if (!parser_accept_keyword(p, KW_ON) && !parser_accept_word(p, "textimage_on")) return true;
        Str name;
        uint32_t line = parser_peek(p, 0)->line;
        if (parser_accept_keyword(p, KW_PRIMARY) || parser_accept_keyword(p, KW_DEFAULT)) continue;
        if (!parser_one_name(p, &name)) return false;
        if (parser_is_symbol(p, '(')) return parser_unsupported(p, "partition scheme");
        if (!str_eq_icase(name, STR_LIT("PRIMARY")) && !str_eq_icase(name, STR_LIT("default")))
            return sqlerror_set(p->e, 1921, 1, line, "Invalid filegroup '%.*s' specified.", STR_ARG(name));
    }
}

/* ---- constraints ---- */

static AstClustered clustered(Parser *p) {
    if (parser_accept_keyword(p, KW_CLUSTERED)) return CLUSTERED_YES;
    if (parser_accept_keyword(p, KW_NONCLUSTERED)) return CLUSTERED_NO;
    return CLUSTERED_UNSAID;
}

static bool action(Parser *p, AstAction *ret) {
    if (parser_accept_word(p, "no")) {
        *ret = ACTION_NONE;
        return parser_expect_word(p, "action");
    }
    if (parser_accept_keyword(p, KW_CASCADE)) {
        *ret = ACTION_CASCADE;
        return true;
    }
    if (!parser_expect_keyword(p, KW_SET)) return false;
    *ret = parser_is_keyword(p, KW_NULL) ? ACTION_SET_NULL : ACTION_SET_DEFAULT;
    return parser_accept_keyword(p, KW_NULL) || parser_expect_keyword(p, KW_DEFAULT);
}

static bool not_for_replication(Parser *p) {
    if (!parser_is_keyword(p, KW_NOT) || parser_peek(p, 1)->keyword != KW_FOR) return true;
    p->at += 2;
    return parser_expect_keyword(p, KW_REPLICATION);
}

static bool references(Parser *p, AstConstraint *c) {
    c->kind = CONSTRAINT_FOREIGN_KEY;
    p->at++;
    if (!parser_dotted_name(p, &c->references)) return false;
    if (parser_is_symbol(p, '(') && !parser_name_list(p, &c->referenced, &c->referenced_count)) return false;
    while (parser_is_keyword(p, KW_ON)) {
        LexerKeyword what = parser_peek(p, 1)->keyword;
        if (what != KW_DELETE && what != KW_UPDATE) break;
        p->at += 2;
        if (!action(p, what == KW_DELETE ? &c->on_delete : &c->on_update)) return false;
    }
    return not_for_replication(p);
}

static bool key(Parser *p, AstConstraint *c, bool is_table_level) {
    c->kind = parser_is_keyword(p, KW_PRIMARY) ? CONSTRAINT_PRIMARY_KEY : CONSTRAINT_UNIQUE;
    p->at++;
    if (c->kind == CONSTRAINT_PRIMARY_KEY && !parser_expect_keyword(p, KW_KEY)) return false;
    c->clustered = clustered(p);
    bool has_list = parser_is_symbol(p, '(');
    if ((has_list || is_table_level) && !parser_key_list(p, &c->columns, &c->column_count)) return false;
    return index_options(p, NULL) && filegroup(p);
}

static bool check(Parser *p, AstConstraint *c) {
    c->kind = CONSTRAINT_CHECK;
    p->at++;
    if (!not_for_replication(p)) return false;
    size_t from = p->at;
    if (!parser_expect_symbol(p, '(') || !(c->expr = parser_condition_expr(p)) ||
        !parser_expect_symbol(p, ')'))
        return false;
    c->expr_text = parser_text_since(p, from);
    return true;
}

static bool default_value(Parser *p, AstConstraint *c) {
    c->kind = CONSTRAINT_DEFAULT;
    p->at++;
    size_t from = p->at;
    if (!(c->expr = parser_expr(p))) return false;
    c->expr_text = parser_text_since(p, from);
    return true;
}

/* [CONSTRAINT name] … of a column; the key list names the column. false with no error: none follows. */
static bool column_constraint(Parser *p, AstConstraint *c, Str column) {
    c->line = parser_peek(p, 0)->line;
    if (parser_accept_keyword(p, KW_CONSTRAINT) && !parser_one_name(p, &c->name)) return false;
    bool ok;
    switch (parser_peek(p, 0)->keyword) {
    case KW_PRIMARY:
    case KW_UNIQUE: ok = key(p, c, /* is_table_level= */ false); break;
    case KW_FOREIGN:
        p->at++;
        ok = parser_expect_keyword(p, KW_KEY) && (parser_is_keyword(p, KW_REFERENCES) || parser_fail(p)) &&
             references(p, c);
        break;
    case KW_REFERENCES: ok = references(p, c); break;
    case KW_CHECK: return check(p, c);
    case KW_DEFAULT: return default_value(p, c);
    default: return parser_fail(p);
    }
    if (ok && c->column_count == 0)
        PARSER_PUSH(p, c->columns, c->column_count, ((AstKeyColumn){.name = column}));
    return ok;
}

static bool table_constraint(Parser *p, AstConstraint *c) {
    c->line = parser_peek(p, 0)->line;
    if (parser_accept_keyword(p, KW_CONSTRAINT) && !parser_one_name(p, &c->name)) return false;
    switch (parser_peek(p, 0)->keyword) {
    case KW_PRIMARY:
    case KW_UNIQUE: return key(p, c, /* is_table_level= */ true);
    case KW_FOREIGN:
        p->at++;
        return parser_expect_keyword(p, KW_KEY) && parser_key_list(p, &c->columns, &c->column_count) &&
               (parser_is_keyword(p, KW_REFERENCES) || parser_fail(p)) && references(p, c);
    case KW_CHECK: return check(p, c);
    case KW_DEFAULT:
        if (!default_value(p, c) || !parser_expect_keyword(p, KW_FOR) || !parser_one_name(p, &c->for_column))
            return false;
        if (parser_accept_keyword(p, KW_WITH)) return parser_expect_keyword(p, KW_VALUES);
        return true;
    default: return parser_fail(p);
    }
}

static bool at_table_constraint(const Parser *p) {
    switch (parser_peek(p, 0)->keyword) {
    case KW_CONSTRAINT:
    case KW_PRIMARY:
    case KW_UNIQUE:
    case KW_FOREIGN:
    case KW_CHECK:
    case KW_DEFAULT: return true;
    default: return false;
    }
}

/* ---- columns ---- */

static bool identity(Parser *p, AstColumnDef *c) {
    c->is_identity = true;
    c->identity_seed = c->identity_increment = 1;
    p->at++;
    if (!parser_accept_symbol(p, '(')) return true;
    return parser_integer(p, &c->identity_seed) && parser_expect_symbol(p, ',') &&
           parser_integer(p, &c->identity_increment) && parser_expect_symbol(p, ')');
}

static bool nullability(Parser *p, AstColumnDef *c) {
    c->is_null_given = true;
    c->is_nullable = !parser_accept_keyword(p, KW_NOT);
    return parser_expect_keyword(p, KW_NULL);
}

/* One property of a column; *ret_more false: none follows. */
static bool column_property(Parser *p, AstColumnDef *c, bool *ret_more) {
    static const char *const refused[] = {"MASKED", "ENCRYPTED", "GENERATED", "FILESTREAM", "HIDDEN", "HASH"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (parser_is_word(p, refused[i])) return parser_unsupported(p, refused[i]);
    if (parser_is_keyword(p, KW_INDEX)) return parser_unsupported(p, "INDEX of a column");
    if (parser_accept_word(p, "sparse")) c->is_sparse = true;
    else if (parser_accept_word(p, "persisted")) c->is_persisted = true;
    else if (parser_accept_keyword(p, KW_ROWGUIDCOL)) c->is_rowguidcol = true;
    else if (parser_is_keyword(p, KW_IDENTITY)) return identity(p, c);
    else if (parser_accept_keyword(p, KW_COLLATE)) return parser_one_name(p, &c->collation);
    else if (parser_is_keyword(p, KW_NOT) && parser_peek(p, 1)->keyword == KW_FOR)
        return not_for_replication(p);
    else if (parser_is_keyword(p, KW_NOT) || parser_is_keyword(p, KW_NULL)) return nullability(p, c);
    else if (at_table_constraint(p) || parser_is_keyword(p, KW_REFERENCES)) {
        if (parser_is_keyword(p, KW_CONSTRAINT) &&
            (parser_peek(p, 2)->keyword == KW_NOT || parser_peek(p, 2)->keyword == KW_NULL)) {
            p->at += 2; /* a named NOT NULL: the name means nothing */
            return true;
        }
        AstConstraint constraint = {0};
        if (!column_constraint(p, &constraint, c->name)) return false;
        PARSER_PUSH(p, c->constraints, c->constraint_count, constraint);
    } else {
        *ret_more = false;
    }
    return true;
}

/* Errors name the column. xml … COLUMN_SET FOR ALL_SPARSE_COLUMNS isn't there. */
static bool column_type(Parser *p, AstColumnDef *c) {
    p->column = c->name;
    bool ok = parser_declared_type(p, &c->type);
    p->column = (Str){0};
    return ok && (!parser_is_word(p, "column_set") || parser_unsupported(p, "COLUMN_SET"));
}

static bool column_def(Parser *p, AstColumnDef *c) {
    c->line = parser_peek(p, 0)->line;
    if (!parser_one_name(p, &c->name)) return false;
    if (parser_accept_keyword(p, KW_AS)) {
        size_t from = p->at;
        if (!(c->computed = parser_expr(p))) return false;
        c->computed_text = parser_text_since(p, from);
    } else if (str_eq_icase(c->name, STR_LIT("timestamp")) &&
               (parser_is_symbol(p, ',') || parser_is_symbol(p, ')'))) {
        c->type =
            (AstType){.type = {.id = TYPE_ROWVERSION, .length = 8}, .line = c->line}; /* name is optional */
    } else if (!column_type(p, c)) {
        return false;
    }
    bool more = true;
    while (more)
        if (!column_property(p, c, &more)) return false;
    return true;
}

/* INDEX name [UNIQUE] [CLUSTERED] (columns) inside CREATE TABLE */
static bool inline_index(Parser *p, AstCreateTable *t) {
    AstCreateIndex index = {0};
    p->at++;
    if (!parser_one_name(p, &index.name)) return false;
    index.is_unique = parser_accept_keyword(p, KW_UNIQUE);
    index.clustered = clustered(p);
    if (parser_is_word(p, "columnstore")) return parser_unsupported(p, "COLUMNSTORE");
    if (!parser_key_list(p, &index.columns, &index.column_count) || !index_options(p, &index)) return false;
    PARSER_PUSH(p, t->indexes, t->index_count, index);
    return true;
}

/* WITH (DATA_COMPRESSION = PAGE, …): what is about storage alone has nothing to change here. */
static bool table_options(Parser *p) {
    static const char *const refused[] = {"SYSTEM_VERSIONING", "MEMORY_OPTIMIZED", "LEDGER"};
    if (!parser_at_words(p, "WITH (")) return true;
    p->at++;
    for (size_t i = 1; parser_peek(p, i)->kind != TOKEN_END && parser_peek(p, i)->symbol != ')'; i++)
        for (size_t j = 0; j < sizeof refused / sizeof *refused; j++)
            if (str_eq_icase(parser_peek(p, i)->text, str_from(refused[j])))
                return parser_unsupported(p, refused[j]);
    return skip_parentheses(p);
}

bool parser_table_body(Parser *p, AstCreateTable *ret) {
    if (parser_at_words(p, "AS FILETABLE")) return parser_unsupported(p, "AS FILETABLE");
    if (parser_at_words(p, "AS EDGE")) return parser_unsupported(p, "AS EDGE");
    if (!parser_expect_symbol(p, '(')) return false;
    do {
        if (parser_is_symbol(p, ')') && ret->column_count > 0) break; /* a trailing comma is allowed */
        if (parser_is_keyword(p, KW_INDEX)) {
            if (!inline_index(p, ret)) return false;
        } else if (at_table_constraint(p)) {
            AstConstraint c = {0};
            if (!table_constraint(p, &c)) return false;
            PARSER_PUSH(p, ret->constraints, ret->constraint_count, c);
        } else if (parser_is_word(p, "period")) {
            return parser_unsupported(p, "PERIOD FOR SYSTEM_TIME");
        } else {
            AstColumnDef c = {0};
            if (!column_def(p, &c)) return false;
            PARSER_PUSH(p, ret->columns, ret->column_count, c);
        }
    } while (parser_accept_symbol(p, ','));
    if (!parser_expect_symbol(p, ')')) return false;
    if (parser_at_words(p, "AS NODE")) return parser_unsupported(p, "AS NODE");
    if (parser_at_words(p, "AS EDGE")) return parser_unsupported(p, "AS EDGE");
    return filegroup(p) && table_options(p);
}

/* ---- ALTER TABLE ---- */

static bool alter_add(Parser *p, AstAlterTable *a) {
    a->kind = ALTER_ADD;
    do {
        if (at_table_constraint(p)) {
            AstConstraint c = {.with_nocheck = a->with_nocheck};
            if (!table_constraint(p, &c)) return false;
            c.with_nocheck = a->with_nocheck;
            PARSER_PUSH(p, a->constraints, a->constraint_count, c);
        } else {
            AstColumnDef c = {0};
            if (!column_def(p, &c)) return false;
            c.fills_old_rows = parser_accept_keyword(p, KW_WITH);
            if (c.fills_old_rows && !parser_expect_keyword(p, KW_VALUES)) return false;
            PARSER_PUSH(p, a->columns, a->column_count, c);
        }
    } while (parser_accept_symbol(p, ','));
    return true;
}

static bool if_exists(Parser *p, bool *ret) {
    *ret = parser_accept_keyword(p, KW_IF);
    return !*ret || parser_expect_keyword(p, KW_EXISTS);
}

/* DROP COLUMN a, b, CONSTRAINT c, d */
static bool alter_drop(Parser *p, AstAlterTable *a) {
    a->kind = ALTER_DROP;
    bool is_column = false, has_if = false;
    do {
        bool says_column = parser_accept_keyword(p, KW_COLUMN);
        bool says_constraint = !says_column && parser_accept_keyword(p, KW_CONSTRAINT);
        if (says_column || says_constraint) {
            is_column = says_column;
            if (!if_exists(p, &has_if)) return false;
        }
        AstDrop d = {.is_column = is_column, .if_exists = has_if};
        if (!parser_one_name(p, &d.name)) return false;
        PARSER_PUSH(p, a->drops, a->drop_count, d);
    } while (parser_accept_symbol(p, ','));
    return true;
}

static bool alter_column(Parser *p, AstAlterTable *a) {
    AstColumnDef c = {.line = parser_peek(p, 0)->line};
    a->kind = ALTER_COLUMN;
    if (!parser_expect_keyword(p, KW_COLUMN) || !parser_one_name(p, &c.name)) return false;
    if (parser_is_keyword(p, KW_ADD) || parser_is_keyword(p, KW_DROP))
        return parser_unsupported(p, "ALTER COLUMN … ADD or DROP");
    if (!column_type(p, &c)) return false;
    if (parser_accept_keyword(p, KW_COLLATE) && !parser_one_name(p, &c.collation)) return false;
    if ((parser_is_keyword(p, KW_NOT) || parser_is_keyword(p, KW_NULL)) && !nullability(p, &c)) return false;
    PARSER_PUSH(p, a->columns, a->column_count, c);
    return true;
}

static bool alter_check(Parser *p, AstAlterTable *a) {
    a->kind = ALTER_CHECK_CONSTRAINT;
    a->is_enable = parser_is_keyword(p, KW_CHECK);
    p->at++;
    if (!parser_expect_keyword(p, KW_CONSTRAINT)) return false;
    do {
        AstDrop d = {0};
        if (parser_accept_keyword(p, KW_ALL)) d.name = STR_LIT("ALL");
        else if (!parser_one_name(p, &d.name)) return false;
        PARSER_PUSH(p, a->drops, a->drop_count, d);
    } while (parser_accept_symbol(p, ','));
    return true;
}

bool parser_alter_table(Parser *p, AstStmt *s) {
    AstAlterTable *a = &s->u.alter_table;
    s->kind = STMT_ALTER_TABLE;
    p->at++;
    if (!parser_dotted_name(p, &a->name)) return false;
    if (parser_accept_keyword(p, KW_WITH)) {
        a->with_nocheck = parser_is_keyword(p, KW_NOCHECK);
        if (!a->with_nocheck && !parser_is_keyword(p, KW_CHECK)) return parser_fail(p);
        p->at++;
    }
    if (parser_accept_keyword(p, KW_ADD)) return alter_add(p, a);
    if (parser_accept_keyword(p, KW_DROP)) return alter_drop(p, a);
    if (parser_accept_keyword(p, KW_ALTER)) return alter_column(p, a);
    if (parser_is_keyword(p, KW_CHECK) || parser_is_keyword(p, KW_NOCHECK)) return alter_check(p, a);
    if (parser_is_keyword(p, KW_SET)) return parser_unsupported(p, "ALTER TABLE … SET");
    static const char *const refused[] = {"SWITCH", "REBUILD", "ENABLE", "DISABLE"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (parser_is_word(p, refused[i])) return parser_unsupported(p, refused[i]);
    return parser_fail(p);
}

/* ---- CREATE INDEX ---- */

bool parser_create_index(Parser *p, AstStmt *s) {
    AstCreateIndex *i = &s->u.create_index;
    s->kind = STMT_CREATE_INDEX;
    i->is_unique = parser_accept_keyword(p, KW_UNIQUE);
    i->clustered = clustered(p);
    if (parser_is_word(p, "columnstore")) return parser_unsupported(p, "COLUMNSTORE");
    if (!parser_expect_keyword(p, KW_INDEX) || !parser_one_name(p, &i->name) ||
        !parser_expect_keyword(p, KW_ON) || !parser_dotted_name(p, &i->table) ||
        !parser_key_list(p, &i->columns, &i->column_count))
        return false;
    if (parser_accept_word(p, "include") && !parser_name_list(p, &i->include, &i->include_count))
        return false;
    if (parser_accept_keyword(p, KW_WHERE)) {
        size_t from = p->at;
        if (!(i->where = parser_condition_expr(p))) return false;
        i->where_text = parser_text_since(p, from);
    }
    return index_options(p, i) && filegroup(p);
}
