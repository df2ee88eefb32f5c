/*
 * Parsed texts, kept by what they say: a client that sends the same text again (sp_executesql, COMMIT TRAN,
 * …) pays for parsing and binding once. The least recently used goes when there are too many or they are
 * too long together.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "standin/exec/session_internal.h"

/* Some statements are as long as a database has tables; what is made of a text is some twenty times as large.
 */
enum { CACHE_BATCHES = 48, CACHE_TEXT_BYTES = 512 * 1024, CACHE_ALL_BYTES = 1024 * 1024 };

Batch *batch_free(Batch *b) {
    if (!b) return NULL;
    for (Plan *p = b->plans, *next; p; p = next) {
        next = p->next;
        (void)plan_free(p);
    }
    arena_done(&b->arena);
    free(b->text);
    free(b);
    return NULL;
}

static Batch *parse(Session *s, Str text, Str declaration, uint64_t hash, SqlError *e) {
    Batch *b = x_calloc(1, sizeof *b);
    ParserOptions options = {.quoted_identifier = s->options.quoted_identifier};
    b->text = str_dup(text);
    b->text_size = text.n;
    b->hash = hash;
    b->declaration = arena_str(&b->arena, declaration);
    bool ok = parser_batch((Str){b->text, text.n}, &options, &b->arena, &b->tree, e) &&
              parser_parameters(b->declaration, &options, &b->arena, &b->declared, &b->declared_count, e);
    return ok ? b : batch_free(b);
}

static Batch *find(Session *s, Str text, Str declaration, uint64_t hash) {
    for (size_t i = 0; i < s->cache_count; i++) {
        Batch *b = s->cache[i];
        if (b->hash == hash && str_eq((Str){b->text, b->text_size}, text) &&
            str_eq(b->declaration, declaration))
            return b;
    }
    return NULL;
}

static bool drop_oldest(Session *s) {
    size_t oldest = SIZE_MAX;
    for (size_t i = 0; i < s->cache_count; i++)
        if (!s->cache[i]->in_use && (oldest == SIZE_MAX || s->cache[i]->used < s->cache[oldest]->used))
            oldest = i;
    if (oldest == SIZE_MAX) return false;
    s->cache_bytes -= s->cache[oldest]->text_size;
    (void)batch_free(s->cache[oldest]);
    s->cache[oldest] = s->cache[--s->cache_count];
    return true;
}

/* A place in the cache for a text of so many bytes; false: those that are there are in use. */
static bool make_room(Session *s, size_t bytes) {
    if (bytes > CACHE_TEXT_BYTES) return false;
    if (!s->cache) s->cache = x_calloc(CACHE_BATCHES, sizeof(Batch *));
    while (s->cache_count == CACHE_BATCHES || s->cache_bytes + bytes > CACHE_ALL_BYTES)
        if (!drop_oldest(s)) return false;
    s->cache_bytes += bytes;
    return true;
}

Batch *batch_get(Session *s, Str text, Str declaration, SqlError *e) {
    uint64_t hash = hash_mix(hash_bytes(text.p, text.n, s->options.quoted_identifier),
                             hash_bytes(declaration.p, declaration.n, 0));
    Batch *b = find(s, text, declaration, hash);
    if (!b) {
        b = parse(s, text, declaration, hash, e);
        if (!b) return NULL;
        if (make_room(s, text.n)) {
            s->cache[s->cache_count++] = b;
            b->is_kept = true;
        }
    }
    b->used = ++s->cache_tick;
    b->in_use++;
    return b;
}

void batch_release(Session *s, Batch *b) {
    (void)s;
    if (b && --b->in_use == 0 && !b->is_kept) (void)batch_free(b);
}

void batch_clear_cache(Session *s) {
    for (size_t i = 0; i < s->cache_count; i++) (void)batch_free(s->cache[i]);
    free(s->cache);
    s->cache = NULL;
    s->cache_count = s->cache_bytes = 0;
}
