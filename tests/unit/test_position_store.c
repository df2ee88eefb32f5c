#include "postgres/position_store.h"

#include <string.h>

#include "pg_rig.h"
#include "test.h"

static PositionStore *new_store(PgConn *c) {
    PositionStore *s = position_store_new(&(PositionKey){.pipeline = "p"}, NULL);
    Err e = {0};
    if (!position_store_create(s, c, &e)) fail_msg("%s", e.msg);
    return s;
}

static int64_t take(PositionStore *s, PgConn *c, StoredState *ret) {
    StoredState state = {0};
    int64_t epoch = 0;
    Err e = {0};
    if (!position_store_own(s, c, &epoch, &state, &e)) fail_msg("%s", e.msg);
    if (ret) *ret = state;
    else stored_state_done(&state);
    return epoch;
}

/* One transaction that moves the position. */
static bool move(PositionStore *s, PgConn *c, int64_t epoch, Position from, Position to, Err *e) {
    static PgStatement begin = {.sql = "BEGIN"}, commit = {.sql = "COMMIT"};
    begin.prepared_on = commit.prepared_on = 0;
    const LaneWork work = {.epoch = epoch, .old = from, .new = to};
    bool ok = pgconn_pipe_begin(c, e) && pgconn_pipe_send(c, &begin, NULL, 0, NULL, e) &&
              position_store_take(s, c, &work, &to, 1700000000000000, e) &&
              pgconn_pipe_send(c, &commit, NULL, 0, NULL, e) && pgconn_pipe_end(c, e);
    pgconn_rollback(c);
    return ok;
}

static int fresh(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "DROP SCHEMA IF EXISTS millrace CASCADE");
    pgconn_close(c);
    return 0;
}

static void each_owner_raises_the_epoch_and_finds_what_is_stored(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect(), *d = pg_fixture_connect();
    PositionStore *first = new_store(c), *second = new_store(d);
    Err e = {0};
    assert_int_equal(take(first, c, NULL), 1);
    assert_true(move(first, c, 1, (Position){0}, at(5), &e));
    StoredState stored = {0};
    assert_int_equal(take(second, d, &stored), 2);
    Position five = at(5);
    assert_true(stored.has_position && stored.is_snapshot_done);
    assert_int_equal(position_cmp(&stored.position, &five), 0);
    stored_state_done(&stored);
    assert_string_equal(pg_fixture_text(d, "SELECT commit_time FROM millrace.position"),
                        "2023-11-14 22:13:20+00");
    position_store_free(first);
    position_store_free(second);
    pgconn_close(c);
    pgconn_close(d);
}

static void a_wrong_epoch_or_position_moves_nothing(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    PositionStore *s = new_store(c);
    Err e = {0};
    int64_t epoch = take(s, c, NULL);
    assert_true(move(s, c, epoch, (Position){0}, at(1), &e));
    assert_false(move(s, c, epoch + 1, at(1), at(2), &e));
    assert_int_equal(e.code, ERR_FENCED);
    assert_false(move(s, c, epoch, (Position){0}, at(2), &e));
    assert_false(move(s, c, epoch, at(3), at(3), &e)); /* only locking */
    assert_true(move(s, c, epoch, at(1), at(1), &e));
    assert_true(move(s, c, epoch, at(1), at(2), &e));
    position_store_free(s);
    pgconn_close(c);
}

static void the_former_owners_backend_is_ended_with_its_open_transaction(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect(), *d = pg_fixture_connect();
    PositionStore *first = new_store(c), *second = new_store(d);
    (void)take(first, c, NULL);
    pg_fixture_exec(
        c, "BEGIN; UPDATE millrace.position SET position = 'half'"); /* holds the row's lock, and stops */
    assert_int_equal(take(second, d, NULL), 2);
    Err e = {0};
    assert_false(pgconn_exec(c, "COMMIT", &e));
    bool is_ours = true;
    assert_true(position_store_is_ours(first, d, &is_ours, &e));
    assert_false(is_ours);
    pgconn_close(c);
    c = pg_fixture_connect(); /* it comes back, and has to see that it was replaced */
    StoredState state_of = {0};
    int64_t epoch = 0;
    assert_false(position_store_own(first, c, &epoch, &state_of, &e));
    assert_int_equal(e.code, ERR_FENCED);
    position_store_free(first);
    position_store_free(second);
    pgconn_close(c);
    pgconn_close(d);
}

