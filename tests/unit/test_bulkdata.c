#include "standin/tds/bulkdata.h"

#include "base/buf.h"
#include "base/mem.h"
#include "test.h"

typedef struct Seen {
    size_t columns, rows, stop_at;
    Type text; /* of the second column */
    int64_t sum;
    size_t text_bytes;
} Seen;

static bool see_columns(void *user, const OutColumn *columns, size_t count) {
    Seen *s = user;
    assert_int_equal(columns[0].type.id, TYPE_INT);
    assert_true(str_eq_c(columns[0].name, "a"));
    s->columns = count;
    s->text = columns[1].type;
    return true;
}

static bool see_row(void *user, const Value *values) {
    Seen *s = user;
    s->sum += values[0].v.i;
    if (values[1].kind == VALUE_TEXT) s->text_bytes += values[1].v.s.n;
    return ++s->rows != s->stop_at;
}

static const char head[] = "\x81\2\0"
                           "\0\0\0\0\x08\0\x26\4\1a\0"
                           "\0\0\0\0\x09\0\xe7\xff\xff\x09\4\xd0\0\x34\1b\0";

static void add_row(Buf *b, uint32_t a, size_t text_units) {
    buf_u8(b, 0xd1);
    buf_u8(b, 4);
    buf_le32(b, a);
    buf_le64(b, 2 * text_units);
    if (text_units > 0) buf_le32(b, (uint32_t)(2 * text_units));
    for (size_t i = 0; i < text_units; i++) buf_le16(b, 'x');
    buf_le32(b, 0);
}

static void make(Buf *b, uint32_t rows) {
    buf_add(b, head, sizeof head - 1);
    for (uint32_t i = 0; i < rows; i++) add_row(b, i, i * 7 % 50);
    buf_add(b, "\xd2\2\4\1\0\0\0", 7); /* NBCROW: b is NULL */
    buf_add(b, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0", 13);
}

static void a_load_is_read_whatever_the_pieces(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    make(&b, 100);
    for (size_t piece = 1; piece < b.n; piece += piece < 20 ? 1 : 97) {
        Seen seen = {0};
        Err e = {0};
        BulkData *bulk = bulkdata_new(&(BulkDataSink){&seen, see_columns, see_row});
        for (size_t at = 0; at < b.n; at += piece) {
            Str part = str_sub(buf_view(&b), at, piece);
            if (!bulkdata_feed(bulk, part, at + piece >= b.n, &e)) fail_msg("%s", e.msg);
        }
        assert_int_equal(seen.columns, 2);
        assert_int_equal(seen.rows, 101);
        assert_int_equal(seen.sum, 4950 + 1);
        bulk = bulkdata_free(bulk);
    }
}

static void a_load_cut_short_is_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    buf_add(&b, head, sizeof head - 1);
    add_row(&b, 1, 5);
    for (size_t n = sizeof head; n < b.n; n++) {
        Seen seen = {0};
        Err e = {0};
        BulkData *bulk = bulkdata_new(&(BulkDataSink){&seen, see_columns, see_row});
        assert_false(bulkdata_feed(bulk, (Str){(const char *)b.p, n}, true, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_int_equal(seen.rows, 0);
        bulk = bulkdata_free(bulk);
    }
}

static void the_sink_can_stop_it(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    Seen seen = {.stop_at = 2};
    Err e = {0};
    make(&b, 10);
    BulkData *bulk = bulkdata_new(&(BulkDataSink){&seen, see_columns, see_row});
    assert_false(bulkdata_feed(bulk, buf_view(&b), true, &e));
    assert_int_equal(e.code, ERR_CANCELLED);
    assert_int_equal(seen.rows, 2);
    bulk = bulkdata_free(bulk);
}

static void other_tokens_and_rows_without_columns_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"\xd1\4", "\xaa", "\x81\x03"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Seen seen = {0};
        Err e = {0};
        BulkData *bulk = bulkdata_new(&(BulkDataSink){&seen, see_columns, see_row});
        assert_false(bulkdata_feed(bulk, str_from(bad[i]), true, &e));
        assert_int_equal(e.code, ERR_INVALID);
        bulk = bulkdata_free(bulk);
    }
}

static void what_is_announced_is_no_limit(void **state) {
    (void)state;
    static const char load[] = "\x81\2\0"
                               "\0\0\0\0\x08\0\x26\4\1a\0"
                               "\0\0\0\0\x09\0\xe7\2\0\x09\4\xd0\0\x34\1b\0" /* nvarchar(1) */
                               "\xd1\4\1\0\0\0\6\0x\0y\0z\0"
                               "\xfd\0\0\0\0\0\0\0\0\0\0\0\0";
    Seen seen = {0};
    Err e = {0};
    BulkData *bulk = bulkdata_new(&(BulkDataSink){&seen, see_columns, see_row});
    if (!bulkdata_feed(bulk, (Str){load, sizeof load - 1}, true, &e)) fail_msg("%s", e.msg);
    assert_int_equal(seen.text_bytes, 3);
    assert_int_equal(seen.text.id,
                     TYPE_NVARCHAR); /* so long that every value is checked against the table's */
    assert_int_equal(seen.text.length, 4000);
    bulk = bulkdata_free(bulk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_is_read_whatever_the_pieces),
        cmocka_unit_test(a_load_cut_short_is_refused),
        cmocka_unit_test(the_sink_can_stop_it),
        cmocka_unit_test(other_tokens_and_rows_without_columns_are_refused),
        cmocka_unit_test(what_is_announced_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
