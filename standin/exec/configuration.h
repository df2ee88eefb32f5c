/*
 * configuration.h - the server's options, as sys.configurations shows them and sp_configure sets them: a
 * value that was set is in use from RECONFIGURE on. Kept in the storage. Any thread.
 */
#ifndef STANDIN_EXEC_CONFIGURATION_H
#define STANDIN_EXEC_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "standin/store/sql_error.h"
#include "standin/store/store.h"

typedef enum ConfigurationId {
    CONFIGURATION_SHOW_ADVANCED = 518,
    CONFIGURATION_MAX_TEXT_REPL_SIZE = 1536, /* bytes; -1 = no limit */
    CONFIGURATION_CLR_ENABLED = 1562,
} ConfigurationId;

typedef struct ConfigurationOption {
    int32_t id;
    const char *name;
    int32_t standard, minimum, maximum;
    const char *description;
    bool is_advanced;
    bool is_fixed; /* nothing here depends on it: only its standard value can be set */
} ConfigurationOption;

typedef struct Configuration Configuration;

Configuration *configuration_new(void);
Configuration *configuration_free(Configuration *c); /* returns NULL */
/* Read what was kept. Errors: ERR_IO. */
MUST_CHECK bool configuration_load(Configuration *c, Store *store, Err *e);

const ConfigurationOption *configuration_option(size_t i); /* by name; NULL: no more */
/* By name or the beginning of one, any letter case. NULL: *e is 15123 (none), 15124 (several) or, for an
 * advanced one that isn't shown, 15123. */
const ConfigurationOption *configuration_find(const Configuration *c, Str name, SqlError *e);
int32_t configuration_value(const Configuration *c, int32_t id); /* as set */
int32_t configuration_in_use(const Configuration *c, int32_t id);
/* 15129: not a value for it. */
MUST_CHECK bool configuration_set(Configuration *c, const ConfigurationOption *o, int64_t value, SqlError *e);
/* RECONFIGURE. db: a connection with no write transaction open. */
MUST_CHECK bool configuration_install(Configuration *c, Store *store, struct sqlite3 *db, SqlError *e);

#endif