static void an_owner_takes_its_own_pipeline_again(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    PositionStore *s = new_store(c);
    assert_int_equal(take(s, c, NULL), 1);
    assert_int_equal(take(s, c, NULL), 2); /* on the same connection: it must not end itself */
    pgconn_close(c);
    c = pg_fixture_connect();
    assert_int_equal(take(s, c, NULL), 3);
    position_store_free(s);
    pgconn_close(c);
}

static void marks_of_tables_and_chunks_are_what_the_lane_expects(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    PositionStore *s = new_store(c);
    (void)take(s, c, NULL);
    const Schema *schema = items("items", true);
    StoredState want = {0}, got = {0};
    Err e = {0};
    Batch *batches[] = {table_batch(schema, BATCH_COPY_FIRST),    rows_batch(schema, 0, true, true, true),
                        rows_batch(schema, 1, true, true, true),  table_batch(schema, BATCH_COPY_KEEP),
                        table_batch(schema, BATCH_COPY_BESIDE),   rows_batch(schema, 0, true, true, false),
                        table_batch(schema, BATCH_COPY_BESIDE),   table_batch(schema, BATCH_COPY_KEEP),
                        rows_batch(schema, 0, true, true, false), table_batch(schema, BATCH_COPY_STOP),
                        table_batch(schema, BATCH_COPY_BESIDE),   rows_batch(schema, 0, true, true, true),
                        table_batch(schema, BATCH_COPY_NONE)};
    batches[6]->table.asked = batches[10]->table.asked = BATCH_ASKED;
    batches[6]->table.filter = STR_LIT("id = 'x'");
    batches[7]->table.is_paused = batches[10]->table.is_paused = true;
    batches[10]->table.asked = BATCH_ASKED_BLOCKING;
    batches[2]->chunk.is_exact = true;
    batches[3]->table.floor = at(3);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        bool is_table = batches[i]->kind == BATCH_TABLE;
        assert_true(pgconn_pipe_begin(c, &e));
        assert_true(is_table ? position_store_mark_table(s, c, batches[i], &e)
                             : position_store_mark_chunk(s, c, batches[i], 10, &e));
        if (!pgconn_pipe_end(c, &e)) fail_msg("%s", e.msg);
        if (is_table) stored_state_add_table(&want, batches[i]);
        else stored_state_mark_chunk(&want, batches[i]);
        if (i == 2)
            assert_string_equal(pg_fixture_text(c, "SELECT rows_copied FROM millrace.table_state"), "20");
        assert_true(position_store_read(s, c, &got, &e));
        assert_true(stored_state_equal(&want, &got));
        stored_state_done(&got);
    }
    assert_true(pgconn_pipe_begin(c, &e) &&
                position_store_mark_chunk(s, c, batches[2], 10, &e)); /* not the next one */
    assert_false(pgconn_pipe_end(c, &e));
    assert_string_equal(pg_fixture_text(c, "SELECT rows_copied FROM millrace.table_state"), "0");
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) batch_free(batches[i]);
    stored_state_done(&want);
    schema_unref(schema);
    position_store_free(s);
    pgconn_close(c);
}

