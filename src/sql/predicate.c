/* Operators and predicates. DuckDB takes NaN for equal to itself and for greater than all, and
 * NULLs within lists and structs for equal: where that shows, what is written is more than its
 * operator. */
#include "sql/scope.h"

#include "sql/coerce.h"
#include "sql/signature.h"
#include "sql/type_kinds.h"

#include <string.h>

static const char *type_text(struct sql_context *x, const struct sql_type *type)
{
    return sql_type_write(&x->c->arena, type);
}

static bool floating(const struct sql_type *type)
{
    return type->kind == SQL_REAL || type->kind == SQL_DOUBLE;
}

static bool holds_floating(const struct sql_type *type)
{
    for (size_t i = 0; i < type->count; i++)
        if (holds_floating(type->parts[i]))
            return true;
    return floating(type);
}

bool sql_distinct_by_key(const struct sql_type *type)
{
    return type->kind == SQL_TIMESTAMP_ZONED || type->kind == SQL_TIME_ZONED ||
           type->kind == SQL_MAP;
}

const char *sql_sort_key(struct sql_context *x, struct sql_value value)
{
    if (value.type->kind == SQL_TIMESTAMP_ZONED)
        return sql_write(x, value.type, "struct_extract(%s, 'instant')", value.text).text;
    if (value.type->kind == SQL_TIME_ZONED)
        return sql_write(x, value.type, "trino_timetz_key(%s)", value.text).text;
    if (value.type->kind == SQL_MAP)
        return sql_write(x, value.type, "map_from_entries(list_sort(map_entries(%s)))", value.text)
            .text;
    return value.text;
}

static struct sql_value boolean(struct sql_context *x, const char *format, const char *a,
                                const char *b, const char *c)
{
    struct sql_text text = {.arena = &x->c->arena};
    const char *given[] = {a, b, c};
    for (; *format; format++) {
        if (*format == '$' && format[1] >= '1' && format[1] <= '3')
            sql_text_put(&text, given[*++format - '1']);
        else
            sql_text_add(&text, format, 1);
    }
    return sql_write(x, sql_type_plain(SQL_BOOLEAN), "%s", sql_text_end(&text));
}

/* NaN is equal to nothing and in no order. */
static struct sql_value compare_floating(struct sql_context *x, const char *operation,
                                         struct sql_value left, struct sql_value right)
{
    bool less = *operation == '<' && operation[1] != '>';
    bool equal = *operation == '=';
    if (strcmp(operation, "<>") == 0)
        return left.constant || right.constant
                   ? boolean(x, "($1 <> $2)", left.text, right.text, "")
                   : boolean(x, "trino_unequal_floating($1, $2)", left.text, right.text, "");
    if ((left.constant && right.constant) || (equal && (left.constant || right.constant)) ||
        (less && right.constant) || (*operation == '>' && left.constant))
        return boolean(x, "($1 $3 $2)", left.text, right.text, operation);
    if (left.constant || right.constant)
        return boolean(
            x, left.constant ? "($1 $3 $2 AND NOT isnan($2))" : "($1 $3 $2 AND NOT isnan($1))",
            left.text, right.text, operation);
    if (x->condition)
        return boolean(x, "($1 $3 $2 AND NOT isnan($1) AND NOT isnan($2))", left.text, right.text,
                       operation);
    static const char *const WORDS[][2] = {{"=", "trino_equal_floating"},
                                           {"<", "trino_less_floating"},
                                           {"<=", "trino_less_equal_floating"},
                                           {">", "trino_greater_floating"},
                                           {">=", "trino_greater_equal_floating"}};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strcmp(WORDS[i][0], operation) == 0)
            return boolean(x, "$3($1, $2)", left.text, right.text, WORDS[i][1]);
    return left;
}

static struct sql_value equal(struct sql_context *x, struct sql_value left, struct sql_value right);

