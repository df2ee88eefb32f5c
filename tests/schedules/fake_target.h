/*
 * fake_target.h - a PostgreSQL, as far as transactions and the position rows go: a session a lane, each
 * transaction with what it has written, merged into the rest when it commits. It also is the oracle: it looks
 * at every commit.
 */
#ifndef SCHEDULES_FAKE_TARGET_H
#define SCHEDULES_FAKE_TARGET_H

#include "fake_source.h"
#include "pipeline/lane.h"
#include "pipeline/lanes.h"
#include "sim.h"

enum { FAKE_KEY_TEXT = 4, FAKE_ROUTE_TEXT = 24, FAKE_NOBODY = 99, FAKE_COMMANDS = 24 };

typedef struct FakeTable {
    bool is_known, is_done, is_streaming;
    uint32_t chunks;
    char upper_key[FAKE_KEY_TEXT]; /* "" = none */
    uint64_t fingerprint;
    int32_t instance;
    Position floor;
    bool is_whole, is_paused;
    BatchAsked asked;
    const char *filter;          /* static */
    uint32_t begins;             /* copies that were begun */
    size_t values;               /* columns that the table has */
    char route[FAKE_ROUTE_TEXT]; /* "" = none */
} FakeTable;

/* A position row. */
typedef struct FakeLane {
    int64_t epoch;
    size_t owner; /* process */
    bool has_position;
    Position position, consistent;
} FakeLane;

typedef struct FakeState {
    size_t lane_count;
    FakeLane lanes[SIM_LANES];
    FakeTable tables[SIM_TABLES];
    SimRows rows;
} FakeState;

typedef enum FakeCommandKind {
    FAKE_COPY,
    FAKE_COPY_BLOCKING,
    FAKE_STOP,
    FAKE_PAUSE,
    FAKE_RESUME
} FakeCommandKind;

/* A row of millrace.signal. */
typedef struct FakeCommand {
    FakeCommandKind kind;
    size_t table;
    bool is_answered;
    FakeWatch watch;
} FakeCommand;

typedef struct FakeSession {
    bool is_connected, is_in_transaction;
    FakeState state;                                                       /* of the transaction */
    bool has_row[SIM_TABLES][SIM_KEYS], has_table[SIM_TABLES], has_others; /* what it has written */
} FakeSession;

typedef struct FakeTarget {
    FakeState now; /* committed */
    FakeSession sessions[SIM_PROCS][SIM_LANES];
    bool is_joined, is_whole; /* tables 0 and 1 by a foreign key; table 0 has another unique key */
    uint8_t lane_of[SIM_TABLES][SIM_KEYS]; /* by the routes that are stored */
    FakeCommand commands[FAKE_COMMANDS];
    size_t command_count;
    uint32_t stops[SIM_TABLES]; /* accepted: what was asked for before need not begin any more */
} FakeTarget;

typedef enum FakeResult { FAKE_OK, FAKE_LOST, FAKE_NO_ROW, FAKE_WAITS } FakeResult;

void fake_target_init(Sim *s, FakeTarget *t);
/* Take the pipeline: raise all epochs, end a former owner's open transactions, see how many lanes go on. */
LanesStart fake_target_own_all(Sim *s, FakeTarget *t, size_t proc, size_t wanted);
/* Connect, raise the lane's epoch. FAKE_NO_ROW: another process has taken it since. */
FakeResult fake_target_own(FakeTarget *t, size_t proc, size_t lane);
bool fake_target_is_owner(const FakeTarget *t, size_t proc);
/* What is stored, with the lane's position. Texts borrowed until the next call. */
StoredState fake_target_stored(const FakeTarget *t, size_t lane);
Position fake_target_lowest(const FakeTarget *t);
Position fake_target_highest(const FakeTarget *t);
bool fake_target_is_consistent(const FakeTarget *t); /* all lanes */
/* The connection is gone: an open transaction is rolled back. */
void fake_target_cut(FakeTarget *t, size_t proc, size_t lane);
/* One step of a batch's work. */
FakeResult fake_target_do(Sim *s, FakeTarget *t, size_t proc, size_t lane, LaneStep step,
                          const LaneWork *work, const Batch *batch);
/* Which tables have to stay together, as the catalog has it now: for the tables of `known`, in its order. */
size_t fake_target_links(const FakeTarget *t, const StoredState *known,
                         RouteTable ret_tables[static SIM_TABLES], RouteJoin ret_joins[static 1]);
/* Store the routes of `known`, in one transaction by lane 0. False: it is fenced. */
bool fake_target_store_routes(Sim *s, FakeTarget *t, size_t proc, const StoredState *known);
/* Constraints come and go. */
void fake_target_step(Sim *s, FakeTarget *t);
/* The operator gives the tables from this one on up: their marks and rows are gone. */
void fake_target_forget(FakeTarget *t, size_t first);
void fake_target_rollback(FakeTarget *t, size_t proc, size_t lane);
FakeWatch fake_target_watch(const FakeTarget *t, size_t table);
/* The operator gives a command; at the end all that is paused is resumed, and again where all is answered and
 * something is paused all the same: a former owner that doesn't know it yet has answered. */
void fake_target_command(Sim *s, FakeTarget *t);
void fake_target_resume_all(FakeTarget *t, bool is_again);
/* A command is answered: it has to have had its effect. was_accepted: the plan said so. */
void fake_target_answer(Sim *s, FakeTarget *t, size_t command, bool was_accepted);
/* The rows of each lane are the source's as of the lane's position: sim_fail otherwise. */
void fake_target_compare(Sim *s, const FakeTarget *t, const char *when);

#endif