static void without_the_right_to_create_the_cure_is_named(void **state) {
    (void)state;
    PgConn *admin = pg_fixture_connect();
    pg_fixture_exec(admin, "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN");
    const PgConnSpec spec = {.conninfo = pg_fixture_conninfo, .user = "plain"};
    PgConn *c = NULL;
    Err e = {0};
    assert_true(pgconn_open(&spec, &c, &e));
    PositionStore *s = position_store_new(&(PositionKey){.pipeline = "p"}, NULL);
    assert_false(position_store_create(s, c, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "millrace setup"));
    CLEANUP(buf_done) Buf grants = {0};
    position_store_grants("plain", &grants);
    pg_fixture_exec(admin, buf_text(&grants));
    if (!position_store_create(s, c, &e)) fail_msg("%s", e.msg);
    assert_int_equal(take(s, c, NULL), 1);
    position_store_free(s);
    pgconn_close(c);
    pg_fixture_exec(admin, "DROP OWNED BY plain; DROP ROLE plain");
    pgconn_close(admin);
}

/* As a version left it that knew of no databases. */
static void make_old_tables(PgConn *c) {
    pg_fixture_exec(
        c,
        "CREATE SCHEMA millrace; CREATE TABLE millrace.position (pipeline text NOT NULL, database text NOT "
        "NULL "
        "DEFAULT '', lane integer NOT NULL, position text, epoch bigint NOT NULL, lane_count integer NOT "
        "NULL,"
        " hash_version integer NOT NULL, consistent text, commit_time timestamptz, owner text, owner_pid "
        "integer, owner_start timestamptz, PRIMARY KEY (pipeline, database, lane));"
        "CREATE TABLE millrace.table_state (pipeline text NOT NULL, source_schema text NOT NULL, "
        "source_table "
        "text NOT NULL, chunks_done bigint NOT NULL DEFAULT 0, upper_key text, is_done boolean NOT NULL "
        "DEFAULT false, is_streaming boolean NOT NULL DEFAULT false, fingerprint bigint NOT NULL, instance "
        "integer NOT NULL, floor text, PRIMARY KEY (pipeline, source_schema, source_table));"
        "INSERT INTO millrace.position (pipeline, lane, position, epoch, lane_count, hash_version)"
        " VALUES ('p', 0, '00000001:00000007:0001', 4, 1, 1);"
        "INSERT INTO millrace.table_state (pipeline, source_schema, source_table, is_done, fingerprint, "
        "instance) VALUES ('p', 'dbo', 't', true, 1, 2)");
}

static void rows_without_a_database_become_the_only_databases(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    make_old_tables(c);
    const PositionKey key = {.pipeline = "p", .database = "shop"};
    PositionKey many = key;
    many.has_siblings = true;
    PositionStore *one = position_store_new(&key, NULL), *several = position_store_new(&many, NULL);
    StoredState stored = {0};
    Err e = {0};
    int64_t epoch = 0;
    if (!position_store_create(one, c, &e)) fail_msg("%s", e.msg);
    assert_true(position_store_read(one, c, &stored, &e));
    assert_true(stored.is_snapshot_done && stored.table_count == 1);
    stored_state_done(&stored);
    assert_false(position_store_own(several, c, &epoch, &stored, &e)); /* which one's they are isn't known */
    assert_int_equal(e.code, ERR_INVALID);
    assert_int_equal(take(one, c, &stored), 5);
    assert_true(stored.is_snapshot_done && stored.table_count == 1);
    stored_state_done(&stored);
    assert_string_equal(pg_fixture_text(c, "SELECT database FROM millrace.position"), "shop");
    assert_true(position_store_own(several, c, &epoch, &stored, &e));
    stored_state_done(&stored);
    position_store_free(one);
    position_store_free(several);
    pgconn_close(c);
}

