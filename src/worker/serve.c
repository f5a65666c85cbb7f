#include "worker/serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process.h"
#include "worker/frame.h"

#define LONGEST_REQUEST (1u << 30)

struct worker_server {
    GByteArray *in, *out;
    bool cancelled, ended;
};

/* Reads what there is; waits for something where there is nothing. */
static void receive(struct worker_server *server)
{
    guint8 block[65536];
    ssize_t n = read(PROCESS_REPORT, block, sizeof block);
    if (n > 0)
        g_byte_array_append(server->in, block, (guint)n);
    else if (n == 0 || errno != EINTR)
        server->ended = true;
}

static bool send_out(struct worker_server *server)
{
    while (server->out->len) {
        ssize_t n = write(PROCESS_REPORT, server->out->data, server->out->len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            g_byte_array_remove_range(server->out, 0, (guint)n);
    }
    return true;
}

/* Takes what has arrived behind the call; a cancel may have come together with it. */
static void look_for_cancel(struct worker_server *server)
{
    enum frame_kind kind;
    GBytes *bytes;
    bool broken = false;
    while (frame_take(server->in, LONGEST_REQUEST, &kind, &bytes, &broken)) {
        server->cancelled |= kind == FRAME_CANCEL;
        g_bytes_unref(bytes);
    }
    server->ended |= broken;
}

bool worker_cancelled(struct worker_server *server)
{
    struct pollfd channel = {.fd = PROCESS_REPORT, .events = POLLIN};
    look_for_cancel(server);
    while (!server->ended && !server->cancelled && poll(&channel, 1, 0) > 0) {
        receive(server);
        look_for_cancel(server);
    }
    return server->cancelled || server->ended;
}

static void answer_call(struct worker_server *server, GBytes *request, worker_answer *answer,
                        void *data)
{
    g_autoptr(GError) error = NULL;
    server->cancelled = false;
    g_autoptr(GBytes) reply = answer(server, request, data, &error);
    if (reply) {
        gsize size;
        const void *bytes = g_bytes_get_data(reply, &size);
        frame_put(server->out, FRAME_REPLY, bytes, size);
    } else {
        g_autofree char *text = g_strdup_printf("%s\n%s", error_name(error), error->message);
        frame_put(server->out, FRAME_ERROR, text, strlen(text));
    }
}

int worker_serve(worker_answer *answer, void *data)
{
    struct worker_server server = {.in = g_byte_array_new(), .out = g_byte_array_new()};
    frame_put(server.out, FRAME_READY, NULL, 0);
    while (send_out(&server) && !server.ended) {
        enum frame_kind kind;
        g_autoptr(GBytes) request = NULL;
        bool broken = false;
        if (!frame_take(server.in, LONGEST_REQUEST, &kind, &request, &broken))
            receive(&server);
        else if (kind == FRAME_CALL)
            answer_call(&server, request, answer, data);
        server.ended |= broken;
    }
    g_byte_array_unref(server.in);
    g_byte_array_unref(server.out);
    return 0;
}

int worker_refuse(const char *why)
{
    struct worker_server server = {.in = g_byte_array_new(), .out = g_byte_array_new()};
    g_autofree char *words = g_strconcat("ProcessEnded\n", why, NULL);
    frame_put(server.out, FRAME_ERROR, words, strlen(words));
    send_out(&server);
    g_byte_array_unref(server.in);
    g_byte_array_unref(server.out);
    return 1;
}
