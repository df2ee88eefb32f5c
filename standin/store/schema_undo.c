/* m_undo(note, owner, kind, id, name, body, sql): name and body are the catalog row's, NULL when there was
 * none. */
#include "standin/store/schema_undo.h"

#include <sqlite3.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "standin/store/catalog_save.h"

static const char *rows_of(SchemaObject kind) {
    return kind == SCHEMA_TABLE ? "m_table" : "m_database";
}

static bool failed(struct sqlite3 *db, SqlError *e) {
    return sql_error_set(e, 823, 24, 3, "The schema changes of open transactions can't be kept: %s",
                         sqlite3_errmsg(db));
}

bool schemaundo_note(struct sqlite3 *db, int owner, SchemaObject kind, int32_t id, const char *sql,
                     int64_t *ret_note, SqlError *e) {
    const char *catalog = rows_of(kind);
    CLEANUP_FREE char *insert = x_asprintf(
        "INSERT INTO m_undo(owner, kind, id, name, body, sql) SELECT %d, %d, ?1, o.name, o.body, ?2 FROM "
        "(SELECT 1) LEFT JOIN %s AS o ON o.id = ?1",
        owner, (int)kind, catalog);
    Str text = sql ? str_from(sql) : (Str){0};
    if (!catalog_save_row(db, insert, id, text, NULL, e)) return false;
    *ret_note = sqlite3_last_insert_rowid(db);
    return true;
}

bool schemaundo_forget(struct sqlite3 *db, int64_t note, SqlError *e) {
    return !note || catalog_save_row(db, "DELETE FROM m_undo WHERE note = ?1", note, (Str){0}, NULL, e);
}

bool schemaundo_forget_all(struct sqlite3 *db, int owner, SqlError *e) {
    return catalog_save_row(db, "DELETE FROM m_undo WHERE owner = ?1", owner, (Str){0}, NULL, e);
}

/* ---- at the start */

/* The newest note: carry it out. *ret_found: there was one. */
static bool undo_one(struct sqlite3 *db, bool *ret_found, SqlError *e) {
    static const char text[] =
        "SELECT note, kind, id, name IS NULL, coalesce(sql, '') FROM m_undo ORDER BY note "
        "DESC LIMIT 1";
    sqlite3_stmt *st = NULL;
    CLEANUP(buf_done) Buf sql = {0};
    if (sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK) return failed(db, e);
    *ret_found = sqlite3_step(st) == SQLITE_ROW;
    long long note = *ret_found ? sqlite3_column_int64(st, 0) : 0;
    if (*ret_found) {
        const char *catalog = rows_of((SchemaObject)sqlite3_column_int(st, 1));
        long long id = sqlite3_column_int64(st, 2);
        buf_printf(&sql, "%s;", (const char *)sqlite3_column_text(st, 4));
        if (sqlite3_column_int(st, 3)) buf_printf(&sql, "DELETE FROM %s WHERE id = %lld;", catalog, id);
        else
            buf_printf(
                &sql,
                "INSERT OR REPLACE INTO %s(id, name, body) SELECT id, name, body FROM m_undo WHERE note "
                "= %lld;",
                catalog, note);
        buf_printf(&sql, "DELETE FROM m_undo WHERE note = %lld", note);
    }
    (void)sqlite3_finalize(st);
    if (!*ret_found) return true;
    LOG_INFO("schema_change_undone", LOG_I("note", note));
    return sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL) == SQLITE_OK || failed(db, e);
}

bool schemaundo_recover(struct sqlite3 *db, SqlError *e) {
    static const char make[] =
        "CREATE TABLE IF NOT EXISTS m_undo(note INTEGER PRIMARY KEY AUTOINCREMENT, owner, kind, "
        "id, name, body, sql)";
    bool found = true;
    if (sqlite3_exec(db, make, NULL, NULL, NULL) != SQLITE_OK) return failed(db, e);
    while (found) {
        if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) return failed(db, e);
        if (!undo_one(db, &found, e)) {
            (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
            return false;
        }
        if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) return failed(db, e);
    }
    return true;
}
