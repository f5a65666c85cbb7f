/* Artifacts that clients send in parts, and addresses by which they read and write objects without
 * the proxy: those of S3, whose operations do the work. */
#include <string.h>

#include "base/clock.h"
#include "lake/lake_s3.h"
#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/sagemaker.h"

#define PROXY_ROOT "mlflow-artifacts:/"
enum { EXPIRATION = 3600, LONGEST_EXPIRATION = 7 * 24 * 3600 };

/* ---- S3's operations ---- */

static bool ask_s3(const struct call *call, const char *operation, const json_t *request,
                   struct reply *reply, GError **error)
{
    const struct call_context context = {
        .region = call->region, .request_id = call->request_id, .within = call->within};
    return operation_call(call->lathe->operations, &context, "s3", operation, request, reply,
                          error);
}

/* ---- addresses ---- */

/* As S3's clients presign one: it holds until it expires. more: what else its query has, or "". */
static char *presigned(const struct call *call, const struct place *place, gint64 expiration,
                       const char *more)
{
    g_autoptr(GDateTime) now =
        g_date_time_new_from_unix_utc((gint64)clock_wall(call->lathe->clock));
    g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
    g_autofree char *key = g_uri_escape_string(place->key, "/", FALSE);
    return g_strdup_printf(
        "%s/%s/%s?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
        "mlflow%%2F%.8s%%2F%s%%2Fs3%%2Faws4_request&X-Amz-Date=%s"
        "&X-Amz-Expires=%" G_GINT64_FORMAT "&X-Amz-SignedHeaders=host&X-Amz-Signature=%064d%s",
        call->lathe->url, place->bucket, key, time, call->region, time, expiration, 0, more);
}

static bool read_expiration(const json_t *request, gint64 *seconds, GError **error)
{
    *seconds = json_integer_at(request, "expiration", EXPIRATION);
    return (*seconds >= 1 && *seconds <= LONGEST_EXPIRATION) ||
           mlflow_invalid(error, "expiration", json_object_get(request, "expiration"),
                          "it is a number of seconds from 1 to 604800");
}

static bool check_reached(const struct call *call, GError **error)
{
    return call->lathe->url || error_set(error, ERROR_MLFLOW_STATE,
                                         "this home is not served over HTTP, so that nothing in it "
                                         "has an address");
}

/* ---- in parts ---- */

/* The object that the request names: a file's name below the address's path. */
static bool find_file(const struct call *call, const json_t *request, struct place *place,
                      GError **error)
{
    const char *file = mlflow_text(request, "path", error);
    if (!file || !place_check_path(json_text_at(request, "artifact_path"), error))
        return false;
    g_autofree char *name = g_path_get_basename(file);
    g_autofree char *path = g_strconcat(json_text_at(request, "artifact_path"), "/", name, NULL);
    return place_find(call, PROXY_ROOT, path, place, error);
}

static json_t *credentials_of(const struct call *call, const struct place *place,
                              const char *upload, gint64 parts)
{
    json_t *credentials = json_array();
    for (gint64 number = 1; number <= parts; number++) {
        g_autofree char *more =
            g_strdup_printf("&partNumber=%" G_GINT64_FORMAT "&uploadId=%s", number, upload);
        g_autofree char *url = presigned(call, place, LONGEST_EXPIRATION, more);
        json_array_append_new(credentials, json_pack("{sssIs{}}", "url", url, "part_number",
                                                     (json_int_t)number, "headers"));
    }
    return credentials;
}

bool mlflow_create_multipart(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    g_auto(place_auto) place = {0};
    gint64 parts = json_integer_at(request, "num_parts", 1);
    if (parts < 1 || parts > LAKE_PARTS_LIMIT)
        return mlflow_invalid(error, "num_parts", json_object_get(request, "num_parts"),
                              "it is a number from 1 to 10000");
    if (!check_reached(call, error) || !find_file(call, request, &place, error) ||
        !place_prepare(call, error))
        return false;
    g_autoptr(json_auto) asked = json_pack("{ssss}", "Bucket", place.bucket, "Key", place.key);
    struct reply begun = {0};
    bool done = ask_s3(call, "CreateMultipartUpload", asked, &begun, error);
    const char *upload = json_text_at(begun.output, "UploadId");
    if (done)
        reply->output = json_pack("{ssso}", "upload_id", upload, "credentials",
                                  credentials_of(call, &place, upload, parts));
    reply_clear(&begun);
    return done;
}

