/* Object lock: a bucket's default, retention and legal hold of objects. What holds is decided in
 * the lake, inside the delete. */
#include <string.h>

#include "base/clock.h"
#include "service/s3/s3_inside.h"

/* ---- a bucket's own ---- */

static bool read_length(const json_t *retention, const char *member, json_t *lock, GError **error)
{
    const json_t *given = json_object_get(retention, member);
    if (given && json_integer_value(given) <= 0)
        return error_set(error, ERROR_INVALID_RETENTION,
                         "Default retention period must be a positive integer value: %s is "
                         "%" JSON_INTEGER_FORMAT,
                         member, json_integer_value(given));
    json_put(lock, member, json_incref((json_t *)given));
    return true;
}

static json_t *read_default(const json_t *configuration, GError **error)
{
    g_autoptr(json_auto) lock = json_object();
    const json_t *rule = json_object_get(configuration, "Rule");
    const json_t *retention = json_object_get(rule, "DefaultRetention");
    const char *mode = json_text_at(retention, "Mode");
    bool days = json_object_get(retention, "Days"), years = json_object_get(retention, "Years");
    if (!json_text_at(configuration, "ObjectLockEnabled") || (rule && (!mode || days == years))) {
        error_set(error, ERROR_MALFORMED_XML,
                  "an ObjectLockConfiguration has ObjectLockEnabled, and its DefaultRetention a "
                  "Mode and either Days or Years");
        return NULL;
    }
    json_put(lock, "Mode", mode ? json_string(mode) : NULL);
    return read_length(retention, "Days", lock, error) &&
                   read_length(retention, "Years", lock, error)
               ? g_steal_pointer(&lock)
               : NULL;
}

bool s3_put_object_lock_configuration(const struct call *call, const json_t *request,
                                      struct reply *reply, GError **error)
{
    (void)reply;
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(json_auto) lock =
        read_default(json_object_get(request, "ObjectLockConfiguration"), error);
    return lock && lake_set_lock(s3_lake(call), s3_text(request, "Bucket"), lock, error);
}

bool s3_get_object_lock_configuration(const struct call *call, const json_t *request,
                                      struct reply *reply, GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_bucket_auto) bucket =
        lake_bucket_get(s3_lake(call), s3_text(request, "Bucket"), error);
    if (!bucket)
        return false;
    if (!bucket->lock)
        return error_set(error, ERROR_NO_BUCKET_LOCK,
                         "Object Lock configuration does not exist for this bucket: %s",
                         bucket->name);
    reply->output = json_pack("{s{ss}}", "ObjectLockConfiguration", "ObjectLockEnabled", "Enabled");
    if (json_object_size(bucket->lock))
        json_object_set_new(json_object_get(reply->output, "ObjectLockConfiguration"), "Rule",
                            json_pack("{sO}", "DefaultRetention", bucket->lock));
    return true;
}

/* ---- an object's ---- */

static bool check_future(double until, GError **error)
{
    g_autofree char *given = clock_iso(until);
    return until > clock_now() ||
           error_set(error, ERROR_INVALID_ARGUMENT,
                     "The retain until date must be in the future!: %s", given);
}

bool s3_read_lock(const json_t *request, json_t **lock, GError **error)
{
    const char *mode = s3_text(request, "ObjectLockMode");
    const char *hold = s3_text(request, "ObjectLockLegalHoldStatus");
    const json_t *until = json_object_get(request, "ObjectLockRetainUntilDate");
    *lock = NULL;
    if (!mode != !until)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both "
                         "be supplied");
    if (until && !check_future(json_number_value(until), error))
        return false;
    if (!mode && !hold)
        return true;
    *lock = json_object();
    json_put(*lock, "Mode", mode ? json_string(mode) : NULL);
    json_put(*lock, "Until", until ? json_incref((json_t *)until) : NULL);
    json_put(*lock, "Hold", hold ? json_string(hold) : NULL);
    return true;
}

void s3_put_lock(json_t *output, const struct lake_object *object)
{
    static const char *const names[][2] = {{"Mode", "ObjectLockMode"},
                                           {"Until", "ObjectLockRetainUntilDate"},
                                           {"Hold", "ObjectLockLegalHoldStatus"}};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        json_put(output, names[i][1], json_incref(json_object_get(object->lock, names[i][0])));
}

