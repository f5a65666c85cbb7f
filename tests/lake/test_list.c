/* Pages of listings, held against a listing worked out the plain way: all keys, one by one. */
#include "lake_fixture.h"

static char *random_key(GRand *random)
{
    static const char *const pieces[] = {"a", "b", "/", "//", "-", "a/", "\u00e9", "z", "0"};
    GString *key = g_string_new(NULL);
    for (int length = g_rand_int_range(random, 1, 6); length; length--)
        g_string_append(key, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
    return g_string_free(key, FALSE);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What S3 lists in all: "k <key>" and "p <common prefix>" in order. */
static GPtrArray *plain_listing(GPtrArray *keys, const char *prefix, const char *delimiter,
                                const char *after)
{
    GPtrArray *items = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < keys->len; i++) {
        const char *key = g_ptr_array_index(keys, i);
        const char *found = delimiter && g_str_has_prefix(key, prefix)
                                ? strstr(key + strlen(prefix), delimiter)
                                : NULL;
        if (!g_str_has_prefix(key, prefix) || (after && strcmp(key, after) <= 0))
            continue;
        g_autofree char *item =
            found ? g_strdup_printf("p %.*s", (int)(found - key + (int)strlen(delimiter)), key)
                  : g_strdup_printf("k %s", key);
        if (!items->len || strcmp(g_ptr_array_index(items, items->len - 1), item) != 0)
            g_ptr_array_add(items, g_steal_pointer(&item));
    }
    return items;
}

static void take_page(GPtrArray *items, const struct lake_page *page)
{
    guint o = 0, p = 0;
    while (o < page->objects->len || p < page->prefixes->len) {
        const struct lake_object *object =
            o < page->objects->len ? g_ptr_array_index(page->objects, o) : NULL;
        const char *prefix = p < page->prefixes->len ? g_ptr_array_index(page->prefixes, p) : NULL;
        bool first = object && (!prefix || strcmp(object->key, prefix) < 0);
        g_ptr_array_add(items, first ? g_strdup_printf("k %s", object->key)
                                     : g_strdup_printf("p %s", prefix));
        o += first;
        p += !first;
    }
}

static void pages_make_the_whole(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (int i = 0; i < 300; i++) {
        char *key = random_key(random);
        if (!g_hash_table_contains(seen, key)) {
            g_hash_table_add(seen, key);
            g_ptr_array_add(keys, key);
            put_text(fixture->lake, key, "x");
        } else {
            g_free(key);
        }
    }
    qsort(keys->pdata, keys->len, sizeof(char *), compare);
    static const char *const prefixes[] = {"", "a", "a/", "/", "\u00e9", "zz", "nothing"};
    static const char *const delimiters[] = {NULL, "/", "//", "a", "\u00e9"};
    static const size_t limits[] = {1, 2, 7, 1000};
    for (size_t p = 0; p < G_N_ELEMENTS(prefixes); p++)
        for (size_t d = 0; d < G_N_ELEMENTS(delimiters); d++)
            for (size_t l = 0; l < G_N_ELEMENTS(limits); l++) {
                g_autoptr(GPtrArray) expected =
                    plain_listing(keys, prefixes[p], delimiters[d], NULL);
                g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);
                g_autofree char *after = NULL;
                do {
                    struct lake_query query = {prefixes[p], delimiters[d], after, limits[l]};
                    struct lake_page page;
                    assert_true(lake_list_page(fixture->lake, "bucket", &query, &page, NULL));
                    assert_true(page.objects->len + page.prefixes->len <= limits[l]);
                    take_page(items, &page);
                    g_free(after);
                    after = g_steal_pointer(&page.next);
                    lake_page_clear(&page);
                } while (after);
                assert_int_equal(items->len, expected->len);
                for (guint i = 0; i < items->len; i++)
                    assert_string_equal(g_ptr_array_index(items, i),
                                        g_ptr_array_index(expected, i));
            }
}

static void starts_after_a_key(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"a", "b/1", "b/2", "c"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        put_text(fixture->lake, names[i], "x");
    struct lake_query query = {NULL, "/", "b/1", 10};
    struct lake_page page;
    assert_true(lake_list_page(fixture->lake, "bucket", &query, &page, NULL));
    assert_int_equal(page.prefixes->len, 1); /* b/2 is still below it */
    assert_int_equal(page.objects->len, 1);
    lake_page_clear(&page);
}

int main(void)
{
#define with_lake(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)
    const struct CMUnitTest tests[] = {
        with_lake(pages_make_the_whole),
        with_lake(starts_after_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
