#include "standin/tds/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "standin/tds/typeinfo.h"
#include "standin/types/collation.h"
#include "standin/types/wtf8.h"

enum {
    TOKEN_RETURNSTATUS = 0x79,
    TOKEN_COLMETADATA = 0x81,
    TOKEN_ERROR = 0xaa,
    TOKEN_INFO = 0xab,
    TOKEN_RETURNVALUE = 0xac,
    TOKEN_LOGINACK = 0xad,
    TOKEN_FEATUREEXTACK = 0xae,
    TOKEN_ROW = 0xd1,
    TOKEN_NBCROW = 0xd2,
    TOKEN_ENVCHANGE = 0xe3,
    TOKEN_DONE = 0xfd,
    TOKEN_DONEPROC = 0xfe,
    TOKEN_DONEINPROC = 0xff,
};

enum {
    DONE_MORE = 0x01,
    DONE_ERROR = 0x02,
    DONE_COUNT = 0x10,
    DONE_ATTENTION = 0x20,
    DONE_RPC_IN_BATCH = 0x80, /* of a DONEPROC: another call of the message follows */
    COMMAND_EXEC = 0xe0,
    COMMAND_ATTENTION = 0xfd,
};

enum {
    COLUMN_NULLABLE = 0x0001,
    COLUMN_CASE_SENSITIVE = 0x0002,
    COLUMN_UPDATABLE = 0x0008, /* "unknown", as for any plain column */
    COLUMN_IDENTITY = 0x0010,
    COLUMN_COMPUTED = 0x0020,
};

enum {
    TOKEN_MAX_MESSAGE_UNITS = 4000,
    TOKEN_MAX_NAME_UNITS = 128,
    TOKEN_LOOK_EVERY_ROWS = 32,
    FEATURE_UTF8 = 0x0a,
    FEATURE_END = 0xff,
};

typedef struct Done {
    bool is_set;
    bool ends_call; /* one of the message's RPC calls */
    uint8_t token;
    uint16_t status, command;
    uint64_t rows;
} Done;

struct TokenOut {
    Out base; /* first: an Out is its TokenOut */
    PacketIo *io;
    Buf *out; /* io's */
    const char *server_name;
    char database[3 * 128 + 1]; /* the current one */
    bool is_rpc, has_failed;
    unsigned procedure_depth; /* of EXEC in a batch */
    Done held;
    unsigned rows_unseen;
    TypeInfoEncoder *columns;
    size_t count, fixed_bytes; /* room for a row but for the variable columns' own bytes */
    bool has_variable;
    uint64_t rows_left; /* until the trap's row; never reached without one */
    TokenTrap trap;
};

static const uint16_t commands[] = {
    /* [MS-TDS] gives no list; these are what servers send */
    [OUT_CMD_NONE] = 0,      [OUT_CMD_SELECT] = 0xc1,       [OUT_CMD_INSERT] = 0xc3,
    [OUT_CMD_UPDATE] = 0xc5, [OUT_CMD_DELETE] = 0xc4,       [OUT_CMD_MERGE] = 0x117,
    [OUT_CMD_BEGIN] = 0xd4,  [OUT_CMD_COMMIT] = 0xd5,       [OUT_CMD_ROLLBACK] = 0xd2,
    [OUT_CMD_DDL] = 0xc6,    [OUT_CMD_EXEC] = COMMAND_EXEC, [OUT_CMD_BULK] = 0xf0,
};

static TokenOut *of(Out *o) {
    return (TokenOut *)o;
}

/* --- pieces -----------------------------------------------------------------------------------------------
 */

/* UTF-16 without a count; returns the units. */
static size_t add_utf16(Buf *out, Str s, size_t max_units) {
    while (s.n > max_units && wtf8_units(s) > max_units) s.n--; /* rare: names and messages are short */
    size_t bytes = wtf8_to_utf16le(s, buf_reserve(out, 2 * s.n));
    out->n += bytes;
    return bytes / 2;
}

