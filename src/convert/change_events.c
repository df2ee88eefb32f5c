/*
 * One pass over a batch. The halves of a changed key are neighbours (an operation 3 and its 4 of one change
 * LSN): each half's record names the other's key. What is counted is counted after a record was made, so a
 * value that doesn't fit leaves the counts as they were.
 */
#include "convert/change_events.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "convert/common_records.h"

enum { FIRST_LSNS = 256 };

/* A table's envelope, and its events in the transaction. */
typedef struct Made {
    const Schema *schema;
    Envelope *envelope;
    char *id;             /* "database.schema.table" */
    uint64_t transaction; /* the one that `events` counts */
    size_t count_at;      /* where in `counts` */
} Made;

/* The change LSNs of a transaction's deletes. */
typedef struct LsnSet {
    Lsn *places; /* zero = free */
    size_t count, size;
} LsnSet;

struct ChangeEvents {
    const WireOptions *o;
    StrMap *made; /* by qualified name; owned */
    Made *last;
    LsnSet deletes;
    ConnectOffset offset;
    ConnectOffset from;     /* where it started: commit_lsn zero = at nothing, or past that commit */
    char id[LSN_TEXT_SIZE]; /* of the transaction in progress; "" = none */
    uint64_t transaction;   /* its number */
    int64_t total;
    ConnectOffsetCount *counts; /* owned, names too where names_owned */
    size_t count_count, count_cap;
    Arena names; /* of counts that came with an offset */
    TransactionSchemas notes;
};

static Made *made_free(Made *d) {
    if (!d) return NULL;
    schema_unref(d->schema);
    envelope_free(d->envelope);
    free(d->id);
    free(d);
    return NULL;
}

ChangeEvents *change_events_new(const WireOptions *o) {
    ChangeEvents *m = x_calloc(1, sizeof *m);
    m->o = o;
    m->made = strmap_new(/* ignore_case= */ false);
    if (o->transactions) m->notes = common_records_transaction_schemas(o);
    return m;
}

ChangeEvents *change_events_free(ChangeEvents *m) {
    if (!m) return NULL;
    size_t at = 0;
    Str key;
    void *value;
    while (strmap_next(m->made, &at, &key, &value)) made_free(value);
    strmap_free(m->made);
    free(m->deletes.places);
    free(m->counts);
    arena_done(&m->names);
    common_records_transaction_schemas_done(&m->notes);
    free(m);
    return NULL;
}

/* ---- deletes' LSNs ---- */

static Lsn *lsn_place(const LsnSet *s, const Lsn *lsn) {
    size_t at = (size_t)hash_bytes(lsn->b, LSN_BYTES, /* seed= */ 0) & (s->size - 1);
    while (!lsn_is_zero(&s->places[at]) && lsn_cmp(&s->places[at], lsn) != 0) at = (at + 1) & (s->size - 1);
    return &s->places[at];
}

static bool lsn_set_has(const LsnSet *s, const Lsn *lsn) {
    return s->count && !lsn_is_zero(lsn_place(s, lsn));
}

static void lsn_set_clear(LsnSet *s) {
    if (s->count) memset(s->places, 0, s->size * sizeof *s->places);
    s->count = 0;
}

static void lsn_set_grow(LsnSet *s) {
    LsnSet grown = {.size = s->size ? s->size * 2 : FIRST_LSNS};
    grown.places = x_calloc(grown.size, sizeof *grown.places);
    for (size_t i = 0; i < s->size; i++)
        if (!lsn_is_zero(&s->places[i])) *lsn_place(&grown, &s->places[i]) = s->places[i];
    grown.count = s->count;
    free(s->places);
    *s = grown;
}

static void lsn_set_add(LsnSet *s, const Lsn *lsn) {
    if (s->count >= CHANGE_EVENTS_MAX_DELETES || lsn_is_zero(lsn)) return;
    if (s->count * 2 >= s->size) lsn_set_grow(s);
    Lsn *place = lsn_place(s, lsn);
    s->count += lsn_is_zero(place);
    *place = *lsn;
}

/* ---- tables ---- */

static bool made_of(ChangeEvents *m, const Schema *schema, Made **ret, Err *e) {
    if (m->last && m->last->schema == schema) {
        *ret = m->last;
        return true;
    }
    Made *d = strmap_get(m->made, str_from(schema->qualified));
    if (!d || d->schema != schema) {
        Envelope *envelope;
        if (!envelope_new(schema, m->o, &envelope, e)) return false;
        if (!d) {
            d = x_calloc(1, sizeof *d);
            d->id = x_asprintf(STR_FMT ".%s", STR_ARG(schema->database), schema->qualified);
            strmap_set(m->made, str_from(schema->qualified), d);
        }
        schema_unref(d->schema);
        envelope_free(d->envelope);
        d->schema = schema_ref(schema);
        d->envelope = envelope;
    }
    *ret = m->last = d;
    return true;
}

bool change_events_envelope(ChangeEvents *m, const Schema *schema, const Envelope **ret, Err *e) {
    Made *d;
    if (!made_of(m, schema, &d, e)) return false;
    *ret = d->envelope;
    return true;
}

