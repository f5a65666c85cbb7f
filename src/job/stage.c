#include "job/stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/error.h"
#include "base/file.h"
#include "base/s3_uri.h"
#include "lake/lake.h"

#define MANIFEST_LIMIT (16 << 20)

/* ---- in ---- */

/* What a key is called below a prefix. */
static const char *name_below(const char *key, const char *prefix)
{
    size_t length = strlen(prefix);
    const char *rest = key + length;
    if (length && prefix[length - 1] == '/')
        return rest;
    if (*rest == '/')
        return rest + 1;
    const char *slash = strrchr(prefix, '/'); /* the object itself, or a longer word: train2/... */
    return slash ? key + (slash - prefix) + 1 : key;
}

static bool link_object(struct lake *lake, const struct lake_object *object, const char *name,
                        const char *folder, GError **error)
{
    if (!file_is_inside(name))
        return error_set(error, ERROR_VALIDATION,
                         "the key %s cannot be a file's name: it has empty parts, \".\" or \"..\"",
                         object->key);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *above = g_path_get_dirname(path);
    return file_make_folders(above, error) && lake_link(lake, object, path, error);
}

static bool stage_prefix(struct lake *lake, const char *uri, const char *folder, bool may_be_empty,
                         GError **error)
{
    g_autofree char *bucket = NULL;
    g_autofree char *prefix = NULL;
    if (!s3_uri_parse(uri, &bucket, &prefix, error))
        return false;
    g_autoptr(GPtrArray) objects = lake_list(lake, bucket, prefix, error);
    if (!objects)
        return false;
    unsigned files = 0;
    for (guint i = 0; i < objects->len; i++) {
        const struct lake_object *object = g_ptr_array_index(objects, i);
        const char *name = name_below(object->key, prefix);
        if (!*name || g_str_has_suffix(name, "/"))
            continue; /* the empty objects that consoles make for "folders" */
        if (!link_object(lake, object, name, folder, error))
            return false;
        files++;
    }
    if (!files && !may_be_empty)
        return error_set(error, ERROR_VALIDATION,
                         "No S3 objects found under S3 URL \"%s\" given in input data source.",
                         uri);
    return true;
}

static bool stage_key(struct lake *lake, const char *bucket, const char *key, const char *name,
                      const char *folder, GError **error)
{
    g_autoptr(lake_object_auto) object = lake_stat(lake, bucket, key, error);
    return object && link_object(lake, object, name, folder, error);
}

/* [{"prefix": "s3://bucket/some/"}, "relative/key", ...] */
static bool stage_manifest(struct lake *lake, const char *uri, const char *folder, GError **error)
{
    g_autoptr(GBytes) bytes = lake_get_bytes(lake, uri, MANIFEST_LIMIT, error);
    if (!bytes)
        return false;
    g_autoptr(json_auto) manifest =
        json_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), uri, error);
    if (!manifest)
        return false;
    const char *prefix = json_text_at(manifest, "[0].prefix");
    if (!prefix)
        return error_set(error, ERROR_VALIDATION,
                         "the manifest %s does not begin with {\"prefix\": \"s3://...\"}", uri);
    g_autofree char *bucket = NULL;
    g_autofree char *base = NULL;
    if (!s3_uri_parse(prefix, &bucket, &base, error))
        return false;
    for (size_t i = 1; i < json_array_size(manifest); i++) {
        const char *name = json_string_value(json_array_get(manifest, i));
        if (!name)
            return error_set(error, ERROR_VALIDATION, "entry %zu of the manifest %s is no text", i,
                             uri);
        g_autofree char *key = g_strconcat(base, name, NULL);
        if (!stage_key(lake, bucket, key, name, folder, error))
            return false;
    }
    return true;
}

