/* A server whose handler does what the tests ask of it by the path. Prints its port, serves until
 * SIGTERM, stops in --stop seconds, prints "stopped". */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http.h"

static atomic_int responding; /* handlers that run now */
static atomic_int cut_bodies; /* bodies whose stream ended in an error */
static atomic_int freed;      /* request data given back */
static atomic_int closed;     /* reply streams closed */

static gint64 number(const struct http_request *request, const char *name)
{
    g_autofree char *key = g_strdup_printf("%s=", name);
    const char *found = strstr(request->query, key);
    return found ? g_ascii_strtoll(found + strlen(key), NULL, 10) : 0;
}

static bool is(const struct http_request *request, const char *path)
{
    return strcmp(request->path, path) == 0;
}

static void text(struct http_reply *reply, unsigned status, char *words)
{
    http_reply_text(reply, status, "text/plain", words);
}

static void free_data(void *data)
{
    g_free(data);
    atomic_fetch_add(&freed, 1);
}

static enum http_where route(void *context, struct http_request *request, struct http_reply *reply)
{
    (void)context;
    request->data = g_strdup("data");
    request->data_free = free_data;
    if (is(request, "/refuse")) {
        text(reply, 403, g_strdup("refused\n"));
        return HTTP_REFUSE;
    }
    if (g_str_has_prefix(request->path, "/stream"))
        return HTTP_STREAMING;
    if (g_str_has_prefix(request->path, "/blocking"))
        return HTTP_BLOCKING;
    return HTTP_QUICK;
}

static void refuse(void *context, unsigned status, const char *why, struct http_reply *reply)
{
    (void)context;
    text(reply, status, g_strdup_printf("refused: %s\n", why));
}

static void show_header(const char *name, const char *value, void *data)
{
    g_string_append_printf(data, "%s=%s\n", name, value);
}

/* Reads the body, at most `limit` bytes where that is not 0, waiting `ms` at each piece. */
static void digest_body(struct http_request *request, struct http_reply *reply, gint64 limit,
                        gint64 ms)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);
    g_autoptr(GError) error = NULL;
    static const size_t size = 256 * 1024;
    g_autofree char *buffer = g_malloc(size);
    gint64 total = 0;
    gssize n;
    while ((n = stream_read(request->body, buffer, size, &error)) > 0) {
        g_checksum_update(sum, (const guchar *)buffer, n);
        total += n;
        if (limit && total >= limit)
            break;
        g_usleep((gulong)ms * 1000);
    }
    if (n < 0) {
        atomic_fetch_add(&cut_bodies, 1);
        text(reply, 400, g_strdup(error->message));
        return;
    }
    text(reply, 200,
         g_strdup_printf("%" G_GINT64_FORMAT " %s\n", total, g_checksum_get_string(sum)));
}

/* Counts up, byte by byte, and fails at `fail`. */
struct counter {
    gint64 left, given, fail, ms;
};

static gssize count_up(void *state, void *buffer, size_t size, GError **error)
{
    struct counter *counter = state;
    if (counter->fail && counter->given >= counter->fail) {
        g_set_error_literal(error, G_FILE_ERROR, 0, "asked to fail");
        return -1;
    }
    g_usleep((gulong)counter->ms * 1000);
    gssize n = (gssize)MIN((gint64)MIN(size, 10007), counter->left);
    for (gssize i = 0; i < n; i++)
        ((unsigned char *)buffer)[i] = (unsigned char)((counter->given + i) % 251);
    counter->left -= n;
    counter->given += n;
    return n;
}

static void close_counter(void *state)
{
    g_free(state);
    atomic_fetch_add(&closed, 1);
}

static struct stream *counting(const struct http_request *request)
{
    static const struct stream_source source = {count_up, close_counter};
    struct counter *counter = g_new0(struct counter, 1);
    counter->left = number(request, "size");
    counter->fail = number(request, "fail");
    counter->ms = number(request, "ms");
    return stream_new(&source, counter, number(request, "known") ? counter->left : -1);
}

static void answer_file(const struct http_request *request, struct http_reply *reply)
{
    int fd = open(getenv("PROBE_FILE"), O_RDONLY | O_CLOEXEC);
    reply->status = 200;
    reply->body = stream_from_file(fd, number(request, "offset"), number(request, "length"));
}

