#include "postgres/sink.h"

#include <string.h>

#include "pg_rig.h"
#include "test.h"

static void a_first_start_makes_its_tables_and_knows_no_position(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    assert_string_equal(pg_fixture_text(r.conn, "SELECT epoch FROM millrace.position"), "1");
    assert_string_equal(pg_fixture_text(r.conn, "SELECT position FROM millrace.position"), "null");
    rig_close(&r);
}

static void a_table_is_created_with_key_and_native_types(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("Items", true);
    begin(&r, s);
    assert_string_equal(
        pg_fixture_text(r.conn,
                        "SELECT attname || ' ' || format_type(atttypid, atttypmod) || attnotnull FROM "
                        "pg_attribute WHERE attrelid = 'dbo.\"Items\"'::regclass AND attnum > 0 "
                        "ORDER BY attnum"),
        "id integertrue|Name character varying(20)false|amount integerfalse");
    assert_string_equal(
        pg_fixture_text(r.conn, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = "
                                "'dbo.\"Items\"'::regclass"),
        "PRIMARY KEY (id)");
    schema_unref(s);
    rig_close(&r);
}

static void inserts_updates_and_deletes_of_a_batch_leave_the_last_state(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    begin(&r, s);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "one", 1));
    add(b, OP_CREATE, s, item(b, 2, "two", 2));
    add(b, OP_UPDATE, s, item(b, 1, "uno", -1));
    add(b, OP_CREATE, s, item(b, 3, NULL, 3));
    add(b, OP_DELETE, s, item(b, 2, "two", 2));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,uno,-|3,-,3");
    b = changes_batch(2, 3);
    add(b, OP_DELETE, s, item(b, 1, NULL, -1));
    add(b, OP_CREATE, s, item(b, 1, "eins", 5));
    add(b, OP_DELETE, s, item(b, 3, NULL, -1));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,eins,5");
    assert_int_equal(
        metric_value(metrics_find(r.metrics, "millrace_changes_applied_total", STR_LIT("dbo.items"))), 8);
    assert_int_equal(metric_value(metrics_find(r.metrics, "millrace_apply_latency", (Str){0})), 8);
    StoredState stored = own(r.sink);
    Position three = at(3);
    assert_int_equal(position_cmp(&stored.position, &three), 0);
    stored_state_done(&stored);
    schema_unref(s);
    rig_close(&r);
}

/* Enough rows for the temporary tables; every way a second time in one session. */
static void large_batches_go_by_copy_and_merge(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    begin(&r, s);
    for (uint32_t round = 0; round < 3; round++) {
        Batch *b = changes_batch(1 + round, 2 + round);
        for (int64_t i = 0; i < 3000; i++) add(b, OP_UPDATE, s, item(b, i, "x", i + round));
        for (int64_t i = 0; i < 1000; i++) add(b, OP_DELETE, s, item(b, i * 3, NULL, -1));
        must_put(r.sink, b);
        assert_string_equal(
            pg_fixture_text(r.conn, "SELECT count(*) || ' ' || sum(amount - id) FROM dbo.items"),
            round == 0   ? "2000 0"
            : round == 1 ? "2000 2000"
                         : "2000 4000");
    }
    schema_unref(s);
    rig_close(&r);
}

static void a_transaction_over_several_batches_shows_only_whole(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    begin(&r, s);
    for (uint32_t i = 0; i < 3; i++) {
        Batch *b = batch_new(BATCH_CHANGES);
        b->from = i ? inside(2, i * 1000) : at(1);
        b->to = i < 2 ? inside(2, (i + 1) * 1000) : at(2);
        b->ends_transaction = i == 2;
        for (uint32_t j = 0; j < 700; j++) {
            add(b, OP_CREATE, s, item(b, i * 700 + j, "x", 1));
            b->changes[j].position = inside(2, i * 1000 + j + 1);
        }
        must_put(r.sink, b);
        assert_int_equal(postgres_sink_class.needs_source_back(r.sink), i < 2);
        assert_string_equal(pg_fixture_text(r.conn, "SELECT count(*) FROM dbo.items"), i < 2 ? "0" : "2100");
    }
    schema_unref(s);
    rig_close(&r);
}

