#include "sqlserver/source_settings.h"

#include "base/log.h"

enum {
    BATCH_BYTES = 6 * 1024 * 1024,
    QUEUE_BYTES = 8 * 1024 * 1024,
    MAX_BATCH_CHANGES = 20480, /* when max.batch.size isn't set: the bytes decide */
    ALL_TRANSACTIONS = 100000, /* of a window: the next one goes on at once */
    READ_UNCOMMITTED = 4,      /* its number among the values of snapshot.isolation.mode */
};

static bool fault(const Options *o, const char *key, Err *e, const char *what) {
    char place[PROPS_PLACE_SIZE];
    return err_set(e, ERR_INVALID, false, "%s: %s: %s", options_place(o, key, place), key, what);
}

static UnreadableRow unreadable_of(const Options *o) {
    static const UnreadableRow modes[] = {UNREADABLE_FAIL, UNREADABLE_WARN, UNREADABLE_SKIP, UNREADABLE_SKIP};
    return modes[options_enum(o, "event.processing.failure.handling.mode")];
}

static bool target_of(const Options *o, OdbcTarget *t, Err *e) {
    const TextList *names = options_list(o, "database.names");
    if (names->count != 1)
        return fault(o, "database.names", e, "several databases: each has to be looked at by itself");
    bool is_port_meant = options_is_set(o, "database.port") || !options_is_set(o, "database.instance");
    *t = (OdbcTarget){
        .driver = options_str(o, "database.odbc.driver"),
        .hostname = options_str(o, "database.hostname"),
        .port = (uint16_t)(is_port_meant ? options_int(o, "database.port") : 0),
        .instance = options_str(o, "database.instance"),
        .database = names->items[0],
        .user = options_str(o, "database.user"),
        .password = options_secret(o, "database.password"),
        .encrypt = options_bool(o, "database.encrypt"),
        .trust_server_certificate = options_bool(o, "database.trustServerCertificate"),
        .host_name_in_certificate = options_str(o, "database.hostNameInCertificate"),
        .is_read_only = options_enum(o, "database.applicationIntent") == 1,
        .multi_subnet_failover = options_bool(o, "database.multiSubnetFailover"),
        .application = options_str(o, "database.applicationName"),
        .login_timeout_ms = options_int(o, "database.loginTimeout") * 1000,
        .query_timeout_ms = options_int(o, "database.query.timeout.ms"),
        .max_value_bytes = options_int(o, "max.value.bytes"),
        .unreadable = unreadable_of(o),
    };
    return true;
}

static bool filter_of(const Options *o, CatalogFilter *f, Err *e) {
    *f = (CatalogFilter){
        .tables = table_filter_of(o),
        .column_include = options_regexes(o, "column.include.list"),
        .column_exclude = options_regexes(o, "column.exclude.list"),
        .message_keys = options_str(o, "message.key.columns"),
        .copied = options_regexes(o, "snapshot.include.collection.list"),
        .computed = (CatalogComputed)options_enum(o, "computed.columns.mode"),
    };
    if (f->tables.include && f->tables.exclude)
        return fault(o, "table.exclude.list", e, "give it or table.include.list, not both");
    if (f->column_include && f->column_exclude)
        return fault(o, "column.exclude.list", e, "give it or column.include.list, not both");
    return true;
}

static SnapshotMode mode_of(const Options *o) {
    static const SnapshotMode modes[] = {
        SNAPSHOT_INITIAL, SNAPSHOT_INITIAL_ONLY, SNAPSHOT_NO_DATA,     SNAPSHOT_NO_DATA,
        SNAPSHOT_ALWAYS,  SNAPSHOT_RECOVERY,     SNAPSHOT_WHEN_NEEDED, SNAPSHOT_CONFIGURATION_BASED};
    return modes[options_enum(o, "snapshot.mode")];
}

#define FLAG(name) options_bool(o, "snapshot.mode.configuration.based." name)

static SnapshotFlags flags_of(const Options *o) {
    return (SnapshotFlags){.data = FLAG("snapshot.data"),
                           .schema = FLAG("snapshot.schema"),
                           .stream = FLAG("start.stream"),
                           .on_data_error = FLAG("snapshot.on.data.error")};
}

bool source_streams(const Options *o) {
    SnapshotFlags flags = flags_of(o);
    return snapshot_mode_streams(mode_of(o), &flags);
}

static SourceIsolation isolation_of(const Options *o) {
    static const SourceIsolation modes[] = {SOURCE_ISOLATION_BEST, SOURCE_ISOLATION_SNAPSHOT,
                                            SOURCE_ISOLATION_READ_COMMITTED, SOURCE_ISOLATION_BEST,
                                            SOURCE_ISOLATION_BEST};
    return modes[options_enum(o, "snapshot.isolation.mode")];
}

/* Truncations ("t") don't reach change tables: SQL Server refuses TRUNCATE TABLE of a captured table. */
static bool skipped_of(const Options *o, uint8_t *ret, Err *e) {
    static const struct {
        const char *name;
        uint8_t operations; /* bits of __$operation */
    } kinds[] = {{"none", 0}, {"t", 0}, {"d", 1 << 1}, {"c", 1 << 2}, {"u", 1 << 3 | 1 << 4}};
    const TextList *list = options_list(o, "skipped.operations");
    *ret = 0;
    for (size_t i = 0; i < list->count; i++) {
        size_t k = 0;
        while (k < sizeof kinds / sizeof *kinds &&
               !str_eq_icase(str_trim(str_from(list->items[i])), str_from(kinds[k].name)))
            k++;
        if (k == sizeof kinds / sizeof *kinds)
            return fault(o, "skipped.operations", e, "it is a list of c, u, d and t, or none");
        *ret |= kinds[k].operations;
    }
    return true;
}

