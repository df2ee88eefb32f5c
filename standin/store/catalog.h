/*
 * catalog.h - what there is on the server: databases, schemas, tables with their columns, keys and
 * constraints, principals and grants. Kept in memory, written through to SQLite so that a restart finds all
 * of it.
 *
 * Objects are immutable once published: a change publishes a new version of the Database or Table and retires
 * the old one. A reader pins the catalog (catalog_pin) for as long as it holds pointers, at most one
 * statement; whatever was retired meanwhile stays readable until it unpins. What a statement may rely on
 * while it runs (columns of the tables it reads) is protected by schema locks in lock.h, not by the pin.
 *
 * Object ids are unique on the whole server, so table t<object_id> with columns c<column_id> is the same
 * SQLite table from every database, and cross-database names just resolve. Neither kind of id is ever used
 * again.
 *
 * Thread rule: look-ups by any thread that has a pin; changes by a thread that holds the object's schema
 * modification lock; both take the catalog's own mutex inside for the moment of the call.
 */
#ifndef STANDIN_STORE_CATALOG_H
#define STANDIN_STORE_CATALOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "standin/store/sql_error.h"
#include "standin/types/type.h"

typedef struct Catalog Catalog;

enum {
    CATALOG_MASTER = 1,
    CATALOG_TEMPDB = 2,
    CATALOG_MODEL = 3,
    CATALOG_MSDB = 4,
    CATALOG_FIRST_USER_DATABASE = 5,
    /* sys.schemas.schema_id; user schemas count from CATALOG_FIRST_USER_SCHEMA on */
    CATALOG_SCHEMA_DBO = 1,
    CATALOG_SCHEMA_GUEST = 2,
    CATALOG_SCHEMA_INFORMATION = 3,
    CATALOG_SCHEMA_SYS = 4,
    CATALOG_FIRST_USER_SCHEMA = 5,
    /* sys.database_principals.principal_id */
    CATALOG_PRINCIPAL_PUBLIC = 0,
    CATALOG_PRINCIPAL_DBO = 1,
    CATALOG_PRINCIPAL_GUEST = 2,
    CATALOG_PRINCIPAL_SYS = 4,
    CATALOG_FIRST_USER_PRINCIPAL = 5,
    CATALOG_FIRST_LOGIN = 257,
    CATALOG_FIRST_USER_TYPE = 257,      /* sys.types.user_type_id; 256 is sysname's */
    CATALOG_PRINCIPAL_DB_OWNER = 16384, /* fixed roles */
    CATALOG_PRINCIPAL_DB_ACCESSADMIN = 16385,
    CATALOG_PRINCIPAL_DB_SECURITYADMIN = 16386,
    CATALOG_PRINCIPAL_DB_DDLADMIN = 16387,
    CATALOG_PRINCIPAL_DB_BACKUPOPERATOR = 16389,
    CATALOG_PRINCIPAL_DB_DATAREADER = 16390,
    CATALOG_PRINCIPAL_DB_DATAWRITER = 16391,
    CATALOG_PRINCIPAL_DB_DENYDATAREADER = 16392,
    CATALOG_PRINCIPAL_DB_DENYDATAWRITER = 16393,
};

typedef struct Column {
    int32_t id; /* column_id; SQLite name c<id> */
    char *name;
    Type type;
    int32_t user_type_id; /* of an alias type (UserType.id); 0: a system type */
    bool is_nullable, is_identity, is_computed, is_rowguid, is_sparse;
    int64_t identity_seed, identity_step;
    char *default_sql; /* T-SQL text of the default with its parentheses, or NULL */
    char *default_name;
    int32_t default_object_id;
    char *computed_sql; /* T-SQL text of a computed column, or NULL */
    bool is_persisted;
} Column;

typedef struct IndexColumn {
    int32_t column_id;
    bool is_descending, is_included;
} IndexColumn;

typedef struct Index {
    int32_t id; /* index_id: 1 = clustered, 2… */
    char *name;
    int32_t object_id; /* of the PRIMARY KEY or UNIQUE constraint; 0 = a plain index */
    bool is_unique, is_primary_key, is_unique_constraint, is_clustered;
    IndexColumn *columns; /* key columns in order, then included ones */
    size_t column_count, key_count;
    char *filter;     /* of a filtered index, as sys.indexes shows it; NULL: all rows */
    char *filter_sql; /* the same as SQLite's condition over c1, c2 … */
} Index;

