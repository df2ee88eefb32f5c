/*
 * Everything rests on one rule: a table's changes are read from one capture instance at a time, the newest
 * that holds all of the table's changes after the place that they are read from (its start_lsn is at most the
 * next LSN). An instance made later starts to be that one when the stream gets to just before its start:
 * windows are cut there, so a window never has two instances of a table. If no instance holds all, changes
 * are gone: that is the gap.
 *
 * The capture job sets an instance's start_lsn when it gets there, and MAX(start_lsn) of lsn_time_mapping
 * only with a captured transaction: the larger of both is how far it has been (the horizon). A database that
 * is idle after the instances were made needn't be waited for.
 *
 * Copying. The first copy comes before any change is read: rows may be newer than the position, but never
 * older, so the changes from there on, upserted and deleted by key, lead to the source's state. The same
 * holds for a copy beside the stream (new columns, whose values no change row has; a table added later): a
 * chunk is read between two windows and enters the stream where it stands, which is at most the captured max
 * LSN before the read. Rows without a key can't be upserted: they are read as of exactly one LSN, and changes
 * up to it are never read (the floor).
 *
 * A table that has no capture instance at all any more was dropped, or is no longer captured. Two readings in
 * a row have to say so; then it is forgotten at the place where the stream stands. What it had changed since
 * is lost with its change table, so if it comes back it is a new one, copied from empty.
 *
 * A copy that a signal asks for is one beside the stream, told apart only in that it may be paused and
 * stopped. A blocking one keeps windows from being given out until it is done: its rows then may be newer
 * than the position for longer, as those of the first copy are.
 *
 * A table is copied anew beside the stream, too: emptied, then as if it had appeared just now. So a gap can
 * be closed by copying the one table that has it (copies_gone), whatever the place of the stream: of its
 * changes only those count that its change table still has, and its rows are newer than what is gone.
 *
 * Several lanes may stand at different positions: the stream starts at the lowest, and up to the highest it
 * only repeats what was read before. Nothing new enters there, as the lanes ahead would skip it. But a table
 * whose changes can't be repeated, as they are gone, is marked before the position passes them.
 *
 * Two things would lose changes in silence, and are refused. A table that is stored but isn't read now: the
 * position moves on without it. A source that was restored: it makes other commits at LSNs that the stream
 * has behind it. What tells is that it has never been at the position. A position may lie above the captured
 * max (just before an instance's start), whosever instance that was: so all of them count. If just that one
 * was dropped before the capture job's next entry, the refusal is one too many, which is the safe side.
 *
 * From when on does the target show states that the source had? Chunks may show commits that the capture job
 * hasn't reached, so the captured max LSN after the last chunk is too early. A commit that a read has seen
 * was made before the read's end, by the source's clock: the first window that ends at a later commit time is
 * behind all of them.
 */
#include "pipeline/plan.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

/* Commit times are stored with 1/300 s; and a commit's time is taken a moment before it can be seen. */
enum { CLOCK_MARGIN_US = 20 * 1000, GONE_READINGS = 2 };

/* What a signal wants of a table's ad-hoc copy. */
typedef enum Wish { WISH_NONE, WISH_COPY, WISH_STOP, WISH_PAUSE } Wish;

typedef struct PlanTable {
    char *schema, *table; /* owned */
    bool is_keyless, may_vanish, is_uncopied;
    /* As the target will have it once it has taken what is in the stream. */
    bool is_known;  /* has been announced: by this plan or before */
    bool has_entry; /* there is one of it, though it may be to be announced again: the stream never started */
    bool is_stored; /* … before: the target has it for certain */
    bool is_done, is_streaming;
    bool is_reading; /* a chunk is given out */
    bool wants_anew; /* is to be announced again, and copied from empty */
    bool has_gap;    /* … since changes of it are gone */
    uint32_t chunks;
    uint64_t fingerprint;
    int32_t instance;
    Position floor;
    bool is_whole;    /* was copied in full, not only on demand */
    BatchAsked asked; /* the copy that isn't done is a signal's */
    bool is_paused;
    char *filter; /* owned; of that copy; NULL = all rows */
    Wish wish;    /* not announced yet */
    bool wish_blocks, wish_pauses;
    char *wish_filter; /* owned */
    /* As the last reading has it. */
    bool has_instance, has_unset; /* any; one that the capture job hasn't reached */
    uint32_t gone;                /* readings in a row without any */
    Lsn oldest;                   /* smallest start_lsn that is set; zero = none is */
    PlanInstance current;         /* object_id 0 = none holds all changes that are needed */
    Lsn next_start;               /* of the instance that comes after; zero = none yet */
} PlanTable;

