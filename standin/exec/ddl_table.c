/* CREATE TABLE and DROP TABLE, and a table's parts from their syntax: columns, keys, constraints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/ddl_internal.h"
#include "standin/exec/index_filter.h"
#include "standin/store/table_sql.h"
#include "standin/tsql/expr_text.h"
#include "standin/types/collation.h"

/* ---- names that the engine makes up: DF__table__column__3B75D760, as SQL Server does */

static char *make_name(const char *kind, const Table *t, Str column, int32_t object_id) {
    Str name = str_sub(str_from(t->name), 0, 9);
    uint32_t tail = (uint32_t)object_id * 2654435761u;
    if (column.n)
        return x_asprintf("%s__" STR_FMT "__" STR_FMT "__%08X", kind, STR_ARG(name),
                          STR_ARG(str_sub(column, 0, 5)), tail);
    return x_asprintf("%s__" STR_FMT "__%08X%08X", kind, STR_ARG(name), tail, (uint32_t)object_id);
}

static char *name_or_made(const AstConstraint *c, const char *kind, const Table *t, Str column,
                          int32_t object_id) {
    return c->name.n ? str_dup(c->name) : make_name(kind, t, column, object_id);
}

/* ---- columns */

/* (…) printed from the tree, or around the text as it was written where the tree has no such form. */
static char *definition(const AstExpr *x, Str written) {
    CLEANUP(buf_done) Buf text = {0};
    if (exprtext_write(x, &text)) return x_asprintf("(%s)", buf_text(&text));
    return x_asprintf("(" STR_FMT ")", STR_ARG(written));
}

static bool is_identity_type(const Type *t) {
    bool is_int =
        t->id == TYPE_TINYINT || t->id == TYPE_SMALLINT || t->id == TYPE_INT || t->id == TYPE_BIGINT;
    bool is_decimal = t->id == TYPE_DECIMAL || t->id == TYPE_NUMERIC;
    return is_int || (is_decimal && t->scale == 0);
}

bool ddltable_type(Session *s, Table *t, const AstColumnDef *def, Type *ret, const UserType **ret_alias,
                   SqlError *e) {
    const Database *own = t->kind == TABLE_VARIABLE
                              ? session_current_database(s)
                              : catalog_database_by_id(session_catalog(s), t->database_id);
    if (!ddltype_resolve(own, &def->type, t->column_count + 1, ret, ret_alias, e)) return false;
    if (*ret_alias && def->collation.n)
        return sql_error_set(e, 452, 16, 1, "COLLATE clause cannot be used on user-defined data types.");
    if (def->computed) {
        BindRelation *r = host_relation_of(s, t, &s->scratch);
        bool is_nullable;
        if (!bind_type(&s->host, &s->scratch, r, def->computed, ret, &is_nullable, e)) return false;
    }
    if (!def->collation.n) {
        /* 0, the server's default, stays: it is also the one of databases without another. */
        const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
        if (d && type_is_text(ret->id) && ret->id != TYPE_XML && !ret->collation)
            ret->collation = d->collation;
        return true;
    }
    if (!type_is_text(ret->id))
        return sql_error_set(e, 452, 16, 1, "COLLATE clause cannot be used on user-defined data types.");
    ret->collation = collation_by_name(def->collation);
    return ret->collation != COLLATION_NONE ||
           sql_error_set(e, 448, 16, 3, "Invalid collation '" STR_FMT "'.", STR_ARG(def->collation));
}

