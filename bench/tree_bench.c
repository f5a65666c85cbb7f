/* tree_bench MODEL ROWS COLUMNS [LIBXGBOOST...]: how fast a model file is opened and predicted, by
 * every path of the forest and by XGBoost libraries in this same process, one thread each.
 *
 * ROWS is a file of native float32, row-major. Rounds are interleaved (every contender once a
 * round) and medians printed, one line each:
 *
 *     open lathe 7.1 ms              batch avx512 95.2 ns a row     row best 0.41 us
 *     open xgboost-3.2.0 22.0 ms     batch xgboost-3.2.0 1065.0 ns a row ...
 *
 * Margins of all contenders are compared first; a difference is an error. */
#include "tree/forest.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 9, MOST_PEERS = 4, ROW_CALLS = 2000 };

struct xgboost {
    char name[64];
    void *booster;
    int (*create)(const void *const *, uint64_t, void **);
    int (*set)(void *, const char *, const char *);
    int (*load)(void *, const void *, uint64_t);
    int (*release)(void *);
    int (*predict)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *,
                   const float **);
    const char *(*error)(void);
};

struct input {
    const void *model;
    size_t model_size;
    const float *rows;
    size_t count, columns;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *need(void *pointer, const char *what)
{
    if (!pointer) {
        fprintf(stderr, "tree_bench: %s\n", what);
        exit(2);
    }
    return pointer;
}

static void *read_file(const char *path, size_t *size)
{
    FILE *file = need(fopen(path, "rb"), path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    void *bytes = need(malloc(*size + 1), "no memory");
    *size = fread(bytes, 1, *size, file);
    fclose(file);
    return bytes;
}

/* A function of the library, by way of memcpy: C has no cast from object to function pointer. */
static void find(void *library, const char *name, void *function)
{
    void *found = need(dlsym(library, name), name);
    memcpy(function, &found, sizeof found);
}

static void xgboost_check(const struct xgboost *peer, int status)
{
    if (status != 0) {
        fprintf(stderr, "%s: %s\n", peer->name, peer->error());
        exit(2);
    }
}

static void xgboost_open(struct xgboost *peer, const struct input *input)
{
    xgboost_check(peer, peer->create(NULL, 0, &peer->booster));
    xgboost_check(peer, peer->set(peer->booster, "nthread", "1"));
    xgboost_check(peer, peer->load(peer->booster, input->model, input->model_size));
}

static void xgboost_find(struct xgboost *peer, const char *path)
{
    void *library = need(dlopen(path, RTLD_NOW | RTLD_LOCAL), path);
    void (*version)(int *, int *, int *);
    int major, minor, patch;
    find(library, "XGBoostVersion", &version);
    find(library, "XGBoosterCreate", &peer->create);
    find(library, "XGBoosterSetParam", &peer->set);
    find(library, "XGBoosterLoadModelFromBuffer", &peer->load);
    find(library, "XGBoosterFree", &peer->release);
    find(library, "XGBoosterPredictFromDense", &peer->predict);
    find(library, "XGBGetLastError", &peer->error);
    version(&major, &minor, &patch);
    snprintf(peer->name, sizeof peer->name, "xgboost-%d.%d.%d", major, minor, patch);
}

static const float *xgboost_predict(struct xgboost *peer, const float *rows, size_t count,
                                    size_t columns)
{
    char array[256];
    snprintf(array, sizeof array,
             "{\"data\":[%llu,true],\"shape\":[%zu,%zu],\"typestr\":\"<f4\",\"version\":3}",
             (unsigned long long)(uintptr_t)rows, count, columns);
    static const char config[] = "{\"type\":1,\"training\":false,\"iteration_begin\":0,"
                                 "\"iteration_end\":0,\"strict_shape\":false,\"missing\":NaN,"
                                 "\"cache_id\":0}";
    const uint64_t *shape;
    uint64_t dimensions;
    const float *result;
    xgboost_check(peer,
                  peer->predict(peer->booster, array, config, NULL, &shape, &dimensions, &result));
    return result;
}

/* ---- contenders ---- */

static const char *const path_names[] = {"best", "plain", "word", "avx2", "avx512"};
enum { PATHS = 5, CONTENDERS = PATHS + MOST_PEERS };

struct bench {
    struct input input;
    struct forest *forest;
    size_t outputs;
    struct xgboost peers[MOST_PEERS];
    size_t peer_count;
    float *out;
    double times[CONTENDERS][ROUNDS];
};

static const char *name_of(const struct bench *bench, size_t contender)
{
    return contender < PATHS ? path_names[contender] : bench->peers[contender - PATHS].name;
}

static bool takes_part(const struct bench *bench, size_t contender)
{
    return contender < PATHS ? forest_can(bench->forest, (enum forest_path)contender)
                             : contender - PATHS < bench->peer_count;
}

static const float *predict(struct bench *bench, size_t contender, const float *rows, size_t count)
{
    size_t columns = bench->input.columns;
    if (contender >= PATHS)
        return xgboost_predict(&bench->peers[contender - PATHS], rows, count, columns);
    forest_margins(bench->forest, (enum forest_path)contender, rows, count, columns, bench->out);
    return bench->out;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_medians(struct bench *bench, const char *what, double scale, const char *unit)
{
    for (size_t c = 0; c < CONTENDERS; c++) {
        if (!takes_part(bench, c))
            continue;
        qsort(bench->times[c], ROUNDS, sizeof(double), ascending);
        printf("%s %s %.2f %s\n", what, name_of(bench, c), bench->times[c][ROUNDS / 2] * scale,
               unit);
    }
}

static void compare(struct bench *bench)
{
    size_t values = bench->input.count * bench->outputs;
    float *expected = need(malloc((values + 1) * sizeof *expected), "no memory");
    forest_margins(bench->forest, FOREST_PLAIN, bench->input.rows, bench->input.count,
                   bench->input.columns, expected);
    for (size_t c = 0; c < CONTENDERS; c++) {
        if (!takes_part(bench, c))
            continue;
        const float *found = predict(bench, c, bench->input.rows, bench->input.count);
        if (memcmp(found, expected, values * sizeof *found) != 0) {
            fprintf(stderr, "tree_bench: %s differs from plain\n", name_of(bench, c));
            exit(1);
        }
    }
    free(expected);
}

static void time_batch(struct bench *bench)
{
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t c = 0; c < CONTENDERS; c++) {
            if (!takes_part(bench, c))
                continue;
            double start = now();
            predict(bench, c, bench->input.rows, bench->input.count);
            bench->times[c][round] = (now() - start) / (double)bench->input.count;
        }
    print_medians(bench, "batch", 1e9, "ns a row");
}

static void time_row(struct bench *bench)
{
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t c = 0; c < CONTENDERS; c++) {
            if (!takes_part(bench, c))
                continue;
            size_t calls = c < PATHS ? ROW_CALLS : ROW_CALLS / 10;
            double start = now();
            for (size_t i = 0; i < calls; i++) {
                size_t row = (round * 7919 + i * 31) % bench->input.count;
                predict(bench, c, bench->input.rows + row * bench->input.columns, 1);
            }
            bench->times[c][round] = (now() - start) / (double)calls;
        }
    print_medians(bench, "row", 1e6, "us");
}

static void time_open(struct bench *bench)
{
    for (size_t round = 0; round < ROUNDS; round++) {
        double start = now();
        struct forest *forest = forest_open(bench->input.model, bench->input.model_size, NULL);
        bench->times[0][round] = now() - start;
        forest_close(forest);
        for (size_t p = 0; p < bench->peer_count; p++) {
            struct xgboost peer = bench->peers[p];
            start = now();
            xgboost_open(&peer, &bench->input);
            bench->times[PATHS + p][round] = now() - start;
            peer.release(peer.booster);
        }
    }
    for (size_t c = 0; c < PATHS + bench->peer_count; c += c ? 1 : PATHS) {
        qsort(bench->times[c], ROUNDS, sizeof(double), ascending);
        printf("open %s %.2f ms\n", c ? name_of(bench, c) : "lathe",
               bench->times[c][ROUNDS / 2] * 1e3);
    }
}

int main(int count, char **arguments)
{
    static struct bench bench;
    if (count < 4) {
        fprintf(stderr, "usage: tree_bench MODEL ROWS COLUMNS [LIBXGBOOST...]\n");
        return 2;
    }
    setenv("OMP_NUM_THREADS", "1", 1);
    size_t size;
    bench.input.model = read_file(arguments[1], &bench.input.model_size);
    bench.input.rows = read_file(arguments[2], &size);
    bench.input.columns = strtoul(arguments[3], NULL, 10);
    need(bench.input.columns ? &bench : NULL, "COLUMNS is a number above 0");
    bench.input.count = size / sizeof(float) / bench.input.columns;
    struct lathe_error error;
    bench.forest = forest_open(bench.input.model, bench.input.model_size, &error);
    need(bench.forest, error.message);
    bench.outputs = forest_describe(bench.forest)->outputs;
    need(forest_describe(bench.forest)->features <= bench.input.columns ? &bench : NULL,
         "the model has more features than COLUMNS");
    bench.out = need(malloc((bench.input.count * bench.outputs + 1) * sizeof(float)), "no memory");
    for (int i = 4; i < count && bench.peer_count < MOST_PEERS; i++) {
        xgboost_find(&bench.peers[bench.peer_count], arguments[i]);
        xgboost_open(&bench.peers[bench.peer_count++], &bench.input);
    }
    compare(&bench);
    time_open(&bench);
    time_batch(&bench);
    time_row(&bench);
    forest_close(bench.forest);
    return 0;
}
