#include "wire/s3_policy.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "wire/url.h"

const char *s3_field(const GArray *fields, const char *name)
{
    for (guint i = 0; i < fields->len; i++) {
        const struct url_pair *pair = &g_array_index(fields, struct url_pair, i);
        if (g_ascii_strcasecmp(pair->name, name) == 0)
            return pair->value;
    }
    return NULL;
}

static bool invalid(GError **error, const char *why)
{
    return error_set(error, ERROR_INVALID_POST_POLICY, "Invalid Policy: %s", why);
}

/* The condition as the form's maker wrote it. */
static bool failed(GError **error, const json_t *condition)
{
    g_autofree char *text = json_text_of(condition);
    return error_set(error, ERROR_ACCESS_DENIED,
                     "Invalid according to Policy: Policy Condition failed: %s", text);
}

/* ---- one condition ---- */

struct form {
    const GArray *fields;
    const char *bucket;
    GHashTable *named; /* the fields that a condition is about, in lower case */
    struct s3_size_range *range;
};

static bool holds(const struct form *form, const char *field, const char *value, bool as_prefix)
{
    bool is_bucket = g_ascii_strcasecmp(field, "bucket") == 0;
    const char *given = is_bucket ? form->bucket : s3_field(form->fields, field);
    g_hash_table_add(form->named, g_ascii_strdown(field, -1));
    given = given ? given : "";
    return as_prefix ? g_str_has_prefix(given, value) : strcmp(given, value) == 0;
}

/* {"field": "value"} */
static bool check_object(const struct form *form, const json_t *condition, GError **error)
{
    const char *field;
    json_t *value;
    if (json_object_size(condition) == 0)
        return invalid(error, "Invalid Simple-Condition: Simple-Conditions must have exactly one "
                              "property specified.");
    json_object_foreach((json_t *)condition, field, value)
    {
        if (!json_is_string(value))
            return invalid(error, "Invalid Simple-Condition: value must be a string.");
        if (!holds(form, field, json_string_value(value), false))
            return failed(error, condition);
    }
    return true;
}

static bool read_size(const json_t *value, gint64 *size)
{
    if (json_is_string(value)) {
        char *end;
        *size = g_ascii_strtoll(json_string_value(value), &end, 10);
        return json_string_length(value) && !*end && *size >= 0;
    }
    *size = json_integer_value(value);
    return json_is_integer(value) && *size >= 0;
}

static bool check_range(const struct form *form, const json_t *condition, GError **error)
{
    gint64 least, most;
    if (json_array_size(condition) != 3 || !read_size(json_array_get(condition, 1), &least) ||
        !read_size(json_array_get(condition, 2), &most))
        return invalid(error, "Invalid content-length-range: it has two sizes, the least and the "
                              "most");
    form->range->least = MAX(form->range->least, least);
    form->range->most = MIN(form->range->most, most);
    return true;
}

/* ["eq", "$field", "value"], ["starts-with", ...], ["content-length-range", least, most] */
static bool check_list(const struct form *form, const json_t *condition, GError **error)
{
    const char *kind = json_string_value(json_array_get(condition, 0));
    const char *field = json_string_value(json_array_get(condition, 1));
    const char *value = json_string_value(json_array_get(condition, 2));
    if (kind && g_ascii_strcasecmp(kind, "content-length-range") == 0)
        return check_range(form, condition, error);
    bool as_prefix = kind && g_ascii_strcasecmp(kind, "starts-with") == 0;
    if (!kind || (!as_prefix && g_ascii_strcasecmp(kind, "eq") != 0))
        return invalid(error, "Invalid Condition: it is eq, starts-with or content-length-range.");
    if (json_array_size(condition) != 3 || !field || *field != '$' || !value)
        return invalid(error, "Invalid Condition: wrong number of arguments, or no $field.");
    return holds(form, field + 1, value, as_prefix) || failed(error, condition);
}

/* ---- all of them ---- */

static bool check_conditions(const struct form *form, const json_t *conditions, GError **error)
{
    size_t i;
    const json_t *condition;
    if (!json_is_array(conditions))
        return invalid(error, "Policy missing conditions.");
    json_array_foreach(conditions, i, condition)
    {
        if (!json_is_array(condition) && !json_is_object(condition))
            return invalid(error, "Invalid Condition: it is neither a list nor an object.");
        bool fits = json_is_array(condition) ? check_list(form, condition, error)
                                             : check_object(form, condition, error);
        if (!fits)
            return false;
    }
    return true;
}

static bool needs_no_condition(const char *field)
{
    static const char *const own[] = {"policy",         "signature", "x-amz-signature",
                                      "awsaccesskeyid", "file",      NULL};
    return g_strv_contains(own, field) || g_str_has_prefix(field, "x-ignore-") ||
           g_str_has_prefix(field, "x-amz-checksum-");
}

/* A field that no condition is about was not in the mind of who wrote the policy. */
static bool check_extra(const struct form *form, GError **error)
{
    for (guint i = 0; i < form->fields->len; i++) {
        const char *name = g_array_index(form->fields, struct url_pair, i).name;
        g_autofree char *lower = g_ascii_strdown(name, -1);
        if (!needs_no_condition(lower) && !g_hash_table_contains(form->named, lower))
            return error_set(error, ERROR_ACCESS_DENIED,
                             "Invalid according to Policy: Extra input fields: %s", name);
    }
    return true;
}

static bool check_expiration(const json_t *policy, double now, GError **error)
{
    const char *text = json_string_value(json_object_get(policy, "expiration"));
    double expires;
    if (!text)
        return invalid(error, "Policy missing expiration.");
    if (!strchr(text, 'T') || !clock_parse(text, &expires)) {
        g_autofree char *why = g_strdup_printf("Invalid 'expiration' value: '%.64s'", text);
        return invalid(error, why);
    }
    return now <= expires ||
           error_set(error, ERROR_ACCESS_DENIED, "Invalid according to Policy: Policy expired.");
}

static bool check_signed(const GArray *fields, GError **error)
{
    static const char *const v2[] = {"AWSAccessKeyId", "signature", NULL};
    static const char *const v4[] = {"x-amz-credential", "x-amz-date", "x-amz-signature", NULL};
    const char *const *needed = s3_field(fields, "x-amz-algorithm") ? v4 : v2;
    for (; *needed; needed++)
        if (!s3_field(fields, *needed))
            return error_set(error, ERROR_INVALID_ARGUMENT,
                             "Bucket POST must contain a field named '%s'.  If it is specified, "
                             "please check the order of the fields.",
                             *needed);
    return true;
}

static json_t *parse(const char *text)
{
    gsize size;
    g_autofree guchar *decoded = g_base64_decode(text, &size);
    json_t *policy = json_loadb((const char *)decoded, size, 0, NULL);
    if (json_is_object(policy))
        return policy;
    json_decref(policy);
    return NULL;
}

bool s3_policy_check(const GArray *fields, const char *bucket, double now,
                     struct s3_size_range *range, GError **error)
{
    const char *text = s3_field(fields, "policy");
    *range = (struct s3_size_range){0, G_MAXINT64};
    if (!text)
        return true;
    g_autoptr(json_auto) policy = parse(text);
    if (!policy)
        return invalid(error, "Invalid JSON.");
    g_autoptr(GHashTable) named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const struct form form = {fields, bucket, named, range};
    return check_signed(fields, error) && check_expiration(policy, now, error) &&
           check_conditions(&form, json_object_get(policy, "conditions"), error) &&
           check_extra(&form, error);
}
