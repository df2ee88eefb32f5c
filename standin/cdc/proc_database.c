/*
 * proc_database.c - sys.sp_cdc_enable_db and its opposite: user and schema cdc, and the tables in it, which
 * are ordinary tables made by ordinary T-SQL.
 */
#include "base/mem.h"
#include "standin/capture/atomic_work.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/instance.h"
#include "standin/capture/instance_edit.h"
#include "standin/capture/jobs.h"
#include "standin/cdc/proc_cdc.h"

static Str name_of(const Database *d) {
    return str_from(d->name);
}

static bool check_sysadmin(Session *s, SqlError *e) {
    return session_is_sysadmin(s) || cdc_message_raise(e, 22902, &STR_LIT("sysadmin"), 1);
}

/* ---- enabling */

/* Column order is the product's: clients read some by position. The column ids are those of instance.h. */
static const char *const TABLES[][2] = {
    {"change_tables",
     "CREATE TABLE cdc.change_tables(object_id int NOT NULL, version int, source_object_id int, "
     "capture_instance sysname NOT NULL, start_lsn binary(10), end_lsn binary(10), supports_net_changes bit, "
     "has_drop_pending bit, role_name sysname NULL, index_name sysname NULL, filegroup_name sysname NULL, "
     "create_date datetime, partition_switch bit NOT NULL)\n"
     "CREATE UNIQUE CLUSTERED INDEX change_tables_clustered_idx ON cdc.change_tables(object_id)\n"
     "CREATE UNIQUE INDEX change_tables_unique_idx ON cdc.change_tables(capture_instance)\n"
     "CREATE INDEX source_object_id_idx ON cdc.change_tables(source_object_id)"},
    {"captured_columns",
     "CREATE TABLE cdc.captured_columns(object_id int NOT NULL, column_name sysname NOT NULL, column_id int, "
     "column_type sysname NOT NULL, column_ordinal int NOT NULL, is_computed bit, masking_function "
     "nvarchar(4000))\n"
     "CREATE UNIQUE CLUSTERED INDEX captured_columns_clustered_idx ON cdc.captured_columns(object_id, "
     "column_ordinal)"},
    {"index_columns", "CREATE TABLE cdc.index_columns(object_id int NOT NULL, column_name sysname NOT NULL, "
                      "index_ordinal tinyint NOT NULL, column_id int NOT NULL, CONSTRAINT "
                      "index_columns_clustered_idx PRIMARY KEY CLUSTERED (object_id, index_ordinal, "
                      "column_id))"},
    {"ddl_history",
     "CREATE TABLE cdc.ddl_history(source_object_id int, object_id int NOT NULL, required_column_update bit, "
     "ddl_command nvarchar(max), ddl_lsn binary(10) NOT NULL, ddl_time datetime)\n"
     "CREATE UNIQUE CLUSTERED INDEX ddl_history_clustered_idx ON cdc.ddl_history(object_id, ddl_lsn)"},
    {"lsn_time_mapping",
     "CREATE TABLE cdc.lsn_time_mapping(start_lsn binary(10) NOT NULL, tran_begin_time datetime, "
     "tran_end_time "
     "datetime, tran_id varbinary(10), tran_begin_lsn binary(10))\n"
     "CREATE UNIQUE CLUSTERED INDEX lsn_time_mapping_clustered_idx ON cdc.lsn_time_mapping(start_lsn)\n"
     "CREATE INDEX lsn_time_mapping_nonunique_idx ON cdc.lsn_time_mapping(tran_end_time)"},
};
enum { TABLE_COUNT = sizeof TABLES / sizeof *TABLES };

/* Replication's table of schema changes, which clients know to leave out. */
static const char SCHEMAS_TABLE[] =
    "CREATE TABLE dbo.systranschemas(tabid int NOT NULL, startlsn binary(10) NOT NULL, endlsn binary(10) NOT "
    "NULL, "
    "typeid int NOT NULL DEFAULT (52))\n"
    "CREATE UNIQUE CLUSTERED INDEX uncsystranschemas ON dbo.systranschemas(startlsn)";

static bool make_schema(Session *s, SqlError *e) {
    Database *d = database_copy(session_current_database(s));
    Principal *user = database_add_principal(d, STR_LIT("cdc"), CATALOG_USER);
    user->member_of = x_calloc(1, sizeof *user->member_of);
    user->member_of[0] = CATALOG_PRINCIPAL_DB_OWNER;
    user->member_of_count = 1;
    (void)database_add_schema(d, STR_LIT("cdc"), user->id);
    d->is_cdc_enabled = true;
    return session_publish_database(s, d, e);
}

static const Table *schemas_table(Session *s, int32_t database_id) {
    return catalog_table(session_catalog(s), database_id, CATALOG_SCHEMA_DBO, STR_LIT("systranschemas"));
}

