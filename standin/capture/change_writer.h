/*
 * change_writer.h - turns changes of the log into rows of one instance's change table: which columns, the
 * update mask, one row or two. One connection, inside the store's write transaction; the capture's thread
 * only.
 */
#ifndef STANDIN_CAPTURE_CHANGE_WRITER_H
#define STANDIN_CAPTURE_CHANGE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/capture/instance.h"
#include "standin/store/log.h"

struct sqlite3;
typedef struct ChangeWriter ChangeWriter;

/* table: the change table, its columns as instance says. Copies what it needs of both. NULL: *e says why. */
ChangeWriter *change_writer_new(struct sqlite3 *db, const Table *table, const Instance *instance,
                                SqlError *e);
ChangeWriter *change_writer_free(ChangeWriter *w); /* returns NULL */
/* Was it made for this very version of the table? */
bool change_writer_fits(const ChangeWriter *w, const Table *table);
/* Is that still the catalog's version of it? The catalog is pinned. */
bool change_writer_is_current(const ChangeWriter *w, const Catalog *c);
/* A transaction begins: the __$start_lsn of the rows to come. */
void change_writer_begin(ChangeWriter *w, const LogLsn *commit_lsn);
/* Write an insert, delete or update. *ret_rows: 1, 2, or 0 when the change touched no captured column. False:
 * *e has the error (2628, 8115 … when a value doesn't fit the change table's column). */
MUST_CHECK bool change_writer_write(ChangeWriter *w, const LogChange *change, int32_t command_id,
                                    uint32_t *ret_rows, SqlError *e);
/* After the commit: let the table's row count know. */
void change_writer_committed(ChangeWriter *w);
void change_writer_rolled_back(ChangeWriter *w);

#endif
