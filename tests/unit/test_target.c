#include "postgres/target.h"

#include <string.h>

#include "pg_rig.h"
#include "test.h"

static Options *options;
static SinkConfig *config;
static Metrics *metrics;

static void configure(const Setting *settings) {
    Err e = {0};
    options = options_of(settings);
    metrics = metrics_new();
    const ConnectorContext context = {.name = "t", .topic_prefix = "srv", .metrics = metrics};
    if (!sink_config_new(options, &context, &config, &e)) fail_msg("%s", e.msg);
}

static PgConn *fresh(const Setting *settings) {
    configure(settings);
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "DROP SCHEMA IF EXISTS dbo CASCADE; CREATE SCHEMA dbo");
    return c;
}

static void done(PgConn *c) {
    config = sink_config_free(config);
    options = options_free(options);
    metrics = metrics_free(metrics);
    pgconn_close(c);
}

static Target *open_or(PgConn *c, const Schema *s, TargetDdl may_ddl, Err *e) {
    Target *t = NULL;
    return target_open(c, &config->rules, s, may_ddl, &t, e) ? t : NULL;
}

static void statements_name_every_column_once_and_quote_it(void **state) {
    (void)state;
    PgConn *c = fresh(UPSERT);
    const Schema *s = items("it\"ems", true);
    Err e = {0};
    Target *t = open_or(c, s, TARGET_DDL, &e);
    if (!t) fail_msg("%s", e.msg);
    assert_string_equal(
        t->shapes.write.small.sql,
        "INSERT INTO \"dbo\".\"it\"\"ems\" AS t (\"id\", \"Name\", \"amount\") SELECT s.\"id\", s.\"Name\", "
        "s.\"amount\" FROM unnest($1, $2, $3) AS s(\"id\", \"Name\", \"amount\") ON CONFLICT (\"id\") DO "
        "UPDATE "
        "SET \"Name\" = EXCLUDED.\"Name\", \"amount\" = EXCLUDED.\"amount\"");
    assert_string_equal(t->removes.small.sql,
                        "DELETE FROM \"dbo\".\"it\"\"ems\" AS t USING unnest($1) AS s(\"id\") WHERE "
                        "t.\"id\" = s.\"id\"");
    assert_string_equal(
        t->shapes.write.copy,
        "COPY \"dbo\".\"it\"\"ems\" (\"id\", \"Name\", \"amount\") FROM STDIN WITH (FORMAT binary)");
    assert_int_equal(t->shapes.write.small.types[0], 1007); /* int4[] */
    target_free(t);
    schema_unref(s);
    done(c);
}

static const Setting ESCAPING[] = {
    {"insert.mode", "upsert"},
    {"pk.mode", "record_key"},
    {"schema.evolution", "basic"},
    {"table.name.format", "${source.schema}.${source.table}"},
    {"text.unstorable.handling.mode", "escape"},
    {NULL, NULL},
};

static void texts_are_changed_but_for_those_that_tell_rows_apart(void **state) {
    (void)state;
    PgConn *c = fresh(ESCAPING);
    Column columns[] = {
        {.name = STR_LIT("code"), .type = SQLTYPE_NVARCHAR, .length = 20, .key = 1},
        {.name = STR_LIT("note"), .type = SQLTYPE_NVARCHAR, .length = 20, .is_nullable = true},
        {.name = STR_LIT("raw"), .type = SQLTYPE_VARBINARY, .length = 20, .is_nullable = true}};
    const Schema *s = schema_of("notes", columns, 3);
    Err e = {0};
    Target *t = open_or(c, s, TARGET_DDL, &e);
    if (!t) fail_msg("%s", e.msg);
    assert_null(t->fields[0].unstorable);
    assert_int_equal(t->fields[1].unstorable->mode, UNSTORABLE_ESCAPE);
    assert_null(t->fields[2].unstorable);
    Arena arena = {0};
    const Value nul = value_bytes("a\0", 2), row[] = {nul, nul, nul}, plain[] = {nul, value_null(), nul},
                *stored = target_stored_row(t, row, &arena);
    assert_ptr_equal(target_stored_row(t, plain, &arena), plain);
    assert_ptr_equal(stored[0].v.p, nul.v.p);
    assert_ptr_equal(stored[2].v.p, nul.v.p);
    assert_true(str_eq_c(value_str(&stored[1]), "a\\u0000"));
    arena_done(&arena);
    target_free(t);
    schema_unref(s);
    columns[0].key = 0;
    const Schema *keyless = schema_of("loose", columns, 3);
    t = open_or(c, keyless, TARGET_DDL, &e);
    if (!t) fail_msg("%s", e.msg);
    assert_null(t->fields[1].unstorable);
    target_free(t);
    schema_unref(keyless);
    done(c);
}

