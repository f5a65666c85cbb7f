#include "serve/model.h"

#include <stdatomic.h>
#include <string.h>

#include "base/archive.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "lake/lake.h"

/* Models larger than these are refused: an archive is input from outside. */
static const struct archive_limits model_limits = {.bytes = (gint64)4 << 30, .members = 10000};

struct served_model {
    atomic_int references;
    char *default_accept;
    struct lathe_predictor *predictor;
};

/* The file in an unpacked XGBoost artifact that is the model: xgboost-model, or the only file. */
static char *find_model_file(const char *folder, GError **error)
{
    g_autofree char *usual = g_build_filename(folder, "xgboost-model", NULL);
    if (g_file_test(usual, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer(&usual);
    g_autoptr(GDir) entries = g_dir_open(folder, 0, error);
    if (!entries)
        return NULL;
    g_autofree char *found = NULL;
    unsigned files = 0;
    const char *entry;
    while ((entry = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        if (*entry == '.' || !g_file_test(path, G_FILE_TEST_IS_REGULAR))
            continue;
        files++;
        g_free(found);
        found = g_steal_pointer(&path);
    }
    if (files == 1)
        return g_steal_pointer(&found);
    error_set(error, ERROR_VALIDATION,
              "the archive holds %u files and none of them is named xgboost-model", files);
    return NULL;
}

/* Fetches one container's archive into folder; the path of its model file. */
static char *fetch(struct lake *lake, const json_t *container, const char *folder, GError **error)
{
    const char *uri = json_text_at(container, "ModelDataUrl");
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    if (!lake_parse_uri(uri, &bucket, &key, error))
        return NULL;
    g_autoptr(lake_object_auto) object = lake_stat(lake, bucket, key, error);
    g_autofree char *archive = g_build_filename(folder, "archive", NULL);
    g_autofree char *unpacked = g_build_filename(folder, "model", NULL);
    if (!object || !file_make_folders(unpacked, error) ||
        !lake_link(lake, object, archive, error) ||
        !archive_extract(archive, unpacked, &model_limits, error))
        return NULL;
    return find_model_file(unpacked, error);
}

static struct lathe_predictor *open_container(struct lake *lake, const json_t *container,
                                              const char *folder, GError **error)
{
    g_autofree char *path = fetch(lake, container, folder, error);
    if (!path) {
        g_prefix_error(error, "%s: ", json_text_at(container, "ModelDataUrl"));
        return NULL;
    }
    struct lathe_error cause;
    const char *paths[] = {path};
    struct lathe_predictor *predictor = lathe_predictor_open_files(paths, 1, &cause);
    if (!predictor) {
        g_autofree char *name = g_path_get_basename(path);
        char *message = strstr(cause.message, ": ");
        error_set(error, ERROR_VALIDATION, "%s: %s: %s", json_text_at(container, "ModelDataUrl"),
                  name, message ? message + 2 : cause.message);
    }
    return predictor;
}

struct served_model *served_model_open(struct lake *lake, const json_t *containers,
                                       const char *scratch, GError **error)
{
    if (json_array_size(containers) != 1) {
        error_set(error, ERROR_VALIDATION, "a model of %zu containers was given; one is served",
                  json_array_size(containers));
        return NULL;
    }
    const json_t *container = json_array_get(containers, 0);
    g_autofree char *name = id_hex(16);
    g_autofree char *folder = g_build_filename(scratch, name, NULL);
    struct lathe_predictor *predictor = NULL;
    if (file_make_folders(folder, error))
        predictor = open_container(lake, container, folder, error);
    file_remove_tree(folder, NULL);
    if (!predictor)
        return NULL;
    struct served_model *served = g_new0(struct served_model, 1);
    atomic_init(&served->references, 1);
    served->predictor = predictor;
    served->default_accept =
        g_strdup(json_text_at(container, "Environment.SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"));
    return served;
}

struct served_model *served_model_ref(struct served_model *model)
{
    atomic_fetch_add(&model->references, 1);
    return model;
}

void served_model_unref(struct served_model *model)
{
    if (!model || atomic_fetch_sub(&model->references, 1) > 1)
        return;
    lathe_predictor_close(model->predictor);
    g_free(model->default_accept);
    g_free(model);
}

const struct lathe_predictor *served_model_predictor(const struct served_model *model)
{
    return model->predictor;
}

const char *served_model_default_accept(const struct served_model *model)
{
    return model->default_accept;
}
