/*
 * table_filter.h - which tables a source reads, by its properties: what was read before is held against them,
 * too. Read-only, any thread; borrows from the Options.
 */
#ifndef CONFIG_TABLE_FILTER_H
#define CONFIG_TABLE_FILTER_H

#include <stdbool.h>

#include "base/str.h"
#include "config/option.h"
#include "config/regexlist.h"

typedef struct TableFilter {
    const RegexList *include, *exclude; /* against schema.table; NULL = not given */
    Str signals; /* "schema.table" that isn't wanted: the signal table, where no list names tables */
} TableFilter;

/* signal.data.collection, where signal.enabled.channels has "source"; else NULL. */
const char *table_filter_signals(const Options *o);
/* table.include.list, table.exclude.list and signal.data.collection, unless signals don't come from it. */
TableFilter table_filter_of(const Options *o);
bool table_filter_wants(const TableFilter *f, Str qualified); /* "schema.table" */
/* By the lists alone. Either may be NULL. */
bool table_filter_lists_want(const RegexList *include, const RegexList *exclude, Str name);

#endif
