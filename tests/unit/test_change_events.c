/* Batches to records: what is counted over changes, the marks of a snapshot, the offset. */
#include "test.h"

#include <string.h>

#include "connect_text.h"
#include "convert/change_events.h"
#include "item_table.h"

typedef struct Rig {
    WireOptions o;
    ChangeEvents *events;
    const Schema *item, *other;
    Batch *batch;
    RecordBatch *out;
} Rig;

static void begin(Rig *r, BatchKind kind) {
    r->events = change_events_new(&r->o);
    r->item = item_schema("Item", true);
    r->other = item_schema("Other", true);
    r->batch = batch_new(kind);
    r->out = record_batch_new();
}

static void end(Rig *r) {
    batch_free(r->batch); /* the records hold it on */
    change_events_free(r->events);
    record_batch_free(r->out);
    schema_unref(r->item);
    schema_unref(r->other);
}

/* A change at commit 0:0:commit, change LSN 0:0:change. */
static void put(Rig *r, ChangeOp op, const Schema *s, int commit, int change, uint8_t operation, int id) {
    Change *c = batch_add(r->batch);
    Value *row = batch_row(r->batch, 3);
    item_row(id, 100, row);
    c->op = (uint8_t)op;
    c->schema = s;
    if (op == OP_DELETE) c->before = row;
    else c->after = row;
    if (op == OP_UPDATE) c->before = row;
    c->position.commit_lsn.b[9] = (uint8_t)commit;
    c->position.seqval.b[9] = (uint8_t)change;
    c->position.operation = operation;
    c->source_us = 1000000 * commit;
    batch_hold_schema(r->batch, s);
}

static void add(Rig *r, const ChangeEventsPlace *place) {
    Err e = {0};
    size_t failed;
    if (!change_events_add(r->events, r->batch, 0, r->batch->count, place, 5000000, r->out, &failed, &e))
        fail_msg("%s", e.msg);
}

static int64_t serial(const Rig *r, size_t i) {
    return record_field(record_field(&r->out->records[i].value, 2), 13)->v.i;
}

static void serial_numbers_count_rows_of_a_change_lsn(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, BATCH_CHANGES);
    put(&r, OP_CREATE, r.item, 1, 1, 2, 1);
    put(&r, OP_UPDATE, r.item, 1, 2, 4, 1);
    put(&r, OP_DELETE, r.item, 1, 3, 1, 1); /* a primary key updated: 1 and 2 of one change LSN … */
    put(&r, OP_DELETE, r.item, 1, 4, 1, 2);
    put(&r, OP_CREATE, r.item, 1, 3, 2, 3); /* … by command, so not side by side */
    put(&r, OP_CREATE, r.item, 2, 3, 2, 4); /* another transaction */
    add(&r, NULL);
    assert_int_equal(r.out->count, 8); /* two tombstones */
    assert_int_equal(serial(&r, 0), 1);
    assert_int_equal(serial(&r, 1), 2);
    assert_int_equal(serial(&r, 2), 1);
    assert_int_equal(serial(&r, 4), 1);
    assert_int_equal(serial(&r, 6), 2);
    assert_int_equal(serial(&r, 7), 1);
    end(&r);
}

static void the_offset_is_the_last_in_debeziums_order(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, BATCH_CHANGES);
    put(&r, OP_UPDATE, r.item, 9, 7, 4, 1);
    put(&r, OP_CREATE, r.item, 9, 5, 2, 2); /* seqval isn't the order of commands */
    add(&r, NULL);
    const ConnectOffset *at = change_events_offset(r.events);
    assert_int_equal(at->commit_lsn.b[9], 9);
    assert_int_equal(at->change_lsn.b[9], 7);
    assert_int_equal(at->event_serial_no, 2);
    assert_int_equal(at->transaction_id.n, 0);
    end(&r);
}

static void a_changed_keys_halves_name_each_other(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, BATCH_CHANGES);
    put(&r, OP_DELETE, r.item, 1, 1, 3, 1);
    put(&r, OP_CREATE, r.item, 1, 1, 4, 2);
    put(&r, OP_DELETE, r.item, 1, 2, 1, 2); /* a real delete */
    add(&r, NULL);
    assert_int_equal(r.out->count, 5);
    assert_true(str_eq_c(r.out->records[0].headers[0].key, "__debezium.newkey"));
    assert_true(str_eq_c(r.out->records[1].headers[0].key, "__debezium.newkey"));
    assert_true(str_eq_c(r.out->records[2].headers[0].key, "__debezium.oldkey"));
    assert_int_equal(r.out->records[3].header_count, 0);
    assert_int_equal(serial(&r, 0), 2);
    assert_int_equal(serial(&r, 2), 2);
    end(&r);
}

static void expect_block(const Rig *r, size_t i, const char *want) {
    const Record *rec = &r->out->records[i];
    connect_text_expect_value(rec->value_schema->fields[3].schema, record_field(&rec->value, 3), want);
}

