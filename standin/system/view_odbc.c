/*
 * view_odbc.c - tables, columns, keys and indexes as ODBC's catalog functions describe them. The procedures
 * in proc_catalog.c are SELECTs on these with LIKE and ORDER BY, as they are on SQL Server.
 */
#include "standin/system/view_odbc.h"

#include "base/mem.h"
#include "standin/exec/proc.h"
#include "standin/exec/server.h"

const SysParam view_odbc_params[VIEW_ODBC_PARAMS] = {{.name = "@form", .type = {.id = TYPE_INT}},
                                                     {.name = "@odbc_version", .type = {.id = TYPE_INT}}};

OdbcTypeForm view_odbc_form(const Value *args) {
    return args[0].kind == VALUE_INT && args[0].v.i ? ODBC_TYPE_NEW : ODBC_TYPE_OLD;
}

int view_odbc_version(const Value *args) {
    return args[1].kind == VALUE_INT ? (int)args[1].v.i : 2;
}

void view_odbc_number(ViewRow *r, int32_t v) {
    if (v == ODBC_TYPE_NONE) view_row_null(r);
    else view_row_int(r, v);
}

/* TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME. */
static void table_name(ViewRow *r, const Database *d, const Table *t) {
    const Schema *schema = database_schema_by_id(d, t->schema_id);
    view_row_text(r, d->name);
    view_row_text(r, schema ? schema->name : NULL);
    view_row_text(r, t->name);
}

/* ---- sys.spt_tables */

static const SysColumn TABLE_COLUMNS[] = {
    VIEW_NAME_N("TABLE_QUALIFIER"), VIEW_NAME_N("TABLE_OWNER"),   VIEW_NAME_N("TABLE_NAME"),
    VIEW_VARCHAR("TABLE_TYPE", 32), VIEW_VARCHAR("REMARKS", 254), VIEW_INT_N("OBJECT_ID"),
};

