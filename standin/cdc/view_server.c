/* view_server.c - the server's databases, who may use them, and how it is set up. */
#include "standin/cdc/view_server.h"

#include <string.h>

#include "base/hash.h"
#include "standin/cdc/view_row.h"
#include "standin/exec/proc.h"
#include "standin/exec/server.h"
#include "standin/types/collation.h"

enum { SID_BYTES = 16, RECOVERY_FULL = 1, RECOVERY_SIMPLE = 3 };

/* A security identifier: sa has the one that all servers have, others one made of their name. */
static Str sid_of(const char *name, uint8_t room[static SID_BYTES]) {
    if (strcasecmp(name, "sa") == 0 || strcasecmp(name, "dbo") == 0) return STR_LIT("\x01");
    for (uint64_t i = 0; i < 2; i++) {
        uint64_t part = hash_bytes(name, strlen(name), i);
        memcpy(room + 8 * i, &part, sizeof part);
    }
    return (Str){(const char *)room, SID_BYTES};
}

/* ---- sys.databases */

static const SysColumn DATABASE_COLUMNS[] = {
    VIEW_NAME("name"),
    VIEW_INT("database_id"),
    VIEW_INT_N("source_database_id"),
    VIEW_VARBINARY("owner_sid", 85),
    VIEW_DATETIME("create_date"),
    VIEW_TINYINT("compatibility_level"),
    VIEW_NAME_N("collation_name"),
    VIEW_TINYINT_N("user_access"),
    VIEW_NVARCHAR("user_access_desc", 60),
    VIEW_BIT_N("is_read_only"),
    VIEW_BIT("is_auto_close_on"),
    VIEW_BIT_N("is_auto_shrink_on"),
    VIEW_TINYINT_N("state"),
    VIEW_NVARCHAR("state_desc", 60),
    VIEW_BIT_N("is_in_standby"),
    VIEW_BIT_N("is_cleanly_shutdown"),
    VIEW_BIT_N("is_supplemental_logging_enabled"),
    VIEW_TINYINT_N("snapshot_isolation_state"),
    VIEW_NVARCHAR("snapshot_isolation_state_desc", 60),
    VIEW_BIT_N("is_read_committed_snapshot_on"),
    VIEW_TINYINT_N("recovery_model"),
    VIEW_NVARCHAR("recovery_model_desc", 60),
    VIEW_BIT("is_published"),
    VIEW_BIT("is_subscribed"),
    VIEW_BIT("is_merge_published"),
    VIEW_BIT("is_distributor"),
    VIEW_TINYINT_N("log_reuse_wait"),
    VIEW_NVARCHAR("log_reuse_wait_desc", 60),
    VIEW_BIT_N("is_cdc_enabled"),
    VIEW_BIT_N("is_encrypted"),
    VIEW_BIT_N("is_memory_optimized_elevate_to_snapshot_on"),
    VIEW_BIT_N("is_accelerated_database_recovery_on"),
};

static void database_row(ViewRow *r, const Database *d, bool has_backlog) {
    bool waits = d->is_cdc_enabled && has_backlog;
    bool is_simple = d->id == CATALOG_MASTER || d->id == CATALOG_TEMPDB || d->id == CATALOG_MSDB;
    view_row_text(r, d->name);
    view_row_int(r, d->id);
    view_row_null(r);
    view_row_blob(r, STR_LIT("\x01"));
    view_row_datetime(r, d->create_us);
    view_row_int(r, d->compatibility_level);
    view_row_text(r, collation_get(d->collation)->name);
    view_row_int(r, 0);
    view_row_text(r, "MULTI_USER");
    view_row_zeros(r, 4);
    view_row_text(r, "ONLINE");
    view_row_zeros(r, 3);
    view_row_int(r, d->is_snapshot_on);
    view_row_text(r, d->is_snapshot_on ? "ON" : "OFF");
    view_row_int(r, d->is_read_committed_snapshot_on);
    view_row_int(r, is_simple ? RECOVERY_SIMPLE : RECOVERY_FULL);
    view_row_text(r, is_simple ? "SIMPLE" : "FULL");
    view_row_zeros(r, 4);
    view_row_int(r, waits ? 6 : 0);
    view_row_text(r, waits ? "REPLICATION" : "NOTHING");
    view_row_int(r, d->is_cdc_enabled);
    view_row_zeros(r, 3);
    view_row_end(r);
}

static bool fill_databases(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                           SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(DATABASE_COLUMNS));
    bool has_backlog = log_backlog(server_log(session_server(s))) > 0;
    int32_t at = 0;
    for (const Database *d; (d = catalog_next_database(session_catalog(s), &at)) != NULL;)
        database_row(&r, d, has_backlog);
    return true;
}

