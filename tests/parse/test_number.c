/* number.h against the C library's strtod, bit for bit. */
#include "parse/number.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Scans a copy that ends where its memory ends, so that the sanitizer sees a read past it. */
static void expect_like_strtod(const char *text)
{
    size_t size = strlen(text);
    char *copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    char *stop;
    double expected = strtod(text, &stop), value = 0;
    const char *after = number_scan(copy, copy + size, &value);
    if (stop == text) {
        if (after)
            fail_msg("'%s': a number was found where strtod finds none", text);
    } else {
        if (!after || after - copy != stop - text)
            fail_msg("'%s': ended at %td, strtod at %td", text, after ? after - copy : -1,
                     stop - text);
        if (bits_of(value) != bits_of(expected))
            fail_msg("'%s': %a, strtod %a", text, value, expected);
    }
    free(copy);
}

/* splitmix64 (S. Vigna): the same numbers in every run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void random_doubles_in_every_form(void **unused)
{
    (void)unused;
    static const char *const forms[] = {"%.17g", "%.9g", "%g", "%.20e", "%.3f", "%.0e", "%.25g"};
    uint64_t state = 1;
    char text[512];
    for (int i = 0; i < 150000; i++) {
        uint64_t bits = next_random(&state);
        double value;
        memcpy(&value, &bits, sizeof value);
        for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
            snprintf(text, sizeof text, forms[f], value);
            if (!strstr(text, "nan"))
                expect_like_strtod(text);
        }
    }
}

static void everyday_numbers(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    char text[64];
    for (int i = 0; i < 500000; i++) {
        uint64_t r = next_random(&state);
        int decimals = (int)(r % 10);
        double scale[] = {1, 10, 1000, 1e6, 1e9};
        double value = ((double)(int64_t)r / 9.3e18) * scale[r / 16 % 5];
        snprintf(text, sizeof text, "%.*f", decimals, value);
        expect_like_strtod(text);
    }
}

/* The exact decimal expansion of the middle between two neighbours, and that with a last digit
 * more or less far behind: the cases that need the comparison in integers. */
static void middles_between_neighbours(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    static char text[2048];
    for (int i = 0; i < 15000; i++) {
        uint64_t bits = next_random(&state) >> 1;
        if (i % 4 == 0) /* denormal, or nearly */
            bits &= (1ull << 53) - 1;
        if (bits >= 0x7fefffffffffffff)
            continue;
        double low, high;
        memcpy(&low, &bits, sizeof low);
        bits++;
        memcpy(&high, &bits, sizeof high);
        /* x87's format holds the middle of any two doubles. */
        long double middle = ((long double)low + (long double)high) / 2;
        snprintf(text, 1200, "%.780Le", middle);
        expect_like_strtod(text);
        char *exponent = strchr(text, 'e');
        char tail[16];
        snprintf(tail, sizeof tail, "%s", exponent);
        char *last = exponent - 1;
        *last = '1';
        expect_like_strtod(text);
        memset(exponent, '0', 400);
        snprintf(exponent + 400, 20, "1%s", tail);
        expect_like_strtod(text);
    }
}

