/* tree_bench WHAT ENGINE MODEL [ROWS COLUMNS [THREADS]]: one engine's trees, called from C.
 *
 *     open       seconds to open the model file
 *     batch      seconds a row, all of ROWS in one call, on THREADS threads (default 1)
 *     explain    seconds a row for its contributions, all of ROWS in one call; of lathe and XGBoost
 *     row        seconds a call with one row, which is in a cache
 *     answers    the margins of ROWS, as native float32, for comparing engines
 *     shares     the contributions of ROWS, as native float32
 *     read       seconds a row only to read ROWS: what the memory allows
 *     path       the name of lathe's path that is taken
 *
 * ENGINE is `lathe`, `lathe:PATH` (plain, word, avx2, avx512 or neon: opened as on a CPU that has
 * no more than that), or one of these with the shared library that holds it: `xgboost:FILE` and
 * `lightgbm:FILE` (their C APIs), `tl2cgen:FILE` and `lleaves:FILE` (a compiled model; MODEL is not
 * looked at). ROWS is a file of native float32, row-major. A time is the median of several passes,
 * the first one not counted. */
#include "tree/forest.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_PASSES = 1000, LEAST_PASSES = 5, ROW_CALLS = 1000, MOST_THREADS = 256 };
static const double ENOUGH_SECONDS = 0.4;

/* What is timed. `predict` returns where the margins are: in `out`, or in memory of its own. */
struct engine {
    const char *library;
    void (*open)(struct engine *engine, const void *model, size_t size);
    const float *(*predict)(struct engine *engine, const float *rows, size_t count, float *out);
    void (*explain)(struct engine *engine, const float *rows, size_t count, float *out);
    void (*close)(struct engine *engine);
    bool own_threads; /* otherwise the rows are shared out here */
    size_t columns;
    unsigned threads;
    void *model;
    enum forest_path path;
    void *function;     /* of a compiled model */
    void *row;          /* LightGBM's prepared call for single rows, XGBoost's matrix */
    double *wide;       /* LightGBM answers in double precision */
    size_t wide_length; /* margins that `wide` has room for */
};

