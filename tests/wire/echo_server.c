/* A server whose every operation tells the test what it was asked and answers what the test wrote.
 *
 *     echo_server FOLDER
 *
 * Prints "listening on PORT". For each call it writes FOLDER/seen.json (service, operation, region,
 * request) and, where there is a stream, FOLDER/seen.body; then it answers FOLDER/reply.json, an
 * object of "output", or of "error" ({"code": number, "message"}) beside it, with FOLDER/reply.body
 * as the stream where "stream" is true. Ends at the end of its standard input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http.h"
#include "operation/operation.h"
#include "operation/shape.h"
#include "store/store.h"
#include "wire/dispatch.h"

struct lathe {
    const char *folder;
};

static bool write_body(const struct call *call, GError **error)
{
    g_autofree char *path = g_build_filename(call->lathe->folder, "seen.body", NULL);
    FILE *file = fopen(path, "wb");
    char buffer[65536];
    gssize n;
    while ((n = stream_read(call->body, buffer, sizeof buffer, error)) > 0)
        fwrite(buffer, 1, (size_t)n, file);
    fclose(file);
    return n == 0;
}

static bool echo(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    g_autofree char *seen = g_build_filename(call->lathe->folder, "seen.json", NULL);
    g_autofree char *script = g_build_filename(call->lathe->folder, "reply.json", NULL);
    if (call->body && !write_body(call, error))
        return false;
    g_autoptr(json_auto) told =
        json_pack("{s:s, s:s, s:s, s:O}", "service", call->service, "operation", call->operation,
                  "region", call->region, "request", request);
    json_dump_file(told, seen, JSON_COMPACT);
    g_autoptr(json_auto) answer = json_load_file(script, 0, NULL);
    reply->output = json_incref(json_object_get(answer, "output"));
    if (json_true_at(answer, "stream")) {
        g_autofree char *path = g_build_filename(call->lathe->folder, "reply.body", NULL);
        char *bytes;
        gsize size;
        if (!g_file_get_contents(path, &bytes, &size, error))
            return false;
        g_autoptr(GBytes) body = g_bytes_new_take(bytes, size);
        reply->body = stream_from_bytes(body);
    }
    if (json_object_get(answer, "error"))
        return error_set(error, (enum error_code)json_integer_at(answer, "error.code", 0), "%s",
                         json_text_at(answer, "error.message"));
    return true;
}

/* All operations whose shapes are compiled in. */
static struct service *echo_service(const struct shape_service *shape)
{
    struct service *service = g_new0(struct service, 1);
    struct operation *operations = g_new0(struct operation, shape->operation_count);
    service->name = shape->name;
    service->operations = operations;
    for (size_t i = 0; i < shape->operation_count; i++) {
        const struct shape_operation *operation = &shape->operations[i];
        if (!(operation->flags & OPERATION_SHAPE_LISTED))
            continue;
        const struct shape_member *payload =
            operation->input ? shape_payload(operation->input) : NULL;
        bool streams = payload && payload->flags & MEMBER_STREAM;
        bool quick = strcmp(shape->name, "sagemaker-runtime") == 0;
        operations[service->count++] = (struct operation){operation->name, echo,
                                                          quick     ? OPERATION_QUICK
                                                          : streams ? OPERATION_STREAMS
                                                                    : OPERATION_BLOCKING};
    }
    return service;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    struct lathe lathe = {argv[1]};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(argv[1], "meta.db", NULL);
    struct store *store = store_open(path, &error);
    const struct service *services[64] = {NULL};
    for (size_t i = 0; shape_services[i]; i++)
        services[i] = echo_service(shape_services[i]);
    struct operations *operations =
        store ? operations_new(&lathe, store, services, "123456789012", &error) : NULL;
    const char *const origins[] = {"http://console.example", NULL};
    const struct dispatcher_options options = {.version = "test", .origins = origins};
    struct dispatcher *dispatcher = operations ? dispatcher_new(operations, &options) : NULL;
    const struct http_options http = {.address = "127.0.0.1", .threads = 1};
    struct http_server *server =
        dispatcher ? http_server_open(&http, dispatcher_handler(dispatcher), &error) : NULL;
    if (!server || !http_server_start(server, &error)) {
        fprintf(stderr, "echo_server: %s\n", error->message);
        return 1;
    }
    printf("listening on %u\n", http_server_port(server));
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    http_server_stop(server, 5);
    dispatcher_free(dispatcher);
    operations_free(operations);
    store_close(store);
    for (size_t i = 0; services[i]; i++) {
        g_free((gpointer)services[i]->operations);
        g_free((gpointer)services[i]);
    }
    return 0;
}
