/*
 * ast.h - the syntax tree of a T-SQL batch. Built by parser.h in one arena and never changed afterwards;
 * every pointer and Str in it lives as long as that arena (texts may also be borrowed from the batch's own
 * text). Any thread may read. Lines count from 1 within the batch. An optional part that is absent is NULL, 0
 * or an empty Str.
 */
#ifndef STANDIN_TSQL_AST_H
#define STANDIN_TSQL_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "standin/types/type.h"
#include "standin/types/value.h"

typedef struct AstExpr AstExpr;
typedef struct AstQuery AstQuery;
typedef struct AstFrom AstFrom;
typedef struct AstStmt AstStmt;

/* server.database.schema.name, right-aligned: missing parts are empty. `sys.x` has schema "sys". */
typedef struct AstName {
    Str server, database, schema, name;
    uint32_t line;
} AstName;

/* A type as written. Defaults are filled in for a declaration (varchar = varchar(1)); where a conversion has
 * other ones (30), the binder looks at has_length. */
typedef struct AstType {
    Type type;
    bool has_length; /* (n), (max), (p[,s]) was given */
    AstName alias;   /* not a system type (type.id is TYPE_NULL): one that CREATE TYPE made; else empty */
    uint32_t line;
} AstType;

/* ---- expressions ---- */

typedef enum AstExprKind {
    EXPR_LITERAL,      /* u.literal */
    EXPR_DEFAULT,      /* the word DEFAULT in VALUES, SET or EXEC */
    EXPR_VARIABLE,     /* u.name: "@x" */
    EXPR_GLOBAL,       /* u.name: "@@ROWCOUNT", as written */
    EXPR_COLUMN,       /* u.column: [[db.]schema.]table.]column */
    EXPR_UNARY,        /* u.unary */
    EXPR_BINARY,       /* u.binary: arithmetic, bits, comparison, AND, OR */
    EXPR_IS_NULL,      /* u.is_null */
    EXPR_BETWEEN,      /* u.between */
    EXPR_IN,           /* u.in: list or query */
    EXPR_LIKE,         /* u.like */
    EXPR_EXISTS,       /* u.query */
    EXPR_QUANTIFIED,   /* u.quantified: a = ANY (query) */
    EXPR_CASE,         /* u.case_ */
    EXPR_CAST,         /* u.cast: CAST, TRY_CAST, CONVERT, TRY_CONVERT, PARSE (TRY_PARSE) */
    EXPR_CALL,         /* u.call: functions and aggregates, with OVER */
    EXPR_SUBQUERY,     /* u.query: scalar */
    EXPR_COLLATE,      /* u.collate */
    EXPR_AT_TIME_ZONE, /* u.binary: left AT TIME ZONE right */
} AstExprKind;

typedef enum AstOp {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_BIT_AND,
    OP_BIT_OR,
    OP_BIT_XOR,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_DISTINCT, /* IS DISTINCT FROM: NULL is a value like others */
    OP_NOT_DISTINCT,
    OP_AND,
    OP_OR,
    OP_NEGATE,  /* unary - */
    OP_PLUS,    /* unary + */
    OP_BIT_NOT, /* ~ */
    OP_NOT,
} AstOp;

typedef struct AstOrder {
    AstExpr *expr;
    bool is_descending;
    bool is_desc_given;
} AstOrder;

typedef struct AstWhen {
    AstExpr *when, *then;
} AstWhen;

typedef enum AstFrameKind { FRAME_UNBOUNDED, FRAME_CURRENT, FRAME_ROWS } AstFrameKind;
typedef struct AstFrameBound {
    AstFrameKind kind;
    bool is_following;
    AstExpr *rows; /* FRAME_ROWS */
} AstFrameBound;

/* OVER (PARTITION BY … ORDER BY … [ROWS | RANGE …]). A frame without BETWEEN ends at the current row. */
typedef struct AstOver {
    AstExpr **partition;
    size_t partition_count;
    AstOrder *order;
    size_t order_count;
    bool has_frame, is_range;
    AstFrameBound start, end;
} AstOver;

