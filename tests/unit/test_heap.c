#include "base/heap.h"

#include <malloc.h>

#include "base/mem.h"
#include "test.h"

/* How many pieces more are mapped by themselves while one of that size is there. */
static size_t mapped_for(size_t bytes) {
    size_t before = mallinfo2().hblks;
    volatile char *piece = x_malloc(bytes);
    piece[0] = 1; /* or it needn't be made */
    size_t n = mallinfo2().hblks - before;
    free((void *)piece);
    return n;
}

static void pieces_are_mapped_from_a_size_on(void **state) {
    (void)state;
#if defined __SANITIZE_ADDRESS__
    skip(); /* its own malloc */
#endif
    heap_keep_small();
    assert_int_equal(mapped_for(200 * 1024), 1);
    assert_int_equal(mapped_for(200 * 1024), 1); /* freeing one didn't raise it */
    assert_int_equal(mapped_for(100 * 1024), 0);
    heap_keep_requests();
    assert_int_equal(mapped_for(2 * 1024 * 1024), 0);
    assert_int_equal(mapped_for(8 * 1024 * 1024), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_are_mapped_from_a_size_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
