/* json_exists, json_value and json_query: a path's steps as DuckDB's macros over lists of JSON
 * texts. Of the path language there are members, subscripts by number and wildcards of arrays;
 * filters, methods and arithmetic are refused. */
#include "sql/scope.h"

#include "sql/coerce.h"
#include "sql/resolve_type.h"
#include "sql/type_kinds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct path {
    struct sql_context *x;
    const struct sql_node *node;
    const char *at;
    bool strict;
};

static _Noreturn void refuse_path(struct path *path)
{
    const struct sql_json *json = path->node->json;
    sql_fail(path->x->c, json->path_line, json->path_column, "NOT_SUPPORTED",
             "JSON path '%s' is not supported", json->path);
}

static void blanks(struct path *path)
{
    path->at += strspn(path->at, " \t\r\n");
}

static bool word(struct path *path, const char *wanted)
{
    blanks(path);
    size_t size = strlen(wanted);
    bool found = strncmp(path->at, wanted, size) == 0;
    path->at += found ? size : 0;
    return found;
}

/* A member's name, with quotes or without. */
static const char *member_name(struct path *path)
{
    struct arena *arena = &path->x->c->arena;
    blanks(path);
    bool quoted = *path->at == '"';
    path->at += quoted;
    size_t size = quoted ? strcspn(path->at, "\"\\") : 0;
    while (!quoted && (isalnum((unsigned char)path->at[size]) || path->at[size] == '_'))
        size++;
    const char *name = arena_copy(arena, path->at, size);
    path->at += size;
    if (!size || (quoted && *path->at != '"'))
        refuse_path(path);
    path->at += quoted;
    blanks(path);
    if (*path->at == '(')
        refuse_path(path);
    return name;
}

static const char *member(struct path *path, const char *items)
{
    const char *name = member_name(path);
    const char *step = sql_printf(&path->x->c->arena, "$[\"%s\"]", name);
    return sql_write(path->x, NULL, "trino_path_member_%s(%s, %s, %s)",
                     path->strict ? "strict" : "lax", items,
                     sql_quoted(&path->x->c->arena, step, '\''),
                     sql_quoted(&path->x->c->arena, name, '\''))
        .text;
}

static const char *subscript(struct path *path, const char *items)
{
    const char *mode = path->strict ? "strict" : "lax", *text;
    blanks(path);
    if (word(path, "*")) {
        text = sql_write(path->x, NULL, "trino_path_all_%s(%s)", mode, items).text;
    } else {
        size_t size = strspn(path->at, "0123456789");
        if (!size || size > 9)
            refuse_path(path);
        text = sql_write(path->x, NULL, "trino_path_element_%s(%s, %.*s)", mode, items, (int)size,
                         path->at)
                   .text;
        path->at += size;
    }
    if (!word(path, "]"))
        refuse_path(path);
    return text;
}

/* DuckDB's list of the items that the path finds. */
static const char *path_items(struct sql_context *x, const struct sql_node *node, const char *input)
{
    struct path path = {.x = x, .node = node, .at = node->json->path};
    path.strict = word(&path, "strict");
    if (!path.strict && !word(&path, "lax"))
        sql_fail(x->c, node->json->path_line, node->json->path_column, "INVALID_PATH",
                 "Invalid JSON path: '%s'", node->json->path);
    if (!word(&path, "$"))
        refuse_path(&path);
    const char *items = sql_printf(&x->c->arena, "[trino_json_parse(%s)]", input);
    for (blanks(&path); *path.at; blanks(&path)) {
        if (word(&path, "."))
            items = member(&path, items);
        else if (word(&path, "["))
            items = subscript(&path, items);
        else
            refuse_path(&path);
    }
    return items;
}

static bool is(const char *behaviour, const char *word_of_it)
{
    return behaviour && strcmp(behaviour, word_of_it) == 0;
}

static void refuse_behaviour(struct sql_context *x, const struct sql_node *node, const char *what)
{
    sql_fail_at(x->c, node, "NOT_SUPPORTED", "%s is not supported in %s", what, node->text);
}

static const char *input_text(struct sql_context *x, struct sql_node *node)
{
    const struct sql_json *json = node->json;
    struct sql_value input = sql_expression(x, json->input.value);
    if (json->count)
        refuse_behaviour(x, node, "PASSING");
    if (json->input.format && strcmp(json->input.format, "JSON") != 0)
        refuse_behaviour(x, node, "ENCODING");
    if (input.type->kind != SQL_VARCHAR && input.type->kind != SQL_UNKNOWN)
        sql_fail_at(x->c, json->input.value, "NOT_SUPPORTED", "%s of %s is not supported",
                    node->text, sql_type_write(&x->c->arena, input.type));
    return sql_cast(x->c, input, sql_type_plain(SQL_VARCHAR)).text;
}

