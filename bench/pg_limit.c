/*
 * pg_limit.c - how fast can PostgreSQL take these rows at all? The same writes as the sink's, by one
 * connection, from data made in memory, with nothing else in the way: the mark to measure millrace against.
 *
 *   copy    binary COPY into an empty table with a primary key
 *   insert  new rows, by array parameters (unnest … ON CONFLICT) and by COPY to a temporary table + INSERT …
 * ON CONFLICT update  rows that are there, in the same two ways
 *
 * The table has the bench's shape: bigint key, two texts, numeric(12,2), numeric(19,4), timestamp, boolean,
 * uuid. Each way is tried with several batch sizes, and the best is reported, as text or as one line of JSON
 * a case.
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

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum { COLUMNS = 8, PIECE_BYTES = 128 * 1024, NUMERIC_MAX_GROUPS = 6 };
#define TABLE "pg_limit_rows"
#define ALL   "id, name, city, price, amount, changed_at, is_active, code"
#define CREATE_SQL                                                                                           \
    "DROP TABLE IF EXISTS " TABLE "; CREATE TABLE " TABLE                                                    \
    " (id bigint PRIMARY KEY, name varchar(60) NOT NULL,"                                                    \
    " city varchar(40), price numeric(12,2), amount numeric(19,4), changed_at timestamp(6), is_active "      \
    "boolean,"                                                                                               \
    " code uuid)"
#define ON_CONFLICT                                                                                          \
    " ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, city = EXCLUDED.city, price = EXCLUDED.price,"    \
    " amount = EXCLUDED.amount, changed_at = EXCLUDED.changed_at, is_active = EXCLUDED.is_active,"           \
    " code = EXCLUDED.code"

typedef enum Way { WAY_COPY, WAY_UNNEST, WAY_MERGE } Way;

typedef struct Run {
    const char *test; /* "copy", "insert", "update" */
    Way way;
    int64_t batch;
    double rows_per_s, own_cpu_s, pg_cpu_s; /* CPU of the whole run; pg < 0 = not permitted */
} Run;

typedef struct Limit {
    PGconn *pg;
    int64_t rows;
    int64_t round; /* makes the rows of each run new */
    Buf out;
} Limit;

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
    case 0: put_u64(b, (uint64_t)i + 1); break;
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

static const Oid ELEMENT[COLUMNS] = {20, 1043, 1043, 1700, 1700, 1114, 16, 2950};
static const Oid ARRAY[COLUMNS] = {1016, 1015, 1015, 1231, 1231, 1115, 1000, 2951};

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

static void write_merge(Limit *l, int64_t from, int64_t to) {
    exec(l->pg, "BEGIN");
    copy_rows(l, "COPY pg_limit_new FROM STDIN WITH (FORMAT binary)", from, to);
    must(l->pg, PQexecPrepared(l->pg, "merge", 0, NULL, NULL, NULL, 0), PGRES_COMMAND_OK, "merge");
    exec(l->pg, "COMMIT");
}

static void prepare(Limit *l) {
    exec(l->pg, "SET client_min_messages = warning");
    exec(l->pg, CREATE_SQL);
    exec(l->pg,
         "CREATE TEMPORARY TABLE pg_limit_new ON COMMIT DELETE ROWS AS SELECT * FROM " TABLE " WITH NO DATA");
    must(l->pg,
         PQprepare(l->pg, "unnest",
                   "INSERT INTO " TABLE " (" ALL
                   ") SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)" ON_CONFLICT,
                   COLUMNS, ARRAY),
         PGRES_COMMAND_OK, "prepare");
    must(l->pg,
         PQprepare(l->pg, "merge",
                   "INSERT INTO " TABLE " (" ALL ") SELECT " ALL " FROM pg_limit_new" ON_CONFLICT, 0, NULL),
         PGRES_COMMAND_OK, "prepare");
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
    if (way == WAY_UNNEST) write_unnest(l, from, to);
    else if (way == WAY_MERGE) write_merge(l, from, to);
    else copy_rows(l, "COPY " TABLE " FROM STDIN WITH (FORMAT binary)", from, to);
}

