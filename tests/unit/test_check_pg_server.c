#include "postgres/check_pg_server.h"

#include "check_pg_rig.h"

static void a_server_as_it_should_be_is_ok(void **state) {
    (void)state;
    FOUND_HAS(found(NULL, "target-version"), "ok PostgreSQL ");
    FOUND_HAS(found(NULL, "target-primary"), "ok ");
    FOUND_HAS(found(NULL, "target-encoding"), "ok UTF8");
    FOUND_HAS(found(NULL, "target-temporary"), "ok ");
    FOUND_HAS(found(NULL, "target-store"), "ok ");
    FOUND_HAS(found(NULL, "target-connections"), "ok ");
    FOUND_HAS(found(NULL, "target-clock"), "ok PostgreSQL's clock is 0.0");
    FOUND_HAS(found(NULL, "target-disk"), "note unknown: PostgreSQL doesn't tell");
    FOUND_HAS(found(NULL, "target-durability"), "warning fsync is off"); /* the fixture's */
}

static void a_role_without_rights_to_the_store_has_its_statements(void **state) {
    (void)state;
    pg_fixture_exec(rig.conn, "DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN");
    FOUND_HAS(found("poor", "target-store"),
              "error schema millrace is there, but the role may not use it; run | "
              "GRANT USAGE, CREATE ON SCHEMA millrace TO \"poor\"");
    pg_fixture_exec(rig.conn, "GRANT USAGE, CREATE ON SCHEMA millrace TO poor; "
                              "GRANT ALL ON ALL TABLES IN SCHEMA millrace TO poor");
    FOUND_HAS(found("poor", "target-store"), "ok ");
    pg_fixture_exec(rig.conn, "REVOKE CREATE ON SCHEMA millrace FROM poor");
    FOUND_HAS(found("poor", "target-store"), "note ");
    pg_fixture_exec(rig.conn, "DROP OWNED BY poor; DROP SCHEMA millrace CASCADE");
    FOUND_HAS(found("poor", "target-store"), "| CREATE SCHEMA IF NOT EXISTS millrace AUTHORIZATION \"poor\"");
    pg_fixture_exec(rig.conn, "DROP ROLE poor");
}

static void another_process_on_the_pipeline_is_told(void **state) {
    (void)state; /* the rig's own sink has it */
    FOUND_HAS(found(NULL, "target-owner"), "warning a process has pipeline t now (role postgres");
    pg_fixture_exec(
        rig.conn, "DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN; GRANT USAGE ON SCHEMA millrace TO poor;"
                  "GRANT SELECT ON millrace.position TO poor");
    FOUND_HAS(found("poor", "target-owner"), "| GRANT pg_signal_backend TO \"poor\"");
    pg_fixture_exec(rig.conn, "DROP OWNED BY poor; DROP ROLE poor");
    rig.sink = postgres_sink_class.stop(rig.sink);
    for (int i = 0; i < 100; i++) { /* the backend ends in its own time */
        if (strstr(found(NULL, "target-owner"), "ok no other process")) return;
        clock_sleep_ms(50);
    }
    fail_msg("%s", found(NULL, "target-owner"));
}

static void limits_of_the_role_are_told(void **state) {
    (void)state;
    pg_fixture_exec(rig.conn, "DROP ROLE IF EXISTS busy; CREATE ROLE busy LOGIN CONNECTION LIMIT 2;"
                              "ALTER ROLE busy SET idle_in_transaction_session_timeout = '5s';"
                              "ALTER ROLE busy SET lock_timeout = '100ms'");
    FOUND_HAS(found("busy", "target-connections"),
              "warning the role has 1 connections left | ALTER ROLE \"busy\" "
              "CONNECTION LIMIT -1");
    FOUND_HAS(found("busy", "target-timeouts"), "warning idle_in_transaction_session_timeout is 5000 ms");
    FOUND_HAS(found("busy", "target-timeouts"),
              "ALTER ROLE \"busy\" SET idle_in_transaction_session_timeout = 0");
    FOUND_HAS(found("busy", "target-timeouts"), "note lock_timeout is 100 ms");
    pg_fixture_exec(rig.conn, "DROP ROLE busy");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_server_as_it_should_be_is_ok, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_role_without_rights_to_the_store_has_its_statements, open_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(another_process_on_the_pipeline_is_told, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(limits_of_the_role_are_told, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