static bool check_identity(const Table *t, const AstColumnDef *def, const Type *type, SqlError *e) {
    if (!def->is_identity) return true;
    if (!is_identity_type(type))
        return sql_error_set(e, 2749, 16, 2,
                             "Identity column '" STR_FMT
                             "' must be of data type int, bigint, smallint, tinyint, or "
                             "decimal or numeric with a scale of 0, and constrained to be nonnullable.",
                             STR_ARG(def->name));
    if (table_identity(t))
        return sql_error_set(
            e, 2744, 16, 2,
            "Multiple identity columns specified for table '%s'. Only one identity column per table "
            "is allowed.",
            t->name);
    if (def->is_null_given && def->is_nullable)
        return sql_error_set(e, 8147, 16, 1,
                             "Could not create IDENTITY attribute on nullable column '" STR_FMT
                             "', table '%s'.",
                             STR_ARG(def->name), t->name);
    if (def->identity_increment == 0)
        return sql_error_set(e, 2753, 16, 1, "Identity column '" STR_FMT "' contains invalid INCREMENT.",
                             STR_ARG(def->name));
    return true;
}

/* What sparse columns and rowversion may not be. */
static bool check_kind(const Table *t, const AstColumnDef *def, const Type *type, SqlError *e) {
    for (size_t i = 0; type->id == TYPE_ROWVERSION && i < t->column_count; i++)
        if (t->columns[i].type.id == TYPE_ROWVERSION)
            return sql_error_set(
                e, 2738, 16, 2,
                "A table can only have one timestamp column. Because table '%s' already has one, "
                "the column '" STR_FMT "' cannot be added.",
                t->name, STR_ARG(def->name));
    if (!def->is_sparse) return true;
    bool is_bad = def->is_identity || def->is_rowguidcol || def->computed ||
                  (def->is_null_given && !def->is_nullable) || type->id == TYPE_ROWVERSION ||
                  type->id == TYPE_TEXT || type->id == TYPE_NTEXT || type->id == TYPE_IMAGE ||
                  type->id == TYPE_GEOMETRY || type->id == TYPE_GEOGRAPHY || def->type.alias.name.n;
    for (size_t i = 0; i < def->constraint_count; i++)
        is_bad |= def->constraints[i].kind == CONSTRAINT_DEFAULT;
    return !is_bad ||
           sql_error_set(
               e, 1731, 16, 1,
               "Cannot create the sparse column '" STR_FMT
               "' in the table '%s' because an option or data type specified is not valid. A sparse "
               "column must be nullable and cannot have the ROWGUIDCOL, IDENTITY, or FILESTREAM "
               "properties. A sparse column cannot be of the following data types: text, ntext, image, "
               "geometry, geography, or user-defined type.",
               STR_ARG(def->name), t->name);
}

bool ddltable_add_column(Session *s, Table *t, const AstColumnDef *def, SqlError *e) {
    if (table_column(t, def->name))
        return sql_error_set(e, 2705, 16, 3,
                             "Column names in each table must be unique. Column name '" STR_FMT
                             "' in table '%s' is specified more than once.",
                             STR_ARG(def->name), t->name);
    if (t->column_count >= 1024)
        return sql_error_set(e, 1702, 16, 1,
                             "CREATE TABLE failed because column '" STR_FMT
                             "' in table '%s' exceeds the maximum of "
                             "1024 columns.",
                             STR_ARG(def->name), t->name);
    Type type;
    const UserType *alias;
    if (!ddltable_type(s, t, def, &type, &alias, e) || !check_identity(t, def, &type, e) ||
        !check_kind(t, def, &type, e))
        return false;
    bool is_nullable = def->is_null_given ? def->is_nullable : !alias || alias->is_nullable;
    if (def->is_identity || (type.id == TYPE_ROWVERSION && !def->is_null_given)) is_nullable = false;
    Column *c = table_add_column(t, def->name, &type, is_nullable);
    c->user_type_id = alias ? alias->id : 0;
    c->is_sparse = def->is_sparse;
    c->is_identity = def->is_identity;
    c->identity_seed = def->identity_seed;
    c->identity_step = def->identity_increment;
    c->is_rowguid = def->is_rowguidcol;
    c->is_computed = def->computed != NULL;
    c->is_persisted = def->is_persisted;
    if (c->is_computed) c->computed_sql = definition(def->computed, def->computed_text);
    return true;
}

