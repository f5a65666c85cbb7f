/* Queries: WITH, set operations, VALUES, and the ORDER BY and LIMIT of all of them. */
#include "sql/select.h"

#include "sql/coerce.h"
#include "sql/type_kinds.h"

#include <stdlib.h>
#include <string.h>

static const char *columns(struct sql_context *x, size_t count)
{
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < count; i++)
        sql_text_printf(&text, "%sc%zu", i ? ", " : "", i + 1);
    return sql_text_end(&text);
}

/* --- ORDER BY, OFFSET, LIMIT --- */

static const char *row_count(struct sql_context *x, struct sql_node *node)
{
    if (node->kind == NODE_INTEGER) {
        if (strlen(node->text) > 18)
            sql_fail_at(x->c, node, "INVALID_ROW_COUNT", "Invalid row count: %s", node->text);
        return node->text;
    }
    struct sql_value value = sql_literal(x, node);
    if (value.unknown)
        return sql_cast(x->c, value, sql_type_plain(SQL_BIGINT)).text;
    if (!sql_type_integral(value.type))
        sql_fail_at(x->c, node, "TYPE_MISMATCH", "Non constant parameter value for LIMIT: %s",
                    sql_type_write(&x->c->arena, value.type));
    return value.text;
}

static void put_order(struct sql_text *text, const struct sql_order_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sql_text_printf(text, "%s%s %s NULLS %s", i ? ", " : " ORDER BY ", keys[i].text,
                        keys[i].descending ? "DESC" : "ASC",
                        keys[i].nulls_first ? "FIRST" : "LAST");
}

static const char *with_ties(struct sql_context *x, const struct sql_query *query,
                             struct sql_output output, const struct sql_order_key *keys)
{
    struct sql_text order = {.arena = &x->c->arena};
    put_order(&order, keys, query->sort_count);
    const char *from = output.text;
    if (query->offset)
        from = sql_printf(&x->c->arena, "SELECT * FROM (%s)%s OFFSET %s", from,
                          sql_text_end(&order), row_count(x, query->offset));
    return sql_printf(&x->c->arena,
                      "SELECT %s FROM (SELECT *, rank() OVER (%s) AS tie FROM (%s)) WHERE tie <= "
                      "%s%s",
                      columns(x, output.fields.count), sql_text_end(&order) + 1, from,
                      query->limit ? row_count(x, query->limit) : "1", sql_text_end(&order));
}

static const char *limit_text(struct sql_context *x, const struct sql_query *query)
{
    if (query->limit)
        return row_count(x, query->limit);
    return query->fetch ? "1" : NULL;
}

const char *sql_ordered(struct sql_context *x, const struct sql_query *query,
                        struct sql_output output, const struct sql_order_key *keys, bool more)
{
    if (query->ties && !query->sort_count)
        sql_fail(x->c, query->limit_line, query->limit_column, "MISSING_ORDER_BY",
                 "FETCH FIRST WITH TIES clause requires ORDER BY");
    const char *limit = limit_text(x, query);
    if (query->limit && query->fetch && query->limit->kind == NODE_INTEGER &&
        strtoll(query->limit->text, NULL, 10) == 0)
        sql_fail(x->c, query->limit_line, query->limit_column, "INVALID_LIMIT_CLAUSE",
                 "FETCH FIRST row count must be positive (actual value: 0)");
    if (query->ties)
        return with_ties(x, query, output, keys);
    if (!query->sort_count && !query->offset && !limit)
        return output.text;
    struct sql_text text = {.arena = &x->c->arena};
    sql_text_printf(&text, "SELECT %s FROM (%s)", columns(x, output.fields.count), output.text);
    (void)more;
    put_order(&text, keys, query->sort_count);
    if (limit)
        sql_text_printf(&text, " LIMIT %s", limit);
    if (query->offset)
        sql_text_printf(&text, " OFFSET %s", row_count(x, query->offset));
    return sql_text_end(&text);
}

