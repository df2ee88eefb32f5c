/*
 * source_settings.h - what the source connector's properties make. Read-only once made, any thread; it
 * borrows from the Options.
 */
#ifndef SQLSERVER_SOURCE_SETTINGS_H
#define SQLSERVER_SOURCE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/option.h"
#include "config/schema_policy.h"
#include "pipeline/snapshot_mode.h"
#include "sqlserver/catalog.h"
#include "sqlserver/change_page.h"
#include "sqlserver/odbc_target.h"
#include "sqlserver/select_override.h"
#include "sqlserver/signal_inbox.h"

typedef enum SourceIsolation {
    SOURCE_ISOLATION_BEST, /* snapshot if the database allows it, else read committed */
    SOURCE_ISOLATION_SNAPSHOT,
    SOURCE_ISOLATION_READ_COMMITTED,
} SourceIsolation;

typedef struct SourceSettings {
    OdbcTarget target;
    CatalogFilter filter;
    bool names_tables; /* table.include.list is set: each of its tables has to be captured */
    SnapshotMode mode;
    SnapshotFlags flags; /* of SNAPSHOT_CONFIGURATION_BASED */
    SourceIsolation isolation;
    size_t snapshot_threads;
    int64_t lock_timeout_ms;
    uint64_t chunk_rows; /* of a copy beside the stream; 0 = by bytes */
    bool notifies;       /* notifications go to the log */
    bool notifies_topic; /* and into a topic, where there are topics: the sink's */
    SignalInboxSpec signals;
    SchemaPolicy *schema_change; /* owned */
    bool makes_instances;        /* capture instances, for columns that were added */
    int64_t poll_interval_ms;
    int64_t window_transactions;
    size_t max_changes; /* of a batch */
    size_t batch_bytes;
    size_t queue_bytes;
    ChangeHow how;
    bool skips_unchanged;
    const char *agent_query;  /* NULL = our own */
    MaskRules *masks;         /* owned; NULL = none */
    SelectOverrides *selects; /* the same */
    int64_t snapshot_delay_ms, streaming_delay_ms;
    int64_t heartbeat_ms;        /* 0 = off */
    const char *heartbeat_query; /* NULL = none */
    bool wants_dirty;            /* read_uncommitted was asked for; what is done is SOURCE_ISOLATION_BEST */
} SourceSettings;

/* o is borrowed as long as the settings are used; source_settings_done, also after a failure. Errors:
 * ERR_INVALID, naming file, line and property. */
MUST_CHECK bool source_settings(const Options *o, SourceSettings *ret, Err *e);
/* Whether snapshot.mode reads changes: for those who start a run. */
bool source_streams(const Options *o);
void source_settings_done(SourceSettings *s); /* {0} again */

#endif