static void chunks_are_copied_and_marked_with_their_last_part(void **state) {
    (void)state;
    for (int is_plain = 0; is_plain < 2; is_plain++) {
        Rig r;
        rig_open(&r, UPSERT);
        const Schema *s = items("items", true);
        must_put(r.sink, table_batch(s, BATCH_COPY_FIRST));
        must_put(r.sink, changes_batch(0, 1));
        for (uint32_t part = 0; part < 4; part++) {
            Batch *b = rows_batch(s, part / 2, part % 2 == 0, part % 2 == 1, is_plain != 0);
            for (uint32_t i = 0; i < 2000; i++) add(b, OP_READ, s, item(b, part * 2000 + i, "row", i));
            must_put(r.sink, b);
            const char *done[] = {"0", "1", "1", "2"};
            assert_string_equal(pg_fixture_text(r.conn, "SELECT chunks_done FROM millrace.table_state"),
                                done[part]);
        }
        assert_string_equal(pg_fixture_text(r.conn, "SELECT count(*) FROM dbo.items"), "8000");
        assert_int_equal(
            metric_value(metrics_find(r.metrics, "millrace_rows_copied_total", STR_LIT("dbo.items"))), 8000);
        StoredState stored = own(r.sink);
        assert_true(stored.is_snapshot_done && stored.tables[0].is_done && !stored.tables[0].upper_key);
        assert_true(stored.tables[0].fingerprint == s->fingerprint);
        assert_int_equal(stored.tables[0].instance, 7);
        stored_state_done(&stored);
        schema_unref(s);
        rig_close(&r);
    }
}

/* A copy without a stream: what it took away comes back with the source's end, not where lanes meet. */
static void the_sources_end_brings_foreign_keys_back(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.parent (id int PRIMARY KEY);"
                            "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" varchar(20), amount int "
                            "REFERENCES dbo.parent)");
    must_put(r.sink, table_batch(s, BATCH_COPY_FIRST));
    must_put(r.sink, changes_batch(0, 1));
    for (uint32_t chunk = 0; chunk < 2; chunk++)
        must_put(r.sink,
                 rows_batch(s, chunk, /* is_first= */ true, /* is_last= */ true, /* is_plain= */ true));
    for (int is_final = 0; is_final < 2; is_final++) {
        Batch *end = batch_new(BATCH_END);
        end->is_final = is_final;
        must_put(r.sink, end);
        assert_string_equal(pg_fixture_text(r.conn, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"),
                            is_final ? "1" : "0");
    }
    schema_unref(s);
    rig_close(&r);
}

static void a_table_that_holds_rows_is_not_copied_into(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int);"
                            "INSERT INTO dbo.items VALUES (1)");
    const Schema *s = items("items", true);
    Err e = {0};
    assert_false(put(r.sink, table_batch(s, BATCH_COPY_FIRST), &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "TRUNCATE"));
    schema_unref(s);
    rig_close(&r);
}

static void a_new_column_is_added_and_a_longer_one_widened(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    begin(&r, s);
    const Column wider[] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_BIGINT, .key = 1},
        {.name = STR_LIT("Name"), .type = SQLTYPE_NVARCHAR, .length = 40, .is_nullable = true},
        {.name = STR_LIT("amount"), .type = SQLTYPE_INT, .is_nullable = true},
        {.name = STR_LIT("note"), .type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2},
    };
    const Schema *s2 = schema_of("items", wider, 4);
    must_put(r.sink, table_batch(s2, BATCH_COPY_KEEP));
    Batch *b = changes_batch(1, 2);
    Value *row = batch_row(b, 4);
    row[0] = value_int(INT64_C(1) << 40);
    row[1] = row[2] = value_null();
    row[3] = value_int(-1234);
    add(b, OP_CREATE, s2, row);
    must_put(r.sink, b);
    assert_string_equal(pg_fixture_text(r.conn, "SELECT id || ' ' || note FROM dbo.items"),
                        "1099511627776 -12.34");
    schema_unref(s);
    schema_unref(s2);
    rig_close(&r);
}

