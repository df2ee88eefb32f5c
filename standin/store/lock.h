/*
 * lock.h - the table of locks: SQL Server's modes on objects and rows, queues, deadlock detection. Any
 * thread.
 *
 * A resource is (object_id, space, key): space 0 is the table itself (key 0), 1 a row by its SQLite rowid,
 * 2 + index_id a unique key by its hash; object_id LOCK_APPLICATION - database_id is that database's
 * application locks, by the hash of their names. A LockOwner is a session; it waits for at most one lock at a
 * time. When a request closes a circle of waiters, the one of them with the lowest priority, then with the
 * least work done, is the victim and gets 1205 at once: the requester itself when nobody is less. Above
 * LOCK_ESCALATION row locks of one owner in one table the owner's lock is raised to the table when no one
 * else is in it, so that memory stays bounded.
 */
#ifndef STANDIN_STORE_LOCK_H
#define STANDIN_STORE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/store/sql_error.h"

typedef struct LockTable LockTable;
typedef struct LockOwner LockOwner;

enum { LOCK_ESCALATION = 5000 };

typedef enum LockMode {
    LOCK_SCH_S, /* the table's definition stays (compile, read without locks) */
    LOCK_IS,
    LOCK_IX,
    LOCK_S,
    LOCK_U,
    LOCK_SIX,
    LOCK_X,
    LOCK_SCH_M, /* changes the definition: excludes everything */
} LockMode;

typedef enum LockSpace {
    LOCK_TABLE_SPACE = 0,
    LOCK_ROW_SPACE = 1,
    LOCK_KEY_SPACE = 2 /* + index_id */
} LockSpace;

typedef struct LockResource {
    int32_t object_id;
    int32_t space;
    int64_t key;
} LockResource;

#define LOCK_APPLICATION (-1)

/* How long a lock is kept. LOCK_FOR_SESSION: until it is given back or the owner goes. */
typedef enum LockDuration { LOCK_FOR_STATEMENT, LOCK_FOR_TRANSACTION, LOCK_FOR_SESSION } LockDuration;

typedef enum LockResult {
    LOCK_GRANTED,
    LOCK_BUSY,     /* would have to wait and timeout was 0 */
    LOCK_TIMEOUT,  /* 1222 */
    LOCK_DEADLOCK, /* 1205 */
    LOCK_CANCELLED,
} LockResult;

LockTable *locktable_new(void);
LockTable *locktable_free(LockTable *t); /* no owner is left; returns NULL */
LockOwner *lockowner_new(LockTable *t, int spid);
LockOwner *lockowner_free(LockOwner *o); /* releases all; returns NULL */

/* Take the lock, waiting up to timeout_ms (0 = not at all, < 0 = for ever). is_cancelled (may be NULL) is
 * asked about twice a second. A row lock needs the table's intent lock taken before by the caller. */
LockResult lock_take(LockOwner *o, LockResource r, LockMode mode, LockDuration duration, int64_t timeout_ms,
                     bool (*is_cancelled)(void *arg), void *arg);
/* DEADLOCK_PRIORITY, -10 to 10; any thread. */
void lockowner_set_priority(LockOwner *o, int priority);
int lockowner_priority(const LockOwner *o);
/* A row was changed under the owner's locks: what a rollback would cost. Owner's thread. */
void lock_note_work(LockOwner *o);
/* Give back one of the times that an application lock was taken. false: it isn't held for so long. */
bool lock_release_one(LockOwner *o, LockResource r, LockDuration duration);
/* Would lock_take of another owner's resource have to wait? */
bool lock_would_wait(LockOwner *o, LockResource r, LockMode mode);
/* May another owner hold changed rows of the table (IX, U, SIX, X)? If not, no row needs a look. */
bool lock_has_writers(LockOwner *o, int32_t object_id);
void lock_release_statement(LockOwner *o);
void lock_release_all(LockOwner *o); /* all but those for the session */
void lock_release_session(LockOwner *o);
/* Locks taken after the mark are released by a rollback to a savepoint. */
uint64_t lock_mark(const LockOwner *o);
void lock_release_after(LockOwner *o, uint64_t mark);
/* The error of a result other than LOCK_GRANTED. */
bool lock_error(const LockOwner *o, LockResult result, SqlError *e);
/* Locks held by all owners: for tests and sys.dm_tran_locks. */
uint64_t locktable_count(const LockTable *t);
typedef struct LockShown {
    int spid;
    LockResource resource;
    LockMode mode; /* asked for, when it waits */
    LockDuration duration;
    bool is_granted;
    bool is_conversion;
    int blocker;        /* of one that waits: a session that it waits for */
    int64_t waiting_us; /* since it began */
} LockShown;
typedef void LockVisit(void *arg, const LockShown *l);
void locktable_visit(LockTable *t, LockVisit *visit, void *arg); /* under the table's mutex: only note it */
const char *lock_mode_name(LockMode mode);                       /* as sys.dm_tran_locks shows it: "IX" */

#endif
