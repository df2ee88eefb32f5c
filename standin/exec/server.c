#include "standin/exec/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "standin/exec/session_internal.h"
#include "standin/store/permission.h"

enum { FIRST_SPID = 51 };

typedef struct Module {
    const ServerModule *module;
    void *state;
    bool is_started;
} Module;

struct Server {
    Store *store;
    SysRegistry *sys;
    ProcRegistry *procs;
    Fault *fault;
    Configuration *configuration;
    char *name;
    char *sa_password; /* NULL: any */
    int64_t capture_interval_ms, start_us;
    bool captures_at_once;
    atomic_bool is_stopping;
    atomic_ullong rowversion;
    pthread_mutex_t mutex; /* of sessions */
    Session *sessions;
    size_t session_count;
    Module *modules;
    size_t module_count;
};

Store *server_store(Server *server) {
    return server->store;
}
Catalog *server_catalog(Server *server) {
    return store_catalog(server->store);
}
Log *server_log(Server *server) {
    return store_log(server->store);
}
const SysRegistry *server_sys(const Server *server) {
    return server->sys;
}
const ProcRegistry *server_procs(const Server *server) {
    return server->procs;
}
Configuration *server_configuration(const Server *server) {
    return server->configuration;
}
Fault *server_fault(const Server *server) {
    return server->fault;
}
const char *server_name(const Server *server) {
    return server->name;
}
bool server_captures_at_once(const Server *server) {
    return server->captures_at_once;
}
int64_t server_capture_interval_ms(const Server *server) {
    return server->capture_interval_ms;
}
int64_t server_start_us(const Server *server) {
    return server->start_us;
}
bool server_is_stopping(const Server *server) {
    return atomic_load(&server->is_stopping);
}
uint64_t server_next_rowversion(Server *server) {
    return atomic_fetch_add(&server->rowversion, 1) + 1;
}
uint64_t server_last_rowversion(const Server *server) {
    return atomic_load(&server->rowversion);
}

void *server_module_state(const Server *server, const char *module) {
    for (size_t i = 0; i < server->module_count; i++)
        if (strcmp(server->modules[i].module->name, module) == 0) return server->modules[i].state;
    return NULL;
}

bool server_drop_database(Server *server, Session *s, int32_t database_id, SqlError *e) {
    for (size_t i = 0; i < server->module_count; i++) {
        const ServerModule *m = server->modules[i].module;
        if (m->drop_database && !m->drop_database(s, database_id, e)) return false;
    }
    return true;
}

size_t server_session_count(const Server *server) {
    Server *locked = (Server *)server; /* the mutex isn't part of its value */
    (void)pthread_mutex_lock(&locked->mutex);
    size_t n = locked->session_count;
    (void)pthread_mutex_unlock(&locked->mutex);
    return n;
}

/* ---- sessions */

/* The list is in the order of the numbers; the first free one is taken. */
int server_attach(Server *server, Session *s) {
    (void)pthread_mutex_lock(&server->mutex);
    int spid = FIRST_SPID;
    Session *before = NULL, *after = server->sessions;
    for (; after && after->spid == spid; after = after->next) {
        before = after;
        spid++;
    }
    s->spid = spid;
    s->previous = before;
    s->next = after;
    if (after) after->previous = s;
    if (before) before->next = s;
    else server->sessions = s;
    server->session_count++;
    (void)pthread_mutex_unlock(&server->mutex);
    return spid;
}

void server_detach(Server *server, Session *s) {
    (void)pthread_mutex_lock(&server->mutex);
    if (s->next) s->next->previous = s->previous;
    if (s->previous) s->previous->next = s->next;
    else server->sessions = s->next;
    server->session_count--;
    (void)pthread_mutex_unlock(&server->mutex);
}

static bool is_in(const Session *s, int32_t database_id) {
    size_t n = s->held_count;
    for (size_t i = 0; i < n && i < SESSION_MAX_HELD; i++)
        if (s->held_databases[i] == database_id) return true;
    return s->database_id == database_id;
}

bool server_database_in_use(const Server *server, int32_t database_id) {
    Server *locked = (Server *)server; /* the mutex isn't part of its value */
    bool found = false;
    (void)pthread_mutex_lock(&locked->mutex);
    for (const Session *s = server->sessions; s && !found; s = s->next)
        found = !s->is_internal && is_in(s, database_id);
    (void)pthread_mutex_unlock(&locked->mutex);
    return found;
}

void server_show_transaction(Server *server, Session *s, Str name) {
    size_t n = name.n < sizeof s->shown_transaction_name - 1 ? name.n : sizeof s->shown_transaction_name - 1;
    (void)pthread_mutex_lock(&server->mutex);
    if (n) memcpy(s->shown_transaction_name, name.p, n);
    s->shown_transaction_name[n] = '\0';
    (void)pthread_mutex_unlock(&server->mutex);
}

