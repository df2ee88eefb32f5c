/* Logins, users, roles, EXECUTE AS, GRANT, DENY and REVOKE. */
#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/ddl_internal.h"
#include "standin/exec/module.h"

static bool not_found(const char *what, Str name, SqlError *e) {
    return sql_error_set(e, 15151, 16, 1,
                         "Cannot find the %s '" STR_FMT
                         "', because it does not exist or you do not have permission.",
                         what, STR_ARG(name));
}

static bool cannot(const char *verb, const char *what, Str name, SqlError *e) {
    return sql_error_set(e, 15151, 16, 1,
                         "Cannot %s the %s '" STR_FMT
                         "', because it does not exist or you do not have permission.",
                         verb, what, STR_ARG(name));
}

static bool exists(Str name, SqlError *e) {
    return sql_error_set(e, 15023, 16, 1,
                         "User, group, or role '" STR_FMT "' already exists in the current database.",
                         STR_ARG(name));
}

static bool no_permission(SqlError *e) {
    return sql_error_set(e, 15247, 16, 1, "User does not have permission to perform this action.");
}

static bool is_sa(Str name) {
    return str_eq_icase(name, STR_LIT("sa"));
}

/* ---- logins */

static bool write_login(Session *s, const Login *l, Str drops, SqlError *e) {
    Store *store = server_store(s->server);
    if (!store_write_begin(store, s->db, e)) return false;
    Catalog *catalog = session_catalog(s);
    bool ok = (!drops.n || catalog_drop_login(catalog, s->db, drops, e)) &&
              (!l || catalog_set_login(catalog, s->db, l, e));
    if (ok) return store_write_commit(store, s->db, e);
    store_write_rollback(store, s->db);
    return false;
}

static bool may_alter_logins(Session *s) {
    return authority_server_may(s, PERMISSION_ALTER_ANY_LOGIN);
}

static bool check_database(Session *s, Str name, SqlError *e) {
    return !name.n || catalog_database(session_catalog(s), name) ||
           sql_error_set(e, 15010, 16, 1,
                         "The database '" STR_FMT
                         "' does not exist. Supply a valid database name. To see available databases, use "
                         "sys.databases.",
                         STR_ARG(name));
}

static bool create_login(Session *s, const AstPrincipal *a, SqlError *e) {
    if (!may_alter_logins(s)) return no_permission(e);
    if (catalog_login(session_catalog(s), a->name) || is_sa(a->name) || permission_role(a->name))
        return sql_error_set(e, 15025, 16, 1, "The server principal '" STR_FMT "' already exists.",
                             STR_ARG(a->name));
    if (!check_database(s, a->default_database, e)) return false;
    Login l = {.name = str_dup(a->name),
               .password = str_dup(a->password),
               .default_database = str_dup(a->default_database.n ? a->default_database : STR_LIT("master"))};
    bool ok = write_login(s, &l, (Str){0}, e);
    free(l.name);
    free(l.password);
    free(l.default_database);
    return ok;
}

static void set_text(char **to, Str text) {
    free(*to);
    *to = str_dup(text);
}

/* Users follow their login to its new name. */
static bool rename_users(Session *s, Str from, Str to, SqlError *e) {
    int32_t at = 0;
    for (const Database *d; (d = catalog_next_database(session_catalog(s), &at));) {
        bool has_user = false;
        for (size_t i = 0; i < d->principal_count; i++)
            has_user |= d->principals[i].login && str_eq_icase(str_from(d->principals[i].login), from);
        if (!has_user) continue;
        Database *now = database_copy(d);
        for (size_t i = 0; i < now->principal_count; i++)
            if (now->principals[i].login && str_eq_icase(str_from(now->principals[i].login), from))
                set_text(&now->principals[i].login, to);
        if (!session_publish_database(s, now, e)) return false;
    }
    return true;
}

