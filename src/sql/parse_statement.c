/* Statements. What is a query, makes a table or is asked of the catalog is read into a tree; of the
 * others it is known by grammar.c that they are statements, and they go back to the caller. */
#include "sql/grammar.h"
#include "sql/parser.h"

#include <string.h>

static void parse_target(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->line = sql_peek(c, 0)->line;
    tree->column = sql_peek(c, 0)->column;
    tree->target = sql_qualified_name(c, &tree->target_count);
}

static void parse_properties(struct sql_compiler *c, struct sql_tree *tree)
{
    sql_expect(c, "(");
    do {
        tree->properties =
            sql_push(c, tree->properties, &tree->property_count, sizeof *tree->properties);
        struct sql_assignment property = {.name = sql_identifier(c)};
        sql_expect(c, "=");
        property.value = sql_parse_expression(c);
        tree->properties[tree->property_count - 1] = property;
    } while (sql_accept(c, ","));
    sql_expect(c, ")");
}

static void parse_comment(struct sql_compiler *c, struct sql_tree *tree)
{
    if (sql_accept(c, "COMMENT"))
        tree->comment = sql_string(c);
}

static bool accept_if_not_exists(struct sql_compiler *c)
{
    if (!sql_accept(c, "IF"))
        return false;
    sql_expect(c, "NOT");
    sql_expect(c, "EXISTS");
    return true;
}

static void parse_as_query(struct sql_compiler *c, struct sql_tree *tree)
{
    bool parentheses = sql_is(c, "(") && sql_is_ahead(c, 1, "WITH");
    sql_expect(c, "AS");
    parentheses = sql_is(c, "(") && sql_is_ahead(c, 1, "WITH");
    if (parentheses)
        c->at++;
    tree->query = sql_parse_query(c);
    if (parentheses)
        sql_expect(c, ")");
    if (!sql_accept(c, "WITH"))
        return;
    tree->with_no_data = sql_accept(c, "NO");
    sql_expect(c, "DATA");
}

/* ( a, b ) before AS, COMMENT or WITH is a list of names; else it defines columns. */
static bool is_name_list(const struct sql_compiler *c)
{
    size_t at = 1;
    while (sql_is_identifier(c, at) && sql_is_ahead(c, at + 1, ","))
        at += 2;
    return sql_is(c, "(") && sql_is_identifier(c, at) && sql_is_ahead(c, at + 1, ")");
}

static void parse_create_table(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->if_not_exists = accept_if_not_exists(c);
    parse_target(c, tree);
    if (sql_is(c, "(") && !is_name_list(c)) {
        tree->kind = SQL_OTHER;
        return;
    }
    tree->kind = SQL_CREATE_TABLE_AS;
    if (sql_is(c, "("))
        tree->columns = sql_name_list(c, &tree->column_count);
    parse_comment(c, tree);
    if (sql_accept(c, "WITH"))
        parse_properties(c, tree);
    parse_as_query(c, tree);
}

static void parse_create_view(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->kind = SQL_CREATE_VIEW;
    parse_target(c, tree);
    parse_comment(c, tree);
    if (sql_accept(c, "SECURITY") && !sql_accept(c, "DEFINER"))
        sql_expect(c, "INVOKER");
    sql_expect(c, "AS");
    size_t start = c->at;
    tree->query = sql_parse_query(c);
    tree->source = sql_source_from(c, start);
}

static void parse_create(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->kind = SQL_OTHER;
    c->at++;
    tree->or_replace = sql_accept_two(c, "OR", "REPLACE");
    if (sql_accept(c, "VIEW"))
        parse_create_view(c, tree);
    else if (!tree->or_replace && sql_accept(c, "TABLE"))
        parse_create_table(c, tree);
}

static void parse_insert(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->kind = SQL_INSERT;
    c->at++;
    sql_expect(c, "INTO");
    parse_target(c, tree);
    tree->line = tree->column = 1;
    if (is_name_list(c))
        tree->columns = sql_name_list(c, &tree->column_count);
    tree->query = sql_parse_query(c);
}

static void parse_unload(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->kind = SQL_UNLOAD;
    c->at++;
    sql_expect(c, "(");
    tree->query = sql_parse_query(c);
    sql_expect(c, ")");
    sql_expect(c, "TO");
    tree->location = sql_string(c);
    if (sql_accept(c, "WITH"))
        parse_properties(c, tree);
}

static void parse_drop(struct sql_compiler *c, struct sql_tree *tree)
{
    bool view = sql_is_ahead(c, 1, "VIEW");
    tree->kind = SQL_OTHER;
    if (!view && !sql_is_ahead(c, 1, "TABLE"))
        return;
    tree->kind = view ? SQL_DROP_VIEW : SQL_DROP_TABLE;
    c->at += 2;
    tree->if_exists = sql_accept_two(c, "IF", "EXISTS");
    parse_target(c, tree);
}

static void parse_like(struct sql_compiler *c, struct sql_tree *tree)
{
    if (!sql_accept(c, "LIKE"))
        return;
    tree->pattern = sql_string(c);
    if (sql_accept(c, "ESCAPE"))
        tree->escape = sql_string(c);
}

