/* Classifiers of the user's, which crawlers ask before the built-in ones. */
#include <string.h>

#include "crawl/classify.h"
#include "service/glue/crawler.h"

#define KIND "glue-classifier"
#define LIST_PAGE 100

static const char *const sorts[] = {"CsvClassifier", "GrokClassifier", "JsonClassifier",
                                    "XMLClassifier"};

static bool missing(const char *name, GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND, "Classifier %s not found.", name);
}

/* Which of them a request has; NULL and an error where it has not exactly one. */
static const char *sort_of(const json_t *request, GError **error)
{
    const char *sort = NULL;
    size_t count = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(sorts); i++)
        if (json_object_get(request, sorts[i])) {
            sort = sorts[i];
            count++;
        }
    if (count == 1)
        return sort;
    error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
              "Exactly one of CsvClassifier, GrokClassifier, JsonClassifier and XMLClassifier is "
              "needed; the request has %zu.",
              count);
    return NULL;
}

static bool check_types(const json_t *csv, GError **error)
{
    static const char *const types[] = {"BINARY", "BOOLEAN", "DATE",      "DECIMAL",
                                        "DOUBLE", "FLOAT",   "INT",       "LONG",
                                        "SHORT",  "STRING",  "TIMESTAMP", NULL};
    size_t i;
    const json_t *type;
    json_array_foreach(json_object_get(csv, "CustomDatatypes"), i, type)
    {
        g_autofree char *word = g_ascii_strup(json_string_value(type), -1);
        if (!g_strv_contains(types, word))
            return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                             "CustomDatatypes: %s is none of BINARY, BOOLEAN, DATE, DECIMAL, "
                             "DOUBLE, FLOAT, INT, LONG, SHORT, STRING and TIMESTAMP.",
                             json_string_value(type));
    }
    return true;
}

static bool check(const json_t *body, GError **error)
{
    const json_t *csv = json_object_get(body, "CsvClassifier");
    const char *delimiter = json_text_at(csv, "Delimiter");
    if (delimiter && g_strcmp0(delimiter, json_text_at(csv, "QuoteSymbol")) == 0)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "Delimiter and QuoteSymbol are both %s, and have to differ.", delimiter);
    return check_types(csv, error) && classifier_check(body, error);
}

bool create_classifier(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    const char *sort = sort_of(request, error);
    if (!sort)
        return false;
    const json_t *given = json_object_get(request, sort);
    g_autoptr(json_auto) body = json_pack("{sosi}", sort, json_copy((json_t *)given), "Version", 1);
    struct resource classifier = {.kind = (char *)KIND,
                                  .name = (char *)json_text_at(given, "Name"),
                                  .arn = (char *)"",
                                  .status = (char *)"",
                                  .parent = (char *)"",
                                  .body = body};
    bool taken = false;
    if (!check(body, error))
        return false;
    if (resource_create(call->lathe->store, &classifier, &taken, error))
        return true;
    if (!taken)
        return false;
    g_clear_error(error);
    return error_set(error, ERROR_ALREADY_EXISTS, "%s already exists.", classifier.name);
}

static bool change(struct resource *classifier, void *data, GError **error)
{
    const json_t *request = data;
    const char *sort = sort_of(request, NULL);
    json_t *present = json_object_get(classifier->body, sort);
    if (!present)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "The classifier %s is no %s, and stays what it is.", classifier->name,
                         sort);
    json_object_update(present, json_object_get(request, sort));
    json_object_set_new(classifier->body, "Version",
                        json_integer(json_integer_at(classifier->body, "Version", 1) + 1));
    return check(classifier->body, error);
}

bool update_classifier(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    const char *sort = sort_of(request, error);
    bool found;
    if (!sort)
        return false;
    const char *name = json_text_at(json_object_get(request, sort), "Name");
    return resource_update(call->lathe->store, KIND, name, change, (void *)request, &found,
                           error) &&
           (found || missing(name, error));
}

static json_t *describe(const struct resource *classifier)
{
    json_t *described = json_deep_copy(classifier->body);
    json_t *version = json_object_get(described, "Version");
    for (size_t i = 0; i < G_N_ELEMENTS(sorts); i++) {
        json_t *one = json_object_get(described, sorts[i]);
        if (!one)
            continue;
        json_object_set_new(one, "CreationTime", json_real(classifier->created));
        json_object_set_new(one, "LastUpdated", json_real(classifier->modified));
        json_object_set(one, "Version", version);
    }
    json_object_del(described, "Version");
    return described;
}

/* NULL with an error, or where there is none. */
static struct resource *find(const struct call *call, const char *name, GError **error)
{
    GError *cause = NULL;
    struct resource *found = resource_get(call->lathe->store, KIND, name, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!found)
        missing(name, error);
    return found;
}

bool get_classifier(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    g_autoptr(resource_auto) found = find(call, json_text_at(request, "Name"), error);
    return found && glue_reply(reply, "Classifier", describe(found));
}

bool get_classifiers(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    struct resource_query query = {.kind = KIND, .order = RESOURCE_BY_NAME, .ascending = true};
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    json_t *list = all ? json_array() : NULL;
    for (guint i = 0; all && i < all->len; i++)
        json_array_append_new(list, describe(all->pdata[i]));
    return glue_reply_page(call, request, NULL, "Classifiers", list, LIST_PAGE, reply, error);
}

bool delete_classifier(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "Name");
    bool found;
    return resource_delete(call->lathe->store, KIND, name, &found, error) &&
           (found || missing(name, error));
}

json_t *classifiers_named(struct store *store, const json_t *names, GError **error)
{
    g_autoptr(json_auto) list = json_array();
    size_t i;
    const json_t *name;
    json_array_foreach((json_t *)names, i, name)
    {
        GError *cause = NULL;
        g_autoptr(resource_auto) found = resource_get(store, KIND, json_string_value(name), &cause);
        if (cause) {
            g_propagate_error(error, cause);
            return NULL;
        }
        if (!found) {
            error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "Classifier %s not found.",
                      json_string_value(name));
            return NULL;
        }
        json_t *body = json_copy(found->body);
        json_object_del(body, "Version");
        json_array_append_new(list, body);
    }
    return g_steal_pointer(&list);
}
