/* Numbers as text: shortest, and the same double again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "parse/number.h"
#include "parse/number_write.h"

static const char *text_of(double value)
{
    static char text[NUMBER_TEXT + 1];
    memset(text, '#', sizeof text);
    size_t size = number_write(text, value);
    assert_true(size < sizeof text);
    text[size] = '\0';
    return text;
}

/* What Python 3.11 prints. */
static void test_python_writes_them_so(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-2.5, "-2.5"},
        {100, "100.0"},
        {0.1, "0.1"},
        {(double)0.1f, "0.10000000149011612"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {1.5e-7, "1.5e-07"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {9007199254740993.0, "9007199254740992.0"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {0x1p-1074, "5e-324"},
        {0x1p-44, "5.684341886080802e-14"},
        {(double)FLT_MAX, "3.4028234663852886e+38"},
        {(double)0x1p-149f, "1.401298464324817e-45"},
        {NAN, "nan"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(text_of(cases[i].value), cases[i].text);
}

static void check_back(double value)
{
    const char *text = text_of(value);
    double back = 0;
    if (!number_parse(text, strlen(text), &back) || memcmp(&back, &value, sizeof back) != 0)
        fail_msg("%a became %s, which is %a", value, text, back);
}

static void test_they_read_back(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 300000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            check_back(value);
        float narrow;
        uint32_t half = (uint32_t)bits;
        memcpy(&narrow, &half, sizeof narrow);
        if (isfinite(narrow))
            check_back((double)narrow);
    }
    for (int exponent = -1074; exponent < 1024; exponent++) {
        check_back(ldexp(1, exponent));
        check_back(nextafter(ldexp(1, exponent), 0) + 0.0);
        check_back(nextafter(ldexp(1, exponent), INFINITY));
    }
}

/* A list is the numbers one by one, whatever form those beside a number have. */
static void check_list(const float *values, size_t count)
{
    enum { MOST = 64 };
    static const char between[NUMBER_BETWEEN] = "}, {\"score\": ";
    static char text[MOST * (NUMBER_TEXT + NUMBER_BETWEEN)];
    char expected[sizeof text] = "";
    assert_true(count <= MOST);
    for (size_t i = 0; i < count; i++) {
        strcat(expected, text_of((double)values[i]));
        strcat(expected, i + 1 < count ? between : "");
    }
    size_t size = number_write_list(text, values, count, between, strlen(between));
    assert_int_equal(size, strlen(expected));
    text[size] = '\0';
    assert_string_equal(text, expected);
}

static void test_lists_are_the_same_numbers(void **state)
{
    (void)state;
    static const float odd[] = {0.0f,    -0.0f,     1.0f,      -2.5f,    0.1f,          1e-4f,
                                1e-5f,   9.5e-5f,   NAN,       INFINITY, -INFINITY,     FLT_MAX,
                                FLT_MIN, 0x1p-149f, 0x1p-44f,  0.5f,     123456.79f,    16777217.5f,
                                0.3f,    1.5f,      99.99999f, 0.001f,   0.00099999999f};
    for (size_t count = 1; count <= sizeof odd / sizeof *odd; count++)
        check_list(odd, count);
    uint64_t bits = 88172645463325252u;
    float values[61];
    for (int i = 0; i < 6000; i++) {
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            /* any float, one near 1, and one of few digits by turns */
            uint32_t any = (uint32_t)bits, near = (any & 0x83ffffff) | 0x3c000000;
            memcpy(&values[k], i % 3 == 0 ? &any : &near, sizeof *values);
            if (i % 3 == 2)
                values[k] = (float)(int)(bits >> 48) / (float)(1 << (bits & 15));
        }
        check_list(values, sizeof values / sizeof *values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_python_writes_them_so),
        cmocka_unit_test(test_they_read_back),
        cmocka_unit_test(test_lists_are_the_same_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
