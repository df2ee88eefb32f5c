#include "pipeline/signal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"

/* ---- texts ---- */

SignalText signal_text(Str id, Str type, Str data) {
    return (SignalText){.id = str_dup(id), .type = str_dup(type), .data = data.p ? str_dup(data) : NULL};
}

void signal_text_done(SignalText *s) {
    free(s->id);
    free(s->type);
    free(s->data);
    *s = (SignalText){0};
}

void signal_list_add(SignalList *l, SignalText s) {
    l->items = x_reallocarray(l->items, l->count + 1, sizeof *l->items);
    l->items[l->count++] = s;
}

void signal_list_done(SignalList *l) {
    for (size_t i = 0; i < l->count; i++) signal_text_done(&l->items[i]);
    free(l->items);
    *l = (SignalList){0};
}

/* ---- parsing ---- */

static const char *const kind_names[SIGNAL_KINDS] = {
    [SIGNAL_EXECUTE_SNAPSHOT] = "execute-snapshot",
    [SIGNAL_STOP_SNAPSHOT] = "stop-snapshot",
    [SIGNAL_PAUSE_SNAPSHOT] = "pause-snapshot",
    [SIGNAL_RESUME_SNAPSHOT] = "resume-snapshot",
    [SIGNAL_LOG] = "log",
    [SIGNAL_PAUSE] = "pause",
    [SIGNAL_RESUME] = "resume",
    [SIGNAL_MARK] = "snapshot-window-open",
};

SignalKind signal_kind_of(Str type) {
    if (str_eq_icase(type, STR_LIT("snapshot-window-close"))) return SIGNAL_MARK;
    SignalKind k = 0;
    while (k < SIGNAL_KINDS && !str_eq_icase(type, str_from(kind_names[k]))) k++;
    return k;
}

Signal *signal_free(Signal *s) {
    if (!s) return NULL;
    for (size_t i = 0; i < s->table_count; i++) regexlist_free(s->tables[i]);
    for (size_t i = 0; i < s->condition_count; i++) {
        regexlist_free(s->conditions[i].tables);
        free(s->conditions[i].filter);
    }
    free(s->tables);
    free(s->conditions);
    free(s->message);
    free(s);
    return NULL;
}

/* One expression: a comma in it separates nothing here. */
static bool compile(const char *text, RegexList **ret, Err *e) {
    CLEANUP(buf_done) Buf escaped = {0};
    for (; *text; text++) {
        if (*text == ',') buf_u8(&escaped, '\\');
        buf_u8(&escaped, (uint8_t)*text);
    }
    return regexlist_compile(buf_view(&escaped), ret, e);
}

static bool parse_tables(const json_t *list, Signal *s, Err *e) {
    if (!list || json_is_null(list)) return true;
    if (!json_is_array(list)) return err_set(e, ERR_INVALID, false, "data-collections isn't an array");
    size_t i;
    const json_t *item;
    s->tables = x_calloc(json_array_size(list) + 1, sizeof *s->tables);
    json_array_foreach(list, i, item) {
        if (!json_is_string(item) || !*json_string_value(item))
            return err_set(e, ERR_INVALID, false, "data-collections has an element that isn't a name");
        if (!compile(json_string_value(item), &s->tables[s->table_count], e))
            return err_wrap(e, "data-collections");
        s->table_count++;
    }
    return true;
}

static bool is_select(const char *filter) {
    Str head = str_trim(str_from(filter));
    return head.n > 6 && str_eq_icase(str_sub(head, 0, 6), STR_LIT("select"));
}

static bool parse_condition(const json_t *item, Signal *s, Err *e) {
    const char *tables = json_string_value(json_object_get(item, "data-collection"));
    const char *filter = json_string_value(json_object_get(item, "filter"));
    if (!tables || !filter || !str_trim(str_from(filter)).n)
        return err_set(e, ERR_INVALID, false,
                       "additional-conditions: each element has \"data-collection\" and \"filter\"");
    if (is_select(filter))
        return err_set(e, ERR_INVALID, false,
                       "additional-conditions: give the condition (what stands behind WHERE), not a SELECT");
    SignalCondition *c = &s->conditions[s->condition_count];
    if (!compile(tables, &c->tables, e)) return err_wrap(e, "additional-conditions");
    c->filter = x_strdup(filter);
    s->condition_count++;
    return true;
}

