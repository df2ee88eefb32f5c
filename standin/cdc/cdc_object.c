/*
 * cdc_object.c - ids are above all that the catalog gives: an instance's objects have a block of eight by the
 * id of its change table, the others, one set a database, a block at the top.
 */
#include "standin/cdc/cdc_object.h"

#include <string.h>

#include "base/mem.h"
#include "standin/capture/instance.h"

enum { FIRST_ID = 1000000000, IDS_A_TABLE = 8, FIRST_FIXED_ID = 2147480000 };
enum { IN_ALL, IN_NET, IN_FIRST_PROCEDURE };

static const char *const PROCEDURES[] = {"sp_batchinsert_", "sp_ins_", "sp_upd_", "sp_insdel_"};

static const struct {
    CdcObjectKind kind;
    const char *name;
} FIXED[] = {
    {CDC_TRIGGER, "tr_MScdc_ddl_event"},
    {CDC_FUNCTION, "fn_cdc_get_all_changes_..."},
    {CDC_FUNCTION, "fn_cdc_get_all_changes_ ... "},
    {CDC_FUNCTION, "fn_cdc_get_net_changes_..."},
    {CDC_FUNCTION, "fn_cdc_get_net_changes_ ... "},
    {CDC_PROCEDURE, "sp_batchinsert_lsn_time_mapping"},
    {CDC_PROCEDURE, "sp_ins_lsn_time_mapping"},
    {CDC_PROCEDURE, "sp_ins_dummy_lsn_time_mapping"},
};
enum {
    PROCEDURE_COUNT = sizeof PROCEDURES / sizeof *PROCEDURES,
    FIXED_COUNT = sizeof FIXED / sizeof *FIXED,
    MAX_A_TABLE = IN_FIRST_PROCEDURE + PROCEDURE_COUNT,
};

static int32_t block_id(int32_t object_id, int32_t at) {
    int64_t id = FIRST_ID + (int64_t)object_id * IDS_A_TABLE + at;
    return id < FIRST_FIXED_ID ? (int32_t)id : 0;
}

int32_t cdc_object_function_id(int32_t object_id, bool is_net) {
    return block_id(object_id, is_net ? IN_NET : IN_ALL);
}

const char *cdc_object_type(CdcObjectKind kind) {
    return kind == CDC_FUNCTION ? "IF" : kind == CDC_PROCEDURE ? "P " : "TR";
}

const char *cdc_object_type_desc(CdcObjectKind kind) {
    return kind == CDC_FUNCTION    ? "SQL_INLINE_TABLE_VALUED_FUNCTION"
           : kind == CDC_PROCEDURE ? "SQL_STORED_PROCEDURE"
                                   : "SQL_TRIGGER";
}

typedef struct List {
    Arena *arena;
    CdcObject *items;
    size_t count;
    int64_t create_us;
} List;

static void add(List *l, CdcObjectKind kind, const char *name, int32_t id, bool is_ms_shipped) {
    if (!id) return;
    l->items[l->count++] = (CdcObject){kind, str_from(name), id, is_ms_shipped, l->create_us};
}

static void add_instance(List *l, const Instance *it) {
    add(l, CDC_FUNCTION, arena_printf(l->arena, "fn_cdc_get_all_changes_" STR_FMT, STR_ARG(it->name)),
        block_id(it->object_id, IN_ALL), false);
    if (it->supports_net_changes)
        add(l, CDC_FUNCTION, arena_printf(l->arena, "fn_cdc_get_net_changes_" STR_FMT, STR_ARG(it->name)),
            block_id(it->object_id, IN_NET), false);
    for (int32_t i = 0; i < PROCEDURE_COUNT; i++)
        add(l, CDC_PROCEDURE, arena_printf(l->arena, "%s%d", PROCEDURES[i], it->object_id),
            block_id(it->object_id, IN_FIRST_PROCEDURE + i), true);
}

bool cdc_object_list(Session *s, int32_t database_id, Arena *arena, CdcObject **ret, size_t *ret_count,
                     SqlError *e) {
    const Table *mapping = instance_cdc_table(session_catalog(s), database_id, STR_LIT("lsn_time_mapping"));
    InstanceSet set;
    *ret = NULL;
    *ret_count = 0;
    if (!mapping) return true;
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), database_id, &set, e)) return false;
    List l = {.arena = arena, .create_us = mapping->create_us};
    l.items = ARENA_ARRAY(arena, CdcObject, FIXED_COUNT + set.count * MAX_A_TABLE);
    for (int32_t i = 0; i < FIXED_COUNT; i++) add(&l, FIXED[i].kind, FIXED[i].name, FIRST_FIXED_ID + i, true);
    for (size_t i = 0; i < set.count; i++) {
        const Table *t = catalog_table_by_id(session_catalog(s), set.items[i].object_id);
        l.create_us = t ? t->create_us : mapping->create_us;
        add_instance(&l, &set.items[i]);
    }
    instance_done(&set);
    *ret = l.items;
    *ret_count = l.count;
    return true;
}

static bool name_object(void *arg, Session *s, int32_t database_id, int32_t object_id, Arena *arena,
                        SysName *ret) {
    CdcObject *objects;
    size_t count;
    SqlError e;
    (void)arg;
    if (object_id < FIRST_ID || !cdc_object_list(s, database_id, arena, &objects, &count, &e)) return false;
    for (size_t i = 0; i < count; i++) {
        if (objects[i].id != object_id) continue;
        *ret = (SysName){STR_LIT("cdc"), objects[i].name, "", objects[i].is_ms_shipped};
        memcpy(ret->type, cdc_object_type(objects[i].kind), sizeof "IF");
        return true;
    }
    return false;
}

void cdc_object_add(SysRegistry *r) {
    sysregistry_add_namer(r, name_object, NULL);
}
