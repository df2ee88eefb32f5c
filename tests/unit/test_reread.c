#include "sqlserver/reread.h"

#include "test.h"

#include "fake_odbc.h"

static const uint16_t PAGING[] = {0};
static const bool NOT_GONE[5] = {false};
static const MaskRule *const NO_MASKS[5] = {NULL};

typedef struct Table {
    CatalogInstance instance;
    Odbc *odbc;
} Table;

static void begin_with(Table *t, bool rereads, bool has_long, UnreadableRow unreadable) {
    static const Column columns[] = {
        {.name = {"Id", 2}, .type = SQLTYPE_INT, .key = 1},
        {.name = {"Name", 4}, .type = SQLTYPE_NVARCHAR, .length = 20},
        {.name = {"Twice", 5}, .type = SQLTYPE_INT, .is_computed = true},
        {.name = {"Up]", 3}, .type = SQLTYPE_NVARCHAR, .length = 20, .is_computed = true},
        {.name = {"Long", 4}, .type = SQLTYPE_NVARCHAR, .length = -1, .is_lob = true, .is_computed = true}};
    SchemaSpec spec = {.database = STR_LIT("Shop"),
                       .schema = STR_LIT("dbo"),
                       .table = STR_LIT("T"),
                       .version = 1,
                       .columns = columns,
                       .column_count = has_long ? 5 : 4};
    Err e = {0};
    OdbcTarget target = {.hostname = "h",
                         .database = "Shop",
                         .driver = "FreeTDS",
                         .max_value_bytes = 11,
                         .unreadable = unreadable};
    *t = (Table){.instance = {.is_gone = NOT_GONE,
                              .masks = NO_MASKS,
                              .paging = PAGING,
                              .paging_count = 1,
                              .rereads_computed = rereads}};
    if (!schema_new(&spec, &t->instance.schema, &e) || !odbc_connect(&target, &t->odbc, &e))
        fail_msg("%s", e.msg);
}

static void begin(Table *t, bool rereads) {
    begin_with(t, rereads, /* has_long= */ false, UNREADABLE_FAIL);
}

static void end(Table *t) {
    odbc_close(t->odbc);
    schema_unref(t->instance.schema);
}

static void row(int64_t id, Value values[static 4]) {
    values[0] = value_int(id);
    values[1] = value_bytes("x", 1);
    values[2] = values[3] = (Value){.flags = VALUE_NULL | VALUE_ABSENT};
}

static void values_come_by_key_in_one_statement_and_gone_rows_stay_as_they_are(void **state) {
    (void)state;
    Table t;
    Err e = {0};
    Arena arena = {0};
    Value a[4], b[4], c[4];
    RereadRow rows[] = {{.values = a}, {.values = b}, {.values = c}};
    row(7, a);
    row(8, b);
    row(9, c);
    fake_reset();
    fake_rule((FakeRule){.match =
                             "SELECT [__$row], [Twice], [Up]]] FROM [dbo].[T] AS [__$table] JOIN (VALUES "
                             "(0, CAST(? AS int)), (1, CAST(? AS int)), (2, CAST(? AS int))) AS "
                             "[__$keys]([__$row], [__$key0]) ON [__$table].[Id] = [__$key0]",
                         .params = "7 8 9",
                         .results = {"iit\n2|18|I\n0|14|~\n"}});
    begin(&t, true);
    Reread *r;
    assert_true(reread_new(&t.instance, ODBC_DRIVER_FREETDS, &r, &e));
    assert_non_null(r);
    if (!reread_rows(r, t.odbc, rows, 3, &arena, &e)) fail_msg("%s", e.msg);
    assert_int_equal(a[2].v.i, 14);
    assert_int_equal(a[3].flags, VALUE_NULL); /* read, and NULL: no longer absent */
    assert_true(value_is_absent(&b[2]) && value_is_absent(&b[3]));
    assert_int_equal(c[2].v.i, 18);
    assert_true(str_eq_c(value_str(&c[3]), "I"));
    assert_true(str_eq_c(value_str(&c[1]), "x"));
    reread_free(r);
    end(&t);
    arena_done(&arena);
}

