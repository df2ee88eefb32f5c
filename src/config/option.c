/*
 * Each row of the tables becomes an Entry that holds what a property or the row's default gave, already in
 * the row's type, so that getters only look up. Errors and warnings are collected in the order of the files,
 * what is missing after them.
 */
#include "config/option.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "config/secret.h"

typedef struct Entry {
    const OptionDef *def;
    char place[PROPS_PLACE_SIZE]; /* of the property that gave it */
    bool is_set;                  /* by a property */
    bool has_key;                 /* by the row's key, not by its alias */
    char *text;                   /* owned, wiped; NULL = no value and no default */
    int64_t number;               /* numbers, truth values, number of an enum's value */
    TextList list;
    RegexList *regexes;
} Entry;

typedef struct Passed { /* what a row with '*' took */
    const OptionDef *def;
    char *key, *value, *place;
} Passed;

struct Options {
    Entry *entries;
    size_t entry_count;
    StrMap *by_name; /* keys and aliases of rows without '*' → Entry */
    Passed *passed;
    size_t passed_count;
    TextList warnings, errors;
    char *origin; /* owned */
};

static bool is_pattern(const OptionDef *def) {
    size_t n = strlen(def->key);
    return n > 0 && def->key[n - 1] == '*';
}

static Str pattern_prefix(const OptionDef *def) {
    return (Str){def->key, strlen(def->key) - 1};
}

/* ---- one value ---- */

/* " not 'x'", or what may be said of a value that may be secret. */
static void add_shown(Buf *message, const OptionDef *def, Str value, bool is_hidden) {
    is_hidden = is_hidden || def->is_secret || def->type == OPTION_PASSWORD;
    if (is_hidden) buf_cstr(message, ", not the value given (not shown)");
    else if (value.n == 0) buf_cstr(message, ", not an empty text");
    else
        buf_printf(message, ", not '%.*s'%s", (int)(value.n < 80 ? value.n : 80), value.p,
                   value.n > 80 ? "…" : "");
}

typedef struct Value {
    const OptionDef *def;
    Str text;
    bool is_hidden; /* it came through a reference */
} Value;

static bool number_range(const OptionDef *def, int64_t *lo, int64_t *hi) {
    bool is_free = def->min == 0 && def->max == 0;
    *lo = is_free ? (def->type == OPTION_INT ? INT32_MIN : INT64_MIN) : def->min;
    *hi = is_free ? (def->type == OPTION_INT ? INT32_MAX : INT64_MAX) : def->max;
    return !is_free;
}

static bool parse_number(const Value *v, int64_t *ret, Err *e) {
    int64_t lo, hi;
    bool has_range = number_range(v->def, &lo, &hi);
    if (str_to_i64(str_trim(v->text), lo, hi, ret, e)) return true;
    CLEANUP(buf_done) Buf message = {0};
    const char *unit = v->def->type == OPTION_DURATION ? "milliseconds" : v->def->unit;
    buf_printf(&message, "expected a whole number%s%s", unit ? " of " : "", unit ? unit : "");
    if (has_range || e->code == ERR_RANGE)
        buf_printf(&message, " from %lld to %lld", (long long)lo, (long long)hi);
    add_shown(&message, v->def, v->text, v->is_hidden);
    return err_set(e, e->code, false, "%s", buf_text(&message));
}

static bool parse_bool(const Value *v, int64_t *ret, Err *e) {
    Str text = str_trim(v->text);
    *ret = str_eq_icase(text, STR_LIT("true"));
    if (*ret || str_eq_icase(text, STR_LIT("false"))) return true;
    CLEANUP(buf_done) Buf message = {0};
    buf_cstr(&message, "expected true or false");
    add_shown(&message, v->def, v->text, v->is_hidden);
    return err_set(e, ERR_INVALID, false, "%s", buf_text(&message));
}

static bool find_value(const char *const *values, Str text, bool ignore_case, int64_t *ret) {
    for (size_t i = 0; values && values[i]; i++) {
        bool is_it = ignore_case ? str_eq_icase(text, str_from(values[i])) : str_eq_c(text, values[i]);
        if (!is_it) continue;
        *ret = (int64_t)i;
        return true;
    }
    return false;
}

