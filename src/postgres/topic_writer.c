/*
 * A put is one transaction: BEGIN, the fence with all offsets, rows, COMMIT, sent ahead in one pipeline where
 * there are few rows. It is tried in up to three ways: compacted; in the order of the topics with constraints
 * deferred, when the compacted form broke one (23503, 23505, 23514); taken apart, when a row is refused.
 *
 * Schemas. The partitions of a topic run apart, so records of an older schema may come behind those of a
 * newer one. Tables only grow, so both fit; but a target is the plan of one version, so a put is cut where a
 * table's version changes, and the parts are written one behind the other.
 *
 * DDL has a transaction of its own before the rows', under an advisory lock: two tasks that meet the new
 * column together would otherwise both add it, or wait for each other's rows.
 */
#include "postgres/topic_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "postgres/apply.h"
#include "postgres/catalog_pg.h"
#include "postgres/fitted.h"
#include "postgres/pgname.h"
#include "postgres/precheck_pg.h"
#include "postgres/quarantine.h"
#include "postgres/sink_option.h"
#include "postgres/topic_store.h"

#define DDL_LOCK "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(5572894214)"

/* A stretch of a put in which every table has one schema. */
typedef struct Part {
    size_t from, to;
} Part;

typedef enum Way { WAY_COMPACTED, WAY_IN_ORDER, WAY_APART } Way;

struct TopicWriter {
    SinkConfig *config;
    PgConn *conn; /* NULL = not connected */
    TopicStore *store;
    TargetSet *targets;
    Apply *apply;
    Quarantine *quarantine;
    Fitted *fitted; /* since the connection was opened */
    Part *parts;    /* of the put at hand */
    size_t part_count, part_cap;
    const TopicPut *put;
    size_t base;    /* of the part that is taken apart */
    size_t letters; /* of the put at hand */
    Metric *transactions, *latency, *position_time;
    PgStatement begin, commit;
};

/* ---- life ---- */

static void forget_targets(TopicWriter *w) {
    fitted_clear(w->fitted);
    target_set_clear(w->targets);
}

static TopicWriter *stop(TopicWriter *w) {
    if (!w) return NULL;
    fitted_free(w->fitted);
    quarantine_free(w->quarantine);
    apply_free(w->apply);
    target_set_free(w->targets);
    topic_store_free(w->store);
    pgconn_close(w->conn);
    sink_config_free(w->config);
    free(w->parts);
    free(w);
    return NULL;
}

/* A refused change goes to the caller's dead letters; the last one before a failure is settled at once. */
static bool keep(void *arg, size_t at, const Refusal *why, bool fails, Err *e) {
    TopicWriter *w = arg;
    if (!w->put->refused && fails) return true;
    if (!w->put->refused)
        return err_set(e, ERR_DATA, false,
                       "%s; errors.tolerance=all sets such rows aside only where "
                       "errors.deadletterqueue.topic.name says where to",
                       why->message);
    const TopicRefusal refusal = {.sqlstate = why->failure.sqlstate,
                                  .constraint = why->failure.constraint,
                                  .column = why->failure.column,
                                  .message = why->message};
    w->letters++;
    return w->put->refused(w->put->arg, w->base + at, &refusal, e) &&
           (!fails || w->put->settle(w->put->arg, e));
}

static bool connect_to(TopicWriter *w, Err *e) {
    if (pgconn_is_open(w->conn)) return true;
    w->conn = pgconn_close(w->conn);
    forget_targets(w);
    const PgConnSpec spec = sink_config_conn(w->config);
    return pgconn_open(&spec, &w->conn, e);
}

/* Topics whose names make no table: told before the first record is read. (Transforms may rename them.) */
static bool check_names(const Options *o, const SinkConfig *config, Err *e) {
    const TextList *topics = options_list(o, "topics"), *transforms = options_list(o, "transforms");
    const Column column = {.name = STR_LIT("c"), .type = SQLTYPE_INT};
    for (size_t i = 0; topics && !(transforms && transforms->count > 0) && i < topics->count; i++) {
        Str topic = str_from(topics->items[i]);
        const SchemaSpec spec = {.database = STR_LIT("d"),
                                 .schema = STR_LIT("s"),
                                 .table = STR_LIT("t"),
                                 .topic = topic,
                                 .columns = &column,
                                 .column_count = 1};
        const Schema *s = NULL;
        PgTableName name = {0};
        bool ok = schema_new(&spec, &s, e) && pgname_rule_find(config->rules.names, s, &name, e);
        pgname_table_done(&name);
        schema_unref(s);
        if (!ok) return err_wrap(e, "topic %s", topics->items[i]);
    }
    return true;
}

