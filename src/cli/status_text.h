/*
 * status_text.h - numbers and times as `millrace status` shows them: in text for people, as values of JSON
 * objects for programs. Only formats; any thread.
 */
#ifndef CLI_STATUS_TEXT_H
#define CLI_STATUS_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Right-aligned; < 0 = unknown. */
void status_text_number(int64_t n, int columns, Buf *out);
/* To the second, UTC; 0 = none. */
void status_text_time(int64_t us, Buf *out);
void status_text_duration(int64_t us, Buf *out); /* < 0 = unknown */

void status_text_set(json_t *o, const char *key, const char *text); /* NULL = null */
void status_text_set_number(json_t *o, const char *key, int64_t n, bool is_known);
void status_text_set_seconds(json_t *o, const char *key, int64_t us); /* < 0 = null */
void status_text_set_time(json_t *o, const char *key, int64_t us);    /* 0 = null */

#endif
