/* csv_matrix_append: values against strtod, errors by the place and text they name. What Python's
 * csv and DuckDB say of odd texts is in test_odd.c and tests/parse/test_csv_odd.py. */
#include "csv/matrix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Appends a copy without a byte behind it, so that the sanitizer sees a read past the end. */
static bool append(struct csv_matrix *matrix, const char *text, const struct csv_options *options,
                   struct lathe_error *error)
{
    size_t size = strlen(text);
    char *copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    bool done = csv_matrix_append(matrix, copy, size, options, error);
    free(copy);
    return done;
}

static void expect_values(const char *text, char delimiter, size_t rows, size_t columns,
                          const float *values)
{
    struct csv_matrix matrix = {0};
    struct lathe_error error = {0};
    struct csv_options options = {.delimiter = delimiter};
    if (!append(&matrix, text, &options, &error))
        fail_msg("'%s': %s", text, error.message);
    if (matrix.rows != rows || matrix.columns != columns)
        fail_msg("'%s': %zu x %zu", text, matrix.rows, matrix.columns);
    for (size_t i = 0; i < rows * columns; i++)
        if (isnan(values[i]) ? !isnan(matrix.values[i]) : matrix.values[i] != values[i])
            fail_msg("'%s': value %zu is %g", text, i, (double)matrix.values[i]);
    csv_matrix_clear(&matrix);
}

static void expect_refused(const char *text, const char *place, const char *what)
{
    struct csv_matrix matrix = {0};
    struct lathe_error error = {0};
    struct csv_options options = {.name = "train.csv"};
    if (append(&matrix, text, &options, &error))
        fail_msg("'%s' was accepted", text);
    if (strncmp(error.message, place, strlen(place)) != 0 || !strstr(error.message, what))
        fail_msg("'%s': %s", text, error.message);
    assert_int_equal(error.code, LATHE_INVALID_DATA);
    assert_int_equal(matrix.rows, 0);
    assert_int_equal(matrix.columns, 0);
    csv_matrix_clear(&matrix);
}

static void reads_what_people_write(void **unused)
{
    (void)unused;
    const float two[] = {1, 2, 3, 4};
    expect_values("1,2\n3,4\n", 0, 2, 2, two);
    expect_values("1,2\n3,4", 0, 2, 2, two);
    expect_values("1,2\r\n3,4\r\n", 0, 2, 2, two);
    expect_values("1,2\r3,4\r", 0, 2, 2, two);
    expect_values("\xef\xbb\xbf"
                  "1,2\n3,4\n",
                  0, 2, 2, two);
    expect_values("1\t2\n3\t4\n", 0, 2, 2, two);
    expect_values("1;2\n3;4\n", 0, 2, 2, two);
    expect_values("1 2\n3 4\n", 0, 2, 2, two);
    expect_values("1|2\n3|4\n", 0, 2, 2, two);
    expect_values("1|2\n3|4\n", '|', 2, 2, two);
    expect_values(" 1 ,\t2\n3  , 4 \n", 0, 2, 2, two);
    expect_values("\"1\",\"2\"\n\"3\",\" 4 \"\n", 0, 2, 2, two);
    expect_values("\n\n1,2\n\n\r\n3,4\n\n\n", 0, 2, 2, two);
    expect_values("1\n2\n3\n4", 0, 4, 1, two);
    expect_values("", 0, 0, 0, NULL);
    expect_values("\n\r\n", 0, 0, 0, NULL);
    expect_values("\xef\xbb\xbf", 0, 0, 0, NULL);
    const float odd[] = {NAN, 1, NAN, INFINITY, -INFINITY, NAN, NAN, NAN, NAN};
    expect_values(",1,\ninf,-Infinity,NaN\n\"\", ,\n", 0, 3, 3, odd);
    const float forms[] = {-0.5f, 100000, 1e-10f, 5};
    expect_values("-.5,1e5,1E-10,+5.", 0, 1, 4, forms);
}

static void names_where_and_what(void **unused)
{
    (void)unused;
    expect_refused("1,2\n3,x\n", "train.csv, line 2, column 2: ", "found \"x\", expected a number");
    expect_refused("1,2\n\n\n3,4x\n", "train.csv, line 4, column 2: ", "\"4x\"");
    expect_refused("1,2\r\n3,4\r\n5\r\n",
                   "train.csv, line 3, column 1: ", "found 1 field in this row, expected 2");
    expect_refused("1,2\n3,4,5,6\n",
                   "train.csv, line 2, column 3: ", "found 4 fields in this row, expected 2");
    expect_refused("age,income\n1,2\n", "train.csv, line 1, column 1: ", "looks like a header");
    expect_refused("\xef\xbb\xbf\"age\",\"in\"\"come\"\n1,2\n",
                   "train.csv, line 1, column 1: ", "looks like a header");
    expect_refused("1,income\n1,2\n", "train.csv, line 1, column 2: ",
                   "found \"income\", expected a number or nothing");
    expect_refused("1,2\n\"3,4\n5,6\n", "train.csv, line 2, column 1: ", "never closed");
    expect_refused("1,2\n\"3\"x,4\n", "train.csv, line 2, column 1: ", "after the closing quote");
    expect_refused("1,2\n0x10,4\n", "train.csv, line 2, column 1: ", "\"0x10\"");
    expect_refused("1,2\n3,\"1\n2\"\n", "train.csv, line 2, column 2: ", "\"1\\x0a2\"");
    expect_refused("1,2\n3,1,5\n", "train.csv, line 2, column 3: ", "found 3 fields");
    expect_refused("1,2\n3,\xff\n", "train.csv, line 2, column 2: ", "\"\\xff\"");
}

