#include "config/textlist.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static void add_owned(TextList *l, char *text) {
    bool is_full =
        (l->count & (l->count + 1)) == 0; /* 0, 1, 3, 7, …: with the NULL, a power of two is used up */
    if (is_full) l->items = x_reallocarray(l->items, 2 * (l->count + 1), sizeof *l->items);
    l->items[l->count++] = text;
    l->items[l->count] = NULL;
}

void textlist_add(TextList *l, Str text) {
    add_owned(l, str_dup(text));
}

void textlist_printf(TextList *l, const char *fmt, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    add_owned(l, n < 0 ? x_strdup("") : text);
}

void textlist_split(TextList *l, Str text) {
    text = str_trim(text);
    if (text.n == 0) return;
    for (;;) {
        size_t comma = str_find(text, ',');
        textlist_add(l, str_trim(str_sub(text, 0, comma)));
        if (comma == text.n) return;
        text = str_sub(text, comma + 1, text.n);
    }
}

void textlist_add_all(TextList *l, const TextList *from) {
    for (size_t i = 0; l && i < from->count; i++) textlist_add(l, str_from(from->items[i]));
}

bool textlist_has(const TextList *l, Str text) {
    for (size_t i = 0; i < l->count; i++)
        if (str_eq_c(text, l->items[i])) return true;
    return false;
}

void textlist_done(TextList *l) {
    for (size_t i = 0; i < l->count; i++) free(l->items[i]);
    free(l->items);
    *l = (TextList){0};
}
