/* view_derived.c - views that follow from others, each a SELECT over them. */
#include "standin/system/view_derived.h"

#include "standin/builtin/view_row.h"

static const SysTable TABLES[] = {
    VIEW_SQL("sys", "database_files", 0,
             "SELECT  f.file_id, CAST(NULL AS uniqueidentifier) AS file_guid, CAST(f.type AS tinyint) "
             "AS type, CAST(f.type_desc AS nvarchar(60)) AS type_desc, CAST(f.data_space_id AS int) AS "
             "data_space_id, CAST(CASE f.type WHEN 0 THEN DB_NAME() ELSE DB_NAME() + N'_log' END AS "
             "sysname) AS name, CAST(N'/var/opt/mssql/data/' + DB_NAME() + CASE f.type WHEN 0 THEN "
             "N'.mdf' ELSE N'_log.ldf' END AS nvarchar(260)) AS physical_name, CAST(0 AS tinyint) AS "
             "state, CAST(N'ONLINE' AS nvarchar(60)) AS state_desc, 1024 AS size, CASE f.type WHEN 0 "
             "THEN -1 ELSE 268435456 END AS max_size, 8192 AS growth, CAST(0 AS bit) AS "
             "is_media_read_only, CAST(0 AS bit) AS is_read_only, CAST(0 AS bit) AS is_sparse, CAST(0 "
             "AS bit) AS is_percent_growth, CAST(0 AS bit) AS is_name_reserved FROM (VALUES (1, 0, "
             "N'ROWS', 1), (2, 1, N'LOG', 0)) AS f(file_id, type, type_desc, data_space_id)"),
    VIEW_SQL("sys", "master_files", 0,
             "SELECT d.database_id, f.file_id, CAST(NULL AS uniqueidentifier) AS file_guid, "
             "CAST(f.type AS tinyint) AS type, CAST(f.type_desc AS nvarchar(60)) AS type_desc, "
             "CAST(f.data_space_id AS int) AS data_space_id, CAST(CASE f.type WHEN 0 THEN d.name ELSE "
             "d.name + N'_log' END AS sysname) AS name, CAST(N'/var/opt/mssql/data/' + d.name + CASE "
             "f.type WHEN 0 THEN N'.mdf' ELSE N'_log.ldf' END AS nvarchar(260)) AS physical_name, "
             "CAST(0 AS tinyint) AS state, CAST(N'ONLINE' AS nvarchar(60)) AS state_desc, 1024 AS "
             "size, CASE f.type WHEN 0 THEN -1 ELSE 268435456 END AS max_size, 8192 AS growth, CAST(0 "
             "AS bit) AS is_media_read_only, CAST(0 AS bit) AS is_read_only, CAST(0 AS bit) AS "
             "is_sparse, CAST(0 AS bit) AS is_percent_growth, CAST(0 AS bit) AS is_name_reserved FROM "
             "(VALUES (1, 0, N'ROWS', 1), (2, 1, N'LOG', 0)) AS f(file_id, type, type_desc, "
             "data_space_id) CROSS JOIN sys.databases AS d"),
    VIEW_SQL("sys", "filegroups", 0,
             "SELECT CAST(N'PRIMARY' AS sysname) AS name, 1 AS data_space_id, CAST('FG' AS char(2)) AS "
             "type, CAST(N'ROWS_FILEGROUP' AS nvarchar(60)) AS type_desc, CAST(1 AS bit) AS "
             "is_default, CAST(0 AS bit) AS is_system, CAST(NULL AS uniqueidentifier) AS "
             "filegroup_guid, CAST(NULL AS int) AS log_filegroup_id, CAST(0 AS bit) AS is_read_only, "
             "CAST(0 AS bit) AS is_autogrow_all_files"),
    VIEW_SQL("sys", "data_spaces", 0,
             "SELECT CAST(N'PRIMARY' AS sysname) AS name, 1 AS data_space_id, CAST('FG' AS char(2)) AS "
             "type, CAST(N'ROWS_FILEGROUP' AS nvarchar(60)) AS type_desc, CAST(1 AS bit) AS "
             "is_default, CAST(0 AS bit) AS is_system"),
    VIEW_SQL("sys", "allocation_units", 0,
             "SELECT p.partition_id AS allocation_unit_id, CAST(1 AS tinyint) AS type, "
             "CAST(N'IN_ROW_DATA' AS nvarchar(60)) AS type_desc, p.hobt_id AS container_id, CAST(1 AS "
             "int) AS data_space_id, CAST(0 AS bigint) AS total_pages, CAST(0 AS bigint) AS "
             "used_pages, CAST(0 AS bigint) AS data_pages FROM sys.partitions AS p"),
    VIEW_SQL("sys", "stats", 0,
             "SELECT i.object_id, i.name, i.index_id AS stats_id, CAST(0 AS bit) AS auto_created, "
             "CAST(0 AS bit) AS user_created, CAST(0 AS bit) AS no_recompute, i.has_filter, "
             "i.filter_definition, CAST(0 AS bit) AS is_temporary, CAST(0 AS bit) AS is_incremental "
             "FROM sys.indexes AS i WHERE i.index_id > 0"),
    VIEW_SQL("sys", "stats_columns", 0,
             "SELECT c.object_id, c.index_id AS stats_id, c.key_ordinal AS stats_column_id, "
             "c.column_id FROM sys.index_columns AS c WHERE c.key_ordinal > 0"),
    VIEW_SQL("sys", "servers", 0,
             "SELECT 0 AS server_id, CAST(@@SERVERNAME AS sysname) AS name, CAST(N'SQL Server' AS "
             "sysname) AS product, CAST(N'SQLNCLI' AS sysname) AS provider, CAST(@@SERVERNAME AS "
             "nvarchar(4000)) AS data_source, CAST(NULL AS nvarchar(4000)) AS location, CAST(NULL AS "
             "nvarchar(4000)) AS provider_string, CAST(NULL AS sysname) AS catalog, 0 AS "
             "connect_timeout, 0 AS query_timeout, CAST(0 AS bit) AS is_linked, CAST(0 AS bit) AS "
             "is_remote_login_enabled, CAST(1 AS bit) AS is_rpc_out_enabled, CAST(0 AS bit) AS "
             "is_data_access_enabled, CAST(0 AS bit) AS is_collation_compatible, CAST(1 AS bit) AS "
             "uses_remote_collation, CAST(NULL AS sysname) AS collation_name, CAST(0 AS bit) AS "
             "lazy_schema_validation, CAST(0 AS bit) AS is_system, CAST(0 AS bit) AS is_publisher, "
             "CAST(0 AS bit) AS is_subscriber, CAST(0 AS bit) AS is_distributor"),
    VIEW_SQL_AND_ALL(
        "sql_modules",
        "SELECT o.object_id, OBJECT_DEFINITION(o.object_id) AS definition, CAST(1 AS bit) AS "
        "uses_ansi_nulls, "
        "CAST(1 AS bit) AS uses_quoted_identifier, CAST(0 AS bit) AS is_schema_bound, CAST(0 AS bit) AS "
        "uses_database_collation, CAST(0 AS bit) AS is_recompiled, CAST(0 AS bit) AS null_on_null_input, "
        "CAST(NULL "
        "AS int) AS execute_as_principal_id, CAST(0 AS bit) AS uses_native_compilation, CAST(0 AS bit) AS "
        "is_inlineable, CAST(0 AS bit) AS inline_type FROM sys.objects AS o WHERE o.type IN ('V', 'P') AND "
        "OBJECT_DEFINITION(o.object_id) IS NOT NULL"),
    VIEW_SQL("sys", "sql_logins", 0,
             "SELECT p.name, p.principal_id, p.sid, p.type, p.type_desc, p.is_disabled, p.create_date, "
             "p.modify_date, p.default_database_name, p.default_language_name, p.credential_id, CAST(0 "
             "AS bit) AS is_policy_checked, CAST(0 AS bit) AS is_expiration_checked, CAST(NULL AS "
             "varbinary(256)) AS password_hash FROM sys.server_principals AS p WHERE p.type = 'S'"),
    VIEW_SQL("sys", "database_mirroring", 0,
             "SELECT d.database_id, CAST(NULL AS uniqueidentifier) AS mirroring_guid, CAST(NULL AS "
             "tinyint) AS mirroring_state, CAST(NULL AS nvarchar(60)) AS mirroring_state_desc, "
             "CAST(NULL AS tinyint) AS mirroring_role, CAST(NULL AS nvarchar(60)) AS "
             "mirroring_role_desc, CAST(NULL AS int) AS mirroring_role_sequence, CAST(NULL AS tinyint) "
             "AS mirroring_safety_level, CAST(NULL AS nvarchar(60)) AS mirroring_safety_level_desc, "
             "CAST(NULL AS int) AS mirroring_safety_sequence, CAST(NULL AS nvarchar(128)) AS "
             "mirroring_partner_name, CAST(NULL AS nvarchar(128)) AS mirroring_partner_instance, "
             "CAST(NULL AS nvarchar(128)) AS mirroring_witness_name, CAST(NULL AS tinyint) AS "
             "mirroring_witness_state, CAST(NULL AS nvarchar(60)) AS mirroring_witness_state_desc, "
             "CAST(NULL AS numeric(25, 0)) AS mirroring_failover_lsn, CAST(NULL AS int) AS "
             "mirroring_connection_timeout, CAST(NULL AS int) AS mirroring_redo_queue, CAST(NULL AS "
             "nvarchar(60)) AS mirroring_redo_queue_type, CAST(NULL AS numeric(25, 0)) AS "
             "mirroring_end_of_log_lsn, CAST(NULL AS numeric(25, 0)) AS mirroring_replication_lsn FROM "
             "sys.databases AS d"),
    VIEW_SQL("sys", "dm_os_host_info", 0,
             "SELECT CAST(N'Linux' AS nvarchar(256)) AS host_platform, CAST(N'Linux' AS nvarchar(256)) "
             "AS host_distribution, CAST(N'' AS nvarchar(256)) AS host_release, CAST(N'' AS "
             "nvarchar(256)) AS host_service_pack_level, CAST(NULL AS int) AS host_sku, 0 AS "
             "os_language_version, CAST(N'X64' AS nvarchar(256)) AS host_architecture"),
    VIEW_SQL("INFORMATION_SCHEMA", "VIEWS", 0,
             "SELECT CAST(DB_NAME() AS nvarchar(128)) AS TABLE_CATALOG, CAST(SCHEMA_NAME(v.schema_id) "
             "AS nvarchar(128)) AS TABLE_SCHEMA, v.name AS TABLE_NAME, CAST(NULL AS nvarchar(4000)) AS "
             "VIEW_DEFINITION, CAST('NONE' AS varchar(7)) AS CHECK_OPTION, CAST('NO' AS varchar(2)) AS "
             "IS_UPDATABLE FROM sys.views AS v"),
    VIEW_SQL("INFORMATION_SCHEMA", "CHECK_CONSTRAINTS", 0,
             "SELECT CAST(DB_NAME() AS nvarchar(128)) AS CONSTRAINT_CATALOG, "
             "CAST(SCHEMA_NAME(c.schema_id) AS nvarchar(128)) AS CONSTRAINT_SCHEMA, c.name AS "
             "CONSTRAINT_NAME, CAST(c.definition AS nvarchar(4000)) AS CHECK_CLAUSE FROM "
             "sys.check_constraints AS c"),
    VIEW_SQL("INFORMATION_SCHEMA", "CONSTRAINT_TABLE_USAGE", 0,
             "SELECT t.TABLE_CATALOG, t.TABLE_SCHEMA, t.TABLE_NAME, t.CONSTRAINT_CATALOG, "
             "t.CONSTRAINT_SCHEMA, t.CONSTRAINT_NAME FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS t"),
    VIEW_SQL("INFORMATION_SCHEMA", "CONSTRAINT_COLUMN_USAGE", 0,
             "SELECT k.TABLE_CATALOG, k.TABLE_SCHEMA, k.TABLE_NAME, k.COLUMN_NAME, "
             "k.CONSTRAINT_CATALOG, k.CONSTRAINT_SCHEMA, k.CONSTRAINT_NAME FROM "
             "INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS k UNION ALL SELECT CAST(DB_NAME() AS "
             "nvarchar(128)), CAST(SCHEMA_NAME(c.schema_id) AS nvarchar(128)), "
             "CAST(OBJECT_NAME(c.parent_object_id) AS sysname), CAST(COL_NAME(c.parent_object_id, "
             "c.parent_column_id) AS sysname), CAST(DB_NAME() AS nvarchar(128)), "
             "CAST(SCHEMA_NAME(c.schema_id) AS nvarchar(128)), c.name FROM sys.check_constraints AS c "
             "WHERE c.parent_column_id > 0"),
    VIEW_SQL("INFORMATION_SCHEMA", "TABLE_PRIVILEGES", 0,
             "SELECT CAST(USER_NAME(p.grantor_principal_id) AS nvarchar(128)) AS GRANTOR, "
             "CAST(USER_NAME(p.grantee_principal_id) AS nvarchar(128)) AS GRANTEE, CAST(DB_NAME() AS "
             "nvarchar(128)) AS TABLE_CATALOG, CAST(OBJECT_SCHEMA_NAME(p.major_id) AS nvarchar(128)) "
             "AS TABLE_SCHEMA, CAST(OBJECT_NAME(p.major_id) AS sysname) AS TABLE_NAME, "
             "CAST(p.permission_name AS varchar(10)) AS PRIVILEGE_TYPE, CAST(CASE p.state WHEN 'W' "
             "THEN 'YES' ELSE 'NO' END AS varchar(3)) AS IS_GRANTABLE FROM sys.database_permissions AS "
             "p WHERE p.class = 1 AND p.minor_id = 0 AND p.state IN ('G', 'W') AND p.permission_name "
             "IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES')"),
};

void view_derived_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
