/* What stands in FROM, as DuckDB's text and the fields that it gives. Every relation gets a name of
 * its own, s1, s2, ...; fields are said by it. */
#include "sql/scope.h"

#include "sql/coerce.h"
#include "sql/type_kinds.h"

#include <stdlib.h>
#include <string.h>

static const char *new_name(struct sql_context *x)
{
    return sql_printf(&x->c->arena, "s%zu", ++x->c->names);
}

static void add_field(struct sql_context *x, struct sql_fields *fields, struct sql_field field)
{
    fields->list = sql_push(x->c, fields->list, &fields->count, sizeof *fields->list);
    fields->list[fields->count - 1] = field;
}

static void add_hidden(struct sql_context *x, struct sql_fields *fields, struct sql_field field)
{
    fields->hidden = sql_push(x->c, fields->hidden, &fields->hidden_count, sizeof *fields->hidden);
    fields->hidden[fields->hidden_count - 1] = field;
}

/* What every relation has of the file that a row is from. */
static const struct {
    const char *name;
    struct sql_type type;
} hidden_columns[] = {
    {"$path", {.kind = SQL_VARCHAR, .precision = SQL_UNBOUNDED}},
    {"$file_size", {.kind = SQL_BIGINT}},
    {"$file_modified_time", {.kind = SQL_TIMESTAMP_ZONED, .precision = 3}},
};

static const char *lower_part(struct sql_context *x, const struct sql_relation *relation,
                              size_t from_end, const char *otherwise)
{
    if (relation->name_count <= from_end)
        return otherwise;
    return sql_lower(&x->c->arena, relation->name[relation->name_count - 1 - from_end].text);
}

/* --- tables and views --- */

static struct sql_used_table *use_table(struct sql_context *x, const char *catalog,
                                        const char *schema, const char *name,
                                        const struct sql_table *table)
{
    struct sql_compiler *c = x->c;
    c->used = sql_push(c, c->used, &c->used_count, sizeof *c->used);
    struct sql_used_table *used = sql_take(c, 1, sizeof *used);
    *used = (struct sql_used_table){.catalog = catalog,
                                    .schema = schema,
                                    .table = name,
                                    .columns = table->columns,
                                    .count = table->count};
    used->relation = sql_printf(&c->arena, "r%zu", c->used_count);
    used->used = sql_take(c, table->count, sizeof *used->used);
    c->used[c->used_count - 1] = used;
    return used;
}

static struct sql_output table_output(struct sql_context *x, const char *catalog,
                                      const char *schema, const char *name,
                                      const struct sql_table *table)
{
    struct sql_used_table *used = use_table(x, catalog, schema, name, table);
    const char *alias = new_name(x);
    struct sql_output output = {.text =
                                    sql_printf(&x->c->arena, "%s AS %s", used->relation, alias)};
    for (size_t i = 0; i < table->count; i++) {
        struct sql_field field = {.name = table->columns[i].name,
                                  .type = table->columns[i].type,
                                  .relation = name,
                                  .schema = schema,
                                  .catalog = catalog,
                                  .table = used,
                                  .column = i,
                                  .origin = {catalog, schema, name}};
        field.text = sql_printf(&x->c->arena, "%s.%s", alias,
                                sql_quoted(&x->c->arena, table->columns[i].name, '"'));
        if (field.type->kind == SQL_CHAR)
            field.text = sql_printf(&x->c->arena, "rtrim(%s, ' ')", field.text);
        add_field(x, &output.fields, field);
    }
    for (size_t i = 0; i < sizeof hidden_columns / sizeof *hidden_columns; i++) {
        struct sql_field field = {.name = hidden_columns[i].name,
                                  .type = &hidden_columns[i].type,
                                  .relation = name,
                                  .schema = schema,
                                  .catalog = catalog};
        field.text = sql_printf(&x->c->arena, "%s.\"%s\"", alias, field.name);
        add_hidden(x, &output.fields, field);
    }
    return output;
}

/* A subquery under a name, its columns said by it. */
static struct sql_output named_query(struct sql_context *x, struct sql_output query,
                                     const char *form)
{
    const char *alias = new_name(x);
    struct sql_output output = {0};
    output.text = sql_printf(&x->c->arena, "%s(%s) AS %s", form, query.text, alias);
    for (size_t i = 0; i < query.fields.count; i++) {
        struct sql_field field = query.fields.list[i];
        field.text = sql_printf(&x->c->arena, "%s.c%zu", alias, i + 1);
        field.table = NULL;
        add_field(x, &output.fields, field);
    }
    return output;
}

