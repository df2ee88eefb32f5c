/*
 * Bytes are collected until a token decodes whole. A token cut short is tried again only once a quarter more
 * has come: so a value of many packets costs no more than a few times its length.
 */
#include "standin/tds/bulkdata.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "standin/tds/typeinfo.h"
#include "standin/types/wtf8.h"

enum {
    BULK_COLMETADATA = 0x81,
    BULK_ROW = 0xd1,
    BULK_NBCROW = 0xd2,
    BULK_DONE = 0xfd,
    BULK_MAX_COLUMNS = 4096,
    BULK_MAX_TOKEN_BYTES = 256 * 1024 * 1024,
    FLAG_NULLABLE = 1,
};

struct BulkData {
    BulkDataSink sink;
    Buf pending;
    size_t at;       /* of the next token in pending */
    size_t retry_at; /* don't try again with fewer bytes pending */
    Arena columns_arena, row_arena;
    TypeInfo *types;
    Value *values;
    size_t count;
    bool has_columns, is_done;
};

BulkData *bulkdata_new(const BulkDataSink *sink) {
    BulkData *b = x_calloc(1, sizeof *b);
    b->sink = *sink;
    return b;
}

BulkData *bulkdata_free(BulkData *b) {
    if (b) {
        buf_done(&b->pending);
        arena_done(&b->columns_arena);
        arena_done(&b->row_arena);
    }
    free(b);
    return NULL;
}

static bool stopped(Err *e) {
    return err_set(e, ERR_CANCELLED, false, "the load was stopped");
}

/* A client may announce less than it sends, as mssql-jdbc does: what counts is the table's column, against
 * which a value of the longest type is always checked. */
static void widen(Type *t) {
    if (t->length == TYPE_MAX_LENGTH) return;
    switch (t->id) {
    case TYPE_CHAR:
    case TYPE_VARCHAR: *t = (Type){.id = TYPE_VARCHAR, .length = 8000, .collation = t->collation}; break;
    case TYPE_NCHAR:
    case TYPE_NVARCHAR: *t = (Type){.id = TYPE_NVARCHAR, .length = 4000, .collation = t->collation}; break;
    case TYPE_BINARY:
    case TYPE_VARBINARY: *t = (Type){.id = TYPE_VARBINARY, .length = 8000}; break;
    default: break;
    }
}

static bool read_column(BulkData *b, Cursor *c, TypeInfo *info, OutColumn *ret, Err *e) {
    cursor_skip(c, 4); /* user type */
    uint16_t flags = cursor_le16(c);
    if (!typeinfo_read(c, /* of_column= */ true, info, e)) return false;
    widen(&info->type);
    if (info->is_old_lob)
        cursor_skip(c, 2 * (size_t)cursor_le16(c)); /* table: here without the number of parts */
    Str utf16 = cursor_bytes(c, 2 * (size_t)cursor_u8(c));
    char *name = arena_bytes(&b->columns_arena, 3 * (utf16.n / 2) + 1);
    size_t n = wtf8_from_utf16le((const uint8_t *)utf16.p, utf16.n, name);
    *ret = (OutColumn){.name = {name, n}, .type = info->type, .is_nullable = (flags & FLAG_NULLABLE) != 0};
    return !c->failed || err_set(e, ERR_INVALID, false, "a column is cut short");
}

static bool read_columns(BulkData *b, Cursor *c, Err *e) {
    if (b->has_columns) return err_set(e, ERR_INVALID, false, "a second COLMETADATA in a bulk load");
    size_t count = cursor_le16(c);
    if (c->failed) return false;
    if (count == 0 || count > BULK_MAX_COLUMNS) {
        return err_set(e, ERR_INVALID, false, "a bulk load of %zu columns", count);
    }
    arena_clear(&b->columns_arena);
    OutColumn *columns = ARENA_ARRAY(&b->columns_arena, OutColumn, count);
    b->types = ARENA_ARRAY(&b->columns_arena, TypeInfo, count);
    b->values = ARENA_ARRAY(&b->columns_arena, Value, count);
    for (size_t i = 0; i < count; i++) {
        if (!read_column(b, c, &b->types[i], &columns[i], e)) return false;
    }
    b->count = count;
    b->has_columns = true;
    return b->sink.columns(b->sink.user, columns, count) || stopped(e);
}

static bool read_row(BulkData *b, Cursor *c, bool has_bitmap, Err *e) {
    if (!b->has_columns) return err_set(e, ERR_INVALID, false, "a bulk load's row before its columns");
    Str nulls = has_bitmap ? cursor_bytes(c, (b->count + 7) / 8) : (Str){0};
    if (c->failed) return false;
    arena_clear(&b->row_arena);
    for (size_t i = 0; i < b->count; i++) {
        if (has_bitmap && ((uint8_t)nulls.p[i / 8] >> (i % 8) & 1) != 0) {
            b->values[i] = (Value){0};
        } else if (!typeinfo_read_value(c, &b->types[i], /* has_pointer= */ true, &b->row_arena,
                                        &b->values[i], e)) {
            return c->failed ? false : err_wrap(e, "bulk load, column %zu", i + 1);
        }
    }
    return b->sink.row(b->sink.user, b->values) || stopped(e);
}

/* One token. False with c->failed: it isn't there whole. */
static bool read_token(BulkData *b, Cursor *c, Err *e) {
    uint8_t token = cursor_u8(c);
    switch (token) {
    case BULK_COLMETADATA: return read_columns(b, c, e);
    case BULK_ROW: return read_row(b, c, false, e);
    case BULK_NBCROW: return read_row(b, c, true, e);
    case BULK_DONE:
        cursor_skip(c, 2 + 2 + 8);
        if (!c->failed) b->is_done = true;
        return !c->failed;
    default: return err_set(e, ERR_INVALID, false, "token 0x%02X in a bulk load", token);
    }
}

bool bulkdata_feed(BulkData *b, Str bytes, bool is_last, Err *e) {
    if (b->at > 0) { /* what is used up goes before more comes */
        memmove(b->pending.p, b->pending.p + b->at, b->pending.n - b->at);
        b->pending.n -= b->at;
        b->at = 0;
    }
    buf_str(&b->pending, bytes);
    if (b->pending.n < b->retry_at && !is_last) return true;
    b->retry_at = 0;
    while (b->at < b->pending.n && !b->is_done) {
        Cursor c = cursor_over(b->pending.p + b->at, b->pending.n - b->at);
        Err why;
        if (read_token(b, &c, &why)) {
            b->at = (size_t)((const uint8_t *)c.p - b->pending.p);
            continue;
        }
        if (!c.failed) {
            *e = why;
            return false;
        }
        size_t left = b->pending.n - b->at;
        if (is_last) return err_set(e, ERR_INVALID, false, "a bulk load is cut short");
        if (left > BULK_MAX_TOKEN_BYTES)
            return err_set(e, ERR_RANGE, false, "a bulk load's row of over 256 MiB");
        b->retry_at = left + left / 4;
        return true;
    }
    return true;
}
