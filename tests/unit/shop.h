/*
 * shop.h - what most tests of the engine begin with: a new server whose agent is stopped, a database `shop`,
 * with CDC or without, and sa in it. To be included by one file of a test program.
 */
#ifndef TESTS_SHOP_H
#define TESTS_SHOP_H

#include "engine_sa.h"

static inline int shop_open(void **state) {
    (void)sa_open(state, 1000000);
    run(sa, "EXEC standin.agent_stop");
    run(sa, "CREATE DATABASE shop");
    run(sa, "USE shop");
    return 0;
}

/* With dbo.item(id, name, price), captured from here on. */
static inline int shop_open_captured(void **state) {
    (void)shop_open(state);
    run(sa, "EXEC sys.sp_cdc_enable_db");
    run(sa, "CREATE TABLE dbo.item(id int NOT NULL CONSTRAINT pk_item PRIMARY KEY, name nvarchar(40), price "
            "decimal(12,2))");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL");
    run(sa, "EXEC sys.sp_cdc_scan");
    return 0;
}

#define IN_SHOP(test)       cmocka_unit_test_setup_teardown(test, shop_open, sa_close)
#define IN_CAPTURED_SHOP(t) cmocka_unit_test_setup_teardown(t, shop_open_captured, sa_close)

#endif