static void name_fields(struct sql_fields *fields, const char *relation, const char *schema,
                        const char *catalog)
{
    for (size_t i = 0; i < fields->count; i++) {
        fields->list[i].relation = relation;
        fields->list[i].schema = schema;
        fields->list[i].catalog = catalog;
    }
    for (size_t i = 0; i < fields->hidden_count; i++) {
        fields->hidden[i].relation = relation;
        fields->hidden[i].schema = schema;
        fields->hidden[i].catalog = catalog;
    }
}

/* A view is its SELECT, whose names are looked up where the view was made. */
static struct sql_output view_output(struct sql_context *x, const struct sql_relation *relation,
                                     const char *name, const struct sql_table *table)
{
    struct sql_compiler *c = x->c;
    if (++c->view_depth > 20)
        sql_fail_at(c, relation, "VIEW_IS_RECURSIVE", "statement stores a recursive view: %s",
                    name);
    struct sql_catalog inside = *c->catalog;
    const struct sql_catalog *outside = c->catalog;
    inside.name = table->view_catalog ? table->view_catalog : inside.name;
    inside.schema = table->view_schema ? table->view_schema : inside.schema;
    c->catalog = &inside;
    struct sql_context plain = {.c = c};
    struct sql_output output = sql_query_output(&plain, sql_parse_query_text(c, table->view));
    c->catalog = outside;
    c->view_depth--;
    output = named_query(x, output, "");
    for (size_t i = 0; i < output.fields.count && i < table->count; i++) {
        struct sql_field *field = &output.fields.list[i];
        struct sql_value value = {.text = field->text, .type = field->type};
        if (!sql_castable(field->type, table->columns[i].type))
            sql_fail_at(c, relation, "INVALID_VIEW",
                        "View '%s' is stale or in invalid state: column [%s] has another type",
                        name, table->columns[i].name);
        field->text = sql_cast(c, value, table->columns[i].type).text;
        field->type = table->columns[i].type;
        field->name = table->columns[i].name;
    }
    return output;
}

static const struct sql_known_query *known_query(const struct sql_context *x, const char *name)
{
    for (const struct sql_known_query *known = x->queries; known; known = known->next)
        if (strcmp(known->name, name) == 0)
            return known;
    return NULL;
}

static struct sql_output known_output(struct sql_context *x, const struct sql_known_query *known)
{
    const char *alias = new_name(x);
    struct sql_output output = {.text =
                                    sql_printf(&x->c->arena, "%s AS %s", known->relation, alias)};
    if (known->recursion) {
        known->recursion->alias = alias;
        known->recursion->references++;
    }
    for (size_t i = 0; i < known->fields.count; i++) {
        struct sql_field field = known->fields.list[i];
        field.text = sql_printf(&x->c->arena, "%s.c%zu", alias, i + 1);
        field.relation = known->name;
        field.schema = field.catalog = NULL;
        field.table = NULL;
        add_field(x, &output.fields, field);
    }
    return output;
}

static _Noreturn void refuse_table(struct sql_context *x, const struct sql_relation *relation,
                                   const char *catalog, const char *schema, const char *name)
{
    const struct sql_catalog *asked = x->c->catalog;
    bool known = strcmp(catalog, asked->name) == 0 ||
                 (asked->has_catalog && asked->has_catalog(asked->data, catalog));
    if (!known)
        sql_fail_at(x->c, relation, "CATALOG_NOT_FOUND", "Catalog '%s' does not exist", catalog);
    if (asked->has_schema && !asked->has_schema(asked->data, catalog, schema))
        sql_fail_at(x->c, relation, "SCHEMA_NOT_FOUND", "Schema '%s' does not exist", schema);
    sql_fail_at(x->c, relation, "TABLE_NOT_FOUND", "Table '%s.%s.%s' does not exist", catalog,
                schema, name);
}

static struct sql_output named_table(struct sql_context *x, struct sql_relation *relation)
{
    const struct sql_catalog *asked = x->c->catalog;
    const char *name = lower_part(x, relation, 0, "");
    const struct sql_known_query *known = relation->name_count == 1 ? known_query(x, name) : NULL;
    if (known)
        return known_output(x, known);
    if (relation->name_count > 3) {
        struct sql_text text = {.arena = &x->c->arena};
        for (size_t i = 0; i < relation->name_count; i++)
            sql_text_printf(&text, "%s%s", i ? "." : "", relation->name[i].text);
        sql_fail(x->c, 0, 0, "SYNTAX_ERROR", "Too many dots in table name: %s",
                 sql_text_end(&text));
    }
    const char *schema = lower_part(x, relation, 1, asked->schema);
    const char *catalog = lower_part(x, relation, 2, asked->name);
    struct sql_table table = {0};
    struct sql_error error = {0};
    if (!asked->find || !asked->find(asked->data, catalog, schema, name, &table, &error)) {
        if (*error.name)
            sql_fail_at(x->c, relation, error.name, "%s", error.message);
        refuse_table(x, relation, catalog, schema, name);
    }
    if (!table.view)
        return table_output(x, catalog, schema, name, &table);
    struct sql_output output = view_output(x, relation, name, &table);
    name_fields(&output.fields, name, schema, catalog);
    return output;
}

