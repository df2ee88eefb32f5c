/*
 * Application locks are locks of lock.h on a resource that no table has: one for each database, by the hash
 * of the name. Their results are return values, not errors: 0 and 1 granted, -1 timeout, -2 cancelled, -3
 * deadlock victim.
 */
#include "standin/system/proc_lock.h"

#include "base/hash.h"
#include "base/mem.h"
#include "standin/builtin/proc_arg.h"
#include "standin/exec/server.h"

enum {
    STATUS_WAITED = 1,
    STATUS_TIMEOUT = -1,
    STATUS_CANCELLED = -2,
    STATUS_DEADLOCK = -3,
    STATUS_REFUSED = -999
};

typedef struct AppLock {
    LockResource resource;
    LockDuration duration;
    LockMode mode;
    int64_t timeout_ms;
} AppLock;

static Str text_of(const ProcArg *a, const char *otherwise) {
    return a->value.kind == VALUE_TEXT ? a->value.v.s : str_from(otherwise);
}

static bool read_mode(Str text, LockMode *ret) {
    static const struct {
        const char *name;
        LockMode mode;
    } modes[] = {{"Shared", LOCK_S},
                 {"Update", LOCK_U},
                 {"Exclusive", LOCK_X},
                 {"IntentShared", LOCK_IS},
                 {"IntentExclusive", LOCK_IX}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (str_eq_icase(text, str_from(modes[i].name))) {
            *ret = modes[i].mode;
            return true;
        }
    return false;
}

static bool read_owner(Session *s, Str text, LockDuration *ret, SqlError *e) {
    *ret = str_eq_icase(text, STR_LIT("Session")) ? LOCK_FOR_SESSION : LOCK_FOR_TRANSACTION;
    if (*ret == LOCK_FOR_SESSION) return true;
    if (!str_eq_icase(text, STR_LIT("Transaction")))
        return sql_error_set(e, 1227, 16, 1,
                             "The lock owner '" STR_FMT "' is not valid: use Transaction or Session.",
                             STR_ARG(text));
    return txn_count(session_txn(s)) > 0 || sql_error_set(e, 1226, 16, 1,
                                                          "An attempt was made to acquire a transaction "
                                                          "application lock without an active transaction.");
}

static LockResource resource_of(Session *s, Str name) {
    return (LockResource){.object_id = LOCK_APPLICATION - session_current_database(s)->id,
                          .space = LOCK_ROW_SPACE,
                          .key = (int64_t)hash_bytes(name.p, name.n, 0)};
}

static bool refuse(ProcCall *call, bool ok) {
    if (!ok) call->ret_status = STATUS_REFUSED;
    return ok;
}

static bool read_lock(Session *s, const ProcCall *call, AppLock *ret, SqlError *e) {
    Str mode = text_of(&call->args[1], "");
    if (call->args[0].value.kind != VALUE_TEXT || !call->args[0].value.v.s.n)
        return sql_error_set(e, 1222, 16, 1, "The resource name of an application lock is missing.");
    if (!read_mode(mode, &ret->mode))
        return sql_error_set(e, 1228, 16, 1,
                             "The lock mode '" STR_FMT "' is not valid for an application lock.",
                             STR_ARG(mode));
    const Value *timeout = &call->args[3].value;
    ret->timeout_ms = timeout->kind == VALUE_INT ? timeout->v.i : txn_lock_timeout_ms(session_txn(s));
    ret->resource = resource_of(s, call->args[0].value.v.s);
    return read_owner(s, text_of(&call->args[2], "Transaction"), &ret->duration, e);
}

static int32_t status_of(LockResult r, bool has_waited) {
    switch (r) {
    case LOCK_GRANTED: return has_waited ? STATUS_WAITED : 0;
    case LOCK_DEADLOCK: return STATUS_DEADLOCK;
    case LOCK_CANCELLED: return STATUS_CANCELLED;
    default: return STATUS_TIMEOUT;
    }
}

static bool sp_getapplock(Session *s, ProcCall *call, SqlError *e) {
    AppLock a = {0};
    if (!read_lock(s, call, &a, e)) return refuse(call, false);
    Txn *t = session_txn(s);
    LockResult r = lock_take(txn_owner(t), a.resource, a.mode, a.duration, 0, NULL, NULL);
    bool waits = r == LOCK_BUSY && a.timeout_ms != 0;
    if (waits) r = txn_wait_lock(t, a.resource, a.mode, a.duration, a.timeout_ms);
    call->ret_status = status_of(r, waits);
    return true;
}

static bool sp_releaseapplock(Session *s, ProcCall *call, SqlError *e) {
    Str name = text_of(&call->args[0], "");
    LockDuration duration;
    if (!read_owner(s, text_of(&call->args[1], "Transaction"), &duration, e)) return refuse(call, false);
    if (lock_release_one(txn_owner(session_txn(s)), resource_of(s, name), duration)) return true;
    return refuse(
        call, sql_error_set(e, 1223, 16, 1,
                            "Cannot release the application lock (Database Principal: 'public', Resource: "
                            "'" STR_FMT "') because it is not currently held.",
                            STR_ARG(name)));
}

static bool sp_lock(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] =
        "SELECT CONVERT(smallint, request_session_id) AS spid, CONVERT(smallint, resource_database_id) AS "
        "dbid, "
        "CONVERT(int, CASE WHEN resource_type = 'DATABASE' THEN 0 ELSE resource_associated_entity_id END) AS "
        "ObjId, "
        "CONVERT(smallint, CASE WHEN resource_type = 'KEY' THEN 1 ELSE 0 END) AS IndId, "
        "CONVERT(nchar(4), CASE resource_type WHEN 'DATABASE' THEN 'DB' WHEN 'OBJECT' THEN 'TAB' "
        "WHEN 'APPLICATION' THEN 'APP' ELSE resource_type END) AS Type, "
        "CONVERT(nchar(32), resource_description) AS Resource, CONVERT(nvarchar(8), request_mode) AS Mode, "
        "CONVERT(nvarchar(5), CASE request_status WHEN 'CONVERT' THEN 'CNVT' ELSE request_status END) AS "
        "Status "
        "FROM sys.dm_tran_locks WHERE @one IS NULL OR request_session_id IN (@one, @two) ORDER BY 1, 2, 3";
    const SessionParam p[] = {
        {.name = STR_LIT("@one"), .type = {.id = TYPE_INT}, .value = call->args[0].value},
        {.name = STR_LIT("@two"), .type = {.id = TYPE_INT}, .value = call->args[1].value},
    };
    return proc_query(s, session_current_database(s)->id, str_from(text), p, 2, NULL, NULL, e);
}

