/* OBJECT_ID() and the other functions over the catalog. Absent things give NULL, as they do in SQL Server. */
#include <string.h>

#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/metadata_internal.h"
#include "standin/exec/module.h"
#include "standin/exec/property.h"
#include "standin/types/collation.h"
#include "standin/types/decimal.h"
#include "standin/types/variant.h"

static Str str_of(const Value *v) {
    return v->kind == VALUE_TEXT ? v->v.s : (Str){0};
}

static const Table *table_named(Session *s, const Value *v) {
    AstName name;
    SqlError ignored = {0};
    if (v->kind != VALUE_TEXT || !parser_name(v->v.s, &s->scratch, &name)) return NULL;
    if (name.name.n && name.name.p[0] == '#' && str_eq_icase(name.database, STR_LIT("tempdb")))
        name.database = name.schema = (Str){0};
    return session_resolve(s, &name, &ignored);
}

static const Table *table_of(Session *s, const Value *v) {
    return v->kind == VALUE_INT && v->v.i > 0 && v->v.i <= INT32_MAX
               ? catalog_table_by_id(session_catalog(s), (int32_t)v->v.i)
               : NULL;
}

/* What isn't a table: a system view, a function, a procedure. */
static bool name_by_id(Session *s, const Value *args, size_t count, SysName *ret) {
    if (!has(args, count, 0) || args[0].v.i < INT32_MIN || args[0].v.i > INT32_MAX) return false;
    int32_t id = (int32_t)args[0].v.i;
    int64_t database_id = has(args, count, 1) ? args[1].v.i : s->database_id;
    if (database_id <= 0 || database_id > INT32_MAX) return false;
    const Proc *proc = id < 0 ? procregistry_by_id(server_procs(s->server), id) : NULL;
    if (proc) *ret = (SysName){STR_LIT("sys"), str_from(proc->name), "P ", true};
    return proc || sysregistry_name(server_sys(s->server), s, (int32_t)database_id, id, &s->scratch, ret);
}

/* ---- names and ids of objects */

/* Constraints have object ids of their own. */
static int32_t constraint_named(Session *s, const AstName *name) {
    SqlError ignored;
    const Database *d = session_database_named(s, name->database, &ignored);
    int32_t at = 0;
    for (const Table *t; d && (t = catalog_next_table(session_catalog(s), d->id, &at));) {
        for (size_t i = 0; i < t->index_count; i++)
            if (t->indexes[i].object_id && str_eq_icase(str_from(t->indexes[i].name), name->name))
                return t->indexes[i].object_id;
        for (size_t i = 0; i < t->foreign_key_count; i++)
            if (str_eq_icase(str_from(t->foreign_keys[i].name), name->name))
                return t->foreign_keys[i].object_id;
        for (size_t i = 0; i < t->check_count; i++)
            if (str_eq_icase(str_from(t->checks[i].name), name->name)) return t->checks[i].object_id;
        for (size_t i = 0; i < t->column_count; i++)
            if (t->columns[i].default_name && str_eq_icase(str_from(t->columns[i].default_name), name->name))
                return t->columns[i].default_object_id;
    }
    return 0;
}

static Value object_id(Session *s, const Value *args, size_t count) {
    AstName name;
    if (!has(args, count, 0) || !parser_name(str_of(&args[0]), &s->scratch, &name)) return none;
    Str type = has(args, count, 1) ? str_trim(str_of(&args[1])) : (Str){0};
    const Table *t = table_named(s, &args[0]);
    SqlError absent;
    if (!t) t = module_procedure(s, &name, &absent);
    if (t && !authority_sees(s, t)) return none;
    Str own = t && t->kind == TABLE_VIEW        ? STR_LIT("V")
              : t && t->kind == TABLE_PROCEDURE ? STR_LIT("P")
                                                : STR_LIT("U");
    if (t) return !type.n || str_eq_icase(type, own) ? VALUE_OF_INT(t->object_id) : none;
    SqlError ignored;
    const Database *d = session_database_named(s, name.database, &ignored);
    Str schema = name.schema.n ? name.schema : STR_LIT("dbo");
    for (int is_function = 0; d && is_function < 2; is_function++) {
        const SysTable *sys =
            sysregistry_table(server_sys(s->server), s, d->id, schema, name.name, is_function, &s->scratch);
        if (sys) return VALUE_OF_INT(sys->object_id ? sys->object_id : -1);
    }
    const SysFunction *f = sysregistry_function(server_sys(s->server), schema, name.name);
    if (f) return VALUE_OF_INT(sysregistry_function_id(server_sys(s->server), f));
    const Proc *proc = procregistry_find(server_procs(s->server), name.name);
    if (proc) return VALUE_OF_INT(procregistry_object_id(server_procs(s->server), proc));
    int32_t id = constraint_named(s, &name);
    return id ? VALUE_OF_INT(id) : none;
}