struct Plan {
    PlanMode mode;
    PlanTable *tables;
    size_t count;
    bool copies_gone; /* a gap is no error */
    bool was_started; /* the stream has a position */
    Position position;
    Position
        ahead; /* lanes of the target stand at different positions, the foremost here; {0} = they don't */
    Position consistent;
    bool is_in_topic; /* what is stored */
    char *left_out;   /* owned: what finds a stored table which isn't among these: an SQL condition, or a part
                       * of its key in the topic; NULL = none */
    bool has_copied_us;
    int64_t copied_us;          /* when the last read of a chunk had ended */
    size_t last_chunk;          /* table of the chunk given out last: the next comes from another */
    bool has_reading, is_fresh; /* is_fresh: no window has come from it yet */
    Lsn horizon;                /* the capture job has been through the log up to here */
    Lsn been_at;                /* the same by all that the source shows, other tables' instances too */
    bool needs_reading;         /* before anything else */
    PlanReading reading;        /* without its instances */
    bool in_window, had_chunk;  /* had_chunk: since the last window */
    PlanAction window;
};

static bool copies(const Plan *p) {
    return p->mode == PLAN_INITIAL || p->mode == PLAN_INITIAL_ONLY;
}
static bool streams(const Plan *p) {
    return p->mode == PLAN_INITIAL || p->mode == PLAN_NO_DATA;
}
static bool is_catching_up(const Plan *p) {
    return position_cmp(&p->position, &p->ahead) < 0;
}
static bool has_current(const PlanTable *t) {
    return t->current.object_id != 0;
}
/* Without a key its changes count from its rows on. */
static bool waits_for_rows(const PlanTable *t) {
    return t->is_keyless && !t->is_done;
}
/* Whether the target rests on the table's changes from some place on. */
static bool needs_changes(const Plan *p, const PlanTable *t) {
    return p->was_started && streams(p) && t->is_known && !t->wants_anew && !waits_for_rows(t);
}
static bool is_copied_first(const PlanTable *t) {
    return t->is_known && !t->is_done && !t->is_streaming;
}
/* Nothing is known of it, and there is nothing to learn. */
static bool is_absent(const PlanTable *t) {
    return t->may_vanish && !t->is_known && !t->has_instance;
}
/* The source has it no more, as far as a reading can tell. */
static bool may_be_gone(const Plan *p, const PlanTable *t) {
    return p->was_started && t->may_vanish && (t->is_known || t->has_entry) && !t->has_instance;
}

static void take_stored(PlanTable *t, const StoredTable *stored) {
    t->is_known = t->is_stored = true;
    t->is_done = stored->is_done;
    t->is_streaming = stored->is_streaming;
    t->chunks = stored->chunks_done;
    t->fingerprint = stored->fingerprint;
    t->instance = stored->instance;
    t->floor = stored->floor;
    t->is_whole = stored->is_whole;
    t->asked = stored->asked;
    t->is_paused = stored->is_paused;
    t->filter = stored->filter ? x_strdup(stored->filter) : NULL;
}

/* As SQL's text (quote ' escaped by '), or as JSON's (quote " escaped by \). */
static void put_quoted(Buf *out, Str s, char quote, char escape) {
    buf_u8(out, (uint8_t)quote);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == quote || s.p[i] == escape) buf_u8(out, (uint8_t)escape);
        buf_u8(out, (uint8_t)s.p[i]);
    }
    buf_u8(out, (uint8_t)quote);
}

static bool is_among(const PlanTableSpec *tables, size_t count, const StoredTable *stored) {
    for (size_t i = 0; i < count; i++)
        if (str_eq_c(tables[i].schema, stored->schema) && str_eq_c(tables[i].table, stored->table))
            return true;
    return false;
}

static char *find_left_out(const PlanTableSpec *tables, size_t count, const StoredState *stored) {
    for (size_t i = 0; i < stored->table_count; i++) {
        const StoredTable *t = &stored->tables[i];
        if (is_among(tables, count, t)) continue;
        CLEANUP(buf_done) Buf text = {0};
        const char quote = stored->is_in_topic ? '"' : '\'', escape = stored->is_in_topic ? '\\' : '\'';
        buf_cstr(&text, stored->is_in_topic ? "\"schema\":" : "source_schema = ");
        put_quoted(&text, str_from(t->schema), quote, escape);
        buf_cstr(&text, stored->is_in_topic ? ",\"table\":" : " AND source_table = ");
        put_quoted(&text, str_from(t->table), quote, escape);
        return str_dup(buf_view(&text));
    }
    return NULL;
}

void plan_add_table(Plan *p, const PlanTableSpec *spec) {
    assert(!p->in_window);
    p->tables = x_reallocarray(p->tables, p->count + 1, sizeof *p->tables);
    p->tables[p->count++] = (PlanTable){.schema = str_dup(spec->schema),
                                        .table = str_dup(spec->table),
                                        .is_keyless = spec->is_keyless,
                                        .may_vanish = spec->may_vanish,
                                        .is_uncopied = spec->is_uncopied};
}

