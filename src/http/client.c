/* What MHD calls as a request comes in: its head, its body in pieces, its end. The order is MHD's:
 * once with the head, once a piece, once at the end, and again after each resume. A reply may be
 * queued at the head (MHD then closes the connection afterwards) or at the end, not between. */
#define _DEFAULT_SOURCE /* FIONREAD */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/within.h"
#include "http/http_inside.h"

/* Streams up to this size are read whole first: a worker would only wait for them. */
#define SMALL_STREAM (64 * 1024)
/* What of a streamed body is in memory at most. */
#define STREAM_RING (1024 * 1024)

void *http_client_target(void *data, const char *target, struct MHD_Connection *connection)
{
    struct http_poller *poller = data;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_client *client = info->socket_context;
    if (!client->exchange)
        client->exchange = http_exchange_new(poller);
    GString *kept = client->exchange->target;
    g_string_assign(kept, target);
    /* The path is kept behind the target: the caller gets both, each ending in NUL. */
    size_t path_size = strcspn(target, "?");
    g_string_append_c(kept, '\0');
    g_string_append_len(kept, target, (gssize)path_size);
    /* MHD would read the query's parameters into the connection's memory, and close without a word
     * where they do not fit. It shows us its own copy of the line: behind '?' nothing is left. */
    if (target[path_size] == '?')
        ((char *)(uintptr_t)target)[path_size + 1] = '\0';
    return client;
}

/* MHD's own arguments are not used, so nothing is to be decoded. */
size_t http_client_keep_escapes(void *data, struct MHD_Connection *connection, char *text)
{
    (void)data, (void)connection;
    return strlen(text);
}

static void fill_request(const struct http_client *client, const char *method)
{
    struct http_exchange *exchange = client->exchange;
    const char *target = exchange->target->str;
    const char *path = target + strlen(target) + 1;
    const char *query = target + strlen(path);
    exchange->request = (struct http_request){
        .method = method,
        .target = target,
        .path = path,
        .query = *query ? query + 1 : query,
        .host = client->host,
        .within = client->within,
        .exchange = exchange,
    };
}

/* Poll thread: hands the finished reply to MHD. */
static enum MHD_Result queue_reply(struct http_client *client)
{
    struct http_exchange *exchange = client->exchange;
    bool by_worker = exchange->response;
    if (!by_worker)
        http_exchange_make_response(exchange, false);
    if (!exchange->response)
        return MHD_NO;
    client->stage = STAGE_REPLY;
    bool pump = !by_worker && http_exchange_must_pump(exchange);
    enum MHD_Result result =
        MHD_queue_response(client->connection, exchange->reply.status, exchange->response);
    MHD_destroy_response(g_steal_pointer(&exchange->response));
    if (pump)
        http_pool_run_stream(exchange->server->pool, http_exchange_work_pump,
                             http_exchange_ref(exchange));
    return result;
}

/* A refusal at the head. What the client has sent behind it is not read as a request. */
static enum MHD_Result refuse(struct http_client *client, unsigned status, const char *why)
{
    http_exchange_refuse(client->exchange, status, why);
    client->linger = true;
    return queue_reply(client);
}

/* Under the exchange's lock. */
static void suspend(struct http_exchange *exchange)
{
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection);
}

static enum MHD_Result start_stream(struct http_client *client)
{
    struct http_exchange *exchange = client->exchange;
    http_head_keep(&exchange->head); /* the worker may outlive the request in MHD */
    exchange->request.method = exchange->head.block;
    exchange->request.body = http_exchange_body_stream(exchange);
    http_ring_open(&exchange->ring, STREAM_RING);
    client->stage = STAGE_STREAM;
    client->awaits_continue = exchange->head.expects_continue;
    if (client->awaits_continue) {
        pthread_mutex_lock(&exchange->lock);
        suspend(exchange);
        pthread_mutex_unlock(&exchange->lock);
    }
    http_pool_run_stream(exchange->server->pool, http_exchange_work, http_exchange_ref(exchange));
    return MHD_YES;
}

static enum MHD_Result start(struct http_client *client, const char *method, const char *version)
{
    struct http_exchange *exchange = client->exchange;
    struct http_server *server = exchange->server;
    struct http_head *head = &exchange->head;
    exchange->connection = client->connection;
    client->body_since = clock_monotonic();
    client->received = client->body_seen = 0;
    fill_request(client, method);

