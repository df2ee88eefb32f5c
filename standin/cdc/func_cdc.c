/*
 * func_cdc.c - the functions of change data capture.
 *
 * A change function is a T-SQL SELECT on the change table, made for its instance when a name like
 * cdc.fn_cdc_get_all_changes_<instance> is looked up. Its range check is, as on SQL Server, a condition that
 * calls sys.fn_cdc_check_parameters: it depends on no row, so it is evaluated once, before the first row is
 * read, and also when there is none.
 */
#include "standin/cdc/func_cdc.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "standin/builtin/quote.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/cdc_sql.h"
#include "standin/capture/update_mask.h"
#include "standin/cdc/access.h"
#include "standin/cdc/cdc_object.h"
#include "standin/exec/proc.h"

#define LSN_TYPE                                                                                             \
    { .id = TYPE_BINARY, .length = LSN10_BYTES }
#define MASK_TYPE                                                                                            \
    { .id = TYPE_VARBINARY, .length = UPDATE_MASK_MAX_BYTES }
#define DATETIME_TYPE                                                                                        \
    { .id = TYPE_DATETIME }
#define INT_TYPE                                                                                             \
    { .id = TYPE_INT }
#define BIT_TYPE                                                                                             \
    { .id = TYPE_BIT }
#define NAME_TYPE                                                                                            \
    { .id = TYPE_NVARCHAR, .length = 128, .is_sysname = true }
#define OPTION_TYPE                                                                                          \
    { .id = TYPE_NVARCHAR, .length = 30 }

static const Value NONE = {.kind = VALUE_NULL};

static Value lsn_value(const Lsn10 *lsn, Arena *arena) {
    return VALUE_OF_BLOB(arena_str(arena, lsn10_view(lsn)));
}

static StmtCache *statements(Session *s) {
    return txn_statements(session_txn(s));
}

static const Table *mapping_table(Session *s, SqlError *e) {
    const Table *t =
        instance_cdc_table(session_catalog(s), session_current_database(s)->id, STR_LIT("lsn_time_mapping"));
    if (!t) (void)cdc_message_raise(e, 208, &STR_LIT("cdc.lsn_time_mapping"), 1);
    return t;
}

/* ---- LSNs and times */

static bool get_max_lsn(Session *s, const Value *args, size_t count, Arena *arena, Value *ret, SqlError *e) {
    (void)args, (void)count;
    const Table *t = mapping_table(s, e);
    CdcSqlRow row = {.values = ret, .width = 1};
    return t && cdc_sql_row(statements(s), NULL, 0, arena, &row, e, "SELECT max(c1) FROM %s", t->sql_name);
}

static bool get_min_lsn(Session *s, const Value *args, size_t count, Arena *arena, Value *ret, SqlError *e) {
    (void)count;
    const Database *d = session_current_database(s);
    Lsn10 lsn = {{0}};
    InstanceSet set;
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), d->id, &set, e)) return false;
    const Instance *it = args[0].kind == VALUE_TEXT ? instance_by_name(&set, args[0].v.s) : NULL;
    if (it && it->has_start && access_may_read(s, d, it)) lsn = it->start_lsn;
    instance_done(&set);
    *ret = lsn_value(&lsn, arena);
    return true;
}

static bool step_lsn(const Value *v, bool (*step)(const Lsn10 *, Lsn10 *), Arena *arena, Value *ret) {
    *ret = NONE;
    if (v->kind != VALUE_BLOB) return true;
    Lsn10 lsn = lsn10_from(v->v.s);
    if (step(&lsn, &lsn)) *ret = lsn_value(&lsn, arena);
    return true;
}

static bool increment_lsn(Session *s, const Value *args, size_t count, Arena *arena, Value *ret,
                          SqlError *e) {
    (void)s, (void)count, (void)e;
    return step_lsn(&args[0], lsn10_next, arena, ret);
}

static bool decrement_lsn(Session *s, const Value *args, size_t count, Arena *arena, Value *ret,
                          SqlError *e) {
    (void)s, (void)count, (void)e;
    return step_lsn(&args[0], lsn10_prior, arena, ret);
}

static bool map_lsn_to_time(Session *s, const Value *args, size_t count, Arena *arena, Value *ret,
                            SqlError *e) {
    (void)count;
    const Table *t = mapping_table(s, e);
    CdcSqlRow row = {.values = ret, .width = 1};
    *ret = NONE;
    return t && cdc_sql_row(statements(s), args, 1, arena, &row, e, "SELECT c3 FROM %s WHERE c1 = ?1",
                            t->sql_name);
}

