#include "connector/connector.h"

#include <stdlib.h>
#include <string.h>

void stored_state_done(StoredState *s) {
    for (size_t i = 0; i < s->table_count; i++) {
        free(s->tables[i].schema);
        free(s->tables[i].table);
        free(s->tables[i].upper_key);
    }
    free(s->tables);
    memset(s, 0, sizeof *s);
}

const StoredTable *stored_state_table(const StoredState *s, Str schema, Str table) {
    for (size_t i = 0; i < s->table_count; i++) {
        const StoredTable *t = &s->tables[i];
        if (str_eq_c(schema, t->schema) && str_eq_c(table, t->table)) return t;
    }
    return NULL;
}