static struct sql_value exists(struct sql_context *x, struct sql_node *node)
{
    const char *behaviour = node->json->on_error, *input = input_text(x, node);
    const char *found = sql_printf(&x->c->arena, "len(%s) > 0", path_items(x, node, input));
    const struct sql_type *type = sql_type_plain(SQL_BOOLEAN);
    if (is(behaviour, "ERROR"))
        return sql_write(x, type, "(%s)", found);
    if (is(behaviour, "UNKNOWN"))
        return sql_write(x, type, "TRY(%s)", found);
    return sql_write(x, type, "(CASE WHEN (%s) IS NOT NULL THEN coalesce(TRY(%s), %s) END)", input,
                     found, is(behaviour, "TRUE") ? "true" : "false");
}

static const char *when_empty(struct sql_context *x, const struct sql_node *node,
                              const struct sql_type *type)
{
    const struct sql_json *json = node->json;
    const char *duckdb = sql_type_duckdb(&x->c->arena, type);
    if (is(json->on_empty, "ERROR"))
        return sql_printf(&x->c->arena,
                          "CAST(trino_fail('JSON_VALUE_RESULT_ERROR:cannot extract SQL scalar from "
                          "JSON: JSON path found no items') AS %s)",
                          duckdb);
    if (is(json->on_empty, "EMPTY ARRAY") || is(json->on_empty, "EMPTY OBJECT"))
        return is(json->on_empty, "EMPTY ARRAY") ? "'[]'" : "'{}'";
    if (!is(json->on_empty, "DEFAULT"))
        return sql_printf(&x->c->arena, "CAST(NULL AS %s)", duckdb);
    struct sql_value value = sql_expression(x, json->empty_default);
    if (!sql_coercible(&x->c->arena, value.type, type))
        sql_fail_at(
            x->c, json->empty_default, "TYPE_MISMATCH",
            "Function json_value default ON EMPTY result must evaluate to a %s (actual: %s)",
            sql_type_write(&x->c->arena, type), sql_type_write(&x->c->arena, value.type));
    return sql_cast(x->c, value, type).text;
}

static const struct sql_type *returned(struct sql_context *x, const struct sql_node *node)
{
    const struct sql_type *type = sql_type_plain(SQL_VARCHAR);
    if (node->json->returning)
        type = sql_resolve_type(x->c, node->json->returning);
    if (!sql_castable(sql_type_plain(SQL_JSON), type) || type->count)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "RETURNING %s is not supported in %s",
                    sql_type_write(&x->c->arena, type), node->text);
    return type;
}

static struct sql_value value_of(struct sql_context *x, struct sql_node *node)
{
    const struct sql_type *type = returned(x, node);
    if (is(node->json->on_error, "DEFAULT"))
        refuse_behaviour(x, node, "DEFAULT ON ERROR");
    const char *items = path_items(x, node, input_text(x, node));
    struct sql_value item = sql_write(x, sql_type_plain(SQL_JSON), "trino_path_scalar(%s)", items);
    const char *cast = sql_cast(x->c, item, type).text;
    struct sql_text text = {.arena = &x->c->arena};
    sql_text_printf(&text, "(CASE WHEN %s = '' THEN %s ELSE %s END)", item.text,
                    when_empty(x, node, type), cast);
    return sql_write(x, type, is(node->json->on_error, "ERROR") ? "%s" : "TRY(%s)",
                     sql_text_end(&text));
}

static struct sql_value query_of(struct sql_context *x, struct sql_node *node)
{
    const struct sql_json *json = node->json;
    const struct sql_type *type = sql_type_plain(SQL_VARCHAR);
    if (json->returning || json->omit_quotes)
        refuse_behaviour(x, node, json->returning ? "RETURNING" : "OMIT QUOTES");
    const char *wrapper = is(json->wrapper, "UNCONDITIONAL") ? "wrapped"
                          : is(json->wrapper, "CONDITIONAL") ? "wrapped_many"
                                                             : "single";
    const char *item = sql_printf(&x->c->arena, "trino_path_%s(%s)", wrapper,
                                  path_items(x, node, input_text(x, node)));
    const char *text = sql_printf(&x->c->arena, "(CASE WHEN %s = '' THEN %s ELSE %s END)", item,
                                  when_empty(x, node, type), item);
    if (json->on_error && !is(json->on_error, "NULL") && !is(json->on_error, "ERROR"))
        refuse_behaviour(x, node, "EMPTY ... ON ERROR");
    return sql_write(x, type, is(json->on_error, "ERROR") ? "%s" : "TRY(%s)", text);
}

struct sql_value sql_json_asked(struct sql_context *x, struct sql_node *node)
{
    if (strcmp(node->text, "json_exists") == 0)
        return exists(x, node);
    return strcmp(node->text, "json_value") == 0 ? value_of(x, node) : query_of(x, node);
}