bool server_kill(Server *server, int spid) {
    bool found = false;
    (void)pthread_mutex_lock(&server->mutex);
    for (Session *s = server->sessions; s && !found; s = s->next) {
        if (s->spid != spid || s->is_internal || !s->is_listed) continue;
        found = true;
        s->is_killed = true;
        fault_hang_up(server->fault, spid);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    return found;
}

static int by_spid(const void *a, const void *b) {
    return ((const SessionInfo *)a)->spid - ((const SessionInfo *)b)->spid;
}

size_t server_list_sessions(Server *server, Arena *arena, SessionInfo **ret) {
    size_t n = 0;
    (void)pthread_mutex_lock(&server->mutex);
    *ret = ARENA_ARRAY(arena, SessionInfo, server->session_count + 1);
    for (Session *s = server->sessions; s; s = s->next) {
        if (!s->is_listed) continue;
        (*ret)[n++] =
            (SessionInfo){.spid = s->spid,
                          .database_id = s->database_id,
                          .login = arena_str(arena, str_from(s->original_login)),
                          .host = arena_str(arena, str_from(s->host_name)),
                          .application = arena_str(arena, str_from(s->application)),
                          .login_us = s->login_us,
                          .transport = s->transport,
                          .isolation = s->shown_isolation,
                          .lock_timeout_ms = s->shown_lock_timeout_ms,
                          .open_transactions = s->shown_transactions,
                          .deadlock_priority = s->shown_priority,
                          .is_running = s->is_running,
                          .command = atomic_load(&s->shown_command),
                          .request_us = s->shown_request_us,
                          .transaction_us = s->shown_transaction_us,
                          .transaction_id = s->shown_transaction_id,
                          .transaction_name = arena_str(arena, str_from(s->shown_transaction_name))};
    }
    (void)pthread_mutex_unlock(&server->mutex);
    qsort(*ret, n, sizeof **ret, by_spid);
    return n;
}

void server_set_login(Server *server, Session *s, Str login) {
    (void)pthread_mutex_lock(&server->mutex);
    s->original_login = str_dup(login);
    (void)pthread_mutex_unlock(&server->mutex);
}

bool server_login_in_use(const Server *server, Str login) {
    Server *locked = (Server *)server; /* the mutex isn't part of its value */
    bool found = false;
    (void)pthread_mutex_lock(&locked->mutex);
    for (const Session *s = server->sessions; s && !found; s = s->next)
        found = !s->is_internal && s->original_login && str_eq_icase(str_from(s->original_login), login);
    (void)pthread_mutex_unlock(&locked->mutex);
    return found;
}

/* ---- logins */

bool server_check_login(Server *server, Str user, Str password, SqlError *e) {
    bool is_sa = str_eq_icase(user, STR_LIT("sa")), is_right = false, is_disabled = false;
    if (is_sa) {
        is_right = !server->sa_password || str_eq_c(password, server->sa_password);
    } else {
        CatalogPin pin;
        catalog_pin(server_catalog(server), &pin);
        const Login *l = catalog_login(server_catalog(server), user);
        is_right = l && str_eq_c(password, l->password);
        is_disabled = is_right && (l->is_disabled || (l->deny & PERMISSION_CONNECT_SQL));
        catalog_unpin(server_catalog(server), &pin);
    }
    if (is_disabled)
        return sql_error_set(e, 18470, 14, 1,
                             "Login failed for user '" STR_FMT "'. Reason: The account is disabled.",
                             STR_ARG(user));
    return is_right || sql_error_set(e, 18456, 14, 1, "Login failed for user '" STR_FMT "'.", STR_ARG(user));
}

/* ---- life */

static bool start_modules(Server *server, Err *e) {
    for (size_t i = 0; i < server->module_count; i++) {
        Module *m = &server->modules[i];
        if (m->module->start && !m->module->start(server, &m->state, e))
            return err_wrap(e, "%s", m->module->name);
        m->is_started = true;
    }
    return true;
}

bool server_open(const char *dir, const ServerOptions *options, Server **ret, Err *e) {
    Server *server = x_calloc(1, sizeof *server);
    char host[256] = "standin";
    (void)gethostname(host, sizeof host - 1);
    (void)pthread_mutex_init(&server->mutex, NULL);
    server->name = x_strdup(options->name ? options->name : host);
    server->sa_password = options->sa_password ? x_strdup(options->sa_password) : NULL;
    server->capture_interval_ms = options->capture_interval_ms;
    server->captures_at_once = options->captures_at_once;
    server->start_us = clock_wall_us();
    /* Of the clock, so that a restart goes on above what it gave before. */
    atomic_store(&server->rowversion, (uint64_t)server->start_us);
    server->sys = sysregistry_new();
    server->procs = procregistry_new();
    server->fault = fault_new();
    server->configuration = configuration_new();
    procs_core_add(server->procs);
    for (size_t i = 0; options->modules && options->modules[i]; i++) {
        server->modules = x_reallocarray(server->modules, i + 1, sizeof *server->modules);
        server->modules[i] = (Module){.module = options->modules[i]};
        server->module_count = i + 1;
        if (options->modules[i]->add) options->modules[i]->add(server->sys, server->procs);
    }
    if (!store_open(dir, &server->store, e) || !configuration_load(server->configuration, server->store, e) ||
        !start_modules(server, e)) {
        (void)server_close(server);
        return false;
    }
    LOG_INFO("storage_open", LOG_S("dir", dir));
    *ret = server;
    return true;
}

void server_stop(Server *server) {
    atomic_store(&server->is_stopping, true);
    log_wake(server_log(server));
}

Server *server_close(Server *server) {
    if (!server) return NULL;
    if (server->store) server_stop(server);
    for (size_t i = server->module_count; i-- > 0;) {
        Module *m = &server->modules[i];
        if (m->is_started && m->module->stop) m->module->stop(m->state);
    }
    server->store = store_close(server->store);
    server->sys = sysregistry_free(server->sys);
    server->procs = procregistry_free(server->procs);
    server->fault = fault_free(server->fault);
    server->configuration = configuration_free(server->configuration);
    (void)pthread_mutex_destroy(&server->mutex);
    free(server->modules);
    free(server->name);
    free(server->sa_password);
    free(server);
    return NULL;
}
