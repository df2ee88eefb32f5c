#include "standin/exec/authority.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/session_internal.h"

/* What is in force beneath: EXECUTE AS puts it aside, REVERT brings it back. */
struct Identity {
    Identity *outer;
    char *login; /* as it was before */
    bool is_sysadmin;
    /* as it is now */
    char *user;          /* EXECUTE AS USER: of this database, and at home in no other */
    int32_t database_id; /* of user */
};

enum { MAX_ROLE_DEPTH = 16, MAX_IMPERSONATIONS = 32 };

static bool is_master(const Session *s) {
    return s->is_sysadmin || s->has_all_rights;
}

/* ---- on the server */

static uint32_t of_login(const Login *l) {
    uint32_t allow = l->allow | PERMISSION_CONNECT_SQL | PERMISSION_VIEW_ANY_DATABASE; /* public's */
    size_t at = 0;
    for (const PermissionRole *r; (r = permission_role_next(&at));)
        if (l->roles & r->bit) allow |= r->grants;
    return permission_server_closure(allow) & ~permission_server_closure(l->deny);
}

uint32_t authority_server(Session *s) {
    if (is_master(s)) return UINT32_MAX;
    if (s->acting && s->acting->user) return PERMISSION_VIEW_ANY_DATABASE; /* a user is nobody outside */
    const Login *l = catalog_login(session_catalog(s), str_from(s->login));
    return l ? of_login(l) : 0;
}

bool authority_server_may(Session *s, uint32_t permissions) {
    return (authority_server(s) & permissions) == permissions;
}

bool authority_has_server_role(Session *s, Str role, const Str *login, bool *ret_exists) {
    Str name = login ? *login : str_from(s->login);
    const Login *l = catalog_login(session_catalog(s), name);
    const PermissionRole *r = permission_role(role);
    bool is_sa = str_eq_icase(name, STR_LIT("sa")) || (!login && is_master(s));
    *ret_exists = l || is_sa;
    if (str_eq_icase(role, STR_LIT("public"))) return *ret_exists;
    if (!r) return false;
    /* sysadmin counts as a member of every fixed role */
    return is_sa || (l && (l->roles & (r->bit | PERMISSION_ROLE_SYSADMIN)));
}

/* ---- users and roles */

static const Principal *user_of_login(const Database *d, const char *login) {
    for (size_t i = 0; i < d->principal_count; i++) {
        const Principal *p = &d->principals[i];
        if (p->login && str_eq_icase(str_from(p->login), str_from(login))) return p;
    }
    return NULL;
}

const Principal *authority_user(Session *s, const Database *d) {
    const Identity *as = s->acting;
    if (as && as->user)
        return as->database_id == d->id ? database_principal(d, str_from(as->user))
               : d->id <= CATALOG_MSDB  ? database_principal_by_id(d, CATALOG_PRINCIPAL_GUEST)
                                        : NULL;
    if (s->is_sysadmin) return database_principal_by_id(d, CATALOG_PRINCIPAL_DBO);
    const Principal *p = user_of_login(d, s->login);
    if (p) return p;
    /* guest may connect in the system databases, and where it was granted CONNECT */
    bool is_open = d->id == CATALOG_MASTER || d->id == CATALOG_TEMPDB || d->id == CATALOG_MSDB;
    for (size_t i = 0; !is_open && i < d->grant_count; i++)
        is_open = d->grants[i].principal_id == CATALOG_PRINCIPAL_GUEST &&
                  d->grants[i].scope == GRANT_ON_DATABASE && (d->grants[i].allow & PERMISSION_CONNECT);
    if (!is_open && !(authority_server(s) & PERMISSION_CONNECT_ANY_DATABASE)) return NULL;
    return database_principal_by_id(d, CATALOG_PRINCIPAL_GUEST);
}

