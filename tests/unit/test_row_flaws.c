#include "sqlserver/row_flaws.h"

#include "test.h"

static void flaws_are_counted_by_table(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    row_flaws_count(&(RowFlaws){.left_out = 2}, m, "dbo.a");
    row_flaws_count(&(RowFlaws){.left_out = 3, .replaced = 1}, m, "dbo.b");
    row_flaws_count(&(RowFlaws){.left_out = 4}, m, "dbo.a");
    assert_int_equal(metric_value(metrics_find(m, "millrace_rows_left_out_total", STR_LIT("dbo.a"))), 6);
    assert_int_equal(metric_value(metrics_find(m, "millrace_rows_left_out_total", STR_LIT("dbo.b"))), 3);
    assert_int_equal(metric_value(metrics_find(m, "millrace_text_replaced_total", STR_LIT("dbo.b"))), 1);
    metrics_free(m);
}

static void a_table_without_flaws_has_no_counter(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    row_flaws_count(&(RowFlaws){0}, m, "dbo.a");
    size_t at = 0;
    MetricInfo info;
    assert_null(metrics_next(m, &at, &info));
    metrics_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flaws_are_counted_by_table),
        cmocka_unit_test(a_table_without_flaws_has_no_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
