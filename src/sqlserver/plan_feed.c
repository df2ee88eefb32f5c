#include "sqlserver/plan_feed.h"

#include "base/mem.h"

PlanTableSpec plan_feed_table(const Catalog *c, size_t table, const SchemaPolicy *changes) {
    const CatalogTable *t = &c->tables[table];
    PlanTableSpec spec = {.schema = t->schema,
                          .table = t->name,
                          .is_uncopied = t->is_uncopied,
                          .may_vanish = schema_policy_of(changes, str_from(t->qualified)) != SCHEMA_FAIL};
    for (size_t k = 0; k < c->instance_count; k++)
        if (c->instances[k].table == table) spec.is_keyless = c->instances[k].schema->key_count == 0;
    return spec;
}

Plan *plan_feed_new(const Catalog *c, const SnapshotPolicy *policy, const SchemaPolicy *changes,
                    const StoredState *stored) {
    CLEANUP_FREE PlanTableSpec *specs = x_calloc(c->table_count + 1, sizeof *specs);
    for (size_t i = 0; i < c->table_count; i++) specs[i] = plan_feed_table(c, i, changes);
    Plan *plan = plan_new(policy->plan, specs, c->table_count, stored);
    if (policy->copies_gone) plan_set_copies_gone(plan);
    for (size_t i = 0; policy->copies_anew && i < c->table_count; i++) plan_copy_anew(plan, i);
    return plan;
}

static Lsn largest_start(const Reading *r) {
    Lsn largest = {{0}};
    for (size_t i = 0; i < r->instance_count; i++)
        if (lsn_cmp(&r->instances[i].start_lsn, &largest) > 0) largest = r->instances[i].start_lsn;
    return largest;
}

Lsn plan_feed_end(const Reading *r) {
    return r->is_full && r->commit_count ? r->commits[r->commit_count - 1].lsn : r->max_lsn;
}

void plan_feed_reading(Plan *p, const Catalog *c, const Reading *r, bool is_secondary) {
    CLEANUP_FREE PlanInstance *instances = x_calloc(c->instance_count + 1, sizeof *instances);
    /* one that the catalog has but not the reading before it was made in between: it hasn't begun */
    for (size_t i = 0; i < c->instance_count; i++) {
        const CatalogInstance *in = &c->instances[i];
        instances[i] = (PlanInstance){.table = in->table,
                                      .object_id = in->object_id,
                                      .start_lsn = reading_start(r, in->object_id),
                                      .fingerprint = in->schema->fingerprint,
                                      .adds_columns = in->adds_columns,
                                      .is_keyless = in->schema->key_count == 0};
    }
    const CommitTime *last = r->commit_count ? &r->commits[r->commit_count - 1] : NULL;
    const PlanReading reading = {.max_lsn = r->max_lsn,
                                 .to_lsn = plan_feed_end(r),
                                 .to_us = last ? last->us : 0,
                                 .now_us = r->now_us,
                                 .instances = instances,
                                 .instance_count = c->instance_count,
                                 .begun_lsn = largest_start(r),
                                 .is_secondary = is_secondary};
    plan_reading(p, &reading);
}
