#include "cli/leftover.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/tsql_expr.h"
#include "postgres/pgname.h"

typedef struct Work {
    const Extras *extras;
    const LeftoverTable *tables;
    size_t count;
    Leftover *out;
    TextList taken; /* index names that were given away, with their schema */
} Work;

const char *leftover_kind_name(LeftoverKind kind) {
    static const char *const names[LEFTOVER_KINDS] = {"sequence", "identity", "default",    "unique",
                                                      "index",    "check",    "foreign_key"};
    return names[kind];
}

/* ---- names ---- */

static const LeftoverTable *table_of(const Work *w, Str schema, Str table) {
    for (size_t i = 0; i < w->count; i++)
        if (str_eq(w->tables[i].schema->schema, schema) && str_eq(w->tables[i].schema->table, table))
            return &w->tables[i];
    return NULL;
}

/* The target's column, or NULL when it has none. */
static const PgColumn *column_of(const LeftoverTable *t, Str name, int *ret_place) {
    int i = schema_find(t->schema, name);
    int place = i < 0 ? -1 : t->target->places[i];
    if (ret_place) *ret_place = place;
    return place < 0 ? NULL : &t->target->table->columns[place];
}

static void quote_column(const PgColumn *c, Buf *sql) {
    pgname_quote(sql, str_from(c->name));
}

/* Constraints are named within their table. */
static void quote_name(Str name, Buf *sql) {
    CLEANUP(buf_done) Buf fitted = {0};
    pgname_fit(&fitted, name);
    pgname_quote(sql, buf_view(&fitted));
}

static bool is_there(const LeftoverTable *t, Str name) {
    CLEANUP(buf_done) Buf fitted = {0};
    pgname_fit(&fitted, name);
    return textlist_has(t->names, buf_view(&fitted));
}

/* Indexes are named within their schema in PostgreSQL, within their table in SQL Server: a name that comes
 * again gets its table's before it. */
static void index_name(Work *w, const LeftoverTable *t, Str name, Buf *ret) {
    CLEANUP(buf_done) Buf key = {0};
    buf_printf(&key, "%s." STR_FMT, t->target->table->schema, STR_ARG(name));
    if (textlist_has(&w->taken, buf_view(&key))) {
        CLEANUP(buf_done) Buf longer = {0};
        buf_printf(&longer, "%s_" STR_FMT, t->target->table->name, STR_ARG(name));
        pgname_fit(ret, buf_view(&longer));
        return;
    }
    textlist_add(&w->taken, buf_view(&key));
    pgname_fit(ret, name);
}

/* ---- adding ---- */

static void add(Work *w, LeftoverStatement s, Buf *sql, Buf *note) {
    Leftover *l = w->out;
    s.sql = sql && sql->n ? str_dup(buf_view(sql)) : NULL;
    s.note = note && note->n ? str_dup(buf_view(note)) : NULL;
    l->all = x_reallocarray(l->all, l->count + 1, sizeof *l->all);
    l->all[l->count++] = s;
}

/* What has no statement: what it is, and why. */
static void add_note(Work *w, LeftoverKind kind, const LeftoverTable *t, const Extra *x, const char *why) {
    CLEANUP(buf_done) Buf note = {0};
    buf_printf(&note, "%s " STR_FMT ": %s", leftover_kind_name(kind), STR_ARG(x->name), why);
    if (x->definition.n) buf_printf(&note, ": " STR_FMT, STR_ARG(x->definition));
    add(w, (LeftoverStatement){.kind = kind, .table = t->schema->qualified}, NULL, &note);
}

/* Append the names of the extra's key (or included, or parent's) columns; false when the target lacks one. */
typedef enum Part { PART_KEY, PART_PLAIN_KEY, PART_INCLUDED, PART_PARENT } Part;

