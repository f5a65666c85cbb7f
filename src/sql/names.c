/* Whether a query reads from a name: a recursion is told by it. */
#include "sql/scope.h"

#include <string.h>

static bool in_query(const struct sql_query *query, const char *name);

static bool in_relation(const struct sql_relation *relation, const char *name)
{
    if (!relation)
        return false;
    if (relation->kind == RELATION_TABLE)
        return relation->name_count == 1 && sql_same_word(relation->name->text, name);
    if (relation->query && in_query(relation->query, name))
        return true;
    return in_relation(relation->left, name) || in_relation(relation->right, name);
}

bool sql_names_table(const struct sql_body *body, const char *name)
{
    if (!body)
        return false;
    if (in_relation(body->from, name) || in_relation(body->table, name))
        return true;
    if (body->query && in_query(body->query, name))
        return true;
    return sql_names_table(body->left, name) || sql_names_table(body->right, name);
}

static bool in_query(const struct sql_query *query, const char *name)
{
    for (size_t i = 0; i < query->with_count; i++)
        if (sql_same_word(query->with[i].name.text, name))
            return false;
    return sql_names_table(query->body, name);
}
