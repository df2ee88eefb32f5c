/*
 * The binder's questions about names, answered from the catalog, the session's temporary tables and
 * variables, and the registry of system objects. A system view in T-SQL (SYS_SQL) is bound here as a query of
 * its own, and its SQL put in as the source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/module.h"
#include "standin/exec/session_internal.h"
#include "standin/exec/undeclared.h"
#include "standin/tsql/parser.h"
#include "standin/types/collation.h"

/* What a BindRelation's host_data points to. */
typedef struct HostRelation {
    BindRelation shown;
    const Table *table;
    const SysTable *sys;
    bool is_trusted; /* stands in a system view, not in the user's text: no permission is asked */
} HostRelation;

/* ---- pins */

void session_enter(Session *s) {
    if (s->pin_depth++ == 0) catalog_pin(server_catalog(s->server), &s->pin);
}

void session_leave(Session *s) {
    if (--s->pin_depth == 0) catalog_unpin(server_catalog(s->server), &s->pin);
}

/* ---- the current database */

/* Others read without a lock: the value stands before the count does. */
int32_t session_hold_database(Session *s) {
    int32_t id = s->database_id;
    if (s->held_count < SESSION_MAX_HELD) s->held_databases[s->held_count] = id;
    s->held_count++;
    return id;
}

void session_return_to_database(Session *s, int32_t held) {
    s->database_id = held;
    s->held_count--;
}

/* ---- names */

static const Database *current(Session *s) {
    return catalog_database_by_id(server_catalog(s->server), s->database_id);
}

const Database *session_database_named(Session *s, Str name, SqlError *e) {
    const Database *d = name.n ? catalog_database(server_catalog(s->server), name) : current(s);
    if (!d) {
        (void)sql_error_set(e, 911, 16, 1,
                            "Database '" STR_FMT
                            "' does not exist. Make sure that the name is entered correctly.",
                            STR_ARG(name));
        return NULL;
    }
    if (d->id > CATALOG_MSDB && !s->is_internal && fault_is_unavailable(server_fault(s->server))) {
        (void)sql_error_set(
            e, 983, 14, 1,
            "Unable to access availability database '%s' because the database replica is not "
            "in the PRIMARY or SECONDARY role. Connections to an availability database is "
            "permitted only when the database replica is in the PRIMARY or SECONDARY role. Try "
            "the operation again later.",
            d->name);
        return NULL;
    }
    bool is_open = authority_may_enter(s, d);
    if (is_open) return d;
    (void)sql_error_set(
        e, 916, 14, 2,
        "The server principal \"%s\" is not able to access the database \"%s\" under the current "
        "security context.",
        s->login, d->name);
    return NULL;
}

bool session_may_change(const Session *s, const Database *d, SqlError *e) {
    if (d->id <= CATALOG_MSDB || s->is_internal || !fault_is_read_only(server_fault(s->server))) return true;
    return sql_error_set(e, 3906, 16, 2,
                         "Failed to update database \"%s\" because the database is read-only.", d->name);
}

bool session_resolve_schema(Session *s, const AstName *name, const Database **ret_d,
                            const Schema **ret_schema, SqlError *e) {
    if (name->server.n)
        return sql_error_set(e, 7202, 11, 2, "Could not find server '" STR_FMT "' in sys.servers.",
                             STR_ARG(name->server));
    *ret_d = session_database_named(s, name->database, e);
    if (!*ret_d) return false;
    *ret_schema =
        database_schema(*ret_d, name->schema.n ? name->schema : authority_default_schema(s, *ret_d));
    if (*ret_schema) return true;
    return sql_error_set(e, 2760, 16, 1,
                         "The specified schema name \"" STR_FMT "\" either does not exist or you do not have "
                         "permission to use it.",
                         STR_ARG(name->schema));
}

const Table *session_next_table(Session *s, int32_t database_id, SessionTables *at) {
    const Table *t = NULL;
    do {
        if (!at->temp) t = catalog_next_table(session_catalog(s), database_id, &at->at);
    } while (t && !authority_sees(s, t));
    if (t || database_id != CATALOG_TEMPDB) return t;
    const TempTable *temp = s->temps;
    while (temp && at->temp && temp->table != at->temp) temp = temp->next;
    if (temp && at->temp) temp = temp->next;
    while (temp && temp->table->kind != TABLE_TEMP) temp = temp->next; /* table variables */
    return at->temp = temp ? temp->table : NULL;
}

