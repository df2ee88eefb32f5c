/* The procedures by which clients run parameterised texts: sp_executesql, sp_prepare and its kin. */
#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/api_cursor.h"
#include "standin/exec/authority.h"
#include "standin/exec/session_internal.h"

#define TEXT_PARAM(n)                                                                                        \
    {                                                                                                        \
        .name = n, .type = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH }                                 \
    }
#define INT_PARAM(n)                                                                                         \
    {                                                                                                        \
        .name = n, .type = {.id = TYPE_INT }                                                                 \
    }

static Str text_of(const ProcArg *a) {
    return a->value.kind == VALUE_TEXT ? a->value.v.s : (Str){0};
}

/* ---- running a text with values for its parameters */

static const ProcArg *value_for(const Batch *b, size_t at, const ProcArg *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i].name.n && str_eq_icase(values[i].name, b->declared[at].name)) return &values[i];
    return at < count && !values[at].name.n ? &values[at] : NULL;
}

static bool set_parameter(Session *s, const ParserParam *p, const ProcArg *arg, SqlError *e) {
    Variable *v = scope_declare(s, p->name, &p->type.type, e);
    if (!v) return false;
    if (!arg || arg->is_default) {
        Value value;
        if (!p->initial)
            return arg || sql_error_set(e, 8178, 16, 1,
                                        "The parameterized query expects the parameter '" STR_FMT
                                        "', which was not supplied.",
                                        STR_ARG(p->name));
        if (!plan_scalar(s, p->initial, &v->type, &s->scratch, &value, NULL, e)) return false;
        variable_set(v, value);
        return true;
    }
    Value value = arg->value;
    if (value.kind != VALUE_NULL) {
        Convert c = {.from = arg->type, .to = v->type, .style = CONVERT_STYLE_DEFAULT};
        ConvertError ce;
        if (convert_rule(arg->type.id, v->type.id) == CONVERT_NEVER)
            return sql_error_set(e, 206, 16, 2, "Operand type clash: %s is incompatible with %s",
                                 type_name(arg->type.id), type_name(v->type.id));
        if (!convert_value(&c, value, &s->scratch, &value, &ce)) return sqlerror_from_convert(e, &ce, 0);
    }
    variable_set(v, value);
    return true;
}

/* Values of output parameters, before their scope goes. */
static void take_outputs(Session *s, const Batch *b, ProcCall *call, size_t first) {
    for (size_t i = 0; i < b->declared_count; i++) {
        const ProcArg *arg = value_for(b, i, call->args + first, call->count - first);
        const Variable *v = scope_find(s, b->declared[i].name);
        if (!arg || !arg->is_output || !v) continue;
        ProcArg *out = &call->outputs[arg - call->args];
        out->type = v->type;
        out->value = v->value;
        if (v->value.kind == VALUE_TEXT || v->value.kind == VALUE_BLOB)
            out->value.v.s = arena_str(call->arena, v->value.v.s);
    }
}

bool procs_run_with_values(Session *s, Batch *b, ProcCall *call, size_t first, SqlError *e) {
    size_t count = call->count - first;
    if (count > b->declared_count)
        return sql_error_set(e, 8144, 16, 2, "Procedure or function has too many arguments specified.");
    (void)scope_push(s, (Str){0});
    bool ok = true;
    for (size_t i = 0; ok && i < b->declared_count; i++)
        ok = set_parameter(s, &b->declared[i], value_for(b, i, call->args + first, count), e);
    if (ok) {
        int32_t database_id = session_hold_database(s);
        Identity *acting = s->acting;
        int transactions = txn_count(s->txn);
        Options options = s->options; /* USE, SET and EXECUTE AS within the text last as long as it */
        Flow f = runner_check_count(s, transactions, runner_batch(s, b));
        session_return_to_database(s, database_id);
        authority_revert_to(s, acting);
        s->options = options;
        take_outputs(s, b, call, first);
        call->ret_status = s->scope->return_status ? s->scope->return_status : s->last_error;
        s->nested_flow = f == FLOW_RETURN || f == FLOW_ABORT_SCOPE ? FLOW_NEXT : f;
    }
    scope_pop(s);
    return ok;
}

static bool sp_executesql(Session *s, ProcCall *call, SqlError *e) {
    Batch *b = batch_get(s, text_of(&call->args[0]), text_of(&call->args[1]), e);
    if (!b) return false;
    bool ok = procs_run_with_values(s, b, call, 2, e);
    batch_release(s, b);
    return ok;
}

/* ---- handles */

static Handle *find_handle(Session *s, const ProcArg *arg, SqlError *e) {
    int64_t number = arg->value.kind == VALUE_INT ? arg->value.v.i : 0;
    for (size_t i = 0; i < s->handle_count; i++)
        if (s->handles[i].number == number) return &s->handles[i];
    (void)sql_error_set(e, 8179, 16, 2, "Could not find prepared statement with handle %d.", (int)number);
    return NULL;
}

/* The batch is moved: the handle holds it from now on. */
static void add_handle(Session *s, Batch *b, ProcArg *out) {
    s->handles = x_reallocarray(s->handles, s->handle_count + 1, sizeof *s->handles);
    s->handles[s->handle_count++] = (Handle){.number = s->next_handle, .batch = b};
    out->value = VALUE_OF_INT(s->next_handle++);
}

static void drop_handle(Session *s, Handle *h) {
    batch_release(s, h->batch);
    *h = s->handles[--s->handle_count];
}

