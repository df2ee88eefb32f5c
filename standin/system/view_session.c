/*
 * view_session.c - one row for each client's session, in the order of session_id. What may change while a
 * session runs is its own when it asks about itself, and for others what their last request left.
 */
#include "standin/system/view_session.h"

#include <string.h>

#include "standin/builtin/view_row.h"
#include "standin/exec/authority.h"
#include "standin/exec/proc.h"
#include "standin/exec/server.h"
#include "standin/types/wtf8.h"

enum { PROTOCOL_7_4 = 0x74000004, ENDPOINT_TCP = 4 };

/* Logins without VIEW SERVER STATE see their own session only. */
static bool may_see(Session *s, const SessionInfo *i) {
    return authority_server_may(s, PERMISSION_VIEW_SERVER_PERFORMANCE_STATE) || i->spid == session_spid(s);
}

static size_t sessions_of(Session *s, Arena *arena, SessionInfo **ret) {
    size_t n = server_list_sessions(session_server(s), arena, ret), kept = 0;
    for (size_t i = 0; i < n; i++) {
        SessionInfo *info = &(*ret)[i];
        if (!may_see(s, info)) continue;
        if (info->spid == session_spid(s)) {
            info->isolation = (int32_t)txn_isolation(session_txn(s));
            info->open_transactions = txn_count(session_txn(s));
            info->lock_timeout_ms = txn_lock_timeout_ms(session_txn(s));
        }
        (*ret)[kept++] = *info;
    }
    return kept;
}

/* ---- sys.dm_exec_sessions */

static const SysColumn SESSION_COLUMNS[] = {
    VIEW_SMALLINT("session_id"),        VIEW_DATETIME("login_time"),
    VIEW_NVARCHAR("host_name", 128),    VIEW_NVARCHAR("program_name", 128),
    VIEW_INT_N("client_version"),       VIEW_NVARCHAR("client_interface_name", 32),
    VIEW_VARBINARY("security_id", 85),  VIEW_NVARCHAR("login_name", 128),
    VIEW_NVARCHAR("nt_domain", 128),    VIEW_NVARCHAR("nt_user_name", 128),
    VIEW_NVARCHAR("status", 30),        VIEW_INT("endpoint_id"),
    VIEW_BIT("is_user_process"),        VIEW_SMALLINT("transaction_isolation_level"),
    VIEW_INT("lock_timeout"),           VIEW_NVARCHAR("original_login_name", 128),
    VIEW_SMALLINT("database_id"),       VIEW_INT_N("authenticating_database_id"),
    VIEW_INT("open_transaction_count"), VIEW_INT("deadlock_priority"),
};

static void session_row(ViewRow *r, const SessionInfo *i) {
    view_row_int(r, i->spid);
    view_row_datetime(r, i->login_us);
    view_row_str(r, i->host);
    view_row_str(r, i->application);
    view_row_int(r, 7); /* of TDS: all clients that get in */
    view_row_null(r);
    view_row_blob(r, STR_LIT("\x01"));
    view_row_str(r, i->login);
    view_row_nulls(r, 2);
    view_row_text(r, i->is_running ? "running" : "sleeping");
    view_row_int(r, ENDPOINT_TCP);
    view_row_int(r, 1);
    view_row_int(r, i->isolation);
    view_row_int(r, i->lock_timeout_ms);
    view_row_str(r, i->login);
    view_row_int(r, i->database_id);
    view_row_int(r, CATALOG_MASTER);
    view_row_int(r, i->open_transactions);
    view_row_int(r, i->deadlock_priority);
    view_row_end(r);
}

static bool fill_sessions(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                          Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(SESSION_COLUMNS));
    SessionInfo *infos;
    size_t n = sessions_of(s, arena, &infos);
    for (size_t i = 0; i < n; i++) session_row(&r, &infos[i]);
    return true;
}

/* ---- sys.dm_exec_connections */

