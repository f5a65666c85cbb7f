/* Queries: WITH, set operations, SELECT, VALUES, ORDER BY, LIMIT. */
#include "sql/parser.h"

#include <string.h>

static struct sql_sort parse_sort(struct sql_compiler *c)
{
    struct sql_sort sort = {.line = sql_peek(c, 0)->line, .column = sql_peek(c, 0)->column};
    sort.key = sql_parse_expression(c);
    sort.descending = sql_is(c, "DESC");
    if (!sql_accept(c, "DESC"))
        sql_accept(c, "ASC");
    if (!sql_accept(c, "NULLS"))
        return sort;
    sort.nulls_said = true;
    sort.nulls_first = sql_accept(c, "FIRST");
    if (!sort.nulls_first)
        sql_expect(c, "LAST");
    return sort;
}

struct sql_sort *sql_parse_sorts(struct sql_compiler *c, size_t *count)
{
    struct sql_sort *sorts = NULL;
    *count = 0;
    do {
        sorts = sql_push(c, sorts, count, sizeof *sorts);
        sorts[*count - 1] = parse_sort(c);
    } while (sql_accept(c, ","));
    return sorts;
}

static struct sql_node **parse_expressions(struct sql_compiler *c, size_t *count)
{
    struct sql_node **nodes = NULL;
    do {
        nodes = sql_push(c, nodes, count, sizeof *nodes);
        nodes[*count - 1] = sql_parse_expression(c);
    } while (sql_accept(c, ","));
    return nodes;
}

static struct sql_bound parse_bound(struct sql_compiler *c)
{
    struct sql_bound bound = {.line = sql_peek(c, 0)->line, .column = sql_peek(c, 0)->column};
    if (sql_accept_two(c, "CURRENT", "ROW")) {
        bound.kind = BOUND_CURRENT;
        return bound;
    }
    bool unbounded = sql_is(c, "UNBOUNDED") &&
                     (sql_is_ahead(c, 1, "PRECEDING") || sql_is_ahead(c, 1, "FOLLOWING"));
    bound.kind = unbounded ? BOUND_UNBOUNDED : BOUND_VALUE;
    if (unbounded)
        c->at++;
    else
        bound.value = sql_parse_expression(c);
    bound.following = sql_accept(c, "FOLLOWING");
    if (!bound.following)
        sql_expect(c, "PRECEDING");
    return bound;
}

static void parse_frame(struct sql_compiler *c, struct sql_window *window)
{
    static const char *const FRAMES[] = {"RANGE", "ROWS", "GROUPS", NULL};
    if (sql_is(c, "MEASURES"))
        sql_fail_at(c, sql_peek(c, 0), "NOT_SUPPORTED",
                    "row pattern recognition in a window is not supported");
    window->frame_line = sql_peek(c, 0)->line;
    window->frame_column = sql_peek(c, 0)->column;
    window->frame = sql_accept_one(c, FRAMES);
    if (!window->frame)
        return;
    bool between = sql_accept(c, "BETWEEN");
    window->start = parse_bound(c);
    if (!between)
        return;
    sql_expect(c, "AND");
    window->end = parse_bound(c);
}

static bool is_existing_window(const struct sql_compiler *c)
{
    static const char *const NOT[] = {"PARTITION", "RANGE", "ROWS", "GROUPS", "MEASURES"};
    for (size_t i = 0; i < sizeof NOT / sizeof *NOT; i++)
        if (sql_is(c, NOT[i]) && !sql_is_ahead(c, 1, ")"))
            return false;
    return sql_is_identifier(c, 0);
}

static struct sql_window *parse_specification(struct sql_compiler *c)
{
    struct sql_window *window = sql_take(c, 1, sizeof *window);
    window->line = sql_peek(c, 0)->line;
    window->column = sql_peek(c, 0)->column;
    sql_expect(c, "(");
    if (is_existing_window(c))
        window->reference = sql_identifier(c).text;
    if (sql_accept_two(c, "PARTITION", "BY"))
        window->partition = parse_expressions(c, &window->partition_count);
    if (sql_accept_two(c, "ORDER", "BY"))
        window->sorts = sql_parse_sorts(c, &window->sort_count);
    parse_frame(c, window);
    sql_expect(c, ")");
    return window;
}

struct sql_window *sql_parse_window(struct sql_compiler *c)
{
    if (sql_is(c, "("))
        return parse_specification(c);
    struct sql_window *window = sql_take(c, 1, sizeof *window);
    window->line = sql_peek(c, 0)->line;
    window->column = sql_peek(c, 0)->column;
    window->reference = sql_identifier(c).text;
    window->bare = true;
    return window;
}

