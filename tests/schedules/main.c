/*
 * schedules - run the seeded simulation of the pure core.
 *   schedules [--count N] [--seed S] [--verbose]   every hazard by name, then N schedules drawn from seed S
 * on schedules --hazard NAME [--count N] …          schedules of that shape only schedules --breaks break
 * each rule in turn: succeeds when all are found out schedules --break NAME                         break one
 * A failure prints its seed, its steps and how to replay it; exit 1. With --count 1 only that schedule runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "hazards.h"
#include "sim.h"

enum { HAZARD_SCHEDULES = 400, BREAK_SCHEDULES = 30000, TELL_MS = 5000 };

typedef struct Options {
    uint64_t count, seed;
    uint64_t first, stride; /* of the seeds: this process's */
    bool is_verbose, all_breaks;
    SimBreak broken;
    const SimShape *hazard;
} Options;

typedef struct Tally {
    uint64_t schedules, gaps, steps;
    int64_t told_ms;
} Tally;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void report(Sim *s, uint64_t seed, const SimShape *hazard, bool is_verbose) {
    printf("schedule %llu failed: %s\n", (unsigned long long)seed, sim_why(s));
    if (!is_verbose) {
        printf("its steps:\n");
        (void)sim_run(s, seed, hazard, BREAK_NOTHING, /* is_verbose= */ true);
    }
    printf("replay: schedules%s%s --seed %llu --count 1 --verbose\n", hazard ? " --hazard " : "",
           hazard ? hazard->name : "", (unsigned long long)seed);
}

static bool run_some(Sim *s, const Options *o, const SimShape *hazard, uint64_t count, Tally *tally) {
    for (uint64_t i = o->first; i < count; i += o->stride) {
        if (!sim_run(s, o->seed + i, hazard, BREAK_NOTHING, o->is_verbose)) {
            report(s, o->seed + i, hazard, o->is_verbose);
            return false;
        }
        tally->schedules++;
        tally->gaps += sim_ended_in_gap(s);
        tally->steps += sim_steps(s);
        if (now_ms() - tally->told_ms < TELL_MS) continue;
        tally->told_ms = now_ms();
        if (o->first == 0) printf("schedules: %llu\n", (unsigned long long)(tally->schedules * o->stride));
        (void)fflush(stdout);
    }
    return true;
}

/* One of the processes that share the work: its part of every count of seeds. */
static bool run_part(Sim *s, const Options *o, Tally *tally) {
    if (o->hazard) return run_some(s, o, o->hazard, o->count, tally);
    bool ok = true, is_replay = o->count == 1;
    for (size_t i = 0; ok && !is_replay && hazard_at(i); i++)
        ok = run_some(s, o, hazard_at(i), HAZARD_SCHEDULES, tally);
    return ok && run_some(s, o, NULL, o->count, tally);
}

/* In as many processes as there are processors: each tells its tally by a pipe; one that failed has said so.
 */
