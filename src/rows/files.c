#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "rows/rows.h"

/* No real data set is nested deeper; a link to a folder above would be. */
enum { DEPTH_MOST = 32 };

static void free_file(void *of)
{
    struct rows_file *file = of;
    g_free(file->path);
    g_free(file->name);
    g_free(file);
}

static void add_file(GPtrArray *files, const char *path, const char *name)
{
    struct rows_file *file = g_new(struct rows_file, 1);
    *file = (struct rows_file){g_strdup(path), g_strdup(name)};
    g_ptr_array_add(files, file);
}

/* What a walk through folders gathers. */
struct collection {
    GPtrArray *files;
    bool all; /* also those whose names begin with a dot or underscore */
};

static bool collect(const struct collection *to, const char *path, const char *name, int depth,
                    GError **error);

static bool collect_folder(const struct collection *to, const char *path, const char *name,
                           int depth, GError **error)
{
    if (depth > DEPTH_MOST)
        return error_set(error, ERROR_VALIDATION, "%s: folders are nested deeper than %d", path,
                         DEPTH_MOST);
    g_autoptr(GDir) folder = g_dir_open(path, 0, error);
    if (!folder)
        return false;
    const char *entry;
    while ((entry = g_dir_read_name(folder))) {
        if (!to->all && (*entry == '.' || *entry == '_'))
            continue;
        g_autofree char *child = g_build_filename(path, entry, NULL);
        g_autofree char *below = *name ? g_build_filename(name, entry, NULL) : g_strdup(entry);
        if (!collect(to, child, below, depth + 1, error))
            return false;
    }
    return true;
}

static bool collect(const struct collection *to, const char *path, const char *name, int depth,
                    GError **error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_errno(error, errno, "reading the file %s", path);
    if (S_ISDIR(status.st_mode))
        return collect_folder(to, path, name, depth, error);
    g_autofree char *own = g_path_get_basename(path);
    if (S_ISREG(status.st_mode))
        add_file(to->files, path, *name ? name : own);
    return true;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    const struct rows_file *const *first = a, *const *second = b;
    return strcmp((*first)->name, (*second)->name);
}

static GPtrArray *files_below(const char *folder, bool all, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(free_file);
    struct collection to = {files, all};
    if (g_file_test(folder, G_FILE_TEST_EXISTS) && !collect(&to, folder, "", 0, error))
        return NULL;
    g_ptr_array_sort(files, compare_names);
    return g_steal_pointer(&files);
}

GPtrArray *rows_files(const char *folder, GError **error)
{
    return files_below(folder, false, error);
}

GPtrArray *rows_all_files(const char *folder, GError **error)
{
    return files_below(folder, true, error);
}

GPtrArray *rows_one_file(const char *path)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(free_file);
    add_file(files, path, strcmp(path, "-") == 0 ? "standard input" : path);
    return files;
}

enum rows_format rows_format_of(const char *name)
{
    static const struct {
        const char *ending;
        enum rows_format format;
    } endings[] = {{".jsonl", ROWS_JSON_LINES},
                   {".ndjson", ROWS_JSON_LINES},
                   {".libsvm", ROWS_LIBSVM},
                   {".svm", ROWS_LIBSVM}};
    size_t size = strlen(name) - (g_str_has_suffix(name, ".gz") ? 3 : 0);
    g_autofree char *plain = g_strndup(name, size);
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(plain, endings[i].ending))
            return endings[i].format;
    return ROWS_CSV;
}
