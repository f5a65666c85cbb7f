#include "service/s3/s3_internal.h"

static const struct operation operations[] = {
    {"CreateBucket", s3_create_bucket, OPERATION_BLOCKING},
    {"HeadBucket", s3_head_bucket, OPERATION_BLOCKING},
    {"DeleteBucket", s3_delete_bucket, OPERATION_BLOCKING},
    {"ListBuckets", s3_list_buckets, OPERATION_BLOCKING},
    {"GetBucketLocation", s3_get_bucket_location, OPERATION_BLOCKING},
    {"GetBucketTagging", s3_get_bucket_tagging, OPERATION_BLOCKING},
    {"PutBucketTagging", s3_put_bucket_tagging, OPERATION_BLOCKING},
    {"DeleteBucketTagging", s3_delete_bucket_tagging, OPERATION_BLOCKING},
    {"PutObject", s3_put_object, OPERATION_STREAMS},
    {"GetObject", s3_get_object, OPERATION_BLOCKING},
    {"HeadObject", s3_head_object, OPERATION_BLOCKING},
    {"CopyObject", s3_copy_object, OPERATION_BLOCKING},
    {"DeleteObject", s3_delete_object, OPERATION_BLOCKING},
    {"DeleteObjects", s3_delete_objects, OPERATION_BLOCKING},
    {"GetObjectTagging", s3_get_object_tagging, OPERATION_BLOCKING},
    {"PutObjectTagging", s3_put_object_tagging, OPERATION_BLOCKING},
    {"DeleteObjectTagging", s3_delete_object_tagging, OPERATION_BLOCKING},
    {"ListObjects", s3_list_objects, OPERATION_BLOCKING},
    {"ListObjectsV2", s3_list_objects_v2, OPERATION_BLOCKING},
    {"CreateMultipartUpload", s3_create_multipart_upload, OPERATION_BLOCKING},
    {"UploadPart", s3_upload_part, OPERATION_STREAMS},
    {"UploadPartCopy", s3_upload_part_copy, OPERATION_BLOCKING},
    {"CompleteMultipartUpload", s3_complete_multipart_upload, OPERATION_BLOCKING},
    {"AbortMultipartUpload", s3_abort_multipart_upload, OPERATION_BLOCKING},
    {"ListParts", s3_list_parts, OPERATION_BLOCKING},
    {"ListMultipartUploads", s3_list_multipart_uploads, OPERATION_BLOCKING},
};

const struct service s3_service = {
    .name = "s3",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
