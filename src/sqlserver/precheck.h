/*
 * precheck.h - the source's checks by name: what would stop a run, what may lose a value later, and what is
 * only to be known; each with the statement that mends it. `millrace check` runs all of them, a run those
 * that could stop it, before it begins. Nothing is written. Owner thread only.
 */
#ifndef SQLSERVER_PRECHECK_H
#define SQLSERVER_PRECHECK_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/textlist.h"
#include "connector/finding.h"
#include "pipeline/stored.h"
#include "sqlserver/catalog.h"
#include "sqlserver/odbc.h"
#include "sqlserver/source_settings.h"

/* What the checks look at; all borrowed. */
typedef struct Precheck {
    const Catalog *catalog;
    Odbc *odbc;
    const SourceSettings *settings;
    const StoredState *stored; /* of the pipeline, in the target; NULL = not known */
    Arena *arena;              /* for what is read; lives as long as the checks */
    const size_t *only_table;  /* look at this one of the catalog's tables; NULL = at all */
} Precheck;

typedef struct PrecheckDef {
    const char *name;
    bool is_before_run; /* may stop a run: part of its start */
    bool needs_cdc;     /* reads schema cdc: left out while CDC is off */
    bool is_by_table;   /* looks at each table by itself */
    /* Append findings; one that appends none has found nothing wrong. */
    void (*run)(const Precheck *p, const char *name, Findings *out);
} PrecheckDef;

typedef struct PrecheckDefs {
    const PrecheckDef *defs;
    size_t count;
} PrecheckDefs;

typedef void PrecheckProgress(void *arg, const char *name); /* a check begins */

/* Run all of them in order. progress may be NULL. */
void precheck_all(const Precheck *p, PrecheckProgress *progress, void *arg, Findings *out);
/*
 * Run those that may stop a run. False: *e has the first fault with its cure and the number of the others,
 * which are logged. Once a position is stored the run has gone on before: an agent that is down may come back
 * (retriable), and a table that is stored may have vanished.
 */
MUST_CHECK bool precheck_start(const Catalog *c, Odbc *odbc, const SourceSettings *settings,
                               const StoredState *stored, Err *e);
/* The same of one table that has appeared while it runs. False: problems say why it can't be taken. */
bool precheck_new_table(const Catalog *c, size_t table, Odbc *odbc, const SourceSettings *settings,
                        TextList *problems);
/* Names of all checks, in order; the number of them is returned. */
size_t precheck_names(const char **ret, size_t most);

/* Connect; a database that can't be opened is told apart: misspelt, no access, or not up (retriable). */
MUST_CHECK bool precheck_connect(const OdbcTarget *target, Odbc **ret, Err *e);
/* The same as a finding: of check `source-login`, or of `source-database` when the server let us in. */
MUST_CHECK bool precheck_connect_found(const OdbcTarget *target, Odbc **ret, Findings *out);
/* CDC is on. Errors: ERR_INVALID with the cure. */
MUST_CHECK bool precheck_database(const Catalog *c, Err *e);
/* Whether SQL Server Agent runs; true when it can't be known (no permission, Azure SQL Database). query: in
 * place of our own, or NULL. */
bool precheck_agent_runs(const Catalog *c, Odbc *odbc, const char *query);

/* ---- for the checks themselves ---- */

/* Whether a check is to look at that table of the catalog. */
static inline bool precheck_looks_at(const Precheck *p, size_t table) {
    return !p->only_table || *p->only_table == table;
}
/* The newest capture instance of a table, or NULL. */
const CatalogInstance *precheck_newest(const Precheck *p, size_t table);
/* Whether the table's rows are still to be copied. */
bool precheck_awaits_copy(const Precheck *p, size_t table);
/* Whether the pipeline has a position: it ran before. */
static inline bool precheck_ran_before(const Precheck *p) {
    return p->stored && p->stored->has_position;
}
/* The user that grants are written for. */
Str precheck_user(const Precheck *p);
/* Run a query of a check. false: a note "unknown" is appended with the reason, and `cure` when it is a right
 * that lacks (may be NULL). */
MUST_CHECK bool precheck_ask(const Precheck *p, const char *name, const char *sql, const char *cure,
                             OdbcCells *ret, Findings *out);
/* Rows and bytes of the wanted tables, about; 0 = unknown. */
void precheck_size(const Precheck *p, int64_t *ret_rows, int64_t *ret_bytes);
/* The statement that gives VIEW SERVER STATE; in the arena. */
const char *precheck_grant_server_state(const Precheck *p);

#endif
