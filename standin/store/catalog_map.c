/*
 * The catalog: maps of published versions under one mutex, and what was retired while someone has it pinned.
 * Tables by id stand in an array sorted by object_id (ids only grow), names in a map "database/schema/name".
 */
#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "standin/store/catalog.h"
#include "standin/store/catalog_save.h"
#include "standin/store/permission.h"

enum { FIRST_OBJECT_ID = 1000001, KEY_SIZE = 32 + 4 * 128 };

typedef struct Retired {
    struct Retired *next;
    uint64_t version; /* published what took its place */
    Table *table;
    Database *database;
    Login *login;
} Retired;

struct Catalog {
    pthread_mutex_t mutex;
    atomic_ullong version;
    atomic_int next_object_id;
    Table **tables; /* by object_id */
    size_t table_count, table_cap;
    StrMap *table_names;
    Database **databases; /* by id; NULL = dropped */
    size_t database_count;
    Login **logins;
    size_t login_count;
    CatalogPin *pins;
    Retired *retired;
};

/* ---- pins and retired objects */

static void retired_free(Retired *r) {
    (void)table_free(r->table);
    (void)database_free(r->database);
    (void)login_free(r->login);
    free(r);
}

static void retire(Catalog *c, Table *t, Database *d, Login *l) {
    if (!t && !d && !l) return;
    Retired *r = x_malloc(sizeof *r);
    *r = (Retired){
        .next = c->retired, .version = atomic_load(&c->version), .table = t, .database = d, .login = l};
    c->retired = r;
}

/* Free what no pin can still see. Mutex held. */
static void sweep(Catalog *c) {
    uint64_t oldest = UINT64_MAX;
    for (const CatalogPin *p = c->pins; p; p = p->next)
        if (p->version < oldest) oldest = p->version;
    for (Retired **at = &c->retired; *at;) {
        Retired *r = *at;
        if (r->version <= oldest) {
            *at = r->next;
            retired_free(r);
        } else {
            at = &r->next;
        }
    }
}

void catalog_pin(Catalog *c, CatalogPin *pin) {
    (void)pthread_mutex_lock(&c->mutex);
    *pin = (CatalogPin){.version = atomic_load(&c->version), .next = c->pins};
    if (c->pins) c->pins->previous = pin;
    c->pins = pin;
    (void)pthread_mutex_unlock(&c->mutex);
}

void catalog_unpin(Catalog *c, CatalogPin *pin) {
    if (!pin->version) return;
    (void)pthread_mutex_lock(&c->mutex);
    if (pin->previous) pin->previous->next = pin->next;
    else c->pins = pin->next;
    if (pin->next) pin->next->previous = pin->previous;
    pin->version = 0;
    if (c->retired) sweep(c);
    (void)pthread_mutex_unlock(&c->mutex);
}

uint64_t catalog_version(const Catalog *c) {
    return atomic_load(&c->version);
}

/* ---- look-up */

static Str table_key(char buf[static KEY_SIZE], int32_t database_id, int32_t schema_id, Str name) {
    int n = snprintf(buf, KEY_SIZE, "%d/%d/" STR_FMT, database_id, schema_id, STR_ARG(name));
    assert(n > 0);
    return (Str){buf, n < KEY_SIZE ? (size_t)n : KEY_SIZE - 1};
}

/* Position of the first table with an id ≥ object_id. */
static size_t table_position(const Catalog *c, int32_t object_id) {
    size_t low = 0, high = c->table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->tables[middle]->object_id < object_id) low = middle + 1;
        else high = middle;
    }
    return low;
}

static Table *table_at(const Catalog *c, int32_t object_id) {
    size_t at = table_position(c, object_id);
    return at < c->table_count && c->tables[at]->object_id == object_id ? c->tables[at] : NULL;
}

/* The mutex isn't part of the catalog's value. */
static Catalog *lock(const Catalog *c) {
    Catalog *m = (Catalog *)c;
    (void)pthread_mutex_lock(&m->mutex);
    return m;
}

static void unlock(Catalog *c) {
    (void)pthread_mutex_unlock(&c->mutex);
}

static Database *database_named(const Catalog *c, Str name) {
    for (size_t i = 0; i < c->database_count; i++)
        if (c->databases[i] && str_eq_icase(str_from(c->databases[i]->name), name)) return c->databases[i];
    return NULL;
}

