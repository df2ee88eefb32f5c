/*
 * smt_unwrap.c - Debezium's ExtractNewRecordState: the row out of the envelope. What is no envelope passes.
 *
 * Two maps are made for an envelope's schema: of `after` for inserts and updates, of `before` for deletes
 * that are rewritten. Their schema is required, whatever `after` was; a delete that becomes a null value
 * keeps the schema of `after` itself, optional. Sinks tell the one from a tombstone (no schema) by that.
 *
 * In rewrite mode nulls become their fields' defaults, because Debezium puts __deleted in by InsertField;
 * from 3.0 on replace.null.with.default turns that off. Headers are added to envelopes and tombstones only,
 * as in 3.0; 2.x fails on other records.
 */
#include "transform/smt_table.h"

#include <stdlib.h>

#include "base/mem.h"
#include "transform/envelope_ref.h"
#include "transform/field_drop.h"
#include "transform/struct_map.h"

static const char *const DELETES[] = {"drop", "rewrite", "none", NULL};
static const char *const MODES[] = {"drop", "tombstone", "rewrite", "rewrite-with-tombstone", NULL};
static const char *const MODES_LATER[] = {"delete-to-tombstone", NULL};

static const OptionDef OPTIONS[] = {
    {.key = "drop.tombstones",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "true",
     .help = "leave tombstones out; no effect with delete.tombstone.handling.mode"},
    {.key = "delete.handling.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "drop",
     .values = DELETES,
     .help = "what deletes become: nothing, the old row with __deleted, a null value; no effect with "
             "delete.tombstone.handling.mode"},
    {.key = "delete.tombstone.handling.mode",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .help = "what deletes and their tombstones become: drop; tombstone, a null value; rewrite, the old row "
             "with __deleted; rewrite-with-tombstone"},
    {.key = "add.fields",
     .type = OPTION_LIST,
     .importance = OPTION_LOW,
     .help = "fields of the envelope put into the row: op, table, source.ts_ms, transaction.id, lsn:newname"},
    {.key = "add.fields.prefix",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .standard = "__",
     .help = "what their names begin with"},
    {.key = "add.headers", .type = OPTION_LIST, .importance = OPTION_LOW, .help = "the same as headers"},
    {.key = "add.headers.prefix",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .standard = "__",
     .help = "what their names begin with"},
    {.key = "route.by.field",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .standard = "",
     .help = "a text column whose value becomes the topic"},
    {.key = "drop.fields.header.name",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "a header with the names of fields to leave out"},
    {.key = "drop.fields.from.key",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "false",
     .help = "out of the key too"},
    {.key = "drop.fields.keep.schema.compatible",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "true",
     .help = "only those that are optional"},
    {.key = "replace.null.with.default",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "true",
     .help = "rewrite: a null that has a default becomes it; Debezium 3.0's"},
};

typedef enum OnDelete { DELETE_DROP, DELETE_REWRITE, DELETE_NULL } OnDelete;

typedef struct State {
    OnDelete on_delete;
    bool drops_tombstones, replace_null, drops_from_key, only_optional;
    EnvelopeRefs fields, headers;
    Str route_by;
    const char *drop_header; /* NULL: none */
    const ConnectSchema *plain_text, *optional_text;
    Arena arena;
    FieldDrop drop;
    SchemaCache added; /* StructMap: a row that fields were dropped from, with those added */
} State;

typedef struct UnwrapPlan {
    int before, after; /* -1: the envelope has none */
    EnvelopePlace *fields, *headers;
    size_t field_count, header_count;
    StructMap upsert, rewrite;
    int upsert_route, rewrite_route; /* the field that route.by.field names */
} UnwrapPlan;

static void free_plan(void *p) {
    UnwrapPlan *plan = p;
    for (size_t i = 0; i < plan->field_count; i++) connect_schema_unref(plan->fields[i].schema);
    for (size_t i = 0; i < plan->header_count; i++) connect_schema_unref(plan->headers[i].schema);
    struct_map_done(&plan->upsert);
    struct_map_done(&plan->rewrite);
    free(plan->fields);
    free(plan->headers);
    free(plan);
}

/* ---- options ---- */

