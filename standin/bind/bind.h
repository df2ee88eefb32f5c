/*
 * bind.h - from syntax tree to SQL that SQLite runs: names are resolved, every expression gets its T-SQL
 * type, implicit conversions become calls of registered functions (functions.h). The session's thread only.
 *
 * The binder asks its caller for everything it doesn't know (BindHost). Results live in the arena handed in
 * and stay valid while the relations' definitions and the variables' types do: a loop may run one many times.
 *
 * SQL shape: every FROM item is `<source> AS f<n>`; a relation's source is what the host's write_source gives
 * (a table name or a parenthesised SELECT), with columns named c<column id>; a row's key is `rowid` of a
 * table name, `_rid_` of a parenthesised SELECT. Parameters are ?1 … ?n in the order of BoundQuery.params.
 */
#ifndef STANDIN_BIND_BIND_H
#define STANDIN_BIND_BIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "standin/tsql/ast.h"
#include "standin/tsql/sqlerror.h"
#include "standin/types/type.h"
#include "standin/types/value.h"

/* ---- what the host describes ---- */

typedef struct BindColumn {
    Str name;
    int32_t column_id; /* SQLite column c<id> */
    Type type;
    bool is_nullable, is_identity, is_computed; /* rowversion counts as computed: never given */
    Str default_text; /* DEFAULT's expression as text, parsed by parser_expression; empty: none */
    Str computed_text;
} BindColumn;

typedef enum BindRelationKind {
    BIND_TABLE,          /* user table, also of schema cdc */
    BIND_TEMPORARY,      /* #t */
    BIND_TABLE_VARIABLE, /* @t */
    BIND_VIEW,           /* system view: read only */
    BIND_FUNCTION,       /* table-valued */
} BindRelationKind;

/* A thing that can stand in FROM. Owned by the host; lives at least as long as what was bound with it. */
typedef struct BindRelation {
    BindRelationKind kind;
    int32_t database_id, object_id;
    Str database, schema, name; /* as messages show them */
    const BindColumn *columns;  /* not needed when sql is set */
    size_t column_count;
    const Type
        *parameters; /* BIND_FUNCTION: arguments are converted to these; TYPE_NULL: taken as they come */
    size_t parameter_count, required_count;
    const Str *parameter_names; /* with '@'; needed when sql is set */
    Str sql; /* a T-SQL SELECT bound in place, in database_id; parameters are @variables in it; else empty */
    void *host_data; /* the host's own */
} BindRelation;

/* A scalar function that the host supplies (sys.fn_cdc_get_max_lsn): the host registers it with SQLite. */
typedef struct BindScalar {
    const char *sqlite_name; /* gets the arguments, converted; absent ones are NULL */
    Type result;
    const Type *parameters; /* TYPE_NULL: taken as it comes */
    size_t parameter_count, required_count;
} BindScalar;

/* Values that a session has or knows at the start of a statement; the same for the whole statement. */
typedef enum BindIntrinsic {
    INTRINSIC_GETDATE,           /* datetime; also CURRENT_TIMESTAMP */
    INTRINSIC_GETUTCDATE,        /* datetime */
    INTRINSIC_SYSDATETIME,       /* datetime2(7) */
    INTRINSIC_SYSUTCDATETIME,    /* datetime2(7) */
    INTRINSIC_SYSDATETIMEOFFSET, /* datetimeoffset(7) */
    INTRINSIC_ROWCOUNT,          /* int */
    INTRINSIC_ROWCOUNT_BIG,      /* bigint */
    INTRINSIC_ERROR,             /* int */
    INTRINSIC_TRANCOUNT,         /* int */
    INTRINSIC_IDENTITY,          /* numeric(38,0): @@IDENTITY */
    INTRINSIC_SCOPE_IDENTITY,    /* numeric(38,0) */
    INTRINSIC_DBTS,              /* binary(8) */
    INTRINSIC_NEXT_ROWVERSION,   /* binary(8): MIN_ACTIVE_ROWVERSION() */
    INTRINSIC_SPID,              /* smallint */
    INTRINSIC_PROCID,            /* int */
    INTRINSIC_NESTLEVEL,         /* int */
    INTRINSIC_OPTIONS,           /* int */
    INTRINSIC_LOCK_TIMEOUT,      /* int */
    INTRINSIC_TEXTSIZE,          /* int */
    INTRINSIC_DATEFIRST,         /* tinyint */
    INTRINSIC_LANGID,            /* smallint */
    INTRINSIC_LANGUAGE,          /* nvarchar(128) */
    INTRINSIC_SERVERNAME,        /* nvarchar(128) */
    INTRINSIC_SERVICENAME,       /* nvarchar(128) */
    INTRINSIC_VERSION,           /* nvarchar(300) */
    INTRINSIC_MICROSOFTVERSION,  /* int */
    INTRINSIC_XACT_STATE,        /* smallint */
    INTRINSIC_ERROR_NUMBER,      /* int; NULL outside CATCH, as the next five */
    INTRINSIC_ERROR_SEVERITY,    /* int */
    INTRINSIC_ERROR_STATE,       /* int */
    INTRINSIC_ERROR_LINE,        /* int */
    INTRINSIC_ERROR_PROCEDURE,   /* nvarchar(128) */
    INTRINSIC_ERROR_MESSAGE,     /* nvarchar(4000) */
    INTRINSIC_DB_ID,             /* smallint: without argument */
    INTRINSIC_DB_NAME,           /* nvarchar(128): without argument */
    INTRINSIC_USER_NAME,         /* nvarchar(128): USER, CURRENT_USER, SESSION_USER, USER_NAME() */
    INTRINSIC_USER_ID,           /* int: database_principal id */
    INTRINSIC_SUSER_NAME,        /* nvarchar(128): SYSTEM_USER, SUSER_SNAME(), ORIGINAL_LOGIN() */
    INTRINSIC_ORIGINAL_LOGIN,    /* nvarchar(128) */
    INTRINSIC_SCHEMA_NAME,       /* nvarchar(128): default schema */
    INTRINSIC_APP_NAME,          /* nvarchar(128) */
    INTRINSIC_HOST_NAME,         /* nvarchar(128) */
    INTRINSIC_CONTEXT_INFO,      /* varbinary(128) */
    INTRINSIC_COUNT
} BindIntrinsic;

