/* An expression to DuckDB's text and Trino's type: the walk over the tree. */
#include "sql/scope.h"

#include "sql/coerce.h"
#include "sql/resolve_type.h"
#include "sql/type_kinds.h"

#include <string.h>

/* DuckDB's text of a statement's expressions, all together: templates that repeat an argument could
 * make it grow without end. */
enum { MOST_TEXT = 64 << 20 };

struct sql_value sql_write(struct sql_context *x, const struct sql_type *type, const char *format,
                           ...)
{
    struct sql_text text = {.arena = &x->c->arena};
    va_list list;
    va_start(list, format);
    sql_text_vprintf(&text, format, list);
    va_end(list);
    x->c->written += text.size;
    if (x->c->written > MOST_TEXT)
        sql_fail(x->c, 0, 0, "NOT_SUPPORTED", "statement is too large");
    return (struct sql_value){.text = sql_text_end(&text), .type = type};
}

static void refuse_missing(struct sql_context *x, const struct sql_node *node,
                           const char *const *parts, size_t count)
{
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < count; i++)
        sql_text_printf(&text, "%s%s", i ? "." : "", parts[i]);
    sql_fail_at(x->c, node, "COLUMN_NOT_FOUND", "Column '%s' cannot be resolved",
                sql_lower(&x->c->arena, sql_text_end(&text)));
}

/* A name of the select list, in ORDER BY. */
static const struct sql_value *find_output(struct sql_context *x, const struct sql_node *node)
{
    const struct sql_value *found = NULL;
    for (size_t i = 0; i < x->output_count && node->kind == NODE_NAME; i++) {
        if (!x->outputs[i].name || !sql_same_word(x->outputs[i].name, node->text))
            continue;
        if (found && !sql_same_text(found->text, x->outputs[i].value.text))
            sql_fail_at(x->c, node, "AMBIGUOUS_NAME", "Column '%s' is ambiguous",
                        sql_lower(&x->c->arena, node->text));
        found = &x->outputs[i].value;
    }
    return found;
}

static const struct sql_value *find_key(const struct sql_aggregation *aggregation, const char *text)
{
    for (size_t i = 0; aggregation && i < aggregation->key_count; i++)
        if (sql_same_text(aggregation->keys[i].text, text))
            return &aggregation->keys[i];
    return NULL;
}

static struct sql_value key_value(struct sql_context *x, const struct sql_aggregation *aggregation,
                                  const struct sql_value *key)
{
    size_t number = (size_t)(key - aggregation->keys) + 1;
    return sql_write(x, key->type, "%s.k%zu", aggregation->relation, number);
}

/* A column of a query around this one, which may have been grouped. */
static struct sql_value outer_value(struct sql_context *x, const struct sql_node *node,
                                    const struct sql_field *field, const struct sql_scope *scope)
{
    struct sql_value value = {.text = field->text, .type = field->type};
    if (!scope->aggregation)
        return value;
    const struct sql_value *key = find_key(scope->aggregation, field->text);
    if (!key)
        sql_fail_at(x->c, node, "EXPRESSION_NOT_AGGREGATE",
                    "Subquery uses '%s' which must appear in GROUP BY clause",
                    sql_node_text(&x->c->arena, node));
    return key_value(x, scope->aggregation, key);
}

static struct sql_value field_value(struct sql_context *x, const struct sql_node *node,
                                    const struct sql_field *field, const struct sql_scope *scope)
{
    sql_use_field(field);
    if (scope != x->scope)
        return outer_value(x, node, field, scope);
    return (struct sql_value){.text = field->text, .type = field->type};
}

static const struct sql_local *find_local(const struct sql_context *x, const char *name)
{
    for (const struct sql_local *local = x->locals; local; local = local->next)
        if (sql_same_word(local->name, name))
            return local;
    return NULL;
}

