/*
 * fake_source.h - a SQL Server with change data capture, as far as order and visibility go: a log of commits,
 * a capture job that lags behind it, capture instances that begin, are cleaned up and dropped; a backup that
 * it is restored from. LSNs and times are small numbers.
 */
#ifndef SCHEDULES_FAKE_SOURCE_H
#define SCHEDULES_FAKE_SOURCE_H

#include "pipeline/plan.h"
#include "sim.h"

enum { FAKE_LOG = 160, FAKE_CHANGES = 6, FAKE_INSTANCES = 12, FAKE_PAGE = 4 };

typedef struct FakeChange {
    uint8_t table, key, operation; /* 1 delete, 2 insert, 4 update */
    int32_t command;
    uint32_t seqval;
    SimRow before, after;
} FakeChange;

/* What the target had of a table when its copy was asked for. */
typedef struct FakeWatch {
    bool was_done;
    uint32_t begins;
} FakeWatch;

typedef struct FakeCommit {
    uint32_t lsn;
    int64_t us;
    bool is_mapped;  /* in lsn_time_mapping once captured */
    uint8_t signal;  /* 1 + a table that a row in the signal table wants copied; 0 = none */
    FakeWatch watch; /* of that */
    size_t count;
    FakeChange changes[FAKE_CHANGES];
    SimRows rows; /* the database right after it */
} FakeCommit;

typedef struct FakeInstance {
    int32_t id;
    uint8_t table, values;
    uint32_t birth; /* LSN of its making */
    uint32_t low;   /* start_lsn, 0 = not set yet */
    bool is_dropped;
} FakeInstance;

typedef struct FakeSource {
    FakeCommit log[FAKE_LOG];
    size_t count, captured; /* entries of the log */
    uint32_t next_lsn, max_lsn;
    int64_t now_us;
    FakeInstance instances[FAKE_INSTANCES]; /* in the order they were made */
    size_t instance_count;
    size_t values[SIM_TABLES]; /* columns that the table has now */
    SimRows rows;              /* committed */
    uint16_t next_value;
    uint32_t commits_left;
    bool was_restored;
    bool is_behind; /* it was, to a place before the target's: nothing more happens until that is found */
} FakeSource;

void fake_source_init(Sim *s, FakeSource *f);
void fake_source_step(Sim *s, FakeSource *f);  /* something happens, or nothing */
bool fake_source_is_done(const FakeSource *f); /* has made all its commits */
void fake_source_capture(FakeSource *f, size_t entries);
void fake_source_tick(FakeSource *f, int64_t us);
void fake_source_idle_entry(FakeSource *f); /* the capture job's note that nothing was there */

/* As far as it is known to have been: captured max, or just before the start of an instance. */
uint32_t fake_source_been_at(const FakeSource *f);

/* What queries give. */
PlanReading fake_source_max(const FakeSource *f, const Position *position, uint32_t limit);
Lsn fake_source_begun(const FakeSource *f); /* largest start_lsn of all instances */
size_t fake_source_instances(const FakeSource *f, size_t tables, PlanInstance ret[static FAKE_INSTANCES]);
const FakeInstance *fake_source_instance(const FakeSource *f, int32_t id); /* NULL = dropped */
int32_t fake_source_newest(const FakeSource *f, size_t table);             /* that has begun */
bool fake_source_is_captured(const FakeSource *f, size_t table);           /* by any instance */
/* Up to FAKE_PAGE change rows above from, up to `to`, in order. */
size_t fake_source_page(const FakeSource *f, const FakeInstance *in, const Position *from, const Position *to,
                        const FakeChange *ret_changes[static FAKE_PAGE], uint32_t ret_lsns[static FAKE_PAGE]);
Position fake_source_position(uint32_t lsn, const FakeChange *c);
/* Signals in (from, to]: a bit for each table whose copy they ask for. */
uint32_t fake_source_signals(const FakeSource *f, uint32_t from, uint32_t to);
/* The database as it was at lsn; borrowed. */
const SimRows *fake_source_rows_at(const FakeSource *f, uint32_t lsn);

#endif
