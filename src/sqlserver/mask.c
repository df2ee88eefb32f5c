/*
 * Debezium's mappers, whose results people compare and join by: a mask is N asterisks whatever the value, a
 * hash the digest of salt and value in hexadecimal, cut to the column's length. v2 digests the text as UTF-8;
 * the first version digests what Java's ObjectOutputStream makes of it: a header, the length, and "modified
 * UTF-8", in which U+0000 is two bytes and characters beyond the BMP are two surrogates of three bytes each
 * (Java Object Serialization Specification, 6.4.2; DataInput).
 */
#include "sqlserver/mask.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/regexlist.h"

#define HASH  "column.mask.hash."
#define MASK  "column.mask.with."
#define CUT   "column.truncate.to."
#define SALT  ".with.salt."
#define CHARS ".chars"

enum { MAX_CHARS = 65535, MAX_SHORT_TEXT = 65535 };

typedef enum MaskKind { MASK_HASH, MASK_STARS, MASK_CUT } MaskKind; /* in the order in which they count */

struct MaskRule {
    MaskKind kind;
    RegexList *columns;
    char *name;        /* owned: to be shown */
    uint32_t chars;    /* MASK_STARS, MASK_CUT */
    bool is_uncut;     /* MASK_STARS: the column's length is none of the mask's */
    bool is_java;      /* MASK_HASH: the first version's */
    EVP_MD *algorithm; /* the same */
    char *salt;        /* owned, wiped */
};

struct MaskRules {
    MaskRule *rules; /* owned */
    size_t count;
};

struct Masker {
    const MaskRule *rule;
    size_t most_chars;           /* of the result; SIZE_MAX = no limit */
    char *stars;                 /* owned: MASK_STARS */
    EVP_MD_CTX *salted, *digest; /* MASK_HASH: the salt is in; one to work with */
    Buf body, java;
};

/* ---- rules ---- */

static bool parse_chars(MaskRule *r, Str text, Err *e) {
    int64_t n;
    Err unused;
    if (!str_ends(text, STR_LIT(CHARS)) ||
        !str_to_i64(str_sub(text, 0, text.n - strlen(CHARS)), 0, MAX_CHARS, &n, &unused))
        return err_set(e, ERR_INVALID, false, "it is %s<0 to %d>" CHARS, r->kind == MASK_CUT ? CUT : MASK,
                       MAX_CHARS);
    r->chars = (uint32_t)n;
    r->name = x_asprintf("%s%u" CHARS, r->kind == MASK_CUT ? CUT : MASK, r->chars);
    return true;
}

/* [v2.]ALG.with.salt.SALT; the salt is all that is left, dots and all. */
static bool parse_hash(MaskRule *r, Str text, Err *e) {
    r->is_java = !str_starts(text, STR_LIT("v2."));
    if (!r->is_java) text = str_sub(text, 3, text.n);
    const char *at = memmem(text.p, text.n, SALT, strlen(SALT));
    if (!at || at == text.p) return err_set(e, ERR_INVALID, false, "it is " HASH "<algorithm>" SALT "<salt>");
    size_t n = (size_t)(at - text.p);
    CLEANUP_FREE char *algorithm = str_dup(str_sub(text, 0, n));
    r->name = x_asprintf(HASH "%s%s" SALT "…", r->is_java ? "" : "v2.", algorithm);
    r->salt = str_dup(str_sub(text, n + strlen(SALT), text.n));
    r->algorithm = EVP_MD_fetch(NULL, algorithm, NULL);
    return r->algorithm ||
           err_set(e, ERR_INVALID, false,
                   "there is no hash algorithm %.40s: SHA-256, SHA-512, SHA3-256 and MD5 are some",
                   algorithm);
}

static bool add_rule(MaskRules *rules, MaskKind kind, Str text, const char *columns, Err *e) {
    rules->rules = x_reallocarray(rules->rules, rules->count + 1, sizeof *rules->rules);
    MaskRule *r = &rules->rules[rules->count++];
    *r = (MaskRule){.kind = kind};
    if (!(kind == MASK_HASH ? parse_hash(r, text, e) : parse_chars(r, text, e))) return false;
    return regexlist_compile(str_from(columns), &r->columns, e);
}

