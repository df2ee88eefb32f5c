#include "standin/cdc/cdc.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "standin/capture/jobs.h"
#include "standin/cdc/cdc_object.h"
#include "standin/cdc/func_cdc.h"
#include "standin/cdc/proc_cdc.h"
#include "standin/cdc/proc_fault.h"
#include "standin/cdc/proc_job.h"
#include "standin/cdc/view_cdc.h"

static const char MODULE_NAME[] = "cdc";

static void add(SysRegistry *sys, ProcRegistry *procs) {
    view_cdc_add(sys);
    func_cdc_add(sys);
    cdc_object_add(sys);
    proc_cdc_add(procs);
    proc_job_add(procs);
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