/* primary.* or *: told by the star that ends it. */
static struct sql_node *parse_star(struct sql_compiler *c, struct sql_node *base,
                                   const struct sql_token *at)
{
    struct sql_node *node = sql_new_node(c, NODE_STAR, at);
    sql_add_part(c, node, base);
    sql_expect(c, "*");
    if (!base || !sql_accept(c, "AS"))
        return node;
    size_t count;
    struct sql_name *names = sql_name_list(c, &count);
    for (size_t i = 0; i < count; i++) {
        node->names = sql_push(c, node->names, &node->name_count, sizeof *node->names);
        node->names[i] = names[i].text;
    }
    return node;
}

static struct sql_item parse_item(struct sql_compiler *c)
{
    struct sql_item item = {0};
    const struct sql_token *at = sql_peek(c, 0);
    if (sql_is(c, "*")) {
        item.value = parse_star(c, NULL, at);
        return item;
    }
    item.value = sql_parse_expression(c);
    if (sql_accept_two(c, ".", "*")) {
        c->at--;
        item.value = parse_star(c, item.value, at);
        return item;
    }
    if (sql_accept(c, "AS") || sql_is_alias(c)) {
        item.alias = sql_take(c, 1, sizeof *item.alias);
        *item.alias = sql_identifier(c);
    }
    return item;
}

static void add_set(struct sql_compiler *c, struct sql_grouping *grouping, struct sql_node **keys,
                    size_t size)
{
    size_t count = grouping->count;
    grouping->sets = sql_push(c, grouping->sets, &count, sizeof *grouping->sets);
    grouping->sizes = sql_push(c, grouping->sizes, &grouping->count, sizeof *grouping->sizes);
    grouping->sets[count - 1] = keys;
    grouping->sizes[count - 1] = size;
}

/* The parenthesis here closes a grouping set, rather than beginning an expression that goes on. */
static bool is_set(const struct sql_compiler *c)
{
    static const char *const AFTER[] = {",",     ")",         "HAVING", "WINDOW", "ORDER",
                                        "LIMIT", "OFFSET",    "FETCH",  "UNION",  "EXCEPT",
                                        "WITH",  "INTERSECT", NULL};
    size_t open = 0, at = 0;
    do {
        open += sql_is_ahead(c, at, "(");
        open -= sql_is_ahead(c, at, ")");
        if (sql_peek(c, at)->kind == TOKEN_END)
            return false;
        at++;
    } while (open);
    for (size_t i = 0; AFTER[i]; i++)
        if (sql_is_ahead(c, at, AFTER[i]))
            return !sql_is_query(c);
    return sql_peek(c, at)->kind == TOKEN_END && !sql_is_query(c);
}

static void parse_set(struct sql_compiler *c, struct sql_grouping *grouping)
{
    struct sql_node **keys = NULL;
    size_t size = 0;
    if (!sql_is(c, "(") || !is_set(c)) {
        keys = sql_push(c, keys, &size, sizeof *keys);
        keys[0] = sql_parse_expression(c);
    } else {
        sql_expect(c, "(");
        grouping->parentheses = true;
        if (!sql_is(c, ")"))
            keys = parse_expressions(c, &size);
        sql_expect(c, ")");
    }
    add_set(c, grouping, keys, size);
}

static struct sql_grouping parse_grouping(struct sql_compiler *c)
{
    struct sql_grouping grouping = {.line = sql_peek(c, 0)->line, .column = sql_peek(c, 0)->column};
    grouping.kind = sql_accept_two(c, "GROUPING", "SETS") ? GROUPING_SETS
                    : sql_accept(c, "CUBE")               ? GROUPING_CUBE
                    : sql_accept(c, "ROLLUP")             ? GROUPING_ROLLUP
                                                          : GROUPING_SIMPLE;
    if (grouping.kind == GROUPING_SIMPLE) {
        parse_set(c, &grouping);
        return grouping;
    }
    sql_expect(c, "(");
    if (grouping.kind != GROUPING_SETS && sql_accept(c, ")"))
        return grouping;
    do
        parse_set(c, &grouping);
    while (sql_accept(c, ","));
    sql_expect(c, ")");
    return grouping;
}

