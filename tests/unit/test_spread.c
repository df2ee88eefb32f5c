#include "worker/spread.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "test.h"

enum { LANES = 3, KEYS = 200, SLOW_MS = 900 };

/* What the lanes' sinks have been put. All under the lock. */
static struct Script {
    pthread_mutex_t lock;
    int changes[LANES];          /* changes put to each lane */
    int ends, tables, learned;   /* batches */
    int chunk_order[16], chunks; /* numbers, as committed */
    int fail_lane;               /* its next put fails, -1 = none */
    int route_stores, links;
    bool are_links_slow;
    int idles, clashes; /* of lane 0; the latter while its links were read */
    bool is_stopping;
} script;

struct Sink {
    size_t number;
    const LanePeers *peers;
    Position passed;
    bool is_read; /* the script's lock: links is inside */
};

static bool start(const Options *o, const ConnectorContext *c, Sink **ret, Err *e) {
    (void)o;
    (void)e;
    *ret = x_calloc(1, sizeof **ret);
    (*ret)->number = (size_t)c->lane;
    (*ret)->peers = c->peers;
    return true;
}

static bool own(Sink *s, StoredState *ret, Err *e) {
    (void)s;
    (void)e;
    *ret = (StoredState){0};
    return true;
}

static bool commit_chunk(Sink *s, const Batch *b, Err *e) {
    if (!s->peers->await_chunk(s->peers, b, e)) return false;
    pthread_mutex_lock(&script.lock);
    script.chunk_order[script.chunks++] = (int)b->chunk.number;
    pthread_mutex_unlock(&script.lock);
    return true;
}

static bool put(Sink *s, const Batch *b, Err *e) {
    pthread_mutex_lock(&script.lock);
    bool fails = script.fail_lane == (int)s->number && b->kind == BATCH_CHANGES;
    if (b->kind == BATCH_CHANGES) script.changes[s->number] += (int)b->count;
    script.ends += b->kind == BATCH_END;
    script.tables += b->kind == BATCH_TABLE;
    pthread_mutex_unlock(&script.lock);
    if (fails) return err_set(e, ERR_DATA, false, "lane %zu can't", s->number);
    if (b->kind == BATCH_CHANGES) s->passed = b->to;
    return b->kind != BATCH_ROWS || commit_chunk(s, b, e);
}

static bool idle(Sink *s, Err *e) {
    (void)e;
    pthread_mutex_lock(&script.lock);
    script.idles += s->number == 0;
    script.clashes += s->is_read;
    pthread_mutex_unlock(&script.lock);
    return true;
}
static bool needs_source_back(const Sink *s) {
    (void)s;
    return false;
}
static Sink *stop(Sink *s) {
    free(s);
    return NULL;
}
static void join(Sink *s, const LanePeers *peers) {
    s->peers = peers;
}
static void learn(Sink *s, const Batch *b) {
    (void)s;
    assert_int_equal(b->count, 0);
    pthread_mutex_lock(&script.lock);
    script.learned++;
    pthread_mutex_unlock(&script.lock);
}
static Position passed(const Sink *s) {
    return s->passed;
}

/* For longer than a lane waits for a batch. */
static void read_slowly(Sink *s) {
    pthread_mutex_lock(&script.lock);
    s->is_read = true;
    pthread_mutex_unlock(&script.lock);
    clock_sleep_ms(SLOW_MS);
    pthread_mutex_lock(&script.lock);
    s->is_read = false;
    pthread_mutex_unlock(&script.lock);
}

static bool links(Sink *s, const StoredState *known, RouteTable *ret_tables, RouteJoin **ret_joins,
                  size_t *ret_join_count, Err *e) {
    (void)e;
    if (script.are_links_slow) read_slowly(s);
    for (size_t i = 0; i < known->table_count; i++)
        ret_tables[i] = (RouteTable){known->tables[i].schema, known->tables[i].table, false};
    *ret_joins = NULL;
    *ret_join_count = 0;
    script.links++;
    return true;
}