bool mask_rules_new(const Options *o, MaskRules **ret, Err *e) {
    static const char *const prefixes[] = {[MASK_HASH] = HASH, [MASK_STARS] = MASK, [MASK_CUT] = CUT};
    MaskRules *rules = x_calloc(1, sizeof *rules);
    for (size_t kind = 0; kind < sizeof prefixes / sizeof *prefixes; kind++) {
        CLEANUP_FREE char *pattern = x_asprintf("%s*", prefixes[kind]);
        const char *key, *value;
        for (size_t at = 0; options_next(o, pattern, &at, &key, &value);) {
            if (add_rule(rules, (MaskKind)kind, str_from(key + strlen(prefixes[kind])), value, e)) continue;
            const char *name = rules->rules[rules->count - 1].name;
            mask_rules_free(rules);
            return err_wrap(e, "%s", name && kind != MASK_HASH ? key : pattern);
        }
    }
    *ret = rules->count ? rules : mask_rules_free(rules);
    return true;
}

MaskRules *mask_rules_free(MaskRules *rules) {
    if (!rules) return NULL;
    for (size_t i = 0; i < rules->count; i++) {
        MaskRule *r = &rules->rules[i];
        regexlist_free(r->columns);
        EVP_MD_free(r->algorithm);
        if (r->salt) explicit_bzero(r->salt, strlen(r->salt));
        free(r->salt);
        free(r->name);
    }
    free(rules->rules);
    free(rules);
    return NULL;
}

static bool is_text(const Column *c) {
    switch (c->type) {
    case SQLTYPE_CHAR:
    case SQLTYPE_VARCHAR:
    case SQLTYPE_TEXT:
    case SQLTYPE_NCHAR:
    case SQLTYPE_NVARCHAR:
    case SQLTYPE_NTEXT: return true;
    default: return false;
    }
}

/* A column as rules name it. */
typedef struct Named {
    Buf text;
    Str with_database, name;
} Named;

static void named_done(Named *n) {
    buf_done(&n->text);
}

static void name_of(Str database, Str qualified, Str column, Named *n) {
    buf_printf(&n->text, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(database), STR_ARG(qualified),
               STR_ARG(column));
    n->with_database = buf_view(&n->text);
    n->name = str_sub(n->with_database, database.n + 1, n->with_database.n);
}

/* The first rule from *at on that names it, and *at behind that one; NULL = none does. */
static const MaskRule *next_rule(const MaskRules *rules, const Named *n, size_t *at) {
    while (*at < rules->count) {
        const MaskRule *r = &rules->rules[(*at)++];
        if (regexlist_match(r->columns, n->name) || regexlist_match(r->columns, n->with_database)) return r;
    }
    return NULL;
}

void mask_mark(const MaskRules *rules, Str database, Str qualified, Column *column) {
    if (!rules) return;
    CLEANUP(named_done) Named n = {0};
    size_t at = 0;
    name_of(database, qualified, column->name, &n);
    const MaskRule *r = next_rule(rules, &n, &at);
    if (!r) return;
    column->is_cut = r->kind == MASK_CUT;
    column->is_masked = !column->is_cut;
    column->cut_chars = r->chars;
}

void mask_rules_set_uncut(MaskRules *r) {
    for (size_t i = 0; r && i < r->count; i++) r->rules[i].is_uncut = true;
}

bool mask_find(const MaskRules *rules, Str database, Str qualified, const Column *column,
               const MaskRule **ret, Err *e) {
    *ret = NULL;
    if (!rules) return true;
    CLEANUP(named_done) Named n = {0};
    size_t at = 0;
    name_of(database, qualified, column->name, &n);
    for (const MaskRule *r; (r = next_rule(rules, &n, &at));) {
        if (is_text(column)) {
            *ret = r;
            return true;
        }
        if (r->kind != MASK_CUT)
            return err_set(e, ERR_INVALID, false,
                           "%s names column " STR_FMT
                           ", which is %s: only text is masked, so it would go out "
                           "as it is; leave it out by column.exclude.list, or let the expression name less",
                           r->name, STR_ARG(n.name), sqltype_name(column->type));
    }
    return true;
}

const char *mask_rule_name(const MaskRule *rule) {
    return rule->name;
}

/* ---- values ---- */

Masker *masker_new(const MaskRule *rule, const Column *column) {
    Masker *m = x_calloc(1, sizeof *m);
    m->rule = rule;
    m->most_chars = column->length > 0 ? (size_t)column->length : SIZE_MAX;
    if (rule->kind == MASK_STARS) {
        if (rule->is_uncut || m->most_chars > rule->chars) m->most_chars = rule->chars;
        m->stars = x_calloc(m->most_chars + 1, 1);
        memset(m->stars, '*', m->most_chars);
    } else if (rule->kind == MASK_HASH) {
        m->salted = EVP_MD_CTX_new();
        m->digest = EVP_MD_CTX_new();
        bool ok = m->salted && m->digest && EVP_DigestInit_ex(m->salted, rule->algorithm, NULL) &&
                  EVP_DigestUpdate(m->salted, rule->salt, strlen(rule->salt));
        assert(ok && "a fetched digest begins");
        (void)ok;
    }
    return m;
}

