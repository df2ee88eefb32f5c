#include "sqlserver/scan.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "sqlserver/catalog.h"
#include "sqlserver/key_text.h"
#include "sqlserver/odbc.h"
#include "sqlserver/precheck.h"
#include "sqlserver/rowset.h"
#include "sqlserver/source_settings.h"
#include "sqlserver/sql_text.h"

enum { PART_BYTES = 2 * 1024 * 1024 };

struct Scan {
    SourceSettings settings;
    Odbc *odbc;
    Catalog catalog;
    const CatalogInstance **newest; /* owned; by table, borrowed from the catalog */
    size_t count;
    Rowset *rowset; /* of the table being read */
    const Schema *schema;
    bool is_open; /* a statement runs */
};

/* The newest instance of each captured table: a table's instances lie together, oldest first. */
static void find_newest(Scan *s) {
    s->newest = x_calloc(s->catalog.instance_count + 1, sizeof(CatalogInstance *));
    for (size_t i = 0; i < s->catalog.instance_count; i++) {
        const CatalogInstance *in = &s->catalog.instances[i];
        bool is_same = s->count && s->newest[s->count - 1]->table == in->table;
        if (!is_same) s->count++;
        s->newest[s->count - 1] = in;
    }
}

bool scan_open(const Options *options, Scan **ret, Err *e) {
    Scan *s = x_calloc(1, sizeof *s);
    bool ok = source_settings(options, &s->settings, e) &&
              precheck_connect(&s->settings.target, &s->odbc, e) &&
              catalog_load(&s->catalog, s->odbc, &s->settings.filter, e) && precheck_database(&s->catalog, e);
    if (ok && s->catalog.allows_snapshot)
        ok = odbc_exec(s->odbc, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT", e);
    if (!ok) {
        scan_close(s);
        return false;
    }
    find_newest(s);
    *ret = s;
    return true;
}

static void end_table(Scan *s) {
    if (s->is_open) odbc_close_query(s->odbc);
    s->is_open = false;
    s->rowset = rowset_free(s->rowset);
}

Scan *scan_close(Scan *s) {
    if (!s) return NULL;
    end_table(s);
    free(s->newest);
    catalog_done(&s->catalog);
    odbc_close(s->odbc);
    source_settings_done(&s->settings);
    free(s);
    return NULL;
}

size_t scan_table_count(const Scan *s) {
    return s->count;
}

const Schema *scan_table(const Scan *s, size_t table) {
    return s->newest[table]->schema;
}

bool scan_is_copied(const Scan *s, size_t table) {
    return snapshot_mode_copies(s->settings.mode, &s->settings.flags) &&
           !s->catalog.tables[s->newest[table]->table].is_uncopied;
}

static bool open_rowset(Scan *s, size_t table, Err *e) {
    end_table(s);
    s->schema = s->newest[table]->schema;
    if (!rowset_new(s->schema->qualified, s->schema->columns, s->schema->column_count, odbc_driver(s->odbc),
                    &s->rowset, e))
        return false;
    rowset_set_key(s->rowset, s->schema->key, s->schema->key_count);
    rowset_set_masks(s->rowset, s->newest[table]->masks);
    return true;
}

static SqlTextChunk whole_table(const Scan *s, size_t table) {
    return (SqlTextChunk){.schema = s->schema->schema,
                          .table = s->schema->table,
                          .columns = s->schema->columns,
                          .order = rowset_order(s->rowset),
                          .count = s->schema->column_count,
                          .is_gone = s->newest[table]->is_gone};
}

bool scan_begin(Scan *s, size_t table, bool in_order, Err *e) {
    assert(table < s->count);
    if (!open_rowset(s, table, e)) return false;
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(arena_done) Arena arena = {0};
    const CatalogInstance *in = s->newest[table];
    SqlTextChunk text = whole_table(s, table);
    if (in_order && in->paging) {
        size_t count = s->catalog.tables[in->table].paging.count;
        Column *key = ARENA_ARRAY(&arena, Column, count);
        for (size_t i = 0; i < count; i++) key[i] = s->schema->columns[in->paging[i]];
        text.key = key;
        text.key_count = count;
    }
    sql_text_chunk(&text, &sql);
    if (!odbc_query(s->odbc, buf_text(&sql), /* params= */ NULL, 0, e))
        return err_wrap(e, "table %s", s->schema->qualified);
    s->is_open = true;
    return true;
}

static Batch *rows_batch(const Scan *s) {
    Batch *b = batch_new(BATCH_ROWS);
    b->schema = schema_ref(s->schema);
    b->read_us = clock_wall_us();
    return b;
}

/* Fetch into b until it has about `bytes`. */
static bool fetch_part(Scan *s, Batch *b, size_t bytes, bool *ret_is_end, Err *e) {
    *ret_is_end = false;
    while (batch_bytes(b) < bytes) {
        Value *values;
        size_t rows;
        if (!rowset_fetch(s->rowset, &values, &rows, e)) return false;
        *ret_is_end = rows == 0;
        if (rows == 0) return true;
        for (size_t i = 0; i < rows; i++) {
            Change *change = batch_add(b);
            change->op = OP_READ;
            change->schema = s->schema;
            change->after = values + i * s->schema->column_count;
        }
    }
    return true;
}

bool scan_next(Scan *s, Batch **ret, Err *e) {
    *ret = NULL;
    if (!s->is_open) return true;
    Batch *b = rows_batch(s);
    bool is_end = false;
    bool ok = rowset_bind(s->rowset, s->odbc, &b->arena, e) && fetch_part(s, b, PART_BYTES, &is_end, e);
    if (!ok || is_end) end_table(s);
    if (!ok || b->count == 0) b = batch_free(b);
    *ret = b;
    return ok;
}

/* One statement for as many keys as have parameters. */
static bool read_keys(Scan *s, size_t table, const Value *keys, size_t count, Batch *b, Err *e) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(arena_done) Arena arena = {0};
    OdbcParam params[ODBC_MAX_PARAMS];
    size_t width = s->schema->key_count;
    Column *key = ARENA_ARRAY(&arena, Column, width);
    for (size_t i = 0; i < width; i++) key[i] = s->schema->columns[s->schema->key[i]];
    SqlTextChunk text = whole_table(s, table);
    sql_text_chunk(&text, &sql);
    for (size_t i = 0; i < count; i++) {
        buf_cstr(&sql, i ? " OR (" : " WHERE (");
        sql_text_equal(key, width, &sql);
        buf_cstr(&sql, ")");
        for (size_t k = 0; k < width; k++)
            if (!key_text_param(&key[k], &keys[i * width + k], &arena, &params[i * width + k], e))
                return false;
    }
    bool is_end;
    bool ok = odbc_query(s->odbc, buf_text(&sql), params, count * width, e) &&
              rowset_bind(s->rowset, s->odbc, &b->arena, e) && fetch_part(s, b, SIZE_MAX, &is_end, e);
    odbc_close_query(s->odbc);
    return ok;
}