typedef struct AstCall {
    AstName name; /* LEN, sys.fn_cdc_get_max_lsn, … */
    AstExpr **args;
    size_t arg_count;
    bool is_star;     /* COUNT(*) */
    bool is_distinct; /* COUNT(DISTINCT x) */
    Str datepart;     /* first argument of DATEADD, DATEDIFF, DATEPART, DATENAME, DATETRUNC: not in args */
    AstOver *over;    /* or NULL */
    AstOrder *within; /* STRING_AGG … WITHIN GROUP (ORDER BY …) */
    size_t within_count;
} AstCall;

struct AstExpr {
    AstExprKind kind;
    uint32_t line;
    union {
        struct {
            Type type; /* int, bigint never: numeric beyond int; varchar, nvarchar, varbinary, money, float */
            Value value;
        } literal;
        Str name;
        AstName column;
        struct {
            AstOp op;
            AstExpr *operand;
        } unary;
        struct {
            AstOp op;
            AstExpr *left, *right;
        } binary;
        struct {
            AstExpr *operand;
            bool is_not;
        } is_null;
        struct {
            AstExpr *operand, *low, *high;
            bool is_not;
        } between;
        struct {
            AstExpr *operand;
            AstExpr **list; /* NULL: query */
            size_t count;
            AstQuery *query;
            bool is_not;
        } in;
        struct {
            AstExpr *operand, *pattern, *escape; /* escape may be NULL */
            bool is_not;
        } like;
        AstQuery *query;
        struct {
            AstOp op;
            AstExpr *operand;
            AstQuery *query;
            bool is_all;
        } quantified;
        struct {
            AstExpr *operand; /* NULL: searched CASE */
            AstWhen *whens;
            size_t count;
            AstExpr *otherwise;
        } case_;
        struct {
            AstType to;
            AstExpr *operand, *style; /* style may be NULL */
            bool is_try, is_parse;
        } cast;
        AstCall call;
        struct {
            AstExpr *operand;
            Str collation;
        } collate;
    } u;
};

/* ---- queries ---- */

/* Table hints: WITH (…). */
enum {
    HINT_NOLOCK = 1 << 0,   /* READUNCOMMITTED too */
    HINT_HOLDLOCK = 1 << 1, /* SERIALIZABLE */
    HINT_REPEATABLEREAD = 1 << 2,
    HINT_READCOMMITTED = 1 << 3,
    HINT_READPAST = 1 << 4,
    HINT_ROWLOCK = 1 << 5,
    HINT_PAGLOCK = 1 << 6,
    HINT_TABLOCK = 1 << 7,
    HINT_TABLOCKX = 1 << 8,
    HINT_UPDLOCK = 1 << 9,
    HINT_XLOCK = 1 << 10,
    HINT_NOWAIT = 1 << 11,
    HINT_SNAPSHOT = 1 << 12,
    HINT_KEEPIDENTITY = 1 << 13,
    HINT_KEEPDEFAULTS = 1 << 14,
    HINT_IGNORE_CONSTRAINTS = 1 << 15,
    HINT_IGNORE_TRIGGERS = 1 << 16,
    HINT_READCOMMITTEDLOCK = 1 << 18,
    HINT_INDEX = 1 << 17, /* INDEX(…), FORCESEEK, FORCESCAN: no effect here */
};

typedef enum AstFromKind {
    FROM_TABLE,    /* u.table; name may be "@t" (table variable) or "#t" */
    FROM_FUNCTION, /* u.function: table-valued */
    FROM_QUERY,    /* u.query: derived table, also VALUES */
    FROM_JOIN,     /* u.join */
} AstFromKind;

typedef enum AstJoinKind {
    JOIN_INNER,
    JOIN_LEFT,
    JOIN_RIGHT,
    JOIN_FULL,
    JOIN_CROSS,
    JOIN_CROSS_APPLY,
    JOIN_OUTER_APPLY
} AstJoinKind;

