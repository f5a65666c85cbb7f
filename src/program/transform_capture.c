#include "program/transform_capture.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "program/job_folder.h"
#include "rows/rows.h"

static char *with_slash(const char *uri)
{
    return g_strconcat(uri, g_str_has_suffix(uri, "/") ? "" : "/", NULL);
}

/* What the names of the input are below: the URI's folder where they begin as its last word does,
 * which is no folder then. */
static char *input_prefix(const char *uri, const char *first)
{
    const char *word = strrchr(uri, '/') + 1;
    if (*word && g_str_has_prefix(first, word))
        return g_strndup(uri, (gsize)(word - uri));
    return with_slash(uri);
}

/* A manifest's own prefix, of the manifest that was brought along; NULL: it is none. */
static char *manifest_prefix(const char *folder)
{
    g_autofree char *below = job_folder_path(folder, "config/manifest");
    g_autoptr(GPtrArray) files = rows_all_files(below, NULL);
    const struct rows_file *file = files && files->len ? g_ptr_array_index(files, 0) : NULL;
    g_autofree char *text = NULL;
    gsize size;
    if (!file || !g_file_get_contents(file->path, &text, &size, NULL))
        return NULL;
    g_autoptr(json_auto) manifest = json_parse(text, size, file->name, NULL);
    return g_strdup(json_text_at(manifest, "[0].prefix"));
}

static bool write_manifest(const char *folder, const char *side, const char *prefix,
                           const GPtrArray *files, const char *suffix, GError **error)
{
    g_autoptr(json_auto) manifest = json_pack("[{ss}]", "prefix", prefix);
    for (guint i = 0; i < files->len; i++) {
        const struct rows_file *file = g_ptr_array_index(files, i);
        g_autofree char *name = g_strconcat(file->name, suffix, NULL);
        json_array_append_new(manifest, json_string(name));
    }
    time_t now = (time_t)clock_now();
    struct tm utc;
    char hour[32];
    strftime(hour, sizeof hour, "%Y/%m/%d/%H", gmtime_r(&now, &utc));
    g_autofree char *id = id_uuid();
    g_autofree char *below = g_strdup_printf("capture/%s/%s", side, hour);
    g_autofree char *above = job_folder_path(folder, below);
    g_autofree char *path = g_strdup_printf("%s/%s.json", above, id);
    g_autofree char *text = json_text_of(manifest);
    return file_make_folders(above, error) && g_file_set_contents(path, text, -1, error);
}

bool transform_capture(const char *folder, const json_t *config, const GPtrArray *files,
                       GError **error)
{
    const char *input = json_text_at(config, "TransformInput.DataSource.S3DataSource.S3Uri");
    const char *output = json_text_at(config, "TransformOutput.S3OutputPath");
    if (!json_object_get(config, "DataCaptureConfig") || !files->len)
        return true;
    const struct rows_file *first = g_ptr_array_index(files, 0);
    g_autofree char *from = manifest_prefix(folder);
    if (!from)
        from = input_prefix(input, first->name);
    g_autofree char *to = with_slash(output);
    return write_manifest(folder, "input", from, files, "", error) &&
           write_manifest(folder, "output", to, files, ".out", error);
}
