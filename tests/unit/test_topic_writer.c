#include "postgres/topic_writer.h"

#include "topic_rig.h"

static const char *rows(TopicRig *r) {
    return pg_fixture_text(r->conn, "SELECT string_agg(concat_ws(',', id, coalesce(\"Name\", '-'), "
                                    "coalesce(amount::text, '-')), ' ' ORDER BY id) FROM dbo.items");
}

static void rows_and_offset_are_one_transaction(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    Puts puts = {.batch = some()};
    add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "one", 1));
    add(puts.batch, OP_UPSERT, s, item(puts.batch, 2, "two", 2));
    add(puts.batch, OP_UPDATE, s, item(puts.batch, 1, "uno", 1));
    must_put_to(&r, &puts, 3);
    assert_string_equal(rows(&r), "1,uno,1 2,two,2");
    assert_string_equal(stored_offset(&r), "3/1/g");
    puts.batch = some();
    add(puts.batch, OP_DELETE, s, item(puts.batch, 1, NULL, -1));
    must_put_to(&r, &puts, 4);
    assert_string_equal(rows(&r), "2,two,2");
    puts.batch = some(); /* no rows: the offset alone */
    must_put_to(&r, &puts, 9);
    assert_string_equal(stored_offset(&r), "9/1/g");
    schema_unref(s);
    topic_rig_close(&r);
}

static void rows_without_a_key_are_changed_by_what_they_were(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    const Schema *s = items("items", false);
    Puts puts = {.batch = some()};
    for (int i = 0; i < 3; i++) add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "one", 1));
    must_put_to(&r, &puts, 3);
    puts.batch = some();
    add(puts.batch, OP_DELETE, s, item(puts.batch, 1, "one", 1));
    add(puts.batch, OP_UPDATE, s, item(puts.batch, 2, "two", -1));
    puts.batch->changes[1].before = item(puts.batch, 1, "one", 1);
    must_put_to(&r, &puts, 5);
    assert_string_equal(rows(&r), "1,one,1 2,two,-");
    puts.batch = some(); /* no such row: its own fault */
    add(puts.batch, OP_DELETE, s, item(puts.batch, 9, "nine", 9));
    Err e = {0};
    assert_false(put_to(&r, &puts, 6, &e));
    assert_non_null(strstr(e.msg, "22000"));
    assert_string_equal(rows(&r), "1,one,1 2,two,-");
    schema_unref(s);
    topic_rig_close(&r);
}

static void who_lost_the_partition_writes_nothing(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    Puts puts = {.batch = some()};
    add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "one", 1));
    must_put_to(&r, &puts, 1);
    TopicWriter *other = writer_of(&r);
    TopicOffset taken = own_t(other);
    assert_true(taken.has_offset);
    assert_int_equal(taken.offset, 1);
    assert_int_equal(taken.epoch, 2);
    assert_string_equal(buf_text(&taken.guard), "g");
    Err e = {0};
    puts.batch = some();
    add(puts.batch, OP_CREATE, s, item(puts.batch, 2, "two", 2));
    assert_false(put_to(&r, &puts, 2, &e));
    assert_int_equal(e.code, ERR_FENCED);
    assert_string_equal(rows(&r), "1,one,1");
    assert_true(postgres_topic_writer_class.is_open(r.writer));
    buf_done(&taken.guard);
    postgres_topic_writer_class.stop(other);
    schema_unref(s);
    topic_rig_close(&r);
}

/* A stopped process's transaction holds the partition's row. */
static void an_owner_that_is_in_the_way_is_ended(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    PgConn *zombie = pg_fixture_connect();
    pg_fixture_exec(zombie,
                    "UPDATE millrace.topic_offset SET owner_pid = pg_backend_pid(), owner_start = (SELECT "
                    "backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())");
    pg_fixture_exec(zombie, "BEGIN; SELECT 1 FROM millrace.topic_offset FOR UPDATE");
    TopicWriter *other = writer_of(&r);
    TopicOffset taken = own_t(other);
    assert_int_equal(taken.epoch, 2);
    Err e = {0};
    assert_false(pgconn_exec(zombie, "COMMIT", &e));
    buf_done(&taken.guard);
    postgres_topic_writer_class.stop(other);
    pgconn_close(zombie);
    topic_rig_close(&r);
}

