/*
 * fake_target.h - a PostgreSQL, as far as transactions and the position row go. It also is the oracle: it
 * looks at every commit.
 */
#ifndef SCHEDULES_FAKE_TARGET_H
#define SCHEDULES_FAKE_TARGET_H

#include "fake_source.h"
#include "pipeline/lane.h"
#include "sim.h"

enum { FAKE_KEY_TEXT = 4, FAKE_COMMANDS = 24 };

typedef struct FakeTable {
    bool is_known, is_done, is_streaming;
    uint32_t chunks;
    char upper_key[FAKE_KEY_TEXT]; /* "" = none */
    uint64_t fingerprint;
    int32_t instance;
    Position floor;
    bool is_whole, is_paused;
    BatchAsked asked;
    const char *filter; /* static */
    uint32_t begins;    /* copies that were begun */
    size_t values;      /* columns that the table has */
} FakeTable;

typedef struct FakeState {
    int64_t epoch;
    bool has_position;
    Position position, consistent;
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
    FakeState state; /* of the transaction */
} FakeSession;

typedef struct FakeTarget {
    FakeState now; /* committed */
    FakeSession sessions[SIM_PROCS];
    FakeCommand commands[FAKE_COMMANDS];
    size_t command_count;
    uint32_t stops[SIM_TABLES]; /* accepted: what was asked for before need not begin any more */
} FakeTarget;

typedef enum FakeResult { FAKE_OK, FAKE_LOST, FAKE_NO_ROW, FAKE_WAITS } FakeResult;

void fake_target_init(FakeTarget *t);
/* Connect, raise the epoch, end a former owner's open transaction. */
int64_t fake_target_own(Sim *s, FakeTarget *t, size_t session);
/* What is stored; texts borrowed until the next call. */
StoredState fake_target_stored(const FakeTarget *t);
/* The connection is gone: an open transaction is rolled back. */
void fake_target_cut(FakeTarget *t, size_t session);
/* One step of a batch's work. */
FakeResult fake_target_do(Sim *s, FakeTarget *t, size_t session, LaneStep step, const LaneWork *work,
                          const Batch *batch);
/* The operator gives the tables from this one on up: their marks and rows are gone. */
void fake_target_forget(FakeTarget *t, size_t first);
void fake_target_rollback(FakeTarget *t, size_t session);
FakeWatch fake_target_watch(const FakeTarget *t, size_t table);
/* The operator gives a command; at the end all that is paused is resumed. */
void fake_target_command(Sim *s, FakeTarget *t);
void fake_target_resume_all(FakeTarget *t);
/* A command is answered: it has to have had its effect. was_accepted: the plan said so. */
void fake_target_answer(Sim *s, FakeTarget *t, size_t command, bool was_accepted);
/* The target is the source as of lsn: sim_fail otherwise. */
void fake_target_compare(Sim *s, const FakeState *state, uint32_t lsn, const char *when);

#endif
