/*
 * field_list.h - the sink's lists of fields (fields.whitelist, field.include.list, field.exclude.list),
 * carried out where it costs least: a column that the sink doesn't want isn't read. Pure; any thread.
 */
#ifndef CLI_FIELD_LIST_H
#define CLI_FIELD_LIST_H

#include <stdbool.h>

#include "base/err.h"
#include "config/option.h"
#include "config/props.h"

/* Put the sink's lists into the source's column.include.list or column.exclude.list. *ret_changed: there was
 * one. Errors: ERR_INVALID for lists that contradict each other, or the source's. */
MUST_CHECK bool field_list_apply(const Options *sink, Props *source, bool *ret_changed, Err *e);

#endif