static const Schema *wider_items(void) {
    const Column columns[] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1, .column_id = 1},
        {.name = STR_LIT("Name"),
         .type = SQLTYPE_NVARCHAR,
         .length = 20,
         .is_nullable = true,
         .column_id = 2},
        {.name = STR_LIT("amount"), .type = SQLTYPE_BIGINT, .is_nullable = true, .column_id = 3},
        {.name = STR_LIT("note"), .type = SQLTYPE_NVARCHAR, .length = 9, .is_nullable = true, .column_id = 4},
    };
    return schema_of("items", columns, 4);
}

static const Value *wider(Batch *b, int64_t id, int64_t amount, const char *note) {
    Value *row = batch_row(b, 4);
    Str text = arena_str(&b->arena, str_from(note));
    row[0] = value_int(id);
    row[1] = value_null();
    row[2] = value_int(amount);
    row[3] = value_bytes(text.p, (uint32_t)text.n);
    return row;
}

static void versions_of_a_schema_may_alternate(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    const Schema *old = items("items", true), *new = wider_items();
    Puts puts = {.batch = some()};
    add(puts.batch, OP_CREATE, old, item(puts.batch, 1, "one", 1));
    add(puts.batch, OP_CREATE, new, wider(puts.batch, 2, INT64_C(9000000000), "n"));
    add(puts.batch, OP_UPDATE, old, item(puts.batch, 3, "three", 3));
    add(puts.batch, OP_UPDATE, new, wider(puts.batch, 1, 7, "m"));
    must_put_to(&r, &puts, 4);
    assert_string_equal(rows(&r), "1,-,7 2,-,9000000000 3,three,3");
    puts.batch = some();
    add(puts.batch, OP_UPDATE, old, item(puts.batch, 3, "drei", 3));
    must_put_to(&r, &puts, 5);
    assert_string_equal(rows(&r), "1,-,7 2,-,9000000000 3,drei,3");
    schema_unref(old);
    schema_unref(new);
    topic_rig_close(&r);
}

/* The first record of a topic is a tombstone: of the table only the key is known. */
static void a_delete_of_no_table_does_nothing(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    const Column key = {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1, .column_id = 1};
    const Schema *narrow = schema_of("items", &key, 1), *s = items("items", true);
    Puts puts = {.batch = some()};
    Value *gone = batch_row(puts.batch, 1);
    gone[0] = value_int(1);
    add(puts.batch, OP_DELETE, narrow, gone);
    must_put_to(&r, &puts, 1);
    assert_string_equal(stored_offset(&r), "1/1/g");
    assert_string_equal(pg_fixture_text(r.conn, "SELECT to_regclass('dbo.items')"), "null");
    puts.batch = some();
    gone = batch_row(puts.batch, 1);
    gone[0] = value_int(1);
    add(puts.batch, OP_DELETE, narrow, gone);
    add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "one", 1));
    add(puts.batch, OP_CREATE, s, item(puts.batch, 2, "two", 2));
    must_put_to(&r, &puts, 4);
    assert_string_equal(rows(&r), "1,one,1 2,two,2");
    puts.batch = some();
    gone = batch_row(puts.batch, 1);
    gone[0] = value_int(1);
    add(puts.batch, OP_DELETE, narrow, gone);
    must_put_to(&r, &puts, 5);
    assert_string_equal(rows(&r), "2,two,2");
    schema_unref(narrow);
    schema_unref(s);
    topic_rig_close(&r);
}

/* A tombstone is the first that is seen of a topic, and the target's name has no schema. */
static void a_delete_by_key_alone_finds_a_table_of_the_search_path(void **state) {
    (void)state;
    static const Setting settings[] = {{"insert.mode", "upsert"},
                                       {"pk.mode", "record_key"},
                                       {"delete.enabled", "true"},
                                       {"table.name.format", "plain_items"},
                                       {NULL, NULL}};
    TopicRig r;
    topic_rig_open(&r, settings);
    pg_fixture_exec(r.conn, "DROP TABLE IF EXISTS plain_items; CREATE TABLE plain_items (id int PRIMARY KEY, "
                            "n int); INSERT INTO plain_items VALUES (1, 1), (2, 2)");
    const Column key = {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1, .column_id = 1};
    const Schema *narrow = schema_of("items", &key, 1);
    Puts puts = {.batch = some()};
    Value *gone = batch_row(puts.batch, 1);
    gone[0] = value_int(1);
    add(puts.batch, OP_DELETE, narrow, gone);
    must_put_to(&r, &puts, 1);
    assert_string_equal(pg_fixture_text(r.conn, "SELECT string_agg(id::text, ',') FROM plain_items"), "2");
    schema_unref(narrow);
    topic_rig_close(&r);
}

