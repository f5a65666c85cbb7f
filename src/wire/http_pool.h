/* http_pool.h: threads for work that may wait: started as they are needed, up to a bound; beyond it
 * work waits in line. */
#ifndef LATHE_WIRE_HTTP_POOL_H
#define LATHE_WIRE_HTTP_POOL_H

#include <glib.h>

struct http_pool;

/* The first thread starts at once: where it cannot, that is the error. */
struct http_pool *http_pool_new(unsigned threads, GError **error);
void http_pool_run(struct http_pool *pool, void (*work)(void *data), void *data);
/* Waits until all work given to it is done, then ends its threads. */
void http_pool_free(struct http_pool *pool);

#endif
