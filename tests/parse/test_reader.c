/* The reader against RFC 8259, UBJSON draft 12, and, for numbers, the C library. */
#include "parse/reader.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every event of a document as one letter: o O object, a A array, k key, s string, n number,
 * b bool, z null, . end, ! failure. */
static const char *events(enum reader_form form, const void *bytes, size_t size, char *out)
{
    /* an exact copy, so that a sanitizer sees a read past the end */
    char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    struct reader reader;
    struct lathe_error error = {0};
    reader_open(&reader, form, copy, size, &error);
    size_t length = 0;
    enum reader_event event;
    do {
        event = reader_next(&reader);
        out[length++] = "!.oOaAksnbz"[event];
    } while (event > READER_END && length < 200);
    out[length] = '\0';
    if (event == READER_FAILED)
        assert_true(error.code == LATHE_INVALID_DATA && strstr(error.message, "byte"));
    free(copy);
    return out;
}

static const char *json(const char *text)
{
    static char out[256];
    return events(READER_JSON, text, strlen(text), out);
}

static bool accepts(const char *text)
{
    const char *found = json(text);
    return found[strlen(found) - 1] == '.';
}

static void json_documents(void **state)
{
    (void)state;
    assert_string_equal(json(" {\"a\" : [1, -2.5e3,true,false , null,\"x\"], \"b\":{}}\n"),
                        "okannbbzsAkoOO.");
    assert_string_equal(json("[]"), "aA.");
    assert_string_equal(json("3"), "n.");
    assert_string_equal(json("\"\""), "s.");
    static const char *const good[] = {"0",
                                       "-0",
                                       "-0.0e-0",
                                       "1E+2",
                                       "[[],{}]",
                                       "\"\\ud83d\\ude00\"",
                                       "\"\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                       "\"\xC3\xA9\xF0\x9F\x98\x80\""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!accepts(good[i]))
            fail_msg("refused: %s", good[i]);
    static const char *const bad[] = {"",
                                      " ",
                                      "[",
                                      "{",
                                      "]",
                                      "}",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{,}",
                                      "{1:2}",
                                      "{\"a\" 1}",
                                      "[1}",
                                      "{\"a\":1]",
                                      "1 2",
                                      "[]]",
                                      "01",
                                      "-",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "1e",
                                      "1e+",
                                      "0x10",
                                      "- 1",
                                      "nul",
                                      "True",
                                      "NaN",
                                      "Infinity",
                                      "\"",
                                      "\"\\\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12G4\"",
                                      "\"\\ud800\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\udc00\"",
                                      "\"\t\"",
                                      "\"\x80\"",
                                      "\"\xC0\xAF\"",
                                      "\"\xED\xA0\x80\"",
                                      "\"\xF4\x90\x80\x80\"",
                                      "\"\xE2\x82\"",
                                      "'a'",
                                      "[1]//",
                                      "\xEF\xBB\xBF[]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (accepts(bad[i]))
            fail_msg("accepted: %s", bad[i]);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char text[2 * READER_DEPTH + 3];
    memset(text, '[', READER_DEPTH);
    memset(text + READER_DEPTH, ']', READER_DEPTH);
    text[2 * READER_DEPTH] = '\0';
    assert_true(accepts(text));
    memset(text, '[', READER_DEPTH + 1);
    memset(text + READER_DEPTH + 1, ']', READER_DEPTH + 1);
    text[2 * READER_DEPTH + 2] = '\0';
    assert_false(accepts(text));
}

static void texts(void **state)
{
    (void)state;
    static const char text[] = "[\"plain\",\"\\u00e9\\n\\ud83d\\ude00\\u0000\\u20ac\"]";
    struct reader reader;
    reader_open(&reader, READER_JSON, text, sizeof text - 1, NULL);
    char out[64];
    assert_int_equal(reader_next(&reader), READER_ARRAY);
    assert_int_equal(reader_next(&reader), READER_STRING);
    assert_true(reader_is(&reader, "plain") && !reader_is(&reader, "plai"));
    assert_int_equal(reader_next(&reader), READER_STRING);
    assert_true(reader.escaped && reader.size <= sizeof out);
    size_t length = reader_copy(&reader, out);
    assert_int_equal(length, 2 + 1 + 4 + 1 + 3);
    assert_memory_equal(out, "\xC3\xA9\n\xF0\x9F\x98\x80\0\xE2\x82\xAC", length);
}

static void check_number(const char *text)
{
    struct reader reader;
    struct lathe_error error;
    reader_open(&reader, READER_JSON, text, strlen(text), &error);
    if (reader_next(&reader) != READER_NUMBER)
        fail_msg("%s", error.message);
    double expected = strtod(text, NULL);
    float expected_float = strtof(text, NULL), found_float = reader_float(&reader);
    if (memcmp(&reader.number, &expected, sizeof expected) != 0)
        fail_msg("%s read as %.17g", text, reader.number);
    if (memcmp(&found_float, &expected_float, sizeof expected_float) != 0)
        fail_msg("%s read as float %.9g", text, (double)found_float);
}

static void numbers_equal_strtod(void **state)
{
    (void)state;
    static const char *const hard[] = {
        "0", "-0", "-0.0", "5E-1", "9007199254740993", "1e22", "1e23", "4.9e-324",
        "2.4703282292062328e-324", "1.7976931348623157e308", "1e400", "-1e400", "1e-400",
        "2.2250738585072011e-308", "0.000000000000000000000000000000000000000000001",
        "123456789012345678901234567890",
        /* on, just above and just below the middle between two floats */
        "1.000000059604644775390625", "1.00000005960464477539062500000001",
        "1.00000005960464477539062499999999", "1.4012984643248170e-45", "7.00649232162408535e-46",
        "7.006492321624085354618e-46", "7.006492321624085354619e-46",
        "3.40282356779733661637539395458142568448e38", "3.4028235677973366e38", "16777217",
        "16777217.0000000000000000000000001", "1e100000000000"};
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++)
        check_number(hard[i]);
    uint64_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        char text[64];
        uint64_t bits = seed ^ seed >> 29;
        uint32_t low = (uint32_t)(bits >> 16);
        double value;
        float small;
        memcpy(&value, &bits, sizeof value);
        memcpy(&small, &low, sizeof small);
        if (!isfinite(value) || !isfinite(small))
            continue;
        snprintf(text, sizeof text, "%.17g", value);
        check_number(text);
        snprintf(text, sizeof text, "%.9g", (double)small);
        check_number(text);
    }
}

