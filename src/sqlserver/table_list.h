/*
 * table_list.h - which tables a run is of, in a fixed order: their numbers are the plan's. Tables are only
 * ever added, at the end. Owner thread only.
 */
#ifndef SQLSERVER_TABLE_LIST_H
#define SQLSERVER_TABLE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "pipeline/stored.h"
#include "sqlserver/catalog.h"

/* {0} is an empty one. */
typedef struct TableList {
    Arena arena;
    Str *names; /* pairs of schema and name, as CatalogFilter.only wants them */
    size_t count, cap;
} TableList;

/* The captured tables of a catalog that was loaded by the filter's lists, then those that are stored and that
 * the lists want though they aren't captured (any more): what becomes of them is the plan's to say. */
void table_list_fix(TableList *l, const Catalog *c, const CatalogFilter *filter, const StoredState *stored);
bool table_list_has(const TableList *l, Str schema, Str name);
void table_list_add(TableList *l, Str schema, Str name); /* copied */
/* From now on the filter wants exactly these. Borrowed until the list grows: call it again then. */
void table_list_use(const TableList *l, CatalogFilter *filter);
void table_list_done(TableList *l); /* {0} again */

#endif
