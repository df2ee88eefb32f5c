#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "standin/bind/bind_internal.h"

void *bindsql_grow(Arena *a, void *items, size_t count, size_t size) {
    if (count != 0 && (count < 4 || (count & (count - 1)) != 0)) return items; /* room is a power of two */
    void *grown = arena_array(a, size, count < 4 ? 4 : count * 2);
    if (count) memcpy(grown, items, count * size);
    return grown;
}

static Sql *new_sql(Binder *b, SqlKind kind) {
    Sql *s = arena_zalloc(b->a, sizeof *s);
    s->kind = kind;
    return s;
}

const Sql *sql_text(Binder *b, const char *text) {
    Sql *s = new_sql(b, SQL_TEXT);
    s->text = str_from(text);
    return s;
}

const Sql *sql_printf(Binder *b, const char *fmt, ...) {
    char small[256];
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    char *out = arena_bytes(b->a, (size_t)n + 1);
    (void)vsnprintf(out, (size_t)n + 1, fmt, again);
    va_end(again);
    return sql_text(b, out);
}

const Sql *sql_format(Binder *b, const char *format, const Sql *const *kids, size_t count) {
    Sql *s = new_sql(b, SQL_FORMAT);
    s->text = str_from(format);
    s->kids = ARENA_ARRAY(b->a, const Sql *, count ? count : 1);
    if (count) memcpy(s->kids, kids, count * sizeof *kids);
    s->count = count;
    return s;
}

const Sql *sql_list(Binder *b, const Sql *const *kids, size_t count) {
    return sql_format(b, "$", kids, count);
}

const Sql *sql_param(Binder *b, const BoundParam *param) {
    Sql *s = new_sql(b, SQL_PARAM);
    s->param = *param;
    return s;
}

const Sql *sql_outer(Binder *b, const Sql *x) {
    Sql *s = (Sql *)sql_format(b, "@", &x, 1);
    s->kind = SQL_OUTER;
    return s;
}

const Sql *sql_apply(Binder *b, const Sql *query) {
    Sql *s = (Sql *)sql_format(b, "@", &query, 1);
    s->kind = SQL_APPLY;
    return s;
}

const Sql *sql_value(Binder *b, const Type *type, Value v) {
    if (v.kind == VALUE_NULL) return sql_text(b, "NULL");
    if (v.kind == VALUE_INT && v.v.i > INT64_MIN)
        return v.v.i < 0 ? sql_printf(b, "(%lld)", (long long)v.v.i)
                         : sql_printf(b, "%lld", (long long)v.v.i);
    BoundParam p = {.kind = BOUND_VALUE, .type = *type, .value = v};
    return sql_param(b, &p);
}

const Sql *sql_quoted(Binder *b, Str s) {
    char *out = arena_bytes(b->a, 2 * s.n + 3);
    size_t n = 0;
    out[n++] = '\'';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'') out[n++] = '\'';
        if (s.p[i] != '\0') out[n++] = s.p[i];
    }
    out[n++] = '\'';
    out[n] = '\0';
    return sql_text(b, out);
}

/* ---- writing ---- */

/* Variables and intrinsics come once, however often they are used; so do columns of a row. */
static size_t param_number(Binder *b, const BoundParam *p) {
    for (size_t i = 0; p->kind != BOUND_VALUE && i < b->param_count; i++) {
        const BoundParam *q = &b->params[i];
        if (q->kind != p->kind) continue;
        bool is_same = p->kind == BOUND_VARIABLE    ? str_eq_icase(p->name, q->name)
                       : p->kind == BOUND_INTRINSIC ? p->intrinsic == q->intrinsic
                                                    : p->column == q->column;
        if (is_same) return i + 1;
    }
    BIND_PUSH(b, b->params, b->param_count, *p);
    return b->param_count;
}

/* What an APPLY's right side takes from around it: parameters of its own statement, in this order. */
typedef struct OuterParam {
    struct OuterParam *next;
    const Sql *sql; /* to be written in the statement around */
} OuterParam;

static void write(Binder *b, const Sql *s, Buf *out);

static size_t outer_number(Binder *b, const Sql *sql) {
    size_t n = 1;
    OuterParam *at = b->outers;
    for (; at->next; at = at->next, n++)
        if (at->next->sql == sql) return n;
    at->next = arena_zalloc(b->a, sizeof *at->next);
    at->next->sql = sql;
    return n;
}

/* ts_apply('SELECT …', argument, …) */
static void write_apply(Binder *b, const Sql *s, Buf *out) {
    OuterParam head = {0}, *around = b->outers;
    Buf inner = {0};
    b->outers = &head;
    write(b, s->kids[0], &inner);
    b->outers = around;
    buf_cstr(out, "ts_apply(");
    write(b, sql_quoted(b, buf_view(&inner)), out);
    for (const OuterParam *p = head.next; p; p = p->next) {
        buf_cstr(out, ",");
        write(b, p->sql, out);
    }
    buf_cstr(out, ")");
    buf_done(&inner);
}

static void write_format(Binder *b, const Sql *s, Buf *out) {
    size_t kid = 0;
    for (size_t i = 0; i < s->text.n; i++) {
        char c = s->text.p[i];
        if (c == '@') {
            write(b, s->kids[kid++], out);
        } else if (c == '$') {
            for (bool is_first = true; kid < s->count; is_first = false) {
                if (!is_first) buf_cstr(out, ",");
                write(b, s->kids[kid++], out);
            }
        } else {
            buf_u8(out, (uint8_t)c);
        }
    }
}

static void write(Binder *b, const Sql *s, Buf *out) {
    switch (s->kind) {
    case SQL_TEXT: buf_str(out, s->text); break;
    case SQL_FORMAT: write_format(b, s, out); break;
    case SQL_PARAM: /* the statement's own parameter comes to an APPLY as an argument too */
        buf_printf(out, "?%zu", b->outers ? outer_number(b, s) : param_number(b, &s->param));
        break;
    case SQL_OUTER:
        if (b->outers) buf_printf(out, "?%zu", outer_number(b, s->kids[0]));
        else write(b, s->kids[0], out);
        break;
    case SQL_APPLY: write_apply(b, s, out); break;
    }
}

const char *bindsql_write(Binder *b, const Sql *sql) {
    Buf out = {0};
    b->outers = NULL;
    write(b, sql, &out);
    const char *ret = arena_printf(b->a, "%s", buf_text(&out));
    buf_done(&out);
    return ret;
}
