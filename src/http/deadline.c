/* MHD's own time-out starts anew with every byte, so a client that sends one byte a minute holds
 * its connection for ever. Here a head has to be whole, and a body has to get on, by a deadline. */
#define _DEFAULT_SOURCE /* struct tcp_info */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "http/http_inside.h"

/* A body gets on if this much of it comes within the idle deadline. */
#define BODY_PROGRESS (64 * 1024)

/* MHD does not say when the first byte of a head comes; the kernel says when the last one came. */
static bool has_head_begun(struct http_client *client, double now)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    if (client->head_since == 0 &&
        getsockopt(client->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
        double last = now - info.tcpi_last_data_recv / 1e3;
        if (last > client->idle_since + 0.01)
            client->head_since = last;
    }
    return client->head_since > 0;
}

static void cut(struct http_client *client, unsigned status, const char *why)
{
    if (status)
        http_client_cut(client, status, why);
    shutdown(client->fd, SHUT_RDWR);
}

static void look_at_head(struct http_client *client, double now)
{
    const struct http_options *options = &client->poller->server->options;
    if (has_head_begun(client, now)) {
        if (now > client->head_since + options->head_deadline_s)
            cut(client, 408, "the request's head did not arrive in time");
    } else if (now > client->idle_since + options->idle_deadline_s) {
        cut(client, 0, NULL);
    }
}

static bool is_suspended(struct http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->lock);
    bool suspended = exchange->suspended;
    pthread_mutex_unlock(&exchange->lock);
    return suspended;
}

static void look_at_body(struct http_client *client, double now)
{
    /* While it is suspended it waits for us, not for its client. */
    if (client->received - client->body_seen >= BODY_PROGRESS || is_suspended(client->exchange)) {
        client->body_since = now;
        client->body_seen = client->received;
    } else if (now > client->body_since + client->poller->server->options.idle_deadline_s) {
        cut(client, client->stage == STAGE_BODY ? 408 : 0, "the body did not arrive in time");
    }
}

/* After a short read MHD does not read again before epoll reports something new. A client's bytes
 * and its end, come together, are reported together: the end is then never read. */
static void notice_end(struct http_client *client)
{
    char byte;
    if (recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        shutdown(client->fd, SHUT_RD); /* is reported */
}

double http_deadline_look(struct http_poller *poller, double now)
{
    for (struct http_client *client = poller->clients; client; client = client->next) {
        if (client->stage <= STAGE_STREAM)
            notice_end(client);
        if (client->stage == STAGE_HEAD)
            look_at_head(client, now);
        else if (client->stage == STAGE_BODY || client->stage == STAGE_STREAM)
            look_at_body(client, now);
    }
    const struct http_options *options = &poller->server->options;
    unsigned shortest = MIN(options->head_deadline_s, options->idle_deadline_s);
    return now + MIN(1.0, shortest / 4.0);
}
