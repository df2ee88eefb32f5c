/*
 * pg_limit.c - how fast can PostgreSQL take these rows at all? The same writes as the sink's, by one
 * connection, from data made in memory, with nothing else in the way: the mark to measure millrace against.
 *
 *   copy    binary COPY into an empty table with a primary key
 *   insert  new rows, by array parameters (unnest … ON CONFLICT), by COPY to a temporary table and from
 *           there (INSERT … ON CONFLICT), and by COPY straight into the table after a savepoint
 *   update  rows that are there: in the first two ways, and by UPDATE … FROM the temporary table
 *   commit  one row's UPDATE and COMMIT, --rate times a second for --seconds: how long it takes
 *
 * The table has the bench's shape: int key, two texts, numeric(12,2), numeric(19,4), timestamp, boolean,
 * uuid. Each way is tried with several batch sizes on --sweep rows, then the best one is measured with all
 * rows; --way and --batch name it instead. Every measurement finds the table as it is after a load: no room
 * left by earlier ones. --connections: so many at once, each with its share of the keys. One line a case, as
 * text or as JSON.
 */
#include <endian.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <libpq-fe.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum { COLUMNS = 8, PIECE_BYTES = 128 * 1024, NUMERIC_MAX_GROUPS = 6 };
#define TABLE "pg_limit_rows"
#define ALL   "id, name, city, price, amount, changed_at, is_active, code"
#define CREATE_SQL                                                                                           \
    "DROP TABLE IF EXISTS " TABLE "; CREATE TABLE " TABLE " (id int PRIMARY KEY, name varchar(60) NOT NULL," \
    " city varchar(40), price numeric(12,2), amount numeric(19,4), changed_at timestamp(6), is_active "      \
    "boolean,"                                                                                               \
    " code uuid)"
#define ON_CONFLICT                                                                                          \
    " ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, city = EXCLUDED.city, price = EXCLUDED.price,"    \
    " amount = EXCLUDED.amount, changed_at = EXCLUDED.changed_at, is_active = EXCLUDED.is_active,"           \
    " code = EXCLUDED.code"

#define ASSIGNMENTS                                                                                          \
    "name = s.name, city = s.city, price = s.price, amount = s.amount, changed_at = s.changed_at,"           \
    " is_active = s.is_active, code = s.code"

typedef enum Way { WAY_COPY, WAY_UNNEST, WAY_MERGE, WAY_NEW, WAY_UPDATE } Way; /* as WAYS names them */

typedef struct Run {
    const char *test; /* "copy", "insert", "update" */
    Way way;
    int64_t batch;
    double rows_per_s, own_cpu_s, pg_cpu_s; /* CPU of the whole run; pg < 0 = not permitted */
} Run;

/* One connection. */
typedef struct Limit {
    PGconn *pg;
    int64_t rows;        /* of all */
    int64_t round;       /* makes the rows of each run new */
    int64_t first, last; /* keys of this one: from first up to, but not, last */
    const Run *run;
    Buf out;
    pthread_t thread;
} Limit;

enum { MAX_CONNECTIONS = 16, SWEEP_ROWS = 200000, COMMIT_KEYS = 10000 };

typedef struct Set {
    const char *conninfo;
    Limit each[MAX_CONNECTIONS];
    int count;
} Set;

static void die(PGconn *pg, const char *what) {
    (void)fprintf(stderr, "pg_limit: %s: %s", what, pg ? PQerrorMessage(pg) : "bad argument\n");
    _exit(1); /* a measuring program has no one to report to */
}

static void must(PGconn *pg, PGresult *r, ExecStatusType wanted, const char *what) {
    if (PQresultStatus(r) != wanted) die(pg, what);
    PQclear(r);
}

static void exec(PGconn *pg, const char *sql) {
    must(pg, PQexec(pg, sql), PGRES_COMMAND_OK, sql);
}

/* ---- rows ---- */

static void put_numeric(Buf *b, uint64_t unscaled, int scale) {
    uint16_t groups[NUMERIC_MAX_GROUPS];
    int n = 0, fraction = (scale + 3) / 4;
    if (scale % 4 == 2) {
        groups[n++] = (uint16_t)(unscaled % 100 * 100);
        unscaled /= 100;
    }
    for (; unscaled > 0; unscaled /= 10000) groups[n++] = (uint16_t)(unscaled % 10000);
    buf_be32(b, (uint32_t)(8 + 2 * n));
    buf_be16(b, (uint16_t)n);
    buf_be16(b, (uint16_t)(n - 1 - fraction));
    buf_be16(b, 0);
    buf_be16(b, (uint16_t)scale);
    while (n-- > 0) buf_be16(b, groups[n]);
}

