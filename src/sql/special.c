/* Forms with a syntax of their own: CASE, coalesce, subscripts, EXTRACT, TRIM, the clock. */
#include "sql/scope.h"

#include "sql/clock.h"
#include "sql/coerce.h"
#include "sql/type_kinds.h"

#include <stdlib.h>
#include <string.h>

const struct sql_type *sql_single_type(struct sql_context *x, struct sql_node *const *nodes,
                                       const char *what, struct sql_value *values, size_t count)
{
    const struct sql_type *common = sql_type_plain(SQL_UNKNOWN);
    for (size_t i = 0; i < count; i++) {
        const struct sql_type *wider = sql_common_type(&x->c->arena, common, values[i].type);
        if (!wider) {
            struct sql_text all = {.arena = &x->c->arena};
            for (size_t j = 0; j < count; j++) {
                bool seen = false;
                for (size_t k = 0; k < j && !seen; k++)
                    seen = sql_type_same(values[k].type, values[j].type);
                if (!seen)
                    sql_text_printf(&all, "%s%s", all.size ? ", " : "",
                                    sql_type_write(&x->c->arena, values[j].type));
            }
            sql_fail_at(x->c, nodes[i], "TYPE_MISMATCH",
                        "%s must be the same type or coercible to a common type. Cannot find "
                        "common type between %s and %s, all types (without duplicates): [%s]",
                        what, sql_type_write(&x->c->arena, common),
                        sql_type_write(&x->c->arena, values[i].type), sql_text_end(&all));
        }
        common = wider;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = sql_cast(x->c, values[i], common);
    return common;
}

/* --- CASE --- */

static void case_conditions(struct sql_context *x, struct sql_node *node, struct sql_value *tests)
{
    struct sql_value operand = {0};
    if (node->parts[0])
        operand = sql_expression(x, node->parts[0]);
    for (size_t i = 1; i + 2 < node->count; i += 2) {
        struct sql_node *when = node->parts[i];
        if (!node->parts[0]) {
            tests[i / 2] = sql_condition(x, when, "CASE WHEN clause");
            continue;
        }
        struct sql_value value = sql_expression(x, when);
        if (!sql_common_type(&x->c->arena, operand.type, value.type))
            sql_fail_at(x->c, when, "TYPE_MISMATCH",
                        "CASE operand type does not match WHEN clause operand type: %s vs %s",
                        sql_type_write(&x->c->arena, operand.type),
                        sql_type_write(&x->c->arena, value.type));
        struct sql_context condition = *x;
        condition.condition = true;
        tests[i / 2] = sql_compare(&condition, when, "=", operand, value);
    }
}

struct sql_value sql_case(struct sql_context *x, struct sql_node *node)
{
    struct sql_context exact = *x;
    exact.condition = false;
    size_t whens = (node->count - 2) / 2, results = whens;
    struct sql_value *tests = sql_take(x->c, whens, sizeof *tests);
    struct sql_value *values = sql_take(x->c, whens + 1, sizeof *values);
    struct sql_node *otherwise = node->parts[node->count - 1];
    struct sql_node **nodes = sql_take(x->c, whens + 1, sizeof(struct sql_node *));
    case_conditions(&exact, node, tests);
    for (size_t i = 0; i < whens; i++)
        values[i] = sql_expression(&exact, nodes[i] = node->parts[2 * i + 2]);
    nodes[whens] = otherwise;
    if (otherwise)
        values[results++] = sql_expression(&exact, otherwise);
    const struct sql_type *type = sql_single_type(x, nodes, "All CASE results", values, results);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < whens; i++)
        sql_text_printf(&text, " WHEN %s THEN %s", tests[i].text, values[i].text);
    if (otherwise)
        sql_text_printf(&text, " ELSE %s", values[whens].text);
    return sql_write(x, type, "(CASE%s END)", sql_text_end(&text));
}

static struct sql_value coalesce(struct sql_context *x, struct sql_node *node)
{
    struct sql_value *values = sql_take(x->c, node->count, sizeof *values);
    for (size_t i = 0; i < node->count; i++)
        values[i] = sql_expression(x, node->parts[i]);
    const struct sql_type *type =
        sql_single_type(x, node->parts, "All COALESCE operands", values, node->count);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < node->count; i++)
        sql_text_printf(&text, "%s%s", i ? ", " : "", values[i].text);
    return sql_write(x, type, "coalesce(%s)", sql_text_end(&text));
}

