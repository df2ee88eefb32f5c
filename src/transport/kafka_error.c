#include "transport/kafka_error.h"

#include <stdio.h>
#include <string.h>

#define LOCAL(name)  RD_KAFKA_RESP_ERR__##name
#define BROKER(name) RD_KAFKA_RESP_ERR_##name

typedef struct Class {
    rd_kafka_resp_err_t code;
    ErrCode as;
    bool retriable;
    const char *cure; /* "" = none */
} Class;

#define NO_BROKER                                                                                            \
    "; is bootstrap.servers right, and are security.protocol and the brokers' listeners of one kind?"
#define NEW_OWNER "; another process runs this connector's task: only one may, so this one stops"

static const Class classes[] = {
    {BROKER(PRODUCER_FENCED), ERR_FENCED, false, NEW_OWNER},
    {BROKER(INVALID_PRODUCER_EPOCH), ERR_FENCED, false, NEW_OWNER},
    {LOCAL(FENCED), ERR_FENCED, false, NEW_OWNER},
    {LOCAL(TRANSPORT), ERR_IO, true, NO_BROKER},
    {LOCAL(ALL_BROKERS_DOWN), ERR_IO, true, NO_BROKER},
    {LOCAL(RESOLVE), ERR_IO, true, NO_BROKER},
    {LOCAL(TIMED_OUT), ERR_TIMEOUT, true, NO_BROKER},
    {LOCAL(MSG_TIMED_OUT), ERR_TIMEOUT, true, ""},
    {LOCAL(TIMED_OUT_QUEUE), ERR_TIMEOUT, true, ""},
    {LOCAL(AUTHENTICATION), ERR_INVALID, false, "; see sasl.mechanism and sasl.jaas.config"},
    {LOCAL(SSL), ERR_INVALID, false, "; see the ssl.… properties"},
    {BROKER(SASL_AUTHENTICATION_FAILED), ERR_INVALID, false, "; see sasl.mechanism and sasl.jaas.config"},
    {BROKER(TOPIC_AUTHORIZATION_FAILED), ERR_INVALID, false,
     "; the user needs READ, WRITE and DESCRIBE (CREATE, too, where it is to make the topic)"},
    {BROKER(GROUP_AUTHORIZATION_FAILED), ERR_INVALID, false, "; the user needs READ on the group"},
    {BROKER(CLUSTER_AUTHORIZATION_FAILED), ERR_INVALID, false,
     "; the user needs CREATE or IDEMPOTENT_WRITE on the cluster"},
    {BROKER(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), ERR_INVALID, false,
     "; the user needs WRITE and DESCRIBE on the transactional.id"},
    {BROKER(TOPIC_EXCEPTION), ERR_INVALID, false, ""},
    {BROKER(UNKNOWN_TOPIC_OR_PART), ERR_IO, true, "; the topic isn't there, or not yet"},
    {LOCAL(UNKNOWN_TOPIC), ERR_IO, true, "; the topic isn't there, or not yet"},
    {LOCAL(UNKNOWN_PARTITION), ERR_IO, true, "; the partition isn't there, or not yet"},
    {BROKER(MSG_SIZE_TOO_LARGE), ERR_DATA, false,
     "; a record is larger than max.request.size here, or than max.message.bytes of the topic (where it "
     "isn't set, message.max.bytes of the broker)"},
    {BROKER(RECORD_LIST_TOO_LARGE), ERR_DATA, false, "; batch.size is more than the topic's segment.bytes"},
    {BROKER(INVALID_TRANSACTION_TIMEOUT), ERR_INVALID, false,
     "; transaction.timeout.ms is more than the broker's transaction.max.timeout.ms"},
    {BROKER(POLICY_VIOLATION), ERR_INVALID, false, "; the cluster's policy for topics says so"},
    /* true of a cluster that starts, too: its brokers count when they are up ("currently fenced") */
    {BROKER(INVALID_REPLICATION_FACTOR), ERR_INVALID, true,
     "; there are fewer brokers that are up than the topic is to have replicas: see them, or a …"
     "replication.factor of yours"},
    {BROKER(UNSUPPORTED_COMPRESSION_TYPE), ERR_INVALID, false, ""},
    {LOCAL(UNSUPPORTED_FEATURE), ERR_INVALID, false, "; the broker is older than 0.11"},
    {LOCAL(NOT_CONFIGURED), ERR_INTERNAL, false, ""},
    {LOCAL(STATE), ERR_INTERNAL, true, ""},
    {LOCAL(PURGE_QUEUE), ERR_IO, true, ""},
    {LOCAL(PURGE_INFLIGHT), ERR_IO, true, ""},
};

static Class class_of(rd_kafka_resp_err_t code) {
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (classes[i].code == code) return classes[i];
    return (Class){code, ERR_IO, true, ""}; /* others come from a cluster in change: they pass */
}

bool kafka_error(rd_kafka_resp_err_t code, const char *what, const char *detail, Err *e) {
    Class c = class_of(code);
    return err_set(e, c.as, c.retriable, "Kafka: %s: %s (%s)%s", what,
                   detail && *detail ? detail : rd_kafka_err2str(code), rd_kafka_err2name(code), c.cure);
}

bool kafka_error_of(rd_kafka_error_t *error, const char *what, Err *e) {
    Class c = class_of(rd_kafka_error_code(error));
    bool may_pass = c.as != ERR_FENCED && (rd_kafka_error_is_retriable(error) ||
                                           (c.retriable && rd_kafka_error_txn_requires_abort(error)));
    if (c.as == ERR_INTERNAL || may_pass) c.retriable = true;
    (void)err_set(e, c.as, c.retriable, "Kafka: %s: %s (%s)%s", what, rd_kafka_error_string(error),
                  rd_kafka_error_name(error), c.cure);
    rd_kafka_error_destroy(error);
    return false;
}

bool kafka_error_is_hopeless(int code, const char *reason) {
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED)
        return true;
    /* other failures of a handshake may pass: a peer that restarts */
    return code == RD_KAFKA_RESP_ERR__SSL && reason && strstr(reason, "certificate");
}

bool kafka_error_none_in(const rd_kafka_topic_partition_list_t *list, const char *what, Err *e) {
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        if (p->err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        (void)kafka_error(p->err, what, /* detail= */ NULL, e);
        return err_wrap(e, "%s-%d", p->topic, (int)p->partition);
    }
    return true;
}

rd_kafka_resp_err_t kafka_error_delivery(const rd_kafka_message_t *m) {
    bool is_guessed = m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->offset < 0;
    return is_guessed ? RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION : m->err;
}

rd_kafka_resp_err_t kafka_error_code(rd_kafka_error_t *error) {
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    if (error) rd_kafka_error_destroy(error);
    return code;
}
