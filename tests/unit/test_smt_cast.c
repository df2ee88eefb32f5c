/* Cast: Java's conversions, and schemas. */
#include "transform_rig.h"

#define TYPE  "type=org.apache.kafka.connect.transforms.Cast$Value\n"
#define DATA  "org.apache.kafka.connect.data."
#define MONEY "{'t':'bytes','n':'" DATA "Decimal','v':1,'p':{'scale':'2'}}"

/* One value of a schema cast as a whole. name stays on the schema: so Kafka has it. */
static void casts(const char *type, const char *schema, const char *value, const char *want_schema,
                  const char *want) {
    CLEANUP_FREE char *lines = x_asprintf(TYPE "spec=%s", type);
    CLEANUP_FREE char *in = x_asprintf("{'topic':'t','value_schema':%s,'value':%s}", schema, value);
    CLEANUP_FREE char *out = x_asprintf("{'topic':'t','value_schema':%s,'value':%s}", want_schema, want);
    expect(lines, in, out);
}

static void test_numbers(void **state) {
    (void)state;
    casts("int8", "'int32'", "300", "'int8'", "44");
    casts("INT16", "'int64?'", "-70000", "'int16?'", "-4464");
    casts("int32", "'float64'", "3.99e10", "'int32'", "2147483647");
    casts("int8", "'float64'", "300.7", "'int8'", "44");
    casts("int64", "'float64'", "'nan'", "'int64'", "0");
    casts("int64", "'boolean'", "true", "'int64'", "1");
    casts("boolean", "'float32'", "0.5", "'boolean'", "false");
    casts("boolean", "'int8'", "2", "'boolean'", "true");
    casts("float64", "'int32'", "7", "'float64'", "7.0");
    casts("float32", "'float64'", "0.1", "'float32'", "0.10000000149011612");
}

static void test_texts(void **state) {
    (void)state;
    casts("int8", "'string'", "'-5'", "'int8'", "-5");
    casts("float64", "'string'", "' 1.5 '", "'float64'", "1.5");
    casts("boolean", "'string'", "'TRUE'", "'boolean'", "true");
    casts("boolean", "'string'", "'yes'", "'boolean'", "false");
    casts("string", "'float64'", "1e10", "'string'", "'1.0E10'");
    casts("string", "'boolean'", "true", "'string'", "'true'");
    casts("string", "'bytes'", "'0102'", "'string'", "'AQI='");
    casts("string", "'int64'", "-5", "'string'", "'-5'");
    expect_error(TYPE "spec=int8", "{'topic':'t','value_schema':'string','value':'200'}",
                 "a text that is no int8");
}

static void test_logical_types(void **state) {
    (void)state;
    casts("string", "{'t':'int32','n':'" DATA "Date','v':1}", "20484",
          "{'t':'string','n':'" DATA "Date','v':1}", "'2026-01-31'");
    casts("string", "{'t':'int64','n':'" DATA "Timestamp','v':1}", "1769817600001",
          "{'t':'string','n':'" DATA "Timestamp','v':1}", "'2026-01-31T00:00:00.001Z'");
    casts("int64", "{'t':'int32','n':'" DATA "Time','v':1}", "5", "{'t':'int64','n':'" DATA "Time','v':1}",
          "5");
    casts("string", MONEY, "'fb2e'", "{'t':'string','n':'" DATA "Decimal','v':1,'p':{'scale':'2'}}",
          "'-12.34'");
    casts("float64", MONEY, "'fb2e'", "{'t':'float64','n':'" DATA "Decimal','v':1,'p':{'scale':'2'}}",
          "-12.34");
    casts("int32", MONEY, "'fb2e'", "{'t':'int32','n':'" DATA "Decimal','v':1,'p':{'scale':'2'}}", "-12");
    expect_error(TYPE "spec=int8", "{'topic':'t','value_schema':'bytes','value':'00'}",
                 "only be cast to string");
}

static void test_fields(void **state) {
    (void)state;
    expect(
        TYPE "spec=a:string,m:float64,zz:int8",
        "{'topic':'t','value_schema':{'t':'struct?','n':'r','v':1,'f':[['a',{'t':'int32?','def':7}],['b','"
        "int8'],"
        "['m'," MONEY "]]},'value':{'a':null,'b':1,'m':'64'}}",
        "{'topic':'t','value_schema':{'t':'struct?','n':'r','v':1,'f':[['a',{'t':'string?','def':'7'}],['b',"
        "'int8'],['m','float64']]},'value':{'a':'7','b':1,'m':1.0}}");
    expect(TYPE "spec=a:int8", "{'topic':'t','value_schema':'string?'}",
           "{'topic':'t','value_schema':'string?'}");
    expect_error(
        TYPE "spec=a:int8",
        "{'topic':'t','value_schema':{'t':'struct','f':[['a',{'t':'array','e':'int8'}]]},'value':{'a':[]}}",
        "field \"a\": array can't be cast");
}

static void test_bad_spec(void **state) {
    (void)state;
    expect_config_error(TYPE "spec=a:decimal", SINK, "no type 'decimal'");
    expect_config_error(TYPE "spec=int8,b:int8", SINK, "must stand alone");
    expect_config_error(TYPE "spec=a:bytes", SINK, "no type 'bytes'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_texts),    cmocka_unit_test(test_logical_types),
        cmocka_unit_test(test_fields),  cmocka_unit_test(test_bad_spec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