static void without_evolution_the_statement_to_run_is_named(void **state) {
    (void)state;
    static const Setting plain[] = {{"insert.mode", "upsert"},
                                    {"pk.mode", "record_key"},
                                    {"quote.identifiers", "true"},
                                    {"table.name.format", "${source.schema}.${source.table}"},
                                    {NULL, NULL}};
    Rig r;
    rig_open(&r, plain);
    const Schema *s = items("items", true);
    Err e = {0};
    assert_false(put(r.sink, table_batch(s, BATCH_COPY_NONE), &e));
    assert_non_null(strstr(e.msg, "CREATE TABLE \"dbo\".\"items\""));
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text)");
    assert_false(put(r.sink, table_batch(s, BATCH_COPY_NONE), &e));
    assert_non_null(strstr(e.msg, "ALTER TABLE \"dbo\".\"items\" ADD COLUMN \"amount\" integer"));
    pg_fixture_exec(r.conn, "ALTER TABLE dbo.items ADD amount uuid");
    assert_false(put(r.sink, table_batch(s, BATCH_COPY_NONE), &e));
    assert_non_null(strstr(e.msg, "dbo.items.amount is int in SQL Server"));
    schema_unref(s);
    rig_close(&r);
}

static void a_unique_value_that_moves_between_rows_is_replayed_in_order(void **state) {
    (void)state;
    for (int is_large = 0; is_large < 2; is_large++) {
        Rig r;
        rig_open(&r, UPSERT);
        const Schema *s = items("items", true);
        pg_fixture_exec(r.conn,
                        "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text UNIQUE, amount int)");
        begin(&r, s);
        Batch *b = changes_batch(1, 2);
        add(b, OP_CREATE, s, item(b, 1, "a", 1));
        add(b, OP_CREATE, s, item(b, 2, "b", 1));
        must_put(r.sink, b);
        b = changes_batch(2, 3);
        add(b, OP_UPDATE, s, item(b, 2, "c", 1)); /* by last states 1 takes "b" while 2 still has it */
        add(b, OP_UPDATE, s, item(b, 1, "b", 2));
        add(b, OP_UPDATE, s, item(b, 2, "a", 2));
        for (int64_t i = 0; is_large && i < 2000; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "n%d", (int)i);
            add(b, OP_CREATE, s, item(b, 10 + i, name, 2));
        }
        /* rows are compacted to 2→a before 1→b: 2 can't take "a" while 1 has it */
        must_put(r.sink, b);
        assert_string_equal(
            pg_fixture_text(r.conn, "SELECT \"Name\" FROM dbo.items WHERE id < 10 ORDER BY id"), "b|a");
        schema_unref(s);
        rig_close(&r);
    }
}

static void a_foreign_key_added_while_it_runs_costs_one_replay(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.parents (id int PRIMARY KEY, \"Name\" text, amount int);"
                            "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int)");
    const Schema *parents = items("parents", true), *s = items("items", true);
    must_put(r.sink, table_batch(parents, BATCH_COPY_NONE));
    begin(&r, s);
    pg_fixture_exec(r.conn, "ALTER TABLE dbo.items ADD FOREIGN KEY (amount) REFERENCES dbo.parents");
    for (uint32_t i = 1; i < 4; i++) { /* items' first change comes before the row that its last refers to */
        Batch *b = changes_batch(i, i + 1);
        Value *row = batch_row(b, 3);
        memcpy(row, item(b, i, "a", 0), 2 * sizeof *row);
        row[2] = value_null();
        add(b, OP_CREATE, s, row);
        add(b, OP_CREATE, parents, item(b, 100 + i, "p", 1));
        add(b, OP_UPDATE, s, item(b, i, "b", 100 + i));
        must_put(r.sink, b);
        assert_int_equal(metric_value(metrics_find(r.metrics, "millrace_replays_total", (Str){0})), 1);
    }
    assert_string_equal(rows_of(&r, "items"), "1,b,101|2,b,102|3,b,103");
    schema_unref(parents);
    schema_unref(s);
    rig_close(&r);
}

