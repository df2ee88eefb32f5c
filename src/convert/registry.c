/*
 * One request is: each address in turn until one answers; then, if all failed in a way that may pass, a wait
 * and all of them again. The address that answered last is the first next time.
 */
#include "convert/registry.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "convert/avro_diff.h"
#include "convert/avro_type.h"

#define CONTENT_TYPE "application/vnd.schemaregistry.v1+json"
#define ACCEPT       CONTENT_TYPE ", application/vnd.schemaregistry+json; q=0.9, application/json; q=0.5"

enum {
    NOT_FOUND = 404,
    CONFLICT = 409,
    FIRST_OWN_NOT_FOUND = 40401, /* of a subject; 40402 of a version, 40403 of a schema */
    MAX_REFERENCES = 64,         /* names, of one schema, those of its references included */
    SLICE_MS = 50,               /* of a wait: how soon a stop is seen */
    IN_VAIN_MS = 10000,          /* after a wait for a number that nobody has: no other such wait */
};

struct Registry {
    Http *http;
    TextList urls;
    size_t first; /* the one that answered last */
    bool normalizes;
    int64_t max_retries, wait_ms, max_wait_ms;
    int64_t in_vain_until_us;
    const bool *is_stopping;
    Rng rng;
    HttpReply reply;
};

Registry *registry_new(const RegistrySettings *s) {
    assert(s->url_count > 0);
    Registry *r = x_calloc(1, sizeof *r);
    r->http = http_new(&s->http);
    for (size_t i = 0; i < s->url_count; i++) textlist_add(&r->urls, str_from(s->urls[i]));
    r->normalizes = s->normalizes;
    r->max_retries = s->max_retries;
    r->wait_ms = s->wait_ms > 0 ? s->wait_ms : 1;
    r->max_wait_ms = s->max_wait_ms > r->wait_ms ? s->max_wait_ms : r->wait_ms;
    r->is_stopping = s->http.is_stopping;
    rng_seed(&r->rng, (uint64_t)clock_mono_us());
    return r;
}

Registry *registry_free(Registry *r) {
    if (!r) return NULL;
    http_free(r->http);
    textlist_done(&r->urls);
    buf_done(&r->reply.body);
    free(r);
    return NULL;
}

/* ---- a request ---- */

typedef struct Answer {
    json_t *json; /* owned; of the body, NULL = none */
    int status;
} Answer;

static void answer_done(Answer *a) {
    json_decref(a->json);
}

static bool is_passing(int status) {
    return status == 408 || status == 429 || status >= 500;
}

static bool is_stopped(const Registry *r) {
    return r->is_stopping && __atomic_load_n(r->is_stopping, __ATOMIC_ACQUIRE);
}

static bool wait_for(const Registry *r, int64_t ms, Err *e) {
    for (int64_t until = clock_mono_us() + ms * 1000; clock_mono_us() < until && !is_stopped(r);)
        clock_sleep_ms(SLICE_MS < ms ? SLICE_MS : ms);
    return !is_stopped(r) || err_set(e, ERR_CANCELLED, false, "told to stop");
}

/* All addresses once. true: one answered, whatever it said. */
static bool call_round(Registry *r, const char *method, const char *path, Str body, Err *e) {
    for (size_t i = 0; i < r->urls.count; i++) {
        size_t at = (r->first + i) % r->urls.count;
        CLEANUP_FREE char *url = x_asprintf("%s%s", r->urls.items[at], path);
        HttpRequest request = {method, url, body, body.p ? CONTENT_TYPE : NULL, ACCEPT};
        if (!http_call(r->http, &request, &r->reply, e)) {
            if (!e->retriable) return false;
            continue;
        }
        if (!is_passing(r->reply.status)) {
            r->first = at;
            return true;
        }
        (void)err_set(e, ERR_IO, true, "%s answers %d", r->urls.items[at], r->reply.status);
    }
    return false;
}

