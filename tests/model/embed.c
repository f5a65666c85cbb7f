/* An application that embeds liblathe: asks for everything that lathe.h offers, from several
 * threads that share one predictor, and prints it for a test to hold against others.
 *
 *     embed THREADS ROWS.csv ARTIFACT...
 *
 * Rows are CSV without a header and without quotes; an empty field is missing. Prints a line a row:
 * what was asked, then values as %a. */
#include <lathe.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

struct bytes {
    char *bytes;
    size_t size;
};

static struct bytes read_file(const char *path)
{
    struct bytes read = {0};
    FILE *file = fopen(path, "rb");
    CHECK(file && fseek(file, 0, SEEK_END) == 0);
    read.size = (size_t)ftell(file);
    read.bytes = malloc(read.size + 1);
    rewind(file);
    CHECK(read.bytes && fread(read.bytes, 1, read.size, file) == read.size);
    fclose(file);
    return read;
}

/* ---- rows as arrays ---- */

struct table {
    size_t rows, columns;
    struct lathe_values *values; /* by column */
    double *numbers;             /* all of them, by column */
    struct lathe_string *texts;
    unsigned char *missing;
};

static void put_field(struct table *table, size_t at, const char *text, size_t size)
{
    table->missing[at] = size == 0;
    table->texts[at] = (struct lathe_string){text, size};
    /* What is under a mask must not matter. */
    table->numbers[at] = size ? strtod(text, NULL) : 1e30;
}

static struct table table_read(const struct lathe_predictor *predictor, struct bytes csv)
{
    struct table table = {0};
    const struct lathe_column *columns = lathe_predictor_columns(predictor, &table.columns);
    for (size_t i = 0; i < csv.size; i++)
        table.rows += csv.bytes[i] == '\n';
    size_t count = table.rows * table.columns;
    table.values = calloc(table.columns, sizeof *table.values);
    table.numbers = calloc(count, sizeof *table.numbers);
    table.texts = calloc(count, sizeof *table.texts);
    table.missing = calloc(count, 1);
    CHECK(table.values && table.numbers && table.texts && table.missing);
    const char *at = csv.bytes;
    for (size_t row = 0; row < table.rows; row++)
        for (size_t i = 0; i < table.columns; i++) {
            size_t size = strcspn(at, i + 1 < table.columns ? "," : "\n");
            put_field(&table, i * table.rows + row, at, size);
            at += size + 1;
        }
    for (size_t i = 0; i < table.columns; i++) {
        if (strcmp(columns[i].type, "string") == 0)
            table.values[i].texts = table.texts + i * table.rows;
        else
            table.values[i].numbers = table.numbers + i * table.rows;
        table.values[i].missing = table.missing + i * table.rows;
    }
    return table;
}

static void table_clear(struct table *table)
{
    free(table->values);
    free(table->numbers);
    free(table->texts);
    free(table->missing);
}

/* ---- all that can be asked ---- */

enum { ANSWERS = 7 };
static const char *const NAMES[ANSWERS] = {
    [LATHE_PREDICTION] = "prediction",
    [LATHE_MARGIN] = "margin",
    [LATHE_LEAVES] = "leaves",
    [LATHE_CONTRIBUTIONS] = "contributions",
    [LATHE_INTERACTIONS] = "interactions",
    [LATHE_PROBABILITIES] = "probabilities",
    [LATHE_LABELS] = "labels",
};

struct answers {
    double *values[ANSWERS]; /* NULL where the predictor has none */
    size_t width[ANSWERS];
    struct lathe_string *texts;
    struct lathe_text csv, json, description, code;
};

static void ask_values(const struct lathe_predictor *predictor, const struct table *table,
                       enum lathe_answer what, struct answers *answers)
{
    struct lathe_error error;
    size_t width = lathe_answer_width(predictor, what);
    double *out = malloc((table->rows * width + 1) * sizeof *out);
    CHECK(out);
    if (!lathe_predict_values(predictor, what, table->values, table->rows, out, &error)) {
        CHECK(error.code == LATHE_UNSUPPORTED && *error.message);
        free(out);
        return;
    }
    /* One row at a time is the same. */
    double *one = malloc((width + 1) * sizeof *one);
    struct lathe_values *row = calloc(table->columns, sizeof *row);
    CHECK(one && row);
    for (size_t r = 0; r < table->rows && r < 20; r++) {
        for (size_t i = 0; i < table->columns; i++) {
            const struct lathe_values *all = &table->values[i];
            row[i].numbers = all->numbers ? all->numbers + r : NULL;
            row[i].texts = all->texts ? all->texts + r : NULL;
            row[i].missing = all->missing + r;
        }
        CHECK(lathe_predict_values(predictor, what, row, 1, one, &error));
        CHECK(memcmp(one, out + r * width, width * sizeof *one) == 0);
    }
    free(one);
    free(row);
    answers->values[what] = out;
    answers->width[what] = width;
}

