#include "standin/system/system.h"

#include "standin/system/proc_admin.h"
#include "standin/system/proc_catalog.h"
#include "standin/system/proc_describe.h"
#include "standin/system/proc_lock.h"
#include "standin/system/proc_script.h"
#include "standin/system/view_absent.h"
#include "standin/system/view_agent.h"
#include "standin/system/view_columns.h"
#include "standin/system/view_compat.h"
#include "standin/system/view_derived.h"
#include "standin/system/view_information.h"
#include "standin/system/view_lock.h"
#include "standin/system/view_objects.h"
#include "standin/system/view_odbc.h"
#include "standin/system/view_procedures.h"
#include "standin/system/view_routines.h"
#include "standin/system/view_server.h"
#include "standin/system/view_session.h"

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
    view_lock_add(sys);
    view_odbc_add(sys);
    view_procedures_add(sys);
    proc_lock_add(procs);
    proc_catalog_add(procs);
    proc_admin_add(procs);
    proc_server_add(procs);
    proc_describe_add(procs);
    proc_script_add(procs);
    proc_security_add(procs);
}

const ServerModule system_module = {.name = "system", .add = add};
