/*
 * The .properties reader follows java.util.Properties.load: natural lines are joined into a logical line
 * where an odd number of backslashes stands at the end; the key ends at the first '=', ':' or blank that
 * isn't escaped; escapes are taken out last. Working on the joined but still escaped line keeps that order,
 * on which odd files depend.
 *
 * jansson gives no places of keys, so those of a JSON file come from a scan of its text (find_json_lines),
 * which may rely on the text being valid.
 */
#include "config/props.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "base/utf.h"
#include "config/secret.h"
#include "config/textlist.h"

struct Props {
    Prop **items; /* owned each, so that pointers to them last */
    size_t count;
    StrMap *by_key;
    TextList origins;
};

Props *props_new(void) {
    Props *p = x_calloc(1, sizeof *p);
    p->by_key = strmap_new(/* ignore_case= */ false);
    return p;
}

Props *props_free(Props *p) {
    if (!p) return NULL;
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i]->key);
        secret_wipe_free(p->items[i]->value);
        free(p->items[i]);
    }
    free(p->items);
    p->by_key = strmap_free(p->by_key);
    textlist_done(&p->origins);
    free(p);
    return NULL;
}

/* A text is freed with the set, so that properties can borrow it. */
static const char *keep_origin(Props *p, const char *origin) {
    for (size_t i = 0; i < p->origins.count; i++)
        if (strcmp(p->origins.items[i], origin) == 0) return p->origins.items[i];
    textlist_add(&p->origins, str_from(origin));
    return p->origins.items[p->origins.count - 1];
}

void props_set(Props *p, const char *key, Str value, const char *origin, int line) {
    origin = keep_origin(p, origin);
    Prop *prop = strmap_get(p->by_key, str_from(key));
    int earlier_line = 0;
    if (prop) {
        if (prop->origin == origin) earlier_line = prop->line;
        secret_wipe_free(prop->value);
    } else {
        prop = x_calloc(1, sizeof *prop);
        prop->key = x_strdup(key);
        p->items = x_reallocarray(p->items, p->count + 1, sizeof(Prop *));
        p->items[p->count++] = prop;
        (void)strmap_set(p->by_key, str_from(key), prop);
    }
    prop->value = str_dup(value);
    prop->origin = origin;
    prop->line = line;
    prop->earlier_line = earlier_line;
    prop->is_reference = false;
}

void props_add(Props *p, const Prop *prop) {
    props_set(p, prop->key, str_from(prop->value), prop->origin, prop->line);
    Prop *copy = strmap_get(p->by_key, str_from(prop->key));
    copy->is_reference = prop->is_reference;
}

const Prop *props_get(const Props *p, const char *key) {
    return strmap_get(p->by_key, str_from(key));
}

const char *props_value(const Props *p, const char *key, const char *otherwise) {
    const Prop *prop = props_get(p, key);
    return prop ? prop->value : otherwise;
}

size_t props_count(const Props *p) {
    return p->count;
}

const Prop *props_at(const Props *p, size_t i) {
    assert(i < p->count);
    return p->items[i];
}

const char *props_origin(const Props *p) {
    return p->origins.count ? p->origins.items[0] : "configuration";
}

static const char *place_text(const char *origin, int line, char buf[static PROPS_PLACE_SIZE]) {
    if (line > 0) (void)snprintf(buf, PROPS_PLACE_SIZE, "%s:%d", origin, line);
    else (void)snprintf(buf, PROPS_PLACE_SIZE, "%s", origin);
    return buf;
}

const char *props_place(const Prop *prop, char buf[static PROPS_PLACE_SIZE]) {
    return place_text(prop->origin, prop->line, buf);
}

/* ---- .properties ---- */

