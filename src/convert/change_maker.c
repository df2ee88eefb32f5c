/*
 * Records come in runs of one topic and schema, so the plan used last is looked at first; else plans are
 * found by the addresses of their schemas, to which they hold references, so that no address is used twice.
 * Schemas of tables outlive plans: when a topic's value schema changes in something that no column shows (the
 * envelope's version), the table's schema stays the same object and its target isn't opened anew.
 *
 * A producer whose every record has a schema of its own would fill the memory with plans, and one whose every
 * source block names another table with schemas; past MAX_PLANS or MAX_SCHEMAS all are forgotten. Batches
 * hold the schemas they use.
 */
#include "convert/change_maker.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "convert/change_plan.h"

enum { BUCKETS = 1024, MAX_PLANS = 4096, MAX_SCHEMAS = 4096, MAX_BYTES = 256 * 1024 * 1024 };

typedef struct Entry Entry;

typedef struct Topic {
    char *name;
    Entry *last; /* of the value seen last; NULL = none yet */
} Topic;

struct Entry {
    Topic *topic;
    const ConnectSchema *key_schema, *value_schema; /* references */
    bool has_key;
    ChangePlan *plan;     /* NULL: no record of these schemas can be written, for broken's reason */
    const Schema *schema; /* borrowed from the maker; by source: the one used last; NULL = none yet */
    Err broken;
    Entry *next; /* in its bucket */
};

struct ChangeMaker {
    ChangeRules rules;
    Entry *buckets[BUCKETS];
    size_t entry_count, bytes; /* of their schemas, about */
    Entry *last;
    StrMap *topics;         /* name → Topic */
    const Schema **schemas; /* references */
    size_t schema_count, schema_cap;
    uint32_t version;
    uint64_t skipped[CHANGE_SKIPS];
};

const char *change_skip_name(ChangeSkip skip) {
    static const char *const names[CHANGE_SKIPS] = {"none",    "tombstone", "delete",        "truncate",
                                                    "message", "heartbeat", "schema_change", "transaction"};
    return names[skip];
}

ChangeMaker *change_maker_new(const ChangeRules *rules) {
    ChangeMaker *m = x_calloc(1, sizeof *m);
    m->rules = *rules;
    m->topics = strmap_new(/* ignore_case= */ false);
    return m;
}

static void forget(ChangeMaker *m) {
    for (size_t i = 0; i < BUCKETS; i++) {
        for (Entry *entry = m->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            change_plan_free(entry->plan);
            connect_schema_unref(entry->key_schema);
            connect_schema_unref(entry->value_schema);
            free(entry);
        }
        m->buckets[i] = NULL;
    }
    for (size_t i = 0; i < m->schema_count; i++) schema_unref(m->schemas[i]);
    size_t at = 0;
    void *topic;
    Str name;
    while (strmap_next(m->topics, &at, &name, &topic)) free(((Topic *)topic)->name);
    strmap_free_all(m->topics);
    m->topics = NULL;
    m->entry_count = m->schema_count = m->bytes = 0;
    m->last = NULL;
}

ChangeMaker *change_maker_free(ChangeMaker *m) {
    if (!m) return NULL;
    forget(m);
    free(m->schemas);
    free(m);
    return NULL;
}

uint64_t change_maker_skipped(const ChangeMaker *m, ChangeSkip skip) {
    return m->skipped[skip];
}

/* ---- schemas ---- */

typedef struct SourceNames {
    Str database, schema, table;
} SourceNames;

/* "a.b.c.d": the last two parts, and what stands before them. */
static SourceNames names_of_topic(Str topic, bool is_short) {
    SourceNames n = {{"", 0}, {"", 0}, topic};
    size_t dot = topic.n, before;
    while (dot > 0 && topic.p[dot - 1] != '.') dot--;
    if (dot == 0) return n;
    n.table = str_sub(topic, dot, topic.n);
    for (before = dot - 1; before > 0 && topic.p[before - 1] != '.';) before--;
    n.schema = str_sub(topic, before, dot - 1 - before);
    if (before == 0) return n;
    n.database = str_sub(topic, 0, before - 1);
    if (!is_short) return n;
    for (size_t i = n.database.n; i > 0; i--)
        if (n.database.p[i - 1] == '.') {
            n.database = str_sub(n.database, i, n.database.n);
            break;
        }
    return n;
}

static bool has_names(const Schema *s, const SourceNames *n) {
    return str_eq(s->table, n->table) && str_eq(s->schema, n->schema) && str_eq(s->database, n->database);
}

static const Schema *known_schema(const ChangeMaker *m, const Schema *like) {
    const SourceNames n = {like->database, like->schema, like->table};
    for (size_t i = m->schema_count; i-- > 0;) {
        const Schema *s = m->schemas[i];
        if (s->fingerprint == like->fingerprint && s->column_count == like->column_count &&
            has_names(s, &n) && str_eq(s->topic, like->topic))
            return s;
    }
    return NULL;
}

