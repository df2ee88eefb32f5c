#include "connector/claims.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"

struct Claims {
    pthread_mutex_t lock;
    StrMap *owners; /* lock; by target: "database.schema.table", owned */
};

Claims *claims_new(void) {
    Claims *c = x_calloc(1, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    c->owners = strmap_new(/* ignore_case= */ false);
    return c;
}

Claims *claims_free(Claims *c) {
    if (!c) return NULL;
    strmap_free_all(c->owners);
    pthread_mutex_destroy(&c->lock);
    free(c);
    return NULL;
}

bool claims_take(Claims *c, const char *target, const Schema *source, Err *e) {
    if (!c) return true;
    CLEANUP_FREE char *name = x_asprintf(STR_FMT ".%s", STR_ARG(source->database), source->qualified);
    CLEANUP_FREE char *other = NULL;
    pthread_mutex_lock(&c->lock);
    const char *owner = strmap_get(c->owners, str_from(target));
    if (!owner) (void)strmap_set(c->owners, str_from(target), x_strdup(name));
    else if (strcmp(owner, name) != 0) other = x_strdup(owner);
    pthread_mutex_unlock(&c->lock);
    return !other ||
           err_set(e, ERR_INVALID, false,
                   "%s and %s would both be written to %s: tell them apart in table.name.format "
                   "(collection.name.format), by ${source.db}, ${source.schema} and ${source.table}",
                   other, name, target);
}
