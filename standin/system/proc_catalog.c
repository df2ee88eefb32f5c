/*
 * proc_catalog.c - sp_tables, sp_columns, sp_pkeys and their kin: SELECTs on the rows of view_odbc.h. Names
 * are LIKE patterns where the manual says so; [ and ] quote a wildcard.
 */
#include "standin/system/proc_catalog.h"

#include "base/mem.h"
#include "standin/builtin/proc_arg.h"

static const Type PATTERN_TYPE = {.id = TYPE_NVARCHAR, .length = 384};
static const Type NUMBER_TYPE = {.id = TYPE_INT};

enum { MAX_QUERY_PARAMS = 8 };

typedef struct Query {
    SessionParam params[MAX_QUERY_PARAMS];
    size_t count;
} Query;

/* A pattern; NULL or nothing = everything. */
static void add_pattern(Query *q, const char *name, Str pattern) {
    Value v = VALUE_OF_TEXT(pattern.n ? pattern : STR_LIT("%"));
    q->params[q->count++] = proc_arg_param(name, &PATTERN_TYPE, v);
}

static void add_text(Query *q, const char *name, Str text) {
    q->params[q->count++] =
        proc_arg_param(name, &PATTERN_TYPE, text.n ? VALUE_OF_TEXT(text) : (Value){.kind = VALUE_NULL});
}

static void add_number(Query *q, const char *name, int64_t v) {
    q->params[q->count++] = proc_arg_param(name, &NUMBER_TYPE, VALUE_OF_INT(v));
}

/* The qualifier must name the current database, as on SQL Server. */
static bool check_qualifier(Session *s, Str qualifier, SqlError *e) {
    if (qualifier.n == 0 || str_eq_icase(qualifier, str_from(session_current_database(s)->name))) return true;
    return sql_error_set(
        e, 15250, 16, 1,
        "The database name component of the object qualifier must be the name of the current database.");
}

static bool run(Session *s, const char *text, const Query *q, SqlError *e) {
    return proc_query(s, session_current_database(s)->id, str_from(text), q->params, q->count, NULL, NULL, e);
}

/* A plain name as a pattern: its wildcards quoted. In the call's arena. */
static Str as_pattern(ProcCall *call, Str name) {
    char *p = arena_bytes(call->arena, name.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        bool is_wild = name.p[i] == '%' || name.p[i] == '_' || name.p[i] == '[';
        if (is_wild) p[n++] = '[';
        p[n++] = name.p[i];
        if (is_wild) p[n++] = ']';
    }
    return (Str){p, n};
}

/* The argument at `at`, a pattern or a plain name. */
static void add_name(ProcCall *call, Query *q, const char *param, size_t at, bool is_pattern) {
    Str name = proc_arg_text(call, at);
    add_pattern(q, param, is_pattern ? name : as_pattern(call, name));
}

/* The first three arguments of most: @name, @owner and a qualifier. */
static bool begin_names(Session *s, ProcCall *call, bool is_pattern, Query *q, SqlError *e) {
    if (!check_qualifier(s, proc_arg_text(call, 2), e)) return false;
    add_name(call, q, "@name", 0, is_pattern);
    add_name(call, q, "@owner", 1, is_pattern);
    return true;
}

/* ---- sp_tables */

/*
 * @table_type is a list of names in quotation marks, such as "'TABLE','VIEW'". The manual lets the whole be
 * in more of them (JDBC sends "'''TABLE'''"), so a type is looked for with its own two wherever it stands.
 */
static bool has_type(Str list, const char *quoted) {
    Str type = str_from(quoted);
    if (list.n == 0) return true;
    for (size_t at = 0; at + type.n <= list.n; at++)
        if (str_eq_icase(str_sub(list, at, type.n), type)) return true;
    return false;
}

