#include "sqlserver/sql_text.h"

#include <string.h>

#include "test.h"

static const Column id = {.name = {"Id", 2}, .type = SQLTYPE_INT};
static const Column line = {.name = {"Line]", 5}, .type = SQLTYPE_SMALLINT};

static void names_are_quoted(void **state) {
    (void)state;
    Buf sql = {0};
    sql_text_object(STR_LIT("db]o"), STR_LIT("a b"), &sql);
    sql_text_literal(STR_LIT("it's"), &sql);
    assert_string_equal(buf_text(&sql), "[db]]o].[a b]N'it''s'");
    buf_done(&sql);
}

static void the_first_chunk_has_no_lower_end(void **state) {
    (void)state;
    const Column columns[] = {id, line};
    const uint16_t order[] = {1, 0};
    const bool is_gone[] = {false, true};
    SqlTextChunk chunk = {.schema = STR_LIT("dbo"),
                          .table = STR_LIT("T"),
                          .columns = columns,
                          .order = order,
                          .count = 2,
                          .is_gone = is_gone,
                          .key = columns,
                          .key_count = 1,
                          .top = 500};
    Buf sql = {0};
    sql_text_chunk(&chunk, &sql);
    assert_string_equal(buf_text(&sql),
                        "SELECT TOP (500) CAST(NULL AS smallint) AS [Line]]], [Id] FROM [dbo].[T] "
                        "ORDER BY [Id]");
    buf_done(&sql);
}

static void a_later_chunk_compares_the_whole_key_row_wise(void **state) {
    (void)state;
    const Column key[] = {id, line, {.name = {"C", 1}, .type = SQLTYPE_DATE}};
    Buf sql = {0};
    sql_text_above(key, 1, &sql);
    assert_string_equal(buf_text(&sql), "[Id] > CAST(? AS int)");
    buf_clear(&sql);
    sql_text_above(key, 3, &sql);
    assert_string_equal(buf_text(&sql),
                        "[Id] >= CAST(? AS int) AND ([Id] > CAST(? AS int) OR ([Id] = CAST(? AS int) AND ("
                        "[Line]]] > CAST(? AS smallint) OR ([Line]]] = CAST(? AS smallint) AND ("
                        "[C] > CAST(? AS date))))))");
    static const size_t params[] = {0, 0, 0, 1, 1, 2};
    assert_int_equal(sql_text_key_params(3), 6);
    for (size_t i = 0; i < 6; i++) assert_int_equal(sql_text_key_param(i, 3), params[i]);
    assert_int_equal(sql_text_key_params(1), 1);
    buf_done(&sql);
}

static SqlTextPage page_of(const Column *columns, const uint16_t *order) {
    return (SqlTextPage){.instance = STR_LIT("dbo_T"),
                         .columns = columns,
                         .order = order,
                         .count = 1,
                         .has_command = true,
                         .top = 10};
}

static void a_page_behind_a_transaction_asks_for_later_ones(void **state) {
    (void)state;
    const uint16_t order[] = {0};
    SqlTextPageParam params[SQL_TEXT_PAGE_MAX_PARAMS];
    SqlTextPage page = page_of(&id, order);
    Buf sql = {0};
    assert_int_equal(sql_text_page(&page, &sql, params), 2);
    assert_int_equal(params[0], SQL_TEXT_PAGE_LSN);
    assert_int_equal(params[1], SQL_TEXT_PAGE_TO);
    assert_string_equal(
        buf_text(&sql),
        "SELECT TOP (10) [Id] FROM [cdc].[dbo_T_CT] WHERE [__$start_lsn] > CAST(? AS binary(10)) AND "
        "[__$start_lsn] <= CAST(? AS binary(10)) AND [__$operation] <> 3 ORDER BY [__$start_lsn], "
        "[__$command_id], [__$seqval], [__$operation]; SELECT start_lsn FROM cdc.change_tables WHERE "
        "capture_instance = N'dbo_T'");
    buf_done(&sql);
}

static void a_page_inside_a_transaction_is_a_range_of_it(void **state) {
    (void)state;
    const uint16_t order[] = {0};
    SqlTextPageParam params[SQL_TEXT_PAGE_MAX_PARAMS];
    SqlTextPage page = page_of(&id, order);
    page.is_inside = page.reads_before = true;
    Buf sql = {0};
    assert_int_equal(sql_text_page(&page, &sql, params), 6);
    static const SqlTextPageParam wanted[] = {SQL_TEXT_PAGE_LSN,     SQL_TEXT_PAGE_COMMAND,
                                              SQL_TEXT_PAGE_COMMAND, SQL_TEXT_PAGE_SEQVAL,
                                              SQL_TEXT_PAGE_SEQVAL,  SQL_TEXT_PAGE_OPERATION};
    assert_memory_equal(params, wanted, sizeof wanted);
    assert_string_equal(
        buf_text(&sql),
        "SELECT TOP (10) [Id] FROM [cdc].[dbo_T_CT] WHERE [__$start_lsn] = CAST(? AS binary(10)) AND "
        "[__$command_id] "
        ">= CAST(? AS int) AND ([__$command_id] > CAST(? AS int) OR [__$seqval] > CAST(? AS binary(10)) OR "
        "([__$seqval] = CAST(? AS binary(10)) AND [__$operation] > CAST(? AS int))) ORDER BY [__$start_lsn], "
        "[__$command_id], [__$seqval], [__$operation]; SELECT start_lsn FROM cdc.change_tables WHERE "
        "capture_instance "
        "= N'dbo_T'");
    buf_done(&sql);
}

