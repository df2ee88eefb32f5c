/* catalog_save.h - catalog objects as bytes, and their rows in SQLite (m_table, m_database, m_login). The
 * caller's thread; the connection is borrowed. */
#ifndef STANDIN_STORE_CATALOG_SAVE_H
#define STANDIN_STORE_CATALOG_SAVE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "standin/store/catalog.h"

struct sqlite3;

void catalog_save_table(const Table *t, Buf *out);
void catalog_save_database(const Database *d, Buf *out);
void catalog_save_login(const Login *l, Buf *out);
/* NULL: not what catalog_save_… wrote. */
Login *catalog_load_login(Str bytes);
Table *catalog_load_table(Str bytes);
Database *catalog_load_database(Str bytes);

/* Run one statement with up to one id, a text and a blob as ?1 ?2 ?3 (NULL pointers: not bound). */
bool catalog_save_row(struct sqlite3 *db, const char *sql, int64_t id, Str text, const Buf *body,
                      SqlError *e);

#endif
