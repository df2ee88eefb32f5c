/* The binder over a scratch SQLite: one table of each interesting type, a session of a few variables. */
#include "standin/bind/bind.h"
#include "test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "standin/bind/functions.h"
#include "standin/tsql/parser.h"
#include "standin/types/collation.h"
#include "standin/types/convert.h"

/* ---- the host ---- */

/* STR_LIT is no constant initializer. */
#define TEXT(literal)                                                                                        \
    { "" literal, sizeof(literal) - 1 }
#define COLUMN(id, text, ...)                                                                                \
    { .name = TEXT(text), .column_id = (id), __VA_ARGS__ }

static const BindColumn item_columns[] = {
    COLUMN(1, "id", .type = {.id = TYPE_INT}, .is_identity = true),
    COLUMN(2, "name", .type = {.id = TYPE_NVARCHAR, .length = 20}, .is_nullable = true),
    COLUMN(3, "price", .type = {.id = TYPE_DECIMAL, .precision = 12, .scale = 2}, .is_nullable = true),
    COLUMN(4, "made", .type = {.id = TYPE_DATETIME2, .scale = 7}, .is_nullable = true),
    COLUMN(5, "cost", .type = {.id = TYPE_MONEY}, .is_nullable = true, .default_text = TEXT("((1.5))")),
    COLUMN(6, "code", .type = {.id = TYPE_CHAR, .length = 5}, .is_nullable = true),
};
static const BindColumn order_columns[] = {
    COLUMN(1, "id", .type = {.id = TYPE_INT}),
    COLUMN(2, "item_id", .type = {.id = TYPE_INT}, .is_nullable = true),
    COLUMN(4, "lsn", .type = {.id = TYPE_BINARY, .length = 10}, .is_nullable = true),
};
static const BindRelation relations[] = {
    {.kind = BIND_TABLE,
     .database_id = 5,
     .object_id = 1,
     .database = TEXT("shop"),
     .schema = TEXT("dbo"),
     .name = TEXT("items"),
     .columns = item_columns,
     .column_count = 6},
    {.kind = BIND_TABLE,
     .database_id = 5,
     .object_id = 2,
     .database = TEXT("shop"),
     .schema = TEXT("dbo"),
     .name = TEXT("orders"),
     .columns = order_columns,
     .column_count = 3},
    {.kind = BIND_VIEW,
     .database_id = 5,
     .object_id = -1,
     .database = TEXT("shop"),
     .schema = TEXT("sys"),
     .name = TEXT("cheap"),
     .sql = TEXT("SELECT id AS object_id, name FROM dbo.items WHERE price < 2")},
};
static const Type above_types[] = {{.id = TYPE_DECIMAL, .precision = 12, .scale = 2}};
static const Str above_names[] = {TEXT("@limit")};
static const BindRelation above = {.kind = BIND_FUNCTION,
                                   .object_id = -2,
                                   .database_id = 5,
                                   .schema = TEXT("dbo"),
                                   .name = TEXT("fn_above"),
                                   .parameters = above_types,
                                   .parameter_names = above_names,
                                   .parameter_count = 1,
                                   .required_count = 1,
                                   .sql = TEXT("SELECT id FROM items WHERE price > @limit")};
static const BindColumn series_columns[] = {COLUMN(1, "value", .type = {.id = TYPE_INT})};
static const Type series_types[] = {{.id = TYPE_INT}};
static const BindRelation series = {.kind = BIND_FUNCTION,
                                    .object_id = -3,
                                    .database_id = 5,
                                    .schema = TEXT("sys"),
                                    .name = TEXT("fn_series"),
                                    .columns = series_columns,
                                    .column_count = 1,
                                    .parameters = series_types,
                                    .parameter_count = 1,
                                    .required_count = 1};

static const BindRelation *find_relation(void *data, int32_t database_id, const AstName *name, Arena *a,
                                         SqlError *e) {
    (void)data, (void)database_id, (void)a, (void)e;
    for (size_t i = 0; i < sizeof relations / sizeof *relations; i++)
        if (str_eq_icase(name->name, relations[i].name) &&
            (name->schema.n == 0 || str_eq_icase(name->schema, relations[i].schema)))
            return &relations[i];
    return NULL;
}

static const BindRelation *find_function(void *data, int32_t database_id, const AstName *name, Arena *a,
                                         SqlError *e) {
    (void)data, (void)database_id, (void)a, (void)e;
    if (str_eq_icase(name->name, above.name)) return &above;
    return str_eq_icase(name->name, series.name) ? &series : NULL;
}

static const Type lsn_types[] = {{.id = TYPE_BINARY, .length = 10}};
static const BindScalar scalars[] = {
    {.sqlite_name = "test_next",
     .result = {.id = TYPE_BINARY, .length = 10},
     .parameters = lsn_types,
     .parameter_count = 1,
     .required_count = 1},
};

