/* Systems Manager: its parameters, texts by name, where stacks leave what their notebooks look up.
 * The newest version of each is kept. */
#include "service/home.h"

#include <string.h>

#include "base/page.h"
#include "store/resource.h"

#define KIND "parameter"
#define BY_PATH "ssm GetParametersByPath"
#define PAGE 10
#define LONGEST_VALUE 4096 /* bytes, of the standard tier */

/* ---- names ---- */

/* "arn:aws:ssm:<region>:<account>:parameter/a": a name's own slash is that one. */
static char *arn_of(const struct call *call, const char *name)
{
    return g_strdup_printf("arn:aws:ssm:%s:%s:parameter/%s", call->region, call->account,
                           name + (*name == '/'));
}

static bool check_name(const char *name, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(name + (*name == '/'), -1);
    if (g_str_has_prefix(lower, "aws") || g_str_has_prefix(lower, "ssm"))
        return error_set(error, ERROR_VALIDATION,
                         "Parameter name: can't be prefixed with \"ssm\" or \"aws\" "
                         "(case-insensitive): %.255s",
                         name);
    size_t fits = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "_.-/");
    bool is_path = *name == '/' || !strchr(name, '/');
    return (!name[fits] && is_path && !strstr(name, "//") && !g_str_has_suffix(name, "/")) ||
           error_set(error, ERROR_VALIDATION,
                     "Parameter name must be a fully qualified name of letters, digits and _.-, "
                     "its parts divided by single slashes, one of them first: %.255s",
                     name);
}

/* ---- PutParameter ---- */

struct put {
    const struct call *call;
    const json_t *request;
    json_int_t version;
};

static json_t *body_of(const json_t *request, const char *type, json_int_t version)
{
    return json_pack("{sOsssI}", "Value", json_object_get(request, "Value"), "Type", type,
                     "Version", version);
}

static bool put_next(struct resource *parameter, void *data, GError **error)
{
    struct put *put = data;
    const char *name = json_text_at(put->request, "Name");
    const char *type = json_text_at(put->request, "Type");
    if (!json_true_at(put->request, "Overwrite"))
        return error_set(error, ERROR_PARAMETER_EXISTS,
                         "The parameter already exists. To overwrite this value, set the overwrite "
                         "option in the request to true: %.255s",
                         name);
    put->version = json_integer_at(parameter->body, "Version", 0) + 1;
    json_t *body =
        body_of(put->request, type ? type : json_text_at(parameter->body, "Type"), put->version);
    json_decref(parameter->body);
    parameter->body = body;
    return true;
}

static bool put_first(struct store_connection *connection, struct put *put, GError **error)
{
    const char *name = json_text_at(put->request, "Name");
    const char *type = json_text_at(put->request, "Type");
    if (!type)
        return error_set(error, ERROR_VALIDATION,
                         "A parameter type is required when you create a parameter.");
    g_autofree char *arn = arn_of(put->call, name);
    g_autoptr(json_auto) body = body_of(put->request, type, 1);
    struct resource parameter = {.kind = (char *)KIND,
                                 .name = (char *)name,
                                 .arn = arn,
                                 .status = (char *)"",
                                 .parent = (char *)"",
                                 .body = body};
    put->version = 1;
    return resource_create_within(connection, put->call->lathe->store, &parameter, NULL, error);
}

static bool put_within(struct store_connection *connection, void *data, GError **error)
{
    struct put *put = data;
    put->version = 0;
    return resource_update_within(connection, put->call->lathe->store, KIND,
                                  json_text_at(put->request, "Name"), put_next, put, error) &&
           (put->version || put_first(connection, put, error));
}

static bool put_parameter(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    const char *value = json_text_at(request, "Value");
    if (!check_name(json_text_at(request, "Name"), error))
        return false;
    if (!*value || strlen(value) > LONGEST_VALUE)
        return error_set(error, ERROR_VALIDATION,
                         "Standard tier parameters support a maximum parameter value of %d "
                         "characters, and at least one; this one has %zu.",
                         LONGEST_VALUE, strlen(value));
    struct put put = {.call = call, .request = request};
    if (!store_write(call->lathe->store, put_within, &put, error))
        return false;
    reply->output = json_pack("{sIss}", "Version", put.version, "Tier", "Standard");
    return true;
}

/* ---- reading ---- */

static json_t *describe(const struct resource *parameter)
{
    json_t *described = json_pack("{sssssfss}", "Name", parameter->name, "ARN", parameter->arn,
                                  "LastModifiedDate", parameter->modified, "DataType", "text");
    json_object_update(described, parameter->body);
    return described;
}

/* What a request asks for: a name or an ARN, and behind a colon a version. */
static struct resource *find(const struct call *call, const char *asked, char **selector,
                             GError **error)
{
    struct store *store = call->lathe->store;
    bool is_arn = g_str_has_prefix(asked, "arn:");
    const char *from = is_arn ? strstr(asked, ":parameter/") : asked;
    const char *colon = from ? strchr(from + is_arn, ':') : NULL;
    g_autofree char *name = colon ? g_strndup(asked, (gsize)(colon - asked)) : g_strdup(asked);
    *selector = g_strdup(colon);
    return is_arn ? resource_get_by_arn(store, name, error)
                  : resource_get(store, KIND, name, error);
}

