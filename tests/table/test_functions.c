/* Trino's functions: what its documentation says that they answer, and published vectors of hashes
 * and codings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "examples.h"

struct example {
    const char *sql, *expected; /* an expression; its value as JSON, or NAME: text */
};

static void try(const struct example *example)
{
    struct trino_answer answer;
    g_autofree char *sql = g_strconcat("SELECT ", example->sql, NULL);
    trino_ask(engine, sql, &answer);
    char *found = answer.name ? strdup("")
                              : json_dumps(json_array_get(json_array_get(answer.rows, 0), 0),
                                           JSON_ENCODE_ANY | JSON_COMPACT);
    if (answer.name) {
        free(found);
        g_autofree char *said = g_strdup_printf("%s: %s", answer.name, answer.message);
        found = strdup(said);
    }
    if (strcmp(found, example->expected) != 0)
        print_error("%s\n", example->sql);
    assert_string_equal(found, example->expected);
    free(found);
    trino_clear(&answer);
}

static void texts(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"lpad('abc', 6, 'xy')", "\"xyxabc\""},
        {"split('a.b.c', '.', 2)", "[\"a\",\"b.c\"]"},
        {"split_part('a/b/c', '/', 2)", "\"b\""},
        {"split_to_map('a:1;b:2;c:3', ';', ':')", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}"},
        {"translate('abcd', 'ab', 'AB')", "\"ABcd\""},
        {"translate('abcda', 'aa', 'ac')", "\"abcda\""},
        {"levenshtein_distance('kitten', 'sitting')", "3"},
        {"trim('!foo!', '!')", "\"foo\""},
        {"strpos('banana', 'an', -1)", "4"},
        {"soundex('Robert')", "\"R163\""},
        {"format('%s%%', 123)", "\"123%\""},
        {"format('%.5f', pi())", "\"3.14159\""},
        {"format('%03d', 8)", "\"008\""},
        {"format('%,.2f', 1234567.89)", "\"1,234,567.89\""},
        {"format('%-7s,%7s', 'hello', 'world')", "\"hello  ,  world\""},
        {"format('%2$s %3$s %1$s', 'a', 'b', 'c')", "\"b c a\""},
        {"format('%1$tA, %1$tB %1$te, %1$tY', date '2006-07-04')", "\"Tuesday, July 4, 2006\""},
        {"format_number(123456)", "\"123K\""},
        {"format_number(1000000)", "\"1M\""},
        {"chr(1114112)", "INVALID_FUNCTION_ARGUMENT: Not a valid Unicode code point: 1114112"},
    };
    TRY_ALL(examples);
}

static void regular_expressions(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"regexp_extract_all('1a 2b 14m', '(\\d+)([a-z]+)', 2)", "[\"a\",\"b\",\"m\"]"},
        {"regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')", "\"3ca 3cb 14m\""},
        {"regexp_replace('new york', '(\\w)(\\w*)', x -> upper(x[1]) || lower(x[2]))",
         "\"New York\""},
        {"regexp_split('1a 2b 14m', '\\s*[a-z]+\\s*')", "[\"1\",\"2\",\"14\",\"\"]"},
        {"regexp_count('1a 2b 14m', '\\s*[a-z]+\\s*')", "3"},
        {"regexp_position('I have 23 apples, 5 pears and 13 oranges', '\\b\\d+\\b', 12)", "19"},
        {"regexp_replace('a', '(a)', '$2')",
         "INVALID_FUNCTION_ARGUMENT: Illegal replacement sequence: unknown group 2"},
        {"regexp_like('b', '[a-c&&[^b]]')",
         "INVALID_FUNCTION_ARGUMENT: sets within sets and intersections of sets are not supported "
         "in regular expressions: [a-c&&[^b]]"},
        {"regexp_like('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '(a|aa)+$')", "true"},
    };
    TRY_ALL(examples);
}