bool authority_may_enter(Session *s, const Database *d) {
    if (is_master(s)) return true;
    const Principal *p = authority_user(s, d);
    if (!p) return false;
    for (size_t i = 0; i < d->grant_count; i++)
        if (d->grants[i].principal_id == p->id && d->grants[i].scope == GRANT_ON_DATABASE &&
            (d->grants[i].deny & PERMISSION_CONNECT))
            return false;
    return true;
}

static bool is_in_role(const Database *d, const Principal *p, int32_t role, int depth) {
    if (p->id == role) return true;
    for (size_t i = 0; i < p->member_of_count && depth < MAX_ROLE_DEPTH; i++) {
        if (p->member_of[i] == role) return true;
        const Principal *r = database_principal_by_id(d, p->member_of[i]);
        if (r && is_in_role(d, r, role, depth + 1)) return true;
    }
    return role == CATALOG_PRINCIPAL_PUBLIC;
}

bool session_is_member(Session *s, const Database *d, Str role) {
    if (is_master(s)) return true;
    const Principal *p = authority_user(s, d), *r = database_principal(d, role);
    return p && r && (p->id == CATALOG_PRINCIPAL_DBO || is_in_role(d, p, r->id, 0));
}

Str authority_default_schema(Session *s, const Database *d) {
    const Principal *p = is_master(s) && !s->acting ? NULL : authority_user(s, d);
    return p && p->default_schema ? str_from(p->default_schema) : STR_LIT("dbo");
}

Str session_user_name(Session *s) {
    const Database *d = catalog_database_by_id(server_catalog(s->server), s->database_id);
    const Principal *p = d ? authority_user(s, d) : NULL;
    return p ? str_from(p->name) : s->is_sysadmin ? STR_LIT("dbo") : STR_LIT("guest");
}

/* ---- permissions in a database */

typedef struct Rights {
    uint32_t allow, deny;
} Rights;

static Rights of_fixed_roles(const Database *d, const Principal *p) {
    static const struct {
        int32_t role;
        uint32_t allow, deny;
    } fixed[] = {
        {CATALOG_PRINCIPAL_DB_OWNER, UINT32_MAX, 0},
        {CATALOG_PRINCIPAL_DB_DATAREADER, PERMISSION_SELECT, 0},
        {CATALOG_PRINCIPAL_DB_DATAWRITER, PERMISSION_INSERT | PERMISSION_UPDATE | PERMISSION_DELETE, 0},
        {CATALOG_PRINCIPAL_DB_DENYDATAREADER, 0, PERMISSION_SELECT},
        {CATALOG_PRINCIPAL_DB_DENYDATAWRITER, 0, PERMISSION_INSERT | PERMISSION_UPDATE | PERMISSION_DELETE},
        {CATALOG_PRINCIPAL_DB_DDLADMIN,
         PERMISSION_ALTER | PERMISSION_CREATE_TABLE | PERMISSION_CREATE_VIEW | PERMISSION_CREATE_PROCEDURE |
             PERMISSION_CREATE_FUNCTION | PERMISSION_CREATE_SCHEMA | PERMISSION_ALTER_ANY_SCHEMA |
             PERMISSION_CHECKPOINT | PERMISSION_REFERENCES | PERMISSION_VIEW_DEFINITION,
         0},
        {CATALOG_PRINCIPAL_DB_ACCESSADMIN,
         PERMISSION_ALTER_ANY_USER | PERMISSION_CREATE_SCHEMA | PERMISSION_CONNECT, 0},
        {CATALOG_PRINCIPAL_DB_SECURITYADMIN,
         PERMISSION_ALTER_ANY_ROLE | PERMISSION_CREATE_SCHEMA | PERMISSION_VIEW_DEFINITION, 0},
        {CATALOG_PRINCIPAL_DB_BACKUPOPERATOR,
         PERMISSION_BACKUP_DATABASE | PERMISSION_BACKUP_LOG | PERMISSION_CHECKPOINT, 0},
    };
    Rights r = {0};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (is_in_role(d, p, fixed[i].role, 0)) {
            r.allow |= fixed[i].allow;
            r.deny |= fixed[i].deny;
        }
    return r;
}

