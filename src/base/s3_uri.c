#include "base/s3_uri.h"

#include <string.h>

#include "base/error.h"

#define SCHEME "s3://"
#define HOST \
    "https://(?:([a-z0-9][a-z0-9.-]*)\\.)?s3(?:[.-][a-z0-9-]+){0,2}\\.amazonaws\\.com(?:\\.cn)?/"

/* Bytes in front of the bucket's name where the host has none, and of the host; the bucket that the
 * host has, or NULL. 0 bytes: it is no address of S3's. */
static size_t pass_host(const char *uri, char **bucket)
{
    if (!g_str_has_prefix(uri, "https://"))
        return 0;
    g_autoptr(GRegex) host = g_regex_new(HOST, G_REGEX_ANCHORED, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    int end = 0;
    if (!g_regex_match(host, uri, 0, &match) || !g_match_info_fetch_pos(match, 0, NULL, &end))
        return 0;
    *bucket = g_match_info_fetch(match, 1);
    return (size_t)end;
}

static const char *pass_start(const char *uri, char **bucket)
{
    bool plain = g_str_has_prefix(uri, SCHEME);
    size_t size = plain ? strlen(SCHEME) : pass_host(uri, bucket);
    if (*bucket && !**bucket)
        g_clear_pointer(bucket, g_free);
    return size ? uri + size : NULL;
}

/* Where the key begins, its slash passed; NULL: it is no address. */
static const char *pass_bucket(const char *uri, char **bucket)
{
    const char *name = uri ? pass_start(uri, bucket) : NULL;
    if (!name || *bucket)
        return name;
    size_t length = strcspn(name, "/");
    if (!length)
        return NULL;
    *bucket = g_strndup(name, length);
    return name + length + (name[length] != '\0');
}

bool s3_uri_is(const char *uri)
{
    g_autofree char *bucket = NULL;
    return pass_bucket(uri, &bucket) != NULL;
}

bool s3_uri_parse(const char *uri, char **bucket, char **key, GError **error)
{
    char *found = NULL;
    const char *rest = pass_bucket(uri, &found);
    if (!rest)
        return error_set(error, ERROR_VALIDATION,
                         "\"%s\" is not the address of an object; s3://bucket/key would be", uri);
    *bucket = found;
    *key = g_strdup(rest);
    return true;
}