/* The parameter as GetParameter tells it; NULL without an error where there is none. */
static json_t *look_up(const struct call *call, const char *asked, GError **error)
{
    g_autofree char *selector = NULL;
    g_autoptr(resource_auto) found = find(call, asked, &selector, error);
    if (!found || strcmp(found->kind, KIND) != 0)
        return NULL;
    json_int_t version = json_integer_at(found->body, "Version", 0);
    if (selector && g_ascii_strtoll(selector + 1, NULL, 10) != version) {
        error_set(error, ERROR_PARAMETER_VERSION,
                  "Systems Manager could not find version %s of %s: lathe keeps the newest, which "
                  "is %lld",
                  selector + 1, found->name, (long long)version);
        return NULL;
    }
    json_t *described = describe(found);
    json_put(described, "Selector", selector ? json_string(selector) : NULL);
    return described;
}

static bool missing(const char *name, GError **error)
{
    return error_set(error, ERROR_PARAMETER_NOT_FOUND, "Parameter %.255s not found.", name);
}

static bool get_parameter(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    const char *name = json_text_at(request, "Name");
    GError *cause = NULL;
    json_t *parameter = look_up(call, name, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!parameter)
        missing(name, error);
    if (parameter)
        reply->output = json_pack("{so}", "Parameter", parameter);
    return parameter != NULL;
}

static bool get_parameters(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    json_t *found = json_array(), *invalid = json_array();
    reply->output = json_pack("{soso}", "Parameters", found, "InvalidParameters", invalid);
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(request, "Names"), i, name)
    {
        GError *cause = NULL;
        json_t *parameter = look_up(call, json_string_value(name), &cause);
        if (cause && !g_error_matches(cause, LATHE_ERROR, ERROR_PARAMETER_VERSION)) {
            g_propagate_error(error, cause);
            return false;
        }
        g_clear_error(&cause);
        if (parameter)
            json_array_append_new(found, parameter);
        else
            json_array_append(invalid, (json_t *)name);
    }
    return true;
}

/* Of those below a path: whether it is one of its own children. */
static bool is_child(const char *name, const char *path)
{
    return !strchr(name + strlen(path), '/');
}

static bool get_parameters_by_path(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    const char *asked = json_text_at(request, "Path");
    if (*asked != '/')
        return error_set(error, ERROR_VALIDATION,
                         "The parameter path must begin with a slash: %.255s", asked);
    g_autofree char *path =
        g_str_has_suffix(asked, "/") ? g_strdup(asked) : g_strconcat(asked, "/", NULL);
    const struct resource_query query = {
        .kind = KIND, .name_prefix = path, .order = RESOURCE_BY_NAME, .ascending = true};
    g_autoptr(GPtrArray) below = resource_list(call->lathe->store, &query, NULL, error);
    if (!below)
        return false;
    g_autoptr(json_auto) all = json_array();
    for (guint i = 0; i < below->len; i++) {
        const struct resource *parameter = below->pdata[i];
        if (json_true_at(request, "Recursive") || is_child(parameter->name, path))
            json_array_append_new(all, describe(parameter));
    }
    const struct page_listing listing = {BY_PATH, PAGE, ERROR_INVALID_NEXT_TOKEN};
    return page_put(&reply->output, "Parameters", all, &listing, request, error);
}

/* ---- deleting ---- */

static bool delete_parameter(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "Name");
    bool found = false;
    return resource_delete(call->lathe->store, KIND, name, &found, error) &&
           (found || missing(name, error));
}

/* An empty list is no answer of AWS's here. */
static void put_names(json_t *output, const char *member, json_t *names)
{
    if (json_array_size(names))
        json_object_set(output, member, names);
}

static bool delete_parameters(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(json_auto) deleted = json_array();
    g_autoptr(json_auto) invalid = json_array();
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(request, "Names"), i, name)
    {
        bool found = false;
        if (!resource_delete(call->lathe->store, KIND, json_string_value(name), &found, error))
            return false;
        json_array_append(found ? deleted : invalid, name);
    }
    reply->output = json_object();
    put_names(reply->output, "DeletedParameters", deleted);
    put_names(reply->output, "InvalidParameters", invalid);
    return true;
}

static const struct operation operations[] = {
    {"PutParameter", put_parameter, OPERATION_BLOCKING},
    {"GetParameter", get_parameter, OPERATION_BLOCKING},
    {"GetParameters", get_parameters, OPERATION_BLOCKING},
    {"GetParametersByPath", get_parameters_by_path, OPERATION_BLOCKING},
    {"DeleteParameter", delete_parameter, OPERATION_BLOCKING},
    {"DeleteParameters", delete_parameters, OPERATION_BLOCKING},
};

const struct service ssm_service = {
    .name = "ssm",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