const Table *session_temp_table(const Session *s, Str name) {
    for (const TempTable *t = s->temps; t; t = t->next)
        if (t->table->kind == TABLE_TEMP && str_eq_icase(str_from(t->table->name), name)) return t->table;
    return NULL;
}

static const Table *named_table(Session *s, const Database *d, const AstName *name);

static bool invalid_object(const AstName *name, SqlError *e) {
    CLEANUP(buf_done) Buf b = {0};
    if (name->database.n) buf_printf(&b, STR_FMT ".", STR_ARG(name->database));
    if (name->schema.n || name->database.n) buf_printf(&b, STR_FMT ".", STR_ARG(name->schema));
    buf_str(&b, name->name);
    (void)sql_error_set(e, 208, 16, 1, "Invalid object name '%s'.", buf_text(&b));
    e->line = name->line;
    return false;
}

const Table *session_resolve(Session *s, const AstName *name, SqlError *e) {
    const Table *t = NULL;
    if (name->name.n && name->name.p[0] == '#') {
        t = session_temp_table(s, name->name);
    } else if (name->name.n && name->name.p[0] == '@') {
        const Variable *v = scope_find(s, name->name);
        t = v ? v->table : NULL;
    } else {
        const Database *d;
        const Schema *schema;
        e->number = 0;
        if (session_resolve_schema(s, name, &d, &schema, e)) t = named_table(s, d, name);
        else if (e->number != 2760) return NULL;
    }
    if (!t) (void)invalid_object(name, e);
    return t;
}

const char *session_schema_name(Session *s, const Table *t) {
    if (t->kind == TABLE_TEMP || t->kind == TABLE_VARIABLE) return "dbo";
    const Database *d = catalog_database_by_id(server_catalog(s->server), t->database_id);
    const Schema *schema = d ? database_schema_by_id(d, t->schema_id) : NULL;
    return schema ? schema->name : "";
}

const Table *session_find_table(Session *s, Str text) {
    AstName name;
    SqlError ignored;
    if (!parser_name(text, &s->scratch, &name)) return NULL;
    const Table *t = session_resolve(s, &name, &ignored);
    return t ? t : module_procedure(s, &name, &ignored);
}

/* ---- relations */

static bool is_generated(const Column *c) {
    return c->is_computed || c->type.id == TYPE_ROWVERSION;
}

BindRelation *host_relation_of(Session *s, const Table *t, Arena *a) {
    HostRelation *r = arena_zalloc(a, sizeof *r);
    BindColumn *columns = ARENA_ARRAY(a, BindColumn, t->column_count);
    for (size_t i = 0; i < t->column_count; i++) {
        const Column *c = &t->columns[i];
        columns[i] = (BindColumn){.name = str_from(c->name),
                                  .column_id = c->id,
                                  .type = c->type,
                                  .is_nullable = c->is_nullable,
                                  .is_identity = c->is_identity,
                                  .is_computed = is_generated(c),
                                  .default_text = str_from(c->default_sql),
                                  .computed_text = str_from(c->computed_sql)};
    }
    const Database *d = catalog_database_by_id(server_catalog(s->server), t->database_id);
    BindRelationKind kind = t->kind == TABLE_VIEW       ? BIND_VIEW
                            : t->kind == TABLE_TEMP     ? BIND_TEMPORARY
                            : t->kind == TABLE_VARIABLE ? BIND_TABLE_VARIABLE
                                                        : BIND_TABLE;
    r->shown = (BindRelation){.kind = kind,
                              .database_id = t->database_id,
                              .object_id = t->object_id,
                              .database = str_from(d ? d->name : "tempdb"),
                              .schema = str_from(session_schema_name(s, t)),
                              .name = str_from(t->name),
                              .columns = columns,
                              .column_count = t->column_count,
                              .host_data = (void *)t};
    r->table = t;
    return &r->shown;
}