static void transactions_are_counted_and_noted(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    r.o.transactions = true;
    begin(&r, BATCH_CHANGES);
    put(&r, OP_CREATE, r.item, 1, 1, 2, 1);
    put(&r, OP_CREATE, r.other, 1, 2, 2, 1);
    put(&r, OP_CREATE, r.item, 1, 3, 2, 2);
    put(&r, OP_CREATE, r.item, 2, 4, 2, 3);
    add(&r, NULL);
    assert_int_equal(r.out->count, 7); /* BEGIN c c c END BEGIN c */
    expect_block(&r, 1, "{'id':'00000000:00000000:0001','total_order':1,'data_collection_order':1}");
    expect_block(&r, 2, "{'id':'00000000:00000000:0001','total_order':2,'data_collection_order':1}");
    expect_block(&r, 3, "{'id':'00000000:00000000:0001','total_order':3,'data_collection_order':2}");
    expect_block(&r, 6, "{'id':'00000000:00000000:0002','total_order':1,'data_collection_order':1}");
    const Record *end_note = &r.out->records[4];
    assert_true(str_eq_c(end_note->topic, "sales.transaction"));
    assert_int_equal(record_field(&end_note->value, 2)->v.i, 3);
    assert_int_equal(record_field(&end_note->value, 4)->v.i, 2000); /* of the event that made it known */
    end(&r);
}

static void a_transaction_goes_on_behind_a_stored_offset(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    r.o.transactions = true;
    begin(&r, BATCH_CHANGES);
    put(&r, OP_CREATE, r.item, 1, 1, 2, 1);
    add(&r, NULL);
    Buf stored = {0};
    Arena a = {0};
    Err e = {0};
    ConnectOffset offset;
    connect_offset_value(change_events_offset(r.events), WIRE_2_7, &stored);
    assert_true(connect_offset_read(buf_view(&stored), &a, &offset, &e));
    end(&r);
    begin(&r, BATCH_CHANGES);
    change_events_start(r.events, &offset);
    put(&r, OP_CREATE, r.item, 1, 2, 2, 2);
    add(&r, NULL);
    assert_int_equal(r.out->count, 1); /* no BEGIN again */
    expect_block(&r, 0, "{'id':'00000000:00000000:0001','total_order':2,'data_collection_order':2}");
    end(&r);
    buf_done(&stored);
    arena_done(&a);
}

static void what_debezium_had_sent_of_the_commit_is_not_added_again(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, BATCH_CHANGES);
    ConnectOffset from = {.commit_lsn = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
                          .change_lsn = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 3}},
                          .has_change = true,
                          .event_serial_no = 1};
    change_events_start(r.events, &from);
    put(&r, OP_CREATE, r.item, 1, 4, 2, 1); /* by command before it, by change LSN behind it: not sent yet */
    put(&r, OP_UPDATE, r.item, 1, 2, 4, 2); /* sent */
    put(&r, OP_DELETE, r.item, 1, 3, 1, 3); /* sent: the offset's own */
    put(&r, OP_CREATE, r.item, 1, 3, 2, 5); /* the second row of that change LSN */
    put(&r, OP_CREATE, r.item, 2, 1, 2, 6); /* of a later commit */
    add(&r, NULL);
    assert_int_equal(r.out->count, 3);
    assert_int_equal(record_field(&r.out->records[0].key, 0)->v.i, 1);
    assert_int_equal(record_field(&r.out->records[1].key, 0)->v.i, 5);
    assert_int_equal(serial(&r, 1), 2);
    assert_int_equal(record_field(&r.out->records[2].key, 0)->v.i, 6);
    end(&r);
}

/* Changes added behind an offset at the first change of commit 2, stored with this transaction and its count.
 */
static void go_on_behind_a_note(Rig *r, const char *transaction, int64_t count) {
    *r = (Rig){.o = wire_options_standard("sales")};
    r->o.transactions = true;
    begin(r, BATCH_CHANGES);
    ConnectOffsetCount counted = {str_from("Shop.dbo.Item"), count};
    ConnectOffset from = {.commit_lsn = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 2}},
                          .change_lsn = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
                          .has_change = true,
                          .event_serial_no = 1,
                          .transaction_id = str_from(transaction),
                          .counts = &counted,
                          .count_count = count > 0};
    change_events_start(r->events, &from);
    put(r, OP_CREATE, r->item, 2, 1, 2, 1);
    put(r, OP_CREATE, r->item, 2, 2, 2, 2);
    add(r, NULL);
}

static void a_change_that_only_a_note_before_it_had_stored_is_added(void **state) {
    (void)state;
    Rig r;
    go_on_behind_a_note(&r, "00000000:00000000:0002", 0); /* BEGIN's: it was written */
    assert_int_equal(r.out->count, 2);
    expect_block(&r, 0, "{'id':'00000000:00000000:0002','total_order':1,'data_collection_order':1}");
    expect_block(&r, 1, "{'id':'00000000:00000000:0002','total_order':2,'data_collection_order':2}");
    end(&r);
    go_on_behind_a_note(&r, "00000000:00000000:0001", 7); /* END's: BEGIN is to be written still */
    assert_int_equal(r.out->count, 3);
    assert_int_equal(value_str(record_field(&r.out->records[0].value, 0)).n, strlen("BEGIN"));
    expect_block(&r, 1, "{'id':'00000000:00000000:0002','total_order':1,'data_collection_order':1}");
    end(&r);
    go_on_behind_a_note(&r, "00000000:00000000:0002", 1); /* the change's own */
    assert_int_equal(r.out->count, 1);
    expect_block(&r, 0, "{'id':'00000000:00000000:0002','total_order':2,'data_collection_order':2}");
    end(&r);
}