static struct sql_value row_field(struct sql_context *x, struct sql_node *node)
{
    struct sql_value base = sql_expression(x, node->parts[0]);
    if (base.type->kind != SQL_ROW)
        sql_fail_at(x->c, node->parts[0], "TYPE_MISMATCH", "Expression %s is not of type ROW",
                    sql_node_text(&x->c->arena, node->parts[0]));
    size_t found = base.type->count;
    for (size_t i = 0; i < base.type->count; i++) {
        if (!base.type->names[i] || !sql_same_word(base.type->names[i], node->text))
            continue;
        if (found < base.type->count)
            sql_fail_at(x->c, node, "AMBIGUOUS_NAME", "Ambiguous row field reference: %s",
                        node->text);
        found = i;
    }
    const char *parts[] = {node->text};
    if (found == base.type->count) {
        const char *names[32];
        size_t count = sql_name_parts(node, names, 32);
        refuse_missing(x, node, count ? names : parts, count ? count : 1);
    }
    const char *name = sql_type_field(&x->c->arena, base.type, found);
    return sql_write(x, base.type->parts[found], "struct_extract(%s, %s)", base.text,
                     sql_quoted(&x->c->arena, name, '\''));
}

struct sql_value sql_column_value(struct sql_context *x, struct sql_node *node)
{
    const char *parts[32];
    size_t count = sql_name_parts(node, parts, 32);
    const struct sql_local *local = count ? find_local(x, parts[0]) : NULL;
    if (local && count == 1)
        return (struct sql_value){.text = local->text, .type = local->type};
    const struct sql_scope *scope = NULL;
    const struct sql_field *field =
        count && !local ? sql_find_field(x, node, parts, count, &scope) : NULL;
    if (field)
        return field_value(x, node, field, scope);
    if (node->kind == NODE_NAME || (count && !local && !sql_is_column(x, parts, count)))
        refuse_missing(x, node, parts, count);
    return row_field(x, node);
}

/* --- after GROUP BY --- */

static bool has_column(const struct sql_node *node)
{
    if (node->kind == NODE_NAME)
        return true;
    for (size_t i = 0; i < node->count; i++)
        if (node->parts[i] && has_column(node->parts[i]))
            return true;
    return false;
}

/* In ORDER BY, what names the select list is looked at part by part. */
static bool names_output(struct sql_context *x, const struct sql_node *node)
{
    if (!x->outputs)
        return false;
    if (find_output(x, node))
        return true;
    for (size_t i = 0; i < node->count; i++)
        if (node->parts[i] && names_output(x, node->parts[i]))
            return true;
    return false;
}

static void refuse_ungrouped(struct sql_context *x, const struct sql_node *node)
{
    const struct sql_node *whole = x->top ? x->top : node;
    sql_fail_at(x->c, whole, "EXPRESSION_NOT_AGGREGATE",
                "'%s' must be an aggregate expression or appear in GROUP BY clause",
                sql_node_text(&x->c->arena, whole));
}

/* The expression itself is a grouping key. */
static bool grouped_value(struct sql_context *x, struct sql_node *node, struct sql_value *value)
{
    if (sql_scan(x->c, node) || node->kind == NODE_LAMBDA || x->locals || names_output(x, node))
        return false;
    struct sql_context before = *x;
    before.aggregation = NULL;
    before.outputs = NULL;
    struct sql_value plain = sql_expression(&before, node);
    const struct sql_value *key = find_key(x->aggregation, plain.text);
    if (key)
        *value = key_value(x, x->aggregation, key);
    else if (!has_column(node))
        *value = plain;
    return key || !has_column(node);
}

static bool is_grouped_column(struct sql_context *x, struct sql_node *node, struct sql_value *value)
{
    const char *parts[32];
    const struct sql_scope *scope = NULL;
    size_t count = sql_name_parts(node, parts, 32);
    if (!count || find_local(x, parts[0]))
        return false;
    const struct sql_field *field = sql_find_field(x, node, parts, count, &scope);
    if (!field)
        return false;
    sql_use_field(field);
    const struct sql_value *key = find_key(x->aggregation, field->text);
    if (scope != x->scope)
        *value = outer_value(x, node, field, scope);
    else if (key)
        *value = key_value(x, x->aggregation, key);
    else
        refuse_ungrouped(x, node);
    return true;
}

/* --- the walk --- */