static bool alter_login(Session *s, const AstPrincipal *a, SqlError *e) {
    const Login *l = catalog_login(session_catalog(s), a->name);
    bool is_own = str_eq_icase(a->name, str_from(s->login)) && a->has_password && !a->new_name.n;
    if (is_sa(a->name) && session_is_sysadmin(s))
        return sql_error_set(
            e, 40517, 16, 1,
            "ALTER LOGIN of sa isn't supported by this server: its password is given at start.");
    if (!l || (!may_alter_logins(s) && !is_own) || (l->is_sysadmin && !session_is_sysadmin(s)))
        return cannot("alter", "login", a->name, e);
    if (!check_database(s, a->default_database, e)) return false;
    if (a->new_name.n && catalog_login(session_catalog(s), a->new_name))
        return sql_error_set(e, 15025, 16, 1, "The server principal '" STR_FMT "' already exists.",
                             STR_ARG(a->new_name));
    Login *n = login_copy(l);
    if (a->has_password) set_text(&n->password, a->password);
    if (a->default_database.n) set_text(&n->default_database, a->default_database);
    if (a->is_enable) n->is_disabled = false;
    if (a->is_disable) n->is_disabled = true;
    if (a->new_name.n) set_text(&n->name, a->new_name);
    bool ok = write_login(s, n, a->new_name.n ? a->name : (Str){0}, e);
    (void)login_free(n);
    return ok && (!a->new_name.n || rename_users(s, a->name, a->new_name, e));
}

static bool drop_login(Session *s, Str name, SqlError *e) {
    const Login *l = catalog_login(session_catalog(s), name);
    if (!l || !may_alter_logins(s) || (l->is_sysadmin && !session_is_sysadmin(s)))
        return cannot("drop", "login", name, e);
    if (server_login_in_use(s->server, name))
        return sql_error_set(e, 15434, 16, 1,
                             "Could not drop login '" STR_FMT "' as the user is currently logged in.",
                             STR_ARG(name));
    int32_t at = 0;
    for (const Database *d; (d = catalog_next_database(session_catalog(s), &at));) {
        const Principal *dbo = database_principal_by_id(d, CATALOG_PRINCIPAL_DBO);
        if (dbo && dbo->login && str_eq_icase(str_from(dbo->login), name))
            return sql_error_set(e, 15174, 16, 1,
                                 "Login '" STR_FMT
                                 "' owns one or more database(s). Change the owner of the database(s) before "
                                 "dropping the login.",
                                 STR_ARG(name));
    }
    return write_login(s, NULL, name, e);
}

static bool server_role_member(Session *s, const AstRoleMember *a, SqlError *e) {
    const PermissionRole *role = permission_role(a->role);
    const Login *l = catalog_login(session_catalog(s), a->member);
    if (!role) return cannot("alter", "server role", a->role, e);
    bool exists_role;
    if (!session_is_sysadmin(s) && !authority_has_server_role(s, a->role, NULL, &exists_role))
        return cannot("alter", "server role", a->role, e);
    if (is_sa(a->member)) return sql_error_set(e, 15405, 16, 1, "Cannot use the special principal 'sa'.");
    if (!l) return cannot(a->is_add ? "add" : "drop", "principal", a->member, e);
    Login *n = login_copy(l);
    n->roles = a->is_add ? n->roles | role->bit : n->roles & ~role->bit;
    bool ok = write_login(s, n, (Str){0}, e);
    (void)login_free(n);
    return ok;
}

/* ---- users and roles */

static bool may_alter_users(Session *s, const Database *d, bool is_user) {
    return authority_may(s, d, is_user ? PERMISSION_ALTER_ANY_USER : PERMISSION_ALTER_ANY_ROLE);
}

static bool login_is_taken(const Database *d, Str login, SqlError *e) {
    for (size_t i = 0; i < d->principal_count; i++)
        if (d->principals[i].login && str_eq_icase(str_from(d->principals[i].login), login))
            return !sql_error_set(e, 15063, 16, 1,
                                  "The login already has an account under a different user name.");
    return false;
}

