/*
 * The way back of pgencode.c: binary fields into canonical values. A whole table comes by COPY TO (the
 * cheapest way out of the server), single keys by a query with array parameters and binary results; a field
 * looks the same in both.
 */
#include "postgres/scan_pg.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "postgres/position_store.h"
#include "postgres/sink_option.h"
#include "record/civil.h"
#include "record/numtext.h"

enum { DAYS_1970_TO_2000 = 10957, KEYS_A_QUERY = 1000 };
#define US_PER_DAY INT64_C(86400000000)
#define US_2000    ((DAYS_1970_TO_2000 - (int64_t)CIVIL_DAY_0001) * US_PER_DAY) /* since 0001-01-01 */

struct ScanPg {
    SinkConfig *config;
    PgConn *conn;
    char *pipeline, *database;
};

/* The column being read. room: 16 aligned bytes of its own that live as long as the row. */
typedef struct Field {
    const Column *column;
    uint8_t scale;
    uint8_t *room;
    Buf *text; /* borrowed: a value that has to be written anew */
} Field;

typedef bool Decode(const Field *f, Str in, Value *ret);

typedef struct Scan {
    Target *target;
    const Schema *schema;
    Decode **decode; /* by source column; NULL = not in the target */
    uint8_t *rooms;
    Buf *texts; /* owned; by source column */
    Value *row;
    ScanPgRow *on_row;
    void *arg;
} Scan;

/* ---- fields ---- */

static int64_t integer(Str in) {
    Cursor c = cursor_over(in.p, in.n);
    switch (in.n) {
    case 1: return cursor_u8(&c);
    case 2: return (int16_t)cursor_be16(&c);
    case 4: return (int32_t)cursor_be32(&c);
    default: return (int64_t)cursor_be64(&c);
    }
}

static bool decode_int(const Field *f, Str in, Value *ret) {
    (void)f;
    *ret = value_int(integer(in));
    return in.n == 1 || in.n == 2 || in.n == 4 || in.n == 8;
}

static bool put_unscaled(const Field *f, NumInt128 v, Value *ret) {
    if (sqltype_form(f->column->type, f->column->precision) != FORM_INT128) {
        *ret = value_int((int64_t)v);
        return true;
    }
    memcpy(f->room, &v, sizeof v);
    *ret = value_bytes((const char *)f->room, sizeof v);
    return true;
}

static bool decode_numeric(const Field *f, Str in, Value *ret) {
    Cursor c = cursor_over(in.p, in.n);
    int count = cursor_be16(&c), weight = (int16_t)cursor_be16(&c), sign = cursor_be16(&c);
    (void)cursor_be16(&c);                         /* dscale: the column's scale rules */
    if (sign != 0 && sign != 0x4000) return false; /* NaN, infinity: never written by us */
    NumInt128 v = 0;
    for (int i = 0; i < count; i++) {
        int power = (weight - i) * 4 + f->scale; /* of ten, of this digit group */
        NumInt128 group = cursor_be16(&c);
        if (power < -3 || power > NUMTEXT_MAX_DIGITS) return false;
        v += power >= 0 ? group * numtext_power10(power) : group / numtext_power10(-power);
    }
    return !c.failed && put_unscaled(f, sign ? -v : v, ret);
}

static bool decode_decimal_text(const Field *f, Str in, Value *ret) {
    NumInt128 v;
    Err unused;
    return numtext_parse(in, f->scale, &v, &unused) && put_unscaled(f, v, ret);
}

static bool decode_float(const Field *f, Str in, Value *ret) {
    (void)f;
    Cursor c = cursor_over(in.p, in.n);
    if (in.n == 4) {
        uint32_t bits = cursor_be32(&c);
        float narrow;
        memcpy(&narrow, &bits, sizeof narrow);
        *ret = value_double((double)narrow);
        return true;
    }
    uint64_t bits = cursor_be64(&c);
    double d;
    memcpy(&d, &bits, sizeof d);
    *ret = value_double(d);
    return in.n == 8;
}

