/* A request's way: MHD's callbacks (client.c) fill the exchange on the poll thread; a worker,
 * or for quick requests the poll thread itself, runs the handler and makes MHD's response of the
 * reply; the poll thread queues it. Between a worker and the poll thread stands only the ring,
 * under the exchange's lock: the worker blocks on `changed`, the connection is suspended in MHD. */
#include "http/http_inside.h"

#include <string.h>

#include "base/error.h"
#include "base/waiting.h"

#define PUMP_SIZE (256 * 1024)

struct http_exchange *http_exchange_new(struct http_poller *poller)
{
    struct http_exchange *exchange = g_new0(struct http_exchange, 1);
    exchange->poller = poller;
    exchange->server = poller->server;
    exchange->target = g_string_new(NULL);
    atomic_init(&exchange->references, 1);
    pthread_mutex_init(&exchange->lock, NULL);
    pthread_cond_init(&exchange->changed, NULL);
    return exchange;
}

struct http_exchange *http_exchange_ref(struct http_exchange *exchange)
{
    atomic_fetch_add(&exchange->references, 1);
    return exchange;
}

static void free_request(struct http_exchange *exchange)
{
    if (exchange->request.data_free)
        exchange->request.data_free(exchange->request.data);
    stream_free(exchange->request.body);
    exchange->request = (struct http_request){0};
}

void http_exchange_reset(struct http_exchange *exchange)
{
    free_request(exchange);
    http_reply_clear(&exchange->reply);
    http_head_reset(&exchange->head);
    http_ring_close(&exchange->ring);
    http_ring_close(&exchange->reply_ring);
    if (exchange->body)
        g_byte_array_unref(g_steal_pointer(&exchange->body));
    atomic_fetch_sub(&exchange->server->held, exchange->held);
    exchange->held = 0;
    if (exchange->response)
        MHD_destroy_response(g_steal_pointer(&exchange->response));
    exchange->body_ended = exchange->answered = exchange->suspended = false;
    exchange->reply_ended = exchange->reply_failed = exchange->aborted = false;
}

void http_exchange_unref(struct http_exchange *exchange)
{
    if (!exchange || atomic_fetch_sub(&exchange->references, 1) > 1)
        return;
    http_exchange_reset(exchange);
    if (exchange->reply.headers)
        g_ptr_array_unref(exchange->reply.headers);
    http_head_clear(&exchange->head);
    g_string_free(exchange->target, TRUE);
    pthread_cond_destroy(&exchange->changed);
    pthread_mutex_destroy(&exchange->lock);
    g_free(exchange);
}

/* Under the lock. Whether it was suspended. */
static bool go_on(struct http_exchange *exchange)
{
    bool suspended = exchange->suspended && exchange->connection;
    if (suspended) {
        exchange->suspended = false;
        MHD_resume_connection(exchange->connection);
    }
    return suspended;
}

/* Under the lock. */
static void resume(struct http_exchange *exchange)
{
    if (go_on(exchange))
        http_poller_wake(exchange->poller); /* MHD does not, in a loop that is not its own */
}

/* Under the lock: whether there is still somebody to work for. */
static bool is_wanted(const struct http_exchange *exchange)
{
    return exchange->connection && !exchange->aborted;
}

/* Under the lock, on a stream's thread, which is no worker meanwhile. */
static void wait_for_client(struct http_exchange *exchange)
{
    waiting_begin();
    pthread_cond_wait(&exchange->changed, &exchange->lock);
    waiting_end();
}

/* ---- the body ---- */

bool http_exchange_has_stretch(const struct http_exchange *exchange)
{
    return exchange->body_ended || exchange->ring.used >= exchange->ring.size / 4;
}

static gssize read_body(void *state, void *buffer, size_t size, GError **error)
{
    struct http_exchange *exchange = state;
    struct http_ring *ring = &exchange->ring;
    pthread_mutex_lock(&exchange->lock);
    while (!http_exchange_has_stretch(exchange) && is_wanted(exchange)) {
        resume(exchange);
        wait_for_client(exchange);
    }
    const char *stretch;
    size_t n = MIN(size, http_ring_data(ring, &stretch));
    bool cut_short = n == 0 && !exchange->body_ended;
    pthread_mutex_unlock(&exchange->lock);
    if (cut_short) {
        error_set(error, ERROR_INCOMPLETE_BODY,
                  "the client went away before the end of the request's body");
        return -1;
    }
    memcpy(buffer, stretch, n);

    /* The connection goes on at half, not at the first free byte: resuming costs a system call. */
    pthread_mutex_lock(&exchange->lock);
    http_ring_read(ring, n);
    if (!exchange->body_ended && ring->used <= ring->size / 2)
        resume(exchange);
    pthread_mutex_unlock(&exchange->lock);
    return (gssize)n;
}

