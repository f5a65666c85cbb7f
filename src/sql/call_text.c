/* A row's text with its marks filled in. */
#include "sql/call.h"

#include "sql/type_kinds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void put_arguments(struct sql_filling *filling, struct sql_text *text, size_t from)
{
    for (size_t i = from; i < filling->call->count; i++)
        sql_text_printf(text, "%s%s", i > from ? ", " : "", filling->call->values[i].text);
}

static const struct sql_type *named_type(struct sql_filling *filling, const char *name, size_t size)
{
    if (size == 1 && *name == 'r' && !sql_signature_variable(filling->signature, name, size))
        return filling->result;
    if (size == 1 && isdigit((unsigned char)*name)) {
        size_t index = (size_t)(*name - '1');
        return index < filling->call->count ? filling->call->values[index].type
                                            : sql_type_plain(SQL_UNKNOWN);
    }
    const struct sql_variable *variable = sql_signature_variable(filling->signature, name, size);
    return variable && variable->type_variable ? variable->type : NULL;
}

static bool put_session(struct sql_filling *filling, struct sql_text *text, const char *name,
                        size_t size)
{
    const struct sql_catalog *catalog = filling->call->x->c->catalog;
    if (size == 4 && strncmp(name, "zone", 4) == 0)
        sql_text_quote(text, catalog->zone ? catalog->zone : "UTC", '\'');
    else if (size == 4 && strncmp(name, "user", 4) == 0)
        sql_text_quote(text, catalog->user ? catalog->user : "lathe", '\'');
    else if (size == 3 && strncmp(name, "now", 3) == 0)
        sql_text_printf(text, "make_timestamp(%lld::BIGINT)",
                        (long long)(catalog->now * 1e3) * 1000);
    else
        return false;
    return true;
}

/* ${...}: returns the bytes after the brace that it took. */
static size_t put_braces(struct sql_filling *filling, struct sql_text *text, const char *at)
{
    size_t size = strcspn(at, "}");
    bool quoted = *at == '\'';
    const struct sql_type *type = named_type(filling, at + quoted, size - quoted);
    const struct sql_variable *variable = sql_signature_variable(filling->signature, at, size);
    if (type && quoted)
        sql_text_quote(text, sql_type_write(text->arena, type), '\'');
    else if (type)
        sql_text_put(text, sql_type_duckdb(text->arena, type));
    else if (variable)
        sql_text_printf(text, "%ld", variable->number);
    else
        put_session(filling, text, at, size);
    return at[size] ? size + 1 : size;
}

/* What stands behind a dollar; returns its bytes. */
static size_t put_marked(struct sql_filling *filling, struct sql_text *text, const char *at)
{
    struct sql_function_call *call = filling->call;
    if (*at == '{')
        return 1 + put_braces(filling, text, at + 1);
    if (*at == '*') {
        put_arguments(filling, text, 0);
        return 1;
    }
    if (isdigit((unsigned char)*at)) {
        size_t index = (size_t)(*at - '1');
        if (at[1] == '*') {
            put_arguments(filling, text, index);
            return 2;
        }
        sql_text_put(text, index < call->count ? call->values[index].text : "");
        return 1;
    }
    sql_text_put(text, *at == 'd'   ? filling->distinct
                       : *at == 'o' ? filling->order
                       : *at == 'f' ? filling->filter
                       : *at == 'n' ? filling->nulls
                                    : "$");
    return 1;
}

struct sql_value sql_call_text(struct sql_filling *filling)
{
    struct sql_text text = {.arena = &filling->call->x->c->arena};
    const char *at = filling->signature->function->text;
    while (*at) {
        size_t plain = strcspn(at, "$");
        sql_text_add(&text, at, plain);
        at += plain;
        if (*at)
            at += 1 + put_marked(filling, &text, at + 1);
        if (text.size > (16 << 20))
            sql_fail_at(filling->call->x->c, filling->call->node, "NOT_SUPPORTED",
                        "statement is too large");
    }
    return sql_write(filling->call->x, filling->result, "%s", sql_text_end(&text));
}

const struct sql_type *sql_call_result(struct sql_function_call *call,
                                       const struct sql_signature *signature)
{
    const struct sql_type *type = sql_signature_type(call->x->c, signature, signature->result);
    return type ? type : sql_type_plain(SQL_UNKNOWN);
}