static const Table *table_by_id_in(Session *s, const Value *args, size_t count) {
    const Table *t = has(args, count, 0) ? table_of(s, &args[0]) : NULL;
    int64_t wanted = has(args, count, 1) ? args[1].v.i : s->database_id;
    return t && t->database_id == wanted ? t : NULL;
}

static Value object_name(Session *s, const Value *args, size_t count, Arena *a) {
    const Table *t = table_by_id_in(s, args, count);
    if (t) return text(a, t->name);
    SysName found;
    return name_by_id(s, args, count, &found) ? VALUE_OF_TEXT(arena_str(a, found.name)) : none;
}

static Value object_schema_name(Session *s, const Value *args, size_t count, Arena *a) {
    const Table *t = table_by_id_in(s, args, count);
    if (t) return text(a, session_schema_name(s, t));
    SysName found;
    return name_by_id(s, args, count, &found) ? VALUE_OF_TEXT(arena_str(a, found.schema)) : none;
}

static Value object_definition(Session *s, const Value *args, size_t count, Arena *a) {
    if (!has(args, count, 0)) return none;
    int32_t at = 0;
    for (const Table *t; (t = catalog_next_table(session_catalog(s), s->database_id, &at));) {
        if (t->object_id == args[0].v.i && t->view_sql) return text(a, t->view_sql);
        for (size_t i = 0; i < t->check_count; i++)
            if (t->checks[i].object_id == args[0].v.i) return text(a, t->checks[i].sql);
        for (size_t i = 0; i < t->column_count; i++)
            if (t->columns[i].default_object_id == args[0].v.i) return text(a, t->columns[i].default_sql);
    }
    return none;
}

/* ---- databases, schemas, principals */

static Value db_id(Session *s, const Value *args, size_t count) {
    if (!count) return VALUE_OF_INT(s->database_id);
    const Database *d = has(args, count, 0) ? catalog_database(session_catalog(s), str_of(&args[0])) : NULL;
    return d ? VALUE_OF_INT(d->id) : none;
}

static Value db_name(Session *s, const Value *args, size_t count, Arena *a) {
    int64_t id = has(args, count, 0) ? args[0].v.i : s->database_id;
    const Database *d =
        id > 0 && id < INT32_MAX ? catalog_database_by_id(session_catalog(s), (int32_t)id) : NULL;
    return d ? text(a, d->name) : none;
}

static Value schema_id(Session *s, const Value *args, size_t count) {
    const Database *d = session_current_database(s);
    const Schema *schema =
        d ? database_schema(d, has(args, count, 0) ? str_of(&args[0]) : authority_default_schema(s, d))
          : NULL;
    return schema ? VALUE_OF_INT(schema->id) : none;
}

static Value schema_name(Session *s, const Value *args, size_t count, Arena *a) {
    const Database *d = session_current_database(s);
    int64_t id = has(args, count, 0) ? args[0].v.i : CATALOG_SCHEMA_DBO;
    const Schema *schema = d ? database_schema_by_id(d, (int32_t)id) : NULL;
    return schema ? text(a, schema->name) : none;
}

/* ---- columns */

static Value col_length(Session *s, const Value *args, size_t count) {
    const Table *t = has(args, count, 0) ? table_named(s, &args[0]) : NULL;
    const Column *c = t && has(args, count, 1) ? table_column(t, str_of(&args[1])) : NULL;
    return c ? VALUE_OF_INT(type_max_length_bytes(&c->type)) : none;
}