static bool decode_float_text(const Field *f, Str in, Value *ret) {
    char text[64], *end;
    if (in.n == 0 || in.n >= sizeof text) return false;
    memcpy(text, in.p, in.n);
    text[in.n] = '\0';
    *ret = value_double(f->column->type == SQLTYPE_REAL ? (double)strtof(text, &end) : strtod(text, &end));
    return *end == '\0';
}

static bool decode_date(const Field *f, Str in, Value *ret) {
    (void)f;
    *ret = value_int(integer(in) + DAYS_1970_TO_2000);
    return in.n == 4;
}

static bool decode_date_timestamp(const Field *f, Str in, Value *ret) {
    (void)f;
    *ret = value_int((integer(in) + US_2000) / US_PER_DAY + CIVIL_DAY_0001);
    return in.n == 8;
}

static bool decode_time(const Field *f, Str in, Value *ret) {
    (void)f;
    *ret = value_int(integer(in) * 10);
    return in.n == 8;
}

static bool decode_timestamp(const Field *f, Str in, Value *ret) {
    (void)f;
    *ret = value_int((integer(in) + US_2000) * 10);
    return in.n == 8;
}

/* pgencode_…_text: what the column's type has must be in it, and no more. */
static bool decode_time_text(const Field *f, Str in, Value *ret) {
    CivilText t;
    SqlType type = f->column->type;
    if (!civil_parse(in, &t) || t.has_date != (type != SQLTYPE_TIME) ||
        t.has_time != (type != SQLTYPE_DATE) || t.has_offset != (type == SQLTYPE_DATETIMEOFFSET))
        return false;
    int64_t midnight = (t.days - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY;
    if (type == SQLTYPE_DATE) *ret = value_int(t.days);
    else if (type == SQLTYPE_TIME) *ret = value_int(t.ticks);
    else *ret = value_int(midnight + t.ticks - t.offset_minutes * 60 * CIVIL_TICKS_PER_SECOND);
    ret->aux = (int16_t)t.offset_minutes;
    return true;
}

/* Debezium's numbers: pgencode_time_epoch8 and its kin. */
static int64_t epoch_ticks(const Field *f, int64_t i) {
    return f->scale <= 3 ? i * 10000 : f->scale <= 6 ? i * 10 : i / 100;
}

static bool decode_epoch_time(const Field *f, Str in, Value *ret) {
    *ret = value_int(epoch_ticks(f, integer(in)));
    return in.n == 4 || in.n == 8;
}

static bool decode_epoch(const Field *f, Str in, Value *ret) {
    *ret = value_int(epoch_ticks(f, integer(in)) - CIVIL_DAY_0001 * CIVIL_TICKS_PER_DAY);
    return in.n == 8;
}

static bool decode_bytes(const Field *f, Str in, Value *ret) {
    (void)f;
    *ret = value_bytes(in.p, (uint32_t)in.n);
    return true;
}

/* jsonb: a version, then its text, which is the one that sql_variant comes in. */
static bool decode_variant(const Field *f, Str in, Value *ret) {
    (void)f;
    if (in.n < 1) return false;
    *ret = value_bytes(in.p + 1, (uint32_t)in.n - 1);
    return true;
}

/* Back to the path: pgencode_path_ltree. */
static bool decode_ltree(const Field *f, Str in, Value *ret) {
    if (in.n < 1) return false;
    Str labels = str_sub(in, 1, in.n);
    buf_clear(f->text);
    buf_u8(f->text, '/');
    for (size_t i = 0; i < labels.n; i++) {
        char c = labels.p[i];
        buf_u8(f->text, (uint8_t)(c == '.' ? '/' : c == '_' ? '.' : c == 'n' ? '-' : c));
    }
    if (labels.n) buf_u8(f->text, '/');
    *ret = value_bytes((const char *)f->text->p, (uint32_t)f->text->n);
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode_guid_text(const Field *f, Str in, Value *ret) {
    size_t n = 0;
    for (size_t i = 0; i + 1 < in.n && n < 16; i++) {
        if (in.p[i] == '-') continue;
        int hi = hex_digit(in.p[i]), lo = hex_digit(in.p[i + 1]);
        if (hi < 0 || lo < 0) return false;
        f->room[n++] = (uint8_t)(hi << 4 | lo);
        i++;
    }
    *ret = value_bytes((const char *)f->room, 16);
    return n == 16;
}

/* ---- which decoder ---- */

static Decode *decoder_of_temporal(const Column *c, PgKind kind) {
    bool is_date = c->type == SQLTYPE_DATE, is_time = c->type == SQLTYPE_TIME;
    switch (kind) {
    case PGKIND_DATE: return decode_date;
    case PGKIND_TIME: return decode_time;
    case PGKIND_TIMESTAMP:
    case PGKIND_TIMESTAMPTZ: return is_date ? decode_date_timestamp : decode_timestamp;
    case PGKIND_INT4: return is_date ? decode_int : decode_epoch_time;
    case PGKIND_INT8: return is_time ? decode_epoch_time : decode_epoch;
    case PGKIND_TEXT: return decode_time_text;
    default: return NULL;
    }
}

static Decode *decoder_of(const Column *c, PgKind kind) {
    switch (sqltype_form(c->type, c->precision)) {
    case FORM_DOUBLE: return kind == PGKIND_TEXT ? decode_float_text : decode_float;
    case FORM_GUID: return kind == PGKIND_UUID ? decode_bytes : decode_guid_text;
    case FORM_BYTES: return decode_bytes; /* a rowversion in a bigint: the same 8 bytes */
    case FORM_TEXT:
        if (c->type == SQLTYPE_SQL_VARIANT && kind == PGKIND_JSONB) return decode_variant;
        if (kind == PGKIND_LTREE) return decode_ltree;
        return kind == PGKIND_JSONB || kind == PGKIND_UUID ? NULL : decode_bytes;
    case FORM_INT128:
    case FORM_INT: break;
    }
    bool is_temporal = c->type >= SQLTYPE_DATE && c->type <= SQLTYPE_DATETIMEOFFSET;
    if (is_temporal) return decoder_of_temporal(c, kind);
    if (kind == PGKIND_NUMERIC) return decode_numeric;
    return kind == PGKIND_TEXT ? decode_decimal_text : decode_int;
}

static void scan_done(Scan *s) {
    for (size_t i = 0; s->texts && i < s->schema->column_count; i++) buf_done(&s->texts[i]);
    free(s->texts);
    target_free(s->target);
    free(s->decode);
    free(s->rooms);
    free(s->row);
}

static bool scan_begin(ScanPg *p, const Schema *schema, ScanPgRow *row, void *arg, Scan *s, Err *e) {
    *s = (Scan){.schema = schema, .on_row = row, .arg = arg};
    if (!target_open(p->conn, &p->config->rules, schema, TARGET_NO_DDL, &s->target, e)) return false;
    const Target *t = s->target;
    s->decode = x_calloc(schema->column_count, sizeof *s->decode);
    s->rooms = x_calloc(schema->column_count, 16);
    s->texts = x_calloc(schema->column_count, sizeof *s->texts);
    s->row = x_calloc(schema->column_count, sizeof *s->row);
    for (size_t i = 0; i < schema->column_count; i++) {
        s->row[i] = (Value){.flags = VALUE_ABSENT};
        if (t->places[i] < 0) continue;
        const PgType *type = &t->table->columns[t->places[i]].type;
        s->decode[i] = decoder_of(&schema->columns[i], type->kind);
        if (!s->decode[i])
            return err_set(
                e, ERR_INVALID, false,
                "%s can't be compared: its values can't be read back from the target's type %s; leave it "
                "out by column.exclude.list",
                t->whats[i], type->name);
    }
    return true;
}

static bool take_field(Scan *s, size_t i, bool is_null, Str in, Err *e) {
    const Field f = {.column = &s->schema->columns[i],
                     .scale = s->target->fields[i].scale,
                     .room = s->rooms + 16 * i,
                     .text = &s->texts[i]};
    s->row[i] = value_null();
    if (is_null || s->decode[i](&f, in, &s->row[i])) return true;
    return err_set(
        e, ERR_DATA, false,
        "%s: the target holds a value that the source's type can't have (NaN, infinity, a date beyond "
        "9999): mend it there",
        s->target->whats[i]);
}

/* ---- the whole table ---- */

static void add_columns(const Target *t, const char *prefix, Buf *out) {
    for (size_t i = 0; i < t->written_count; i++) {
        buf_printf(out, "%s%s", i > 0 ? ", " : "", prefix);
        pgname_quote(out, str_from(t->table->columns[t->places[t->written[i]]].name));
    }
}

/* A row of COPY; the header stands before the first one, the trailer is a count of -1. */
static bool take_copy_row(Scan *s, Cursor *c, bool *ret_more, Err *e) {
    uint16_t count = cursor_be16(c);
    *ret_more = !c->failed && count != 0xFFFF;
    if (!*ret_more) return true;
    for (size_t k = 0; k < s->target->written_count; k++) {
        uint32_t n = cursor_be32(c);
        bool is_null = n == UINT32_MAX;
        Str in = is_null ? (Str){0} : cursor_bytes(c, n);
        if (!take_field(s, s->target->written[k], is_null, in, e)) return false;
    }
    if (c->failed || count != s->target->written_count)
        return err_set(e, ERR_INTERNAL, false, "%s: COPY gave a row of another form", s->schema->qualified);
    return s->on_row(s->arg, s->row, e);
}

static bool take_copy(Scan *s, PgConn *conn, Err *e) {
    enum { HEADER_BYTES = 19 };
    bool is_first = true, is_more = true, ok = true;
    char *data = NULL;
    for (int n; (n = PQgetCopyData(pgconn_raw(conn), &data, /* async= */ 0)) > 0; PQfreemem(data)) {
        Cursor c = cursor_over(data, (size_t)n);
        if (is_first) cursor_skip(&c, HEADER_BYTES);
        is_first = false;
        if (ok && is_more && cursor_left(&c) > 0) ok = take_copy_row(s, &c, &is_more, e);
    }
    Err end = {0};
    if (pgconn_drain(conn, &end)) return ok;
    if (ok) *e = end;
    return false;
}

bool scan_pg_table(ScanPg *p, const Schema *schema, ScanPgRow *row, void *arg, Err *e) {
    CLEANUP(scan_done) Scan s;
    CLEANUP(buf_done) Buf sql = {0};
    if (!scan_begin(p, schema, row, arg, &s, e)) return false;
    buf_printf(&sql, "COPY %s (", s.target->qualified);
    add_columns(s.target, "", &sql);
    buf_cstr(&sql, ") TO STDOUT WITH (FORMAT binary)");
    return pgconn_copy_out(p->conn, buf_text(&sql), e) && take_copy(&s, p->conn, e);
}

/* ---- by keys ---- */

static void keys_sql(const Target *t, Buf *out) {
    const Schema *s = t->schema;
    buf_cstr(out, "SELECT ");
    add_columns(t, "t.", out);
    buf_printf(out, " FROM %s AS t JOIN unnest(", t->qualified);
    for (size_t i = 0; i < s->key_count; i++) buf_printf(out, "%s$%zu", i > 0 ? ", " : "", i + 1);
    buf_cstr(out, ") AS k(");
    for (size_t i = 0; i < s->key_count; i++) buf_printf(out, "%sk%zu", i > 0 ? ", " : "", i);
    buf_cstr(out, ") ON ");
    for (size_t i = 0; i < s->key_count; i++) {
        buf_cstr(out, i > 0 ? " AND t." : "t.");
        pgname_quote(out, str_from(t->table->columns[t->places[s->key[i]]].name));
        buf_printf(out, " = k.k%zu", i);
    }
}

static bool take_result(Scan *s, const PGresult *r, Err *e) {
    for (int row = 0; row < PQntuples(r); row++) {
        for (size_t k = 0; k < s->target->written_count; k++) {
            int at = (int)k;
            Str in = {PQgetvalue(r, row, at), (size_t)PQgetlength(r, row, at)};
            if (!take_field(s, s->target->written[k], PQgetisnull(r, row, at) != 0, in, e)) return false;
        }
        if (!s->on_row(s->arg, s->row, e)) return false;
    }
    return true;
}

static bool fetch(ScanPg *p, Scan *s, const char *sql, const Value *const *keys, size_t count, Err *e) {
    CLEANUP(buf_done) Buf arrays = {0};
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    size_t n = s->schema->key_count;
    CLEANUP_FREE uint32_t *types = x_calloc(n, sizeof *types);
    CLEANUP_FREE PgParam *params = x_calloc(n, sizeof *params);
    CLEANUP_FREE size_t *ends = x_calloc(n, sizeof *ends);
    for (size_t i = 0; i < n; i++) {
        const PgField *f = &s->target->fields[s->schema->key[i]];
        if (!pgencode_array(f, (uint16_t)i, keys, count, &arrays, e)) return false;
        types[i] = f->array_oid;
        ends[i] = arrays.n;
    }
    for (size_t i = 0; i < n; i++) {
        size_t start = i > 0 ? ends[i - 1] : 0;
        params[i] = (PgParam){.p = arrays.p + start, .n = ends[i] - start, .is_binary = true};
    }
    return pgconn_query_binary(p->conn, sql, types, params, n, &r, e) && take_result(s, r, e);
}

bool scan_pg_keys(ScanPg *p, const Schema *schema, const Value *const *keys, size_t count, ScanPgRow *row,
                  void *arg, Err *e) {
    CLEANUP(scan_done) Scan s;
    CLEANUP(buf_done) Buf sql = {0};
    if (!scan_begin(p, schema, row, arg, &s, e)) return false;
    assert(schema->key_count > 0);
    keys_sql(s.target, &sql);
    for (size_t i = 0; i < count; i += KEYS_A_QUERY) {
        size_t n = count - i < KEYS_A_QUERY ? count - i : KEYS_A_QUERY;
        if (!fetch(p, &s, buf_text(&sql), keys + i, n, e)) return false;
    }
    return true;
}

/* ---- life ---- */

bool scan_pg_open(const Options *o, const ConnectorContext *context, ScanPg **ret, Err *e) {
    ScanPg *s = x_calloc(1, sizeof *s);
    s->pipeline = x_strdup(context->name);
    s->database = context->database ? x_strdup(context->database) : NULL;
    bool ok = sink_config_new(o, context, &s->config, e);
    if (ok) {
        free(s->config->application);
        s->config->application = x_asprintf("millrace verify %s", context->name);
        const PgConnSpec spec = sink_config_conn(s->config);
        ok = pgconn_open(&spec, &s->conn, e) &&
             pgconn_exec(s->conn, "SET default_transaction_read_only = on", e);
    }
    if (ok) *ret = s;
    else scan_pg_close(s);
    return ok;
}

ScanPg *scan_pg_close(ScanPg *s) {
    if (!s) return NULL;
    pgconn_close(s->conn);
    sink_config_free(s->config);
    free(s->pipeline);
    free(s->database);
    free(s);
    return NULL;
}

bool scan_pg_stored(ScanPg *s, StoredState *ret, Err *e) {
    const PositionKey key = {.pipeline = s->pipeline, .database = s->database};
    PositionStore *store = position_store_new(&key, /* ownership= */ NULL);
    bool ok = position_store_read(store, s->conn, ret, e);
    position_store_free(store);
    return ok;
}

bool scan_pg_target(ScanPg *s, const Schema *schema, Target **ret, Err *e) {
    return target_open(s->conn, &s->config->rules, schema, TARGET_NO_DDL, ret, e);
}

bool scan_pg_changing_target(ScanPg *s, const Schema *schema, Target **ret, Err *e) {
    *ret = NULL;
    return s->config->rules.unstorable == UNSTORABLE_FAIL || scan_pg_target(s, schema, ret, e);
}

PgConn *scan_pg_conn(ScanPg *s) {
    return s->conn;
}