/* Locks are asked for and set only where the bucket has them. */
static bool require_lock(const struct call *call, const json_t *request, GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_bucket_auto) bucket =
        lake_bucket_get(s3_lake(call), s3_text(request, "Bucket"), error);
    return bucket && (bucket->lock || error_set(error, ERROR_INVALID_REQUEST,
                                                "Bucket is missing Object Lock Configuration"));
}

static bool change(const struct call *call, const json_t *request, lake_changer *changer,
                   GError **error)
{
    g_autoptr(lake_object_auto) object =
        lake_change(s3_lake(call), s3_text(request, "Bucket"), s3_text(request, "Key"),
                    s3_text(request, "VersionId"), changer, request, error);
    return object != NULL;
}

/* Sets a member of the object's lock; NULL removes it. Takes value. */
static void set_member(struct lake_object *object, const char *name, json_t *value)
{
    if (!object->lock)
        object->lock = json_object();
    if (value)
        json_object_set_new(object->lock, name, value);
    else
        json_object_del(object->lock, name);
}

/* What holds now may be made longer, or stricter by who may bypass it; nothing else. */
static bool change_retention(struct lake_object *object, const void *data, GError **error)
{
    const json_t *request = data;
    const json_t *retention = json_object_get(request, "Retention");
    const char *mode = json_text_at(retention, "Mode");
    double until = json_number_at(retention, "RetainUntilDate", 0);
    const char *was = json_text_at(object->lock, "Mode");
    double was_until = json_number_at(object->lock, "Until", 0);
    bool holds = was && was_until > clock_now();
    bool longer = mode && until >= was_until && strcmp(mode, was ? was : mode) == 0;
    bool bypass =
        json_true_at(request, "BypassGovernanceRetention") && g_strcmp0(was, "GOVERNANCE") == 0;
    if (holds && !longer && !bypass)
        return error_set(error, ERROR_ACCESS_DENIED,
                         "Access Denied because object protected by object lock: %s of s3://%s/%s",
                         object->version, object->bucket, object->key);
    set_member(object, "Mode", mode ? json_string(mode) : NULL);
    set_member(object, "Until", mode ? json_real(until) : NULL);
    return true;
}

bool s3_put_object_retention(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    (void)reply;
    const json_t *retention = json_object_get(request, "Retention");
    const json_t *until = json_object_get(retention, "RetainUntilDate");
    if (!require_lock(call, request, error))
        return false;
    if (!retention || !json_object_get(retention, "Mode") != !until)
        return error_set(error, ERROR_MALFORMED_XML,
                         "a Retention has both a Mode and a RetainUntilDate, or none");
    return (!until || check_future(json_number_value(until), error)) &&
           change(call, request, change_retention, error);
}

static bool change_hold(struct lake_object *object, const void *data, GError **error)
{
    (void)error;
    const char *status = json_text_at(data, "LegalHold.Status");
    set_member(object, "Hold", json_string(status));
    return true;
}

bool s3_put_object_legal_hold(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply;
    if (!require_lock(call, request, error))
        return false;
    if (!json_text_at(request, "LegalHold.Status"))
        return error_set(error, ERROR_MALFORMED_XML, "a LegalHold has a Status, ON or OFF");
    return change(call, request, change_hold, error);
}

static struct lake_object *find_locked(const struct call *call, const json_t *request,
                                       const char *member, struct reply *reply, GError **error)
{
    if (!require_lock(call, request, error))
        return NULL;
    g_autoptr(lake_object_auto) object = s3_find(call, request, NULL, reply, error);
    if (!object || json_object_get(object->lock, member))
        return g_steal_pointer(&object);
    error_set(error, ERROR_NO_OBJECT_LOCK,
              "The specified object does not have a ObjectLock configuration: s3://%s/%s",
              object->bucket, object->key);
    return NULL;
}

bool s3_get_object_retention(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    g_autoptr(lake_object_auto) object = find_locked(call, request, "Mode", reply, error);
    if (object)
        reply->output =
            json_pack("{s{sOsO}}", "Retention", "Mode", json_object_get(object->lock, "Mode"),
                      "RetainUntilDate", json_object_get(object->lock, "Until"));
    return object != NULL;
}

bool s3_get_object_legal_hold(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(lake_object_auto) object = find_locked(call, request, "Hold", reply, error);
    if (object)
        reply->output =
            json_pack("{s{sO}}", "LegalHold", "Status", json_object_get(object->lock, "Hold"));
    return object != NULL;
}
