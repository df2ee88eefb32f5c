#include "postgres/extras_pg.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

bool extras_pg_names(PgConn *c, uint32_t table_oid, TextList *ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char oid[12];
    (void)snprintf(oid, sizeof oid, "%u", (unsigned)table_oid);
    if (!pgconn_query(c,
                      "SELECT conname FROM pg_catalog.pg_constraint WHERE conrelid = $1::oid UNION"
                      " SELECT i.relname FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid ="
                      " x.indexrelid WHERE x.indrelid = $1::oid",
                      (const char *[]){oid}, 1, &r, e))
        return false;
    for (int i = 0; i < PQntuples(r); i++) textlist_add(ret, str_from(PQgetvalue(r, i, 0)));
    return true;
}

/* What it stands at can be read from the sequence only, as from a table. */
static bool read_state(PgConn *c, ExtrasPgSequence *s, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SELECT last_value, is_called FROM %s", s->name);
    if (!pgconn_query(c, buf_text(&sql), NULL, 0, &r, e)) return false;
    s->last = x_strdup(PQgetvalue(r, 0, 0));
    s->is_called = PQgetvalue(r, 0, 1)[0] == 't';
    return true;
}

bool extras_pg_sequence(PgConn *c, const char *table, const char *column, ExtrasPgSequence *ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    ExtrasPgSequence s = {0};
    if (!pgconn_query(c,
                      "SELECT n.name, q.seqincrement FROM pg_get_serial_sequence($1, $2) AS n(name)"
                      " JOIN pg_catalog.pg_sequence q ON q.seqrelid = n.name::regclass",
                      (const char *[]){table, column}, 2, &r, e))
        return false;
    if (PQntuples(r) > 0) {
        s.name = x_strdup(PQgetvalue(r, 0, 0));
        s.increment = x_strdup(PQgetvalue(r, 0, 1));
        if (!read_state(c, &s, e)) {
            extras_pg_sequence_done(&s);
            return false;
        }
    }
    *ret = s;
    return true;
}

void extras_pg_sequence_done(ExtrasPgSequence *s) {
    free(s->name);
    free(s->increment);
    free(s->last);
    *s = (ExtrasPgSequence){0};
}
