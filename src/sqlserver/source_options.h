/*
 * source_options.h - the source connector's properties: one row each. What they make: source_settings.h.
 */
#ifndef SQLSERVER_SOURCE_OPTIONS_H
#define SQLSERVER_SOURCE_OPTIONS_H

#include "config/option.h"

enum { SOURCE_OPTION_COUNT = 126 };
extern const OptionDef source_options[SOURCE_OPTION_COUNT];
extern const char *const source_option_classes[]; /* values of connector.class, NULL-terminated */

#endif
