/* Calls: the row that a call means by its arguments' types, and its text. */
#include "sql/scope.h"

#include "sql/coerce.h"
#include "sql/function.h"
#include "sql/signature.h"
#include "sql/type_kinds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OVERLOADS = 64 };

struct call {
    struct sql_context *x;
    const struct sql_node *node;
    const char *name;
    struct sql_value *values; /* a lambda's type is NULL until it is bound */
    const struct sql_type **types;
    struct sql_node **lambdas; /* NULL where an argument is none */
    size_t count;
    const struct sql_function *rows[MOST_OVERLOADS];
    size_t row_count;
};

static void find_rows(struct call *call)
{
    for (size_t i = 0; sql_function_families[i]; i++)
        for (const struct sql_function *row = sql_function_families[i]; row->name; row++)
            if (strcmp(row->name, call->name) == 0 && call->row_count < MOST_OVERLOADS)
                call->rows[call->row_count++] = row;
}

static bool is_operator(const struct call *call)
{
    return call->row_count && call->rows[0]->flags & SQL_HIDDEN;
}

/* --- which row --- */

static const struct sql_type *pack_type(struct call *call, const struct sql_signature *signature,
                                        const struct sql_pattern *pattern)
{
    return sql_signature_type(call->x->c, signature, pattern);
}

static const struct sql_local *bind_parameters(struct call *call, struct sql_signature *signature,
                                               const struct sql_pattern *pattern,
                                               struct sql_node *lambda)
{
    const struct sql_local *locals = call->x->locals;
    for (size_t i = 0; i + 1 < lambda->count; i++) {
        struct sql_local *local = sql_take(call->x->c, 1, sizeof *local);
        local->next = locals;
        local->name = lambda->parts[i]->text;
        local->text = sql_printf(&call->x->c->arena, "l%zu", ++call->x->c->names);
        local->type = pack_type(call, signature, pattern->parts[i]);
        locals = local->type ? local : locals;
    }
    return locals;
}

static const char *lambda_text(struct call *call, const struct sql_local *locals, size_t count,
                               const char *body)
{
    struct sql_text names = {.arena = &call->x->c->arena};
    const char *given[32];
    for (size_t i = count; i-- > 0; locals = locals->next)
        given[i] = locals->text;
    for (size_t i = 0; i < count; i++)
        sql_text_printf(&names, "%s%s", i ? ", " : "", given[i]);
    return sql_printf(&call->x->c->arena, "lambda %s: %s", sql_text_end(&names), body);
}

/* The body's type is the result's, or widens it. Returns false where the row does not take it. */
static bool bind_lambda(struct call *call, struct sql_signature *signature, size_t index)
{
    const struct sql_pattern *pattern = sql_signature_parameter(signature, index);
    struct sql_node *lambda = call->lambdas[index];
    size_t count = lambda->count - 1;
    if (pattern->count != count + 1)
        sql_fail_at(call->x->c, lambda, "INVALID_PARAMETER_USAGE",
                    "Expected a lambda that takes %zu argument(s) but got %zu", pattern->count - 1,
                    count);
    struct sql_context inner = *call->x;
    inner.in_lambda = true;
    inner.locals = bind_parameters(call, signature, pattern, lambda);
    struct sql_value body = sql_expression(&inner, lambda->parts[count]);
    const struct sql_pattern *result = pattern->parts[count];
    if (!sql_signature_unify(call->x->c, signature, result, body.type, true))
        return false;
    const struct sql_type *type = pack_type(call, signature, result);
    if (!type || !sql_coercible(&call->x->c->arena, body.type, type))
        return false;
    body = sql_cast(call->x->c, body, type);
    call->values[index].text = lambda_text(call, inner.locals, count, body.text);
    return true;
}

static bool bind_lambdas(struct call *call, struct sql_signature *signature)
{
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < call->count; i++)
            if (call->lambdas[i] && !bind_lambda(call, signature, i))
                return false;
    return true;
}

static bool has_lambda(const struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (call->lambdas[i])
            return true;
    return false;
}

static struct sql_signature *try_row(struct call *call, const struct sql_function *row, bool coerce)
{
    struct sql_signature *signature = sql_signature_read(call->x->c, row);
    if (!sql_signature_bind(call->x->c, signature, call->types, call->count, coerce))
        return NULL;
    return signature;
}

