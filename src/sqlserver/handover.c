#include "sqlserver/handover.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "sqlserver/reading.h"
#include "sqlserver/sql_text.h"

enum {
    LOG_IN_USE = 22903,     /* another scan holds the log: the capture job's, for a moment */
    NOT_AUTHORIZED = 22904, /* and 22902, 229: needs db_owner */
    NEEDS_SYSADMIN = 22902,
    PERMISSION_DENIED = 229,
    SCAN_TRIES = 200,
    SCAN_WAIT_MS = 50,
    MAX_SCANS = 50,
};

static bool lock_table(Odbc *odbc, const HandoverSpec *spec, Err *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SET LOCK_TIMEOUT %lld; BEGIN TRANSACTION; SELECT TOP (0) * FROM ",
               (long long)spec->lock_timeout_ms);
    sql_text_object(spec->schema, spec->table, &sql);
    buf_cstr(&sql, " WITH (TABLOCKX)");
    return odbc_exec(odbc, buf_text(&sql), e);
}

static bool scan_once(Odbc *odbc, Err *e) {
    for (int tries = 0;; tries++) {
        if (odbc_exec(odbc, "EXEC sys.sp_cdc_scan @maxtrans = 5000, @maxscans = 100", e)) return true;
        int32_t native = odbc_last_native(odbc);
        if (native == NOT_AUTHORIZED || native == NEEDS_SYSADMIN || native == PERMISSION_DENIED)
            return err_set(
                e, ERR_INVALID, false,
                "sys.sp_cdc_scan isn't permitted: to copy a table without a key, add the user to db_owner "
                "for the copy, or name a key by message.key.columns");
        if (native != LOG_IN_USE || tries == SCAN_TRIES) return false;
        clock_sleep_ms(SCAN_WAIT_MS);
    }
}

/* Scan until a scan finds nothing new: then all that was committed before the lock is captured. */
static bool capture_all(Odbc *odbc, Lsn *ret, Err *e) {
    Lsn before, now;
    if (!reading_max_lsn(odbc, &before, e)) return false;
    for (int i = 0; i < MAX_SCANS; i++) {
        if (!scan_once(odbc, e) || !reading_max_lsn(odbc, &now, e)) return false;
        if (i && lsn_cmp(&now, &before) == 0) break;
        before = now;
    }
    *ret = now;
    return true;
}

/* The view is fixed at the first access to data, not at BEGIN. That access waits for DDL that waits for our
 * lock, a circle which SQL Server can't see: it goes through two connections. So this one has its limit, too.
 */
static bool fix_view(Odbc *odbc, const HandoverSpec *spec, Err *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql,
               "SET LOCK_TIMEOUT %lld; SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION; "
               "SELECT TOP (1) 1 FROM ",
               (long long)spec->lock_timeout_ms);
    sql_text_object(spec->schema, spec->table, &sql);
    return odbc_exec(odbc, buf_text(&sql), e);
}

static bool begin_on(Odbc *reader, Odbc *other, const HandoverSpec *spec, Lsn *ret, Err *e) {
    if (!spec->uses_snapshot) return lock_table(reader, spec, e) && capture_all(other, ret, e);
    return lock_table(other, spec, e) && capture_all(reader, ret, e) && fix_view(reader, spec, e) &&
           odbc_exec(other, "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", e);
}

bool handover_begin(Odbc *reader, const HandoverSpec *spec, Lsn *ret_watermark, Err *e) {
    Odbc *other;
    if (!odbc_connect(spec->target, &other, e)) return false;
    bool ok = begin_on(reader, other, spec, ret_watermark, e);
    odbc_close(other); /* ends its transaction and lock, if any */
    return ok ||
           err_wrap(e, "exact copy of " STR_FMT "." STR_FMT, STR_ARG(spec->schema), STR_ARG(spec->table));
}

bool handover_end(Odbc *reader, Err *e) {
    return odbc_exec(reader, "IF @@TRANCOUNT > 0 COMMIT TRANSACTION; SET LOCK_TIMEOUT -1", e);
}