static Database *database_at(const Catalog *c, int32_t id) {
    size_t at = (size_t)id - 1;
    return id >= 1 && at < c->database_count ? c->databases[at] : NULL;
}

const Database *catalog_database(const Catalog *c, Str name) {
    Catalog *m = lock(c);
    const Database *d = database_named(c, name);
    unlock(m);
    return d;
}

const Database *catalog_database_by_id(const Catalog *c, int32_t id) {
    Catalog *m = lock(c);
    const Database *d = database_at(c, id);
    unlock(m);
    return d;
}

const Table *catalog_table(const Catalog *c, int32_t database_id, int32_t schema_id, Str name) {
    char buf[KEY_SIZE];
    Str key = table_key(buf, database_id, schema_id, name);
    Catalog *m = lock(c);
    const Table *t = strmap_get(c->table_names, key);
    unlock(m);
    return t;
}

const Table *catalog_table_by_id(const Catalog *c, int32_t object_id) {
    Catalog *m = lock(c);
    const Table *t = table_at(c, object_id);
    unlock(m);
    return t;
}

static Login **login_slot(const Catalog *c, Str name) {
    for (size_t i = 0; i < c->login_count; i++)
        if (c->logins[i] && str_eq_icase(str_from(c->logins[i]->name), name)) return &c->logins[i];
    return NULL;
}

const Login *catalog_login(const Catalog *c, Str name) {
    Catalog *m = lock(c);
    Login **slot = login_slot(c, name);
    const Login *l = slot ? *slot : NULL;
    unlock(m);
    return l;
}

const Database *catalog_next_database(const Catalog *c, int32_t *at) {
    Catalog *m = lock(c);
    const Database *d = NULL;
    while (!d && (size_t)*at < c->database_count) d = c->databases[(*at)++];
    unlock(m);
    return d;
}

const Table *catalog_next_table(const Catalog *c, int32_t database_id, int32_t *at) {
    Catalog *m = lock(c);
    const Table *found = NULL;
    for (size_t i = table_position(c, *at); i < c->table_count && !found; i++)
        if (!database_id || c->tables[i]->database_id == database_id) found = c->tables[i];
    if (found) *at = found->object_id + 1;
    unlock(m);
    return found;
}

const Login *catalog_next_login(const Catalog *c, size_t *at) {
    Catalog *m = lock(c);
    const Login *l = NULL;
    while (!l && *at < c->login_count) l = c->logins[(*at)++];
    unlock(m);
    return l;
}

static bool points_to(const Table *t, int32_t object_id) {
    for (size_t k = 0; k < t->foreign_key_count; k++)
        if (t->foreign_keys[k].referenced_id == object_id) return true;
    return false;
}

const Table *catalog_next_referencing(const Catalog *c, int32_t object_id, int32_t *at) {
    Catalog *m = lock(c);
    const Table *found = NULL;
    for (size_t i = table_position(c, *at); i < c->table_count && !found; i++)
        if (points_to(c->tables[i], object_id)) found = c->tables[i];
    if (found) *at = found->object_id + 1;
    unlock(m);
    return found;
}

/* ---- changes */

int32_t catalog_new_object_id(Catalog *c) {
    return atomic_fetch_add(&c->next_object_id, 1);
}

static bool save_counter(Catalog *c, struct sqlite3 *db, SqlError *e) {
    return catalog_save_row(db, "INSERT OR REPLACE INTO m_meta(value, key) VALUES (?1, 'next_object_id')",
                            atomic_load(&c->next_object_id), (Str){0}, NULL, e);
}

static void put_table(Catalog *c, Table *t) {
    char buf[KEY_SIZE];
    size_t at = table_position(c, t->object_id);
    if (at < c->table_count && c->tables[at]->object_id == t->object_id) {
        Table *old = c->tables[at];
        (void)strmap_del(c->table_names,
                         table_key(buf, old->database_id, old->schema_id, str_from(old->name)));
        retire(c, old, NULL, NULL);
        c->tables[at] = t;
    } else {
        if (c->table_count == c->table_cap) {
            c->table_cap = c->table_cap ? c->table_cap * 2 : 64;
            c->tables = x_reallocarray(c->tables, c->table_cap, sizeof *c->tables);
        }
        memmove(&c->tables[at + 1], &c->tables[at], (c->table_count - at) * sizeof *c->tables);
        c->tables[at] = t;
        c->table_count++;
    }
    (void)strmap_set(c->table_names, table_key(buf, t->database_id, t->schema_id, str_from(t->name)), t);
}

