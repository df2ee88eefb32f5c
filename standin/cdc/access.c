#include "standin/cdc/access.h"

bool access_may_read(Session *s, const Database *d, const Instance *instance) {
    if (session_is_member(s, d, STR_LIT("db_owner"))) return true;
    if (instance->has_role && !session_is_member(s, d, instance->role)) return false;
    const Table *source = catalog_table_by_id(session_catalog(s), instance->source_object_id);
    return source && session_may(s, d, source, PERMISSION_SELECT);
}
