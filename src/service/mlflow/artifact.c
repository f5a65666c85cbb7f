/* Artifacts: what is listed below a run, and the proxy by which clients without S3 read and write
 * them. They are objects of the lake like all others. */
#include <string.h>

#include "base/page.h"
#include "lake/lake_s3.h"
#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/sagemaker.h"

#define PROXY_ROOT "mlflow-artifacts:/"
enum { LIST_LIMIT = 1000 };

/* ---- listing ---- */

static int by_path(const void *a, const void *b)
{
    return strcmp(json_text_at(*(json_t *const *)a, "path"),
                  json_text_at(*(json_t *const *)b, "path"));
}

/* Behind `skipped` bytes of the key, below the path that was asked for. */
static json_t *file_of(const char *key, size_t skipped, const char *below, gint64 size)
{
    g_autofree char *name = g_strdup(key + skipped);
    bool is_folder = g_str_has_suffix(name, "/");
    if (is_folder)
        name[strlen(name) - 1] = '\0';
    json_t *file =
        json_pack("{sosb}", "path", json_sprintf("%s%s", below, name), "is_dir", is_folder);
    if (!is_folder)
        json_object_set_new(file, "file_size", json_integer(size));
    return file;
}

static json_t *files_of(const struct lake_page *page, const char *prefix, const char *below)
{
    size_t skipped = strlen(prefix), count = 0;
    g_autofree json_t **files = g_new(json_t *, page->objects->len + page->prefixes->len + 1);
    for (guint i = 0; i < page->objects->len; i++) {
        const struct lake_object *object = g_ptr_array_index(page->objects, i);
        if (strlen(object->key) > skipped) /* an object that is called like its folder */
            files[count++] = file_of(object->key, skipped, below, object->size);
    }
    for (guint i = 0; i < page->prefixes->len; i++)
        files[count++] = file_of(g_ptr_array_index(page->prefixes, i), skipped, below, 0);
    qsort(files, count, sizeof *files, by_path);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, files[i]);
    return list;
}

/* A bucket that nobody wrote to yet holds nothing. */
static bool list_page(const struct call *call, const struct place *place,
                      const struct lake_query *query, struct lake_page *page, GError **error)
{
    GError *cause = NULL;
    if (lake_list_page(call->lathe->lake, place->bucket, query, page, &cause))
        return true;
    if (!g_error_matches(cause, LATHE_ERROR, ERROR_NO_SUCH_BUCKET)) {
        g_propagate_error(error, cause);
        return false;
    }
    g_error_free(cause);
    *page = (struct lake_page){.objects = g_ptr_array_new(), .prefixes = g_ptr_array_new()};
    return true;
}

struct artifact_listing {
    const char *below; /* what paths begin with: "" or "folder/" */
    const char *token;
};

static json_t *list(const struct call *call, const struct place *place,
                    const struct artifact_listing *listing, GError **error)
{
    g_autofree char *prefix = *place->key ? g_strconcat(place->key, "/", NULL) : g_strdup("");
    g_autofree char *after =
        listing->token && *listing->token
            ? page_place(call->operation, listing->token, ERROR_MLFLOW_VALUE, error)
            : NULL;
    if (listing->token && *listing->token && !after)
        return NULL;
    struct lake_query query = {
        .prefix = prefix, .delimiter = "/", .after = after, .limit = LIST_LIMIT};
    struct lake_page page = {0};
    if (!list_page(call, place, &query, &page, error))
        return NULL;
    g_autofree char *next = page.next ? page_token(call->operation, page.next) : NULL;
    json_t *answer = json_pack("{soss*}", "files", files_of(&page, prefix, listing->below),
                               "next_page_token", next);
    lake_page_clear(&page);
    return answer;
}

bool mlflow_list_place(const struct call *call, const json_t *request, const char *location,
                       const char *path, struct reply *reply, GError **error)
{
    g_auto(place_auto) place = {0};
    if (!place_find(call, location, path, &place, error))
        return false;
    g_autofree char *below = path && *path ? g_strconcat(path, "/", NULL) : g_strdup("");
    if (g_str_has_suffix(below, "//"))
        below[strlen(below) - 1] = '\0';
    const struct artifact_listing listing = {below, json_text_at(request, "page_token")};
    reply->output = list(call, &place, &listing, error);
    if (!reply->output)
        return false;
    g_autofree char *shown = place_shown(call, request, location);
    json_object_set_new(reply->output, "root_uri", json_string(shown));
    return true;
}

