/* HeaderFrom, InsertHeader, DropHeaders. */
#include "transform_rig.h"

#define KAFKA "type=org.apache.kafka.connect.transforms."
#define ROW   "{'t':'struct','n':'r','f':[['a','int32'],['b',{'t':'string?','def':'x'}]]}"

static void test_from_fields(void **state) {
    (void)state;
    expect(KAFKA "HeaderFrom$Value\nfields=b,a\nheaders=hb,ha\noperation=copy",
           "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'b':null}}",
           "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'b':null},"
           "'headers':[['hb',{'t':'string?','def':'x'},'x'],['ha','int32',1]]}");
    expect(KAFKA "HeaderFrom$Value\nfields=a\nheaders=h\noperation=move",
           "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'b':'y'},'headers':[['h','int8',0]]}",
           "{'topic':'t','value_schema':{'t':'struct','n':'r','f':[['b',{'t':'string?','def':'x'}]]},"
           "'value':{'b':'y'},'headers':[['h','int8',0],['h','int32',1]]}");
    expect_error(KAFKA "HeaderFrom$Value\nfields=z\nheaders=h\noperation=move",
                 "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'b':'y'}}", "no field \"z\"");
    expect_config_error(KAFKA "HeaderFrom$Value\nfields=a,b\nheaders=h\noperation=move", SINK, "2 fields");
}

static void test_insert(void **state) {
    (void)state;
    static const struct {
        const char *literal, *schema, *value;
    } cases[] = {
        {"true", "'boolean'", "true"},
        {"5", "'int8'", "5"},
        {"-200", "'int16'", "-200"},
        {"100000", "'int32'", "100000"},
        {"5000000000", "'int64'", "5000000000"},
        {"blue", "'string'", "'blue'"},
        {"2026-01-31", "{'t':'int32','n':'org.apache.kafka.connect.data.Date','v':1}", "20484"},
        {"2026-01-31T00:00:00.001Z", "{'t':'int64','n':'org.apache.kafka.connect.data.Timestamp','v':1}",
         "1769817600001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_FREE char *lines =
            x_asprintf(KAFKA "InsertHeader\nheader=h\nvalue.literal=%s", cases[i].literal);
        CLEANUP_FREE char *want =
            x_asprintf("{'topic':'t','headers':[['h',%s,%s]]}", cases[i].schema, cases[i].value);
        expect(lines, "{'topic':'t'}", want);
    }
    expect_config_error(KAFKA "InsertHeader\nheader=h\nvalue.literal=1.5", SINK, "only whole numbers");
    expect_config_error(KAFKA "InsertHeader\nheader=h\nvalue.literal=[1]", SINK, "lists, maps");
}

static void test_drop(void **state) {
    (void)state;
    expect(KAFKA "DropHeaders\nheaders=a,c",
           "{'topic':'t','headers':[['a','int8',1],['b','int8',2],['a','int8',3],['c','int8',4]]}",
           "{'topic':'t','headers':[['b','int8',2]]}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_fields),
        cmocka_unit_test(test_insert),
        cmocka_unit_test(test_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
