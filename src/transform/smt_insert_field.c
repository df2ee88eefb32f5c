/*
 * smt_insert_field.c - InsertField: topic, partition, offset, timestamp, or a text, as fields more. A name
 * that ends in ! is a required field, in ? (or plain) an optional one. A null value stays as it is.
 */
#include "transform/smt_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "transform/struct_map.h"

#define FIELD_ROW(name, what)                                                                                \
    { .key = (name), .type = OPTION_STRING, .importance = OPTION_MEDIUM, .help = (what) }

static const OptionDef OPTIONS[] = {
    FIELD_ROW("topic.field", "the topic's name goes into this field; ! at its end: required"),
    FIELD_ROW("partition.field", "the partition"),
    FIELD_ROW("offset.field", "the offset; sinks only"),
    FIELD_ROW("timestamp.field", "the record's timestamp"),
    FIELD_ROW("static.field", "a text that is always the same"),
    FIELD_ROW("static.value", "that text"),
    SMT_REPLACE_NULL_ROW,
};

typedef enum Kind { TOPIC, PARTITION, OFFSET, TIMESTAMP, STATIC, KINDS } Kind;

typedef struct State {
    Str names[KINDS]; /* n 0: none */
    const ConnectSchema *schemas[KINDS];
    Str text;
    bool replace_null;
} State;

static const ConnectSchema *schema_of(Kind kind, bool is_optional) {
    switch (kind) {
    case PARTITION: return connect_schema_plain(CONNECT_INT32, is_optional);
    case OFFSET: return connect_schema_plain(CONNECT_INT64, is_optional);
    case TIMESTAMP: return smt_logical(CONNECT_INT64, CONNECT_TIMESTAMP, is_optional);
    default: return connect_schema_plain(CONNECT_STRING, is_optional);
    }
}

static bool init(Smt *s, Err *e) {
    State *state = x_calloc(1, sizeof *state);
    s->state = state;
    state->replace_null = s->replaces_null;
    bool has_any = false;
    for (int k = 0; k < KINDS; k++) {
        const char *text = options_str(s->options, OPTIONS[k].key);
        if (!text) continue;
        Str name = str_from(text);
        bool is_required = str_ends(name, STR_LIT("!"));
        if (is_required || str_ends(name, STR_LIT("?"))) name.n--;
        if (name.n == 0) return err_set(e, ERR_INVALID, false, "%s: expected a name", OPTIONS[k].key);
        state->names[k] = name;
        state->schemas[k] = schema_of((Kind)k, !is_required);
        has_any = true;
    }
    if (!has_any)
        return err_set(e, ERR_INVALID, false,
                       "no field to insert: set topic.field, partition.field, offset.field, "
                       "timestamp.field, or static.field with static.value");
    const char *text = options_str(s->options, "static.value");
    if (state->names[STATIC].n && !text)
        return err_set(e, ERR_INVALID, false, "static.field is set, and static.value isn't");
    if (state->names[OFFSET].n && !s->is_sink)
        return err_set(e, ERR_INVALID, false,
                       "offset.field is for sinks: a source's record has no offset yet");
    state->text = str_from(text);
    return true;
}

static void done(void *p) {
    State *state = p;
    for (int k = 0; k < KINDS; k++) connect_schema_unref(state->schemas[k]);
    free(state);
}

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    const State *state = s->state;
    StructDraft d = struct_draft(in);
    struct_draft_add_all(&d, in);
    for (int k = 0; k < KINDS; k++)
        if (state->names[k].n) struct_draft_add(&d, state->names[k], state->schemas[k], STRUCT_MAP_NOWHERE);
    return struct_map_plan(&d, state->replace_null, e);
}

static Value value_of(const State *state, Kind kind, const Record *r) {
    switch (kind) {
    case TOPIC: return value_bytes(r->topic.p, (uint32_t)r->topic.n);
    case PARTITION: return r->partition < 0 ? value_null() : value_int(r->partition);
    case OFFSET: return value_int(r->offset);
    case TIMESTAMP: return r->timestamp_ms < 0 ? value_null() : value_int(r->timestamp_ms);
    default: return value_bytes(state->text.p, (uint32_t)state->text.n);
    }
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const State *state = s->state;
    const ConnectSchema *in = smt_schema(s, r);
    const Value *v = smt_value(s, r);
    if (value_is_null(v)) return true;
    if (!smt_need_struct(in, v, e)) return false;
    StructMap *m = smt_plan(s, in, e);
    if (!m) return false;
    Value *row = struct_map_row(m, in, v, b);
    size_t at = in->field_count;
    for (int k = 0; k < KINDS; k++) {
        if (!state->names[k].n) continue;
        row[at] = value_of(state, (Kind)k, r);
        if (value_is_null(&row[at]) && !state->schemas[k]->is_optional)
            return err_set(e, ERR_DATA, false,
                           "the record has nothing for the required field \"" STR_FMT "\"",
                           STR_ARG(state->names[k]));
        at++;
    }
    smt_put(s, r, m->out, record_struct(row, m->count));
    return true;
}

const SmtClass smt_insert_field = {.name = "org.apache.kafka.connect.transforms.InsertField",
                                   .has_sides = true,
                                   .options = OPTIONS,
                                   .option_count = sizeof OPTIONS / sizeof *OPTIONS,
                                   .init = init,
                                   .apply = apply,
                                   .plan = make_plan,
                                   .free_plan = struct_map_free,
                                   .done = done,
                                   .direct_cure = "give the target's column a default"};