static bool parse_choice(const Value *v, int64_t *ret, Err *e) {
    Str text = str_trim(v->text);
    bool ignore_case = v->def->type == OPTION_ENUM;
    int64_t not_yet;
    if (find_value(v->def->values, text, ignore_case, ret)) return true;
    CLEANUP(buf_done) Buf message = {0};
    if (find_value(v->def->values_not_yet, text, ignore_case, &not_yet)) {
        const char *why = v->def->values_reason;
        buf_printf(&message, "'%s' is not supported%s%s; ", v->def->values_not_yet[not_yet],
                   why ? ": " : " yet", why ? why : "");
    }
    buf_cstr(&message, "expected ");
    size_t count = 0;
    for (; v->def->values[count]; count++) {
        bool is_last = count > 0 && !v->def->values[count + 1];
        buf_printf(&message, "%s%s", count == 0 ? "" : is_last ? " or " : ", ", v->def->values[count]);
    }
    add_shown(&message, v->def, text, v->is_hidden);
    const char *near = v->is_hidden ? NULL : str_nearest(text, v->def->values, count);
    if (near) buf_printf(&message, " (did you mean '%s'?)", near);
    return err_set(e, ERR_INVALID, false, "%s", buf_text(&message));
}

static bool parse_regexes(Entry *entry, const Value *v, Err *e) {
    RegexList *regexes = NULL;
    if (!regexlist_compile(v->text, &regexes, e)) {
        if (v->is_hidden)
            return err_set(e, ERR_INVALID, false, "expected regular expressions (value not shown)");
        return false;
    }
    entry->regexes = regexlist_free(entry->regexes);
    entry->regexes = regexlist_count(regexes) ? regexes : regexlist_free(regexes);
    return true;
}

/* Take the value into the entry in the row's type. */
static bool take_value(Entry *entry, const Value *v, Err *e) {
    const OptionDef *def = entry->def;
    Str text = def->type == OPTION_STRING || def->type == OPTION_PASSWORD ? v->text : str_trim(v->text);
    bool ok = true;
    switch (def->type) {
    case OPTION_STRING:
    case OPTION_PASSWORD: break;
    case OPTION_INT:
    case OPTION_LONG:
    case OPTION_DURATION: ok = parse_number(v, &entry->number, e); break;
    case OPTION_BOOL: ok = parse_bool(v, &entry->number, e); break;
    case OPTION_CLASS: ok = !def->values || parse_choice(v, &entry->number, e); break;
    case OPTION_ENUM:
        ok = parse_choice(v, &entry->number, e);
        if (ok) text = str_from(def->values[entry->number]);
        break;
    case OPTION_LIST:
        textlist_done(&entry->list);
        textlist_split(&entry->list, text);
        break;
    case OPTION_REGEXES: ok = parse_regexes(entry, v, e); break;
    }
    if (!ok) return false;
    if (def->is_required && text.n == 0)
        return err_set(e, ERR_INVALID, false, "expected a value, not an empty text");
    secret_wipe_free(entry->text);
    entry->text = str_dup(text);
    return true;
}

/* ---- tables and properties ---- */

static void add_rows(Options *o, const OptionTable *tables, size_t table_count) {
    size_t count = 0;
    for (size_t t = 0; t < table_count; t++) count += tables[t].count;
    o->entries = x_calloc(count, sizeof *o->entries);
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            const OptionDef *def = &tables[t].defs[i];
            if (!is_pattern(def) && strmap_get(o->by_name, str_from(def->key)))
                continue; /* the first table's counts */
            Entry *entry = &o->entries[o->entry_count++];
            entry->def = def;
            if (is_pattern(def)) continue;
            (void)strmap_set(o->by_name, str_from(def->key), entry);
            if (def->alias) (void)strmap_set(o->by_name, str_from(def->alias), entry);
        }
    }
}

/* The row with '*' whose beginning is the longest that key has. */
static const OptionDef *find_pattern(const Options *o, Str key) {
    const OptionDef *found = NULL;
    for (size_t i = 0; i < o->entry_count; i++) {
        const OptionDef *def = o->entries[i].def;
        if (!is_pattern(def) || !str_starts(key, pattern_prefix(def))) continue;
        if (!found || strlen(def->key) > strlen(found->key)) found = def;
    }
    return found;
}

/* The known name nearest to key, comparing what follows a prefix that both have. */
static const char *nearest_name(const Options *o, Str key, Str prefix) {
    size_t count = 0, at = 0;
    Str name;
    void *entry;
    const char **names = x_reallocarray(NULL, strmap_count(o->by_name), sizeof *names);
    while (strmap_next(o->by_name, &at, &name, &entry))
        if (str_starts(name, prefix)) names[count++] = name.p + prefix.n; /* the map's keys end in a NUL */
    const char *near = str_nearest(str_sub(key, prefix.n, key.n), names, count);
    free(names);
    return near ? near - prefix.n : NULL;
}

/* What a message calls the property. */
static const char *shown_key(const OptionDef *def, const Prop *prop) {
    return def && def->hides_key ? def->key : prop->key;
}

static bool is_default(const OptionDef *def, Str value) {
    return str_eq_icase(str_trim(value), str_from(def->standard ? def->standard : ""));
}

