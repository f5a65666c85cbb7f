#include "wire/query.h"

#include <string.h>

#include "wire/text.h"
#include "wire/url.h"
#include "wire/xml.h"

#define DEEPEST 32

struct form {
    GHashTable *values;   /* key -> value */
    GHashTable *prefixes; /* "Tags", "Tags.member", ...: what some key goes on from */
    GHashTable *used;     /* keys that were read */
    GString *key;         /* the key being read */
};

static bool exists(const struct form *form)
{
    return g_hash_table_contains(form->values, form->key->str) ||
           g_hash_table_contains(form->prefixes, form->key->str);
}

static const char *value_here(struct form *form)
{
    const char *value = g_hash_table_lookup(form->values, form->key->str);
    if (value)
        g_hash_table_add(form->used, g_strdup(form->key->str));
    return value;
}

static json_t *read_value(struct form *form, const struct shape_member *member, unsigned depth);

/* Reads below the key extended by one part, which is taken off again. */
static json_t *read_part(struct form *form, const char *part, const struct shape_member *member,
                         unsigned depth)
{
    size_t length = form->key->len;
    if (length)
        g_string_append_c(form->key, '.');
    g_string_append(form->key, part);
    json_t *value = exists(form) ? read_value(form, member, depth) : NULL;
    g_string_truncate(form->key, length);
    return value;
}

static json_t *read_structure(struct form *form, const struct shape *shape, unsigned depth)
{
    json_t *object = json_object();
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        const char *name = shape_wire_name(member);
        /* A flattened list is found under its elements' name where they have one. */
        if (member->flags & MEMBER_FLATTENED && member->shape->type == SHAPE_LIST &&
            member->shape->members[0].wire_name)
            name = member->shape->members[0].wire_name;
        json_put(object, member->name, read_part(form, name, member, depth));
    }
    return object;
}

/* "<key>.1", "<key>.2" ... until one is missing. */
static json_t *read_numbered(struct form *form, const struct shape_member *element, unsigned depth)
{
    json_t *list = json_array();
    for (size_t i = 1;; i++) {
        char number[24];
        g_snprintf(number, sizeof number, "%zu", i);
        json_t *value = read_part(form, number, element, depth);
        if (!value)
            return list;
        json_array_append_new(list, value);
    }
}

static json_t *read_list(struct form *form, const struct shape_member *member, unsigned depth)
{
    const struct shape_member *element = &member->shape->members[0];
    value_here(form); /* "Tags=": an empty list */
    if (member->flags & MEMBER_FLATTENED)
        return read_numbered(form, element, depth);
    size_t length = form->key->len;
    g_string_append_printf(form->key, ".%s", element->wire_name ? element->wire_name : "member");
    json_t *list = read_numbered(form, element, depth);
    g_string_truncate(form->key, length);
    return list;
}

static json_t *read_map(struct form *form, const struct shape_member *member, unsigned depth)
{
    const struct shape_member *keys = &member->shape->members[0];
    const struct shape_member *values = &member->shape->members[1];
    json_t *map = json_object();
    value_here(form);
    for (size_t i = 1;; i++) {
        size_t length = form->key->len;
        bool flat = member->flags & MEMBER_FLATTENED;
        g_string_append_printf(form->key, flat ? ".%zu" : ".entry.%zu", i);
        g_autoptr(json_auto) key = read_part(form, shape_wire_name(keys), keys, depth);
        json_t *value = read_part(form, shape_wire_name(values), values, depth);
        g_string_truncate(form->key, length);
        if (!key || !value) {
            json_decref(value);
            return map;
        }
        json_object_set_new(map, json_string_value(key), value);
    }
}

static json_t *read_value(struct form *form, const struct shape_member *member, unsigned depth)
{
    if (depth == DEEPEST)
        return NULL;
    switch (member->shape->type) {
    case SHAPE_STRUCTURE:
        return read_structure(form, member->shape, depth + 1);
    case SHAPE_LIST:
        return read_list(form, member, depth + 1);
    case SHAPE_MAP:
        return read_map(form, member, depth + 1);
    default: {
        const char *text = value_here(form);
        return text ? text_decode(member->shape, text) : NULL;
    }
    }
}

static void form_fill(struct form *form, const GArray *pairs)
{
    form->values = g_hash_table_new(g_str_hash, g_str_equal);
    form->prefixes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    form->used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    form->key = g_string_new(NULL);
    for (guint i = 0; i < pairs->len; i++) {
        const struct url_pair *pair = &g_array_index(pairs, struct url_pair, i);
        g_hash_table_insert(form->values, pair->name, pair->value);
        unsigned parts = 0;
        for (const char *dot = strchr(pair->name, '.'); dot && parts < DEEPEST;
             dot = strchr(dot + 1, '.'), parts++) {
            char *prefix = g_strndup(pair->name, (gsize)(dot - pair->name));
            g_hash_table_add(form->prefixes, prefix);
        }
    }
}

static void form_clear(struct form *form)
{
    g_hash_table_unref(form->values);
    g_hash_table_unref(form->prefixes);
    g_hash_table_unref(form->used);
    g_string_free(form->key, TRUE);
}

static bool is_envelope(const char *name)
{
    static const char *const names[] = {"Action",    "Version",          "AWSAccessKeyId",
                                        "Signature", "SignatureVersion", "SignatureMethod",
                                        "Timestamp", "SecurityToken",    "Expires"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return g_str_has_prefix(name, "X-Amz-");
}

json_t *query_decode(const struct shape_operation *operation, const GArray *pairs)
{
    struct form form;
    form_fill(&form, pairs);
    json_t *request = operation->input ? read_structure(&form, operation->input, 0) : json_object();
    for (guint i = 0; i < pairs->len; i++) {
        const struct url_pair *pair = &g_array_index(pairs, struct url_pair, i);
        if (!g_hash_table_contains(form.used, pair->name) && !is_envelope(pair->name))
            json_object_set_new(request, pair->name, json_string(pair->value));
    }
    form_clear(&form);
    return request;
}

char *query_encode(const struct shape_service *service, const struct shape_operation *operation,
                   const json_t *output, const char *request_id)
{
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "<%sResponse xmlns=\"%s\">", operation->name,
                           service->xml_namespace ? service->xml_namespace : "");
    if (operation->output) {
        g_autofree char *wrapper = operation->result_wrapper
                                       ? g_strdup(operation->result_wrapper)
                                       : g_strdup_printf("%sResult", operation->name);
        g_string_append_printf(out, "<%s>", wrapper);
        xml_append_members(out, operation->output, output);
        g_string_append_printf(out, "</%s>", wrapper);
    }
    g_string_append(out, "<ResponseMetadata>");
    xml_append_element(out, "RequestId", request_id);
    g_string_append_printf(out, "</ResponseMetadata></%sResponse>", operation->name);
    return g_string_free(out, FALSE);
}