static void each_database_has_rows_of_its_own(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect(), *d = pg_fixture_connect();
    PositionStore *shop = position_store_new(&(PositionKey){.pipeline = "p", .database = "shop"}, NULL);
    PositionStore *crm = position_store_new(&(PositionKey){.pipeline = "p", .database = "crm"}, NULL);
    Err e = {0};
    if (!position_store_create(shop, c, &e)) fail_msg("%s", e.msg);
    assert_int_equal(take(shop, c, NULL), 1);
    assert_true(move(shop, c, 1, (Position){0}, at(5), &e));
    StoredState stored = {0};
    assert_int_equal(take(crm, d, &stored), 1);
    assert_false(stored.has_position);
    stored_state_done(&stored);
    assert_true(move(shop, c, 1, at(5), at(6), &e)); /* the other database's owner hasn't ended it */
    position_store_free(shop);
    position_store_free(crm);
    pgconn_close(c);
    pgconn_close(d);
}

/* ---- several lanes ---- */

static LanesStart take_all(PositionStore *s, PgConn *c, size_t wanted, int64_t *ret_epoch) {
    StoredState state = {0};
    LanesStart start;
    Err e = {0};
    if (!position_store_own_all(s, c, wanted, ret_epoch, &start, &state, &e)) fail_msg("%s", e.msg);
    stored_state_done(&state);
    return start;
}

static PositionStore *lane_store(int lane, Ownership *ownership) {
    return position_store_new(&(PositionKey){.pipeline = "p", .lane = lane}, ownership);
}

static void start_others(PositionStore *s, PgConn *c, Position at, size_t others) {
    Err e = {0};
    bool ok = pgconn_pipe_begin(c, &e) && position_store_start_others(s, c, &at, 0, others, &e);
    if (!pgconn_pipe_end(c, &e) || !ok) fail_msg("%s", e.msg);
}

static void rows_are_taken_together_and_become_as_many_as_wanted(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect(), *d = pg_fixture_connect();
    Ownership ours = {0};
    PositionStore *zero = lane_store(0, &ours), *one = lane_store(1, &ours);
    Err e = {0};
    int64_t epoch = 0;
    assert_true(position_store_create(zero, c, &e));
    LanesStart start = take_all(zero, c, 3, &epoch);
    assert_true(start.count == 3 && start.rewrites && epoch == 1);
    assert_int_equal(take(one, d, NULL), 2);
    assert_true(move(zero, c, 1, (Position){0}, at(5), &e));
    start_others(zero, c, at(5), 2);
    assert_true(move(one, d, 2, at(5), at(8), &e));
    const Position five = at(5), eight = at(8);
    start = take_all(zero, c, 2, &epoch); /* they stand apart */
    assert_true(start.count == 3 && !start.rewrites && epoch == 3);
    assert_int_equal(position_cmp(&start.lowest, &five), 0);
    assert_int_equal(position_cmp(&start.highest, &eight), 0);
    StoredState stored = {0};
    assert_true(position_store_read(zero, c, &stored, &e));
    assert_int_equal(position_cmp(&stored.position, &five), 0);
    assert_int_equal(position_cmp(&stored.ahead, &eight), 0);
    stored_state_done(&stored);
    pg_fixture_exec(c, "UPDATE millrace.position SET position = '00000001:00000008:0001'");
    start = take_all(zero, c, 1, &epoch);
    assert_true(start.count == 1 && start.rewrites && epoch == 4);
    assert_string_equal(pg_fixture_text(c, "SELECT concat(count(*), max(lane_count)) FROM millrace.position"),
                        "11");
    start = take_all(zero, c, 2, &epoch);
    assert_string_equal(pg_fixture_text(c, "SELECT concat_ws(' ', count(*), min(lane_count), min(epoch), "
                                           "min(position)) FROM millrace.position"),
                        "2 2 5 00000001:00000008:0001");
    position_store_free(zero);
    position_store_free(one);
    pgconn_close(c);
    pgconn_close(d);
}

