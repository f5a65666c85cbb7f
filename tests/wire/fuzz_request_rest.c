/* Whole REST requests: "METHOD target\n", lines of "name: value", an empty line, the body. Route,
 * credentials, presigned times, members, wrapped bodies: the way every request of S3 goes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "operation/validate.h"
#include "wire/payload.h"
#include "wire/rest.h"
#include "wire/signature.h"
#include "wire/url.h"

#define MOST_LINES 32

static void decode(const struct shape_service *service, const struct wire_request *request,
                   const char *body)
{
    g_autoptr(GArray) query = url_pairs(request->query, strlen(request->query), 256, NULL);
    struct route route = {0};
    if (!query || !presigned_is_valid(query, 1e9, NULL) ||
        !route_find(service, request, query, &route, NULL) || !route.operation ||
        !(route.operation->flags & OPERATION_SHAPE_LISTED)) {
        route_clear(&route);
        return;
    }
    g_autoptr(GBytes) sent = g_bytes_new_static(body, strlen(body));
    g_autoptr(stream_auto) source = stream_from_bytes(sent);
    g_autoptr(stream_auto) filter = NULL;
    g_autoptr(GBytes) whole = payload_filter(request, source, &filter, NULL)
                                  ? stream_read_all(filter ? filter : source, 1u << 20, NULL)
                                  : NULL;
    g_autoptr(json_auto) members =
        whole ? rest_decode(service, &route, request, query, whole, NULL) : NULL;
    if (members)
        json_decref(validate_request(NULL, service, route.operation, members, NULL));
    route_clear(&route);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    struct wire_header headers[MOST_LINES];
    struct wire_request request = {.headers = headers};
    char *body = strstr(text, "\n\n");
    if (body) {
        *body = '\0';
        body += 2;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", MOST_LINES);
    char *target = lines[0] ? strchr(lines[0], ' ') : NULL;
    if (!target)
        return 0;
    *target++ = '\0';
    request.method = lines[0];
    request.path = target;
    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    request.query = query ? query : "";
    for (char **line = lines + 1; *line; line++) {
        char *colon = strchr(*line, ':');
        if (!colon)
            continue;
        *colon = '\0';
        headers[request.header_count++] = (struct wire_header){*line, g_strstrip(colon + 1)};
    }
    struct credential credential;
    credential_read(&request, &credential);
    decode(shape_service_find("s3"), &request, body ? body : "");
    decode(shape_service_find("lambda"), &request, body ? body : "");
    return 0;
}
