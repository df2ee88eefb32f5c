/* view_server.c - the server's databases, who may use them, and how it is set up. */
#include "standin/system/view_server.h"

#include <string.h>

#include "standin/builtin/view_row.h"
#include "standin/exec/authority.h"
#include "standin/exec/proc.h"
#include "standin/exec/server.h"
#include "standin/types/collation.h"

enum { RECOVERY_FULL = 1, RECOVERY_SIMPLE = 3 };

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
    const Principal *dbo = database_principal_by_id(d, CATALOG_PRINCIPAL_DBO);
    uint8_t sid[PERMISSION_SID_BYTES];
    view_row_blob(r, permission_sid(dbo && dbo->login ? dbo->login : "sa", sid));
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
        if (d->id <= CATALOG_TEMPDB || authority_server(s) & PERMISSION_VIEW_ANY_DATABASE ||
            authority_may_enter(s, d))
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
    uint8_t sid[PERMISSION_SID_BYTES];
    view_row_text(r, p->name);
    view_row_int(r, p->id);
    view_row_text(r, is_role ? "R" : "S");
    view_row_text(r, is_role ? "DATABASE_ROLE" : "SQL_USER");
    const char *schema = p->default_schema                 ? p->default_schema
                         : strcasecmp(p->name, "cdc") == 0 ? "cdc"
                                                           : "dbo";
    view_row_text(r, is_role ? NULL : schema);
    view_row_datetime(r, p->create_us);
    view_row_datetime(r, p->create_us);
    if (is_role) view_row_int(r, p->owner_id ? p->owner_id : CATALOG_PRINCIPAL_DBO);
    else view_row_null(r);
    view_row_blob(r, permission_sid(has_login ? p->login : p->name, sid));
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

enum { SA_ID = 1, PUBLIC_ID = 2 };

typedef struct ServerPrincipal {
    const char *name, *database;
    int64_t id, create_us;
    bool is_role, is_fixed, is_disabled;
} ServerPrincipal;

static void server_principal_start(ViewRow *r, const ServerPrincipal *p) {
    uint8_t sid[PERMISSION_SID_BYTES];
    view_row_text(r, p->name);
    view_row_int(r, p->id);
    view_row_blob(r, permission_sid(p->name, sid));
    view_row_text(r, p->is_role ? "R" : "S");
    view_row_text(r, p->is_role ? "SERVER_ROLE" : "SQL_LOGIN");
    view_row_int(r, p->is_disabled);
    view_row_datetime(r, p->create_us);
    view_row_datetime(r, p->create_us);
    view_row_text(r, p->database);
    view_row_text(r, p->is_role ? NULL : "us_english");
    view_row_null(r);
    if (p->is_role) view_row_int(r, SA_ID);
    else view_row_null(r);
    view_row_int(r, p->is_fixed);
}

static ServerPrincipal principal_of(const Login *l) {
    bool has_database = l->default_database && *l->default_database;
    return (ServerPrincipal){.name = l->name,
                             .database = has_database ? l->default_database : "master",
                             .id = l->id,
                             .create_us = l->create_us,
                             .is_disabled = l->is_disabled};
}

/* Others' logins are seen by who may alter them or sees any definition. */
static bool sees_login(Session *s, const char *name) {
    return authority_server(s) & (PERMISSION_ALTER_ANY_LOGIN | PERMISSION_VIEW_ANY_DEFINITION) ||
           str_eq_icase(str_from(name), session_login_name(s));
}

static int64_t server_create_us(Session *s) {
    const Database *master = catalog_database_by_id(session_catalog(s), CATALOG_MASTER);
    return master ? master->create_us : 0;
}

static bool fill_server_principals(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                   SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(SERVER_PRINCIPAL_COLUMNS));
    int64_t create_us = server_create_us(s);
    size_t at = 0;
    ServerPrincipal sa = {.name = "sa", .database = "master", .id = SA_ID, .create_us = create_us};
    ServerPrincipal everybody = {.name = "public", .id = PUBLIC_ID, .create_us = create_us, .is_role = true};
    server_principal_start(&r, &sa);
    view_row_end(&r);
    server_principal_start(&r, &everybody);
    view_row_end(&r);
    for (const PermissionRole *role; (role = permission_role_next(&at)) != NULL;) {
        ServerPrincipal p = {
            .name = role->name, .id = role->id, .create_us = create_us, .is_role = true, .is_fixed = true};
        server_principal_start(&r, &p);
        view_row_end(&r);
    }
    at = 0;
    for (const Login *l; (l = catalog_next_login(session_catalog(s), &at)) != NULL;) {
        ServerPrincipal p = principal_of(l);
        if (!sees_login(s, l->name)) continue;
        server_principal_start(&r, &p);
        view_row_end(&r);
    }
    return true;
}

static bool fill_server_role_members(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                     SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(ROLE_MEMBER_COLUMNS));
    size_t at = 0;
    view_row_int(&r, permission_role(STR_LIT("sysadmin"))->id);
    view_row_int(&r, SA_ID);
    view_row_end(&r);
    for (const Login *l; (l = catalog_next_login(session_catalog(s), &at)) != NULL;) {
        size_t role_at = 0;
        for (const PermissionRole *role; (role = permission_role_next(&role_at)) != NULL;) {
            if (!(l->roles & role->bit) || !sees_login(s, l->name)) continue;
            view_row_int(&r, role->id);
            view_row_int(&r, l->id);
            view_row_end(&r);
        }
    }
    return true;
}

/* ---- permissions */

