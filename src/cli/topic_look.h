/*
 * topic_look.h - asks for what topic_view shows: the topic of offsets and SQL Server of each source, the
 * broker and PostgreSQL of each sink. Only reads: no topic is made, no group joined. Owner thread only.
 */
#ifndef CLI_TOPIC_LOOK_H
#define CLI_TOPIC_LOOK_H

#include "cli/topic_run.h"
#include "cli/topic_view.h"

/* only: the one connector of that name; NULL = all. What can't be asked is said in its place. *ret is the
 * caller's: topic_view_done; it borrows from run. */
void topic_look(const TopicRun *run, const char *only, TopicView *ret);

/* What is stored in the topics of one database of a source; nothing where the topic of offsets isn't there.
 * *ret is the caller's. Errors: as source_start_read. */
MUST_CHECK bool topic_look_stored(const Pair *part, StoredState *ret, Err *e);

#endif
