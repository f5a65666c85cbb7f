/* visits.h: a listening socket whose visitors are served by a thread each: for doors with few
 * visitors, each of which may take its time. */
#ifndef LATHE_BASE_VISITS_H
#define LATHE_BASE_VISITS_H

#include <glib.h>
#include <stdbool.h>

struct visits;

/* Serves a visitor, on a thread of its own; the descriptor is closed when it returns. */
typedef void visit_serve(int fd, void *data);

/* Takes over the socket, which listens. While there are an eighth as many visitors as the process
 * may have descriptors (256 at most), others wait in the kernel. */
struct visits *visits_open(int socket, visit_serve *serve, void *data, GError **error);
/* Accepts no more. */
void visits_end(struct visits *visits);
/* That, too; shuts every visitor's descriptor (how: SHUT_RD, SHUT_RDWR), and returns once all have
 * left. NULL is let be. */
void visits_close(struct visits *visits, int how);

#endif
