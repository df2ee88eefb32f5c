/*
 * cdc.h - change data capture as a module of the engine: hand cdc_module to server_open. The state behind it
 * is made at start and lives as long as the server; any thread.
 */
#ifndef STANDIN_CDC_CDC_H
#define STANDIN_CDC_CDC_H

#include "standin/capture/agent.h"
#include "standin/capture/capture.h"
#include "standin/capture/scan_history.h"
#include "standin/exec/server.h"

extern const ServerModule cdc_module;

typedef struct Cdc {
    ScanHistory *history;
    Capture *capture;
    Agent *agent;
} Cdc;

/* The state of the server that the session is on. */
Cdc *cdc_of(Session *s);

#endif
