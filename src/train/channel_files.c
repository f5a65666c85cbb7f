#include "train/channel_files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

/* No real data set is nested deeper; a link to a folder above would be. */
#define MAX_DEPTH 32

static bool collect(GPtrArray *files, const char *root, const char *relative, int depth,
                    GError **error);

static bool collect_entry(GPtrArray *files, const char *root, const char *relative, int depth,
                          GError **error)
{
    g_autofree char *path = g_build_filename(root, relative, NULL);
    struct stat status;
    if (stat(path, &status) != 0) {
        return error_set_errno(error, errno, "reading the channel's file %s", path);
    }
    if (S_ISDIR(status.st_mode)) {
        return collect(files, root, relative, depth + 1, error);
    }
    if (S_ISREG(status.st_mode)) {
        g_ptr_array_add(files, g_strdup(relative));
    }
    return true;
}

static bool collect(GPtrArray *files, const char *root, const char *relative, int depth,
                    GError **error)
{
    g_autofree char *path = g_build_filename(root, relative, NULL);
    if (depth > MAX_DEPTH) {
        return error_set(error, ERROR_VALIDATION, "%s: folders are nested deeper than %d", path,
                         MAX_DEPTH);
    }
    g_autoptr(GDir) folder = g_dir_open(path, 0, error);
    if (folder == NULL) {
        return false;
    }
    const char *name;
    while ((name = g_dir_read_name(folder)) != NULL) {
        if (*name == '.' || *name == '_') {
            continue;
        }
        g_autofree char *child =
            *relative == '\0' ? g_strdup(name) : g_build_filename(relative, name, NULL);
        if (!collect_entry(files, root, child, depth, error)) {
            return false;
        }
    }
    return true;
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *channel_files_list(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    if (!g_file_test(folder, G_FILE_TEST_EXISTS)) {
        return g_steal_pointer(&files);
    }
    if (!collect_entry(files, folder, "", 0, error)) {
        return NULL;
    }
    g_ptr_array_sort(files, compare_paths);
    return g_steal_pointer(&files);
}