static bool put_columns(const LeftoverTable *t, const Extra *x, Part part, Buf *sql) {
    bool is_first = true;
    for (size_t i = 0; i < x->column_count; i++) {
        const ExtraColumn *c = &x->columns[i];
        if (part != PART_PARENT && c->is_included != (part == PART_INCLUDED)) continue;
        const PgColumn *column = column_of(t, part == PART_PARENT ? c->parent : c->name, NULL);
        if (!column) return false;
        if (!is_first) buf_cstr(sql, ", ");
        is_first = false;
        quote_column(column, sql);
        if (c->is_descending && part == PART_KEY) buf_cstr(sql, " DESC");
    }
    return true;
}

/* ---- identity ---- */

/* The next value that SQL Server would give. */
static void next_value(const Extra *x, Buf *out) {
    if (!x->last.p) buf_str(out, x->seed);
    else {
        Err unused;
        int64_t last, step;
        if (str_to_i64(x->last, INT64_MIN / 2, INT64_MAX / 2, &last, &unused) &&
            str_to_i64(x->increment, INT32_MIN, INT32_MAX, &step, &unused))
            buf_printf(out, "%lld", (long long)(last + step));
    }
}

static void find_identity(Work *w, const LeftoverTable *t, const Extra *x) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf next = {0};
    CLEANUP(buf_done) Buf note = {0};
    const PgColumn *c = column_of(t, x->columns[0].name, NULL);
    next_value(x, &next);
    if (!c || next.n == 0) {
        add_note(w, LEFTOVER_IDENTITY, t, x, c ? "its values are beyond bigint" : "not in the target");
        return;
    }
    const ExtrasPgSequence *s = &t->sequence;
    LeftoverStatement statement = {.table = t->schema->qualified, .is_certain = true};
    if (s->name) {
        statement.kind = LEFTOVER_SEQUENCE;
        if (!s->is_called && strcmp(s->last, buf_text(&next)) == 0) return; /* it stands there */
        buf_printf(&sql, "SELECT setval('");
        for (const char *p = s->name; *p; p++) buf_printf(&sql, *p == '\'' ? "''" : "%c", *p);
        buf_printf(&sql, "', %s, false)", buf_text(&next));
        if (!str_eq_c(x->increment, s->increment))
            buf_printf(&note, "it counts by %s in the target, by " STR_FMT " in SQL Server", s->increment,
                       STR_ARG(x->increment));
        add(w, statement, &sql, &note);
        return;
    }
    bool is_whole = c->type.kind == PGKIND_INT2 || c->type.kind == PGKIND_INT4 || c->type.kind == PGKIND_INT8;
    statement.kind = LEFTOVER_IDENTITY;
    statement.is_certain = is_whole && c->is_not_null && !c->has_default;
    if (!is_whole)
        buf_printf(&note, "PostgreSQL has no identity of type %s: a sequence as default does it",
                   c->type.name);
    else if (c->has_default) buf_printf(&note, "the column has another default");
    else if (!c->is_not_null) buf_printf(&note, "the column has to be NOT NULL first");
    buf_printf(&sql, "ALTER TABLE %s ALTER COLUMN ", t->target->qualified);
    quote_column(c, &sql);
    buf_printf(&sql, " ADD GENERATED BY DEFAULT AS IDENTITY (START WITH %s INCREMENT BY " STR_FMT "%s)",
               buf_text(&next), STR_ARG(x->increment),
               x->increment.p[0] == '-' ? " NO MINVALUE NO MAXVALUE" : "");
    add(w, statement, &sql, &note);
}

/* ---- defaults ---- */