static bool new_mode(State *state, const char *text, Err *e) {
    Str mode = str_trim(str_from(text));
    for (size_t i = 0; MODES[i]; i++) {
        if (!str_eq_icase(mode, str_from(MODES[i]))) continue;
        state->on_delete = i == 0 ? DELETE_DROP : i == 1 ? DELETE_NULL : DELETE_REWRITE;
        state->drops_tombstones = i != 3;
        return true;
    }
    bool is_later = str_eq_icase(mode, str_from(MODES_LATER[0]));
    return err_set(e, ERR_INVALID, false,
                   "delete.tombstone.handling.mode: '%s'%s; expected drop, tombstone, rewrite or "
                   "rewrite-with-tombstone",
                   text, is_later ? " isn't supported" : "");
}

static bool set_deletes(const Smt *s, State *state, Err *e) {
    const char *mode = options_str(s->options, "delete.tombstone.handling.mode");
    if (mode && str_trim(str_from(mode)).n) return new_mode(state, mode, e);
    state->on_delete = (OnDelete)options_enum(s->options, "delete.handling.mode");
    state->drops_tombstones = options_bool(s->options, "drop.tombstones");
    return true;
}

static bool init(Smt *s, Err *e) {
    State *state = x_calloc(1, sizeof *state);
    s->state = state;
    state->added.free_plan = struct_map_free;
    state->plain_text = connect_schema_plain(CONNECT_STRING, false);
    state->optional_text = connect_schema_plain(CONNECT_STRING, true);
    state->route_by = str_from(options_str(s->options, "route.by.field"));
    state->drop_header = options_str(s->options, "drop.fields.header.name");
    if (str_trim(str_from(state->drop_header)).n == 0) state->drop_header = NULL;
    state->drops_from_key = options_bool(s->options, "drop.fields.from.key");
    state->only_optional = options_bool(s->options, "drop.fields.keep.schema.compatible");
    if (options_is_set(s->options, "replace.null.with.default") && s->debezium_version < 300)
        return err_set(
            e, ERR_INVALID, false,
            "replace.null.with.default is Debezium 3.0's: set debezium.version=3.0, or take it out");
    if (!set_deletes(s, state, e)) return false;
    state->replace_null =
        state->on_delete == DELETE_REWRITE && options_bool(s->options, "replace.null.with.default");
    return envelope_refs_parse(options_list(s->options, "add.fields"),
                               options_str(s->options, "add.fields.prefix"), s->debezium_version,
                               &state->arena, &state->fields, e) &&
           envelope_refs_parse(options_list(s->options, "add.headers"),
                               options_str(s->options, "add.headers.prefix"), s->debezium_version,
                               &state->arena, &state->headers, e);
}

static void done(void *p) {
    State *state = p;
    connect_schema_unref(state->plain_text);
    connect_schema_unref(state->optional_text);
    schema_cache_done(&state->added);
    field_drop_done(&state->drop);
    arena_done(&state->arena);
    free(state);
}

/* ---- plans ---- */

static bool place_all(const EnvelopeRefs *refs, const ConnectSchema *envelope, EnvelopePlace **ret,
                      size_t *ret_count, Err *e) {
    *ret = x_calloc(refs->count + 1, sizeof **ret);
    for (size_t i = 0; i < refs->count; i++) {
        if (!envelope_ref_place(&refs->refs[i], envelope, &(*ret)[i], e)) return false;
        (*ret_count)++;
    }
    return true;
}

static void add_refs(StructDraft *d, const State *state, const UnwrapPlan *plan) {
    for (size_t i = 0; i < plan->field_count; i++)
        if (plan->fields[i].field >= 0)
            struct_draft_add(d, state->fields.refs[i].name, plan->fields[i].schema, STRUCT_MAP_NOWHERE);
}

/* The row with __deleted and, unless fields are to be dropped first, the added fields. */
static bool make_map(const State *state, const UnwrapPlan *plan, const ConnectSchema *row, bool adds,
                     StructMap *ret, Err *e) {
    if (row->type != CONNECT_STRUCT) return err_set(e, ERR_DATA, false, "before or after is no struct");
    StructDraft d = struct_draft(row);
    struct_draft_add_all(&d, row);
    if (state->on_delete == DELETE_REWRITE)
        struct_draft_add(&d, STR_LIT("__deleted"), state->optional_text, STRUCT_MAP_NOWHERE);
    if (adds) add_refs(&d, state, plan);
    return struct_map_new(&d, state->replace_null, ret, e);
}

