#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "crawl/classify.h"
#include "crawl/glob.h"
#include "crawl/type.h"

static void types_are_read_merged_and_written(void **state)
{
    (void)state;
    static const char *const merges[][3] = {
        {"int", "bigint", "bigint"},
        {"bigint", "double", "double"},
        {"float", "int", "double"},
        {"decimal(5,2)", "decimal(10,1)", "decimal(11,2)"},
        {"boolean", "bigint", "string"},
        {"array<int>", "array<string>", "array<string>"},
        {"struct<a:int,b:array<int>>", "struct<b:array<bigint>,c:map<string,date>>",
         "struct<a:int,b:array<bigint>,c:map<string,date>>"},
        {"array<int>", "int", "string"},
        {"char(3)", "char(3)", "char(3)"},
        {"char(3)", "char(4)", "string"},
        {"struct<A:INT>", "struct<a:int>", "struct<a:int>"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(merges); i++) {
        g_autoptr(type_auto) merged =
            type_merge(type_parse(merges[i][0]), type_parse(merges[i][1]));
        g_autofree char *text = type_text(merged);
        assert_string_equal(text, merges[i][2]);
        g_autoptr(type_auto) again = type_parse(text);
        g_autofree char *same = type_text(again);
        assert_string_equal(same, text);
    }
    g_autofree char *deep = g_strnfill(60000, '<');
    g_autoptr(type_auto) odd = type_parse(deep);
    assert_non_null(odd);
}

/* As AWS's documentation of exclude patterns has them. */
static void exclusions_are_glues(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"*.csv", "a.csv", true},
        {"*.csv", "b/a.csv", false},
        {"*.*", "a.b", true},
        {"*.*", "ab", false},
        {"*.{csv,avro}", "x.avro", true},
        {"*.{csv,avro}", "x.json", false},
        {"foo.?", "foo.a", true},
        {"foo.?", "foo.ab", false},
        {"myfolder/*", "myfolder/mytext.txt", true},
        {"myfolder/*", "myfolder/year/mytext.txt", false},
        {"myfolder/*/*", "myfolder/year/mytext.txt", true},
        {"myfolder/**", "myfolder/year/mytext.txt", true},
        {"**.csv", "a/b/c.csv", true},
        {"departments/market*", "departments/marketing/x", false},
        {"departments/market*", "departments/market-us.json", true},
        {"departments/finance.json", "departments/finance.json", true},
        {"[!a-d]*", "xyz", true},
        {"[!a-d]*", "bcd", false},
        {"[abc]\\**", "a*b", true},
        {"[abc]\\**", "ab", false},
        {"a+(b", "a+(b", true},
        {".hidden", "xhidden", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GRegex) regex = glob_compile(cases[i].pattern, NULL);
        assert_non_null(regex);
        if (g_regex_match(regex, cases[i].path, 0, NULL) != cases[i].matches)
            fail_msg("%s %s", cases[i].pattern, cases[i].path);
    }
    assert_null(glob_compile("[ab", NULL));
    assert_null(glob_compile("{a,b", NULL));
}

static char *classified(const char *text, size_t size)
{
    const char *refused;
    struct sample sample = {
        .key = "key", .bytes = text, .size = size, .whole = true, .file_size = (gint64)size};
    g_autoptr(json_auto) schema = classify(NULL, &sample, &refused);
    if (!schema)
        return g_strdup(refused ? refused : "nothing");
    GString *told = g_string_new(json_text_at(schema, "Classification"));
    size_t i;
    const json_t *column;
    json_array_foreach(json_object_get(schema, "Columns"), i, column)
    {
        const char *type = json_text_at(column, "Type");
        g_string_append_printf(told, " %s:%s", json_text_at(column, "Name"), type ? type : "-");
    }
    if (json_object_get(json_object_get(schema, "Parameters"), "skip.header.line.count"))
        g_string_append(told, " header");
    return g_string_free(told, FALSE);
}

