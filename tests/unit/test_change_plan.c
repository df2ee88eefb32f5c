#include "convert/change_plan.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

static const ConnectSchema *made(const ConnectField *fields, size_t count) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    const ConnectSchema spec = {
        .type = CONNECT_STRUCT, .is_optional = true, .fields = fields, .field_count = count};
    if (!connect_schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    for (size_t i = 0; i < count; i++) connect_schema_unref(fields[i].schema);
    return s;
}

#define FIELD(name, type)                                                                                    \
    { STR_LIT(name), connect_schema_plain(type, false) }

static const ConnectSchema *struct_of(const char *first, ConnectType type) {
    const ConnectField fields[] = {{str_from(first), connect_schema_plain(type, false)},
                                   FIELD("b", CONNECT_STRING)};
    return made(fields, 2);
}

static ChangePlan *plan(const ChangeRules *rules, const ConnectSchema *key, const ConnectSchema *value) {
    ChangePlan *p = NULL;
    Err e = {0};
    if (!change_plan_new(rules, STR_LIT("t"), key, key != NULL, value, &p, &e)) fail_msg("%s", e.msg);
    return p;
}

static void an_envelope_is_known_by_its_shape(void **state) {
    (void)state;
    const ConnectField fields[] = {{STR_LIT("before"), struct_of("a", CONNECT_INT64)},
                                   {STR_LIT("after"), struct_of("a", CONNECT_INT32)},
                                   {STR_LIT("source"), struct_of("ts_ms", CONNECT_INT64)},
                                   FIELD("op", CONNECT_STRING)};
    const ConnectSchema *s = made(fields, 4);
    ChangePlan *p = plan(&(ChangeRules){.key_mode = CHANGE_KEY_RECORD_KEY}, NULL, s);
    assert_int_equal(p->kind, CHANGE_KIND_ENVELOPE);
    assert_int_equal(p->at.ts_ms, 0);
    assert_int_equal(p->at.commit_lsn, -1);
    assert_true(p->wants_before);
    assert_int_equal(p->row_before[0], -1); /* of another type: its values don't fit the column */
    assert_int_equal(p->row_before[1], 1);
    change_plan_free(p);
    connect_schema_unref(s);
    s = struct_of("op", CONNECT_STRING);
    p = plan(&(ChangeRules){.key_mode = CHANGE_KEY_NONE}, NULL, s);
    assert_int_equal(p->kind, CHANGE_KIND_FLAT);
    change_plan_free(p);
    connect_schema_unref(s);
}

static void a_row_of_the_key_alone_has_the_rest_absent(void **state) {
    (void)state;
    const ConnectField key_fields[] = {FIELD("id", CONNECT_INT64)};
    const ConnectSchema *key = made(key_fields, 1), *value = struct_of("id", CONNECT_INT32);
    ChangePlan *p = plan(&(ChangeRules){.key_mode = CHANGE_KEY_RECORD_KEY}, key, value);
    assert_int_equal(p->columns[0].type, SQLTYPE_BIGINT); /* as the key has it, which is what is written */
    const Value key_values[] = {value_int(5)}, values[] = {value_int(6), value_bytes("x", 1)};
    const Record r = {.key = record_struct(key_values, 1), .value = record_struct(values, 2)};
    Arena a = {0};
    const Value *row = NULL;
    Err e = {0};
    assert_true(change_plan_row(p, &r, NULL, false, &a, &row, &e));
    assert_int_equal(row[0].v.i, 5);
    assert_true(value_is_absent(&row[1]));
    assert_true(change_plan_row(p, &r, &r.value, false, &a, &row, &e));
    assert_int_equal(row[0].v.i, 5);
    assert_int_equal(row[1].n, 1);
    const Value null_key[] = {value_null()};
    const Record bad = {.key = record_struct(null_key, 1)};
    assert_false(change_plan_row(p, &bad, NULL, false, &a, &row, &e));
    assert_int_equal(e.code, ERR_DATA);
    arena_done(&a);
    change_plan_free(p);
    connect_schema_unref(key);
    connect_schema_unref(value);
}

static void a_plan_without_columns_is_refused(void **state) {
    (void)state;
    const ConnectSchema *s = made(NULL, 0);
    ChangePlan *p = NULL;
    Err e = {0};
    assert_false(change_plan_new(&(ChangeRules){0}, STR_LIT("t"), NULL, false, s, &p, &e));
    assert_int_equal(e.code, ERR_DATA);
    connect_schema_unref(s);
}

