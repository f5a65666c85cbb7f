#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/yaml.h"

static void assert_reads(const char *yaml, const char *json)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_auto) got = yaml_parse(yaml, strlen(yaml), "the file", &error);
    if (!got)
        fail_msg("%s", error->message);
    g_autofree char *text = json_text_of(got);
    assert_string_equal(text, json);
}

static void scalars_follow_the_core_schema(void **state)
{
    (void)state;
    assert_reads("[1, -2.5, 1e3, true, False, null, ~, yes, 1.2.3, '5', \"x\", 2020-12-01, .inf]",
                 "[1,-2.5,1000.0,true,false,null,null,\"yes\",\"1.2.3\",\"5\",\"x\",\"2020-12-01\","
                 "\".inf\"]");
}

static void blocks_anchors_and_json_are_read(void **state)
{
    (void)state;
    assert_reads("a: &x\n  - 1\n  - b: |\n      two\n      lines\nc: *x\n",
                 "{\"a\":[1,{\"b\":\"two\\nlines\\n\"}],\"c\":[1,{\"b\":\"two\\nlines\\n\"}]}");
    assert_reads("{\"a\": [1, {\"b\": null}]}", "{\"a\":[1,{\"b\":null}]}");
    assert_reads("", "null");
    assert_reads("# nothing\n\n  # but this", "null");
    assert_reads("# a number\n3 # and this\n", "3");
}

static void errors_name_the_place(void **state)
{
    (void)state;
    static const char bad[] = "a: 1\nb: [1, 2\nc: 3\n";
    g_autoptr(GError) error = NULL;
    assert_null(yaml_parse(bad, strlen(bad), "pipeline.yaml", &error));
    assert_non_null(strstr(error->message, "pipeline.yaml is not YAML: line "));
}

static void merges_and_keys(void **state)
{
    (void)state;
    assert_reads("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n",
                 "{\"a\":{\"p\":1,\"q\":2},\"b\":{\"q\":3,\"p\":1}}");
    assert_reads("a: &x {p: 1}\nb: &y {q: 2}\nc: {<<: [*x, *y], r: 3}\n",
                 "{\"a\":{\"p\":1},\"b\":{\"q\":2},\"c\":{\"r\":3,\"p\":1,\"q\":2}}");
    assert_reads("'<<': 1\n", "{\"<<\":1}");
    static const char *const bad[] = {"a: 1\na: 2\n", "{\"a\": 1, \"a\": 2}", "a: *x\n",
                                      "a: &x [*x]\n", "a: &x {b: {c: *x}}\n", "b: {<<: 1}\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_auto) got = yaml_parse(bad[i], strlen(bad[i]), "the file", &error);
        if (got)
            fail_msg("%s was taken", bad[i]);
        assert_non_null(error);
    }
}

static bool takes(const GString *text, GError **error)
{
    g_autoptr(json_auto) value = yaml_parse(text->str, text->len, "the file", error);
    return value != NULL;
}

/* Each level is nine times the one before: nine levels would be 387 million values. */
static void aliases_of_aliases_are_counted(void **state)
{
    (void)state;
    GString *text = g_string_new("l0: &l0 [x,x,x,x,x,x,x,x,x]\n");
    for (int level = 1; level <= 9; level++) {
        g_autoptr(GError) error = NULL;
        assert_true(takes(text, &error) == (level <= 5));
        if (error)
            assert_non_null(strstr(error->message, "more than 10000 aliases"));
        g_string_append_printf(text, "l%d: &l%d [", level, level);
        for (int i = 0; i < 9; i++)
            g_string_append_printf(text, "%s*l%d", i ? "," : "", level - 1);
        g_string_append(text, "]\n");
    }
    g_string_free(text, TRUE);
}

static void sizes_have_bounds(void **state)
{
    (void)state;
    g_autoptr(GError) many = NULL;
    GString *copies = g_string_new("a: &a [");
    for (int i = 0; i < 1000; i++)
        g_string_append(copies, "x,");
    g_string_append(copies, "]\nb: [");
    for (int i = 0; i < 300; i++)
        g_string_append(copies, "*a,");
    g_string_append(copies, "]\n");
    assert_false(takes(copies, &many));
    assert_non_null(strstr(many->message, "more than 200000 values"));
    g_string_free(copies, TRUE);
    GString *yaml = g_string_new(NULL), *json = g_string_new("[\"\"");
    for (int i = 0; i < 500000; i++)
        g_string_append(yaml, "- abc\n");
    for (int i = 0; i < 50000; i++)
        g_string_append_printf(json, ",\"%060d\"", i);
    g_string_append_c(json, ']');
    g_autoptr(GError) error = NULL;
    assert_false(takes(yaml, &error));
    assert_non_null(strstr(error->message, "more than 2097152 bytes"));
    assert_true(takes(json, NULL));
    g_string_free(yaml, TRUE);
    g_string_free(json, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_follow_the_core_schema),
        cmocka_unit_test(blocks_anchors_and_json_are_read),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(merges_and_keys),
        cmocka_unit_test(aliases_of_aliases_are_counted),
        cmocka_unit_test(sizes_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
