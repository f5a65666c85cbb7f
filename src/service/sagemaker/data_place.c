#include "service/sagemaker/data_place.h"

#include <string.h>

#include "base/s3_uri.h"
#include "lake/lake.h"
#include "lake/lake_s3.h"
#include "service/home.h"

/* A look into the lake that found nothing, or no bucket, is an answer and no error. */
static bool is_nothing(GError *cause, GError **error)
{
    if (cause && !g_error_matches(cause, LATHE_ERROR, ERROR_NO_SUCH_KEY) &&
        !g_error_matches(cause, LATHE_ERROR, ERROR_NO_SUCH_BUCKET)) {
        g_propagate_error(error, cause);
        return false;
    }
    g_clear_error(&cause);
    return true;
}

static bool look_for_object(struct lake *lake, const char *bucket, const char *key, bool *found,
                            GError **error)
{
    GError *cause = NULL;
    g_autoptr(lake_object_auto) object = lake_stat(lake, bucket, key, &cause);
    *found = object != NULL;
    return is_nothing(cause, error);
}

static bool look_below(struct lake *lake, const char *bucket, const char *prefix, bool *found,
                       GError **error)
{
    GError *cause = NULL;
    struct lake_query query = {.prefix = prefix, .limit = 1};
    struct lake_page page = {0};
    *found = lake_list_page(lake, bucket, &query, &page, &cause) && page.objects->len > 0;
    lake_page_clear(&page);
    return is_nothing(cause, error);
}

bool data_place_check_input(const struct call *call, const json_t *source, const char *role,
                            GError **error)
{
    const char *uri = json_text_at(source, "S3Uri");
    bool manifest = g_strcmp0(json_text_at(source, "S3DataType"), "ManifestFile") == 0;
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    bool found = false;
    struct lake *lake = call->lathe->lake;
    if (!s3_uri_parse(uri, &bucket, &key, error) ||
        !(manifest ? look_for_object(lake, bucket, key, &found, error)
                   : look_below(lake, bucket, key, &found, error)))
        return false;
    return found ||
           error_set(error, ERROR_VALIDATION,
                     "No S3 objects found under S3 URL \"%s\" given in input data source. Please "
                     "ensure that the bucket exists in the selected region (%s), that objects "
                     "exist under that S3 prefix, and that the role \"%s\" has \"s3:ListBucket\" "
                     "permissions on bucket \"%s\".",
                     uri, call->region, role, bucket);
}