static Value col_name(Session *s, const Value *args, size_t count, Arena *a) {
    const Table *t = has(args, count, 0) ? table_of(s, &args[0]) : NULL;
    const Column *c = t && has(args, count, 1) ? table_column_by_id(t, (int32_t)args[1].v.i) : NULL;
    return c ? text(a, c->name) : none;
}

static Value column_property(Session *s, const Value *args, size_t count) {
    const Table *t = has(args, count, 0) ? table_of(s, &args[0]) : NULL;
    const Column *c = t && has(args, count, 1) ? table_column(t, str_of(&args[1])) : NULL;
    if (!c || !has(args, count, 2)) return none;
    Str p = str_of(&args[2]);
    if (str_eq_icase(p, STR_LIT("IsIdentity"))) return flag(c->is_identity);
    if (str_eq_icase(p, STR_LIT("IsComputed"))) return flag(c->is_computed);
    if (str_eq_icase(p, STR_LIT("AllowsNull"))) return flag(c->is_nullable);
    if (str_eq_icase(p, STR_LIT("ColumnId"))) return VALUE_OF_INT(c->id);
    if (str_eq_icase(p, STR_LIT("IsRowGuidCol"))) return flag(c->is_rowguid);
    if (str_eq_icase(p, STR_LIT("IsSparse"))) return flag(c->is_sparse);
    if (str_eq_icase(p, STR_LIT("IsHidden")) || str_eq_icase(p, STR_LIT("IsSparse")) ||
        str_eq_icase(p, STR_LIT("IsColumnSet")) || str_eq_icase(p, STR_LIT("IsFulltextIndexed")))
        return flag(false);
    if (str_eq_icase(p, STR_LIT("Precision"))) return VALUE_OF_INT(c->type.precision);
    if (str_eq_icase(p, STR_LIT("Scale"))) return VALUE_OF_INT(c->type.scale);
    if (str_eq_icase(p, STR_LIT("CharMaxLen")))
        return type_is_text(c->type.id) ? VALUE_OF_INT(c->type.length) : none;
    return none;
}

/* Of what isn't a table. */
static Value other_property(const SysName *o, Str p) {
    static const struct {
        const char *property, *type;
    } types[] = {
        {"IsView", "V "},           {"IsProcedure", "P "},     {"IsTrigger", "TR"},
        {"IsScalarFunction", "FN"}, {"IsTableFunction", "IF"}, {"IsInlineFunction", "IF"},
    };
    if (str_eq_icase(p, STR_LIT("IsMSShipped"))) return flag(o->is_ms_shipped);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq_icase(p, str_from(types[i].property))) return flag(strcmp(o->type, types[i].type) == 0);
    return flag(false);
}

static Value object_property(Session *s, const Value *args, size_t count) {
    const Table *t = has(args, count, 0) ? table_of(s, &args[0]) : NULL;
    if (!has(args, count, 1)) return none;
    Str p = str_of(&args[1]);
    if (!t) {
        SysName o;
        return name_by_id(s, args, 1, &o) ? other_property(&o, p) : none;
    }
    bool is_view = t->kind == TABLE_VIEW, is_procedure = t->kind == TABLE_PROCEDURE;
    if (str_eq_icase(p, STR_LIT("IsTable")) || str_eq_icase(p, STR_LIT("IsUserTable")))
        return flag(!is_view && !is_procedure);
    if (str_eq_icase(p, STR_LIT("IsView"))) return flag(is_view);
    if (str_eq_icase(p, STR_LIT("IsProcedure"))) return flag(is_procedure);
    if (str_eq_icase(p, STR_LIT("IsMSShipped"))) return flag(t->is_ms_shipped);
    if (str_eq_icase(p, STR_LIT("TableHasPrimaryKey"))) return flag(table_primary_key(t) != NULL);
    if (str_eq_icase(p, STR_LIT("TableHasIdentity"))) return flag(table_identity(t) != NULL);
    if (str_eq_icase(p, STR_LIT("TableHasForeignKey"))) return flag(t->foreign_key_count > 0);
    if (str_eq_icase(p, STR_LIT("TableHasClustIndex"))) {
        for (size_t i = 0; i < t->index_count; i++)
            if (t->indexes[i].is_clustered) return flag(true);
        return flag(false);
    }
    if (str_eq_icase(p, STR_LIT("SchemaId"))) return VALUE_OF_INT(t->schema_id);
    if (str_eq_icase(p, STR_LIT("OwnerId"))) return VALUE_OF_INT(CATALOG_PRINCIPAL_DBO);
    return flag(false);
}