/* Rows of floats are answered as those of columns are. */
static void check_floats(const struct lathe_predictor *predictor, const struct table *table,
                         enum lathe_answer what, const struct answers *answers)
{
    struct lathe_error error;
    size_t stride = table->columns + 3, count = table->rows;
    float *rows = malloc(count * stride * sizeof *rows);
    size_t outputs = lathe_predictor_outputs(predictor), width = answers->width[what];
    float *out = malloc((count * (width > outputs ? width : outputs) + 1) * sizeof *out);
    CHECK(rows && out);
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < stride; i++) {
            size_t at = i * count + row;
            bool given = i < table->columns && !table->missing[at];
            rows[row * stride + i] = given ? (float)table->numbers[at] : NAN;
        }
    if (lathe_predict_floats(predictor, what, rows, count, stride, out, &error))
        for (size_t i = 0; i < count * width; i++)
            CHECK((double)out[i] == answers->values[what][i]);
    else
        CHECK(error.code == LATHE_UNSUPPORTED);
    free(rows);
    free(out);
}

static struct answers ask(const struct lathe_predictor *predictor, const struct table *table,
                          struct bytes csv)
{
    struct lathe_error error;
    struct answers answers = {0};
    for (int what = 0; what < ANSWERS; what++)
        ask_values(predictor, table, (enum lathe_answer)what, &answers);
    for (int what = 0; what < ANSWERS; what++)
        check_floats(predictor, table, (enum lathe_answer)what, &answers);
    answers.texts = calloc(table->rows + 1, sizeof *answers.texts);
    CHECK(answers.texts);
    if (!lathe_predict_texts(predictor, table->values, table->rows, answers.texts, &error)) {
        CHECK(error.code == LATHE_UNSUPPORTED);
        free(answers.texts);
        answers.texts = NULL;
    }
    CHECK(!answers.texts == !!answers.values[LATHE_PREDICTION]);
    CHECK(lathe_predict_text(predictor, LATHE_ROWS_CSV, csv.bytes, csv.size,
                             LATHE_ANSWERS_CSV_TABLE, &answers.csv, &error));
    CHECK(lathe_predict_text(predictor, LATHE_ROWS_CSV, csv.bytes, csv.size, LATHE_ANSWERS_JSON,
                             &answers.json, &error));
    CHECK(lathe_describe(predictor, &answers.description, &error));
    if (!lathe_export_c(predictor, "answer", &answers.code, &error))
        CHECK(error.code == LATHE_UNSUPPORTED && *error.message);
    return answers;
}

static bool same_text(const struct lathe_text *a, const struct lathe_text *b)
{
    return a->size == b->size && (!a->size || memcmp(a->bytes, b->bytes, a->size) == 0);
}

static void check_same(const struct answers *a, const struct answers *b, size_t rows)
{
    for (int what = 0; what < ANSWERS; what++) {
        CHECK(!a->values[what] == !b->values[what]);
        if (a->values[what])
            CHECK(memcmp(a->values[what], b->values[what],
                         rows * a->width[what] * sizeof(double)) == 0);
    }
    for (size_t row = 0; a->texts && row < rows; row++)
        CHECK(a->texts[row].size == b->texts[row].size &&
              (!a->texts[row].bytes ||
               memcmp(a->texts[row].bytes, b->texts[row].bytes, a->texts[row].size) == 0));
    CHECK(same_text(&a->csv, &b->csv) && same_text(&a->json, &b->json));
    CHECK(same_text(&a->description, &b->description) && same_text(&a->code, &b->code));
}

static void answers_clear(struct answers *answers)
{
    for (int what = 0; what < ANSWERS; what++)
        free(answers->values[what]);
    free(answers->texts);
    lathe_text_clear(&answers->csv);
    lathe_text_clear(&answers->json);
    lathe_text_clear(&answers->description);
    lathe_text_clear(&answers->code);
}

/* ---- errors ---- */