    const char *why;
    unsigned status =
        http_head_read(head, client->connection, method, exchange->target->str, version, &why);
    if (status)
        return refuse(client, status, why);
    exchange->request.content_length = head->content_length;

    const struct http_handler *handler = &server->handler;
    exchange->where = handler->route(handler->context, &exchange->request, &exchange->reply);
    if (exchange->where == HTTP_REFUSE) {
        client->stage = STAGE_REFUSED;
        client->linger = head->content_length != 0;
        return client->linger ? queue_reply(client) : MHD_YES;
    }
    if (exchange->where != HTTP_STREAMING &&
        head->content_length > (gint64)server->options.body_limit)
        return refuse(client, 413, "the body is larger than the limit of bodies read whole");
    if (exchange->where == HTTP_STREAMING &&
        (head->content_length < 0 || head->content_length > SMALL_STREAM))
        return start_stream(client);
    client->stage = STAGE_BODY;
    return MHD_YES;
}

/* ---- a body read whole ---- */

/* False where all bodies in memory together would be too much. */
static bool hold(struct http_exchange *exchange, size_t size)
{
    struct http_server *server = exchange->server;
    exchange->held += size;
    return atomic_fetch_add(&server->held, size) + size <= server->options.memory_limit;
}

static enum MHD_Result take_piece(struct http_client *client, const char *bytes, size_t *size)
{
    struct http_exchange *exchange = client->exchange;
    size_t limit = exchange->server->options.body_limit;
    client->received += (gint64)*size;
    if (!hold(exchange, *size)) {
        http_client_cut(client, 503,
                        "the bodies of all requests together are more than is kept in "
                        "memory: send it again later");
        return MHD_NO;
    }
    if (client->received > (gint64)limit) { /* chunked: its length was not known at the head */
        http_client_cut(client, 413, "the body is larger than the limit of bodies read whole");
        return MHD_NO;
    }
    if (!exchange->body) {
        gint64 expected = MAX(exchange->head.content_length, (gint64)*size);
        exchange->body = g_byte_array_sized_new((guint)MIN(expected, STREAM_RING));
    }
    g_byte_array_append(exchange->body, (const guint8 *)bytes, (guint)*size);
    *size = 0;
    return MHD_YES;
}

/* Where the worker has answered: queues that. Else waits for it. */
static enum MHD_Result await_answer(struct http_client *client)
{
    struct http_exchange *exchange = client->exchange;
    client->stage = STAGE_WORK;
    pthread_mutex_lock(&exchange->lock);
    bool answered = exchange->answered;
    if (!answered) {
        exchange->body_ended = true;
        pthread_cond_signal(&exchange->changed);
        suspend(exchange);
    }
    pthread_mutex_unlock(&exchange->lock);
    return answered ? queue_reply(client) : MHD_YES;
}

static enum MHD_Result run_client(struct http_client *client)
{
    struct http_exchange *exchange = client->exchange;
    g_autoptr(GBytes) body = exchange->body
                                 ? g_byte_array_free_to_bytes(g_steal_pointer(&exchange->body))
                                 : g_bytes_new_static("", 0);
    exchange->request.body = stream_from_bytes(body);
    if (exchange->where == HTTP_QUICK) {
        http_exchange_respond(exchange);
        return queue_reply(client);
    }
    if (exchange->where == HTTP_WAITING) {
        http_errand_start(exchange);
        return await_answer(client);
    }
    client->stage = STAGE_WORK;
    pthread_mutex_lock(&exchange->lock);
    suspend(exchange);
    pthread_mutex_unlock(&exchange->lock);
    http_pool_run(exchange->server->pool, http_exchange_work, http_exchange_ref(exchange));
    return MHD_YES;
}

/* ---- a body streamed ---- */

/* Puts what has come into the ring; what does not fit stays with MHD, which is suspended until
 * there is room. What a worker did not read before it answered is dropped. */
static void feed(struct http_client *client, const char *bytes, size_t *size)
{
    struct http_exchange *exchange = client->exchange;
    client->received += (gint64)*size;
    pthread_mutex_lock(&exchange->lock);
    while (*size > 0 && !exchange->answered) {
        char *stretch;
        size_t n = MIN(*size, http_ring_room(&exchange->ring, &stretch));
        if (n == 0) {
            suspend(exchange);
            break;
        }
        memcpy(stretch, bytes, n);
        http_ring_wrote(&exchange->ring, n);
        bytes += n;
        *size -= n;
    }
    if (exchange->answered)
        *size = 0;
    client->received -= (gint64)*size;
    if (http_exchange_has_stretch(exchange))
        pthread_cond_signal(&exchange->changed);
    pthread_mutex_unlock(&exchange->lock);
}