/* ORDER BY over what a query gives, where there is no SELECT of its own below. */
static const char *ordered_output(struct sql_context *x, const struct sql_query *query,
                                  struct sql_output output)
{
    struct sql_order_key *keys = sql_take(x->c, query->sort_count, sizeof *keys);
    struct sql_fields fields = {.list = sql_take(x->c, output.fields.count, sizeof *fields.list),
                                .count = output.fields.count};
    for (size_t i = 0; i < fields.count; i++) {
        fields.list[i] = output.fields.list[i];
        fields.list[i].text = sql_printf(&x->c->arena, "c%zu", i + 1);
    }
    struct sql_scope scope = {.outer = x->scope, .fields = fields};
    struct sql_context inner = {.c = x->c, .scope = &scope, .queries = x->queries};
    for (size_t i = 0; i < query->sort_count; i++) {
        struct sql_node *key = query->sorts[i].key;
        struct sql_value value = {0};
        if (key->kind == NODE_INTEGER) {
            long place = strtol(key->text, NULL, 10);
            if (place < 1 || (size_t)place > fields.count)
                sql_fail_at(x->c, key, "INVALID_COLUMN_REFERENCE",
                            "ORDER BY position %ld is not in select list", place);
            value = (struct sql_value){.text = fields.list[place - 1].text,
                                       .type = fields.list[place - 1].type};
        } else {
            value = sql_expression(&inner, key);
        }
        if (!sql_type_orderable(value.type))
            sql_fail(x->c, query->line, query->column, "TYPE_MISMATCH",
                     "Type %s is not orderable, and therefore cannot be used in ORDER BY: %s",
                     sql_type_write(&x->c->arena, value.type), sql_node_text(&x->c->arena, key));
        keys[i] = (struct sql_order_key){sql_sort_key(x, value), query->sorts[i].descending,
                                         query->sorts[i].nulls_first};
    }
    return sql_ordered(x, query, output, keys, false);
}

const char *sql_distinct_text(struct sql_context *x, const char *text,
                              const struct sql_fields *fields)
{
    struct sql_text shown = {.arena = &x->c->arena}, keys = {.arena = &x->c->arena};
    bool needed = false;
    for (size_t i = 0; i < fields->count; i++) {
        struct sql_value column = {.text = sql_printf(&x->c->arena, "c%zu", i + 1),
                                   .type = fields->list[i].type};
        bool by_key = sql_distinct_by_key(column.type);
        needed |= by_key;
        sql_text_printf(&shown, by_key ? "%sany_value(%s) AS c%zu" : "%s%s AS c%zu", i ? ", " : "",
                        column.text, i + 1);
        sql_text_printf(&keys, "%s%s", i ? ", " : "", sql_sort_key(x, column));
    }
    if (!needed)
        return NULL;
    return sql_printf(&x->c->arena, "SELECT %s FROM (%s) GROUP BY %s", sql_text_end(&shown), text,
                      sql_text_end(&keys));
}

/* --- VALUES --- */

static struct sql_value row_part(struct sql_context *x, struct sql_node *node,
                                 struct sql_value whole, size_t index)
{
    if (node->kind == NODE_ROW)
        return sql_expression(x, node->parts[index]);
    if (whole.type->kind != SQL_ROW)
        return whole;
    const char *name = sql_type_field(&x->c->arena, whole.type, index);
    return sql_write(x, whole.type->parts[index], "struct_extract(%s, %s)", whole.text,
                     sql_quoted(&x->c->arena, name, '\''));
}

static size_t row_width(const struct sql_node *node, struct sql_value whole)
{
    return node->kind == NODE_ROW        ? node->count
           : whole.type->kind == SQL_ROW ? whole.type->count
                                         : 1;
}

static const char *row_types(struct sql_context *x, const struct sql_value *cells, size_t width)
{
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < width; i++)
        sql_text_printf(&text, "%s%s", i ? ", " : "row(",
                        sql_type_write(text.arena, cells[i].type));
    sql_text_put(&text, ")");
    return sql_text_end(&text);
}

static void common_column(struct sql_context *x, struct sql_body *body, struct sql_value **cells,
                          size_t column, size_t width, struct sql_field *field)
{
    const struct sql_type *common = cells[0][column].type;
    for (size_t i = 1; i < body->row_count; i++) {
        const struct sql_type *wider = sql_common_type(&x->c->arena, common, cells[i][column].type);
        if (!wider)
            sql_fail_at(x->c, body, "TYPE_MISMATCH", "Values rows have mismatched types: %s vs %s",
                        row_types(x, cells[0], width), row_types(x, cells[i], width));
        common = wider;
    }
    for (size_t i = 0; i < body->row_count; i++)
        cells[i][column] = sql_cast(x->c, cells[i][column], common);
    field->type = common;
}

