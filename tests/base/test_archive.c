/* Archives from outside, put into a folder: what stays in it, and what would lead out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/archive.h"
#include "base/error.h"
#include "base/file.h"

struct member {
    const char *name;
    unsigned type;
    const char *text, *link; /* of a file; of a link */
    bool hard;
};

static GBytes *packed(const struct member *members, size_t count)
{
    size_t room = 1 << 20, used = 0;
    char *bytes = g_malloc(room);
    struct archive *archive = archive_write_new();
    archive_write_add_filter_gzip(archive);
    archive_write_set_format_gnutar(archive);
    assert_int_equal(archive_write_open_memory(archive, bytes, room, &used), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[i].name);
        archive_entry_set_filetype(entry, members[i].type);
        archive_entry_set_perm(entry, 04777);
        archive_entry_set_size(entry, members[i].text ? (la_int64_t)strlen(members[i].text) : 0);
        if (members[i].link && members[i].hard)
            archive_entry_set_hardlink(entry, members[i].link);
        else if (members[i].link)
            archive_entry_set_symlink(entry, members[i].link);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        if (members[i].text)
            archive_write_data(archive, members[i].text, strlen(members[i].text));
        archive_entry_free(entry);
    }
    archive_write_close(archive);
    archive_write_free(archive);
    return g_bytes_new_take(bytes, used);
}

static int up(void **state)
{
    *state = g_dir_make_tmp("archive-XXXXXX", NULL);
    return *state ? 0 : 1;
}

static int down(void **state)
{
    bool removed = file_remove_tree(*state, NULL);
    g_free(*state);
    return removed ? 0 : 1;
}

static char *text_of(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static void files_come_out_as_they_went_in(void **state)
{
    const struct member members[] = {
        {"./code/", AE_IFDIR, NULL, NULL, false},
        {"./code/inference.py", AE_IFREG, "first", NULL, false},
        {"code/inference.py", AE_IFREG, "second", NULL, false},
        {"deep/er/model", AE_IFREG, "weights", NULL, false},
        {"latest", AE_IFLNK, NULL, "deep/er/model", false},
    };
    g_autoptr(GBytes) bytes = packed(members, G_N_ELEMENTS(members));
    g_autofree char *folder = g_build_filename(*state, "new", NULL);
    assert_true(archive_unpack(bytes, folder, NULL));
    const char *const right[][2] = {
        {"code/inference.py", "second"}, {"deep/er/model", "weights"}, {"latest", "weights"}};
    for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
        g_autofree char *text = text_of(folder, right[i][0]);
        assert_string_equal(text, right[i][1]);
    }
    g_autofree char *found = archive_find_text(bytes, "code/inference.py", 100, NULL);
    assert_string_equal(found, "first");
    g_autoptr(GError) error = NULL;
    assert_null(archive_find_text(bytes, "code/none.py", 100, &error));
    assert_null(error);
    assert_null(archive_find_text(bytes, "deep/er/model", 3, &error));
    assert_non_null(strstr(error->message, "larger than 3 bytes"));
}

static void what_leads_out_is_refused(void **state)
{
    const struct member members[] = {
        {"../out", AE_IFREG, "x", NULL, false},       {"a/../../out", AE_IFREG, "x", NULL, false},
        {"/tmp/out", AE_IFREG, "x", NULL, false},     {"up", AE_IFLNK, NULL, "../secret", false},
        {"far", AE_IFLNK, NULL, "/etc/hosts", false}, {"same", AE_IFREG, NULL, "/etc/hosts", true},
        {"pipe", AE_IFIFO, NULL, NULL, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        g_autoptr(GBytes) bytes = packed(&members[i], 1);
        g_autofree char *folder = g_build_filename(*state, "in", NULL);
        g_autoptr(GError) error = NULL;
        if (archive_unpack(bytes, folder, &error))
            fail_msg("%s was unpacked", members[i].name);
        assert_true(g_error_matches(error, LATHE_ERROR, ERROR_VALIDATION));
        if (!strstr(error->message, members[i].name))
            fail_msg("\"%s\" does not name %s", error->message, members[i].name);
    }
    g_autofree char *out = g_build_filename(*state, "out", NULL);
    assert_false(g_file_test(out, G_FILE_TEST_EXISTS));
}

static void what_is_no_archive_is_refused(void **state)
{
    g_autoptr(GBytes) bytes = g_bytes_new("no archive", 10);
    g_autoptr(GError) error = NULL;
    assert_false(archive_unpack(bytes, *state, &error));
    assert_true(g_error_matches(error, LATHE_ERROR, ERROR_VALIDATION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_come_out_as_they_went_in, up, down),
        cmocka_unit_test_setup_teardown(what_leads_out_is_refused, up, down),
        cmocka_unit_test_setup_teardown(what_is_no_archive_is_refused, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
