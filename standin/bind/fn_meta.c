/* Functions that ask the session: ts_metadata(which, arguments…); TYPE_NAME, which is everywhere the same. */
#include "standin/bind/fn_internal.h"
#include "standin/types/variant.h"

enum { FN_MAX_METADATA_ARGS = 5 };

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

/* By user_type_id: that of the system type, and 256 for sysname. */
static const char *name_of_type(int id) {
    enum { USER_TYPE_SYSNAME = 256 };
    return id == USER_TYPE_SYSNAME ? "sysname" : type_is_id(id) ? type_name((TypeId)id) : NULL;
}

static void fn_type_name(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    const char *name = name_of_type(sqlite3_value_int(v[0]));
    if (name) sqlite3_result_text(c, name, -1, SQLITE_STATIC);
    else sqlite3_result_null(c);
}

static void fn_variant_property(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (!fn_has_null(c, 2, v)) fn_result(c, variant_property(fn_value(v[0]), fn_text(v[1]), fn_scratch(c)));
}

const FnRow fn_meta_rows[] = {
    {"ts_metadata", -1, fn_metadata, true},
    {"ts_type_name", 1, fn_type_name, false},
    {"ts_variant_property", 2, fn_variant_property, false},
    {NULL, 0, NULL, false},
};
