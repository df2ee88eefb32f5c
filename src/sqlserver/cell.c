/*
 * FreeTDS converts each value through its own middle form; asked for SQL_C_BINARY it copies what the server
 * sent (numbers and datetimes in host order, decimals as SQL_NUMERIC_STRUCT, the 2008 date types as ODBC's
 * structs, nvarchar as UTF-16), which is cheaper and loses nothing. Its SQL_C_NUMERIC can't: it asks for
 * scale 0 whatever the descriptor says. Microsoft's driver gets the C types of its manual.
 */
#include "sqlserver/cell.h"

#include <string.h>

#include "base/utf.h"
#include "record/civil.h"
#include "record/hierarchy.h"
#include "record/numtext.h"
#include "sqlserver/spatial.h"
#include "sqlserver/sqlvariant.h"

enum {
    ROOM_BYTES = 32 * 1024,
    NUMERIC_BYTES = 19, /* SQL_NUMERIC_STRUCT: precision, scale, sign, 16 bytes */
    GUID_BYTES = 16,
    TIMESTAMP_BYTES = 16, /* SQL_TIMESTAMP_STRUCT */
    TIME2_BYTES = 12,     /* SQL_SS_TIME2_STRUCT */
    OFFSET_BYTES = 20,    /* SQL_SS_TIMESTAMPOFFSET_STRUCT */
    DATE_BYTES = 6,       /* SQL_DATE_STRUCT */
    DAYS_1900 = -25567,   /* 1900-01-01 in days since 1970-01-01 */
};

_Static_assert(sizeof(SQL_NUMERIC_STRUCT) == NUMERIC_BYTES, "ODBC's layout");
_Static_assert(sizeof(SQL_TIMESTAMP_STRUCT) == TIMESTAMP_BYTES, "ODBC's layout");
_Static_assert(sizeof(SQLGUID) == GUID_BYTES, "ODBC's layout");

char *cell_room(CellRoom *room, size_t n) {
    if ((size_t)(room->end - room->at) < n) {
        size_t take = n > ROOM_BYTES ? n : ROOM_BYTES;
        room->at = arena_bytes(room->arena, take);
        room->end = room->at + take;
    }
    return room->at;
}

void cell_room_done(CellRoom *room) {
    buf_done(&room->scratch);
}

/* ---- one cell ---- */

static inline const uint8_t *cell_at(const CellRun *run, size_t i) {
    return run->cells + i * run->stride;
}
static inline SQLLEN cell_length(const uint8_t *cell) {
    SQLLEN n;
    memcpy(&n, cell, sizeof n);
    return n;
}
static inline int16_t i16_at(const uint8_t *p) {
    int16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint16_t u16_at(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline int32_t i32_at(const uint8_t *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint32_t u32_at(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline int64_t i64_at(const uint8_t *p) {
    int64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static bool bad_length(const CellRun *run, SQLLEN n, Err *e) {
    if (n == SQL_NO_TOTAL || n > (SQLLEN)run->plan->width)
        return err_set(e, ERR_DATA, false, "the value is longer than the column's declared %s allows",
                       sqltype_name(run->plan->type));
    return err_set(e, ERR_INTERNAL, false, "the ODBC driver gave %lld bytes for a %s", (long long)n,
                   sqltype_name(run->plan->type));
}

/* ---- numbers ---- */

static bool decode_int(const CellRun *run, Value *out, Err *e) {
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i), *p = cell + CELL_HEAD;
        SQLLEN n = cell_length(cell);
        switch (n) {
        case 4: *out = value_int(i32_at(p)); break;
        case 8: *out = value_int(i64_at(p)); break;
        case 2: *out = value_int(i16_at(p)); break;
        case 1: *out = value_int(*p); break; /* bit, tinyint: unsigned */
        case SQL_NULL_DATA: *out = value_null(); break;
        default: return bad_length(run, n, e);
        }
    }
    return true;
}

static bool decode_double(const CellRun *run, Value *out, Err *e) {
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i), *p = cell + CELL_HEAD;
        SQLLEN n = cell_length(cell);
        if (n == 8) {
            double d;
            memcpy(&d, p, sizeof d);
            *out = value_double(d);
        } else if (n == 4) {
            float f;
            memcpy(&f, p, sizeof f);
            *out = value_double((double)f);
        } else if (n == SQL_NULL_DATA) {
            *out = value_null();
        } else {
            return bad_length(run, n, e);
        }
    }
    return true;
}

/* An SQL_NUMERIC_STRUCT: sign 1 is plus; the number little-endian. false when its scale isn't ours. */
static bool numeric_at(const uint8_t *p, uint8_t scale, NumInt128 *ret) {
    NumInt128 u = 0; /* at most 38 digits: the highest bit is never set */
    for (int i = 15; i >= 0; i--) u = u * 256 + p[3 + i];
    *ret = p[2] ? u : -u;
    return p[1] == scale;
}

static bool bad_scale(const CellRun *run, const uint8_t *p, Err *e) {
    return err_set(e, ERR_INTERNAL, false, "the ODBC driver gave scale %u for scale %u", p[1],
                   run->plan->scale);
}

static bool decode_decimal18(const CellRun *run, Value *out, Err *e) {
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i), *p = cell + CELL_HEAD;
        SQLLEN n = cell_length(cell);
        if (n == SQL_NULL_DATA) {
            *out = value_null();
            continue;
        }
        if (n != NUMERIC_BYTES) return bad_length(run, n, e);
        if (p[1] != run->plan->scale) return bad_scale(run, p, e);
        int64_t low = i64_at(p + 3);
        if (low < 0 || i64_at(p + 11) != 0) return bad_length(run, n, e); /* over 18 digits */
        *out = value_int(p[2] ? low : -low);
    }
    return true;
}

