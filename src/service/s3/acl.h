/* acl.h: access lists, between the files of this folder. One account owns everything and nobody
 * else can call, so a list opens nothing: it is checked, kept, and given back. */
#ifndef LATHE_SERVICE_S3_ACL_H
#define LATHE_SERVICE_S3_ACL_H

#include "service/s3/s3_inside.h"

#define S3_BUCKET_ACL "AccessControlPolicy"     /* the setting's name, with {"Grants": [...]} */
#define S3_OWNER_ENFORCED "BucketOwnerEnforced" /* an ownership under which lists do not count */

/* The grants that a request asks for, by its ACL, Grant... headers or AccessControlPolicy, as they
 * are kept: NULL without an error for the owner's alone, which is what all have else. Refused as S3
 * does where the bucket's ownership controls or public access block say so; settings: those of the
 * bucket. */
json_t *s3_grants_of(const struct call *call, const json_t *request, const json_t *settings,
                     GError **error);

/* A bucket's kept grants; NULL without an error where it has the owner's alone. */
json_t *s3_bucket_grants(const struct call *call, const json_t *request, GError **error);

/* Whether grants let others in, were there any. */
bool s3_is_public(const json_t *grants);

#endif
