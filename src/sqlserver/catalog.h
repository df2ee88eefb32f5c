/*
 * catalog.h - what a database has: tables, keys, capture instances and their columns. Owner thread only; what
 * it hands out is immutable until the next catalog_load of the same catalog, schemas longer (they are
 * reference-counted).
 */
#ifndef SQLSERVER_CATALOG_H
#define SQLSERVER_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/regexlist.h"
#include "config/table_filter.h"
#include "record/lsn.h"
#include "record/schema.h"
#include "sqlserver/mask.h"
#include "sqlserver/odbc.h"

/* computed.columns.mode: change tables have NULL in computed columns. */
typedef enum CatalogComputed {
    CATALOG_COMPUTED_LEAVE,   /* changes leave them as they are in the target */
    CATALOG_COMPUTED_REREAD,  /* they are read from the source's table, by key */
    CATALOG_COMPUTED_EXCLUDE, /* they aren't taken at all */
} CatalogComputed;

/* Which tables and columns are wanted. All borrowed; NULL = not given. */
typedef struct CatalogFilter {
    TableFilter tables;
    const RegexList *column_include, *column_exclude; /* against schema.table.column */
    const char *message_keys;                         /* message.key.columns */
    CatalogComputed computed;
    const MaskRules *masks;
    const RegexList
        *copied;           /* snapshot.include.collection.list, against [database.]schema.table; NULL = all */
    bool takes_uncaptured; /* tables without a capture instance get one, of their present columns, object_id 0
                            */
    const Str *only;       /* when set, exactly these tables in this order: pairs of schema and name */
    size_t only_count;     /* of tables */
} CatalogFilter;

/* A unique key of a table: primary key, unique index, or the one asked for. */
typedef struct CatalogKey {
    int32_t *column_ids; /* in key order */
    size_t count;
} CatalogKey;

typedef struct CatalogTable {
    Str schema, name;
    char *qualified;     /* "schema.table" */
    int32_t object_id;   /* 0 = it isn't there (any more) */
    CatalogKey key;      /* of its rows, for the target: message.key.columns, else `paging`; count 0 = none */
    CatalogKey paging;   /* primary key, else a unique index of NOT NULL columns; count 0 = none */
    bool is_primary_key; /* paging is the primary key */
    bool is_uncopied;    /* no first copy of it is wanted */
    size_t instance_count; /* capture instances, also those not reached by the capture job yet */
} CatalogTable;

/* A capture instance of a wanted table; with takes_uncaptured also what stands for one (object_id 0). */
typedef struct CatalogInstance {
    size_t table;      /* index into tables */
    int32_t object_id; /* of the change table */
    Str name;          /* capture_instance */
    Lsn start_lsn;
    bool has_command;        /* __$command_id is in the change table's clustered key */
    bool adds_columns;       /* columns that the table's instance before it hasn't */
    const Schema *schema;    /* the wanted columns, in captured order; a reference is held */
    const uint16_t *ordinal; /* by schema column: place in the change table from 1 (update mask bit + 1) */
    const bool *is_gone;     /* by schema column: dropped from the source table */
    const uint16_t *paging;  /* schema columns of the table's paging key, or NULL when one isn't captured */
    size_t paging_count;
    bool rereads_computed;        /* computed.columns.mode=reread */
    const MaskRule *const *masks; /* by schema column: how it is changed, or NULL; key columns never are */
    const MaskRule *spared;       /* one that names a key column, or NULL */
} CatalogInstance;

typedef struct Catalog {
    Arena arena;
    Str database;           /* as the server spells it */
    int64_t engine_edition; /* 5 = Azure SQL Database, 8 = Managed Instance */
    bool is_cdc_enabled;
    bool allows_snapshot; /* ALLOW_SNAPSHOT_ISOLATION ON */
    CatalogTable *tables; /* wanted ones, by schema and name */
    size_t table_count;
    CatalogInstance *instances; /* of wanted tables, those of a table in the order they were made */
    size_t instance_count;
    const CatalogInstance **by_object; /* the same, by object_id */
    int32_t *seen; /* object ids of all capture instances there were, wanted or not; in order */
    size_t seen_count;
    Lsn ddl_lsn; /* newest row of cdc.ddl_history */
} Catalog;

/* Read it all anew. *c is {0} or a loaded one, whose schemas are kept where nothing changed (same version).
 * Errors: as odbc.h; ERR_INVALID for message.key.columns or lists that don't fit. On failure *c is as before.
 */
MUST_CHECK bool catalog_load(Catalog *c, Odbc *odbc, const CatalogFilter *filter, Err *e);
void catalog_done(Catalog *c);                                                /* *c is {0} again */
const CatalogInstance *catalog_instance(const Catalog *c, int32_t object_id); /* or NULL */
bool catalog_has_seen(const Catalog *c, int32_t object_id);
/* Whether the filter's lists of tables want "schema.table". */
bool catalog_wants(const CatalogFilter *filter, Str qualified);
bool catalog_wants_column(const CatalogFilter *filter, Str qualified); /* "schema.table.column" */

/* For tests: "schema.table:col,col;…" as Debezium writes it: the columns asked for `qualified`, or count 0.
 * Errors: ERR_INVALID. */
MUST_CHECK bool catalog_message_key(const char *text, Str qualified, Arena *arena, Str **ret,
                                    size_t *ret_count, Err *e);

#endif
