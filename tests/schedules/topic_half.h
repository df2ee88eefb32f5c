/*
 * topic_half.h - the simulation of the half that writes topics: a source's log, processes of ours that follow
 * pipeline/lane.h and pipeline/parts.h into a Kafka, and Debezium, which takes the connector and gives it
 * back. All that is to be in the topics stands in one order: the rows of the copy, then of each transaction a
 * note and its changes. A place is how many of these are in.
 *
 * The oracle looks at every transaction that the coordinator commits. A reader of committed records finds in
 * each partition what the order has there, each event once; what is stored stands for exactly that. Debezium
 * may repeat itself: from where its own offset stood, in order, to the end.
 */
#ifndef SCHEDULES_TOPIC_HALF_H
#define SCHEDULES_TOPIC_HALF_H

#include "fake_kafka.h"
#include "pipeline/lane.h"
#include "pipeline/parts.h"

enum {
    TOPIC_PROCS = 2,
    TOPIC_DATA = 2,    /* partitions 0, 1: changes, by key */
    TOPIC_NOTES = 2,   /* the partition of transactions' notes */
    TOPIC_OFFSETS = 3, /* … of the topic of offsets */
    TOPIC_ROWS = 6,    /* of the copy; a chunk has two */
    TOPIC_START = 10,  /* the LSN at which the stream starts */
    TOPIC_COMMITS = 40,
    TOPIC_CHANGES = 14, /* of a transaction */
    TOPIC_EVENTS = TOPIC_ROWS + TOPIC_COMMITS * (TOPIC_CHANGES + 1),
    TOPIC_STORES = 2048,
    TOPIC_BATCH = 6,
    TOPIC_OPS = 24,
    TOPIC_FOREIGN = 1 << 30, /* of a record's `what`: Debezium wrote it */
};

typedef struct TopicWorld TopicWorld;

typedef enum TopicKind { TOPIC_ROW, TOPIC_NOTE, TOPIC_CHANGE } TopicKind;

typedef struct TopicEvent {
    TopicKind kind;
    uint8_t partition;
    uint32_t lsn, serial;            /* serial: of the change in its transaction, from 1 */
    uint32_t at;                     /* … it is in its partition */
    uint32_t below[TOPIC_NOTES + 1]; /* events before it in each partition */
} TopicEvent;

/* Debezium's offset. */
typedef struct TopicOffset {
    bool is_there, is_snapshot, is_completed;
    uint32_t lsn, serial; /* the last change; a snapshot's: serial is 0 */
} TopicOffset;

/* A record of the topic of offsets. */
typedef enum TopicStoreKind { STORE_POSITION, STORE_TABLE, STORE_DEBEZIUM } TopicStoreKind;
typedef struct TopicStore {
    TopicStoreKind kind;
    bool is_again; /* STORE_POSITION: as it was found */
    int64_t epoch;
    Position position, inside;
    TopicOffset debezium; /* STORE_POSITION: as it is after this transaction */
    StoredTable table;    /* its texts are static */
} TopicStore;

/* What the topic of offsets holds. */
typedef struct TopicFound {
    bool has_position, has_table;
    TopicStore position, table;
    TopicOffset debezium;
} TopicFound;

/* ---- a process of ours (topic_proc.c) ---- */

typedef enum TopicState {
    TOPIC_OPEN,  /* a producer, which fences the former one */
    TOPIC_READ,  /* what is stored */
    TOPIC_AGAIN, /* it is written once more */
    TOPIC_PUT,
    TOPIC_STEPS,
    TOPIC_WAIT, /* nothing at hand: it is asked for */
} TopicState;

/* What a step comes down to: a record, or the transaction's end. */
typedef struct TopicOp {
    bool is_commit;
    uint8_t partition;
    uint32_t what;
    Position inside; /* is_commit: stored with it */
} TopicOp;