static bool fill_plan(const State *state, const ConnectSchema *in, UnwrapPlan *plan, Err *e) {
    plan->before = connect_schema_find(in, STR_LIT("before"));
    plan->after = connect_schema_find(in, STR_LIT("after"));
    if (plan->after < 0) return err_set(e, ERR_DATA, false, "the envelope has no field \"after\"");
    if (!place_all(&state->headers, in, &plan->headers, &plan->header_count, e) ||
        !place_all(&state->fields, in, &plan->fields, &plan->field_count, e))
        return false;
    const ConnectSchema *after = in->fields[plan->after].schema;
    if (!make_map(state, plan, after, true, &plan->upsert, e)) return false;
    plan->upsert_route = state->route_by.n ? connect_schema_find(after, state->route_by) : -1;
    if (plan->before < 0) return true;
    const ConnectSchema *before = in->fields[plan->before].schema;
    plan->rewrite_route = state->route_by.n ? connect_schema_find(before, state->route_by) : -1;
    return make_map(state, plan, before, !state->drop_header, &plan->rewrite, e);
}

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    UnwrapPlan *plan = x_calloc(1, sizeof *plan);
    if (fill_plan(s->state, in, plan, e)) return plan;
    free_plan(plan);
    return NULL;
}

/* ---- records ---- */

static void tombstone_headers(const State *state, RecordBatch *b, Record *r) {
    for (size_t i = 0; i < state->headers.count; i++) {
        const EnvelopeRef *ref = &state->headers.refs[i];
        if (!str_eq_c(ref->field, "op")) continue;
        record_batch_hold_schema(b, state->plain_text);
        record_add_header(b, r, (RecordHeader){ref->name, state->plain_text, value_bytes("d", 1)});
    }
}

static void envelope_headers(const State *state, const UnwrapPlan *plan, RecordBatch *b, Record *r) {
    for (size_t i = 0; i < plan->header_count; i++) {
        const EnvelopePlace *place = &plan->headers[i];
        if (place->field < 0) continue;
        record_batch_hold_schema(b, place->schema);
        record_add_header(
            b, r,
            (RecordHeader){state->headers.refs[i].name, place->schema, envelope_ref_value(place, &r->value)});
    }
}

/* The topic by a column; a blank one leaves it. As Debezium reads it, a null isn't its default, but where
 * rewriting has made it so before. */
static bool route(const State *state, const ConnectSchema *schema, const Value *row, int field,
                  RecordBatch *b, Record *r, Err *e) {
    if (state->route_by.n == 0) return true;
    if (field < 0 || schema->fields[field].schema->type != CONNECT_STRING)
        return err_set(e, ERR_DATA, false, "route.by.field: the row has no text column \"" STR_FMT "\"",
                       STR_ARG(state->route_by));
    Value v = *record_field(row, (size_t)field);
    if (!value_is_null(&v) && str_trim(value_str(&v)).n) r->topic = arena_str(&b->arena, value_str(&v));
    return true;
}

static void put_refs(const UnwrapPlan *plan, const Value *envelope, Value *at) {
    for (size_t i = 0; i < plan->field_count; i++)
        if (plan->fields[i].field >= 0) *at++ = envelope_ref_value(&plan->fields[i], envelope);
}

static bool drop_fields(State *state, RecordBatch *b, Record *r, Err *e) {
    if (!state->drop_header) return true;
    FieldNames names = field_drop_names(r, state->drop_header, b);
    if (state->drops_from_key &&
        !field_drop_apply(&state->drop, &names, state->only_optional, b, &r->key_schema, &r->key, e))
        return err_wrap(e, "key");
    return field_drop_apply(&state->drop, &names, state->only_optional, b, &r->value_schema, &r->value, e);
}

static Value deleted(bool is_deleted) {
    return is_deleted ? value_bytes("true", 4) : value_bytes("false", 5);
}

static bool upsert(State *state, const UnwrapPlan *plan, RecordBatch *b, Record *r, Err *e) {
    const ConnectSchema *in = r->value_schema;
    const Value *envelope = &r->value, *after = record_field(envelope, (size_t)plan->after);
    const ConnectSchema *row_schema = in->fields[plan->after].schema;
    Value *row = struct_map_row(&plan->upsert, row_schema, after, b);
    Value made = record_struct(row, plan->upsert.count);
    if (!route(state, row_schema, &made, plan->upsert_route, b, r, e)) return false;
    Value *at = row + row_schema->field_count;
    if (state->on_delete == DELETE_REWRITE) *at++ = deleted(false);
    put_refs(plan, envelope, at);
    r->value_schema = plan->upsert.out;
    r->value = made;
    return drop_fields(state, b, r, e);
}