static bool decode_decimal38(const CellRun *run, Value *out, Err *e) {
    NumInt128 *room = ARENA_ARRAY(run->room->arena, NumInt128, run->rows);
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i), *p = cell + CELL_HEAD;
        SQLLEN n = cell_length(cell);
        if (n == SQL_NULL_DATA) {
            *out = value_null();
            continue;
        }
        if (n != NUMERIC_BYTES) return bad_length(run, n, e);
        if (!numeric_at(p, run->plan->scale, &room[i])) return bad_scale(run, p, e);
        *out = value_bytes((const char *)&room[i], sizeof room[i]);
    }
    return true;
}

/* 8 raw bytes: high half first, each little-endian (MS-TDS 2.2.5.5.1.4); 4: smallmoney. */
static bool decode_money(const CellRun *run, Value *out, Err *e) {
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i), *p = cell + CELL_HEAD;
        SQLLEN n = cell_length(cell);
        NumInt128 v;
        switch (n) {
        case SQL_NULL_DATA: *out = value_null(); continue;
        case 8: *out = value_int((int64_t)((uint64_t)u32_at(p) << 32 | u32_at(p + 4))); continue;
        case 4: *out = value_int(i32_at(p)); continue;
        case NUMERIC_BYTES:
            if (!numeric_at(p, run->plan->scale, &v)) return bad_scale(run, p, e);
            *out = value_int((int64_t)v);
            continue;
        default: return bad_length(run, n, e);
        }
    }
    return true;
}

/* ---- dates and times ---- */

static inline int64_t date_days(const uint8_t *p) {
    return civil_to_days((CivilDate){i16_at(p), (uint8_t)u16_at(p + 2), (uint8_t)u16_at(p + 4)});
}
static inline int64_t clock_ticks(const uint8_t *p, const uint8_t *fraction_ns) {
    int64_t seconds = ((int64_t)u16_at(p) * 60 + u16_at(p + 2)) * 60 + u16_at(p + 4);
    return seconds * CIVIL_TICKS_PER_SECOND + u32_at(fraction_ns) / 100;
}
static inline int64_t day_ticks(int64_t days) {
    return (days - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY;
}

static bool decode_date(const CellRun *run, Value *out, Err *e) {
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i);
        SQLLEN n = cell_length(cell);
        if (n == DATE_BYTES) *out = value_int(date_days(cell + CELL_HEAD));
        else if (n == SQL_NULL_DATA) *out = value_null();
        else return bad_length(run, n, e);
    }
    return true;
}