static const BindScalar *find_scalar(void *data, int32_t database_id, const AstName *name, Arena *a,
                                     SqlError *e) {
    (void)data, (void)database_id, (void)a, (void)e;
    return str_eq_icase(name->name, STR_LIT("fn_cdc_increment_lsn")) ? &scalars[0] : NULL;
}

static bool variable_type(void *data, Str name, Type *ret) {
    (void)data;
    if (str_eq_icase(name, STR_LIT("@n"))) *ret = (Type){.id = TYPE_INT};
    else if (str_eq_icase(name, STR_LIT("@text"))) *ret = (Type){.id = TYPE_NVARCHAR, .length = 50};
    else return false;
    return true;
}

static bool write_source(void *data, const BindRelation *r, const Str *args, size_t arg_count, Buf *out,
                         SqlError *e) {
    (void)data, (void)e;
    if (arg_count)
        buf_printf(out,
                   "(WITH RECURSIVE s(c1) AS (SELECT 1 UNION ALL SELECT c1 + 1 FROM s WHERE c1 < %.*s) "
                   "SELECT c1 FROM s)",
                   STR_ARG(args[0]));
    else buf_printf(out, "t%d", (int)r->object_id);
    return true;
}

static bool metadata_value(void *data, BindMetadata what, const Value *args, size_t count, Arena *a,
                           Value *ret, SqlError *e) {
    (void)data, (void)a, (void)e;
    *ret = (Value){0};
    if (what == METADATA_OBJECT_ID && count && str_eq_icase(args[0].v.s, STR_LIT("dbo.items")))
        *ret = VALUE_OF_INT(1);
    return true;
}

static const BindHost host = {.variable = variable_type,
                              .relation = find_relation,
                              .function = find_function,
                              .scalar = find_scalar,
                              .write_source = write_source,
                              .metadata = metadata_value,
                              .ansi_nulls = true};

/* ---- running ---- */

static sqlite3 *db;
static Functions *functions;
static Arena arena;
static Buf answer;