Plan *plan_new(PlanMode mode, const PlanTableSpec *tables, size_t count, const StoredState *stored) {
    Plan *p = x_calloc(1, sizeof *p);
    p->mode = mode;
    p->was_started = stored->has_position;
    p->position = stored->position;
    p->consistent = stored->consistent;
    /* Where nothing is streamed the position stays, and with it all that a table left out needs. */
    if (streams(p)) p->ahead = stored->ahead;
    if (streams(p)) p->left_out = find_left_out(tables, count, stored);
    p->is_in_topic = stored->is_in_topic;
    for (size_t i = 0; i < count; i++) {
        plan_add_table(p, &tables[i]);
        const StoredTable *entry = stored_state_table(stored, tables[i].schema, tables[i].table);
        p->tables[i].has_entry = entry != NULL;
        if (p->was_started && entry) take_stored(&p->tables[i], entry);
    }
    return p;
}

void plan_set_copies_gone(Plan *p) {
    p->copies_gone = true;
}

void plan_copy_anew(Plan *p, size_t table) {
    assert(!p->in_window && table < p->count);
    if (!p->tables[table].is_known || p->tables[table].is_uncopied) return;
    p->tables[table].wants_anew = true;
    p->needs_reading = true; /* other instances will do */
}

Plan *plan_free(Plan *p) {
    if (!p) return NULL;
    for (size_t i = 0; i < p->count; i++) {
        free(p->tables[i].schema);
        free(p->tables[i].table);
        free(p->tables[i].filter);
        free(p->tables[i].wish_filter);
    }
    free(p->tables);
    free(p->left_out);
    free(p);
    return NULL;
}

Position plan_position(const Plan *p) {
    return p->position;
}

/* ---- readings: which instance holds what is needed ---- */

static const Position *later_of(const Position *a, const Position *b) {
    return position_cmp(a, b) < 0 ? b : a;
}

/* From where the table's changes are needed. */
static const Position *needed_from(const Plan *p, const PlanTable *t) {
    return later_of(&p->position, &t->floor);
}

/* Whether an instance that begins at start holds every change after `from`, the end of a commit. */
static bool holds_all_after(const Lsn *start, const Position *from) {
    Lsn before = lsn_prev(start);
    return !lsn_is_zero(start) && lsn_cmp(&before, &from->commit_lsn) <= 0;
}

/* A table not yet copied needs an instance that has begun: its rows will hold all that was before. So too one
 * without a key: nothing is read of its changes up to its rows' LSN. */
static bool is_usable(const Plan *p, const PlanTable *t, const Lsn *start) {
    if (!needs_changes(p, t)) return !lsn_is_zero(start); /* the horizon is at it, or beyond */
    return holds_all_after(start, needed_from(p, t));
}

static void see_instance(Plan *p, const PlanInstance *instance) {
    assert(instance->table < p->count && instance->object_id != 0);
    PlanTable *t = &p->tables[instance->table];
    const Lsn *start = &instance->start_lsn;
    t->has_instance = true;
    t->gone = 0;
    if (!t->is_known) t->is_keyless = instance->is_keyless;
    if (lsn_is_zero(start)) {
        t->has_unset = true;
        return;
    }
    Lsn before = lsn_prev(start);
    if (lsn_cmp(&before, &p->horizon) > 0) p->horizon = before;
    if (lsn_is_zero(&t->oldest) || lsn_cmp(start, &t->oldest) < 0) t->oldest = *start;
    if (is_usable(p, t, start)) {
        t->current = *instance; /* the last one wins: it is the newest */
        t->next_start = (Lsn){0};
    } else if (has_current(t) && lsn_is_zero(&t->next_start)) {
        t->next_start = *start;
    }
}

void plan_reading(Plan *p, const PlanReading *reading) {
    assert(!p->in_window);
    p->reading = *reading;
    p->reading.instances = NULL;
    p->has_reading = p->is_fresh = true;
    p->needs_reading = false;
    p->horizon = reading->max_lsn;
    for (size_t i = 0; i < p->count; i++) {
        PlanTable *t = &p->tables[i];
        t->has_instance = t->has_unset = false;
        t->gone++;
        t->oldest = t->next_start = (Lsn){0};
        t->current = (PlanInstance){0};
    }
    for (size_t i = 0; i < reading->instance_count; i++) see_instance(p, &reading->instances[i]);
    Lsn before = lsn_prev(&reading->begun_lsn);
    p->been_at = lsn_cmp(&before, &p->horizon) > 0 ? before : p->horizon;
    if (!p->has_copied_us) {
        p->copied_us = reading->now_us;
        p->has_copied_us = true;
    }
}

/* ---- gaps ---- */