static struct sql_value if_value(struct sql_context *x, struct sql_node *node)
{
    struct sql_value test = sql_condition(x, node->parts[0], "IF condition");
    struct sql_value values[2] = {sql_expression(x, node->parts[1])};
    bool otherwise = node->count == 3;
    if (otherwise)
        values[1] = sql_expression(x, node->parts[2]);
    const struct sql_type *type = values[0].type;
    if (otherwise)
        type = sql_common_type(&x->c->arena, values[0].type, values[1].type);
    if (!type)
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "Result types for IF must be the same: %s vs %s",
                    sql_type_write(&x->c->arena, values[0].type),
                    sql_type_write(&x->c->arena, values[1].type));
    values[0] = sql_cast(x->c, values[0], type);
    if (otherwise)
        values[1] = sql_cast(x->c, values[1], type);
    if (!otherwise)
        return sql_write(x, type, "(CASE WHEN %s THEN %s END)", test.text, values[0].text);
    return sql_write(x, type, "(CASE WHEN %s THEN %s ELSE %s END)", test.text, values[0].text,
                     values[1].text);
}

static struct sql_value nullif(struct sql_context *x, struct sql_node *node)
{
    struct sql_value first = sql_expression(x, node->parts[0]);
    struct sql_value second = sql_expression(x, node->parts[1]);
    if (!sql_common_type(&x->c->arena, first.type, second.type))
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "Types are not comparable with NULLIF: %s vs %s",
                    sql_type_write(&x->c->arena, first.type),
                    sql_type_write(&x->c->arena, second.type));
    struct sql_context condition = *x;
    condition.condition = true;
    struct sql_value same = sql_compare(&condition, node, "=", first, second);
    return sql_write(x, first.type, "(CASE WHEN %s THEN NULL ELSE %s END)", same.text, first.text);
}

static struct sql_value try_value(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value = sql_expression(x, node->parts[0]);
    if (sql_scan(x->c, node->parts[0]) & SCAN_SUBQUERY)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "TRY over a subquery is not supported");
    return sql_write(x, value.type, "TRY(%s)", value.text);
}

/* --- operators --- */

static struct sql_value by_name(struct sql_context *x, struct sql_node *node, const char *name)
{
    struct sql_value values[2];
    size_t count = 0;
    for (; count < node->count && count < 2 && node->parts[count]; count++)
        values[count] = sql_expression(x, node->parts[count]);
    return sql_call_values(x, node, name, values, count);
}

static struct sql_value negate(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value = sql_expression(x, node->parts[0]);
    if (*node->text == '-')
        return sql_call_values(x, node, "negate", &value, 1);
    enum sql_type_kind kind = value.type->kind;
    if ((kind < SQL_TINYINT || kind > SQL_DECIMAL) && kind != SQL_INTERVAL_DAYS &&
        kind != SQL_INTERVAL_MONTHS)
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "Unary '+' operator cannot by applied to %s type",
                    sql_type_write(&x->c->arena, value.type));
    return value;
}

/* A row's field by its place, which has to be a literal. */
static struct sql_value row_subscript(struct sql_context *x, struct sql_node *node,
                                      struct sql_value row)
{
    struct sql_node *index = node->parts[1];
    if (index->kind != NODE_INTEGER)
        sql_fail_at(x->c, index, "EXPRESSION_NOT_CONSTANT",
                    "Subscript expression on ROW requires a constant index");
    long place = strtol(index->text, NULL, 10);
    if (place <= 0)
        sql_fail_at(x->c, index, "INVALID_FUNCTION_ARGUMENT",
                    "Invalid subscript index: %ld. ROW indices start at 1", place);
    if ((size_t)place > row.type->count)
        sql_fail_at(x->c, index, "INVALID_FUNCTION_ARGUMENT",
                    "Subscript index out of bounds: %ld, max value is %zu", place, row.type->count);
    const char *name = sql_type_field(&x->c->arena, row.type, (size_t)place - 1);
    return sql_write(x, row.type->parts[place - 1], "struct_extract(%s, %s)", row.text,
                     sql_quoted(&x->c->arena, name, '\''));
}

static struct sql_value subscript(struct sql_context *x, struct sql_node *node)
{
    struct sql_value base = sql_expression(x, node->parts[0]);
    if (base.type->kind == SQL_ROW)
        return row_subscript(x, node, base);
    struct sql_value values[2] = {base, sql_expression(x, node->parts[1])};
    bool map = base.type->kind == SQL_MAP;
    bool fits = map ? sql_coercible(&x->c->arena, values[1].type, base.type->parts[0])
                    : base.type->kind == SQL_ARRAY &&
                          sql_coercible(&x->c->arena, values[1].type, sql_type_plain(SQL_BIGINT));
    if (!fits)
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "Cannot use %s for subscript of %s",
                    sql_type_write(&x->c->arena, values[1].type),
                    sql_type_write(&x->c->arena, base.type));
    return sql_call_values(x, node, "[]", values, 2);
}

