/* Where artifacts are: objects of the lake. mlflow-artifacts:/path is the object `path` of a bucket
 * of the account's own, so that a run's artifacts are the same through this server and through S3.
 */
#include <string.h>

#include "lake/lake.h"
#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/sagemaker.h"

#define PROXIED "mlflow-artifacts:/"
#define S3 "s3://"
#define MOST_DECODINGS 8

void place_clear(struct place *place)
{
    g_clear_pointer(&place->bucket, g_free);
    g_clear_pointer(&place->key, g_free);
}

/* ---- what is refused ---- */

/* Decoded until nothing is encoded in it any more; NULL: that never ends. */
static char *decoded(const char *path)
{
    g_autofree char *text = g_strdup(path);
    for (int i = 0; i < MOST_DECODINGS; i++) {
        char *next = g_uri_unescape_string(text, NULL);
        if (!next || strcmp(next, text) == 0) {
            bool hides = !next && strstr(text, "%00"); /* a NUL ends what other readers see */
            g_free(next);
            return hides ? NULL : g_steal_pointer(&text);
        }
        g_free(text);
        text = next;
    }
    return NULL;
}

static bool has_parent(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    return g_strv_contains((const char *const *)parts, "..");
}

static bool is_safe(const char *path)
{
    g_autofree char *text = decoded(path);
    return text && !strpbrk(text, "#\\") && *text != '/' && !g_str_has_prefix(text, "file:") &&
           !has_parent(text) && g_utf8_validate(text, -1, NULL);
}

bool place_check_path(const char *path, GError **error)
{
    return is_safe(path) || error_set(error, ERROR_MLFLOW_VALUE, "Invalid path");
}

/* What follows the scheme, or NULL where it is neither of the two. */
static const char *behind_scheme(const char *location)
{
    if (g_str_has_prefix(location, S3))
        return location + strlen(S3);
    bool is_proxied = g_str_has_prefix(location, PROXIED);
    return is_proxied && location[strlen(PROXIED)] != '/' ? location + strlen(PROXIED) : NULL;
}

bool place_check_location(const char *location, GError **error)
{
    const char *rest = behind_scheme(location);
    bool is_empty = rest && (!*rest || *rest == '/');
    return (rest && !is_empty && is_safe(rest) && !strpbrk(rest, "?%")) ||
           error_set(error, ERROR_MLFLOW_VALUE,
                     "Invalid artifact location '%.512s': artifacts are objects of this home, "
                     "s3://bucket/prefix or mlflow-artifacts:/path, without '..', fragments, "
                     "queries and encoded characters",
                     location);
}

/* ---- where it is ---- */

static char *own_bucket(const struct call *call)
{
    return g_strconcat("mlflow-", call->account, NULL);
}

/* A key that begins and ends with something. */
static char *joined(const char *prefix, const char *path)
{
    char *key = path && *path ? g_strconcat(prefix, "/", path, NULL) : g_strdup(prefix);
    while (g_str_has_suffix(key, "/"))
        key[strlen(key) - 1] = '\0';
    size_t slashes = strspn(key, "/");
    memmove(key, key + slashes, strlen(key) - slashes + 1);
    return key;
}

bool place_find(const struct call *call, const char *location, const char *path,
                struct place *place, GError **error)
{
    const char *rest = behind_scheme(location);
    if (!rest || (path && *path && !place_check_path(path, error)))
        return rest ? false : place_check_location(location, error);
    g_autofree char *plain = path ? g_strdup(path) : NULL;
    if (!g_str_has_prefix(location, S3)) {
        place->bucket = own_bucket(call);
        place->key = joined(rest, plain);
        return true;
    }
    place->bucket = g_strndup(rest, strcspn(rest, "/"));
    place->key = joined(rest + strlen(place->bucket), plain);
    return true;
}

char *place_shown(const struct call *call, const json_t *request, const char *location)
{
    bool is_plugin = json_object_get(request, "TrackingServerArn") != NULL;
    if (!is_plugin || !g_str_has_prefix(location, PROXIED))
        return g_strdup(location);
    g_autofree char *bucket = own_bucket(call);
    return g_strdup_printf(S3 "%s/%s", bucket, location + strlen(PROXIED));
}

bool place_prepare(const struct call *call, GError **error)
{
    g_autofree char *bucket = own_bucket(call);
    GError *cause = NULL;
    if (lake_bucket_create(call->lathe->lake, bucket, call->region, &cause))
        return true;
    bool there = g_error_matches(cause, LATHE_ERROR, ERROR_BUCKET_OWNED_BY_YOU);
    if (there)
        g_error_free(cause);
    else
        g_propagate_error(error, cause);
    return there;
}

char *place_of_server(const struct call *call, const json_t *request)
{
    const char *arn = json_text_at(request, "TrackingServerArn");
    g_autoptr(resource_auto) server =
        arn ? resource_get_by_arn(call->lathe->store, arn, NULL) : NULL;
    const char *place = server ? json_text_at(server->body, "ArtifactStoreUri") : NULL;
    return place ? joined(place, NULL) : NULL;
}