static void put_text(Buf *b, const char *prefix, int64_t i, int64_t round) {
    char text[64];
    int n =
        snprintf(text, sizeof text, "%s %lld of round %lld", prefix, (long long)(i % 9973), (long long)round);
    buf_be32(b, (uint32_t)n);
    buf_add(b, text, (size_t)n);
}

static void put_u64(Buf *b, uint64_t v) {
    buf_be32(b, 8);
    buf_be64(b, v);
}

/* The column's field of row i: length and bytes, for COPY and for arrays alike. */
static void put_field(Buf *b, int column, int64_t i, int64_t round) {
    uint64_t mixed = ((uint64_t)i + (uint64_t)round * 7919) * UINT64_C(0x9E3779B97F4A7C15);
    switch (column) {
    case 0:
        buf_be32(b, 4);
        buf_be32(b, (uint32_t)(i + 1));
        break;
    case 1: put_text(b, "customer name", i, round); break;
    case 2: put_text(b, "city", i % 500, round); break;
    case 3: put_numeric(b, mixed >> 40, 2); break;
    case 4: put_numeric(b, mixed >> 30, 4); break;
    case 5: put_u64(b, UINT64_C(700000000000000) + (mixed >> 20)); break;
    case 6:
        buf_be32(b, 1);
        buf_u8(b, (uint8_t)(mixed >> 63));
        break;
    default:
        buf_be32(b, 16);
        buf_be64(b, mixed);
        buf_be64(b, ~mixed);
    }
}

static void send_piece(Limit *l) {
    if (PQputCopyData(l->pg, (const char *)l->out.p, (int)l->out.n) != 1) die(l->pg, "copy");
    buf_clear(&l->out);
}

