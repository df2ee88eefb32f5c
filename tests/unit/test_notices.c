#include "connector/notices.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "test.h"

#include "item_table.h"

static Buf told;
static char ids[16][NOTICE_ID_SIZE];
static size_t id_count;

static void keep(void *arg, const Notice *n) {
    (void)arg;
    buf_printf(&told, "%s %s %s\n", n->aggregate_type, n->type, n->data);
    assert_int_equal(strlen(n->id), NOTICE_ID_SIZE - 1);
    assert_true(n->id[14] == '4' && strchr("89ab", n->id[19]));
    if (id_count < 16) memcpy(ids[id_count++], n->id, NOTICE_ID_SIZE);
}

static Notices *opened(const StoredState *stored) {
    buf_clear(&told);
    id_count = 0;
    return notices_new("p", "Shop", stored, keep, NULL);
}

static void table(Notices *n, const char *name, BatchTable t) {
    Batch *b = batch_new(BATCH_TABLE);
    b->schema = item_schema(name, true);
    b->table = t;
    notices_batch(n, b);
    batch_free(b);
}

static void chunk(Notices *n, const char *name, uint32_t number, size_t rows, bool is_last) {
    Batch *b = batch_new(BATCH_ROWS);
    b->schema = item_schema(name, true);
    b->chunk =
        (BatchChunk){.number = number, .is_first_part = true, .is_last_part = true, .is_last_chunk = is_last};
    for (size_t i = 0; i < rows; i++) (void)batch_add(b);
    notices_batch(n, b);
    batch_free(b);
}

static void close_all(Notices *n) {
    notices_free(n);
    buf_done(&told);
}

#define BOTH "\"data_collections\":\"Shop.dbo.A,Shop.dbo.B\""
#define A    "\"data_collections\":\"Shop.dbo.A\""

static void a_first_copy_is_told_from_its_beginning_to_its_end(void **state) {
    (void)state;
    const StoredState none = {0};
    Notices *n = opened(&none);
    table(n, "A", (BatchTable){.copy = BATCH_COPY_FIRST});
    table(n, "B", (BatchTable){.copy = BATCH_COPY_FIRST});
    chunk(n, "A", 0, 2, false);
    chunk(n, "A", 1, 1, true);
    chunk(n, "B", 0, 0, true);
    table(n, "A", (BatchTable){.copy = BATCH_COPY_KEEP});
    assert_string_equal(
        buf_text(&told),
        "Initial Snapshot STARTED {\"connector_name\":\"p\"}\n"
        "Initial Snapshot IN_PROGRESS {\"connector_name\":\"p\",\"current_collection_in_progress\":"
        "\"Shop.dbo.A\"," BOTH "}\n"
        "Initial Snapshot TABLE_SCAN_COMPLETED {\"connector_name\":\"p\"," BOTH
        ",\"scanned_collection\":\"Shop.dbo.A\",\"status\":\"SUCCEEDED\",\"total_rows_scanned\":\"3\"}\n"
        "Initial Snapshot IN_PROGRESS {\"connector_name\":\"p\",\"current_collection_in_progress\":"
        "\"Shop.dbo.B\"," BOTH "}\n"
        "Initial Snapshot TABLE_SCAN_COMPLETED {\"connector_name\":\"p\"," BOTH
        ",\"scanned_collection\":\"Shop.dbo.B\",\"status\":\"SUCCEEDED\",\"total_rows_scanned\":\"0\"}\n"
        "Initial Snapshot COMPLETED {\"connector_name\":\"p\"}\n");
    assert_string_not_equal(ids[0], ids[1]);
    close_all(n);
}

