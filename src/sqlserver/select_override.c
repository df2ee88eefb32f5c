/*
 * A derived table may not be ordered (error 1033) unless TOP or OFFSET makes the order mean something; yet
 * statements written for Debezium often end in ORDER BY. OFFSET 0 ROWS, which changes nothing, is put behind
 * such a one. To see the outermost keywords it is enough to skip texts, names, comments and parentheses.
 */
#include "sqlserver/select_override.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define LIST "snapshot.select.statement.overrides"

typedef struct Override {
    char *qualified, *statement; /* owned */
} Override;

struct SelectOverrides {
    Override *items; /* owned */
    size_t count;
};

/* ---- the statement ---- */

/* The end of the quoted piece that begins at i and ends with `end`, doubled inside. */
static size_t quoted_end(Str s, size_t i, char end) {
    for (i++; i < s.n; i++) {
        if (s.p[i] != end) continue;
        if (i + 1 < s.n && s.p[i + 1] == end) i++;
        else return i + 1;
    }
    return s.n;
}

/* Where what begins at i and isn't a word ends; comments nest, as in T-SQL. */
static size_t other_end(Str s, size_t i) {
    char c = s.p[i], next = i + 1 < s.n ? s.p[i + 1] : '\0';
    if (c == '\'' || c == '"') return quoted_end(s, i, c);
    if (c == '[') return quoted_end(s, i, ']');
    if (c == '-' && next == '-') {
        while (i < s.n && s.p[i] != '\n') i++;
        return i;
    }
    if (c != '/' || next != '*') return i + 1;
    size_t depth = 1;
    for (i += 2; i + 1 < s.n; i++) {
        bool opens = s.p[i] == '/' && s.p[i + 1] == '*', closes = s.p[i] == '*' && s.p[i + 1] == '/';
        if (!opens && !closes) continue;
        depth += opens ? 1 : (size_t)-1;
        i++;
        if (depth == 0) return i + 1;
    }
    return s.n;
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '@' || c == '#' || c == '$' ||
           (unsigned char)c >= 0x80;
}

typedef struct Outline {
    bool begins_with, is_ordered, is_limited; /* WITH …; ORDER BY; TOP or OFFSET */
} Outline;

static Outline outline_of(Str s) {
    Outline o = {0};
    bool is_first = true, was_order = false;
    for (size_t i = 0, depth = 0; i < s.n;) {
        if (!is_word(s.p[i])) {
            if (s.p[i] == '(') depth++;
            if (s.p[i] == ')' && depth) depth--;
            i = other_end(s, i);
            continue;
        }
        size_t from = i;
        while (i < s.n && is_word(s.p[i])) i++;
        Str word = str_sub(s, from, i - from);
        if (depth) continue;
        if (is_first) o.begins_with = str_eq_icase(word, STR_LIT("WITH"));
        is_first = false;
        if (was_order && str_eq_icase(word, STR_LIT("BY"))) o.is_ordered = true;
        was_order = str_eq_icase(word, STR_LIT("ORDER"));
        if (str_eq_icase(word, STR_LIT("TOP")) || str_eq_icase(word, STR_LIT("OFFSET"))) o.is_limited = true;
    }
    return o;
}

static bool make_statement(const char *key, Str text, char **ret, Err *e) {
    text = str_trim(text);
    while (text.n && text.p[text.n - 1] == ';') text = str_trim(str_sub(text, 0, text.n - 1));
    if (!text.n) return err_set(e, ERR_INVALID, false, "%s: the statement is missing", key);
    Outline o = outline_of(text);
    if (o.begins_with)
        return err_set(e, ERR_INVALID, false,
                       "%s: a statement that begins with WITH can't be read in chunks: make it a view", key);
    *ret = x_asprintf(STR_FMT "%s", STR_ARG(text), o.is_ordered && !o.is_limited ? "\nOFFSET 0 ROWS" : "");
    return true;
}

/* ---- the list ---- */

static Override *find(const SelectOverrides *s, Str qualified) {
    for (size_t i = 0; s && i < s->count; i++)
        if (str_eq_icase(str_from(s->items[i].qualified), qualified)) return &s->items[i];
    return NULL;
}

static bool take_statements(SelectOverrides *s, const Options *o, Err *e) {
    const char *key, *value;
    for (size_t at = 0; options_next(o, LIST ".*", &at, &key, &value);) {
        Override *item = find(s, str_from(key + sizeof LIST));
        if (!item) return err_set(e, ERR_INVALID, false, "%s: the table isn't named in " LIST, key);
        free(TAKE(item->statement));
        if (!make_statement(key, str_from(value), &item->statement, e)) return false;
    }
    for (size_t i = 0; i < s->count; i++)
        if (!s->items[i].statement)
            return err_set(e, ERR_INVALID, false, LIST ": %s has no statement: set " LIST ".%s",
                           s->items[i].qualified, s->items[i].qualified);
    return true;
}

bool select_overrides_new(const Options *o, SelectOverrides **ret, Err *e) {
    SelectOverrides *s = x_calloc(1, sizeof *s);
    const TextList *names = options_list(o, LIST);
    s->items = x_calloc((names ? names->count : 0) + 1, sizeof *s->items);
    for (size_t i = 0; names && i < names->count; i++)
        s->items[s->count++].qualified = x_strdup(names->items[i]);
    if (!take_statements(s, o, e)) {
        select_overrides_free(s);
        return false;
    }
    *ret = s->count ? s : select_overrides_free(s);
    return true;
}

SelectOverrides *select_overrides_free(SelectOverrides *s) {
    if (!s) return NULL;
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i].qualified);
        free(s->items[i].statement);
    }
    free(s->items);
    free(s);
    return NULL;
}

const char *select_overrides_find(const SelectOverrides *s, Str qualified) {
    const Override *item = find(s, qualified);
    return item ? item->statement : NULL;
}