static void add_b_varchar(Buf *out, Str s) {
    size_t at = out->n;
    buf_u8(out, 0);
    size_t units = add_utf16(out, s, TOKEN_MAX_NAME_UNITS);
    out->p[at] = (uint8_t)units;
}

static void add_us_varchar(Buf *out, Str s) {
    size_t at = out->n;
    buf_le16(out, 0);
    size_t units = add_utf16(out, s, TOKEN_MAX_MESSAGE_UNITS);
    out->p[at] = (uint8_t)units;
    out->p[at + 1] = (uint8_t)(units >> 8);
}

/* A token with a u16 length: begin gives its place, end fills it in. */
static size_t begin_counted(Buf *out, uint8_t token) {
    buf_u8(out, token);
    buf_le16(out, 0);
    return out->n;
}

static void end_counted(Buf *out, size_t start) {
    size_t n = out->n - start;
    out->p[start - 2] = (uint8_t)n;
    out->p[start - 1] = (uint8_t)(n >> 8);
}

static void write_done(TokenOut *t, bool has_more) {
    Done *d = &t->held;
    if (!d->is_set) return;
    unsigned more = !has_more ? 0 : d->ends_call ? DONE_MORE | DONE_RPC_IN_BATCH : DONE_MORE;
    buf_u8(t->out, d->token);
    buf_le16(t->out, (uint16_t)(d->status | more));
    buf_le16(t->out, d->command);
    buf_le64(t->out, d->rows);
    d->is_set = false;
}

/* Before any token: the DONE held back isn't the last one. */
static void begin_token(TokenOut *t) {
    write_done(t, true);
}

static void hold(TokenOut *t, uint8_t token, uint16_t status, uint16_t command, uint64_t rows) {
    begin_token(t);
    t->held = (Done){.is_set = true, .token = token, .status = status, .command = command, .rows = rows};
}

/* Never strikes. */
static const TokenTrap no_trap = {UINT64_MAX, UINT64_MAX, NULL, NULL};

static bool spring(TokenOut *t, uint64_t at) {
    TokenTrap trap = t->trap;
    token_set_trap(t, NULL);
    return trap.strike(trap.arg, at);
}

/* Send if there is enough; look for an attention now and then. */
static bool go_on(TokenOut *t) {
    if (packet_sent(t->io) + t->out->n >= t->trap.bytes && !spring(t, t->trap.bytes)) return false;
    if (!packet_flow(t->io)) return false;
    if (++t->rows_unseen < TOKEN_LOOK_EVERY_ROWS) return true;
    t->rows_unseen = 0;
    return !packet_is_interrupted(t->io);
}

/* --- result sets ------------------------------------------------------------------------------------------
 */

static uint16_t column_flags(const OutColumn *c) {
    unsigned flags = 0;
    if (c->is_nullable) flags |= COLUMN_NULLABLE;
    if (c->is_updatable) flags |= COLUMN_UPDATABLE;
    if (c->is_identity) flags |= COLUMN_IDENTITY;
    if (c->is_computed) flags |= COLUMN_COMPUTED;
    if (type_is_text(c->type.id) && collation_get(c->type.collation)->is_case_sensitive) {
        flags |= COLUMN_CASE_SENSITIVE;
    }
    return (uint16_t)flags;
}

static void write_column(TokenOut *t, const OutColumn *c, const TypeInfoEncoder *x) {
    buf_le32(t->out, typeinfo_user_type(&c->type));
    buf_le16(t->out, column_flags(c));
    typeinfo_write(x, str_from(t->database), t->out);
    if (c->type.id == TYPE_TEXT || c->type.id == TYPE_NTEXT || c->type.id == TYPE_IMAGE) {
        buf_u8(t->out, 1); /* parts of the table's name */
        add_us_varchar(t->out, c->table);
    }
    add_b_varchar(t->out, c->name);
}

