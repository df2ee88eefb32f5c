/*
 * option.h - tables of options, and properties checked against them. One row says all there is to know of a
 * property; parsing, checking, and the reference page come from it.
 *
 * A definition is static data. Options is read-only once parsed: any thread. It owns copies of all values and
 * wipes the secret ones. Getters take the row's key and abort on a key or a type that isn't in the table:
 * that is a bug.
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "config/props.h"
#include "config/regexlist.h"
#include "config/textlist.h"

typedef enum OptionType {
    OPTION_STRING,
    OPTION_PASSWORD, /* secret, kept with its blanks */
    OPTION_INT,      /* 32 bits */
    OPTION_LONG,     /* 64 bits */
    OPTION_BOOL,     /* true, false, in any letter case */
    OPTION_LIST,     /* comma-separated */
    OPTION_REGEXES,  /* comma-separated regular expressions (regexlist.h) */
    OPTION_ENUM,     /* one of values, in any letter case */
    OPTION_CLASS,    /* a Java class name; with values, one of them */
    OPTION_DURATION, /* milliseconds, 64 bits */
} OptionType;

typedef enum OptionStatus {
    OPTION_SUPPORTED,
    OPTION_NOT_YET,  /* known upstream, not there yet: a warning when set to other than its default */
    OPTION_REFUSED,  /* as before, but going on without it would give wrong results: an error */
    OPTION_NO_SENSE, /* has nothing to act on here: a warning */
} OptionStatus;

typedef enum OptionImportance { OPTION_HIGH, OPTION_MEDIUM, OPTION_LOW } OptionImportance;

typedef struct OptionDef {
    const char
        *key; /* ends in '*': every key that begins so (pass-through; type is then STRING or PASSWORD) */
    const char *alias; /* another name it goes by, or NULL; the key wins when both are set */
    OptionType type;
    OptionStatus status;
    OptionImportance importance;
    bool is_required;
    bool is_secret;            /* never show the value; PASSWORD always is */
    bool hides_key;            /* of a row with '*': a secret is part of the key, so messages name the row */
    const char *standard;      /* the default, as it would be written; NULL = none */
    int64_t min, max;          /* of a number; both 0 = the type's own range */
    const char *const *values; /* ENUM, CLASS: NULL-terminated */
    const char *const *values_not_yet; /* known upstream, refused with that word; NULL-terminated, or NULL */
    const char *values_reason;         /* why they aren't there; then it isn't "yet" */
    const char *unit;                  /* "bytes", "rows"; NULL = none; durations are in ms anyway */
    const char *reason;                /* of a status other than SUPPORTED */
    const char *help;                  /* one sentence */
} OptionDef;

/* A row whose status isn't SUPPORTED. The reason comes first of what is left; other fields may follow it:
 * OPTION_NO_SENSE_ROW("a.b", OPTION_BOOL, "why", .standard = "true"). */
#define OPTION_STATUS_ROW(row_status, row_importance, name, row_type, ...)                                   \
    {                                                                                                        \
        .key = (name), .type = (row_type), .status = (row_status), .importance = (row_importance),           \
        .reason = __VA_ARGS__                                                                                \
    }
#define OPTION_NO_SENSE_ROW(name, row_type, ...)                                                             \
    OPTION_STATUS_ROW(OPTION_NO_SENSE, OPTION_LOW, name, row_type, __VA_ARGS__)
#define OPTION_REFUSED_ROW(name, row_type, ...)                                                              \
    OPTION_STATUS_ROW(OPTION_REFUSED, OPTION_LOW, name, row_type, __VA_ARGS__)

typedef struct OptionTable {
    const OptionDef *defs;
    size_t count;
} OptionTable;

typedef struct Options Options;

/*
 * Check all properties. false when there are errors: *e has the first. *ret is set in both cases (moved to
 * the caller), so that all errors and warnings can be shown; its values are sound only after true. Errors are
 * unknown properties (with the nearest known name), wrong types, values out of range, required ones that are
 * missing; warnings are rows whose status says so, and a property that is set twice in a file.
 */
MUST_CHECK bool options_parse(const OptionDef *defs, size_t count, const Props *props, Options **ret, Err *e);
/* The same with several tables; a key that is in two of them is the first one's. */
MUST_CHECK bool options_parse_tables(const OptionTable *tables, size_t table_count, const Props *props,
                                     Options **ret, Err *e);
/* The same for who wants them all: warnings and errors are appended. */
MUST_CHECK bool options_parse_all(const OptionTable *tables, size_t table_count, const Props *props,
                                  Options **ret, TextList *warnings, TextList *errors);
Options *options_free(Options *o); /* returns NULL */

/* One line each: "source.json:12: poll.interval.ms: …". Borrowed. */
const TextList *options_warnings(const Options *o);
const TextList *options_errors(const Options *o);

/* Whether a property gave it (not the default). */
bool options_is_set(const Options *o, const char *key);
/* "source.json:12", or the first property's file when it is not set; for errors found later. Also of a key
 * that a row with '*' took. */
const char *options_place(const Options *o, const char *key, char buf[static PROPS_PLACE_SIZE]);
/* STRING, ENUM (as the table writes it), CLASS; NULL = not set, no default. Borrowed, as all below. */
const char *options_str(const Options *o, const char *key);
const char *options_secret(const Options *o, const char *key); /* PASSWORD */
int64_t options_int(const Options *o, const char *key); /* INT, LONG, DURATION; 0 when not set, no default */
bool options_bool(const Options *o, const char *key);
size_t options_enum(const Options *o, const char *key); /* number of the value in the row's values */
const TextList *options_list(const Options *o, const char *key);
const RegexList *options_regexes(const Options *o, const char *key); /* NULL = not set or empty */
/* Walk what a row with '*' took, in the order of the files; *at starts at 0. pattern is the row's key. A key
 * that has a row of its own isn't among them. */
bool options_next(const Options *o, const char *pattern, size_t *at, const char **ret_key,
                  const char **ret_value);

const char *option_type_name(OptionType type); /* Kafka's: "STRING", "INT", … */

#endif
