/*
 * Opening goes in steps that need the one before: the table by its name, made or changed where that is
 * allowed; each column's place and encoding in it; the key, and whether what must be filled is; then the
 * statements (target_sql.h).
 */
#include "postgres/target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "postgres/ddl_pg.h"
#include "postgres/target_sql.h"

TargetShape *target_shape(Target *t, const uint64_t *absent) {
    size_t bytes = TARGET_WORDS(t->schema->column_count) * sizeof *absent;
    unsigned number = 0;
    TargetShape *shape = &t->shapes;
    for (;; shape = shape->next, number++) {
        if (memcmp(shape->absent, absent, bytes) == 0) return shape;
        if (!shape->next) break;
    }
    shape->next = x_calloc(1, sizeof *shape);
    shape = shape->next;
    shape->absent = x_malloc(bytes);
    memcpy(shape->absent, absent, bytes);
    target_sql_puts(t, shape, number + 1);
    return shape;
}

/* ---- the key ---- */

static bool add_key(Target *t, uint16_t column) {
    if (target_is_key(t, column)) return false;
    t->key[t->key_count++] = column;
    return true;
}

static bool find_field(const Schema *s, const char *field, uint16_t *ret, Err *e) {
    int at = schema_find(s, str_from(field));
    if (at < 0)
        return err_set(e, ERR_INVALID, false, "%s has no column %s, which pk.fields names", s->qualified,
                       field);
    *ret = (uint16_t)at;
    return true;
}

/* The target's key columns by pk.mode and pk.fields, into t->key. */
static bool choose_key(Target *t, Err *e) {
    const Schema *s = t->schema;
    const TextList *fields = t->rules->key_fields;
    t->key = x_calloc(s->column_count, sizeof *t->key);
    if (t->rules->key_mode == TARGET_KEY_NONE) return true;
    bool is_by_value = t->rules->key_mode == TARGET_KEY_RECORD_VALUE;
    if (!is_by_value && s->key_count == 0) return true; /* its rows are a bag */
    for (size_t i = 0; i < fields->count; i++) {
        uint16_t column = 0;
        if (!find_field(s, fields->items[i], &column, e)) return false;
        if (!is_by_value && s->columns[column].key == 0)
            return err_set(e, ERR_INVALID, false,
                           "%s: pk.fields names %s, which isn't in the key (pk.mode=record_key)",
                           s->qualified, fields->items[i]);
        (void)add_key(t, column);
    }
    if (fields->count > 0) return true;
    size_t count = is_by_value ? s->column_count : s->key_count;
    for (size_t i = 0; i < count; i++) (void)add_key(t, is_by_value ? (uint16_t)i : s->key[i]);
    return true;
}

/* How changes of the table are compacted: by its key, or by content. */
static void make_compact(Target *t) {
    const uint16_t *columns = t->is_bag ? t->removes.columns : t->key;
    size_t count = t->is_bag ? t->removes.count : t->key_count;
    t->compact_key = x_calloc(count + 1, sizeof *t->compact_key);
    for (size_t i = 0; i < count; i++) {
        const Column *c = &t->schema->columns[columns[i]];
        t->compact_key[i] = (CompactKey){.column = columns[i], .form = sqltype_form(c->type, c->precision)};
    }
    t->compact = (CompactTable){
        .key = t->compact_key,
        .key_count = count,
        .column_count = t->schema->column_count,
        .is_bag = t->is_bag,
        .is_bag_whole = t->is_bag && count == t->written_count,
        .what = t->schema->qualified,
    };
}

/* ---- fitting the table ---- */

/* The name that column has, or would have, in the target. */
static void wanted_name(const TargetRules *rules, const Schema *s, size_t column, Buf *out) {
    pgname_rule_column(rules->names, s->columns[column].name, out);
}

