#include "service/s3/acl.h"

#include <string.h>

#define GROUPS "http://acs.amazonaws.com/groups/"
#define ALL_USERS GROUPS "global/AllUsers"
#define AUTHENTICATED_USERS GROUPS "global/AuthenticatedUsers"
#define LOG_DELIVERY GROUPS "s3/LogDelivery"

enum { MOST_GRANTS = 100 };

/* ---- grants ---- */

static json_t *user_grant(const char *id, const char *permission)
{
    return json_pack("{s{ssssss}ss}", "Grantee", "Type", "CanonicalUser", "ID", id, "DisplayName",
                     "lathe", "Permission", permission);
}

static json_t *group_grant(const char *uri, const char *permission)
{
    return json_pack("{s{ssss}ss}", "Grantee", "Type", "Group", "URI", uri, "Permission",
                     permission);
}

bool s3_is_public(const json_t *grants)
{
    size_t i;
    const json_t *grant;
    json_array_foreach(grants, i, grant)
    {
        const char *uri = json_text_at(grant, "Grantee.URI");
        if (uri && (strcmp(uri, ALL_USERS) == 0 || strcmp(uri, AUTHENTICATED_USERS) == 0))
            return true;
    }
    return false;
}

static bool is_owners_alone(const struct call *call, const json_t *grants)
{
    g_autoptr(json_auto) alone = json_array();
    json_array_append_new(alone, user_grant(call->account, "FULL_CONTROL"));
    return json_equal(alone, grants);
}

/* What a canned list grants beside the owner's full control; those of the bucket's owner say
 * nothing more where that is the same. */
static const struct {
    const char *name, *uri, *permissions[2];
} canned[] = {
    {"private", NULL, {NULL}},
    {"bucket-owner-read", NULL, {NULL}},
    {"bucket-owner-full-control", NULL, {NULL}},
    {"aws-exec-read", NULL, {NULL}},
    {"public-read", ALL_USERS, {"READ", NULL}},
    {"public-read-write", ALL_USERS, {"READ", "WRITE"}},
    {"authenticated-read", AUTHENTICATED_USERS, {"READ", NULL}},
    {"log-delivery-write", LOG_DELIVERY, {"WRITE", "READ_ACP"}},
};

static json_t *grants_of_canned(const struct call *call, const char *name, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(canned); i++) {
        if (strcmp(canned[i].name, name) != 0)
            continue;
        json_t *grants = json_array();
        for (size_t j = 0; j < 2 && canned[i].permissions[j]; j++)
            json_array_append_new(grants, group_grant(canned[i].uri, canned[i].permissions[j]));
        json_array_append_new(grants, user_grant(call->account, "FULL_CONTROL"));
        return grants;
    }
    error_set(error, ERROR_INVALID_ARGUMENT, "there is no canned ACL \"%s\"", name);
    return NULL;
}

/* ---- headers ---- */

static const struct {
    const char *member, *permission;
} headers[] = {
    {"GrantFullControl", "FULL_CONTROL"}, {"GrantRead", "READ"},
    {"GrantReadACP", "READ_ACP"},         {"GrantWrite", "WRITE"},
    {"GrantWriteACP", "WRITE_ACP"},
};

static bool has_headers(const json_t *request)
{
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
        if (s3_text(request, headers[i].member))
            return true;
    return false;
}

/* id="...", uri="...", emailAddress="..." */
static bool add_grantee(json_t *grants, const char *text, const char *permission, GError **error)
{
    g_auto(GStrv) halves = g_strsplit(text, "=", 2);
    g_autofree char *kind = g_strdup(g_strstrip(halves[0]));
    g_autofree char *value = halves[0] && halves[1] ? g_strdup(g_strstrip(halves[1])) : NULL;
    size_t length = value ? strlen(value) : 0;
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value[length - 1] = '\0';
        memmove(value, value + 1, length - 1);
    }
    json_t *grant = NULL;
    if (value && g_ascii_strcasecmp(kind, "id") == 0)
        grant = user_grant(value, permission);
    else if (value && g_ascii_strcasecmp(kind, "uri") == 0)
        grant = group_grant(value, permission);
    else if (value && g_ascii_strcasecmp(kind, "emailAddress") == 0)
        grant = json_pack("{s{ssss}ss}", "Grantee", "Type", "AmazonCustomerByEmail", "EmailAddress",
                          value, "Permission", permission);
    json_array_append_new(grants, grant);
    return grant ||
           error_set(error, ERROR_INVALID_ARGUMENT,
                     "Argument format not recognized: a grantee is id=\"...\", uri=\"...\" "
                     "or emailAddress=\"...\", found %s",
                     text);
}

