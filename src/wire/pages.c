#include "wire/pages.h"

#include <string.h>

#include "operation/shape.h"

#define PREFIX "/_lathe/"

bool pages_has(const char *path)
{
    return g_str_has_prefix(path, PREFIX);
}

static json_t *list_operations(const struct operations *operations)
{
    json_t *services = json_object();
    for (size_t i = 0; shape_services[i]; i++) {
        const struct shape_service *service = shape_services[i];
        json_t *built = json_array(), *not_built = json_array();
        for (size_t j = 0; j < service->operation_count; j++) {
            const char *name = service->operations[j].name;
            bool there = operation_find(operations, service->name, name) != NULL;
            json_array_append_new(there ? built : not_built, json_string(name));
        }
        json_object_set_new(services, service->name,
                            json_pack("{s:o, s:o}", "built", built, "not_built", not_built));
    }
    return services;
}

void pages_reply(const struct operations *operations, const char *version, const char *method,
                 const char *path, struct http_reply *reply)
{
    g_autoptr(json_auto) body = NULL;
    unsigned status = 200;
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!reads) {
        status = 405;
        body = json_pack("{s:s}", "message", "only GET is answered here");
    } else if (strcmp(path, PREFIX "health") == 0) {
        body = json_pack("{s:s, s:s*}", "status", "running", "version", version);
    } else if (strcmp(path, PREFIX "operations") == 0) {
        body = list_operations(operations);
    } else {
        status = 404;
        body = json_pack("{s:s}", "message",
                         "there is " PREFIX "health and " PREFIX "operations, and no more");
    }
    char *text = json_text_of(body);
    if (strcmp(method, "HEAD") == 0) {
        reply->status = status;
        reply->head_only = true;
        reply->content_length = (gint64)strlen(text);
        g_free(text);
        return;
    }
    http_reply_text(reply, status, "application/json", text);
}