static void a_copy_that_was_asked_for_has_one_id_and_is_paused_and_stopped(void **state) {
    (void)state;
    const StoredState none = {0};
    const BatchTable asked = {.copy = BATCH_COPY_BESIDE, .asked = BATCH_ASKED};
    Notices *n = opened(&none);
    table(n, "A", asked);
    chunk(n, "A", 0, 1, false);
    table(n, "A", (BatchTable){.copy = BATCH_COPY_KEEP, .asked = BATCH_ASKED, .is_paused = true});
    table(n, "A", (BatchTable){.copy = BATCH_COPY_KEEP, .asked = BATCH_ASKED});
    table(n, "A", (BatchTable){.copy = BATCH_COPY_STOP});
    table(n, "A", (BatchTable){.copy = BATCH_COPY_STOP}); /* nothing is under way */
    assert_string_equal(buf_text(&told),
                        "Incremental Snapshot STARTED {\"connector_name\":\"p\"," A "}\n"
                        "Incremental Snapshot IN_PROGRESS "
                        "{\"connector_name\":\"p\",\"current_collection_in_progress\":\"Shop.dbo.A\"," A "}\n"
                        "Incremental Snapshot PAUSED {\"connector_name\":\"p\"," A "}\n"
                        "Incremental Snapshot RESUMED {\"connector_name\":\"p\"," A "}\n"
                        "Incremental Snapshot ABORTED {\"connector_name\":\"p\"," A "}\n");
    for (size_t i = 1; i < 5; i++) assert_string_equal(ids[0], ids[i]);
    table(n, "A", asked);
    assert_string_not_equal(ids[0], ids[5]);
    close_all(n);
}

static void an_empty_table_beside_the_stream_is_told_as_such(void **state) {
    (void)state;
    const StoredState none = {0};
    Notices *n = opened(&none);
    table(n, "A", (BatchTable){.copy = BATCH_COPY_BESIDE, .asked = BATCH_ASKED});
    chunk(n, "A", 0, 0, true);
    assert_non_null(strstr(buf_text(&told), "\"status\":\"EMPTY\""));
    assert_non_null(strstr(buf_text(&told), "Incremental Snapshot COMPLETED"));
    close_all(n);
}

static void a_blocking_one_is_an_initial_snapshot(void **state) {
    (void)state;
    const StoredState none = {0};
    Notices *n = opened(&none);
    table(n, "A", (BatchTable){.copy = BATCH_COPY_BESIDE, .asked = BATCH_ASKED_BLOCKING});
    chunk(n, "A", 0, 1, true);
    assert_non_null(strstr(buf_text(&told), "Initial Snapshot STARTED"));
    assert_non_null(strstr(buf_text(&told), "Initial Snapshot COMPLETED"));
    close_all(n);
}

static void a_start_goes_on_with_what_is_under_way(void **state) {
    (void)state;
    char schema[] = "dbo", a[] = "A", b[] = "B";
    StoredTable tables[] = {{.schema = schema, .table = a, .is_done = true},
                            {.schema = schema, .table = b, .chunks_done = 3}};
    const StoredState stored = {.tables = tables, .table_count = 2};
    Notices *n = opened(&stored);
    table(n, "A", (BatchTable){.copy = BATCH_COPY_KEEP});
    table(n, "B", (BatchTable){.copy = BATCH_COPY_KEEP});
    chunk(n, "B", 3, 1, true);
    assert_null(strstr(buf_text(&told), "STARTED"));
    assert_non_null(strstr(buf_text(&told), "TABLE_SCAN_COMPLETED"));
    assert_non_null(strstr(buf_text(&told), "Initial Snapshot COMPLETED"));
    buf_clear(&told);
    notices_skipped(n);
    assert_string_equal(buf_text(&told), "Initial Snapshot SKIPPED {\"connector_name\":\"p\"}\n");
    notices_batch(NULL, NULL); /* nobody wants any */
    close_all(n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_copy_is_told_from_its_beginning_to_its_end),
        cmocka_unit_test(a_copy_that_was_asked_for_has_one_id_and_is_paused_and_stopped),
        cmocka_unit_test(an_empty_table_beside_the_stream_is_told_as_such),
        cmocka_unit_test(a_blocking_one_is_an_initial_snapshot),
        cmocka_unit_test(a_start_goes_on_with_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