static bool out_columns(Out *o, const OutColumn *columns, size_t count) {
    TokenOut *t = of(o);
    begin_token(t);
    t->columns = x_reallocarray(t->columns, count, sizeof *t->columns);
    t->count = count;
    t->fixed_bytes = 1 + (count + 7) / 8; /* token, NULL bitmap */
    t->has_variable = false;
    buf_u8(t->out, TOKEN_COLMETADATA);
    buf_le16(t->out, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        bool is_nullable = columns[i].is_nullable || columns[i].type.id == TYPE_NULL;
        t->columns[i] = typeinfo_encoder(&columns[i].type, is_nullable);
        t->fixed_bytes += t->columns[i].base_bytes;
        t->has_variable |= t->columns[i].is_variable;
        write_column(t, &columns[i], &t->columns[i]);
    }
    return go_on(t);
}

static bool bad_value(TokenOut *t, size_t column) {
    char text[128];
    (void)snprintf(text, sizeof text, "Internal error: a value doesn't fit the type of result column %zu.",
                   column + 1);
    LOG_ERROR("row_encoding_failed", LOG_I("column", column + 1));
    token_message(t, 596, 16, 1, text);
    return false;
}

/* With a bitmap of the NULLs, which then take no other room. */
static bool write_nbc_row(TokenOut *t, const Value *values, uint8_t *p) {
    uint8_t *bitmap = p + 1;
    *p = TOKEN_NBCROW;
    memset(bitmap, 0, (t->count + 7) / 8);
    p = bitmap + (t->count + 7) / 8;
    for (size_t i = 0; i < t->count; i++) {
        const TypeInfoEncoder *x = &t->columns[i];
        if (values[i].kind == VALUE_NULL) {
            if (!x->is_nullable) return bad_value(t, i);
            bitmap[i / 8] |= (uint8_t)(1u << (i % 8));
            continue;
        }
        p = x->write(x, &values[i], p);
        if (!p) return bad_value(t, i);
    }
    t->out->n = (size_t)(p - t->out->p);
    return true;
}

static bool write_row(TokenOut *t, const Value *values, uint8_t *p) {
    *p++ = TOKEN_ROW;
    for (size_t i = 0; i < t->count; i++) {
        const TypeInfoEncoder *x = &t->columns[i];
        p = x->write(x, &values[i], p);
        if (!p) return bad_value(t, i);
    }
    t->out->n = (size_t)(p - t->out->p);
    return true;
}

static bool out_row(Out *o, const Value *values) {
    TokenOut *t = of(o);
    begin_token(t);
    size_t room = t->fixed_bytes, nulls = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (values[i].kind == VALUE_NULL) nulls++;
        else if (t->columns[i].is_variable) room += 2 * values[i].v.s.n;
    }
    uint8_t *p = buf_reserve(t->out, room);
    size_t before = t->out->n;
    bool is_compact = nulls > (t->count + 7) / 8;
    bool is_written = is_compact ? write_nbc_row(t, values, p) : write_row(t, values, p);
    if (is_written && --t->rows_left == 0) {
        size_t half = (t->out->n - before + 1) / 2;
        if (!spring(t, packet_sent(t->io) + before + half)) return false;
    }
    return is_written && go_on(t);
}

/* --- the rest of Out --------------------------------------------------------------------------------------
 */

/* [MS-TDS] 2.2.7.6 to 8: a batch's statement, a procedure's statement, a procedure that a batch has called.
 */
static uint8_t done_token(const TokenOut *t, OutCommand command, bool failed) {
    if (t->is_rpc || t->procedure_depth > 0) return TOKEN_DONEINPROC;
    return command == OUT_CMD_EXEC && !failed ? TOKEN_DONEPROC : TOKEN_DONE;
}

static bool out_done(Out *o, OutCommand command, bool has_count, uint64_t rows, bool failed) {
    TokenOut *t = of(o);
    unsigned status = (has_count ? DONE_COUNT : 0) | (failed ? DONE_ERROR : 0);
    if (failed) t->has_failed = true;
    hold(t, done_token(t, command, failed), (uint16_t)status, commands[command], has_count ? rows : 0);
    return go_on(t);
}

