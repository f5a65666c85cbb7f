/* What bubblewrap cannot do itself: copies on writing over the lake's links, and reaching what only
 * the server's user may reach (its home, a root's Python) for a job that is another user.
 *
 * In a mount namespace of its own, MOUNTS_FOLDER becomes a small file system with the job's folder
 * (ml), the program of the first process (first), and what the interpreter needs (prefix-0,
 * prefix-1); bubblewrap then binds from there. */
#define _GNU_SOURCE /* unshare */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "sandbox/sandbox_inside.h"

#define HOME "/home/job"
/* ---- the interpreter ---- */

/* The folder that a virtual environment was made from: `home = ...` of its pyvenv.cfg. g_free. */
static char *home_of_environment(const char *prefix)
{
    g_autofree char *path = g_build_filename(prefix, "pyvenv.cfg", NULL);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        char *value = strchr(*line, '=');
        if (g_str_has_prefix(*line, "home") && value)
            return g_path_get_dirname(g_strstrip(value + 1)); /* less its bin */
    }
    return NULL;
}

static void add_prefix(GPtrArray *prefixes, char *prefix)
{
    if (prefix && strcmp(prefix, "/") != 0 &&
        !g_ptr_array_find_with_equal_func(prefixes, prefix, g_str_equal, NULL))
        g_ptr_array_add(prefixes, prefix);
    else
        g_free(prefix);
}

static char *prefix_of(const char *program)
{
    g_autofree char *bin = g_path_get_dirname(program);
    return g_path_get_dirname(bin);
}

/* What an interpreter reads of itself: its environment, that one's origin, and where its program
 * really is. */
static void add_prefixes_of_python(GPtrArray *prefixes, const struct sandbox *sandbox)
{
    if (!sandbox->python)
        return;
    char *prefix = prefix_of(sandbox->python);
    g_autofree char *origin = home_of_environment(prefix);
    add_prefix(prefixes, prefix);
    char real[PATH_MAX];
    if (realpath(sandbox->python, real))
        add_prefix(prefixes, prefix_of(real));
    if (origin)
        add_prefix(prefixes, g_strdup(origin));
}

static GPtrArray *prefixes_of(const struct sandbox *sandbox)
{
    GPtrArray *prefixes = g_ptr_array_new_with_free_func(g_free);
    add_prefixes_of_python(prefixes, sandbox);
    for (char **shown = sandbox->shown; *shown; shown++)
        add_prefix(prefixes, g_strdup(*shown));
    return prefixes;
}

/* ---- before the fork ---- */

static char *in_own(const struct sandbox *sandbox, const char *name)
{
    return g_build_filename(sandbox->folder, SANDBOX_FOLDER, name, NULL);
}

static char *overlay_path(const struct sandbox *sandbox, guint number, const char *part)
{
    g_autofree char *name = g_strdup_printf("over-%u/%s", number, part);
    return in_own(sandbox, name);
}

/* Folders and files become the user's. */
static bool give(const char *path, uid_t user, const GHashTable *left_out, GError **error)
{
    if (left_out && g_hash_table_contains((GHashTable *)left_out, path))
        return true;
    struct stat status;
    if (lstat(path, &status) != 0 || lchown(path, user, user) != 0)
        return error_set_errno(error, errno, "giving the job its folder %s", path);
    if (!S_ISDIR(status.st_mode))
        return true;
    g_autoptr(GDir) folder = g_dir_open(path, 0, error);
    const char *name;
    bool given = folder != NULL;
    while (given && (name = g_dir_read_name(folder))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        given = give(child, user, left_out, error);
    }
    return given;
}

/* Where /etc/resolv.conf leads to is often below /run, which is not seen. */
static bool write_resolver(const struct sandbox *sandbox, GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *path = in_own(sandbox, "resolv.conf");
    if (sandbox->host_network)
        g_file_get_contents("/etc/resolv.conf", &text, NULL, NULL);
    else if (sandbox_domains_server(sandbox) >= 0)
        text = g_strdup("nameserver 127.0.0.1\n");
    return !text || g_file_set_contents(path, text, -1, error);
}

/* Scripts for containers, where they are root or may become so, begin commands with sudo; what the
 * job may do at all it may do without. The SDK's @step makes all of /tmp writable so, where the
 * user's Python may lie: what is read-only stays that. */
