/* Functions and @@globals over what the session, the server or the catalog knows. */
#include <string.h>

#include "standin/bind/bind_internal.h"

/* ---- what the session or the catalog knows ---- */

static const struct {
    const char *name;
    BindIntrinsic what;
    bool is_null_outside; /* may be NULL */
    Type type;
} intrinsics[] = {
    {"GETDATE", INTRINSIC_GETDATE, false, {.id = TYPE_DATETIME}},
    {"CURRENT_TIMESTAMP", INTRINSIC_GETDATE, false, {.id = TYPE_DATETIME}},
    {"GETUTCDATE", INTRINSIC_GETUTCDATE, false, {.id = TYPE_DATETIME}},
    {"SYSDATETIME", INTRINSIC_SYSDATETIME, false, {.id = TYPE_DATETIME2, .scale = 7}},
    {"SYSUTCDATETIME", INTRINSIC_SYSUTCDATETIME, false, {.id = TYPE_DATETIME2, .scale = 7}},
    {"SYSDATETIMEOFFSET", INTRINSIC_SYSDATETIMEOFFSET, false, {.id = TYPE_DATETIMEOFFSET, .scale = 7}},
    {"@@ROWCOUNT", INTRINSIC_ROWCOUNT, false, {.id = TYPE_INT}},
    {"ROWCOUNT_BIG", INTRINSIC_ROWCOUNT_BIG, false, {.id = TYPE_BIGINT}},
    {"@@ERROR", INTRINSIC_ERROR, false, {.id = TYPE_INT}},
    {"@@TRANCOUNT", INTRINSIC_TRANCOUNT, false, {.id = TYPE_INT}},
    {"@@IDENTITY", INTRINSIC_IDENTITY, true, {.id = TYPE_NUMERIC, .precision = 38}},
    {"SCOPE_IDENTITY", INTRINSIC_SCOPE_IDENTITY, true, {.id = TYPE_NUMERIC, .precision = 38}},
    {"@@DBTS", INTRINSIC_DBTS, false, {.id = TYPE_VARBINARY, .length = 8}},
    {"MIN_ACTIVE_ROWVERSION", INTRINSIC_NEXT_ROWVERSION, false, {.id = TYPE_BINARY, .length = 8}},
    {"@@SPID", INTRINSIC_SPID, false, {.id = TYPE_SMALLINT}},
    {"@@PROCID", INTRINSIC_PROCID, false, {.id = TYPE_INT}},
    {"@@NESTLEVEL", INTRINSIC_NESTLEVEL, false, {.id = TYPE_INT}},
    {"@@OPTIONS", INTRINSIC_OPTIONS, false, {.id = TYPE_INT}},
    {"@@LOCK_TIMEOUT", INTRINSIC_LOCK_TIMEOUT, false, {.id = TYPE_INT}},
    {"@@TEXTSIZE", INTRINSIC_TEXTSIZE, false, {.id = TYPE_INT}},
    {"@@DATEFIRST", INTRINSIC_DATEFIRST, false, {.id = TYPE_TINYINT}},
    {"@@LANGID", INTRINSIC_LANGID, false, {.id = TYPE_SMALLINT}},
    {"@@LANGUAGE", INTRINSIC_LANGUAGE, false, {.id = TYPE_NVARCHAR, .length = 128}},
    {"@@SERVERNAME", INTRINSIC_SERVERNAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"@@SERVICENAME", INTRINSIC_SERVICENAME, false, {.id = TYPE_NVARCHAR, .length = 128}},
    {"@@VERSION", INTRINSIC_VERSION, false, {.id = TYPE_NVARCHAR, .length = 300}},
    {"@@MICROSOFTVERSION", INTRINSIC_MICROSOFTVERSION, false, {.id = TYPE_INT}},
    {"XACT_STATE", INTRINSIC_XACT_STATE, false, {.id = TYPE_SMALLINT}},
    {"ERROR_NUMBER", INTRINSIC_ERROR_NUMBER, true, {.id = TYPE_INT}},
    {"ERROR_SEVERITY", INTRINSIC_ERROR_SEVERITY, true, {.id = TYPE_INT}},
    {"ERROR_STATE", INTRINSIC_ERROR_STATE, true, {.id = TYPE_INT}},
    {"ERROR_LINE", INTRINSIC_ERROR_LINE, true, {.id = TYPE_INT}},
    {"ERROR_PROCEDURE", INTRINSIC_ERROR_PROCEDURE, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"ERROR_MESSAGE", INTRINSIC_ERROR_MESSAGE, true, {.id = TYPE_NVARCHAR, .length = 4000}},
    {"DB_ID", INTRINSIC_DB_ID, true, {.id = TYPE_SMALLINT}},
    {"DB_NAME", INTRINSIC_DB_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"USER", INTRINSIC_USER_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"CURRENT_USER", INTRINSIC_USER_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"SESSION_USER", INTRINSIC_USER_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"USER_NAME", INTRINSIC_USER_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"USER_ID", INTRINSIC_USER_ID, true, {.id = TYPE_INT}},
    {"DATABASE_PRINCIPAL_ID", INTRINSIC_USER_ID, true, {.id = TYPE_INT}},
    {"SYSTEM_USER", INTRINSIC_SUSER_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"SUSER_NAME", INTRINSIC_SUSER_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"SUSER_SNAME", INTRINSIC_SUSER_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"ORIGINAL_LOGIN", INTRINSIC_ORIGINAL_LOGIN, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"SCHEMA_NAME", INTRINSIC_SCHEMA_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"APP_NAME", INTRINSIC_APP_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"HOST_NAME", INTRINSIC_HOST_NAME, true, {.id = TYPE_NVARCHAR, .length = 128}},
    {"CONTEXT_INFO", INTRINSIC_CONTEXT_INFO, true, {.id = TYPE_VARBINARY, .length = 128}},
};

