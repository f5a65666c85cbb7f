/* What processes hold and use, from /proc. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"

static char *read_of(const char *pid, const char *what)
{
    g_autofree char *path = g_build_filename("/proc", pid, what, NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

/* The group is the third field after the name, which stands in brackets and may hold anything. */
static bool is_of_group(const char *pid, pid_t group)
{
    g_autofree char *text = read_of(pid, "stat");
    const char *name_end = text ? strrchr(text, ')') : NULL;
    int parent, found;
    return name_end && sscanf(name_end + 1, " %*c %d %d", &parent, &found) == 2 && found == group;
}

static size_t bytes_of(const char *pid)
{
    g_autofree char *text = read_of(pid, "smaps_rollup");
    const char *line = text ? strstr(text, "\nPss:") : NULL;
    size_t kibibytes;
    return line && sscanf(line, "\nPss: %zu kB", &kibibytes) == 1 ? kibibytes << 10 : 0;
}

size_t process_memory(const struct process *process)
{
    DIR *folder = opendir("/proc");
    size_t sum = 0;
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder))
        if (g_ascii_isdigit(entry->d_name[0]) && is_of_group(entry->d_name, process->pid))
            sum += bytes_of(entry->d_name);
    if (folder)
        closedir(folder);
    return sum;
}

/* ---- all that one started ---- */

struct seen {
    int pid, parent;
    bool counts;
    unsigned long long ticks;
};

/* Fields 4 and 14 to 17 of its stat: its parent, and the time that it and its children that ended
 * took. */
static bool look_at(const char *pid, struct seen *seen)
{
    g_autofree char *text = read_of(pid, "stat");
    const char *name_end = text ? strrchr(text, ')') : NULL;
    unsigned long long own, system, children, children_system;
    if (!name_end ||
        sscanf(name_end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
               &seen->parent, &own, &system, &children, &children_system) != 5)
        return false;
    seen->pid = (int)g_ascii_strtoll(pid, NULL, 10);
    seen->ticks = own + system + children + children_system;
    seen->counts = false;
    return true;
}

static GArray *all_processes(void)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct seen));
    DIR *folder = opendir("/proc");
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        struct seen seen;
        if (g_ascii_isdigit(entry->d_name[0]) && look_at(entry->d_name, &seen))
            g_array_append_val(all, seen);
    }
    if (folder)
        closedir(folder);
    return all;
}

/* Children of those that count count, until there are no more. */
static void mark_family(GArray *all, int first)
{
    g_autoptr(GHashTable) family = g_hash_table_new(NULL, NULL);
    g_hash_table_add(family, GINT_TO_POINTER(first));
    for (bool more = true; more;) {
        more = false;
        for (guint i = 0; i < all->len; i++) {
            struct seen *one = &g_array_index(all, struct seen, i);
            bool counts =
                one->pid == first || g_hash_table_contains(family, GINT_TO_POINTER(one->parent));
            if (one->counts || !counts)
                continue;
            one->counts = more = true;
            g_hash_table_add(family, GINT_TO_POINTER(one->pid));
        }
    }
}

static guint64 number_behind(const char *text, const char *word)
{
    const char *at = text ? strstr(text, word) : NULL;
    return at ? g_ascii_strtoull(at + strlen(word), NULL, 10) : 0;
}

struct process_usage process_usage(const struct process *process)
{
    struct process_usage usage = {0};
    g_autoptr(GArray) all = all_processes();
    mark_family(all, process->pid);
    for (guint i = 0; i < all->len; i++) {
        const struct seen *one = &g_array_index(all, struct seen, i);
        if (!one->counts)
            continue;
        g_autofree char *pid = g_strdup_printf("%d", one->pid);
        g_autofree char *io = read_of(pid, "io");
        usage.cpu_seconds += (double)one->ticks / (double)sysconf(_SC_CLK_TCK);
        usage.memory += bytes_of(pid);
        usage.read_bytes += number_behind(io, "\nread_bytes: ");
        usage.written_bytes += number_behind(io, "\nwrite_bytes: ");
    }
    return usage;
}
