/* s3_uri.h: the address of an object, s3://bucket/key or as S3's own hosts have it. */
#ifndef LATHE_BASE_S3_URI_H
#define LATHE_BASE_S3_URI_H

#include <glib.h>
#include <stdbool.h>

/* Whether it is one; NULL is none. So are https://bucket.s3.region.amazonaws.com/key,
 * https://s3.region.amazonaws.com/bucket/key, and both with "s3-region" or no region. */
bool s3_uri_is(const char *uri);
/* Its bucket and key, g_free; the key is "" in "s3://bucket". ERROR_VALIDATION where it is none. */
bool s3_uri_parse(const char *uri, char **bucket, char **key, GError **error);

#endif