static void a_replay_inside_a_long_transaction_keeps_its_earlier_batches(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text UNIQUE, amount int)");
    begin(&r, s);
    Batch *b = batch_new(BATCH_CHANGES);
    b->from = at(1);
    b->to = inside(2, 1000);
    add(b, OP_CREATE, s, item(b, 1, "a", 1));
    add(b, OP_CREATE, s, item(b, 2, "b", 1));
    must_put(r.sink, b);
    b = changes_batch(1, 2);
    b->from = inside(2, 1000);
    add(b, OP_UPDATE, s, item(b, 1, "t", 1));
    add(b, OP_UPDATE, s, item(b, 2, "a", 1));
    add(b, OP_UPDATE, s, item(b, 1, "b", 1));
    for (size_t i = 0; i < b->count; i++) b->changes[i].position = inside(2, 1001 + (uint32_t)i);
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,b,1|2,a,1");
    schema_unref(s);
    rig_close(&r);
}

/* A deferred constraint is looked at in COMMIT: there is no savepoint to go back to any more. */
static void what_the_commit_of_a_long_transaction_refuses_is_named(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.parent (id int PRIMARY KEY);"
                            "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" varchar(20), amount int "
                            "CONSTRAINT up REFERENCES dbo.parent DEFERRABLE INITIALLY DEFERRED)");
    begin(&r, s);
    for (uint32_t i = 0; i < 2; i++) {
        Batch *b = batch_new(BATCH_CHANGES);
        b->from = i ? inside(2, 1000) : at(1);
        b->to = i ? at(2) : inside(2, 1000);
        b->ends_transaction = i == 1;
        add(b, OP_CREATE, s, item(b, i, "x", 5));
        b->changes[0].position = inside(2, i * 1000 + 1);
        Err e = {0};
        assert_true(put(r.sink, b, &e) == (i == 0));
        if (i == 0) continue;
        assert_int_equal(e.code, ERR_DATA);
        if (!strstr(e.msg, "23503") || !strstr(e.msg, "constraint up")) fail_msg("%s", e.msg);
    }
    assert_string_equal(rows_of(&r, "items"), "");
    schema_unref(s);
    rig_close(&r);
}

