/*
 * queue.h - a bounded queue that hands owned pointers from threads to threads. Any thread.
 * Bounded in items and in bytes: a full queue makes the writer wait (back-pressure), an empty one the reader;
 * one item always fits, however large. Waiting is on a condition and ends at once when the queue is closed.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Queue Queue;

typedef enum QueueResult { QUEUE_OK, QUEUE_TIMEOUT, QUEUE_CLOSED } QueueResult;

Queue *queue_new(size_t max_items, size_t max_bytes);
/* Free the queue; what is still in it goes through drop (may be NULL). No thread may still use it. Returns
 * NULL. */
Queue *queue_free(Queue *q, void (*drop)(void *item));
/* Move item in. QUEUE_TIMEOUT or QUEUE_CLOSED: it stays the caller's. timeout_ms < 0 waits for ever. */
QueueResult queue_put(Queue *q, void *item, size_t bytes, int64_t timeout_ms);
/* Move the oldest out. QUEUE_CLOSED comes only once the queue is empty too. */
QueueResult queue_take(Queue *q, void **ret, int64_t timeout_ms);
/* Wait until all was taken and somebody waits for more. QUEUE_CLOSED: it was closed before that. */
QueueResult queue_wait_taker(Queue *q, int64_t timeout_ms);
/* No more puts; takes drain what is there. Wakes all. */
void queue_close(Queue *q);
size_t queue_items(const Queue *q);
size_t queue_bytes(const Queue *q);

#endif
