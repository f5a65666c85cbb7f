/* s3_inside.h: between the files of this folder. */
#ifndef LATHE_SERVICE_S3_S3_INSIDE_H
#define LATHE_SERVICE_S3_S3_INSIDE_H

#include "lake/lake_s3.h"
#include "operation/operation.h"

/* ---- what many requests carry (request.c) ---- */

struct lake *s3_lake(const struct call *call);

/* A member of the request that is text; NULL where it is not given or empty ("prefix="). */
const char *s3_text(const json_t *request, const char *member);

/* What every operation asks first: ExpectedBucketOwner (and ExpectedSourceBucketOwner) is the
 * account, and no member asks for what lathe does not do: versions, object lock, customer keys. */
bool s3_check(const struct call *call, const json_t *request, GError **error);

/* The members that are kept with an object, most of which come back with it: Metadata,
 * CacheControl, ServerSideEncryption, Grants ... NULL: metadata too large, a grant that the bucket
 * refuses. */
json_t *s3_headers(const struct call *call, const json_t *request, GError **error);
/* Adds what they say of encryption to a reply. */
void s3_put_encryption(json_t *output, const json_t *headers);
/* Adds an object's stored members to a reply; the checksum's only where asked for. */
void s3_put_headers(json_t *output, const struct lake_object *object, bool with_checksum);
json_t *s3_etag(const char *etag); /* in quotes */

/* "ChecksumCRC32", g_free. */
char *s3_checksum_member(enum checksum_kind kind);
/* The algorithm that a member names; `*kind` stays where it is not given. */
bool s3_algorithm(const json_t *request, const char *member, enum checksum_kind *kind, bool *given,
                  GError **error);

/* What a request says that its body is. */
struct s3_digests {
    enum checksum_kind kind; /* that the object is to have */
    bool asked;              /* the request named it; else it is S3's default, CRC64NVME */
    const char *expected;    /* base64, or NULL */
    char *md5;               /* hex, or NULL */
};
void s3_digests_clear(struct s3_digests *digests);
bool s3_digests_read(const json_t *request, struct s3_digests *digests, GError **error);
/* ERROR_BAD_DIGEST where the bytes are not what was said. */
bool s3_digests_check(const struct s3_digests *digests, const struct lake_draft *draft,
                      GError **error);

/* If-Match and its kin on an object that is read; names of the members begin with `prefix` ("" or
 * "CopySource"). A copy's "not modified" is a failed precondition. */
bool s3_check_conditions(const json_t *request, const char *prefix,
                         const struct lake_object *object, GError **error);

/* What a header holds percent-encoded, '+' being a space; NULL where it does not decode, or not to
 * UTF-8. g_free. */
char *s3_decode(const char *text);

/* The object that CopySource names, and its bytes. */
struct lake_object *s3_copy_source(const struct call *call, const json_t *request,
                                   struct stream **body, GError **error);

/* The key of a continuation token that the same operation gave out. */
char *s3_token_key(const struct call *call, const char *token, GError **error);
/* A key as text of the reply: percent-encoded where the request asks for EncodingType url. */
json_t *s3_key_text(const json_t *request, const char *key);
json_t *s3_owner(const struct call *call);

/* ---- versions (versions.c) ---- */

/* The object, or the version of it, that a request names, and its bytes where body is not NULL.
 * Where a delete marker is why there is none, the reply says so. */
struct lake_object *s3_find(const struct call *call, const json_t *request, struct stream **body,
                            struct reply *reply, GError **error);
/* VersionId, where the bucket keeps versions. */
void s3_put_version(json_t *output, const struct lake_object *object);
/* The same of an object that was just put: S3 tells an id then, and not that there is none. */
void s3_put_new_version(json_t *output, const struct lake_object *object);

/* ---- locks (lock.c) ---- */

/* What a put says of retention and hold, as the lake keeps a lock; NULL where it says nothing. */
bool s3_read_lock(const json_t *request, json_t **lock, GError **error);
/* ObjectLockMode and its kin. */
void s3_put_lock(json_t *output, const struct lake_object *object);

/* ---- listings (object_list.c) ---- */

bool s3_list_query(const json_t *request, const char *after, struct lake_query *query,
                   GError **error);
/* What all listings say of an object, and of a page. */
json_t *s3_describe_listed(const struct lake_object *object);
json_t *s3_describe_page(const json_t *request, const struct lake_page *page, size_t limit);

/* ---- multipart uploads (multipart.c) ---- */

/* The upload that a request names, after s3_check. */
struct lake_upload *s3_upload_of(const struct call *call, const json_t *request, GError **error);

/* ---- tags (tagging.c) ---- */

/* A TagSet, or Tagging's "a=b&c=d", as the lake keeps tags. NULL: not S3's rules. limit: 10 for an
 * object, 50 for a bucket. */
json_t *s3_tags_of_set(const json_t *set, size_t limit, GError **error);
json_t *s3_tags_of_text(const char *text, GError **error);

/* ---- operations ---- */

operation_function s3_create_bucket, s3_head_bucket, s3_delete_bucket, s3_list_buckets,
    s3_get_bucket_location, s3_get_bucket_policy_status;
operation_function s3_get_bucket_acl, s3_put_bucket_acl, s3_get_object_acl, s3_put_object_acl;
operation_function s3_put_object, s3_copy_object, s3_delete_object, s3_delete_objects;
operation_function s3_get_object, s3_get_object_torrent, s3_head_object, s3_get_object_attributes;
operation_function s3_list_objects, s3_list_objects_v2;
operation_function s3_put_bucket_versioning, s3_get_bucket_versioning, s3_list_object_versions;
operation_function s3_put_object_lock_configuration, s3_get_object_lock_configuration,
    s3_put_object_retention, s3_get_object_retention, s3_put_object_legal_hold,
    s3_get_object_legal_hold;
operation_function s3_create_multipart_upload, s3_upload_part, s3_upload_part_copy,
    s3_complete_multipart_upload, s3_abort_multipart_upload, s3_list_parts,
    s3_list_multipart_uploads;
operation_function s3_get_object_tagging, s3_put_object_tagging, s3_delete_object_tagging;

#endif
