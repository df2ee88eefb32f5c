/*
 * Written and read by hand: a JSON library refuses unpaired surrogates, and they are one of the reasons why a
 * change becomes a dead letter. The reader takes what the writer writes, with any blanks, and ignores members
 * that it doesn't know; `columns` has to stand before the rows.
 */
#include "postgres/dead_payload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf.h"
#include "record/civil.h"
#include "record/numtext.h"

enum { MAX_DEPTH = 8, GUID_BYTES = 16, OFFSET_LIMIT = 840 };

/* ---- writing ---- */

static bool is_surrogate(const uint8_t *p, size_t n) {
    return n >= 3 && p[0] == 0xED && p[1] >= 0xA0 && p[1] <= 0xBF && p[2] >= 0x80 && p[2] <= 0xBF;
}

/* Bytes of the UTF-8 character at p; 0 = malformed. */
static size_t char_bytes(const uint8_t *p, size_t n) {
    size_t want = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    return want <= n && utf_valid8((Str){(const char *)p, want}) ? want : 0;
}

static void add_text(Buf *out, Str s) {
    const uint8_t *p = (const uint8_t *)s.p;
    buf_u8(out, '"');
    for (size_t i = 0; i < s.n;) {
        uint8_t c = p[i];
        if (c == '"' || c == '\\') buf_printf(out, "\\%c", c);
        else if (c < 0x20) buf_printf(out, "\\u%04x", c);
        else if (c < 0x80) buf_u8(out, c);
        else {
            size_t n = char_bytes(p + i, s.n - i);
            if (n > 0) buf_add(out, p + i, n);
            else if (is_surrogate(p + i, s.n - i))
                buf_printf(out, "\\u%04x", 0xD000u | (unsigned)(p[i + 1] & 0x3F) << 6 | (p[i + 2] & 0x3F));
            else buf_cstr(out, "\\ufffd");
            i += n > 0 ? n : is_surrogate(p + i, s.n - i) ? 3 : 1;
            continue;
        }
        i++;
    }
    buf_u8(out, '"');
}

static void add_hex(Buf *out, const char *p, size_t n) {
    static const char digits[] = "0123456789abcdef";
    buf_cstr(out, "\"0x");
    uint8_t *to = buf_reserve(out, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = (uint8_t)digits[(uint8_t)p[i] >> 4];
        to[2 * i + 1] = (uint8_t)digits[(uint8_t)p[i] & 15];
    }
    out->n += 2 * n;
    buf_u8(out, '"');
}

static void add_quoted(Buf *out, const char *plain) {
    buf_printf(out, "\"%s\"", plain);
}

static void add_int(Buf *out, const Column *c, const Value *v) {
    char text[CIVIL_TEXT_SIZE], number[NUMTEXT_SIZE];
    switch (c->type) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY: add_quoted(out, numtext_format(v->v.i, c->scale, number)); break;
    case SQLTYPE_DATE: add_quoted(out, civil_format_date(v->v.i, text)); break;
    case SQLTYPE_TIME: add_quoted(out, civil_format_time(v->v.i, 7, text)); break;
    case SQLTYPE_SMALLDATETIME:
    case SQLTYPE_DATETIME:
    case SQLTYPE_DATETIME2: add_quoted(out, civil_format_datetime(v->v.i, 7, text)); break;
    case SQLTYPE_DATETIMEOFFSET: add_quoted(out, civil_format_offset(v->v.i, 7, v->aux, text)); break;
    default: buf_printf(out, "%lld", (long long)v->v.i); break;
    }
}

static void add_fault(Buf *out, const ValueFault *fault) {
    buf_cstr(out, "{\"unreadable\":");
    add_text(out, str_from(fault->why));
    if (fault->bytes >= 0) buf_printf(out, ",\"bytes\":%lld", (long long)fault->bytes);
    buf_u8(out, '}');
}