/* ---- transactions ---- */

static size_t add_count(ChangeEvents *m, Str table, int64_t events) {
    if (m->count_count == m->count_cap) {
        m->count_cap = m->count_cap ? m->count_cap * 2 : 8;
        m->counts = x_reallocarray(m->counts, m->count_cap, sizeof *m->counts);
    }
    m->counts[m->count_count] = (ConnectOffsetCount){table, events};
    return m->count_count++;
}

/* Where the table's events of this transaction are counted. */
static ConnectOffsetCount *count_of(ChangeEvents *m, Made *d) {
    if (d->transaction != m->transaction) {
        size_t at = 0;
        while (at < m->count_count && !str_eq_c(m->counts[at].table, d->id)) at++;
        d->count_at = at < m->count_count ? at : add_count(m, str_from(d->id), 0);
        d->transaction = m->transaction;
    }
    return &m->counts[d->count_at];
}

static void begin_transaction(ChangeEvents *m, const char *id) {
    m->transaction++;
    m->total = 0;
    m->count_count = 0;
    (void)memcpy(m->id, id, strlen(id) + 1);
}

/* Whether the transaction in progress is that commit's. */
static bool is_of_commit(const ChangeEvents *m, const Lsn *commit) {
    char id[LSN_TEXT_SIZE];
    lsn_format(commit, id);
    return strcmp(id, m->id) == 0;
}

void change_events_start(ChangeEvents *m, const ConnectOffset *from) {
    m->offset = *from;
    m->offset.counts = NULL;
    m->offset.count_count = 0;
    m->offset.transaction_id = m->offset.incremental = (Str){NULL, 0};
    m->from = from->is_snapshot ? (ConnectOffset){0} : m->offset;
    lsn_set_clear(&m->deletes);
    arena_clear(&m->names);
    m->id[0] = '\0';
    if (from->transaction_id.n == 0 || from->transaction_id.n >= sizeof m->id) return;
    begin_transaction(m, arena_str(&m->names, from->transaction_id).p);
    for (size_t i = 0; i < from->count_count; i++) {
        add_count(m, arena_str(&m->names, from->counts[i].table), from->counts[i].events);
        m->total += from->counts[i].events;
    }
    bool is_ended = !is_of_commit(m, &from->commit_lsn);
    if (is_ended || m->total == 0) m->from.event_serial_no--; /* a note's offset: its change isn't counted */
    if (is_ended) m->id[0] = '\0';
}

/* The notes between transactions, before the first event of a new one. */
static void turn_transaction(ChangeEvents *m, const Change *c, RecordBatch *out) {
    if (is_of_commit(m, &c->position.commit_lsn)) return;
    int64_t ts_ms = c->source_us / 1000;
    if (m->id[0]) {
        TransactionNote end = {.is_end = true,
                               .id = str_from(m->id),
                               .event_count = m->total,
                               .counts = m->counts,
                               .count_count = m->count_count,
                               .ts_ms = ts_ms};
        common_records_transaction(m->o, &m->notes, &end, out);
    }
    char id[LSN_TEXT_SIZE];
    lsn_format(&c->position.commit_lsn, id);
    begin_transaction(m, id);
    common_records_transaction(m->o, &m->notes, &(TransactionNote){.id = str_from(m->id), .ts_ms = ts_ms},
                               out);
}

/* ---- changes ---- */

/* The number of its last row among those of its (commit LSN, change LSN), in Debezium's order. */
static int64_t serial_of(ChangeEvents *m, const Change *c) {
    switch (c->position.operation) {
    case 1: return 1;
    case 2: return lsn_set_has(&m->deletes, &c->position.seqval) ? 2 : 1;
    default: return 2; /* an update's rows */
    }
}

static void note_position(ChangeEvents *m, const Change *c, int64_t serial) {
    ConnectOffset *at = &m->offset;
    const Position *p = &c->position;
    if (p->operation == 1) lsn_set_add(&m->deletes, &p->seqval);
    int order = at->has_change ? lsn_cmp(&p->seqval, &at->change_lsn) : 1;
    if (order < 0 || (order == 0 && serial <= at->event_serial_no)) return;
    at->has_change = true;
    at->change_lsn = p->seqval;
    at->event_serial_no = serial;
}

static void turn_commit(ChangeEvents *m, const Change *c) {
    if (!m->offset.is_snapshot && lsn_cmp(&c->position.commit_lsn, &m->offset.commit_lsn) == 0) return;
    lsn_set_clear(&m->deletes);
    m->offset = (ConnectOffset){.commit_lsn = c->position.commit_lsn};
}

/* The other half of a changed key: an operation 3 that is a delete, and the 4 behind it. */
static const Change *other_half(const Batch *b, size_t i) {
    const Change *c = &b->changes[i];
    bool is_old = c->op == OP_DELETE && c->position.operation == 3;
    bool is_new = c->op == OP_CREATE && c->position.operation == 4;
    const Change *other = is_old && i + 1 < b->count ? c + 1 : is_new && i > 0 ? c - 1 : NULL;
    bool fits =
        other && other->schema == c->schema && lsn_cmp(&other->position.seqval, &c->position.seqval) == 0;
    return fits ? other : NULL;
}

