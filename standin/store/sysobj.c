/* The registry: arrays of static tables, found through maps "schema.name" in any letter case. */
#include "standin/store/sysobj.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"

typedef struct Finder {
    SysFind *find;
    void *arg;
} Finder;

typedef struct Namer {
    SysNamer *name;
    void *arg;
} Namer;

struct SysRegistry {
    StrMap *functions, *tables; /* "schema.name", tables that take arguments "schema.name()" */
    const SysFunction **function_list;
    SysTable **table_list; /* owned copies: object_id is filled in */
    size_t function_count, table_count;
    Finder *finders;
    size_t finder_count;
    Namer *namers;
    size_t namer_count;
};

/* Ids of views and table functions go down from the first, those of scalar functions from the second. */
enum { KEY_SIZE = 2 * 128 + 8, FIRST_OBJECT_ID = -100, FIRST_FUNCTION_ID = -200000 };

static Str make_key(char buf[static KEY_SIZE], Str schema, Str name, const char *tail) {
    size_t n = 0;
    Str parts[] = {schema, STR_LIT("."), name, str_from(tail)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t take = parts[i].n < KEY_SIZE - n ? parts[i].n : KEY_SIZE - n;
        if (take) memcpy(buf + n, parts[i].p, take);
        n += take;
    }
    return (Str){buf, n};
}

SysRegistry *sysregistry_new(void) {
    SysRegistry *r = x_calloc(1, sizeof *r);
    r->functions = strmap_new(/* ignore_case= */ true);
    r->tables = strmap_new(/* ignore_case= */ true);
    return r;
}

SysRegistry *sysregistry_free(SysRegistry *r) {
    if (!r) return NULL;
    for (size_t i = 0; i < r->table_count; i++) free(r->table_list[i]);
    r->functions = strmap_free(r->functions);
    r->tables = strmap_free(r->tables);
    free(r->function_list);
    free(r->table_list);
    free(r->finders);
    free(r->namers);
    free(r);
    return NULL;
}

void sysregistry_add_functions(SysRegistry *r, const SysFunction *functions, size_t count) {
    char buf[KEY_SIZE];
    r->function_list = x_reallocarray(r->function_list, r->function_count + count, sizeof *r->function_list);
    for (size_t i = 0; i < count; i++) {
        const SysFunction *f = &functions[i];
        r->function_list[r->function_count++] = f;
        (void)strmap_set(r->functions, make_key(buf, str_from(f->schema), str_from(f->name), ""), (void *)f);
    }
}

void sysregistry_add_tables(SysRegistry *r, const SysTable *tables, size_t count) {
    char buf[KEY_SIZE];
    r->table_list = x_reallocarray(r->table_list, r->table_count + count, sizeof *r->table_list);
    for (size_t i = 0; i < count; i++) {
        SysTable *t = x_malloc(sizeof *t);
        *t = tables[i];
        t->object_id = FIRST_OBJECT_ID - (int32_t)r->table_count;
        r->table_list[r->table_count++] = t;
        const char *tail = t->is_function ? "()" : "";
        (void)strmap_set(r->tables, make_key(buf, str_from(t->schema), str_from(t->name), tail), t);
    }
}

void sysregistry_add_finder(SysRegistry *r, SysFind *find, void *arg) {
    r->finders = x_reallocarray(r->finders, r->finder_count + 1, sizeof *r->finders);
    r->finders[r->finder_count++] = (Finder){find, arg};
}

void sysregistry_add_namer(SysRegistry *r, SysNamer *name, void *arg) {
    r->namers = x_reallocarray(r->namers, r->namer_count + 1, sizeof *r->namers);
    r->namers[r->namer_count++] = (Namer){name, arg};
}

const SysFunction *sysregistry_function(const SysRegistry *r, Str schema, Str name) {
    char buf[KEY_SIZE];
    return strmap_get(r->functions, make_key(buf, schema, name, ""));
}

const SysTable *sysregistry_table(const SysRegistry *r, struct Session *s, int32_t database_id, Str schema,
                                  Str name, bool is_function, Arena *arena) {
    char buf[KEY_SIZE];
    const SysTable *t = strmap_get(r->tables, make_key(buf, schema, name, is_function ? "()" : ""));
    if (t && (!t->database_id || t->database_id == database_id)) return t;
    SysTable *made = arena_zalloc(arena, sizeof *made);
    for (size_t i = 0; i < r->finder_count; i++) {
        const Finder *f = &r->finders[i];
        if (f->find(f->arg, s, database_id, schema, name, is_function, arena, made)) return made;
    }
    return NULL;
}

static bool fixed_name(const SysRegistry *r, int32_t object_id, SysName *ret) {
    for (size_t i = 0; i < r->table_count; i++)
        if (r->table_list[i]->object_id == object_id) {
            const SysTable *t = r->table_list[i];
            *ret = (SysName){str_from(t->schema), str_from(t->name), "V ", true};
            if (t->is_function) memcpy(ret->type, "IF", sizeof "IF");
            return true;
        }
    int64_t at = FIRST_FUNCTION_ID - (int64_t)object_id;
    if (at < 0 || (uint64_t)at >= r->function_count) return false;
    const SysFunction *f = r->function_list[at];
    *ret = (SysName){str_from(f->schema), str_from(f->name), "FN", true};
    return true;
}

bool sysregistry_name(const SysRegistry *r, struct Session *s, int32_t database_id, int32_t object_id,
                      Arena *arena, SysName *ret) {
    if (object_id < 0) return fixed_name(r, object_id, ret);
    for (size_t i = 0; i < r->namer_count; i++)
        if (r->namers[i].name(r->namers[i].arg, s, database_id, object_id, arena, ret)) return true;
    return false;
}

int32_t sysregistry_function_id(const SysRegistry *r, const SysFunction *f) {
    for (size_t i = 0; i < r->function_count; i++)
        if (r->function_list[i] == f) return FIRST_FUNCTION_ID - (int32_t)i;
    return 0;
}

const SysFunction *sysregistry_next_function(const SysRegistry *r, size_t *at) {
    return *at < r->function_count ? r->function_list[(*at)++] : NULL;
}

const SysTable *sysregistry_next_table(const SysRegistry *r, size_t *at) {
    return *at < r->table_count ? r->table_list[(*at)++] : NULL;
}

Str systable_sqlite_name(const SysTable *t, Arena *arena) {
    return str_from(arena_printf(arena, "syst_%d", -t->object_id));
}
