#include "standin/cdc/view_cdc.h"

#include <unistd.h>

#include "base/mem.h"
#include "standin/builtin/local_time.h"
#include "standin/builtin/view_row.h"
#include "standin/cdc/cdc.h"
#include "standin/types/temporal.h"

/* "0000002d:00000580:001d"; lives in the arena. */
static void lsn_value(ViewRow *r, const Lsn10 *lsn, Arena *arena) {
    char *text = arena_bytes(arena, LSN10_COLON_SIZE);
    view_row_text(r, lsn10_colon(lsn, text));
}

static void time_or_null(ViewRow *r, int64_t wall_us) {
    if (wall_us) view_row_datetime(r, wall_us);
    else view_row_null(r);
}

/* ---- sys.dm_cdc_log_scan_sessions */

static const SysColumn SCAN_COLUMNS[] = {
    VIEW_INT_N("session_id"),
    VIEW_DATETIME_N("start_time"),
    VIEW_DATETIME_N("end_time"),
    VIEW_BIGINT_N("duration"),
    VIEW_NVARCHAR("scan_phase", 200),
    VIEW_INT_N("error_count"),
    VIEW_NVARCHAR("start_lsn", 23),
    VIEW_NVARCHAR("current_lsn", 23),
    VIEW_NVARCHAR("end_lsn", 23),
    VIEW_BIGINT_N("tran_count"),
    VIEW_NVARCHAR("last_commit_lsn", 23),
    VIEW_DATETIME_N("last_commit_time"),
    VIEW_BIGINT_N("log_record_count"),
    VIEW_INT_N("schema_change_count"),
    VIEW_BIGINT_N("command_count"),
    VIEW_NVARCHAR("first_begin_cdc_lsn", 23),
    VIEW_NVARCHAR("last_commit_cdc_lsn", 23),
    VIEW_DATETIME_N("last_commit_cdc_time"),
    VIEW_INT_N("latency"),
    VIEW_INT_N("empty_scan_count"),
    VIEW_INT_N("failed_sessions_count"),
};

static const char *phase_name(ScanPhase phase) {
    switch (phase) {
    case SCAN_PHASE_CONFIGURATION: return "Reading configuration";
    case SCAN_PHASE_FIRST: return "First scan, building hash table";
    case SCAN_PHASE_SECOND: return "Second scan";
    case SCAN_PHASE_SCHEMA: return "Schema versioning";
    case SCAN_PHASE_LAST: return "Last scan";
    case SCAN_PHASE_DONE: return "Done";
    }
    return "";
}

static void scan_row(ViewRow *r, const ScanRecord *s, Arena *arena) {
    static const Lsn10 none = {{0}};
    bool is_sum = s->session_id == SCAN_HISTORY_AGGREGATE, is_active = !is_sum && s->end_us == 0;
    view_row_int(r, s->session_id);
    time_or_null(r, s->start_us);
    time_or_null(r, s->end_us);
    view_row_int(r, s->duration_s);
    view_row_text(r, is_sum ? "Aggregate" : phase_name(s->phase));
    view_row_int(r, s->errors);
    lsn_value(r, &s->first_lsn, arena);
    lsn_value(r, is_sum ? &none : &s->current_lsn, arena);
    if (is_active) view_row_null(r);
    else lsn_value(r, &s->current_lsn, arena);
    view_row_int(r, (int64_t)s->transactions);
    lsn_value(r, &s->last_commit_lsn, arena);
    time_or_null(r, s->last_commit_us);
    view_row_int(r, (int64_t)s->log_records);
    view_row_int(r, s->schema_changes);
    view_row_int(r, (int64_t)s->commands);
    lsn_value(r, &s->first_begin_cdc_lsn, arena);
    lsn_value(r, &s->last_commit_cdc_lsn, arena);
    time_or_null(r, s->last_commit_cdc_us);
    view_row_int(r, s->latency_s);
    view_row_int(r, s->empty_scans);
    view_row_int(r, s->failed_sessions);
    view_row_end(r);
}

static bool fill_scans(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                       Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(SCAN_COLUMNS));
    ScanRecord *scans = ARENA_ARRAY(arena, ScanRecord, SCAN_HISTORY_SESSIONS + 2);
    size_t count = scan_history_scans(cdc_of(s)->history, database_id, scans);
    for (size_t i = 0; i < count; i++) scan_row(&r, &scans[i], arena);
    return true;
}

/* ---- sys.dm_cdc_errors */

static const SysColumn ERROR_COLUMNS[] = {
    VIEW_INT_N("session_id"),
    VIEW_INT_N("phase_number"),
    VIEW_DATETIME_N("entry_time"),
    VIEW_INT_N("error_number"),
    VIEW_INT_N("error_severity"),
    VIEW_INT_N("error_state"),
    VIEW_NVARCHAR("error_message", 1024),
    VIEW_NVARCHAR("start_lsn", 23),
    VIEW_NVARCHAR("begin_lsn", 23),
    VIEW_NVARCHAR("sequence_value", 23),
};

