#define _GNU_SOURCE /* struct ucred */
#include "wire/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/visits.h"

#define LONGEST_LINE (96 << 20)
#define LONGEST_BODY (48 << 20)

struct local_door {
    const struct operations *operations;
    json_t *about;
    void (*stop)(void *data);
    void *data;
    char *path;
    struct visits *visits;
};

/* Socket addresses hold 107 characters; a longer path goes through the folder's descriptor. */
static bool address_of(const char *home, struct sockaddr_un *address, int *folder, GError **error)
{
    *folder = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0)
        return error_set(error, ERROR_SERVICE_UNAVAILABLE, "there is no lathe home at %s", home);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/socket", *folder);
    return true;
}

/* ---- messages ---- */

/* False where the other side is gone: that is no signal's business, which would end the process. */
static bool send_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool send_message(int fd, const json_t *line, GBytes *body)
{
    gsize size = 0;
    const void *bytes = body ? g_bytes_get_data(body, &size) : NULL;
    g_autoptr(json_auto) whole = json_copy((json_t *)line);
    if (body)
        json_object_set_new(whole, "BodySize", json_integer((json_int_t)size));
    g_autofree char *text = json_text_of(whole);
    return send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1) && send_all(fd, bytes, size);
}

/* Reads into the buffer; the number of bytes, 0 at the end of the connection. */
static size_t read_block(int fd, void *buffer, size_t size)
{
    ssize_t n;
    do
        n = read(fd, buffer, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? 0 : (size_t)n;
}

/* One line of JSON, without what follows it; that is left in `ahead`, which holds what has been
 * read and not been taken. NULL without an error at the end. */
static json_t *receive_line(int fd, GString *ahead, GError **error)
{
    char block[65536];
    const char *newline;
    size_t looked_at = 0;
    while (!(newline = memchr(ahead->str + looked_at, '\n', ahead->len - looked_at))) {
        looked_at = ahead->len;
        size_t n = read_block(fd, block, sizeof block);
        g_string_append_len(ahead, block, (gssize)n);
        if (n == 0) {
            if (ahead->len)
                error_set(error, ERROR_SERIALIZATION, "the connection ended inside a line");
            return NULL;
        }
        if (ahead->len > LONGEST_LINE) {
            error_set(error, ERROR_ENTITY_TOO_LARGE, "the line is longer than %d bytes",
                      LONGEST_LINE);
            return NULL;
        }
    }
    size_t length = (size_t)(newline - ahead->str);
    json_t *line = json_parse(ahead->str, length, "the line", error);
    g_string_erase(ahead, 0, (gssize)length + 1);
    return line;
}

/* The bytes that the line announces; *body is NULL where it announces none. */
static bool receive_body(int fd, const json_t *line, GString *ahead, GBytes **body, GError **error)
{
    *body = NULL;
    if (!json_object_get(line, "BodySize"))
        return true;
    gint64 size = json_integer_at(line, "BodySize", -1);
    if (size < 0 || size > LONGEST_BODY)
        return error_set(error, ERROR_ENTITY_TOO_LARGE,
                         "a body of %" G_GINT64_FORMAT " bytes; up to %d are taken", size,
                         LONGEST_BODY);
    g_autofree char *bytes = g_malloc((gsize)size);
    size_t filled = MIN(ahead->len, (size_t)size);
    memcpy(bytes, ahead->str, filled);
    g_string_erase(ahead, 0, (gssize)filled);
    while (filled < (size_t)size) {
        size_t n = read_block(fd, bytes + filled, (size_t)size - filled);
        if (n == 0)
            return error_set(error, ERROR_INCOMPLETE_BODY,
                             "the connection ended after %zu of a body's %" G_GINT64_FORMAT
                             " bytes",
                             filled, size);
        filled += n;
    }
    *body = g_bytes_new_take(g_steal_pointer(&bytes), (gsize)size);
    return true;
}

/* A line and the body after it. NULL without an error at the end. */
static json_t *receive_message(int fd, GString *ahead, GBytes **body, GError **error)
{
    g_autoptr(json_auto) line = receive_line(fd, ahead, error);
    return line && receive_body(fd, line, ahead, body, error) ? g_steal_pointer(&line) : NULL;
}

/* ---- the server's side ---- */

static json_t *error_reply(const GError *error)
{
    return json_pack("{s{ssss}}", "Error", "Code", error_name(error), "Message", error->message);
}

static json_t *reply_of(struct reply *reply, GBytes **body, GError **error)
{
    if (reply->body && !(*body = stream_read_all(reply->body, LONGEST_BODY, error)))
        return NULL;
    json_t *answer = json_object();
    json_object_set_new(answer, "Output",
                        reply->output ? json_incref(reply->output) : json_object());
    return answer;
}

static json_t *run_operation(const struct local_door *door, const json_t *line, GBytes *sent,
                             GBytes **body, GError **error)
{
    const char *service = json_text_at(line, "Service");
    const char *operation = json_text_at(line, "Operation");
    if (!service || !operation) {
        error_set(error, ERROR_SERIALIZATION, "the line names no Service and Operation");
        return NULL;
    }
    g_autoptr(GBytes) bytes = sent ? g_bytes_ref(sent) : g_bytes_new(NULL, 0);
    g_autoptr(stream_auto) stream = stream_from_bytes(bytes);
    g_autoptr(json_auto) empty = json_object();
    const json_t *request = json_object_get(line, "Request");
    struct call_context context = {.region = json_text_at(line, "Region"), .body = stream};
    struct reply reply = {0};
    json_t *answer = NULL;
    if (operation_call(door->operations, &context, service, operation, request ? request : empty,
                       &reply, error))
        answer = reply_of(&reply, body, error);
    reply_clear(&reply);
    return answer;
}

static json_t *answer_line(const struct local_door *door, const json_t *line, GBytes *sent,
                           GBytes **body)
{
    if (json_true_at(line, "About"))
        return json_pack("{sO}", "Output", door->about);
    if (json_true_at(line, "Stop")) {
        door->stop(door->data);
        return json_pack("{s{}}", "Output");
    }
    g_autoptr(GError) error = NULL;
    json_t *answer = run_operation(door, line, sent, body, &error);
    return answer ? answer : error_reply(error);
}

/* One request and its reply; false at the end of the visit. */
static bool serve_request(const struct local_door *door, int fd, GString *ahead)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) sent = NULL;
    g_autoptr(GBytes) body = NULL;
    g_autoptr(json_auto) line = receive_message(fd, ahead, &sent, &error);
    if (!line && !error)
        return false;
    g_autoptr(json_auto) answer = line ? answer_line(door, line, sent, &body) : error_reply(error);
    return send_message(fd, answer, body) && !error;
}

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void serve_visit(int fd, void *data)
{
    g_autoptr(GString) ahead = g_string_new(NULL);
    while (is_ours(fd) && serve_request(data, fd, ahead))
        continue;
}

