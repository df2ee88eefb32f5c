/*
 * proc_table.c - sys.sp_cdc_enable_table and sp_cdc_disable_table: the checks, in SQL Server's order, then
 * instance_edit.h.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "standin/builtin/proc_arg.h"
#include "standin/builtin/quote.h"
#include "standin/capture/agent.h"
#include "standin/capture/atomic_work.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/instance_edit.h"
#include "standin/capture/jobs.h"
#include "standin/capture/update_mask.h"
#include "standin/cdc/cdc.h"
#include "standin/cdc/proc_cdc.h"

enum { MAX_INSTANCE_NAME = 100, MAX_INSTANCES = 2, MAX_NET_COLUMNS = 14 };
enum { P_SCHEMA, P_NAME, P_INSTANCE, P_NET, P_ROLE, P_INDEX, P_COLUMNS, P_FILEGROUP, P_SWITCH };

typedef struct Enabling {
    Session *session;
    ProcCall *call;
    const Database *database;
    Str schema, table; /* as given */
    InstanceSet set;
    InstanceNew wanted;
    const Column **columns; /* owned */
    bool has_made_job[2];   /* by type */
} Enabling;

static bool raise1(SqlError *e, int32_t number, Str a) {
    return cdc_message_raise(e, number, &a, 1);
}

static bool raise_table(const Enabling *n, SqlError *e, int32_t number) {
    Str args[] = {n->schema, n->table};
    return cdc_message_raise(e, number, args, 2);
}

static bool raise_with_table(const Enabling *n, SqlError *e, int32_t number, Str what) {
    Str args[] = {what, n->schema, n->table};
    return cdc_message_raise(e, number, args, 3);
}

/* ---- the source table, the instance's name */

/* Names are taken without the blanks at their end. */
static Str name_of(const ProcCall *call, size_t i) {
    Str name = proc_arg_text(call, i);
    while (name.n && name.p[name.n - 1] == ' ') name.n--;
    return name;
}

static const Table *find_source(Session *s, Str schema_name, Str name) {
    const Database *d = session_current_database(s);
    const Schema *schema = database_schema(d, schema_name);
    const Table *t = schema ? catalog_table(session_catalog(s), d->id, schema->id, name) : NULL;
    return t && t->kind == TABLE_USER && !t->is_ms_shipped ? t : NULL;
}

static bool check_source(Enabling *n, SqlError *e) {
    n->schema = proc_arg_text(n->call, P_SCHEMA);
    n->table = proc_arg_text(n->call, P_NAME);
    if (n->schema.n == 0) return raise1(e, 22963, STR_LIT("@source_schema"));
    if (n->table.n == 0) return raise1(e, 22963, STR_LIT("@source_name"));
    if (!proc_arg_is_null(n->call, P_ROLE) && name_of(n->call, P_ROLE).n == 0)
        return cdc_message_raise(e, 22907, NULL, 0);
    if (str_eq_icase(n->schema, STR_LIT("cdc"))) return cdc_message_raise(e, 22974, NULL, 0);
    n->wanted.source = find_source(n->session, n->schema, n->table);
    return n->wanted.source || raise_table(n, e, 22931);
}

static bool check_name(Enabling *n, SqlError *e) {
    Str name = name_of(n->call, P_INSTANCE);
    if (name.n == 0) {
        const Schema *schema = database_schema(n->database, n->schema);
        name = str_from(arena_printf(n->call->arena, "%s_%s", schema->name, n->wanted.source->name));
    }
    if (name.n > MAX_INSTANCE_NAME) return raise1(e, 22927, name);
    if (instance_by_name(&n->set, name)) return raise1(e, 22926, name);
    size_t same = 0;
    for (size_t i = 0; i < n->set.count; i++)
        same += n->set.items[i].source_object_id == n->wanted.source->object_id;
    n->wanted.name = name;
    return same < MAX_INSTANCES || raise_table(n, e, 22962);
}

/* ---- captured columns */

