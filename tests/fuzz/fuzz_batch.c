/*
 * fuzz_batch.c - libFuzzer: T-SQL through parser, binder and executor of a session, as far as a row, an error
 * or a fifth of a second. Input: text; a NUL begins another batch of the same session. What comes out must be
 * what the tokens can carry: columns' values of their types' kinds, errors with numbers and texts.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "fuzz_server.h"
#include "standin/exec/session.h"
#include "standin/types/wtf8.h"

enum { MAX_ROWS = 500, MAX_US = 200000, MAX_TEXT = 16 * 1024 };

typedef struct Sink {
    Out base; /* first */
    size_t columns, rows;
    int64_t until_us;
} Sink;

static bool sink_columns(Out *o, const OutColumn *columns, size_t count) {
    assert(count > 0 && columns[count - 1].type.id != 0);
    ((Sink *)o)->columns = count;
    return true;
}

static bool sink_row(Out *o, const Value *values) {
    Sink *s = (Sink *)o;
    size_t bytes = 0;
    for (size_t i = 0; i < s->columns; i++) {
        const Value *v = &values[i];
        if (v->kind == VALUE_TEXT || v->kind == VALUE_BLOB)
            bytes += v->v.s.n > 0 ? (uint8_t)v->v.s.p[v->v.s.n - 1] : 0;
    }
    assert(bytes < SIZE_MAX); /* their last bytes can be read */
    return ++s->rows < MAX_ROWS;
}

static bool sink_done(Out *o, OutCommand command, bool has_count, uint64_t rows, bool failed) {
    (void)o, (void)command, (void)has_count, (void)rows, (void)failed;
    return true;
}

static bool sink_message(Out *o, const OutMessage *m) {
    (void)o;
    assert(m->class_ <= 10 || (m->number > 0 && m->class_ <= 25));
    assert(wtf8_units(m->text) < 100000);
    return true;
}

static bool sink_env_text(Out *o, OutEnv what, Str now, Str before) {
    (void)o, (void)what, (void)now, (void)before;
    return true;
}

static bool sink_env_transaction(Out *o, OutEnv what, uint64_t descriptor) {
    (void)o, (void)what;
    assert(descriptor != 0);
    return true;
}

static bool sink_status(Out *o, int32_t status) {
    (void)o, (void)status;
    return true;
}

static bool sink_value(Out *o, uint16_t ordinal, Str name, const Type *type, const Value *value) {
    (void)o, (void)ordinal, (void)name, (void)type, (void)value;
    return true;
}

static bool sink_is_cancelled(Out *o) {
    return clock_mono_us() > ((Sink *)o)->until_us;
}

static void sink_procedure(Out *o, bool enters) {
    (void)o, (void)enters;
}

static Sink sink = {
    .base = {sink_columns, sink_row, sink_done, sink_message, sink_env_text, sink_env_transaction,
             sink_status, sink_value, sink_is_cancelled, sink_procedure},
};

/* A session as after a login: opening one takes longer than most inputs. */
static Session *fresh_session(void) {
    static const SessionLogin login = {
        .user = {"sa", 2}, .database = {"f", 1}, .is_odbc = true, .is_database_optional = true};
    OutMessage refusal;
    Server *server = fuzz_server();
    sink.rows = 0;
    sink.until_us = clock_mono_us() + MAX_US;
    if (fuzz_session && session_reset(fuzz_session, /* keep_transaction= */ false)) return fuzz_session;
    if (fuzz_session) fuzz_session = session_close(fuzz_session);
    fuzz_session = session_open(server, &login, &sink.base, &refusal);
    assert(fuzz_session);
    return fuzz_session;
}

/* As text comes over the wire: any bytes become WTF-8. */
static bool run(Session *s, Str text) {
    uint8_t *utf16 = x_malloc(2 * text.n + 1);
    size_t n = wtf8_to_utf16le(text, utf16);
    char *clean = x_malloc(3 * (n / 2) + 1);
    bool goes_on = session_batch(s, (Str){clean, wtf8_from_utf16le(utf16, n, clean)});
    free(utf16);
    free(clean);
    return goes_on;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > MAX_TEXT) return -1;
    Session *s = fresh_session();
    Str rest = {(const char *)data, size}, text;
    while (str_split(&rest, '\0', &text)) {
        if (run(s, text)) continue;
        fuzz_session = session_close(fuzz_session); /* its connection would be closed */
        break;
    }
    return 0;
}
