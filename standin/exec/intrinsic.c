/* What a session knows about itself: GETDATE(), @@ROWCOUNT, ERROR_MESSAGE() … The clock's time zone is UTC.
 */
#include <string.h>

#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/session_internal.h"
#include "standin/types/decimal.h"
#include "standin/types/product.h"
#include "standin/types/temporal.h"

const char *intrinsic_version(void) {
    return "Microsoft SQL Server 2022 (RTM-CU16) - " PRODUCT_VERSION_TEXT
           " (X64) \n\tmillrace stand-in\n\tDeveloper Edition "
           "(64-bit) on Linux <X64>";
}

static Value text(Arena *a, const char *s) {
    return VALUE_OF_TEXT(arena_str(a, str_from(s ? s : "")));
}

static Value now(const Session *s, TypeId id, Arena *a) {
    Type t = {.id = id, .scale = 7};
    Value v = {.kind = VALUE_NULL};
    uint8_t blob[TEMPORAL_OFFSET_BYTES];
    if (!temporal_pack(&t, temporal_from_unix_us(s->statement_us, 0), blob, &v)) return v;
    if (v.kind == VALUE_BLOB) v.v.s = arena_str(a, v.v.s);
    return v;
}

static Value identity(int64_t v, bool has, Arena *a) {
    if (!has) return (Value){.kind = VALUE_NULL};
    uint8_t blob[DECIMAL_BLOB_BYTES];
    Value d = decimal_to_value((Decimal){.unscaled = v, .precision = 38}, blob);
    if (d.kind == VALUE_BLOB) d.v.s = arena_str(a, d.v.s);
    return d;
}

static int32_t option_bits(const Options *o) { /* @@OPTIONS */
    return (o->implicit_transactions ? 2 : 0) | (o->cursor_close ? 4 : 0) | (o->ansi_warnings ? 8 : 0) |
           (o->ansi_padding ? 16 : 0) | (o->ansi_nulls ? 32 : 0) | (o->arithabort ? 64 : 0) |
           (o->quoted_identifier ? 256 : 0) | (o->nocount ? 512 : 0) | (o->ansi_null_default ? 1024 : 0) |
           (o->concat_null ? 4096 : 0) | (o->numeric_roundabort ? 8192 : 0) | (o->xact_abort ? 16384 : 0);
}

static int xact_state(const Session *s) {
    if (!txn_count(s->txn)) return 0;
    return txn_is_doomed(s->txn) ? -1 : 1;
}

static Value caught(const Session *s, BindIntrinsic what, Arena *a) {
    const Caught *c = s->caught;
    if (!c) return (Value){.kind = VALUE_NULL};
    switch (what) {
    case INTRINSIC_ERROR_NUMBER: return VALUE_OF_INT(c->error.number);
    case INTRINSIC_ERROR_SEVERITY: return VALUE_OF_INT(c->error.class_);
    case INTRINSIC_ERROR_STATE: return VALUE_OF_INT(c->error.state);
    case INTRINSIC_ERROR_LINE: return VALUE_OF_INT(c->error.line);
    case INTRINSIC_ERROR_PROCEDURE:
        return *c->procedure ? text(a, c->procedure) : (Value){.kind = VALUE_NULL};
    default: return text(a, c->error.text);
    }
}

static Value user_id(Session *s) {
    const Database *d = session_current_database(s);
    const Principal *p = d ? database_principal(d, session_user_name(s)) : NULL;
    return p ? VALUE_OF_INT(p->id) : (Value){.kind = VALUE_NULL};
}

static Value name_of_login(Session *s, BindIntrinsic what, Arena *a) {
    switch (what) {
    case INTRINSIC_USER_NAME: return VALUE_OF_TEXT(arena_str(a, session_user_name(s)));
    case INTRINSIC_SUSER_NAME: return text(a, s->login);
    case INTRINSIC_ORIGINAL_LOGIN: return text(a, s->original_login);
    case INTRINSIC_SCHEMA_NAME:
        return VALUE_OF_TEXT(arena_str(a, authority_default_schema(s, session_current_database(s))));
    case INTRINSIC_APP_NAME: return text(a, s->application);
    case INTRINSIC_HOST_NAME: return text(a, s->host_name);
    default: return text(a, "dbo");
    }
}

static Value rowversion(uint64_t v, Arena *a) {
    enum { ROWVERSION_BYTES = 8 };
    char *bytes = arena_bytes(a, ROWVERSION_BYTES);
    for (int i = ROWVERSION_BYTES - 1; i >= 0; i--, v >>= 8) bytes[i] = (char)v;
    return VALUE_OF_BLOB(((Str){bytes, ROWVERSION_BYTES}));
}