/* The next name of "a, [b c], "d"": false at the end, or with *e filled when a quote isn't closed. */
static bool next_name(Str *list, Buf *ret, SqlError *e) {
    e->number = 0;
    buf_clear(ret);
    *list = str_trim(*list);
    if (list->n == 0) return false;
    char close = list->p[0] == '[' ? ']' : list->p[0] == '"' ? '"' : ',';
    size_t i = close != ',';
    for (; i < list->n; i++) {
        bool is_close = list->p[i] == close,
             is_doubled = is_close && close != ',' && i + 1 < list->n && list->p[i + 1] == close;
        if (is_close && !is_doubled) break;
        buf_u8(ret, (uint8_t)list->p[i]);
        i += is_doubled;
    }
    if (close != ',' && i == list->n) return cdc_message_raise(e, 22965, NULL, 0);
    *list = str_sub(*list, i + (close != ','), list->n);
    *list = str_trim(*list);
    if (list->n && list->p[0] == ',') *list = str_sub(*list, 1, list->n);
    return true;
}

static bool is_listed(const Column *c, const Column *const *listed, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (listed[i] == c) return true;
    return false;
}

/* The columns named in the list, unordered; *ret_count of them. */
static bool parse_list(Enabling *n, Str list, const Column **listed, size_t *ret_count, SqlError *e) {
    CLEANUP(buf_done) Buf name = {0};
    const Table *t = n->wanted.source;
    size_t count = 0;
    while (next_name(&list, &name, e)) {
        const Column *c = table_column(t, str_trim(buf_view(&name)));
        if (!c) return raise_with_table(n, e, 22930, buf_view(&name));
        if (!is_listed(c, listed, count) && count < t->column_count) listed[count++] = c;
    }
    *ret_count = count;
    return e->number == 0 && (count > 0 || raise_table(n, e, 22942));
}

static bool is_reserved(const char *name) {
    static const char *const names[] = {"__$start_lsn", "__$end_lsn",     "__$seqval",
                                        "__$operation", "__$update_mask", "__$command_id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_icase(str_from(name), str_from(names[i]))) return true;
    return false;
}

static bool check_columns(Enabling *n, SqlError *e) {
    const Table *t = n->wanted.source;
    CLEANUP_FREE const Column **listed = x_calloc(t->column_count, sizeof *listed);
    size_t listed_count = 0;
    bool has_list = proc_arg_text(n->call, P_COLUMNS).n > 0;
    if (has_list && !parse_list(n, proc_arg_text(n->call, P_COLUMNS), listed, &listed_count, e)) return false;
    n->columns = x_calloc(t->column_count, sizeof *n->columns);
    size_t count = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        const Column *c = &t->columns[i];
        if (has_list && !is_listed(c, listed, listed_count)) continue;
        if (is_reserved(c->name)) return raise1(e, 22975, n->table);
        n->columns[count++] = c;
    }
    if (count > UPDATE_MASK_MAX_COLUMNS) {
        Str args[] = {n->wanted.name, STR_LIT("1024")};
        return cdc_message_raise(e, 22925, args, 2);
    }
    n->wanted.columns = n->columns;
    n->wanted.column_count = count;
    return true;
}

/* ---- the key */

static bool has_key_columns(const Enabling *n) {
    const Index *key = n->wanted.key;
    for (size_t k = 0; k < key->key_count; k++) {
        bool is_captured = false;
        for (size_t i = 0; i < n->wanted.column_count; i++)
            is_captured = is_captured || n->columns[i]->id == key->columns[k].column_id;
        if (!is_captured) return false;
    }
    return true;
}

/* What a named index must be besides unique. */
static bool check_named_key(const Enabling *n, Str name, SqlError *e) {
    const Index *key = n->wanted.key;
    if (!key) return raise_with_table(n, e, 22928, name);
    if (!key->is_unique) return raise_with_table(n, e, 22929, name);
    for (size_t k = 0; k < key->key_count; k++) {
        const Column *c = table_column_by_id(n->wanted.source, key->columns[k].column_id);
        if (c && c->is_nullable) return raise_with_table(n, e, 22838, name);
    }
    return true;
}