static struct sql_value logical(struct sql_context *x, struct sql_node *node)
{
    struct sql_text text = {.arena = &x->c->arena};
    const char *word = node->kind == NODE_AND ? " AND " : " OR ";
    for (size_t i = 0; i < node->count; i++) {
        struct sql_value part = sql_expression(x, node->parts[i]);
        if (part.type->kind != SQL_BOOLEAN && part.type->kind != SQL_UNKNOWN)
            sql_fail_at(x->c, node->parts[i], "TYPE_MISMATCH",
                        "Logical expression term must evaluate to a boolean (actual: %s)",
                        sql_type_write(&x->c->arena, part.type));
        part = sql_cast(x->c, part, sql_type_plain(SQL_BOOLEAN));
        sql_text_printf(&text, "%s%s", i ? word : "", part.text);
    }
    return sql_write(x, sql_type_plain(SQL_BOOLEAN), "(%s)", sql_text_end(&text));
}

static struct sql_value not_value(struct sql_context *x, struct sql_node *node)
{
    struct sql_context exact = *x;
    exact.condition = false;
    struct sql_value part = sql_expression(&exact, node->parts[0]);
    if (part.type->kind != SQL_BOOLEAN && part.type->kind != SQL_UNKNOWN)
        sql_fail_at(x->c, node->parts[0], "TYPE_MISMATCH",
                    "Value of logical NOT expression must evaluate to a boolean (actual: %s)",
                    sql_type_write(&x->c->arena, part.type));
    part = sql_cast(x->c, part, sql_type_plain(SQL_BOOLEAN));
    return sql_write(x, part.type, "(NOT %s)", part.text);
}

static struct sql_value array(struct sql_context *x, struct sql_node *node)
{
    struct sql_value *values = sql_take(x->c, node->count, sizeof *values);
    for (size_t i = 0; i < node->count; i++)
        values[i] = sql_expression(x, node->parts[i]);
    const struct sql_type *element =
        sql_single_type(x, node->parts, "All ARRAY elements", values, node->count);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < node->count; i++)
        sql_text_printf(&text, "%s%s", i ? ", " : "", values[i].text);
    const struct sql_type *type = sql_type_of_parts(&x->c->arena, SQL_ARRAY, 1, &element, NULL);
    return sql_write(x, type, "CAST([%s] AS %s)", sql_text_end(&text),
                     sql_type_duckdb(&x->c->arena, type));
}

static struct sql_value row(struct sql_context *x, struct sql_node *node)
{
    const struct sql_type **types = sql_take(x->c, node->count, sizeof *types);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < node->count; i++) {
        struct sql_value part = sql_expression(x, node->parts[i]);
        types[i] = part.type;
        sql_text_printf(&text, "%sf%zu := %s", i ? ", " : "", i + 1, part.text);
    }
    const struct sql_type *type =
        sql_type_of_parts(&x->c->arena, SQL_ROW, node->count, types, NULL);
    return sql_write(x, type, "struct_pack(%s)", sql_text_end(&text));
}

static struct sql_value cast(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value = sql_expression(x, node->parts[0]);
    struct sql_node *as_type = node->as_type;
    as_type->line = node->line;
    as_type->column = node->column;
    const struct sql_type *to = sql_resolve_type(x->c, as_type);
    if (to->kind == SQL_UNKNOWN)
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "UNKNOWN is not a valid type");
    if (!sql_castable(value.type, to))
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "Cannot cast %s to %s",
                    sql_type_write(&x->c->arena, value.type), sql_type_write(&x->c->arena, to));
    value.unknown = 0; /* a cast coerces nothing */
    struct sql_value result = sql_cast(x->c, value, to);
    bool try = node->flags & NODE_TRY && result.text != value.text;
    return sql_write(x, to, try ? "TRY(%s)" : "%s", result.text);
}

/* In ORDER BY, d.d is the field of a column d of the list rather than the column d of a table d. */
static bool begins_with_output(struct sql_context *x, const struct sql_node *node)
{
    const struct sql_node *first = node;
    while (first->kind == NODE_FIELD)
        first = first->parts[0];
    return first != node && first->kind == NODE_NAME && find_output(x, first);
}

