/*
 * Names over 63 bytes. PostgreSQL would cut them silently, and two long names with the same start would
 * become one table. We shorten them ourselves, with a hash of the whole name at the end, and refuse what
 * still collides.
 *
 * The format is expanded part by part: a dot outside quotes begins a new part. A dot that comes out of
 * ${topic} does so too in Confluent's style (unless quoted), but one inside ${source.table} never does: it
 * belongs to that name.
 */
#include "postgres/pgname.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/strmap.h"

struct PgNameRule {
    char *format;
    char *topic_prefix;
    bool has_topics;
    TransformRoute *route;
    PgTopicStyle topic_style;
    bool is_folded;
    StrMap *taken;   /* "schema"."table" in the target → source table, owned text */
    StrMap *schemas; /* schema in the target → the name that it was made of, owned text */
};

enum { MAX_PARTS = 8 };

typedef struct Parts {
    Buf part[MAX_PARTS];
    size_t count; /* parts begun; the last is being filled */
    bool is_overfull;
} Parts;

void pgname_quote(Buf *out, Str name) {
    buf_u8(out, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"') buf_u8(out, '"');
        buf_u8(out, (uint8_t)name.p[i]);
    }
    buf_u8(out, '"');
}

void pgname_qualified(Buf *out, Str schema, Str table) {
    if (schema.n > 0) {
        pgname_quote(out, schema);
        buf_u8(out, '.');
    }
    pgname_quote(out, table);
}

void pgname_fit(Buf *out, Str name) {
    if (name.n <= PGNAME_MAX_BYTES) {
        buf_str(out, name);
        return;
    }
    size_t keep = PGNAME_MAX_BYTES - 9;
    while (keep > 0 && ((uint8_t)name.p[keep] & 0xC0) == 0x80) keep--; /* not inside a UTF-8 sequence */
    buf_str(out, str_sub(name, 0, keep));
    buf_printf(out, "_%08x", (unsigned)(hash_bytes(name.p, name.n, 0) & 0xFFFFFFFFu));
}

void pgname_table_done(PgTableName *name) {
    free(name->schema);
    free(name->table);
    *name = (PgTableName){0};
}

static void fold(Buf *b, size_t from) {
    for (size_t i = from; i < b->n; i++)
        if (b->p[i] >= 'A' && b->p[i] <= 'Z') b->p[i] = (uint8_t)(b->p[i] + ('a' - 'A'));
}

static void parts_done(Parts *p) {
    for (size_t i = 0; i < MAX_PARTS; i++) buf_done(&p->part[i]);
}

static void parts_next(Parts *p) {
    if (p->count == MAX_PARTS) p->is_overfull = true;
    else p->count++;
}

static void parts_add(Parts *p, Str text) {
    buf_str(&p->part[p->count - 1], text);
}

/* ${topic}: prefix.database.schema.table, each piece with its own dots. */
static void expand_topic(const PgNameRule *rule, const Schema *s, bool in_quotes, Parts *out) {
    CLEANUP(buf_done) Buf topic = {0}, made = {0};
    if (s->topic.n > 0) buf_str(&topic, s->topic);
    else {
        buf_printf(&made, "%s." STR_FMT "." STR_FMT "." STR_FMT, rule->topic_prefix, STR_ARG(s->database),
                   STR_ARG(s->schema), STR_ARG(s->table));
        transform_route_sink(rule->route, buf_view(&made), &topic);
    }
    for (size_t i = 0; i < topic.n; i++) {
        bool is_dot = topic.p[i] == '.';
        if (is_dot && rule->topic_style == PGTOPIC_SPLIT && !in_quotes) {
            parts_next(out);
        } else {
            char c = is_dot && rule->topic_style == PGTOPIC_UNDERSCORE ? '_' : (char)topic.p[i];
            parts_add(out, (Str){&c, 1});
        }
    }
}

/* The placeholder that *format begins with ("${…}"), expanded; *format moves behind it. out NULL = only
 * check. */
