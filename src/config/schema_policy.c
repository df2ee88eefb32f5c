#include "config/schema_policy.h"

#include <stdlib.h>

#include "base/mem.h"
#include "config/regexlist.h"

const char *const SCHEMA_CHANGE_NAMES[] = {"evolve", "ignore", "fail", NULL};

typedef struct Exception {
    RegexList *tables; /* owned */
    SchemaChange change;
} Exception;

struct SchemaPolicy {
    SchemaChange base;
    Exception *exceptions; /* owned */
    size_t count;
};

SchemaPolicy *schema_policy_free(SchemaPolicy *p) {
    if (!p) return NULL;
    for (size_t i = 0; i < p->count; i++) regexlist_free(p->exceptions[i].tables);
    free(p->exceptions);
    free(p);
    return NULL;
}

static bool change_named(Str name, SchemaChange *ret) {
    for (int i = 0; SCHEMA_CHANGE_NAMES[i]; i++) {
        if (!str_eq_icase(name, str_from(SCHEMA_CHANGE_NAMES[i]))) continue;
        *ret = (SchemaChange)(SCHEMA_EVOLVE + i);
        return true;
    }
    return false;
}

/* "tables:policy": the last colon parts them, since an expression may hold one. */
static bool add(SchemaPolicy *p, Str entry, Err *e) {
    size_t colon = entry.n;
    while (colon > 0 && entry.p[colon - 1] != ':') colon--;
    Exception x = {0};
    Str tables = str_trim(str_sub(entry, 0, colon ? colon - 1 : 0));
    if (!tables.n || !change_named(str_trim(str_sub(entry, colon, entry.n)), &x.change))
        return err_set(e, ERR_INVALID, false, "'" STR_FMT "' isn't schema.table:evolve, :ignore or :fail",
                       STR_ARG(entry));
    if (!regexlist_compile(tables, &x.tables, e)) return false;
    p->exceptions = x_reallocarray(p->exceptions, p->count + 1, sizeof *p->exceptions);
    p->exceptions[p->count++] = x;
    return true;
}

bool schema_policy_new(SchemaChange base, Str overrides, SchemaPolicy **ret, Err *e) {
    SchemaPolicy *p = x_calloc(1, sizeof *p);
    p->base = base;
    Str entry;
    while (str_split(&overrides, ';', &entry)) {
        if (!str_trim(entry).n || add(p, str_trim(entry), e)) continue;
        schema_policy_free(p);
        return false;
    }
    *ret = p;
    return true;
}

SchemaChange schema_policy_of(const SchemaPolicy *p, Str qualified) {
    if (!p) return SCHEMA_UNSET;
    for (size_t i = 0; i < p->count; i++)
        if (regexlist_match(p->exceptions[i].tables, qualified)) return p->exceptions[i].change;
    return p->base;
}