static bool sp_tables(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] =
        "SELECT TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, TABLE_TYPE, REMARKS FROM sys.spt_tables "
        "WHERE TABLE_NAME LIKE @name AND TABLE_OWNER LIKE @owner AND (TABLE_TYPE <> 'TABLE' OR @tables = 1) "
        "AND "
        "(TABLE_TYPE <> 'VIEW' OR @views = 1) ORDER BY TABLE_TYPE, TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME";
    Str qualifier = proc_arg_text(call, 2), types = proc_arg_text(call, 3);
    bool is_pattern = proc_arg_int(call, 4, 1) != 0;
    Str name = proc_arg_text(call, 0), owner = proc_arg_text(call, 1);
    /* ODBC's lists of table types, of schemas, of databases: everything else is empty. */
    if (name.n == 0 && owner.n == 0 && qualifier.n == 0 && str_eq_c(types, "%"))
        return run(s,
                   "SELECT CAST(NULL AS sysname) AS TABLE_QUALIFIER, CAST(NULL AS sysname) AS TABLE_OWNER, "
                   "CAST(NULL AS sysname) AS TABLE_NAME, CAST(t AS varchar(32)) AS TABLE_TYPE, CAST(NULL AS "
                   "varchar(254)) AS REMARKS FROM (VALUES ('SYSTEM TABLE'), ('TABLE'), ('VIEW')) AS v(t)",
                   &(Query){0}, e);
    if (str_eq_c(owner, "%") && name.n == 0 && qualifier.n == 0 && types.n == 0 && !proc_arg_is_null(call, 0))
        return run(
            s,
            "SELECT CAST(NULL AS sysname) AS TABLE_QUALIFIER, name AS TABLE_OWNER, CAST(NULL AS sysname) AS "
            "TABLE_NAME, CAST(NULL AS varchar(32)) AS TABLE_TYPE, CAST(NULL AS varchar(254)) AS REMARKS "
            "FROM sys.schemas ORDER BY name",
            &(Query){0}, e);
    if (str_eq_c(qualifier, "%") && name.n == 0 && owner.n == 0)
        return run(
            s,
            "SELECT name AS TABLE_QUALIFIER, CAST(NULL AS sysname) AS TABLE_OWNER, CAST(NULL AS sysname) AS "
            "TABLE_NAME, CAST(NULL AS varchar(32)) AS TABLE_TYPE, CAST(NULL AS varchar(254)) AS REMARKS "
            "FROM sys.databases ORDER BY name",
            &(Query){0}, e);
    if (!str_eq_c(qualifier, "%") && !check_qualifier(s, qualifier, e)) return false;
    Query q = {0};
    add_name(call, &q, "@name", 0, is_pattern);
    add_name(call, &q, "@owner", 1, is_pattern);
    add_number(&q, "@tables", has_type(types, "'TABLE'"));
    add_number(&q, "@views", has_type(types, "'VIEW'"));
    return run(s, text, &q, e);
}

/* ---- sp_columns, sp_columns_100 */

#define COLUMN_START                                                                                         \
    "SELECT TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, COLUMN_NAME, DATA_TYPE, TYPE_NAME, PRECISION, "        \
    "LENGTH, SCALE, "                                                                                        \
    "RADIX, NULLABLE, REMARKS, COLUMN_DEF, SQL_DATA_TYPE, SQL_DATETIME_SUB, CHAR_OCTET_LENGTH, "             \
    "ORDINAL_POSITION, "                                                                                     \
    "IS_NULLABLE, "
#define COLUMN_END                                                                                           \
    " FROM sys.spt_columns(@form, @version) WHERE TABLE_NAME LIKE @name AND TABLE_OWNER LIKE @owner AND "    \
    "COLUMN_NAME LIKE @column ORDER BY TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, ORDINAL_POSITION"
#define NO_NAME(column) "CAST(NULL AS sysname) AS " column ", "

