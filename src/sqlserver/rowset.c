#include "sqlserver/rowset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sqlserver/cell.h"
#include "sqlserver/key_text.h"

enum {
    ARRAY_BYTES = 256 * 1024, /* filled by the driver, then read once per column: stays in the cache */
    MAX_ARRAY_ROWS = 4096,
    LONG_PIECE_BYTES = 64 * 1024,
};

typedef struct BoundColumn {
    CellPlan plan;
    size_t offset; /* of its cell in the row */
} BoundColumn;

/* A row with a value that can't be read. */
typedef struct Unreadable {
    const char *why; /* in the rows' arena; NULL = it can */
    size_t column;
} Unreadable;

struct Rowset {
    char *label;           /* owned */
    const Column *columns; /* borrowed */
    size_t count, long_count;
    BoundColumn *bound; /* owned; by column */
    uint16_t *order;    /* owned */
    uint16_t *key;      /* owned */
    size_t key_count;
    size_t row_bytes, capacity;
    uint8_t *array; /* capacity rows: the connection's, while bound */
    SQLULEN fetched;
    Odbc *odbc; /* bound to; borrowed */
    Buf piece;  /* a long value */
    CellRoom room;
    Masker **maskers;       /* owned; by column; NULL = none */
    Value *unmasked;        /* owned: the last row, when there are maskers */
    const Value *last;      /* the same, or the row itself */
    RowsetTellKey tell_key; /* NULL = by `key` */
    void *tell_key_self;
    bool passes_unreadable, has_unreadable, has_marked;
    size_t decoding;        /* column */
    int64_t long_bytes;     /* of the value at hand; -1 = unknown */
    Unreadable *unreadable; /* owned; by row; NULL until there is one */
};

static bool plan_columns(Rowset *r, OdbcDriverKind driver, Err *e) {
    for (size_t i = 0; i < r->count; i++) {
        BoundColumn *b = &r->bound[i];
        if (!cell_plan(&r->columns[i], driver, &b->plan, e))
            return err_wrap(e, "table %s, column " STR_FMT, r->label, STR_ARG(r->columns[i].name));
        if (b->plan.is_long) {
            r->long_count++;
            continue;
        }
        b->offset = r->row_bytes;
        r->row_bytes += cell_bytes(&b->plan);
    }
    size_t at = 0;
    for (size_t i = 0; i < r->count; i++)
        if (!r->bound[i].plan.is_long) r->order[at++] = (uint16_t)i;
    for (size_t i = 0; i < r->count; i++)
        if (r->bound[i].plan.is_long) r->order[at++] = (uint16_t)i;
    return true;
}

bool rowset_new(const char *label, const Column *columns, size_t count, OdbcDriverKind driver, Rowset **ret,
                Err *e) {
    Rowset *r = x_calloc(1, sizeof *r);
    r->label = x_strdup(label);
    r->columns = columns;
    r->count = count;
    r->bound = x_calloc(count ? count : 1, sizeof *r->bound);
    r->order = x_calloc(count ? count : 1, sizeof *r->order);
    if (!plan_columns(r, driver, e)) {
        rowset_free(r);
        return false;
    }
    if (r->row_bytes == 0) r->row_bytes = 8; /* long columns only */
    r->capacity = r->long_count ? 1 : ARRAY_BYTES / r->row_bytes;
    if (r->capacity < 1) r->capacity = 1;
    if (r->capacity > MAX_ARRAY_ROWS) r->capacity = MAX_ARRAY_ROWS;
    *ret = r;
    return true;
}

Rowset *rowset_free(Rowset *r) {
    if (!r) return NULL;
    for (size_t i = 0; r->maskers && i < r->count; i++) masker_free(r->maskers[i]);
    free(r->maskers);
    free(r->unmasked);
    free(r->label);
    free(r->bound);
    free(r->order);
    free(r->key);
    free(r->unreadable);
    buf_done(&r->piece);
    cell_room_done(&r->room);
    free(r);
    return NULL;
}

const uint16_t *rowset_order(const Rowset *r) {
    return r->order;
}

size_t rowset_capacity(const Rowset *r) {
    return r->capacity;
}

size_t rowset_row_bytes(const Rowset *r) {
    return r->row_bytes;
}

uint64_t rowset_replaced(const Rowset *r) {
    return r->room.replaced;
}

void rowset_set_key(Rowset *r, const uint16_t *key, size_t count) {
    free(r->key);
    r->key = x_calloc(count ? count : 1, sizeof *r->key);
    r->key_count = count;
    if (count) memcpy(r->key, key, count * sizeof *key);
}

