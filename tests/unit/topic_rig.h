/*
 * topic_rig.h - what tests of the sink of topics share: a writer on the fixture's cluster, changes of one
 * table, and puts of them.
 */
#ifndef TESTS_TOPIC_RIG_H
#define TESTS_TOPIC_RIG_H

#include "pg_rig.h"
#include "postgres/topic_writer.h"

enum { PUT_ROWS_MAX = 64 };

typedef struct TopicRig {
    PgConn *conn; /* to look from outside */
    Metrics *metrics;
    Options *options;
    TopicWriter *writer;
    TopicOffset offset; /* of t-0, as owned */
} TopicRig;

/* What goes into one put. */
typedef struct Puts {
    Batch *batch; /* its changes */
    size_t refused[PUT_ROWS_MAX];
    char sqlstate[8], column[64];
    size_t refused_count, settled;
    bool has_no_letters; /* nobody takes what is refused */
    int unsettled;       /* so often letters aren't safe */
} Puts;

static inline TopicWriter *writer_of(const TopicRig *r) {
    const ConnectorContext context = {.name = "t", .has_topics = true, .metrics = r->metrics};
    TopicWriter *w = NULL;
    Err e = {0};
    if (!postgres_topic_writer_class.start(r->options, &context, &w, &e)) fail_msg("%s", e.msg);
    return w;
}

static inline TopicOffset own_t(TopicWriter *w) {
    TopicOffset offset = {.topic = "t", .partition = 0};
    Err e = {0};
    if (!postgres_topic_writer_class.own(w, &offset, 1, &e)) fail_msg("%s", e.msg);
    return offset;
}

static inline void topic_rig_open(TopicRig *r, const Setting *settings) {
    *r = (TopicRig){.conn = pg_fixture_connect(), .metrics = metrics_new(), .options = options_of(settings)};
    pg_fixture_exec(r->conn, "DROP SCHEMA IF EXISTS dbo CASCADE; DROP SCHEMA IF EXISTS millrace CASCADE;"
                             "CREATE SCHEMA dbo");
    r->writer = writer_of(r);
    r->offset = own_t(r->writer);
}

static inline void topic_rig_close(TopicRig *r) {
    postgres_topic_writer_class.stop(r->writer);
    buf_done(&r->offset.guard);
    options_free(r->options);
    metrics_free(r->metrics);
    pgconn_close(r->conn);
}

static inline bool note_refused(void *arg, size_t at, const TopicRefusal *why, Err *e) {
    (void)e;
    Puts *puts = arg;
    puts->refused[puts->refused_count++] = at;
    (void)snprintf(puts->sqlstate, sizeof puts->sqlstate, "%s", why->sqlstate);
    (void)snprintf(puts->column, sizeof puts->column, "%s", why->column);
    return true;
}

static inline bool note_settled(void *arg, Err *e) {
    Puts *puts = arg;
    if (puts->unsettled > 0) {
        puts->unsettled--;
        return err_set(e, ERR_IO, true, "broker away");
    }
    puts->settled++;
    return true;
}

/* From the offset that is owned to `next`; the batch is freed. */
static inline bool put_to(TopicRig *r, Puts *puts, int64_t next, Err *e) {
    const TopicMove move = {.topic = "t",
                            .has_old = r->offset.has_offset,
                            .old = r->offset.offset,
                            .new = next,
                            .epoch = r->offset.epoch,
                            .guard = STR_LIT("g")};
    const TopicPut put_of = {.changes = puts->batch->changes,
                             .count = puts->batch->count,
                             .moves = &move,
                             .move_count = 1,
                             .refused = puts->has_no_letters ? NULL : note_refused,
                             .settle = note_settled,
                             .arg = puts};
    bool ok = postgres_topic_writer_class.put(r->writer, &put_of, e);
    if (ok) {
        r->offset.has_offset = true;
        r->offset.offset = next;
    }
    puts->batch = batch_free(puts->batch);
    return ok;
}

static inline void must_put_to(TopicRig *r, Puts *puts, int64_t next) {
    Err e = {0};
    if (!put_to(r, puts, next, &e)) fail_msg("%s", e.msg);
}

static inline Batch *some(void) {
    Batch *b = batch_new(BATCH_CHANGES);
    b->to = at(5);
    return b;
}

static inline const char *stored_offset(TopicRig *r) {
    return pg_fixture_text(r->conn,
                           "SELECT next_offset || '/' || epoch || '/' || encode(guard, 'escape') FROM "
                           "millrace.topic_offset");
}

#endif