static DdlPgSource ddl_source(const Target *t) {
    return (DdlPgSource){.schema = t->schema,
                         .names = t->rules->names,
                         .key = t->key,
                         .key_count = t->key_count,
                         .types = t->types,
                         .fillfactor = t->rules->fillfactor,
                         .was_written = t->was_written,
                         .is_trial = t->is_trial};
}

static bool missing_column(const Target *t, size_t column, Err *e) {
    CLEANUP(buf_done) Buf ddl = {0}, name = {0};
    Err ignored;
    const DdlPgSource source = ddl_source(t);
    wanted_name(t->rules, t->schema, column, &name);
    buf_printf(&ddl, "ALTER TABLE %s ADD COLUMN ", t->qualified);
    pgname_quote(&ddl, buf_view(&name));
    buf_cstr(&ddl, " ");
    if (!ddl_pg_type(&source, column, &ddl, &ignored)) buf_cstr(&ddl, "…");
    return err_set(e, ERR_INVALID, false,
                   "%s has a column that the target table lacks; run: %s; or set auto.evolve=true "
                   "(schema.evolution=basic)",
                   t->schema->qualified, buf_text(&ddl));
}

static SchemaChange change_of(const Target *t) {
    SchemaChange change = schema_policy_of(t->rules->schema_change, str_from(t->schema->qualified));
    return change == SCHEMA_UNSET && t->rules->may_evolve ? SCHEMA_EVOLVE : change;
}

/* The target keeps its columns: new ones aren't written. The key's have to be. */
static bool is_ignored(const Target *t, size_t column) {
    if (change_of(t) != SCHEMA_IGNORE || target_is_key(t, (uint16_t)column)) return false;
    CLEANUP_FREE char *name = str_dup(t->schema->columns[column].name);
    LOG_WARN("column_ignored", LOG_S("table", t->schema->qualified), LOG_S("column", name),
             LOG_S("why", "the target lacks it, and schema.change.policy says ignore"));
    return true;
}

/* Two columns whose names differ only in case may both find the one that is there. */
static bool check_free(const Target *t, size_t column, int place, Err *e) {
    const Column *columns = t->schema->columns;
    for (size_t i = 0; i < column; i++)
        if (t->places[i] == place)
            return err_set(e, ERR_INVALID, false,
                           "%s: columns " STR_FMT " and " STR_FMT
                           " would both go into the target's column %s",
                           t->schema->qualified, STR_ARG(columns[i].name), STR_ARG(columns[column].name),
                           t->table->columns[place].name);
    return true;
}

static bool fit_column(Target *t, size_t column, Err *e) {
    const Column *c = &t->schema->columns[column];
    CLEANUP(buf_done) Buf name = {0};
    wanted_name(t->rules, t->schema, column, &name);
    int place = catalog_pg_find(t->table, buf_view(&name));
    t->places[column] = -1;
    if (place < 0) return is_ignored(t, column) || missing_column(t, column, e);
    t->whats[column] = x_asprintf("%s." STR_FMT, t->schema->qualified, STR_ARG(c->name));
    if (t->table->columns[place].is_generated) {
        if (!target_is_key(t, (uint16_t)column)) return true; /* PostgreSQL computes it itself */
        return err_set(
            e, ERR_INVALID, false,
            "%s is in the key, but its column in the target is GENERATED: ALTER TABLE … ALTER COLUMN … DROP "
            "EXPRESSION",
            t->whats[column]);
    }
    if (!pgtype_field(c, &t->table->columns[place].type, t->whats[column], &t->fields[column], e))
        return false;
    if (!check_free(t, column, place, e)) return false;
    t->places[column] = place;
    t->written[t->written_count++] = (uint16_t)column;
    return true;
}