static bool is_java_blank(char c) {
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_line_end(char c) {
    return c == '\n' || c == '\r';
}

typedef struct Reader {
    Str left;
    int line; /* of the next natural line */
} Reader;

/* Cut the next natural line off, without its end. */
static Str natural_line(Reader *r) {
    size_t n = 0;
    while (n < r->left.n && !is_line_end(r->left.p[n])) n++;
    Str line = str_sub(r->left, 0, n);
    bool is_crlf = n + 1 < r->left.n && r->left.p[n] == '\r' && r->left.p[n + 1] == '\n';
    r->left = str_sub(r->left, n + (is_crlf ? 2 : 1), r->left.n);
    r->line++;
    return line;
}

static Str skip_blanks(Str s) {
    size_t n = 0;
    while (n < s.n && is_java_blank(s.p[n])) n++;
    return str_sub(s, n, s.n);
}

static bool ends_in_open_backslash(Str s) {
    size_t n = 0;
    while (n < s.n && s.p[s.n - 1 - n] == '\\') n++;
    return n % 2 == 1;
}

/* The next logical line, escapes still in it. false at the end of the text. */
static bool logical_line(Reader *r, Buf *ret, int *ret_line) {
    buf_clear(ret);
    while (r->left.n > 0) {
        *ret_line = r->line;
        Str part = skip_blanks(natural_line(r));
        if (part.n == 0 || part.p[0] == '#' || part.p[0] == '!') continue;
        while (ends_in_open_backslash(part)) {
            buf_str(ret, str_sub(part, 0, part.n - 1));
            part = skip_blanks(natural_line(r));
        }
        buf_str(ret, part);
        if (ret->n > 0) return true; /* a lone backslash and a blank line are as blank lines to Java */
    }
    return false;
}

/* Where the key ends and where the value begins. */
static void split_line(Str line, Str *key, Str *value) {
    size_t n = 0;
    bool is_escaped = false;
    for (; n < line.n; n++) {
        char c = line.p[n];
        if (!is_escaped && (c == '=' || c == ':' || is_java_blank(c))) break;
        is_escaped = c == '\\' && !is_escaped;
    }
    *key = str_sub(line, 0, n);
    *value = skip_blanks(str_sub(line, n, line.n));
    if (value->n > 0 && (value->p[0] == '=' || value->p[0] == ':'))
        *value = skip_blanks(str_sub(*value, 1, value->n));
}

static bool read_hex4(Str s, uint32_t *ret) {
    if (s.n < 4) return false;
    uint32_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = s.p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return false;
        v = v << 4 | (uint32_t)digit;
    }
    *ret = v;
    return true;
}

/* One or two \uXXXX at s (behind the first "\u") as UTF-8; *used gets the bytes taken. false: malformed. */
static bool add_unicode(Str s, Buf *ret, size_t *used) {
    uint32_t units[2] = {0, 0};
    if (!read_hex4(s, &units[0])) return false;
    size_t count = 1;
    *used = 4;
    bool is_high = units[0] >= 0xd800 && units[0] <= 0xdbff;
    if (is_high && s.n >= 10 && s.p[4] == '\\' && s.p[5] == 'u' && read_hex4(str_sub(s, 6, 4), &units[1]) &&
        units[1] >= 0xdc00 && units[1] <= 0xdfff) {
        count = 2;
        *used = 10;
    }
    uint8_t utf16[4] = {(uint8_t)units[0], (uint8_t)(units[0] >> 8), (uint8_t)units[1],
                        (uint8_t)(units[1] >> 8)};
    ret->n += utf_16le_to_8(utf16, 2 * count, (char *)buf_reserve(ret, UTF_MAX8(2 * count)), NULL);
    return units[0] != 0; /* a NUL can be in no value of ours */
}

static bool unescape(Str s, Buf *ret, Err *e) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\') {
            buf_u8(ret, (uint8_t)s.p[i]);
            continue;
        }
        if (++i == s.n) break; /* only where the file ends in a backslash */
        size_t used = 0;
        switch (s.p[i]) {
        case 't': buf_u8(ret, '\t'); break;
        case 'n': buf_u8(ret, '\n'); break;
        case 'r': buf_u8(ret, '\r'); break;
        case 'f': buf_u8(ret, '\f'); break;
        case 'u':
            if (!add_unicode(str_sub(s, i + 1, s.n), ret, &used))
                return err_set(e, ERR_INVALID, false, "malformed \\uXXXX escape");
            i += used;
            break;
        default: buf_u8(ret, (uint8_t)s.p[i]);
        }
    }
    return true;
}