static void old_change_tables_have_no_command_or_null_in_it(void **state) {
    (void)state;
    const uint16_t order[] = {0};
    SqlTextPageParam params[SQL_TEXT_PAGE_MAX_PARAMS];
    SqlTextPage page = page_of(&id, order);
    page.is_inside = page.has_no_command_yet = true;
    Buf sql = {0};
    assert_int_equal(sql_text_page(&page, &sql, params), 4);
    assert_non_null(strstr(buf_text(&sql), "AND ([__$command_id] IS NOT NULL OR [__$seqval] > "));
    buf_clear(&sql);
    page.has_command = false;
    assert_int_equal(sql_text_page(&page, &sql, params), 5);
    assert_non_null(strstr(buf_text(&sql), "AND [__$seqval] >= CAST(? AS binary(10)) AND ([__$seqval] > "));
    assert_null(strstr(buf_text(&sql), "command_id"));
    buf_done(&sql);
}

static void skipped_operations_are_left_out_by_the_server(void **state) {
    (void)state;
    const uint16_t order[] = {0};
    SqlTextPageParam params[SQL_TEXT_PAGE_MAX_PARAMS];
    SqlTextPage page = page_of(&id, order);
    page.skipped = 1 << 1;
    Buf sql = {0};
    (void)sql_text_page(&page, &sql, params);
    assert_non_null(strstr(buf_text(&sql), " AND [__$operation] NOT IN (1, 3) ORDER BY"));
    buf_clear(&sql);
    page.reads_before = true;
    (void)sql_text_page(&page, &sql, params);
    assert_non_null(strstr(buf_text(&sql), " AND [__$operation] <> 1 ORDER BY"));
    buf_clear(&sql);
    page.skipped = 1 << 3 | 1 << 4;
    (void)sql_text_page(&page, &sql, params);
    assert_non_null(strstr(buf_text(&sql), " AND [__$operation] NOT IN (3, 4) ORDER BY"));
    buf_done(&sql);
}

static void the_change_function_is_called_for_a_range_that_begins_behind_the_last_lsn(void **state) {
    (void)state;
    const uint16_t order[] = {0};
    SqlTextPageParam params[SQL_TEXT_PAGE_MAX_PARAMS];
    SqlTextPage page = page_of(&id, order);
    page.uses_function = true;
    page.has_command = false;
    Buf sql = {0};
    assert_int_equal(sql_text_page(&page, &sql, params), 4);
    assert_int_equal(params[0], SQL_TEXT_PAGE_NEXT_LSN);
    assert_int_equal(params[1], SQL_TEXT_PAGE_TO);
    assert_string_equal(
        buf_text(&sql),
        "SELECT TOP (10) [Id] FROM [cdc].[fn_cdc_get_all_changes_dbo_T] (CAST(? AS binary(10)), CAST(? AS "
        "binary(10)), N'all') WHERE [__$start_lsn] > CAST(? AS binary(10)) AND [__$start_lsn] <= CAST(? AS "
        "binary(10)) AND [__$operation] <> 3 ORDER BY [__$start_lsn], [__$seqval], [__$operation]; SELECT "
        "start_lsn "
        "FROM cdc.change_tables WHERE capture_instance = N'dbo_T'");
    buf_clear(&sql);
    page.is_inside = page.reads_before = true;
    assert_int_equal(sql_text_page(&page, &sql, params), 7);
    assert_int_equal(params[0], SQL_TEXT_PAGE_LSN);
    assert_int_equal(params[1], SQL_TEXT_PAGE_LSN);
    assert_non_null(strstr(buf_text(&sql), "N'all update old') WHERE [__$start_lsn] = "));
    buf_done(&sql);
}

static void what_drivers_do_not_give_is_asked_for_in_another_form(void **state) {
    (void)state;
    static const struct {
        SqlType type;
        const char *sql;
    } cases[] = {{SQLTYPE_INT, "[a]]b]"},
                 {SQLTYPE_XML, "[a]]b]"},
                 {SQLTYPE_HIERARCHYID, "CAST([a]]b] AS varbinary(892)) AS [a]]b]"},
                 {SQLTYPE_GEOMETRY, "CAST([a]]b] AS varbinary(max)) AS [a]]b]"},
                 {SQLTYPE_CLR, "CAST([a]]b] AS varbinary(max)) AS [a]]b]"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Column c = {.name = {"a]b", 3}, .type = cases[i].type};
        Buf sql = {0};
        sql_text_value(&c, &sql);
        assert_string_equal(buf_text(&sql), cases[i].sql);
        buf_done(&sql);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_quoted),
        cmocka_unit_test(the_first_chunk_has_no_lower_end),
        cmocka_unit_test(a_later_chunk_compares_the_whole_key_row_wise),
        cmocka_unit_test(a_page_behind_a_transaction_asks_for_later_ones),
        cmocka_unit_test(a_page_inside_a_transaction_is_a_range_of_it),
        cmocka_unit_test(old_change_tables_have_no_command_or_null_in_it),
        cmocka_unit_test(skipped_operations_are_left_out_by_the_server),
        cmocka_unit_test(the_change_function_is_called_for_a_range_that_begins_behind_the_last_lsn),
        cmocka_unit_test(what_drivers_do_not_give_is_asked_for_in_another_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