struct input {
    const void *model;
    size_t model_size;
    const float *rows;
    size_t count, columns;
    float *together; /* the rows of a pass of single ones */
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

static void check(int status, const char *what, const char *reason)
{
    if (status != 0) {
        fprintf(stderr, "tree_bench: %s: %s\n", what, reason);
        exit(2);
    }
}

static void *read_file(const char *path, size_t *size)
{
    FILE *file = need(fopen(path, "rb"), path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = need(malloc(*size + 1), "no memory");
    *size = fread(bytes, 1, *size, file);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

/* A function of the engine's library, by way of memcpy: C has no cast from object to function
 * pointer. */
static void find(const struct engine *engine, const char *name, void *function)
{
    void *library = dlopen(engine->library, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        check(1, engine->library, dlerror());
    void *found = need(dlsym(library, name), name);
    memcpy(function, &found, sizeof found);
}

/* ---- lathe ---- */

static void lathe_open(struct engine *engine, const void *model, size_t size)
{
    struct lathe_error error;
    engine->model = forest_open_path(model, size, engine->path, &error);
    if (!engine->model)
        check(1, "lathe", error.message);
}

static const float *lathe_predict(struct engine *engine, const float *rows, size_t count,
                                  float *out)
{
    forest_margins(engine->model, rows, count, engine->columns, out);
    return out;
}

static void lathe_explain(struct engine *engine, const float *rows, size_t count, float *out)
{
    struct lathe_error error;
    if (!forest_contributions(engine->model, rows, count, engine->columns, out, &error))
        check(1, "lathe", error.message);
}

static void lathe_close(struct engine *engine)
{
    forest_close(engine->model);
}

/* ---- XGBoost: in-place prediction of an array ---- */

static struct {
    int (*create)(const void *const *, uint64_t, void **);
    int (*set)(void *, const char *, const char *);
    int (*load)(void *, const void *, uint64_t);
    int (*release)(void *);
    int (*predict)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *,
                   const float **);
    int (*make_matrix)(const float *, uint64_t, uint64_t, float, void **);
    int (*release_matrix)(void *);
    int (*predict_matrix)(void *, void *, const char *, const uint64_t **, uint64_t *,
                          const float **);
    const char *(*error)(void);
} xgboost;

static void xgboost_find(const struct engine *engine)
{
    find(engine, "XGBoosterCreate", &xgboost.create);
    find(engine, "XGBoosterSetParam", &xgboost.set);
    find(engine, "XGBoosterLoadModelFromBuffer", &xgboost.load);
    find(engine, "XGBoosterFree", &xgboost.release);
    find(engine, "XGBoosterPredictFromDense", &xgboost.predict);
    find(engine, "XGDMatrixCreateFromMat", &xgboost.make_matrix);
    find(engine, "XGDMatrixFree", &xgboost.release_matrix);
    find(engine, "XGBoosterPredictFromDMatrix", &xgboost.predict_matrix);
    find(engine, "XGBGetLastError", &xgboost.error);
}

static void xgboost_open(struct engine *engine, const void *model, size_t size)
{
    char threads[16];
    snprintf(threads, sizeof threads, "%u", engine->threads);
    check(xgboost.create(NULL, 0, &engine->model), "xgboost", xgboost.error());
    check(xgboost.set(engine->model, "nthread", threads), "xgboost", xgboost.error());
    check(xgboost.load(engine->model, model, size), "xgboost", xgboost.error());
}

static const float *xgboost_predict(struct engine *engine, const float *rows, size_t count,
                                    float *out)
{
    (void)out;
    char array[256];
    snprintf(array, sizeof array,
             "{\"data\":[%llu,true],\"shape\":[%zu,%zu],\"typestr\":\"<f4\",\"version\":3}",
             (unsigned long long)(uintptr_t)rows, count, engine->columns);
    static const char config[] = "{\"type\":1,\"training\":false,\"iteration_begin\":0,"
                                 "\"iteration_end\":0,\"strict_shape\":false,\"missing\":NaN,"
                                 "\"cache_id\":0}";
    const uint64_t *shape;
    uint64_t dimensions;
    const float *result;
    check(xgboost.predict(engine->model, array, config, NULL, &shape, &dimensions, &result),
          "xgboost", xgboost.error());
    return result;
}

/* Of a matrix that is ready: it is made once. */
static void xgboost_explain(struct engine *engine, const float *rows, size_t count, float *out)
{
    static const char config[] = "{\"type\":2,\"training\":false,\"iteration_begin\":0,"
                                 "\"iteration_end\":0,\"strict_shape\":false}";
    const uint64_t *shape;
    uint64_t dimensions;
    const float *result;
    if (!engine->row)
        check(xgboost.make_matrix(rows, count, engine->columns, NAN, &engine->row), "xgboost",
              xgboost.error());
    check(xgboost.predict_matrix(engine->model, engine->row, config, &shape, &dimensions, &result),
          "xgboost", xgboost.error());
    memcpy(out, result, count * (engine->columns + 1) * sizeof *out);
}

static void xgboost_close(struct engine *engine)
{
    xgboost.release(engine->model);
}

/* ---- LightGBM: a matrix, or its fast call for one row ---- */

static struct {
    int (*load)(const char *, int *, void **);
    int (*release)(void *);
    int (*predict)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *,
                   int64_t *, double *);
    int (*prepare)(void *, int, int, int, int, int32_t, const char *, void **);
    int (*predict_row)(void *, const void *, int64_t *, double *);
    int (*release_row)(void *);
    const char *(*error)(void);
} lightgbm;

enum { LIGHTGBM_FLOAT32 = 0, LIGHTGBM_RAW_SCORE = 1 };

static void lightgbm_find(const struct engine *engine)
{
    find(engine, "LGBM_BoosterLoadModelFromString", &lightgbm.load);
    find(engine, "LGBM_BoosterFree", &lightgbm.release);
    find(engine, "LGBM_BoosterPredictForMat", &lightgbm.predict);
    find(engine, "LGBM_BoosterPredictForMatSingleRowFastInit", &lightgbm.prepare);
    find(engine, "LGBM_BoosterPredictForMatSingleRowFast", &lightgbm.predict_row);
    find(engine, "LGBM_FastConfigFree", &lightgbm.release_row);
    find(engine, "LGBM_GetLastError", &lightgbm.error);
}

static void lightgbm_open(struct engine *engine, const void *model, size_t size)
{
    (void)size;
    int rounds;
    check(lightgbm.load(model, &rounds, &engine->model), "lightgbm", lightgbm.error());
    check(lightgbm.prepare(engine->model, LIGHTGBM_RAW_SCORE, 0, -1, LIGHTGBM_FLOAT32,
                           (int32_t)engine->columns, "num_threads=1", &engine->row),
          "lightgbm", lightgbm.error());
}

static const float *lightgbm_predict(struct engine *engine, const float *rows, size_t count,
                                     float *out)
{
    if (count > engine->wide_length) {
        engine->wide = need(realloc(engine->wide, count * sizeof(double)), "no memory");
        engine->wide_length = count;
    }
    char threads[32];
    snprintf(threads, sizeof threads, "num_threads=%u", engine->threads);
    int64_t length;
    int status = count == 1
                     ? lightgbm.predict_row(engine->row, rows, &length, engine->wide)
                     : lightgbm.predict(engine->model, rows, LIGHTGBM_FLOAT32, (int32_t)count,
                                        (int32_t)engine->columns, 1, LIGHTGBM_RAW_SCORE, 0, -1,
                                        threads, &length, engine->wide);
    check(status, "lightgbm", lightgbm.error());
    for (size_t i = 0; i < count; i++)
        out[i] = (float)engine->wide[i];
    return out;
}

static void lightgbm_close(struct engine *engine)
{
    lightgbm.release_row(engine->row);
    lightgbm.release(engine->model);
    free(engine->wide);
}

/* ---- compiled models ---- */

static void tl2cgen_open(struct engine *engine, const void *model, size_t size)
{
    (void)model, (void)size;
    find(engine, "predict", &engine->function);
}

/* Its entries are unions of a float and an int that is -1 where the value is missing: of rows
 * without missing values they are the floats themselves. */
static const float *tl2cgen_predict(struct engine *engine, const float *rows, size_t count,
                                    float *out)
{
    void (*predict)(const float *, int, float *);
    memcpy(&predict, &engine->function, sizeof predict);
    for (size_t i = 0; i < count; i++) {
        out[i] = 0; /* it adds to what is there */
        predict(rows + i * engine->columns, 1, out + i);
    }
    return out;
}

static void lleaves_open(struct engine *engine, const void *model, size_t size)
{
    (void)model, (void)size;
    find(engine, "forest_root", &engine->function);
}

static const float *lleaves_predict(struct engine *engine, const float *rows, size_t count,
                                    float *out)
{
    void (*predict)(const float *, float *, int, int);
    memcpy(&predict, &engine->function, sizeof predict);
    predict(rows, out, 0, (int)count);
    return out;
}

static void compiled_close(struct engine *engine)
{
    (void)engine; /* nothing was built */
}

/* ---- choosing ---- */

/* By enum forest_path. */
static const char *const path_names[] = {"best", "plain", "word", "avx2", "avx512", "neon"};

static bool choose_lathe(const char *text, struct engine *engine)
{
    const char *wanted = strcmp(text, "lathe") == 0 ? "lathe:best" : text;
    for (size_t i = 0; i < sizeof path_names / sizeof *path_names; i++) {
        if (strncmp(wanted, "lathe:", 6) != 0 || strcmp(wanted + 6, path_names[i]) != 0)
            continue;
        *engine = (struct engine){.open = lathe_open,
                                  .predict = lathe_predict,
                                  .explain = lathe_explain,
                                  .close = lathe_close,
                                  .path = (enum forest_path)i};
        return true;
    }
    return false;
}

static void choose(const char *text, struct engine *engine)
{
    static const struct {
        const char *name;
        void (*find)(const struct engine *engine);
        struct engine engine;
    } peers[] = {
        {"xgboost:",
         xgboost_find,
         {.open = xgboost_open,
          .predict = xgboost_predict,
          .explain = xgboost_explain,
          .close = xgboost_close,
          .own_threads = true}},
        {"lightgbm:",
         lightgbm_find,
         {.open = lightgbm_open,
          .predict = lightgbm_predict,
          .close = lightgbm_close,
          .own_threads = true}},
        {"tl2cgen:",
         NULL,
         {.open = tl2cgen_open, .predict = tl2cgen_predict, .close = compiled_close}},
        {"lleaves:",
         NULL,
         {.open = lleaves_open, .predict = lleaves_predict, .close = compiled_close}},
    };
    if (choose_lathe(text, engine))
        return;
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        size_t length = strlen(peers[i].name);
        if (strncmp(text, peers[i].name, length) != 0)
            continue;
        *engine = peers[i].engine;
        engine->library = text + length;
        if (peers[i].find)
            peers[i].find(engine);
        return;
    }
    check(1, text, "no engine; there are lathe, xgboost:, lightgbm:, tl2cgen: and lleaves:");
}

/* ---- timing ---- */

struct share {
    struct engine *engine;
    const float *rows;
    size_t count;
    float *out;
};

static void *predict_share(void *argument)
{
    struct share *share = argument;
    share->engine->predict(share->engine, share->rows, share->count, share->out);
    return NULL;
}

/* All rows once; of an engine without threads each thread takes as many rows as the others. */
static const float *predict_all(struct engine *engine, const struct input *input, float *out)
{
    unsigned threads = engine->own_threads ? 1 : engine->threads;
    if (threads == 1)
        return engine->predict(engine, input->rows, input->count, out);
    pthread_t thread[MOST_THREADS];
    struct share shares[MOST_THREADS];
    for (unsigned i = 0; i < threads; i++) {
        size_t from = input->count * i / threads, end = input->count * (i + 1) / threads;
        shares[i] =
            (struct share){engine, input->rows + from * input->columns, end - from, out + from};
        check(pthread_create(&thread[i], NULL, predict_share, &shares[i]), "thread", "not started");
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    return out;
}

/* Copies as many rows as a pass has calls, from all over the file: a row to be predicted has just
 * been parsed or received, and is in a cache. */
static void gather_rows(const struct input *input, size_t pass)
{
    for (size_t i = 0; i < ROW_CALLS; i++) {
        size_t row = (pass * 7919 + i * 31) % input->count;
        memcpy(input->together + i * input->columns, input->rows + row * input->columns,
               input->columns * sizeof(float));
    }
}

static void predict_rows(struct engine *engine, const struct input *input, float *out)
{
    for (size_t i = 0; i < ROW_CALLS; i++)
        engine->predict(engine, input->together + i * input->columns, 1, out);
}

static void read_rows(const struct input *input)
{
    uint64_t sum = 0;
    const char *bytes = (const char *)input->rows;
    size_t size = input->count * input->columns * sizeof(float);
    for (size_t at = 0; at + sizeof sum <= size; at += sizeof sum) {
        uint64_t word;
        memcpy(&word, bytes + at, sizeof word);
        sum += word;
    }
    volatile uint64_t kept = sum; /* or the loop would be left out */
    (void)kept;
}

enum task { OPEN, PATH, BATCH, ROW, ANSWERS, EXPLAIN, SHARES, READ, TASKS };

static double pass_seconds(enum task what, struct engine *engine, const struct input *input,
                           size_t pass, float *out)
{
    double start, took;
    if (what == ROW)
        gather_rows(input, pass);
    start = now();
    switch (what) {
    case OPEN:
        engine->open(engine, input->model, input->model_size);
        took = now() - start;
        engine->close(engine);
        return took;
    case BATCH:
        predict_all(engine, input, out);
        return (now() - start) / (double)input->count;
    case EXPLAIN:
        engine->explain(engine, input->rows, input->count, out);
        return (now() - start) / (double)input->count;
    case ROW:
        predict_rows(engine, input, out);
        return (now() - start) / ROW_CALLS;
    default:
        read_rows(input);
        return (now() - start) / (double)input->count;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_seconds(enum task what, struct engine *engine, const struct input *input,
                             float *out)
{
    static double seconds[MOST_PASSES];
    size_t passes = 0;
    double end = now() + ENOUGH_SECONDS;
    pass_seconds(what, engine, input, 0, out);
    while (passes < LEAST_PASSES || (passes < MOST_PASSES && now() < end)) {
        seconds[passes] = pass_seconds(what, engine, input, passes, out);
        passes++;
    }
    qsort(seconds, passes, sizeof(double), ascending);
    return seconds[passes / 2];
}

/* Of lathe only. */
static int print_path(struct engine *engine, const struct input *input)
{
    need(engine->library ? NULL : engine, "only lathe has paths");
    engine->open(engine, input->model, input->model_size);
    printf("%s\n", path_names[forest_describe(engine->model)->path]);
    engine->close(engine);
    return 0;
}

int main(int count, char **arguments)
{
    static const char *const tasks[] = {"open",    "path",    "batch",  "row",
                                        "answers", "explain", "shares", "read"};
    enum task what = OPEN;
    while (count > 3 && what < TASKS && strcmp(arguments[1], tasks[what]) != 0)
        what++;
    if (count < 4 || what == TASKS || (what > PATH && count < 6)) {
        fprintf(stderr, "usage: tree_bench open|path|batch|row|answers|explain|shares|read "
                        "ENGINE MODEL [ROWS COLUMNS [THREADS]]\n");
        return 2;
    }
    struct engine engine;
    choose(arguments[2], &engine);
    engine.threads = count > 6 ? (unsigned)strtoul(arguments[6], NULL, 10) : 1;
    if (engine.threads < 1 || engine.threads > MOST_THREADS)
        check(1, arguments[6], "THREADS is 1 to 256");
    struct input input = {0};
    input.model = read_file(arguments[3], &input.model_size);
    if (what == PATH)
        return print_path(&engine, &input);
    float *out = NULL;
    if (what != OPEN) {
        size_t size;
        input.rows = read_file(arguments[4], &size);
        engine.columns = input.columns = strtoul(arguments[5], NULL, 10);
        need(input.columns ? &input : NULL, "COLUMNS is a number above 0");
        input.count = size / sizeof(float) / input.columns;
        size_t values = what == EXPLAIN || what == SHARES ? input.columns + 1 : 1;
        need(values == 1 || engine.explain ? &input : NULL, "only lathe and XGBoost explain");
        out = need(malloc((input.count * values + 1) * sizeof(float)), "no memory");
        input.together = need(malloc(ROW_CALLS * input.columns * sizeof(float)), "no memory");
        engine.open(&engine, input.model, input.model_size);
    }
    if (what == ANSWERS)
        fwrite(predict_all(&engine, &input, out), sizeof(float), input.count, stdout);
    else if (what == SHARES) {
        engine.explain(&engine, input.rows, input.count, out);
        fwrite(out, sizeof(float), input.count * (input.columns + 1), stdout);
    } else
        printf("%.9g\n", median_seconds(what, &engine, &input, out));
    return 0;
}
