/* pages.h: lathe's own answers, below /_lathe/. Inside src/wire only. */
#ifndef LATHE_WIRE_PAGES_H
#define LATHE_WIRE_PAGES_H

#include "http/http.h"
#include "operation/operation.h"

struct pages {
    const struct operations *operations;
    const char *version;
    void (*move_clock)(double seconds, void *data); /* or NULL */
    void *data;
};

/* Whether the path is one of them. */
bool pages_has(const char *path);
/* /_lathe/health: {"status", "version"}. /_lathe/operations: for each service the names of the
 * operations that are built and of those that are not. POST /_lathe/clock/SECONDS, where tests
 * asked for it: moves the clock on. Others: 404. */
void pages_reply(const struct pages *pages, const char *method, const char *path,
                 struct http_reply *reply);

#endif
