#include "shop.h"
#include "standin/system/view_columns.h"

static void columns_have_the_sizes_of_their_types(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a nvarchar(40), b varchar(max), c decimal(12,2), d datetime2(3), e sysname, "
            "f time, g "
            "rowversion, h char(5) COLLATE Latin1_General_BIN2)");
    assert_answer(sa,
                  "SELECT name, TYPE_NAME(user_type_id), system_type_id, max_length, precision, scale, "
                  "collation_name FROM "
                  "sys.columns WHERE object_id = OBJECT_ID('dbo.t') ORDER BY column_id",
                  "a|nvarchar|231|80|0|0|SQL_Latin1_General_CP1_CI_AS\nb|varchar|167|-1|0|0|SQL_Latin1_"
                  "General_CP1_CI_AS\n"
                  "c|decimal|106|9|12|2|NULL\nd|datetime2|42|7|23|3|NULL\n"
                  "e|sysname|231|256|0|0|SQL_Latin1_General_CP1_CI_AS\nf|time|41|5|16|7|NULL\n"
                  "g|timestamp|189|8|0|0|NULL\nh|char|175|5|0|0|Latin1_General_BIN2\n");
}

static void identity_and_computed_columns_have_views_of_their_own(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(id int IDENTITY(5,2), b int, c AS (b + 1))");
    run(sa, "INSERT INTO dbo.t(b) VALUES(1), (2)");
    assert_answer(sa, "SELECT name, seed_value, increment_value, last_value FROM sys.identity_columns",
                  "id|5|2|7\n");
    assert_answer(sa, "SELECT name, is_computed, is_persisted FROM sys.computed_columns", "c|1|0\n");
}

static void indexes_tell_kind_and_key_order(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a int NOT NULL, b int NOT NULL, c int, CONSTRAINT pk_t PRIMARY KEY (b, a))");
    run(sa, "CREATE INDEX ix_t ON dbo.t(c DESC) INCLUDE (a)");
    run(sa, "CREATE TABLE dbo.heap(a int)");
    assert_answer(sa,
                  "SELECT OBJECT_NAME(object_id), name, index_id, type_desc, is_unique, is_primary_key FROM "
                  "sys.indexes "
                  "ORDER BY 1, 3",
                  "heap|NULL|0|HEAP|0|0\nt|pk_t|1|CLUSTERED|1|1\nt|ix_t|2|NONCLUSTERED|0|0\n");
    assert_answer(
        sa,
        "SELECT index_id, COL_NAME(object_id, column_id), key_ordinal, is_descending_key, is_included_column "
        "FROM sys.index_columns ORDER BY index_id, index_column_id",
        "1|b|1|0|0\n1|a|2|0|0\n2|c|1|1|0\n2|a|0|0|1\n");
}

static void types_are_at_their_largest(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT name, system_type_id, user_type_id, max_length FROM sys.types WHERE name IN "
                  "('int', 'sysname', "
                  "'nvarchar', 'xml') ORDER BY name",
                  "int|56|56|4\nnvarchar|231|231|8000\nsysname|231|256|256\nxml|241|241|-1\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(columns_have_the_sizes_of_their_types),
        IN_SHOP(identity_and_computed_columns_have_views_of_their_own),
        IN_SHOP(indexes_tell_kind_and_key_order),
        IN_SHOP(types_are_at_their_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