bool stage_in(struct lake *lake, const json_t *source, const char *folder, bool may_be_empty,
              GError **error)
{
    const char *uri = json_text_at(source, "S3Uri");
    const char *type = json_text_at(source, "S3DataType");
    if (!file_make_folders(folder, error))
        return false;
    if (!type || strcmp(type, "S3Prefix") == 0)
        return stage_prefix(lake, uri, folder, may_be_empty, error);
    if (strcmp(type, "ManifestFile") == 0)
        return stage_manifest(lake, uri, folder, error);
    return error_set(error, ERROR_VALIDATION,
                     "S3DataType %s is not supported; use S3Prefix or ManifestFile", type);
}

static bool make_own(const char *path, const char *name, void *data, GError **error)
{
    (void)name;
    (void)data;
    g_autofree char *copy = g_strconcat(path, ".lathe-copy", NULL);
    return file_copy(path, copy, 0600, error) &&
           (rename(copy, path) == 0 || error_set_errno(error, errno, "renaming %s", copy));
}

bool stage_copy(const char *folder, GError **error)
{
    return file_each(folder, make_own, NULL, error);
}

bool stage_check_bucket(struct lake *lake, const char *what, const char *uri, GError **error)
{
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    if (!s3_uri_parse(uri, &bucket, &key, error))
        return false;
    GError *cause = NULL;
    g_autoptr(lake_bucket_auto) there = lake_bucket_get(lake, bucket, &cause);
    if (there)
        return true;
    if (!g_error_matches(cause, LATHE_ERROR, ERROR_NO_SUCH_BUCKET)) {
        g_propagate_error(error, cause);
        return false;
    }
    g_error_free(cause);
    return error_set(error, ERROR_VALIDATION, "ClientError: %s: the bucket %s of %s does not exist",
                     what, bucket, uri);
}

/* ---- out ---- */

static bool has_files(const char *folder)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    return entries && g_dir_read_name(entries);
}

bool stage_out_archive(struct lake_batch *batch, const char *folder, const char *uri,
                       GError **error)
{
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    g_autofree char *path = g_strconcat(folder, ".tar.gz", NULL);
    return !has_files(folder) ||
           (s3_uri_parse(uri, &bucket, &key, error) && archive_write(folder, path, error) &&
            lake_batch_add(batch, bucket, key, path, error));
}

struct target {
    struct lake_batch *batch;
    const char *bucket, *prefix;
};

/* The file becomes the lake's as it is, and is not the job's user's any more. */
static bool put_file(const char *path, const char *name, void *data, GError **error)
{
    const struct target *target = data;
    if (lchown(path, geteuid(), getegid()) != 0)
        return error_set_errno(error, errno, "taking %s over from the job", path);
    g_autofree char *key = g_strconcat(target->prefix, name, NULL);
    return lake_batch_add(target->batch, target->bucket, key, path, error);
}

/* The bucket and the prefix, with its slash, that a URI means. */
static bool parse_prefix(const char *uri, char **bucket, char **prefix, GError **error)
{
    g_autofree char *key = NULL;
    if (!s3_uri_parse(uri, bucket, &key, error))
        return false;
    *prefix = g_strconcat(key, !*key || g_str_has_suffix(key, "/") ? "" : "/", NULL);
    return true;
}

bool stage_out(struct lake_batch *batch, const char *folder, const char *uri, GError **error)
{
    g_autofree char *bucket = NULL;
    g_autofree char *prefix = NULL;
    if (!parse_prefix(uri, &bucket, &prefix, error))
        return false;
    struct target target = {batch, bucket, prefix};
    return file_each(folder, put_file, &target, error);
}

bool stage_out_file(struct lake *lake, const char *root, const char *folder, const char *name,
                    const char *uri, GError **error)
{
    g_autofree char *bucket = NULL;
    g_autofree char *prefix = NULL;
    if (!parse_prefix(uri, &bucket, &prefix, error))
        return false;
    g_autofree char *below = g_build_filename(folder, name, NULL);
    int fd = file_open_below(root, below, error);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return false;
    g_autofree char *key = g_strconcat(prefix, name, NULL);
    g_autoptr(stream_auto) bytes = stream_from_file(fd, 0, status.st_size);
    return lake_put(lake, bucket, key, bytes, NULL, error);
}
