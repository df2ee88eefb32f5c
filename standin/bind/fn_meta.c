/* Functions that ask the session: ts_metadata(which, arguments…); TYPE_NAME, which is everywhere the same. */
#include "standin/bind/fn_internal.h"

enum { FN_MAX_METADATA_ARGS = 4 };

static void fn_metadata(sqlite3_context *c, int n, sqlite3_value **v) {
    Functions *f = fn_of(c);
    Value args[FN_MAX_METADATA_ARGS], ret = {0};
    if (!f->host || !f->host->metadata) {
        sqlite3_result_error(c, "no session for a metadata function", -1);
        return;
    }
    for (int i = 1; i < n && i <= FN_MAX_METADATA_ARGS; i++) args[i - 1] = fn_value(v[i]);
    SqlError e = {0};
    if (f->host->metadata(f->host->data, (BindMetadata)sqlite3_value_int(v[0]), args, (size_t)(n - 1),
                          fn_scratch(c), &ret, &e))
        fn_result(c, ret);
    else fn_fail(c, e.number, e.state, "%s", e.text);
}

/* sysname is user type 256. */
static void fn_type_name(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    int id = sqlite3_value_int(v[0]);
    const char *name = id == 256 ? "sysname" : id > 0 && id < 256 ? type_name((TypeId)id) : NULL;
    if (name && type_by_name(str_from(name)) == TYPE_NULL) name = NULL;
    if (name) sqlite3_result_text(c, name, -1, SQLITE_STATIC);
    else sqlite3_result_null(c);
}

const FnRow fn_meta_rows[] = {
    {"ts_metadata", -1, fn_metadata, true},
    {"ts_type_name", 1, fn_type_name, false},
    {NULL, 0, NULL, false},
};