static struct sql_value equal_rows(struct sql_context *x, struct sql_value left,
                                   struct sql_value right)
{
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < left.type->count; i++) {
        const char *a = sql_quoted(&x->c->arena, sql_type_field(&x->c->arena, left.type, i), '\'');
        struct sql_value one =
            sql_write(x, left.type->parts[i], "struct_extract(%s, %s)", left.text, a);
        struct sql_value two =
            sql_write(x, left.type->parts[i], "struct_extract(%s, %s)", right.text, a);
        sql_text_printf(&text, "%s%s", i ? " AND " : "", equal(x, one, two).text);
    }
    return boolean(x, "($1)", sql_text_end(&text), "", "");
}

static struct sql_value equal_lists(struct sql_context *x, struct sql_value left,
                                    struct sql_value right)
{
    const char *pair = sql_printf(&x->c->arena, "l%zu", ++x->c->names);
    const struct sql_type *element = left.type->parts[0];
    struct sql_value one = sql_write(x, element, "%s[1]", pair);
    struct sql_value two = sql_write(x, element, "%s[2]", pair);
    struct sql_value same = equal(x, one, two);
    return sql_write(x, sql_type_plain(SQL_BOOLEAN),
                     "(CASE WHEN len(%s) <> len(%s) THEN false ELSE "
                     "trino_all(list_transform(list_zip(%s, %s), lambda %s: %s)) END)",
                     left.text, right.text, left.text, right.text, pair, same.text);
}

/* Maps are equal where they have the same keys, and equal values there. */
static struct sql_value equal_maps(struct sql_context *x, struct sql_value left,
                                   struct sql_value right)
{
    const char *key = sql_printf(&x->c->arena, "l%zu", ++x->c->names);
    const struct sql_type *element = left.type->parts[1];
    struct sql_value one = sql_write(x, element, "%s[%s]", left.text, key);
    struct sql_value two = sql_write(x, element, "%s[%s]", right.text, key);
    struct sql_value same = equal(x, one, two);
    return sql_write(x, sql_type_plain(SQL_BOOLEAN),
                     "(CASE WHEN list_sort(map_keys(%s)) <> list_sort(map_keys(%s)) THEN false "
                     "ELSE trino_all(list_transform(map_keys(%s), lambda %s: %s)) END)",
                     left.text, right.text, left.text, key, same.text);
}

static struct sql_value equal(struct sql_context *x, struct sql_value left, struct sql_value right)
{
    if (left.type->kind == SQL_ROW)
        return equal_rows(x, left, right);
    if (left.type->kind == SQL_ARRAY)
        return equal_lists(x, left, right);
    if (left.type->kind == SQL_MAP)
        return equal_maps(x, left, right);
    if (floating(left.type))
        return compare_floating(x, "=", left, right);
    return boolean(x, "($1 = $2)", sql_sort_key(x, left), sql_sort_key(x, right), "");
}

static const char *holds_null(struct sql_context *x, struct sql_value value);

static const char *row_holds_null(struct sql_context *x, struct sql_value value)
{
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < value.type->count; i++) {
        const char *name = sql_type_field(&x->c->arena, value.type, i);
        struct sql_value field = sql_write(x, value.type->parts[i], "struct_extract(%s, %s)",
                                           value.text, sql_quoted(&x->c->arena, name, '\''));
        sql_text_printf(&text, "%s%s IS NULL", i ? " OR " : "(", field.text);
        if (field.type->count)
            sql_text_printf(&text, " OR %s", holds_null(x, field));
    }
    sql_text_put(&text, ")");
    return sql_text_end(&text);
}

/* Whether a list or a row has a NULL within. */
static const char *holds_null(struct sql_context *x, struct sql_value value)
{
    if (value.type->kind == SQL_ROW)
        return row_holds_null(x, value);
    const char *own = sql_printf(&x->c->arena, "list_count(%s) < len(%s)", value.text, value.text);
    if (!value.type->parts[0]->count)
        return sql_printf(&x->c->arena, "(%s)", own);
    struct sql_value element = {.text = sql_printf(&x->c->arena, "l%zu", ++x->c->names),
                                .type = value.type->parts[0]};
    return sql_printf(&x->c->arena,
                      "(%s OR list_contains(list_transform(%s, lambda %s: %s), true))", own,
                      value.text, element.text, holds_null(x, element));
}