struct AstFrom {
    AstFromKind kind;
    uint32_t line;
    Str alias;    /* may be empty for tables and functions */
    Str *columns; /* alias (c1, c2) */
    size_t column_count;
    uint32_t hints; /* HINT_… */
    union {
        AstName table;
        struct {
            AstName name;
            AstExpr **args;
            size_t arg_count;
        } function;
        AstQuery *query;
        struct {
            AstJoinKind kind;
            AstFrom *left, *right;
            AstExpr *on; /* NULL for CROSS and APPLY */
        } join;
    } u;
};

typedef enum AstItemKind {
    ITEM_EXPR,   /* expr [AS alias] */
    ITEM_STAR,   /* * or qualifier.* */
    ITEM_ASSIGN, /* @variable = expr */
} AstItemKind;

typedef struct AstItem {
    AstItemKind kind;
    uint32_t line;
    AstExpr *expr;
    Str alias;
    AstName qualifier; /* of .*: its name is the table's; empty: all */
    Str variable;      /* with '@' */
    AstOp assign_op;   /* OP_EQ, or OP_ADD … for @v += */
} AstItem;

typedef struct AstTop {
    AstExpr *count; /* NULL: no TOP */
    bool is_percent, with_ties;
} AstTop;

typedef struct AstSelect {
    bool is_distinct;
    AstTop top;
    AstItem *items;
    size_t item_count;
    AstName into;   /* SELECT … INTO; empty: none */
    AstFrom **from; /* comma list */
    size_t from_count;
    AstExpr *where;
    AstExpr **group;
    size_t group_count;
    AstExpr *having;
} AstSelect;

typedef enum AstQueryKind { QUERY_SELECT, QUERY_VALUES, QUERY_SET } AstQueryKind;
typedef enum AstSetOp { SET_OP_UNION, SET_OP_UNION_ALL, SET_OP_EXCEPT, SET_OP_INTERSECT } AstSetOp;

typedef struct AstCte {
    Str name;
    Str *columns;
    size_t column_count;
    AstQuery *query;
} AstCte;

struct AstQuery {
    AstQueryKind kind;
    uint32_t line;
    union {
        AstSelect select;
        struct {
            AstExpr ***rows; /* rows[r][c] */
            size_t row_count, column_count;
        } values;
        struct {
            AstSetOp op;
            AstQuery *left, *right;
        } set;
    } u;
    AstOrder *order;
    size_t order_count;
    AstExpr *offset, *fetch; /* OFFSET n ROWS [FETCH NEXT m ROWS ONLY] */
};

/* ---- data statements ---- */

typedef struct AstOutput { /* OUTPUT … [INTO target [(columns)]] */
    AstItem *items;        /* NULL: no OUTPUT; INSERTED.x and DELETED.x are ordinary columns */
    size_t item_count;
    AstName into; /* table, #table or @table; empty: to the client */
    Str *into_columns;
    size_t into_count;
} AstOutput;

typedef struct AstWith { /* WITH cte AS (…), … */
    AstCte *ctes;
    size_t count;
} AstWith;

typedef struct AstQueryStmt {
    AstWith with;
    AstQuery *query;
} AstQueryStmt;

typedef struct AstExecArg {
    Str name;       /* "@p" or empty: positional */
    AstExpr *value; /* literal (bare words are strings), variable or EXPR_DEFAULT */
    bool is_output;
} AstExecArg;

typedef struct AstExec {
    Str status_variable; /* EXEC @rc = … ; or empty */
    AstName procedure;   /* or procedure_variable */
    Str procedure_variable;
    AstExecArg *args;
    size_t arg_count;
    AstExpr *text; /* EXEC (@sql + '…'): then nothing else is set but as_name */
    Str as_name;   /* EXEC ('…') AS USER = 'x' */
    bool as_login;
} AstExec;

typedef enum AstInsertSource {
    INSERT_FROM_QUERY, /* VALUES is a query too */
    INSERT_FROM_EXEC,
    INSERT_FROM_DEFAULTS
} AstInsertSource;