static bool create_user(Session *s, const Database *d, const AstPrincipal *a, SqlError *e) {
    Str login = a->for_login.n ? a->for_login : a->name;
    bool has_login = catalog_login(session_catalog(s), login) || is_sa(login);
    if (!may_alter_users(s, d, /* is_user= */ true)) return no_permission(e);
    if (a->has_password)
        return sql_error_set(e, 33233, 16, 1,
                             "You can only create a user with a password in a contained database.");
    if (database_principal(d, a->name)) return exists(a->name, e);
    if (!a->without_login && !has_login)
        return sql_error_set(e, 15007, 16, 1,
                             "'" STR_FMT "' is not a valid login or you do not have permission.",
                             STR_ARG(login));
    if (!a->without_login && login_is_taken(d, login, e)) return false;
    Database *now = database_copy(d);
    Principal *p = database_add_principal(now, a->name, CATALOG_USER);
    int32_t id = p->id;
    p->login = a->without_login ? NULL : str_dup(login);
    p->default_schema = a->default_schema.n ? str_dup(a->default_schema) : NULL;
    database_add_grant(now, id, GRANT_ON_DATABASE, 0, 0)->allow = PERMISSION_CONNECT;
    return session_publish_database(s, now, e);
}

static int32_t owner_of(const Database *d, Str owner, SqlError *e) {
    const Principal *p = owner.n ? database_principal(d, owner) : NULL;
    if (owner.n && !p) (void)not_found("principal", owner, e);
    return p ? p->id : owner.n ? 0 : CATALOG_PRINCIPAL_DBO;
}

static bool create_role(Session *s, const Database *d, const AstPrincipal *a, SqlError *e) {
    if (!authority_may(s, d, PERMISSION_CREATE_ROLE))
        return sql_error_set(e, 15247, 16, 2, "User does not have permission to perform this action.");
    if (database_principal(d, a->name)) return exists(a->name, e);
    int32_t owner = owner_of(d, a->owner, e);
    if (!owner) return false;
    Database *now = database_copy(d);
    database_add_principal(now, a->name, CATALOG_ROLE)->owner_id = owner;
    return session_publish_database(s, now, e);
}

static bool alter_principal(Session *s, const AstPrincipal *a, SqlError *e) {
    const Database *d = session_current_database(s);
    bool is_user = a->kind == PRINCIPAL_USER;
    const Principal *p = database_principal(d, a->name);
    bool is_kind = p && p->kind == (is_user ? CATALOG_USER : CATALOG_ROLE) && !p->is_fixed;
    if (!is_kind || !may_alter_users(s, d, is_user))
        return cannot("alter", is_user ? "user" : "role", a->name, e);
    if (a->new_name.n && database_principal(d, a->new_name)) return exists(a->new_name, e);
    if (a->for_login.n && !catalog_login(session_catalog(s), a->for_login) && !is_sa(a->for_login))
        return sql_error_set(e, 15007, 16, 1,
                             "'" STR_FMT "' is not a valid login or you do not have permission.",
                             STR_ARG(a->for_login));
    Database *now = database_copy(d);
    Principal *changed = (Principal *)database_principal(now, a->name);
    if (a->new_name.n) set_text(&changed->name, a->new_name);
    if (a->for_login.n) set_text(&changed->login, a->for_login);
    if (a->default_schema.n) set_text(&changed->default_schema, a->default_schema);
    return session_publish_database(s, now, e);
}

static bool has_members(const Database *d, int32_t role) {
    for (size_t i = 0; i < d->principal_count; i++)
        for (size_t k = 0; k < d->principals[i].member_of_count; k++)
            if (d->principals[i].member_of[k] == role) return true;
    return false;
}

