/* arena.h: memory that lives as long as one owner (a pipeline, a specification, a table of
 * labels) and is given back at once. */
#ifndef LATHE_PARSE_ARENA_H
#define LATHE_PARSE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* Zero it before the first use. */
struct arena {
    struct arena_chunk *chunk; /* the newest; older ones hang from it */
    size_t used, size;         /* bytes of the newest */
};

/* Zeroed memory for count elements, aligned for any type; NULL where there is none left. */
void *arena_take(struct arena *arena, size_t count, size_t element);

/* A terminated copy. */
char *arena_copy(struct arena *arena, const char *text, size_t size);

void arena_free(struct arena *arena);

#endif