/* ---- principals */

static const SysColumn DATABASE_PRINCIPAL_COLUMNS[] = {
    VIEW_NAME("name"),
    VIEW_INT("principal_id"),
    VIEW_CHAR("type", 1),
    VIEW_NVARCHAR("type_desc", 60),
    VIEW_NAME_N("default_schema_name"),
    VIEW_DATETIME("create_date"),
    VIEW_DATETIME("modify_date"),
    VIEW_INT_N("owning_principal_id"),
    VIEW_VARBINARY("sid", 85),
    VIEW_BIT("is_fixed_role"),
    VIEW_INT("authentication_type"),
    VIEW_NVARCHAR("authentication_type_desc", 60),
};

static void database_principal_row(ViewRow *r, const Principal *p) {
    bool is_role = p->kind == CATALOG_ROLE, has_login = p->login != NULL;
    uint8_t sid[SID_BYTES];
    view_row_text(r, p->name);
    view_row_int(r, p->id);
    view_row_text(r, is_role ? "R" : "S");
    view_row_text(r, is_role ? "DATABASE_ROLE" : "SQL_USER");
    view_row_text(r, is_role ? NULL : strcasecmp(p->name, "cdc") == 0 ? "cdc" : "dbo");
    view_row_datetime(r, p->create_us);
    view_row_datetime(r, p->create_us);
    if (is_role) view_row_int(r, CATALOG_PRINCIPAL_DBO);
    else view_row_null(r);
    view_row_blob(r, sid_of(has_login ? p->login : p->name, sid));
    view_row_int(r, is_role && p->is_fixed && p->id != CATALOG_PRINCIPAL_PUBLIC);
    view_row_int(r, has_login ? 1 : 0);
    view_row_text(r, has_login ? "INSTANCE" : "NONE");
    view_row_end(r);
}

static bool fill_database_principals(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                     SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(DATABASE_PRINCIPAL_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    for (size_t i = 0; d && i < d->principal_count; i++) database_principal_row(&r, &d->principals[i]);
    return true;
}

static const SysColumn ROLE_MEMBER_COLUMNS[] = {VIEW_INT("role_principal_id"),
                                                VIEW_INT("member_principal_id")};

static bool fill_database_role_members(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                       SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(ROLE_MEMBER_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    for (size_t i = 0; d && i < d->principal_count; i++) {
        const Principal *p = &d->principals[i];
        for (size_t k = 0; k < p->member_of_count; k++) {
            view_row_int(&r, p->member_of[k]);
            view_row_int(&r, p->id);
            view_row_end(&r);
        }
    }
    return true;
}

static const SysColumn SERVER_PRINCIPAL_COLUMNS[] = {
    VIEW_NAME("name"),
    VIEW_INT("principal_id"),
    VIEW_VARBINARY("sid", 85),
    VIEW_CHAR("type", 1),
    VIEW_NVARCHAR("type_desc", 60),
    VIEW_BIT_N("is_disabled"),
    VIEW_DATETIME("create_date"),
    VIEW_DATETIME("modify_date"),
    VIEW_NAME_N("default_database_name"),
    VIEW_NAME_N("default_language_name"),
    VIEW_INT_N("credential_id"),
    VIEW_INT_N("owning_principal_id"),
    VIEW_BIT("is_fixed_role"),
};

enum { SA_ID = 1, SYSADMIN_ID = 3, FIRST_LOGIN_ID = 257 };

/* sa is the server's own and not in the catalog; others are numbered as they come. */
static int64_t login_id(size_t ordinal) {
    return FIRST_LOGIN_ID + (int64_t)ordinal;
}

static void server_principal_row(ViewRow *r, const char *name, int64_t id, bool is_role, bool is_disabled,
                                 const char *database, int64_t create_us) {
    uint8_t sid[SID_BYTES];
    view_row_text(r, name);
    view_row_int(r, id);
    view_row_blob(r, sid_of(name, sid));
    view_row_text(r, is_role ? "R" : "S");
    view_row_text(r, is_role ? "SERVER_ROLE" : "SQL_LOGIN");
    view_row_int(r, is_disabled);
    view_row_datetime(r, create_us);
    view_row_datetime(r, create_us);
    view_row_text(r, database);
    view_row_text(r, is_role ? NULL : "us_english");
    view_row_null(r);
    if (is_role) view_row_int(r, SA_ID);
    else view_row_null(r);
    view_row_int(r, is_role);
    view_row_end(r);
}

static bool fill_server_principals(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                   SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(SERVER_PRINCIPAL_COLUMNS));
    const Database *master = catalog_database_by_id(session_catalog(s), CATALOG_MASTER);
    int64_t create_us = master ? master->create_us : 0;
    size_t at = 0;
    server_principal_row(&r, "sa", SA_ID, false, false, "master", create_us);
    for (const Login *l; (l = catalog_next_login(session_catalog(s), &at)) != NULL;)
        server_principal_row(&r, l->name, login_id(at), false, l->is_disabled,
                             l->default_database ? l->default_database : "master", create_us);
    server_principal_row(&r, "sysadmin", SYSADMIN_ID, true, false, NULL, create_us);
    return true;
}

static bool fill_server_role_members(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                     SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(ROLE_MEMBER_COLUMNS));
    size_t at = 0;
    view_row_int(&r, SYSADMIN_ID);
    view_row_int(&r, SA_ID);
    view_row_end(&r);
    for (const Login *l; (l = catalog_next_login(session_catalog(s), &at)) != NULL;) {
        if (!l->is_sysadmin) continue;
        view_row_int(&r, SYSADMIN_ID);
        view_row_int(&r, login_id(at));
        view_row_end(&r);
    }
    return true;
}

