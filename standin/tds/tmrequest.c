#include "standin/tds/tmrequest.h"

#include "standin/types/wtf8.h"

enum {
    TM_GET_DTC_ADDRESS = 0,
    TM_PROPAGATE = 1,
    TM_BEGIN = 5,
    TM_PROMOTE = 6,
    TM_COMMIT = 7,
    TM_ROLLBACK = 8,
    TM_SAVE = 9,
    FLAG_BEGIN_ANEW = 1,
    MAX_ISOLATION = 5,
};

/* u8 length in bytes, UTF-16. */
static Str read_name(Cursor *c, Arena *a) {
    Str utf16 = cursor_bytes(c, cursor_u8(c));
    char *out = arena_bytes(a, 3 * (utf16.n / 2) + 1);
    return (Str){out, wtf8_from_utf16le((const uint8_t *)utf16.p, utf16.n, out)};
}

bool tmrequest_read(Cursor *c, Arena *a, TmRequest *ret, Err *e) {
    TmRequest r = {0};
    uint16_t request = cursor_le16(c);
    if (c->failed) return err_set(e, ERR_INVALID, false, "a transaction manager request is cut short");
    switch (request) {
    case TM_GET_DTC_ADDRESS:
    case TM_PROPAGATE:
    case TM_PROMOTE: *ret = (TmRequest){.is_distributed = true}; return true;
    case TM_BEGIN:
        r.what = SESSION_TM_BEGIN;
        r.isolation = cursor_u8(c);
        r.name = read_name(c, a);
        break;
    case TM_COMMIT:
    case TM_ROLLBACK:
        r.what = request == TM_COMMIT ? SESSION_TM_COMMIT : SESSION_TM_ROLLBACK;
        r.name = read_name(c, a);
        r.begin_anew = (cursor_u8(c) & FLAG_BEGIN_ANEW) != 0;
        if (r.begin_anew) {
            r.isolation = cursor_u8(c);
            (void)read_name(c, a); /* of the new transaction: for logs only */
        }
        break;
    case TM_SAVE:
        r.what = SESSION_TM_SAVE;
        r.name = read_name(c, a);
        break;
    default: return err_set(e, ERR_INVALID, false, "there is no transaction manager request %u", request);
    }
    if (c->failed) return err_set(e, ERR_INVALID, false, "a transaction manager request is cut short");
    if (r.isolation > MAX_ISOLATION) return err_set(e, ERR_INVALID, false, "isolation level %d", r.isolation);
    *ret = r;
    return true;
}
