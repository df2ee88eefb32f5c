/*
 * A field is named alone, for all tables, or as topic:field; a topic is prefix.database.schema.table. The
 * source's lists are expressions over schema.table.column in which a comma is written `\,`. Key columns are
 * always read, as the sinks always write them.
 */
#include "cli/field_list.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* Text that stands for itself in an expression of a list. */
static void put_literal(Str s, Buf *out) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        c == '_' || (unsigned char)c >= 0x80;
        if (!is_plain) buf_u8(out, '\\');
        buf_u8(out, (uint8_t)c);
    }
}

/* Of prefix.database.schema.table the last two. */
static Str table_of(Str topic) {
    size_t dots = 0;
    for (size_t i = topic.n; i-- > 0;)
        if (topic.p[i] == '.' && ++dots == 2) return str_sub(topic, i + 1, topic.n);
    return topic;
}

static void put_field(Str field, Buf *out) {
    size_t colon = str_find(field, ':');
    if (out->n) buf_u8(out, ',');
    if (colon == field.n) {
        buf_cstr(out, ".*\\.");
        put_literal(field, out);
        return;
    }
    put_literal(table_of(str_sub(field, 0, colon)), out);
    buf_cstr(out, "\\.");
    put_literal(str_sub(field, colon + 1, field.n), out);
}

static void put_all(const TextList *list, Buf *out) {
    for (size_t i = 0; list && i < list->count; i++) put_field(str_trim(str_from(list->items[i])), out);
}

static bool refuse(const Options *sink, const char *key, const char *other, Err *e) {
    char place[PROPS_PLACE_SIZE];
    return err_set(e, ERR_INVALID, false, "%s: %s: give it or %s, not both", options_place(sink, key, place),
                   key, other);
}

bool field_list_apply(const Options *sink, Props *source, bool *ret_changed, Err *e) {
    const TextList *white = options_list(sink, "fields.whitelist"),
                   *include = options_list(sink, "field.include.list"),
                   *exclude = options_list(sink, "field.exclude.list");
    CLEANUP(buf_done) Buf wanted = {0};
    CLEANUP(buf_done) Buf unwanted = {0};
    put_all(white, &wanted);
    put_all(include, &wanted);
    put_all(exclude, &unwanted);
    const char *key = exclude && exclude->count   ? "field.exclude.list"
                      : include && include->count ? "field.include.list"
                                                  : "fields.whitelist";
    *ret_changed = wanted.n > 0 || unwanted.n > 0;
    if (!*ret_changed) return true;
    if (wanted.n && unwanted.n) return refuse(sink, key, "field.include.list", e);
    const char *with = wanted.n ? "column.include.list" : "column.exclude.list";
    const char *against = wanted.n ? "column.exclude.list" : "column.include.list";
    Str has = str_trim(str_from(props_value(source, with, "")));
    if (*props_value(source, against, "")) return refuse(sink, key, against, e);
    if (wanted.n && has.n) return refuse(sink, key, with, e);
    if (has.n) buf_printf(&unwanted, "," STR_FMT, STR_ARG(has));
    char place[PROPS_PLACE_SIZE];
    props_set(source, with, buf_view(wanted.n ? &wanted : &unwanted), options_place(sink, key, place), 0);
    return true;
}
