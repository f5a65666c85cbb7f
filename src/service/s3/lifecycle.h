/* lifecycle.h: what a bucket's lifecycle says of objects, between the files of this folder. */
#ifndef LATHE_SERVICE_S3_LIFECYCLE_H
#define LATHE_SERVICE_S3_LIFECYCLE_H

#include "service/s3/setting.h"

#define S3_LIFECYCLE "LifecycleConfiguration"

s3_setting_check s3_check_lifecycle;

/* Takes away what the lifecycles of all buckets say is due at `now`; day: the length of one. */
void s3_run_lifecycles(struct lake *lake, double now, double day);
/* s3_run_lifecycles, as the service's tidying. */
void s3_tidy(struct lathe *lathe, double now);

/* Expiration, "expiry-date=..., rule-id=...", where a rule of the bucket says when the object
 * goes. */
void s3_put_expiration(const struct call *call, json_t *output, const struct lake_object *object);

#endif
