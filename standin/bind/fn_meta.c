/* Functions that ask the session: ts_metadata(which, arguments…); SQL_VARIANT_PROPERTY. */
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

static void fn_variant_property(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (!fn_has_null(c, 2, v)) fn_result(c, variant_property(fn_value(v[0]), fn_text(v[1]), fn_scratch(c)));
}

const FnRow fn_meta_rows[] = {
    {"ts_metadata", -1, fn_metadata, true},
    {"ts_variant_property", 2, fn_variant_property, false},
    {NULL, 0, NULL, false},
};