static const char *not_null(TopicRig *r) {
    return pg_fixture_text(r->conn, "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE "
                                    "attrelid = 'dbo.items'::regclass AND attnum > 0 AND attnotnull");
}

/* As change_maker makes them. */
static const Schema *items_of_topic(const Column *columns, size_t count) {
    const SchemaSpec spec = {.schema = STR_LIT("dbo"),
                             .table = STR_LIT("items"),
                             .topic = STR_LIT("t"),
                             .version = 1,
                             .columns = columns,
                             .column_count = count};
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void delete_by_key(TopicRig *r, const Schema *key, int64_t id, int64_t next) {
    Puts puts = {.batch = some()};
    Value *gone = batch_row(puts.batch, 1);
    gone[0] = value_int(id);
    add(puts.batch, OP_DELETE, key, gone);
    must_put_to(r, &puts, next);
}

static void a_delete_by_key_alone_changes_no_other_column(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    const Column columns[] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1, .column_id = 1},
        {.name = STR_LIT("Name"), .type = SQLTYPE_NVARCHAR, .length = 20, .column_id = 2},
        {.name = STR_LIT("amount"), .type = SQLTYPE_INT, .is_nullable = true, .column_id = 3},
    };
    const Schema *s = items_of_topic(columns, 3), *key = items_of_topic(columns, 1);
    Puts puts = {.batch = some()};
    add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "one", 1));
    add(puts.batch, OP_CREATE, s, item(puts.batch, 2, "two", 2));
    must_put_to(&r, &puts, 2);
    assert_string_equal(not_null(&r), "id,Name");
    delete_by_key(&r, key, 1, 3);
    assert_string_equal(rows(&r), "2,two,2");
    assert_string_equal(not_null(&r), "id,Name");
    schema_unref(s);
    schema_unref(key);
    topic_rig_close(&r);
}

/* What stood there before us, and what the source has no longer, are two things. */
static void a_delete_by_key_alone_does_not_count_as_having_written(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text NOT NULL)");
    const Column columns[] = {{.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1, .column_id = 1}};
    const Schema *key = items_of_topic(columns, 1);
    delete_by_key(&r, key, 1, 1);
    const Column wider[] = {columns[0], {.name = STR_LIT("n"), .type = SQLTYPE_INT, .column_id = 2}};
    const Schema *s = items_of_topic(wider, 2);
    Puts puts = {.batch = some()};
    Value *row = batch_row(puts.batch, 2);
    row[0] = row[1] = value_int(1);
    add(puts.batch, OP_CREATE, s, row);
    Err e = {0};
    assert_false(put_to(&r, &puts, 2, &e));
    assert_non_null(strstr(e.msg, "the target's column Name is NOT NULL"));
    assert_string_equal(not_null(&r), "id,Name");
    schema_unref(s);
    schema_unref(key);
    topic_rig_close(&r);
}

/* A table of which nothing but the key is left: a delete by key comes first, and rows follow. */
static void rows_of_a_key_alone_free_the_columns_that_are_gone(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    const Column columns[] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1, .column_id = 1},
        {.name = STR_LIT("Name"), .type = SQLTYPE_NVARCHAR, .length = 20, .column_id = 2},
        {.name = STR_LIT("amount"), .type = SQLTYPE_INT, .is_nullable = true, .column_id = 3},
    };
    const Schema *s = items_of_topic(columns, 3), *key = items_of_topic(columns, 1);
    Puts puts = {.batch = some()};
    add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "one", 1));
    must_put_to(&r, &puts, 1);
    puts.batch = some();
    Value *row = batch_row(puts.batch, 1);
    row[0] = value_int(1);
    add(puts.batch, OP_DELETE, key, row);
    row = batch_row(puts.batch, 1);
    row[0] = value_int(2);
    add(puts.batch, OP_CREATE, key, row);
    must_put_to(&r, &puts, 3);
    assert_string_equal(rows(&r), "2,-,-");
    assert_string_equal(not_null(&r), "id");
    schema_unref(s);
    schema_unref(key);
    topic_rig_close(&r);
}