bool mlflow_list_artifacts(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    const char *id = mlflow_run_id_in(request, error);
    g_autoptr(resource_auto) run = id ? mlflow_run(call, id, error) : NULL;
    g_autofree char *location = run ? mlflow_run_location(call, run, error) : NULL;
    return location &&
           mlflow_list_place(call, request, location, json_text_at(request, "path"), reply, error);
}

bool mlflow_list_proxied(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_auto(place_auto) place = {0};
    if (!place_find(call, PROXY_ROOT, json_text_at(request, "path"), &place, error))
        return false;
    const struct artifact_listing listing = {"", NULL};
    reply->output = list(call, &place, &listing, error);
    json_object_del(reply->output, "next_page_token");
    return reply->output != NULL;
}

/* ---- reading and writing ---- */

static bool check_file(const struct place *place, GError **error)
{
    return *place->key || error_set(error, ERROR_MLFLOW_VALUE, "Invalid path");
}

static bool find_object(const struct call *call, const json_t *request, struct place *place,
                        GError **error)
{
    const char *path = json_text_at(request, "artifact_path");
    return place_find(call, PROXY_ROOT, path, place, error) && check_file(place, error);
}

static bool send(const struct call *call, const struct place *place, const char *path,
                 struct reply *reply, GError **error)
{
    GError *cause = NULL;
    g_autoptr(lake_object_auto) object =
        lake_find(call->lathe->lake, place->bucket, place->key, &reply->body, &cause);
    bool missing = cause && error_status(cause) == 404;
    if (cause && !missing)
        g_propagate_error(error, g_steal_pointer(&cause));
    g_clear_error(&cause);
    if (!object)
        return missing ? error_set(error, ERROR_MLFLOW_MISSING, "there is no artifact %.512s", path)
                       : false;
    reply->output =
        json_pack("{ssssssss}", "content_type",
                  object->content_type ? object->content_type : "application/octet-stream",
                  "content_disposition", "attachment", "content_type_options", "nosniff",
                  "content_security_policy", "sandbox");
    return true;
}

bool mlflow_download(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    g_auto(place_auto) place = {0};
    return find_object(call, request, &place, error) &&
           send(call, &place, json_text_at(request, "artifact_path"), reply, error);
}

const char *mlflow_path_in(const json_t *request, const char *member, GError **error)
{
    const char *path = mlflow_text(request, member, error);
    return path && place_check_path(path, error) ? path : NULL;
}

bool mlflow_send_artifact(const struct call *call, const char *location, const char *path,
                          struct reply *reply, GError **error)
{
    g_auto(place_auto) place = {0};
    return place_find(call, location, path, &place, error) && check_file(&place, error) &&
           send(call, &place, path, reply, error);
}

bool mlflow_get_run_artifact(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    const char *path = mlflow_path_in(request, "path", error);
    const char *id = path ? mlflow_run_id_in(request, error) : NULL;
    g_autoptr(resource_auto) run = id ? mlflow_run(call, id, error) : NULL;
    g_autofree char *location = run ? mlflow_run_location(call, run, error) : NULL;
    return location && mlflow_send_artifact(call, location, path, reply, error);
}

bool mlflow_upload(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    (void)reply;
    g_auto(place_auto) place = {0};
    g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);
    g_autoptr(stream_auto) empty = call->body ? NULL : stream_from_bytes(nothing);
    return find_object(call, request, &place, error) && place_prepare(call, error) &&
           lake_put(call->lathe->lake, place.bucket, place.key, call->body ? call->body : empty,
                    "application/octet-stream", error);
}

static bool delete_all(const struct call *call, const struct place *place, GPtrArray *objects,
                       GError **error)
{
    for (guint i = 0; i < objects->len; i++) {
        const struct lake_object *object = g_ptr_array_index(objects, i);
        size_t length = strlen(place->key);
        bool is_below = !object->key[length] || object->key[length] == '/';
        if (is_below && !lake_delete(call->lathe->lake, place->bucket, object->key, error))
            return false;
    }
    return true;
}

/* A file, or a folder with all that is in it. */
bool mlflow_delete_artifact(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    g_auto(place_auto) place = {0};
    if (!find_object(call, request, &place, error))
        return false;
    GError *cause = NULL;
    g_autoptr(GPtrArray) objects = lake_list(call->lathe->lake, place.bucket, place.key, &cause);
    if (objects)
        return delete_all(call, &place, objects, error);
    bool is_empty = g_error_matches(cause, LATHE_ERROR, ERROR_NO_SUCH_BUCKET);
    if (is_empty)
        g_error_free(cause);
    else
        g_propagate_error(error, cause);
    return is_empty;
}
