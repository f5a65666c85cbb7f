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

/* Of this header; lathe_version() tells the library's. The build reads it here. */
#define LATHE_VERSION_MAJOR 0
#define LATHE_VERSION_MINOR 1
#define LATHE_VERSION_PATCH 0

/* All that the library exports is in this file. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
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
    LATHE_IO,     /* a file could not be opened or read */
    LATHE_MISFIT, /* rows that can be read, but have columns that the model was not trained on */
};

struct lathe_error {
    enum lathe_code code;
    char message[496];
};

/* The library's version, such as "0.1.0". */
const char *lathe_version(void);

/* ---- predictors ---- */

/* A trained pipeline, ready to answer: feature transformers, trees, label decoding. */
struct lathe_predictor;

/* One artifact, as a container of an Amazon SageMaker inference pipeline would have it: an XGBoost
 * model file (JSON, UBJSON, the old binary form or a pickled Booster), an MLeap bundle as a zip, or
 * a model.tar.gz that holds either (of several files xgboost-model-N, or of all where none is
 * called so, the predictions are averaged, or voted on where they are classes). The bytes are not
 * kept. `name` is for errors. */
struct lathe_artifact {
    const char *name;
    const void *bytes;
    size_t size;
    /* NULL, or the container's environment: "NAME=VALUE" and at the end NULL. Looked at are
     * SAGEMAKER_SPARKML_SCHEMA (of a bundle: its rows and its answer; otherwise what the bundle
     * itself asks for), SAGEMAKER_INFERENCE_OUTPUT (of trees: what an answer consists of) and
     * SAGEMAKER_INFERENCE_ENSEMBLE (of trees: other than "true", only the first file counts). */
    const char *const *environment;
    /* NULL, or the container's image: a URI, or a tag such as "1.7-1". Trees are then read, their
     * rows taken and answers in CSV written as that release of SageMaker's XGBoost container does,
     * from 0.90-1 to 3.2-0: a row without features is a row, columns that a row lacks at its end
     * are missing, errors are in its words. Without one, a row has to have all the model's columns.
     */
    const char *image;
};

/* Opens 1 to 15 artifacts in pipeline order: each one's answer is the next one's row. NULL, with
 * the artifact's name in the error, where one is no model, or where they do not fit one another. */
struct lathe_predictor *lathe_predictor_open(const struct lathe_artifact *artifacts, size_t count,
                                             struct lathe_error *error);
/* The same from files, or from folders that hold a bundle. */
struct lathe_predictor *lathe_predictor_open_files(const char *const *paths, size_t count,
                                                   struct lathe_error *error);
void lathe_predictor_close(struct lathe_predictor *predictor);

/* Text that grows. Zero it before the first use; lathe_text_clear frees. A text that is used again
 * keeps its memory. */
struct lathe_text {
    char *bytes; /* not terminated */
    size_t size, capacity;
};
void lathe_text_clear(struct lathe_text *text);

/* All of it as JSON (replacing what the text held): the columns, and of each artifact its
 * transformers or its objective, trees and the features' importance. LATHE_LIMIT for more than a
 * million columns, LATHE_NO_MEMORY. */
bool lathe_describe(const struct lathe_predictor *predictor, struct lathe_text *text,
                    struct lathe_error *error);

/* The predictor as one C99 file (replacing what the text held) that needs nothing but libm and has
 * one function of this name, described at its top: the same answers, row by row, to the last bit
 * (selected content as its values, one after the other). LATHE_UNSUPPORTED where a label has a NUL
 * in it, which C's strings cannot have; LATHE_LIMIT; LATHE_NO_MEMORY. */
bool lathe_export_c(const struct lathe_predictor *predictor, const char *name,
                    struct lathe_text *text, struct lathe_error *error);

/* A text that is not terminated; bytes NULL: missing. */
struct lathe_string {
    const char *bytes;
    size_t size;
};

/* The columns of a row, in the order that rows without a header have to have: of trees that of the
 * model's training, of a bundle that of its schema, or, where it has none, that in which its
 * transformers name them. Names and types live as long as the predictor. */
struct lathe_column {
    const char *name; /* NULL where the model has no names for its features */
    const char *type; /* "double", "string", "int" ...: a schema's types */
    size_t width;     /* values: more than 1 for a vector */
    bool used;        /* otherwise the answer does not depend on it */
    /* What trees keep of a feature that is categorical (XGBoost 3.1 and later, trained from a data
     * frame): the categories, of which each one's place is the code that stands for it where rows
     * are numbers. In rows of text a category is written as it is here. NULL: none are kept. */
    const struct lathe_string *categories;
    size_t category_count;
};
const struct lathe_column *lathe_predictor_columns(const struct lathe_predictor *predictor,
                                                   size_t *count);

/* The values of a row, and those of its answer (1, or one a class, target or element). */
size_t lathe_predictor_inputs(const struct lathe_predictor *predictor);
size_t lathe_predictor_outputs(const struct lathe_predictor *predictor);
/* XGBoost's name of the objective, such as "binary:logistic"; NULL where there are no trees. */
const char *lathe_predictor_objective(const struct lathe_predictor *predictor);
/* Whether the last artifact is a bundle of transformers, so that answers are written as the SparkML
 * container does; and whether the first one is. */
bool lathe_predictor_ends_in_bundle(const struct lathe_predictor *predictor);
bool lathe_predictor_starts_with_bundle(const struct lathe_predictor *predictor);

