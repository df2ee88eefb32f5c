/* What add.fields names. */
#include "test.h"

#include <string.h>

#include "record_json.h"
#include "transform/envelope_ref.h"

static EnvelopeRef parsed(const char *text, int version, Arena *a) {
    TextList list = {0};
    EnvelopeRefs refs = {0};
    Err e = {0};
    textlist_add(&list, str_from(text));
    if (!envelope_refs_parse(&list, "__", version, a, &refs, &e)) fail_msg("%s", e.msg);
    textlist_done(&list);
    assert_int_equal(refs.count, 1);
    return refs.refs[0];
}

static void is(const char *text, int version, const char *outer, const char *field, const char *name) {
    Arena a = {0};
    EnvelopeRef ref = parsed(text, version, &a);
    assert_true(str_eq_c(ref.outer, outer) && str_eq_c(ref.field, field));
    if (!str_eq_c(ref.name, name)) fail_msg("" STR_FMT "", STR_ARG(ref.name));
    arena_done(&a);
}

static void test_names(void **state) {
    (void)state;
    is("op", 207, "", "op", "__op");
    is("table", 207, "source", "table", "__table");
    is("source.ts_ms", 207, "source", "ts_ms", "__source_ts_ms");
    is("ts_ms:at", 207, "", "ts_ms", "__at");
    is("id", 207, "transaction", "id", "__id");
    is("transaction.id", 207, "transaction", "id", "__transaction_id");
    is("ts_us", 207, "", "ts_us", "__ts_us");
    is("ts_us", 205, "source", "ts_us", "__ts_us");
}

static void test_bad_names(void **state) {
    (void)state;
    static const char *const bad[] = {":x", "a:", "a:b:c", ".x", "a."};
    for (size_t i = 0; i < 5; i++) {
        Arena a = {0};
        TextList list = {0};
        EnvelopeRefs refs = {0};
        Err e = {0};
        textlist_add(&list, str_from(bad[i]));
        if (envelope_refs_parse(&list, "", 207, &a, &refs, &e)) fail_msg("%s", bad[i]);
        assert_non_null(strstr(e.msg, bad[i]));
        textlist_done(&list);
        arena_done(&a);
    }
}

static void test_places_and_values(void **state) {
    (void)state;
    json_t *j =
        json_of("{'t':'struct','f':[['op','string'],['transaction',{'t':'struct?','f':[['id','string']]}],"
                "['source',{'t':'struct','f':[['lsn',{'t':'int64','def':1}]]}]]}");
    json_t *value = json_of("{'op':'c','transaction':null,'source':{'lsn':9}}");
    const ConnectSchema *s = schema_from_json(j);
    Arena a = {0};
    Value v = value_from_json(s, value, &a);
    EnvelopePlace place = {0};
    Err e = {0};
    EnvelopeRef lsn = parsed("lsn", 207, &a), id = parsed("id", 207, &a), none = parsed("nothing", 207, &a),
                whole = {STR_LIT(""), STR_LIT("source"), STR_LIT("x")},
                other = {STR_LIT("y"), STR_LIT("z"), {0}};
    assert_true(envelope_ref_place(&lsn, s, &place, &e));
    assert_true(place.schema->is_optional && !place.schema->has_default);
    assert_int_equal(envelope_ref_value(&place, &v).v.i, 9);
    connect_schema_unref(place.schema);
    assert_true(envelope_ref_place(&id, s, &place, &e));
    Value got = envelope_ref_value(&place, &v);
    assert_true(value_is_null(&got));
    connect_schema_unref(place.schema);
    assert_true(envelope_ref_place(&none, s, &place, &e));
    assert_int_equal(place.field, -1);
    assert_false(envelope_ref_place(&whole, s, &place, &e));
    assert_non_null(strstr(e.msg, "can't be added as a whole"));
    assert_false(envelope_ref_place(&other, s, &place, &e));
    assert_non_null(strstr(e.msg, "no struct \"y\""));
    connect_schema_unref(s);
    arena_done(&a);
    json_decref(j);
    json_decref(value);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_places_and_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
