/*
 * out.h - where an answer goes: what a statement produces, in TDS's order, without TDS. The session's thread
 * only. tds/ turns the calls into tokens; tests collect them. All pointers are borrowed for the call. A false
 * result means that the client is gone or has sent an attention: stop the request; *nothing* more is
 * produced.
 */
#ifndef STANDIN_EXEC_OUT_H
#define STANDIN_EXEC_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "standin/types/type.h"
#include "standin/types/value.h"

typedef struct OutColumn {
    Str name;
    Type type;
    bool is_nullable, is_identity, is_computed, is_updatable;
    Str table; /* base table, for text and image columns; may be empty */
} OutColumn;

/* Which command a DONE speaks of ([MS-TDS] 2.2.7.6 CurCmd); tds/ has the numbers. */
typedef enum OutCommand {
    OUT_CMD_NONE,
    OUT_CMD_SELECT,
    OUT_CMD_INSERT,
    OUT_CMD_UPDATE,
    OUT_CMD_DELETE,
    OUT_CMD_MERGE,
    OUT_CMD_BEGIN,
    OUT_CMD_COMMIT,
    OUT_CMD_ROLLBACK,
    OUT_CMD_DDL,
    OUT_CMD_EXEC,
    OUT_CMD_BULK,
} OutCommand;

typedef enum OutEnv { /* [MS-TDS] 2.2.7.9 ENVCHANGE */
                      OUT_ENV_DATABASE = 1,
                      OUT_ENV_LANGUAGE = 2,
                      OUT_ENV_BEGIN = 8,
                      OUT_ENV_COMMIT = 9,
                      OUT_ENV_ROLLBACK = 10,
} OutEnv;

typedef struct OutMessage { /* class ≤ 10: INFO, else ERROR */
    int32_t number;
    uint8_t state, class_;
    Str text, procedure;
    uint32_t line;
} OutMessage;

typedef struct Out Out;
struct Out {
    bool (*columns)(Out *o, const OutColumn *columns, size_t count); /* a result set begins */
    bool (*row)(Out *o, const Value *values); /* as many as columns; types as announced */
    /* A statement's end. has_count: rows is valid (NOCOUNT is off). More statements may follow; the end of
     * the whole request is tds/'s to mark. failed: the statement ended in an error that was reported by
     * message(). */
    bool (*done)(Out *o, OutCommand command, bool has_count, uint64_t rows, bool failed);
    bool (*message)(Out *o, const OutMessage *m);
    bool (*env_text)(Out *o, OutEnv what, Str now, Str before);        /* database, language */
    bool (*env_transaction)(Out *o, OutEnv what, uint64_t descriptor); /* begin, commit, rollback */
    bool (*return_status)(Out *o, int32_t status);
    bool (*return_value)(Out *o, uint16_t ordinal, Str name, const Type *type, const Value *value);
    /* True when the client has sent an attention or is gone: asked between rows by long work. Cheap. */
    bool (*is_cancelled)(Out *o);
    /* EXEC enters or leaves a procedure: the protocol ends its statements with another token. */
    void (*procedure)(Out *o, bool enters);
};

#endif
