/* json_exists, json_value, json_query, json_object and json_array. */
#include "sql/parser.h"

#include <string.h>

static const char *parse_format(struct sql_compiler *c)
{
    static const char *const ENCODINGS[] = {"UTF8", "UTF16", "UTF32", NULL};
    if (!sql_accept(c, "FORMAT"))
        return NULL;
    sql_expect(c, "JSON");
    if (!sql_accept(c, "ENCODING"))
        return "JSON";
    const char *encoding = sql_accept_one(c, ENCODINGS);
    if (!encoding)
        sql_fail_syntax(c);
    return encoding;
}

static struct sql_json_argument parse_value(struct sql_compiler *c)
{
    struct sql_json_argument value = {.value = sql_parse_expression(c)};
    value.format = parse_format(c);
    return value;
}

static struct sql_json_argument *push_value(struct sql_compiler *c, struct sql_json *json)
{
    json->arguments = sql_push(c, json->arguments, &json->count, sizeof *json->arguments);
    json->arguments[json->count - 1] = parse_value(c);
    return &json->arguments[json->count - 1];
}

static void parse_path(struct sql_compiler *c, struct sql_json *json)
{
    json->input = parse_value(c);
    sql_expect(c, ",");
    json->path_line = sql_peek(c, 0)->line;
    json->path_column = sql_peek(c, 0)->column;
    json->path = sql_string(c);
    if (!sql_accept(c, "PASSING"))
        return;
    do {
        struct sql_json_argument *argument = push_value(c, json);
        sql_expect(c, "AS");
        argument->name = sql_identifier(c).text;
    } while (sql_accept(c, ","));
}

static void parse_returning(struct sql_compiler *c, struct sql_json *json)
{
    if (!sql_accept(c, "RETURNING"))
        return;
    json->returning = sql_parse_type(c);
    parse_format(c);
}

/* What comes before ON EMPTY or ON ERROR. */
static const char *parse_behaviour(struct sql_compiler *c, struct sql_node **fallback)
{
    static const char *const WORDS[] = {"ERROR", "NULL", "TRUE", "FALSE", "UNKNOWN", NULL};
    if (sql_accept(c, "DEFAULT")) {
        *fallback = sql_parse_expression(c);
        return "DEFAULT";
    }
    if (sql_accept_two(c, "EMPTY", "ARRAY"))
        return "EMPTY ARRAY";
    if (sql_accept_two(c, "EMPTY", "OBJECT"))
        return "EMPTY OBJECT";
    return sql_accept_one(c, WORDS);
}

static void parse_behaviours(struct sql_compiler *c, struct sql_json *json)
{
    while (!sql_is(c, ")")) {
        struct sql_node *fallback = NULL;
        const char *behaviour = parse_behaviour(c, &fallback);
        if (!behaviour)
            sql_fail_syntax(c);
        sql_expect(c, "ON");
        bool empty = sql_is(c, "EMPTY") && !json->on_empty && !json->on_error;
        if (empty ? !sql_accept(c, "EMPTY") : json->on_error || !sql_accept(c, "ERROR"))
            sql_fail_syntax(c);
        *(empty ? &json->on_empty : &json->on_error) = behaviour;
        *(empty ? &json->empty_default : &json->error_default) = fallback;
    }
}

static void parse_wrapper(struct sql_compiler *c, struct sql_json *json)
{
    if (!sql_is(c, "WITH") && !sql_is(c, "WITHOUT"))
        return;
    json->wrapper = sql_accept(c, "WITHOUT") ? "WITHOUT" : "UNCONDITIONAL";
    if (sql_accept(c, "WITH") && sql_accept(c, "CONDITIONAL"))
        json->wrapper = "CONDITIONAL";
    else
        sql_accept(c, "UNCONDITIONAL");
    sql_accept(c, "ARRAY");
    sql_expect(c, "WRAPPER");
}

static void parse_quotes(struct sql_compiler *c, struct sql_json *json)
{
    json->omit_quotes = sql_is(c, "OMIT");
    json->quotes_said = sql_accept(c, "OMIT") || sql_accept(c, "KEEP");
    if (!json->quotes_said)
        return;
    sql_expect(c, "QUOTES");
    if (sql_accept_two(c, "ON", "SCALAR"))
        sql_expect(c, "STRING");
}

/* NULL ON NULL, ABSENT ON NULL */
static void parse_nulls(struct sql_compiler *c, struct sql_json *json)
{
    if (!(sql_is(c, "NULL") || sql_is(c, "ABSENT")) || !sql_is_ahead(c, 1, "ON"))
        return;
    json->absent_on_null = sql_is(c, "ABSENT");
    json->null_said = true;
    c->at += 2;
    sql_expect(c, "NULL");
}

static void parse_unique(struct sql_compiler *c, struct sql_json *json)
{
    json->unique_keys = sql_is(c, "WITH") && sql_is_ahead(c, 1, "UNIQUE");
    if (!sql_accept(c, "WITH") && !sql_accept(c, "WITHOUT"))
        return;
    sql_expect(c, "UNIQUE");
    sql_accept(c, "KEYS");
}

static void parse_member(struct sql_compiler *c, struct sql_json *json)
{
    size_t count = json->count;
    if (sql_is(c, "KEY") && !sql_is_ahead(c, 1, ":") && !sql_is_ahead(c, 1, "VALUE"))
        c->at++;
    struct sql_node *key = sql_parse_expression(c);
    json->keys = sql_push(c, json->keys, &count, sizeof *json->keys);
    json->keys[count - 1] = key;
    if (!sql_accept(c, ":"))
        sql_expect(c, "VALUE");
    push_value(c, json);
}

static bool ends_list(const struct sql_compiler *c)
{
    bool nulls = (sql_is(c, "NULL") || sql_is(c, "ABSENT")) && sql_is_ahead(c, 1, "ON");
    return sql_is(c, ")") || sql_is(c, "RETURNING") || nulls;
}

static void parse_made(struct sql_compiler *c, struct sql_json *json, bool object)
{
    json->absent_on_null = !object;
    if (!ends_list(c)) {
        do {
            if (object)
                parse_member(c, json);
            else
                push_value(c, json);
        } while (sql_accept(c, ","));
    }
    parse_nulls(c, json);
    if (object)
        parse_unique(c, json);
    parse_returning(c, json);
}

static void parse_asked(struct sql_compiler *c, struct sql_json *json, const char *word)
{
    parse_path(c, json);
    parse_returning(c, json);
    if (strcmp(word, "JSON_QUERY") == 0) {
        parse_wrapper(c, json);
        parse_quotes(c, json);
    }
    parse_behaviours(c, json);
}

struct sql_node *sql_parse_json(struct sql_compiler *c)
{
    const char *word = sql_peek(c, 0)->keyword;
    if (strcmp(word, "JSON_TABLE") == 0)
        sql_fail_syntax(c);
    struct sql_node *node = sql_new_node(c, NODE_JSON, sql_peek(c, 0));
    node->text = sql_lower(&c->arena, word);
    node->json = sql_take(c, 1, sizeof *node->json);
    c->at++;
    sql_expect(c, "(");
    if (strcmp(word, "JSON_OBJECT") == 0 || strcmp(word, "JSON_ARRAY") == 0)
        parse_made(c, node->json, strcmp(word, "JSON_OBJECT") == 0);
    else
        parse_asked(c, node->json, word);
    sql_expect(c, ")");
    return node;
}
