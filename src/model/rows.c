#include "model/rows.h"

#include "parse/fail.h"

#include <math.h>
#include <stdlib.h>

/* Truths are read as texts, and put into numbers afterwards. */
static bool reads_text(enum schema_type type)
{
    return type == SCHEMA_STRING || type == SCHEMA_BOOLEAN;
}

static size_t bytes_of(enum schema_type type, size_t rows)
{
    return rows * ((reads_text(type) ? sizeof(struct csv_text) : 0) +
                   (type != SCHEMA_STRING ? sizeof(double) : 0));
}

static void add_column(struct row_columns *columns, const struct schema_column *from, size_t field,
                       size_t rows, char *memory)
{
    columns->types[columns->count] = from->type;
    struct csv_column *column = &columns->columns[columns->count++];
    *column = (struct csv_column){.name = from->name, .type = CSV_NUMBER, .field = field};
    if (reads_text(from->type)) {
        column->type = CSV_TEXT;
        column->texts = (struct csv_text *)memory;
        columns->values[field].texts = column->texts;
        memory += rows * sizeof *column->texts;
    }
    if (from->type != SCHEMA_STRING) {
        column->numbers = (double *)memory;
        columns->values[field].numbers = column->numbers;
    }
}

bool row_columns_open(struct row_columns *columns, const struct schema *schema,
                      const struct plan *plan, size_t rows, struct lathe_error *error)
{
    size_t width = schema->width, values = 0;
    for (size_t i = 0; i < schema->count; i++)
        if (plan_reads(plan, i))
            values += schema->columns[i].width * bytes_of(schema->columns[i].type, rows);
    *columns = (struct row_columns){.schema = schema};
    size_t tables =
        width * (2 * sizeof *columns->values + sizeof *columns->columns + sizeof *columns->types);
    char *memory = malloc(values + tables + sizeof(double));
    if (!memory)
        return fail(error, LATHE_NO_MEMORY, "no memory for %zu rows of %zu values", rows, width);
    columns->memory = memory;
    columns->values = (union feature_values *)(memory + values);
    columns->shifted = columns->values + width;
    columns->columns = (struct csv_column *)(columns->shifted + width);
    columns->types = (enum schema_type *)(columns->columns + width);
    size_t field = 0;
    for (size_t i = 0; i < schema->count; i++)
        for (size_t k = 0; k < schema->columns[i].width; k++, field++) {
            columns->values[field].numbers = NULL;
            if (!plan_reads(plan, i))
                continue;
            add_column(columns, &schema->columns[i], field, rows, memory);
            memory += bytes_of(schema->columns[i].type, rows);
        }
    return true;
}

void row_columns_close(struct row_columns *columns)
{
    free(columns->memory);
}

static bool is_word(const struct csv_text *text, const char *word)
{
    if (text->size != strlen(word))
        return false;
    for (size_t i = 0; i < text->size; i++)
        if ((text->bytes[i] | 0x20) != word[i])
            return false;
    return true;
}

static bool take_truth(const struct csv_column *column, size_t row, size_t number,
                       struct lathe_error *error)
{
    const struct csv_text *text = &column->texts[row];
    column->numbers[row] = NAN;
    if (!text->bytes || !text->size)
        return true;
    bool one = text->size == 1 && text->bytes[0] == '1';
    bool zero = text->size == 1 && text->bytes[0] == '0';
    if (!one && !zero && !is_word(text, "true") && !is_word(text, "false"))
        return fail(error, LATHE_INVALID_DATA,
                    "row %zu, column %zu (%.80s): found \"%.*s\", expected true or false", number,
                    column->field + 1, column->name, (int)(text->size < 40 ? text->size : 40),
                    text->bytes);
    column->numbers[row] = one || is_word(text, "true");
    return true;
}

static bool take_whole(const struct csv_column *column, enum schema_type type, size_t row,
                       size_t number, struct lathe_error *error)
{
    double value = column->numbers[row];
    if (isnan(value) || value == floor(value))
        return true;
    return fail(error, LATHE_INVALID_DATA,
                "row %zu, column %zu (%.80s): found %.17g, expected a whole number, as the schema "
                "says %s",
                number, column->field + 1, column->name, value, schema_type_name(type));
}

bool row_columns_finish(struct row_columns *columns, size_t rows, size_t first_row,
                        struct lathe_error *error)
{
    for (size_t i = 0; i < columns->count; i++) {
        const struct csv_column *column = &columns->columns[i];
        enum schema_type type = columns->types[i];
        if (type == SCHEMA_DOUBLE || type == SCHEMA_STRING)
            continue;
        for (size_t row = 0; row < rows; row++) {
            if (type == SCHEMA_FLOAT)
                column->numbers[row] = (double)(float)column->numbers[row];
            else if (type == SCHEMA_BOOLEAN
                         ? !take_truth(column, row, first_row + row, error)
                         : !take_whole(column, type, row, first_row + row, error))
                return false;
        }
    }
    return true;
}

struct batch row_columns_batch(struct row_columns *columns, size_t from, size_t rows)
{
    struct batch batch = {.rows = rows, .width = columns->schema->width};
    batch.columns = columns->values;
    if (from) {
        memcpy(columns->shifted, columns->values, batch.width * sizeof *columns->values);
        for (size_t i = 0; i < columns->count; i++) {
            const struct csv_column *column = &columns->columns[i];
            if (columns->types[i] == SCHEMA_STRING)
                columns->shifted[column->field].texts = column->texts + from;
            else
                columns->shifted[column->field].numbers = column->numbers + from;
        }
        batch.columns = columns->shifted;
    }
    return batch;
}