/* --- UNNEST --- */

struct unnesting {
    struct sql_text inner, outer, longest;
    struct sql_fields fields;
    const char *alias;
    size_t columns;
};

static void unnest_column(struct sql_context *x, struct unnesting *all, const char *text,
                          const struct sql_type *type)
{
    struct sql_field field = {.type = type};
    sql_text_printf(&all->outer, "%s%s AS c%zu", all->fields.count ? ", " : "", text,
                    all->fields.count + 1);
    field.text = sql_printf(&x->c->arena, "%s.c%zu", all->alias, all->fields.count + 1);
    add_field(x, &all->fields, field);
}

static const char *unnest_list(struct sql_context *x, struct unnesting *all, const char *list)
{
    sql_text_printf(&all->inner, "%sunnest(%s) AS u%zu", all->columns ? ", " : "", list,
                    all->columns + 1);
    sql_text_printf(&all->longest, "%scoalesce(len(%s), 0)", all->columns ? ", " : "", list);
    return sql_printf(&x->c->arena, "u%zu", ++all->columns);
}

static void unnest_row(struct sql_context *x, struct unnesting *all, const char *text,
                       const struct sql_type *row)
{
    for (size_t i = 0; i < row->count; i++) {
        const char *name = sql_type_field(&x->c->arena, row, i);
        unnest_column(x, all,
                      sql_printf(&x->c->arena, "struct_extract(%s, %s)", text,
                                 sql_quoted(&x->c->arena, name, '\'')),
                      row->parts[i]);
        all->fields.list[all->fields.count - 1].name = row->names[i];
    }
}

static void unnest_value(struct sql_context *x, struct unnesting *all, struct sql_value value)
{
    const struct sql_type *type = value.type;
    if (type->kind == SQL_MAP) {
        const char *keys =
            unnest_list(x, all, sql_printf(&x->c->arena, "map_keys(%s)", value.text));
        const char *values =
            unnest_list(x, all, sql_printf(&x->c->arena, "map_values(%s)", value.text));
        unnest_column(x, all, keys, type->parts[0]);
        unnest_column(x, all, values, type->parts[1]);
    } else if (type->kind == SQL_ARRAY) {
        const char *element = unnest_list(x, all, value.text);
        if (type->parts[0]->kind == SQL_ROW)
            unnest_row(x, all, element, type->parts[0]);
        else
            unnest_column(x, all, element, type->parts[0]);
    } else {
        sql_fail(x->c, 0, 0, "INVALID_FUNCTION_ARGUMENT", "Cannot unnest type: %s",
                 sql_type_write(&x->c->arena, type));
    }
}

static struct sql_output unnest(struct sql_context *x, struct sql_relation *relation)
{
    struct unnesting all = {.inner = {.arena = &x->c->arena},
                            .outer = {.arena = &x->c->arena},
                            .longest = {.arena = &x->c->arena},
                            .alias = new_name(x)};
    for (size_t i = 0; i < relation->count; i++)
        unnest_value(x, &all, sql_expression(x, relation->values[i]));
    if (relation->ordinality) {
        const char *list =
            sql_printf(&x->c->arena, "range(1, 1 + greatest(%s, 0))", sql_text_end(&all.longest));
        unnest_column(x, &all, unnest_list(x, &all, list), sql_type_plain(SQL_BIGINT));
    }
    struct sql_output output = {.fields = all.fields};
    output.text = sql_printf(&x->c->arena, "LATERAL (SELECT %s FROM (SELECT %s)) AS %s",
                             sql_text_end(&all.outer), sql_text_end(&all.inner), all.alias);
    return output;
}

/* --- aliases, samples --- */

