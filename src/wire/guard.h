/* guard.h: who may talk to a server on the loopback address. Any program of the machine may; a web
 * page of somebody else, in the user's browser, may not. */
#ifndef LATHE_WIRE_GUARD_H
#define LATHE_WIRE_GUARD_H

#include <glib.h>
#include <stdbool.h>

#include "wire/request.h"

/* The Host header names a loopback address, localhost, a name under it, or one of `hosts` (ends
 * with NULL, may be NULL). Else false and ERROR_ACCESS_DENIED: a name that was made to point here
 * (DNS rebinding). */
bool guard_host(const struct wire_request *request, const char *const *hosts, GError **error);

/* The Host header names that very host (in lower case), for which the connection was made. */
bool guard_same_host(const struct wire_request *request, const char *host, GError **error);

/* A request that a browser sends from a page has an Origin or Sec-Fetch-Site header: allowed are
 * the server's own pages and `origins`. */
bool guard_origin(const struct wire_request *request, const char *const *origins, GError **error);

/* The Host's first name where it is "<bucket>.localhost" (g_free), else NULL. */
char *guard_virtual_bucket(const struct wire_request *request);

#endif
