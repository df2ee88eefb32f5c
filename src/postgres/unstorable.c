/* Texts are searched by memchr; what stands between two U+0000 is copied in one piece. */
#include "postgres/unstorable.h"

#include <string.h>

#include "base/log.h"

const char *const unstorable_modes[] = {"fail", "replace", "remove", "escape", NULL};

static const Str stored[] = {
    [UNSTORABLE_REPLACE] = {.p = "\xef\xbf\xbd", .n = 3},
    [UNSTORABLE_REMOVE] = {.p = "", .n = 0},
    [UNSTORABLE_ESCAPE] = {.p = "\\u0000", .n = 6},
};
enum { LARGEST_VALUE = 0x3fffffff }; /* PostgreSQL's MaxAllocSize */

static size_t count_nuls(Str text) {
    const char *first = text.n > 0 ? memchr(text.p, 0, text.n) : NULL;
    size_t n = 0;
    if (!first) return 0;
    for (const char *p = first, *end = text.p + text.n; p < end; p++) n += *p == 0;
    return n;
}

static size_t growth_of(UnstorableMode mode, Str text) {
    bool grows = mode == UNSTORABLE_REPLACE || mode == UNSTORABLE_ESCAPE;
    return grows ? count_nuls(text) * (stored[mode].n - 1) : 0;
}

size_t unstorable_growth(UnstorableMode mode, Str text) {
    size_t growth = growth_of(mode, text);
    return text.n + growth > LARGEST_VALUE ? 0 : growth;
}

uint8_t *unstorable_put(UnstorableMode mode, Str text, uint8_t *out) {
    const Str instead = stored[mode];
    if (text.n + growth_of(mode, text) > LARGEST_VALUE) return NULL;
    for (size_t at = 0; at < text.n;) {
        const char *from = text.p + at, *nul = memchr(from, 0, text.n - at);
        size_t n = nul ? (size_t)(nul - from) : text.n - at;
        memcpy(out, from, n);
        out += n;
        at += n + 1;
        if (!nul) break;
        memcpy(out, instead.p, instead.n);
        out += instead.n;
    }
    return out;
}

void unstorable_note(Unstorable *u) {
    if (u->changed) metric_add(u->changed, 1);
    if (u->was_told) return;
    u->was_told = true;
    LOG_WARN("text_changed", LOG_S("column", u->what), LOG_S("why", "it holds U+0000"),
             LOG_S("mode", unstorable_modes[u->mode]));
}