/* --- forms --- */

static struct sql_value extract(struct sql_context *x, struct sql_node *node)
{
    static const struct {
        const char *field, *function;
    } FIELDS[] = {
        {"YEAR", "year"},
        {"QUARTER", "quarter"},
        {"MONTH", "month"},
        {"WEEK", "week"},
        {"DAY", "day"},
        {"DAY_OF_MONTH", "day"},
        {"DAY_OF_WEEK", "day_of_week"},
        {"DOW", "day_of_week"},
        {"DAY_OF_YEAR", "day_of_year"},
        {"DOY", "day_of_year"},
        {"YEAR_OF_WEEK", "year_of_week"},
        {"YOW", "year_of_week"},
        {"HOUR", "hour"},
        {"MINUTE", "minute"},
        {"SECOND", "second"},
        {"TIMEZONE_MINUTE", "timezone_minute"},
        {"TIMEZONE_HOUR", "timezone_hour"},
    };
    struct sql_value value = sql_expression(x, node->parts[0]);
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
        if (!sql_same_word(FIELDS[i].field, node->text))
            continue;
        enum sql_type_kind kind = value.type->kind;
        bool clock = (kind >= SQL_DATE && kind <= SQL_INTERVAL_DAYS);
        if (!clock)
            sql_fail_at(x->c, node->parts[0], "TYPE_MISMATCH",
                        "Type of argument to extract must be DATE, TIME, TIMESTAMP, or INTERVAL "
                        "(actual %s)",
                        sql_type_write(&x->c->arena, value.type));
        return sql_call_values(x, node, FIELDS[i].function, &value, 1);
    }
    sql_fail_at(x->c, node, "SYNTAX_ERROR", "Invalid EXTRACT field: %s", node->text);
}

static struct sql_value trim(struct sql_context *x, struct sql_node *node)
{
    bool leading = node->more && strcmp(node->more, "LEADING") == 0;
    bool trailing = node->more && strcmp(node->more, "TRAILING") == 0;
    return by_name(x, node, leading ? "ltrim" : trailing ? "rtrim" : "trim");
}

static struct sql_value at_zone(struct sql_context *x, struct sql_node *node)
{
    struct sql_value values[2] = {sql_expression(x, node->parts[0]),
                                  sql_expression(x, node->parts[1])};
    enum sql_type_kind kind = values[0].type->kind;
    if (kind < SQL_TIME || kind > SQL_TIMESTAMP_ZONED)
        sql_fail_at(x->c, node->parts[0], "TYPE_MISMATCH",
                    "Type of value must be a time or timestamp with or without time zone (actual "
                    "%s)",
                    sql_type_write(&x->c->arena, values[0].type));
    if (node->parts[1]->kind == NODE_STRING && !sql_clock_zone(node->parts[1]->text))
        sql_fail(x->c, 0, 0, "INVALID_FUNCTION_ARGUMENT", "'%s' is not a valid time zone",
                 node->parts[1]->text);
    return sql_call_values(x, node, "at_timezone", values, 2);
}

static struct sql_value current(struct sql_context *x, struct sql_node *node)
{
    static const struct {
        const char *word, *function;
        enum sql_type_kind kind;
    } WORDS[] = {
        {"CURRENT_TIMESTAMP", "$current_timestamp", SQL_TIMESTAMP_ZONED},
        {"CURRENT_TIME", "$current_time", SQL_TIME_ZONED},
        {"LOCALTIMESTAMP", "$localtimestamp", SQL_TIMESTAMP},
        {"LOCALTIME", "$localtime", SQL_TIME},
        {"CURRENT_DATE", "$current_date", SQL_DATE},
    };
    const struct sql_catalog *catalog = x->c->catalog;
    const struct sql_type *varchar = sql_type_plain(SQL_VARCHAR);
    const char *text = strcmp(node->text, "CURRENT_USER") == 0      ? catalog->user
                       : strcmp(node->text, "CURRENT_CATALOG") == 0 ? catalog->name
                       : strcmp(node->text, "CURRENT_SCHEMA") == 0  ? catalog->schema
                                                                    : NULL;
    if (text)
        return sql_write(x, varchar, "%s::VARCHAR", sql_quoted(&x->c->arena, text, '\''));
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (strcmp(WORDS[i].word, node->text) != 0)
            continue;
        struct sql_value value = sql_call_values(x, node, WORDS[i].function, NULL, 0);
        int digits = node->number < 0 ? 3 : node->number;
        if (digits > 6)
            sql_fail_at(x->c, node, "NOT_SUPPORTED",
                        "%s precision of more than 6 digits is not supported", node->text);
        value.type = WORDS[i].kind == SQL_DATE
                         ? value.type
                         : sql_type_sized(&x->c->arena, WORDS[i].kind, digits, 0);
        return value;
    }
    return sql_write(x, varchar, "''::VARCHAR");
}