static bool columns(Session *s, ProcCall *call, const char *text, bool is_new, bool is_pattern,
                    int64_t version, SqlError *e) {
    Query q = {0};
    if (!begin_names(s, call, is_pattern, &q, e)) return false;
    add_name(call, &q, "@column", 3, is_pattern);
    add_number(&q, "@form", is_new);
    add_number(&q, "@version", version);
    return run(s, text, &q, e);
}

static bool sp_columns(Session *s, ProcCall *call, SqlError *e) {
    return columns(s, call, COLUMN_START "SS_DATA_TYPE" COLUMN_END, false, true, proc_arg_int(call, 4, 2), e);
}

static bool sp_columns_100(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] = COLUMN_START
        "CAST(0 AS smallint) AS SS_IS_SPARSE, CAST(0 AS smallint) AS SS_IS_COLUMN_SET, SS_IS_COMPUTED, "
        "SS_IS_IDENTITY, " NO_NAME("SS_UDT_CATALOG_NAME") NO_NAME("SS_UDT_SCHEMA_NAME")
            NO_NAME("SS_UDT_ASSEMBLY_TYPE_NAME") NO_NAME("SS_XML_SCHEMACOLLECTION_CATALOG_NAME")
                NO_NAME("SS_XML_SCHEMACOLLECTION_SCHEMA_NAME")
                    NO_NAME("SS_XML_SCHEMACOLLECTION_NAME") "SS_DATA_TYPE" COLUMN_END;
    return columns(s, call, text, true, proc_arg_int(call, 6, 1) != 0, proc_arg_int(call, 5, 2), e);
}

/* ---- keys and indexes */

static bool sp_pkeys(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] =
        "SELECT TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, COLUMN_NAME, SEQ_IN_INDEX AS KEY_SEQ, INDEX_NAME "
        "AS PK_NAME "
        "FROM sys.spt_indexes WHERE IS_PRIMARY_KEY = 1 AND TABLE_NAME = @table AND TABLE_OWNER LIKE @owner "
        "ORDER BY TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, SEQ_IN_INDEX";
    Query q = {0};
    if (!check_qualifier(s, proc_arg_text(call, 2), e)) return false;
    add_text(&q, "@table", proc_arg_text(call, 0));
    add_pattern(&q, "@owner", proc_arg_text(call, 1));
    return run(s, text, &q, e);
}

static bool sp_statistics(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] =
        "SELECT TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, NON_UNIQUE, INDEX_QUALIFIER, INDEX_NAME, TYPE, "
        "SEQ_IN_INDEX, "
        "COLUMN_NAME, COLLATION, CARDINALITY, PAGES, FILTER_CONDITION FROM sys.spt_indexes "
        "WHERE TABLE_NAME = @table AND TABLE_OWNER LIKE @owner AND (TYPE = 0 OR INDEX_NAME LIKE @index) AND "
        "(TYPE = 0 OR @unique <> N'Y' OR NON_UNIQUE = 0) ORDER BY NON_UNIQUE, TYPE, INDEX_NAME, SEQ_IN_INDEX";
    Query q = {0};
    if (!check_qualifier(s, proc_arg_text(call, 2), e)) return false;
    add_text(&q, "@table", proc_arg_text(call, 0));
    add_pattern(&q, "@owner", proc_arg_text(call, 1));
    add_pattern(&q, "@index", proc_arg_text(call, 3));
    Str unique = proc_arg_text(call, 4);
    add_text(&q, "@unique", unique.n ? unique : STR_LIT("N"));
    return run(s, text, &q, e);
}

