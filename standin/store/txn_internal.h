/* txn_internal.h - the inside of a transaction, shared by txn.c, overlay.c and row_writer.c. */
#ifndef STANDIN_STORE_TXN_INTERNAL_H
#define STANDIN_STORE_TXN_INTERNAL_H

#include "standin/store/txn.h"

enum { TXN_MUST_WAIT = -1 }; /* SqlError.number: start over after waiting for Txn.wanted */

/* One table's write set. Kept, empty, when the transaction ends, as long as the table's version stays. */
typedef struct Overlay {
    int32_t object_id;
    uint64_t version;      /* of the table it is shaped after */
    bool is_shared;        /* in `pending`, where others see it; else in TEMP */
    char *table;           /* its SQLite name: pending.w<object_id> or temp.w<object_id> */
    char *base;            /* the base's */
    char *columns;         /* "c1, c2, …" of that version */
    char *physical;        /* what the write set has: also columns dropped since */
    TableState *state;     /* referenced */
    bool has_rows;         /* the transaction has written to it */
    bool has_undo;         /* temp.u<object_id> exists */
    int64_t rows_at_apply; /* change of the row count, while COMMIT applies it */
} Overlay;

typedef struct Savepoint {
    char *name;
    uint64_t locks;
    LogMark log;
    int64_t undo_seq;
    size_t end_count;
} Savepoint;

typedef struct EndAction {
    TxnEnd *undo, *keep;
    void *arg;
} EndAction;

struct Txn {
    Store *store;
    struct sqlite3 *db;
    StmtCache *statements;
    LockOwner *owner;
    int spid;
    TxnIsolation isolation;
    int64_t lock_timeout_ms;
    bool (*is_cancelled)(void *arg);
    void *cancel_arg;

    int count;
    char *name;  /* of the outermost BEGIN TRAN */
    uint64_t id; /* of the transaction, or of the autocommitted statement */
    bool is_doomed;
    bool is_undoing;   /* a rollback runs: it is never broken off */
    bool has_read;     /* data was accessed in it */
    bool has_snapshot; /* an SQLite read transaction is held */
    uint64_t snapshot_commit, snapshot_catalog;
    int32_t command_id;
    Overlay *overlays;
    size_t overlay_count;
    uint64_t source_version;
    Savepoint *savepoints;
    size_t savepoint_count;
    int64_t undo_seq;
    bool has_schema_notes;
    EndAction *ends;
    size_t end_count;
    LogWriter *log;
    LogLsn begin_lsn;
    int64_t begin_us;
    int32_t log_database_id;

    bool is_writing;
    int32_t alone_in; /* object id of the table that the autocommitted statement has locked (X) as a whole */
    TxnMode mode;
    LogMark statement_log;
    struct {
        LockResource resource;
        LockMode mode;
        LockDuration duration;
    } wanted;
    struct TouchedTable { /* by the TXN_DIRECT or TXN_LOCAL statement */
        TableState *state;
        int64_t rows;
    } * touched;
    size_t touched_count;
};

/* txn.c */
void txn_note_logging(Txn *t, const Table *table); /* before the first log record: the transaction's begin */
void txn_count_rows(Txn *t, TableState *state, int64_t change);

/* overlay.c */
Overlay *overlay_find(const Txn *t, int32_t object_id); /* with rows or without; NULL: none */
bool overlay_make(Txn *t, const Table *table, SqlError *e);
/* While a savepoint stands, before the statement's own SQLite savepoint: that one's rollback would take the
 * table. */
bool overlay_make_undo(Txn *t, const Table *table, SqlError *e);
void overlay_mark_used(Txn *t, Overlay *o);
/* Remember the row's state for savepoints, before it is changed. */
bool overlay_remember(Txn *t, Overlay *o, int64_t rowid, SqlError *e);
/* Within the SQLite transaction of COMMIT: to the base, and out of the write sets. */
bool overlay_apply_all(Txn *t, uint64_t commit, SqlError *e);
void overlay_forget_all(Txn *t); /* after it */
void overlay_clear_all(Txn *t);  /* ROLLBACK; not under the writer mutex */
bool overlay_rollback_to(Txn *t, int64_t undo_seq, SqlError *e);
void overlay_free_all(Txn *t);

#endif