static void integers(void **state)
{
    (void)state;
    static const char text[] =
        "[9223372036854775807,-9223372036854775808,9223372036854775808,1.0,-0]";
    struct reader reader;
    reader_open(&reader, READER_JSON, text, sizeof text - 1, NULL);
    reader_next(&reader);
    reader_next(&reader);
    assert_true(reader.is_integer && reader.integer == INT64_MAX);
    reader_next(&reader);
    assert_true(reader.is_integer && reader.integer == INT64_MIN);
    reader_next(&reader);
    assert_false(reader.is_integer);
    reader_next(&reader);
    assert_false(reader.is_integer);
    reader_next(&reader);
    assert_true(reader.is_integer && reader.integer == 0 && signbit(reader.number));
}

static void words_only_where_asked_for(void **state)
{
    (void)state;
    static const char text[] = "[NaN,Infinity,-Infinity]";
    struct reader reader;
    float out[4];
    size_t count;
    reader_open(&reader, READER_JSON, text, sizeof text - 1, NULL);
    reader.words = true;
    reader_next(&reader);
    assert_true(reader_floats(&reader, out, 4, &count) && count == 3);
    assert_true(isnan(out[0]) && out[1] == INFINITY && out[2] == -INFINITY);
}

static void bulk_in_pieces(enum reader_form form, const void *bytes, size_t size)
{
    struct reader reader;
    int32_t out[2];
    size_t count;
    reader_open(&reader, form, bytes, size, NULL);
    assert_int_equal(reader_next(&reader), READER_ARRAY);
    assert_true(reader_integers(&reader, out, 2, &count));
    assert_true(count == 2 && out[0] == 1 && out[1] == -2);
    assert_true(reader_integers(&reader, out, 2, &count));
    assert_true(count == 2 && out[0] == 0 && out[1] == 70000);
    assert_true(reader_integers(&reader, out, 2, &count));
    assert_int_equal(count, 0);
    assert_int_equal(reader_next(&reader), READER_END);
}

