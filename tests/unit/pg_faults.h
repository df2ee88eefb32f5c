/*
 * pg_faults.h - the connection to PostgreSQL fails at a chosen call, in the way a network does: its socket is
 * shut down, before the call or behind it (then the server may have done what was asked, and only its answer
 * is lost). The calls of libpq that send something are taken over here: a symbol of the program goes before
 * the shared library's.
 */
#ifndef TESTS_PG_FAULTS_H
#define TESTS_PG_FAULTS_H

#include <dlfcn.h>
#include <sys/socket.h>

#include <libpq-fe.h>

typedef enum FaultMode { FAULT_BEFORE, FAULT_BEHIND } FaultMode;

static long fault_countdown; /* 0 = none is due */
static long fault_calls;     /* made while armed */
static bool fault_is_armed;
static FaultMode fault_mode;

static inline bool fault_is_due(void) {
    if (!fault_is_armed) return false;
    fault_calls++;
    return fault_countdown > 0 && --fault_countdown == 0;
}

static inline void fault_cut(const PGconn *conn) {
    if (conn && PQsocket(conn) >= 0) (void)shutdown(PQsocket(conn), SHUT_RDWR);
}

/* The library's own function. */
#define FAULT_REAL(name)                                                                                     \
    static __typeof__(&name) real;                                                                           \
    if (!real) *(void **)(&real) = dlsym(RTLD_NEXT, #name)

#define FAULT_CALL(type, conn, ...)                                                                          \
    bool is_due = fault_is_due();                                                                            \
    if (is_due && fault_mode == FAULT_BEFORE) fault_cut(conn);                                               \
    type result = real(__VA_ARGS__);                                                                         \
    if (is_due && fault_mode == FAULT_BEHIND) fault_cut(conn);                                               \
    return result

PGresult *PQexec(PGconn *conn, const char *query) {
    FAULT_REAL(PQexec);
    FAULT_CALL(PGresult *, conn, conn, query);
}

PGresult *PQexecParams(PGconn *conn, const char *command, int n, const Oid *types, const char *const *values,
                       const int *lengths, const int *formats, int result_format) {
    FAULT_REAL(PQexecParams);
    FAULT_CALL(PGresult *, conn, conn, command, n, types, values, lengths, formats, result_format);
}

int PQsendPrepare(PGconn *conn, const char *name, const char *query, int n, const Oid *types) {
    FAULT_REAL(PQsendPrepare);
    FAULT_CALL(int, conn, conn, name, query, n, types);
}

int PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values, const int *lengths,
                        const int *formats, int result_format) {
    FAULT_REAL(PQsendQueryPrepared);
    FAULT_CALL(int, conn, conn, name, n, values, lengths, formats, result_format);
}

int PQpipelineSync(PGconn *conn) {
    FAULT_REAL(PQpipelineSync);
    FAULT_CALL(int, conn, conn);
}

int PQputCopyData(PGconn *conn, const char *buffer, int bytes) {
    FAULT_REAL(PQputCopyData);
    FAULT_CALL(int, conn, conn, buffer, bytes);
}

int PQputCopyEnd(PGconn *conn, const char *message) {
    FAULT_REAL(PQputCopyEnd);
    FAULT_CALL(int, conn, conn, message);
}

#endif
