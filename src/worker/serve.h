/* serve.h: the other side of workers.h, for programs of ours: a loop that takes calls. */
#ifndef LATHE_WORKER_SERVE_H
#define LATHE_WORKER_SERVE_H

#include <glib.h>
#include <stdbool.h>

struct worker_server;

/* Answers one call: bytes (g_bytes_new ...), or NULL and an error, which its caller gets with its
 * code. */
typedef GBytes *worker_answer(struct worker_server *server, GBytes *request, void *data,
                              GError **error);

/* Says that it is ready, then answers calls until the pool closes its end. */
int worker_serve(worker_answer *answer, void *data);

/* In place of serving: says why this process cannot, and returns its exit status. */
int worker_refuse(const char *why);

/* Whether the call under way has been cancelled: for long ones to look at now and then. */
bool worker_cancelled(struct worker_server *server);

#endif