bool catalog_publish_table(Catalog *c, struct sqlite3 *db, Table *t, SqlError *e) {
    CLEANUP(buf_done) Buf body = {0};
    catalog_save_table(t, &body);
    if (!catalog_save_row(db, "INSERT OR REPLACE INTO m_table(id, name, body) VALUES (?1, ?2, ?3)",
                          t->object_id, str_from(t->name), &body, e) ||
        !save_counter(c, db, e)) {
        (void)table_free(t);
        return false;
    }
    Catalog *m = lock(c);
    t->version = atomic_fetch_add(&c->version, 1) + 1;
    put_table(c, t);
    sweep(c);
    unlock(m);
    return true;
}

bool catalog_drop_table(Catalog *c, struct sqlite3 *db, int32_t object_id, SqlError *e) {
    if (!catalog_save_row(db, "DELETE FROM m_table WHERE id = ?1", object_id, (Str){0}, NULL, e))
        return false;
    char buf[KEY_SIZE];
    Catalog *m = lock(c);
    size_t at = table_position(c, object_id);
    if (at < c->table_count && c->tables[at]->object_id == object_id) {
        Table *t = c->tables[at];
        (void)atomic_fetch_add(&c->version, 1);
        (void)strmap_del(c->table_names, table_key(buf, t->database_id, t->schema_id, str_from(t->name)));
        memmove(&c->tables[at], &c->tables[at + 1], (c->table_count - at - 1) * sizeof *c->tables);
        c->table_count--;
        retire(c, t, NULL, NULL);
        sweep(c);
    }
    unlock(m);
    return true;
}

static void put_database(Catalog *c, Database *d) {
    size_t at = (size_t)d->id - 1;
    if (at >= c->database_count) {
        c->databases = x_reallocarray(c->databases, at + 1, sizeof *c->databases);
        while (c->database_count <= at) c->databases[c->database_count++] = NULL;
    }
    retire(c, NULL, c->databases[at], NULL);
    c->databases[at] = d;
}

bool catalog_publish_database(Catalog *c, struct sqlite3 *db, Database *d, SqlError *e) {
    CLEANUP(buf_done) Buf body = {0};
    catalog_save_database(d, &body);
    if (!catalog_save_row(db, "INSERT OR REPLACE INTO m_database(id, name, body) VALUES (?1, ?2, ?3)", d->id,
                          str_from(d->name), &body, e)) {
        (void)database_free(d);
        return false;
    }
    Catalog *m = lock(c);
    d->version = atomic_fetch_add(&c->version, 1) + 1;
    put_database(c, d);
    sweep(c);
    unlock(m);
    return true;
}

typedef struct FixedPrincipal {
    int32_t id;
    const char *name, *login;
    PrincipalKind kind;
} FixedPrincipal;

static const FixedPrincipal fixed_principals[] = {
    {CATALOG_PRINCIPAL_PUBLIC, "public", NULL, CATALOG_ROLE},
    {CATALOG_PRINCIPAL_DBO, "dbo", "sa", CATALOG_USER},
    {CATALOG_PRINCIPAL_GUEST, "guest", NULL, CATALOG_USER},
    {3, "INFORMATION_SCHEMA", NULL, CATALOG_USER},
    {CATALOG_PRINCIPAL_SYS, "sys", NULL, CATALOG_USER},
    {CATALOG_PRINCIPAL_DB_OWNER, "db_owner", NULL, CATALOG_ROLE},
    {CATALOG_PRINCIPAL_DB_ACCESSADMIN, "db_accessadmin", NULL, CATALOG_ROLE},
    {CATALOG_PRINCIPAL_DB_SECURITYADMIN, "db_securityadmin", NULL, CATALOG_ROLE},
    {CATALOG_PRINCIPAL_DB_DDLADMIN, "db_ddladmin", NULL, CATALOG_ROLE},
    {CATALOG_PRINCIPAL_DB_BACKUPOPERATOR, "db_backupoperator", NULL, CATALOG_ROLE},
    {CATALOG_PRINCIPAL_DB_DATAREADER, "db_datareader", NULL, CATALOG_ROLE},
    {CATALOG_PRINCIPAL_DB_DATAWRITER, "db_datawriter", NULL, CATALOG_ROLE},
    {CATALOG_PRINCIPAL_DB_DENYDATAREADER, "db_denydatareader", NULL, CATALOG_ROLE},
    {CATALOG_PRINCIPAL_DB_DENYDATAWRITER, "db_denydatawriter", NULL, CATALOG_ROLE},
};

