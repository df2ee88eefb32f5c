/*
 * proc.h - one process of ours in the simulation: a source that follows a plan, a queue of batches, a sink
 * that follows a lane. Each step is as small as a statement, so that anything may come between two of them.
 */
#ifndef SCHEDULES_PROC_H
#define SCHEDULES_PROC_H

#include "fake_source.h"
#include "fake_target.h"
#include "pipeline/lane.h"
#include "pipeline/plan.h"
#include "sim.h"

enum { PROC_QUEUE = 8, PROC_BATCH = 8, PROC_POOL = PROC_QUEUE + 4, PROC_WINDOW = FAKE_LOG * FAKE_CHANGES };

/* A batch whose memory is a part of the pool. */
typedef struct ProcBatch {
    Batch batch; /* first */
    Change changes[PROC_BATCH];
    Value values[PROC_BATCH][2][1 + SIM_VALUES];
    char key[FAKE_KEY_TEXT];
    size_t command; /* BATCH_ANSWER */
    bool is_taken;
} ProcBatch;

/* A chunk that is being read, row by row. */
typedef struct ProcChunk {
    bool is_open;
    PlanAction action;
    size_t values;    /* columns that are read */
    uint32_t at;      /* next key */
    size_t row_limit; /* rows of a chunk */
    size_t count;
    uint8_t keys[SIM_KEYS];
    SimRow rows[SIM_KEYS];
    bool is_filtered;
    SimRows old; /* BREAK_CHUNK_BEFORE_W: what is read in its stead */
} ProcChunk;

/* One change row, as a page brought it. */
typedef struct ProcRow {
    Position position;
    const FakeChange *change;
    uint8_t values;
} ProcRow;

typedef enum SourceState {
    SOURCE_OFF,
    SOURCE_NEXT,
    SOURCE_READING,
    SOURCE_PAGES,
    SOURCE_EMIT,
    SOURCE_FAILED,
    SOURCE_ENDED
} SourceState;
typedef enum SinkState { SINK_OFF, SINK_OWN, SINK_TAKE, SINK_PUT, SINK_STEPS } SinkState;

typedef struct Proc {
    size_t number;
    bool is_alive, is_stopped;
    ProcBatch pool[PROC_POOL];
    ProcBatch *queue[PROC_QUEUE];
    size_t queued;

    SourceState source;
    uint32_t told;      /* commands that the source was told of: a bit each */
    uint32_t mail;      /* … and has to look at */
    uint32_t due;       /* … and has to answer */
    uint32_t accepted;  /* … with yes */
    uint32_t seen;      /* the stream's signals up to this LSN were told to the plan */
    bool leaves_out;    /* it is told of the first table alone */
    size_t table_count; /* that it was told of */
    Plan *plan;
    PlanReading reading;
    PlanInstance instances[FAKE_INSTANCES];
    uint32_t upper[SIM_TABLES]; /* where the next chunk begins */
    ProcChunk chunks[SIM_TABLES];
    PlanAction window;
    size_t page_table; /* SOURCE_PAGES: the table that is read */
    bool has_range, is_page_full, is_page_unchecked;
    int32_t range_instance;
    Position page_from, page_next;
    ProcRow rows[PROC_WINDOW]; /* of the window */
    size_t row_count, row_at;
    Position emitted;

    SinkState sink;
    int64_t epoch; /* that it last owned under */
    Lane *lane;
    ProcBatch *hand;
    LaneWork work;
    size_t step;
    bool is_again; /* the batch in hand was put before: don't duplicate for ever */
    uint32_t ends; /* BATCH_ENDs taken */
} Proc;

void proc_start(Sim *s, Proc *p);
void proc_crash(Sim *s, Proc *p); /* all memory and the connection are gone; a commit on its way may arrive */
void proc_step(Sim *s, Proc *p);
/* All that is captured is in the target, and nothing is under way. */
bool proc_is_through(Sim *s, const Proc *p);

/* The two halves. */
void source_start(Sim *s, Proc *p, const StoredState *stored);
void source_stop(Proc *p);
void source_step(Sim *s, Proc *p);
ProcBatch *proc_batch(Proc *p, BatchKind kind); /* from the pool */
void proc_drop(Proc *p, ProcBatch *b);
void proc_push(Proc *p, ProcBatch *b);

#endif