static void find_default(Work *w, const LeftoverTable *t, const Extra *x) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf value = {0};
    CLEANUP(buf_done) Buf note = {0};
    const PgColumn *c = column_of(t, x->columns[0].name, NULL);
    if (!c) {
        add_note(w, LEFTOVER_DEFAULT, t, x, "its column isn't in the target");
        return;
    }
    if (c->has_default) return;
    const char *why;
    TsqlTrust trust = tsql_expr_default(x->definition, c->type.kind, &value, &why);
    if (trust == TSQL_CERTAIN && value.n == 0) return;
    if (why)
        buf_printf(&note, "%s.%s DEFAULT " STR_FMT ": %s", t->schema->qualified, c->name,
                   STR_ARG(x->definition), why);
    if (trust != TSQL_UNKNOWN) {
        buf_printf(&sql, "ALTER TABLE %s ALTER COLUMN ", t->target->qualified);
        quote_column(c, &sql);
        buf_printf(&sql, " SET DEFAULT %s", buf_text(&value));
    }
    add(w,
        (LeftoverStatement){
            .kind = LEFTOVER_DEFAULT, .table = t->schema->qualified, .is_certain = trust == TSQL_CERTAIN},
        &sql, &note);
}

/* ---- conditions ---- */

typedef struct Finder {
    const Work *work;
    const LeftoverTable *table;
} Finder;

static bool find_column(const void *arg, Str name, TsqlColumn *ret) {
    const Finder *f = arg;
    const Schema *s = f->table->schema;
    const PgColumn *c = column_of(f->table, name, NULL);
    if (!c) return false;
    *ret = (TsqlColumn){.name = str_from(c->name),
                        .kind = c->type.kind,
                        .is_case_blind = extras_is_case_blind(f->work->extras, s->schema, s->table, name)};
    return true;
}

static TsqlTrust put_condition(const Work *w, const LeftoverTable *t, Str condition, Buf *sql, Buf *note) {
    const Finder finder = {w, t};
    const char *why;
    TsqlTrust trust = tsql_expr_condition(condition, find_column, &finder, sql, &why);
    if (why) buf_printf(note, "%s" STR_FMT ": %s", note->n ? "; " : "", STR_ARG(condition), why);
    return trust;
}

static void find_check(Work *w, const LeftoverTable *t, const Extra *x) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf note = {0};
    if (is_there(t, x->name)) return;
    buf_printf(&sql, "ALTER TABLE %s ADD CONSTRAINT ", t->target->qualified);
    quote_name(x->name, &sql);
    buf_cstr(&sql, " CHECK (");
    TsqlTrust trust = put_condition(w, t, x->definition, &sql, &note);
    buf_cstr(&sql, x->is_not_trusted ? ") NOT VALID" : ")");
    if (x->is_disabled) buf_printf(&note, "%sdisabled in SQL Server", note.n ? "; " : "");
    if (trust == TSQL_UNKNOWN) add_note(w, LEFTOVER_CHECK, t, x, "to be translated by hand");
    else
        add(w,
            (LeftoverStatement){.kind = LEFTOVER_CHECK,
                                .table = t->schema->qualified,
                                .is_certain = trust == TSQL_CERTAIN && !x->is_disabled},
            &sql, &note);
}

/* ---- indexes ---- */

/* Whether the target has a unique index on just these columns. */
static bool has_unique(const LeftoverTable *t, const Extra *x) {
    uint16_t places[32 + 1];
    size_t n = 0;
    for (size_t i = 0; i < x->column_count && n < 32; i++) {
        int place;
        if (x->columns[i].is_included) continue;
        if (!column_of(t, x->columns[i].name, &place)) return false;
        places[n++] = (uint16_t)place;
    }
    return catalog_pg_has_unique(t->target->table, places, n);
}

static bool has_case_blind(const Work *w, const Extra *x) {
    for (size_t i = 0; i < x->column_count; i++)
        if (!x->columns[i].is_included &&
            extras_is_case_blind(w->extras, x->schema, x->table, x->columns[i].name))
            return true;
    return false;
}

/* Notes of a unique index: what SQL Server's forbids and PostgreSQL's doesn't. */
static void note_unique(const Work *w, const LeftoverTable *t, const Extra *x, Buf *note) {
    if (has_case_blind(w, x)) buf_cstr(note, "SQL Server's is without regard to case, this one isn't");
    for (size_t i = 0; i < x->column_count; i++) {
        const PgColumn *c = column_of(t, x->columns[i].name, NULL);
        if (x->columns[i].is_included || !c || c->is_not_null) continue;
        buf_printf(note, "%sSQL Server takes one NULL only: NULLS NOT DISTINCT (PostgreSQL 15) would, too",
                   note->n ? "; " : "");
        return;
    }
}

