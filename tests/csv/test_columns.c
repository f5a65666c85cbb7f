/* columns.h: what is null, what is refused, and a stream in pieces. */
#include "csv/columns.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 64 };

static double speeds[ROOM], wears[ROOM];
static struct csv_text types[ROOM];

/* A reader of three columns by their names, out of order. */
static struct csv_column columns[3];

static struct csv_columns *open_by_name(const struct csv_columns_options *options)
{
    columns[0] = (struct csv_column){.name = "wear", .type = CSV_NUMBER, .numbers = wears};
    columns[1] = (struct csv_column){.name = "type", .type = CSV_TEXT, .texts = types};
    columns[2] = (struct csv_column){.name = "speed", .type = CSV_NUMBER, .numbers = speeds};
    struct csv_columns *reader = csv_columns_open(columns, 3, options, NULL);
    assert_non_null(reader);
    return reader;
}

static void expect_text(const struct csv_text *text, const char *expected)
{
    if (!expected) {
        assert_null(text->bytes);
        return;
    }
    assert_non_null(text->bytes);
    assert_int_equal(text->size, strlen(expected));
    assert_memory_equal(text->bytes, expected, text->size);
}

static void by_name(void **unused)
{
    (void)unused;
    const char *text =
        "\xef\xbb\xbftype,\"speed\",unused,wear\r\n"
        "L,1551,\"x\"\"\n,\",0\r\n\"M, \"\"x\"\"\", 1408 ,,3.5\n,,,\n\"\",\"1\",,\"\"\n";
    const char *at = text, *end = text + strlen(text);
    struct csv_columns_options options = {.name = "a.csv"};
    struct csv_columns *reader = open_by_name(&options);
    size_t rows;
    assert_true(csv_columns_header(reader, &at, end, NULL));
    assert_int_equal(columns[0].field, 3);
    assert_true(csv_columns_read(reader, &at, end, ROOM, &rows, NULL));
    assert_int_equal(rows, 4);
    assert_ptr_equal(at, end);
    assert_true(speeds[0] == 1551 && wears[0] == 0 && speeds[1] == 1408 && wears[1] == 3.5);
    expect_text(&types[0], "L");
    expect_text(&types[1], "M, \"x\"");
    expect_text(&types[2], NULL);
    expect_text(&types[3], "");
    assert_true(isnan(speeds[2]) && isnan(wears[2]) && speeds[3] == 1 && isnan(wears[3]));
    csv_columns_close(reader);
}

static void nulls_by_option(void **unused)
{
    (void)unused;
    const char *text = "NA,\"NA\",-9999\n1, NA ,2\n\\N,\\N,0\n";
    static const char *const nulls[] = {"NA", "-9999", "\\N"};
    double first[3], last[3];
    struct csv_text middle[3];
    struct csv_column three[] = {{.type = CSV_NUMBER, .field = 0, .numbers = first},
                                 {.type = CSV_TEXT, .field = 1, .texts = middle},
                                 {.type = CSV_NUMBER, .field = 2, .numbers = last}};
    struct csv_columns_options options = {.nulls = nulls, .null_count = 3};
    struct csv_columns *reader = csv_columns_open(three, 3, &options, NULL);
    const char *at = text;
    size_t rows;
    assert_true(csv_columns_read(reader, &at, text + strlen(text), 3, &rows, NULL));
    assert_int_equal(rows, 3);
    assert_true(isnan(first[0]) && first[1] == 1 && isnan(first[2]));
    assert_true(isnan(last[0]) && last[1] == 2 && last[2] == 0);
    expect_text(&middle[0], "NA");
    expect_text(&middle[1], " NA ");
    expect_text(&middle[2], NULL);
    csv_columns_close(reader);
}

static void expect_refused(const char *text, const char *message, size_t good_rows)
{
    struct csv_columns_options options = {.name = "a.csv"};
    struct csv_columns *reader = open_by_name(&options);
    struct lathe_error error = {0};
    const char *at = text, *end = text + strlen(text);
    size_t rows = 0;
    bool read = csv_columns_header(reader, &at, end, &error) &&
                csv_columns_read(reader, &at, end, ROOM, &rows, &error);
    if (read || !strstr(error.message, message))
        fail_msg("'%s': %s", text, read ? "accepted" : error.message);
    assert_int_equal(error.code, LATHE_INVALID_DATA);
    assert_int_equal(rows, good_rows);
    csv_columns_close(reader);
}

static void names_where_and_what(void **unused)
{
    (void)unused;
    expect_refused("type,speed,wear\nL,1,2\nM,fast,3\n",
                   "a.csv, line 3, column 2: found \"fast\" in speed, expected a number", 1);
    expect_refused("type,speed\nL,1\n",
                   "a.csv, line 1, column 1: the header has no column \"wear\": found \"type\", "
                   "\"speed\"",
                   0);
    expect_refused("type,speed,wear,speed\n", "line 1, column 4: the header has \"speed\" twice",
                   0);
    expect_refused("type,speed,wear\nL,1,2\n\nL,1\n", "line 4, column 2: found 2 fields", 1);
    expect_refused("type,speed,wear\nL,1,2,\n", "line 2, column 4: found 4 fields", 0);
    expect_refused("\n\n", "a.csv: expected a header", 0);
    expect_refused("type,speed,wear\nL,1,\"2\n", "line 2, column 3: the quote", 0);
}