void rowset_set_key_teller(Rowset *r, RowsetTellKey tell, void *self) {
    r->tell_key = tell;
    r->tell_key_self = self;
}

void rowset_set_masks(Rowset *r, const MaskRule *const *rules) {
    assert(!r->maskers);
    for (size_t i = 0; rules && i < r->count; i++) {
        if (!rules[i]) continue;
        if (!r->maskers) r->maskers = x_calloc(r->count, sizeof(Masker *));
        r->maskers[i] = masker_new(rules[i], &r->columns[i]);
    }
    if (r->maskers) r->unmasked = x_calloc(r->count, sizeof *r->unmasked);
}

const Value *rowset_last(const Rowset *r) {
    return r->last;
}

/* SQL_C_NUMERIC has precision and scale in the row descriptor only, or scale 0 applies. */
static bool describe_numeric(Odbc *c, SQLSMALLINT number, const BoundColumn *b, uint8_t *data, Err *e) {
    SQLHDESC ard = SQL_NULL_HDESC;
    if (!odbc_check(c, SQLGetStmtAttrW(odbc_stmt(c), SQL_ATTR_APP_ROW_DESC, &ard, 0, NULL), e)) return false;
    bool ok = SQL_SUCCEEDED(SQLSetDescFieldW(ard, number, SQL_DESC_TYPE, (SQLPOINTER)SQL_C_NUMERIC, 0)) &&
              SQL_SUCCEEDED(SQLSetDescFieldW(ard, number, SQL_DESC_PRECISION,
                                             (SQLPOINTER)(intptr_t)b->plan.precision, 0)) &&
              SQL_SUCCEEDED(
                  SQLSetDescFieldW(ard, number, SQL_DESC_SCALE, (SQLPOINTER)(intptr_t)b->plan.scale, 0)) &&
              SQL_SUCCEEDED(SQLSetDescFieldW(ard, number, SQL_DESC_DATA_PTR, data, 0));
    if (!ok) return err_set(e, ERR_INTERNAL, false, "the ODBC driver takes no scale for a decimal");
    return true;
}

static bool bind_column(Rowset *r, Odbc *c, SQLUSMALLINT number, size_t column, Err *e) {
    const BoundColumn *b = &r->bound[column];
    uint8_t *cell = r->array + b->offset, *data = cell + CELL_HEAD;
    SQLRETURN rc =
        SQLBindCol(odbc_stmt(c), number, b->plan.c_type, data, (SQLLEN)b->plan.width, (SQLLEN *)(void *)cell);
    if (!odbc_check(c, rc, e)) return false;
    return b->plan.c_type != SQL_C_NUMERIC || describe_numeric(c, (SQLSMALLINT)number, b, data, e);
}

static bool set_attr(Odbc *c, SQLINTEGER attribute, SQLPOINTER value, Err *e) {
    return odbc_check(c, SQLSetStmtAttrW(odbc_stmt(c), attribute, value, 0), e);
}

void rowset_into(Rowset *r, Arena *arena) {
    r->room = (CellRoom){.arena = arena, .replaced = r->room.replaced, .scratch = r->room.scratch};
}

bool rowset_bind(Rowset *r, Odbc *c, Arena *arena, Err *e) {
    r->odbc = c;
    r->array = odbc_row_array(c, r->capacity * r->row_bytes);
    rowset_into(r, arena);
    SQLSMALLINT columns = 0;
    if (!odbc_check(c, SQLNumResultCols(odbc_stmt(c), &columns), e)) return err_wrap(e, "table %s", r->label);
    if ((size_t)columns != r->count)
        return err_set(e, ERR_INTERNAL, false, "table %s: %d columns came, %zu were asked for", r->label,
                       columns, r->count);
    if (!set_attr(c, SQL_ATTR_ROW_BIND_TYPE, (SQLPOINTER)(uintptr_t)r->row_bytes, e) ||
        !set_attr(c, SQL_ATTR_ROW_ARRAY_SIZE, (SQLPOINTER)(uintptr_t)r->capacity, e) ||
        !set_attr(c, SQL_ATTR_ROWS_FETCHED_PTR, &r->fetched, e))
        return err_wrap(e, "table %s", r->label);
    for (size_t i = 0; i < r->count - r->long_count; i++)
        if (!bind_column(r, c, (SQLUSMALLINT)(i + 1), r->order[i], e))
            return err_wrap(e, "table %s, column " STR_FMT, r->label, STR_ARG(r->columns[r->order[i]].name));
    return true;
}