static Value index_property(Session *s, const Value *args, size_t count) {
    const Table *t = has(args, count, 0) ? table_of(s, &args[0]) : NULL;
    const Index *x = t && has(args, count, 1) ? table_index(t, str_of(&args[1])) : NULL;
    if (!x || !has(args, count, 2)) return none;
    Str p = str_of(&args[2]);
    if (str_eq_icase(p, STR_LIT("IndexID"))) return VALUE_OF_INT(x->id);
    if (str_eq_icase(p, STR_LIT("IsClustered"))) return flag(x->is_clustered);
    if (str_eq_icase(p, STR_LIT("IsUnique"))) return flag(x->is_unique);
    return flag(false);
}

static Value index_col(Session *s, const Value *args, size_t count, Arena *a) {
    const Table *t = has(args, count, 0) ? table_named(s, &args[0]) : NULL;
    if (!t || !has(args, count, 1) || !has(args, count, 2)) return none;
    for (size_t i = 0; i < t->index_count; i++) {
        const Index *x = &t->indexes[i];
        int64_t key = args[2].v.i;
        if (x->id != args[1].v.i || key < 1 || key > (int64_t)x->key_count) continue;
        const Column *c = table_column_by_id(t, x->columns[key - 1].column_id);
        return c ? text(a, c->name) : none;
    }
    return none;
}

static Value numeric(int64_t v, Arena *a) {
    uint8_t blob[DECIMAL_BLOB_BYTES];
    Value d = decimal_to_value((Decimal){.unscaled = v, .precision = 38}, blob);
    if (d.kind == VALUE_BLOB) d.v.s = arena_str(a, d.v.s);
    return d;
}

static Value ident(Session *s, BindMetadata what, const Value *args, size_t count, Arena *a) {
    const Table *t = has(args, count, 0) ? table_named(s, &args[0]) : NULL;
    const Column *c = t ? table_identity(t) : NULL;
    if (!c) return none;
    if (what == METADATA_IDENT_SEED) return numeric(c->identity_seed, a);
    if (what == METADATA_IDENT_INCR) return numeric(c->identity_step, a);
    return numeric(atomic_load(&t->state->has_identity) ? atomic_load(&t->state->identity) : c->identity_seed,
                   a);
}

/* ---- properties */

static Value database_property(Session *s, const Value *args, size_t count, Arena *a) {
    const Database *d = has(args, count, 0) ? catalog_database(session_catalog(s), str_of(&args[0])) : NULL;
    return d && has(args, count, 1) ? property_database(d, str_of(&args[1]), a) : none;
}

/* OBJECTPROPERTY's answer as a variant, and what only OBJECTPROPERTYEX knows. */
static Value object_property_ex(Session *s, const Value *args, size_t count, Arena *a) {
    const Table *t = has(args, count, 0) ? table_of(s, &args[0]) : NULL;
    if (t && has(args, count, 1) && str_eq_icase(str_of(&args[1]), STR_LIT("BaseType")))
        return variant_pack(&(Type){.id = TYPE_CHAR, .length = 2},
                            VALUE_OF_TEXT(t->kind == TABLE_VIEW        ? STR_LIT("V ")
                                          : t->kind == TABLE_PROCEDURE ? STR_LIT("P ")
                                                                       : STR_LIT("U ")),
                            a);
    return variant_pack(&(Type){.id = TYPE_INT}, object_property(s, args, count), a);
}

enum { USER_TYPE_SYSNAME = 256 };

/* The name of a type, with or without its schema. */
static Value type_id(Session *s, const Value *args, size_t count) {
    AstName name;
    if (!has(args, count, 0) || !parser_name(str_of(&args[0]), &s->scratch, &name)) return none;
    bool is_system = name.schema.n == 0 || str_eq_icase(name.schema, STR_LIT("sys"));
    if (is_system && str_eq_icase(name.name, STR_LIT("sysname"))) return VALUE_OF_INT(USER_TYPE_SYSNAME);
    TypeId id = is_system ? type_by_name(name.name) : TYPE_NULL;
    if (id != TYPE_NULL) return VALUE_OF_INT(id);
    const Database *d = session_current_database(s);
    const Schema *schema =
        name.schema.n ? database_schema(d, name.schema) : database_schema_by_id(d, CATALOG_SCHEMA_DBO);
    const UserType *alias = schema ? database_type(d, schema->id, name.name) : NULL;
    return alias ? VALUE_OF_INT(alias->id) : none;
}

