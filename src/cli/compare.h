/*
 * compare.h - one table of both sides compared, also while changes flow (design: sums, then keys, then
 * waiting). Owner thread only; both sides are read at once, the target by a thread that lives as long as the
 * call.
 *
 * Keys that differ are read again until the stream had the time to bring them: a key is different when its
 * row in the source didn't change since a moment, and the target, which by then has passed all that was
 * committed before that moment (sqlserver/capture_passed.h), shows another. A row that the source changes all
 * the time counts as equal when the target shows one of the states just seen there.
 *
 * Texts that the sink changes since PostgreSQL can't hold them (postgres/unstorable.h) are compared as
 * changed.
 */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/rowsum.h"
#include "postgres/scan_pg.h"
#include "sqlserver/scan.h"

typedef struct Compare {
    Scan *source; /* borrowed, as all here */
    ScanPg *target;
    int64_t settle_ms; /* longer than the capture job takes to see a commit: waited where it can't be seen */
    int64_t wait_ms;   /* and no longer than this in all */
    /* Whether the target has all up to that LSN; NULL: the position that it stores of the pipeline tells. */
    bool (*has_passed)(void *arg, const Lsn *lsn, bool *ret, Err *e);
    void *passed_arg;
    /* May be NULL. Any thread, one at a time. */
    void (*progress)(void *arg, const char *table, RowsumSide side, int64_t rows);
    void *arg;
} Compare;

typedef struct CompareKey {
    RowsumKind kind;
    char *text;      /* owned: "id=17" */
    bool is_settled; /* false: still changing when the wait was over */
} CompareKey;

typedef struct CompareResult {
    int64_t rows[2];  /* by RowsumSide, at the first look */
    CompareKey *keys; /* owned; none = equal */
    size_t key_count;
    bool is_cut;    /* there are more than ROWSUM_MAX_KEYS */
    bool is_behind; /* the target's position never passed what is captured: is a run at work? */
} CompareResult;

void compare_result_done(CompareResult *r);
/* Compare source table number `table`. Errors: those of scan.h and scan_pg.h. */
MUST_CHECK bool compare_table(const Compare *c, size_t table, CompareResult *ret, Err *e);

/* For tests: one key's history. Feed what both sides show now; true = equal now or tracking. */
enum { COMPARE_SEEN = 8 };
typedef struct CompareTrack {
    uint64_t source[COMPARE_SEEN]; /* newest last; 0 = the row isn't there */
    size_t seen;
    uint64_t target;
    int64_t source_ms; /* when the source's side was first seen as it is now */
} CompareTrack;
bool compare_track(CompareTrack *t, uint64_t source, uint64_t target, int64_t now_ms);

#endif