static bool decode_time(const CellRun *run, Value *out, Err *e) {
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i), *p = cell + CELL_HEAD;
        SQLLEN n = cell_length(cell);
        if (n == TIME2_BYTES) *out = value_int(clock_ticks(p, p + 8));
        else if (n == SQL_NULL_DATA) *out = value_null();
        else return bad_length(run, n, e);
    }
    return true;
}

/* datetime's 1/300 s, rounded to milliseconds as SQL Server shows it. */
static inline int64_t datetime_ticks(const uint8_t *p) {
    int64_t ms = ((int64_t)u32_at(p + 4) * 1000 + 150) / 300;
    return day_ticks((int64_t)i32_at(p) + DAYS_1900) + ms * 10000;
}

static bool decode_timestamp(const CellRun *run, Value *out, Err *e) {
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i), *p = cell + CELL_HEAD;
        SQLLEN n = cell_length(cell);
        int64_t ticks;
        switch (n) {
        case TIMESTAMP_BYTES:
            ticks = day_ticks(date_days(p)) + clock_ticks(p + 6, p + 12);
            if (run->plan->type == SQLTYPE_DATETIME) ticks = (ticks + 5000) / 10000 * 10000;
            break;
        case 8: ticks = datetime_ticks(p); break;
        case 4: /* smalldatetime: days since 1900, minutes */
            ticks = day_ticks(u16_at(p) + (int64_t)DAYS_1900) + u16_at(p + 2) * 60 * CIVIL_TICKS_PER_SECOND;
            break;
        case SQL_NULL_DATA: *out = value_null(); continue;
        default: return bad_length(run, n, e);
        }
        *out = value_int(ticks);
    }
    return true;
}

/* Local time with its offset; both parts of the offset have its sign. */
static bool decode_offset(const CellRun *run, Value *out, Err *e) {
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i), *p = cell + CELL_HEAD;
        SQLLEN n = cell_length(cell);
        if (n == OFFSET_BYTES) {
            int minutes = i16_at(p + 16) * 60 + i16_at(p + 18);
            int64_t local = day_ticks(date_days(p)) + clock_ticks(p + 6, p + 12);
            *out = value_int(local - minutes * 60 * CIVIL_TICKS_PER_SECOND);
            out->aux = (int16_t)minutes;
        } else if (n == SQL_NULL_DATA) {
            *out = value_null();
        } else {
            return bad_length(run, n, e);
        }
    }
    return true;
}

/* ---- texts and bytes ---- */

static inline void text_value(CellRoom *room, const uint8_t *p, size_t n, Value *out) {
    char *to = cell_room(room, UTF_MAX8(n));
    size_t bad = 0, used = utf_16le_to_8(p, n, to, &bad);
    room->replaced += bad;
    room->at = to + used;
    *out = value_bytes(to, (uint32_t)used);
}

static inline void bytes_value(CellRoom *room, const uint8_t *p, size_t n, Value *out) {
    char *to = cell_room(room, n);
    if (n) memcpy(to, p, n);
    room->at = to + n;
    *out = value_bytes(to, (uint32_t)n);
}

static bool decode_text(const CellRun *run, Value *out, Err *e) {
    SQLLEN most = (SQLLEN)run->plan->width - (run->plan->is_ended ? (SQLLEN)sizeof(SQLWCHAR) : 0);
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i);
        SQLLEN n = cell_length(cell);
        if (n == SQL_NULL_DATA) *out = value_null();
        else if (n < 0 || n > most) return bad_length(run, SQL_NO_TOTAL, e);
        else text_value(run->room, cell + CELL_HEAD, (size_t)n, out);
    }
    return true;
}

static bool decode_bytes(const CellRun *run, Value *out, Err *e) {
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i);
        SQLLEN n = cell_length(cell);
        if (n == SQL_NULL_DATA) *out = value_null();
        else if (n < 0 || n > (SQLLEN)run->plan->width) return bad_length(run, n, e);
        else bytes_value(run->room, cell + CELL_HEAD, (size_t)n, out);
    }
    return true;
}

