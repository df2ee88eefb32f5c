/* err.h - how a function reports failure. Caller-owned, no allocation; written only on failure. Any thread.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))

typedef enum ErrCode {
    ERR_OK = 0,
    ERR_INVALID,   /* the input's fault: text, configuration, request */
    ERR_RANGE,     /* past the limit of a type or of what the source still holds */
    ERR_IO,        /* the peer or the disk went away */
    ERR_TIMEOUT,   /* the peer did not answer in time */
    ERR_CANCELLED, /* told to stop: never logged as a failure */
    ERR_DATA,      /* one record cannot be carried over, the stream is sound */
    ERR_FENCED,    /* another owner has taken the pipeline: write nothing, stop */
    ERR_INTERNAL,  /* a bug of ours */
} ErrCode;

enum { ERR_MSG_SIZE = 512 };

typedef struct Err {
    ErrCode code;
    bool retriable;         /* set by the lowest layer that knows (SQLSTATE, TDS error); others only read */
    int64_t retry_until_us; /* retriable: monotonic time up to which tries go on, however many, and the last
                               one is then; INT64_MAX = for ever; 0 (err_set) = their number is what counts */
    char msg[ERR_MSG_SIZE]; /* one line, cut if longer; no secret, no row data */
} Err;

/* Fill *e, return false: `return err_set(e, ...);` is a whole error path. */
bool err_set(Err *e, ErrCode code, bool retriable, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Put "what: " before the message; keeps the rest; returns false. */
bool err_wrap(Err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The code's stable name ("invalid", "io", …), for logs and --json. Static text. */
const char *err_code_name(ErrCode code);

#endif
