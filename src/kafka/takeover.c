#include "kafka/takeover.h"

#include <stdlib.h>

#include "base/mem.h"

static void add_table(StoredState *s, const Schema *schema) {
    s->tables = x_reallocarray(s->tables, s->table_count + 1, sizeof *s->tables);
    s->tables[s->table_count++] = (StoredTable){.schema = str_dup(schema->schema),
                                                .table = str_dup(schema->table),
                                                .chunks_done = 1,
                                                .is_done = true,
                                                .is_whole = true};
}

bool takeover_is_possible(const ConnectOffset *o) {
    return !lsn_is_zero(&o->commit_lsn) && (!o->is_snapshot || o->is_snapshot_completed);
}

bool takeover_state(const ConnectOffset *o, const SchemaHistory *history, const TableFilter *filter,
                    StoredState *ret) {
    *ret = (StoredState){0};
    if (!takeover_is_possible(o)) return false;
    Lsn before = lsn_prev(&o->commit_lsn);
    ret->has_position = ret->is_snapshot_done = true;
    ret->position = position_end_of(o->is_snapshot ? &o->commit_lsn : &before);
    size_t at = 0;
    const Schema *schema;
    while (history && schema_history_next(history, &at, &schema))
        if (table_filter_wants(filter, str_from(schema->qualified))) add_table(ret, schema);
    return true;
}
