/* The least limit of the control groups that a process is in, in folders as the kernel has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "base/file.h"
#include "table/memory_limit.h"

enum { MOST = 1 << 30 };

static void put(const char *root, const char *group, const char *file, const char *text)
{
    g_autofree char *folder = g_build_filename(root, group, NULL);
    g_autofree char *path = g_build_filename(folder, file, NULL);
    assert_true(file_make_folders(folder, NULL));
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_both_versions(void **state)
{
    (void)state;
    g_autofree char *root = g_dir_make_tmp("lathe-groups-XXXXXX", NULL);
    put(root, "a/b/c", "memory.max", "max\n");
    put(root, "a/b", "memory.max", "5000\n");
    put(root, "a", "memory.max", "7000\n");
    put(root, "memory/x/y", "memory.limit_in_bytes", "9223372036854771712\n");
    put(root, "memory/x", "memory.limit_in_bytes", "6000\n");
    put(root, "memory", "memory.limit_in_bytes", "8000\n");
    static const struct {
        const char *groups;
        size_t limit;
    } rows[] = {
        {"0::/a/b/c\n", 5000},
        {"0::/a\n", 7000},
        {"0::/\n", MOST},
        {"12:cpu:/x\n4:hugetlb,memory:/x/y\n0::/\n", 6000},
        {"4:memory:/x/y\n0::/a/b\n", 5000},
        {"4:memory:/not/there\n", 8000}, /* in a container, by the names outside */
        {"0::/../a\n", MOST},
        {"nonsense", MOST},
        {"", MOST},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(memory_limit_of(root, rows[i].groups, MOST), rows[i].limit);
    put(root, ".", "memory.max", "4000\n"); /* a container's own root */
    assert_int_equal(memory_limit_of(root, "0::/\n", MOST), 4000);
    assert_int_equal(memory_limit_of(root, "0::/a/b", MOST), 4000);
    file_remove_tree(root, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_versions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
