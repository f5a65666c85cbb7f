/* What stands in FROM. */
#include "sql/grammar.h"
#include "sql/parser.h"

#include <string.h>

static struct sql_relation *new_relation(struct sql_compiler *c, enum relation_kind kind)
{
    struct sql_relation *relation = sql_take(c, 1, sizeof *relation);
    *relation = (struct sql_relation){
        .kind = kind, .line = sql_peek(c, 0)->line, .column = sql_peek(c, 0)->column, .height = 1};
    return relation;
}

struct sql_relation *sql_table_relation(struct sql_compiler *c)
{
    struct sql_relation *relation = new_relation(c, RELATION_TABLE);
    relation->name = sql_qualified_name(c, &relation->name_count);
    if (sql_is(c, "FOR") && (sql_is_ahead(c, 1, "TIMESTAMP") || sql_is_ahead(c, 1, "VERSION")))
        sql_fail_at(c, sql_peek(c, 0), "NOT_SUPPORTED",
                    "This connector does not support versioned tables");
    return relation;
}

static struct sql_relation *parse_unnest(struct sql_compiler *c)
{
    struct sql_relation *relation = new_relation(c, RELATION_UNNEST);
    sql_expect(c, "UNNEST");
    sql_expect(c, "(");
    do {
        relation->values =
            sql_push(c, relation->values, &relation->count, sizeof *relation->values);
        relation->values[relation->count - 1] = sql_parse_expression(c);
    } while (sql_accept(c, ","));
    sql_expect(c, ")");
    relation->ordinality = sql_accept_two(c, "WITH", "ORDINALITY");
    return relation;
}

static struct sql_relation *parse_query_relation(struct sql_compiler *c, enum relation_kind kind)
{
    struct sql_relation *relation = new_relation(c, kind);
    sql_expect(c, "(");
    relation->query = sql_parse_query(c);
    sql_expect(c, ")");
    return relation;
}

/* A form that the grammar knows and that is refused later: the parenthesis is skipped. */
static struct sql_relation *skip_parentheses(struct sql_compiler *c, const char *what)
{
    struct sql_relation *relation = new_relation(c, RELATION_REFUSED);
    size_t open = 0;
    relation->text = what;
    c->at++;
    do {
        open += sql_is(c, "(");
        open -= open && sql_is(c, ")");
        if (sql_peek(c, 0)->kind == TOKEN_END)
            sql_fail_syntax(c);
        c->at++;
    } while (open);
    sql_check_grammar(c);
    return relation;
}

static struct sql_relation *parse_primary(struct sql_compiler *c)
{
    if (sql_is(c, "UNNEST"))
        return parse_unnest(c);
    if (sql_is(c, "LATERAL") && sql_is_ahead(c, 1, "(")) {
        c->at++;
        return parse_query_relation(c, RELATION_LATERAL);
    }
    if (sql_is(c, "TABLE") && sql_is_ahead(c, 1, "("))
        return skip_parentheses(c, "table functions are not supported");
    if (sql_is(c, "JSON_TABLE") && sql_is_ahead(c, 1, "("))
        return skip_parentheses(c, "JSON_TABLE is not supported");
    if (!sql_is(c, "("))
        return sql_table_relation(c);
    if (sql_is_query(c))
        return parse_query_relation(c, RELATION_QUERY);
    sql_expect(c, "(");
    struct sql_relation *relation = sql_parse_relation(c);
    sql_expect(c, ")");
    return relation;
}

/* The words that can be names, and go on here as something else. */
bool sql_is_alias(const struct sql_compiler *c)
{
    if (sql_is(c, "TABLESAMPLE") &&
        (sql_is_ahead(c, 1, "BERNOULLI") || sql_is_ahead(c, 1, "SYSTEM")))
        return false;
    if (sql_is(c, "MATCH_RECOGNIZE") && sql_is_ahead(c, 1, "("))
        return false;
    if (sql_is(c, "WINDOW") && sql_is_identifier(c, 1) && sql_is_ahead(c, 2, "AS"))
        return false;
    if (sql_is(c, "FETCH") && (sql_is_ahead(c, 1, "FIRST") || sql_is_ahead(c, 1, "NEXT")))
        return false;
    bool count = sql_peek(c, 1)->kind == TOKEN_INTEGER || sql_is_ahead(c, 1, "?");
    if (sql_is(c, "LIMIT") && (count || sql_is_ahead(c, 1, "ALL")))
        return false;
    return sql_is_identifier(c, 0) && !(sql_is(c, "OFFSET") && count);
}

