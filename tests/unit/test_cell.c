#include "sqlserver/cell.h"

#include <string.h>

#include "record/civil.h"
#include "record/numtext.h"
#include "test.h"

enum { ROWS = 4, MAX_WIDTH = 64 };

/* A row array of one column, as a driver would fill it. */
typedef struct Cells {
    CellPlan plan;
    uint8_t bytes[ROWS * (CELL_HEAD + MAX_WIDTH)];
    size_t rows;
    Arena arena;
    CellRoom room;
    Value out[ROWS];
} Cells;

static void cells_begin(Cells *c, Column column, OdbcDriverKind driver) {
    Err e = {0};
    memset(c, 0, sizeof *c);
    if (!cell_plan(&column, driver, &c->plan, &e)) fail_msg("%s", e.msg);
    assert_true(c->plan.width <= MAX_WIDTH);
    c->room.arena = &c->arena;
}

static void cells_add(Cells *c, SQLLEN indicator, const void *data, size_t n) {
    uint8_t *cell = c->bytes + c->rows++ * cell_bytes(&c->plan);
    memcpy(cell, &indicator, sizeof indicator);
    if (n) memcpy(cell + CELL_HEAD, data, n);
}

static bool cells_decode(Cells *c, Err *e) {
    CellRun run = {.plan = &c->plan,
                   .cells = c->bytes,
                   .stride = cell_bytes(&c->plan),
                   .rows = c->rows,
                   .out_stride = 1,
                   .room = &c->room};
    return cell_decode(&run, c->out, e);
}

static void cells_decode_well(Cells *c) {
    Err e = {0};
    if (!cells_decode(c, &e)) fail_msg("%s", e.msg);
}

static void cells_end(Cells *c) {
    cell_room_done(&c->room);
    arena_done(&c->arena);
}

static void whole_numbers_come_in_any_width(void **state) {
    (void)state;
    Cells c;
    const int32_t i4 = -7;
    const int64_t i8 = INT64_MIN;
    const uint8_t u1 = 255;
    cells_begin(&c, (Column){.type = SQLTYPE_BIGINT}, ODBC_DRIVER_FREETDS);
    cells_add(&c, 4, &i4, 4);
    cells_add(&c, 8, &i8, 8);
    cells_add(&c, 1, &u1, 1);
    cells_add(&c, SQL_NULL_DATA, NULL, 0);
    cells_decode_well(&c);
    assert_int_equal(c.out[0].v.i, -7);
    assert_true(c.out[1].v.i == INT64_MIN);
    assert_int_equal(c.out[2].v.i, 255);
    assert_true(value_is_null(&c.out[3]));
    cells_end(&c);
}

static SQL_NUMERIC_STRUCT numeric(bool is_minus, uint8_t scale, NumInt128 unscaled) {
    SQL_NUMERIC_STRUCT n = {.precision = 38, .scale = (SQLSCHAR)scale, .sign = !is_minus};
    memcpy(n.val, &unscaled, sizeof n.val);
    return n;
}

static void decimals_are_exact_up_to_38_digits(void **state) {
    (void)state;
    Cells c;
    NumInt128 most = numtext_power10(38) - 1, got;
    SQL_NUMERIC_STRUCT plus = numeric(false, 10, most), minus = numeric(true, 10, most);
    cells_begin(&c, (Column){.type = SQLTYPE_DECIMAL, .precision = 38, .scale = 10}, ODBC_DRIVER_FREETDS);
    cells_add(&c, sizeof plus, &plus, sizeof plus);
    cells_add(&c, sizeof minus, &minus, sizeof minus);
    cells_decode_well(&c);
    memcpy(&got, c.out[0].v.p, sizeof got);
    assert_true(got == most);
    assert_int_equal((uintptr_t)c.out[0].v.p % 16, 0);
    memcpy(&got, c.out[1].v.p, sizeof got);
    assert_true(got == -most);
    cells_end(&c);

    SQL_NUMERIC_STRUCT small = numeric(true, 2, 1234);
    cells_begin(&c, (Column){.type = SQLTYPE_DECIMAL, .precision = 18, .scale = 2}, ODBC_DRIVER_MICROSOFT);
    assert_int_equal(c.plan.c_type, SQL_C_NUMERIC);
    cells_add(&c, sizeof small, &small, sizeof small);
    cells_decode_well(&c);
    assert_int_equal(c.out[0].v.i, -1234);
    cells_end(&c);
}