static void a_row_that_was_not_asked_for_is_an_error(void **state) {
    (void)state;
    Table t;
    Err e = {0};
    Arena arena = {0};
    Value a[4];
    RereadRow rows[] = {{.values = a}};
    row(7, a);
    fake_reset();
    fake_rule((FakeRule){.match = "[__$keys]", .results = {"iit\n1|18|I\n"}});
    begin(&t, true);
    Reread *r;
    assert_true(reread_new(&t.instance, ODBC_DRIVER_FREETDS, &r, &e));
    assert_false(reread_rows(r, t.odbc, rows, 1, &arena, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    reread_free(r);
    end(&t);
    arena_done(&arena);
}

/* Two rows, of which the second's Long is over the limit. */
static bool read_long_ones(Table *t, UnreadableRow unreadable, RereadRow rows[static 2], Arena *arena,
                           Err *e) {
    fake_reset();
    fake_rule((FakeRule){.match = "[__$keys]", .results = {"iitt\n1|16|I|twelve bytes\n0|14|H|short\n"}});
    begin_with(t, true, /* has_long= */ true, unreadable);
    Reread *r;
    assert_true(reread_new(&t->instance, ODBC_DRIVER_FREETDS, &r, e));
    bool ok = reread_rows(r, t->odbc, rows, 2, arena, e);
    reread_free(r);
    end(t);
    return ok;
}

static void a_value_that_cannot_be_read_is_an_error_or_leaves_its_row_as_it_was_or_is_marked(void **state) {
    (void)state;
    static const char why[] =
        "table dbo.T, column Long, key Id=8: the value has over 11 bytes (max.value.bytes)";
    Table t;
    Err e = {0};
    Arena arena = {0};
    Value a[5], b[5];
    RereadRow rows[] = {{.values = a}, {.values = b}};
    row(7, a);
    row(8, b);
    a[4] = b[4] = value_unread();
    assert_false(read_long_ones(&t, UNREADABLE_FAIL, rows, &arena, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, why));
    if (!read_long_ones(&t, UNREADABLE_SKIP, rows, &arena, &e)) fail_msg("%s", e.msg);
    assert_null(rows[0].unreadable);
    assert_true(str_eq_c(value_str(&a[4]), "short"));
    assert_string_equal(rows[1].unreadable, why);
    for (size_t i = 2; i < 5; i++) assert_true(value_is_absent(&b[i]));
    if (!read_long_ones(&t, UNREADABLE_MARK, rows, &arena, &e)) fail_msg("%s", e.msg);
    assert_null(rows[1].unreadable);
    assert_int_equal(b[2].v.i, 16);
    assert_true(value_is_unreadable(&b[4]));
    arena_done(&arena);
}

static void nothing_is_read_when_it_is_not_asked_for_or_no_row_can_be_found(void **state) {
    (void)state;
    Table t;
    Err e = {0};
    Reread *r;
    fake_reset();
    begin(&t, false);
    assert_true(reread_new(&t.instance, ODBC_DRIVER_FREETDS, &r, &e));
    assert_null(r);
    t.instance.rereads_computed = true;
    t.instance.paging = NULL;
    assert_true(reread_new(&t.instance, ODBC_DRIVER_FREETDS, &r, &e));
    assert_null(r);
    end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_by_key_in_one_statement_and_gone_rows_stay_as_they_are),
        cmocka_unit_test(a_row_that_was_not_asked_for_is_an_error),
        cmocka_unit_test(a_value_that_cannot_be_read_is_an_error_or_leaves_its_row_as_it_was_or_is_marked),
        cmocka_unit_test(nothing_is_read_when_it_is_not_asked_for_or_no_row_can_be_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