/* The listening socket, or -1. */
static int listen_at(const struct local_door *door, const char *home, GError **error)
{
    struct sockaddr_un address;
    int folder;
    if (!address_of(home, &address, &folder, error))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(door->path); /* left by an owner that was killed: we hold the home's lock */
    bool listens = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                   chmod(door->path, 0600) == 0 && listen(fd, 16) == 0;
    close(folder);
    if (listens)
        return fd;
    error_set_errno(error, errno, "listening on %s", door->path);
    close(fd);
    return -1;
}

struct local_door *local_open(const char *home, const struct operations *operations, json_t *about,
                              void (*stop)(void *data), void *data, GError **error)
{
    struct local_door *door = g_new0(struct local_door, 1);
    door->operations = operations;
    door->about = about;
    door->stop = stop;
    door->data = data;
    door->path = g_build_filename(home, "socket", NULL);
    int fd = listen_at(door, home, error);
    door->visits = fd < 0 ? NULL : visits_open(fd, serve_visit, door, error);
    if (door->visits)
        return door;
    local_close(door);
    return NULL;
}

void local_close(struct local_door *door)
{
    if (!door)
        return;
    /* Visitors hear the end of what they might still ask; what they asked is answered first. */
    visits_close(door->visits, SHUT_RD);
    unlink(door->path);
    json_decref(door->about);
    g_free(door->path);
    g_free(door);
}

/* ---- the other side ---- */

static int connect_to(const char *home, GError **error)
{
    struct sockaddr_un address;
    int folder;
    if (!address_of(home, &address, &folder, error))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(folder);
    if (connected)
        return fd;
    if (fd >= 0)
        close(fd);
    error_set(error, ERROR_SERVICE_UNAVAILABLE,
              "no lathe is running in %s; `lathe serve` starts one", home);
    return -1;
}

/* The same with bytes to send and to get; each may be NULL. */
static json_t *ask(const char *home, const json_t *line, GBytes *send, GBytes **body,
                   GError **error)
{
    int fd = connect_to(home, error);
    if (fd < 0)
        return NULL;
    g_autoptr(GString) ahead = g_string_new(NULL);
    g_autoptr(GBytes) bytes = NULL;
    json_t *reply = send_message(fd, line, send) ? receive_message(fd, ahead, &bytes, error) : NULL;
    if (!reply && error && !*error)
        error_set(error, ERROR_SERVICE_UNAVAILABLE, "the lathe in %s closed the connection", home);
    close(fd);
    if (body)
        *body = g_steal_pointer(&bytes);
    return reply;
}

json_t *local_ask(const char *home, const json_t *request, GError **error)
{
    return ask(home, request, NULL, NULL, error);
}

/* The error of a reply, under its own name where our table has it. */
static void set_reply_error(const json_t *cause, GError **error)
{
    const char *code = json_text_at(cause, "Code"), *message = json_text_at(cause, "Message");
    error_set(error, ERROR_VALIDATION, "%s: %s", code ? code : "error", message ? message : "");
}

json_t *local_call(const char *home, const char *service, const char *operation,
                   const json_t *request, GBytes *send, GBytes **body, GError **error)
{
    g_autoptr(json_auto) line = json_pack("{sssssO}", "Service", service, "Operation", operation,
                                          "Request", (json_t *)request);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(json_auto) reply = ask(home, line, send, &bytes, error);
    if (!reply)
        return NULL;
    const json_t *cause = json_object_get(reply, "Error");
    if (cause) {
        set_reply_error(cause, error);
        return NULL;
    }
    if (body)
        *body = g_steal_pointer(&bytes);
    return json_incref(json_object_get(reply, "Output"));
}
