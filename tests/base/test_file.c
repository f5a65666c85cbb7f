/* Files that are put in another's place. */
#include <glib.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char *below(const char *folder, const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void assert_holds(const char *path, const char *expected)
{
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, expected);
}

typedef bool put_function(const char *path, const void *bytes, size_t size, GError **error);

/* What stands there may be a link to what must stay, and a process that was killed may have left a
 * beginning. */
static void takes_the_place_of_whatever_is_there(put_function *put)
{
    g_autofree char *folder = g_dir_make_tmp("lathe-file-XXXXXX", NULL);
    g_autofree char *kept = below(folder, "kept"), *link = below(folder, "link");
    g_autofree char *begun = below(folder, ".link");
    assert_true(g_file_set_contents(kept, "old", -1, NULL));
    assert_int_equal(symlink("kept", link), 0);
    assert_true(g_file_set_contents(begun, "a beginning", -1, NULL));
    for (int i = 0; i < 2; i++) {
        assert_true(put(link, "new", 3, NULL));
        assert_holds(link, "new");
        assert_holds(kept, "old");
    }
    assert_true(file_remove_tree(folder, NULL));
}

static void a_file_takes_the_place_of_whatever_is_there(void **state)
{
    (void)state;
    takes_the_place_of_whatever_is_there(file_put);
    takes_the_place_of_whatever_is_there(file_replace);
}

static void a_file_that_cannot_be_put_leaves_nothing(void **state)
{
    (void)state;
    g_autofree char *folder = g_dir_make_tmp("lathe-file-XXXXXX", NULL);
    g_autofree char *taken = below(folder, "taken"), *begun = below(folder, ".taken");
    assert_true(file_make_folders(taken, NULL));
    assert_false(file_put(taken, "new", 3, NULL));
    assert_int_not_equal(access(begun, F_OK), 0);
    assert_true(file_remove_tree(folder, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_takes_the_place_of_whatever_is_there),
        cmocka_unit_test(a_file_that_cannot_be_put_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
