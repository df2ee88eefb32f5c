#include "convert/avro_option.h"

#include <string.h>

#include "base/mem.h"
#include "config/secret.h"
#include "config/url.h"

#define STRATEGY_CONFLUENT "io.confluent.kafka.serializers.subject."
#define STRATEGY_APICURIO  "io.apicurio.registry.serde.strategy."

/* Confluent's client takes its properties with this in front too. */
#define CLIENT "schema.registry."

static const char *const subject_classes[] = {STRATEGY_CONFLUENT "TopicNameStrategy",
                                              STRATEGY_CONFLUENT "RecordNameStrategy",
                                              STRATEGY_CONFLUENT "TopicRecordNameStrategy", NULL};
static const char *const resolver_classes[] = {
    STRATEGY_APICURIO "TopicIdStrategy", "io.apicurio.registry.serde.avro.strategy.QualifiedRecordIdStrategy",
    STRATEGY_APICURIO "SimpleTopicIdStrategy", NULL};
static const char *const credential_sources[] = {"URL", "USER_INFO", NULL};
static const char *const bearer_sources[] = {"STATIC_TOKEN", NULL};
static const char *const oauth_sources[] = {"OAUTHBEARER", "SASL_OAUTHBEARER_INHERIT", "CUSTOM", NULL};
static const char *const inherit_sources[] = {"SASL_INHERIT", NULL};
static const char *const store_types[] = {"PEM", NULL};
static const char *const java_store_types[] = {"JKS", "PKCS12", NULL};
static const char *const id_kinds[] = {"globalId", "contentId", NULL};

#define COMMON_ROWS                                                                                          \
    {.key = "connect.meta.data",                                                                             \
     .type = OPTION_BOOL,                                                                                    \
     .importance = OPTION_LOW,                                                                               \
     .standard = "true",                                                                                     \
     .help = "Whether schemas in Avro carry what Connect knows beyond Avro: names, versions, parameters, "   \
             "documentation."},                                                                              \
        OPTION_REFUSED_ROW("enhanced.avro.schema.support", OPTION_BOOL, "enums are texts",                   \
                           .standard = "false", .help = "Enums stay enums, names keep their package."),      \
        OPTION_REFUSED_ROW("generalized.sum.type.support", OPTION_BOOL,                                      \
                           "unions are structs of one field each", .standard = "false",                      \
                           .help = "Another form of unions and enums."),                                     \
        OPTION_REFUSED_ROW("scrub.invalid.names", OPTION_BOOL,                                               \
                           "set field.name.adjustment.mode and schema.name.adjustment.mode to avro",         \
                           .standard = "false",                                                              \
                           .help = "Characters that Avro doesn't allow in names are replaced."),             \
        OPTION_REFUSED_ROW("discard.type.doc.default", OPTION_BOOL, "documentation and defaults are kept",   \
                           .standard = "false",                                                              \
                           .help = "Documentation and defaults of types are left out."),                     \
        OPTION_REFUSED_ROW("allow.optional.map.keys", OPTION_BOOL, "such maps are lists of entries",         \
                           .standard = "false", .help = "Maps with optional text keys become Avro maps."),   \
        OPTION_REFUSED_ROW("flatten.singleton.unions", OPTION_BOOL, "a union of one type is that type",      \
                           .standard = "true", .help = "A union of one type is read as that type."),         \
        {.key = "ignore.default.for.nullables",                                                              \
         .type = OPTION_BOOL,                                                                                \
         .importance = OPTION_MEDIUM,                                                                        \
         .standard = "false",                                                                                \
         .help = "A null in a field that has a default is written as null; otherwise the default is "        \
                 "written in its place."},                                                                   \
        OPTION_NO_SENSE_ROW("schemas.enable", OPTION_BOOL, "Avro always has its schema", .standard = "true", \
                            .help = "Of JsonConverter."),                                                    \
        OPTION_NO_SENSE_ROW("schemas.cache.config", OPTION_INT,                                              \
                            "max.schemas.per.subject bounds what is kept", .alias = "schemas.cache.size",    \
                            .standard = "1000", .min = 1, .max = INT32_MAX,                                  \
                            .help = "Converted schemas that are kept.")