/* The order of lists and rows is not Trino's where they hold NULLs: that is an error there. */
static struct sql_value compare_parts(struct sql_context *x, const char *operation,
                                      struct sql_value left, struct sql_value right)
{
    const char *what = left.type->kind == SQL_ROW
                           ? "ROW comparison not supported for fields with null elements"
                           : "ARRAY comparison not supported for arrays with null elements";
    return sql_write(
        x, sql_type_plain(SQL_BOOLEAN),
        "(CASE WHEN %s OR %s THEN CAST(trino_fail('NOT_SUPPORTED:%s') AS BOOLEAN) ELSE "
        "%s %s %s END)",
        holds_null(x, left), holds_null(x, right), what, left.text, operation, right.text);
}

struct sql_value sql_compare(struct sql_context *x, const struct sql_node *node,
                             const char *operation, struct sql_value left, struct sql_value right)
{
    const struct sql_type *common = sql_common_type(&x->c->arena, left.type, right.type);
    bool equality = *operation == '=' || strcmp(operation, "<>") == 0;
    const char *said = strcmp(operation, "<>") == 0   ? "="
                       : strcmp(operation, ">") == 0  ? "<"
                       : strcmp(operation, ">=") == 0 ? "<="
                                                      : operation;
    if (!common || !(equality ? sql_type_comparable(common) : sql_type_orderable(common)))
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "Cannot apply operator: %s %s %s",
                    type_text(x, left.type), said, type_text(x, right.type));
    left = sql_cast(x->c, left, common);
    right = sql_cast(x->c, right, common);
    if (common->count && equality) {
        struct sql_value same = equal(x, left, right);
        return *operation == '=' ? same : boolean(x, "(NOT $1)", same.text, "", "");
    }
    if (common->count)
        return compare_parts(x, operation, left, right);
    if (floating(common))
        return compare_floating(x, operation, left, right);
    return boolean(x, "($1 $3 $2)", sql_sort_key(x, left), sql_sort_key(x, right), operation);
}

struct sql_value sql_operator(struct sql_context *x, struct sql_node *node, const char *name,
                              struct sql_value *arguments, size_t count)
{
    return sql_call_values(x, node, name, arguments, count);
}

static struct sql_value between(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value = sql_expression(x, node->parts[0]);
    struct sql_value low = sql_expression(x, node->parts[1]);
    struct sql_value high = sql_expression(x, node->parts[2]);
    const struct sql_type *common = sql_common_type(&x->c->arena, value.type, low.type);
    common = common ? sql_common_type(&x->c->arena, common, high.type) : NULL;
    if (!common || !sql_type_orderable(common))
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "Cannot check if %s is BETWEEN %s and %s",
                    type_text(x, value.type), type_text(x, low.type), type_text(x, high.type));
    if (holds_floating(common) && !(low.constant && high.constant)) {
        struct sql_value least = sql_compare(x, node, ">=", value, low);
        struct sql_value most = sql_compare(x, node, "<=", value, high);
        return boolean(x, "($1 AND $2)", least.text, most.text, "");
    }
    return boolean(x, "($1 BETWEEN $2 AND $3)", sql_sort_key(x, sql_cast(x->c, value, common)),
                   sql_sort_key(x, sql_cast(x->c, low, common)),
                   sql_sort_key(x, sql_cast(x->c, high, common)));
}

static bool plain_in(const struct sql_type *type, const struct sql_value *values, size_t count)
{
    if (type->count)
        return false;
    for (size_t i = 1; i < count && floating(type); i++)
        if (!values[i].constant)
            return false;
    return true;
}