static bool check_droppable(const Database *d, const Principal *p, bool is_user, SqlError *e) {
    if (p->id == CATALOG_PRINCIPAL_GUEST)
        return sql_error_set(e, 15151, 16, 1,
                             "User cannot be dropped, it can only be disabled. The user is "
                             "already disabled in the current database.");
    if (p->is_fixed)
        return sql_error_set(e, 15150, 16, 1, "Cannot drop the %s '%s'.", is_user ? "user" : "role", p->name);
    for (size_t i = 0; i < d->schema_count; i++)
        if (d->schemas[i].principal_id == p->id)
            return sql_error_set(
                e, 15138, 16, 1,
                "The database principal owns a schema in the database, and cannot be dropped.");
    if (!is_user && has_members(d, p->id))
        return sql_error_set(e, 15144, 16, 1,
                             "The role has members. It must be empty before it can be dropped.");
    return true;
}

static bool drop_principal(Session *s, AstPrincipalKind kind, Str name, bool if_exists, SqlError *e) {
    if (kind == PRINCIPAL_LOGIN) return drop_login(s, name, e);
    const Database *d = session_current_database(s);
    const Principal *p = database_principal(d, name);
    bool is_user = kind == PRINCIPAL_USER;
    if (!p && if_exists) return true;
    if (!p || p->kind != (is_user ? CATALOG_USER : CATALOG_ROLE) || !may_alter_users(s, d, is_user))
        return cannot("drop", is_user ? "user" : "role", name, e);
    if (!check_droppable(d, p, is_user, e)) return false;
    Database *now = database_copy(d);
    int32_t id = p->id;
    for (size_t i = 0; i < now->principal_count; i++) principal_set_member(&now->principals[i], id, false);
    database_drop_principal(now, id);
    return session_publish_database(s, now, e);
}

static bool role_member(Session *s, const AstRoleMember *a, SqlError *e) {
    if (a->is_server) return server_role_member(s, a, e);
    const Database *d = session_current_database(s);
    const Principal *role = database_principal(d, a->role), *member = database_principal(d, a->member);
    bool is_fixed = role && role->is_fixed;
    if (!role || role->kind != CATALOG_ROLE ||
        !(is_fixed ? session_is_member(s, d, STR_LIT("db_owner")) : may_alter_users(s, d, false)))
        return cannot("alter", "role", a->role, e);
    if (role->id == CATALOG_PRINCIPAL_PUBLIC)
        return sql_error_set(e, 15081, 16, 1, "Membership of the public role cannot be changed.");
    if (!member || member->id == CATALOG_PRINCIPAL_PUBLIC)
        return cannot(a->is_add ? "add" : "drop", "principal", a->member, e);
    if (member->id == CATALOG_PRINCIPAL_DBO)
        return sql_error_set(e, 15405, 16, 1, "Cannot use the special principal 'dbo'.");
    if (member->id == role->id)
        return sql_error_set(e, 15413, 16, 1, "Cannot make a role a member of itself.");
    Database *now = database_copy(d);
    principal_set_member((Principal *)database_principal(now, a->member), role->id, a->is_add);
    return session_publish_database(s, now, e);
}

static bool authorization(Session *s, const AstStmt *st, SqlError *e) {
    Str name = st->u.authorization.database, to = st->u.authorization.login;
    if (st->u.authorization.is_schema) {
        const Database *d = session_current_database(s);
        const Schema *schema = database_schema(d, name);
        const Principal *p = database_principal(d, to);
        if (!schema || !(authority_on_schema(s, d, schema) & PERMISSION_TAKE_OWNERSHIP))
            return not_found("schema", name, e);
        if (!p) return not_found("principal", to, e);
        Database *now = database_copy(d);
        ((Schema *)database_schema(now, name))->principal_id = p->id;
        return session_publish_database(s, now, e);
    }
    const Database *d = catalog_database(session_catalog(s), name);
    if (!d || !authority_may(s, d, PERMISSION_TAKE_OWNERSHIP)) return not_found("database", name, e);
    if (!catalog_login(session_catalog(s), to) && !is_sa(to)) return not_found("principal", to, e);
    const Principal *dbo = database_principal_by_id(d, CATALOG_PRINCIPAL_DBO);
    bool is_same = dbo->login && str_eq_icase(str_from(dbo->login), to);
    for (size_t i = 0; !is_same && i < d->principal_count; i++)
        if (d->principals[i].login && str_eq_icase(str_from(d->principals[i].login), to))
            return sql_error_set(
                e, 15110, 16, 1,
                "The proposed new database owner is already a user or aliased in the database.");
    Database *now = database_copy(d);
    set_text(&((Principal *)database_principal_by_id(now, CATALOG_PRINCIPAL_DBO))->login, to);
    return session_publish_database(s, now, e);
}