static Str mark(const Rig *r, size_t i) {
    return value_str(record_field(record_field(&r->out->records[i].value, 2), 4));
}

static void rows_of_a_snapshot_are_marked(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, BATCH_ROWS);
    for (int i = 0; i < 3; i++) put(&r, OP_READ, r.item, 1, 0, 0, i);
    r.batch->chunk = (BatchChunk){.is_first_part = true, .is_last_part = true, .is_last_chunk = true};
    add(&r, &(ChangeEventsPlace){.is_first = true});
    assert_false(change_events_offset(r.events)->is_snapshot_completed);
    add(&r, &(ChangeEventsPlace){.is_last = true});
    add(&r, &(ChangeEventsPlace){.is_incremental = true});
    static const char *const want[] = {"first",
                                       "true",
                                       "last_in_data_collection",
                                       "first_in_data_collection",
                                       "true",
                                       "last",
                                       "incremental",
                                       "incremental",
                                       "incremental"};
    for (size_t i = 0; i < 9; i++) assert_true(str_eq_c(mark(&r, i), want[i]));
    assert_true(change_events_offset(r.events)->is_snapshot);
    assert_true(change_events_offset(r.events)->is_snapshot_completed);
    end(&r);
}

static void a_value_that_does_not_fit_is_told_by_its_index(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    Err e = {0};
    size_t failed = 99;
    begin(&r, BATCH_CHANGES);
    put(&r, OP_CREATE, r.item, 1, 1, 2, 1);
    put(&r, OP_CREATE, r.item, 1, 2, 2, 2);
    ((Value *)(uintptr_t)r.batch->changes[1].after)[2] = value_int(0);
    assert_false(change_events_add(r.events, r.batch, 0, 2, NULL, 5, r.out, &failed, &e));
    assert_int_equal(failed, 1);
    assert_int_equal(r.out->count, 1);
    assert_int_equal(change_events_offset(r.events)->change_lsn.b[9], 1);
    end(&r);
}

static void render(const RecordBatch *records, Buf *out) {
    for (size_t i = 0; i < records->count; i++) {
        const Record *r = &records->records[i];
        buf_str(out, r->topic);
        for (size_t h = 0; h < r->header_count; h++) buf_str(out, r->headers[h].key);
        if (r->value_schema) connect_text_value(r->value_schema, &r->value, out);
        buf_u8(out, '\n');
    }
}

static void some_changes(Rig *r) {
    r->o.transactions = true;
    begin(r, BATCH_CHANGES);
    put(r, OP_CREATE, r->item, 1, 1, 2, 1);
    put(r, OP_DELETE, r->item, 1, 2, 3, 1); /* a changed key: its halves are parted below */
    put(r, OP_CREATE, r->item, 1, 2, 4, 2);
    put(r, OP_DELETE, r->other, 1, 3, 1, 2);
    put(r, OP_CREATE, r->item, 2, 1, 2, 3);
    put(r, OP_UPDATE, r->item, 3, 1, 4, 3);
}

static void a_batch_in_stretches_is_the_same_records(void **state) {
    (void)state;
    Rig whole = {.o = wire_options_standard("sales")}, parts = {.o = wire_options_standard("sales")};
    Buf expected = {0}, got = {0};
    Err e = {0};
    size_t failed;
    some_changes(&whole);
    add(&whole, NULL);
    render(whole.out, &expected);
    some_changes(&parts);
    for (size_t from = 0; from < 6; from += 2) {
        record_batch_clear(parts.out);
        assert_true(change_events_add(parts.events, parts.batch, from, from + 2, NULL, 5000000, parts.out,
                                      &failed, &e));
        render(parts.out, &got);
    }
    assert_string_equal(buf_text(&got), buf_text(&expected));
    assert_int_equal(change_events_offset(parts.events)->event_serial_no,
                     change_events_offset(whole.events)->event_serial_no);
    buf_done(&expected);
    buf_done(&got);
    end(&whole);
    end(&parts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_in_stretches_is_the_same_records),
        cmocka_unit_test(serial_numbers_count_rows_of_a_change_lsn),
        cmocka_unit_test(the_offset_is_the_last_in_debeziums_order),
        cmocka_unit_test(a_changed_keys_halves_name_each_other),
        cmocka_unit_test(transactions_are_counted_and_noted),
        cmocka_unit_test(a_transaction_goes_on_behind_a_stored_offset),
        cmocka_unit_test(what_debezium_had_sent_of_the_commit_is_not_added_again),
        cmocka_unit_test(a_change_that_only_a_note_before_it_had_stored_is_added),
        cmocka_unit_test(rows_of_a_snapshot_are_marked),
        cmocka_unit_test(a_value_that_does_not_fit_is_told_by_its_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
