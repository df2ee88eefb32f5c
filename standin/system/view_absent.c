/*
 * view_absent.c - views of features that this server has not: sequences, modules, availability groups … They
 * have their documented columns and never a row, which is what a server on which nobody uses them shows.
 */
#include "standin/system/view_absent.h"

#include "standin/builtin/view_row.h"

static const SysTable TABLES[] = {
    VIEW_SQL("sys", "sequences", 0,
             "SELECT o.*, CAST(NULL AS bigint) AS start_value, CAST(NULL AS bigint) AS increment, "
             "CAST(NULL AS bigint) AS minimum_value, CAST(NULL AS bigint) AS maximum_value, CAST(NULL "
             "AS bit) AS is_cycling, CAST(NULL AS bit) AS is_cached, CAST(NULL AS int) AS cache_size, "
             "CAST(NULL AS tinyint) AS system_type_id, CAST(NULL AS int) AS user_type_id, CAST(NULL AS "
             "tinyint) AS precision, CAST(NULL AS tinyint) AS scale, CAST(NULL AS bigint) AS "
             "current_value, CAST(NULL AS bit) AS is_exhausted, CAST(NULL AS bigint) AS "
             "last_used_value FROM sys.objects AS o WHERE 1 = 0"),
    VIEW_SQL("sys", "synonyms", 0,
             "SELECT o.*, CAST(NULL AS nvarchar(1035)) AS base_object_name FROM sys.objects AS o WHERE "
             "1 = 0"),
    VIEW_SQL("sys", "trigger_events", 0,
             "SELECT CAST(NULL AS int) AS object_id, CAST(NULL AS int) AS type, CAST(NULL AS "
             "nvarchar(60)) AS type_desc, CAST(NULL AS bit) AS is_first, CAST(NULL AS bit) AS is_last, "
             "CAST(NULL AS int) AS event_group_type, CAST(NULL AS nvarchar(60)) AS "
             "event_group_type_desc, CAST(NULL AS bit) AS is_trigger_event WHERE 1 = 0"),
    VIEW_SQL("sys", "server_triggers", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS int) AS object_id, CAST(NULL AS "
             "tinyint) AS parent_class, CAST(NULL AS nvarchar(60)) AS parent_class_desc, CAST(NULL AS "
             "int) AS parent_id, CAST(NULL AS char(2)) AS type, CAST(NULL AS nvarchar(60)) AS "
             "type_desc, CAST(NULL AS datetime) AS create_date, CAST(NULL AS datetime) AS modify_date, "
             "CAST(NULL AS bit) AS is_ms_shipped, CAST(NULL AS bit) AS is_disabled WHERE 1 = 0"),
    VIEW_SQL_AND_ALL(
        "parameters",
        "SELECT CAST(NULL AS int) AS object_id, CAST(NULL AS sysname) AS name, CAST(NULL AS int) "
        "AS parameter_id, CAST(NULL AS tinyint) AS system_type_id, CAST(NULL AS int) AS "
        "user_type_id, CAST(NULL AS smallint) AS max_length, CAST(NULL AS tinyint) AS precision, "
        "CAST(NULL AS tinyint) AS scale, CAST(NULL AS bit) AS is_output, CAST(NULL AS bit) AS "
        "is_cursor_ref, CAST(NULL AS bit) AS has_default_value, CAST(NULL AS bit) AS "
        "is_xml_document, CAST(NULL AS nvarchar(max)) AS default_value, CAST(NULL AS int) AS "
        "xml_collection_id, CAST(NULL AS bit) AS is_readonly, CAST(NULL AS bit) AS is_nullable "
        "WHERE 1 = 0"),
    VIEW_SQL("sys", "sql_expression_dependencies", 0,
             "SELECT CAST(NULL AS int) AS referencing_id, CAST(NULL AS int) AS referencing_minor_id, "
             "CAST(NULL AS tinyint) AS referencing_class, CAST(NULL AS nvarchar(60)) AS "
             "referencing_class_desc, CAST(NULL AS bit) AS is_schema_bound_reference, CAST(NULL AS "
             "tinyint) AS referenced_class, CAST(NULL AS nvarchar(60)) AS referenced_class_desc, "
             "CAST(NULL AS sysname) AS referenced_server_name, CAST(NULL AS sysname) AS "
             "referenced_database_name, CAST(NULL AS sysname) AS referenced_schema_name, CAST(NULL AS "
             "sysname) AS referenced_entity_name, CAST(NULL AS int) AS referenced_id, CAST(NULL AS "
             "int) AS referenced_minor_id, CAST(NULL AS bit) AS is_caller_dependent, CAST(NULL AS bit) "
             "AS is_ambiguous WHERE 1 = 0"),
    VIEW_SQL("sys", "sql_dependencies", 0,
             "SELECT CAST(NULL AS tinyint) AS class, CAST(NULL AS nvarchar(60)) AS class_desc, "
             "CAST(NULL AS int) AS object_id, CAST(NULL AS int) AS column_id, CAST(NULL AS int) AS "
             "referenced_major_id, CAST(NULL AS int) AS referenced_minor_id, CAST(NULL AS bit) AS "
             "is_selected, CAST(NULL AS bit) AS is_updated, CAST(NULL AS bit) AS is_select_all WHERE 1 "
             "= 0"),
    VIEW_SQL("sys", "assemblies", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS int) AS principal_id, CAST(NULL AS "
             "int) AS assembly_id, CAST(NULL AS nvarchar(4000)) AS clr_name, CAST(NULL AS tinyint) AS "
             "permission_set, CAST(NULL AS nvarchar(60)) AS permission_set_desc, CAST(NULL AS bit) AS "
             "is_visible, CAST(NULL AS datetime) AS create_date, CAST(NULL AS datetime) AS "
             "modify_date, CAST(NULL AS bit) AS is_user_defined WHERE 1 = 0"),
    VIEW_SQL("sys", "assembly_types", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS tinyint) AS system_type_id, CAST(NULL "
             "AS int) AS user_type_id, CAST(NULL AS int) AS schema_id, CAST(NULL AS int) AS "
             "principal_id, CAST(NULL AS smallint) AS max_length, CAST(NULL AS tinyint) AS precision, "
             "CAST(NULL AS tinyint) AS scale, CAST(NULL AS sysname) AS collation_name, CAST(NULL AS "
             "bit) AS is_nullable, CAST(NULL AS bit) AS is_user_defined, CAST(NULL AS bit) AS "
             "is_assembly_type, CAST(NULL AS int) AS default_object_id, CAST(NULL AS int) AS "
             "rule_object_id, CAST(NULL AS int) AS assembly_id, CAST(NULL AS sysname) AS "
             "assembly_class, CAST(NULL AS bit) AS is_binary_ordered, CAST(NULL AS bit) AS "
             "is_fixed_length, CAST(NULL AS nvarchar(40)) AS prog_id, CAST(NULL AS nvarchar(4000)) AS "
             "assembly_qualified_name, CAST(NULL AS bit) AS is_table_type WHERE 1 = 0"),
    VIEW_SQL("sys", "table_types", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS tinyint) AS system_type_id, CAST(NULL "
             "AS int) AS user_type_id, CAST(NULL AS int) AS schema_id, CAST(NULL AS int) AS "
             "principal_id, CAST(NULL AS smallint) AS max_length, CAST(NULL AS tinyint) AS precision, "
             "CAST(NULL AS tinyint) AS scale, CAST(NULL AS sysname) AS collation_name, CAST(NULL AS "
             "bit) AS is_nullable, CAST(NULL AS bit) AS is_user_defined, CAST(NULL AS bit) AS "
             "is_assembly_type, CAST(NULL AS int) AS default_object_id, CAST(NULL AS int) AS "
             "rule_object_id, CAST(NULL AS bit) AS is_table_type, CAST(NULL AS int) AS "
             "type_table_object_id, CAST(NULL AS bit) AS is_memory_optimized WHERE 1 = 0"),
    VIEW_SQL("sys", "partition_schemes", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS int) AS data_space_id, CAST(NULL AS "
             "char(2)) AS type, CAST(NULL AS nvarchar(60)) AS type_desc, CAST(NULL AS bit) AS "
             "is_default, CAST(NULL AS bit) AS is_system, CAST(NULL AS int) AS function_id WHERE 1 = 0"),
    VIEW_SQL("sys", "partition_functions", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS int) AS function_id, CAST(NULL AS "
             "char(2)) AS type, CAST(NULL AS nvarchar(60)) AS type_desc, CAST(NULL AS int) AS fanout, "
             "CAST(NULL AS bit) AS boundary_value_on_right, CAST(NULL AS bit) AS is_system, CAST(NULL "
             "AS datetime) AS create_date, CAST(NULL AS datetime) AS modify_date WHERE 1 = 0"),
    VIEW_SQL("sys", "xml_indexes", 0,
             "SELECT CAST(NULL AS int) AS object_id, CAST(NULL AS sysname) AS name, CAST(NULL AS int) "
             "AS index_id, CAST(NULL AS tinyint) AS type, CAST(NULL AS nvarchar(60)) AS type_desc, "
             "CAST(NULL AS bit) AS is_unique, CAST(NULL AS int) AS using_xml_index_id, CAST(NULL AS "
             "char(1)) AS secondary_type, CAST(NULL AS nvarchar(60)) AS secondary_type_desc WHERE 1 = "
             "0"),
    VIEW_SQL("sys", "fulltext_indexes", 0,
             "SELECT CAST(NULL AS int) AS object_id, CAST(NULL AS int) AS unique_index_id, CAST(NULL "
             "AS int) AS fulltext_catalog_id, CAST(NULL AS bit) AS is_enabled, CAST(NULL AS char(1)) "
             "AS change_tracking_state, CAST(NULL AS nvarchar(60)) AS change_tracking_state_desc WHERE "
             "1 = 0"),
    VIEW_SQL("sys", "fulltext_catalogs", 0,
             "SELECT CAST(NULL AS int) AS fulltext_catalog_id, CAST(NULL AS sysname) AS name, "
             "CAST(NULL AS nvarchar(260)) AS path, CAST(NULL AS bit) AS is_default, CAST(NULL AS bit) "
             "AS is_accent_sensitivity_on, CAST(NULL AS int) AS data_space_id, CAST(NULL AS int) AS "
             "file_id, CAST(NULL AS int) AS principal_id, CAST(NULL AS bit) AS is_importing WHERE 1 = "
             "0"),
    VIEW_SQL("sys", "masked_columns", 0,
             "SELECT CAST(NULL AS int) AS object_id, CAST(NULL AS sysname) AS name, CAST(NULL AS int) "
             "AS column_id, CAST(NULL AS bit) AS is_masked, CAST(NULL AS nvarchar(4000)) AS "
             "masking_function WHERE 1 = 0"),
    VIEW_SQL("sys", "security_policies", 0,
             "SELECT o.*, CAST(NULL AS bit) AS is_enabled, CAST(NULL AS bit) AS "
             "is_not_for_replication, CAST(NULL AS bit) AS uses_database_collation, CAST(NULL AS bit) "
             "AS is_schema_bound FROM sys.objects AS o WHERE 1 = 0"),
    VIEW_SQL("sys", "periods", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS tinyint) AS period_type, CAST(NULL AS "
             "nvarchar(60)) AS period_type_desc, CAST(NULL AS int) AS object_id, CAST(NULL AS int) AS "
             "start_column_id, CAST(NULL AS int) AS end_column_id WHERE 1 = 0"),
    VIEW_SQL("sys", "symmetric_keys", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS int) AS principal_id, CAST(NULL AS "
             "int) AS symmetric_key_id, CAST(NULL AS int) AS key_length, CAST(NULL AS char(2)) AS "
             "key_algorithm, CAST(NULL AS nvarchar(60)) AS algorithm_desc, CAST(NULL AS datetime) AS "
             "create_date, CAST(NULL AS datetime) AS modify_date, CAST(NULL AS uniqueidentifier) AS "
             "key_guid WHERE 1 = 0"),
    VIEW_SQL("sys", "certificates", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS int) AS certificate_id, CAST(NULL AS "
             "int) AS principal_id, CAST(NULL AS char(2)) AS pvt_key_encryption_type, CAST(NULL AS "
             "nvarchar(60)) AS pvt_key_encryption_type_desc, CAST(NULL AS bit) AS "
             "is_active_for_begin_dialog, CAST(NULL AS nvarchar(4000)) AS subject, CAST(NULL AS "
             "datetime) AS expiry_date, CAST(NULL AS datetime) AS start_date, CAST(NULL AS "
             "varbinary(32)) AS thumbprint WHERE 1 = 0"),
    VIEW_SQL("sys", "column_master_keys", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS int) AS column_master_key_id, "
             "CAST(NULL AS datetime) AS create_date, CAST(NULL AS datetime) AS modify_date, CAST(NULL "
             "AS sysname) AS key_store_provider_name, CAST(NULL AS nvarchar(4000)) AS key_path WHERE 1 "
             "= 0"),
    VIEW_SQL("sys", "column_encryption_keys", 0,
             "SELECT CAST(NULL AS sysname) AS name, CAST(NULL AS int) AS column_encryption_key_id, "
             "CAST(NULL AS datetime) AS create_date, CAST(NULL AS datetime) AS modify_date WHERE 1 = 0"),
    VIEW_SQL("sys", "external_data_sources", 0,
             "SELECT CAST(NULL AS int) AS data_source_id, CAST(NULL AS sysname) AS name, CAST(NULL AS "
             "nvarchar(4000)) AS location, CAST(NULL AS nvarchar(255)) AS type_desc, CAST(NULL AS "
             "tinyint) AS type, CAST(NULL AS int) AS credential_id WHERE 1 = 0"),
    VIEW_SQL("sys", "external_tables", 0,
             "SELECT o.*, CAST(NULL AS int) AS data_source_id, CAST(NULL AS int) AS file_format_id, "
             "CAST(NULL AS nvarchar(4000)) AS location FROM sys.objects AS o WHERE 1 = 0"),
    VIEW_SQL("sys", "linked_logins", 0,
             "SELECT CAST(NULL AS int) AS server_id, CAST(NULL AS int) AS local_principal_id, "
             "CAST(NULL AS bit) AS uses_self_credential, CAST(NULL AS sysname) AS remote_name, "
             "CAST(NULL AS datetime) AS modify_date WHERE 1 = 0"),
    VIEW_SQL("sys", "credentials", 0,
             "SELECT CAST(NULL AS int) AS credential_id, CAST(NULL AS sysname) AS name, CAST(NULL AS "
             "nvarchar(4000)) AS credential_identity, CAST(NULL AS datetime) AS create_date, CAST(NULL "
             "AS datetime) AS modify_date, CAST(NULL AS nvarchar(100)) AS target_type, CAST(NULL AS "
             "int) AS target_id WHERE 1 = 0"),
    VIEW_SQL("sys", "change_tracking_databases", 0,
             "SELECT CAST(NULL AS int) AS database_id, CAST(NULL AS tinyint) AS is_auto_cleanup_on, "
             "CAST(NULL AS int) AS retention_period, CAST(NULL AS tinyint) AS retention_period_units, "
             "CAST(NULL AS nvarchar(60)) AS retention_period_units_desc, CAST(NULL AS bigint) AS "
             "max_cleanup_version WHERE 1 = 0"),
    VIEW_SQL("sys", "change_tracking_tables", 0,
             "SELECT CAST(NULL AS int) AS object_id, CAST(NULL AS bit) AS is_track_columns_updated_on, "
             "CAST(NULL AS bigint) AS min_valid_version, CAST(NULL AS bigint) AS begin_version, "
             "CAST(NULL AS bigint) AS cleanup_version WHERE 1 = 0"),
    VIEW_SQL("sys", "availability_groups", 0,
             "SELECT CAST(NULL AS uniqueidentifier) AS group_id, CAST(NULL AS sysname) AS name, "
             "CAST(NULL AS nvarchar(40)) AS resource_id, CAST(NULL AS nvarchar(40)) AS "
             "resource_group_id, CAST(NULL AS int) AS failure_condition_level, CAST(NULL AS int) AS "
             "health_check_timeout, CAST(NULL AS tinyint) AS automated_backup_preference, CAST(NULL AS "
             "nvarchar(60)) AS automated_backup_preference_desc, CAST(NULL AS smallint) AS version, "
             "CAST(NULL AS bit) AS basic_features, CAST(NULL AS bit) AS dtc_support, CAST(NULL AS bit) "
             "AS db_failover, CAST(NULL AS bit) AS is_distributed, CAST(NULL AS tinyint) AS "
             "cluster_type, CAST(NULL AS nvarchar(60)) AS cluster_type_desc, CAST(NULL AS int) AS "
             "required_synchronized_secondaries_to_commit, CAST(NULL AS bigint) AS sequence_number, "
             "CAST(NULL AS bit) AS is_contained WHERE 1 = 0"),
    VIEW_SQL("sys", "availability_replicas", 0,
             "SELECT CAST(NULL AS uniqueidentifier) AS replica_id, CAST(NULL AS uniqueidentifier) AS "
             "group_id, CAST(NULL AS int) AS replica_metadata_id, CAST(NULL AS nvarchar(256)) AS "
             "replica_server_name, CAST(NULL AS varbinary(85)) AS owner_sid, CAST(NULL AS "
             "nvarchar(256)) AS endpoint_url, CAST(NULL AS tinyint) AS availability_mode, CAST(NULL AS "
             "nvarchar(60)) AS availability_mode_desc, CAST(NULL AS tinyint) AS failover_mode, "
             "CAST(NULL AS nvarchar(60)) AS failover_mode_desc, CAST(NULL AS int) AS session_timeout, "
             "CAST(NULL AS tinyint) AS primary_role_allow_connections, CAST(NULL AS nvarchar(60)) AS "
             "primary_role_allow_connections_desc, CAST(NULL AS tinyint) AS "
             "secondary_role_allow_connections, CAST(NULL AS nvarchar(60)) AS "
             "secondary_role_allow_connections_desc, CAST(NULL AS datetime) AS create_date, CAST(NULL "
             "AS datetime) AS modify_date, CAST(NULL AS int) AS backup_priority, CAST(NULL AS "
             "nvarchar(256)) AS read_only_routing_url, CAST(NULL AS tinyint) AS seeding_mode, "
             "CAST(NULL AS nvarchar(60)) AS seeding_mode_desc WHERE 1 = 0"),
    VIEW_SQL("sys", "availability_databases_cluster", 0,
             "SELECT CAST(NULL AS uniqueidentifier) AS group_id, CAST(NULL AS uniqueidentifier) AS "
             "group_database_id, CAST(NULL AS sysname) AS database_name, CAST(NULL AS numeric(25, 0)) "
             "AS truncation_lsn WHERE 1 = 0"),
    VIEW_SQL("sys", "availability_group_listeners", 0,
             "SELECT CAST(NULL AS uniqueidentifier) AS group_id, CAST(NULL AS nvarchar(36)) AS "
             "listener_id, CAST(NULL AS nvarchar(63)) AS dns_name, CAST(NULL AS int) AS port, "
             "CAST(NULL AS bit) AS is_conformant, CAST(NULL AS nvarchar(max)) AS "
             "ip_configuration_string_from_cluster WHERE 1 = 0"),
    VIEW_SQL("sys", "dm_hadr_availability_group_states", 0,
             "SELECT CAST(NULL AS uniqueidentifier) AS group_id, CAST(NULL AS nvarchar(128)) AS "
             "primary_replica, CAST(NULL AS tinyint) AS primary_recovery_health, CAST(NULL AS "
             "nvarchar(60)) AS primary_recovery_health_desc, CAST(NULL AS tinyint) AS "
             "secondary_recovery_health, CAST(NULL AS nvarchar(60)) AS secondary_recovery_health_desc, "
             "CAST(NULL AS tinyint) AS synchronization_health, CAST(NULL AS nvarchar(60)) AS "
             "synchronization_health_desc WHERE 1 = 0"),
    VIEW_SQL("sys", "dm_hadr_availability_replica_states", 0,
             "SELECT CAST(NULL AS uniqueidentifier) AS replica_id, CAST(NULL AS uniqueidentifier) AS "
             "group_id, CAST(NULL AS bit) AS is_local, CAST(NULL AS tinyint) AS role, CAST(NULL AS "
             "nvarchar(60)) AS role_desc, CAST(NULL AS tinyint) AS operational_state, CAST(NULL AS "
             "nvarchar(60)) AS operational_state_desc, CAST(NULL AS tinyint) AS connected_state, "
             "CAST(NULL AS nvarchar(60)) AS connected_state_desc, CAST(NULL AS tinyint) AS "
             "recovery_health, CAST(NULL AS nvarchar(60)) AS recovery_health_desc, CAST(NULL AS "
             "tinyint) AS synchronization_health, CAST(NULL AS nvarchar(60)) AS "
             "synchronization_health_desc, CAST(NULL AS int) AS last_connect_error_number, CAST(NULL "
             "AS nvarchar(1024)) AS last_connect_error_description, CAST(NULL AS datetime) AS "
             "last_connect_error_timestamp WHERE 1 = 0"),
    VIEW_SQL("sys", "dm_hadr_database_replica_states", 0,
             "SELECT CAST(NULL AS int) AS database_id, CAST(NULL AS uniqueidentifier) AS group_id, "
             "CAST(NULL AS uniqueidentifier) AS replica_id, CAST(NULL AS uniqueidentifier) AS "
             "group_database_id, CAST(NULL AS bit) AS is_local, CAST(NULL AS bit) AS "
             "is_primary_replica, CAST(NULL AS tinyint) AS synchronization_state, CAST(NULL AS "
             "nvarchar(60)) AS synchronization_state_desc, CAST(NULL AS bit) AS is_commit_participant, "
             "CAST(NULL AS tinyint) AS synchronization_health, CAST(NULL AS nvarchar(60)) AS "
             "synchronization_health_desc, CAST(NULL AS tinyint) AS database_state, CAST(NULL AS "
             "nvarchar(60)) AS database_state_desc, CAST(NULL AS bit) AS is_suspended, CAST(NULL AS "
             "tinyint) AS suspend_reason, CAST(NULL AS nvarchar(60)) AS suspend_reason_desc, CAST(NULL "
             "AS numeric(25, 0)) AS recovery_lsn, CAST(NULL AS numeric(25, 0)) AS truncation_lsn, "
             "CAST(NULL AS numeric(25, 0)) AS last_sent_lsn, CAST(NULL AS datetime) AS last_sent_time, "
             "CAST(NULL AS numeric(25, 0)) AS last_received_lsn, CAST(NULL AS datetime) AS "
             "last_received_time, CAST(NULL AS numeric(25, 0)) AS last_hardened_lsn, CAST(NULL AS "
             "datetime) AS last_hardened_time, CAST(NULL AS numeric(25, 0)) AS last_redone_lsn, "
             "CAST(NULL AS datetime) AS last_redone_time, CAST(NULL AS bigint) AS log_send_queue_size, "
             "CAST(NULL AS bigint) AS log_send_rate, CAST(NULL AS bigint) AS redo_queue_size, "
             "CAST(NULL AS bigint) AS redo_rate, CAST(NULL AS bigint) AS filestream_send_rate, "
             "CAST(NULL AS numeric(25, 0)) AS end_of_log_lsn, CAST(NULL AS numeric(25, 0)) AS "
             "last_commit_lsn, CAST(NULL AS datetime) AS last_commit_time, CAST(NULL AS bigint) AS "
             "low_water_mark_for_ghosts, CAST(NULL AS bigint) AS secondary_lag_seconds WHERE 1 = 0"),
    VIEW_SQL("sys", "dm_hadr_cluster", 0,
             "SELECT CAST(NULL AS nvarchar(128)) AS cluster_name, CAST(NULL AS tinyint) AS "
             "quorum_type, CAST(NULL AS nvarchar(50)) AS quorum_type_desc, CAST(NULL AS tinyint) AS "
             "quorum_state, CAST(NULL AS nvarchar(50)) AS quorum_state_desc WHERE 1 = 0"),
    VIEW_SQL("INFORMATION_SCHEMA", "PARAMETERS", 0,
             "SELECT CAST(NULL AS nvarchar(128)) AS SPECIFIC_CATALOG, CAST(NULL AS nvarchar(128)) AS "
             "SPECIFIC_SCHEMA, CAST(NULL AS sysname) AS SPECIFIC_NAME, CAST(NULL AS int) AS "
             "ORDINAL_POSITION, CAST(NULL AS nvarchar(10)) AS PARAMETER_MODE, CAST(NULL AS "
             "nvarchar(10)) AS IS_RESULT, CAST(NULL AS nvarchar(10)) AS AS_LOCATOR, CAST(NULL AS "
             "nvarchar(128)) AS PARAMETER_NAME, CAST(NULL AS nvarchar(128)) AS DATA_TYPE, CAST(NULL AS "
             "int) AS CHARACTER_MAXIMUM_LENGTH, CAST(NULL AS int) AS CHARACTER_OCTET_LENGTH, CAST(NULL "
             "AS sysname) AS COLLATION_NAME, CAST(NULL AS tinyint) AS NUMERIC_PRECISION, CAST(NULL AS "
             "smallint) AS NUMERIC_PRECISION_RADIX, CAST(NULL AS int) AS NUMERIC_SCALE, CAST(NULL AS "
             "smallint) AS DATETIME_PRECISION WHERE 1 = 0"),
    VIEW_SQL("INFORMATION_SCHEMA", "DOMAINS", 0,
             "SELECT CAST(NULL AS nvarchar(128)) AS DOMAIN_CATALOG, CAST(NULL AS nvarchar(128)) AS "
             "DOMAIN_SCHEMA, CAST(NULL AS sysname) AS DOMAIN_NAME, CAST(NULL AS sysname) AS DATA_TYPE, "
             "CAST(NULL AS int) AS CHARACTER_MAXIMUM_LENGTH, CAST(NULL AS int) AS "
             "CHARACTER_OCTET_LENGTH, CAST(NULL AS sysname) AS COLLATION_NAME, CAST(NULL AS tinyint) "
             "AS NUMERIC_PRECISION, CAST(NULL AS smallint) AS NUMERIC_PRECISION_RADIX, CAST(NULL AS "
             "tinyint) AS NUMERIC_SCALE, CAST(NULL AS smallint) AS DATETIME_PRECISION, CAST(NULL AS "
             "nvarchar(4000)) AS DOMAIN_DEFAULT WHERE 1 = 0"),
    VIEW_SQL("INFORMATION_SCHEMA", "SEQUENCES", 0,
             "SELECT CAST(NULL AS nvarchar(128)) AS SEQUENCE_CATALOG, CAST(NULL AS nvarchar(128)) AS "
             "SEQUENCE_SCHEMA, CAST(NULL AS sysname) AS SEQUENCE_NAME, CAST(NULL AS sysname) AS "
             "DATA_TYPE, CAST(NULL AS tinyint) AS NUMERIC_PRECISION, CAST(NULL AS smallint) AS "
             "NUMERIC_PRECISION_RADIX, CAST(NULL AS int) AS NUMERIC_SCALE, CAST(NULL AS bigint) AS "
             "START_VALUE, CAST(NULL AS bigint) AS MINIMUM_VALUE, CAST(NULL AS bigint) AS "
             "MAXIMUM_VALUE, CAST(NULL AS bigint) AS INCREMENT, CAST(NULL AS bit) AS CYCLE_OPTION "
             "WHERE 1 = 0"),
    VIEW_SQL("INFORMATION_SCHEMA", "VIEW_TABLE_USAGE", 0,
             "SELECT CAST(NULL AS nvarchar(128)) AS VIEW_CATALOG, CAST(NULL AS nvarchar(128)) AS "
             "VIEW_SCHEMA, CAST(NULL AS sysname) AS VIEW_NAME, CAST(NULL AS nvarchar(128)) AS "
             "TABLE_CATALOG, CAST(NULL AS nvarchar(128)) AS TABLE_SCHEMA, CAST(NULL AS sysname) AS "
             "TABLE_NAME WHERE 1 = 0"),
    VIEW_SQL("INFORMATION_SCHEMA", "VIEW_COLUMN_USAGE", 0,
             "SELECT CAST(NULL AS nvarchar(128)) AS VIEW_CATALOG, CAST(NULL AS nvarchar(128)) AS "
             "VIEW_SCHEMA, CAST(NULL AS sysname) AS VIEW_NAME, CAST(NULL AS nvarchar(128)) AS "
             "TABLE_CATALOG, CAST(NULL AS nvarchar(128)) AS TABLE_SCHEMA, CAST(NULL AS sysname) AS "
             "TABLE_NAME, CAST(NULL AS sysname) AS COLUMN_NAME WHERE 1 = 0"),
};

void view_absent_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
