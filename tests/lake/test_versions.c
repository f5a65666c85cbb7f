/* Versions, delete markers and locks: what is there after any sequence of changes is what a list
 * kept beside them says, and looking for an object costs the same however many versions it has. */
#include "lake_fixture.h"

#include <pthread.h>

#include "base/clock.h"
#include "store/connection.h"

enum { CHANGES = 200, LARGE = 70000, SMALL = 100 };

/* ---- the model: S3's rules, on a list with the newest first ---- */

struct version {
    char *id;
    bool marker, current_file; /* its bytes are a file */
    unsigned seed;
};

static void free_version(void *data)
{
    struct version *version = data;
    g_free(version->id);
    g_free(version);
}

static void model_drop(GPtrArray *model, const char *id)
{
    for (guint i = 0; i < model->len; i++)
        if (strcmp(((struct version *)model->pdata[i])->id, id) == 0) {
            g_ptr_array_remove_index(model, i);
            return;
        }
}

static void model_add(GPtrArray *model, const char *id, bool marker, unsigned seed)
{
    struct version *version = g_new0(struct version, 1);
    *version = (struct version){g_strdup(id), marker, !marker && seed % 2, seed};
    if (strcmp(id, "null") == 0)
        model_drop(model, id);
    g_ptr_array_insert(model, 0, version);
}

/* ---- changes ---- */

static GBytes *bytes_of_seed(unsigned seed)
{
    return body_of(seed % 2 ? LARGE : SMALL, seed);
}

static char *put(struct fixture *fixture, unsigned seed)
{
    GError *error = NULL;
    g_autoptr(GBytes) bytes = bytes_of_seed(seed);
    g_autoptr(stream_auto) body = stream_from_bytes(bytes);
    g_autoptr(lake_draft_auto) draft = lake_receive(fixture->lake, body, 0, &error);
    no_error(error);
    struct lake_entry entry = {.bucket = "bucket", .key = "key"};
    g_autoptr(lake_object_auto) object = lake_commit(fixture->lake, draft, &entry, &error);
    no_error(error);
    return g_strdup(object->version);
}

static char *delete_key(struct fixture *fixture, const char *version, bool *marker)
{
    GError *error = NULL;
    struct lake_deletion deletion = {.key = "key", .version = version};
    lake_delete_all(fixture->lake, "bucket", &deletion, 1, &error);
    no_error(error);
    no_error(deletion.error);
    *marker = deletion.marker;
    return deletion.gone;
}

static void set_versioning(struct fixture *fixture, const char *versioning)
{
    GError *error = NULL;
    lake_set_versioning(fixture->lake, "bucket", versioning, &error);
    no_error(error);
}

static void change(struct fixture *fixture, GPtrArray *model, GRand *random, unsigned seed)
{
    int dice = g_rand_int_range(random, 0, 10);
    bool marker = false;
    g_autofree char *id = NULL;
    if (dice == 0) {
        set_versioning(fixture, seed % 2 ? "Enabled" : "Suspended");
    } else if (dice < 5) {
        id = put(fixture, seed);
        model_add(model, id, false, seed);
    } else if (dice < 7) {
        id = delete_key(fixture, NULL, &marker);
        assert_true(marker);
        model_add(model, id, true, 0);
    } else if (model->len) {
        guint i = (guint)g_rand_int_range(random, 0, (gint32)model->len);
        struct version *version = model->pdata[i];
        id = delete_key(fixture, version->id, &marker);
        assert_int_equal(marker, version->marker);
        g_ptr_array_remove_index(model, i);
    }
}

/* ---- what is there ---- */

/* The whole listing, in pages of `limit`. */
static GPtrArray *list_versions(struct fixture *fixture, const char *delimiter, size_t limit,
                                GPtrArray *prefixes)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)lake_object_free);
    g_autofree char *after = NULL, *version = NULL;
    do {
        GError *error = NULL;
        struct lake_versions_query query = {
            {.delimiter = delimiter, .after = after, .limit = limit}, version};
        struct lake_versions_page page;
        lake_list_versions(fixture->lake, "bucket", &query, &page, &error);
        no_error(error);
        assert_true(page.page.objects->len + page.page.prefixes->len <= limit);
        g_free(after);
        g_free(version);
        after = g_steal_pointer(&page.page.next);
        version = g_steal_pointer(&page.next_version);
        g_ptr_array_extend_and_steal(all, g_steal_pointer(&page.page.objects));
        if (prefixes)
            g_ptr_array_extend_and_steal(prefixes, g_steal_pointer(&page.page.prefixes));
        lake_versions_page_clear(&page);
    } while (after);
    return all;
}

static void assert_bytes(struct fixture *fixture, const char *version, unsigned seed)
{
    GError *error = NULL;
    g_autoptr(stream_auto) body = NULL;
    g_autoptr(lake_object_auto) object =
        lake_find_version(fixture->lake, "bucket", "key", version, &body, NULL, &error);
    no_error(error);
    g_autoptr(GBytes) bytes = stream_read_all(body, SIZE_MAX, &error);
    g_autoptr(GBytes) wanted = bytes_of_seed(seed);
    assert_true(g_bytes_equal(bytes, wanted));
}

