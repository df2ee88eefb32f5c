#include "sqlserver/reading.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "record/civil.h"
#include "sqlserver/rowset.h"

#define TEXT(literal)                                                                                        \
    { (literal), sizeof(literal) - 1 } /* STR_LIT isn't constant enough for a static table */

/* tran_end_time is the server's local time (MS docs: cdc.lsn_time_mapping); the two clocks tell its offset.
 */
static const Column CLOCK_COLUMNS[] = {
    {.name = TEXT("max_lsn"), .type = SQLTYPE_BINARY, .length = LSN_BYTES},
    {.name = TEXT("utc"), .type = SQLTYPE_DATETIME2, .scale = 7},
    {.name = TEXT("local"), .type = SQLTYPE_DATETIME2, .scale = 7},
};
static const Column COMMIT_COLUMNS[] = {
    {.name = TEXT("start_lsn"), .type = SQLTYPE_BINARY, .length = LSN_BYTES},
    {.name = TEXT("tran_end_time"), .type = SQLTYPE_DATETIME},
};
static const Column INSTANCE_COLUMNS[] = {
    {.name = TEXT("object_id"), .type = SQLTYPE_INT},
    {.name = TEXT("start_lsn"), .type = SQLTYPE_BINARY, .length = LSN_BYTES},
};
static const Column DDL_COLUMNS[] = {
    {.name = TEXT("ddl_lsn"), .type = SQLTYPE_BINARY, .length = LSN_BYTES},
};

/* Read one result of the batch; each row goes to take(). */
typedef struct ResultSpec {
    const char *label;
    const Column *columns;
    size_t count;
    void (*take)(Reading *r, const Value *row);
} ResultSpec;

static Lsn lsn_of(const Value *v) {
    Lsn lsn = {{0}};
    if (!v->flags && v->n == LSN_BYTES) memcpy(lsn.b, v->v.p, LSN_BYTES);
    return lsn;
}

static void take_clock(Reading *r, const Value *row) {
    r->max_lsn = lsn_of(&row[0]);
    r->now_us = civil_ticks_to_us(row[1].v.i);
    int64_t apart = row[2].v.i - row[1].v.i, minute = 60 * CIVIL_TICKS_PER_SECOND;
    r->offset_minutes = (int32_t)((apart + (apart < 0 ? -minute / 2 : minute / 2)) / minute);
}

static void take_commit(Reading *r, const Value *row) {
    if (r->commit_count == r->commit_cap) {
        r->commit_cap = r->commit_cap ? r->commit_cap * 2 : 512;
        r->commits = x_reallocarray(r->commits, r->commit_cap, sizeof *r->commits);
    }
    CommitTime *c = &r->commits[r->commit_count++];
    c->lsn = lsn_of(&row[0]);
    c->us = row[1].flags ? 0 : civil_ticks_to_us(row[1].v.i) - r->offset_minutes * INT64_C(60000000);
}

static void take_instance(Reading *r, const Value *row) {
    if (r->instance_count == r->instance_cap) {
        r->instance_cap = r->instance_cap ? r->instance_cap * 2 : 16;
        r->instances = x_reallocarray(r->instances, r->instance_cap, sizeof *r->instances);
    }
    r->instances[r->instance_count++] = (InstanceStart){(int32_t)row[0].v.i, lsn_of(&row[1])};
}

static void take_ddl(Reading *r, const Value *row) {
    r->ddl_lsn = lsn_of(&row[0]);
}

static const ResultSpec RESULTS[] = {
    {"the clock", CLOCK_COLUMNS, 3, take_clock},
    {"cdc.lsn_time_mapping", COMMIT_COLUMNS, 2, take_commit},
    {"cdc.change_tables", INSTANCE_COLUMNS, 2, take_instance},
    {"cdc.ddl_history", DDL_COLUMNS, 1, take_ddl},
};

static bool read_result(Reading *r, Odbc *odbc, const ResultSpec *spec, Err *e) {
    Rowset *rowset;
    if (!rowset_new(spec->label, spec->columns, spec->count, odbc_driver(odbc), &rowset, e)) return false;
    Arena arena = {0};
    bool ok = rowset_bind(rowset, odbc, &arena, e);
    for (size_t rows = 1; ok && rows;) {
        Value *values;
        ok = rowset_fetch(rowset, &values, &rows, e);
        for (size_t i = 0; ok && i < rows; i++) spec->take(r, values + i * spec->count);
    }
    arena_done(&arena);
    rowset_free(rowset);
    return ok;
}

static bool read_results(Reading *r, Odbc *odbc, const ResultSpec *specs, size_t count, Err *e) {
    for (size_t i = 0; i < count; i++) {
        bool more = true;
        if (i && !odbc_next_result(odbc, &more, e)) return false;
        if (!more) return err_set(e, ERR_INTERNAL, false, "the result of %s is missing", specs[i].label);
        if (!read_result(r, odbc, &specs[i], e)) return false;
    }
    return true;
}

