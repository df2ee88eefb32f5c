/* CREATE, ALTER, DROP DATABASE and SCHEMA. */
#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/ddl_internal.h"
#include "standin/types/collation.h"

static bool may_create(Session *s, SqlError *e) {
    return authority_server_may(s, PERMISSION_CREATE_ANY_DATABASE) ||
           sql_error_set(e, 262, 14, 1, "CREATE DATABASE permission denied in database 'master'.");
}

static bool refuse_in_transaction(Session *s, const char *what, SqlError *e) {
    return !txn_count(s->txn) ||
           sql_error_set(e, 226, 16, 6, "%s statement not allowed within multi-statement transaction.", what);
}

static bool create_database(Session *s, const AstDatabase *a, SqlError *e) {
    if (!may_create(s, e) || !refuse_in_transaction(s, "CREATE DATABASE", e)) return false;
    if (catalog_database(session_catalog(s), a->name))
        return sql_error_set(e, 1801, 16, 3,
                             "Database '" STR_FMT "' already exists. Choose a different database name.",
                             STR_ARG(a->name));
    uint16_t collation = a->collation.n ? collation_by_name(a->collation) : COLLATION_DEFAULT;
    if (collation == COLLATION_NONE)
        return sql_error_set(e, 448, 16, 3, "Invalid collation '" STR_FMT "'.", STR_ARG(a->collation));
    Store *store = server_store(s->server);
    if (!store_write_begin(store, s->db, e)) return false;
    bool ok = catalog_create_database(session_catalog(s), s->db, a->name, e);
    const Database *d = ok ? catalog_database(session_catalog(s), a->name) : NULL;
    bool is_sas = str_eq_icase(str_from(s->login), STR_LIT("sa"));
    if (d && (collation || !is_sas)) {
        Database *now = database_copy(d);
        now->collation = collation;
        Principal *dbo = (Principal *)database_principal_by_id(now, CATALOG_PRINCIPAL_DBO);
        free(dbo->login);
        dbo->login = x_strdup(s->login); /* its owner */
        ok = catalog_publish_database(session_catalog(s), s->db, now, e);
    }
    if (ok) return store_write_commit(store, s->db, e);
    store_write_rollback(store, s->db);
    return false;
}

/* ---- ALTER DATABASE … SET */

static bool is_on(Str value) {
    return str_eq_icase(value, STR_LIT("ON"));
}

static bool set_option(Database *d, const AstDatabaseOption *o, SqlError *e) {
    static const char *const without_effect[] = {"RECOVERY",
                                                 "AUTO_CLOSE",
                                                 "AUTO_SHRINK",
                                                 "AUTO_CREATE_STATISTICS",
                                                 "AUTO_UPDATE_STATISTICS",
                                                 "PAGE_VERIFY",
                                                 "MULTI_USER",
                                                 "SINGLE_USER",
                                                 "RESTRICTED_USER",
                                                 "READ_WRITE",
                                                 "ANSI_NULLS",
                                                 "ANSI_NULL_DEFAULT",
                                                 "ANSI_PADDING",
                                                 "ANSI_WARNINGS",
                                                 "ARITHABORT",
                                                 "QUOTED_IDENTIFIER",
                                                 "RECURSIVE_TRIGGERS",
                                                 "CURSOR_CLOSE_ON_COMMIT",
                                                 "TRUSTWORTHY",
                                                 "QUERY_STORE",
                                                 "DELAYED_DURABILITY",
                                                 "TARGET_RECOVERY_TIME",
                                                 "ACCELERATED_DATABASE_RECOVERY",
                                                 "ENABLE_BROKER",
                                                 "DISABLE_BROKER"};
    if (str_eq_icase(o->name, STR_LIT("ALLOW_SNAPSHOT_ISOLATION"))) {
        d->is_snapshot_on = is_on(o->value);
        return true;
    }
    if (str_eq_icase(o->name, STR_LIT("READ_COMMITTED_SNAPSHOT"))) {
        d->is_read_committed_snapshot_on = is_on(o->value);
        return true;
    }
    if (str_eq_icase(o->name, STR_LIT("COMPATIBILITY_LEVEL"))) {
        Err ignored;
        int64_t level;
        if (!str_to_i64(o->value, 100, 170, &level, &ignored))
            return sql_error_set(e, 15048, 16, 1,
                                 "Valid values of the database compatibility level are 100 to 170.");
        d->compatibility_level = (int32_t)level;
        return true;
    }
    for (size_t i = 0; i < sizeof without_effect / sizeof *without_effect; i++)
        if (str_eq_icase(o->name, str_from(without_effect[i]))) return true;
    return sql_error_set(e, 40517, 16, 1, "The database option '" STR_FMT "' isn't supported by this server.",
                         STR_ARG(o->name));
}

/* Columns without a collation of their own got the database's when they were made. */
static bool set_collation(Session *s, Database *d, Str name, SqlError *e) {
    uint16_t wanted = collation_by_name(name);
    int32_t at = 0;
    if (wanted == COLLATION_NONE)
        return sql_error_set(e, 448, 16, 3, "Invalid collation '" STR_FMT "'.", STR_ARG(name));
    if (wanted != d->collation && catalog_next_table(session_catalog(s), d->id, &at))
        return sql_error_set(
            e, 40517, 16, 1,
            "ALTER DATABASE COLLATE of a database that has tables isn't supported by this server.");
    d->collation = wanted;
    return true;
}

