#include "wire/rest.h"

#include <string.h>

#include "wire/encoded_word.h"
#include "wire/mlflow.h"
#include "wire/s3.h"
#include "wire/text.h"
#include "wire/url.h"
#include "wire/xml.h"

/* ---- requests ---- */

static json_t *decode_text(const struct shape_member *member, const char *text, GError **error)
{
    json_t *value = text_decode(member->shape, text);
    if (!value)
        error_set(error, ERROR_INVALID_ARGUMENT, "%s is not UTF-8", shape_wire_name(member));
    return value;
}

/* Comma-separated; an element may stand in quotes, with \" inside. */
static json_t *decode_header_list(const struct shape_member *member, const char *text,
                                  GError **error)
{
    const struct shape_member *element = &member->shape->members[0];
    g_autoptr(json_auto) list = json_array();
    g_autoptr(GString) part = g_string_new(NULL);
    /* HTTP's own dates have a comma. */
    bool dates = element->shape->type == SHAPE_TIMESTAMP;
    for (const char *at = text; *at;) {
        at += strspn(at, " \t");
        g_string_truncate(part, 0);
        if (*at == '"') {
            for (at++; *at && *at != '"'; at++) {
                at += at[0] == '\\' && at[1];
                g_string_append_c(part, *at);
            }
            at += strcspn(at, ",");
        } else {
            size_t length = strcspn(at, ",");
            if (dates && at[length])
                length += 1 + strcspn(at + length + 1, ",");
            g_string_append_len(part, at, (gssize)length);
            g_strchomp(part->str);
            at += length;
        }
        at += *at == ',';
        json_t *value = decode_text(element, part->str, error);
        if (!value)
            return NULL;
        json_array_append_new(list, value);
    }
    return g_steal_pointer(&list);
}

/* Whether a header is below the prefix of a map of headers. */
static bool is_entry(const struct shape_member *member, const char *header)
{
    const char *prefix = shape_wire_name(member);
    return g_ascii_strncasecmp(header, prefix, strlen(prefix)) == 0;
}

static bool add_entry(const struct shape_member *member, const char *header, const char *text,
                      json_t *map, GError **error)
{
    g_autofree char *name = g_ascii_strdown(header + strlen(shape_wire_name(member)), -1);
    const char *before = json_string_value(json_object_get(map, name));
    g_autofree char *joined = before ? g_strconcat(before, ",", text, NULL) : g_strdup(text);
    json_t *value = decode_text(&member->shape->members[1], joined, error);
    return value && json_object_set_new(map, name, value) == 0;
}

/* Headers below a prefix ("x-amz-meta-"), their names in lower case as S3 keeps them; a presigned
 * URL's query may have them too, and headers win. */
static json_t *decode_header_map(const struct shape_member *member,
                                 const struct wire_request *request, const GArray *query,
                                 GError **error)
{
    g_autoptr(json_auto) map = json_object();
    g_autoptr(json_auto) in_query = json_object();
    for (guint i = 0; i < query->len; i++) {
        const struct url_pair *pair = &g_array_index(query, struct url_pair, i);
        if (is_entry(member, pair->name) &&
            !add_entry(member, pair->name, pair->value, in_query, error))
            return NULL;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const struct wire_header *header = &request->headers[i];
        if (!is_entry(member, header->name))
            continue;
        g_autofree char *text = encoded_word_read(header->value);
        if (!add_entry(member, header->name, text, map, error))
            return NULL;
    }
    json_object_update_missing(map, in_query);
    return json_object_size(map) ? g_steal_pointer(&map) : NULL;
}

static json_t *decode_query(const struct shape_member *member, const GArray *query, GError **error)
{
    const char *name = shape_wire_name(member);
    if (member->shape->type != SHAPE_LIST) {
        const char *text = url_pair_value(query, name);
        bool given = text && (*text || s3_tells_empty(name));
        return given ? decode_text(member, text, error) : NULL;
    }
    g_autoptr(json_auto) list = json_array();
    for (guint i = 0; i < query->len; i++) {
        const struct url_pair *pair = &g_array_index(query, struct url_pair, i);
        if (strcmp(pair->name, name) != 0)
            continue;
        json_t *value = decode_text(&member->shape->members[0], pair->value, error);
        if (!value)
            return NULL;
        json_array_append_new(list, value);
    }
    return json_array_size(list) ? g_steal_pointer(&list) : NULL;
}

/* Clients in C++ write enumerations in headers in lower case (x-amz-checksum-mode: enabled), and S3
 * takes them: the enumeration's own spelling is what operations see. */
static const char *listed_value(const struct shape *shape, const char *text)
{
    for (size_t i = 0; i < shape->value_count; i++)
        if (g_ascii_strcasecmp(shape->values[i], text) == 0)
            return shape->values[i];
    return text;
}