static json_t *grants_of_headers(const json_t *request, GError **error)
{
    g_autoptr(json_auto) grants = json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        const char *text = s3_text(request, headers[i].member);
        g_auto(GStrv) grantees = g_strsplit(text ? text : "", ",", -1);
        for (char **grantee = grantees; *grantee; grantee++)
            if (!add_grantee(grants, *grantee, headers[i].permission, error))
                return NULL;
    }
    return g_steal_pointer(&grants);
}

/* ---- what is asked for ---- */

static bool is_canonical_id(const struct call *call, const char *id)
{
    return strcmp(id, call->account) == 0 ||
           (strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64) ||
           (strlen(id) == 12 && strspn(id, "0123456789") == 12);
}

static bool is_group(const char *uri)
{
    return strcmp(uri, ALL_USERS) == 0 || strcmp(uri, AUTHENTICATED_USERS) == 0 ||
           strcmp(uri, LOG_DELIVERY) == 0;
}

static bool check_grant(const struct call *call, const json_t *grant, GError **error)
{
    const char *type = json_text_at(grant, "Grantee.Type");
    const char *id = json_text_at(grant, "Grantee.ID");
    const char *uri = json_text_at(grant, "Grantee.URI");
    if (!type || !json_text_at(grant, "Permission"))
        return error_set(error, ERROR_MALFORMED_ACL,
                         "The XML you provided was not well-formed or did not validate against our "
                         "published schema: a grant has a Grantee with an xsi:type, and a "
                         "Permission");
    if (strcmp(type, "AmazonCustomerByEmail") == 0)
        return error_set(error, ERROR_UNRESOLVABLE_GRANT,
                         "The e-mail address you provided does not match any account on record.");
    if (strcmp(type, "Group") == 0 ? !uri || !is_group(uri) : !id || !is_canonical_id(call, id))
        return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid %s: %s",
                         strcmp(type, "Group") == 0 ? "group uri" : "id",
                         uri  ? uri
                         : id ? id
                              : "(none)");
    return true;
}

/* The groups' before the users', in the order in which they were given. */
static json_t *order(const json_t *grants)
{
    json_t *ordered = json_array();
    for (int groups = 1; groups >= 0; groups--) {
        size_t i;
        json_t *grant;
        json_array_foreach(grants, i, grant)
        {
            bool is_group_grant = json_at(grant, "Grantee.URI") != NULL;
            if (is_group_grant == (groups == 1))
                json_array_append(ordered, grant);
        }
    }
    return ordered;
}

static json_t *grants_of_policy(const struct call *call, const json_t *policy, GError **error)
{
    const char *owner = json_text_at(policy, "Owner.ID");
    if (!owner) {
        error_set(error, ERROR_MALFORMED_ACL,
                  "The XML you provided was not well-formed or did not validate against our "
                  "published schema: an AccessControlPolicy has an Owner with an ID");
        return NULL;
    }
    if (strcmp(owner, call->account) != 0) {
        error_set(error, ERROR_ACCESS_DENIED,
                  "Access Denied: the owner is account %s and cannot be changed to %s",
                  call->account, owner);
        return NULL;
    }
    const json_t *grants = json_object_get(policy, "Grants");
    return grants ? json_deep_copy(grants) : json_array();
}

/* All ways to ask for grants; NULL without an error where the request asks for none. */
static json_t *asked_for(const struct call *call, const json_t *request, GError **error)
{
    const char *acl = s3_text(request, "ACL");
    const json_t *policy = json_object_get(request, "AccessControlPolicy");
    int ways = (acl != NULL) + has_headers(request) + (policy != NULL);
    if (ways > 1) {
        error_set(error, ERROR_INVALID_REQUEST,
                  "Specifying both Canned ACLs and Header Grants, or one of them with a body, is "
                  "not allowed");
        return NULL;
    }
    if (acl)
        return grants_of_canned(call, acl, error);
    if (policy)
        return grants_of_policy(call, policy, error);
    return ways ? grants_of_headers(request, error) : NULL;
}

static bool allowed(const json_t *grants, const json_t *settings, GError **error)
{
    const json_t *rules = json_at(settings, "OwnershipControls.OwnershipControls.Rules");
    const char *ownership = json_text_at(json_array_get(rules, 0), "ObjectOwnership");
    if (ownership && strcmp(ownership, S3_OWNER_ENFORCED) == 0)
        return error_set(error, ERROR_ACL_NOT_SUPPORTED, "The bucket does not allow ACLs");
    bool blocked = json_true_at(settings, "PublicAccessBlockConfiguration."
                                          "PublicAccessBlockConfiguration.BlockPublicAcls");
    return !blocked || !s3_is_public(grants) ||
           error_set(error, ERROR_ACCESS_DENIED,
                     "Access Denied: the bucket's public access block refuses public ACLs");
}