typedef enum KeyAction { KEY_NO_ACTION, KEY_CASCADE, KEY_SET_NULL, KEY_SET_DEFAULT } KeyAction;

typedef struct ForeignKey {
    int32_t object_id;
    char *name;
    int32_t referenced_id;                 /* the table it points to (may be itself) */
    int32_t *columns, *referenced_columns; /* column ids, count of each */
    size_t count;
    KeyAction on_delete, on_update;
    bool is_disabled, is_not_trusted;
} ForeignKey;

typedef struct Check {
    int32_t object_id;
    char *name;
    char *sql; /* T-SQL condition with its parentheses */
    bool is_disabled;
    int32_t column_id; /* 0 = table level */
} Check;

typedef enum TableKind {
    TABLE_USER,      /* type U */
    TABLE_VIEW,      /* type V: view_sql */
    TABLE_TEMP,      /* #name: of one session, in its TEMP schema; not in the catalog's maps */
    TABLE_VARIABLE,  /* DECLARE @t TABLE: likewise */
    TABLE_PROCEDURE, /* type P: view_sql is the whole CREATE PROCEDURE text; no columns */
} TableKind;

/* What all versions of a table share. */
typedef struct TableState {
    atomic_int reference_count;
    atomic_llong identity;    /* the last identity value given; the next is + step */
    atomic_bool has_identity; /* a value was given at all */
    atomic_llong rowid;       /* the last SQLite rowid given, of tables without a rowid alias */
    atomic_llong row_count;   /* committed rows, as sys.partitions shows it */
    atomic_ullong changes; /* grows whenever committed rows are (perhaps) changed, under the writer mutex */
    /* The shared write set pending.w<object_id>: the table's version that it is shaped after (0: there is
     * none), and how many sessions have rows in it. Changed under the writer mutex. */
    atomic_ullong pending_version;
    atomic_int pending_owners;
} TableState;

typedef struct Table {
    int32_t object_id, database_id, schema_id;
    TableKind kind;
    char *name;
    char *sql_name;   /* in SQLite: t<object_id>, for TABLE_TEMP and TABLE_VARIABLE temp.t<object_id> */
    uint64_t version; /* the catalog's version that published it */
    Column *columns;  /* in column_id order; a dropped column is gone */
    size_t column_count;
    int32_t max_column_id; /* ever used */
    size_t rowid_column;   /* index of the column that is SQLite's rowid (an integer clustered primary key) */
    bool has_rowid_column;
    Index *indexes;
    size_t index_count;
    ForeignKey *foreign_keys;
    size_t foreign_key_count;
    Check *checks;
    size_t check_count;
    char *view_sql; /* TABLE_VIEW: the whole CREATE VIEW text */
    bool is_ms_shipped;
    bool is_tracked_by_cdc;       /* its changes go to the log */
    int64_t create_us, modify_us; /* wall clock, µs since 1970 UTC */
    TableState *state;            /* shared by the versions */
} Table;

typedef struct Schema {
    int32_t id;
    char *name;
    int32_t principal_id;
} Schema;

typedef enum PrincipalKind { CATALOG_USER, CATALOG_ROLE } PrincipalKind;

typedef struct Principal {
    int32_t id;
    char *name;
    PrincipalKind kind;
    char *login;          /* of a user; NULL = without login */
    char *default_schema; /* of a user; NULL = dbo */
    int32_t owner_id;     /* of a role */
    bool is_fixed;        /* a fixed role, dbo, guest, public … */
    int32_t *member_of;   /* roles, by id */
    size_t member_of_count;
    int64_t create_us;
} Principal;

