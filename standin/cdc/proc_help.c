/* proc_help.c - what instances there are: sp_cdc_help_change_data_capture, sp_cdc_get_captured_columns,
 * sp_cdc_get_ddl_history. */
#include "base/mem.h"
#include "standin/builtin/odbc_type.h"
#include "standin/builtin/proc_arg.h"
#include "standin/builtin/quote.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/instance.h"
#include "standin/cdc/access.h"
#include "standin/cdc/proc_cdc.h"

#define COLUMN(n, nullable, ...)                                                                             \
    { .name = {"" n, sizeof(n) - 1}, .type = {__VA_ARGS__}, .is_nullable = nullable }
#define NAME_COLUMN(n) COLUMN(n, true, .id = TYPE_NVARCHAR, .length = 128, .is_sysname = true)
#define INT_COLUMN(n)  COLUMN(n, true, .id = TYPE_INT)
#define LSN_COLUMN(n)  COLUMN(n, true, .id = TYPE_BINARY, .length = LSN10_BYTES)
#define TEXT_COLUMN(n) COLUMN(n, true, .id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH)
#define COUNT(array)   (sizeof(array) / sizeof(array)[0])

static const Value NONE = {.kind = VALUE_NULL};
static Value text_of(Str s) {
    return s.n ? VALUE_OF_TEXT(s) : NONE;
}

/* Run one over a database's instances. */
typedef bool EachInstance(Session *s, ProcCall *call, const InstanceSet *set, SqlError *e);

static bool with_instances(Session *s, ProcCall *call, EachInstance *run, SqlError *e) {
    InstanceSet set;
    int32_t id = session_current_database(s)->id;
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), id, &set, e)) return false;
    e->number = 0;
    bool ok = run(s, call, &set, e);
    instance_done(&set);
    return ok;
}

/* Schema and name of the source, which may have been renamed; false: it is gone. */
static bool source_names(Session *s, const Instance *it, Value *schema, Value *name) {
    const Table *t = catalog_table_by_id(session_catalog(s), it->source_object_id);
    const Schema *owner = t ? database_schema_by_id(session_current_database(s), t->schema_id) : NULL;
    *schema = owner ? VALUE_OF_TEXT(str_from(owner->name)) : NONE;
    *name = t ? VALUE_OF_TEXT(str_from(t->name)) : NONE;
    return t != NULL;
}

/* ---- sp_cdc_help_change_data_capture */

static const OutColumn HELP_COLUMNS[] = {
    NAME_COLUMN("source_schema"),
    NAME_COLUMN("source_table"),
    NAME_COLUMN("capture_instance"),
    INT_COLUMN("object_id"),
    INT_COLUMN("source_object_id"),
    LSN_COLUMN("start_lsn"),
    LSN_COLUMN("end_lsn"),
    COLUMN("supports_net_changes", true, .id = TYPE_BIT),
    COLUMN("has_drop_pending", true, .id = TYPE_BIT),
    NAME_COLUMN("role_name"),
    NAME_COLUMN("index_name"),
    NAME_COLUMN("filegroup_name"),
    COLUMN("create_date", true, .id = TYPE_DATETIME),
    TEXT_COLUMN("index_column_list"),
    TEXT_COLUMN("captured_column_list"),
};

static bool help_row(Session *s, const Instance *it) {
    CLEANUP(buf_done) Buf key = {0}, columns = {0};
    for (size_t i = 0; i < it->key_count; i++) {
        if (i) buf_cstr(&key, ", ");
        quote_name(it->key[i], &key);
    }
    for (size_t i = 0; i < it->column_count; i++) {
        if (i) buf_cstr(&columns, ", ");
        quote_name(it->columns[i].name, &columns);
    }
    Value schema, table;
    (void)source_names(s, it, &schema, &table);
    const Value row[COUNT(HELP_COLUMNS)] = {
        schema,
        table,
        VALUE_OF_TEXT(it->name),
        VALUE_OF_INT(it->object_id),
        VALUE_OF_INT(it->source_object_id),
        it->has_start ? VALUE_OF_BLOB(lsn10_view(&it->start_lsn)) : NONE,
        NONE,
        VALUE_OF_INT(it->supports_net_changes),
        VALUE_OF_INT(it->has_drop_pending),
        it->has_role ? text_of(it->role) : NONE,
        text_of(it->index),
        NONE,
        VALUE_OF_INT(it->create_date),
        text_of(buf_view(&key)),
        VALUE_OF_TEXT(buf_view(&columns)),
    };
    return proc_row(s, row);
}

static bool help_rows(Session *s, ProcCall *call, const InstanceSet *set, SqlError *e) {
    (void)e;
    Str schema = proc_arg_text(call, 0), table = proc_arg_text(call, 1);
    if (!proc_columns(s, HELP_COLUMNS, COUNT(HELP_COLUMNS))) return false;
    for (size_t i = 0; i < set->count; i++) {
        Value of[2];
        const Instance *it = &set->items[i];
        if (!access_may_read(s, session_current_database(s), it)) continue;
        bool has = source_names(s, it, &of[0], &of[1]);
        bool is_meant =
            schema.n == 0 || (has && str_eq_icase(of[0].v.s, schema) && str_eq_icase(of[1].v.s, table));
        if (is_meant && !help_row(s, it)) return false;
    }
    return proc_rows_done(s);
}

