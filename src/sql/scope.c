#include "sql/scope.h"

#include <string.h>

size_t sql_name_parts(const struct sql_node *node, const char **parts, size_t most)
{
    size_t count = 0;
    if (node->kind == NODE_FIELD)
        count = sql_name_parts(node->parts[0], parts, most);
    else if (node->kind != NODE_NAME)
        return 0;
    if ((node->kind == NODE_FIELD && !count) || count == most)
        return 0;
    parts[count] = node->text;
    return count + 1;
}

/* catalog.schema.table, or an end of it. */
bool sql_field_of(const struct sql_field *field, const char *const *qualifier, size_t count)
{
    const char *own[] = {field->relation, field->schema, field->catalog};
    if (count > 3)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!own[i] || !sql_same_word(own[i], qualifier[count - 1 - i]))
            return false;
    return true;
}

static bool matches(const struct sql_field *field, const char *const *parts, size_t count)
{
    return field->name && sql_same_word(field->name, parts[count - 1]) &&
           sql_field_of(field, parts, count - 1);
}

static const char *joined(struct sql_compiler *c, const char *const *parts, size_t count)
{
    struct sql_text text = {.arena = &c->arena};
    for (size_t i = 0; i < count; i++)
        sql_text_printf(&text, "%s%s", i ? "." : "", parts[i]);
    return sql_lower(&c->arena, sql_text_end(&text));
}

static const struct sql_field *find_hidden(struct sql_context *x, const struct sql_node *node,
                                           const struct sql_scope *scope, const char *const *parts,
                                           size_t count)
{
    const struct sql_field *found = NULL;
    for (size_t i = 0; i < scope->fields.hidden_count; i++) {
        if (!matches(&scope->fields.hidden[i], parts, count))
            continue;
        if (found)
            sql_fail_at(x->c, node, "AMBIGUOUS_NAME", "Column '%s' is ambiguous",
                        joined(x->c, parts, count));
        found = &scope->fields.hidden[i];
    }
    return found;
}

static const struct sql_field *find_in(struct sql_context *x, const struct sql_node *node,
                                       const struct sql_scope *scope, const char *const *parts,
                                       size_t count)
{
    const struct sql_field *found = NULL;
    for (size_t i = 0; i < scope->fields.count; i++) {
        if (!matches(&scope->fields.list[i], parts, count))
            continue;
        if (found)
            sql_fail_at(x->c, node, "AMBIGUOUS_NAME", "Column '%s' is ambiguous",
                        joined(x->c, parts, count));
        found = &scope->fields.list[i];
    }
    return found ? found : find_hidden(x, node, scope, parts, count);
}

static bool is_column_in(const struct sql_scope *scope, const char *const *parts, size_t count)
{
    for (size_t i = 0; i < scope->fields.count; i++)
        if (matches(&scope->fields.list[i], parts, count))
            return true;
    return false;
}

/* Some first names of it are a column of this scope: then no scope around is asked. */
static bool begins_column(const struct sql_scope *scope, const char *const *parts, size_t count)
{
    for (size_t size = count; size; size--)
        if (is_column_in(scope, parts, size))
            return true;
    return false;
}

const struct sql_field *sql_find_field(struct sql_context *x, const struct sql_node *node,
                                       const char *const *parts, size_t count,
                                       const struct sql_scope **found)
{
    for (const struct sql_scope *scope = x->scope; scope; scope = scope->outer) {
        const struct sql_field *field = find_in(x, node, scope, parts, count);
        *found = scope;
        if (field || begins_column(scope, parts, count))
            return field;
    }
    return NULL;
}

bool sql_is_column(const struct sql_context *x, const char *const *parts, size_t count)
{
    for (const struct sql_scope *scope = x->scope; scope; scope = scope->outer)
        if (begins_column(scope, parts, count))
            return true;
    return false;
}

void sql_use_field(const struct sql_field *field)
{
    if (field->table)
        field->table->used[field->column] = true;
}
