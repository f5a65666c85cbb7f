/* What a sandbox holds, looked at from outside: memory as the sum of what its processes hold, each
 * shared page counted once, since RLIMIT_AS counts addresses, which Python's libraries reserve by
 * the gigabyte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sandbox/sandbox_inside.h"

/* The kernel's name of a process's namespace of processes; empty where it is gone. */
static void namespace_of(const char *pid, char name[64])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/ns/pid", pid);
    ssize_t n = readlink(path, name, 63);
    name[MAX(n, 0)] = '\0';
}

static guint64 memory_of(const char *pid)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%.20s/smaps_rollup", pid);
    FILE *file = fopen(path, "re");
    guint64 kilobytes = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "Pss:", 4) == 0)
            kilobytes = strtoull(line + 4, NULL, 10);
    if (file)
        fclose(file);
    return kilobytes << 10;
}

/* The 14th and 15th fields of its stat, counted from behind its name, which may hold anything. */
static guint64 ticks_of(const char *pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[size] = '\0';
    unsigned long long user = 0, system = 0;
    const char *rest = strrchr(text, ')');
    if (!rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                        &system) != 2)
        return 0;
    return user + system;
}

/* Of all processes in the first one's namespace. */
struct usage limits_usage(pid_t first, bool of_memory)
{
    struct usage usage = {0, 0};
    char ours[64], theirs[64];
    g_autofree char *number = g_strdup_printf("%d", (int)first);
    namespace_of(number, ours);
    g_autoptr(GDir) processes = first > 0 ? g_dir_open("/proc", 0, NULL) : NULL;
    const char *name;
    while (*ours && processes && (name = g_dir_read_name(processes))) {
        if (!g_ascii_isdigit(*name))
            continue;
        namespace_of(name, theirs);
        if (strcmp(theirs, ours) != 0)
            continue;
        usage.ticks += ticks_of(name);
        if (of_memory)
            usage.memory += memory_of(name);
    }
    return usage;
}

static char *told(const char *what, guint64 found, guint64 most)
{
    g_autofree char *found_text = g_format_size_full(found, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *most_text = g_format_size_full(most, G_FORMAT_SIZE_IEC_UNITS);
    return g_strdup_printf("%s: %s, of %s that it may have", what, found_text, most_text);
}

char *limits_overrun(const struct sandbox *sandbox, guint64 memory)
{
    return told("its processes held too much memory", memory, sandbox->memory);
}

char *limits_check(const struct sandbox *sandbox, const struct usage *usage)
{
    if (usage->memory > sandbox->memory)
        return limits_overrun(sandbox, usage->memory);
    guint64 bytes = sandbox->bytes ? file_sum(sandbox->folder).bytes : 0;
    if (bytes > sandbox->bytes)
        return told("it wrote too much", bytes, sandbox->bytes);
    return NULL;
}