/* What the row's status has to say. false: the property is an error. */
static bool check_status(Options *o, const OptionDef *def, const Prop *prop, const char *place) {
    const char *colon = def->reason ? ": " : "", *reason = def->reason ? def->reason : "";
    const char *key = shown_key(def, prop);
    bool is_kept_default = !is_pattern(def) && is_default(def, str_from(prop->value));
    switch (def->status) {
    case OPTION_SUPPORTED: return true;
    case OPTION_NO_SENSE:
        textlist_printf(&o->warnings, "%s: %s has no effect here%s%s", place, key, colon, reason);
        return true;
    case OPTION_NOT_YET:
        if (!is_kept_default)
            textlist_printf(&o->warnings, "%s: %s is not supported yet%s%s", place, key, colon, reason);
        return true;
    case OPTION_REFUSED:
        if (!is_kept_default)
            textlist_printf(&o->errors, "%s: %s is not supported yet%s%s", place, key, colon, reason);
        return is_kept_default;
    }
    return true;
}

static void take_passed(Options *o, const OptionDef *def, const Prop *prop, const char *place) {
    if (!check_status(o, def, prop, place) || def->status != OPTION_SUPPORTED) return;
    const char *near = nearest_name(o, str_from(prop->key), pattern_prefix(def));
    if (near) {
        textlist_printf(&o->warnings, "%s: %s is passed on as it is (did you mean '%s'?)", place,
                        shown_key(def, prop), near);
    }
    o->passed = x_reallocarray(o->passed, o->passed_count + 1, sizeof *o->passed);
    o->passed[o->passed_count++] = (Passed){def, x_strdup(prop->key), x_strdup(prop->value), x_strdup(place)};
}