void dead_payload_value(const Column *c, const Value *v, Buf *out) {
    char number[NUMTEXT_SIZE];
    NumInt128 wide;
    if (value_is_unreadable(v)) {
        add_fault(out, value_fault(v));
        return;
    }
    if (value_is_null(v) || value_is_absent(v)) {
        buf_cstr(out, "null");
        return;
    }
    switch (sqltype_form(c->type, c->precision)) {
    case FORM_INT: add_int(out, c, v); break;
    case FORM_DOUBLE: buf_printf(out, isfinite(v->v.d) ? "%.17g" : "null", v->v.d); break;
    case FORM_INT128:
        memcpy(&wide, v->v.p, sizeof wide);
        add_quoted(out, numtext_format(wide, c->scale, number));
        break;
    case FORM_TEXT: add_text(out, value_str(v)); break;
    case FORM_GUID:
    case FORM_BYTES: add_hex(out, v->v.p, v->n); break;
    }
}

void dead_payload_row(const Schema *schema, const Value *row, const uint16_t *columns, size_t count,
                      Buf *out) {
    buf_u8(out, '{');
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const Column *c = &schema->columns[columns[i]];
        if (value_is_absent(&row[columns[i]])) continue;
        buf_cstr(out, n++ > 0 ? "," : "");
        add_text(out, c->name);
        buf_u8(out, ':');
        dead_payload_value(c, &row[columns[i]], out);
    }
    buf_u8(out, '}');
}

static const char *boolean(bool b) {
    return b ? "true" : "false";
}

static void add_column(Buf *out, const Column *c) {
    buf_cstr(out, "{\"name\":");
    add_text(out, c->name);
    buf_printf(out,
               ",\"type\":\"%s\",\"length\":%d,\"precision\":%u,\"scale\":%u,\"nullable\":%s,\"identity\":%s,"
               "\"computed\":%s,\"lob\":%s,\"id\":%d,\"key\":%d}",
               sqltype_name(c->type), (int)c->length, c->precision, c->scale, boolean(c->is_nullable),
               boolean(c->is_identity), boolean(c->is_computed), boolean(c->is_lob), (int)c->column_id,
               c->key);
}

static void add_row(Buf *out, const Schema *s, const Value *row) {
    if (!row) {
        buf_cstr(out, "null");
        return;
    }
    CLEANUP_FREE uint16_t *all = x_calloc(s->column_count, sizeof *all);
    for (size_t i = 0; i < s->column_count; i++) all[i] = (uint16_t)i;
    dead_payload_row(s, row, all, s->column_count, out);
}

void dead_payload_write(const Change *change, Buf *out) {
    const Schema *s = change->schema;
    const Str names[] = {s->database, s->schema, s->table};
    buf_printf(out, "{\"format\":1,\"op\":\"%c\",\"table\":[", change->op);
    for (size_t i = 0; i < 3; i++) {
        buf_cstr(out, i > 0 ? "," : "");
        add_text(out, names[i]);
    }
    buf_cstr(out, "],\"columns\":[");
    for (size_t i = 0; i < s->column_count; i++) {
        buf_cstr(out, i > 0 ? "," : "");
        add_column(out, &s->columns[i]);
    }
    buf_cstr(out, "],\"before\":");
    add_row(out, s, change->before);
    buf_cstr(out, ",\"after\":");
    add_row(out, s, change->after);
    buf_u8(out, '}');
}

/* ---- reading ---- */

typedef struct Reader {
    const char *p, *end;
    Buf text; /* the string read last */
    Arena *arena;
} Reader;

static char next_char(Reader *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r')) r->p++;
    return r->p < r->end ? *r->p : '\0';
}

static bool take(Reader *r, char c) {
    if (next_char(r) != c) return false;
    r->p++;
    return true;
}

static bool take_word(Reader *r, const char *word) {
    size_t n = strlen(word);
    (void)next_char(r);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return false;
    r->p += n;
    return true;
}

