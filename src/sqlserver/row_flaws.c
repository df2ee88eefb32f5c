#include "sqlserver/row_flaws.h"

static void add(Metrics *metrics, const char *name, const char *table, const char *help, uint64_t n) {
    if (n) metric_add(metrics_get(metrics, METRIC_COUNTER, name, str_from(table), help), (int64_t)n);
}

void row_flaws_count(const RowFlaws *flaws, Metrics *metrics, const char *table) {
    add(metrics, "millrace_text_replaced_total", table,
        "unpaired surrogates in the source's texts, written as U+FFFD", flaws->replaced);
    add(metrics, "millrace_rows_left_out_total", table,
        "rows and changes that can't be read, left out (event.processing.failure.handling.mode)",
        flaws->left_out);
}