/* Java reads these files as ISO 8859-1. People write UTF-8, which is told apart safely: so take either. */
static Str as_utf8(Str text, Buf *room) {
    if (str_starts(text, STR_LIT("\xef\xbb\xbf"))) text = str_sub(text, 3, text.n);
    if (utf_valid8(text)) return text;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];
        if (c < 0x80) {
            buf_u8(room, c);
        } else {
            buf_u8(room, (uint8_t)(0xc0 | c >> 6));
            buf_u8(room, (uint8_t)(0x80 | (c & 0x3f)));
        }
    }
    return buf_view(room);
}

/* Overwrites what it frees: the buffers of a parser have held passwords. */
static void wipe_buf(Buf *b) {
    if (b->p) explicit_bzero(b->p, b->cap);
    buf_done(b);
}

static bool check_size(const char *origin, Str text, Err *e) {
    if (text.n > PROPS_MAX_FILE_BYTES)
        return err_set(e, ERR_RANGE, false, "%s: larger than %d bytes", origin, PROPS_MAX_FILE_BYTES);
    if (text.n && memchr(text.p, '\0', text.n))
        return err_set(e, ERR_INVALID, false, "%s: holds a NUL byte", origin);
    return true;
}

bool props_parse_properties(Props *p, const char *origin, Str text, Err *e) {
    if (!check_size(origin, text, e)) return false;
    (void)keep_origin(p, origin);
    CLEANUP(wipe_buf) Buf utf8 = {0};
    CLEANUP(wipe_buf) Buf line = {0};
    CLEANUP(wipe_buf) Buf key = {0};
    CLEANUP(wipe_buf) Buf value = {0};
    Reader r = {as_utf8(text, &utf8), 1};
    int at = 0;
    while (logical_line(&r, &line, &at)) {
        Str raw_key, raw_value;
        split_line(buf_view(&line), &raw_key, &raw_value);
        buf_clear(&key);
        buf_clear(&value);
        if (!unescape(raw_key, &key, e) || !unescape(raw_value, &value, e))
            return err_wrap(e, "%s:%d", origin, at);
        props_set(p, buf_text(&key), buf_view(&value), origin, at);
    }
    return true;
}

/* ---- .json ---- */

/* Behind the string that begins at text[i] (its opening quote). */
static size_t skip_json_string(Str text, size_t i) {
    for (i++; i < text.n && text.p[i] != '"'; i++)
        if (text.p[i] == '\\') i++;
    return i + 1;
}

/* Set the line of each key that stands at the given depth of nesting. The text is valid JSON; a key written
 * with escapes isn't found, and keeps line 0. */
static void find_json_lines(Str text, int wanted_depth, StrMap *lines) {
    int depth = 0;
    intptr_t line = 1;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n') line++;
        if (c == '{' || c == '[') depth++;
        if (c == '}' || c == ']') depth--;
        if (c != '"') continue;
        size_t end = skip_json_string(text, i), behind = end;
        while (behind < text.n && (is_java_blank(text.p[behind]) || is_line_end(text.p[behind]))) behind++;
        bool is_key = behind < text.n && text.p[behind] == ':';
        if (is_key && depth == wanted_depth && end - i >= 2)
            (void)strmap_set(lines, str_sub(text, i + 1, end - i - 2), (void *)line);
        i = end - 1; /* a string has no raw line ends */
    }
}

static int line_of(const StrMap *lines, const char *key) {
    return (int)(intptr_t)strmap_get(lines, str_from(key));
}

/* As Jackson makes a text of a scalar; false for null, which is as if it weren't there; -1 for anything else.
 */
static int scalar_text(const json_t *value, Buf *ret) {
    switch (json_typeof(value)) {
    case JSON_STRING: buf_add(ret, json_string_value(value), json_string_length(value)); return 1;
    case JSON_INTEGER: buf_printf(ret, "%lld", (long long)json_integer_value(value)); return 1;
    case JSON_REAL: buf_printf(ret, "%.17g", json_real_value(value)); return 1;
    case JSON_TRUE: buf_cstr(ret, "true"); return 1;
    case JSON_FALSE: buf_cstr(ret, "false"); return 1;
    case JSON_NULL: return 0;
    default: return -1;
    }
}

