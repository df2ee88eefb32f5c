#include "standin/tds/typeinfo.h"

#include "base/mem.h"
#include "standin/types/collation.h"
#include "standin/types/convert.h"
#include "standin/types/variant.h"
#include "test.h"

static Arena arena;

/* text as a value of type t */
static Value make(const char *text, const Type *t) {
    ConvertError e = {0};
    Value v;
    Convert c = {.from = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH}, .to = *t, .style = -1};
    if (type_is_binary(t->id) || type_is_clr(t->id)) return VALUE_OF_BLOB(str_from(text));
    if (!convert_value(&c, VALUE_OF_TEXT(str_from(text)), &arena, &v, &e)) fail_msg("%s: %s", text, e.text);
    return v;
}

static void assert_same(const Value *a, const Value *b, const char *what) {
    if (a->kind != b->kind) fail_msg("%s: another kind", what);
    switch (a->kind) {
    case VALUE_NULL: break;
    case VALUE_INT: assert_int_equal(a->v.i, b->v.i); break;
    case VALUE_REAL: assert_true(a->v.d == b->v.d); break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        if (!str_eq(a->v.s, b->v.s)) fail_msg("%s: other bytes", what);
        break;
    }
}

/* Encode type and value, decode both: all as before, and no byte more or less. */
static void round_trip(const Type *t, bool is_nullable, Value v, const char *what) {
    CLEANUP(buf_done) Buf out = {0};
    TypeInfoEncoder x = typeinfo_encoder(t, is_nullable);
    TypeInfo info;
    Err e = {0};
    Value back;
    typeinfo_write(&x, STR_LIT("shop"), &out);
    size_t room = typeinfo_room(&x, &v);
    uint8_t *p = buf_reserve(&out, room), *end = x.write(&x, &v, p);
    assert_non_null(end);
    assert_true((size_t)(end - p) <= room);
    out.n += (size_t)(end - p);
    Cursor c = cursor_over(out.p, out.n);
    if (!typeinfo_read(&c, /* of_column= */ true, &info, &e)) fail_msg("%s: %s", what, e.msg);
    assert_int_equal(info.type.id, t->id == TYPE_ROWVERSION ? TYPE_BINARY : t->id);
    assert_int_equal(info.type.scale, t->scale);
    assert_int_equal(info.type.precision, t->precision);
    assert_int_equal(info.type.length, t->id == TYPE_ROWVERSION ? 8 : t->length);
    if (!typeinfo_read_value(&c, &info, true, &arena, &back, &e)) fail_msg("%s: %s", what, e.msg);
    assert_int_equal(cursor_left(&c), 0);
    assert_same(&v, &back, what);
    for (size_t n = 0; n < out.n; n++) { /* any prefix is refused as cut short */
        Cursor shorter = cursor_over(out.p, n);
        bool is_read = typeinfo_read(&shorter, /* of_column= */ true, &info, &e) &&
                       typeinfo_read_value(&shorter, &info, true, &arena, &back, &e);
        assert_false(is_read);
        assert_true(shorter.failed);
    }
}

#define MAX TYPE_MAX_LENGTH

