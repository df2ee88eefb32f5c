#include "standin/capture/cleanup.h"

#include "base/mem.h"
#include "standin/builtin/quote.h"
#include "standin/capture/cdc_sql.h"

enum { DATETIME_TICKS_PER_MINUTE = 60 * 300 };

static SessionParam lsn_param(const Lsn10 *lsn) {
    return (SessionParam){.name = STR_LIT("@mark"),
                          .type = {.id = TYPE_BINARY, .length = LSN10_BYTES},
                          .value = VALUE_OF_BLOB(lsn10_view(lsn))};
}

static SessionParam number(const char *name, int64_t v) {
    return (SessionParam){.name = str_from(name), .type = {.id = TYPE_BIGINT}, .value = VALUE_OF_INT(v)};
}

/* Batches keep the locks of one statement few, so that capture isn't kept waiting for long. */
static bool delete_below(Session *s, int32_t database_id, Str table, const Lsn10 *mark, int64_t threshold,
                         SqlError *e) {
    CLEANUP(buf_done) Buf text = {0};
    buf_cstr(&text, "WHILE 1 = 1\nBEGIN\n    DELETE TOP (@threshold) FROM cdc.");
    quote_name(table, &text);
    buf_printf(&text, " WHERE %s < @mark\n    IF @@ROWCOUNT < @threshold BREAK\nEND",
               str_eq_c(table, "lsn_time_mapping") ? "start_lsn" : "[__$start_lsn]");
    const SessionParam p[] = {lsn_param(mark), number("@threshold", threshold)};
    return proc_run(s, database_id, buf_view(&text), p, 2, e);
}

bool cleanup_instance(Session *s, int32_t database_id, const Instance *instance, const Lsn10 *mark,
                      int64_t threshold, SqlError *e) {
    const SessionParam p[] = {lsn_param(mark), number("@object", instance->object_id)};
    static const char raise[] =
        "UPDATE cdc.change_tables SET start_lsn = @mark WHERE object_id = @object AND "
        "start_lsn < @mark";
    if (!proc_run(s, database_id, str_from(raise), p, 2, e)) return false;
    CLEANUP_FREE char *table = x_asprintf("" STR_FMT "_CT", STR_ARG(instance->name));
    return delete_below(s, database_id, str_from(table), mark, threshold, e);
}

static bool cleanup_all(Session *s, int32_t database_id, const InstanceSet *set, const Lsn10 *mark,
                        int64_t threshold, SqlError *e) {
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].has_start && !cleanup_instance(s, database_id, &set->items[i], mark, threshold, e))
            return false;
    return delete_below(s, database_id, STR_LIT("lsn_time_mapping"), mark, threshold, e);
}

bool cleanup_to(Session *s, int32_t database_id, const Lsn10 *mark, int64_t threshold, SqlError *e) {
    InstanceSet set;
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), database_id, &set, e)) return false;
    bool ok = cleanup_all(s, database_id, &set, mark, threshold, e);
    instance_done(&set);
    return ok;
}

bool cleanup_database(Session *s, int32_t database_id, int64_t retention_min, int64_t threshold,
                      SqlError *e) {
    const Table *t = instance_cdc_table(session_catalog(s), database_id, STR_LIT("lsn_time_mapping"));
    if (!t) return true;
    CLEANUP(arena_done) Arena arena = {0};
    StmtCache *cache = txn_statements(session_txn(s));
    Value value;
    CdcSqlRow row = {.values = &value, .width = 1};
    if (!cdc_sql_row(cache, NULL, 0, &arena, &row, e, "SELECT c3 FROM %s ORDER BY c1 DESC LIMIT 1",
                     t->sql_name))
        return false;
    if (!row.is_found || value.kind != VALUE_INT) return true;
    const Value before = VALUE_OF_INT(value.v.i - retention_min * DATETIME_TICKS_PER_MINUTE);
    if (!cdc_sql_row(cache, &before, 1, &arena, &row, e, "SELECT max(c1) FROM %s WHERE c3 <= ?1",
                     t->sql_name))
        return false;
    if (!row.is_found || value.kind != VALUE_BLOB) return true; /* nothing is as old */
    Lsn10 mark = lsn10_from(value.v.s);
    return cleanup_to(s, database_id, &mark, threshold, e);
}
