#include "standin/tds/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

typedef struct Client {
    struct Client *next, **link; /* in the listener's list */
    Listener *listener;
    int fd;
} Client;

struct Listener {
    Server *server;
    ConnectionOptions options;
    int fd, wake_fd; /* wake_fd: readable = stop accepting */
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t mutex; /* clients, count; a client's fd is open while it is in the list */
    pthread_cond_t none_left;
    Client *clients;
    size_t count;
};

/* --- clients ----------------------------------------------------------------------------------------------
 */

static bool add_client(Listener *l, Client *c) {
    (void)pthread_mutex_lock(&l->mutex);
    bool has_room = l->count < LISTENER_MAX_CONNECTIONS;
    if (has_room) {
        l->count++;
        c->next = l->clients;
        c->link = &l->clients;
        if (c->next) c->next->link = &c->next;
        l->clients = c;
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return has_room;
}

static void drop_client(Client *c) {
    Listener *l = c->listener;
    (void)pthread_mutex_lock(&l->mutex);
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
    (void)close(c->fd);
    if (--l->count == 0) (void)pthread_cond_broadcast(&l->none_left);
    (void)pthread_mutex_unlock(&l->mutex);
    free(c);
}

static void *run_client(void *arg) {
    Client *c = arg;
    connection_run(c->fd, c->listener->server, &c->listener->options);
    drop_client(c);
    return NULL;
}

static void start_client(Listener *l, int fd) {
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    Client *c = x_calloc(1, sizeof *c);
    c->listener = l;
    c->fd = fd;
    if (!add_client(l, c)) {
        LOG_WARN("connection_refused", LOG_S("reason", "too many connections"),
                 LOG_I("max", LISTENER_MAX_CONNECTIONS));
        (void)close(fd);
        free(c);
        return;
    }
    pthread_attr_t attr;
    pthread_t thread;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int failed = pthread_create(&thread, &attr, run_client, c);
    (void)pthread_attr_destroy(&attr);
    if (failed == 0) return;
    LOG_WARN("connection_refused", LOG_S("reason", strerror(failed)));
    drop_client(c);
}

/* --- the socket -------------------------------------------------------------------------------------------
 */

static void *accept_all(void *arg) {
    enum { RETRY_MS = 50 };
    Listener *l = arg;
    struct pollfd p[2] = {{.fd = l->fd, .events = POLLIN}, {.fd = l->wake_fd, .events = POLLIN}};
    for (;;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR) break;
        if (p[1].revents != 0) break;
        if (p[0].revents == 0) continue;
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) start_client(l, fd);
        else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN) {
            LOG_WARN("accept_failed", LOG_S("reason", strerror(errno)));
            clock_sleep_ms(RETRY_MS); /* out of descriptors: the next try may find some */
        }
    }
    return NULL;
}

static bool open_socket(Listener *l, uint16_t port, Err *e) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int on = 1;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    l->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (l->fd < 0 || l->wake_fd < 0) return err_set(e, ERR_IO, false, "socket: %s", strerror(errno));
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(l->fd, (struct sockaddr *)&address, size) != 0 || listen(l->fd, 512) != 0 ||
        getsockname(l->fd, (struct sockaddr *)&address, &size) != 0) {
        return err_set(e, ERR_IO, false, "listening on 127.0.0.1:%u: %s", port, strerror(errno));
    }
    l->port = ntohs(address.sin_port);
    return true;
}

static void free_listener(Listener *l) {
    if (l->fd >= 0) (void)close(l->fd);
    if (l->wake_fd >= 0) (void)close(l->wake_fd);
    (void)pthread_mutex_destroy(&l->mutex);
    (void)pthread_cond_destroy(&l->none_left);
    free(l);
}

bool listener_open(Server *server, uint16_t port, const ConnectionOptions *options, Listener **ret, Err *e) {
    Listener *l = x_calloc(1, sizeof *l);
    l->server = server;
    l->options = *options;
    l->wake_fd = -1;
    (void)pthread_mutex_init(&l->mutex, NULL);
    (void)pthread_cond_init(&l->none_left, NULL);
    if (!open_socket(l, port, e)) {
        free_listener(l);
        return false;
    }
    int failed = pthread_create(&l->thread, NULL, accept_all, l);
    if (failed != 0) {
        free_listener(l);
        return err_set(e, ERR_IO, false, "starting the listener's thread: %s", strerror(failed));
    }
    *ret = l;
    return true;
}

uint16_t listener_port(const Listener *l) {
    return l->port;
}

Listener *listener_close(Listener *l) {
    if (!l) return NULL;
    uint64_t one = 1;
    if (write(l->wake_fd, &one, sizeof one) != sizeof one)
        LOG_WARN("wake_failed", LOG_S("reason", strerror(errno)));
    (void)pthread_join(l->thread, NULL);
    (void)pthread_mutex_lock(&l->mutex);
    for (Client *c = l->clients; c; c = c->next) (void)shutdown(c->fd, SHUT_RDWR);
    while (l->count > 0) (void)pthread_cond_wait(&l->none_left, &l->mutex);
    (void)pthread_mutex_unlock(&l->mutex);
    free_listener(l);
    return NULL;
}
