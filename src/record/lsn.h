/*
 * lsn.h - SQL Server log sequence number: a position in the change stream.
 * A plain value: copy freely, nothing to free, any thread.
 * Source: binary(10) of cdc.lsn_time_mapping.start_lsn. Big-endian: 4 bytes virtual log file, 4 bytes log
 * block, 2 bytes record, so byte order is log order. The text form is the one of fn_dblog and of Debezium's
 * offsets.
 */
#ifndef RECORD_LSN_H
#define RECORD_LSN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { LSN_BYTES = 10, LSN_TEXT_SIZE = 8 + 1 + 8 + 1 + 4 + 1 }; /* text: bytes, with colons and NUL */

typedef struct Lsn {
    uint8_t b[LSN_BYTES];
} Lsn;

/* Parse "0000002a:000001f0:0003". Errors: ERR_INVALID, not retriable. */
MUST_CHECK bool lsn_parse(const char *text, Lsn *ret, Err *e);
/* Write the text form into buf (borrowed); returns buf, to stand in a log call. */
const char *lsn_format(const Lsn *lsn, char buf[static LSN_TEXT_SIZE]);
/* <0, 0, >0 in log order. */
int lsn_cmp(const Lsn *a, const Lsn *b);
bool lsn_is_zero(const Lsn *lsn); /* 0x0 is SQL Server's "no such instance" */
/* The next LSN, as sys.fn_cdc_increment_lsn: none lies between. Errors: ERR_RANGE after the largest. */
MUST_CHECK bool lsn_next(const Lsn *lsn, Lsn *ret, Err *e);
/* The one before, as sys.fn_cdc_decrement_lsn; zero stays zero. */
Lsn lsn_prev(const Lsn *lsn);

#endif
