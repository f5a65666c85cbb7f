#include "table/memory_limit.h"

#include <glib.h>
#include <string.h>
#include <unistd.h>

static size_t less(size_t most, const char *folder, const char *file)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return most;
    guint64 limit = g_ascii_strtoull(text, NULL, 10); /* "max": 0 */
    return limit && limit < most ? (size_t)limit : most;
}

/* Of a group and all above it. In a container the groups' names may be those of outside: then only
 * its root is there. */
static size_t least(size_t most, const char *root, const char *group, const char *file)
{
    g_autofree char *name = g_strdup(group);
    for (;;) {
        g_autofree char *folder = g_build_filename(root, name, NULL);
        most = less(most, folder, file);
        char *slash = strrchr(name, '/');
        if (!slash)
            return most;
        *slash = '\0';
    }
}

/* "0::/path" is version 2; "4:cpu,memory:/path" a controller of version 1. */
static size_t least_of_line(size_t most, const char *root, const char *line)
{
    g_auto(GStrv) parts = g_strsplit(line, ":", 3);
    if (g_strv_length(parts) < 3 || strstr(parts[2], ".."))
        return most;
    if (!*parts[1])
        return least(most, root, parts[2], "memory.max");
    g_auto(GStrv) controllers = g_strsplit(parts[1], ",", -1);
    if (!g_strv_contains((const char *const *)controllers, "memory"))
        return most;
    g_autofree char *folder = g_build_filename(root, "memory", NULL);
    return least(most, folder, parts[2], "memory.limit_in_bytes");
}

size_t memory_limit_of(const char *root, const char *groups, size_t most)
{
    g_auto(GStrv) lines = g_strsplit(groups, "\n", -1);
    for (char **line = lines; *line; line++)
        most = least_of_line(most, root, *line);
    return most;
}

size_t memory_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    g_autofree char *groups = NULL;
    g_file_get_contents("/proc/self/cgroup", &groups, NULL, NULL);
    return memory_limit_of("/sys/fs/cgroup", groups ? groups : "0::/",
                           (size_t)pages * (size_t)size);
}