Batch *procs_prepare(Session *s, Str text, Str declaration, ProcArg *ret_handle, SqlError *e) {
    Batch *b = batch_get(s, text, declaration, e);
    if (b) add_handle(s, b, ret_handle);
    return b;
}

Batch *procs_prepared(Session *s, const ProcArg *handle, SqlError *e) {
    const Handle *h = find_handle(s, handle, e);
    return h ? h->batch : NULL;
}

bool procs_unprepare(Session *s, const ProcArg *handle, SqlError *e) {
    Handle *h = find_handle(s, handle, e);
    if (h) drop_handle(s, h);
    return h != NULL;
}

/* Columns of the described text, copied: they are sent after the describing has ended. */
typedef struct Kept {
    Arena *arena;
    OutColumn *columns;
    size_t count;
} Kept;

static bool keep_columns(void *arg, const OutColumn *columns, size_t count) {
    Kept *k = arg;
    k->columns = ARENA_ARRAY(k->arena, OutColumn, count);
    k->count = count;
    for (size_t i = 0; i < count; i++) {
        k->columns[i] = columns[i];
        k->columns[i].name = arena_str(k->arena, columns[i].name);
        k->columns[i].table = arena_str(k->arena, columns[i].table);
    }
    return true;
}

bool procs_send_metadata(Session *s, const Batch *b, ProcCall *call, SqlError *e) {
    Arena arena = {0}; /* the call's is lent to the described statement */
    Kept kept = {.arena = &arena};
    SessionParam *params = ARENA_ARRAY(call->arena, SessionParam, b->declared_count);
    for (size_t i = 0; i < b->declared_count; i++)
        params[i] = (SessionParam){.name = b->declared[i].name, .type = b->declared[i].type.type};
    bool ok = proc_describe(s, s->database_id, (Str){b->text, b->text_size}, params, b->declared_count,
                            keep_columns, &kept, e) &&
              (kept.count == 0 || (proc_columns(s, kept.columns, kept.count) && proc_rows_done(s)));
    arena_done(&arena);
    return ok;
}

static bool sp_prepare(Session *s, ProcCall *call, SqlError *e) {
    enum { RETURN_METADATA = 1 };
    Batch *b = procs_prepare(s, text_of(&call->args[2]), text_of(&call->args[1]), &call->outputs[0], e);
    if (!b) return false;
    const Value *options = &call->args[3].value;
    bool wants = options->kind == VALUE_INT && (options->v.i & RETURN_METADATA);
    return !wants || procs_send_metadata(s, b, call, e);
}

static bool sp_execute(Session *s, ProcCall *call, SqlError *e) {
    const Handle *h = find_handle(s, &call->args[0], e);
    if (!h) return false;
    Batch *b = h->batch;
    b->in_use++;
    bool ok = procs_run_with_values(s, b, call, 1, e);
    batch_release(s, b);
    return ok;
}

static bool sp_prepexec(Session *s, ProcCall *call, SqlError *e) {
    if (call->args[0].value.kind == VALUE_INT && call->args[0].value.v.i)
        (void)procs_unprepare(s, &call->args[0], e); /* it takes the place of the one given */
    Batch *b = procs_prepare(s, text_of(&call->args[2]), text_of(&call->args[1]), &call->outputs[0], e);
    if (!b) return false;
    b->in_use++;
    bool ok = procs_run_with_values(s, b, call, 3, e);
    batch_release(s, b);
    return ok;
}

static bool sp_unprepare(Session *s, ProcCall *call, SqlError *e) {
    return procs_unprepare(s, &call->args[0], e);
}

static bool sp_reset_connection(Session *s, ProcCall *call, SqlError *e) {
    (void)call, (void)e;
    return session_reset(s, /* keep_transaction= */ false);
}

static const ProcParam executesql_params[] = {TEXT_PARAM("@statement"), TEXT_PARAM("@params")};
#define NEW_HANDLE                                                                                           \
    { .name = "@handle", .type = {.id = TYPE_INT}, .is_output = true }
static const ProcParam prepare_params[] = {NEW_HANDLE, TEXT_PARAM("@params"), TEXT_PARAM("@stmt"),
                                           INT_PARAM("@options")};
static const ProcParam prepexec_params[] = {NEW_HANDLE, TEXT_PARAM("@params"), TEXT_PARAM("@stmt")};
static const ProcParam handle_params[] = {INT_PARAM("@handle")};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const Proc procs[] = {
    {.name = "sp_executesql",
     .params = executesql_params,
     .param_count = COUNT(executesql_params),
     .is_variadic = true,
     .call = sp_executesql},
    {.name = "sp_prepare",
     .params = prepare_params,
     .param_count = COUNT(prepare_params),
     .call = sp_prepare},
    {.name = "sp_execute",
     .params = handle_params,
     .param_count = COUNT(handle_params),
     .is_variadic = true,
     .call = sp_execute},
    {.name = "sp_prepexec",
     .params = prepexec_params,
     .param_count = COUNT(prepexec_params),
     .is_variadic = true,
     .call = sp_prepexec},
    {.name = "sp_unprepare",
     .params = handle_params,
     .param_count = COUNT(handle_params),
     .call = sp_unprepare},
    {.name = "sp_reset_connection", .call = sp_reset_connection},
};

void procs_core_add(ProcRegistry *registry) {
    procregistry_add(registry, procs, COUNT(procs));
    api_cursor_add(registry);
}
