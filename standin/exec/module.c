#include "standin/exec/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/ddl_internal.h"

static const char *kind_of(bool is_procedure) {
    return is_procedure ? "PROCEDURE" : "VIEW";
}

/* The tree of a stored text. */
static bool parse(Str text, Arena *a, const AstModule **ret, SqlError *e) {
    AstBatch batch;
    ParserOptions options = {.quoted_identifier = true};
    if (!parser_batch(text, &options, a, &batch, e)) return false;
    if (!batch.first || batch.first->kind != STMT_CREATE_MODULE)
        return sql_error_set(e, 8624, 16, 1, "Internal Query Processor Error: a module's text is damaged.");
    *ret = &batch.first->u.module;
    return true;
}

bool module_query(const Table *view, Arena *a, Str *ret, SqlError *e) {
    const AstModule *m;
    if (!parse(arena_str(a, str_from(view->view_sql)), a, &m, e)) return false;
    *ret = m->body;
    return true;
}

/* ---- CREATE, ALTER ---- */

static Str column_name(const AstModule *m, const BoundQuery *q, size_t i) {
    return m->column_count ? m->columns[i] : q->columns[i].name;
}

static bool check_columns(const AstModule *m, const BoundQuery *q, SqlError *e) {
    if (m->column_count && m->column_count != q->column_count)
        return sql_error_set(
            e, m->column_count > q->column_count ? 4502 : 4501, 16, 1,
            "View or function '" STR_FMT "' has more column%s than %s.", STR_ARG(m->name.name),
            m->column_count > q->column_count ? " names specified" : "s defined",
            m->column_count > q->column_count ? "columns defined" : "column names specified");
    for (size_t i = 0; i < q->column_count; i++) {
        Str name = column_name(m, q, i);
        if (!name.n)
            return sql_error_set(
                e, 4511, 16, 1,
                "Create View or Function failed because no column name was specified for column %zu.", i + 1);
        for (size_t k = 0; k < i; k++)
            if (str_eq_icase(name, column_name(m, q, k)))
                return sql_error_set(
                    e, 4506, 16, 1,
                    "Column names in each view or function must be unique. Column name '" STR_FMT
                    "' in view or function '" STR_FMT "' is specified more than once.",
                    STR_ARG(name), STR_ARG(m->name.name));
    }
    return true;
}

static bool check_relations(const BoundQuery *q, SqlError *e) {
    for (size_t i = 0; i < q->ref_count; i++)
        if (q->refs[i].relation->kind == BIND_TEMPORARY)
            return sql_error_set(
                e, 4508, 16, 1,
                "Views or functions are not allowed on temporary tables. Table names that begin "
                "with '#' denote temporary tables.");
    return true;
}

/* The columns come from binding the query, with none of the session's variables. */
static bool view_columns(Session *s, const AstModule *m, Table *t, SqlError *e) {
    const AstQuery *top = m->select->u.query.query;
    if (top->kind == QUERY_SELECT && top->order_count && !top->u.select.top.count && !top->offset)
        return sql_error_set(e, 1033, 15, 1,
                             "The ORDER BY clause is invalid in views, inline functions, derived tables, "
                             "subqueries, and common "
                             "table expressions, unless TOP, OFFSET or FOR XML is also specified.");
    (void)scope_push(s, (Str){0});
    Plan *p = plan_get(s, NULL, m->select, PLAN_SELECT, /* keep= */ false, e);
    scope_pop(s);
    if (!p) return false;
    const BoundQuery *q = &p->u.query;
    bool ok = check_columns(m, q, e) && check_relations(q, e);
    for (size_t i = 0; ok && i < q->column_count; i++)
        (void)table_add_column(t, column_name(m, q, i), &q->columns[i].type, q->columns[i].is_nullable);
    plan_release(p);
    return ok;
}

static bool missing(const AstModule *m, SqlError *e) {
    return sql_error_set(e, 208, 16, 6, "Invalid object name '" STR_FMT "'.", STR_ARG(m->name.name));
}

static bool check_existing(const AstModule *m, const Table *before, SqlError *e) {
    TableKind kind = m->is_procedure ? TABLE_PROCEDURE : TABLE_VIEW;
    if (m->is_alter) return (before && before->kind == kind) || missing(m, e);
    if (!before) return true;
    if (m->may_replace && before->kind == kind) return true;
    return sql_error_set(e, 2714, 16, m->is_procedure ? 3 : 6,
                         "There is already an object named '" STR_FMT "' in the database.",
                         STR_ARG(m->name.name));
}