static void every_type_comes_back_as_it_went(void **state) {
    (void)state;
    static const struct {
        Type t;
        const char *values[5];
    } cases[] = {
        {{.id = TYPE_BIT}, {"0", "1"}},
        {{.id = TYPE_TINYINT}, {"0", "255"}},
        {{.id = TYPE_SMALLINT}, {"-32768", "32767"}},
        {{.id = TYPE_INT}, {"-2147483648", "2147483647", "0"}},
        {{.id = TYPE_BIGINT}, {"-9223372036854775808", "9223372036854775807"}},
        {{.id = TYPE_REAL}, {"-3.4e38", "1.5", "0"}},
        {{.id = TYPE_FLOAT}, {"-1.7976931348623157e308", "0.1", "2.2250738585072014e-308"}},
        {{.id = TYPE_MONEY}, {"-922337203685477.5808", "922337203685477.5807", "0.0001"}},
        {{.id = TYPE_SMALLMONEY}, {"-214748.3648", "214748.3647"}},
        {{.id = TYPE_DECIMAL, .precision = 5, .scale = 2}, {"-999.99", "0.01", "0"}},
        {{.id = TYPE_NUMERIC, .precision = 18, .scale = 0}, {"-999999999999999999", "999999999999999999"}},
        {{.id = TYPE_DECIMAL, .precision = 19, .scale = 4}, {"-999999999999999.9999", "1.5"}},
        {{.id = TYPE_DECIMAL, .precision = 38, .scale = 10},
         {"-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999", "0"}},
        {{.id = TYPE_DATE}, {"0001-01-01", "9999-12-31"}},
        {{.id = TYPE_TIME, .scale = 7}, {"00:00", "23:59:59.9999999"}},
        {{.id = TYPE_TIME, .scale = 0}, {"00:00", "23:59:59"}},
        {{.id = TYPE_TIME, .scale = 3}, {"12:34:56.789"}},
        {{.id = TYPE_DATETIME2, .scale = 7}, {"0001-01-01", "9999-12-31 23:59:59.9999999"}},
        {{.id = TYPE_DATETIME2, .scale = 3}, {"2026-11-03 16:05:06.123"}},
        {{.id = TYPE_DATETIMEOFFSET, .scale = 7},
         {"2026-11-03 16:05:06.1234567 +05:30", "0001-01-01 14:00 +14:00",
          "9999-12-31 09:59:59.9999999 -14:00"}},
        {{.id = TYPE_DATETIME}, {"1753-01-01", "9999-12-31 23:59:59.997", "1899-12-31 23:59:59.997"}},
        {{.id = TYPE_SMALLDATETIME}, {"1900-01-01", "2079-06-06 23:59"}},
        {{.id = TYPE_UNIQUEIDENTIFIER}, {"6F9619FF-8B86-D011-B42D-00C04FC964FF"}},
        {{.id = TYPE_CHAR, .length = 5}, {"ab   ", "gr\xc3\xbc\xc3\x9f  ", "\xe2\x82\xac    "}},
        {{.id = TYPE_VARCHAR, .length = 20}, {"", "abc", "gr\xc3\xbc\xc3\x9f"}},
        {{.id = TYPE_VARCHAR, .length = MAX}, {"", "abc", "gr\xc3\xbc\xc3\x9f"}},
        {{.id = TYPE_NCHAR, .length = 3}, {"ab ", "\xf0\x9f\x98\x80 "}},
        {{.id = TYPE_NVARCHAR, .length = 20}, {"", "12345678", "\xd0\x96\xed\xa0\xbd"}},
        {{.id = TYPE_NVARCHAR, .length = MAX}, {"", "12345678", "\xd0\x96 \xf0\x9f\x98\x80"}},
        {{.id = TYPE_BINARY, .length = 4}, {"abcd"}},
        {{.id = TYPE_VARBINARY, .length = 10}, {"", "ab\xff"}},
        {{.id = TYPE_VARBINARY, .length = MAX}, {"", "ab\xff"}},
        {{.id = TYPE_ROWVERSION}, {"\1\2\3\4\5\6\7\x08"}},
        {{.id = TYPE_TEXT}, {"", "gr\xc3\xbc\xc3\x9f"}},
        {{.id = TYPE_NTEXT}, {"", "\xd0\x96"}},
        {{.id = TYPE_IMAGE}, {"", "abc"}},
        {{.id = TYPE_XML}, {"", "<a/>"}},
        {{.id = TYPE_HIERARCHYID}, {"", "\x58"}},
        {{.id = TYPE_GEOMETRY}, {"abc"}},
        {{.id = TYPE_GEOGRAPHY}, {"abc"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Type *t = &cases[i].t;
        round_trip(t, true, (Value){0}, type_name(t->id));
        for (size_t k = 0; k < 5 && cases[i].values[k]; k++) {
            round_trip(t, true, make(cases[i].values[k], t), cases[i].values[k]);
            round_trip(t, false, make(cases[i].values[k], t), cases[i].values[k]);
        }
    }
}

static void text_comes_back_in_its_collations_code_page(void **state) {
    (void)state;
    static const struct {
        const char *collation, *text;
        size_t bytes;
    } cases[] = {{"Latin1_General_100_CI_AS_SC_UTF8", "\xd0\x96\xe6\x97\xa5", 5},
                 {"Cyrillic_General_CI_AS", "\xd0\x96", 1},
                 {"Japanese_XJIS_140_CI_AS", "a\xe6\x97\xa5\xe3\x81\x82", 5},
                 {"Greek_CS_AS", "\xce\xb1", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Type t = {
            .id = TYPE_VARCHAR, .length = 20, .collation = collation_by_name(str_from(cases[i].collation))};
        Value v = make(cases[i].text, &t);
        assert_int_equal(collation_encoded_bytes(collation_get(t.collation), v.v.s), cases[i].bytes);
        assert_true(str_eq_c(v.v.s, cases[i].text));
        round_trip(&t, true, v, cases[i].collation);
        t.length = MAX;
        round_trip(&t, true, v, cases[i].collation);
        round_trip(
            &(Type){.id = TYPE_SQL_VARIANT}, true,
            variant_pack(&(Type){.id = TYPE_VARCHAR, .length = 20, .collation = t.collation}, v, &arena),
            cases[i].collation);
    }
}

/* Each base type at its ends, in a variant: value, type, digits and length come back. */
static void a_variant_comes_back_with_its_base_type(void **state) {
    (void)state;
    static const struct {
        Type t;
        const char *values[3];
    } cases[] = {
        {{.id = TYPE_BIT}, {"0", "1"}},
        {{.id = TYPE_TINYINT}, {"0", "255"}},
        {{.id = TYPE_SMALLINT}, {"-32768", "32767"}},
        {{.id = TYPE_INT}, {"-2147483648", "2147483647"}},
        {{.id = TYPE_BIGINT}, {"-9223372036854775808", "9223372036854775807"}},
        {{.id = TYPE_REAL}, {"-3.4e38", "1.5"}},
        {{.id = TYPE_FLOAT}, {"-1.7976931348623157e308", "0.1"}},
        {{.id = TYPE_MONEY}, {"-922337203685477.5808", "922337203685477.5807"}},
        {{.id = TYPE_SMALLMONEY}, {"-214748.3648", "214748.3647"}},
        {{.id = TYPE_DECIMAL, .precision = 5, .scale = 2}, {"-999.99", "0.01"}},
        {{.id = TYPE_NUMERIC, .precision = 38, .scale = 10},
         {"-9999999999999999999999999999.9999999999", "0"}},
        {{.id = TYPE_DATE}, {"0001-01-01", "9999-12-31"}},
        {{.id = TYPE_TIME, .scale = 7}, {"23:59:59.9999999"}},
        {{.id = TYPE_DATETIME2, .scale = 3}, {"0001-01-01", "9999-12-31 23:59:59.999"}},
        {{.id = TYPE_DATETIMEOFFSET, .scale = 7}, {"2026-11-03 16:05:06.1234567 +05:30"}},
        {{.id = TYPE_DATETIME}, {"1753-01-01", "9999-12-31 23:59:59.997"}},
        {{.id = TYPE_SMALLDATETIME}, {"1900-01-01", "2079-06-06 23:59"}},
        {{.id = TYPE_UNIQUEIDENTIFIER}, {"6F9619FF-8B86-D011-B42D-00C04FC964FF"}},
        {{.id = TYPE_CHAR, .length = 5}, {"ab   "}},
        {{.id = TYPE_VARCHAR, .length = 8000}, {"", "gr\xc3\xbc\xc3\x9f"}},
        {{.id = TYPE_NCHAR, .length = 3}, {"ab "}},
        {{.id = TYPE_NVARCHAR, .length = 4000}, {"", "\xd0\x96"}},
        {{.id = TYPE_BINARY, .length = 4}, {"abcd"}},
        {{.id = TYPE_VARBINARY, .length = 8000}, {"", "ab\xff"}},
    };
    const Type variant = {.id = TYPE_SQL_VARIANT};
    round_trip(&variant, true, (Value){0}, "a NULL variant");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 3 && cases[i].values[k]; k++) {
            Value v = make(cases[i].values[k], &cases[i].t);
            round_trip(&variant, true, variant_pack(&cases[i].t, v, &arena), cases[i].values[k]);
        }
}

/* TYPE_INFO and value in one go. */
static bool decode(const char *bytes, size_t n, Value *ret, Err *e) {
    TypeInfo info;
    Cursor c = cursor_over(bytes, n);
    return typeinfo_read(&c, /* of_column= */ true, &info, e) &&
           typeinfo_read_value(&c, &info, false, &arena, ret, e);
}

static void illegal_values_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        ErrCode code;
    } bad[] = {
        {"\x3e\0\0\0\0\0\0\xf0\x7f", 9, ERR_RANGE},                  /* infinity */
        {"\x28\x03\xff\xff\xff", 5, ERR_RANGE},                      /* a date past 9999 */
        {"\x29\x00\x03\xff\xff\xff", 6, ERR_RANGE},                  /* a time past midnight */
        {"\x6f\x08\x08\0\0\0\0\xff\xff\xff\xff", 11, ERR_RANGE},     /* datetime's ticks */
        {"\x6a\x05\x02\x00\x05\x01\xff\xff\xff\xff", 10, ERR_RANGE}, /* decimal(2,0) of 4294967295 */
        {"\x6a\x05\x27\x00\x00", 5, ERR_RANGE},                      /* precision 39 */
        {"\x29\x08\x00", 3, ERR_RANGE},                              /* time(8) */
        {"\x26\x03\x00", 3, ERR_INVALID},                            /* an integer of 3 bytes */
        {"\xe7\x14\x00\x09\x04\xd0\x00\x34\x03\x00"
         "abc",
         13, ERR_RANGE},                                               /* half a UTF-16 unit */
        {"\xf0\x00\x00\0\0\x01x\0\0\0", 10, ERR_INVALID},              /* a CLR type x */
        {"\x62\x49\x1f\0\0\x03\0\0\0\x26\0\x05", 12, ERR_RANGE},       /* a variant of a nullable int */
        {"\x62\x49\x1f\0\0\x05\0\0\0\x38\0\1\2\3", 14, ERR_RANGE},     /* of an int of three bytes */
        {"\x62\x49\x1f\0\0\x04\0\0\0\xa5\x01\x05\x00", 13, ERR_RANGE}, /* properties cut short */
        {"\x62\x49\x1f\0\0\xff\xff\0\0", 9, ERR_RANGE},                /* longer than any */
        {"\x62\x49\x1f\0\0\x06\0\0\0\xa5\x02\x01\x00\x01\x02", 15, ERR_RANGE}, /* two bytes as varbinary(1) */
        {"\x05", 1, ERR_INVALID},
        {"\xe7\x02\x00\x09\x04\xd0\x00\x34\x04\x00"
         "a\0b",
         14, ERR_INVALID},                                 /* two characters as nvarchar(1) */
        {"\xa5\x02\x00\x03\x00\1\2\3", 8, ERR_INVALID},    /* three bytes as varbinary(2) */
        {"\xa5\x41\x1f\xff\xff", 5, ERR_INVALID},          /* varbinary(8001) */
        {"\xad\xff\xff\0\0\0\0\0\0\0\0", 11, ERR_INVALID}, /* binary(max) */
        {"\xaf\xff\xff\x09\x04\xd0\x00\x34\0\0\0\0\0\0\0\0", 16, ERR_INVALID}, /* char(max) */
        {"\xef\xff\xff\x09\x04\xd0\x00\x34\0\0\0\0\0\0\0\0", 16, ERR_INVALID}, /* nchar(max) */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Value v;
        Err e = {0};
        if (decode(bad[i].bytes, bad[i].n, &v, &e)) fail_msg("case %zu was taken", i);
        assert_int_equal(e.code, bad[i].code);
    }
}