static const struct {
    const char *name, *compare, *order;
} TIME_OPERATORS[] = {
    {"largest less than", "<", "DESC"},
    {"largest less than or equal", "<=", "DESC"},
    {"smallest greater than", ">", "ASC"},
    {"smallest greater than or equal", ">=", "ASC"},
};

static bool map_time_to_lsn(Session *s, const Value *args, size_t count, Arena *arena, Value *ret,
                            SqlError *e) {
    (void)count;
    const Table *t = mapping_table(s, e);
    if (!t) return false;
    *ret = NONE;
    if (args[0].kind != VALUE_TEXT || args[1].kind != VALUE_INT) return true;
    CdcSqlRow row = {.values = ret, .width = 1};
    for (size_t i = 0; i < sizeof TIME_OPERATORS / sizeof *TIME_OPERATORS; i++) {
        if (!str_eq_icase(str_trim(args[0].v.s), str_from(TIME_OPERATORS[i].name))) continue;
        const char *order = TIME_OPERATORS[i].order;
        return cdc_sql_row(statements(s), &args[1], 1, arena, &row, e,
                           "SELECT c1 FROM %s WHERE c3 %s ?1 ORDER BY c3 %s, c1 %s LIMIT 1", t->sql_name,
                           TIME_OPERATORS[i].compare, order, order);
    }
    return true;
}

/* ---- columns and masks */

static bool ordinal_of(Session *s, const Value *instance, const Value *column, int64_t *ret, SqlError *e) {
    InstanceSet set;
    *ret = 0;
    if (instance->kind != VALUE_TEXT || column->kind != VALUE_TEXT) return true;
    const Database *d = session_current_database(s);
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), d->id, &set, e)) return false;
    const Instance *it = instance_by_name(&set, instance->v.s);
    if (it && !access_may_read(s, d, it)) it = NULL;
    for (size_t i = 0; it && i < it->column_count; i++)
        if (str_eq_icase(it->columns[i].name, column->v.s)) *ret = (int64_t)i + 1;
    instance_done(&set);
    return true;
}

static bool get_column_ordinal(Session *s, const Value *args, size_t count, Arena *arena, Value *ret,
                               SqlError *e) {
    (void)count, (void)arena;
    int64_t ordinal;
    if (!ordinal_of(s, &args[0], &args[1], &ordinal, e)) return false;
    *ret = ordinal ? VALUE_OF_INT(ordinal) : NONE;
    return true;
}

static bool is_bit_set(Session *s, const Value *args, size_t count, Arena *arena, Value *ret, SqlError *e) {
    (void)s, (void)count, (void)arena, (void)e;
    *ret = NONE;
    if (args[0].kind != VALUE_INT || args[1].kind != VALUE_BLOB) return true;
    *ret = VALUE_OF_INT(update_mask_has(args[1].v.s, args[0].v.i));
    return true;
}

static bool has_column_changed(Session *s, const Value *args, size_t count, Arena *arena, Value *ret,
                               SqlError *e) {
    (void)count, (void)arena;
    int64_t ordinal;
    if (!ordinal_of(s, &args[0], &args[1], &ordinal, e)) return false;
    *ret = ordinal && args[2].kind == VALUE_BLOB ? VALUE_OF_INT(update_mask_has(args[2].v.s, ordinal)) : NONE;
    return true;
}

/* sys.fn_varbintohexstr: what scripts print LSNs with. */
static bool bin_to_hex(Session *s, const Value *args, size_t count, Arena *arena, Value *ret, SqlError *e) {
    static const char digits[] = "0123456789abcdef";
    (void)s, (void)count, (void)e;
    *ret = NONE;
    if (args[0].kind != VALUE_BLOB) return true;
    Str bytes = args[0].v.s;
    char *text = arena_bytes(arena, 2 + 2 * bytes.n);
    text[0] = '0';
    text[1] = 'x';
    for (size_t i = 0; i < bytes.n; i++) {
        text[2 + 2 * i] = digits[(uint8_t)bytes.p[i] >> 4];
        text[3 + 2 * i] = digits[(uint8_t)bytes.p[i] & 15];
    }
    *ret = VALUE_OF_TEXT(((Str){text, 2 + 2 * bytes.n}));
    return true;
}

