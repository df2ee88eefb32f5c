#include "postgres/sink_option.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "config/secret.h"
#include "config/url.h"

static const char CLASS_DEBEZIUM[] = "io.debezium.connector.jdbc.JdbcSinkConnector";
static const char CLASS_CONFLUENT[] = "io.confluent.connect.jdbc.JdbcSinkConnector";
const char *const sink_option_classes[] = {CLASS_DEBEZIUM, CLASS_CONFLUENT, NULL};

static const char *const INSERT_MODES[] = {"insert", "upsert", "update", NULL};      /* as TargetInsert */
static const char *const KEY_MODES[] = {"none", "record_key", "record_value", NULL}; /* as TargetKeyMode */
static const char *const KEY_MODES_NOT_YET[] = {"kafka", "record_header", NULL};
static const char *const EVOLUTION[] = {"none", "basic", NULL};
static const char *const DURING_COPY[] = {"suspend", "keep", NULL};
static const char *const QUOTING[] = {"ALWAYS", "NEVER", NULL};

static const char JVM[] = "it is about the JVM, the driver or its pool; there is one connection, of libpq";
static const char ZONELESS[] = "datetime and datetime2 have no zone and are never converted";

const OptionDef sink_options[SINK_OPTION_COUNT] = {
    {.key = "connection.url",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .is_required = true,
     .is_secret = true,
     .help = "jdbc:postgresql://host:port/database?… or a libpq URI postgresql://…"},
    {.key = "connection.user",
     .alias = "connection.username",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .help = "the role to connect as"},
    {.key = "connection.password",
     .type = OPTION_PASSWORD,
     .importance = OPTION_HIGH,
     .help = "its password"},
    {.key = "insert.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_HIGH,
     .standard = "insert",
     .values = INSERT_MODES,
     .help = "what becomes of rows: inserted, inserted or updated by key, or updated by key"},
    {.key = "delete.enabled",
     .type = OPTION_BOOL,
     .importance = OPTION_HIGH,
     .standard = "false",
     .help = "whether deletes are carried out; needs pk.mode=record_key"},
    {.key = "pk.mode",
     .alias = "primary.key.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_HIGH,
     .standard = "none",
     .values = KEY_MODES,
     .values_not_yet = KEY_MODES_NOT_YET,
     .values_reason = "there is no broker, so records have neither topic, partition and offset nor headers",
     .help = "where the target's key comes from"},
    {.key = "pk.fields",
     .alias = "primary.key.fields",
     .type = OPTION_LIST,
     .importance = OPTION_MEDIUM,
     .standard = "",
     .help = "which columns make the key; empty = all of the record's key or value"},
    {.key = "table.name.format",
     .alias = "collection.name.format",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .standard = "${topic}",
     .help = "the target's name, of ${topic}, ${source.db}, ${source.schema} and ${source.table}"},
    {.key = "column.type.overrides",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .standard = "",
     .help =
         "the PostgreSQL types of columns in tables and columns that are made, in place of the native ones: "
         "schema.table.column:type, with semicolons between; refused where the type doesn't hold the "
         "column's values whole"},
    {.key = "auto.create",
     .type = OPTION_BOOL,
     .importance = OPTION_HIGH,
     .standard = "false",
     .help = "create target tables that are missing"},
    {.key = "auto.evolve",
     .type = OPTION_BOOL,
     .importance = OPTION_HIGH,
     .standard = "false",
     .help = "add and widen columns of target tables as the source's change"},
    {.key = "schema.change.policy",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .values = SCHEMA_CHANGE_NAMES,
     .help =
         "what becomes of a target table when the source's columns change: `evolve`: columns are added and "
         "widened, NOT NULL dropped; `ignore`: it keeps its columns, new ones aren't written; `fail`: the "
         "run "
         "stops and says which statements are needed. Not set: `evolve` with auto.evolve, else missing "
         "columns "
         "fail"},
    {.key = "schema.change.policy.overrides",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .standard = "",
     .help = "the policy of single tables: schema.table:policy, with semicolons between; tables are regular "
             "expressions"},
    {.key = "schema.evolution",
     .type = OPTION_ENUM,
     .importance = OPTION_HIGH,
     .standard = "none",
     .values = EVOLUTION,
     .help = "basic: auto.create and auto.evolve together"},
    {.key = "table.fillfactor",
     .type = OPTION_INT,
     .importance = OPTION_LOW,
     .standard = "100",
     .min = 10,
     .max = 100,
     .unit = "percent",
     .help = "how full PostgreSQL fills the pages of tables that are made here; room in them makes updates "
             "cheaper (HOT: no new index entries)"},
    {.key = "foreign.keys.during.copy",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "suspend",
     .values = DURING_COPY,
     .help = "the target's foreign keys of and to a table that is copied: taken away till the target shows "
             "states that the source had, then made again; or kept, which wants the tables' order to fit"},
    {.key = "text.unstorable.handling.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "fail",
     .values = unstorable_modes,
     .help =
         "what becomes of U+0000 in text, which PostgreSQL can't hold: the row is refused; or it is stored "
         "as U+FFFD, left out, or written as the six characters \\u0000. In keys, and in tables without "
         "one, the row is always refused"},
    {.key = "quote.sql.identifiers",
     .type = OPTION_ENUM,
     .importance = OPTION_LOW,
     .standard = "ALWAYS",
     .values = QUOTING,
     .help = "never: names are folded to lower case (Confluent's class)"},
    {.key = "quote.identifiers",
     .type = OPTION_BOOL,
     .importance = OPTION_MEDIUM,
     .standard = "false",
     .help = "false: names are folded to lower case (Debezium's class)"},
    {.key = "batch.size",
     .type = OPTION_INT,
     .importance = OPTION_MEDIUM,
     .standard = "0",
     .min = 0,
     .max = 10000000,
     .unit = "rows",
     .help = "most rows of one statement; 0 = all that a transaction has for it"},
    {.key = "max.retries",
     .alias = "flush.max.retries",
     .type = OPTION_INT,
     .importance = OPTION_MEDIUM,
     .standard = "10",
     .min = -1,
     .max = INT32_MAX,
     .help = "retriable failures in a row before the pipeline fails; -1 = no end. Counts with the source's "
             "errors.max.retries"},
    {.key = "retry.backoff.ms",
     .alias = "flush.retry.delay.ms",
     .type = OPTION_DURATION,
     .importance = OPTION_MEDIUM,
     .standard = "1000",
     .min = 0,
     .max = INT32_MAX,
     .help = "first wait after a retriable failure; it doubles, and ends early when a server that was gone "
             "answers again"},
    {.key = "dlq.retention.days",
     .type = OPTION_INT,
     .importance = OPTION_MEDIUM,
     .standard = "30",
     .min = 0,
     .max = 36500,
     .unit = "days",
     .help = "how long dead letters are kept once they are replayed or superseded; open ones stay"},
    {.key = "dlq.limit.per.minute",
     .type = OPTION_INT,
     .importance = OPTION_MEDIUM,
     .standard = "1000",
     .min = 0,
     .max = INT32_MAX,
     .unit = "dead letters",
     .help = "more than so many within a minute fail the task, and the last ones are not set aside; 0 = no "
             "limit"},
    OPTION_NO_SENSE_ROW("connection.attempts", OPTION_INT,
                        "connecting is retried as any failure is: max.retries"),
    OPTION_NO_SENSE_ROW("connection.backoff.ms", OPTION_DURATION,
                        "connecting is retried as any failure is: retry.backoff.ms"),
    OPTION_NO_SENSE_ROW("connection.restart.on.errors", OPTION_BOOL,
                        "a lost connection is always opened anew"),
    OPTION_NO_SENSE_ROW("connection.provider", OPTION_STRING, JVM),
    OPTION_NO_SENSE_ROW("connection.pool.*", OPTION_STRING, JVM),
    OPTION_NO_SENSE_ROW("hibernate.*", OPTION_STRING, JVM),
    OPTION_NO_SENSE_ROW("dialect.name", OPTION_STRING, "the target is always PostgreSQL"),
    OPTION_NO_SENSE_ROW("dialect.sqlserver.identity.insert", OPTION_BOOL, "the target is always PostgreSQL"),
    OPTION_NO_SENSE_ROW("dialect.postgres.postgis.schema", OPTION_STRING,
                        "geography and geometry are carried as bytes"),
    OPTION_NO_SENSE_ROW("dialect.postgres.unnest.insert.enabled", OPTION_BOOL, "rows always go in bulk"),
    OPTION_NO_SENSE_ROW("mssql.use.merge.holdlock", OPTION_BOOL, "the target is always PostgreSQL"),
    OPTION_NO_SENSE_ROW("db.timezone", OPTION_STRING, ZONELESS),
    OPTION_NO_SENSE_ROW("date.timezone", OPTION_STRING, ZONELESS),
    OPTION_NO_SENSE_ROW("database.time_zone", OPTION_STRING, ZONELESS),
    OPTION_NO_SENSE_ROW("use.time.zone", OPTION_STRING, ZONELESS),
    OPTION_NO_SENSE_ROW("date.calendar.system", OPTION_STRING, "dates are those of SQL Server's calendar"),
    OPTION_NO_SENSE_ROW("trim.sensitive.log", OPTION_BOOL, "row data is never logged"),
    OPTION_NO_SENSE_ROW("use.reduction.buffer", OPTION_BOOL,
                        "changes of one key are always reduced to the last"),
    OPTION_NO_SENSE_ROW("replace.null.with.default", OPTION_BOOL, "NULL always stays NULL"),
    OPTION_NO_SENSE_ROW("table.types", OPTION_LIST, "tables and partitioned tables are taken"),
    OPTION_NO_SENSE_ROW("timestamp.precision.mode", OPTION_STRING, "times keep their own types"),
    {.key = "fields.whitelist",
     .type = OPTION_LIST,
     .importance = OPTION_MEDIUM,
     .help = "columns to write beside the key (Confluent's class); the others aren't read"},
    {.key = "field.include.list",
     .type = OPTION_LIST,
     .importance = OPTION_MEDIUM,
     .help = "columns to write beside the key, as field or topic:field; the others aren't read"},
    {.key = "field.exclude.list",
     .type = OPTION_LIST,
     .importance = OPTION_MEDIUM,
     .help = "columns that aren't read or written, as field or topic:field; key columns are"},
    OPTION_REFUSED_ROW("table.naming.strategy", OPTION_STRING,
                       "a Java class; table.name.format has ${source.table} and more"),
    OPTION_REFUSED_ROW("collection.naming.strategy", OPTION_STRING,
                       "a Java class; collection.name.format has ${source.table} and more"),
    OPTION_REFUSED_ROW("column.naming.strategy", OPTION_STRING, "a Java class; columns keep their names"),
    OPTION_REFUSED_ROW("timestamp.fields.list", OPTION_LIST, "times keep their own types"),
    OPTION_REFUSED_ROW("string.output.value.column.name", OPTION_STRING, "records always have columns"),
    OPTION_REFUSED_ROW("jdbc.credentials.provider.class", OPTION_STRING, "a Java class"),
    OPTION_NO_SENSE_ROW("truncate.enabled", OPTION_BOOL,
                        "change data capture doesn't allow TRUNCATE TABLE in the source",
                        .standard = "false"),
};