static bool out_message(Out *o, const OutMessage *m) {
    TokenOut *t = of(o);
    begin_token(t);
    size_t start = begin_counted(t->out, m->class_ <= 10 ? TOKEN_INFO : TOKEN_ERROR);
    buf_le32(t->out, (uint32_t)m->number);
    buf_u8(t->out, m->state);
    buf_u8(t->out, m->class_ == 10 ? 0 : m->class_); /* as the server does: "severity 10 is returned as 0" */
    add_us_varchar(t->out, m->text);
    add_b_varchar(t->out, str_from(t->server_name));
    add_b_varchar(t->out, m->procedure);
    buf_le32(t->out, m->line);
    end_counted(t->out, start);
    return go_on(t);
}

static bool out_env_text(Out *o, OutEnv what, Str now, Str before) {
    TokenOut *t = of(o);
    begin_token(t);
    if (what == OUT_ENV_DATABASE) (void)snprintf(t->database, sizeof t->database, STR_FMT, STR_ARG(now));
    size_t start = begin_counted(t->out, TOKEN_ENVCHANGE);
    buf_u8(t->out, (uint8_t)what);
    add_b_varchar(t->out, now);
    add_b_varchar(t->out, before);
    end_counted(t->out, start);
    return go_on(t);
}

static bool out_env_transaction(Out *o, OutEnv what, uint64_t descriptor) {
    TokenOut *t = of(o);
    begin_token(t);
    size_t start = begin_counted(t->out, TOKEN_ENVCHANGE);
    buf_u8(t->out, (uint8_t)what);
    if (what != OUT_ENV_BEGIN) buf_u8(t->out, 0); /* new: none; old: the ended one */
    buf_u8(t->out, 8);
    buf_le64(t->out, descriptor);
    if (what == OUT_ENV_BEGIN) buf_u8(t->out, 0);
    end_counted(t->out, start);
    return go_on(t);
}

static bool out_return_status(Out *o, int32_t status) {
    TokenOut *t = of(o);
    begin_token(t);
    buf_u8(t->out, TOKEN_RETURNSTATUS);
    buf_le32(t->out, (uint32_t)status);
    return go_on(t);
}

static bool out_return_value(Out *o, uint16_t ordinal, Str name, const Type *type, const Value *value) {
    enum { STATUS_OUTPUT = 1 };
    TokenOut *t = of(o);
    TypeInfoEncoder x = typeinfo_encoder(type, true);
    begin_token(t);
    buf_u8(t->out, TOKEN_RETURNVALUE);
    buf_le16(t->out, ordinal);
    add_b_varchar(t->out, name);
    buf_u8(t->out, STATUS_OUTPUT);
    buf_le32(t->out, typeinfo_user_type(type));
    buf_le16(t->out, COLUMN_NULLABLE);
    typeinfo_write(&x, str_from(t->database), t->out);
    uint8_t *p = buf_reserve(t->out, typeinfo_room(&x, value));
    uint8_t *end = x.write(&x, value, p);
    if (!end) return bad_value(t, ordinal);
    t->out->n = (size_t)(end - t->out->p);
    return go_on(t);
}

static bool out_is_cancelled(Out *o) {
    return packet_is_interrupted(of(o)->io);
}

static void out_procedure(Out *o, bool enters) {
    TokenOut *t = of(o);
    t->procedure_depth += enters ? 1 : -1U;
}

static const Out token_functions = {
    .columns = out_columns,
    .row = out_row,
    .done = out_done,
    .message = out_message,
    .env_text = out_env_text,
    .env_transaction = out_env_transaction,
    .return_status = out_return_status,
    .return_value = out_return_value,
    .is_cancelled = out_is_cancelled,
    .procedure = out_procedure,
};

/* --- an answer's frame ------------------------------------------------------------------------------------
 */

TokenOut *token_new(PacketIo *io, const char *server_name) {
    TokenOut *t = x_calloc(1, sizeof *t);
    t->base = token_functions;
    t->io = io;
    t->out = packet_out(io);
    t->server_name = server_name;
    token_set_trap(t, NULL);
    return t;
}

void token_set_trap(TokenOut *t, const TokenTrap *trap) {
    t->trap = trap ? *trap : no_trap;
    t->rows_left = t->trap.rows == UINT64_MAX ? UINT64_MAX : t->trap.rows + 1;
}