static void a_new_owner_ends_the_backends_of_all_lanes(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect(), *d = pg_fixture_connect(), *other = pg_fixture_connect();
    Ownership ours = {0}, theirs = {0};
    PositionStore *zero = lane_store(0, &ours), *one = lane_store(1, &ours), *new = lane_store(0, &theirs);
    Err e = {0};
    int64_t epoch = 0;
    assert_true(position_store_create(zero, c, &e));
    (void)take_all(zero, c, 2, &epoch);
    (void)take(one, d, NULL);
    pg_fixture_exec(c, "BEGIN; SELECT FROM millrace.position WHERE lane = 0 FOR UPDATE");
    pg_fixture_exec(d, "BEGIN; SELECT FROM millrace.position WHERE lane = 1 FOR UPDATE"); /* both stop */
    (void)take_all(new, other, 2, &epoch);
    assert_false(pgconn_exec(c, "COMMIT", &e));
    assert_false(pgconn_exec(d, "COMMIT", &e));
    pgconn_close(d);
    d = pg_fixture_connect();
    StoredState stored = {0};
    LanesStart start;
    assert_false(position_store_own(one, d, &epoch, &stored, &e)); /* one lane comes back … */
    assert_int_equal(e.code, ERR_FENCED);
    assert_false(position_store_own_all(zero, d, 2, &epoch, &start, &stored, &e)); /* … or all */
    assert_int_equal(e.code, ERR_FENCED);
    position_store_free(zero);
    position_store_free(one);
    position_store_free(new);
    pgconn_close(c);
    pgconn_close(d);
    pgconn_close(other);
}

static void routes_and_consistency_are_of_the_whole_pipeline(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    PositionStore *s = lane_store(0, NULL);
    const Schema *schema = items("items", true);
    Batch *b = table_batch(schema, BATCH_COPY_NONE);
    Err e = {0};
    int64_t epoch = 0;
    assert_true(position_store_create(s, c, &e));
    (void)take_all(s, c, 2, &epoch);
    char dbo[] = "dbo", name[] = "items", route[] = "whole dbo.a";
    const StoredTable table = {.schema = dbo, .table = name, .route = route};
    assert_true(pgconn_pipe_begin(c, &e) && position_store_mark_table(s, c, b, &e) &&
                position_store_set_route(s, c, &table, &e));
    if (!pgconn_pipe_end(c, &e)) fail_msg("%s", e.msg);
    StoredState stored = {0};
    assert_true(position_store_read(s, c, &stored, &e));
    assert_string_equal(stored.tables[0].route, "whole dbo.a");
    assert_string_equal(stored.tables[0].key, "id");
    stored_state_done(&stored);
    pg_fixture_exec(c, "UPDATE millrace.position SET consistent = '00000001:00000008:0001'");
    assert_true(pgconn_pipe_begin(c, &e) && position_store_mark_consistent(s, c, NULL, &e));
    if (!pgconn_pipe_end(c, &e)) fail_msg("%s", e.msg);
    assert_string_equal(pg_fixture_text(c, "SELECT count(consistent) FROM millrace.position"), "0");
    batch_free(b);
    schema_unref(schema);
    position_store_free(s);
    pgconn_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_owner_raises_the_epoch_and_finds_what_is_stored, fresh),
        cmocka_unit_test_setup(a_wrong_epoch_or_position_moves_nothing, fresh),
        cmocka_unit_test_setup(the_former_owners_backend_is_ended_with_its_open_transaction, fresh),
        cmocka_unit_test_setup(an_owner_takes_its_own_pipeline_again, fresh),
        cmocka_unit_test_setup(marks_of_tables_and_chunks_are_what_the_lane_expects, fresh),
        cmocka_unit_test_setup(rows_without_a_database_become_the_only_databases, fresh),
        cmocka_unit_test_setup(each_database_has_rows_of_its_own, fresh),
        cmocka_unit_test_setup(rows_are_taken_together_and_become_as_many_as_wanted, fresh),
        cmocka_unit_test_setup(a_new_owner_ends_the_backends_of_all_lanes, fresh),
        cmocka_unit_test_setup(routes_and_consistency_are_of_the_whole_pipeline, fresh),
        cmocka_unit_test_setup(without_the_right_to_create_the_cure_is_named, fresh),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