static struct sql_value subquery(struct sql_context *x, struct sql_node *node)
{
    struct sql_output output = sql_query_output(x, node->query);
    if (output.fields.count == 1)
        return sql_write(x, output.fields.list[0].type, "(%s)", output.text);
    const struct sql_type **types = sql_take(x->c, output.fields.count, sizeof *types);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < output.fields.count; i++) {
        types[i] = output.fields.list[i].type;
        sql_text_printf(&text, "%sf%zu := c%zu", i ? ", " : "", i + 1, i + 1);
    }
    const struct sql_type *type =
        sql_type_of_parts(&x->c->arena, SQL_ROW, output.fields.count, types, NULL);
    return sql_write(x, type, "(SELECT struct_pack(%s) FROM (%s))", sql_text_end(&text),
                     output.text);
}

static struct sql_value exists(struct sql_context *x, struct sql_node *node)
{
    struct sql_output output = sql_query_output(x, node->query);
    return sql_write(x, sql_type_plain(SQL_BOOLEAN), "EXISTS (%s)", output.text);
}

static struct sql_value refuse_lambda(struct sql_context *x, struct sql_node *node)
{
    sql_fail_at(x->c, node, "TYPE_MISMATCH", "Lambda expression cannot be used here");
}

static struct sql_value walk(struct sql_context *x, struct sql_node *node)
{
    static struct sql_value (*const WALKS[NODE_SUBFIELD + 1])(struct sql_context *,
                                                              struct sql_node *) = {
        [NODE_NULL] = sql_literal,
        [NODE_BOOLEAN] = sql_literal,
        [NODE_INTEGER] = sql_literal,
        [NODE_DECIMAL] = sql_literal,
        [NODE_DOUBLE] = sql_literal,
        [NODE_STRING] = sql_literal,
        [NODE_BYTES] = sql_literal,
        [NODE_TYPED] = sql_literal,
        [NODE_INTERVAL] = sql_literal,
        [NODE_PARAMETER] = sql_literal,
        [NODE_NAME] = sql_column_value,
        [NODE_FIELD] = sql_column_value,
        [NODE_AND] = logical,
        [NODE_OR] = logical,
        [NODE_NOT] = not_value,
        [NODE_ARRAY] = array,
        [NODE_ROW] = row,
        [NODE_CAST] = cast,
        [NODE_CASE] = sql_case,
        [NODE_SUBQUERY] = subquery,
        [NODE_EXISTS] = exists,
        [NODE_COMPARE] = sql_predicate,
        [NODE_QUANTIFIED] = sql_predicate,
        [NODE_BETWEEN] = sql_predicate,
        [NODE_IN] = sql_predicate,
        [NODE_LIKE] = sql_predicate,
        [NODE_IS_NULL] = sql_predicate,
        [NODE_IS_DISTINCT] = sql_predicate,
        [NODE_CALL] = sql_call,
        [NODE_LISTAGG] = sql_call,
        [NODE_JSON] = sql_json_form,
        [NODE_LAMBDA] = refuse_lambda,
    };
    if (x->in_lambda && node->query)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "Lambda expression cannot contain subqueries");
    return (WALKS[node->kind] ? WALKS[node->kind] : sql_special)(x, node);
}

struct sql_value sql_expression(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value;
    const struct sql_value *output = x->outputs ? find_output(x, node) : NULL;
    if (output)
        return *output;
    if (x->outputs && begins_with_output(x, node))
        return row_field(x, node);
    if (x->aggregation && (is_grouped_column(x, node, &value) || grouped_value(x, node, &value)))
        return value;
    bool kept = !x->aggregation && !x->locals && !x->outputs;
    if (kept && node->value)
        return *node->value;
    value = walk(x, node);
    if (!kept)
        return value;
    struct sql_value *copy = sql_take(x->c, 1, sizeof *copy);
    *copy = value;
    node->value = copy;
    return value;
}

struct sql_value sql_condition(struct sql_context *x, struct sql_node *node, const char *what)
{
    struct sql_context inner = *x;
    inner.condition = true;
    struct sql_value value = sql_expression(&inner, node);
    if (value.type->kind != SQL_BOOLEAN && value.type->kind != SQL_UNKNOWN)
        sql_fail_at(x->c, node, "TYPE_MISMATCH",
                    strstr(what, "clause") && strncmp(what, "CASE", 4) != 0
                        ? "%s must evaluate to a boolean: actual type %s"
                        : "%s must evaluate to a boolean (actual: %s)",
                    what, sql_type_write(&x->c->arena, value.type));
    return sql_cast(x->c, value, sql_type_plain(SQL_BOOLEAN));
}