/* A table whose announcement may be lost yet: what is stored tells whether it needs them. */
static bool gap(const Plan *p, const PlanTable *t, const Position *needed, const Lsn *left, Err *e) {
    char from[LSN_TEXT_SIZE], start[LSN_TEXT_SIZE];
    if (p->copies_gone && !t->is_uncopied)
        return err_set(e, ERR_RANGE, true,
                       "table %s.%s: the changes after LSN %s are gone: it is to be copied anew", t->schema,
                       t->table, lsn_format(&needed->commit_lsn, from));
    return err_set(
        e, ERR_RANGE, !t->is_stored,
        "table %s.%s: the changes after LSN %s are needed, but %s%s: the cleanup job or a dropped "
        "capture instance has taken them. Start with snapshot.mode=when_needed, which copies the table "
        "anew, and keep changes for longer than the longest stop (sys.sp_cdc_change_job "
        "@job_type = N'cleanup', @retention = minutes)",
        t->schema, t->table, lsn_format(&needed->commit_lsn, from),
        lsn_is_zero(left) ? "it has no change table" : "its change table begins at ",
        lsn_is_zero(left) ? "" : lsn_format(left, start));
}

/* The names come last and once: with any of 128 characters the message still is whole. */
static bool check_left_out(const Plan *p, Err *e) {
    if (p->left_out && p->is_in_topic)
        return err_set(e, ERR_INVALID, false,
                       "a table of this connector isn't read now: put it back (table.include.list, capture "
                       "instance), or forget it: write null into the topic of offsets under the table's key, "
                       "[\"…\",{\"millrace\":\"table\",…,%s}]",
                       p->left_out);
    return !p->left_out ||
           err_set(e, ERR_INVALID, false,
                   "a table of this pipeline isn't read now: put it back (table.include.list, capture "
                   "instance), or forget it, with a TRUNCATE before it comes again: DELETE FROM "
                   "millrace.table_state WHERE pipeline = '…' AND %s",
                   p->left_out);
}

static bool check_source_has_been_here(const Plan *p, Err *e) {
    char position[LSN_TEXT_SIZE], been_at[LSN_TEXT_SIZE];
    const Position *at = later_of(&p->position, &p->ahead);
    if (!p->was_started || lsn_cmp(&at->commit_lsn, &p->been_at) <= 0) return true;
    return err_set(
        e, ERR_RANGE, p->reading.is_secondary,
        "the source has gone back: the target stands at LSN %s, but SQL Server has captured changes "
        "up to %s only: the database was restored to an earlier point, failed over to an older "
        "copy, or its change data capture was enabled anew. What the target has of the lost time "
        "can't be told: copy the tables again into an empty target under a new pipeline name",
        lsn_format(&at->commit_lsn, position), lsn_format(&p->been_at, been_at));
}

static bool no_instance(const PlanTable *t, Err *e) {
    return err_set(
        e, ERR_INVALID, false,
        "table %s.%s has no capture instance: make one with sys.sp_cdc_enable_table, or leave the table out "
        "of table.include.list",
        t->schema, t->table);
}

/* A table whose instance was dropped may go on with one that the capture job hasn't reached yet, or not: that
 * is known when it has. */
static bool waits_for_capture(const Plan *p, const PlanTable *t) {
    return (needs_changes(p, t) || t->wants_anew) && !has_current(t) && t->has_unset;
}

static bool check_tables(Plan *p, bool *ret_waits, Err *e) {
    bool waits = false;
    for (size_t i = 0; i < p->count; i++) {
        PlanTable *t = &p->tables[i];
        bool is_needed = needs_changes(p, t);
        if (may_be_gone(p, t)) {
            if (t->gone < GONE_READINGS) waits = true;
            continue;
        }
        if (is_absent(t)) continue;
        if (!t->has_instance && !is_needed) return no_instance(t, e);
        if (waits_for_capture(p, t)) waits = true;
        else if (is_needed && !has_current(t) && p->copies_gone && !t->is_uncopied)
            t->has_gap = true, plan_copy_anew(p, i);
        else if (is_needed && !has_current(t)) return gap(p, t, needed_from(p, t), &t->oldest, e);
    }
    *ret_waits = waits;
    return true;
}

bool plan_check_page(const Plan *p, size_t table, const Position *page_from, const Lsn *start_lsn, Err *e) {
    assert(table < p->count);
    const PlanTable *t = &p->tables[table];
    if (lsn_is_zero(start_lsn))
        return err_set(e, ERR_RANGE, true, "table %s.%s: its capture instance was dropped while it was read",
                       t->schema, t->table);
    bool is_whole = position_is_end(page_from) ? holds_all_after(start_lsn, page_from)
                                               : lsn_cmp(start_lsn, &page_from->commit_lsn) <= 0;
    return is_whole || gap(p, t, page_from, start_lsn, e);
}

/* ---- what signals ask for ---- */

static void drop_wish(PlanTable *t) {
    t->wish = WISH_NONE;
    t->wish_blocks = t->wish_pauses = false;
    free(t->wish_filter);
    t->wish_filter = NULL;
}

static void end_asked(PlanTable *t) {
    t->asked = BATCH_NOT_ASKED;
    t->is_paused = false;
    free(t->filter);
    t->filter = NULL;
}

size_t plan_table_count(const Plan *p) {
    return p->count;
}

void plan_table_name(const Plan *p, size_t table, Str *ret_schema, Str *ret_table) {
    assert(table < p->count);
    *ret_schema = str_from(p->tables[table].schema);
    *ret_table = str_from(p->tables[table].table);
}