static Database *new_database(int32_t id, Str name) {
    static const char *const schemas[] = {"dbo", "guest", "INFORMATION_SCHEMA", "sys"}; /* ids 1 … 4 */
    Database *d = x_calloc(1, sizeof *d);
    d->id = id;
    d->name = str_dup(name);
    d->create_us = clock_wall_us();
    d->compatibility_level = 160;
    /* As SQL Server ships them: the two system databases allow snapshot isolation. */
    d->is_snapshot_on = id == CATALOG_MASTER || id == CATALOG_MSDB;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
        database_add_schema(d, str_from(schemas[i]), (int32_t)i + 1)->id = (int32_t)i + 1;
    for (size_t i = 0; i < sizeof fixed_principals / sizeof *fixed_principals; i++) {
        const FixedPrincipal *f = &fixed_principals[i];
        Principal *p = database_add_principal(d, str_from(f->name), f->kind);
        p->id = f->id;
        p->is_fixed = true;
        p->login = f->login ? x_strdup(f->login) : NULL;
    }
    principal_set_member(&d->principals[1], CATALOG_PRINCIPAL_DB_OWNER, true);
    return d;
}

bool catalog_create_database(Catalog *c, struct sqlite3 *db, Str name, SqlError *e) {
    Catalog *m = lock(c);
    int32_t id = CATALOG_FIRST_USER_DATABASE;
    while (database_at(c, id)) id++;
    unlock(m);
    return catalog_publish_database(c, db, new_database(id, name), e);
}

bool catalog_drop_database(Catalog *c, struct sqlite3 *db, int32_t id, SqlError *e) {
    if (!catalog_save_row(db, "DELETE FROM m_database WHERE id = ?1", id, (Str){0}, NULL, e)) return false;
    Catalog *m = lock(c);
    Database *d = database_at(c, id);
    if (d) {
        (void)atomic_fetch_add(&c->version, 1);
        c->databases[id - 1] = NULL;
        retire(c, NULL, d, NULL);
        sweep(c);
    }
    unlock(m);
    return true;
}

/* ---- logins: a test server's passwords are no secret */

static void put_login(Catalog *c, Login *l) {
    Login **slot = login_slot(c, str_from(l->name));
    if (slot) {
        retire(c, NULL, NULL, *slot);
        *slot = l;
        return;
    }
    c->logins = x_reallocarray(c->logins, c->login_count + 1, sizeof(Login *));
    c->logins[c->login_count++] = l;
}

static int32_t free_login_id(const Catalog *c) {
    int32_t id = CATALOG_FIRST_LOGIN;
    for (size_t i = 0; i < c->login_count; i++)
        if (c->logins[i] && c->logins[i]->id >= id) id = c->logins[i]->id + 1;
    return id;
}

bool catalog_set_login(Catalog *c, struct sqlite3 *db, const Login *l, SqlError *e) {
    CLEANUP(buf_done) Buf body = {0};
    Login *n = login_copy(l);
    Catalog *m = lock(c);
    if (!n->id) n->id = free_login_id(c);
    unlock(m);
    n->modify_us = clock_wall_us();
    if (!n->create_us) n->create_us = n->modify_us;
    n->is_sysadmin = n->roles & PERMISSION_ROLE_SYSADMIN;
    catalog_save_login(n, &body);
    if (!catalog_save_row(db, "INSERT OR REPLACE INTO m_login(id, name, body) VALUES (?1, ?2, ?3)", n->id,
                          str_from(n->name), &body, e)) {
        (void)login_free(n);
        return false;
    }
    m = lock(c);
    (void)atomic_fetch_add(&c->version, 1);
    put_login(c, n);
    unlock(m);
    return true;
}

bool catalog_drop_login(Catalog *c, struct sqlite3 *db, Str name, SqlError *e) {
    if (!catalog_save_row(db, "DELETE FROM m_login WHERE ?1 IS NOT NULL AND name = ?2", 0, name, NULL, e))
        return false;
    Catalog *m = lock(c);
    Login **slot = login_slot(c, name);
    if (slot) {
        (void)atomic_fetch_add(&c->version, 1);
        retire(c, NULL, NULL, *slot);
        *slot = NULL;
    }
    unlock(m);
    return true;
}

