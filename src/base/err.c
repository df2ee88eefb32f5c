#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line of whole characters: what a server sends may hold line ends, and a cut may fall into a character.
 */
static void tidy(char *msg, bool was_cut) {
    for (char *p = msg; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c == 0x7f) *p = ' ';
    }
    if (!was_cut) return;
    size_t n = strlen(msg), start = n;
    while (start > 0 && ((unsigned char)msg[start - 1] & 0xc0) == 0x80) start--;
    if (start == 0 || (unsigned char)msg[start - 1] < 0xc0) return; /* ends in ASCII, or isn't UTF-8 at all */
    unsigned char lead = (unsigned char)msg[start - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (n - (start - 1) < want) msg[start - 1] = '\0';
}

bool err_set(Err *e, ErrCode code, bool retriable, const char *fmt, ...) {
    assert(e && fmt);
    char msg[ERR_MSG_SIZE]; /* apart from e->msg, which may be among the arguments */
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(msg, sizeof msg, fmt, args);
    va_end(args);
    tidy(msg, n >= (int)sizeof msg);
    e->code = code;
    e->retriable = retriable;
    e->retry_until_us = 0;
    memcpy(e->msg, msg, strlen(msg) + 1);
    return false;
}

bool err_wrap(Err *e, const char *fmt, ...) {
    assert(e && fmt);
    char what[ERR_MSG_SIZE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    int64_t until_us = e->retry_until_us;
    (void)err_set(e, e->code, e->retriable, "%s: %s", what, e->msg);
    e->retry_until_us = until_us;
    return false;
}

const char *err_code_name(ErrCode code) {
    switch (code) {
    case ERR_OK: return "ok";
    case ERR_INVALID: return "invalid";
    case ERR_RANGE: return "range";
    case ERR_IO: return "io";
    case ERR_TIMEOUT: return "timeout";
    case ERR_CANCELLED: return "cancelled";
    case ERR_DATA: return "data";
    case ERR_FENCED: return "fenced";
    case ERR_INTERNAL: return "internal";
    }
    return "unknown";
}