static const SysColumn PERMISSION_COLUMNS[] = {
    VIEW_TINYINT("class"),
    VIEW_NVARCHAR("class_desc", 60),
    VIEW_INT("major_id"),
    VIEW_INT("minor_id"),
    VIEW_INT("grantee_principal_id"),
    VIEW_INT("grantor_principal_id"),
    VIEW_CHAR("type", 4),
    VIEW_NVARCHAR("permission_name", 128),
    VIEW_CHAR("state", 1),
    VIEW_NVARCHAR("state_desc", 60),
};

typedef struct PermissionRow {
    int64_t class_, major, minor, grantee;
    const char *class_name;
    uint32_t allow, deny, with_option;
    bool is_of_server;
} PermissionRow;

static void permission_rows(ViewRow *r, const PermissionRow *p) {
    size_t at = 0;
    for (const PermissionName *name; (name = permission_next(p->is_of_server, &at)) != NULL;) {
        if (!((p->allow | p->deny) & name->bit)) continue;
        bool is_deny = p->deny & name->bit, has_option = p->with_option & name->bit;
        view_row_int(r, p->class_);
        view_row_text(r, p->class_name);
        view_row_int(r, p->major);
        view_row_int(r, p->minor);
        view_row_int(r, p->grantee);
        view_row_int(r, 1);
        view_row_text(r, name->type);
        view_row_text(r, name->name);
        view_row_text(r, is_deny ? "D" : has_option ? "W" : "G");
        view_row_text(r, is_deny ? "DENY" : has_option ? "GRANT_WITH_GRANT_OPTION" : "GRANT");
        view_row_end(r);
    }
}

static bool fill_database_permissions(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                      SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    static const struct {
        int64_t class_;
        const char *name;
    } scopes[] = {[GRANT_ON_DATABASE] = {0, "DATABASE"},
                  [GRANT_ON_SCHEMA] = {3, "SCHEMA"},
                  [GRANT_ON_OBJECT] = {1, "OBJECT_OR_COLUMN"}};
    ViewRow r = view_row_start(rows, VIEW_COUNT(PERMISSION_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    const PermissionRow owner = {
        .class_name = "DATABASE", .grantee = CATALOG_PRINCIPAL_DBO, .allow = PERMISSION_CONNECT};
    if (d) permission_rows(&r, &owner);
    for (size_t i = 0; d && i < d->grant_count; i++) {
        const Grant *g = &d->grants[i];
        if (g->scope == GRANT_ON_OBJECT && !catalog_table_by_id(session_catalog(s), g->id)) continue;
        PermissionRow p = {.class_ = scopes[g->scope].class_,
                           .class_name = scopes[g->scope].name,
                           .major = g->id,
                           .minor = g->column_id,
                           .grantee = g->principal_id,
                           .allow = g->allow,
                           .deny = g->deny,
                           .with_option = g->with_option};
        permission_rows(&r, &p);
    }
    return true;
}

static bool fill_server_permissions(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                    SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(PERMISSION_COLUMNS));
    PermissionRow p = {.class_ = 100, .class_name = "SERVER", .is_of_server = true};
    size_t at = 0;
    p.grantee = SA_ID;
    p.allow = PERMISSION_CONNECT_SQL;
    permission_rows(&r, &p);
    p.grantee = PUBLIC_ID;
    p.allow = PERMISSION_VIEW_ANY_DATABASE;
    permission_rows(&r, &p);
    for (const Login *l; (l = catalog_next_login(session_catalog(s), &at)) != NULL;) {
        if (!sees_login(s, l->name)) continue;
        p.grantee = l->id;
        p.allow = (l->allow | PERMISSION_CONNECT_SQL) & ~l->deny;
        p.deny = l->deny;
        permission_rows(&r, &p);
    }
    return true;
}

/* ---- sys.fn_my_permissions(securable, class) */

static const SysColumn MY_PERMISSION_COLUMNS[] = {VIEW_NAME_N("entity_name"), VIEW_NAME_N("subentity_name"),
                                                  VIEW_NVARCHAR("permission_name", 60)};
static const SysParam MY_PERMISSION_PARAMS[] = {
    {"@securable", {.id = TYPE_NVARCHAR, .length = 517}, false},
    {"@securable_class", {.id = TYPE_NVARCHAR, .length = 60}, false}};

static bool fill_my_permissions(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                SysRows *rows, Arena *arena, SqlError *e) {
    (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(MY_PERMISSION_COLUMNS));
    Str name = arg_count > 0 && args[0].kind == VALUE_TEXT ? args[0].v.s : (Str){0};
    Str class_ = arg_count > 1 && args[1].kind == VALUE_TEXT ? args[1].v.s : STR_LIT("SERVER");
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    const Table *t = str_eq_icase(class_, STR_LIT("OBJECT")) ? session_find_table(s, name) : NULL;
    bool is_server = str_eq_icase(class_, STR_LIT("SERVER"));
    bool is_database = str_eq_icase(class_, STR_LIT("DATABASE"));
    uint32_t rights = is_server ? authority_server(s) : d && (t || is_database) ? authority_of(s, d, t) : 0;
    if (t) rights &= PERMISSION_OF_OBJECTS & ~(uint32_t)(t->kind == TABLE_PROCEDURE ? 0 : PERMISSION_EXECUTE);
    size_t at = 0;
    for (const PermissionName *p; (p = permission_next(is_server, &at)) != NULL;) {
        if (!(rights & p->bit)) continue;
        view_row_text(&r, is_server ? "server" : is_database ? "database" : t->name);
        view_row_text(&r, "");
        view_row_text(&r, p->name);
        view_row_end(&r);
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
    VIEW_TABLE("sys", "server_permissions", PERMISSION_COLUMNS, fill_server_permissions),
    VIEW_FUNCTION("sys", "fn_my_permissions", MY_PERMISSION_PARAMS, MY_PERMISSION_COLUMNS,
                  fill_my_permissions),
};

void view_server_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
