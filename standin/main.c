/* The stand-in's program: options, start, wait for SIGINT or SIGTERM, orderly end. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "standin/cdc/cdc.h"
#include "standin/exec/server.h"
#include "standin/system/system.h"
#include "standin/tds/listener.h"
#include "standin/tds/prelogin.h"
#include "standin/tds/tls.h"
#include "standin/types/product.h"

enum { EXIT_USAGE = 2, MAX_PASSWORD = 128 };

static const char help[] =
    "Usage: standin --data DIR [option]...\n"
    "A stand-in for SQL Server, for tests: TDS 7.4 on 127.0.0.1, T-SQL and change data capture.\n"
    "\n"
    "  --data DIR                where the databases are (made if absent)\n"
    "  --port N                  TCP port; 0 takes a free one (default 1433)\n"
    "  --port-file FILE          write the port into FILE once connections are accepted\n"
    "  --password-file FILE      sa's password: the file's first line\n"
    "                            (else the environment's STANDIN_PASSWORD; else any password is accepted)\n"
    "  --name NAME               @@SERVERNAME (default: the host's name)\n"
    "  --encryption MODE         optional: as the client asks, its login in any case (default);\n"
    "                            required: no client without it; off: none\n"
    "  --tls-cert FILE           PEM certificate (chain), with its --tls-key FILE (default: self-signed)\n"
    "  --tls-cert-out FILE       write the certificate into FILE, for clients that verify it\n"
    "  --capture-interval-ms N   how often the capture jobs scan the log (default: each job's own setting)\n"
    "  --capture-at-once         they scan it as soon as something is committed\n"
    "  --log-level LEVEL         debug, info, warn or error (default info); the log goes to stderr\n"
    "  --help, --version\n"
    "\n"
    "The first login is sa, a sysadmin. The port is printed on stdout as `port=N`. SIGINT or SIGTERM ends "
    "the server.\n";

typedef struct Options {
    const char *data, *port_file, *password_file, *name;
    const char *tls_cert, *tls_key, *tls_cert_out;
    PreloginTls encryption;
    int64_t port, capture_interval_ms;
    bool captures_at_once;
    LogLevel log_level;
} Options;

enum {
    OPT_DATA = 256,
    OPT_PORT,
    OPT_PORT_FILE,
    OPT_PASSWORD_FILE,
    OPT_NAME,
    OPT_ENCRYPTION,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_TLS_CERT_OUT,
    OPT_CAPTURE,
    OPT_AT_ONCE,
    OPT_LOG,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"data", required_argument, NULL, OPT_DATA},
    {"port", required_argument, NULL, OPT_PORT},
    {"port-file", required_argument, NULL, OPT_PORT_FILE},
    {"password-file", required_argument, NULL, OPT_PASSWORD_FILE},
    {"name", required_argument, NULL, OPT_NAME},
    {"encryption", required_argument, NULL, OPT_ENCRYPTION},
    {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
    {"tls-key", required_argument, NULL, OPT_TLS_KEY},
    {"tls-cert-out", required_argument, NULL, OPT_TLS_CERT_OUT},
    {"capture-interval-ms", required_argument, NULL, OPT_CAPTURE},
    {"capture-at-once", no_argument, NULL, OPT_AT_ONCE},
    {"log-level", required_argument, NULL, OPT_LOG},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static bool parse_level(const char *text, LogLevel *ret, Err *e) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *ret = (LogLevel)i;
        return true;
    }
    return err_set(e, ERR_INVALID, false, "--log-level is debug, info, warn or error, not '%s'", text);
}

static bool parse_encryption(const char *text, PreloginTls *ret, Err *e) {
    static const char *const names[] = {
        [PRELOGIN_TLS_NONE] = "off",
        [PRELOGIN_TLS_OPTIONAL] = "optional",
        [PRELOGIN_TLS_REQUIRED] = "required",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *ret = (PreloginTls)i;
        return true;
    }
    return err_set(e, ERR_INVALID, false, "--encryption is optional, required or off, not '%s'", text);
}

static bool parse_number(const char *option, int64_t hi, int64_t *ret, Err *e) {
    return str_to_i64(str_from(optarg), 0, hi, ret, e) || err_wrap(e, "%s", option);
}

/* *ret_is_info: --help or --version was answered. */
static bool parse_options(int argc, char **argv, Options *o, bool *ret_is_info, Err *e) {
    bool ok = true;
    for (int option; ok && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (option) {
        case OPT_DATA: o->data = optarg; break;
        case OPT_PORT: ok = parse_number("--port", UINT16_MAX, &o->port, e); break;
        case OPT_PORT_FILE: o->port_file = optarg; break;
        case OPT_PASSWORD_FILE: o->password_file = optarg; break;
        case OPT_NAME: o->name = optarg; break;
        case OPT_ENCRYPTION: ok = parse_encryption(optarg, &o->encryption, e); break;
        case OPT_TLS_CERT: o->tls_cert = optarg; break;
        case OPT_TLS_KEY: o->tls_key = optarg; break;
        case OPT_TLS_CERT_OUT: o->tls_cert_out = optarg; break;
        case OPT_CAPTURE:
            ok = parse_number("--capture-interval-ms", 3600000, &o->capture_interval_ms, e);
            break;
        case OPT_AT_ONCE: o->captures_at_once = true; break;
        case OPT_LOG: ok = parse_level(optarg, &o->log_level, e); break;
        case OPT_HELP:
            (void)fputs(help, stdout);
            *ret_is_info = true;
            return true;
        case OPT_VERSION:
            (void)printf("standin %s\n", MILLRACE_VERSION);
            *ret_is_info = true;
            return true;
        default: return err_set(e, ERR_INVALID, false, "see --help"); /* getopt has told what is wrong */
        }
    }
    if (!ok) return false;
    if (optind < argc) return err_set(e, ERR_INVALID, false, "unexpected argument '%s'", argv[optind]);
    if (!o->data) return err_set(e, ERR_INVALID, false, "--data is missing");
    if (o->encryption == PRELOGIN_TLS_NONE && (o->tls_cert || o->tls_key || o->tls_cert_out))
        return err_set(e, ERR_INVALID, false, "a certificate, but --encryption is off");
    return true;
}