static bool call(Registry *r, const char *method, const char *path, Str body, Answer *ret, Err *e) {
    Backoff backoff;
    backoff_init(&backoff, r->wait_ms, r->max_wait_ms);
    for (int64_t tries = 0; !call_round(r, method, path, body, e); tries++) {
        if (!e->retriable || tries >= r->max_retries) return err_wrap(e, "schema registry");
        LOG_WARN("registry_retry", LOG_I("tries", tries + 1), LOG_S("why", e->msg));
        if (!wait_for(r, backoff_next_ms(&backoff, &r->rng), e)) return false;
    }
    ret->status = r->reply.status;
    ret->json = json_loadb((const char *)r->reply.body.p, r->reply.body.n, JSON_ALLOW_NUL, NULL);
    return true;
}

static const char *message_of(const Answer *a) {
    const char *text = json_string_value(json_object_get(a->json, "message"));
    return text ? text : "no reason given";
}

static json_int_t code_of(const Answer *a) {
    return json_integer_value(json_object_get(a->json, "error_code"));
}

/* A 404 that isn't about a subject, version or schema: nothing of a registry's is at that path. */
static bool is_no_path(const Answer *a) {
    return a->status == NOT_FOUND && code_of(a) < FIRST_OWN_NOT_FOUND;
}

/* A 404 that is about one. */
static bool is_not_there(const Answer *a) {
    return a->status == NOT_FOUND && !is_no_path(a);
}

/* An answer that is a no. */
static bool refuse(const Registry *r, const Answer *a, const char *what, Str subject, Err *e) {
    const char *cure = a->status == 401   ? " (basic.auth.credentials.source, basic.auth.user.info)"
                       : a->status == 403 ? " (the user has no right to it)"
                       : is_no_path(a)    ? " (is the address complete? Apicurio's ends in /apis/ccompat/v7)"
                                          : "";
    return err_set(e, ERR_INVALID, false, "schema registry %s: %s %.*s: %d%s: %.200s",
                   r->urls.items[r->first], what, (int)(subject.n < 200 ? subject.n : 200),
                   subject.n ? subject.p : "", a->status, cure, message_of(a));
}

static bool malformed(const Registry *r, const char *what, Err *e) {
    return err_set(e, ERR_INVALID, false,
                   "schema registry %s: %s: the answer isn't a schema registry's; is the address complete "
                   "(Apicurio's ends "
                   "in /apis/ccompat/v7)?",
                   r->urls.items[r->first], what);
}

static void add_escaped(Buf *path, const char *before, Str s, const char *behind) {
    buf_cstr(path, before);
    http_escape(path, s);
    buf_cstr(path, behind);
}

/* ---- schemas ---- */

static Str schema_text(const json_t *answer) {
    const json_t *text = json_object_get(answer, "schema");
    return (Str){json_string_value(text), json_string_length(text)};
}

/* All that an answer's schema refers to, and not itself. names: of references that were taken, or are being.
 */
static bool take_schema(Registry *r, const json_t *answer, RegistrySchema *ret, TextList *names, Err *e);

static bool take_reference(Registry *r, Str subject, json_int_t version, RegistrySchema *ret, TextList *names,
                           Err *e) {
    CLEANUP(buf_done) Buf path = {0};
    CLEANUP(answer_done) Answer a = {0};
    add_escaped(&path, "/subjects/", subject, "/versions/");
    buf_printf(&path, "%lld?deleted=true", (long long)version); /* what refers to it needs it still */
    if (!call(r, "GET", buf_text(&path), (Str){NULL, 0}, &a, e)) return false;
    if (is_not_there(&a))
        return err_set(e, ERR_DATA, false, "it refers to %.*s, version %lld, which isn't there",
                       (int)(subject.n < 120 ? subject.n : 120), subject.p, (long long)version);
    if (a.status != 200) return refuse(r, &a, "reference", subject, e);
    if (!take_schema(r, a.json, ret, names, e)) return false;
    if (!textlist_has(&ret->texts, schema_text(a.json))) textlist_add(&ret->texts, schema_text(a.json));
    return true;
}

