/* CREATE TABLE and its rules. */
#include "collector_sa.h"
#include "test.h"

static void a_table_has_what_its_columns_say(void **state) {
    (void)state;
    a.collector.has_metadata = true;
    ASK(&a,
        "CREATE TABLE t (a tinyint PRIMARY KEY, b bigint NULL, c decimal(20,4), d nchar(3), e "
        "varbinary(max), f datetimeoffset(2), "
        "g uniqueidentifier NOT NULL, h real, i bit, j time(0), k xml, l AS b + 1, m rowversion)",
        "");
    ASK(&a, "SELECT * FROM t",
        "[a tinyint not null, b bigint, c decimal(20,4), d nchar(3), e varbinary(max), f datetimeoffset(2), "
        "g "
        "uniqueidentifier not null, h real, i bit, j time(0), k xml, l bigint, m timestamp not null]\n#0\n");
}

static void values_of_each_type_go_in_and_come_out(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE t (a tinyint, b bigint, c decimal(20,4), d nchar(3), e varbinary(9), f "
        "datetimeoffset(2), g "
        "uniqueidentifier, h real, i bit, j time(0), k smalldatetime, l money, m date, n datetime, o "
        "varchar(5), p decimal(38,0))",
        "");
    ASK(&a,
        "INSERT t VALUES (255, -9223372036854775808, -1234567890123456.7891, N'é', 0x00FF, '2024-02-29 "
        "23:59:59.99 +05:30', "
        "'6F9619FF-8B86-D011-B42D-00C04FC964FF', 0.5, 1, '12:34:56', '2024-01-01 10:00', -0.0001, "
        "'0001-01-01', "
        "'1753-01-01', 'abc', 99999999999999999999999999999999999999)",
        "#1\n");
    ASK(&a,
        "SELECT a, b, c, d, CONVERT(varchar(20), e, 1), f, g, h, i, j, CONVERT(varchar(30), k, 120), "
        "CONVERT(varchar(30), l, 2), m, "
        "CONVERT(varchar(30), n, 121), o, p FROM t",
        "255|-9223372036854775808|-1234567890123456.7891|é  |0x00FF|2024-02-29 23:59:59.99 "
        "+05:30|6F9619FF-8B86-D011-B42D-00C04FC964FF|0.5|1|12:34:56|2024-01-01 "
        "10:00:00|-0.0001|0001-01-01|1753-01-01 "
        "00:00:00.000|abc|99999999999999999999999999999999999999\n#1\n");
}

static void the_rules_of_a_table_are_checked(void **state) {
    (void)state;
    ASK(&a, "CREATE TABLE t (a int, A int)",
        "!2705 Column names in each table must be unique. Column name 'A' in table 't' is specified more "
        "than once.\n");
    ASK(&a, "CREATE TABLE t (a int IDENTITY, b int IDENTITY)",
        "!2744 Multiple identity columns specified for table 't'. Only one identity column per table is "
        "allowed.\n");
    ASK(&a, "CREATE TABLE t (a nvarchar(5) IDENTITY)",
        "!2749 Identity column 'a' must be of data type int, bigint, smallint, tinyint, or decimal or "
        "numeric with a "
        "scale of 0, and constrained to be nonnullable.\n");
    ASK(&a, "CREATE TABLE t (a int NULL PRIMARY KEY)",
        "!8111 Cannot define PRIMARY KEY constraint on nullable column in table 't'.\n");
    ASK(&a, "CREATE TABLE t (a int PRIMARY KEY, b int PRIMARY KEY)",
        "!1779 Table 't' already has a primary key defined on it.\n");
    ASK(&a, "CREATE TABLE t (a int CONSTRAINT fk REFERENCES nix(a))",
        "!1767 Foreign key 'fk' references invalid table 'nix'.\n");
    ASK(&a, "CREATE TABLE t (a int, CHECK (b > 0))", "!207 Invalid column name 'b'.\n");
    ASK(&a, "CREATE TABLE nix.t (a int)",
        "!2760 The specified schema name \"nix\" either does not exist or you do not have permission to use "
        "it.\n");
    ASK(&a, "CREATE TABLE t (a int) CREATE TABLE t (a int)",
        "!2714 There is already an object named 't' in the database.\n");
    ASK(&a, "CREATE TABLE nix.dbo.t (a int)",
        "!911 Database 'nix' does not exist. Make sure that the name is entered correctly.\n");
}

static void foreign_keys_need_a_key_to_point_to(void **state) {
    (void)state;
    ASK(&a, "CREATE TABLE p (a int PRIMARY KEY, b int)", "");
    ASK(&a, "CREATE TABLE c (x int CONSTRAINT fk REFERENCES p(b))",
        "!1776 There are no primary or candidate keys in the referenced table 'dbo.p' that match the "
        "referencing column "
        "list in the foreign key 'fk'.\n");
    ASK(&a, "CREATE TABLE c (x bigint CONSTRAINT fk REFERENCES p)",
        "!1778 Column 'p.a' is not the same data type as referencing column 'c.x' in foreign key 'fk'.\n");
    ASK(&a, "CREATE TABLE c (x int CONSTRAINT fk REFERENCES p) DROP TABLE p",
        "!3726 Could not drop object 'p' because it is referenced by a FOREIGN KEY constraint.\n");
    ASK(&a, "DROP TABLE c, p DROP TABLE IF EXISTS p DROP TABLE p",
        "!3701 Cannot drop the table 'p', because it does not exist or you do not have permission.\n");
}

