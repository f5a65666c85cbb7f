/* csv_bench time|answers ROWS.csv ARTIFACT...: CSV text to predictions by liblathe, on one thread.
 *
 * ROWS has a header. `time` prints the seconds from opening the file to the answers' text, the
 * median of several passes, the first one not counted; the artifacts are opened before. `answers`
 * writes that text, a line a row. */
#include "lathe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PASSES = 5 };

struct text {
    char *bytes;
    size_t size, capacity;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void fail(const char *what, const char *reason)
{
    fprintf(stderr, "csv_bench: %s: %s\n", what, reason);
    exit(2);
}

/* The whole file, into memory that is kept from one pass to the next. */
static void read_file(const char *path, struct text *text)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path, "cannot be read");
    setvbuf(file, NULL, _IONBF, 0);
    fseek(file, 0, SEEK_END);
    text->size = (size_t)ftell(file);
    rewind(file);
    if (text->size > text->capacity) {
        text->bytes = realloc(text->bytes, text->size);
        text->capacity = text->size;
    }
    if (!text->bytes || fread(text->bytes, 1, text->size, file) != text->size)
        fail(path, "cannot be read whole");
    fclose(file);
}

static double pass(const struct lathe_predictor *predictor, const char *path, struct text *rows,
                   struct lathe_text *answer)
{
    struct lathe_error error;
    double start = now();
    read_file(path, rows);
    if (!lathe_predict_text(predictor, LATHE_CSV_HEADER, rows->bytes, rows->size, LATHE_CSV_LINES,
                            answer, &error))
        fail(path, error.message);
    return now() - start;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments)
{
    if (count < 4) {
        fprintf(stderr, "usage: csv_bench time|answers ROWS.csv ARTIFACT...\n");
        return 2;
    }
    struct lathe_error error;
    struct lathe_predictor *predictor =
        lathe_predictor_open_files((const char *const *)arguments + 3, (size_t)count - 3, &error);
    if (!predictor)
        fail(arguments[3], error.message);
    struct text rows = {0};
    struct lathe_text answer = {0};
    pass(predictor, arguments[2], &rows, &answer);
    if (strcmp(arguments[1], "answers") == 0) {
        fwrite(answer.bytes, 1, answer.size, stdout);
    } else {
        double seconds[PASSES];
        for (size_t i = 0; i < PASSES; i++)
            seconds[i] = pass(predictor, arguments[2], &rows, &answer);
        qsort(seconds, PASSES, sizeof(double), ascending);
        printf("%.9g\n", seconds[PASSES / 2]);
    }
    lathe_text_clear(&answer);
    lathe_predictor_close(predictor);
    free(rows.bytes);
    return 0;
}
