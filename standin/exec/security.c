/* Logins, users, roles, GRANT, DENY and REVOKE. */
#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/ddl_internal.h"

static bool not_found(const char *what, Str name, SqlError *e) {
    return sql_error_set(e, 15151, 16, 1,
                         "Cannot find the %s '" STR_FMT
                         "', because it does not exist or you do not have permission.",
                         what, STR_ARG(name));
}

static bool exists(Str name, SqlError *e) {
    return sql_error_set(e, 15023, 16, 1,
                         "User, group, or role '" STR_FMT "' already exists in the current database.",
                         STR_ARG(name));
}

static bool need_sysadmin(Session *s, SqlError *e) {
    return session_is_sysadmin(s) ||
           sql_error_set(e, 15247, 16, 1, "User does not have permission to perform this action.");
}

/* ---- logins */

static bool write_login(Session *s, const LoginSpec *login, bool drops, SqlError *e) {
    Store *store = server_store(s->server);
    if (!store_write_begin(store, s->db, e)) return false;
    Catalog *catalog = session_catalog(s);
    bool ok = drops ? catalog_drop_login(catalog, s->db, login->name, e)
                    : catalog_set_login(catalog, s->db, login, e);
    if (ok) return store_write_commit(store, s->db, e);
    store_write_rollback(store, s->db);
    return false;
}

static bool create_login(Session *s, const AstPrincipal *a, SqlError *e) {
    if (!need_sysadmin(s, e)) return false;
    if (catalog_login(session_catalog(s), a->name) || str_eq_icase(a->name, STR_LIT("sa")))
        return sql_error_set(e, 15025, 16, 1, "The server principal '" STR_FMT "' already exists.",
                             STR_ARG(a->name));
    LoginSpec login = {.name = a->name, .password = a->password, .default_database = a->default_database};
    return write_login(s, &login, /* drops= */ false, e);
}

static LoginSpec spec_of(const Login *l) {
    return (LoginSpec){.name = str_from(l->name),
                       .password = str_from(l->password),
                       .default_database = str_from(l->default_database),
                       .is_sysadmin = l->is_sysadmin,
                       .is_disabled = l->is_disabled};
}

static bool alter_login(Session *s, const AstPrincipal *a, SqlError *e) {
    const Login *l = catalog_login(session_catalog(s), a->name);
    if (!need_sysadmin(s, e)) return false;
    if (!l) return not_found("login", a->name, e);
    LoginSpec login = spec_of(l);
    if (a->password.n) login.password = a->password;
    if (a->default_database.n) login.default_database = a->default_database;
    if (a->is_enable) login.is_disabled = false;
    if (a->is_disable) login.is_disabled = true;
    return write_login(s, &login, /* drops= */ false, e);
}

static bool set_sysadmin(Session *s, Str name, bool is_sysadmin, SqlError *e) {
    const Login *l = catalog_login(session_catalog(s), name);
    if (!need_sysadmin(s, e)) return false;
    if (!l) return not_found("login", name, e);
    LoginSpec login = spec_of(l);
    login.is_sysadmin = is_sysadmin;
    return write_login(s, &login, /* drops= */ false, e);
}

/* ---- users and roles */

static bool may_alter_users(Session *s, const Database *d, SqlError *e) {
    return session_is_member(s, d, STR_LIT("db_owner")) ||
           session_is_member(s, d, STR_LIT("db_securityadmin")) ||
           sql_error_set(e, 15247, 16, 1, "User does not have permission to perform this action.");
}

static bool create_principal(Session *s, const AstPrincipal *a, SqlError *e) {
    const Database *d = session_current_database(s);
    bool is_user = a->kind == PRINCIPAL_USER;
    if (!may_alter_users(s, d, e)) return false;
    if (database_principal(d, a->name)) return exists(a->name, e);
    Str login = a->for_login.n ? a->for_login : a->name;
    bool has_login = catalog_login(session_catalog(s), login) || str_eq_icase(login, STR_LIT("sa"));
    if (is_user && !a->without_login && !has_login)
        return sql_error_set(e, 15007, 16, 1,
                             "'" STR_FMT "' is not a valid login or you do not have permission.",
                             STR_ARG(login));
    Database *now = database_copy(d);
    Principal *p = database_add_principal(now, a->name, is_user ? CATALOG_USER : CATALOG_ROLE);
    p->login = is_user && !a->without_login ? str_dup(login) : NULL;
    return session_publish_database(s, now, e);
}

