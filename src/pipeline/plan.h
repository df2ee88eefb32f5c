/*
 * plan.h - the source's side: what to read next, so that nothing is missed and nothing enters the stream too
 * early. Pure: it decides, its caller asks SQL Server. Owner thread only (chunk readers: under the source's
 * lock). No allocation once made.
 *
 * The caller's loop: plan_next gives an action; do it, put the batches that it makes into the stream, tell:
 *   PLAN_READ      wait up to the poll interval (is_urgent: don't), take a reading → plan_reading
 *   PLAN_ANNOUNCE  put a BATCH_TABLE (schema of `instance`, `table_info`) → plan_announced
 *   PLAN_FORGET    put a BATCH_TABLE of just the table's name with `table_info` → plan_forgotten
 *   PLAN_START     put an empty BATCH_CHANGES from {0} to `to` → plan_started
 *   PLAN_CHUNK     read a chunk, put its BATCH_ROWS one behind the other → plan_chunk_put
 *   PLAN_WINDOW    read what plan_range says, merge by position, put BATCH_CHANGES that cover (from, to]
 *                  without a hole; the last has is_consistent as given → plan_window_put
 *   PLAN_BUSY      do nothing until a chunk that is being read is put
 *   PLAN_END       put a BATCH_END, then nothing more
 * After each page of changes the instance's start_lsn is read again → plan_check_page.
 * Whatever fails half-way: make a new plan from what is stored then.
 *
 * The order inside a reading matters: max_lsn first, the instances after it, so that an instance that begins
 * at or under max_lsn is among them. A chunk's read has to begin after plan_next gave it out (no older
 * snapshot).
 */
#ifndef PIPELINE_PLAN_H
#define PIPELINE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "pipeline/stored.h"
#include "record/batch.h"
#include "record/lsn.h"
#include "record/position.h"

typedef struct Plan Plan;

/* Whether tables that are new are copied, and whether changes are read (snapshot_mode.h). */
typedef enum PlanMode {
    PLAN_INITIAL,      /* both */
    PLAN_INITIAL_ONLY, /* copied */
    PLAN_NO_DATA,      /* read */
    PLAN_TABLES_ONLY,  /* neither: made known, then the end */
} PlanMode;

typedef struct PlanTableSpec {
    Str schema, table; /* source names; copied */
    bool is_keyless;   /* by its newest instance; of a table that isn't known yet each reading tells */
    bool is_uncopied;  /* it streams from its beginning here on, without a copy */
    bool may_vanish;   /* without any capture instance it is forgotten, and the others go on; else an error */
} PlanTableSpec;

/* A capture instance as a reading found it. */
typedef struct PlanInstance {
    size_t table;         /* index into the plan's tables */
    int32_t object_id;    /* of the change table */
    Lsn start_lsn;        /* cdc.change_tables.start_lsn; zero = the capture job hasn't reached it yet */
    uint64_t fingerprint; /* of its columns' schema */
    bool adds_columns;    /* columns that the table's instance before it hasn't; true when that isn't known */
    bool is_keyless;
} PlanInstance;

typedef struct PlanReading {
    Lsn max_lsn;    /* captured max: MAX(start_lsn) of lsn_time_mapping; zero = none yet */
    Lsn to_lsn;     /* the same, or the max.iteration.transactions-th commit after plan_position */
    int64_t to_us;  /* commit time of to_lsn, by the source's clock; 0 = unknown */
    int64_t now_us; /* the source's clock, read with max_lsn */
    const PlanInstance *instances; /* of all tables; those of one table in the order they were made */
    size_t instance_count;
    Lsn begun_lsn;     /* largest start_lsn of cdc.change_tables, other tables' too; zero = none is set */
    bool is_secondary; /* read from a replica that may lag behind the one read before */
} PlanReading;

typedef enum PlanKind {
    PLAN_READ,
    PLAN_ANNOUNCE,
    PLAN_FORGET,
    PLAN_START,
    PLAN_CHUNK,
    PLAN_WINDOW,
    PLAN_BUSY,
    PLAN_END,
} PlanKind;

typedef struct PlanAction {
    PlanKind kind;
    const char *filter; /* PLAN_CHUNK: SQL condition on the rows, borrowed until the next call; NULL = none */
    bool is_urgent;     /* PLAN_READ */
    size_t table;       /* PLAN_ANNOUNCE, PLAN_FORGET, PLAN_CHUNK */
    int32_t instance;   /* PLAN_ANNOUNCE, PLAN_CHUNK: object id of the change table whose columns are read */
    BatchTable table_info; /* PLAN_ANNOUNCE, PLAN_FORGET: as it goes into the batch */
    bool is_gap;           /* PLAN_ANNOUNCE: it is copied anew because changes of it are gone */
    bool loses_values;     /* PLAN_ANNOUNCE: a keyless table's new columns can't be read again: warn */
    /* PLAN_CHUNK: number, is_plain, is_exact, watermark. Number 0 is read from the beginning, else from where
     * the chunk before it ended (after a restart: StoredTable.upper_key). An exact one's reader gives the
     * watermark: the captured max LSN once the capture job has caught up under the lock, or this one if that
     * is less. */
    BatchChunk chunk;
    Position from, to;  /* PLAN_WINDOW: (from, to], both ends; PLAN_START: to */
    int64_t to_us;      /* PLAN_WINDOW: commit time of `to`; 0 = unknown */
    bool is_consistent; /* PLAN_WINDOW: the batch that ends at `to` is */
} PlanAction;