/* The one table that was asked for must be there, and tracked. */
static bool check_meant(Session *s, const ProcCall *call, SqlError *e) {
    const Database *d = session_current_database(s);
    Str names[] = {proc_arg_text(call, 0), proc_arg_text(call, 1)};
    const Schema *schema = database_schema(d, names[0]);
    const Table *t = schema ? catalog_table(session_catalog(s), d->id, schema->id, names[1]) : NULL;
    if (!t || t->kind != TABLE_USER) return cdc_message_raise(e, 22931, names, 2);
    return t->is_tracked_by_cdc || cdc_message_raise(e, 22985, names, 2);
}

bool proc_help_change_data_capture(Session *s, ProcCall *call, SqlError *e) {
    if (!proc_cdc_check_database(s, e)) return false;
    bool has_schema = proc_arg_text(call, 0).n > 0, has_name = proc_arg_text(call, 1).n > 0;
    if (has_schema != has_name) return cdc_message_raise(e, 22972, NULL, 0);
    if (has_name && !check_meant(s, call, e)) return false;
    return with_instances(s, call, help_rows, e);
}

/* ---- sp_cdc_generate_wrapper_function */

/* Its scripts are user functions, which this server doesn't run. */
bool proc_help_wrapper_function(Session *s, ProcCall *call, SqlError *e) {
    (void)call;
    return proc_cdc_check_database(s, e) &&
           sql_error_set(
               e, 40510, 16, 1,
               "Statement 'sys.sp_cdc_generate_wrapper_function' is not supported in this version of "
               "SQL Server.");
}

/* ---- sp_cdc_get_captured_columns */

static const Instance *instance_meant(Session *s, ProcCall *call, const InstanceSet *set, SqlError *e) {
    const Instance *it = instance_by_name(set, proc_arg_text(call, 0));
    if (it && access_may_read(s, session_current_database(s), it)) return it;
    (void)cdc_message_raise(e, 22981, NULL, 0);
    return NULL;
}

static const OutColumn CAPTURED_COLUMNS[] = {
    NAME_COLUMN("source_schema"),
    NAME_COLUMN("source_table"),
    NAME_COLUMN("capture_instance"),
    NAME_COLUMN("column_name"),
    INT_COLUMN("column_id"),
    INT_COLUMN("column_ordinal"),
    NAME_COLUMN("data_type"),
    INT_COLUMN("character_maximum_length"),
    COLUMN("numeric_precision", true, .id = TYPE_TINYINT),
    COLUMN("numeric_precision_radix", true, .id = TYPE_SMALLINT),
    INT_COLUMN("numeric_scale"),
    COLUMN("datetime_precision", true, .id = TYPE_SMALLINT),
};

static bool captured_row(Session *s, const Instance *it, size_t i, const Type *type) {
    bool has_length = type_is_text(type->id) || type_is_binary(type->id);
    bool is_float = type->id == TYPE_REAL || type->id == TYPE_FLOAT;
    bool is_number = is_float || (type_is_exact(type->id) && type->id != TYPE_BIT);
    Value schema, table;
    (void)source_names(s, it, &schema, &table);
    const Value row[COUNT(CAPTURED_COLUMNS)] = {
        schema,
        table,
        VALUE_OF_TEXT(it->name),
        VALUE_OF_TEXT(it->columns[i].name),
        VALUE_OF_INT(it->columns[i].column_id),
        VALUE_OF_INT((int64_t)i + 1),
        VALUE_OF_TEXT(it->columns[i].type_name),
        has_length ? VALUE_OF_INT(type->length) : NONE,
        is_number ? VALUE_OF_INT(type_sys_precision(type)) : NONE,
        is_number ? VALUE_OF_INT(is_float ? 2 : 10) : NONE,
        is_number && !is_float ? VALUE_OF_INT(type_sys_scale(type)) : NONE,
        type_is_temporal(type->id) ? VALUE_OF_INT(type_sys_scale(type)) : NONE,
    };
    return proc_row(s, row);
}

static bool captured_rows(Session *s, ProcCall *call, const InstanceSet *set, SqlError *e) {
    const Instance *it = instance_meant(s, call, set, e);
    const Table *change = it ? catalog_table_by_id(session_catalog(s), it->object_id) : NULL;
    if (!it) return false;
    if (!proc_columns(s, CAPTURED_COLUMNS, COUNT(CAPTURED_COLUMNS))) return false;
    for (size_t i = 0; change && i < it->column_count; i++)
        if (!captured_row(s, it, i, &change->columns[CT_FIRST_CAPTURED - 1 + i].type)) return false;
    return proc_rows_done(s);
}

bool proc_help_captured_columns(Session *s, ProcCall *call, SqlError *e) {
    return proc_cdc_check_database(s, e) && with_instances(s, call, captured_rows, e);
}

/* ---- sp_cdc_get_ddl_history */

static bool history_rows(Session *s, ProcCall *call, const InstanceSet *set, SqlError *e) {
    static const char text[] =
        "SELECT OBJECT_SCHEMA_NAME(h.source_object_id) AS source_schema, OBJECT_NAME(h.source_object_id) AS "
        "source_table, c.capture_instance, h.required_column_update, h.ddl_command, h.ddl_lsn, h.ddl_time "
        "FROM cdc.ddl_history AS h INNER JOIN cdc.change_tables AS c ON c.object_id = h.object_id "
        "WHERE h.object_id = @object ORDER BY h.ddl_lsn";
    const Instance *it = instance_meant(s, call, set, e);
    if (!it) return false;
    SessionParam p = proc_arg_param("@object", &(Type){.id = TYPE_INT}, VALUE_OF_INT(it->object_id));
    return proc_query(s, session_current_database(s)->id, str_from(text), &p, 1, NULL, NULL, e);
}

bool proc_help_ddl_history(Session *s, ProcCall *call, SqlError *e) {
    return proc_cdc_check_database(s, e) && with_instances(s, call, history_rows, e);
}
