/*
 * The keys go as a table of parameters, each row with its number, and the number comes back: so no two keys
 * have to be compared here, where the column's collation isn't known.
 */
#include "sqlserver/reread.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sqlserver/key_text.h"
#include "sqlserver/rowset.h"
#include "sqlserver/sql_text.h"

enum { MAX_ROWS = 1000 };
#define NUMBER_NAME "__$row" /* SQL Server keeps names that begin so for change tables */

struct Reread {
    const Schema *schema; /* a reference */
    uint16_t *wanted;     /* owned: schema columns that are read */
    size_t count;
    uint16_t *key; /* owned: schema columns */
    size_t key_count;
    Column *columns; /* owned: the number, then those of `wanted` */
    Rowset *rowset;
    const RereadRow *asked; /* borrowed while they are read, as asked_count says */
    size_t asked_count;
};

static size_t find_wanted(const CatalogInstance *in, uint16_t *wanted) {
    size_t count = 0;
    for (size_t i = 0; i < in->schema->column_count; i++)
        if (in->schema->columns[i].is_computed && !in->is_gone[i]) wanted[count++] = (uint16_t)i;
    return count;
}

/* The number of a row among those that were asked for; asked_count when it is none of them. */
static size_t number_of(const Reread *r, const Value *got) {
    bool is_one = !got[0].flags && got[0].v.i >= 0 && (size_t)got[0].v.i < r->asked_count;
    return is_one ? (size_t)got[0].v.i : r->asked_count;
}

static void tell_key(void *self, const Value *got, Buf *out) {
    const Reread *r = self;
    size_t number = number_of(r, got);
    for (size_t i = 0; i < r->key_count && number < r->asked_count; i++) {
        const Column *c = &r->schema->columns[r->key[i]];
        buf_printf(out, "%s" STR_FMT "=", i ? ", " : "", STR_ARG(c->name));
        key_text_show(c, &r->asked[number].values[r->key[i]], out);
    }
}

static bool make_rowset(Reread *r, const CatalogInstance *in, OdbcDriverKind driver, Err *e) {
    r->columns = x_calloc(r->count + 1, sizeof *r->columns);
    CLEANUP_FREE const MaskRule **masks = x_calloc(r->count + 1, sizeof(MaskRule *));
    r->columns[0] = (Column){.name = STR_LIT(NUMBER_NAME), .type = SQLTYPE_INT};
    for (size_t i = 0; i < r->count; i++) {
        r->columns[i + 1] = in->schema->columns[r->wanted[i]];
        masks[i + 1] = in->masks[r->wanted[i]];
    }
    if (!rowset_new(in->schema->qualified, r->columns, r->count + 1, driver, &r->rowset, e)) return false;
    rowset_set_masks(r->rowset, masks);
    rowset_set_key_teller(r->rowset, tell_key, r);
    rowset_pass_unreadable(r->rowset);
    return true;
}

bool reread_new(const CatalogInstance *in, OdbcDriverKind driver, Reread **ret, Err *e) {
    *ret = NULL;
    if (!in->rereads_computed || !in->paging) return true;
    Reread *r = x_calloc(1, sizeof *r);
    r->schema = schema_ref(in->schema);
    r->wanted = x_calloc(in->schema->column_count, sizeof *r->wanted);
    r->count = find_wanted(in, r->wanted);
    r->key_count = in->paging_count;
    r->key = x_calloc(r->key_count, sizeof *r->key);
    for (size_t i = 0; i < r->key_count; i++) r->key[i] = in->paging[i];
    if (r->count == 0) {
        reread_free(r);
        return true;
    }
    if (!make_rowset(r, in, driver, e)) {
        reread_free(r);
        return false;
    }
    *ret = r;
    return true;
}

Reread *reread_free(Reread *r) {
    if (!r) return NULL;
    rowset_free(r->rowset);
    schema_unref(r->schema);
    free(r->wanted);
    free(r->key);
    free(r->columns);
    free(r);
    return NULL;
}

/* ---- reading ---- */