static Value type_name_of(Session *s, const Value *args, size_t count, Arena *a) {
    if (!has(args, count, 0)) return none;
    int id = (int)args[0].v.i;
    if (id == USER_TYPE_SYSNAME) return text(a, "sysname");
    if (type_is_id(id)) return text(a, type_name((TypeId)id));
    const UserType *alias = database_type_by_id(session_current_database(s), id);
    return alias ? text(a, alias->name) : none;
}

static Value of_property(Session *s, BindMetadata what, const Value *args, size_t count, Arena *a) {
    switch (what) {
    case METADATA_SERVERPROPERTY: return has(args, count, 0) ? property_server(s, str_of(&args[0]), a) : none;
    case METADATA_DATABASEPROPERTYEX: return database_property(s, args, count, a);
    case METADATA_CONNECTIONPROPERTY:
        return has(args, count, 0) ? property_connection(str_of(&args[0]), a) : none;
    case METADATA_SESSIONPROPERTY:
        return has(args, count, 0) ? property_session(s, str_of(&args[0]), a) : none;
    case METADATA_COLLATIONPROPERTY:
        return has(args, count, 0) && has(args, count, 1)
                   ? property_collation(str_of(&args[0]), str_of(&args[1]), a)
                   : none;
    case METADATA_OBJECTPROPERTYEX: return object_property_ex(s, args, count, a);
    case METADATA_TYPE_ID: return type_id(s, args, count);
    case METADATA_TYPE_NAME: return type_name_of(s, args, count, a);
    default: return none; /* STATS_DATE: there are no statistics */
    }
}

bool metadata_value(void *data, BindMetadata what, const Value *args, size_t count, Arena *a, Value *ret,
                    SqlError *e) {
    Session *s = data;
    (void)e;
    switch (what) {
    case METADATA_OBJECT_ID: *ret = object_id(s, args, count); break;
    case METADATA_OBJECT_NAME: *ret = object_name(s, args, count, a); break;
    case METADATA_OBJECT_SCHEMA_NAME: *ret = object_schema_name(s, args, count, a); break;
    case METADATA_OBJECT_DEFINITION: *ret = object_definition(s, args, count, a); break;
    case METADATA_DB_ID: *ret = db_id(s, args, count); break;
    case METADATA_DB_NAME: *ret = db_name(s, args, count, a); break;
    case METADATA_SCHEMA_ID: *ret = schema_id(s, args, count); break;
    case METADATA_SCHEMA_NAME: *ret = schema_name(s, args, count, a); break;
    case METADATA_COL_LENGTH: *ret = col_length(s, args, count); break;
    case METADATA_COL_NAME: *ret = col_name(s, args, count, a); break;
    case METADATA_COLUMNPROPERTY: *ret = column_property(s, args, count); break;
    case METADATA_OBJECTPROPERTY: *ret = object_property(s, args, count); break;
    case METADATA_INDEXPROPERTY: *ret = index_property(s, args, count); break;
    case METADATA_INDEX_COL: *ret = index_col(s, args, count, a); break;
    case METADATA_IDENT_CURRENT:
    case METADATA_IDENT_SEED:
    case METADATA_IDENT_INCR: *ret = ident(s, what, args, count, a); break;
    case METADATA_DATABASE_PRINCIPAL_ID:
    case METADATA_USER_NAME:
    case METADATA_SUSER_SNAME:
    case METADATA_SUSER_ID:
    case METADATA_IS_SRVROLEMEMBER:
    case METADATA_IS_MEMBER:
    case METADATA_IS_ROLEMEMBER:
    case METADATA_HAS_PERMS_BY_NAME:
    case METADATA_SUSER_SID:
    case METADATA_HAS_DBACCESS: *ret = metadata_security(s, what, args, count, a); break;
    default: *ret = of_property(s, what, args, count, a); break;
    }
    return true;
}
