/* reader.h beyond what odd/ shows: streams cut into pieces, limits, the sniffed delimiter. */
#include "csv/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct csv_scratch no_scratch = {0};

static void positions_and_lines(void **unused)
{
    (void)unused;
    const char *text = "a,b\n\n\"x\ny\r\nz\",2\n3,4\n";
    struct csv_reader reader;
    struct csv_text fields[2];
    size_t count;
    csv_reader_start(&reader, "f", text, strlen(text), NULL, no_scratch);
    const size_t lines[] = {1, 3, 6};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(csv_reader_next(&reader, fields, 2, &count, NULL), CSV_RECORD);
        assert_int_equal(count, 2);
        assert_int_equal(reader.record_line, lines[i]);
    }
    assert_int_equal(reader.line, 7);
    assert_int_equal(csv_reader_next(&reader, fields, 2, &count, NULL), CSV_END);
    assert_int_equal(csv_reader_next(&reader, fields, 2, &count, NULL), CSV_END);
}

static void errors_name_the_line_inside_a_record(void **unused)
{
    (void)unused;
    const char *text = "a,b\n\"x\ny\",\"z\"!\n";
    struct csv_reader reader;
    size_t count;
    struct lathe_error error;
    csv_reader_start(&reader, "f.csv", text, strlen(text), NULL, no_scratch);
    assert_int_equal(csv_reader_next(&reader, NULL, 0, &count, &error), CSV_RECORD);
    assert_int_equal(csv_reader_next(&reader, NULL, 0, &count, &error), CSV_FAILED);
    assert_non_null(strstr(error.message, "f.csv, line 3, column 2: found \"!\""));
}

static void fields_beyond_the_room_are_counted(void **unused)
{
    (void)unused;
    const char *text = "1,2,3,4,5";
    struct csv_reader reader;
    struct csv_text fields[2];
    size_t count;
    csv_reader_start(&reader, NULL, text, strlen(text), NULL, no_scratch);
    assert_int_equal(csv_reader_next(&reader, fields, 2, &count, NULL), CSV_RECORD);
    assert_int_equal(count, 5);
    assert_memory_equal(fields[1].bytes, "2", 1);
}

static void scratch_is_bounded_and_optional(void **unused)
{
    (void)unused;
    const char *text = "\"a\"\"b\",c";
    struct csv_reader reader;
    struct csv_text fields[2];
    struct lathe_error error;
    size_t count;
    char memory[4];
    csv_reader_start(&reader, NULL, text, strlen(text), NULL, (struct csv_scratch){memory, 4, 0});
    assert_int_equal(csv_reader_next(&reader, fields, 2, &count, &error), CSV_RECORD);
    assert_int_equal(fields[0].size, 3);
    assert_true(fields[0].quoted);
    assert_memory_equal(fields[0].bytes, "a\"b", 3);

    csv_reader_start(&reader, NULL, text, strlen(text), NULL, (struct csv_scratch){memory, 3, 0});
    assert_int_equal(csv_reader_next(&reader, fields, 2, &count, &error), CSV_FAILED);
    assert_int_equal(error.code, LATHE_LIMIT);

    csv_reader_start(&reader, NULL, text, strlen(text), NULL, no_scratch);
    assert_int_equal(csv_reader_next(&reader, fields, 2, &count, &error), CSV_RECORD);
    assert_memory_equal(fields[0].bytes, "a\"\"b", 4);
}

static void quotes_may_be_bytes_and_bytes_anything(void **unused)
{
    (void)unused;
    const char *text = "\"a,b\"|\xff\n";
    struct csv_dialect dialect = {.delimiter = '|', .no_quotes = true};
    struct csv_reader reader;
    struct csv_text fields[2];
    size_t count;
    csv_reader_start(&reader, NULL, text, strlen(text), &dialect, no_scratch);
    assert_int_equal(csv_reader_next(&reader, fields, 2, &count, NULL), CSV_RECORD);
    assert_int_equal(fields[0].size, 5);
    assert_memory_equal(fields[1].bytes, "\xff", 1);
    dialect = (struct csv_dialect){.delimiter = '|', .quote = '\''};
    const char *single = "'a|''b'|\"";
    char memory[16];
    csv_reader_start(&reader, NULL, single, strlen(single), &dialect,
                     (struct csv_scratch){memory, sizeof memory, 0});
    assert_int_equal(csv_reader_next(&reader, fields, 2, &count, NULL), CSV_RECORD);
    assert_int_equal(count, 2);
    assert_memory_equal(fields[0].bytes, "a|'b", 4);
    assert_memory_equal(fields[1].bytes, "\"", 1);
}

static void whole_records_end_outside_quotes(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        char escape;
        size_t whole;
    } cases[] = {
        {"", 0, 0},
        {"a,b", 0, 0},
        {"a\nb", 0, 2},
        {"a\nb\n", 0, 4},
        {"a\nb\r", 0, 2},
        {"a\rb\r\n", 0, 5},
        {"a\r\nb\r", 0, 3},
        {"a\n\"b\nc", 0, 2},
        {"a\n\"b\nc\"\nd", 0, 8},
        {"a\n\"b\"\"\nc\"", 0, 2},
        {"\"\n\"\n\"\n", 0, 4},
        {"a\"\nb", 0, 3},
        {"\"a\"x\nb", 0, 5},
        {"\"a\"\r\nb", 0, 5},
        {"\"a\"\r", 0, 0},
        {"a\\\nb\nc", '\\', 5},
        {"\"a\\\"\nb\"\nc", '\\', 8},
        {"\"a\\\"\nb", '\\', 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct csv_dialect dialect = {.escape = cases[i].escape};
        size_t whole = csv_whole_records(cases[i].text, strlen(cases[i].text), &dialect);
        if (whole != cases[i].whole)
            fail_msg("case %zu: %zu", i, whole);
    }
}

/* sniffed.txt: what Python's csv.Sniffer says of each line (tests/parse/test_csv_odd.py checks). */
static void delimiters_as_python_sniffs_them(void **unused)
{
    (void)unused;
    FILE *file = fopen(TEST_FOLDER "/sniffed.txt", "r");
    assert_non_null(file);
    char line[512];
    size_t count = 0;
    for (; fgets(line, sizeof line, file); count++) {
        line[strcspn(line, "\n")] = '\0';
        char *sample;
        char expected = (char)strtol(line, &sample, 10);
        sample++;
        char found = csv_sniff_delimiter(sample, strlen(sample));
        if (found != expected)
            fail_msg("'%s': '%c', Python says '%c'", sample, found, expected);
    }
    fclose(file);
    assert_true(count > 250);
    assert_int_equal(csv_sniff_delimiter("", 0), ',');
    assert_int_equal(csv_sniff_delimiter("\n\r\n1;2\n1,2,3\n", 12), ';');
    assert_int_equal(csv_sniff_delimiter("\xef\xbb\xbf"
                                         "1\t2",
                                         6),
                     '\t');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_and_lines),
        cmocka_unit_test(errors_name_the_line_inside_a_record),
        cmocka_unit_test(fields_beyond_the_room_are_counted),
        cmocka_unit_test(scratch_is_bounded_and_optional),
        cmocka_unit_test(quotes_may_be_bytes_and_bytes_anything),
        cmocka_unit_test(whole_records_end_outside_quotes),
        cmocka_unit_test(delimiters_as_python_sniffs_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