const OptionDef avro_option_confluent[] = {
    {.key = "schema.registry.url",
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "The registry's addresses, http:// or https://; when one doesn't answer the next is asked."},
    {.key = "auto.register.schemas",
     .type = OPTION_BOOL,
     .importance = OPTION_MEDIUM,
     .standard = "true",
     .help = "Whether a schema that its subject doesn't have is registered."},
    {.key = "use.latest.version",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "false",
     .help = "With auto.register.schemas=false: write by the newest schema of the subject; fields are found "
             "by name."},
    OPTION_REFUSED_ROW("latest.compatibility.strict", OPTION_BOOL,
                       "a field that doesn't fit can't be written", .standard = "true",
                       .help = "With use.latest.version: whether the newest schema must fit the records."),
    {.key = "normalize.schemas",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "false",
     .help = "The registry is to ignore differences in a schema's text that mean nothing."},
    OPTION_REFUSED_ROW("use.schema.id", OPTION_INT, "the subject says which schema", .standard = "-1",
                       .min = -1, .max = INT32_MAX, .help = "Write by the schema of this number."),
    {.key = "key.subject.name.strategy",
     .type = OPTION_CLASS,
     .importance = OPTION_MEDIUM,
     .standard = STRATEGY_CONFLUENT "TopicNameStrategy",
     .values = subject_classes,
     .help = "The subject of a key's schema: topic-key, the schema's name, or both."},
    {.key = "value.subject.name.strategy",
     .type = OPTION_CLASS,
     .importance = OPTION_MEDIUM,
     .standard = STRATEGY_CONFLUENT "TopicNameStrategy",
     .values = subject_classes,
     .help = "The subject of a value's schema: topic-value, the schema's name, or both."},
    {.key = "basic.auth.credentials.source",
     .alias = CLIENT "basic.auth.credentials.source",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "URL",
     .values = credential_sources,
     .values_not_yet = inherit_sources,
     .help = "Where user and password come from: the address, or basic.auth.user.info."},
    {.key = "basic.auth.user.info",
     .alias = CLIENT "basic.auth.user.info",
     .type = OPTION_PASSWORD,
     .importance = OPTION_MEDIUM,
     .help = "user:password, when basic.auth.credentials.source is USER_INFO."},
    {.key = "bearer.auth.credentials.source",
     .alias = CLIENT "bearer.auth.credentials.source",
     .type = OPTION_ENUM,
     .importance = OPTION_LOW,
     .standard = "STATIC_TOKEN",
     .values = bearer_sources,
     .values_not_yet = oauth_sources,
     .help = "Where the bearer token comes from."},
    {.key = "bearer.auth.token",
     .alias = CLIENT "bearer.auth.token",
     .type = OPTION_PASSWORD,
     .importance = OPTION_LOW,
     .help = "A token in place of user and password."},
    {.key = "schema.registry.ssl.truststore.type",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "PEM",
     .values = store_types,
     .values_not_yet = java_store_types,
     .values_reason = "keytool and openssl make PEM of it",
     .help = "The form of the certificates that are trusted."},
    {.key = "schema.registry.ssl.truststore.location",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .help = "A PEM file of the certificates that are trusted, in place of the system's."},
    {.key = "schema.registry.ssl.truststore.certificates",
     .type = OPTION_PASSWORD,
     .importance = OPTION_LOW,
     .help = "The same as a text."},
    OPTION_NO_SENSE_ROW("schema.registry.ssl.truststore.password", OPTION_PASSWORD,
                        "PEM certificates have none", .help = "Of a Java store."),
    {.key = "schema.registry.ssl.keystore.type",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "PEM",
     .values = store_types,
     .values_not_yet = java_store_types,
     .values_reason = "keytool and openssl make PEM of it",
     .help = "The form of the client's certificate."},
    {.key = "schema.registry.ssl.keystore.location",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .help = "A PEM file of the client's key and certificate."},
    {.key = "schema.registry.ssl.keystore.key",
     .type = OPTION_PASSWORD,
     .importance = OPTION_LOW,
     .help = "The client's key as a PEM text."},
    {.key = "schema.registry.ssl.keystore.certificate.chain",
     .type = OPTION_PASSWORD,
     .importance = OPTION_LOW,
     .help = "The client's certificates as a PEM text."},
    OPTION_NO_SENSE_ROW("schema.registry.ssl.keystore.password", OPTION_PASSWORD, "PEM files have none",
                        .help = "Of a Java store."),
    {.key = "schema.registry.ssl.key.password",
     .type = OPTION_PASSWORD,
     .importance = OPTION_LOW,
     .help = "The password of the client's key."},
    {.key = "schema.registry.ssl.endpoint.identification.algorithm",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .standard = "https",
     .help = "Empty: the name in the registry's certificate isn't checked."},
    {.key = "http.connect.timeout.ms",
     .alias = CLIENT "http.connect.timeout.ms",
     .type = OPTION_DURATION,
     .importance = OPTION_LOW,
     .standard = "60000",
     .min = 1,
     .max = 3600000,
     .help = "How long a connection to the registry may take."},
    {.key = "http.read.timeout.ms",
     .alias = CLIENT "http.read.timeout.ms",
     .type = OPTION_DURATION,
     .importance = OPTION_LOW,
     .standard = "60000",
     .min = 1,
     .max = 3600000,
     .help = "How long the registry's answer may take, the connection included."},
    {.key = "max.retries",
     .alias = CLIENT "max.retries",
     .type = OPTION_INT,
     .importance = OPTION_LOW,
     .standard = "3",
     .min = 0,
     .max = 1000,
     .help = "How often a request is tried again at once; after that the task's own retries count."},
    {.key = "retries.wait.ms",
     .alias = CLIENT "retries.wait.ms",
     .type = OPTION_DURATION,
     .importance = OPTION_LOW,
     .standard = "1000",
     .min = 1,
     .max = 3600000,
     .help = "The first wait before that; each is up to twice as long as the one before."},
    {.key = "retries.max.wait.ms",
     .alias = CLIENT "retries.max.wait.ms",
     .type = OPTION_DURATION,
     .importance = OPTION_LOW,
     .standard = "20000",
     .min = 1,
     .max = 3600000,
     .help = "The longest such wait."},
    {.key = "max.schemas.per.subject",
     .type = OPTION_INT,
     .importance = OPTION_LOW,
     .standard = "1000",
     .min = 1,
     .max = 1000000,
     .unit = "schemas",
     .help = "Schemas that are kept in memory, for reading and for writing."},
    OPTION_REFUSED_ROW("latest.cache.ttl.sec", OPTION_INT, "the newest schema is asked for once",
                       .standard = "-1", .min = -1, .max = INT32_MAX,
                       .help = "How long a newest schema counts as such."),
    OPTION_REFUSED_ROW("proxy.host", OPTION_STRING, "the registry is spoken to directly",
                       .alias = CLIENT "proxy.host", .help = "An HTTP proxy between here and the registry."),
    OPTION_REFUSED_ROW("proxy.port", OPTION_INT, "the registry is spoken to directly",
                       .alias = CLIENT "proxy.port", .standard = "-1", .min = -1, .max = 65535,
                       .help = "The proxy's port."),
    OPTION_NO_SENSE_ROW("schema.registry.url.randomize", OPTION_BOOL,
                        "the first address that answers is kept", .standard = "false",
                        .help = "Begin with any address."),
    COMMON_ROWS,
};
_Static_assert(sizeof avro_option_confluent / sizeof *avro_option_confluent == AVRO_OPTION_CONFLUENT_COUNT,
               "count its rows");