static const Setting TOLERANT[] = {
    {"insert.mode", "upsert"},     {"pk.mode", "record_key"},
    {"delete.enabled", "true"},    {"schema.evolution", "basic"},
    {"quote.identifiers", "true"}, {"table.name.format", "${source.schema}.${source.table}"},
    {"errors.tolerance", "all"},   {NULL, NULL},
};

static void refused_rows_are_the_callers_and_the_rest_is_in(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, TOLERANT);
    const Schema *s = items("items", true);
    Puts puts = {.batch = some()};
    add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "one", 1));
    must_put_to(&r, &puts, 1);
    pg_fixture_exec(r.conn, "ALTER TABLE dbo.items ADD CHECK (amount < 100)");
    puts.batch = some();
    for (int64_t i = 0; i < 40; i++)
        add(puts.batch, OP_UPSERT, s, item(puts.batch, i, "x", i == 7 || i == 30 ? 100 : i));
    must_put_to(&r, &puts, 41);
    assert_int_equal(puts.refused_count, 2);
    assert_int_equal(puts.refused[0], 7);
    assert_int_equal(puts.refused[1], 30);
    assert_string_equal(puts.sqlstate, "23514");
    assert_int_equal(puts.settled, 1);
    assert_string_equal(pg_fixture_text(r.conn, "SELECT count(*) FROM dbo.items"), "38");
    assert_string_equal(stored_offset(&r), "41/1/g");
    schema_unref(s);
    topic_rig_close(&r);
}

static void without_tolerance_a_refused_row_fails_the_put(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    Puts puts = {.batch = some()};
    add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "one", 1));
    must_put_to(&r, &puts, 1);
    pg_fixture_exec(r.conn, "ALTER TABLE dbo.items ADD CHECK (amount < 100)");
    puts.batch = some();
    add(puts.batch, OP_UPSERT, s, item(puts.batch, 5, "x", 100));
    Err e = {0};
    assert_false(put_to(&r, &puts, 2, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_string_equal(stored_offset(&r), "1/1/g");
    schema_unref(s);
    topic_rig_close(&r);
}

/* Letters of a transaction that is rolled back come again; so do refusals of which a hundred in a row would
 * be the table's fault. */
static void what_is_rolled_back_does_not_count(void **state) {
    (void)state;
    enum { EACH = 9, TRIES = 15 };
    static const Setting settings[] = {
        {"insert.mode", "upsert"},
        {"pk.mode", "record_key"},
        {"schema.evolution", "basic"},
        {"quote.identifiers", "true"},
        {"table.name.format", "${source.schema}.${source.table}"},
        {"errors.tolerance", "all"},
        {"dlq.limit.per.minute", "10"},
        {NULL, NULL},
    };
    TopicRig r;
    Puts puts = {.unsettled = TRIES};
    topic_rig_open(&r, settings);
    pg_fixture_exec(r.conn, "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int CHECK "
                            "(amount < 100))");
    const Schema *s = items("items", true);
    for (int try = 0; try <= TRIES; try++) {
        Err e = {0};
        puts.batch = some();
        for (int i = 0; i < EACH; i++) add(puts.batch, OP_UPSERT, s, item(puts.batch, i, "x", 100));
        bool ok = put_to(&r, &puts, EACH, &e);
        if (!ok && !e.retriable) fail_msg("try %d: %s", try, e.msg);
        assert_true(ok == (try == TRIES));
        puts.refused_count = 0;
    }
    Err e = {0};
    puts.batch = some();
    for (int i = 0; i < 2; i++) add(puts.batch, OP_UPSERT, s, item(puts.batch, i, "x", 100));
    assert_false(put_to(&r, &puts, EACH + 2, &e)); /* the eleventh within the minute */
    assert_non_null(strstr(e.msg, "dlq.limit.per.minute"));
    schema_unref(s);
    topic_rig_close(&r);
}

/* By what can't come right, and by what might have. */
static void its_letter_is_settled_before_the_put_fails(void **state) {
    (void)state;
    static const char *const rules[] = {"ALTER TABLE dbo.items ADD CHECK (amount < 100) NOT VALID",
                                        "ALTER TABLE dbo.items ADD UNIQUE (amount)"};
    for (int i = 0; i < 4; i++) {
        TopicRig r;
        topic_rig_open(&r, UPSERT);
        const Schema *s = items("items", true);
        Puts puts = {.batch = some(), .has_no_letters = i >= 2};
        add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "one", 100));
        must_put_to(&r, &puts, 1);
        pg_fixture_exec(r.conn, rules[i % 2]);
        puts.batch = some();
        add(puts.batch, OP_UPSERT, s, item(puts.batch, 4, "x", 4));
        add(puts.batch, OP_UPSERT, s, item(puts.batch, 5, "x", 100));
        Err e = {0};
        assert_false(put_to(&r, &puts, 3, &e));
        assert_int_equal(e.code, ERR_DATA);
        assert_false(e.retriable);
        assert_non_null(strstr(e.msg, "key {\"id\":5}"));
        assert_int_equal(puts.refused_count, i < 2);
        assert_int_equal(puts.settled, i < 2);
        assert_true(i >= 2 || puts.refused[0] == 1);
        assert_string_equal(stored_offset(&r), "1/1/g");
        schema_unref(s);
        topic_rig_close(&r);
    }
}

