/* What schema_event.h writes is read back, up to an offset; other texts are refused. */
#include "test.h"

#include <string.h>

#include "convert/schema_event.h"
#include "convert/schema_history.h"
#include "item_table.h"

static void feed(SchemaHistory *h, SchemaEventType type, const Schema *s, const ConnectOffset *at) {
    WireOptions o = wire_options_standard("sales");
    SchemaEvent ev = {.type = type, .schema = s, .is_streaming = true};
    Buf text = {0};
    Err e = {0};
    schema_event_history(&ev, at, &o, &text);
    if (!schema_history_read(h, buf_view(&text), &e)) fail_msg("%s", e.msg);
    buf_done(&text);
}

static ConnectOffset offset_at(const char *change) {
    return (ConnectOffset){.commit_lsn = item_lsn("00000027:00000a10:0003"),
                           .has_change = true,
                           .change_lsn = item_lsn(change),
                           .event_serial_no = 1};
}

static const Schema *all_types(void) {
    Column columns[SQLTYPE_COUNT];
    size_t n = 0;
    for (SqlType t = SQLTYPE_BIT; t < SQLTYPE_CLR; t++)
        columns[n++] = (Column){.name = str_from(sqltype_name(t)),
                                .type = t,
                                .precision = t == SQLTYPE_DECIMAL      ? 30
                                             : t == SQLTYPE_MONEY      ? 19
                                             : t == SQLTYPE_SMALLMONEY ? 10
                                                                       : 0,
                                .scale = t == SQLTYPE_TIME ? 5 : 0,
                                .length = t == SQLTYPE_NVARCHAR ? -1
                                          : t == SQLTYPE_CHAR   ? 7
                                                                : 0,
                                .is_nullable = t % 2,
                                .key = (int16_t)(t == SQLTYPE_INT    ? 2
                                                 : t == SQLTYPE_CHAR ? 1
                                                                     : 0)};
    SchemaSpec spec = {.database = STR_LIT("Shop"),
                       .schema = STR_LIT("d.o"),
                       .table = STR_LIT("All \"types\" of"),
                       .columns = columns,
                       .column_count = n};
    const Schema *s = NULL;
    Err e = {0};
    assert_true(schema_new(&spec, &s, &e));
    return s;
}

static void every_type_is_read_back(void **state) {
    (void)state;
    const Schema *s = all_types();
    SchemaHistory *h = schema_history_new(STR_LIT("sales"), STR_LIT("Shop"), NULL);
    ConnectOffset at = offset_at("00000027:00000a10:0001");
    feed(h, SCHEMA_EVENT_CREATE, s, &at);
    const Schema *got = schema_history_table(h, STR_LIT("d.o"), STR_LIT("All \"types\" of"));
    assert_non_null(got);
    assert_int_equal(got->column_count, s->column_count);
    assert_int_equal(got->key_count, 2);
    assert_int_equal(got->key[0], s->key[0]);
    for (size_t i = 0; i < s->column_count; i++) {
        const Column *a = &s->columns[i], *b = &got->columns[i];
        assert_true(str_eq(a->name, b->name));
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->is_nullable, b->is_nullable);
        if (a->type == SQLTYPE_DECIMAL) assert_int_equal(b->precision, 30);
        if (a->type == SQLTYPE_TIME) assert_int_equal(b->scale, 5);
        if (a->type == SQLTYPE_NVARCHAR) assert_int_equal(b->length, -1);
        if (a->type == SQLTYPE_CHAR) assert_int_equal(b->length, 7);
    }
    schema_history_free(h);
    schema_unref(s);
}

static void records_beyond_the_offset_and_of_others_are_passed_over(void **state) {
    (void)state;
    const Schema *item = item_schema("Item", true), *other = item_schema("Other", false);
    ConnectOffset until = offset_at("00000027:00000a10:0005"), later = offset_at("00000027:00000a10:0006");
    ConnectOffset snapshot = {.is_snapshot = true, .commit_lsn = until.commit_lsn};
    SchemaHistory *h = schema_history_new(STR_LIT("sales"), STR_LIT("Shop"), &until);
    feed(h, SCHEMA_EVENT_CREATE, item, &snapshot);
    feed(h, SCHEMA_EVENT_CREATE, other, &until);
    feed(h, SCHEMA_EVENT_DROP, item, &later);
    assert_int_equal(schema_history_count(h), 2);
    assert_non_null(schema_history_table(h, STR_LIT("dbo"), STR_LIT("Item")));
    feed(h, SCHEMA_EVENT_DROP, item, &until);
    assert_null(schema_history_table(h, STR_LIT("dbo"), STR_LIT("Item")));
    size_t at = 0;
    const Schema *s;
    assert_true(schema_history_next(h, &at, &s));
    assert_true(str_eq_c(s->table, "Other"));
    assert_false(schema_history_next(h, &at, &s));
    schema_history_free(h);
    h = schema_history_new(STR_LIT("sales"), STR_LIT("shop"), NULL); /* another database */
    feed(h, SCHEMA_EVENT_CREATE, item, &until);
    assert_int_equal(schema_history_count(h), 0);
    schema_history_free(h);
    schema_unref(item);
    schema_unref(other);
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char SOURCE[] = "{\"source\":{\"server\":\"sales\",\"database\":\"Shop\"},\"position\":{},"
                                 "\"tableChanges\":[";
    static const char *const changes[] = {
        "7",
        "{\"type\":\"CREATE\",\"id\":\"dbo.Item\"}",
        "{\"type\":\"CREATE\",\"id\":\"\\\"a\\\".\\\"b\\\"\"}",
        "{\"type\":\"CREATE\",\"id\":\"\\\"a\\\".\\\"b\\\".\\\"c\\\"\"}",
        "{\"type\":\"CREATE\",\"id\":\"\\\"a\\\".\\\"b\\\".\\\"c\\\"\",\"table\":{\"columns\":[{}]}}",
        "{\"type\":\"RENAME\",\"id\":\"\\\"a\\\".\\\"b\\\".\\\"c\\\"\"}"};
    SchemaHistory *h = schema_history_new(STR_LIT("sales"), STR_LIT("Shop"), NULL);
    Err e = {0};
    assert_false(schema_history_read(h, STR_LIT("no"), &e));
    assert_false(schema_history_read(h, STR_LIT(""), &e));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        Buf text = {0};
        buf_cstr(&text, SOURCE);
        buf_cstr(&text, changes[i]);
        buf_cstr(&text, "]}");
        assert_false(schema_history_read(h, buf_view(&text), &e));
        assert_int_equal(e.code, ERR_DATA);
        buf_done(&text);
    }
    schema_history_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read_back),
        cmocka_unit_test(records_beyond_the_offset_and_of_others_are_passed_over),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