static bool start(const Options *options, const ConnectorContext *context, TopicWriter **ret, Err *e) {
    static const TextList all_fields = {0};
    TopicWriter *w = x_calloc(1, sizeof *w);
    if (!sink_config_new(options, context, &w->config, e) || !check_names(options, w->config, e)) {
        stop(w);
        return false;
    }
    TargetRules *rules = &w->config->rules; /* the schemas' keys are final */
    if (rules->key_mode != TARGET_KEY_NONE) rules->key_mode = TARGET_KEY_RECORD_KEY;
    rules->key_fields = &all_fields;
    w->begin.sql = "BEGIN";
    w->commit.sql = "COMMIT";
    w->store = topic_store_new(context->name);
    w->fitted = fitted_new();
    w->targets = target_set_new(rules);
    w->apply = apply_new(w->targets);
    if (w->config->batch_rows > 0) apply_set_batch_rows(w->apply, w->config->batch_rows);
    const DeadLetterKey letters = {context->name, context->database, context->lane};
    w->quarantine = quarantine_new(&w->config->errors, &letters, w->apply, w->targets, context->metrics,
                                   /* refused= */ NULL);
    quarantine_keep_elsewhere(w->quarantine, keep, w);
    w->transactions = metrics_get(context->metrics, METRIC_COUNTER, "millrace_transactions_total", (Str){0},
                                  "Transactions committed in the target");
    w->latency = metrics_get(context->metrics, METRIC_HISTOGRAM_US, "millrace_apply_latency", (Str){0},
                             "From a change's commit in the source to its commit in the target");
    w->position_time = metrics_get(context->metrics, METRIC_GAUGE, "millrace_position_time_us", (Str){0},
                                   "Commit time, in the source, of the newest change of the last put");
    if (!connect_to(w, e) || !precheck_pg_server(w->conn, e) || !topic_store_create(w->store, w->conn, e)) {
        stop(w);
        return false;
    }
    *ret = w;
    return true;
}

static const char *target(const TopicWriter *w) {
    return topic_store_target(w->store);
}

static bool own(TopicWriter *w, TopicOffset *offsets, size_t count, Err *e) {
    return connect_to(w, e) && topic_store_own(w->store, w->conn, offsets, count, e);
}

static bool look(TopicWriter *w, TopicOffset *offsets, size_t count, Err *e) {
    return connect_to(w, e) && topic_store_look(w->store, w->conn, offsets, count, e);
}

static bool is_open(const TopicWriter *w) {
    return pgconn_is_open(w->conn);
}

/* ---- tables ---- */

static bool is_same_table(const Schema *a, const Schema *b) {
    return str_eq(a->table, b->table) && str_eq(a->schema, b->schema) && str_eq(a->database, b->database) &&
           str_eq(a->topic, b->topic);
}

/* A delete that tells no more than the key: the first that is seen of a topic may be a tombstone. */
static bool is_by_key_alone(const Change *c) {
    return !c->after && c->schema->key_count == c->schema->column_count;
}

/* The table of s, made or widened where that is due and allowed. What a delete by key alone doesn't name, the
 * source may have all the same. */
static bool fit(TopicWriter *w, const Schema *s, bool for_rows, Err *e) {
    Target *t = NULL;
    bool was_written = for_rows && fitted_was_written(w->fitted, s);
    if (!pgconn_exec(w->conn, DDL_LOCK, e)) return false;
    if (!target_set_open(w->targets, w->conn, s, was_written, &t, e) || !pgconn_exec(w->conn, "COMMIT", e)) {
        if (pgconn_is_open(w->conn)) pgconn_rollback(w->conn);
        return false;
    }
    fitted_add(w->fitted, s, for_rows);
    return true;
}

static void add_part(TopicWriter *w, size_t from, size_t to) {
    if (from >= to) return;
    if (w->part_count == w->part_cap) {
        w->part_cap = w->part_cap ? 2 * w->part_cap : 8;
        w->parts = x_reallocarray(w->parts, w->part_cap, sizeof *w->parts);
    }
    w->parts[w->part_count++] = (Part){from, to};
}

/* A delete by key alone, and no table yet: there is nothing to delete, and no table to be made of so little.
 */
static bool is_nothing(TopicWriter *w, const Change *change, bool *ret, Err *e) {
    const Schema *s = change->schema;
    *ret = false;
    if (!is_by_key_alone(change) || fitted_has(w->fitted, s, /* for_rows= */ false)) return true;
    CLEANUP(pgname_table_done) PgTableName name = {0};
    PgTable *table = NULL;
    if (!pgname_rule_find(w->config->rules.names, s, &name, e) ||
        !(name.schema || catalog_pg_current_schema(w->conn, &name.schema, e)) ||
        !catalog_pg_table(w->conn, name.schema, name.table, &table, e))
        return false;
    *ret = !table;
    catalog_pg_free(table);
    return true;
}