/* ---- GRANT */

/* Which permissions, of the database or of the server; both in one statement are none that exist. */
static bool permissions_of(const AstGrant *a, uint32_t *ret, bool *ret_is_server, SqlError *e) {
    *ret = 0;
    *ret_is_server = false;
    for (size_t i = 0; i < a->permission_count; i++) {
        Str name = a->permissions[i];
        const PermissionName *p = permission_by_name(name, /* is_of_server= */ false);
        const PermissionName *of_server = permission_by_name(name, /* is_of_server= */ true);
        bool is_all = str_eq_icase(name, STR_LIT("ALL"));
        if (!p && !of_server && !is_all)
            return sql_error_set(e, 102, 15, 1, "Incorrect syntax near '" STR_FMT "'.", STR_ARG(name));
        if (of_server && !p) *ret_is_server = true;
        *ret |= is_all ? PERMISSION_ALL : p ? p->bit : of_server->bit;
    }
    return true;
}

static bool grant_on_server(Session *s, const AstGrant *a, uint32_t bits, SqlError *e) {
    if (s->database_id != CATALOG_MASTER)
        return sql_error_set(
            e, 4621, 16, 10,
            "Permissions at the server scope can only be granted when the current database is "
            "master");
    if (!authority_server_may(s, PERMISSION_CONTROL_SERVER))
        return sql_error_set(e, 4613, 16, 1, "Grantor does not have GRANT permission.");
    for (size_t i = 0; i < a->principal_count; i++) {
        const Login *l = catalog_login(session_catalog(s), a->principals[i]);
        if (is_sa(a->principals[i]))
            return sql_error_set(e, 4624, 16, 1,
                                 "Cannot grant, deny, or revoke permissions to sa, dbo, entity owner, "
                                 "information_schema, sys, or yourself.");
        if (!l) return not_found("login", a->principals[i], e);
        Login *n = login_copy(l);
        n->allow &= ~bits;
        n->deny &= ~bits;
        if (a->kind == GRANT_GRANT) n->allow |= bits;
        if (a->kind == GRANT_DENY) n->deny |= bits;
        bool ok = write_login(s, n, (Str){0}, e);
        (void)login_free(n);
        if (!ok) return false;
    }
    return true;
}

typedef struct Securable {
    GrantScope scope;
    int32_t id; /* 0: the database, or a system object, which anybody may use */
    const Table *table;
    bool is_system;
} Securable;

/* A system object (a CDC function, say): anyone may use those, so there is nothing to keep. */
static bool is_system_object(Session *s, const Database *d, const AstName *name) {
    Str schema = name->schema.n ? name->schema : STR_LIT("dbo");
    for (int is_function = 0; is_function < 2; is_function++)
        if (sysregistry_table(server_sys(s->server), s, d->id, schema, name->name, is_function, &s->scratch))
            return true;
    return sysregistry_function(server_sys(s->server), schema, name->name) ||
           procregistry_find(server_procs(s->server), name->name);
}

static bool securable(Session *s, const AstGrant *a, const Database *d, Securable *ret, SqlError *e) {
    *ret = (Securable){.scope = GRANT_ON_DATABASE};
    switch (a->on) {
    case ON_NOTHING: return true;
    case ON_DATABASE:
        return str_eq_icase(a->securable.name, str_from(d->name)) ||
               not_found("database", a->securable.name, e);
    case ON_SCHEMA: {
        const Schema *schema = database_schema(d, a->securable.name);
        ret->scope = GRANT_ON_SCHEMA;
        if (schema) ret->id = schema->id;
        return schema || not_found("schema", a->securable.name, e);
    }
    case ON_OBJECT: {
        SqlError missing = {0};
        ret->table = session_resolve(s, &a->securable, &missing);
        if (!ret->table) ret->table = module_procedure(s, &a->securable, &missing);
        ret->scope = GRANT_ON_OBJECT;
        if (ret->table) ret->id = ret->table->object_id;
        ret->is_system = !ret->table && is_system_object(s, d, &a->securable);
        return ret->table || ret->is_system || not_found("object", a->securable.name, e);
    }
    case ON_OTHER: break;
    }
    return sql_error_set(e, 40517, 16, 1, "This class of securable isn't supported by this server.");
}