static bool create(Session *s, const AstStmt *st, SqlError *e) {
    const AstModule *m = &st->u.module;
    const Database *d;
    const Schema *schema;
    char what[32];
    (void)snprintf(what, sizeof what, "CREATE %s", kind_of(m->is_procedure));
    if (m->name.database.n)
        return sql_error_set(
            e, 166, 15, 1,
            "'CREATE/ALTER %s' does not allow specifying the database name as a prefix to the "
            "object name.",
            kind_of(m->is_procedure));
    if (m->with_encryption)
        return sql_error_set(
            e, 40517, 16, 1,
            "Keyword or statement option 'WITH ENCRYPTION' is not supported in this version of "
            "SQL Server.");
    if (!session_resolve_schema(s, &m->name, &d, &schema, e)) return false;
    const Table *before = catalog_table(session_catalog(s), d->id, schema->id, m->name.name);
    if (!check_existing(m, before, e)) return false;
    if (before ? !ddl_may(s, d, before, "ALTER", e) : !ddl_may_create(s, d, schema, what, e)) return false;
    int32_t id = before ? before->object_id : catalog_new_object_id(session_catalog(s));
    Table *t = table_new(id, d->id, schema->id, m->name.name);
    t->kind = m->is_procedure ? TABLE_PROCEDURE : TABLE_VIEW;
    t->view_sql = str_dup(st->text);
    if (before) t->create_us = before->create_us;
    if (!m->is_procedure && !view_columns(s, m, t, e)) {
        (void)table_free(t);
        return false;
    }
    return before ? session_publish_table(s, t, e) : session_create_table(s, t, e);
}

static bool drop(Session *s, const AstDropObjects *drop, const AstName *name, SqlError *e) {
    bool is_procedure = strcmp(drop->kind, "procedure") == 0;
    const Database *d;
    const Schema *schema;
    SqlError ignored = {0};
    const Table *t = session_resolve_schema(s, name, &d, &schema, &ignored)
                         ? catalog_table(session_catalog(s), d->id, schema->id, name->name)
                         : NULL;
    if (t && t->kind != (is_procedure ? TABLE_PROCEDURE : TABLE_VIEW)) {
        if (t->kind == TABLE_USER && !is_procedure)
            return sql_error_set(e, 3705, 16, 1,
                                 "Cannot use DROP VIEW with '" STR_FMT "' because '" STR_FMT
                                 "' is a table. Use DROP TABLE.",
                                 STR_ARG(name->name), STR_ARG(name->name));
        t = NULL;
    }
    if (!t && drop->if_exists) return true;
    if (!t || !(authority_of(s, d, t) & PERMISSION_ALTER))
        return sql_error_set(
            e, 3701, 11, 5,
            "Cannot drop the %s '%s" STR_FMT "', because it does not exist or you do not have permission.",
            drop->kind, name->schema.n ? arena_printf(&s->scratch, STR_FMT ".", STR_ARG(name->schema)) : "",
            STR_ARG(name->name));
    return session_drop_table(s, t->object_id, e);
}

bool module_statement(Session *s, const AstStmt *st, SqlError *e) {
    if (st->kind == STMT_CREATE_MODULE) return create(s, st, e);
    for (size_t i = 0; i < st->u.drop.count; i++)
        if (!drop(s, &st->u.drop, &st->u.drop.names[i], e)) return false;
    return true;
}

/* ---- procedures: calling ---- */

typedef struct Callee {
    const Table *table;
    const ParserParam *params;
    size_t count;
    Str text; /* the body, on the lines it has in its text */
} Callee;

const Table *module_procedure(Session *s, const AstName *name, SqlError *e) {
    const Database *d = session_database_named(s, name->database, e);
    if (!d) return NULL;
    Str schemas[] = {name->schema.n ? name->schema : authority_default_schema(s, d), STR_LIT("dbo")};
    for (size_t i = 0; i < (name->schema.n ? 1u : 2u); i++) {
        const Schema *schema = database_schema(d, schemas[i]);
        const Table *t = schema ? catalog_table(session_catalog(s), d->id, schema->id, name->name) : NULL;
        if (t && t->kind == TABLE_PROCEDURE) return t;
    }
    return NULL;
}

static bool declare_param(Session *s, const ParserParam *p, const ProcArg *arg, SqlError *e) {
    Variable *v = scope_declare(s, p->name, &p->type.type, e);
    if (!v) return false;
    Value value = arg->value;
    if (arg->is_default) {
        value = (Value){.kind = VALUE_NULL};
        if (p->initial && !plan_scalar(s, p->initial, &v->type, &s->scratch, &value, NULL, e)) return false;
    }
    variable_set(v, value);
    return true;
}

