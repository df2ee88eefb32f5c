#include "cli/check_report.h"

#include <string.h>

#include <jansson.h>

#include "base/mem.h"

enum { GAP = 2, LEVEL_COLUMNS = 7, MIN_TEXT_COLUMNS = 30 };

static const char *const colours[] = {"\x1b[32m", "\x1b[36m", "\x1b[33m", "\x1b[31m"};

static int name_columns(const Findings *f, bool shows_all) {
    size_t n = 5; /* "check" */
    for (size_t i = 0; i < f->count; i++) {
        if (!shows_all && f->items[i].level == FINDING_OK) continue;
        size_t length = strlen(f->items[i].check);
        if (length > n) n = length;
    }
    return (int)n;
}

/* Code points of UTF-8: good enough for a terminal's columns. */
static size_t width_of(Str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* Where to break `text` so that its first line has at most `room` columns: behind a blank. */
static size_t line_end(Str text, size_t room) {
    size_t columns = 0, last_blank = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ') last_blank = i;
        if (((unsigned char)text.p[i] & 0xc0) == 0x80) continue;
        if (++columns > room) return last_blank ? last_blank : text.n;
    }
    return text.n;
}

static void wrapped(Str text, int indent, size_t room, Buf *out) {
    if (!room || width_of(text) <= room) {
        buf_str(out, text);
        buf_u8(out, '\n');
        return;
    }
    while (text.n) {
        size_t end = line_end(text, room);
        buf_str(out, str_sub(text, 0, end));
        buf_u8(out, '\n');
        text = str_trim(str_sub(text, end, text.n));
        if (text.n) buf_printf(out, "%*s", indent, "");
    }
}

static void one(const Finding *f, int name, int columns, bool is_coloured, Buf *out) {
    int indent = LEVEL_COLUMNS + GAP + name + GAP;
    size_t room = columns > indent + MIN_TEXT_COLUMNS ? (size_t)(columns - indent) : 0;
    buf_printf(out, "%s%-*s%s%*s%-*s%*s", is_coloured ? colours[f->level] : "", LEVEL_COLUMNS,
               finding_level_name(f->level), is_coloured ? "\x1b[0m" : "", GAP, "", name, f->check, GAP, "");
    wrapped(str_from(f->what), indent, room, out);
    if (!f->cure) return;
    buf_printf(out, "%*s%s%s%s\n", indent, "", is_coloured ? "\x1b[1m" : "", f->cure,
               is_coloured ? "\x1b[0m" : "");
}

void check_report_table(const Findings *f, int columns, bool is_coloured, bool shows_all, Buf *out) {
    int name = name_columns(f, shows_all);
    size_t ok = findings_count(f, FINDING_OK), notes = findings_count(f, FINDING_NOTE),
           warnings = findings_count(f, FINDING_WARNING), errors = findings_count(f, FINDING_ERROR);
    for (size_t i = 0; i < f->count; i++)
        if (shows_all || f->items[i].level != FINDING_OK) one(&f->items[i], name, columns, is_coloured, out);
    if (out->n) buf_u8(out, '\n');
    buf_printf(out, "%zu ok, %zu note%s, %zu warning%s, %zu error%s: %s\n", ok, notes, notes == 1 ? "" : "s",
               warnings, warnings == 1 ? "" : "s", errors, errors == 1 ? "" : "s",
               errors ? "a run would fail" : "a run can start");
}

void check_report_json(const Findings *f, const char *connector, Buf *out) {
    json_t *checks = json_array();
    for (size_t i = 0; i < f->count; i++) {
        const Finding *at = &f->items[i];
        json_array_append_new(checks,
                              json_pack("{s:s, s:s, s:s, s:s?}", "check", at->check, "severity",
                                        finding_level_name(at->level), "found", at->what, "cure", at->cure));
    }
    size_t errors = findings_count(f, FINDING_ERROR);
    json_t *all = json_pack("{s:s*, s:o, s:I, s:I, s:b}", "connector", connector, "checks", checks, "errors",
                            (json_int_t)errors, "warnings", (json_int_t)findings_count(f, FINDING_WARNING),
                            "ok", errors == 0);
    CLEANUP_FREE char *text = json_dumps(all, JSON_COMPACT);
    if (text) buf_cstr(out, text);
    buf_u8(out, '\n');
    json_decref(all);
}