static void bulk(void **state)
{
    (void)state;
    bulk_in_pieces(READER_JSON, "[1,-2,false,70000]", 18);
    bulk_in_pieces(READER_UBJSON, "[$l#U\4\0\0\0\1\xFF\xFF\xFF\xFE\0\0\0\0\0\1\x11\x70", 22);
    bulk_in_pieces(READER_UBJSON,
                   "[U\1i\xFE"
                   "Fl\0\1\x11\x70]",
                   12);
    bulk_in_pieces(READER_UBJSON,
                   "[#i\4U\1i\xFE"
                   "Fl\0\1\x11\x70",
                   14);

    struct reader reader;
    struct lathe_error error;
    float values[3];
    int32_t whole[3];
    size_t count;
    reader_open(&reader, READER_UBJSON, "[$d#U\2\x3F\x80\0\0\xC0\x20\0\0", 14, &error);
    reader_next(&reader);
    assert_int_equal(reader_count(&reader), 2);
    assert_true(reader_floats(&reader, values, 3, &count) && count == 2);
    assert_true(values[0] == 1.0f && values[1] == -2.5f);
    static const char *const bad[] = {"[1.5]", "[2147483648]", "[\"a\"]", "[[1]]", "[1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        reader_open(&reader, READER_JSON, bad[i], strlen(bad[i]), &error);
        reader_next(&reader);
        assert_false(reader_integers(&reader, whole, 3, &count));
    }
}

/* Lists taken at once must hold what the C library reads from each element's text. */
static void lists_equal_their_elements(void **state)
{
    (void)state;
    static const char *const elements[] = {
        "0",          "-0",        "1",
        "-7",         "123456789", "-2147483648",
        "2147483647", "10",        "1E-1",
        "-1.5e3",     "0.3",       "7.8981143E-1",
        "1E-45",      "-0E0",      "3.4028235E38",
        "1e30",       " 5",        "1.0000000596046447753906250000000001",
        "16777217",   "00.5"};
    enum { ELEMENTS = sizeof elements / sizeof *elements - 1, ALL = 500 };
    char text[ALL * 40] = "[";
    float expected[ALL];
    uint32_t seed = 7;
    for (size_t i = 0; i < ALL; i++) {
        seed = seed * 1664525 + 1013904223;
        const char *element = elements[seed >> 16 & 0xFFFF ? (seed >> 16) % ELEMENTS : 0];
        expected[i] = strtof(element, NULL);
        strcat(strcat(text, i ? "," : ""), element);
    }
    strcat(text, "]");
    for (size_t piece = 1; piece < 40; piece += 3) {
        struct reader reader;
        float out[40];
        size_t taken, done = 0;
        reader_open(&reader, READER_JSON, text, strlen(text), NULL);
        reader.narrow = piece % 2;
        reader_next(&reader);
        do {
            assert_true(reader_floats(&reader, out, piece, &taken));
            assert_memory_equal(out, expected + done, taken * sizeof *out);
            done += taken;
        } while (taken == piece);
        assert_int_equal(done, ALL);
        assert_int_equal(reader_next(&reader), READER_END);
    }
    static const char *const bad[] = {"[00.5]", "[1,,2]", "[1,]", "[1 2]",
                                      "[,1]",   "[1,2",   "[-]",  "[1.]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reader reader;
        float floats[4];
        int32_t integers[4];
        size_t taken;
        reader_open(&reader, READER_JSON, bad[i], strlen(bad[i]), NULL);
        reader_next(&reader);
        assert_false(reader_floats(&reader, floats, 4, &taken));
        reader_open(&reader, READER_JSON, bad[i], strlen(bad[i]), NULL);
        reader_next(&reader);
        assert_false(reader_integers(&reader, integers, 4, &taken));
    }
}