static bool take_hex4(Reader *r, unsigned *ret) {
    unsigned v = 0;
    if (r->end - r->p < 4) return false;
    for (int i = 0; i < 4; i++) {
        char c = *r->p++;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit > 15) return false;
        v = v << 4 | digit;
    }
    *ret = v;
    return true;
}

/* As UTF-8; a surrogate as three bytes like any other. */
static void add_code(Buf *out, unsigned code) {
    if (code < 0x80) {
        buf_u8(out, (uint8_t)code);
    } else if (code < 0x800) {
        buf_u8(out, (uint8_t)(0xC0 | code >> 6));
        buf_u8(out, (uint8_t)(0x80 | (code & 0x3F)));
    } else {
        buf_u8(out, (uint8_t)(0xE0 | code >> 12));
        buf_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3F)));
        buf_u8(out, (uint8_t)(0x80 | (code & 0x3F)));
    }
}

static bool take_escape(Reader *r) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (r->p == r->end) return false;
    char c = *r->p++;
    unsigned code = 0;
    if (c == 'u') {
        if (!take_hex4(r, &code)) return false;
        add_code(&r->text, code);
        return true;
    }
    const char *at = c ? strchr(from, c) : NULL;
    if (!at) return false;
    buf_u8(&r->text, (uint8_t)to[at - from]);
    return true;
}

/* A string, into r->text. */
static bool take_text(Reader *r) {
    buf_clear(&r->text);
    if (!take(r, '"')) return false;
    while (r->p < r->end && *r->p != '"') {
        char c = *r->p++;
        if (c != '\\') buf_u8(&r->text, (uint8_t)c);
        else if (!take_escape(r)) return false;
    }
    return take(r, '"');
}

static Str take_bare(Reader *r) {
    (void)next_char(r);
    const char *start = r->p;
    while (r->p < r->end && *r->p && strchr("+-.0123456789eE", *r->p)) r->p++;
    return (Str){start, (size_t)(r->p - start)};
}

static bool take_number(Reader *r, int64_t lo, int64_t hi, int64_t *ret) {
    Err unused;
    return str_to_i64(take_bare(r), lo, hi, ret, &unused);
}

static bool take_bool(Reader *r, bool *ret) {
    *ret = take_word(r, "true");
    return *ret || take_word(r, "false");
}

/* Any value, left out. */
static bool skip(Reader *r, int depth) {
    char c = next_char(r), close = c == '{' ? '}' : ']';
    if (c == '"') return take_text(r);
    if (c != '{' && c != '[')
        return take_word(r, "null") || take_word(r, "true") || take_word(r, "false") || take_bare(r).n > 0;
    if (depth == 0) return false;
    r->p++;
    for (bool is_first = true; !take(r, close); is_first = false) {
        if (!is_first && !take(r, ',')) return false;
        if (c == '{' && (!take_text(r) || !take(r, ':'))) return false;
        if (!skip(r, depth - 1)) return false;
    }
    return true;
}

/* ---- reading: values ---- */

/* `digits` decimal digits. */
static bool digits(const char **p, const char *end, int count, int64_t *ret) {
    *ret = 0;
    for (int i = 0; i < count; i++, (*p)++) {
        if (*p == end || **p < '0' || **p > '9') return false;
        *ret = *ret * 10 + (**p - '0');
    }
    return true;
}

static bool mark(const char **p, const char *end, char c) {
    return *p < end && *(*p)++ == c;
}

static bool read_date(const char **p, const char *end, int64_t *ret_days) {
    int64_t y, m, d;
    if (!digits(p, end, 4, &y) || !mark(p, end, '-') || !digits(p, end, 2, &m) || !mark(p, end, '-') ||
        !digits(p, end, 2, &d) || !civil_is_valid(y, m, d))
        return false;
    *ret_days = civil_to_days((CivilDate){(int32_t)y, (uint8_t)m, (uint8_t)d});
    return true;
}

