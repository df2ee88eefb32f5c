#include "cli/args.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

static int find(const ArgDef *defs, size_t count, Str name) {
    for (size_t i = 0; i < count; i++) {
        if (str_eq_c(name, defs[i].name)) return (int)i;
    }
    return -1;
}

static bool unknown(const ArgDef *defs, size_t count, Str name, Err *e) {
    const char *names[ARGS_MAX_OPTIONS];
    for (size_t i = 0; i < count; i++) names[i] = defs[i].name;
    const char *near = str_nearest(name, names, count);
    if (near)
        return err_set(e, ERR_INVALID, false, "no option '--" STR_FMT "'; did you mean '--%s'?",
                       STR_ARG(name), near);
    return err_set(e, ERR_INVALID, false, "no option '--" STR_FMT "'; --help lists them", STR_ARG(name));
}

static bool parse_option(Args *a, int *at, int argc, const char **argv, Err *e) {
    Str rest = str_from(argv[*at] + 2), name;
    bool has_value = str_find(rest, '=') < rest.n;
    (void)str_split(&rest, '=', &name);
    int i = find(a->defs, a->def_count, name);
    if (i < 0) return unknown(a->defs, a->def_count, name, e);
    const ArgDef *def = &a->defs[i];
    if (a->values[i]) return err_set(e, ERR_INVALID, false, "option '--%s' stands twice", def->name);
    if (!def->value) {
        if (has_value) return err_set(e, ERR_INVALID, false, "option '--%s' takes no value", def->name);
        a->values[i] = "";
        return true;
    }
    if (!has_value && ++*at >= argc)
        return err_set(e, ERR_INVALID, false, "option '--%s' wants a value: --%s=%s", def->name, def->name,
                       def->value);
    a->values[i] = has_value ? rest.p : argv[*at];
    return true;
}

bool args_parse(const ArgDef *defs, size_t def_count, int argc, const char **argv, Args *ret, Err *e) {
    assert(def_count <= ARGS_MAX_OPTIONS);
    Args a = {.defs = defs, .def_count = def_count, .operands = argv};
    bool only_operands = false;
    for (int at = 1; at < argc; at++) {
        const char *arg = argv[at];
        if (!only_operands && strcmp(arg, "--") == 0) only_operands = true;
        else if (!only_operands && strncmp(arg, "--", 2) == 0) {
            if (!parse_option(&a, &at, argc, argv, e)) return false;
        } else if (!only_operands && arg[0] == '-' && arg[1])
            return err_set(e, ERR_INVALID, false, "no option '%s'; options are written --name", arg);
        else argv[a.operand_count++] = arg;
    }
    *ret = a;
    return true;
}

const char *args_value(const Args *a, const char *name) {
    int i = find(a->defs, a->def_count, str_from(name));
    assert(i >= 0);
    return a->values[i];
}

bool args_has(const Args *a, const char *name) {
    return args_value(a, name) != NULL;
}

bool args_number(const Args *a, const char *name, int64_t otherwise, int64_t max, int64_t *ret, Err *e) {
    const char *text = args_value(a, name);
    *ret = otherwise;
    return !text || str_to_i64(str_from(text), 0, max, ret, e) || err_wrap(e, "option '--%s'", name);
}

void args_help(const ArgDef *defs, size_t def_count, Buf *out) {
    size_t columns = 0;
    for (size_t i = 0; i < def_count; i++) {
        size_t n = strlen(defs[i].name) + (defs[i].value ? strlen(defs[i].value) + 1 : 0);
        if (n > columns) columns = n;
    }
    for (size_t i = 0; i < def_count; i++) {
        size_t n = strlen(defs[i].name) + (defs[i].value ? strlen(defs[i].value) + 1 : 0);
        buf_printf(out, "  --%s%s%s%*s  %s\n", defs[i].name, defs[i].value ? "=" : "",
                   defs[i].value ? defs[i].value : "", (int)(columns - n), "", defs[i].help);
    }
}
