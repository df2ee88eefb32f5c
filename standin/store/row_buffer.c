#include "standin/store/row_buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { MEMORY_BYTES = 4 * 1024 * 1024 };

/* Rows are in the file first, then in buf. A row is its length, then its values: kind, and 8 bytes or length
 * and bytes. */
struct RowBuffer {
    size_t columns;
    Buf buf, row;
    FILE *file; /* NULL = all is in memory */
    uint64_t count, in_file, read;
    size_t at; /* reading position in buf */
};

RowBuffer *rowbuffer_new(size_t columns) {
    RowBuffer *b = x_calloc(1, sizeof *b);
    b->columns = columns;
    return b;
}

void rowbuffer_clear(RowBuffer *b) {
    if (b->file) (void)fclose(b->file);
    b->file = NULL;
    b->count = b->in_file = b->read = 0;
    b->at = 0;
    buf_clear(&b->buf);
}

RowBuffer *rowbuffer_free(RowBuffer *b) {
    if (!b) return NULL;
    rowbuffer_clear(b);
    buf_done(&b->buf);
    buf_done(&b->row);
    free(b);
    return NULL;
}

uint64_t rowbuffer_count(const RowBuffer *b) {
    return b->count;
}

static bool failed(SqlError *e) {
    return sql_error_set(e, 1105, 17, 3, "Could not allocate space for rows set aside: %s", strerror(errno));
}

bool rowbuffer_add(RowBuffer *b, const Value *values, SqlError *e) {
    size_t start = b->buf.n;
    buf_le32(&b->buf, 0);
    for (size_t i = 0; i < b->columns; i++) {
        const Value *v = &values[i];
        buf_u8(&b->buf, (uint8_t)v->kind);
        if (v->kind == VALUE_INT || v->kind == VALUE_REAL) {
            buf_add(&b->buf, &v->v, 8);
        } else if (v->kind != VALUE_NULL) {
            buf_le32(&b->buf, (uint32_t)v->v.s.n);
            buf_str(&b->buf, v->v.s);
        }
    }
    uint32_t bytes = (uint32_t)(b->buf.n - start - 4);
    memcpy(b->buf.p + start, &bytes, 4);
    b->count++;
    if (b->buf.n < MEMORY_BYTES) return true;
    if (!b->file) b->file = tmpfile();
    if (!b->file || fwrite(b->buf.p, 1, b->buf.n, b->file) != b->buf.n) return failed(e);
    b->in_file = b->count;
    buf_clear(&b->buf);
    return true;
}

void rowbuffer_rewind(RowBuffer *b) {
    if (b->file) rewind(b->file);
    b->read = 0;
    b->at = 0;
}

static const uint8_t *decode(const RowBuffer *b, const uint8_t *p, Value *values) {
    for (size_t i = 0; i < b->columns; i++) {
        Value v = {.kind = (ValueKind)*p++};
        if (v.kind == VALUE_INT || v.kind == VALUE_REAL) {
            memcpy(&v.v, p, 8);
            p += 8;
        } else if (v.kind != VALUE_NULL) {
            uint32_t n;
            memcpy(&n, p, 4);
            v.v.s = (Str){(const char *)p + 4, n};
            p += 4 + n;
        }
        values[i] = v;
    }
    return p;
}

int rowbuffer_next(RowBuffer *b, Value *ret_values, SqlError *e) {
    if (b->read == b->count) return 0;
    uint32_t bytes;
    if (b->read++ >= b->in_file) {
        const uint8_t *p = decode(b, b->buf.p + b->at + 4, ret_values);
        b->at = (size_t)(p - b->buf.p);
        return 1;
    }
    if (fread(&bytes, 4, 1, b->file) != 1) return failed(e) - 1;
    buf_clear(&b->row);
    uint8_t *row = buf_reserve(&b->row, bytes);
    if (fread(row, 1, bytes, b->file) != bytes) return failed(e) - 1;
    (void)decode(b, row, ret_values);
    return 1;
}
