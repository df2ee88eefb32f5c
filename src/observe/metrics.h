/*
 * metrics.h - counters, gauges and histograms of one process. Any thread: values are atomics; only making a
 * new metric locks. Names follow Prometheus' rules (millrace_rows_written_total). A metric lives as long as
 * its registry.
 */
#ifndef OBSERVE_METRICS_H
#define OBSERVE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct Metrics Metrics;
typedef struct Metric Metric;
typedef enum MetricKind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM_US } MetricKind;

Metrics *metrics_new(void);
Metrics *metrics_free(Metrics *m); /* returns NULL */
/* The metric of that name and label value (label key "table"; empty = no label): made at the first call, the
 * same one later. */
Metric *metrics_get(Metrics *m, MetricKind kind, const char *name, Str table, const char *help);
/* The same, but NULL when it hasn't been made. */
Metric *metrics_find(const Metrics *m, const char *name, Str table);

void metric_add(Metric *c, int64_t n);                        /* counter or gauge */
void metric_set(Metric *g, int64_t v);                        /* gauge */
void metric_observe_us(Metric *h, int64_t us, int64_t count); /* histogram: count events of us µs */
int64_t metric_value(const Metric *m);                        /* histogram: number of events */
/* The q-quantile (0…1) in µs, within 4 %; 0 when empty. */
int64_t metric_quantile_us(const Metric *h, double q);

typedef struct MetricInfo {
    const char *name, *help;
    MetricKind kind;
    Str table;
} MetricInfo;
/* Walk in the order they were made: *at starts at 0; NULL at the end. */
Metric *metrics_next(const Metrics *m, size_t *at, MetricInfo *ret);

#endif