static void describe_columns(HostRelation *r, Arena *a) {
    BindColumn *columns = ARENA_ARRAY(a, BindColumn, r->sys->column_count);
    for (size_t i = 0; i < r->sys->column_count; i++) {
        const SysColumn *c = &r->sys->columns[i];
        columns[i] = (BindColumn){
            .name = c->name, .column_id = (int32_t)i + 1, .type = c->type, .is_nullable = c->is_nullable};
    }
    r->shown.columns = columns;
    r->shown.column_count = r->sys->column_count;
}

static void describe_parameters(HostRelation *r, Arena *a) {
    const SysTable *sys = r->sys;
    Type *types = ARENA_ARRAY(a, Type, sys->param_count);
    Str *names = ARENA_ARRAY(a, Str, sys->param_count);
    for (size_t i = 0; i < sys->param_count; i++) {
        types[i] = sys->params[i].type;
        names[i] = str_from(sys->params[i].name);
        if (!sys->params[i].is_optional) r->shown.required_count = i + 1;
    }
    r->shown.parameters = types;
    r->shown.parameter_names = names;
    r->shown.parameter_count = sys->param_count;
}

static const BindRelation *system_relation(Session *s, const AstName *name, const Database *d,
                                           bool is_function, Arena *a) {
    const SysRegistry *registry = server_sys(s->server);
    Str schema = name->schema.n ? name->schema : STR_LIT("dbo");
    const SysTable *sys = sysregistry_table(registry, s, d->id, schema, name->name, is_function, a);
    if (!sys && !name->schema.n) /* sysobjects and its kin */
        sys = sysregistry_table(registry, s, d->id, STR_LIT("sys"), name->name, is_function, a);
    if (!sys) return NULL;
    HostRelation *r = arena_zalloc(a, sizeof *r);
    r->sys = sys;
    r->shown = (BindRelation){.kind = is_function ? BIND_FUNCTION : BIND_VIEW,
                              .database_id = d->id,
                              .object_id = sys->object_id,
                              .database = str_from(d->name),
                              .schema = str_from(sys->schema),
                              .name = str_from(sys->name),
                              .host_data = NULL};
    describe_parameters(r, a);
    if (sys->kind == SYS_SQL) r->shown.sql = str_from(sys->sql);
    else describe_columns(r, a);
    return &r->shown;
}

/* The database that a name is of: its own, the view's that is being bound, or the current one. One that isn't
 * there makes an invalid object name (208), not 911: that is for USE. */
static const Database *database_of(Session *s, int32_t database_id, Str name, SqlError *e) {
    if (!name.n && database_id) return catalog_database_by_id(server_catalog(s->server), database_id);
    const Database *d = session_database_named(s, name, e);
    if (!d && e->number == 911) e->number = 0;
    return d;
}

static const BindRelation *find_local(Session *s, const AstName *name, Arena *a, SqlError *e) {
    const Table *t = session_resolve(s, name, e);
    if (t) return host_relation_of(s, t, a);
    if (name->name.p[0] == '@')
        (void)sql_error_set(e, 1087, 15, 2, "Must declare the table variable \"" STR_FMT "\".",
                            STR_ARG(name->name));
    return NULL;
}

/* By its schema; without one in the user's default schema, then in dbo. */
static const Table *named_table(Session *s, const Database *d, const AstName *name) {
    Str names[] = {name->schema.n ? name->schema : authority_default_schema(s, d), STR_LIT("dbo")};
    const Table *t = NULL;
    for (size_t i = 0; !t && i < (name->schema.n ? 1u : 2u); i++) {
        const Schema *schema = database_schema(d, names[i]);
        t = schema ? catalog_table(server_catalog(s->server), d->id, schema->id, name->name) : NULL;
        if (t && t->kind == TABLE_PROCEDURE) t = NULL;
    }
    return t;
}