/* Commits that came between the first statement and the second are left for the next reading. */
static void drop_beyond_max(Reading *r) {
    while (r->commit_count && lsn_cmp(&r->commits[r->commit_count - 1].lsn, &r->max_lsn) > 0)
        r->commit_count--;
}

static int by_object(const void *a, const void *b) {
    const InstanceStart *x = a, *y = b;
    return (x->object_id > y->object_id) - (x->object_id < y->object_id);
}

bool reading_take(Reading *r, Odbc *odbc, const Lsn *above, int64_t most, Err *e) {
    r->commit_count = r->instance_count = 0;
    r->max_lsn = r->ddl_lsn = (Lsn){{0}};
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql,
               "SELECT sys.fn_cdc_get_max_lsn(), SYSUTCDATETIME(), SYSDATETIME(); "
               "SELECT TOP (%lld) start_lsn, tran_end_time FROM cdc.lsn_time_mapping "
               "WHERE start_lsn > CAST(? AS binary(10)) ORDER BY start_lsn; "
               "SELECT object_id, start_lsn FROM cdc.change_tables ORDER BY object_id; "
               "SELECT MAX(ddl_lsn) FROM cdc.ddl_history",
               (long long)most);
    OdbcParam param = odbc_bytes(above->b, LSN_BYTES);
    bool ok = odbc_query(odbc, buf_text(&sql), &param, 1, e) &&
              read_results(r, odbc, RESULTS, sizeof RESULTS / sizeof *RESULTS, e);
    odbc_close_query(odbc);
    if (!ok) return err_wrap(e, "reading how far the capture job has come");
    r->is_full = (int64_t)r->commit_count == most;
    if (r->instance_count > 0) qsort(r->instances, r->instance_count, sizeof *r->instances, by_object);
    drop_beyond_max(r);
    return true;
}

void reading_done(Reading *r) {
    free(r->commits);
    free(r->instances);
    *r = (Reading){0};
}

const InstanceStart *reading_instance(const Reading *r, int32_t object_id) {
    const InstanceStart wanted = {.object_id = object_id};
    if (!r->instance_count) return NULL;
    return bsearch(&wanted, r->instances, r->instance_count, sizeof *r->instances, by_object);
}

Lsn reading_start(const Reading *r, int32_t object_id) {
    const InstanceStart *found = reading_instance(r, object_id);
    return found ? found->start_lsn : (Lsn){{0}};
}

int64_t reading_commit_us(const Reading *r, const Lsn *lsn, size_t *at) {
    while (*at < r->commit_count && lsn_cmp(&r->commits[*at].lsn, lsn) < 0) ++*at;
    bool is_there = *at < r->commit_count && lsn_cmp(&r->commits[*at].lsn, lsn) == 0;
    return is_there ? r->commits[*at].us : 0;
}

bool reading_time_of(Odbc *odbc, const Lsn *lsn, int32_t offset_minutes, int64_t *ret_us, Err *e) {
    Reading r = {.offset_minutes = offset_minutes};
    OdbcParam param = odbc_bytes(lsn->b, LSN_BYTES);
    bool ok = odbc_query(odbc,
                         "SELECT start_lsn, tran_end_time FROM cdc.lsn_time_mapping "
                         "WHERE start_lsn = CAST(? AS binary(10))",
                         &param, 1, e) &&
              read_results(&r, odbc, &RESULTS[1], 1, e);
    odbc_close_query(odbc);
    if (ok) *ret_us = r.commit_count ? r.commits[0].us : 0;
    reading_done(&r);
    return ok || err_wrap(e, "asking for the time of a commit");
}

static bool read_clock(Odbc *odbc, Reading *r, Err *e) {
    bool ok = odbc_query(odbc, "SELECT sys.fn_cdc_get_max_lsn(), SYSUTCDATETIME(), SYSDATETIME()",
                         /* params= */ NULL, 0, e) &&
              read_results(r, odbc, RESULTS, 1, e);
    odbc_close_query(odbc);
    return ok;
}

bool reading_clock(Odbc *odbc, int64_t *ret_us, Err *e) {
    Reading r = {0};
    if (!read_clock(odbc, &r, e)) return err_wrap(e, "asking for the server's clock");
    *ret_us = r.now_us;
    return true;
}

bool reading_max_lsn(Odbc *odbc, Lsn *ret, Err *e) {
    Reading r = {0};
    if (!read_clock(odbc, &r, e)) return err_wrap(e, "asking for the captured maximum LSN");
    *ret = r.max_lsn;
    return true;
}