static void days_and_times(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"date_add('second', 86, TIMESTAMP '2020-03-01 00:00:00')", "\"2020-03-01 00:01:26\""},
        {"date_add('month', -1, TIMESTAMP '2020-03-31 00:00:00')", "\"2020-02-29 00:00:00\""},
        {"date_diff('second', TIMESTAMP '2020-03-01 00:00:00', TIMESTAMP '2020-03-02 00:00:00')",
         "86400"},
        {"date_diff('month', DATE '2020-01-31', DATE '2020-02-29')", "1"},
        {"date_parse('2022/10/20/05', '%Y/%m/%d/%H')", "\"2022-10-20 05:00:00.000\""},
        {"date_format(TIMESTAMP '2022-10-20 05:10:00', '%m-%d-%Y %H')", "\"10-20-2022 05\""},
        {"format_datetime(TIMESTAMP '2022-10-20 05:10:00', 'EEE, d MMM yyyy hh:mm aa')",
         "\"Thu, 20 Oct 2022 05:10 AM\""},
        {"parse_datetime('1969-07-21 02:56 +0000', 'yyyy-MM-dd HH:mm Z')",
         "\"1969-07-21 02:56:00.000 UTC\""},
        {"to_iso8601(from_iso8601_timestamp('2020-05-11T11:15:05+05:30'))",
         "\"2020-05-11T11:15:05.000+05:30\""},
        {"from_iso8601_date('2020-W10-2')", "\"2020-03-03\""},
        {"human_readable_seconds(535)", "\"8 minutes, 55 seconds\""},
        {"parse_duration('2.3d')", "\"2 07:12:00.000\""},
        {"at_timezone(TIMESTAMP '2012-10-31 01:00 UTC', 'America/Los_Angeles')",
         "\"2012-10-30 18:00:00 America/Los_Angeles\""},
        {"with_timezone(TIMESTAMP '2021-03-28 02:30:00', 'Europe/Berlin')",
         "\"2021-03-28 03:30:00 Europe/Berlin\""},
        {"date_parse('2021-02-29', '%Y-%m-%d')",
         "INVALID_FUNCTION_ARGUMENT: Cannot parse \"2021-02-29\": Value 29 for dayOfMonth must be "
         "in the range [1,28]"},
    };
    TRY_ALL(examples);
}

static void json(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"CAST(JSON '[1,23,456]' AS ARRAY(INTEGER))", "[1,23,456]"},
        {"CAST(JSON '{\"v1\":123,\"v2\":\"abc\",\"v3\":true}' AS ROW(v1 BIGINT, v2 VARCHAR, v3 "
         "BOOLEAN))",
         "[123,\"abc\",true]"},
        {"CAST(MAP(ARRAY['k1', 'k2', 'k3'], ARRAY[1, 23, 456]) AS JSON)",
         "\"{\\\"k1\\\":1,\\\"k2\\\":23,\\\"k3\\\":456}\""},
        {"json_extract_scalar('{\"store\": {\"name\": \"x\\u00e9\"}}', '$.store.name')",
         "\"x\xc3\xa9\""},
        {"json_array_contains('[1, 2, 3]', 2)", "true"},
        {"json_size('{\"x\": {\"a\": 1, \"b\": 2}}', '$.x')", "2"},
        {"json_parse('{\"b\": [1, 2.50], \"a\": null}')", "\"{\\\"a\\\":null,\\\"b\\\":[1,2.5]}\""},
        {"json_parse('[1')", "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '[1'"},
    };
    TRY_ALL(examples);
}

/* After Trino's documentation of JSON functions. */
static void json_paths(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"json_exists('{\"comment\": \"x\", \"children\": [7, 9]}', 'lax $.children?(@ > 8)')",
         "true"},
        {"json_exists('{\"a\": 1}', 'strict $.b')", "false"},
        {"json_exists('{\"a\": 1}', 'strict $.b' UNKNOWN ON ERROR)", "null"},
        {"json_value('{\"children\": [\"a\", 10]}', 'lax $.children[0]')", "\"a\""},
        {"json_value('{\"a\": 1}', 'lax $.b' DEFAULT 'none' ON EMPTY)", "\"none\""},
        {"json_value('{\"a\": [1, 2]}', 'lax $.a[*]')", "null"},
        {"json_value('{\"a\": \"12\"}', 'lax $.a' RETURNING INTEGER)", "12"},
        {"json_query('{\"children\": [1, {\"b\": 2}]}', 'lax $.children[last]')",
         "\"{\\\"b\\\":2}\""},
        {"json_query('[{\"a\": 1}, {\"a\": 5}]', 'lax $[*] ? (@.a > 0 && !(@.a >= 5)).a' WITH "
         "WRAPPER)",
         "\"[1]\""},
        {"json_query('[1, 2, 3]', 'lax $[0 to 1]' WITH ARRAY WRAPPER)", "\"[1,2]\""},
        {"json_query('{\"a\": 1}', 'lax $.b' EMPTY ARRAY ON EMPTY)", "\"[]\""},
        {"json_value('[1, 2]', 'lax $.size()')", "\"2\""},
        {"json_value('{\"a\": 1}', 'lax $.a + 1')",
         "NOT_SUPPORTED: this part of a JSON path is not supported: + 1"},
        {"json_value('[1, 2]', 'strict $[5]' ERROR ON ERROR)",
         "PATH_EVALUATION_ERROR: path evaluation failed: structural error: invalid array "
         "subscript: "
         "[5, 5] for array of size 2"},
    };
    TRY_ALL(examples);
}