static void copy_rows(Limit *l, const char *sql, int64_t from, int64_t to) {
    must(l->pg, PQexec(l->pg, sql), PGRES_COPY_IN, sql);
    buf_clear(&l->out);
    buf_add(&l->out, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    for (int64_t i = from; i < to; i++) {
        buf_be16(&l->out, COLUMNS);
        for (int column = 0; column < COLUMNS; column++) put_field(&l->out, column, i, l->round);
        if (l->out.n >= PIECE_BYTES) send_piece(l);
    }
    buf_be16(&l->out, 0xFFFF);
    send_piece(l);
    if (PQputCopyEnd(l->pg, NULL) != 1) die(l->pg, "end of copy");
    must(l->pg, PQgetResult(l->pg), PGRES_COMMAND_OK, "copy");
    PQclear(PQgetResult(l->pg));
}

/* ---- ways ---- */

static const Oid ELEMENT[COLUMNS] = {23, 1043, 1043, 1700, 1700, 1114, 16, 2950};
static const Oid ARRAY[COLUMNS] = {1007, 1015, 1015, 1231, 1231, 1115, 1000, 2951};

static void write_unnest(Limit *l, int64_t from, int64_t to) {
    const char *values[COLUMNS];
    int lengths[COLUMNS], formats[COLUMNS];
    size_t starts[COLUMNS + 1] = {0};
    buf_clear(&l->out);
    for (int column = 0; column < COLUMNS; column++) {
        const uint32_t head[] = {1, 0, ELEMENT[column], (uint32_t)(to - from), 1};
        for (size_t k = 0; k < 5; k++) buf_be32(&l->out, head[k]);
        for (int64_t i = from; i < to; i++) put_field(&l->out, column, i, l->round);
        starts[column + 1] = l->out.n;
    }
    for (int column = 0; column < COLUMNS; column++) {
        values[column] = (const char *)l->out.p + starts[column];
        lengths[column] = (int)(starts[column + 1] - starts[column]);
        formats[column] = 1;
    }
    must(l->pg, PQexecPrepared(l->pg, "unnest", COLUMNS, values, lengths, formats, 0), PGRES_COMMAND_OK,
         "unnest");
}

static void write_copied(Limit *l, const char *name, int64_t from, int64_t to) {
    exec(l->pg, "BEGIN");
    copy_rows(l, "COPY pg_limit_new FROM STDIN WITH (FORMAT binary)", from, to);
    must(l->pg, PQexecPrepared(l->pg, name, 0, NULL, NULL, NULL, 0), PGRES_COMMAND_OK, "merge");
    exec(l->pg, "COMMIT");
}

/* Undone to the savepoint, should a key be there. */
static void write_new(Limit *l, int64_t from, int64_t to) {
    exec(l->pg, "BEGIN; SAVEPOINT new_rows");
    copy_rows(l, "COPY " TABLE " FROM STDIN WITH (FORMAT binary)", from, to);
    exec(l->pg, "RELEASE SAVEPOINT new_rows; COMMIT");
}

static void prepare_one(Limit *l, const char *name, const char *sql, int count, const Oid *types) {
    must(l->pg, PQprepare(l->pg, name, sql, count, types), PGRES_COMMAND_OK, "prepare");
}

static void prepare(Limit *l) {
    exec(l->pg, "SET client_min_messages = warning");
    exec(l->pg,
         "CREATE TEMPORARY TABLE pg_limit_new ON COMMIT DELETE ROWS AS SELECT * FROM " TABLE " WITH NO DATA");
    /* the table is large, a batch is small: its rows are found by the key's index */
    exec(l->pg, "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off");
    prepare_one(l, "unnest",
                "INSERT INTO " TABLE " (" ALL
                ") SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)" ON_CONFLICT,
                COLUMNS, ARRAY);
    prepare_one(l, "merge", "INSERT INTO " TABLE " (" ALL ") SELECT " ALL " FROM pg_limit_new" ON_CONFLICT, 0,
                NULL);
    prepare_one(l, "update",
                "UPDATE " TABLE " AS t SET " ASSIGNMENTS " FROM pg_limit_new AS s WHERE t.id = s.id", 0,
                NULL);
}

/* ---- measuring ---- */

static double own_cpu_s(void) {
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* utime and stime of the backend, fields 14 and 15 of its stat; -1 when it isn't on this machine. */
static double backend_cpu_s(PGconn *pg) {
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", PQbackendPID(pg));
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) (void)fclose(f);
    text[n] = '\0';
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 14; field++) at = strchr(at + 1, ' ');
    if (!at) return -1;
    char *end = at;
    double ticks = (double)strtoull(at, &end, 10);
    ticks += (double)strtoull(end, NULL, 10);
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

static void write_batch(Limit *l, Way way, int64_t from, int64_t to) {
    switch (way) {
    case WAY_UNNEST: write_unnest(l, from, to); break;
    case WAY_MERGE: write_copied(l, "merge", from, to); break;
    case WAY_NEW: write_new(l, from, to); break;
    case WAY_UPDATE: write_copied(l, "update", from, to); break;
    case WAY_COPY: copy_rows(l, "COPY " TABLE " FROM STDIN WITH (FORMAT binary)", from, to); break;
    }
}

static void *write_share(void *arg) {
    Limit *l = arg;
    for (int64_t from = l->first; from < l->last; from += l->run->batch)
        write_batch(l, l->run->way, from, from + l->run->batch < l->last ? from + l->run->batch : l->last);
    return NULL;
}

static double all_cpu_s(const Set *s) {
    double sum = 0;
    for (int i = 0; i < s->count; i++) {
        double one = backend_cpu_s(s->each[i].pg);
        if (one < 0) return -1;
        sum += one;
    }
    return sum;
}

/* The table as it is before a run: empty, or loaded and vacuumed. */
static void make_ready(Limit *l, const Run *run, int64_t rows) {
    exec(l->pg, "TRUNCATE " TABLE);
    if (strcmp(run->test, "update") == 0) {
        copy_rows(l, "COPY " TABLE " FROM STDIN WITH (FORMAT binary)", 0, rows);
        exec(l->pg, "VACUUM ANALYZE " TABLE);
    }
    exec(l->pg, "CHECKPOINT");
}

/* Both CPU figures are of the whole run; the caller divides. */
static void measure(Set *s, Run *run, int64_t rows) {
    make_ready(&s->each[0], run, rows);
    if (run->way == WAY_COPY) run->batch = rows;
    double own = own_cpu_s(), pg = all_cpu_s(s);
    int64_t start_us = clock_mono_us();
    for (int i = 0; i < s->count; i++) {
        Limit *l = &s->each[i];
        l->round++;
        l->run = run;
        l->first = rows * i / s->count;
        l->last = rows * (i + 1) / s->count;
        if (i > 0 && pthread_create(&l->thread, NULL, write_share, l) != 0) die(NULL, "thread");
    }
    (void)write_share(&s->each[0]);
    for (int i = 1; i < s->count; i++) (void)pthread_join(s->each[i].thread, NULL);
    run->rows_per_s = (double)rows * 1e6 / (double)(clock_mono_us() - start_us);
    run->own_cpu_s = (own_cpu_s() - own) * 1e6 / (double)rows;
    run->pg_cpu_s = pg < 0 ? -1 : (all_cpu_s(s) - pg) * 1e6 / (double)rows;
}

static const char *const WAYS[] = {"copy", "unnest", "copy_merge", "copy_new", "copy_update"};

static void report(const Set *s, const Run *run, int64_t rows, bool is_json) {
    if (!is_json) {
        (void)printf("%-7s %-11s batch %7lld  %9.0f rows/s  CPU s per million: own %.2f  PostgreSQL %.2f\n",
                     run->test, WAYS[run->way], (long long)run->batch, run->rows_per_s, run->own_cpu_s,
                     run->pg_cpu_s);
        return;
    }
    (void)printf("{\"case\":\"pg_limit/%s\",\"way\":\"%s\",\"batch\":%lld,\"rows\":%lld,\"connections\":%d,"
                 "\"rows_per_s\":%.0f,\"cpu_s_per_million\":%.3f",
                 run->test, WAYS[run->way], (long long)run->batch, (long long)rows, s->count, run->rows_per_s,
                 run->own_cpu_s);
    if (run->pg_cpu_s >= 0) (void)printf(",\"pg_cpu_s_per_million\":%.3f", run->pg_cpu_s);
    (void)printf("}\n");
}

/* The best of all ways and batch sizes. Each is tried twice: a machine's speed drifts. */
static Run sweep(Set *s, const char *test, int64_t rows, bool is_verbose) {
    static const int64_t sizes[] = {1000, 5000, 10000, 20000, 50000};
    bool is_update = strcmp(test, "update") == 0;
    Run best = {0};
    for (int round = 0; round < 2; round++)
        for (Way way = WAY_UNNEST; way <= WAY_UPDATE; way++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                Run run = {.test = test, .way = way, .batch = sizes[i]};
                if (run.batch > rows || way == (is_update ? WAY_NEW : WAY_UPDATE)) continue;
                measure(s, &run, rows);
                if (is_verbose) report(s, &run, rows, /* is_json= */ false);
                if (run.rows_per_s > best.rows_per_s) best = run;
            }
    return best;
}

/* ---- commits ---- */

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void time_commits(Limit *l, int64_t rate, int64_t seconds) {
    int64_t count = rate * seconds, begin_us = clock_mono_us();
    int64_t *took = x_calloc((size_t)count + 1, sizeof *took);
    exec(l->pg, "TRUNCATE " TABLE);
    copy_rows(l, "COPY " TABLE " FROM STDIN WITH (FORMAT binary)", 0, COMMIT_KEYS);
    for (int64_t i = 0; i < count; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "UPDATE " TABLE " SET price = %lld WHERE id = %lld", (long long)i,
                       1 + (long long)i % COMMIT_KEYS);
        int64_t start_us = clock_mono_us();
        exec(l->pg, sql);
        took[i] = clock_mono_us() - start_us;
        int64_t left_us = begin_us + (i + 1) * 1000000 / rate - clock_mono_us();
        if (left_us > 0) (void)usleep((useconds_t)left_us);
    }
    qsort(took, (size_t)count, sizeof *took, by_value);
    (void)printf(
        "{\"case\":\"pg_limit/commit\",\"count\":%lld,\"p50_us\":%lld,\"p95_us\":%lld,\"p99_us\":%lld}\n",
        (long long)count, (long long)took[count / 2], (long long)took[count * 95 / 100],
        (long long)took[count * 99 / 100]);
    free(took);
}

