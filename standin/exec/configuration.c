#include "standin/exec/configuration.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

static const ConfigurationOption OPTIONS[] = {
    {16384, "Agent XPs", 1, 0, 1, "Enable or disable Agent XPs", true, true},
    {CONFIGURATION_CLR_ENABLED, "clr enabled", 0, 0, 1, "CLR user code execution enabled in the server",
     false, false},
    {124, "default language", 0, 0, 9999, "default language", false, true},
    {CONFIGURATION_MAX_TEXT_REPL_SIZE, "max text repl size (B)", 65536, -1, INT32_MAX,
     "Maximum size of a text field in replication.", false, false},
    {115, "nested triggers", 1, 0, 1, "Allow triggers to be invoked within triggers", false, true},
    {101, "recovery interval (min)", 0, 0, 32767, "Maximum recovery interval in minutes", true, true},
    {117, "remote access", 1, 0, 1, "Allow remote access", false, true},
    {CONFIGURATION_SHOW_ADVANCED, "show advanced options", 0, 0, 1, "show advanced options", false, false},
};
enum { OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS };

struct Configuration {
    _Atomic int32_t set[OPTION_COUNT], in_use[OPTION_COUNT];
};

Configuration *configuration_new(void) {
    Configuration *c = x_calloc(1, sizeof *c);
    for (size_t i = 0; i < OPTION_COUNT; i++) c->set[i] = c->in_use[i] = OPTIONS[i].standard;
    return c;
}

Configuration *configuration_free(Configuration *c) {
    free(c);
    return NULL;
}

static size_t index_of(int32_t id) {
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (OPTIONS[i].id == id) return i;
    assert(!"an option that is there");
    return 0;
}

const ConfigurationOption *configuration_option(size_t i) {
    return i < OPTION_COUNT ? &OPTIONS[i] : NULL;
}

int32_t configuration_value(const Configuration *c, int32_t id) {
    return c->set[index_of(id)];
}

int32_t configuration_in_use(const Configuration *c, int32_t id) {
    return c->in_use[index_of(id)];
}

const ConfigurationOption *configuration_find(const Configuration *c, Str name, SqlError *e) {
    const ConfigurationOption *found = NULL;
    bool is_several = false, shows_advanced = configuration_in_use(c, CONFIGURATION_SHOW_ADVANCED) != 0;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const ConfigurationOption *o = &OPTIONS[i];
        Str whole = str_from(o->name);
        if (!str_eq_icase(str_sub(whole, 0, name.n), name) || (o->is_advanced && !shows_advanced)) continue;
        if (whole.n == name.n) return o;
        is_several = is_several || found;
        found = o;
    }
    if (is_several)
        (void)sql_error_set(e, 15124, 16, 1, "The configuration option '" STR_FMT "' is not unique.",
                            STR_ARG(name));
    else if (!found)
        (void)sql_error_set(e, 15123, 16, 1,
                            "The configuration option '" STR_FMT
                            "' does not exist, or it may be an advanced option.",
                            STR_ARG(name));
    return is_several ? NULL : found;
}

bool configuration_set(Configuration *c, const ConfigurationOption *o, int64_t value, SqlError *e) {
    if (value < o->minimum || value > o->maximum)
        return sql_error_set(e, 15129, 16, 1, "'%lld' is not a valid value for configuration option '%s'.",
                             (long long)value, o->name);
    if (o->is_fixed && value != o->standard)
        return sql_error_set(e, 40517, 16, 1,
                             "Configuration option '%s' has only the value %d on this server.", o->name,
                             o->standard);
    c->set[o - OPTIONS] = (int32_t)value;
    return true;
}

/* ---- kept in the storage: rows of m_meta, the key "option <id>" */

static bool read_all(Configuration *c, struct sqlite3 *db) {
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, "SELECT value FROM m_meta WHERE key = 'option ' || ?1", -1, &st, NULL) !=
        SQLITE_OK)
        return false;
    int rc = SQLITE_DONE;
    for (size_t i = 0; i < OPTION_COUNT && (rc == SQLITE_DONE || rc == SQLITE_ROW); i++) {
        (void)sqlite3_bind_int(st, 1, OPTIONS[i].id);
        rc = sqlite3_step(st);
        if (rc == SQLITE_ROW) c->set[i] = c->in_use[i] = sqlite3_column_int(st, 0);
        (void)sqlite3_reset(st);
    }
    return sqlite3_finalize(st) == SQLITE_OK && (rc == SQLITE_DONE || rc == SQLITE_ROW);
}

bool configuration_load(Configuration *c, Store *store, Err *e) {
    struct sqlite3 *db = store_connect(store, e);
    if (!db) return false;
    bool ok = read_all(c, db) || err_set(e, ERR_IO, false, "options: %s", sqlite3_errmsg(db));
    store_disconnect(db);
    return ok;
}

static bool write_all(const Configuration *c, struct sqlite3 *db) {
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO m_meta(key, value) VALUES('option ' || ?1, ?2)", -1,
                           &st, NULL) != SQLITE_OK)
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < OPTION_COUNT; i++) {
        (void)sqlite3_bind_int(st, 1, OPTIONS[i].id);
        (void)sqlite3_bind_int(st, 2, c->in_use[i]);
        ok = sqlite3_step(st) == SQLITE_DONE;
        (void)sqlite3_reset(st);
    }
    return sqlite3_finalize(st) == SQLITE_OK && ok;
}

bool configuration_install(Configuration *c, Store *store, struct sqlite3 *db, SqlError *e) {
    for (size_t i = 0; i < OPTION_COUNT; i++) c->in_use[i] = c->set[i];
    if (!store_write_begin(store, db, e)) return false;
    if (write_all(c, db)) return store_write_commit(store, db, e);
    (void)store_sqlite_error(db, "keep options", e);
    store_write_rollback(store, db);
    return false;
}