static void parse_show_from(struct sql_compiler *c, struct sql_tree *tree)
{
    if (sql_accept(c, "FROM") || sql_accept(c, "IN"))
        parse_target(c, tree);
    parse_like(c, tree);
}

static void parse_show(struct sql_compiler *c, struct sql_tree *tree)
{
    static const struct {
        const char *words[3];
        enum sql_kind kind;
    } SHOWS[] = {
        {{"CATALOGS"}, SQL_SHOW_CATALOGS},
        {{"SCHEMAS"}, SQL_SHOW_SCHEMAS},
        {{"TABLES"}, SQL_SHOW_TABLES},
        {{"COLUMNS"}, SQL_SHOW_COLUMNS},
        {{"FUNCTIONS"}, SQL_SHOW_FUNCTIONS},
        {{"SESSION"}, SQL_SHOW_SESSION},
        {{"CREATE", "TABLE"}, SQL_SHOW_CREATE_TABLE},
        {{"CREATE", "VIEW"}, SQL_SHOW_CREATE_VIEW},
        {{"CREATE", "SCHEMA"}, SQL_SHOW_CREATE_SCHEMA},
        {{"STATS", "FOR"}, SQL_SHOW_STATS},
    };
    tree->kind = SQL_OTHER;
    for (size_t i = 0; i < sizeof SHOWS / sizeof *SHOWS; i++) {
        const char *const *words = SHOWS[i].words;
        if (!sql_is_ahead(c, 1, words[0]) || (words[1] && !sql_is_ahead(c, 2, words[1])))
            continue;
        tree->kind = SHOWS[i].kind;
        c->at += words[1] ? 3 : 2;
        if (tree->kind == SQL_SHOW_STATS && sql_is(c, "("))
            tree->kind = SQL_OTHER;
        else if (words[1])
            parse_target(c, tree);
        else
            parse_show_from(c, tree);
        return;
    }
}

static void parse_describe(struct sql_compiler *c, struct sql_tree *tree)
{
    bool full = sql_is(c, "DESCRIBE");
    c->at++;
    bool more = sql_is_identifier(c, 1);
    tree->kind = SQL_SHOW_COLUMNS;
    if (full && more && sql_accept(c, "INPUT"))
        tree->kind = SQL_DESCRIBE_INPUT;
    else if (full && more && sql_accept(c, "OUTPUT"))
        tree->kind = SQL_DESCRIBE_OUTPUT;
    parse_target(c, tree);
}

static void parse_prepare(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->kind = SQL_PREPARE;
    c->at++;
    tree->target = sql_take(c, 1, sizeof *tree->target);
    *tree->target = sql_identifier(c);
    tree->target_count = 1;
    sql_expect(c, "FROM");
    size_t start = c->at;
    c->at = c->token_count - 1;
    tree->source = sql_source_from(c, start);
}

static void parse_using(struct sql_compiler *c, struct sql_tree *tree)
{
    if (!sql_accept(c, "USING"))
        return;
    do {
        size_t start = c->at;
        tree->arguments =
            sql_push(c, tree->arguments, &tree->argument_count, sizeof *tree->arguments);
        sql_parse_expression(c);
        tree->arguments[tree->argument_count - 1] = sql_source_from(c, start);
    } while (sql_accept(c, ","));
}

static void parse_execute(struct sql_compiler *c, struct sql_tree *tree)
{
    c->at++;
    tree->kind = SQL_EXECUTE;
    if (sql_is(c, "IMMEDIATE") && sql_is_string(c, 1)) {
        c->at++;
        tree->kind = SQL_EXECUTE_IMMEDIATE;
        tree->line = sql_peek(c, 0)->line;
        tree->column = sql_peek(c, 0)->column;
        tree->source = sql_string(c);
    } else {
        tree->target = sql_take(c, 1, sizeof *tree->target);
        *tree->target = sql_identifier(c);
        tree->target_count = 1;
    }
    parse_using(c, tree);
}

static void parse_deallocate(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->kind = SQL_DEALLOCATE;
    c->at++;
    sql_expect(c, "PREPARE");
    parse_target(c, tree);
}

static void parse_use(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->kind = SQL_USE;
    c->at++;
    parse_target(c, tree);
}

static void parse_query_statement(struct sql_compiler *c, struct sql_tree *tree)
{
    tree->kind = SQL_SELECT;
    tree->query = sql_parse_query(c);
}

static void parse_statement(struct sql_compiler *c, struct sql_tree *tree);

static const char *one_of(struct sql_compiler *c, const char *const *words)
{
    for (; *words; words++)
        if (sql_accept(c, *words))
            return *words;
    sql_fail_syntax(c);
}

/* FORMAT word, TYPE word */
static void parse_explain_option(struct sql_compiler *c, struct sql_tree *tree)
{
    static const char *const FORMATS[] = {"TEXT", "GRAPHVIZ", "JSON", NULL};
    static const char *const TYPES[] = {"LOGICAL", "DISTRIBUTED", "VALIDATE", "IO", NULL};
    if (sql_accept(c, "FORMAT"))
        tree->explain_format = one_of(c, FORMATS);
    else if (sql_accept(c, "TYPE"))
        tree->explain_type = one_of(c, TYPES);
    else
        sql_fail_syntax(c);
}