/* Functions over the catalog; arguments come converted to the types of functions.h's table (NULL when
 * absent), the result has the type named there. */
typedef enum BindMetadata {
    METADATA_OBJECT_ID,             /* (nvarchar name, nvarchar type) int */
    METADATA_OBJECT_NAME,           /* (int id, int database) nvarchar(128) */
    METADATA_OBJECT_SCHEMA_NAME,    /* (int id, int database) nvarchar(128) */
    METADATA_OBJECT_DEFINITION,     /* (int id) nvarchar(max) */
    METADATA_DB_ID,                 /* (nvarchar name) smallint */
    METADATA_DB_NAME,               /* (int id) nvarchar(128) */
    METADATA_SCHEMA_ID,             /* (nvarchar name) int */
    METADATA_SCHEMA_NAME,           /* (int id) nvarchar(128) */
    METADATA_COL_LENGTH,            /* (nvarchar table, nvarchar column) smallint */
    METADATA_COL_NAME,              /* (int table, int column) nvarchar(128) */
    METADATA_COLUMNPROPERTY,        /* (int id, nvarchar column, nvarchar property) int */
    METADATA_OBJECTPROPERTY,        /* (int id, nvarchar property) int */
    METADATA_OBJECTPROPERTYEX,      /* (int id, nvarchar property) sql_variant */
    METADATA_INDEXPROPERTY,         /* (int id, nvarchar index, nvarchar property) int */
    METADATA_INDEX_COL,             /* (nvarchar table, int index, int key) nvarchar(128) */
    METADATA_SERVERPROPERTY,        /* (nvarchar property) sql_variant */
    METADATA_DATABASEPROPERTYEX,    /* (nvarchar database, nvarchar property) sql_variant */
    METADATA_DATABASE_PRINCIPAL_ID, /* (nvarchar name) int; also USER_ID */
    METADATA_USER_NAME,             /* (int id) nvarchar(128) */
    METADATA_SUSER_SNAME,           /* (varbinary sid) nvarchar(128) */
    METADATA_SUSER_SID,             /* (nvarchar login) varbinary(85) */
    METADATA_SUSER_ID,              /* (nvarchar login) int */
    METADATA_IS_SRVROLEMEMBER,      /* (nvarchar role, nvarchar login) int */
    METADATA_IS_MEMBER,             /* (nvarchar role) int */
    METADATA_IS_ROLEMEMBER,         /* (nvarchar role, nvarchar principal) int */
    METADATA_HAS_PERMS_BY_NAME,     /* (nvarchar securable, nvarchar class, nvarchar permission, …) int */
    METADATA_HAS_DBACCESS,          /* (nvarchar database) int */
    METADATA_IDENT_CURRENT,         /* (nvarchar table) numeric(38,0) */
    METADATA_IDENT_SEED,            /* (nvarchar table) numeric(38,0) */
    METADATA_IDENT_INCR,            /* (nvarchar table) numeric(38,0) */
    METADATA_TYPE_ID,               /* (nvarchar name) int */
    METADATA_TYPE_NAME,             /* (int user type) nvarchar(128) */
    METADATA_CONNECTIONPROPERTY,    /* (nvarchar property) sql_variant */
    METADATA_SESSIONPROPERTY,       /* (nvarchar option) sql_variant */
    METADATA_COLLATIONPROPERTY,     /* (nvarchar collation, nvarchar property) sql_variant */
    METADATA_STATS_DATE,            /* (int, int) datetime */
    METADATA_COUNT
} BindMetadata;

