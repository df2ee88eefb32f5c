/*
 * Locks and sessions are looked at under their mutexes, so what is seen is copied first and shown afterwards.
 * A login that isn't sysadmin sees itself only, as one without VIEW SERVER STATE.
 */
#include "standin/system/view_lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "standin/builtin/view_row.h"
#include "standin/exec/proc.h"
#include "standin/exec/server.h"

/* ---- what is seen */

typedef struct Seen {
    LockShown *locks;
    size_t lock_count, lock_cap;
    SessionInfo *sessions; /* by session_id */
    size_t session_count;
} Seen;

static void seen_done(Seen *v) {
    free(v->locks);
}

static void see_lock(void *arg, const LockShown *l) {
    Seen *v = arg;
    if (v->lock_count == v->lock_cap) {
        v->lock_cap = v->lock_cap ? v->lock_cap * 2 : 64;
        v->locks = x_reallocarray(v->locks, v->lock_cap, sizeof *v->locks);
    }
    v->locks[v->lock_count++] = *l;
}

static bool shows(Session *s, int spid) {
    return session_is_sysadmin(s) || spid == session_spid(s);
}

static void see_all(Session *s, Arena *arena, Seen *v) {
    *v = (Seen){0};
    locktable_visit(store_locks(server_store(session_server(s))), see_lock, v);
    v->session_count = server_list_sessions(session_server(s), arena, &v->sessions);
}

static const SessionInfo *session_of(const Seen *v, int spid) {
    for (size_t i = 0; i < v->session_count; i++)
        if (v->sessions[i].spid == spid) return &v->sessions[i];
    return NULL;
}

static const LockShown *wait_of(const Seen *v, int spid) {
    for (size_t i = 0; i < v->lock_count; i++)
        if (v->locks[i].spid == spid && !v->locks[i].is_granted) return &v->locks[i];
    return NULL;
}

/* "LCK_M_X", in the modes' own spelling. */
static const char *wait_type(LockMode mode, char buf[static 32]) {
    const char *name = lock_mode_name(mode);
    (void)snprintf(buf, 32, "LCK_M_%s", name);
    for (char *p = buf; *p; p++)
        if (*p == '-') *p = '_';
    if (mode == LOCK_SCH_S || mode == LOCK_SCH_M)
        (void)snprintf(buf, 32, "LCK_M_SCH_%c", mode == LOCK_SCH_S ? 'S' : 'M');
    return buf;
}

/* ---- sys.dm_tran_locks */

static const SysColumn LOCK_COLUMNS[] = {
    VIEW_NVARCHAR("resource_type", 60),
    VIEW_NVARCHAR("resource_subtype", 60),
    VIEW_INT("resource_database_id"),
    VIEW_NVARCHAR("resource_description", 256),
    VIEW_BIGINT_N("resource_associated_entity_id"),
    VIEW_INT("resource_lock_partition"),
    VIEW_NVARCHAR("request_mode", 60),
    VIEW_NVARCHAR("request_type", 60),
    VIEW_NVARCHAR("request_status", 60),
    VIEW_SMALLINT("request_reference_count"),
    VIEW_INT("request_lifetime"),
    VIEW_INT("request_session_id"),
    VIEW_INT("request_exec_context_id"),
    VIEW_INT("request_request_id"),
    VIEW_NVARCHAR("request_owner_type", 60),
    VIEW_BIGINT_N("request_owner_id"),
};

typedef struct LockRow {
    const char *type, *mode, *status, *owner;
    int32_t database_id;
    const char *description;
    int64_t entity;
    int spid;
    uint64_t owner_id;
} LockRow;

static void lock_row(ViewRow *r, const LockRow *l) {
    view_row_text(r, l->type);
    view_row_text(r, "");
    view_row_int(r, l->database_id);
    view_row_text(r, l->description);
    view_row_int(r, l->entity);
    view_row_int(r, 0);
    view_row_text(r, l->mode);
    view_row_text(r, "LOCK");
    view_row_text(r, l->status);
    view_row_int(r, 1);
    view_row_int(r, 0);
    view_row_int(r, l->spid);
    view_row_zeros(r, 2);
    view_row_text(r, l->owner);
    view_row_int(r, (int64_t)l->owner_id);
    view_row_end(r);
}

static bool has_clustered(const Table *t) {
    for (size_t i = 0; i < t->index_count; i++)
        if (t->indexes[i].is_clustered) return true;
    return false;
}

static const char *type_of(const LockResource *r, const Table *t) {
    if (r->object_id <= LOCK_APPLICATION) return "APPLICATION";
    if (r->space == LOCK_TABLE_SPACE) return "OBJECT";
    return r->space == LOCK_ROW_SPACE && t && !has_clustered(t) ? "RID" : "KEY";
}

