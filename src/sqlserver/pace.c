#include "sqlserver/pace.h"

enum { NEWS_SHARE = 4 };

Pace pace_new(int64_t most_us, int64_t now_us) {
    return (Pace){.most_us = most_us, .news_us = now_us};
}

void pace_news(Pace *p, int64_t now_us) {
    p->news_us = now_us;
}

int64_t pace_next_us(const Pace *p, int64_t looked_us, int64_t cost_us) {
    int64_t wait = (looked_us - p->news_us) / NEWS_SHARE;
    if (wait < PACE_LEAST_US) wait = PACE_LEAST_US;
    if (wait < cost_us) wait = cost_us;
    if (wait > p->most_us) wait = p->most_us;
    return looked_us + wait;
}
