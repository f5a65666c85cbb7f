/* Lifecycles: objects, old versions, delete markers and uploads that rules of their bucket let go.
 *
 * What a run deletes it deletes as a client would, a page at a time, under the condition that it is
 * still what was looked at; what cannot be deleted (locked) stays for a later run. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "service/home.h"
#include "service/s3/lifecycle.h"

#define REAL_DAY 86400.0
enum { PAGE = 1000 };

/* ---- rules ---- */

static const char *prefix_of(const json_t *rule)
{
    static const char *const places[] = {"Filter.Prefix", "Filter.And.Prefix", "Prefix"};
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
        if (json_text_at(rule, places[i]))
            return json_text_at(rule, places[i]);
    return "";
}

static bool has_tag(const struct lake_object *object, const json_t *tag)
{
    const char *key = json_text_at(tag, "Key");
    return g_strcmp0(json_text_at(tag, "Value"),
                     json_string_value(json_object_get(object->tags, key))) == 0;
}

static bool fits_conditions(const json_t *conditions, const struct lake_object *object)
{
    const json_t *tag = json_object_get(conditions, "Tag");
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(conditions, "Tags"), i, one)
    {
        if (!has_tag(object, one))
            return false;
    }
    return (!tag || has_tag(object, tag)) &&
           object->size > json_integer_at(conditions, "ObjectSizeGreaterThan", -1) &&
           object->size < json_integer_at(conditions, "ObjectSizeLessThan", G_MAXINT64);
}

/* Whether the rule chooses the object, whose key has its prefix. */
static bool fits(const json_t *rule, const struct lake_object *object)
{
    const json_t *filter = json_object_get(rule, "Filter");
    return fits_conditions(filter, object) &&
           fits_conditions(json_object_get(filter, "And"), object);
}

/* The end of so many days, which S3 counts to the midnight after them. */
static double end_of_days(double since, double days, double day)
{
    return ceil((since + days * day) / day) * day;
}

/* When an object expires that the rule chooses; INFINITY: never. */
static double expiry(const json_t *rule, double modified, double day)
{
    const json_t *expiration = json_object_get(rule, "Expiration");
    const json_t *date = json_object_get(expiration, "Date");
    const json_t *days = json_object_get(expiration, "Days");
    if (date)
        return json_number_value(date);
    return days ? end_of_days(modified, json_number_value(days), day) : INFINITY;
}

static bool is_enabled(const json_t *rule)
{
    return g_strcmp0(json_text_at(rule, "Status"), "Enabled") == 0;
}

/* ---- a run ---- */

struct sweep {
    struct lake *lake;
    const char *bucket;
    const json_t *rule;
    double now, day;
    GArray *deletions; /* of struct lake_deletion, whose texts the page owns */
};

static bool delete_gathered(struct sweep *run, GError **error)
{
    GArray *deletions = run->deletions;
    bool deleted =
        !deletions->len ||
        lake_delete_all(run->lake, run->bucket, &g_array_index(deletions, struct lake_deletion, 0),
                        deletions->len, error);
    for (guint i = 0; i < deletions->len; i++)
        lake_deletion_clear(&g_array_index(deletions, struct lake_deletion, i));
    g_array_set_size(deletions, 0);
    return deleted;
}

static void gather(struct sweep *run, const struct lake_object *object, const char *version)
{
    struct lake_deletion deletion = {
        .key = object->key,
        .version = version,
        .conditions = {.size = &object->size, .modified = &object->modified}};
    g_array_append_val(run->deletions, deletion);
}

/* Current objects that have expired. */
static bool expire_objects(struct sweep *run, GError **error)
{
    g_autofree char *after = NULL;
    bool done = true;
    do {
        struct lake_query query = {.prefix = prefix_of(run->rule), .after = after, .limit = PAGE};
        struct lake_page page;
        if (!lake_list_page(run->lake, run->bucket, &query, &page, error))
            return false;
        for (guint i = 0; i < page.objects->len; i++) {
            const struct lake_object *object = g_ptr_array_index(page.objects, i);
            if (expiry(run->rule, object->modified, run->day) <= run->now &&
                fits(run->rule, object))
                gather(run, object, NULL);
        }
        done = delete_gathered(run, error);
        g_free(after);
        after = g_steal_pointer(&page.next);
        lake_page_clear(&page);
    } while (done && after);
    return done;
}

/* What a walk over versions, newest of a key first, remembers of those it has passed. */
struct passed {
    char *key;
    double modified;            /* of the version before: since then this one is not current */
    gint64 newer;               /* noncurrent versions of the key that were passed */
    struct lake_object *marker; /* the latest of its key, which may be all there is */
};

static bool marker_goes(const struct sweep *run, const struct lake_object *marker)
{
    const json_t *expiration = json_object_get(run->rule, "Expiration");
    return json_true_at(expiration, "ExpiredObjectDeleteMarker") ||
           expiry(run->rule, marker->modified, run->day) <= run->now;
}

static bool noncurrent_goes(const struct sweep *run, const struct lake_object *object,
                            const struct passed *passed)
{
    const json_t *action = json_object_get(run->rule, "NoncurrentVersionExpiration");
    double days = json_number_at(action, "NoncurrentDays", 0);
    return action && passed->newer >= json_integer_at(action, "NewerNoncurrentVersions", 0) &&
           end_of_days(passed->modified, days, run->day) <= run->now && fits(run->rule, object);
}

/* A delete marker with nothing below it has nothing to hide. */
static void settle_marker(struct sweep *run, struct passed *passed)
{
    if (passed->marker && marker_goes(run, passed->marker) && fits(run->rule, passed->marker))
        gather(run, passed->marker, passed->marker->version);
}