static void published_hard_cases(void **unused)
{
    (void)unused;
    static const char *const cases[] = {
        /* overflow, underflow, denormals and their borders */
        "1e400",
        "-1e400",
        "1e-400",
        "-1e-400",
        "1e309",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "179769313486231580793e289",
        "1.797693134862315807e308",
        "4.9406564584124654e-324",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.47032822920623272088284396434110686182e-324",
        "2.47032822920623272088284396434110686183e-324",
        "2.225073858507201e-308",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.2250738585072013e-308",
        "2.2250738585072014e-308",
        "2.22507385850720113605740979670913197593481954635164564e-308",
        "2.22507385850720138309e-308",
        "1e-323",
        "1e-324",
        "3e-324",
        "1e-999999999999999999999",
        "1e999999999999999999999",
        "0e999999999999999999999",
        "-0e-5",
        "-0",
        "0.0",
        "-.0",
        /* ties and near ties */
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.0",
        "9007199254740995",
        "9007199254740993.00000000000000000000000000000000001",
        "18014398509481986",
        "36028797018963972",
        "1152921504606847128",
        "4503599627370496.5",
        "4503599627370497.5",
        "4503599627475353.5",
        "2251799813685248.25",
        "2251799813685249.75",
        "0.500000000000000166533453693773481063544750213623046875",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "1.00000000000000033306690738754696212708950042724609375",
        /* Paxson's, Clinger's, Steele and White's, Lemire's and others' */
        "5e-20",
        "67e+14",
        "985e+15",
        "7693e-42",
        "55895e-16",
        "996622e-44",
        "7038531e-32",
        "60419369e-46",
        "702990899e-20",
        "6930161142e-48",
        "25933168707e+13",
        "428896153013e-20",
        "1448997445238699",
        "9.5e-1",
        "8.41e21",
        "9.0608011534336e15",
        "4.708356024711512e18",
        "9.409340012568248e18",
        "1.2345e0",
        "123456789012345678",
        "1234567890123456789",
        "12345678901234567890",
        "123456789012345678901234567890",
        "6.631236846766476e-316",
        ("3."
         "23788391330290128958835241250153217486303766942310805990129704955230197067067656578683574"
         "2"
         "58779955786061577655983828343551439108415316925268919056439645957739461803892836530514346"
         "3"
         "95510035669666562920201733134403173004436936020525834580343147166003269958073130095484836"
         "3"
         "97554869001075153001888175818417456965217311047369602274993463842538062336977473656000899"
         "7"
         "40406096749802838919187896396857543922220641698146269011334252400272438594165105129355260"
         "1"
         "42115533343022523729152384332233132613843147782359114240880003077517062591567072865700315"
         "1"
         "95366426076982249493795184580153089523843981970840338993787324146348420560800002727053110"
         "6"
         "82738790779144491853477159875016281254886276849320151899166802825173029995314392416854570"
         "8"
         "663913273994694463908672332763671875e-319"),
        "8.589973e9",
        "1090544144181609348671888949248",
        "1.0e-23",
        "9007199254740993e15",
        "7.2057594037927933e16",
        ("0."
         "00000000000000000000000000000000000001175494350822287507968736537222245677818665556772087"
         "5"
         "215087517062784172594547271728515625"),
        ("0."
         "00000000000000000000000000000000000000000000140129846432481707092372958328991613128026194"
         "1"
         "87651577175706828388979108268586060148663818836212158203125e-300"),
        "104110013277974872254e-225",
        "104110013277974872254e-220",
        "2.0919495182368195e19",
        "0.1e-6789",
        "10000000000000000000e-19",
        "18446744073709551615",
        "18446744073709551616",
        "0.00000000000000000000000000000000000000000001",
        "000000000000000000000000000000001",
        "0000000000000000000000000000000000000012345678901234567890.5e-3",
        "00000000000000000000.00000000000000000000123456789012345678901e20",
        /* what is and what is not a number, and where it ends */
        "",
        "+",
        "-",
        ".",
        "+.",
        "-.",
        "e5",
        ".e5",
        "1.",
        "1.e5",
        ".5",
        "+.5e1",
        "1e",
        "1e+",
        "1e-",
        "1e+x",
        "1.5.5",
        "1,5",
        "1 ",
        "--1",
        "+-1",
        "12345678",
        "1234567",
        "123456789",
        "1234567x",
        "12345678x",
        "1_000",
        "1E5",
        "1E-5",
        "1e05",
        "1e+05",
        "1e0000000000000000000001",
        "nan",
        "NaN",
        "-nan",
        "+NAN",
        "nanx",
        "na",
        "n",
        "inf",
        "-INF",
        "+Infinity",
        "infinit",
        "INFINITYx",
        "in",
        "infinity",
        "i",
        "\xb2",
        "1\xb2",
        ":",
        "/",
        "1:",
        "1/",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_like_strtod(cases[i]);
}

/* Every length of digits before and behind the point, with what may follow, so that each place
 * of the eight-at-a-time scan is an end once. */
static void every_length(void **unused)
{
    (void)unused;
    static const char *const tails[] = {"", ",", "e7", "e-7", "\n", "x", ":", "/", "\x80"};
    char text[96];
    for (int before = 0; before <= 30; before++)
        for (int behind = -1; behind <= 30; behind++)
            for (size_t tail = 0; tail < sizeof tails / sizeof tails[0]; tail++) {
                int at = 0;
                for (int i = 0; i < before; i++)
                    text[at++] = (char)('0' + (i * 7 + 9) % 10);
                if (behind >= 0)
                    text[at++] = '.';
                for (int i = 0; i < behind; i++)
                    text[at++] = (char)('0' + (i * 3 + 8) % 10);
                snprintf(text + at, sizeof text - (size_t)at, "%s", tails[tail]);
                expect_like_strtod(text);
            }
}

static void whole_text_only(void **unused)
{
    (void)unused;
    double value = 7;
    assert_true(number_parse("1.25e2", 6, &value));
    assert_true(value == 125);
    static const char *const refused[] = {"",   " 1",     "1 ",   "0x10", "0X1p3",
                                          "1e", "nan(1)", "1.5,", "one"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (number_parse(refused[i], strlen(refused[i]), &value))
            fail_msg("'%s' was taken for a number", refused[i]);
        assert_true(value == 125);
    }
    const char with_zero[] = {'1', '\0', '2'};
    assert_false(number_parse(with_zero, 3, &value));
}

static void the_locale_does_not_matter(void **unused)
{
    (void)unused;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        skip(); /* this machine has no locale with a decimal comma */
    double value = 0;
    bool read = number_parse("1.5", 3, &value);
    setlocale(LC_NUMERIC, "C");
    assert_true(read && value == 1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_hard_cases),
        cmocka_unit_test(every_length),
        cmocka_unit_test(whole_text_only),
        cmocka_unit_test(everyday_numbers),
        cmocka_unit_test(random_doubles_in_every_form),
        cmocka_unit_test(middles_between_neighbours),
        cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