static bool write_sudo(const struct sandbox *sandbox, GError **error)
{
    static const char text[] = "#!/bin/sh\n"
                               "while :; do\n"
                               "    case \"$1\" in\n"
                               "    -u | -g) shift 2 ;;\n"
                               "    --) shift && break ;;\n"
                               "    -*) shift ;;\n"
                               "    *=*) export \"$1\" && shift ;;\n"
                               "    *) break ;;\n"
                               "    esac\n"
                               "done\n"
                               "[ \"$1\" = chmod ] || exec \"$@\"\n"
                               "export LC_ALL=C\n"
                               "{ said=$(\"$@\" 2>&1 1>&3); } 3>&1 && exit\n"
                               "status=$?\n"
                               "printf '%s\\n' \"$said\" | grep -qv ': Read-only file system$' ||"
                               " exit 0\n"
                               "printf '%s\\n' \"$said\" >&2\n"
                               "exit $status\n";
    g_autofree char *path = in_own(sandbox, "sudo");
    return g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0755, error);
}

static bool write_names(const struct sandbox *sandbox, GError **error)
{
    unsigned user = sandbox->user, group_id = sandbox->group;
    g_autofree char *passwd_path = in_own(sandbox, "passwd");
    g_autofree char *group_path = in_own(sandbox, "group");
    g_autofree char *hosts_path = in_own(sandbox, "hosts");
    g_autofree char *passwd =
        g_strdup_printf("root:x:0:0:root:/root:/bin/sh\njob:x:%u:%u:job:" HOME ":/bin/sh\n"
                        "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
                        user, group_id);
    g_autofree char *group = g_strdup_printf("root:x:0:\njob:x:%u:\nnogroup:x:65534:\n", group_id);
    return g_file_set_contents(passwd_path, passwd, -1, error) &&
           g_file_set_contents(group_path, group, -1, error) && write_resolver(sandbox, error) &&
           g_file_set_contents(hosts_path, "127.0.0.1 localhost algo-1\n::1 localhost\n", -1,
                               error);
}

bool mounts_lay_out(const struct sandbox *sandbox, GError **error)
{
    static const char *const folders[] = {"home", "tmp", "var-tmp"};
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = in_own(sandbox, folders[i]);
        if (!file_make_folders(path, error))
            return false;
    }
    for (guint i = 0; sandbox->overlaid[i]; i++) {
        g_autofree char *upper = overlay_path(sandbox, i, "upper");
        g_autofree char *work = overlay_path(sandbox, i, "work");
        if (!file_make_folders(upper, error) || !file_make_folders(work, error))
            return false;
    }
    return write_names(sandbox, error) && write_sudo(sandbox, error);
}

/* Links to the lake's files stay what they are. */
bool mounts_hand_over(const struct sandbox *sandbox, GError **error)
{
    if (geteuid() != 0)
        return true;
    g_autoptr(GHashTable) overlaid = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (char **folder = sandbox->overlaid; *folder; folder++)
        g_hash_table_add(overlaid, g_build_filename(sandbox->folder, *folder, NULL));
    return give(sandbox->folder, sandbox->user, overlaid, error);
}

/* ---- in the child ---- */

static bool write_text(const char *path, const char *text, GError **error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && file_write_all(fd, text, strlen(text), NULL);
    if (!written)
        error_set_errno(error, errno, "writing %s", path);
    if (fd >= 0)
        close(fd);
    return written;
}

#define FORBIDDEN                                                                                \
    "this machine forbids user namespaces, which the sandbox of scripts needs (%s); allow them " \
    "(sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_"      \
    "userns=0; in a container --security-opt seccomp=unconfined), or set runtime.isolation to "  \
    "none in lathe.yaml"

/* Namespaces of mounts and network; for who is not root in a namespace of users, where it is
 * itself.
 */
static bool leave(bool host_network, GError **error)
{
    int left = CLONE_NEWNS | (host_network ? 0 : CLONE_NEWNET);
    uid_t user = geteuid();
    gid_t group = getegid();
    if (user == 0)
        return unshare(left) == 0 || error_set_errno(error, errno, "making namespaces");
    if (unshare(CLONE_NEWUSER | left) != 0)
        return error_set(error, ERROR_INTERNAL, FORBIDDEN, g_strerror(errno));
    g_autofree char *users = g_strdup_printf("%u %u 1\n", user, user);
    g_autofree char *groups = g_strdup_printf("%u %u 1\n", group, group);
    return write_text("/proc/self/uid_map", users, error) &&
           write_text("/proc/self/setgroups", "deny", error) &&
           write_text("/proc/self/gid_map", groups, error);
}