static bool add_members(Props *p, const char *origin, json_t *object, const StrMap *lines, Err *e) {
    CLEANUP(wipe_buf) Buf text = {0};
    for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
        const char *key = json_object_iter_key(it);
        buf_clear(&text);
        int kind = scalar_text(json_object_iter_value(it), &text);
        char place[PROPS_PLACE_SIZE];
        if (kind < 0)
            return err_set(e, ERR_INVALID, false, "%s: %s: expected a text, a number, true or false",
                           place_text(origin, line_of(lines, key), place), key);
        if (kind > 0) props_set(p, key, buf_view(&text), origin, line_of(lines, key));
    }
    return true;
}

/* The name beside "config" is the one inside it; two that differ are refused, as by Connect. */
static bool add_connector(Props *p, const char *origin, json_t *root, json_t *config, Str text, Err *e) {
    StrMap *lines = strmap_new(/* ignore_case= */ false);
    find_json_lines(text, 2, lines);
    bool ok = add_members(p, origin, config, lines, e);
    lines = strmap_free(lines);
    if (!ok) return false;
    const char *outer = json_string_value(json_object_get(root, "name"));
    const Prop *inner = props_get(p, "name");
    char place[PROPS_PLACE_SIZE];
    if (outer && inner && strcmp(outer, inner->value) != 0)
        return err_set(e, ERR_INVALID, false, "%s: name: '%s' is not the connector's name '%s'",
                       props_place(inner, place), inner->value, outer);
    if (outer && !inner) props_set(p, "name", str_from(outer), origin, 0);
    return true;
}

static bool add_root(Props *p, const char *origin, json_t *root, Str text, Err *e) {
    if (!json_is_object(root)) return err_set(e, ERR_INVALID, false, "%s: expected a JSON object", origin);
    json_t *config = json_object_get(root, "config");
    if (json_is_object(config)) return add_connector(p, origin, root, config, text, e);
    StrMap *lines = strmap_new(/* ignore_case= */ false);
    find_json_lines(text, 1, lines);
    bool ok = add_members(p, origin, root, lines, e);
    lines = strmap_free(lines);
    return ok;
}

bool props_parse_json(Props *p, const char *origin, Str text, Err *e) {
    if (!check_size(origin, text, e)) return false;
    (void)keep_origin(p, origin);
    if (str_starts(text, STR_LIT("\xef\xbb\xbf"))) text = str_sub(text, 3, text.n);
    json_error_t fault;
    json_t *root = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &fault);
    if (!root) {
        /* "… near 'text'" may show a part of a password */
        char *near = strstr(fault.text, " near ");
        if (near) *near = '\0';
        return err_set(e, ERR_INVALID, false, "%s:%d: not JSON: %s", origin, fault.line, fault.text);
    }
    bool ok = add_root(p, origin, root, text, e);
    json_decref(root);
    return ok;
}

/* ---- files ---- */

static bool read_file(const char *path, Buf *ret, Err *e) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_set(e, ERR_IO, false, "%s: %s", path, strerror(errno));
    uint8_t *room = buf_reserve(ret, PROPS_MAX_FILE_BYTES + 1);
    bool ok = true;
    while (ret->n <= PROPS_MAX_FILE_BYTES) {
        ssize_t got = read(fd, room + ret->n, PROPS_MAX_FILE_BYTES + 1 - ret->n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) ok = err_set(e, ERR_IO, false, "%s: %s", path, strerror(errno));
        if (got <= 0) break;
        ret->n += (size_t)got;
    }
    (void)close(fd);
    return ok;
}

bool props_load(Props *p, const char *path, Err *e) {
    bool is_json = str_ends(str_from(path), STR_LIT(".json"));
    if (!is_json && !str_ends(str_from(path), STR_LIT(".properties")))
        return err_set(e, ERR_INVALID, false, "%s: expected a file that ends in .properties or .json", path);
    CLEANUP(wipe_buf) Buf text = {0};
    if (!read_file(path, &text, e)) return false;
    return is_json ? props_parse_json(p, path, buf_view(&text), e)
                   : props_parse_properties(p, path, buf_view(&text), e);
}