static bool signals_of(const Options *o, SourceSettings *s, Err *e) {
    const TextList *channels = options_list(o, "signal.enabled.channels");
    s->signals.file_poll_ms = options_int(o, "signal.poll.interval.ms");
    s->signals.table = table_filter_signals(o);
    for (size_t i = 0; i < channels->count; i++) {
        Str name = str_from(channels->items[i]);
        if (str_eq_icase(name, STR_LIT("source"))) continue;
        if (str_eq_icase(name, STR_LIT("file"))) s->signals.file = options_str(o, "signal.file");
        else if (str_eq_icase(name, STR_LIT("kafka")) || str_eq_icase(name, STR_LIT("jmx")))
            LOG_WARN("signal_channel_ignored", LOG_S("channel", channels->items[i]),
                     LOG_S("why", "there is no broker and no JMX here"),
                     LOG_S("next", "use source, file, or the command millrace signal"));
        else return fault(o, "signal.enabled.channels", e, "it lists some of source, file, kafka, jmx");
    }
    return true;
}

static bool notifications_of(const Options *o, SourceSettings *s, Err *e) {
    const TextList *channels = options_list(o, "notification.enabled.channels");
    for (size_t i = 0; channels && i < channels->count; i++) {
        Str name = str_from(channels->items[i]);
        if (str_eq_icase(name, STR_LIT("log"))) s->notifies = true;
        else if (str_eq_icase(name, STR_LIT("sink"))) s->notifies_topic = true;
        else if (str_eq_icase(name, STR_LIT("jmx")))
            LOG_WARN("notification_channel_ignored", LOG_S("channel", "jmx"),
                     LOG_S("why", "there is no JVM, so no MBean to hold them"),
                     LOG_S("next", "use log, and millrace status"));
        else return fault(o, "notification.enabled.channels", e, "it lists some of log, sink, jmx");
    }
    return true;
}

static bool policy_of(const Options *o, SourceSettings *s, Err *e) {
    SchemaChange base = (SchemaChange)(SCHEMA_EVOLVE + options_enum(o, "schema.change.policy"));
    Err why = {0};
    return schema_policy_new(base, str_from(options_str(o, "schema.change.policy.overrides")),
                             &s->schema_change, &why) ||
           fault(o, "schema.change.policy.overrides", e, why.msg);
}

bool source_settings(const Options *o, SourceSettings *ret, Err *e) {
    SourceSettings s = {0};
    if (!target_of(o, &s.target, e) || !filter_of(o, &s.filter, e)) return false;
    if (!skipped_of(o, &s.how.skipped, e)) return false;
    int64_t transactions = options_int(o, "max.iteration.transactions");
    int64_t queue_bytes = options_int(o, "max.queue.size.in.bytes");
    s.names_tables = s.filter.tables.include != NULL;
    s.mode = mode_of(o);
    s.flags = flags_of(o);
    s.isolation = isolation_of(o);
    s.snapshot_threads = (size_t)options_int(o, "snapshot.max.threads");
    s.lock_timeout_ms = options_int(o, "snapshot.lock.timeout.ms");
    s.poll_interval_ms = options_int(o, "poll.interval.ms");
    s.window_transactions = transactions ? transactions : ALL_TRANSACTIONS;
    s.max_changes =
        options_is_set(o, "max.batch.size") ? (size_t)options_int(o, "max.batch.size") : MAX_BATCH_CHANGES;
    s.queue_bytes = queue_bytes ? (size_t)queue_bytes : QUEUE_BYTES;
    s.batch_bytes = BATCH_BYTES;
    s.how.uses_function = options_enum(o, "data.query.mode") == 1;
    s.wants_dirty = options_enum(o, "snapshot.isolation.mode") == READ_UNCOMMITTED;
    s.snapshot_delay_ms = options_int(o, "snapshot.delay.ms");
    s.streaming_delay_ms = options_int(o, "streaming.delay.ms");
    s.heartbeat_ms = options_int(o, "heartbeat.interval.ms");
    s.heartbeat_query = options_str(o, "heartbeat.action.query");
    s.skips_unchanged = options_bool(o, "skip.messages.without.change");
    s.chunk_rows = options_is_set(o, "incremental.snapshot.chunk.size")
                       ? (uint64_t)options_int(o, "incremental.snapshot.chunk.size")
                       : 0;
    if (!signals_of(o, &s, e) || !notifications_of(o, &s, e)) return false;
    s.agent_query = options_str(o, "database.sqlserver.agent.status.query");
    if (!mask_rules_new(o, &s.masks, e)) return false;
    s.makes_instances = options_bool(o, "capture.instance.auto");
    if (!select_overrides_new(o, &s.selects, e) || !policy_of(o, &s, e)) {
        source_settings_done(&s);
        return false;
    }
    s.filter.masks = s.masks;
    *ret = s;
    return true;
}

void source_settings_done(SourceSettings *s) {
    s->masks = mask_rules_free(s->masks);
    s->selects = select_overrides_free(s->selects);
    s->schema_change = schema_policy_free(s->schema_change);
    *s = (SourceSettings){0};
}
