/* dispatch.h: from an HTTP request to an operation and back. */
#ifndef LATHE_WIRE_DISPATCH_H
#define LATHE_WIRE_DISPATCH_H

#include "http/http.h"
#include "operation/operation.h"

struct dispatcher_options {
    const char *region;         /* of unsigned requests; NULL: us-east-1 */
    const char *version;        /* told by /_lathe/health */
    const char *const *hosts;   /* names beside loopback's, ends with NULL; or NULL */
    const char *const *origins; /* web pages that may call; or NULL */
    /* For tests: what POST /_lathe/clock/SECONDS does; NULL: there is no such page. */
    void (*move_clock)(double seconds, void *data);
    void *data;
};

struct dispatcher;

/* Options are copied; operations have to outlive it. */
struct dispatcher *dispatcher_new(const struct operations *operations,
                                  const struct dispatcher_options *options);
void dispatcher_free(struct dispatcher *dispatcher);

/* The handler for http_server_open; it is the dispatcher's. */
const struct http_handler *dispatcher_handler(const struct dispatcher *dispatcher);

#endif