/* NOT NULL columns of the target that nothing fills. */
static bool check_filled(const Target *t, Err *e) {
    /* a delete out of a topic may have told no more than the key; it fills nothing */
    if (t->schema->topic.n > 0 && t->schema->key_count == t->schema->column_count) return true;
    for (size_t i = 0; i < t->table->column_count; i++) {
        const PgColumn *c = &t->table->columns[i];
        bool is_filled = !c->is_not_null || c->has_default || c->is_generated;
        for (size_t j = 0; j < t->schema->column_count && !is_filled; j++) is_filled = t->places[j] == (int)i;
        if (!is_filled)
            return err_set(e, ERR_INVALID, false,
                           "%s: the target's column %s is NOT NULL without a default, and the source has no "
                           "such column: give "
                           "it a default, or drop NOT NULL",
                           t->schema->qualified, c->name);
    }
    return true;
}

/* A time with a 7th digit, in a type of PostgreSQL that has six. */
static bool loses_digit(const Target *t, uint16_t column) {
    const Column *c = &t->schema->columns[column];
    PgKind kind = t->table->columns[t->places[column]].type.kind;
    bool has_seven = c->scale == 7 && (c->type == SQLTYPE_TIME || c->type == SQLTYPE_DATETIME2 ||
                                       c->type == SQLTYPE_DATETIMEOFFSET);
    return has_seven && (kind == PGKIND_TIME || kind == PGKIND_TIMESTAMP || kind == PGKIND_TIMESTAMPTZ);
}

/* Two keys that differ in the 7th digit would be one in the target, and one of two rows would be lost. Who
 * names the type takes that on himself. */
static bool check_key_digits(const Target *t, Err *e) {
    for (size_t i = 0; i < t->key_count; i++) {
        uint16_t column = t->key[i];
        if (t->types[column] || !loses_digit(t, column)) continue;
        return err_set(
            e, ERR_INVALID, false,
            "%s is in the key and has 7 digits of a second, PostgreSQL's %s has 6: two rows could become "
            "one; set column.type.overrides=%s:text (or name %s there, if no keys are that close)",
            t->whats[column], t->table->columns[t->places[column]].type.name, t->whats[column],
            t->table->columns[t->places[column]].type.name);
    }
    return true;
}

static bool check_key(const Target *t, Err *e) {
    if (t->rules->insert != TARGET_UPSERT || t->key_count == 0) {
        if (t->rules->insert == TARGET_UPDATE && t->key_count == 0)
            return err_set(e, ERR_INVALID, false,
                           "%s: insert.mode=update needs a key; set pk.mode and pk.fields",
                           t->schema->qualified);
        return true;
    }
    CLEANUP_FREE uint16_t *places = x_calloc(t->key_count, sizeof *places);
    for (size_t i = 0; i < t->key_count; i++) places[i] = (uint16_t)t->places[t->key[i]];
    if (catalog_pg_has_unique(t->table, places, t->key_count)) return true;
    CLEANUP(buf_done) Buf names = {0};
    target_sql_names(t, t->key, t->key_count, "", &names);
    return err_set(e, ERR_INVALID, false,
                   "%s: upserts need a unique index on just the key columns of the target; run: CREATE "
                   "UNIQUE INDEX ON %s (%s)",
                   t->schema->qualified, t->qualified, buf_text(&names));
}

static void make_counters(Target *t) {
    static const char *const names[TARGET_COUNTS][2] = {
        [TARGET_COPIED] = {"millrace_rows_copied_total",
                           "Rows of the initial copy that are committed in the target"},
        [TARGET_CHANGES] = {"millrace_changes_applied_total",
                            "Changes of the stream that are committed in the target"},
        [TARGET_INSERTS] = {"millrace_inserts_applied_total", "The inserts among them"},
        [TARGET_UPDATES] = {"millrace_updates_applied_total", "The updates among them"},
        [TARGET_DELETES] = {"millrace_deletes_applied_total", "The deletes among them"},
    };
    Str label = str_from(t->schema->qualified);
    for (size_t i = 0; i < TARGET_COUNTS; i++)
        t->counters[i].metric =
            metrics_get(t->rules->metrics, METRIC_COUNTER, names[i][0], label, names[i][1]);
    t->last_change = metrics_get(t->rules->metrics, METRIC_GAUGE, "millrace_last_change_time_us", label,
                                 "Commit time, in the source, of the table's last change in the target");
}