static bool expand_placeholder(const PgNameRule *rule, const Schema *s, bool in_quotes, Str *format,
                               Parts *out, Err *e) {
    size_t end = str_find(*format, '}');
    if (end == format->n)
        return err_set(e, ERR_INVALID, false, "table name format '%s': '${' isn't closed", rule->format);
    Str name = str_sub(*format, 2, end - 2);
    *format = str_sub(*format, end + 1, SIZE_MAX);
    if (str_eq_c(name, "topic")) {
        if (rule->topic_prefix[0] == '\0' && !rule->has_topics)
            return err_set(e, ERR_INVALID, false,
                           "table name format '%s' has ${topic}, but the source has no topic.prefix",
                           rule->format);
        if (out) expand_topic(rule, s, in_quotes, out);
        return true;
    }
    static const char *const known[] = {"topic", "source.db", "source.schema", "source.table"};
    for (size_t i = 1; i < sizeof known / sizeof *known; i++) {
        if (!str_eq_c(name, known[i])) continue;
        if (out) parts_add(out, i == 1 ? s->database : i == 2 ? s->schema : s->table);
        return true;
    }
    const char *near = str_nearest(name, known, sizeof known / sizeof *known);
    return err_set(e, ERR_INVALID, false, "table name format '%s': unknown ${" STR_FMT "}%s%s%s",
                   rule->format, STR_ARG(name), near ? "; did you mean ${" : "", near ? near : "",
                   near ? "}?" : "");
}

/* Expand the whole format for s, or with out NULL only check it. */
static bool expand(const PgNameRule *rule, const Schema *s, Parts *out, Err *e) {
    Str format = str_from(rule->format);
    bool in_quotes = false;
    while (format.n > 0) {
        if (str_starts(format, STR_LIT("${"))) {
            if (!expand_placeholder(rule, s, in_quotes, &format, out, e)) return false;
            continue;
        }
        if (format.p[0] == '"') in_quotes = !in_quotes;
        else if (out && format.p[0] == '.' && !in_quotes) parts_next(out);
        else if (out) parts_add(out, str_sub(format, 0, 1));
        format = str_sub(format, 1, SIZE_MAX);
    }
    if (in_quotes)
        return err_set(e, ERR_INVALID, false, "table name format '%s': a quote isn't closed", rule->format);
    return true;
}

bool pgname_rule_new(const PgNameRuleSpec *spec, PgNameRule **ret, Err *e) {
    PgNameRule *rule = x_calloc(1, sizeof *rule);
    rule->format = str_dup(spec->format);
    rule->topic_prefix = str_dup(spec->topic_prefix);
    rule->has_topics = spec->has_topics;
    rule->route = spec->route;
    rule->topic_style = spec->topic_style;
    rule->is_folded = spec->is_folded;
    rule->taken = strmap_new(/* ignore_case= */ false);
    rule->schemas = strmap_new(/* ignore_case= */ false);
    bool ok = spec->format.n > 0 ? expand(rule, /* s= */ NULL, /* out= */ NULL, e)
                                 : err_set(e, ERR_INVALID, false, "the table name format is empty");
    if (!ok) {
        pgname_rule_free(rule);
        return false;
    }
    *ret = rule;
    return true;
}

PgNameRule *pgname_rule_free(PgNameRule *rule) {
    if (!rule) return NULL;
    strmap_free_all(rule->taken);
    strmap_free_all(rule->schemas);
    free(rule->format);
    free(rule->topic_prefix);
    free(rule);
    return NULL;
}

bool pgname_rule_wants_source(const PgNameRule *rule) {
    return strstr(rule->format, "${source.") != NULL;
}

static char *part_name(const PgNameRule *rule, Buf *part) {
    if (rule->is_folded) fold(part, 0);
    CLEANUP(buf_done) Buf fitted = {0};
    pgname_fit(&fitted, buf_view(part));
    return str_dup(buf_view(&fitted));
}

