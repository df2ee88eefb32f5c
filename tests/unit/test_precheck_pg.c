#include "postgres/precheck_pg.h"

#include <stdio.h>
#include <string.h>

#include "pg_rig.h"
#include "test.h"

static const ConnectorContext CONTEXT = {.name = "t", .topic_prefix = "srv"};

/* What would stop a run into one table, a line each; "" = nothing. */
static const char *problems_of(Rig *r, const Schema *s, bool is_copied) {
    static char text[4096];
    CLEANUP(findings_done) Findings found = {0};
    Err e = {0};
    ConnectorContext context = CONTEXT;
    context.metrics = r->metrics;
    const PrecheckPgTables tables = {.schemas = &s, .count = 1, .is_copied = &is_copied};
    if (!precheck_pg_start(r->options, &context, &tables, &found, &e)) fail_msg("%s", e.msg);
    text[0] = '\0';
    for (size_t i = 0, n = 0; i < found.count; i++) {
        if (found.items[i].level != FINDING_ERROR) continue;
        CLEANUP_FREE char *line = finding_line(&found.items[i]);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\n", line);
    }
    return text;
}

static void a_good_server_passes_and_a_table_that_would_be_made_is_not_left_behind(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    Err e = {0};
    assert_true(precheck_pg_server(r.conn, &e));
    assert_string_equal(problems_of(&r, s, true), "");
    assert_string_equal(pg_fixture_text(r.conn, "SELECT to_regclass('dbo.items')"), "null");
    schema_unref(s);
    rig_close(&r);
}

static void a_read_only_server_is_waited_for(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "SET default_transaction_read_only = on");
    Err e = {0};
    assert_false(precheck_pg_server(c, &e));
    assert_true(e.retriable);
    pgconn_close(c);
}

static void what_does_not_fit_is_named_with_its_cure(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" varchar(20), amount int)");
    assert_string_equal(problems_of(&r, s, true), "");
    pg_fixture_exec(r.conn, "INSERT INTO dbo.items VALUES (1)");
    assert_non_null(strstr(problems_of(&r, s, true), "TRUNCATE \"dbo\".\"items\""));
    assert_string_equal(problems_of(&r, s, false), "");
    pg_fixture_exec(r.conn, "ALTER TABLE dbo.items DROP CONSTRAINT items_pkey");
    assert_non_null(strstr(problems_of(&r, s, false), "CREATE UNIQUE INDEX ON \"dbo\".\"items\" (\"id\")"));
    pg_fixture_exec(r.conn, "ALTER TABLE dbo.items ADD PRIMARY KEY (id), ADD extra int NOT NULL DEFAULT 0");
    pg_fixture_exec(r.conn, "ALTER TABLE dbo.items ALTER extra DROP DEFAULT");
    assert_non_null(strstr(problems_of(&r, s, false), "extra is NOT NULL"));
    pg_fixture_exec(r.conn, "DROP TABLE dbo.items; CREATE VIEW dbo.items AS SELECT 1 AS id");
    assert_non_null(strstr(problems_of(&r, s, false), "view"));
    schema_unref(s);
    rig_close(&r);
}

