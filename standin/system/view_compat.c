/* view_compat.c - the system tables of SQL Server 2000, each a SELECT over what has replaced it. */
#include "standin/system/view_compat.h"

#include "standin/builtin/view_row.h"

/* They are found under dbo, too, as in SQL Server 2000. */
#define COMPATIBILITY_VIEW(name, sql) VIEW_SQL("sys", name, 0, sql), VIEW_SQL("dbo", name, 0, sql)

static const SysTable TABLES[] = {
    COMPATIBILITY_VIEW(
        "sysobjects",
        "SELECT o.name, o.object_id AS id, CAST(o.type AS char(2)) AS xtype, CAST(o.schema_id AS "
        "smallint) AS uid, CAST(0 AS smallint) AS info, 0 AS status, o.parent_object_id AS "
        "parent_obj, o.create_date AS crdate, CAST(CASE o.type WHEN 'UQ' THEN 'K' WHEN 'PK' THEN "
        "'K' ELSE o.type END AS char(2)) AS type FROM sys.all_objects AS o"),
    COMPATIBILITY_VIEW(
        "syscolumns",
        "SELECT c.name, c.object_id AS id, CAST(c.system_type_id AS tinyint) AS xtype, "
        "CAST(c.user_type_id AS smallint) AS xusertype, c.max_length AS length, CAST(CASE WHEN "
        "c.precision = 0 THEN CASE WHEN c.max_length = -1 THEN -1 WHEN c.system_type_id IN (231, "
        "239) THEN c.max_length / 2 ELSE c.max_length END ELSE c.precision END AS smallint) AS "
        "prec, CAST(CASE WHEN c.precision = 0 THEN NULL ELSE c.scale END AS int) AS scale, "
        "CAST(c.column_id AS smallint) AS colid, CAST(c.column_id AS smallint) AS colorder, "
        "c.default_object_id AS cdefault, c.collation_name AS collation, CAST(c.is_nullable AS "
        "int) AS isnullable, CAST(c.is_computed AS int) AS iscomputed FROM sys.all_columns AS c"),
    COMPATIBILITY_VIEW(
        "sysindexes",
        "SELECT i.object_id AS id, i.name, CAST(i.index_id AS smallint) AS indid, CAST((SELECT "
        "COUNT(*) FROM sys.index_columns AS c WHERE c.object_id = i.object_id AND c.index_id = "
        "i.index_id AND c.key_ordinal > 0) AS smallint) AS keycnt, CASE WHEN i.is_unique = 1 THEN "
        "2 ELSE 0 END + CASE WHEN i.index_id = 1 THEN 16 ELSE 0 END + CASE WHEN i.is_primary_key "
        "= 1 THEN 2048 ELSE 0 END + CASE WHEN i.is_unique_constraint = 1 THEN 4096 ELSE 0 END AS "
        "status, (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = i.object_id AND "
        "p.index_id = i.index_id) AS rowcnt, CAST((SELECT SUM(p.rows) FROM sys.partitions AS p "
        "WHERE p.object_id = i.object_id AND p.index_id = i.index_id) AS int) AS rows FROM "
        "sys.indexes AS i"),
    COMPATIBILITY_VIEW(
        "systypes", "SELECT t.name, CAST(t.system_type_id AS tinyint) AS xtype, CAST(t.user_type_id AS "
                    "smallint) AS xusertype, t.max_length AS length, CAST(t.precision AS smallint) AS prec, "
                    "t.scale, t.collation_name AS collation, CAST(t.schema_id AS smallint) AS uid, "
                    "t.is_nullable AS allownulls FROM sys.types AS t"),
    COMPATIBILITY_VIEW(
        "sysusers",
        "SELECT CAST(p.principal_id AS smallint) AS uid, p.name, p.sid, p.create_date AS "
        "createdate, p.modify_date AS updatedate, CASE WHEN p.type = 'S' THEN 1 ELSE 0 END AS "
        "hasdbaccess, CASE WHEN p.type = 'S' THEN 1 ELSE 0 END AS islogin, CASE WHEN p.type = 'S' "
        "THEN 1 ELSE 0 END AS issqluser, CASE WHEN p.type = 'R' THEN 1 ELSE 0 END AS issqlrole "
        "FROM sys.database_principals AS p"),
    COMPATIBILITY_VIEW(
        "sysmembers",
        "SELECT CAST(m.member_principal_id AS smallint) AS memberuid, CAST(m.role_principal_id AS "
        "smallint) AS groupuid FROM sys.database_role_members AS m"),
    COMPATIBILITY_VIEW("sysforeignkeys",
                       "SELECT f.constraint_object_id AS constid, f.parent_object_id AS fkeyid, "
                       "f.referenced_object_id AS rkeyid, CAST(f.parent_column_id AS smallint) AS fkey, "
                       "CAST(f.referenced_column_id AS smallint) AS rkey, CAST(f.constraint_column_id AS "
                       "smallint) AS keyno FROM sys.foreign_key_columns AS f"),
    COMPATIBILITY_VIEW(
        "sysdatabases",
        "SELECT d.name, CAST(d.database_id AS smallint) AS dbid, d.owner_sid AS sid, CAST(0 AS "
        "smallint) AS mode, 0 AS status, d.create_date AS crdate, d.compatibility_level AS "
        "cmptlevel, CAST(NULL AS nvarchar(260)) AS filename, CAST(957 AS smallint) AS version "
        "FROM sys.databases AS d"),
    COMPATIBILITY_VIEW(
        "syslogins",
        "SELECT p.sid, p.name, p.create_date AS createdate, p.modify_date AS updatedate, p.name "
        "AS loginname, p.default_database_name AS dbname, p.default_language_name AS language, 0 "
        "AS denylogin, 1 AS hasaccess, 0 AS isntname, CASE WHEN IS_SRVROLEMEMBER('sysadmin', "
        "p.name) = 1 THEN 1 ELSE 0 END AS sysadmin FROM sys.server_principals AS p WHERE p.type = "
        "'S'"),
    COMPATIBILITY_VIEW("sysconfigures",
                       "SELECT CAST(c.value AS int) AS value, c.configuration_id AS config, c.description AS "
                       "comment, CAST(0 AS smallint) AS status FROM sys.configurations AS c"),
};

void view_compat_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
