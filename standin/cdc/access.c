#include "standin/cdc/access.h"

#include "base/mem.h"
#include "standin/exec/authority.h"

/* Each captured column that is still there, and no other. */
static bool may_read_columns(Session *s, const Table *source, const Instance *instance) {
    CLEANUP_FREE bool *used = x_calloc(source->column_count, sizeof *used);
    for (size_t i = 0; i < instance->column_count; i++)
        for (size_t k = 0; k < source->column_count; k++)
            if (source->columns[k].id == instance->columns[i].column_id) used[k] = true;
    SqlError denied;
    return authority_may_columns(s, source, PERMISSION_SELECT, used, &denied);
}

bool access_may_read(Session *s, const Database *d, const Instance *instance) {
    if (session_is_member(s, d, STR_LIT("db_owner"))) return true;
    if (instance->has_role && !session_is_member(s, d, instance->role)) return false;
    const Table *source = catalog_table_by_id(session_catalog(s), instance->source_object_id);
    return source && may_read_columns(s, source, instance);
}
