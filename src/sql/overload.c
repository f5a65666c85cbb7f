/* Which overload a call means: Trino's three rounds (exact, exact with type variables, with
 * coercions), the most specific of several, lambdas by their bodies. */
#include "sql/call.h"

#include "sql/coerce.h"
#include "sql/type_kinds.h"

#include <string.h>

bool sql_call_is_operator(const struct sql_function_call *call)
{
    return call->row_count && call->rows[0]->flags & SQL_HIDDEN;
}

static const struct sql_type *pack_type(struct sql_function_call *call,
                                        const struct sql_signature *signature,
                                        const struct sql_pattern *pattern)
{
    return sql_signature_type(call->x->c, signature, pattern);
}

/* A lambda as it is written: its parameters are its own, or parts of the structs that it is called
 * with. */
struct lambda_form {
    const char *names[2]; /* DuckDB's parameters */
    size_t name_count;
    bool fold, entries;
};

static struct lambda_form lambda_form(struct sql_function_call *call,
                                      const struct sql_signature *signature, size_t index)
{
    struct lambda_form form = {.entries = signature->function->flags & SQL_ENTRIES};
    bool first = true;
    for (size_t i = 0; i < index; i++)
        first = first && !call->lambdas[i];
    form.fold = first && signature->function->flags & SQL_FOLD;
    form.name_count = form.fold ? 2 : form.entries ? 1 : 0;
    for (size_t i = 0; i < form.name_count; i++)
        form.names[i] = sql_printf(&call->x->c->arena, "l%zu", ++call->x->c->names);
    return form;
}

static const char *parameter_text(struct sql_function_call *call, const struct lambda_form *form,
                                  size_t index)
{
    static const char *const ENTRY[] = {"key", "value", "other"};
    struct arena *arena = &call->x->c->arena;
    if (form->fold)
        return sql_printf(arena, "%s.%s", form->names[index], index ? "x" : "s");
    if (form->entries)
        return sql_printf(arena, "%s.%s", form->names[0], ENTRY[index]);
    return sql_printf(arena, "l%zu", ++call->x->c->names);
}

static const struct sql_local *bind_parameters(struct sql_function_call *call,
                                               struct sql_signature *signature,
                                               const struct sql_pattern *pattern,
                                               struct sql_node *lambda,
                                               const struct lambda_form *form)
{
    const struct sql_local *locals = call->x->locals;
    for (size_t i = 0; i + 1 < lambda->count; i++) {
        struct sql_local *local = sql_take(call->x->c, 1, sizeof *local);
        local->next = locals;
        local->name = lambda->parts[i]->text;
        local->text = parameter_text(call, form, i);
        local->type = pack_type(call, signature, pattern->parts[i]);
        locals = local->type ? local : locals;
    }
    return locals;
}

static const char *lambda_text(struct sql_function_call *call, const struct lambda_form *form,
                               const struct sql_local *locals, size_t count, const char *body)
{
    struct arena *arena = &call->x->c->arena;
    const char *given[SQL_MOST_LAMBDA] = {0};
    struct sql_text names = {.arena = arena};
    for (size_t i = count; i-- > 0; locals = locals->next)
        given[i] = locals->text;
    if (form->fold)
        return sql_printf(arena, "lambda %s, %s: {'s': %s, 'x': NULL}", form->names[0],
                          form->names[1], body);
    if (form->entries)
        return sql_printf(arena, "lambda %s: %s", form->names[0], body);
    for (size_t i = 0; i < count; i++)
        sql_text_printf(&names, "%s%s", i ? ", " : "", given[i]);
    return sql_printf(arena, "lambda %s: %s", sql_text_end(&names), body);
}

/* The body's type is the result's, or widens it. Returns false where the row does not take it. */
static bool bind_lambda(struct sql_function_call *call, struct sql_signature *signature,
                        size_t index)
{
    const struct sql_pattern *pattern = sql_signature_parameter(signature, index);
    struct sql_node *lambda = call->lambdas[index];
    size_t count = lambda->count - 1;
    if (pattern->count != count + 1)
        sql_fail_at(call->x->c, lambda, "INVALID_PARAMETER_USAGE",
                    "Expected a lambda that takes %zu argument(s) but got %zu", pattern->count - 1,
                    count);
    struct lambda_form form = lambda_form(call, signature, index);
    struct sql_context inner = *call->x;
    inner.in_lambda = true;
    inner.locals = bind_parameters(call, signature, pattern, lambda, &form);
    struct sql_value body = sql_expression(&inner, lambda->parts[count]);
    const struct sql_pattern *result = pattern->parts[count];
    if (!sql_signature_unify(call->x->c, signature, result, body.type, true))
        return false;
    const struct sql_type *type = pack_type(call, signature, result);
    if (!type || !sql_coercible(&call->x->c->arena, body.type, type))
        return false;
    body = sql_cast(call->x->c, body, type);
    call->values[index].text = lambda_text(call, &form, inner.locals, count, body.text);
    return true;
}