static struct sql_value in_list(struct sql_context *x, struct sql_node *node)
{
    size_t count = node->count;
    struct sql_value *values = sql_take(x->c, count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = sql_expression(x, node->parts[i]);
    const struct sql_type *common =
        sql_single_type(x, node->parts, "IN value and list items", values, count);
    struct sql_text text = {.arena = &x->c->arena};
    bool plain = plain_in(common, values, count);
    if (plain)
        sql_text_printf(&text, "(%s IN (", sql_sort_key(x, values[0]));
    for (size_t i = 1; i < count; i++)
        sql_text_printf(&text, "%s%s", i == 1 ? (plain ? "" : "(") : (plain ? ", " : " OR "),
                        plain ? sql_sort_key(x, values[i]) : equal(x, values[0], values[i]).text);
    sql_text_put(&text, plain ? "))" : ")");
    return boolean(x, "$1", sql_text_end(&text), "", "");
}

/* The one column of a subquery, as the type that it is compared as. */
static struct sql_output single_column(struct sql_context *x, struct sql_node *node)
{
    struct sql_output output = sql_query_output(x, node->query);
    if (output.fields.count == 1)
        return output;
    const struct sql_type **types = sql_take(x->c, output.fields.count, sizeof *types);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < output.fields.count; i++) {
        types[i] = output.fields.list[i].type;
        sql_text_printf(&text, "%sf%zu := c%zu", i ? ", " : "", i + 1, i + 1);
    }
    output.text = sql_printf(&x->c->arena, "SELECT struct_pack(%s) AS c1 FROM (%s)",
                             sql_text_end(&text), output.text);
    struct sql_field *field = sql_take(x->c, 1, sizeof *field);
    field->type = sql_type_of_parts(&x->c->arena, SQL_ROW, output.fields.count, types, NULL);
    output.fields = (struct sql_fields){.list = field, .count = 1};
    return output;
}

static const char *column_as(struct sql_context *x, struct sql_output output,
                             const struct sql_type *type)
{
    struct sql_value column = {.text = "c1", .type = output.fields.list[0].type};
    return sql_printf(&x->c->arena, "SELECT %s FROM (%s)",
                      sql_sort_key(x, sql_cast(x->c, column, type)), output.text);
}

static const char *row_text(struct sql_context *x, const struct sql_type *type)
{
    return type->kind == SQL_ROW ? type_text(x, type)
                                 : sql_printf(&x->c->arena, "row(%s)", type_text(x, type));
}

static struct sql_value in_query(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value = sql_expression(x, node->parts[0]);
    struct sql_output output = single_column(x, node);
    const struct sql_type *type = output.fields.list[0].type;
    const struct sql_type *common = sql_common_type(&x->c->arena, value.type, type);
    if (!common)
        sql_fail_at(x->c, node, "TYPE_MISMATCH",
                    "Value expression and result of subquery must be of the same type: %s vs %s",
                    row_text(x, value.type), row_text(x, type));
    if (node->flags & NODE_NEGATIVE && common->count)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "NOT IN of a subquery of %s is not supported",
                    type_text(x, common));
    value = sql_cast(x->c, value, common);
    return boolean(x, "($1 IN ($2))", sql_sort_key(x, value), column_as(x, output, common), "");
}

static struct sql_value in(struct sql_context *x, struct sql_node *node)
{
    return node->query ? in_query(x, node) : in_list(x, node);
}

static struct sql_value quantified(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value = sql_expression(x, node->parts[0]);
    struct sql_output output = single_column(x, node);
    const struct sql_type *type = output.fields.list[0].type;
    const struct sql_type *common = sql_common_type(&x->c->arena, value.type, type);
    if (!common)
        sql_fail_at(x->c, node, "TYPE_MISMATCH",
                    "Value and result of subquery must be of the same type for quantified "
                    "comparison: %s vs %s",
                    type_text(x, value.type), type_text(x, type));
    value = sql_cast(x->c, value, common);
    const char *quantifier = strcmp(node->more, "ALL") == 0 ? "ALL" : "ANY";
    return sql_write(x, sql_type_plain(SQL_BOOLEAN), "(%s %s %s (%s))", sql_sort_key(x, value),
                     node->text, quantifier, column_as(x, output, common));
}