static void take_prop(Options *o, const Prop *prop) {
    char place[PROPS_PLACE_SIZE];
    Str key = str_from(prop->key);
    (void)props_place(prop, place);
    Entry *entry = strmap_get(o->by_name, key);
    const OptionDef *pattern = entry ? NULL : find_pattern(o, key);
    if (prop->earlier_line)
        textlist_printf(&o->warnings, "%s: %s is set in line %d too; this one counts", place,
                        shown_key(pattern, prop), prop->earlier_line);
    if (!entry) {
        if (pattern) {
            take_passed(o, pattern, prop, place);
            return;
        }
        const char *near = nearest_name(o, key, (Str){0});
        textlist_printf(&o->errors, "%s: unknown property '%s'%s%s%s", place, prop->key,
                        near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        return;
    }
    bool is_key = strcmp(prop->key, entry->def->key) == 0;
    if (entry->is_set)
        textlist_printf(&o->warnings, "%s: %s and %s name the same; %s counts", place, entry->def->alias,
                        entry->def->key, entry->def->key);
    if (entry->has_key) return;
    entry->is_set = true;
    entry->has_key = is_key;
    memcpy(entry->place, place, sizeof place);
    bool is_taken = check_status(o, entry->def, prop, place) && entry->def->status != OPTION_NO_SENSE;
    Err fault = {0};
    Value value = {entry->def, str_from(prop->value), prop->is_reference};
    if (is_taken && !take_value(entry, &value, &fault))
        textlist_printf(&o->errors, "%s: %s: %s", place, prop->key, fault.msg);
}

static void take_default(Options *o, Entry *entry) {
    const OptionDef *def = entry->def;
    if (entry->is_set || is_pattern(def)) return;
    if (def->is_required) {
        textlist_printf(&o->errors, "%s: %s is required: %s", o->origin, def->key,
                        def->help ? def->help : "not set");
        return;
    }
    if (!def->standard) return;
    Err fault = {0};
    Value value = {def, str_from(def->standard), /* is_hidden= */ false};
    bool ok = take_value(entry, &value, &fault);
    assert(ok && "a row's default is of its type");
    (void)ok;
}

bool options_parse_tables(const OptionTable *tables, size_t table_count, const Props *props, Options **ret,
                          Err *e) {
    Options *o = x_calloc(1, sizeof *o);
    o->by_name = strmap_new(/* ignore_case= */ false);
    o->origin = x_strdup(props_origin(props));
    add_rows(o, tables, table_count);
    for (size_t i = 0; i < props_count(props); i++) take_prop(o, props_at(props, i));
    for (size_t i = 0; i < o->entry_count; i++) take_default(o, &o->entries[i]);
    *ret = o;
    if (o->errors.count == 0) return true;
    if (o->errors.count == 1) return err_set(e, ERR_INVALID, false, "%s", o->errors.items[0]);
    return err_set(e, ERR_INVALID, false, "%s (and %zu more errors)", o->errors.items[0],
                   o->errors.count - 1);
}

bool options_parse(const OptionDef *defs, size_t count, const Props *props, Options **ret, Err *e) {
    OptionTable table = {defs, count};
    return options_parse_tables(&table, 1, props, ret, e);
}

bool options_parse_all(const OptionTable *tables, size_t table_count, const Props *props, Options **ret,
                       TextList *warnings, TextList *errors) {
    Err first = {0}; /* is among the errors */
    bool ok = options_parse_tables(tables, table_count, props, ret, &first);
    textlist_add_all(warnings, options_warnings(*ret));
    if (!ok) textlist_add_all(errors, options_errors(*ret));
    return ok;
}

Options *options_free(Options *o) {
    if (!o) return NULL;
    for (size_t i = 0; i < o->entry_count; i++) {
        secret_wipe_free(o->entries[i].text);
        textlist_done(&o->entries[i].list);
        (void)regexlist_free(o->entries[i].regexes);
    }
    for (size_t i = 0; i < o->passed_count; i++) {
        free(o->passed[i].key);
        free(o->passed[i].place);
        secret_wipe_free(o->passed[i].value);
    }
    free(o->entries);
    free(o->passed);
    (void)strmap_free(o->by_name);
    textlist_done(&o->warnings);
    textlist_done(&o->errors);
    free(o->origin);
    free(o);
    return NULL;
}

/* ---- getters ---- */

const TextList *options_warnings(const Options *o) {
    return &o->warnings;
}

const TextList *options_errors(const Options *o) {
    return &o->errors;
}

static const Entry *entry_of(const Options *o, const char *key) {
    const Entry *entry = strmap_get(o->by_name, str_from(key));
    assert(entry && "a key of the table");
    return entry;
}

bool options_is_set(const Options *o, const char *key) {
    return entry_of(o, key)->is_set;
}

static const char *passed_place(const Options *o, const char *key) {
    for (size_t i = 0; i < o->passed_count; i++)
        if (strcmp(o->passed[i].key, key) == 0) return o->passed[i].place;
    return NULL;
}

const char *options_place(const Options *o, const char *key, char buf[static PROPS_PLACE_SIZE]) {
    const char *passed = passed_place(o, key);
    const Entry *entry = passed ? NULL : entry_of(o, key);
    const char *place = passed ? passed : entry->is_set ? entry->place : o->origin;
    size_t n = strnlen(place, PROPS_PLACE_SIZE - 1);
    memcpy(buf, place, n);
    buf[n] = '\0';
    return buf;
}

const char *options_str(const Options *o, const char *key) {
    const Entry *entry = entry_of(o, key);
    OptionType type = entry->def->type;
    assert(type == OPTION_STRING || type == OPTION_ENUM || type == OPTION_CLASS);
    return entry->text;
}

const char *options_secret(const Options *o, const char *key) {
    const Entry *entry = entry_of(o, key);
    assert(entry->def->type == OPTION_PASSWORD);
    return entry->text;
}

int64_t options_int(const Options *o, const char *key) {
    const Entry *entry = entry_of(o, key);
    OptionType type = entry->def->type;
    assert(type == OPTION_INT || type == OPTION_LONG || type == OPTION_DURATION);
    return entry->number;
}

bool options_bool(const Options *o, const char *key) {
    const Entry *entry = entry_of(o, key);
    assert(entry->def->type == OPTION_BOOL);
    return entry->number != 0;
}

size_t options_enum(const Options *o, const char *key) {
    const Entry *entry = entry_of(o, key);
    assert(entry->def->type == OPTION_ENUM || (entry->def->type == OPTION_CLASS && entry->def->values));
    assert(entry->text && "an enum has a default, or is asked only when set");
    return (size_t)entry->number;
}

const TextList *options_list(const Options *o, const char *key) {
    const Entry *entry = entry_of(o, key);
    assert(entry->def->type == OPTION_LIST);
    return &entry->list;
}

const RegexList *options_regexes(const Options *o, const char *key) {
    const Entry *entry = entry_of(o, key);
    assert(entry->def->type == OPTION_REGEXES);
    return entry->regexes;
}

bool options_next(const Options *o, const char *pattern, size_t *at, const char **ret_key,
                  const char **ret_value) {
    for (; *at < o->passed_count; ++*at) {
        const Passed *passed = &o->passed[*at];
        if (strcmp(passed->def->key, pattern) != 0) continue;
        *ret_key = passed->key;
        *ret_value = passed->value;
        ++*at;
        return true;
    }
    return false;
}

const char *option_type_name(OptionType type) {
    switch (type) {
    case OPTION_STRING:
    case OPTION_ENUM: return "STRING";
    case OPTION_PASSWORD: return "PASSWORD";
    case OPTION_INT: return "INT";
    case OPTION_LONG:
    case OPTION_DURATION: return "LONG";
    case OPTION_BOOL: return "BOOLEAN";
    case OPTION_LIST:
    case OPTION_REGEXES: return "LIST";
    case OPTION_CLASS: return "CLASS";
    }
    return "STRING";
}