/* The plan's columns under those names: a schema that is known, or a new one. Borrowed. */
static bool schema_of(ChangeMaker *m, const Entry *entry, const SourceNames *n, const Schema **ret, Err *e) {
    const SchemaSpec spec = {.database = n->database,
                             .schema = n->schema,
                             .table = n->table,
                             .topic = str_from(entry->topic->name),
                             .version = m->version + 1,
                             .columns = entry->plan->columns,
                             .column_count = entry->plan->column_count};
    const Schema *made = NULL;
    if (!schema_new(&spec, &made, e)) {
        e->code = ERR_DATA;
        return false;
    }
    *ret = known_schema(m, made);
    if (*ret) {
        schema_unref(made);
        return true;
    }
    if (m->schema_count == m->schema_cap) {
        m->schema_cap = m->schema_cap ? 2 * m->schema_cap : 16;
        m->schemas = x_reallocarray(m->schemas, m->schema_cap, sizeof(Schema *));
    }
    m->version++;
    *ret = m->schemas[m->schema_count++] = made;
    return true;
}

/* ---- plans ---- */

static Topic *topic_of(ChangeMaker *m, Str name) {
    if (!m->topics) m->topics = strmap_new(/* ignore_case= */ false);
    Topic *topic = strmap_get(m->topics, name);
    if (topic) return topic;
    topic = x_calloc(1, sizeof *topic);
    topic->name = str_dup(name);
    strmap_set(m->topics, name, topic);
    return topic;
}

static bool is_for(const Entry *entry, Str topic, const ConnectSchema *key, bool has_key,
                   const ConnectSchema *value) {
    return entry->value_schema == value && entry->key_schema == key && entry->has_key == has_key &&
           str_eq_c(topic, entry->topic->name);
}

static size_t bytes_of(const ConnectSchema *key, const ConnectSchema *value) {
    return (key ? connect_schema_bytes(key) : 0) + (value ? connect_schema_bytes(value) : 0);
}

static Entry *compile(ChangeMaker *m, Str topic, const ConnectSchema *key, bool has_key,
                      const ConnectSchema *value) {
    Entry *entry = x_calloc(1, sizeof *entry);
    entry->key_schema = key ? connect_schema_ref(key) : NULL;
    entry->value_schema = value ? connect_schema_ref(value) : NULL;
    size_t bytes = bytes_of(key, value);
    if (m->entry_count >= MAX_PLANS || m->bytes + bytes > MAX_BYTES)
        forget(m); /* what is passed may be held by a plan alone */
    m->bytes += bytes;
    entry->topic = topic_of(m, topic);
    entry->has_key = has_key;
    bool ok = change_plan_new(&m->rules, topic, key, has_key, value, &entry->plan, &entry->broken);
    if (ok && entry->plan->kind != CHANGE_KIND_SKIPPED) {
        SourceNames names = names_of_topic(topic, m->rules.names_from_source);
        bool is_by_source = m->rules.names_from_source && entry->plan->kind == CHANGE_KIND_ENVELOPE;
        ok = is_by_source || schema_of(m, entry, &names, &entry->schema, &entry->broken);
    }
    if (!ok) entry->plan = change_plan_free(entry->plan);
    return entry;
}

static Entry *find_entry(ChangeMaker *m, Str topic, const ConnectSchema *key, bool has_key,
                         const ConnectSchema *value) {
    if (m->last && is_for(m->last, topic, key, has_key, value)) return m->last;
    uint64_t hash = hash_mix((uint64_t)(uintptr_t)value, hash_mix((uint64_t)(uintptr_t)key, has_key));
    size_t bucket = (size_t)hash_bytes(topic.p, topic.n, hash) % BUCKETS;
    Entry *entry = m->buckets[bucket];
    while (entry && !is_for(entry, topic, key, has_key, value)) entry = entry->next;
    if (!entry) {
        entry = compile(m, topic, key, has_key, value);
        entry->next = m->buckets[bucket];
        m->buckets[bucket] = entry;
        m->entry_count++;
    }
    m->last = entry;
    return entry;
}

/* ---- envelopes ---- */

static Str text_field(const Value *source, int at) {
    if (at < 0) return (Str){"", 0};
    const Value *v = record_field(source, (size_t)at);
    return value_is_null(v) ? (Str){"", 0} : value_str(v);
}

static int64_t int_field(const Value *source, int at) {
    if (at < 0) return 0;
    const Value *v = record_field(source, (size_t)at);
    return value_is_null(v) ? 0 : v->v.i;
}