static struct sql_output values_output(struct sql_context *x, struct sql_body *body)
{
    struct sql_value **cells = sql_take(x->c, body->row_count, sizeof *cells);
    size_t width = 0;
    for (size_t i = 0; i < body->row_count; i++) {
        struct sql_value whole = sql_expression(x, body->rows[i]);
        size_t own = row_width(body->rows[i], whole);
        width = i ? width : own;
        if (own != width)
            sql_fail_at(x->c, body, "TYPE_MISMATCH",
                        "Values rows have mismatched sizes: %zu vs %zu", width, own);
        cells[i] = sql_take(x->c, own, sizeof **cells);
        for (size_t j = 0; j < own; j++)
            cells[i][j] = row_part(x, body->rows[i], whole, j);
    }
    struct sql_field *fields = sql_take(x->c, width, sizeof *fields);
    for (size_t j = 0; j < width; j++)
        common_column(x, body, cells, j, width, &fields[j]);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < body->row_count; i++)
        for (size_t j = 0; j < width; j++)
            sql_text_printf(&text, "%s%s%s", j ? ", " : i ? "), (" : "(", cells[i][j].text, "");
    struct sql_output output = {.fields = {.list = fields, .count = width}};
    output.text = sql_printf(&x->c->arena, "SELECT * FROM (VALUES %s)) AS v(%s)",
                             sql_text_end(&text), columns(x, width));
    return output;
}

/* --- set operations --- */

static const char *as_types(struct sql_context *x, struct sql_output side,
                            const struct sql_field *fields)
{
    struct sql_text text = {.arena = &x->c->arena};
    bool same = true;
    for (size_t i = 0; i < side.fields.count; i++) {
        struct sql_value column = {.text = sql_printf(&x->c->arena, "c%zu", i + 1),
                                   .type = side.fields.list[i].type};
        struct sql_value cast = sql_cast(x->c, column, fields[i].type);
        same = same && strcmp(cast.text, column.text) == 0;
        sql_text_printf(&text, "%s%s AS c%zu", i ? ", " : "", cast.text, i + 1);
    }
    if (same)
        return sql_printf(&x->c->arena, "(%s)", side.text);
    return sql_printf(&x->c->arena, "(SELECT %s FROM (%s))", sql_text_end(&text), side.text);
}

static const char *set_text(struct sql_context *x, const struct sql_body *body,
                            const struct sql_fields *fields, const char *left, const char *right)
{
    bool all = strcmp(body->operation, "UNION") == 0;
    const char *text = sql_printf(&x->c->arena, "%s %s ALL %s", left, body->operation, right);
    const char *distinct = body->distinct || !all ? sql_distinct_text(x, text, fields) : NULL;
    if (distinct && !all)
        sql_fail_at(x->c, body, "NOT_SUPPORTED",
                    "%s of times with time zones or maps is not supported", body->operation);
    if (distinct)
        return distinct;
    return sql_printf(&x->c->arena, "%s %s%s %s", left, body->operation,
                      body->distinct ? "" : " ALL", right);
}

static struct sql_output set_output(struct sql_context *x, struct sql_body *body)
{
    struct sql_output left = sql_body_output(x, body->left, NULL);
    struct sql_output right = sql_body_output(x, body->right, NULL);
    size_t count = left.fields.count;
    if (count != right.fields.count)
        sql_fail_at(x->c, body, "TYPE_MISMATCH",
                    "%s query has different number of fields: %zu, %zu", body->operation, count,
                    right.fields.count);
    struct sql_field *fields = sql_take(x->c, count, sizeof *fields);
    for (size_t i = 0; i < count; i++) {
        const struct sql_type *a = left.fields.list[i].type, *b = right.fields.list[i].type;
        fields[i] = left.fields.list[i];
        fields[i].relation = fields[i].schema = fields[i].catalog = NULL;
        fields[i].table = NULL;
        fields[i].type = sql_common_type(&x->c->arena, a, b);
        if (!fields[i].type)
            sql_fail_at(x->c, body, "TYPE_MISMATCH",
                        "column %zu in %s query has incompatible types: %s, %s", i + 1,
                        body->operation, sql_type_write(&x->c->arena, a),
                        sql_type_write(&x->c->arena, b));
        bool distinct = body->distinct || strcmp(body->operation, "UNION") != 0;
        if (distinct && !sql_type_comparable(fields[i].type))
            sql_fail_at(x->c, body, "TYPE_MISMATCH",
                        "Type %s is not comparable and therefore cannot be used in %s%s",
                        sql_type_write(&x->c->arena, fields[i].type), body->operation,
                        strcmp(body->operation, "UNION") == 0 ? " DISTINCT" : "");
    }
    struct sql_output output = {.fields = {.list = fields, .count = count}};
    output.text =
        set_text(x, body, &output.fields, as_types(x, left, fields), as_types(x, right, fields));
    return output;
}

