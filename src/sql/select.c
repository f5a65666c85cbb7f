/* SELECT: its layers are FROM with WHERE, GROUP BY, HAVING, the list, DISTINCT, ORDER BY. */
#include "sql/select.h"

#include "sql/coerce.h"
#include "sql/group.h"
#include "sql/type_kinds.h"

#include <stdlib.h>
#include <string.h>

struct selection {
    struct sql_context x; /* of the list: after GROUP BY where there is one */
    struct sql_context source;
    struct sql_scope scope, grouped_scope;
    struct sql_body *body;
    struct sql_query *query; /* whose ORDER BY this is; or NULL */
    struct sql_grouped *grouped;
    struct sql_named_value *outputs;
    size_t count;
    const char *from, *where;
    const char *having;
    struct sql_recursion *recursion;
};

static void add_output(struct selection *s, const char *name, struct sql_value value)
{
    s->outputs = sql_push(s->x.c, s->outputs, &s->count, sizeof *s->outputs);
    s->outputs[s->count - 1] = (struct sql_named_value){.name = name, .value = value};
}

/* Says of the last one where it is from. */
static void say_origin(struct selection *s, const struct sql_field *field, bool aliased)
{
    struct sql_named_value *last = &s->outputs[s->count - 1];
    last->origin = field ? field->origin : (struct sql_origin){0};
    last->aliased = aliased;
}

/* --- the list --- */

static struct sql_value field_of(struct selection *s, const struct sql_field *field,
                                 const struct sql_node *at)
{
    sql_use_field(field);
    if (!s->grouped)
        return (struct sql_value){.text = field->text, .type = field->type};
    const struct sql_aggregation *groups = &s->grouped->aggregation;
    for (size_t i = 0; i < groups->key_count; i++)
        if (sql_same_text(groups->keys[i].text, field->text))
            return sql_write(&s->x, field->type, "%s.k%zu", groups->relation, i + 1);
    sql_fail_at(s->x.c, at, "EXPRESSION_NOT_AGGREGATE",
                "'%s%s%s' must be an aggregate expression or appear in GROUP BY clause",
                field->relation ? field->relation : "", field->relation ? "." : "",
                field->name ? field->name : "");
}

