/* fit.h: from an unfitted pipeline and rows to a fitted one.
 *
 * The specification is JSON text in Spark ML's words, parameters and defaults:
 *
 *     {"stages": [
 *       {"type": "StringIndexer", "inputCol": "Type", "outputCol": "TypeIndex",
 *        "handleInvalid": "keep"},
 *       {"type": "MathBinary", "operation": "mul", "inputA": "Torque", "inputB": "Speed",
 *        "outputCol": "Power"},
 *       {"type": "VectorAssembler", "inputCols": ["TypeIndex", "Power"], "outputCol": "features"}],
 *      "after": [
 *       {"type": "IndexToString", "inputCol": "prediction", "outputCol": "class",
 *        "labelsFrom": "ClassIndex"}]}
 *
 * "after" lists stages for what a model predicts: they become a pipeline of their own. An
 * IndexToString takes its labels from `labels`, or, by `labelsFrom` (not Spark's: there a program
 * hands them over), from the StringIndexer that makes that column, or from its inputCol's. Imputer
 * and Bucketizer of several columns become a stage each. "schema" may be a text that the pipeline
 * keeps (pipeline_schema). An Imputer with a surrogate and a OneHotEncoder with categorySizes learn
 * nothing. Infinities and NaN are written as the
 * texts "Infinity", "-Infinity" and "NaN", or as YAML's ".inf".
 *
 *     struct fit *fit = fit_open(json, size, &error);
 *     fit_start(fit, columns, count, &error);
 *     while (fit_pass(fit)) {
 *         for each batch: fit_add(fit, &batch, &error);
 *         fit_end_pass(fit, &error);
 *     }
 *     struct pipeline *pipeline = fit_take(fit, &error);
 */
#ifndef LATHE_FEATURE_FIT_H
#define LATHE_FEATURE_FIT_H

#include "feature/pipeline.h"

struct fit;

/* Reads a specification. Errors name the stage by number and type, the parameter, what was found
 * and what would be right; an unknown type or parameter, the nearest known one. */
struct fit *fit_open(const char *json, size_t size, struct lathe_error *error);
void fit_close(struct fit *fit);

/* The columns that the stages read from the rows, and how they want them read. */
const struct feature_column *fit_inputs(const struct fit *fit, size_t *count);

/* The columns that every batch will bring (NULL: fit_inputs). Types are checked as passes begin. */
bool fit_start(struct fit *fit, const struct feature_column *columns, size_t count,
               struct lathe_error *error);

/* Whether a pass over all rows is needed. Estimators that do not depend on each other share one;
 * none is needed where nothing has to be learned. */
bool fit_pass(const struct fit *fit);

/* Whether the pass reads the column at `index`; the others may be left unread, and be NULL in its
 * batches. */
bool fit_reads(const struct fit *fit, size_t index);

/* Any number of rows, in the order of the rows: sums and medians depend on it in their last bits,
 * as Spark's do. */
bool fit_add(struct fit *fit, const struct feature_batch *batch, struct lathe_error *error);
bool fit_end_pass(struct fit *fit, struct lathe_error *error);

/* The fitted pipelines; the caller closes them. NULL before the last pass has ended. fit_take_after
 * gives NULL, without an error, where the specification has no "after". Each can be taken once. */
struct pipeline *fit_take(struct fit *fit, struct lathe_error *error);
struct pipeline *fit_take_after(struct fit *fit, struct lathe_error *error);

/* The types of stages that a specification may have, by their index; NULL: there are no more. */
const char *fit_type(size_t index);

/* What a stage of a type can be told, for help; the last one's name is NULL. Several names that say
 * the same have no words but the first one's. */
struct fit_parameter {
    const char *name;
    const char *words; /* what it may be, and in parentheses its default; NULL: said already */
};
enum { FIT_PARAMETERS = 9 };
const struct fit_parameter *fit_parameters(size_t index);

#endif
