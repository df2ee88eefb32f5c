/* smt_route.c - RegexRouter and TimestampRouter: another topic, all else as it is. */
#include "transform/smt_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "transform/java_date.h"
#include "transform/java_regex.h"

static const OptionDef REGEX_OPTIONS[] = {
    {.key = "regex",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "a regular expression that the whole topic name matches"},
    {.key = "replacement",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "what the match becomes, with $1 or ${name} for groups"},
};

static bool regex_init(Smt *s, Err *e) {
    JavaRegex *r = NULL;
    if (!java_regex_new(options_str(s->options, "regex"), options_str(s->options, "replacement"), &r, e))
        return false;
    s->state = r;
    return true;
}

static void regex_done(void *state) {
    (void)java_regex_free(state);
}

static bool regex_apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    (void)e;
    Str topic = {0};
    if (java_regex_route(s->state, r->topic, &topic) && !str_eq(topic, r->topic))
        r->topic = arena_str(&b->arena, topic);
    return true;
}

const SmtClass smt_regex_router = {.name = "org.apache.kafka.connect.transforms.RegexRouter",
                                   .options = REGEX_OPTIONS,
                                   .option_count = 2,
                                   .init = regex_init,
                                   .apply = regex_apply,
                                   .done = regex_done,
                                   .direct = smt_direct_routes};

/* ---- TimestampRouter ---- */

static const OptionDef TIMESTAMP_OPTIONS[] = {
    {.key = "topic.format",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .standard = "${topic}-${timestamp}",
     .help = "the new topic, with ${topic} and ${timestamp}"},
    {.key = "timestamp.format",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .standard = "yyyyMMdd",
     .help = "a SimpleDateFormat pattern, in UTC"},
};

typedef struct TimestampState {
    JavaDate *date;
    Buf text;
} TimestampState;

static bool timestamp_init(Smt *s, Err *e) {
    TimestampState *state = x_calloc(1, sizeof *state);
    s->state = state;
    return java_date_new(options_str(s->options, "timestamp.format"), &state->date, e);
}

static void timestamp_done(void *p) {
    TimestampState *state = p;
    (void)java_date_free(state->date);
    buf_done(&state->text);
    free(state);
}

static bool timestamp_apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    TimestampState *state = s->state;
    if (r->timestamp_ms < 0) return err_set(e, ERR_DATA, false, "the record has no timestamp");
    buf_clear(&state->text);
    for (const char *p = options_str(s->options, "topic.format"); *p;) {
        if (strncmp(p, "${topic}", 8) == 0) {
            buf_str(&state->text, r->topic);
            p += 8;
        } else if (strncmp(p, "${timestamp}", 12) == 0) {
            java_date_format(state->date, r->timestamp_ms, &state->text);
            p += 12;
        } else buf_u8(&state->text, (uint8_t)*p++);
    }
    r->topic = arena_str(&b->arena, buf_view(&state->text));
    return true;
}

const SmtClass smt_timestamp_router = {.name = "org.apache.kafka.connect.transforms.TimestampRouter",
                                       .options = TIMESTAMP_OPTIONS,
                                       .option_count = 2,
                                       .init = timestamp_init,
                                       .apply = timestamp_apply,
                                       .done = timestamp_done,
                                       .direct_cure = "name the table in table.name.format"};
