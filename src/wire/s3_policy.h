/* s3_policy.h: the policy of a browser's form on a bucket. Its signature proves nothing, since any
 * credentials are accepted; what it says is held all the same. */
#ifndef LATHE_WIRE_S3_POLICY_H
#define LATHE_WIRE_S3_POLICY_H

#include <glib.h>
#include <stdbool.h>

struct s3_size_range {
    gint64 least, most;
};

/* Holds a form's fields (struct url_pair) against the policy among them; without one, anything
 * goes. The size that the file may have comes out in range. ERROR_ACCESS_DENIED where the form does
 * not fit or the policy has expired, ERROR_INVALID_POST_POLICY where it is none. */
bool s3_policy_check(const GArray *fields, const char *bucket, double now,
                     struct s3_size_range *range, GError **error);

/* A field of the form, whatever the case of its name, or NULL. */
const char *s3_field(const GArray *fields, const char *name);

#endif
