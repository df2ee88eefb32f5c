#include "transform/smt.h"

#include <assert.h>

void *smt_plan(Smt *s, const ConnectSchema *in, Err *e) {
    void *plan = schema_cache_find(&s->cache, in, 0);
    if (plan) return plan;
    plan = s->class_->plan(s, in, e);
    return plan ? schema_cache_add(&s->cache, in, 0, plan) : NULL;
}

bool smt_need_struct(const ConnectSchema *schema, const Value *value, Err *e) {
    if (value_is_null(value)) return err_set(e, ERR_DATA, false, "a struct is needed, and this is null");
    if (!schema) return err_set(e, ERR_DATA, false, "a struct is needed, and this has no schema");
    if (schema->type == CONNECT_STRUCT) return true;
    return err_set(e, ERR_DATA, false, "a struct is needed, and this is %s", connect_type_name(schema->type));
}

bool smt_direct_nothing(const Smt *s, SmtDirect *ret, Err *e) {
    (void)s;
    (void)e;
    *ret = (SmtDirect){0};
    return true;
}

bool smt_direct_routes(const Smt *s, SmtDirect *ret, Err *e) {
    (void)s;
    (void)e;
    *ret = (SmtDirect){.routes = true};
    return true;
}

const ConnectSchema *smt_logical(ConnectType type, const char *name, bool is_optional) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    bool ok = connect_schema_new(
        &(ConnectSchema){.type = type, .is_optional = is_optional, .name = str_from(name), .version = 1}, &s,
        &e);
    assert(ok);
    (void)ok;
    return s;
}