/* Fields were dropped from a rewritten row; now those to add. */
static bool add_after_drop(State *state, const UnwrapPlan *plan, const ConnectSchema *envelope_schema,
                           const Value *envelope, RecordBatch *b, Record *r, Err *e) {
    const ConnectSchema *in = r->value_schema;
    StructMap *m = schema_cache_find(&state->added, in, envelope_schema->fingerprint);
    if (!m) {
        StructDraft d = struct_draft(in);
        struct_draft_add_all(&d, in);
        add_refs(&d, state, plan);
        m = struct_map_plan(&d, false, e);
        if (!m) return false;
        schema_cache_add(&state->added, in, envelope_schema->fingerprint, m);
    }
    Value *row = struct_map_row(m, in, &r->value, b);
    put_refs(plan, envelope, row + in->field_count);
    r->value_schema = m->out;
    r->value = record_struct(row, m->count);
    return true;
}

static bool delete_row(State *state, const UnwrapPlan *plan, RecordBatch *b, Record *r, Err *e) {
    const ConnectSchema *in = r->value_schema;
    const Value envelope = r->value;
    const Value *before = record_field(&envelope, (size_t)plan->before);
    const ConnectSchema *row_schema = in->fields[plan->before].schema;
    if (state->on_delete == DELETE_DROP) {
        r->is_dropped = true;
        return true;
    }
    if (!route(state, row_schema, before, plan->rewrite_route, b, r, e)) return false;
    if (state->on_delete == DELETE_NULL) {
        r->value = value_null();
        r->value_schema = in->fields[plan->after].schema;
        return drop_fields(state, b, r, e);
    }
    Value *row = struct_map_row(&plan->rewrite, row_schema, before, b);
    row[row_schema->field_count] = deleted(true);
    if (!state->drop_header) put_refs(plan, &envelope, row + row_schema->field_count + 1);
    r->value = record_struct(row, plan->rewrite.count);
    r->value_schema = plan->rewrite.out;
    return !state->drop_header ||
           (drop_fields(state, b, r, e) && add_after_drop(state, plan, in, &envelope, b, r, e));
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    State *state = s->state;
    const ConnectSchema *in = r->value_schema;
    if (value_is_null(&r->value)) {
        tombstone_headers(state, b, r);
        r->is_dropped = state->drops_tombstones;
        return true;
    }
    if (!in || in->type != CONNECT_STRUCT || !str_ends(in->name, STR_LIT(".Envelope"))) return true;
    const UnwrapPlan *plan = smt_plan(s, in, e);
    if (!plan) return false;
    envelope_headers(state, plan, b, r);
    if (!value_is_null(record_field(&r->value, (size_t)plan->after))) return upsert(state, plan, b, r, e);
    if (plan->before < 0) return err_set(e, ERR_DATA, false, "the envelope has no field \"before\"");
    if (!value_is_null(record_field(&r->value, (size_t)plan->before)))
        return delete_row(state, plan, b, r, e);
    r->is_dropped = true; /* a truncate */
    return true;
}

/* Rows aren't wrapped, so taking them out is done; what else it is asked for needs records. */
static bool direct(const Smt *s, SmtDirect *ret, Err *e) {
    const State *state = s->state;
    const char *what = state->on_delete == DELETE_REWRITE ? "deletes that become rows with __deleted"
                       : state->fields.count > 0          ? "add.fields"
                       : state->route_by.n > 0            ? "route.by.field"
                       : state->drop_header               ? "drop.fields.header.name"
                                                          : NULL;
    if (what) return err_set(e, ERR_INVALID, false, "%s: works on records of topics only; take it out", what);
    *ret = (SmtDirect){.drops_deletes = state->on_delete == DELETE_DROP && state->drops_tombstones};
    return true;
}

const SmtClass smt_unwrap = {.name = "io.debezium.transforms.ExtractNewRecordState",
                             .options = OPTIONS,
                             .option_count = sizeof OPTIONS / sizeof *OPTIONS,
                             .init = init,
                             .apply = apply,
                             .plan = make_plan,
                             .free_plan = free_plan,
                             .done = done,
                             .direct = direct};