static void a_table_of_nothing_but_its_key_does_nothing_on_conflict(void **state) {
    (void)state;
    PgConn *c = fresh(UPSERT);
    const Column column = {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1};
    const Schema *s = schema_of("keys", &column, 1);
    Err e = {0};
    Target *t = open_or(c, s, TARGET_DDL, &e);
    assert_non_null(t);
    assert_non_null(strstr(t->shapes.write.small.sql, "ON CONFLICT (\"id\") DO NOTHING"));
    target_free(t);
    schema_unref(s);
    done(c);
}

static void each_set_of_absent_columns_has_its_own_statement_once(void **state) {
    (void)state;
    PgConn *c = fresh(UPSERT);
    const Schema *s = items("items", true);
    Err e = {0};
    Target *t = open_or(c, s, TARGET_DDL, &e);
    assert_non_null(t);
    const uint64_t none = 0, name = 1u << 1;
    assert_ptr_equal(target_shape(t, &none), &t->shapes);
    TargetShape *shape = target_shape(t, &name);
    assert_int_equal(shape->write.count, 2);
    assert_null(strstr(shape->write.small.sql, "Name"));
    assert_ptr_equal(target_shape(t, &name), shape);
    target_free(t);
    schema_unref(s);
    done(c);
}

static void generated_and_identity_columns_are_written_as_postgresql_allows(void **state) {
    (void)state;
    PgConn *c = fresh(UPSERT);
    pg_fixture_exec(c,
                    "CREATE TABLE dbo.items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \"Name\" text,"
                    " amount int GENERATED ALWAYS AS (id * 2) STORED)");
    const Schema *s = items("items", true);
    Err e = {0};
    Target *t = open_or(c, s, TARGET_NO_DDL, &e);
    if (!t) fail_msg("%s", e.msg);
    assert_int_equal(t->written_count, 2);
    assert_non_null(strstr(t->shapes.write.small.sql, "OVERRIDING SYSTEM VALUE"));
    target_free(t);
    schema_unref(s);
    done(c);
}

static void the_key_follows_pk_mode_and_pk_fields(void **state) {
    (void)state;
    static const Setting by_value[] = {{"insert.mode", "upsert"},
                                       {"pk.mode", "record_value"},
                                       {"pk.fields", "Name"},
                                       {"schema.evolution", "basic"},
                                       {"quote.identifiers", "true"},
                                       {"table.name.format", "dbo.${source.table}"},
                                       {0}};
    PgConn *c = fresh(by_value);
    const Schema *s = items("items", true);
    Err e = {0};
    Target *t = open_or(c, s, TARGET_DDL, &e);
    if (!t) fail_msg("%s", e.msg);
    assert_int_equal(t->key_count, 1);
    assert_int_equal(t->key[0], 1);
    target_free(t);
    done(c);
    static const Setting wrong[] = {{"insert.mode", "upsert"},
                                    {"pk.mode", "record_key"},
                                    {"pk.fields", "amount"},
                                    {"table.name.format", "dbo.${source.table}"},
                                    {0}};
    c = fresh(wrong);
    assert_null(open_or(c, s, TARGET_NO_DDL, &e));
    assert_non_null(strstr(e.msg, "amount"));
    schema_unref(s);
    done(c);
}

/* What a check before the start tries: all of the statement, but no files. */
static void a_trial_makes_a_table_that_holds_no_rows(void **state) {
    (void)state;
    PgConn *c = fresh(UPSERT);
    const Schema *s = items("items", true);
    Err e = {0};
    assert_true(pgconn_exec(c, "BEGIN", &e));
    Target *t = open_or(c, s, TARGET_DDL_TRIAL, &e);
    if (!t) fail_msg("%s", e.msg);
    assert_string_equal(pg_fixture_text(c, "SELECT pg_relation_filenode('dbo.items') IS NULL"), "t");
    assert_string_equal(
        pg_fixture_text(c, "SELECT count(*) FROM pg_index WHERE indrelid = 'dbo.items'::regclass "
                           "AND indisprimary"),
        "1");
    target_free(t);
    pgconn_rollback(c);
    schema_unref(s);
    done(c);
}

static void a_key_without_a_unique_index_is_refused_with_the_statement_to_run(void **state) {
    (void)state;
    PgConn *c = fresh(UPSERT);
    pg_fixture_exec(c, "CREATE TABLE dbo.items (id int, \"Name\" text, amount int)");
    const Schema *s = items("items", true);
    Err e = {0};
    assert_null(open_or(c, s, TARGET_DDL, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "CREATE UNIQUE INDEX ON \"dbo\".\"items\" (\"id\")"));
    schema_unref(s);
    done(c);
}

static void two_columns_never_go_into_one(void **state) {
    (void)state;
    PgConn *c = fresh(UPSERT);
    pg_fixture_exec(c, "CREATE TABLE dbo.items (id int PRIMARY KEY, name text)");
    const Column columns[] = {{.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1},
                              {.name = STR_LIT("Name"), .type = SQLTYPE_NVARCHAR, .length = 20},
                              {.name = STR_LIT("NAME"), .type = SQLTYPE_NVARCHAR, .length = 20}};
    const SchemaSpec spec = {.database = STR_LIT("d"),
                             .schema = STR_LIT("dbo"),
                             .table = STR_LIT("items"),
                             .version = 1,
                             .columns = columns,
                             .column_count = 3};
    const Schema *s = NULL;
    Err e = {0};
    assert_true(schema_new(&spec, &s, &e));
    assert_null(open_or(c, s, TARGET_NO_DDL, &e));
    assert_non_null(strstr(e.msg, "Name and NAME would both go into the target's column name"));
    schema_unref(s);
    done(c);
}

