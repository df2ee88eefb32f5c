/* scan_history.c - two rings under one lock. Totals are kept per database, of which few have CDC: a short
 * list. */
#include "standin/capture/scan_history.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct ScanHistory {
    pthread_mutex_t mutex;
    ScanRecord scans[SCAN_HISTORY_SESSIONS]; /* a ring: the oldest is at next % size once it is full */
    size_t next_scan;                        /* ever added */
    ScanError errors[SCAN_HISTORY_ERRORS];
    size_t next_error;
    ScanRecord active;  /* database_id 0: none; one scan runs at a time */
    ScanRecord *totals; /* by database */
    size_t total_count;
    int32_t last_id;
};

ScanHistory *scan_history_new(void) {
    ScanHistory *h = x_calloc(1, sizeof *h);
    (void)pthread_mutex_init(&h->mutex, NULL);
    return h;
}

ScanHistory *scan_history_free(ScanHistory *h) {
    if (!h) return NULL;
    (void)pthread_mutex_destroy(&h->mutex);
    free(h->totals);
    free(h);
    return NULL;
}

static bool is_empty(const ScanRecord *s) {
    return s->transactions == 0 && s->errors == 0; /* DDL alone is no change either */
}

/* The newest scan of the database, or NULL. */
static ScanRecord *newest(ScanHistory *h, int32_t database_id) {
    size_t kept = h->next_scan < SCAN_HISTORY_SESSIONS ? h->next_scan : SCAN_HISTORY_SESSIONS;
    for (size_t i = 1; i <= kept; i++) {
        ScanRecord *s = &h->scans[(h->next_scan - i) % SCAN_HISTORY_SESSIONS];
        if (s->database_id == database_id) return s;
    }
    return NULL;
}

static ScanRecord *total_of(ScanHistory *h, int32_t database_id) {
    for (size_t i = 0; i < h->total_count; i++)
        if (h->totals[i].database_id == database_id) return &h->totals[i];
    h->totals = x_reallocarray(h->totals, h->total_count + 1, sizeof *h->totals);
    ScanRecord *t = &h->totals[h->total_count++];
    *t = (ScanRecord){.session_id = SCAN_HISTORY_AGGREGATE, .database_id = database_id};
    return t;
}

static void add_up(ScanRecord *to, const ScanRecord *s) {
    if (to->start_us == 0) to->start_us = s->start_us;
    to->end_us = s->end_us;
    to->duration_s += s->duration_s;
    to->transactions += s->transactions;
    to->log_records += s->log_records;
    to->commands += s->commands;
    to->schema_changes += s->schema_changes;
    to->errors += s->errors;
    to->empty_scans += s->empty_scans;
    to->failed_sessions += s->failed_sessions;
    to->first_lsn = s->first_lsn;
    to->current_lsn = s->current_lsn;
    if (s->latency_s > 0) to->latency_s = s->latency_s;
    if (!lsn10_is_zero(&s->last_commit_lsn)) {
        to->last_commit_lsn = s->last_commit_lsn;
        to->last_commit_us = s->last_commit_us;
    }
    if (s->transactions == 0) return;
    if (lsn10_is_zero(&to->first_begin_cdc_lsn)) to->first_begin_cdc_lsn = s->first_begin_cdc_lsn;
    to->last_commit_cdc_lsn = s->last_commit_cdc_lsn;
    to->last_commit_cdc_us = s->last_commit_cdc_us;
}

/* What follows from the times of a scan with changes. */
static void measure(ScanRecord *s) {
    if (s->transactions == 0) return;
    s->duration_s = (s->end_us - s->start_us) / 1000000;
    s->latency_s = (s->end_us - s->last_commit_cdc_us) / 1000000;
}

int32_t scan_history_add(ScanHistory *h, const ScanRecord *scan) {
    ScanRecord s = *scan;
    s.empty_scans = is_empty(&s);
    s.failed_sessions = s.errors > 0;
    measure(&s);
    (void)pthread_mutex_lock(&h->mutex);
    h->active.database_id = 0;
    add_up(total_of(h, s.database_id), &s);
    ScanRecord *last = newest(h, s.database_id);
    int32_t id;
    if (last && is_empty(last) && is_empty(&s)) {
        last->empty_scans++;
        last->end_us = s.end_us;
        last->log_records += s.log_records;
        last->schema_changes += s.schema_changes;
        if (!lsn10_is_zero(&s.last_commit_lsn)) {
            last->last_commit_lsn = s.last_commit_lsn;
            last->last_commit_us = s.last_commit_us;
        }
        id = last->session_id;
    } else {
        id = s.session_id = ++h->last_id;
        h->scans[h->next_scan++ % SCAN_HISTORY_SESSIONS] = s;
    }
    (void)pthread_mutex_unlock(&h->mutex);
    return id;
}

void scan_history_set_active(ScanHistory *h, const ScanRecord *scan) {
    (void)pthread_mutex_lock(&h->mutex);
    h->active = *scan;
    h->active.session_id = h->last_id + 1;
    h->active.end_us = 0;
    (void)pthread_mutex_unlock(&h->mutex);
}

void scan_history_add_error(ScanHistory *h, const ScanError *error) {
    (void)pthread_mutex_lock(&h->mutex);
    h->errors[h->next_error++ % SCAN_HISTORY_ERRORS] = *error;
    (void)pthread_mutex_unlock(&h->mutex);
}

void scan_history_forget(ScanHistory *h, int32_t database_id) {
    (void)pthread_mutex_lock(&h->mutex);
    for (size_t i = 0; i < SCAN_HISTORY_SESSIONS; i++)
        if (h->scans[i].database_id == database_id) h->scans[i].database_id = 0;
    for (size_t i = 0; i < SCAN_HISTORY_ERRORS; i++)
        if (h->errors[i].database_id == database_id) h->errors[i].database_id = 0;
    if (h->active.database_id == database_id) h->active.database_id = 0;
    *total_of(h, database_id) =
        (ScanRecord){.session_id = SCAN_HISTORY_AGGREGATE, .database_id = database_id};
    (void)pthread_mutex_unlock(&h->mutex);
}

static size_t oldest(size_t next, size_t room) {
    return next > room ? next - room : 0;
}

size_t scan_history_scans(ScanHistory *h, int32_t database_id, ScanRecord *ret) {
    size_t n = 0;
    (void)pthread_mutex_lock(&h->mutex);
    ret[n++] = *total_of(h, database_id);
    for (size_t i = oldest(h->next_scan, SCAN_HISTORY_SESSIONS); i < h->next_scan; i++) {
        const ScanRecord *s = &h->scans[i % SCAN_HISTORY_SESSIONS];
        if (s->database_id == database_id) ret[n++] = *s;
    }
    if (h->active.database_id == database_id) ret[n++] = h->active;
    (void)pthread_mutex_unlock(&h->mutex);
    return n;
}

size_t scan_history_errors(ScanHistory *h, int32_t database_id, ScanError *ret) {
    size_t n = 0;
    (void)pthread_mutex_lock(&h->mutex);
    for (size_t i = oldest(h->next_error, SCAN_HISTORY_ERRORS); i < h->next_error; i++) {
        const ScanError *x = &h->errors[i % SCAN_HISTORY_ERRORS];
        bool is_recent = x->session_id == 0 || x->session_id > h->last_id - SCAN_HISTORY_SESSIONS;
        if (x->database_id == database_id && is_recent) ret[n++] = *x;
    }
    (void)pthread_mutex_unlock(&h->mutex);
    return n;
}
