/*
 * sink_option.h - the JDBC sinks' properties (Confluent's and Debezium's names), and what they make of them.
 * A SinkConfig is read-only once made, but for its name rule; owner thread only.
 */
#ifndef POSTGRES_SINK_OPTION_H
#define POSTGRES_SINK_OPTION_H

#include "config/option.h"
#include "connector/connector.h"
#include "postgres/pgconn.h"
#include "postgres/quarantine.h"
#include "postgres/target.h"

enum { SINK_OPTION_COUNT = 55 };
extern const OptionDef sink_options[SINK_OPTION_COUNT];
extern const char *const sink_option_classes[]; /* values of connector.class, NULL-terminated */

typedef struct SinkConfig {
    char *conninfo; /* may hold a password: never shown */
    char *user, *password, *application;
    TargetRules
        rules; /* names and types are owned; metrics and key_fields are borrowed from context and options */
    size_t batch_rows; /* rows a statement; 0 = as many as the source's batch has */
    QuarantineRules errors;
    bool suspends_foreign_keys; /* while their tables are copied */
} SinkConfig;

/* o and context are borrowed as long as the config lives. Errors: ERR_INVALID, naming file, line and
 * property. */
MUST_CHECK bool sink_config_new(const Options *o, const ConnectorContext *context, SinkConfig **ret, Err *e);
SinkConfig *sink_config_free(SinkConfig *c);      /* NULL is fine; wipes the password; returns NULL */
PgConnSpec sink_config_conn(const SinkConfig *c); /* borrowed from c */
/* connector.class is Debezium's, not Confluent's. */
bool sink_option_is_debezium(const Options *o);
/* Does the server answer at all? As SinkClass.answers; also true when the URL can't be read. Any thread. */
bool sink_option_answers(const Options *o, const ConnectorContext *context);

#endif
