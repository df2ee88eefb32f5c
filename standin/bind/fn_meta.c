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

/* By user_type_id: that of the system type, and 256 for sysname. */
static const char *name_of_type(int id) {
    static const TypeId ids[] = {TYPE_IMAGE,
                                 TYPE_TEXT,
                                 TYPE_UNIQUEIDENTIFIER,
                                 TYPE_DATE,
                                 TYPE_TIME,
                                 TYPE_DATETIME2,
                                 TYPE_DATETIMEOFFSET,
                                 TYPE_TINYINT,
                                 TYPE_SMALLINT,
                                 TYPE_INT,
                                 TYPE_SMALLDATETIME,
                                 TYPE_REAL,
                                 TYPE_MONEY,
                                 TYPE_DATETIME,
                                 TYPE_FLOAT,
                                 TYPE_NTEXT,
                                 TYPE_BIT,
                                 TYPE_DECIMAL,
                                 TYPE_NUMERIC,
                                 TYPE_SMALLMONEY,
                                 TYPE_BIGINT,
                                 TYPE_VARBINARY,
                                 TYPE_VARCHAR,
                                 TYPE_BINARY,
                                 TYPE_CHAR,
                                 TYPE_ROWVERSION,
                                 TYPE_NVARCHAR,
                                 TYPE_NCHAR,
                                 TYPE_XML};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if ((int)ids[i] == id) return type_name(ids[i]);
    return id == 256 ? "sysname" : NULL;
}

static void fn_type_name(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    const char *name = name_of_type(sqlite3_value_int(v[0]));
    if (name) sqlite3_result_text(c, name, -1, SQLITE_STATIC);
    else sqlite3_result_null(c);
}

const FnRow fn_meta_rows[] = {
    {"ts_metadata", -1, fn_metadata, true},
    {"ts_type_name", 1, fn_type_name, false},
    {NULL, 0, NULL, false},
};
