/* Statements over a table of three columns, of which the second has another name in the target. */
#include "postgres/target_sql.h"

#include <string.h>

#include "test.h"

/* wants test.h before it */
#include "item_table.h"

static PgColumn columns[] = {
    {.name = (char[]){"Id"}}, {.name = (char[]){"the \"price\""}}, {.name = (char[]){"Seen"}}};
static PgTable table = {.oid = 77, .columns = columns, .column_count = 3};
static int places[] = {0, 1, 2};
static uint16_t written[] = {0, 1, 2}, key[] = {0};
static PgField fields[3];
static char qualified[] = "\"dbo\".\"Item\"";

static Target target_of(const TargetRules *rules, bool has_key) {
    for (size_t i = 0; i < 3; i++) {
        fields[i].array_oid = (uint32_t)(1000 + i);
        columns[i].type.kind = PGKIND_NUMERIC;
    }
    return (Target){.schema = item_schema("Item", has_key),
                    .rules = rules,
                    .table = &table,
                    .qualified = qualified,
                    .fields = fields,
                    .places = places,
                    .written = written,
                    .written_count = 3,
                    .key = key,
                    .key_count = has_key};
}

static void an_upsert_names_each_column_and_spares_the_key(void **state) {
    (void)state;
    const TargetRules rules = {.insert = TARGET_UPSERT};
    uint64_t absent = 0;
    TargetShape shape = {.absent = &absent};
    Target t = target_of(&rules, true);
    target_sql_puts(&t, &shape, 0);
    assert_string_equal(
        shape.write.small.sql,
        "INSERT INTO \"dbo\".\"Item\" AS t (\"Id\", \"the \"\"price\"\"\", \"Seen\") SELECT s.\"Id\", "
        "s.\"the \"\"price\"\"\", s.\"Seen\" FROM unnest($1, $2, $3) AS s(\"Id\", \"the "
        "\"\"price\"\"\", \"Seen\") ON CONFLICT (\"Id\") DO UPDATE SET \"the \"\"price\"\"\" = "
        "EXCLUDED.\"the \"\"price\"\"\", \"Seen\" = EXCLUDED.\"Seen\"");
    assert_int_equal(shape.write.small.types[1], 1001);
    assert_non_null(strstr(shape.write.merge.sql, "FROM pg_temp.mr_put_77_0 AS s ON CONFLICT"));
    assert_non_null(strstr(shape.write.update.sql, "WHERE t.\"Id\" = s.\"Id\""));
    assert_string_equal(shape.write.temp_clear, "TRUNCATE pg_temp.mr_put_77_0");
    target_sql_done(&shape.write);
    schema_unref(t.schema);
}

static void absent_columns_are_in_no_statement(void **state) {
    (void)state;
    const TargetRules rules = {.insert = TARGET_UPSERT};
    uint64_t absent = 6; /* all but the key */
    TargetShape shape = {.absent = &absent};
    Target t = target_of(&rules, true);
    target_sql_puts(&t, &shape, 3);
    assert_int_equal(shape.write.count, 1);
    assert_string_equal(shape.write.small.sql,
                        "INSERT INTO \"dbo\".\"Item\" AS t (\"Id\") SELECT s.\"Id\" FROM "
                        "unnest($1) AS s(\"Id\") ON CONFLICT (\"Id\") DO NOTHING");
    assert_non_null(
        strstr(shape.write.temp_create, "mr_put_77_3 ON COMMIT DELETE ROWS AS SELECT \"Id\" FROM"));
    target_sql_done(&shape.write);
    schema_unref(t.schema);
}

static void rows_go_by_key(void **state) {
    (void)state;
    const TargetRules rules = {.insert = TARGET_UPSERT, .may_delete = true};
    Target t = target_of(&rules, true);
    target_sql_removes(&t);
    assert_string_equal(t.removes.small.sql,
                        "DELETE FROM \"dbo\".\"Item\" AS t USING unnest($1) AS s(\"Id\") WHERE "
                        "t.\"Id\" = s.\"Id\"");
    target_sql_done(&t.removes);
    schema_unref(t.schema);
}

static void without_a_key_they_go_by_content_or_not_at_all(void **state) {
    (void)state;
    const TargetRules rules = {.insert = TARGET_INSERT, .may_delete = true};
    Target t = target_of(&rules, false);
    target_sql_removes(&t);
    assert_null(t.removes.small.sql);
    t.is_bag = true;
    target_sql_removes(&t);
    assert_non_null(strstr(t.removes.small.sql, "FROM ROWS FROM (unnest($1, $2, $3, $4)) WITH ORDINALITY"));
    assert_non_null(strstr(t.removes.small.sql, " AND x.\"Id\" = k.c0")); /* the one that is never NULL */
    assert_null(strstr(t.removes.small.sql, "x.\"Seen\" = "));
    assert_non_null(strstr(t.removes.small.sql, "FROM d), $5, (SELECT"));
    target_sql_done(&t.removes);
    schema_unref(t.schema);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upsert_names_each_column_and_spares_the_key),
        cmocka_unit_test(absent_columns_are_in_no_statement),
        cmocka_unit_test(rows_go_by_key),
        cmocka_unit_test(without_a_key_they_go_by_content_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