/* A field renamed after the source gave it its parameters. */
static const ConnectSchema *renamed(const char *column) {
    const ConnectParam param = {STR_LIT("__debezium.source.column.name"), str_from(column)};
    const ConnectSchema spec = {.type = CONNECT_INT64, .params = &param, .param_count = 1};
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!connect_schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void assert_columns(const ChangePlan *p, const char *names) {
    char text[64] = "";
    for (size_t i = 0; i < p->column_count; i++) {
        size_t n = strlen(text);
        (void)snprintf(text + n, sizeof text - n, "%s" STR_FMT "%s", i ? " " : "",
                       STR_ARG(p->columns[i].name), p->columns[i].key ? "*" : "");
    }
    assert_string_equal(text, names);
}

static void a_parameter_names_the_column_where_the_rules_say_so(void **state) {
    (void)state;
    const ConnectField key_fields[] = {{STR_LIT("id"), renamed("Id")}, {STR_LIT("k"), renamed("Key2")}},
                       fields[] = {{STR_LIT("id"), renamed("Id")},
                                   {STR_LIT("Id"), renamed("b")},
                                   {STR_LIT("left_out"), renamed("c")},
                                   FIELD("d", CONNECT_STRING)};
    static char *out[] = {"left_out"}, *one[] = {"Id"};
    const TextList exclude = {.items = out, .count = 1}, value_key = {.items = one, .count = 1};
    const ConnectSchema *key = made(key_fields, 2), *value = made(fields, 4);
    ChangeRules rules = {.key_mode = CHANGE_KEY_RECORD_KEY, .exclude = &exclude};
    ChangePlan *p = plan(&rules, key, value);
    assert_columns(p, "id* Id d k*");
    change_plan_free(p);
    rules.source_names_columns = true;
    p = plan(&rules, key, value);
    assert_columns(p, "Id* b d Key2*");
    change_plan_free(p);
    rules.key_mode = CHANGE_KEY_RECORD_VALUE; /* pk.fields, too, names fields */
    rules.key_fields = &value_key;
    p = plan(&rules, key, value);
    assert_columns(p, "Id b* d");
    change_plan_free(p);
    connect_schema_unref(key);
    connect_schema_unref(value);
}

static void a_null_becomes_its_fields_default_where_the_rules_say_so(void **state) {
    (void)state;
    const ConnectSchema *text = NULL;
    const ConnectSchema spec = {.type = CONNECT_STRING,
                                .is_optional = true,
                                .has_default = true,
                                .default_value = value_bytes("std", 3)};
    Err e = {0};
    if (!connect_schema_new(&spec, &text, &e)) fail_msg("%s", e.msg);
    const ConnectField fields[] = {FIELD("a", CONNECT_INT64), {STR_LIT("b"), text}};
    const ConnectSchema *s = made(fields, 2);
    const Value values[] = {value_int(6), value_null()};
    const Record r = {.value = record_struct(values, 2)};
    Arena a = {0};
    const Value *row = NULL;
    ChangeRules rules = {.key_mode = CHANGE_KEY_NONE};
    ChangePlan *p = plan(&rules, NULL, s);
    assert_true(change_plan_row(p, &r, &r.value, false, &a, &row, &e));
    assert_true(value_is_null(&row[1]));
    change_plan_free(p);
    rules.fills_defaults = true;
    p = plan(&rules, NULL, s);
    assert_true(change_plan_row(p, &r, &r.value, false, &a, &row, &e));
    change_plan_free(p);
    connect_schema_unref(s); /* the row stays */
    assert_int_equal(row[1].n, 3);
    assert_memory_equal(row[1].v.p, "std", 3);
    arena_done(&a);
}

static void refused(const ConnectSchema *s, const char *part) {
    ChangePlan *p = NULL;
    Err e = {0};
    assert_false(change_plan_new(&(ChangeRules){0}, STR_LIT("t"), NULL, false, s, &p, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, part));
    connect_schema_unref(s);
}

static void what_no_table_can_have_is_the_record_s_fault(void **state) {
    (void)state;
    enum { MANY = SCHEMA_MAX_COLUMNS + 1 };
    static char names[MANY][8];
    static ConnectField many[MANY];
    const ConnectField nul[] = {{{"a\0b", 3}, connect_schema_plain(CONNECT_STRING, false)}};
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "c%zu", i);
        many[i] = (ConnectField){str_from(names[i]), connect_schema_plain(CONNECT_STRING, false)};
    }
    refused(struct_of("", CONNECT_STRING), "an empty one");
    refused(made(nul, 1), "U+0000");
    refused(made(many, MANY), "more than 1024 columns");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_is_known_by_its_shape),
        cmocka_unit_test(a_row_of_the_key_alone_has_the_rest_absent),
        cmocka_unit_test(a_parameter_names_the_column_where_the_rules_say_so),
        cmocka_unit_test(a_null_becomes_its_fields_default_where_the_rules_say_so),
        cmocka_unit_test(a_plan_without_columns_is_refused),
        cmocka_unit_test(what_no_table_can_have_is_the_record_s_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
