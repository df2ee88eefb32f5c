/* A connection attempt that doesn't block, and poll for its outcome. */
#include "base/net.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static bool connects(const struct addrinfo *a, int timeout_ms) {
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0) return false;
    bool ok = connect(fd, a->ai_addr, a->ai_addrlen) == 0;
    if (!ok && errno == EINPROGRESS) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        int failure = 0;
        socklen_t n = sizeof failure;
        ok = poll(&p, 1, timeout_ms) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &n) == 0 &&
             failure == 0;
    }
    close(fd);
    return ok;
}

bool net_answers(const char *host, uint16_t port, int timeout_ms) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &found) != 0) return true;
    bool ok = false;
    for (const struct addrinfo *a = found; a && !ok; a = a->ai_next) ok = connects(a, timeout_ms);
    freeaddrinfo(found);
    return ok;
}