bool intrinsic_value(void *data, BindIntrinsic what, Arena *a, Value *ret, SqlError *e) {
    Session *s = data;
    (void)e;
    switch (what) {
    case INTRINSIC_GETDATE:
    case INTRINSIC_GETUTCDATE: *ret = now(s, TYPE_DATETIME, a); break;
    case INTRINSIC_SYSDATETIME:
    case INTRINSIC_SYSUTCDATETIME: *ret = now(s, TYPE_DATETIME2, a); break;
    case INTRINSIC_SYSDATETIMEOFFSET: *ret = now(s, TYPE_DATETIMEOFFSET, a); break;
    case INTRINSIC_ROWCOUNT:
    case INTRINSIC_ROWCOUNT_BIG: *ret = VALUE_OF_INT(s->rowcount); break;
    case INTRINSIC_ERROR: *ret = VALUE_OF_INT(s->last_error); break;
    case INTRINSIC_TRANCOUNT: *ret = VALUE_OF_INT(txn_count(s->txn)); break;
    case INTRINSIC_IDENTITY: *ret = identity(s->identity, s->has_identity, a); break;
    case INTRINSIC_SCOPE_IDENTITY: *ret = identity(s->scope_identity, s->has_scope_identity, a); break;
    case INTRINSIC_DBTS: *ret = rowversion(server_last_rowversion(s->server), a); break;
    case INTRINSIC_NEXT_ROWVERSION: *ret = rowversion(server_last_rowversion(s->server) + 1, a); break;
    case INTRINSIC_SPID: *ret = VALUE_OF_INT(s->spid); break;
    case INTRINSIC_PROCID: *ret = VALUE_OF_INT(0); break;
    case INTRINSIC_NESTLEVEL: *ret = VALUE_OF_INT(s->nesting > 0 ? s->nesting - 1 : 0); break;
    case INTRINSIC_OPTIONS: *ret = VALUE_OF_INT(option_bits(&s->options)); break;
    case INTRINSIC_LOCK_TIMEOUT: *ret = VALUE_OF_INT(txn_lock_timeout_ms(s->txn)); break;
    case INTRINSIC_TEXTSIZE: *ret = VALUE_OF_INT(s->options.textsize); break;
    case INTRINSIC_DATEFIRST: *ret = VALUE_OF_INT(s->options.datefirst); break;
    case INTRINSIC_LANGID: *ret = VALUE_OF_INT(0); break;
    case INTRINSIC_LANGUAGE: *ret = text(a, s->options.language); break;
    case INTRINSIC_SERVERNAME: *ret = text(a, server_name(s->server)); break;
    case INTRINSIC_SERVICENAME: *ret = text(a, "MSSQLSERVER"); break;
    case INTRINSIC_VERSION: *ret = text(a, intrinsic_version()); break;
    case INTRINSIC_MICROSOFTVERSION: *ret = VALUE_OF_INT(PRODUCT_VERSION_WORD); break;
    case INTRINSIC_XACT_STATE: *ret = VALUE_OF_INT(xact_state(s)); break;
    case INTRINSIC_ERROR_NUMBER:
    case INTRINSIC_ERROR_SEVERITY:
    case INTRINSIC_ERROR_STATE:
    case INTRINSIC_ERROR_LINE:
    case INTRINSIC_ERROR_PROCEDURE:
    case INTRINSIC_ERROR_MESSAGE: *ret = caught(s, what, a); break;
    case INTRINSIC_CONTEXT_INFO:
        *ret = (Value){.kind = VALUE_NULL};
        if (s->has_context_info)
            *ret = VALUE_OF_BLOB(arena_str(a, ((Str){s->context_info, sizeof s->context_info})));
        break;
    case INTRINSIC_DB_ID: *ret = VALUE_OF_INT(s->database_id); break;
    case INTRINSIC_DB_NAME: {
        const Database *d = session_current_database(s);
        *ret = text(a, d ? d->name : "");
        break;
    }
    case INTRINSIC_USER_ID: *ret = user_id(s); break;
    case INTRINSIC_USER_NAME:
    case INTRINSIC_SUSER_NAME:
    case INTRINSIC_ORIGINAL_LOGIN:
    case INTRINSIC_SCHEMA_NAME:
    case INTRINSIC_APP_NAME:
    case INTRINSIC_HOST_NAME: *ret = name_of_login(s, what, a); break;
    case INTRINSIC_COUNT: *ret = (Value){.kind = VALUE_NULL}; break;
    }
    return true;
}