Masker *masker_free(Masker *m) {
    if (!m) return NULL;
    EVP_MD_CTX_free(m->salted);
    EVP_MD_CTX_free(m->digest);
    buf_done(&m->body);
    buf_done(&m->java);
    free(m->stars);
    free(m);
    return NULL;
}

/* The text's first chars UTF-16 units; a pair isn't parted. */
static uint32_t cut_at(const Value *v, uint32_t chars) {
    uint32_t units = 0;
    if (v->n <= chars) return v->n;
    for (uint32_t i = 0; i < v->n;) {
        uint8_t lead = (uint8_t)v->v.p[i];
        uint32_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        units += bytes == 4 ? 2 : 1;
        if (units > chars) return i;
        i += bytes;
    }
    return v->n;
}

static void put_unit(Buf *out, unsigned u) {
    if (u != 0 && u < 0x80) {
        buf_u8(out, (uint8_t)u);
        return;
    }
    if (u >= 0x800) buf_u8(out, (uint8_t)(0xe0 | u >> 12));
    buf_u8(out, (uint8_t)(u >= 0x800 ? 0x80 | (u >> 6 & 0x3f) : 0xc0 | u >> 6));
    buf_u8(out, (uint8_t)(0x80 | (u & 0x3f)));
}

static void put_modified_utf8(Str s, Buf *out) {
    for (size_t i = 0; i < s.n;) {
        uint8_t lead = (uint8_t)s.p[i];
        if (lead < 0xf0 || i + 4 > s.n) {
            if (lead == 0) put_unit(out, 0);
            else buf_u8(out, lead);
            i++;
            continue;
        }
        unsigned code = (lead & 7u) << 18 | ((uint8_t)s.p[i + 1] & 0x3fu) << 12 |
                        ((uint8_t)s.p[i + 2] & 0x3fu) << 6 | ((uint8_t)s.p[i + 3] & 0x3fu);
        put_unit(out, 0xd800 + ((code - 0x10000) >> 10));
        put_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
        i += 4;
    }
}

/* STREAM_MAGIC, STREAM_VERSION, TC_STRING and 2 bytes of length or TC_LONGSTRING and 8. */
static Str java_object(Masker *m, Str text) {
    buf_clear(&m->body);
    put_modified_utf8(text, &m->body);
    bool is_short = m->body.n <= MAX_SHORT_TEXT;
    buf_clear(&m->java);
    buf_be32(&m->java, 0xaced0005);
    buf_u8(&m->java, is_short ? 0x74 : 0x7c);
    if (is_short) buf_be16(&m->java, (uint16_t)m->body.n);
    else buf_be64(&m->java, m->body.n);
    buf_str(&m->java, buf_view(&m->body));
    return buf_view(&m->java);
}

static void hash(Masker *m, Value *v, Arena *arena) {
    static const char hex[] = "0123456789abcdef";
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    Str text = value_str(v);
    if (m->rule->is_java) text = java_object(m, text);
    bool ok = EVP_MD_CTX_copy_ex(m->digest, m->salted) && EVP_DigestUpdate(m->digest, text.p, text.n) &&
              EVP_DigestFinal_ex(m->digest, digest, &size);
    assert(ok && "a begun digest ends");
    (void)ok;
    size_t n = 2 * (size_t)size < m->most_chars ? 2 * (size_t)size : m->most_chars;
    char *out = arena_bytes(arena, n + 1);
    for (size_t i = 0; i < n; i++) out[i] = hex[i % 2 ? digest[i / 2] & 15 : digest[i / 2] >> 4];
    *v = value_bytes(out, (uint32_t)n);
}

void masker_apply(Masker *m, Value *values, size_t stride, size_t rows, Arena *arena) {
    Str stars = {0};
    if (m->rule->kind == MASK_STARS && rows) stars = arena_str(arena, (Str){m->stars, m->most_chars});
    for (size_t i = 0; i < rows; i++) {
        Value *v = &values[i * stride];
        if (m->rule->kind == MASK_STARS) {
            *v = value_bytes(stars.p, (uint32_t)stars.n);
        } else if (!v->flags) {
            if (m->rule->kind == MASK_HASH) hash(m, v, arena);
            else v->n = cut_at(v, m->rule->chars);
        }
    }
}
