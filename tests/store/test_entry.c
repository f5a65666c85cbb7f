/* Entries: rows beside a resource (store/entry.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/entry.h"
#include "store/resource.h"

static char *folder;

static int open_store(void **state)
{
    folder = g_dir_make_tmp("lathe-entry-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "meta.db", NULL);
    *state = store_open(path, NULL);
    return *state ? 0 : -1;
}

static int close_store(void **state)
{
    store_close(*state);
    file_remove_tree(folder, NULL);
    g_free(folder);
    return 0;
}

static void create(struct store *store, const char *name, double created)
{
    g_autoptr(json_auto) body = json_object();
    struct resource resource = {.kind = (char *)"job",
                                .name = (char *)name,
                                .arn = (char *)name,
                                .status = (char *)"",
                                .parent = (char *)"",
                                .body = body,
                                .created = created};
    assert_true(resource_create(store, &resource, NULL, NULL));
}

struct entry_to_put {
    const char *owner, *word;
    gint64 number;
    int value;
};

static bool put_entry(struct store_connection *connection, void *data, GError **error)
{
    const struct entry_to_put *entry = data;
    g_autoptr(json_auto) body = json_pack("{si}", "Value", entry->value);
    return entry_put(connection, "job", entry->owner, entry->number, entry->word, body, error);
}

/* Their numbers, and what each holds: "1:10 2:20"; takes them. */
static char *told(GPtrArray *entries)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < entries->len; i++) {
        const struct entry *entry = g_ptr_array_index(entries, i);
        g_string_append_printf(text, "%s%d:%d", i ? " " : "", (int)entry->number,
                               (int)json_integer_at(entry->body, "Value", 0));
    }
    g_ptr_array_unref(entries);
    return g_string_free(text, FALSE);
}

static void assert_listed(struct store *store, struct entry_query query, const char *wanted)
{
    query.kind = "job";
    g_autofree char *found = told(entry_list(store, &query, NULL));
    assert_string_equal(found, wanted);
}

static void entries_go_with_their_resource(void **state)
{
    struct store *store = *state;
    struct entry_to_put entries[] = {
        {"a", "w", 1, 10}, {"a", NULL, 2, 20}, {"b", "w", 1, 30}, {"a", "v", 3, 40}};
    create(store, "a", 1);
    create(store, "b", 2);
    for (size_t i = 0; i < G_N_ELEMENTS(entries); i++)
        assert_true(store_write(store, put_entry, &entries[i], NULL));
    assert_listed(store, (struct entry_query){.owner = "a"}, "1:10 2:20 3:40");
    assert_listed(store, (struct entry_query){.owner = "a", .after = 1, .limit = 1}, "2:20");
    assert_listed(store, (struct entry_query){.owner = "a", .newest_first = true, .limit = 2},
                  "3:40 2:20");
    assert_listed(store, (struct entry_query){.owner = "a", .newest_first = true, .after = 2},
                  "1:10");
    g_autofree char *found = told(entry_find(store, "job", "w", NULL));
    assert_string_equal(found, "1:30 1:10"); /* the newer resource's first */
    struct entry_to_put again = {"a", "v", 1, 50};
    assert_true(store_write(store, put_entry, &again, NULL));
    assert_listed(store, (struct entry_query){.owner = "a", .limit = 1}, "1:50");
    assert_true(resource_delete(store, "job", "a", NULL, NULL));
    assert_listed(store, (struct entry_query){.owner = "a"}, "");
    assert_true(store_write(store, put_entry, &again, NULL)); /* from somebody who did not hear */
    assert_listed(store, (struct entry_query){.owner = "a"}, "");
    assert_listed(store, (struct entry_query){.owner = "b"}, "1:30");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_go_with_their_resource, open_store, close_store)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
