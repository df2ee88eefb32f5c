/*
 * sink_half.h - the simulation of the half that reads topics: what writes them (a source that is exact, or
 * one that repeats itself), a group with members of ours that follow pipeline/partition.h, another program's
 * sink, and a PostgreSQL with rows and offsets. The oracle looks at every commit: the rows of a partition are
 * what its topic tells below the stored offset.
 */
#ifndef SCHEDULES_SINK_HALF_H
#define SCHEDULES_SINK_HALF_H

#include "fake_kafka.h"

enum {
    SINK_MEMBERS = 3,
    SINK_PARTITIONS = 3, /* 0 and 1 of a table with a key; 2 of one without */
    SINK_KEYLESS = 2,
    SINK_KEYS = 8,
    SINK_VALUES = 8, /* 1 … 7 of the table without a key, so that rows are alike */
    SINK_EVENTS = 400,
    SINK_SOURCES = 2,
    SINK_GUARD = 320,
    SINK_BACKENDS = 12,
    SINK_HAND = 8,
};

typedef struct SinkWorld SinkWorld;

/* One change as a source makes it. */
typedef struct SinkEvent {
    uint8_t source, partition, op, key; /* op: ChangeOp */
    uint16_t before, after;
    uint32_t lsn, serial;
} SinkEvent;

/* Rows of one partition: values by key, or how many there are of each value. */
typedef struct SinkRows {
    uint16_t of[SINK_KEYS];
} SinkRows;

/* ---- PostgreSQL (fake_store.c) ---- */

typedef struct StoreOffset {
    bool is_there;
    int64_t offset, epoch;
    uint8_t guard[SINK_GUARD];
    size_t guard_bytes;
    size_t owner; /* the oracle's: a member */
} StoreOffset;

/* A connection: its transaction holds the offsets' rows that it has moved. */
typedef struct StoreBackend {
    bool is_used, is_open; /* … in a transaction */
    bool is_ended;         /* by another: its member hears of it at its next statement */
    bool is_left, is_sent; /* the member is gone; its COMMIT was sent */
    size_t member;
    bool has[SINK_PARTITIONS], has_rows;
    StoreOffset moved[SINK_PARTITIONS];
    SinkRows rows[SINK_PARTITIONS];
} StoreBackend;

typedef struct SinkStore {
    StoreOffset offsets[SINK_PARTITIONS];
    SinkRows rows[SINK_PARTITIONS];
    StoreBackend backends[SINK_BACKENDS];
} SinkStore;

typedef enum StoreResult { STORE_OK, STORE_LOST, STORE_FENCED, STORE_WAITS } StoreResult;

StoreBackend *fake_store_connect(SinkStore *st, size_t member);
/* The member is gone, or its connection: what was sent may still be done, later. */
void fake_store_leave(StoreBackend *b, bool is_commit_sent);
void fake_store_step(Sim *s, SinkStore *st);
/* Raise the partition's epoch. STORE_WAITS: another backend has its row; ends: that one is ended. */
StoreResult fake_store_own(Sim *s, SinkStore *st, StoreBackend *b, size_t partition, bool ends,
                           StoreOffset *ret);
/* The transaction's first statement: all partitions of `moves` (by partition; epoch 0 = none). */
StoreResult fake_store_move(Sim *s, SinkStore *st, StoreBackend *b,
                            const PartitionMove moves[static SINK_PARTITIONS],
                            const Buf guards[static SINK_PARTITIONS]);
StoreResult fake_store_write(Sim *s, SinkStore *st, StoreBackend *b, const SinkEvent *event);
StoreResult fake_store_commit(Sim *s, SinkStore *st, StoreBackend *b);
void fake_store_rollback(StoreBackend *b);
void sink_rows_apply(Sim *s, SinkRows *rows, const SinkEvent *event);

/* ---- a member (sink_member_half.c) ---- */

typedef enum MemberState {
    MEMBER_OFF,
    MEMBER_POLL,
    MEMBER_OWN,  /* the partitions that are given, one after the other */
    MEMBER_ASK,  /* the group's commits and the logs' ends, and where they begin */
    MEMBER_PUT,  /* a transaction, step by step */
    MEMBER_MARK, /* the group's commits as ours */
    MEMBER_WAIT, /* after a failure, records in hand */
} MemberState;

typedef struct MemberSlot {
    bool is_held;
    Partition *state;
    int64_t epoch, fetch; /* fetch: the next offset that comes */
    uint32_t generation;
    bool has_commit; /* to be told to the group */
    Buf guard;
} MemberSlot;

typedef struct Member {
    size_t number;
    bool is_alive, is_stopped;
    MemberState state;
    MemberSlot slots[SINK_PARTITIONS];
    bool is_given[SINK_PARTITIONS]; /* being taken */
    KafkaCommit commits[SINK_PARTITIONS];
    int64_t ends[SINK_PARTITIONS];
    StoreOffset stored[SINK_PARTITIONS];
    bool is_owned[SINK_PARTITIONS];
    uint32_t tries;
    StoreBackend *backend; /* NULL = none */
    PartitionMove moves[SINK_PARTITIONS];
    bool is_start; /* the put stores where partitions begin */
    size_t put_step;
    uint32_t hand[SINK_HAND]; /* events to be written */
    size_t hand_count;
} Member;

void member_start(Sim *s, Member *m);
void member_crash(Sim *s, Member *m);
void member_leave(Sim *s, Member *m); /* told to stop */
void member_step(Sim *s, Member *m);
bool member_is_at_rest(const Member *m);

/* ---- all of it (sink_world.c) ---- */

/* What writes the topics for one source. */
typedef struct SinkWriter {
    uint32_t made[SINK_EVENTS]; /* its events, in order */
    size_t count, next, safe;   /* safe: where it goes on after it died */
    bool is_open;               /* a producer of it */
    uint32_t epoch, lsn;
} SinkWriter;

struct SinkWorld {
    FakeKafka kafka;
    FakeGroup group;
    SinkStore store, backup;
    bool has_backup;
    SinkEvent events[SINK_EVENTS];
    size_t event_count;
    SinkRows rows[SINK_PARTITIONS]; /* the sources' */
    SinkWriter writers[SINK_SOURCES];
    Member members[SINK_MEMBERS];
    bool is_foreign; /* another program's sink is the group's member */
    int64_t foreign_at[SINK_PARTITIONS];
    bool is_loose; /* an offset was taken from the group: rows are what the topics tell at the end only */
    struct SinkOracle {
        int64_t at;
        SinkRows rows;
        bool has_seen[SINK_EVENTS];
    } oracle[SINK_PARTITIONS], backup_oracle[SINK_PARTITIONS];
};

SinkWorld *sink_world_new(void);
SinkWorld *sink_world_free(SinkWorld *w);
void sink_world_run(Sim *s, SinkWorld *w);
/* A transaction of `member` is in that moved the partition. */
void sink_world_committed(Sim *s, SinkWorld *w, size_t partition, size_t member, int64_t offset);
bool sink_event_is_snapshot(const SinkEvent *e);

#endif