typedef struct AstInsert {
    AstWith with;
    AstTop top;
    AstName table;
    uint32_t hints;
    Str *columns; /* NULL: all insertable ones */
    size_t column_count;
    AstOutput output;
    AstInsertSource source;
    AstQuery *query;
    AstExec *exec;
} AstInsert;

typedef struct AstSet {
    Str variable;   /* @v = [column =] expr; or empty */
    AstName column; /* name empty: only the variable is set */
    AstOp op;       /* OP_EQ, or OP_ADD … for += */
    AstExpr *value;
} AstSet;

typedef struct AstUpdate {
    AstWith with;
    AstTop top;
    AstName table; /* a table, or an alias of FROM */
    uint32_t hints;
    AstSet *sets;
    size_t set_count;
    AstOutput output;
    AstFrom **from;
    size_t from_count;
    AstExpr *where;
} AstUpdate;

typedef struct AstDelete {
    AstWith with;
    AstTop top;
    AstName table;
    uint32_t hints;
    AstOutput output;
    AstFrom **from; /* second FROM */
    size_t from_count;
    AstExpr *where;
} AstDelete;

typedef enum AstMergeMatch { MERGE_MATCHED, MERGE_NOT_MATCHED, MERGE_NOT_MATCHED_BY_SOURCE } AstMergeMatch;
typedef enum AstMergeAction { MERGE_UPDATE, MERGE_DELETE, MERGE_INSERT } AstMergeAction;

enum { MERGE_MAX_WHENS = 5 }; /* each action once in each clause that may have it */

typedef struct AstMergeWhen { /* WHEN … [AND condition] THEN action */
    AstMergeMatch match;
    AstMergeAction action;
    uint32_t line;
    AstExpr *condition; /* or NULL */
    AstSet *sets;       /* UPDATE */
    size_t set_count;
    Str *columns; /* INSERT; NULL: all insertable ones */
    size_t column_count;
    AstExpr **values; /* INSERT; NULL: DEFAULT VALUES */
    size_t value_count;
} AstMergeWhen;

typedef struct AstMerge {
    AstWith with;
    AstTop top;
    AstName table;
    Str alias;
    uint32_t hints;
    AstFrom *source;
    AstExpr *on;
    AstMergeWhen *whens;
    size_t when_count;
    AstOutput output; /* its items may say $action, an ordinary column */
} AstMerge;

typedef struct AstBulkColumn {
    Str name;
    AstType type;
    Str collation;
} AstBulkColumn;

typedef struct AstInsertBulk {
    AstName table;
    AstBulkColumn *columns;
    size_t column_count;
    uint32_t hints; /* TABLOCK */
    bool keep_nulls, check_constraints, fire_triggers, keep_identity;
    int64_t rows_per_batch, kilobytes_per_batch;
} AstInsertBulk;

/* ---- definitions ---- */

typedef enum AstConstraintKind {
    CONSTRAINT_PRIMARY_KEY,
    CONSTRAINT_UNIQUE,
    CONSTRAINT_FOREIGN_KEY,
    CONSTRAINT_CHECK,
    CONSTRAINT_DEFAULT /* ADD DEFAULT … FOR column */
} AstConstraintKind;

typedef struct AstKeyColumn {
    Str name;
    bool is_descending;
} AstKeyColumn;

typedef enum AstAction { ACTION_NONE, ACTION_CASCADE, ACTION_SET_NULL, ACTION_SET_DEFAULT } AstAction;
typedef enum AstClustered { CLUSTERED_UNSAID, CLUSTERED_YES, CLUSTERED_NO } AstClustered;

typedef struct AstConstraint {
    AstConstraintKind kind;
    uint32_t line;
    Str name; /* empty: the engine makes one up */
    AstClustered clustered;
    AstKeyColumn *columns; /* keys; foreign key: referencing columns */
    size_t column_count;
    AstName references;
    Str *referenced; /* empty: the primary key */
    size_t referenced_count;
    AstAction on_delete, on_update;
    AstExpr *expr; /* CHECK, DEFAULT */
    Str expr_text; /* as written, without the outer blanks */
    Str for_column;
    bool with_nocheck;
} AstConstraint;

