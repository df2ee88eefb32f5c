/*
 * signal.h - what an operator asks of a running pipeline, in the words of Debezium's signals: type and data
 * (JSON) to a Signal, and a Signal to wishes of a plan and an answer in a line. Pure. A Signal is read-only
 * once parsed; signal_apply: the plan's thread.
 *
 *   execute-snapshot  {"data-collections": ["regex", …], "type": "incremental"|"blocking",
 *                      "additional-conditions": [{"data-collection": "regex", "filter": "SQL condition"}, …]}
 *   stop-snapshot, pause-snapshot, resume-snapshot   {"data-collections": […]}: none = all
 *   log               {"message": "…{}…"}: {} becomes the position
 *   pause, resume     the whole pipeline: for the worker
 *
 * Expressions match schema.table or database.schema.table as a whole, letter case ignored. "surrogate-key" of
 * execute-snapshot, a column to read along, changes nothing: a table with a key is read along that, and one
 * without is refused, as its rows would be there twice.
 */
#ifndef PIPELINE_SIGNAL_H
#define PIPELINE_SIGNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "config/regexlist.h"
#include "pipeline/plan.h"

typedef enum SignalKind {
    SIGNAL_EXECUTE_SNAPSHOT,
    SIGNAL_STOP_SNAPSHOT,
    SIGNAL_PAUSE_SNAPSHOT,
    SIGNAL_RESUME_SNAPSHOT,
    SIGNAL_LOG,
    SIGNAL_PAUSE,
    SIGNAL_RESUME,
    SIGNAL_MARK, /* a JVM connector's own: not for us */
    SIGNAL_KINDS,
} SignalKind;

/* As it came. */
typedef struct SignalText {
    char *id, *type, *data; /* owned; data NULL = none */
} SignalText;

typedef struct SignalList {
    SignalText *items; /* owned */
    size_t count;
} SignalList;

SignalText signal_text(Str id, Str type, Str data); /* copies; data {0} = none */
void signal_text_done(SignalText *s);               /* *s is {0} again */
void signal_list_add(SignalList *l, SignalText s);  /* moved */
void signal_list_done(SignalList *l);

/* Rows of the tables that match: an SQL condition. */
typedef struct SignalCondition {
    RegexList *tables; /* owned */
    char *filter;      /* owned */
} SignalCondition;

typedef struct Signal {
    SignalKind kind;
    bool is_blocking;
    bool has_surrogate_key; /* has no effect: said in the answer */
    RegexList **tables;     /* owned; an element each */
    size_t table_count;
    SignalCondition *conditions; /* owned */
    size_t condition_count;
    char *message; /* owned */
} Signal;

/* The kind of that name; SIGNAL_KINDS = there is none. */
SignalKind signal_kind_of(Str type);
/* owned. Errors: ERR_INVALID, naming what is wrong in type or data. */
MUST_CHECK bool signal_parse(Str type, Str data, Signal **ret, Err *e);
Signal *signal_free(Signal *s); /* NULL is fine; returns NULL */

/* Tell the plan, not while a window is read. *ret_answer: one line, what became of it, table by table; with
 * SIGNAL_LOG the message. Once plan_has_wishes is false it has its effect. */
void signal_apply(const Signal *s, Plan *plan, const char *database, Buf *ret_answer);

#endif
