#include "runtime/input_files.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "base/file.h"

static bool is_marker(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (*part == '.' || *part == '_')
            return true;
    return false;
}

static bool take(const char *path, const char *name, void *data, GError **error)
{
    (void)error;
    if (!is_marker(name))
        g_ptr_array_add(data, g_strdup(path));
    return true;
}

GPtrArray *input_files(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    return file_each(folder, take, found, error) ? g_steal_pointer(&found) : NULL;
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
