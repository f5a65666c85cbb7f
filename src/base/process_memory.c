/* What a group of processes holds, from /proc. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

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