/* ---- keys */

static Column *column_named(Table *t, Str name) {
    return (Column *)table_column(t, name);
}

static bool key_columns(Table *t, Index *x, const AstKeyColumn *columns, size_t count, const Str *include,
                        size_t include_count, SqlError *e) {
    x->columns = x_calloc(count + include_count, sizeof *x->columns);
    x->key_count = count;
    x->column_count = count + include_count;
    for (size_t i = 0; i < x->column_count; i++) {
        Str name = i < count ? columns[i].name : include[i - count];
        const Column *c = table_column(t, name);
        if (!c)
            return sql_error_set(e, 1911, 16, 1,
                                 "Column name '" STR_FMT "' does not exist in the target table or view.",
                                 STR_ARG(name));
        x->columns[i] = (IndexColumn){.column_id = c->id,
                                      .is_descending = i < count && columns[i].is_descending,
                                      .is_included = i >= count};
    }
    return true;
}

static bool has_clustered(const Table *t) {
    for (size_t i = 0; i < t->index_count; i++)
        if (t->indexes[i].is_clustered) return true;
    return false;
}

static void set_clustered(const Table *t, Index *x, bool is_clustered) {
    (void)t;
    x->is_clustered = is_clustered;
    if (is_clustered) x->id = 1;
}

static bool add_key(Session *s, Table *t, const AstConstraint *c, const AstColumnDef *of, SqlError *e) {
    bool is_primary = c->kind == CONSTRAINT_PRIMARY_KEY;
    if (is_primary && table_primary_key(t))
        return sql_error_set(e, 1779, 16, 0, "Table '%s' already has a primary key defined on it.", t->name);
    bool had_clustered = has_clustered(t);
    if (c->clustered == CLUSTERED_YES && had_clustered)
        return sql_error_set(e, 1902, 16, 3, "Cannot create more than one clustered index on table '%s'.",
                             t->name);
    int32_t object_id = catalog_new_object_id(session_catalog(s));
    CLEANUP_FREE char *name = name_or_made(c, is_primary ? "PK" : "UQ", t, (Str){0}, object_id);
    if (table_index(t, str_from(name)))
        return sql_error_set(e, 2714, 16, 5, "There is already an object named '%s' in the database.", name);
    AstKeyColumn own = {.name = of ? of->name : (Str){0}};
    const AstKeyColumn *columns = c->column_count ? c->columns : &own;
    Index *x = table_add_index(t, str_from(name));
    x->object_id = object_id;
    x->is_unique = true;
    x->is_primary_key = is_primary;
    x->is_unique_constraint = !is_primary;
    set_clustered(t, x,
                  c->clustered == CLUSTERED_YES ||
                      (is_primary && c->clustered == CLUSTERED_UNSAID && !had_clustered));
    if (!key_columns(t, x, columns, c->column_count ? c->column_count : 1, NULL, 0, e)) return false;
    for (size_t i = 0; is_primary && i < x->key_count; i++) {
        Column *column = column_named(t, columns[i].name);
        if (of && of->is_null_given && of->is_nullable)
            return sql_error_set(e, 8111, 16, 1,
                                 "Cannot define PRIMARY KEY constraint on nullable column in table '%s'.",
                                 t->name);
        if (column->is_nullable && t->version)
            return sql_error_set(e, 8111, 16, 1,
                                 "Cannot define PRIMARY KEY constraint on nullable column in table '%s'.",
                                 t->name);
        column->is_nullable = false;
    }
    return true;
}

