/* Scopes and their variables. */
#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/session_internal.h"

Scope *scope_push(Session *s, Str procedure) {
    Scope *scope = x_calloc(1, sizeof *scope);
    scope->outer = s->scope;
    scope->variables = strmap_new(/* ignore_case= */ true);
    scope->procedure = procedure;
    scope->outer_tries = s->try_depth;
    scope->acting = s->scope ? s->acting : NULL;
    s->scope = scope;
    s->nesting++;
    return scope;
}

void scope_pop(Session *s) {
    Scope *scope = s->scope;
    size_t at = 0;
    Str name;
    void *value;
    while (strmap_next(scope->variables, &at, &name, &value)) {
        Variable *v = value;
        if (v->table) ddl_drop_temp(s, v->table);
        buf_done(&v->bytes);
        free(v);
    }
    scope->variables = strmap_free(scope->variables);
    s->scope = scope->outer;
    s->nesting--;
    free(scope);
}

Variable *scope_declare(Session *s, Str name, const Type *type, SqlError *e) {
    if (strmap_get(s->scope->variables, name)) {
        (void)sql_error_set(e, 134, 15, 2,
                            "The variable name '" STR_FMT
                            "' has already been declared. Variable names must be unique "
                            "within a query batch or stored procedure.",
                            STR_ARG(name));
        return NULL;
    }
    Variable *v = x_calloc(1, sizeof *v);
    v->type = *type;
    if (type_is_text(type->id) && !type->collation)
        v->type.collation = session_current_database(s)->collation;
    (void)strmap_set(s->scope->variables, name, v);
    return v;
}

Variable *scope_find(Session *s, Str name) {
    return s->scope ? strmap_get(s->scope->variables, name) : NULL;
}

void variable_set(Variable *v, Value value) {
    if (value.kind == VALUE_TEXT || value.kind == VALUE_BLOB) {
        CLEANUP(buf_done) Buf old = v->bytes; /* the new value may be borrowed from the old one */
        v->bytes = (Buf){0};
        buf_str(&v->bytes, value.v.s);
        value.v.s = buf_view(&v->bytes);
    }
    v->value = value;
}