static struct sql_output aliased(struct sql_context *x, struct sql_relation *relation)
{
    struct sql_output output = sql_relation_output(x, relation->right);
    if (relation->columns && relation->column_count != output.fields.count)
        sql_fail_at(x->c, relation, "MISMATCHED_COLUMN_ALIASES",
                    "Column alias list has %zu entries but '%s' has %zu columns available",
                    relation->column_count, sql_lower(&x->c->arena, relation->text),
                    output.fields.count);
    name_fields(&output.fields, relation->text, NULL, NULL);
    for (size_t i = 0; i < relation->column_count; i++)
        output.fields.list[i].name = relation->columns[i].text;
    return output;
}

static struct sql_output sampled(struct sql_context *x, struct sql_relation *relation)
{
    struct sql_output output = sql_relation_output(x, relation->right);
    struct sql_scope nothing = {0};
    struct sql_context alone = {.c = x->c, .scope = &nothing};
    struct sql_value percent = sql_expression(&alone, relation->percentage);
    if (!sql_coercible(&x->c->arena, percent.type, sql_type_plain(SQL_DOUBLE)) || !percent.constant)
        sql_fail_at(x->c, relation->percentage, "TYPE_MISMATCH",
                    "Sample percentage should be a numeric expression");
    const char *digits = relation->percentage->text;
    double amount = digits ? strtod(digits, NULL) : -1;
    if (amount < 0 || amount > 100)
        sql_fail_at(x->c, relation->percentage, "NUMERIC_VALUE_OUT_OF_RANGE",
                    "Sample percentage must be between 0 and 100, inclusive");
    struct sql_text columns = {.arena = &x->c->arena};
    for (size_t i = 0; i < output.fields.count; i++)
        sql_text_printf(&columns, "%s%s AS c%zu", i ? ", " : "", output.fields.list[i].text, i + 1);
    struct sql_output inner = output;
    inner.text = sql_printf(&x->c->arena, "SELECT %s FROM %s WHERE random() < %.17g",
                            sql_text_end(&columns), output.text, amount / 100);
    return named_query(x, inner, "");
}

/* --- joins --- */

static bool is_lateral(const struct sql_relation *relation)
{
    while (relation->kind == RELATION_ALIASED)
        relation = relation->right;
    return relation->kind == RELATION_LATERAL || relation->kind == RELATION_UNNEST;
}

static struct sql_fields both(struct sql_context *x, struct sql_fields left,
                              struct sql_fields right)
{
    struct sql_fields all = {0};
    for (size_t i = 0; i < left.count; i++)
        add_field(x, &all, left.list[i]);
    for (size_t i = 0; i < right.count; i++)
        add_field(x, &all, right.list[i]);
    for (size_t i = 0; i < left.hidden_count; i++)
        add_hidden(x, &all, left.hidden[i]);
    for (size_t i = 0; i < right.hidden_count; i++)
        add_hidden(x, &all, right.hidden[i]);
    return all;
}

static const struct sql_field *using_field(struct sql_context *x, struct sql_fields *fields,
                                           const struct sql_name *name, const char *side)
{
    const struct sql_field *found = NULL;
    for (size_t i = 0; i < fields->count; i++) {
        if (!fields->list[i].name || !sql_same_word(fields->list[i].name, name->text))
            continue;
        if (found)
            sql_fail_at(x->c, name, "AMBIGUOUS_NAME", "Column '%s' is ambiguous",
                        sql_lower(&x->c->arena, name->text));
        found = &fields->list[i];
    }
    if (!found)
        sql_fail_at(x->c, name, "COLUMN_NOT_FOUND", "Column '%s' is missing from %s side of join",
                    sql_lower(&x->c->arena, name->text), side);
    sql_use_field(found);
    return found;
}

struct using_join {
    struct sql_text on;
    struct sql_fields keys;
};

static void using_key(struct sql_context *x, struct using_join *join, const struct sql_name *name,
                      struct sql_fields *left, struct sql_fields *right)
{
    const struct sql_field *one = using_field(x, left, name, "left");
    const struct sql_field *two = using_field(x, right, name, "right");
    const struct sql_type *common = sql_common_type(&x->c->arena, one->type, two->type);
    if (!common)
        sql_fail_at(x->c, name, "TYPE_MISMATCH",
                    "Column Types of left and right side are not compatible: USING %s: %s vs %s",
                    name->text, sql_type_write(&x->c->arena, one->type),
                    sql_type_write(&x->c->arena, two->type));
    struct sql_context condition = *x;
    struct sql_node at = {.line = name->line, .column = name->column};
    struct sql_value a = {.text = one->text, .type = one->type};
    struct sql_value b = {.text = two->text, .type = two->type};
    condition.condition = true;
    sql_text_printf(&join->on, "%s%s", join->on.size ? " AND " : "",
                    sql_compare(&condition, &at, "=", a, b).text);
    struct sql_field key = {.name = name->text, .type = common};
    key.text = sql_printf(&x->c->arena, "coalesce(%s, %s)", sql_cast(x->c, a, common).text,
                          sql_cast(x->c, b, common).text);
    add_field(x, &join->keys, key);
}

