/* public_bucket.h: buckets that everybody reads on AWS, and that a lake has only once they were
 * fetched. */
#ifndef LATHE_WIRE_PUBLIC_BUCKET_H
#define LATHE_WIRE_PUBLIC_BUCKET_H

#include <glib.h>
#include <stdbool.h>

/* Where the error is NoSuchBucket and the bucket may be such a one: the same error with how it is
 * fetched, else NULL. by_host: it was asked for at AWS's own name. g_error_free. */
GError *public_bucket_hint(const GError *error, const char *bucket, bool by_host);

#endif