static bool check_key(Enabling *n, SqlError *e) {
    const Table *t = n->wanted.source;
    Str name = proc_arg_text(n->call, P_INDEX);
    n->wanted.key = name.n ? table_index(t, name) : table_primary_key(t);
    if (name.n && !check_named_key(n, name, e)) return false;
    bool has_key = n->wanted.key != NULL;
    n->wanted.supports_net_changes = proc_arg_int(n->call, P_NET, has_key) != 0;
    if (n->wanted.supports_net_changes && !has_key) return cdc_message_raise(e, 22939, NULL, 0);
    if (!n->wanted.supports_net_changes) return true;
    if (n->wanted.key->key_count > MAX_NET_COLUMNS)
        return raise_with_table(n, e, 22865, str_from(n->wanted.key->name));
    return has_key_columns(n) || cdc_message_raise(e, 22943, NULL, 0);
}

static bool check_rest(Enabling *n, SqlError *e) {
    n->wanted.has_role = !proc_arg_is_null(n->call, P_ROLE);
    n->wanted.role = name_of(n->call, P_ROLE);
    n->wanted.filegroup = proc_arg_text(n->call, P_FILEGROUP);
    n->wanted.allows_switch = true; /* there are no partitioned tables: the setting is ignored */
    if (n->wanted.filegroup.n == 0 || str_eq_icase(n->wanted.filegroup, STR_LIT("PRIMARY"))) return true;
    Str args[] = {n->wanted.filegroup, str_from(n->database->name)};
    return cdc_message_raise(e, 22973, args, 2);
}

/* ---- doing it */

static bool make_role(Session *s, const InstanceNew *n, SqlError *e) {
    const Database *d = session_current_database(s);
    if (!n->has_role || database_principal(d, n->role)) return true;
    CLEANUP(buf_done) Buf text = {0};
    buf_cstr(&text, "CREATE ROLE ");
    quote_name(n->role, &text);
    return proc_run(s, d->id, buf_view(&text), NULL, 0, e);
}

/* With the first table the jobs are made; one that was dropped since stays dropped. */
static bool make_job(Session *s, Enabling *n, JobType type, SqlError *e) {
    int32_t id = session_current_database(s)->id;
    Job job = jobs_default(id, type);
    bool has_one = false;
    Job found;
    if (!jobs_find(txn_statements(session_txn(s)), session_catalog(s), id, type, &found, &has_one, e))
        return false;
    n->has_made_job[type] = !has_one && n->set.count == 0;
    return !n->has_made_job[type] || jobs_save(s, &job, e);
}

static bool enable(Session *s, void *arg, SqlError *e) {
    Enabling *n = arg;
    return make_role(s, &n->wanted, e) && instance_create(s, &n->wanted, e) &&
           make_job(s, n, JOB_CAPTURE, e) && make_job(s, n, JOB_CLEANUP, e);
}

enum { INFO_JOB_STARTED = 14243, INFO_AGENT_STOPPED = 22022, NOTICES_PER_JOB = 2 };

static bool warn(Session *s, int32_t number) {
    CLEANUP(buf_done) Buf text = {0};
    cdc_message_format(number, NULL, 0, &text);
    return proc_message(s, number, cdc_message_class(number), buf_view(&text));
}

static bool tell_of_options(Session *s, const Enabling *n) {
    bool has_switch = proc_arg_int(n->call, P_SWITCH, 1) == 0;
    return (!has_switch || warn(s, 22857)) && (!n->wanted.supports_net_changes || warn(s, 22969));
}

/* The agent is told of each job's making and its start. */
static bool tell_of_job(Session *s, const Enabling *n, JobType type) {
    if (!agent_is_running(cdc_of(s)->agent)) {
        Str text =
            STR_LIT("SQLServerAgent is not currently running so it cannot be notified of this action.");
        for (int i = 0; i < NOTICES_PER_JOB; i++)
            if (!proc_message(s, INFO_AGENT_STOPPED, 0, text)) return false;
        return true;
    }
    CLEANUP_FREE char *text =
        x_asprintf("Job 'cdc.%s_%s' started successfully.", n->database->name, jobs_type_name(type));
    return proc_message(s, INFO_JOB_STARTED, 0, str_from(text));
}