/* Columns whose texts may be changed into what PostgreSQL can hold: not those that tell rows apart, since two
 * rows could become one. Of a table without a key that is all of them. */
static void make_unstorable(Target *t) {
    const Schema *s = t->schema;
    t->unstorable = x_calloc(s->column_count, sizeof *t->unstorable);
    if (t->rules->unstorable == UNSTORABLE_FAIL || t->is_bag || s->key_count == 0) return;
    Metric *changed =
        metrics_get(t->rules->metrics, METRIC_COUNTER, "millrace_text_changed_total", str_from(s->qualified),
                    "Values written with U+0000 changed (text.unstorable.handling.mode); "
                    "again, when a batch is written again");
    for (size_t i = 0; i < t->written_count; i++) {
        uint16_t column = t->written[i];
        const Column *c = &s->columns[column];
        if (sqltype_form(c->type, c->precision) != FORM_TEXT || target_is_key(t, column) ||
            target_is_among(s->key, s->key_count, column))
            continue;
        t->unstorable[column] =
            (Unstorable){.mode = t->rules->unstorable, .what = t->whats[column], .changed = changed};
        t->fields[column].unstorable = &t->unstorable[column];
    }
}

const Value *target_stored_row(const Target *t, const Value *row, Arena *arena) {
    Value *stored = NULL;
    for (size_t i = 0; i < t->schema->column_count; i++) {
        UnstorableMode mode = t->unstorable[i].mode;
        if (mode == UNSTORABLE_FAIL || row[i].flags || row[i].n == 0 || !memchr(row[i].v.p, 0, row[i].n))
            continue;
        if (!stored) {
            stored = ARENA_ARRAY(arena, Value, t->schema->column_count);
            memcpy(stored, row, t->schema->column_count * sizeof *stored);
        }
        char *text = arena_bytes(arena, row[i].n + unstorable_growth(mode, value_str(&row[i])));
        uint8_t *end = unstorable_put(mode, value_str(&row[i]), (uint8_t *)text);
        if (end) stored[i] = value_bytes(text, (uint32_t)(end - (uint8_t *)text));
    }
    return stored ? stored : row;
}

/* All that follows from schema, rules and the table as it now is. */
static bool fit(Target *t, Err *e) {
    size_t n = t->schema->column_count;
    t->fields = x_calloc(n, sizeof *t->fields);
    t->whats = x_calloc(n, sizeof *t->whats);
    t->places = x_calloc(n, sizeof *t->places);
    t->written = x_calloc(n, sizeof *t->written);
    for (size_t i = 0; i < n; i++)
        if (!fit_column(t, i, e)) return false;
    if (!check_filled(t, e) || !check_key(t, e) || !check_key_digits(t, e)) return false;
    t->is_bag =
        t->key_count == 0 && t->rules->key_mode != TARGET_KEY_NONE && t->rules->insert == TARGET_UPSERT;
    t->shapes.absent = x_calloc(TARGET_WORDS(n), sizeof *t->shapes.absent);
    make_unstorable(t);
    target_sql_puts(t, &t->shapes, 0);
    target_sql_removes(t);
    make_compact(t);
    make_counters(t);
    return true;
}

/* ---- opening ---- */

/* An override makes types, it doesn't change them. */
static void warn_kept_type(const Target *t, size_t column, const PgType *asked) {
    CLEANUP(buf_done) Buf name = {0};
    wanted_name(t->rules, t->schema, column, &name);
    int place = t->table ? catalog_pg_find(t->table, buf_view(&name)) : -1;
    if (place < 0 || strcmp(t->table->columns[place].type.name, asked->name) == 0) return;
    LOG_WARN("type_override_unused", LOG_S("table", t->schema->qualified),
             LOG_S("column", t->schema->columns[column].name.p), LOG_S("asked_for", asked->name),
             LOG_S("has", t->table->columns[place].type.name));
}