static void texts_are_told(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a,b\n1,x\n2,y\n", "csv a:bigint b:string header"},
        {"1,x\n2,y\n", "csv col0:bigint col1:string"},
        {"a,b\nc,d\ne,f\n", "csv col0:string col1:string"}, /* texts over texts */
        {"a|b|c\n1|2.5|true\n3|4|false\n", "csv a:bigint b:double c:boolean header"},
        {"a;b\n1;2\n", "csv a:bigint b:bigint header"},
        {"a\tb\n1\t\n2\t3\n", "csv a:bigint b:bigint header"},
        {"a\1b\n1\1x\n", "csv a:bigint b:string header"},
        {"1,2,\n3,4,\n", "csv col0:bigint col1:bigint"}, /* the last column is nothing */
        {"1 2.5  \n3 4  \n", "csv col0:bigint col1:double"},
        {"id,n\n1,12345678901234567890\n", "csv id:bigint n:string header"},
        {"id,n\n1,5\n2,x\n", "csv id:bigint n:string header"},
        {"id,n\n1,5\n2,NaN\n", "csv id:bigint n:double header"},
        {"A,a\n1,2\n", "csv a:bigint a_1:bigint header"},
        {"a,b\n1,2\n3,4\n5,6,7\n8,9\n1,2\n", "csv a:bigint b:bigint header"}, /* one is odd */
        {"a\n1,2\n3,4\n5,6\n7,8\n", "csv a:bigint col1:bigint header"},
        {",b\n1,2\n", "csv col0:bigint b:bigint header"},
        {"\"a\",\"b\"\n\"1\",\"x, y\"\n", "csv a:bigint b:string header"},
        {"\"a\",\"b\"\n\"1\",\"x\ny\"\n\"\",\"z\"\n", "csv a:string b:string header"},
        {"\xef\xbb\xbf"
         "a,b\n1,2\n",
         "csv a:bigint b:bigint header"},
        {"one line, of words\n", "nothing"},
        {"words\nand words\n", "nothing"},
        {"7,words\n", "csv col0:bigint col1:string"},
        {"{\"a\": 1}\n{\"a\": 2.5, \"B\": null}\n", "json a:double b:-"},
        {"{\"a\": [{\"x\": 1}, {\"y\": \"t\"}]}", "json a:array<struct<x:int,y:string>>"},
        {"{\"a\":1}{\"a\":3000000000}", "json a:bigint"}, /* nothing between them */
        {"[{\"a\":1},{\"a\":2}]", "json array:array<struct<a:int>>"},
        {"{\"a\": 1}\nnothing\n", "nothing"},
        {"{\"a\": 1", "nothing"},
        {"Jan 12 10:00:01 host kernel: up\nJan 12 10:00:02 host app[3]: down\n",
         "linux_kernel timestamp:string facility:string priority:string logsource:string "
         "program:string pid:string message:string"},
        {"ORC\n", "ORC"},
        {"PK\3\4xx", "ZIP"},
        {"PAR1xxxxxxxxPAR1", "nothing"},
        {"Obj\1", "nothing"},
        {"\n\n", "nothing"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *told = classified(cases[i][0], strlen(cases[i][0]));
        if (strcmp(told, cases[i][1]) != 0)
            fail_msg("%s: %s, not %s", cases[i][0], told, cases[i][1]);
    }
    g_autofree char *ion = classified("\xe0\x01\x00\xea", 4);
    assert_string_equal(ion, "Ion");
}

/* Whatever the bytes are, what is told of them is told from them. */
static void damaged_files_are_no_danger(void **state)
{
    (void)state;
    static const char *const beginnings[] = {"PAR1",  "Obj\1\4\26avro.schema", "{\"a\":[", "[",
                                             "a,b\n", "127.0.0.1 - - ["};
    GRand *random = g_rand_new_with_seed(7);
    for (int i = 0; i < 20000; i++) {
        const char *first = beginnings[i % G_N_ELEMENTS(beginnings)];
        size_t size = (size_t)g_rand_int_range(random, 0, 300), head = strlen(first);
        g_autofree char *bytes = g_malloc(head + size); /* no byte behind it */
        memcpy(bytes, first, head);
        for (size_t at = head; at < head + size; at++)
            bytes[at] = (char)g_rand_int_range(random, 0, i % 2 ? 256 : 128);
        const char *refused;
        struct sample sample = {.key = "key",
                                .bytes = bytes,
                                .size = head + size,
                                .whole = i % 3,
                                .tail = bytes,
                                .tail_size = head + size,
                                .file_size = 1000,
                                .pieces = {{bytes, head + size}}};
        json_decref(classify(NULL, &sample, &refused));
    }
    g_rand_free(random);
}

static void wrong_classifiers_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{\"GrokClassifier\": {\"Classification\": \"c\", \"GrokPattern\": \"%{NONE:a}\"}}",
        "{\"GrokClassifier\": {\"Classification\": \"c\", \"GrokPattern\": \"%{INT:a:huge}\"}}",
        "{\"GrokClassifier\": {\"Classification\": \"c\", \"GrokPattern\": \"(\"}}",
        ("{\"GrokClassifier\": {\"Classification\": \"c\", \"GrokPattern\": \"%{A}\", "
         "\"CustomPatterns\": \"A %{A}\"}}"),
        "{\"JsonClassifier\": {\"JsonPath\": \"$.a[?(@.b)]\"}}",
        "{\"JsonClassifier\": {\"JsonPath\": \"$.a[0\"}}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(json_auto) body = json_loads(wrong[i], 0, NULL);
        g_autoptr(GError) error = NULL;
        assert_non_null(body);
        assert_false(classifier_check(body, &error));
        assert_non_null(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_read_merged_and_written),
        cmocka_unit_test(exclusions_are_glues),
        cmocka_unit_test(texts_are_told),
        cmocka_unit_test(damaged_files_are_no_danger),
        cmocka_unit_test(wrong_classifiers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