static bool bind_at(int fd, const char *name, bool is_folder, GError **error)
{
    g_autofree char *to = g_strconcat(MOUNTS_FOLDER "/", name, NULL);
    g_autofree char *from = g_strdup_printf("/proc/self/fd/%d", fd);
    bool made = is_folder ? mkdir(to, 0755) == 0 : mknod(to, S_IFREG | 0644, 0) == 0;
    made = made && mount(from, to, NULL, MS_BIND | (is_folder ? MS_REC : 0), NULL) == 0;
    close(fd);
    return made || error_set_errno(error, errno, "binding %s", to);
}

/* The first process's program, in the memory of the mount. */
static bool write_first(GError **error)
{
    int fd = open(MOUNTS_FOLDER "/first", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    bool written = fd >= 0 && file_write_all(fd, (const char *)first_program,
                                             (size_t)(first_program_end - first_program), error);
    if (fd < 0)
        error_set_errno(error, errno, "writing the first process of a sandbox");
    else
        close(fd);
    return written;
}

/* What is bound: opened before anything is mounted over it. */
struct source {
    int fd;
    char *name; /* below MOUNTS_FOLDER */
    bool is_folder;
};

static void clear_source(void *data)
{
    g_free(((struct source *)data)->name);
}

static bool add_source(GArray *sources, int fd, char *name, bool is_folder)
{
    struct source source = {fd, name, is_folder};
    g_array_append_val(sources, source);
    return fd >= 0;
}

static bool add_folder(GArray *sources, const char *path, char *name, GError **error)
{
    return add_source(sources, open(path, O_PATH | O_CLOEXEC), name, true) ||
           error_set_errno(error, errno, "opening %s for the sandbox", path);
}

static bool add_file(GArray *sources, const char *path, char *name, GError **error)
{
    return add_source(sources, open(path, O_PATH | O_CLOEXEC), name, false) ||
           error_set_errno(error, errno, "opening %s for the sandbox", path);
}

static bool open_sources(const struct sandbox *sandbox, GArray *sources, GError **error)
{
    g_autoptr(GPtrArray) prefixes = prefixes_of(sandbox);
    if (!add_folder(sources, sandbox->folder, g_strdup("ml"), error))
        return false;
    for (guint i = 0; i < prefixes->len; i++)
        if (!add_folder(sources, g_ptr_array_index(prefixes, i), g_strdup_printf("prefix-%u", i),
                        error))
            return false;
    return (!sandbox->packages ||
            add_folder(sources, sandbox->packages, g_strdup("packages"), error)) &&
           (!sandbox->certificates ||
            add_file(sources, sandbox->certificates, g_strdup("certificates.pem"), error));
}

static bool bring_together(const struct sandbox *sandbox, GError **error)
{
    g_autoptr(GArray) sources = g_array_new(false, false, sizeof(struct source));
    g_array_set_clear_func(sources, clear_source);
    if (!open_sources(sandbox, sources, error))
        return false;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0 ||
        mkdir(MOUNTS_FOLDER, 0755) != 0)
        return error_set_errno(error, errno, "mounting " MOUNTS_FOLDER);
    for (guint i = 0; i < sources->len; i++) {
        const struct source *source = &g_array_index(sources, struct source, i);
        if (!bind_at(source->fd, source->name, source->is_folder, error))
            return false;
    }
    return write_first(error);
}

/* A path in the options of an overlay: what they are parted by is escaped. */
static void append_escaped(GString *options, const char *name, const char *path)
{
    g_string_append_printf(options, "%s%s=", options->len ? "," : "", name);
    for (; *path; path++) {
        if (strchr("\\,:", *path))
            g_string_append_c(options, '\\');
        g_string_append_c(options, *path);
    }
}

static bool copy_tree(const char *path, const char *name, void *data, GError **error)
{
    g_autofree char *to = g_build_filename(data, name, NULL);
    g_autofree char *above = g_path_get_dirname(to);
    return file_make_folders(above, error) && file_copy(path, to, 0600, error);
}

/* Where overlays cannot be mounted, the job gets copies in the place of its links. */
static bool copy_instead(const char *lower, const char *upper, uid_t user, GError **error)
{
    if (!file_each(lower, copy_tree, (void *)upper, error) ||
        (geteuid() == 0 && !give(upper, user, NULL, error)))
        return false;
    return mount(upper, lower, NULL, MS_BIND, NULL) == 0 ||
           error_set_errno(error, errno, "binding the copies of a job's inputs");
}

/* What an overlay covers: the folder, or as the job's user is to see it. NULL where that cannot be
 * shown. g_free. */
