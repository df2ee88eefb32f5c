/*
 * agent.h - SQL Server Agent as far as change data capture needs it: one thread that runs the capture jobs at
 * their polling intervals and the cleanup jobs at two in the morning. Any thread.
 */
#ifndef STANDIN_CAPTURE_AGENT_H
#define STANDIN_CAPTURE_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/capture/capture.h"
#include "standin/capture/jobs.h"
#include "standin/exec/server.h"

typedef struct Agent Agent;

/* The thread runs from here on. Errors: as store_connect. */
MUST_CHECK bool agent_new(Server *server, Capture *capture, Agent **ret, Err *e);
Agent *agent_free(Agent *a); /* ends and joins the thread; returns NULL */

/* The service itself, as sys.dm_server_services shows it. Started, it starts all capture jobs. */
bool agent_is_running(Agent *a);
void agent_set_running(Agent *a, bool is_running);
/* One job; a start takes the settings anew. False: it runs already, or doesn't. */
bool agent_start_job(Agent *a, int32_t database_id, JobType type);
bool agent_stop_job(Agent *a, int32_t database_id, JobType type);
typedef struct AgentJob {
    bool is_running;
    int64_t started_us, stopped_us; /* wall clock; 0: never since the server began */
} AgentJob;
/* Where a job stands; false: there is no such job. */
bool agent_job(Agent *a, int32_t database_id, JobType type, AgentJob *ret);
/* The database is dropped, and its jobs with it. */
void agent_forget_jobs(Agent *a, int32_t database_id);
/* Capture sees transactions only when they are so old; 0 = at once. Also for scans by hand. */
void agent_set_lag_ms(Agent *a, int64_t lag_ms);
int64_t agent_lag_ms(Agent *a);
/* How long a database's log may be silent before an entry without changes is made, at this polling interval.
 */
int64_t agent_idle_ms(Agent *a, const Job *job);

#endif
