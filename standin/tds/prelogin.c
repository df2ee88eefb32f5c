#include "standin/tds/prelogin.h"

#include "base/cursor.h"

enum {
    OPTION_VERSION = 0,
    OPTION_ENCRYPTION = 1,
    OPTION_INSTANCE = 2,
    OPTION_MARS = 4,
    OPTION_COUNT = 7, /* 0 version … 6 federated authentication */
    OPTION_END = 0xff,
    OPTION_BYTES = 5, /* token, offset, length */
    VERSION_BYTES = 6,
};

static bool read_encrypt(Str data, PreloginEncrypt *ret, Err *e) {
    enum { CLIENT_CERTIFICATE = 0x80 }; /* only offered to servers that ask for one */
    unsigned value = data.n == 1 ? (uint8_t)data.p[0] & ~(unsigned)CLIENT_CERTIFICATE : 0xff;
    *ret = (PreloginEncrypt)value;
    return value <= PRELOGIN_ENCRYPT_REQUIRED ||
           err_set(e, ERR_INVALID, false, "a pre-login with an unknown encryption option");
}

static bool is_default_instance(Str name) {
    return name.n == 0 || str_eq_icase(name, STR_LIT("MSSQLServer"));
}

bool prelogin_read(Str body, Prelogin *ret, Err *e) {
    Prelogin p = {.encrypt = PRELOGIN_ENCRYPT_NOT_SUPPORTED};
    Cursor c = cursor_over(body.p, body.n);
    for (;;) {
        uint8_t token = cursor_u8(&c);
        if (c.failed) return err_set(e, ERR_INVALID, false, "a pre-login without an end");
        if (token == OPTION_END) break;
        uint16_t offset = cursor_be16(&c), length = cursor_be16(&c);
        if (c.failed || (size_t)offset + length > body.n) {
            return err_set(e, ERR_INVALID, false, "pre-login option %u lies outside of the message", token);
        }
        if (token < 32) p.asked |= UINT32_C(1) << token;
        Str data = str_sub(body, offset, length);
        if (token == OPTION_ENCRYPTION && !read_encrypt(data, &p.encrypt, e)) return false;
        if (token == OPTION_INSTANCE) p.instance = str_sub(data, 0, str_find(data, '\0'));
    }
    *ret = p;
    return true;
}

PreloginEncrypt prelogin_encrypt(PreloginEncrypt client, PreloginTls server) {
    bool is_wanted = client == PRELOGIN_ENCRYPT_ON || client == PRELOGIN_ENCRYPT_REQUIRED;
    if (server == PRELOGIN_TLS_NONE) return PRELOGIN_ENCRYPT_NOT_SUPPORTED;
    if (is_wanted) return PRELOGIN_ENCRYPT_ON;
    if (server == PRELOGIN_TLS_REQUIRED) return PRELOGIN_ENCRYPT_REQUIRED;
    return client == PRELOGIN_ENCRYPT_OFF ? PRELOGIN_ENCRYPT_OFF : PRELOGIN_ENCRYPT_NOT_SUPPORTED;
}

/* Bytes of an option's answer; -1: it isn't answered. */
static int answer_bytes(const Prelogin *asked, unsigned option) {
    if (option > OPTION_VERSION && (asked->asked >> option & 1) == 0) return -1;
    switch (option) {
    case OPTION_VERSION: return VERSION_BYTES;
    case OPTION_ENCRYPTION:
    case OPTION_INSTANCE:
    case OPTION_MARS: return 1;
    case 6: return -1; /* federated authentication: left out */
    default: return 0;
    }
}

void prelogin_answer(const Prelogin *asked, uint32_t server_version, PreloginEncrypt encrypt, Buf *out) {
    size_t offset = 1;
    for (unsigned i = 0; i < OPTION_COUNT; i++) offset += answer_bytes(asked, i) >= 0 ? OPTION_BYTES : 0;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        int n = answer_bytes(asked, i);
        if (n < 0) continue;
        buf_u8(out, (uint8_t)i);
        buf_be16(out, (uint16_t)offset);
        buf_be16(out, (uint16_t)n);
        offset += (size_t)n;
    }
    buf_u8(out, OPTION_END);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        int n = answer_bytes(asked, i);
        if (i == OPTION_VERSION) {
            buf_be32(out, server_version);
            buf_be16(out, 0);
        } else if (i == OPTION_ENCRYPTION && n == 1) buf_u8(out, (uint8_t)encrypt);
        else if (i == OPTION_INSTANCE && n == 1) buf_u8(out, is_default_instance(asked->instance) ? 0 : 1);
        else if (n == 1) buf_u8(out, 0); /* MARS: no */
    }
}
