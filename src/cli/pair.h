/*
 * pair.h - from what the user gave (files, or two addresses) to one checked pipeline: a source, a sink, their
 * options. Filled once at start; read-only afterwards, any thread.
 */
#ifndef CLI_PAIR_H
#define CLI_PAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/option.h"
#include "connector/connector.h"

typedef struct PairSide {
    char *name;       /* the connector's */
    Options *options; /* owned */
} PairSide;

typedef struct Pair {
    char *pipeline; /* owned: the key of what the target stores */
    const SourceClass *source_class;
    const SinkClass *sink_class;
    PairSide source, sink;
    Options *worker; /* owned; the worker's own properties */
    Options *
        *databases; /* owned: of several databases of the source, its options for each alone; else NULL */
    size_t database_count;
    TransformRoute *route; /* owned; what the transforms make of topics; NULL = there are none */
    bool has_siblings;     /* it is a part */
    Props *source_props;   /* owned; while it is made */
} Pair;

void pair_done(Pair *p);
/* A pair whose source has several databases is as many pipelines of one name, its parts: what works on one
 * takes them in turn. One of a single database is its own part. */
size_t pair_parts(const Pair *p);
/* Borrows all from p; not for pair_done. */
Pair pair_part(const Pair *p, size_t i);
/* The source's database, as its options name it; NULL = they don't. Borrowed. */
const char *pair_database(const Pair *p);
/* For asking the target outside a run: a context that is never told to stop. Borrows from both. */
ConnectorContext pair_context(const Pair *p, Metrics *metrics);

/*
 * connect-standalone's files: any with a connector.class is a connector, the others are the worker's. Exactly
 * one source and one sink make a pipeline. It goes by the sink's name, as a consumer group would. false:
 * problems has every error, one line each ("file:line: property: …"); warnings are added in both cases.
 */
MUST_CHECK bool pair_from_files(const char *const *files, size_t count, Pair *ret, TextList *warnings,
                                TextList *problems);

/* The same of a source and a sink with Kafka between them (the worker's bootstrap.servers): their ends, with
 * options as if nothing were between, for comparing the two. */
MUST_CHECK bool pair_ends_from_files(const char *const *files, size_t count, Pair *ret, TextList *warnings,
                                     TextList *problems);

typedef struct PairUrls {
    const char *from, *to;
    const char *source_password_file; /* NULL: $MILLRACE_SOURCE_PASSWORD, else a prompt */
    const char *target_password_file; /* NULL: libpq's own ways ($PGPASSWORD, ~/.pgpass), else none */
    bool may_prompt;
} PairUrls;
/* `--from … --to …`: upsert by key, deletes on, tables made and evolved, names kept. */
MUST_CHECK bool pair_from_urls(const PairUrls *urls, Pair *ret, TextList *warnings, TextList *problems);

/* A source connector's properties and the worker's, which has bootstrap.servers: topics are the sink, whose
 * options are both's in one. Both sets are resolved. */
MUST_CHECK bool pair_from_source(const Props *connector, const Props *worker, Pair *ret, TextList *warnings,
                                 TextList *problems);
/* The connector's class: a source's or a sink's; false: there is none of that name, which is a problem. */
MUST_CHECK bool pair_class(const Prop *connector_class, bool *ret_is_source, TextList *problems);

/* `--to …` alone, for those who only look at the target: a sink and no source; pipeline is "". */
MUST_CHECK bool pair_from_target(const PairUrls *urls, Pair *ret, TextList *warnings, TextList *problems);

#endif
