#include "shop.h"
#include "standin/cdc/cdc.h"

static void the_module_starts_and_stops_with_the_server(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        Engine en = engine_start(10);
        Client *c = client_open(&en, "master");
        assert_true(agent_is_running(cdc_of(c->session)->agent));
        client_close(c);
        engine_stop(&en);
    }
}

static void it_stops_while_jobs_have_work(void **state) {
    (void)state;
    run(sa, "EXEC standin.agent_start");
    for (int i = 0; i < 20; i++) {
        CLEANUP_FREE char *sql = x_asprintf("INSERT INTO dbo.item(id) VALUES(%d)", i);
        run(sa, sql);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_module_starts_and_stops_with_the_server),
        IN_CAPTURED_SHOP(it_stops_while_jobs_have_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