static bool read_time(const char **p, const char *end, int64_t *ret_ticks) {
    int64_t h, m, s, fraction;
    if (!digits(p, end, 2, &h) || !mark(p, end, ':') || !digits(p, end, 2, &m) || !mark(p, end, ':') ||
        !digits(p, end, 2, &s) || !mark(p, end, '.') || !digits(p, end, 7, &fraction) || h > 23 || m > 59 ||
        s > 59)
        return false;
    *ret_ticks = ((h * 60 + m) * 60 + s) * CIVIL_TICKS_PER_SECOND + fraction;
    return true;
}

/* "+02:00" */
static bool read_offset(const char **p, const char *end, int16_t *ret) {
    int64_t h, m;
    char sign = *p < end ? *(*p)++ : '\0';
    if ((sign != '+' && sign != '-') || !digits(p, end, 2, &h) || !mark(p, end, ':') ||
        !digits(p, end, 2, &m) || h * 60 + m > OFFSET_LIMIT)
        return false;
    *ret = (int16_t)(sign == '-' ? -(h * 60 + m) : h * 60 + m);
    return true;
}

static bool read_when(SqlType type, Str s, Value *ret) {
    const char *p = s.p, *end = s.p + s.n;
    int64_t days = CIVIL_DAY_0001, ticks = 0;
    bool has_date = type != SQLTYPE_TIME, has_time = type != SQLTYPE_DATE;
    if (has_date && !read_date(&p, end, &days)) return false;
    if (has_date && has_time && !mark(&p, end, ' ')) return false;
    if (has_time && !read_time(&p, end, &ticks)) return false;
    *ret = value_int(!has_time ? days : (days - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY + ticks);
    if (type == SQLTYPE_DATETIMEOFFSET) {
        if (!mark(&p, end, ' ') || !read_offset(&p, end, &ret->aux)) return false;
        ret->v.i -= ret->aux * 60 * CIVIL_TICKS_PER_SECOND; /* UTC */
    }
    return p == end;
}

static bool read_decimal(Reader *r, const Column *c, Value *ret) {
    NumInt128 v;
    Err unused;
    if (!numtext_parse(buf_view(&r->text), c->scale, &v, &unused)) return false;
    if (sqltype_form(c->type, c->precision) == FORM_INT) {
        *ret = value_int((int64_t)v);
        return true;
    }
    void *room = arena_alloc(r->arena, sizeof v);
    memcpy(room, &v, sizeof v);
    *ret = value_bytes(room, sizeof v);
    return true;
}

static bool read_bytes(Reader *r, Value *ret) {
    Str s = buf_view(&r->text);
    if (s.n < 2 || s.n % 2 != 0 || memcmp(s.p, "0x", 2) != 0) return false;
    Reader hex = {.p = s.p + 2, .end = s.p + s.n};
    size_t n = (s.n - 2) / 2;
    char *room = arena_bytes(r->arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        char pair[] = {'0', '0', hex.p[0], hex.p[1]};
        Reader one = {.p = pair, .end = pair + sizeof pair};
        unsigned byte = 0;
        if (!take_hex4(&one, &byte)) return false;
        room[i] = (char)byte;
        hex.p += 2;
    }
    *ret = value_bytes(room, (uint32_t)n);
    return true;
}

static bool read_text_value(Reader *r, const Column *c, Value *ret) {
    Str copy;
    switch (c->type) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY: return read_decimal(r, c, ret);
    case SQLTYPE_DATE:
    case SQLTYPE_TIME:
    case SQLTYPE_SMALLDATETIME:
    case SQLTYPE_DATETIME:
    case SQLTYPE_DATETIME2:
    case SQLTYPE_DATETIMEOFFSET: return read_when(c->type, buf_view(&r->text), ret);
    default: break;
    }
    if (sqltype_form(c->type, c->precision) != FORM_TEXT) return read_bytes(r, ret);
    copy = arena_str(r->arena, buf_view(&r->text));
    *ret = value_bytes(copy.p, (uint32_t)copy.n);
    return true;
}

