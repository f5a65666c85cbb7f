/* The way of a statement: parsed, its query compiled, what it says of targets and properties said.
 */
#include "sql/scope.h"

#include "sql/coerce.h"
#include "sql/parser.h"
#include "sql/resolve_type.h"

#include <stdlib.h>
#include <string.h>

struct compiled {
    struct sql_statement statement;
    struct arena arena;
};

struct compilation {
    struct sql_compiler c;
    struct sql_statement *statement;
    struct sql_tree *tree;
};

static const char *last_part(struct sql_compiler *c, const struct sql_tree *tree, size_t from_end,
                             const char *otherwise)
{
    if (tree->target_count <= from_end)
        return otherwise;
    return sql_lower(&c->arena, tree->target[tree->target_count - 1 - from_end].text);
}

static void say_target(struct compilation *all)
{
    struct sql_compiler *c = &all->c;
    const struct sql_tree *tree = all->tree;
    struct sql_statement *statement = all->statement;
    const char *catalog = c->catalog ? c->catalog->name : NULL;
    const char *schema = c->catalog ? c->catalog->schema : NULL;
    if (tree->target_count > 3)
        sql_fail_at(c, tree, "SYNTAX_ERROR", "Too many dots in table name");
    bool folder = tree->kind == SQL_SHOW_TABLES || tree->kind == SQL_SHOW_CREATE_SCHEMA ||
                  tree->kind == SQL_USE;
    statement->target = tree->target_count && !folder ? last_part(c, tree, 0, NULL) : NULL;
    statement->target_schema = last_part(c, tree, !folder, schema);
    statement->target_catalog = last_part(c, tree, 1 + !folder, catalog);
    if (tree->kind == SQL_PREPARE || tree->kind == SQL_EXECUTE || tree->kind == SQL_DEALLOCATE ||
        tree->kind == SQL_DESCRIBE_INPUT || tree->kind == SQL_DESCRIBE_OUTPUT)
        statement->target = tree->target_count ? tree->target->text : NULL;
}

