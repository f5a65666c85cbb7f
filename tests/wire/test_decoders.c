/* Decoders of request bodies: twice the input takes at most twice the work, counted in bytes and
 * allocations; what would take more is refused with the bound that it meets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "operation/shape.h"
#include "wire/query.h"
#include "wire/url.h"
#include "wire/xml.h"
#include "wire/xml_tree.h"

static const struct shape *delete_shape(void)
{
    const struct shape_operation *operation =
        shape_operation_find(shape_service_find("s3"), "DeleteObjects");
    return shape_payload(operation->input)->shape;
}

static GString *document(const char *open, const char *unit, int count, const char *close)
{
    GString *text = g_string_new(open);
    for (int i = 0; i < count; i++) {
        g_autofree char *number = g_strdup_printf("%d", i);
        g_auto(GStrv) parts = g_strsplit(unit, "#", -1);
        g_autofree char *one = g_strjoinv(number, parts);
        g_string_append(text, one);
    }
    return g_string_append(text, close);
}

static size_t allocated, allocations;

static void *count_malloc(size_t size)
{
    allocated += size;
    allocations++;
    return malloc(size);
}

static bool reads(const GString *text, GError **error)
{
    allocated = allocations = 0;
    json_set_alloc_funcs(count_malloc, free);
    g_autoptr(json_auto) value = xml_read(delete_shape(), text->str, text->len, error);
    json_set_alloc_funcs(malloc, free);
    return value != NULL;
}

static const struct {
    const char *open, *unit, *close;
} documents[] = {
    {"<Delete ", "a#='' ", "/>"},
    {"<Delete><a ", "a='#' ", "/></Delete>"},
    {"<Delete>", "<a/>", "</Delete>"},
    {"<Delete>", "<Object><Key>k#</Key></Object>", "</Delete>"},
    {"<Delete><Object><Key>", "&lt;&amp;", "</Key></Object></Delete>"},
    {"<Delete><Object><Key>", "<![CDATA[#]]>", "</Key></Object></Delete>"},
    {"<Delete>", "<!-- # -->", "</Delete>"},
    {"<Delete>", "<?p #?>", "</Delete>"},
    {"<Delete><b>", "<a>#</a>", "</b></Delete>"},
    {"<Delete xmlns='", "x", "'/>"},
};

static void xml_takes_twice_for_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
        size_t before = 0, bytes_before = 0;
        for (int count = 1000; count <= 16000; count *= 2) {
            g_autoptr(GError) error = NULL;
            GString *text =
                document(documents[i].open, documents[i].unit, count, documents[i].close);
            if (!reads(text, &error))
                fail_msg("%s: %s", documents[i].unit, error->message);
            if (before && (allocations > 2 * before + 100 || allocated > 3 * bytes_before + 10000))
                fail_msg("%s: %zu allocations after %zu", documents[i].unit, allocations, before);
            before = allocations;
            bytes_before = allocated;
            g_string_free(text, TRUE);
        }
    }
}

static void xml_elements_have_a_bound(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    GString *many = document("<Delete>", "<a/>", XML_MOST_ELEMENTS, "</Delete>");
    assert_false(reads(many, &error));
    assert_int_equal(allocations, 0);
    assert_true(g_error_matches(error, LATHE_ERROR, ERROR_MALFORMED_XML));
    assert_non_null(strstr(error->message, "more than 250000 elements"));
    g_string_free(many, TRUE);
    GString *parts = document("<Delete>", "<Object><Key>k#</Key><VersionId>v#</VersionId></Object>",
                              10000, "</Delete>");
    assert_true(reads(parts, NULL));
    g_string_free(parts, TRUE);
}

static void assert_text(const char *inside, const char *text)
{
    g_autofree char *xml = g_strdup_printf("<r a=\"1\">%s</r>", inside);
    g_autoptr(GError) error = NULL;
    g_autoptr(xml_tree_auto) tree = xml_tree_read(xml, strlen(xml), &error);
    if (!tree)
        fail_msg("%s: %s", inside, error->message);
    g_autofree char *got = xml_text(xml_tree_root(tree));
    assert_string_equal(got, text);
}

static void xml_texts_are_read(void **state)
{
    (void)state;
    assert_text("a &lt;&gt;&amp;&quot;&apos; b", "a <>&\"' b");
    assert_text("&#65;&#x42;&#x1F600;&#xD;", "AB\xf0\x9f\x98\x80\r");
    assert_text("a\r\nb\rc\n", "a\nb\nc\n");
    assert_text("x<![CDATA[<b>&amp;]]]]><![CDATA[>]]>y", "x<b>&amp;]]>y");
    assert_text("x<!-- <b> & -->y<?p >?>z", "xyz");
    assert_text("a<b c='>' d=\">\">in</b >c<d/>", "ainc");
    assert_text("", "");
    static const char *const good[] = {
        "\xef\xbb\xbf<r/>", "<?xml version='1.0' encoding='utf-8'?>\n<!-- c -->\n<r/>\n<?p?> ",
        "<n:r xmlns:n='u' n:a = '&lt;'></n:r>", "<r\n\t/>", "<\xc3\xa9/>"};
    static const char *const bad[] = {"",
                                      " ",
                                      "<",
                                      "<r",
                                      "<r>",
                                      "<r/",
                                      "</r>",
                                      "<r></s>",
                                      "<r/><r/>",
                                      "x<r/>",
                                      "<r/>x",
                                      "<r>&x;</r>",
                                      "<r>&</r>",
                                      "<r>&#0;</r>",
                                      "<r>&#xD800;</r>",
                                      "<r>&#x110000;</r>",
                                      "<r>&#99999999999;</r>",
                                      "<r>&#xfffe;</r>",
                                      "<r>\x01</r>",
                                      "<r>\xff</r>",
                                      "<r>\xef\xbf\xbe</r>",
                                      "<r a/>",
                                      "<r a=1/>",
                                      "<r a='<'/>",
                                      "<r a='&x;'/>",
                                      "<r a='1'b='2'/>",
                                      "<r a='1/>",
                                      "<!DOCTYPE r><r/>",
                                      "<1/>",
                                      "<r><!-- </r>",
                                      "<r><![CDATA[</r>",
                                      "<![CDATA[x]]><r/>",
                                      "<r><?p</r>",
                                      "<r>< a/></r>",
                                      " <?xml version='1.0'?><r/>",
                                      "<?xml version='1.0' encoding='UTF-16'?><r/>",
                                      "<?xml version='1.0' encoding=?><r/>",
                                      "<r/ >",
                                      "<r></r",
                                      "<r>\xef\xbf"};
    for (size_t i = 0; i < G_N_ELEMENTS(good) + G_N_ELEMENTS(bad); i++) {
        bool fine = i < G_N_ELEMENTS(good);
        const char *text = fine ? good[i] : bad[i - G_N_ELEMENTS(good)];
        g_autoptr(GError) error = NULL;
        g_autofree char *exact = g_memdup2(text, strlen(text)); /* no NUL behind it */
        g_autoptr(xml_tree_auto) tree = xml_tree_read(exact, strlen(text), &error);
        if ((tree != NULL) != fine)
            fail_msg("%s: %s", text, error ? error->message : "taken");
    }
}