static void grants_are_enough_for_a_role_that_has_none(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    pg_fixture_exec(r.conn,
                    "DROP ROLE IF EXISTS carrier; CREATE ROLE carrier LOGIN; DROP SCHEMA millrace CASCADE;"
                    "REVOKE ALL ON DATABASE postgres FROM PUBLIC; CREATE TABLE dbo.items (id int PRIMARY KEY,"
                    " \"Name\" varchar(20), amount int); GRANT CONNECT ON DATABASE postgres TO carrier");
    Setting settings[16];
    size_t n = 0;
    while (UPSERT[n].key) settings[n] = UPSERT[n], n++;
    settings[n++] = (Setting){"connection.user", "carrier"};
    settings[n] = (Setting){0};
    r.options = (options_free(r.options), options_of(settings));
    const Schema *s = items("items", true), *more = items("more", true);
    const Schema *both[] = {s, more};
    ConnectorContext context = CONTEXT;
    context.metrics = r.metrics;
    Err e = {0};
    assert_non_null(strstr(problems_of(&r, s, true), "TEMPORARY"));
    assert_non_null(strstr(problems_of(&r, s, true), "GRANT SELECT"));
    CLEANUP(buf_done) Buf grants = {0};
    if (!precheck_pg_grants(r.options, &context, both, 2, &grants, &e)) fail_msg("%s", e.msg);
    pg_fixture_exec(r.conn, buf_text(&grants));
    assert_string_equal(problems_of(&r, s, true), "");
    assert_string_equal(problems_of(&r, more, true), "");
    Sink *sink = sink_of(&r, "granted");
    StoredState stored = own(sink);
    stored_state_done(&stored);
    must_put(sink, table_batch(more, BATCH_COPY_FIRST));
    postgres_sink_class.stop(sink);
    pg_fixture_exec(
        r.conn, "DROP OWNED BY carrier CASCADE; DROP ROLE carrier; GRANT ALL ON DATABASE postgres TO PUBLIC");
    schema_unref(s);
    schema_unref(more);
    rig_close(&r);
}

static void count_begin(void *arg, const char *name) {
    (void)name;
    ++*(size_t *)arg;
}

static void looking_writes_nothing_and_every_check_says_something(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *made = items("made", true), *there = items("there", true);
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.there (id int PRIMARY KEY, \"Name\" varchar(10))");
    const Schema *both[] = {made, there};
    const bool is_copied[] = {true, true};
    const PrecheckPgTables tables = {.schemas = both, .count = 2, .is_copied = is_copied, .source_rows = 7};
    ConnectorContext context = CONTEXT;
    context.metrics = r.metrics;
    CLEANUP(findings_done) Findings found = {0};
    size_t begun = 0;
    char *before = x_strdup(pg_fixture_text(r.conn, "SELECT count(*)::text FROM pg_attribute"));
    precheck_pg_all(r.options, &context, &tables, count_begin, &begun, &found);
    assert_string_equal(pg_fixture_text(r.conn, "SELECT count(*)::text FROM pg_attribute"), before);
    free(before);
    const char *names[64];
    size_t count = precheck_pg_names(names, 64);
    assert_int_equal(begun, count);
    for (size_t i = 0; i < count; i++) {
        bool is_said = false;
        for (size_t k = 0; k < found.count; k++) is_said |= strcmp(found.items[k].check, names[i]) == 0;
        if (!is_said) fail_msg("%s", names[i]);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(names[k], names[i]);
    }
    Err e = {0};
    if (!findings_pass(&found, &e)) fail_msg("%s", e.msg);
    schema_unref(made);
    schema_unref(there);
    rig_close(&r);
}

static void a_server_that_is_away_is_a_finding(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    Setting settings[16];
    size_t n = 0;
    while (UPSERT[n].key) settings[n] = UPSERT[n], n++;
    settings[n++] = (Setting){"connection.user", "nobody_there"};
    settings[n] = (Setting){0};
    r.options = (options_free(r.options), options_of(settings));
    const PrecheckPgTables none = {0};
    ConnectorContext context = CONTEXT;
    context.metrics = r.metrics;
    CLEANUP(findings_done) Findings found = {0};
    precheck_pg_all(r.options, &context, &none, NULL, NULL, &found);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].check, "target-login");
    assert_int_equal(found.items[0].level, FINDING_ERROR);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server_passes_and_a_table_that_would_be_made_is_not_left_behind),
        cmocka_unit_test(looking_writes_nothing_and_every_check_says_something),
        cmocka_unit_test(a_server_that_is_away_is_a_finding),
        cmocka_unit_test(a_read_only_server_is_waited_for),
        cmocka_unit_test(what_does_not_fit_is_named_with_its_cure),
        cmocka_unit_test(grants_are_enough_for_a_role_that_has_none),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
