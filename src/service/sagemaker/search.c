/* Search: resources whose description fits filters, nested filters and sub-expressions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/page.h"
#include "service/sagemaker/sagemaker.h"

/* ---- one filter ---- */

/* A value as a filter compares it: its text; numbers in JSON's form, times as seconds. */
static char *comparable(const json_t *value)
{
    if (json_is_string(value))
        return g_strdup(json_string_value(value));
    return value ? json_text_of(value) : NULL;
}

/* Numbers and times by value, all else as text. */
static int compare(const char *found, const char *wanted)
{
    char *found_end, *wanted_end;
    double a = g_ascii_strtod(found, &found_end), b = g_ascii_strtod(wanted, &wanted_end);
    bool numbers = *found && *wanted && !*found_end && (!*wanted_end || clock_parse(wanted, &b));
    if (!numbers)
        return strcmp(found, wanted);
    return a < b ? -1 : a > b;
}

static bool is_one_of(const char *found, const char *list)
{
    g_auto(GStrv) words = g_strsplit(list, ",", -1);
    for (char **word = words; *word; word++)
        if (strcmp(g_strstrip(*word), found) == 0)
            return true;
    return false;
}

static bool fits(const char *found, const char *operation, const char *wanted)
{
    if (strcmp(operation, "Exists") == 0)
        return found != NULL;
    if (strcmp(operation, "NotExists") == 0)
        return !found;
    if (strcmp(operation, "NotEquals") == 0)
        return !found || compare(found, wanted) != 0;
    if (!found)
        return false;
    if (strcmp(operation, "Equals") == 0)
        return compare(found, wanted) == 0;
    if (strcmp(operation, "Contains") == 0)
        return strstr(found, wanted) != NULL;
    if (strcmp(operation, "In") == 0)
        return is_one_of(found, wanted);
    int order = compare(found, wanted);
    if (strcmp(operation, "GreaterThan") == 0)
        return order > 0;
    if (strcmp(operation, "GreaterThanOrEqualTo") == 0)
        return order >= 0;
    if (strcmp(operation, "LessThan") == 0)
        return order < 0;
    return order <= 0; /* LessThanOrEqualTo: the shape knows no other */
}

/* "Metrics.loss.Max" of a trial component: what a metric's name may hold, too, stands between two
 * points. The SDK's users write the first and the last word small. */
static json_t *statistic_at(const json_t *description, const char *name)
{
    const char *last = strrchr(name, '.');
    size_t i;
    const json_t *metric;
    json_array_foreach(json_object_get(description, "Metrics"), i, metric)
    {
        g_autofree char *of = g_strconcat("metrics.", json_text_at(metric, "MetricName"), NULL);
        size_t length = (size_t)(last - name);
        if (strlen(of) != length || g_ascii_strncasecmp(of, name, length) != 0)
            continue;
        const char *statistic;
        json_t *value;
        json_object_foreach((json_t *)metric, statistic, value)
        {
            if (g_ascii_strcasecmp(statistic, last + 1) == 0)
                return value;
        }
    }
    return NULL;
}

/* "Parameters.depth" of a trial component: its number or text; the name may hold points. */
static json_t *parameter_at(const json_t *description, const char *name)
{
    static const char *const members[] = {"NumberValue", "StringValue"};
    const json_t *parameter = json_object_get(json_object_get(description, "Parameters"), name);
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        json_t *value = json_object_get(parameter, members[i]);
        if (value)
            return value;
    }
    return NULL;
}

/* "Tags.name" and "Metrics.name" look into lists of names and values; all else is a path. */
static json_t *value_at(const json_t *description, const char *name)
{
    static const struct {
        const char *prefix, *list, *key, *value;
    } lists[] = {{"Tags.", "Tags", "Key", "Value"},
                 {"Metrics.", "FinalMetricDataList", "MetricName", "Value"}};
    if (json_object_get(description, "Metrics") && g_ascii_strncasecmp(name, "metrics.", 8) == 0)
        return statistic_at(description, name);
    json_t *parameter = g_str_has_prefix(name, "Parameters.")
                            ? parameter_at(description, name + strlen("Parameters."))
                            : NULL;
    if (parameter)
        return parameter;
    for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
        if (!g_str_has_prefix(name, lists[l].prefix))
            continue;
        size_t i;
        json_t *entry;
        json_array_foreach(json_object_get(description, lists[l].list), i, entry)
        {
            if (strcmp(json_text_at(entry, lists[l].key), name + strlen(lists[l].prefix)) == 0)
                return json_object_get(entry, lists[l].value);
        }
        return NULL;
    }
    return json_at(description, name);
}

/* "Parents.TrialName": one of the trials of a component. */
static bool parent_fits(const json_t *description, const char *name, const char *operation,
                        const char *wanted)
{
    size_t i;
    const json_t *parent;
    json_array_foreach(json_object_get(description, "Parents"), i, parent)
    {
        if (fits(json_text_at(parent, name), operation, wanted))
            return true;
    }
    return false;
}

static bool filter_fits(const json_t *description, const json_t *filter)
{
    const char *name = json_text_at(filter, "Name");
    const char *operation = json_text_at(filter, "Operator");
    const char *wanted = json_text_at(filter, "Value");
    if (g_str_has_prefix(name, "Parents."))
        return parent_fits(description, name + strlen("Parents."), operation ? operation : "Equals",
                           wanted ? wanted : "");
    g_autofree char *found = comparable(value_at(description, name));
    return fits(found, operation ? operation : "Equals", wanted ? wanted : "");
}

