/*
 * The driver manager is spoken to in UTF-16 only: what the narrow functions do depends on the process's
 * locale. Parameters go as nvarchar, varbinary or float: three conversions to trust in each driver; exact
 * types are made on the server by CAST.
 */
#include "sqlserver/odbc.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf.h"
#include "sqlserver/odbc_diag.h"

enum {
    MAX_DIAGS = 16,
    MESSAGE_UNITS = 1024,
    PIECE_BYTES = 8192,
    PACKET_BYTES =
        16000, /* a sixth cheaper than 4 KiB; with TLS a packet has to fit into a record of 16 KiB */
};

struct Odbc {
    SQLHENV env;
    SQLHDBC dbc;
    SQLHSTMT stmt;
    OdbcDriverKind driver;
    char *driver_name; /* owned */
    int64_t max_value_bytes;
    UnreadableRow unreadable;
    int32_t last_native;
    bool is_connected;
    Buf sql;            /* UTF-16 of the running statement */
    Buf texts;          /* UTF-16 of its parameters: alive until the next */
    uint8_t *row_array; /* owned */
    size_t row_array_bytes;
    SQLLEN *lens;    /* owned; of the parameters: alive until the next */
    double *numbers; /* owned; likewise */
    size_t param_room;
};

/* ---- diagnostics ---- */

/* FreeTDS may say "Unknown error" of a connection that was cut: whether it is dead tells more. Returns false.
 */
static bool note_lost(const Odbc *c, Err *e) {
    SQLUINTEGER dead = SQL_CD_FALSE;
    if (!c->is_connected || e->retriable) return false;
    SQLRETURN rc = SQLGetConnectAttrW(c->dbc, SQL_ATTR_CONNECTION_DEAD, &dead, SQL_IS_UINTEGER, NULL);
    if (!SQL_SUCCEEDED(rc) || dead != SQL_CD_TRUE) return false;
    e->code = ERR_IO;
    e->retriable = true;
    return err_wrap(e, "the connection to SQL Server was lost");
}

/* Read every diagnostic of a handle into *e; remembers the cause's native number. Returns false. */
static bool fail(Odbc *c, SQLSMALLINT kind, SQLHANDLE handle, Err *e) {
    OdbcDiag diags[MAX_DIAGS];
    CLEANUP(arena_done) Arena arena = {0};
    size_t count = 0;
    while (count < MAX_DIAGS) {
        SQLWCHAR state[6] = {0}, message[MESSAGE_UNITS];
        SQLINTEGER native = 0;
        SQLSMALLINT units = 0;
        SQLRETURN rc = SQLGetDiagRecW(kind, handle, (SQLSMALLINT)(count + 1), state, &native, message,
                                      MESSAGE_UNITS, &units);
        if (!SQL_SUCCEEDED(rc)) break;
        if (units < 0) units = 0;
        if (units >= MESSAGE_UNITS) units = MESSAGE_UNITS - 1;
        OdbcDiag *d = &diags[count++];
        d->native = native;
        for (size_t i = 0; i < 6; i++) d->state[i] = (char)(state[i] & 0x7f);
        size_t bytes = (size_t)units * sizeof(SQLWCHAR);
        char *text = arena_bytes(&arena, UTF_MAX8(bytes) + 1);
        d->message = (Str){text, utf_16le_to_8(message, bytes, text, /* bad= */ NULL)};
    }
    c->last_native = count ? diags[odbc_diag_cause(diags, count)].native : 0;
    (void)odbc_diag_err(diags, count, e);
    return note_lost(c, e);
}

/* An error that came after the column metadata isn't a failed call: it stands among the diagnostics of one
 * that "succeeded" or "has no data". */
static bool has_hidden_error(Odbc *c, Err *e) {
    for (SQLSMALLINT i = 1; i <= MAX_DIAGS; i++) {
        SQLWCHAR state[6] = {0}, message[2];
        SQLINTEGER native = 0;
        SQLSMALLINT units;
        if (!SQL_SUCCEEDED(SQLGetDiagRecW(SQL_HANDLE_STMT, c->stmt, i, state, &native, message, 2, &units)))
            return false;
        OdbcDiag d = {.native = native, .message = STR_LIT("")};
        for (size_t k = 0; k < 6; k++) d.state[k] = (char)(state[k] & 0x7f);
        if (odbc_diag_fault(&d) == ODBC_FAULT_NONE) continue;
        (void)fail(c, SQL_HANDLE_STMT, c->stmt, e);
        return true;
    }
    return false;
}

