#include "standin/builtin/view_row.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "standin/builtin/local_time.h"
#include "standin/types/decimal.h"
#include "standin/types/variant.h"

/* "#name____…____00000000000A": underscores, then twelve digits that tell sessions apart. */
const char *view_table_name(const Table *t) {
    enum { VIEW_NAME_SIZE = 128 + 1, DIGITS = 12 };
    static _Thread_local char room[VIEW_NAME_SIZE];
    size_t n = strlen(t->name);
    if (t->name[0] != '#' || t->name[1] == '#' || n > VIEW_NAME_SIZE - 1 - DIGITS) return t->name;
    memcpy(room, t->name, n);
    memset(room + n, '_', VIEW_NAME_SIZE - 1 - DIGITS - n);
    (void)snprintf(room + VIEW_NAME_SIZE - 1 - DIGITS, DIGITS + 1, "%012X", (unsigned)t->object_id);
    return room;
}

bool view_is_shown(const SysTable *t) {
    return strncmp(t->name, "spt_", 4) != 0;
}

ViewRow view_row_start(SysRows *rows, size_t width) {
    assert(width <= VIEW_ROW_MAX_COLUMNS);
    ViewRow r;
    r.rows = rows;
    r.width = width;
    r.n = 0;
    return r;
}

static void put(ViewRow *r, Value v) {
    assert(r->n < r->width);
    r->values[r->n++] = v;
}

void view_row_int(ViewRow *r, int64_t v) {
    put(r, VALUE_OF_INT(v));
}

void view_row_null(ViewRow *r) {
    put(r, (Value){.kind = VALUE_NULL});
}

void view_row_variant(ViewRow *r, const Type *base, int64_t v, Arena *a) {
    uint8_t blob[DECIMAL_BLOB_BYTES];
    bool is_decimal = base->id == TYPE_DECIMAL || base->id == TYPE_NUMERIC;
    Value x = is_decimal ? decimal_to_value((Decimal){v, base->precision, 0}, blob) : VALUE_OF_INT(v);
    put(r, variant_pack(base, x, a));
}

void view_row_nulls(ViewRow *r, size_t count) {
    while (count--) view_row_null(r);
}

void view_row_zeros(ViewRow *r, size_t count) {
    while (count--) view_row_int(r, 0);
}

void view_row_text(ViewRow *r, const char *text) {
    if (text) view_row_str(r, str_from(text));
    else view_row_null(r);
}

void view_row_str(ViewRow *r, Str text) {
    put(r, VALUE_OF_TEXT(text));
}

void view_row_blob(ViewRow *r, Str bytes) {
    put(r, VALUE_OF_BLOB(bytes));
}

void view_row_datetime(ViewRow *r, int64_t wall_us) {
    view_row_int(r, local_time_datetime(wall_us));
}

void view_row_end(ViewRow *r) {
    assert(r->n == r->width);
    sysrows_add(r->rows, r->values);
    r->n = 0;
}