static bool decode_hierarchy(const CellRun *run, Value *out, Err *e) {
    Buf *path = &run->room->scratch;
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride) {
        const uint8_t *cell = cell_at(run, i);
        SQLLEN n = cell_length(cell);
        if (n == SQL_NULL_DATA) {
            *out = value_null();
            continue;
        }
        if (n < 0 || n > (SQLLEN)run->plan->width) return bad_length(run, n, e);
        buf_clear(path);
        if (hierarchy_path((Str){(const char *)cell + CELL_HEAD, (size_t)n}, path, e)) {
            bytes_value(run->room, path->p, path->n, out);
        } else {
            if (!run->refused) return false;
            *out = run->refused(run->self, i, e);
        }
    }
    return true;
}

/* The first three groups are numbers in host order; the value has the text form's order. */
static bool decode_guid(const CellRun *run, Value *out, Err *e) {
    static const uint8_t order[GUID_BYTES] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    char *room = arena_bytes(run->room->arena, run->rows * GUID_BYTES);
    for (size_t i = 0; i < run->rows; i++, out += run->out_stride, room += GUID_BYTES) {
        const uint8_t *cell = cell_at(run, i), *p = cell + CELL_HEAD;
        SQLLEN n = cell_length(cell);
        if (n == SQL_NULL_DATA) {
            *out = value_null();
            continue;
        }
        if (n != GUID_BYTES) return bad_length(run, n, e);
        for (size_t k = 0; k < GUID_BYTES; k++) room[k] = (char)p[order[k]];
        *out = value_bytes(room, GUID_BYTES);
    }
    return true;
}

static bool long_spatial(const CellPlan *plan, Str bytes, CellRoom *room, Value *out, Err *e) {
    bool is_null;
    buf_clear(&room->scratch);
    if (!spatial_ewkb(bytes, plan->type == SQLTYPE_GEOGRAPHY, &room->scratch, &is_null, e)) return false;
    if (is_null) *out = value_null();
    else bytes_value(room, room->scratch.p, room->scratch.n, out);
    return true;
}

/* out is the text that the server wrote the variant as. */
static bool long_variant(CellRoom *room, Value *out, Err *e) {
    buf_clear(&room->scratch);
    if (!sqlvariant_json(value_str(out), &room->scratch, e)) return false;
    bytes_value(room, room->scratch.p, room->scratch.n, out);
    return true;
}

bool cell_long(const CellPlan *plan, Str bytes, CellRoom *room, Value *out, Err *e) {
    const uint8_t *p = (const uint8_t *)bytes.p;
    if (plan->type == SQLTYPE_GEOGRAPHY || plan->type == SQLTYPE_GEOMETRY)
        return long_spatial(plan, bytes, room, out, e);
    if (plan->is_utf16) text_value(room, p, bytes.n, out);
    else bytes_value(room, p, bytes.n, out);
    return plan->type != SQLTYPE_SQL_VARIANT || long_variant(room, out, e);
}

bool cell_decode(const CellRun *run, Value *out, Err *e) {
    return run->plan->decode(run, out, e);
}

/* ---- plans ---- */

typedef struct FixedPlan {
    SQLSMALLINT microsoft; /* FreeTDS: SQL_C_BINARY */
    uint8_t width;
    CellDecode decode;
} FixedPlan;

/* By type; what isn't here is text, bytes or refused. */
static const FixedPlan FIXED_PLANS[SQLTYPE_COUNT] = {
    [SQLTYPE_BIT] = {SQL_C_SBIGINT, 8, decode_int},
    [SQLTYPE_TINYINT] = {SQL_C_SBIGINT, 8, decode_int},
    [SQLTYPE_SMALLINT] = {SQL_C_SBIGINT, 8, decode_int},
    [SQLTYPE_INT] = {SQL_C_SBIGINT, 8, decode_int},
    [SQLTYPE_BIGINT] = {SQL_C_SBIGINT, 8, decode_int},
    [SQLTYPE_DECIMAL] = {SQL_C_NUMERIC, NUMERIC_BYTES, decode_decimal38},
    [SQLTYPE_MONEY] = {SQL_C_NUMERIC, NUMERIC_BYTES, decode_money},
    [SQLTYPE_SMALLMONEY] = {SQL_C_NUMERIC, NUMERIC_BYTES, decode_money},
    [SQLTYPE_REAL] = {SQL_C_DOUBLE, 8, decode_double},
    [SQLTYPE_FLOAT] = {SQL_C_DOUBLE, 8, decode_double},
    [SQLTYPE_DATE] = {SQL_C_TYPE_DATE, 8, decode_date},
    [SQLTYPE_TIME] = {SQL_C_BINARY, TIME2_BYTES, decode_time},
    [SQLTYPE_SMALLDATETIME] = {SQL_C_TYPE_TIMESTAMP, TIMESTAMP_BYTES, decode_timestamp},
    [SQLTYPE_DATETIME] = {SQL_C_TYPE_TIMESTAMP, TIMESTAMP_BYTES, decode_timestamp},
    [SQLTYPE_DATETIME2] = {SQL_C_TYPE_TIMESTAMP, TIMESTAMP_BYTES, decode_timestamp},
    [SQLTYPE_DATETIMEOFFSET] = {SQL_C_BINARY, OFFSET_BYTES, decode_offset},
    [SQLTYPE_UNIQUEIDENTIFIER] = {SQL_C_GUID, GUID_BYTES, decode_guid},
};

