#include "sql/group.h"

#include "sql/type_kinds.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SETS = 2048 };

struct sets {
    size_t **lists;
    size_t *sizes;
    size_t count;
};

static void add_set(struct sql_compiler *c, struct sets *sets, size_t *keys, size_t size)
{
    size_t count = sets->count;
    sets->lists = sql_push(c, sets->lists, &count, sizeof *sets->lists);
    sets->sizes = sql_push(c, sets->sizes, &sets->count, sizeof *sets->sizes);
    sets->lists[count - 1] = keys;
    sets->sizes[count - 1] = size;
}

/* The key's number; a key that is there already is not added. */
static size_t add_key(struct sql_context *x, struct sql_grouped *grouped, struct sql_value value)
{
    struct sql_aggregation *groups = &grouped->aggregation;
    for (size_t i = 0; i < groups->key_count; i++)
        if (sql_same_text(groups->keys[i].text, value.text))
            return i;
    groups->keys = sql_push(x->c, groups->keys, &groups->key_count, sizeof *groups->keys);
    groups->keys[groups->key_count - 1] = value;
    return groups->key_count - 1;
}

static struct sql_node *ordinal(struct sql_context *x, struct sql_node *node,
                                struct sql_node *const *items, size_t count)
{
    if (node->kind != NODE_INTEGER)
        return node;
    long place = strtol(node->text, NULL, 10);
    if (place < 1 || (size_t)place > count)
        sql_fail_at(x->c, node, "INVALID_COLUMN_REFERENCE",
                    "GROUP BY position %ld is not in select list", place);
    return items[place - 1];
}

static size_t read_key(struct sql_context *x, struct sql_grouped *grouped, struct sql_node *node,
                       bool columns_only)
{
    const char *parts[32];
    const struct sql_node *wrong =
        sql_scan_first(x->c, node, SCAN_AGGREGATE | SCAN_WINDOW | SCAN_GROUPING);
    if (wrong)
        sql_fail_at(x->c, wrong, "EXPRESSION_NOT_SCALAR",
                    "GROUP BY clause cannot contain aggregations, window functions or grouping "
                    "operations: [%s]",
                    sql_node_text(&x->c->arena, wrong));
    struct sql_value value = sql_expression(x, node);
    if (columns_only && !sql_name_parts(node, parts, 32))
        sql_fail_at(x->c, node, "INVALID_COLUMN_REFERENCE",
                    "GROUP BY expression must be a column reference: %s",
                    sql_node_text(&x->c->arena, node));
    if (!sql_type_comparable(value.type))
        sql_fail_at(x->c, node, "TYPE_MISMATCH",
                    "%s is not comparable, and therefore cannot be used in GROUP BY",
                    sql_type_write(&x->c->arena, value.type));
    return add_key(x, grouped, value);
}

struct reading {
    struct sql_context *x;
    struct sql_grouped *grouped;
    struct sql_node *const *items;
    size_t item_count;
};

static size_t *read_set(struct reading *reading, const struct sql_grouping *grouping, size_t index)
{
    struct sql_context *x = reading->x;
    size_t size = grouping->sizes[index];
    size_t *keys = sql_take(x->c, size, sizeof *keys);
    for (size_t i = 0; i < size; i++) {
        struct sql_node *node =
            ordinal(x, grouping->sets[index][i], reading->items, reading->item_count);
        keys[i] = read_key(x, reading->grouped, node, grouping->kind != GROUPING_SIMPLE);
    }
    return keys;
}

/* The sets of one element of GROUP BY: ROLLUP and CUBE are made of its lists of keys. */
static size_t *joined(struct sql_compiler *c, const struct sets *all, unsigned long chosen,
                      size_t *size)
{
    size_t *keys = NULL;
    *size = 0;
    for (size_t i = 0; i < all->count; i++)
        for (size_t j = 0; chosen >> i & 1 && j < all->sizes[i]; j++) {
            keys = sql_push(c, keys, size, sizeof *keys);
            keys[*size - 1] = all->lists[i][j];
        }
    return keys;
}

static struct sets element_sets(struct reading *reading, const struct sql_grouping *grouping)
{
    struct sql_compiler *c = reading->x->c;
    struct sets all = {0}, made = {0};
    for (size_t i = 0; i < grouping->count; i++)
        add_set(c, &all, read_set(reading, grouping, i), grouping->sizes[i]);
    if (grouping->kind == GROUPING_SIMPLE || grouping->kind == GROUPING_SETS)
        return all;
    if (all.count > 30 || (grouping->kind == GROUPING_CUBE && all.count > 11))
        sql_fail_at(c, grouping, "TOO_MANY_GROUPING_SETS",
                    "GROUP BY has more than %d grouping sets", MOST_SETS);
    bool cube = grouping->kind == GROUPING_CUBE;
    for (unsigned long chosen = (1ul << all.count) - 1;; chosen = cube ? chosen - 1 : chosen >> 1) {
        size_t size;
        size_t *keys = joined(c, &all, chosen, &size);
        add_set(c, &made, keys, size);
        if (!chosen)
            return made;
    }
}

