/* The names are Connect's: stages, classes and exceptions as its dead letter topics have them in headers. */
#include "worker/sink_letters.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "transport/dead_topic.h"
#include "worker/sink_conf.h"

/* A record that failed before the put and whose letter isn't known to be safe. The put's own are told again
 * with the put. */
typedef struct Owed {
    SinkInput input;
    SinkFault fault;
} Owed;

struct SinkLetters {
    DeadTopic *dead; /* NULL: no topic is asked for */
    bool is_unflushed, must_resend;
    Owed *owed;
    size_t owed_count, owed_cap;
    bool is_tolerant, logs, logs_time;
    char *key_class, *value_class;
    Metric *letters;
};

static const char *stage_name(SinkStage stage) {
    static const char *const names[] = {"KEY_CONVERTER", "VALUE_CONVERTER", "TRANSFORMATION", "TASK_PUT"};
    return names[stage];
}

static const char SINK_TASK[] = "org.apache.kafka.connect.sink.SinkTask";

static const char *class_of(const SinkLetters *l, const SinkFault *fault) {
    switch (fault->stage) {
    case SINK_KEY: return l->key_class;
    case SINK_VALUE: return l->value_class;
    case SINK_TRANSFORM: return fault->transform;
    case SINK_PUT: break;
    }
    return SINK_TASK;
}

/* As Java's TimestampType. */
static const char *timestamp_type_name(rd_kafka_timestamp_type_t type) {
    switch (type) {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME: return "CreateTime";
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: return "LogAppendTime";
    case RD_KAFKA_TIMESTAMP_NOT_AVAILABLE: break;
    }
    return "NoTimestampType";
}

/* As Connect's LogReporter.Sink: with errors.log.include.messages, too, nothing of what the record holds. */
static void log_failure(const SinkLetters *l, const SinkInput *in, SinkStage stage, const char *why) {
    CLEANUP(buf_done) Buf time = {0};
    rd_kafka_timestamp_type_t type;
    if (l->logs_time) {
        long long timestamp_ms = rd_kafka_message_timestamp(in->message, &type);
        buf_printf(&time, "%s %lld", timestamp_type_name(type), timestamp_ms);
    }
    LOG_ERROR("record_failed", LOG_S("topic", in->topic), LOG_I("partition", in->partition),
              LOG_I("offset", in->message->offset),
              LOG_S("timestamp", l->logs_time ? buf_text(&time) : "(errors.log.include.messages=false)"),
              LOG_S("stage", stage_name(stage)), LOG_S("why", why));
}

static bool send_letter(SinkLetters *l, const SinkInput *in, const DeadContext *why, Err *e) {
    if (!l->dead || dead_topic_has(l->dead, in->message)) return true;
    if (!dead_topic_send(l->dead, in->message, why, e)) return false;
    l->is_unflushed = true;
    metric_add(l->letters, 1);
    return true;
}

static bool send_failed(SinkLetters *l, const SinkInput *in, const SinkFault *fault, Err *e) {
    const DeadContext context = {.stage = stage_name(fault->stage),
                                 .class_name = class_of(l, fault),
                                 .exception = "org.apache.kafka.connect.errors.DataException",
                                 .message = fault->why.msg};
    return send_letter(l, in, &context, e);
}

static void owe(SinkLetters *l, const SinkInput *in, const SinkFault *fault) {
    if (l->owed_count == l->owed_cap) {
        l->owed_cap = l->owed_cap ? 2 * l->owed_cap : 8;
        l->owed = x_reallocarray(l->owed, l->owed_cap, sizeof *l->owed);
    }
    l->owed[l->owed_count++] = (Owed){*in, *fault};
}

/* A flush that failed has dropped what it had: those that aren't safe since the last sound one go out once
 * more. */
static bool send_owed(SinkLetters *l, Err *e) {
    for (size_t i = 0; l->must_resend && i < l->owed_count; i++)
        if (!send_failed(l, &l->owed[i].input, &l->owed[i].fault, e)) return false;
    l->must_resend = false;
    return true;
}

