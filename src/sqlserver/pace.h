/*
 * pace.h - how long to wait between two looks at how far the capture job has come. Pure, a plain value; owner
 * thread only; times are µs of one monotonic clock.
 *
 * Where something came a moment ago, more is likely to come soon; so the wait is a quarter of the time since
 * something came: what a change waits for the look is small beside the time that nothing was there. It is at
 * least PACE_LEAST_US, at least what the look itself costs (1,000 tables aren't looked at twice as often as
 * the server can bear), and never above poll.interval.ms.
 */
#ifndef SQLSERVER_PACE_H
#define SQLSERVER_PACE_H

#include <stdint.h>

enum { PACE_LEAST_US = 2000 };

typedef struct Pace {
    int64_t most_us; /* poll.interval.ms */
    int64_t news_us; /* when something came last, or the beginning */
} Pace;

Pace pace_new(int64_t most_us, int64_t now_us);
/* A change was found. */
void pace_news(Pace *p, int64_t now_us);
/* The last look was over at looked_us, after cost_us: when the next one is due. To be asked again after news.
 */
int64_t pace_next_us(const Pace *p, int64_t looked_us, int64_t cost_us);

#endif
