/* Documents that cost more than their text: what they allocate is counted, not timed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

static size_t allocated, allocations;

static void *count_malloc(size_t size)
{
    void *bytes = malloc(size);
    allocated += size;
    allocations++;
    return bytes;
}

/* The document "[unit,unit,...]" of so many units. */
static GString *repeated(const char *unit, size_t count)
{
    GString *text = g_string_new("[");
    for (size_t i = 0; i < count; i++) {
        if (i)
            g_string_append_c(text, ',');
        g_string_append_printf(text, unit, (int)i);
    }
    return g_string_append_c(text, ']');
}

static bool reads(const GString *text, GError **error)
{
    allocated = allocations = 0;
    json_set_alloc_funcs(count_malloc, free);
    g_autoptr(json_auto) value = json_parse(text->str, text->len, "the body", error);
    json_set_alloc_funcs(malloc, free);
    return value != NULL;
}

static const char *const units[] = {
    "{}",          "[]",       "1",   "\"\"", "{\"a\":1}",       "\"%d\"",
    "{\"%d\":{}}", "[[[[]]]]", "1.5", "true", "{\"a\":\"\\\\\"}"};

static void what_is_taken_keeps_to_the_memory_that_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        size_t most = 0;
        for (size_t count = 3000; count < 200000; count *= 4) {
            g_autoptr(GError) error = NULL;
            GString *text = repeated(units[i], count);
            if (reads(text, &error))
                most = allocated;
            else if (!g_error_matches(error, LATHE_ERROR, ERROR_ENTITY_TOO_LARGE))
                fail_msg("%s: %s", units[i], error->message);
            else if (allocations)
                fail_msg("%s: refused after %zu allocations", units[i], allocations);
            /* Freed again on the way: arrays and texts as they grow. */
            if (allocated > 2 * JSON_MEMORY + 4 * text->len)
                fail_msg("%s: %zu bytes for %zu", units[i], allocated, text->len);
            g_string_free(text, TRUE);
        }
        assert_true(most > 0);
    }
}

static void what_doubles_takes_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        size_t before = 0, bytes_before = 0;
        for (size_t count = 1000; count <= 4000; count *= 2) {
            GString *text = repeated(units[i], count);
            assert_true(reads(text, NULL));
            if (before && (allocations > 2 * before + 100 || allocated > 3 * bytes_before))
                fail_msg("%s: %zu allocations after %zu", units[i], allocations, before);
            before = allocations;
            bytes_before = allocated;
            g_string_free(text, TRUE);
        }
    }
}

/* What services take at most: the values of a PutMetricData, a pipeline's definition in a text. */
static void what_is_large_and_honest_is_taken(void **state)
{
    (void)state;
    GString *metrics = g_string_new("[");
    for (int i = 0; i < 1000; i++) {
        g_string_append_printf(metrics, "%s{\"MetricName\":\"m\",\"Values\":[0", i ? "," : "");
        for (int j = 1; j < 150; j++)
            g_string_append_printf(metrics, ",%d", j);
        g_string_append(metrics, "]}");
    }
    g_string_append_c(metrics, ']');
    assert_true(reads(metrics, NULL));
    g_string_free(metrics, TRUE);
    GString *text = g_string_new("{\"PipelineDefinition\":\"");
    for (int i = 0; i < 100000; i++)
        g_string_append(text, "{\\\"a\\\":[1,2]},");
    g_string_append(text, "\"}");
    assert_true(reads(text, NULL));
    g_string_free(text, TRUE);
}

static void marks_inside_of_texts_are_no_values(void **state)
{
    (void)state;
    GString *text = g_string_new("[\"");
    for (int i = 0; i < 300000; i++)
        g_string_append(text, "{[,\\\"");
    g_string_append(text, "\"]");
    assert_true(reads(text, NULL));
    g_string_free(text, TRUE);
    static const char *const bad[] = {"", "\"", "\"\\", "{\"", "[", "[1,", "\"a\\\""};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(json_parse(bad[i], strlen(bad[i]), "the body", &error));
        assert_true(g_error_matches(error, LATHE_ERROR, ERROR_SERIALIZATION));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_keeps_to_the_memory_that_is_said),
        cmocka_unit_test(what_doubles_takes_twice),
        cmocka_unit_test(what_is_large_and_honest_is_taken),
        cmocka_unit_test(marks_inside_of_texts_are_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