typedef struct BindHost BindHost;
struct BindHost { /* a session fills one in; borrowed by the binder and by functions.h */
    void *data;   /* first argument of every call below */
    /* While binding. */
    bool (*variable)(void *data, Str name, Type *ret); /* "@x"; false: not declared (137) */
    /* A variable whose type `variable` gave as TYPE_NULL is used as this type here. */
    void (*deduce)(void *data, Str name, const Type *type);
    /* Names resolve in database_id where they don't name one (0: the session's current one; a view's SQL is
     * bound in the view's). NULL: not found (the binder raises 208) unless *e was filled (number != 0: 911,
     * 229, 3952 …). What is returned lives as long as the arena handed to the binder. */
    const BindRelation *(*relation)(void *data, int32_t database_id, const AstName *name, Arena *a,
                                    SqlError *e);
    const BindRelation *(*function)(void *data, int32_t database_id, const AstName *name, Arena *a,
                                    SqlError *e);
    const BindScalar *(*scalar)(void *data, int32_t database_id, const AstName *name, Arena *a, SqlError *e);
    /* Append the FROM source of r: a table name or a parenthesised SELECT. args: SQL texts of a function's
     * converted arguments (BIND_FUNCTION). False: *e is filled. */
    bool (*write_source)(void *data, const BindRelation *r, const Str *args, size_t arg_count, Buf *out,
                         SqlError *e);
    uint16_t default_collation; /* of the current database: collation.h's index */
    int date_style;  /* by SET DATEFORMAT: the CONVERT style that text is read by as a date; 0: mdy */
    bool ansi_nulls; /* OFF: x = NULL is true for NULL; the binder honours ON only */
    /* While running; results' bytes in the arena or living as long as the statement. */
    bool (*intrinsic)(void *data, BindIntrinsic what, Arena *a, Value *ret, SqlError *e);
    bool (*metadata)(void *data, BindMetadata what, const Value *args, size_t count, Arena *a, Value *ret,
                     SqlError *e);
};

/* ---- what comes out ---- */

typedef enum BoundParamKind {
    BOUND_VALUE,     /* value */
    BOUND_VARIABLE,  /* name: the session's variable, in its declared type */
    BOUND_INTRINSIC, /* intrinsic */
    BOUND_INSERTED,  /* column: ordinal in the target relation's columns; the row's value afterwards */
    BOUND_DELETED,   /* likewise, before */
} BoundParamKind;

typedef struct BoundParam {
    BoundParamKind kind;
    Type type;
    Value value;
    Str name;
    BindIntrinsic intrinsic;
    size_t column;
} BoundParam;

typedef struct BoundColumn {
    Str name; /* empty: no column name */
    Type type;
    bool is_nullable, is_identity, is_computed, is_updatable;
    Str table;    /* base table of a plain column */
    Str variable; /* SELECT @v = …: assign instead of sending; type is the variable's */
} BoundColumn;

typedef enum BindAccess { BIND_READ, BIND_CHANGE } BindAccess;
typedef struct BoundRef { /* a relation the statement touches; each occurrence once */
    const BindRelation *relation;
    BindAccess access;
    uint32_t hints;   /* HINT_… */
    const bool *used; /* which of the relation's columns the statement names; NULL: not known */
} BoundRef;

typedef struct BoundQuery {
    const char *sql; /* for sqlite3_prepare_v2, NUL-terminated */
    BoundParam *params;
    size_t param_count;
    BoundColumn *columns; /* as many as the SQL gives */
    size_t column_count;
    BoundRef *refs;
    size_t ref_count;
    bool assigns; /* all columns have a variable */
    bool has_for_browse;
    /* The query is nothing but columns of one relation (WHERE, TOP, ORDER BY may be there): which, by
     * ordinal; else NULL. */
    const size_t *plain;
    /* Nothing but one parameter (a constant too, from bind_scalar and bind_row) and no FROM: its value is the
     * result, a short cut around SQLite. */
    bool is_param;
} BoundQuery;

typedef struct BoundOutput { /* OUTPUT: run `query` per row with BOUND_INSERTED/BOUND_DELETED filled in */
    BoundQuery query;
    const BindRelation *into; /* NULL: rows go to the client */
    size_t *into_columns;     /* ordinals, as many as query's columns (values are converted already) */
} BoundOutput;

