#include "standin/builtin/proc_arg.h"

bool proc_arg_is_null(const ProcCall *call, size_t i) {
    return i >= call->count || call->args[i].value.kind == VALUE_NULL;
}

Str proc_arg_text(const ProcCall *call, size_t i) {
    if (i >= call->count || call->args[i].value.kind != VALUE_TEXT) return (Str){0};
    return call->args[i].value.v.s;
}

int64_t proc_arg_int(const ProcCall *call, size_t i, int64_t otherwise) {
    if (i >= call->count || call->args[i].value.kind != VALUE_INT) return otherwise;
    return call->args[i].value.v.i;
}

SessionParam proc_arg_param(const char *name, const Type *type, Value value) {
    return (SessionParam){.name = str_from(name), .type = *type, .value = value};
}
