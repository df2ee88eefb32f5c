/*
 * instance.h - capture instances as the tables of schema cdc hold them: which source table, which columns,
 * from which LSN on. A set is read in one go and lives in its own arena; one owner.
 *
 * The tables of schema cdc (change_tables, captured_columns, index_columns, ddl_history, lsn_time_mapping)
 * are ordinary tables of their database, made by sys.sp_cdc_enable_db; the numbers below are their column
 * ids.
 */
#ifndef STANDIN_CAPTURE_INSTANCE_H
#define STANDIN_CAPTURE_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "standin/capture/lsn10.h"
#include "standin/store/catalog.h"
#include "standin/store/txn.h"

struct sqlite3;

enum { /* cdc.change_tables */
       CHANGE_OBJECT_ID = 1,
       CHANGE_SOURCE_OBJECT_ID = 3,
       CHANGE_CAPTURE_INSTANCE = 4,
       CHANGE_START_LSN = 5,
       CHANGE_SUPPORTS_NET_CHANGES = 7,
       CHANGE_HAS_DROP_PENDING = 8,
       CHANGE_ROLE_NAME = 9,
       CHANGE_INDEX_NAME = 10,
       CHANGE_FILEGROUP_NAME = 11,
       CHANGE_CREATE_DATE = 12,
       /* cdc.captured_columns */
       CAPTURED_OBJECT_ID = 1,
       CAPTURED_NAME = 2,
       CAPTURED_COLUMN_ID = 3,
       CAPTURED_TYPE = 4,
       CAPTURED_ORDINAL = 5,
       CAPTURED_IS_COMPUTED = 6,
       /* cdc.index_columns */
       INDEXED_OBJECT_ID = 1,
       INDEXED_NAME = 2,
       INDEXED_ORDINAL = 3,
       /* cdc.ddl_history */
       DDL_SOURCE_OBJECT_ID = 1,
       DDL_OBJECT_ID = 2,
       DDL_REQUIRED_UPDATE = 3,
       DDL_LSN = 5,
       /* cdc.lsn_time_mapping */
       MAPPING_START_LSN = 1,
       MAPPING_BEGIN_TIME = 2,
       MAPPING_END_TIME = 3,
       MAPPING_TRAN_ID = 4,
       MAPPING_BEGIN_LSN = 5,
       /* cdc.<instance>_CT: five columns before the captured ones, then __$command_id */
       CT_START_LSN = 1,
       CT_END_LSN = 2,
       CT_SEQVAL = 3,
       CT_OPERATION = 4,
       CT_UPDATE_MASK = 5,
       CT_FIRST_CAPTURED = 6,
};

typedef struct CapturedColumn {
    Str name, type_name;
    int32_t column_id; /* in the source table */
    bool is_computed;
} CapturedColumn;

typedef struct Instance {
    int32_t object_id; /* of the change table */
    int32_t source_object_id;
    Str name, role, index; /* role and index may be empty */
    Lsn10 start_lsn;
    bool has_start; /* the capture job has come to its beginning */
    bool has_role, supports_net_changes;
    bool has_drop_pending;   /* the source table was dropped, the instance is about to go */
    int64_t create_date;     /* datetime */
    CapturedColumn *columns; /* by ordinal */
    size_t column_count;
    Str *key; /* names of the unique index's columns */
    size_t key_count;
} Instance;

typedef struct InstanceSet {
    Arena arena;
    Instance *items; /* by object_id, the older instance of a table first */
    size_t count;
} InstanceSet;

/* Read a database's instances: as the transaction sees them, or (txn NULL) the committed ones. The catalog is
 * pinned. A database without CDC has none. */
MUST_CHECK bool instance_load(struct sqlite3 *db, const Txn *txn, const Catalog *c, int32_t database_id,
                              InstanceSet *ret, SqlError *e);
void instance_done(InstanceSet *set);
const Instance *instance_by_name(const InstanceSet *set,
                                 Str name); /* any letter case, blanks at the end or not; NULL = none */

/* A table of schema cdc by its name; NULL = there is none. The catalog is pinned. */
const Table *instance_cdc_table(const Catalog *c, int32_t database_id, Str name);
const Schema *instance_cdc_schema(const Catalog *c, int32_t database_id);

#endif