/* Before a schema what it refers to, the first of each name, as Confluent's client: two schemas in it may
 * refer to different versions of one. */
static bool take_references(Registry *r, const json_t *list, RegistrySchema *ret, TextList *names, Err *e) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *subject = json_string_value(json_object_get(item, "subject"));
        json_int_t version = json_integer_value(json_object_get(item, "version"));
        if (!name || !subject)
            return err_set(e, ERR_DATA, false, "a reference to another schema without a name or a subject");
        if (textlist_has(names, str_from(name))) continue;
        if (names->count == MAX_REFERENCES)
            return err_set(e, ERR_DATA, false, "it refers to more than %d schemas", MAX_REFERENCES);
        textlist_add(names, str_from(name));
        if (!take_reference(r, str_from(subject), version, ret, names, e)) return false;
    }
    return true;
}

static bool take_schema(Registry *r, const json_t *answer, RegistrySchema *ret, TextList *names, Err *e) {
    const char *kind = json_string_value(json_object_get(answer, "schemaType"));
    if (!schema_text(answer).p) return malformed(r, "a schema", e);
    if (kind && strcmp(kind, "AVRO") != 0)
        return err_set(e, ERR_DATA, false, "the schema is of kind %.20s, not Avro", kind);
    return take_references(r, json_object_get(answer, "references"), ret, names, e);
}

static bool give(Registry *r, const Answer *a, int32_t id, RegistrySchema *ret, Err *e) {
    RegistrySchema s = {.id = id};
    CLEANUP(textlist_done) TextList names = {0};
    if (!take_schema(r, a->json, &s, &names, e)) {
        textlist_done(&s.texts);
        return false;
    }
    textlist_add(&s.texts, schema_text(a->json));
    *ret = s;
    return true;
}

/* A node of the registry may not have yet what another gave a number to a moment ago: once more, a while
 * later, beginning with the next address. Bad numbers come in crowds, and are to cost a wait together. */
static bool ask_again(Registry *r, const char *path, Answer *a, Err *e) {
    bool waits = clock_mono_us() >= r->in_vain_until_us;
    answer_done(a);
    *a = (Answer){0};
    if (waits && !wait_for(r, r->wait_ms, e)) return false;
    r->first = (r->first + 1) % r->urls.count;
    if (!call(r, "GET", path, (Str){NULL, 0}, a, e)) return false;
    if (!is_not_there(a)) r->in_vain_until_us = 0;
    else if (waits) r->in_vain_until_us = clock_mono_us() + IN_VAIN_MS * INT64_C(1000);
    return true;
}

bool registry_by_id(Registry *r, int32_t id, RegistrySchema *ret, Err *e) {
    CLEANUP_FREE char *path = x_asprintf("/schemas/ids/%d", (int)id);
    CLEANUP(answer_done) Answer a = {0};
    if (!call(r, "GET", path, (Str){NULL, 0}, &a, e)) return false;
    if (is_not_there(&a) && !ask_again(r, path, &a, e)) return false;
    if (is_not_there(&a)) /* 40403; Apicurio says 40401 or 40402 of content that has no artifact */
        return err_set(e, ERR_DATA, false, "schema registry %s has no schema %d", r->urls.items[r->first],
                       (int)id);
    if (a.status != 200) return refuse(r, &a, path + 1, (Str){NULL, 0}, e);
    return give(r, &a, id, ret, e) || err_wrap(e, "schema %d", (int)id);
}

static bool id_of(Registry *r, const Answer *a, int32_t *ret, Err *e) {
    const json_t *id = json_object_get(a->json, "id");
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX)
        return malformed(r, "a schema's number", e);
    *ret = (int32_t)json_integer_value(id);
    return true;
}

bool registry_latest(Registry *r, Str subject, RegistrySchema *ret, Err *e) {
    CLEANUP(buf_done) Buf path = {0};
    CLEANUP(answer_done) Answer a = {0};
    int32_t id = 0;
    add_escaped(&path, "/subjects/", subject, "/versions/latest");
    if (!call(r, "GET", buf_text(&path), (Str){NULL, 0}, &a, e)) return false;
    if (a.status != 200) return refuse(r, &a, "the newest schema of subject", subject, e);
    return id_of(r, &a, &id, e) && give(r, &a, id, ret, e);
}