static bool sp_fkeys(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] =
        "SELECT * FROM sys.spt_foreign_keys WHERE PKTABLE_NAME LIKE @pk AND PKTABLE_OWNER LIKE @pkowner AND "
        "FKTABLE_NAME LIKE @fk AND FKTABLE_OWNER LIKE @fkowner ORDER BY FKTABLE_QUALIFIER, FKTABLE_OWNER, "
        "FKTABLE_NAME, "
        "KEY_SEQ";
    Str pk = proc_arg_text(call, 0), fk = proc_arg_text(call, 3);
    Query q = {0};
    if (pk.n == 0 && fk.n == 0)
        return sql_error_set(e, 15252, 16, 1, "The primary or foreign key table name must be given.");
    if (!check_qualifier(s, proc_arg_text(call, 2), e) || !check_qualifier(s, proc_arg_text(call, 5), e))
        return false;
    add_pattern(&q, "@pk", as_pattern(call, pk));
    add_pattern(&q, "@pkowner", proc_arg_text(call, 1));
    add_pattern(&q, "@fk", as_pattern(call, fk));
    add_pattern(&q, "@fkowner", proc_arg_text(call, 4));
    return run(s, text, &q, e);
}

/* Best row identifier ('R'): the primary key, else the first unique index. Row version ('V'): the rowversion
 * column. */
static bool special_columns(Session *s, ProcCall *call, bool is_new, SqlError *e) {
    static const char identifier[] = "SELECT CAST(1 AS smallint) AS SCOPE, c.COLUMN_NAME, c.DATA_TYPE, "
                                     "c.TYPE_NAME, c.PRECISION, c.LENGTH, c.SCALE, "
                                     "CAST(1 AS smallint) AS PSEUDO_COLUMN FROM sys.spt_columns(@form, "
                                     "@version) AS c INNER JOIN sys.spt_indexes AS i "
                                     "ON i.OBJECT_ID = c.OBJECT_ID AND i.COLUMN_ID = c.COLUMN_ID WHERE "
                                     "c.TABLE_NAME = @table AND c.TABLE_OWNER LIKE "
                                     "@owner AND i.INDEX_NAME = (SELECT TOP (1) b.INDEX_NAME FROM "
                                     "sys.spt_indexes AS b WHERE b.OBJECT_ID = "
                                     "c.OBJECT_ID AND b.NON_UNIQUE = 0 ORDER BY b.IS_PRIMARY_KEY DESC, "
                                     "b.INDEX_NAME) ORDER BY i.SEQ_IN_INDEX";
    static const char version[] = "SELECT CAST(NULL AS smallint) AS SCOPE, COLUMN_NAME, DATA_TYPE, "
                                  "TYPE_NAME, PRECISION, LENGTH, SCALE, "
                                  "CAST(1 AS smallint) AS PSEUDO_COLUMN FROM sys.spt_columns(@form, "
                                  "@version) WHERE TABLE_NAME = @table AND "
                                  "TABLE_OWNER LIKE @owner AND TYPE_NAME = N'timestamp'";
    Query q = {0};
    if (!check_qualifier(s, proc_arg_text(call, 2), e)) return false;
    add_text(&q, "@table", proc_arg_text(call, 0));
    add_pattern(&q, "@owner", proc_arg_text(call, 1));
    add_number(&q, "@form", is_new);
    add_number(&q, "@version", proc_arg_int(call, 6, 2));
    return run(s, str_eq_icase(proc_arg_text(call, 3), STR_LIT("V")) ? version : identifier, &q, e);
}

static bool sp_special_columns(Session *s, ProcCall *call, SqlError *e) {
    return special_columns(s, call, false, e);
}
static bool sp_special_columns_100(Session *s, ProcCall *call, SqlError *e) {
    return special_columns(s, call, true, e);
}

/* ---- types, databases, the server */

static bool datatype_info(Session *s, ProcCall *call, bool is_new, SqlError *e) {
    Query q = {0};
    add_number(&q, "@type", proc_arg_int(call, 0, 0));
    add_number(&q, "@form", is_new);
    add_number(&q, "@version", proc_arg_int(call, 1, 2));
    return run(s,
               "SELECT * FROM sys.spt_datatypes(@form, @version) WHERE @type = 0 OR DATA_TYPE = @type ORDER "
               "BY DATA_TYPE, "
               "AUTO_INCREMENT, MONEY, USERTYPE",
               &q, e);
}

