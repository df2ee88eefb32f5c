#include "observe/progress.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct Progress {
    pthread_mutex_t lock;
    ProgressView view; /* all but applied */
    ProgressMark lanes[PROGRESS_MAX_LANES];
    int lane_count;
};

Progress *progress_new(void) {
    Progress *p = x_calloc(1, sizeof *p);
    (void)pthread_mutex_init(&p->lock, NULL);
    return p;
}

Progress *progress_free(Progress *p) {
    if (!p) return NULL;
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}

/* A mark without a time keeps the one that the same LSN had. */
static void set(ProgressMark *to, ProgressMark mark) {
    if (mark.commit_us == 0 && lsn_cmp(&to->lsn, &mark.lsn) == 0) return;
    *to = mark;
}

void progress_captured(Progress *p, ProgressMark mark, int64_t source_us) {
    if (!p) return;
    (void)pthread_mutex_lock(&p->lock);
    set(&p->view.captured, mark);
    p->view.asked_us = clock_wall_us();
    p->view.source_us = source_us;
    (void)pthread_mutex_unlock(&p->lock);
}

void progress_read(Progress *p, ProgressMark mark) {
    if (!p) return;
    (void)pthread_mutex_lock(&p->lock);
    set(&p->view.read, mark);
    (void)pthread_mutex_unlock(&p->lock);
}

void progress_applied(Progress *p, int lane, ProgressMark mark) {
    if (!p) return;
    assert(lane >= 0 && lane < PROGRESS_MAX_LANES);
    (void)pthread_mutex_lock(&p->lock);
    set(&p->lanes[lane], mark);
    if (lane >= p->lane_count) p->lane_count = lane + 1;
    (void)pthread_mutex_unlock(&p->lock);
}

void progress_copying(Progress *p, bool is_copying) {
    if (!p) return;
    (void)pthread_mutex_lock(&p->lock);
    p->view.is_copying = is_copying;
    (void)pthread_mutex_unlock(&p->lock);
}

ProgressView progress_view(Progress *p) {
    if (!p) return (ProgressView){0};
    (void)pthread_mutex_lock(&p->lock);
    ProgressView view = p->view;
    for (int i = 0; i < p->lane_count; i++)
        if (i == 0 || lsn_cmp(&p->lanes[i].lsn, &view.applied.lsn) < 0) view.applied = p->lanes[i];
    (void)pthread_mutex_unlock(&p->lock);
    return view;
}

int64_t progress_lag_us(const ProgressMark *ahead, const ProgressMark *behind) {
    if (lsn_is_zero(&ahead->lsn) || lsn_is_zero(&behind->lsn)) return -1;
    if (lsn_cmp(&ahead->lsn, &behind->lsn) <= 0) return 0;
    if (ahead->commit_us == 0 || behind->commit_us == 0) return -1;
    return ahead->commit_us > behind->commit_us ? ahead->commit_us - behind->commit_us : 0;
}