const OptionDef avro_option_apicurio[] = {
    {.key = "apicurio.registry.url",
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "The registry's address, ending in /apis/registry/v2 (its Confluent-compatible side is used, "
             "/apis/ccompat/v7)."},
    {.key = "apicurio.registry.as-confluent",
     .type = OPTION_BOOL,
     .importance = OPTION_HIGH,
     .standard = "false",
     .help = "Four bytes of number before the data, as Confluent has it: has to be true."},
    {.key = "apicurio.registry.use-id",
     .type = OPTION_ENUM,
     .importance = OPTION_HIGH,
     .standard = "globalId",
     .values = id_kinds,
     .help = "Which number that is: has to be contentId."},
    {.key = "apicurio.registry.headers.enabled",
     .type = OPTION_BOOL,
     .importance = OPTION_HIGH,
     .standard = "true",
     .help = "The number goes into headers: has to be false."},
    {.key = "apicurio.registry.auto-register",
     .type = OPTION_BOOL,
     .importance = OPTION_MEDIUM,
     .standard = "false",
     .help = "Whether a schema that the registry doesn't have is registered."},
    OPTION_NO_SENSE_ROW("apicurio.registry.auto-register.if-exists", OPTION_STRING,
                        "a schema that is there is found, another becomes a version",
                        .help = "What becomes of an artifact that is there."),
    {.key = "apicurio.registry.find-latest",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "false",
     .help = "Write by the newest schema of the artifact; fields are found by name."},
    {.key = "apicurio.registry.artifact-resolver-strategy",
     .type = OPTION_CLASS,
     .importance = OPTION_MEDIUM,
     .standard = STRATEGY_APICURIO "TopicIdStrategy",
     .values = resolver_classes,
     .help = "The artifact of a schema: topic-key or topic-value, the topic, the schema's name."},
    {.key = "apicurio.auth.username",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .help = "For basic authentication."},
    {.key = "apicurio.auth.password",
     .type = OPTION_PASSWORD,
     .importance = OPTION_MEDIUM,
     .help = "Its password."},
    {.key = "apicurio.registry.request.ssl.truststore.type",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "PEM",
     .values = store_types,
     .values_not_yet = java_store_types,
     .values_reason = "keytool and openssl make PEM of it",
     .help = "The form of the certificates that are trusted."},
    {.key = "apicurio.registry.request.ssl.truststore.location",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .help = "A PEM file of the certificates that are trusted, in place of the system's."},
    {.key = "apicurio.registry.retry-count",
     .type = OPTION_INT,
     .importance = OPTION_LOW,
     .standard = "3",
     .min = 0,
     .max = 1000,
     .help = "How often a request is tried again at once."},
    {.key = "apicurio.registry.retry-backoff-ms",
     .type = OPTION_DURATION,
     .importance = OPTION_LOW,
     .standard = "300",
     .min = 1,
     .max = 3600000,
     .help = "The first wait before that; each is up to twice as long as the one before."},
    OPTION_NO_SENSE_ROW("apicurio.registry.check-period-ms", OPTION_DURATION,
                        "a schema's number never changes", .standard = "30000",
                        .help = "How long what was read counts."),
    COMMON_ROWS,
};
_Static_assert(sizeof avro_option_apicurio / sizeof *avro_option_apicurio == AVRO_OPTION_APICURIO_COUNT,
               "count its rows");

