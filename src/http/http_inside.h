/* http_inside.h: what the server's files share. A client is one TCP connection; an exchange is one
 * request on it and its reply; a poller is a thread with a daemon and its clients.
 *
 * Who may touch what: a client and everything marked "poll thread" belong to the thread of its
 * poller. While an exchange is at work, its request and reply belong to the worker. What both need
 * is under the exchange's lock. */
#ifndef LATHE_HTTP_HTTP_INSIDE_H
#define LATHE_HTTP_HTTP_INSIDE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/head.h"
#include "http/http.h"
#include "http/pool.h"
#include "http/ring.h"

enum http_stage {
    STAGE_HEAD,    /* waiting for a request, or in its head */
    STAGE_BODY,    /* reading a body whole */
    STAGE_STREAM,  /* a worker runs and pulls the body as it arrives */
    STAGE_WORK,    /* a worker runs; the body is there */
    STAGE_REFUSED, /* the reply is there, and waits for the end of a request without a body */
    STAGE_REPLY,   /* the reply is on its way */
};

struct http_exchange {
    struct http_request request;
    struct http_reply reply;
    struct http_server *server;
    struct http_poller *poller;
    struct http_head head;
    GString *target; /* as sent, a NUL, the path */
    enum http_where where;
    GByteArray *body;              /* read whole so far, or NULL; poll thread */
    size_t held;                   /* bytes of it that are in server->held */
    struct MHD_Response *response; /* made of the reply */

    atomic_int references; /* the client's, and the worker's while there is one */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* wakes the worker */
    /* Under the lock: */
    struct MHD_Connection *connection; /* NULL once the request has ended there */
    struct http_ring ring;             /* a streamed body, on its way in */
    struct http_ring reply_ring;       /* a pumped reply, on its way out */
    bool suspended;                    /* in MHD */
    bool aborted;                      /* the server ends it, whatever is under way */
    bool body_ended;                   /* the last byte is in the ring */
    bool answered;                     /* the worker has made the response */
    bool reply_ended, reply_failed;    /* the reply's last byte is in its ring, or will never be */
};

/* Where in its requests a connection is, as bytes.c reads them before MHD does. */
struct http_framing {
    enum { PART_HEAD, PART_BODY, PART_CHUNK_SIZE, PART_CHUNK, PART_CHUNK_END, PART_TRAILER } part;
    bool in_head; /* its request line is there */
    bool chunked;
    guint64 left;    /* of the body or chunk */
    GString *line;   /* as far as it has come, without its newline */
    unsigned status; /* once something is refused */
    const char *why;
};

struct http_client {
    struct http_poller *poller;
    struct http_client *previous, *next; /* in the poller's list */
    struct MHD_Connection *connection;
    int fd;
    char *host;  /* for which it was handed over, or NULL */
    bool within; /* it comes from a sandbox */
    enum http_stage stage;
    struct http_exchange *exchange; /* kept from request to request */
    struct http_framing framing;
    bool awaits_continue; /* suspended at its head until the worker wants the body */
    bool linger;          /* the client may still be sending when the connection is closed */
    /* Deadlines, in seconds of clock_monotonic. */
    double idle_since; /* since the connection came, or its last reply went */
    double head_since; /* since its head began to arrive; 0: not known to have */
    double body_since; /* since body_seen bytes were there */
    gint64 received, body_seen;
};

struct http_poller {
    struct http_server *server;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    int epoll_fd;
    int wake_fd;         /* eventfd: a connection was resumed, or server->stopping set */
    atomic_bool woken;   /* wake_fd is written and not yet read */
    int listen_fd;       /* -1 once nothing new is accepted */
    double accept_after; /* a time: out of descriptors until then */
    struct http_client *clients;
    GHashTable *by_fd; /* the same, by their descriptors */
    GHashTable *hosts; /* of connections handed over that are no clients yet, by descriptor */
    pthread_mutex_t lock;
    GArray *handed; /* under the lock: struct handed, to be taken in */
    unsigned client_count, client_limit;
    GArray *lingering;  /* struct lingering, linger.c */
    GArray *events;     /* struct pollfd: what it waits for */
    GPtrArray *errands; /* struct http_errand: those that wait */
    GPtrArray *resting; /* those that are over, for the next */
    bool errand_over;   /* since it last waited for events */
    bool soon;          /* after the last one that was over, the next event came soon */
    double next_look;   /* at the deadlines */
};

struct http_server {
    struct http_options options;
    struct http_handler handler;
    struct http_pool *pool;
    struct http_poller *pollers;
    int *sockets;          /* a poller each, until it runs; else -1 */
    unsigned started;      /* pollers that run */
    atomic_uint next_hand; /* whose turn it is to take a connection that is handed over */
    atomic_size_t held;    /* bytes of bodies read whole, of all exchanges */
    atomic_bool stopping;
    double stop_deadline; /* set before stopping */
};

/* ---- exchange.c: a request and its reply ---- */

struct http_exchange *http_exchange_new(struct http_poller *poller);
struct http_exchange *http_exchange_ref(struct http_exchange *exchange);
void http_exchange_unref(struct http_exchange *exchange);
/* Makes it ready for the next request, by any worker forgotten. */
void http_exchange_reset(struct http_exchange *exchange);