static char *below_overlay(const char *lower, guint number, uid_t user)
{
    if (geteuid() != 0)
        return g_strdup(lower);
    g_autofree char *shown = g_strdup_printf(MOUNTS_FOLDER "/lower-%u", number);
    return mkdir(shown, 0755) == 0 && idmap_bind(lower, shown, user) ? g_steal_pointer(&shown)
                                                                     : NULL;
}

static bool overlay(const struct sandbox *sandbox, guint number, GError **error)
{
    g_autofree char *own = g_strdup_printf(MOUNTS_FOLDER "/ml/" SANDBOX_FOLDER "/over-%u", number);
    g_autofree char *lower = g_build_filename(MOUNTS_FOLDER "/ml", sandbox->overlaid[number], NULL);
    g_autofree char *upper = g_build_filename(own, "upper", NULL);
    g_autofree char *work = g_build_filename(own, "work", NULL);
    g_autofree char *shown = below_overlay(lower, number, sandbox->user);
    g_autoptr(GString) options = g_string_new(geteuid() == 0 ? NULL : "userxattr");
    append_escaped(options, "lowerdir", shown ? shown : lower);
    append_escaped(options, "upperdir", upper);
    append_escaped(options, "workdir", work);
    return (shown && mount("overlay", lower, "overlay", MS_NOSUID | MS_NODEV, options->str) == 0) ||
           copy_instead(lower, upper, sandbox->user, error);
}

static bool give_up_root(uid_t user, GError **error)
{
    return geteuid() != 0 ||
           (setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 &&
            setresuid(user, user, user) == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0) ||
           error_set_errno(error, errno, "becoming the user %u", (unsigned)user);
}

bool mounts_prepare(const struct sandbox *sandbox, GError **error)
{
    if (!leave(sandbox->host_network, error) ||
        (!sandbox->host_network && !network_open(sandbox, error)) ||
        !bring_together(sandbox, error))
        return false;
    for (guint i = 0; sandbox->overlaid[i]; i++)
        if (!overlay(sandbox, i, error))
            return false;
    return give_up_root(sandbox->user, error);
}

/* ---- bubblewrap's arguments ---- */

static void add(GPtrArray *arguments, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    for (const char *word = first; word; word = va_arg(rest, const char *))
        g_ptr_array_add(arguments, g_strdup(word));
    va_end(rest);
}

static bool is_folder(const char *path)
{
    return g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK);
}

/* Whether the job's user could come to a path's place at all, where it is not the server's. */
static bool is_reached(const char *path, uid_t user)
{
    g_autofree char *above = g_path_get_dirname(path);
    struct stat status;
    return strcmp(above, "/") == 0 ||
           (stat(above, &status) == 0 && (status.st_uid == user || status.st_mode & S_IXOTH) &&
            is_reached(above, user));
}

/* Whether a folder is to be made empty: one that is there, that the job could come to, and that
 * does not lie where all is another's within. */