/* ---- the range check of the change functions */

static const char *const ALL_OPTIONS[] = {"all", "all update old", NULL};
static const char *const NET_OPTIONS[] = {"all", "all with mask", "all with merge", NULL};

static bool is_option(const Value *v, const char *const *options) {
    for (size_t i = 0; v->kind == VALUE_TEXT && options[i]; i++)
        if (str_eq_icase(str_trim(v->v.s), str_from(options[i]))) return true;
    return false;
}

static bool is_in_range(Session *s, const Instance *it, const Value *from, const Value *to, Arena *arena,
                        SqlError *e) {
    Value max;
    e->number = 0;
    if (!it->has_start || from->kind != VALUE_BLOB || to->kind != VALUE_BLOB) return false;
    if (!get_max_lsn(s, NULL, 0, arena, &max, e) || max.kind != VALUE_BLOB) return false;
    Lsn10 low = lsn10_from(from->v.s), high = lsn10_from(to->v.s), last = lsn10_from(max.v.s);
    return lsn10_cmp(&it->start_lsn, &low) <= 0 && lsn10_cmp(&low, &high) <= 0 &&
           lsn10_cmp(&high, &last) <= 0;
}

static bool check_instance(Session *s, const Instance *it, const Value *args, Arena *arena, SqlError *e) {
    const Database *d = session_current_database(s);
    bool is_net = args[4].kind == VALUE_INT && args[4].v.i != 0;
    const char *family = is_net ? "fn_cdc_get_net_changes_" : "fn_cdc_get_all_changes_";
    if (!access_may_read(s, d, it)) {
        /* Others than the gating role's members may not call the function; who may, but can't read the
         * source, is stopped inside, by a placeholder that nobody may read. */
        bool is_gated = it->has_role && !session_is_member(s, d, it->role);
        Str shown_name = is_gated ? it->name : STR_LIT("...");
        CLEANUP_FREE char *name = x_asprintf("%s" STR_FMT "", family, STR_ARG(shown_name));
        Str parts[] = {STR_LIT("SELECT"), str_from(name), str_from(d->name), STR_LIT("cdc")};
        return cdc_message_raise(e, 229, parts, 4);
    }
    if (is_in_range(s, it, &args[1], &args[2], arena, e) &&
        is_option(&args[3], is_net ? NET_OPTIONS : ALL_OPTIONS))
        return true;
    if (e->number) return false;
    CLEANUP_FREE char *shown = x_asprintf("cdc.%s ... ", family);
    return cdc_message_raise(e, 313, &(Str){shown, strlen(shown)}, 1);
}

/* (instance, from_lsn, to_lsn, row filter option, net changes): 1, or an error. */
static bool check_parameters(Session *s, const Value *args, size_t count, Arena *arena, Value *ret,
                             SqlError *e) {
    (void)count;
    InstanceSet set;
    const Database *d = session_current_database(s);
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), d->id, &set, e)) return false;
    const Instance *it = args[0].kind == VALUE_TEXT ? instance_by_name(&set, args[0].v.s) : NULL;
    bool ok = it ? check_instance(s, it, args, arena, e)
                 : sql_error_set(e, 22981, 16, 1, "Object does not exist or access is denied.");
    instance_done(&set);
    *ret = VALUE_OF_INT(1);
    return ok;
}

/* ---- the change functions' text */

static void quote_text(Str text, Buf *out) {
    buf_cstr(out, "N'");
    for (size_t i = 0; i < text.n; i++) {
        buf_u8(out, (uint8_t)text.p[i]);
        if (text.p[i] == '\'') buf_u8(out, '\'');
    }
    buf_cstr(out, "'");
}

static void write_columns(const Instance *it, const char *alias, Buf *out) {
    for (size_t i = 0; i < it->column_count; i++) {
        buf_printf(out, ", %s", alias);
        quote_name(it->columns[i].name, out);
    }
}

static void write_table(const Instance *it, Buf *out) {
    CLEANUP_FREE char *name = x_asprintf("" STR_FMT "_CT", STR_ARG(it->name));
    buf_cstr(out, " FROM cdc.");
    quote_name(str_from(name), out);
}

static void write_range(const Instance *it, bool is_net, Buf *out) {
    buf_cstr(out, " WHERE sys.fn_cdc_check_parameters(");
    quote_text(it->name, out);
    buf_printf(out, ", @from_lsn, @to_lsn, @row_filter_option, %d) = 1", is_net);
    buf_cstr(out, " AND [__$start_lsn] >= @from_lsn AND [__$start_lsn] <= @to_lsn");
}