/* The types asked for: PostgreSQL has them, and they hold what the source's hold. */
static bool choose_types(PgConn *c, Target *t, Err *e) {
    t->types = x_calloc(t->schema->column_count, sizeof *t->types);
    for (size_t i = 0; i < t->schema->column_count; i++) {
        const Column *column = &t->schema->columns[i];
        PgType type;
        PgField field;
        t->types[i] = type_overrides_find(t->rules->types, t->schema, column);
        if (!t->types[i]) continue;
        CLEANUP_FREE char *what = x_asprintf("%s." STR_FMT, t->schema->qualified, STR_ARG(column->name));
        if (!catalog_pg_type(c, t->types[i], &type, e)) return err_wrap(e, "column.type.overrides: %s", what);
        if (!pgtype_field(column, &type, what, &field, e)) return err_wrap(e, "column.type.overrides");
        warn_kept_type(t, i, &type);
    }
    return true;
}

/* The table as the catalog has it (NULL = none) and the name it has, or is to have. */
static bool look_up(PgConn *c, Target *t, PgTableName *name, Err *e) {
    if (!pgname_rule_table(t->rules->names, t->schema, name, e)) return false;
    bool ok = (name->schema || catalog_pg_current_schema(c, &name->schema, e)) &&
              catalog_pg_table(c, name->schema, name->table, &t->table, e);
    CLEANUP(buf_done) Buf qualified = {0};
    pgname_qualified(&qualified, str_from(name->schema), str_from(name->table));
    free(t->qualified);
    t->qualified = target_sql_take(&qualified);
    ok = ok && claims_take(t->rules->claims, t->qualified, t->schema, e);
    if (ok && t->table && t->table->relkind != 'r' && t->table->relkind != 'p')
        ok = err_set(e, ERR_INVALID, false,
                     "%s is a view or a foreign table in the target; a plain table is needed", t->qualified);
    return ok;
}

static bool create_ddl(PgConn *c, const Target *t, const PgTableName *name, Buf *ret, Err *e) {
    bool has_schema = false;
    if (!catalog_pg_has_schema(c, name->schema, &has_schema, e)) return false;
    if (!has_schema) ddl_pg_create_schema(name->schema, ret);
    const DdlPgSource source = ddl_source(t);
    return ddl_pg_create(&source, name, ret, e);
}

/* The table is there. What it lacks is run, left out, or an error with the statements. */
static bool plan_evolve(const Target *t, const DdlPgSource *source, Buf *ret, Err *e) {
    CLEANUP(buf_done) Buf ddl = {0};
    switch (change_of(t)) {
    case SCHEMA_EVOLVE: return ddl_pg_evolve(source, t->table, ret, e);
    case SCHEMA_FAIL:
        if (!ddl_pg_evolve(source, t->table, &ddl, e)) return false;
        return ddl.n == 0 ||
               err_set(e, ERR_INVALID, false,
                       "%s has changed, and schema.change.policy says fail: run on the target: %s "
                       "then start again; or set the policy to evolve or ignore",
                       t->schema->qualified, buf_text(&ddl));
    default: return true;
    }
}

/* What the rules let us run to make the table fit; or why that isn't enough. */
static bool plan_ddl(PgConn *c, const Target *t, const PgTableName *name, Buf *ret, Err *e) {
    const DdlPgSource source = ddl_source(t);
    if (t->table) return plan_evolve(t, &source, ret, e);
    if (t->rules->may_create) return create_ddl(c, t, name, ret, e);
    CLEANUP(buf_done) Buf ddl = {0};
    if (!create_ddl(c, t, name, &ddl, e)) return false;
    return err_set(e, ERR_INVALID, false,
                   "table %s isn't there; set auto.create=true (schema.evolution=basic), or run: %s",
                   t->qualified, buf_text(&ddl));
}

