#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/file.h"
#include "catalog/catalog.h"
#include "catalog/expression.h"

static char *folder;
static struct store *store;
static struct catalog *catalog;

static int open_home(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("lathe-catalog-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "meta.db", NULL);
    store = store_open(path, NULL);
    catalog = catalog_open(store, NULL);
    return !store || !catalog;
}

static int close_home(void **state)
{
    (void)state;
    catalog_close(catalog);
    store_close(store);
    file_remove_tree(folder, NULL);
    g_free(folder);
    return 0;
}

static json_t *json(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    return value;
}

static void create_table(const char *text)
{
    g_autoptr(json_auto) input = json(text);
    g_autoptr(GError) error = NULL;
    if (!catalog_table_create(catalog, "default", input, NULL, &error))
        fail_msg("%s", error->message);
}

static void assert_code(GError *error, enum error_code code)
{
    assert_non_null(error);
    if (!g_error_matches(error, LATHE_ERROR, (int)code))
        fail_msg("%s: %s", error_name(error), error->message);
}

static void a_database_is_there_from_the_start(void **state)
{
    (void)state;
    g_autoptr(json_auto) first = catalog_database_get(catalog, "DEFAULT", NULL);
    assert_string_equal(json_text_at(first, "Name"), "default");
    assert_true(json_number_at(first, "CreateTime", 0) > 1.7e9);
    g_autoptr(json_auto) input = json("{\"Name\": \"Lake\", \"Description\": \"of rows\"}");
    g_autoptr(GError) error = NULL;
    assert_true(catalog_database_create(catalog, input, NULL));
    assert_false(catalog_database_create(catalog, input, &error));
    assert_code(error, ERROR_ALREADY_EXISTS);
    g_autoptr(json_auto) all = catalog_database_list(catalog, NULL);
    assert_int_equal(json_array_size(all), 2);
    assert_string_equal(json_text_at(all, "[1].Name"), "lake");
    assert_true(catalog_database_delete(catalog, "lake", NULL));
    g_clear_error(&error);
    assert_null(catalog_database_get(catalog, "lake", &error));
    assert_code(error, ERROR_ENTITY_NOT_FOUND);
}

static void a_table_keeps_its_versions(void **state)
{
    (void)state;
    create_table("{\"Name\": \"T\", \"Description\": \"0\"}");
    for (int i = 1; i < 4; i++) {
        g_autoptr(json_auto) input =
            json_pack("{ss, s:o}", "Name", "t", "Description", json_sprintf("%d", i));
        struct catalog_table_update update = {.skip_archive = i == 2};
        assert_true(catalog_table_update(catalog, "default", input, &update, NULL));
    }
    g_autoptr(json_auto) list = catalog_version_list(catalog, "default", "t", NULL);
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(json_text_at(list, "[0].Description"), "3");
    assert_string_equal(json_text_at(list, "[1].Description"), "2");
    assert_string_equal(json_text_at(list, "[2].Description"), "0");
    assert_string_equal(json_text_at(list, "[2].VersionId"), "0");
    g_autoptr(GError) error = NULL;
    assert_null(catalog_version_get(catalog, "default", "t", "1", &error));
    assert_code(error, ERROR_ENTITY_NOT_FOUND);
    g_clear_error(&error);
    assert_false(catalog_version_delete(catalog, "default", "t", "3", &error));
    assert_code(error, ERROR_INVALID_INPUT_EXCEPTION);
    assert_true(catalog_version_delete(catalog, "default", "t", "0", NULL));
    g_clear_error(&error);
    g_autoptr(json_auto) late = json("{\"Name\": \"t\"}");
    assert_false(catalog_table_update(catalog, "default", late,
                                      &(struct catalog_table_update){.version = "2"}, &error));
    assert_code(error, ERROR_CONCURRENT_CHANGE);
    assert_true(catalog_table_delete(catalog, "default", "t", NULL));
    assert_null(catalog_table_get(catalog, "default", "t", NULL));
}

static json_t *partition(const char *first, const char *second, const char *location)
{
    return json_pack("{s:[ss], s:{s:s, s:[{ssss}], s:{ss}}}", "Values", first, second,
                     "StorageDescriptor", "Location", location, "Columns", "Name", "a", "Type",
                     "bigint", "Parameters", "objectCount", first);
}

#define TWO_KEYS                                                                        \
    "\"PartitionKeys\": [{\"Name\": \"day\", \"Type\": \"string\"}, {\"Name\": \"n\", " \
    "\"Type\": \"int\"}]}"

static void partitions_come_back_as_they_went(void **state)
{
    (void)state;
    create_table("{\"Name\": \"p\", " TWO_KEYS);
    /* Values that the key has to write in another way, and such as begin alike. */
    static const char *const odd[] = {"a", "a\1", "a\2", "a\1\1b", "\2", "ab", "ä", " "};
    g_autoptr(json_auto) inputs = json_array(), failed = json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++)
        json_array_append_new(inputs, partition(odd[i], "1", "s3://b/x"));
    json_array_append_new(inputs, json_pack("{s:[s]}", "Values", "one"));
    json_array_append_new(inputs, partition("a", "1", "s3://b/again"));
    size_t added = 0;
    assert_true(catalog_partition_put(catalog, "default", "p", inputs, CATALOG_CREATE, failed,
                                      &added, NULL));
    assert_int_equal(added, G_N_ELEMENTS(odd));
    assert_int_equal(json_array_size(failed), 2);
    assert_string_equal(json_text_at(failed, "[0].ErrorDetail.ErrorCode"), "InvalidInputException");
    assert_string_equal(json_text_at(failed, "[1].ErrorDetail.ErrorCode"),
                        "AlreadyExistsException");
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_autoptr(json_auto) equal = json_pack("{ss}", "day", odd[i]);
        struct catalog_partition_query query = {
            .database = "default", .table = "P", .equal = equal};
        g_autoptr(json_auto) found = catalog_partition_list(catalog, &query, NULL, NULL);
        assert_int_equal(json_array_size(found), 1);
        assert_string_equal(json_text_at(found, "[0].Values[0]"), odd[i]);
        assert_string_equal(json_text_at(found, "[0].StorageDescriptor.Location"), "s3://b/x");
        assert_string_equal(json_text_at(found, "[0].StorageDescriptor.Columns[0].Type"), "bigint");
        assert_string_equal(json_text_at(found, "[0].StorageDescriptor.Parameters.objectCount"),
                            odd[i]);
        assert_null(json_at(found, "[0].Own"));
    }
    g_autoptr(json_auto) old = json_pack("[ss]", "ab", "1");
    g_autoptr(json_auto) taken = partition("a", "1", "s3://b/y");
    g_autoptr(json_auto) moved = partition("moved", "2", "s3://b/y");
    g_autoptr(GError) error = NULL;
    assert_false(catalog_partition_update(catalog, "default", "p", old, taken, &error));
    assert_code(error, ERROR_ALREADY_EXISTS);
    assert_true(catalog_partition_update(catalog, "default", "p", old, moved, NULL));
    g_clear_error(&error);
    assert_null(catalog_partition_get(catalog, "default", "p", old, &error));
    assert_code(error, ERROR_ENTITY_NOT_FOUND);
    g_autoptr(json_auto) lists = json_pack("[O, [ss]]", old, "moved", "2");
    g_autoptr(json_auto) none = json_array();
    assert_true(catalog_partition_delete(catalog, "default", "p", lists, none, NULL));
    assert_int_equal(json_array_size(none), 1);
    assert_int_equal(catalog_partition_count(catalog, "default", "p", NULL), G_N_ELEMENTS(odd) - 1);
    assert_true(catalog_table_delete(catalog, "default", "p", NULL));
}

