#include "shop.h"
#include "standin/system/proc_lock.h"

#define GET(mode) "DECLARE @r int EXEC @r = sp_getapplock N'job', '" mode "', 'Session', 0 SELECT @r"

static void an_application_lock_keeps_others_out(void **state) {
    (void)state;
    Client *other = client_open(&engine, "shop");
    assert_answer(sa, GET("Exclusive"), "0\n");
    assert_answer(other, GET("Shared"), "-1\n");
    run(other, "USE master");
    assert_answer(other, GET("Shared"), "0\n"); /* each database has its own */
    run(other, "USE shop");
    run(sa, "EXEC sp_releaseapplock N'job', 'Session'");
    assert_answer(other, GET("Shared"), "0\n");
    client_close(other);
    assert_answer(sa, GET("Exclusive"), "0\n"); /* a session's end gives it back */
}

static void of_a_transaction_it_needs_one_and_ends_with_it(void **state) {
    (void)state;
    assert_non_null(strstr(ask(sa, "EXEC sp_getapplock N'job', 'Exclusive'"), "ERROR 1226: "));
    run(sa, "BEGIN TRAN EXEC sp_getapplock N'job', 'Exclusive' COMMIT");
    assert_non_null(strstr(ask(sa, "EXEC sp_releaseapplock N'job', 'Session'"), "ERROR 1223: "));
    Client *other = client_open(&engine, "shop");
    assert_answer(other, GET("Exclusive"), "0\n");
    client_close(other);
}

static void a_reset_gives_it_back(void **state) {
    (void)state;
    Client *other = client_open(&engine, "shop");
    assert_answer(other, GET("Exclusive"), "0\n");
    assert_true(session_reset(other->session, /* keep_transaction= */ false));
    assert_answer(sa, GET("Exclusive"), "0\n");
    client_close(other);
}

static void sp_lock_shows_them_the_old_way(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(id int) BEGIN TRAN SELECT * FROM dbo.t WITH (TABLOCKX)");
    assert_non_null(strstr(ask(sa, "EXEC sp_lock"), "|TAB |"));
    run(sa, "ROLLBACK");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(an_application_lock_keeps_others_out),
        IN_SHOP(of_a_transaction_it_needs_one_and_ends_with_it),
        IN_SHOP(a_reset_gives_it_back),
        IN_SHOP(sp_lock_shows_them_the_old_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
