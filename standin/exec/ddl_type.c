/* CREATE TYPE … FROM, DROP TYPE, and the types that declarations name. */
#include "standin/exec/ddl_internal.h"

#include "base/mem.h"
#include "standin/exec/session_internal.h"

/* The type of this name: in its schema, or else in dbo. */
static const UserType *find_type(const Database *d, const AstName *name) {
    if (!d) return NULL;
    if (name->schema.n == 0) return database_type(d, CATALOG_SCHEMA_DBO, name->name);
    const Schema *schema = database_schema(d, name->schema);
    return schema ? database_type(d, schema->id, name->name) : NULL;
}

bool ddltype_resolve(const Database *d, const AstType *t, size_t ordinal, Type *ret,
                     const UserType **ret_alias, SqlError *e) {
    *ret = t->type;
    *ret_alias = NULL;
    if (t->alias.name.n == 0) return true;
    const UserType *alias = find_type(d, &t->alias);
    if (!alias)
        return sql_error_set(
            e, 2715, 16, 6,
            "Column, parameter, or variable #%zu: Cannot find data type " STR_FMT "%s" STR_FMT ".", ordinal,
            STR_ARG(t->alias.schema), t->alias.schema.n ? "." : "", STR_ARG(t->alias.name));
    *ret = alias->base;
    *ret_alias = alias;
    return true;
}

static bool create_type(Session *s, const AstStmt *st, SqlError *e) {
    const Database *d = session_current_database(s);
    const AstName *name = &st->u.create_type.name;
    const Type *base = &st->u.create_type.base.type;
    if (!ddl_may(s, d, NULL, "CREATE TYPE", e)) return false;
    const Schema *schema =
        name->schema.n ? database_schema(d, name->schema) : database_schema_by_id(d, CATALOG_SCHEMA_DBO);
    if (!schema)
        return sql_error_set(e, 2760, 16, 1,
                             "The specified schema name \"" STR_FMT
                             "\" either does not exist or you do not have permission to use it.",
                             STR_ARG(name->schema));
    if (base->id == TYPE_XML || base->id == TYPE_ROWVERSION || type_is_clr(base->id))
        return sql_error_set(e, 15226, 16, 1, "Cannot create alias types from the data type '%s'.",
                             type_name(base->id));
    if (database_type(d, schema->id, name->name))
        return sql_error_set(e, 219, 16, 1,
                             "The type '%s." STR_FMT
                             "' already exists, or you do not have permission to create it.",
                             schema->name, STR_ARG(name->name));
    Database *now = database_copy(d);
    (void)database_add_type(now, schema->id, name->name, base, st->u.create_type.is_nullable);
    return session_publish_database(s, now, e);
}

static const Table *user_of(Session *s, const Database *d, int32_t type_id) {
    int32_t at = 0;
    for (const Table *t; (t = catalog_next_table(session_catalog(s), d->id, &at));)
        for (size_t i = 0; i < t->column_count; i++)
            if (t->columns[i].user_type_id == type_id) return t;
    return NULL;
}

static bool drop_type(Session *s, const AstName *name, bool if_exists, SqlError *e) {
    const Database *d = session_current_database(s);
    const UserType *type = find_type(d, name);
    if (!type && if_exists) return true;
    Str schema = name->schema, dot = name->schema.n ? STR_LIT(".") : (Str){0};
    if (!type)
        return sql_error_set(e, 218, 16, 1,
                             "Could not find the type '" STR_FMT STR_FMT STR_FMT
                             "'. Either it does not exist or you do not have the necessary permission.",
                             STR_ARG(schema), STR_ARG(dot), STR_ARG(name->name));
    if (!ddl_may(s, d, NULL, "DROP TYPE", e)) return false;
    const Table *user = user_of(s, d, type->id);
    if (user)
        return sql_error_set(
            e, 3732, 16, 1,
            "Cannot drop type '" STR_FMT STR_FMT STR_FMT
            "' because it is being referenced by object '%s'. There may be other objects that "
            "reference this type.",
            STR_ARG(schema), STR_ARG(dot), STR_ARG(name->name), user->name);
    Database *now = database_copy(d);
    database_drop_type(now, type->id);
    return session_publish_database(s, now, e);
}

bool ddl_type(Session *s, const AstStmt *st, SqlError *e) {
    if (st->kind == STMT_CREATE_TYPE) return create_type(s, st, e);
    for (size_t i = 0; i < st->u.drop.count; i++)
        if (!drop_type(s, &st->u.drop.names[i], st->u.drop.if_exists, e)) return false;
    return true;
}