static const BindRelation *find_relation(void *data, int32_t database_id, const AstName *name, Arena *a,
                                         SqlError *e) {
    Session *s = data;
    e->number = 0;
    if (name->name.n && (name->name.p[0] == '#' || name->name.p[0] == '@')) return find_local(s, name, a, e);
    if (name->server.n) {
        (void)sql_error_set(e, 7202, 11, 2, "Could not find server '" STR_FMT "' in sys.servers.",
                            STR_ARG(name->server));
        return NULL;
    }
    const Database *d = database_of(s, database_id, name->database, e);
    if (!d) return NULL;
    const Table *t = named_table(s, d, name);
    if (!t) {
        const BindRelation *r = system_relation(s, name, d, /* is_function= */ false, a);
        return !r || database_id || authority_may_view(s, d, r->name, e) ? r : NULL;
    }
    BindRelation *r = host_relation_of(s, t, a);
    ((HostRelation *)r)->is_trusted = database_id != 0;
    if (t->kind != TABLE_VIEW) return r;
    /* its tables are its owner's: only the view itself is asked for */
    bool may = database_id || authority_may_columns(s, t, PERMISSION_SELECT, NULL, e);
    return may && module_query(t, a, &r->sql, e) ? r : NULL;
}

static const BindRelation *find_function(void *data, int32_t database_id, const AstName *name, Arena *a,
                                         SqlError *e) {
    Session *s = data;
    e->number = 0;
    const Database *d = database_of(s, database_id, name->database, e);
    return d ? system_relation(s, name, d, /* is_function= */ true, a) : NULL;
}

bool host_may_use(Session *s, const BindRelation *r, uint32_t permission, const bool *used, SqlError *e) {
    const HostRelation *h = (const HostRelation *)r;
    return !h->table || h->is_trusted || authority_may_columns(s, h->table, permission, used, e);
}

const Table *host_table(const BindRelation *r) {
    return ((const HostRelation *)r)->table;
}

/* ---- sources */

static bool write_source(void *data, const BindRelation *shown, const Str *args, size_t arg_count, Buf *out,
                         SqlError *e) {
    Session *s = data;
    (void)e;
    const HostRelation *r = (const HostRelation *)shown;
    if (r->table) {
        TxnRows rows = TXN_ROWS_COMMITTED;
        for (size_t i = 0; i < s->filter_count; i++)
            if (s->filters[i].object_id == r->table->object_id) rows = s->filters[i].rows;
        txn_source_sql(s->txn, r->table, rows, out);
        return true;
    }
    buf_str(out, systable_sqlite_name(r->sys, &s->binding->arena));
    buf_printf(out, "(%d", shown->database_id);
    for (size_t i = 0; i < arg_count; i++) buf_printf(out, ", " STR_FMT, STR_ARG(args[i]));
    buf_cstr(out, ")");
    return true;
}

/* ---- variables and functions */

static bool find_variable(void *data, Str name, Type *ret) {
    Session *s = data;
    const Variable *v = scope_find(s, name);
    if (!v && s->undeclared) {
        undeclared_meet(s->undeclared, name);
        *ret = (Type){.id = TYPE_NULL};
        return true;
    }
    if (!v || v->table) return false;
    *ret = v->type;
    return true;
}

static void deduce_variable(void *data, Str name, const Type *type) {
    Session *s = data;
    if (s->undeclared) undeclared_deduce(s->undeclared, name, type);
}

static void set_result(sqlite3_context *c, const Value *v) {
    switch (v->kind) {
    case VALUE_NULL: sqlite3_result_null(c); break;
    case VALUE_INT: sqlite3_result_int64(c, v->v.i); break;
    case VALUE_REAL: sqlite3_result_double(c, v->v.d); break;
    case VALUE_TEXT:
        sqlite3_result_text64(c, v->v.s.n ? v->v.s.p : "", v->v.s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case VALUE_BLOB: sqlite3_result_blob64(c, v->v.s.n ? v->v.s.p : "", v->v.s.n, SQLITE_TRANSIENT); break;
    }
}

Value host_argument(sqlite3_value *v) {
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER: return VALUE_OF_INT(sqlite3_value_int64(v));
    case SQLITE_FLOAT: return VALUE_OF_REAL(sqlite3_value_double(v));
    case SQLITE_TEXT: {
        const char *p = (const char *)sqlite3_value_text(v);
        return VALUE_OF_TEXT(((Str){p, (size_t)sqlite3_value_bytes(v)}));
    }
    case SQLITE_BLOB: {
        const char *p = sqlite3_value_blob(v);
        return VALUE_OF_BLOB(((Str){p, (size_t)sqlite3_value_bytes(v)}));
    }
    default: return (Value){.kind = VALUE_NULL};
    }
}