/* ---- settings ---- */

void avro_option_done(AvroSettings *s) {
    for (size_t i = 0; i < s->texts.count; i++) { /* passwords are among them */
        secret_wipe_free(s->texts.items[i]);
        s->texts.items[i] = NULL;
    }
    textlist_done(&s->texts);
    textlist_done(&s->urls);
}

static const char *keep(AvroSettings *s, Str text) {
    textlist_add(&s->texts, text);
    return s->texts.items[s->texts.count - 1];
}

static const char *keep_option(AvroSettings *s, const char *text) {
    return text && *text ? keep(s, str_from(text)) : NULL;
}

/* "user:password"; escapes are decoded where they come from a URL. */
static void set_user(AvroSettings *s, Str info) {
    Str user = str_sub(info, 0, str_find(info, ':'));
    s->registry.http.user = keep(s, user);
    s->registry.http.password = keep(s, str_sub(info, user.n + 1, info.n));
}

static bool set_user_of_url(AvroSettings *s, Str info, Err *e) {
    CLEANUP(buf_done) Buf user = {0}, password = {0};
    size_t colon = str_find(info, ':');
    if (!url_decode(str_sub(info, 0, colon), &user, e)) return false;
    if (!url_decode(str_sub(info, colon + 1, info.n), &password, e)) return false;
    s->registry.http.user = keep(s, buf_view(&user));
    s->registry.http.password = keep(s, buf_view(&password));
    explicit_bzero(password.p, password.n);
    return true;
}

