/*
 * topic_view.h - what `millrace status` shows of connectors with topics at their other ends, as topic_look
 * has found it: text for people, JSON for programs, and whether all is well. Only formats and judges.
 *
 * A source stores no sign of life: what is shown of it is how far the topics are, which is true whether it
 * runs or not. A sink's members are in its group as long as they live.
 */
#ifndef CLI_TOPIC_VIEW_H
#define CLI_TOPIC_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/status_view.h"
#include "pipeline/stored.h"
#include "postgres/topic_status.h"
#include "worker/group_lag.h"

/* One database of a source connector. */
typedef struct TopicViewSource {
    const char *connector, *database, *offsets_topic; /* borrowed */
    char why[ERR_MSG_SIZE];                           /* the topics couldn't tell; "" = they did */
    StoredState stored;
    StatusSource source; /* what SQL Server said */
    int64_t behind_us;   /* since when a captured transaction waits; -1 = none does, or unknown */
} TopicViewSource;

typedef struct TopicViewSink {
    const char *connector;         /* borrowed */
    char why_group[ERR_MSG_SIZE];  /* the broker couldn't tell */
    char why_target[ERR_MSG_SIZE]; /* PostgreSQL couldn't */
    GroupLag lag;
    TopicStatusList target;
} TopicViewSink;

typedef struct TopicView {
    TopicViewSource *sources; /* owned */
    size_t source_count;
    TopicViewSink *sinks; /* owned */
    size_t sink_count;
    int64_t now_us; /* our clock */
} TopicView;

void topic_view_done(TopicView *v);
/* Every source has begun, every sink has members of millrace and no others, and all could be asked. */
bool topic_view_is_healthy(const TopicView *v);
/* "streaming", "copying", "paused", "not started", "unknown" */
const char *topic_view_source_state(const TopicViewSource *s);
/* "running", "stopped" (no member), "foreign" (members of another program), "unknown" */
const char *topic_view_sink_state(const TopicViewSink *s);
void topic_view_text(const TopicView *v, const char *eol, Buf *out);
void topic_view_json(const TopicView *v, Buf *out); /* one object, one line */

#endif