/* The object without a version: the newest, or nothing below a delete marker. */
static void assert_current(struct fixture *fixture, const GPtrArray *model)
{
    const struct version *newest = model->len ? model->pdata[0] : NULL;
    g_autoptr(lake_object_auto) marker = NULL;
    g_autoptr(GPtrArray) listed = lake_list(fixture->lake, "bucket", "", NULL);
    assert_int_equal(listed->len, newest && !newest->marker);
    if (newest && !newest->marker) {
        assert_bytes(fixture, NULL, newest->seed);
        return;
    }
    assert_fails(lake_find_version(fixture->lake, "bucket", "key", NULL, NULL, &marker, error),
                 ERROR_NO_SUCH_KEY);
    assert_int_equal(marker != NULL, newest != NULL);
    if (newest)
        assert_string_equal(marker->version, newest->id);
}

static guint assert_versions(struct fixture *fixture, const GPtrArray *model, size_t limit)
{
    g_autoptr(GPtrArray) listed = list_versions(fixture, NULL, limit, NULL);
    assert_int_equal(listed->len, model->len);
    guint files = 0;
    for (guint i = 0; i < model->len; i++) {
        const struct version *version = model->pdata[i];
        const struct lake_object *object = listed->pdata[i];
        assert_string_equal(object->version, version->id);
        assert_int_equal(object->marker, version->marker);
        assert_int_equal(object->latest, i == 0);
        files += version->current_file;
        if (!version->marker)
            assert_bytes(fixture, version->id, version->seed);
        else
            assert_fails(
                lake_find_version(fixture->lake, "bucket", "key", version->id, NULL, NULL, error),
                ERROR_METHOD_NOT_ALLOWED);
    }
    return files;
}

static void any_sequence_of_changes(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GPtrArray) model = g_ptr_array_new_with_free_func(free_version);
    GRand *random = g_rand_new_with_seed(5);
    g_autofree char *first = put(fixture, 1); /* before the bucket kept any */
    assert_string_equal(first, "null");
    model_add(model, first, false, 1);
    set_versioning(fixture, "Enabled");
    guint files = 0;
    for (unsigned seed = 2; seed < CHANGES; seed++) {
        change(fixture, model, random, seed);
        files = assert_versions(fixture, model, 1 + seed % 5);
        assert_current(fixture, model);
    }
    assert_true(files > 0);
    assert_files(fixture, files); /* the others are gone */
    fixture_close(fixture);
    fixture_open(fixture); /* which collects what no row names */
    assert_versions(fixture, model, 1000);
    if (model->len)
        assert_fails(lake_bucket_delete(fixture->lake, "bucket", error), ERROR_BUCKET_NOT_EMPTY);
    while (model->len) {
        bool marker;
        g_free(delete_key(fixture, ((struct version *)model->pdata[0])->id, &marker));
        g_ptr_array_remove_index(model, 0);
    }
    assert_files(fixture, 0);
    GError *error = NULL;
    lake_bucket_delete(fixture->lake, "bucket", &error);
    no_error(error);
    g_rand_free(random);
}

/* A client that empties a bucket deletes each page before it asks for the next. */
static void a_listing_goes_on_where_its_version_is_gone(void **state)
{
    struct fixture *fixture = *state;
    set_versioning(fixture, "Enabled");
    for (unsigned i = 0; i < 25; i++)
        g_free(put(fixture, 2 * i));
    struct lake_versions_query query = {{.limit = 4}, NULL};
    struct lake_versions_page page;
    guint seen = 0;
    for (bool more = true; more;) {
        assert_true(lake_list_versions(fixture->lake, "bucket", &query, &page, NULL));
        for (guint i = 0; i < page.page.objects->len; i++, seen++) {
            bool marker;
            const struct lake_object *object = page.page.objects->pdata[i];
            g_free(delete_key(fixture, object->version, &marker));
        }
        g_free((char *)query.query.after);
        g_free((char *)query.after_version);
        query.query.after = g_steal_pointer(&page.page.next);
        query.after_version = g_steal_pointer(&page.next_version);
        more = query.query.after != NULL;
        lake_versions_page_clear(&page);
    }
    assert_int_equal(seen, 25);
}

static void versions_fold_into_common_prefixes(void **state)
{
    struct fixture *fixture = *state;
    set_versioning(fixture, "Enabled");
    static const char *const keys[] = {"a/1", "a/1", "a/2", "b", "b", "c/1", "c/1"};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        put_text(fixture->lake, keys[i], "x");
    assert_true(lake_delete(fixture->lake, "bucket", "c/1", NULL));
    for (size_t limit = 1; limit < 6; limit++) {
        g_autoptr(GPtrArray) prefixes = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) listed = list_versions(fixture, "/", limit, prefixes);
        assert_int_equal(listed->len, 2);
        assert_int_equal(prefixes->len, 2);
        assert_string_equal(prefixes->pdata[0], "a/");
        assert_string_equal(prefixes->pdata[1], "c/");
    }
}

