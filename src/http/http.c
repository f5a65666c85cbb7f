#include "http/http.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http_inside.h"
#include "http/listen.h"

const char *http_header(const struct http_request *request, const char *name)
{
    return http_head_find(&request->exchange->head, name);
}

void http_headers(const struct http_request *request,
                  void (*visit)(const char *name, const char *value, void *data), void *data)
{
    const struct http_head *head = &request->exchange->head;
    for (size_t i = 0; i < head->count; i++)
        visit(head->fields[i].name, head->fields[i].value, data);
}

static void fill_defaults(struct http_options *options)
{
    if (!options->threads)
        options->threads = g_get_num_processors();
    if (!options->workers)
        options->workers = 64;
    if (!options->streams)
        options->streams = 512;
    if (!options->body_limit)
        options->body_limit = 128 * 1024 * 1024;
    if (!options->memory_limit)
        options->memory_limit = 512 * 1024 * 1024;
    if (!options->head_deadline_s)
        options->head_deadline_s = 20;
    if (!options->idle_deadline_s)
        options->idle_deadline_s = 60;
}

/* Signals are the main thread's: the server's threads are started with all of them blocked. That
 * holds for SIGPIPE too, which sendfile would raise where a client has gone. */
bool http_server_start(struct http_server *server, GError **error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    server->pool = http_pool_new(server->options.workers, server->options.streams, error);
    bool ok = server->pool;
    while (ok && server->started < server->options.threads) {
        unsigned next = server->started;
        ok = http_poller_start(&server->pollers[next], server, server->sockets[next], error);
        server->sockets[next] = -1; /* the poller's, which closes it where it does not start */
        server->started += ok;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

static int *no_sockets(unsigned count)
{
    int *sockets = g_new(int, count);
    for (unsigned i = 0; i < count; i++)
        sockets[i] = -1;
    return sockets;
}

struct http_server *http_server_open(const struct http_options *options,
                                     const struct http_handler *handler, GError **error)
{
    struct http_server *server = g_new0(struct http_server, 1);
    server->options = *options;
    server->handler = *handler;
    fill_defaults(&server->options);
    unsigned threads = server->options.threads;
    server->pollers = g_new0(struct http_poller, threads);
    server->sockets = no_sockets(threads);
    const char *address = options->address ? options->address : "127.0.0.1";
    if (http_listen(address, &server->options.port, server->sockets, threads, error))
        return server;
    http_server_stop(server, 0);
    return NULL;
}

unsigned http_server_port(const struct http_server *server)
{
    return server->options.port;
}

void http_server_adopt(struct http_server *server, int fd, const char *host, bool within)
{
    unsigned turn = atomic_fetch_add(&server->next_hand, 1) % server->started;
    http_poller_hand(&server->pollers[turn], fd, host, within);
}

void http_server_stop(struct http_server *server, unsigned seconds)
{
    server->stop_deadline = clock_monotonic() + seconds;
    atomic_store(&server->stopping, true);
    for (unsigned i = 0; i < server->started; i++)
        http_poller_wake(&server->pollers[i]);
    for (unsigned i = 0; i < server->started; i++)
        http_poller_join(&server->pollers[i]);
    if (server->options.hurry)
        server->options.hurry(server->options.data);
    if (server->pool)
        http_pool_free(server->pool);
    for (unsigned i = 0; i < server->started; i++)
        http_poller_free(&server->pollers[i]);
    for (unsigned i = 0; i < server->options.threads; i++)
        if (server->sockets[i] >= 0)
            close(server->sockets[i]);
    g_free(server->sockets);
    g_free(server->pollers);
    g_free(server);
}