bool odbc_check(Odbc *c, SQLRETURN rc, Err *e) {
    if (rc == SQL_SUCCESS) return true;
    if (rc == SQL_SUCCESS_WITH_INFO || rc == SQL_NO_DATA) return !has_hidden_error(c, e);
    if (rc == SQL_INVALID_HANDLE) return err_set(e, ERR_INTERNAL, false, "ODBC: invalid handle");
    return fail(c, SQL_HANDLE_STMT, c->stmt, e);
}

/* ---- connection ---- */

static bool open_handles(Odbc *c, Err *e) {
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &c->env)))
        return err_set(e, ERR_INTERNAL, false, "ODBC: no environment handle");
    (void)SQLSetEnvAttr(c->env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, c->env, &c->dbc)))
        return fail(c, SQL_HANDLE_ENV, c->env, e);
    return true;
}

static void set_seconds(SQLHDBC dbc, SQLINTEGER attribute, int64_t ms) {
    if (ms > 0) (void)SQLSetConnectAttrW(dbc, attribute, (SQLPOINTER)(intptr_t)((ms + 999) / 1000), 0);
}

static bool login(Odbc *c, const OdbcTarget *target, Err *e) {
    CLEANUP(buf_done) Buf text = {0};
    CLEANUP(buf_done) Buf wide = {0};
    if (!odbc_target_string(target, c->driver_name, c->driver, &text, e)) return false;
    size_t units = utf_8_to_16le(buf_view(&text), &wide);
    set_seconds(c->dbc, SQL_ATTR_LOGIN_TIMEOUT, target->login_timeout_ms);
    if (c->driver == ODBC_DRIVER_MICROSOFT)
        (void)SQLSetConnectAttrW(c->dbc, SQL_ATTR_PACKET_SIZE, (SQLPOINTER)(intptr_t)PACKET_BYTES, 0);
    SQLRETURN rc = SQLDriverConnectW(c->dbc, NULL, (SQLWCHAR *)(void *)wide.p, (SQLSMALLINT)units, NULL, 0,
                                     NULL, SQL_DRIVER_NOPROMPT);
    explicit_bzero(text.p, text.n);
    explicit_bzero(wide.p, wide.n);
    if (!SQL_SUCCEEDED(rc)) return fail(c, SQL_HANDLE_DBC, c->dbc, e);
    c->is_connected = true;
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, c->dbc, &c->stmt)))
        return fail(c, SQL_HANDLE_DBC, c->dbc, e);
    if (target->query_timeout_ms > 0)
        (void)SQLSetStmtAttrW(c->stmt, SQL_ATTR_QUERY_TIMEOUT,
                              (SQLPOINTER)(intptr_t)((target->query_timeout_ms + 999) / 1000), 0);
    return true;
}

/* TEXTSIZE bounds what a driver buffers of one (max) value. Twice the limit and more, so that a value over
 * the limit is seen to be over it: 2 bytes of UTF-16 give at least one of UTF-8. */
static bool set_up_session(Odbc *c, Err *e) {
    int64_t text_size = c->max_value_bytes > (INT32_MAX - 2) / 2 ? INT32_MAX : 2 * c->max_value_bytes + 2;
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SET TEXTSIZE %lld", (long long)text_size);
    return odbc_exec(c, buf_text(&sql), e);
}

bool odbc_connect(const OdbcTarget *target, Odbc **ret, Err *e) {
    Odbc *c = x_calloc(1, sizeof *c);
    c->unreadable = target->unreadable;
    c->max_value_bytes = target->max_value_bytes > 0 ? target->max_value_bytes : 16 * 1024 * 1024;
    if (!odbc_target_driver(target, &c->driver_name, &c->driver, e) || !open_handles(c, e) ||
        !login(c, target, e) || !set_up_session(c, e)) {
        odbc_close(c);
        return err_wrap(e, "SQL Server %s%s%s", target->hostname ? target->hostname : "",
                        target->database ? "/" : "", target->database ? target->database : "");
    }
    *ret = c;
    return true;
}