/* ---- references ---- */

typedef struct Reference {
    Str whole; /* "${…}" */
    Str provider, path, key;
} Reference;

/* The first reference in s by Kafka's pattern \$\{([^}]*?):(([^}]*?):)?([^}]*?)\}: the provider ends at the
 * first colon, a path at the second, the rest is the key. */
static bool find_reference(Str s, Reference *ret) {
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] != '$' || s.p[i + 1] != '{') continue;
        Str inner = str_sub(s, i + 2, s.n);
        size_t end = str_find(inner, '}');
        if (end == inner.n) return false;
        inner = str_sub(inner, 0, end);
        size_t colon = str_find(inner, ':');
        if (colon == inner.n) continue;
        Str rest = str_sub(inner, colon + 1, inner.n);
        size_t second = str_find(rest, ':');
        bool has_path = second < rest.n;
        *ret = (Reference){
            .whole = str_sub(s, i, end + 3),
            .provider = str_sub(inner, 0, colon),
            .path = has_path ? str_sub(rest, 0, second) : (Str){0},
            .key = has_path ? str_sub(rest, second + 1, rest.n) : rest,
        };
        return true;
    }
    return false;
}

static bool resolve_env(const Reference *ref, Buf *ret, Err *e) {
    CLEANUP_FREE char *name = str_dup(ref->key);
    const char *value = getenv(name);
    if (!value)
        return err_set(e, ERR_INVALID, false, "'" STR_FMT "': the environment variable %s is not set",
                       STR_ARG(ref->whole), name);
    buf_cstr(ret, value);
    return true;
}

static bool resolve_file(const Reference *ref, Buf *ret, Err *e) {
    CLEANUP_FREE char *path = str_dup(ref->path);
    CLEANUP_FREE char *key = str_dup(ref->key);
    CLEANUP(wipe_buf) Buf text = {0};
    if (!*path)
        return err_set(e, ERR_INVALID, false, "'" STR_FMT "': expected ${file:PATH:KEY}",
                       STR_ARG(ref->whole));
    if (!read_file(path, &text, e)) return err_wrap(e, "'" STR_FMT "'", STR_ARG(ref->whole));
    Props *file = props_new();
    bool ok = props_parse_properties(file, path, buf_view(&text), e);
    const Prop *prop = ok ? props_get(file, key) : NULL;
    if (prop) buf_cstr(ret, prop->value);
    else if (ok)
        ok = err_set(e, ERR_INVALID, false, "'" STR_FMT "': %s has no key '%s'", STR_ARG(ref->whole), path,
                     key);
    file = props_free(file);
    return ok;
}

static bool resolve_one(const Reference *ref, Buf *ret, Err *e) {
    if (str_eq_c(ref->provider, "env")) return resolve_env(ref, ret, e);
    if (str_eq_c(ref->provider, "file")) return resolve_file(ref, ret, e);
    return err_set(e, ERR_INVALID, false,
                   "'" STR_FMT "': unknown config provider '" STR_FMT "', expected env or file",
                   STR_ARG(ref->whole), STR_ARG(ref->provider));
}

static bool resolve_value(Prop *prop, Err *e) {
    Str left = str_from(prop->value);
    Reference ref;
    if (!find_reference(left, &ref)) return true;
    CLEANUP(wipe_buf) Buf out = {0};
    do {
        size_t before = (size_t)(ref.whole.p - left.p);
        buf_str(&out, str_sub(left, 0, before));
        if (!resolve_one(&ref, &out, e)) return false;
        left = str_sub(left, before + ref.whole.n, left.n); /* what was put in isn't scanned again */
    } while (find_reference(left, &ref));
    buf_str(&out, left);
    secret_wipe_free(prop->value);
    prop->value = str_dup(buf_view(&out));
    prop->is_reference = true;
    return true;
}

bool props_resolve(Props *p, Err *e) {
    for (size_t i = 0; i < p->count; i++) {
        char place[PROPS_PLACE_SIZE];
        Prop *prop = p->items[i];
        if (!resolve_value(prop, e)) return err_wrap(e, "%s: %s", props_place(prop, place), prop->key);
    }
    return true;
}
