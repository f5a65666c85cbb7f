/* pages.h: lathe's own answers, below /_lathe/. Inside src/wire only. */
#ifndef LATHE_WIRE_PAGES_H
#define LATHE_WIRE_PAGES_H

#include "operation/operation.h"
#include "wire/http.h"

/* Whether the path is one of them. */
bool pages_has(const char *path);
/* /_lathe/health: {"status", "version"}. /_lathe/operations: for each service the names of the
 * operations that are built and of those that are not. Others: 404. */
void pages_reply(const struct operations *operations, const char *version, const char *method,
                 const char *path, struct http_reply *reply);

#endif