#define PATIENT(ms)                                                                                          \
    {                                                                                                        \
        {"insert.mode", "upsert"}, {"pk.mode", "record_key"}, {"schema.evolution", "basic"},                 \
            {"quote.identifiers", "true"}, {"table.name.format", "${source.schema}.${source.table}"},        \
            {"errors.tolerance", "all"}, {"errors.retry.timeout", ms}, {                                     \
            NULL, NULL                                                                                       \
        }                                                                                                    \
    }

/* Items that refer to a row of dbo.other, 5, as flat records have them: without positions. */
static bool put_referring(TopicRig *r, const Schema *s, Puts *puts, int count, Err *e) {
    puts->batch = some();
    for (int i = 0; i < count; i++) {
        add(puts->batch, OP_UPSERT, s, item(puts->batch, (int)r->offset.offset + i, "x", 5));
        puts->batch->changes[i].position = (Position){0};
    }
    return put_to(r, puts, r->offset.offset + count, e);
}

static void make_referring(TopicRig *r) {
    pg_fixture_exec(r->conn,
                    "CREATE TABLE dbo.other (id int PRIMARY KEY);"
                    "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int REFERENCES "
                    "dbo.other)");
}

static void of_several_that_wait_none_begins_anew_for_anothers_sake(void **state) {
    (void)state;
    static const Setting settings[] = PATIENT("1");
    TopicRig r;
    Puts puts = {0};
    Err e = {0};
    topic_rig_open(&r, settings);
    make_referring(&r);
    const Schema *s = items("items", true);
    for (int try = 0; try < 2; try++) {
        puts.batch = some();
        add(puts.batch, OP_UPSERT, s, item(puts.batch, 1, "x", 5));
        add(puts.batch, OP_UPSERT, s, item(puts.batch, 2, "x", 6));
        bool ok = put_to(&r, &puts, 2, &e);
        assert_true(ok == (try == 1));
        while (clock_mono_us() < e.retry_until_us) clock_sleep_ms(1);
    }
    assert_int_equal(puts.refused_count, 2);
    schema_unref(s);
    topic_rig_close(&r);
}

