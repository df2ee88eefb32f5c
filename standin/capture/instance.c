#include "standin/capture/instance.h"

#include <sqlite3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "standin/store/store.h"

const Schema *instance_cdc_schema(const Catalog *c, int32_t database_id) {
    const Database *d = catalog_database_by_id(c, database_id);
    return d ? database_schema(d, STR_LIT("cdc")) : NULL;
}

const Table *instance_cdc_table(const Catalog *c, int32_t database_id, Str name) {
    const Schema *schema = instance_cdc_schema(c, database_id);
    return schema ? catalog_table(c, database_id, schema->id, name) : NULL;
}

typedef struct Loader {
    sqlite3 *db;
    const Txn *txn;
    const Catalog *catalog;
    int32_t database_id;
    InstanceSet *set;
    SqlError *e;
    size_t room; /* of set->items */
} Loader;

static bool failed(const Loader *l) {
    return store_sqlite_error(l->db, "capture instances", l->e);
}

/* Prepare `SELECT columns FROM <cdc.table> AS x tail`. NULL with *l->e untouched when the table isn't there.
 */
static bool open_query(const Loader *l, const char *table, const char *columns, const char *tail,
                       sqlite3_stmt **ret) {
    const Table *t = instance_cdc_table(l->catalog, l->database_id, str_from(table));
    *ret = NULL;
    if (!t) return true;
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SELECT %s FROM ", columns);
    if (l->txn) txn_source_sql(l->txn, t, TXN_ROWS_COMMITTED, &sql);
    else buf_cstr(&sql, t->sql_name);
    buf_printf(&sql, " AS x %s", tail);
    return sqlite3_prepare_v2(l->db, buf_text(&sql), -1, ret, NULL) == SQLITE_OK || failed(l);
}

static Str column_text(sqlite3_stmt *st, int i) {
    const void *p = sqlite3_column_blob(st, i); /* of text: its bytes */
    return (Str){p, (size_t)sqlite3_column_bytes(st, i)};
}

static Str kept_text(Loader *l, sqlite3_stmt *st, int i) {
    return arena_str(&l->set->arena, column_text(st, i));
}

static bool finish(const Loader *l, sqlite3_stmt *st, int rc) {
    bool ok = rc == SQLITE_DONE;
    if (!ok) (void)failed(l);
    (void)sqlite3_finalize(st);
    return ok;
}

static void add_instance(Loader *l, sqlite3_stmt *st) {
    InstanceSet *set = l->set;
    if (set->count == l->room) {
        l->room = l->room ? 2 * l->room : 8;
        Instance *grown = ARENA_ARRAY(&set->arena, Instance, l->room);
        for (size_t i = 0; i < set->count; i++) grown[i] = set->items[i];
        set->items = grown;
    }
    bool has_start = sqlite3_column_type(st, 3) != SQLITE_NULL;
    set->items[set->count++] = (Instance){
        .object_id = sqlite3_column_int(st, 0),
        .source_object_id = sqlite3_column_int(st, 1),
        .name = kept_text(l, st, 2),
        .has_start = has_start,
        .start_lsn = lsn10_from(has_start ? column_text(st, 3) : (Str){0}),
        .supports_net_changes = sqlite3_column_int(st, 4) != 0,
        .has_role = sqlite3_column_type(st, 5) != SQLITE_NULL,
        .role = kept_text(l, st, 5),
        .index = kept_text(l, st, 6),
        .create_date = sqlite3_column_int64(st, 7),
        .has_drop_pending = sqlite3_column_int(st, 8) != 0,
    };
}

static bool load_instances(Loader *l) {
    sqlite3_stmt *st;
    if (!open_query(l, "change_tables", "c1, c3, c4, c5, c7, c9, c10, c12, c8", "ORDER BY c1", &st))
        return false;
    if (!st) return true;
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) add_instance(l, st);
    return finish(l, st, rc);
}

static size_t count_of(sqlite3_stmt *st, int32_t object_id, int *rc) {
    size_t n = 0;
    (void)sqlite3_bind_int(st, 1, object_id);
    while ((*rc = sqlite3_step(st)) == SQLITE_ROW) n++;
    (void)sqlite3_reset(st);
    return n;
}

static bool load_columns(Loader *l) {
    sqlite3_stmt *st;
    if (!open_query(l, "captured_columns", "c2, c3, c4, c6", "WHERE c1 = ?1 ORDER BY c5", &st)) return false;
    if (!st) return true;
    int rc = SQLITE_DONE;
    for (size_t i = 0; i < l->set->count && rc == SQLITE_DONE; i++) {
        Instance *it = &l->set->items[i];
        size_t n = count_of(st, it->object_id, &rc);
        it->columns = ARENA_ARRAY(&l->set->arena, CapturedColumn, n);
        while (rc == SQLITE_DONE && it->column_count < n && sqlite3_step(st) == SQLITE_ROW)
            it->columns[it->column_count++] = (CapturedColumn){
                .name = kept_text(l, st, 0),
                .column_id = sqlite3_column_int(st, 1),
                .type_name = kept_text(l, st, 2),
                .is_computed = sqlite3_column_int(st, 3) != 0,
            };
        (void)sqlite3_reset(st);
    }
    return finish(l, st, rc);
}

static bool load_keys(Loader *l) {
    sqlite3_stmt *st;
    if (!open_query(l, "index_columns", "c2", "WHERE c1 = ?1 ORDER BY c3", &st)) return false;
    if (!st) return true;
    int rc = SQLITE_DONE;
    for (size_t i = 0; i < l->set->count && rc == SQLITE_DONE; i++) {
        Instance *it = &l->set->items[i];
        size_t n = count_of(st, it->object_id, &rc);
        it->key = ARENA_ARRAY(&l->set->arena, Str, n);
        while (rc == SQLITE_DONE && it->key_count < n && sqlite3_step(st) == SQLITE_ROW)
            it->key[it->key_count++] = kept_text(l, st, 0);
        (void)sqlite3_reset(st);
    }
    return finish(l, st, rc);
}

bool instance_load(struct sqlite3 *db, const Txn *txn, const Catalog *c, int32_t database_id,
                   InstanceSet *ret, SqlError *e) {
    *ret = (InstanceSet){0};
    Loader l = {.db = db, .txn = txn, .catalog = c, .database_id = database_id, .set = ret, .e = e};
    if (load_instances(&l) && load_columns(&l) && load_keys(&l)) return true;
    instance_done(ret);
    return false;
}

void instance_done(InstanceSet *set) {
    arena_done(&set->arena);
    *set = (InstanceSet){0};
}

const Instance *instance_by_name(const InstanceSet *set, Str name) {
    while (name.n && name.p[name.n - 1] == ' ') name.n--; /* as names compare */
    for (size_t i = 0; i < set->count; i++)
        if (str_eq_icase(set->items[i].name, name)) return &set->items[i];
    return NULL;
}
