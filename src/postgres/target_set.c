/*
 * A change names its table by the address of its schema, so that is what the look-up goes by; a schema that
 * is new but equal to a known one (the source was started again) takes the known one's place.
 */
#include "postgres/target_set.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

struct TargetSet {
    const TargetRules *rules;
    Target **targets; /* owned */
    size_t count;
    Target **slots; /* by the schema's address; twice as many as targets, a power of two */
    size_t slot_count;
    Target *last; /* found last: changes come in runs */
};

TargetSet *target_set_new(const TargetRules *rules) {
    TargetSet *set = x_calloc(1, sizeof *set);
    set->rules = rules;
    return set;
}

void target_set_clear(TargetSet *set) {
    for (size_t i = 0; i < set->count; i++) target_free(set->targets[i]);
    free(set->targets);
    free(set->slots);
    *set = (TargetSet){.rules = set->rules};
}

TargetSet *target_set_free(TargetSet *set) {
    if (!set) return NULL;
    target_set_clear(set);
    free(set);
    return NULL;
}

void target_set_forget_temps(TargetSet *set) {
    for (size_t i = 0; i < set->count; i++) {
        set->targets[i]->removes.is_temp_made = false;
        for (TargetShape *shape = &set->targets[i]->shapes; shape; shape = shape->next)
            shape->write.is_temp_made = false;
    }
}

void target_set_count_commit(TargetSet *set) {
    for (size_t i = 0; i < set->count; i++) {
        Target *t = set->targets[i];
        for (size_t k = 0; k < TARGET_COUNTS; k++) {
            if (t->counters[k].pending > 0) metric_add(t->counters[k].metric, t->counters[k].pending);
            t->counters[k].pending = 0;
        }
        if (t->pending_last_us > 0) metric_set(t->last_change, t->pending_last_us);
        t->pending_last_us = 0;
    }
}

size_t target_set_count(const TargetSet *set) {
    return set->count;
}
Target *target_set_at(const TargetSet *set, size_t i) {
    return set->targets[i];
}

static size_t slot_of(const TargetSet *set, const Schema *schema) {
    return (size_t)hash_mix((uint64_t)(uintptr_t)schema, 0) & (set->slot_count - 1);
}

static void index_targets(TargetSet *set) {
    free(set->slots);
    for (set->slot_count = 16; set->slot_count < 2 * set->count;) set->slot_count *= 2;
    set->slots = x_calloc(set->slot_count, sizeof *set->slots);
    for (size_t i = 0; i < set->count; i++) {
        size_t at = slot_of(set, set->targets[i]->schema);
        while (set->slots[at]) at = (at + 1) & (set->slot_count - 1);
        set->slots[at] = set->targets[i];
    }
    set->last = NULL;
}

static Target *by_address(const TargetSet *set, const Schema *schema) {
    if (set->slot_count == 0) return NULL;
    for (size_t at = slot_of(set, schema); set->slots[at]; at = (at + 1) & (set->slot_count - 1))
        if (set->slots[at]->schema == schema) return set->slots[at];
    return NULL;
}

/* Index of the target of the same source table, whatever its version; count when there is none. */
static size_t by_table(const TargetSet *set, const Schema *s) {
    size_t i = 0;
    for (; i < set->count; i++) {
        const Schema *have = set->targets[i]->schema;
        if (str_eq(have->table, s->table) && str_eq(have->schema, s->schema) &&
            str_eq(have->database, s->database) && str_eq(have->topic, s->topic))
            break;
    }
    return i;
}

static const Target *parent_by_oid(const TargetSet *set, uint32_t oid) {
    for (size_t i = 0; i < set->count; i++)
        if (set->targets[i]->table->oid == oid) return set->targets[i];
    return NULL;
}

static bool raise_rank(const TargetSet *set, Target *t) {
    bool is_raised = false;
    for (size_t i = 0; i < t->table->parent_count; i++) {
        const Target *parent = parent_by_oid(set, t->table->parents[i]);
        if (!parent || parent->rank < t->rank) continue;
        t->rank = parent->rank + 1;
        is_raised = true;
    }
    return is_raised;
}

/* Longest way down from a table without parents; in a circle of foreign keys any order is as good. */
static void rank_targets(TargetSet *set) {
    for (size_t i = 0; i < set->count; i++) set->targets[i]->rank = 0;
    bool is_raised = true;
    for (size_t round = 0; is_raised && round < set->count; round++) {
        is_raised = false;
        for (size_t i = 0; i < set->count; i++) is_raised |= raise_rank(set, set->targets[i]);
    }
}

static bool open_target(TargetSet *set, PgConn *c, const Schema *schema, TargetDdl ddl, Target **ret,
                        Err *e) {
    Target *t = NULL;
    if (!target_open(c, set->rules, schema, ddl, &t, e)) return false;
    size_t at = by_table(set, schema);
    if (at == set->count) {
        set->targets = x_reallocarray(set->targets, set->count + 1, sizeof(Target *));
        set->count++;
    } else {
        target_free(set->targets[at]);
    }
    set->targets[at] = *ret = t;
    rank_targets(set);
    index_targets(set);
    return true;
}

bool target_set_open(TargetSet *set, PgConn *c, const Schema *schema, bool was_written, Target **ret,
                     Err *e) {
    return open_target(set, c, schema, was_written ? TARGET_DDL_AGAIN : TARGET_DDL, ret, e);
}

bool target_set_find(TargetSet *set, PgConn *c, const Schema *schema, Target **ret, Err *e) {
    if (set->last && set->last->schema == schema) {
        *ret = set->last;
        return true;
    }
    Target *t = by_address(set, schema);
    size_t at = t ? set->count : by_table(set, schema);
    if (!t && at < set->count && set->targets[at]->schema->fingerprint == schema->fingerprint) {
        t = set->targets[at];
        schema_unref(t->schema);
        t->schema = schema_ref(schema);
        t->compact.what = schema->qualified;
        index_targets(set);
    }
    if (!t && !open_target(set, c, schema, TARGET_NO_DDL, &t, e)) return false;
    set->last = *ret = t;
    return true;
}
