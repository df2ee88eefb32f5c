/*
 * smt.h - what one transform is to the chain: its class (a row of smt_table), its parsed options, and the
 * helpers all of them use. Inside src/transform only. Owner thread only.
 */
#ifndef TRANSFORM_SMT_H
#define TRANSFORM_SMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/option.h"
#include "record/record.h"
#include "transform/schema_cache.h"

typedef struct Smt Smt;

/* What it does where rows go directly from table to table, without records. */
typedef struct SmtDirect {
    bool routes;        /* apply it to a record that has only a topic */
    bool drops_deletes; /* deletes don't come through */
} SmtDirect;

typedef struct SmtClass {
    const char *name; /* the Java class, without $Key or $Value */
    bool has_sides;   /* there is a $Key and a $Value, and none without */
    const OptionDef *options;
    size_t option_count;
    /* Read s->options, set s->state. Errors: ERR_INVALID. NULL: nothing to do. */
    bool (*init)(Smt *s, Err *e);
    /* Errors: ERR_DATA (ERR_INVALID of a schema that can't be built is made ERR_DATA by the chain). */
    bool (*apply)(Smt *s, RecordBatch *b, Record *r, Err *e);
    void (*done)(void *state); /* NULL: free() does */
    /* What `apply` needs of an input schema (smt_plan): owned, NULL on error. Errors: as `apply`. */
    void *(*plan)(const Smt *s, const ConnectSchema *in, Err *e);
    void (*free_plan)(void *plan); /* set where the cache is used */
    /* Errors: ERR_INVALID, with these options it can't act there. NULL: never; direct_cure says what does. */
    bool (*direct)(const Smt *s, SmtDirect *ret, Err *e);
    const char *direct_cure;
} SmtClass;

struct Smt {
    const SmtClass *class_;
    bool is_key; /* $Key */
    bool is_sink;
    bool replaces_null;   /* the option replace.null.with.default, where the class has it */
    int debezium_version; /* 205, 207, 300 */
    Options *options;     /* owned */
    void *state;          /* the class's own, owned */
    SchemaCache cache;    /* plans by input schema */
};

/* The side it works on. */
static inline const ConnectSchema *smt_schema(const Smt *s, const Record *r) {
    return s->is_key ? r->key_schema : r->value_schema;
}
static inline const Value *smt_value(const Smt *s, const Record *r) {
    return s->is_key ? &r->key : &r->value;
}
static inline void smt_put(const Smt *s, Record *r, const ConnectSchema *schema, Value value) {
    if (s->is_key) {
        r->key_schema = schema;
        r->key = value;
    } else {
        r->value_schema = schema;
        r->value = value;
    }
}
/* The class's plan of a schema: made once, kept in s->cache, borrowed until the next call. NULL on error. */
void *smt_plan(Smt *s, const ConnectSchema *in, Err *e);
/* Errors: ERR_DATA when schema and value aren't a struct (a null value isn't one). */
MUST_CHECK bool smt_need_struct(const ConnectSchema *schema, const Value *value, Err *e);
/* A field's value as Kafka's Struct.get has it: null gives the field's default, if it has one and `replace`.
 */
static inline Value smt_field(const ConnectSchema *schema, const Value *row, size_t i, bool replace) {
    const Value *v = record_field(row, i);
    const ConnectSchema *f = schema->fields[i].schema;
    return replace && value_is_null(v) && f->has_default ? f->default_value : *v;
}
/* A required one of the logical type; version 1, as Kafka's builders give it. Owned. */
const ConnectSchema *smt_logical(ConnectType type, const char *name, bool is_optional);

/* Answers to `direct` that need no look at the options. */
bool smt_direct_nothing(const Smt *s, SmtDirect *ret, Err *e);
bool smt_direct_routes(const Smt *s, SmtDirect *ret, Err *e);

/* Rows that most transforms have. */
#define SMT_REPLACE_NULL "replace.null.with.default"
#define SMT_REPLACE_NULL_ROW                                                                                 \
    {                                                                                                        \
        .key = SMT_REPLACE_NULL, .type = OPTION_BOOL, .importance = OPTION_MEDIUM, .standard = "true",       \
        .help = "a null field that has a default becomes the default"                                        \
    }

#endif
