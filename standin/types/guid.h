/*
 * guid.h - uniqueidentifier in its three forms. Plain bytes; any thread.
 * Text "6F9619FF-8B86-D011-B42D-00C04FC964FF"; wire: its first three groups reversed, the rest in order;
 * stored: the order in which SQL Server compares - the last six bytes first, then 8-9, 6-7, 4-5, 0-3 of the
 * wire form - so that memcmp sorts as ORDER BY does.
 */
#ifndef STANDIN_TYPES_GUID_H
#define STANDIN_TYPES_GUID_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { GUID_BYTES = 16, GUID_TEXT_SIZE = 37 };

void guid_from_wire(const uint8_t wire[static GUID_BYTES], uint8_t ret_stored[static GUID_BYTES]);
void guid_to_wire(const uint8_t stored[static GUID_BYTES], uint8_t ret_wire[static GUID_BYTES]);
/* Upper case, NUL-terminated; returns buf. */
const char *guid_format(const uint8_t stored[static GUID_BYTES], char buf[static GUID_TEXT_SIZE]);
/* 36 characters, braces around them allowed; what follows is ignored, as SQL Server does. False: other text.
 */
MUST_CHECK bool guid_parse(Str text, uint8_t ret_stored[static GUID_BYTES]);
/* A random (version 4) one from 16 random bytes, in stored form: NEWID(). */
void guid_from_random(const uint8_t random[static GUID_BYTES], uint8_t ret_stored[static GUID_BYTES]);

#endif
