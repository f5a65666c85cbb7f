/* listen.h: the listening sockets of one address, and who holds a port that is taken. */
#ifndef LATHE_HTTP_LISTEN_H
#define LATHE_HTTP_LISTEN_H

#include <glib.h>
#include <stdbool.h>

/* Fills in count listening sockets (non-blocking, closed on exec) that share address and port, and
 * the port itself (it was 0 where any free one is wanted). */
bool http_listen(const char *address, unsigned *port, int *sockets, unsigned count, GError **error);

#endif
