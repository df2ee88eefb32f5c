#include "pipeline/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

#define HASH_OF_1 0x11edada607843d2fu
#define HASH_OF_A 0x3ba890ff4fb49e80u

static const Schema *schema_of(const char *table, const Column *columns, size_t count) {
    const SchemaSpec spec = {
        .schema = STR_LIT("dbo"), .table = str_from(table), .columns = columns, .column_count = count};
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static const Schema *keyed_by(SqlType type, uint8_t precision, uint8_t scale) {
    const Column column = {
        .name = {"id", 2}, .type = type, .precision = precision, .scale = scale, .length = 20, .key = 1};
    return schema_of("t", &column, 1);
}

/* The hash of a key of one column. */
static uint64_t hash_of(SqlType type, uint8_t precision, uint8_t scale, Value v) {
    const Schema *s = keyed_by(type, precision, scale);
    const Change c = {.op = OP_CREATE, .schema = s, .after = &v};
    uint64_t hash = route_key_hash(&c);
    schema_unref(s);
    return hash;
}

static Value text(const char *s) {
    return value_bytes(s, (uint32_t)strlen(s));
}

static void the_same_number_has_one_hash_whatever_its_column(void **state) {
    (void)state;
    uint64_t want = hash_of(SQLTYPE_INT, 0, 0, value_int(1200));
    assert_int_equal(hash_of(SQLTYPE_SMALLINT, 0, 0, value_int(1200)), want);
    assert_int_equal(hash_of(SQLTYPE_BIGINT, 0, 0, value_int(1200)), want);
    assert_int_equal(hash_of(SQLTYPE_DECIMAL, 9, 0, value_int(1200)), want);
    assert_int_equal(hash_of(SQLTYPE_DECIMAL, 9, 2, value_int(120000)), want);
    assert_int_equal(hash_of(SQLTYPE_MONEY, 19, 4, value_int(12000000)), want);
    __extension__ typedef __int128 Wide;
    Wide wide = (Wide)1200 * 1000000;
    assert_int_equal(hash_of(SQLTYPE_DECIMAL, 38, 6, value_bytes((const char *)&wide, 16)), want);
    assert_int_not_equal(hash_of(SQLTYPE_DECIMAL, 9, 2, value_int(120001)), want);
    assert_int_not_equal(hash_of(SQLTYPE_INT, 0, 0, value_int(-1200)), want);
    Wide large = (Wide)1200 << 64;
    assert_int_not_equal(hash_of(SQLTYPE_DECIMAL, 38, 0, value_bytes((const char *)&large, 16)), want);
}

static void texts_differ_but_for_blanks_at_their_end(void **state) {
    (void)state;
    uint64_t want = hash_of(SQLTYPE_VARCHAR, 0, 0, text("ab"));
    assert_int_equal(hash_of(SQLTYPE_NCHAR, 0, 0, text("ab   ")), want);
    assert_int_not_equal(hash_of(SQLTYPE_VARCHAR, 0, 0, text(" ab")), want);
    assert_int_not_equal(hash_of(SQLTYPE_VARCHAR, 0, 0, text("AB")), want);
    assert_int_equal(hash_of(SQLTYPE_FLOAT, 0, 0, value_double(-0.0)),
                     hash_of(SQLTYPE_FLOAT, 0, 0, value_double(0.0)));
    Value east = value_int(77), west = value_int(77);
    east.aux = 60;
    assert_int_equal(hash_of(SQLTYPE_DATETIMEOFFSET, 0, 7, east),
                     hash_of(SQLTYPE_DATETIMEOFFSET, 0, 7, west));
}

/* Stored in targets: another number for the same key would send a row to another lane. */
static void the_hash_is_the_one_of_version_1(void **state) {
    (void)state;
    assert_int_equal(ROUTE_HASH_VERSION, 1);
    assert_true(hash_of(SQLTYPE_INT, 0, 0, value_int(1)) == HASH_OF_1);
    assert_true(hash_of(SQLTYPE_NVARCHAR, 0, 0, text("a")) == HASH_OF_A);
}

static void joined_tables_go_by_the_first_of_their_names(void **state) {
    (void)state;
    const RouteTable tables[] = {{"dbo", "orders", false}, {"dbo", "customers", false}, {"dbo", "log", false},
                                 {"dbo", "lines", false},  {"dbo", "mails", true},      {"a", "z", false}};
    const RouteJoin joins[] = {{0, 1}, {3, 0}, {5, 5}};
    static const char *const want[] = {"whole dbo.customers", "whole dbo.customers", "key",
                                       "whole dbo.customers", "whole dbo.mails",     "whole a.z"};
    char *texts[6];
    route_texts(tables, 6, joins, 3, texts);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(texts[i], want[i]);
        free(texts[i]);
    }
}

static StoredState stored_with(StoredTable *tables, size_t count) {
    return (StoredState){.tables = tables, .table_count = count};
}

static Batch *changes_of(const Schema *s, int64_t count) {
    Batch *b = batch_new(BATCH_CHANGES);
    for (int64_t i = 0; i < count; i++) {
        Value *row = batch_row(b, 1);
        row[0] = value_int(i);
        Change *c = batch_add(b);
        c->schema = s;
        c->after = row;
        c->position.command_id = (int32_t)i + 1;
    }
    b->ends_transaction = true;
    return b;
}

static void free_shares(Batch **shares, size_t count) {
    for (size_t i = 0; i < count; i++) batch_free(shares[i]);
}

