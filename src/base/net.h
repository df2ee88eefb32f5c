/* net.h - whether a server can be reached over TCP. Any thread. */
#ifndef BASE_NET_H
#define BASE_NET_H

#include <stdbool.h>
#include <stdint.h>

/* Connect to one of the host's addresses and close at once; each gets timeout_ms. Also true when the host's
 * name can't be looked up just now: that says nothing of the server. */
bool net_answers(const char *host, uint16_t port, int timeout_ms);

#endif