static void a_real_violation_fails_without_row_data_and_writes_nothing(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    pg_fixture_exec(
        r.conn,
        "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text UNIQUE, amount int CHECK (amount < 100))");
    begin(&r, s);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "secret", 1));
    add(b, OP_CREATE, s, item(b, 2, "secret", 1));
    Err e = {0};
    assert_false(put(r.sink, b, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_false(e.retriable);
    assert_non_null(strstr(e.msg, "23505"));
    assert_non_null(strstr(e.msg, "items_Name_key"));
    assert_null(strstr(e.msg, "secret"));
    assert_string_equal(rows_of(&r, "items"), "");
    b = changes_batch(1, 2); /* and the sink goes on */
    add(b, OP_CREATE, s, item(b, 1, "x", 1));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,x,1");
    schema_unref(s);
    rig_close(&r);
}

static void text_with_a_nul_names_its_column(void **state) {
    (void)state;
    for (int is_large = 0; is_large < 2; is_large++) {
        Rig r;
        rig_open(&r, UPSERT);
        const Schema *s = items("items", true);
        begin(&r, s);
        Batch *b = changes_batch(1, 2);
        for (int64_t i = 0; i < (is_large ? 2000 : 1); i++) add(b, OP_CREATE, s, item(b, i, "x", 1));
        Value *row = batch_row(b, 3);
        row[0] = value_int(5000);
        row[1] = value_bytes("a\0b", 3);
        row[2] = value_null();
        add(b, OP_CREATE, s, row);
        Err e = {0};
        assert_false(put(r.sink, b, &e));
        assert_int_equal(e.code, ERR_DATA);
        assert_non_null(strstr(e.msg, "dbo.items.Name"));
        assert_string_equal(rows_of(&r, "items"), "");
        b = changes_batch(1, 2);
        must_put(r.sink, b);
        schema_unref(s);
        rig_close(&r);
    }
}

static void rows_of_a_keyless_table_are_counted_not_matched_by_key(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("bag", false);
    begin(&r, s);
    Batch *b = changes_batch(1, 2);
    for (int i = 0; i < 3; i++) add(b, OP_CREATE, s, item(b, 1, NULL, 1));
    add(b, OP_CREATE, s, item(b, 2, "z", -1));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "bag"), "1,-,1|1,-,1|1,-,1|2,z,-");
    b = changes_batch(2, 3);
    add(b, OP_DELETE, s, item(b, 1, NULL, 1));
    add(b, OP_UPDATE, s, item(b, 1, "new", 1));
    b->changes[1].before = item(b, 1, NULL, 1);
    add(b, OP_UPDATE, s, item(b, 3, "z", 3));
    b->changes[2].before = item(b, 2, "z", -1);
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "bag"), "1,-,1|1,new,1|3,z,3");
    b = changes_batch(3, 4);
    add(b, OP_DELETE, s, item(b, 99, NULL, 1));
    Err e = {0};
    assert_false(put(r.sink, b, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_string_equal(rows_of(&r, "bag"), "1,-,1|1,new,1|3,z,3");
    schema_unref(s);
    rig_close(&r);
}

static void a_column_that_is_absent_keeps_its_value(void **state) {
    (void)state;
    for (int is_large = 0; is_large < 2; is_large++) {
        Rig r;
        rig_open(&r, UPSERT);
        const Schema *s = items("items", true);
        begin(&r, s);
        int64_t n = is_large ? 2000 : 2;
        Batch *b = changes_batch(1, 2);
        for (int64_t i = 0; i < n; i++) add(b, OP_CREATE, s, item(b, i, "kept", 1));
        must_put(r.sink, b);
        b = changes_batch(2, 3);
        for (int64_t i = 0; i < n; i++) {
            Value *row = (Value *)(uintptr_t)item(b, i, NULL, 2);
            row[1] = (Value){.flags = VALUE_ABSENT};
            add(b, OP_UPDATE, s, row);
        }
        must_put(r.sink, b);
        assert_string_equal(
            pg_fixture_text(r.conn,
                            "SELECT count(*) = sum(amount - 1) FROM dbo.items WHERE \"Name\" = 'kept'"),
            "t");
        schema_unref(s);
        rig_close(&r);
    }
}

static void foreign_keys_are_met_whatever_the_order_of_tables(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    pg_fixture_exec(
        r.conn,
        "CREATE TABLE dbo.parent (id int PRIMARY KEY, \"Name\" text, amount int);"
        "CREATE TABLE dbo.child (id int PRIMARY KEY, \"Name\" text, amount int REFERENCES dbo.parent)");
    const Schema *child = items("child", true), *parent = items("parent", true);
    must_put(r.sink, table_batch(child, BATCH_COPY_NONE));
    begin(&r, parent);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, parent, item(b, 1, "p", 1));
    add(b, OP_CREATE, child, item(b, 1, "c", 1));
    add(b, OP_CREATE, parent, item(b, 2, "p", 1));
    must_put(r.sink, b);
    b = changes_batch(2, 3); /* the parent goes after its child was moved away */
    add(b, OP_UPDATE, child, item(b, 1, "c", 2));
    add(b, OP_DELETE, parent, item(b, 1, NULL, -1));
    must_put(r.sink, b);
    b = changes_batch(3, 4);
    add(b, OP_DELETE, child, item(b, 1, NULL, -1));
    add(b, OP_DELETE, parent, item(b, 2, NULL, -1));
    must_put(r.sink, b);
    assert_string_equal(pg_fixture_text(r.conn, "SELECT count(*) FROM dbo.parent"), "0");
    schema_unref(child);
    schema_unref(parent);
    rig_close(&r);
}

static void a_second_owner_fences_the_first_which_writes_nothing_more(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    begin(&r, s);
    Batch *b = batch_new(BATCH_CHANGES); /* the first owner stops in the midst of a transaction */
    b->from = at(1);
    b->to = inside(2, 1000);
    add(b, OP_CREATE, s, item(b, 1, "first", 1));
    must_put(r.sink, b);

    Sink *second = sink_of(&r, "t");
    StoredState stored = own(second);
    Position one = at(1);
    assert_int_equal(position_cmp(&stored.position, &one), 0);
    stored_state_done(&stored);
    b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "second", 1));
    must_put(second, b);

    b = changes_batch(1, 2);
    b->from = inside(2, 1000);
    add(b, OP_CREATE, s, item(b, 2, "first", 1));
    b->changes[0].position = inside(2, 1001);
    Err e = {0};
    assert_false(put(r.sink, b, &e));
    assert_int_equal(e.code, ERR_FENCED);
    assert_false(e.retriable);
    StoredState none = {0};
    assert_false(postgres_sink_class.own(r.sink, &none, &e));
    assert_int_equal(e.code, ERR_FENCED);
    assert_string_equal(rows_of(&r, "items"), "1,second,1");
    postgres_sink_class.stop(second);
    schema_unref(s);
    rig_close(&r);
}

