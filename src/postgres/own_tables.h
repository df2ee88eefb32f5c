/*
 * own_tables.h - making the tables of schema `millrace`, and asking whether they are there: the same for all
 * that keep something in the target. Owner thread of the connection. Errors: as pgconn.h.
 */
#ifndef POSTGRES_OWN_TABLES_H
#define POSTGRES_OWN_TABLES_H

#include <stdbool.h>

#include "base/err.h"
#include "postgres/pgconn.h"

/* SQL that makes millrace.expect(have, want, is ambiguous, table): an error that is the row's own (22000)
 * unless as many rows were changed as were to be. Tables without a key (target.c) and positions count with
 * it. */
#define OWN_TABLES_EXPECT                                                                                    \
    "CREATE OR REPLACE FUNCTION millrace.expect(p_have bigint, p_want bigint, p_is_ambiguous boolean, "      \
    "p_table text)"                                                                                          \
    " RETURNS void LANGUAGE plpgsql AS $f$"                                                                  \
    " BEGIN"                                                                                                 \
    " IF p_is_ambiguous THEN RAISE EXCEPTION '% has no key, and a change fits several rows that differ in "  \
    "columns it"                                                                                             \
    " does not carry', p_table USING ERRCODE = '22000'; END IF;"                                             \
    " IF p_have <> p_want THEN RAISE EXCEPTION 'of % rows to change in %, % are there', p_want, p_table, "   \
    "p_have"                                                                                                 \
    "  USING ERRCODE = '22000'; END IF;"                                                                     \
    " END $f$;"

/* Whether all of these tables of the schema are there: names with a comma between, "status,table_stats". */
MUST_CHECK bool own_tables_exist(PgConn *c, const char *names, bool *ret, Err *e);
/* Run sql (IF NOT EXISTS throughout: somebody else may have been faster) in a transaction of its own, one
 * process at a time. On failure it is rolled back; pgconn_sqlstate tells why. */
MUST_CHECK bool own_tables_make(PgConn *c, const char *sql, Err *e);

#endif
