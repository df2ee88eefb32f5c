/*
 * The three kinds of address share one shape, scheme://[user[:password]@]hosts/path?key=value&…, so they are
 * taken apart once (split_url) and then given each its meaning. pgjdbc's options are one table: libpq's
 * keyword for those that libpq has, and for the others a reason why they have nothing to act on.
 */
#include "config/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef struct Url {
    Str user; /* still encoded, as all below */
    bool has_user, has_password;
    Str hosts; /* "host:port,host:port" */
    Str path;  /* behind the slash */
    Str query; /* behind the question mark */
} Url;

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool url_decode(Str s, Buf *ret, Err *e) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            buf_u8(ret, (uint8_t)s.p[i]);
            continue;
        }
        int hi = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
        int lo = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;
        if (hi < 0 || lo < 0)
            return err_set(e, ERR_INVALID, false, "a '%%' that two hexadecimal digits don't follow");
        if (hi == 0 && lo == 0) return err_set(e, ERR_INVALID, false, "a NUL ('%%00') can't be part of it");
        buf_u8(ret, (uint8_t)(hi << 4 | lo));
        i += 2;
    }
    return true;
}

/* rest: what stands behind "scheme://". */
static Url split_url(Str rest) {
    Url url = {0};
    size_t question = str_find(rest, '?');
    url.query = str_sub(rest, question + 1, rest.n);
    rest = str_sub(rest, 0, question);
    size_t slash = str_find(rest, '/');
    url.path = str_sub(rest, slash + 1, rest.n);
    Str authority = str_sub(rest, 0, slash);
    size_t at = authority.n; /* the last '@': a user name may hold one that nobody encoded */
    while (at > 0 && authority.p[at - 1] != '@') at--;
    url.has_user = at > 0;
    if (url.has_user) {
        Str user = str_sub(authority, 0, at - 1);
        size_t colon = str_find(user, ':');
        url.has_password = colon < user.n;
        url.user = str_sub(user, 0, colon);
    }
    url.hosts = str_sub(authority, at, authority.n);
    return url;
}

/* Cut "key=value" off a query; a key alone has an empty value. */
static bool next_parameter(Str *query, Str *key, Str *value) {
    Str pair;
    do {
        if (!str_split(query, '&', &pair)) return false;
    } while (pair.n == 0);
    size_t equals = str_find(pair, '=');
    *key = str_sub(pair, 0, equals);
    *value = str_sub(pair, equals + 1, pair.n);
    return true;
}

/* "host", "host:port", "[::1]:port"; *port is empty when there is none. */
static bool split_host(Str text, Str *host, Str *port, Err *e) {
    size_t colon;
    if (text.n > 0 && text.p[0] == '[') {
        size_t close = str_find(text, ']');
        if (close == text.n) return err_set(e, ERR_INVALID, false, "an address in '[' without its ']'");
        *host = str_sub(text, 1, close - 1);
        colon = close + 1;
        if (colon < text.n && text.p[colon] != ':')
            return err_set(e, ERR_INVALID, false, "expected a port or nothing behind ']'");
    } else {
        colon = str_find(text, ':');
        *host = str_sub(text, 0, colon);
        if (str_find(str_sub(text, colon + 1, text.n), ':') < str_sub(text, colon + 1, text.n).n)
            return err_set(e, ERR_INVALID, false, "an IPv6 address goes in brackets: [::1]");
    }
    *port = str_sub(text, colon + 1, text.n);
    int64_t number;
    if (colon >= text.n) return true;
    return str_to_i64(*port, 1, 65535, &number, e) || err_set(e, ERR_INVALID, false, "port: %s", e->msg);
}