static uint32_t of_server(Session *s) {
    uint32_t server = authority_server(s), allow = 0;
    if (server & PERMISSION_VIEW_ANY_DEFINITION) allow |= PERMISSION_VIEW_DEFINITION;
    if (server & PERMISSION_SELECT_ALL_USER_SECURABLES) allow |= PERMISSION_SELECT;
    if (server & PERMISSION_VIEW_SERVER_STATE) allow |= PERMISSION_VIEW_DATABASE_STATE;
    if (server & PERMISSION_VIEW_SERVER_PERFORMANCE_STATE)
        allow |= PERMISSION_VIEW_DATABASE_PERFORMANCE_STATE;
    if (server & PERMISSION_VIEW_SERVER_SECURITY_STATE) allow |= PERMISSION_VIEW_DATABASE_SECURITY_STATE;
    return allow;
}

static bool is_about(const Grant *g, int32_t schema_id, int32_t object_id) {
    if (g->column_id) return false;
    return g->scope == GRANT_ON_DATABASE || (g->scope == GRANT_ON_SCHEMA && g->id == schema_id) ||
           (g->scope == GRANT_ON_OBJECT && g->id == object_id);
}

/* schema_id, object_id 0: the database, or the schema, alone. */
static Rights rights(Session *s, const Database *d, int32_t schema_id, int32_t object_id) {
    if (is_master(s)) return (Rights){.allow = UINT32_MAX};
    const Principal *p = authority_user(s, d);
    if (!p) return (Rights){0};
    if (p->id == CATALOG_PRINCIPAL_DBO) return (Rights){.allow = UINT32_MAX};
    Rights r = of_fixed_roles(d, p);
    r.allow |= of_server(s);
    const Schema *schema = schema_id ? database_schema_by_id(d, schema_id) : NULL;
    if (schema && schema->principal_id > CATALOG_PRINCIPAL_SYS && is_in_role(d, p, schema->principal_id, 0))
        r.allow = UINT32_MAX; /* its owner */
    for (size_t i = 0; i < d->grant_count; i++) {
        const Grant *g = &d->grants[i];
        if (!is_about(g, schema_id, object_id) || !is_in_role(d, p, g->principal_id, 0)) continue;
        r.allow |= permission_closure(g->allow);
        r.deny |= permission_closure(g->deny);
    }
    return r;
}

uint32_t authority_of(Session *s, const Database *d, const Table *t) {
    Rights r = rights(s, d, t ? t->schema_id : 0, t ? t->object_id : 0);
    return r.allow & ~r.deny;
}

uint32_t authority_on_schema(Session *s, const Database *d, const Schema *schema) {
    Rights r = rights(s, d, schema->id, 0);
    return r.allow & ~r.deny;
}

bool authority_may(Session *s, const Database *d, uint32_t permissions) {
    return (authority_of(s, d, NULL) & permissions) == permissions;
}

bool session_may(Session *s, const Database *d, const Table *t, uint32_t permissions) {
    return (authority_of(s, d, t) & permissions) == permissions;
}

/* ---- columns */

/* Is the permission granted (or denied) on this column by itself? */
static Rights column_rights(Session *s, const Database *d, const Table *t, int32_t column_id) {
    Rights r = {0};
    const Principal *p = authority_user(s, d);
    for (size_t i = 0; p && i < d->grant_count; i++) {
        const Grant *g = &d->grants[i];
        if (g->scope != GRANT_ON_OBJECT || g->id != t->object_id || !g->column_id) continue;
        if ((column_id && g->column_id != column_id) || !is_in_role(d, p, g->principal_id, 0)) continue;
        r.allow |= g->allow;
        r.deny |= g->deny;
    }
    return r;
}