/* What is to be answered. Of several models that are averaged there are only predictions. */
enum lathe_answer {
    LATHE_PREDICTION,    /* what XGBoost's predict() returns: probabilities, values, a class number;
                            or what transformers that come last make of it */
    LATHE_MARGIN,        /* of the trees, before the objective's transformation */
    LATHE_LEAVES,        /* the number of the leaf that a row reaches in each tree: pred_leaf */
    LATHE_CONTRIBUTIONS, /* how much each feature contributed to each margin, the bias last:
                            XGBoost's pred_contribs, path-dependent TreeSHAP */
    LATHE_INTERACTIONS,  /* and how much of it each pair of features has only together: for each
                            margin a square, the bias last; XGBoost's pred_interactions */
    LATHE_PROBABILITIES, /* of each class, also of the two of a binary objective */
    LATHE_LABELS,        /* the number of the class that a row is taken to be in */
};

/* How many values a row has of such an answer; 0: the predictor has none. */
size_t lathe_answer_width(const struct lathe_predictor *predictor, enum lathe_answer what);

/* For predictors of one artifact with trees, the shortest way: answers `count` rows of floats. Row
 * r starts at rows + r * stride (in floats; at least lathe_predictor_inputs), NaN is missing. out
 * receives count x lathe_answer_width floats; it has room for as many, and for no fewer than
 * count x lathe_predictor_outputs. LATHE_UNSUPPORTED for other predictors, and for answers that
 * this one does not have; LATHE_NO_MEMORY never for predictions and margins of a single model. */
bool lathe_predict_floats(const struct lathe_predictor *predictor, enum lathe_answer what,
                          const float *rows, size_t count, size_t stride, float *out,
                          struct lathe_error *error);

/* The values of one column, row by row: texts where the column's type is "string", else numbers
 * (NaN is missing); where the column has categories, their codes as numbers or, these NULL, the
 * categories as texts. A column of width w has w values a row. Those of a column that is not used
 * may be NULL. */
struct lathe_values {
    const double *numbers;
    const struct lathe_string *texts;
    const unsigned char *missing; /* NULL, or a byte a row: not 0 where the row has no value */
};

/* Answers rows given as arrays, one a column of lathe_predictor_columns, in order. out receives
 * rows x lathe_answer_width values. Fails with LATHE_INVALID_DATA naming row and column,
 * LATHE_UNSUPPORTED where there is no such answer (texts: lathe_predict_texts), LATHE_NO_MEMORY. */
bool lathe_predict_values(const struct lathe_predictor *predictor, enum lathe_answer what,
                          const struct lathe_values *columns, size_t rows, double *out,
                          struct lathe_error *error);

/* The same where the answer is a text, such as a class's name: out receives one a row, which lives
 * as long as the predictor, or as the columns' texts. */
bool lathe_predict_texts(const struct lathe_predictor *predictor,
                         const struct lathe_values *columns, size_t rows, struct lathe_string *out,
                         struct lathe_error *error);

/* How rows are written. */
enum lathe_row_format {
    LATHE_ROWS_CSV, /* a line each, no header, values in the order of lathe_predictor_columns */
    LATHE_ROWS_CSV_HEADER, /* the first line names the columns, in any order; those that no column
                              of the predictor is called are passed over */
    LATHE_ROWS_JSON,       /* [[1, 2], [3, 4]], {"data": ...}, {"schema": ..., "data": ...},
                              {"instances": ...} or objects by the columns' names */
    LATHE_ROWS_JSON_LINES, /* any of these a line */
    LATHE_ROWS_LIBSVM,     /* where trees come first: `[label] index:value ...` a line */
};

/* How answers are written. What they look like is up to the last artifact: those of trees look as
 * SageMaker's XGBoost container writes them, those of transformers as its SparkML container does,
 * but always one row a line. */
enum lathe_answer_format {
    LATHE_ANSWERS_CSV,             /* those of trees in one line, or as the artifact's image writes
                                      them; those of transformers in a line each */
    LATHE_ANSWERS_CSV_LINES,       /* a line each, also the last one's ended, as in batches */
    LATHE_ANSWERS_CSV_TABLE,       /* a line each, values between commas, without the brackets that
                                      SageMaker's XGBoost container puts around several */
    LATHE_ANSWERS_JSON,            /* {"predictions": [{"score": 0.5}, ...]} */
    LATHE_ANSWERS_JSON_LINES,      /* {"score": 0.5} or {"features": [1.0, 0.5]} a line */
    LATHE_ANSWERS_JSON_LINES_TEXT, /* of transformers: {"source": "1.0 0.5"} a line */
    LATHE_ANSWERS_CSV_ONE_LINE,    /* of trees, whatever their image: all rows in one line */
    LATHE_ANSWERS_JSON_ARRAY,      /* of trees, the same: [0.5, 0.25] */
};

/* Reads rows from text, predicts, and writes the answer (replacing what it held). Fails with
 * LATHE_INVALID_DATA naming row and column, what was found and what was expected, or with
 * LATHE_UNSUPPORTED for a format that the artifacts do not read or write. */
bool lathe_predict_text(const struct lathe_predictor *predictor, enum lathe_row_format rows_format,
                        const char *rows, size_t size, enum lathe_answer_format answer_format,
                        struct lathe_text *answer, struct lathe_error *error);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