static void char_and_binary_have_their_whole_length(void **state) {
    (void)state;
    Value v;
    Err e = {0};
    assert_true(decode("\xaf\x05\x00\x09\x04\xd0\x00\x34\x02\x00"
                       "ab",
                       12, &v, &e));
    assert_true(str_eq_c(v.v.s, "ab   "));
    assert_true(decode("\xef\x06\x00\x09\x04\xd0\x00\x34\x02\x00\x16\x04", 12, &v, &e));
    assert_true(str_eq_c(v.v.s, "\xd0\x96  "));
    assert_true(decode("\xad\x03\x00\x01\x00\xff", 6, &v, &e));
    assert_int_equal(v.v.s.n, 3);
    assert_memory_equal(v.v.s.p, "\xff\0\0", 3);
    assert_true(decode("\xaf\x05\x00\x09\x04\xd0\x00\x34\xff\xff", 10, &v, &e));
    assert_int_equal(v.kind, VALUE_NULL);
}

static void a_guid_of_length_0_is_null(void **state) {
    (void)state;
    Value v;
    Err e = {0};
    assert_true(decode("\x24\x00\x00", 3, &v, &e));
    assert_int_equal(v.kind, VALUE_NULL);
}

static void plp_of_unknown_length_in_chunks_is_joined(void **state) {
    (void)state;
    static const char bytes[] = "\xe7\xff\xff\x09\x04\xd0\x00\x34\xfe\xff\xff\xff\xff\xff\xff\xff"
                                "\x03\0\0\0a\0b\x01\0\0\0\0\x02\0\0\0c\0\0\0\0\0";
    Value v;
    Err e = {0};
    if (!decode(bytes, sizeof bytes - 1, &v, &e)) fail_msg("%s", e.msg);
    assert_true(str_eq_c(v.v.s, "abc"));
    assert_true(decode("\xa5\xff\xff\x00\0\0\0\0\0\0\0\0\0\0\0", 15, &v, &e));
    assert_int_equal(v.kind, VALUE_BLOB);
    assert_int_equal(v.v.s.n, 0);
    assert_false(
        decode("\xa5\xff\xff\x05\0\0\0\0\0\0\0\x01\0\0\0x\0\0\0\0", 20, &v, &e)); /* 5 said, 1 sent */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back_as_it_went),
        cmocka_unit_test(text_comes_back_in_its_collations_code_page),
        cmocka_unit_test(a_variant_comes_back_with_its_base_type),
        cmocka_unit_test(illegal_values_are_refused),
        cmocka_unit_test(char_and_binary_have_their_whole_length),
        cmocka_unit_test(a_guid_of_length_0_is_null),
        cmocka_unit_test(plp_of_unknown_length_in_chunks_is_joined),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
