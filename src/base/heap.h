/*
 * heap.h - how glibc's malloc keeps memory, for the whole process. To be called before threads that allocate
 * are started. Facts: mallopt(3), M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

/* Pieces from 128 KiB on are mapped by themselves and given back at once. */
void heap_keep_small(void);
/* For who needs a new piece of a megabyte every few milliseconds, as librdkafka for each request: those lie
 * in heaps, which keep them. */
void heap_keep_requests(void);

#endif
