/* Bucket policies: kept and given back. There are no others whom one could let in or keep out, so
 * none is enforced; but one that S3 would refuse is refused. */
#include <string.h>

#include "service/s3/acl.h"
#include "service/s3/setting.h"

enum { POLICY_LIMIT = 20 << 10 }; /* bytes */

static bool malformed(GError **error, const char *text, const char *found)
{
    return error_set(error, ERROR_MALFORMED_POLICY, "%s%s%.255s", text, found ? ": " : "",
                     found ? found : "");
}

/* A text, or a list of texts, each of which must pass. */
static bool check_texts(const json_t *value, bool (*passes)(const char *text, const void *data),
                        const void *data, const char *otherwise, GError **error)
{
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(one) || !passes(json_string_value(one), data))
            return malformed(error, otherwise, json_string_value(one));
    }
    return count > 0 || malformed(error, otherwise, NULL);
}

static bool is_action(const char *text, const void *data)
{
    (void)data;
    return strcmp(text, "*") == 0 || g_ascii_strncasecmp(text, "s3:", 3) == 0;
}

/* "arn:aws:s3:::bucket" or what is below it, of this bucket. */
static bool is_resource(const char *text, const void *bucket)
{
    g_auto(GStrv) fields = g_strsplit(text, ":", 6);
    if (strcmp(text, "*") == 0)
        return true;
    if (g_strv_length(fields) != 6 || strcmp(fields[0], "arn") != 0 || strcmp(fields[2], "s3") != 0)
        return false;
    g_autofree char *name = g_strndup(fields[5], strcspn(fields[5], "/"));
    return g_pattern_match_simple(name, bucket);
}

static bool is_any(const char *text, const void *data)
{
    (void)data;
    return *text != '\0';
}

static bool check_principal(const json_t *principal, GError **error)
{
    static const char *const kinds[] = {"AWS", "CanonicalUser", "Federated", "Service", NULL};
    const char *text = "Invalid principal in policy";
    if (json_is_string(principal))
        return strcmp(json_string_value(principal), "*") == 0 ||
               malformed(error, text, json_string_value(principal));
    if (!json_is_object(principal) || json_object_size(principal) == 0)
        return malformed(error, text, NULL);
    const char *kind;
    json_t *value;
    json_object_foreach((json_t *)principal, kind, value)
    {
        if (!g_strv_contains(kinds, kind))
            return malformed(error, text, kind);
        if (!check_texts(value, is_any, NULL, text, error))
            return false;
    }
    return true;
}

/* The one of a member and its opposite that is there; NULL and an error where none or both are. */
static const json_t *either(const json_t *statement, const char *name, GError **error)
{
    g_autofree char *not_name = g_strconcat("Not", name, NULL);
    const json_t *value = json_object_get(statement, name);
    const json_t *opposite = json_object_get(statement, not_name);
    if (value && opposite)
        malformed(error, "a statement cannot have both a member and its opposite", not_name);
    else if (!value && !opposite)
        malformed(error, "Missing required field", name);
    else
        return value ? value : opposite;
    return NULL;
}

static bool check_members(const json_t *statement, GError **error)
{
    static const char *const known[] = {"Sid",       "Effect",    "Principal", "NotPrincipal",
                                        "Action",    "NotAction", "Resource",  "NotResource",
                                        "Condition", NULL};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)statement, name, value)
    {
        if (!g_strv_contains(known, name))
            return malformed(error, "Unknown field", name);
    }
    return true;
}

static bool check_statement(const json_t *statement, const char *bucket, GError **error)
{
    if (!json_is_object(statement))
        return malformed(error, "Invalid policy syntax.", "a statement is not an object");
    const char *effect = json_string_value(json_object_get(statement, "Effect"));
    if (!effect)
        return malformed(error, "Missing required field", "Effect");
    if (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0)
        return malformed(error, "Invalid effect", effect);
    if (strcmp(effect, "Allow") == 0 && json_object_get(statement, "NotPrincipal"))
        return malformed(error, "Allow with NotPrincipal is not allowed.", NULL);
    const json_t *condition = json_object_get(statement, "Condition");
    if (condition && !json_is_object(condition))
        return malformed(error, "Invalid policy syntax.", "Condition is not an object");
    const json_t *principal = either(statement, "Principal", error);
    const json_t *action = principal ? either(statement, "Action", error) : NULL;
    const json_t *resource = action ? either(statement, "Resource", error) : NULL;
    return resource && check_members(statement, error) && check_principal(principal, error) &&
           check_texts(action, is_action, NULL, "Policy has invalid action", error) &&
           check_texts(resource, is_resource, bucket, "Policy has invalid resource", error);
}