Odbc *odbc_close(Odbc *c) {
    if (!c) return NULL;
    if (c->stmt) (void)SQLFreeHandle(SQL_HANDLE_STMT, c->stmt);
    if (c->is_connected) (void)SQLDisconnect(c->dbc);
    if (c->dbc) (void)SQLFreeHandle(SQL_HANDLE_DBC, c->dbc);
    if (c->env) (void)SQLFreeHandle(SQL_HANDLE_ENV, c->env);
    buf_done(&c->sql);
    buf_done(&c->texts);
    free(c->row_array);
    free(c->lens);
    free(c->numbers);
    free(c->driver_name);
    free(c);
    return NULL;
}

OdbcDriverKind odbc_driver(const Odbc *c) {
    return c->driver;
}

const char *odbc_driver_name(const Odbc *c) {
    return c->driver_name;
}

int64_t odbc_max_value_bytes(const Odbc *c) {
    return c->max_value_bytes;
}

UnreadableRow odbc_unreadable(const Odbc *c) {
    return c->unreadable;
}

SQLHSTMT odbc_stmt(const Odbc *c) {
    return c->stmt;
}

uint8_t *odbc_row_array(Odbc *c, size_t bytes) {
    if (c->row_array_bytes < bytes) {
        free(c->row_array);
        c->row_array = x_malloc(bytes);
        c->row_array_bytes = bytes;
    }
    return c->row_array;
}

int32_t odbc_last_native(const Odbc *c) {
    return c->last_native;
}

/* ---- statements ---- */

void odbc_close_query(Odbc *c) {
    (void)SQLFreeStmt(c->stmt, SQL_CLOSE);
    (void)SQLFreeStmt(c->stmt, SQL_UNBIND);
    (void)SQLFreeStmt(c->stmt, SQL_RESET_PARAMS);
    (void)SQLSetStmtAttrW(c->stmt, SQL_ATTR_ROW_ARRAY_SIZE, (SQLPOINTER)1, 0);
    (void)SQLSetStmtAttrW(c->stmt, SQL_ATTR_ROWS_FETCHED_PTR, NULL, 0);
}

/* Bytes of the texts and of where the i-th begins: kept in c->texts, which must not move once bound. */
static void lay_out_texts(Odbc *c, const OdbcParam *params, size_t count) {
    size_t room = 0;
    for (size_t i = 0; i < count; i++) room += 2 * params[i].value.n + 16;
    buf_clear(&c->texts);
    (void)buf_reserve(&c->texts, room);
    for (size_t i = 0; i < count; i++) {
        size_t start = c->texts.n;
        switch (params[i].kind) {
        case ODBC_PARAM_TEXT: (void)utf_8_to_16le(params[i].value, &c->texts); break;
        case ODBC_PARAM_BYTES: buf_add(&c->texts, params[i].value.p, params[i].value.n); break;
        case ODBC_PARAM_DOUBLE: c->numbers[i] = params[i].number; break;
        }
        c->lens[i] = (SQLLEN)(c->texts.n - start);
        if (c->texts.n % 2) buf_u8(&c->texts, 0); /* UTF-16 stays aligned */
    }
}

static SQLRETURN bind_param(Odbc *c, size_t i, const OdbcParam *param, uint8_t *at) {
    SQLUSMALLINT number = (SQLUSMALLINT)(i + 1);
    SQLULEN units = (SQLULEN)c->lens[i] / 2, bytes = (SQLULEN)c->lens[i];
    switch (param->kind) {
    case ODBC_PARAM_TEXT:
        return SQLBindParameter(c->stmt, number, SQL_PARAM_INPUT, SQL_C_WCHAR, SQL_WVARCHAR,
                                units ? units : 1, 0, at, c->lens[i], &c->lens[i]);
    case ODBC_PARAM_BYTES:
        return SQLBindParameter(c->stmt, number, SQL_PARAM_INPUT, SQL_C_BINARY, SQL_VARBINARY,
                                bytes ? bytes : 1, 0, at, c->lens[i], &c->lens[i]);
    case ODBC_PARAM_DOUBLE:
        c->lens[i] = sizeof(double);
        return SQLBindParameter(c->stmt, number, SQL_PARAM_INPUT, SQL_C_DOUBLE, SQL_DOUBLE, 53, 0,
                                &c->numbers[i], sizeof(double), &c->lens[i]);
    }
    return SQL_ERROR;
}