bool ddltable_add_index(Session *s, Table *t, const AstCreateIndex *a, SqlError *e) {
    if (table_index(t, a->name))
        return sql_error_set(e, 1913, 16, 1,
                             "The operation failed because an index or statistics with name '" STR_FMT
                             "' already exists on table '%s'.",
                             STR_ARG(a->name), t->name);
    if (a->clustered == CLUSTERED_YES && has_clustered(t))
        return sql_error_set(e, 1902, 16, 3, "Cannot create more than one clustered index on table '%s'.",
                             t->name);
    Index *x = table_add_index(t, a->name);
    x->is_unique = a->is_unique;
    set_clustered(t, x, a->clustered == CLUSTERED_YES);
    return key_columns(t, x, a->columns, a->column_count, a->include, a->include_count, e) &&
           (!a->where || indexfilter_set(s, t, x, a->where, e));
}

const Index *ddltable_unique_on(const Table *t, const int32_t *column_ids, size_t count) {
    for (size_t i = 0; i < t->index_count; i++) {
        const Index *x = &t->indexes[i];
        bool is_it = x->is_unique && !x->filter && x->key_count == count;
        for (size_t k = 0; is_it && k < count; k++) {
            bool has = false;
            for (size_t j = 0; j < count; j++) has |= x->columns[k].column_id == column_ids[j];
            is_it = has;
        }
        if (is_it) return x;
    }
    return NULL;
}

/* ---- FOREIGN KEY, CHECK, DEFAULT */

static KeyAction action_of(AstAction a) {
    return a == ACTION_CASCADE       ? KEY_CASCADE
           : a == ACTION_SET_NULL    ? KEY_SET_NULL
           : a == ACTION_SET_DEFAULT ? KEY_SET_DEFAULT
                                     : KEY_NO_ACTION;
}

static bool fill_foreign_key(Session *s, Table *t, ForeignKey *k, const Table *to, const AstConstraint *c,
                             const AstColumnDef *of, SqlError *e) {
    const Index *key = table_primary_key(to);
    for (size_t i = 0; i < k->count; i++) {
        Str name = c->column_count ? c->columns[i].name : of->name;
        const Column *here = table_column(t, name);
        const Column *there = NULL;
        if (c->referenced_count) there = table_column(to, c->referenced[i]);
        else if (key && key->key_count == k->count) there = table_column_by_id(to, key->columns[i].column_id);
        if (!here || !there)
            return sql_error_set(e, here ? 1770 : 1769, 16, 1,
                                 "Foreign key '%s' references invalid column '" STR_FMT "' in %s table '%s'.",
                                 k->name, STR_ARG(here && c->referenced_count ? c->referenced[i] : name),
                                 here ? "referenced" : "referencing", here ? to->name : t->name);
        if (here->type.id != there->type.id)
            return sql_error_set(
                e, 1778, 16, 0,
                "Column '%s.%s' is not the same data type as referencing column '%s.%s' in foreign key "
                "'%s'.",
                to->name, there->name, t->name, here->name, k->name);
        k->columns[i] = here->id;
        k->referenced_columns[i] = there->id;
    }
    if (ddltable_unique_on(to, k->referenced_columns, k->count)) return true;
    return sql_error_set(
        e, 1776, 16, 0,
        "There are no primary or candidate keys in the referenced table '%s.%s' that match the "
        "referencing column list in the foreign key '%s'.",
        session_schema_name(s, to), to->name, k->name);
}

