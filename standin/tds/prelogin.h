/* prelogin.h - the first exchange of a connection ([MS-TDS] 2.2.6.5). Plain functions; any thread. */
#ifndef STANDIN_TDS_PRELOGIN_H
#define STANDIN_TDS_PRELOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

typedef enum PreloginEncrypt {
    PRELOGIN_ENCRYPT_OFF = 0,
    PRELOGIN_ENCRYPT_ON = 1,
    PRELOGIN_ENCRYPT_NOT_SUPPORTED = 2,
    PRELOGIN_ENCRYPT_REQUIRED = 3,
} PreloginEncrypt;

/* What the client asked: only that is answered. */
typedef struct Prelogin {
    uint32_t asked; /* bit per option token 0 … 31 */
    PreloginEncrypt encrypt;
    Str instance; /* borrowed; "" and "MSSQLServer" mean the default one */
} Prelogin;

/* Errors: ERR_INVALID. */
MUST_CHECK bool prelogin_read(Str body, Prelogin *ret, Err *e);
/* The server's side of the table in [MS-TDS] 2.2.6.5: what it has, and what it answers. */
typedef enum PreloginTls { PRELOGIN_TLS_NONE, PRELOGIN_TLS_OPTIONAL, PRELOGIN_TLS_REQUIRED } PreloginTls;
PreloginEncrypt prelogin_encrypt(PreloginEncrypt client, PreloginTls server);

/* The answer: version (major, minor, build of two bytes), encryption, whether the default instance was meant,
 * no MARS. */
void prelogin_answer(const Prelogin *asked, uint32_t server_version, PreloginEncrypt encrypt, Buf *out);

#endif