static void take_outputs(Session *s, const Callee *c, ProcCall *call) {
    for (size_t i = 0; i < c->count; i++) {
        const Variable *v = scope_find(s, c->params[i].name);
        if (!c->params[i].is_output || !v) continue;
        call->outputs[i].type = v->type;
        call->outputs[i].value = v->value;
        if (v->value.kind == VALUE_TEXT || v->value.kind == VALUE_BLOB)
            call->outputs[i].value.v.s = arena_str(call->arena, v->value.v.s);
    }
}

/* Temporary tables that it made go with it. */
static void drop_own_temps(Session *s, uint64_t before) {
    while (s->temps && s->temps->born > before) ddl_drop_temp(s, s->temps->table);
}

static void run_body(Session *s, Batch *b, const Callee *c, ProcCall *call) {
    Identity *acting = s->acting;
    uint64_t temps = s->temp_version;
    Options options = s->options;
    int count = txn_count(s->txn);
    Flow f = runner_check_count(s, count, runner_batch(s, b));
    take_outputs(s, c, call);
    call->ret_status = s->scope->return_status;
    s->nested_flow = f == FLOW_RETURN || f == FLOW_ABORT_SCOPE ? FLOW_NEXT : f;
    s->options = options; /* SET within a procedure ends with it */
    authority_revert_to(s, acting);
    drop_own_temps(s, temps);
}

static bool may_execute(Session *s, const Table *t, SqlError *e) {
    const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
    if (s->scope->is_chained || (d && authority_of(s, d, t) & PERMISSION_EXECUTE)) return true;
    return sql_error_set(e, 229, 14, 5,
                         "The EXECUTE permission was denied on the object '%s', database '%s', schema '%s'.",
                         t->name, d ? d->name : "", session_schema_name(s, t));
}

static bool call_procedure(Session *s, ProcCall *call, SqlError *e) {
    const Callee *c = call->proc->data;
    Batch *b = may_execute(s, c->table, e) ? batch_get(s, c->text, (Str){0}, e) : NULL;
    if (!b) return false;
    (void)scope_push(s, str_from(call->proc->name));
    s->scope->is_chained = true;
    int32_t database_id = session_hold_database(s);
    s->database_id = c->table->database_id;
    bool ok = true;
    for (size_t i = 0; ok && i < c->count; i++) ok = declare_param(s, &c->params[i], &call->args[i], e);
    if (ok) run_body(s, b, c, call);
    session_return_to_database(s, database_id);
    scope_pop(s);
    batch_release(s, b);
    return ok;
}

const Proc *module_proc(Session *s, const Table *procedure, Arena *a, SqlError *e) {
    const AstModule *m;
    ParserOptions options = {.quoted_identifier = true};
    Callee *c = arena_zalloc(a, sizeof *c);
    ParserParam *params = NULL;
    (void)s;
    if (!parse(arena_str(a, str_from(procedure->view_sql)), a, &m, e) ||
        !parser_parameters(m->parameters, &options, a, &params, &c->count, e))
        return NULL;
    if (c->count > PROC_MAX_PARAMS) {
        (void)sql_error_set(e, 180, 15, 1,
                            "There are too many parameters in this CREATE PROCEDURE statement. The "
                            "maximum number is %d here.",
                            PROC_MAX_PARAMS);
        return NULL;
    }
    char *text = arena_bytes(a, m->body_line + m->body.n);
    memset(text, '\n', m->body_line - 1);
    memcpy(text + m->body_line - 1, m->body.p, m->body.n);
    c->table = procedure;
    c->params = params;
    c->text = (Str){text, m->body_line - 1 + m->body.n};
    ProcParam *shown = arena_zalloc(a, (c->count + 1) * sizeof *shown);
    for (size_t i = 0; i < c->count; i++)
        shown[i] = (ProcParam){.name = arena_printf(a, STR_FMT, STR_ARG(params[i].name)),
                               .type = params[i].type.type,
                               .is_required = !params[i].initial,
                               .is_output = params[i].is_output};
    Proc *p = arena_zalloc(a, sizeof *p);
    *p = (Proc){.name = arena_printf(a, "%s", procedure->name),
                .params = shown,
                .param_count = c->count,
                .call = call_procedure,
                .data = c};
    return p;
}
