#include "sqlserver/check_server.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "sqlserver/reading.h"
#include "sqlserver/setup_sql.h"
#include "sqlserver/sql_text.h"

enum {
    OLDEST_MAJOR = 13, /* SQL Server 2016: CDC in every edition but Express */
    EDITION_EXPRESS = 4,
    EDITION_AZURE_DATABASE = 5,
    EDITION_MANAGED = 8,
    SKEW_NOTE_MS = 1000,
    SKEW_WARNING_MS = 60000,
};

/* ---- the server ---- */

static void check_version(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), "
                      "CAST(SERVERPROPERTY('Edition') AS nvarchar(128)), "
                      "CAST(SERVERPROPERTY('EngineEdition') AS int)",
                      /* cure= */ NULL, &t, out))
        return;
    Str version = odbc_cell(&t, 0, 0), edition = odbc_cell(&t, 0, 1);
    int64_t engine = odbc_cell_int(&t, 0, 2, 0);
    bool is_azure = engine == EDITION_AZURE_DATABASE || engine == EDITION_MANAGED; /* numbered otherwise */
    long major = version.n ? strtol(version.p, NULL, 10) : 0;
    if (engine == EDITION_EXPRESS)
        findings_add(out, name, FINDING_ERROR, /* cure= */ NULL,
                     STR_FMT " has neither change data capture nor SQL Server Agent: use another edition",
                     STR_ARG(edition));
    else if (major && major < OLDEST_MAJOR && !is_azure)
        findings_add(out, name, FINDING_WARNING, NULL,
                     "SQL Server " STR_FMT " (" STR_FMT
                     ") is older than what this is tested against: 2016 (13)",
                     STR_ARG(version), STR_ARG(edition));
    else
        findings_add(out, name, FINDING_OK, NULL, "SQL Server " STR_FMT ", " STR_FMT, STR_ARG(version),
                     STR_ARG(edition));
}

/* Whether the connection is encrypted, as the server sees it; as we asked for it when that may not be seen.
 */
static void check_driver(const Precheck *p, const char *name, Findings *out) {
    static const char sql[] = "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID";
    OdbcCells t;
    Err e;
    const OdbcTarget *target = &p->settings->target;
    const char *driver = odbc_driver_name(p->odbc), *said = "asked for";
    bool is_encrypted = target->encrypt;
    if (odbc_cells(p->odbc, p->arena, sql, /* params= */ NULL, 0, &t, &e) && t.rows) {
        is_encrypted = str_eq_c(odbc_cell(&t, 0, 0), "TRUE");
        said = "in use";
    }
    if (!is_encrypted)
        findings_add(out, name, FINDING_NOTE, "database.encrypt=true",
                     "%s; rows cross the network unencrypted", driver);
    else if (target->trust_server_certificate)
        findings_add(out, name, FINDING_NOTE, "database.trustServerCertificate=false",
                     "%s; encryption is %s, but the server's certificate isn't verified", driver, said);
    else findings_add(out, name, FINDING_OK, NULL, "%s, encryption is %s", driver, said);
}

static void check_clock(const Precheck *p, const char *name, Findings *out) {
    int64_t before_us = clock_wall_us(), theirs_us;
    Err e;
    if (!reading_clock(p->odbc, &theirs_us, &e)) {
        findings_add(out, name, FINDING_NOTE, NULL, "unknown: %s", e.msg);
        return;
    }
    int64_t ahead_ms = (theirs_us - (before_us + clock_wall_us()) / 2) / 1000;
    int64_t off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    FindingLevel level = off_ms >= SKEW_WARNING_MS ? FINDING_WARNING
                         : off_ms >= SKEW_NOTE_MS  ? FINDING_NOTE
                                                   : FINDING_OK;
    findings_add(out, name, level, level == FINDING_OK ? NULL : "keep both machines at NTP's time",
                 "SQL Server's clock is %lld.%03lld s %s this machine's: lag in seconds is off by as much",
                 (long long)(off_ms / 1000), (long long)(off_ms % 1000),
                 ahead_ms < 0 ? "behind" : "ahead of");
}

/* ---- the database ---- */

static void check_database(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT d.compatibility_level, d.recovery_model_desc, d.collation_name, "
                      "d.is_auto_close_on, d.log_reuse_wait_desc FROM sys.databases d "
                      "WHERE d.name = DB_NAME()",
                      /* cure= */ NULL, &t, out) ||
        t.rows == 0)
        return;
    CLEANUP(buf_done) Buf cure = {0};
    if (odbc_cell_int(&t, 0, 3, 0) == 1) {
        buf_cstr(&cure, "ALTER DATABASE ");
        sql_text_name(p->catalog->database, &cure);
        buf_cstr(&cure, " SET AUTO_CLOSE OFF");
        findings_add(out, name, FINDING_WARNING, buf_text(&cure),
                     "database " STR_FMT
                     " closes when nobody is connected, which ends the capture job's sessions",
                     STR_ARG(p->catalog->database));
        return;
    }
    findings_add(out, name, FINDING_OK, NULL,
                 STR_FMT ": compatibility level %lld, recovery " STR_FMT ", collation " STR_FMT
                         ", the log is kept for " STR_FMT,
                 STR_ARG(p->catalog->database), (long long)odbc_cell_int(&t, 0, 0, 0),
                 STR_ARG(odbc_cell(&t, 0, 1)), STR_ARG(odbc_cell(&t, 0, 2)), STR_ARG(odbc_cell(&t, 0, 4)));
}

