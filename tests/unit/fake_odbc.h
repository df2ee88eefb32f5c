/*
 * fake_odbc.h - a driver manager made of rules, for tests of modules that speak ODBC: the test program's own
 * SQL… functions come before libodbc's. Included once, by the test's .c.
 *
 * A rule answers every statement that contains its text, the last rule that fits first; its answer is a batch
 * of results, or an error. A result is text, a line a row, cells parted by '|': first line   the kinds of the
 * columns: t text, x bytes, i int of 4 bytes, q of 8, b of 1, d datetime, s timestamp cells        t as it is
 * (ASCII), x hex digits, numbers in decimal, d "days,ticks", s "y,m,d,h,mi,s,ns"; ~ is NULL What a driver
 * would give for SQL_C_BINARY is FreeTDS's.
 */
#ifndef TESTS_FAKE_ODBC_H
#define TESTS_FAKE_ODBC_H

#include <pthread.h>
#include <sql.h>
#include <sqlext.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAKE_RULES = 64,
    FAKE_RESULTS = 6,
    FAKE_COLUMNS = 24,
    FAKE_PARAMS = 64,
    FAKE_TEXT = 8192,
    FAKE_LOG = 128 * 1024,
};

typedef struct FakeRule {
    const char *match;  /* part of the statement */
    const char *params; /* when set: the parameters, too, have to have this text in them */
    const char *results[FAKE_RESULTS];
    int32_t native; /* an error in place of results */
    const char *state;
    int left; /* how often it answers; 0 = always */
} FakeRule;

typedef struct FakeStatement {
    char text[FAKE_TEXT], params[FAKE_TEXT];
    const FakeRule *rule;
    int result;
    const char *at; /* the next row */
    char row[FAKE_TEXT];
    char kinds[FAKE_COLUMNS + 1];
    size_t got[FAKE_COLUMNS]; /* bytes that SQLGetData gave of a cell */
    struct {
        SQLSMALLINT type;
        void *data;
        SQLLEN width;
        SQLLEN *indicator;
    } bound[FAKE_COLUMNS], param[FAKE_PARAMS];
    size_t row_bytes, row_array;
    SQLULEN *fetched;
    bool failed;
} FakeStatement;