static struct sql_relation *parse_aliased(struct sql_compiler *c)
{
    struct sql_relation *primary = parse_primary(c);
    if (!sql_accept(c, "AS") && !sql_is_alias(c))
        return primary;
    struct sql_relation *aliased = new_relation(c, RELATION_ALIASED);
    struct sql_name alias = sql_identifier(c);
    aliased->line = primary->line;
    aliased->column = primary->column;
    aliased->text = alias.text;
    aliased->right = primary;
    aliased->height = sql_taller(c, primary->height, sql_peek(c, 0));
    if (sql_is(c, "("))
        aliased->columns = sql_name_list(c, &aliased->column_count);
    return aliased;
}

static struct sql_relation *parse_patterned(struct sql_compiler *c)
{
    struct sql_relation *relation = parse_aliased(c);
    if (!sql_is(c, "MATCH_RECOGNIZE") || !sql_is_ahead(c, 1, "("))
        return relation;
    struct sql_relation *refused = skip_parentheses(c, "MATCH_RECOGNIZE is not supported");
    refused->right = relation;
    if (sql_accept(c, "AS") || sql_is_alias(c)) {
        size_t count;
        sql_identifier(c);
        if (sql_is(c, "("))
            sql_name_list(c, &count);
    }
    return refused;
}

static struct sql_relation *parse_sampled(struct sql_compiler *c)
{
    static const char *const METHODS[] = {"BERNOULLI", "SYSTEM", NULL};
    struct sql_relation *relation = parse_patterned(c);
    if (!sql_accept(c, "TABLESAMPLE"))
        return relation;
    struct sql_relation *sampled = new_relation(c, RELATION_SAMPLED);
    sampled->line = relation->line;
    sampled->column = relation->column;
    sampled->right = relation;
    sampled->height = sql_taller(c, relation->height, sql_peek(c, 0));
    sampled->text = sql_accept_one(c, METHODS);
    if (!sampled->text)
        sql_fail_syntax(c);
    sql_expect(c, "(");
    sampled->percentage = sql_parse_expression(c);
    sql_expect(c, ")");
    return sampled;
}

static const char *accept_join(struct sql_compiler *c)
{
    static const char *const SIDES[] = {"LEFT", "RIGHT", "FULL", NULL};
    if (sql_accept_two(c, "CROSS", "JOIN"))
        return "CROSS";
    if (sql_accept_two(c, "INNER", "JOIN") || sql_accept(c, "JOIN"))
        return "INNER";
    for (size_t i = 0; SIDES[i]; i++) {
        if (!sql_accept(c, SIDES[i]))
            continue;
        sql_accept(c, "OUTER");
        sql_expect(c, "JOIN");
        return SIDES[i];
    }
    return NULL;
}

static void parse_criteria(struct sql_compiler *c, struct sql_relation *join)
{
    if (sql_accept(c, "ON")) {
        join->on = sql_parse_expression(c);
        return;
    }
    sql_expect(c, "USING");
    join->using = sql_name_list(c, &join->using_count);
}

static struct sql_relation *parse_join(struct sql_compiler *c, struct sql_relation *left)
{
    size_t start = c->at;
    bool natural = sql_accept(c, "NATURAL");
    const char *kind = accept_join(c);
    if (!kind) {
        if (natural || c->at != start)
            sql_fail_syntax(c);
        return NULL;
    }
    struct sql_relation *join = new_relation(c, RELATION_JOIN);
    join->line = left->line;
    join->column = left->column;
    join->join = kind;
    join->natural = natural;
    join->left = left;
    bool cross = strcmp(kind, "CROSS") == 0;
    join->right = cross || natural ? parse_sampled(c) : sql_parse_relation(c);
    if (!cross && !natural)
        parse_criteria(c, join);
    join->height = sql_taller(c, left->height, sql_peek(c, 0));
    return join;
}

/* a JOIN b JOIN c ON ... ON ...: the right side of a join is a relation with joins of its own, as
 * far as they have criteria; so a join is tried after its left side, and what is left over belongs
 * to the outer one. */
struct sql_relation *sql_parse_relation(struct sql_compiler *c)
{
    sql_enter(c);
    struct sql_relation *left = parse_sampled(c);
    for (struct sql_relation *join = left; join;) {
        join = parse_join(c, left);
        left = join ? join : left;
    }
    sql_leave(c);
    return left;
}
