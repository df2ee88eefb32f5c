/*
 * row_flaws.h - what was wrong with rows that were read, and passed: counted by table. Any thread.
 */
#ifndef SQLSERVER_ROW_FLAWS_H
#define SQLSERVER_ROW_FLAWS_H

#include <stdint.h>

#include "observe/metrics.h"

typedef struct RowFlaws {
    uint64_t replaced; /* unpaired surrogates that became U+FFFD */
    uint64_t left_out; /* rows and changes that can't be read */
} RowFlaws;

/* Add them to the table's counters, which are made with their first one. table is "schema.table". */
void row_flaws_count(const RowFlaws *flaws, Metrics *metrics, const char *table);

#endif