/* What all header lines of the name list: clients in Go write a line an element. */
static json_t *decode_header_lines(const struct shape_member *member,
                                   const struct wire_request *request, const char *first,
                                   GError **error)
{
    const char *name = shape_wire_name(member);
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < request->header_count; i++)
        if (g_ascii_strcasecmp(request->headers[i].name, name) == 0)
            g_string_append_printf(text, "%s%s", text->len ? "," : "", request->headers[i].value);
    return decode_header_list(member, text->len ? text->str : first, error);
}

static json_t *decode_header(const struct shape_member *member, const struct wire_request *request,
                             const GArray *query, GError **error)
{
    const char *name = shape_wire_name(member);
    const char *text = wire_header(request, name);
    text = text ? text : s3_presigned_header(query, name);
    text = text ? text : mlflow_header(request, name);
    if (!text || s3_is_no_date(member, text))
        return NULL;
    return member->shape->type == SHAPE_LIST
               ? decode_header_lines(member, request, text, error)
               : decode_text(member, listed_value(member->shape, text), error);
}

/* The members that are not in the body. False: one could not be read. */
static bool decode_places(const struct shape *input, const struct route *route,
                          const struct wire_request *request, const GArray *query, json_t *into,
                          GError **error)
{
    for (size_t i = 0; i < input->member_count; i++) {
        const struct shape_member *member = &input->members[i];
        GError *failure = NULL;
        json_t *value = NULL;
        json_t *label;
        switch (member->location) {
        case AT_URI:
            label = json_object_get(route->labels, shape_wire_name(member));
            value = label ? decode_text(member, json_string_value(label), &failure) : NULL;
            break;
        case AT_QUERY:
            value = decode_query(member, query, &failure);
            break;
        case AT_HEADER:
            value = decode_header(member, request, query, &failure);
            break;
        case AT_HEADERS:
            value = decode_header_map(member, request, query, &failure);
            break;
        default:
            break;
        }
        if (failure) {
            g_propagate_error(error, failure);
            return false;
        }
        json_put(into, member->name, value);
    }
    return true;
}

static json_t *decode_body(const struct shape_service *service, const struct shape *shape,
                           GBytes *body, GError **error)
{
    gsize size;
    const char *text = g_bytes_get_data(body, &size);
    if (service->protocol == PROTOCOL_REST_XML)
        return xml_read(shape, text, size, error);
    json_t *value = json_parse(text, size, "the body", error);
    if (value && !json_is_object(value)) {
        g_clear_pointer(&value, json_decref);
        error_set(error, ERROR_SERIALIZATION, "the body is not a JSON object");
    }
    return value;
}

/* The member that is the body itself, where it is not a stream of bytes. */
static bool decode_payload(const struct shape_service *service, const struct shape_member *member,
                           GBytes *body, json_t *into, GError **error)
{
    gsize size;
    const char *text = g_bytes_get_data(body, &size);
    json_t *value;
    if (member->shape->type == SHAPE_STRING) {
        value = json_stringn(text, size);
        if (!value)
            return error_set(error, ERROR_INVALID_ARGUMENT, "the body is not UTF-8");
    } else {
        value = decode_body(service, member->shape, body, error);
    }
    json_put(into, member->name, value);
    return value != NULL;
}

/* Members of the body join those of the other places, which win. */
static bool decode_members(const struct shape_service *service, const struct shape *input,
                           GBytes *body, json_t *into, GError **error)
{
    bool any = false;
    for (size_t i = 0; i < input->member_count && !any; i++)
        any = input->members[i].location == AT_BODY;
    if (!any)
        return true;
    g_autoptr(json_auto) members = decode_body(service, input, body, error);
    if (members && service->protocol == PROTOCOL_REST_MLFLOW)
        mlflow_read_values(input, members);
    return members && json_object_update_missing(into, members) == 0;
}

/* Whether the operation itself has the parameter: as what tells it from others, or as a member. */
static bool has_parameter(const struct shape_operation *operation, const char *name)
{
    for (size_t i = 0; i < operation->need_count; i++)
        if (shape_need_is(operation->needs[i], name))
            return true;
    for (size_t i = 0; operation->input && i < operation->input->member_count; i++) {
        const struct shape_member *member = &operation->input->members[i];
        if (member->location == AT_QUERY && strcmp(shape_wire_name(member), name) == 0)
            return true;
    }
    return false;
}

static bool check_query(const struct shape_service *service,
                        const struct shape_operation *operation, const GArray *query,
                        GError **error)
{
    for (guint i = 0; i < query->len; i++) {
        const char *name = g_array_index(query, struct url_pair, i).name;
        bool known =
            has_parameter(operation, name) ||
            (service->protocol == PROTOCOL_REST_XML ? !s3_selects_another(service, operation, name)
                                                    : g_ascii_strncasecmp(name, "x-", 2) == 0);
        if (!known)
            return error_set(error, ERROR_INVALID_ARGUMENT, "%s has no query parameter '%.255s'",
                             operation->name, name);
    }
    return true;
}