/* ---- expressions, held against SQLite's WHERE ---- */

static char *random_literal(GRand *random, bool number)
{
    int value = g_rand_int_range(random, -3, 12);
    return number ? g_strdup_printf("%d", value)
                  : g_strdup_printf("'%c%d'", 'a' + value % 3, value);
}

static char *random_expression(GRand *random, int depth)
{
    static const char *const signs[] = {"=", "<>", "<", "<=", ">", ">=", "!="};
    if (depth && g_rand_int_range(random, 0, 3)) {
        g_autofree char *a = random_expression(random, depth - 1);
        g_autofree char *b = random_expression(random, depth - 1);
        switch (g_rand_int_range(random, 0, 4)) {
        case 0:
            return g_strdup_printf("NOT (%s)", a);
        case 1:
            return g_strdup_printf("(%s) or %s", a, b);
        case 2:
            return g_strdup_printf("%s OR %s", a, b);
        default:
            return g_strdup_printf("%s AND %s", a, b);
        }
    }
    bool number = g_rand_int_range(random, 0, 2);
    const char *key = number ? "n" : "day", *not = g_rand_int_range(random, 0, 2) ? "NOT " : "";
    g_autofree char *a = random_literal(random, number), *b = random_literal(random, number);
    switch (g_rand_int_range(random, 0, 6)) {
    case 0:
        return g_strdup_printf("%s %sIN (%s, %s)", key, not, a, b);
    case 1:
        return g_strdup_printf("%s %sBETWEEN %s AND %s", key, not, a, b);
    case 2:
        return g_strdup_printf("day %sLIKE '%c%%'", not, 'a' + g_rand_int_range(random, 0, 3));
    case 3:
        return g_strdup_printf("%s IS %sNULL", key, not );
    default:
        return g_strdup_printf("%s %s %s", key, signs[g_rand_int_range(random, 0, 7)], a);
    }
}

