/*
 * fake_target.h - a PostgreSQL, as far as transactions and the position row go. It also is the oracle: it
 * looks at every commit.
 */
#ifndef SCHEDULES_FAKE_TARGET_H
#define SCHEDULES_FAKE_TARGET_H

#include "pipeline/lane.h"
#include "sim.h"

enum { FAKE_KEY_TEXT = 4 };

typedef struct FakeTable {
    bool is_known, is_done, is_streaming;
    uint32_t chunks;
    char upper_key[FAKE_KEY_TEXT]; /* "" = none */
    uint64_t fingerprint;
    int32_t instance;
    Position floor;
    size_t values; /* columns that the table has */
} FakeTable;

typedef struct FakeState {
    int64_t epoch;
    bool has_position;
    Position position, consistent;
    FakeTable tables[SIM_TABLES];
    SimRows rows;
} FakeState;

typedef struct FakeSession {
    bool is_connected, is_in_transaction;
    FakeState state; /* of the transaction */
} FakeSession;

typedef struct FakeTarget {
    FakeState now; /* committed */
    FakeSession sessions[SIM_PROCS];
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
/* The target is the source as of lsn: sim_fail otherwise. */
void fake_target_compare(Sim *s, const FakeState *state, uint32_t lsn, const char *when);

#endif