static PlanVerdict may_ask(const Plan *p, const PlanTable *t) {
    if (!streams(p) || !p->was_started) return PLAN_NO_STREAM;
    if (!t->has_instance) return PLAN_NO_TABLE;
    if (t->is_keyless) return PLAN_NO_KEY;
    bool is_copied_anyway = !t->is_known || t->wants_anew || (!t->is_done && t->asked == BATCH_NOT_ASKED);
    return is_copied_anyway ? PLAN_COPIES_ANYWAY : PLAN_ACCEPTED;
}

/* Both filters' rows; NULL when one of them wants all. */
static char *either_filter(const char *a, Str b) {
    if (!a || !b.n) return NULL;
    if (str_eq_c(b, a)) return x_strdup(a);
    CLEANUP(buf_done) Buf text = {0};
    /* a line comment at the end of one must not take the other along */
    buf_printf(&text, "(%s\n) OR (" STR_FMT "\n)", a, STR_ARG(b));
    return str_dup(buf_view(&text));
}

PlanVerdict plan_copy_again(Plan *p, size_t table, bool is_blocking, Str filter) {
    assert(table < p->count && !p->in_window);
    PlanTable *t = &p->tables[table];
    PlanVerdict verdict = may_ask(p, t);
    if (verdict != PLAN_ACCEPTED) return verdict;
    bool was_wished = t->wish == WISH_COPY, goes_on = t->asked != BATCH_NOT_ASKED && t->wish != WISH_STOP;
    const char *other = was_wished ? t->wish_filter : t->filter;
    char *merged = was_wished || goes_on ? either_filter(other, filter) : filter.n ? str_dup(filter) : NULL;
    bool blocks =
        is_blocking || (was_wished && t->wish_blocks) || (goes_on && t->asked == BATCH_ASKED_BLOCKING);
    drop_wish(t);
    t->wish = WISH_COPY;
    t->wish_blocks = blocks;
    t->wish_filter = merged;
    return PLAN_ACCEPTED;
}

PlanVerdict plan_stop_copy(Plan *p, size_t table) {
    assert(table < p->count && !p->in_window);
    PlanTable *t = &p->tables[table];
    bool is_asked = t->asked != BATCH_NOT_ASKED;
    if (!is_asked && t->wish != WISH_COPY) return PLAN_NOT_ASKED;
    drop_wish(t);
    if (is_asked) t->wish = WISH_STOP;
    return PLAN_ACCEPTED;
}

PlanVerdict plan_pause_copy(Plan *p, size_t table, bool is_paused) {
    assert(table < p->count && !p->in_window);
    PlanTable *t = &p->tables[table];
    bool is_wished = t->wish == WISH_COPY,
         blocks = is_wished ? t->wish_blocks : t->asked == BATCH_ASKED_BLOCKING;
    if ((!is_wished && t->asked == BATCH_NOT_ASKED) || t->wish == WISH_STOP || blocks) return PLAN_NOT_ASKED;
    if (!is_wished) t->wish = WISH_PAUSE;
    t->wish_pauses = is_paused;
    return PLAN_ACCEPTED;
}

bool plan_has_wishes(const Plan *p) {
    for (size_t i = 0; i < p->count; i++)
        if (p->tables[i].wish != WISH_NONE) return true;
    return false;
}

/* ---- what is to be forgotten ---- */

static bool next_forget(const Plan *p, PlanAction *ret) {
    for (size_t i = 0; i < p->count; i++) {
        if (!may_be_gone(p, &p->tables[i])) continue;
        *ret = (PlanAction){.kind = PLAN_FORGET, .table = i};
        ret->table_info = (BatchTable){.copy = BATCH_COPY_GONE};
        return true;
    }
    return false;
}

void plan_forgotten(Plan *p, size_t table) {
    PlanTable *t = &p->tables[table];
    assert(may_be_gone(p, t) && !t->is_reading);
    t->is_known = t->has_entry = t->is_stored = t->is_done = t->is_streaming = false;
    t->is_whole = t->wants_anew = t->has_gap = false;
    drop_wish(t);
    end_asked(t);
    t->chunks = 0;
    t->floor = (Position){0};
}

/* ---- what is to be announced ---- */

static bool is_copying_first(const Plan *p) {
    for (size_t i = 0; i < p->count; i++)
        if (is_copied_first(&p->tables[i])) return true;
    return false;
}

static BatchCopy copy_of_new(const Plan *p, const PlanTable *t) {
    if (!copies(p) || t->is_uncopied) return BATCH_COPY_NONE;
    bool is_beside = p->was_started && streams(p) && !is_copying_first(p);
    return is_beside ? BATCH_COPY_BESIDE : BATCH_COPY_FIRST;
}

/* A newer instance may have columns whose values the changes read so far don't have, and no later change has
 * to. */
