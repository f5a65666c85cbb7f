#include "flow/pipeline/expression.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* ---- paths ---- */

/* The element of a list of objects that has a member "<Something>Name" of that value. */
static json_t *named_element(const json_t *list, const char *name)
{
    size_t i;
    json_t *element;
    json_array_foreach((json_t *)list, i, element)
    {
        const char *member;
        json_t *value;
        json_object_foreach(element, member, value)
        {
            if (g_str_has_suffix(member, "Name") && g_strcmp0(json_string_value(value), name) == 0)
                return element;
        }
    }
    return NULL;
}

/* One bracket, [3] or ['name'] or ["name"]; path is moved behind it, to NULL where it is none. */
static const json_t *bracket(const json_t *at, const char **path)
{
    const char *start = *path + 1;
    const char *end;
    char *digits_end;
    if (*start == '\'' || *start == '"') {
        end = strchr(start + 1, *start);
        *path = end && end[1] == ']' ? end + 2 : NULL;
        if (!*path)
            return NULL;
        g_autofree char *name = g_strndup(start + 1, (gsize)(end - start - 1));
        return json_is_array(at) ? named_element(at, name) : json_object_get(at, name);
    }
    unsigned long index = strtoul(start, &digits_end, 10);
    *path = digits_end > start && *digits_end == ']' ? digits_end + 1 : NULL;
    return *path ? json_array_get(at, index) : NULL;
}

json_t *expression_path(const json_t *value, const char *path)
{
    const json_t *at = value;
    if (*path == '$')
        path++;
    while (at && *path) {
        if (*path == '.') {
            path++;
        } else if (*path == '[') {
            at = bracket(at, &path);
            if (!path)
                return NULL;
        } else {
            size_t length = strcspn(path, ".[");
            g_autofree char *name = g_strndup(path, length);
            at = json_object_get(at, name);
            path += length;
        }
    }
    return (json_t *)at;
}

/* ---- scalars ---- */

/* The shortest decimal that reads back as the same double; 17 digits always do. */
static char *number_text(double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    for (int digits = 15; digits <= 17; digits++) {
        char format[8];
        snprintf(format, sizeof format, "%%.%dg", digits);
        g_ascii_formatd(text, sizeof text, format, number);
        if (g_ascii_strtod(text, NULL) == number)
            break;
    }
    return g_strdup(text);
}

char *expression_text(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return g_strdup(json_string_value(value));
    case JSON_INTEGER:
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return number_text(json_real_value(value));
    case JSON_TRUE:
        return g_strdup("true");
    case JSON_FALSE:
        return g_strdup("false");
    default:
        return NULL;
    }
}

/* ---- Get ---- */

const char *expression_get(const json_t *value)
{
    return json_object_size(value) == 1 ? json_string_value(json_object_get(value, "Get")) : NULL;
}

char *expression_step_of(const char *get, const char **rest)
{
    if (!g_str_has_prefix(get, "Steps."))
        return NULL;
    const char *name = get + strlen("Steps.");
    size_t length = strcspn(name, ".[");
    if (rest)
        *rest = name + length + (name[length] == '.');
    return g_strndup(name, length);
}

static json_t *get_step(const char *get, const struct expression_scope *scope, GError **error)
{
    const char *path;
    g_autofree char *step = expression_step_of(get, &path);
    g_autoptr(json_auto) description = scope->step(scope->data, step, error);
    if (!description)
        return NULL;
    json_t *value = expression_path(description, path);
    if (!value)
        error_set(error, ERROR_VALIDATION, "%s: the description of step %s has no %s", get, step,
                  path);
    return json_incref(value);
}

static json_t *get(const json_t *expression, const char *text, const struct expression_scope *scope,
                   GError **error)
{
    json_t *value = NULL;
    if (g_str_has_prefix(text, "Steps."))
        return get_step(text, scope, error);
    if (g_str_has_prefix(text, "Parameters."))
        value = json_object_get(scope->parameters, text + strlen("Parameters."));
    if (g_str_has_prefix(text, "Execution.")) {
        if (!scope->execution)
            return json_deep_copy(expression);
        value = json_object_get(scope->execution, text + strlen("Execution."));
    }
    if (!value)
        error_set(error, ERROR_VALIDATION, "{\"Get\": \"%s\"} refers to nothing", text);
    return json_incref(value);
}

