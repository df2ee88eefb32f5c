#include "sqlserver/odbc_target.h"

#include <sql.h>
#include <sqlext.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

/* Tried in this order, as registered in odbcinst.ini. */
static const char *const DRIVER_NAMES[] = {"ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server",
                                           "FreeTDS"};
/* Where distributions put FreeTDS's driver when nobody registered it. */
static const char *const FREETDS_PATHS[] = {
    "/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so", "/usr/lib/aarch64-linux-gnu/odbc/libtdsodbc.so",
    "/usr/lib64/libtdsodbc.so.0", "/usr/lib/libtdsodbc.so", "/usr/local/lib/libtdsodbc.so"};

OdbcDriverKind odbc_target_kind(const char *driver) {
    return strcasestr(driver, "tds") ? ODBC_DRIVER_FREETDS : ODBC_DRIVER_MICROSOFT;
}

/* Bit i set: DRIVER_NAMES[i] is registered. */
static unsigned registered_drivers(void) {
    SQLHENV env = SQL_NULL_HENV;
    unsigned found = 0;
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env))) return 0;
    (void)SQLSetEnvAttr(env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
    SQLCHAR name[256], attributes[256];
    SQLSMALLINT name_n, attributes_n;
    SQLUSMALLINT direction = SQL_FETCH_FIRST;
    while (SQL_SUCCEEDED(SQLDrivers(env, direction, name, sizeof name, &name_n, attributes, sizeof attributes,
                                    &attributes_n))) {
        direction = SQL_FETCH_NEXT;
        for (size_t i = 0; i < sizeof DRIVER_NAMES / sizeof *DRIVER_NAMES; i++)
            if (strcasecmp((const char *)name, DRIVER_NAMES[i]) == 0) found |= 1u << i;
    }
    (void)SQLFreeHandle(SQL_HANDLE_ENV, env);
    return found;
}

bool odbc_target_driver(const OdbcTarget *target, char **ret_name, OdbcDriverKind *ret_kind, Err *e) {
    const char *name = target->driver && *target->driver ? target->driver : NULL;
    unsigned found = name ? 0 : registered_drivers();
    for (size_t i = 0; !name && i < sizeof DRIVER_NAMES / sizeof *DRIVER_NAMES; i++)
        if (found & 1u << i) name = DRIVER_NAMES[i];
    for (size_t i = 0; !name && i < sizeof FREETDS_PATHS / sizeof *FREETDS_PATHS; i++)
        if (access(FREETDS_PATHS[i], R_OK) == 0) name = FREETDS_PATHS[i];
    if (!name)
        return err_set(e, ERR_INVALID, false,
                       "no ODBC driver for SQL Server found: install msodbcsql18 (Microsoft) or tdsodbc "
                       "(FreeTDS), or name one by database.odbc.driver");
    *ret_kind = odbc_target_kind(name);
    *ret_name = x_strdup(name);
    return true;
}

/* KEY={value};. Microsoft's driver, as ODBC says, takes "}}" for "}" in braces; FreeTDS ends at the first
 * "};" and doubles nothing. */
static void put_value(OdbcDriverKind kind, Buf *out, const char *key, const char *value) {
    if (!value || !*value) return;
    buf_cstr(out, key);
    buf_cstr(out, "={");
    for (const char *p = value; *p; p++) {
        buf_u8(out, (uint8_t)*p);
        if (*p == '}' && kind == ODBC_DRIVER_MICROSOFT) buf_u8(out, '}');
    }
    buf_cstr(out, "};");
}

/* A word of ours that needs no braces: FreeTDS compares some of them as they stand. */
static void put_word(Buf *out, const char *key, const char *word) {
    buf_printf(out, "%s=%s;", key, word);
}

static void put_microsoft(const OdbcTarget *t, Buf *out) {
    CLEANUP(buf_done) Buf server = {0};
    buf_printf(&server, "tcp:%s", t->hostname);
    if (t->port) buf_printf(&server, ",%u", t->port);
    else if (t->instance) buf_printf(&server, "\\%s", t->instance);
    put_value(ODBC_DRIVER_MICROSOFT, out, "Server", buf_text(&server));
    put_word(out, "Encrypt", t->encrypt ? "yes" : "no");
    put_word(out, "TrustServerCertificate", t->trust_server_certificate ? "yes" : "no");
    put_value(ODBC_DRIVER_MICROSOFT, out, "HostNameInCertificate", t->host_name_in_certificate);
    if (t->multi_subnet_failover) put_word(out, "MultiSubnetFailover", "Yes");
    if (!t->user) put_word(out, "Trusted_Connection", "yes");
}

static void put_freetds(const OdbcTarget *t, Buf *out) {
    CLEANUP(buf_done) Buf server = {0};
    buf_cstr(&server, t->hostname);
    if (!t->port && t->instance) buf_printf(&server, "\\%s", t->instance);
    put_word(out, "Server", buf_text(&server));
    if (t->port) buf_printf(out, "Port=%u;", t->port);
    put_word(out, "TDS_Version", "7.4");
    put_word(out, "ClientCharset", "UTF-8");
    put_word(out, "PacketSize", "16384");
    /* "request" would leave the session in the clear with a server that doesn't insist. */
    put_word(out, "Encryption", t->encrypt ? "require" : "off");
    if (!t->user) put_word(out, "Trusted_Connection", "yes");
}

static bool is_plain_host(const char *host) {
    return host && *host && strpbrk(host, ";{}=\n") == NULL;
}

/* What FreeTDS's parser can't be told: an end of value within a value. */
static bool fits_freetds(const char *value) {
    return !value || strstr(value, "};") == NULL;
}

bool odbc_target_string(const OdbcTarget *t, const char *driver, OdbcDriverKind kind, Buf *out, Err *e) {
    if (!is_plain_host(t->hostname))
        return err_set(e, ERR_INVALID, false, "database.hostname is empty or holds one of ; { } =");
    if (t->instance && !is_plain_host(t->instance))
        return err_set(e, ERR_INVALID, false, "database.instance is empty or holds one of ; { } =");
    bool is_freetds = kind == ODBC_DRIVER_FREETDS;
    if (is_freetds && !(fits_freetds(t->database) && fits_freetds(t->user) && fits_freetds(t->password)))
        return err_set(e, ERR_INVALID, false,
                       "FreeTDS can't carry \"};\" in a user, password or database name");
    if (strchr(driver, '/')) put_word(out, "Driver", driver); /* a path in braces isn't found */
    else put_value(kind, out, "Driver", driver);
    if (is_freetds) put_freetds(t, out);
    else put_microsoft(t, out);
    put_value(kind, out, "Database", t->database);
    put_value(kind, out, "UID", t->user);
    put_value(kind, out, "PWD", t->password);
    put_value(kind, out, "APP", t->application ? t->application : "millrace");
    if (t->is_read_only) put_word(out, "ApplicationIntent", "ReadOnly");
    return true;
}