/* What may be granted in a database; permission.h has the names. */
typedef enum Permission {
    PERMISSION_SELECT = 1,
    PERMISSION_INSERT = 2,
    PERMISSION_UPDATE = 4,
    PERMISSION_DELETE = 8,
    PERMISSION_EXECUTE = 16,
    PERMISSION_REFERENCES = 32,
    PERMISSION_ALTER = 64,
    PERMISSION_CONTROL = 128,
    PERMISSION_VIEW_DEFINITION = 256,
    PERMISSION_VIEW_DATABASE_STATE = 512,
    PERMISSION_CONNECT = 1024,
    PERMISSION_CREATE_TABLE = 1 << 11,
    PERMISSION_CREATE_VIEW = 1 << 12,
    PERMISSION_CREATE_PROCEDURE = 1 << 13,
    PERMISSION_CREATE_FUNCTION = 1 << 14,
    PERMISSION_CREATE_SCHEMA = 1 << 15,
    PERMISSION_CREATE_ROLE = 1 << 16,
    PERMISSION_ALTER_ANY_SCHEMA = 1 << 17,
    PERMISSION_ALTER_ANY_USER = 1 << 18,
    PERMISSION_ALTER_ANY_ROLE = 1 << 19,
    PERMISSION_TAKE_OWNERSHIP = 1 << 20,
    PERMISSION_VIEW_CHANGE_TRACKING = 1 << 21,
    PERMISSION_SHOWPLAN = 1 << 22,
    PERMISSION_BACKUP_DATABASE = 1 << 23,
    PERMISSION_BACKUP_LOG = 1 << 24,
    PERMISSION_CHECKPOINT = 1 << 25,
    PERMISSION_VIEW_DATABASE_PERFORMANCE_STATE = 1 << 26,
    PERMISSION_VIEW_DATABASE_SECURITY_STATE = 1 << 27,
    PERMISSION_UNMASK = 1 << 28,
    PERMISSION_VIEW_ANY_COLUMN_ENCRYPTION = 1 << 29,
    PERMISSION_ALTER_ANY_DATASPACE = 1 << 30,
} Permission;

typedef enum GrantScope { GRANT_ON_DATABASE, GRANT_ON_SCHEMA, GRANT_ON_OBJECT } GrantScope;

typedef struct Grant {
    int32_t principal_id;
    GrantScope scope;
    int32_t id;           /* schema or object id; 0 = the database */
    int32_t column_id;    /* 0: the whole object */
    uint32_t allow, deny; /* sums of Permission */
    uint32_t with_option; /* of allow: WITH GRANT OPTION */
} Grant;

/* CREATE TYPE … FROM: another name for a system type. */
typedef struct UserType {
    int32_t id; /* sys.types.user_type_id, above those of the system's types */
    int32_t schema_id;
    char *name;
    Type base;
    bool is_nullable; /* of a column that doesn't say */
} UserType;

typedef struct Database {
    int32_t id;
    char *name;
    uint64_t version;
    int64_t create_us;
    bool is_cdc_enabled;
    bool is_snapshot_on; /* ALLOW_SNAPSHOT_ISOLATION */
    bool is_read_committed_snapshot_on;
    uint16_t collation; /* index into collation.h's table */
    int32_t compatibility_level;
    Schema *schemas;
    size_t schema_count;
    Principal *principals;
    size_t principal_count;
    Grant *grants;
    size_t grant_count;
    UserType *types;
    size_t type_count;
} Database;

typedef struct Login {
    int32_t id; /* sys.server_principals.principal_id, from CATALOG_FIRST_LOGIN on */
    char *name, *password, *default_database;
    bool is_disabled, is_sysadmin; /* is_sysadmin: of roles */
    uint32_t roles;                /* permission.h: PERMISSION_ROLE_… */
    uint32_t allow, deny;          /* sums of ServerPermission */
    int64_t create_us, modify_us;
} Login;

typedef struct LoginSpec {
    Str name, password, default_database; /* borrowed */
    bool is_sysadmin, is_disabled;
} LoginSpec;

/* ---- pins */
typedef struct CatalogPin {
    uint64_t version; /* 0 = not pinned */
    struct CatalogPin *next, *previous;
} CatalogPin;
/* The caller keeps *pin in place until catalog_unpin. Nested pins of one thread are two pins. */
void catalog_pin(Catalog *c, CatalogPin *pin);
void catalog_unpin(Catalog *c, CatalogPin *pin);
/* Counts up with every published change of anything: a cached plan of an older version is stale. */
uint64_t catalog_version(const Catalog *c);

/* ---- look-up: names in any letter case; NULL = there is none; results borrowed while pinned */
const Database *catalog_database(const Catalog *c, Str name);
const Database *catalog_database_by_id(const Catalog *c, int32_t id);
const Table *catalog_table(const Catalog *c, int32_t database_id, int32_t schema_id, Str name);
const Table *catalog_table_by_id(const Catalog *c, int32_t object_id);
const Login *catalog_login(const Catalog *c, Str name);
/* Walk in id order: *at starts at 0; NULL at the end. database_id 0 = all databases. */
const Database *catalog_next_database(const Catalog *c, int32_t *at);
const Table *catalog_next_table(const Catalog *c, int32_t database_id, int32_t *at);
const Login *catalog_next_login(const Catalog *c, size_t *at);
/* Tables whose foreign keys point to this one: *at starts at 0. */
const Table *catalog_next_referencing(const Catalog *c, int32_t object_id, int32_t *at);