bool scan_rows_by_key(Scan *s, size_t table, const Value *keys, size_t count, Batch **ret, Err *e) {
    assert(table < s->count);
    if (!open_rowset(s, table, e)) return false;
    size_t width = s->schema->key_count;
    if (width == 0 || width > ODBC_MAX_PARAMS)
        return err_set(e, ERR_INVALID, false, "table %s has no key to look rows up by", s->schema->qualified);
    size_t at_once = ODBC_MAX_PARAMS / width;
    Batch *b = rows_batch(s);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i += at_once) {
        size_t left = count - i;
        ok = read_keys(s, table, keys + i * width, left < at_once ? left : at_once, b, e);
    }
    end_table(s);
    if (!ok) {
        batch_free(b);
        return err_wrap(e, "rows by key");
    }
    *ret = b;
    return true;
}

bool scan_passed_begin(Scan *s, CapturePassed *p, Err *e) {
    assert(!s->is_open);
    return capture_passed_begin(s->odbc, p, e);
}

bool scan_passed_ask(Scan *s, CapturePassed *p, Err *e) {
    assert(!s->is_open);
    return capture_passed_ask(s->odbc, p, e);
}

bool scan_extras(Scan *s, Arena *arena, Extras *ret, Err *e) {
    assert(!s->is_open);
    return extras_load(s->odbc, arena, ret, e);
}

bool scan_has_changed(Scan *s, size_t table, const Lsn *after, bool *ret, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf name = {0};
    OdbcCells found;
    OdbcParam param = odbc_bytes(after->b, LSN_BYTES);
    assert(!s->is_open && table < s->count);
    buf_printf(&name, "" STR_FMT "_CT", STR_ARG(s->newest[table]->name));
    buf_cstr(&sql, "SELECT TOP (1) 1 FROM ");
    sql_text_object(STR_LIT("cdc"), buf_view(&name), &sql);
    buf_cstr(&sql, " WHERE __$start_lsn > CAST(? AS binary(10))");
    if (!odbc_cells(s->odbc, &arena, buf_text(&sql), &param, 1, &found, e))
        return err_wrap(e, "table %s", s->newest[table]->schema->qualified);
    *ret = found.rows > 0;
    return true;
}