/* Where to cut: seen are the schemas of the stretch so far. *ret_known: s is one of them. */
static bool is_cut(const Schema *const *seen, size_t count, const Schema *s, bool *ret_known) {
    bool is_other = false;
    *ret_known = false;
    for (size_t k = 0; k < count && !*ret_known; k++) {
        *ret_known = seen[k] == s;
        is_other = is_other || is_same_table(seen[k], s);
    }
    return is_other;
}

/* All tables fit; and where to cut. */
static bool plan(TopicWriter *w, const TopicPut *put, Err *e) {
    enum { SEEN_MAX = 64 };
    const Schema *seen[SEEN_MAX], *last = NULL;
    size_t seen_count = 0, from = 0;
    bool is_last_for_rows = false;
    w->part_count = 0;
    for (size_t i = 0; i < put->count; i++) {
        const Schema *s = put->changes[i].schema;
        bool is_known = false, is_left_out = false, for_rows = !is_by_key_alone(&put->changes[i]);
        if (s == last && (is_last_for_rows || !for_rows)) continue;
        if (!is_nothing(w, &put->changes[i], &is_left_out, e)) return false;
        if (is_left_out) {
            add_part(w, from, i);
            from = i + 1; /* and the next one is looked at again */
            seen_count = 0;
            last = NULL;
            continue;
        }
        last = s;
        is_last_for_rows = for_rows;
        bool cuts = is_cut(seen, seen_count, s, &is_known) || seen_count == SEEN_MAX;
        if (!fitted_has(w->fitted, s, for_rows) && !fit(w, s, for_rows, e)) return false;
        if (is_known) continue;
        if (cuts) {
            add_part(w, from, i);
            from = i;
            seen_count = 0;
        }
        seen[seen_count++] = s;
    }
    add_part(w, from, put->count);
    return true;
}

/* ---- a transaction ---- */

static bool open_targets(TopicWriter *w, const Part *part, Err *e) {
    Target *t = NULL;
    const Schema *last = NULL;
    for (size_t i = part->from; i < part->to; i++) {
        const Schema *s = w->put->changes[i].schema;
        if (s != last && !target_set_find(w->targets, w->conn, s, &t, e)) return false;
        last = s;
    }
    return true;
}

static bool write_part(TopicWriter *w, const Part *part, Way way, Err *e) {
    const Change *changes = w->put->changes + part->from;
    size_t count = part->to - part->from;
    ApplyOrder order =
        way == WAY_COMPACTED && w->config->rules.insert != TARGET_INSERT ? APPLY_COMPACTED : APPLY_IN_ORDER;
    if (way != WAY_APART) return apply_changes(w->apply, w->conn, changes, count, order, e);
    w->base = part->from;
    order = w->config->rules.insert == TARGET_INSERT ? APPLY_IN_ORDER : APPLY_COMPACTED;
    return pgconn_pipe_end(w->conn, e) && quarantine_apply(w->quarantine, w->conn, changes, count, order, e);
}

static bool queue(TopicWriter *w, PgStatement *statement, Err *e) {
    return pgconn_pipe_begin(w->conn, e) &&
           pgconn_pipe_send(w->conn, statement, NULL, 0, /* ret_rows= */ NULL, e);
}

/* What it is known again by: where its first partition stands. Records needn't have positions. */
static uint64_t put_id(const TopicPut *put) {
    const TopicMove *first = &put->moves[0];
    uint64_t place = hash_mix((uint64_t)first->partition, first->has_old ? (uint64_t)first->old : UINT64_MAX);
    return hash_bytes(first->topic, strlen(first->topic), place);
}

static bool write_all(TopicWriter *w, Way way, Err *e) {
    if (w->part_count > 0 && !open_targets(w, &w->parts[0], e)) return false;
    apply_begun(w->apply);
    if (w->put->count > 0 && w->put->move_count > 0) quarantine_begun(w->quarantine, put_id(w->put));
    if (!queue(w, &w->begin, e) || !topic_store_move(w->store, w->conn, w->put->moves, w->put->move_count, e))
        return false;
    if (way == WAY_IN_ORDER &&
        (!pgconn_pipe_end(w->conn, e) || !pgconn_exec(w->conn, "SET CONSTRAINTS ALL DEFERRED", e)))
        return false;
    for (size_t i = 0; i < w->part_count; i++) {
        if (i > 0 && (!pgconn_pipe_end(w->conn, e) || !open_targets(w, &w->parts[i], e))) return false;
        if (!write_part(w, &w->parts[i], way, e)) return false;
    }
    if (w->letters > 0 && !w->put->settle(w->put->arg, e)) return false;
    return queue(w, &w->commit, e) && pgconn_pipe_end(w->conn, e);
}

