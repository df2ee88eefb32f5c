/* Columns and values on the wire: Debezium's types, mode by mode. */
#include "test.h"

#include "connect_text.h"
#include "convert/wire_field.h"
#include "record/civil.h"

#define TICKS_1970 (-(int64_t)CIVIL_DAY_0001 * CIVIL_TICKS_PER_DAY)

typedef struct Rig {
    WireOptions o;
    const Schema *schema;
    WireField column;
    Arena arena;
} Rig;

static void begin(Rig *r, Column column, bool is_key) {
    Err e = {0};
    if (column.name.n == 0) column.name = STR_LIT("C");
    SchemaSpec spec = {.database = STR_LIT("Shop"),
                       .schema = STR_LIT("dbo"),
                       .table = STR_LIT("Item"),
                       .version = 1,
                       .columns = &column,
                       .column_count = 1};
    assert_true(schema_new(&spec, &r->schema, &e));
    if (!wire_field_init(r->schema, 0, is_key, &r->o, &r->column, &e)) fail_msg("%s", e.msg);
}

static void end(Rig *r) {
    wire_field_done(&r->column);
    schema_unref(r->schema);
    arena_done(&r->arena);
}

static void check_schema(const WireOptions *o, Column column, const char *want) {
    Rig r = {.o = *o};
    begin(&r, column, /* is_key= */ false);
    connect_text_expect_schema(r.column.schema, want);
    end(&r);
}

static void check_value(const WireOptions *o, Column column, Value v, const char *want) {
    Rig r = {.o = *o};
    Err e = {0};
    Value got;
    begin(&r, column, /* is_key= */ false);
    if (!wire_field_value(&r.column, &v, &r.arena, &got, &e)) fail_msg("%s", e.msg);
    connect_text_expect_value(r.column.schema, &got, want);
    end(&r);
}

static void schemas_are_debeziums(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    check_schema(&o, (Column){.type = SQLTYPE_INT}, "{'type':'int32','optional':false}");
    check_schema(&o, (Column){.type = SQLTYPE_TINYINT, .is_nullable = true},
                 "{'type':'int16','optional':true}");
    check_schema(&o, (Column){.type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2, .is_nullable = true},
                 "{'type':'bytes','optional':true,'name':'org.apache.kafka.connect.data.Decimal','version':1,"
                 "'parameters':{'scale':'2','connect.decimal.precision':'9'}}");
    check_schema(&o, (Column){.type = SQLTYPE_DATETIME2, .scale = 7, .is_nullable = true},
                 "{'type':'int64','optional':true,'name':'io.debezium.time.NanoTimestamp','version':1}");
    check_schema(&o, (Column){.type = SQLTYPE_DATETIME2, .scale = 6},
                 "{'type':'int64','optional':false,'name':'io.debezium.time.MicroTimestamp','version':1}");
    check_schema(&o, (Column){.type = SQLTYPE_DATETIME, .scale = 3},
                 "{'type':'int64','optional':false,'name':'io.debezium.time.Timestamp','version':1}");
    check_schema(&o, (Column){.type = SQLTYPE_TIME, .scale = 3},
                 "{'type':'int32','optional':false,'name':'io.debezium.time.Time','version':1}");
    check_schema(&o, (Column){.type = SQLTYPE_DATE},
                 "{'type':'int32','optional':false,'name':'io.debezium.time.Date','version':1}");
    check_schema(&o, (Column){.type = SQLTYPE_DATETIMEOFFSET, .scale = 7},
                 "{'type':'string','optional':false,'name':'io.debezium.time.ZonedTimestamp','version':1}");
    check_schema(&o, (Column){.type = SQLTYPE_INT, .is_nullable = true, .default_text = STR_LIT("((0))")},
                 "{'type':'int32','optional':true,'default':0}");
    o.time = WIRE_TIME_CONNECT;
    o.decimal = WIRE_DECIMAL_STRING;
    o.binary = WIRE_BINARY_HEX;
    check_schema(
        &o, (Column){.type = SQLTYPE_DATETIME2, .scale = 7},
        "{'type':'int64','optional':false,'name':'org.apache.kafka.connect.data.Timestamp','version':1}");
    check_schema(&o, (Column){.type = SQLTYPE_DATE},
                 "{'type':'int32','optional':false,'name':'org.apache.kafka.connect.data.Date','version':1}");
    check_schema(&o, (Column){.type = SQLTYPE_MONEY, .precision = 19, .scale = 4},
                 "{'type':'string','optional':false}");
    check_schema(
        &o, (Column){.type = SQLTYPE_MONEY, .precision = 19, .scale = 4, .default_text = STR_LIT("((1.5))")},
        "{'type':'string','optional':false,'default':'1.5'}");
    check_schema(&o, (Column){.type = SQLTYPE_VARBINARY, .length = 9}, "{'type':'string','optional':false}");
}