static bool add_foreign_key(Session *s, Table *t, const AstConstraint *c, const AstColumnDef *of,
                            SqlError *e) {
    bool is_self = str_eq_icase(c->references.name, str_from(t->name)) && !c->references.database.n;
    const Table *to = is_self ? t : session_resolve(s, &c->references, e);
    int32_t object_id = catalog_new_object_id(session_catalog(s));
    CLEANUP_FREE char *name = name_or_made(c, "FK", t, of ? of->name : c->columns[0].name, object_id);
    if (!to || to->database_id != t->database_id)
        return sql_error_set(e, 1767, 16, 0, "Foreign key '%s' references invalid table '" STR_FMT "'.", name,
                             STR_ARG(c->references.name));
    bool acts = c->on_delete != ACTION_NONE || c->on_update != ACTION_NONE;
    if (is_self && acts)
        return sql_error_set(
            e, 1785, 16, 0,
            "Introducing FOREIGN KEY constraint '%s' on table '%s' may cause cycles or multiple "
            "cascade paths. Specify ON DELETE NO ACTION or ON UPDATE NO ACTION, or modify other "
            "FOREIGN KEY constraints.",
            name, t->name);
    size_t count = c->column_count ? c->column_count : 1;
    if (c->referenced_count && c->referenced_count != count)
        return sql_error_set(
            e, 8139, 16, 0,
            "Number of referencing columns in foreign key differs from number of referenced columns, "
            "table '%s'.",
            t->name);
    ForeignKey *k = table_add_foreign_key(t, str_from(name), count);
    k->object_id = object_id;
    k->referenced_id = to->object_id;
    k->on_delete = action_of(c->on_delete);
    k->on_update = action_of(c->on_update);
    k->is_not_trusted = c->with_nocheck;
    return fill_foreign_key(s, t, k, to, c, of, e);
}

static bool is_number(const AstExpr *x) {
    if (x->kind == EXPR_UNARY) return is_number(x->u.unary.operand);
    return x->kind == EXPR_LITERAL && !type_is_text(x->u.literal.type.id) &&
           !type_is_binary(x->u.literal.type.id);
}

/* Does the first parenthesis close with the last? */
static bool is_enclosed(Str s) {
    int depth = 0;
    char quote = '\0';
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quote ? c == quote : c == '\'' || c == '"') quote = quote ? '\0' : c;
        else if (!quote && c == '(') depth++;
        else if (!quote && c == ')' && --depth == 0) return i == s.n - 1;
        if (depth == 0 && !quote) return false;
    }
    return false;
}

/* As SQL Server keeps it: (getdate()), ('x'), ((0)). */
static char *default_text(const AstConstraint *c) {
    CLEANUP(buf_done) Buf printed = {0};
    if (exprtext_write(c->expr, &printed)) return x_asprintf("(%s)", buf_text(&printed));
    Str text = str_trim(c->expr_text);
    while (text.n > 2 && is_enclosed(text)) text = str_trim(str_sub(text, 1, text.n - 2));
    if (is_number(c->expr)) return x_asprintf("((" STR_FMT "))", STR_ARG(text));
    return x_asprintf("(" STR_FMT ")", STR_ARG(text));
}

static bool add_default(Session *s, Table *t, const AstConstraint *c, const AstColumnDef *of, SqlError *e) {
    Str name = of ? of->name : c->for_column;
    Column *column = column_named(t, name);
    if (!column)
        return sql_error_set(e, 1752, 16, 0,
                             "Column '" STR_FMT
                             "' in table '%s' is invalid for creating a default constraint.",
                             STR_ARG(name), t->name);
    if (column->default_sql)
        return sql_error_set(e, 1781, 16, 1, "Column already has a DEFAULT bound to it.");
    if (column->is_identity)
        return sql_error_set(
            e, 1754, 16, 0,
            "Defaults cannot be created on columns with an IDENTITY attribute. Table '%s', column "
            "'%s'.",
            t->name, column->name);
    column->default_object_id = catalog_new_object_id(session_catalog(s));
    column->default_name = name_or_made(c, "DF", t, name, column->default_object_id);
    column->default_sql = default_text(c);
    return true;
}