static void execute(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static void test_next(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    sqlite3_result_value(c, v[0]);
}

static int open_all(void **state) {
    (void)state;
    Err e = {0};
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    functions = functions_register(db, &e);
    if (!functions) fail_msg("%s", e.msg);
    functions_set_host(functions, &host);
    assert_int_equal(sqlite3_create_function(db, "test_next", 1, SQLITE_UTF8, NULL, test_next, NULL, NULL),
                     0);
    execute("CREATE TABLE t1 (c1 INTEGER PRIMARY KEY, c2 TEXT, c3 INTEGER, c4 INTEGER, c5 INTEGER, c6 TEXT)");
    execute("CREATE TABLE t2 (c1 INTEGER, c2 INTEGER, c4 BLOB)");
    execute("INSERT INTO t1 VALUES (1,'apple',150,0,15000,'ab   '),(2,'Pear',250,0,25000,'AB   '),"
            "(3,'plum',NULL,0,NULL,NULL),(4,'apple',1050,0,0,'x    ')");
    execute("INSERT INTO t2 VALUES (10,1,x'00000000000000000001'),(11,1,x'00000000000000000002'),"
            "(12,2,NULL),(13,NULL,x'00000000000000000000')");
    return 0;
}

static int close_all(void **state) {
    (void)state;
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    functions = functions_free(functions);
    arena_done(&arena);
    buf_done(&answer);
    return 0;
}

static Value parameter(const BoundParam *p) {
    if (p->kind == BOUND_VALUE) return p->value;
    if (p->kind == BOUND_VARIABLE && str_eq_icase(p->name, STR_LIT("@n"))) return VALUE_OF_INT(2);
    if (p->kind == BOUND_VARIABLE) return VALUE_OF_TEXT(STR_LIT("apple"));
    if (p->kind == BOUND_INSERTED) return p->column == 0 ? VALUE_OF_INT(7) : VALUE_OF_TEXT(STR_LIT("new"));
    if (p->kind == BOUND_INTRINSIC && p->intrinsic == INTRINSIC_TRANCOUNT) return VALUE_OF_INT(3);
    return (Value){0};
}

static void show(const Type *t, Value v) {
    ConvertError e;
    if (v.kind == VALUE_NULL) buf_cstr(&answer, "NULL");
    else if (t->id == TYPE_BINARY || t->id == TYPE_VARBINARY) {
        buf_cstr(&answer, "0x");
        for (size_t i = 0; i < v.v.s.n; i++) buf_printf(&answer, "%02X", (unsigned char)v.v.s.p[i]);
    } else if (!convert_to_text(t, v, CONVERT_STYLE_DEFAULT, &answer, &e)) fail_msg("%s", e.text);
}

/* Rows as "a|b;c|d", or the error as "number: text". */
static const char *run(const BoundQuery *q) {
    sqlite3_stmt *st;
    SqlError e;
    buf_clear(&answer);
    if (sqlite3_prepare_v2(db, q->sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s\n%s", sqlite3_errmsg(db), q->sql);
    for (size_t i = 0; i < q->param_count; i++) {
        Value v = parameter(&q->params[i]);
        assert_int_equal(functions_bind_value(st, (int)i + 1, &v), SQLITE_OK);
    }
    int rc;
    for (size_t row = 0; (rc = sqlite3_step(st)) == SQLITE_ROW; row++) {
        if (row) buf_cstr(&answer, ";");
        assert_int_equal(sqlite3_column_count(st), q->column_count);
        for (size_t i = 0; i < q->column_count; i++) {
            if (i) buf_cstr(&answer, "|");
            show(&q->columns[i].type, functions_column_value(st, (int)i));
        }
    }
    if (rc != SQLITE_DONE) {
        buf_clear(&answer);
        if (!functions_take_error(functions, &e)) fail_msg("%s\n%s", sqlite3_errmsg(db), q->sql);
        buf_printf(&answer, "%d: %s", (int)e.number, e.text);
    }
    (void)sqlite3_finalize(st);
    return buf_text(&answer);
}

static const AstStmt *parse(const char *text) {
    AstBatch batch;
    SqlError e = {0};
    ParserOptions options = {.quoted_identifier = true};
    if (!parser_batch(str_from(text), &options, &arena, &batch, &e))
        fail_msg("%s: %d %s", text, e.number, e.text);
    return batch.first;
}

static BoundQuery bound(const char *text) {
    BoundQuery q;
    SqlError e = {0};
    if (!bind_select(&host, &arena, parse(text), &q, &e)) fail_msg("%s: %d %s", text, e.number, e.text);
    return q;
}

static const char *query(const char *text) {
    arena_clear(&arena);
    BoundQuery q = bound(text);
    return run(&q);
}

static void a_column_is_named_in_the_letters_of_the_query(void **state) {
    (void)state;
    arena_clear(&arena);
    BoundQuery q = bound("SELECT ID, i.Name, NAME AS n FROM items i");
    assert_true(str_eq_c(q.columns[0].name, "ID"));
    assert_true(str_eq_c(q.columns[1].name, "Name"));
    assert_true(str_eq_c(q.columns[2].name, "n"));
    q = bound("SELECT * FROM (SELECT ID FROM items) d");
    assert_true(str_eq_c(q.columns[0].name, "ID"));
    q = bound("SELECT * FROM items");
    assert_true(str_eq_c(q.columns[0].name, "id"));
}

static const char *type_of(const char *text) {
    arena_clear(&arena);
    BoundQuery q = bound(text);
    (void)run(&q); /* it must run, too */
    buf_clear(&answer);
    type_format(&q.columns[0].type, &answer);
    if (!q.columns[0].is_nullable) buf_cstr(&answer, " not null");
    return buf_text(&answer);
}

static const char *error_of(const char *text) {
    BoundQuery q;
    SqlError e = {0};
    arena_clear(&arena);
    if (bind_select(&host, &arena, parse(text), &q, &e)) return "bound";
    buf_clear(&answer);
    buf_printf(&answer, "%d@%u: %s", (int)e.number, (unsigned)e.line, e.text);
    return buf_text(&answer);
}

#define SAME(a, b) assert_string_equal((a), (b))

/* ---- tests ---- */

static void columns_rows_and_order_come_out_as_asked(void **state) {
    (void)state;
    SAME(query("SELECT id, name FROM items ORDER BY id DESC"), "4|apple;3|plum;2|Pear;1|apple");
    SAME(query("SELECT TOP (2) id FROM dbo.items ORDER BY name, id DESC"), "4;1");
    SAME(query("SELECT TOP 0 * FROM shop.dbo.items"), "");
    SAME(query("SELECT i.id AS n FROM items AS i ORDER BY n OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY"), "2;3");
    SAME(query("SELECT id FROM items WHERE price > 1.5 ORDER BY 1"), "2;4");
    SAME(query("SELECT id FROM items WHERE name = 'PEAR   '"), "2");
    SAME(query("SELECT id FROM items WHERE name = @text AND id > @n"), "4");
}

static void keyset_predicates_find_the_next_page(void **state) {
    (void)state;
    SAME(query("SELECT TOP (10) id FROM items WHERE (name > N'apple' OR (name = N'apple' AND id > 1)) ORDER "
               "BY name, id"),
         "4;2;3");
}

static void constants_take_the_columns_type_where_nothing_is_lost(void **state) {
    (void)state;
    arena_clear(&arena);
    BoundQuery q = bound("SELECT id FROM items WHERE cost = 1.5 AND id < 3000000000 AND price > 1");
    assert_null(strstr(q.sql, "ts_convert(f1.c5")); /* money is compared as money */
    assert_null(strstr(q.sql, "ts_convert(f1.c1")); /* past int, but the same form */
    SAME(run(&q), "1");
    SAME(query("SELECT id FROM items WHERE cost > 1.50001 ORDER BY id"), "2");
    SAME(query("SELECT id FROM items WHERE id > 1.5 AND id < 3.0"), "2");
}

static void joins_keep_or_drop_rows_and_say_what_may_be_null(void **state) {
    (void)state;
    SAME(query("SELECT o.id, i.name FROM orders o JOIN items i ON i.id = o.item_id ORDER BY o.id"),
         "10|apple;11|apple;12|Pear");
    SAME(query("SELECT o.id, i.id FROM orders o LEFT OUTER JOIN items i ON i.id = o.item_id WHERE o.id > 11 "
               "ORDER BY 1"),
         "12|2;13|NULL");
    SAME(query("SELECT count(*) FROM orders o FULL JOIN items i ON i.id = o.item_id"), "6");
    SAME(query("SELECT count(*) FROM orders, items"), "16");
    SAME(query(
             "SELECT o.id FROM orders o JOIN (items i JOIN orders p ON p.item_id = i.id) ON i.id = o.item_id "
             "WHERE p.id = 10 ORDER BY 1"),
         "10;11");
    SAME(type_of("SELECT i.id FROM orders o LEFT JOIN items i ON i.id = o.item_id"), "int");
    SAME(type_of("SELECT o.id FROM orders o LEFT JOIN items i ON i.id = o.item_id"), "int not null");
}

static void subqueries_are_scalars_lists_and_tests(void **state) {
    (void)state;
    SAME(query("SELECT id FROM items WHERE id IN (SELECT item_id FROM orders) ORDER BY id"), "1;2");
    SAME(query("SELECT id FROM items i WHERE NOT EXISTS (SELECT * FROM orders o WHERE o.item_id = i.id) "
               "ORDER BY id"),
         "3;4");
    SAME(query("SELECT (SELECT max(id) FROM orders)"), "13");
    SAME(query("SELECT (SELECT id FROM orders)"), "512: Subquery returned more than 1 value. This is not "
                                                  "permitted when the subquery follows =, !=, <, <= , >, "
                                                  ">= or when the subquery is used as an expression.");
    SAME(query("SELECT x.n FROM (SELECT id * 2 AS n FROM items) AS x WHERE x.n > 4 ORDER BY n"), "6;8");
    SAME(query("SELECT a, b FROM (VALUES (1, 'x'), (2, NULL)) AS v(a, b)"), "1|x;2|NULL");
    SAME(query("SELECT id FROM items WHERE id > ALL (SELECT item_id FROM orders WHERE item_id IS NOT NULL) "
               "ORDER BY 1"),
         "3;4");
    SAME(
        query(
            "WITH c AS (SELECT id FROM items WHERE id < 3), d(n) AS (SELECT id + 10 FROM c) SELECT * FROM d"),
        "11;12");
}

static void groups_aggregate_and_others_are_refused(void **state) {
    (void)state;
    SAME(query("SELECT name, COUNT(*), SUM(price) FROM items GROUP BY name HAVING COUNT(*) > 1"),
         "apple|2|12.00");
    SAME(query("SELECT COUNT(price), MIN(name), MAX(name), AVG(id) FROM items"), "3|apple|plum|2");
    SAME(query("SELECT COUNT(DISTINCT name) FROM items"), "3");
    SAME(query("SELECT AVG(price), SUM(cost) FROM items WHERE id < 3"), "2.000000|4.00");
    SAME(query("SELECT item_id % 2, COUNT(*) FROM orders WHERE item_id > 0 GROUP BY item_id % 2 ORDER BY 1"),
         "0|1;1|2");
    SAME(query("SELECT COUNT(*) FROM items WHERE id > 99"), "0");
    SAME(error_of("SELECT id, COUNT(*) FROM items"),
         "8120@1: Column 'items.id' is invalid in the select list because it is not contained in either an "
         "aggregate "
         "function or the GROUP BY clause.");
    SAME(query("SELECT ROW_NUMBER() OVER (PARTITION BY name ORDER BY id DESC), id FROM items ORDER BY id"),
         "2|1;1|2;1|3;1|4");
}

static void set_operations_join_types_and_rows(void **state) {
    (void)state;
    SAME(query("SELECT id FROM items WHERE id < 3 UNION ALL SELECT 2.5 ORDER BY 1 DESC"), "2.5;2.0;1.0");
    SAME(query("SELECT COUNT(*) FROM (SELECT name FROM items UNION SELECT 'APPLE') AS u"), "3");
    SAME(query("SELECT id FROM items EXCEPT SELECT item_id FROM orders ORDER BY id"), "3;4");
    SAME(query("SELECT id FROM items INTERSECT SELECT item_id FROM orders ORDER BY id"), "1;2");
    SAME(query("SELECT 1 UNION ALL (SELECT TOP 1 id FROM items ORDER BY id DESC)"), "1;4");
    SAME(query("SELECT DISTINCT name FROM items ORDER BY name"), "apple;Pear;plum");
    SAME(type_of("SELECT 1 UNION ALL SELECT 2.5"), "numeric(11,1) not null");
}

static void literals_and_expressions_have_their_types(void **state) {
    (void)state;
    SAME(type_of("SELECT 1"), "int not null");
    SAME(type_of("SELECT 3000000000"), "numeric(10,0) not null");
    SAME(type_of("SELECT 1.50"), "numeric(3,2) not null");
    SAME(type_of("SELECT 1e3"), "float not null");
    SAME(type_of("SELECT $1"), "money not null");
    SAME(type_of("SELECT 'abc'"), "varchar(3) not null");
    SAME(type_of("SELECT N'abc'"), "nvarchar(3) not null");
    SAME(type_of("SELECT 0x0102"), "varbinary(2) not null");
    SAME(type_of("SELECT NULL"), "int");
    SAME(type_of("SELECT price * 2 FROM items"), "decimal(14,2)");
    SAME(type_of("SELECT price / 3 FROM items"), "decimal(16,6)");
    SAME(type_of("SELECT price + cost FROM items"), "decimal(20,4)");
    SAME(type_of("SELECT name + 'x' FROM items"), "nvarchar(21)");
    SAME(type_of("SELECT code + 'x' FROM items"), "varchar(6)");
    SAME(type_of("SELECT id + 1 FROM items"), "int not null");
    SAME(type_of("SELECT ISNULL(name, '') FROM items"), "nvarchar(20) not null");
    SAME(type_of("SELECT CASE WHEN id = 1 THEN 1 ELSE 2.5 END FROM items"), "numeric(11,1) not null");
    SAME(type_of("SELECT COALESCE(price, 0) FROM items"), "decimal(12,2) not null");
    SAME(type_of("SELECT SUM(price) FROM items"), "decimal(38,2)");
    SAME(type_of("SELECT COUNT_BIG(*) FROM items"), "bigint not null");
    SAME(type_of("SELECT CAST('a' AS varchar)"), "varchar(30) not null");
    SAME(type_of("SELECT GETDATE()"), "datetime not null");
    SAME(type_of("SELECT SERVERPROPERTY('Edition')"), "sql_variant");
    SAME(type_of("SELECT TODATETIMEOFFSET(made, 60) FROM items"), "datetimeoffset(7)");
}

static void arithmetic_follows_sql_server(void **state) {
    (void)state;
    SAME(query("SELECT 7 / 2, 7 % 2, -7 / 2, 7 / 2.0, 1 / 3.0"), "3|1|-3|3.500000|0.333333");
    SAME(query("SELECT 2147483647 + 1"),
         "8115: Arithmetic overflow error converting expression to data type int.");
    SAME(query("SELECT id / (id - id) FROM items"), "8134: Divide by zero error encountered.");
    SAME(query("SELECT 5 & 3, 5 | 3, 5 ^ 3, ~5"), "1|7|6|-6");
    SAME(query("SELECT price * 1.1 FROM items WHERE id = 1"), "1.650");
    SAME(query("SELECT '5' + 3, '5' + '3'"), "8|53");
    SAME(
        query(
            "SELECT ABS(-3), SIGN(-2.5), ROUND(2.675, 2), FLOOR(-1.5), CEILING(1.2), POWER(2, 10), SQRT(16)"),
        "3|-1.0|2.680|-2|2|1024|4");
    SAME(query("SELECT 0x01 + 0x02, CAST(0x0A AS int)"), "0x0102|10");
}

static void text_functions_count_in_utf16(void **state) {
    (void)state;
    SAME(query("SELECT LEN('ab  '), DATALENGTH('ab  '), DATALENGTH(N'ab'), LEN(N'\xF0\x9F\x98\x80')"),
         "2|4|4|2");
    SAME(query("SELECT SUBSTRING('abcdef', 2, 3), SUBSTRING('abc', 0, 2), LEFT('abc', 2), RIGHT('abc', 2)"),
         "bcd|a|ab|bc");
    SAME(query("SELECT UPPER('aé'), LOWER('AB'), LTRIM(' a '), RTRIM(' a '), TRIM(' a ')"), "AÉ|ab|a | a|a");
    SAME(query("SELECT CHARINDEX('B', 'abab'), CHARINDEX('b', 'abab', 3), REPLACE('aBa', 'A', 'x'), "
               "PATINDEX('%[0-9]%', 'ab12')"),
         "2|4|xBx|3");
    SAME(query("SELECT CONCAT('a', NULL, 1), CONCAT_WS('-', 'a', NULL, 2), REPLICATE('ab', 3), "
               "REVERSE('abc'), STUFF('abcdef', 2, 3, 'X')"),
         "a1|a-2|ababab|cba|aXef");
    SAME(query("SELECT QUOTENAME('a]b'), ASCII('A'), CHAR(65), NCHAR(233), UNICODE(N'é'), STR(3.7, 5, 1), "
               "SPACE(2)"),
         "[a]]b]|65|A|é|233|  3.7|  ");
    SAME(query("SELECT NULLIF(1, 1), IIF(1 = 1, 'y', 'n'), CHOOSE(2, 'a', 'b'), COALESCE(NULL, 5)"),
         "NULL|y|b|5");
}

static void like_has_sets_and_escapes(void **state) {
    (void)state;
    SAME(query("SELECT id FROM items WHERE name LIKE 'P%' ORDER BY id"), "2;3");
    SAME(query("SELECT id FROM items WHERE name LIKE '[a-o]pp_e' AND id < 4"), "1");
    SAME(query("SELECT id FROM items WHERE name NOT LIKE '%[^a-z]%' ORDER BY id"), "1;2;3;4");
    SAME(query("SELECT 1 WHERE 'a%b' LIKE 'a!%b' ESCAPE '!' AND 'axb' NOT LIKE 'a!%b' ESCAPE '!'"), "1");
    SAME(query("SELECT 1 WHERE N'SQL Server Agent (X)' LIKE N'SQL Server Agent (%'"), "1");
}

static void dates_convert_add_and_differ(void **state) {
    (void)state;
    SAME(query("SELECT CONVERT(varchar(10), CAST('2024-02-29' AS date), 120), DATEADD(year, 1, "
               "CAST('2024-02-29' AS date))"),
         "2024-02-29|2025-02-28");
    SAME(query("SELECT DATEDIFF(day, '2024-01-01', '2024-03-01'), DATEPART(month, CAST('2024-05-06' AS "
               "datetime)), YEAR('2024-05-06')"),
         "60|5|2024");
    SAME(query("SELECT DATENAME(weekday, CAST('2024-05-06' AS date)), EOMONTH('2024-02-10'), "
               "DATEFROMPARTS(2024, 2, 3)"),
         "Monday|2024-02-29|2024-02-03");
    SAME(query("SELECT DATEPART(TZOFFSET, TODATETIMEOFFSET(CAST('2024-05-06 10:00' AS datetime2(0)), "
               "'+02:00')), "
               "SWITCHOFFSET(CAST('2024-05-06 10:00 +02:00' AS datetimeoffset(0)), '+00:00')"),
         "120|2024-05-06 08:00:00 +00:00");
    SAME(query("SELECT CASE WHEN CAST('2024-05-06 10:00 +02:00' AS datetimeoffset) = CAST('2024-05-06 08:00 "
               "+00:00' AS "
               "datetimeoffset) THEN 'same' END"),
         "same");
    SAME(query("SELECT CAST('x' AS int)"),
         "245: Conversion failed when converting the varchar value 'x' to data type int.");
    SAME(query("SELECT TRY_CAST('x' AS int), TRY_CONVERT(date, '2024-01-02')"), "NULL|2024-01-02");
}

static void names_that_are_not_there_are_named(void **state) {
    (void)state;
    SAME(error_of("SELECT\n nope FROM items"), "207@2: Invalid column name 'nope'.");
    SAME(error_of("SELECT * FROM cdc.nope"), "208@1: Invalid object name 'cdc.nope'.");
    SAME(error_of("SELECT * FROM shop.cdc.fn_cdc_get_all_changes_x(1, 2, 'all')"),
         "208@1: Invalid object name 'shop.cdc.fn_cdc_get_all_changes_x'.");
    SAME(error_of("SELECT id FROM items, orders"), "209@1: Ambiguous column name 'id'.");
    SAME(error_of("SELECT x.id FROM items"),
         "4104@1: The multi-part identifier \"x.id\" could not be bound.");
    SAME(error_of("SELECT @nope"), "137@1: Must declare the scalar variable \"@nope\".");
    SAME(error_of("SELECT NOPE(1)"), "195@1: 'NOPE' is not a recognized built-in function name.");
    SAME(error_of("SELECT CAST(made AS int) FROM items"),
         "529@1: Explicit conversion from data type datetime2 to int is not allowed.");
    SAME(error_of("SELECT id FROM items WHERE made = 1"),
         "206@1: Operand type clash: int is incompatible with datetime2");
}

static void views_and_functions_bind_in_place(void **state) {
    (void)state;
    SAME(query("SELECT name, object_id FROM sys.cheap"), "apple|1");
    SAME(query("SELECT c.name, o.id FROM sys.cheap c JOIN orders o ON o.item_id = c.object_id ORDER BY 2"),
         "apple|10;apple|11");
    SAME(query("SELECT id FROM dbo.fn_above(@n) ORDER BY id"), "2;4");
    SAME(query("SELECT value FROM sys.fn_series(3)"), "1;2;3");
    SAME(query("SELECT id FROM orders WHERE lsn = 0x00"), "13");
    SAME(query("SELECT sys.fn_cdc_increment_lsn(lsn) FROM orders WHERE id = 10"), "0x00000000000000000001");
    SAME(query("SELECT OBJECT_ID('dbo.items'), OBJECT_ID(N'dbo.nope', N'U'), @@TRANCOUNT"), "1|NULL|3");
    SAME(error_of("SELECT id FROM dbo.fn_above()"), "313@1: An insufficient number of arguments were "
                                                    "supplied for the procedure or function dbo.fn_above.");
}

static void plain_reads_and_lone_parameters_are_marked(void **state) {
    (void)state;
    arena_clear(&arena);
    BoundQuery q = bound("SELECT name, id FROM items WHERE id > 1");
    assert_non_null(q.plain);
    assert_int_equal(q.plain[0], 1);
    assert_int_equal(q.plain[1], 0);
    assert_int_equal(q.ref_count, 1);
    q = bound("SELECT name + 'x' FROM items WITH (TABLOCKX)");
    assert_null(q.plain);
    assert_int_equal(q.refs[0].hints, HINT_TABLOCKX);
    q = bound("SELECT @n");
    assert_true(q.is_param);
    q = bound("SELECT @n = id FROM items");
    assert_true(q.assigns);
    SAME(error_of("SELECT @n = id, name FROM items"), "141@1: A SELECT statement that assigns a value to a "
                                                      "variable must not be combined with data-retrieval "
                                                      "operations.");
}

static void inserts_convert_to_the_columns(void **state) {
    (void)state;
    BoundInsert i;
    SqlError e = {0};
    arena_clear(&arena);
    assert_true(bind_insert(
        &host, &arena,
        parse("INSERT INTO items (name, price, cost) VALUES (N'fig', 1.5, DEFAULT), ('kiwi', 2, NULL)"), &i,
        &e));
    assert_int_equal(i.row_count, 2);
    assert_non_null(i.rows);
    assert_int_equal(i.rows[1].v.i, 150);
    assert_int_equal(i.rows[2].v.i, 15000);
    assert_int_equal(i.rows[4].v.i, 200);
    assert_int_equal(i.query.refs[0].access, BIND_CHANGE);
    assert_true(bind_insert(
        &host, &arena, parse("INSERT items (name, price) SELECT name, price * 2 FROM items WHERE id = @n"),
        &i, &e));
    SAME(run(&i.query), "Pear|5.00");
    assert_true(bind_insert(&host, &arena, parse("INSERT orders VALUES (@n, 1 + 1, 0x01)"), &i, &e));
    assert_null(i.rows);
    SAME(run(&i.query), "2|2|0x01000000000000000000");
    assert_true(bind_insert(&host, &arena,
                            parse("INSERT items (name) OUTPUT inserted.id, 'n' + inserted.name VALUES ('a')"),
                            &i, &e));
    SAME(run(&i.output->query), "7|nnew");
}

static void inserts_that_do_not_fit_are_refused(void **state) {
    (void)state;
    BoundInsert i;
    SqlError e = {0};
    arena_clear(&arena);
    assert_false(bind_insert(&host, &arena, parse("INSERT items VALUES (1)"), &i, &e));
    assert_int_equal(e.number, 213);
    assert_false(bind_insert(&host, &arena, parse("INSERT items (name, nope) VALUES ('a', 1)"), &i, &e));
    assert_int_equal(e.number, 207);
    assert_false(bind_insert(&host, &arena, parse("INSERT items (name) VALUES ('a', 1)"), &i, &e));
    assert_int_equal(e.number, 110);
    assert_true(bind_insert(&host, &arena, parse("INSERT items (code) VALUES ('abcdefgh')"), &i, &e));
    SAME(run(&i.query),
         "2628: String or binary data would be truncated in table 'shop.dbo.items', column 'code'. "
         "Truncated value: 'abcde'.");
}

static void updates_give_keys_and_new_values(void **state) {
    (void)state;
    BoundUpdate u;
    SqlError e = {0};
    arena_clear(&arena);
    assert_true(bind_update(&host, &arena,
                            parse("UPDATE items SET price += 1, name = UPPER(name) WHERE id < 3"), &u, &e));
    assert_int_equal(u.column_count, 2);
    assert_int_equal(u.columns[0], 2);
    SAME(run(&u.query), "1|2.50|APPLE;2|3.50|PEAR");
    assert_true(bind_update(&host, &arena,
                            parse("UPDATE i SET name = 'x' OUTPUT deleted.id FROM items i JOIN orders o ON "
                                  "o.item_id = i.id WHERE o.id = 12"),
                            &u, &e));
    SAME(run(&u.query), "2|x");
    assert_int_equal(u.target->object_id, 1);
    assert_false(bind_update(&host, &arena, parse("UPDATE items SET id = 5"), &u, &e));
    assert_int_equal(e.number, 8102);
    assert_false(bind_update(&host, &arena, parse("UPDATE sys.cheap SET name = 'x'"), &u, &e));
}

static void deletes_give_keys(void **state) {
    (void)state;
    BoundDelete d;
    SqlError e = {0};
    arena_clear(&arena);
    assert_true(bind_delete(&host, &arena, parse("DELETE FROM items WHERE name = 'apple'"), &d, &e));
    SAME(run(&d.query), "1;4");
    assert_true(bind_delete(&host, &arena, parse("DELETE TOP (1) orders"), &d, &e));
    SAME(run(&d.query), "1");
    assert_int_equal(d.query.refs[0].access, BIND_CHANGE);
}

static void rows_and_conditions_stand_alone(void **state) {
    (void)state;
    BoundQuery q;
    AstExpr *x;
    SqlError e = {0};
    ParserOptions options = {.quoted_identifier = true};
    arena_clear(&arena);
    assert_true(parser_condition(STR_LIT("(id > 5 AND name LIKE 'n%')"), &options, &arena, &x, &e));
    assert_true(bind_row(&host, &arena, &relations[0], x, true, NULL, &q, &e));
    SAME(run(&q), "1");
    assert_true(bind_condition(
        &host, &arena, parse("IF EXISTS (SELECT * FROM items WHERE id = @n) PRINT 'x'")->u.if_.condition, &q,
        &e));
    SAME(run(&q), "1");
    Type type = {.id = TYPE_NVARCHAR, .length = 2};
    assert_true(bind_scalar(&host, &arena, parse("PRINT 'abc'")->u.expr, &type, &q, &e));
    SAME(run(&q), "ab");
}

static void long_chains_stay_within_sqlites_depth(void **state) {
    (void)state;
    Buf text = {0};
    buf_cstr(&text, "SELECT COUNT(*) FROM items WHERE id = 1");
    for (int i = 0; i < 3000; i++) buf_printf(&text, " OR id = %d", i);
    SAME(query(buf_text(&text)), "4");
    buf_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_rows_and_order_come_out_as_asked),
        cmocka_unit_test(a_column_is_named_in_the_letters_of_the_query),
        cmocka_unit_test(keyset_predicates_find_the_next_page),
        cmocka_unit_test(constants_take_the_columns_type_where_nothing_is_lost),
        cmocka_unit_test(joins_keep_or_drop_rows_and_say_what_may_be_null),
        cmocka_unit_test(subqueries_are_scalars_lists_and_tests),
        cmocka_unit_test(groups_aggregate_and_others_are_refused),
        cmocka_unit_test(set_operations_join_types_and_rows),
        cmocka_unit_test(literals_and_expressions_have_their_types),
        cmocka_unit_test(arithmetic_follows_sql_server),
        cmocka_unit_test(text_functions_count_in_utf16),
        cmocka_unit_test(like_has_sets_and_escapes),
        cmocka_unit_test(dates_convert_add_and_differ),
        cmocka_unit_test(names_that_are_not_there_are_named),
        cmocka_unit_test(views_and_functions_bind_in_place),
        cmocka_unit_test(plain_reads_and_lone_parameters_are_marked),
        cmocka_unit_test(inserts_convert_to_the_columns),
        cmocka_unit_test(inserts_that_do_not_fit_are_refused),
        cmocka_unit_test(updates_give_keys_and_new_values),
        cmocka_unit_test(deletes_give_keys),
        cmocka_unit_test(rows_and_conditions_stand_alone),
        cmocka_unit_test(long_chains_stay_within_sqlites_depth),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
