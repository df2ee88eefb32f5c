#include "sqlserver/probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "sqlserver/sql_text.h"

enum {
    TABLES_A_SELECT = 50, /* small plans */
    NO_SUCH_OBJECT = 208,
};

/* What the kept text was made for, by table. */
typedef struct Asked {
    int32_t object_id;
    bool has_param; /* of its own: it is read from a later place */
} Asked;

struct Probe {
    Buf sql;
    Asked *asked; /* owned */
    size_t asked_count, asked_cap;
};

/* One round trip: tables [first, end). */
typedef struct Trip {
    Probe *p;
    Odbc *odbc;
    const Reading *reading;
    const Lsn *from, *to;
    ProbeTable *tables;
    size_t count, first, end;
    OdbcParam params[ODBC_MAX_PARAMS];
    size_t param_count;
} Trip;

Probe *probe_new(void) {
    return x_calloc(1, sizeof(Probe));
}

Probe *probe_free(Probe *p) {
    if (!p) return NULL;
    buf_done(&p->sql);
    free(p->asked);
    free(p);
    return NULL;
}

/* ---- the question ---- */

static bool has_param(const Trip *t, const ProbeTable *table) {
    return lsn_cmp(&table->above, t->from) != 0;
}

/* The window's ends are two variables; a table that begins later has a parameter of its own, and the round
 * trip ends where there is no room for another. */
static void set_params(Trip *t) {
    t->params[0] = odbc_bytes(t->from->b, LSN_BYTES);
    t->params[1] = odbc_bytes(t->to->b, LSN_BYTES);
    t->param_count = 2;
    for (t->end = t->first; t->end < t->count; t->end++) {
        const ProbeTable *table = &t->tables[t->end];
        if (!has_param(t, table)) continue;
        if (t->param_count == ODBC_MAX_PARAMS) break;
        t->params[t->param_count++] = odbc_bytes(table->above.b, LSN_BYTES);
    }
}

static bool is_kept(const Trip *t) {
    const Probe *p = t->p;
    if (p->asked_count != t->end - t->first) return false;
    for (size_t i = 0; i < p->asked_count; i++) {
        const ProbeTable *table = &t->tables[t->first + i];
        if (p->asked[i].object_id != table->object_id || p->asked[i].has_param != has_param(t, table))
            return false;
    }
    return true;
}

static void ask_table(Probe *p, size_t n, const ProbeTable *table, bool has_param) {
    CLEANUP(buf_done) Buf name = {0};
    buf_str(&name, table->instance);
    buf_cstr(&name, "_CT");
    buf_cstr(&p->sql, n == 0 ? "" : n % TABLES_A_SELECT ? " UNION ALL " : "; ");
    buf_printf(&p->sql, "SELECT %zu WHERE EXISTS (SELECT * FROM cdc.", n);
    sql_text_name(buf_view(&name), &p->sql);
    buf_printf(&p->sql, " WHERE __$start_lsn > %s AND __$start_lsn <= @to)",
               has_param ? "CAST(? AS binary(10))" : "@from");
    p->asked[p->asked_count++] = (Asked){table->object_id, has_param};
}

static void make_sql(const Trip *t) {
    Probe *p = t->p;
    size_t count = t->end - t->first;
    if (count > p->asked_cap) {
        p->asked = x_reallocarray(p->asked, count, sizeof *p->asked);
        p->asked_cap = count;
    }
    p->asked_count = 0;
    buf_clear(&p->sql);
    buf_cstr(&p->sql,
             "DECLARE @from binary(10) = CAST(? AS binary(10)), @to binary(10) = CAST(? AS binary(10)); ");
    for (size_t i = 0; i < count; i++) {
        const ProbeTable *table = &t->tables[t->first + i];
        ask_table(p, i, table, has_param(t, table));
    }
    buf_cstr(&p->sql,
             "; SELECT object_id, start_lsn FROM cdc.change_tables WHERE start_lsn > @from OR start_lsn "
             "IS NULL ORDER BY object_id; SELECT COUNT(*) FROM cdc.change_tables WHERE start_lsn <= @from");
}

/* ---- the answer ---- */