static const char *describe(const LockResource *r, const char *type, char buf[static 64]) {
    *buf = '\0';
    if (strcmp(type, "KEY") == 0)
        (void)snprintf(buf, 64, "(%012" PRIx64 ")", (uint64_t)r->key & 0xffffffffffff);
    if (strcmp(type, "RID") == 0)
        (void)snprintf(buf, 64, "1:%" PRId64 ":%" PRId64, r->key / 100 + 1, r->key % 100);
    if (strcmp(type, "APPLICATION") == 0) (void)snprintf(buf, 64, "0:[]:(%08x)", (uint32_t)r->key);
    return buf;
}

static void show_lock(ViewRow *r, const Catalog *catalog, const Seen *v, const LockShown *l) {
    const Table *t = catalog_table_by_id(catalog, l->resource.object_id);
    const SessionInfo *session = session_of(v, l->spid);
    const char *type = type_of(&l->resource, t);
    char description[64];
    bool is_app = l->resource.object_id <= LOCK_APPLICATION;
    lock_row(r, &(LockRow){
                    .type = type,
                    .mode = lock_mode_name(l->mode),
                    .status = l->is_granted      ? "GRANT"
                              : l->is_conversion ? "CONVERT"
                                                 : "WAIT",
                    .owner = l->duration == LOCK_FOR_SESSION ? "SESSION" : "TRANSACTION",
                    .database_id = is_app ? LOCK_APPLICATION - l->resource.object_id
                                   : t    ? t->database_id
                                          : CATALOG_TEMPDB,
                    .description = describe(&l->resource, type, description),
                    .entity = is_app ? 0 : l->resource.object_id,
                    .spid = l->spid,
                    .owner_id = session ? session->transaction_id : 0,
                });
}

static bool fill_locks(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                       Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count;
    if (!session_is_sysadmin(s))
        return sql_error_set(
            e, 300, 14, 1, "VIEW SERVER STATE permission was denied on object 'server', database 'master'.");
    CLEANUP(seen_done) Seen v;
    see_all(s, arena, &v);
    ViewRow r = view_row_start(rows, VIEW_COUNT(LOCK_COLUMNS));
    for (size_t i = 0; i < v.session_count; i++)
        lock_row(&r, &(LockRow){.type = "DATABASE",
                                .mode = "S",
                                .status = "GRANT",
                                .owner = "SHARED_TRANSACTION_WORKSPACE",
                                .database_id = v.sessions[i].database_id,
                                .description = "",
                                .spid = v.sessions[i].spid});
    for (size_t i = 0; i < v.lock_count; i++) show_lock(&r, session_catalog(s), &v, &v.locks[i]);
    return true;
}

/* ---- sys.dm_exec_requests */

static const SysColumn REQUEST_COLUMNS[] = {
    VIEW_SMALLINT("session_id"),
    VIEW_INT("request_id"),
    VIEW_DATETIME("start_time"),
    VIEW_NVARCHAR("status", 30),
    VIEW_NVARCHAR("command", 32),
    VIEW_SMALLINT("database_id"),
    VIEW_INT("user_id"),
    VIEW_SMALLINT_N("blocking_session_id"),
    VIEW_NVARCHAR("wait_type", 60),
    VIEW_INT("wait_time"),
    VIEW_NVARCHAR("last_wait_type", 60),
    VIEW_NVARCHAR("wait_resource", 256),
    VIEW_INT("open_transaction_count"),
    VIEW_BIGINT("transaction_id"),
    VIEW_INT("total_elapsed_time"),
    VIEW_SMALLINT("transaction_isolation_level"),
    VIEW_INT("lock_timeout"),
    VIEW_INT("deadlock_priority"),
};

static const char *resource_text(const Seen *v, const LockShown *w, char buf[static 128]) {
    const SessionInfo *x = session_of(v, w->spid);
    (void)snprintf(buf, 128, "%s: %d:%d:%" PRId64, w->resource.space == LOCK_TABLE_SPACE ? "OBJECT" : "KEY",
                   (int)(x ? x->database_id : 0), (int)w->resource.object_id, w->resource.key);
    return buf;
}

static void show_request(ViewRow *r, const Seen *v, const SessionInfo *x) {
    const LockShown *w = wait_of(v, x->spid);
    char type[32], resource[128];
    view_row_int(r, x->spid);
    view_row_int(r, 0);
    view_row_datetime(r, x->request_us);
    view_row_text(r, w ? "suspended" : "running");
    view_row_text(r, x->command ? x->command : "AWAITING COMMAND");
    view_row_int(r, x->database_id);
    view_row_int(r, 1);
    view_row_int(r, w ? w->blocker : 0);
    view_row_text(r, w ? wait_type(w->mode, type) : NULL);
    view_row_int(r, w ? w->waiting_us / 1000 : 0);
    view_row_text(r, w ? wait_type(w->mode, type) : "MISCELLANEOUS");
    view_row_text(r, w ? resource_text(v, w, resource) : "");
    view_row_int(r, x->open_transactions);
    view_row_int(r, (int64_t)x->transaction_id);
    view_row_int(r, (clock_wall_us() - x->request_us) / 1000);
    view_row_int(r, x->isolation);
    view_row_int(r, x->lock_timeout_ms);
    view_row_int(r, x->deadlock_priority);
    view_row_end(r);
}