static bool check_parts(const PgNameRule *rule, const Schema *s, const Parts *p, Err *e) {
    if (p->is_overfull || p->count > 3)
        return err_set(
            e, ERR_INVALID, false,
            "table name format '%s' makes a name of %zu parts for %s; PostgreSQL has schema.table: use "
            "${source.schema}.${source.table}, or \"${topic}\" in quotes for one long name",
            rule->format, p->count, s->qualified);
    for (size_t i = 0; i < p->count; i++)
        if (p->part[i].n == 0)
            return err_set(e, ERR_INVALID, false,
                           "table name format '%s' makes a name with an empty part for %s", rule->format,
                           s->qualified);
    return true;
}

/* Remember that name belongs to s; refuse it when it is another source table's. */
static bool claim(PgNameRule *rule, const Schema *s, const PgTableName *name, Err *e) {
    CLEANUP(buf_done) Buf key = {0}, source = {0};
    pgname_qualified(&key, str_from(name->schema), str_from(name->table));
    pgname_qualified(&source, s->database, str_from(s->qualified));
    if (s->topic.n > 0 && strstr(rule->format, "${topic}")) { /* whatever the topic was merged of */
        buf_clear(&source);
        pgname_quote(&source, s->topic);
    }
    const char *owner = strmap_get(rule->taken, buf_view(&key));
    if (!owner) {
        strmap_set(rule->taken, buf_view(&key), str_dup(buf_view(&source)));
        return true;
    }
    if (strcmp(owner, buf_text(&source)) == 0) return true;
    return err_set(e, ERR_INVALID, false, "both %s and %s would go to the table %s; change table.name.format",
                   owner, buf_text(&source), buf_text(&key));
}

/* Two names that folding or shortening makes one schema of: their tables would be mixed. (A schema that the
 * format names itself is made of one name.) */
static bool claim_schema(PgNameRule *rule, const Schema *s, const char *schema, Str made_of, Err *e) {
    const char *before = strmap_get(rule->schemas, str_from(schema));
    if (!before) {
        strmap_set(rule->schemas, str_from(schema), str_dup(made_of));
        return true;
    }
    if (str_eq_c(made_of, before)) return true;
    return err_set(e, ERR_INVALID, false,
                   "%s: the schemas %s and " STR_FMT
                   " would both become %s in the target; change table.name.format",
                   s->qualified, before, STR_ARG(made_of), schema);
}

bool pgname_rule_find(const PgNameRule *rule, const Schema *s, PgTableName *ret, Err *e) {
    CLEANUP(parts_done) Parts p = {.count = 1};
    if (!expand(rule, s, &p, e) || !check_parts(rule, s, &p, e)) return false;
    *ret = (PgTableName){.table = part_name(rule, &p.part[p.count - 1])};
    if (p.count > 1) ret->schema = part_name(rule, &p.part[p.count - 2]);
    return true;
}

bool pgname_rule_table(PgNameRule *rule, const Schema *s, PgTableName *ret, Err *e) {
    CLEANUP(parts_done) Parts p = {.count = 1};
    if (!expand(rule, s, &p, e) || !check_parts(rule, s, &p, e)) return false;
    PgTableName name = {.table = part_name(rule, &p.part[p.count - 1])};
    CLEANUP_FREE char *made_of = NULL;
    if (p.count > 1) { /* of three, the first is the database */
        made_of = str_dup(buf_view(&p.part[p.count - 2]));
        name.schema = part_name(rule, &p.part[p.count - 2]);
    }
    if ((made_of && !claim_schema(rule, s, name.schema, str_from(made_of), e)) || !claim(rule, s, &name, e)) {
        pgname_table_done(&name);
        return false;
    }
    *ret = name;
    return true;
}

void pgname_rule_column(const PgNameRule *rule, Str column, Buf *out) {
    CLEANUP(buf_done) Buf folded = {0};
    buf_str(&folded, column);
    if (rule->is_folded) fold(&folded, 0);
    pgname_fit(out, buf_view(&folded));
}
