#include "config/url.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* All properties as "key=value;…". */
static const char *listed(const Props *p, Buf *out) {
    buf_clear(out);
    for (size_t i = 0; i < props_count(p); i++)
        buf_printf(out, "%s%s=%s", i ? ";" : "", props_at(p, i)->key, props_at(p, i)->value);
    return buf_text(out);
}

static void an_mssql_url_becomes_properties(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"mssql://sa@db1/shop", "database.hostname=db1;database.user=sa;database.names=shop"},
        {"mssql://sa@db1\\INST:1444/shop,stock", "database.hostname=db1;database.instance=INST;database.port="
                                                 "1444;database.user=sa;database.names=shop,stock"},
        {"mssql://CORP%5Cjoe%40x@db1%5CINST/My%20Shop",
         "database.hostname=db1;database.instance=INST;database.user=CORP\\joe@x;database.names=My Shop"},
        {"mssql://[::1]:1433/shop", "database.hostname=::1;database.port=1433;database.names=shop"},
        {"mssql://db1/shop?tables=dbo.orders,dbo.line_.*&encrypt=false&snapshot.mode=initial_only&&x",
         "database.hostname=db1;database.names=shop;table.include.list=dbo.orders,dbo.line_.*;"
         "database.encrypt=false;snapshot.mode=initial_only;database.x="},
    };
    CLEANUP(buf_done) Buf out = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        Props *p = props_new();
        Err e = {0};
        if (!url_parse_mssql(cases[i][0], "--from", p, &e)) fail_msg("%s", e.msg);
        assert_string_equal(listed(p, &out), cases[i][1]);
        assert_string_equal(props_at(p, 0)->origin, "--from");
        (void)props_free(p);
    }
}

static void a_bad_mssql_url_is_refused_with_the_reason(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"mysql://db1/shop", "--from: expected mssql://user@host[\\instance][:port]/database"},
        {"mssql://db1", "--from: no database: expected one behind the host's '/'"},
        {"mssql://sa@/shop", "--from: no host"},
        {"mssql://db1:99999/shop", "--from: port: 99999 is not in 1..65535"},
        {"mssql://db1:x/shop", "--from: port: not a whole number: 'x'"},
        {"mssql://::1/shop", "--from: an IPv6 address goes in brackets: [::1]"},
        {"mssql://[::1/shop", "--from: an address in '[' without its ']'"},
        {"mssql://[::1]x/shop", "--from: expected a port or nothing behind ']'"},
        {"mssql://db1/sh%4", "--from: database.names: a '%' that two hexadecimal digits don't follow"},
        {"mssql://db1/shop?tables=%00", "--from: table.include.list: a NUL ('%00') can't be part of it"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Props *p = props_new();
        Err e = {0};
        assert_false(url_parse_mssql(cases[i][0], "--from", p, &e));
        assert_string_equal(e.msg, cases[i][1]);
        (void)props_free(p);
    }
}

static void a_password_in_a_url_is_refused_and_not_repeated(void **state) {
    (void)state;
    static const char *const bad[] = {"mssql://sa:geheim@db1/shop", "mssql://db1/shop?password=geheim",
                                      "mssql://db1/shop?x=1&database.password=geheim"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        Props *p = props_new();
        Err e = {0};
        assert_false(url_parse_mssql(bad[i], "--from", p, &e));
        assert_string_equal(
            e.msg, "--from: a password in the URL can be seen by every user of this machine: use the "
                   "environment variable MILLRACE_SOURCE_PASSWORD, or a file");
        assert_int_equal(props_count(p), 0);
        (void)props_free(p);
    }
    static const char *const others[] = {
        "postgresql://u:geheim@h/db", "postgresql://u:@h/db", "postgresql:///db?user=u&password=geheim",
        "jdbc:postgresql://h/db?password=x", "jdbc:postgresql:db?sslpassword=x"};
    for (size_t i = 0; i < COUNT(others); i++) {
        Err e = {0};
        assert_false(url_refuse_password(others[i], "--to", "PGPASSWORD", &e));
        assert_null(strstr(e.msg, "geheim"));
    }
    static const char *const good[] = {"postgresql://u@h:5432/db?sslmode=require",
                                       "postgresql://[::1]:5432/db", "jdbc:postgresql://h:1/db",
                                       "mssql://u@h/a:b"};
    Err e = {0};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(url_refuse_password(good[i], "--to", "PGPASSWORD", &e));
}

