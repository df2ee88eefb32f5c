/*
 * props.h - an ordered set of properties, each with the place it was read from. Owner thread only while it is
 * filled; then any thread may read. Values may be secrets: they are wiped when freed, and no error message
 * holds one.
 *
 * Files: `.properties`, read as java.util.Properties does; `.json`, a connector as Connect's REST API and
 * connect-standalone take it: {"name": …, "config": {…}}, or the bare object of its configuration.
 * A text file that isn't UTF-8 is taken as ISO 8859-1, which is Java's rule for all of them.
 *
 * References in values, replaced by props_resolve: ${env:NAME} and ${file:PATH:KEY} (a key of a properties
 * file, as Kafka's FileConfigProvider). ${NAME} without a colon is left alone: it means something to whoever
 * reads the value.
 */
#ifndef CONFIG_PROPS_H
#define CONFIG_PROPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum { PROPS_MAX_FILE_BYTES = 1024 * 1024 };

typedef struct Prop {
    char *key, *value;  /* owned by the set */
    const char *origin; /* file name, or the option that gave it ("--from"); owned by the set */
    int line;           /* from 1; 0 = not known */
    int earlier_line;   /* the same key stood in the same file before, here; 0 = no */
    bool is_reference;  /* (part of) the value came through a reference: never show it */
} Prop;

typedef struct Props Props;

Props *props_new(void);
Props *props_free(Props *p); /* wipes the values; returns NULL */

/* Read a file by its ending. Errors: ERR_INVALID (other ending, syntax: "file:line: what"), ERR_RANGE (too
 * large), ERR_IO. After an error the set may hold a part of the file. */
MUST_CHECK bool props_load(Props *p, const char *path, Err *e);
/* The same from memory; origin is copied. */
MUST_CHECK bool props_parse_properties(Props *p, const char *origin, Str text, Err *e);
MUST_CHECK bool props_parse_json(Props *p, const char *origin, Str text, Err *e);
/* Replace the references in all values. Errors: ERR_INVALID naming place and reference when the provider is
 * unknown or has no such entry; ERR_IO when its file can't be read. */
MUST_CHECK bool props_resolve(Props *p, Err *e);

/* Set, or set anew (the place in the order stays). Copies all. */
void props_set(Props *p, const char *key, Str value, const char *origin, int line);
/* Set a copy of a property of another set: with its place, and hidden if it was. */
void props_add(Props *p, const Prop *prop);
const Prop *props_get(const Props *p, const char *key); /* NULL = absent */
/* The value, or otherwise. */
const char *props_value(const Props *p, const char *key, const char *otherwise);
size_t props_count(const Props *p);
const Prop *props_at(const Props *p, size_t i); /* in order of first appearance */
/* Where the first property came from; "configuration" when there is none. */
const char *props_origin(const Props *p);
/* "file:12" or "file" into buf; returns buf. */
enum { PROPS_PLACE_SIZE = 256 };
const char *props_place(const Prop *prop, char buf[static PROPS_PLACE_SIZE]);

#endif
