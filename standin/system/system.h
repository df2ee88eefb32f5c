/*
 * system.h - what the server says about itself, as a module of the engine: the system views but CDC's own,
 * and the procedures of metadata, administration and security. Hand system_module to server_open, behind
 * cdc_module. Any thread.
 */
#ifndef STANDIN_SYSTEM_SYSTEM_H
#define STANDIN_SYSTEM_SYSTEM_H

#include "standin/exec/server.h"

extern const ServerModule system_module;

#endif