typedef struct AstColumnDef {
    Str name;
    uint32_t line;
    AstType type; /* type.id TYPE_NULL for a computed column */
    Str collation;
    bool is_null_given, is_nullable;
    bool is_identity;
    int64_t identity_seed, identity_increment;
    bool is_rowguidcol, is_sparse, is_persisted;
    bool fills_old_rows; /* ALTER TABLE … ADD … DEFAULT … WITH VALUES */
    AstExpr *computed;
    Str computed_text;
    AstConstraint *constraints; /* of the column, DEFAULT among them; key lists name the column */
    size_t constraint_count;
} AstColumnDef;

typedef struct AstCreateIndex AstCreateIndex;
struct AstCreateIndex {
    Str name;
    AstName table;
    bool is_unique;
    AstClustered clustered;
    AstKeyColumn *columns;
    size_t column_count;
    Str *include;
    size_t include_count;
    AstExpr *where; /* filtered */
    Str where_text;
    bool ignore_dup_key, drop_existing;
};

typedef struct AstCreateTable {
    AstName name;
    AstColumnDef *columns;
    size_t column_count;
    AstConstraint *constraints; /* table-level */
    size_t constraint_count;
    AstCreateIndex *indexes; /* inline INDEX …; their table is empty */
    size_t index_count;
} AstCreateTable;

typedef enum AstAlterTableKind {
    ALTER_ADD,             /* columns, constraints */
    ALTER_DROP,            /* drops */
    ALTER_COLUMN,          /* columns[0] */
    ALTER_CHECK_CONSTRAINT /* CHECK or NOCHECK CONSTRAINT name | ALL: is_enable, drops */
} AstAlterTableKind;

typedef struct AstDrop {
    bool is_column; /* else a constraint */
    bool if_exists;
    Str name;
} AstDrop;

typedef struct AstAlterTable {
    AstName name;
    AstAlterTableKind kind;
    bool with_nocheck, is_enable;
    AstColumnDef *columns;
    size_t column_count;
    AstConstraint *constraints;
    size_t constraint_count;
    AstDrop *drops; /* name "ALL" for CHECK CONSTRAINT ALL */
    size_t drop_count;
} AstAlterTable;

typedef struct AstDropObjects { /* DROP TABLE, DROP INDEX, DROP DATABASE, DROP SCHEMA, DROP USER … */
    bool if_exists;
    AstName *names; /* DROP INDEX: the table; others: the object */
    Str *indexes;   /* DROP INDEX only */
    size_t count;
    const char *kind; /* STMT_DROP_ABSENT: "procedure", "view" … */
} AstDropObjects;

typedef struct AstDatabaseOption { /* ALTER DATABASE x SET name [= ] value */
    Str name;  /* ALLOW_SNAPSHOT_ISOLATION, READ_COMMITTED_SNAPSHOT, RECOVERY, COMPATIBILITY_LEVEL, … upper
                  case */
    Str value; /* ON, OFF, SIMPLE, 160, … upper case */
} AstDatabaseOption;

typedef struct AstDatabase {
    Str name; /* CURRENT: empty */
    Str collation;
    AstDatabaseOption *options;
    size_t option_count;
    Str new_name; /* MODIFY NAME = */
} AstDatabase;

typedef enum AstPrincipalKind {
    PRINCIPAL_LOGIN,
    PRINCIPAL_USER,
    PRINCIPAL_ROLE,
    PRINCIPAL_SERVER_ROLE
} AstPrincipalKind;

typedef struct AstPrincipal { /* CREATE or ALTER LOGIN, USER, ROLE */
    AstPrincipalKind kind;
    Str name;
    Str password; /* LOGIN … WITH PASSWORD = '…' */
    bool has_password;
    Str for_login; /* USER … FOR LOGIN x; WITHOUT LOGIN: without_login */
    bool without_login;
    Str default_schema, default_database, owner;
    Str new_name;
    bool is_enable, is_disable;
} AstPrincipal;