static void answer_status(struct http_reply *reply)
{
    g_autofree char *status = NULL;
    g_file_get_contents("/proc/self/status", &status, NULL, NULL);
    const char *peak = strstr(status, "VmHWM:");
    text(reply, 200,
         g_strdup_printf("responding=%d cut=%d freed=%d closed=%d peak_kb=%ld\n",
                         atomic_load(&responding), atomic_load(&cut_bodies), atomic_load(&freed),
                         atomic_load(&closed), strtol(peak + 6, NULL, 10)));
}

static void answer(struct http_request *request, struct http_reply *reply)
{
    if (is(request, "/echo") || is(request, "/blocking/echo")) {
        reply->status = 200;
        http_reply_header(reply, "X-Target", request->target);
        http_reply_header(reply, "X-Path", request->path);
        http_reply_header(reply, "X-Query", request->query);
        g_autoptr(GBytes) body = stream_read_all(request->body, G_MAXSIZE, NULL);
        reply->body = stream_from_bytes(body);
    } else if (is(request, "/headers") || is(request, "/stream/headers")) {
        GString *lines = g_string_new(NULL);
        http_headers(request, show_header, lines);
        text(reply, 200, g_string_free(lines, FALSE));
    } else if (is(request, "/blocking/sleep")) {
        g_usleep((gulong)number(request, "ms") * 1000);
        text(reply, 200, g_strdup("slept\n"));
    } else if (is(request, "/stream/digest")) {
        digest_body(request, reply, number(request, "limit"), number(request, "ms"));
    } else if (is(request, "/stream/refuse")) {
        text(reply, 404, g_strdup("no such thing\n"));
    } else if (is(request, "/count") || is(request, "/blocking/count")) {
        reply->status = 200;
        reply->body = counting(request);
    } else if (is(request, "/blocking/file")) {
        answer_file(request, reply);
    } else if (is(request, "/head")) {
        reply->status = number(request, "status") ? (unsigned)number(request, "status") : 200;
        reply->head_only = true;
        reply->content_length = number(request, "size");
    } else if (is(request, "/empty")) {
        reply->status = (unsigned)number(request, "status");
    } else if (is(request, "/status")) {
        answer_status(reply);
    } else if (is(request, "/bad-reply")) {
        reply->status = 200;
        http_reply_header(reply, "X-Bad", "a\r\nInjected: yes");
    } else if (is(request, "/close")) {
        text(reply, 200, g_strdup("bye\n"));
        reply->close = true;
    } else {
        text(reply, 200, g_strdup("ok\n"));
    }
}

static void respond(void *context, struct http_request *request, struct http_reply *reply)
{
    (void)context;
    atomic_fetch_add(&responding, 1);
    answer(request, reply);
    atomic_fetch_sub(&responding, 1);
}

static unsigned option(int count, char **words, const char *name)
{
    for (int i = 1; i + 1 < count; i += 2)
        if (strcmp(words[i], name) == 0)
            return (unsigned)atoi(words[i + 1]);
    return 0;
}

int main(int count, char **words)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    struct http_options options = {
        .address = getenv("PROBE_ADDRESS") ? getenv("PROBE_ADDRESS") : "127.0.0.1",
        .port = option(count, words, "--port"),
        .threads = option(count, words, "--threads"),
        .workers = option(count, words, "--workers"),
        .streams = option(count, words, "--streams"),
        .memory_limit = option(count, words, "--memory-limit"),
        .body_limit = option(count, words, "--body-limit"),
        .head_deadline_s = option(count, words, "--head-deadline"),
        .idle_deadline_s = option(count, words, "--idle-deadline"),
    };
    struct http_handler handler = {route, respond, refuse, NULL};
    g_autoptr(GError) error = NULL;
    struct http_server *server = http_server_open(&options, &handler, &error);
    if (!server || !http_server_start(server, &error)) {
        printf("error: %s\n", error->message);
        return 1;
    }
    printf("%u\n", http_server_port(server));
    fflush(stdout);
    int signal;
    sigwait(&signals, &signal);
    http_server_stop(server, option(count, words, "--stop"));
    printf("stopped\n");
    return 0;
}