bool authority_sees(Session *s, const Table *t) {
    if (is_master(s) || t->kind == TABLE_TEMP || t->kind == TABLE_VARIABLE) return true;
    const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
    if (!d) return false;
    if (authority_of(s, d, t) & PERMISSION_OF_OBJECTS) return true;
    return column_rights(s, d, t, 0).allow != 0;
}

static bool denied(Session *s, const Database *d, const Table *t, uint32_t permission, const Column *c,
                   SqlError *e) {
    const char *name = permission_name_of(permission), *schema = session_schema_name(s, t);
    if (c)
        return sql_error_set(
            e, 230, 14, 1,
            "The %s permission was denied on the column '%s' of the object '%s', database '%s', schema '%s'.",
            name, c->name, t->name, d->name, schema);
    return sql_error_set(e, 229, 14, 5,
                         "The %s permission was denied on the object '%s', database '%s', schema '%s'.", name,
                         t->name, d->name, schema);
}

bool authority_may_columns(Session *s, const Table *t, uint32_t permission, const bool *used, SqlError *e) {
    if (s->scope && s->scope->is_chained) return true;
    if (is_master(s) || t->kind == TABLE_TEMP || t->kind == TABLE_VARIABLE) return true;
    const Database *d = catalog_database_by_id(server_catalog(s->server), t->database_id);
    if (!d) return false;
    Rights whole = rights(s, d, t->schema_id, t->object_id), any = column_rights(s, d, t, 0);
    if (whole.deny & permission) return denied(s, d, t, permission, NULL, e);
    bool has_whole = whole.allow & permission;
    if (!has_whole && !(any.allow & permission)) return denied(s, d, t, permission, NULL, e);
    if (has_whole && !(any.deny & permission)) return true;
    for (size_t i = 0; i < t->column_count; i++) {
        if (used && !used[i]) continue;
        Rights one = column_rights(s, d, t, t->columns[i].id);
        if ((one.deny & permission) || (!has_whole && !(one.allow & permission)))
            return denied(s, d, t, permission, &t->columns[i], e);
    }
    return true;
}

/* ---- dynamic management views */

typedef struct ViewNeed {
    const char *view; /* the beginning of its name */
    uint32_t server, database;
} ViewNeed;

/* SQL Server 2022's: performance or security state, which VIEW SERVER STATE and VIEW DATABASE STATE cover.
 * The first that fits counts; what everybody may see, or sees his own part of, has no need. */
static const ViewNeed view_needs[] = {
    {"dm_exec_sessions", 0, 0},
    {"dm_exec_requests", 0, 0},
    {"dm_exec_describe_first_result_set", 0, 0},
    {"dm_server_services", PERMISSION_VIEW_SERVER_SECURITY_STATE, 0},
    {"dm_server_", PERMISSION_VIEW_SERVER_SECURITY_STATE, 0},
    {"dm_exec_", PERMISSION_VIEW_SERVER_PERFORMANCE_STATE, 0},
    {"dm_os_", PERMISSION_VIEW_SERVER_PERFORMANCE_STATE, 0},
    {"dm_tran_", PERMISSION_VIEW_SERVER_PERFORMANCE_STATE, 0},
    {"dm_hadr_", PERMISSION_VIEW_SERVER_PERFORMANCE_STATE, 0},
    {"dm_io_", PERMISSION_VIEW_SERVER_PERFORMANCE_STATE, 0},
    {"dm_db_", 0, PERMISSION_VIEW_DATABASE_PERFORMANCE_STATE},
    {"dm_cdc_", 0, PERMISSION_VIEW_DATABASE_PERFORMANCE_STATE},
};

