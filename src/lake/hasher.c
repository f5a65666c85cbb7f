#include "lake/hasher.h"

#include <pthread.h>

#include "base/tasks.h"

enum { RING = 8 };

struct hasher {
    struct checksum *checksums[CHECKSUM_KINDS]; /* NULL where not asked for */
    unsigned char *buffers[RING];               /* made as they are needed */
    size_t sizes[RING];

    struct tasks *thread; /* NULL until there is more than one buffer */
    unsigned long given;  /* buffers handed over */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    unsigned long done; /* those of them hashed */
};

struct hasher *hasher_new(unsigned kinds)
{
    struct hasher *hasher = g_new0(struct hasher, 1);
    for (int kind = 0; kind < CHECKSUM_KINDS; kind++)
        if (kinds & 1u << kind)
            hasher->checksums[kind] = checksum_new((enum checksum_kind)kind);
    pthread_mutex_init(&hasher->lock, NULL);
    pthread_cond_init(&hasher->changed, NULL);
    return hasher;
}

static void update(struct hasher *hasher, int kind, unsigned long buffer)
{
    if (hasher->checksums[kind])
        checksum_update(hasher->checksums[kind], hasher->buffers[buffer % RING],
                        hasher->sizes[buffer % RING]);
}

static void hash_next(void *data)
{
    struct hasher *hasher = data;
    update(hasher, CHECKSUM_MD5, hasher->done); /* which no other thread changes */
    pthread_mutex_lock(&hasher->lock);
    hasher->done++;
    pthread_cond_signal(&hasher->changed);
    pthread_mutex_unlock(&hasher->lock);
}

unsigned char *hasher_buffer(struct hasher *hasher)
{
    pthread_mutex_lock(&hasher->lock);
    /* Who has to wait waits for half of the ring, lest the threads wake each other at each turn. */
    if (hasher->given - hasher->done == RING)
        while (hasher->given - hasher->done > RING / 2)
            pthread_cond_wait(&hasher->changed, &hasher->lock);
    unsigned long buffer = hasher->given % RING;
    pthread_mutex_unlock(&hasher->lock);
    if (!hasher->buffers[buffer])
        hasher->buffers[buffer] = g_malloc(HASHER_BUFFER);
    return hasher->buffers[buffer];
}

void hasher_add(struct hasher *hasher, size_t size, bool last)
{
    hasher->sizes[hasher->given % RING] = size;
    for (int kind = 0; kind < CHECKSUM_KINDS; kind++)
        if (kind != CHECKSUM_MD5)
            update(hasher, kind, hasher->given);
    hasher->given++;
    if (!hasher->thread && !last)
        hasher->thread = tasks_new();
    if (hasher->thread)
        tasks_add(hasher->thread, hash_next, hasher);
    else
        hash_next(hasher);
}

void hasher_finish(struct hasher *hasher, unsigned char digests[][CHECKSUM_LONGEST])
{
    g_clear_pointer(&hasher->thread, tasks_free);
    for (int kind = 0; kind < CHECKSUM_KINDS; kind++)
        if (hasher->checksums[kind])
            checksum_finish(hasher->checksums[kind], digests[kind]);
}

void hasher_free(struct hasher *hasher)
{
    if (!hasher)
        return;
    tasks_free(hasher->thread);
    for (int kind = 0; kind < CHECKSUM_KINDS; kind++)
        checksum_free(hasher->checksums[kind]);
    for (int i = 0; i < RING; i++)
        g_free(hasher->buffers[i]);
    pthread_mutex_destroy(&hasher->lock);
    pthread_cond_destroy(&hasher->changed);
    g_free(hasher);
}
