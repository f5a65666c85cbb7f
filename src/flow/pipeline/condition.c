#include "flow/pipeline/condition.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The comparisons: which signs of left - right make them true. */
static const struct {
    const char *type;
    bool less, equal, greater;
} comparisons[] = {
    {"Equals", false, true, false},
    {"GreaterThan", false, false, true},
    {"GreaterThanOrEqualTo", false, true, true},
    {"LessThan", true, false, false},
    {"LessThanOrEqualTo", true, true, false},
};

static int comparison_of(const char *type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(comparisons); i++)
        if (strcmp(comparisons[i].type, type) == 0)
            return (int)i;
    return -1;
}

/* ---- checking ---- */

/* The properties of a type beside Type, as the SageMaker SDK writes them; NULL: no such type. */
static const char *const *properties_of(const char *type)
{
    static const char *const sides[] = {"LeftValue", "RightValue", NULL};
    static const char *const in[] = {"QueryValue", "Values", NULL};
    static const char *const not [] = {"Condition", NULL};
    static const char *const list[] = {"Conditions", NULL};
    if (comparison_of(type) >= 0)
        return sides;
    if (strcmp(type, "In") == 0)
        return in;
    if (strcmp(type, "Not") == 0)
        return not ;
    return strcmp(type, "Or") == 0 || strcmp(type, "And") == 0 ? list : NULL;
}

/* All of them and no other: SageMaker refuses a property that it does not know, in these words. */
static bool check_properties(const json_t *condition, const char *type, const char *const *known,
                             GError **error)
{
    const char *name;
    json_t *value;
    for (const char *const *property = known; *property; property++)
        if (!json_object_get(condition, *property))
            return error_set(error, ERROR_VALIDATION, "the condition %s has no %s", type,
                             *property);
    json_object_foreach((json_t *)condition, name, value)
    {
        if (strcmp(name, "Type") != 0 && !g_strv_contains(known, name))
            return error_set(error, ERROR_VALIDATION,
                             "the condition %s: Cannot parse object, unknown property '%s'", type,
                             name);
    }
    return true;
}

static bool check_one(const json_t *condition, GError **error)
{
    const char *type = json_text_at(condition, "Type");
    if (!type)
        return error_set(error, ERROR_VALIDATION, "a condition has no Type");
    const char *const *known = properties_of(type);
    if (!known)
        return error_set(error, ERROR_VALIDATION,
                         "there is no condition of type %s; there are Equals, GreaterThan, "
                         "GreaterThanOrEqualTo, LessThan, LessThanOrEqualTo, In, Not, Or and And",
                         type);
    if (!check_properties(condition, type, known, error))
        return false;
    const json_t *negated = json_object_get(condition, "Condition");
    const json_t *list = json_object_get(condition, "Conditions");
    return negated ? check_one(negated, error) : !list || condition_check(list, error);
}

bool condition_check(const json_t *conditions, GError **error)
{
    if (!json_array_size(conditions))
        return error_set(error, ERROR_VALIDATION, "Conditions is missing or empty");
    size_t i;
    const json_t *condition;
    json_array_foreach((json_t *)conditions, i, condition)
    {
        if (!check_one(condition, error))
            return false;
    }
    return true;
}

/* ---- deciding ---- */

/* The number that a value is, or that its text spells. */
static bool number_of(const json_t *value, double *number)
{
    if (json_is_number(value)) {
        *number = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    char *end;
    if (!text || !*text)
        return false;
    *number = g_ascii_strtod(text, &end);
    return !*end;
}

/* The sign of left - right. Numbers are compared as such where both sides are numbers or spell
 * one and at least one is no text: parameters of type String stay texts among themselves. */
static bool compare(const json_t *left, const json_t *right, int *sign, GError **error)
{
    double a, b;
    bool texts = json_is_string(left) && json_is_string(right);
    if (!texts && number_of(left, &a) && number_of(right, &b)) {
        *sign = (a > b) - (a < b);
        return true;
    }
    g_autofree char *left_text = expression_text(left);
    g_autofree char *right_text = expression_text(right);
    if (!left_text || !right_text || json_is_number(left) || json_is_number(right)) {
        g_autofree char *l = json_text_of(left);
        g_autofree char *r = json_text_of(right);
        return error_set(error, ERROR_VALIDATION, "%s and %s cannot be compared", l, r);
    }
    *sign = strcmp(left_text, right_text);
    return true;
}

static json_t *value_of(const json_t *condition, const char *member,
                        const struct expression_scope *scope, GError **error)
{
    return expression_resolve(json_object_get(condition, member), scope, error);
}

static bool compares(const json_t *condition, int comparison, const struct expression_scope *scope,
                     bool *holds, GError **error)
{
    g_autoptr(json_auto) left = value_of(condition, "LeftValue", scope, error);
    g_autoptr(json_auto) right = left ? value_of(condition, "RightValue", scope, error) : NULL;
    int sign;
    if (!right || !compare(left, right, &sign, error))
        return false;
    *holds = sign < 0    ? comparisons[comparison].less
             : sign == 0 ? comparisons[comparison].equal
                         : comparisons[comparison].greater;
    return true;
}

static bool is_in(const json_t *condition, const struct expression_scope *scope, bool *holds,
                  GError **error)
{
    g_autoptr(json_auto) query = value_of(condition, "QueryValue", scope, error);
    g_autoptr(json_auto) values = query ? value_of(condition, "Values", scope, error) : NULL;
    if (!values)
        return false;
    *holds = false;
    size_t i;
    const json_t *value;
    json_array_foreach(values, i, value)
    {
        int sign;
        if (compare(query, value, &sign, NULL) && sign == 0)
            *holds = true;
    }
    return true;
}

static bool decide(const json_t *condition, const struct expression_scope *scope, bool *holds,
                   GError **error)
{
    const char *type = json_text_at(condition, "Type");
    if (strcmp(type, "Not") == 0) {
        bool negated;
        if (!decide(json_object_get(condition, "Condition"), scope, &negated, error))
            return false;
        *holds = !negated;
        return true;
    }
    if (strcmp(type, "In") == 0)
        return is_in(condition, scope, holds, error);
    const json_t *conditions = json_object_get(condition, "Conditions");
    if (strcmp(type, "And") == 0)
        return condition_holds(conditions, scope, holds, error);
    if (strcmp(type, "Or") != 0)
        return compares(condition, comparison_of(type), scope, holds, error);
    *holds = false;
    size_t i;
    const json_t *one;
    json_array_foreach((json_t *)conditions, i, one)
    {
        if (!decide(one, scope, holds, error))
            return false;
        if (*holds)
            return true;
    }
    return true;
}

bool condition_holds(const json_t *conditions, const struct expression_scope *scope, bool *holds,
                     GError **error)
{
    *holds = true;
    size_t i;
    const json_t *condition;
    json_array_foreach((json_t *)conditions, i, condition)
    {
        if (!decide(condition, scope, holds, error))
            return false;
        if (!*holds)
            return true;
    }
    return true;
}