bool authority_may_view(Session *s, const Database *d, Str view, SqlError *e) {
    if (is_master(s) || !str_starts(view, STR_LIT("dm_"))) return true;
    const ViewNeed *need = NULL;
    for (size_t i = 0; !need && i < sizeof view_needs / sizeof *view_needs; i++)
        if (str_starts(view, str_from(view_needs[i].view))) need = &view_needs[i];
    if (!need) return true;
    if (need->server && !authority_server_may(s, need->server))
        return sql_error_set(e, 300, 14, 1,
                             "VIEW SERVER %s STATE permission was denied on object 'server', "
                             "database 'master'.",
                             need->server == PERMISSION_VIEW_SERVER_SECURITY_STATE ? "SECURITY"
                                                                                   : "PERFORMANCE");
    if (need->database && !authority_may(s, d, need->database))
        return sql_error_set(e, 262, 14, 1,
                             "VIEW DATABASE PERFORMANCE STATE permission denied in database '%s'.", d->name);
    return true;
}

bool authority_denial_follows(const SqlError *e) {
    return e->number == 300 || (e->number == 262 && strncmp(e->text, "VIEW DATABASE ", 14) == 0);
}

/* ---- EXECUTE AS */

static bool push(Session *s, char *login, bool is_sysadmin, char *user, SqlError *e) {
    int depth = 0;
    for (const Identity *i = s->acting; i; i = i->outer) depth++;
    if (depth >= MAX_IMPERSONATIONS) {
        free(login);
        free(user);
        return sql_error_set(e, 15199, 16, 1,
                             "The current security context cannot be reverted. Please switch to the original "
                             "database where '%s' was called and try it again.",
                             "Execute As");
    }
    Identity *i = x_calloc(1, sizeof *i);
    *i = (Identity){.outer = s->acting,
                    .login = s->login,
                    .is_sysadmin = s->is_sysadmin,
                    .user = user,
                    .database_id = s->database_id};
    s->acting = i;
    s->login = login;
    s->is_sysadmin = is_sysadmin;
    return true;
}

static bool impersonate_login(Session *s, Str name, SqlError *e) {
    const Login *l = catalog_login(session_catalog(s), name);
    bool is_sa = str_eq_icase(name, STR_LIT("sa")), is_self = str_eq_icase(name, str_from(s->login));
    bool may = is_master(s) || is_self ||
               (l && !l->is_sysadmin && authority_server_may(s, PERMISSION_IMPERSONATE_ANY_LOGIN));
    if ((!l && !is_sa) || !may)
        return sql_error_set(e, 15406, 16, 1,
                             "Cannot execute as the server principal because the principal \"" STR_FMT
                             "\" does not exist, this type of principal cannot be impersonated, or you do "
                             "not have permission.",
                             STR_ARG(name));
    return push(s, str_dup(name), is_sa || l->is_sysadmin, NULL, e);
}

static bool impersonate_user(Session *s, Str name, SqlError *e) {
    const Database *d = session_current_database(s);
    const Principal *p = database_principal(d, name), *own = authority_user(s, d);
    bool is_user = p && p->kind == CATALOG_USER && p->id != CATALOG_PRINCIPAL_SYS;
    bool may = session_is_member(s, d, STR_LIT("db_owner")) || (own && p && own->id == p->id);
    if (!is_user || !may)
        return sql_error_set(e, 15517, 16, 1,
                             "Cannot execute as the database principal because the principal \"" STR_FMT
                             "\" does not exist, this type of principal cannot be impersonated, or you do "
                             "not have permission.",
                             STR_ARG(name));
    return push(s, x_strdup(p->login ? p->login : p->name), false, str_dup(str_from(p->name)), e);
}

bool authority_impersonate(Session *s, bool is_login, Str name, SqlError *e) {
    return is_login ? impersonate_login(s, name, e) : impersonate_user(s, name, e);
}

void authority_revert(Session *s) {
    Identity *i = s->acting;
    if (!i) return;
    free(s->login);
    s->login = i->login;
    s->is_sysadmin = i->is_sysadmin;
    s->acting = i->outer;
    free(i->user);
    free(i);
}

void authority_revert_to(Session *s, Identity *until) {
    while (s->acting && s->acting != until) authority_revert(s);
}
