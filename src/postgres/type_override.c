/*
 * The type goes into DDL as it was written, so it may hold only what types are made of: a quote or a
 * semicolon would end it. Whether PostgreSQL has it, and whether it holds the column's values whole, is found
 * out where the table is opened.
 */
#include "postgres/type_override.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef struct Entry {
    char *column; /* schema.table.column */
    char *type;
    bool is_used;
} Entry;

struct TypeOverrides {
    Entry *entries;
    size_t count;
};

static bool is_type_text(Str type) {
    for (size_t i = 0; i < type.n; i++) {
        unsigned char c = (unsigned char)type.p[i];
        if (!isalnum(c) && c < 0x80 && !strchr("_ (),.", c)) return false;
    }
    return type.n > 0 && !isdigit((unsigned char)type.p[0]);
}

static bool has_column(const TypeOverrides *o, Str column) {
    for (size_t i = 0; i < o->count; i++)
        if (str_eq_c(column, o->entries[i].column)) return true;
    return false;
}

static bool add_entry(TypeOverrides *o, Str entry, Err *e) {
    size_t colon = entry.n;
    while (colon > 0 && entry.p[colon - 1] != ':') colon--;
    if (colon == 0)
        return err_set(e, ERR_INVALID, false, "'" STR_FMT "' isn't schema.table.column:type",
                       STR_ARG(str_sub(entry, 0, 200)));
    Str column = str_trim(str_sub(entry, 0, colon - 1)), type = str_trim(str_sub(entry, colon, entry.n));
    size_t dots = 0;
    for (size_t i = 0; i < column.n; i++) dots += column.p[i] == '.';
    if (dots < 2)
        return err_set(e, ERR_INVALID, false, "'" STR_FMT "' isn't schema.table.column:type",
                       STR_ARG(str_sub(entry, 0, 200)));
    if (!is_type_text(type))
        return err_set(e, ERR_INVALID, false, "'" STR_FMT "' of column " STR_FMT " is no type's name",
                       STR_ARG(str_sub(type, 0, 64)), STR_ARG(str_sub(column, 0, 128)));
    if (has_column(o, column))
        return err_set(e, ERR_INVALID, false, "column " STR_FMT " is named twice",
                       STR_ARG(str_sub(column, 0, 200)));
    o->entries = x_reallocarray(o->entries, o->count + 1, sizeof *o->entries);
    o->entries[o->count++] = (Entry){.column = str_dup(column), .type = str_dup(type)};
    return true;
}

bool type_overrides_new(Str text, TypeOverrides **ret, Err *e) {
    TypeOverrides *o = x_calloc(1, sizeof *o);
    Str entry;
    while (str_split(&text, ';', &entry)) {
        if (!str_trim(entry).n || add_entry(o, entry, e)) continue;
        type_overrides_free(o);
        return false;
    }
    *ret = o;
    return true;
}

TypeOverrides *type_overrides_free(TypeOverrides *o) {
    if (!o) return NULL;
    for (size_t i = 0; i < o->count; i++) {
        free(o->entries[i].column);
        free(o->entries[i].type);
    }
    free(o->entries);
    free(o);
    return NULL;
}

const char *type_overrides_find(TypeOverrides *o, const Schema *s, const Column *c) {
    size_t qualified = strlen(s->qualified);
    for (size_t i = 0; o && i < o->count; i++) {
        Str column = str_from(o->entries[i].column);
        if (column.n != qualified + 1 + c->name.n || column.p[qualified] != '.' ||
            memcmp(column.p, s->qualified, qualified) != 0 ||
            memcmp(column.p + qualified + 1, c->name.p, c->name.n) != 0)
            continue;
        o->entries[i].is_used = true;
        return o->entries[i].type;
    }
    return NULL;
}

void type_overrides_unused(const TypeOverrides *o, TextList *problems) {
    for (size_t i = 0; o && i < o->count; i++)
        if (!o->entries[i].is_used)
            textlist_printf(problems,
                            "column.type.overrides: no captured table has a column %s (names as SQL Server "
                            "spells them)",
                            o->entries[i].column);
}
