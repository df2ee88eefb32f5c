/*
 * permission.h - the names of permissions and fixed server roles, with the codes that catalog views show and
 * what each covers. Static tables; any thread.
 */
#ifndef STANDIN_STORE_PERMISSION_H
#define STANDIN_STORE_PERMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "standin/store/catalog.h"

/* What may be granted on the server. */
typedef enum ServerPermission {
    PERMISSION_CONNECT_SQL = 1 << 0,
    PERMISSION_VIEW_SERVER_STATE = 1 << 1,
    PERMISSION_VIEW_ANY_DATABASE = 1 << 2,
    PERMISSION_VIEW_ANY_DEFINITION = 1 << 3,
    PERMISSION_CONTROL_SERVER = 1 << 4,
    PERMISSION_ALTER_ANY_LOGIN = 1 << 5,
    PERMISSION_CREATE_ANY_DATABASE = 1 << 6,
    PERMISSION_ALTER_ANY_DATABASE = 1 << 7,
    PERMISSION_ALTER_SERVER_STATE = 1 << 8,
    PERMISSION_CONNECT_ANY_DATABASE = 1 << 9,
    PERMISSION_SELECT_ALL_USER_SECURABLES = 1 << 10,
    PERMISSION_VIEW_SERVER_PERFORMANCE_STATE = 1 << 11,
    PERMISSION_VIEW_SERVER_SECURITY_STATE = 1 << 12,
    PERMISSION_ALTER_ANY_CONNECTION = 1 << 13,
    PERMISSION_ALTER_SETTINGS = 1 << 14,
    PERMISSION_ADMINISTER_BULK_OPERATIONS = 1 << 15,
    PERMISSION_ALTER_TRACE = 1 << 16,
    PERMISSION_SHUTDOWN = 1 << 17,
    PERMISSION_ALTER_ANY_SERVER_ROLE = 1 << 18,
    PERMISSION_IMPERSONATE_ANY_LOGIN = 1 << 19,
    PERMISSION_VIEW_ANY_SECURITY_DEFINITION = 1 << 20,
} ServerPermission;

/* Those of Permission that are about an object, whatever was named in GRANT. */
enum {
    PERMISSION_OF_OBJECTS = PERMISSION_SELECT | PERMISSION_INSERT | PERMISSION_UPDATE | PERMISSION_DELETE |
                            PERMISSION_EXECUTE | PERMISSION_REFERENCES | PERMISSION_ALTER |
                            PERMISSION_CONTROL | PERMISSION_VIEW_DEFINITION | PERMISSION_TAKE_OWNERSHIP |
                            PERMISSION_VIEW_CHANGE_TRACKING,
    PERMISSION_OF_COLUMNS = PERMISSION_SELECT | PERMISSION_UPDATE | PERMISSION_REFERENCES,
    PERMISSION_ALL =
        PERMISSION_SELECT | PERMISSION_INSERT | PERMISSION_UPDATE | PERMISSION_DELETE | PERMISSION_REFERENCES,
};

typedef struct PermissionName {
    const char *name, *type; /* type: four characters */
    uint32_t bit;
} PermissionName;

/* NULL: there is none of that name. EXEC is EXECUTE. */
const PermissionName *permission_by_name(Str name, bool is_of_server);
/* Walk: *at starts at 0. */
const PermissionName *permission_next(bool is_of_server, size_t *at);
const char *permission_name_of(uint32_t bit); /* of the database's; "SELECT" */
/* With all that they cover. */
uint32_t permission_closure(uint32_t permissions);
uint32_t permission_server_closure(uint32_t permissions);

enum {
    PERMISSION_ROLE_SYSADMIN = 1
}; /* bit of Login.roles; the others in the order of permission_role_next */
typedef struct PermissionRole {
    const char *name;
    int32_t id;      /* sys.server_principals.principal_id */
    uint32_t bit;    /* in Login.roles */
    uint32_t grants; /* ServerPermission */
} PermissionRole;
const PermissionRole *permission_role(Str name);
const PermissionRole *permission_role_next(size_t *at);

/* A security identifier: sa has the one that all servers have, others one made of their name. In room or
 * static. */
enum { PERMISSION_SID_BYTES = 16 };
Str permission_sid(const char *login, uint8_t room[static PERMISSION_SID_BYTES]);

#endif