static void types_of_the_source_are_told_when_asked_and_not_in_keys(void **state) {
    (void)state;
    Err e = {0};
    Rig r = {.o = wire_options_standard("sales")};
    RegexList *list = NULL;
    assert_true(regexlist_compile(STR_LIT("dbo\\.item\\.price"), &list, &e));
    r.o.propagated_columns = list;
    Column price = {.name = STR_LIT("Price"), .type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2};
    begin(&r, price, /* is_key= */ false);
    connect_text_expect_schema(
        r.column.schema,
        "{'type':'bytes','optional':false,'name':'org.apache.kafka.connect.data.Decimal','version':1,'"
        "parameters':"
        "{'scale':'2','connect.decimal.precision':'9','__debezium.source.column.type':'DECIMAL',"
        "'__debezium.source.column.length':'9','__debezium.source.column.scale':'2',"
        "'__debezium.source.column.name':'Price'}}");
    end(&r);
    begin(&r, price, /* is_key= */ true);
    assert_int_equal(r.column.schema->param_count, 2);
    end(&r);
    regexlist_free(list);
}

static void what_is_masked_or_cut_is_told_and_not_in_keys(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    const Column masked = {.name = STR_LIT("Name"), .type = SQLTYPE_NVARCHAR, .length = 9, .is_masked = true};
    check_schema(&o, masked, "{'type':'string','optional':false,'parameters':{'masked':'true'}}");
    Column cut = {
        .name = STR_LIT("Name"), .type = SQLTYPE_NVARCHAR, .length = 9, .is_cut = true, .cut_chars = 8};
    check_schema(&o, cut, "{'type':'string','optional':false,'parameters':{'truncateLength':'8'}}");
    cut.cut_chars = 9; /* as long as the column: nothing to cut */
    check_schema(&o, cut, "{'type':'string','optional':false}");
    cut.length = -1;
    check_schema(&o, cut, "{'type':'string','optional':false,'parameters':{'truncateLength':'9'}}");
    Err e = {0};
    Rig r = {.o = o};
    RegexList *list = NULL;
    assert_true(regexlist_compile(STR_LIT("dbo\\.item\\.name"), &list, &e));
    r.o.propagated_columns = list;
    begin(&r, masked, /* is_key= */ false); /* one mapper a column */
    assert_int_equal(r.column.schema->param_count, 1);
    end(&r);
    begin(&r, masked, /* is_key= */ true);
    assert_int_equal(r.column.schema->param_count, 0);
    end(&r);
    regexlist_free(list);
}

static void columns_that_debezium_leaves_out_have_no_schema(void **state) {
    (void)state;
    static const SqlType types[] = {SQLTYPE_SQL_VARIANT, SQLTYPE_GEOGRAPHY, SQLTYPE_GEOMETRY};
    for (size_t i = 0; i < 3; i++) {
        Rig r = {.o = wire_options_standard("sales")};
        begin(&r, (Column){.type = types[i]}, false);
        assert_null(r.column.schema);
        end(&r);
    }
}

