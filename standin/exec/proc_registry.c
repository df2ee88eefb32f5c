/* The registry of procedures by name. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "standin/exec/proc.h"

struct ProcRegistry {
    StrMap *procs;
};

ProcRegistry *procregistry_new(void) {
    ProcRegistry *r = x_calloc(1, sizeof *r);
    r->procs = strmap_new(/* ignore_case= */ true);
    return r;
}

ProcRegistry *procregistry_free(ProcRegistry *r) {
    if (!r) return NULL;
    r->procs = strmap_free(r->procs);
    free(r);
    return NULL;
}

void procregistry_add(ProcRegistry *r, const Proc *procs, size_t count) {
    for (size_t i = 0; i < count; i++) (void)strmap_set(r->procs, str_from(procs[i].name), (void *)&procs[i]);
}

const Proc *procregistry_find(const ProcRegistry *r, Str name) {
    return strmap_get(r->procs, name);
}

int32_t procregistry_object_id(const ProcRegistry *r, const Proc *p) {
    enum { FIRST_OBJECT_ID = -100000 };
    size_t at = 0;
    int32_t id = FIRST_OBJECT_ID;
    for (const Proc *q; (q = procregistry_next(r, &at)) != NULL && q != p;) id--;
    return id;
}

const Proc *procregistry_next(const ProcRegistry *r, size_t *at) {
    Str name;
    void *p;
    return strmap_next(r->procs, at, &name, &p) ? p : NULL;
}

const Proc *procregistry_by_id(const ProcRegistry *r, int32_t wanted) {
    size_t at = 0;
    for (const Proc *p; (p = procregistry_next(r, &at)) != NULL;)
        if (procregistry_object_id(r, p) == wanted) return p;
    return NULL;
}
