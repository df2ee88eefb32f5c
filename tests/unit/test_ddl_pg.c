#include "postgres/ddl_pg.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

static const Schema *schema_with(const Column *columns, size_t count) {
    const SchemaSpec spec = {.database = STR_LIT("d"),
                             .schema = STR_LIT("dbo"),
                             .table = STR_LIT("t"),
                             .version = 1,
                             .columns = columns,
                             .column_count = count};
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static PgNameRule *rule(bool is_folded) {
    const PgNameRuleSpec spec = {.format = STR_LIT("${source.table}"), .is_folded = is_folded};
    PgNameRule *r = NULL;
    Err e = {0};
    assert_true(pgname_rule_new(&spec, &r, &e));
    return r;
}

static DdlPgSource source_of(const Schema *s, const PgNameRule *r) {
    return (DdlPgSource){.schema = s, .names = r, .key = s->key, .key_count = s->key_count};
}

static void create_has_key_not_null_and_quoted_names(void **state) {
    (void)state;
    const Column columns[] = {
        {.name = STR_LIT("Id"), .type = SQLTYPE_INT, .key = 1},
        {.name = STR_LIT("total \"x\""), .type = SQLTYPE_MONEY, .precision = 19, .scale = 4},
        {.name = STR_LIT("sum"), .type = SQLTYPE_INT, .is_computed = true},
    };
    const Schema *s = schema_with(columns, 3);
    PgNameRule *r = rule(false);
    DdlPgSource source = source_of(s, r);
    const PgTableName name = {.schema = (char *)"a", .table = (char *)"T"};
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    ddl_pg_create_schema("a", &out);
    assert_true(ddl_pg_create(&source, &name, &out, &e));
    assert_string_equal(
        buf_text(&out),
        "CREATE SCHEMA \"a\"; CREATE TABLE \"a\".\"T\" (\"Id\" integer NOT NULL, "
        "\"total \"\"x\"\"\" numeric(19,4) NOT NULL, \"sum\" integer, PRIMARY KEY (\"Id\"));");
    buf_clear(&out);
    source.fillfactor = 80;
    assert_true(ddl_pg_create(&source, &name, &out, &e));
    assert_non_null(strstr(buf_text(&out), "PRIMARY KEY (\"Id\")) WITH (fillfactor = 80);"));
    buf_clear(&out);
    source.is_trial = true; /* a partitioned table has no pages */
    assert_true(ddl_pg_create(&source, &name, &out, &e));
    assert_non_null(strstr(buf_text(&out), "PRIMARY KEY (\"Id\")) PARTITION BY LIST (\"Id\");"));
    schema_unref(s);
    pgname_rule_free(r);
}

static void columns_that_would_share_a_name_are_refused(void **state) {
    (void)state;
    const Column columns[] = {{.name = STR_LIT("a"), .type = SQLTYPE_INT},
                              {.name = STR_LIT("A"), .type = SQLTYPE_INT}};
    const Schema *s = schema_with(columns, 2);
    PgNameRule *r = rule(true);
    const PgTableName name = {.table = (char *)"t"};
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    assert_false(ddl_pg_create(&(DdlPgSource){.schema = s, .names = r}, &name, &out, &e));
    assert_non_null(strstr(e.msg, "both be named a"));
    schema_unref(s);
    pgname_rule_free(r);
}

static void evolve_adds_widens_and_relaxes_but_never_drops(void **state) {
    (void)state;
    const Column columns[] = {{.name = STR_LIT("id"), .type = SQLTYPE_BIGINT, .key = 1},
                              {.name = STR_LIT("n"), .type = SQLTYPE_INT, .is_nullable = true},
                              {.name = STR_LIT("new"), .type = SQLTYPE_DATE}};
    const Schema *s = schema_with(columns, 3);
    PgColumn have_columns[] = {
        {.name = (char *)"id", .type = {.kind = PGKIND_INT4, .typmod = -1}, .is_not_null = true},
        {.name = (char *)"n", .type = {.kind = PGKIND_INT4, .typmod = -1}, .is_not_null = true},
        {.name = (char *)"old", .type = {.kind = PGKIND_INT4, .typmod = -1}}};
    const PgTable have = {
        .schema = (char *)"p", .name = (char *)"t", .columns = have_columns, .column_count = 3};
    PgNameRule *r = rule(false);
    const DdlPgSource source = source_of(s, r);
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    assert_true(ddl_pg_evolve(&source, &have, &out, &e));
    assert_string_equal(buf_text(&out), "ALTER TABLE \"p\".\"t\" ALTER COLUMN \"id\" TYPE bigint; "
                                        "ALTER TABLE \"p\".\"t\" ALTER COLUMN \"n\" DROP NOT NULL; "
                                        "ALTER TABLE \"p\".\"t\" ADD COLUMN \"new\" date;");
    schema_unref(s);
    pgname_rule_free(r);
}

static void a_type_asked_for_stands_in_place_of_the_native_one_and_is_kept(void **state) {
    (void)state;
    const Column columns[] = {{.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1},
                              {.name = STR_LIT("n"), .type = SQLTYPE_DECIMAL, .precision = 12, .scale = 2}};
    const char *const types[] = {NULL, "numeric(20,6)"};
    const Schema *s = schema_with(columns, 2);
    PgNameRule *r = rule(false);
    DdlPgSource source = source_of(s, r);
    source.types = types;
    const PgTableName name = {.table = (char *)"t"};
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    assert_true(ddl_pg_create(&source, &name, &out, &e));
    assert_string_equal(buf_text(&out), "CREATE TABLE \"t\" (\"id\" integer NOT NULL, "
                                        "\"n\" numeric(20,6) NOT NULL, PRIMARY KEY (\"id\"));");
    PgColumn have_columns[] = {
        {.name = (char *)"id", .type = {.kind = PGKIND_INT4, .typmod = -1}, .is_not_null = true},
        {.name = (char *)"n",
         .type = {.kind = PGKIND_NUMERIC, .typmod = (10 << 16 | 2) + 4},
         .is_not_null = true}};
    const PgTable have = {.name = (char *)"t", .columns = have_columns, .column_count = 2};
    buf_clear(&out);
    assert_true(ddl_pg_evolve(&source, &have, &out, &e));
    assert_int_equal(out.n, 0);
    schema_unref(s);
    pgname_rule_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_has_key_not_null_and_quoted_names),
        cmocka_unit_test(columns_that_would_share_a_name_are_refused),
        cmocka_unit_test(evolve_adds_widens_and_relaxes_but_never_drops),
        cmocka_unit_test(a_type_asked_for_stands_in_place_of_the_native_one_and_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
