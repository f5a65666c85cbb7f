/* The conjuncts of WHERE over partition columns alone: they choose the partitions to read before
 * any file is opened. They stay in the query too, so that leaving one out is never wrong. */
#include "sql/select.h"

#include <string.h>

/* The one table whose partition columns are all that the expression names. */
struct subject {
    struct sql_context *x;
    struct sql_used_table *table;
    bool other; /* names something else, too */
};

static void look(struct subject *subject, const struct sql_node *node)
{
    const char *parts[32];
    const struct sql_scope *scope = NULL;
    size_t count = sql_name_parts(node, parts, 32);
    if (count) {
        const struct sql_field *field = sql_find_field(subject->x, node, parts, count, &scope);
        bool partition = field && field->table && scope == subject->x->scope &&
                         field->table->columns[field->column].partition;
        subject->other |= !partition || (subject->table && subject->table != field->table);
        subject->table = partition ? field->table : subject->table;
        return;
    }
    subject->other |= node->query != NULL || node->kind == NODE_LAMBDA;
    for (size_t i = 0; i < node->count; i++)
        if (node->parts[i])
            look(subject, node->parts[i]);
}

static void add_equal(struct sql_context *x, struct sql_used_table *table, const char *column,
                      const char *value)
{
    table->equal = sql_push(x->c, table->equal, &table->equals, sizeof *table->equal);
    table->equal[table->equals - 1] = (struct sql_equal){column, value};
}

/* key = 'text' or key = 12 */
static void note_equal(struct sql_context *x, struct sql_used_table *table,
                       const struct sql_node *node)
{
    if (node->kind != NODE_COMPARE || *node->text != '=')
        return;
    for (size_t i = 0; i < 2; i++) {
        const struct sql_node *name = node->parts[i], *value = node->parts[1 - i];
        const char *parts[32];
        size_t count = sql_name_parts(name, parts, 32);
        if (count && (value->kind == NODE_STRING || value->kind == NODE_INTEGER))
            add_equal(x, table, sql_lower(&x->c->arena, parts[count - 1]), value->text);
    }
}

/* The text says a column as s1."name"; over the partitions' values it is "name". */
static const char *without_relation(struct sql_context *x, const char *text, const char *alias)
{
    struct sql_text plain = {.arena = &x->c->arena};
    size_t size = strlen(alias);
    bool quoted = false;
    for (const char *at = text; *at; at++) {
        if (*at == '\'')
            quoted = !quoted;
        if (!quoted && strncmp(at, alias, size) == 0 && at[size] == '.')
            at += size;
        else
            sql_text_add(&plain, at, 1);
    }
    return sql_text_end(&plain);
}

static const char *alias_of(struct sql_context *x, const struct sql_used_table *table)
{
    for (size_t i = 0; i < x->scope->fields.count; i++) {
        const struct sql_field *field = &x->scope->fields.list[i];
        const char *at = field->table == table ? strstr(field->text, ".\"") : NULL;
        const char *start = at;
        while (start && start > field->text && start[-1] != '(' && start[-1] != ' ')
            start--;
        if (at)
            return arena_copy(&x->c->arena, start, (size_t)(at - start));
    }
    return NULL;
}

static void note_conjunct(struct sql_context *x, struct sql_node *node)
{
    struct subject subject = {.x = x};
    if (node->kind == NODE_AND) {
        for (size_t i = 0; i < node->count; i++)
            note_conjunct(x, node->parts[i]);
        return;
    }
    look(&subject, node);
    const char *alias = subject.table && !subject.other ? alias_of(x, subject.table) : NULL;
    if (!alias)
        return;
    const char *text = without_relation(x, sql_condition(x, node, "WHERE clause").text, alias);
    subject.table->filter =
        subject.table->filter ? sql_printf(&x->c->arena, "%s AND (%s)", subject.table->filter, text)
                              : sql_printf(&x->c->arena, "(%s)", text);
    note_equal(x, subject.table, node);
}

/* Below an outer join a row that the filter takes away would come back as NULLs. */
static bool outer_join(const struct sql_relation *relation)
{
    if (!relation || relation->kind != RELATION_JOIN)
        return relation && relation->kind == RELATION_SAMPLED;
    bool outer = strcmp(relation->join, "LEFT") == 0 || strcmp(relation->join, "RIGHT") == 0 ||
                 strcmp(relation->join, "FULL") == 0;
    return outer || outer_join(relation->left) || outer_join(relation->right);
}

void sql_partition_filter(struct sql_context *x, const struct sql_body *body)
{
    if (!outer_join(body->from))
        note_conjunct(x, body->where);
}
