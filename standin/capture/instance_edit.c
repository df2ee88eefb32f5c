/*
 * instance_edit.c - a capture instance is a change table, its rows in cdc.change_tables, captured_columns and
 * index_columns, and the source table's is_tracked_by_cdc. From when on it captures is decided by the log
 * itself: the enabling transaction carries a record that the capture job meets in commit order, so that every
 * transaction lies clearly before or behind the beginning.
 */
#include "standin/capture/instance_edit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "standin/builtin/local_time.h"

#define MARK_PREFIX "\001cdc instance "
enum { MARK_SIZE = 40 };

static const Type INT_TYPE = {.id = TYPE_INT};
static const Type BIT_TYPE = {.id = TYPE_BIT};
static const Type NAME_TYPE = {.id = TYPE_NVARCHAR, .length = 128, .is_sysname = true};
static const Type DATETIME_TYPE = {.id = TYPE_DATETIME};
static const Type LSN_TYPE = {.id = TYPE_BINARY, .length = LSN10_BYTES};
static const Type MASK_TYPE = {.id = TYPE_VARBINARY, .length = 128};

static SessionParam param(const char *name, const Type *type, Value value) {
    return (SessionParam){.name = str_from(name), .type = *type, .value = value};
}
static Value int_value(int64_t v) {
    return VALUE_OF_INT(v);
}
static Value text_value(Str s) {
    return s.n ? VALUE_OF_TEXT(s) : (Value){.kind = VALUE_NULL};
}

/* ---- the change table */

/* Source types as change tables have them: rowversion as its bytes, alias types as what they stand for. */
static Type captured_type(const Column *c) {
    if (c->type.id == TYPE_ROWVERSION) return (Type){.id = TYPE_BINARY, .length = 8};
    Type type = c->type;
    type.is_sysname = false;
    return type;
}

static void add_index(Table *t, const char *name, const int32_t *column_ids, size_t count,
                      bool is_clustered) {
    Index *x = table_add_index(t, str_from(name));
    if (is_clustered) x->id = 1;
    x->is_unique = true;
    x->is_clustered = is_clustered;
    x->columns = x_calloc(count, sizeof *x->columns);
    for (size_t i = 0; i < count; i++) x->columns[i] = (IndexColumn){.column_id = column_ids[i]};
    x->column_count = x->key_count = count;
}

static void add_key_index(Table *t, const InstanceNew *n) {
    int32_t command_id_column = t->columns[t->column_count - 1].id;
    int32_t ids[64];
    size_t count = 0;
    for (size_t k = 0; k < n->key->key_count; k++)
        for (size_t i = 0; i < n->column_count; i++)
            if (n->columns[i]->id == n->key->columns[k].column_id)
                ids[count++] = CT_FIRST_CAPTURED + (int32_t)i;
    ids[count++] = CT_START_LSN;
    ids[count++] = command_id_column;
    ids[count++] = CT_SEQVAL;
    ids[count++] = CT_OPERATION;
    CLEANUP_FREE char *name = x_asprintf("" STR_FMT "_CT_idx", STR_ARG(n->name));
    add_index(t, name, ids, count, false);
    Index *x = &t->indexes[t->index_count - 1];
    x->columns = x_reallocarray(x->columns, count + 1, sizeof *x->columns);
    x->columns[x->column_count++] = (IndexColumn){.column_id = CT_UPDATE_MASK, .is_included = true};
}