typedef struct AstRoleMember { /* ALTER [SERVER] ROLE r ADD|DROP MEMBER m */
    bool is_server, is_add;
    Str role, member;
} AstRoleMember;

typedef enum AstGrantKind { GRANT_GRANT, GRANT_DENY, GRANT_REVOKE } AstGrantKind;
typedef enum AstSecurableKind { ON_NOTHING, ON_OBJECT, ON_SCHEMA, ON_DATABASE, ON_OTHER } AstSecurableKind;

typedef struct AstGrant {
    AstGrantKind kind;
    Str *permissions; /* upper case, words joined by one blank: "SELECT", "VIEW SERVER STATE", "ALL" */
    size_t permission_count;
    AstSecurableKind on;
    AstName securable;
    Str *columns; /* GRANT SELECT (a, b) ON … */
    size_t column_count;
    Str *principals;
    size_t principal_count;
    bool with_grant, cascade, option_only; /* option_only: REVOKE GRANT OPTION FOR */
} AstGrant;

/* ---- the rest ---- */

typedef struct AstDeclare { /* one variable; DECLARE @a …, @b … gives several statements in a row */
    Str name;               /* with '@' */
    AstType type;
    AstExpr *initial;
    AstCreateTable *table; /* table variable: its columns; name empty */
} AstDeclare;

typedef struct AstSetVariable {
    Str name;
    AstOp op;
    AstExpr *value;
} AstSetVariable;

typedef enum AstOptionValue {
    OPTION_OFF,
    OPTION_ON,
    OPTION_NUMBER,
    OPTION_TEXT,
    OPTION_VARIABLE
} AstOptionValue;

typedef struct AstSetOption { /* SET NOCOUNT ON; SET A, B ON gives several statements */
    Str name; /* upper case: NOCOUNT, LOCK_TIMEOUT, TRANSACTION ISOLATION LEVEL, IDENTITY_INSERT, … */
    AstOptionValue kind;
    int64_t number;
    Str text; /* word or string; isolation level in upper case, words joined by one blank; variable's name */
    AstName table; /* IDENTITY_INSERT */
} AstSetOption;

typedef struct AstIf {
    AstExpr *condition;
    AstStmt *then, *otherwise; /* one statement each (often a block) */
} AstIf;

typedef struct AstTran {
    Str name, name_variable; /* BEGIN TRAN x | @x */
    bool is_work;            /* COMMIT WORK, ROLLBACK WORK */
} AstTran;

typedef struct AstRaise {
    AstExpr *message;  /* RAISERROR: number or text; THROW: number, NULL = rethrow */
    AstExpr *severity; /* RAISERROR; THROW: the text */
    AstExpr *state;
    AstExpr **args;
    size_t arg_count;
    bool with_log, with_nowait, with_seterror;
} AstRaise;

/* CREATE, ALTER, CREATE OR ALTER of a VIEW or a PROCEDURE: alone in its batch. */
typedef struct AstModule {
    bool is_procedure, is_alter, may_replace;
    AstName name;
    Str *columns; /* VIEW v (a, b) */
    size_t column_count;
    Str parameters; /* of a procedure, as sp_executesql's declaration */
    Str body;       /* the SELECT, or the statements; line: of its first word */
    uint32_t body_line;
    AstStmt *select; /* the view's */
    bool with_encryption;
} AstModule;