static bool store_routes(Sink *s, const StoredState *known, Err *e) {
    (void)s;
    (void)e;
    assert_string_equal(known->tables[0].route, "key");
    script.route_stores++;
    return true;
}

static const SinkClass class = {.start = start,
                                .own = own,
                                .put = put,
                                .idle = idle,
                                .needs_source_back = needs_source_back,
                                .stop = stop,
                                .join = join,
                                .learn = learn,
                                .passed = passed,
                                .links = links,
                                .store_routes = store_routes};

static bool never_wait(void *arg, int64_t ms) {
    (void)arg;
    (void)ms;
    return false;
}
static void tell(void *arg, const Err *why) {
    (void)arg;
    (void)why;
}
static bool is_late(void *arg) {
    (void)arg;
    return false;
}

static Position at(uint8_t n) {
    return position_end_of(&(Lsn){{[9] = n}});
}

typedef struct Rig {
    Spread *spread;
    Sink *first;
    ConnectorContext context;
    const Schema *schema;
    bool again, relane;
    Err e;
} Rig;

static const Schema *table_t(void) {
    static const Column column = {.name = {"id", 2}, .type = SQLTYPE_INT, .key = 1};
    const Schema *s = NULL;
    Err e = {0};
    SchemaSpec spec = {
        .schema = STR_LIT("dbo"), .table = STR_LIT("t"), .columns = &column, .column_count = 1};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static Batch *table_batch(const Schema *schema) {
    Batch *b = batch_new(BATCH_TABLE);
    b->schema = schema_ref(schema);
    b->table = (BatchTable){.copy = BATCH_COPY_FIRST, .instance = 1};
    return b;
}

static int open_rig(void **state) {
    Rig *r = x_calloc(1, sizeof *r);
    memset(&script, 0, sizeof script);
    pthread_mutex_init(&script.lock, NULL);
    script.fail_lane = -1;
    log_set_level(LOG_LEVEL_ERROR);
    r->schema = table_t();
    StoredState stored = {0};
    Batch *b = table_batch(r->schema);
    Position ten = at(10);
    stored_state_add_table(&stored, b);
    stored_state_move(&stored, &ten);
    batch_free(b);
    r->context = (ConnectorContext){.name = "p", .is_stopping = &script.is_stopping};
    assert_true(start(NULL, &r->context, &r->first, &r->e));
    const LanesStart begin = {.count = LANES, .lowest = at(10), .highest = at(10)};
    const SpreadSpec spec = {.class = &class,
                             .context = &r->context,
                             .start = &begin,
                             .stored = &stored,
                             .wanted = LANES,
                             .putter = {.class = &class,
                                        .sink = r->first,
                                        .pipeline = "p",
                                        .wait_ms = 1,
                                        .wait_max_ms = 1,
                                        .max_tries = -1,
                                        .wait = never_wait,
                                        .tell = tell},
                             .is_late = is_late};
    if (!spread_start(&spec, &r->spread, &r->e)) fail_msg("%s", r->e.msg);
    stored_state_done(&stored);
    *state = r;
    return 0;
}

static int close_rig(void **state) {
    Rig *r = *state;
    spread_stop(r->spread);
    stop(r->first);
    schema_unref(r->schema);
    pthread_mutex_destroy(&script.lock);
    free(r);
    return 0;
}

static Batch *changes_batch(Rig *r, uint8_t from, uint8_t to) {
    Batch *b = batch_new(BATCH_CHANGES);
    b->from = at(from);
    b->to = at(to);
    b->ends_transaction = true;
    batch_hold_schema(b, r->schema);
    for (int64_t i = 0; i < KEYS; i++) {
        Value *row = batch_row(b, 1);
        row[0] = value_int(i);
        Change *c = batch_add(b);
        *c = (Change){.op = OP_CREATE, .schema = r->schema, .after = row};
        c->position =
            (Position){.commit_lsn = b->to.commit_lsn, .command_id = (int32_t)i + 1, .operation = 2};
    }
    return b;
}

static Batch *chunk_batch(Rig *r, uint32_t number) {
    Batch *b = batch_new(BATCH_ROWS);
    b->schema = schema_ref(r->schema);
    b->chunk = (BatchChunk){.number = number,
                            .is_first_part = true,
                            .is_last_part = true,
                            .is_plain = true,
                            .upper_key = STR_LIT("k")};
    return b;
}

static void must_put(Rig *r, Batch *b) {
    if (!spread_put(r->spread, b, &r->again, &r->relane, &r->e)) fail_msg("%s", r->e.msg);
}
static void must_meet(Rig *r) {
    if (!spread_meet(r->spread, &r->again, &r->e)) fail_msg("%s", r->e.msg);
}

static void changes_are_shared_out_and_all_are_in_when_the_lanes_have_met(void **state) {
    Rig *r = *state;
    for (uint8_t i = 10; i < 20; i++) must_put(r, changes_batch(r, i, (uint8_t)(i + 1)));
    must_meet(r);
    int total = 0;
    for (size_t i = 0; i < LANES; i++) {
        assert_true(script.changes[i] > 0);
        total += script.changes[i];
    }
    assert_int_equal(total, 10 * KEYS);
    assert_int_equal(script.ends, LANES);
    assert_int_equal(script.links, 1);
    assert_int_equal(script.route_stores, 1);
    assert_true(spread_has_moved(r->spread));
    assert_true(spread_check(r->spread, &r->again, &r->e));
}

static void chunks_of_one_table_are_committed_in_order_and_learned_by_all(void **state) {
    Rig *r = *state;
    for (uint32_t i = 0; i < 12; i++) must_put(r, chunk_batch(r, i));
    must_meet(r);
    assert_int_equal(script.chunks, 12);
    for (int i = 0; i < 12; i++) assert_int_equal(script.chunk_order[i], i);
    must_meet(r); /* by then all notes are read */
    assert_int_equal(script.learned, 12 * (LANES - 1));
}

static void a_table_is_alone_and_the_routes_are_read_again(void **state) {
    Rig *r = *state;
    must_put(r, changes_batch(r, 10, 11));
    must_put(r, table_batch(r->schema));
    must_put(r, changes_batch(r, 11, 12));
    must_meet(r);
    assert_int_equal(script.tables, 1);
    assert_int_equal(script.links, 2);
    assert_int_equal(script.ends, 3 * LANES); /* before it, behind it, at the end */
}

static int idles_now(void) {
    pthread_mutex_lock(&script.lock);
    int n = script.idles;
    pthread_mutex_unlock(&script.lock);
    return n;
}

static void lane_0_leaves_its_connection_alone_while_routes_are_read(void **state) {
    Rig *r = *state;
    script.are_links_slow = true;
    must_put(r, changes_batch(r, 10, 11));
    must_meet(r);
    assert_int_equal(script.links, 1);
    while (idles_now() == 0) clock_sleep_ms(10); /* it does look after it otherwise */
    assert_int_equal(script.clashes, 0);
}

static void a_lane_that_fails_ends_all_with_its_reason(void **state) {
    Rig *r = *state;
    script.fail_lane = 1;
    bool ok = spread_put(r->spread, changes_batch(r, 10, 11), &r->again, &r->relane, &r->e);
    ok = ok && spread_meet(r->spread, &r->again, &r->e);
    assert_false(ok);
    assert_string_equal(r->e.msg, "lane 1 can't");
    assert_false(r->again);
    assert_false(spread_check(r->spread, &r->again, &r->e));
    assert_false(spread_put(r->spread, changes_batch(r, 11, 12), &r->again, &r->relane, &r->e));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_are_shared_out_and_all_are_in_when_the_lanes_have_met,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(chunks_of_one_table_are_committed_in_order_and_learned_by_all,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_table_is_alone_and_the_routes_are_read_again, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(lane_0_leaves_its_connection_alone_while_routes_are_read, open_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(a_lane_that_fails_ends_all_with_its_reason, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
