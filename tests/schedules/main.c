/*
 * schedules - run the seeded simulation of the pure core.
 *   schedules [--count N] [--seed S] [--verbose]    N schedules from seed S on; every hazard by name before
 * them schedules --break NAME [--count N]              break a rule: succeeds when it is found out schedules
 * --breaks                              break each rule in turn A failure prints its seed and trace, and how
 * to replay it; exit 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "sim.h"

enum { BREAK_SCHEDULES = 5000 };

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void report(Sim *s, uint64_t seed) {
    printf("schedule %llu failed: %s\nits steps:\n", (unsigned long long)seed, sim_why(s));
    (void)sim_run(s, seed, NULL, BREAK_NOTHING, /* is_verbose= */ true);
    printf("replay: schedules --seed %llu --count 1 --verbose\n", (unsigned long long)seed);
}

static bool run_drawn(Sim *s, uint64_t seed, uint64_t count, bool is_verbose) {
    int64_t began = now_ms(), told = began;
    uint64_t gaps = 0, steps = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (!sim_run(s, seed + i, NULL, BREAK_NOTHING, is_verbose)) {
            report(s, seed + i);
            return false;
        }
        gaps += sim_ended_in_gap(s);
        steps += sim_steps(s);
        if (now_ms() - told < 5000) continue;
        told = now_ms();
        printf("schedules: %llu of %llu\n", (unsigned long long)i + 1, (unsigned long long)count);
        fflush(stdout);
    }
    printf("schedules: %llu passed in %.1f s (seeds %llu…%llu, %llu steps, %llu ended in a true gap)\n",
           (unsigned long long)count, (double)(now_ms() - began) / 1000, (unsigned long long)seed,
           (unsigned long long)(seed + count - 1), (unsigned long long)steps, (unsigned long long)gaps);
    return true;
}

/* 0 = never found out. */
static uint64_t found_after(Sim *s, SimBreak broken, uint64_t seed, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        if (!sim_run(s, seed + i, NULL, broken, /* is_verbose= */ false)) return i + 1;
    return 0;
}

static bool run_broken(Sim *s, SimBreak broken, uint64_t seed, uint64_t count) {
    uint64_t after = found_after(s, broken, seed, count);
    if (after == 0) {
        printf("%-30s NOT found in %llu schedules\n", sim_break_name(broken), (unsigned long long)count);
        return false;
    }
    printf("%-30s found by schedule %llu: %s\n", sim_break_name(broken), (unsigned long long)after,
           sim_why(s));
    return true;
}

static bool run_all_broken(Sim *s, uint64_t seed) {
    bool ok = true;
    for (SimBreak b = BREAK_NOTHING + 1; b < BREAK_COUNT; b++)
        ok = run_broken(s, b, seed, BREAK_SCHEDULES) && ok;
    return ok;
}

static SimBreak break_named(const char *name) {
    for (SimBreak b = BREAK_NOTHING + 1; b < BREAK_COUNT; b++)
        if (strcmp(name, sim_break_name(b)) == 0) return b;
    return BREAK_NOTHING;
}

static int usage(void) {
    fprintf(stderr, "usage: schedules [--count N] [--seed S] [--verbose] [--break NAME | --breaks]\n");
    return 2;
}

int main(int argc, char **argv) {
    int64_t count = 1000, seed = 1;
    bool is_verbose = false, all_breaks = false;
    SimBreak broken = BREAK_NOTHING;
    Err e;
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--verbose") == 0) is_verbose = true;
        else if (strcmp(argv[i], "--breaks") == 0) all_breaks = true;
        else if (strcmp(argv[i], "--count") == 0 && has_value) {
            if (!str_to_i64(str_from(argv[++i]), 1, INT64_MAX, &count, &e)) return usage();
        } else if (strcmp(argv[i], "--seed") == 0 && has_value) {
            if (!str_to_i64(str_from(argv[++i]), 0, INT64_MAX, &seed, &e)) return usage();
        } else if (strcmp(argv[i], "--break") == 0 && has_value) {
            broken = break_named(argv[++i]);
            if (broken == BREAK_NOTHING) return usage();
        } else {
            return usage();
        }
    }
    Sim *s = sim_new();
    bool ok;
    if (all_breaks) ok = run_all_broken(s, (uint64_t)seed);
    else if (broken != BREAK_NOTHING) ok = run_broken(s, broken, (uint64_t)seed, (uint64_t)count);
    else ok = run_drawn(s, (uint64_t)seed, (uint64_t)count, is_verbose);
    sim_free(s);
    return ok ? 0 : 1;
}