static bool invalid(const Options *o, const char *key, const char *why, Err *e) {
    char place[PROPS_PLACE_SIZE];
    return err_set(e, ERR_INVALID, false, "%s: %s: %s", options_place(o, key, place), key, why);
}

static bool check_modes(const Options *o, const TargetRules *r, Err *e) {
    if (r->insert != TARGET_INSERT && r->key_mode == TARGET_KEY_NONE)
        return invalid(o, "insert.mode",
                       "upsert and update need a key: set pk.mode=record_key (or record_value)", e);
    if (r->may_delete && r->key_mode != TARGET_KEY_RECORD_KEY)
        return invalid(o, "delete.enabled", "deletes need pk.mode=record_key", e);
    return true;
}

static bool read_url(const Options *o, SinkConfig *c, Err *e) {
    CLEANUP(buf_done) Buf conninfo = {0};
    CLEANUP(textlist_done) TextList notes = {0};
    Err why = {0};
    if (!url_to_conninfo(options_str(o, "connection.url"), &conninfo, &notes, &why))
        return invalid(o, "connection.url", why.msg, e);
    for (size_t i = 0; i < notes.count; i++)
        LOG_WARN("option_ignored", LOG_S("option", "connection.url"), LOG_S("why", notes.items[i]));
    c->conninfo = str_dup(buf_view(&conninfo));
    return true;
}

