/* login7.h - the LOGIN7 request ([MS-TDS] 2.2.6.4). Plain functions; any thread. */
#ifndef STANDIN_TDS_LOGIN7_H
#define STANDIN_TDS_LOGIN7_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    LOGIN7_VERSION_7_3 = 0x730a0003, /* the least that is spoken: date, time, datetime2 are on the wire */
    LOGIN7_VERSION_7_3B = 0x730b0003,
    LOGIN7_VERSION_7_4 = 0x74000004,
    LOGIN7_VERSION_8 = 0x08000000, /* inside TLS from the first byte on */
};

typedef struct Login7 {
    uint32_t tds_version, packet_size;
    Str host, user, password, application, language, database; /* UTF-8, in the arena */
    bool is_database_optional;
    bool is_odbc, is_read_only_intent, wants_integrated_security, wants_new_password;
    bool wants_utf8;               /* feature 0A */
    bool wants_federated_security; /* feature 02 */
} Login7;

/* Errors: ERR_INVALID. */
MUST_CHECK bool login7_read(Str body, Arena *a, Login7 *ret, Err *e);

#endif
