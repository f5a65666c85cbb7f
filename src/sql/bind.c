/* A signature bound to the types of arguments. */
#include "sql/signature.h"

#include "sql/coerce.h"
#include "sql/type_kinds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static struct sql_variable *variable_of(struct sql_signature *signature, const char *name)
{
    const struct sql_variable *found = sql_signature_variable(signature, name, strlen(name));
    return found ? &signature->variables[found - signature->variables] : NULL;
}

static bool allows(const struct sql_variable *variable, const struct sql_type *type)
{
    return (!variable->orderable || sql_type_orderable(type)) &&
           (!variable->comparable || sql_type_comparable(type));
}

static bool bind_type(struct sql_compiler *c, struct sql_variable *variable,
                      const struct sql_type *type, bool coerce)
{
    const struct sql_type *common = variable->type ? NULL : type;
    if (variable->type && coerce)
        common = sql_common_type(&c->arena, variable->type, type);
    else if (variable->type && sql_type_same(variable->type, type))
        common = type;
    if (!common || !allows(variable, common))
        return false;
    variable->type = common;
    return true;
}

static bool bind_number(struct sql_signature *signature, const char *name, long number, bool coerce)
{
    if (isdigit((unsigned char)*name))
        return coerce || strtol(name, NULL, 10) == number;
    struct sql_variable *variable = variable_of(signature, name);
    if (variable->bound && variable->number != number && !coerce)
        return false;
    if (!variable->bound || number > variable->number)
        variable->number = number;
    variable->bound = true;
    return true;
}

/* The numbers that a type has when it is taken for the pattern's kind. */
static const struct sql_type *taken_as(struct sql_compiler *c, const struct sql_pattern *pattern,
                                       const struct sql_type *type, bool coerce)
{
    if (type->kind == pattern->kind)
        return type;
    if (!coerce)
        return NULL;
    if (type->kind == SQL_UNKNOWN)
        return sql_type_sized(&c->arena, pattern->kind, pattern->kind == SQL_DECIMAL, 0);
    struct sql_type least = {.kind = pattern->kind, .precision = pattern->kind == SQL_DECIMAL};
    return sql_coercible(&c->arena, type, sql_type_plain(pattern->kind)) ||
                   pattern->kind == SQL_DECIMAL || pattern->kind == SQL_CHAR
               ? sql_common_type(&c->arena, type, &least)
               : NULL;
}

static bool unify_sized(struct sql_compiler *c, struct sql_signature *signature,
                        const struct sql_pattern *pattern, const struct sql_type *type, bool coerce)
{
    const struct sql_type *taken = taken_as(c, pattern, type, coerce);
    if (!taken || taken->kind != pattern->kind)
        return false;
    if (!bind_number(signature, pattern->numbers[0], taken->precision, coerce))
        return false;
    return pattern->count < 2 || bind_number(signature, pattern->numbers[1], taken->scale, coerce);
}

static bool unify_parts(struct sql_compiler *c, struct sql_signature *signature,
                        const struct sql_pattern *pattern, const struct sql_type *type, bool coerce)
{
    if (type->kind == SQL_UNKNOWN && coerce) {
        for (size_t i = 0; i < pattern->count; i++)
            if (!sql_signature_unify(c, signature, pattern->parts[i], type, coerce))
                return false;
        return true;
    }
    if (type->kind != pattern->kind || type->count != pattern->count)
        return false;
    for (size_t i = 0; i < pattern->count; i++)
        if (!sql_signature_unify(c, signature, pattern->parts[i], type->parts[i], coerce))
            return false;
    return true;
}

bool sql_signature_unify(struct sql_compiler *compiler, struct sql_signature *signature,
                         const struct sql_pattern *pattern, const struct sql_type *type,
                         bool coerce)
{
    if (pattern->any)
        return true;
    if (pattern->variable)
        return bind_type(compiler, variable_of(signature, pattern->name), type, coerce);
    if (pattern->sized)
        return unify_sized(compiler, signature, pattern, type, coerce);
    if (pattern->count)
        return unify_parts(compiler, signature, pattern, type, coerce);
    if (pattern->kind == SQL_ROW || pattern->kind == SQL_FUNCTION)
        return type->kind == pattern->kind;
    const struct sql_type *plain = sql_type_plain(pattern->kind);
    return coerce ? sql_coercible(&compiler->arena, type, plain) : sql_type_same(type, plain);
}

static long number_of(const struct sql_signature *signature, const char *name)
{
    if (isdigit((unsigned char)*name))
        return strtol(name, NULL, 10);
    const struct sql_variable *variable = sql_signature_variable(signature, name, strlen(name));
    return variable ? variable->number : 0;
}

static const struct sql_type *sized_type(struct sql_compiler *c,
                                         const struct sql_signature *signature,
                                         const struct sql_pattern *pattern)
{
    long first = number_of(signature, pattern->numbers[0]);
    long second = pattern->count > 1 ? number_of(signature, pattern->numbers[1]) : 0;
    if (pattern->kind == SQL_DECIMAL && first > SQL_PRECISION_MOST)
        first = SQL_PRECISION_MOST;
    if (pattern->kind == SQL_VARCHAR && (first < 0 || first > SQL_UNBOUNDED))
        first = SQL_UNBOUNDED;
    return sql_type_sized(&c->arena, pattern->kind, (int)first, (int)second);
}

const struct sql_type *sql_signature_type(struct sql_compiler *compiler,
                                          const struct sql_signature *signature,
                                          const struct sql_pattern *pattern)
{
    if (pattern->variable) {
        const struct sql_variable *variable =
            sql_signature_variable(signature, pattern->name, strlen(pattern->name));
        return variable->type;
    }
    if (pattern->any || (pattern->kind == SQL_ROW && !pattern->count))
        return NULL;
    if (pattern->sized)
        return sized_type(compiler, signature, pattern);
    if (!pattern->count)
        return sql_type_plain(pattern->kind);
    const struct sql_type *types[8];
    for (size_t i = 0; i < pattern->count; i++)
        if (!(types[i] = sql_signature_type(compiler, signature, pattern->parts[i])))
            return NULL;
    return sql_type_of_parts(&compiler->arena, pattern->kind, pattern->count, types, NULL);
}

static bool fits(const struct sql_signature *signature, size_t count)
{
    if (signature->variadic)
        return count + 1 >= signature->count && count <= SQL_MOST_ARGUMENTS;
    return count == signature->count;
}

bool sql_signature_bind(struct sql_compiler *compiler, struct sql_signature *signature,
                        const struct sql_type *const *types, size_t count, bool coerce)
{
    if (!fits(signature, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct sql_pattern *pattern = sql_signature_parameter(signature, i);
        bool lambda = !pattern->any && !pattern->variable && pattern->kind == SQL_FUNCTION;
        if (lambda != !types[i])
            return false;
        if (types[i] && !sql_signature_unify(compiler, signature, pattern, types[i], coerce))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct sql_pattern *pattern = sql_signature_parameter(signature, i);
        const struct sql_type *formal = sql_signature_type(compiler, signature, pattern);
        if (types[i] && formal && !sql_coercible(&compiler->arena, types[i], formal))
            return false;
    }
    return true;
}