/* The worker wants the body: MHD goes on with "100 Continue". Or it has answered without: the
 * answer goes out in place of that. */
static enum MHD_Result continue_or_answer(struct http_client *client)
{
    struct http_exchange *exchange = client->exchange;
    client->awaits_continue = false;
    client->body_since = clock_monotonic();
    pthread_mutex_lock(&exchange->lock);
    bool answered = exchange->answered;
    pthread_mutex_unlock(&exchange->lock);
    client->linger = answered;
    return answered ? queue_reply(client) : MHD_YES;
}

enum MHD_Result http_client_request(void *data, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *bytes,
                                    size_t *size, void **context)
{
    (void)data, (void)connection, (void)url;
    struct http_client *client = *context;
    switch (client->stage) {
    case STAGE_HEAD:
        return start(client, method, version);
    case STAGE_BODY:
        return *size ? take_piece(client, bytes, size) : run_client(client);
    case STAGE_STREAM:
        if (client->awaits_continue)
            return continue_or_answer(client);
        if (*size == 0)
            return await_answer(client);
        feed(client, bytes, size);
        return MHD_YES;
    case STAGE_WORK:
        return await_answer(client);
    case STAGE_REFUSED:
        return queue_reply(client);
    default:
        return MHD_YES;
    }
}

/* ---- beginnings and ends ---- */

void http_client_completed(void *data, struct MHD_Connection *connection, void **context,
                           enum MHD_RequestTerminationCode code)
{
    (void)connection, (void)code;
    struct http_poller *poller = data;
    struct http_client *client = *context;
    if (!client)
        return;
    struct http_exchange *exchange = client->exchange;
    http_exchange_end(exchange);
    if (atomic_load(&exchange->references) == 1)
        http_exchange_reset(exchange);
    else /* the worker's, until it is done */
        http_exchange_unref(g_steal_pointer(&client->exchange));
    client->stage = STAGE_HEAD;
    client->awaits_continue = false;
    client->idle_since = clock_monotonic();
    client->head_since = 0;
    if (atomic_load(&poller->server->stopping))
        shutdown(client->fd, SHUT_RD);
}

static void add_client(struct http_poller *poller, struct MHD_Connection *connection,
                       void **context)
{
    struct http_client *client = g_new0(struct http_client, 1);
    client->poller = poller;
    client->connection = connection;
    client->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    g_hash_table_steal_extended(poller->hosts, GINT_TO_POINTER(client->fd), NULL,
                                (gpointer *)&client->host);
    client->within = within_is(
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    client->idle_since = client->head_since = clock_monotonic();
    client->next = poller->clients;
    if (client->next)
        client->next->previous = client;
    poller->clients = client;
    poller->client_count++;
    g_hash_table_insert(poller->by_fd, GINT_TO_POINTER(client->fd), client);
    *context = client;
}

static void remove_client(struct http_client *client)
{
    struct http_poller *poller = client->poller;
    int unread = 0;
    if (client->linger || (ioctl(client->fd, FIONREAD, &unread) == 0 && unread > 0))
        http_linger_add(poller, client->fd);
    if (client->previous)
        client->previous->next = client->next;
    else
        poller->clients = client->next;
    if (client->next)
        client->next->previous = client->previous;
    poller->client_count--;
    g_hash_table_remove(poller->by_fd, GINT_TO_POINTER(client->fd));
    http_framing_clear(&client->framing);
    http_exchange_unref(client->exchange);
    g_free(client->host);
    g_free(client);
}

void http_client_notify(void *data, struct MHD_Connection *connection, void **context,
                        enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        add_client(data, connection, context);
    else
        remove_client(*context);
}

void http_client_abort(struct http_client *client)
{
    if (client->exchange)
        http_exchange_abort(client->exchange);
    shutdown(client->fd, SHUT_RDWR);
}

void http_client_cut(struct http_client *client, unsigned status, const char *why)
{
    const struct http_handler *handler = &client->poller->server->handler;
    struct http_reply reply = {0};
    handler->refuse(handler->context, status, why, &reply);
    GString *text = http_reply_text_form(&reply);
    send(client->fd, text->str, text->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    g_string_free(text, TRUE);
    http_reply_clear(&reply);
    if (reply.headers)
        g_ptr_array_unref(reply.headers);
    client->linger = true;
}
