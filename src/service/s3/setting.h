/* setting.h: settings of buckets (CORS, policies, tags ...), between the files of this folder.
 *
 * To add one: a row of setting.c's table, a check where S3 asks more than the shape does, and the
 * operations' names in s3.c and tools/operations/s3.txt. */
#ifndef LATHE_SERVICE_S3_SETTING_H
#define LATHE_SERVICE_S3_SETTING_H

#include "service/s3/s3_inside.h"

/* What is put beyond its shape: refuses it, or completes it as S3 gives it back. document: an
 * object of the one member that is kept. */
typedef bool s3_setting_check(const struct call *call, const json_t *request, json_t *document,
                              GError **error);

struct s3_setting {
    const char *noun;      /* of its operations: "BucketCors" of PutBucketCors */
    const char *member;    /* the document's, in the request, and its name in the lake */
    bool whole;            /* the reply has it under that name too; else the reply is its members */
    const char *otherwise; /* JSON that answers where nothing was put; NULL: an error */
    enum error_code missing; /* that error */
    const char *text;        /* and what it says */
    s3_setting_check *check; /* or NULL */
};

operation_function s3_put_setting, s3_get_setting, s3_delete_setting;

/* A bucket's setting, as {member: document}; NULL without an error where nothing was put. */
json_t *s3_setting(const struct call *call, const json_t *request, const char *member,
                   GError **error);

s3_setting_check s3_check_accelerate, s3_check_cors, s3_check_encryption, s3_check_logging,
    s3_check_notification, s3_check_ownership, s3_check_policy, s3_check_bucket_tags,
    s3_check_public_access_block;

#endif
