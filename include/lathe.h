/* lathe.h: predict with trained pipelines, from any language.
 *
 * One library, liblathe, and this one header. Plain C; nothing here allocates per row, nothing
 * is global, and everything is safe to use from several threads once it is open. */
#ifndef LATHE_H
#define LATHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong. The caller owns the struct; functions that fail fill it in and never read it.
 * The text says what was attempted, where (file, row, column or key), what was found there and
 * what would be right. */
enum lathe_code {
    LATHE_OK = 0,
    LATHE_INVALID_DATA,  /* rows that do not fit: a word in a number, too few fields */
    LATHE_INVALID_MODEL, /* an artifact that is cut, corrupt, hostile or of an unknown kind */
    LATHE_UNSUPPORTED,   /* well-formed, but nothing lathe does */
    LATHE_LIMIT,         /* larger than a limit that the text names */
    LATHE_NO_MEMORY,
    LATHE_IO, /* a file could not be opened or read */
};

struct lathe_error {
    enum lathe_code code;
    char message[496];
};

/* --- predictors ---------------------------------------------------------------------------------
 */

/* A trained pipeline, ready to answer: feature transformers, trees, label decoding. */
struct lathe_predictor;

/* One artifact: an XGBoost model file (JSON, UBJSON or the old binary form). The bytes are not
 * kept. `name` is for errors. */
struct lathe_artifact {
    const char *name;
    const void *bytes;
    size_t size;
};

/* Opens artifacts in pipeline order. NULL, with the artifact's name in the error, where one is no
 * model, or where they do not fit one another. */
struct lathe_predictor *lathe_predictor_open(const struct lathe_artifact *artifacts, size_t count,
                                             struct lathe_error *error);
struct lathe_predictor *lathe_predictor_open_files(const char *const *paths, size_t count,
                                                   struct lathe_error *error);
void lathe_predictor_close(struct lathe_predictor *predictor);

/* The columns of a row of numbers, and the values of its answer (1, or one a class or target). */
size_t lathe_predictor_inputs(const struct lathe_predictor *predictor);
size_t lathe_predictor_outputs(const struct lathe_predictor *predictor);
/* XGBoost's name of the objective, such as "binary:logistic". */
const char *lathe_predictor_objective(const struct lathe_predictor *predictor);

/* What is to be answered. */
enum lathe_answer {
    LATHE_PREDICTION, /* what XGBoost's predict() returns: probabilities, values, a class number */
    LATHE_MARGIN,     /* before the objective's transformation */
};

/* Answers `count` rows of floats: row r starts at rows + r * stride (in floats), NaN is missing.
 * out receives count x lathe_predictor_outputs floats (LATHE_PREDICTION of multi:softmax: one a
 * row). Cannot fail once the predictor is open. */
void lathe_predict_floats(const struct lathe_predictor *predictor, enum lathe_answer what,
                          const float *rows, size_t count, size_t stride, float *out);

/* How rows, and answers, are written. */
enum lathe_format {
    LATHE_CSV,        /* rows: a line each, no header. Answers: as SageMaker's XGBoost container
                         writes them, values separated by commas in one line */
    LATHE_CSV_LINES,  /* answers: a line each, as that container does in batch transforms */
    LATHE_JSON,       /* answers: {"predictions": [{"score": 0.5}, ...]} */
    LATHE_JSON_LINES, /* answers: {"score": 0.5} a line */
};

/* Text that grows. Zero it before the first use; lathe_text_clear frees. A text that is used again
 * keeps its memory. */
struct lathe_text {
    char *bytes; /* not terminated */
    size_t size, capacity;
};
void lathe_text_clear(struct lathe_text *text);

/* Reads rows from text, predicts, and writes the answer (replacing what it held). Fails with
 * LATHE_INVALID_DATA naming row and column, what was found and what was expected, or with
 * LATHE_UNSUPPORTED for a format that the artifacts do not read or write. */
bool lathe_predict_text(const struct lathe_predictor *predictor, enum lathe_format rows_format,
                        const char *rows, size_t size, enum lathe_format answer_format,
                        struct lathe_text *answer, struct lathe_error *error);

#ifdef __cplusplus
}
#endif

#endif