static bool tell(Session *s, const Enabling *n) {
    if (!tell_of_options(s, n)) return false;
    for (JobType type = JOB_CAPTURE; type <= JOB_CLEANUP; type++)
        if (n->has_made_job[type] && !tell_of_job(s, n, type)) return false;
    return true;
}

bool proc_table_enable(Session *s, ProcCall *call, SqlError *e) {
    Enabling n = {.session = s, .call = call, .database = session_current_database(s)};
    if (!proc_cdc_check(s, e) || !check_source(&n, e) ||
        !instance_load(session_db(s), session_txn(s), session_catalog(s), n.database->id, &n.set, e))
        return false;
    bool ok = check_name(&n, e) && check_columns(&n, e) && check_key(&n, e) && check_rest(&n, e) &&
              atomic_run(s, enable, &n, e) && tell(s, &n);
    free(n.columns);
    instance_done(&n.set);
    return ok;
}

/* ---- sp_cdc_disable_table */

typedef struct Disabling {
    const InstanceSet *set;
    const Table *source;
    Str instance; /* or "all" */
} Disabling;

static bool is_meant(const Disabling *d, const Instance *it) {
    bool is_all = str_eq_icase(d->instance, STR_LIT("all"));
    return it->source_object_id == d->source->object_id && (is_all || str_eq_icase(it->name, d->instance));
}

static bool disable(Session *s, void *arg, SqlError *e) {
    const Disabling *d = arg;
    int32_t id = session_current_database(s)->id;
    size_t left = 0, left_of_source = 0;
    for (size_t i = 0; i < d->set->count; i++) {
        left += !is_meant(d, &d->set->items[i]);
        left_of_source +=
            d->set->items[i].source_object_id == d->source->object_id && !is_meant(d, &d->set->items[i]);
    }
    for (size_t i = 0; i < d->set->count; i++)
        if (is_meant(d, &d->set->items[i]) && !instance_drop(s, id, &d->set->items[i], left_of_source, e))
            return false;
    if (left > 0) return true;
    /* The last one: as on SQL Server, jobs and the mapping go too. */
    return jobs_drop(s, id, JOB_CAPTURE, e) && jobs_drop(s, id, JOB_CLEANUP, e) &&
           proc_run(s, id, STR_LIT("DELETE cdc.lsn_time_mapping"), NULL, 0, e);
}

static bool check_disabling(const Disabling *d, Str schema, Str name, SqlError *e) {
    Str args[] = {d->instance, schema, name};
    bool has_any = false, has_meant = false;
    for (size_t i = 0; i < d->set->count; i++) {
        has_any = has_any || d->set->items[i].source_object_id == d->source->object_id;
        has_meant = has_meant || is_meant(d, &d->set->items[i]);
    }
    if (!has_any) return cdc_message_raise(e, 22985, args + 1, 2);
    return has_meant || cdc_message_raise(e, 22960, args, 3);
}

bool proc_table_disable(Session *s, ProcCall *call, SqlError *e) {
    static const char *const names[] = {"@source_schema", "@source_name", "@capture_instance"};
    if (!proc_cdc_check(s, e)) return false;
    for (size_t i = 0; i < 3; i++)
        if (proc_arg_text(call, i).n == 0) return raise1(e, 22963, str_from(names[i]));
    Str table[] = {proc_arg_text(call, 0), proc_arg_text(call, 1)};
    InstanceSet set;
    Disabling d = {.set = &set, .source = find_source(s, table[0], table[1]), .instance = name_of(call, 2)};
    if (!d.source) return cdc_message_raise(e, 22931, table, 2);
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), d.source->database_id, &set, e))
        return false;
    bool ok = check_disabling(&d, table[0], table[1], e) && atomic_run(s, disable, &d, e);
    instance_done(&set);
    return ok;
}