static const char *star_name(struct selection *s, const struct sql_node *star, size_t index,
                             const char *own)
{
    if (!star->name_count)
        return own;
    struct sql_text text = {.arena = &s->x.c->arena};
    for (const char *c = star->names[index]; *c; c++)
        sql_text_printf(&text, "%c", *c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    return sql_text_end(&text);
}

static void row_star(struct selection *s, struct sql_node *star)
{
    struct sql_value row = sql_expression(&s->x, star->parts[0]);
    if (row.type->kind != SQL_ROW)
        sql_fail_at(s->x.c, star, "TYPE_MISMATCH", "expected expression of type Row");
    if (star->name_count && star->name_count != row.type->count)
        sql_fail_at(s->x.c, star, "MISMATCHED_COLUMN_ALIASES",
                    "Column alias list has %zu entries but relation has %zu columns",
                    star->name_count, row.type->count);
    for (size_t i = 0; i < row.type->count; i++) {
        const char *field = sql_type_field(&s->x.c->arena, row.type, i);
        add_output(s, star_name(s, star, i, row.type->names[i]),
                   sql_write(&s->x, row.type->parts[i], "struct_extract(%s, %s)", row.text,
                             sql_quoted(&s->x.c->arena, field, '\'')));
    }
}

static bool relation_star(struct selection *s, struct sql_node *star)
{
    const char *parts[3];
    size_t count = star->parts[0] ? sql_name_parts(star->parts[0], parts, 3) : 0;
    size_t found = 0;
    if (star->parts[0] && !count)
        return false;
    for (const struct sql_scope *scope = &s->scope; scope && !found; scope = scope->outer)
        for (size_t i = 0; i < scope->fields.count; i++)
            if (sql_field_of(&scope->fields.list[i], parts, count)) {
                const struct sql_field *field = &scope->fields.list[i];
                add_output(s, star_name(s, star, found < star->name_count ? found : 0, field->name),
                           field_of(s, field, star));
                say_origin(s, field, field->aliased);
                found++;
            }
    if (star->name_count && found && found != star->name_count)
        sql_fail_at(s->x.c, star, "MISMATCHED_COLUMN_ALIASES",
                    "Column alias list has %zu entries but relation has %zu columns",
                    star->name_count, found);
    return found > 0;
}

static void star_outputs(struct selection *s, struct sql_node *star)
{
    if (!star->parts[0] && !s->body->from)
        sql_fail_at(s->x.c, star, "COLUMN_NOT_FOUND",
                    "SELECT * not allowed in queries without FROM clause");
    if (relation_star(s, star))
        return;
    const char *parts[1];
    if (star->parts[0] && sql_name_parts(star->parts[0], parts, 1) == 1)
        sql_fail_at(s->x.c, star, "TABLE_NOT_FOUND", "Unable to resolve reference %s",
                    sql_lower(&s->x.c->arena, parts[0]));
    if (!star->parts[0])
        sql_fail_at(s->x.c, star, "COLUMN_NOT_FOUND",
                    "SELECT * not allowed from relation that has no columns");
    row_star(s, star);
}

static const char *item_name(const struct sql_item *item)
{
    if (item->alias)
        return item->alias->text;
    const char *parts[32];
    return sql_name_parts(item->value, parts, 32) ? item->value->text : NULL;
}

/* The column that a name is; NULL: it is none, or an expression. */
static const struct sql_field *item_field(struct selection *s, const struct sql_item *item)
{
    const char *parts[32];
    const struct sql_scope *found;
    size_t count = sql_name_parts(item->value, parts, 32);
    return count ? sql_find_field(&s->source, item->value, parts, count, &found) : NULL;
}

static void list_outputs(struct selection *s)
{
    for (size_t i = 0; i < s->body->item_count; i++) {
        const struct sql_item *item = &s->body->items[i];
        if (item->value->kind == NODE_STAR) {
            star_outputs(s, item->value);
            continue;
        }
        s->x.top = item->value;
        struct sql_value value = sql_expression(&s->x, item->value);
        if (s->body->distinct && !sql_type_comparable(value.type))
            sql_fail_at(s->x.c, item->value, "TYPE_MISMATCH",
                        "DISTINCT can only be applied to comparable types (actual: %s): %s",
                        sql_type_write(&s->x.c->arena, value.type),
                        sql_node_text(&s->x.c->arena, item->value));
        add_output(s, item_name(item), value);
        if (s->x.c->wanted)
            say_origin(s, item_field(s, item), item->alias != NULL);
    }
}

/* --- grouping --- */

static bool holds_aggregates(struct selection *s)
{
    struct sql_body *body = s->body;
    unsigned wanted = SCAN_AGGREGATE;
    if (body->grouped || body->having)
        return true;
    for (size_t i = 0; i < body->item_count; i++)
        if (sql_scan(s->x.c, body->items[i].value) & wanted)
            return true;
    for (size_t i = 0; s->query && i < s->query->sort_count; i++)
        if (sql_scan(s->x.c, s->query->sorts[i].key) & wanted)
            return true;
    return false;
}

static void group(struct selection *s)
{
    if (!holds_aggregates(s))
        return;
    struct sql_node **items = sql_take(s->x.c, s->body->item_count, sizeof *items);
    for (size_t i = 0; i < s->body->item_count; i++)
        items[i] = s->body->items[i].value;
    struct sql_context source = s->source;
    source.clause = "GROUP BY clause";
    s->grouped = sql_group(&source, s->body, items, s->body->item_count);
    s->grouped_scope = s->scope;
    s->grouped_scope.aggregation = &s->grouped->aggregation;
    s->x.scope = &s->grouped_scope;
    s->x.aggregation = &s->grouped->aggregation;
}

static void having(struct selection *s)
{
    if (!s->body->having)
        return;
    const struct sql_node *wrong = sql_scan_first(s->x.c, s->body->having, SCAN_WINDOW);
    if (wrong)
        sql_fail_at(s->x.c, wrong, "NESTED_WINDOW",
                    "HAVING clause cannot contain window functions or row pattern measures");
    struct sql_context x = s->x;
    x.top = s->body->having;
    s->having = sql_condition(&x, s->body->having, "HAVING clause").text;
}

/* --- ORDER BY --- */

static struct sql_value sort_value(struct selection *s, const struct sql_sort *sort)
{
    struct sql_compiler *c = s->x.c;
    if (sort->key->kind == NODE_INTEGER) {
        long place = strtol(sort->key->text, NULL, 10);
        if (place < 1 || (size_t)place > s->count)
            sql_fail_at(c, sort->key, "INVALID_COLUMN_REFERENCE",
                        "ORDER BY position %ld is not in select list", place);
        return s->outputs[place - 1].value;
    }
    struct sql_context x = s->x;
    x.top = sort->key;
    x.outputs = s->outputs;
    x.output_count = s->count;
    return sql_expression(&x, sort->key);
}

static void check_sort(struct selection *s, const struct sql_sort *sort, struct sql_value value)
{
    if (!sql_type_orderable(value.type))
        sql_fail(s->x.c, s->query->line, s->query->column, "TYPE_MISMATCH",
                 "Type %s is not orderable, and therefore cannot be used in ORDER BY: %s",
                 sql_type_write(&s->x.c->arena, value.type),
                 sql_node_text(&s->x.c->arena, sort->key));
}

/* The sorts as keys of the output: its own columns, or x1, x2, ... beside them. */
static struct sql_order_key *sort_keys(struct selection *s, struct sql_text *extra)
{
    size_t count = s->query ? s->query->sort_count : 0;
    struct sql_order_key *keys = sql_take(s->x.c, count, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        const struct sql_sort *sort = &s->query->sorts[i];
        struct sql_value value = sort_value(s, sort);
        check_sort(s, sort, value);
        size_t column = 0;
        while (column < s->count && !sql_same_text(s->outputs[column].value.text, value.text))
            column++;
        bool shown = column < s->count;
        if (s->body->distinct && !shown)
            sql_fail_at(s->x.c, s->body, "EXPRESSION_NOT_IN_DISTINCT",
                        "For SELECT DISTINCT, ORDER BY expressions must appear in select list");
        struct sql_value name = {.type = value.type};
        name.text = sql_printf(&s->x.c->arena, shown ? "c%zu" : "x%zu", shown ? column + 1 : i + 1);
        if (!shown)
            sql_text_printf(extra, ", %s AS x%zu", value.text, i + 1);
        keys[i] =
            (struct sql_order_key){sql_sort_key(&s->x, name), sort->descending, sort->nulls_first};
    }
    return keys;
}

/* --- the text --- */

/* The step of a recursion says how deep its rows are. */
static void put_depth(struct selection *s, struct sql_text *text)
{
    const struct sql_recursion *recursion = s->recursion;
    if (!recursion)
        return;
    if (recursion->references != 1 || s->grouped || s->body->distinct)
        sql_fail_at(s->x.c, s->body, "NOT_SUPPORTED",
                    "a recursion's step has to name the query once, without grouping");
    sql_text_printf(text,
                    ", CASE WHEN %s.depth >= 9 THEN CAST(trino_fail('NOT_SUPPORTED:Recursion depth "
                    "limit exceeded (10). Use ''max_recursion_depth'' session property to modify "
                    "the limit.') AS INTEGER) ELSE %s.depth + 1 END AS depth",
                    recursion->alias, recursion->alias);
}

static const char *list_text(struct selection *s, const char *extra)
{
    struct sql_text text = {.arena = &s->x.c->arena};
    sql_text_put(&text, s->body->distinct ? "SELECT DISTINCT " : "SELECT ");
    for (size_t i = 0; i < s->count; i++)
        sql_text_printf(&text, "%s%s AS c%zu", i ? ", " : "", s->outputs[i].value.text, i + 1);
    sql_text_put(&text, extra);
    put_depth(s, &text);
    if (s->grouped) {
        const char *from = sql_printf(&s->x.c->arena, "%s%s", s->from, s->where);
        sql_text_printf(&text, " FROM %s", sql_group_text(&s->source, s->grouped, from));
        if (s->having)
            sql_text_printf(&text, " WHERE %s", s->having);
    } else {
        sql_text_printf(&text, "%s%s", s->from, s->where);
    }
    return sql_text_end(&text);
}

static struct sql_output output_of(struct selection *s, const char *text)
{
    struct sql_output output = {.text = text};
    struct sql_field *fields = sql_take(s->x.c, s->count, sizeof *fields);
    for (size_t i = 0; i < s->count; i++)
        fields[i] = (struct sql_field){.name = s->outputs[i].name,
                                       .type = s->outputs[i].value.type,
                                       .origin = s->outputs[i].origin,
                                       .aliased = s->outputs[i].aliased};
    output.fields = (struct sql_fields){.list = fields, .count = s->count};
    return output;
}

static void source_of(struct selection *s, struct sql_context *x)
{
    struct sql_output from = {0};
    if (s->body->from)
        from = sql_relation_output(x, s->body->from);
    s->scope = (struct sql_scope){.outer = x->scope, .fields = from.fields};
    s->source =
        (struct sql_context){.c = x->c, .scope = &s->scope, .queries = x->queries, .body = s->body};
    s->x = s->source;
    s->from = s->body->from ? sql_printf(&x->c->arena, " FROM %s", from.text) : "";
    s->where = "";
    if (!s->body->where)
        return;
    struct sql_context where = s->source;
    where.clause = "WHERE clause";
    where.top = s->body->where;
    s->where = sql_printf(&x->c->arena, " WHERE %s",
                          sql_condition(&where, s->body->where, "WHERE clause").text);
    sql_partition_filter(&where, s->body);
}

struct sql_output sql_select_output(struct sql_context *x, struct sql_body *body,
                                    struct sql_query *query)
{
    struct selection *s = sql_take(x->c, 1, sizeof *s);
    s->body = body;
    s->query = query;
    s->recursion = x->recursion;
    source_of(s, x);
    group(s);
    list_outputs(s);
    having(s);
    struct sql_text extra = {.arena = &x->c->arena};
    struct sql_order_key *keys = sort_keys(s, &extra);
    struct sql_output output = output_of(s, list_text(s, sql_text_end(&extra)));
    const char *distinct =
        body->distinct ? sql_distinct_text(x, output.text, &output.fields) : NULL;
    output.text = distinct ? distinct : output.text;
    if (query)
        output.text = sql_ordered(x, query, output, keys, extra.size > 0);
    return output;
}
