#include "wire/pages.h"

#include <string.h>

#include "operation/shape.h"

#define PREFIX "/_lathe/"
#define CLOCK PREFIX "clock/"

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

static json_t *move_clock(const struct pages *pages, const char *seconds, unsigned *status)
{
    char *end;
    double by = g_ascii_strtod(seconds, &end);
    if (!*seconds || *end || !(by >= 0)) {
        *status = 400;
        return json_pack("{s:s}", "message", "how many seconds? POST " CLOCK "3600");
    }
    pages->move_clock(by, pages->data);
    return json_pack("{s:f}", "moved", by);
}

static json_t *answer(const struct pages *pages, const char *method, const char *path,
                      unsigned *status)
{
    if (pages->move_clock && strcmp(method, "POST") == 0 && g_str_has_prefix(path, CLOCK))
        return move_clock(pages, path + strlen(CLOCK), status);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        *status = 405;
        return json_pack("{s:s}", "message", "only GET is answered here");
    }
    if (strcmp(path, PREFIX "health") == 0)
        return json_pack("{s:s, s:s*}", "status", "running", "version", pages->version);
    if (strcmp(path, PREFIX "operations") == 0)
        return list_operations(pages->operations);
    *status = 404;
    return json_pack("{s:s}", "message",
                     "there is " PREFIX "health and " PREFIX "operations, and no more");
}

void pages_reply(const struct pages *pages, const char *method, const char *path,
                 struct http_reply *reply)
{
    unsigned status = 200;
    g_autoptr(json_auto) body = answer(pages, method, path, &status);
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