static void xml_depth_has_a_bound(void **state)
{
    (void)state;
    for (int depth = 60; depth < 70; depth++) {
        GString *text = document("", "<a>", depth, "");
        for (int i = 0; i < depth; i++)
            g_string_append(text, "</a>");
        g_autoptr(xml_tree_auto) tree = xml_tree_read(text->str, text->len, NULL);
        assert_true((tree != NULL) == (depth <= XML_DEEPEST));
        g_string_free(text, TRUE);
    }
}

static size_t for_form(const char *unit, int count)
{
    const struct shape_operation *operation =
        shape_operation_find(shape_service_find("iam"), "SimulatePrincipalPolicy");
    GString *text = document("Action=SimulatePrincipalPolicy", unit, count, "");
    allocated = allocations = 0;
    json_set_alloc_funcs(count_malloc, free);
    g_autoptr(GArray) pairs = url_pairs(text->str, text->len, 20000, NULL);
    assert_non_null(pairs);
    g_autoptr(json_auto) request = query_decode(operation, pairs);
    json_set_alloc_funcs(malloc, free);
    g_string_free(text, TRUE);
    return allocations;
}

static void forms_take_twice_for_twice(void **state)
{
    (void)state;
    static const char *const units[] = {"&ActionNames.member.#=a", "&x#=1", "&a.b.c.d.e.f.g.#=1"};
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        size_t before = for_form(units[i], 1000);
        for (int count = 2000; count <= 16000; count *= 2) {
            size_t now = for_form(units[i], count);
            assert_true(now <= 2 * before + 100);
            before = now;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml_takes_twice_for_twice),  cmocka_unit_test(xml_elements_have_a_bound),
        cmocka_unit_test(xml_texts_are_read),         cmocka_unit_test(xml_depth_has_a_bound),
        cmocka_unit_test(forms_take_twice_for_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