static void room_for_params(Odbc *c, size_t count) {
    if (count <= c->param_room) return;
    c->param_room = count < ODBC_MAX_PARAMS ? ODBC_MAX_PARAMS : count;
    c->lens = x_reallocarray(c->lens, c->param_room, sizeof *c->lens);
    c->numbers = x_reallocarray(c->numbers, c->param_room, sizeof *c->numbers);
}

static bool bind_params(Odbc *c, const OdbcParam *params, size_t count, Err *e) {
    if (count > ODBC_MOST_PARAMS)
        return err_set(e, ERR_INTERNAL, false, "%zu parameters, at most %d", count, ODBC_MOST_PARAMS);
    room_for_params(c, count);
    lay_out_texts(c, params, count);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = params[i].kind == ODBC_PARAM_DOUBLE ? 0 : (size_t)c->lens[i];
        if (!odbc_check(c, bind_param(c, i, &params[i], c->texts.p + at), e)) return false;
        at += bytes + bytes % 2;
    }
    return true;
}

bool odbc_query(Odbc *c, const char *sql, const OdbcParam *params, size_t count, Err *e) {
    odbc_close_query(c);
    c->last_native = 0;
    if (!bind_params(c, params, count, e)) return false;
    buf_clear(&c->sql);
    size_t units = utf_8_to_16le(str_from(sql), &c->sql);
    SQLRETURN rc = SQLExecDirectW(c->stmt, (SQLWCHAR *)(void *)c->sql.p, (SQLINTEGER)units);
    return odbc_check(c, rc, e);
}

bool odbc_exec(Odbc *c, const char *sql, Err *e) {
    if (!odbc_query(c, sql, /* params= */ NULL, 0, e)) return false;
    SQLRETURN rc;
    do {
        SQLSMALLINT columns = 0;
        (void)SQLNumResultCols(c->stmt, &columns);
        while (columns > 0 && SQL_SUCCEEDED(rc = SQLFetch(c->stmt)))
            if (!odbc_check(c, rc, e)) return false;
        if (columns > 0 && !odbc_check(c, rc, e)) return false;
        rc = SQLMoreResults(c->stmt);
        if (!odbc_check(c, rc, e)) return false;
    } while (rc != SQL_NO_DATA);
    odbc_close_query(c);
    return true;
}

/* ---- small results ---- */

/* One cell by SQLGetData, in pieces, into *piece. */
static bool read_cell(Odbc *c, SQLUSMALLINT column, bool is_binary, Buf *piece, bool *ret_is_null, Err *e) {
    buf_clear(piece);
    SQLSMALLINT c_type = is_binary ? SQL_C_BINARY : SQL_C_WCHAR;
    for (;;) {
        SQLLEN indicator = 0;
        uint8_t *at = buf_reserve(piece, PIECE_BYTES);
        SQLRETURN rc = SQLGetData(c->stmt, column, c_type, at, PIECE_BYTES, &indicator);
        if (rc == SQL_NO_DATA) break;
        if (!odbc_check(c, rc, e)) return false;
        *ret_is_null = indicator == SQL_NULL_DATA;
        if (*ret_is_null) return true;
        SQLLEN room = PIECE_BYTES - (is_binary ? 0 : (SQLLEN)sizeof(SQLWCHAR));
        bool is_cut = indicator == SQL_NO_TOTAL || indicator > room;
        piece->n += (size_t)(is_cut ? room : indicator);
        if (!is_cut) break;
        if ((int64_t)piece->n > c->max_value_bytes)
            return err_set(e, ERR_RANGE, false, "a value of a catalog query is too large");
    }
    return true;
}

static Str keep_cell(Arena *arena, const Buf *piece, bool is_binary) {
    if (is_binary) return arena_str(arena, buf_view(piece));
    char *text = arena_bytes(arena, UTF_MAX8(piece->n) + 1);
    size_t n = utf_16le_to_8(piece->p, piece->n, text, /* bad= */ NULL);
    text[n] = '\0';
    return (Str){text, n};
}

static bool is_binary_type(SQLSMALLINT sql_type) {
    return sql_type == SQL_BINARY || sql_type == SQL_VARBINARY || sql_type == SQL_LONGVARBINARY;
}