static bool fill_errors(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                        Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(ERROR_COLUMNS));
    ScanError *errors = ARENA_ARRAY(arena, ScanError, SCAN_HISTORY_ERRORS);
    size_t count = scan_history_errors(cdc_of(s)->history, database_id, errors);
    for (size_t i = 0; i < count; i++) {
        view_row_int(&r, errors[i].session_id);
        view_row_int(&r, errors[i].phase);
        view_row_datetime(&r, errors[i].at_us);
        view_row_int(&r, errors[i].number);
        view_row_int(&r, errors[i].class_);
        view_row_int(&r, errors[i].state);
        view_row_text(&r, errors[i].text);
        lsn_value(&r, &errors[i].start_lsn, arena);
        lsn_value(&r, &errors[i].begin_lsn, arena);
        lsn_value(&r, &errors[i].seqval, arena);
        view_row_end(&r);
    }
    return true;
}

/* ---- sys.dm_server_services */

static const SysColumn SERVICE_COLUMNS[] = {
    VIEW_NVARCHAR("servicename", 256),
    VIEW_INT("startup_type"),
    VIEW_NVARCHAR("startup_type_desc", 256),
    VIEW_INT("status"),
    VIEW_NVARCHAR("status_desc", 256),
    VIEW_INT_N("process_id"),
    VIEW_COL("last_startup_time", true, .id = TYPE_DATETIMEOFFSET, .scale = 7),
    VIEW_NVARCHAR("service_account", 256),
    VIEW_NVARCHAR("filename", 256),
    VIEW_NVARCHAR("is_clustered", 1),
    VIEW_NVARCHAR("cluster_nodename", 256),
};

enum { SERVICE_STOPPED = 1, SERVICE_RUNNING = 4, STARTUP_AUTOMATIC = 2 };

static void service_row(ViewRow *r, Session *s, const char *name, bool is_running) {
    uint8_t blob[TEMPORAL_OFFSET_BYTES];
    int64_t start_us = server_start_us(session_server(s));
    Value started = {.kind = VALUE_NULL};
    bool has_start =
        temporal_pack(&SERVICE_COLUMNS[6].type, temporal_from_unix_us(start_us, local_time_offset(start_us)),
                      blob, &started);
    view_row_text(r, name);
    view_row_int(r, STARTUP_AUTOMATIC);
    view_row_text(r, "Automatic");
    view_row_int(r, is_running ? SERVICE_RUNNING : SERVICE_STOPPED);
    view_row_text(r, is_running ? "Running" : "Stopped");
    view_row_int(r, getpid());
    if (has_start) view_row_blob(r, started.v.s);
    else view_row_null(r);
    view_row_text(r, "LocalSystem");
    view_row_text(r, "standin");
    view_row_text(r, "N");
    view_row_null(r);
    view_row_end(r);
}

static bool fill_services(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                          Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(SERVICE_COLUMNS));
    service_row(&r, s, "SQL Server (MSSQLSERVER)", true);
    service_row(&r, s, "SQL Server Agent (MSSQLSERVER)", agent_is_running(cdc_of(s)->agent));
    return true;
}

/* ---- sys.configurations */

static const SysColumn CONFIGURATION_COLUMNS[] = {
    VIEW_INT("configuration_id"),      VIEW_NVARCHAR("name", 35), VIEW_VARIANT("value"),
    VIEW_VARIANT("minimum"),           VIEW_VARIANT("maximum"),   VIEW_VARIANT("value_in_use"),
    VIEW_NVARCHAR("description", 255), VIEW_BIT("is_dynamic"),    VIEW_BIT("is_advanced"),
};

static bool fill_configurations(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                SysRows *rows, Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)e;
    static const Type number = {.id = TYPE_INT};
    ViewRow r = view_row_start(rows, VIEW_COUNT(CONFIGURATION_COLUMNS));
    const Configuration *c = server_configuration(session_server(s));
    const ConfigurationOption *o;
    for (size_t i = 0; (o = configuration_option(i)) != NULL; i++) {
        view_row_int(&r, o->id);
        view_row_text(&r, o->name);
        view_row_variant(&r, &number, configuration_value(c, o->id), arena);
        view_row_variant(&r, &number, o->minimum, arena);
        view_row_variant(&r, &number, o->maximum, arena);
        view_row_variant(&r, &number, configuration_in_use(c, o->id), arena);
        view_row_text(&r, o->description);
        view_row_int(&r, 1);
        view_row_int(&r, o->is_advanced);
        view_row_end(&r);
    }
    return true;
}

static const SysTable TABLES[] = {
    VIEW_TABLE("sys", "dm_cdc_log_scan_sessions", SCAN_COLUMNS, fill_scans),
    VIEW_TABLE("sys", "dm_cdc_errors", ERROR_COLUMNS, fill_errors),
    VIEW_TABLE("sys", "dm_server_services", SERVICE_COLUMNS, fill_services),
    VIEW_TABLE("sys", "configurations", CONFIGURATION_COLUMNS, fill_configurations),
};

void view_cdc_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