/* A table of an earlier time: `amount` is missing, `old` is gone from the source. */
static void make_earlier(PgConn *c) {
    pg_fixture_exec(c, "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, old int NOT NULL)");
}

static const Setting *with_policy(const char *policy) {
    static Setting settings[16];
    size_t n = 0;
    for (; UPSERT[n].key; n++) settings[n] = UPSERT[n];
    settings[n++] = (Setting){"schema.change.policy", policy};
    settings[n++] = (Setting){"schema.change.policy.overrides", "dbo.other:fail"};
    settings[n] = (Setting){NULL, NULL};
    return settings;
}

static void by_policy_a_changed_table_is_made_to_fit(void **state) {
    (void)state;
    PgConn *c = fresh(with_policy("evolve"));
    make_earlier(c);
    const Schema *s = items("items", true);
    Err e = {0};
    assert_null(open_or(c, s, TARGET_DDL, &e)); /* it might be somebody else's column */
    Target *t = open_or(c, s, TARGET_DDL_AGAIN, &e);
    if (!t) fail_msg("%s", e.msg);
    assert_string_equal(
        pg_fixture_text(c, "SELECT attname || attnotnull::text FROM pg_attribute WHERE attrelid = "
                           "'dbo.items'::regclass AND attnum > 0 ORDER BY attnum"),
        "idtrue|Namefalse|oldfalse|amountfalse");
    target_free(t);
    schema_unref(s);
    done(c);
}

static void by_policy_it_keeps_its_columns(void **state) {
    (void)state;
    PgConn *c = fresh(with_policy("ignore"));
    make_earlier(c);
    pg_fixture_exec(c, "ALTER TABLE dbo.items ALTER old DROP NOT NULL");
    const Schema *s = items("items", true);
    Err e = {0};
    Target *t = open_or(c, s, TARGET_DDL, &e);
    if (!t) fail_msg("%s", e.msg);
    assert_int_equal(t->written_count, 2);
    assert_int_equal(t->places[2], -1);
    assert_string_equal(
        pg_fixture_text(c, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'dbo.items'::regclass "
                           "AND attnum > 0"),
        "3");
    target_free(t);
    schema_unref(s);
    done(c);
}

static void by_policy_the_statements_are_named(void **state) {
    (void)state;
    PgConn *c = fresh(with_policy("fail"));
    make_earlier(c);
    const Schema *s = items("items", true);
    Err e = {0};
    assert_null(open_or(c, s, TARGET_DDL, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_false(e.retriable);
    assert_non_null(strstr(e.msg, "dbo.items has changed"));
    assert_non_null(strstr(e.msg, "ALTER TABLE \"dbo\".\"items\" ADD COLUMN \"amount\""));
    schema_unref(s);
    done(c);
}

static void planned_ddl_is_told_but_not_run(void **state) {
    (void)state;
    PgConn *c = fresh(UPSERT);
    const Schema *s = items("items", true);
    CLEANUP(buf_done) Buf ddl = {0};
    Err e = {0};
    assert_true(target_plan_ddl(c, &config->rules, s, &ddl, &e));
    assert_non_null(strstr(buf_text(&ddl), "CREATE TABLE \"dbo\".\"items\""));
    assert_null(open_or(c, s, TARGET_NO_DDL, &e));
    pg_fixture_exec(c, buf_text(&ddl));
    buf_clear(&ddl);
    assert_true(target_plan_ddl(c, &config->rules, s, &ddl, &e));
    assert_int_equal(ddl.n, 0);
    schema_unref(s);
    done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_name_every_column_once_and_quote_it),
        cmocka_unit_test(texts_are_changed_but_for_those_that_tell_rows_apart),
        cmocka_unit_test(a_table_of_nothing_but_its_key_does_nothing_on_conflict),
        cmocka_unit_test(each_set_of_absent_columns_has_its_own_statement_once),
        cmocka_unit_test(generated_and_identity_columns_are_written_as_postgresql_allows),
        cmocka_unit_test(the_key_follows_pk_mode_and_pk_fields),
        cmocka_unit_test(a_trial_makes_a_table_that_holds_no_rows),
        cmocka_unit_test(a_key_without_a_unique_index_is_refused_with_the_statement_to_run),
        cmocka_unit_test(two_columns_never_go_into_one),
        cmocka_unit_test(by_policy_a_changed_table_is_made_to_fit),
        cmocka_unit_test(by_policy_it_keeps_its_columns),
        cmocka_unit_test(by_policy_the_statements_are_named),
        cmocka_unit_test(planned_ddl_is_told_but_not_run),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
