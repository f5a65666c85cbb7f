/* The odd texts of odd/ through the record reader, the columns and the matrix, against
 * odd/table.txt (which tests/parse/test_csv_odd.py holds against Python's csv module and DuckDB).
 */
#include "csv/columns.h"
#include "csv/matrix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 8192, FIELDS = 16 };

/* A file's bytes with none behind them, so that the sanitizer sees a read past the end. */
static char *read_file(const char *name, const char *ending, size_t *size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/odd/%s%s", TEST_FOLDER, name, ending);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing", path);
    char *bytes = malloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return realloc(bytes, *size ? *size : 1);
}

struct dump {
    char text[ROOM];
    size_t used;
};

static void print(struct dump *dump, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    dump->used += (size_t)vsnprintf(dump->text + dump->used, ROOM - dump->used, format, arguments);
    va_end(arguments);
    assert_true(dump->used < ROOM);
}

/* As Python's json.dumps writes it. */
static void print_field(struct dump *dump, const struct csv_text *field)
{
    print(dump, "\"");
    for (uint32_t i = 0; i < field->size; i++) {
        char c = field->bytes[i];
        const char *at = c ? strchr("\"\"\\\\\nn\rr\tt", c) : NULL;
        if (at && (c == '"' || c == '\\'))
            print(dump, "\\%c", c);
        else if (at && c < 0x20)
            print(dump, "\\%c", at[1]);
        else if ((unsigned char)c < 0x20)
            print(dump, "\\u%04x", c);
        else
            print(dump, "%c", c);
    }
    print(dump, "\"");
}

static void print_record(struct dump *dump, const struct csv_text *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print(dump, i ? ", " : "[");
        print_field(dump, &fields[i]);
    }
    print(dump, "]\n");
}

static void dump_records(struct dump *dump, const char *text, size_t size,
                         const struct csv_dialect *dialect)
{
    struct csv_text fields[FIELDS];
    size_t count;
    struct lathe_error error;
    struct csv_reader reader;
    char *memory = malloc(size ? size : 1);
    csv_reader_start(&reader, NULL, text, size, dialect, (struct csv_scratch){memory, size, 0});
    enum csv_step step;
    while ((step = csv_reader_next(&reader, fields, FIELDS, &count, &error)) == CSV_RECORD)
        print_record(dump, fields, count);
    if (step == CSV_FAILED)
        print(dump, "refused %s\n", error.message);
    free(memory);
}

/* The same by columns of text, a record at a time and piece by piece as a stream would be; the
 * columns' rows are as wide as the first record, so ragged texts are left out. */
static void dump_columns(struct dump *dump, const char *text, size_t size,
                         const struct csv_dialect *dialect, size_t width)
{
    struct csv_text fields[FIELDS];
    struct csv_column columns[FIELDS];
    for (size_t i = 0; i < width; i++)
        columns[i] = (struct csv_column){.type = CSV_TEXT, .field = i, .texts = &fields[i]};
    struct csv_columns_options options = {.dialect = *dialect};
    struct lathe_error error;
    struct csv_columns *reader = csv_columns_open(columns, width, &options, &error);
    assert_non_null(reader);
    const char *at = text, *end = text + csv_whole_records(text, size, dialect);
    for (;;) {
        size_t rows;
        bool read = csv_columns_read(reader, &at, end, 1, &rows, &error);
        if (rows) {
            for (size_t i = 0; i < width; i++)
                if (!fields[i].bytes)
                    fields[i].bytes = "";
            print_record(dump, fields, width);
        }
        if (!read)
            print(dump, "refused %s\n", error.message);
        if (!read || (!rows && end == text + size))
            break;
        if (!rows)
            end = text + size; /* what follows the last whole record */
    }
    csv_columns_close(reader);
}

static void dump_matrix(struct dump *dump, const char *text, size_t size, char delimiter)
{
    struct csv_matrix matrix = {0};
    struct lathe_error error;
    struct csv_options options = {.delimiter = delimiter};
    bool read = csv_matrix_append(&matrix, text, size, &options, &error);
    for (size_t i = 0; i < matrix.rows * matrix.columns; i++)
        print(dump, "%s%g%s", i % matrix.columns ? ", " : "[", (double)matrix.values[i],
              i % matrix.columns == matrix.columns - 1 ? "]\n" : "");
    if (!read)
        print(dump, "refused %s\n", error.message);
    csv_matrix_clear(&matrix);
}

/* A line "refused X" is met by an error that starts with X. */
static void expect_dump(const char *name, const char *reader, const char *expected,
                        const struct dump *dump)
{
    const char *refused = strstr(expected, "refused ");
    size_t same = strlen(expected);
    if (refused)
        same--; /* the line end */
    if ((refused ? strncmp(dump->text, expected, same) : strcmp(dump->text, expected)) != 0)
        fail_msg("%s, by the %s:\n%sexpected:\n%s", name, reader, dump->text, expected);
}

struct odd {
    char name[64];
    char delimiter, escape;
    char records[ROOM], matrix[ROOM];
    bool has_matrix;
};

static void check(const struct odd *odd)
{
    size_t size;
    char *text = read_file(odd->name, ".csv", &size);
    struct csv_dialect dialect = {.delimiter = odd->delimiter, .escape = odd->escape, .utf8 = true};
    struct dump dump = {0};
    dump_records(&dump, text, size, &dialect);
    expect_dump(odd->name, "record reader", odd->records, &dump);

    size_t width = 0;
    for (const char *at = odd->records; *at == '[' && *at != '\n'; at++)
        for (width = 1; *at != '\n'; at++)
            width += !strncmp(at, "\", \"", 4);
    if (width && strcmp(odd->name, "ragged") != 0 && strcmp(odd->name, "empty_fields") != 0) {
        dump = (struct dump){0};
        dump_columns(&dump, text, size, &dialect, width);
        expect_dump(odd->name, "columns", odd->records, &dump);
    }
    if (odd->has_matrix) {
        dump = (struct dump){0};
        dump_matrix(&dump, text, size, odd->delimiter);
        expect_dump(odd->name, "matrix", odd->matrix, &dump);
    }
    free(text);
}

static void parse_case(struct odd *odd, const char *line)
{
    *odd = (struct odd){.delimiter = ','};
    sscanf(line, "case %63s", odd->name);
    const char *delimiter = strstr(line, "delimiter="), *escape = strstr(line, "escape=");
    if (delimiter)
        odd->delimiter = strncmp(delimiter + 10, "tab", 3) ? delimiter[10] : '\t';
    if (escape)
        odd->escape = escape[7];
}

static void every_odd_text(void **unused)
{
    (void)unused;
    size_t size, count = 0;
    char *table = read_file("table", ".txt", &size);
    table = realloc(table, size + 1);
    table[size] = '\0';
    static struct odd odd;
    bool open = false;
    for (char *line = strtok(table, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strncmp(line, "case ", 5)) {
            if (open)
                check(&odd);
            open = true;
            count++;
            parse_case(&odd, line);
        } else if (!strcmp(line, "matrix")) {
            odd.has_matrix = true;
        } else if (*line == '[' || !strncmp(line, "refused ", 8)) {
            strcat(odd.has_matrix ? odd.matrix : odd.records, line);
            strcat(odd.has_matrix ? odd.matrix : odd.records, "\n");
        }
    }
    assert_true(open);
    check(&odd);
    assert_true(count > 40);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_odd_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
