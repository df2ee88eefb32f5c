/* fake_registry.h - a registry of a few subjects behind http_rig.h: numbers by the schema's text, as the real
 * ones give them, and faults on order. */
#ifndef TESTS_FAKE_REGISTRY_H
#define TESTS_FAKE_REGISTRY_H

#include <jansson.h>

#include "http_rig.h"

enum { FAKE_SCHEMAS = 64 };

typedef struct FakeRegistry {
    HttpRig http; /* first */
    struct {
        char *subject, *schema; /* owned; number = place + 1 */
    } schemas[FAKE_SCHEMAS];
    size_t count;
    atomic_int failing;   /* that many requests get `fault` */
    atomic_int fault;     /* a status; 0 = hang up */
    const char *wants;    /* in the request's head, or 401; NULL = nothing */
    bool is_incompatible; /* registering gives 409 */
    int unknown_code;     /* of a number that isn't there; 0 = 40403 */
    atomic_int lagging;   /* that many requests for a number don't find it */
} FakeRegistry;

static inline int fake_error(Buf *reply, int status, int code, const char *message) {
    buf_printf(reply, "{\"error_code\":%d,\"message\":\"%s\"}", code, message);
    return status;
}

static inline int fake_give(FakeRegistry *f, size_t at, Buf *reply) {
    json_t *j = json_pack("{s:s,s:s,s:i,s:i}", "schema", f->schemas[at].schema, "subject",
                          f->schemas[at].subject, "id", (int)at + 1, "version", (int)at + 1);
    char *text = json_dumps(j, JSON_COMPACT);
    buf_cstr(reply, text);
    free(text);
    json_decref(j);
    return 200;
}

static inline size_t fake_add(FakeRegistry *f, Str subject, const char *schema) {
    assert_true(f->count < FAKE_SCHEMAS);
    f->schemas[f->count].subject = str_dup(subject);
    f->schemas[f->count].schema = x_strdup(schema);
    return f->count++;
}

static inline int fake_post(FakeRegistry *f, const RigRequest *r, Str subject, bool may_add, Buf *reply) {
    json_t *j = json_loadb(r->body.p, r->body.n, 0, NULL);
    const char *schema = json_string_value(json_object_get(j, "schema"));
    int status = 422;
    size_t at = 0;
    while (schema && at < f->count &&
           !(str_eq_c(subject, f->schemas[at].subject) && strcmp(schema, f->schemas[at].schema) == 0))
        at++;
    if (!schema) status = fake_error(reply, 422, 42201, "no schema");
    else if (at < f->count) status = fake_give(f, at, reply);
    else if (!may_add) status = fake_error(reply, 404, 40403, "Schema not found");
    else if (f->is_incompatible) status = fake_error(reply, 409, 409, "Incompatible schema");
    else status = fake_give(f, fake_add(f, subject, schema), reply);
    json_decref(j);
    return status;
}

static inline int fake_answer(HttpRig *rig, const RigRequest *r, Buf *reply) {
    FakeRegistry *f = (FakeRegistry *)rig;
    if (atomic_load(&f->failing) > 0) {
        atomic_fetch_sub(&f->failing, 1);
        return atomic_load(&f->fault);
    }
    CLEANUP_FREE char *head = str_dup(r->head);
    if (f->wants && !strstr(head, f->wants)) return fake_error(reply, 401, 401, "Unauthorized");
    Str path = r->path, part, subject = {0};
    if (str_starts(path, STR_LIT("/schemas/ids/"))) {
        size_t id = strtoul(path.p + 13, NULL, 10);
        if (atomic_load(&f->lagging) > 0) {
            atomic_fetch_sub(&f->lagging, 1);
            id = 0;
        }
        if (id == 0 || id > f->count)
            return fake_error(reply, 404, f->unknown_code ? f->unknown_code : 40403, "Schema not found");
        return fake_give(f, id - 1, reply);
    }
    if (str_eq_c(path, "/config")) {
        buf_cstr(reply, "{\"compatibilityLevel\":\"BACKWARD\"}");
        return 200;
    }
    if (!str_starts(path, STR_LIT("/subjects/"))) return fake_error(reply, 404, 404, "no such path");
    path = str_sub(path, 10, str_find(str_sub(path, 10, path.n), '?'));
    (void)str_split(&path, '/', &subject);
    if (str_eq_c(r->method, "POST")) return fake_post(f, r, subject, path.n > 0, reply);
    (void)str_split(&path, '/', &part);
    for (size_t i = f->count; i-- > 0;)
        if (str_eq_c(subject, f->schemas[i].subject)) return fake_give(f, i, reply);
    return fake_error(reply, 404, 40401, "Subject not found");
}

static inline void fake_start(FakeRegistry *f) {
    memset(f, 0, sizeof *f);
    http_rig_start(&f->http, fake_answer, NULL);
}

static inline void fake_stop(FakeRegistry *f) {
    http_rig_stop(&f->http);
    for (size_t i = 0; i < f->count; i++) {
        free(f->schemas[i].subject);
        free(f->schemas[i].schema);
    }
}

#endif
