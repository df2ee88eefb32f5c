/*
 * fake_kafka.h - a Kafka, as far as order, transactions and groups go. Partitions are logs of records that
 * stand for something of the user's (`what`). A transactional.id has an epoch, a new producer of it fences
 * the former one; a transaction ends in two steps, the coordinator's word and then a marker in each
 * partition, and anything may come between. A group hands its partitions to members, who hear of it when they
 * ask.
 */
#ifndef SCHEDULES_FAKE_KAFKA_H
#define SCHEDULES_FAKE_KAFKA_H

#include "pipeline/partition.h"
#include "sim.h"

enum {
    KAFKA_PARTITIONS = 4,
    KAFKA_RECORDS = 2048, /* of a partition, markers too */
    KAFKA_TRANSACTIONS = 1024,
    KAFKA_PRODUCERS = 3, /* transactional.ids */
    KAFKA_NOBODY = 99,
};

typedef struct KafkaRecord {
    bool is_marker;
    uint16_t transaction; /* 0 = none */
    uint32_t what;
} KafkaRecord;

typedef struct KafkaLog {
    KafkaRecord records[KAFKA_RECORDS];
    int64_t count;
} KafkaLog;

typedef enum KafkaOutcome { KAFKA_UNDECIDED, KAFKA_COMMITTED, KAFKA_ABORTED } KafkaOutcome;

/* What the coordinator knows of a transactional.id. */
typedef struct KafkaProducerId {
    uint32_t epoch;
    uint16_t transaction;            /* 0 = none */
    bool is_ending;                  /* markers are being written */
    bool is_in[KAFKA_PARTITIONS];    /* records, and no marker yet */
    int64_t first[KAFKA_PARTITIONS]; /* … the first of them */
} KafkaProducerId;

typedef struct FakeKafka {
    KafkaLog logs[KAFKA_PARTITIONS];
    KafkaProducerId ids[KAFKA_PRODUCERS];
    uint8_t outcomes[KAFKA_TRANSACTIONS]; /* KafkaOutcome */
    uint16_t transactions;
} FakeKafka;

typedef enum KafkaResult { KAFKA_OK, KAFKA_FENCED, KAFKA_WAITS } KafkaResult;

void fake_kafka_init(FakeKafka *k);
/* One marker of an ending transaction is written, or none is due. */
void fake_kafka_step(Sim *s, FakeKafka *k);
/* init_transactions: fences the former producer, whose open transaction is aborted; KAFKA_WAITS until its
 * markers are written. */
KafkaResult fake_kafka_open(FakeKafka *k, size_t id, uint32_t *ret_epoch);
/* A record of the producer's transaction, which begins with its first one; KAFKA_WAITS: the last one is
 * ending. */
KafkaResult fake_kafka_send(FakeKafka *k, size_t id, uint32_t epoch, size_t partition, uint32_t what);
KafkaResult fake_kafka_end(FakeKafka *k, size_t id, uint32_t epoch, bool commits);
/* The coordinator gives a transaction up whose producer is silent. */
void fake_kafka_expire(FakeKafka *k, size_t id);
bool fake_kafka_is_busy(const FakeKafka *k); /* a transaction is open or ending */
/* A record outside of transactions. */
void fake_kafka_append(FakeKafka *k, size_t partition, uint32_t what);
bool fake_kafka_is_full(const FakeKafka *k);

/* Readers of committed records see those below this offset that fake_kafka_is_visible says. */
int64_t fake_kafka_stable(const FakeKafka *k, size_t partition);
bool fake_kafka_is_visible(const FakeKafka *k, size_t partition, int64_t offset);

/* ---- a group ---- */

typedef struct KafkaCommit {
    bool is_there;
    int64_t offset;
    char metadata[PARTITION_METADATA_SIZE];
} KafkaCommit;

typedef struct FakeGroup {
    size_t owner[KAFKA_PARTITIONS];        /* a member's number */
    size_t wanted[KAFKA_PARTITIONS];       /* the owner is to give it back, for this one */
    uint32_t generation[KAFKA_PARTITIONS]; /* of its being handed over */
    KafkaCommit commits[KAFKA_PARTITIONS];
} FakeGroup;

void fake_group_init(FakeGroup *g);
void fake_group_give(FakeGroup *g, size_t partition, size_t member); /* at once */
void fake_group_leave(FakeGroup *g, size_t member);
/* The owner has given it back. */
void fake_group_given_back(FakeGroup *g, size_t partition);
/* false: refused, the member isn't the owner any more. */
bool fake_group_commit(FakeGroup *g, size_t partition, size_t member, uint32_t generation, int64_t offset,
                       const char *metadata);

#endif
