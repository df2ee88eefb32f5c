/*
 * fuzz_tds.c - libFuzzer: every decoder of a client's bytes. The first byte chooses the decoder, the rest is
 * its input; bulk data is fed in two pieces, cut at the second byte. What decodes is encoded again and must
 * come back the same: a value that the decoder lets through is one that the server can send.
 *
 *     clang-14 -g -O1 -fsanitize=fuzzer,address,undefined … && ./fuzz_tds -max_total_time=60
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "standin/tds/bulkdata.h"
#include "standin/tds/login7.h"
#include "standin/tds/prelogin.h"
#include "standin/tds/rpc.h"
#include "standin/tds/tmrequest.h"
#include "standin/tds/typeinfo.h"
#include "standin/types/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Write v as type t and read it again. */
static void check_round_trip(const Type *t, const Value *v, Arena *a) {
    CLEANUP(buf_done) Buf out = {0};
    TypeInfoEncoder x = typeinfo_encoder(t, true);
    TypeInfo info;
    Value back;
    Err e;
    typeinfo_write(&x, STR_LIT("d"), &out);
    size_t room = typeinfo_room(&x, v);
    uint8_t *p = buf_reserve(&out, room), *end = x.write(&x, v, p);
    if (!end) return; /* longer than its type: the engine refuses it first */
    assert((size_t)(end - p) <= room);
    out.n += (size_t)(end - p);
    Cursor c = cursor_over(out.p, out.n);
    bool is_read = typeinfo_read(&c, /* of_column= */ true, &info, &e) &&
                   typeinfo_read_value(&c, &info, true, a, &back, &e);
    assert(is_read && cursor_left(&c) == 0);
    if (t->id != TYPE_NULL) assert(back.kind == v->kind);
}

static void check_value(const Type *t, const Value *v, Arena *a) {
    ConvertError e;
    CLEANUP(buf_done) Buf text = {0};
    check_round_trip(t, v, a);
    (void)convert_to_text(t, *v, CONVERT_STYLE_DEFAULT, &text, &e);
}

static void fuzz_rpc(const uint8_t *data, size_t size) {
    CLEANUP(arena_done) Arena a = {0};
    Cursor c = cursor_over(data, size);
    uint64_t descriptor;
    RpcCall call;
    Err e;
    SqlError refusal;
    if (!rpc_read_headers(&c, &descriptor, &e)) c = cursor_over(data, size);
    while (cursor_left(&c) > 0 && rpc_read(&c, &a, &call, &refusal)) {
        for (size_t i = 0; i < call.count; i++) check_value(&call.params[i].type, &call.params[i].value, &a);
    }
}

typedef struct Load {
    Type types[64];
    size_t count;
    Arena arena;
} Load;

static bool take_columns(void *user, const OutColumn *columns, size_t count) {
    Load *l = user;
    l->count = count < 64 ? count : 64;
    for (size_t i = 0; i < l->count; i++) l->types[i] = columns[i].type;
    return true;
}

static bool take_row(void *user, const Value *values) {
    Load *l = user;
    arena_clear(&l->arena);
    for (size_t i = 0; i < l->count; i++) check_value(&l->types[i], &values[i], &l->arena);
    return true;
}

static void fuzz_bulk(const uint8_t *data, size_t size) {
    if (size == 0) return;
    Load load = {0};
    Err e;
    Str all = {(const char *)data + 1, size - 1};
    size_t cut = data[0] < all.n ? data[0] : all.n;
    BulkData *b = bulkdata_new(&(BulkDataSink){&load, take_columns, take_row});
    if (bulkdata_feed(b, str_sub(all, 0, cut), false, &e))
        (void)bulkdata_feed(b, str_sub(all, cut, all.n), true, &e);
    b = bulkdata_free(b);
    arena_done(&load.arena);
}

static void fuzz_login(const uint8_t *data, size_t size) {
    CLEANUP(arena_done) Arena a = {0};
    CLEANUP(buf_done) Buf body = {0};
    Login7 l;
    Err e;
    buf_add(&body, data, size);
    if (size >= 4) { /* its length must be right to come any further */
        for (size_t i = 0; i < 4; i++) body.p[i] = (uint8_t)(size >> (8 * i));
    }
    (void)login7_read(buf_view(&body), &a, &l, &e);
}

static void fuzz_small(const uint8_t *data, size_t size) {
    CLEANUP(arena_done) Arena a = {0};
    CLEANUP(buf_done) Buf out = {0};
    Prelogin p;
    TmRequest r;
    Err e;
    Cursor c = cursor_over(data, size);
    (void)tmrequest_read(&c, &a, &r, &e);
    if (prelogin_read((Str){(const char *)data, size}, &p, &e))
        prelogin_answer(&p, 1, PRELOGIN_ENCRYPT_OFF, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    switch (data[0] & 3) {
    case 0: fuzz_login(data + 1, size - 1); break;
    case 1: fuzz_rpc(data + 1, size - 1); break;
    case 2: fuzz_bulk(data + 1, size - 1); break;
    default: fuzz_small(data + 1, size - 1);
    }
    return 0;
}