static bool sp_datatype_info(Session *s, ProcCall *call, SqlError *e) {
    return datatype_info(s, call, false, e);
}
static bool sp_datatype_info_100(Session *s, ProcCall *call, SqlError *e) {
    return datatype_info(s, call, true, e);
}

static bool sp_databases(Session *s, ProcCall *call, SqlError *e) {
    (void)call;
    return run(s,
               "SELECT name AS DATABASE_NAME, CAST(NULL AS int) AS DATABASE_SIZE, CAST(NULL AS varchar(254)) "
               "AS REMARKS "
               "FROM sys.databases ORDER BY name",
               &(Query){0}, e);
}

/* ---- procedures and their parameters */

static bool sp_stored_procedures(Session *s, ProcCall *call, SqlError *e) {
    Query q = {0};
    if (!begin_names(s, call, proc_arg_int(call, 3, 1) != 0, &q, e)) return false;
    return run(s,
               "SELECT PROCEDURE_QUALIFIER, PROCEDURE_OWNER, PROCEDURE_NAME, NUM_INPUT_PARAMS, "
               "NUM_OUTPUT_PARAMS, NUM_RESULT_SETS, REMARKS, PROCEDURE_TYPE FROM sys.spt_procedures WHERE "
               "NAME LIKE @name AND PROCEDURE_OWNER LIKE @owner ORDER BY PROCEDURE_QUALIFIER, "
               "PROCEDURE_OWNER, PROCEDURE_NAME",
               &q, e);
}

static bool procedure_columns(Session *s, ProcCall *call, bool is_new, SqlError *e) {
    Query q = {0};
    bool is_pattern = proc_arg_int(call, 5, 1) != 0;
    if (!begin_names(s, call, is_pattern, &q, e)) return false;
    add_name(call, &q, "@column", 3, is_pattern);
    add_number(&q, "@form", is_new);
    add_number(&q, "@version", proc_arg_int(call, 4, 2));
    static const char start[] =
        "SELECT PROCEDURE_QUALIFIER, PROCEDURE_OWNER, PROCEDURE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, "
        "TYPE_NAME, PRECISION, LENGTH, SCALE, RADIX, NULLABLE, REMARKS, COLUMN_DEF, SQL_DATA_TYPE, "
        "SQL_DATETIME_SUB, CHAR_OCTET_LENGTH, ORDINAL_POSITION, IS_NULLABLE, ";
    static const char end[] =
        "SS_DATA_TYPE FROM sys.spt_procedure_columns(@form, @version) WHERE NAME LIKE @name AND "
        "PROCEDURE_OWNER LIKE @owner AND COLUMN_NAME LIKE @column ORDER BY PROCEDURE_QUALIFIER, "
        "PROCEDURE_OWNER, PROCEDURE_NAME, ORDINAL_POSITION";
    static const char names_of_types[] = NO_NAME("SS_TYPE_CATALOG_NAME") NO_NAME("SS_TYPE_SCHEMA_NAME")
        NO_NAME("SS_UDT_CATALOG_NAME") NO_NAME("SS_UDT_SCHEMA_NAME") NO_NAME("SS_UDT_ASSEMBLY_TYPE_NAME")
            NO_NAME("SS_XML_SCHEMACOLLECTION_CATALOG_NAME") NO_NAME("SS_XML_SCHEMACOLLECTION_SCHEMA_NAME")
                NO_NAME("SS_XML_SCHEMACOLLECTION_NAME");
    return run(s, arena_printf(call->arena, "%s%s%s", start, is_new ? names_of_types : "", end), &q, e);
}

static bool sp_sproc_columns(Session *s, ProcCall *call, SqlError *e) {
    return procedure_columns(s, call, false, e);
}
static bool sp_sproc_columns_100(Session *s, ProcCall *call, SqlError *e) {
    return procedure_columns(s, call, true, e);
}

