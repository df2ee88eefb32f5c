/*
 * topic_writer_class.h - what a sink that is fed from topics is to the worker: rows of all tables and the
 * offsets of the partitions they came from, in one transaction of the target.
 *
 * Life: start → { own(partitions) → put* }* → stop. Where a partition begins and what a failure means for it
 * is decided by pipeline/partition.h, on the caller's side; the writer says what the target holds. No
 * transaction is open between two calls, so a partition that is taken away needs no word to the writer.
 *
 * A writer is one task's: its thread only.
 */
#ifndef CONNECTOR_TOPIC_WRITER_CLASS_H
#define CONNECTOR_TOPIC_WRITER_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "config/option.h"
#include "connector/connector.h"
#include "record/change.h"

typedef struct TopicWriter TopicWriter;

/* What the target holds of a partition. */
typedef struct TopicOffset {
    const char *topic; /* the caller's */
    int32_t partition;
    bool has_offset;
    int64_t offset, epoch;
    Buf guard; /* owned by the caller */
} TopicOffset;

/* One partition's part in a put. */
typedef struct TopicMove {
    const char *topic;
    int32_t partition;
    bool has_old;
    int64_t old, new, epoch;
    Str guard;
} TopicMove;

/* Why the target refused a change. Names only, no row data. */
typedef struct TopicRefusal {
    const char *sqlstate, *constraint, *column; /* "" = none */
    const char *message;
} TopicRefusal;

typedef struct TopicPut {
    const Change *changes; /* in the order of their partitions; schemas live as long as the put */
    size_t count;
    const TopicMove *moves;
    size_t move_count;
    /* The change at `at` is refused and doesn't go in: what is kept of it is kept here, once the rest is in,
     * before the transaction commits; or, where the options tolerate none, before the put fails at it. False
     * with *e: the put fails. NULL: a refused change fails the put. */
    bool (*refused)(void *arg, size_t at, const TopicRefusal *why, Err *e);
    /* All that `refused` was given is safe. */
    bool (*settle)(void *arg, Err *e);
    void *arg;
} TopicPut;

/* How fields become columns; the sinks that can be replaced differ in it. */
typedef struct TopicFieldRules {
    bool source_names_columns; /* by the name that a field's parameters tell, not the field's own */
    bool fills_defaults;       /* a null in a field that has a default is the default */
} TopicFieldRules;

typedef struct TopicWriterClass {
    const char *const *class_names; /* NULL-terminated: values of connector.class */
    const OptionDef *options;
    size_t option_count;
    /* Connect, check what would stop the run, make what the writer keeps. context->has_topics is set. */
    bool (*start)(const Options *options, const ConnectorContext *context, TopicWriter **ret, Err *e);
    /* An identity of the database that is kept in it; letters, digits, '-'. Borrowed. */
    const char *(*target)(const TopicWriter *w);
    /* Take the partitions: raise their epochs, end a former owner that is in the way, say what is stored. */
    bool (*own)(TopicWriter *w, TopicOffset *offsets, size_t count, Err *e);
    /* The same without taking: what is stored now, under whose epoch (0 = nothing). */
    bool (*look)(TopicWriter *w, TopicOffset *offsets, size_t count, Err *e);
    /* One transaction. Errors: ERR_FENCED, another owner has one of the partitions; retriable ones: nothing
     * is in, or, when !is_open(), the outcome isn't known. */
    bool (*put)(TopicWriter *w, const TopicPut *put, Err *e);
    bool (*is_open)(const TopicWriter *w); /* the connection; own and look open it again */
    TopicWriter *(*stop)(TopicWriter *w);  /* NULL is fine; returns NULL */
    bool (*answers)(const Options *options, const ConnectorContext *context); /* as a sink's */
    TopicFieldRules (*field_rules)(const Options *options);                   /* NULL: none of them holds */
} TopicWriterClass;

#endif
