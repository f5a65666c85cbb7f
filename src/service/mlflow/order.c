/* Searches: what matches a filter, in which order ("metrics.loss DESC"). */
#include <math.h>
#include <string.h>

#include "service/mlflow/mlflow_inside.h"

enum { MOST_ORDERS = 64 };

struct order {
    char *type, *key;
    bool descends;
};

static void clear_order(void *data)
{
    struct order *order = data;
    g_free(order->type);
    g_free(order->key);
}

/* ---- reading ---- */

/* Takes the last word, where it says a direction, off the text. */
static bool take_direction(char *text, bool *descends, GError **error)
{
    char *space = strrchr(text, ' ');
    bool is_quoted = space && strpbrk(space, "`\"'");
    if (!space || is_quoted)
        return true;
    *descends = g_ascii_strcasecmp(space + 1, "DESC") == 0;
    if (!*descends && g_ascii_strcasecmp(space + 1, "ASC") != 0)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "Invalid ordering key in order_by clause '%.256s'.", text);
    *space = '\0';
    g_strstrip(text);
    return true;
}

/* Quotes apart, an identifier has no spaces. */
static bool is_whole(const char *text)
{
    char quote = '\0';
    for (const char *at = text; *at; at++)
        if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (strchr("`\"'", *at))
            quote = *at;
        else if (*at == ' ')
            return false;
    return *text && !quote;
}

static bool read_order(const struct filter_language *language, const char *clause, GArray *orders,
                       GError **error)
{
    g_autofree char *text = g_strstrip(g_strdup(clause));
    struct order order = {0};
    bool read = take_direction(text, &order.descends, error);
    if (read && !is_whole(text))
        read = error_set(error, ERROR_MLFLOW_VALUE,
                         "Invalid order_by clause '%.256s'. Could not be parsed.", clause);
    read = read &&
           filter_read_identifier(language, language->orders, text, &order.type, &order.key, error);
    if (read && strcmp(order.type, "dataset") == 0)
        read = error_set(error, ERROR_MLFLOW_VALUE, "Invalid order_by entity type 'dataset'");
    g_array_append_val(orders, order);
    return read;
}

static bool read_orders(const struct filter_language *language, const json_t *clauses,
                        const char *const *last, GArray *orders, GError **error)
{
    size_t i;
    const json_t *clause;
    if (json_array_size(clauses) > MOST_ORDERS)
        return error_set(error, ERROR_MLFLOW_VALUE, "order_by has more than %d clauses",
                         MOST_ORDERS);
    json_array_foreach((json_t *)clauses, i, clause)
    {
        if (!read_order(language, json_string_value(clause), orders, error))
            return false;
    }
    for (; *last; last++)
        if (!read_order(language, *last, orders, error))
            return false;
    return true;
}

/* ---- comparing ---- */

/* Values come first, then what is no number, then what is missing, whatever the direction. */
static int rank_of(const json_t *value, double *number)
{
    if (!value || json_is_null(value))
        return 2;
    *number = 0;
    bool is_number = json_is_number(value) && mlflow_number_of(value, number);
    return is_number && isnan(*number) ? 1 : 0;
}

/* Metrics that are not finite are texts in JSON. */
static int compare_values(const struct order *order, const json_t *a, const json_t *b)
{
    double x = 0, y = 0;
    int rank_a = rank_of(a, &x), rank_b = rank_of(b, &y);
    bool is_metric = strcmp(order->type, "metric") == 0;
    if (is_metric && a && mlflow_number_of(a, &x))
        rank_a = isnan(x) ? 1 : 0;
    if (is_metric && b && mlflow_number_of(b, &y))
        rank_b = isnan(y) ? 1 : 0;
    if (rank_a || rank_b || rank_a != rank_b)
        return rank_a - rank_b;
    int result = json_is_string(a) && json_is_string(b) && !is_metric
                     ? strcmp(json_string_value(a), json_string_value(b))
                     : (x > y) - (x < y);
    return order->descends ? -result : result;
}

static int compare_subjects(const void *a, const void *b, void *data)
{
    const GArray *orders = data;
    for (guint i = 0; i < orders->len; i++) {
        const struct order *order = &g_array_index(orders, struct order, i);
        const json_t *one = json_object_get(*(json_t *const *)a, order->type);
        const json_t *other = json_object_get(*(json_t *const *)b, order->type);
        int result = compare_values(order, json_object_get(one, order->key),
                                    json_object_get(other, order->key));
        if (result)
            return result;
    }
    return 0;
}

static void sort(json_t *subjects, GArray *orders)
{
    size_t count = json_array_size(subjects);
    g_autofree json_t **sorted = g_new(json_t *, count + 1);
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_incref(json_array_get(subjects, i));
    g_qsort_with_data(sorted, (int)count, sizeof *sorted, compare_subjects, orders);
    for (size_t i = 0; i < count; i++)
        json_array_set_new(subjects, i, sorted[i]);
}

bool order_subjects(const struct filter_language *language, json_t *subjects, const json_t *clauses,
                    const char *const *last, GError **error)
{
    g_autoptr(GArray) orders = g_array_new(FALSE, FALSE, sizeof(struct order));
    g_array_set_clear_func(orders, clear_order);
    if (!read_orders(language, clauses, last, orders, error))
        return false;
    sort(subjects, orders);
    return true;
}

/* ---- searching ---- */

static bool find(const struct call *call, const json_t *request, const struct search *search,
                 const GPtrArray *all, json_t *found, GError **error)
{
    g_autoptr(filter_auto) filter =
        filter_parse(search->language, json_text_at(request, "filter"), error);
    for (guint i = 0; filter && i < all->len; i++) {
        GError *cause = NULL;
        g_autoptr(json_auto) subject =
            search->subject(call, request, g_ptr_array_index(all, i), &cause);
        if (cause) {
            g_propagate_error(error, cause);
            return false;
        }
        if (subject && filter_matches(filter, subject))
            json_array_append(found, subject);
    }
    return filter != NULL;
}

bool search_resources(const struct call *call, const json_t *request, const struct search *search,
                      const GPtrArray *all, struct reply *reply, GError **error)
{
    g_autoptr(json_auto) found = json_array(), views = json_array();
    const json_t *clauses =
        search->clauses ? search->clauses : json_object_get(request, "order_by");
    if (!all || !find(call, request, search, all, found, error) ||
        !order_subjects(search->language, found, clauses, search->last, error))
        return false;
    size_t i;
    const json_t *subject;
    json_array_foreach(found, i, subject)
        json_array_append(views, json_object_get(subject, "view"));
    return mlflow_page(request, search->usual, search->most, views, search->member, reply, error);
}