static void check_primary(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS nvarchar(128)), "
                      "CAST(SERVERPROPERTY('IsHadrEnabled') AS int)",
                      /* cure= */ NULL, &t, out))
        return;
    bool is_read_only = str_eq_c(odbc_cell(&t, 0, 0), "READ_ONLY");
    const char *asked = p->settings->target.is_read_only ? ", as asked for (ApplicationIntent=ReadOnly)" : "";
    if (is_read_only)
        findings_add(
            out, name, p->settings->target.is_read_only ? FINDING_OK : FINDING_NOTE, NULL,
            "a readable secondary or a read-only database%s: changes come as far as it is behind, and "
            "tables without a key can't be copied from it",
            asked);
    else
        findings_add(out, name, FINDING_OK, NULL, "the database can be written to%s",
                     odbc_cell_int(&t, 0, 1, 0) == 1
                         ? "; availability groups are on: connect to the listener, so "
                           "that a failover is followed"
                         : "");
}

/* Without a right a check can't see what it is for: which ones say "unknown" then. */
static void check_rights(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    CLEANUP(buf_done) Buf cure = {0};
    if (!precheck_ask(
            p, name,
            "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE'), "
            "HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'VIEW DATABASE STATE'), SUSER_SNAME(), USER_NAME(), "
            "IS_SRVROLEMEMBER(N'sysadmin')",
            /* cure= */ NULL, &t, out))
        return;
    if (odbc_cell_int(&t, 0, 0, 0) != 1)
        findings_add(
            out, name, FINDING_NOTE, precheck_grant_server_state(p),
            "without VIEW SERVER STATE it isn't seen whether SQL Server Agent runs, nor who else reads");
    if (odbc_cell_int(&t, 0, 1, 0) != 1) {
        buf_cstr(&cure, "GRANT VIEW DATABASE STATE TO ");
        sql_text_name(precheck_user(p), &cure);
        findings_add(out, name, FINDING_NOTE, buf_text(&cure),
                     "without VIEW DATABASE STATE the capture job's speed and errors aren't seen");
    }
    if (odbc_cell_int(&t, 0, 4, 0) == 1)
        findings_add(out, name, FINDING_NOTE, "a login of its own: millrace setup --reader=LOGIN",
                     STR_FMT " is a sysadmin; reading needs far less", STR_ARG(odbc_cell(&t, 0, 2)));
    else if (odbc_cell_int(&t, 0, 0, 0) == 1)
        findings_add(out, name, FINDING_OK, NULL, "login " STR_FMT ", user " STR_FMT,
                     STR_ARG(odbc_cell(&t, 0, 2)), STR_ARG(odbc_cell(&t, 0, 3)));
}

static void check_isolation(const Precheck *p, const char *name, Findings *out) {
    if (p->catalog->allows_snapshot) {
        findings_add(out, name, FINDING_OK, NULL, "allowed: the copy takes no locks");
        return;
    }
    if (p->settings->target.is_read_only) {
        findings_add(out, name, FINDING_OK, NULL, "a read-only replica reads by row versions anyway");
        return;
    }
    CLEANUP(buf_done) Buf cure = {0};
    setup_sql_allow_snapshot(p->catalog->database, &cure);
    if (p->settings->isolation == SOURCE_ISOLATION_SNAPSHOT)
        findings_add(out, name, FINDING_ERROR, buf_text(&cure),
                     "snapshot.isolation.mode=snapshot: the database doesn't allow snapshot isolation; run");
    else
        findings_add(
            out, name, FINDING_NOTE, buf_text(&cure),
            "the database doesn't allow snapshot isolation: the copy waits for writers' locks, chunk by "
            "chunk");
}

/* ---- others ---- */

/* What can be told from names alone: a program may call itself anything. */
static void check_readers(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (precheck_ask(p, name,
                     "SELECT d.is_published, d.is_merge_published, d.is_subscribed FROM sys.databases d "
                     "WHERE d.name = DB_NAME()",
                     /* cure= */ NULL, &t, out) &&
        t.rows && odbc_cell_int(&t, 0, 0, 0) == 1)
        findings_add(
            out, name, FINDING_NOTE, NULL,
            "the database is published by transactional replication: its log reader does the capture "
            "job's work, and there is no capture job of its own");
    if (!precheck_ask(
            p, name,
            "SELECT s.program_name, s.host_name, COUNT(*) FROM sys.dm_exec_sessions s "
            "WHERE s.is_user_process = 1 AND s.session_id <> @@SPID AND s.database_id = DB_ID() AND "
            "(LOWER(s.program_name) LIKE N'%debezium%' OR LOWER(s.program_name) LIKE N'%kafka%' OR "
            "LOWER(s.program_name) LIKE N'%jdbc%' OR LOWER(s.program_name) LIKE N'%millrace%') "
            "GROUP BY s.program_name, s.host_name",
            precheck_grant_server_state(p), &t, out))
        return;
    for (size_t i = 0; i < t.rows; i++)
        findings_add(
            out, name, FINDING_NOTE, NULL,
            "%lld sessions of " STR_FMT " from " STR_FMT
            " are in the database: readers don't disturb one another, but share the two capture instances "
            "a table may have",
            (long long)odbc_cell_int(&t, i, 2, 1), STR_ARG(odbc_cell(&t, i, 0)),
            STR_ARG(odbc_cell(&t, i, 1)));
}

PrecheckDefs check_server_defs(void) {
    static const PrecheckDef defs[] = {
        {.name = "source-version", .run = check_version},
        {.name = "source-driver", .run = check_driver},
        {.name = "source-database", .run = check_database},
        {.name = "source-primary", .run = check_primary},
        {.name = "source-rights", .run = check_rights},
        {.name = "source-clock", .run = check_clock},
        {.name = "snapshot-isolation", .is_before_run = true, .run = check_isolation},
        {.name = "other-readers", .run = check_readers},
    };
    return (PrecheckDefs){defs, sizeof defs / sizeof *defs};
}
