/* ring.h: bytes on their way between a poll thread and a worker, in a bounded ring.
 *
 * It knows no lock: one side writes, the other reads, and each moves its own end only. A side asks
 * for a stretch and says how much of it it used under the lock that both share; it may copy outside
 * of it, since the other side touches only bytes that it was told of. */
#ifndef LATHE_HTTP_RING_H
#define LATHE_HTTP_RING_H

#include <glib.h>

struct http_ring {
    char *bytes; /* NULL: none */
    size_t size;
    size_t start; /* of what is in it */
    size_t used;
};

static inline void http_ring_open(struct http_ring *ring, size_t size)
{
    *ring = (struct http_ring){.bytes = g_malloc(size), .size = size};
}

static inline void http_ring_close(struct http_ring *ring)
{
    g_free(ring->bytes);
    *ring = (struct http_ring){0};
}

/* The longest stretch that can be written to, or read, at once. */
static inline size_t http_ring_room(const struct http_ring *ring, char **stretch)
{
    size_t end = (ring->start + ring->used) % ring->size;
    *stretch = ring->bytes + end;
    return MIN(ring->size - ring->used, ring->size - end);
}

static inline size_t http_ring_data(const struct http_ring *ring, const char **stretch)
{
    *stretch = ring->bytes + ring->start;
    return MIN(ring->used, ring->size - ring->start);
}

static inline void http_ring_wrote(struct http_ring *ring, size_t size)
{
    ring->used += size;
}

static inline void http_ring_read(struct http_ring *ring, size_t size)
{
    ring->start = (ring->start + size) % ring->size;
    ring->used -= size;
}

#endif