/* ALL is a name where nothing follows that it could be said of. */
static bool ends_key(const struct sql_compiler *c, size_t ahead)
{
    static const char *const AFTER[] = {",",     ")",         "HAVING", "ORDER",
                                        "UNION", "INTERSECT", "EXCEPT"};
    for (size_t i = 0; i < sizeof AFTER / sizeof *AFTER; i++)
        if (sql_is_ahead(c, ahead, AFTER[i]))
            return true;
    return sql_peek(c, ahead)->kind == TOKEN_END;
}

static void parse_group_by(struct sql_compiler *c, struct sql_body *body)
{
    if (!sql_accept_two(c, "GROUP", "BY")) {
        if (sql_accept(c, "GROUP"))
            sql_fail_syntax(c);
        return;
    }
    body->grouped = true;
    body->group_distinct = sql_accept(c, "DISTINCT");
    if (!body->group_distinct && sql_is(c, "ALL") && !ends_key(c, 1))
        c->at++;
    do {
        body->groupings =
            sql_push(c, body->groupings, &body->grouping_count, sizeof *body->groupings);
        body->groupings[body->grouping_count - 1] = parse_grouping(c);
    } while (sql_accept(c, ","));
}

static void parse_windows(struct sql_compiler *c, struct sql_body *body)
{
    if (!sql_is(c, "WINDOW") || !sql_is_identifier(c, 1) || !sql_is_ahead(c, 2, "AS"))
        return;
    c->at++;
    do {
        body->windows = sql_push(c, body->windows, &body->window_count, sizeof *body->windows);
        struct sql_named_window *named = &body->windows[body->window_count - 1];
        struct sql_name name = sql_identifier(c);
        *named =
            (struct sql_named_window){.name = name.text, .line = name.line, .column = name.column};
        sql_expect(c, "AS");
        named->window = parse_specification(c);
    } while (sql_accept(c, ","));
}

static struct sql_relation *implicit_join(struct sql_compiler *c, struct sql_relation *left)
{
    struct sql_relation *join = sql_take(c, 1, sizeof *join);
    *join = (struct sql_relation){.kind = RELATION_JOIN,
                                  .line = left->line,
                                  .column = left->column,
                                  .join = "IMPLICIT",
                                  .left = left};
    join->right = sql_parse_relation(c);
    join->height = sql_taller(c, left->height, sql_peek(c, 0));
    return join;
}

static void parse_from(struct sql_compiler *c, struct sql_body *body)
{
    if (!sql_accept(c, "FROM"))
        return;
    body->from = sql_parse_relation(c);
    while (sql_accept(c, ","))
        body->from = implicit_join(c, body->from);
}

static struct sql_body *new_body(struct sql_compiler *c, enum body_kind kind)
{
    struct sql_body *body = sql_take(c, 1, sizeof *body);
    *body = (struct sql_body){
        .kind = kind, .line = sql_peek(c, 0)->line, .column = sql_peek(c, 0)->column, .height = 1};
    return body;
}

static struct sql_body *parse_select(struct sql_compiler *c)
{
    struct sql_body *body = new_body(c, BODY_SELECT);
    sql_expect(c, "SELECT");
    body->distinct = sql_accept(c, "DISTINCT");
    if (!body->distinct && sql_is(c, "ALL") && !sql_is_ahead(c, 1, "FROM") &&
        !sql_is_ahead(c, 1, ","))
        c->at++;
    do {
        body->items = sql_push(c, body->items, &body->item_count, sizeof *body->items);
        body->items[body->item_count - 1] = parse_item(c);
    } while (sql_accept(c, ","));
    parse_from(c, body);
    if (sql_accept(c, "WHERE"))
        body->where = sql_parse_expression(c);
    parse_group_by(c, body);
    if (sql_accept(c, "HAVING"))
        body->having = sql_parse_expression(c);
    parse_windows(c, body);
    return body;
}

static struct sql_body *parse_body_primary(struct sql_compiler *c)
{
    if (sql_is(c, "SELECT"))
        return parse_select(c);
    struct sql_body *body = new_body(c, BODY_QUERY);
    if (sql_accept(c, "TABLE")) {
        body->kind = BODY_TABLE;
        body->table = sql_table_relation(c);
    } else if (sql_accept(c, "VALUES")) {
        body->kind = BODY_VALUES;
        body->rows = parse_expressions(c, &body->row_count);
    } else {
        sql_expect(c, "(");
        body->query = sql_parse_query_no_with(c);
        sql_expect(c, ")");
    }
    return body;
}

