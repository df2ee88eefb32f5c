/*
 * fuzz_topic_state.c - libFuzzer: what is read from the topics of offsets and of schema history. The first
 * byte says which. An offset that is taken is written and read again without a change; of a history record
 * that is taken all tables have columns with names.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "convert/connect_offset.h"
#include "convert/schema_history.h"

static void value(Str json) {
    Arena a = {0};
    Buf first = {0}, second = {0};
    ConnectOffset o, again;
    Err e = {0};
    if (connect_offset_read(json, &a, &o, &e)) {
        connect_offset_value(&o, WIRE_2_7, &first);
        assert(lsn_is_zero(&o.commit_lsn) || connect_offset_read(buf_view(&first), &a, &again, &e));
        if (!lsn_is_zero(&o.commit_lsn)) {
            connect_offset_value(&again, WIRE_2_7, &second);
            assert(first.n == second.n); /* entries of one place may change sides */
        }
    }
    buf_done(&first);
    buf_done(&second);
    arena_done(&a);
}

static void key(Str json) {
    Arena a = {0};
    Str database;
    if (connect_offset_read_key(json, STR_LIT("c"), STR_LIT("p"), &a, &database)) assert(database.p);
    arena_done(&a);
}

static void history(Str json) {
    SchemaHistory *h = schema_history_new(STR_LIT("p"), STR_LIT("d"), NULL);
    const Schema *s;
    size_t at = 0;
    Err e = {0};
    if (schema_history_read(h, json, &e) && schema_history_read(h, json, &e))
        while (schema_history_next(h, &at, &s)) {
            assert(s->column_count > 0 && s->key_count <= s->column_count);
            for (size_t i = 0; i < s->column_count; i++) assert(s->columns[i].name.n > 0);
        }
    schema_history_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    Str rest = {(const char *)data + 1, size - 1};
    switch (data[0] % 3) {
    case 0: value(rest); break;
    case 1: key(rest); break;
    default: history(rest);
    }
    return 0;
}
