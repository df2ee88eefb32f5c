#include "kafka/history_writer.h"

#include <stdlib.h>

#include "base/mem.h"
#include "transport/kafka_error.h"
#include "transport/kafka_topics.h"

enum { WAIT_MS = 60000 };

struct HistoryWriter {
    rd_kafka_t *rk;
    rd_kafka_resp_err_t result; /* of the record that is waited for */
    bool is_awaited;            /* the last record went in: the client knows the leader */
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *arg) {
    HistoryWriter *w = arg;
    (void)rk;
    w->result = kafka_error_delivery(m);
}

bool history_writer_open(rd_kafka_conf_t *conf, HistoryWriter **ret, Err *e) {
    char why[256];
    HistoryWriter *w = x_calloc(1, sizeof *w);
    rd_kafka_conf_set_opaque(conf, w);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    w->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!w->rk) {
        rd_kafka_conf_destroy(conf);
        free(w);
        return err_set(e, ERR_INVALID, false, "the producer of schema history: %s", why);
    }
    *ret = w;
    return true;
}

HistoryWriter *history_writer_close(HistoryWriter *w) {
    if (!w) return NULL;
    rd_kafka_destroy(w->rk);
    free(w);
    return NULL;
}

bool history_writer_put(HistoryWriter *w, const char *topic, Str record, Err *e) {
    w->result = RD_KAFKA_RESP_ERR_NO_ERROR; /* some configurations report failures alone */
    if (!w->is_awaited) (void)kafka_topics_await(w->rk, topic, /* most= */ 1);
    const rd_kafka_vu_t v[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = 0},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)record.p, record.n}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };
    rd_kafka_resp_err_t code = kafka_error_code(rd_kafka_produceva(w->rk, v, sizeof v / sizeof *v));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = rd_kafka_flush(w->rk, WAIT_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = w->result;
    }
    w->is_awaited = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (w->is_awaited) return true;
    (void)kafka_error(code, "the schema history wasn't written", /* detail= */ NULL, e);
    return err_wrap(e, "topic %s", topic);
}