static const struct sql_type *formal(struct call *call, const struct sql_signature *signature,
                                     size_t index)
{
    const struct sql_type *type =
        pack_type(call, signature, sql_signature_parameter(signature, index));
    return type ? type : call->types[index];
}

/* What a takes could be given to b, too. */
static bool more_specific(struct call *call, const struct sql_signature *a,
                          const struct sql_signature *b)
{
    const struct sql_type **types = sql_take(call->x->c, call->count, sizeof *types);
    for (size_t i = 0; i < call->count; i++)
        types[i] = call->types[i] ? formal(call, a, i) : NULL;
    struct sql_signature *fresh = sql_signature_read(call->x->c, b->function);
    return sql_signature_bind(call->x->c, fresh, types, call->count, true);
}

static size_t keep_specific(struct call *call, struct sql_signature **found, size_t count)
{
    size_t kept = 0;
    struct sql_signature *all[MOST_OVERLOADS];
    memcpy(all, found, count * sizeof(struct sql_signature *));
    for (size_t i = 0; i < count; i++) {
        bool beaten = false;
        for (size_t j = 0; j < count && !beaten; j++)
            beaten = j != i && more_specific(call, all[j], all[i]) &&
                     (!more_specific(call, all[i], all[j]) || j < i);
        if (!beaten)
            found[kept++] = all[i];
    }
    return kept;
}

/* Those whose types differ from the arguments' only where these are NULL. */
static size_t keep_unknown_only(struct call *call, struct sql_signature **found, size_t count)
{
    size_t kept = 0;
    struct sql_signature *all[MOST_OVERLOADS];
    memcpy(all, found, count * sizeof(struct sql_signature *));
    for (size_t i = 0; i < count; i++) {
        bool only = true;
        for (size_t j = 0; j < call->count && only; j++)
            only = !call->types[j] || call->types[j]->kind == SQL_UNKNOWN ||
                   sql_type_same(formal(call, all[i], j), call->types[j]);
        if (only)
            found[kept++] = all[i];
    }
    if (!kept)
        memcpy(found, all, count * sizeof(struct sql_signature *));
    return kept ? kept : count;
}

static bool same_results(struct call *call, struct sql_signature **found, size_t count)
{
    const struct sql_type *first = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct sql_type *type = pack_type(call, found[i], found[i]->result);
        if (!type || (first && !sql_type_same(first, type)))
            return false;
        first = type;
    }
    return true;
}

static _Noreturn void refuse_ambiguous(struct call *call, struct sql_signature **found,
                                       size_t count)
{
    struct sql_text text = {.arena = &call->x->c->arena};
    for (size_t i = 0; i < count; i++)
        sql_text_printf(&text, "\n\t * %s", sql_signature_text(call->x->c, found[i]));
    sql_fail_at(call->x->c, call->node, "AMBIGUOUS_FUNCTION_CALL",
                "Could not choose a best candidate operator. Explicit type casts must be added.\n"
                "Candidates are:%s",
                sql_text_end(&text));
}

static struct sql_signature *choose(struct call *call, struct sql_signature **found, size_t count)
{
    if (count < 2)
        return count ? found[0] : NULL;
    count = keep_specific(call, found, count);
    if (count > 1)
        count = keep_unknown_only(call, found, count);
    if (count == 1 || same_results(call, found, count))
        return found[0];
    refuse_ambiguous(call, found, count);
}

static struct sql_signature *resolve(struct call *call)
{
    struct sql_signature *found[MOST_OVERLOADS];
    for (int pass = 0; pass < 3; pass++) {
        size_t count = 0;
        for (size_t i = 0; i < call->row_count; i++) {
            struct sql_signature *signature = try_row(call, call->rows[i], pass == 2);
            if (signature && (pass == 2 || signature->generic == (pass == 1)))
                found[count++] = signature;
        }
        if (count && pass < 2)
            return found[0];
        if (count)
            return choose(call, found, count);
    }
    return NULL;
}

/* --- why none --- */

static void put_type_tight(struct sql_text *text, const struct sql_type *type)
{
    const char *said = type ? sql_type_write(text->arena, type) : "function(?,?)";
    for (const char *c = said; *c; c++)
        if (!(*c == ' ' && c > said && c[-1] == ','))
            sql_text_add(text, c, 1);
}

