/* Runs of plain records: random tables, most of them plain here and there, give what the reader
 * gives that takes them field by field, and numbers what strtod makes of them. */
#include "csv/columns.h"
#include "csv/plain.h"
#include "parse/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 5, MOST_ROWS = 200, ROW_BYTES = 256, TABLES = 3000 };

static uint64_t state;

static unsigned below(unsigned limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % limit;
}

/* A number as tables have them, or as they seldom do. */
static size_t add_number(char *out)
{
    int digits = (int)below(below(8) ? 6 : 19);
    double value = (double)(below(2000000000) + 1) * (below(3) ? 1 : -1);
    switch (below(12)) {
    case 0:
        return 0;
    case 1:
        return (size_t)sprintf(out, "%.*g", digits + 1, value * 1e-12);
    case 2:
        return (size_t)sprintf(out, "%.*e", digits, value);
    case 3:
        return (size_t)sprintf(out, "%s",
                               (const char *[]){"-0", "0.", ".5", "-.25", "+3", "007", " 12 ",
                                                "1e2", "NaN", "-inf", "0000000", "9999999999999999",
                                                "12345678", "-1234567", "1234567."}[below(15)]);
    case 4:
        return (size_t)sprintf(out, "%.*f", digits, value * 1e-9);
    default:
        return (size_t)sprintf(out, "%.*f", (int)below(4), value * 1e-6);
    }
}

static size_t add_text(char *out, bool odd)
{
    static const char *const plain[] = {"L", "M", "", "a longer text than eight characters", "x y"};
    static const char *const strange[] = {"\"q\"", "\"a,b\"",  "\"a\n,\"",
                                          "a\"b",  "\xc3\xa9", "\"\"\"\""};
    return (size_t)sprintf(out, "%s", odd ? strange[below(6)] : plain[below(5)]);
}

/* One in `odd` texts is not plain; 0: none. */
static size_t make_table(char *out, size_t rows, unsigned odd)
{
    const char *const ends[] = {"\n", "\r\n", "\r", "\n\n"};
    unsigned kind = below(3); /* of line end; now and then another */
    char *at = out;
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < WIDTH; i++) {
            at += i % 2 ? add_text(at, odd && below(odd) == 0) : add_number(at);
            if (i + 1 < WIDTH)
                *at++ = ',';
        }
        at += sprintf(at, "%s", ends[odd && below(odd) == 0 ? below(4) : kind == 2 ? 0 : kind]);
    }
    return (size_t)(at - out);
}

static void expect_number(double found, const struct csv_text *field)
{
    char text[ROW_BYTES];
    memcpy(text, field->bytes, field->size);
    text[field->size] = '\0';
    double expected = field->size ? strtod(text, NULL) : NAN;
    if (memcmp(&found, &expected, sizeof found) != 0 && !(isnan(found) && isnan(expected)))
        fail_msg("\"%s\" reads as %.17g, strtod as %.17g", text, found, expected);
}

static void expect_text(const struct csv_text *found, const struct csv_text *field)
{
    if (!field->size && !field->quoted) {
        assert_null(found->bytes);
        return;
    }
    assert_int_equal(found->size, field->size);
    assert_memory_equal(found->bytes, field->bytes, found->size);
}

/* Reads the table's columns in pieces of `room` rows and holds each row to the reader's. */
static void expect_as_reader(const char *text, size_t size, size_t room)
{
    static double numbers[3][MOST_ROWS];
    static struct csv_text texts[2][MOST_ROWS];
    struct csv_column columns[WIDTH];
    for (size_t i = 0; i < WIDTH; i++)
        columns[i] = (struct csv_column){.type = i % 2 ? CSV_TEXT : CSV_NUMBER,
                                         .field = i,
                                         .numbers = i % 2 ? NULL : numbers[i / 2],
                                         .texts = i % 2 ? texts[i / 2] : NULL};
    const struct csv_columns_options options = {.width = WIDTH, .dialect = {.utf8 = true}};
    struct csv_columns *columns_reader = csv_columns_open(columns, WIDTH, &options, NULL);
    char *scratch = malloc(size + 1);
    struct csv_reader reader;
    csv_reader_start(&reader, NULL, text, size, &options.dialect,
                     (struct csv_scratch){.bytes = scratch, .size = size});
    struct csv_text fields[WIDTH];
    size_t count, rows = room;
    const char *at = text;
    while (rows == room) {
        struct lathe_error error = {0};
        if (!csv_columns_read(columns_reader, &at, text + size, room, &rows, &error))
            fail_msg("%s", error.message);
        for (size_t row = 0; row < rows; row++) {
            assert_int_equal(csv_reader_next(&reader, fields, WIDTH, &count, NULL), CSV_RECORD);
            for (size_t i = 0; i < WIDTH; i++) {
                if (columns[i].type == CSV_NUMBER)
                    expect_number(columns[i].numbers[row], &fields[i]);
                else
                    expect_text(&columns[i].texts[row], &fields[i]);
            }
        }
    }
    assert_int_equal(csv_reader_next(&reader, fields, WIDTH, &count, NULL), CSV_END);
    assert_ptr_equal(at, text + size);
    csv_columns_close(columns_reader);
    free(scratch);
}

