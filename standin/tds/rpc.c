#include "standin/tds/rpc.h"

#include <string.h>

#include "standin/tds/typeinfo.h"
#include "standin/types/wtf8.h"

enum {
    HEADER_TRANSACTION = 2,
    NAME_IS_ID = 0xffff,
    OPTION_NO_METADATA = 2,
    PARAM_OUTPUT = 1,
    PARAM_DEFAULT = 2,
    PARAM_ENCRYPTED = 8,
    SEPARATOR_71 = 0x80,
    SEPARATOR_NO_EXEC = 0xfe,
    SEPARATOR = 0xff,
};

static const char *const procedures[] = {
    /* by ProcID */
    NULL,
    "sp_cursor",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorexecute",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_cursorfetch",
    "sp_cursoroption",
    "sp_cursorclose",
    "sp_executesql",
    "sp_prepare",
    "sp_execute",
    "sp_prepexec",
    "sp_prepexecrpc",
    "sp_unprepare",
};

bool rpc_read_headers(Cursor *c, uint64_t *ret_descriptor, Err *e) {
    size_t total = cursor_le32(c);
    *ret_descriptor = 0;
    if (c->failed || total < 4 || total - 4 > cursor_left(c)) goto bad;
    Str bytes = cursor_bytes(c, total - 4);
    Cursor h = cursor_over(bytes.p, bytes.n);
    while (cursor_left(&h) > 0) {
        size_t length = cursor_le32(&h);
        uint16_t type = cursor_le16(&h);
        if (h.failed || length < 6 || length - 6 > cursor_left(&h)) goto bad;
        Str data = cursor_bytes(&h, length - 6);
        if (type != HEADER_TRANSACTION) continue;
        if (data.n != 12) goto bad;
        Cursor d = cursor_over(data.p, data.n);
        *ret_descriptor = cursor_le64(&d);
    }
    return true;
bad:
    return err_set(e, ERR_INVALID, false, "malformed ALL_HEADERS");
}

static Str read_utf16(Cursor *c, size_t units, Arena *a) {
    Str utf16 = cursor_bytes(c, 2 * units);
    char *out = arena_bytes(a, 3 * (utf16.n / 2) + 1);
    return (Str){out, wtf8_from_utf16le((const uint8_t *)utf16.p, utf16.n, out)};
}

static bool read_procedure(Cursor *c, Arena *a, Str *ret, Err *e) {
    uint16_t units = cursor_le16(c);
    if (units != NAME_IS_ID) {
        *ret = read_utf16(c, units, a);
        return (!c->failed && ret->n > 0) ||
               err_set(e, ERR_INVALID, false, "a procedure call without a name");
    }
    uint16_t id = cursor_le16(c);
    if (c->failed || id == 0 || id >= sizeof procedures / sizeof *procedures) {
        return err_set(e, ERR_INVALID, false, "no procedure has the id %u", id);
    }
    *ret = str_from(procedures[id]);
    return true;
}

static bool read_param(Cursor *c, Arena *a, SessionParam *ret, Err *e) {
    *ret = (SessionParam){.name = read_utf16(c, cursor_u8(c), a)};
    uint8_t status = cursor_u8(c);
    TypeInfo info;
    if (c->failed) return err_set(e, ERR_INVALID, false, "a parameter is cut short");
    if (ret->name.n > 0 && ret->name.p[0] != '@') ret->name = (Str){0}; /* no parameter's name: by position */
    if (status & PARAM_ENCRYPTED)
        return err_set(e, ERR_INVALID, false, "encrypted parameters are not supported");
    ret->is_output = (status & PARAM_OUTPUT) != 0;
    ret->is_default = (status & PARAM_DEFAULT) != 0;
    if (!typeinfo_read(c, /* of_column= */ false, &info, e)) return false;
    ret->type = info.type;
    return typeinfo_read_value(c, &info, /* has_pointer= */ false, a, &ret->value, e);
}

static bool is_separator(uint8_t b) {
    return b == SEPARATOR || b == SEPARATOR_NO_EXEC || b == SEPARATOR_71;
}

/* Room for one more, doubling in the arena. */
static void grow(RpcCall *call, size_t *capacity, Arena *a) {
    if (call->count < *capacity) return;
    *capacity = *capacity == 0 ? 8 : 2 * *capacity;
    SessionParam *more = ARENA_ARRAY(a, SessionParam, *capacity);
    if (call->count > 0) memcpy(more, call->params, call->count * sizeof *more);
    call->params = more;
}

bool rpc_read(Cursor *c, Arena *a, RpcCall *ret, Err *e) {
    RpcCall call = {0};
    size_t capacity = 0;
    if (!read_procedure(c, a, &call.procedure, e)) return false;
    call.no_metadata = (cursor_le16(c) & OPTION_NO_METADATA) != 0;
    if (c->failed) return err_set(e, ERR_INVALID, false, "a procedure call is cut short");
    while (cursor_left(c) > 0) {
        if (is_separator(*c->p)) {
            if (cursor_u8(c) == SEPARATOR_NO_EXEC) {
                return err_set(e, ERR_INVALID, false,
                               "procedure calls with the no-exec flag are not supported");
            }
            break;
        }
        if (call.count == RPC_MAX_PARAMS) return err_set(e, ERR_INVALID, false, "over 2100 parameters");
        grow(&call, &capacity, a);
        if (!read_param(c, a, &call.params[call.count], e)) {
            return err_wrap(e, "Parameter %zu (\"" STR_FMT "\")", call.count + 1,
                            STR_ARG(call.params[call.count].name));
        }
        call.count++;
    }
    *ret = call;
    return true;
}