static void skipping(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,{\"]\":\"}\\\"\"},[]],\"b\":3,\"c\":{\"d\":[1,2]}}";
    struct reader reader;
    reader_open(&reader, READER_JSON, text, sizeof text - 1, NULL);
    reader_next(&reader);
    reader_next(&reader);
    assert_true(reader_skip(&reader));
    assert_true(reader_next(&reader) == READER_KEY && reader_is(&reader, "b"));
    assert_true(reader_skip(&reader));
    assert_true(reader_next(&reader) == READER_KEY && reader_is(&reader, "c"));
    assert_int_equal(reader_next(&reader), READER_OBJECT);
    assert_true(reader_skip(&reader));
    assert_int_equal(reader_next(&reader), READER_OBJECT_END);
    assert_int_equal(reader_next(&reader), READER_END);
    char wide[400];
    snprintf(wide, sizeof wide, "[[%0200d,\"]%0100d\",{}],7]", 1, 2);
    reader_open(&reader, READER_JSON, wide, strlen(wide), NULL);
    reader_next(&reader);
    reader_next(&reader);
    assert_true(reader_skip(&reader));
    assert_true(reader_next(&reader) == READER_NUMBER && reader.integer == 7);
    static const char *const bad[] = {"[[1,2}", "[[1,2", "[[\"a]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        reader_open(&reader, READER_JSON, bad[i], strlen(bad[i]), NULL);
        reader_next(&reader);
        reader_next(&reader);
        assert_false(reader_skip(&reader));
        assert_int_equal(reader_next(&reader), READER_FAILED);
    }
    static const char binary[] = "{U\1a[$d#U\2\0\0\0\0\0\0\0\0U\1b[#U\1TU\1cT}";
    reader_open(&reader, READER_UBJSON, binary, sizeof binary - 1, NULL);
    reader_next(&reader);
    for (const char *key = "abc"; *key; key++) {
        assert_int_equal(reader_next(&reader), READER_KEY);
        assert_int_equal(*reader.text, *key);
        assert_true(reader_skip(&reader));
    }
    assert_int_equal(reader_next(&reader), READER_OBJECT_END);
}

/* As XGBoost writes them, `%.8E` without zeros that say nothing: most are taken in blocks. */
static void write_element(char *text, size_t size, bool integers, uint64_t random)
{
    int32_t whole = (int32_t)(random >> 32) >> (random & 31);
    float value = ldexpf((float)whole, (int)(random >> 8 & 63) - 45);
    if (integers) {
        snprintf(text, size, "%d", (int)whole);
    } else if (random >> 16 & 7) {
        char mantissa[32];
        snprintf(mantissa, sizeof mantissa, "%.*E", (int)(random >> 20 & 8) + 1, (double)value);
        char *exponent = strchr(mantissa, 'E'), *end = exponent;
        *exponent++ = '\0';
        while (end[-1] == '0' && strchr(mantissa, '.'))
            *--end = '\0';
        if (end[-1] == '.')
            *--end = '\0';
        snprintf(text, size, "%s%c%d", mantissa, random >> 24 & 1 ? 'E' : 'e', atoi(exponent));
    } else {
        snprintf(text, size, random >> 24 & 1 ? "%.0f.5" : "%.9g", (double)value);
    }
}

static void long_lists_equal_the_c_library(void **state)
{
    (void)state;
    enum { COUNT = 20000, LENGTH = 64 };
    char *text = malloc(COUNT * LENGTH);
    float *expected = malloc(COUNT * sizeof *expected), *floats = malloc(COUNT * sizeof *floats);
    int32_t *integers = (int32_t *)floats;
    uint64_t random = 3;
    for (int kind = 0; kind < 8; kind++) {
        size_t size = 0;
        bool whole = kind % 2 == 0;
        for (size_t i = 0; i < COUNT; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            text[size++] = i ? ',' : '[';
            write_element(text + size, LENGTH, whole, random ^ random >> 29);
            expected[i] = whole ? (float)atoi(text + size) : strtof(text + size, NULL);
            size += strlen(text + size);
        }
        text[size++] = ']';
        struct reader reader;
        size_t count;
        reader_open(&reader, READER_JSON, text, size, NULL);
        reader.narrow = kind & 4;
        reader_next(&reader);
        assert_true(whole ? reader_integers(&reader, integers, COUNT, &count)
                          : reader_floats(&reader, floats, COUNT, &count));
        assert_int_equal(count, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            float found = whole ? (float)integers[i] : floats[i];
            if (memcmp(&found, &expected[i], sizeof found) != 0)
                fail_msg("element %zu read as %.9g, not %.9g", i, (double)found,
                         (double)expected[i]);
        }
        assert_int_equal(reader_next(&reader), READER_ARRAY_END);
        assert_int_equal(reader_next(&reader), READER_END);
    }
    free(text);
    free(expected);
    free(floats);
}

/* Each way to spoil one element of a long list is found, and the place of it told. */
static void long_lists_find_what_is_wrong(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "1.5E",    "1.E5",  ".5E1",   "-",       "1.5E--1",
                                      "1e5x", "0x1E2",   "01E1",  "--1E1",  "1.5.5E1", "1 1",
                                      "1E+",  "1.2/4E1", "1:5E1", "1E1.5",  "1E1E1",   "nul",
                                      "1.2E", "1.2E1-",  "1.2E-", "1.2E-/", "1.2E:",   "00"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        for (size_t try = 0; try < 80; try++) {
            size_t place = try / 2;
            char text[1024] = "[";
            size_t offset = 0;
            for (size_t i = 0; i < 60; i++) {
                strcat(text, i ? "," : "");
                offset = i == place ? strlen(text) : offset;
                strcat(text, i == place ? bad[k] : i % 3 ? "-7.5E-1" : "2E0");
            }
            strcat(text, "]");
            struct reader reader;
            struct lathe_error error = {0};
            float out[60];
            size_t count;
            reader_open(&reader, READER_JSON, text, strlen(text), &error);
            reader.narrow = try % 2;
            reader_next(&reader);
            if (reader_floats(&reader, out, 60, &count) && reader_next(&reader))
                fail_msg("accepted: %s", text);
            size_t told = strtoul(strstr(error.message, "byte") + 5, NULL, 10);
            assert_in_range(told, offset, offset + strlen(bad[k]));
        }
    }
}