static bool alter_principal(Session *s, const AstPrincipal *a, SqlError *e) {
    const Database *d = session_current_database(s);
    const Principal *p = database_principal(d, a->name);
    if (!may_alter_users(s, d, e)) return false;
    if (!p) return not_found("user", a->name, e);
    Database *now = database_copy(d);
    Principal *changed = (Principal *)database_principal(now, a->name);
    if (a->new_name.n) {
        free(changed->name);
        changed->name = str_dup(a->new_name);
    }
    if (a->for_login.n) {
        free(changed->login);
        changed->login = str_dup(a->for_login);
    }
    return session_publish_database(s, now, e);
}

static bool drop_principal(Session *s, AstPrincipalKind kind, Str name, bool if_exists, SqlError *e) {
    if (kind == PRINCIPAL_LOGIN) {
        LoginSpec login = {.name = name};
        if (!need_sysadmin(s, e)) return false;
        if (!catalog_login(session_catalog(s), name)) return if_exists || not_found("login", name, e);
        return write_login(s, &login, /* drops= */ true, e);
    }
    const Database *d = session_current_database(s);
    const Principal *p = database_principal(d, name);
    if (!p) return if_exists || not_found(kind == PRINCIPAL_ROLE ? "role" : "user", name, e);
    if (p->is_fixed)
        return sql_error_set(e, 15150, 16, 1, "Cannot drop the user '" STR_FMT "'.", STR_ARG(name));
    if (!may_alter_users(s, d, e)) return false;
    Database *now = database_copy(d);
    int32_t id = p->id;
    for (size_t i = 0; i < now->principal_count; i++) principal_set_member(&now->principals[i], id, false);
    database_drop_principal(now, id);
    return session_publish_database(s, now, e);
}

static bool role_member(Session *s, const AstRoleMember *a, SqlError *e) {
    if (a->is_server) {
        if (!str_eq_icase(a->role, STR_LIT("sysadmin")))
            return true; /* no other server role does anything here */
        return set_sysadmin(s, a->member, a->is_add, e);
    }
    const Database *d = session_current_database(s);
    const Principal *role = database_principal(d, a->role), *member = database_principal(d, a->member);
    if (!may_alter_users(s, d, e)) return false;
    if (!role || role->kind != CATALOG_ROLE) return not_found("role", a->role, e);
    if (!member) return not_found("user", a->member, e);
    Database *now = database_copy(d);
    principal_set_member((Principal *)database_principal(now, a->member), role->id, a->is_add);
    return session_publish_database(s, now, e);
}

/* ---- GRANT */

static bool permission_bits(Str name, uint32_t *ret) {
    static const struct {
        const char *name;
        uint32_t bit;
    } known[] = {{"SELECT", PERMISSION_SELECT},
                 {"INSERT", PERMISSION_INSERT},
                 {"UPDATE", PERMISSION_UPDATE},
                 {"DELETE", PERMISSION_DELETE},
                 {"EXECUTE", PERMISSION_EXECUTE},
                 {"EXEC", PERMISSION_EXECUTE},
                 {"REFERENCES", PERMISSION_REFERENCES},
                 {"ALTER", PERMISSION_ALTER},
                 {"CONTROL", PERMISSION_CONTROL},
                 {"VIEW DEFINITION", PERMISSION_VIEW_DEFINITION},
                 {"VIEW DATABASE STATE", PERMISSION_VIEW_DATABASE_STATE},
                 {"CONNECT", PERMISSION_CONNECT},
                 {"ALL", PERMISSION_SELECT | PERMISSION_INSERT | PERMISSION_UPDATE | PERMISSION_DELETE |
                             PERMISSION_REFERENCES}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq_icase(name, str_from(known[i].name))) {
            *ret |= known[i].bit;
            return true;
        }
    return false;
}

/* Permissions of the server are taken and have no effect: only sysadmin is looked at there. */
static bool is_server_permission(Str name) {
    static const char *const known[] = {"VIEW SERVER STATE",
                                        "VIEW ANY DEFINITION",
                                        "VIEW ANY DATABASE",
                                        "CONTROL SERVER",
                                        "CONNECT SQL",
                                        "ALTER ANY LOGIN",
                                        "VIEW SERVER PERFORMANCE STATE"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq_icase(name, str_from(known[i]))) return true;
    return false;
}

