#include "convert/wire_option.h"

#include <string.h>

#include "config/option_connect.h"

static const char *const DECIMALS[] = {"precise", "double", "string", NULL};
static const char *const TIMES[] = {"adaptive", "adaptive_time_microseconds", "connect", NULL};
static const char *const TIMES_LATER[] = {"isostring", "microseconds", "nanoseconds", "structured", NULL};
static const char *const BINARIES[] = {"bytes", "base64", "base64-url-safe", "hex", NULL};
static const char *const FAILURES[] = {"fail", "warn", "skip", NULL};
static const char *const NAMINGS[] = {"io.debezium.schema.SchemaTopicNamingStrategy", NULL};

const OptionDef wire_options_table[WIRE_OPTION_COUNT] = {
    {.key = "debezium.version",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "2.7",
     .values = option_connect_versions,
     .help = "whose records are written, where Debezium's versions differ"},
    {.key = "decimal.handling.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "precise",
     .values = DECIMALS,
     .help = "decimal, numeric, money: precise as Connect's Decimal; double, which rounds; string"},
    {.key = "time.precision.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "adaptive",
     .values = TIMES,
     .values_not_yet = TIMES_LATER,
     .help =
         "adaptive: ms, µs or ns by the column's digits; adaptive_time_microseconds: the time type always "
         "in µs; connect: Connect's own types, which cut to ms"},
    {.key = "binary.handling.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "bytes",
     .values = BINARIES,
     .help = "binary columns as bytes, or as text in that code"},
    {.key = "schema.name.adjustment.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "none",
     .values = NAME_ADJUST_NAMES,
     .help = "what becomes of characters in schema names that Avro doesn't take"},
    {.key = "field.name.adjustment.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "none",
     .values = NAME_ADJUST_NAMES,
     .help = "what becomes of characters in column names that Avro doesn't take"},
    {.key = "event.converting.failure.handling.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_LOW,
     .standard = "fail",
     .values = FAILURES,
     .help =
         "a value that its type in the topic can't hold, such as a datetime2(7) of the year 9999: fail stops "
         "the task; warn and skip write null where the column takes it (Debezium's default is warn, and "
         "such a date becomes another one there)"},
    {.key = "column.propagate.source.type",
     .type = OPTION_REGEXES,
     .importance = OPTION_LOW,
     .help = "columns, as schema.table.column or with the database in front, whose schema tells the source's "
             "type"},
    {.key = "datatype.propagate.source.type",
     .type = OPTION_REGEXES,
     .importance = OPTION_LOW,
     .help = "the same by type: schema.table.type, or with the database in front"},
    {.key = "tombstones.on.delete",
     .type = OPTION_BOOL,
     .importance = OPTION_MEDIUM,
     .standard = "true",
     .help = "a delete is followed by a record of its key without a value"},
    {.key = "provide.transaction.metadata",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "false",
     .help = "the topic of begun and ended transactions, and their block in each change"},
    {.key = "include.schema.changes",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "true",
     .help = "tables' columns and their changes go to the topic named by topic.prefix"},
    {.key = "topic.name.database",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "true",
     .help = "topics and schemas are named prefix.database.schema.table, as by Debezium 2 and later; false: "
             "prefix.schema.table, as before, for one database"},
    {.key = "topic.naming.strategy",
     .type = OPTION_CLASS,
     .importance = OPTION_LOW,
     .standard = "io.debezium.schema.SchemaTopicNamingStrategy",
     .values = NAMINGS,
     .help = "how topics are named"},
    {.key = "topic.delimiter",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .standard = ".",
     .help = "what stands between the parts of a topic's name"},
    OPTION_NO_SENSE_ROW("topic.cache.size", OPTION_INT, "a table's topic is named once", .standard = "10000"),
    {.key = "topic.heartbeat.prefix",
     .alias = "heartbeat.topics.prefix",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .standard = "__debezium-heartbeat",
     .help = "first part of the heartbeat topic's name"},
    {.key = "topic.transaction",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .standard = "transaction",
     .help = "last part of the transaction topic's name"},
    {.key = "notification.enabled.channels",
     .type = OPTION_LIST,
     .importance = OPTION_LOW,
     .help = "where notifications of snapshots go: `log`, `sink` (a topic); `jmx` is named in a warning"},
    {.key = "notification.sink.topic.name",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "topic of notifications, with notification.enabled.channels=sink"},
    OPTION_NO_SENSE_ROW("transaction.metadata.factory", OPTION_CLASS, "Java classes can't be loaded"),
    OPTION_STATUS_ROW(OPTION_NOT_YET, OPTION_LOW, "include.schema.comments", OPTION_BOOL,
                      "Debezium has none of SQL Server's either", .standard = "false"),
};