/* ---- what can't be read ---- */

/* "key Id=7" of a decoded row, for an error. */
static void describe_key(const Rowset *r, const Value *row, Buf *out) {
    if (!r->key_count && !r->tell_key) buf_cstr(out, "no key");
    else buf_cstr(out, "key ");
    if (r->tell_key) r->tell_key(r->tell_key_self, row, out);
    for (size_t i = 0; i < r->key_count; i++) {
        const Column *c = &r->columns[r->key[i]];
        buf_printf(out, "%s" STR_FMT "=", i ? ", " : "", STR_ARG(c->name));
        key_text_show(c, &row[r->key[i]], out);
    }
}

static bool name_row(const Rowset *r, size_t column, const Value *row, Err *e) {
    CLEANUP(buf_done) Buf key = {0};
    describe_key(r, row, &key);
    return err_wrap(e, "table %s, column " STR_FMT ", %.160s", r->label, STR_ARG(r->columns[column].name),
                    buf_text(&key));
}

static bool is_of_key(const Rowset *r, size_t column) {
    for (size_t i = 0; i < r->key_count; i++)
        if (r->key[i] == column) return true;
    return false;
}

static Value mark(Rowset *r, const char *why) {
    ValueFault *fault = arena_alloc(r->room.arena, sizeof *fault);
    *fault = (ValueFault){.why = why, .bytes = r->long_bytes};
    r->has_marked = true;
    return value_unreadable(fault);
}

/* A value of the row can't be read. Returns what stands in its place. */
static Value note_unreadable(void *self, size_t row, const Err *why) {
    Rowset *r = self;
    const char *text = arena_str(r->room.arena, str_from(why->msg)).p;
    bool marks = r->passes_unreadable && odbc_unreadable(r->odbc) == UNREADABLE_MARK;
    if (marks && !is_of_key(r, r->decoding)) return mark(r, text);
    if (!r->unreadable) r->unreadable = x_calloc(r->capacity, sizeof *r->unreadable);
    r->has_unreadable = true;
    if (!r->unreadable[row].why) r->unreadable[row] = (Unreadable){text, r->decoding};
    return value_unread();
}

static void forget_unreadable(Rowset *r) {
    if (r->has_unreadable) memset(r->unreadable, 0, r->capacity * sizeof *r->unreadable);
    r->has_unreadable = r->has_marked = false;
    r->long_bytes = -1;
}

/* Of the rows of an array, all whose keys are decoded by now. */
static bool settle_unreadable(Rowset *r, size_t rows, const Value *values, Err *e) {
    UnreadableRow mode = odbc_unreadable(r->odbc);
    bool passes = r->passes_unreadable && (mode == UNREADABLE_WARN || mode == UNREADABLE_SKIP);
    for (size_t i = 0; r->has_unreadable && i < rows; i++) {
        Unreadable *u = &r->unreadable[i];
        if (!u->why) continue;
        (void)err_set(e, ERR_DATA, false, "%s", u->why);
        (void)name_row(r, u->column, values + i * r->count, e);
        if (!passes) return false;
        u->why = arena_str(r->room.arena, str_from(e->msg)).p;
    }
    return true;
}

void rowset_pass_unreadable(Rowset *r) {
    r->passes_unreadable = true;
}

const char *rowset_unreadable(const Rowset *r, size_t row) {
    return r->has_unreadable ? r->unreadable[row].why : NULL;
}

bool rowset_has_marked(const Rowset *r) {
    return r->has_marked;
}

/* ---- long values ---- */

/* Whether the driver's bytes are those that DATALENGTH counts: not of a text in a code page, which it
 * converts, nor of what the statement makes text of. */
static bool has_own_bytes(SqlType type) {
    return type == SQLTYPE_NVARCHAR || type == SQLTYPE_NTEXT || type == SQLTYPE_VARBINARY ||
           type == SQLTYPE_IMAGE;
}

static bool too_large(const Rowset *r, Err *e) {
    return err_set(e, ERR_DATA, false, "the value has over %lld bytes (max.value.bytes)",
                   (long long)odbc_max_value_bytes(r->odbc));
}

