/* OVER (...): named windows resolved, frames checked, orders written. */
#include "sql/scope.h"

#include "sql/coerce.h"
#include "sql/type_kinds.h"

#include <string.h>

const char *sql_order(struct sql_context *x, struct sql_sort *sorts, size_t count)
{
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < count; i++) {
        struct sql_value value = sql_expression(x, sorts[i].key);
        if (!sql_type_orderable(value.type))
            sql_fail_at(x->c, sorts[i].key, "TYPE_MISMATCH",
                        "ORDER BY can only be applied to orderable types (actual: %s)",
                        sql_type_write(&x->c->arena, value.type));
        sql_text_printf(&text, "%s%s %s NULLS %s", i ? ", " : " ORDER BY ", sql_sort_key(x, value),
                        sorts[i].descending ? "DESC" : "ASC",
                        sorts[i].nulls_first ? "FIRST" : "LAST");
    }
    return sql_text_end(&text);
}

static const struct sql_window *named(struct sql_context *x, const struct sql_window *window)
{
    for (size_t i = 0; x->body && i < x->body->window_count; i++)
        if (sql_same_word(x->body->windows[i].name, window->reference))
            return x->body->windows[i].window;
    sql_fail_at(x->c, window, "INVALID_WINDOW_REFERENCE", "Cannot resolve WINDOW name %s",
                window->reference);
}

/* The window with what it goes on from filled in. */
static struct sql_window merged(struct sql_context *x, const struct sql_window *window, int depth)
{
    struct sql_window own = *window;
    if (!window->reference || depth > 50)
        return own;
    struct sql_window base = merged(x, named(x, window), depth + 1);
    if (window->bare)
        return base;
    if (window->partition_count)
        sql_fail_at(x->c, window, "INVALID_PARTITION_BY",
                    "WINDOW specification with named WINDOW reference cannot specify PARTITION BY");
    if (window->sort_count && base.sort_count)
        sql_fail_at(x->c, window, "INVALID_ORDER_BY",
                    "Cannot specify ORDER BY if referenced named WINDOW specifies ORDER BY");
    if (base.frame)
        sql_fail_at(x->c, window, "INVALID_WINDOW_REFERENCE",
                    "Cannot reference named WINDOW containing frame specification");
    own.partition = base.partition;
    own.partition_count = base.partition_count;
    if (!own.sort_count) {
        own.sorts = base.sorts;
        own.sort_count = base.sort_count;
    }
    return own;
}

static void check_frame(struct sql_context *x, const struct sql_window *window)
{
    const struct sql_bound *start = &window->start, *end = &window->end;
    bool from_following = start->kind == BOUND_VALUE && start->following;
    bool to_preceding = end->kind == BOUND_VALUE && !end->following;
    const char *wrong = NULL;
    if (start->kind == BOUND_UNBOUNDED && start->following)
        wrong = "Window frame start cannot be UNBOUNDED FOLLOWING";
    else if (end->kind == BOUND_UNBOUNDED && !end->following)
        wrong = "Window frame end cannot be UNBOUNDED PRECEDING";
    else if (start->kind == BOUND_CURRENT && to_preceding)
        wrong = "Window frame starting from CURRENT ROW cannot end with PRECEDING";
    else if (from_following && (end->kind == BOUND_NONE || end->kind == BOUND_CURRENT))
        wrong = "Window frame starting from FOLLOWING cannot end with CURRENT ROW";
    else if (from_following && to_preceding)
        wrong = "Window frame starting from FOLLOWING cannot end with PRECEDING";
    if (wrong)
        sql_fail(x->c, window->frame_line, window->frame_column, "INVALID_WINDOW_FRAME", "%s",
                 wrong);
}