static bool intrinsic(Binder *b, Str name, Bx *ret, bool *ret_found) {
    *ret_found = false;
    for (size_t i = 0; i < sizeof intrinsics / sizeof *intrinsics; i++) {
        if (!str_eq_icase(name, str_from(intrinsics[i].name))) continue;
        BoundParam p = {.kind = BOUND_INTRINSIC, .type = intrinsics[i].type, .intrinsic = intrinsics[i].what};
        *ret = (Bx){.sql = sql_param(b, &p), .type = p.type, .is_nullable = intrinsics[i].is_null_outside};
        *ret_found = true;
        break;
    }
    return true;
}

bool bindsession_global(Binder *b, const AstExpr *x, Bx *ret) {
    static const struct {
        const char *name;
        TypeId type;
        int value;
    } constants[] = {{"@@MAX_PRECISION", TYPE_TINYINT, 38},
                     {"@@MAX_CONNECTIONS", TYPE_INT, 32767},
                     {"@@CURSOR_ROWS", TYPE_INT, 0},
                     {"@@FETCH_STATUS", TYPE_INT, 0},
                     {"@@REMSERVER", TYPE_NULL, 0}};
    bool found;
    if (!intrinsic(b, x->u.name, ret, &found)) return false;
    if (found) return true;
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (!str_eq_icase(x->u.name, str_from(constants[i].name))) continue;
        *ret = constants[i].type == TYPE_NULL
                   ? bindtype_constant(b, (Type){.id = TYPE_NVARCHAR, .length = 128}, (Value){0})
                   : bindtype_constant(b, (Type){.id = constants[i].type}, VALUE_OF_INT(constants[i].value));
        return true;
    }
    if (bindcall_is_unbuilt(b, x->u.name, x->line)) return false;
    return sqlerror_set(b->e, 137, 2, x->line, "Must declare the scalar variable \"%.*s\".",
                        STR_ARG(x->u.name));
}

typedef struct MetadataRow {
    const char *name, *args; /* letters as above */
    BindMetadata what;
    uint8_t least;
    TypeId type;
    int16_t length; /* or precision */
} MetadataRow;