static _Noreturn void refuse_operator(struct call *call)
{
    struct sql_text text = {.arena = &call->x->c->arena};
    bool sign = strcmp(call->name, "negate") == 0;
    if (call->count == 1)
        sql_text_printf(&text, "%s%s", sign ? "-" : call->name,
                        sql_type_write(text.arena, call->types[0]));
    else
        sql_text_printf(&text, "%s %s %s", sql_type_write(text.arena, call->types[0]), call->name,
                        sql_type_write(text.arena, call->types[1]));
    sql_fail_at(call->x->c, call->node, "TYPE_MISMATCH", "Cannot apply operator: %s",
                sql_text_end(&text));
}

static _Noreturn void refuse(struct call *call)
{
    if (is_operator(call))
        refuse_operator(call);
    struct sql_text text = {.arena = &call->x->c->arena}, said = {.arena = &call->x->c->arena};
    for (size_t i = 0; i < call->count; i++) {
        sql_text_put(&text, i ? ", " : "");
        put_type_tight(&text, call->types[i]);
    }
    for (size_t i = 0; i < call->row_count; i++)
        if (!(call->rows[i]->flags & SQL_UNNAMED))
            sql_text_printf(
                &said, "%s%s", said.size ? ", " : "",
                sql_signature_text(call->x->c, sql_signature_read(call->x->c, call->rows[i])));
    sql_fail_at(call->x->c, call->node, "FUNCTION_NOT_FOUND",
                "Unexpected parameters (%s) for function %s. Expected: %s", sql_text_end(&text),
                call->name, sql_text_end(&said));
}

/* --- the text --- */

struct filling {
    struct call *call;
    const struct sql_signature *signature;
    const struct sql_type *result;
    const char *distinct, *order, *filter;
};

static void put_arguments(struct filling *filling, struct sql_text *text, size_t from)
{
    for (size_t i = from; i < filling->call->count; i++)
        sql_text_printf(text, "%s%s", i > from ? ", " : "", filling->call->values[i].text);
}

static const struct sql_type *named_type(struct filling *filling, const char *name, size_t size)
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

static bool put_session(struct filling *filling, struct sql_text *text, const char *name,
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
static size_t put_braces(struct filling *filling, struct sql_text *text, const char *at)
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
static size_t put_marked(struct filling *filling, struct sql_text *text, const char *at)
{
    struct call *call = filling->call;
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
                                    : "$");
    return 1;
}

static struct sql_value fill(struct filling *filling)
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

static void coerce_arguments(struct call *call, const struct sql_signature *signature)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct sql_type *type =
            call->lambdas[i] ? NULL
                             : pack_type(call, signature, sql_signature_parameter(signature, i));
        if (type)
            call->values[i] = sql_cast(call->x->c, call->values[i], type);
    }
}

static struct sql_signature *bind(struct call *call)
{
    struct sql_signature *signature = resolve(call);
    if (!signature || (has_lambda(call) && !bind_lambdas(call, signature)))
        refuse(call);
    if (!signature->function->text)
        sql_fail_at(call->x->c, call->node, "NOT_SUPPORTED", "Function '%s' is not supported",
                    call->name);
    sql_signature_compute(call->x->c, signature);
    coerce_arguments(call, signature);
    return signature;
}

static const struct sql_type *result_type(struct call *call, const struct sql_signature *signature)
{
    const struct sql_type *type = pack_type(call, signature, signature->result);
    return type ? type : sql_type_plain(SQL_UNKNOWN);
}

static void take_arguments(struct call *call, struct sql_context *x, struct sql_node *const *nodes)
{
    for (size_t i = 0; i < call->count; i++) {
        bool lambda = nodes[i] && nodes[i]->kind == NODE_LAMBDA;
        call->lambdas[i] = lambda ? nodes[i] : NULL;
        if (!lambda)
            call->values[i] = sql_expression(x, nodes[i]);
        call->types[i] = lambda ? NULL : call->values[i].type;
    }
}

static struct call new_call(struct sql_context *x, const struct sql_node *node, const char *name,
                            size_t count)
{
    struct call call = {.x = x, .node = node, .name = name, .count = count};
    call.values = sql_take(x->c, count, sizeof *call.values);
    call.types = sql_take(x->c, count, sizeof *call.types);
    call.lambdas = sql_take(x->c, count, sizeof *call.lambdas);
    find_rows(&call);
    return call;
}