/* One long value of the current row into r->piece. */
static bool read_long(Rowset *r, SQLUSMALLINT number, const CellPlan *plan, bool *ret_is_null,
                      bool *ret_is_over, Err *e) {
    Odbc *c = r->odbc;
    int64_t most = odbc_max_value_bytes(c);
    buf_clear(&r->piece);
    r->long_bytes = -1;
    for (bool is_first = true;; is_first = false) {
        SQLLEN n = 0, room = LONG_PIECE_BYTES - (plan->is_ended ? (SQLLEN)sizeof(SQLWCHAR) : 0);
        uint8_t *at = buf_reserve(&r->piece, LONG_PIECE_BYTES);
        SQLRETURN rc = SQLGetData(odbc_stmt(c), number, plan->c_type, at, LONG_PIECE_BYTES, &n);
        if (rc == SQL_NO_DATA) return true;
        if (!odbc_check(c, rc, e)) return false;
        *ret_is_null = n == SQL_NULL_DATA;
        if (*ret_is_null) return true;
        if (is_first && n >= 0 && has_own_bytes(plan->type)) r->long_bytes = n;
        bool is_cut = n == SQL_NO_TOTAL || n > room;
        r->piece.n += (size_t)(is_cut ? room : n);
        *ret_is_over = (int64_t)r->piece.n > (plan->is_utf16 ? 2 * most : most);
        if (!is_cut || *ret_is_over) return true;
    }
}

static bool decode_long(Rowset *r, size_t place, Value *ret, Err *e) {
    const CellPlan *plan = &r->bound[r->order[place]].plan;
    bool is_null = false, is_over = false;
    if (!read_long(r, (SQLUSMALLINT)(place + 1), plan, &is_null, &is_over, e)) return false;
    if (is_over) return too_large(r, e);
    if (is_null) {
        *ret = value_null();
        return true;
    }
    if (!cell_long(plan, buf_view(&r->piece), &r->room, ret, e)) return false;
    return (int64_t)ret->n <= odbc_max_value_bytes(r->odbc) || too_large(r, e);
}

/* Those of the one row there is. */
static bool decode_longs(Rowset *r, Value *row, Err *e) {
    for (size_t i = r->count - r->long_count; i < r->count; i++) {
        r->decoding = r->order[i];
        if (decode_long(r, i, &row[r->decoding], e)) continue;
        if (e->code != ERR_DATA)
            return err_wrap(e, "table %s, column " STR_FMT, r->label, STR_ARG(r->columns[r->decoding].name));
        row[r->decoding] = note_unreadable(r, 0, e);
    }
    return true;
}

/* ---- fetching ---- */

static bool decode_array(Rowset *r, size_t rows, Value *values, Err *e) {
    for (size_t i = 0; i < r->count - r->long_count; i++) {
        size_t column = r->order[i];
        const BoundColumn *b = &r->bound[column];
        CellRun run = {.plan = &b->plan,
                       .cells = r->array + b->offset,
                       .stride = r->row_bytes,
                       .rows = rows,
                       .out_stride = r->count,
                       .room = &r->room,
                       .refused = note_unreadable,
                       .self = r};
        r->decoding = column;
        if (!cell_decode(&run, values + column, e))
            return err_wrap(e, "table %s, column " STR_FMT, r->label, STR_ARG(r->columns[column].name));
    }
    return true;
}

static void mask_values(Rowset *r, size_t rows, Value *values) {
    memcpy(r->unmasked, values + (rows - 1) * r->count, r->count * sizeof *values);
    r->last = r->unmasked;
    for (size_t i = 0; i < r->count; i++)
        if (r->maskers[i]) masker_apply(r->maskers[i], values + i, r->count, rows, r->room.arena);
}

bool rowset_fetch(Rowset *r, Value **ret_values, size_t *ret_rows, Err *e) {
    assert(r->odbc);
    r->fetched = 0;
    forget_unreadable(r);
    SQLRETURN rc = SQLFetch(odbc_stmt(r->odbc));
    if (!odbc_check(r->odbc, rc, e)) return err_wrap(e, "table %s", r->label);
    size_t rows = rc == SQL_NO_DATA ? 0 : (size_t)r->fetched;
    *ret_rows = rows;
    if (rows == 0) return true;
    Value *values = ARENA_ARRAY(r->room.arena, Value, rows * r->count);
    if (!decode_array(r, rows, values, e) || (r->long_count && !decode_longs(r, values, e)) ||
        !settle_unreadable(r, rows, values, e))
        return false;
    r->last = values + (rows - 1) * r->count;
    if (r->maskers) mask_values(r, rows, values);
    *ret_values = values;
    return true;
}