static void an_epoch_raised_from_outside_stops_the_owner(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    begin(&r, s);
    pg_fixture_exec(r.conn, "UPDATE millrace.position SET epoch = epoch + 1");
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "x", 1));
    Err e = {0};
    assert_false(put(r.sink, b, &e));
    assert_int_equal(e.code, ERR_FENCED);
    assert_string_equal(rows_of(&r, "items"), "");
    schema_unref(s);
    rig_close(&r);
}

static void kill_sink(Rig *r) {
    pg_fixture_exec(
        r->conn,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'millrace t'");
}

static void a_killed_connection_is_retriable_and_the_batch_is_put_once(void **state) {
    (void)state;
    for (int is_large = 0; is_large < 2; is_large++) {
        Rig r;
        rig_open(&r, UPSERT);
        const Schema *s = items("items", true);
        begin(&r, s);
        kill_sink(&r);
        Batch *b = changes_batch(1, 2);
        for (int64_t i = 0; i < (is_large ? 2000 : 5); i++) add(b, OP_CREATE, s, item(b, i, "x", 1));
        Err e = {0};
        assert_false(postgres_sink_class.put(r.sink, b, &e));
        assert_true(e.retriable);
        assert_false(postgres_sink_class.needs_source_back(r.sink));
        StoredState stored = own(r.sink);
        stored_state_done(&stored);
        must_put(r.sink, b);
        assert_string_equal(pg_fixture_text(r.conn, "SELECT count(*) FROM dbo.items"),
                            is_large ? "2000" : "5");
        schema_unref(s);
        rig_close(&r);
    }
}

static void a_connection_killed_inside_a_long_transaction_sends_the_source_back(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    begin(&r, s);
    Batch *b = batch_new(BATCH_CHANGES);
    b->from = at(1);
    b->to = inside(2, 1000);
    add(b, OP_CREATE, s, item(b, 1, "x", 1));
    must_put(r.sink, b);
    kill_sink(&r);
    b = changes_batch(1, 2);
    b->from = inside(2, 1000);
    add(b, OP_CREATE, s, item(b, 2, "x", 1));
    b->changes[0].position = inside(2, 1001);
    Err e = {0};
    assert_false(put(r.sink, b, &e));
    assert_true(e.retriable);
    assert_true(postgres_sink_class.needs_source_back(r.sink));
    assert_string_equal(rows_of(&r, "items"), "");
    schema_unref(s);
    rig_close(&r);
}

/* A trigger that ends the session when the transaction commits, once: the answer to COMMIT never comes. */
static void a_connection_killed_in_commit_is_settled_by_what_is_stored(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    begin(&r, s);
    pg_fixture_exec(r.conn,
                    "CREATE FUNCTION dbo.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                    " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
                    "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON dbo.items DEFERRABLE INITIALLY DEFERRED"
                    " FOR EACH ROW EXECUTE FUNCTION dbo.die()");
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "x", 1));
    Err e = {0};
    assert_false(postgres_sink_class.put(r.sink, b, &e));
    assert_true(e.retriable);
    pg_fixture_exec(r.conn, "DROP TRIGGER die ON dbo.items");
    StoredState stored = own(r.sink);
    stored_state_done(&stored);
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,x,1");
    schema_unref(s);
    rig_close(&r);
}

static void a_commit_whose_answer_was_lost_is_not_done_twice(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    begin(&r, s);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "x", 1));
    must_put(r.sink, b);
    b = changes_batch(1, 2); /* the same again, as after a lost answer */
    add(b, OP_CREATE, s, item(b, 1, "twice", 1));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,x,1");
    schema_unref(s);
    rig_close(&r);
}