static bool put_constraint(const LeftoverTable *t, const Extra *x, Str name, Buf *sql) {
    buf_printf(sql, "ALTER TABLE %s ADD CONSTRAINT ", t->target->qualified);
    pgname_quote(sql, name);
    buf_cstr(sql, x->is_primary_key ? " PRIMARY KEY (" : " UNIQUE (");
    bool ok = put_columns(t, x, PART_PLAIN_KEY, sql);
    buf_cstr(sql, ")");
    return ok;
}

static bool put_index(const LeftoverTable *t, const Extra *x, Str name, Buf *sql) {
    buf_printf(sql, "CREATE %sINDEX ", x->is_unique ? "UNIQUE " : "");
    pgname_quote(sql, name);
    buf_printf(sql, " ON %s (", t->target->qualified);
    if (!put_columns(t, x, PART_KEY, sql)) return false;
    buf_cstr(sql, ")");
    size_t before = sql->n;
    buf_cstr(sql, " INCLUDE (");
    size_t empty = sql->n;
    if (!put_columns(t, x, PART_INCLUDED, sql)) return false;
    if (sql->n == empty) sql->n = before;
    else buf_cstr(sql, ")");
    return true;
}

static void find_index(Work *w, const LeftoverTable *t, const Extra *x) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf name = {0};
    CLEANUP(buf_done) Buf note = {0};
    LeftoverKind kind = x->is_unique ? LEFTOVER_UNIQUE : LEFTOVER_INDEX;
    index_name(w, t, x->name, &name);
    if (textlist_has(t->names, buf_view(&name)) || (x->is_unique && !x->definition.n && has_unique(t, x)))
        return;
    if (!str_eq_c(x->type, "CLUSTERED") && !str_eq_c(x->type, "NONCLUSTERED")) {
        CLEANUP_FREE char *why = x_asprintf("a " STR_FMT " index has no counterpart", STR_ARG(x->type));
        add_note(w, kind, t, x, why);
        return;
    }
    bool ok = x->is_primary_key || x->is_constraint ? put_constraint(t, x, buf_view(&name), &sql)
                                                    : put_index(t, x, buf_view(&name), &sql);
    TsqlTrust trust = TSQL_CERTAIN;
    if (ok && x->definition.n) {
        buf_cstr(&sql, " WHERE ");
        trust = put_condition(w, t, x->definition, &sql, &note);
    }
    if (!ok || trust == TSQL_UNKNOWN) {
        add_note(w, kind, t, x,
                 ok ? "its filter is to be translated by hand" : "a column isn't in the target");
        return;
    }
    if (x->is_unique) note_unique(w, t, x, &note);
    if (x->is_disabled) buf_printf(&note, "%sdisabled in SQL Server", note.n ? "; " : "");
    add(w,
        (LeftoverStatement){.kind = kind,
                            .table = t->schema->qualified,
                            .is_certain = trust == TSQL_CERTAIN && !x->is_disabled},
        &sql, &note);
}

/* ---- foreign keys ---- */

static void put_action(const char *event, ExtraAction action, Buf *sql) {
    static const char *const names[] = {NULL, "CASCADE", "SET NULL", "SET DEFAULT"};
    if (action > EXTRA_NO_ACTION && action <= EXTRA_SET_DEFAULT)
        buf_printf(sql, " ON %s %s", event, names[action]);
}

