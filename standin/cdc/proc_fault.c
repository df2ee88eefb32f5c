#include "standin/cdc/proc_fault.h"

#include "standin/cdc/cdc.h"
#include "standin/cdc/cdc_message.h"
#include "standin/cdc/cleanup.h"
#include "standin/cdc/jobs.h"
#include "standin/cdc/proc_arg.h"
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

static const ProcParam LAG[] = {{.name = "@ms", .type = {.id = TYPE_BIGINT}, .is_required = true}};
static const ProcParam CLEANUP[] = {
    {.name = "@lsn", .type = {.id = TYPE_BINARY, .length = 10}, .is_required = true}};

static const Proc PROCS[] = {
    {.name = "agent_stop", .call = agent_stop},
    {.name = "agent_start", .call = agent_start},
    {.name = "capture_lag", .params = LAG, .param_count = 1, .call = capture_lag},
    {.name = "cleanup_to", .params = CLEANUP, .param_count = 1, .call = cleanup_below},
};

void proc_fault_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
