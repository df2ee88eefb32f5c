/*
 * instance_edit.h - making and ending capture instances, inside the session's transaction. The session's
 * thread.
 */
#ifndef STANDIN_CAPTURE_INSTANCE_EDIT_H
#define STANDIN_CAPTURE_INSTANCE_EDIT_H

#include <stdbool.h>

#include "standin/capture/instance.h"
#include "standin/exec/proc.h"

typedef struct InstanceNew {
    Str name;
    const Table *source;          /* pinned */
    const Column *const *columns; /* captured, in the source's order */
    size_t column_count;
    const Index *key; /* the unique index that tells rows apart, or NULL */
    bool supports_net_changes, has_role, allows_switch;
    Str role, filegroup; /* filegroup may be empty */
} InstanceNew;

/* Make the change table and its rows in the cdc tables, track the source, and leave a mark in the log from
 * which on the instance captures. Waits for transactions that have written to the source. */
MUST_CHECK bool instance_create(Session *s, const InstanceNew *n, SqlError *e);
/* Take all of it away; the source stays tracked while another instance of it remains (others: how many there
 * are). */
MUST_CHECK bool instance_drop(Session *s, int32_t database_id, const Instance *instance, size_t others,
                              SqlError *e);

/* The log's mark of a new instance, a DDL record's text: which change table? 0: an ordinary DDL record. */
int32_t instance_of_mark(Str ddl);

#endif