static void key_name(size_t i, Buf *sql) {
    buf_printf(sql, "[__$key%zu]", i);
}

static void add_keys(const Reread *r, size_t rows, Buf *sql) {
    buf_cstr(sql, " JOIN (VALUES ");
    for (size_t i = 0; i < rows; i++) {
        buf_printf(sql, "%s(%zu", i ? ", " : "", i);
        for (size_t k = 0; k < r->key_count; k++) {
            buf_cstr(sql, ", ");
            key_text_marker(&r->schema->columns[r->key[k]], sql);
        }
        buf_cstr(sql, ")");
    }
    buf_cstr(sql, ") AS [__$keys]([" NUMBER_NAME "]");
    for (size_t k = 0; k < r->key_count; k++) {
        buf_cstr(sql, ", ");
        key_name(k, sql);
    }
    buf_cstr(sql, ") ON ");
    for (size_t k = 0; k < r->key_count; k++) {
        buf_cstr(sql, k ? " AND [__$table]." : "[__$table].");
        sql_text_name(r->schema->columns[r->key[k]].name, sql);
        buf_cstr(sql, " = ");
        key_name(k, sql);
    }
}

static void statement(const Reread *r, size_t rows, Buf *sql) {
    const uint16_t *order = rowset_order(r->rowset);
    buf_cstr(sql, "SELECT ");
    for (size_t i = 0; i <= r->count; i++) {
        buf_cstr(sql, i ? ", " : "");
        sql_text_value(&r->columns[order[i]], sql);
    }
    buf_cstr(sql, " FROM ");
    sql_text_object(r->schema->schema, r->schema->table, sql);
    buf_cstr(sql, " AS [__$table]");
    add_keys(r, rows, sql);
}

static bool fetch(Reread *r, Odbc *odbc, RereadRow *rows, size_t count, Arena *arena, Err *e) {
    r->asked = rows;
    r->asked_count = count;
    if (!rowset_bind(r->rowset, odbc, arena, e)) return false;
    for (;;) {
        Value *values;
        size_t n;
        if (!rowset_fetch(r->rowset, &values, &n, e)) return false;
        if (n == 0) return true;
        for (size_t i = 0; i < n; i++) {
            const Value *got = values + i * (r->count + 1);
            size_t number = number_of(r, got);
            if (number == count)
                return err_set(e, ERR_INTERNAL, false, "table %s: a row came that wasn't asked for",
                               r->schema->qualified);
            Value *row = rows[number].values;
            rows[number].unreadable = rowset_unreadable(r->rowset, i);
            for (size_t k = 0; k < r->count && !rows[number].unreadable; k++)
                if (value_is_absent(&row[r->wanted[k]])) row[r->wanted[k]] = got[k + 1];
        }
    }
}

static bool read_some(Reread *r, Odbc *odbc, RereadRow *rows, size_t count, Arena *arena, Err *e) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(arena_done) Arena keys = {0};
    CLEANUP_FREE OdbcParam *params = x_calloc(count * r->key_count, sizeof *params);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < r->key_count; k++)
            if (!key_text_param(&r->schema->columns[r->key[k]], &rows[i].values[r->key[k]], &keys,
                                &params[i * r->key_count + k], e))
                return false;
    statement(r, count, &sql);
    bool ok = odbc_query(odbc, buf_text(&sql), params, count * r->key_count, e) &&
              fetch(r, odbc, rows, count, arena, e);
    odbc_close_query(odbc);
    return ok;
}

bool reread_rows(Reread *r, Odbc *odbc, RereadRow *rows, size_t count, Arena *arena, Err *e) {
    size_t most = ODBC_MOST_PARAMS / r->key_count;
    if (most > MAX_ROWS) most = MAX_ROWS;
    for (size_t i = 0; i < count; i += most) {
        size_t n = count - i < most ? count - i : most;
        if (!read_some(r, odbc, rows + i, n, arena, e))
            return err_wrap(e, "table %s, reading computed columns again", r->schema->qualified);
    }
    return true;
}