TokenOut *token_free(TokenOut *t) {
    if (t) free(t->columns);
    free(t);
    return NULL;
}

Out *token_out(TokenOut *t) {
    return &t->base;
}

void token_begin(TokenOut *t, bool is_rpc) {
    t->is_rpc = is_rpc;
    t->has_failed = false;
    t->procedure_depth = 0;
    t->held = (Done){0};
}

void token_end_procedure(TokenOut *t) {
    hold(t, TOKEN_DONEPROC, t->has_failed ? DONE_ERROR : 0, COMMAND_EXEC, 0);
    t->held.ends_call = true;
    t->has_failed = false;
}

bool token_end(TokenOut *t) {
    token_set_trap(t, NULL);
    if (!t->held.is_set) hold(t, TOKEN_DONE, 0, 0, 0);
    write_done(t, false);
    return packet_end(t->io);
}

bool token_end_attention(TokenOut *t) {
    t->held.ends_call = false;
    hold(t, TOKEN_DONE, DONE_ATTENTION, COMMAND_ATTENTION, 0);
    return token_end(t);
}

bool token_end_ignored(TokenOut *t) {
    hold(t, TOKEN_DONE, DONE_ERROR, 0, 0);
    return token_end(t);
}

void token_packet_size(TokenOut *t, uint32_t now, uint32_t before) {
    enum { ENV_PACKET_SIZE = 4 };
    char text[2][16];
    (void)snprintf(text[0], sizeof text[0], "%" PRIu32, now);
    (void)snprintf(text[1], sizeof text[1], "%" PRIu32, before);
    begin_token(t);
    size_t start = begin_counted(t->out, TOKEN_ENVCHANGE);
    buf_u8(t->out, ENV_PACKET_SIZE);
    add_b_varchar(t->out, str_from(text[0]));
    add_b_varchar(t->out, str_from(text[1]));
    end_counted(t->out, start);
}

void token_collation(TokenOut *t, uint16_t collation) {
    enum { ENV_COLLATION = 7 };
    uint8_t wire[COLLATION_WIRE_BYTES];
    collation_to_wire(collation_get(collation), wire);
    begin_token(t);
    size_t start = begin_counted(t->out, TOKEN_ENVCHANGE);
    buf_u8(t->out, ENV_COLLATION);
    buf_u8(t->out, sizeof wire);
    buf_add(t->out, wire, sizeof wire);
    buf_u8(t->out, 0);
    end_counted(t->out, start);
}

void token_reset_done(TokenOut *t) {
    enum { ENV_RESET = 18 };
    begin_token(t);
    size_t start = begin_counted(t->out, TOKEN_ENVCHANGE);
    buf_u8(t->out, ENV_RESET);
    buf_u8(t->out, 0);
    buf_u8(t->out, 0);
    end_counted(t->out, start);
}

void token_login_ack(TokenOut *t, uint32_t tds_version, uint32_t server_version) {
    enum { INTERFACE_TSQL = 1 };
    begin_token(t);
    size_t start = begin_counted(t->out, TOKEN_LOGINACK);
    buf_u8(t->out, INTERFACE_TSQL);
    buf_be32(t->out, tds_version);
    add_b_varchar(t->out, STR_LIT("Microsoft SQL Server"));
    buf_be32(t->out, server_version);
    end_counted(t->out, start);
}

void token_utf8_ack(TokenOut *t) {
    begin_token(t);
    buf_u8(t->out, TOKEN_FEATUREEXTACK);
    buf_u8(t->out, FEATURE_UTF8);
    buf_le32(t->out, 1);
    buf_u8(t->out, 1);
    buf_u8(t->out, FEATURE_END);
}

void token_message(TokenOut *t, int32_t number, uint8_t class_, uint8_t state, const char *text) {
    OutMessage m = {.number = number, .state = state, .class_ = class_, .text = str_from(text), .line = 1};
    (void)out_message(&t->base, &m);
    if (class_ > 10) (void)out_done(&t->base, OUT_CMD_NONE, false, 0, true);
}