/* ---- registering ---- */

bool registry_compatibility(Registry *r, Buf *out, Err *e) {
    CLEANUP(answer_done) Answer a = {0};
    if (!call(r, "GET", "/config", (Str){NULL, 0}, &a, e)) return false;
    if (a.status != 200) return refuse(r, &a, "its compatibility", (Str){0}, e);
    const char *level = json_string_value(json_object_get(a.json, "compatibilityLevel"));
    if (!level) return malformed(r, "its compatibility", e);
    buf_cstr(out, level);
    return true;
}

static bool parse_all(const RegistrySchema *s, AvroSchema **ret) {
    Str texts[MAX_REFERENCES + 1];
    Err e = {0};
    size_t count = s->texts.count < MAX_REFERENCES + 1 ? s->texts.count : MAX_REFERENCES + 1;
    for (size_t i = 0; i < count; i++) texts[i] = str_from(s->texts.items[i]);
    return avro_type_parse(texts, count, ret, &e);
}

/* What differs from the subject's newest, for a registry that only says no. */
static void describe_conflict(Registry *r, Str subject, Str schema, Buf *out) {
    RegistrySchema latest = {0};
    AvroSchema *older = NULL, *newer = NULL;
    Err e = {0};
    if (registry_latest(r, subject, &latest, &e) && parse_all(&latest, &older) &&
        avro_type_parse(&schema, 1, &newer, &e))
        (void)avro_diff(avro_type_root(older), avro_type_root(newer), out);
    avro_type_free(older);
    avro_type_free(newer);
    textlist_done(&latest.texts);
}

static bool conflict(Registry *r, const Answer *a, Str subject, Str schema, Err *e) {
    CLEANUP(buf_done) Buf why = {0};
    CLEANUP_FREE char *message = x_strdup(message_of(a));
    describe_conflict(r, subject, schema, &why);
    return err_set(e, ERR_INVALID, false,
                   "schema registry: the schema of subject %.*s isn't compatible with its newest: "
                   "%s%s%.180s; change the "
                   "table back, or the subject's compatibility",
                   (int)(subject.n < 150 ? subject.n : 150), subject.p, buf_text(&why), why.n ? ": " : "",
                   message);
}

bool registry_id(Registry *r, Str subject, Str schema, bool may_register, int32_t *ret, Err *e) {
    CLEANUP(buf_done) Buf path = {0};
    CLEANUP(answer_done) Answer a = {0};
    add_escaped(&path, "/subjects/", subject, may_register ? "/versions" : "");
    if (r->normalizes) buf_cstr(&path, "?normalize=true");
    json_t *request = json_pack("{s:s%}", "schema", schema.p, schema.n);
    CLEANUP_FREE char *body = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!body) return err_set(e, ERR_INVALID, false, "schema registry: the schema isn't UTF-8");
    if (!call(r, "POST", buf_text(&path), str_from(body), &a, e)) return false;
    if (a.status == 200) return id_of(r, &a, ret, e);
    if (a.status == CONFLICT) {
        (void)conflict(r, &a, subject, schema, e);
        Err unknown = {0}; /* Apicurio says 409 too when another client has just registered the very schema */
        bool is_there = may_register && registry_id(r, subject, schema, false, ret, &unknown);
        if (is_there) *e = (Err){0};
        return is_there;
    }
    if (is_not_there(&a) && !may_register)
        return err_set(e, ERR_INVALID, false,
                       "schema registry %s: subject %.*s doesn't have the schema, and "
                       "auto.register.schemas=false: %.120s",
                       r->urls.items[r->first], (int)(subject.n < 200 ? subject.n : 200), subject.p,
                       message_of(&a));
    return refuse(r, &a, may_register ? "registering under subject" : "subject", subject, e);
}
