/* libsvm.h: rows.libsvm as rows.expected has it (which is what XGBoost's own reader makes of it:
 * tests/parse/test_libsvm_peer.py), what only we accept, and errors by place and text. */
#include "csv/libsvm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool append(struct libsvm_rows *rows, const char *text, const struct libsvm_options *options,
                   struct lathe_error *error)
{
    size_t size = strlen(text);
    char *copy = malloc(size ? size : 1); /* so that the sanitizer sees a read past the end */
    memcpy(copy, text, size);
    bool done = libsvm_append(rows, copy, size, options, error);
    free(copy);
    return done;
}

static void read_file(const char *path, char *out, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    out[fread(out, 1, room - 1, file)] = '\0';
    fclose(file);
}

static void as_xgboost_reads_them(void **unused)
{
    (void)unused;
    char text[2048], expected[2048], found[2048] = "";
    read_file(TEST_FOLDER "/rows.libsvm", text, sizeof text);
    read_file(TEST_FOLDER "/rows.expected", expected, sizeof expected);
    struct libsvm_rows rows = {0};
    assert_true(append(&rows, text, NULL, NULL));
    for (size_t r = 0; r < rows.rows; r++) {
        sprintf(found + strlen(found), "%g %g", (double)rows.labels[r], (double)rows.weights[r]);
        for (size_t i = rows.starts[r]; i < rows.starts[r + 1]; i++)
            sprintf(found + strlen(found), " %u:%g", (unsigned)rows.indices[i],
                    (double)rows.values[i]);
        strcat(found, "\n");
    }
    assert_string_equal(found, expected);
    assert_true(rows.has_weights && !rows.has_queries);
    assert_int_equal(rows.lowest, 0);
    assert_int_equal(rows.highest, 10);
    libsvm_clear(&rows);
}

/* XGBoost makes a row of a line with only a comment, but no label for it. */
static void lines_of_comments_are_no_rows(void **unused)
{
    (void)unused;
    struct libsvm_rows rows = {0};
    assert_true(append(&rows, "# 1 1:1\n \t\n1 2:3 1:2#4:5\n  # 2:2\n", NULL, NULL));
    assert_int_equal(rows.rows, 1);
    assert_int_equal(rows.starts[1], 2);
    assert_int_equal(rows.indices[0], 2);
    assert_true(rows.values[1] == 2);
    libsvm_clear(&rows);
}

static void queries_and_growth(void **unused)
{
    (void)unused;
    struct libsvm_rows rows = {0};
    assert_true(append(&rows, "", NULL, NULL));
    for (int i = 0; i < 100; i++)
        assert_true(append(&rows, "1 qid:7 1:1 2:2\n2 qid:8 3:3\n", NULL, NULL));
    assert_int_equal(rows.rows, 200);
    assert_int_equal(rows.starts[200], 300);
    assert_true(rows.has_queries && !rows.has_weights);
    assert_int_equal(rows.queries[198], 7);
    assert_int_equal(rows.queries[199], 8);
    assert_int_equal(rows.lowest, 1);
    assert_int_equal(rows.highest, 3);
    assert_int_equal(rows.indices[299], 3);
    float last[8];
    for (int i = 0; i < 8; i++)
        last[i] = NAN;
    libsvm_scatter(&rows, 198, 2, 4, last);
    assert_true(last[1] == 1 && last[2] == 2 && isnan(last[3]) && isnan(last[4]) && last[7] == 3);
    libsvm_gather(&rows, 198, 2, 4, last);
    for (int i = 0; i < 8; i++)
        assert_true(isnan(last[i]));
    libsvm_clear(&rows);
}

static void rows_to_predict_need_no_label(void **unused)
{
    (void)unused;
    struct libsvm_rows rows = {0};
    struct libsvm_options options = {.labels_optional = true};
    assert_true(append(&rows, "0:1 1:2\n5 0:3\n1:4", &options, NULL));
    assert_int_equal(rows.rows, 3);
    assert_true(isnan(rows.labels[0]) && rows.labels[1] == 5 && isnan(rows.labels[2]));
    assert_int_equal(rows.starts[1], 2);
    assert_int_equal(rows.starts[3], 4);
    assert_true(rows.indices[3] == 1 && rows.values[3] == 4);
    libsvm_clear(&rows);
}