static void write_all_changes(const Instance *it, Buf *out) {
    buf_cstr(out, "SELECT [__$start_lsn], [__$seqval], [__$operation], [__$update_mask]");
    write_columns(it, "", out);
    write_table(it, out);
    write_range(it, false, out);
    buf_cstr(out, " AND ([__$operation] <> 3 OR LTRIM(@row_filter_option) = N'all update old')");
}

/* One numbering of the rows of each key: the first or the last comes to be number 1. */
static void write_numbering(const Instance *it, const char *direction, const char *name, Buf *out) {
    static const char *const order[] = {"[__$start_lsn]", "[__$command_id]", "[__$seqval]", "[__$operation]"};
    buf_cstr(out, ", ROW_NUMBER() OVER (PARTITION BY ");
    for (size_t i = 0; i < it->key_count; i++) {
        if (i) buf_cstr(out, ", ");
        quote_name(it->key[i], out);
    }
    for (size_t i = 0; i < 4; i++) buf_printf(out, "%s%s %s", i ? ", " : " ORDER BY ", order[i], direction);
    buf_printf(out, ") AS [%s]", name);
}

static void write_numbered(const Instance *it, const char *direction, Buf *out) {
    buf_cstr(out, "(SELECT [__$start_lsn], [__$operation]");
    write_columns(it, "", out);
    write_numbering(it, direction, "__$number", out);
    write_table(it, out);
    write_range(it, true, out);
    buf_cstr(out, ")");
}

/* A key's last row, if it is there now, or was there before the window. The mask is NULL, as it is on a
 * server whose CLR integration is off, the default. */
static void write_net_changes(const Instance *it, Buf *out) {
    buf_cstr(out, "SELECT l.[__$start_lsn], CASE WHEN l.[__$operation] = 1 THEN 1 WHEN "
                  "LTRIM(@row_filter_option) = N'all with "
                  "merge' THEN 5 WHEN f.[__$operation] = 2 THEN 2 ELSE 4 END AS [__$operation], "
                  "CAST(NULL AS varbinary(128)) AS [__$update_mask]");
    write_columns(it, "l.", out);
    buf_cstr(out, " FROM ");
    write_numbered(it, "DESC", out);
    buf_cstr(out, " AS l INNER JOIN ");
    write_numbered(it, "ASC", out);
    buf_cstr(out, " AS f ON f.[__$number] = 1");
    for (size_t i = 0; i < it->key_count; i++) {
        buf_cstr(out, " AND f.");
        quote_name(it->key[i], out);
        buf_cstr(out, " = l.");
        quote_name(it->key[i], out);
    }
    buf_cstr(out, " WHERE l.[__$number] = 1 AND NOT (f.[__$operation] = 2 AND l.[__$operation] = 1)");
}

static const SysParam CHANGE_PARAMS[] = {
    {.name = "@from_lsn", .type = LSN_TYPE},
    {.name = "@to_lsn", .type = LSN_TYPE},
    {.name = "@row_filter_option", .type = OPTION_TYPE},
};

/* The instance that a function of a family is named after; NULL: another name. */
static const Instance *instance_named(const InstanceSet *set, Str name, const char *family) {
    Str prefix = str_from(family);
    if (!str_eq_icase(str_sub(name, 0, prefix.n), prefix)) return NULL;
    return instance_by_name(set, str_sub(name, prefix.n, name.n));
}

static bool find_change_function(void *arg, Session *s, int32_t database_id, Str schema, Str name,
                                 bool is_function, Arena *arena, SysTable *ret) {
    (void)arg;
    SqlError e;
    InstanceSet set;
    if (!is_function || !str_eq_icase(schema, STR_LIT("cdc")) ||
        !instance_load(session_db(s), session_txn(s), session_catalog(s), database_id, &set, &e))
        return false;
    CLEANUP(buf_done) Buf text = {0};
    const Instance *all = instance_named(&set, name, "fn_cdc_get_all_changes_");
    const Instance *net = instance_named(&set, name, "fn_cdc_get_net_changes_");
    if (net && !net->supports_net_changes) net = NULL;
    if (all) write_all_changes(all, &text);
    else if (net) write_net_changes(net, &text);
    int32_t id = all || net ? cdc_object_function_id((all ? all : net)->object_id, net != NULL) : 0;
    instance_done(&set);
    if (text.n == 0) return false;
    *ret = (SysTable){.schema = "cdc",
                      .name = arena_str(arena, name).p,
                      .kind = SYS_SQL,
                      .is_function = true,
                      .object_id = id,
                      .params = CHANGE_PARAMS,
                      .param_count = sizeof CHANGE_PARAMS / sizeof *CHANGE_PARAMS,
                      .sql = arena_str(arena, buf_view(&text)).p};
    return true;
}

