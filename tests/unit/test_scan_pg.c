#include "postgres/scan_pg.h"

#include <stdio.h>
#include <string.h>

#include "pg_rig.h"
#include "record/civil.h"
#include "record/numtext.h"
#include "test.h"

enum { TYPES = 24, MAX_ROWS = 8 };

/* id, then a column of each type. */
static const Schema *all_types(void) {
    const Column c[TYPES] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_BIGINT, .key = 1},
        {.name = STR_LIT("bit"), .type = SQLTYPE_BIT},
        {.name = STR_LIT("tinyint"), .type = SQLTYPE_TINYINT},
        {.name = STR_LIT("smallint"), .type = SQLTYPE_SMALLINT},
        {.name = STR_LIT("int"), .type = SQLTYPE_INT},
        {.name = STR_LIT("dec9"), .type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2},
        {.name = STR_LIT("dec18"), .type = SQLTYPE_DECIMAL, .precision = 18, .scale = 18},
        {.name = STR_LIT("dec38"), .type = SQLTYPE_DECIMAL, .precision = 38, .scale = 0},
        {.name = STR_LIT("dec3838"), .type = SQLTYPE_DECIMAL, .precision = 38, .scale = 37},
        {.name = STR_LIT("money"), .type = SQLTYPE_MONEY, .precision = 19, .scale = 4},
        {.name = STR_LIT("smallmoney"), .type = SQLTYPE_SMALLMONEY, .precision = 10, .scale = 4},
        {.name = STR_LIT("real"), .type = SQLTYPE_REAL},
        {.name = STR_LIT("float"), .type = SQLTYPE_FLOAT},
        {.name = STR_LIT("date"), .type = SQLTYPE_DATE},
        {.name = STR_LIT("time"), .type = SQLTYPE_TIME, .scale = 7},
        {.name = STR_LIT("smalldatetime"), .type = SQLTYPE_SMALLDATETIME},
        {.name = STR_LIT("datetime"), .type = SQLTYPE_DATETIME, .scale = 3},
        {.name = STR_LIT("datetime2"), .type = SQLTYPE_DATETIME2, .scale = 7},
        {.name = STR_LIT("offset"), .type = SQLTYPE_DATETIMEOFFSET, .scale = 7},
        {.name = STR_LIT("char"), .type = SQLTYPE_CHAR, .length = 5},
        {.name = STR_LIT("nvarchar"), .type = SQLTYPE_NVARCHAR, .length = 10},
        {.name = STR_LIT("max"), .type = SQLTYPE_NVARCHAR, .length = -1, .is_lob = true},
        {.name = STR_LIT("binary"), .type = SQLTYPE_VARBINARY, .length = 20},
        {.name = STR_LIT("guid"), .type = SQLTYPE_UNIQUEIDENTIFIER},
    };
    Column columns[TYPES];
    memcpy(columns, c, sizeof columns);
    for (size_t i = 1; i < TYPES; i++) columns[i].is_nullable = true;
    return schema_of("types", columns, TYPES);
}

