/*
 * Two things keep the numbers stable: a table that is dropped keeps its place, and one that appears gets a
 * place behind all others. A stored table that the lists no longer want is not taken: the plan refuses to go
 * on without it, since somebody may have left it out by mistake.
 */
#include "sqlserver/table_list.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

bool table_list_has(const TableList *l, Str schema, Str name) {
    for (size_t i = 0; i < l->count; i++)
        if (str_eq(l->names[2 * i + 1], name) && str_eq(l->names[2 * i], schema)) return true;
    return false;
}

void table_list_add(TableList *l, Str schema, Str name) {
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->names = x_reallocarray(l->names, 2 * l->cap, sizeof *l->names);
    }
    l->names[2 * l->count] = arena_str(&l->arena, schema);
    l->names[2 * l->count++ + 1] = arena_str(&l->arena, name);
}

static bool is_wanted(const CatalogFilter *filter, const StoredTable *t) {
    CLEANUP(buf_done) Buf qualified = {0};
    buf_printf(&qualified, "%s.%s", t->schema, t->table);
    return catalog_wants(filter, buf_view(&qualified));
}

void table_list_fix(TableList *l, const Catalog *c, const CatalogFilter *filter, const StoredState *stored) {
    for (size_t i = 0; i < c->table_count; i++)
        if (c->tables[i].instance_count) table_list_add(l, c->tables[i].schema, c->tables[i].name);
    for (size_t i = 0; stored->has_position && i < stored->table_count; i++) {
        const StoredTable *t = &stored->tables[i];
        if (table_list_has(l, str_from(t->schema), str_from(t->table)) || !is_wanted(filter, t)) continue;
        table_list_add(l, str_from(t->schema), str_from(t->table));
    }
}

void table_list_use(const TableList *l, CatalogFilter *filter) {
    static const Str none[1];
    filter->only = l->count ? l->names : none;
    filter->only_count = l->count;
}

void table_list_done(TableList *l) {
    free(l->names);
    arena_done(&l->arena);
    *l = (TableList){0};
}