bool sink_option_is_debezium(const Options *o) {
    const char *class = options_str(o, "connector.class");
    return !class || strcmp(class, CLASS_CONFLUENT) != 0;
}

static bool read_names(const Options *o, const ConnectorContext *context, SinkConfig *c, Err *e) {
    bool is_confluent = !sink_option_is_debezium(o);
    /* each class has its own property for it; the other's counts when it is set */
    bool is_quoted =
        is_confluent ? options_enum(o, "quote.sql.identifiers") == 0 : options_bool(o, "quote.identifiers");
    if (is_confluent && options_is_set(o, "quote.identifiers"))
        is_quoted = options_bool(o, "quote.identifiers");
    if (!is_confluent && options_is_set(o, "quote.sql.identifiers"))
        is_quoted = options_enum(o, "quote.sql.identifiers") == 0;
    const PgNameRuleSpec spec = {
        .format = str_from(options_str(o, "table.name.format")),
        .topic_prefix = str_from(context->topic_prefix),
        .has_topics = context->has_topics,
        .route = context->route,
        .topic_style = is_confluent ? PGTOPIC_SPLIT : PGTOPIC_UNDERSCORE,
        .is_folded = !is_quoted,
    };
    Err why = {0};
    return pgname_rule_new(&spec, &c->rules.names, &why) || invalid(o, "table.name.format", why.msg, e);
}

