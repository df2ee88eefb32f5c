/* sp_describe_undeclared_parameters by whole-engine sessions: the manual's "Parameter Selection Algorithm".
 */
#include "shop.h"

static int open_database(void **state) {
    (void)shop_open(state);
    run(sa,
        "CREATE TABLE dbo.t(id int NOT NULL PRIMARY KEY, small smallint, name nvarchar(40), code char(30), "
        "price decimal(9,2), seen datetime2(3), bytes varbinary(20))");
    return 0;
}

/* "@p type" of each, or the error. */
static void deduced(const char *text, const char *want) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_cstr(&sql,
             "DECLARE @r TABLE(o int, n sysname, ti int, tn nvarchar(256), ml smallint, p tinyint, s "
             "tinyint, ui int, ud sysname NULL, us sysname NULL, un sysname NULL, an nvarchar(4000), xi "
             "int, xd sysname NULL, xs sysname NULL, xn sysname NULL, xdoc bit, cs bit, fl bit, inp bit, "
             "outp bit, f sysname NULL, tt int, tl int); INSERT INTO @r EXEC "
             "sp_describe_undeclared_parameters N'");
    for (const char *c = text; *c; c++) {
        if (*c == '\'') buf_u8(&sql, '\'');
        buf_u8(&sql, (uint8_t)*c);
    }
    buf_cstr(&sql, "'; SELECT n, tn, outp, f FROM @r ORDER BY o");
    assert_answer(sa, buf_text(&sql), want);
}

static void a_parameter_is_of_the_type_it_is_compared_with_or_assigned_to(void **state) {
    (void)state;
    deduced("SELECT 1 FROM t WHERE id = @a AND name IN (N'x', @b) AND @c = code AND price <> @d",
            "@a|int|0|NULL\n@b|nvarchar(40)|0|NULL\n@c|char(30)|0|NULL\n@d|decimal(9,2)|0|NULL\n");
    deduced("INSERT INTO t (id, name, seen) VALUES (@a, @b, @c)",
            "@a|int|0|NULL\n@b|nvarchar(40)|0|NULL\n@c|datetime2(3)|0|NULL\n");
    deduced("UPDATE t SET price = @b, bytes = @a WHERE id = @c",
            "@b|decimal(9,2)|0|NULL\n@a|varbinary(20)|0|NULL\n@c|int|0|NULL\n");
    deduced("SELECT CAST(@a AS date), CONVERT(nvarchar(7), @b)", "@a|date|0|NULL\n@b|nvarchar(7)|0|NULL\n");
    deduced("DELETE FROM t WHERE id IN (SELECT id FROM t WHERE seen = @x)", "@x|datetime2(3)|0|NULL\n");
}

static void elsewhere_the_widest_of_its_family_is_taken(void **state) {
    (void)state;
    deduced("SELECT 1 FROM t WHERE code > @a", "@a|varchar(8000)|0|NULL\n");
    deduced("SELECT 1 FROM t WHERE name LIKE @a", "@a|nvarchar(4000)|0|NULL\n");
    deduced("SELECT 1 FROM t WHERE price BETWEEN @a AND @b",
            "@a|numeric(38,19)|0|NULL\n@b|numeric(38,19)|0|NULL\n");
    deduced("SELECT @a + id FROM t", "@a|int|0|NULL\n");
    deduced("SELECT 1 FROM t WHERE seen >= @a", "@a|datetime2(7)|0|NULL\n");
    deduced("SELECT 1 FROM t WHERE bytes < @a", "@a|varbinary(8000)|0|NULL\n");
}

static void a_procedures_parameter_tells_the_type(void **state) {
    (void)state;
    deduced("EXEC @rc = sp_columns @table_name = @t, @table_owner = @o",
            "@rc|int|1|NULL\n@t|nvarchar(384)|0|@table_name\n@o|nvarchar(384)|0|@table_owner\n");
}

static void what_is_declared_is_left_out(void **state) {
    (void)state;
    assert_answer(sa, "EXEC sp_describe_undeclared_parameters N'SELECT 1 FROM t WHERE id = @a', N'@a bigint'",
                  "");
    deduced("DECLARE @v int = 1; SELECT 1 FROM t WHERE id = @v", "");
}