static struct sql_body *set_operation(struct sql_compiler *c, struct sql_body *left,
                                      struct sql_body *(*rule)(struct sql_compiler *),
                                      const char *operation)
{
    struct sql_body *body = new_body(c, BODY_SET);
    c->at++;
    body->operation = operation;
    body->distinct = !sql_accept(c, "ALL");
    if (body->distinct)
        sql_accept(c, "DISTINCT");
    body->left = left;
    body->right = rule(c);
    body->height = sql_taller(c, left->height, sql_peek(c, 0));
    return body;
}

static struct sql_body *parse_intersect(struct sql_compiler *c)
{
    struct sql_body *left = parse_body_primary(c);
    while (sql_is(c, "INTERSECT"))
        left = set_operation(c, left, parse_body_primary, "INTERSECT");
    return left;
}

static struct sql_body *parse_term(struct sql_compiler *c)
{
    struct sql_body *left = parse_intersect(c);
    while (sql_is(c, "UNION") || sql_is(c, "EXCEPT"))
        left = set_operation(c, left, parse_intersect, sql_is(c, "UNION") ? "UNION" : "EXCEPT");
    return left;
}

static struct sql_node *parse_row_count(struct sql_compiler *c)
{
    const struct sql_token *token = sql_peek(c, 0);
    if (token->kind == TOKEN_INTEGER) {
        struct sql_node *node = sql_new_node(c, NODE_INTEGER, token);
        node->text = arena_copy(&c->arena, token->start, token->size);
        c->at++;
        return node;
    }
    if (!sql_is(c, "?"))
        sql_fail_syntax(c);
    struct sql_node *node = sql_new_node(c, NODE_PARAMETER, token);
    node->number = (int)c->parameters++;
    c->at++;
    return node;
}

static void parse_fetch(struct sql_compiler *c, struct sql_query *query)
{
    query->fetch = true;
    if (!sql_accept(c, "FIRST"))
        sql_expect(c, "NEXT");
    if (!sql_is(c, "ROW") && !sql_is(c, "ROWS"))
        query->limit = parse_row_count(c);
    if (!sql_accept(c, "ROW"))
        sql_expect(c, "ROWS");
    if (sql_accept(c, "ONLY"))
        return;
    sql_expect(c, "WITH");
    sql_expect(c, "TIES");
    query->ties = true;
}

static void parse_limits(struct sql_compiler *c, struct sql_query *query)
{
    if (sql_accept(c, "OFFSET")) {
        query->offset = parse_row_count(c);
        if (!sql_accept(c, "ROWS"))
            sql_accept(c, "ROW");
    }
    query->limit_line = sql_peek(c, 0)->line;
    query->limit_column = sql_peek(c, 0)->column;
    if (sql_accept(c, "LIMIT")) {
        if (!sql_accept(c, "ALL"))
            query->limit = parse_row_count(c);
    } else if (sql_accept(c, "FETCH")) {
        parse_fetch(c, query);
    }
}

static struct sql_query *new_query(struct sql_compiler *c)
{
    struct sql_query *query = sql_take(c, 1, sizeof *query);
    query->line = sql_peek(c, 0)->line;
    query->column = sql_peek(c, 0)->column;
    query->start = sql_peek(c, 0)->start;
    return query;
}

static void parse_rest(struct sql_compiler *c, struct sql_query *query)
{
    sql_enter(c);
    query->body = parse_term(c);
    if (sql_accept(c, "ORDER")) {
        sql_expect(c, "BY");
        query->sorts = sql_parse_sorts(c, &query->sort_count);
    }
    parse_limits(c, query);
    sql_leave(c);
    const struct sql_token *last = &c->tokens[c->at - 1];
    query->end = last->start + last->size;
}

struct sql_query *sql_parse_query_no_with(struct sql_compiler *c)
{
    struct sql_query *query = new_query(c);
    parse_rest(c, query);
    return query;
}

static void parse_with(struct sql_compiler *c, struct sql_query *query)
{
    query->recursive = sql_accept(c, "RECURSIVE");
    do {
        query->with = sql_push(c, query->with, &query->with_count, sizeof *query->with);
        struct sql_with with = {.name = sql_identifier(c)};
        if (sql_is(c, "("))
            with.columns = sql_name_list(c, &with.column_count);
        sql_expect(c, "AS");
        sql_expect(c, "(");
        with.query = sql_parse_query(c);
        sql_expect(c, ")");
        query->with[query->with_count - 1] = with;
    } while (sql_accept(c, ","));
}

struct sql_query *sql_parse_query(struct sql_compiler *c)
{
    struct sql_query *query = new_query(c);
    if (sql_accept(c, "WITH"))
        parse_with(c, query);
    parse_rest(c, query);
    return query;
}