/* ---- */

static const SysParam INSTANCE_PARAM[] = {{.name = "@capture_instance", .type = NAME_TYPE}};
static const SysParam LSN_PARAM[] = {{.name = "@lsn", .type = LSN_TYPE}};
static const SysParam TIME_PARAMS[] = {{.name = "@relational_operator", .type = OPTION_TYPE},
                                       {.name = "@tracking_time", .type = DATETIME_TYPE}};
static const SysParam ORDINAL_PARAMS[] = {{.name = "@capture_instance", .type = NAME_TYPE},
                                          {.name = "@column_name", .type = NAME_TYPE}};
static const SysParam BIT_PARAMS[] = {{.name = "@position", .type = INT_TYPE},
                                      {.name = "@mask", .type = MASK_TYPE}};
static const SysParam CHANGED_PARAMS[] = {{.name = "@capture_instance", .type = NAME_TYPE},
                                          {.name = "@column_name", .type = NAME_TYPE},
                                          {.name = "@update_mask", .type = MASK_TYPE}};
static const SysParam CHECK_PARAMS[] = {{.name = "@capture_instance", .type = NAME_TYPE},
                                        {.name = "@from_lsn", .type = LSN_TYPE},
                                        {.name = "@to_lsn", .type = LSN_TYPE},
                                        {.name = "@row_filter_option", .type = OPTION_TYPE},
                                        {.name = "@net_changes", .type = BIT_TYPE}};
static const SysParam BINARY_PARAM[] = {
    {.name = "@bin", .type = {.id = TYPE_VARBINARY, .length = TYPE_MAX_LENGTH}}};

#define FUNCTION(name_, result_, params_, deterministic, call_)                                              \
    {                                                                                                        \
        .schema = "sys", .name = (name_), .result = result_, .params = (params_),                            \
        .param_count = sizeof(params_) / sizeof(params_)[0], .is_deterministic = (deterministic),            \
        .call = (call_)                                                                                      \
    }

static const SysFunction FUNCTIONS[] = {
    {.schema = "sys",
     .name = "fn_cdc_get_max_lsn",
     .result = LSN_TYPE,
     .is_deterministic = true,
     .call = get_max_lsn},
    FUNCTION("fn_cdc_get_min_lsn", LSN_TYPE, INSTANCE_PARAM, true, get_min_lsn),
    FUNCTION("fn_cdc_increment_lsn", LSN_TYPE, LSN_PARAM, true, increment_lsn),
    FUNCTION("fn_cdc_decrement_lsn", LSN_TYPE, LSN_PARAM, true, decrement_lsn),
    FUNCTION("fn_cdc_map_lsn_to_time", DATETIME_TYPE, LSN_PARAM, true, map_lsn_to_time),
    FUNCTION("fn_cdc_map_time_to_lsn", LSN_TYPE, TIME_PARAMS, true, map_time_to_lsn),
    FUNCTION("fn_cdc_get_column_ordinal", INT_TYPE, ORDINAL_PARAMS, true, get_column_ordinal),
    FUNCTION("fn_cdc_is_bit_set", BIT_TYPE, BIT_PARAMS, true, is_bit_set),
    FUNCTION("fn_cdc_has_column_changed", BIT_TYPE, CHANGED_PARAMS, true, has_column_changed),
    FUNCTION("fn_cdc_check_parameters", BIT_TYPE, CHECK_PARAMS, true, check_parameters),
    {.schema = "sys",
     .name = "fn_varbintohexstr",
     .result = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH},
     .params = BINARY_PARAM,
     .param_count = 1,
     .is_deterministic = true,
     .call = bin_to_hex},
};

void func_cdc_add(SysRegistry *r) {
    sysregistry_add_functions(r, FUNCTIONS, sizeof FUNCTIONS / sizeof *FUNCTIONS);
    sysregistry_add_finder(r, find_change_function, NULL);
}