/* Everything is copied. */
Plan *plan_new(PlanMode mode, const PlanTableSpec *tables, size_t count, const StoredState *stored);
Plan *plan_free(Plan *p);
/* A table more, that nothing is stored of: it gets the next number. Before the reading that has its first
 * instance; not while a window is read. */
void plan_add_table(Plan *p, const PlanTableSpec *spec);

/* A table whose changes are gone is copied anew, from empty, in place of the error. */
void plan_set_copies_gone(Plan *p);
/* Copy a table anew, from empty, beside the stream if it streams; one that the target doesn't know yet is
 * copied anyway. Not while a window is read. */
void plan_copy_anew(Plan *p, size_t table);

/* What to do next. Errors, not retriable: ERR_RANGE when changes are gone that are still needed (names table,
 * needed and left LSN, and the cure), or when the source has gone back behind the stream (retriable on a
 * secondary); ERR_INVALID when a table that was never copied has no capture instance, or when one is stored
 * that isn't among the plan's.
 */
MUST_CHECK bool plan_next(Plan *p, PlanAction *ret, Err *e);

void plan_reading(Plan *p, const PlanReading *reading);
void plan_announced(Plan *p, size_t table);
void plan_forgotten(Plan *p, size_t table);
void plan_started(Plan *p);
/* A chunk's batches are in the stream. watermark: that of its batches. now_us: the source's clock after the
 * read. Errors: ERR_INTERNAL when an exact chunk's watermark lies before the stream. */
MUST_CHECK bool plan_chunk_put(Plan *p, size_t table, bool is_last_chunk, const Position *watermark,
                               int64_t now_us, Err *e);
/* A chunk isn't read after all, and nothing of it was put: its filter is refused (plan_stop_copy comes next),
 * or an exact one can't be taken: under the lock, once the capture job has caught up, the newest instance of
 * the table that has begun isn't the action's `instance`, whose columns were to be read. Nothing of the chunk
 * was put. */
void plan_chunk_dropped(Plan *p, size_t table);
void plan_window_put(Plan *p);

/* What PLAN_WINDOW reads of a table: its instance, and the changes above *ret_from (the window's, or the
 * table's floor). False: nothing of the table lies in the window. */
bool plan_range(const Plan *p, size_t table, int32_t *ret_instance, Position *ret_from);
/* A page of the table's changes above page_from was read, and after it start_lsn: was all there?
 * Errors: ERR_RANGE, as plan_next. start_lsn zero (the instance was dropped) is one of them, retriable:
 * another instance may go on. */
MUST_CHECK bool plan_check_page(const Plan *p, size_t table, const Position *page_from, const Lsn *start_lsn,
                                Err *e);

Position plan_position(const Plan *p); /* where the stream stands; {0} = before its start */

/*
 * Ad-hoc copies: what a signal asks for. Each takes effect with the next actions (a PLAN_ANNOUNCE), never
 * while a window is read. The rows are read beside the stream and upserted, so nothing that is there is lost,
 * nor is a row deleted that the source no longer has.
 */
typedef enum PlanVerdict {
    PLAN_ACCEPTED,
    PLAN_NO_TABLE,      /* it has no capture instance (any more) */
    PLAN_NO_KEY,        /* without one its rows can't be upserted */
    PLAN_COPIES_ANYWAY, /* its first copy, or that of new columns, isn't done: all of its rows come */
    PLAN_NO_STREAM,     /* snapshot.mode=initial_only, or the stream hasn't started */
    PLAN_NOT_ASKED,     /* there is no ad-hoc copy of it that could be stopped, paused or resumed */
} PlanVerdict;

size_t plan_table_count(const Plan *p);
void plan_table_name(const Plan *p, size_t table, Str *ret_schema, Str *ret_table); /* borrowed */
/* Copy the table again, or those of its rows for which the filter (an SQL condition; empty = all) holds. If
 * one is under way it begins anew, with what both want. */
PlanVerdict plan_copy_again(Plan *p, size_t table, bool is_blocking, Str filter);
PlanVerdict plan_stop_copy(Plan *p, size_t table);
/* A blocking one isn't paused. */
PlanVerdict plan_pause_copy(Plan *p, size_t table, bool is_paused);
/* Something that was accepted hasn't been announced yet. */
bool plan_has_wishes(const Plan *p);

#endif
