/* As Kafka has it: the epoch rises with each producer, and when the coordinator aborts for it; a record below
 * the last stable offset belongs to no transaction, or to one whose marker is behind it. */
#include "fake_kafka.h"

#include <assert.h>
#include <string.h>

void fake_kafka_init(FakeKafka *k) {
    for (size_t i = 0; i < KAFKA_PARTITIONS; i++) k->logs[i].count = 0;
    memset(k->ids, 0, sizeof k->ids);
    memset(k->outcomes, 0, sizeof k->outcomes);
    k->transactions = 0;
}

static void append(FakeKafka *k, size_t partition, KafkaRecord record) {
    KafkaLog *log = &k->logs[partition];
    assert(log->count < KAFKA_RECORDS);
    log->records[log->count++] = record;
}

void fake_kafka_append(FakeKafka *k, size_t partition, uint32_t what) {
    append(k, partition, (KafkaRecord){.what = what});
}

bool fake_kafka_is_full(const FakeKafka *k) {
    enum { ROOM = 64 };
    for (size_t i = 0; i < KAFKA_PARTITIONS; i++)
        if (k->logs[i].count + ROOM > KAFKA_RECORDS) return true;
    return k->transactions + ROOM > KAFKA_TRANSACTIONS;
}

/* ---- transactions ---- */

static bool has_markers_due(const KafkaProducerId *id) {
    for (size_t i = 0; i < KAFKA_PARTITIONS; i++)
        if (id->is_in[i]) return true;
    return false;
}

static void end(FakeKafka *k, KafkaProducerId *id, KafkaOutcome outcome) {
    k->outcomes[id->transaction] = (uint8_t)outcome;
    id->is_ending = true;
}

void fake_kafka_step(Sim *s, FakeKafka *k) {
    KafkaProducerId *id = &k->ids[rng_below(sim_rng(s), KAFKA_PRODUCERS)];
    if (!id->is_ending) return;
    size_t first = rng_below(sim_rng(s), KAFKA_PARTITIONS);
    for (size_t i = 0; i < KAFKA_PARTITIONS; i++) {
        size_t p = (first + i) % KAFKA_PARTITIONS;
        if (!id->is_in[p]) continue;
        append(k, p, (KafkaRecord){.is_marker = true, .transaction = id->transaction});
        id->is_in[p] = false;
        break;
    }
    if (has_markers_due(id)) return;
    id->is_ending = false;
    id->transaction = 0;
}

KafkaResult fake_kafka_open(FakeKafka *k, size_t id, uint32_t *ret_epoch) {
    KafkaProducerId *p = &k->ids[id];
    if (p->transaction && !p->is_ending) fake_kafka_expire(k, id);
    if (p->is_ending) return KAFKA_WAITS;
    *ret_epoch = ++p->epoch;
    return KAFKA_OK;
}

KafkaResult fake_kafka_send(FakeKafka *k, size_t id, uint32_t epoch, size_t partition, uint32_t what) {
    KafkaProducerId *p = &k->ids[id];
    if (epoch != p->epoch) return KAFKA_FENCED;
    if (p->is_ending) return KAFKA_WAITS;
    if (p->transaction == 0) p->transaction = ++k->transactions;
    assert(p->transaction < KAFKA_TRANSACTIONS);
    if (!p->is_in[partition]) p->first[partition] = k->logs[partition].count;
    p->is_in[partition] = true;
    append(k, partition, (KafkaRecord){.transaction = p->transaction, .what = what});
    return KAFKA_OK;
}

KafkaResult fake_kafka_end(FakeKafka *k, size_t id, uint32_t epoch, bool commits) {
    KafkaProducerId *p = &k->ids[id];
    if (epoch != p->epoch) return KAFKA_FENCED;
    if (p->is_ending) return KAFKA_WAITS;
    if (p->transaction) end(k, p, commits ? KAFKA_COMMITTED : KAFKA_ABORTED);
    return KAFKA_OK;
}

void fake_kafka_expire(FakeKafka *k, size_t id) {
    KafkaProducerId *p = &k->ids[id];
    if (!p->transaction || p->is_ending) return;
    p->epoch++;
    end(k, p, KAFKA_ABORTED);
}

bool fake_kafka_is_busy(const FakeKafka *k) {
    for (size_t i = 0; i < KAFKA_PRODUCERS; i++)
        if (k->ids[i].transaction) return true;
    return false;
}

/* ---- readers ---- */

int64_t fake_kafka_stable(const FakeKafka *k, size_t partition) {
    int64_t at = k->logs[partition].count;
    for (size_t i = 0; i < KAFKA_PRODUCERS; i++) {
        const KafkaProducerId *id = &k->ids[i];
        if (id->is_in[partition] && id->first[partition] < at) at = id->first[partition];
    }
    return at;
}

bool fake_kafka_is_visible(const FakeKafka *k, size_t partition, int64_t offset) {
    const KafkaRecord *r = &k->logs[partition].records[offset];
    return !r->is_marker && (r->transaction == 0 || k->outcomes[r->transaction] == KAFKA_COMMITTED);
}

/* ---- a group ---- */

void fake_group_init(FakeGroup *g) {
    memset(g, 0, sizeof *g);
    for (size_t i = 0; i < KAFKA_PARTITIONS; i++) g->owner[i] = g->wanted[i] = KAFKA_NOBODY;
}

void fake_group_give(FakeGroup *g, size_t partition, size_t member) {
    g->owner[partition] = g->wanted[partition] = member;
    g->generation[partition]++;
}

void fake_group_leave(FakeGroup *g, size_t member) {
    for (size_t i = 0; i < KAFKA_PARTITIONS; i++)
        if (g->owner[i] == member) fake_group_give(g, i, KAFKA_NOBODY);
}

void fake_group_given_back(FakeGroup *g, size_t partition) {
    fake_group_give(g, partition, g->wanted[partition]);
}

bool fake_group_commit(FakeGroup *g, size_t partition, size_t member, uint32_t generation, int64_t offset,
                       const char *metadata) {
    if (g->owner[partition] != member || g->generation[partition] != generation) return false;
    KafkaCommit *c = &g->commits[partition];
    c->is_there = true;
    c->offset = offset;
    assert(strlen(metadata) < sizeof c->metadata);
    memcpy(c->metadata, metadata, strlen(metadata) + 1);
    return true;
}
