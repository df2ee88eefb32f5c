/*
 * capture_ddl.c - what DDL on captured tables does when the scan reaches it.
 *
 * Inside the batch's write transaction: a new instance begins, a row of ddl_history. After it, since they are
 * schema changes of their own: the change table's column follows an altered one, a dropped table's instances
 * go. If the server stops in between, the next scan begins with what is left of it.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "standin/builtin/local_time.h"
#include "standin/capture/capture_internal.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/cdc_sql.h"
#include "standin/capture/instance_edit.h"

enum { ERROR_DDL_RECORD = 22860 };

static Value blob_of(const LogLsn *lsn) {
    return VALUE_OF_BLOB(((Str){(const char *)lsn->b, LOG_LSN_BYTES}));
}

/* ---- inside the batch */

static bool begin_instance(CaptureScan *s, int32_t object_id, SqlError *e) {
    for (size_t i = 0; i < s->set->count; i++) {
        CaptureTarget *t = &s->targets[i];
        if (t->instance->object_id != object_id || t->is_active) continue;
        t->is_active = true;
        s->needs_mapping = true;
        const Value p[] = {blob_of(&s->txn->commit_lsn), VALUE_OF_INT(object_id)};
        (void)atomic_fetch_add(&s->changes->state->changes, 1);
        return cdc_sql_run(s->c->statements, p, 2, e, "UPDATE %s SET c%d = ?1 WHERE c%d = ?2",
                           s->changes->sql_name, CHANGE_START_LSN, CHANGE_OBJECT_ID);
    }
    return true; /* disabled meanwhile */
}

/* The captured column at i has another type in the source than in the change table. */
static bool is_altered(const Table *source, const Table *change, const Instance *instance, size_t i) {
    const Column *from = table_column_by_id(source, instance->columns[i].column_id);
    size_t at = CT_FIRST_CAPTURED - 1 + i;
    if (!from || at >= change->column_count || from->type.id == TYPE_ROWVERSION) return false;
    const Type *a = &from->type, *b = &change->columns[at].type;
    return a->id != b->id || a->length != b->length || a->precision != b->precision || a->scale != b->scale ||
           a->collation != b->collation;
}

static bool has_altered(const Capture *c, const Instance *instance) {
    const Table *source = catalog_table_by_id(c->catalog, instance->source_object_id);
    const Table *change = catalog_table_by_id(c->catalog, instance->object_id);
    for (size_t i = 0; source && change && i < instance->column_count; i++)
        if (is_altered(source, change, instance, i)) return true;
    return false;
}