/* ---- inside an object; NULL = there is none */
const Schema *database_schema(const Database *d, Str name);
const Schema *database_schema_by_id(const Database *d, int32_t id);
const Principal *database_principal(const Database *d, Str name);
const UserType *database_type(const Database *d, int32_t schema_id, Str name);
const UserType *database_type_by_id(const Database *d, int32_t id);
const Principal *database_principal_by_id(const Database *d, int32_t id);
const Column *table_column(const Table *t, Str name);
const Column *table_column_by_id(const Table *t, int32_t id);
size_t table_column_index(const Table *t, int32_t id); /* position in columns, column_count if absent */
const Index *table_index(const Table *t, Str name);
const Index *table_primary_key(const Table *t);
const Column *table_identity(const Table *t);

/* ---- changes. The object passed is moved: the catalog owns it from the call on, and it must be heap-built
 * by the functions below. Each is written through on `db` inside the caller's open SQLite write transaction
 * (or one of its own when the caller has none). false: SQLite failed, *e says how; nothing was published. */
struct sqlite3;
int32_t catalog_new_object_id(Catalog *c); /* any thread; never given twice */
Table *table_new(int32_t object_id, int32_t database_id, int32_t schema_id, Str name);
Table *table_copy(const Table *t); /* deep, sharing state: edit it, then publish */
Login *login_copy(const Login *l);
Login *login_free(Login *l); /* returns NULL */
Table *table_free(Table *t); /* one that was not published; returns NULL */
Column *table_add_column(Table *t, Str name, const Type *type,
                         bool is_nullable); /* borrowed, until the next */
Index *table_add_index(Table *t, Str name);
ForeignKey *table_add_foreign_key(Table *t, Str name, size_t count);
Check *table_add_check(Table *t, Str name, Str sql);
void table_drop_column(Table *t, int32_t column_id);
void table_drop_index(Table *t, int32_t index_id);
/* A FOREIGN KEY, CHECK or DEFAULT by its object id; false: not one of these. */
bool table_drop_constraint(Table *t, int32_t object_id);
Database *database_copy(const Database *d);
Database *database_free(Database *d);
Schema *database_add_schema(Database *d, Str name, int32_t principal_id);
Principal *database_add_principal(Database *d, Str name, PrincipalKind kind);
Grant *database_add_grant(Database *d, int32_t principal_id, GrantScope scope, int32_t id,
                          int32_t column_id); /* or the one there is */
UserType *database_add_type(Database *d, int32_t schema_id, Str name, const Type *base, bool is_nullable);
void database_drop_type(Database *d, int32_t id);
void database_drop_schema(Database *d, int32_t id);
void database_drop_principal(Database *d, int32_t id); /* its grants too */
void principal_set_member(Principal *p, int32_t role_id, bool is_member);

bool catalog_publish_table(Catalog *c, struct sqlite3 *db, Table *t, SqlError *e); /* new or next version */
bool catalog_drop_table(Catalog *c, struct sqlite3 *db, int32_t object_id, SqlError *e);
bool catalog_publish_database(Catalog *c, struct sqlite3 *db, Database *d, SqlError *e);
bool catalog_create_database(Catalog *c, struct sqlite3 *db, Str name, SqlError *e);
bool catalog_drop_database(Catalog *c, struct sqlite3 *db, int32_t id,
                           SqlError *e); /* its tables are gone already */
/* A copy of *l, with an id if it has none; one of the same name is replaced. */
bool catalog_set_login(Catalog *c, struct sqlite3 *db, const Login *l, SqlError *e);
bool catalog_drop_login(Catalog *c, struct sqlite3 *db, Str name, SqlError *e);

/* ---- life (store.h) */
MUST_CHECK bool catalog_open(struct sqlite3 *db, Catalog **ret, SqlError *e);
Catalog *catalog_close(Catalog *c); /* no thread may still use it; returns NULL */

#endif
