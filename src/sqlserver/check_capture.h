/*
 * check_capture.h - checks of change data capture at work: agent, jobs, their speed and errors, what is kept
 * and how long. Rows for precheck.h. Owner thread only.
 */
#ifndef SQLSERVER_CHECK_CAPTURE_H
#define SQLSERVER_CHECK_CAPTURE_H

#include "sqlserver/precheck.h"

PrecheckDefs check_capture_defs(void);

#endif