static bool is_password_key(Str key) {
    static const char *const keys[] = {"password",          "pwd",         "passwd",
                                       "database.password", "sslpassword", "trustStorePassword"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (str_eq_icase(key, str_from(keys[i]))) return true;
    return false;
}

static Str behind_scheme(Str url) {
    const char *at = url.n ? memmem(url.p, url.n, "://", 3) : NULL;
    return at ? str_sub(url, (size_t)(at - url.p) + 3, url.n) : url; /* jdbc:postgresql:database?… */
}

static bool has_password(Str text) {
    Url url = split_url(behind_scheme(text));
    Str query = url.query, key, value;
    bool found = url.has_password;
    while (!found && next_parameter(&query, &key, &value)) found = is_password_key(key);
    return found;
}

bool url_refuse_password(const char *url, const char *origin, const char *how, Err *e) {
    if (!has_password(str_from(url))) return true;
    return err_set(e, ERR_INVALID, false,
                   "%s: a password in the URL can be seen by every user of this machine: use %s", origin,
                   how);
}

/* ---- mssql:// ---- */

static bool set_decoded(Props *props, const char *key, Str value, const char *origin, Err *e) {
    CLEANUP(buf_done) Buf text = {0};
    if (!url_decode(value, &text, e)) return err_wrap(e, "%s", key);
    props_set(props, key, buf_view(&text), origin, 0);
    return true;
}

/* host[\instance][:port]; the backslash may be encoded. */
static bool set_mssql_host(const Url *url, const char *origin, Props *ret, Err *e) {
    CLEANUP(buf_done) Buf text = {0};
    Str host, port;
    if (!url_decode(url->hosts, &text, e)) return false;
    if (!split_host(buf_view(&text), &host, &port, e)) return false;
    size_t backslash = str_find(host, '\\');
    Str instance = str_sub(host, backslash + 1, host.n);
    host = str_sub(host, 0, backslash);
    if (host.n == 0) return err_set(e, ERR_INVALID, false, "no host");
    props_set(ret, "database.hostname", host, origin, 0);
    if (instance.n) props_set(ret, "database.instance", instance, origin, 0);
    if (port.n) props_set(ret, "database.port", port, origin, 0);
    return true;
}

static bool set_mssql_parameters(Str query, const char *origin, Props *ret, Err *e) {
    Str key, value;
    while (next_parameter(&query, &key, &value)) {
        CLEANUP(buf_done) Buf name = {0};
        if (str_eq_c(key, "tables")) buf_cstr(&name, "table.include.list");
        else if (str_find(key, '.') < key.n) buf_str(&name, key);
        else buf_printf(&name, "database." STR_FMT, STR_ARG(key));
        if (!set_decoded(ret, buf_text(&name), value, origin, e)) return false;
    }
    return true;
}

static bool parse_mssql(Str text, const char *origin, Props *ret, Err *e) {
    if (!str_starts(text, STR_LIT("mssql://")))
        return err_set(e, ERR_INVALID, false, "expected mssql://user@host[\\instance][:port]/database");
    Url url = split_url(behind_scheme(text));
    if (!set_mssql_host(&url, origin, ret, e)) return false;
    if (url.user.n && !set_decoded(ret, "database.user", url.user, origin, e)) return false;
    if (url.path.n == 0)
        return err_set(e, ERR_INVALID, false, "no database: expected one behind the host's '/'");
    if (!set_decoded(ret, "database.names", url.path, origin, e)) return false;
    return set_mssql_parameters(url.query, origin, ret, e);
}

bool url_parse_mssql(const char *url, const char *origin, Props *ret, Err *e) {
    if (!url_refuse_password(url, origin, "the environment variable MILLRACE_SOURCE_PASSWORD, or a file", e))
        return false;
    return parse_mssql(str_from(url), origin, ret, e) || err_wrap(e, "%s", origin);
}

/* ---- jdbc:postgresql:// ---- */

typedef enum JdbcKind {
    JDBC_KEYWORD,        /* the same as libpq's keyword */
    JDBC_ON_OFF,         /* true, false as 1, 0 */
    JDBC_SSL,            /* ssl: true is sslmode=verify-full */
    JDBC_SSL_FACTORY,    /* sslfactory: one of them means "don't verify" */
    JDBC_SEARCH_PATH,    /* currentSchema */
    JDBC_SERVER_OPTIONS, /* options */
    JDBC_TARGET,         /* targetServerType */
    JDBC_NO_SENSE,
} JdbcKind;

typedef struct JdbcOption {
    const char *name;
    JdbcKind kind;
    const char *to; /* keyword, or why it has no sense */
} JdbcOption;

static const char WRITES_OWN_WAY[] = "rows are written by COPY and arrays, not by JDBC batches";
static const char TYPES_OWN_WAY[] = "values are sent in the column's own type";
static const char NO_STATEMENTS[] = "statements are prepared once per table";
static const char NO_RESULTS[] = "it concerns reading results";
static const char JAVA_ONLY[] = "it concerns the Java driver only";
static const char NO_EQUIVALENT[] = "libpq has nothing of the kind";

static const JdbcOption JDBC_OPTIONS[] = {
    {"user", JDBC_KEYWORD, "user"},
    {"password", JDBC_KEYWORD, "password"},
    {"ssl", JDBC_SSL, NULL},
    {"sslmode", JDBC_KEYWORD, "sslmode"},
    {"sslrootcert", JDBC_KEYWORD, "sslrootcert"},
    {"sslcert", JDBC_KEYWORD, "sslcert"},
    {"sslkey", JDBC_KEYWORD, "sslkey"},
    {"sslpassword", JDBC_KEYWORD, "sslpassword"},
    {"sslfactory", JDBC_SSL_FACTORY, NULL},
    {"gssEncMode", JDBC_KEYWORD, "gssencmode"},
    {"channelBinding", JDBC_KEYWORD, "channel_binding"},
    {"kerberosServerName", JDBC_KEYWORD, "krbsrvname"},
    {"currentSchema", JDBC_SEARCH_PATH, NULL},
    {"options", JDBC_SERVER_OPTIONS, NULL},
    {"ApplicationName", JDBC_KEYWORD, "application_name"},
    {"connectTimeout", JDBC_KEYWORD, "connect_timeout"},
    {"loginTimeout", JDBC_KEYWORD, "connect_timeout"},
    {"tcpKeepAlive", JDBC_ON_OFF, "keepalives"},
    {"targetServerType", JDBC_TARGET, NULL},
    {"reWriteBatchedInserts", JDBC_NO_SENSE, WRITES_OWN_WAY},
    {"stringtype", JDBC_NO_SENSE, TYPES_OWN_WAY},
    {"binaryTransfer", JDBC_NO_SENSE, TYPES_OWN_WAY},
    {"binaryTransferEnable", JDBC_NO_SENSE, TYPES_OWN_WAY},
    {"binaryTransferDisable", JDBC_NO_SENSE, TYPES_OWN_WAY},
    {"prepareThreshold", JDBC_NO_SENSE, NO_STATEMENTS},
    {"preparedStatementCacheQueries", JDBC_NO_SENSE, NO_STATEMENTS},
    {"preparedStatementCacheSizeMiB", JDBC_NO_SENSE, NO_STATEMENTS},
    {"preferQueryMode", JDBC_NO_SENSE, NO_STATEMENTS},
    {"autosave", JDBC_NO_SENSE, NO_STATEMENTS},
    {"cleanupSavepoints", JDBC_NO_SENSE, NO_STATEMENTS},
    {"defaultRowFetchSize", JDBC_NO_SENSE, NO_RESULTS},
    {"adaptiveFetch", JDBC_NO_SENSE, NO_RESULTS},
    {"adaptiveFetchMinimum", JDBC_NO_SENSE, NO_RESULTS},
    {"adaptiveFetchMaximum", JDBC_NO_SENSE, NO_RESULTS},
    {"maxResultBuffer", JDBC_NO_SENSE, NO_RESULTS},
    {"unknownLength", JDBC_NO_SENSE, NO_RESULTS},
    {"disableColumnSanitiser", JDBC_NO_SENSE, NO_RESULTS},
    {"databaseMetadataCacheFields", JDBC_NO_SENSE, NO_RESULTS},
    {"databaseMetadataCacheFieldsMiB", JDBC_NO_SENSE, NO_RESULTS},
    {"hideUnprivilegedObjects", JDBC_NO_SENSE, NO_RESULTS},
    {"readOnly", JDBC_NO_SENSE, "a sink writes"},
    {"readOnlyMode", JDBC_NO_SENSE, "a sink writes"},
    {"replication", JDBC_NO_SENSE, "a sink doesn't read the log"},
    {"assumeMinServerVersion", JDBC_NO_SENSE, JAVA_ONLY},
    {"allowEncodingChanges", JDBC_NO_SENSE, "the client's encoding is UTF-8 always"},
    {"escapeSyntaxCallMode", JDBC_NO_SENSE, JAVA_ONLY},
    {"groupStartupParameters", JDBC_NO_SENSE, JAVA_ONLY},
    {"quoteReturningIdentifiers", JDBC_NO_SENSE, JAVA_ONLY},
    {"gsslib", JDBC_NO_SENSE, JAVA_ONLY},
    {"jaasApplicationName", JDBC_NO_SENSE, JAVA_ONLY},
    {"jaasLogin", JDBC_NO_SENSE, JAVA_ONLY},
    {"sspiServiceClass", JDBC_NO_SENSE, JAVA_ONLY},
    {"useSpnego", JDBC_NO_SENSE, JAVA_ONLY},
    {"gssUseDefaultCreds", JDBC_NO_SENSE, JAVA_ONLY},
    {"authenticationPluginClassName", JDBC_NO_SENSE, JAVA_ONLY},
    {"loggerLevel", JDBC_NO_SENSE, JAVA_ONLY},
    {"loggerFile", JDBC_NO_SENSE, JAVA_ONLY},
    {"logUnclosedConnections", JDBC_NO_SENSE, JAVA_ONLY},
    {"logServerErrorDetail", JDBC_NO_SENSE, "a server's DETAIL is never logged: it holds row data"},
    {"socketFactory", JDBC_NO_SENSE, JAVA_ONLY},
    {"socketFactoryArg", JDBC_NO_SENSE, JAVA_ONLY},
    {"sslfactoryarg", JDBC_NO_SENSE, JAVA_ONLY},
    {"sslhostnameverifier", JDBC_NO_SENSE, JAVA_ONLY},
    {"sslpasswordcallback", JDBC_NO_SENSE, JAVA_ONLY},
    {"sslResponseTimeout", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"sslNegotiation", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"xmlFactoryFactory", JDBC_NO_SENSE, JAVA_ONLY},
    {"service", JDBC_KEYWORD, "service"},
    {"socketTimeout", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"queryTimeout", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"cancelSignalTimeout", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"hostRecheckSeconds", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"loadBalanceHosts", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"localSocketAddress", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"receiveBufferSize", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"sendBufferSize", JDBC_NO_SENSE, NO_EQUIVALENT},
    {"maxSendBufferSize", JDBC_NO_SENSE, NO_EQUIVALENT},
};
enum { JDBC_OPTION_COUNT = sizeof JDBC_OPTIONS / sizeof *JDBC_OPTIONS };

/* What several of pgjdbc's options together make of one of libpq's. */
typedef struct JdbcState {
    Buf *conninfo;
    Buf server_options; /* libpq's `options` */
    bool is_ssl, has_sslmode, verifies_nothing;
    TextList *notes;
} JdbcState;

void url_add_conninfo(Buf *conninfo, const char *keyword, Str value) {
    buf_printf(conninfo, "%s%s='", conninfo->n ? " " : "", keyword);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\'' || value.p[i] == '\\') buf_u8(conninfo, '\\');
        buf_u8(conninfo, (uint8_t)value.p[i]);
    }
    buf_u8(conninfo, '\'');
}