struct sql_value sql_call_values(struct sql_context *x, const struct sql_node *node,
                                 const char *name, struct sql_value *values, size_t count)
{
    struct call call = new_call(x, node, name, count);
    if (!call.row_count)
        sql_fail_at(x->c, node, "FUNCTION_NOT_FOUND", "Function '%s' not registered", name);
    for (size_t i = 0; i < count; i++) {
        call.values[i] = values[i];
        call.types[i] = values[i].type;
    }
    const struct sql_signature *signature = bind(&call);
    struct filling filling = {&call, signature, result_type(&call, signature), "", "", ""};
    return fill(&filling);
}

/* --- aggregates and windows --- */

static void refuse_nesting(struct sql_context *x, const struct sql_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct sql_node *nested =
            node->parts[i] ? sql_scan_first(x->c, node->parts[i], SCAN_AGGREGATE) : NULL;
        if (nested)
            sql_fail_at(x->c, node, "NESTED_AGGREGATION",
                        "Cannot nest aggregations inside aggregation '%s': [%s]", node->text,
                        sql_node_text(&x->c->arena, nested));
        nested = node->parts[i] ? sql_scan_first(x->c, node->parts[i], SCAN_WINDOW) : NULL;
        if (nested)
            sql_fail_at(x->c, node, "NESTED_WINDOW",
                        "Cannot nest window functions inside aggregation '%s': [%s]", node->text,
                        sql_node_text(&x->c->arena, nested));
    }
}

static const char *filter_text(struct sql_context *x, struct sql_node *node)
{
    if (!node->filter)
        return "";
    return sql_printf(&x->c->arena, " FILTER (WHERE %s)",
                      sql_condition(x, node->filter, "Filter expression").text);
}

static size_t argument_count(const struct sql_node *node)
{
    return node->flags & NODE_COUNT_STAR ? 0 : node->count;
}

static struct sql_value aggregate_value(struct sql_context *x, struct sql_node *node,
                                        const char *over)
{
    struct call call = new_call(x, node, node->text, argument_count(node));
    take_arguments(&call, x, node->parts);
    const struct sql_signature *signature = bind(&call);
    struct filling filling = {&call,
                              signature,
                              result_type(&call, signature),
                              node->flags & NODE_DISTINCT ? "DISTINCT " : "",
                              sql_order(x, node->sorts, node->sort_count),
                              ""};
    filling.filter = sql_printf(&x->c->arena, "%s%s", filter_text(x, node), over);
    if (node->flags & NODE_DISTINCT && call.count && !sql_type_comparable(call.values[0].type))
        sql_fail_at(x->c, node, "TYPE_MISMATCH",
                    "DISTINCT can only be applied to comparable types (actual: %s)",
                    sql_type_write(&x->c->arena, call.values[0].type));
    return fill(&filling);
}

/* The aggregate's column of the grouped query below. */
static struct sql_value aggregate_column(struct sql_context *x, struct sql_value value)
{
    struct sql_aggregation *groups = x->aggregation;
    size_t found = 0;
    while (found < groups->call_count && strcmp(groups->calls[found].text, value.text) != 0)
        found++;
    if (found == groups->call_count) {
        groups->calls = sql_push(x->c, groups->calls, &groups->call_count, sizeof *groups->calls);
        groups->calls[found] = value;
    }
    return sql_write(x, value.type, "%s.a%zu", groups->relation, found + 1);
}

static struct sql_value aggregate(struct sql_context *x, struct sql_node *node)
{
    if (!x->aggregation)
        sql_fail_at(x->c, x->top ? x->top : node, "EXPRESSION_NOT_SCALAR",
                    "%s cannot contain aggregations, window functions or grouping operations: [%s]",
                    x->clause ? x->clause : "Expression", sql_node_text(&x->c->arena, node));
    if (x->in_lambda)
        sql_fail_at(x->c, node, "EXPRESSION_NOT_SCALAR",
                    "Lambda expression cannot contain aggregations, window functions or grouping "
                    "operations: [%s]",
                    sql_node_text(&x->c->arena, node));
    refuse_nesting(x, node);
    struct sql_context source = *x;
    source.aggregation = NULL;
    source.outputs = NULL;
    source.clause = "Aggregate function";
    return aggregate_column(x, aggregate_value(&source, node, ""));
}

