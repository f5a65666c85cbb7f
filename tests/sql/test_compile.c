/* Statements compiled against a catalog of one table. */
#include "sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct sql_type BIGINT = {.kind = SQL_BIGINT};
static const struct sql_type TEXT = {.kind = SQL_VARCHAR, .precision = SQL_UNBOUNDED};
static const struct sql_column COLUMNS[] = {{"a", &BIGINT, false}, {"year", &TEXT, true}};

static bool find(void *data, const char *catalog, const char *schema, const char *table,
                 struct sql_table *found, struct sql_error *error)
{
    (void)data, (void)catalog, (void)error;
    *found = (struct sql_table){.columns = COLUMNS, .count = 2};
    return strcmp(schema, "default") == 0 && strcmp(table, "t") == 0;
}

static bool has_schema(void *data, const char *catalog, const char *schema)
{
    (void)data, (void)catalog;
    return strcmp(schema, "default") == 0;
}

static const struct sql_catalog CATALOG = {
    .find = find, .has_schema = has_schema, .name = "awsdatacatalog", .schema = "default"};

static struct sql_statement *compiled(const char *text)
{
    struct sql_error error;
    struct sql_statement *statement = sql_compile(text, &CATALOG, &error);
    if (!statement)
        fail_msg("%s: %s", error.name, error.message);
    return statement;
}

static void refused(const char *text, const char *name, int column, const char *message)
{
    struct sql_error error;
    assert_null(sql_compile(text, &CATALOG, &error));
    assert_string_equal(error.name, name);
    assert_string_equal(error.message, message);
    assert_int_equal(error.column, column);
}

static void test_select(void **state)
{
    (void)state;
    struct sql_statement *statement = compiled("SELECT 1, 'x' AS b");
    assert_int_equal(statement->kind, SQL_SELECT);
    assert_int_equal(statement->count, 2);
    assert_string_equal(statement->columns[0].name, "_col0");
    assert_int_equal(statement->columns[0].type->kind, SQL_INTEGER);
    assert_string_equal(statement->columns[1].name, "b");
    assert_int_equal(statement->columns[1].type->precision, 1);
    sql_statement_free(statement);
}

static void test_references(void **state)
{
    (void)state;
    struct sql_statement *statement =
        compiled("SELECT a, count(*) FROM t WHERE year = '2024' AND a > 5 GROUP BY a ORDER BY 2");
    assert_int_equal(statement->reference_count, 1);
    const struct sql_reference *table = &statement->references[0];
    assert_string_equal(table->relation, "r1");
    assert_true(table->used[0] && table->used[1]);
    assert_string_equal(table->partition_filter, "((\"year\" = '2024'::VARCHAR))");
    assert_int_equal(table->equals, 1);
    assert_string_equal(table->equal[0].column, "year");
    assert_string_equal(table->equal[0].value, "2024");
    assert_true(statement->ordered);
    sql_statement_free(statement);
}

static void test_errors(void **state)
{
    (void)state;
    refused("SELECT x FROM t", "COLUMN_NOT_FOUND", 8, "Column 'x' cannot be resolved");
    refused("SELECT * FROM u", "TABLE_NOT_FOUND", 15,
            "Table 'awsdatacatalog.default.u' does not exist");
    refused("SELECT a, year FROM t GROUP BY a", "EXPRESSION_NOT_AGGREGATE", 11,
            "'year' must be an aggregate expression or appear in GROUP BY clause");
    refused("SELECT 1 + true", "TYPE_MISMATCH", 10, "Cannot apply operator: integer + boolean");
    refused("SELECT 1 FROM", "SYNTAX_ERROR", 14,
            "mismatched input '<EOF>'. Expecting: '(', 'JSON_TABLE', 'LATERAL', 'TABLE', "
            "'UNNEST', <identifier>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