static Table *change_table(Session *s, const InstanceNew *n, int32_t schema_id) {
    CLEANUP_FREE char *name = x_asprintf("" STR_FMT "_CT", STR_ARG(n->name));
    Table *t = table_new(catalog_new_object_id(session_catalog(s)), n->source->database_id, schema_id,
                         str_from(name));
    t->is_ms_shipped = true;
    t->create_us = t->modify_us = clock_wall_us();
    (void)table_add_column(t, STR_LIT("__$start_lsn"), &LSN_TYPE, false);
    (void)table_add_column(t, STR_LIT("__$end_lsn"), &LSN_TYPE, true);
    (void)table_add_column(t, STR_LIT("__$seqval"), &LSN_TYPE, false);
    (void)table_add_column(t, STR_LIT("__$operation"), &INT_TYPE, false);
    (void)table_add_column(t, STR_LIT("__$update_mask"), &MASK_TYPE, true);
    for (size_t i = 0; i < n->column_count; i++) {
        Type type = captured_type(n->columns[i]);
        (void)table_add_column(t, str_from(n->columns[i]->name), &type, true);
    }
    int32_t command_id = table_add_column(t, STR_LIT("__$command_id"), &INT_TYPE, true)->id;
    CLEANUP_FREE char *index = x_asprintf("" STR_FMT "_CT_clustered_idx", STR_ARG(n->name));
    add_index(t, index, (int32_t[]){CT_START_LSN, command_id, CT_SEQVAL, CT_OPERATION}, 4, true);
    return t;
}

/* ---- rows of the cdc tables */

static bool add_change_table_row(Session *s, const InstanceNew *n, int32_t object_id, SqlError *e) {
    const SessionParam p[] = {
        param("@object", &INT_TYPE, int_value(object_id)),
        param("@source", &INT_TYPE, int_value(n->source->object_id)),
        param("@instance", &NAME_TYPE, VALUE_OF_TEXT(n->name)),
        param("@net", &BIT_TYPE, int_value(n->supports_net_changes)),
        param("@role", &NAME_TYPE, n->has_role ? text_value(n->role) : (Value){.kind = VALUE_NULL}),
        param("@index", &NAME_TYPE, text_value(n->key ? str_from(n->key->name) : (Str){0})),
        param("@filegroup", &NAME_TYPE, text_value(n->filegroup)),
        param("@created", &DATETIME_TYPE, int_value(local_time_datetime(clock_wall_us()))),
        param("@switch", &BIT_TYPE, int_value(n->allows_switch)),
    };
    return proc_run(
        s, n->source->database_id,
        STR_LIT("INSERT INTO cdc.change_tables VALUES(@object, 0, @source, @instance, NULL, NULL, @net, "
                "0, @role, @index, @filegroup, @created, @switch)"),
        p, sizeof p / sizeof *p, e);
}

static bool add_captured_row(Session *s, const InstanceNew *n, int32_t object_id, size_t i, SqlError *e) {
    const Column *c = n->columns[i];
    const SessionParam p[] = {
        param("@object", &INT_TYPE, int_value(object_id)),
        param("@name", &NAME_TYPE, VALUE_OF_TEXT(str_from(c->name))),
        param("@id", &INT_TYPE, int_value(c->id)),
        param("@type", &NAME_TYPE, VALUE_OF_TEXT(str_from(type_name(c->type.id)))),
        param("@ordinal", &INT_TYPE, int_value((int64_t)i + 1)),
        param("@computed", &BIT_TYPE, int_value(c->is_computed)),
    };
    return proc_run(
        s, n->source->database_id,
        STR_LIT("INSERT INTO cdc.captured_columns VALUES(@object, @name, @id, @type, @ordinal, @computed, "
                "NULL)"),
        p, sizeof p / sizeof *p, e);
}

static bool add_index_row(Session *s, const InstanceNew *n, int32_t object_id, size_t i, SqlError *e) {
    int32_t column_id = n->key->columns[i].column_id;
    const Column *c = table_column_by_id(n->source, column_id);
    const SessionParam p[] = {
        param("@object", &INT_TYPE, int_value(object_id)),
        param("@name", &NAME_TYPE, text_value(c ? str_from(c->name) : (Str){0})),
        param("@ordinal", &INT_TYPE, int_value((int64_t)i + 1)),
        param("@id", &INT_TYPE, int_value(column_id)),
    };
    return proc_run(s, n->source->database_id,
                    STR_LIT("INSERT INTO cdc.index_columns VALUES(@object, @name, @ordinal, @id)"), p,
                    sizeof p / sizeof *p, e);
}

