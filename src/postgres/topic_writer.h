/*
 * topic_writer.h - PostgreSQL as the sink of topics: connector/topic_writer_class.h over libpq. Changes are
 * compacted, written and, where refused, taken apart by the same modules as in direct mode (apply.h,
 * quarantine.h); offsets stand in the place of the position (topic_store.h). Tables are made and widened by
 * DDL in transactions of their own, one task at a time.
 */
#ifndef POSTGRES_TOPIC_WRITER_H
#define POSTGRES_TOPIC_WRITER_H

#include "connector/topic_writer_class.h"

extern const TopicWriterClass postgres_topic_writer_class;

#endif
