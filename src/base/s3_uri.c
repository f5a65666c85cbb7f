#include "base/s3_uri.h"

#include <string.h>

#include "base/error.h"

#define SCHEME "s3://"

bool s3_uri_is(const char *uri)
{
    return uri && g_str_has_prefix(uri, SCHEME) && strcspn(uri + strlen(SCHEME), "/") > 0;
}

bool s3_uri_parse(const char *uri, char **bucket, char **key, GError **error)
{
    if (!s3_uri_is(uri))
        return error_set(error, ERROR_VALIDATION,
                         "\"%s\" is not the address of an object; s3://bucket/key would be", uri);
    const char *name = uri + strlen(SCHEME);
    size_t length = strcspn(name, "/");
    *bucket = g_strndup(name, length);
    *key = g_strdup(name[length] ? name + length + 1 : "");
    return true;
}