static bool take_lsn(Str text, Lsn *ret) {
    char buf[LSN_TEXT_SIZE];
    Err e = {0};
    if (text.n != LSN_TEXT_SIZE - 1) return false;
    memcpy(buf, text.p, text.n);
    buf[text.n] = '\0';
    return lsn_parse(buf, ret, &e);
}

static void read_origin(const EnvelopePlaces *at, const Value *source, MadeChange *ret) {
    static const uint8_t operations[128] = {['c'] = 2, ['u'] = 4, ['d'] = 1};
    ChangeOrigin *o = &ret->origin;
    Str snapshot = text_field(source, at->snapshot), name = text_field(source, at->name),
        db = text_field(source, at->db);
    o->is_snapshot = ret->change.op == OP_READ || (snapshot.n > 0 && !str_eq_c(snapshot, "false"));
    o->source = hash_bytes(db.p, db.n, hash_bytes(name.p, name.n, 0));
    o->event_serial_no = int_field(source, at->event_serial_no);
    int64_t us = int_field(source, at->ts_us), ms = int_field(source, at->ts_ms);
    ret->change.source_us = us ? us : ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000 ? 0 : ms * 1000;
    Lsn commit_lsn, change_lsn;
    if (!take_lsn(text_field(source, at->commit_lsn), &commit_lsn)) return;
    ret->change.position.commit_lsn = commit_lsn;
    if (!take_lsn(text_field(source, at->change_lsn), &change_lsn)) return; /* a snapshot's row has none */
    o->has_lsn = true;
    o->commit_lsn = commit_lsn;
    o->change_lsn = change_lsn;
    int64_t serial = o->event_serial_no;
    ret->change.position =
        (Position){.commit_lsn = commit_lsn,
                   .command_id = serial > 0 && serial < POSITION_END_COMMAND ? (int32_t)serial : 0,
                   .seqval = change_lsn,
                   .operation = operations[ret->change.op & 127]};
}

/* The schema of the table that the source block names. */
static bool schema_by_source(ChangeMaker *m, Entry *entry, const Value *source, Err *e) {
    const EnvelopePlaces *at = &entry->plan->at;
    SourceNames n = {text_field(source, at->db), text_field(source, at->schema),
                     text_field(source, at->table)};
    if (entry->schema && has_names(entry->schema, &n)) return true;
    if (n.table.n == 0)
        return err_set(e, ERR_DATA, false, "its source block has no table, which the target's name needs");
    return schema_of(m, entry, &n, &entry->schema, e);
}

static bool skip(ChangeMaker *m, ChangeSkip why, MadeChange *ret) {
    m->skipped[why]++;
    *ret = (MadeChange){.skip = why};
    return true;
}

static bool fill_delete(const ChangePlan *p, const Record *r, const Value *before, Arena *a, MadeChange *ret,
                        Err *e) {
    bool needs_row = p->key_count == 0;
    if (needs_row && (!before || value_is_null(before)))
        return err_set(e, ERR_DATA, false,
                       "a delete from a table without a key came without the row before it");
    ret->change.op = OP_DELETE;
    return change_plan_row(p, r, needs_row ? before : NULL, /* is_before= */ true, a, &ret->change.before, e);
}

static bool fill_put(const ChangePlan *p, const Record *r, Arena *a, MadeChange *ret, Err *e) {
    const Value *after = record_field(&r->value, (size_t)p->at.after), *before = NULL;
    if (value_is_null(after)) return err_set(e, ERR_DATA, false, "op %c without `after`", ret->change.op);
    if (ret->change.op == OP_UPDATE && p->wants_before) {
        before = p->at.before < 0 ? NULL : record_field(&r->value, (size_t)p->at.before);
        if (!before || value_is_null(before))
            return err_set(e, ERR_DATA, false,
                           "an update of a table without a key came without the row before it");
        if (!change_plan_row(p, r, before, /* is_before= */ true, a, &ret->change.before, e)) return false;
    }
    return change_plan_row(p, r, after, /* is_before= */ false, a, &ret->change.after, e);
}

static bool make_of_envelope(ChangeMaker *m, Entry *entry, const Record *r, Arena *a, MadeChange *ret,
                             Err *e) {
    const ChangePlan *p = entry->plan;
    const Value *source = record_field(&r->value, (size_t)p->at.source);
    Str op = value_str(record_field(&r->value, (size_t)p->at.op));
    char letter = op.n == 1 && !value_is_null(record_field(&r->value, (size_t)p->at.op)) ? op.p[0] : '\0';
    if (letter == 't') return skip(m, CHANGE_SKIP_TRUNCATE, ret);
    if (letter == 'm') return skip(m, CHANGE_SKIP_MESSAGE, ret);
    if (letter == 'd' && !m->rules.may_delete) return skip(m, CHANGE_SKIP_DELETE, ret);
    if (letter != 'c' && letter != 'r' && letter != 'u' && letter != 'd')
        return err_set(e, ERR_DATA, false, "its op isn't one of c, r, u, d, t, m");
    if (value_is_null(source)) return err_set(e, ERR_DATA, false, "an envelope without a source block");
    if (m->rules.names_from_source && !schema_by_source(m, entry, source, e)) return false;
    *ret = (MadeChange){.change = {.op = (uint8_t)letter, .schema = entry->schema},
                        .origin = {.is_envelope = true}};
    read_origin(&p->at, source, ret);
    if (letter != 'd') return fill_put(p, r, a, ret, e);
    return fill_delete(p, r, p->at.before < 0 ? NULL : record_field(&r->value, (size_t)p->at.before), a, ret,
                       e);
}

