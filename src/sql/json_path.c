/* json_exists, json_value and json_query: functions in C go along the path. */
#include "sql/scope.h"

#include "sql/coerce.h"
#include "sql/resolve_type.h"
#include "sql/type_kinds.h"

#include <string.h>

static bool is_text(const struct sql_type *type)
{
    return type->kind == SQL_VARCHAR || type->kind == SQL_CHAR || type->kind == SQL_JSON ||
           type->kind == SQL_UNKNOWN;
}

/* What is said ON EMPTY, ON ERROR and such, or what holds otherwise. */
static const char *word(struct sql_context *x, const char *said, const char *otherwise)
{
    return sql_quoted(&x->c->arena, said ? said : otherwise, '\'');
}

static const char *default_text(struct sql_context *x, struct sql_node *fallback)
{
    if (!fallback)
        return "CAST(NULL AS VARCHAR)";
    return sql_cast(x->c, sql_expression(x, fallback), sql_type_plain(SQL_VARCHAR)).text;
}

/* The text that is asked, and the path. */
static const char *asked_text(struct sql_context *x, const struct sql_node *node)
{
    const struct sql_json *json = node->json;
    struct sql_value input = sql_expression(x, json->input.value);
    if (json->count)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "PASSING in %s is not supported", node->text);
    if (!is_text(input.type))
        sql_fail_at(x->c, json->input.value, "NOT_SUPPORTED",
                    "an input of type %s in %s is not supported",
                    sql_type_write(&x->c->arena, input.type), node->text);
    return sql_printf(&x->c->arena, "CAST(%s AS VARCHAR), %s", input.text,
                      sql_quoted(&x->c->arena, json->path, '\''));
}

static const struct sql_type *returned(struct sql_context *x, const struct sql_json *json)
{
    return json->returning ? sql_resolve_type(x->c, json->returning) : sql_type_plain(SQL_VARCHAR);
}

static struct sql_value value_form(struct sql_context *x, struct sql_node *node)
{
    const struct sql_json *json = node->json;
    const struct sql_type *varchar = sql_type_plain(SQL_VARCHAR), *to = returned(x, json);
    if (!sql_castable(varchar, to) || to->count)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "RETURNING %s in json_value is not supported",
                    sql_type_write(&x->c->arena, to));
    struct sql_value value =
        sql_write(x, varchar, "trino_json_value(%s, %s, %s, %s, %s)", asked_text(x, node),
                  word(x, json->on_empty, "NULL"), default_text(x, json->empty_default),
                  word(x, json->on_error, "NULL"), default_text(x, json->error_default));
    bool fails = json->on_error && strcmp(json->on_error, "ERROR") == 0;
    value = sql_cast(x->c, value, to);
    return fails || !json->returning ? value : sql_write(x, to, "TRY(%s)", value.text);
}

static struct sql_value query_form(struct sql_context *x, struct sql_node *node)
{
    const struct sql_json *json = node->json;
    const struct sql_type *to = returned(x, json);
    if (to->kind != SQL_VARCHAR)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "RETURNING %s in json_query is not supported",
                    sql_type_write(&x->c->arena, to));
    struct sql_value value = sql_write(
        x, sql_type_plain(SQL_VARCHAR), "trino_json_query(%s, %s, %s, %s, %s)", asked_text(x, node),
        word(x, json->wrapper, "WITHOUT"), word(x, json->on_empty, "NULL"),
        word(x, json->on_error, "NULL"), json->omit_quotes ? "'OMIT'" : "'KEEP'");
    return sql_cast(x->c, value, to);
}

struct sql_value sql_json_asked(struct sql_context *x, struct sql_node *node)
{
    if (strcmp(node->text, "json_value") == 0)
        return value_form(x, node);
    if (strcmp(node->text, "json_query") == 0)
        return query_form(x, node);
    return sql_write(x, sql_type_plain(SQL_BOOLEAN), "trino_json_exists(%s, %s)",
                     asked_text(x, node), word(x, node->json->on_error, "FALSE"));
}
