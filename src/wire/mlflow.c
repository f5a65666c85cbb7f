#include "wire/mlflow.h"

#include <string.h>

#include "base/error.h"

#define ROOT "/mlflow"
#define MOST_DIGITS 20 /* of an integer of 64 bits */

/* ---- where it is asked ---- */

char *mlflow_path(const char *path, const char *scope)
{
    bool is_plugin = strcmp(scope, "sagemaker-mlflow") == 0 || strcmp(scope, "sagemaker") == 0;
    if (*scope && !is_plugin)
        return NULL;
    bool is_below = g_str_has_prefix(path, ROOT "/");
    const char *rest = is_below ? path + strlen(ROOT) : path;
    while (is_below && rest[1] == '/') /* of clients whose URI ends in one */
        rest++;
    if (g_str_has_prefix(rest, "/api/"))
        return is_below || is_plugin || g_str_has_prefix(rest, "/api/2.0/mlflow") ||
                       g_str_has_prefix(rest, "/api/3.0/mlflow")
                   ? g_strconcat(ROOT, rest, NULL)
                   : NULL;
    if (g_str_has_prefix(rest, "/ajax-api/"))
        return g_strconcat(ROOT "/api/", rest + strlen("/ajax-api/"), NULL);
    static const char *const pages[] = {"/version",      "/health",
                                        "/auth",         "/graphql",
                                        "/get-artifact", "/model-versions/get-artifact",
                                        "/v1/traces",    NULL};
    bool is_page = g_strv_contains(pages, rest);
    return (is_below || is_plugin) && is_page ? g_strconcat(ROOT, rest, NULL) : NULL;
}

const char *mlflow_header(const struct wire_request *request, const char *name)
{
    bool asks = strcmp(name, "x-mlflow-sm-tracking-server-arn") == 0;
    return asks ? wire_header(request, "x-sm-mlflow-app-arn") : NULL;
}

/* ---- values ---- */

static bool is_integer(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t sign = text && *text == '-', digits = text ? strspn(text + sign, "0123456789") : 0;
    return digits > 0 && digits < MOST_DIGITS && text[sign + digits] == '\0';
}

/* What is to stand in its place; NULL: it may stay. */
static json_t *other_form(const struct shape_member *member, json_t *value)
{
    bool is_whole = member->shape->type == SHAPE_LONG || member->shape->type == SHAPE_INTEGER;
    if (is_whole && is_integer(value))
        return json_integer(g_ascii_strtoll(json_string_value(value), NULL, 10));
    bool is_id = member->shape->type == SHAPE_STRING && strcmp(member->name, "experiment_id") == 0;
    return is_id && json_is_integer(value)
               ? json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
               : NULL;
}

static void read_ids(json_t *list)
{
    size_t i;
    json_t *value;
    json_array_foreach(list, i, value)
    {
        if (json_is_integer(value))
            json_array_set_new(list, i,
                               json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value)));
    }
}

void mlflow_read_values(const struct shape *shape, json_t *value)
{
    size_t i;
    json_t *element;
    if (shape->type == SHAPE_LIST)
        json_array_foreach(value, i, element) mlflow_read_values(shape->members[0].shape, element);
    if (shape->type != SHAPE_STRUCTURE || shape->flags & SHAPE_DOCUMENT)
        return;
    for (i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        json_t *given = json_object_get(value, member->name);
        json_t *other = given ? other_form(member, given) : NULL;
        if (other)
            json_object_set_new(value, member->name, other);
        else if (json_is_array(given) && strcmp(member->name, "experiment_ids") == 0)
            read_ids(given);
        else if (given)
            mlflow_read_values(member->shape, given);
    }
}

/* ---- errors ---- */

/* Errors of the rooms below have AWS's names. */
static const char *code_of(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
        return "PERMISSION_DENIED";
    case 404:
        return "RESOURCE_DOES_NOT_EXIST";
    case 409:
        return "RESOURCE_CONFLICT";
    case 503:
        return "TEMPORARILY_UNAVAILABLE";
    default:
        return status < 500 ? "INVALID_PARAMETER_VALUE" : "INTERNAL_ERROR";
    }
}

static bool is_mlflows(const GError *error)
{
    return error->domain == LATHE_ERROR && error->code >= ERROR_MLFLOW_MISSING &&
           error->code <= ERROR_MLFLOW_STATE;
}

void mlflow_error_reply(const GError *error, struct http_reply *reply)
{
    bool is_unknown = g_error_matches(error, LATHE_ERROR, ERROR_UNKNOWN_OPERATION);
    unsigned status = is_unknown ? 404 : error_status(error);
    const char *code = is_unknown          ? "ENDPOINT_NOT_FOUND"
                       : is_mlflows(error) ? error_name(error)
                                           : code_of(status);
    g_autoptr(json_auto) body = json_pack("{ssss}", "error_code", code, "message", error->message);
    http_reply_text(reply, status, "application/json", json_text_of(body));
}
