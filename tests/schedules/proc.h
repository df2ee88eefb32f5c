/*
 * proc.h - one process of ours in the simulation: a source that follows a plan, a queue of batches, and a
 * sink that follows a lane, or several of them behind one that shares the batches out (share.c). Each step is
 * as small as a statement, so that anything may come between two of them.
 */
#ifndef SCHEDULES_PROC_H
#define SCHEDULES_PROC_H

#include "fake_source.h"
#include "fake_target.h"
#include "pipeline/lane.h"
#include "pipeline/lanes.h"
#include "pipeline/plan.h"
#include "sim.h"

enum {
    PROC_QUEUE = 8,
    PROC_BATCH = 8,
    PROC_LANE_QUEUE = 3,
    PROC_POOL = PROC_QUEUE + 4 + SIM_LANES * (PROC_LANE_QUEUE + 1),
    PROC_WINDOW = FAKE_LOG * FAKE_CHANGES,
    PROC_NOTES = 64,
};

/* A batch whose memory is a part of the pool. */
typedef struct ProcBatch {
    Batch batch; /* first */
    Change changes[PROC_BATCH];
    Value values[PROC_BATCH][2][1 + SIM_VALUES];
    char key[FAKE_KEY_TEXT];
    size_t command; /* BATCH_ANSWER */
    uint32_t users; /* it, and shares that borrow from it; 0 = free */
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

/* That another lane has committed a mark. */
typedef struct ProcNote {
    Batch batch;
    char key[FAKE_KEY_TEXT];
} ProcNote;

typedef struct ProcLane {
    size_t number;
    SinkState sink;
    bool was_owned;
    Lane *lane;
    Batch *queue[PROC_LANE_QUEUE]; /* of several lanes: shared out */
    size_t queued;
    Batch *hand;
    LaneWork work;
    size_t step;
    bool is_again; /* the batch in hand was put before: don't duplicate for ever */
    ProcNote notes[PROC_NOTES];
    size_t note_count;
} ProcLane;

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

    size_t wanted;  /* lanes */
    bool has_taken; /* the pipeline */
    Lanes *lanes;   /* NULL = one */
    ProcLane lane[SIM_LANES];
    size_t lane_count;
    ProcBatch *share; /* taken from the queue, to be shared out */
    bool is_meeting;  /* the lanes are told to write their positions */
    uint32_t ends;    /* BATCH_ENDs of the source taken */
} Proc;

void proc_start(Sim *s, Proc *p);
void proc_crash(Sim *s, Proc *p); /* all memory and the connection are gone; a commit on its way may arrive */
void proc_step(Sim *s, Proc *p);
/* All that is captured is in the target, and nothing is under way. */
bool proc_is_through(Sim *s, const Proc *p);

/* Anew, with sinks of its own: as the worker does when it can't go on where it was. */
void proc_again(Sim *s, Proc *p);
void proc_end(Proc *p); /* for good: another one has taken the pipeline */

/* Its parts. */
void lane_start(Proc *p, size_t number);
void lane_end(Proc *p, ProcLane *l);
void lane_step(Sim *s, Proc *p, ProcLane *l);
void lane_cut(Sim *s, Proc *p, ProcLane *l); /* its connection; a commit on its way may arrive */
void share_step(Sim *s, Proc *p);
void share_committed(Sim *s, Proc *p, const ProcLane *by, const Batch *batch);
void source_start(Sim *s, Proc *p, const StoredState *stored);
void source_stop(Proc *p);
void source_step(Sim *s, Proc *p);
ProcBatch *proc_batch(Proc *p, BatchKind kind); /* from the pool */
void proc_push(Proc *p, ProcBatch *b);
ProcBatch *proc_pop(Proc *p);
void proc_answer(Sim *s, Proc *p, ProcBatch *b); /* a BATCH_ANSWER, all before it is committed */
void proc_release(Proc *p, Batch *b);            /* one of the pool, or a share */
void proc_drop_all(Proc *p);

#endif
