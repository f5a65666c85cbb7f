#include "parse/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *older;
    max_align_t bytes[];
};

enum { SMALLEST = 4096, LARGEST = 1 << 20, ALIGNMENT = sizeof(max_align_t) };

void *arena_take(struct arena *arena, size_t count, size_t element)
{
    if (element && count > (SIZE_MAX / 2) / element)
        return NULL;
    size_t size = (count * element + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->size - arena->used) {
        size_t next = arena->size < LARGEST / 2 ? arena->size * 2 : LARGEST;
        if (next < SMALLEST)
            next = SMALLEST;
        if (next < size)
            next = size;
        struct arena_chunk *chunk = malloc(sizeof *chunk + next);
        if (!chunk)
            return NULL;
        chunk->older = arena->chunk;
        arena->chunk = chunk;
        arena->used = 0;
        arena->size = next;
    }
    void *memory = (char *)arena->chunk->bytes + arena->used;
    arena->used += size;
    return memset(memory, 0, size);
}

char *arena_copy(struct arena *arena, const char *text, size_t size)
{
    char *copy = arena_take(arena, size + 1, 1);
    if (copy && size)
        memcpy(copy, text, size);
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->chunk) {
        struct arena_chunk *chunk = arena->chunk;
        arena->chunk = chunk->older;
        free(chunk);
    }
    *arena = (struct arena){0};
}
