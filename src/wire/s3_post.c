#include "wire/s3_post.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "wire/encoded_word.h"
#include "wire/form_data.h"
#include "wire/rest.h"
#include "wire/s3_policy.h"
#include "wire/url.h"
#include "wire/xml.h"

#define FILE_NAME "${filename}"

struct s3_post {
    struct form_data *form;
    GArray *fields; /* the form's */
    struct stream *file;
    char *bucket, *key;
};

bool s3_post_fits(const struct wire_request *request)
{
    const char *type = wire_header(request, "content-type");
    size_t bucket = strcspn(request->path + 1, "/");
    const char *rest = request->path + 1 + bucket;
    return strcmp(request->method, "POST") == 0 && type && bucket &&
           g_ascii_strncasecmp(type, "multipart/form-data", strlen("multipart/form-data")) == 0 &&
           (!*rest || strcmp(rest, "/") == 0);
}

bool s3_post_route(const struct shape_service *service, const struct wire_request *request,
                   struct route *route, GError **error)
{
    const char *bucket = request->path + 1;
    g_autofree char *name = url_decode(bucket, strcspn(bucket, "/"), false, error);
    if (!name)
        return false;
    route->operation = shape_operation_find(service, "PutObject");
    route->labels = json_pack("{ss}", "Bucket", name);
    return true;
}

void s3_post_free(struct s3_post *post)
{
    if (!post)
        return;
    stream_free(post->file);
    form_data_free(post->form);
    g_free(post->bucket);
    g_free(post->key);
    g_free(post);
}

/* ---- reading ---- */

/* Any field may name the file; the form's maker could not know it. */
static void name_file(GArray *fields, const char *name)
{
    for (guint i = 0; i < fields->len; i++) {
        struct url_pair *pair = &g_array_index(fields, struct url_pair, i);
        if (g_ascii_strcasecmp(pair->name, "policy") == 0 || !strstr(pair->value, FILE_NAME))
            continue;
        g_auto(GStrv) parts = g_strsplit(pair->value, FILE_NAME, -1);
        g_free(pair->value);
        pair->value = g_strjoinv(name, parts);
    }
}

static bool check(struct s3_post *post, GError **error)
{
    struct s3_size_range range;
    const char *key = s3_field(post->fields, "key");
    if (!key || !*key)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "Bucket POST must contain a field named 'key'.  If it is specified, "
                         "please check the order of the fields.");
    if (!s3_policy_check(post->fields, post->bucket, clock_now(), &range, error))
        return false;
    post->key = g_strdup(key);
    post->file = form_data_file(post->form, range.least, range.most);
    return true;
}

struct s3_post *s3_post_read(const struct wire_request *request, struct route *route,
                             struct stream *body, GError **error)
{
    struct form_data *form = form_data_open(wire_header(request, "content-type"), body, error);
    if (!form)
        return NULL;
    struct s3_post *post = g_new0(struct s3_post, 1);
    post->form = form;
    post->fields = form_data_fields(form);
    post->bucket = g_strdup(json_text_at(route->labels, "Bucket"));
    name_file(post->fields, form_data_file_name(form));
    if (!check(post, error)) {
        s3_post_free(post);
        return NULL;
    }
    json_object_set_new(route->labels, "Key", json_string(post->key));
    return post;
}

struct stream *s3_post_file(const struct s3_post *post)
{
    return post->file;
}

/* ---- PutObject's request ---- */

/* <Tagging>'s document as x-amz-tagging says it. */
static char *tagging_text(const struct shape_service *service, const char *xml, GError **error)
{
    const struct shape_operation *operation = shape_operation_find(service, "PutObjectTagging");
    const struct shape_member *member = shape_member_find(operation->input, "Tagging");
    g_autoptr(json_auto) tagging = xml_read(member->shape, xml, strlen(xml), error);
    if (!tagging)
        return NULL;
    GString *text = g_string_new(NULL);
    size_t i;
    const json_t *tag;
    json_array_foreach(json_object_get(tagging, "TagSet"), i, tag)
    {
        const char *key = json_text_at(tag, "Key"), *value = json_text_at(tag, "Value");
        g_autofree char *name = g_uri_escape_string(key ? key : "", NULL, FALSE);
        g_autofree char *of = g_uri_escape_string(value ? value : "", NULL, FALSE);
        g_string_append_printf(text, "%s%s=%s", i ? "&" : "", name, of);
    }
    return g_string_free(text, FALSE);
}

