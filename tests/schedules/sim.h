/*
 * sim.h - the seeded simulation of the pure core: what its parts share. One schedule is one seed: a fake SQL
 * Server, a fake PostgreSQL and up to two processes of ours, each with up to four lanes, take small steps in
 * an order that the seed decides, with crashes, lost connections, stops and duplicates between any two of
 * them. No threads, no clock, no I/O. Schedules of the other kinds have a fake Kafka: sink_half.h,
 * topic_half.h.
 */
#ifndef SCHEDULES_SIM_H
#define SCHEDULES_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "record/position.h"
#include "record/schema.h"

enum {
    SIM_TABLES = 3,  /* the last one has no key */
    SIM_KEYLESS = 2, /* … this one */
    SIM_KEYS = 8,    /* places for rows; the key of tables that have one */
    SIM_VALUES = 3,  /* columns besides the key; the second and third are added on the way */
    SIM_PROCS = 2,
    SIM_LANES = 4,
};

typedef struct SimRow {
    bool is_there;
    uint16_t v[SIM_VALUES]; /* 0 = NULL */
} SimRow;

typedef struct SimRows {
    SimRow row[SIM_TABLES][SIM_KEYS];
} SimRows;

typedef enum SimKind {
    SIM_DIRECT, /* SQL Server → PostgreSQL */
    SIM_SINK,   /* topics → PostgreSQL */
    SIM_TOPICS, /* SQL Server → topics */
} SimKind;

/* What the world and the faults do in a schedule: chances in percent of a step, counts. */
typedef struct SimShape {
    const char *name; /* NULL = drawn from the seed */
    SimKind kind;
    int mode;              /* PlanMode */
    uint32_t commits;      /* that the world makes before it falls silent */
    uint32_t tables;       /* the first n … */
    bool has_keyless;      /* … and the one without a key */
    uint32_t first_tables; /* that the first processes are told of; later ones know all */
    uint32_t lanes;        /* 0, 1: one */
    uint32_t relane;       /* chance in percent that a process is told of another number of lanes */
    uint32_t constrain;    /* … of a step that the target's constraints change */
    uint32_t left_out;     /* chance in percent that a process is told of the first table alone */
    uint32_t commit, capture, alter, enable, drop, cleanup;
    uint32_t vanish;  /* a table's last instance is dropped; it may come again */
    uint32_t ask;     /* ad-hoc copies, stops, pauses, by command and by signal in the stream */
    uint32_t restore; /* to be backed up, then to be restored from it */
    bool copies_gone; /* a gap is closed by a copy (snapshot.mode=when_needed) */
    uint32_t anew;    /* chance in percent that a table is copied anew when a source starts (always) */
    uint32_t crash, lose, refuse, stop, duplicate, source_fails; /* faults */
    /* with Kafka */
    bool is_plain;             /* the topics' source knows no transactions and repeats itself */
    uint32_t repeat, abort;    /* a record or change comes once more; a transaction is aborted */
    uint32_t rebalance, evict; /* a partition is asked back; a live member is taken for gone */
    uint32_t foreign, reset;   /* another program goes on, and ends; an operator sets what is stored */
    uint32_t large;            /* a transaction is too large for one of Kafka's */
} SimShape;

