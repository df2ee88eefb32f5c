/*
 * codepage.h - Windows code pages: what a char or varchar is made of under a collation that isn't UTF-8. A
 * page is made at its first use and stays; any thread.
 * Source: iconv's tables; bytes without a character stand for themselves, as on Windows.
 */
#ifndef STANDIN_TYPES_CODEPAGE_H
#define STANDIN_TYPES_CODEPAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CodePage CodePage;

/* NULL: no such page. */
const CodePage *codepage_get(uint16_t number);
/* The character at bytes[*at], which moves behind it (n > *at). */
uint32_t codepage_next(const CodePage *p, const uint8_t *bytes, size_t n, size_t *at);
/* A character's bytes; 0: the page lacks it. */
size_t codepage_put(const CodePage *p, uint32_t c, uint8_t out[static 2]);

#endif