/* The header that a field stands for. Those of HTTP itself are not the form's to say. */
static const char *header_of(const char *field)
{
    if (g_ascii_strcasecmp(field, "acl") == 0)
        return "x-amz-acl";
    if (g_ascii_strcasecmp(field, "content-length") == 0 ||
        g_ascii_strcasecmp(field, "content-md5") == 0)
        return "x-ignore";
    return field;
}

/* Metadata, which are UTF-8 in a form, as a header has them. */
static void encode_metadata(GArray *fields)
{
    static const char prefix[] = "x-amz-meta-";
    for (guint i = 0; i < fields->len; i++) {
        struct url_pair *pair = &g_array_index(fields, struct url_pair, i);
        if (g_ascii_strncasecmp(pair->name, prefix, sizeof prefix - 1) != 0)
            continue;
        g_autofree char *text = g_steal_pointer(&pair->value);
        pair->value = encoded_word_write(text);
    }
}

json_t *s3_post_decode(struct s3_post *post, const struct shape_service *service,
                       const struct route *route, GError **error)
{
    encode_metadata(post->fields);
    g_autoptr(GArray) headers = g_array_new(FALSE, FALSE, sizeof(struct wire_header));
    g_autoptr(GArray) query = g_array_new(FALSE, FALSE, sizeof(struct url_pair));
    g_autofree char *tags = NULL;
    for (guint i = 0; i < post->fields->len; i++) {
        const struct url_pair *pair = &g_array_index(post->fields, struct url_pair, i);
        struct wire_header header = {header_of(pair->name), pair->value};
        if (g_ascii_strcasecmp(pair->name, "tagging") == 0 && !tags) {
            tags = tagging_text(service, pair->value, error);
            if (!tags)
                return NULL;
            header = (struct wire_header){"x-amz-tagging", tags};
        }
        g_array_append_val(headers, header);
    }
    const struct wire_request request = {.method = "PUT",
                                         .path = "",
                                         .query = "",
                                         .headers = (const struct wire_header *)headers->data,
                                         .header_count = headers->len};
    return rest_decode(service, route, &request, query, NULL, error);
}

/* ---- the reply ---- */

static bool redirect(const struct s3_post *post, const char *etag, struct http_reply *http)
{
    const char *to = s3_field(post->fields, "success_action_redirect");
    to = to ? to : s3_field(post->fields, "redirect");
    if (!to || !g_uri_is_valid(to, G_URI_FLAGS_NONE, NULL) ||
        (!g_str_has_prefix(to, "http://") && !g_str_has_prefix(to, "https://")))
        return false;
    g_autofree char *bucket = g_uri_escape_string(post->bucket, NULL, FALSE);
    g_autofree char *key = g_uri_escape_string(post->key, NULL, FALSE);
    g_autofree char *tag = g_uri_escape_string(etag, NULL, FALSE);
    g_autofree char *location = g_strdup_printf("%s%cbucket=%s&key=%s&etag=%s", to,
                                                strchr(to, '?') ? '&' : '?', bucket, key, tag);
    http->status = 303;
    http_reply_header(http, "Location", location);
    return true;
}

static char *created(const struct s3_post *post, const char *location, const char *etag)
{
    GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>");
    xml_append_element(out, "Location", location);
    xml_append_element(out, "Bucket", post->bucket);
    xml_append_element(out, "Key", post->key);
    xml_append_element(out, "ETag", etag);
    g_string_append(out, "</PostResponse>");
    return g_string_free(out, FALSE);
}

void s3_post_reply(const struct s3_post *post, const char *server, const json_t *output,
                   struct http_reply *http)
{
    const char *etag = json_text_at(output, "ETag");
    const char *asked = s3_field(post->fields, "success_action_status");
    http_reply_header(http, "ETag", etag);
    if (redirect(post, etag, http))
        return;
    g_autofree char *key = g_uri_escape_string(post->key, "/", FALSE);
    g_autofree char *location = g_strdup_printf("%s/%s/%s", server, post->bucket, key);
    http_reply_header(http, "Location", location);
    if (asked && strcmp(asked, "201") == 0)
        http_reply_text(http, 201, "application/xml", created(post, location, etag));
    else
        http->status = asked && strcmp(asked, "200") == 0 ? 200 : 204;
}