static const char **names_of(struct sql_compiler *c, const struct sql_name *names, size_t count)
{
    const char **list = sql_take(c, count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = sql_lower(&c->arena, names[i].text);
    return list;
}

/* --- properties --- */

static const char *plain_text(struct sql_compiler *c, const struct sql_node *node)
{
    (void)c;
    switch (node->kind) {
    case NODE_STRING:
    case NODE_INTEGER:
    case NODE_DECIMAL:
    case NODE_DOUBLE:
    case NODE_BOOLEAN:
    case NODE_TYPED:
        return node->text;
    default:
        return NULL;
    }
}

static struct sql_property property_of(struct sql_compiler *c, const struct sql_assignment *given)
{
    const struct sql_node *value = given->value;
    struct sql_property property = {.name = sql_lower(&c->arena, given->name.text),
                                    .line = given->name.line,
                                    .column = given->name.column};
    property.text = plain_text(c, value);
    if (value->kind == NODE_ARRAY) {
        const char **items = sql_take(c, value->count, sizeof *items);
        for (size_t i = 0; i < value->count; i++)
            if (!(items[i] = plain_text(c, value->parts[i])))
                sql_fail_at(c, value, "INVALID_TABLE_PROPERTY",
                            "Unable to set property '%s': its elements have to be literals",
                            property.name);
        property.items = items;
        property.count = value->count;
    } else if (!property.text) {
        sql_fail_at(c, value, "INVALID_TABLE_PROPERTY",
                    "Unable to set property '%s' to [%s]: it has to be a literal", property.name,
                    sql_node_text(&c->arena, value));
    }
    return property;
}

static void say_properties(struct compilation *all)
{
    const struct sql_tree *tree = all->tree;
    struct sql_property *list = sql_take(&all->c, tree->property_count, sizeof *list);
    for (size_t i = 0; i < tree->property_count; i++) {
        list[i] = property_of(&all->c, &tree->properties[i]);
        for (size_t j = 0; j < i; j++)
            if (strcmp(list[j].name, list[i].name) == 0)
                sql_fail(&all->c, list[i].line, list[i].column, "DUPLICATE_PROPERTY",
                         "Duplicate property: %s", list[i].name);
    }
    all->statement->properties = list;
    all->statement->property_count = tree->property_count;
}

static void say_tree(struct compilation *all)
{
    const struct sql_tree *tree = all->tree;
    struct sql_statement *statement = all->statement;
    statement->kind = tree->kind;
    statement->if_not_exists = tree->if_not_exists;
    statement->or_replace = tree->or_replace;
    statement->with_no_data = tree->with_no_data;
    statement->if_exists = tree->if_exists;
    statement->analyze = tree->analyze;
    statement->comment = tree->comment;
    statement->location = tree->location;
    statement->source = tree->source;
    statement->arguments = tree->arguments;
    statement->argument_count = tree->argument_count;
    statement->pattern = tree->pattern;
    statement->escape = tree->escape;
    statement->explain_type = tree->explain_type;
    statement->explain_format = tree->explain_format;
    statement->parameter_count = tree->parameter_count;
    statement->target_columns =
        tree->column_count ? names_of(&all->c, tree->columns, tree->column_count) : NULL;
    statement->target_count = tree->column_count;
    say_target(all);
    say_properties(all);
}

/* --- the query --- */

static void say_origins(struct compilation *all, const struct sql_fields *fields)
{
    struct sql_origin *origins = sql_take(&all->c, fields->count, sizeof *origins);
    bool *aliased = sql_take(&all->c, fields->count, sizeof *aliased);
    for (size_t i = 0; i < fields->count; i++) {
        origins[i] = fields->list[i].origin;
        aliased[i] = fields->list[i].aliased;
    }
    all->statement->origins = origins;
    all->statement->aliased = aliased;
    all->statement->parameter_types = all->c.wanted;
}

static void say_columns(struct compilation *all, const struct sql_fields *fields)
{
    struct sql_column *columns = sql_take(&all->c, fields->count, sizeof *columns);
    for (size_t i = 0; i < fields->count; i++) {
        const char *name = fields->list[i].name;
        columns[i] =
            (struct sql_column){.name = name ? name : sql_printf(&all->c.arena, "_col%zu", i),
                                .type = fields->list[i].type};
    }
    all->statement->columns = columns;
    all->statement->count = fields->count;
    if (all->c.wanted)
        say_origins(all, fields);
}

static void say_references(struct compilation *all)
{
    struct sql_reference *list = sql_take(&all->c, all->c.used_count, sizeof *list);
    for (size_t i = 0; i < all->c.used_count; i++) {
        const struct sql_used_table *used = all->c.used[i];
        list[i] = (struct sql_reference){
            .catalog = used->catalog,
            .schema = used->schema,
            .table = used->table,
            .relation = used->relation,
            .columns = used->columns,
            .count = used->count,
            .used = used->used,
            .partition_filter = used->filter,
            .equal = used->equal,
            .equals = used->equals,
        };
    }
    all->statement->references = list;
    all->statement->reference_count = all->c.used_count;
}

static void check_parameters(struct compilation *all)
{
    size_t given = all->c.catalog->parameter_count;
    if (all->c.catalog->describes)
        all->c.wanted = sql_take(&all->c, all->tree->parameter_count + 1, sizeof *all->c.wanted);
    else if (all->tree->parameter_count != given)
        sql_fail_at(&all->c, all->tree, "INVALID_PARAMETER_USAGE",
                    "Incorrect number of parameters: expected %zu but found %zu",
                    all->tree->parameter_count, given);
}

static const char *type_list(struct sql_compiler *c, const struct sql_type *const *types,
                             size_t count)
{
    struct sql_text text = {.arena = &c->arena};
    for (size_t i = 0; i < count; i++)
        sql_text_printf(&text, "%s%s", i ? ", " : "", sql_type_write(&c->arena, types[i]));
    return sql_text_end(&text);
}

static size_t column_number(struct compilation *all, const struct sql_table *table,
                            const struct sql_name *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (sql_same_word(table->columns[i].name, name->text))
            return i;
    sql_fail_at(&all->c, all->tree, "COLUMN_NOT_FOUND",
                "Insert column name does not exist in target table: %s",
                sql_lower(&all->c.arena, name->text));
}

/* INSERT's target: its columns' types in the order of what is given, and where each column comes
 * from (a number from 1, or 0). */
struct insertion {
    struct sql_table table;
    const struct sql_type **wanted, **given;
    size_t *places;
    size_t count;
};

static void find_target(struct compilation *all, struct insertion *insertion)
{
    const struct sql_catalog *catalog = all->c.catalog;
    const struct sql_statement *statement = all->statement;
    struct sql_error error = {0};
    if (!catalog->find ||
        !catalog->find(catalog->data, statement->target_catalog, statement->target_schema,
                       statement->target, &insertion->table, &error)) {
        if (*error.name)
            sql_fail(&all->c, 0, 0, error.name, "%s", error.message);
        sql_fail(&all->c, 0, 0, "TABLE_NOT_FOUND", "Table '%s.%s.%s' does not exist",
                 statement->target_catalog, statement->target_schema, statement->target);
    }
    if (insertion->table.view)
        sql_fail_at(&all->c, all->tree, "NOT_SUPPORTED", "Inserting into views is not supported");
}

static void place_columns(struct compilation *all, struct insertion *insertion)
{
    struct sql_compiler *c = &all->c;
    const struct sql_tree *tree = all->tree;
    const struct sql_table *table = &insertion->table;
    insertion->count = tree->column_count ? tree->column_count : table->count;
    insertion->wanted = sql_take(c, insertion->count, sizeof *insertion->wanted);
    insertion->places = sql_take(c, table->count, sizeof *insertion->places);
    for (size_t i = 0; i < insertion->count; i++) {
        size_t column = tree->column_count ? column_number(all, table, &tree->columns[i]) : i;
        if (insertion->places[column])
            sql_fail_at(c, tree, "DUPLICATE_COLUMN_NAME",
                        "Insert column name is specified more than once: %s",
                        table->columns[column].name);
        insertion->wanted[i] = table->columns[column].type;
        insertion->places[column] = i + 1;
    }
}

/* Longer texts are cut, as Athena's INSERT does. */
static bool can_insert(struct sql_compiler *c, const struct sql_type *given,
                       const struct sql_type *wanted)
{
    bool text = given->kind == SQL_VARCHAR || given->kind == SQL_CHAR;
    return sql_coercible(&c->arena, given, wanted) || (text && given->kind == wanted->kind);
}

static void check_types(struct compilation *all, struct insertion *insertion,
                        const struct sql_fields *fields)
{
    struct sql_compiler *c = &all->c;
    bool fits = insertion->count == fields->count;
    insertion->given = sql_take(c, fields->count, sizeof *insertion->given);
    for (size_t i = 0; i < fields->count; i++) {
        insertion->given[i] = fields->list[i].type;
        fits = fits && can_insert(c, insertion->given[i], insertion->wanted[i]);
    }
    if (!fits)
        sql_fail_at(c, all->tree, "TYPE_MISMATCH",
                    "Insert query has mismatched column types: Table: [%s], Query: [%s]",
                    type_list(c, insertion->wanted, insertion->count),
                    type_list(c, insertion->given, fields->count));
}

static const char *inserted_column(struct sql_compiler *c, const struct insertion *insertion,
                                   size_t column)
{
    const struct sql_type *type = insertion->table.columns[column].type;
    size_t place = insertion->places[column];
    if (!place)
        return sql_printf(&c->arena, "CAST(NULL AS %s)", sql_type_duckdb(&c->arena, type));
    struct sql_value value = {.text = sql_printf(&c->arena, "c%zu", place),
                              .type = insertion->given[place - 1]};
    return sql_cast(c, value, type).text;
}

/* INSERT's query as the target table's columns: what is not given is NULL. */
static void fit_insert(struct compilation *all, struct sql_output *output)
{
    struct sql_compiler *c = &all->c;
    struct insertion insertion = {.count = 0};
    find_target(all, &insertion);
    place_columns(all, &insertion);
    check_types(all, &insertion, &output->fields);
    struct sql_text text = {.arena = &c->arena};
    struct sql_field *fields = sql_take(c, insertion.table.count, sizeof *fields);
    for (size_t i = 0; i < insertion.table.count; i++) {
        const struct sql_column *column = &insertion.table.columns[i];
        sql_text_printf(&text, "%s%s AS c%zu", i ? ", " : "", inserted_column(c, &insertion, i),
                        i + 1);
        fields[i] = (struct sql_field){.name = column->name, .type = column->type};
    }
    output->text = sql_printf(&c->arena, "SELECT %s FROM (%s)", sql_text_end(&text), output->text);
    output->fields = (struct sql_fields){.list = fields, .count = insertion.table.count};
}

static void check_create(struct compilation *all, const struct sql_fields *fields)
{
    const struct sql_tree *tree = all->tree;
    bool table = tree->kind == SQL_CREATE_TABLE_AS;
    if (table && tree->column_count && tree->column_count != fields->count)
        sql_fail_at(&all->c, tree, "MISMATCHED_COLUMN_ALIASES",
                    "Column alias list has %zu entries but relation has %zu columns",
                    tree->column_count, fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        const char *name = tree->column_count ? tree->columns[i].text : fields->list[i].name;
        if (!name)
            sql_fail_at(&all->c, tree, "MISSING_COLUMN_NAME",
                        "Column name not specified at position %zu", i + 1);
        for (size_t j = 0; j < i; j++)
            if (sql_same_word(name,
                              tree->column_count ? tree->columns[j].text : fields->list[j].name))
                sql_fail_at(&all->c, tree, "DUPLICATE_COLUMN_NAME",
                            "Column name '%s' specified more than once",
                            sql_lower(&all->c.arena, name));
        if (fields->list[i].type->kind == SQL_UNKNOWN)
            sql_fail_at(&all->c, tree, "COLUMN_TYPE_UNKNOWN",
                        "Column type is unknown at position %zu", i + 1);
        fields->list[i].name = sql_lower(&all->c.arena, name);
    }
}

static void compile_query(struct compilation *all)
{
    struct sql_tree *tree = all->tree;
    struct sql_context x = {.c = &all->c};
    check_parameters(all);
    struct sql_output output = sql_query_output(&x, tree->query);
    if (tree->kind == SQL_INSERT)
        fit_insert(all, &output);
    if (tree->kind == SQL_CREATE_TABLE_AS || tree->kind == SQL_CREATE_VIEW)
        check_create(all, &output.fields);
    all->statement->text = output.text;
    all->statement->ordered = output.ordered;
    say_columns(all, &output.fields);
    say_references(all);
}

/* UPDATE t, DELETE FROM t, MERGE INTO t: of a table that is not there, that is said first. */
static void find_changed(struct compilation *all)
{
    struct sql_compiler *c = &all->c;
    bool update = sql_same_word(c->tokens[0].keyword ? c->tokens[0].keyword : "", "UPDATE");
    bool other = c->tokens[0].keyword && (strcmp(c->tokens[0].keyword, "DELETE") == 0 ||
                                          strcmp(c->tokens[0].keyword, "MERGE") == 0);
    if (!update && !other)
        return;
    struct sql_scope nothing = {0};
    struct sql_context x = {.c = c, .scope = &nothing};
    c->at = update ? 1 : 2;
    struct sql_relation *table = sql_table_relation(c);
    table->line = table->column = 1;
    sql_relation_output(&x, table);
}

static void refuse_other(struct compilation *all)
{
    find_changed(all);
    sql_fail(&all->c, 1, 1, "NOT_SUPPORTED", "%s is not supported", all->tree->what);
}

static struct sql_statement *compile(const char *text, const struct sql_catalog *catalog,
                                     struct sql_error *error)
{
    struct compilation *all = calloc(1, sizeof *all);
    struct compiled *compiled = calloc(1, sizeof *compiled);
    *error = (struct sql_error){0};
    if (!all || !compiled) {
        free(all);
        free(compiled);
        strcpy(error->name, "GENERIC_INSUFFICIENT_RESOURCES");
        strcpy(error->message, "no memory for the statement");
        return NULL;
    }
    all->c = (struct sql_compiler){.error = error, .catalog = catalog, .text = text};
    all->statement = &compiled->statement;
    bool good = setjmp(all->c.out) == 0;
    if (good) {
        all->tree = sql_parse_tree(&all->c);
        say_tree(all);
        if (catalog && all->tree->query)
            compile_query(all);
        else if (catalog && all->tree->kind == SQL_OTHER)
            refuse_other(all);
    }
    compiled->arena = all->c.arena;
    free(all);
    if (*error->name) {
        sql_statement_free(&compiled->statement);
        return NULL;
    }
    return &compiled->statement;
}

struct sql_statement *sql_compile(const char *text, const struct sql_catalog *catalog,
                                  struct sql_error *error)
{
    return compile(text, catalog, error);
}

struct sql_statement *sql_parse(const char *text, struct sql_error *error)
{
    return compile(text, NULL, error);
}

void sql_statement_free(struct sql_statement *statement)
{
    if (!statement)
        return;
    struct compiled *compiled = (struct compiled *)statement;
    struct arena arena = compiled->arena;
    free(compiled);
    arena_free(&arena);
}