static BatchCopy copy_of_changed(const PlanTable *t, bool *ret_loses) {
    /* 0: it was another program's copy (a takeover), which has whatever columns it had */
    bool is_incomplete = t->instance != 0 && t->current.object_id != t->instance && t->current.adds_columns;
    bool was_copied = t->chunks > 0 || t->is_done || t->asked != BATCH_NOT_ASKED;
    *ret_loses = is_incomplete && t->is_keyless && was_copied;
    return is_incomplete && was_copied && !t->is_keyless ? BATCH_COPY_BESIDE : BATCH_COPY_KEEP;
}

/* What its changes need not cover: all that was before its first instance. */
static Position floor_of_new(const Plan *p, const PlanTable *t) {
    Lsn before = lsn_prev(&t->current.start_lsn);
    Position floor = position_end_of(&before);
    return p->was_started && position_cmp(&floor, &p->position) > 0 ? floor : (Position){0};
}

/* Its columns are others than the target knows of. */
static bool has_new_schema(const Plan *p, const PlanTable *t) {
    if (t->is_known && t->fingerprint == t->current.fingerprint) return false;
    return !t->is_known || !t->is_done || streams(p); /* else no more comes of it */
}
static bool must_announce(const Plan *p, const PlanTable *t) {
    return t->wants_anew || has_new_schema(p, t);
}

static void announce_wish(const PlanTable *t, BatchTable *info) {
    info->copy = t->wish == WISH_COPY   ? BATCH_COPY_BESIDE
                 : t->wish == WISH_STOP ? BATCH_COPY_STOP
                                        : BATCH_COPY_KEEP;
    info->is_paused = t->wish_pauses;
    if (t->wish != WISH_COPY) return;
    info->asked = t->wish_blocks ? BATCH_ASKED_BLOCKING : BATCH_ASKED;
    if (t->wish_filter) info->filter = str_from(t->wish_filter);
}

static bool next_announce(const Plan *p, PlanAction *ret) {
    for (size_t i = 0; i < p->count; i++) {
        const PlanTable *t = &p->tables[i];
        bool must = has_current(t) && must_announce(p, t);
        if (is_catching_up(p) && !t->wants_anew) continue;
        if (!has_current(t) || (!must && t->wish == WISH_NONE)) continue;
        *ret = (PlanAction){.kind = PLAN_ANNOUNCE, .table = i, .instance = t->current.object_id};
        BatchTable *info = &ret->table_info;
        info->instance = t->current.object_id;
        info->is_new = !t->is_known;
        info->empties = t->wants_anew;
        info->floor = t->is_known && !t->wants_anew ? t->floor : floor_of_new(p, t);
        if (!must) announce_wish(t, info);
        else if (t->wants_anew) info->copy = is_copied_first(t) ? BATCH_COPY_FIRST : BATCH_COPY_BESIDE;
        else info->copy = t->is_known ? copy_of_changed(t, &ret->loses_values) : copy_of_new(p, t);
        if (must && info->copy == BATCH_COPY_KEEP) info->is_paused = t->is_paused;
        ret->is_gap = t->has_gap;
        return true;
    }
    return false;
}

/* What the announcement makes of the table's copy. */
static void take_copy(PlanTable *t, const BatchTable *info) {
    if (info->copy == BATCH_COPY_KEEP) return;
    end_asked(t);
    if (info->copy == BATCH_COPY_STOP) {
        t->is_done = true;
        return;
    }
    t->chunks = 0;
    t->is_done = info->copy == BATCH_COPY_NONE;
    t->is_streaming = info->copy == BATCH_COPY_BESIDE;
    t->asked = info->asked;
    t->is_paused = info->is_paused;
    if (info->asked == BATCH_NOT_ASKED) t->is_whole = false;
    if (info->filter.n) t->filter = str_dup(info->filter);
}

void plan_announced(Plan *p, size_t table) {
    PlanAction a;
    bool is_due = next_announce(p, &a);
    assert(is_due && a.table == table);
    (void)is_due;
    PlanTable *t = &p->tables[table];
    bool must = must_announce(p, t);
    t->is_known = true;
    t->fingerprint = t->current.fingerprint;
    t->instance = t->current.object_id;
    t->floor = a.table_info.floor;
    t->wants_anew = t->has_gap = false;
    t->is_paused = a.table_info.is_paused;
    take_copy(t, &a.table_info);
    /* a copy that has to be brings all that a signal could wish for */
    bool is_copied_anyway = a.table_info.copy != BATCH_COPY_KEEP && a.table_info.asked == BATCH_NOT_ASKED;
    if (!must || is_copied_anyway) drop_wish(t);
    if (a.table_info.copy != BATCH_COPY_BESIDE) return;
    if (t->is_streaming) p->consistent = (Position){0};
}

/* ---- chunks ---- */

static bool is_reading_any(const Plan *p) {
    for (size_t i = 0; i < p->count; i++)
        if (p->tables[i].is_reading) return true;
    return false;
}

