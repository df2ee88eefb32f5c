/* Which tables are news, and where they stand. */
#include "test.h"

#include <string.h>

#include "connect_text.h"
#include "convert/schema_event.h"
#include "convert/schema_log.h"
#include "item_table.h"

typedef struct Rig {
    WireOptions o;
    const Schema *schema;
    Batch *batch;
    RecordBatch *events;
    Buf history;
    ConnectOffset at;
} Rig;

static void begin(Rig *r) {
    r->o = wire_options_standard("sales");
    r->schema = item_schema("Item", true);
    r->batch = batch_new(BATCH_TABLE);
    r->batch->schema = schema_ref(r->schema);
    r->events = record_batch_new();
}

static void end(Rig *r) {
    batch_free(r->batch);
    record_batch_free(r->events);
    buf_done(&r->history);
    schema_unref(r->schema);
}

static bool add(Rig *r, bool is_known, uint64_t fingerprint) {
    SchemaLogNews news = {.batch = r->batch,
                          .is_known = is_known,
                          .fingerprint = fingerprint,
                          .at = &r->at,
                          .now_us = 1700000000123456};
    return schema_log_add(&news, &r->o, r->events, &r->history);
}

static const Value *field(const Rig *r, const char *name) {
    const Record *rec = &r->events->records[r->events->count - 1];
    return record_field(&rec->value, (size_t)connect_schema_find(rec->value_schema, str_from(name)));
}

static void a_new_table_is_created_within_the_copy(void **state) {
    (void)state;
    Rig r = {0};
    begin(&r);
    assert_true(add(&r, false, 0));
    assert_int_equal(r.events->count, 1);
    assert_true(value_is_null(field(&r, "ddl")));
    assert_true(str_eq_c(value_str(record_field(field(&r, "source"), 4)), "true"));
    assert_non_null(strstr(buf_text(&r.history), "\"snapshot\" : true"));
    assert_non_null(strstr(buf_text(&r.history), "\"commit_lsn\" : \"NULL\""));
    assert_non_null(strstr(buf_text(&r.history), "\"type\" : \"CREATE\""));
    end(&r);
}

static void other_columns_are_an_alter_at_the_offset(void **state) {
    (void)state;
    Rig r = {0};
    begin(&r);
    r.at = (ConnectOffset){.commit_lsn = item_lsn("00000027:00000a10:0003"),
                           .has_change = true,
                           .change_lsn = item_lsn("00000027:00000a10:0002"),
                           .event_serial_no = 2};
    assert_true(add(&r, true, r.schema->fingerprint + 1));
    assert_true(str_eq_c(value_str(field(&r, "ddl")), "N/A"));
    assert_true(value_is_null(record_field(field(&r, "source"), 4)));
    assert_int_equal(record_field(field(&r, "source"), 13)->v.i, 2);
    assert_non_null(strstr(buf_text(&r.history), "\"change_lsn\" : \"00000027:00000a10:0002\""));
    assert_non_null(strstr(buf_text(&r.history), "\"type\" : \"ALTER\""));
    end(&r);
}

static void what_is_known_and_what_is_gone_is_no_news(void **state) {
    (void)state;
    Rig r = {0};
    begin(&r);
    assert_false(add(&r, true, r.schema->fingerprint));
    r.batch->table.copy = BATCH_COPY_GONE;
    assert_false(add(&r, true, 0));
    assert_int_equal(r.events->count, 0);
    assert_int_equal(r.history.n, 0);
    r.batch->table.copy = BATCH_COPY_KEEP;
    r.o.schema_changes = false; /* then the history alone */
    assert_true(add(&r, false, 0));
    assert_int_equal(r.events->count, 0);
    assert_true(r.history.n > 0);
    end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_table_is_created_within_the_copy),
        cmocka_unit_test(other_columns_are_an_alter_at_the_offset),
        cmocka_unit_test(what_is_known_and_what_is_gone_is_no_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