/* ---- permissions: the owner has them all; then what was granted */

static bool sp_table_privileges(Session *s, ProcCall *call, SqlError *e) {
    Query q = {0};
    if (!begin_names(s, call, proc_arg_int(call, 3, 1) != 0, &q, e)) return false;
    return run(
        s,
        "SELECT t.TABLE_QUALIFIER, t.TABLE_OWNER, t.TABLE_NAME, p.GRANTOR, p.GRANTEE, p.PRIVILEGE, "
        "p.IS_GRANTABLE FROM sys.spt_tables AS t INNER JOIN sys.spt_table_privileges AS p ON p.OBJECT_ID IS "
        "NULL OR p.OBJECT_ID = t.OBJECT_ID WHERE t.TABLE_TYPE = 'TABLE' AND t.TABLE_NAME LIKE @name AND "
        "t.TABLE_OWNER LIKE @owner ORDER BY t.TABLE_QUALIFIER, t.TABLE_OWNER, t.TABLE_NAME, p.PRIVILEGE",
        &q, e);
}

static bool sp_column_privileges(Session *s, ProcCall *call, SqlError *e) {
    Query q = {0};
    if (!check_qualifier(s, proc_arg_text(call, 2), e)) return false;
    add_text(&q, "@name", proc_arg_text(call, 0));
    add_pattern(&q, "@owner", proc_arg_text(call, 1));
    add_pattern(&q, "@column", proc_arg_text(call, 3));
    return run(
        s,
        "SELECT c.TABLE_QUALIFIER, c.TABLE_OWNER, c.TABLE_NAME, c.COLUMN_NAME, p.GRANTOR, p.GRANTEE, "
        "p.PRIVILEGE, p.IS_GRANTABLE FROM sys.spt_columns(0, 2) AS c INNER JOIN sys.spt_table_privileges AS "
        "p "
        "ON p.OBJECT_ID IS NULL OR p.OBJECT_ID = c.OBJECT_ID WHERE p.PRIVILEGE <> 'DELETE' AND c.TABLE_NAME "
        "= "
        "@name AND c.TABLE_OWNER LIKE @owner AND c.COLUMN_NAME LIKE @column ORDER BY c.TABLE_QUALIFIER, "
        "c.TABLE_OWNER, c.TABLE_NAME, c.COLUMN_NAME, p.PRIVILEGE",
        &q, e);
}

/* ---- */

#define PROC_PATTERN(n)                                                                                      \
    {                                                                                                        \
        .name = (n), .type = {.id = TYPE_NVARCHAR, .length = 384 }                                           \
    }

static const ProcParam TABLES[] = {PROC_PATTERN("@table_name"), PROC_PATTERN("@table_owner"),
                                   PROC_NAME("@table_qualifier"), PROC_TEXT("@table_type"),
                                   PROC_BIT("@fUsePattern")};
static const ProcParam COLUMNS[] = {PROC_PATTERN("@table_name"), PROC_PATTERN("@table_owner"),
                                    PROC_NAME("@table_qualifier"), PROC_PATTERN("@column_name"),
                                    PROC_INT("@ODBCVer")};
static const ProcParam COLUMNS_100[] = {PROC_PATTERN("@table_name"),   PROC_PATTERN("@table_owner"),
                                        PROC_NAME("@table_qualifier"), PROC_PATTERN("@column_name"),
                                        PROC_INT("@NameScope"),        PROC_INT("@ODBCVer"),
                                        PROC_BIT("@fUsePattern")};
static const ProcParam PKEYS[] = {PROC_NAME("@table_name"), PROC_NAME("@table_owner"),
                                  PROC_NAME("@table_qualifier")};
static const ProcParam STATISTICS[] = {PROC_NAME("@table_name"),      PROC_NAME("@table_owner"),
                                       PROC_NAME("@table_qualifier"), PROC_NAME("@index_name"),
                                       PROC_NAME("@is_unique"),       PROC_NAME("@accuracy")};