/* How far RANGE goes, in the terms of what is sorted by. */
static const char *range_value(struct sql_context *x, struct sql_value value,
                               const struct sql_type *key)
{
    bool clock =
        key->kind == SQL_DATE || (key->kind >= SQL_TIME && key->kind <= SQL_TIMESTAMP_ZONED);
    if (value.type->kind == SQL_INTERVAL_MONTHS && clock)
        return sql_printf(&x->c->arena, "to_months(CAST(%s AS INTEGER))", value.text);
    if (value.type->kind == SQL_INTERVAL_DAYS && clock)
        return sql_printf(&x->c->arena, "to_microseconds(%s * 1000)", value.text);
    return value.text;
}

static const char *bound_text(struct sql_context *x, const struct sql_window *window,
                              const struct sql_bound *bound)
{
    const char *direction = bound->following ? "FOLLOWING" : "PRECEDING";
    if (bound->kind == BOUND_CURRENT)
        return "CURRENT ROW";
    if (bound->kind == BOUND_UNBOUNDED)
        return sql_printf(&x->c->arena, "UNBOUNDED %s", direction);
    if ((bound->value->kind == NODE_INTEGER && *bound->value->text == '-') ||
        bound->value->kind == NODE_NULL)
        sql_fail(x->c, 0, 0, "INVALID_WINDOW_FRAME",
                 "Window frame offset value must not be negative or null");
    struct sql_value value = sql_expression(x, bound->value);
    bool range = strcmp(window->frame, "RANGE") == 0;
    if (!range && !sql_coercible(&x->c->arena, value.type, sql_type_plain(SQL_BIGINT)))
        sql_fail_at(
            x->c, bound->value, "TYPE_MISMATCH",
            "Window frame %s value type must be exact numeric type with scale 0 (actual %s)",
            window->frame, sql_type_write(&x->c->arena, value.type));
    if (!range)
        return sql_printf(&x->c->arena, "%s %s",
                          sql_cast(x->c, value, sql_type_plain(SQL_BIGINT)).text, direction);
    if (window->sort_count != 1)
        sql_fail_at(x->c, window, window->sort_count ? "INVALID_ORDER_BY" : "MISSING_ORDER_BY",
                    window->sort_count
                        ? "Window frame of type RANGE PRECEDING or FOLLOWING requires single sort "
                          "item in ORDER BY (actual: %zu)"
                        : "Window frame of type RANGE PRECEDING or FOLLOWING requires ORDER BY",
                    window->sort_count);
    struct sql_value key = sql_expression(x, window->sorts[0].key);
    return sql_printf(&x->c->arena, "%s %s", range_value(x, value, key.type), direction);
}

static const char *frame_text(struct sql_context *x, const struct sql_window *window)
{
    if (!window->frame)
        return "";
    check_frame(x, window);
    if (strcmp(window->frame, "GROUPS") == 0 && !window->sort_count)
        sql_fail_at(x->c, window, "MISSING_ORDER_BY",
                    "Window frame of type GROUPS requires ORDER BY");
    const char *start = bound_text(x, window, &window->start);
    const char *end =
        window->end.kind == BOUND_NONE ? "CURRENT ROW" : bound_text(x, window, &window->end);
    return sql_printf(&x->c->arena, " %s BETWEEN %s AND %s", window->frame, start, end);
}

const char *sql_over(struct sql_context *x, struct sql_node *call)
{
    struct sql_window window = merged(x, call->window, 0);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < window.partition_count; i++) {
        struct sql_value value = sql_expression(x, window.partition[i]);
        if (!sql_type_comparable(value.type))
            sql_fail_at(x->c, window.partition[i], "TYPE_MISMATCH",
                        "%s is not comparable, and therefore cannot be used in window function "
                        "PARTITION BY",
                        sql_type_write(&x->c->arena, value.type));
        sql_text_printf(&text, "%s%s", i ? ", " : "PARTITION BY ", sql_sort_key(x, value));
    }
    sql_text_put(&text, sql_order(x, window.sorts, window.sort_count));
    sql_text_put(&text, frame_text(x, &window));
    return sql_printf(&x->c->arena, " OVER (%s)", sql_text_end(&text));
}