static bool check_statements(const json_t *policy, const char *bucket, GError **error)
{
    const json_t *statements = json_object_get(policy, "Statement");
    if (!statements)
        return malformed(error, "Missing required field", "Statement");
    if (json_is_object(statements))
        return check_statement(statements, bucket, error);
    size_t i;
    const json_t *statement;
    json_array_foreach(statements, i, statement)
    {
        if (!check_statement(statement, bucket, error))
            return false;
    }
    return json_array_size(statements) > 0 ||
           malformed(error, "Could not parse the policy: Statement is empty!", NULL);
}

static json_t *parse_policy(const char *text, GError **error)
{
    json_t *policy = *text == '{' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!policy)
        malformed(error, "Policies must be valid JSON and the first byte must be '{'", NULL);
    return policy;
}

/* ---- what is public ---- */

static bool is_star(const json_t *value)
{
    size_t i;
    const json_t *one;
    json_array_foreach(value, i, one)
    {
        if (is_star(one))
            return true;
    }
    return json_is_string(value) && strcmp(json_string_value(value), "*") == 0;
}

/* Conditions with which S3 does not call a policy public, where their values are no wildcards. */
static bool is_limit(const char *key, const json_t *value)
{
    static const char *const keys[] = {"aws:sourceip",
                                       "aws:sourcearn",
                                       "aws:sourcevpc",
                                       "aws:sourcevpce",
                                       "aws:sourceaccount",
                                       "aws:sourceowner",
                                       "aws:userid",
                                       "aws:principalarn",
                                       "aws:principalorgid",
                                       "aws:principalorgpaths",
                                       NULL};
    g_autofree char *lower = g_ascii_strdown(key, -1);
    return g_strv_contains(keys, lower) && !is_star(value);
}

static bool is_limited(const json_t *condition)
{
    const char *operator, * key;
    json_t *keys, *value;
    json_object_foreach((json_t *)condition, operator, keys)
    {
        json_object_foreach(keys, key, value)
        {
            if (is_limit(key, value))
                return true;
        }
    }
    return false;
}

static bool is_public_statement(const json_t *statement)
{
    const json_t *principal = json_object_get(statement, "Principal");
    bool anybody = json_object_get(statement, "NotPrincipal") || is_star(principal) ||
                   is_star(json_object_get(principal, "AWS"));
    const char *effect = json_string_value(json_object_get(statement, "Effect"));
    return anybody && effect && strcmp(effect, "Allow") == 0 &&
           !is_limited(json_object_get(statement, "Condition"));
}

static bool is_public(const json_t *policy)
{
    const json_t *statements = json_object_get(policy, "Statement");
    size_t i;
    const json_t *statement;
    json_array_foreach(statements, i, statement)
    {
        if (is_public_statement(statement))
            return true;
    }
    return json_is_object(statements) && is_public_statement(statements);
}

bool s3_check_policy(const struct call *call, const json_t *request, json_t *document,
                     GError **error)
{
    const char *text = json_text_at(document, "Policy");
    if (strlen(text) > POLICY_LIMIT)
        return malformed(error, "Policy exceeds the maximum allowed document size.", NULL);
    g_autoptr(json_auto) policy = parse_policy(text, error);
    if (!policy || !check_statements(policy, s3_text(request, "Bucket"), error))
        return false;
    g_autoptr(json_auto) block = s3_setting(call, request, "PublicAccessBlockConfiguration", NULL);
    bool blocked = json_true_at(block, "PublicAccessBlockConfiguration.BlockPublicPolicy");
    return !blocked || !is_public(policy) ||
           error_set(error, ERROR_ACCESS_DENIED,
                     "Access Denied: the bucket's public access block refuses public policies");
}

bool s3_get_bucket_policy_status(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(json_auto) settings = lake_settings(s3_lake(call), s3_text(request, "Bucket"), error);
    if (!settings)
        return false;
    const char *text = json_text_at(settings, "Policy.Policy");
    g_autoptr(json_auto) policy = text ? parse_policy(text, NULL) : NULL;
    const json_t *grants = json_at(settings, S3_BUCKET_ACL ".Grants");
    reply->output =
        json_pack("{s{sb}}", "PolicyStatus", "IsPublic", is_public(policy) || s3_is_public(grants));
    return true;
}