static bool run_right(Sim *s, const Options *o) {
    Tally tally = {0};
    int64_t began_ms = now_ms();
    long processors = o->count == 1 ? 1 : sysconf(_SC_NPROCESSORS_ONLN);
    int ends[2];
    bool ok = pipe(ends) == 0;
    (void)fflush(stdout);
    for (long i = 0; ok && i < processors; i++) {
        pid_t pid = fork();
        if (pid != 0) {
            ok = pid > 0;
            continue;
        }
        Options part = *o;
        part.first = (uint64_t)i;
        part.stride = (uint64_t)processors;
        Tally mine = {.told_ms = now_ms()};
        bool is_right = run_part(s, &part, &mine);
        (void)fflush(stdout);
        _exit(is_right && write(ends[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    }
    if (ok) (void)close(ends[1]);
    for (int status; wait(&status) > 0;) ok = ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    for (Tally part; ok && read(ends[0], &part, sizeof part) == sizeof part;) {
        tally.schedules += part.schedules;
        tally.steps += part.steps;
        tally.gaps += part.gaps;
    }
    if (ok)
        printf("schedules: %llu passed in %.1f s, from seed %llu (%llu steps, %llu ended in a true gap)\n",
               (unsigned long long)tally.schedules, (double)(now_ms() - began_ms) / 1000,
               (unsigned long long)o->seed, (unsigned long long)tally.steps, (unsigned long long)tally.gaps);
    return ok;
}

/* A broken rule that isn't found out means that the simulation proves nothing of it. */
static bool run_broken(Sim *s, SimBreak broken, const SimShape *hazard, uint64_t seed) {
    for (uint64_t i = 0; i < BREAK_SCHEDULES; i++) {
        if (sim_run(s, seed + i, hazard, broken, /* is_verbose= */ false)) continue;
        printf("%-30s found after %llu: %s\n", sim_break_name(broken), (unsigned long long)i + 1, sim_why(s));
        return true;
    }
    printf("%-30s NOT found in %d schedules\n", sim_break_name(broken), BREAK_SCHEDULES);
    return false;
}

static bool run_all_broken(Sim *s, uint64_t seed) {
    bool ok = true;
    for (SimBreak b = BREAK_NOTHING + 1; b < BREAK_COUNT; b++) ok = run_broken(s, b, NULL, seed) && ok;
    return ok;
}

static SimBreak break_named(const char *name) {
    for (SimBreak b = BREAK_NOTHING + 1; b < BREAK_COUNT; b++)
        if (strcmp(name, sim_break_name(b)) == 0) return b;
    return BREAK_NOTHING;
}

static bool take_number(const char *text, uint64_t *ret) {
    int64_t n;
    Err ignored;
    if (!str_to_i64(str_from(text), 0, INT64_MAX, &n, &ignored)) return false;
    *ret = (uint64_t)n;
    return true;
}

static bool take_option(Options *o, const char *name, const char *value, bool *ret_took_value) {
    *ret_took_value = false;
    if (strcmp(name, "--verbose") == 0) return o->is_verbose = true;
    if (strcmp(name, "--breaks") == 0) return o->all_breaks = true;
    if (!value) return false;
    *ret_took_value = true;
    if (strcmp(name, "--count") == 0) return take_number(value, &o->count);
    if (strcmp(name, "--seed") == 0) return take_number(value, &o->seed);
    if (strcmp(name, "--break") == 0) return (o->broken = break_named(value)) != BREAK_NOTHING;
    if (strcmp(name, "--hazard") == 0) return (o->hazard = hazard_named(value)) != NULL;
    return false;
}

static int usage(const char *what) {
    fprintf(stderr, "schedules: what is '%s'?\n", what);
    fprintf(
        stderr,
        "usage: schedules [--count N] [--seed S] [--verbose] [--hazard NAME] [--break NAME | --breaks]\n");
    fprintf(stderr, "hazards:");
    for (size_t i = 0; hazard_at(i); i++) fprintf(stderr, " %s", hazard_at(i)->name);
    fprintf(stderr, "\nbreaks:");
    for (SimBreak b = BREAK_NOTHING + 1; b < BREAK_COUNT; b++) fprintf(stderr, " %s", sim_break_name(b));
    fprintf(stderr, "\n");
    return 2;
}

int main(int argc, char **argv) {
    Options o = {.count = 1000, .seed = 1, .stride = 1};
    for (int i = 1; i < argc; i++) {
        bool took_value;
        if (!take_option(&o, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &took_value)) return usage(argv[i]);
        i += took_value;
    }
    Sim *s = sim_new();
    bool ok = o.all_breaks ? run_all_broken(s, o.seed)
              : o.broken   ? run_broken(s, o.broken, o.hazard, o.seed)
                           : run_right(s, &o);
    sim_free(s);
    return ok ? 0 : 1;
}
