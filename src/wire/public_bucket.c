#include "wire/public_bucket.h"

#include "base/error.h"

/* Whose data examples and SDKs name. */
static const char *const known[] = {"sagemaker-sample-files",
                                    "sagemaker-sample-data-",
                                    "sagemaker-example-files-",
                                    "sagemaker-servicecatalog-",
                                    "jumpstart-cache-",
                                    "aws-ml-blog",
                                    "aws-bigdata-blog",
                                    "awsglue-datasets",
                                    "amazon-reviews-",
                                    "nyc-tlc",
                                    "noaa-ghcn-pds"};

static bool is_known(const char *bucket)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_has_prefix(bucket, known[i]))
            return true;
    return false;
}

GError *public_bucket_hint(const GError *error, const char *bucket, bool by_host)
{
    if (!g_error_matches(error, LATHE_ERROR, ERROR_NO_SUCH_BUCKET) || !bucket ||
        !(by_host || is_known(bucket)))
        return NULL;
    return g_error_new(LATHE_ERROR, ERROR_NO_SUCH_BUCKET,
                       "%s. lathe's lake has no %s. If it is a public bucket on AWS, fetch what is "
                       "wanted in a shell without lathe's variables (aws s3 sync --no-sign-request "
                       "s3://%s FOLDER), and put it here in one with them (aws s3 mb s3://%s; aws "
                       "s3 sync FOLDER s3://%s)",
                       error->message, bucket, bucket, bucket, bucket);
}