static const ProcParam GET_PARAMS[] = {
    {.name = "@Resource", .type = {.id = TYPE_NVARCHAR, .length = 255}, .is_required = true},
    {.name = "@LockMode", .type = {.id = TYPE_NVARCHAR, .length = 32}, .is_required = true},
    {.name = "@LockOwner", .type = {.id = TYPE_NVARCHAR, .length = 32}},
    {.name = "@LockTimeout", .type = {.id = TYPE_INT}},
    {.name = "@DbPrincipal", .type = {.id = TYPE_NVARCHAR, .length = 128}},
};
static const ProcParam RELEASE_PARAMS[] = {
    {.name = "@Resource", .type = {.id = TYPE_NVARCHAR, .length = 255}, .is_required = true},
    {.name = "@LockOwner", .type = {.id = TYPE_NVARCHAR, .length = 32}},
    {.name = "@DbPrincipal", .type = {.id = TYPE_NVARCHAR, .length = 128}},
};
static const ProcParam LOCK_PARAMS[] = {
    {.name = "@spid1", .type = {.id = TYPE_INT}},
    {.name = "@spid2", .type = {.id = TYPE_INT}},
};

static const Proc PROCS[] = {
    {.name = "sp_getapplock", .params = GET_PARAMS, .param_count = 5, .call = sp_getapplock},
    {.name = "sp_releaseapplock", .params = RELEASE_PARAMS, .param_count = 3, .call = sp_releaseapplock},
    {.name = "sp_lock", .params = LOCK_PARAMS, .param_count = 2, .call = sp_lock},
};

void proc_lock_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
