/* Fields dropped by a header's list. */
#include "test.h"

#include "record_json.h"
#include "transform/field_drop.h"

static void drops(const char *header, bool only_optional, const char *want) {
    json_t *j =
        json_of("{'topic':'t','value_schema':{'t':'struct?','n':'r','f':[['a','int32'],['b','int32?'],['c',"
                "'int32?']]},'value':{'a':1,'b':2,'c':3}}");
    json_t *h = json_of(header), *expected = json_of(want);
    json_object_set_new(j, "headers", json_pack("[o]", h));
    RecordBatch *b = record_batch_new();
    Record *r = record_from_json(j, b);
    FieldDrop d = {0};
    Err e = {0};
    for (int i = 0; i < 2; i++) {
        const ConnectSchema *s = r->value_schema;
        Value v = r->value;
        FieldNames names = field_drop_names(r, "drop", b);
        assert_true(field_drop_apply(&d, &names, only_optional, b, &s, &v, &e));
        json_t *got = json_pack("[o,o]", schema_to_json(s), value_to_json(s, &v));
        assert_true(json_equal(got, expected));
        json_decref(got);
    }
    field_drop_done(&d);
    (void)record_batch_free(b);
    json_decref(j);
    json_decref(expected);
}

#define UNTOUCHED                                                                                            \
    "[{'t':'struct?','n':'r','f':[['a','int32'],['b','int32?'],['c','int32?']]},{'a':1,'b':2,'c':3}]"

static void test_lists(void **state) {
    (void)state;
    drops("['drop',{'t':'array','e':'string'},['a','b']]", true,
          "[{'t':'struct','n':'r','f':[['a','int32'],['c','int32?']]},{'a':1,'c':3}]");
    drops("['drop',{'t':'array','e':'string'},['a','b']]", false,
          "[{'t':'struct','n':'r','f':[['c','int32?']]},{'c':3}]");
    drops("['drop','string','[ c, b ]']", false, "[{'t':'struct','n':'r','f':[['a','int32']]},{'a':1}]");
    drops("['drop',{'t':'array','e':'string'},['a']]", true, UNTOUCHED);
    drops("['drop',{'t':'array','e':'string'},[]]", false, UNTOUCHED);
    drops("['other',{'t':'array','e':'string'},['b']]", false, UNTOUCHED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
