/* pool.h: the threads on which requests run that may wait for the disk, a lock, a process.
 *
 * A worker is a thread that does something. One that waits for its client's bytes, for its client
 * to take some, or for a process, is none: it says so (base/waiting.h), and another thread takes
 * its place where tasks wait. So clients that stand still hold no worker, however many they are.
 * What may wait for a client is run as a stream; of those a bounded number is under way, the others
 * wait in line. */
#ifndef LATHE_HTTP_POOL_H
#define LATHE_HTTP_POOL_H

#include <glib.h>

struct http_pool;

/* At most `workers` threads that work, and `streams` streams under way. */
struct http_pool *http_pool_new(unsigned workers, unsigned streams, GError **error);
/* Waits for what is under way and in line. */
void http_pool_free(struct http_pool *pool);

void http_pool_run(struct http_pool *pool, void (*work)(void *data), void *data);
void http_pool_run_stream(struct http_pool *pool, void (*work)(void *data), void *data);

#endif
