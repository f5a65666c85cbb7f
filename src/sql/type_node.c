/* From a type as it was parsed to the type that it names. */
#include "sql/resolve_type.h"

#include "sql/type_kinds.h"

#include <stdlib.h>
#include <string.h>

static _Noreturn void unknown(struct sql_compiler *c, const struct sql_node *node)
{
    sql_fail_at(c, node, "TYPE_MISMATCH", "Unknown type: %s", sql_node_text(&c->arena, node));
}

/* The number in brackets, or what stands for none. */
static int number(struct sql_compiler *c, const struct sql_node *node, size_t index, int without)
{
    if (index >= node->count)
        return without;
    if (node->parts[index]->kind != NODE_INTEGER || strlen(node->parts[index]->text) > 9)
        unknown(c, node);
    return atoi(node->parts[index]->text);
}

static const struct sql_type *decimal(struct sql_compiler *c, const struct sql_node *node)
{
    int precision = number(c, node, 0, SQL_PRECISION_MOST), scale = number(c, node, 1, 0);
    if (precision < 1 || precision > SQL_PRECISION_MOST || node->count > 2)
        sql_fail(c, 0, 0, "INVALID_FUNCTION_ARGUMENT",
                 "DECIMAL precision must be in range [1, %d]: %d", SQL_PRECISION_MOST, precision);
    if (scale > precision)
        sql_fail(c, 0, 0, "INVALID_FUNCTION_ARGUMENT",
                 "DECIMAL scale must be in range [0, precision (%d)]: %d", precision, scale);
    return sql_type_sized(&c->arena, SQL_DECIMAL, precision, scale);
}

static const struct sql_type *text(struct sql_compiler *c, const struct sql_node *node,
                                   enum sql_type_kind kind)
{
    int length = number(c, node, 0, kind == SQL_CHAR ? 1 : SQL_UNBOUNDED);
    if (kind == SQL_CHAR && length > 65536)
        sql_fail_at(c, node, "INVALID_FUNCTION_ARGUMENT",
                    "CHAR length must be in range [0, 65536], got %d", length);
    return sql_type_sized(&c->arena, kind, length, 0);
}

static const struct sql_type *clock(struct sql_compiler *c, const struct sql_node *node,
                                    enum sql_type_kind kind)
{
    int precision = number(c, node, 0, 3);
    const char *name = kind == SQL_TIME || kind == SQL_TIME_ZONED ? "TIME" : "TIMESTAMP";
    if (precision > 12)
        sql_fail_at(c, node, "TYPE_MISMATCH", "Unknown type: %s",
                    sql_lower(&c->arena, sql_node_text(&c->arena, node)));
    if (precision > 6)
        sql_fail_at(c, node, "NOT_SUPPORTED", "%s precision of more than 6 digits is not supported",
                    name);
    return sql_type_sized(&c->arena, kind, precision, 0);
}

static const struct sql_type *parts(struct sql_compiler *c, const struct sql_node *node,
                                    enum sql_type_kind kind, size_t count)
{
    const struct sql_type *types[2];
    if (node->count != count)
        unknown(c, node);
    for (size_t i = 0; i < count; i++)
        types[i] = sql_resolve_type(c, node->parts[i]);
    return sql_type_of_parts(&c->arena, kind, count, types, NULL);
}

static const struct sql_type *row(struct sql_compiler *c, const struct sql_node *node)
{
    const struct sql_type **types = sql_take(c, node->count, sizeof *types);
    const char **names = sql_take(c, node->count, sizeof *names);
    for (size_t i = 0; i < node->count; i++) {
        const struct sql_node *field = node->parts[i];
        if (field->kind != NODE_SUBFIELD)
            unknown(c, node);
        types[i] = sql_resolve_type(c, field->parts[0]);
        names[i] = !field->text                 ? NULL
                   : field->flags & NODE_QUOTED ? field->text
                                                : sql_lower(&c->arena, field->text);
    }
    return sql_type_of_parts(&c->arena, SQL_ROW, node->count, types, names);
}

static const struct sql_type *plain(struct sql_compiler *c, const struct sql_node *node)
{
    const char *name = strcmp(node->text, "int") == 0 ? "integer" : node->text;
    for (int kind = SQL_UNKNOWN; kind <= SQL_JSONPATH; kind++) {
        bool sized = kind >= SQL_DECIMAL && kind <= SQL_CHAR;
        if (!sized && strcmp(sql_type_kinds[kind].name, name) == 0 && !node->count)
            return sql_type_plain(kind);
    }
    static const char *const REFUSED[] = {"hyperloglog", "p4hyperloglog", "qdigest", "tdigest",
                                          "setdigest",   "color",         "geometry"};
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (strcmp(REFUSED[i], name) == 0)
            sql_fail_at(c, node, "NOT_SUPPORTED", "type %s is not supported", name);
    unknown(c, node);
}

const struct sql_type *sql_resolve_type(struct sql_compiler *c, const struct sql_node *node)
{
    bool zoned = node->flags & NODE_QUOTED;
    const char *name = node->kind == NODE_TYPE ? node->text : "";
    if (strcmp(name, "decimal") == 0 || strcmp(name, "dec") == 0)
        return decimal(c, node);
    if (strcmp(name, "varchar") == 0 || strcmp(name, "char") == 0)
        return text(c, node, *name == 'c' ? SQL_CHAR : SQL_VARCHAR);
    if (strcmp(name, "timestamp") == 0)
        return clock(c, node, zoned ? SQL_TIMESTAMP_ZONED : SQL_TIMESTAMP);
    if (strcmp(name, "time") == 0)
        return clock(c, node, zoned ? SQL_TIME_ZONED : SQL_TIME);
    if (strcmp(name, "array") == 0)
        return parts(c, node, SQL_ARRAY, 1);
    if (strcmp(name, "map") == 0)
        return parts(c, node, SQL_MAP, 2);
    if (strcmp(name, "row") == 0 && node->count)
        return row(c, node);
    return plain(c, node);
}

const struct sql_type *sql_type_read(struct arena *arena, const char *text_of_type)
{
    struct sql_error error;
    struct sql_compiler c = {.arena = *arena, .error = &error};
    const struct sql_type *volatile type = NULL;
    if (setjmp(c.out) == 0)
        type = sql_resolve_type(&c, sql_parse_type_text(&c, text_of_type));
    *arena = c.arena;
    return type;
}
