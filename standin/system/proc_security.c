/* The procedures over logins, users and roles that were there before the statements: each becomes one. */
#include <string.h>

#include "standin/builtin/proc_arg.h"
#include "standin/system/proc_script.h"

#define REQUIRED_NAME(n)                                                                                     \
    { .name = (n), .type = {.id = TYPE_NVARCHAR, .length = 128, .is_sysname = true}, .is_required = true }

static const ProcParam ADD_LOGIN[] = {REQUIRED_NAME("@loginame"), PROC_NAME("@passwd"),
                                      PROC_NAME("@defdb"),        PROC_NAME("@deflanguage"),
                                      PROC_TEXT("@sid"),          PROC_NAME("@encryptopt")};
static const ProcParam LOGIN[] = {REQUIRED_NAME("@loginame")};
static const ProcParam PASSWORD[] = {PROC_NAME("@old"), PROC_NAME("@new"), PROC_NAME("@loginame")};
static const ProcParam ADD_USER[] = {REQUIRED_NAME("@loginame"), PROC_NAME("@name_in_db"),
                                     PROC_NAME("@grpname")};
static const ProcParam GRANT_ACCESS[] = {REQUIRED_NAME("@loginame"), PROC_NAME("@name_in_db")};
static const ProcParam USER_NAME[] = {REQUIRED_NAME("@name_in_db")};
static const ProcParam ADD_ROLE[] = {REQUIRED_NAME("@rolename"), PROC_NAME("@ownername")};
static const ProcParam ROLE[] = {REQUIRED_NAME("@rolename")};
static const ProcParam ROLE_MEMBER[] = {REQUIRED_NAME("@rolename"), REQUIRED_NAME("@membername")};
static const ProcParam SERVER_ROLE_MEMBER[] = {REQUIRED_NAME("@loginame"), REQUIRED_NAME("@rolename")};
static const ProcParam OWNER[] = {REQUIRED_NAME("@loginame"), PROC_NAME("@map")};
static const ProcParam ANY_ROLE[] = {PROC_NAME("@rolename")};
static const ProcParam ANY_SERVER_ROLE[] = {PROC_NAME("@srvrolename")};
static const ProcParam ANY_USER[] = {PROC_NAME("@name_in_db")};
static const ProcParam ANY_LOGIN[] = {PROC_NAME("@LoginNamePattern")};

#define RUN(text) "DECLARE @statement nvarchar(max) = " text " EXEC (@statement)"

static const char ADD_LOGIN_TEXT[] =
    RUN("N'CREATE LOGIN ' + QUOTENAME(@loginame) + N' WITH PASSWORD = ' + QUOTENAME(ISNULL(@passwd, N''), "
        "N'''') + "
        "N', DEFAULT_DATABASE = ' + QUOTENAME(ISNULL(@defdb, N'master')) + N', CHECK_POLICY = OFF'");
static const char PASSWORD_TEXT[] =
    RUN("N'ALTER LOGIN ' + QUOTENAME(ISNULL(@loginame, SUSER_SNAME())) + N' WITH PASSWORD = ' + "
        "QUOTENAME(ISNULL(@new, N''), N'''')");
static const char ADD_USER_TEXT[] = RUN(
    "N'CREATE USER ' + QUOTENAME(ISNULL(@name_in_db, @loginame)) + N' FOR LOGIN ' + QUOTENAME(@loginame) + "
    "ISNULL(N' ALTER ROLE ' + QUOTENAME(@grpname) + N' ADD MEMBER ' + "
    "QUOTENAME(ISNULL(@name_in_db, @loginame)), N'')");
static const char GRANT_ACCESS_TEXT[] = RUN(
    "N'CREATE USER ' + QUOTENAME(ISNULL(@name_in_db, @loginame)) + N' FOR LOGIN ' + QUOTENAME(@loginame)");
