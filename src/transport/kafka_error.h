/*
 * kafka_error.h - what librdkafka says went wrong, as an Err: which code, whether trying again may help, and
 * what to do about it. Any thread.
 */
#ifndef TRANSPORT_KAFKA_ERROR_H
#define TRANSPORT_KAFKA_ERROR_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/err.h"

/* Fill *e, return false. what: what was being done ("topic orders"); detail: what stands in the place of
 * librdkafka's words for the code, where there are better ones; NULL or "" = its own. Codes: ERR_FENCED
 * (another producer of the same transactional.id), ERR_IO and ERR_TIMEOUT (retriable), ERR_DATA (a record
 * that is too large, not retriable), ERR_INVALID (rights, configuration, names; not retriable, but for too
 * few brokers for a topic's replicas), ERR_INTERNAL. */
bool kafka_error(rd_kafka_resp_err_t code, const char *what, const char *detail, Err *e);
/* The same of an error object, which is freed. What an abortable error says is retriable here: the
 * transaction is aborted and begun anew. */
bool kafka_error_of(rd_kafka_error_t *error, const char *what, Err *e);
/* Whether an event of the client says that connecting won't ever succeed as it is configured: a login that is
 * refused, a certificate that isn't trusted. The client itself goes on trying, and calls fail by time alone.
 */
bool kafka_error_is_hopeless(int code, const char *reason);
/* The same of the first partition in the list that has an error of its own; true: none has. */
MUST_CHECK bool kafka_error_none_in(const rd_kafka_topic_partition_list_t *list, const char *what, Err *e);
/* What became of a record, by its delivery report. A success without an offset is none: when a partition's
 * new leader refuses a batch and takes a later one that was under way already (a broker takes any sequence
 * number of a producer that is new to it), librdkafka concludes that the earlier one must have been written.
 * It wasn't: with acks=all every record that is in the log has an offset. */
rd_kafka_resp_err_t kafka_error_delivery(const rd_kafka_message_t *m);
/* An error object's code alone; it is freed. NULL: RD_KAFKA_RESP_ERR_NO_ERROR. */
rd_kafka_resp_err_t kafka_error_code(rd_kafka_error_t *error);

#endif