static bool read_rows(Odbc *c, Arena *arena, const bool *is_binary, OdbcCells *t, Err *e) {
    CLEANUP(buf_done) Buf piece = {0};
    size_t cap = 0;
    for (;;) {
        SQLRETURN rc = SQLFetch(c->stmt);
        if (!odbc_check(c, rc, e)) return false;
        if (rc == SQL_NO_DATA) return true;
        size_t used = t->rows * t->columns;
        if (used + t->columns > ODBC_MAX_CELLS)
            return err_set(e, ERR_RANGE, false, "a catalog query has over %d cells", ODBC_MAX_CELLS);
        if (used + t->columns > cap) {
            cap = cap ? cap * 2 : t->columns * 16;
            Str *more = ARENA_ARRAY(arena, Str, cap);
            if (used) memcpy(more, t->cells, used * sizeof *more);
            t->cells = more;
        }
        for (size_t i = 0; i < t->columns; i++) {
            bool is_null = false;
            if (!read_cell(c, (SQLUSMALLINT)(i + 1), is_binary[i], &piece, &is_null, e)) return false;
            t->cells[used + i] = is_null ? (Str){0} : keep_cell(arena, &piece, is_binary[i]);
        }
        t->rows++;
    }
}

bool odbc_next_result(Odbc *c, bool *ret_more, Err *e) {
    (void)SQLFreeStmt(c->stmt, SQL_UNBIND);
    (void)SQLSetStmtAttrW(c->stmt, SQL_ATTR_ROW_ARRAY_SIZE, (SQLPOINTER)1, 0);
    (void)SQLSetStmtAttrW(c->stmt, SQL_ATTR_ROWS_FETCHED_PTR, NULL, 0);
    SQLRETURN rc = SQLMoreResults(c->stmt);
    if (!odbc_check(c, rc, e)) return false;
    *ret_more = rc != SQL_NO_DATA;
    return true;
}

bool odbc_read_cells(Odbc *c, Arena *arena, OdbcCells *ret, Err *e) {
    SQLSMALLINT columns = 0;
    if (!odbc_check(c, SQLNumResultCols(c->stmt, &columns), e)) return false;
    if (columns <= 0) return err_set(e, ERR_INTERNAL, false, "the query gave no result");
    bool *is_binary = arena_zalloc(arena, (size_t)columns * sizeof *is_binary);
    for (SQLSMALLINT i = 0; i < columns; i++) {
        SQLSMALLINT name_units, sql_type = 0, scale, nullable;
        SQLULEN size;
        SQLRETURN rc = SQLDescribeColW(c->stmt, (SQLUSMALLINT)(i + 1), NULL, 0, &name_units, &sql_type, &size,
                                       &scale, &nullable);
        if (!odbc_check(c, rc, e)) return false;
        is_binary[i] = is_binary_type(sql_type);
    }
    *ret = (OdbcCells){.columns = (size_t)columns};
    return read_rows(c, arena, is_binary, ret, e);
}

bool odbc_cells(Odbc *c, Arena *arena, const char *sql, const OdbcParam *params, size_t count, OdbcCells *ret,
                Err *e) {
    bool ok = odbc_query(c, sql, params, count, e) && odbc_read_cells(c, arena, ret, e);
    odbc_close_query(c);
    return ok;
}

Lsn odbc_cell_lsn(const OdbcCells *t, size_t row, size_t column) {
    Lsn lsn = {{0}};
    Str cell = odbc_cell(t, row, column);
    if (cell.p && cell.n == LSN_BYTES) memcpy(lsn.b, cell.p, LSN_BYTES);
    return lsn;
}

int64_t odbc_cell_int(const OdbcCells *t, size_t row, size_t column, int64_t otherwise) {
    Str cell = odbc_cell(t, row, column);
    int64_t v;
    Err ignored;
    if (!cell.p || !str_to_i64(cell, INT64_MIN, INT64_MAX, &v, &ignored)) return otherwise;
    return v;
}

bool odbc_scalar(Odbc *c, Arena *arena, const char *sql, const OdbcParam *params, size_t count, Str *ret,
                 bool *ret_is_null, Err *e) {
    OdbcCells t;
    if (!odbc_cells(c, arena, sql, params, count, &t, e)) return false;
    *ret_is_null = t.rows == 0 || !t.cells[0].p;
    *ret = *ret_is_null ? (Str){0} : t.cells[0];
    return true;
}
