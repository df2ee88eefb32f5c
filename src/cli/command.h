/* command.h - a command of the program: its name, its options, what it does. Static tables; main's thread. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>

#include "cli/args.h"
#include "config/textlist.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef struct Command {
    const char *name, *usage, *summary; /* usage: lines of "FILE…", "--from URL --to URL" */
    const char *about;                  /* a paragraph for --help */
    const ArgDef *args;
    size_t arg_count;
    int (*run)(const Args *args); /* exit status */
} Command;

extern const Command command_check, command_cutover, command_dlq, command_run, command_setup, command_signal,
    command_status, command_verify;

/* Options that every command which takes a pipeline has. */
#define COMMAND_ENDS                                                                                         \
    {"from", "URL",                                                                                          \
     "the source: mssql://user@host[\\instance][:port]/database[,database][?tables=dbo.a,dbo.b]"},           \
        {"to", "URL", "the target: postgresql://user@host/database"},                                        \
        {"source-password-file", "FILE",                                                                     \
         "its first line is the source's password (else $MILLRACE_SOURCE_PASSWORD)"},                        \
    {                                                                                                        \
        "target-password-file", "FILE",                                                                      \
            "the same for the target (else libpq's ways: $PGPASSWORD, ~/.pgpass)"                            \
    }

struct Pair;
/* The pipeline that files or --from and --to describe. false: what is wrong stands on stderr; exit with
 * EXIT_USAGE. */
bool command_pair(const Args *args, struct Pair *ret);
/* The same, with what is wrong and what is worth a warning in lists. */
bool command_pair_found(const Args *args, struct Pair *ret, TextList *warnings, TextList *problems);
/* With --to alone only the target (ret->sink, nothing else), as *ret_is_target_only tells; else the pipeline.
 */
bool command_pair_or_target(const Args *args, struct Pair *ret, bool *ret_is_target_only);
struct TopicRun;
/* The connectors that files describe, with Kafka between them. false: as above. */
bool command_topics(const Args *args, struct TopicRun *ret);
/* "millrace: " and the line, on stderr. */
void command_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
