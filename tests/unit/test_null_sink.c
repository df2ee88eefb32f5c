#include "connector/null_sink.h"

#include "test.h"

static void it_counts_rows_and_changes_by_table_and_stores_nothing(void **state) {
    (void)state;
    Metrics *metrics = metrics_new();
    const Column column = {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1};
    const SchemaSpec spec = {.database = STR_LIT("db"),
                             .schema = STR_LIT("dbo"),
                             .table = STR_LIT("t"),
                             .version = 1,
                             .columns = &column,
                             .column_count = 1};
    const Schema *schema = NULL;
    Err e = {0};
    assert_true(schema_new(&spec, &schema, &e));
    Sink *sink = NULL;
    assert_true(null_sink_class.start(NULL, &(ConnectorContext){.name = "n", .metrics = metrics}, &sink, &e));
    for (int kind = 0; kind < 2; kind++) {
        Batch *b = batch_new(kind == 0 ? BATCH_ROWS : BATCH_CHANGES);
        batch_hold_schema(b, schema);
        for (int i = 0; i < 3 + kind; i++) batch_add(b)->schema = schema;
        assert_true(null_sink_class.put(sink, b, &e));
        batch_free(b);
    }
    StoredState stored = {.has_position = true};
    assert_true(null_sink_class.own(sink, &stored, &e));
    assert_false(stored.has_position);
    assert_int_equal(metric_value(metrics_find(metrics, "millrace_rows_copied_total", STR_LIT("dbo.t"))), 3);
    assert_int_equal(metric_value(metrics_find(metrics, "millrace_changes_applied_total", STR_LIT("dbo.t"))),
                     4);
    assert_null(null_sink_class.stop(sink));
    schema_unref(schema);
    metrics_free(metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_counts_rows_and_changes_by_table_and_stores_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