static bool fill_requests(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                          Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)e;
    CLEANUP(seen_done) Seen v;
    see_all(s, arena, &v);
    ViewRow r = view_row_start(rows, VIEW_COUNT(REQUEST_COLUMNS));
    for (size_t i = 0; i < v.session_count; i++)
        if (v.sessions[i].is_running && shows(s, v.sessions[i].spid)) show_request(&r, &v, &v.sessions[i]);
    return true;
}

/* ---- sys.dm_os_waiting_tasks */

static const SysColumn WAIT_COLUMNS[] = {
    VIEW_SMALLINT_N("session_id"),          VIEW_INT_N("exec_context_id"),
    VIEW_BIGINT("wait_duration_ms"),        VIEW_NVARCHAR("wait_type", 60),
    VIEW_SMALLINT_N("blocking_session_id"), VIEW_NVARCHAR("resource_description", 3072),
};

static bool fill_waits(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                       Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)e;
    CLEANUP(seen_done) Seen v;
    char type[32], resource[128];
    see_all(s, arena, &v);
    ViewRow r = view_row_start(rows, VIEW_COUNT(WAIT_COLUMNS));
    for (size_t i = 0; i < v.lock_count; i++) {
        const LockShown *w = &v.locks[i];
        if (w->is_granted || !shows(s, w->spid)) continue;
        view_row_int(&r, w->spid);
        view_row_int(&r, 0);
        view_row_int(&r, w->waiting_us / 1000);
        view_row_text(&r, wait_type(w->mode, type));
        view_row_int(&r, w->blocker);
        view_row_text(&r, resource_text(&v, w, resource));
        view_row_end(&r);
    }
    return true;
}

/* ---- transactions */

static const SysColumn SESSION_TRANSACTION_COLUMNS[] = {
    VIEW_INT("session_id"),   VIEW_BIGINT("transaction_id"),
    VIEW_INT("enlist_count"), VIEW_BIT("is_user_transaction"),
    VIEW_BIT("is_local"),     VIEW_BIT("is_enlisted"),
    VIEW_BIT("is_bound"),     VIEW_INT("open_transaction_count"),
};

static bool fill_session_transactions(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                      SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)e;
    CLEANUP(seen_done) Seen v;
    see_all(s, arena, &v);
    ViewRow r = view_row_start(rows, VIEW_COUNT(SESSION_TRANSACTION_COLUMNS));
    for (size_t i = 0; i < v.session_count; i++) {
        const SessionInfo *x = &v.sessions[i];
        if (!x->open_transactions || !shows(s, x->spid)) continue;
        view_row_int(&r, x->spid);
        view_row_int(&r, (int64_t)x->transaction_id);
        view_row_int(&r, 1);
        view_row_int(&r, 1);
        view_row_int(&r, 1);
        view_row_zeros(&r, 2);
        view_row_int(&r, x->open_transactions);
        view_row_end(&r);
    }
    return true;
}

static const SysColumn TRANSACTION_COLUMNS[] = {
    VIEW_BIGINT("transaction_id"), VIEW_NVARCHAR("name", 32),     VIEW_DATETIME("transaction_begin_time"),
    VIEW_INT("transaction_type"),  VIEW_INT("transaction_state"), VIEW_INT("dtc_state"),
};

static bool fill_transactions(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                              SysRows *rows, Arena *arena, SqlError *e) {
    enum { READ_WRITE = 1, ACTIVE = 2 };
    (void)database_id, (void)args, (void)arg_count, (void)e;
    CLEANUP(seen_done) Seen v;
    see_all(s, arena, &v);
    ViewRow r = view_row_start(rows, VIEW_COUNT(TRANSACTION_COLUMNS));
    for (size_t i = 0; i < v.session_count; i++) {
        const SessionInfo *x = &v.sessions[i];
        if (!x->open_transactions || !shows(s, x->spid)) continue;
        view_row_int(&r, (int64_t)x->transaction_id);
        view_row_str(&r, x->transaction_name);
        view_row_datetime(&r, x->transaction_us);
        view_row_int(&r, READ_WRITE);
        view_row_int(&r, ACTIVE);
        view_row_int(&r, 0);
        view_row_end(&r);
    }
    return true;
}

static const SysTable TABLES[] = {
    VIEW_TABLE("sys", "dm_tran_locks", LOCK_COLUMNS, fill_locks),
    VIEW_TABLE("sys", "dm_exec_requests", REQUEST_COLUMNS, fill_requests),
    VIEW_TABLE("sys", "dm_os_waiting_tasks", WAIT_COLUMNS, fill_waits),
    VIEW_TABLE("sys", "dm_tran_session_transactions", SESSION_TRANSACTION_COLUMNS, fill_session_transactions),
    VIEW_TABLE("sys", "dm_tran_active_transactions", TRANSACTION_COLUMNS, fill_transactions),
};

void view_lock_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