static bool parse_conditions(const json_t *list, Signal *s, Err *e) {
    if (!list || json_is_null(list)) return true;
    if (!json_is_array(list)) return err_set(e, ERR_INVALID, false, "additional-conditions isn't an array");
    size_t i;
    const json_t *item;
    s->conditions = x_calloc(json_array_size(list) + 1, sizeof *s->conditions);
    json_array_foreach(list, i, item) if (!parse_condition(item, s, e)) return false;
    return true;
}

static bool parse_snapshot_type(const json_t *type, Signal *s, Err *e) {
    if (!type || json_is_null(type)) return true;
    Str name = str_from(json_string_value(type));
    s->is_blocking = str_eq_icase(name, STR_LIT("blocking"));
    if (s->is_blocking || str_eq_icase(name, STR_LIT("incremental"))) return true;
    return err_set(e, ERR_INVALID, false, "the snapshot's type is incremental or blocking");
}

static bool parse_data(const json_t *data, Signal *s, Err *e) {
    if (json_object_get(data, "additional-condition"))
        return err_set(e, ERR_INVALID, false,
                       "additional-condition was replaced by additional-conditions: "
                       "[{\"data-collection\": …, \"filter\": …}]");
    s->has_surrogate_key = json_is_string(json_object_get(data, "surrogate-key"));
    const char *message = json_string_value(json_object_get(data, "message"));
    if (message) s->message = x_strdup(message);
    return parse_snapshot_type(json_object_get(data, "type"), s, e) &&
           parse_tables(json_object_get(data, "data-collections"), s, e) &&
           parse_conditions(json_object_get(data, "additional-conditions"), s, e);
}

static bool check(const Signal *s, Err *e) {
    if (s->kind == SIGNAL_EXECUTE_SNAPSHOT && !s->table_count)
        return err_set(e, ERR_INVALID, false,
                       "execute-snapshot wants \"data-collections\": [\"schema.table\", …]");
    if (s->kind == SIGNAL_LOG && !s->message)
        return err_set(e, ERR_INVALID, false, "log wants \"message\": \"…\"");
    return true;
}

bool signal_parse(Str type, Str data, Signal **ret, Err *e) {
    SignalKind kind = signal_kind_of(type);
    if (kind == SIGNAL_KINDS) {
        CLEANUP(buf_done) Buf names = {0};
        for (SignalKind k = 0; k < SIGNAL_MARK; k++) buf_printf(&names, "%s%s", k ? ", " : "", kind_names[k]);
        return err_set(e, ERR_INVALID, false, "type '" STR_FMT "' isn't one of %s", STR_ARG(type),
                       buf_text(&names));
    }
    Signal *s = x_calloc(1, sizeof *s);
    s->kind = kind;
    bool ok = true;
    if (str_trim(data).n && kind != SIGNAL_MARK) {
        json_error_t fault;
        json_t *json = json_loadb(data.p, data.n, JSON_REJECT_DUPLICATES, &fault);
        ok = json_is_object(json)
                 ? parse_data(json, s, e)
                 : err_set(e, ERR_INVALID, false, "data isn't a JSON object: %s", json ? "" : fault.text);
        json_decref(json);
    }
    ok = ok && check(s, e);
    if (ok) *ret = s;
    else signal_free(s);
    return ok;
}

/* ---- applying ---- */

static bool matches(const RegexList *list, const char *database, Str schema, Str table) {
    CLEANUP(buf_done) Buf name = {0};
    buf_printf(&name, "%s." STR_FMT "." STR_FMT, database, STR_ARG(schema), STR_ARG(table));
    size_t prefix = strlen(database) + 1;
    Str whole = buf_view(&name);
    return regexlist_match(list, whole) || regexlist_match(list, str_sub(whole, prefix, whole.n));
}

/* No list means all. */
static bool is_meant(const Signal *s, const char *database, Str schema, Str table) {
    for (size_t i = 0; i < s->table_count; i++)
        if (matches(s->tables[i], database, schema, table)) return true;
    return s->table_count == 0;
}