/* sa's password into buf; *ret stays NULL when none was given. */
static bool read_password(const Options *o, char buf[static MAX_PASSWORD], const char **ret, Err *e) {
    if (!o->password_file) {
        *ret = getenv("STANDIN_PASSWORD");
        return true;
    }
    FILE *f = fopen(o->password_file, "re");
    if (!f) return err_set(e, ERR_INVALID, false, "%s: %s", o->password_file, strerror(errno));
    bool ok = fgets(buf, MAX_PASSWORD, f) != NULL;
    (void)fclose(f);
    if (!ok) return err_set(e, ERR_INVALID, false, "%s has no first line", o->password_file);
    buf[strcspn(buf, "\r\n")] = '\0';
    *ret = buf;
    return true;
}

/* Whoever waits for the file sees it whole: it is renamed into place. */
static bool write_port_file(const char *path, uint16_t port, Err *e) {
    CLEANUP_FREE char *temporary = x_asprintf("%s.tmp", path);
    FILE *f = fopen(temporary, "we");
    if (!f) return err_set(e, ERR_IO, false, "%s: %s", temporary, strerror(errno));
    bool is_written = fprintf(f, "%u\n", port) > 0;
    if (fclose(f) != 0 || !is_written || rename(temporary, path) != 0) {
        return err_set(e, ERR_IO, false, "%s: %s", path, strerror(errno));
    }
    return true;
}

static bool announce(const Options *o, uint16_t port, Err *e) {
    (void)printf("port=%u\n", port);
    (void)fflush(stdout);
    LOG_INFO("standin_ready", LOG_I("port", port), LOG_S("data", o->data));
    return !o->port_file || write_port_file(o->port_file, port, e);
}

/* *ret_tls stays NULL when encryption is off. */
static bool open_tls(const Options *o, TlsServer **ret_tls, Err *e) {
    if (o->encryption == PRELOGIN_TLS_NONE) return true;
    if (!tls_server_new(o->tls_cert, o->tls_key, ret_tls, e)) return false;
    return !o->tls_cert_out || tls_server_write_certificate(*ret_tls, o->tls_cert_out, e);
}

/* Listen until a signal comes. */
static bool listen_and_wait(const Options *o, Server *server, const sigset_t *stop_signals, Err *e) {
    TlsServer *tls = NULL;
    Listener *listener = NULL;
    bool ok = open_tls(o, &tls, e);
    if (ok) {
        ConnectionOptions options = {.tls = tls, .requires_tls = o->encryption == PRELOGIN_TLS_REQUIRED};
        ok = listener_open(server, (uint16_t)o->port, &options, &listener, e);
    }
    if (ok) {
        int signal_number = 0;
        ok = announce(o, listener_port(listener), e);
        if (ok) (void)sigwait(stop_signals, &signal_number);
        LOG_INFO("standin_stopping", LOG_I("signal", signal_number));
        server_stop(server);
        listener = listener_close(listener);
    }
    tls = tls_server_free(tls);
    return ok;
}

static bool serve(const Options *o, const sigset_t *stop_signals, Err *e) {
    static const ServerModule *const modules[] = {&cdc_module, &system_module, NULL};
    char buf[MAX_PASSWORD];
    ServerOptions options = {.name = o->name,
                             .capture_interval_ms = o->capture_interval_ms,
                             .captures_at_once = o->captures_at_once,
                             .modules = modules};
    Server *server;
    if (!read_password(o, buf, &options.sa_password, e)) return false;
    if (!server_open(o->data, &options, &server, e)) return err_wrap(e, "opening %s", o->data);
    bool ok = listen_and_wait(o, server, stop_signals, e);
    server = server_close(server);
    return ok;
}

int main(int argc, char **argv) {
    Options o = {.port = 1433, .log_level = LOG_LEVEL_INFO, .encryption = PRELOGIN_TLS_OPTIONAL};
    Err e = {0};
    bool is_info = false;
    if (!parse_options(argc, argv, &o, &is_info, &e)) {
        (void)fprintf(stderr, "standin: %s\n", e.msg);
        return EXIT_USAGE;
    }
    if (is_info) return EXIT_SUCCESS;
    log_set_level(o.log_level);
    sigset_t stop_signals; /* blocked before any thread starts: only sigwait takes them */
    (void)sigemptyset(&stop_signals);
    (void)sigaddset(&stop_signals, SIGINT);
    (void)sigaddset(&stop_signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (serve(&o, &stop_signals, &e)) return EXIT_SUCCESS;
    LOG_ERROR("standin_failed", LOG_S("reason", e.msg));
    return EXIT_FAILURE;
}
