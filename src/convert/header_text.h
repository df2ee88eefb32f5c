/*
 * header_text.h - a header's value as Kafka Connect's SimpleHeaderConverter writes it: a text, of structures
 * one that looks like JSON. Any thread.
 */
#ifndef CONVERT_HEADER_TEXT_H
#define CONVERT_HEADER_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "record/connect_schema.h"

/* Appended to out; *ret_is_null: null, nothing is. schema NULL: a STRING. */
void header_text_write(const ConnectSchema *schema, const Value *v, Buf *out, bool *ret_is_null);

#endif
