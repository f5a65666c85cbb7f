/* json_object and json_array: text put together; what asks by a path goes to json_path.c. */
#include "sql/scope.h"

#include "sql/coerce.h"
#include "sql/type_kinds.h"

#include <string.h>

static bool is_text(const struct sql_type *type)
{
    return type->kind == SQL_VARCHAR || type->kind == SQL_CHAR;
}

/* A value as JSON: numbers and truths as they are, texts between quotes, others as their texts. */
static const char *json_text(struct sql_context *x, const struct sql_node *node,
                             struct sql_value value)
{
    const struct sql_type *json = sql_type_plain(SQL_JSON);
    const struct sql_type *varchar = sql_type_plain(SQL_VARCHAR);
    enum sql_type_kind kind = value.type->kind;
    if (kind == SQL_UNKNOWN)
        return "CAST(NULL AS VARCHAR)";
    if ((kind >= SQL_BOOLEAN && kind <= SQL_DECIMAL) || kind == SQL_JSON)
        return sql_cast(x->c, value, json).text;
    if (!is_text(value.type) && !sql_castable(value.type, varchar))
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "a value of type %s in %s is not supported",
                    sql_type_write(&x->c->arena, value.type), node->text);
    return sql_cast(x->c, sql_cast(x->c, value, varchar), json).text;
}

static const char *element_text(struct sql_context *x, const struct sql_node *node, size_t index)
{
    const struct sql_json_argument *argument = &node->json->arguments[index];
    if (argument->format)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "FORMAT JSON in %s is not supported", node->text);
    const char *text = json_text(x, node, sql_expression(x, argument->value));
    return node->json->absent_on_null ? text
                                      : sql_printf(&x->c->arena, "coalesce(%s, 'null')", text);
}

static const char *key_text(struct sql_context *x, const struct sql_node *node, size_t index)
{
    struct sql_value key = sql_expression(x, node->json->keys[index]);
    if (!is_text(key.type))
        sql_fail_at(x->c, node->json->keys[index], "INVALID_FUNCTION_ARGUMENT",
                    "Invalid type of key in JSON object: %s",
                    sql_type_write(&x->c->arena, key.type));
    return sql_cast(x->c, key, sql_type_plain(SQL_JSON)).text;
}

struct sql_value sql_json_form(struct sql_context *x, struct sql_node *node)
{
    const struct sql_json *json = node->json;
    bool object = strcmp(node->text, "json_object") == 0;
    if (!object && strcmp(node->text, "json_array") != 0)
        return sql_json_asked(x, node);
    if (json->returning || json->unique_keys)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "%s is not supported in %s",
                    json->returning ? "RETURNING" : "WITH UNIQUE KEYS", node->text);
    struct sql_text text = {.arena = &x->c->arena};
    for (size_t i = 0; i < json->count; i++) {
        sql_text_put(&text, i ? ", " : "");
        if (object)
            sql_text_printf(&text, "%s || ':' || ", key_text(x, node, i));
        sql_text_put(&text, element_text(x, node, i));
    }
    return sql_write(x, sql_type_plain(SQL_VARCHAR),
                     "('%c' || coalesce(array_to_string(list_filter(CAST([%s] AS VARCHAR[]), "
                     "lambda e: e IS NOT NULL), ','), '') || '%c')",
                     object ? '{' : '[', sql_text_end(&text), object ? '}' : ']');
}
