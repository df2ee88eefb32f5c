/*
 * cdc_message.h - the texts of change data capture's errors and messages, by number. Static data; any thread.
 * Source: the product's list of errors and events, 22000 to 22999 and the few others that its procedures
 * raise.
 */
#ifndef STANDIN_CAPTURE_CDC_MESSAGE_H
#define STANDIN_CAPTURE_CDC_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "standin/store/sql_error.h"

/* Append the message, each %s replaced by the next argument. An unknown number is a bug of ours: asserted. */
void cdc_message_format(int32_t number, const Str *args, size_t count, Buf *out);
uint8_t cdc_message_class(int32_t number); /* severity: 10 = information, 16 = error */
/* Fill *e with it, return false: `return cdc_message_raise(e, 22901, &name, 1);`. */
bool cdc_message_raise(SqlError *e, int32_t number, const Str *args, size_t count);

#endif
