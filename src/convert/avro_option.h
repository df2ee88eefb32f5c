/*
 * avro_option.h - the properties of the two Avro converters, Confluent's and Apicurio's, as one set of
 * settings. Keys are without key.converter. or value.converter. A plain value once made; any thread.
 */
#ifndef CONVERT_AVRO_OPTION_H
#define CONVERT_AVRO_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/option.h"
#include "config/textlist.h"
#include "convert/registry.h"

typedef enum AvroSubject {                            /* the subject that a schema is registered under */
                           AVRO_SUBJECT_TOPIC,        /* <topic>-key, <topic>-value */
                           AVRO_SUBJECT_RECORD,       /* the schema's full name */
                           AVRO_SUBJECT_TOPIC_RECORD, /* <topic>-<full name> */
                           AVRO_SUBJECT_TOPIC_ALONE,  /* <topic>: Apicurio's SimpleTopicIdStrategy */
} AvroSubject;

typedef struct AvroSettings {
    RegistrySettings registry; /* its texts are owned by the settings */
    TextList urls;
    TextList texts; /* of registry; wiped */
    AvroSubject subject;
    bool may_register;  /* auto.register.schemas */
    bool uses_latest;   /* use.latest.version */
    bool has_meta;      /* connect.meta.data */
    bool keeps_null;    /* ignore.default.for.nullables */
    bool has_raw_bytes; /* a schema that is bytes alone stands without its length: Confluent's way */
    size_t max_schemas; /* plans that are kept, of each direction */
} AvroSettings;

enum { AVRO_OPTION_CONFLUENT_COUNT = 43, AVRO_OPTION_APICURIO_COUNT = 25 };
extern const OptionDef avro_option_confluent[], avro_option_apicurio[];

/* What the options say. Errors: ERR_INVALID, not retriable: an address that is none, a password in it that is
 * to come from elsewhere, stores of keys that aren't PEM, a mode of Apicurio's that isn't Confluent's format.
 * On failure *ret is untouched. */
MUST_CHECK bool avro_option_confluent_settings(const Options *o, bool is_key, TextList *warnings,
                                               AvroSettings *ret, Err *e);
MUST_CHECK bool avro_option_apicurio_settings(const Options *o, bool is_key, TextList *warnings,
                                              AvroSettings *ret, Err *e);
void avro_option_done(AvroSettings *s);

#endif