static const SysColumn CONNECTION_COLUMNS[] = {
    VIEW_INT_N("session_id"),           VIEW_INT_N("most_recent_session_id"),
    VIEW_DATETIME("connect_time"),      VIEW_NVARCHAR("net_transport", 40),
    VIEW_NVARCHAR("protocol_type", 40), VIEW_INT_N("protocol_version"),
    VIEW_INT_N("endpoint_id"),          VIEW_NVARCHAR("encrypt_option", 40),
    VIEW_NVARCHAR("auth_scheme", 40),   VIEW_SMALLINT("node_affinity"),
    VIEW_INT_N("net_packet_size"),      VIEW_VARCHAR("client_net_address", 48),
    VIEW_INT_N("client_tcp_port"),      VIEW_VARCHAR("local_net_address", 48),
    VIEW_INT_N("local_tcp_port"),
};

static void port_or_null(ViewRow *r, int port) {
    if (port) view_row_int(r, port);
    else view_row_null(r);
}

static void connection_row(ViewRow *r, const SessionInfo *i) {
    const SessionTransport *t = &i->transport;
    const char *address = t->client_port ? "127.0.0.1" : NULL; /* the only one that is listened on */
    view_row_int(r, i->spid);
    view_row_int(r, i->spid);
    view_row_datetime(r, i->login_us);
    view_row_text(r, "TCP");
    view_row_text(r, "TSQL");
    view_row_int(r, PROTOCOL_7_4);
    view_row_int(r, ENDPOINT_TCP);
    view_row_text(r, t->is_encrypted ? "TRUE" : "FALSE");
    view_row_text(r, "SQL");
    view_row_int(r, 0);
    view_row_int(r, t->packet_size);
    view_row_text(r, address);
    port_or_null(r, t->client_port);
    view_row_text(r, address);
    port_or_null(r, t->server_port);
    view_row_end(r);
}

static bool fill_connections(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                             SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(CONNECTION_COLUMNS));
    SessionInfo *infos;
    size_t n = sessions_of(s, arena, &infos);
    for (size_t i = 0; i < n; i++) connection_row(&r, &infos[i]);
    return true;
}

/* ---- sys.sysprocesses, the older form of the same */

#define PROCESS_TEXT(n, size) VIEW_COL(n, false, .id = TYPE_NCHAR, .length = size)

static const SysColumn PROCESS_COLUMNS[] = {
    VIEW_SMALLINT("spid"),         VIEW_SMALLINT("kpid"),
    VIEW_SMALLINT("blocked"),      VIEW_SMALLINT("dbid"),
    VIEW_DATETIME("login_time"),   VIEW_SMALLINT("ecid"),
    VIEW_SMALLINT("open_tran"),    PROCESS_TEXT("status", 30),
    PROCESS_TEXT("hostname", 128), PROCESS_TEXT("program_name", 128),
    PROCESS_TEXT("loginame", 128),
};

/* The columns of type nchar are filled up with blanks. */
static void padded(ViewRow *r, Arena *arena, Str text, size_t width) {
    size_t units = wtf8_units(text), blanks = units < width ? width - units : 0;
    char *p = arena_bytes(arena, text.n + blanks + 1);
    if (text.n) memcpy(p, text.p, text.n);
    memset(p + text.n, ' ', blanks);
    view_row_str(r, (Str){p, text.n + blanks});
}

static void process_row(ViewRow *r, Arena *arena, const SessionInfo *i) {
    view_row_int(r, i->spid);
    view_row_zeros(r, 2);
    view_row_int(r, i->database_id);
    view_row_datetime(r, i->login_us);
    view_row_int(r, 0);
    view_row_int(r, i->open_transactions);
    padded(r, arena, str_from(i->is_running ? "running" : "sleeping"), 30);
    padded(r, arena, i->host, 128);
    padded(r, arena, i->application, 128);
    padded(r, arena, i->login, 128);
    view_row_end(r);
}

static bool fill_processes(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                           SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(PROCESS_COLUMNS));
    SessionInfo *infos;
    size_t n = sessions_of(s, arena, &infos);
    for (size_t i = 0; i < n; i++) process_row(&r, arena, &infos[i]);
    return true;
}

static const SysTable TABLES[] = {
    VIEW_TABLE("sys", "dm_exec_sessions", SESSION_COLUMNS, fill_sessions),
    VIEW_TABLE("sys", "dm_exec_connections", CONNECTION_COLUMNS, fill_connections),
    VIEW_TABLE("sys", "sysprocesses", PROCESS_COLUMNS, fill_processes),
    VIEW_TABLE("dbo", "sysprocesses", PROCESS_COLUMNS, fill_processes),
};

void view_session_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