static const ProcParam FKEYS[] = {PROC_NAME("@pktable_name"),      PROC_NAME("@pktable_owner"),
                                  PROC_NAME("@pktable_qualifier"), PROC_NAME("@fktable_name"),
                                  PROC_NAME("@fktable_owner"),     PROC_NAME("@fktable_qualifier")};
static const ProcParam SPECIAL[] = {
    PROC_NAME("@table_name"), PROC_NAME("@table_owner"), PROC_NAME("@qualifier"), PROC_NAME("@col_type"),
    PROC_NAME("@scope"),      PROC_NAME("@nullable"),    PROC_INT("@ODBCVer")};
static const ProcParam PROCEDURES[] = {PROC_PATTERN("@sp_name"), PROC_PATTERN("@sp_owner"),
                                       PROC_NAME("@sp_qualifier"), PROC_BIT("@fUsePattern")};
static const ProcParam PROCEDURE_COLUMNS[] = {PROC_PATTERN("@procedure_name"),
                                              PROC_PATTERN("@procedure_owner"),
                                              PROC_NAME("@procedure_qualifier"),
                                              PROC_PATTERN("@column_name"),
                                              PROC_INT("@ODBCVer"),
                                              PROC_BIT("@fUsePattern")};
static const ProcParam TABLE_PRIVILEGES[] = {PROC_PATTERN("@table_name"), PROC_PATTERN("@table_owner"),
                                             PROC_NAME("@table_qualifier"), PROC_BIT("@fUsePattern")};
static const ProcParam COLUMN_PRIVILEGES[] = {PROC_NAME("@table_name"), PROC_NAME("@table_owner"),
                                              PROC_NAME("@table_qualifier"), PROC_PATTERN("@column_name")};
static const ProcParam DATATYPE[] = {PROC_INT("@data_type"), PROC_INT("@ODBCVer")};

#define PROC(name_, params_, call_)                                                                          \
    {                                                                                                        \
        .name = (name_), .params = (params_), .param_count = sizeof(params_) / sizeof(params_)[0],           \
        .call = (call_)                                                                                      \
    }

static const Proc PROCS[] = {
    PROC("sp_tables", TABLES, sp_tables),
    PROC("sp_columns", COLUMNS, sp_columns),
    PROC("sp_columns_90", COLUMNS_100, sp_columns_100),
    PROC("sp_columns_100", COLUMNS_100, sp_columns_100),
    PROC("sp_pkeys", PKEYS, sp_pkeys),
    PROC("sp_statistics", STATISTICS, sp_statistics),
    PROC("sp_statistics_100", STATISTICS, sp_statistics),
    PROC("sp_fkeys", FKEYS, sp_fkeys),
    PROC("sp_special_columns", SPECIAL, sp_special_columns),
    PROC("sp_special_columns_90", SPECIAL, sp_special_columns_100),
    PROC("sp_special_columns_100", SPECIAL, sp_special_columns_100),
    PROC("sp_datatype_info", DATATYPE, sp_datatype_info),
    PROC("sp_datatype_info_90", DATATYPE, sp_datatype_info_100),
    PROC("sp_datatype_info_100", DATATYPE, sp_datatype_info_100),
    PROC("sp_stored_procedures", PROCEDURES, sp_stored_procedures),
    PROC("sp_sproc_columns", PROCEDURE_COLUMNS, sp_sproc_columns),
    PROC("sp_sproc_columns_90", PROCEDURE_COLUMNS, sp_sproc_columns_100),
    PROC("sp_sproc_columns_100", PROCEDURE_COLUMNS, sp_sproc_columns_100),
    PROC("sp_table_privileges", TABLE_PRIVILEGES, sp_table_privileges),
    PROC("sp_column_privileges", COLUMN_PRIVILEGES, sp_column_privileges),
    {.name = "sp_databases", .call = sp_databases},
};

void proc_catalog_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
