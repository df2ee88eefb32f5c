#include "standin/cdc/cdc.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "standin/cdc/cdc_object.h"
#include "standin/cdc/func_cdc.h"
#include "standin/cdc/jobs.h"
#include "standin/cdc/proc_admin.h"
#include "standin/cdc/proc_catalog.h"
#include "standin/cdc/proc_cdc.h"
#include "standin/cdc/proc_describe.h"
#include "standin/cdc/proc_fault.h"
#include "standin/cdc/proc_job.h"
#include "standin/cdc/proc_lock.h"
#include "standin/cdc/proc_script.h"
#include "standin/cdc/view_absent.h"
#include "standin/cdc/view_agent.h"
#include "standin/cdc/view_cdc.h"
#include "standin/cdc/view_columns.h"
#include "standin/cdc/view_compat.h"
#include "standin/cdc/view_derived.h"
#include "standin/cdc/view_information.h"
#include "standin/cdc/view_lock.h"
#include "standin/cdc/view_objects.h"
#include "standin/cdc/view_odbc.h"
#include "standin/cdc/view_procedures.h"
#include "standin/cdc/view_routines.h"
#include "standin/cdc/view_server.h"
#include "standin/cdc/view_session.h"

static const char MODULE_NAME[] = "cdc";

static void add(SysRegistry *sys, ProcRegistry *procs) {
    view_objects_add(sys);
    view_routines_add(sys);
    view_columns_add(sys);
    view_information_add(sys);
    view_server_add(sys);
    view_session_add(sys);
    view_compat_add(sys);
    view_derived_add(sys);
    view_absent_add(sys);
    view_agent_add(sys);
    view_cdc_add(sys);
    view_lock_add(sys);
    view_odbc_add(sys);
    view_procedures_add(sys);
    func_cdc_add(sys);
    cdc_object_add(sys);
    proc_cdc_add(procs);
    proc_job_add(procs);
    proc_lock_add(procs);
    proc_catalog_add(procs);
    proc_admin_add(procs);
    proc_server_add(procs);
    proc_describe_add(procs);
    proc_script_add(procs);
    proc_security_add(procs);
    proc_fault_add(procs);
}

static void stop(void *state) {
    Cdc *c = state;
    (void)agent_free(c->agent);
    (void)capture_free(c->capture);
    (void)scan_history_free(c->history);
    free(c);
}

static bool start(Server *server, void **ret_state, Err *e) {
    Cdc *c = x_calloc(1, sizeof *c);
    c->history = scan_history_new();
    if (!capture_new(server, c->history, &c->capture, e) || !agent_new(server, c->capture, &c->agent, e)) {
        stop(c);
        return false;
    }
    *ret_state = c;
    return true;
}

/* Its jobs go with a database, and what is remembered of it. */
static bool drop_database(Session *s, int32_t database_id, SqlError *e) {
    Cdc *c = cdc_of(s);
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    if (!d || !d->is_cdc_enabled) return true;
    if (jobs_table(session_catalog(s)) &&
        (!jobs_drop(s, database_id, JOB_CAPTURE, e) || !jobs_drop(s, database_id, JOB_CLEANUP, e) ||
         !jobs_drop_table(s, database_id, e)))
        return false;
    agent_forget_jobs(c->agent, database_id);
    if (!capture_forget(c->capture, database_id, e)) return false;
    scan_history_forget(c->history, database_id);
    return true;
}

const ServerModule cdc_module = {
    .name = MODULE_NAME, .add = add, .start = start, .drop_database = drop_database, .stop = stop};

Cdc *cdc_of(Session *s) {
    Cdc *c = server_module_state(session_server(s), MODULE_NAME);
    assert(c);
    return c;
}