static bool fill_tables(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                        Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(TABLE_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    SessionTables at = {0};
    for (const Table *t; d && (t = session_next_table(s, database_id, &at)) != NULL;) {
        if (t->kind == TABLE_PROCEDURE) continue;
        table_name(&r, d, t);
        view_row_text(&r, t->kind == TABLE_VIEW ? "VIEW" : "TABLE");
        view_row_null(&r);
        view_row_int(&r, t->object_id);
        view_row_end(&r);
    }
    size_t next = 0;
    for (const SysTable *v;
         d && (v = sysregistry_next_table(server_sys(session_server(s)), &next)) != NULL;) {
        if (v->is_function) continue;
        view_row_text(&r, d->name);
        view_row_text(&r, v->schema);
        view_row_text(&r, v->name);
        view_row_text(&r, "VIEW");
        view_row_nulls(&r, 2);
        view_row_end(&r);
    }
    return true;
}

/* ---- sys.spt_columns(@form, @odbc_version) */

static const SysColumn COLUMN_COLUMNS[] = {
    VIEW_NAME_N("TABLE_QUALIFIER"),
    VIEW_NAME_N("TABLE_OWNER"),
    VIEW_NAME_N("TABLE_NAME"),
    VIEW_NAME_N("COLUMN_NAME"),
    VIEW_SMALLINT_N("DATA_TYPE"),
    VIEW_NAME_N("TYPE_NAME"),
    VIEW_INT_N("PRECISION"),
    VIEW_INT_N("LENGTH"),
    VIEW_SMALLINT_N("SCALE"),
    VIEW_SMALLINT_N("RADIX"),
    VIEW_SMALLINT_N("NULLABLE"),
    VIEW_VARCHAR("REMARKS", 254),
    VIEW_NVARCHAR("COLUMN_DEF", 4000),
    VIEW_SMALLINT_N("SQL_DATA_TYPE"),
    VIEW_SMALLINT_N("SQL_DATETIME_SUB"),
    VIEW_INT_N("CHAR_OCTET_LENGTH"),
    VIEW_INT_N("ORDINAL_POSITION"),
    VIEW_VARCHAR("IS_NULLABLE", 254),
    VIEW_TINYINT_N("SS_DATA_TYPE"),
    VIEW_SMALLINT_N("SS_IS_COMPUTED"),
    VIEW_SMALLINT_N("SS_IS_IDENTITY"),
    VIEW_INT_N("OBJECT_ID"),
    VIEW_INT_N("COLUMN_ID"),
};

static void odbc_type_values(ViewRow *r, const Database *d, const Column *c, const OdbcType *o,
                             Arena *arena) {
    const UserType *alias = c->user_type_id ? database_type_by_id(d, c->user_type_id) : NULL;
    const char *name = alias ? alias->name : c->type.is_sysname ? "sysname" : type_name(c->type.id);
    view_row_int(r, o->data_type);
    view_row_text(r, c->is_identity ? arena_printf(arena, "%s identity", name) : name);
    view_odbc_number(r, o->precision);
    view_odbc_number(r, o->length);
    view_odbc_number(r, o->scale);
    view_odbc_number(r, o->radix);
}

static void column_row(ViewRow *r, const Database *d, const Table *t, size_t i, const OdbcType *o,
                       Arena *arena) {
    const Column *c = &t->columns[i];
    table_name(r, d, t);
    view_row_text(r, c->name);
    odbc_type_values(r, d, c, o, arena);
    view_row_int(r, c->is_nullable);
    view_row_null(r);
    view_row_text(r, c->default_sql);
    view_row_int(r, o->sql_data_type);
    view_odbc_number(r, o->datetime_sub);
    view_odbc_number(r, o->char_octet_length);
    view_row_int(r, (int64_t)i + 1);
    view_row_text(r, c->is_nullable ? "YES" : "NO");
    view_row_int(r, o->ss_data_type);
    view_row_int(r, c->is_computed);
    view_row_int(r, c->is_identity);
    view_row_int(r, t->object_id);
    view_row_int(r, c->id);
    view_row_end(r);
}

static bool fill_columns(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                         Arena *arena, SqlError *e) {
    (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(COLUMN_COLUMNS));
    OdbcTypeForm form = view_odbc_form(args);
    int version = view_odbc_version(args);
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    SessionTables at = {0};
    for (const Table *t; d && (t = session_next_table(s, database_id, &at)) != NULL;) {
        for (size_t i = 0; i < t->column_count; i++) {
            OdbcType o = odbc_type_of(&t->columns[i].type, t->columns[i].is_nullable, form, version);
            column_row(&r, d, t, i, &o, arena);
        }
    }
    return true;
}

/* ---- sys.spt_indexes: a row for the table, then one for each key column of each index */

static const SysColumn INDEX_COLUMNS[] = {
    VIEW_NAME_N("TABLE_QUALIFIER"),
    VIEW_NAME_N("TABLE_OWNER"),
    VIEW_NAME_N("TABLE_NAME"),
    VIEW_SMALLINT_N("NON_UNIQUE"),
    VIEW_NAME_N("INDEX_QUALIFIER"),
    VIEW_NAME_N("INDEX_NAME"),
    VIEW_SMALLINT_N("TYPE"),
    VIEW_SMALLINT_N("SEQ_IN_INDEX"),
    VIEW_NAME_N("COLUMN_NAME"),
    VIEW_CHAR("COLLATION", 1),
    VIEW_INT_N("CARDINALITY"),
    VIEW_INT_N("PAGES"),
    VIEW_VARCHAR("FILTER_CONDITION", 128),
    VIEW_BIT_N("IS_PRIMARY_KEY"),
    VIEW_INT_N("OBJECT_ID"),
    VIEW_INT_N("COLUMN_ID"),
};
enum { INDEX_STATISTICS = 0, INDEX_CLUSTERED = 1, INDEX_OTHER = 3 }; /* ODBC's TYPE */

static int64_t row_count(const Table *t) {
    long long n = atomic_load(&t->state->row_count);
    return n > INT32_MAX ? INT32_MAX : n;
}

static void statistics_row(ViewRow *r, const Database *d, const Table *t) {
    table_name(r, d, t);
    view_row_nulls(r, 3);
    view_row_int(r, INDEX_STATISTICS);
    view_row_nulls(r, 3);
    view_row_int(r, row_count(t));
    view_row_nulls(r, 2);
    view_row_int(r, 0);
    view_row_int(r, t->object_id);
    view_row_null(r);
    view_row_end(r);
}

static void index_rows(ViewRow *r, const Database *d, const Table *t, const Index *x) {
    for (size_t i = 0; i < x->key_count; i++) {
        const Column *c = table_column_by_id(t, x->columns[i].column_id);
        table_name(r, d, t);
        view_row_int(r, !x->is_unique);
        view_row_text(r, t->name);
        view_row_text(r, x->name);
        view_row_int(r, x->is_clustered ? INDEX_CLUSTERED : INDEX_OTHER);
        view_row_int(r, (int64_t)i + 1);
        view_row_text(r, c ? c->name : NULL);
        view_row_text(r, x->columns[i].is_descending ? "D" : "A");
        if (x->is_unique) view_row_int(r, row_count(t));
        else view_row_null(r);
        view_row_nulls(r, 2);
        view_row_int(r, x->is_primary_key);
        view_row_int(r, t->object_id);
        view_row_int(r, x->columns[i].column_id);
        view_row_end(r);
    }
}

static bool fill_indexes(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                         Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(INDEX_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    SessionTables at = {0};
    for (const Table *t; d && (t = session_next_table(s, database_id, &at)) != NULL;) {
        statistics_row(&r, d, t);
        for (size_t i = 0; i < t->index_count; i++) index_rows(&r, d, t, &t->indexes[i]);
    }
    return true;
}

/* ---- sys.spt_foreign_keys */

static const SysColumn FOREIGN_KEY_COLUMNS[] = {
    VIEW_NAME_N("PKTABLE_QUALIFIER"), VIEW_NAME_N("PKTABLE_OWNER"),     VIEW_NAME_N("PKTABLE_NAME"),
    VIEW_NAME_N("PKCOLUMN_NAME"),     VIEW_NAME_N("FKTABLE_QUALIFIER"), VIEW_NAME_N("FKTABLE_OWNER"),
    VIEW_NAME_N("FKTABLE_NAME"),      VIEW_NAME_N("FKCOLUMN_NAME"),     VIEW_SMALLINT_N("KEY_SEQ"),
    VIEW_SMALLINT_N("UPDATE_RULE"),   VIEW_SMALLINT_N("DELETE_RULE"),   VIEW_NAME_N("FK_NAME"),
    VIEW_NAME_N("PK_NAME"),           VIEW_SMALLINT_N("DEFERRABILITY"),
};

/* ODBC's rule numbers by KeyAction: cascade 0, no action 1, set null 2, set default 3. */
static int64_t rule_number(KeyAction action) {
    static const int64_t numbers[] = {
        [KEY_NO_ACTION] = 1, [KEY_CASCADE] = 0, [KEY_SET_NULL] = 2, [KEY_SET_DEFAULT] = 3};
    return numbers[action];
}

enum { ODBC_NOT_DEFERRABLE = 7 };

static void foreign_key_rows(ViewRow *r, const Catalog *catalog, const Database *d, const Table *t,
                             const ForeignKey *f) {
    const Table *to = catalog_table_by_id(catalog, f->referenced_id);
    const Index *key = to ? table_primary_key(to) : NULL;
    for (size_t i = 0; to && i < f->count; i++) {
        const Column *from_column = table_column_by_id(t, f->columns[i]);
        const Column *to_column = table_column_by_id(to, f->referenced_columns[i]);
        table_name(r, d, to);
        view_row_text(r, to_column ? to_column->name : NULL);
        table_name(r, d, t);
        view_row_text(r, from_column ? from_column->name : NULL);
        view_row_int(r, (int64_t)i + 1);
        view_row_int(r, rule_number(f->on_update));
        view_row_int(r, rule_number(f->on_delete));
        view_row_text(r, f->name);
        view_row_text(r, key ? key->name : NULL);
        view_row_int(r, ODBC_NOT_DEFERRABLE);
        view_row_end(r);
    }
}

static bool fill_foreign_keys(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                              SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(FOREIGN_KEY_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    SessionTables at = {0};
    for (const Table *t; d && (t = session_next_table(s, database_id, &at)) != NULL;)
        for (size_t i = 0; i < t->foreign_key_count; i++)
            foreign_key_rows(&r, session_catalog(s), d, t, &t->foreign_keys[i]);
    return true;
}

/* ---- sys.spt_datatypes(@form, @odbc_version) */

static const SysColumn DATATYPE_COLUMNS[] = {
    VIEW_NAME("TYPE_NAME"),
    VIEW_SMALLINT("DATA_TYPE"),
    VIEW_INT_N("PRECISION"),
    VIEW_VARCHAR("LITERAL_PREFIX", 32),
    VIEW_VARCHAR("LITERAL_SUFFIX", 32),
    VIEW_VARCHAR("CREATE_PARAMS", 32),
    VIEW_SMALLINT("NULLABLE"),
    VIEW_SMALLINT("CASE_SENSITIVE"),
    VIEW_SMALLINT("SEARCHABLE"),
    VIEW_SMALLINT_N("UNSIGNED_ATTRIBUTE"),
    VIEW_SMALLINT("MONEY"),
    VIEW_SMALLINT_N("AUTO_INCREMENT"),
    VIEW_NAME_N("LOCAL_TYPE_NAME"),
    VIEW_SMALLINT_N("MINIMUM_SCALE"),
    VIEW_SMALLINT_N("MAXIMUM_SCALE"),
    VIEW_SMALLINT("SQL_DATA_TYPE"),
    VIEW_SMALLINT_N("SQL_DATETIME_SUB"),
    VIEW_INT_N("NUM_PREC_RADIX"),
    VIEW_SMALLINT_N("INTERVAL_PRECISION"),
    VIEW_SMALLINT_N("USERTYPE"),
};

typedef struct Datatype {
    Type type;
    const char *prefix, *suffix, *params;
    bool is_identity; /* the variant that can count by itself */
    int16_t user_type;
} Datatype;

enum { ODBC_UNSEARCHABLE = 0, ODBC_LIKE_ONLY = 1, ODBC_ALL_EXCEPT_LIKE = 2, ODBC_SEARCHABLE = 3 };

static const Datatype DATATYPES[] = {
    {{.id = TYPE_BIT}, NULL, NULL, NULL, false, 16},
    {{.id = TYPE_TINYINT}, NULL, NULL, NULL, false, 5},
    {{.id = TYPE_TINYINT}, NULL, NULL, NULL, true, 5},
    {{.id = TYPE_BIGINT}, NULL, NULL, NULL, false, 0},
    {{.id = TYPE_BIGINT}, NULL, NULL, NULL, true, 0},
    {{.id = TYPE_IMAGE}, "0x", NULL, NULL, false, 20},
    {{.id = TYPE_VARBINARY, .length = 8000}, "0x", NULL, "max length", false, 4},
    {{.id = TYPE_BINARY, .length = 8000}, "0x", NULL, "length", false, 3},
    {{.id = TYPE_ROWVERSION}, "0x", NULL, NULL, false, 80},
    {{.id = TYPE_TEXT}, "'", "'", NULL, false, 19},
    {{.id = TYPE_CHAR, .length = 8000}, "'", "'", "length", false, 1},
    {{.id = TYPE_NUMERIC, .precision = 38, .scale = 38}, NULL, NULL, "precision,scale", false, 10},
    {{.id = TYPE_NUMERIC, .precision = 38}, NULL, NULL, "precision", true, 10},
    {{.id = TYPE_DECIMAL, .precision = 38, .scale = 38}, NULL, NULL, "precision,scale", false, 24},
    {{.id = TYPE_DECIMAL, .precision = 38}, NULL, NULL, "precision", true, 24},
    {{.id = TYPE_MONEY}, "$", NULL, NULL, false, 11},
    {{.id = TYPE_SMALLMONEY}, "$", NULL, NULL, false, 21},
    {{.id = TYPE_INT}, NULL, NULL, NULL, false, 7},
    {{.id = TYPE_INT}, NULL, NULL, NULL, true, 7},
    {{.id = TYPE_SMALLINT}, NULL, NULL, NULL, false, 6},
    {{.id = TYPE_SMALLINT}, NULL, NULL, NULL, true, 6},
    {{.id = TYPE_FLOAT}, NULL, NULL, NULL, false, 8},
    {{.id = TYPE_REAL}, NULL, NULL, NULL, false, 23},
    {{.id = TYPE_DATETIME}, "'", "'", NULL, false, 12},
    {{.id = TYPE_SMALLDATETIME}, "'", "'", NULL, false, 22},
    {{.id = TYPE_VARCHAR, .length = 8000}, "'", "'", "max length", false, 2},
    {{.id = TYPE_NTEXT}, "N'", "'", NULL, false, 0},
    {{.id = TYPE_NVARCHAR, .length = 4000}, "N'", "'", "max length", false, 0},
    {{.id = TYPE_NVARCHAR, .length = 128, .is_sysname = true}, "N'", "'", NULL, false, 18},
    {{.id = TYPE_NCHAR, .length = 4000}, "N'", "'", "length", false, 0},
    {{.id = TYPE_UNIQUEIDENTIFIER}, "'", "'", NULL, false, 0},
    {{.id = TYPE_SQL_VARIANT}, NULL, NULL, NULL, false, 0},
    {{.id = TYPE_XML, .length = TYPE_MAX_LENGTH}, "N'", "'", NULL, false, 0},
    {{.id = TYPE_DATE}, "'", "'", NULL, false, 0},
    {{.id = TYPE_TIME, .scale = 7}, "'", "'", "scale", false, 0},
    {{.id = TYPE_DATETIME2, .scale = 7}, "'", "'", "scale", false, 0},
    {{.id = TYPE_DATETIMEOFFSET, .scale = 7}, "'", "'", "scale", false, 0},
};

static int64_t searchable(const Type *t) {
    if (t->id == TYPE_IMAGE || t->id == TYPE_XML) return ODBC_UNSEARCHABLE;
    if (t->id == TYPE_TEXT || t->id == TYPE_NTEXT) return ODBC_LIKE_ONLY;
    return type_is_text(t->id) || type_is_temporal(t->id) ? ODBC_SEARCHABLE : ODBC_ALL_EXCEPT_LIKE;
}

static void sign_and_money(ViewRow *r, const Datatype *x) {
    bool is_money = x->type.id == TYPE_MONEY || x->type.id == TYPE_SMALLMONEY;
    bool is_number = (type_is_exact(x->type.id) && x->type.id != TYPE_BIT) || x->type.id == TYPE_FLOAT ||
                     x->type.id == TYPE_REAL;
    if (is_number) view_row_int(r, x->type.id == TYPE_TINYINT);
    else view_row_null(r);
    view_row_int(r, is_money);
    if (is_number) view_row_int(r, x->is_identity);
    else view_row_null(r);
}

static void datatype_row(ViewRow *r, const Datatype *x, const OdbcType *o, Arena *arena) {
    const char *bare = x->type.is_sysname ? "sysname" : type_name(x->type.id);
    bool has_params = x->params && type_is_exact(x->type.id);
    const char *name =
        x->is_identity ? arena_printf(arena, "%s%s identity", bare, has_params ? "()" : "") : bare;
    view_row_text(r, name);
    view_row_int(r, o->data_type);
    view_odbc_number(r, o->precision);
    view_row_text(r, x->prefix);
    view_row_text(r, x->suffix);
    view_row_text(r, x->params);
    view_row_int(r, !x->is_identity && !x->type.is_sysname && x->type.id != TYPE_ROWVERSION);
    view_row_int(r, x->type.id == TYPE_XML);
    view_row_int(r, searchable(&x->type));
    sign_and_money(r, x);
    view_row_text(r, name);
    view_odbc_number(r, has_params ? 0 : o->scale);
    view_odbc_number(r, o->scale);
    view_row_int(r, o->sql_data_type);
    view_odbc_number(r, o->datetime_sub);
    view_odbc_number(r, o->radix);
    view_row_null(r);
    view_row_int(r, x->user_type);
    view_row_end(r);
}

static bool fill_datatypes(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                           SysRows *rows, Arena *arena, SqlError *e) {
    (void)s, (void)database_id, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(DATATYPE_COLUMNS));
    OdbcTypeForm form = view_odbc_form(args);
    int version = view_odbc_version(args);
    for (size_t i = 0; i < VIEW_COUNT(DATATYPES); i++) {
        OdbcType o = odbc_type_of(&DATATYPES[i].type, true, form, version);
        datatype_row(&r, &DATATYPES[i], &o, arena);
    }
    return true;
}

/* ---- sys.spt_table_privileges: the owner's, on every table (OBJECT_ID NULL), and those granted */

static const char PRIVILEGES[] =
    "SELECT CAST(NULL AS int) AS OBJECT_ID, CAST(N'dbo' AS sysname) AS GRANTOR, CAST(N'dbo' AS sysname) AS "
    "GRANTEE, CAST(v.p AS varchar(32)) AS PRIVILEGE, CAST('YES' AS varchar(3)) AS IS_GRANTABLE FROM (VALUES "
    "('DELETE'), ('INSERT'), ('REFERENCES'), ('SELECT'), ('UPDATE')) AS v(p) UNION ALL SELECT p.major_id, "
    "g.name, n.name, CAST(p.permission_name AS varchar(32)), CAST('NO' AS varchar(3)) FROM "
    "sys.database_permissions AS p INNER JOIN sys.database_principals AS g ON g.principal_id = "
    "p.grantor_principal_id INNER JOIN sys.database_principals AS n ON n.principal_id = "
    "p.grantee_principal_id WHERE p.class = 1 AND p.state = 'G' AND p.permission_name IN (N'DELETE', "
    "N'INSERT', N'REFERENCES', N'SELECT', N'UPDATE')";

/* ---- */

static const SysTable TABLES[] = {
    {.schema = "sys", .name = "spt_table_privileges", .kind = SYS_SQL, .sql = PRIVILEGES},
    VIEW_TABLE("sys", "spt_tables", TABLE_COLUMNS, fill_tables),
    VIEW_TABLE("sys", "spt_indexes", INDEX_COLUMNS, fill_indexes),
    VIEW_TABLE("sys", "spt_foreign_keys", FOREIGN_KEY_COLUMNS, fill_foreign_keys),
    VIEW_FUNCTION("sys", "spt_columns", view_odbc_params, COLUMN_COLUMNS, fill_columns),
    VIEW_FUNCTION("sys", "spt_datatypes", view_odbc_params, DATATYPE_COLUMNS, fill_datatypes),
};

void view_odbc_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