static const char *version_text(WireVersion v) {
    static const char *const texts[] = {"2.5-millrace-" MILLRACE_VERSION, "2.7-millrace-" MILLRACE_VERSION,
                                        "3.0-millrace-" MILLRACE_VERSION};
    return texts[v];
}

WireOptions wire_options_standard(const char *prefix) {
    return (WireOptions){.version = WIRE_2_7,
                         .version_text = version_text(WIRE_2_7),
                         .prefix = prefix,
                         .delimiter = ".",
                         .heartbeat_prefix = "__debezium-heartbeat",
                         .transaction = "transaction",
                         .names_database = true,
                         .tombstones = true,
                         .schema_changes = true};
}

/* Where notifications go, if into a topic. */
static bool notifications_of(const Options *o, const char **ret, Err *e) {
    const TextList *channels = options_list(o, "notification.enabled.channels");
    const char *topic = options_str(o, "notification.sink.topic.name");
    char place[PROPS_PLACE_SIZE];
    *ret = NULL;
    for (size_t i = 0; channels && i < channels->count; i++)
        if (str_eq_icase(str_from(channels->items[i]), STR_LIT("sink"))) *ret = topic ? topic : "";
    if (!*ret || **ret) return true;
    return err_set(e, ERR_INVALID, false,
                   "%s: notification.enabled.channels: sink: name its topic by notification.sink.topic.name",
                   options_place(o, "notification.enabled.channels", place));
}

bool wire_options(const Options *o, WireOptions *ret, Err *e) {
    WireOptions w = wire_options_standard(options_str(o, "topic.prefix"));
    char place[PROPS_PLACE_SIZE];
    w.version = (WireVersion)options_enum(o, "debezium.version");
    w.version_text = version_text(w.version);
    w.delimiter = options_str(o, "topic.delimiter");
    w.heartbeat_prefix = options_str(o, "topic.heartbeat.prefix");
    w.transaction = options_str(o, "topic.transaction");
    w.names_database = options_bool(o, "topic.name.database");
    w.decimal = (WireDecimal)options_enum(o, "decimal.handling.mode");
    w.time = (WireTime)options_enum(o, "time.precision.mode");
    w.binary = (WireBinary)options_enum(o, "binary.handling.mode");
    w.unfit =
        options_enum(o, "event.converting.failure.handling.mode") == 0 ? WIRE_UNFIT_FAIL : WIRE_UNFIT_NULL;
    w.schema_names = (NameAdjust)options_enum(o, "schema.name.adjustment.mode");
    w.field_names = (NameAdjust)options_enum(o, "field.name.adjustment.mode");
    w.propagated_columns = options_regexes(o, "column.propagate.source.type");
    w.propagated_types = options_regexes(o, "datatype.propagate.source.type");
    w.tombstones = options_bool(o, "tombstones.on.delete");
    w.transactions = options_bool(o, "provide.transaction.metadata");
    w.schema_changes = options_bool(o, "include.schema.changes");
    if (!notifications_of(o, &w.notifications, e)) return false;
    if (!w.names_database && options_list(o, "database.names")->count > 1)
        return err_set(
            e, ERR_INVALID, false,
            "%s: topic.name.database: false is for one database: tables of several would share topics",
            options_place(o, "topic.name.database", place));
    *ret = w;
    return true;
}
