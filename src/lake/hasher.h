/* hasher.h: digests of a body that passes through.
 *
 * MD5 is the slowest of what happens to a byte, at 0.75 GB/s on a core that does nothing else, and
 * cannot be split. It has a thread of its own; the receiving thread does all the rest meanwhile:
 * reading the socket, the signature's SHA-256, the other checksums, writing. */
#ifndef LATHE_LAKE_HASHER_H
#define LATHE_LAKE_HASHER_H

#include "base/checksum.h"

/* Small enough for a few to stay in the processor's second cache. */
#define HASHER_BUFFER ((size_t)256 << 10)

struct hasher;

/* kinds: bits of 1u << enum checksum_kind. */
struct hasher *hasher_new(unsigned kinds);
void hasher_free(struct hasher *hasher);
/* A buffer of HASHER_BUFFER bytes to fill; waits for one. */
unsigned char *hasher_buffer(struct hasher *hasher);
/* Hands over the first `size` bytes of that buffer. They stay readable until hasher_buffer is
 * called again. last: nothing follows, so that a body of one buffer needs no thread. */
void hasher_add(struct hasher *hasher, size_t size, bool last);
/* Waits for the digests. Those of other kinds are left as they are. */
void hasher_finish(struct hasher *hasher, unsigned char digests[][CHECKSUM_LONGEST]);

#endif
