/* json_rows.h: the forms of a request, as the SageMaker containers document them. */
#include "csv/json_rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json_rows request(const char *text, bool lines, bool vectors)
{
    return (struct json_rows){
        .text = text, .size = strlen(text), .name = "body", .lines = lines, .vectors = vectors};
}

static void expect_matrix(const char *text, bool lines, bool vectors, const char *expected)
{
    struct json_rows from = request(text, lines, vectors);
    struct csv_matrix matrix = {0};
    struct lathe_error error = {0};
    char found[512] = "";
    if (!json_rows_matrix(&from, &matrix, &error))
        strcpy(found, error.message);
    for (size_t i = 0; i < matrix.rows * matrix.columns; i++)
        sprintf(found + strlen(found), "%g%s", (double)matrix.values[i],
                i % matrix.columns == matrix.columns - 1 ? ";" : " ");
    if (strcmp(found, expected) != 0)
        fail_msg("'%s': %s", text, found);
    csv_matrix_clear(&matrix);
}

static void every_form_into_a_matrix(void **unused)
{
    (void)unused;
    static const char *const same[] = {
        "[[1,2.5],[null,4]]",
        " {\"data\": [[1,2.5],[null,4]]} ",
        "{\"data\":[[\"1\",\" 2.5 \"],[\"\",4]]}",
        "{\"schema\":{\"input\":[{\"name\":\"a\"}]},\"data\":[[1,2.5],[NaN,4]],\"id\":[7]}",
        "{\"instances\":[{\"features\":[1,2.5]},{\"features\":[null,4]}]}",
        "{\"instances\":[[1,2.5],[null,4]]}",
        "[{\"features\":[1,2.5]},{\"data\":[null,4],\"id\":3}]",
        "\xef\xbb\xbf[[1,2.5],[null,4]]",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        expect_matrix(same[i], false, false, "1 2.5;nan 4;");
    static const char *const lines[] = {
        "[1,2.5]\n[null,4]\n",
        "[1,2.5]\r\n\r\n  \n[null,4]",
        "{\"data\":[1,2.5]}\n{\"data\":[null,4]}",
        "{\"features\":[1,2.5]}\n{\"features\":[null,4]}\n",
        "{\"data\":[[1,2.5],[null,4]]}\n",
        "{\"schema\":{},\"data\":[1,2.5]}\n[null,4]",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_matrix(lines[i], true, false, "1 2.5;nan 4;");
    expect_matrix("[true,false,-Infinity,1e400]", false, false, "1 0 -inf inf;");
    expect_matrix("{\"features\":[3]}", false, false, "3;");
    expect_matrix("[]", false, false, "");
    expect_matrix("{\"instances\":[]}", false, false, "");
    expect_matrix("{\"data\":[],\"a\":1}", false, false, "");
    expect_matrix("\n\n", true, false, "");
}

static void vectors_are_fields(void **unused)
{
    (void)unused;
    expect_matrix("{\"data\":[[1,2],3]}", false, true, "1 2 3;");
    expect_matrix("{\"data\":[1,[2,[3]]]}", false, true, "1 2 3;");
    expect_matrix("{\"data\":[[1,[2]],[3,[4]]]}\n", true, true, "1 2;3 4;");
    expect_matrix("{\"instances\":[[1,[2]],[3,[4]]]}", false, true, "1 2;3 4;");
}

static void names_where_and_what(void **unused)
{
    (void)unused;
    expect_matrix("[[1,2],[3]]", false, false,
                  "body: JSON, at byte 10 (line 1): row 2: found 1 values, expected 2");
    expect_matrix("[[1,2],\n[3,4,5]]", false, false,
                  "body: JSON, at byte 14 (line 2): row 2, column 3: expected only 2 values");
    expect_matrix(
        "[1,\"x\"]", false, false,
        "body: JSON, at byte 6 (line 1): row 1, column 2: found \"x\", expected a number");
    expect_matrix(
        "[1]\n[\"x\"]", true, false,
        "body, line 2: JSON, at byte 4 (line 1): row 2, column 1: found \"x\", expected a "
        "number");
    expect_matrix("[1,[2]]", false, false,
                  "body: JSON, at byte 4 (line 1): row 1, column 2: found an array, expected a "
                  "number, a text or null");
    expect_matrix(
        "[[1],2]", false, false,
        "body: JSON, at byte 6 (line 1): row 2: found a single value, expected an array or "
        "an object, as the rows before are");
    expect_matrix("7", false, false,
                  "body: JSON, at byte 1 (line 1): found a single value, expected rows in an array "
                  "or an object");
    expect_matrix("{\"rows\":[1]}", false, false,
                  "body: JSON, at byte 12 (line 1): row 1: found an object without \"data\", "
                  "\"instances\" or \"features\"");
    expect_matrix("[1,2", false, false, "body: JSON, at byte 4 (line 1): the text ends too early");
    expect_matrix("", false, false, "body: JSON, at byte 0 (line 1): the text ends too early");
    expect_matrix("[1] [2]", false, false,
                  "body: JSON, at byte 4 (line 1): text after the document");
}

static void a_matrix_keeps_what_it_had(void **unused)
{
    (void)unused;
    struct csv_matrix matrix = {0};
    struct json_rows good = request("[[1,2],[3,4]]", false, false);
    struct json_rows bad = request("[[5,6],[7]]", false, false);
    assert_true(json_rows_matrix(&good, &matrix, NULL));
    assert_false(json_rows_matrix(&bad, &matrix, NULL));
    assert_true(json_rows_matrix(&good, &matrix, NULL));
    assert_int_equal(matrix.rows, 4);
    assert_true(matrix.values[4] == 1 && matrix.values[7] == 4);
    csv_matrix_clear(&matrix);
}

enum { ROOM = 8 };

static void expect_columns(const char *text, bool lines, const char *expected)
{
    double speeds[ROOM];
    struct csv_text types[ROOM];
    struct csv_column columns[] = {
        {.name = "type", .type = CSV_TEXT, .field = 0, .texts = types},
        {.name = "speed", .type = CSV_NUMBER, .field = 1, .numbers = speeds}};
    struct json_rows from = request(text, lines, false);
    char memory[128], found[512] = "";
    struct csv_scratch scratch = {memory, sizeof memory, 0};
    struct lathe_error error = {0};
    size_t rows = 0;
    assert_true(json_rows_count(&from, &rows, NULL, &error));
    assert_true(rows <= ROOM);
    if (!json_rows_columns(&from, columns, 2, 2, rows, &scratch, &error))
        rows = 0;
    strcpy(found, error.message);
    for (size_t i = 0; i < rows; i++)
        sprintf(found + strlen(found), "%.*s %g;", types[i].bytes ? (int)types[i].size : 4,
                types[i].bytes ? types[i].bytes : "null", speeds[i]);
    if (strcmp(found, expected) != 0)
        fail_msg("'%s': %s", text, found);
}

static void every_form_into_columns(void **unused)
{
    (void)unused;
    expect_columns("[[\"L\",1],[\"M \\u00e9\\n\\\"\",2]]", false, "L 1;M \xc3\xa9\n\" 2;");
    expect_columns("{\"data\":[\"L\",1551]}", false, "L 1551;");
    expect_columns("{\"data\":[null,null]}", false, "null nan;");
    expect_columns("{\"data\":[1.50,\"7\"]}", false, "1.50 7;");
    expect_columns("[true,true]\n[\"\",false]", true, "true 1; 0;");
    expect_columns("{\"speed\":1551,\"type\":\"L\",\"other\":\"x\",\"more\":[1]}", false,
                   "L 1551;");
    expect_columns("{\"type\":\"L\"}\n{\"speed\":2}\n", true, "L nan;null 2;");
    expect_columns("{\"instances\":[{\"type\":\"L\",\"speed\":1},{\"features\":[\"M\",2]}]}", false,
                   "L 1;M 2;");
    expect_columns("{\"type\":\"L\",\"data\":[]}", false, "");
    expect_columns("{\"id\":1}", false,
                   "body: JSON, at byte 8 (line 1): row 1: found an object without \"data\", "
                   "\"instances\", \"features\" or a column's name");
    expect_columns("{\"speed\":\"fast\"}", false,
                   "body: JSON, at byte 15 (line 1): row 1, column 2: found \"fast\", expected a "
                   "number");
    expect_columns("[\"L\"]", false,
                   "body: JSON, at byte 5 (line 1): row 1: found 1 values, expected 2");
}

static void the_schema_of_a_request(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        bool lines;
        const char *schema;
    } cases[] = {
        {"{\"data\":[1],\"schema\":{\"a\":[1]}}", false, "{\"a\":[1]}"},
        {"{\"schema\":{\"a\":1},\"data\":[1]}\n{\"schema\":{},\"data\":[2]}", true, "{\"a\":1}"},
        {"{\"data\":[1]}", false, ""},
        {"[1]", false, ""},
        {"\n", true, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_rows from = request(cases[i].text, cases[i].lines, false);
        const char *schema;
        size_t size;
        assert_true(json_rows_schema(&from, &schema, &size, NULL));
        assert_int_equal(size, strlen(cases[i].schema));
        if (size)
            assert_memory_equal(schema, cases[i].schema, size);
    }
    struct json_rows from = request("{\"schema\":", false, false);
    const char *schema;
    size_t size;
    assert_false(json_rows_schema(&from, &schema, &size, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_into_a_matrix), cmocka_unit_test(vectors_are_fields),
        cmocka_unit_test(names_where_and_what),     cmocka_unit_test(a_matrix_keeps_what_it_had),
        cmocka_unit_test(every_form_into_columns),  cmocka_unit_test(the_schema_of_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
