/* Which known word was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "parse/near_word.h"

static size_t edits(const char *given, const char *word)
{
    struct near_word near = {.given = given};
    near_word_try(&near, word);
    return near.nearest ? near.edits : SIZE_MAX;
}

/* The examples of textbooks (kitten: D. Gusfield's form of Levenshtein's distance), and both ways.
 */
static void test_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(edits("kitten", "sitting"), 3);
    assert_int_equal(edits("sitting", "kitten"), 3);
    assert_int_equal(edits("saturday", "sunday"), 3);
    assert_int_equal(edits("max_dept", "max_depth"), 1);
    assert_int_equal(edits("eta", "eta"), 0);
    assert_int_equal(edits("Eta", "eTA"), 0);
}

static void test_keeps_the_first_of_the_nearest(void **state)
{
    (void)state;
    const char *const words[] = {"alpha", "max_leaves", "lambda", "max_depth", "max_deptt", NULL};
    assert_string_equal(near_word_of("max_dept", words), "max_depth");
    assert_string_equal(near_word_of("LAMBDA", words), "lambda");
    assert_null(near_word_of("objective", words));
    assert_null(near_word_of("", words));
    assert_null(near_word_of("x", (const char *const[]){NULL}));
}

static void test_long_words_are_near_nothing(void **state)
{
    (void)state;
    char longest[129];
    memset(longest, 'a', sizeof longest);
    longest[128] = '\0';
    assert_int_equal(edits(longest, longest), SIZE_MAX);
    longest[127] = '\0';
    assert_int_equal(edits(longest, longest), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_edits),
        cmocka_unit_test(test_keeps_the_first_of_the_nearest),
        cmocka_unit_test(test_long_words_are_near_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