static PlanAction give_chunk(Plan *p, size_t table) {
    PlanTable *t = &p->tables[table];
    t->is_reading = true;
    p->last_chunk = table;
    PlanAction a = {
        .kind = PLAN_CHUNK, .table = table, .instance = t->current.object_id, .filter = t->filter};
    a.chunk = (BatchChunk){.number = t->chunks,
                           .is_plain = !t->is_streaming || t->is_keyless,
                           .is_exact = t->is_keyless,
                           .watermark = position_end_of(&p->horizon)};
    return a;
}

/* Of the first copy: several tables at once. */
static PlanAction next_first_chunk(Plan *p) {
    for (size_t n = 1; n <= p->count; n++) {
        size_t i = (p->last_chunk + n) % p->count;
        const PlanTable *t = &p->tables[i];
        if (is_copied_first(t) && has_current(t) && !t->is_reading) return give_chunk(p, i);
    }
    return (PlanAction){.kind = is_reading_any(p) ? PLAN_BUSY : PLAN_READ};
}

/* Beside the stream: a table without a key before any window, since its changes count from its rows on. */
static bool next_chunk_beside(Plan *p, bool is_keyless, PlanAction *ret) {
    for (size_t n = 1; n <= p->count; n++) {
        size_t i = (p->last_chunk + n) % p->count;
        const PlanTable *t = &p->tables[i];
        if (!t->is_known || t->is_done || t->is_keyless != is_keyless || !has_current(t)) continue;
        if (t->is_paused) continue;
        *ret = give_chunk(p, i);
        return true;
    }
    return false;
}

static bool is_blocking(const PlanTable *t) {
    return t->is_known && !t->is_done && t->asked == BATCH_ASKED_BLOCKING;
}

/* A blocking copy: several chunks at once, as at first, and no window. False: there is none. */
static bool next_blocking_chunk(Plan *p, PlanAction *ret) {
    bool is_any = false;
    for (size_t n = 1; n <= p->count; n++) {
        size_t i = (p->last_chunk + n) % p->count;
        const PlanTable *t = &p->tables[i];
        if (!is_blocking(t) || !has_current(t)) continue;
        is_any = true;
        if (t->is_reading) continue;
        *ret = give_chunk(p, i);
        return true;
    }
    if (is_any) *ret = (PlanAction){.kind = PLAN_BUSY};
    return is_any;
}

bool plan_chunk_put(Plan *p, size_t table, bool is_last_chunk, const Position *watermark, int64_t now_us,
                    Err *e) {
    PlanTable *t = &p->tables[table];
    assert(t->is_reading);
    if (t->is_keyless && (!is_last_chunk || position_cmp(watermark, &p->position) < 0))
        return err_set(e, ERR_INTERNAL, false,
                       "table %s.%s: without a key its rows must be one chunk, read as of the stream's "
                       "position or later",
                       t->schema, t->table);
    t->is_reading = false;
    t->chunks++;
    t->is_done = is_last_chunk;
    if (is_last_chunk) {
        t->is_whole = t->is_whole || t->asked == BATCH_NOT_ASKED;
        end_asked(t);
    }
    if (t->is_keyless) t->floor = *watermark;
    if (now_us > p->copied_us) p->copied_us = now_us;
    p->had_chunk = true;
    p->is_fresh = false; /* it may have taken long: see first what became of the instances */
    return true;
}

void plan_chunk_dropped(Plan *p, size_t table) {
    assert(p->tables[table].is_reading);
    p->tables[table].is_reading = false;
    p->needs_reading = true;
}

/* ---- windows ---- */

/* Where the window ends: the reading's end, or just before an instance that takes over, or where all lanes
 * stand together. */
static Lsn window_end(const Plan *p) {
    Lsn to = p->reading.to_lsn;
    if (is_catching_up(p) && lsn_cmp(&p->ahead.commit_lsn, &to) < 0) to = p->ahead.commit_lsn;
    for (size_t i = 0; i < p->count; i++) {
        const PlanTable *t = &p->tables[i];
        if (!t->is_known || lsn_is_zero(&t->next_start)) continue;
        Lsn before = lsn_prev(&t->next_start);
        if (lsn_cmp(&before, &to) < 0) to = before;
    }
    return to;
}

/* Not while lanes catch up: those that are ahead skip the batch, and its mark with it. */
static bool becomes_consistent(const Plan *p, const Position *to, int64_t to_us) {
    if (!position_is_zero(&p->consistent) || !copies(p) || is_catching_up(p)) return false;
    for (size_t i = 0; i < p->count; i++) {
        const PlanTable *t = &p->tables[i];
        if (is_absent(t)) continue;
        if (!t->is_done || !t->is_whole || position_cmp(to, &t->floor) < 0) return false;
    }
    return to_us != 0 && to_us > p->copied_us + CLOCK_MARGIN_US;
}

