/* connection.h - one client, from its first byte to its last. Runs on the connection's own thread. */
#ifndef STANDIN_TDS_CONNECTION_H
#define STANDIN_TDS_CONNECTION_H

#include "standin/exec/server.h"
#include "standin/tds/tls.h"

typedef struct ConnectionOptions {
    TlsServer *tls;    /* borrowed; NULL: encryption is answered "not supported" */
    bool requires_tls; /* Force Encryption: no client without it gets in */
} ConnectionOptions;

/* Serve the client at fd until it leaves, breaks the protocol, or the socket is shut down (which is how
 * another thread ends it). fd stays the caller's. */
void connection_run(int fd, Server *server, const ConnectionOptions *options);

#endif