static bool securable(Session *s, const AstGrant *a, const Database *d, GrantScope *ret_scope,
                      int32_t *ret_id, SqlError *e) {
    *ret_id = 0;
    switch (a->on) {
    case ON_NOTHING:
    case ON_DATABASE: *ret_scope = GRANT_ON_DATABASE; return true;
    case ON_SCHEMA: {
        const Schema *schema = database_schema(d, a->securable.name);
        *ret_scope = GRANT_ON_SCHEMA;
        if (schema) *ret_id = schema->id;
        return schema || not_found("schema", a->securable.name, e);
    }
    case ON_OBJECT: {
        SqlError missing = {0};
        const Table *t = session_resolve(s, &a->securable, &missing);
        *ret_scope = GRANT_ON_OBJECT;
        if (t) {
            *ret_id = t->object_id;
            return true;
        }
        /* A system object (a CDC function, say): anyone may use those, so there is nothing to keep. */
        Str schema = a->securable.schema.n ? a->securable.schema : STR_LIT("dbo");
        for (int is_function = 0; is_function < 2; is_function++)
            if (sysregistry_table(server_sys(s->server), s, d->id, schema, a->securable.name, is_function,
                                  &s->scratch))
                return true;
        return sysregistry_function(server_sys(s->server), schema, a->securable.name) ||
               procregistry_find(server_procs(s->server), a->securable.name) ||
               not_found("object", a->securable.name, e);
    }
    case ON_OTHER: break;
    }
    return sql_error_set(e, 40517, 16, 1, "This class of securable isn't supported by this server.");
}

static void apply_grant(Database *d, const AstGrant *a, int32_t principal, GrantScope scope, int32_t id,
                        uint32_t bits) {
    Grant *g = database_add_grant(d, principal, scope, id);
    g->allow &= ~bits;
    g->deny &= ~bits;
    if (a->kind == GRANT_GRANT) g->allow |= bits;
    if (a->kind == GRANT_DENY) g->deny |= bits;
}

static bool grant(Session *s, const AstGrant *a, SqlError *e) {
    const Database *d = session_current_database(s);
    if (!may_alter_users(s, d, e)) return false;
    uint32_t bits = 0;
    bool is_server = false;
    for (size_t i = 0; i < a->permission_count; i++) {
        if (is_server_permission(a->permissions[i])) is_server = true;
        else if (!permission_bits(a->permissions[i], &bits))
            return sql_error_set(e, 40517, 16, 1,
                                 "The permission '" STR_FMT "' isn't supported by this server.",
                                 STR_ARG(a->permissions[i]));
    }
    if (a->column_count)
        return sql_error_set(e, 40517, 16, 1, "Permissions on columns aren't supported by this server.");
    if (is_server && !bits) return true;
    GrantScope scope;
    int32_t id;
    if (!securable(s, a, d, &scope, &id, e)) return false;
    if (scope != GRANT_ON_DATABASE && !id) return true;
    Database *now = database_copy(d);
    for (size_t i = 0; i < a->principal_count; i++) {
        const Principal *p = database_principal(now, a->principals[i]);
        if (!p) {
            (void)database_free(now);
            return not_found("user", a->principals[i], e);
        }
        apply_grant(now, a, p->id, scope, id, bits);
    }
    return session_publish_database(s, now, e);
}

bool security_statement(Session *s, const AstStmt *st, SqlError *e) {
    const AstPrincipal *p = &st->u.principal;
    switch (st->kind) {
    case STMT_CREATE_PRINCIPAL:
        if (p->kind == PRINCIPAL_SERVER_ROLE)
            return sql_error_set(e, 40517, 16, 1, "CREATE SERVER ROLE isn't supported by this server.");
        return p->kind == PRINCIPAL_LOGIN ? create_login(s, p, e) : create_principal(s, p, e);
    case STMT_ALTER_PRINCIPAL:
        return p->kind == PRINCIPAL_LOGIN ? alter_login(s, p, e) : alter_principal(s, p, e);
    case STMT_DROP_PRINCIPAL:
        return drop_principal(s, st->u.drop_principal.kind, st->u.drop_principal.name,
                              st->u.drop_principal.if_exists, e);
    case STMT_ROLE_MEMBER: return role_member(s, &st->u.role_member, e);
    default: return grant(s, &st->u.grant, e);
    }
}