/* {"unreadable":…,"bytes":…} */
static bool read_fault(Reader *r, Value *ret) {
    ValueFault *fault = arena_alloc(r->arena, sizeof *fault);
    *fault = (ValueFault){.bytes = -1};
    *ret = value_unreadable(fault);
    if (!take(r, '{')) return false;
    for (bool is_first = true; !take(r, '}'); is_first = false) {
        if ((!is_first && !take(r, ',')) || !take_text(r) || !take(r, ':')) return false;
        if (str_eq_c(buf_view(&r->text), "unreadable")) {
            if (!take_text(r)) return false;
            fault->why = arena_str(r->arena, buf_view(&r->text)).p;
        } else if (str_eq_c(buf_view(&r->text), "bytes")) {
            if (!take_number(r, 0, INT64_MAX, &fault->bytes)) return false;
        } else if (!skip(r, MAX_DEPTH)) {
            return false;
        }
    }
    return fault->why != NULL;
}

static bool read_value(Reader *r, const Column *c, Value *ret) {
    if (take_word(r, "null")) {
        *ret = value_null();
        return true;
    }
    if (next_char(r) == '"') return take_text(r) && read_text_value(r, c, ret);
    if (next_char(r) == '{') return read_fault(r, ret);
    if (sqltype_form(c->type, c->precision) == FORM_INT) {
        *ret = value_int(0);
        return take_number(r, INT64_MIN, INT64_MAX, &ret->v.i);
    }
    Str bare = take_bare(r);
    CLEANUP_FREE char *text = str_dup(bare);
    char *end = text;
    *ret = value_double(strtod(text, &end));
    return bare.n > 0 && *end == '\0' && sqltype_form(c->type, c->precision) == FORM_DOUBLE;
}

static bool read_row(Reader *r, const Schema *s, const Value **ret) {
    if (take_word(r, "null")) return true;
    if (!s || !take(r, '{')) return false;
    Value *row = ARENA_ARRAY(r->arena, Value, s->column_count);
    for (size_t i = 0; i < s->column_count; i++) row[i] = (Value){.flags = VALUE_ABSENT};
    for (bool is_first = true; !take(r, '}'); is_first = false) {
        if ((!is_first && !take(r, ',')) || !take_text(r)) return false;
        int at = schema_find(s, buf_view(&r->text));
        if (at < 0 || !take(r, ':') || !read_value(r, &s->columns[at], &row[at])) return false;
    }
    *ret = row;
    return true;
}

/* ---- reading: the schema ---- */

static bool read_number_member(Reader *r, const char *name, Column *c, bool *ret_known) {
    int64_t n = 0;
    *ret_known = true;
    if (strcmp(name, "length") == 0) {
        if (!take_number(r, -1, INT32_MAX, &n)) return false;
        c->length = (int32_t)n;
    } else if (strcmp(name, "precision") == 0) {
        if (!take_number(r, 0, UINT8_MAX, &n)) return false;
        c->precision = (uint8_t)n;
    } else if (strcmp(name, "scale") == 0) {
        if (!take_number(r, 0, UINT8_MAX, &n)) return false;
        c->scale = (uint8_t)n;
    } else if (strcmp(name, "id") == 0) {
        if (!take_number(r, 0, INT32_MAX, &n)) return false;
        c->column_id = (int32_t)n;
    } else if (strcmp(name, "key") == 0) {
        if (!take_number(r, 0, INT16_MAX, &n)) return false;
        c->key = (int16_t)n;
    } else *ret_known = false;
    return true;
}