/* ---- what it costs ---- */

static bool count_steps(struct store_connection *connection, void *data, GError **error)
{
    (void)error;
    int *steps = data;
    sqlite3_stmt *statement = NULL;
    while ((statement = sqlite3_next_stmt(connection->handle, statement)))
        *steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    return true;
}

/* Steps of SQLite's machine since the last call; reads by turns share one connection. */
static int steps_of(struct fixture *fixture)
{
    int steps = 0;
    assert_true(store_read(fixture->store, count_steps, &steps, NULL));
    return steps;
}

static void look(struct fixture *fixture)
{
    struct lake_query query = {.limit = 10};
    struct lake_page page;
    assert_true(lake_list_page(fixture->lake, "bucket", &query, &page, NULL));
    lake_page_clear(&page);
    lake_object_free(lake_find(fixture->lake, "bucket", "key", NULL, NULL));
}

static int cost_of_looking(struct fixture *fixture)
{
    look(fixture); /* statements are prepared */
    steps_of(fixture);
    look(fixture);
    return steps_of(fixture);
}

static int cost_of_versions(struct fixture *fixture)
{
    struct lake_versions_query query = {{.limit = 10}, NULL};
    struct lake_versions_page page;
    steps_of(fixture);
    assert_true(lake_list_versions(fixture->lake, "bucket", &query, &page, NULL));
    lake_versions_page_clear(&page);
    return steps_of(fixture);
}

static void versions_cost_the_others_nothing(void **state)
{
    struct fixture *fixture = *state;
    int without, with, covered, listed;
    set_versioning(fixture, "Enabled");
    for (unsigned i = 0; i < 20; i++)
        g_free(put(fixture, 2));
    without = cost_of_looking(fixture);
    listed = cost_of_versions(fixture);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(lake_delete(fixture->lake, "bucket", "key", NULL));
    covered = cost_of_looking(fixture);
    g_free(put(fixture, 2));
    with = cost_of_looking(fixture);
    assert_true(without > 0);
    assert_int_equal(with, without);
    assert_true(covered < 2 * without);
    assert_true(cost_of_versions(fixture) <= listed + listed / 10); /* which is of a page alone */
}

/* ---- locks ---- */

static void a_locked_version_stays(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(json_auto) lock = json_pack("{sssi}", "Mode", "GOVERNANCE", "Days", 1);
    assert_fails(lake_set_lock(fixture->lake, "bucket", lock, error), ERROR_INVALID_BUCKET_STATE);
    set_versioning(fixture, "Enabled");
    assert_true(lake_set_lock(fixture->lake, "bucket", lock, NULL));
    assert_fails(lake_set_versioning(fixture->lake, "bucket", "Suspended", error),
                 ERROR_INVALID_BUCKET_STATE);
    g_autofree char *version = put(fixture, 1);
    g_autoptr(lake_object_auto) object =
        lake_find_version(fixture->lake, "bucket", "key", version, NULL, NULL, NULL);
    double until = json_number_at(object->lock, "Until", 0);
    assert_true(until > clock_now() + 86000 && until < clock_now() + 86500);
    struct lake_deletion deletions[] = {{.key = "key", .version = version},
                                        {.key = "key"},
                                        {.key = "key", .version = version, .bypass = true}};
    assert_true(lake_delete_all(fixture->lake, "bucket", deletions, 3, NULL));
    assert_int_equal(deletions[0].error->code, ERROR_ACCESS_DENIED);
    assert_null(deletions[1].error);
    assert_true(deletions[1].marker); /* which hides it, and deletes nothing */
    assert_null(deletions[2].error);
    for (size_t i = 0; i < G_N_ELEMENTS(deletions); i++)
        lake_deletion_clear(&deletions[i]);
    assert_files(fixture, 0);
}

/* ---- buckets that lock ---- */

/* Looks at a bucket until it is there; true: with all that it was created with. */
static void *watch(void *data)
{
    struct fixture *fixture = data;
    g_autoptr(lake_bucket_auto) bucket = NULL;
    while (!(bucket = lake_bucket_get(fixture->lake, "locked", NULL)))
        ;
    return GINT_TO_POINTER(g_strcmp0(bucket->versioning, "Enabled") == 0 && bucket->lock);
}

static void a_bucket_locks_from_its_first_moment(void **state)
{
    struct fixture *fixture = *state;
    for (int round = 0; round < 10; round++) {
        pthread_t watcher;
        void *whole;
        pthread_create(&watcher, NULL, watch, fixture);
        assert_true(
            lake_bucket_create_with(fixture->lake, "locked", "us-east-1", NULL, true, NULL));
        pthread_join(watcher, &whole);
        assert_non_null(whole);
        assert_true(lake_bucket_delete(fixture->lake, "locked", NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_sequence_of_changes, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(a_listing_goes_on_where_its_version_is_gone, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(versions_fold_into_common_prefixes, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(versions_cost_the_others_nothing, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(a_locked_version_stays, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(a_bucket_locks_from_its_first_moment, fixture_up,
                                        fixture_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
