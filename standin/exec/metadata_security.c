/* USER_NAME(), IS_MEMBER(), HAS_PERMS_BY_NAME() and the other functions over principals and permissions. */
#include <string.h>

#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/metadata_internal.h"

static Str str_of(const Value *args, size_t count, size_t i) {
    return i < count && args[i].kind == VALUE_TEXT ? args[i].v.s : (Str){0};
}

static Value principal_id(Session *s, const Value *args, size_t count) {
    const Database *d = session_current_database(s);
    Str name = has(args, count, 0) ? str_of(args, count, 0) : session_user_name(s);
    const Principal *p = d ? database_principal(d, name) : NULL;
    return p ? VALUE_OF_INT(p->id) : none;
}

static Value user_name(Session *s, const Value *args, size_t count, Arena *a) {
    if (!has(args, count, 0)) return VALUE_OF_TEXT(arena_str(a, session_user_name(s)));
    const Database *d = session_current_database(s);
    const Principal *p = d ? database_principal_by_id(d, (int32_t)args[0].v.i) : NULL;
    return p ? text(a, p->name) : none;
}

/* ---- logins: by name, by id, by sid */

static Value sid_of(Arena *a, const char *login) {
    uint8_t room[PERMISSION_SID_BYTES];
    return VALUE_OF_BLOB(arena_str(a, permission_sid(login, room)));
}

static Value suser_sid(Session *s, const Value *args, size_t count, Arena *a) {
    if (!count) return sid_of(a, s->login);
    Str name = str_of(args, count, 0);
    const Login *l = catalog_login(session_catalog(s), name);
    if (!l && !str_eq_icase(name, STR_LIT("sa"))) return none;
    return sid_of(a, l ? l->name : "sa");
}

static Value suser_sname(Session *s, const Value *args, size_t count, Arena *a) {
    uint8_t room[PERMISSION_SID_BYTES];
    if (!has(args, count, 0) || args[0].kind != VALUE_BLOB) return none;
    if (str_eq(args[0].v.s, permission_sid("sa", room))) return text(a, "sa");
    size_t at = 0;
    for (const Login *l; (l = catalog_next_login(session_catalog(s), &at));)
        if (str_eq(args[0].v.s, permission_sid(l->name, room))) return text(a, l->name);
    return none;
}

static Value suser_id(Session *s, const Value *args, size_t count) {
    Str name = count ? str_of(args, count, 0) : str_from(s->login);
    const Login *l = catalog_login(session_catalog(s), name);
    const PermissionRole *role = permission_role(name);
    if (str_eq_icase(name, STR_LIT("sa"))) return VALUE_OF_INT(1);
    return l ? VALUE_OF_INT(l->id) : role ? VALUE_OF_INT(role->id) : none;
}

/* ---- membership */

static Value is_srvrolemember(Session *s, const Value *args, size_t count) {
    Str role = str_of(args, count, 0), login = str_of(args, count, 1);
    bool exists;
    if (!permission_role(role) && !str_eq_icase(role, STR_LIT("public"))) return none;
    bool is_member = authority_has_server_role(s, role, has(args, count, 1) ? &login : NULL, &exists);
    return exists ? flag(is_member) : none;
}

static bool is_in(const Database *d, const Principal *p, const Principal *role, int depth) {
    if (p->id == role->id || role->id == CATALOG_PRINCIPAL_PUBLIC) return true;
    for (size_t i = 0; i < p->member_of_count && depth < 16; i++) {
        const Principal *r = database_principal_by_id(d, p->member_of[i]);
        if (r && is_in(d, r, role, depth + 1)) return true;
    }
    return false;
}

static Value is_member(Session *s, const Value *args, size_t count) {
    const Database *d = session_current_database(s);
    const Principal *role = d ? database_principal(d, str_of(args, count, 0)) : NULL;
    if (!role) return none;
    if (!has(args, count, 1)) return flag(session_is_member(s, d, str_of(args, count, 0)));
    const Principal *p = database_principal(d, str_of(args, count, 1));
    return p ? flag(is_in(d, p, role, 0)) : none;
}

/* ---- HAS_PERMS_BY_NAME(securable, class, permission) */

static Value has_server_permission(Session *s, Str name) {
    const PermissionName *p = permission_by_name(name, /* is_of_server= */ true);
    if (str_eq_icase(name, STR_LIT("ANY"))) return flag(true);
    return p ? flag(authority_server_may(s, p->bit)) : none;
}

static bool rights_of(Session *s, Str class_, const Value *args, size_t count, uint32_t *ret) {
    Str name = str_of(args, count, 0);
    AstName parsed;
    SqlError ignored;
    if (str_eq_icase(class_, STR_LIT("DATABASE"))) {
        const Database *d = session_database_named(s, name, &ignored);
        if (d) *ret = authority_of(s, d, NULL);
        return d != NULL;
    }
    const Database *d = session_current_database(s);
    if (str_eq_icase(class_, STR_LIT("SCHEMA"))) {
        const Schema *schema = database_schema(d, name);
        if (schema) *ret = authority_on_schema(s, d, schema);
        return schema != NULL;
    }
    if (!str_eq_icase(class_, STR_LIT("OBJECT")) || !parser_name(name, &s->scratch, &parsed)) return false;
    const Table *t = session_resolve(s, &parsed, &ignored);
    if (!t || !authority_sees(s, t)) return false;
    *ret = authority_of(s, catalog_database_by_id(session_catalog(s), t->database_id), t);
    return true;
}

static Value has_perms(Session *s, const Value *args, size_t count) {
    Str class_ = has(args, count, 1) ? str_of(args, count, 1) : STR_LIT("SERVER"),
        name = str_of(args, count, 2);
    if (!has(args, count, 2)) return none;
    if (str_eq_icase(class_, STR_LIT("SERVER"))) return has_server_permission(s, name);
    const PermissionName *p = permission_by_name(name, /* is_of_server= */ false);
    bool is_any = str_eq_icase(name, STR_LIT("ANY"));
    uint32_t rights;
    if ((!p && !is_any) || !rights_of(s, class_, args, count, &rights)) return none;
    return flag(is_any ? rights != 0 : (rights & p->bit) != 0);
}

static Value has_dbaccess(Session *s, const Value *args, size_t count) {
    const Database *d =
        has(args, count, 0) ? catalog_database(session_catalog(s), str_of(args, count, 0)) : NULL;
    return d ? flag(authority_may_enter(s, d)) : none;
}

Value metadata_security(Session *s, BindMetadata what, const Value *args, size_t count, Arena *a) {
    switch (what) {
    case METADATA_DATABASE_PRINCIPAL_ID: return principal_id(s, args, count);
    case METADATA_USER_NAME: return user_name(s, args, count, a);
    case METADATA_SUSER_SNAME: return suser_sname(s, args, count, a);
    case METADATA_SUSER_SID: return suser_sid(s, args, count, a);
    case METADATA_SUSER_ID: return suser_id(s, args, count);
    case METADATA_IS_SRVROLEMEMBER: return is_srvrolemember(s, args, count);
    case METADATA_IS_MEMBER:
    case METADATA_IS_ROLEMEMBER: return is_member(s, args, count);
    case METADATA_HAS_PERMS_BY_NAME: return has_perms(s, args, count);
    default: return has_dbaccess(s, args, count);
    }
}