static struct sql_output table_output(struct sql_context *x, struct sql_body *body)
{
    struct sql_output table = sql_relation_output(x, body->table);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < table.fields.count; i++) {
        sql_use_field(&table.fields.list[i]);
        sql_text_printf(&text, "%s%s AS c%zu", i ? ", " : "", table.fields.list[i].text, i + 1);
    }
    struct sql_output output = {.fields = {.list = table.fields.list, .count = table.fields.count}};
    output.text = sql_printf(&x->c->arena, "SELECT %s FROM %s", sql_text_end(&text), table.text);
    return output;
}

struct sql_output sql_body_output(struct sql_context *x, struct sql_body *body,
                                  struct sql_query *query)
{
    if (body->kind == BODY_SELECT)
        return sql_select_output(x, body, query);
    struct sql_output output = body->kind == BODY_SET      ? set_output(x, body)
                               : body->kind == BODY_TABLE  ? table_output(x, body)
                               : body->kind == BODY_VALUES ? values_output(x, body)
                                                           : sql_query_output(x, body->query);
    if (query)
        output.text = ordered_output(x, query, output);
    return output;
}

/* --- WITH --- */

static struct sql_known_query *new_known(struct sql_context *x, const struct sql_with *with,
                                         struct sql_fields fields)
{
    struct sql_known_query *known = sql_take(x->c, 1, sizeof *known);
    known->name = sql_lower(&x->c->arena, with->name.text);
    known->relation = sql_printf(&x->c->arena, "q%zu", ++x->c->names);
    known->fields = (struct sql_fields){.list = sql_take(x->c, fields.count, sizeof *fields.list),
                                        .count = fields.count};
    known->next = x->queries;
    known->with = with;
    if (with->columns && with->column_count != fields.count)
        sql_fail_at(x->c, &with->name, "MISMATCHED_COLUMN_ALIASES",
                    "Column alias list has %zu entries but relation has %zu columns",
                    with->column_count, fields.count);
    for (size_t i = 0; i < fields.count; i++) {
        known->fields.list[i] = (struct sql_field){.name = fields.list[i].name,
                                                   .type = fields.list[i].type,
                                                   .origin = fields.list[i].origin,
                                                   .aliased = fields.list[i].aliased};
        if (with->columns)
            known->fields.list[i].name = with->columns[i].text;
    }
    return known;
}

static void plain_with(struct sql_context *x, const struct sql_with *with, struct sql_text *text)
{
    struct sql_output output = sql_query_output(x, with->query);
    struct sql_known_query *known = new_known(x, with, output.fields);
    sql_text_printf(text, "%s%s AS (%s)", text->size ? ", " : "", known->relation, output.text);
    x->queries = known;
}

static const char *step_text(struct sql_context *x, struct sql_output step,
                             const struct sql_field *fields)
{
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < step.fields.count; i++) {
        struct sql_value column = {.text = sql_printf(&x->c->arena, "c%zu", i + 1),
                                   .type = step.fields.list[i].type};
        sql_text_printf(&text, "%s, ", sql_cast(x->c, column, fields[i].type).text);
    }
    return sql_printf(&x->c->arena, "(SELECT %sdepth FROM (%s))", sql_text_end(&text), step.text);
}

