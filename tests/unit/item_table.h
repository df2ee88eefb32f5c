/* item_table.h - the table of the reference's examples, for tests of records: Shop.dbo.Item(Id int PRIMARY
 * KEY, Price decimal(9,2), Seen datetime2(7)). */
#ifndef TESTS_ITEM_TABLE_H
#define TESTS_ITEM_TABLE_H

#include "record/change.h"
#include "record/civil.h"

static inline Lsn item_lsn(const char *text) {
    Lsn v = {{0}};
    Err e = {0};
    if (!lsn_parse(text, &v, &e)) fail_msg("%s", e.msg);
    return v;
}

static inline const Schema *item_schema(const char *table, bool has_key) {
    const Column columns[] = {
        {.name = STR_LIT("Id"), .type = SQLTYPE_INT, .key = (int16_t)has_key},
        {.name = STR_LIT("Price"), .type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2, .is_nullable = true},
        {.name = STR_LIT("Seen"), .type = SQLTYPE_DATETIME2, .scale = 7, .is_nullable = true}};
    SchemaSpec spec = {.database = STR_LIT("Shop"),
                       .schema = STR_LIT("dbo"),
                       .table = str_from(table),
                       .version = 1,
                       .columns = columns,
                       .column_count = 3};
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

/* Seen = 2023-11-14T22:13:20.1234567 */
static inline void item_row(int64_t id, int64_t price, Value row[static 3]) {
    row[0] = value_int(id);
    row[1] = value_int(price);
    row[2] = value_int(-(int64_t)CIVIL_DAY_0001 * CIVIL_TICKS_PER_DAY + INT64_C(17000000001234567));
}

#endif