/* One address without user and last slash; path replaces the end of it that is `tail`. */
static bool add_url(AvroSettings *s, const char *key, Str url, bool takes_user, Err *e) {
    Str scheme = str_starts(url, STR_LIT("https://")) ? STR_LIT("https://") : STR_LIT("http://");
    if (!str_starts(url, scheme))
        return err_set(e, ERR_INVALID, false, "%s: an address begins with http:// or https://", key);
    Str rest = str_sub(url, scheme.n, url.n);
    Str host = str_sub(rest, 0, str_find(rest, '/'));
    size_t at = host.n;
    while (at > 0 && host.p[at - 1] != '@') at--;
    Str path = str_sub(rest, host.n, rest.n);
    if (str_find(path, '@') < path.n) /* perhaps a password with a '/': nothing of it is shown */
        return err_set(e, ERR_INVALID, false,
                       "%s: an '@' behind the first '/': in a user or password write %%2F for '/'", key);
    if (at) {
        if (takes_user && !set_user_of_url(s, str_sub(host, 0, at - 1), e)) return err_wrap(e, "%s", key);
        rest = str_sub(rest, at, rest.n);
    }
    while (rest.n && rest.p[rest.n - 1] == '/') rest.n--;
    if (rest.n == 0) return err_set(e, ERR_INVALID, false, "%s: an address without a host", key);
    textlist_printf(&s->urls, STR_FMT STR_FMT, STR_ARG(scheme), STR_ARG(rest));
    return true;
}

static void set_common(const Options *o, AvroSettings *s) {
    s->has_meta = options_bool(o, "connect.meta.data");
    s->keeps_null = options_bool(o, "ignore.default.for.nullables");
    s->registry.urls = (const char *const *)s->urls.items;
    s->registry.url_count = s->urls.count;
}

static void set_tls(const Options *o, AvroSettings *s) {
    HttpSettings *h = &s->registry.http;
    h->ca_file = keep_option(s, options_str(o, "schema.registry.ssl.truststore.location"));
    h->ca_pem = keep_option(s, options_secret(o, "schema.registry.ssl.truststore.certificates"));
    h->certificate_file = keep_option(s, options_str(o, "schema.registry.ssl.keystore.location"));
    h->certificate_pem = keep_option(s, options_secret(o, "schema.registry.ssl.keystore.certificate.chain"));
    h->key_pem = keep_option(s, options_secret(o, "schema.registry.ssl.keystore.key"));
    h->key_password = keep_option(s, options_secret(o, "schema.registry.ssl.key.password"));
    const char *check = options_str(o, "schema.registry.ssl.endpoint.identification.algorithm");
    h->skips_host_check = check && !*check;
}

static bool set_auth(const Options *o, TextList *warnings, AvroSettings *s, Err *e) {
    const char *info = options_secret(o, "basic.auth.user.info");
    bool from_option = options_enum(o, "basic.auth.credentials.source") == 1;
    const TextList *urls = options_list(o, "schema.registry.url");
    for (size_t i = 0; i < urls->count; i++)
        if (!add_url(s, "schema.registry.url", str_from(urls->items[i]), !from_option, e)) return false;
    if (urls->count == 0) return err_set(e, ERR_INVALID, false, "schema.registry.url: no address in it");
    if (from_option && (!info || !*info))
        return err_set(e, ERR_INVALID, false,
                       "basic.auth.credentials.source is USER_INFO, and there is no basic.auth.user.info");
    if (from_option) set_user(s, str_from(info));
    else if (info && *info)
        textlist_add(
            warnings,
            STR_LIT("basic.auth.user.info has no effect: basic.auth.credentials.source isn't USER_INFO"));
    s->registry.http.token = keep_option(s, options_secret(o, "bearer.auth.token"));
    return true;
}

bool avro_option_confluent_settings(const Options *o, bool is_key, TextList *warnings, AvroSettings *ret,
                                    Err *e) {
    AvroSettings s = {.has_raw_bytes = true};
    if (!set_auth(o, warnings, &s, e)) {
        avro_option_done(&s);
        return false;
    }
    set_common(o, &s);
    set_tls(o, &s);
    s.registry.http.connect_timeout_ms = options_int(o, "http.connect.timeout.ms");
    s.registry.http.timeout_ms = options_int(o, "http.read.timeout.ms");
    s.registry.max_retries = options_int(o, "max.retries");
    s.registry.wait_ms = options_int(o, "retries.wait.ms");
    s.registry.max_wait_ms = options_int(o, "retries.max.wait.ms");
    s.registry.normalizes = options_bool(o, "normalize.schemas");
    s.may_register = options_bool(o, "auto.register.schemas");
    s.uses_latest = options_bool(o, "use.latest.version") && !s.may_register;
    if (options_bool(o, "use.latest.version") && s.may_register)
        textlist_add(warnings, STR_LIT("use.latest.version has no effect beside auto.register.schemas=true"));
    s.max_schemas = (size_t)options_int(o, "max.schemas.per.subject");
    const char *strategy =
        options_str(o, is_key ? "key.subject.name.strategy" : "value.subject.name.strategy");
    for (size_t i = 0; subject_classes[i]; i++)
        if (strcmp(strategy, subject_classes[i]) == 0) s.subject = (AvroSubject)i;
    *ret = s;
    return true;
}

