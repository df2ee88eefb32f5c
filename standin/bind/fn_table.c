/* What table-valued functions of SQLite share: hidden columns as arguments, a row counter, an end. */
#include <stdlib.h>

#include "standin/bind/fn_internal.h"

int fn_table_arguments(sqlite3_index_info *info, int first, int *ret_last) {
    *ret_last = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn < first || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
        int at = info->aConstraint[i].iColumn - first + 1;
        info->aConstraintUsage[i].argvIndex = at;
        info->aConstraintUsage[i].omit = 1;
        if (at > *ret_last) *ret_last = at;
    }
    return SQLITE_OK;
}

int fn_table_disconnect(sqlite3_vtab *t) {
    free(t);
    return SQLITE_OK;
}

int fn_table_is_at_end(sqlite3_vtab_cursor *base) {
    return ((FnCursor *)base)->is_at_end;
}

int fn_table_row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret) {
    *ret = ((FnCursor *)base)->row;
    return SQLITE_OK;
}