static void random_tables(void **unused)
{
    (void)unused;
    static const unsigned odd[] = {0, 1000, 50, 3};
    for (size_t table = 0; table < TABLES; table++) {
        size_t rows = 1 + below(MOST_ROWS);
        /* of its very size, so that a byte read beyond it shows */
        char *text = malloc(rows * ROW_BYTES);
        size_t size = make_table(text, rows, odd[table % 4]);
        size -= below(2) && size > 1 && text[size - 1] == '\n' && text[size - 2] != '\r' &&
                text[size - 2] != '\n';
        text = realloc(text, size);
        expect_as_reader(text, size, 1 + below(MOST_ROWS - 1));
        free(text);
    }
}

/* What the best way finds, all others that this CPU has find too. */
static void every_way_finds_the_same(void **unused)
{
    (void)unused;
    static double numbers[MOST_ROWS], expected[MOST_ROWS];
    for (size_t table = 0; table < TABLES; table++) {
        static char text[MOST_ROWS * ROW_BYTES];
        size_t size = make_table(text, MOST_ROWS, table % 2 ? 0 : 100);
        struct csv_reader reader;
        struct csv_plain best, other;
        csv_reader_start(&reader, NULL, text, size, NULL, (struct csv_scratch){0});
        assert_true(csv_plain_open(&best, WIDTH, size) && csv_plain_open(&other, WIDTH, size));
        csv_plain_find(&best, &reader, MOST_ROWS);
        size_t read = csv_plain_numbers(&best, 2, 0, text + size, expected);
        for (int way = 0; way < (int)best.way; way++) {
            other.way = (enum csv_way)way;
            csv_plain_find(&other, &reader, MOST_ROWS);
            assert_int_equal(other.rows, best.rows);
            assert_memory_equal(other.stops, best.stops, best.rows * WIDTH * sizeof *best.stops);
            assert_memory_equal(other.nexts, best.nexts, best.rows * sizeof *best.nexts);
            assert_int_equal(csv_plain_numbers(&other, 2, 0, text + size, numbers), read);
            assert_memory_equal(numbers, expected, read * sizeof *numbers);
        }
        csv_plain_close(&best);
        csv_plain_close(&other);
    }
}

/* Records of `width` fields of no character to two, so that a block may have hardly a stop that is
 * no feed, or stops alone; one in `odd` has another number of fields, or a carriage return
 * somewhere. */
static size_t make_narrow(char *out, size_t width, unsigned odd)
{
    char *at = out;
    bool returns = below(2);
    for (size_t row = 0; row < MOST_ROWS; row++) {
        size_t fields = width - 1 + (below(odd) ? 1 : below(3));
        for (size_t i = 0; i < fields; i++)
            at += sprintf(at, "%.*s%s", (int)below(3), below(odd) ? "17" : "\r-",
                          i + 1 < fields ? "," : "");
        at += sprintf(at, returns ? "\r\n" : "\n");
    }
    return (size_t)(at - out);
}

static void records_of_all_widths(void **unused)
{
    (void)unused;
    for (size_t table = 0; table < TABLES / 3; table++) {
        static char text[MOST_ROWS * ROW_BYTES];
        size_t width = 2 + (table % 2 ? below(3) : below(80)), room = 1 + below(MOST_ROWS);
        size_t size = make_narrow(text, width, table % 3 ? 1000 : 10000);
        struct csv_reader reader;
        struct csv_plain best, other;
        csv_reader_start(&reader, NULL, text, size, NULL, (struct csv_scratch){0});
        assert_true(csv_plain_open(&best, width, size) && csv_plain_open(&other, width, size));
        csv_plain_find(&best, &reader, room);
        for (int way = 0; way < (int)best.way; way++) {
            other.way = (enum csv_way)way;
            csv_plain_find(&other, &reader, room);
            assert_int_equal(other.rows, best.rows);
            assert_memory_equal(other.stops, best.stops, best.rows * width * sizeof *best.stops);
            assert_memory_equal(other.nexts, best.nexts, best.rows * sizeof *best.nexts);
        }
        csv_plain_close(&best);
        csv_plain_close(&other);
    }
}