/* Ways to break the contract of lane.h and plan.h, or what they decide: each has to be found out. */
typedef enum SimBreak {
    BREAK_NOTHING,
    BREAK_NO_FENCE,
    BREAK_NO_SKIP,
    BREAK_CHUNK_BEFORE_W,
    BREAK_IGNORE_GAP,
    BREAK_NO_PAGE_CHECK,
    BREAK_MARK_OUTSIDE,
    BREAK_POSITION_OUTSIDE,
    BREAK_INSTANCES_FIRST,
    BREAK_NO_REREAD,
    BREAK_ALWAYS_PLAIN,
    BREAK_INEXACT_CHUNK,
    BREAK_OLD_COLUMNS,
    BREAK_COMMIT_ASSUMED,
    BREAK_COMMIT_PARTS,
    BREAK_EARLY_CONSISTENT,
    BREAK_NO_RESTART,
    BREAK_NO_FLOOR,
    BREAK_CLEAR_NOTHING,
    BREAK_LEAVE_OUT,
    BREAK_IGNORE_RESTORE,
    BREAK_KEEP_GONE,
    BREAK_ANSWER_EARLY,
    BREAK_SIGNAL_LATE,
    BREAK_FORGET_FILTER,
    BREAK_EMPTY_NOTHING,
    BREAK_CHUNK_ORDER,
    BREAK_NO_MEETING,
    BREAK_MEET_UNWRITTEN,
    BREAK_NEW_ROUTES_AT_ONCE,
    BREAK_RELANE_AT_ONCE,
    BREAK_START_AT_HIGHEST,
    BREAK_KEY_MOVES_WHOLE,
    BREAK_HOLD_NOTHING,
    BREAK_SINK_FIRST,
    BREAK_SINK_NO_FENCE = BREAK_SINK_FIRST,
    BREAK_SINK_NO_EPOCH,
    BREAK_SINK_NO_OLD,
    BREAK_SINK_OFFSET_OUTSIDE,
    BREAK_SINK_COMMIT_ASSUMED,
    BREAK_SINK_GROUP_WINS,
    BREAK_SINK_TARGET_WINS,
    BREAK_SINK_MARK_FIRST,
    BREAK_SINK_ASK_FIRST,
    BREAK_SINK_START_BELIEVED,
    BREAK_SINK_NO_OFFER,
    BREAK_SINK_READ_UNCOMMITTED,
    BREAK_SINK_NO_GUARD,
    BREAK_SINK_FORGET_GUARD,
    BREAK_SINK_GUARD_COPIES,
    BREAK_TOPIC_FIRST,
    BREAK_TOPIC_NO_FENCE = BREAK_TOPIC_FIRST,
    BREAK_TOPIC_READ_FIRST,
    BREAK_TOPIC_READ_UNCOMMITTED,
    BREAK_TOPIC_NOT_READ,
    BREAK_TOPIC_NOT_AGAIN,
    BREAK_TOPIC_OFFSET_OUTSIDE,
    BREAK_TOPIC_MARK_OUTSIDE,
    BREAK_TOPIC_COMMIT_ASSUMED,
    BREAK_TOPIC_FORGET_INSIDE,
    BREAK_TOPIC_SEND_ALL,
    BREAK_TOPIC_SEND_OVERLAP,
    BREAK_TOPIC_CLEAR_INSIDE,
    BREAK_TOPIC_MOVE_AT_SPLIT,
    BREAK_TOPIC_DEBEZIUM_AT_SPLIT,
    BREAK_TOPIC_NOTES_ALONE,
    BREAK_TOPIC_NO_TAKEOVER,
    BREAK_TOPIC_ALWAYS_TAKE_OVER,
    BREAK_TOPIC_KEEP_INSIDE,
    BREAK_TOPIC_WHOLE_COMMIT,
    BREAK_TOPIC_DEBEZIUM_ASIDE,
    BREAK_COUNT,
} SimBreak;
const char *sim_break_name(SimBreak b);
SimKind sim_break_kind(SimBreak b); /* which schedules find it out */

typedef struct Sim Sim;

/* One schedule. False: it failed; sim_why says how. */
Sim *sim_new(void);
Sim *sim_free(Sim *s);
bool sim_run(Sim *s, uint64_t seed, const SimShape *shape, SimBreak broken, bool is_verbose);
const char *sim_why(const Sim *s);
SimShape sim_shape_drawn(Rng *rng, SimKind kind);
uint64_t sim_steps(const Sim *s);
bool sim_ended_in_gap(const Sim *s);

/* For the parts: the first failure counts; a trace line is printed when verbose. */
Rng *sim_rng(Sim *s);
const SimShape *sim_shape(const Sim *s);
size_t sim_lane_count(Sim *s);        /* that a process which starts now is told of */
size_t sim_table_count(const Sim *s); /* that a process which starts now is told of, if not of fewer */
bool sim_is_broken(const Sim *s, SimBreak b);
bool sim_is_quiet(const Sim *s); /* no more faults, no more of the world */
bool sim_has_failed(const Sim *s);
void sim_fail(Sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_trace(Sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_crash_all(Sim *s);
void sim_end_in_gap(Sim *s, const char *why);
struct FakeSource *sim_source(Sim *s);
struct FakeSource *sim_backup(Sim *s); /* of the source; without log entries: none was made */
struct FakeTarget *sim_target(Sim *s);
struct SinkWorld *sim_sink(Sim *s);
struct TopicWorld *sim_topics(Sim *s);
void sim_count_step(Sim *s);
void sim_set_quiet(Sim *s);

Lsn sim_lsn(uint32_t n);
uint32_t sim_lsn_number(const Lsn *lsn);
/* The schema of a table with so many value columns: made once. */
const Schema *sim_schema(size_t table, size_t values);
size_t sim_table_of(const Schema *schema);
size_t sim_values_of(const Schema *schema);
bool sim_rows_equal(const SimRow *a, const SimRow *b, size_t values);

#endif