static void a_record_too_narrow_for_a_column(void **unused)
{
    (void)unused;
    double numbers[2];
    struct csv_column column = {.name = "z", .type = CSV_NUMBER, .field = 3, .numbers = numbers};
    struct csv_columns *reader = csv_columns_open(&column, 1, NULL, NULL);
    const char *text = "1,2,3\n", *at = text;
    size_t rows;
    struct lathe_error error;
    assert_false(csv_columns_read(reader, &at, text + 6, 2, &rows, &error));
    assert_string_equal(error.message,
                        "line 1, column 4: expected z here, but a record has 3 fields");
    csv_columns_close(reader);
}

static void ragged_by_option(void **unused)
{
    (void)unused;
    double first[3], last[3];
    struct csv_column two[] = {{.type = CSV_NUMBER, .field = 0, .numbers = first},
                               {.type = CSV_NUMBER, .field = 2, .numbers = last}};
    struct csv_columns_options options = {.ragged = true, .width = 3};
    struct csv_columns *reader = csv_columns_open(two, 2, &options, NULL);
    const char *text = "1\n2,0,3,4,\"5\n6\"\n7,0,8\n", *at = text;
    size_t rows;
    assert_true(csv_columns_read(reader, &at, text + strlen(text), 3, &rows, NULL));
    assert_int_equal(rows, 3);
    assert_true(first[0] == 1 && isnan(last[0]) && last[1] == 3 && first[2] == 7 && last[2] == 8);
    csv_columns_close(reader);
}

/* One field into a number and a text at once. */
static void columns_may_share_a_field(void **unused)
{
    (void)unused;
    double numbers[2];
    struct csv_text texts[2];
    struct csv_column two[] = {{.type = CSV_NUMBER, .field = 1, .numbers = numbers},
                               {.type = CSV_TEXT, .field = 1, .texts = texts}};
    struct csv_columns *reader = csv_columns_open(two, 2, NULL, NULL);
    const char *text = "a,1.50\nb,\n", *at = text;
    size_t rows;
    assert_true(csv_columns_read(reader, &at, text + strlen(text), 2, &rows, NULL));
    assert_true(numbers[0] == 1.5 && isnan(numbers[1]));
    expect_text(&texts[0], "1.50");
    expect_text(&texts[1], NULL);
    csv_columns_close(reader);
}

/* Any cut of a stream gives the same rows as the whole, and the same line in an error. */
static void pieces_give_the_same(void **unused)
{
    (void)unused;
    const char *text = "type,speed,wear\r\nL,1,2\r\n\"M\n\",3,4\r\n\r\n\"H\"\"\",5,6\r\nL,x,8\r\n";
    size_t size = strlen(text);
    for (size_t piece = 1; piece <= size; piece++) {
        struct csv_columns *reader = open_by_name(NULL);
        struct lathe_error error = {0};
        char buffer[128], seen[64] = "";
        size_t kept = 0, given = 0;
        bool header = false, good = true;
        while (good && given < size) {
            size_t more = size - given < piece ? size - given : piece;
            memcpy(buffer + kept, text + given, more);
            given += more;
            kept += more;
            const char *at = buffer;
            const char *end = buffer + csv_whole_records(buffer, kept, NULL);
            if (at < end && !header) {
                assert_true(csv_columns_header(reader, &at, end, &error));
                header = true;
            }
            for (size_t rows = 1; good && rows;) {
                good = !header || csv_columns_read(reader, &at, end, 1, &rows, &error);
                rows = header ? rows : 0;
                if (rows)
                    sprintf(seen + strlen(seen), "%.*s%g%g ", (int)types[0].size, types[0].bytes,
                            speeds[0], wears[0]);
            }
            kept = (size_t)(buffer + kept - at);
            memmove(buffer, at, kept);
        }
        assert_string_equal(seen, "L12 M\n34 H\"56 ");
        assert_false(good);
        assert_string_equal(error.message,
                            "line 7, column 2: found \"x\" in speed, expected a number or nothing");
        csv_columns_close(reader);
    }
}

static void fewer_rows_than_there_are(void **unused)
{
    (void)unused;
    struct csv_columns *reader = open_by_name(NULL);
    const char *text = "type,speed,wear\nL,1,2\nL,3,4\nL,5,6\n", *at = text;
    const char *end = text + strlen(text);
    size_t rows;
    assert_true(csv_columns_header(reader, &at, end, NULL));
    assert_true(csv_columns_read(reader, &at, end, 2, &rows, NULL));
    assert_int_equal(rows, 2);
    assert_true(speeds[1] == 3);
    assert_true(csv_columns_read(reader, &at, end, 2, &rows, NULL));
    assert_int_equal(rows, 1);
    assert_true(speeds[0] == 5);
    assert_true(csv_columns_read(reader, &at, end, 2, &rows, NULL));
    assert_int_equal(rows, 0);
    csv_columns_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_name),
        cmocka_unit_test(nulls_by_option),
        cmocka_unit_test(names_where_and_what),
        cmocka_unit_test(a_record_too_narrow_for_a_column),
        cmocka_unit_test(ragged_by_option),
        cmocka_unit_test(columns_may_share_a_field),
        cmocka_unit_test(pieces_give_the_same),
        cmocka_unit_test(fewer_rows_than_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