static void names_where_and_what(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"x 1:1", "f, line 1, column 1: found \"x\", expected a label"},
        {"1 1:1\n1  2:x 3:1", "f, line 2, column 4: found \"2:x\", expected index:value"},
        {"1 1:1\n\n1 2\n", "f, line 3, column 3: found \"2\", expected index:value"},
        {"1 1:", "column 3: found \"1:\", expected index:value"},
        {"1 -1:1", "column 3: found \"-1:1\""},
        {"1 2147483648:1", "column 3: found \"2147483648:1\""},
        {"1 99999999999999999999999:1", "column 3: found \"99999999999999999999999:1\""},
        {"1:-2 1:1", "column 1: found \"1:-2\", expected a weight"},
        {"1:nan 1:1", "expected a weight"},
        {"1:2:3 1:1", "column 1: found \"1:2:3\", expected a label"},
        {"1 1:1 1:2", "column 7: found \"1:2\", expected another index"},
        {"1 qid:1 1:1\n1 1:1", "line 2, column 3: found \"1:1\", expected qid:N"},
        {"1 1:1\n1 qid:1 1:1", "line 2, column 3: found \"qid:1\", expected no qid"},
        {"1 qid:1\n1", "line 2, column 2: found \"\", expected qid:N"},
        {"1 qid:x", "column 3: found \"qid:x\""},
        {"1,2,3", "column 1: found \"1,2,3\", expected a label"},
        {"1 1:1,2:1", "column 3: found \"1:1,2:1\""},
        {"1 1:0x1", "column 3: found \"1:0x1\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct libsvm_rows rows = {0};
        struct libsvm_options options = {.name = "f"};
        struct lathe_error error;
        if (append(&rows, cases[i].text, &options, &error))
            fail_msg("'%s' was accepted", cases[i].text);
        if (!strstr(error.message, cases[i].message))
            fail_msg("'%s': %s", cases[i].text, error.message);
        assert_int_equal(error.code, LATHE_INVALID_DATA);
        assert_int_equal(rows.rows, 0);
        libsvm_clear(&rows);
    }
}

static void keeps_what_it_had(void **unused)
{
    (void)unused;
    struct libsvm_rows rows = {0};
    struct lathe_error error;
    struct libsvm_options options = {.max_rows = 2};
    assert_true(append(&rows, "1 1:1\n2 2:2\n", &options, NULL));
    assert_false(append(&rows, "1:2 3:3\n1 0:0\n4 4:4 y\n", NULL, &error));
    assert_false(append(&rows, "1 1:1\n2 2:2\n3 3:3\n", &options, &error));
    assert_int_equal(error.code, LATHE_LIMIT);
    assert_int_equal(rows.rows, 2);
    assert_int_equal(rows.lowest, 1);
    assert_int_equal(rows.highest, 2);
    assert_false(rows.has_weights);
    assert_true(append(&rows, "5 5:5\n", &options, NULL));
    assert_true(rows.labels[2] == 5 && rows.values[2] == 5);
    libsvm_clear(&rows);
}

static void pieces_join_to_the_whole(void **unused)
{
    (void)unused;
    struct libsvm_rows rows = {0}, piece = {0};
    struct lathe_error error;
    const struct libsvm_options next = {.inside = true, .first_line = 2, .queries = LIBSVM_QUERIES};
    assert_true(append(&rows, "1 qid:1 2:3\n", NULL, &error));
    assert_true(append(&piece, "0:2 qid:1\n0 qid:2 0:1 7:2\n", &next, &error));
    assert_true(libsvm_join(&rows, &piece, &error));
    assert_int_equal(rows.rows, 3);
    assert_int_equal(rows.starts[3], 3);
    assert_int_equal(rows.indices[1], 0);
    assert_int_equal(rows.queries[2], 2);
    assert_true(rows.has_weights && rows.has_queries);
    assert_int_equal(rows.lowest, 0);
    assert_int_equal(rows.highest, 7);
    libsvm_clear(&piece);
    assert_false(append(&piece, "0 1:2\n", &next, &error));
    assert_non_null(strstr(error.message, "line 2"));
    assert_non_null(strstr(error.message, "as in the rows before"));
    libsvm_clear(&piece);
    libsvm_clear(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_xgboost_reads_them),    cmocka_unit_test(lines_of_comments_are_no_rows),
        cmocka_unit_test(queries_and_growth),       cmocka_unit_test(rows_to_predict_need_no_label),
        cmocka_unit_test(names_where_and_what),     cmocka_unit_test(keeps_what_it_had),
        cmocka_unit_test(pieces_join_to_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
