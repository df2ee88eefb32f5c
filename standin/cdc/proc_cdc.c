#include "standin/cdc/proc_cdc.h"

#include "standin/builtin/proc_arg.h"
#include "standin/capture/cdc_message.h"

bool proc_cdc_check_database(Session *s, SqlError *e) {
    const Database *d = session_current_database(s);
    return d->is_cdc_enabled || cdc_message_raise(e, 22901, &(Str){d->name, str_from(d->name).n}, 1);
}

bool proc_cdc_check(Session *s, SqlError *e) {
    return proc_cdc_check_owner(s, e) && proc_cdc_check_database(s, e);
}

bool proc_cdc_check_owner(Session *s, SqlError *e) {
    return session_is_member(s, session_current_database(s), STR_LIT("db_owner")) ||
           cdc_message_raise(e, 22904, NULL, 0);
}

static const ProcParam ENABLE_TABLE[] = {
    {.name = "@source_schema", .type = {.id = TYPE_NVARCHAR, .length = 128}, .is_required = true},
    {.name = "@source_name", .type = {.id = TYPE_NVARCHAR, .length = 128}, .is_required = true},
    PROC_NAME("@capture_instance"),
    PROC_BIT("@supports_net_changes"),
    {.name = "@role_name", .type = {.id = TYPE_NVARCHAR, .length = 128}, .is_required = true},
    PROC_NAME("@index_name"),
    PROC_TEXT("@captured_column_list"),
    PROC_NAME("@filegroup_name"),
    PROC_BIT("@allow_partition_switch"),
};
static const ProcParam DISABLE_TABLE[] = {
    {.name = "@source_schema", .type = {.id = TYPE_NVARCHAR, .length = 128}, .is_required = true},
    {.name = "@source_name", .type = {.id = TYPE_NVARCHAR, .length = 128}, .is_required = true},
    {.name = "@capture_instance", .type = {.id = TYPE_NVARCHAR, .length = 128}, .is_required = true},
};
static const ProcParam HELP_CHANGE[] = {PROC_NAME("@source_schema"), PROC_NAME("@source_name")};
static const ProcParam HELP_INSTANCE[] = {
    {.name = "@capture_instance", .type = {.id = TYPE_NVARCHAR, .length = 128}, .is_required = true}};
static const ProcParam CLEANUP[] = {
    {.name = "@capture_instance", .type = {.id = TYPE_NVARCHAR, .length = 128}, .is_required = true},
    {.name = "@low_water_mark", .type = {.id = TYPE_BINARY, .length = 10}, .is_required = true},
    PROC_BIGINT("@threshold"),
    {.name = "@fCleanupFailed", .type = {.id = TYPE_BIT}, .is_output = true},
};

static const ProcParam WRAPPER[] = {
    PROC_NAME("@capture_instance"),
    PROC_BIT("@closed_high_end_point"),
    PROC_TEXT("@column_list"),
    PROC_TEXT("@update_flag_list"),
};
static const ProcParam UPGRADE[] = {PROC_BIT("@force_metadata_fixup")};

#define PROC(name_, params_, call_)                                                                          \
    {                                                                                                        \
        .name = (name_), .params = (params_), .param_count = sizeof(params_) / sizeof(params_)[0],           \
        .call = (call_)                                                                                      \
    }

static const Proc PROCS[] = {
    {.name = "sp_cdc_enable_db", .call = proc_database_enable},
    {.name = "sp_cdc_disable_db", .call = proc_database_disable},
    PROC("sp_cdc_enable_table", ENABLE_TABLE, proc_table_enable),
    PROC("sp_cdc_disable_table", DISABLE_TABLE, proc_table_disable),
    PROC("sp_cdc_help_change_data_capture", HELP_CHANGE, proc_help_change_data_capture),
    PROC("sp_cdc_get_captured_columns", HELP_INSTANCE, proc_help_captured_columns),
    PROC("sp_cdc_get_ddl_history", HELP_INSTANCE, proc_help_ddl_history),
    PROC("sp_cdc_cleanup_change_table", CLEANUP, proc_cleanup_change_table),
    PROC("sp_cdc_generate_wrapper_function", WRAPPER, proc_help_wrapper_function),
    PROC("sp_cdc_vupgrade", UPGRADE, proc_database_upgrade),
};

void proc_cdc_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
