/* csv_bench time|answers ROWS.csv ARTIFACT...: CSV text to predictions by liblathe, on one thread.
 *
 * ROWS has a header. `time` prints the seconds from opening the file to the answers' text, the
 * median of several passes, the first one not counted; the artifacts are opened before. `answers`
 * writes that text, a line a row. */
#define _GNU_SOURCE /* MAP_POPULATE */
#include "lathe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PASSES = 5 };

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

static double pass(const struct lathe_predictor *predictor, const char *path,
                   struct lathe_text *answer)
{
    struct lathe_error error;
    struct stat status;
    double start = now();
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &status) != 0)
        fail(path, strerror(errno));
    size_t size = (size_t)status.st_size;
    char *rows = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    close(file);
    if (rows == MAP_FAILED)
        fail(path, strerror(errno));
    if (!lathe_predict_text(predictor, LATHE_ROWS_CSV_HEADER, rows, size, LATHE_ANSWERS_CSV_LINES,
                            answer, &error))
        fail(path, error.message);
    munmap(rows, size);
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
    struct lathe_text answer = {0};
    pass(predictor, arguments[2], &answer);
    if (strcmp(arguments[1], "answers") == 0) {
        fwrite(answer.bytes, 1, answer.size, stdout);
    } else {
        double seconds[PASSES];
        for (size_t i = 0; i < PASSES; i++)
            seconds[i] = pass(predictor, arguments[2], &answer);
        qsort(seconds, PASSES, sizeof(double), ascending);
        printf("%.9g\n", seconds[PASSES / 2]);
    }
    lathe_text_clear(&answer);
    lathe_predictor_close(predictor);
    return 0;
}