static bool is_masked(const struct sandbox *sandbox, const char *path)
{
    static const char *const others[] = {"/tmp/", "/var/tmp/", "/home/", "/root/", "/run/"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (g_str_has_prefix(path, others[i]))
            return false;
    return is_folder(path) && strcmp(path, "/") != 0 && is_reached(path, sandbox->user);
}

/* /opt/ml may not be there, and /opt cannot be written: it is made anew with what was in it. */
static void add_opt(GPtrArray *arguments)
{
    add(arguments, "--tmpfs", "/opt", NULL);
    g_autoptr(GDir) folder = g_dir_open("/opt", 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename("/opt", name, NULL);
        if (strcmp(name, "ml") != 0)
            add(arguments, "--ro-bind-try", path, path, NULL);
    }
    add(arguments, "--bind", MOUNTS_FOLDER "/ml", "/opt/ml", "--tmpfs", "/opt/ml/" SANDBOX_FOLDER,
        "--remount-ro", "/opt/ml/" SANDBOX_FOLDER, NULL);
}

#define OWN MOUNTS_FOLDER "/ml/" SANDBOX_FOLDER "/"

static void add_masks(GPtrArray *arguments, const struct sandbox *sandbox)
{
    add(arguments, "--tmpfs", "/home", "--tmpfs", "/root", NULL);
    for (char **masked = sandbox->masked; *masked; masked++)
        if (is_masked(sandbox, *masked))
            add(arguments, "--tmpfs", *masked, NULL);
    add(arguments, "--bind", OWN "home", HOME, "--tmpfs", "/run", "--bind", OWN "tmp", "/tmp",
        "--bind", OWN "var-tmp", "/var/tmp", NULL);
}

/* Whether a path is gone by what is made empty. */
static bool is_hidden(const struct sandbox *sandbox, const char *path)
{
    bool hidden = g_str_has_prefix(path, "/home/") || g_str_has_prefix(path, "/root/");
    for (char **masked = sandbox->masked; *masked; masked++)
        hidden |= g_str_has_prefix(path, *masked) && path[strlen(*masked)] == '/';
    return hidden;
}

/* Where a prefix really is, and as a link where it was looked for. */
static void add_prefix_at(GPtrArray *arguments, const struct sandbox *sandbox, const char *from,
                          const char *prefix)
{
    char real[PATH_MAX];
    if (!realpath(prefix, real) || strcmp(real, "/usr") == 0) /* that is there */
        return;
    add(arguments, "--ro-bind", from, real, NULL);
    if (strcmp(real, prefix) != 0 && is_hidden(sandbox, prefix))
        add(arguments, "--symlink", real, prefix, NULL);
}

static void add_interpreter(GPtrArray *arguments, const struct sandbox *sandbox)
{
    g_autoptr(GPtrArray) prefixes = prefixes_of(sandbox);
    for (guint i = 0; i < prefixes->len; i++) {
        g_autofree char *from = g_strdup_printf(MOUNTS_FOLDER "/prefix-%u", i);
        add_prefix_at(arguments, sandbox, from, g_ptr_array_index(prefixes, i));
    }
}

/* What was made empty stays so, once all is bound that lies below it. */
static void add_seals(GPtrArray *arguments, const struct sandbox *sandbox)
{
    add(arguments, "--remount-ro", "/home", "--remount-ro", "/opt", "--remount-ro", "/root",
        "--remount-ro", "/run", NULL);
    for (char **masked = sandbox->masked; *masked; masked++)
        if (is_masked(sandbox, *masked))
            add(arguments, "--remount-ro", *masked, NULL);
}

static void add_names(GPtrArray *arguments)
{
    add(arguments, "--ro-bind", OWN "passwd", "/etc/passwd", "--ro-bind", OWN "group", "/etc/group",
        "--ro-bind", OWN "hosts", "/etc/hosts", NULL);
    char resolver[PATH_MAX];
    if (realpath("/etc/resolv.conf", resolver)) /* is written where there is who answers */
        add(arguments, "--ro-bind-try", OWN "resolv.conf", resolver, NULL);
}

static void add_socket(GPtrArray *arguments, guint number)
{
    g_autofree char *from = g_strdup_printf(OWN INSIDE_SOCKET, number);
    g_autofree char *to = g_strdup_printf(INSIDE_FOLDER "/" INSIDE_SOCKET, number);
    add(arguments, "--bind", from, to, NULL);
}

static void add_first_process(GPtrArray *arguments, const struct sandbox *sandbox)
{
    add(arguments, "--ro-bind", MOUNTS_FOLDER "/first", INSIDE_FOLDER "/first", "--ro-bind",
        OWN INSIDE_ORDERS, INSIDE_FOLDER "/" INSIDE_ORDERS, NULL);
    if (sandbox->packages)
        add(arguments, "--ro-bind", MOUNTS_FOLDER "/packages", INSIDE_PACKAGES, NULL);
    add(arguments, "--ro-bind", OWN "sudo", INSIDE_PROGRAMS "/sudo", "--ro-bind-try", OWN "python",
        SANDBOX_PYTHON, NULL);
    if (sandbox->certificates)
        add(arguments, "--ro-bind", MOUNTS_FOLDER "/certificates.pem", SANDBOX_CERTIFICATES, NULL);
    for (guint i = 0; i < sandbox_forwards(sandbox); i++)
        add_socket(arguments, i);
}

GPtrArray *mounts_arguments(const struct sandbox *sandbox, const char *working_folder)
{
    GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);
    add(arguments, "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", "--die-with-parent", "--as-pid-1", "--new-session", "--clearenv",
        "--cap-drop", "ALL", "--hostname", "algo-1", NULL);
    add(arguments, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", NULL);
    add_masks(arguments, sandbox);
    add_opt(arguments);
    add_interpreter(arguments, sandbox);
    add_names(arguments);
    add_first_process(arguments, sandbox);
    add_seals(arguments, sandbox);
    add(arguments, "--chdir", working_folder ? working_folder : "/opt/ml", "--",
        INSIDE_FOLDER "/first", NULL);
    g_ptr_array_add(arguments, NULL);
    return arguments;
}