/* RFC 4648's, 2202's and 4231's vectors; those of the hashes' authors. */
static void bytes(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"to_base32(to_utf8('foobar'))", "\"MZXW6YTBOI======\""},
        {"from_utf8(from_base32('MZXW6YQ='))", "\"foob\""},
        {"to_base64(to_utf8('fooba'))", "\"Zm9vYmE=\""},
        {"to_hex(md5(to_utf8('message digest')))", "\"F96B697D7CB7938D525A2F31AAF161D0\""},
        {"to_hex(sha256(to_utf8('abc')))",
         "\"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\""},
        {"to_hex(hmac_md5(to_utf8('what do ya want for nothing?'), to_utf8('Jefe')))",
         "\"750C783E6AB0B503EAA86E310A5DB738\""},
        {"to_hex(hmac_sha256(to_utf8('what do ya want for nothing?'), to_utf8('Jefe')))",
         "\"5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843\""},
        {"to_hex(xxhash64(to_utf8('')))", "\"EF46DB3751D8E999\""},
        {"to_hex(xxhash64(to_utf8('a')))", "\"D24EC4F1A98C6E5B\""},
        {"crc32(to_utf8('123456789'))", "3421780262"},
        {"to_ieee754_64(-1.5e0) = X'BFF8000000000000'", "true"},
        {"url_extract_parameter('http://example.com/path?a=1&b=x%20y', 'b')", "\"x y\""},
        {"url_extract_host('http://user@example.com:8080/p')", "\"example.com\""},
        {"url_decode(url_encode('a+b c\xc3\xa9'))", "\"a+b c\xc3\xa9\""},
    };
    TRY_ALL(examples);
}

static void numbers(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"round(-2.5e0)", "-3.0"},
        {"round(DECIMAL '123.456', 1)", "\"123.500\""},
        {"truncate(DECIMAL '-7.89')", "\"-7\""},
        {"to_base(255, 2)", "\"11111111\""},
        {"from_base('zz', 36)", "1295"},
        {"bitwise_right_shift(-8, 2)", "1073741822"},
        {"bitwise_right_shift_arithmetic(-8, 2)", "-2"},
        {"width_bucket(5.35e0, 0.024e0, 10.06e0, 5)", "3"},
        {"CAST(1e0 / 3 AS VARCHAR)", "\"3.333333333333333E-1\""},
        {"CAST('1e3' AS DECIMAL(6, 1))", "\"1000.0\""},
        {"CAST('12x' AS BIGINT)", "INVALID_CAST_ARGUMENT: Cannot cast '12x' to BIGINT"},
        {"2147483647 + 1", "NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow: 2147483647 + 1"},
        {"CAST(300 AS TINYINT)", "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 300"},
        {"5 / 0", "DIVISION_BY_ZERO: Division by zero"},
    };
    TRY_ALL(examples);
}

static void casts_of_times(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"CAST('2020-02-29' AS DATE)", "\"2020-02-29\""},
        {"CAST('2020-05-11 10:20:30.9999' AS TIMESTAMP(3))", "\"2020-05-11 10:20:31.000\""},
        {"CAST('2020-05-11 10:20 Asia/Kolkata' AS TIMESTAMP(0) WITH TIME ZONE)",
         "\"2020-05-11 10:20:00 Asia/Kolkata\""},
        {"CAST('10:20:30+05:30' AS TIME(0) WITH TIME ZONE)", "\"10:20:30+05:30\""},
        {"TRY_CAST('2021-02-29' AS DATE)", "null"},
        {"CAST('12:60' AS TIME)", "INVALID_CAST_ARGUMENT: Value cannot be cast to time: 12:60"},
        {"CAST(TIMESTAMP '2020-05-11 23:30:00 America/New_York' AS DATE)", "\"2020-05-11\""},
    };
    TRY_ALL(examples);
}

int main(int argc, char **argv)
{
    int status;
    if (trino_is_process(argc, argv, &status))
        return status;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),          cmocka_unit_test(regular_expressions),
        cmocka_unit_test(days_and_times), cmocka_unit_test(json),
        cmocka_unit_test(json_paths),     cmocka_unit_test(bytes),
        cmocka_unit_test(numbers),        cmocka_unit_test(casts_of_times),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