bool ddltable_add_constraint(Session *s, Table *t, const AstConstraint *c, const AstColumnDef *of,
                             SqlError *e) {
    switch (c->kind) {
    case CONSTRAINT_PRIMARY_KEY:
    case CONSTRAINT_UNIQUE: return add_key(s, t, c, of, e);
    case CONSTRAINT_FOREIGN_KEY: return add_foreign_key(s, t, c, of, e);
    case CONSTRAINT_DEFAULT: return add_default(s, t, c, of, e);
    case CONSTRAINT_CHECK: {
        int32_t object_id = catalog_new_object_id(session_catalog(s));
        CLEANUP_FREE char *name = name_or_made(c, "CK", t, of ? of->name : (Str){0}, object_id);
        CLEANUP_FREE char *sql = definition(c->expr, c->expr_text);
        Check *check = table_add_check(t, str_from(name), str_from(sql));
        check->object_id = object_id;
        check->column_id = of ? table_column(t, of->name)->id : 0;
        /* Names are resolved now, so that a wrong one is told here. */
        BindRelation *r = host_relation_of(s, t, &s->scratch);
        BoundQuery ignored;
        return bind_row(&s->host, &s->scratch, r, c->expr, /* is_condition= */ true, NULL, &ignored, e);
    }
    }
    return true;
}

bool ddltable_add_column_constraints(Session *s, Table *t, const AstColumnDef *def, SqlError *e) {
    for (size_t i = 0; i < def->constraint_count; i++)
        if (!ddltable_add_constraint(s, t, &def->constraints[i], def, e)) return false;
    return true;
}

static bool build(Session *s, const AstCreateTable *c, Table *t, SqlError *e) {
    for (size_t i = 0; i < c->column_count; i++)
        if (!ddltable_add_column(s, t, &c->columns[i], e)) return false;
    /* Keys first: a foreign key may point to the table itself. */
    for (int keys = 1; keys >= 0; keys--) {
        for (size_t i = 0; i < c->column_count; i++)
            for (size_t j = 0; j < c->columns[i].constraint_count; j++) {
                const AstConstraint *k = &c->columns[i].constraints[j];
                bool is_key = k->kind == CONSTRAINT_PRIMARY_KEY || k->kind == CONSTRAINT_UNIQUE;
                if (is_key == keys && !ddltable_add_constraint(s, t, k, &c->columns[i], e)) return false;
            }
        for (size_t i = 0; i < c->constraint_count; i++) {
            const AstConstraint *k = &c->constraints[i];
            bool is_key = k->kind == CONSTRAINT_PRIMARY_KEY || k->kind == CONSTRAINT_UNIQUE;
            if (is_key == keys && !ddltable_add_constraint(s, t, k, NULL, e)) return false;
        }
    }
    for (size_t i = 0; i < c->index_count; i++)
        if (!ddltable_add_index(s, t, &c->indexes[i], e)) return false;
    return true;
}

Table *ddl_build_table(Session *s, const AstCreateTable *c, Table *t, SqlError *e) {
    if (!build(s, c, t, e)) return table_free(t);
    tablesql_choose_rowid(t);
    return t;
}

/* ---- tables of the session alone */

bool ddl_create_local(Session *s, Table *t, SqlError *e) {
    free(t->sql_name);
    t->sql_name = x_asprintf("temp.t%d", t->object_id);
    CLEANUP(buf_done) Buf sql = {0};
    tablesql_create_table(t, &sql);
    for (size_t i = 0; i < t->index_count; i++) tablesql_create_index(t, &t->indexes[i], &sql);
    if (sqlite3_exec(s->db, buf_text(&sql), NULL, NULL, NULL) != SQLITE_OK) {
        (void)table_free(t);
        return store_sqlite_error(s->db, "make a temporary table", e);
    }
    TempTable *temp = x_calloc(1, sizeof *temp);
    *temp = (TempTable){.next = s->temps, .table = t, .born = ++s->temp_version};
    s->temps = temp;
    return true;
}