static const MetadataRow metadata[] = {
    {"OBJECT_ID", "nn", METADATA_OBJECT_ID, 1, TYPE_INT, 0},
    {"OBJECT_NAME", "ii", METADATA_OBJECT_NAME, 1, TYPE_NVARCHAR, 128},
    {"OBJECT_SCHEMA_NAME", "ii", METADATA_OBJECT_SCHEMA_NAME, 1, TYPE_NVARCHAR, 128},
    {"OBJECT_DEFINITION", "i", METADATA_OBJECT_DEFINITION, 1, TYPE_NVARCHAR, -1},
    {"DB_ID", "n", METADATA_DB_ID, 1, TYPE_SMALLINT, 0},
    {"DB_NAME", "i", METADATA_DB_NAME, 1, TYPE_NVARCHAR, 128},
    {"SCHEMA_ID", "n", METADATA_SCHEMA_ID, 0, TYPE_INT, 0},
    {"SCHEMA_NAME", "i", METADATA_SCHEMA_NAME, 1, TYPE_NVARCHAR, 128},
    {"COL_LENGTH", "nn", METADATA_COL_LENGTH, 2, TYPE_SMALLINT, 0},
    {"COL_NAME", "ii", METADATA_COL_NAME, 2, TYPE_NVARCHAR, 128},
    {"COLUMNPROPERTY", "inn", METADATA_COLUMNPROPERTY, 3, TYPE_INT, 0},
    {"OBJECTPROPERTY", "in", METADATA_OBJECTPROPERTY, 2, TYPE_INT, 0},
    {"OBJECTPROPERTYEX", "in", METADATA_OBJECTPROPERTYEX, 2, TYPE_SQL_VARIANT, 0},
    {"INDEXPROPERTY", "inn", METADATA_INDEXPROPERTY, 3, TYPE_INT, 0},
    {"INDEX_COL", "nii", METADATA_INDEX_COL, 3, TYPE_NVARCHAR, 128},
    {"SERVERPROPERTY", "n", METADATA_SERVERPROPERTY, 1, TYPE_SQL_VARIANT, 0},
    {"DATABASEPROPERTYEX", "nn", METADATA_DATABASEPROPERTYEX, 2, TYPE_SQL_VARIANT, 0},
    {"DATABASE_PRINCIPAL_ID", "n", METADATA_DATABASE_PRINCIPAL_ID, 1, TYPE_INT, 0},
    {"USER_ID", "n", METADATA_DATABASE_PRINCIPAL_ID, 1, TYPE_INT, 0},
    {"USER_NAME", "i", METADATA_USER_NAME, 1, TYPE_NVARCHAR, 128},
    {"SUSER_SNAME", "v", METADATA_SUSER_SNAME, 1, TYPE_NVARCHAR, 128},
    {"SUSER_ID", "n", METADATA_SUSER_ID, 0, TYPE_INT, 0},
    {"SUSER_SID", "nn", METADATA_SUSER_SID, 0, TYPE_VARBINARY, 85},
    {"IS_SRVROLEMEMBER", "nn", METADATA_IS_SRVROLEMEMBER, 1, TYPE_INT, 0},
    {"IS_MEMBER", "n", METADATA_IS_MEMBER, 1, TYPE_INT, 0},
    {"IS_ROLEMEMBER", "nn", METADATA_IS_ROLEMEMBER, 1, TYPE_INT, 0},
    {"HAS_PERMS_BY_NAME", "nnnnn", METADATA_HAS_PERMS_BY_NAME, 3, TYPE_INT, 0},
    {"HAS_DBACCESS", "n", METADATA_HAS_DBACCESS, 1, TYPE_INT, 0},
    {"IDENT_CURRENT", "n", METADATA_IDENT_CURRENT, 1, TYPE_NUMERIC, 38},
    {"IDENT_SEED", "n", METADATA_IDENT_SEED, 1, TYPE_NUMERIC, 38},
    {"IDENT_INCR", "n", METADATA_IDENT_INCR, 1, TYPE_NUMERIC, 38},
    {"TYPE_ID", "n", METADATA_TYPE_ID, 1, TYPE_INT, 0},
    {"TYPE_NAME", "i", METADATA_TYPE_NAME, 1, TYPE_NVARCHAR, 128},
    {"CONNECTIONPROPERTY", "n", METADATA_CONNECTIONPROPERTY, 1, TYPE_SQL_VARIANT, 0},
    {"SESSIONPROPERTY", "n", METADATA_SESSIONPROPERTY, 1, TYPE_SQL_VARIANT, 0},
    {"COLLATIONPROPERTY", "nn", METADATA_COLLATIONPROPERTY, 2, TYPE_SQL_VARIANT, 0},
    {"STATS_DATE", "ii", METADATA_STATS_DATE, 2, TYPE_DATETIME, 0},
};

static bool metadata_call(Binder *b, const AstExpr *x, const MetadataRow *row, Bx *ret) {
    const AstCall *c = &x->u.call;
    size_t most = strlen(row->args);
    if (c->arg_count < row->least || c->arg_count > most)
        return bindcall_wrong_count(b, x, row->name, row->least, (int)most);
    const Sql **sql = ARENA_ARRAY(b->a, const Sql *, c->arg_count + 1);
    sql[0] = sql_printf(b, "%d", row->what);
    for (size_t i = 0; i < c->arg_count; i++) {
        Bx arg;
        if (!bindcall_argument_of(b, x, row->name, i, row->args[i], &arg)) return false;
        sql[i + 1] = arg.sql;
    }
    *ret = (Bx){.type = {.id = row->type}, .is_nullable = true};
    if (row->type == TYPE_NUMERIC) ret->type.precision = (uint8_t)row->length;
    else ret->type.length = row->length;
    ret->sql = sql_format(b, "ts_metadata($)", sql, c->arg_count + 1);
    return true;
}

/* Any value as a variant, then its property. */
static bool variant_property_call(Binder *b, const AstExpr *x, Bx *ret) {
    Bx value, name;
    Type variant = {.id = TYPE_SQL_VARIANT};
    if (x->u.call.arg_count != 2) return bindcall_wrong_count(b, x, "sql_variant_property", 2, 2);
    if (!bindexpr_value(b, x->u.call.args[0], &value) ||
        !bindcall_argument(b, x->u.call.args[1], 'n', &name) ||
        !bindtype_convert(b, value, &variant, MODE_IMPLICIT, x->line, &value))
        return false;
    *ret = (Bx){.type = variant, .is_nullable = true};
    ret->sql = SQL_OF(b, "ts_variant_property(@,@)", value.sql, name.sql);
    return true;
}

bool bindsession_call(Binder *b, const AstExpr *x, Bx *ret, bool *ret_found) {
    const AstCall *c = &x->u.call;
    *ret_found = true;
    if (str_eq_icase(c->name.name, STR_LIT("SQL_VARIANT_PROPERTY"))) return variant_property_call(b, x, ret);
    if (c->arg_count == 0) {
        if (!intrinsic(b, c->name.name, ret, ret_found)) return false;
        if (*ret_found) return true;
    }
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++) {
        if (!str_eq_icase(c->name.name, str_from(metadata[i].name))) continue;
        *ret_found = true;
        return metadata_call(b, x, &metadata[i], ret);
    }
    *ret_found = false;
    return true;
}
