/* resolver.h: names within a sandbox: all below some domains are the sandbox itself (whose port 443
 * leads to who answers for them), and nobody else has one. DNS (RFC 1035), by UDP. */
#ifndef LATHE_SANDBOX_RESOLVER_H
#define LATHE_SANDBOX_RESOLVER_H

#include <glib.h>
#include <stdbool.h>

enum { RESOLVER_LONGEST = 512 };

/* Answers a query; the answer's length, or 0 where what came is none. domains ends with NULL. */
size_t resolver_answer(const guint8 *query, size_t size, char *const *domains,
                       guint8 answer[RESOLVER_LONGEST]);

/* A socket where programs look for a resolver, or -1. */
int resolver_listen(GError **error);
/* Answers on a thread that lasts as long as the process, as domains do. */
bool resolver_start(int fd, char *const *domains, GError **error);

#endif