static bool run_ddl(PgConn *c, Target *t, const PgTableName *name, Buf *ddl, Err *e) {
    if (!t->is_trial)
        LOG_INFO("target_ddl", LOG_S("table", t->schema->qualified), LOG_S("sql", buf_text(ddl)));
    if (pgconn_in_transaction(c) && !pgconn_exec(c, "SET LOCAL lock_timeout = '3s'", e)) return false;
    if (!pgconn_exec(c, buf_text(ddl), e)) return err_wrap(e, "%s", t->schema->qualified);
    if (t->is_trial && !t->table) return true; /* what is made by us fits */
    t->table = catalog_pg_free(t->table);
    if (!catalog_pg_table(c, name->schema, name->table, &t->table, e)) return false;
    return t->table || err_set(e, ERR_INTERNAL, false, "%s was created and isn't there", t->qualified);
}

static bool open_parts(PgConn *c, Target *t, TargetDdl may_ddl, Err *e) {
    t->was_written = may_ddl == TARGET_DDL_AGAIN;
    t->is_trial = may_ddl == TARGET_DDL_TRIAL;
    CLEANUP(pgname_table_done) PgTableName name = {0};
    CLEANUP(buf_done) Buf ddl = {0};
    if (!choose_key(t, e) || !look_up(c, t, &name, e) || !choose_types(c, t, e)) return false;
    if ((may_ddl || !t->table) && !plan_ddl(c, t, &name, &ddl, e)) return false;
    if (!may_ddl && !t->table)
        return err_set(e, ERR_INVALID, false,
                       "table %s is gone from the target; put it back, or copy it anew (docs/operations.md)",
                       t->qualified);
    if (ddl.n > 0 && !run_ddl(c, t, &name, &ddl, e)) return false;
    return (t->is_trial && !t->table) || fit(t, e);
}

static Target *target_new(const TargetRules *rules, const Schema *schema) {
    Target *t = x_calloc(1, sizeof *t);
    t->schema = schema_ref(schema);
    t->rules = rules;
    return t;
}

bool target_open(PgConn *c, const TargetRules *rules, const Schema *schema, TargetDdl ddl, Target **ret,
                 Err *e) {
    Target *t = target_new(rules, schema);
    if (!open_parts(c, t, ddl, e)) {
        target_free(t);
        return false;
    }
    *ret = t;
    return true;
}

bool target_plan_ddl(PgConn *c, const TargetRules *rules, const Schema *schema, Buf *ret, Err *e) {
    CLEANUP(pgname_table_done) PgTableName name = {0};
    Target *t = target_new(rules, schema);
    bool ok =
        choose_key(t, e) && look_up(c, t, &name, e) && choose_types(c, t, e) && plan_ddl(c, t, &name, ret, e);
    target_free(t);
    return ok;
}

void target_count_change(Target *t, const Change *change) {
    t->counters[TARGET_CHANGES].pending++;
    if (change->op == OP_CREATE) t->counters[TARGET_INSERTS].pending++;
    if (change->op == OP_UPDATE) t->counters[TARGET_UPDATES].pending++;
    if (change->op == OP_DELETE) t->counters[TARGET_DELETES].pending++;
    if (change->source_us > 0) t->pending_last_us = change->source_us;
}

static TargetShape *shape_free(TargetShape *shape) {
    while (shape) {
        TargetShape *next = shape->next;
        target_sql_done(&shape->write);
        free(shape->absent);
        free(shape);
        shape = next;
    }
    return NULL;
}

Target *target_free(Target *t) {
    if (!t) return NULL;
    for (size_t i = 0; t->whats && i < t->schema->column_count; i++) free(t->whats[i]);
    shape_free(t->shapes.next);
    target_sql_done(&t->shapes.write);
    free(t->shapes.absent);
    target_sql_done(&t->removes);
    catalog_pg_free(t->table);
    free(t->qualified);
    free(t->fields);
    free(t->unstorable);
    free(t->whats);
    free(t->types);
    free(t->places);
    free(t->written);
    free(t->key);
    free(t->compact_key);
    schema_unref(t->schema);
    free(t);
    return NULL;
}
