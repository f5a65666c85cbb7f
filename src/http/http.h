/* http.h: HTTP/1.1 on sockets, by libmicrohttpd under our own poll loop; knows nothing of AWS.
 *
 * Each serving thread has a daemon and a listening socket of its own. A handler says, once the head
 * is there, where its request is to run: on the poll thread (answers from memory only) or on the
 * pool of blocking workers, with the body read whole or streamed. */
#ifndef LATHE_HTTP_HTTP_H
#define LATHE_HTTP_HTTP_H

#include <glib.h>
#include <stdbool.h>

#include "base/stream.h"

struct http_request {
    const char *method;
    const char *target;    /* as sent: path and query, percent-encoded */
    const char *path;      /* target up to '?' (still encoded) */
    const char *query;     /* after '?', "" where there is none */
    struct stream *body;   /* never NULL */
    gint64 content_length; /* -1: chunked */
    /* Of a connection that was handed over: the host for which it was (valid in route alone). NULL:
     * it came to the server's own port. */
    const char *host;
    bool within; /* it comes from a sandbox (base/within.h) */
    void *data;  /* the handler's own, from route to respond */
    /* Where set: called with data when the request is over, answered or not. */
    void (*data_free)(void *data);
    struct http_exchange *exchange; /* the server's own */
};

/* A header's value, whatever the case of its name, or NULL. */
const char *http_header(const struct http_request *request, const char *name);
/* Calls visit for every header, in order. */
void http_headers(const struct http_request *request,
                  void (*visit)(const char *name, const char *value, void *data), void *data);

struct http_reply {
    unsigned status;
    GPtrArray *headers;    /* name, value, name, value ...: filled by http_reply_header */
    struct stream *body;   /* NULL: empty */
    bool head_only;        /* a reply to HEAD, or 304: Content-Length is content_length, no body */
    gint64 content_length; /* used with head_only */
    bool close;            /* close the connection after it */
};
void http_reply_header(struct http_reply *reply, const char *name, const char *value);
void http_reply_text(struct http_reply *reply, unsigned status, const char *content_type,
                     char *text); /* takes text */

enum http_where {
    HTTP_QUICK,     /* respond on the poll thread, body whole in memory */
    HTTP_WAITING,   /* the same, on a stack of its own: respond may wait by waiting_poll */
    HTTP_BLOCKING,  /* respond on the pool, body whole in memory */
    HTTP_STREAMING, /* respond on the pool at once, body pulled as it arrives */
    HTTP_REFUSE,    /* reply was filled in: send it, do not read the body */
};

struct http_handler {
    /* The head has arrived. May fill in reply and answer HTTP_REFUSE (before "100 Continue"). */
    enum http_where (*route)(void *context, struct http_request *request, struct http_reply *reply);
    void (*respond)(void *context, struct http_request *request, struct http_reply *reply);
    /* Writes the reply for what HTTP itself refuses: status 400, 408, 413, 431 ... */
    void (*refuse)(void *context, unsigned status, const char *why, struct http_reply *reply);
    void *context;
};

struct http_options {
    const char *address;      /* "127.0.0.1" */
    unsigned port;            /* 0: any free one */
    unsigned threads;         /* poll threads; 0: one a core */
    unsigned workers;         /* blocking workers at most; 0: 64 */
    unsigned streams;         /* bodies and replies that workers stream at once; 0: 512 */
    size_t body_limit;        /* of bodies read whole; 0: 128 MiB */
    size_t memory_limit;      /* of all such bodies together; 0: 512 MiB */
    unsigned head_deadline_s; /* for a whole head; 0: 20 */
    unsigned idle_deadline_s; /* between requests, and of a body's or reply's standstill; 0: 60 */
    /* Called, by several threads, when the time of http_server_stop is over: makes handlers return
     * that wait for what takes longer. May be NULL. */
    void (*hurry)(void *data);
    void *data;
};

struct http_server;

/* Listens: connections come, and wait for http_server_start. A port in use is an error that names
 * its owner where that can be found. */
struct http_server *http_server_open(const struct http_options *options,
                                     const struct http_handler *handler, GError **error);
/* Serves, until http_server_stop, which is due in any case. */
bool http_server_start(struct http_server *server, GError **error);
unsigned http_server_port(const struct http_server *server);
/* Serves a connection that was made elsewhere, a Unix socket, as if it had come to the port. host
 * (copied) is what its requests find in `host`, and within what they find there: nothing that a
 * client sends can set these. Takes
 * over fd, and closes it where there are too many connections. Not before http_server_start, and
 * not during or after http_server_stop. */
void http_server_adopt(struct http_server *server, int fd, const char *host, bool within);
/* Accepts no more, lets what is under way finish (at most `seconds`), then closes everything;
 * started or not. */
void http_server_stop(struct http_server *server, unsigned seconds);

#endif
