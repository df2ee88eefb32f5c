/*
 * url.h - the addresses people write: mssql://, postgresql:// and jdbc:postgresql://. Any thread.
 * No message of these functions holds a password or a whole URL that may contain one.
 */
#ifndef CONFIG_URL_H
#define CONFIG_URL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "config/props.h"
#include "config/textlist.h"

/* Append s with %XX replaced. Errors: ERR_INVALID for a broken or a NUL escape. */
MUST_CHECK bool url_decode(Str s, Buf *ret, Err *e);

/*
 * mssql://[user@]host[\instance][:port]/database[,database…][?key=value&…] into the source's properties:
 * database.hostname, .instance, .port, .user, .names. `tables` becomes table.include.list; a key with a dot
 * is a property itself (snapshot.mode=initial), one without is an option of the driver (encrypt=false →
 * database.encrypt). Origin ("--from") is the place of each. Errors: ERR_INVALID; a password is refused.
 */
MUST_CHECK bool url_parse_mssql(const char *url, const char *origin, Props *ret, Err *e);

/* Refuse a URL with a password, in the user part or among the parameters: an argument list can be read by
 * others. how names where else it may stand ("the environment variable PGPASSWORD or …"). */
MUST_CHECK bool url_refuse_password(const char *url, const char *origin, const char *how, Err *e);

/*
 * What PQconnectdb takes. postgresql:// and postgres:// go as they are; jdbc:postgresql:// becomes libpq's
 * keywords by pgjdbc's rules (no host is localhost, ssl=true is verify-full). Options of pgjdbc that have no
 * meaning here are named in notes, one a line. Errors: ERR_INVALID for another scheme, a broken URL, an
 * unknown option (with the nearest known one).
 */
MUST_CHECK bool url_to_conninfo(const char *url, Buf *ret, TextList *notes, Err *e);
/* Append " keyword='value'" as libpq quotes it. */
void url_add_conninfo(Buf *conninfo, const char *keyword, Str value);

#endif
