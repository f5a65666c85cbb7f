#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

#include "base/error.h"

char *library_find(const char *variable, const char *below, GError **error)
{
    const char *configured = g_getenv(variable);
    if (configured && *configured)
        return g_strdup(configured);
    g_autofree char *program = g_file_read_link("/proc/self/exe", error);
    if (!program)
        return NULL;
    g_autofree char *folder = g_path_get_dirname(program);
    g_autofree char *built = g_build_filename(folder, "lib", below, NULL);
    g_autofree char *installed = g_build_filename(folder, "..", "lib", "lathe", below, NULL);
    if (g_file_test(built, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&built);
    if (g_file_test(installed, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&installed);
    error_set(error, ERROR_INTERNAL,
              "a library was found neither as %s nor as %s: install it there, or name it in %s",
              built, installed, variable);
    return NULL;
}

void *library_load(const char *path, const struct library_symbol *symbols, size_t count,
                   void *table, const char *needed, GError **error)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        error_set(error, ERROR_INTERNAL, "loading %s: %s", path, dlerror());
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        void *address = dlsym(library, symbols[i].name);
        if (!address) {
            error_set(error, ERROR_INTERNAL, "%s has no function %s: %s is needed", path,
                      symbols[i].name, needed);
            return NULL;
        }
        /* POSIX lets a function's address pass through a void pointer; ISO C has no cast for it. */
        memcpy((char *)table + symbols[i].offset, &address, sizeof address);
    }
    return library;
}
