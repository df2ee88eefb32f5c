/*
 * log_internal.h - the log's form in SQLite, shared by log_writer.c and log_reader.c.
 *
 * Table m_log(id INTEGER PRIMARY KEY, lsn, body). A transaction is one row with its commit LSN, whose body is
 * a header and the first piece of its records, then rows with lsn NULL that go on with the records; ids are
 * in commit order. Records may cross pieces. Numbers are little endian: header   begin_lsn 10, begin_us 8,
 * commit_us 8, id 8, database_id 4, change_count 8 layout   'L' object_id 4, count 2, then count × (column_id
 * 4, type 9); takes the next layout number change   'I' 'D' 'U', lsn 10, command_id 4, layout 2, values of
 * before ('D', 'U'), values of after ('I', 'U') value    kind 1, then nothing, 8 bytes, or a 4-byte length
 * and bytes ddl      'A' lsn 10, object_id 4, flags 1, altered column 4, length 4, text
 */
#ifndef STANDIN_STORE_LOG_INTERNAL_H
#define STANDIN_STORE_LOG_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "standin/store/log.h"

enum {
    LOG_HEADER_BYTES = LOG_LSN_BYTES + 8 + 8 + 8 + 4 + 8,
    LOG_PIECE_BYTES = 256 * 1024,
    LOG_MAX_LAYOUTS = 65535,
    LOG_DDL_DROP = 2,
};

struct Log {
    uint32_t file;          /* virtual log file: one a server start */
    atomic_ullong position; /* within it */
    int64_t next_id;        /* of m_log; writer mutex */
    char *directory;
    atomic_ullong commits;
    atomic_ullong unread;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    uint64_t wakes; /* under the mutex */
};

#endif