struct asking {
    const char *where;
    GString *found;
};

static bool ask_sqlite(struct store_connection *connection, void *data, GError **error)
{
    struct asking *asking = data;
    g_autofree char *sql =
        g_strdup_printf("SELECT row FROM reference WHERE %s ORDER BY row", asking->where);
    struct store_rows *rows = store_ask(connection, error, sql, "");
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW)
        g_string_append_printf(asking->found, "%d ", (int)store_int(rows, 0));
    return step == STORE_END;
}

static bool make_reference(struct store_connection *connection, void *data, GError **error)
{
    if (!store_run(connection, error, "CREATE TABLE reference (row INTEGER, day TEXT, n NUMERIC)",
                   ""))
        return false;
    char ***rows = data;
    for (int i = 0; rows[i]; i++) {
        const char *day = strcmp(rows[i][0], CATALOG_NO_VALUE) ? rows[i][0] : NULL;
        const char *n = strcmp(rows[i][1], CATALOG_NO_VALUE) ? rows[i][1] : NULL;
        if (!store_run(connection, error, "INSERT INTO reference VALUES (?, ?, ?)", "iss",
                       (gint64)i, day, n))
            return false;
    }
    return true;
}

static void expressions_say_what_sql_says(void **state)
{
    (void)state;
    GRand *random = g_rand_new_with_seed(12);
    char **rows[301] = {0};
    for (int i = 0; i < 300; i++) {
        bool none = i % 17 == 0, neither = i % 13 == 0;
        int day = g_rand_int_range(random, -3, 12), n = g_rand_int_range(random, -3, 12);
        rows[i] = g_new0(char *, 3);
        rows[i][0] =
            none ? g_strdup(CATALOG_NO_VALUE) : g_strdup_printf("%c%d", 'a' + day % 3, day);
        rows[i][1] = neither ? g_strdup(CATALOG_NO_VALUE)
                             : g_strdup_printf(i % 2 && n >= 0 ? "%03d" : "%d", n);
    }
    assert_true(store_write(store, make_reference, rows, NULL));
    g_autoptr(json_auto) table = json("{" TWO_KEYS);
    for (int i = 0; i < 3000; i++) {
        g_autofree char *text = random_expression(random, i % 5);
        g_autoptr(GError) error = NULL;
        g_autoptr(expression_auto) expression =
            expression_parse(text, json_object_get(table, "PartitionKeys"), &error);
        if (!expression)
            fail_msg("%s", error->message);
        g_autoptr(GString) ours = g_string_new(NULL), theirs = g_string_new(NULL);
        for (int row = 0; row < 300; row++)
            if (expression_holds(expression, rows[row]))
                g_string_append_printf(ours, "%d ", row);
        struct asking asking = {text, theirs};
        if (!store_read(store, ask_sqlite, &asking, &error))
            fail_msg("%s", error->message);
        if (strcmp(ours->str, theirs->str) != 0)
            fail_msg("%s:\n%s\n%s", text, ours->str, theirs->str);
    }
    for (int i = 0; i < 300; i++)
        g_strfreev(rows[i]);
    g_rand_free(random);
}