/* ---- life */

static bool load_rows(Catalog *c, struct sqlite3 *db, const char *sql,
                      bool (*load)(Catalog *c, sqlite3_stmt *st), SqlError *e) {
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK;
    int rc = SQLITE_DONE;
    while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW) ok = load(c, st);
    (void)sqlite3_finalize(st);
    if (!ok)
        return sql_error_set(e, 5173, 16, 1, "The catalog was written by another version of this server.");
    return rc == SQLITE_DONE || sql_error_set(e, 5173, 16, 1, "The catalog could not be read.");
}

static Str column_bytes(sqlite3_stmt *st, int i) {
    return (Str){sqlite3_column_blob(st, i), (size_t)sqlite3_column_bytes(st, i)};
}

static bool load_table(Catalog *c, sqlite3_stmt *st) {
    Table *t = catalog_load_table(column_bytes(st, 0));
    if (!t) return false;
    t->version = 1;
    put_table(c, t);
    return true;
}

static bool load_database(Catalog *c, sqlite3_stmt *st) {
    Database *d = catalog_load_database(column_bytes(st, 0));
    if (!d) return false;
    d->version = 1;
    put_database(c, d);
    return true;
}

static bool load_login(Catalog *c, sqlite3_stmt *st) {
    Login *l = catalog_load_login(column_bytes(st, 0));
    if (l) put_login(c, l);
    return l != NULL;
}

static bool load_counter(Catalog *c, sqlite3_stmt *st) {
    atomic_store(&c->next_object_id, sqlite3_column_int(st, 0));
    return true;
}

static bool create_system_databases(Catalog *c, struct sqlite3 *db, SqlError *e) {
    static const char *const names[] = {"master", "tempdb", "model", "msdb"}; /* ids 1 … 4 */
    for (int32_t i = 0; i < (int32_t)(sizeof names / sizeof *names); i++)
        if (!database_at(c, i + 1) &&
            !catalog_publish_database(c, db, new_database(i + 1, str_from(names[i])), e))
            return false;
    return true;
}

bool catalog_open(struct sqlite3 *db, Catalog **ret, SqlError *e) {
    Catalog *c = x_calloc(1, sizeof *c);
    (void)pthread_mutex_init(&c->mutex, NULL);
    atomic_store(&c->version, 1);
    atomic_store(&c->next_object_id, FIRST_OBJECT_ID);
    c->table_names = strmap_new(/* ignore_case= */ true);
    static const char schema[] =
        "CREATE TABLE IF NOT EXISTS m_meta(key TEXT PRIMARY KEY, value);"
        "CREATE TABLE IF NOT EXISTS m_table(id INTEGER PRIMARY KEY, name, body);"
        "CREATE TABLE IF NOT EXISTS m_database(id INTEGER PRIMARY KEY, name, body);"
        "CREATE TABLE IF NOT EXISTS m_login(name TEXT COLLATE NOCASE PRIMARY KEY, id, "
        "body);";
    bool ok = sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK ||
              sql_error_set(e, 5123, 16, 1, "The catalog could not be made: %s", sqlite3_errmsg(db));
    ok = ok && load_rows(c, db, "SELECT value FROM m_meta WHERE key = 'next_object_id'", load_counter, e) &&
         load_rows(c, db, "SELECT body FROM m_database ORDER BY id", load_database, e) &&
         load_rows(c, db, "SELECT body FROM m_table ORDER BY id", load_table, e) &&
         load_rows(c, db, "SELECT body FROM m_login ORDER BY id", load_login, e) &&
         create_system_databases(c, db, e);
    if (!ok) {
        (void)catalog_close(c);
        return false;
    }
    *ret = c;
    return true;
}

Catalog *catalog_close(Catalog *c) {
    if (!c) return NULL;
    assert(!c->pins);
    sweep(c);
    for (size_t i = 0; i < c->table_count; i++) (void)table_free(c->tables[i]);
    for (size_t i = 0; i < c->database_count; i++) (void)database_free(c->databases[i]);
    for (size_t i = 0; i < c->login_count; i++) retire(c, NULL, NULL, c->logins[i]);
    sweep(c);
    free(c->tables);
    free(c->databases);
    free(c->logins);
    c->table_names = strmap_free(c->table_names);
    (void)pthread_mutex_destroy(&c->mutex);
    free(c);
    return NULL;
}
