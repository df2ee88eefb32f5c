/*
 * fake_shop.h - rules for fake_odbc.h that make a database: table dbo.T (Id int, primary key; Name
 * nvarchar(10)) with one capture instance dbo_T, whose change table has object id 100.
 */
#ifndef TESTS_FAKE_SHOP_H
#define TESTS_FAKE_SHOP_H

#include "fake_odbc.h"

#include "config/option_connect.h"
#include "sqlserver/source_options.h"

#define SHOP_LSN(n) "0000002a0000000100" #n

__attribute__((unused)) static void shop_rules(void) {
    fake_reset();
    fake_rule((FakeRule){.match = "FROM sys.databases d", .results = {"tbbi\nShop|1|0|3\n"}});
    fake_rule((FakeRule){.match = "FROM sys.tables t JOIN", .results = {"tti\ndbo|T|10\ndbo|U|20\n"}});
    fake_rule((FakeRule){.match = "FROM sys.indexes",
                         .results = {"ibbiibt\n10|1|1|1|1|0|Id\n100|1|0|1|1|0|__$start_lsn\n"
                                     "100|1|0|1|9|1|__$command_id\n100|1|0|1|3|0|__$seqval\n"}});
    fake_rule((FakeRule){.match = "ORDER BY source_object_id, create_date",
                         .results = {"iitx\n100|10|dbo_T|" SHOP_LSN(01) "\n"}});
    fake_rule((FakeRule){.match = "FROM cdc.captured_columns",
                         .results = {"iititiiiibbbt\n100|1|Id|1|int|4|10|0|1|0|1|0|int\n"
                                     "100|2|Name|2|nvarchar|20|0|0|2|1|0|0|nvarchar\n"}});
    fake_rule((FakeRule){.match = "SELECT MAX(ddl_lsn)", .results = {"x\n~\n"}});
    fake_rule((FakeRule){.match = "dm_server_services", .results = {"i\n1\n"}});
    fake_rule((FakeRule){.match = "sys.partitions", .results = {"iq\n10|3\n"}});
    fake_rule((FakeRule){.match = "SELECT TOP (0) *", .results = {"i\n"}});
}

/* How far the capture job has come: commits 01 … 03, three seconds apart. */
__attribute__((unused)) static const char shop_clock[] =
    "xss\n" SHOP_LSN(03) "|2020,1,1,12,0,0,0|2020,1,1,12,0,0,0\n";
__attribute__((unused)) static void shop_reading_rules(void) {
    fake_rule((FakeRule){.match = "SELECT sys.fn_cdc_get_max_lsn()", .results = {shop_clock}});
    fake_rule((FakeRule){.match = "FROM cdc.lsn_time_mapping",
                         .results = {shop_clock,
                                     "xd\n" SHOP_LSN(01) "|43829,12958200\n" SHOP_LSN(
                                         02) "|43829,12959100\n" SHOP_LSN(03) "|43829,12960000\n",
                                     "ix\n100|" SHOP_LSN(01) "\n", "x\n~\n"}});
}

/* The source's options for it, with more of them in pairs. */
__attribute__((unused)) static Options *shop_options(const char *const (*pairs)[2], size_t count) {
    static const char *const base[][2] = {
        {"name", "x"},
        {"connector.class", "io.debezium.connector.sqlserver.SqlServerConnector"},
        {"topic.prefix", "p"},
        {"database.hostname", "db1"},
        {"database.names", "Shop"},
        {"database.user", "reader"},
        {"database.password", "p"},
        {"database.odbc.driver", "FreeTDS"},
        {"poll.interval.ms", "1"}};
    Props *props = props_new();
    for (size_t i = 0; i < sizeof base / sizeof *base; i++)
        props_set(props, base[i][0], str_from(base[i][1]), "test", (int)i);
    for (size_t i = 0; i < count; i++)
        props_set(props, pairs[i][0], str_from(pairs[i][1]), "test", (int)(50 + i));
    const OptionTable tables[] = {{source_options, SOURCE_OPTION_COUNT}, option_connect_table()};
    Options *o;
    Err e = {0};
    if (!options_parse_tables(tables, 2, props, &o, &e)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        abort();
    }
    props_free(props);
    return o;
}

#endif