static bool add_rows(Session *s, const InstanceNew *n, int32_t object_id, SqlError *e) {
    if (!add_change_table_row(s, n, object_id, e)) return false;
    for (size_t i = 0; i < n->column_count; i++)
        if (!add_captured_row(s, n, object_id, i, e)) return false;
    for (size_t i = 0; n->key && i < n->key->key_count; i++)
        if (!add_index_row(s, n, object_id, i, e)) return false;
    return true;
}

/* ---- */

static bool publish_tracked(Session *s, int32_t object_id, bool is_tracked, SqlError *e) {
    if (!catalog_table_by_id(session_catalog(s), object_id)) return true;
    if (!session_lock_table(s, object_id, e)) return false;
    const Table *now = catalog_table_by_id(session_catalog(s), object_id);
    if (!now) return true;
    Table *t = table_copy(now);
    t->is_tracked_by_cdc = is_tracked;
    return session_publish_table(s, t, e);
}

/* The second index of change tables, in the catalog only: clients may see it there, but nothing here is
 * looked up by it, and with keys in no order keeping it would cost the scan more than all the rest. */
static bool declare_key_index(Session *s, const InstanceNew *n, int32_t object_id, SqlError *e) {
    const Table *now = catalog_table_by_id(session_catalog(s), object_id);
    if (!now || !n->supports_net_changes) return true;
    Table *t = table_copy(now);
    add_key_index(t, n);
    return session_publish_table(s, t, e);
}

bool instance_create(Session *s, const InstanceNew *n, SqlError *e) {
    const Schema *schema = instance_cdc_schema(session_catalog(s), n->source->database_id);
    if (!schema) return sql_error_set(e, 208, 16, 1, "Invalid object name 'cdc.change_tables'.");
    Table *t = change_table(s, n, schema->id);
    int32_t object_id = t->object_id;
    char mark[MARK_SIZE];
    (void)snprintf(mark, sizeof mark, MARK_PREFIX "%d", object_id);
    /* The source first, also when it is tracked already: its schema lock waits for those who have written to
     * it and keeps others out until the enabling commits. */
    if (!publish_tracked(s, n->source->object_id, true, e)) {
        (void)table_free(t);
        return false;
    }
    const Table *source = catalog_table_by_id(session_catalog(s), n->source->object_id);
    return session_create_table(s, t, e) && declare_key_index(s, n, object_id, e) &&
           add_rows(s, n, object_id, e) && txn_log_ddl(session_txn(s), source, str_from(mark), 0, false, e);
}

bool instance_drop(Session *s, int32_t database_id, const Instance *instance, size_t others, SqlError *e) {
    const SessionParam p[] = {param("@object", &INT_TYPE, int_value(instance->object_id))};
    static const char text[] = "DELETE cdc.index_columns WHERE object_id = @object\n"
                               "DELETE cdc.captured_columns WHERE object_id = @object\n"
                               "DELETE cdc.ddl_history WHERE object_id = @object\n"
                               "DELETE cdc.change_tables WHERE object_id = @object";
    if (!proc_run(s, database_id, str_from(text), p, 1, e)) return false;
    if (catalog_table_by_id(session_catalog(s), instance->object_id) &&
        !session_drop_table(s, instance->object_id, e))
        return false;
    return others > 0 || publish_tracked(s, instance->source_object_id, false, e);
}

int32_t instance_of_mark(Str ddl) {
    Str prefix = STR_LIT(MARK_PREFIX);
    if (!str_starts(ddl, prefix)) return 0;
    int64_t id;
    Err e;
    return str_to_i64(str_sub(ddl, prefix.n, ddl.n), 1, INT32_MAX, &id, &e) ? (int32_t)id : 0;
}