static bool read_policy(const Options *o, SinkConfig *c, Err *e) {
    bool is_set = options_is_set(o, "schema.change.policy");
    SchemaChange base =
        is_set ? (SchemaChange)(SCHEMA_EVOLVE + options_enum(o, "schema.change.policy")) : SCHEMA_UNSET;
    Err why = {0};
    return schema_policy_new(base, str_from(options_str(o, "schema.change.policy.overrides")),
                             &c->rules.schema_change, &why) ||
           invalid(o, "schema.change.policy.overrides", why.msg, e);
}

static bool read_types(const Options *o, SinkConfig *c, Err *e) {
    Err why = {0};
    return type_overrides_new(str_from(options_str(o, "column.type.overrides")), &c->rules.types, &why) ||
           invalid(o, "column.type.overrides", why.msg, e);
}

bool sink_config_new(const Options *o, const ConnectorContext *context, SinkConfig **ret, Err *e) {
    SinkConfig *c = x_calloc(1, sizeof *c);
    bool is_basic = options_enum(o, "schema.evolution") == 1;
    const char *user = options_str(o, "connection.user"),
               *password = options_secret(o, "connection.password");
    c->user = user ? x_strdup(user) : NULL;
    c->password = password ? x_strdup(password) : NULL;
    c->application = x_asprintf("millrace %s", context->name);
    c->batch_rows = (size_t)options_int(o, "batch.size");
    c->rules = (TargetRules){
        .insert = (TargetInsert)options_enum(o, "insert.mode"),
        .key_mode = (TargetKeyMode)options_enum(o, "pk.mode"),
        .key_fields = options_list(o, "pk.fields"),
        .may_delete = options_bool(o, "delete.enabled"),
        .may_create = is_basic || options_bool(o, "auto.create"),
        .may_evolve = is_basic || options_bool(o, "auto.evolve"),
        .fillfactor = (int)options_int(o, "table.fillfactor"),
        .unstorable = (UnstorableMode)options_enum(o, "text.unstorable.handling.mode"),
        .metrics = context->metrics,
        .claims = context->claims,
    };
    c->suspends_foreign_keys = options_enum(o, "foreign.keys.during.copy") == 0;
    c->errors = (QuarantineRules){
        .is_tolerant = options_enum(o, "errors.tolerance") == 1,
        .logs = options_bool(o, "errors.log.enable"),
        .logs_rows = options_bool(o, "errors.log.include.messages"),
        .limit_per_minute = options_int(o, "dlq.limit.per.minute"),
        .retention_days = options_int(o, "dlq.retention.days"),
        .retry_timeout_ms = options_int(o, "errors.retry.timeout"),
    };
    if (!check_modes(o, &c->rules, e) || !read_policy(o, c, e) || !read_types(o, c, e) ||
        !read_url(o, c, e) || !read_names(o, context, c, e)) {
        sink_config_free(c);
        return false;
    }
    *ret = c;
    return true;
}

SinkConfig *sink_config_free(SinkConfig *c) {
    if (!c) return NULL;
    secret_wipe_free(c->conninfo);
    secret_wipe_free(c->password);
    free(c->user);
    free(c->application);
    pgname_rule_free(c->rules.names);
    type_overrides_free(c->rules.types);
    schema_policy_free(c->rules.schema_change);
    free(c);
    return NULL;
}

PgConnSpec sink_config_conn(const SinkConfig *c) {
    return (PgConnSpec){
        .conninfo = c->conninfo, .user = c->user, .password = c->password, .application = c->application};
}

bool sink_option_answers(const Options *o, const ConnectorContext *context) {
    CLEANUP(buf_done) Buf conninfo = {0};
    CLEANUP(textlist_done) TextList notes = {0};
    Err unused = {0};
    (void)context;
    return !url_to_conninfo(options_str(o, "connection.url"), &conninfo, &notes, &unused) ||
           pgconn_answers(buf_text(&conninfo));
}
