/* listener.h - the listening socket, and a thread for each connection. Any thread. */
#ifndef STANDIN_TDS_LISTENER_H
#define STANDIN_TDS_LISTENER_H

#include <stdint.h>

#include "base/err.h"
#include "standin/exec/server.h"
#include "standin/tds/connection.h"

enum { LISTENER_MAX_CONNECTIONS = 1024 };

typedef struct Listener Listener;

/* Listen on 127.0.0.1 and serve; port 0 takes a free one. server is borrowed, options are copied. Errors:
 * ERR_IO. */
MUST_CHECK bool listener_open(Server *server, uint16_t port, const ConnectionOptions *options, Listener **ret,
                              Err *e);
uint16_t listener_port(const Listener *l);
/* No more connections, those there are end (idle ones at once, busy ones as soon as their statement does:
 * call server_stop first); waits for all. Returns NULL. */
Listener *listener_close(Listener *l);

#endif
