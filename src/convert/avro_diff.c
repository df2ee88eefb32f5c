#include "convert/avro_diff.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DIFFERENCES = 3, MAX_DEPTH = 32 };

typedef struct Walk {
    Buf *out;
    unsigned found, depth;
    char path[256];
    size_t path_n;
} Walk;

static void say(Walk *w, const char *what, const char *from, const char *to) {
    if (w->found++ >= MAX_DIFFERENCES) return;
    buf_printf(w->out, "%s%s%.*s %s", w->found > 1 ? "; " : "", w->path_n ? "field " : "the value",
               (int)w->path_n, w->path, what);
    if (from) buf_printf(w->out, " from %s to %s", from, to);
}

static void compare(Walk *w, const AvroType *a, const AvroType *b);

static size_t enter(Walk *w, Str name) {
    size_t before = w->path_n;
    int n =
        snprintf(w->path + before, sizeof w->path - before, "%s" STR_FMT, before ? "." : "", STR_ARG(name));
    if (n > 0) w->path_n += (size_t)n < sizeof w->path - before ? (size_t)n : sizeof w->path - before - 1;
    return before;
}

static const AvroField *find(const AvroType *t, Str name) {
    for (size_t i = 0; i < t->count; i++)
        if (str_eq(t->fields[i].name, name)) return &t->fields[i];
    return NULL;
}

static void compare_records(Walk *w, const AvroType *a, const AvroType *b) {
    for (size_t i = 0; i < b->count; i++) {
        const AvroField *old = find(a, b->fields[i].name);
        size_t before = enter(w, b->fields[i].name);
        if (old) compare(w, old->type, b->fields[i].type);
        else if (!b->fields[i].standard) say(w, "is new and has no default", NULL, NULL);
        w->path_n = before;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (find(b, a->fields[i].name) || a->fields[i].standard) continue;
        size_t before = enter(w, a->fields[i].name);
        say(w, "is gone and had no default", NULL, NULL);
        w->path_n = before;
    }
}

/* Whether what was written as a can be read as b. */
static bool widens(AvroKind a, AvroKind b) {
    if (a >= AVRO_KIND_INT && a <= AVRO_KIND_FLOAT) return b > a && b <= AVRO_KIND_DOUBLE;
    return (a == AVRO_KIND_BYTES && b == AVRO_KIND_STRING) || (a == AVRO_KIND_STRING && b == AVRO_KIND_BYTES);
}

static void compare(Walk *w, const AvroType *a, const AvroType *b) {
    unsigned at = 0;
    const AvroType *in_a = avro_type_nullable(a, &at), *in_b = avro_type_nullable(b, &at);
    if (w->depth >= MAX_DEPTH || w->found >= MAX_DIFFERENCES) return;
    w->depth++;
    if (in_a && !in_b && b->kind != AVRO_KIND_UNION) say(w, "can't be null any more", NULL, NULL);
    a = in_a ? in_a : a;
    b = in_b ? in_b : b;
    if (a->kind != b->kind) {
        if (!widens(a->kind, b->kind))
            say(w, "changes its type", avro_type_kind_name(a->kind), avro_type_kind_name(b->kind));
    } else if (a->kind == AVRO_KIND_RECORD) {
        compare_records(w, a, b);
    } else if (a->items && b->items) {
        compare(w, a->items, b->items);
    } else if (a->kind == AVRO_KIND_FIXED && a->size != b->size) {
        say(w, "changes its length", NULL, NULL);
    }
    w->depth--;
}

bool avro_diff(const AvroType *older, const AvroType *newer, Buf *out) {
    Walk w = {.out = out};
    compare(&w, older, newer);
    return w.found > 0;
}