static Str filter_for(const Signal *s, const char *database, Str schema, Str table) {
    for (size_t i = 0; i < s->condition_count; i++)
        if (matches(s->conditions[i].tables, database, schema, table))
            return str_from(s->conditions[i].filter);
    return (Str){0};
}

static PlanVerdict apply_to(const Signal *s, Plan *plan, size_t table, Str filter) {
    switch (s->kind) {
    case SIGNAL_EXECUTE_SNAPSHOT: return plan_copy_again(plan, table, s->is_blocking, filter);
    case SIGNAL_STOP_SNAPSHOT: return plan_stop_copy(plan, table);
    case SIGNAL_PAUSE_SNAPSHOT: return plan_pause_copy(plan, table, /* is_paused= */ true);
    case SIGNAL_RESUME_SNAPSHOT: return plan_pause_copy(plan, table, /* is_paused= */ false);
    default: return PLAN_NOT_ASKED;
    }
}

static const char *accepted_text(const Signal *s) {
    switch (s->kind) {
    case SIGNAL_EXECUTE_SNAPSHOT: return s->is_blocking ? "blocking snapshot begins" : "snapshot begins";
    case SIGNAL_STOP_SNAPSHOT: return "snapshot stopped";
    case SIGNAL_PAUSE_SNAPSHOT: return "snapshot paused";
    default: return "snapshot resumed";
    }
}

static const char *verdict_text(const Signal *s, PlanVerdict v) {
    switch (v) {
    case PLAN_ACCEPTED: return accepted_text(s);
    case PLAN_NO_TABLE: return "refused: it has no capture instance";
    case PLAN_NO_KEY:
        return s->has_surrogate_key
                   ? "refused: it has no key, so its rows can't be upserted, and surrogate-key only names an "
                     "order to read them in: name a key by message.key.columns"
                   : "refused: it has no key, so its rows can't be upserted: name one by message.key.columns";
    case PLAN_COPIES_ANYWAY: return "its copy isn't done yet: all its rows come anyway";
    case PLAN_NO_STREAM:
        return "refused: nothing is streamed (snapshot.mode=initial_only, or not started yet)";
    case PLAN_NOT_ASKED: return "no ad-hoc snapshot of it is under way";
    }
    return "";
}

static void apply_log(const Signal *s, const Plan *plan, Buf *answer) {
    char at[POSITION_TEXT_SIZE];
    Position position = plan_position(plan);
    const char *hole = strstr(s->message, "{}");
    if (!hole) {
        buf_cstr(answer, s->message);
        return;
    }
    buf_add(answer, s->message, (size_t)(hole - s->message));
    buf_cstr(answer, position_format(&position, at));
    buf_cstr(answer, hole + 2);
}

void signal_apply(const Signal *s, Plan *plan, const char *database, Buf *answer) {
    if (s->kind == SIGNAL_LOG) {
        apply_log(s, plan, answer);
        return;
    }
    if (s->kind >= SIGNAL_PAUSE) {
        buf_cstr(answer,
                 s->kind == SIGNAL_MARK ? "no marks are needed" : "only for a whole pipeline, by command");
        return;
    }
    size_t told = 0, accepted = 0;
    for (size_t i = 0; i < plan_table_count(plan); i++) {
        Str schema, table;
        plan_table_name(plan, i, &schema, &table);
        if (!is_meant(s, database, schema, table)) continue;
        PlanVerdict v = apply_to(s, plan, i, filter_for(s, database, schema, table));
        if (v == PLAN_NOT_ASKED && s->table_count == 0) continue; /* all: just those that are */
        accepted += v == PLAN_ACCEPTED;
        buf_printf(answer, "%s" STR_FMT "." STR_FMT ": %s", told++ ? "; " : "", STR_ARG(schema),
                   STR_ARG(table), verdict_text(s, v));
    }
    if (!told)
        buf_cstr(answer, s->table_count ? "refused: no table of the pipeline matches"
                                        : "no ad-hoc snapshot is under way");
    if (s->has_surrogate_key && accepted && s->kind == SIGNAL_EXECUTE_SNAPSHOT)
        buf_cstr(answer, "; surrogate-key isn't needed: rows are read along the table's own key");
}