/* …/apis/registry/v2 → …/apis/ccompat/v7; an address that already is of the compatible side stays. */
static bool add_apicurio(AvroSettings *s, Str url, Err *e) {
    static const char key[] = "apicurio.registry.url";
    Str native = STR_LIT("/apis/registry/v2"), compatible = STR_LIT("/apis/ccompat/v7");
    while (url.n && url.p[url.n - 1] == '/') url.n--;
    if (!str_ends(url, native) && !str_ends(url, compatible))
        return err_set(e, ERR_INVALID, false, "%s: an address that ends in " STR_FMT " is wanted", key,
                       STR_ARG(native));
    Str base = str_sub(url, 0, url.n - (str_ends(url, native) ? native : compatible).n);
    CLEANUP_FREE char *mapped = x_asprintf(STR_FMT STR_FMT, STR_ARG(base), STR_ARG(compatible));
    return add_url(s, key, str_from(mapped), /* takes_user= */ true, e);
}

static bool set_apicurio(const Options *o, AvroSettings *s, Err *e) {
    const TextList *urls = options_list(o, "apicurio.registry.url");
    if (!options_bool(o, "apicurio.registry.as-confluent"))
        return err_set(e, ERR_INVALID, false,
                       "apicurio.registry.as-confluent: has to be true: Apicurio's own form, with eight "
                       "bytes of number, "
                       "isn't written");
    if (options_enum(o, "apicurio.registry.use-id") != 1)
        return err_set(
            e, ERR_INVALID, false,
            "apicurio.registry.use-id: has to be contentId, the number that the compatible side knows");
    if (options_bool(o, "apicurio.registry.headers.enabled"))
        return err_set(
            e, ERR_INVALID, false,
            "apicurio.registry.headers.enabled: has to be false: the number stands before the data");
    for (size_t i = 0; i < urls->count; i++)
        if (!add_apicurio(s, str_from(urls->items[i]), e)) return false;
    if (urls->count == 0) return err_set(e, ERR_INVALID, false, "apicurio.registry.url: no address in it");
    s->registry.http.ca_file =
        keep_option(s, options_str(o, "apicurio.registry.request.ssl.truststore.location"));
    const char *user = options_str(o, "apicurio.auth.username");
    if (!user) return true;
    s->registry.http.user = keep(s, str_from(user));
    s->registry.http.password = keep(s, str_from(options_secret(o, "apicurio.auth.password")));
    return true;
}

bool avro_option_apicurio_settings(const Options *o, bool is_key, TextList *warnings, AvroSettings *ret,
                                   Err *e) {
    (void)is_key, (void)warnings;
    AvroSettings s = {.max_schemas = 1000};
    if (!set_apicurio(o, &s, e)) {
        avro_option_done(&s);
        return false;
    }
    set_common(o, &s);
    s.registry.max_retries = options_int(o, "apicurio.registry.retry-count");
    s.registry.wait_ms = options_int(o, "apicurio.registry.retry-backoff-ms");
    s.registry.max_wait_ms = s.registry.wait_ms * 20;
    s.may_register = options_bool(o, "apicurio.registry.auto-register");
    s.uses_latest = options_bool(o, "apicurio.registry.find-latest") && !s.may_register;
    const char *strategy = options_str(o, "apicurio.registry.artifact-resolver-strategy");
    static const AvroSubject subjects[] = {AVRO_SUBJECT_TOPIC, AVRO_SUBJECT_RECORD, AVRO_SUBJECT_TOPIC_ALONE};
    for (size_t i = 0; resolver_classes[i]; i++)
        if (strcmp(strategy, resolver_classes[i]) == 0) s.subject = subjects[i];
    *ret = s;
    return true;
}