static void apply_grant(Grant *g, const AstGrant *a, uint32_t bits) {
    g->with_option &= ~bits;
    if (a->option_only) return;
    g->allow &= ~bits;
    g->deny &= ~bits;
    if (a->kind == GRANT_GRANT) g->allow |= bits;
    if (a->kind == GRANT_GRANT && a->with_grant) g->with_option |= bits;
    if (a->kind == GRANT_DENY) g->deny |= bits;
}

/* CONTROL of the securable, or db_securityadmin's right to give; or the permission WITH GRANT OPTION. */
static bool may_grant(Session *s, const Database *d, const Securable *on, uint32_t bits) {
    if (session_is_member(s, d, STR_LIT("db_securityadmin")) || session_is_member(s, d, STR_LIT("db_owner")))
        return true;
    uint32_t own = on->table ? authority_of(s, d, on->table) : authority_of(s, d, NULL);
    if (on->scope == GRANT_ON_SCHEMA) own = authority_on_schema(s, d, database_schema_by_id(d, on->id));
    if (own & PERMISSION_CONTROL) return true;
    const Principal *p = authority_user(s, d);
    uint32_t may = 0;
    for (size_t i = 0; p && i < d->grant_count; i++)
        if (d->grants[i].principal_id == p->id && d->grants[i].scope == on->scope &&
            d->grants[i].id == on->id)
            may |= d->grants[i].with_option;
    return (may & bits) == bits;
}

static bool check_grantee(Session *s, const Database *d, Str name, const Principal **ret, SqlError *e) {
    *ret = database_principal(d, name);
    if (!*ret) return not_found("user", name, e);
    const Principal *own = authority_user(s, d);
    bool is_special = (*ret)->id == CATALOG_PRINCIPAL_DBO || (*ret)->id == CATALOG_PRINCIPAL_SYS ||
                      (own && own->id == (*ret)->id && own->kind == CATALOG_USER);
    if (is_special)
        return sql_error_set(e, 4624, 16, 1,
                             "Cannot grant, deny, or revoke permissions to sa, dbo, entity owner, "
                             "information_schema, sys, or yourself.");
    bool is_fixed_role =
        (*ret)->is_fixed && (*ret)->kind == CATALOG_ROLE && (*ret)->id != CATALOG_PRINCIPAL_PUBLIC;
    return !is_fixed_role ||
           sql_error_set(e, 4617, 16, 1,
                         "Cannot grant, deny or revoke permissions to or from special roles.");
}

static bool check_permissions(const AstGrant *a, const Securable *on, uint32_t bits, SqlError *e) {
    bool is_of_object = on->scope != GRANT_ON_DATABASE;
    uint32_t wrong = is_of_object ? bits & ~(uint32_t)PERMISSION_OF_OBJECTS : 0;
    if (a->column_count) wrong |= bits & ~(uint32_t)PERMISSION_OF_COLUMNS;
    bool is_procedure = on->table && on->table->kind == TABLE_PROCEDURE;
    if (on->table && !is_procedure) wrong |= bits & PERMISSION_EXECUTE;
    if (is_procedure)
        wrong |= bits & (PERMISSION_SELECT | PERMISSION_INSERT | PERMISSION_UPDATE | PERMISSION_DELETE |
                         PERMISSION_REFERENCES);
    if (!wrong || on->is_system) return true;
    return sql_error_set(e, 4606, 16, 1, "Granted or revoked privilege %s is not compatible with object.",
                         permission_name_of(wrong & -wrong));
}