static void check_errors(const struct lathe_predictor *predictor)
{
    struct lathe_error error = {0};
    struct lathe_text answer = {0};
    CHECK(
        !lathe_predict_text(predictor, LATHE_ROWS_CSV, "", 0, LATHE_ANSWERS_CSV, &answer, &error));
    CHECK(error.code == LATHE_INVALID_DATA);
    CHECK(!lathe_predict_text(predictor, LATHE_ROWS_JSON, "[[", 2, LATHE_ANSWERS_CSV, &answer,
                              &error));
    CHECK(error.code == LATHE_INVALID_DATA);
    CHECK(!lathe_predict_text(predictor, LATHE_ROWS_CSV, "1\n", 2, (enum lathe_answer_format)99,
                              &answer, &error));
    CHECK(error.code == LATHE_UNSUPPORTED);
    lathe_text_clear(&answer);

    const struct lathe_artifact none = {"none", "", 0, NULL};
    CHECK(!lathe_predictor_open(&none, 1, &error) && error.code == LATHE_INVALID_MODEL);
    CHECK(!lathe_predictor_open(&none, 0, &error) && error.code == LATHE_UNSUPPORTED);
    const char *nowhere = "/nowhere/at/all";
    CHECK(!lathe_predictor_open_files(&nowhere, 1, &error) && error.code == LATHE_IO);
    lathe_predictor_close(NULL);
}

/* The first half of each artifact is none. */
static void check_cut(const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes whole = read_file(paths[i]);
        char *half = malloc(whole.size / 2);
        struct lathe_error error;
        CHECK(half);
        memcpy(half, whole.bytes, whole.size / 2);
        const struct lathe_artifact artifact = {paths[i], half, whole.size / 2, NULL};
        CHECK(!lathe_predictor_open(&artifact, 1, &error));
        CHECK(error.code == LATHE_INVALID_MODEL && strstr(error.message, paths[i]));
        free(half);
        free(whole.bytes);
    }
}

/* The same from memory that is gone once the predictor is open. */
static struct lathe_predictor *open_memory(const char *const *paths, size_t count)
{
    struct lathe_artifact artifacts[15];
    struct lathe_error error;
    for (size_t i = 0; i < count; i++) {
        struct bytes read = read_file(paths[i]);
        artifacts[i] = (struct lathe_artifact){paths[i], read.bytes, read.size, NULL};
    }
    struct lathe_predictor *predictor = lathe_predictor_open(artifacts, count, &error);
    for (size_t i = 0; i < count; i++)
        free((void *)artifacts[i].bytes);
    CHECK(predictor);
    return predictor;
}

/* ---- several threads, one predictor ---- */

struct share {
    const struct lathe_predictor *predictor;
    const struct table *table;
    struct bytes csv;
    const struct answers *expected;
};

static void *work(void *of)
{
    const struct share *share = of;
    for (int round = 0; round < 3; round++) {
        struct answers answers = ask(share->predictor, share->table, share->csv);
        check_same(&answers, share->expected, share->table->rows);
        answers_clear(&answers);
        check_errors(share->predictor);
    }
    return NULL;
}

static void print(const struct answers *answers, size_t rows)
{
    for (int what = 0; what < ANSWERS; what++)
        for (size_t row = 0; answers->values[what] && row < rows; row++) {
            printf("%s", NAMES[what]);
            for (size_t i = 0; i < answers->width[what]; i++)
                printf(" %a", answers->values[what][row * answers->width[what] + i]);
            printf("\n");
        }
    for (size_t row = 0; answers->texts && row < rows; row++)
        printf("text %.*s\n", (int)answers->texts[row].size,
               answers->texts[row].bytes ? answers->texts[row].bytes : "");
}

int main(int argc, char **argv)
{
    enum { MOST_THREADS = 16 };
    CHECK(argc > 3);
    size_t threads = strtoul(argv[1], NULL, 10), count = (size_t)argc - 3;
    const char *const *paths = (const char *const *)argv + 3;
    CHECK(threads <= MOST_THREADS);
    struct lathe_error error;
    struct lathe_predictor *predictor = lathe_predictor_open_files(paths, count, &error);
    if (!predictor) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    struct bytes csv = read_file(argv[2]);
    struct table table = table_read(predictor, csv);
    struct answers answers = ask(predictor, &table, csv);
    struct lathe_predictor *same = open_memory(paths, count);
    const struct share share = {same, &table, csv, &answers};
    pthread_t ids[MOST_THREADS];
    for (size_t i = 0; i < threads; i++)
        CHECK(pthread_create(&ids[i], NULL, work, (void *)&share) == 0);
    for (size_t i = 0; i < threads; i++)
        CHECK(pthread_join(ids[i], NULL) == 0);
    check_cut(paths, count);
    print(&answers, table.rows);
    answers_clear(&answers);
    table_clear(&table);
    lathe_predictor_close(same);
    lathe_predictor_close(predictor);
    free(csv.bytes);
    return 0;
}