static const struct stream_source body_source = {read_body, NULL};

struct stream *http_exchange_body_stream(struct http_exchange *exchange)
{
    return stream_new(&body_source, exchange, exchange->request.content_length);
}

/* ---- the reply ---- */

/* MHD's reader of a pumped reply, on the poll thread. */
static ssize_t pull_reply(void *data, uint64_t position, char *buffer, size_t size)
{
    (void)position;
    struct http_exchange *exchange = data;
    pthread_mutex_lock(&exchange->lock);
    const char *stretch;
    ssize_t n = (ssize_t)MIN(size, http_ring_data(&exchange->reply_ring, &stretch));
    if (n > 0) {
        memcpy(buffer, stretch, (size_t)n);
        http_ring_read(&exchange->reply_ring, (size_t)n);
        pthread_cond_signal(&exchange->changed);
    } else if (exchange->reply_failed) {
        n = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (exchange->reply_ended) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (exchange->connection) {
        exchange->suspended = true;
        MHD_suspend_connection(exchange->connection);
    }
    pthread_mutex_unlock(&exchange->lock);
    return n;
}

bool http_exchange_must_pump(const struct http_exchange *exchange)
{
    return exchange->reply_ring.bytes && exchange->reply.body;
}

void http_exchange_pump(struct http_exchange *exchange)
{
    struct http_ring *ring = &exchange->reply_ring;
    pthread_mutex_lock(&exchange->lock);
    while (is_wanted(exchange) && !exchange->reply_ended && !exchange->reply_failed) {
        char *stretch;
        size_t room = http_ring_room(ring, &stretch);
        if (room == 0) {
            wait_for_client(exchange);
            continue;
        }
        pthread_mutex_unlock(&exchange->lock);
        gssize n = stream_read(exchange->reply.body, stretch, room, NULL);
        pthread_mutex_lock(&exchange->lock);
        exchange->reply_ended = n == 0;
        exchange->reply_failed = n < 0;
        http_ring_wrote(ring, (size_t)MAX(n, 0));
        resume(exchange);
    }
    exchange->reply_failed = !exchange->reply_ended;
    resume(exchange);
    pthread_mutex_unlock(&exchange->lock);
    stream_free(g_steal_pointer(&exchange->reply.body));
}

void http_exchange_refuse(struct http_exchange *exchange, unsigned status, const char *why)
{
    const struct http_handler *handler = &exchange->server->handler;
    http_reply_clear(&exchange->reply);
    handler->refuse(handler->context, status, why, &exchange->reply);
    exchange->reply.close = true;
}

void http_exchange_make_response(struct http_exchange *exchange, bool may_block)
{
    if (atomic_load(&exchange->server->stopping))
        exchange->reply.close = true;
    bool is_head = strcmp(exchange->request.method, "HEAD") == 0;
    bool pump = false;
    g_autoptr(GError) error = NULL;
    exchange->response = http_reply_response(&exchange->reply, is_head, may_block, pull_reply,
                                             exchange, &pump, &error);
    if (pump)
        http_ring_open(&exchange->reply_ring, PUMP_SIZE);
    if (exchange->response)
        return;
    http_exchange_refuse(exchange, 500, error->message);
    exchange->response =
        http_reply_response(&exchange->reply, is_head, true, pull_reply, exchange, &pump, NULL);
}

void http_exchange_respond(struct http_exchange *exchange)
{
    const struct http_handler *handler = &exchange->server->handler;
    handler->respond(handler->context, &exchange->request, &exchange->reply);
}

void http_exchange_work(void *data)
{
    struct http_exchange *exchange = data;
    http_exchange_respond(exchange);
    http_exchange_make_response(exchange, true);
    pthread_mutex_lock(&exchange->lock);
    exchange->answered = true;
    resume(exchange);
    pthread_mutex_unlock(&exchange->lock);
    if (http_exchange_must_pump(exchange))
        http_pool_run_stream(exchange->server->pool, http_exchange_work_pump, exchange);
    else
        http_exchange_unref(exchange);
}

void http_exchange_answered(struct http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->lock);
    exchange->answered = true;
    go_on(exchange); /* the poll thread turns to MHD next, and need not be woken */
    pthread_mutex_unlock(&exchange->lock);
}

void http_exchange_work_pump(void *data)
{
    http_exchange_pump(data);
    http_exchange_unref(data);
}

void http_exchange_end(struct http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->lock);
    exchange->connection = NULL;
    exchange->suspended = false;
    pthread_cond_signal(&exchange->changed);
    pthread_mutex_unlock(&exchange->lock);
}

void http_exchange_abort(struct http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->lock);
    exchange->aborted = true;
    pthread_cond_signal(&exchange->changed);
    pthread_mutex_unlock(&exchange->lock);
}
