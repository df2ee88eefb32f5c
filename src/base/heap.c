/*
 * glibc raises the size from which pieces are mapped by themselves to the largest one that was freed. Batches
 * then lie in heaps whose middle is never given back: with three lanes a fifth of all memory. So the size is
 * set, which keeps it.
 *
 * A mapped piece is new to the kernel each time: a fault and 4 KiB of zeroes a page. Of a source that writes
 * requests of 1 MiB that was a tenth to a fifth of its CPU. In heaps each thread's has room that no other can
 * use, half of all with three tasks: so there are two of them, and what is free at the end of one goes back
 * from 3 MiB on, as much as three requests.
 */
#include "base/heap.h"

#include <malloc.h>

enum { SMALL_BYTES = 128 * 1024, REQUEST_BYTES = 4 * 1024 * 1024, KEPT_BYTES = 3 * 1024 * 1024, HEAPS = 2 };

void heap_keep_small(void) {
    (void)mallopt(M_MMAP_THRESHOLD, SMALL_BYTES);
}

void heap_keep_requests(void) {
    (void)mallopt(M_MMAP_THRESHOLD, REQUEST_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_ARENA_MAX, HEAPS);
}
