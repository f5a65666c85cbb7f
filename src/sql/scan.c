/* What an expression holds: aggregates, windows, subqueries, grouping(). */
#include "sql/scope.h"

#include "sql/function.h"

#include <string.h>

static bool is_aggregate(const struct sql_node *node)
{
    if (node->kind == NODE_LISTAGG)
        return true;
    for (size_t i = 0; sql_function_families[i] && node->kind == NODE_CALL; i++)
        for (const struct sql_function *row = sql_function_families[i]; row->name; row++)
            if (strcmp(row->name, node->text) == 0)
                return row->kind == SQL_AGGREGATE;
    return false;
}

static unsigned own(const struct sql_node *node)
{
    if (node->query)
        return SCAN_SUBQUERY;
    if (node->kind == NODE_GROUPING)
        return SCAN_GROUPING;
    if (node->kind == NODE_CALL && node->window)
        return SCAN_WINDOW;
    return is_aggregate(node) ? SCAN_AGGREGATE : 0;
}

typedef void visit(void *data, const struct sql_node *node);

static void each_sort(const struct sql_sort *sorts, size_t count, visit *visitor, void *data)
{
    for (size_t i = 0; i < count; i++)
        visitor(data, sorts[i].key);
}

static void each_window(const struct sql_window *window, visit *visitor, void *data)
{
    for (size_t i = 0; i < window->partition_count; i++)
        visitor(data, window->partition[i]);
    each_sort(window->sorts, window->sort_count, visitor, data);
    if (window->start.value)
        visitor(data, window->start.value);
    if (window->end.value)
        visitor(data, window->end.value);
}

static void each_json(const struct sql_json *json, visit *visitor, void *data)
{
    if (json->input.value)
        visitor(data, json->input.value);
    for (size_t i = 0; i < json->count; i++) {
        visitor(data, json->arguments[i].value);
        if (json->keys)
            visitor(data, json->keys[i]);
    }
}

static void each_part(const struct sql_node *node, visit *visitor, void *data)
{
    for (size_t i = 0; i < node->count; i++)
        if (node->parts[i])
            visitor(data, node->parts[i]);
    each_sort(node->sorts, node->sort_count, visitor, data);
    if (node->filter)
        visitor(data, node->filter);
    if (node->window)
        each_window(node->window, visitor, data);
    if (node->json)
        each_json(node->json, visitor, data);
}

struct found {
    unsigned all, wanted;
    const struct sql_node *first;
};

static void look(void *data, const struct sql_node *node)
{
    struct found *found = data;
    unsigned what = own(node);
    found->all |= what;
    if (!found->first && what & found->wanted)
        found->first = node;
    each_part(node, look, data);
}

unsigned sql_scan(struct sql_compiler *c, const struct sql_node *node)
{
    (void)c;
    struct found found = {0};
    look(&found, node);
    return found.all;
}

const struct sql_node *sql_scan_first(struct sql_compiler *c, const struct sql_node *node,
                                      unsigned what)
{
    (void)c;
    struct found found = {.wanted = what};
    look(&found, node);
    return found.first;
}
