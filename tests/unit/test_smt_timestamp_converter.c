/* TimestampConverter: every form into every other. */
#include "transform_rig.h"

#define TYPE "type=org.apache.kafka.connect.transforms.TimestampConverter$Value\n"
#define DATA "org.apache.kafka.connect.data."
#define TS   "{'t':'int64','n':'" DATA "Timestamp','v':1}"
#define DATE "{'t':'int32','n':'" DATA "Date','v':1}"
#define TIME "{'t':'int32','n':'" DATA "Time','v':1}"

static void converts(const char *options, const char *schema, const char *value, const char *want_schema,
                     const char *want) {
    CLEANUP_FREE char *lines = x_asprintf(TYPE "%s", options);
    CLEANUP_FREE char *in = x_asprintf("{'topic':'t','value_schema':%s,'value':%s}", schema, value);
    CLEANUP_FREE char *out = x_asprintf("{'topic':'t','value_schema':%s,'value':%s}", want_schema, want);
    expect(lines, in, out);
}

static void test_whole_values(void **state) {
    (void)state;
    converts("target.type=Timestamp", "'int64'", "-1", TS, "-1");
    converts("target.type=Timestamp\nunix.precision=microseconds", "'int64'", "1769817600001999", TS,
             "1769817600001");
    converts("target.type=Timestamp\nunix.precision=seconds", "'int64'", "5", TS, "5000");
    converts("target.type=Date", TS, "-1", DATE, "-1");
    converts("target.type=Time", TS, "-1", TIME, "86399999");
    converts("target.type=Timestamp", DATE, "2", TS, "172800000");
    converts("target.type=unix\nunix.precision=nanoseconds", TS, "3", "'int64'", "3000000");
    converts("target.type=unix\nunix.precision=seconds", TS, "-1999", "'int64'", "-1");
    converts("target.type=string\nformat=yyyy-MM-dd HH:mm:ss.SSS", TS, "1769817600001", "'string'",
             "'2026-01-31 00:00:00.001'");
    converts("target.type=Date\nformat=dd.MM.yyyy", "'string'", "'31.01.2026'", DATE, "20484");
    expect(TYPE "target.type=Date", "{'topic':'t','value_schema':{'t':'int64?','n':'x'}}",
           "{'topic':'t','value_schema':{'t':'int32?','n':'" DATA "Date','v':1}}");
    expect(TYPE "target.type=Date", "{'topic':'t'}", "{'topic':'t'}");
}

static void test_a_field(void **state) {
    (void)state;
    expect(TYPE "field=at\ntarget.type=Timestamp\nunix.precision=microseconds",
           "{'topic':'t','value_schema':{'t':'struct?','n':'r','f':[['id','int32'],['at',{'t':'int64?','n':"
           "'io.debezium.time.MicroTimestamp','v':1}]]},'value':{'id':1,'at':5000}}",
           "{'topic':'t','value_schema':{'t':'struct?','n':'r','f':[['id','int32'],['at',{'t':'int64?','n':"
           "'" DATA "Timestamp','v':1}]]},'value':{'id':1,'at':5}}");
    expect(TYPE "field=no\ntarget.type=Date",
           "{'topic':'t','value_schema':{'t':'struct','f':[['id','int32']]},'value':{'id':1}}",
           "{'topic':'t','value_schema':{'t':'struct','f':[['id','int32']]},'value':{'id':1}}");
    expect(TYPE "field=at\ntarget.type=Date",
           "{'topic':'t','value_schema':{'t':'struct?','f':[['at','int64']]}}",
           "{'topic':'t','value_schema':{'t':'struct?','f':[['at'," DATE "]]}}");
    expect_error(TYPE "field=id\ntarget.type=Date",
                 "{'topic':'t','value_schema':{'t':'struct','f':[['id','int32']]},'value':{'id':1}}",
                 "field \"id\": int32 is no point in time");
}

static void test_bad(void **state) {
    (void)state;
    expect_error(TYPE "target.type=Date\nformat=yyyy-MM-dd",
                 "{'topic':'t','value_schema':'string','value':'x'}", "the format doesn't fit");
    expect_error(TYPE "target.type=Date", "{'topic':'t','value_schema':'string','value':'x'}",
                 "needs a format");
    expect_error(TYPE "target.type=Date", "{'topic':'t','value_schema':'int64','value':6137431638834854803}",
                 "past the range of a Date");
    expect_config_error(TYPE "target.type=string", SINK, "needs a format");
    expect_config_error(TYPE "target.type=datetime", SINK, "expected string, unix, Date, Time or Timestamp");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_values),
        cmocka_unit_test(test_a_field),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