static bool bind_lambdas(struct sql_function_call *call, struct sql_signature *signature)
{
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < call->count; i++)
            if (call->lambdas[i] && !bind_lambda(call, signature, i))
                return false;
    return true;
}

static bool has_lambda(const struct sql_function_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (call->lambdas[i])
            return true;
    return false;
}

static struct sql_signature *try_row(struct sql_function_call *call, const struct sql_function *row,
                                     bool coerce)
{
    struct sql_signature *signature = sql_signature_read(call->x->c, row);
    if (!sql_signature_bind(call->x->c, signature, call->types, call->count, coerce))
        return NULL;
    return signature;
}

static const struct sql_type *formal(struct sql_function_call *call,
                                     const struct sql_signature *signature, size_t index)
{
    const struct sql_type *type =
        pack_type(call, signature, sql_signature_parameter(signature, index));
    return type ? type : call->types[index];
}

/* What a takes could be given to b, too. */
static bool more_specific(struct sql_function_call *call, const struct sql_signature *a,
                          const struct sql_signature *b)
{
    const struct sql_type **types = sql_take(call->x->c, call->count, sizeof *types);
    for (size_t i = 0; i < call->count; i++)
        types[i] = call->types[i] ? formal(call, a, i) : NULL;
    struct sql_signature *fresh = sql_signature_read(call->x->c, b->function);
    return sql_signature_bind(call->x->c, fresh, types, call->count, true);
}

