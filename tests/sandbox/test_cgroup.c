/* Control groups: which the server takes for its own, over folders that are made up, since most
 * machines hand none to a test; and ending what is in one, in the kernel's own where it may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "sandbox/cgroup.h"

/* ---- made-up groups ---- */

static char *root;

static void put(const char *group, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(root, group, name, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static char *get(const char *group, const char *name)
{
    g_autofree char *path = g_build_filename(root, group, name, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static void assert_holds(const char *group, const char *name, const char *text)
{
    g_autofree char *found = get(group, name);
    assert_string_equal(found, text);
}

/* A group as the kernel makes one, with its processes. */
static void make(const char *group, const char *processes, const char *controllers)
{
    g_autofree char *path = g_build_filename(root, group, NULL);
    assert_true(file_make_folders(path, NULL));
    /* As systemd says that it is another's; where the file system keeps no such marks there is no
     * systemd either. */
    setxattr(path, "trusted.delegate", "1", 1, 0);
    put(group, "cgroup.procs", processes);
    put(group, "cgroup.controllers", controllers);
    put(group, "cgroup.subtree_control", "");
    put(group, "cgroup.kill", "");
    put(group, "memory.max", "max");
    put(group, "memory.swap.max", "max");
    put(group, "memory.oom.group", "0");
    put(group, "memory.events", "low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n");
}

static int up(void **state)
{
    (void)state;
    root = g_dir_make_tmp("lathe-cgroup-XXXXXX", NULL);
    return 0;
}

static int down(void **state)
{
    (void)state;
    file_remove_tree(root, NULL);
    g_free(root);
    return 0;
}

static char *self(void)
{
    return g_strdup_printf("%d", (int)getpid());
}

static void a_server_that_is_alone_in_its_group_moves_into_a_child(void **state)
{
    (void)state;
    g_autofree char *pid = self();
    make("user/lathe.scope", pid, "cpu memory pids\n");
    make("user/lathe.scope/lathe", "", "");
    g_autofree char *group = cgroup_claim(root, "4:memory:/other\n0::/user/lathe.scope\n");
    g_autofree char *wanted = g_build_filename(root, "user/lathe.scope", NULL);
    assert_string_equal(group, wanted);
    assert_holds("user/lathe.scope/lathe", "cgroup.procs", pid);
    assert_holds("user/lathe.scope", "cgroup.subtree_control", "+memory");
}

static void a_server_that_lives_in_the_child_already_takes_the_one_above(void **state)
{
    (void)state;
    make("unit", "", "memory\n");
    make("unit/lathe", "1\n2\n", "");
    g_autofree char *left = g_build_filename(root, "unit/job-7", NULL);
    assert_true(file_make_folders(left, NULL));
    g_autofree char *group = cgroup_claim(root, "0::/unit/lathe\n");
    g_autofree char *wanted = g_build_filename(root, "unit", NULL);
    assert_string_equal(group, wanted);
    assert_holds("unit/lathe", "cgroup.procs", "1\n2\n");
    assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
}

static void what_is_not_the_servers_alone_is_let_be(void **state)
{
    (void)state;
    g_autofree char *pid = self();
    g_autofree char *both = g_strdup_printf("1\n%s\n", pid);
    make("shared", both, "memory\n");
    make("shared/lathe", "", "");
    assert_null(cgroup_claim(root, "0::/shared\n"));
    assert_holds("shared", "cgroup.procs", both);
    assert_holds("shared/lathe", "cgroup.procs", "");

    make("without", pid, "cpu pids\n");
    assert_null(cgroup_claim(root, "0::/without\n"));
    assert_null(cgroup_claim(root, "0::/nowhere\n"));
    assert_null(cgroup_claim(root, "3:memory:/shared\n"));
    assert_null(cgroup_claim(root, "0::/../etc\n"));
}

/* Where memory cannot be shared out (somebody else came meanwhile) all is as it was. */
static void a_group_that_cannot_be_shared_out_is_left_as_it_was(void **state)
{
    (void)state;
    g_autofree char *pid = self();
    make("busy", pid, "memory\n");
    make("busy/lathe", "", "");
    g_autofree char *control = g_build_filename(root, "busy/cgroup.subtree_control", NULL);
    unlink(control);
    assert_int_equal(symlink("/dev/full", control), 0);
    assert_null(cgroup_claim(root, "0::/busy\n"));
    assert_holds("busy", "cgroup.procs", pid);
}

static void a_sandboxs_group_has_its_limit_and_tells_its_overrun(void **state)
{
    (void)state;
    make("unit/job-1", "", "memory\n");
    g_autofree char *parent = g_build_filename(root, "unit", NULL);
    g_autofree char *group = cgroup_make(parent, "job-1", 256 << 20, NULL);
    assert_non_null(group);
    assert_holds("unit/job-1", "memory.max", "268435456");
    assert_holds("unit/job-1", "memory.swap.max", "0");
    assert_holds("unit/job-1", "memory.oom.group", "1");
    assert_int_equal(cgroup_overrun(group), 0);
    put("unit/job-1", "memory.events", "low 0\noom 1\noom_kill 3\n");
    assert_int_equal(cgroup_overrun(group), 256 << 20);
    put("unit/job-1", "memory.peak", "268431360\n");
    assert_int_equal(cgroup_overrun(group), 268431360);

    assert_true(cgroup_enter(group, NULL));
    assert_holds("unit/job-1", "cgroup.procs", "0");
}

static void a_group_that_cannot_be_limited_is_an_error(void **state)
{
    (void)state;
    g_autofree char *path = g_build_filename(root, "bare", NULL);
    assert_true(file_make_folders(path, NULL));
    g_autoptr(GError) error = NULL;
    assert_null(cgroup_make(path, "job-1", 1 << 20, &error));
    assert_non_null(strstr(error->message, "memory.max"));
    g_autofree char *made = g_build_filename(path, "job-1", NULL);
    assert_false(g_file_test(made, G_FILE_TEST_EXISTS));
}

/* ---- the kernel's own ---- */

/* A group of this test's own, or NULL where it may make none. */
static char *real_group(void)
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < G_N_ELEMENTS(mounts); i++) {
        g_autofree char *mark = g_build_filename(mounts[i], "cgroup.procs", NULL);
        char *path = g_strdup_printf("%s/lathe-test-%d", mounts[i], (int)getpid());
        if (access(mark, W_OK) == 0 && mkdir(path, 0755) == 0)
            return path;
        g_free(path);
    }
    return NULL;
}

/* It, and a process that it started, whose end the pipe tells. */
static void live_in(const char *group, int pipe_end)
{
    if (!cgroup_enter(group, NULL) || fork() < 0 || write(pipe_end, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void all_that_is_in_a_group_ends_with_it(void **state)
{
    (void)state;
    g_autofree char *group = real_group();
    if (!group) {
        print_message("this test may make no control group of version 2\n");
        skip();
    }
    int ends[2];
    char bytes[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0)
        live_in(group, ends[1]);
    close(ends[1]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(read(ends[0], bytes, 1), 1);
    cgroup_remove(group);
    assert_int_equal(read(ends[0], bytes, 1), 0); /* both are gone */
    assert_false(g_file_test(group, G_FILE_TEST_EXISTS));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_is_alone_in_its_group_moves_into_a_child),
        cmocka_unit_test(a_server_that_lives_in_the_child_already_takes_the_one_above),
        cmocka_unit_test(what_is_not_the_servers_alone_is_let_be),
        cmocka_unit_test(a_group_that_cannot_be_shared_out_is_left_as_it_was),
        cmocka_unit_test(a_sandboxs_group_has_its_limit_and_tells_its_overrun),
        cmocka_unit_test(a_group_that_cannot_be_limited_is_an_error),
        cmocka_unit_test(all_that_is_in_a_group_ends_with_it),
    };
    return cmocka_run_group_tests(tests, up, down);
}