static const char ADD_ROLE_TEXT[] =
    RUN("N'CREATE ROLE ' + QUOTENAME(@rolename) + ISNULL(N' AUTHORIZATION ' + QUOTENAME(@ownername), N'')");

static const char HELP_USER_TEXT[] =
    "SELECT u.name AS UserName, ISNULL(r.name, N'public') AS RoleName, l.name AS LoginName, "
    "l.default_database_name AS DefDBName, u.default_schema_name AS DefSchemaName, "
    "CAST(u.principal_id AS char(10)) AS UserID, u.sid AS SID "
    "FROM sys.database_principals AS u "
    "LEFT JOIN sys.database_role_members AS m ON m.member_principal_id = u.principal_id "
    "LEFT JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id "
    "LEFT JOIN sys.server_principals AS l ON l.sid = u.sid AND l.type = 'S' "
    "WHERE u.type = 'S' AND (@name_in_db IS NULL OR u.name = @name_in_db) ORDER BY u.name";
static const char HELP_ROLE_TEXT[] =
    "SELECT name AS RoleName, CAST(principal_id AS smallint) AS RoleId, 0 AS IsAppRole FROM "
    "sys.database_principals WHERE type = 'R' AND (@rolename IS NULL OR name = @rolename) ORDER BY "
    "principal_id";
static const char HELP_ROLE_MEMBER_TEXT[] =
    "SELECT r.name AS DbRole, u.name AS MemberName, u.sid AS MemberSID FROM sys.database_role_members AS m "
    "JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id "
    "JOIN sys.database_principals AS u ON u.principal_id = m.member_principal_id "
    "WHERE @rolename IS NULL OR r.name = @rolename ORDER BY r.name, u.name";
static const char HELP_SERVER_ROLE_TEXT[] =
    "SELECT name AS ServerRole, CAST(name AS nvarchar(35)) AS Description FROM sys.server_principals "
    "WHERE is_fixed_role = 1 AND (@srvrolename IS NULL OR name = @srvrolename) ORDER BY principal_id";
static const char HELP_SERVER_ROLE_MEMBER_TEXT[] =
    "SELECT r.name AS ServerRole, l.name AS MemberName, l.sid AS MemberSID FROM sys.server_role_members AS m "
    "JOIN sys.server_principals AS r ON r.principal_id = m.role_principal_id "
    "JOIN sys.server_principals AS l ON l.principal_id = m.member_principal_id "
    "WHERE @srvrolename IS NULL OR r.name = @srvrolename ORDER BY r.name, l.name";
static const char HELP_LOGINS_TEXT[] =
    "SELECT name AS LoginName, sid AS SID, default_database_name AS DefDBName, "
    "default_language_name AS DefLangName, CAST(CASE WHEN EXISTS (SELECT * FROM sys.database_principals AS u "
    "WHERE u.sid = l.sid) THEN 'yes' ELSE 'NO' END AS char(5)) AS AUser, CAST('no' AS char(7)) AS ARemote "
    "FROM sys.server_principals AS l "
    "WHERE type = 'S' AND (@LoginNamePattern IS NULL OR name = @LoginNamePattern) ORDER BY name "
    "SELECT l.name AS LoginName, DB_NAME() AS DBName, u.name AS UserName, CAST('User' AS char(8)) AS "
    "UserOrAlias "
    "FROM sys.server_principals AS l JOIN sys.database_principals AS u ON u.sid = l.sid AND u.type = 'S' "
    "WHERE l.type = 'S' AND (@LoginNamePattern IS NULL OR l.name = @LoginNamePattern) ORDER BY l.name";