static json_t *parts_in(const json_t *request)
{
    json_t *parts = json_array();
    size_t i;
    const json_t *part;
    json_array_foreach(json_object_get(request, "parts"), i, part)
    {
        const char *etag = json_text_at(part, "etag");
        json_array_append_new(parts, json_pack("{sIss}", "PartNumber",
                                               (json_int_t)json_integer_at(part, "part_number", 0),
                                               "ETag", etag ? etag : ""));
    }
    return parts;
}

/* parts (taken): NULL for an end without. */
static bool end_upload(const struct call *call, const json_t *request, const char *operation,
                       json_t *parts, GError **error)
{
    g_auto(place_auto) place = {0};
    const char *upload = mlflow_text(request, "upload_id", error);
    if (!upload || !find_file(call, request, &place, error)) {
        json_decref(parts);
        return false;
    }
    g_autoptr(json_auto) asked =
        json_pack("{ssssss}", "Bucket", place.bucket, "Key", place.key, "UploadId", upload);
    if (parts)
        json_object_set_new(asked, "MultipartUpload", json_pack("{so}", "Parts", parts));
    struct reply ended = {0};
    bool done = ask_s3(call, operation, asked, &ended, error);
    reply_clear(&ended);
    return done;
}

bool mlflow_complete_multipart(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)reply;
    return end_upload(call, request, "CompleteMultipartUpload", parts_in(request), error);
}

bool mlflow_abort_multipart(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    return end_upload(call, request, "AbortMultipartUpload", NULL, error);
}

/* ---- presigned ---- */

static bool answer_download(const struct call *call, const struct place *place, const char *member,
                            gint64 expiration, struct reply *reply, GError **error)
{
    GError *cause = NULL;
    g_autoptr(lake_object_auto) object =
        lake_find(call->lathe->lake, place->bucket, place->key, NULL, &cause);
    if (!object && error_status(cause) == 404) {
        g_error_free(cause);
        return error_set(error, ERROR_MLFLOW_MISSING, "there is no artifact %.512s", place->key);
    }
    if (!object) {
        g_propagate_error(error, cause);
        return false;
    }
    g_autofree char *url = presigned(call, place, expiration, "");
    reply->output =
        json_pack("{sss{}sI}", member, url, "headers", "file_size", (json_int_t)object->size);
    return true;
}

bool mlflow_presign_download(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    g_auto(place_auto) place = {0};
    return check_reached(call, error) &&
           place_find(call, PROXY_ROOT, json_text_at(request, "artifact_path"), &place, error) &&
           answer_download(call, &place, "url", EXPIRATION, reply, error);
}

/* Where the run's, or the logged model's, artifacts are; g_free. */
static char *location_in(const struct call *call, const json_t *request, GError **error)
{
    const char *model_id = json_text_at(request, "model_id");
    if (model_id && *model_id) {
        g_autoptr(resource_auto) model = mlflow_logged_model(call, model_id, error);
        return model ? mlflow_logged_model_location(model) : NULL;
    }
    const char *id = mlflow_run_id_in(request, error);
    g_autoptr(resource_auto) run = id ? mlflow_run(call, id, error) : NULL;
    return run ? mlflow_run_location(call, run, error) : NULL;
}

static bool find_artifact(const struct call *call, const json_t *request, struct place *place,
                          gint64 *expiration, GError **error)
{
    const char *path = mlflow_text(request, "path", error);
    g_autofree char *location = path ? location_in(call, request, error) : NULL;
    return location && check_reached(call, error) && read_expiration(request, expiration, error) &&
           place_find(call, location, path, place, error);
}

bool mlflow_presign_run_upload(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    g_auto(place_auto) place = {0};
    gint64 expiration;
    if (!find_artifact(call, request, &place, &expiration, error) || !place_prepare(call, error))
        return false;
    g_autofree char *url = presigned(call, &place, expiration, "");
    reply->output = json_pack("{sss{}}", "presigned_url", url, "headers");
    return true;
}

bool mlflow_presign_run_download(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    g_auto(place_auto) place = {0};
    gint64 expiration;
    return find_artifact(call, request, &place, &expiration, error) &&
           answer_download(call, &place, "presigned_url", expiration, reply, error);
}