static void the_next_put_has_time_of_its_own(void **state) {
    (void)state;
    static const Setting settings[] = PATIENT("60000");
    TopicRig r;
    Puts puts = {0};
    Err first = {0}, second = {0}, third = {0};
    topic_rig_open(&r, settings);
    make_referring(&r);
    const Schema *s = items("items", true);
    assert_false(put_referring(&r, s, &puts, 1, &first));
    pg_fixture_exec(r.conn, "INSERT INTO dbo.other VALUES (5)");
    if (!put_referring(&r, s, &puts, 1, &second)) fail_msg("%s", second.msg);
    pg_fixture_exec(r.conn, "TRUNCATE dbo.items, dbo.other");
    assert_false(put_referring(&r, s, &puts, 1, &second));
    assert_true(second.retriable && second.retry_until_us > first.retry_until_us);
    pg_fixture_exec(r.conn, "UPDATE millrace.topic_offset SET next_offset = 9"); /* in, its answer was lost */
    r.offset.offset = 9;
    assert_false(put_referring(&r, s, &puts, 1, &third));
    assert_true(third.retriable && third.retry_until_us > second.retry_until_us);
    assert_int_equal(puts.refused_count, 0);
    schema_unref(s);
    topic_rig_close(&r);
}

static void what_breaks_compacted_may_hold_in_order(void **state) {
    (void)state;
    TopicRig r;
    topic_rig_open(&r, UPSERT);
    const Schema *s = items("items", true);
    Puts puts = {.batch = some()};
    add(puts.batch, OP_CREATE, s, item(puts.batch, 1, "a", 1));
    add(puts.batch, OP_CREATE, s, item(puts.batch, 2, "b", 2));
    must_put_to(&r, &puts, 2);
    pg_fixture_exec(r.conn, "ALTER TABLE dbo.items ADD UNIQUE (\"Name\")");
    puts.batch = some(); /* they swap their names, by way of a third */
    add(puts.batch, OP_UPDATE, s, item(puts.batch, 1, "c", 1));
    add(puts.batch, OP_UPDATE, s, item(puts.batch, 2, "a", 2));
    add(puts.batch, OP_UPDATE, s, item(puts.batch, 1, "b", 1));
    must_put_to(&r, &puts, 5);
    assert_string_equal(rows(&r), "1,b,1 2,a,2");
    schema_unref(s);
    topic_rig_close(&r);
}

static void a_topic_that_makes_no_table_is_refused_at_the_start(void **state) {
    (void)state;
    static const Setting settings[] = {{"connector.class", "io.confluent.connect.jdbc.JdbcSinkConnector"},
                                       {"topics", "a.b,p.shop.dbo.orders"},
                                       {NULL, NULL}};
    const TopicRig r = {.metrics = metrics_new(), .options = options_of(settings)};
    const ConnectorContext context = {.name = "t", .has_topics = true, .metrics = r.metrics};
    TopicWriter *w = NULL;
    Err e = {0};
    assert_false(postgres_topic_writer_class.start(r.options, &context, &w, &e));
    assert_non_null(strstr(e.msg, "topic p.shop.dbo.orders"));
    assert_non_null(strstr(e.msg, "4 parts"));
    assert_non_null(strstr(e.msg, "\"${topic}\""));
    options_free(r.options);
    metrics_free(r.metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_offset_are_one_transaction),
        cmocka_unit_test(rows_without_a_key_are_changed_by_what_they_were),
        cmocka_unit_test(who_lost_the_partition_writes_nothing),
        cmocka_unit_test(an_owner_that_is_in_the_way_is_ended),
        cmocka_unit_test(versions_of_a_schema_may_alternate),
        cmocka_unit_test(a_delete_of_no_table_does_nothing),
        cmocka_unit_test(a_delete_by_key_alone_finds_a_table_of_the_search_path),
        cmocka_unit_test(a_delete_by_key_alone_changes_no_other_column),
        cmocka_unit_test(a_delete_by_key_alone_does_not_count_as_having_written),
        cmocka_unit_test(rows_of_a_key_alone_free_the_columns_that_are_gone),
        cmocka_unit_test(refused_rows_are_the_callers_and_the_rest_is_in),
        cmocka_unit_test(without_tolerance_a_refused_row_fails_the_put),
        cmocka_unit_test(what_is_rolled_back_does_not_count),
        cmocka_unit_test(its_letter_is_settled_before_the_put_fails),
        cmocka_unit_test(of_several_that_wait_none_begins_anew_for_anothers_sake),
        cmocka_unit_test(the_next_put_has_time_of_its_own),
        cmocka_unit_test(a_topic_that_makes_no_table_is_refused_at_the_start),
        cmocka_unit_test(what_breaks_compacted_may_hold_in_order),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
