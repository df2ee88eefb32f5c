/*
 * registry.h - a schema registry that speaks Confluent's API (its own, Apicurio's /apis/ccompat/v7, Karapace,
 * Redpanda): schemas by number, registering, looking up. What it answers isn't kept here: whoever compiles
 * plans keeps those. Owner thread only.
 *
 * Several addresses are tried in turn. What may pass (no connection, 408, 429, 5xx) is tried again, with
 * growing waits, max_retries times, and then is ERR_IO or ERR_TIMEOUT, retriable.
 */
#ifndef CONVERT_REGISTRY_H
#define CONVERT_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/http.h"
#include "base/str.h"
#include "config/textlist.h"

typedef struct RegistrySettings {
    const char *const *urls; /* without user, password and the slash at the end; copied */
    size_t url_count;
    HttpSettings http; /* its is_stopping ends waits too */
    bool normalizes;   /* normalize.schemas */
    int64_t max_retries, wait_ms, max_wait_ms;
} RegistrySettings;

typedef struct Registry Registry;

/* A schema and those it refers to, in the order in which avro_type_parse takes them: itself last. */
typedef struct RegistrySchema {
    int32_t id;
    TextList texts; /* owned: textlist_done */
} RegistrySchema;

Registry *registry_new(const RegistrySettings *settings);
Registry *registry_free(Registry *r); /* NULL is fine; returns NULL */

/* Errors of all: the passing ones above; ERR_INVALID (no right, not found, refused), ERR_CANCELLED.
 * registry_by_id: an unknown number is ERR_DATA, after a second try wait_ms later, at the next address if
 * there are several; as is a schema of another kind than Avro. */
MUST_CHECK bool registry_by_id(Registry *r, int32_t id, RegistrySchema *ret, Err *e);
/* The newest of a subject. */
MUST_CHECK bool registry_latest(Registry *r, Str subject, RegistrySchema *ret, Err *e);
/* The number under which the subject has the schema, a JSON text; registering it where may_register says so.
 * One that isn't compatible with the subject's newest is ERR_INVALID with the field that differs. */
MUST_CHECK bool registry_id(Registry *r, Str subject, Str schema, bool may_register, int32_t *ret, Err *e);

/* Append which changes of a schema it lets in, "BACKWARD" or "NONE", where a subject has no rule of its own;
 * that it answers at all is told by it, too. */
MUST_CHECK bool registry_compatibility(Registry *r, Buf *out, Err *e);

#endif