static struct {
    pthread_mutex_t lock;
    FakeRule rules[FAKE_RULES];
    size_t count;
    char log[FAKE_LOG]; /* every statement with its parameters, a line each */
    size_t log_at;
    int open; /* connections */
    bool refuses, is_dead;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

__attribute__((unused)) static void fake_reset(void) {
    fake.count = 0;
    fake.log_at = 0;
    fake.log[0] = '\0';
    fake.refuses = fake.is_dead = false;
}

__attribute__((unused)) static void fake_rule(FakeRule rule) {
    if (fake.count == FAKE_RULES) abort();
    fake.rules[fake.count++] = rule;
}

/* How many statements so far had this in them. */
__attribute__((unused)) static size_t fake_logged(const char *part) {
    size_t n = 0;
    for (const char *p = fake.log; (p = strstr(p, part)); p++) n++;
    return n;
}

/* ---- cells ---- */

static int fake_hex(char c) {
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static void fake_numbers(const char *text, long long *ret, int count) {
    char *end = NULL;
    for (int i = 0; i < count; i++, text = end + (*end == ',')) ret[i] = strtoll(text, &end, 10);
}

/* The bytes of a cell; wide: as UTF-16 text whatever its kind is (x stays). */
static size_t fake_bytes(char kind, const char *text, size_t n, bool wide, uint8_t *out) {
    long long v[7] = {0};
    char copy[FAKE_TEXT];
    snprintf(copy, sizeof copy, "%.*s", (int)n, text);
    if (kind == 'x' || (kind == 't' && !wide) || wide) {
        if (kind == 'x') {
            for (size_t i = 0; i + 1 < n; i += 2)
                out[i / 2] = (uint8_t)(fake_hex(text[i]) << 4 | fake_hex(text[i + 1]));
            return n / 2;
        }
        for (size_t i = 0; i < n; i++) out[2 * i] = (uint8_t)text[i], out[2 * i + 1] = 0;
        return 2 * n;
    }
    fake_numbers(copy, v, kind == 's' ? 7 : kind == 'd' ? 2 : 1);
    if (kind == 's') {
        SQL_TIMESTAMP_STRUCT s = {(SQLSMALLINT)v[0],  (SQLUSMALLINT)v[1], (SQLUSMALLINT)v[2],
                                  (SQLUSMALLINT)v[3], (SQLUSMALLINT)v[4], (SQLUSMALLINT)v[5],
                                  (SQLUINTEGER)v[6]};
        memcpy(out, &s, sizeof s);
        return sizeof s;
    }
    if (kind == 'd') {
        int32_t d[2] = {(int32_t)v[0], (int32_t)v[1]};
        memcpy(out, d, sizeof d);
        return sizeof d;
    }
    size_t bytes = kind == 'i' ? 4 : kind == 'q' ? 8 : 1;
    memcpy(out, &v[0], bytes); /* little-endian */
    return bytes;
}

/* The n-th cell of the current row. */
static const char *fake_cell(const FakeStatement *s, size_t n, size_t *ret_n) {
    const char *p = s->row;
    for (; n; n--) p = strchr(p, '|') + 1;
    *ret_n = strcspn(p, "|");
    return p;
}

/* ---- results ---- */

static void fake_open_result(FakeStatement *s) {
    s->kinds[0] = '\0';
    s->at = NULL;
    if (!s->rule || s->result >= FAKE_RESULTS || !s->rule->results[s->result]) return;
    const char *text = s->rule->results[s->result];
    size_t n = strcspn(text, "\n");
    snprintf(s->kinds, sizeof s->kinds, "%.*s", (int)n, text);
    s->at = text[n] ? text + n + 1 : text + n;
}

static bool fake_next_row(FakeStatement *s) {
    if (!s->at || !*s->at) return false;
    size_t n = strcspn(s->at, "\n");
    snprintf(s->row, sizeof s->row, "%.*s", (int)n, s->at);
    s->at += n + (s->at[n] == '\n');
    memset(s->got, 0, sizeof s->got);
    return true;
}

static void fake_describe_params(FakeStatement *s) {
    char *p = s->params, *end = s->params + sizeof s->params;
    *p = '\0';
    for (size_t i = 0; i < FAKE_PARAMS && s->param[i].indicator && p < end - 64; i++) {
        const uint8_t *data = s->param[i].data;
        size_t n = (size_t)*s->param[i].indicator;
        if (s->param[i].type == SQL_C_DOUBLE) {
            double d;
            memcpy(&d, data, sizeof d);
            p += snprintf(p, (size_t)(end - p), "%g ", d);
            continue;
        }
        if (s->param[i].type == SQL_C_BINARY) p += snprintf(p, (size_t)(end - p), "0x");
        for (size_t k = 0; k < n; k += s->param[i].type == SQL_C_WCHAR ? 2 : 1)
            p += snprintf(p, (size_t)(end - p), s->param[i].type == SQL_C_WCHAR ? "%c" : "%02x", data[k]);
        p += snprintf(p, (size_t)(end - p), " ");
    }
}

static void fake_execute(FakeStatement *s) {
    pthread_mutex_lock(&fake.lock);
    fake_describe_params(s);
    int n = snprintf(fake.log + fake.log_at, sizeof fake.log - fake.log_at, "%s {%s}\n", s->text, s->params);
    if (n > 0 && fake.log_at + (size_t)n < sizeof fake.log) fake.log_at += (size_t)n;
    s->rule = NULL;
    for (size_t i = fake.count; i-- > 0 && !s->rule;) {
        FakeRule *r = &fake.rules[i];
        if (r->left < 0 || !strstr(s->text, r->match) || (r->params && !strstr(s->params, r->params)))
            continue;
        if (r->left > 0 && --r->left == 0) r->left = -1;
        s->rule = r;
    }
    pthread_mutex_unlock(&fake.lock);
    s->failed = s->rule && s->rule->native;
    s->result = 0;
    fake_open_result(s);
}

/* ---- ODBC ---- */

SQLRETURN SQLAllocHandle(SQLSMALLINT kind, SQLHANDLE from, SQLHANDLE *ret) {
    (void)from;
    *ret = calloc(1, kind == SQL_HANDLE_STMT ? sizeof(FakeStatement) : 16);
    return SQL_SUCCESS;
}
SQLRETURN SQLFreeHandle(SQLSMALLINT kind, SQLHANDLE handle) {
    (void)kind;
    free(handle);
    return SQL_SUCCESS;
}
SQLRETURN SQLSetEnvAttr(SQLHENV env, SQLINTEGER attribute, SQLPOINTER value, SQLINTEGER n) {
    (void)env, (void)attribute, (void)value, (void)n;
    return SQL_SUCCESS;
}
SQLRETURN SQLSetConnectAttrW(SQLHDBC dbc, SQLINTEGER attribute, SQLPOINTER value, SQLINTEGER n) {
    (void)dbc, (void)attribute, (void)value, (void)n;
    return SQL_SUCCESS;
}
SQLRETURN SQLGetConnectAttrW(SQLHDBC dbc, SQLINTEGER attribute, SQLPOINTER value, SQLINTEGER n,
                             SQLINTEGER *ret_n) {
    (void)dbc, (void)attribute, (void)n, (void)ret_n;
    *(SQLUINTEGER *)value = fake.is_dead ? SQL_CD_TRUE : SQL_CD_FALSE;
    return SQL_SUCCESS;
}
SQLRETURN SQLDriverConnectW(SQLHDBC dbc, SQLHWND window, SQLWCHAR *in, SQLSMALLINT in_n, SQLWCHAR *out,
                            SQLSMALLINT out_n, SQLSMALLINT *ret_n, SQLUSMALLINT completion) {
    (void)dbc, (void)window, (void)in, (void)in_n, (void)out, (void)out_n, (void)ret_n, (void)completion;
    if (fake.refuses) return SQL_ERROR;
    __atomic_add_fetch(&fake.open, 1, __ATOMIC_RELAXED);
    return SQL_SUCCESS;
}
SQLRETURN SQLDisconnect(SQLHDBC dbc) {
    (void)dbc;
    __atomic_sub_fetch(&fake.open, 1, __ATOMIC_RELAXED);
    return SQL_SUCCESS;
}
SQLRETURN SQLSetStmtAttrW(SQLHSTMT stmt, SQLINTEGER attribute, SQLPOINTER value, SQLINTEGER n) {
    (void)n;
    FakeStatement *s = stmt;
    if (attribute == SQL_ATTR_ROW_BIND_TYPE) s->row_bytes = (size_t)value;
    if (attribute == SQL_ATTR_ROW_ARRAY_SIZE) s->row_array = (size_t)value;
    if (attribute == SQL_ATTR_ROWS_FETCHED_PTR) s->fetched = value;
    return SQL_SUCCESS;
}
SQLRETURN SQLFreeStmt(SQLHSTMT stmt, SQLUSMALLINT what) {
    FakeStatement *s = stmt;
    if (what == SQL_UNBIND) memset(s->bound, 0, sizeof s->bound);
    if (what == SQL_RESET_PARAMS) memset(s->param, 0, sizeof s->param);
    return SQL_SUCCESS;
}
SQLRETURN SQLBindParameter(SQLHSTMT stmt, SQLUSMALLINT number, SQLSMALLINT io, SQLSMALLINT c_type,
                           SQLSMALLINT sql_type, SQLULEN size, SQLSMALLINT digits, SQLPOINTER data, SQLLEN n,
                           SQLLEN *indicator) {
    (void)io, (void)sql_type, (void)size, (void)digits, (void)n;
    FakeStatement *s = stmt;
    s->param[number - 1].type = c_type;
    s->param[number - 1].data = data;
    s->param[number - 1].indicator = indicator;
    return SQL_SUCCESS;
}
SQLRETURN SQLExecDirectW(SQLHSTMT stmt, SQLWCHAR *text, SQLINTEGER n) {
    FakeStatement *s = stmt;
    size_t at = 0;
    for (; at < (size_t)n && at < sizeof s->text - 1; at++) s->text[at] = (char)text[at];
    s->text[at] = '\0';
    fake_execute(s);
    return s->failed ? SQL_ERROR : SQL_SUCCESS;
}
SQLRETURN SQLGetDiagRecW(SQLSMALLINT kind, SQLHANDLE handle, SQLSMALLINT number, SQLWCHAR *state,
                         SQLINTEGER *native, SQLWCHAR *message, SQLSMALLINT room, SQLSMALLINT *ret_n) {
    const FakeStatement *s = kind == SQL_HANDLE_STMT ? handle : NULL;
    if (number > 1 || (s && !s->failed)) return SQL_NO_DATA;
    const char *code = s && s->rule->state ? s->rule->state : s ? "42000" : "08001";
    static const char text[] = "[fake]said no";
    for (int i = 0; i < 6; i++) state[i] = (SQLWCHAR)code[i];
    *native = s ? s->rule->native : 20009;
    *ret_n = (SQLSMALLINT)(sizeof text - 1);
    for (int i = 0; i < room && i < (int)sizeof text; i++) message[i] = (SQLWCHAR)text[i];
    return SQL_SUCCESS;
}
SQLRETURN SQLNumResultCols(SQLHSTMT stmt, SQLSMALLINT *ret) {
    *ret = (SQLSMALLINT)strlen(((FakeStatement *)stmt)->kinds);
    return SQL_SUCCESS;
}
SQLRETURN SQLDescribeColW(SQLHSTMT stmt, SQLUSMALLINT number, SQLWCHAR *name, SQLSMALLINT room,
                          SQLSMALLINT *ret_n, SQLSMALLINT *ret_type, SQLULEN *ret_size,
                          SQLSMALLINT *ret_digits, SQLSMALLINT *ret_nullable) {
    (void)name, (void)room, (void)ret_n, (void)ret_size, (void)ret_digits, (void)ret_nullable;
    *ret_type = ((FakeStatement *)stmt)->kinds[number - 1] == 'x' ? SQL_VARBINARY : SQL_WVARCHAR;
    return SQL_SUCCESS;
}
SQLRETURN SQLBindCol(SQLHSTMT stmt, SQLUSMALLINT number, SQLSMALLINT c_type, SQLPOINTER data, SQLLEN width,
                     SQLLEN *indicator) {
    FakeStatement *s = stmt;
    s->bound[number - 1].type = c_type;
    s->bound[number - 1].data = data;
    s->bound[number - 1].width = width;
    s->bound[number - 1].indicator = indicator;
    return SQL_SUCCESS;
}
SQLRETURN SQLFetch(SQLHSTMT stmt) {
    FakeStatement *s = stmt;
    size_t rows = 0, most = s->row_array ? s->row_array : 1;
    while (rows < most && fake_next_row(s)) {
        for (size_t i = 0; i < FAKE_COLUMNS && s->kinds[i]; i++) {
            if (!s->bound[i].data) continue;
            uint8_t bytes[FAKE_TEXT * 2];
            size_t n, offset = rows * s->row_bytes;
            const char *cell = fake_cell(s, i, &n);
            SQLLEN *indicator = (SQLLEN *)(void *)((char *)s->bound[i].indicator + offset);
            if (n == 1 && *cell == '~') {
                *indicator = SQL_NULL_DATA;
                continue;
            }
            bool wide = s->bound[i].type == SQL_C_WCHAR || s->kinds[i] == 't';
            n = fake_bytes(s->kinds[i], cell, n, wide, bytes);
            *indicator = (SQLLEN)n;
            memcpy((char *)s->bound[i].data + offset, bytes,
                   n < (size_t)s->bound[i].width ? n : (size_t)s->bound[i].width);
        }
        rows++;
    }
    if (s->fetched) *s->fetched = rows;
    return rows ? SQL_SUCCESS : SQL_NO_DATA;
}
SQLRETURN SQLGetData(SQLHSTMT stmt, SQLUSMALLINT number, SQLSMALLINT c_type, SQLPOINTER data, SQLLEN room,
                     SQLLEN *indicator) {
    FakeStatement *s = stmt;
    uint8_t bytes[FAKE_TEXT * 2];
    size_t n, i = number - 1u;
    const char *cell = fake_cell(s, i, &n);
    if (n == 1 && *cell == '~') {
        *indicator = SQL_NULL_DATA;
        return SQL_SUCCESS;
    }
    n = fake_bytes(s->kinds[i], cell, n, /* wide= */ true, bytes);
    if (s->got[i] && s->got[i] >= n) return SQL_NO_DATA;
    size_t left = n - s->got[i], fits = (size_t)room - (c_type == SQL_C_WCHAR ? 2 : 0);
    size_t gives = left < fits ? left : fits;
    memcpy(data, bytes + s->got[i], gives);
    s->got[i] += gives ? gives : 1;
    *indicator = (SQLLEN)left;
    return SQL_SUCCESS;
}
SQLRETURN SQLMoreResults(SQLHSTMT stmt) {
    FakeStatement *s = stmt;
    s->result++;
    fake_open_result(s);
    return s->rule && s->result < FAKE_RESULTS && s->rule->results[s->result] ? SQL_SUCCESS : SQL_NO_DATA;
}

#endif