/* ---- the program ---- */

typedef struct Settings {
    const char *only;
    Run fixed; /* batch 0: none */
    int64_t rows, sweep_rows, rate, seconds;
    bool is_json, is_verbose;
} Settings;

static void run_case(Set *s, const Settings *o, const char *test) {
    Run run = o->fixed;
    if (strcmp(test, "copy") == 0) run = (Run){.way = WAY_COPY};
    else if (!run.batch)
        run = sweep(s, test, o->rows < o->sweep_rows ? o->rows : o->sweep_rows, o->is_verbose);
    run.test = test;
    measure(s, &run, o->rows);
    report(s, &run, o->rows, o->is_json);
}

static void open_all(Set *s) {
    for (int i = 0; i < s->count; i++) {
        Limit *l = &s->each[i];
        l->pg = PQconnectdb(s->conninfo);
        if (PQstatus(l->pg) != CONNECTION_OK) die(l->pg, "connect");
        if (i == 0) exec(l->pg, "SET client_min_messages = warning; " CREATE_SQL);
        prepare(l);
    }
}

static int usage(void) {
    (void)fputs("usage: pg_limit --conninfo TEXT [--rows N] [--case copy|insert|update] [--connections N]\n"
                "                [--way unnest|copy_merge|copy_new|copy_update --batch N] [--sweep N] "
                "[--json] [--verbose]\n"
                "       pg_limit --conninfo TEXT --case commit [--rate N] [--seconds N]\n",
                stderr);
    return 2;
}

