/*
 * collation.h - how text is compared, and which bytes a char or varchar has on the wire. Static data; any
 * thread.
 * Trailing blanks never count. The linguistic collations compare base letters first, then accents, then (CS)
 * case, kana and width, punctuation before digits before letters, as Windows does for Latin script; other
 * scripts go by code point after simple case folding. Source: [MS-TDS] 2.2.5.1.2 (wire form);
 * collation_table.h has those of the names.
 */
#ifndef STANDIN_TYPES_COLLATION_H
#define STANDIN_TYPES_COLLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { COLLATION_DEFAULT = 0, COLLATION_WIRE_BYTES = 5, COLLATION_NONE = UINT16_MAX };

typedef struct Collation {
    const char *name;
    uint32_t lcid;
    uint8_t version; /* of the LCID's sort tables */
    uint8_t sort_id; /* 0: a Windows collation */
    uint16_t code_page;
    bool is_case_sensitive, is_accent_sensitive, is_kana_sensitive, is_width_sensitive;
    bool is_binary, is_old_binary; /* BIN2 or BIN; only BIN */
    bool has_supplementary;        /* _SC: a surrogate pair is one character */
    bool is_utf8;
} Collation;

/* By index (Type.collation); index 0 is SQL_Latin1_General_CP1_CI_AS. An unknown index gives index 0's. */
const Collation *collation_get(uint16_t index);
size_t collation_count(void);
/* By name, letter case ignored; "database_default" and "catalog_default" give 0. COLLATION_NONE if unknown.
 */
uint16_t collation_by_name(Str name);
void collation_to_wire(const Collation *c, uint8_t ret[static COLLATION_WIRE_BYTES]);
/* The collation nearest to what a client sent: same LCID and flags, else index 0. */
uint16_t collation_from_wire(const uint8_t wire[static COLLATION_WIRE_BYTES]);

/* <0, 0, >0. */
int collation_compare(const Collation *c, Str a, Str b);
/* Append bytes whose memcmp order and equality are those of collation_compare: for indexes and hash tables.
 */
void collation_key(const Collation *c, Str s, Buf *out);

/* Of one character: equal where the collation doesn't tell two apart, rising in its order. */
uint64_t collation_weight(const Collation *c, uint32_t ch);

/* UTF-8 to the collation's code page (at most s.n bytes; what it lacks becomes '?') and back (at most 3 bytes
 * for one). Append. */
void collation_encode(const Collation *c, Str s, Buf *out);
void collation_decode(const Collation *c, Str bytes, Buf *out);
/* The same into room for s.n bytes; returns the bytes written. */
size_t collation_encode_to(const Collation *c, Str s, uint8_t *out);
/* Bytes that s takes in the collation's code page: DATALENGTH of a varchar. */
size_t collation_encoded_bytes(const Collation *c, Str s);
/* The start of s that takes at most limit bytes in the collation's code page. */
Str collation_prefix(const Collation *c, Str s, size_t limit);
/* Simple case folding of one character, Latin, Greek, Cyrillic, Armenian and full-width letters: UPPER,
 * LOWER. */
uint32_t collation_lower(uint32_t c);
uint32_t collation_upper(uint32_t c);

#endif
