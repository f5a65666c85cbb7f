/* The values of an execution's parameters. */
#include <string.h>

#include "base/error.h"
#include "flow/pipeline/definition.h"
#include "flow/pipeline/expression.h"

/* A text as a value of a type; NULL where it is none. */
static json_t *typed(const char *type, const char *text)
{
    gint64 integer;
    char *end;
    if (strcmp(type, "String") == 0)
        return json_string(text);
    if (strcmp(type, "Integer") == 0)
        return g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &integer, NULL)
                   ? json_integer(integer)
                   : NULL;
    if (strcmp(type, "Boolean") == 0) {
        bool is_true = g_ascii_strcasecmp(text, "true") == 0;
        return is_true || g_ascii_strcasecmp(text, "false") == 0 ? json_boolean(is_true) : NULL;
    }
    double number = g_ascii_strtod(text, &end);
    return *text && !*end ? json_real(number) : NULL;
}

static bool is_allowed(const json_t *parameter, const json_t *value)
{
    const json_t *allowed = json_object_get(parameter, "EnumValues");
    g_autofree char *text = expression_text(value);
    size_t i;
    const json_t *one;
    json_array_foreach((json_t *)allowed, i, one)
    {
        g_autofree char *other = expression_text(one);
        if (g_strcmp0(text, other) == 0)
            return true;
    }
    return !json_is_array(allowed) || !json_array_size(allowed);
}

static const char *given_value(const json_t *given, const char *name)
{
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)given, i, entry)
    {
        if (strcmp(json_text_at(entry, "Name"), name) == 0)
            return json_text_at(entry, "Value");
    }
    return NULL;
}

static json_t *value_of(const json_t *parameter, const json_t *given, GError **error)
{
    const char *name = json_text_at(parameter, "Name");
    const char *type = json_text_at(parameter, "Type");
    g_autofree char *text = g_strdup(given_value(given, name));
    if (!text)
        text = expression_text(json_object_get(parameter, "DefaultValue"));
    if (!text) {
        error_set(error, ERROR_VALIDATION, "The parameter %s has no default and was not given.",
                  name);
        return NULL;
    }
    g_autoptr(json_auto) value = typed(type, text);
    if (!value) {
        error_set(error, ERROR_VALIDATION, "The parameter %s is of type %s; '%s' is none.", name,
                  type, text);
        return NULL;
    }
    if (!is_allowed(parameter, value)) {
        g_autofree char *allowed = json_text_of(json_object_get(parameter, "EnumValues"));
        error_set(error, ERROR_VALIDATION, "The parameter %s is '%s'; it can be one of %s.", name,
                  text, allowed);
        return NULL;
    }
    return g_steal_pointer(&value);
}

json_t *definition_parameters(const struct definition *definition, const json_t *given,
                              GError **error)
{
    g_autoptr(json_auto) values = json_object();
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)definition->parameters, i, entry)
    {
        json_t *value = value_of(entry, given, error);
        if (!value)
            return NULL;
        json_object_set_new(values, json_text_at(entry, "Name"), value);
    }
    json_array_foreach((json_t *)given, i, entry)
    {
        if (!json_object_get(values, json_text_at(entry, "Name"))) {
            error_set(error, ERROR_VALIDATION, "The pipeline has no parameter %s.",
                      json_text_at(entry, "Name"));
            return NULL;
        }
    }
    return g_steal_pointer(&values);
}