static void zero_bytes_are_not_numbers(void **unused)
{
    (void)unused;
    struct csv_matrix matrix = {0};
    struct lathe_error error;
    assert_false(csv_matrix_append(&matrix, "1,2\n3,\0\n", 8, NULL, &error));
    assert_non_null(strstr(error.message, "line 2, column 2: found \"\\x00\""));
    csv_matrix_clear(&matrix);
}

static void keeps_what_it_had(void **unused)
{
    (void)unused;
    struct csv_matrix matrix = {0};
    struct lathe_error error;
    struct csv_options options = {.name = "b.csv"};
    assert_true(append(&matrix, "1,2\n3,4\n", NULL, &error));
    assert_false(append(&matrix, "5,6\n7,x\n", &options, &error));
    assert_false(append(&matrix, "5,6,7\n", &options, &error));
    assert_non_null(strstr(error.message, "b.csv, line 1, column 3: found 3 fields"));
    assert_true(append(&matrix, "5,6\n", NULL, &error));
    assert_int_equal(matrix.rows, 3);
    for (size_t i = 0; i < 6; i++)
        assert_true(matrix.values[i] == (float)(i + 1));
    options.max_rows = 1;
    assert_false(append(&matrix, "7,8\n9,10\n", &options, &error));
    assert_int_equal(error.code, LATHE_LIMIT);
    assert_non_null(strstr(error.message, "limit of 1"));
    assert_int_equal(matrix.rows, 3);
    csv_matrix_clear(&matrix);
}

/* A text long enough to be cut, with blank lines in it, and the values strtod gives it. */
static char *long_text(size_t rows, size_t columns, float *values)
{
    char *text = malloc(rows * columns * 32), *at = text;
    uint64_t state = 7;
    for (size_t i = 0; i < rows * columns; i++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        double value = (double)(int64_t)state / 1e17;
        char *start = at;
        at += sprintf(at, "%.*f", (int)(state >> 60), value);
        values[i] = (float)strtod(start, NULL);
        if ((state >> 40 & 1023) == 0) {
            values[i] = NAN;
            at = start;
        }
        bool last = i % columns == columns - 1;
        *at++ = last ? '\n' : ',';
        if (last && (state >> 50 & 63) == 0)
            *at++ = '\n';
    }
    *at = '\0';
    return text;
}

static void a_long_text_and_its_pieces_agree(void **unused)
{
    (void)unused;
    const size_t rows = 20000, columns = 7;
    float *values = malloc(rows * columns * sizeof *values);
    char *text = long_text(rows, columns, values);
    struct lathe_error error;
    struct csv_matrix matrix = {0};
    assert_true(append(&matrix, text, NULL, &error));
    assert_true(append(&matrix, text, NULL, &error));
    assert_int_equal(matrix.rows, 2 * rows);
    for (size_t i = 0; i < 2 * rows * columns; i++) {
        float expected = values[i % (rows * columns)];
        if (isnan(expected) ? !isnan(matrix.values[i]) : matrix.values[i] != expected)
            fail_msg("value %zu", i);
    }

    /* An error has the same place in the text and in what is left of it behind some lines. */
    char whole[512];
    char *wrong = strchr(text + strlen(text) / 2, '.'), *piece = strchr(wrong - 300, '\n') + 1;
    *wrong = 'x';
    size_t line = 1;
    for (const char *at = text; at < piece; at++)
        line += *at == '\n';
    assert_false(append(&matrix, text, NULL, &error));
    strcpy(whole, error.message);
    struct csv_options options = {.inside = true, .first_line = line};
    assert_false(append(&matrix, piece, &options, &error));
    assert_string_equal(error.message, whole);
    assert_int_equal(matrix.rows, 2 * rows);
    csv_matrix_clear(&matrix);
    free(text);
    free(values);
}

static void a_byte_order_mark_inside_a_file_is_none(void **unused)
{
    (void)unused;
    struct csv_matrix matrix = {0};
    struct lathe_error error;
    assert_true(append(&matrix,
                       "\xef\xbb\xbf"
                       "1\n",
                       NULL, &error));
    assert_false(append(&matrix,
                        "\xef\xbb\xbf"
                        "1\n",
                        &(struct csv_options){.inside = true}, &error));
    csv_matrix_clear(&matrix);
}

static void empty_lines_ask_for_no_memory(void **unused)
{
    (void)unused;
    size_t size = 1 << 20;
    char *text = malloc(size);
    memset(text, '\n', size);
    memcpy(text, "1,2,3,4,5,6,7,8,9,10", 20);
    struct csv_matrix matrix = {0};
    assert_true(csv_matrix_append(&matrix, text, size, NULL, NULL));
    assert_int_equal(matrix.rows, 1);
    assert_int_equal(matrix.columns, 10);
    assert_true(matrix.capacity <= size + 10);
    csv_matrix_clear(&matrix);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_people_write),
        cmocka_unit_test(names_where_and_what),
        cmocka_unit_test(zero_bytes_are_not_numbers),
        cmocka_unit_test(keeps_what_it_had),
        cmocka_unit_test(a_long_text_and_its_pieces_agree),
        cmocka_unit_test(a_byte_order_mark_inside_a_file_is_none),
        cmocka_unit_test(empty_lines_ask_for_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
