/* Calls of functions, names, and the forms that have a syntax of their own. */
#include "sql/parser.h"

#include <stdlib.h>
#include <string.h>

static void parse_arguments(struct sql_compiler *c, struct sql_node *node)
{
    if (sql_accept(c, "*")) {
        node->flags |= NODE_COUNT_STAR;
        return;
    }
    if (sql_accept(c, "DISTINCT"))
        node->flags |= NODE_DISTINCT;
    else if (sql_is(c, "ALL") && !sql_is_ahead(c, 1, ",") && !sql_is_ahead(c, 1, ")"))
        c->at++;
    if (!(node->flags & NODE_DISTINCT) && (sql_is(c, ")") || sql_is(c, "ORDER")))
        return;
    do
        sql_add_part(c, node, sql_parse_expression(c));
    while (sql_accept(c, ","));
}

static void parse_filter(struct sql_compiler *c, struct sql_node *node)
{
    if (!sql_is(c, "FILTER") || !sql_is_ahead(c, 1, "("))
        return;
    c->at += 2;
    sql_expect(c, "WHERE");
    node->filter = sql_parse_expression(c);
    sql_expect(c, ")");
}

static bool is_over(const struct sql_compiler *c, size_t ahead)
{
    return sql_is_ahead(c, ahead, "OVER") &&
           (sql_is_ahead(c, ahead + 1, "(") || sql_is_identifier(c, ahead + 1));
}

static void parse_over(struct sql_compiler *c, struct sql_node *node)
{
    bool nulls = sql_is_ahead(c, 1, "NULLS") && is_over(c, 2);
    if (nulls && (sql_is(c, "IGNORE") || sql_is(c, "RESPECT"))) {
        node->flags |= sql_is(c, "IGNORE") ? NODE_IGNORE_NULLS : NODE_RESPECT_NULLS;
        c->at += 2;
    }
    if (!is_over(c, 0))
        return;
    sql_expect(c, "OVER");
    node->window = sql_parse_window(c);
}

/* What Trino's parser asks of the forms that look like functions. */
static void check_form(struct sql_compiler *c, const struct sql_node *node)
{
    static const struct {
        const char *name;
        size_t least, most;
        const char *text;
    } FORMS[] = {
        {"if", 2, 3, "Invalid number of arguments for 'if' function"},
        {"nullif", 2, 2, "Invalid number of arguments for 'nullif' function"},
        {"coalesce", 2, 1000000, "The 'coalesce' function must have at least two arguments"},
        {"try", 1, 1, "The 'try' function must have exactly one argument"},
        {"format", 2, 1000000, "The 'format' function must have at least two arguments"},
    };
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        if (strcmp(node->text, FORMS[i].name) != 0)
            continue;
        if (node->count < FORMS[i].least || node->count > FORMS[i].most)
            sql_fail_at(c, node, "SYNTAX_ERROR", "%s", FORMS[i].text);
        if (node->window)
            sql_fail_at(c, node, "SYNTAX_ERROR", "OVER clause not valid for '%s' function",
                        node->text);
        if (node->flags & NODE_DISTINCT)
            sql_fail_at(c, node, "SYNTAX_ERROR", "DISTINCT not valid for '%s' function",
                        node->text);
    }
}

static size_t name_tokens(const struct sql_compiler *c)
{
    size_t at = 1;
    while (sql_is_ahead(c, at, ".") && sql_is_identifier(c, at + 1))
        at += 2;
    return at;
}

static struct sql_node *parse_function(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_CALL, sql_peek(c, 0));
    size_t count;
    struct sql_name *names = sql_qualified_name(c, &count);
    struct sql_text text = {.arena = &c->arena};
    for (size_t i = 0; i < count; i++)
        sql_text_printf(&text, "%s%s", i ? "." : "", names[i].text);
    node->text = sql_lower(&c->arena, sql_text_end(&text));
    sql_expect(c, "(");
    parse_arguments(c, node);
    if (sql_accept_two(c, "ORDER", "BY"))
        node->sorts = sql_parse_sorts(c, &node->sort_count);
    sql_expect(c, ")");
    parse_filter(c, node);
    parse_over(c, node);
    check_form(c, node);
    return node;
}

struct sql_node *sql_parse_call(struct sql_compiler *c)
{
    if (!sql_is_identifier(c, 0))
        sql_fail_syntax(c);
    if (sql_is_ahead(c, name_tokens(c), "("))
        return parse_function(c);
    struct sql_node *node = sql_new_node(c, NODE_NAME, sql_peek(c, 0));
    struct sql_name name = sql_identifier(c);
    node->text = name.text;
    node->flags = name.quoted ? NODE_QUOTED : 0;
    return node;
}

/* SUBSTRING(a FROM b) or the function substring(a, b), TRY_CAST(a AS b) or a function: told by the
 * first comma or FROM outside of parentheses. */