/* ---- expressions ---- */

/* A nested filter holds where one entry of the list fits all of its filters, whose names begin with
 * the list's. */
static bool nested_fits(const json_t *description, const json_t *nested)
{
    const char *path = json_text_at(nested, "NestedPropertyName");
    size_t i, f;
    const json_t *entry, *filter;
    json_array_foreach(json_at(description, path), i, entry)
    {
        bool all = true;
        json_array_foreach(json_object_get(nested, "Filters"), f, filter)
        {
            const char *name = json_text_at(filter, "Name");
            if (g_str_has_prefix(name, path) && name[strlen(path)] == '.')
                name += strlen(path) + 1;
            g_autoptr(json_auto) inner = json_copy((json_t *)filter);
            json_object_set_new(inner, "Name", json_string(name));
            all = all && filter_fits(entry, inner);
        }
        if (all)
            return true;
    }
    return false;
}

static bool expression_fits(const json_t *description, const json_t *expression)
{
    bool any = g_strcmp0(json_text_at(expression, "Operator"), "Or") == 0;
    size_t i, parts = 0;
    const json_t *part;
    static const struct {
        const char *member;
        bool (*fits)(const json_t *description, const json_t *part);
    } members[] = {{"Filters", filter_fits},
                   {"NestedFilters", nested_fits},
                   {"SubExpressions", expression_fits}};
    for (size_t m = 0; m < G_N_ELEMENTS(members); m++) {
        json_array_foreach(json_object_get(expression, members[m].member), i, part)
        {
            parts++;
            if (members[m].fits(description, part) == any)
                return any;
        }
    }
    return parts == 0 || !any;
}

/* ---- the operation ---- */

/* Search's words for kinds are their nouns. */
static const struct kind *kind_of(const char *resource, GError **error)
{
    g_autoptr(GString) names = g_string_new(NULL);
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++) {
        if (!kind->searchable)
            continue;
        if (strcmp(kind->noun, resource) == 0)
            return kind;
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", kind->noun);
    }
    error_set(error, ERROR_VALIDATION,
              "The resource %s cannot be searched in lathe; those that can are %s.", resource,
              names->str);
    return NULL;
}

/* All that fit, as arrays of [sort key, description]. */
static json_t *find_all(const struct call *call, const struct kind *kind, const json_t *expression,
                        GError **error)
{
    struct resource_query query = {.kind = kind->word};
    g_autoptr(GPtrArray) resources = resource_list(call->lathe->store, &query, NULL, error);
    if (!resources)
        return NULL;
    g_autoptr(json_auto) found = json_array();
    for (guint i = 0; i < resources->len; i++) {
        const struct resource *resource = g_ptr_array_index(resources, i);
        g_autoptr(json_auto) description = sagemaker_describe(kind, resource);
        if (kind->tell)
            kind->tell(call->lathe, resource, description);
        json_t *tags = resource_tags(call->lathe->store, resource->arn, error);
        if (!tags)
            return NULL;
        json_object_set_new(description, "Tags", tags);
        if (expression_fits(description, expression))
            json_array_append(found, description);
    }
    return g_steal_pointer(&found);
}

struct sorting {
    const char *by;
    bool ascending;
};

static int compare_descriptions(const void *a, const void *b, void *data)
{
    const struct sorting *sorting = data;
    g_autofree char *left = comparable(value_at(*(json_t *const *)a, sorting->by));
    g_autofree char *right = comparable(value_at(*(json_t *const *)b, sorting->by));
    int order = left && right ? compare(left, right) : (left != NULL) - (right != NULL);
    return sorting->ascending ? order : -order;
}

/* `found` in the order that the request asks for. */
static json_t *sorted(const json_t *found, const json_t *request)
{
    size_t count = json_array_size(found);
    g_autofree json_t **order = g_new(json_t *, count + 1);
    for (size_t i = 0; i < count; i++)
        order[i] = json_array_get(found, i);
    const char *by = json_text_at(request, "SortBy");
    struct sorting sorting = {by ? by : "LastModifiedTime",
                              g_strcmp0(json_text_at(request, "SortOrder"), "Ascending") == 0};
    g_qsort_with_data(order, (int)count, sizeof *order, compare_descriptions, &sorting);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append(list, order[i]);
    return list;
}

/* What a result has no member for can be searched, and is not shown. */
static void fit_results(const struct kind *kind, json_t *results)
{
    size_t i;
    json_t *description;
    json_array_foreach(results, i, description)
    {
        kind_fit_result(kind, description);
        json_array_set_new(results, i, json_pack("{sO}", kind_record(kind), description));
    }
}

bool search(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    const char *resource = json_text_at(request, "Resource");
    const struct kind *kind = kind_of(resource, error);
    if (!kind)
        return false;
    g_autoptr(json_auto) empty = json_object();
    const json_t *expression = json_object_get(request, "SearchExpression");
    g_autoptr(json_auto) found = find_all(call, kind, expression ? expression : empty, error);
    if (!found)
        return false;
    g_autoptr(json_auto) all = sorted(found, request);
    g_autofree char *name = g_strconcat("Search\n", resource, NULL);
    struct page_listing listing = {name, 100, ERROR_VALIDATION};
    if (!page_put(&reply->output, "Results", all, &listing, request, error))
        return false;
    fit_results(kind, json_object_get(reply->output, "Results"));
    return true;
}