static struct sql_value normalize(struct sql_context *x, struct sql_node *node)
{
    struct sql_value values[2] = {sql_expression(x, node->parts[0])};
    values[1] = sql_write(x, sql_type_plain(SQL_VARCHAR), "'%s'::VARCHAR", node->text);
    return sql_call_values(x, node, "normalize", values, 2);
}

/* grouping(a, b): a number whose bits say which keys a set leaves out. */
static struct sql_value grouping(struct sql_context *x, struct sql_node *node)
{
    struct sql_aggregation *groups = x->aggregation;
    if (!groups)
        sql_fail_at(x->c, x->body, "MISSING_GROUP_BY",
                    "A GROUPING() operation can only be used with a corresponding GROUPING SET/"
                    "CUBE/ROLLUP/GROUP BY clause");
    struct sql_text text = {.arena = &x->c->arena};
    struct sql_context source = *x;
    source.aggregation = NULL;
    source.outputs = NULL;
    for (size_t i = 0; i < node->count; i++) {
        for (size_t j = 0; x->outputs && j < x->output_count; j++)
            if (x->outputs[j].name && sql_same_word(x->outputs[j].name, node->parts[i]->text))
                sql_fail(x->c, 0, 0, "INVALID_ARGUMENTS",
                         "Invalid reference to output of SELECT clause from grouping() expression "
                         "in ORDER BY");
        struct sql_value value = sql_expression(&source, node->parts[i]);
        size_t key = 0;
        while (key < groups->key_count && !sql_same_text(groups->keys[key].text, value.text))
            key++;
        if (key == groups->key_count)
            sql_fail_at(x->c, node->parts[i], "INVALID_ARGUMENTS",
                        "The arguments to GROUPING() must be expressions referenced by the GROUP "
                        "BY at the associated query level. Mismatch due to %s.",
                        sql_node_text(&x->c->arena, node->parts[i]));
        sql_text_printf(&text, "%s%s", i ? ", " : "", sql_sort_key(x, value));
    }
    const struct sql_type *type = sql_type_plain(node->count > 31 ? SQL_BIGINT : SQL_INTEGER);
    struct sql_value call = sql_write(x, type, "CAST(grouping(%s) AS %s)", sql_text_end(&text),
                                      sql_type_duckdb(&x->c->arena, type));
    groups->calls = sql_push(x->c, groups->calls, &groups->call_count, sizeof *groups->calls);
    groups->calls[groups->call_count - 1] = call;
    return sql_write(x, type, "%s.a%zu", groups->relation, groups->call_count);
}

static struct sql_value form(struct sql_context *x, struct sql_node *node)
{
    if (strcmp(node->text, "coalesce") == 0)
        return coalesce(x, node);
    if (strcmp(node->text, "if") == 0)
        return if_value(x, node);
    return strcmp(node->text, "nullif") == 0 ? nullif(x, node) : try_value(x, node);
}

struct sql_value sql_special(struct sql_context *x, struct sql_node *node)
{
    struct sql_context exact = *x;
    exact.condition = false;
    switch (node->kind) {
    case NODE_CALL:
        return form(&exact, node);
    case NODE_ARITHMETIC:
        return by_name(&exact, node, node->text);
    case NODE_CONCAT:
        return by_name(&exact, node, "concat");
    case NODE_NEGATE:
        return negate(&exact, node);
    case NODE_SUBSCRIPT:
        return subscript(&exact, node);
    case NODE_EXTRACT:
        return extract(&exact, node);
    case NODE_TRIM:
        return trim(&exact, node);
    case NODE_AT_ZONE:
        return at_zone(&exact, node);
    case NODE_CURRENT:
        return current(&exact, node);
    case NODE_NORMALIZE:
        return normalize(&exact, node);
    case NODE_GROUPING:
        return grouping(&exact, node);
    default:
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "%s is not supported",
                    sql_node_text(&x->c->arena, node));
    }
}
