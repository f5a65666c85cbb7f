/* Trino's errors of syntax, and what statements say of themselves. Expected texts are those that
 * Trino's parser documents by its grammar: what could have stood where the text stops being one. */
#include "sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sql_statement *parsed(const char *text)
{
    struct sql_error error;
    struct sql_statement *statement = sql_parse(text, &error);
    if (!statement)
        fail_msg("%s: %s", text, error.message);
    return statement;
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
        const char *message;
    } CASES[] = {
        {"SELECT", 1, 7,
         "mismatched input '<EOF>'. Expecting: '*', 'ALL', 'DISTINCT', <expression>"},
        {"SELECT a FROM t ORDER a", 1, 23, "mismatched input 'a'. Expecting: 'BY'"},
        {"SELECT a FROM t LIMIT 1, 2", 1, 24, "mismatched input ','. Expecting: <EOF>"},
        {"SELECT 1,\n  2 +\nFROM t", 3, 1, "mismatched input 'FROM'. Expecting: <expression>"},
        {"SELECT 1; SELECT 2", 1, 9,
         "mismatched input ';'. Expecting: '%', '*', '+', ',', '-', '.', '/', 'AND', 'AS', 'AT', "
         "'EXCEPT', 'FETCH', 'FROM', 'GROUP', 'HAVING', 'INTERSECT', 'LIMIT', 'OFFSET', 'OR', "
         "'ORDER', 'UNION', 'WHERE', 'WINDOW', '[', '||', <EOF>, <identifier>, <predicate>"},
        {"SELECT 1 AS;", 1, 12, "mismatched input '<EOF>'. Expecting: <identifier>"},
        {"SELECT 1 AS select", 1, 13, "mismatched input 'select'. Expecting: <identifier>"},
        {"SELECT a b c FROM t", 1, 12,
         "mismatched input 'c'. Expecting: ',', 'EXCEPT', 'FETCH', 'FROM', 'GROUP', 'HAVING', "
         "'INTERSECT', 'LIMIT', 'OFFSET', 'ORDER', 'UNION', 'WHERE', 'WINDOW', <EOF>"},
        {"SELECT 'abc", 1, 8,
         "mismatched input '''. Expecting: '*', 'ALL', 'DISTINCT', <expression>"},
        {"SELECT 1abc", 1, 8,
         "identifiers must not start with a digit; surround the identifier with double quotes"},
        {"SELECT `a`", 1, 8,
         "backquoted identifiers are not supported; use double quotes to quote identifiers"},
        {"SELECT U&'\\00'", 1, 8, "Incomplete escape sequence: 00"},
        {"SELECT X'0'", 1, 8, "Binary literal must contain an even number of digits"},
        {"SELECT if(true)", 1, 8, "Invalid number of arguments for 'if' function"},
        {"CREATE TABLE t", 1, 15,
         "mismatched input '<EOF>'. Expecting: '(', '.', 'AS', 'COMMENT', 'WITH'"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct sql_error error;
        assert_null(sql_parse(CASES[i].text, &error));
        assert_string_equal(error.name, "SYNTAX_ERROR");
        assert_string_equal(error.message, CASES[i].message);
        assert_int_equal(error.line, CASES[i].line);
        assert_int_equal(error.column, CASES[i].column);
    }
}

static void test_create_table_as(void **state)
{
    (void)state;
    struct sql_statement *statement =
        parsed("CREATE TABLE IF NOT EXISTS Db.T WITH (format = 'PARQUET', bucket_count = 4, "
               "partitioned_by = ARRAY['y', 'm']) AS SELECT 1 a WITH NO DATA");
    assert_int_equal(statement->kind, SQL_CREATE_TABLE_AS);
    assert_string_equal(statement->target_schema, "db");
    assert_string_equal(statement->target, "t");
    assert_true(statement->if_not_exists && statement->with_no_data);
    assert_int_equal(statement->property_count, 3);
    assert_string_equal(statement->properties[0].text, "PARQUET");
    assert_string_equal(statement->properties[1].text, "4");
    assert_int_equal(statement->properties[2].count, 2);
    assert_string_equal(statement->properties[2].items[1], "m");
    sql_statement_free(statement);
}

static void test_prepared(void **state)
{
    (void)state;
    struct sql_statement *statement = parsed("PREPARE p FROM SELECT ? + ?");
    assert_int_equal(statement->kind, SQL_PREPARE);
    assert_string_equal(statement->target, "p");
    assert_string_equal(statement->source, "SELECT ? + ?");
    sql_statement_free(statement);
    statement = parsed("EXECUTE p USING 1, 'it''s'");
    assert_int_equal(statement->kind, SQL_EXECUTE);
    assert_int_equal(statement->argument_count, 2);
    assert_string_equal(statement->arguments[1], "'it''s'");
    sql_statement_free(statement);
}

static void test_unload(void **state)
{
    (void)state;
    struct sql_statement *statement =
        parsed("UNLOAD (SELECT 1) TO 's3://b/k/' WITH (format = 'JSON')");
    assert_int_equal(statement->kind, SQL_UNLOAD);
    assert_string_equal(statement->location, "s3://b/k/");
    assert_string_equal(statement->properties[0].name, "format");
    sql_statement_free(statement);
}

/* Deep and long texts end, and in time that grows with them. */
static void test_deep(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    static const char *const PIECES[] = {"(",  "-",      "NOT ", "CASE WHEN ",
                                         "a[", "ARRAY[", "1+",   "(SELECT "};
    for (size_t i = 0; i < sizeof PIECES / sizeof *PIECES; i++) {
        size_t size = strlen(PIECES[i]), count = DEEP / size;
        char *text = malloc(count * size + 8);
        strcpy(text, "SELECT ");
        for (size_t j = 0; j < count; j++)
            memcpy(text + 7 + j * size, PIECES[i], size + 1);
        struct sql_error error;
        assert_null(sql_parse(text, &error));
        assert_string_equal(error.name, "SYNTAX_ERROR");
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_create_table_as),
        cmocka_unit_test(test_prepared), cmocka_unit_test(test_unload),
        cmocka_unit_test(test_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
