/*
 * sysobj.h - the server's own functions and views: scalar functions (sys.fn_cdc_get_max_lsn), views
 * (sys.tables), table-valued functions (cdc.fn_cdc_get_all_changes_dbo_t). Registered once at start by exec/
 * and cdc/, looked up by bind/, run by exec/. Built-in language functions (LEN, GETDATE, CAST) aren't here:
 * bind/ has them.
 *
 * Thread rule: registration before the server takes sessions; after that read-only, any thread.
 *
 * A view or table function comes in one of two kinds:
 *   SYS_ROWS  a C callback gives the rows (few: metadata); in the generated SQL it is a table-valued function
 * of SQLite (systable_sqlite_name), which exec/ has registered on each connection SYS_SQL   a T-SQL SELECT,
 * bound in place as a derived table in the database that was named, without permission checks; parameters of
 * a function stand in it as @name variables
 */
#ifndef STANDIN_STORE_SYSOBJ_H
#define STANDIN_STORE_SYSOBJ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "standin/store/sql_error.h"
#include "standin/types/type.h"
#include "standin/types/value.h"

struct Session; /* exec/session.h: whose question this is */
typedef struct SysRegistry SysRegistry;

enum { SYSOBJ_MAX_ARGS = 16 };

typedef struct SysParam {
    const char *name; /* with '@' */
    Type type;        /* TYPE_NULL: taken as it comes */
    bool is_optional; /* then NULL */
} SysParam;

/* Scalar function: args are already of the parameters' types. The result is in the arena or static. False:
 * *e. */
typedef bool SysScalar(struct Session *s, const Value *args, size_t count, Arena *arena, Value *ret,
                       SqlError *e);

typedef struct SysFunction {
    const char
        *schema; /* "sys", "cdc", "" = callable without a schema (also OBJECT_ID-like built-ins of exec/) */
    const char *name;
    Type result;
    const SysParam *params;
    size_t param_count;    /* ≤ SYSOBJ_MAX_ARGS */
    bool is_deterministic; /* same arguments, same answer within one statement */
    SysScalar *call;
} SysFunction;

typedef enum SysKind { SYS_ROWS, SYS_SQL } SysKind;

typedef struct SysColumn {
    Str name;
    Type type;
    bool is_nullable;
} SysColumn;

typedef struct SysRows SysRows;
/* Add one row, as many values as columns; copied. */
void sysrows_add(SysRows *rows, const Value *values);
/* Database whose view it is: `master.sys.tables` from anywhere gives master's tables. */
typedef bool SysFill(struct Session *s, int32_t database_id, const Value *args, size_t arg_count,
                     SysRows *rows, Arena *arena, SqlError *e);

typedef struct SysTable {
    const char *schema; /* "sys", "INFORMATION_SCHEMA", "dbo", "cdc" */
    const char *name;
    SysKind kind;
    bool is_function;         /* stands in FROM with arguments */
    const SysColumn *columns; /* SYS_ROWS; SYS_SQL: NULL, the SELECT has them */
    size_t column_count;
    const SysParam *params;
    size_t param_count;
    SysFill *fill;       /* SYS_ROWS */
    const char *sql;     /* SYS_SQL */
    int32_t database_id; /* 0 = in every database; else only there */
    int32_t object_id;   /* negative, given at registration */
} SysTable;

/* A family whose members depend on the database (fn_cdc_get_all_changes_<instance>): asked when no table,
 * view or fixed function has the name. What *ret points to is in the arena. False: not one of mine. */
typedef bool SysFind(void *arg, struct Session *s, int32_t database_id, Str schema, Str name,
                     bool is_function, Arena *arena, SysTable *ret);

/* Likewise the other way round: what has this object_id? The names are in the arena. False: not one of mine.
 */
typedef struct SysName {
    Str schema, name;
    char type[3]; /* as sys.objects has it: "V ", "IF" … */
    bool is_ms_shipped;
} SysName;
typedef bool SysNamer(void *arg, struct Session *s, int32_t database_id, int32_t object_id, Arena *arena,
                      SysName *ret);

SysRegistry *sysregistry_new(void);
SysRegistry *sysregistry_free(SysRegistry *r); /* returns NULL */
/* Arrays are borrowed for the registry's life (static tables). */
void sysregistry_add_functions(SysRegistry *r, const SysFunction *functions, size_t count);
void sysregistry_add_tables(SysRegistry *r, const SysTable *tables, size_t count);
void sysregistry_add_finder(SysRegistry *r, SysFind *find, void *arg);
void sysregistry_add_namer(SysRegistry *r, SysNamer *name, void *arg);

/* Look-up, names in any letter case; schema may be empty (functions: those with schema "" only). NULL: none.
 */
const SysFunction *sysregistry_function(const SysRegistry *r, Str schema, Str name);
/* By database; finders are asked too, their answer is made in the arena. is_function: the name stands with
 * arguments. */
const SysTable *sysregistry_table(const SysRegistry *r, struct Session *s, int32_t database_id, Str schema,
                                  Str name, bool is_function, Arena *arena);
/* Schema and name of a view, function or member of a family by its object_id. */
bool sysregistry_name(const SysRegistry *r, struct Session *s, int32_t database_id, int32_t object_id,
                      Arena *arena, SysName *ret);
/* The object_id of a scalar function: negative. */
int32_t sysregistry_function_id(const SysRegistry *r, const SysFunction *f);
/* Walk: *at starts at 0. */
const SysFunction *sysregistry_next_function(const SysRegistry *r, size_t *at);
const SysTable *sysregistry_next_table(const SysRegistry *r, size_t *at);
/* The name of a SYS_ROWS table in the generated SQL: a table-valued function of SQLite, called with the
 * database's id and the arguments, with the columns c1, c2, …. In the arena. */
Str systable_sqlite_name(const SysTable *t, Arena *arena);

#endif