/* Whether Debezium had sent it before it was gone on from its offset. */
static bool was_sent(ChangeEvents *m, const Change *c, int64_t serial) {
    if (lsn_is_zero(&m->from.commit_lsn)) return false;
    if (lsn_cmp(&c->position.commit_lsn, &m->from.commit_lsn) != 0) {
        m->from = (ConnectOffset){0};
        return false;
    }
    return connect_offset_covers(&m->from, &c->position.commit_lsn, &c->position.seqval, serial);
}

static bool add_change(ChangeEvents *m, const Batch *b, size_t i, int64_t now_us, RecordBatch *out, Err *e) {
    const Change *c = &b->changes[i];
    Made *d;
    if (!made_of(m, c->schema, &d, e)) return false;
    turn_commit(m, c);
    EventTransaction transaction;
    EventMeta meta = {.source_us = c->source_us,
                      .now_us = now_us,
                      .commit_lsn = &c->position.commit_lsn,
                      .change_lsn = &c->position.seqval,
                      .serial_no = serial_of(m, c),
                      .other = other_half(b, i)};
    ConnectOffsetCount *count = NULL;
    if (was_sent(m, c, meta.serial_no)) {
        if (c->position.operation == 1) lsn_set_add(&m->deletes, &c->position.seqval);
        return true;
    }
    if (m->o->transactions) {
        turn_transaction(m, c, out);
        count = count_of(m, d);
        Str id = arena_str(&out->arena, str_from(m->id));
        transaction = (EventTransaction){id, m->total + 1, count->events + 1};
        meta.transaction = &transaction;
    }
    if (!envelope_add(d->envelope, c, &meta, out, e)) return false;
    note_position(m, c, meta.serial_no);
    if (count) {
        count->events++;
        m->total++;
    }
    return true;
}

static SnapshotMark mark_of(const Batch *b, const ChangeEventsPlace *place, size_t i) {
    if (place->is_incremental) return SNAPSHOT_MARK_INCREMENTAL;
    bool is_first = i == 0 && b->chunk.number == 0 && b->chunk.is_first_part;
    bool is_last = i + 1 == b->count && b->chunk.is_last_chunk && b->chunk.is_last_part;
    if (i + 1 == b->count && place->is_last) return SNAPSHOT_MARK_LAST;
    if (i == 0 && place->is_first) return SNAPSHOT_MARK_FIRST;
    if (is_last) return SNAPSHOT_MARK_LAST_IN_DATA_COLLECTION;
    return is_first ? SNAPSHOT_MARK_FIRST_IN_DATA_COLLECTION : SNAPSHOT_MARK_TRUE;
}

static bool add_row(ChangeEvents *m, const Batch *b, size_t i, const ChangeEventsPlace *place, int64_t now_us,
                    RecordBatch *out, Err *e) {
    const Change *c = &b->changes[i];
    Made *d;
    if (!made_of(m, c->schema, &d, e)) return false;
    EventMeta meta = {.mark = mark_of(b, place, i),
                      .source_us = c->source_us ? c->source_us : b->read_us,
                      .now_us = now_us,
                      .commit_lsn = &c->position.commit_lsn};
    if (!envelope_add(d->envelope, c, &meta, out, e)) return false;
    if (place->is_incremental) return true;
    m->offset = (ConnectOffset){.is_snapshot = true,
                                .is_snapshot_completed = meta.mark == SNAPSHOT_MARK_LAST,
                                .commit_lsn = c->position.commit_lsn};
    return true;
}

static void release_batch(void *batch) {
    batch_free(batch);
}

bool change_events_add(ChangeEvents *m, Batch *batch, size_t from, size_t to, const ChangeEventsPlace *place,
                       int64_t now_us, RecordBatch *out, size_t *ret_failed, Err *e) {
    static const ChangeEventsPlace nowhere;
    assert(from <= to && to <= batch->count);
    if (from < to) record_batch_hold(out, batch_ref(batch), release_batch);
    for (size_t i = from; i < to; i++) {
        bool ok = batch->kind == BATCH_ROWS ? add_row(m, batch, i, place ? place : &nowhere, now_us, out, e)
                                            : add_change(m, batch, i, now_us, out, e);
        if (ok) continue;
        *ret_failed = i;
        return false;
    }
    return true;
}

void change_events_copied(ChangeEvents *m, const Batch *batch, const ChangeEventsPlace *place) {
    assert(batch->kind == BATCH_ROWS);
    if (place->is_incremental || !place->is_last) return;
    m->offset = (ConnectOffset){
        .is_snapshot = true, .is_snapshot_completed = true, .commit_lsn = batch->chunk.watermark.commit_lsn};
}

const ConnectOffset *change_events_offset(ChangeEvents *m) {
    m->offset.transaction_id =
        m->o->transactions && !m->offset.is_snapshot ? str_from(m->id) : (Str){NULL, 0};
    m->offset.counts = m->counts;
    m->offset.count_count = m->offset.transaction_id.n ? m->count_count : 0;
    return &m->offset;
}
