/* s3_uri.h: the address of an object, s3://bucket/key. */
#ifndef LATHE_BASE_S3_URI_H
#define LATHE_BASE_S3_URI_H

#include <glib.h>
#include <stdbool.h>

/* Whether it is one; NULL is none. */
bool s3_uri_is(const char *uri);
/* Its bucket and key, g_free; the key is "" in "s3://bucket". ERROR_VALIDATION where it is none. */
bool s3_uri_parse(const char *uri, char **bucket, char **key, GError **error);

#endif