static bool has_from(const struct sql_compiler *c, const char *word)
{
    int open = 0;
    for (size_t at = 1; sql_peek(c, at)->kind != TOKEN_END; at++) {
        open += sql_is_ahead(c, at, "(") || sql_is_ahead(c, at, "[");
        open -= sql_is_ahead(c, at, ")") || sql_is_ahead(c, at, "]");
        if (open == 1 && sql_is_ahead(c, at, word))
            return true;
        if (open <= 0 || (open == 1 && sql_is_ahead(c, at, ",")))
            return false;
    }
    return false;
}

static struct sql_node *parse_cast(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_CAST, sql_peek(c, 0));
    node->flags = sql_is(c, "TRY_CAST") ? NODE_TRY : 0;
    c->at++;
    sql_expect(c, "(");
    sql_add_part(c, node, sql_parse_expression(c));
    sql_expect(c, "AS");
    node->as_type = sql_parse_type(c);
    sql_expect(c, ")");
    return node;
}

static struct sql_node *parse_case(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_CASE, sql_peek(c, 0));
    sql_expect(c, "CASE");
    sql_add_part(c, node, sql_is(c, "WHEN") ? NULL : sql_parse_expression(c));
    do {
        sql_expect(c, "WHEN");
        sql_add_part(c, node, sql_parse_expression(c));
        sql_expect(c, "THEN");
        sql_add_part(c, node, sql_parse_expression(c));
    } while (sql_is(c, "WHEN"));
    sql_add_part(c, node, sql_accept(c, "ELSE") ? sql_parse_expression(c) : NULL);
    sql_expect(c, "END");
    return node;
}

static struct sql_node *parse_exists(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_EXISTS, sql_peek(c, 0));
    sql_expect(c, "EXISTS");
    sql_expect(c, "(");
    node->query = sql_parse_query(c);
    sql_expect(c, ")");
    return node;
}

static struct sql_node *parse_list(struct sql_compiler *c, enum node_kind kind, const char *open,
                                   const char *close)
{
    struct sql_node *node = sql_new_node(c, kind, sql_peek(c, 0));
    c->at++;
    sql_expect(c, open);
    while (!sql_is(c, close)) {
        sql_add_part(c, node, sql_parse_expression(c));
        if (!sql_accept(c, ","))
            break;
        if (sql_is(c, close))
            sql_fail_syntax(c);
    }
    sql_expect(c, close);
    return node;
}

static struct sql_node *parse_current(struct sql_compiler *c, const char *word, bool precise)
{
    struct sql_node *node = sql_new_node(c, NODE_CURRENT, sql_peek(c, 0));
    node->text = word;
    node->number = -1;
    c->at++;
    if (!precise || !sql_accept(c, "("))
        return node;
    const struct sql_token *token = sql_peek(c, 0);
    if (token->kind != TOKEN_INTEGER)
        sql_fail_syntax(c);
    node->number = token->size < 6 ? atoi(token->start) : 99999;
    c->at++;
    sql_expect(c, ")");
    return node;
}

static struct sql_node *parse_extract(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_EXTRACT, sql_peek(c, 0));
    c->at++;
    sql_expect(c, "(");
    node->text = sql_identifier(c).text;
    sql_expect(c, "FROM");
    sql_add_part(c, node, sql_parse_value(c));
    sql_expect(c, ")");
    return node;
}

/* trim([BOTH] [characters] FROM source), trim(source), trim(source, characters) */
static struct sql_node *parse_trim(struct sql_compiler *c)
{
    static const char *const SIDES[] = {"BOTH", "LEADING", "TRAILING", NULL};
    struct sql_node *node = sql_new_node(c, NODE_TRIM, sql_peek(c, 0));
    struct sql_node *first = NULL, *second = NULL;
    c->at++;
    sql_expect(c, "(");
    bool side = !sql_is_ahead(c, 1, ")") && !sql_is_ahead(c, 1, ",");
    node->more = side ? sql_accept_one(c, SIDES) : NULL;
    if (!sql_is(c, "FROM"))
        first = sql_parse_value(c);
    bool from = sql_accept(c, "FROM");
    if (from || sql_accept(c, ","))
        second = sql_parse_value(c);
    if (node->more && !from)
        sql_fail_syntax(c);
    sql_expect(c, ")");
    sql_add_part(c, node, from ? second : first);
    sql_add_part(c, node, from ? first : second);
    return node;
}

static struct sql_node *parse_substring(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_CALL, sql_peek(c, 0));
    node->text = "substr";
    c->at++;
    sql_expect(c, "(");
    sql_add_part(c, node, sql_parse_value(c));
    sql_expect(c, "FROM");
    sql_add_part(c, node, sql_parse_value(c));
    if (sql_accept(c, "FOR"))
        sql_add_part(c, node, sql_parse_value(c));
    sql_expect(c, ")");
    node->flags |= NODE_SUBSTRING_FORM;
    return node;
}

