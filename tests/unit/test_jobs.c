#include "shop.h"
#include "standin/capture/jobs.h"

static void a_job_is_found_as_it_was_saved(void **state) {
    (void)state;
    SqlError e = {0};
    Session *s = sa->session;
    Job found, job = jobs_default(77, JOB_CAPTURE);
    bool has_one;
    CatalogPin pin;
    job.polling_s = 9;
    catalog_pin(session_catalog(s), &pin);
    assert_null(jobs_table(session_catalog(s)));
    assert_true(jobs_save(s, &job, &e));
    job.maxtrans = 3;
    assert_true(jobs_save(s, &job, &e));
    assert_true(
        jobs_find(txn_statements(session_txn(s)), session_catalog(s), 77, JOB_CAPTURE, &found, &has_one, &e));
    assert_true(has_one);
    assert_int_equal(found.polling_s, 9);
    assert_int_equal(found.maxtrans, 3);
    assert_true(found.is_continuous);
    assert_true(
        jobs_find(txn_statements(session_txn(s)), session_catalog(s), 77, JOB_CLEANUP, &found, &has_one, &e));
    assert_false(has_one);
    assert_true(jobs_drop(s, 77, JOB_CAPTURE, &e));
    assert_true(
        jobs_find(txn_statements(session_txn(s)), session_catalog(s), 77, JOB_CAPTURE, &found, &has_one, &e));
    assert_false(has_one);
    catalog_unpin(session_catalog(s), &pin);
}

static void all_jobs_are_loaded_in_order(void **state) {
    (void)state;
    SqlError e = {0};
    Session *s = sa->session;
    Job jobs[4];
    size_t count;
    CatalogPin pin;
    catalog_pin(session_catalog(s), &pin);
    for (int32_t id = 3; id > 0; id--) {
        Job job = jobs_default(id, id == 2 ? JOB_CLEANUP : JOB_CAPTURE);
        assert_true(jobs_save(s, &job, &e));
    }
    assert_true(jobs_load(txn_statements(session_txn(s)), session_catalog(s), jobs, 4, &count, &e));
    assert_int_equal(count, 3);
    assert_int_equal(jobs[0].database_id, 1);
    assert_int_equal(jobs[1].type, JOB_CLEANUP);
    assert_int_equal(jobs[1].retention_min, JOBS_DEFAULT_RETENTION_MIN);
    assert_true(jobs_load(txn_statements(session_txn(s)), session_catalog(s), jobs, 2, &count, &e));
    assert_int_equal(count, 2);
    catalog_unpin(session_catalog(s), &pin);
}

int main(void) {
    const struct CMUnitTest tests[] = {IN_SHOP(a_job_is_found_as_it_was_saved),
                                       IN_SHOP(all_jobs_are_loaded_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
