#include "model/artifact.h"

#include "parse/fail.h"

#include <stdlib.h>
#include <string.h>

#define MODEL_NAME "xgboost-model"

const char *artifact_setting(const struct lathe_artifact *artifact, const char *name)
{
    size_t size = strlen(name);
    for (const char *const *at = artifact->environment; at && *at; at++)
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=')
            return *at + size + 1;
    return NULL;
}

const struct xgboost_release *artifact_release(const struct lathe_artifact *artifact)
{
    return artifact->image ? xgboost_release_find(artifact->image) : NULL;
}

static bool is_archive(const unsigned char *bytes, size_t size)
{
    bool gzip = size > 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
    bool zip = size > 4 && memcmp(bytes, "PK\003\004", 4) == 0;
    bool tar = size > 262 && memcmp(bytes + 257, "ustar", 5) == 0;
    return gzip || zip || tar;
}

static bool keep_file(const char *name)
{
    return !strchr(name, '/') || bundle_needs(name);
}

/* xgboost-model, xgboost-model-0 ...: at the top, where containers look. */
static bool is_model_name(const char *name)
{
    size_t size = strlen(MODEL_NAME);
    return strncmp(name, MODEL_NAME, size) == 0 && !strchr(name, '/') &&
           (name[size] == '\0' || name[size] == '-');
}

/* -2 before -10. */
static int compare_names(const void *a, const void *b)
{
    const char *left = *(const char *const *)a, *right = *(const char *const *)b;
    size_t left_size = strlen(left), right_size = strlen(right);
    if (left_size != right_size)
        return left_size < right_size ? -1 : 1;
    return strcmp(left, right);
}

/* Adds the names at the top of the archive that are a model's, or all that are not hidden. */
static size_t find_names(const struct unpack *archive, bool all, const char **names)
{
    size_t found = 0;
    for (size_t i = 0; i < unpack_count(archive); i++) {
        const char *name = unpack_name(archive, i);
        if (is_model_name(name) || (all && *name != '.' && !strchr(name, '/')))
            names[found++] = name;
    }
    return found;
}

/* The names of the model files in an archive, in order: where none is called so, every file is one,
 * as for the container. */
static size_t find_models(const struct unpack *archive, const char **names)
{
    size_t found = find_names(archive, false, names);
    if (!found && !bundle_is_in(archive))
        found = find_names(archive, true, names);
    qsort(names, found, sizeof *names, compare_names);
    return found;
}

static bool add_forest(struct contents *contents, struct unpack *archive, const char *name,
                       const struct xgboost_release *release, struct lathe_error *error)
{
    size_t size;
    const char *bytes = unpack_bytes(archive, unpack_find(archive, name), &size, error);
    struct forest *forest = bytes ? forest_open_for(bytes, size, release, error) : NULL;
    if (!forest)
        return fail_prefix(error, "%.100s: ", name);
    contents->forests[contents->forest_count++] = forest;
    const struct forest_info *first = forest_describe(contents->forests[0]);
    const struct forest_info *info = forest_describe(forest);
    if (info->features == first->features && info->outputs == first->outputs &&
        strcmp(info->objective, first->objective) == 0)
        return true;
    return fail(error, LATHE_INVALID_MODEL,
                "%.100s has %zu features, %zu outputs and the objective %s, where the models "
                "before it have %zu, %zu and %s",
                name, info->features, info->outputs, info->objective, first->features,
                first->outputs, first->objective);
}

static bool read_forests(struct contents *contents, struct unpack *archive,
                         const struct xgboost_release *release, bool ensemble,
                         struct lathe_error *error)
{
    size_t files = unpack_count(archive);
    const char **names = calloc(files + 1, sizeof *names);
    contents->forests = calloc(files + 1, sizeof(struct forest *));
    bool read = names && contents->forests;
    size_t count = read ? find_models(archive, names) : 0;
    if (!read)
        fail(error, LATHE_NO_MEMORY, "no memory for the names of %zu files", files);
    else if (!count)
        read = fail(error, LATHE_INVALID_MODEL,
                    "none of the %zu files in the archive is a model (" MODEL_NAME
                    ", say) at its top, and no bundle.json is among them",
                    files);
    for (size_t i = 0; read && i < (ensemble ? count : 1); i++)
        read = add_forest(contents, archive, names[i], release, error);
    free(names);
    return read;
}

static bool has_model(const struct unpack *archive)
{
    for (size_t i = 0; i < unpack_count(archive); i++)
        if (is_model_name(unpack_name(archive, i)))
            return true;
    return false;
}

static bool read_archive(struct contents *contents, const struct lathe_artifact *artifact,
                         bool ensemble, struct lathe_error *error)
{
    struct unpack *archive = unpack_open(artifact->bytes, artifact->size, keep_file, error);
    if (!archive)
        return false;
    bool read;
    if (!has_model(archive) && bundle_is_in(archive)) {
        contents->pipeline = bundle_read_unpacked(archive, error);
        read = contents->pipeline != NULL;
    } else {
        read = read_forests(contents, archive, artifact_release(artifact), ensemble, error);
    }
    unpack_close(archive);
    return read;
}

static bool read_model(struct contents *contents, const struct lathe_artifact *artifact,
                       struct lathe_error *error)
{
    contents->forests = calloc(1, sizeof(struct forest *));
    if (!contents->forests)
        return fail_memory(error, "a forest");
    contents->forests[0] =
        forest_open_for(artifact->bytes, artifact->size, artifact_release(artifact), error);
    contents->forest_count = contents->forests[0] != NULL;
    return contents->forest_count;
}

bool contents_read(struct contents *contents, const struct lathe_artifact *artifact, bool ensemble,
                   struct lathe_error *error)
{
    *contents = (struct contents){0};
    if (is_archive(artifact->bytes, artifact->size)
            ? read_archive(contents, artifact, ensemble, error)
            : read_model(contents, artifact, error))
        return true;
    contents_clear(contents);
    return fail_prefix(error, "%.200s: ", artifact->name);
}

bool contents_read_folder(struct contents *contents, const char *path, struct lathe_error *error)
{
    *contents = (struct contents){.pipeline = bundle_open(path, error)};
    return contents->pipeline || fail_prefix(error, "%.200s: ", path);
}

void contents_clear(struct contents *contents)
{
    pipeline_close(contents->pipeline);
    for (size_t i = 0; i < contents->forest_count; i++)
        forest_close(contents->forests[i]);
    free(contents->forests);
    *contents = (struct contents){0};
}
