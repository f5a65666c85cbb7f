/* Pages of listings and their tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/page.h"

static const struct page_listing letters = {"letters", 2, ERROR_VALIDATION};

static json_t *ask(const json_t *all, json_t *request, GError **error)
{
    json_t *output = NULL;
    bool given = page_put(&output, "Letters", all, &letters, request, error);
    json_decref(request);
    assert_int_equal(given, output != NULL);
    return output;
}

static void assert_page(const json_t *page, const char *expected)
{
    g_autofree char *text = json_text_of(json_object_get(page, "Letters"));
    assert_string_equal(text, expected);
}

static void test_pages_follow_one_another(void **state)
{
    (void)state;
    g_autoptr(json_auto) all = json_pack("[sssss]", "a", "b", "c", "d", "e");
    g_autoptr(json_auto) first = ask(all, json_object(), NULL);
    assert_page(first, "[\"a\",\"b\"]");
    const char *token = json_text_at(first, "NextToken");
    assert_non_null(token);
    g_autoptr(json_auto) rest =
        ask(all, json_pack("{sssi}", "NextToken", token, "MaxResults", 3), NULL);
    assert_page(rest, "[\"c\",\"d\",\"e\"]");
    assert_null(json_object_get(rest, "NextToken"));
}

/* What was listed may have become shorter meanwhile. */
static void test_a_page_behind_the_end_is_empty(void **state)
{
    (void)state;
    g_autoptr(json_auto) all = json_pack("[s]", "a");
    g_autofree char *token = page_token_at("letters", 4);
    g_autoptr(json_auto) page = ask(all, json_pack("{ss}", "NextToken", token), NULL);
    assert_page(page, "[]");
    g_autoptr(json_auto) start = ask(all, json_pack("{ss}", "NextToken", ""), NULL);
    assert_page(start, "[\"a\"]");
}

static void test_refuses_tokens_that_are_not_its_own(void **state)
{
    (void)state;
    g_autoptr(json_auto) all = json_pack("[sss]", "a", "b", "c");
    g_autofree char *other = page_token_at("numbers", 1);
    g_autofree char *place = page_token("letters", "-1");
    const char *const tokens[] = {"1", "made up", other, place};
    for (size_t i = 0; i < G_N_ELEMENTS(tokens); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(ask(all, json_pack("{ss}", "NextToken", tokens[i]), &error));
        assert_true(g_error_matches(error, LATHE_ERROR, ERROR_VALIDATION));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_follow_one_another),
        cmocka_unit_test(test_a_page_behind_the_end_is_empty),
        cmocka_unit_test(test_refuses_tokens_that_are_not_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
