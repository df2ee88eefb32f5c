#include "standin/tds/login7.h"

#include "base/cursor.h"
#include "standin/types/wtf8.h"

enum {
    AT_HOST = 36,
    AT_USER = 40,
    AT_PASSWORD = 44,
    AT_APPLICATION = 48,
    AT_EXTENSION = 56,
    AT_LANGUAGE = 64,
    AT_DATABASE = 68,
    AT_NEW_PASSWORD = 86,
    LOGIN7_FIXED_BYTES = 94,
    MAX_FIELD_UNITS = 128,
    FLAGS1_DATABASE_FATAL = 0x40,
    FLAGS2_ODBC = 0x02,
    FLAGS2_INTEGRATED = 0x80,
    TYPE_READ_ONLY_INTENT = 0x20,
    FLAGS3_CHANGE_PASSWORD = 0x01,
    FLAGS3_EXTENSION = 0x10,
    FEATURE_FEDAUTH = 0x02,
    FEATURE_UTF8 = 0x0a,
    FEATURE_END = 0xff,
};

/* The bytes that the pair {offset, length in units} at `at` points to. */
static bool field_bytes(Str body, size_t at, Str *ret, Err *e) {
    Cursor c = cursor_over(body.p + at, body.n - at);
    size_t offset = cursor_le16(&c), units = cursor_le16(&c);
    *ret = (Str){0};
    if (units == 0) return true;
    if (units > MAX_FIELD_UNITS || offset > body.n || 2 * units > body.n - offset) {
        return err_set(e, ERR_INVALID, false, "LOGIN7: the field at %zu lies outside of the message", at);
    }
    *ret = (Str){body.p + offset, 2 * units};
    return true;
}

static Str to_utf8(Str utf16, Arena *a) {
    char *out = arena_bytes(a, 3 * (utf16.n / 2) + 1);
    return (Str){out, wtf8_from_utf16le((const uint8_t *)utf16.p, utf16.n, out)};
}

static bool read_field(Str body, size_t at, Arena *a, Str *ret, Err *e) {
    Str utf16;
    if (!field_bytes(body, at, &utf16, e)) return false;
    *ret = to_utf8(utf16, a);
    return true;
}

/* Each byte: nibbles swapped, then XOR 0xA5. */
static bool read_password(Str body, Arena *a, Str *ret, Err *e) {
    Str hidden;
    if (!field_bytes(body, AT_PASSWORD, &hidden, e)) return false;
    char *plain = arena_bytes(a, hidden.n + 1);
    for (size_t i = 0; i < hidden.n; i++) {
        uint8_t b = (uint8_t)((uint8_t)hidden.p[i] ^ 0xa5);
        plain[i] = (char)(b << 4 | b >> 4);
    }
    *ret = to_utf8((Str){plain, hidden.n}, a);
    return true;
}

/* The extension field points to a u32 that is the offset of {id, u32 length, data} … 0xff. */
static bool read_features(Str body, Login7 *l, Err *e) {
    Cursor pair = cursor_over(body.p + AT_EXTENSION, 4);
    size_t offset = cursor_le16(&pair);
    if (offset > body.n || body.n - offset < 4) goto bad;
    Cursor place = cursor_over(body.p + offset, 4);
    size_t start = cursor_le32(&place);
    if (start > body.n) goto bad;
    Cursor c = cursor_over(body.p + start, body.n - start);
    for (uint8_t id = cursor_u8(&c); id != FEATURE_END && !c.failed; id = cursor_u8(&c)) {
        if (id == FEATURE_UTF8) l->wants_utf8 = true;
        if (id == FEATURE_FEDAUTH) l->wants_federated_security = true;
        cursor_skip(&c, cursor_le32(&c));
    }
    if (!c.failed) return true;
bad:
    return err_set(e, ERR_INVALID, false, "LOGIN7: the features lie outside of the message");
}

static bool read_fields(Str body, Arena *a, Login7 *l, Err *e) {
    return read_field(body, AT_HOST, a, &l->host, e) && read_field(body, AT_USER, a, &l->user, e) &&
           read_password(body, a, &l->password, e) &&
           read_field(body, AT_APPLICATION, a, &l->application, e) &&
           read_field(body, AT_LANGUAGE, a, &l->language, e) &&
           read_field(body, AT_DATABASE, a, &l->database, e);
}

bool login7_read(Str body, Arena *a, Login7 *ret, Err *e) {
    Login7 l = {0};
    if (body.n < LOGIN7_FIXED_BYTES) return err_set(e, ERR_INVALID, false, "LOGIN7 of %zu bytes", body.n);
    Cursor c = cursor_over(body.p, body.n);
    uint32_t length = cursor_le32(&c);
    if (length != body.n) return err_set(e, ERR_INVALID, false, "LOGIN7: its length isn't the message's");
    l.tds_version = cursor_le32(&c);
    l.packet_size = cursor_le32(&c);
    cursor_skip(&c, 12);            /* client program version, process id, connection id */
    uint8_t flags1 = cursor_u8(&c); /* byte order and float format are the same for every living client */
    uint8_t flags2 = cursor_u8(&c), type_flags = cursor_u8(&c), flags3 = cursor_u8(&c);
    l.is_database_optional = (flags1 & FLAGS1_DATABASE_FATAL) == 0;
    l.is_odbc = (flags2 & FLAGS2_ODBC) != 0;
    l.wants_integrated_security = (flags2 & FLAGS2_INTEGRATED) != 0;
    l.is_read_only_intent = (type_flags & TYPE_READ_ONLY_INTENT) != 0;
    l.wants_new_password = (flags3 & FLAGS3_CHANGE_PASSWORD) != 0;
    if (!read_fields(body, a, &l, e)) return false;
    if ((flags3 & FLAGS3_EXTENSION) != 0 && !read_features(body, &l, e)) return false;
    *ret = l;
    return true;
}