/* ---- functions ---- */

static json_t *join(const json_t *arguments, const struct expression_scope *scope, GError **error)
{
    const char *on = json_text_at(arguments, "On");
    g_autoptr(json_auto) values =
        expression_resolve(json_object_get(arguments, "Values"), scope, error);
    if (!values)
        return NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    size_t i;
    const json_t *value;
    json_array_foreach(values, i, value)
    {
        g_autofree char *part = expression_text(value);
        /* In a cache's key Execution.* stays an expression, and so does what is joined of it. */
        if (!part && !scope->execution)
            return json_pack("{sO}", "Std:Join", values);
        if (!part) {
            error_set(error, ERROR_VALIDATION,
                      "Std:Join: element %zu of Values is no text, number or boolean", i);
            return NULL;
        }
        g_string_append_printf(text, "%s%s", i && on ? on : "", part);
    }
    return json_stringn(text->str, text->len);
}

/* The document that a JsonGet reads: a step's property file, or any by its S3Uri. */
static char *document_uri(const json_t *arguments, const struct expression_scope *scope,
                          GError **error)
{
    const json_t *given = json_object_get(arguments, "S3Uri");
    if (given) {
        g_autoptr(json_auto) uri = expression_resolve(given, scope, error);
        if (uri && !json_is_string(uri))
            error_set(error, ERROR_VALIDATION, "Std:JsonGet: S3Uri is no text");
        return g_strdup(json_string_value(uri));
    }
    const char *file = NULL;
    const char *text = expression_get(json_object_get(arguments, "PropertyFile"));
    g_autofree char *step = text ? expression_step_of(text, &file) : NULL;
    return scope->property_file(scope->data, step, file + strlen("PropertyFiles."), error);
}

static json_t *json_get(const json_t *arguments, const struct expression_scope *scope,
                        GError **error)
{
    g_autofree char *uri = document_uri(arguments, scope, error);
    g_autoptr(json_auto) path =
        uri ? expression_resolve(json_object_get(arguments, "Path"), scope, error) : NULL;
    if (!path)
        return NULL;
    g_autoptr(json_auto) document = scope->document(scope->data, uri, error);
    if (!document)
        return NULL;
    json_t *value =
        json_is_string(path) ? expression_path(document, json_string_value(path)) : NULL;
    if (!value) {
        g_autofree char *text = json_text_of(path);
        error_set(error, ERROR_VALIDATION, "Std:JsonGet: %s has no %s", uri, text);
    }
    return json_incref(value);
}

/* ---- everywhere ---- */

static json_t *resolve_list(const json_t *list, const struct expression_scope *scope,
                            GError **error)
{
    g_autoptr(json_auto) resolved = json_array();
    size_t i;
    const json_t *element;
    json_array_foreach((json_t *)list, i, element)
    {
        json_t *value = expression_resolve(element, scope, error);
        if (!value)
            return NULL;
        json_array_append_new(resolved, value);
    }
    return g_steal_pointer(&resolved);
}

static json_t *resolve_members(const json_t *object, const struct expression_scope *scope,
                               GError **error)
{
    g_autoptr(json_auto) resolved = json_object();
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)object, name, member)
    {
        json_t *value = expression_resolve(member, scope, error);
        if (!value)
            return NULL;
        json_object_set_new(resolved, name, value);
    }
    return g_steal_pointer(&resolved);
}

json_t *expression_resolve(const json_t *value, const struct expression_scope *scope,
                           GError **error)
{
    if (json_is_array(value))
        return resolve_list(value, scope, error);
    if (!json_is_object(value))
        return json_incref((json_t *)value);
    if (json_object_size(value) == 1) {
        const char *text = expression_get(value);
        if (text)
            return get(value, text, scope, error);
        const json_t *arguments = json_object_get(value, "Std:Join");
        if (arguments)
            return join(arguments, scope, error);
        arguments = json_object_get(value, "Std:JsonGet");
        if (arguments)
            return json_get(arguments, scope, error);
    }
    return resolve_members(value, scope, error);
}
