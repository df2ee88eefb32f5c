/*
 * topic_run.h - what `millrace run` was given where the worker's file has bootstrap.servers: any number of
 * connectors, each with topics at its other end. Filled once at start; read-only afterwards.
 */
#ifndef CLI_TOPIC_RUN_H
#define CLI_TOPIC_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/pair.h"
#include "config/option.h"
#include "config/textlist.h"

typedef struct TopicRunSink {
    char *name;       /* the connector's */
    Options *options; /* the worker's and its own in one */
    Props *props;     /* what they were parsed from */
} TopicRunSink;

typedef struct TopicRun {
    Options *worker;
    Pair *sources; /* owned: of each source connector, with topics as its sink */
    size_t source_count;
    TopicRunSink *sinks; /* owned */
    size_t sink_count;
} TopicRun;

/* Whether one of the files has bootstrap.servers; a file that can't be read has not. */
bool topic_run_is_meant(const char *const *files, size_t count);
/* false: problems has every error, one line each; warnings are added in both cases. */
MUST_CHECK bool topic_run_from_files(const char *const *files, size_t count, TopicRun *ret,
                                     TextList *warnings, TextList *problems);
void topic_run_done(TopicRun *r);

#endif