typedef struct TopicProc {
    size_t number;
    bool is_alive, is_stopped;
    TopicState state;
    uint32_t producer;           /* its epoch */
    bool has_producer, has_read; /* … of the topic of offsets */
    Lane *lane;
    bool was_owned;
    Parts parts;
    int64_t epoch;
    TopicFound found;                 /* TOPIC_AGAIN */
    bool is_taken_over;               /* … from Debezium */
    TopicOffset debezium, sent, from; /* stored; behind what was made records; where that began */
    uint32_t noted;                   /* the transaction whose note was made */
    RecordBatch *records;
    TopicOp ops[TOPIC_OPS];
    size_t op_count, op_at;
    LaneWork work;
    size_t step;
    Batch *hand; /* &batch, or NULL */
    bool is_second;
    Batch batch;
    Change changes[TOPIC_BATCH];
    uint32_t events[TOPIC_BATCH]; /* of the changes, or rows */
    /* the source */
    StoredState told; /* what it began with; its texts are owned */
    uint32_t next_part;
    uint32_t first, next; /* events: of the stream as it began, to be read */
    Position reached;
} TopicProc;

void topic_proc_start(Sim *s, TopicProc *p);
void topic_proc_end(TopicProc *p);
void topic_proc_crash(Sim *s, TopicProc *p);
bool topic_proc_leave(Sim *s, TopicProc *p); /* told to stop; false: not now */
void topic_proc_step(Sim *s, TopicProc *p);
bool topic_proc_is_through(const TopicProc *p);

/* ---- its source (topic_source.c) ---- */

void topic_source_start(TopicProc *p, const StoredState *stored);
void topic_source_stop(TopicProc *p);
/* The next batch; NULL: there is nothing. */
Batch *topic_source_next(Sim *s, TopicProc *p);

/* ---- all of it (topic_world.c) ---- */

/* Debezium, at least once, or exactly with the transactional.id of ours. */
typedef struct TopicForeign {
    bool is_running, is_exact, is_open;
    uint32_t epoch, at; /* at: a place */
    uint32_t sent;      /* since its offset was stored */
} TopicForeign;

struct TopicWorld {
    FakeKafka kafka;
    TopicEvent events[TOPIC_EVENTS];
    size_t event_count, captured; /* events, complete transactions */
    uint32_t totals[TOPIC_NOTES + 1];
    uint32_t commits, lsn, captured_lsn;
    TopicStore stores[TOPIC_STORES];
    size_t store_count;
    TopicProc procs[TOPIC_PROCS];
    TopicForeign foreign;
    bool was_left; /* ours were told to stop, and had nothing under way */
    bool has_late; /* an EndTxn that is on its way, nobody waits for it any more */
    uint32_t late; /* … its epoch */
    int64_t now_us;
    struct TopicOracle {
        int64_t at[KAFKA_PARTITIONS];
        uint32_t seen[TOPIC_NOTES + 1]; /* events in, by partition: the next one's `at` */
        TopicFound stored;
        uint32_t place;   /* of what was stored last, by anybody */
        bool is_loose;    /* Debezium was there, or an operator: the next owner may begin further back */
        bool is_set_back; /* by an operator */
    } oracle;
};

TopicWorld *topic_world_new(void);
TopicWorld *topic_world_free(TopicWorld *w);
void topic_world_run(Sim *s, TopicWorld *w);

/* A record of the topic of offsets: its `what`. */
uint32_t topic_world_store(TopicWorld *w, const TopicStore *store);
/* What readers find there. */
TopicFound topic_world_found(const TopicWorld *w, bool is_dirty);
/* Ends the open transaction of this producer, if it is still the producer's; the oracle looks. */
KafkaResult topic_world_end(Sim *s, TopicWorld *w, uint32_t epoch, bool commits);
/* The commit was sent, and nobody hears what became of it. */
void topic_world_cut(Sim *s, TopicWorld *w, uint32_t epoch);
uint32_t topic_place_of_position(const TopicWorld *w, const Position *position);
uint32_t topic_place_of_offset(const TopicWorld *w, const TopicOffset *offset);
bool topic_offsets_equal(const TopicOffset *a, const TopicOffset *b);

#endif