static bool alter_database(Session *s, const AstDatabase *a, SqlError *e) {
    const Database *d = session_database_named(s, a->name, e);
    if (!d || !ddl_may(s, d, NULL, "ALTER DATABASE", e) || !refuse_in_transaction(s, "ALTER DATABASE", e))
        return false;
    Database *now = database_copy(d);
    bool ok = true;
    for (size_t i = 0; ok && i < a->option_count; i++) ok = set_option(now, &a->options[i], e);
    if (ok && a->new_name.n) {
        if (catalog_database(session_catalog(s), a->new_name)) {
            ok = sql_error_set(e, 1801, 16, 3,
                               "Database '" STR_FMT "' already exists. Choose a different database name.",
                               STR_ARG(a->new_name));
        } else {
            free(now->name);
            now->name = str_dup(a->new_name);
        }
    }
    if (ok && a->collation.n) ok = set_collation(s, now, a->collation, e);
    if (!ok) {
        (void)database_free(now);
        return false;
    }
    return session_publish_database(s, now, e);
}

/* ---- DROP DATABASE */

static bool drop_database(Session *s, Str name, bool if_exists, SqlError *e) {
    const Database *d = catalog_database(session_catalog(s), name);
    if (!d && if_exists) return true;
    if (!d)
        return sql_error_set(e, 3701, 11, 1,
                             "Cannot drop the database '" STR_FMT
                             "', because it does not exist or you do not have "
                             "permission.",
                             STR_ARG(name));
    if (d->id <= CATALOG_MSDB)
        return sql_error_set(e, 3708, 16, 5, "Cannot drop the database '%s' because it is a system database.",
                             d->name);
    if (d->id == s->database_id || server_database_in_use(s->server, d->id))
        return sql_error_set(e, 3702, 16, 4, "Cannot drop database \"%s\" because it is currently in use.",
                             d->name);
    if (!ddl_may(s, d, NULL, "DROP DATABASE", e)) return false;
    int32_t id = d->id, at = 0;
    if (!server_drop_database(s->server, s, id, e)) return false;
    for (const Table *t; (t = catalog_next_table(session_catalog(s), id, &at));)
        if (!session_drop_table(s, t->object_id, e)) return false;
    Store *store = server_store(s->server);
    if (!store_write_begin(store, s->db, e)) return false;
    if (catalog_drop_database(session_catalog(s), s->db, id, e)) return store_write_commit(store, s->db, e);
    store_write_rollback(store, s->db);
    return false;
}

bool ddl_database(Session *s, const AstStmt *st, SqlError *e) {
    if (st->kind == STMT_CREATE_DATABASE) return create_database(s, &st->u.database, e);
    if (st->kind == STMT_ALTER_DATABASE) return alter_database(s, &st->u.database, e);
    if (!refuse_in_transaction(s, "DROP DATABASE", e)) return false;
    for (size_t i = 0; i < st->u.drop.count; i++)
        if (!drop_database(s, st->u.drop.names[i].name, st->u.drop.if_exists, e)) return false;
    return true;
}

/* ---- schemas */

static bool create_schema(Session *s, Str name, Str owner, SqlError *e) {
    const Database *d = session_current_database(s);
    if (!ddl_may(s, d, NULL, "CREATE SCHEMA", e)) return false;
    if (database_schema(d, name))
        return sql_error_set(
            e, 2714, 16, 6, "There is already an object named '" STR_FMT "' in the database.", STR_ARG(name));
    const Principal *p =
        owner.n ? database_principal(d, owner) : database_principal_by_id(d, CATALOG_PRINCIPAL_DBO);
    if (!p)
        return sql_error_set(e, 15151, 16, 1,
                             "Cannot find the user '" STR_FMT
                             "', because it does not exist or you do not have "
                             "permission.",
                             STR_ARG(owner));
    Database *now = database_copy(d);
    (void)database_add_schema(now, name, p->id);
    return session_publish_database(s, now, e);
}

static bool drop_schema(Session *s, Str name, bool if_exists, SqlError *e) {
    const Database *d = session_current_database(s);
    const Schema *schema = database_schema(d, name);
    if (!schema && if_exists) return true;
    if (!schema || schema->id < CATALOG_FIRST_USER_SCHEMA)
        return sql_error_set(e, 15151, 16, 1,
                             "Cannot drop the schema '" STR_FMT
                             "', because it does not exist or you do not have "
                             "permission.",
                             STR_ARG(name));
    if (!ddl_may(s, d, NULL, "DROP SCHEMA", e)) return false;
    int32_t at = 0;
    for (const Table *t; (t = catalog_next_table(session_catalog(s), d->id, &at));)
        if (t->schema_id == schema->id)
            return sql_error_set(e, 3729, 16, 1,
                                 "Cannot drop schema '" STR_FMT
                                 "' because it is being referenced by object '%s'.",
                                 STR_ARG(name), t->name);
    Database *now = database_copy(d);
    database_drop_schema(now, schema->id);
    return session_publish_database(s, now, e);
}

bool ddl_schema(Session *s, const AstStmt *st, SqlError *e) {
    if (st->kind == STMT_CREATE_SCHEMA) return create_schema(s, st->u.schema.name, st->u.schema.owner, e);
    for (size_t i = 0; i < st->u.drop.count; i++)
        if (!drop_schema(s, st->u.drop.names[i].name, st->u.drop.if_exists, e)) return false;
    return true;
}