/* standin_variable(name): what the variable holds now. */
void host_variable_function(sqlite3_context *c, int argc, sqlite3_value **argv) {
    Session *s = sqlite3_user_data(c);
    (void)argc;
    Value name = host_argument(argv[0]);
    const Variable *v = scope_find(s, name.v.s);
    if (v) set_result(c, &v->value);
    else sqlite3_result_null(c);
}

/* One scalar function as called in one database: what SQLite calls back with. */
typedef struct HostScalar {
    Session *session;
    const SysFunction *function;
    int32_t database_id;
    Type *types;
    char *sqlite_name;
} HostScalar;

static void call_scalar(sqlite3_context *c, int argc, sqlite3_value **argv) {
    const HostScalar *h = sqlite3_user_data(c);
    Session *s = h->session;
    Value args[SYSOBJ_MAX_ARGS], ret = {.kind = VALUE_NULL};
    for (int i = 0; i < argc && i < SYSOBJ_MAX_ARGS; i++) args[i] = host_argument(argv[i]);
    int32_t database_id = session_hold_database(s);
    CLEANUP(arena_done) Arena a = {0};
    s->database_id = h->database_id;
    bool ok = h->function->call(s, args, (size_t)argc, &a, &ret, &s->function_error);
    session_return_to_database(s, database_id);
    if (ok) {
        set_result(c, &ret);
        return;
    }
    s->has_function_error = true;
    sqlite3_result_error(c, "raised", -1);
}

static void free_scalar(void *p) {
    HostScalar *h = p;
    free(h->types);
    free(h->sqlite_name);
    free(h);
}

/* The SQLite function for f in this database, registered when it is first asked for. */
static const char *register_scalar(Session *s, const SysFunction *f, const Database *d,
                                   const Type **ret_types) {
    CLEANUP_FREE char *name = x_asprintf("sysf_%s_%s_%d", *f->schema ? f->schema : "x", f->name, d->id);
    HostScalar *h = strmap_get(s->scalars, str_from(name));
    if (!h) {
        h = x_calloc(1, sizeof *h);
        *h = (HostScalar){.session = s,
                          .function = f,
                          .database_id = d->id,
                          .types = x_calloc(f->param_count, sizeof(Type)),
                          .sqlite_name = x_strdup(name)};
        for (size_t i = 0; i < f->param_count; i++) h->types[i] = f->params[i].type;
        /* Deterministic ones are evaluated before the first row, and also when there is none. */
        int flags = SQLITE_UTF8 | (f->is_deterministic ? SQLITE_DETERMINISTIC : 0);
        if (sqlite3_create_function_v2(s->db, name, (int)f->param_count, flags, h, call_scalar, NULL, NULL,
                                       free_scalar) != SQLITE_OK)
            return NULL;
        (void)strmap_set(s->scalars, str_from(name), h);
    }
    *ret_types = h->types;
    return h->sqlite_name;
}

static const BindScalar *find_scalar(void *data, int32_t database_id, const AstName *name, Arena *a,
                                     SqlError *e) {
    Session *s = data;
    e->number = 0;
    const SysFunction *f = sysregistry_function(server_sys(s->server), name->schema, name->name);
    const Database *d = f ? database_of(s, database_id, name->database, e) : NULL;
    if (!d) return NULL;
    BindScalar *b = arena_zalloc(a, sizeof *b);
    b->sqlite_name = register_scalar(s, f, d, &b->parameters);
    b->result = f->result;
    b->parameter_count = f->param_count;
    for (size_t i = 0; i < f->param_count; i++)
        if (!f->params[i].is_optional) b->required_count = i + 1;
    return b->sqlite_name ? b : NULL;
}

void host_init(Session *s) {
    s->host = (BindHost){.data = s,
                         .variable = find_variable,
                         .deduce = deduce_variable,
                         .relation = find_relation,
                         .function = find_function,
                         .scalar = find_scalar,
                         .write_source = write_source,
                         .default_collation = COLLATION_DEFAULT,
                         .ansi_nulls = true,
                         .intrinsic = intrinsic_value,
                         .metadata = metadata_value};
    functions_set_host(s->functions, &s->host);
}
