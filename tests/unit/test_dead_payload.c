#include "postgres/dead_payload.h"

#include <string.h>

#include "base/mem.h"
#include "record/civil.h"
#include "record/numtext.h"
#include "test.h"

static const Schema *schema_of(const Column *columns, size_t count) {
    const SchemaSpec spec = {.database = STR_LIT("shop"),
                             .schema = STR_LIT("dbo"),
                             .table = STR_LIT("a \"b\""),
                             .version = 1,
                             .columns = columns,
                             .column_count = count};
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

#define NAME(literal)                                                                                        \
    { literal, sizeof(literal) - 1 }
static const Column typed[] = {
    {.name = NAME("id"), .type = SQLTYPE_BIGINT, .length = 8, .precision = 19, .key = 1, .column_id = 1},
    {.name = NAME("flag"), .type = SQLTYPE_BIT, .is_nullable = true, .column_id = 2},
    {.name = NAME("small"), .type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2, .column_id = 3},
    {.name = NAME("wide"), .type = SQLTYPE_DECIMAL, .precision = 38, .scale = 10, .column_id = 4},
    {.name = NAME("money"), .type = SQLTYPE_MONEY, .precision = 19, .scale = 4, .column_id = 5},
    {.name = NAME("float"), .type = SQLTYPE_FLOAT, .column_id = 6},
    {.name = NAME("real"), .type = SQLTYPE_REAL, .column_id = 7},
    {.name = NAME("date"), .type = SQLTYPE_DATE, .column_id = 8},
    {.name = NAME("time"), .type = SQLTYPE_TIME, .scale = 7, .column_id = 9},
    {.name = NAME("at"), .type = SQLTYPE_DATETIME2, .scale = 7, .column_id = 10},
    {.name = NAME("there"), .type = SQLTYPE_DATETIMEOFFSET, .scale = 7, .column_id = 11},
    {.name = NAME("guid"), .type = SQLTYPE_UNIQUEIDENTIFIER, .column_id = 12},
    {.name = NAME("text"), .type = SQLTYPE_NVARCHAR, .length = 40, .column_id = 13},
    {.name = NAME("bytes"), .type = SQLTYPE_VARBINARY, .length = -1, .is_lob = true, .column_id = 14},
    {.name = NAME("sum"), .type = SQLTYPE_INT, .is_computed = true, .column_id = 15},
};
enum { TYPED = sizeof typed / sizeof *typed };

static void fill(Value *row, Arena *arena, bool is_low) {
    NumInt128 *wide = arena_alloc(arena, sizeof *wide);
    *wide = (numtext_power10(38) - 1) * (is_low ? -1 : 1);
    row[0] = value_int(is_low ? INT64_MIN : INT64_MAX);
    row[1] = is_low ? value_null() : value_int(1);
    row[2] = value_int(is_low ? -999999999 : 5);
    row[3] = value_bytes((const char *)wide, sizeof *wide);
    row[4] = value_int(is_low ? INT64_MIN + 1 : 1);
    row[5] = value_double(is_low ? -4.9406564584124654e-324 : 0.1);
    row[6] = value_double((double)(is_low ? -3.4028235e38f : 0.1f));
    row[7] = value_int(is_low ? CIVIL_DAY_0001 : CIVIL_DAY_9999);
    row[8] = value_int(is_low ? 0 : CIVIL_TICKS_PER_DAY - 1);
    row[9] = value_int(is_low ? 0 : (CIVIL_DAY_9999 - CIVIL_DAY_0001 + 1) * CIVIL_TICKS_PER_DAY - 1);
    row[10] = value_int(CIVIL_TICKS_PER_DAY * 400000 + 1);
    row[10].aux = is_low ? -840 : 330;
    row[11] = value_bytes(is_low ? "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17" : "0123456789abcdef", 16);
    row[12] = is_low ? value_bytes("a\0\"\\\n\xED\xA0\x80\xED\xBF\xBF", 11)
                     : value_bytes("\xC3\xA9 \xF0\x9F\x98\x80", 7);
    row[13] = value_bytes("\0\xff\x80", is_low ? 0 : 3);
    row[14] = (Value){.flags = VALUE_ABSENT};
}

static void same_row(const Schema *s, const Value *a, const Value *b) {
    for (size_t i = 0; i < s->column_count; i++) {
        const Column *c = &s->columns[i];
        ValueForm form = sqltype_form(c->type, c->precision);
        assert_int_equal(a[i].flags, b[i].flags);
        assert_int_equal(a[i].aux, b[i].aux);
        if (a[i].flags) continue;
        if (form == FORM_INT || form == FORM_DOUBLE) {
            if (a[i].v.i != b[i].v.i) fail_msg(STR_FMT " differs", STR_ARG(c->name));
            continue;
        }
        assert_int_equal(a[i].n, b[i].n);
        if (a[i].n > 0) assert_memory_equal(a[i].v.p, b[i].v.p, a[i].n);
    }
}

static void a_change_of_every_form_comes_back_bit_for_bit(void **state) {
    (void)state;
    const Schema *s = schema_of(typed, TYPED);
    for (int is_low = 0; is_low < 2; is_low++) {
        CLEANUP(arena_done) Arena arena = {0};
        CLEANUP(buf_done) Buf text = {0};
        Value before[TYPED], after[TYPED];
        fill(before, &arena, is_low == 0);
        fill(after, &arena, is_low != 0);
        const Change change = {
            .op = OP_UPDATE, .schema = s, .before = is_low ? before : NULL, .after = after};
        dead_payload_write(&change, &text);
        const Schema *back_schema = NULL;
        Change back;
        Err e = {0};
        if (!dead_payload_read(buf_view(&text), &arena, &back_schema, &back, &e))
            fail_msg("%s: %s", e.msg, buf_text(&text));
        assert_int_equal(back.op, OP_UPDATE);
        assert_true(back_schema->fingerprint == s->fingerprint);
        assert_string_equal(back_schema->qualified, s->qualified);
        assert_true(back_schema->columns[14].is_computed && back_schema->columns[13].is_lob);
        same_row(s, after, back.after);
        assert_true((back.before != NULL) == (is_low != 0));
        if (back.before) same_row(s, before, back.before);
        schema_unref(back_schema);
    }
    schema_unref(s);
}

static void it_reads_as_people_expect(void **state) {
    (void)state;
    const Schema *s = schema_of(typed, TYPED);
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(buf_done) Buf text = {0};
    Value row[TYPED];
    fill(row, &arena, false);
    const uint16_t some[] = {0, 2, 7, 9, 10, 12, 13, 14};
    dead_payload_row(s, row, some, sizeof some / sizeof *some, &text);
    assert_string_equal(buf_text(&text),
                        "{\"id\":9223372036854775807,\"small\":\"0.05\",\"date\":\"9999-12-31\","
                        "\"at\":\"9999-12-31 23:59:59.9999999\",\"there\":\"1096-03-01 05:30:00.0000001 "
                        "+05:30\",\"text\":\"\xC3\xA9 \xF0\x9F\x98\x80\",\"bytes\":\"0x00ff80\"}");
    schema_unref(s);
}

static void a_text_cut_or_spoilt_anywhere_is_refused_not_believed(void **state) {
    (void)state;
    const Schema *s = schema_of(typed, TYPED);
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(buf_done) Buf text = {0};
    Value row[TYPED];
    fill(row, &arena, true);
    const Change change = {.op = OP_CREATE, .schema = s, .after = row};
    dead_payload_write(&change, &text);
    for (size_t n = 0; n < text.n; n++) {
        const Schema *back_schema = NULL;
        Change back;
        Err e = {0};
        assert_false(dead_payload_read((Str){(const char *)text.p, n}, &arena, &back_schema, &back, &e));
        assert_int_equal(e.code, ERR_INVALID);
        /* one byte changed: read or refused, but never out of bounds */
        uint8_t kept = text.p[n];
        text.p[n] ^= 0x15;
        if (dead_payload_read(buf_view(&text), &arena, &back_schema, &back, &e)) schema_unref(back_schema);
        text.p[n] = kept;
        arena_clear(&arena);
    }
    schema_unref(s);
}

static void a_value_that_was_not_read_is_told_with_its_reason_and_comes_back(void **state) {
    (void)state;
    static const ValueFault known = {.why = "the value has over 9 \"bytes\"", .bytes = 12},
                            unknown = {.why = "no such thing", .bytes = -1};
    const Column columns[] = {
        {.name = NAME("id"), .type = SQLTYPE_INT, .length = 4, .key = 1, .column_id = 1},
        {.name = NAME("note"), .type = SQLTYPE_NVARCHAR, .length = -1, .is_lob = true, .column_id = 2},
        {.name = NAME("h"), .type = SQLTYPE_HIERARCHYID, .column_id = 3}};
    const Schema *s = schema_of(columns, 3), *back_schema = NULL;
    const Value row[] = {value_int(7), value_unreadable(&known), value_unreadable(&unknown)};
    const Change change = {.op = OP_CREATE, .schema = s, .after = row};
    Change back = {0};
    Buf text = {0};
    Arena arena = {0};
    Err e = {0};
    dead_payload_write(&change, &text);
    assert_non_null(strstr(buf_text(&text),
                           "\"after\":{\"id\":7,\"note\":{\"unreadable\":\"the value has over 9 "
                           "\\\"bytes\\\"\",\"bytes\":12},\"h\":{\"unreadable\":\"no such thing\"}}"));
    if (!dead_payload_read(buf_view(&text), &arena, &back_schema, &back, &e)) fail_msg("%s", e.msg);
    assert_int_equal(back.after[0].v.i, 7);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(back.after[i].flags, VALUE_UNREADABLE);
        assert_string_equal(value_fault(&back.after[i])->why, value_fault(&row[i])->why);
        assert_int_equal(value_fault(&back.after[i])->bytes, value_fault(&row[i])->bytes);
    }
    schema_unref(back_schema);
    buf_clear(&text);
    buf_cstr(&text, "{\"format\":1,\"op\":\"c\",\"table\":[\"a\",\"b\",\"c\"],\"columns\":[{\"name\":\"id\","
                    "\"type\":\"int\",\"key\":1}],\"before\":null,\"after\":{\"id\":{\"bytes\":1}}}");
    back_schema = NULL;
    assert_false(dead_payload_read(buf_view(&text), &arena, &back_schema, &back, &e)); /* no reason */
    schema_unref(s);
    buf_done(&text);
    arena_done(&arena);
}

static void every_type_name_is_read_back(void **state) {
    (void)state;
    for (int t = SQLTYPE_UNKNOWN + 1; t < SQLTYPE_COUNT; t++)
        assert_int_equal(sqltype_by_name(str_from(sqltype_name((SqlType)t))), t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_every_form_comes_back_bit_for_bit),
        cmocka_unit_test(it_reads_as_people_expect),
        cmocka_unit_test(a_text_cut_or_spoilt_anywhere_is_refused_not_believed),
        cmocka_unit_test(a_value_that_was_not_read_is_told_with_its_reason_and_comes_back),
        cmocka_unit_test(every_type_name_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
