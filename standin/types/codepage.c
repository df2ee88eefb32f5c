/* Two tables a page: bytes to character (one or two bytes), character to bytes. */
#include "standin/types/codepage.h"

#include <iconv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { PAGES = 16, BMP = 0x10000, NO_BYTES = 0 };

struct CodePage {
    uint16_t number;
    bool is_lead[256];
    uint16_t *of_bytes; /* [byte] or, [lead << 8 | trail]; 0: none */
    uint16_t *of_char;  /* bytes as a number, 0: the page lacks it */
};

static _Atomic(CodePage *) pages[PAGES];
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/* n bytes as one character; 0: they aren't one, *ret_is_lead: they are the beginning of one. */
static uint32_t decode(iconv_t cd, const uint8_t *bytes, size_t n, bool *ret_is_lead) {
    char in[2] = {(char)bytes[0], n > 1 ? (char)bytes[1] : '\0'};
    uint8_t out[8];
    char *from = in, *to = (char *)out;
    size_t left = n, room = sizeof out;
    (void)iconv(cd, NULL, NULL, NULL, NULL);
    size_t rc = iconv(cd, &from, &left, &to, &room);
    if (rc != (size_t)-1)
        (void)iconv(cd, NULL, NULL, &to, &room); /* some hold a letter back for its accent */
    if (rc == (size_t)-1 || room != sizeof out - 4) {
        *ret_is_lead = rc == (size_t)-1 && n == 1 && left == 1 && room == sizeof out && from == in;
        return 0;
    }
    *ret_is_lead = false;
    return (uint32_t)out[0] | (uint32_t)out[1] << 8 | (uint32_t)out[2] << 16 | (uint32_t)out[3] << 24;
}

static void note(CodePage *p, uint32_t bytes, uint32_t c) {
    if (c == 0 || c >= BMP) return;
    p->of_bytes[bytes] = (uint16_t)c;
    if (p->of_char[c] == NO_BYTES) p->of_char[c] = (uint16_t)bytes;
}

static void fill_double(CodePage *p, iconv_t cd, uint32_t lead) {
    bool has_any = false, ignored;
    for (uint32_t trail = 0x40; trail < 0x100; trail++) {
        uint8_t bytes[2] = {(uint8_t)lead, (uint8_t)trail};
        uint32_t c = decode(cd, bytes, 2, &ignored);
        note(p, lead << 8 | trail, c);
        has_any |= c != 0;
    }
    p->is_lead[lead] = has_any;
}

static CodePage *make(uint16_t number) {
    char name[16];
    (void)snprintf(name, sizeof name, "CP%u", number);
    iconv_t cd = iconv_open("UTF-32LE", name);
    if (cd == (iconv_t)-1) return NULL;
    CodePage *p = x_calloc(1, sizeof *p);
    bool is_double = number == 932 || number == 936 || number == 949 || number == 950;
    p->number = number;
    p->of_bytes = x_calloc(is_double ? BMP : 256, sizeof *p->of_bytes);
    p->of_char = x_calloc(BMP, sizeof *p->of_char);
    for (uint32_t b = 0; b < 256; b++) {
        bool is_lead;
        uint8_t byte = (uint8_t)b;
        uint32_t c = decode(cd, &byte, 1, &is_lead);
        if (c == 0 && is_double && b >= 0x81) fill_double(p, cd, b);
        if (c == 0 && !p->is_lead[b]) c = b;
        note(p, b, c);
    }
    (void)iconv_close(cd);
    return p;
}

const CodePage *codepage_get(uint16_t number) {
    for (size_t i = 0; i < PAGES; i++) {
        CodePage *p = atomic_load_explicit(&pages[i], memory_order_acquire);
        if (!p) break;
        if (p->number == number) return p;
    }
    (void)pthread_mutex_lock(&making);
    CodePage *p = NULL;
    for (size_t i = 0; i < PAGES; i++) {
        p = atomic_load(&pages[i]);
        if (p && p->number != number) continue;
        if (!p) {
            p = make(number);
            if (p) atomic_store_explicit(&pages[i], p, memory_order_release);
        }
        break;
    }
    (void)pthread_mutex_unlock(&making);
    return p && p->number == number ? p : NULL;
}

uint32_t codepage_next(const CodePage *p, const uint8_t *bytes, size_t n, size_t *at) {
    uint8_t b = bytes[(*at)++];
    if (!p->is_lead[b]) return b == 0 ? 0 : p->of_bytes[b];
    if (*at >= n) return '?';
    uint16_t c = p->of_bytes[b << 8 | bytes[*at]];
    (*at)++;
    return c ? c : '?';
}

size_t codepage_put(const CodePage *p, uint32_t c, uint8_t out[static 2]) {
    uint16_t bytes = c < BMP ? p->of_char[c] : NO_BYTES;
    if (c == 0) {
        out[0] = 0;
        return 1;
    }
    if (bytes == NO_BYTES) return 0;
    if (bytes < 0x100) {
        out[0] = (uint8_t)bytes;
        return 1;
    }
    out[0] = (uint8_t)(bytes >> 8);
    out[1] = (uint8_t)bytes;
    return 2;
}