static void wrong_expressions_are_refused(void **state)
{
    (void)state;
    g_autoptr(json_auto) table = json("{" TWO_KEYS);
    static const char *const wrong[] = {"day",         "day =",          "day = 'a",  "other = 1",
                                        "day = 'a' 1", "n IN ()",        "n IN (1",   "(n = 1",
                                        "n BETWEEN 1", "n LIKE",         "AND n = 1", "n = 1 OR",
                                        "NOT",         "n = lower(day)", "n == 1",    "n = 1;"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(expression_parse(wrong[i], json_object_get(table, "PartitionKeys"), &error));
        assert_code(error, ERROR_INVALID_INPUT_EXCEPTION);
    }
    g_autofree char *deep = g_strnfill(100000, '(');
    assert_null(expression_parse(deep, json_object_get(table, "PartitionKeys"), NULL));
}

/* ---- many ---- */

#define MANY 100000

static void put_many(void)
{
    for (int i = 0; i < MANY; i += 1000) {
        g_autoptr(json_auto) inputs = json_array();
        for (int j = i; j < i + 1000; j++) {
            g_autofree char *day = g_strdup_printf("2026-%02d-%02d", j / 28 % 12 + 1, j % 28 + 1);
            g_autofree char *number = g_strdup_printf("%d", j);
            g_autofree char *location = g_strdup_printf("s3://lake/t/%s/%s/", day, number);
            json_array_append_new(inputs, partition(day, number, location));
        }
        assert_true(catalog_partition_put(catalog, "default", "many", inputs, CATALOG_CREATE, NULL,
                                          NULL, NULL));
    }
}

static size_t pages_of(struct catalog_partition_query query)
{
    size_t count = 0;
    g_autofree char *after = NULL;
    query.limit = 1000;
    do {
        query.after = after;
        char *next = NULL;
        g_autoptr(json_auto) page = catalog_partition_list(catalog, &query, &next, NULL);
        assert_non_null(page);
        count += json_array_size(page);
        g_free(after);
        after = next;
    } while (after);
    return count;
}

static void a_hundred_thousand_are_filtered(void **state)
{
    (void)state;
    create_table("{\"Name\": \"many\", " TWO_KEYS);
    put_many();
    struct catalog_partition_query query = {.database = "default", .table = "many"};
    assert_int_equal(catalog_partition_count(catalog, "default", "many", NULL), MANY);
    assert_int_equal(pages_of(query), MANY);
    g_autoptr(GPtrArray) places = catalog_partition_places(catalog, &query, NULL);
    assert_int_equal(places->len, MANY);
    const struct catalog_place *first = places->pdata[0], *last = places->pdata[MANY - 1];
    assert_int_equal(first->layout, last->layout);
    assert_string_equal(first->values[0], "2026-01-01");
    query.expression = "day = '2026-02-03' AND n < 50000";
    size_t wanted = 0;
    for (int j = 0; j < 50000; j++)
        wanted += j / 28 % 12 == 1 && j % 28 == 2;
    assert_int_equal(pages_of(query), wanted);
    query.expression = "n BETWEEN 99990 AND 1000000";
    assert_int_equal(pages_of(query), 10);
    query.expression = NULL;
    size_t all = 0;
    for (query.segments = 7, query.segment = 0; query.segment < 7; query.segment++)
        all += pages_of(query);
    assert_int_equal(all, MANY);
    g_autoptr(json_auto) layout = catalog_layout_get(catalog, first->layout, NULL);
    assert_string_equal(json_text_at(layout, "Columns[0].Name"), "a");
    assert_true(catalog_table_delete(catalog, "default", "many", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_is_there_from_the_start),
        cmocka_unit_test(a_table_keeps_its_versions),
        cmocka_unit_test(partitions_come_back_as_they_went),
        cmocka_unit_test(expressions_say_what_sql_says),
        cmocka_unit_test(wrong_expressions_are_refused),
        cmocka_unit_test(a_hundred_thousand_are_filtered),
    };
    return cmocka_run_group_tests(tests, open_home, close_home);
}
