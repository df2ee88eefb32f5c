#include "standin/cdc/proc_fault.h"

#include "base/mem.h"
#include "standin/builtin/proc_arg.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/cleanup.h"
#include "standin/capture/jobs.h"
#include "standin/cdc/cdc.h"
#include "standin/cdc/proc_cdc.h"

static bool check_sysadmin(Session *s, SqlError *e) {
    return session_is_sysadmin(s) || cdc_message_raise(e, 22902, &STR_LIT("sysadmin"), 1);
}

static bool agent_stop(Session *s, ProcCall *call, SqlError *e) {
    (void)call;
    if (!check_sysadmin(s, e)) return false;
    agent_set_running(cdc_of(s)->agent, false);
    capture_settle(cdc_of(s)->capture);
    return true;
}

static bool agent_start(Session *s, ProcCall *call, SqlError *e) {
    (void)call;
    if (!check_sysadmin(s, e)) return false;
    agent_set_running(cdc_of(s)->agent, true);
    return true;
}

static bool capture_lag(Session *s, ProcCall *call, SqlError *e) {
    if (!check_sysadmin(s, e)) return false;
    agent_set_lag_ms(cdc_of(s)->agent, proc_arg_int(call, 0, 0));
    return true;
}

static bool cleanup_below(Session *s, ProcCall *call, SqlError *e) {
    if (!check_sysadmin(s, e) || !proc_cdc_check_database(s, e)) return false;
    if (call->args[0].value.kind != VALUE_BLOB) return cdc_message_raise(e, 22963, &STR_LIT("@lsn"), 1);
    Lsn10 mark = lsn10_from(call->args[0].value.v.s);
    return cleanup_to(s, session_current_database(s)->id, &mark, JOBS_DEFAULT_THRESHOLD, e);
}

/* ---- connections and statements; exec/fault.h */

/* A rule's session: @session, or every one but this. */
static FaultRule rule_of(Session *s, FaultKind kind, const ProcCall *call, size_t session_arg) {
    FaultRule r = {.kind = kind, .spid = (int)proc_arg_int(call, session_arg, 0)};
    if (r.spid == 0) r.but_spid = session_spid(s);
    return r;
}

static bool bad_argument(SqlError *e, const char *what) {
    return sql_error_set(e, 15600, 15, 1, "An invalid parameter or option was specified for procedure '%s'.",
                         what);
}

static bool delay(Session *s, ProcCall *call, SqlError *e) {
    FaultRule r = rule_of(s, FAULT_DELAY, call, 1);
    r.ms = proc_arg_int(call, 0, 0);
    if (!check_sysadmin(s, e)) return false;
    if (r.ms < 0) return bad_argument(e, "standin.delay");
    fault_add(server_fault(session_server(s)), &r);
    return true;
}

static bool cut(Session *s, ProcCall *call, SqlError *e) {
    FaultRule r = rule_of(s, FAULT_CUT, call, 2);
    int64_t rows = proc_arg_int(call, 0, -1), bytes = proc_arg_int(call, 1, -1);
    r.times = proc_arg_int(call, 3, 1);
    r.has_rows = rows >= 0;
    if (!check_sysadmin(s, e)) return false;
    if ((rows < 0) == (bytes < 0) || r.times < 0) return bad_argument(e, "standin.cut");
    r.rows = (uint64_t)rows;
    r.bytes = (uint64_t)bytes;
    fault_add(server_fault(session_server(s)), &r);
    return true;
}

static bool half_open(Session *s, ProcCall *call, SqlError *e) {
    FaultRule r = rule_of(s, FAULT_HALF_OPEN, call, 1);
    int64_t rows = proc_arg_int(call, 0, -1);
    r.has_rows = rows >= 0;
    r.rows = (uint64_t)rows;
    if (!check_sysadmin(s, e)) return false;
    if (r.spid == session_spid(s)) return bad_argument(e, "standin.half_open"); /* who would end it? */
    fault_add(server_fault(session_server(s)), &r);
    return true;
}