/* Digits, a point somewhere or nowhere, and a minus or none; `most` characters at most. */
static size_t make_digits(char *out, size_t most)
{
    size_t size = 1 + below((unsigned)most), at = 0;
    if (size > 1 && below(3) == 0)
        out[at++] = '-';
    size_t first = at;
    for (; at < size; at++)
        out[at] = (char)('0' + below(10));
    if (size - first > 1 && below(3))
        out[first + below((unsigned)(size - first))] = '.';
    return size;
}

static void numbers_of_all_lengths(void **unused)
{
    (void)unused;
    enum { ROWS = 160, LONGEST = 20 };
    static double numbers[ROWS];
    for (size_t table = 0; table < 5 * TABLES; table++) {
        char text[ROWS * (LONGEST + 2)], *at = text;
        size_t most = 1 + table % LONGEST, rows;
        for (size_t i = 0; i < ROWS; i++) {
            at += make_digits(at, most);
            at += sprintf(at, ",\n");
        }
        struct csv_column column = {.type = CSV_NUMBER, .field = 0, .numbers = numbers};
        struct csv_columns *reader = csv_columns_open(&column, 1, NULL, NULL);
        const char *from = text, *field = text;
        assert_true(csv_columns_read(reader, &from, at, ROWS, &rows, NULL));
        assert_int_equal(rows, ROWS);
        for (size_t row = 0; row < rows; row++) {
            double expected = strtod(field, NULL);
            assert_memory_equal(&numbers[row], &expected, sizeof expected);
            field = strchr(field, '\n') + 1;
        }
        csv_columns_close(reader);
    }
}

/* Points and minuses at every place, among numbers. */
static void what_is_no_number_is_left_to_the_caller(void **unused)
{
    (void)unused;
    enum { ROWS = 24, LONGEST = 16 };
    for (size_t table = 0; table < 50 * TABLES; table++) {
        char text[ROWS * (LONGEST + 2) + 1], *at = text;
        double numbers[ROWS], expected[ROWS];
        size_t wild = below(ROWS), right = 0;
        for (size_t i = 0; i < ROWS; i++) {
            char *field = at;
            at += i == wild ? below(LONGEST + 1) : make_digits(at, LONGEST);
            for (char *c = field; i == wild && c < at; c++)
                *c = "0123456789.-"[below(12)];
            expected[i] = NAN;
            if (right == i &&
                (at == field || number_parse(field, (size_t)(at - field), &expected[i])))
                right++;
            at += sprintf(at, ",\n");
        }
        struct csv_reader reader;
        struct csv_plain plain;
        size_t size = (size_t)(at - text);
        csv_reader_start(&reader, NULL, text, size, NULL, (struct csv_scratch){0});
        assert_true(csv_plain_open(&plain, 2, size));
        csv_plain_find(&plain, &reader, ROWS);
        assert_int_equal(csv_plain_numbers(&plain, 0, 0, at, numbers), right);
        assert_memory_equal(numbers, expected, right * sizeof *numbers);
        csv_plain_close(&plain);
    }
}

static void the_first_error_is_told(void **unused)
{
    (void)unused;
    char text[64 * 16] = "";
    for (size_t row = 0; row < 40; row++)
        strcat(text, row == 33 ? "1,x,3\n" : row == 21 ? "1,2,1.2.3\n" : "1,2,3\n");
    double numbers[3][64];
    struct csv_column columns[] = {
        {.type = CSV_NUMBER, .field = 0, .numbers = numbers[0]},
        {.type = CSV_NUMBER, .field = 1, .numbers = numbers[1]},
        {.type = CSV_NUMBER, .field = 2, .numbers = numbers[2]},
    };
    struct csv_columns *reader = csv_columns_open(columns, 3, NULL, NULL);
    struct lathe_error error;
    const char *at = text;
    size_t rows;
    assert_false(csv_columns_read(reader, &at, text + strlen(text), 64, &rows, &error));
    assert_int_equal(rows, 21);
    assert_string_equal(error.message,
                        "line 22, column 3: found \"1.2.3\", expected a number or nothing");
    csv_columns_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_tables),
        cmocka_unit_test(every_way_finds_the_same),
        cmocka_unit_test(records_of_all_widths),
        cmocka_unit_test(numbers_of_all_lengths),
        cmocka_unit_test(what_is_no_number_is_left_to_the_caller),
        cmocka_unit_test(the_first_error_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