/* start_lsn of an instance in a list by object_id; false: it isn't in it. */
static bool listed_start(const OdbcCells *starts, int32_t object_id, Lsn *ret) {
    size_t low = 0, high = starts->rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (odbc_cell_int(starts, middle, 0, 0) < object_id) low = middle + 1;
        else high = middle;
    }
    bool is_there = low < starts->rows && odbc_cell_int(starts, low, 0, 0) == object_id;
    *ret = is_there ? odbc_cell_lsn(starts, low, 1) : (Lsn){{0}};
    return is_there;
}

/* Instances that had begun at or before the window's beginning when the reading was taken. */
static int64_t begun_before(const Trip *t) {
    int64_t n = 0;
    for (size_t i = 0; i < t->reading->instance_count; i++) {
        const Lsn *start = &t->reading->instances[i].start_lsn;
        n += !lsn_is_zero(start) && lsn_cmp(start, t->from) <= 0;
    }
    return n;
}

static bool read_result(const Trip *t, Arena *arena, bool is_first, OdbcCells *ret, Err *e) {
    bool more = true;
    if (!is_first && !odbc_next_result(t->odbc, &more, e)) return false;
    if (!more) return err_set(e, ERR_INTERNAL, false, "a result of the question for changes is missing");
    return odbc_read_cells(t->odbc, arena, ret, e);
}

/* All results of the batch. */
static bool read_answer(const Trip *t, Arena *arena, OdbcCells *ret_later, int64_t *ret_before, Err *e) {
    OdbcCells cells;
    for (size_t at = t->first; at < t->end; at += TABLES_A_SELECT) {
        if (!read_result(t, arena, at == t->first, &cells, e)) return false;
        for (size_t i = 0; i < cells.rows; i++) {
            int64_t n = odbc_cell_int(&cells, i, 0, -1);
            if (n >= 0 && (size_t)n < t->end - t->first) t->tables[t->first + (size_t)n].is_found = true;
        }
    }
    if (!read_result(t, arena, /* is_first= */ false, ret_later, e) ||
        !read_result(t, arena, /* is_first= */ false, &cells, e))
        return false;
    *ret_before = odbc_cell_int(&cells, 0, 0, -1);
    return true;
}

static bool set_starts(const Trip *t, Arena *arena, OdbcCells *later, int64_t before, Err *e) {
    bool is_as_read = before == begun_before(t);
    if (!is_as_read &&
        !odbc_cells(t->odbc, arena, "SELECT object_id, start_lsn FROM cdc.change_tables ORDER BY object_id",
                    /* params= */ NULL, 0, later, e))
        return false;
    for (size_t i = t->first; i < t->end; i++) {
        ProbeTable *table = &t->tables[i];
        bool is_listed = listed_start(later, table->object_id, &table->start_lsn);
        if (!is_listed && is_as_read) table->start_lsn = reading_start(t->reading, table->object_id);
    }
    return true;
}

/* A dropped instance makes the whole batch fail: then each is asked by its page. */
static bool ask(Trip *t, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    OdbcCells later;
    int64_t before;
    set_params(t);
    if (!is_kept(t)) make_sql(t);
    for (size_t i = t->first; i < t->end; i++) t->tables[i].is_found = false;
    bool ok = odbc_query(t->odbc, buf_text(&t->p->sql), t->params, t->param_count, e) &&
              read_answer(t, &arena, &later, &before, e);
    odbc_close_query(t->odbc);
    if (ok) return set_starts(t, &arena, &later, before, e);
    for (size_t i = t->first; i < t->end; i++) t->tables[i].is_found = true;
    return odbc_last_native(t->odbc) == NO_SUCH_OBJECT;
}

bool probe_ask(Probe *p, Odbc *odbc, const Reading *reading, const Lsn *from, const Lsn *to,
               ProbeTable *tables, size_t count, Err *e) {
    Trip t = {
        .p = p, .odbc = odbc, .reading = reading, .from = from, .to = to, .tables = tables, .count = count};
    for (; t.first < count; t.first = t.end)
        if (!ask(&t, e)) return err_wrap(e, "asking which tables have changes");
    return true;
}