json_t *rest_decode(const struct shape_service *service, const struct route *route,
                    const struct wire_request *request, const GArray *query, GBytes *body,
                    GError **error)
{
    const struct shape_operation *operation = route->operation;
    if (!check_query(service, operation, query, error) ||
        (service->protocol == PROTOCOL_REST_XML && !s3_check_headers(operation, request, error)))
        return NULL;
    g_autoptr(json_auto) into = json_object();
    if (!operation->input)
        return g_steal_pointer(&into);
    if (!decode_places(operation->input, route, request, query, into, error))
        return NULL;
    if (body && g_bytes_get_size(body) > 0) {
        const struct shape_member *payload = shape_payload(operation->input);
        bool done = payload ? (payload->flags & MEMBER_STREAM ||
                               decode_payload(service, payload, body, into, error))
                            : decode_members(service, operation->input, body, into, error);
        if (!done)
            return NULL;
    }
    return g_steal_pointer(&into);
}

bool rest_is_body(const struct route *route, const struct wire_request *request,
                  const GArray *query)
{
    const struct shape *input = route->operation->input;
    g_autoptr(json_auto) places = json_object();
    return input && !query->len && decode_places(input, route, request, query, places, NULL) &&
           json_object_size(places) == 0;
}

/* ---- replies ---- */

static char *encode_header_list(const struct shape_member *member, const json_t *list)
{
    GString *text = g_string_new(NULL);
    size_t i;
    const json_t *value;
    json_array_foreach(list, i, value)
    {
        g_autofree char *part = text_encode(&member->shape->members[0], value, TIME_HTTP);
        g_string_append_printf(text, "%s%s", i ? "," : "", part);
    }
    return g_string_free(text, FALSE);
}

/* A header's value cannot hold a line's end. */
static void put_header(struct http_reply *http, const char *name, char *text)
{
    g_strdelimit(text, "\r\n", ' ');
    http_reply_header(http, name, text);
}

void rest_encode_headers(const struct shape *output, const json_t *value, struct http_reply *http)
{
    for (size_t i = 0; i < output->member_count; i++) {
        const struct shape_member *member = &output->members[i];
        const json_t *given = json_object_get(value, member->name);
        if (!given || json_is_null(given))
            continue;
        const char *name = shape_wire_name(member);
        if (member->location == AT_HEADER) {
            /* HTTP itself writes the length. */
            if (g_ascii_strcasecmp(name, "content-length") == 0)
                continue;
            g_autofree char *text = member->shape->type == SHAPE_LIST
                                        ? encode_header_list(member, given)
                                        : text_encode(member, given, TIME_HTTP);
            put_header(http, name, text);
        } else if (member->location == AT_HEADERS) {
            const char *key;
            json_t *element;
            json_object_foreach((json_t *)given, key, element)
            {
                g_autofree char *full = g_strconcat(name, key, NULL);
                g_autofree char *text = text_encode(&member->shape->members[1], element, TIME_HTTP);
                g_autofree char *coded = encoded_word_write(text);
                put_header(http, full, coded);
            }
        }
    }
}

static void encode_json(const struct shape *shape, const struct shape_member *payload,
                        const json_t *output, struct http_reply *http)
{
    if (payload) {
        const json_t *value = json_object_get(output, payload->name);
        if (json_is_string(value))
            http_reply_text(http, http->status, "text/plain", g_strdup(json_string_value(value)));
        else if (value)
            http_reply_text(http, http->status, "application/json", json_text_of(value));
        return;
    }
    g_autoptr(json_auto) body = json_object();
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        if (member->location == AT_BODY)
            json_put(body, shape_wire_name(member),
                     json_incref(json_object_get(output, member->name)));
    }
    http_reply_text(http, http->status, "application/json", json_text_of(body));
}

void rest_encode(const struct shape_service *service, const struct shape_operation *operation,
                 struct reply *reply, struct http_reply *http)
{
    const struct shape *output = operation->output;
    http->status = operation->status;
    if (strcmp(operation->method, "HEAD") == 0) {
        http->head_only = true;
        http->content_length = json_integer_at(reply->output, "ContentLength", 0);
    }
    if (!output)
        return;
    for (size_t i = 0; i < output->member_count; i++)
        if (output->members[i].location == AT_STATUS)
            http->status =
                (unsigned)json_integer_at(reply->output, output->members[i].name, http->status);
    rest_encode_headers(output, reply->output, http);
    const struct shape_member *payload = shape_payload(output);
    if (payload && payload->flags & MEMBER_STREAM)
        http->body = g_steal_pointer(&reply->body);
    else if (service->protocol == PROTOCOL_REST_XML)
        s3_encode_body(service, operation, payload, reply->output, http);
    else if (!http->head_only)
        encode_json(output, payload, reply->output, http);
    if (service->protocol == PROTOCOL_REST_XML && json_object_get(reply->output, "ContentRange"))
        http->status = 206;
}