static void tables_of_other_databases_and_schemas_have_their_names(void **state) {
    (void)state;
    ASK(&a, "CREATE SCHEMA sales", "");
    ASK(&a, "CREATE TABLE sales.t (a int) INSERT sales.t VALUES (1)", "#1\n");
    ASK(&a, "SELECT * FROM t", "!208 Invalid object name 't'.\n");
    ASK(&a, "CREATE DATABASE other", "");
    ASK(&a, "USE other SELECT * FROM shop.sales.t", "-5701 Changed database context to 'other'.\n1\n#1\n");
    ASK(&a,
        "CREATE TABLE shop..t (a int) SELECT OBJECT_ID('shop.dbo.t') - OBJECT_ID('shop..t'), OBJECT_ID('t')",
        "0|NULL\n#1\n");
    ASK(&a, "USE shop DROP SCHEMA sales",
        "-5701 Changed database context to 'shop'.\n!3729 Cannot drop schema 'sales' because it is being "
        "referenced by "
        "object 't'.\n");
    ASK(&a, "DROP DATABASE other SELECT COUNT(*) FROM other.dbo.t",
        "!208 Invalid object name 'other.dbo.t'.\n");
    ASK(&a, "SELECT * FROM nodb.dbo.t", "!208 Invalid object name 'nodb.dbo.t'.\n");
    ASK(&a, "DELETE nodb.dbo.t", "!208 Invalid object name 'nodb.dbo.t'.\n");
    ASK(&a, "USE nodb",
        "!911 Database 'nodb' does not exist. Make sure that the name is entered correctly.\n");
}

static void a_databases_collation_is_its_columns_and_comparisons(void **state) {
    (void)state;
    ASK(&a, "CREATE DATABASE strict COLLATE Latin1_General_CS_AS", "");
    ASK(&a, "USE strict", "-5701 Changed database context to 'strict'.\n");
    ASK(&a, "SELECT CASE WHEN 'a' = 'A' THEN 1 ELSE 0 END", "0\n#1\n");
    ASK(&a,
        "CREATE TABLE c (v varchar(3) PRIMARY KEY, w nvarchar(3) COLLATE Latin1_General_CI_AS) INSERT c "
        "VALUES "
        "('a', N'a'), ('A', N'A')",
        "#2\n");
    ASK(&a, "SELECT w FROM c WHERE v = 'A' SELECT COUNT(*) FROM c WHERE w = 'A'", "A\n#1\n2\n#1\n");
    const char *answer = testclient_run(&a, "ALTER DATABASE strict COLLATE Latin1_General_CI_AS");
    assert_non_null(strstr(answer, "!40517 ALTER DATABASE COLLATE of a database that has tables"));
    ASK(&a, "USE shop SELECT CASE WHEN 'a' = 'A' THEN 1 ELSE 0 END",
        "-5701 Changed database context to 'shop'.\n1\n#1\n");
}

static void defaults_are_kept_as_the_server_writes_them(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE t (a int DEFAULT 0, b int DEFAULT (-1), c datetime DEFAULT GETDATE(), d nvarchar(9) "
        "DEFAULT (N'x'), e int CONSTRAINT df_e DEFAULT ((1) + (2)))",
        "");
    ASK(&a, "INSERT t (c) VALUES (DEFAULT) SELECT a, b, d, e FROM t", "#1\n0|-1|x|3\n#1\n");
    ASK(&a, "SELECT OBJECT_DEFINITION(OBJECT_ID('df_e'))", "((1)+(2))\n#1\n");
}

static void columns_may_have_alias_types_and_be_sparse(void **state) {
    (void)state;
    ASK(&a, "CREATE TYPE dbo.price FROM decimal(10, 3) NOT NULL", "");
    ASK(&a, "CREATE TABLE t (p price, s int SPARSE) INSERT t (p) VALUES (1.23456) SELECT p, s FROM t",
        "#1\n1.235|NULL\n#1\n");
    ASK(&a, "INSERT t (p) VALUES (NULL)",
        "!515 Cannot insert the value NULL into column 'p', table 'shop.dbo.t'; column does not allow nulls. "
        "INSERT fails.\n-3621 The statement has been terminated.\n");
    ASK(&a, "DROP TYPE price",
        "!3732 Cannot drop type 'price' because it is being referenced by object 't'. There may be other "
        "objects "
        "that reference this type.\n");
    ASK(&a, "DROP TABLE t DROP TYPE price", "");
    ASK(&a, "DROP TYPE price",
        "!218 Could not find the type 'price'. Either it does not exist or you do not have the necessary "
        "permission.\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, sa_open_shop, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(a_table_has_what_its_columns_say),
        TEST(values_of_each_type_go_in_and_come_out),
        TEST(the_rules_of_a_table_are_checked),
        TEST(foreign_keys_need_a_key_to_point_to),
        TEST(tables_of_other_databases_and_schemas_have_their_names),
        TEST(a_databases_collation_is_its_columns_and_comparisons),
        TEST(defaults_are_kept_as_the_server_writes_them),
        TEST(columns_may_have_alias_types_and_be_sparse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