static void a_jdbc_url_becomes_conninfo(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"postgresql://u@h/db?sslmode=require", "postgresql://u@h/db?sslmode=require"},
        {"postgres:///db", "postgres:///db"},
        {"jdbc:postgresql://h/db", "host='h' port='5432' dbname='db' connect_timeout='10'"},
        {"jdbc:postgresql:db", "host='localhost' port='5432' dbname='db' connect_timeout='10'"},
        {"jdbc:postgresql:///", "host='localhost' port='5432' connect_timeout='10'"},
        {"jdbc:postgresql://a:1,[::1]:2,c/d%27b",
         "host='a,::1,c' port='1,2,5432' dbname='d\\'b' connect_timeout='10'"},
        {"jdbc:postgresql://h/db?user=u&password=p%26+w%2B&ApplicationName=a%5Cb&connectTimeout=3",
         "host='h' port='5432' dbname='db' connect_timeout='10' user='u' password='p& w+' "
         "application_name='a\\\\b' connect_timeout='3'"},
        {"jdbc:postgresql://h/db?ssl=true",
         "host='h' port='5432' dbname='db' connect_timeout='10' sslmode='verify-full'"},
        {"jdbc:postgresql://h/db?ssl&sslmode=require&sslrootcert=/a",
         "host='h' port='5432' dbname='db' connect_timeout='10' sslmode='require' sslrootcert='/a'"},
        {"jdbc:postgresql://h/db?ssl=true&sslfactory=org.postgresql.ssl.NonValidatingFactory",
         "host='h' port='5432' dbname='db' connect_timeout='10' sslmode='require'"},
        {"jdbc:postgresql://h/db?ssl=false", "host='h' port='5432' dbname='db' connect_timeout='10'"},
        {"jdbc:postgresql://h/"
         "db?currentSchema=my%20app,public&options=-c%20lock_timeout=5s&tcpKeepAlive=true",
         "host='h' port='5432' dbname='db' connect_timeout='10' keepalives='1' "
         "options='-c search_path=my\\\\ app,public -c lock_timeout=5s'"},
        {"jdbc:postgresql://h/db?targetServerType=primary",
         "host='h' port='5432' dbname='db' connect_timeout='10' target_session_attrs='primary'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_done) Buf out = {0};
        CLEANUP(textlist_done) TextList notes = {0};
        Err e = {0};
        if (!url_to_conninfo(cases[i][0], &out, &notes, &e)) fail_msg("%s: %s", cases[i][0], e.msg);
        assert_string_equal(buf_text(&out), cases[i][1]);
        assert_int_equal(notes.count, 0);
    }
}

static void options_of_pgjdbc_without_sense_are_named(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    CLEANUP(textlist_done) TextList notes = {0};
    Err e = {0};
    assert_true(url_to_conninfo("jdbc:postgresql://h/db?reWriteBatchedInserts=true&stringtype=unspecified"
                                "&prepareThreshold=0&sslfactory=org.example.Mine",
                                &out, &notes, &e));
    assert_int_equal(notes.count, 4);
    assert_string_equal(notes.items[0],
                        "reWriteBatchedInserts has no effect here: rows are written by COPY and arrays, "
                        "not by JDBC batches");
    assert_string_equal(notes.items[1],
                        "stringtype has no effect here: values are sent in the column's own type");
    assert_string_equal(notes.items[2],
                        "prepareThreshold has no effect here: statements are prepared once per table");
    assert_string_equal(notes.items[3],
                        "sslfactory has no effect here: certificates are libpq's (sslrootcert)");
}

static void a_bad_target_url_is_refused_with_the_reason(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"mysql://h/db", "expected postgresql://… or jdbc:postgresql://…"},
        {"jdbc:postgresql://h/db?sslMode=require",
         "unknown option 'sslMode' of pgjdbc (did you mean 'sslmode'?)"},
        {"jdbc:postgresql://h/db?zzzzzz=1", "unknown option 'zzzzzz' of pgjdbc"},
        {"jdbc:postgresql://h:0/db", "port: 0 is not in 1..65535"},
        {"jdbc:postgresql://u:geheim@h/db", "a user goes into connection.user or ?user=, not before an '@'"},
        {"jdbc:postgresql://h/db?password=gehe%im",
         "password: a '%' that two hexadecimal digits don't follow"},
        {"jdbc:postgresql://h/db?targetServerType=x",
         "targetServerType: expected any, primary, secondary, preferPrimary or preferSecondary"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_done) Buf out = {0};
        CLEANUP(textlist_done) TextList notes = {0};
        Err e = {0};
        assert_false(url_to_conninfo(cases[i][0], &out, &notes, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_string_equal(e.msg, cases[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mssql_url_becomes_properties),
        cmocka_unit_test(a_bad_mssql_url_is_refused_with_the_reason),
        cmocka_unit_test(a_password_in_a_url_is_refused_and_not_repeated),
        cmocka_unit_test(a_jdbc_url_becomes_conninfo),
        cmocka_unit_test(options_of_pgjdbc_without_sense_are_named),
        cmocka_unit_test(a_bad_target_url_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
