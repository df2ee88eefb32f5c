/* SET: what is taken, what is refused by name, what can be read back. */
#include "collector_sa.h"
#include "test.h"

#define REFUSED(what)                                                                                        \
    "!40517 Keyword or statement option 'SET " what "' is not supported in this version of SQL Server.\n"

static void what_clients_send_at_connect_is_taken(void **state) {
    (void)state;
    ASK(&a,
        "SET ARITHABORT ON SET CONCAT_NULL_YIELDS_NULL ON SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS ON SET "
        "ANSI_NULL_DFLT_ON ON SET CURSOR_CLOSE_ON_COMMIT OFF SET NUMERIC_ROUNDABORT OFF SET DATEFORMAT mdy "
        "SET "
        "DATEFIRST 7 SET DEADLOCK_PRIORITY NORMAL SET TEXTSIZE 2147483647 SET SHOWPLAN_ALL OFF SET "
        "STATISTICS IO "
        "OFF SET IMPLICIT_TRANSACTIONS OFF",
        "");
}

static void what_would_change_answers_is_refused_by_name(void **state) {
    (void)state;
    ASK(&a, "SET ANSI_NULLS OFF", REFUSED("ANSI_NULLS OFF"));
    ASK(&a, "SET ANSI_DEFAULTS OFF", REFUSED("ANSI_DEFAULTS OFF"));
    ASK(&a, "SET CONCAT_NULL_YIELDS_NULL OFF", REFUSED("CONCAT_NULL_YIELDS_NULL OFF"));
    ASK(&a, "SET NUMERIC_ROUNDABORT ON", REFUSED("NUMERIC_ROUNDABORT ON"));
    ASK(&a, "SET SHOWPLAN_ALL ON", REFUSED("SHOWPLAN_ALL ON"));
    ASK(&a, "SET STATISTICS IO ON", REFUSED("STATISTICS IO ON"));
    ASK(&a, "SET DATEFORMAT ydm", REFUSED("DATEFORMAT ydm"));
    ASK(&a, "SET DEADLOCK_PRIORITY 11", "!102 Incorrect syntax near 'DEADLOCK_PRIORITY'.\n");
    ASK(&a, "SET NOSUCH ON", "!195 'NOSUCH' is not a recognized SET option.\n");
}

static void a_quoted_word_is_a_string_when_asked(void **state) {
    (void)state;
    ASK(&a, "SET QUOTED_IDENTIFIER OFF", "");
    ASK(&a, "SELECT \"it's\"", "it's\n#1\n");
    ASK(&a, "SET QUOTED_IDENTIFIER ON", "");
    ASK(&a, "SELECT \"x\" FROM (SELECT 1 AS x) AS t", "1\n#1\n");
}

static void an_option_set_in_a_text_lasts_as_long_as_it(void **state) {
    (void)state;
    ASK(&a, "EXEC('SET NOCOUNT ON SET DATEFIRST 1'); SELECT @@DATEFIRST", "7\n#1\n");
    ASK(&a, "EXEC('SET FMTONLY ON SELECT 1'); SELECT 2", "2\n#1\n");
    ASK(&a, "SET DATEFIRST 1; EXEC('SET DATEFIRST 3'); SELECT @@DATEFIRST", "1\n#1\n");
}

static void context_info_is_the_sessions(void **state) {
    (void)state;
    ASK(&a, "SELECT CONTEXT_INFO()", "NULL\n#1\n");
    ASK(&a,
        "SET CONTEXT_INFO 0x0102; SELECT DATALENGTH(CONTEXT_INFO()), CONVERT(varchar(8), CAST(CONTEXT_INFO() "
        "AS varbinary(3)), 1)",
        "128|0x010200\n#1\n");
    ASK(&a, "DECLARE @b varbinary(128) = 0xAA; SET CONTEXT_INFO @b", "");
    ASK(&a, "SELECT CONVERT(varchar(6), CAST(CONTEXT_INFO() AS varbinary(2)), 1)", "0xAA00\n#1\n");
    ASK(&a, "SET CONTEXT_INFO 5; SELECT CONVERT(varchar(10), CAST(CONTEXT_INFO() AS varbinary(4)), 1)",
        "0x00000005\n#1\n");
    ASK(&a, "DECLARE @t nvarchar(9) = N'x'; SET CONTEXT_INFO @t",
        "!40517 SET CONTEXT_INFO takes a binary value that isn't NULL on this server.\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, sa_open, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_clients_send_at_connect_is_taken),       TEST(what_would_change_answers_is_refused_by_name),
        TEST(a_quoted_word_is_a_string_when_asked),        TEST(context_info_is_the_sessions),
        TEST(an_option_set_in_a_text_lasts_as_long_as_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
