#include "standin/store/permission.h"

#include <string.h>

#include "base/hash.h"

static const PermissionName names[] = {
    {"SELECT", "SL  ", PERMISSION_SELECT},
    {"INSERT", "IN  ", PERMISSION_INSERT},
    {"UPDATE", "UP  ", PERMISSION_UPDATE},
    {"DELETE", "DL  ", PERMISSION_DELETE},
    {"EXECUTE", "EX  ", PERMISSION_EXECUTE},
    {"REFERENCES", "RF  ", PERMISSION_REFERENCES},
    {"ALTER", "AL  ", PERMISSION_ALTER},
    {"CONTROL", "CL  ", PERMISSION_CONTROL},
    {"VIEW DEFINITION", "VW  ", PERMISSION_VIEW_DEFINITION},
    {"VIEW DATABASE STATE", "VWDS", PERMISSION_VIEW_DATABASE_STATE},
    {"CONNECT", "CO  ", PERMISSION_CONNECT},
    {"CREATE TABLE", "CRTB", PERMISSION_CREATE_TABLE},
    {"CREATE VIEW", "CRVW", PERMISSION_CREATE_VIEW},
    {"CREATE PROCEDURE", "CRPR", PERMISSION_CREATE_PROCEDURE},
    {"CREATE FUNCTION", "CRFN", PERMISSION_CREATE_FUNCTION},
    {"CREATE SCHEMA", "CRSM", PERMISSION_CREATE_SCHEMA},
    {"CREATE ROLE", "CRRL", PERMISSION_CREATE_ROLE},
    {"ALTER ANY SCHEMA", "ALSM", PERMISSION_ALTER_ANY_SCHEMA},
    {"ALTER ANY USER", "ALUS", PERMISSION_ALTER_ANY_USER},
    {"ALTER ANY ROLE", "ALRL", PERMISSION_ALTER_ANY_ROLE},
    {"TAKE OWNERSHIP", "TO  ", PERMISSION_TAKE_OWNERSHIP},
    {"VIEW CHANGE TRACKING", "VWCT", PERMISSION_VIEW_CHANGE_TRACKING},
    {"SHOWPLAN", "SPLN", PERMISSION_SHOWPLAN},
    {"BACKUP DATABASE", "BADB", PERMISSION_BACKUP_DATABASE},
    {"BACKUP LOG", "BALO", PERMISSION_BACKUP_LOG},
    {"CHECKPOINT", "CP  ", PERMISSION_CHECKPOINT},
    {"VIEW DATABASE PERFORMANCE STATE", "VDP ", PERMISSION_VIEW_DATABASE_PERFORMANCE_STATE},
    {"VIEW DATABASE SECURITY STATE", "VDSS", PERMISSION_VIEW_DATABASE_SECURITY_STATE},
    {"UNMASK", "UMSK", PERMISSION_UNMASK},
    {"VIEW ANY COLUMN ENCRYPTION KEY DEFINITION", "VWCK", PERMISSION_VIEW_ANY_COLUMN_ENCRYPTION},
    {"ALTER ANY DATASPACE", "ALDS", PERMISSION_ALTER_ANY_DATASPACE},
};

static const PermissionName server_names[] = {
    {"CONNECT SQL", "COSQ", PERMISSION_CONNECT_SQL},
    {"VIEW SERVER STATE", "VWSS", PERMISSION_VIEW_SERVER_STATE},
    {"VIEW ANY DATABASE", "VWDB", PERMISSION_VIEW_ANY_DATABASE},
    {"VIEW ANY DEFINITION", "VWAD", PERMISSION_VIEW_ANY_DEFINITION},
    {"CONTROL SERVER", "CL  ", PERMISSION_CONTROL_SERVER},
    {"ALTER ANY LOGIN", "ALLG", PERMISSION_ALTER_ANY_LOGIN},
    {"CREATE ANY DATABASE", "CRDB", PERMISSION_CREATE_ANY_DATABASE},
    {"ALTER ANY DATABASE", "ALDB", PERMISSION_ALTER_ANY_DATABASE},
    {"ALTER SERVER STATE", "ALSS", PERMISSION_ALTER_SERVER_STATE},
    {"CONNECT ANY DATABASE", "CADB", PERMISSION_CONNECT_ANY_DATABASE},
    {"SELECT ALL USER SECURABLES", "SUS ", PERMISSION_SELECT_ALL_USER_SECURABLES},
    {"VIEW SERVER PERFORMANCE STATE", "VSP ", PERMISSION_VIEW_SERVER_PERFORMANCE_STATE},
    {"VIEW SERVER SECURITY STATE", "VSSS", PERMISSION_VIEW_SERVER_SECURITY_STATE},
    {"ALTER ANY CONNECTION", "ALCO", PERMISSION_ALTER_ANY_CONNECTION},
    {"ALTER SETTINGS", "ALST", PERMISSION_ALTER_SETTINGS},
    {"ADMINISTER BULK OPERATIONS", "ADBO", PERMISSION_ADMINISTER_BULK_OPERATIONS},
    {"ALTER TRACE", "ALTR", PERMISSION_ALTER_TRACE},
    {"SHUTDOWN", "SHDN", PERMISSION_SHUTDOWN},
    {"ALTER ANY SERVER ROLE", "ALSR", PERMISSION_ALTER_ANY_SERVER_ROLE},
    {"IMPERSONATE ANY LOGIN", "IAL ", PERMISSION_IMPERSONATE_ANY_LOGIN},
    {"VIEW ANY SECURITY DEFINITION", "VASD", PERMISSION_VIEW_ANY_SECURITY_DEFINITION},
};