static const JdbcOption *find_jdbc_option(Str name) {
    for (size_t i = 0; i < JDBC_OPTION_COUNT; i++)
        if (str_eq_c(name, JDBC_OPTIONS[i].name)) return &JDBC_OPTIONS[i];
    return NULL;
}

static bool unknown_jdbc_option(Str name, Err *e) {
    const char *names[JDBC_OPTION_COUNT];
    for (size_t i = 0; i < JDBC_OPTION_COUNT; i++) names[i] = JDBC_OPTIONS[i].name;
    const char *near = str_nearest(name, names, JDBC_OPTION_COUNT);
    return err_set(e, ERR_INVALID, false, "unknown option '" STR_FMT "' of pgjdbc%s%s%s", STR_ARG(name),
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* Blanks and backslashes are escaped in what the server splits again. */
static void add_search_path(Buf *options, Str schemas) {
    buf_cstr(options, options->n ? " -c search_path=" : "-c search_path=");
    for (size_t i = 0; i < schemas.n; i++) {
        if (schemas.p[i] == ' ' || schemas.p[i] == '\\') buf_u8(options, '\\');
        buf_u8(options, (uint8_t)schemas.p[i]);
    }
}

static bool add_target(JdbcState *s, Str value, Err *e) {
    static const char *const map[][2] = {{"any", "any"},
                                         {"primary", "primary"},
                                         {"master", "primary"},
                                         {"secondary", "standby"},
                                         {"slave", "standby"},
                                         {"preferSecondary", "prefer-standby"},
                                         {"preferSlave", "prefer-standby"},
                                         {"preferPrimary", "any"}};
    for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
        if (!str_eq_icase(value, str_from(map[i][0]))) continue;
        url_add_conninfo(s->conninfo, "target_session_attrs", str_from(map[i][1]));
        return true;
    }
    return err_set(e, ERR_INVALID, false,
                   "expected any, primary, secondary, preferPrimary or preferSecondary");
}

static bool is_true(Str value) {
    return value.n == 0 || str_eq_icase(value, STR_LIT("true"));
}

static bool add_jdbc_option(JdbcState *s, const JdbcOption *option, Str value, Err *e) {
    switch (option->kind) {
    case JDBC_KEYWORD:
        url_add_conninfo(s->conninfo, option->to, value);
        if (strcmp(option->name, "sslmode") == 0) s->has_sslmode = true;
        return true;
    case JDBC_ON_OFF:
        url_add_conninfo(s->conninfo, option->to, is_true(value) ? STR_LIT("1") : STR_LIT("0"));
        return true;
    case JDBC_SSL: s->is_ssl = is_true(value); return true;
    case JDBC_SSL_FACTORY:
        s->verifies_nothing = str_eq_c(value, "org.postgresql.ssl.NonValidatingFactory");
        bool is_default = str_eq_c(value, "org.postgresql.ssl.LibPQFactory");
        if (!s->verifies_nothing && !is_default)
            textlist_printf(s->notes,
                            "sslfactory has no effect here: certificates are libpq's (sslrootcert)");
        return true;
    case JDBC_SEARCH_PATH: add_search_path(&s->server_options, value); return true;
    case JDBC_SERVER_OPTIONS:
        if (s->server_options.n) buf_u8(&s->server_options, ' ');
        buf_str(&s->server_options, value);
        return true;
    case JDBC_TARGET: return add_target(s, value, e);
    case JDBC_NO_SENSE:
        textlist_printf(s->notes, "%s has no effect here: %s", option->name, option->to);
        return true;
    }
    return err_set(e, ERR_INTERNAL, false, "kind %d of a pgjdbc option", (int)option->kind);
}

/* pgjdbc decodes as Java's URLDecoder, where '+' is a blank. */
static bool decode_java(Str s, Buf *ret, Err *e) {
    size_t from = ret->n;
    CLEANUP_FREE char *copy = str_dup(s);
    for (size_t i = 0; i < s.n; i++)
        if (copy[i] == '+') copy[i] = ' ';
    bool ok = url_decode((Str){copy, s.n}, ret, e);
    explicit_bzero(copy, s.n);
    if (!ok) ret->n = from;
    return ok;
}

static void wipe_buf(Buf *b) {
    if (b->p) explicit_bzero(b->p, b->cap);
    buf_done(b);
}

static bool add_jdbc_parameters(JdbcState *s, Str query, Err *e) {
    Str key, value;
    while (next_parameter(&query, &key, &value)) {
        CLEANUP(wipe_buf) Buf text = {0};
        const JdbcOption *option = find_jdbc_option(key);
        if (!option) return unknown_jdbc_option(key, e);
        if (!decode_java(value, &text, e) || !add_jdbc_option(s, option, buf_view(&text), e))
            return err_wrap(e, "%s", option->name);
    }
    if (s->is_ssl && !s->has_sslmode)
        url_add_conninfo(s->conninfo, "sslmode",
                         s->verifies_nothing ? STR_LIT("require") : STR_LIT("verify-full"));
    if (s->server_options.n) url_add_conninfo(s->conninfo, "options", buf_view(&s->server_options));
    return true;
}

static bool add_jdbc_hosts(Str hosts, Buf *conninfo, Err *e) {
    CLEANUP(buf_done) Buf names = {0};
    CLEANUP(buf_done) Buf ports = {0};
    Str one, host, port;
    if (hosts.n == 0) hosts = STR_LIT("localhost");
    while (str_split(&hosts, ',', &one)) {
        if (!split_host(one, &host, &port, e)) return false;
        if (names.n) buf_u8(&names, ',');
        if (ports.n) buf_u8(&ports, ',');
        buf_str(&names, host.n ? host : STR_LIT("localhost"));
        buf_str(&ports, port.n ? port : STR_LIT("5432"));
    }
    url_add_conninfo(conninfo, "host", buf_view(&names));
    url_add_conninfo(conninfo, "port", buf_view(&ports));
    return true;
}

/* jdbc:postgresql://hosts/database?…, or jdbc:postgresql:database?… on this machine. */
static bool add_jdbc(Str rest, JdbcState *s, Err *e) {
    bool has_hosts = str_starts(rest, STR_LIT("//"));
    size_t question = str_find(rest, '?');
    Url url = {.query = str_sub(rest, question + 1, rest.n), .path = str_sub(rest, 0, question)};
    if (has_hosts) {
        Str address = str_sub(rest, 2, question - 2);
        size_t slash = str_find(address, '/');
        url.hosts = str_sub(address, 0, slash);
        url.path = str_sub(address, slash + 1, address.n);
    }
    if (str_find(url.hosts, '@') < url.hosts.n)
        return err_set(e, ERR_INVALID, false,
                       "a user goes into connection.user or ?user=, not before an '@'");
    CLEANUP(buf_done) Buf database = {0};
    if (!add_jdbc_hosts(url.hosts, s->conninfo, e)) return false;
    if (!decode_java(url.path, &database, e)) return err_wrap(e, "database");
    if (database.n) url_add_conninfo(s->conninfo, "dbname", buf_view(&database));
    url_add_conninfo(s->conninfo, "connect_timeout", STR_LIT("10")); /* pgjdbc's default; a later one wins */
    return add_jdbc_parameters(s, url.query, e);
}

bool url_to_conninfo(const char *url, Buf *ret, TextList *notes, Err *e) {
    Str text = str_from(url);
    if (str_starts(text, STR_LIT("postgresql://")) || str_starts(text, STR_LIT("postgres://"))) {
        buf_str(ret, text);
        return true;
    }
    const Str jdbc = STR_LIT("jdbc:postgresql:");
    if (!str_starts(text, jdbc))
        return err_set(e, ERR_INVALID, false, "expected postgresql://… or jdbc:postgresql://…");
    JdbcState state = {.conninfo = ret, .notes = notes};
    bool ok = add_jdbc(str_sub(text, jdbc.n, text.n), &state, e);
    buf_done(&state.server_options);
    return ok;
}
