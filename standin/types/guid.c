#include "standin/types/guid.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* stored[i] is wire[guid_order[i]] */
static const uint8_t guid_order[GUID_BYTES] = {10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3};
/* The wire byte that each pair of hex digits of the text is. */
static const uint8_t guid_text_order[GUID_BYTES] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

void guid_from_wire(const uint8_t wire[static GUID_BYTES], uint8_t ret_stored[static GUID_BYTES]) {
    for (size_t i = 0; i < GUID_BYTES; i++) ret_stored[i] = wire[guid_order[i]];
}

void guid_to_wire(const uint8_t stored[static GUID_BYTES], uint8_t ret_wire[static GUID_BYTES]) {
    /* guid_order in pieces: every row sent with a GUID comes by here. */
    memcpy(ret_wire + 10, stored, 6);
    memcpy(ret_wire + 8, stored + 6, 2);
    memcpy(ret_wire + 6, stored + 8, 2);
    memcpy(ret_wire + 4, stored + 10, 2);
    memcpy(ret_wire, stored + 12, 4);
}

const char *guid_format(const uint8_t stored[static GUID_BYTES], char buf[static GUID_TEXT_SIZE]) {
    static const char hex[] = "0123456789ABCDEF";
    uint8_t wire[GUID_BYTES];
    guid_to_wire(stored, wire);
    char *p = buf;
    for (size_t i = 0; i < GUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
        uint8_t b = wire[guid_text_order[i]];
        *p++ = hex[b >> 4];
        *p++ = hex[b & 15];
    }
    *p = '\0';
    return buf;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool guid_parse(Str text, uint8_t ret_stored[static GUID_BYTES]) {
    bool has_braces = text.n >= 38 && text.p[0] == '{' && text.p[37] == '}';
    if (text.n < 36) return false;
    const char *p = text.p + (has_braces ? 1 : 0);
    uint8_t wire[GUID_BYTES];
    for (size_t i = 0; i < GUID_BYTES; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-') return false;
        int hi = hex_value(p[0]), lo = hex_value(p[1]);
        if (hi < 0 || lo < 0) return false;
        wire[guid_text_order[i]] = (uint8_t)(hi << 4 | lo);
        p += 2;
    }
    guid_from_wire(wire, ret_stored);
    return true;
}

void guid_from_random(const uint8_t random[static GUID_BYTES], uint8_t ret_stored[static GUID_BYTES]) {
    uint8_t wire[GUID_BYTES];
    memcpy(wire, random, sizeof wire);
    wire[7] = (uint8_t)((wire[7] & 0x0f) | 0x40); /* RFC 4122: version 4 … */
    wire[8] = (uint8_t)((wire[8] & 0x3f) | 0x80); /* … variant 1 */
    guid_from_wire(wire, ret_stored);
}