static int64_t ticks_of(int year, int month, int day) {
    const CivilDate date = {year, (uint8_t)month, (uint8_t)day};
    return (civil_to_days(date) - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY;
}

static Value bytes(Batch *b, const void *p, size_t n) {
    char *copy = arena_alloc(&b->arena, n + 16);
    memcpy(copy, p, n);
    return value_bytes(copy, (uint32_t)n);
}

static Value wide(Batch *b, int digits, bool is_negative) {
    NumInt128 v = digits == 0 ? 0 : numtext_power10(digits) - 1;
    if (is_negative) v = -v;
    return bytes(b, &v, sizeof v);
}

/* The smallest (sign < 0) or the largest of each type. */
static const Value *extreme(Batch *b, int64_t id, int sign) {
    bool low = sign < 0;
    Value *r = batch_row(b, TYPES);
    r[0] = value_int(id);
    r[1] = value_int(!low);
    r[2] = value_int(low ? 0 : 255);
    r[3] = value_int(low ? INT16_MIN : INT16_MAX);
    r[4] = value_int(low ? INT32_MIN : INT32_MAX);
    r[5] = value_int(low ? -999999999 : 999999999);
    r[6] = value_int(low ? INT64_C(-999999999999999999) : INT64_C(999999999999999999));
    r[7] = wide(b, 38, low);
    r[8] = wide(b, 38, low);
    r[9] = value_int(low ? INT64_MIN : INT64_MAX);
    r[10] = value_int(low ? INT32_MIN : INT32_MAX);
    r[11] = value_double(low ? (double)-3.4e38f : (double)1.18e-38f);
    r[12] = value_double(low ? -1.79e308 : 2.23e-308);
    r[13] = value_int(low ? CIVIL_DAY_0001 : CIVIL_DAY_9999);
    r[14] = value_int(low ? 0 : CIVIL_TICKS_PER_DAY - 1);
    r[15] = value_int(low ? ticks_of(1900, 1, 1) : ticks_of(2079, 6, 6) + CIVIL_TICKS_PER_DAY - 600000000);
    r[16] = value_int(low ? ticks_of(1753, 1, 1) : ticks_of(9999, 12, 31) + CIVIL_TICKS_PER_DAY - 30000);
    r[17] = value_int(low ? 0 : ticks_of(9999, 12, 31) + CIVIL_TICKS_PER_DAY - 1);
    r[18] = value_int(low ? 0 : ticks_of(9999, 12, 31) + CIVIL_TICKS_PER_DAY - 1);
    r[18].aux = low ? 840 : -840;
    r[19] = bytes(b, low ? "" : "ab   ", low ? 0 : 5);
    r[20] = bytes(b, "\xf0\x9f\x98\x80\xc3\xa9\xef\xbf\xbd", low ? 0 : 9);
    r[21] = bytes(b, "'\\\t\n\x7f", low ? 0 : 5);
    r[22] = bytes(b, "\0\xff\x80", low ? 0 : 3);
    r[23] = bytes(b,
                  low ? "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                      : "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                  16);
    return r;
}

static const Value *nulls(Batch *b, int64_t id) {
    Value *r = batch_row(b, TYPES);
    r[0] = value_int(id);
    for (size_t i = 1; i < TYPES; i++) r[i] = value_null();
    return r;
}

/* What PostgreSQL holds of a value: the 7th digit rounded, no offset. */
static Value held(const Column *c, Value v) {
    const int64_t end = ticks_of(9999, 12, 31) + CIVIL_TICKS_PER_DAY;
    if (v.flags) return v;
    v.aux = 0;
    bool is_time = c->type == SQLTYPE_TIME;
    if (!is_time && c->type != SQLTYPE_DATETIME2 && c->type != SQLTYPE_DATETIMEOFFSET) return v;
    int64_t rounded = (v.v.i + 5) / 10 * 10, limit = is_time ? CIVIL_TICKS_PER_DAY : end;
    v.v.i = rounded < limit ? rounded : limit - 10;
    return v;
}

typedef struct Seen {
    const Schema *schema;
    const Value *want[MAX_ROWS + 1]; /* by id */
    size_t count;
} Seen;

static bool compare(void *arg, const Value *row, Err *e) {
    (void)e;
    Seen *seen = arg;
    const Value *want = seen->want[row[0].v.i];
    for (size_t i = 0; i < seen->schema->column_count; i++) {
        const Column *c = &seen->schema->columns[i];
        Value w = held(c, want[i]);
        if (w.flags != row[i].flags || w.n != row[i].n || w.aux != row[i].aux)
            fail_msg("row %d column " STR_FMT, (int)row[0].v.i, STR_ARG(c->name));
        bool is_same =
            w.flags || (w.n > 0 ? memcmp(w.v.p, row[i].v.p, w.n) == 0 : row[i].n > 0 || w.v.i == row[i].v.i);
        ValueForm form = sqltype_form(c->type, c->precision);
        if (!is_same && (form == FORM_TEXT || form == FORM_BYTES) && w.n == 0) is_same = row[i].n == 0;
        if (!is_same) fail_msg("row %d column " STR_FMT " differs", (int)row[0].v.i, STR_ARG(c->name));
    }
    seen->count++;
    return true;
}

static ScanPg *scan_of(Rig *r) {
    const ConnectorContext context = {.name = "t", .topic_prefix = "srv", .metrics = r->metrics};
    ScanPg *scan = NULL;
    Err e = {0};
    if (!scan_pg_open(r->options, &context, &scan, &e)) fail_msg("%s", e.msg);
    return scan;
}

/* Rows 1…3 by plain COPY, 4…6 by array parameters; both must read back. */
static void every_type_at_its_extremes_comes_back(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = all_types();
    must_put(r.sink, table_batch(s, BATCH_COPY_FIRST));
    must_put(r.sink, changes_batch(0, 1));
    Seen seen = {.schema = s};
    Batch *b = rows_batch(s, 0, true, true, true), *again = changes_batch(1, 2);
    for (int64_t i = 0; i < 2; i++) {
        Batch *to = i == 0 ? b : again;
        seen.want[3 * i + 1] = extreme(to, 3 * i + 1, -1);
        seen.want[3 * i + 2] = extreme(to, 3 * i + 2, 1);
        seen.want[3 * i + 3] = nulls(to, 3 * i + 3);
        for (int64_t k = 1; k <= 3; k++) add(to, i == 0 ? OP_READ : OP_CREATE, s, seen.want[3 * i + k]);
    }
    Err e = {0};
    if (!postgres_sink_class.put(r.sink, b, &e) || !postgres_sink_class.put(r.sink, again, &e))
        fail_msg("%s", e.msg);

    ScanPg *scan = scan_of(&r);
    if (!scan_pg_table(scan, s, compare, &seen, &e)) fail_msg("%s", e.msg);
    assert_int_equal(seen.count, 6);
    seen.count = 0;
    const Value two = value_int(2), six = value_int(6), none = value_int(99);
    const Value *keys[] = {&two, &none, &six};
    if (!scan_pg_keys(scan, s, keys, 3, compare, &seen, &e)) fail_msg("%s", e.msg);
    assert_int_equal(seen.count, 2);

    assert_string_equal(
        pg_fixture_text(r.conn,
                        "SELECT \"dec38\" || ' ' || \"money\" FROM dbo.types WHERE id IN (1, 5) ORDER BY id"),
        "-99999999999999999999999999999999999999 -922337203685477.5808|"
        "99999999999999999999999999999999999999 922337203685477.5807");
    assert_string_equal(
        pg_fixture_text(r.conn, "SELECT \"datetime2\" || ' ' || \"time\" || ' ' || \"date\" FROM dbo.types "
                                "WHERE id IN (1, 2, 4, 5) ORDER BY id"),
        "0001-01-01 00:00:00 00:00:00 0001-01-01|9999-12-31 23:59:59.999999 23:59:59.999999 9999-12-31|"
        "0001-01-01 00:00:00 00:00:00 0001-01-01|9999-12-31 23:59:59.999999 23:59:59.999999 9999-12-31");
    assert_string_equal(
        pg_fixture_text(r.conn,
                        "SELECT \"dec18\" || ' ' || \"smalldatetime\" || ' ' || \"datetime\" FROM dbo.types "
                        "WHERE id IN (1, 5) ORDER BY id"),
        "-0.999999999999999999 1900-01-01 00:00:00 1753-01-01 00:00:00|"
        "0.999999999999999999 2079-06-06 23:59:00 9999-12-31 23:59:59.997");
    StoredState stored = {0};
    assert_true(scan_pg_stored(scan, &stored, &e));
    Position at_two = at(2);
    assert_int_equal(position_cmp(&stored.position, &at_two), 0);
    stored_state_done(&stored);
    scan_pg_close(scan);
    batch_free(b);
    batch_free(again);
    schema_unref(s);
    rig_close(&r);
}

/* Existing columns of other types: what goes in comes back. */
static void values_come_back_through_wider_types(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    pg_fixture_exec(
        r.conn,
        "CREATE TABLE dbo.other (id numeric PRIMARY KEY, bit int2, dec text, guid text, date timestamp,"
        " at timestamptz, time8 int8, at8 int8, row8 int8, r float8)");
    const Column c[] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1},
        {.name = STR_LIT("bit"), .type = SQLTYPE_BIT},
        {.name = STR_LIT("dec"), .type = SQLTYPE_DECIMAL, .precision = 38, .scale = 3},
        {.name = STR_LIT("guid"), .type = SQLTYPE_UNIQUEIDENTIFIER},
        {.name = STR_LIT("date"), .type = SQLTYPE_DATE},
        {.name = STR_LIT("at"), .type = SQLTYPE_DATETIME, .scale = 3},
        {.name = STR_LIT("time8"), .type = SQLTYPE_TIME, .scale = 6},
        {.name = STR_LIT("at8"), .type = SQLTYPE_DATETIME, .scale = 3},
        {.name = STR_LIT("row8"), .type = SQLTYPE_ROWVERSION, .length = 8},
        {.name = STR_LIT("r"), .type = SQLTYPE_REAL},
    };
    const Schema *s = schema_of("other", c, 10);
    begin(&r, s);
    Batch *b = changes_batch(1, 2);
    Value *v = batch_row(b, 10);
    v[0] = value_int(1);
    v[1] = value_int(1);
    v[2] = wide(b, 20, true);
    v[3] = bytes(b, "0123456789abcdef", 16);
    v[4] = value_int(CIVIL_DAY_0001);
    v[5] = value_int(ticks_of(1969, 12, 31) + 30000);
    v[6] = value_int(INT64_C(123456780));
    v[7] = value_int(ticks_of(1969, 12, 31) + 30000);
    v[8] = bytes(b, "\0\0\0\0\0\0\x07\xd1", 8);
    v[9] = value_double(0.5);
    add(b, OP_CREATE, s, v);
    Seen seen = {.schema = s, .want = {[1] = v}};
    Err e = {0};
    if (!postgres_sink_class.put(r.sink, b, &e)) fail_msg("%s", e.msg);
    ScanPg *scan = scan_of(&r);
    if (!scan_pg_table(scan, s, compare, &seen, &e)) fail_msg("%s", e.msg);
    assert_int_equal(seen.count, 1);
    assert_string_equal(
        pg_fixture_text(r.conn, "SELECT concat_ws(' ', dec, guid, date, time8, at8, row8) FROM dbo.other"),
        "-99999999999999999.999 30313233-3435-3637-3839-616263646566 0001-01-01 00:00:00 12345678 "
        "-86399997 2001");
    scan_pg_close(scan);
    batch_free(b);
    schema_unref(s);
    rig_close(&r);
}

static void an_empty_table_gives_no_row_and_a_missing_one_an_error(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    ScanPg *scan = scan_of(&r);
    Seen seen = {.schema = s};
    Err e = {0};
    assert_false(scan_pg_table(scan, s, compare, &seen, &e));
    assert_int_equal(e.code, ERR_INVALID);
    begin(&r, s);
    if (!scan_pg_table(scan, s, compare, &seen, &e)) fail_msg("%s", e.msg);
    assert_int_equal(seen.count, 0);
    scan_pg_close(scan);
    schema_unref(s);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_at_its_extremes_comes_back),
        cmocka_unit_test(values_come_back_through_wider_types),
        cmocka_unit_test(an_empty_table_gives_no_row_and_a_missing_one_an_error),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