bool sink_letters_flush(SinkLetters *l, Err *e) {
    if (!send_owed(l, e)) return false;
    if (l->is_unflushed && !dead_topic_flush(l->dead, e)) {
        l->must_resend = true;
        return false;
    }
    l->is_unflushed = false;
    l->owed_count = 0;
    return true;
}

void sink_letters_stored(SinkLetters *l) {
    if (l->dead) dead_topic_forget(l->dead);
}

bool sink_letters_has_topic(const SinkLetters *l) {
    return l->dead != NULL;
}

bool sink_letters_failed(SinkLetters *l, const SinkInput *in, const SinkFault *fault, Err *e) {
    const SinkStage stage = fault->stage;
    const Err *why = &fault->why;
    if (l->logs || (l->is_tolerant && !l->dead)) log_failure(l, in, stage, why->msg);
    if (!send_failed(l, in, fault, e)) return false;
    if (l->dead) owe(l, in, fault);
    if (l->is_tolerant && (l->dead || stage != SINK_PUT)) return true;
    if (!sink_letters_flush(l, e)) return false;
    return err_set(e, why->code, why->retriable, "%s-%d at offset %lld, %s: %s%s", in->topic,
                   (int)in->partition, (long long)in->message->offset, stage_name(stage), why->msg,
                   l->is_tolerant ? "; with errors.deadletterqueue.topic.name it is set aside there"
                                  : "; with errors.tolerance=all the sink goes on without it");
}

bool sink_letters_refused(SinkLetters *l, const SinkInput *in, const TopicRefusal *why, Err *e) {
    const DeadContext context = {.stage = stage_name(SINK_PUT),
                                 .class_name = SINK_TASK,
                                 .exception = "org.postgresql.util.PSQLException",
                                 .message = why->message,
                                 .sqlstate = why->sqlstate,
                                 .constraint = why->constraint,
                                 .column = why->column};
    if (l->logs) log_failure(l, in, SINK_PUT, why->message);
    return send_letter(l, in, &context, e);
}

static bool open_topic(SinkLetters *l, const SinkLettersSpec *spec, TextList *warnings, Err *e) {
    const Options *o = spec->options;
    const char *topic = options_str(o, "errors.deadletterqueue.topic.name");
    rd_kafka_conf_t *conf = NULL;
    if (!topic || !*topic) return true;
    if (!sink_conf_letters(o, spec->connector, spec->task, warnings, &conf, e)) return false;
    const DeadTopicSpec dead = {
        .conf = conf,
        .topic = topic,
        .replication = (int32_t)options_int(o, "errors.deadletterqueue.topic.replication.factor"),
        .has_context = options_bool(o, "errors.deadletterqueue.context.headers.enable"),
        .connector = spec->connector,
        .task = spec->task,
    };
    return dead_topic_open(&dead, &l->dead, e);
}

bool sink_letters_open(const SinkLettersSpec *spec, TextList *warnings, SinkLetters **ret, Err *e) {
    const Options *o = spec->options;
    SinkLetters *l = x_calloc(1, sizeof *l);
    l->is_tolerant = options_enum(o, "errors.tolerance") == 1;
    l->logs = options_bool(o, "errors.log.enable");
    l->logs_time = options_bool(o, "errors.log.include.messages");
    l->key_class = x_strdup(options_str(o, "key.converter"));
    l->value_class = x_strdup(options_str(o, "value.converter"));
    l->letters = metrics_get(spec->metrics, METRIC_COUNTER, "millrace_dead_records_total", (Str){0},
                             "Records sent to the dead letter topic");
    if (!open_topic(l, spec, warnings, e)) {
        sink_letters_close(l);
        return false;
    }
    *ret = l;
    return true;
}

SinkLetters *sink_letters_close(SinkLetters *l) {
    if (!l) return NULL;
    dead_topic_close(l->dead);
    free(l->owed);
    free(l->key_class);
    free(l->value_class);
    free(l);
    return NULL;
}
