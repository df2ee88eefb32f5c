/* proc_cleanup.c - sys.sp_cdc_cleanup_change_table. */
#include "standin/builtin/proc_arg.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/cdc_sql.h"
#include "standin/capture/cleanup.h"
#include "standin/capture/jobs.h"
#include "standin/cdc/proc_cdc.h"

enum { P_INSTANCE, P_MARK, P_THRESHOLD, P_FAILED };

/* The first entry that shares the mark's time, so that no transaction of one moment is cut in two. 22964: no
 * entry. */
static bool find_mark(Session *s, Str given, Arena *arena, Lsn10 *ret, SqlError *e) {
    const Table *t =
        instance_cdc_table(session_catalog(s), session_current_database(s)->id, STR_LIT("lsn_time_mapping"));
    Value value;
    CdcSqlRow row = {.values = &value, .width = 1};
    Lsn10 mark = lsn10_from(given);
    const Value p = VALUE_OF_BLOB(lsn10_view(&mark));
    if (t && !cdc_sql_row(txn_statements(session_txn(s)), &p, 1, arena, &row, e,
                          "SELECT min(a.c1) FROM %s AS a, %s AS b WHERE b.c1 = ?1 AND a.c3 = b.c3",
                          t->sql_name, t->sql_name))
        return false;
    if (t && row.is_found && value.kind == VALUE_BLOB) {
        *ret = lsn10_from(value.v.s);
        return true;
    }
    char text[LSN10_HEX_SIZE];
    (void)lsn10_hex(&mark, text);
    text[1] = 'X'; /* SQL Server's message has it in upper case altogether */
    Str arg = str_from(text);
    return cdc_message_raise(e, 22964, &arg, 1);
}

static bool clean_up(Session *s, ProcCall *call, const InstanceSet *set, const Lsn10 *given, SqlError *e) {
    const Instance *it = instance_by_name(set, proc_arg_text(call, P_INSTANCE));
    if (!it) {
        Str args[] = {proc_arg_text(call, P_INSTANCE), str_from(session_current_database(s)->name)};
        return cdc_message_raise(e, 22920, args, 2);
    }
    Lsn10 mark = given ? *given : it->start_lsn;
    if (lsn10_cmp(&mark, &it->start_lsn) < 0) mark = it->start_lsn; /* it is never lowered */
    int64_t threshold = proc_arg_int(call, P_THRESHOLD, JOBS_DEFAULT_THRESHOLD);
    return cleanup_instance(s, session_current_database(s)->id, it, &mark, threshold, e);
}

/* SQL Server looks at the mark before the instance. */
bool proc_cleanup_change_table(Session *s, ProcCall *call, SqlError *e) {
    const Database *d = session_current_database(s);
    if (!proc_cdc_check_owner(s, e)) return false;
    if (!d->is_cdc_enabled) return cdc_message_raise(e, 22910, &(Str){d->name, str_from(d->name).n}, 1);
    if (proc_arg_int(call, P_THRESHOLD, 1) < 1) return cdc_message_raise(e, 22850, NULL, 0);
    Lsn10 mark;
    const Value *given = &call->args[P_MARK].value;
    bool has_mark = given->kind == VALUE_BLOB;
    if (has_mark && !find_mark(s, given->v.s, call->arena, &mark, e)) return false;
    if (proc_arg_text(call, P_INSTANCE).n == 0)
        return cdc_message_raise(e, 22963, &STR_LIT("@capture_instance"), 1);
    InstanceSet set;
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), d->id, &set, e)) return false;
    bool ok = clean_up(s, call, &set, has_mark ? &mark : NULL, e);
    if (call->count > P_FAILED) call->outputs[P_FAILED].value = VALUE_OF_INT(!ok);
    instance_done(&set);
    return ok;
}
