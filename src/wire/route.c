#include "wire/route.h"

#include <string.h>

#include "base/error.h"
#include "wire/url.h"

void route_clear(struct route *route)
{
    json_decref(route->labels);
    *route = (struct route){0};
}

/* One label of a template and the stretch of the path that it stands for. */
struct label {
    const char *name, *value;
    size_t name_length, value_length;
};

#define MOST_LABELS 8

/* Whether the path fits the template; counts its labels and the characters that are no label. A
 * slash at the end makes no difference ("/bucket/" is the bucket). */
static bool fits(const char *template, const char *path, struct label *labels, size_t *count,
                 size_t *literal)
{
    *count = *literal = 0;
    while (*template) {
        if (*template != '{') {
            if (*template == '/' && !template[1] && !*path)
                return true;
            if (*template != *path)
                return false;
            template ++, path++, ++*literal;
            continue;
        }
        const char *end = strchr(template, '}');
        bool greedy = end[-1] == '+';
        struct label *label = &labels[(*count)++];
        label->name = template + 1;
        label->name_length = (size_t)(end - greedy - label->name);
        label->value = path;
        label->value_length = strcspn(path, "/");
        if (greedy) {
            size_t rest = strlen(path), tail = strlen(end + 1);
            label->value_length = rest > tail ? rest - tail : 0;
        }
        if (label->value_length == 0 || *count == MOST_LABELS)
            return false;
        path += label->value_length;
        template = end + 1;
    }
    return !*path || (path[0] == '/' && !path[1]);
}

/* "?uploads", "?list-type=2" or ":x-amz-copy-source" */
static bool has_need(const char *need, const struct wire_request *request, const GArray *query)
{
    if (*need == ':')
        return wire_header(request, need + 1) != NULL;
    const char *equals = strchr(need, '=');
    g_autofree char *name =
        equals ? g_strndup(need + 1, (gsize)(equals - need - 1)) : g_strdup(need + 1);
    const char *value = url_pair_value(query, name);
    return value && (!equals || strcmp(value, equals + 1) == 0);
}

static bool has_needs(const struct shape_operation *operation, const struct wire_request *request,
                      const GArray *query)
{
    for (size_t i = 0; i < operation->need_count; i++)
        if (!has_need(operation->needs[i], request, query))
            return false;
    return true;
}

static bool decode_labels(const struct label *labels, size_t count, struct route *route,
                          GError **error)
{
    route->labels = json_object();
    for (size_t i = 0; i < count; i++) {
        g_autofree char *value = url_decode(labels[i].value, labels[i].value_length, false, error);
        if (!value)
            return false;
        g_autofree char *name = g_strndup(labels[i].name, labels[i].name_length);
        json_object_set_new(route->labels, name, json_string(value));
    }
    return true;
}

bool route_find(const struct shape_service *service, const struct wire_request *request,
                const GArray *query, struct route *route, GError **error)
{
    struct label labels[MOST_LABELS], best_labels[MOST_LABELS];
    size_t count, literal, best_count = 0, best = 0;
    *route = (struct route){0};
    for (size_t i = 0; i < service->operation_count; i++) {
        const struct shape_operation *operation = &service->operations[i];
        if (strcmp(operation->method, request->method) != 0 ||
            !fits(operation->path, request->path, labels, &count, &literal) ||
            !has_needs(operation, request, query))
            continue;
        /* Needs decide, then the longer path; among equals (a deprecated twin) the listed one. */
        bool listed = operation->flags & OPERATION_SHAPE_LISTED;
        size_t weight = 1 + (operation->need_count * 1000u + literal) * 2 + listed;
        if (weight > best) {
            best = weight;
            best_count = count;
            memcpy(best_labels, labels, sizeof labels);
            route->operation = operation;
        }
    }
    return !route->operation || decode_labels(best_labels, best_count, route, error);
}

bool route_fits_path(const struct shape_service *service, const struct wire_request *request)
{
    struct label labels[MOST_LABELS];
    size_t count, literal;
    for (size_t i = 0; i < service->operation_count; i++)
        if (strcmp(service->operations[i].method, request->method) == 0 &&
            fits(service->operations[i].path, request->path, labels, &count, &literal))
            return true;
    return false;
}