typedef struct BoundInsert {
    const BindRelation *target;
    uint32_t hints;
    size_t *columns; /* ordinals of the given columns, in the source's order */
    size_t column_count;
    AstInsertSource source;
    bool gives_identity; /* the identity column is among them: IDENTITY_INSERT must be ON (544) */
    /* INSERT_FROM_QUERY: the values, converted to the columns' types. rows instead when all are known now:
     * row_count × column_count values; otherwise rows is NULL and query is set. A DEFAULT in VALUES is
     * already replaced by the column's expression. */
    BoundQuery query;
    const Value *rows;
    size_t row_count;
    AstExec *exec;       /* INSERT_FROM_EXEC: convert each row by bind_assign */
    BoundOutput *output; /* or NULL */
} BoundInsert;

typedef struct BoundUpdate {
    const BindRelation *target;
    uint32_t hints;
    /* First column the row's key (rowid); then the new values, converted, one per set column; then the values
     * for variables (their BoundColumn.variable is set). A key may come repeatedly (a join): the first
     * counts. */
    BoundQuery query;
    size_t *columns; /* ordinals of the set columns */
    size_t column_count;
    BoundOutput *output;
} BoundUpdate;

typedef struct BoundDelete {
    const BindRelation *target;
    uint32_t hints;
    BoundQuery query; /* one column: rowid, possibly repeated */
    BoundOutput *output;
} BoundDelete;

typedef struct BoundMergeWhen {
    AstMergeMatch match;
    AstMergeAction action;
    size_t *columns; /* UPDATE: those that are set; INSERT: those that are given */
    size_t column_count;
    Str *variables; /* UPDATE: those that are set, in types of their own */
    size_t variable_count;
    bool gives_identity; /* as in BoundInsert */
} BoundMergeWhen;

typedef struct BoundMerge {
    const BindRelation *target;
    uint32_t hints;
    BoundMergeWhen whens[MERGE_MAX_WHENS];
    size_t when_count;
    /* First column the target row's key (rowid; NULL: there is none), then which of `whens` the row takes
     * (NULL: none). From MERGE_FIRST_VALUE on the values of that one, converted: its columns', then its
     * variables'. From first_extra on columns of the source that OUTPUT names. */
    BoundQuery query;
    size_t first_extra, extra_count;
    /* OUTPUT: BOUND_DELETED's columns go on behind the target's. The first there is $action; extra i is
     * at extra_at[i]; there are image_size in all. */
    size_t *extra_at;
    size_t image_size;
    BoundOutput *output; /* or NULL */
} BoundMerge;

enum { MERGE_KEY, MERGE_WHEN, MERGE_FIRST_VALUE };

/* False: *e is filled, line included. */
MUST_CHECK bool bind_select(const BindHost *h, Arena *a, const AstStmt *s, BoundQuery *ret, SqlError *e);
MUST_CHECK bool bind_insert(const BindHost *h, Arena *a, const AstStmt *s, BoundInsert *ret, SqlError *e);
MUST_CHECK bool bind_update(const BindHost *h, Arena *a, const AstStmt *s, BoundUpdate *ret, SqlError *e);
MUST_CHECK bool bind_delete(const BindHost *h, Arena *a, const AstStmt *s, BoundDelete *ret, SqlError *e);
MUST_CHECK bool bind_merge(const BindHost *h, Arena *a, const AstStmt *s, BoundMerge *ret, SqlError *e);
/* One value; `to` NULL keeps the expression's own type (columns[0].type), else converts as SET @v does. */
MUST_CHECK bool bind_scalar(const BindHost *h, Arena *a, const AstExpr *x, const Type *to, BoundQuery *ret,
                            SqlError *e);
/* A condition (IF, WHILE): one column, 1, 0 or NULL. */
MUST_CHECK bool bind_condition(const BindHost *h, Arena *a, const AstExpr *x, BoundQuery *ret, SqlError *e);
/* Expressions over one row of r, whose columns are BOUND_INSERTED parameters: CHECK (is_condition), computed
 * columns and DEFAULTs (columns aren't allowed there). to: as bind_scalar. */
MUST_CHECK bool bind_row(const BindHost *h, Arena *a, const BindRelation *r, const AstExpr *x,
                         bool is_condition, const Type *to, BoundQuery *ret, SqlError *e);
/* The type of an expression over r's columns (computed columns); r may be NULL. */
MUST_CHECK bool bind_type(const BindHost *h, Arena *a, const BindRelation *r, const AstExpr *x, Type *ret,
                          bool *ret_nullable, SqlError *e);
/* Convert a value for assignment to column `ordinal` of r, with its error texts (2628, 8152 …). Not for NULL
 * checks. */
MUST_CHECK bool bind_assign(const BindRelation *r, size_t ordinal, const Type *from, Value v, Arena *a,
                            Value *ret, SqlError *e);

#endif