/* ---- the rest ---- */

static bool says_deleted(const ChangePlan *p, const Value *value) {
    if (p->deleted_at < 0) return false;
    const Value *v = record_field(value, (size_t)p->deleted_at);
    if (value_is_null(v)) return false;
    return p->deleted_type == CONNECT_BOOLEAN ? v->v.i != 0 : str_eq_c(value_str(v), "true");
}

static bool make_of_flat(const Entry *entry, const Record *r, Arena *a, MadeChange *ret, Err *e) {
    *ret = (MadeChange){.change = {.op = OP_UPSERT, .schema = entry->schema}};
    if (says_deleted(entry->plan, &r->value)) return fill_delete(entry->plan, r, NULL, a, ret, e);
    return change_plan_row(entry->plan, r, &r->value, /* is_before= */ false, a, &ret->change.after, e);
}

static bool make_of_null(ChangeMaker *m, const Record *r, Arena *a, MadeChange *ret, Err *e) {
    bool has_key = !value_is_null(&r->key);
    if (!m->rules.may_delete || !has_key) return skip(m, CHANGE_SKIP_TOMBSTONE, ret);
    const Entry *last = topic_of(m, r->topic)->last;
    const ConnectSchema *value = last ? last->value_schema : NULL;
    Entry *entry = find_entry(m, r->topic, r->key_schema, has_key, value);
    if (!entry->plan) {
        *e = entry->broken;
        return false;
    }
    if (!entry->schema) /* of an envelope's topic, named by its source: its name stands in the table's last
                           schema */
        entry = find_entry(m, r->topic, r->key_schema, has_key, NULL);
    if (!entry->plan) {
        *e = entry->broken;
        return false;
    }
    *ret = (MadeChange){.change = {.schema = entry->schema},
                        .is_key_only = entry->plan->kind == CHANGE_KIND_KEY};
    return fill_delete(entry->plan, r, NULL, a, ret, e);
}

static bool make_of_value(ChangeMaker *m, const Record *r, Arena *a, MadeChange *ret, Err *e) {
    if (!r->value_schema)
        return err_set(
            e, ERR_DATA, false,
            "its value has no schema, so its columns' types aren't known: write it with JsonConverter and "
            "schemas.enable=true, or AvroConverter");
    /* where the key doesn't count, all kinds of keys have one plan */
    bool is_keyed = m->rules.key_mode == CHANGE_KEY_RECORD_KEY, has_key = is_keyed && !value_is_null(&r->key);
    Entry *entry = find_entry(m, r->topic, has_key ? r->key_schema : NULL, has_key, r->value_schema);
    if (!entry->plan) {
        *e = entry->broken;
        return false;
    }
    if (entry->plan->kind == CHANGE_KIND_SKIPPED) return skip(m, entry->plan->skip, ret);
    entry->topic->last = entry;
    return entry->plan->kind == CHANGE_KIND_ENVELOPE ? make_of_envelope(m, entry, r, a, ret, e)
                                                     : make_of_flat(entry, r, a, ret, e);
}

static bool make_one(ChangeMaker *m, const Record *r, Arena *a, MadeChange *ret, Err *e) {
    if (value_is_null(&r->value) ? make_of_null(m, r, a, ret, e) : make_of_value(m, r, a, ret, e))
        return true;
    err_wrap(e, "a record of topic " STR_FMT, STR_ARG(r->topic));
    return false;
}

/* Schemas are forgotten between two records, as within one its plan is in use; what the record has may be
 * held by a plan alone. */
bool change_maker_make(ChangeMaker *m, const Record *r, Arena *a, MadeChange *ret, Err *e) {
    if (m->schema_count < MAX_SCHEMAS) return make_one(m, r, a, ret, e);
    const ConnectSchema *key = r->key_schema ? connect_schema_ref(r->key_schema) : NULL;
    const ConnectSchema *value = r->value_schema ? connect_schema_ref(r->value_schema) : NULL;
    forget(m);
    bool ok = make_one(m, r, a, ret, e);
    connect_schema_unref(key);
    connect_schema_unref(value);
    return ok;
}