static bool is_text(const struct sql_type *type)
{
    return type->kind == SQL_VARCHAR || type->kind == SQL_CHAR || type->kind == SQL_UNKNOWN;
}

static struct sql_value as_varchar(struct sql_context *x, struct sql_value value)
{
    return sql_cast(x->c, value, sql_type_plain(SQL_VARCHAR));
}

static struct sql_value like(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value = sql_expression(x, node->parts[0]);
    struct sql_value pattern = sql_expression(x, node->parts[1]);
    if (!is_text(value.type))
        sql_fail_at(x->c, node->parts[0], "TYPE_MISMATCH",
                    "Left side of LIKE expression must evaluate to a varchar (actual: %s)",
                    type_text(x, value.type));
    if (!is_text(pattern.type))
        sql_fail_at(x->c, node->parts[1], "TYPE_MISMATCH",
                    "Pattern for LIKE expression must evaluate to a varchar (actual: %s)",
                    type_text(x, pattern.type));
    value = as_varchar(x, value);
    pattern = as_varchar(x, pattern);
    if (!node->parts[2])
        return boolean(x, "($1 LIKE $2)", value.text, pattern.text, "");
    struct sql_value escape = sql_expression(x, node->parts[2]);
    if (!is_text(escape.type))
        sql_fail_at(x->c, node->parts[2], "TYPE_MISMATCH",
                    "Escape for LIKE expression must evaluate to a varchar (actual: %s)",
                    type_text(x, escape.type));
    escape = as_varchar(x, escape);
    return boolean(x, "trino_like_escape($1, $2, $3)", value.text, pattern.text, escape.text);
}

static struct sql_value is_distinct(struct sql_context *x, struct sql_node *node)
{
    struct sql_value left = sql_expression(x, node->parts[0]);
    struct sql_value right = sql_expression(x, node->parts[1]);
    const struct sql_type *common = sql_common_type(&x->c->arena, left.type, right.type);
    const char *words = node->flags & NODE_NEGATIVE ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM";
    if (!common || !sql_type_comparable(common))
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "Cannot apply operator: %s IS DISTINCT FROM %s",
                    type_text(x, left.type), type_text(x, right.type));
    left = sql_cast(x->c, left, common);
    right = sql_cast(x->c, right, common);
    return boolean(x, "($1 $3 $2)", sql_sort_key(x, left), sql_sort_key(x, right), words);
}

static struct sql_value is_null(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value = sql_expression(x, node->parts[0]);
    return boolean(x, node->flags & NODE_NEGATIVE ? "($1 IS NOT NULL)" : "($1 IS NULL)", value.text,
                   "", "");
}

static struct sql_value compare(struct sql_context *x, struct sql_node *node)
{
    struct sql_context exact = *x;
    struct sql_value left = sql_expression(&exact, node->parts[0]);
    struct sql_value right = sql_expression(&exact, node->parts[1]);
    return sql_compare(x, node, node->text, left, right);
}

struct sql_value sql_predicate(struct sql_context *x, struct sql_node *node)
{
    struct sql_context exact = *x;
    exact.condition = false;
    struct sql_context *inner = node->kind == NODE_COMPARE ? x : &exact;
    bool negated = node->flags & NODE_NEGATIVE &&
                   (node->kind == NODE_IN || node->kind == NODE_LIKE || node->kind == NODE_BETWEEN);
    struct sql_value value = node->kind == NODE_COMPARE      ? compare(inner, node)
                             : node->kind == NODE_BETWEEN    ? between(inner, node)
                             : node->kind == NODE_IN         ? in(inner, node)
                             : node->kind == NODE_LIKE       ? like(inner, node)
                             : node->kind == NODE_QUANTIFIED ? quantified(inner, node)
                             : node->kind == NODE_IS_NULL    ? is_null(inner, node)
                                                             : is_distinct(inner, node);
    return negated ? boolean(x, "(NOT $1)", value.text, "", "") : value;
}