static void plan_text(const Column *c, bool is_freetds, CellPlan *ret) {
    bool is_wide = c->type == SQLTYPE_NCHAR || c->type == SQLTYPE_NVARCHAR || c->type == SQLTYPE_NTEXT ||
                   c->type == SQLTYPE_XML || c->type == SQLTYPE_SQL_VARIANT;
    bool is_raw = is_freetds && is_wide; /* code pages are the driver's business */
    ret->c_type = is_raw ? SQL_C_BINARY : SQL_C_WCHAR;
    ret->is_utf16 = true;
    ret->is_ended = !is_raw;
    ret->decode = decode_text;
    ret->width = (uint32_t)(c->length > 0 ? c->length : 1) * 2 + (is_raw ? 0 : 2);
}

static void plan_bytes(const Column *c, CellPlan *ret) {
    int32_t length = c->type == SQLTYPE_ROWVERSION    ? 8
                     : c->type == SQLTYPE_HIERARCHYID ? HIERARCHY_MAX_BYTES
                     : c->length > 0                  ? c->length
                                                      : 1;
    ret->c_type = SQL_C_BINARY;
    ret->width = (uint32_t)length;
    ret->decode = c->type == SQLTYPE_HIERARCHYID ? decode_hierarchy : decode_bytes;
}

static bool is_long(const Column *c) {
    switch (c->type) {
    case SQLTYPE_GEOGRAPHY:
    case SQLTYPE_GEOMETRY:
    case SQLTYPE_CLR:
    case SQLTYPE_SQL_VARIANT: return true;
    case SQLTYPE_HIERARCHYID: return false;
    default: return c->is_lob || c->length < 0;
    }
}

bool cell_plan(const Column *c, OdbcDriverKind driver, CellPlan *ret, Err *e) {
    bool is_freetds = driver == ODBC_DRIVER_FREETDS;
    *ret = (CellPlan){.type = c->type, .precision = c->precision, .scale = c->scale};
    if (c->type == SQLTYPE_UNKNOWN)
        return err_set(e, ERR_INVALID, false, "type %s can't be carried", sqltype_name(c->type));
    const FixedPlan *fixed = &FIXED_PLANS[c->type];
    if (fixed->decode) {
        ret->c_type = is_freetds ? SQL_C_BINARY : fixed->microsoft;
        ret->width = fixed->width;
        ret->decode = fixed->decode;
        if (c->type == SQLTYPE_DECIMAL && c->precision <= 18) ret->decode = decode_decimal18;
        if (c->type == SQLTYPE_MONEY || c->type == SQLTYPE_SMALLMONEY) {
            ret->precision = c->type == SQLTYPE_MONEY ? 19 : 10;
            ret->scale = 4;
        }
        return true;
    }
    bool is_text = sqltype_form(c->type, c->precision) == FORM_TEXT && c->type != SQLTYPE_HIERARCHYID;
    if (is_text) plan_text(c, is_freetds, ret);
    else plan_bytes(c, ret);
    if (is_long(c)) {
        ret->is_long = true;
        ret->decode = NULL;
        ret->width = 0;
    }
    return true;
}

size_t cell_bytes(const CellPlan *plan) {
    return CELL_HEAD + ((plan->width + 7u) & ~(size_t)7u);
}