static bool apply_columns(Database *now, const AstGrant *a, int32_t principal, const Securable *on,
                          uint32_t bits, SqlError *e) {
    if (!a->column_count) {
        apply_grant(database_add_grant(now, principal, on->scope, on->id, 0), a, bits);
        return true;
    }
    for (size_t i = 0; i < a->column_count; i++) {
        const Column *c = on->table ? table_column(on->table, a->columns[i]) : NULL;
        if (!c)
            return sql_error_set(e, 4615, 16, 1, "Invalid column name '" STR_FMT "'.",
                                 STR_ARG(a->columns[i]));
        apply_grant(database_add_grant(now, principal, on->scope, on->id, c->id), a, bits);
    }
    return true;
}

static bool grant(Session *s, const AstGrant *a, SqlError *e) {
    const Database *d = session_current_database(s);
    uint32_t bits;
    bool is_server;
    Securable on;
    if (!permissions_of(a, &bits, &is_server, e)) return false;
    if (is_server) return grant_on_server(s, a, bits, e);
    if (!securable(s, a, d, &on, e) || !check_permissions(a, &on, bits, e)) return false;
    if (!may_grant(s, d, &on, bits)) {
        if (on.scope == GRANT_ON_DATABASE)
            return sql_error_set(e, 4613, 16, 1, "Grantor does not have GRANT permission.");
        return not_found(on.scope == GRANT_ON_SCHEMA ? "schema" : "object", a->securable.name, e);
    }
    Database *now = database_copy(d);
    for (size_t i = 0; i < a->principal_count; i++) {
        const Principal *p;
        if (!check_grantee(s, now, a->principals[i], &p, e) ||
            (!on.is_system && !apply_columns(now, a, p->id, &on, bits, e))) {
            (void)database_free(now);
            return false;
        }
    }
    if (!on.is_system) return session_publish_database(s, now, e);
    (void)database_free(now);
    return true;
}

/* ---- EXECUTE AS */

static bool execute_as(Session *s, const AstStmt *st, SqlError *e) {
    static const Type name_type = {.id = TYPE_NVARCHAR, .length = 128};
    Value name;
    if (!st->u.execute_as.name) return true;
    if (!plan_scalar(s, st->u.execute_as.name, &name_type, &s->scratch, &name, NULL, e)) return false;
    return authority_impersonate(s, st->u.execute_as.is_login, name.kind == VALUE_TEXT ? name.v.s : (Str){0},
                                 e);
}

bool security_statement(Session *s, const AstStmt *st, SqlError *e) {
    const AstPrincipal *p = &st->u.principal;
    switch (st->kind) {
    case STMT_CREATE_PRINCIPAL:
        if (p->kind == PRINCIPAL_SERVER_ROLE)
            return sql_error_set(e, 40517, 16, 1, "CREATE SERVER ROLE isn't supported by this server.");
        if (p->kind == PRINCIPAL_LOGIN) return create_login(s, p, e);
        return p->kind == PRINCIPAL_USER ? create_user(s, session_current_database(s), p, e)
                                         : create_role(s, session_current_database(s), p, e);
    case STMT_ALTER_PRINCIPAL:
        return p->kind == PRINCIPAL_LOGIN ? alter_login(s, p, e) : alter_principal(s, p, e);
    case STMT_DROP_PRINCIPAL:
        return drop_principal(s, st->u.drop_principal.kind, st->u.drop_principal.name,
                              st->u.drop_principal.if_exists, e);
    case STMT_ROLE_MEMBER: return role_member(s, &st->u.role_member, e);
    case STMT_EXECUTE_AS: return execute_as(s, st, e);
    case STMT_REVERT: /* of its own text's */
        if (s->acting != s->scope->acting) authority_revert(s);
        return true;
    case STMT_AUTHORIZATION: return authorization(s, st, e);
    default: return grant(s, &st->u.grant, e);
    }
}
