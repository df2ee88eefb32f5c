#include "connector/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

static Finding *next(Findings *f, const char *check, FindingLevel level, const char *cure) {
    if (f->count == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 32;
        f->items = x_reallocarray(f->items, f->cap, sizeof *f->items);
    }
    Finding *at = &f->items[f->count++];
    *at = (Finding){.check = check, .level = level, .cure = cure ? x_strdup(cure) : NULL};
    return at;
}

void findings_add(Findings *f, const char *check, FindingLevel level, const char *cure, const char *fmt,
                  ...) {
    Finding *at = next(f, check, level, cure);
    va_list args;
    va_start(args, fmt);
    at->what = x_vasprintf(fmt, args);
    va_end(args);
}

void findings_add_err(Findings *f, const char *check, const char *cure, const Err *why) {
    Finding *at = next(f, check, FINDING_ERROR, cure);
    at->what = x_strdup(why->msg);
    at->may_pass = why->retriable;
}

size_t findings_count(const Findings *f, FindingLevel level) {
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++) n += f->items[i].level == level;
    return n;
}

char *finding_line(const Finding *finding) {
    if (!finding->cure) return x_strdup(finding->what);
    return x_asprintf("%s: %s", finding->what, finding->cure);
}

bool findings_pass(const Findings *f, Err *e) {
    const Finding *first = NULL;
    size_t errors = 0;
    bool may_pass = true;
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].level != FINDING_ERROR) continue;
        if (errors++ == 0) first = &f->items[i];
        may_pass = may_pass && f->items[i].may_pass;
    }
    if (!first) return true;
    CLEANUP_FREE char *line = finding_line(first);
    ErrCode code = may_pass ? ERR_IO : ERR_INVALID;
    if (errors == 1) return err_set(e, code, may_pass, "%s", line);
    return err_set(e, code, may_pass, "%s (and %zu more)", line, errors - 1);
}

const char *finding_level_name(FindingLevel level) {
    static const char *const names[] = {"ok", "note", "warning", "error"};
    return names[level];
}

void findings_done(Findings *f) {
    for (size_t i = 0; i < f->count; i++) {
        free(f->items[i].what);
        free(f->items[i].cure);
    }
    free(f->items);
    *f = (Findings){0};
}
