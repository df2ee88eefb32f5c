#include "connector/null_sink.h"

#include <stdlib.h>

#include "base/mem.h"

struct Sink {
    Metrics *metrics;
    const Schema *last; /* of the change counted last; compared only, never read */
    Metric *counter;    /* of that table */
};

static bool start(const Options *options, const ConnectorContext *context, Sink **ret, Err *e) {
    (void)options;
    (void)e;
    *ret = x_calloc(1, sizeof **ret);
    (*ret)->metrics = context->metrics;
    return true;
}

static bool own(Sink *s, StoredState *ret, Err *e) {
    (void)s;
    (void)e;
    *ret = (StoredState){0};
    return true;
}

static bool own_all(Sink *s, size_t wanted, LanesStart *ret_start, StoredState *ret, Err *e) {
    (void)wanted;
    *ret_start = (LanesStart){.count = 1};
    return own(s, ret, e);
}

static Metric *counter_of(Sink *s, const Schema *schema, bool is_copy) {
    const char *name = is_copy ? "millrace_rows_copied_total" : "millrace_changes_applied_total";
    return metrics_get(s->metrics, METRIC_COUNTER, name, str_from(schema->qualified),
                       "Rows counted by the null sink");
}

static bool put(Sink *s, const Batch *batch, Err *e) {
    (void)e;
    bool is_copy = batch->kind == BATCH_ROWS;
    s->last = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        const Schema *schema = batch->changes[i].schema;
        if (schema != s->last) {
            s->counter = counter_of(s, schema, is_copy);
            s->last = schema;
        }
        metric_add(s->counter, 1);
    }
    return true;
}

static bool idle(Sink *s, Err *e) {
    (void)s;
    (void)e;
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

static const char *const names[] = {"millrace.NullSink", NULL};

const SinkClass null_sink_class = {
    .class_names = names,
    .start = start,
    .own = own,
    .own_all = own_all,
    .put = put,
    .idle = idle,
    .needs_source_back = needs_source_back,
    .stop = stop,
};