static bool next_window(Plan *p, PlanAction *ret) {
    if (!p->is_fresh) return false;
    p->is_fresh = p->had_chunk = false;
    Lsn end = window_end(p);
    Position to = position_end_of(&end);
    if (position_cmp(&to, &p->position) <= 0) return false;
    bool is_cut = lsn_cmp(&end, &p->reading.to_lsn) != 0;
    PlanAction a = {.kind = PLAN_WINDOW, .from = p->position, .to = to};
    a.to_us = is_cut ? 0 : p->reading.to_us;
    a.is_consistent = becomes_consistent(p, &to, a.to_us);
    p->window = *ret = a;
    p->in_window = true;
    return true;
}

void plan_window_put(Plan *p) {
    assert(p->in_window);
    p->in_window = false;
    p->position = p->window.to;
    if (p->window.is_consistent) p->consistent = p->window.to;
}

bool plan_range(const Plan *p, size_t table, int32_t *ret_instance, Position *ret_from) {
    assert(p->in_window && table < p->count);
    const PlanTable *t = &p->tables[table];
    const Position *from = later_of(&p->window.from, &t->floor);
    if (!t->is_known || t->wants_anew || !has_current(t)) return false; /* a window that catches up goes on */
    if (waits_for_rows(t) || position_cmp(from, &p->window.to) >= 0) return false;
    *ret_instance = t->current.object_id;
    *ret_from = *from;
    return true;
}

/* ---- the order of all that ---- */

static PlanAction take_reading(const Plan *p) {
    bool has_more =
        p->has_reading && lsn_cmp(&p->position.commit_lsn, &p->reading.max_lsn) < 0 && p->was_started;
    return (PlanAction){.kind = PLAN_READ, .is_urgent = !p->has_reading || has_more || p->had_chunk};
}

static bool all_have_begun(const Plan *p) {
    for (size_t i = 0; i < p->count; i++)
        if (!has_current(&p->tables[i]) && !is_absent(&p->tables[i])) return false;
    return !lsn_is_zero(&p->horizon);
}

/* Nothing is stored: all tables, then the position that is behind every instance's start. */
static PlanAction next_before_start(Plan *p) {
    PlanAction a;
    if (!all_have_begun(p)) return (PlanAction){.kind = PLAN_READ};
    if (next_announce(p, &a)) return a;
    return (PlanAction){.kind = PLAN_START, .to = position_end_of(&p->horizon)};
}

void plan_started(Plan *p) {
    assert(!p->was_started);
    p->was_started = true;
    p->position = position_end_of(&p->horizon);
    p->is_fresh = false;
}

static bool all_are_copied(const Plan *p) {
    for (size_t i = 0; i < p->count; i++) {
        const PlanTable *t = &p->tables[i];
        if (!is_absent(t) && (!t->is_known || !t->is_done)) return false;
    }
    return true;
}

/* snapshot.mode=initial_only: nothing is streamed, so copies that had begun beside the stream go on alone.
 * What is left then waits for its instance to begin. */
static PlanAction next_without_stream(Plan *p) {
    PlanAction a;
    if (is_reading_any(p)) return (PlanAction){.kind = PLAN_BUSY};
    if (next_chunk_beside(p, /* is_keyless= */ true, &a)) return a;
    if (next_chunk_beside(p, /* is_keyless= */ false, &a)) return a;
    return (PlanAction){.kind = all_are_copied(p) ? PLAN_END : PLAN_READ};
}

static PlanAction next_in_stream(Plan *p) {
    PlanAction a;
    if (next_blocking_chunk(p, &a)) return a;
    if (is_reading_any(p)) return (PlanAction){.kind = PLAN_BUSY};
    if (next_chunk_beside(p, /* is_keyless= */ true, &a)) return a;
    if (next_window(p, &a)) return a;
    if (!p->had_chunk && next_chunk_beside(p, /* is_keyless= */ false, &a)) return a;
    return take_reading(p);
}

bool plan_next(Plan *p, PlanAction *ret, Err *e) {
    assert(!p->in_window);
    if (!check_left_out(p, e)) return false;
    *ret = (PlanAction){.kind = PLAN_READ, .is_urgent = true};
    if (!p->has_reading || p->needs_reading) return true;
    bool waits = false;
    if (!check_source_has_been_here(p, e) || !check_tables(p, &waits, e)) return false;
    if (waits) {
        ret->is_urgent = false;
        return true;
    }
    if (p->needs_reading) return true; /* a table that is copied anew may use other instances */
    if (!p->was_started) {
        *ret = next_before_start(p);
        return true;
    }
    PlanAction table;
    if (next_forget(p, &table) || next_announce(p, &table)) {
        *ret = is_reading_any(p) ? (PlanAction){.kind = PLAN_BUSY} : table;
    } else if (is_catching_up(p)) {
        if (!next_window(p, ret)) *ret = take_reading(p);
    } else if (is_copying_first(p)) {
        *ret = next_first_chunk(p);
    } else if (!streams(p)) {
        *ret = next_without_stream(p);
    } else {
        *ret = next_in_stream(p);
    }
    return true;
}
