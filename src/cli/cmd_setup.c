/*
 * millrace setup: what an administrator has to run before `millrace run`, on both sides; with --yes it is
 * run.
 *
 * What is there already isn't listed, so a second call prints nothing but that all is set up. Statements come
 * in the order in which they have to run; each is one batch, so that the printed text can be fed to sqlcmd or
 * psql as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/pair.h"
#include "postgres/precheck_pg.h"
#include "postgres/sink_option.h"
#include "sqlserver/precheck.h"
#include "sqlserver/setup_sql.h"
#include "sqlserver/sql_text.h"

typedef struct Setup {
    const Pair *pair;
    const char *reader; /* login to give grants to; NULL = none */
    SourceSettings settings;
    Odbc *odbc;
    Catalog catalog;
    TextList source_sql; /* T-SQL, in order */
    TextList notes;      /* of the source: what may be done besides */
    Buf target_sql;      /* statements, each ended by ';' and a line end */
} Setup;

static void setup_done(Setup *s) {
    catalog_done(&s->catalog);
    odbc_close(s->odbc);
    source_settings_done(&s->settings);
    textlist_done(&s->source_sql);
    textlist_done(&s->notes);
    buf_done(&s->target_sql);
}

static void take(TextList *list, Buf *sql) {
    textlist_add(list, buf_view(sql));
    buf_clear(sql);
}

/* ---- SQL Server ---- */

static bool read_source(Setup *s, Err *e) {
    if (!source_settings(s->pair->source.options, &s->settings, e)) return false;
    s->settings.filter.takes_uncaptured = true;
    return precheck_connect(&s->settings.target, &s->odbc, e) &&
           catalog_load(&s->catalog, s->odbc, &s->settings.filter, e);
}

static void plan_grants(Setup *s, Buf *sql) {
    Str reader = str_from(s->reader);
    setup_sql_create_user(reader, sql);
    CLEANUP_FREE char *create = str_dup(buf_view(sql));
    buf_clear(sql);
    buf_cstr(sql, "IF DATABASE_PRINCIPAL_ID(");
    sql_text_literal(reader, sql);
    buf_printf(sql, ") IS NULL %s", create);
    take(&s->source_sql, sql);
    for (size_t i = 0; i < s->catalog.table_count; i++) {
        const CatalogTable *t = &s->catalog.tables[i];
        setup_sql_grant_table(t->schema, t->name, reader, sql);
        take(&s->source_sql, sql);
    }
    setup_sql_grant_cdc(reader, sql);
    take(&s->source_sql, sql);
}

static void plan_source(Setup *s) {
    CLEANUP(buf_done) Buf sql = {0};
    const Catalog *c = &s->catalog;
    if (!c->is_cdc_enabled) {
        setup_sql_enable_database(&sql);
        take(&s->source_sql, &sql);
    }
    for (size_t i = 0; i < c->table_count; i++) {
        const CatalogTable *t = &c->tables[i];
        if (t->paging.count == 0)
            textlist_printf(
                &s->notes,
                "%s has no primary key and no unique index on NOT NULL columns: give it one, or name "
                "a key by message.key.columns",
                t->qualified);
        if (t->instance_count > 0) continue;
        setup_sql_enable_table(t->schema, t->name, (Str){0}, &sql);
        take(&s->source_sql, &sql);
    }
    if (s->reader) {
        plan_grants(s, &sql);
        setup_sql_grant_server_state(str_from(s->reader), &sql);
        textlist_printf(&s->notes, "in master, so that it is seen whether SQL Server Agent runs: " STR_FMT,
                        STR_ARG(buf_view(&sql)));
        buf_clear(&sql);
    }
    if (c->allows_snapshot) return;
    setup_sql_allow_snapshot(c->database, &sql);
    textlist_printf(&s->notes, "to copy without locks: " STR_FMT, STR_ARG(buf_view(&sql)));
}

/* ---- PostgreSQL ---- */

static bool plan_target(Setup *s, Err *e) {
    const Catalog *c = &s->catalog;
    CLEANUP_FREE const Schema **schemas = x_reallocarray(NULL, c->instance_count + 1, sizeof *schemas);
    Metrics *metrics = metrics_new();
    const ConnectorContext context = pair_context(s->pair, metrics);
    for (size_t i = 0; i < c->instance_count; i++) schemas[i] = c->instances[i].schema;
    bool ok =
        precheck_pg_grants(s->pair->sink.options, &context, schemas, c->instance_count, &s->target_sql, e);
    metrics_free(metrics);
    return ok || err_wrap(e, "target");
}

