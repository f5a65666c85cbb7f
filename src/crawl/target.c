/* Targets of a crawl, and the objects in them. */
#include <string.h>

#include "base/error.h"
#include "base/s3_uri.h"
#include "crawl/crawl_inside.h"
#include "crawl/glob.h"

void crawl_target_free(void *data)
{
    struct crawl_target *target = data;
    if (!target)
        return;
    g_free(target->bucket);
    g_free(target->folder);
    g_ptr_array_unref(target->exclusions);
    g_free(target);
}

static void free_regex(void *regex)
{
    g_regex_unref(regex);
}

static bool read_exclusions(const json_t *list, GPtrArray *exclusions, GError **error)
{
    size_t i;
    const json_t *pattern;
    json_array_foreach((json_t *)list, i, pattern)
    {
        GRegex *regex = glob_compile(json_string_value(pattern), error);
        if (!regex)
            return false;
        g_ptr_array_add(exclusions, regex);
    }
    return true;
}

struct crawl_target *crawl_target_new(const json_t *given, GError **error)
{
    const char *path = json_text_at(given, "Path");
    g_autofree char *uri = path && !s3_uri_is(path) ? g_strconcat("s3://", path, NULL) : NULL;
    struct crawl_target *target = g_new0(struct crawl_target, 1);
    target->exclusions = g_ptr_array_new_with_free_func(free_regex);
    target->sample_size = json_integer_at(given, "SampleSize", 0);
    if (!s3_uri_parse(uri    ? uri
                      : path ? path
                             : "",
                      &target->bucket, &target->folder, error) ||
        !read_exclusions(json_object_get(given, "Exclusions"), target->exclusions, error)) {
        if (error && *error)
            (*error)->code = ERROR_INVALID_INPUT_EXCEPTION;
        crawl_target_free(target);
        return NULL;
    }
    return target;
}

bool crawl_check_target(const json_t *given, GError **error)
{
    struct crawl_target *target = crawl_target_new(given, error);
    crawl_target_free(target);
    return target != NULL;
}

/* ---- formats of folders ---- */

/* The folder of the table that a file of such a format's own belongs to; *format gets its name. */
static char *lakehouse_of(const char *key, const char **format)
{
    static const struct {
        const char *part, *end, *format;
    } marks[] = {{"_delta_log/", ".json", "Delta"},
                 {".hoodie/", "", "Hudi"},
                 {"metadata/", ".metadata.json", "Iceberg"}};
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        const char *part = strstr(key, marks[i].part);
        if (part && (part == key || part[-1] == '/') && g_str_has_suffix(key, marks[i].end)) {
            *format = marks[i].format;
            return g_strndup(key, (gsize)(part - key));
        }
    }
    return NULL;
}

/* Folders of tables that are told by what lies in them: a list of "a/b/". */
static GPtrArray *find_lakehouses(const struct crawl_plan *plan, const GPtrArray *objects,
                                  const struct crawl_target *target, struct crawl_result *result)
{
    GPtrArray *folders = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < objects->len; i++) {
        const struct lake_object *object = objects->pdata[i];
        const char *format;
        char *folder = lakehouse_of(object->key, &format);
        if (!folder)
            continue;
        if (folders->len && strcmp(folders->pdata[folders->len - 1], folder) == 0) {
            g_free(folder);
            continue;
        }
        crawl_refuse(plan, result, target->bucket, folder, format);
        g_ptr_array_add(folders, folder);
    }
    return folders;
}

static bool is_below(const char *key, const GPtrArray *folders)
{
    for (guint i = 0; i < folders->len; i++)
        if (g_str_has_prefix(key, folders->pdata[i]))
            return true;
    return false;
}

/* ---- objects ---- */

/* Names that begin so are no data, of folders too: markers, logs, what is under way. */
static bool is_hidden(const char *rest)
{
    for (const char *name = rest; name; name = strchr(name, '/')) {
        name += *name == '/';
        if (*name == '_' || *name == '.')
            return true;
    }
    return g_str_has_suffix(rest, "_$folder$");
}

static bool is_excluded(const struct crawl_target *target, const char *rest)
{
    for (guint i = 0; i < target->exclusions->len; i++)
        if (g_regex_match(target->exclusions->pdata[i], rest, 0, NULL))
            return true;
    return false;
}

static bool is_data(const struct crawl_target *target, const struct lake_object *object)
{
    size_t size = strlen(target->folder);
    const char *rest = object->key + size;
    return object->size && !g_str_has_suffix(object->key, "/") && !is_hidden(rest) &&
           !is_excluded(target, rest);
}

/* "a/b" is the object of that key, or else the folder "a/b/". */
static void settle_folder(struct crawl_target *target, const GPtrArray *objects)
{
    size_t size = strlen(target->folder);
    if (!size || target->folder[size - 1] == '/')
        return;
    for (guint i = 0; i < objects->len; i++)
        if (strcmp(((struct lake_object *)objects->pdata[i])->key, target->folder) == 0)
            return;
    char *folder = g_strconcat(target->folder, "/", NULL);
    g_free(target->folder);
    target->folder = folder;
}

static bool is_in(const struct crawl_target *target, const char *key)
{
    size_t size = strlen(target->folder);
    return g_str_has_prefix(key, target->folder) &&
           (!size || target->folder[size - 1] == '/' || !key[size]);
}

GPtrArray *crawl_list(const struct crawl_plan *plan, const struct crawl_target *target,
                      struct crawl_result *result, GError **error)
{
    GPtrArray *objects = lake_list(plan->lake, target->bucket, target->folder, error);
    if (!objects)
        return NULL;
    settle_folder((struct crawl_target *)target, objects);
    g_autoptr(GPtrArray) lakehouses = find_lakehouses(plan, objects, target, result);
    guint kept = 0;
    for (guint i = 0; i < objects->len; i++) {
        struct lake_object *object = objects->pdata[i];
        if (!is_in(target, object->key) || !is_data(target, object) ||
            is_below(object->key, lakehouses)) {
            lake_object_free(object);
            continue;
        }
        objects->pdata[kept++] = object;
    }
    for (guint i = kept; i < objects->len; i++)
        objects->pdata[i] = NULL;
    g_ptr_array_set_free_func(objects, NULL);
    g_ptr_array_set_size(objects, (int)kept);
    g_ptr_array_set_free_func(objects, (GDestroyNotify)lake_object_free);
    return objects;
}