static void parse_explain_options(struct sql_compiler *c, struct sql_tree *tree)
{
    do
        parse_explain_option(c, tree);
    while (sql_accept(c, ","));
    sql_expect(c, ")");
}

static void parse_explain(struct sql_compiler *c, struct sql_tree *tree)
{
    c->at++;
    bool analyze = sql_accept(c, "ANALYZE");
    if (analyze)
        sql_accept(c, "VERBOSE");
    else if (!sql_is_query(c) && sql_accept(c, "("))
        parse_explain_options(c, tree);
    sql_enter(c);
    parse_statement(c, tree);
    sql_leave(c);
    tree->kind = tree->query && tree->kind != SQL_EXPLAIN ? SQL_EXPLAIN : tree->kind;
    tree->analyze = analyze;
}

static void parse_statement(struct sql_compiler *c, struct sql_tree *tree)
{
    static const struct {
        const char *word;
        void (*parse)(struct sql_compiler *, struct sql_tree *);
    } STATEMENTS[] = {
        {"SELECT", parse_query_statement},
        {"WITH", parse_query_statement},
        {"VALUES", parse_query_statement},
        {"TABLE", parse_query_statement},
        {"(", parse_query_statement},
        {"CREATE", parse_create},
        {"INSERT", parse_insert},
        {"UNLOAD", parse_unload},
        {"DROP", parse_drop},
        {"SHOW", parse_show},
        {"DESCRIBE", parse_describe},
        {"DESC", parse_describe},
        {"PREPARE", parse_prepare},
        {"EXECUTE", parse_execute},
        {"DEALLOCATE", parse_deallocate},
        {"USE", parse_use},
        {"EXPLAIN", parse_explain},
    };
    tree->kind = SQL_OTHER;
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++)
        if (sql_is(c, STATEMENTS[i].word)) {
            STATEMENTS[i].parse(c, tree);
            return;
        }
}

static void scan(struct sql_compiler *c, const char *text)
{
    c->text = text;
    c->at = 0;
    c->tokens = sql_tokens(&c->arena, text, &c->token_count);
    if (!c->tokens)
        sql_fail(c, 0, 0, "GENERIC_INSUFFICIENT_RESOURCES", "no memory for the statement");
}

static void name_other(struct sql_compiler *c, struct sql_tree *tree)
{
    sql_check_grammar(c);
    struct sql_text text = {.arena = &c->arena};
    for (size_t i = 0; i < 2 && c->tokens[i].kind == TOKEN_WORD; i++)
        sql_text_printf(&text, "%s%.*s", i ? " " : "", (int)c->tokens[i].size, c->tokens[i].start);
    tree->what = sql_text_end(&text);
}

/* Athena takes one at a statement's end, which is no part of Trino's grammar. */
static void drop_semicolon(struct sql_compiler *c)
{
    struct sql_token *last = c->token_count > 1 ? &c->tokens[c->token_count - 2] : NULL;
    if (!last || last->size != 1 || *last->start != ';')
        return;
    last->kind = TOKEN_END;
    last->size = 0;
    c->token_count--;
}

struct sql_tree *sql_parse_tree(struct sql_compiler *c)
{
    struct sql_tree *tree = sql_take(c, 1, sizeof *tree);
    scan(c, c->text);
    drop_semicolon(c);
    tree->line = tree->column = 1;
    parse_statement(c, tree);
    if (tree->kind == SQL_OTHER)
        name_other(c, tree);
    else if (sql_peek(c, 0)->kind != TOKEN_END)
        sql_fail_syntax(c);
    tree->parameter_count = c->parameters;
    return tree;
}

/* Where a compiler stands in its tokens, while it reads another text. */
struct place {
    struct sql_token *tokens;
    size_t count, at;
    const char *text;
};

static struct place go_to(struct sql_compiler *c, const char *text)
{
    struct place place = {c->tokens, c->token_count, c->at, c->text};
    scan(c, text);
    return place;
}

static void come_back(struct sql_compiler *c, struct place place)
{
    if (sql_peek(c, 0)->kind != TOKEN_END)
        sql_fail_syntax(c);
    c->tokens = place.tokens;
    c->token_count = place.count;
    c->at = place.at;
    c->text = place.text;
}

struct sql_node *sql_parse_expression_text(struct sql_compiler *c, const char *text)
{
    struct place place = go_to(c, text);
    struct sql_node *node = sql_parse_expression(c);
    come_back(c, place);
    return node;
}

struct sql_node *sql_parse_type_text(struct sql_compiler *c, const char *text)
{
    struct place place = go_to(c, text);
    struct sql_node *node = sql_parse_type(c);
    come_back(c, place);
    return node;
}

struct sql_query *sql_parse_query_text(struct sql_compiler *c, const char *text)
{
    struct place place = go_to(c, text);
    struct sql_query *query = sql_parse_query(c);
    come_back(c, place);
    return query;
}
