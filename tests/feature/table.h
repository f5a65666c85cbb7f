/* table.h: columns of rows as the test files have them, {"name", "type", "values"}, and what the
 * tests of this folder do with them. Types: number, integer, text, vector (values are lists). */
#ifndef TESTS_FEATURE_TABLE_H
#define TESTS_FEATURE_TABLE_H

#include "feature/json.h"
#include "feature/pipeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct table {
    struct arena arena;
    struct feature_column *columns;
    size_t column_count, value_count, rows;
    struct feature_batch batch;
};

/* null and "NaN" are NaN. */
static inline double table_number(const struct json *json)
{
    if (json->kind == JSON_NUMBER)
        return json->number;
    if (json->kind == JSON_STRING && strcmp(json->string, "Infinity") == 0)
        return INFINITY;
    if (json->kind == JSON_STRING && strcmp(json->string, "-Infinity") == 0)
        return -INFINITY;
    return NAN;
}

static inline void table_column(struct table *table, const struct json *column,
                                struct feature_column *out, union feature_values *values)
{
    const char *type = json_member(column, "type")->string;
    const struct json *rows = json_member(column, "values");
    bool text = strcmp(type, "text") == 0, vector = strcmp(type, "vector") == 0;
    *out = (struct feature_column){json_member(column, "name")->string,
                                   text                           ? FEATURE_TEXT
                                   : strcmp(type, "integer") == 0 ? FEATURE_INTEGER
                                                                  : FEATURE_NUMBER,
                                   vector, vector && rows->first ? rows->first->size : 1};
    table->rows = rows->size;
    struct csv_text *texts = arena_take(&table->arena, rows->size, sizeof *texts);
    for (size_t e = 0; e < out->width; e++) {
        double *numbers = arena_take(&table->arena, rows->size, sizeof *numbers);
        size_t row = 0;
        for (const struct json *value = rows->first; value; value = value->next, row++) {
            const struct json *element = vector ? value->first : value;
            for (size_t i = 0; i < e; i++)
                element = element->next;
            numbers[row] = table_number(element);
            if (text && value->kind == JSON_STRING)
                texts[row] = text_of(value->string, value->size);
        }
        if (text)
            values[e].texts = texts;
        else
            values[e].numbers = numbers;
    }
}

/* The JSON must live as long as the table; it may be the table's own arena's. */
static inline void table_open(struct table *table, const struct json *columns)
{
    size_t values = 0;
    table->column_count = columns->size;
    table->columns = arena_take(&table->arena, columns->size, sizeof *table->columns);
    union feature_values *all = arena_take(&table->arena, columns->size + 10000, sizeof *all);
    size_t at = 0;
    for (const struct json *column = columns->first; column; column = column->next, at++) {
        table_column(table, column, &table->columns[at], all + values);
        values += table->columns[at].width;
    }
    table->value_count = values;
    table->batch = (struct feature_batch){.rows = table->rows, .first_row = 1, .values = all};
}

static inline void table_close(struct table *table)
{
    arena_free(&table->arena);
}

static inline char *table_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    rewind(file);
    char *bytes = malloc((size_t)length + 1);
    *size = fread(bytes, 1, (size_t)length, file);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

/* The same double, whichever NaN it is; `units` last places may be lost. Where
 * it is 0, -0.0 is not 0.0. */
static inline bool table_equal(double a, double b, unsigned units)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    if (a == b)
        return units || signbit(a) == signbit(b);
    for (unsigned i = 0; i < units; i++)
        a = nextafter(a, b);
    return a == b;
}

/* Whether one value is the JSON's; says so where it is not. */
static inline bool table_value_matches(const struct feature_column *column,
                                       union feature_values values, size_t row,
                                       const struct json *expected, unsigned units)
{
    if (!expected) {
        printf("column %s, row %zu: a value too many\n", column->name, row);
        return false;
    }
    if (column->type != FEATURE_TEXT) {
        double number = table_number(expected);
        if (table_equal(values.numbers[row], number, units))
            return true;
        printf("column %s, row %zu: %.17g, not %.17g\n", column->name, row, values.numbers[row],
               number);
        return false;
    }
    struct csv_text text = values.texts[row];
    bool null = expected->kind == JSON_NULL;
    if (null ? !text.bytes
             : text.bytes && text.size == expected->size &&
                   memcmp(text.bytes, expected->string, text.size) == 0)
        return true;
    printf("column %s, row %zu: \"%.*s\", not \"%s\"\n", column->name, row, (int)text.size,
           text.bytes ? text.bytes : "(null)", null ? "(null)" : expected->string);
    return false;
}

/* Whether the result's rows, less those skipped, are the JSON's, column by column. */
static inline bool table_matches(const struct plan *plan, const struct feature_result *result,
                                 size_t rows, const struct json *columns, unsigned units)
{
    size_t count;
    const struct feature_column *outputs = plan_outputs(plan, &count);
    const union feature_values *values = result->values;
    if (columns->size != count)
        return false;
    const struct json *column = columns->first;
    for (size_t c = 0; c < count; values += outputs[c].width, c++, column = column->next) {
        const struct json *value = json_member(column, "values")->first;
        for (size_t row = 0; row < rows; row++) {
            if (result->skipped && result->skipped[row])
                continue;
            const struct json *element = value && outputs[c].vector ? value->first : value;
            if (value && outputs[c].vector && value->size != outputs[c].width) {
                printf("column %s has %zu elements, not %zu\n", outputs[c].name, outputs[c].width,
                       value->size);
                return false;
            }
            for (size_t e = 0; e < outputs[c].width; e++, element = element->next)
                if (!table_value_matches(&outputs[c], values[e], row, element, units))
                    return false;
            value = value ? value->next : NULL;
        }
        if (value) {
            printf("column %s: rows are missing\n", outputs[c].name);
            return false;
        }
    }
    return true;
}

#endif
