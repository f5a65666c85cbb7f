/* Any text as a statement: it is parsed and compiled, or refused with a name and a place in it; a
 * second time gives the same. */
#include "sql/sql.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct sql_type BIGINT = {.kind = SQL_BIGINT};
static const struct sql_type TEXT = {.kind = SQL_VARCHAR, .precision = SQL_UNBOUNDED};
static const struct sql_column COLUMNS[] = {{"a", &BIGINT, false}, {"b", &TEXT, true}};

/* Every name of one letter is a table. */
static bool find(void *data, const char *catalog, const char *schema, const char *table,
                 struct sql_table *found, struct sql_error *error)
{
    (void)data, (void)catalog, (void)schema, (void)error;
    *found = (struct sql_table){.columns = COLUMNS, .count = 2};
    return strlen(table) == 1;
}

static void check(const struct sql_statement *statement, const struct sql_error *error)
{
    if (!statement && (!*error->name || !*error->message || error->line < 0))
        abort();
}

/* As many parameters as the text has question marks, up to those that there are. */
static void compile_once(const char *text, struct sql_error *error)
{
    static const char *const PARAMETERS[] = {"1", "'x'", "DATE '2024-01-01'"};
    struct sql_catalog catalog = {
        .find = find, .name = "awsdatacatalog", .schema = "default", .parameters = PARAMETERS};
    struct sql_statement *statement = sql_parse(text, error);
    check(statement, error);
    if (!statement)
        return;
    catalog.parameter_count = statement->parameter_count < 3 ? statement->parameter_count : 3;
    sql_statement_free(statement);
    statement = sql_compile(text, &catalog, error);
    check(statement, error);
    sql_statement_free(statement);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    struct sql_error first, second;
    if (!text)
        return 0;
    memcpy(text, bytes, size);
    text[size] = 0;
    compile_once(text, &first);
    compile_once(text, &second);
    if (strcmp(first.name, second.name) != 0 || strcmp(first.message, second.message) != 0)
        abort();
    free(text);
    return 0;
}