json_t *s3_grants_of(const struct call *call, const json_t *request, const json_t *settings,
                     GError **error)
{
    g_autoptr(json_auto) given = asked_for(call, request, error);
    if (!given)
        return NULL;
    g_autoptr(json_auto) grants = order(given);
    if (json_array_size(grants) > MOST_GRANTS) {
        error_set(error, ERROR_MALFORMED_ACL, "an ACL has at most %d grants; this one has %zu",
                  MOST_GRANTS, json_array_size(grants));
        return NULL;
    }
    size_t i;
    json_t *grant;
    json_array_foreach(grants, i, grant)
    {
        if (!check_grant(call, grant, error))
            return NULL;
        if (!json_at(grant, "Grantee.URI") && !json_at(grant, "Grantee.DisplayName"))
            json_object_set_new(json_object_get(grant, "Grantee"), "DisplayName",
                                json_string("lathe"));
    }
    if (is_owners_alone(call, grants) || !allowed(grants, settings, error))
        return NULL;
    return g_steal_pointer(&grants);
}

/* ---- operations ---- */

static json_t *answer(const struct call *call, const json_t *kept)
{
    g_autoptr(json_auto) grants = json_incref((json_t *)kept);
    if (!grants) {
        grants = json_array();
        json_array_append_new(grants, user_grant(call->account, "FULL_CONTROL"));
    }
    return json_pack("{sosO}", "Owner", s3_owner(call), "Grants", grants);
}

/* What PutBucketAcl and PutObjectAcl put: NULL with no failure, the owner's alone. */
static json_t *read_grants(const struct call *call, const json_t *request, GError **error)
{
    g_autoptr(json_auto) settings = lake_settings(s3_lake(call), s3_text(request, "Bucket"), error);
    if (!settings)
        return NULL;
    bool asked = s3_text(request, "ACL") || has_headers(request) ||
                 json_object_get(request, "AccessControlPolicy");
    if (!asked) {
        error_set(error, ERROR_INVALID_REQUEST,
                  "Your request was missing a required header: x-amz-acl, x-amz-grant-..., or an "
                  "AccessControlPolicy in the body");
        return NULL;
    }
    return s3_grants_of(call, request, settings, error);
}

json_t *s3_bucket_grants(const struct call *call, const json_t *request, GError **error)
{
    g_autoptr(json_auto) document =
        lake_setting(s3_lake(call), s3_text(request, "Bucket"), S3_BUCKET_ACL, error);
    return json_incref(json_object_get(document, "Grants"));
}

bool s3_get_bucket_acl(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    GError *failure = NULL;
    g_autoptr(json_auto) grants = s3_bucket_grants(call, request, &failure);
    if (failure) {
        g_propagate_error(error, failure);
        return false;
    }
    reply->output = answer(call, grants);
    return true;
}

bool s3_put_bucket_acl(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    if (!s3_check(call, request, error))
        return false;
    GError *failure = NULL;
    g_autoptr(json_auto) grants = read_grants(call, request, &failure);
    if (failure) {
        g_propagate_error(error, failure);
        return false;
    }
    g_autoptr(json_auto) document = grants ? json_pack("{sO}", "Grants", grants) : NULL;
    return lake_set_setting(s3_lake(call), s3_text(request, "Bucket"), S3_BUCKET_ACL, document,
                            error);
}

bool s3_get_object_acl(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_object_auto) object = s3_find(call, request, NULL, reply, error);
    if (!object)
        return false;
    reply->output = answer(call, json_object_get(object->headers, "Grants"));
    return true;
}

static bool change_grants(struct lake_object *object, const void *data, GError **error)
{
    (void)error;
    json_t *changed = json_copy(object->headers);
    json_object_del(changed, "Grants");
    json_put(changed, "Grants", json_incref((json_t *)data));
    json_decref(object->headers);
    object->headers = changed;
    return true;
}

bool s3_put_object_acl(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    if (!s3_check(call, request, error))
        return false;
    GError *failure = NULL;
    g_autoptr(json_auto) grants = read_grants(call, request, &failure);
    if (failure) {
        g_propagate_error(error, failure);
        return false;
    }
    g_autoptr(lake_object_auto) object =
        lake_change(s3_lake(call), s3_text(request, "Bucket"), s3_text(request, "Key"),
                    s3_text(request, "VersionId"), change_grants, grants, error);
    return object != NULL;
}