static bool take_way(Run *run, const char *name) {
    for (Way way = WAY_UNNEST; way <= WAY_UPDATE; way++) {
        if (strcmp(WAYS[way], name) != 0) continue;
        run->way = way;
        return true;
    }
    return false;
}

static bool take_options(int argc, char **argv, Set *s, Settings *o) {
    static const struct option options[] = {
        {"conninfo", required_argument, NULL, 'c'}, {"rows", required_argument, NULL, 'r'},
        {"case", required_argument, NULL, 't'},     {"connections", required_argument, NULL, 'n'},
        {"way", required_argument, NULL, 'w'},      {"batch", required_argument, NULL, 'b'},
        {"sweep", required_argument, NULL, 's'},    {"rate", required_argument, NULL, 'a'},
        {"seconds", required_argument, NULL, 'e'},  {"json", no_argument, NULL, 'j'},
        {"verbose", no_argument, NULL, 'v'},        {0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'c': s->conninfo = optarg; break;
        case 'r': o->rows = strtoll(optarg, NULL, 10); break;
        case 't': o->only = optarg; break;
        case 'n': s->count = (int)strtol(optarg, NULL, 10); break;
        case 'w':
            if (!take_way(&o->fixed, optarg)) return false;
            break;
        case 'b': o->fixed.batch = strtoll(optarg, NULL, 10); break;
        case 's': o->sweep_rows = strtoll(optarg, NULL, 10); break;
        case 'a': o->rate = strtoll(optarg, NULL, 10); break;
        case 'e': o->seconds = strtoll(optarg, NULL, 10); break;
        case 'j': o->is_json = true; break;
        case 'v': o->is_verbose = true; break;
        default: return false;
        }
    }
    bool is_fixed = o->fixed.way != WAY_COPY, has_batch = o->fixed.batch > 0;
    return s->conninfo && o->rows > 0 && o->sweep_rows > 0 && o->rate > 0 && o->seconds > 0 && s->count > 0 &&
           s->count <= MAX_CONNECTIONS && is_fixed == has_batch && optind == argc;
}

int main(int argc, char **argv) {
    static const char *const cases[] = {"copy", "insert", "update"};
    static Set s = {.count = 1};
    Settings o = {.rows = 1000000, .sweep_rows = SWEEP_ROWS, .rate = 50, .seconds = 20};
    if (!take_options(argc, argv, &s, &o)) return usage();
    bool is_commit = o.only && strcmp(o.only, "commit") == 0, is_known = !o.only || is_commit;
    for (size_t i = 0; i < 3; i++) is_known |= o.only && strcmp(o.only, cases[i]) == 0;
    if (!is_known) return usage();
    open_all(&s);
    if (is_commit) time_commits(&s.each[0], o.rate, o.seconds);
    for (size_t i = 0; i < 3; i++)
        if (!o.only || strcmp(o.only, cases[i]) == 0) run_case(&s, &o, cases[i]);
    exec(s.each[0].pg, "DROP TABLE " TABLE);
    for (int i = 0; i < s.count; i++) {
        PQfinish(s.each[i].pg);
        buf_done(&s.each[i].out);
    }
    return 0;
}