static void find_foreign_key(Work *w, const LeftoverTable *t, const Extra *x) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf note = {0};
    const LeftoverTable *parent = table_of(w, x->parent_schema, x->parent_table);
    if (is_there(t, x->name)) return;
    if (!parent) {
        CLEANUP_FREE char *why = x_asprintf("it points to " STR_FMT "." STR_FMT ", which isn't copied",
                                            STR_ARG(x->parent_schema), STR_ARG(x->parent_table));
        add_note(w, LEFTOVER_FOREIGN_KEY, t, x, why);
        return;
    }
    buf_printf(&sql, "ALTER TABLE %s ADD CONSTRAINT ", t->target->qualified);
    quote_name(x->name, &sql);
    buf_cstr(&sql, " FOREIGN KEY (");
    bool ok = put_columns(t, x, PART_KEY, &sql);
    buf_printf(&sql, ") REFERENCES %s (", parent->target->qualified);
    ok = ok && put_columns(parent, x, PART_PARENT, &sql);
    buf_cstr(&sql, ")");
    put_action("DELETE", x->on_delete, &sql);
    put_action("UPDATE", x->on_update, &sql);
    if (!ok) {
        add_note(w, LEFTOVER_FOREIGN_KEY, t, x, "a column isn't in the target");
        return;
    }
    if (x->is_not_trusted) buf_cstr(&sql, " NOT VALID");
    if (x->is_disabled) buf_cstr(&note, "disabled in SQL Server");
    else if (x->is_not_trusted) buf_cstr(&note, "SQL Server has never checked all rows (is_not_trusted)");
    add(w,
        (LeftoverStatement){
            .kind = LEFTOVER_FOREIGN_KEY, .table = t->schema->qualified, .is_certain = !x->is_disabled},
        &sql, &note);
}

/* ---- all of them ---- */

static void find_one(Work *w, const Extra *x) {
    const LeftoverTable *t = table_of(w, x->schema, x->table);
    if (!t) return;
    switch (x->kind) {
    case EXTRA_IDENTITY: find_identity(w, t, x); return;
    case EXTRA_DEFAULT: find_default(w, t, x); return;
    case EXTRA_INDEX: find_index(w, t, x); return;
    case EXTRA_CHECK: find_check(w, t, x); return;
    case EXTRA_FOREIGN_KEY: find_foreign_key(w, t, x); return;
    }
}

/* Kinds in their order; within one as the catalog gave them. */
static void sort(Leftover *l) {
    LeftoverStatement *sorted = x_reallocarray(NULL, l->count + 1, sizeof *sorted);
    size_t n = 0;
    for (int kind = 0; kind < LEFTOVER_KINDS; kind++)
        for (size_t i = 0; i < l->count; i++)
            if ((int)l->all[i].kind == kind) sorted[n++] = l->all[i];
    free(l->all);
    l->all = sorted;
}

void leftover_find(const Extras *extras, const LeftoverTable *tables, size_t count, Leftover *ret) {
    *ret = (Leftover){0};
    Work w = {.extras = extras, .tables = tables, .count = count, .out = ret};
    for (size_t i = 0; i < extras->count; i++) find_one(&w, &extras->all[i]);
    textlist_done(&w.taken);
    sort(ret);
}

void leftover_done(Leftover *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->all[i].sql);
        free(l->all[i].note);
    }
    free(l->all);
    *l = (Leftover){0};
}

/* A comment ends with its line, whatever a name holds. */
static void put_comment(const char *text, Buf *out) {
    for (const char *p = text; *p; p++) buf_u8(out, *p == '\n' || *p == '\r' ? ' ' : (uint8_t)*p);
}

void leftover_print(const LeftoverStatement *s, Buf *out) {
    if (s->note) {
        buf_cstr(out, "-- ");
        put_comment(s->table, out);
        buf_cstr(out, ": ");
        put_comment(s->note, out);
        buf_u8(out, '\n');
    }
    if (s->sql && s->is_certain) buf_printf(out, "%s;\n", s->sql);
    else if (s->sql) {
        buf_cstr(out, "-- ");
        put_comment(s->sql, out);
        buf_cstr(out, ";\n");
    }
}