static void refuse_nested_windows(struct sql_context *x, const struct sql_node *node)
{
    const struct sql_node *nested = NULL;
    for (size_t i = 0; i < node->window->partition_count && !nested; i++)
        nested = sql_scan_first(x->c, node->window->partition[i], SCAN_WINDOW);
    for (size_t i = 0; i < node->window->sort_count && !nested; i++)
        nested = sql_scan_first(x->c, node->window->sorts[i].key, SCAN_WINDOW);
    if (nested)
        sql_fail_at(x->c, nested, "NESTED_WINDOW",
                    "Cannot nest window functions or row pattern measures inside window "
                    "specification");
}

static struct sql_value window(struct sql_context *x, struct sql_node *node)
{
    refuse_nested_windows(x, node);
    if (node->filter && x->body)
        sql_fail_at(x->c, x->body, "NOT_SUPPORTED",
                    "FILTER is not yet supported for window functions");
    const struct sql_node *nested = NULL;
    for (size_t i = 0; i < node->count && !nested; i++)
        nested = sql_scan_first(x->c, node->parts[i], SCAN_WINDOW);
    if (nested)
        sql_fail_at(x->c, nested, "NESTED_WINDOW",
                    "Cannot nest window functions or row pattern measures inside window function "
                    "arguments");
    if (x->clause || x->in_lambda)
        sql_fail_at(x->c, x->top ? x->top : node, "EXPRESSION_NOT_SCALAR",
                    "%s cannot contain aggregations, window functions or grouping operations: [%s]",
                    x->clause ? x->clause : "Lambda expression", sql_node_text(&x->c->arena, node));
    if (node->flags & NODE_DISTINCT)
        sql_fail_at(x->c, node, "NOT_SUPPORTED",
                    "DISTINCT in window function parameters not yet supported: %s",
                    sql_node_text(&x->c->arena, node));
    return aggregate_value(x, node, sql_over(x, node));
}

static enum sql_function_kind kind_of(const struct call *call)
{
    return call->rows[0]->kind;
}

static void refuse_extras(struct sql_context *x, const struct sql_node *node,
                          enum sql_function_kind kind)
{
    if (kind == SQL_WINDOW && !node->window)
        sql_fail_at(x->c, node, "MISSING_OVER", "Window function %s requires an OVER clause",
                    node->text);
    if (kind == SQL_SCALAR && node->window)
        sql_fail_at(x->c, node, "FUNCTION_NOT_WINDOW", "Not a window function: %s", node->text);
    if (kind == SQL_SCALAR && node->filter)
        sql_fail_at(x->c, node, "FUNCTION_NOT_AGGREGATE",
                    "Filter is only valid for aggregation functions");
    if (kind == SQL_SCALAR && node->flags & NODE_DISTINCT)
        sql_fail_at(x->c, node, "FUNCTION_NOT_AGGREGATE",
                    "DISTINCT is not supported for non-aggregation functions");
    if (kind == SQL_SCALAR && node->sort_count)
        sql_fail_at(x->c, node, "FUNCTION_NOT_AGGREGATE",
                    "ORDER BY is only valid for aggregation functions");
}

struct sql_value sql_call(struct sql_context *x, struct sql_node *node)
{
    static const char *const FORMS[] = {"coalesce", "if", "nullif", "try"};
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (strcmp(node->text, FORMS[i]) == 0)
            return sql_special(x, node);
    struct call call = new_call(x, node, node->text, argument_count(node));
    if (!call.row_count || is_operator(&call))
        sql_fail_at(x->c, node, "FUNCTION_NOT_FOUND", "Function '%s' not registered", node->text);
    if (node->flags & NODE_COUNT_STAR && strcmp(node->text, "count") != 0)
        sql_fail_at(x->c, node, "FUNCTION_NOT_FOUND",
                    "Unexpected parameters () for function %s. Expected: %s", node->text,
                    sql_signature_text(x->c, sql_signature_read(x->c, call.rows[0])));
    refuse_extras(x, node, kind_of(&call));
    if (node->window)
        return window(x, node);
    if (kind_of(&call) == SQL_AGGREGATE)
        return aggregate(x, node);
    take_arguments(&call, x, node->parts);
    const struct sql_signature *signature = bind(&call);
    struct filling filling = {&call, signature, result_type(&call, signature), "", "", ""};
    return fill(&filling);
}