static void update_mode_touches_only_rows_that_are_there(void **state) {
    (void)state;
    static const Setting update[] = {{"insert.mode", "update"},
                                     {"pk.mode", "record_key"},
                                     {"schema.evolution", "basic"},
                                     {"quote.identifiers", "true"},
                                     {"table.name.format", "${source.schema}.${source.table}"},
                                     {NULL, NULL}};
    Rig r;
    rig_open(&r, update);
    const Schema *s = items("items", true);
    begin(&r, s);
    pg_fixture_exec(r.conn, "INSERT INTO dbo.items VALUES (1, 'old', 1)");
    Batch *b = changes_batch(1, 2);
    add(b, OP_UPDATE, s, item(b, 1, "new", 2));
    add(b, OP_CREATE, s, item(b, 2, "none", 2));
    add(b, OP_DELETE, s, item(b, 1, NULL, -1)); /* delete.enabled=false */
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,new,2");
    schema_unref(s);
    rig_close(&r);
}

static void insert_mode_keeps_every_change_as_a_row(void **state) {
    (void)state;
    static const Setting insert[] = {{"insert.mode", "insert"},
                                     {"schema.evolution", "basic"},
                                     {"quote.identifiers", "true"},
                                     {"table.name.format", "${source.schema}.${source.table}"},
                                     {NULL, NULL}};
    Rig r;
    rig_open(&r, insert);
    const Schema *s = items("items", true);
    begin(&r, s);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "a", 1));
    add(b, OP_UPDATE, s, item(b, 1, "b", 1));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,a,1|1,b,1");
    schema_unref(s);
    rig_close(&r);
}

static void an_idle_sink_notices_a_lost_connection(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, UPSERT);
    Err e = {0};
    assert_true(postgres_sink_class.idle(r.sink, &e));
    kill_sink(&r);
    assert_false(postgres_sink_class.idle(r.sink, &e));
    assert_true(e.retriable);
    StoredState stored = own(r.sink);
    stored_state_done(&stored);
    assert_true(postgres_sink_class.idle(r.sink, &e));
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_start_makes_its_tables_and_knows_no_position),
        cmocka_unit_test(a_table_is_created_with_key_and_native_types),
        cmocka_unit_test(inserts_updates_and_deletes_of_a_batch_leave_the_last_state),
        cmocka_unit_test(large_batches_go_by_copy_and_merge),
        cmocka_unit_test(a_transaction_over_several_batches_shows_only_whole),
        cmocka_unit_test(chunks_are_copied_and_marked_with_their_last_part),
        cmocka_unit_test(the_sources_end_brings_foreign_keys_back),
        cmocka_unit_test(a_table_that_holds_rows_is_not_copied_into),
        cmocka_unit_test(a_new_column_is_added_and_a_longer_one_widened),
        cmocka_unit_test(without_evolution_the_statement_to_run_is_named),
        cmocka_unit_test(a_unique_value_that_moves_between_rows_is_replayed_in_order),
        cmocka_unit_test(a_foreign_key_added_while_it_runs_costs_one_replay),
        cmocka_unit_test(a_replay_inside_a_long_transaction_keeps_its_earlier_batches),
        cmocka_unit_test(what_the_commit_of_a_long_transaction_refuses_is_named),
        cmocka_unit_test(a_real_violation_fails_without_row_data_and_writes_nothing),
        cmocka_unit_test(text_with_a_nul_names_its_column),
        cmocka_unit_test(rows_of_a_keyless_table_are_counted_not_matched_by_key),
        cmocka_unit_test(a_column_that_is_absent_keeps_its_value),
        cmocka_unit_test(foreign_keys_are_met_whatever_the_order_of_tables),
        cmocka_unit_test(a_second_owner_fences_the_first_which_writes_nothing_more),
        cmocka_unit_test(an_epoch_raised_from_outside_stops_the_owner),
        cmocka_unit_test(a_killed_connection_is_retriable_and_the_batch_is_put_once),
        cmocka_unit_test(a_connection_killed_inside_a_long_transaction_sends_the_source_back),
        cmocka_unit_test(a_connection_killed_in_commit_is_settled_by_what_is_stored),
        cmocka_unit_test(a_commit_whose_answer_was_lost_is_not_done_twice),
        cmocka_unit_test(update_mode_touches_only_rows_that_are_there),
        cmocka_unit_test(insert_mode_keeps_every_change_as_a_row),
        cmocka_unit_test(an_idle_sink_notices_a_lost_connection),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
