/* MaskField: each type's nothing, replacements, and what can't be masked. */
#include "transform_rig.h"

#define TYPE "type=org.apache.kafka.connect.transforms.MaskField$Value\n"
#define ALL                                                                                                  \
    "{'t':'struct?','n':'r','f':[['i8','int8'],['i','int64?'],['d','float64'],['o','boolean'],['s','string'" \
    "],"                                                                                                     \
    "['m',{'t':'bytes','n':'org.apache.kafka.connect.data.Decimal','v':1,'p':{'scale':'2'}}],"               \
    "['t',{'t':'int64','n':'org.apache.kafka.connect.data.Timestamp','v':1}],['a',{'t':'array','e':'int8'}]" \
    ","                                                                                                      \
    "['x','int32']]}"
#define REC "{'topic':'t','value_schema':" ALL ",'value':"

static void test_nothing_of_each_type(void **state) {
    (void)state;
    expect(TYPE "fields=i8,i,d,o,s,m,t,a",
           REC "{'i8':1,'i':2,'d':3.5,'o':true,'s':'x','m':'04d2','t':9,'a':[1],'x':7}}",
           REC "{'i8':0,'i':0,'d':0.0,'o':false,'s':'','m':'00','t':0,'a':[],'x':7}}");
    expect(TYPE "fields=i", REC "{'i8':1,'i':null,'d':3.5,'o':true,'s':'x','m':'04d2','t':9,'a':[1],'x':7}}",
           REC "{'i8':1,'i':null,'d':3.5,'o':true,'s':'x','m':'04d2','t':9,'a':[1],'x':7}}");
}

static void test_replacements(void **state) {
    (void)state;
    expect(TYPE "fields=i8,i,d,s,m\nreplacement=300",
           REC "{'i8':1,'i':2,'d':3.5,'o':true,'s':'x','m':'04d2','t':9,'a':[1],'x':7}}",
           REC "{'i8':44,'i':300,'d':300.0,'o':true,'s':'300','m':'7530','t':9,'a':[1],'x':7}}");
    expect_error(TYPE "fields=o\nreplacement=1",
                 REC "{'i8':1,'i':2,'d':3.5,'o':true,'s':'x','m':'04d2','t':9,'a':[1],'x':7}}",
                 "field \"o\": boolean can't be masked by a replacement");
    expect_error(TYPE "fields=i\nreplacement=ab",
                 REC "{'i8':1,'i':2,'d':3.5,'o':true,'s':'x','m':'04d2','t':9,'a':[1],'x':7}}",
                 "replacement 'ab' can't be made int64");
}

static void test_what_it_fails_on(void **state) {
    (void)state;
    expect_error(TYPE "fields=i", "{'topic':'t'}", "this is null");
    expect_error(TYPE "fields=b",
                 "{'topic':'t','value_schema':{'t':'struct','f':[['b','bytes']]},'value':{'b':'00'}}",
                 "field \"b\": bytes can't be masked");
    expect(TYPE "fields=b",
           "{'topic':'t','value_schema':{'t':'struct','f':[['b','bytes?']]},'value':{'b':null}}",
           "{'topic':'t','value_schema':{'t':'struct','f':[['b','bytes?']]},'value':{'b':null}}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_of_each_type),
        cmocka_unit_test(test_replacements),
        cmocka_unit_test(test_what_it_fails_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