void ddl_drop_temp(Session *s, Table *t) {
    for (TempTable **at = &s->temps; *at; at = &(*at)->next) {
        TempTable *temp = *at;
        if (temp->table != t) continue;
        CLEANUP_FREE char *sql = x_asprintf("DROP TABLE IF EXISTS %s", t->sql_name);
        stmtcache_clear(txn_statements(s->txn));
        txn_overlay_discard(s->txn, t->object_id);
        (void)sqlite3_exec(s->db, sql, NULL, NULL, NULL);
        *at = temp->next;
        free(temp);
        (void)table_free(t);
        s->temp_version++;
        return;
    }
}

void ddl_drop_temps(Session *s) {
    while (s->temps) ddl_drop_temp(s, s->temps->table);
}

/* ---- CREATE TABLE, DROP TABLE */

bool ddl_create_table(Session *s, const AstStmt *st, SqlError *e) {
    const AstCreateTable *c = &st->u.create_table;
    bool is_local = c->name.name.n && c->name.name.p[0] == '#';
    const Database *d;
    const Schema *schema;
    int32_t object_id = catalog_new_object_id(session_catalog(s));
    Table *t;
    if (is_local) {
        if (session_temp_table(s, c->name.name))
            return sql_error_set(e, 2714, 16, 6,
                                 "There is already an object named '" STR_FMT "' in the database.",
                                 STR_ARG(c->name.name));
        t = table_new(object_id, CATALOG_TEMPDB, CATALOG_SCHEMA_DBO, c->name.name);
        t->kind = TABLE_TEMP;
        t = ddl_build_table(s, c, t, e);
        return t && ddl_create_local(s, t, e);
    }
    if (!session_resolve_schema(s, &c->name, &d, &schema, e) ||
        !ddl_may_create(s, d, schema, "CREATE TABLE", e) || !ddl_name_is_free(s, d, schema, c->name.name, e))
        return false;
    t = ddl_build_table(s, c, table_new(object_id, d->id, schema->id, c->name.name), e);
    return t && session_create_table(s, t, e);
}

static bool drop_one(Session *s, const AstStmt *st, const AstName *name, bool if_exists, SqlError *e) {
    SqlError missing = {0};
    const Table *t = session_resolve(s, name, &missing);
    if (!t) {
        if (if_exists) return true;
        return sql_error_set(e, 3701, 11, 5,
                             "Cannot drop the table '" STR_FMT
                             "', because it does not exist or you do not have "
                             "permission.",
                             STR_ARG(name->name));
    }
    if (t->kind == TABLE_TEMP) {
        ddl_drop_temp(s, (Table *)t);
        return true;
    }
    if (t->kind == TABLE_VIEW) {
        CLEANUP(buf_done) Buf shown = {0};
        if (name->schema.n) buf_printf(&shown, STR_FMT ".", STR_ARG(name->schema));
        buf_str(&shown, name->name);
        return sql_error_set(e, 3705, 16, 1,
                             "Cannot use DROP TABLE with '%s' because '%s' is a view. Use DROP VIEW.",
                             buf_text(&shown), buf_text(&shown));
    }
    const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
    if ((d && !ddl_may(s, d, t, "DROP TABLE", e)) || !ddl_check_not_cdc(s, t, "drop", e)) return false;
    int32_t at = 0;
    for (const Table *r; (r = catalog_next_referencing(session_catalog(s), t->object_id, &at));)
        if (r != t)
            return sql_error_set(e, 3726, 16, 1,
                                 "Could not drop object '" STR_FMT
                                 "' because it is referenced by a FOREIGN KEY "
                                 "constraint.",
                                 STR_ARG(name->name));
    int32_t object_id = t->object_id;
    return session_lock_table(s, object_id, e) &&
           ddl_log(s, t, st->text, /* altered_column= */ 0, /* is_drop= */ true, e) &&
           session_drop_table(s, object_id, e);
}

bool ddl_drop_tables(Session *s, const AstStmt *st, SqlError *e) {
    for (size_t i = 0; i < st->u.drop.count; i++)
        if (!drop_one(s, st, &st->u.drop.names[i], st->u.drop.if_exists, e)) return false;
    return true;
}
