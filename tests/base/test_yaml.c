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
}

static void errors_name_the_place(void **state)
{
    (void)state;
    static const char bad[] = "a: 1\nb: [1, 2\nc: 3\n";
    g_autoptr(GError) error = NULL;
    assert_null(yaml_parse(bad, strlen(bad), "pipeline.yaml", &error));
    assert_non_null(strstr(error->message, "pipeline.yaml is not YAML: line "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_follow_the_core_schema),
        cmocka_unit_test(blocks_anchors_and_json_are_read),
        cmocka_unit_test(errors_name_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