static void take_version(struct sweep *run, struct passed *passed, struct lake_object *object)
{
    bool same = g_strcmp0(passed->key, object->key) == 0;
    if (!same)
        settle_marker(run, passed);
    passed->marker = !same && object->marker ? object : NULL;
    if (same && noncurrent_goes(run, object, passed))
        gather(run, object, object->version);
    passed->newer = same ? passed->newer + 1 : 0;
    passed->modified = object->modified;
    g_free(passed->key);
    passed->key = g_strdup(object->key);
}

static bool expire_versions(struct sweep *run, GError **error)
{
    struct lake_versions_query query = {{.prefix = prefix_of(run->rule), .limit = PAGE}, NULL};
    struct lake_versions_page page = {0}, before = {0}; /* whose last marker may be pending */
    struct passed passed = {0};
    bool done = true, more = true;
    while (done && more) {
        done = lake_list_versions(run->lake, run->bucket, &query, &page, error);
        if (!done)
            break;
        for (guint i = 0; i < page.page.objects->len; i++)
            take_version(run, &passed, g_ptr_array_index(page.page.objects, i));
        more = page.page.next != NULL;
        if (!more)
            settle_marker(run, &passed);
        done = delete_gathered(run, error);
        lake_versions_page_clear(&before);
        before = page;
        query.query.after = before.page.next;
        query.after_version = before.next_version;
    }
    lake_versions_page_clear(&before);
    g_free(passed.key);
    return done;
}

static bool abort_uploads(struct sweep *run, double days, GError **error)
{
    g_autofree char *after = NULL, *after_id = NULL;
    guint count;
    do {
        g_autoptr(GPtrArray) uploads = lake_upload_list(
            run->lake, run->bucket, prefix_of(run->rule), after, after_id, PAGE, error);
        if (!uploads)
            return false;
        count = uploads->len;
        for (guint i = 0; i < count; i++) {
            const struct lake_upload *upload = g_ptr_array_index(uploads, i);
            g_free(after);
            g_free(after_id);
            after = g_strdup(upload->key);
            after_id = g_strdup(upload->id);
            if (end_of_days(upload->initiated, days, run->day) <= run->now)
                lake_upload_abort(run->lake, upload, NULL); /* or it ended meanwhile */
        }
    } while (count == PAGE);
    return true;
}

static bool run_rule(struct sweep *run, bool versioned, GError **error)
{
    const json_t *expiration = json_object_get(run->rule, "Expiration");
    const json_t *days = json_at(run->rule, "AbortIncompleteMultipartUpload.DaysAfterInitiation");
    bool versions =
        versioned && (expiration || json_object_get(run->rule, "NoncurrentVersionExpiration"));
    return (!expiration || expire_objects(run, error)) &&
           (!versions || expire_versions(run, error)) &&
           (!days || abort_uploads(run, json_number_value(days), error));
}

static void run_bucket(struct sweep *run, bool versioned)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_auto) document = lake_setting(run->lake, run->bucket, S3_LIFECYCLE, &error);
    size_t i;
    json_t *rule;
    json_array_foreach(json_at(document, S3_LIFECYCLE ".Rules"), i, rule)
    {
        run->rule = rule;
        if (!error && is_enabled(rule))
            run_rule(run, versioned, &error);
    }
    if (error && !g_error_matches(error, LATHE_ERROR, ERROR_NO_SUCH_BUCKET))
        g_warning("the lifecycle of bucket %s: %s", run->bucket, error->message);
}

void s3_run_lifecycles(struct lake *lake, double now, double day)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) buckets = lake_bucket_list(lake, &error);
    if (!buckets) {
        g_warning("lifecycles: %s", error->message);
        return;
    }
    g_autoptr(GArray) deletions = g_array_new(FALSE, FALSE, sizeof(struct lake_deletion));
    for (guint i = 0; i < buckets->len; i++) {
        const struct lake_bucket *bucket = g_ptr_array_index(buckets, i);
        struct sweep run = {
            .lake = lake, .bucket = bucket->name, .now = now, .day = day, .deletions = deletions};
        if (bucket->lifecycle)
            run_bucket(&run, bucket->versioning != NULL);
    }
}

void s3_tidy(struct lathe *lathe, double now)
{
    s3_run_lifecycles(lathe->lake, now, lathe->day);
}

/* ---- replies ---- */

/* Of several rules the first to come counts. */
static const json_t *next_rule(const json_t *rules, const struct lake_object *object, double *at)
{
    const json_t *next = NULL;
    size_t i;
    const json_t *rule;
    *at = INFINITY;
    json_array_foreach(rules, i, rule)
    {
        double due = expiry(rule, object->modified, REAL_DAY);
        if (due < *at && is_enabled(rule) && g_str_has_prefix(object->key, prefix_of(rule)) &&
            fits(rule, object)) {
            next = rule;
            *at = due;
        }
    }
    return next;
}

void s3_put_expiration(const struct call *call, json_t *output, const struct lake_object *object)
{
    if (!object->lifecycle)
        return;
    double at;
    g_autoptr(json_auto) document = lake_setting(s3_lake(call), object->bucket, S3_LIFECYCLE, NULL);
    const json_t *rule = next_rule(json_at(document, S3_LIFECYCLE ".Rules"), object, &at);
    if (!rule)
        return;
    g_autofree char *date = clock_http(at);
    g_autofree char *id = g_uri_escape_string(json_text_at(rule, "ID"), NULL, FALSE);
    json_object_set_new(output, "Expiration",
                        json_sprintf("expiry-date=\"%s\", rule-id=\"%s\"", date, id));
}