/* ---- showing and running ---- */

static void show(const Setup *s) {
    (void)printf("-- SQL Server, database " STR_FMT "\n", STR_ARG(s->catalog.database));
    if (s->source_sql.count == 0)
        (void)puts("-- nothing to do: change data capture is on, every table has a capture instance");
    else (void)printf("USE [" STR_FMT "]\nGO\n", STR_ARG(s->catalog.database));
    for (size_t i = 0; i < s->source_sql.count; i++) (void)printf("%s\nGO\n", s->source_sql.items[i]);
    for (size_t i = 0; i < s->notes.count; i++) (void)printf("-- %s\n", s->notes.items[i]);
    (void)printf("\n-- PostgreSQL\n" STR_FMT, STR_ARG(buf_view(&s->target_sql)));
    if (s->target_sql.n == 0) (void)puts("-- nothing to do: the role has what it needs");
}

static bool run_target(const Setup *s, Err *e) {
    Metrics *metrics = metrics_new();
    const ConnectorContext context = pair_context(s->pair, metrics);
    SinkConfig *config = NULL;
    PgConn *conn = NULL;
    CLEANUP_FREE char *sql = str_dup(buf_view(&s->target_sql));
    bool ok = sink_config_new(s->pair->sink.options, &context, &config, e);
    if (ok) {
        const PgConnSpec spec = sink_config_conn(config);
        ok = pgconn_open(&spec, &conn, e) && pgconn_exec(conn, sql, e);
    }
    pgconn_close(conn);
    sink_config_free(config);
    metrics_free(metrics);
    return ok || err_wrap(e, "target");
}

static bool run_all(const Setup *s, Err *e) {
    for (size_t i = 0; i < s->source_sql.count; i++) {
        if (!odbc_exec(s->odbc, s->source_sql.items[i], e)) return err_wrap(e, "%s", s->source_sql.items[i]);
        (void)printf("done: %s\n", s->source_sql.items[i]);
        (void)fflush(stdout);
    }
    if (s->target_sql.n > 0 && !run_target(s, e)) return false;
    if (s->source_sql.count == 0 && s->target_sql.n == 0) (void)puts("nothing to do: both sides are set up");
    for (size_t i = 0; i < s->notes.count; i++) (void)printf("note: %s\n", s->notes.items[i]);
    return true;
}

static bool setup_part(const Pair *pair, const Args *args, Err *e) {
    Setup s = {.pair = pair, .reader = args_value(args, "reader")};
    bool ok = read_source(&s, e);
    if (ok) {
        plan_source(&s);
        ok = plan_target(&s, e);
    }
    if (ok && args_has(args, "yes")) ok = run_all(&s, e);
    else if (ok) show(&s);
    setup_done(&s);
    return ok;
}

static int run(const Args *args) {
    Pair pair = {0};
    Err e = {0};
    if (!command_pair(args, &pair)) return EXIT_USAGE;
    bool ok = true;
    for (size_t i = 0; ok && i < pair_parts(&pair); i++) {
        const Pair part = pair_part(&pair, i);
        ok = setup_part(&part, args, &e);
    }
    if (!ok) command_error("setup: %s", e.msg);
    pair_done(&pair);
    return ok ? EXIT_OK : EXIT_FAILED;
}

static const ArgDef setup_args[] = {
    COMMAND_ENDS,
    {"reader", "LOGIN", "the SQL Server login that millrace run will use: give it what it needs"},
    {"yes", NULL, "run the statements instead of printing them"},
};

const Command command_setup = {
    .name = "setup",
    .usage = "millrace setup [OPTION…] --from=URL --to=URL\n       millrace setup [OPTION…] FILE…",
    .summary = "print (or run) what both sides need: change data capture, capture instances, grants",
    .about = "Connect as somebody who may: sysadmin for the database's change data capture, db_owner for the "
             "tables.\n"
             "Without --yes nothing is changed; the output can be given to sqlcmd and psql.",
    .args = setup_args,
    .arg_count = sizeof setup_args / sizeof *setup_args,
    .run = run,
};