/* WITH RECURSIVE q AS (anchor UNION step), where the step names q: else it is like any other. */
static bool is_recursion(const struct sql_with *with)
{
    const struct sql_query *query = with->query;
    const struct sql_body *body = query->body;
    bool bare = !query->with_count && !query->sort_count && !query->limit && !query->offset;
    return bare && body->kind == BODY_SET && strcmp(body->operation, "UNION") == 0 &&
           sql_names_table(body->right, with->name.text);
}

static void check_step(struct sql_context *x, const struct sql_body *step,
                       const struct sql_fields *given, const struct sql_fields *wanted)
{
    struct arena *arena = &x->c->arena;
    if (given->count != wanted->count)
        sql_fail_at(x->c, step, "TYPE_MISMATCH",
                    "base and step relations of recursion have different number of fields: %zu, "
                    "%zu",
                    wanted->count, given->count);
    for (size_t i = 0; i < given->count; i++)
        if (!sql_coercible(arena, given->list[i].type, wanted->list[i].type))
            sql_fail_at(x->c, step, "TYPE_MISMATCH",
                        "recursion step relation output type (%s) is not coercible to recursion "
                        "base relation output type (%s) at column %zu",
                        sql_type_write(arena, given->list[i].type),
                        sql_type_write(arena, wanted->list[i].type), i + 1);
}

static struct sql_output step_output(struct sql_context *x, struct sql_known_query *known,
                                     struct sql_body *step)
{
    struct sql_context inner = *x;
    struct sql_recursion recursion = {0};
    inner.queries = known;
    known->recursion = inner.recursion = &recursion;
    struct sql_output output = sql_body_output(&inner, step, NULL);
    known->recursion = NULL;
    return output;
}

/* anchor UNION [ALL] step, where the step names the query itself. DuckDB has no limit of rounds and
 * Trino one of ten: a column counts them. */
static bool recursive_with(struct sql_context *x, const struct sql_with *with,
                           struct sql_text *text)
{
    struct sql_body *body = with->query->body;
    if (!is_recursion(with))
        return false;
    if (!with->columns)
        sql_fail_at(x->c, &with->name, "MISSING_COLUMN_ALIASES",
                    "missing column aliases in recursive WITH query");
    if (body->right->kind != BODY_SELECT || body->distinct)
        sql_fail_at(x->c, body, "NOT_SUPPORTED",
                    "a recursion has to be UNION ALL with a SELECT of the query itself");
    struct sql_output anchor = sql_body_output(x, body->left, NULL);
    struct sql_known_query *known = new_known(x, with, anchor.fields);
    struct sql_output step = step_output(x, known, body->right);
    check_step(x, body->right, &step.fields, &anchor.fields);
    sql_text_printf(text, "%s%s(%s, depth) AS ((SELECT *, 0 FROM %s) UNION ALL %s)",
                    text->size ? ", " : "", known->relation, columns(x, anchor.fields.count),
                    as_types(x, anchor, anchor.fields.list),
                    step_text(x, step, anchor.fields.list));
    x->queries = known;
    return true;
}

static const char *with_text(struct sql_context *x, struct sql_query *query)
{
    struct sql_text text = {.arena = &x->c->arena};
    bool recursive = false;
    for (size_t i = 0; i < query->with_count; i++) {
        const struct sql_with *with = &query->with[i];
        for (size_t j = 0; j < i; j++)
            if (sql_same_word(query->with[j].name.text, with->name.text))
                sql_fail_at(x->c, &with->name, "DUPLICATE_NAMED_QUERY",
                            "WITH query name '%s' specified more than once",
                            sql_lower(&x->c->arena, with->name.text));
        if (query->recursive && recursive_with(x, with, &text))
            recursive = true;
        else
            plain_with(x, with, &text);
    }
    if (!query->with_count)
        return "";
    return sql_printf(&x->c->arena, "WITH%s %s ", recursive ? " RECURSIVE" : "",
                      sql_text_end(&text));
}

struct sql_output sql_query_output(struct sql_context *x, struct sql_query *query)
{
    struct sql_context inner = {.c = x->c, .scope = x->scope, .queries = x->queries};
    const char *with = with_text(&inner, query);
    struct sql_output output = sql_body_output(&inner, query->body, query);
    if (*with)
        output.text = sql_printf(&x->c->arena, "%s%s", with, output.text);
    output.ordered = query->sort_count > 0;
    return output;
}
