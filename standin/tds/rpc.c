#include "standin/tds/rpc.h"

#include <stdio.h>
#include <string.h>

#include "standin/tds/typeinfo.h"
#include "standin/tds/typeinfo_token.h"
#include "standin/types/wtf8.h"

enum {
    HEADER_TRANSACTION = 2,
    NAME_IS_ID = 0xffff,
    OPTION_NO_METADATA = 2,
    PARAM_OUTPUT = 1,
    PARAM_DEFAULT = 2,
    PARAM_ENCRYPTED = 8,
    ERROR_TOO_MANY = 8003,
    ERROR_NAME = 8004,
    ERROR_PARAM_NAME = 8005,
    ERROR_PARAM_STATUS = 8006,
    ERROR_TYPE = 8009,
    ERROR_LENGTH = 8016,
    ERROR_PRECISION = 8017,
    ERROR_VALUE = 8023,
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

#define STREAM_IS_INCORRECT                                                                                  \
    "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect. "

static bool read_procedure(Cursor *c, Arena *a, Str *ret, SqlError *e) {
    uint16_t units = cursor_le16(c), id = units == NAME_IS_ID ? cursor_le16(c) : 0;
    bool is_known = id > 0 && id < sizeof procedures / sizeof *procedures;
    if (units != NAME_IS_ID) *ret = read_utf16(c, units, a);
    else if (is_known) *ret = str_from(procedures[id]);
    if (!c->failed && (units == NAME_IS_ID ? is_known : ret->n > 0)) return true;
    return sql_error_set(e, ERROR_NAME, 16, 1, STREAM_IS_INCORRECT "The RPC name is invalid.");
}

/* Its length is of the type, and may be none of it. */
static bool has_length(uint8_t token) {
    return token == TOKEN_INTN || token == TOKEN_BITN || token == TOKEN_FLTN || token == TOKEN_MONEYN ||
           token == TOKEN_DATETIMN || token == TOKEN_GUID || token == TOKEN_NVARCHAR ||
           token == TOKEN_NCHAR || token == TOKEN_BIGVARCHAR || token == TOKEN_BIGCHAR ||
           token == TOKEN_BIGVARBINARY || token == TOKEN_BIGBINARY;
}

/* What is wrong with a parameter's type or value, in the server's words; why is typeinfo's. */
static bool bad_param(SqlError *e, size_t number, const SessionParam *p, uint8_t token, bool is_value,
                      const Err *why) {
    char text[ERR_MSG_SIZE + 64];
    int32_t error = ERROR_TYPE;
    if (is_value && why->code == ERR_RANGE) {
        error = ERROR_VALUE;
        (void)snprintf(
            text, sizeof text,
            "The supplied value is not a valid instance of data type %s. Check the source data for "
            "invalid values. An example of an invalid value is data of numeric type with scale greater "
            "than precision.",
            type_name(p->type.id));
    } else if (is_value || has_length(token)) {
        error = ERROR_LENGTH;
        (void)snprintf(text, sizeof text, "Data type 0x%02X has an invalid data length or metadata length.",
                       token);
    } else if (why->code == ERR_RANGE) {
        error = ERROR_PRECISION;
        (void)snprintf(text, sizeof text, "Data type 0x%02X has an invalid precision or scale.", token);
    } else (void)snprintf(text, sizeof text, "%s.", why->msg);
    return sql_error_set(e, error, 16, 1, STREAM_IS_INCORRECT "Parameter %zu (\"" STR_FMT "\"): %s", number,
                         STR_ARG(p->name), text);
}

static bool read_param(Cursor *c, size_t number, Arena *a, SessionParam *ret, SqlError *e) {
    *ret = (SessionParam){.name = read_utf16(c, cursor_u8(c), a)};
    uint8_t status = cursor_u8(c), token = cursor_left(c) > 0 ? *c->p : 0;
    TypeInfo info;
    Err why;
    if (c->failed) {
        return sql_error_set(e, ERROR_PARAM_NAME, 16, 1,
                             STREAM_IS_INCORRECT "Parameter %zu: The parameter name is invalid.", number);
    }
    if (ret->name.n > 0 && ret->name.p[0] != '@') ret->name = (Str){0}; /* no parameter's name: by position */
    if (status & PARAM_ENCRYPTED) {
        return sql_error_set(e, ERROR_PARAM_STATUS, 16, 1,
                             STREAM_IS_INCORRECT "Parameter %zu: Encrypted parameters are not supported.",
                             number);
    }
    if (status & ~(PARAM_OUTPUT | PARAM_DEFAULT)) {
        return sql_error_set(e, ERROR_PARAM_STATUS, 16, 1,
                             STREAM_IS_INCORRECT "Parameter %zu: The parameter status flags are invalid.",
                             number);
    }
    ret->is_output = (status & PARAM_OUTPUT) != 0;
    ret->is_default = (status & PARAM_DEFAULT) != 0;
    if (!typeinfo_read(c, /* of_column= */ false, &info, &why))
        return bad_param(e, number, ret, token, /* is_value= */ false, &why);
    ret->type = info.type;
    return typeinfo_read_value(c, &info, /* has_pointer= */ false, a, &ret->value, &why) ||
           bad_param(e, number, ret, token, /* is_value= */ true, &why);
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

bool rpc_read(Cursor *c, Arena *a, RpcCall *ret, SqlError *e) {
    RpcCall call = {0};
    size_t capacity = 0;
    if (!read_procedure(c, a, &call.procedure, e)) return false;
    call.no_metadata = (cursor_le16(c) & OPTION_NO_METADATA) != 0;
    if (c->failed) return sql_error_set(e, ERROR_NAME, 16, 1, STREAM_IS_INCORRECT "The RPC name is invalid.");
    while (cursor_left(c) > 0) {
        if (is_separator(*c->p)) {
            if (cursor_u8(c) == SEPARATOR_NO_EXEC) {
                return sql_error_set(e, ERROR_NAME, 16, 1,
                                     STREAM_IS_INCORRECT "Calls with the no-exec flag are not supported.");
            }
            break;
        }
        if (call.count == RPC_MAX_PARAMS) {
            return sql_error_set(
                e, ERROR_TOO_MANY, 16, 1,
                "The incoming request has too many parameters. The server supports a maximum of "
                "%d parameters. Reduce the number of parameters and resend the request.",
                RPC_MAX_PARAMS);
        }
        grow(&call, &capacity, a);
        if (!read_param(c, call.count + 1, a, &call.params[call.count], e)) return false;
        call.count++;
    }
    *ret = call;
    return true;
}
