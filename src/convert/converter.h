/*
 * converter.h - what turns a key or a value into a topic's bytes and back, by the name of Connect's class:
 * io.confluent.connect.avro.AvroConverter, io.apicurio.registry.utils.converter.AvroConverter,
 * org.apache.kafka.connect.json.JsonConverter, org.apache.kafka.connect.storage.StringConverter. Owner thread
 * only; a task has its own two, for keys and for values.
 *
 * What is wrong with one record is ERR_DATA, not retriable: a dead letter. What is wrong around it (a
 * registry that is down, slow or busy) is ERR_IO or ERR_TIMEOUT, retriable: the same call may succeed later.
 * A registry that says no for good (no right, a schema that isn't compatible) is ERR_INVALID, not retriable:
 * the next record of that schema would fare no better. ERR_CANCELLED when spec's is_stopping was set in
 * mid-call.
 */
#ifndef CONVERT_CONVERTER_H
#define CONVERT_CONVERTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "config/option.h"
#include "config/props.h"
#include "config/textlist.h"
#include "record/connect_schema.h"
#include "record/record.h"

typedef struct Converter Converter;

typedef struct ConverterSpec {
    Str class_name;
    bool is_key;
    const Props *props;      /* the connector's; those that begin with the prefix are the converter's */
    const char *prefix;      /* "key.converter.", "value.converter." */
    const bool *is_stopping; /* borrowed for the converter's life, read atomically; set = give up waiting; may
                                be NULL */
} ConverterSpec;

/* Errors: ERR_INVALID (no such class, with the list of those there are; a property that is unknown, missing,
 * out of range, or without counterpart here where that would change what is written). Nothing is connected
 * to. */
MUST_CHECK bool converter_new(const ConverterSpec *spec, Converter **ret, Err *e);
Converter *converter_free(Converter *c); /* NULL is fine; returns NULL */
/* What was set and has no effect here, one line each. Borrowed. */
const TextList *converter_warnings(const Converter *c);

/*
 * Append v as the bytes of a record of topic. schema may be NULL: a value without one, a STRING unless it is
 * null. A null value becomes null bytes where the class writes it so: *ret_is_null, and nothing is appended.
 * v follows the schema: the caller's promise; one that doesn't (null where the schema has neither optional
 * nor default) is ERR_DATA.
 */
MUST_CHECK bool converter_encode(Converter *c, Str topic, const ConnectSchema *schema, const Value *v,
                                 Buf *out, bool *ret_is_null, Err *e);

/*
 * The value of bytes (p NULL = null bytes: a null value, no schema). What it points to is in into's arena or
 * in bytes, which therefore must live as long; the schema is held by into, NULL where the class has none
 * (a STRING then).
 */
MUST_CHECK bool converter_decode(Converter *c, Str topic, Str bytes, RecordBatch *into,
                                 const ConnectSchema **ret_schema, Value *ret, Err *e);

/* A record's header that says that the bytes aren't in the class's form, whatever they look like; NULL =
 * there is none. Converters see no headers: whoever has them looks for it before converter_decode. */
const char *converter_foreign_header(const Converter *c);

/* Does what it depends on answer (a registry)? Appends what is to be known of it, nothing when it depends on
 * nothing. Errors: as above. */
MUST_CHECK bool converter_ask(Converter *c, Buf *out, Err *e);

/* ---- for the classes ---- */

/* Bytes of schemas and plans that a class keeps of each direction; past it, as past its count, it forgets
 * all. */
enum { CONVERTER_CACHE_BYTES = 128 * 1024 * 1024 };

/* What a class is. Its own struct begins with a Converter, which converter_new fills once make returned. */
typedef struct ConverterClass {
    const char *name;         /* Connect's */
    const OptionDef *options; /* keys without the prefix */
    size_t option_count;
    /* o is borrowed until the converter is freed; what is to be warned of goes to warnings. */
    bool (*make)(const ConverterSpec *spec, const Options *o, TextList *warnings, Converter **ret, Err *e);
    bool (*encode)(Converter *c, Str topic, const ConnectSchema *schema, const Value *v, Buf *out,
                   bool *ret_is_null, Err *e);
    bool (*decode)(Converter *c, Str topic, Str bytes, RecordBatch *into, const ConnectSchema **ret_schema,
                   Value *ret, Err *e);
    bool (*ask)(Converter *c, Buf *out, Err *e); /* NULL: it depends on nothing */
    void (*free)(Converter *c);                  /* all of it */
} ConverterClass;

struct Converter {
    const ConverterClass *class_;
    const char *foreign_header; /* static; set by make */
    Options *options;           /* owned */
    TextList warnings;
};

/* converter_new once the class is found. */
MUST_CHECK bool converter_new_of(const ConverterClass *class_, const ConverterSpec *spec, Converter **ret,
                                 Err *e);
/* All classes, for the reference page, by number from 0; NULL behind the last. */
const ConverterClass *converter_class_at(size_t i);

#endif