static bool add_history(CaptureScan *s, const CaptureTarget *t, const LogChange *change, bool needs_update,
                        SqlError *e) {
    const Value p[] = {
        VALUE_OF_INT(atomic_fetch_add(&s->history->state->rowid, 1) + 1),
        VALUE_OF_INT(t->instance->source_object_id),
        VALUE_OF_INT(t->instance->object_id),
        VALUE_OF_INT(needs_update),
        VALUE_OF_TEXT(change->ddl),
        blob_of(&change->seqval),
        VALUE_OF_INT(local_time_datetime_minute(s->txn->commit_us)),
    };
    if (!cdc_sql_run(s->c->statements, p, sizeof p / sizeof *p, e,
                     "INSERT INTO %s(rowid, c1, c2, c3, c4, c5, c6) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                     s->history->sql_name))
        return false;
    s->history_rows++;
    return true;
}

static bool captures(const Instance *instance, int32_t column_id) {
    for (size_t i = 0; i < instance->column_count; i++)
        if (instance->columns[i].column_id == column_id) return true;
    return false;
}

/* The source is gone: from here until its instances are, they say so. */
static bool note_drop(CaptureScan *s, const Instance *instance, SqlError *e) {
    const Value object_id = VALUE_OF_INT(instance->object_id);
    (void)atomic_fetch_add(&s->changes->state->changes, 1);
    return cdc_sql_run(s->c->statements, &object_id, 1, e, "UPDATE %s SET c%d = 1 WHERE c%d = ?1",
                       s->changes->sql_name, CHANGE_HAS_DROP_PENDING, CHANGE_OBJECT_ID);
}

bool capture_see_ddl(CaptureScan *s, const LogChange *change, SqlError *e) {
    int32_t begins = instance_of_mark(change->ddl);
    s->failed_wrapper = ERROR_DDL_RECORD;
    if (begins) return begin_instance(s, begins, e);
    for (size_t i = 0; i < s->set->count; i++) {
        CaptureTarget *t = &s->targets[i];
        if (!t->is_active || t->instance->source_object_id != change->object_id) continue;
        s->needs_mapping = true;
        bool needs_update = captures(t->instance, change->ddl_altered_column);
        t->is_dropped = t->is_dropped || change->ddl_is_drop;
        t->needs_types = t->needs_types || needs_update;
        s->has_schema_work = s->has_schema_work || t->needs_types || t->is_dropped;
        s->record.schema_changes++;
        if (!add_history(s, t, change, needs_update, e) ||
            (change->ddl_is_drop && !note_drop(s, t->instance, e)))
            return false;
    }
    return true;
}

/* ---- after the batch */

static bool set_type_name(CaptureScan *s, const Instance *instance, size_t i, const Type *type, SqlError *e) {
    const SessionParam p[] = {
        {.name = STR_LIT("@object"), .type = {.id = TYPE_INT}, .value = VALUE_OF_INT(instance->object_id)},
        {.name = STR_LIT("@ordinal"), .type = {.id = TYPE_INT}, .value = VALUE_OF_INT((int64_t)i + 1)},
        {.name = STR_LIT("@type"),
         .type = {.id = TYPE_NVARCHAR, .length = 128},
         .value = VALUE_OF_TEXT(str_from(type_name(type->id)))},
    };
    return proc_run(
        s->c->session, s->at.database_id,
        STR_LIT("UPDATE cdc.captured_columns SET column_type = @type WHERE object_id = @object AND "
                "column_ordinal = @ordinal"),
        p, sizeof p / sizeof *p, e);
}

static bool alter_column(CaptureScan *s, const Instance *instance, size_t i, const Column *from,
                         SqlError *e) {
    s->failed_change_table = instance->object_id;
    s->failed_column = CT_FIRST_CAPTURED + (int32_t)i;
    return session_alter_column(s->c->session, instance->object_id, CT_FIRST_CAPTURED + (int32_t)i,
                                &from->type, true, e) &&
           set_type_name(s, instance, i, &from->type, e);
}

static bool follow_types(CaptureScan *s, const Instance *instance, SqlError *e) {
    bool ok = true;
    const Table *source = catalog_table_by_id(s->c->catalog, instance->source_object_id);
    for (size_t i = 0; ok && source && i < instance->column_count; i++) {
        const Table *change = catalog_table_by_id(s->c->catalog, instance->object_id);
        if (!change || !is_altered(source, change, instance, i)) continue;
        ok = alter_column(s, instance, i, table_column_by_id(source, instance->columns[i].column_id), e);
    }
    return ok;
}

static size_t others_of(const InstanceSet *set, const Instance *instance) {
    size_t n = 0;
    for (size_t i = 0; i < set->count; i++)
        n += set->items[i].source_object_id == instance->source_object_id && &set->items[i] != instance;
    return n;
}

static bool finish_target(CaptureScan *s, const CaptureTarget *t, SqlError *e) {
    if (t->is_dropped)
        return instance_drop(s->c->session, s->at.database_id, t->instance, others_of(s->set, t->instance),
                             e);
    return !t->needs_types || follow_types(s, t->instance, e);
}

/* Has the scan met an ALTER COLUMN of the instance's? */
static bool has_met_alter(CaptureScan *s, const Instance *instance, bool *ret, SqlError *e) {
    CLEANUP(arena_done) Arena arena = {0};
    Value value;
    CdcSqlRow row = {.values = &value, .width = 1};
    const Value object_id = VALUE_OF_INT(instance->object_id);
    if (!cdc_sql_row(s->c->statements, &object_id, 1, &arena, &row, e,
                     "SELECT 1 FROM %s WHERE c%d = ?1 AND c%d = 1 LIMIT 1", s->history->sql_name,
                     DDL_OBJECT_ID, DDL_REQUIRED_UPDATE))
        return false;
    *ret = row.is_found;
    return true;
}

bool capture_find_schema_work(CaptureScan *s, SqlError *e) {
    for (size_t i = 0; i < s->set->count; i++) {
        CaptureTarget *t = &s->targets[i];
        t->is_dropped = t->instance->has_drop_pending;
        if (!has_met_alter(s, t->instance, &t->needs_types, e)) return false;
        t->needs_types = t->needs_types && has_altered(s->c, t->instance);
    }
    return true;
}

/* In a transaction of its own, so that its locks end with it. */
bool capture_finish_ddl(CaptureScan *s, SqlError *e) {
    Txn *txn = session_txn(s->c->session);
    s->record.phase = SCAN_PHASE_SCHEMA;
    s->failed_wrapper = ERROR_DDL_RECORD;
    s->failed_change_table = 0;
    CatalogPin pin;
    catalog_pin(s->c->catalog, &pin);
    txn_begin(txn, (Str){0});
    bool ok = true;
    for (size_t i = 0; ok && i < s->set->count; i++) ok = finish_target(s, &s->targets[i], e);
    ok = ok && txn_commit(txn, e);
    if (!ok) txn_rollback_all(txn);
    catalog_unpin(s->c->catalog, &pin);
    return ok;
}