static struct sql_node *parse_position(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_CALL, sql_peek(c, 0));
    node->text = "strpos";
    c->at++;
    sql_expect(c, "(");
    struct sql_node *searched = sql_parse_value(c);
    sql_expect(c, "IN");
    sql_add_part(c, node, sql_parse_value(c));
    sql_add_part(c, node, searched);
    sql_expect(c, ")");
    return node;
}

static struct sql_node *parse_normalize(struct sql_compiler *c)
{
    static const char *const FORMS[] = {"NFD", "NFC", "NFKD", "NFKC", NULL};
    struct sql_node *node = sql_new_node(c, NODE_NORMALIZE, sql_peek(c, 0));
    c->at++;
    sql_expect(c, "(");
    sql_add_part(c, node, sql_parse_value(c));
    node->text = sql_accept(c, ",") ? sql_accept_one(c, FORMS) : "NFC";
    if (!node->text)
        sql_fail_syntax(c);
    sql_expect(c, ")");
    return node;
}

static void parse_overflow(struct sql_compiler *c, struct sql_node *node)
{
    if (!sql_accept_two(c, "ON", "OVERFLOW"))
        return;
    if (sql_accept(c, "ERROR"))
        return;
    sql_expect(c, "TRUNCATE");
    node->more = sql_is_string(c, 0) ? sql_string(c) : "...";
    if (!sql_accept(c, "WITHOUT"))
        sql_expect(c, "WITH");
    sql_expect(c, "COUNT");
}

static struct sql_node *parse_listagg(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_LISTAGG, sql_peek(c, 0));
    node->text = "listagg";
    c->at++;
    sql_expect(c, "(");
    node->flags |= sql_accept(c, "DISTINCT") ? NODE_DISTINCT : 0;
    sql_add_part(c, node, sql_parse_expression(c));
    struct sql_node *separator = sql_new_node(c, NODE_STRING, sql_peek(c, 0));
    separator->text = sql_accept(c, ",") ? sql_string(c) : "";
    sql_add_part(c, node, separator);
    parse_overflow(c, node);
    static const char *const AFTER[] = {")", "WITHIN", "GROUP", "(", "ORDER", "BY", NULL};
    for (size_t i = 0; AFTER[i]; i++)
        sql_expect(c, AFTER[i]);
    node->sorts = sql_parse_sorts(c, &node->sort_count);
    sql_expect(c, ")");
    parse_filter(c, node);
    return node;
}

static struct sql_node *parse_grouping(struct sql_compiler *c)
{
    return parse_list(c, NODE_GROUPING, "(", ")");
}

static struct sql_node *parse_array(struct sql_compiler *c)
{
    return parse_list(c, NODE_ARRAY, "[", "]");
}

static struct sql_node *parse_row(struct sql_compiler *c)
{
    struct sql_node *node = parse_list(c, NODE_ROW, "(", ")");
    if (!node->count) {
        c->at--;
        sql_fail_syntax(c);
    }
    return node;
}

static struct sql_node *parse_keyword_form(struct sql_compiler *c)
{
    static const struct {
        const char *word;
        struct sql_node *(*parse)(struct sql_compiler *);
        const char *follows; /* what has to stand behind a word that may be a name */
    } FORMS[] = {
        {"CAST", parse_cast, NULL},
        {"TRY_CAST", parse_cast, "("},
        {"CASE", parse_case, NULL},
        {"EXISTS", parse_exists, NULL},
        {"ROW", parse_row, "("},
        {"ARRAY", parse_array, "["},
        {"EXTRACT", parse_extract, NULL},
        {"TRIM", parse_trim, NULL},
        {"LISTAGG", parse_listagg, NULL},
        {"NORMALIZE", parse_normalize, NULL},
        {"GROUPING", parse_grouping, NULL},
    };
    if (sql_is(c, "TRY_CAST") && !has_from(c, "AS"))
        return NULL;
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (sql_is(c, FORMS[i].word) && (!FORMS[i].follows || sql_is_ahead(c, 1, FORMS[i].follows)))
            return FORMS[i].parse(c);
    return NULL;
}

struct sql_node *sql_parse_special(struct sql_compiler *c)
{
    static const char *const CURRENT[] = {"CURRENT_TIME",    "CURRENT_TIMESTAMP", "LOCALTIME",
                                          "LOCALTIMESTAMP",  "CURRENT_DATE",      "CURRENT_USER",
                                          "CURRENT_CATALOG", "CURRENT_SCHEMA",    "CURRENT_PATH"};
    for (size_t i = 0; i < sizeof CURRENT / sizeof *CURRENT; i++)
        if (sql_is(c, CURRENT[i]))
            return parse_current(c, CURRENT[i], i < 4);
    if (sql_is(c, "SUBSTRING") && has_from(c, "FROM"))
        return parse_substring(c);
    if (sql_is(c, "POSITION") && has_from(c, "IN"))
        return parse_position(c);
    if (strncmp(sql_peek(c, 0)->keyword ? sql_peek(c, 0)->keyword : "", "JSON_", 5) == 0)
        return sql_parse_json(c);
    return parse_keyword_form(c);
}
