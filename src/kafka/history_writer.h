/*
 * history_writer.h - records of Debezium's schema history, outside of any transaction. Debezium reads that
 * topic up to its end's offset less one and gives up when no record stands there: a transaction would leave
 * its mark there. A record that is written twice does no harm. The task's thread.
 */
#ifndef KAFKA_HISTORY_WRITER_H
#define KAFKA_HISTORY_WRITER_H

#include <librdkafka/rdkafka.h>

#include "base/err.h"
#include "base/str.h"

typedef struct HistoryWriter HistoryWriter;

/* conf (a producer's) is moved. Errors: ERR_INVALID, what librdkafka says of it. */
MUST_CHECK bool history_writer_open(rd_kafka_conf_t *conf, HistoryWriter **ret, Err *e);
HistoryWriter *history_writer_close(HistoryWriter *w); /* NULL is fine; returns NULL */
/* Write one record (no key, partition 0), and wait until it is acknowledged. Errors: as kafka_error;
 * ERR_TIMEOUT, retriable. */
MUST_CHECK bool history_writer_put(HistoryWriter *w, const char *topic, Str record, Err *e);

#endif