static bool fail_statements(Session *s, ProcCall *call, SqlError *e) {
    FaultRule r = rule_of(s, FAULT_FAIL, call, 6);
    int64_t number = proc_arg_int(call, 0, 0), severity = proc_arg_int(call, 1, 16),
            state = proc_arg_int(call, 2, 1);
    r.times = proc_arg_int(call, 3, 1);
    if (!check_sysadmin(s, e)) return false;
    if (number < 1 || number > INT32_MAX || severity < 11 || severity > 25 || state < 0 ||
        state > UINT8_MAX || r.times < 0) {
        return bad_argument(e, "standin.fail");
    }
    CLEANUP_FREE char *pattern = proc_arg_is_null(call, 4) ? NULL : str_dup(proc_arg_text(call, 4));
    CLEANUP_FREE char *text = str_dup(proc_arg_text(call, 5));
    r.pattern = pattern;
    (void)sql_error_set(&r.error, (int32_t)number, (uint8_t)severity, (uint8_t)state, "%s",
                        *text ? text : "standin.fail: this error was asked for.");
    fault_add(server_fault(session_server(s)), &r);
    return true;
}

static bool failover(Session *s, ProcCall *call, SqlError *e) {
    enum { MAX_MS = 3600 * 1000 };
    int64_t read_only_ms = proc_arg_int(call, 0, 0), unavailable_ms = proc_arg_int(call, 1, 0);
    if (!check_sysadmin(s, e)) return false;
    if (read_only_ms < 0 || read_only_ms > MAX_MS || unavailable_ms < 0 || unavailable_ms > MAX_MS)
        return bad_argument(e, "standin.failover");
    fault_failover(server_fault(session_server(s)), session_spid(s), unavailable_ms, read_only_ms);
    return true;
}

static bool end_faults(Session *s, ProcCall *call, SqlError *e) {
    (void)call;
    if (!check_sysadmin(s, e)) return false;
    fault_end_all(server_fault(session_server(s)));
    return true;
}

static const ProcParam LAG[] = {{.name = "@ms", .type = {.id = TYPE_BIGINT}, .is_required = true}};
static const ProcParam CLEANUP[] = {
    {.name = "@lsn", .type = {.id = TYPE_BINARY, .length = 10}, .is_required = true}};

static const ProcParam DELAY[] = {{.name = "@ms", .type = {.id = TYPE_BIGINT}, .is_required = true},
                                  PROC_INT("@session")};
static const ProcParam CUT[] = {PROC_BIGINT("@rows"), PROC_BIGINT("@bytes"), PROC_INT("@session"),
                                PROC_BIGINT("@times")};
static const ProcParam HALF_OPEN[] = {PROC_BIGINT("@rows"), PROC_INT("@session")};
static const ProcParam FAIL[] = {{.name = "@number", .type = {.id = TYPE_INT}, .is_required = true},
                                 PROC_INT("@severity"),
                                 PROC_INT("@state"),
                                 PROC_BIGINT("@times"),
                                 {.name = "@statement_like", .type = {.id = TYPE_NVARCHAR, .length = 4000}},
                                 {.name = "@message", .type = {.id = TYPE_NVARCHAR, .length = 400}},
                                 PROC_INT("@session")};
static const ProcParam FAILOVER[] = {PROC_BIGINT("@read_only_ms"), PROC_BIGINT("@unavailable_ms")};

static const Proc PROCS[] = {
    {.name = "agent_stop", .call = agent_stop},
    {.name = "agent_start", .call = agent_start},
    {.name = "capture_lag", .params = LAG, .param_count = 1, .call = capture_lag},
    {.name = "cleanup_to", .params = CLEANUP, .param_count = 1, .call = cleanup_below},
    {.name = "delay", .params = DELAY, .param_count = 2, .call = delay},
    {.name = "cut", .params = CUT, .param_count = 4, .call = cut},
    {.name = "half_open", .params = HALF_OPEN, .param_count = 2, .call = half_open},
    {.name = "fail", .params = FAIL, .param_count = 7, .call = fail_statements},
    {.name = "failover", .params = FAILOVER, .param_count = 2, .call = failover},
    {.name = "end_faults", .call = end_faults},
};

void proc_fault_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
