#include "sqlserver/setup_sql.h"

#include "sqlserver/sql_text.h"

void setup_sql_enable_database(Buf *out) {
    buf_cstr(out, "EXEC sys.sp_cdc_enable_db");
}

void setup_sql_enable_table(Str schema, Str table, Str instance, Buf *out) {
    buf_cstr(out, "EXEC sys.sp_cdc_enable_table @source_schema = ");
    sql_text_literal(schema, out);
    buf_cstr(out, ", @source_name = ");
    sql_text_literal(table, out);
    buf_cstr(out, ", @role_name = NULL");
    if (instance.n) {
        buf_cstr(out, ", @capture_instance = ");
        sql_text_literal(instance, out);
    }
}

void setup_sql_allow_snapshot(Str database, Buf *out) {
    buf_cstr(out, "ALTER DATABASE ");
    sql_text_name(database, out);
    buf_cstr(out, " SET ALLOW_SNAPSHOT_ISOLATION ON");
}

void setup_sql_create_user(Str login, Buf *out) {
    buf_cstr(out, "CREATE USER ");
    sql_text_name(login, out);
    buf_cstr(out, " FOR LOGIN ");
    sql_text_name(login, out);
}

void setup_sql_grant_table(Str schema, Str table, Str user, Buf *out) {
    buf_cstr(out, "GRANT SELECT ON ");
    sql_text_object(schema, table, out);
    buf_cstr(out, " TO ");
    sql_text_name(user, out);
}

/* The schema: change tables made later are in it, too. */
void setup_sql_grant_cdc(Str user, Buf *out) {
    buf_cstr(out, "GRANT SELECT ON SCHEMA::[cdc] TO ");
    sql_text_name(user, out);
}

void setup_sql_grant_server_state(Str login, Buf *out) {
    buf_cstr(out, "GRANT VIEW SERVER STATE TO ");
    sql_text_name(login, out);
}

void setup_sql_start_agent(Buf *out) {
    buf_cstr(out,
             "start the service SQL Server Agent (Linux: mssql-conf set sqlagent.enabled true, then restart "
             "mssql-server), and EXEC sys.sp_cdc_start_job @job_type = N'capture' if its job is stopped");
}