typedef enum AstStmtKind {
    STMT_SELECT,          /* u.query */
    STMT_INSERT,          /* u.insert */
    STMT_UPDATE,          /* u.update */
    STMT_DELETE,          /* u.delete_ */
    STMT_MERGE,           /* u.merge */
    STMT_TRUNCATE,        /* u.name */
    STMT_INSERT_BULK,     /* u.insert_bulk */
    STMT_CREATE_DATABASE, /* u.database */
    STMT_ALTER_DATABASE,  /* u.database */
    STMT_DROP_DATABASE,   /* u.drop */
    STMT_USE,             /* u.text */
    STMT_CREATE_SCHEMA,   /* u.schema */
    STMT_DROP_SCHEMA,     /* u.drop */
    STMT_CREATE_TYPE,     /* u.create_type */
    STMT_DROP_TYPE,       /* u.drop */
    STMT_CREATE_TABLE,    /* u.create_table */
    STMT_ALTER_TABLE,     /* u.alter_table */
    STMT_DROP_TABLE,      /* u.drop */
    STMT_CREATE_INDEX,    /* u.create_index */
    STMT_DROP_INDEX,      /* u.drop */
    STMT_DROP_ABSENT,     /* u.drop: of a kind that this server has none of */
    STMT_DECLARE,         /* u.declare */
    STMT_SET_VARIABLE,    /* u.set_variable */
    STMT_SET_OPTION,      /* u.set_option */
    STMT_IF,              /* u.if_ */
    STMT_WHILE,           /* u.if_: condition, then */
    STMT_BREAK,
    STMT_CONTINUE,
    STMT_BLOCK,  /* u.block: first statement of the list */
    STMT_TRY,    /* u.try_ */
    STMT_RETURN, /* u.expr or NULL */
    STMT_BEGIN_TRAN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_SAVE_TRAN,        /* u.tran */
    STMT_THROW,            /* u.raise */
    STMT_RAISERROR,        /* u.raise */
    STMT_PRINT,            /* u.expr */
    STMT_WAITFOR_DELAY,    /* u.expr: '00:00:01' */
    STMT_WAITFOR_TIME,     /* u.expr */
    STMT_EXEC,             /* u.exec */
    STMT_CREATE_PRINCIPAL, /* u.principal */
    STMT_ALTER_PRINCIPAL,  /* u.principal */
    STMT_DROP_PRINCIPAL,   /* u.drop_principal */
    STMT_ROLE_MEMBER,      /* u.role_member */
    STMT_GRANT,            /* u.grant */
    STMT_CHECKPOINT,
    STMT_RECONFIGURE,
    STMT_EXECUTE_AS, /* u.execute_as */
    STMT_REVERT,
    STMT_AUTHORIZATION, /* u.authorization */
    STMT_KILL,
    STMT_CREATE_MODULE, /* u.module */
    STMT_DROP_MODULE,   /* u.drop: kind "view" or "procedure" */
} AstStmtKind;

struct AstStmt {
    AstStmtKind kind;
    uint32_t line;         /* of its first word */
    int32_t max_recursion; /* OPTION (MAXRECURSION n); 100 where nothing is said, 0 = no bound */
    Str text;              /* as written (ddl_history wants it), without a closing semicolon */
    AstStmt *next;         /* in the same list */
    union {
        AstQueryStmt query;
        AstInsert insert;
        AstUpdate update;
        AstDelete delete_;
        AstMerge merge;
        AstName name;
        AstInsertBulk insert_bulk;
        AstDatabase database;
        AstDropObjects drop;
        Str text;
        int64_t number; /* KILL */
        struct {
            Str name, owner;
        } schema;
        struct {
            AstName name;
            AstType base;
            bool is_nullable;
        } create_type;
        AstCreateTable create_table;
        AstAlterTable alter_table;
        AstCreateIndex create_index;
        AstDeclare declare;
        AstSetVariable set_variable;
        AstSetOption set_option;
        AstIf if_;
        AstStmt *block;
        struct {
            AstStmt *body, *handler;
        } try_;
        AstExpr *expr;
        AstTran tran;
        AstRaise raise;
        AstExec exec;
        AstPrincipal principal;
        struct {
            AstPrincipalKind kind;
            bool if_exists;
            Str name;
        } drop_principal;
        AstRoleMember role_member;
        AstGrant grant;
        AstModule module;
        struct {
            bool is_login; /* else a user; name NULL: CALLER, which changes nothing here */
            AstExpr *name;
        } execute_as;
        struct {
            Str database, login; /* ALTER AUTHORIZATION ON DATABASE::x TO y; ON SCHEMA::s TO user */
            bool is_schema;
        } authorization;
    } u;
};

typedef struct AstBatch {
    AstStmt *first; /* NULL: empty batch */
} AstBatch;

#endif