static size_t keep_specific(struct sql_function_call *call, struct sql_signature **found,
                            size_t count)
{
    size_t kept = 0;
    struct sql_signature *all[SQL_MOST_OVERLOADS];
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
static size_t keep_unknown_only(struct sql_function_call *call, struct sql_signature **found,
                                size_t count)
{
    size_t kept = 0;
    struct sql_signature *all[SQL_MOST_OVERLOADS];
    memcpy(all, found, count * sizeof(struct sql_signature *));
    for (size_t i = 0; i < count; i++) {
        bool only = true;
        for (size_t j = 0; j < call->count && only; j++)
            only = !call->types[j] || call->types[j]->kind == SQL_UNKNOWN ||
                   sql_type_same(formal(call, all[i], j), call->types[j]);
        if (only)
            found[kept++] = all[i];
    }
    return kept;
}

static bool same_results(struct sql_function_call *call, struct sql_signature **found, size_t count)
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

static void put_type_tight(struct sql_text *text, const struct sql_type *type)
{
    const char *said = type ? sql_type_write(text->arena, type) : "<function>";
    for (const char *c = said; *c; c++)
        if (!(*c == ' ' && c > said && c[-1] == ','))
            sql_text_add(text, c, 1);
}

static _Noreturn void refuse_ambiguous(struct sql_function_call *call, struct sql_signature **found,
                                       size_t count)
{
    struct sql_text text = {.arena = &call->x->c->arena};
    for (size_t i = 0; i < count; i++) {
        sql_text_printf(&text, "\t * %s(", call->name);
        for (size_t j = 0; j < call->count; j++) {
            sql_text_put(&text, j ? "," : "");
            put_type_tight(&text, formal(call, found[i], j));
        }
        sql_text_put(&text, "):");
        put_type_tight(&text, pack_type(call, found[i], found[i]->result));
        sql_text_put(&text, "\n");
    }
    sql_fail_at(call->x->c, call->node, "AMBIGUOUS_FUNCTION_CALL",
                "Could not choose a best candidate operator. Explicit type casts must be added.\n"
                "Candidates are:\n%s",
                sql_text_end(&text));
}

/* The most specific one; else what is coerced from NULL alone; else any where all give the same. */
static struct sql_signature *choose(struct sql_function_call *call, struct sql_signature **found,
                                    size_t count)
{
    struct sql_signature *unknown[SQL_MOST_OVERLOADS];
    if (count < 2)
        return count ? found[0] : NULL;
    memcpy(unknown, found, count * sizeof(struct sql_signature *));
    size_t unknown_count = keep_unknown_only(call, unknown, count);
    count = keep_specific(call, found, count);
    if (count == 1)
        return found[0];
    found = unknown_count ? unknown : found;
    count = unknown_count ? unknown_count : count;
    if (count == 1 || same_results(call, found, count))
        return found[0];
    refuse_ambiguous(call, found, count);
}

static struct sql_signature *resolve(struct sql_function_call *call)
{
    struct sql_signature *found[SQL_MOST_OVERLOADS];
    for (int pass = 0; pass < 3; pass++) {
        size_t count = 0;
        for (size_t i = 0; i < call->row_count; i++) {
            if (call->rows[i]->flags & SQL_FLOATING)
                continue;
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

static _Noreturn void refuse_operator(struct sql_function_call *call)
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

static _Noreturn void refuse(struct sql_function_call *call)
{
    if (sql_call_is_operator(call))
        refuse_operator(call);
    struct sql_text text = {.arena = &call->x->c->arena}, said = {.arena = &call->x->c->arena};
    for (size_t i = 0; i < call->count; i++) {
        sql_text_put(&text, i ? ", " : "");
        put_type_tight(&text, call->types[i]);
    }
    for (size_t i = 0; i < call->row_count; i++)
        if (!(call->rows[i]->flags & (SQL_UNNAMED | SQL_FLOATING)))
            sql_text_printf(
                &said, "%s%s", said.size ? ", " : "",
                sql_signature_text(call->x->c, sql_signature_read(call->x->c, call->rows[i])));
    sql_fail_at(call->x->c, call->node, "FUNCTION_NOT_FOUND",
                "Unexpected parameters (%s) for function %s. Expected: %s", sql_text_end(&text),
                call->name, sql_text_end(&said));
}

/* An array's elements as texts, where they can be cast. */
static struct sql_value as_texts(struct sql_function_call *call, struct sql_value value)
{
    const struct sql_type *varchar = sql_type_plain(SQL_VARCHAR);
    if (!sql_castable(value.type->parts[0], varchar))
        sql_fail_at(call->x->c, call->node, "INVALID_FUNCTION_ARGUMENT",
                    "Input type %s not supported",
                    sql_type_write(&call->x->c->arena, value.type->parts[0]));
    return sql_cast(call->x->c, value,
                    sql_type_of_parts(&call->x->c->arena, SQL_ARRAY, 1, &varchar, NULL));
}

static void coerce_arguments(struct sql_function_call *call, const struct sql_signature *signature)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct sql_type *type =
            call->lambdas[i] ? NULL
                             : pack_type(call, signature, sql_signature_parameter(signature, i));
        if (type)
            call->values[i] = sql_cast(call->x->c, call->values[i], type);
        if (type && type->kind == SQL_ARRAY && signature->function->flags & SQL_TEXTS)
            call->values[i] = as_texts(call, call->values[i]);
    }
}

static bool is_floating(const struct sql_signature *signature)
{
    for (size_t i = 0; i < signature->variable_count; i++) {
        const struct sql_type *type = signature->variables[i].type;
        if (type && (type->kind == SQL_REAL || type->kind == SQL_DOUBLE))
            return true;
    }
    return false;
}

/* The row of the same signature that knows of NaN. */
static void choose_floating(struct sql_function_call *call, struct sql_signature *signature)
{
    if (!is_floating(signature))
        return;
    for (size_t i = 0; i < call->row_count; i++)
        if (call->rows[i]->flags & SQL_FLOATING &&
            strcmp(call->rows[i]->signature, signature->function->signature) == 0)
            signature->function = call->rows[i];
}

struct sql_signature *sql_call_bind(struct sql_function_call *call)
{
    struct sql_signature *signature = resolve(call);
    if (!signature || (has_lambda(call) && !bind_lambdas(call, signature)))
        refuse(call);
    if (!signature->function->text)
        sql_fail_at(call->x->c, call->node, "NOT_SUPPORTED", "Function '%s' is not supported",
                    call->name);
    choose_floating(call, signature);
    sql_signature_compute(call->x->c, signature);
    coerce_arguments(call, signature);
    return signature;
}