/* After a failure: back to before BEGIN. false: the connection is gone, *e stays. */
static bool take_back(TopicWriter *w) {
    Err unused;
    apply_copy_abort(w->apply, w->conn);
    if (!pgconn_pipe_end(w->conn, &unused) && !pgconn_is_open(w->conn)) return false;
    pgconn_rollback(w->conn);
    target_set_forget_temps(w->targets);
    quarantine_rolled_back(w->quarantine);
    w->letters = 0;
    return pgconn_is_open(w->conn);
}

static bool is_refused(const TopicWriter *w, const Err *e) {
    return e->code == ERR_DATA && pgconn_is_open(w->conn);
}

static bool may_hold_in_order(const TopicWriter *w, const Err *e) {
    const char *state = pgconn_sqlstate(w->conn);
    return is_refused(w, e) && w->config->rules.insert != TARGET_INSERT &&
           (strcmp(state, "23503") == 0 || strcmp(state, "23505") == 0 || strcmp(state, "23514") == 0);
}

static void count_put(TopicWriter *w) {
    int64_t now_us = clock_wall_us(), last_us = 0, newest_us = 0, same = 0;
    Target *t = NULL;
    Err unused;
    for (size_t i = 0; i <= w->put->count; i++) {
        const Change *c = i < w->put->count ? &w->put->changes[i] : NULL;
        if (same > 0 && (!c || c->source_us != last_us)) {
            metric_observe_us(w->latency, now_us > last_us ? now_us - last_us : 0, same);
            same = 0;
        }
        if (!c) break;
        if (c->source_us > 0 && c->op != OP_READ) same++; /* a copied row has no commit to be late for */
        last_us = c->source_us;
        if (last_us > newest_us) newest_us = last_us;
        if ((!is_by_key_alone(c) || fitted_has(w->fitted, c->schema, /* for_rows= */ false)) &&
            target_set_find(w->targets, w->conn, c->schema, &t, &unused))
            target_count_change(t, c);
    }
    target_set_count_commit(w->targets);
    if (newest_us > 0) metric_set(w->position_time, newest_us);
    metric_add(w->transactions, 1);
}

static bool write_ways(TopicWriter *w, Err *e) {
    if (write_all(w, WAY_COMPACTED, e)) return true;
    if (may_hold_in_order(w, e)) {
        LOG_INFO("replayed_in_order", LOG_S("why", e->msg), LOG_I("changes", w->put->count));
        if (!take_back(w)) return false;
        if (write_all(w, WAY_IN_ORDER, e)) return true;
    }
    if (!is_refused(w, e)) return false;
    LOG_INFO("batch_taken_apart", LOG_S("why", e->msg), LOG_I("changes", w->put->count));
    return take_back(w) && write_all(w, WAY_APART, e);
}

static bool put_changes(TopicWriter *w, const TopicPut *put, Err *e) {
    if (!pgconn_is_open(w->conn))
        return err_set(e, ERR_IO, true, "not connected to PostgreSQL; what is stored is read first");
    w->put = put;
    w->letters = 0;
    if (plan(w, put, e) && write_ways(w, e)) {
        quarantine_committed(w->quarantine);
        count_put(w);
        return true;
    }
    if (e->code == ERR_DATA && !pgconn_is_open(w->conn))
        (void)err_set(e, ERR_IO, true, "PostgreSQL: connection lost");
    (void)take_back(w);
    forget_targets(w);
    return false;
}

/* Debezium's class keeps the nulls of optional fields, and no others can be null. */
static TopicFieldRules field_rules(const Options *o) {
    bool is_debezium = sink_option_is_debezium(o);
    return (TopicFieldRules){.source_names_columns = is_debezium,
                             .fills_defaults = !is_debezium && options_bool(o, "replace.null.with.default")};
}

const TopicWriterClass postgres_topic_writer_class = {
    .class_names = sink_option_classes,
    .options = sink_options,
    .option_count = SINK_OPTION_COUNT,
    .start = start,
    .target = target,
    .own = own,
    .look = look,
    .put = put_changes,
    .is_open = is_open,
    .stop = stop,
    .answers = sink_option_answers,
    .field_rules = field_rules,
};