static void a_spread_table_is_shared_out_whole_in_order_and_by_key(void **state) {
    (void)state;
    char dbo[] = "dbo", t[] = "t", key[] = "key";
    StoredTable table = {.schema = dbo, .table = t, .route = key};
    const StoredState stored = stored_with(&table, 1);
    const Schema *s = keyed_by(SQLTYPE_INT, 0, 0);
    Route *r = route_new(3, &stored);
    size_t lane;
    assert_false(route_is_whole(r, STR_LIT("dbo"), STR_LIT("t"), &lane));
    Batch *b = changes_of(s, 300), *shares[3];
    Err e = {0};
    assert_true(route_split(r, b, shares, &e));
    size_t total = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_true(shares[i]->count > 60); /* none is starved */
        assert_true(shares[i]->ends_transaction);
        total += shares[i]->count;
        for (size_t k = 0; k < shares[i]->count; k++) {
            const Change *c = &shares[i]->changes[k];
            assert_int_equal(route_key_hash(c) % 3, i);
            if (k > 0) assert_true(c->position.command_id > c[-1].position.command_id);
        }
    }
    assert_int_equal(total, 300);
    free_shares(shares, 3);
    batch_free(b);
    route_free(r);
    schema_unref(s);
}

static void a_whole_table_and_one_without_a_key_go_to_one_lane(void **state) {
    (void)state;
    char dbo[] = "dbo", t[] = "t", k[] = "k", whole[] = "whole dbo.a", key[] = "key";
    StoredTable tables[] = {{.schema = dbo, .table = t, .route = whole},
                            {.schema = dbo, .table = k, .route = key}};
    const StoredState stored = stored_with(tables, 2);
    const Column column = {.name = {"v", 1}, .type = SQLTYPE_INT};
    const Schema *schemas[] = {keyed_by(SQLTYPE_INT, 0, 0), schema_of("k", &column, 1)};
    Route *r = route_new(4, &stored);
    for (size_t n = 0; n < 2; n++) {
        Batch *b = changes_of(schemas[n], 50), *shares[4];
        Err e = {0};
        assert_true(route_split(r, b, shares, &e));
        size_t lane = 0, used = 0;
        for (size_t i = 0; i < 4; i++)
            if (shares[i]->count > 0) used++, lane = i;
        assert_int_equal(used, 1);
        assert_int_equal(shares[lane]->count, 50);
        free_shares(shares, 4);
        batch_free(b);
        schema_unref(schemas[n]);
    }
    size_t a, b;
    assert_true(route_is_whole(r, STR_LIT("dbo"), STR_LIT("t"), &a));
    assert_true(route_is_whole(r, STR_LIT("dbo"), STR_LIT("a"), &b)); /* not stored: by its own name */
    assert_int_equal(a, b);
    route_free(r);
}

static void an_unknown_table_and_another_key_are_refused(void **state) {
    (void)state;
    char dbo[] = "dbo", t[] = "t", key[] = "key", former[] = "a,b";
    StoredTable table = {.schema = dbo, .table = t, .route = key, .key = former};
    const StoredState none = stored_with(&table, 0), stored = stored_with(&table, 1);
    const Schema *s = keyed_by(SQLTYPE_INT, 0, 0);
    Batch *b = changes_of(s, 1), *shares[2];
    Err e = {0};
    Route *r = route_new(2, &none);
    assert_false(route_split(r, b, shares, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    route_free(r);
    r = route_new(2, &stored);
    route_insist_on_keys(r);
    assert_false(route_split(r, b, shares, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "(a,b)"));
    route_free(r);
    r = route_new(2, &stored);
    assert_true(route_split(r, b, shares, &e));
    free_shares(shares, 2);
    route_free(r);
    batch_free(b);
    schema_unref(s);
}

/* More schemas than the table of those met has room for at first. */
static void many_tables_each_keep_their_lane(void **state) {
    (void)state;
    enum { TABLES = 200 };
    const Column column = {.name = {"id", 2}, .type = SQLTYPE_INT, .key = 1};
    static StoredTable tables[TABLES];
    const Schema *schemas[TABLES];
    char dbo[] = "dbo", whole[] = "whole dbo.t0", key[] = "key";
    for (size_t i = 0; i < TABLES; i++) {
        tables[i] =
            (StoredTable){.schema = dbo, .table = x_asprintf("t%zu", i), .route = i % 2 ? whole : key};
        schemas[i] = schema_of(tables[i].table, &column, 1);
    }
    const StoredState stored = stored_with(tables, TABLES);
    Route *r = route_new(5, &stored);
    size_t whole_lane = 0;
    assert_true(route_is_whole(r, STR_LIT("dbo"), STR_LIT("t1"), &whole_lane));
    Batch *b = changes_of(schemas[0], 2 * TABLES), *shares[5];
    for (size_t i = 0; i < 2 * TABLES; i++) b->changes[i].schema = schemas[i % TABLES];
    Err e = {0};
    assert_true(route_split(r, b, shares, &e));
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < shares[i]->count; k++) {
            const Change *c = &shares[i]->changes[k];
            bool is_whole = (c->schema->table.p[c->schema->table.n - 1] - '0') % 2 == 1;
            assert_int_equal(i, is_whole ? whole_lane : route_key_hash(c) % 5);
        }
    free_shares(shares, 5);
    batch_free(b);
    route_free(r);
    for (size_t i = 0; i < TABLES; i++) {
        free(tables[i].table);
        schema_unref(schemas[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_number_has_one_hash_whatever_its_column),
        cmocka_unit_test(texts_differ_but_for_blanks_at_their_end),
        cmocka_unit_test(the_hash_is_the_one_of_version_1),
        cmocka_unit_test(joined_tables_go_by_the_first_of_their_names),
        cmocka_unit_test(a_spread_table_is_shared_out_whole_in_order_and_by_key),
        cmocka_unit_test(a_whole_table_and_one_without_a_key_go_to_one_lane),
        cmocka_unit_test(an_unknown_table_and_another_key_are_refused),
        cmocka_unit_test(many_tables_each_keep_their_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