static void numbers_and_texts(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    Column decimal = {.type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2};
    check_value(&o, decimal, value_int(1223), "x'04c7'");
    check_value(&o, decimal, value_int(0), "x'00'");
    check_value(&o, decimal, value_int(-1), "x'ff'");
    check_value(&o, decimal, value_int(128), "x'0080'");
    check_value(&o, decimal, value_int(-129), "x'ff7f'");
    NumInt128 wide = -((NumInt128)1 << 100);
    Column large = {.type = SQLTYPE_DECIMAL, .precision = 38, .scale = 2};
    check_value(&o, large, value_bytes((const char *)&wide, sizeof wide), "x'f0000000000000000000000000'");
    Value guid = value_bytes("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 16);
    check_value(&o, (Column){.type = SQLTYPE_UNIQUEIDENTIFIER}, guid,
                "'01234567-89AB-CDEF-0123-456789ABCDEF'");
    check_value(&o, (Column){.type = SQLTYPE_HIERARCHYID}, value_bytes("/1/", 3), "x'58'");
    o.decimal = WIRE_DECIMAL_STRING;
    check_value(&o, decimal, value_int(5), "'0.05'");
    o.decimal = WIRE_DECIMAL_DOUBLE;
    check_value(&o, decimal, value_int(150), "1.5");
}

static void bytes_as_text(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    Column c = {.type = SQLTYPE_VARBINARY, .length = 9};
    o.binary = WIRE_BINARY_BASE64;
    check_value(&o, c, value_bytes("\xfb\xff\x01\x02", 4), "'+/8BAg=='");
    o.binary = WIRE_BINARY_URL_SAFE;
    check_value(&o, c, value_bytes("\xfb\xff\x01", 3), "'-_8B'");
    o.binary = WIRE_BINARY_HEX;
    check_value(&o, c, value_bytes("\xfb\x01", 2), "'fb01'");
}

static void times_by_digits_and_mode(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    Value half = value_int(5000000 + 1); /* 0.5000001 s past midnight */
    Value at = value_int(TICKS_1970 + INT64_C(17000000001234567));
    check_value(&o, (Column){.type = SQLTYPE_TIME, .scale = 3}, half, "500");
    check_value(&o, (Column){.type = SQLTYPE_TIME, .scale = 6}, half, "500000");
    check_value(&o, (Column){.type = SQLTYPE_TIME, .scale = 7}, half, "500000100");
    check_value(&o, (Column){.type = SQLTYPE_DATETIME2, .scale = 7}, at, "1700000000123456700");
    check_value(&o, (Column){.type = SQLTYPE_DATETIME2, .scale = 6}, at, "1700000000123456");
    check_value(&o, (Column){.type = SQLTYPE_DATETIME2, .scale = 3}, at, "1700000000123");
    check_value(&o, (Column){.type = SQLTYPE_DATETIME2, .scale = 3}, value_int(TICKS_1970 - 1), "-1");
    o.time = WIRE_TIME_MICROSECONDS;
    check_value(&o, (Column){.type = SQLTYPE_TIME, .scale = 7}, half, "500000");
    o.time = WIRE_TIME_CONNECT;
    check_value(&o, (Column){.type = SQLTYPE_TIME, .scale = 7}, half, "500");
    check_value(&o, (Column){.type = SQLTYPE_DATETIME2, .scale = 7}, at, "1700000000123");
}

static void zoned_timestamps_drop_trailing_zeros(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    Column c = {.type = SQLTYPE_DATETIMEOFFSET, .scale = 7};
    Value v = value_int(TICKS_1970 + 1234000);
    check_value(&o, c, v, "'1970-01-01T00:00:00.1234Z'");
    v.aux = 120;
    check_value(&o, c, v, "'1970-01-01T02:00:00.1234+02:00'");
    v = value_int(TICKS_1970);
    v.aux = -570;
    check_value(&o, c, v, "'1969-12-31T14:30:00-09:30'");
}

static void a_date_that_nanoseconds_cannot_hold_is_an_error_not_another_year(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    Err e = {0};
    Value got = value_int(7),
          end_of_time = value_int((int64_t)(CIVIL_DAY_9999 - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY);
    begin(&r, (Column){.type = SQLTYPE_DATETIME2, .scale = 7, .is_nullable = true}, false);
    assert_false(wire_field_value(&r.column, &end_of_time, &r.arena, &got, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "dbo.Item"));
    assert_non_null(strstr(e.msg, "column C"));
    assert_int_equal(got.v.i, 7);
    end(&r);
    r.o.unfit = WIRE_UNFIT_NULL;
    begin(&r, (Column){.type = SQLTYPE_DATETIME2, .scale = 7, .is_nullable = true}, false);
    assert_true(wire_field_value(&r.column, &end_of_time, &r.arena, &got, &e));
    assert_true(value_is_null(&got));
    end(&r);
    begin(&r, (Column){.type = SQLTYPE_DATETIME2, .scale = 7}, false); /* required: no null */
    assert_false(wire_field_value(&r.column, &end_of_time, &r.arena, &got, &e));
    end(&r);
}

static void null_in_a_required_field_is_its_default_or_a_zero(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    check_value(&o, (Column){.type = SQLTYPE_INT, .is_nullable = true}, value_null(), "null");
    check_value(&o, (Column){.type = SQLTYPE_INT}, value_null(), "0");
    check_value(&o, (Column){.type = SQLTYPE_INT, .default_text = STR_LIT("((7))")}, value_null(), "7");
    check_value(&o, (Column){.type = SQLTYPE_NVARCHAR, .length = 9}, value_null(), "''");
    check_value(&o, (Column){.type = SQLTYPE_DECIMAL, .precision = 9}, value_null(), "x'00'");
    check_value(&o, (Column){.type = SQLTYPE_DATETIMEOFFSET}, value_null(), "'1970-01-01T00:00:00Z'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_are_debeziums),
        cmocka_unit_test(types_of_the_source_are_told_when_asked_and_not_in_keys),
        cmocka_unit_test(what_is_masked_or_cut_is_told_and_not_in_keys),
        cmocka_unit_test(columns_that_debezium_leaves_out_have_no_schema),
        cmocka_unit_test(numbers_and_texts),
        cmocka_unit_test(bytes_as_text),
        cmocka_unit_test(times_by_digits_and_mode),
        cmocka_unit_test(zoned_timestamps_drop_trailing_zeros),
        cmocka_unit_test(a_date_that_nanoseconds_cannot_hold_is_an_error_not_another_year),
        cmocka_unit_test(null_in_a_required_field_is_its_default_or_a_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