/* Both CPU figures are per run; the caller divides. */
static void measure(Limit *l, Run *run) {
    l->round++;
    bool is_update = strcmp(run->test, "update") == 0;
    if (!is_update) exec(l->pg, "TRUNCATE " TABLE);
    exec(l->pg, "CHECKPOINT");
    double own = own_cpu_s(), pg = backend_cpu_s(l->pg);
    int64_t start_us = clock_mono_us();
    for (int64_t from = 0; from < l->rows; from += run->batch)
        write_batch(l, run->way, from, from + run->batch < l->rows ? from + run->batch : l->rows);
    double seconds = (double)(clock_mono_us() - start_us) / 1e6;
    run->rows_per_s = (double)l->rows / seconds;
    run->own_cpu_s = own_cpu_s() - own;
    run->pg_cpu_s = pg < 0 ? -1 : backend_cpu_s(l->pg) - pg;
    if (is_update) exec(l->pg, "VACUUM " TABLE); /* each run finds the same room */
}

static const char *const WAYS[] = {"copy", "unnest", "copy_merge"};

static void report(const Limit *l, const Run *run, bool is_json) {
    double millions = (double)l->rows / 1e6;
    if (!is_json) {
        (void)printf("%-7s %-11s batch %7lld  %9.0f rows/s  own %.2f  PostgreSQL %.2f CPU s per million\n",
                     run->test, WAYS[run->way], (long long)run->batch, run->rows_per_s,
                     run->own_cpu_s / millions, run->pg_cpu_s / millions);
        return;
    }
    (void)printf("{\"case\":\"pg_limit/%s\",\"way\":\"%s\",\"batch\":%lld,\"rows\":%lld,\"rows_per_s\":%.0f,"
                 "\"cpu_s_per_million\":%.3f",
                 run->test, WAYS[run->way], (long long)run->batch, (long long)l->rows, run->rows_per_s,
                 run->own_cpu_s / millions);
    if (run->pg_cpu_s >= 0) (void)printf(",\"pg_cpu_s_per_million\":%.3f", run->pg_cpu_s / millions);
    (void)printf("}\n");
}

/* All ways and batch sizes of one case; the best is reported. */
static void run_case(Limit *l, const char *test, bool is_json, bool is_verbose) {
    static const int64_t sizes[] = {1000, 5000, 10000, 20000, 50000};
    Run best = {0};
    if (strcmp(test, "copy") == 0) {
        best = (Run){.test = test, .way = WAY_COPY, .batch = l->rows};
        measure(l, &best);
        report(l, &best, is_json);
        return;
    }
    if (strcmp(test, "update") == 0) {
        exec(l->pg, "TRUNCATE " TABLE);
        copy_rows(l, "COPY " TABLE " FROM STDIN WITH (FORMAT binary)", 0, l->rows);
        exec(l->pg, "VACUUM ANALYZE " TABLE);
    }
    for (Way way = WAY_UNNEST; way <= WAY_MERGE; way++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            Run run = {.test = test, .way = way, .batch = sizes[i]};
            if (run.batch > l->rows) continue;
            measure(l, &run);
            if (is_verbose) report(l, &run, /* is_json= */ false);
            if (run.rows_per_s > best.rows_per_s) best = run;
        }
    report(l, &best, is_json);
}

static int usage(void) {
    (void)fputs(
        "usage: pg_limit --conninfo TEXT [--rows N] [--case copy|insert|update] [--json] [--verbose]\n",
        stderr);
    return 2;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"conninfo", required_argument, NULL, 'c'}, {"rows", required_argument, NULL, 'r'},
        {"case", required_argument, NULL, 't'},     {"json", no_argument, NULL, 'j'},
        {"verbose", no_argument, NULL, 'v'},        {0}};
    static const char *const cases[] = {"copy", "insert", "update"};
    const char *conninfo = NULL, *only = NULL;
    bool is_json = false, is_verbose = false;
    Limit l = {.rows = 1000000};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'c') conninfo = optarg;
        else if (o == 'r') l.rows = strtoll(optarg, NULL, 10);
        else if (o == 't') only = optarg;
        else if (o == 'j') is_json = true;
        else if (o == 'v') is_verbose = true;
        else return usage();
    }
    bool is_known = !only;
    for (size_t i = 0; i < 3; i++) is_known |= only && strcmp(only, cases[i]) == 0;
    if (!conninfo || l.rows < 1 || optind < argc || !is_known) return usage();
    l.pg = PQconnectdb(conninfo);
    if (PQstatus(l.pg) != CONNECTION_OK) die(l.pg, "connect");
    prepare(&l);
    for (size_t i = 0; i < 3; i++)
        if (!only || strcmp(only, cases[i]) == 0) run_case(&l, cases[i], is_json, is_verbose);
    exec(l.pg, "DROP TABLE " TABLE);
    PQfinish(l.pg);
    buf_done(&l.out);
    return 0;
}
