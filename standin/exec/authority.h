/*
 * authority.h - as whom a session acts and what it may do: logins and server permissions, users, roles,
 * grants and denials in a database, EXECUTE AS. Owner thread only, catalog pinned.
 */
#ifndef STANDIN_EXEC_AUTHORITY_H
#define STANDIN_EXEC_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/exec/proc.h"
#include "standin/store/permission.h"

/* ---- on the server */
uint32_t authority_server(Session *s); /* ServerPermission, with what they cover */
bool authority_server_may(Session *s, uint32_t permissions);
/* Of any login: NULL name is the session's. *ret_exists false: there is no such login. */
bool authority_has_server_role(Session *s, Str role, const Str *login, bool *ret_exists);

/* ---- in a database */
bool authority_may_enter(Session *s, const Database *d);        /* else 916 */
const Principal *authority_user(Session *s, const Database *d); /* NULL: it may not enter */
Str authority_default_schema(Session *s, const Database *d);
/* Permissions on the database (t NULL), or on a table or view, with what covers them. */
uint32_t authority_of(Session *s, const Database *d, const Table *t);
uint32_t authority_on_schema(Session *s, const Database *d, const Schema *schema);
bool authority_may(Session *s, const Database *d, uint32_t permissions); /* on the database */
/* Are its name and columns to be seen: does the user have any permission on it? */
bool authority_sees(Session *s, const Table *t);
/* The columns used (NULL: all) of t; *e is 229 or 230. */
bool authority_may_columns(Session *s, const Table *t, uint32_t permission, const bool *used, SqlError *e);
/* May it read this system view? 300 or 262; 297 is said behind them (authority_denial_follows). */
bool authority_may_view(Session *s, const Database *d, Str view, SqlError *e);
bool authority_denial_follows(const SqlError *e);

/* ---- EXECUTE AS */
typedef struct Identity Identity;
/* 15406 (login), 15517 (user). */
bool authority_impersonate(Session *s, bool is_login, Str name, SqlError *e);
void authority_revert(Session *s);                     /* nothing to revert: no effect */
void authority_revert_to(Session *s, Identity *until); /* what a text has begun ends with it */

#endif
