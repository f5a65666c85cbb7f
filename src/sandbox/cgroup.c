#include "sandbox/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* The child that the server lives in. */
#define SERVER "lathe"
#define REMOVALS 100 /* tries, 10 ms apart: who was killed is a little while yet */

/* ---- the files of a group ---- */

static char *read_file(const char *group, const char *name)
{
    g_autofree char *path = g_build_filename(group, name, NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? g_strstrip(text) : NULL;
}

static bool write_file(const char *group, const char *name, const char *text, GError **error)
{
    g_autofree char *path = g_build_filename(group, name, NULL);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (!written)
        error_set_errno(error, errno, "writing %s to %s", text, path);
    if (fd >= 0)
        close(fd);
    return written;
}

static bool has_word(const char *group, const char *name, const char *word)
{
    g_autofree char *text = read_file(group, name);
    g_auto(GStrv) words = text ? g_strsplit(text, " ", -1) : NULL;
    return words && g_strv_contains((const char *const *)words, word);
}

/* The number behind a key, where each line is a key and a number; 0 where there is none. */
static guint64 number_of(const char *group, const char *name, const char *key)
{
    g_autofree char *text = read_file(group, name);
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;
    for (char **line = lines; line && *line; line++)
        if (g_str_has_prefix(*line, key) && (*line)[strlen(key)] == ' ')
            return g_ascii_strtoull(*line + strlen(key), NULL, 10);
    return 0;
}

/* ---- the server's own ---- */

/* The line "0::/path" of /proc/self/cgroup as a folder; a group of version 1 has another number. */
static char *folder_of(const char *root, const char *own)
{
    g_auto(GStrv) lines = g_strsplit(own, "\n", -1);
    for (char **line = lines; *line; line++)
        if (g_str_has_prefix(*line, "0::/") && !strstr(*line, ".."))
            return g_build_filename(root, *line + strlen("0::/"), NULL);
    return NULL;
}

/* What is the user's is the user's. Root may write everywhere: where systemd rules, it says which
 * groups it leaves to others. */
static bool is_handed_over(const char *group)
{
    char value[8];
    return geteuid() != 0 || !g_file_test("/run/systemd/system", G_FILE_TEST_IS_DIR) ||
           getxattr(group, "trusted.delegate", value, sizeof value) > 0 ||
           getxattr(group, "user.delegate", value, sizeof value) > 0;
}

static bool is_writable(const char *group)
{
    static const char *const names[] = {".", "cgroup.procs", "cgroup.subtree_control"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(group, names[i], NULL);
        if (access(path, W_OK) != 0)
            return false;
    }
    return true;
}

/* Where the server is alone in its group it moves into a child; false: the group is as it was. */
static bool move_below(const char *group)
{
    g_autofree char *below = g_build_filename(group, SERVER, NULL);
    g_autofree char *self = g_strdup_printf("%d", (int)getpid());
    g_autofree char *there = read_file(group, "cgroup.procs");
    if (g_strcmp0(there, self) != 0 || (mkdir(below, 0755) != 0 && errno != EEXIST))
        return false;
    if (write_file(below, "cgroup.procs", self, NULL) &&
        write_file(group, "cgroup.subtree_control", "+memory", NULL))
        return true;
    write_file(group, "cgroup.procs", self, NULL);
    rmdir(below);
    return false;
}

/* Groups of sandboxes whose server was killed; what is in use cannot be taken away. */
static void remove_left(const char *group)
{
    g_autoptr(GDir) folder = g_dir_open(group, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename(group, name, NULL);
        if (strcmp(name, SERVER) != 0)
            rmdir(path);
    }
}

char *cgroup_claim(const char *root, const char *own)
{
    g_autofree char *group = folder_of(root, own);
    if (!group)
        return NULL;
    g_autofree char *name = g_path_get_basename(group);
    bool is_below = strcmp(name, SERVER) == 0; /* before, or by systemd's DelegateSubgroup */
    if (is_below) {
        char *above = g_path_get_dirname(group);
        g_free(group);
        group = above;
    }
    if (!is_handed_over(group) || !is_writable(group) ||
        !has_word(group, "cgroup.controllers", "memory"))
        return NULL;
    bool shares =
        is_below ? write_file(group, "cgroup.subtree_control", "+memory", NULL) : move_below(group);
    if (!shares)
        return NULL;
    remove_left(group);
    return g_steal_pointer(&group);
}

/* ---- a sandbox's ---- */

char *cgroup_make(const char *parent, const char *name, guint64 memory, GError **error)
{
    g_autofree char *group = g_build_filename(parent, name, NULL);
    g_autofree char *most = g_strdup_printf("%" G_GUINT64_FORMAT, memory);
    if (mkdir(group, 0755) != 0 && errno != EEXIST) {
        error_set_errno(error, errno, "making the control group %s", group);
        return NULL;
    }
    write_file(group, "memory.swap.max", "0", NULL); /* is not there where nothing is swapped */
    if (write_file(group, "memory.max", most, error) &&
        write_file(group, "memory.oom.group", "1", error))
        return g_steal_pointer(&group);
    rmdir(group);
    return NULL;
}

bool cgroup_enter(const char *group, GError **error)
{
    return write_file(group, "cgroup.procs", "0", error);
}

guint64 cgroup_overrun(const char *group)
{
    if (!number_of(group, "memory.events", "oom_kill"))
        return 0;
    g_autofree char *peak = read_file(group, "memory.peak"); /* Linux 5.19 */
    g_autofree char *most = peak ? NULL : read_file(group, "memory.max");
    return MAX(g_ascii_strtoull(peak ? peak : most ? most : "", NULL, 10), 1);
}

void cgroup_remove(const char *group)
{
    write_file(group, "cgroup.kill", "1", NULL);
    for (int i = 0; i < REMOVALS && rmdir(group) != 0 && errno == EBUSY; i++)
        g_usleep(10000);
}
