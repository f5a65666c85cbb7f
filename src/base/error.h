/* error.h: the errors of everything above floor 0, each named for the AWS error that it becomes.
 *
 * One table: names and HTTP statuses that clients match stand here, nowhere else. A function that
 * fails sets a GError of LATHE_ERROR with one of these codes and a text that says what was
 * attempted, on what, what was found and what would be right. */
#ifndef LATHE_BASE_ERROR_H
#define LATHE_BASE_ERROR_H

#include <glib.h>

#include "lathe.h"

/* X(code, AWS's name on the wire, HTTP status) */
#define ERROR_TABLE(X)                                                       \
    X(ERROR_INTERNAL, "InternalFailure", 500)                                \
    X(ERROR_VALIDATION, "ValidationException", 400)                          \
    X(ERROR_VALIDATION_RUNTIME, "ValidationError", 400)                      \
    X(ERROR_NOT_FOUND, "ResourceNotFound", 400)                              \
    X(ERROR_NOT_FOUND_EXCEPTION, "ResourceNotFoundException", 400)           \
    X(ERROR_IN_USE, "ResourceInUse", 400)                                    \
    X(ERROR_IN_USE_EXCEPTION, "ResourceInUseException", 400)                 \
    X(ERROR_INVALID_ARGUMENT_EXCEPTION, "InvalidArgumentException", 400)     \
    X(ERROR_CONCURRENT_CHANGE, "ConcurrentModificationException", 400)       \
    X(ERROR_LIMIT_EXCEEDED_EXCEPTION, "LimitExceededException", 400)         \
    X(ERROR_THROUGHPUT, "ProvisionedThroughputExceededException", 400)       \
    X(ERROR_EXPIRED_ITERATOR, "ExpiredIteratorException", 400)               \
    X(ERROR_EXPIRED_NEXT_TOKEN, "ExpiredNextTokenException", 400)            \
    X(ERROR_BACK_OFF, "ServiceUnavailableException", 500)                    \
    X(ERROR_ALREADY_EXISTS_RESOURCE, "ResourceAlreadyExistsException", 400)  \
    X(ERROR_ENTITY_NOT_FOUND, "EntityNotFoundException", 400)                \
    X(ERROR_ALREADY_EXISTS, "AlreadyExistsException", 400)                   \
    X(ERROR_INVALID_INPUT_EXCEPTION, "InvalidInputException", 400)           \
    X(ERROR_CRAWLER_RUNNING, "CrawlerRunningException", 400)                 \
    X(ERROR_CRAWLER_NOT_RUNNING, "CrawlerNotRunningException", 400)          \
    X(ERROR_CRAWLER_STOPPING, "CrawlerStoppingException", 400)               \
    X(ERROR_SCHEDULER_RUNNING, "SchedulerRunningException", 400)             \
    X(ERROR_SCHEDULER_NOT_RUNNING, "SchedulerNotRunningException", 400)      \
    X(ERROR_NO_SCHEDULE, "NoScheduleException", 400)                         \
    X(ERROR_CONCURRENT_RUNS, "ConcurrentRunsExceededException", 400)         \
    X(ERROR_ILLEGAL_WORKFLOW_STATE, "IllegalWorkflowStateException", 400)    \
    X(ERROR_TOO_MANY, "ResourceNumberLimitExceededException", 400)           \
    X(ERROR_CONFLICT, "ConflictException", 400)                              \
    X(ERROR_LIMIT_EXCEEDED, "ResourceLimitExceeded", 400)                    \
    X(ERROR_UNKNOWN_OPERATION, "UnknownOperationException", 400)             \
    X(ERROR_INVALID_ACTION, "InvalidAction", 400)                            \
    X(ERROR_SERIALIZATION, "SerializationException", 400)                    \
    X(ERROR_INVALID_PARAMETER, "InvalidParameterException", 400)             \
    X(ERROR_INVALID_PARAMETER_VALUE, "InvalidParameterValue", 400)           \
    X(ERROR_INVALID_REQUEST_EXCEPTION, "InvalidRequestException", 400)       \
    X(ERROR_METADATA, "MetadataException", 400)                              \
    X(ERROR_TOO_MANY_REQUESTS, "TooManyRequestsException", 400)              \
    X(ERROR_INVALID_NEXT_TOKEN, "InvalidNextToken", 400)                     \
    X(ERROR_INVALID_INPUT, "InvalidInput", 400)                              \
    X(ERROR_PARAMETER_NOT_FOUND, "ParameterNotFound", 400)                   \
    X(ERROR_PARAMETER_VERSION, "ParameterVersionNotFound", 400)              \
    X(ERROR_PARAMETER_EXISTS, "ParameterAlreadyExists", 400)                 \
    X(ERROR_MODEL, "ModelError", 424)                                        \
    X(ERROR_MODEL_NOT_READY, "ModelNotReadyException", 429)                  \
    X(ERROR_SERVICE_UNAVAILABLE, "ServiceUnavailable", 503)                  \
    /* Of a worker process that had the call: it ended, or took too long. */ \
    X(ERROR_PROCESS_ENDED, "ServiceUnavailable", 503)                        \
    X(ERROR_PROCESS_LATE, "ServiceUnavailable", 503)                         \
    X(ERROR_NO_SUCH_ENTITY, "NoSuchEntity", 404)                             \
    X(ERROR_ACCESS_DENIED, "AccessDenied", 403)                              \
    X(ERROR_NO_SUCH_BUCKET, "NoSuchBucket", 404)                             \
    X(ERROR_NO_SUCH_KEY, "NoSuchKey", 404)                                   \
    X(ERROR_NO_SUCH_VERSION, "NoSuchVersion", 404)                           \
    X(ERROR_INVALID_BUCKET_STATE, "InvalidBucketState", 409)                 \
    X(ERROR_INVALID_RETENTION, "InvalidRetentionPeriod", 400)                \
    X(ERROR_NO_OBJECT_LOCK, "NoSuchObjectLockConfiguration", 404)            \
    X(ERROR_NO_BUCKET_LOCK, "ObjectLockConfigurationNotFoundError", 404)     \
    X(ERROR_NO_SUCH_LIFECYCLE, "NoSuchLifecycleConfiguration", 404)          \
    X(ERROR_NO_SUCH_UPLOAD, "NoSuchUpload", 404)                             \
    X(ERROR_INVALID_TAG, "InvalidTag", 400)                                  \
    X(ERROR_METADATA_TOO_LARGE, "MetadataTooLarge", 400)                     \
    X(ERROR_INVALID_PART_NUMBER, "InvalidPartNumber", 416)                   \
    X(ERROR_NO_SUCH_TAG_SET, "NoSuchTagSet", 404)                            \
    X(ERROR_NO_SUCH_BUCKET_POLICY, "NoSuchBucketPolicy", 404)                \
    X(ERROR_NO_SUCH_CORS, "NoSuchCORSConfiguration", 404)                    \
    X(ERROR_NO_SUCH_WEBSITE, "NoSuchWebsiteConfiguration", 404)              \
    X(ERROR_NO_REPLICATION, "ReplicationConfigurationNotFoundError", 404)    \
    X(ERROR_NO_OWNERSHIP, "OwnershipControlsNotFoundError", 404)             \
    X(ERROR_NO_ACCESS_BLOCK, "NoSuchPublicAccessBlockConfiguration", 404)    \
    X(ERROR_MALFORMED_POLICY, "MalformedPolicy", 400)                        \
    X(ERROR_MALFORMED_ACL, "MalformedACLError", 400)                         \
    X(ERROR_ACL_NOT_SUPPORTED, "AccessControlListNotSupported", 400)         \
    X(ERROR_ACL_WITH_OWNER, "InvalidBucketAclWithObjectOwnership", 400)      \
    X(ERROR_UNRESOLVABLE_GRANT, "UnresolvableGrantByEmailAddress", 400)      \
    X(ERROR_INVALID_LOG_TARGET, "InvalidTargetBucketForLogging", 400)        \
    X(ERROR_MALFORMED_POST, "MalformedPOSTRequest", 400)                     \
    X(ERROR_POST_TOO_LARGE, "MaxPostPreDataLengthExceededError", 400)        \
    X(ERROR_INVALID_POST_POLICY, "InvalidPolicyDocument", 400)               \
    X(ERROR_BUCKET_OWNED_BY_YOU, "BucketAlreadyOwnedByYou", 409)             \
    X(ERROR_BUCKET_NOT_EMPTY, "BucketNotEmpty", 409)                         \
    X(ERROR_INVALID_BUCKET_NAME, "InvalidBucketName", 400)                   \
    X(ERROR_INVALID_ARGUMENT, "InvalidArgument", 400)                        \
    X(ERROR_INVALID_REQUEST, "InvalidRequest", 400)                          \
    X(ERROR_BAD_REQUEST, "BadRequest", 400)                                  \
    X(ERROR_AUTHORIZATION_QUERY, "AuthorizationQueryParametersError", 400)   \
    X(ERROR_INVALID_REDIRECT, "InvalidRedirectLocation", 400)                \
    X(ERROR_INVALID_RANGE, "InvalidRange", 416)                              \
    X(ERROR_INVALID_DIGEST, "InvalidDigest", 400)                            \
    X(ERROR_BAD_DIGEST, "BadDigest", 400)                                    \
    X(ERROR_CONTENT_SHA256_MISMATCH, "XAmzContentSHA256Mismatch", 400)       \
    X(ERROR_INVALID_PART, "InvalidPart", 400)                                \
    X(ERROR_INVALID_PART_ORDER, "InvalidPartOrder", 400)                     \
    X(ERROR_ENTITY_TOO_SMALL, "EntityTooSmall", 400)                         \
    X(ERROR_ENTITY_TOO_LARGE, "EntityTooLarge", 400)                         \
    X(ERROR_KEY_TOO_LONG, "KeyTooLongError", 400)                            \
    X(ERROR_MALFORMED_XML, "MalformedXML", 400)                              \
    X(ERROR_INCOMPLETE_BODY, "IncompleteBody", 400)                          \
    X(ERROR_MISSING_CONTENT_LENGTH, "MissingContentLength", 411)             \
    X(ERROR_PRECONDITION_FAILED, "PreconditionFailed", 412)                  \
    X(ERROR_NOT_MODIFIED, "NotModified", 304)                                \
    X(ERROR_NOT_IMPLEMENTED, "NotImplemented", 501)                          \
    X(ERROR_METHOD_NOT_ALLOWED, "MethodNotAllowed", 405)                     \
    X(ERROR_SLOW_DOWN, "SlowDown", 503)                                      \
    X(ERROR_CANCELLED, "RequestCanceled", 400)                               \
    /* MLflow's. */                                                          \
    X(ERROR_MLFLOW_MISSING, "RESOURCE_DOES_NOT_EXIST", 404)                  \
    X(ERROR_MLFLOW_TAKEN, "RESOURCE_ALREADY_EXISTS", 400)                    \
    X(ERROR_MLFLOW_VALUE, "INVALID_PARAMETER_VALUE", 400)                    \
    X(ERROR_MLFLOW_STATE, "INVALID_STATE", 400)

enum error_code {
#define ERROR_CODE(code, name, status) code,
    ERROR_TABLE(ERROR_CODE)
#undef ERROR_CODE
};

#define LATHE_ERROR (error_quark())
GQuark error_quark(void);

/* The name on the wire and the HTTP status of a GError. One that is not ours (GIO's, say) is an
 * InternalFailure. */
const char *error_name(const GError *error);
unsigned error_status(const GError *error);
/* S3 has names of its own for what is nobody's fault and for what is not built. */
const char *error_name_s3(const GError *error);
/* The code of that name; ERROR_INTERNAL where there is none. */
enum error_code error_code_named(const char *name);

/* Sets error (which may be NULL) and returns false: `return error_set(error, ERROR_..., "...")`. */
bool error_set(GError **error, enum error_code code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Sets error from errno: "<what was attempted>: No such file or directory". Out of descriptors or
 * memory, or on a full disk (then it says what to do), it is a ServiceUnavailable, else an
 * InternalFailure. Returns false. */
bool error_set_errno(GError **error, int errno_value, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Sets error from what floor 0 said; its codes become `code`. Returns false. */
bool error_set_lathe(GError **error, enum error_code code, const struct lathe_error *cause);

#endif