static const PermissionRole roles[] = {
    {"sysadmin", 3, PERMISSION_ROLE_SYSADMIN, UINT32_MAX},
    {"securityadmin", 4, 1 << 1, PERMISSION_ALTER_ANY_LOGIN},
    {"serveradmin", 5, 1 << 2,
     PERMISSION_ALTER_SETTINGS | PERMISSION_SHUTDOWN | PERMISSION_ALTER_SERVER_STATE |
         PERMISSION_VIEW_SERVER_STATE},
    {"setupadmin", 6, 1 << 3, 0},
    {"processadmin", 7, 1 << 4, PERMISSION_ALTER_ANY_CONNECTION | PERMISSION_ALTER_SERVER_STATE},
    {"diskadmin", 8, 1 << 5, 0},
    {"dbcreator", 9, 1 << 6, PERMISSION_CREATE_ANY_DATABASE | PERMISSION_ALTER_ANY_DATABASE},
    {"bulkadmin", 10, 1 << 7, PERMISSION_ADMINISTER_BULK_OPERATIONS},
    {"##MS_DatabaseConnector##", 12, 1 << 8, PERMISSION_CONNECT_ANY_DATABASE},
    {"##MS_DatabaseManager##", 13, 1 << 9, PERMISSION_CREATE_ANY_DATABASE | PERMISSION_ALTER_ANY_DATABASE},
    {"##MS_DefinitionReader##", 14, 1 << 10, PERMISSION_VIEW_ANY_DATABASE | PERMISSION_VIEW_ANY_DEFINITION},
    {"##MS_LoginManager##", 15, 1 << 11, PERMISSION_ALTER_ANY_LOGIN},
    {"##MS_ServerStateReader##", 16, 1 << 12, PERMISSION_VIEW_SERVER_STATE},
    {"##MS_ServerStateManager##", 17, 1 << 13, PERMISSION_ALTER_SERVER_STATE},
    {"##MS_ServerPerformanceStateReader##", 18, 1 << 14, PERMISSION_VIEW_SERVER_PERFORMANCE_STATE},
    {"##MS_ServerSecurityStateReader##", 19, 1 << 15, PERMISSION_VIEW_SERVER_SECURITY_STATE},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

const PermissionName *permission_next(bool is_of_server, size_t *at) {
    if (*at >= (is_of_server ? COUNT(server_names) : COUNT(names))) return NULL;
    return is_of_server ? &server_names[(*at)++] : &names[(*at)++];
}

const PermissionName *permission_by_name(Str name, bool is_of_server) {
    if (str_eq_icase(name, STR_LIT("EXEC"))) name = STR_LIT("EXECUTE");
    size_t at = 0;
    for (const PermissionName *p; (p = permission_next(is_of_server, &at));)
        if (str_eq_icase(name, str_from(p->name))) return p;
    return NULL;
}

const char *permission_name_of(uint32_t bit) {
    for (size_t i = 0; i < COUNT(names); i++)
        if (names[i].bit == bit) return names[i].name;
    return "";
}

uint32_t permission_closure(uint32_t p) {
    if (p & PERMISSION_CONTROL) return UINT32_MAX;
    if (p & PERMISSION_VIEW_DATABASE_STATE)
        p |= PERMISSION_VIEW_DATABASE_PERFORMANCE_STATE | PERMISSION_VIEW_DATABASE_SECURITY_STATE;
    if (p & PERMISSION_ALTER_ANY_ROLE) p |= PERMISSION_CREATE_ROLE;
    return p;
}

uint32_t permission_server_closure(uint32_t p) {
    if (p & PERMISSION_CONTROL_SERVER) return UINT32_MAX;
    if (p & PERMISSION_ALTER_SERVER_STATE) p |= PERMISSION_VIEW_SERVER_STATE;
    if (p & PERMISSION_VIEW_SERVER_STATE)
        p |= PERMISSION_VIEW_SERVER_PERFORMANCE_STATE | PERMISSION_VIEW_SERVER_SECURITY_STATE;
    if (p & PERMISSION_ALTER_ANY_DATABASE) p |= PERMISSION_CREATE_ANY_DATABASE | PERMISSION_VIEW_ANY_DATABASE;
    if (p & PERMISSION_VIEW_ANY_DEFINITION)
        p |= PERMISSION_VIEW_ANY_DATABASE | PERMISSION_VIEW_ANY_SECURITY_DEFINITION;
    return p;
}

const PermissionRole *permission_role_next(size_t *at) {
    return *at < COUNT(roles) ? &roles[(*at)++] : NULL;
}

const PermissionRole *permission_role(Str name) {
    for (size_t i = 0; i < COUNT(roles); i++)
        if (str_eq_icase(name, str_from(roles[i].name))) return &roles[i];
    return NULL;
}

Str permission_sid(const char *login, uint8_t room[static PERMISSION_SID_BYTES]) {
    if (strcasecmp(login, "sa") == 0 || strcasecmp(login, "dbo") == 0) return STR_LIT("\x01");
    for (uint64_t i = 0; i < 2; i++) {
        uint64_t part = hash_bytes(login, strlen(login), i);
        memcpy(room + 8 * i, &part, sizeof part);
    }
    return (Str){(const char *)room, PERMISSION_SID_BYTES};
}