static void a_decimal_of_another_scale_is_an_error_not_a_wrong_number(void **state) {
    (void)state;
    Cells c;
    Err e = {0};
    SQL_NUMERIC_STRUCT n = numeric(false, 0, 12);
    cells_begin(&c, (Column){.type = SQLTYPE_DECIMAL, .precision = 12, .scale = 2}, ODBC_DRIVER_FREETDS);
    cells_add(&c, sizeof n, &n, sizeof n);
    assert_false(cells_decode(&c, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    cells_end(&c);
}

static void money_comes_raw_or_as_a_numeric(void **state) {
    (void)state;
    Cells c;
    const uint32_t raw[2] = {0xffffffff, (uint32_t)-12345}; /* high half first: -1.2345 */
    SQL_NUMERIC_STRUCT n = numeric(false, 4, 12345);
    cells_begin(&c, (Column){.type = SQLTYPE_MONEY, .precision = 19, .scale = 4}, ODBC_DRIVER_MICROSOFT);
    cells_add(&c, 8, raw, 8);
    cells_add(&c, sizeof n, &n, sizeof n);
    cells_decode_well(&c);
    assert_int_equal(c.out[0].v.i, -12345);
    assert_int_equal(c.out[1].v.i, 12345);
    cells_end(&c);
}

static int64_t ticks(int year, int month, int day, int64_t of_day) {
    int64_t days = civil_to_days((CivilDate){year, (uint8_t)month, (uint8_t)day});
    return (days - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY + of_day;
}

static void datetimes_are_equal_from_both_drivers(void **state) {
    (void)state;
    Cells c;
    const uint32_t raw[2] = {45000, 1}; /* days since 1900, 1/300 s: .003 */
    SQL_TIMESTAMP_STRUCT whole = {.year = 2023, .month = 3, .day = 17, .fraction = 3333333};
    cells_begin(&c, (Column){.type = SQLTYPE_DATETIME}, ODBC_DRIVER_MICROSOFT);
    cells_add(&c, 8, raw, 8);
    cells_add(&c, sizeof whole, &whole, sizeof whole);
    cells_decode_well(&c);
    assert_true(c.out[0].v.i == ticks(2023, 3, 17, 30000));
    assert_true(c.out[1].v.i == c.out[0].v.i);
    cells_end(&c);
}

static void datetime2_keeps_its_seventh_digit_and_both_ends_of_its_range(void **state) {
    (void)state;
    Cells c;
    SQL_TIMESTAMP_STRUCT first = {.year = 1, .month = 1, .day = 1};
    SQL_TIMESTAMP_STRUCT last = {9999, 12, 31, 23, 59, 59, 999999900};
    cells_begin(&c, (Column){.type = SQLTYPE_DATETIME2, .scale = 7}, ODBC_DRIVER_FREETDS);
    cells_add(&c, sizeof first, &first, sizeof first);
    cells_add(&c, sizeof last, &last, sizeof last);
    cells_decode_well(&c);
    assert_int_equal(c.out[0].v.i, 0);
    assert_true(c.out[1].v.i == ticks(9999, 12, 31, CIVIL_TICKS_PER_DAY - 1));
    cells_end(&c);
}

static void smalldatetime_is_days_and_minutes(void **state) {
    (void)state;
    Cells c;
    const uint16_t raw[2] = {1, 61};
    cells_begin(&c, (Column){.type = SQLTYPE_SMALLDATETIME}, ODBC_DRIVER_FREETDS);
    cells_add(&c, 4, raw, 4);
    cells_decode_well(&c);
    assert_true(c.out[0].v.i == ticks(1900, 1, 2, 61 * 60 * CIVIL_TICKS_PER_SECOND));
    cells_end(&c);
}

static void an_offset_goes_to_utc_and_is_kept(void **state) {
    (void)state;
    Cells c;
    struct {
        SQL_TIMESTAMP_STRUCT local;
        int16_t hour, minute;
    } west = {{2020, 6, 1, 22, 0, 0, 100}, -3, -30}, east = {{2020, 6, 2, 1, 0, 0, 0}, 2, 0};
    cells_begin(&c, (Column){.type = SQLTYPE_DATETIMEOFFSET, .scale = 7}, ODBC_DRIVER_FREETDS);
    cells_add(&c, sizeof west, &west, sizeof west);
    cells_add(&c, sizeof east, &east, sizeof east);
    cells_decode_well(&c);
    assert_true(c.out[0].v.i == ticks(2020, 6, 2, INT64_C(90) * 60 * CIVIL_TICKS_PER_SECOND + 1));
    assert_int_equal(c.out[0].aux, -210);
    assert_true(c.out[1].v.i == ticks(2020, 6, 1, INT64_C(23) * 3600 * CIVIL_TICKS_PER_SECOND));
    assert_int_equal(c.out[1].aux, 120);
    cells_end(&c);
}

static void dates_and_times_have_their_own_forms(void **state) {
    (void)state;
    Cells c;
    SQL_DATE_STRUCT date = {1970, 1, 2};
    cells_begin(&c, (Column){.type = SQLTYPE_DATE}, ODBC_DRIVER_FREETDS);
    cells_add(&c, sizeof date, &date, sizeof date);
    cells_decode_well(&c);
    assert_int_equal(c.out[0].v.i, 1);
    cells_end(&c);
    struct {
        uint16_t hour, minute, second;
        uint32_t fraction_ns;
    } time = {23, 59, 59, 999999900};
    cells_begin(&c, (Column){.type = SQLTYPE_TIME, .scale = 7}, ODBC_DRIVER_MICROSOFT);
    cells_add(&c, sizeof time, &time, sizeof time);
    cells_decode_well(&c);
    assert_true(c.out[0].v.i == CIVIL_TICKS_PER_DAY - 1);
    cells_end(&c);
}

static void a_guid_has_the_order_of_its_text(void **state) {
    (void)state;
    Cells c;
    SQLGUID guid = {0x00112233, 0x4455, 0x6677, {0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}};
    static const uint8_t wanted[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    cells_begin(&c, (Column){.type = SQLTYPE_UNIQUEIDENTIFIER}, ODBC_DRIVER_FREETDS);
    cells_add(&c, sizeof guid, &guid, sizeof guid);
    cells_decode_well(&c);
    assert_int_equal(c.out[0].n, 16);
    assert_memory_equal(c.out[0].v.p, wanted, 16);
    cells_end(&c);
}

static void text_becomes_utf8_and_a_lone_surrogate_is_counted(void **state) {
    (void)state;
    Cells c;
    const uint16_t text[] = {'a', 0xe9, 0x20ac, 0xd83d, 0xde00}, lone[] = {'x', 0xd800};
    cells_begin(&c, (Column){.type = SQLTYPE_NVARCHAR, .length = 10}, ODBC_DRIVER_FREETDS);
    cells_add(&c, sizeof text, text, sizeof text);
    cells_add(&c, sizeof lone, lone, sizeof lone);
    cells_add(&c, 0, NULL, 0);
    cells_decode_well(&c);
    assert_true(str_eq_c(value_str(&c.out[0]), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    assert_true(str_eq_c(value_str(&c.out[1]), "x\xef\xbf\xbd"));
    assert_int_equal(c.room.replaced, 1);
    assert_int_equal(c.out[2].n, 0);
    assert_false(value_is_null(&c.out[2]));
    cells_end(&c);
}

static void a_cut_text_is_an_error_even_when_the_driver_says_nothing(void **state) {
    (void)state;
    const SQLLEN said[] = {SQL_NO_TOTAL, 24};
    for (size_t i = 0; i < 2; i++) {
        Cells c;
        Err e = {0};
        cells_begin(&c, (Column){.type = SQLTYPE_VARCHAR, .length = 10}, ODBC_DRIVER_FREETDS);
        assert_int_equal(c.plan.width, 22);
        cells_add(&c, said[i], "xxxxxxxxxxxxxxxxxxxx", 20);
        assert_false(cells_decode(&c, &e));
        assert_int_equal(e.code, ERR_DATA);
        cells_end(&c);
    }
}

static void foreign_lengths_are_refused(void **state) {
    (void)state;
    static const SqlType types[] = {SQLTYPE_INT,
                                    SQLTYPE_FLOAT,
                                    SQLTYPE_MONEY,
                                    SQLTYPE_DATE,
                                    SQLTYPE_TIME,
                                    SQLTYPE_DATETIMEOFFSET,
                                    SQLTYPE_UNIQUEIDENTIFIER,
                                    SQLTYPE_DATETIME2};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        Cells c;
        Err e = {0};
        cells_begin(&c, (Column){.type = types[i]}, ODBC_DRIVER_FREETDS);
        cells_add(&c, 3, "abc", 3);
        assert_false(cells_decode(&c, &e));
        cells_end(&c);
    }
}

static void long_types_are_read_apart_and_some_not_at_all(void **state) {
    (void)state;
    CellPlan plan;
    Err e = {0};
    Column max = {.type = SQLTYPE_VARBINARY, .length = -1, .is_lob = true},
           unknown = {.type = SQLTYPE_UNKNOWN};
    assert_true(cell_plan(&max, ODBC_DRIVER_FREETDS, &plan, &e));
    assert_true(plan.is_long);
    assert_false(cell_plan(&unknown, ODBC_DRIVER_FREETDS, &plan, &e));
    assert_int_equal(e.code, ERR_INVALID);
    static const SqlType apart[] = {SQLTYPE_SQL_VARIANT, SQLTYPE_GEOGRAPHY, SQLTYPE_GEOMETRY, SQLTYPE_CLR};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        Column c = {.type = apart[i]};
        assert_true(cell_plan(&c, ODBC_DRIVER_MICROSOFT, &plan, &e));
        assert_true(plan.is_long);
    }
}

static Value note_refused(void *self, size_t row, const Err *why) {
    assert_int_equal(why->code, ERR_DATA);
    *(size_t *)self = row;
    return value_unread();
}

static void a_malformed_hierarchyid_is_an_error_unless_somebody_is_told(void **state) {
    (void)state;
    const Column column = {.type = SQLTYPE_HIERARCHYID};
    CellPlan plan;
    Err e = {0};
    assert_true(cell_plan(&column, ODBC_DRIVER_FREETDS, &plan, &e));
    _Alignas(8) uint8_t cells[2][CELL_HEAD + 896] = {0};
    SQLLEN one = 1;
    memcpy(cells[0], &one, sizeof one);
    memcpy(cells[0] + CELL_HEAD, "\x58", 1);
    memcpy(cells[1], &one, sizeof one);
    memcpy(cells[1] + CELL_HEAD, "\xff", 1);
    Arena arena = {0};
    CellRoom room = {.arena = &arena};
    size_t refused = 0;
    CellRun run = {.plan = &plan,
                   .cells = cells[0],
                   .stride = sizeof cells[0],
                   .rows = 2,
                   .out_stride = 1,
                   .room = &room};
    Value out[2];
    assert_false(cell_decode(&run, out, &e));
    assert_int_equal(e.code, ERR_DATA);
    run.refused = note_refused;
    run.self = &refused;
    assert_true(cell_decode(&run, out, &e));
    assert_int_equal(refused, 1);
    assert_true(str_eq_c(value_str(&out[0]), "/1/"));
    assert_true(value_is_null(&out[1]) && value_is_absent(&out[1]));
    cell_room_done(&room);
    arena_done(&arena);
}

static void a_hierarchyid_becomes_its_path(void **state) {
    (void)state;
    const Column column = {.type = SQLTYPE_HIERARCHYID};
    CellPlan plan;
    Err e = {0};
    assert_true(cell_plan(&column, ODBC_DRIVER_FREETDS, &plan, &e));
    assert_int_equal(plan.width, 892);
    _Alignas(8) uint8_t cells[2][CELL_HEAD + 896] = {0};
    SQLLEN two = 2, null = SQL_NULL_DATA;
    memcpy(cells[0], &two, sizeof two);
    memcpy(cells[0] + CELL_HEAD, "\x5a\xde", 2);
    memcpy(cells[1], &null, sizeof null);
    Arena arena = {0};
    CellRoom room = {.arena = &arena};
    CellRun run = {.plan = &plan,
                   .cells = cells[0],
                   .stride = sizeof cells[0],
                   .rows = 2,
                   .out_stride = 1,
                   .room = &room};
    Value out[2];
    assert_true(cell_decode(&run, out, &e));
    assert_true(str_eq_c(value_str(&out[0]), "/1/1/3/"));
    assert_true(value_is_null(&out[1]));
    cell_room_done(&room);
    arena_done(&arena);
}

static void long_values_change_their_form(void **state) {
    (void)state;
    static const char variant[] = "i\0n\0t\0|\0001\0000\0|\0000\0|\0004\0|\0|\0007\0";
    static const char point[] = "\xe6\x10\0\0\x01\x0c\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\xf0\x3f"; /* latitude 2 */
    const Column v = {.type = SQLTYPE_SQL_VARIANT}, g = {.type = SQLTYPE_GEOGRAPHY};
    Arena arena = {0};
    CellRoom room = {.arena = &arena};
    CellPlan plan;
    Value out;
    Err e = {0};
    assert_true(cell_plan(&v, ODBC_DRIVER_FREETDS, &plan, &e));
    if (!cell_long(&plan, (Str){variant, sizeof variant - 1}, &room, &out, &e)) fail_msg("%s", e.msg);
    assert_true(str_eq_c(value_str(&out), "{\"type\": \"int\", \"value\": 7}"));
    assert_true(cell_plan(&g, ODBC_DRIVER_FREETDS, &plan, &e));
    if (!cell_long(&plan, (Str){point, sizeof point - 1}, &room, &out, &e)) fail_msg("%s", e.msg);
    assert_int_equal(out.n, 9 + 16);
    assert_memory_equal(out.v.p, "\x01\x01\0\0\x20\xe6\x10\0\0\0\0\0\0\0\0\xf0\x3f", 17);
    assert_true(cell_long(&plan, STR_LIT("\xff\xff\xff\xff"), &room, &out, &e));
    assert_true(value_is_null(&out));
    assert_false(cell_long(&plan, STR_LIT("abc"), &room, &out, &e));
    assert_int_equal(e.code, ERR_DATA);
    cell_room_done(&room);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_come_in_any_width),
        cmocka_unit_test(decimals_are_exact_up_to_38_digits),
        cmocka_unit_test(a_decimal_of_another_scale_is_an_error_not_a_wrong_number),
        cmocka_unit_test(money_comes_raw_or_as_a_numeric),
        cmocka_unit_test(datetimes_are_equal_from_both_drivers),
        cmocka_unit_test(datetime2_keeps_its_seventh_digit_and_both_ends_of_its_range),
        cmocka_unit_test(smalldatetime_is_days_and_minutes),
        cmocka_unit_test(an_offset_goes_to_utc_and_is_kept),
        cmocka_unit_test(dates_and_times_have_their_own_forms),
        cmocka_unit_test(a_guid_has_the_order_of_its_text),
        cmocka_unit_test(text_becomes_utf8_and_a_lone_surrogate_is_counted),
        cmocka_unit_test(a_cut_text_is_an_error_even_when_the_driver_says_nothing),
        cmocka_unit_test(foreign_lengths_are_refused),
        cmocka_unit_test(long_types_are_read_apart_and_some_not_at_all),
        cmocka_unit_test(a_hierarchyid_becomes_its_path),
        cmocka_unit_test(a_malformed_hierarchyid_is_an_error_unless_somebody_is_told),
        cmocka_unit_test(long_values_change_their_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
