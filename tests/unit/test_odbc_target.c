#include "sqlserver/odbc_target.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

static char *string_of(const OdbcTarget *t, const char *driver) {
    Buf out = {0};
    Err e = {0};
    if (!odbc_target_string(t, driver, odbc_target_kind(driver), &out, &e)) fail_msg("%s", e.msg);
    char *text = x_strdup(buf_text(&out));
    buf_done(&out);
    return text;
}

static void freetds_is_told_port_charset_and_encryption(void **state) {
    (void)state;
    OdbcTarget t = {
        .hostname = "db1", .port = 1433, .database = "Shop", .user = "sa", .password = "p", .encrypt = true};
    CLEANUP_FREE char *text = string_of(&t, "/usr/lib/odbc/libtdsodbc.so");
    assert_string_equal(text,
                        "Driver=/usr/lib/odbc/libtdsodbc.so;Server=db1;Port=1433;TDS_Version=7.4;"
                        "ClientCharset=UTF-8;PacketSize=16384;Encryption=require;Database={Shop};UID={sa};"
                        "PWD={p};APP={millrace};");
}

static void microsofts_driver_gets_its_own_words(void **state) {
    (void)state;
    OdbcTarget t = {.hostname = "db1",
                    .instance = "SQL2022",
                    .database = "Shop",
                    .user = "sa",
                    .password = "a}b;c",
                    .encrypt = true,
                    .trust_server_certificate = true,
                    .is_read_only = true};
    CLEANUP_FREE char *text = string_of(&t, "ODBC Driver 18 for SQL Server");
    assert_string_equal(text,
                        "Driver={ODBC Driver 18 for SQL Server};Server={tcp:db1\\SQL2022};Encrypt=yes;"
                        "TrustServerCertificate=yes;Database={Shop};UID={sa};PWD={a}}b;c};APP={millrace};"
                        "ApplicationIntent=ReadOnly;");
}

static void the_port_wins_over_the_instance(void **state) {
    (void)state;
    OdbcTarget t = {.hostname = "db1", .instance = "X", .port = 1500, .user = "u"};
    CLEANUP_FREE char *text = string_of(&t, "FreeTDS");
    assert_non_null(strstr(text, "Server=db1;Port=1500;"));
    t.port = 0;
    CLEANUP_FREE char *by_name = string_of(&t, "FreeTDS");
    assert_non_null(strstr(by_name, "Server=db1\\X;"));
}

static void without_a_user_kerberos_is_asked_for(void **state) {
    (void)state;
    OdbcTarget t = {.hostname = "db1", .port = 1433};
    CLEANUP_FREE char *text = string_of(&t, "FreeTDS");
    assert_non_null(strstr(text, "Trusted_Connection=yes"));
    assert_null(strstr(text, "PWD"));
}

static void a_host_cannot_smuggle_in_other_keywords(void **state) {
    (void)state;
    OdbcTarget t = {.hostname = "db1;Driver=/tmp/x.so", .port = 1433};
    Buf out = {0};
    Err e = {0};
    assert_false(odbc_target_string(&t, "FreeTDS", ODBC_DRIVER_FREETDS, &out, &e));
    assert_int_equal(e.code, ERR_INVALID);
    buf_done(&out);
}

static void the_named_driver_is_taken_as_it_is(void **state) {
    (void)state;
    OdbcTarget t = {.driver = "/opt/libmsodbcsql-18.so"};
    char *name;
    OdbcDriverKind kind;
    Err e = {0};
    assert_true(odbc_target_driver(&t, &name, &kind, &e));
    assert_string_equal(name, "/opt/libmsodbcsql-18.so");
    assert_int_equal(kind, ODBC_DRIVER_MICROSOFT);
    mem_free_cleanup(&name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freetds_is_told_port_charset_and_encryption),
        cmocka_unit_test(microsofts_driver_gets_its_own_words),
        cmocka_unit_test(the_port_wins_over_the_instance),
        cmocka_unit_test(without_a_user_kerberos_is_asked_for),
        cmocka_unit_test(a_host_cannot_smuggle_in_other_keywords),
        cmocka_unit_test(the_named_driver_is_taken_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