struct bytes {
    const char *bytes;
    size_t size;
    const char *events;
};
#define BYTES(text, events)           \
    {                                 \
        text, sizeof text - 1, events \
    }

static void ubjson_documents(void **state)
{
    (void)state;
    static const struct bytes documents[] = {
        BYTES("{U\1ai\xFFI\2bcS"
              "U\3xyz}",
              "okn!"), /* a key's length is no bare character */
        BYTES("{U\1ai\xFFU\2bcSU\3xyz}", "oknksO."),
        BYTES("[NZTFNCxHU\4-1.5D\x40\x09\x21\xFB\x54\x44\x2D\x18]N", "azbbsnnA."),
        BYTES("[#U\2[]{}", "aaAoOA."),
        BYTES("{$U#U\2U\1a\1U\1b\2", "oknknO."),
        BYTES("[$S#U\2U\1aU\0", "assA."),
        BYTES("[$[#U\2U\1]]", "aanAaAA."),
        BYTES("[$d#L\0\0\0\0\0\0\0\0", "aA."),
        /* hostile or cut */
        BYTES("", "!"),
        BYTES("[", "a!"),
        BYTES("[U", "a!"),
        BYTES("[$d", "!"),
        BYTES("[$d#", "!"),
        BYTES("[$Z#L\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "!"),
        BYTES("[$d#L\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "!"),
        BYTES("[$d#L\x40\0\0\0\0\0\0\0", "!"),
        BYTES("[#l\xFF\xFF\xFF\xFF", "!"),
        BYTES("[$d#U\2\0\0\0\0\0\0\0", "!"),
        BYTES("{U\5a", "o!"),
        BYTES("SU\2\xC3(", "!"),
        BYTES("HU\3"
              "1.x",
              "!"),
        BYTES("TT", "b!"),
        BYTES("x", "!"),
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        char out[256];
        events(READER_UBJSON, documents[i].bytes, documents[i].size, out);
        if (strcmp(out, documents[i].events) != 0)
            fail_msg("document %zu gave %s, not %s", i, out, documents[i].events);
    }
}

static void errors_say_where(void **state)
{
    (void)state;
    struct reader reader;
    struct lathe_error error;
    reader_open(&reader, READER_JSON, "{\n\"a\":\n x}", 10, &error);
    while (reader_next(&reader) > READER_END)
        ;
    assert_non_null(strstr(error.message, "byte 8 (line 3)"));
    reader_open(&reader, READER_JSON, "[1]", 3, &error);
    assert_false(reader_expect(&reader, READER_OBJECT, "the model"));
    assert_non_null(strstr(error.message, "the model: an object was expected, but this is a list"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_documents),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(texts),
        cmocka_unit_test(numbers_equal_strtod),
        cmocka_unit_test(integers),
        cmocka_unit_test(words_only_where_asked_for),
        cmocka_unit_test(bulk),
        cmocka_unit_test(lists_equal_their_elements),
        cmocka_unit_test(long_lists_equal_the_c_library),
        cmocka_unit_test(long_lists_find_what_is_wrong),
        cmocka_unit_test(skipping),
        cmocka_unit_test(ubjson_documents),
        cmocka_unit_test(errors_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
