#include "runtime/input_files.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool find(const char *folder, GPtrArray *found, GError **error)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, error);
    if (!entries)
        return false;
    const char *entry;
    while ((entry = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        if (*entry == '.' || *entry == '_')
            continue;
        if (!g_file_test(path, G_FILE_TEST_IS_DIR))
            g_ptr_array_add(found, g_steal_pointer(&path));
        else if (!find(path, found, error))
            return false;
    }
    return true;
}

GPtrArray *input_files(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    if (!find(folder, found, error))
        return NULL;
    g_ptr_array_sort(found, by_name);
    return g_steal_pointer(&found);
}

/* zlib reads files that are not gzip as they are. */
GByteArray *input_file_read(const char *path, GError **error)
{
    gzFile file = gzopen(path, "rb");
    if (!file) {
        error_set(error, ERROR_INTERNAL, "%s cannot be opened", path);
        return NULL;
    }
    gzbuffer(file, 1 << 18);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    static const guint step = 1 << 20;
    int n;
    do {
        guint used = bytes->len;
        g_byte_array_set_size(bytes, used + step);
        n = gzread(file, bytes->data + used, step);
        g_byte_array_set_size(bytes, used + (guint)MAX(n, 0));
    } while (n > 0);
    int code = Z_OK;
    const char *why = gzerror(file, &code);
    bool whole = n == 0 && (code == Z_OK || code == Z_STREAM_END);
    if (!whole)
        error_set(error, ERROR_VALIDATION, "%s: %s", path, why);
    gzclose(file);
    return whole ? g_steal_pointer(&bytes) : NULL;
}