/* Arguments that the statements behind have no place for are refused, not dropped. */
static bool call_without(Session *s, ProcCall *call, SqlError *e) {
    static const char *const unsupported[] = {"@deflanguage", "@sid", "@encryptopt", "@old", "@map"};
    for (size_t i = 0; i < call->proc->param_count; i++) {
        for (size_t k = 0; k < sizeof unsupported / sizeof *unsupported; k++) {
            if (strcmp(call->proc->params[i].name, unsupported[k]) != 0 || proc_arg_is_null(call, i))
                continue;
            call->ret_status = 1;
            return sql_error_set(e, 40517, 16, 1, "The argument %s of %s isn't supported by this server.",
                                 unsupported[k], call->proc->name);
        }
    }
    return proc_script_call(s, call, e);
}

#define PROC_WITHOUT(name_, params_, text_)                                                                  \
    {                                                                                                        \
        .name = (name_), .params = (params_), .param_count = sizeof(params_) / sizeof *(params_),            \
        .call = call_without, .data = (text_)                                                                \
    }

static const Proc PROCS[] = {
    PROC_WITHOUT("sp_addlogin", ADD_LOGIN, ADD_LOGIN_TEXT),
    PROC_SCRIPT("sp_droplogin", LOGIN, RUN("N'DROP LOGIN ' + QUOTENAME(@loginame)")),
    PROC_WITHOUT("sp_password", PASSWORD, PASSWORD_TEXT),
    PROC_SCRIPT("sp_adduser", ADD_USER, ADD_USER_TEXT),
    PROC_SCRIPT("sp_grantdbaccess", GRANT_ACCESS, GRANT_ACCESS_TEXT),
    PROC_SCRIPT("sp_dropuser", USER_NAME, RUN("N'DROP USER ' + QUOTENAME(@name_in_db)")),
    PROC_SCRIPT("sp_revokedbaccess", USER_NAME, RUN("N'DROP USER ' + QUOTENAME(@name_in_db)")),
    PROC_SCRIPT("sp_addrole", ADD_ROLE, ADD_ROLE_TEXT),
    PROC_SCRIPT("sp_droprole", ROLE, RUN("N'DROP ROLE ' + QUOTENAME(@rolename)")),
    PROC_SCRIPT("sp_addrolemember", ROLE_MEMBER,
                RUN("N'ALTER ROLE ' + QUOTENAME(@rolename) + N' ADD MEMBER ' + QUOTENAME(@membername)")),
    PROC_SCRIPT("sp_droprolemember", ROLE_MEMBER,
                RUN("N'ALTER ROLE ' + QUOTENAME(@rolename) + N' DROP MEMBER ' + QUOTENAME(@membername)")),
    PROC_SCRIPT("sp_addsrvrolemember", SERVER_ROLE_MEMBER,
                RUN("N'ALTER SERVER ROLE ' + QUOTENAME(@rolename) + N' ADD MEMBER ' + QUOTENAME(@loginame)")),
    PROC_SCRIPT(
        "sp_dropsrvrolemember", SERVER_ROLE_MEMBER,
        RUN("N'ALTER SERVER ROLE ' + QUOTENAME(@rolename) + N' DROP MEMBER ' + QUOTENAME(@loginame)")),
    PROC_WITHOUT(
        "sp_changedbowner", OWNER,
        RUN("N'ALTER AUTHORIZATION ON DATABASE::' + QUOTENAME(DB_NAME()) + N' TO ' + QUOTENAME(@loginame)")),
    PROC_SCRIPT("sp_helpuser", ANY_USER, HELP_USER_TEXT),
    PROC_SCRIPT("sp_helprole", ANY_ROLE, HELP_ROLE_TEXT),
    PROC_SCRIPT("sp_helprolemember", ANY_ROLE, HELP_ROLE_MEMBER_TEXT),
    PROC_SCRIPT("sp_helpsrvrole", ANY_SERVER_ROLE, HELP_SERVER_ROLE_TEXT),
    PROC_SCRIPT("sp_helpsrvrolemember", ANY_SERVER_ROLE, HELP_SERVER_ROLE_MEMBER_TEXT),
    PROC_SCRIPT("sp_helplogins", ANY_LOGIN, HELP_LOGINS_TEXT),
};

void proc_security_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