/* ---- sys.database_permissions */

static const SysColumn PERMISSION_COLUMNS[] = {
    VIEW_TINYINT("class"),
    VIEW_NVARCHAR("class_desc", 60),
    VIEW_INT("major_id"),
    VIEW_INT("minor_id"),
    VIEW_INT("grantee_principal_id"),
    VIEW_INT("grantor_principal_id"),
    VIEW_CHAR("type", 4),
    VIEW_NAME("permission_name"),
    VIEW_CHAR("state", 1),
    VIEW_NVARCHAR("state_desc", 60),
};

static const struct {
    uint32_t bit;
    const char *type, *name;
} PERMISSIONS[] = {
    {PERMISSION_SELECT, "SL  ", "SELECT"},
    {PERMISSION_INSERT, "IN  ", "INSERT"},
    {PERMISSION_UPDATE, "UP  ", "UPDATE"},
    {PERMISSION_DELETE, "DL  ", "DELETE"},
    {PERMISSION_EXECUTE, "EX  ", "EXECUTE"},
    {PERMISSION_REFERENCES, "RF  ", "REFERENCES"},
    {PERMISSION_ALTER, "AL  ", "ALTER"},
    {PERMISSION_CONTROL, "CL  ", "CONTROL"},
    {PERMISSION_VIEW_DEFINITION, "VW  ", "VIEW DEFINITION"},
    {PERMISSION_VIEW_DATABASE_STATE, "VWDS", "VIEW DATABASE STATE"},
    {PERMISSION_CONNECT, "CO  ", "CONNECT"},
};

static const struct {
    int64_t class_;
    const char *name;
} SCOPES[] = {{0, "DATABASE"}, {3, "SCHEMA"}, {1, "OBJECT_OR_COLUMN"}}; /* by GrantScope */

static void permission_rows(ViewRow *r, const Grant *g, uint32_t bits, bool is_deny) {
    for (size_t i = 0; i < VIEW_COUNT(PERMISSIONS); i++) {
        if (!(bits & PERMISSIONS[i].bit)) continue;
        view_row_int(r, SCOPES[g->scope].class_);
        view_row_text(r, SCOPES[g->scope].name);
        view_row_int(r, g->id);
        view_row_int(r, 0);
        view_row_int(r, g->principal_id);
        view_row_int(r, CATALOG_PRINCIPAL_DBO);
        view_row_text(r, PERMISSIONS[i].type);
        view_row_text(r, PERMISSIONS[i].name);
        view_row_text(r, is_deny ? "D" : "G");
        view_row_text(r, is_deny ? "DENY" : "GRANT");
        view_row_end(r);
    }
}

static bool fill_database_permissions(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                      SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(PERMISSION_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    for (size_t i = 0; d && i < d->grant_count; i++) {
        permission_rows(&r, &d->grants[i], d->grants[i].allow, false);
        permission_rows(&r, &d->grants[i], d->grants[i].deny, true);
    }
    return true;
}

static const SysTable TABLES[] = {
    VIEW_TABLE("sys", "databases", DATABASE_COLUMNS, fill_databases),
    VIEW_TABLE("sys", "database_principals", DATABASE_PRINCIPAL_COLUMNS, fill_database_principals),
    VIEW_TABLE("sys", "database_role_members", ROLE_MEMBER_COLUMNS, fill_database_role_members),
    VIEW_TABLE("sys", "server_principals", SERVER_PRINCIPAL_COLUMNS, fill_server_principals),
    VIEW_TABLE("sys", "server_role_members", ROLE_MEMBER_COLUMNS, fill_server_role_members),
    VIEW_TABLE("sys", "database_permissions", PERMISSION_COLUMNS, fill_database_permissions),
};

void view_server_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