static bool mark_shipped(Session *s, const Table *t, SqlError *e) {
    if (!t) return sql_error_set(e, 22908, 16, 1, "Could not create the Change Data Capture objects.");
    Table *shipped = table_copy(t);
    shipped->is_ms_shipped = true;
    return session_publish_table(s, shipped, e);
}

/* Anybody may read the times of LSNs; of the other tables nothing. */
static bool open_times(Session *s, int32_t id, SqlError *e) {
    const Table *t = instance_cdc_table(session_catalog(s), id, STR_LIT("lsn_time_mapping"));
    Database *d = database_copy(session_current_database(s));
    database_add_grant(d, CATALOG_PRINCIPAL_PUBLIC, GRANT_ON_OBJECT, t->object_id, 0)->allow =
        PERMISSION_SELECT;
    return session_publish_database(s, d, e);
}

static bool enable(Session *s, void *arg, SqlError *e) {
    (void)arg;
    int32_t id = session_current_database(s)->id;
    if (!make_schema(s, e)) return false;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (!proc_run(s, id, str_from(TABLES[i][1]), NULL, 0, e) ||
            !mark_shipped(s, instance_cdc_table(session_catalog(s), id, str_from(TABLES[i][0])), e))
            return false;
    if (!open_times(s, id, e)) return false;
    return schemas_table(s, id) != NULL ||
           (proc_run(s, id, str_from(SCHEMAS_TABLE), NULL, 0, e) && mark_shipped(s, schemas_table(s, id), e));
}

bool proc_database_enable(Session *s, ProcCall *call, SqlError *e) {
    (void)call;
    const Database *d = session_current_database(s);
    Str name = name_of(d);
    if (!check_sysadmin(s, e)) return false;
    if (d->id < CATALOG_FIRST_USER_DATABASE) return cdc_message_raise(e, 22989, &name, 1);
    if (d->is_cdc_enabled) {
        CLEANUP(buf_done) Buf text = {0};
        cdc_message_format(22905, &name, 1, &text);
        return proc_message(s, 22905, cdc_message_class(22905), buf_view(&text));
    }
    if (database_schema(d, STR_LIT("cdc")) || database_principal(d, STR_LIT("cdc")))
        return cdc_message_raise(e, 22906, &name, 1);
    return atomic_run(s, enable, NULL, e);
}

/* ---- disabling */

static bool drop_instances(Session *s, int32_t database_id, SqlError *e) {
    InstanceSet set;
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), database_id, &set, e)) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < set.count; i++) {
        size_t others = 0;
        for (size_t k = i + 1; k < set.count; k++)
            others += set.items[k].source_object_id == set.items[i].source_object_id;
        ok = instance_drop(s, database_id, &set.items[i], others, e);
    }
    instance_done(&set);
    return ok;
}

static bool drop_tables(Session *s, int32_t database_id, SqlError *e) {
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const Table *t = instance_cdc_table(session_catalog(s), database_id, str_from(TABLES[i][0]));
        if (t && !session_drop_table(s, t->object_id, e)) return false;
    }
    return true;
}

static bool disable(Session *s, void *arg, SqlError *e) {
    (void)arg;
    int32_t id = session_current_database(s)->id;
    const Table *schemas = schemas_table(s, id);
    if (!drop_instances(s, id, e) || !drop_tables(s, id, e) ||
        (schemas && !session_drop_table(s, schemas->object_id, e)))
        return false;
    if (jobs_table(session_catalog(s)) &&
        (!jobs_drop(s, id, JOB_CAPTURE, e) || !jobs_drop(s, id, JOB_CLEANUP, e)))
        return false;
    if (!proc_run(s, id, STR_LIT("DROP SCHEMA cdc\nDROP USER cdc"), NULL, 0, e)) return false;
    Database *d = database_copy(session_current_database(s));
    d->is_cdc_enabled = false;
    return session_publish_database(s, d, e);
}

/* The jobs' table goes with the last database that has CDC. */
static bool disable_all(Session *s, void *arg, SqlError *e) {
    return disable(s, arg, e) && jobs_drop_table(s, 0, e);
}

bool proc_database_disable(Session *s, ProcCall *call, SqlError *e) {
    (void)call;
    if (!check_sysadmin(s, e)) return false;
    if (session_current_database(s)->is_cdc_enabled) return atomic_run(s, disable_all, NULL, e);
    Str name = name_of(session_current_database(s));
    CLEANUP(buf_done) Buf text = {0};
    cdc_message_format(22901, &name, 1, &text);
    return proc_message(s, 22901, 10, buf_view(&text)); /* it is as was asked */
}

/* ---- sp_cdc_vupgrade */

bool proc_database_upgrade(Session *s, ProcCall *call, SqlError *e) {
    (void)call;
    return proc_cdc_check_owner(s, e); /* what is here is of this version already */
}