static bool is_key(const struct sql_relation *relation, const struct sql_field *field)
{
    for (size_t i = 0; i < relation->using_count; i++)
        if (field->name && sql_same_word(field->name, relation->using[i].text))
            return true;
    return false;
}

static struct sql_output using_join(struct sql_context *x, struct sql_relation *relation,
                                    struct sql_output left, struct sql_output right)
{
    struct using_join join = {.on = {.arena = &x->c->arena}};
    for (size_t i = 0; i < relation->using_count; i++)
        using_key(x, &join, &relation->using[i], &left.fields, &right.fields);
    struct sql_output output = {.fields = join.keys};
    struct sql_fields rest = both(x, left.fields, right.fields);
    for (size_t i = 0; i < rest.count; i++)
        if (!is_key(relation, &rest.list[i]))
            add_field(x, &output.fields, rest.list[i]);
    output.fields.hidden = rest.hidden;
    output.fields.hidden_count = rest.hidden_count;
    output.text = sql_printf(&x->c->arena, "%s %s JOIN %s ON %s", left.text, relation->join,
                             right.text, sql_text_end(&join.on));
    return output;
}

static struct sql_output on_join(struct sql_context *x, struct sql_relation *relation,
                                 struct sql_output left, struct sql_output right)
{
    struct sql_output output = {.fields = both(x, left.fields, right.fields)};
    struct sql_scope scope = {.outer = x->scope, .fields = output.fields};
    struct sql_context inner = {
        .c = x->c, .scope = &scope, .queries = x->queries, .clause = "JOIN clause"};
    struct sql_value on = sql_condition(&inner, relation->on, "JOIN ON clause");
    output.text = sql_printf(&x->c->arena, "%s %s JOIN %s ON %s", left.text, relation->join,
                             right.text, on.text);
    return output;
}

static struct sql_output join(struct sql_context *x, struct sql_relation *relation)
{
    if (relation->natural)
        sql_fail_at(x->c, relation, "NOT_SUPPORTED", "Natural join not supported");
    struct sql_output left = sql_relation_output(x, relation->left);
    struct sql_scope scope = {.outer = x->scope, .fields = left.fields};
    struct sql_context inner = *x;
    bool lateral = is_lateral(relation->right);
    if (lateral)
        inner.scope = &scope;
    if (lateral && (strcmp(relation->join, "RIGHT") == 0 || strcmp(relation->join, "FULL") == 0))
        sql_fail_at(x->c, relation, "NOT_SUPPORTED",
                    "%s JOIN involving a lateral relation is not supported", relation->join);
    struct sql_output right = sql_relation_output(&inner, relation->right);
    right.text = strchr(right.text, ' ') && relation->right->kind == RELATION_JOIN
                     ? sql_printf(&x->c->arena, "(%s)", right.text)
                     : right.text;
    if (relation->using)
        return using_join(x, relation, left, right);
    if (relation->on)
        return on_join(x, relation, left, right);
    struct sql_output output = {.fields = both(x, left.fields, right.fields)};
    output.text = sql_printf(&x->c->arena, "%s CROSS JOIN %s", left.text, right.text);
    return output;
}

struct sql_output sql_relation_output(struct sql_context *x, struct sql_relation *relation)
{
    struct sql_context plain = {
        .c = x->c, .scope = x->scope, .queries = x->queries, .clause = "FROM clause"};
    switch (relation->kind) {
    case RELATION_TABLE:
        return named_table(&plain, relation);
    case RELATION_QUERY: {
        struct sql_output query = sql_query_output(&plain, relation->query);
        name_fields(&query.fields, NULL, NULL, NULL);
        return named_query(&plain, query, "");
    }
    case RELATION_LATERAL: {
        struct sql_output query = sql_query_output(&plain, relation->query);
        name_fields(&query.fields, NULL, NULL, NULL);
        return named_query(&plain, query, "LATERAL ");
    }
    case RELATION_UNNEST:
        return unnest(&plain, relation);
    case RELATION_ALIASED:
        return aliased(&plain, relation);
    case RELATION_SAMPLED:
        return sampled(&plain, relation);
    case RELATION_JOIN:
        return join(&plain, relation);
    default:
        sql_fail_at(x->c, relation, "NOT_SUPPORTED", "%s", relation->text);
    }
}
