#include "base/arena.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

static void pieces_do_not_overlap_and_are_aligned(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    unsigned char *pieces[3000];
    for (size_t i = 0; i < 3000; i++) {
        size_t n = i % 700;
        pieces[i] = i % 3 ? arena_alloc(&a, n) : (unsigned char *)arena_bytes(&a, n);
        if (i % 3) assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 251), n);
    }
    for (size_t i = 0; i < 3000; i++)
        for (size_t k = 0; k < i % 700; k++) assert_int_equal(pieces[i][k], i % 251);
}

static void room_is_one_block_of_that_size_and_more_goes_on_behind_it(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    arena_room(&a, 100);
    char *first = arena_bytes(&a, 60), *second = arena_bytes(&a, 40);
    assert_ptr_equal(second, first + 60);
    assert_ptr_equal(a.at, a.end);
    assert_int_equal(a.bytes, 100);
    memset(first, 1, 100);
    for (size_t n = 1; n < 5000; n *= 3) memset(arena_bytes(&a, n), 2, n);
    for (size_t i = 0; i < 100; i++) assert_int_equal(first[i], 1);
}

static void a_large_piece_leaves_the_block_being_filled_alone(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    char *small = arena_bytes(&a, 10);
    char *large = arena_bytes(&a, 3 * (size_t)ARENA_BLOCK_BYTES);
    memset(large, 1, 3 * (size_t)ARENA_BLOCK_BYTES);
    assert_ptr_equal(arena_bytes(&a, 10), small + 10);
    assert_int_equal(a.bytes, 20 + 3 * (size_t)ARENA_BLOCK_BYTES);
}

static void a_large_piece_may_come_first(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    memset(arena_bytes(&a, ARENA_BLOCK_BYTES), 1, ARENA_BLOCK_BYTES);
    memset(arena_bytes(&a, 100), 2, 100);
    memset(arena_bytes(&a, ARENA_BLOCK_BYTES), 3, ARENA_BLOCK_BYTES);
    arena_clear(&a);
    assert_int_equal(a.bytes, 0);
    memset(arena_bytes(&a, 100), 4, 100);
}

static void a_block_can_be_filled_to_its_last_byte(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    (void)arena_bytes(&a, 1);
    size_t left = (size_t)(a.end - a.at);
    memset(arena_bytes(&a, left), 7, left);
    assert_ptr_equal(a.at, a.end);
    memset(arena_alloc(&a, 1), 7, 1);
}

/* A few bytes take a few kilobytes; a lot of pieces soon share full blocks. */
static void blocks_grow(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    (void)arena_bytes(&a, 1);
    assert_true((size_t)(a.end - a.at) < 8 * (size_t)1024);
    size_t blocks = 1;
    for (char *end = a.end; a.bytes < 1024 * (size_t)1024; (void)arena_bytes(&a, 100))
        if (a.end != end) {
            end = a.end;
            blocks++;
        }
    assert_true(blocks < 10);
    (void)arena_bytes(&a, (size_t)(a.end - a.at));
    (void)arena_bytes(&a, 1);
    assert_true((size_t)(a.end - a.at) > 200 * (size_t)1024);
}

/* In a block that is larger than the next one would be. */
static void a_piece_may_be_larger_than_the_next_block(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    memset(arena_bytes(&a, 30000), 1, 30000);
    assert_non_null(a.at);
    memset(arena_bytes(&a, 60000), 2, 60000);
    arena_clear(&a);
    char *first = arena_bytes(&a, 60000); /* the larger of the two is kept */
    memset(first, 3, 60000);
    assert_true((size_t)(a.end - first) >= 60000);
}

static void clear_keeps_one_block_for_reuse(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    for (int i = 0; i < 1000; i++) (void)arena_alloc(&a, 1000);
    arena_clear(&a);
    assert_int_equal(a.bytes, 0);
    char *first = arena_bytes(&a, 8);
    arena_clear(&a);
    assert_ptr_equal(arena_bytes(&a, 8), first);
    arena_clear(&a);
    arena_done(&a);
    assert_null(a.blocks);
    arena_clear(&a); /* of an empty one */
    assert_null(a.blocks);
}

static void copies_and_prints_are_terminated(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    Str s = arena_str(&a, (Str){"abcdef", 3});
    assert_int_equal(s.n, 3);
    assert_string_equal(s.p, "abc");
    assert_string_equal(arena_str(&a, (Str){0}).p, "");
    assert_string_equal(arena_printf(&a, "%s=%d", "k", 5), "k=5");
    assert_string_equal(arena_printf(&a, "%s", ""), "");
    for (int n = 250; n < 260; n++) { /* about the size of the room on the stack */
        char *text = arena_printf(&a, "%*d", n, 7);
        assert_int_equal(strlen(text), n);
        assert_int_equal(text[n - 1], '7');
    }
}

static void zeroed_pieces_are_zero_after_reuse_too(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena a = {0};
    memset(arena_alloc(&a, 64), 0xff, 64);
    arena_clear(&a);
    uint64_t *v = arena_zalloc(&a, 64);
    for (int i = 0; i < 8; i++) assert_true(v[i] == 0);
    int32_t *array = ARENA_ARRAY(&a, int32_t, 5);
    array[4] = 1;
    assert_int_equal(a.bytes, 64 + 20);
}

/* Blocks wander between threads: each has its own as long as it uses them. */
static void *fill_and_check(void *arg) {
    int mark = *(int *)arg;
    enum { PIECE = 1000, PIECES = 1200 };
    for (int round = 0; round < 50; round++) {
        Arena a = {0};
        char *pieces[PIECES];
        for (int i = 0; i < PIECES; i++) pieces[i] = memset(arena_bytes(&a, PIECE), mark + round, PIECE);
        for (int i = 0; i < PIECES; i++)
            for (int k = 0; k < PIECE; k++)
                if (pieces[i][k] != (char)(mark + round)) return arg;
        arena_done(&a);
    }
    return NULL;
}

static void threads_never_share_a_block(void **state) {
    (void)state;
    pthread_t threads[4];
    int marks[4] = {0, 50, 100, 150};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fill_and_check, &marks[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap_and_are_aligned),
        cmocka_unit_test(room_is_one_block_of_that_size_and_more_goes_on_behind_it),
        cmocka_unit_test(a_large_piece_leaves_the_block_being_filled_alone),
        cmocka_unit_test(a_large_piece_may_come_first),
        cmocka_unit_test(a_block_can_be_filled_to_its_last_byte),
        cmocka_unit_test(clear_keeps_one_block_for_reuse),
        cmocka_unit_test(blocks_grow),
        cmocka_unit_test(a_piece_may_be_larger_than_the_next_block),
        cmocka_unit_test(copies_and_prints_are_terminated),
        cmocka_unit_test(zeroed_pieces_are_zero_after_reuse_too),
        cmocka_unit_test(threads_never_share_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