/* Fills in the reply with what HTTP itself refuses. */
void http_exchange_refuse(struct http_exchange *exchange, unsigned status, const char *why);
/* Makes MHD's response of the reply; what of it must be waited for is left for http_exchange_pump.
 * may_block: on a worker. */
void http_exchange_make_response(struct http_exchange *exchange, bool may_block);
/* Has the handler make the reply. */
void http_exchange_respond(struct http_exchange *exchange);
bool http_exchange_must_pump(const struct http_exchange *exchange);
/* Reads the reply's stream into the ring until it ends or nobody wants it any more. */
void http_exchange_pump(struct http_exchange *exchange);
/* The worker's whole part, on a reference that it gives up; data is the exchange. */
void http_exchange_work(void *data);
void http_exchange_work_pump(void *data);
/* Poll thread, not within MHD where the connection is suspended: the reply is made. */
void http_exchange_answered(struct http_exchange *exchange);

/* The body as the worker pulls it out of the ring. */
struct stream *http_exchange_body_stream(struct http_exchange *exchange);
/* Under the lock: whether so much of the body is in the ring that a worker should be woken for it.
 * MHD reads 8 KiB at a time; waking and contending at each costs more than the bytes' way. */
bool http_exchange_has_stretch(const struct http_exchange *exchange);
/* Poll thread: the request has ended in MHD, answered or not. */
void http_exchange_end(struct http_exchange *exchange);
/* Releases a worker that waits for the client. */
void http_exchange_abort(struct http_exchange *exchange);

/* ---- reply.c ---- */

void http_reply_clear(struct http_reply *reply);
/* MHD's response of a reply, whose body it takes over. A body that has to be waited for stays with
 * the reply (`*pump` true), and `reader` is asked for it. NULL and an error where the body cannot
 * be read or a field cannot be sent. */
struct MHD_Response *http_reply_response(struct http_reply *reply, bool is_head, bool may_block,
                                         MHD_ContentReaderCallback reader, void *data, bool *pump,
                                         GError **error);
/* The whole reply as text, for where MHD takes none. Its body is in memory. */
GString *http_reply_text_form(const struct http_reply *reply);

/* ---- client.c: what MHD calls ---- */

void *http_client_target(void *data, const char *target, struct MHD_Connection *connection);
size_t http_client_keep_escapes(void *data, struct MHD_Connection *connection, char *text);
enum MHD_Result http_client_request(void *data, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *bytes,
                                    size_t *size, void **context);
void http_client_completed(void *data, struct MHD_Connection *connection, void **context,
                           enum MHD_RequestTerminationCode code);
void http_client_notify(void *data, struct MHD_Connection *connection, void **context,
                        enum MHD_ConnectionNotificationCode code);

/* Sends a refusal past MHD, where MHD takes none. The caller ends the connection. */
void http_client_cut(struct http_client *client, unsigned status, const char *why);
/* Ends the connection, whatever is under way on it. */
void http_client_abort(struct http_client *client);

/* ---- errand.c: requests on stacks of their own; poll thread ---- */

void http_errands_open(struct http_poller *poller);
void http_errands_close(struct http_poller *poller);
/* Has the handler make the reply, as far as it comes without waiting; then it is one of those that
 * wait. */
void http_errand_start(struct http_exchange *exchange);
/* Adds what they wait for. */
void http_errands_watch(struct http_poller *poller, GArray *events);
/* How long may be waited: at most so many seconds (-1: for ever). */
double http_errands_wait(const struct http_poller *poller, double now, double seconds);
/* Goes on with those for which something has come. */
void http_errands_look(struct http_poller *poller, const GArray *events, double now);

/* ---- bytes.c ---- */

/* While MHD runs on a poller's thread, what it reads is checked; NULL ends that. */
void http_bytes_turn(struct http_poller *poller);
void http_framing_clear(struct http_framing *framing);

/* ---- poller.c ---- */

bool http_poller_start(struct http_poller *poller, struct http_server *server, int socket,
                       GError **error);
/* Any thread: gives it a connection that was made elsewhere. */
void http_poller_hand(struct http_poller *poller, int fd, const char *host, bool within);
/* Any thread: has it look at what was resumed, and at server->stopping. */
void http_poller_wake(struct http_poller *poller);
/* Once server->stopping is set: waits until all its clients are gone. */
void http_poller_join(struct http_poller *poller);
/* After no worker knows a connection of it any more. */
void http_poller_free(struct http_poller *poller);

/* ---- deadline.c ---- */

/* Cuts clients whose head or body takes too long; returns when to look again. */
double http_deadline_look(struct http_poller *poller, double now);

/* ---- linger.c ---- */

/* Keeps a connection that MHD is about to close open for reading a little longer: closed with bytes
 * unread, the kernel resets it, and the client may lose the reply that tells it why. */
void http_linger_add(struct http_poller *poller, int fd);
/* Reads and discards; drops those that are done. */
void http_linger_look(struct http_poller *poller, double now);
void http_linger_free(struct http_poller *poller);

#endif
