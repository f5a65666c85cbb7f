/* What S3 asks of a lifecycle configuration beyond its shape. */
#include <math.h>
#include <string.h>

#include "base/id.h"
#include "service/s3/lifecycle.h"

enum { RULES_LIMIT = 1000, ID_LIMIT = 255, DAY = 86400 };

static bool malformed(GError **error, const char *why)
{
    return error_set(error, ERROR_MALFORMED_XML,
                     "The XML you provided was not well-formed or did not validate against our "
                     "published schema: %s",
                     why);
}

static bool check_positive(const json_t *action, const char *member, const char *name,
                           GError **error)
{
    const json_t *days = json_object_get(action, member);
    return !days || json_integer_value(days) > 0 ||
           error_set(error, ERROR_INVALID_ARGUMENT,
                     "'%s' for %s action must be a positive integer: %" JSON_INTEGER_FORMAT, member,
                     name, json_integer_value(days));
}

static bool check_midnight(const json_t *action, GError **error)
{
    double date = json_number_at(action, "Date", 0);
    return fmod(date, DAY) == 0 ||
           error_set(error, ERROR_INVALID_ARGUMENT, "'Date' must be at midnight GMT");
}

static size_t count_members(const json_t *value, const char *const *names)
{
    size_t count = 0;
    for (; *names; names++)
        count += json_object_get(value, *names) != NULL;
    return count;
}

/* ---- filters ---- */

static bool check_and(const json_t *both, GError **error)
{
    static const char *const simple[] = {"Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan",
                                         NULL};
    g_autoptr(json_auto) keys = json_object();
    size_t i;
    const json_t *tag;
    json_array_foreach(json_object_get(both, "Tags"), i, tag)
    {
        const char *key = json_text_at(tag, "Key");
        if (json_object_get(keys, key))
            return error_set(error, ERROR_INVALID_REQUEST, "Duplicate Tag Keys are not allowed: %s",
                             key);
        json_object_set_new(keys, key, json_true());
    }
    return count_members(both, simple) + i >= 2 ||
           malformed(error, "And joins two or more conditions");
}

static bool check_filter(const json_t *rule, GError **error)
{
    static const char *const choices[] = {
        "Prefix", "Tag", "And", "ObjectSizeGreaterThan", "ObjectSizeLessThan", NULL};
    const json_t *filter = json_object_get(rule, "Filter");
    const json_t *both = json_object_get(filter, "And");
    if (!filter == !json_object_get(rule, "Prefix"))
        return malformed(error, "a rule has either a Filter or a Prefix");
    if (count_members(filter, choices) > 1)
        return malformed(error, "a Filter has one condition; And joins several");
    return !both || check_and(both, error);
}

/* Tags and sizes choose among objects; what is no object yet, or any more, has none. */
static bool check_bare(const json_t *rule, const char *action, GError **error)
{
    bool tags = json_at(rule, "Filter.Tag") || json_at(rule, "Filter.And.Tags");
    return !tags ||
           error_set(error, ERROR_INVALID_REQUEST, "%s cannot be specified with Tags.", action);
}

/* ---- actions ---- */

static bool check_expiration(const json_t *rule, GError **error)
{
    static const char *const choices[] = {"Days", "Date", "ExpiredObjectDeleteMarker", NULL};
    const json_t *expiration = json_object_get(rule, "Expiration");
    if (!expiration)
        return true;
    if (count_members(expiration, choices) != 1)
        return malformed(error,
                         "an Expiration has one of Days, Date and ExpiredObjectDeleteMarker");
    return check_positive(expiration, "Days", "Expiration", error) &&
           check_midnight(expiration, error) &&
           (!json_object_get(expiration, "ExpiredObjectDeleteMarker") ||
            check_bare(rule, "ExpiredObjectDeleteMarker", error));
}

static bool check_noncurrent(const json_t *rule, GError **error)
{
    const json_t *action = json_object_get(rule, "NoncurrentVersionExpiration");
    if (!action)
        return true;
    if (!json_object_get(action, "NoncurrentDays"))
        return malformed(error, "a NoncurrentVersionExpiration has NoncurrentDays");
    return check_positive(action, "NoncurrentDays", "NoncurrentVersionExpiration", error) &&
           check_positive(action, "NewerNoncurrentVersions", "NoncurrentVersionExpiration", error);
}

static bool check_abort(const json_t *rule, GError **error)
{
    const json_t *action = json_object_get(rule, "AbortIncompleteMultipartUpload");
    if (!action)
        return true;
    if (!json_object_get(action, "DaysAfterInitiation"))
        return malformed(error, "an AbortIncompleteMultipartUpload has DaysAfterInitiation");
    return check_positive(action, "DaysAfterInitiation", "AbortIncompleteMultipartUpload", error) &&
           check_bare(rule, "AbortIncompleteMultipartUpload", error);
}

static bool check_transitions(const json_t *rule, GError **error)
{
    size_t i;
    const json_t *transition;
    json_array_foreach(json_object_get(rule, "Transitions"), i, transition)
    {
        if (!json_object_get(transition, "Days") == !json_object_get(transition, "Date"))
            return malformed(error, "a Transition has either Days or a Date");
        if (json_integer_at(transition, "Days", 0) < 0)
            return error_set(error, ERROR_INVALID_ARGUMENT,
                             "'Days' in Transition action must be nonnegative");
        if (!check_midnight(transition, error))
            return false;
    }
    return true;
}

static bool check_actions(const json_t *rule, GError **error)
{
    static const char *const actions[] = {
        "Expiration",  "NoncurrentVersionExpiration",  "AbortIncompleteMultipartUpload",
        "Transitions", "NoncurrentVersionTransitions", NULL};
    if (count_members(rule, actions) == 0)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "At least one action needs to be specified in a rule");
    return check_expiration(rule, error) && check_noncurrent(rule, error) &&
           check_abort(rule, error) && check_transitions(rule, error);
}

/* ---- rules ---- */

static bool check_id(json_t *rule, json_t *ids, GError **error)
{
    g_autofree char *made = id_uuid();
    const char *given = s3_text(rule, "ID");
    const char *id = given ? given : made;
    if (g_utf8_strlen(id, -1) > ID_LIMIT)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "ID length should not exceed allowed limit of %d", ID_LIMIT);
    if (json_object_get(ids, id))
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "Rule ID must be unique. Found same ID for more than one rule: %s", id);
    json_object_set_new(ids, id, json_true());
    json_object_set_new(rule, "ID", json_string(id));
    return true;
}

bool s3_check_lifecycle(const struct call *call, const json_t *request, json_t *document,
                        GError **error)
{
    (void)call;
    static const char size[] = "TransitionDefaultMinimumObjectSize";
    const char *given = s3_text(request, size);
    json_t *rules = json_at(document, S3_LIFECYCLE ".Rules");
    json_object_set_new(json_object_get(document, S3_LIFECYCLE), size,
                        json_string(given ? given : "all_storage_classes_128K"));
    if (json_array_size(rules) == 0 || json_array_size(rules) > RULES_LIMIT)
        return malformed(error, "a lifecycle configuration has 1 to 1000 rules");
    g_autoptr(json_auto) ids = json_object();
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        if (!check_id(rule, ids, error) || !check_filter(rule, error) ||
            !check_actions(rule, error))
            return false;
    }
    return true;
}