static bool read_column_member(Reader *r, Column *c) {
    char name[16];
    if (!take_text(r) || !take(r, ':')) return false;
    (void)snprintf(name, sizeof name, "%s", buf_text(&r->text));
    bool is_known = false;
    if (!read_number_member(r, name, c, &is_known)) return false;
    if (is_known) return true;
    if (strcmp(name, "nullable") == 0) return take_bool(r, &c->is_nullable);
    if (strcmp(name, "identity") == 0) return take_bool(r, &c->is_identity);
    if (strcmp(name, "computed") == 0) return take_bool(r, &c->is_computed);
    if (strcmp(name, "lob") == 0) return take_bool(r, &c->is_lob);
    if (strcmp(name, "name") == 0) {
        if (!take_text(r)) return false;
        c->name = arena_str(r->arena, buf_view(&r->text));
        return true;
    }
    if (strcmp(name, "type") != 0) return skip(r, MAX_DEPTH);
    if (!take_text(r)) return false;
    c->type = sqltype_by_name(buf_view(&r->text));
    return c->type != SQLTYPE_UNKNOWN;
}

static bool read_columns(Reader *r, Column *columns, size_t *ret_count) {
    if (!take(r, '[')) return false;
    for (size_t n = 0; !take(r, ']'); n++) {
        if (n == SCHEMA_MAX_COLUMNS || (n > 0 && !take(r, ',')) || !take(r, '{')) return false;
        columns[n] = (Column){.name = STR_LIT("")};
        for (bool is_first = true; !take(r, '}'); is_first = false)
            if ((!is_first && !take(r, ',')) || !read_column_member(r, &columns[n])) return false;
        *ret_count = n + 1;
    }
    return true;
}

static bool read_names(Reader *r, Str names[static 3]) {
    for (size_t i = 0; i < 3; i++) {
        if (!take(r, i == 0 ? '[' : ',') || !take_text(r)) return false;
        names[i] = arena_str(r->arena, buf_view(&r->text));
    }
    return take(r, ']');
}

/* One member of the letter. The schema is made when the columns are read; *ret then is owned. */
static bool read_member(Reader *r, const char *name, Str names[static 3], const Schema **schema,
                        Change *ret) {
    if (strcmp(name, "op") == 0) {
        if (!take_text(r) || r->text.n != 1) return false;
        ret->op = r->text.p[0];
        return true;
    }
    if (strcmp(name, "table") == 0) return read_names(r, names);
    if (strcmp(name, "before") == 0) return read_row(r, *schema, &ret->before);
    if (strcmp(name, "after") == 0) return read_row(r, *schema, &ret->after);
    if (strcmp(name, "columns") != 0) return skip(r, MAX_DEPTH);
    CLEANUP_FREE Column *columns = x_calloc(SCHEMA_MAX_COLUMNS, sizeof *columns);
    SchemaSpec spec = {.database = names[0], .schema = names[1], .table = names[2], .version = 1};
    Err unused;
    if (*schema || !names[2].n || !read_columns(r, columns, &spec.column_count)) return false;
    spec.columns = columns;
    return schema_new(&spec, schema, &unused);
}

static bool read_letter(Reader *r, const Schema **schema, Change *ret) {
    Str names[3] = {{0}};
    if (!take(r, '{')) return false;
    for (bool is_first = true; !take(r, '}'); is_first = false) {
        char name[16];
        if ((!is_first && !take(r, ',')) || !take_text(r) || !take(r, ':')) return false;
        (void)snprintf(name, sizeof name, "%s", buf_text(&r->text));
        if (!read_member(r, name, names, schema, ret)) return false;
    }
    bool has_row = ret->op == OP_DELETE ? ret->before != NULL : ret->after != NULL;
    return *schema && has_row && ret->op && strchr("rcuds", ret->op) && next_char(r) == '\0';
}

bool dead_payload_read(Str text, Arena *arena, const Schema **ret_schema, Change *ret, Err *e) {
    Reader r = {.p = text.p, .end = text.p + text.n, .arena = arena};
    const Schema *schema = NULL;
    Change change = {0};
    bool ok = read_letter(&r, &schema, &change);
    buf_done(&r.text);
    if (!ok) {
        schema_unref(schema);
        return err_set(e, ERR_INVALID, false, "not the payload of a dead letter, at byte %zu",
                       (size_t)(r.p - text.p));
    }
    change.schema = schema;
    *ret_schema = schema;
    *ret = change;
    return true;
}