static void what_cant_be_deduced_is_an_error(void **state) {
    (void)state;
    deduced("SELECT @a", "ERROR 11502: The type for parameter '@a' cannot be deduced in this context.\n");
    deduced(
        "SELECT 1 FROM t WHERE @a = @b",
        "ERROR 11503: The parameter type cannot be deduced because a single expression contains two untyped "
        "parameters, '@a' and '@b'.\n");
    deduced(
        "SELECT 1 FROM t WHERE id = @a OR small = @a",
        "ERROR 11508: The undeclared parameter '@a' is used more than once in the batch being analyzed.\n");
    deduced("SELECT nix FROM t WHERE id = @a", "ERROR 207: Invalid column name 'nix'.\n");
}

static void nothing_runs(void **state) {
    (void)state;
    deduced("INSERT INTO t (id) VALUES (@a); DELETE FROM t WHERE id = @b", "@a|int|0|NULL\n@b|int|0|NULL\n");
    assert_answer(sa, "SELECT COUNT(*) FROM t", "0\n");
    assert_answer(sa, "SELECT 1 WHERE 1 = @nobody",
                  "ERROR 137: Must declare the scalar variable \"@nobody\".\n");
}

static void columns_are_described_although_a_parameter_is_undeclared(void **state) {
    (void)state;
    assert_answer(
        sa,
        "DECLARE @r TABLE(h bit, o int, n sysname NULL, nu bit, ti int, tn nvarchar(256), ml smallint, "
        "p tinyint, s tinyint, cn sysname NULL, ui int, ud sysname NULL, us sysname NULL, un sysname NULL, "
        "an nvarchar(4000), xi int, xd sysname NULL, xs sysname NULL, xn sysname NULL, xdoc bit, cs bit, "
        "fl bit, ss sysname NULL, sd sysname NULL, sc sysname NULL, st sysname NULL, so sysname NULL, "
        "ii bit, iu bit, up bit, ic bit, sp bit, ob smallint, od smallint, ol smallint, tt int, tl int, "
        "tc int, tsi tinyint); INSERT INTO @r EXEC sp_describe_first_result_set "
        "N'SELECT id, name FROM dbo.t WHERE id = @P1'; SELECT n, tn FROM @r",
        "id|int\nname|nvarchar(40)\n");
    /* the kept plan of one declaration isn't another's */
    assert_answer(
        sa,
        "DECLARE @r TABLE(h bit, o int, n sysname NULL, nu bit, ti int, tn nvarchar(256), ml smallint, "
        "p tinyint, s tinyint, cn sysname NULL, ui int, ud sysname NULL, us sysname NULL, un sysname NULL, "
        "an nvarchar(4000), xi int, xd sysname NULL, xs sysname NULL, xn sysname NULL, xdoc bit, cs bit, "
        "fl bit, ss sysname NULL, sd sysname NULL, sc sysname NULL, st sysname NULL, so sysname NULL, "
        "ii bit, iu bit, up bit, ic bit, sp bit, ob smallint, od smallint, ol smallint, tt int, tl int, "
        "tc int, tsi tinyint); INSERT INTO @r EXEC sp_describe_first_result_set N'SELECT @a AS x', "
        "N'@a date'; INSERT INTO @r EXEC sp_describe_first_result_set N'SELECT @a AS x', N'@a char(3)'; "
        "SELECT n, tn FROM @r",
        "x|date\nx|char(3)\n");
}

#define ON_SHOP(test) cmocka_unit_test_setup_teardown(test, open_database, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_SHOP(a_parameter_is_of_the_type_it_is_compared_with_or_assigned_to),
        ON_SHOP(elsewhere_the_widest_of_its_family_is_taken),
        ON_SHOP(a_procedures_parameter_tells_the_type),
        ON_SHOP(what_is_declared_is_left_out),
        ON_SHOP(what_cant_be_deduced_is_an_error),
        ON_SHOP(nothing_runs),
        ON_SHOP(columns_are_described_although_a_parameter_is_undeclared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