static struct sets crossed(struct sql_compiler *c, const struct sets *a, const struct sets *b,
                           const struct sql_grouping *at)
{
    struct sets all = {0};
    if (a->count * b->count > MOST_SETS)
        sql_fail_at(c, at, "TOO_MANY_GROUPING_SETS",
                    "GROUP BY has %zu grouping sets but can contain at most %d",
                    a->count * b->count, MOST_SETS);
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++) {
            size_t size = a->sizes[i] + b->sizes[j];
            size_t *keys = sql_take(c, size, sizeof *keys);
            if (a->sizes[i])
                memcpy(keys, a->lists[i], a->sizes[i] * sizeof *keys);
            if (b->sizes[j])
                memcpy(keys + a->sizes[i], b->lists[j], b->sizes[j] * sizeof *keys);
            add_set(c, &all, keys, size);
        }
    return all;
}

static bool holds(const size_t *keys, size_t size, size_t key)
{
    for (size_t i = 0; i < size; i++)
        if (keys[i] == key)
            return true;
    return false;
}

static bool same_set(const struct sets *all, size_t a, size_t b)
{
    for (size_t i = 0; i < all->sizes[a]; i++)
        if (!holds(all->lists[b], all->sizes[b], all->lists[a][i]))
            return false;
    for (size_t i = 0; i < all->sizes[b]; i++)
        if (!holds(all->lists[a], all->sizes[a], all->lists[b][i]))
            return false;
    return true;
}

/* GROUP BY DISTINCT: each set once. */
static struct sets distinct_sets(struct sql_compiler *c, const struct sets *all)
{
    struct sets kept = {0};
    for (size_t i = 0; i < all->count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = same_set(all, i, j);
        if (!seen)
            add_set(c, &kept, all->lists[i], all->sizes[i]);
    }
    return kept;
}

struct sql_grouped *sql_group(struct sql_context *source, struct sql_body *body,
                              struct sql_node *const *items, size_t item_count)
{
    struct sql_compiler *c = source->c;
    struct sql_grouped *grouped = sql_take(c, 1, sizeof *grouped);
    struct reading reading = {source, grouped, items, item_count};
    struct sets sets = {0};
    add_set(c, &sets, NULL, 0);
    for (size_t i = 0; i < body->grouping_count; i++) {
        struct sets more = element_sets(&reading, &body->groupings[i]);
        sets = crossed(c, &sets, &more, &body->groupings[i]);
    }
    if (body->group_distinct)
        sets = distinct_sets(c, &sets);
    grouped->sets = sets.lists;
    grouped->sizes = sets.sizes;
    grouped->count = sets.count;
    grouped->aggregation.relation = sql_printf(&c->arena, "g%zu", ++c->names);
    return grouped;
}

/* Keys whose order is not their own value's are grouped by it, and any of their values is shown. */
static const char *key_text(struct sql_context *x, const struct sql_value *key)
{
    return sql_sort_key(x, *key);
}

static void put_set(struct sql_context *x, struct sql_text *text, const struct sql_grouped *grouped,
                    size_t set)
{
    for (size_t i = 0; i < grouped->sizes[set]; i++)
        sql_text_printf(text, "%s%s", i ? ", " : "",
                        key_text(x, &grouped->aggregation.keys[grouped->sets[set][i]]));
}

static void put_grouping(struct sql_context *x, struct sql_text *text,
                         const struct sql_grouped *grouped)
{
    if (grouped->count == 1 && !grouped->sizes[0])
        return;
    if (grouped->count == 1) {
        sql_text_put(text, " GROUP BY ");
        put_set(x, text, grouped, 0);
        return;
    }
    sql_text_put(text, " GROUP BY GROUPING SETS (");
    for (size_t i = 0; i < grouped->count; i++) {
        sql_text_put(text, i ? ", (" : "(");
        put_set(x, text, grouped, i);
        sql_text_put(text, ")");
    }
    sql_text_put(text, ")");
}

/* In a set that leaves the key out it is NULL. */
static void put_key(struct sql_context *x, struct sql_text *text, const struct sql_value *key,
                    size_t number, bool sets)
{
    const char *by = key_text(x, key);
    if (strcmp(key->text, by) == 0)
        sql_text_printf(text, "%s AS k%zu, ", key->text, number);
    else if (sets)
        sql_text_printf(text, "CASE WHEN grouping(%s) = 0 THEN any_value(%s) END AS k%zu, ", by,
                        key->text, number);
    else
        sql_text_printf(text, "any_value(%s) AS k%zu, ", key->text, number);
}

const char *sql_group_text(struct sql_context *source, const struct sql_grouped *grouped,
                           const char *from)
{
    const struct sql_aggregation *groups = &grouped->aggregation;
    struct sql_text text = {.arena = &source->c->arena};
    sql_text_put(&text, "(SELECT ");
    for (size_t i = 0; i < groups->key_count; i++)
        put_key(source, &text, &groups->keys[i], i + 1, grouped->count > 1);
    for (size_t i = 0; i < groups->call_count; i++)
        sql_text_printf(&text, "%s AS a%zu, ", groups->calls[i].text, i + 1);
    sql_text_printf(&text, "count(*) AS a0%s", from);
    put_grouping(source, &text, grouped);
    sql_text_printf(&text, ") AS %s", groups->relation);
    return sql_text_end(&text);
}
