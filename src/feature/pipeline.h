/* pipeline.h: a fitted feature pipeline and its application to batches of rows.
 *
 * A pipeline is an ordered list of stages. Each reads columns by name and makes new ones. It is
 * made by fit.h or bundle.h, does not change, and may be used by any number of threads.
 *
 *     struct plan *plan = plan_open(pipeline, columns, count, wanted, wanted_count, &error);
 *     void *scratch = malloc(plan_scratch(plan, rows));
 *     struct feature_result result;
 *     plan_apply(plan, &batch, scratch, &result, &error);
 */
#ifndef LATHE_FEATURE_PIPELINE_H
#define LATHE_FEATURE_PIPELINE_H

#include "csv/labels.h"
#include "feature/text.h"
#include "lathe.h"

/* ---- stages: what a pipeline does, for whoever wants to see it or do it in another way ---- */

enum feature_kind {
    FEATURE_STRING_INDEXER,
    FEATURE_ONE_HOT_ENCODER,
    FEATURE_INDEX_TO_STRING,
    FEATURE_VECTOR_ASSEMBLER,
    FEATURE_STANDARD_SCALER,
    FEATURE_MIN_MAX_SCALER,
    FEATURE_IMPUTER,
    FEATURE_BUCKETIZER,
    FEATURE_MATH_UNARY,
    FEATURE_MATH_BINARY,
    FEATURE_STRING_MAP,
    FEATURE_NUMBER_MAP,
    FEATURE_MAX_ABS_SCALER,
    FEATURE_ELEMENTWISE_PRODUCT,
    FEATURE_IDF,
    FEATURE_NORMALIZER,
    FEATURE_BINARIZER,
    FEATURE_POLYNOMIAL_EXPANSION,
    FEATURE_INTERACTION,
    FEATURE_VECTOR_SLICER,
    FEATURE_CHI_SQ_SELECTOR,
    FEATURE_PCA,
    FEATURE_TOKENIZER,
    FEATURE_HASHING_TF,
    FEATURE_LINEAR_REGRESSION, /* models, from here on */
    FEATURE_LOGISTIC_REGRESSION,
    FEATURE_DECISION_TREE_CLASSIFIER,
    FEATURE_DECISION_TREE_REGRESSOR,
    FEATURE_RANDOM_FOREST_CLASSIFIER,
    FEATURE_RANDOM_FOREST_REGRESSOR,
    FEATURE_GBT_CLASSIFIER,
    FEATURE_GBT_REGRESSOR,
    FEATURE_KINDS
};

/* Spark's handleInvalid. */
enum feature_invalid { FEATURE_ERROR, FEATURE_SKIP, FEATURE_KEEP };

/* Spark's stringOrderType. */
enum feature_order { FREQUENCY_DESC, FREQUENCY_ASC, ALPHABET_DESC, ALPHABET_ASC };

/* Spark's strategy of an Imputer. */
enum feature_strategy { STRATEGY_MEAN, STRATEGY_MEDIAN, STRATEGY_MODE };

/* MLeap's operations, and some more, in the order of feature_operation_name. */
enum feature_operation {
    MATH_LOG,
    MATH_EXP,
    MATH_SQRT,
    MATH_SIN,
    MATH_COS,
    MATH_TAN,
    MATH_ABS,
    MATH_LOGIT,
    MATH_FLOOR,
    MATH_CEIL,
    MATH_ROUND,
    MATH_LOG1P, /* this and the next are not MLeap's, but NumPy's */
    MATH_EXPM1,
    MATH_LOG2,
    MATH_LOG10, /* MathUnary ends here */
    MATH_ADD,
    MATH_SUB,
    MATH_MUL,
    MATH_DIV,
    MATH_REM,
    MATH_LOG_N,
    MATH_POW,
    MATH_MIN,
    MATH_MAX,
    MATH_OPERATIONS
};

struct feature_shape {
    bool vector;
    size_t width; /* 1 for a scalar */
};

struct feature_forest; /* trees.h */

/* One stage; `of` is told apart by `kind`. All pointers live as long as the pipeline. */
struct feature_stage {
    enum feature_kind kind;
    enum feature_invalid
        invalid;      /* StringIndexer, OneHotEncoder, Bucketizer, VectorAssembler, the maps */
    const char *name; /* unique in its pipeline, such as "string_indexer_1" */
    size_t input_count, output_count;
    const char *const *inputs, *const *outputs; /* column names */
    size_t width; /* elements of the one vector that it reads, of those after NumberMap */
    union {
        struct {
            const struct labels *const *labels; /* a table an input: index i is labels_text(i) */
            enum feature_order order;           /* how they were ordered when it was fitted */
        } indexer;
        struct {
            const int32_t *categories; /* an input; FEATURE_KEEP adds one for what is invalid */
            bool drop_last;
        } one_hot; /* widths: feature_one_hot_width */
        struct {
            const struct labels *labels;
        } to_string;
        struct {
            const struct feature_shape *shapes; /* an input; NULL where they are not known */
            bool exact;                         /* -0.0 stays, where Spark makes it +0.0 */
        } assembler;
        struct {
            size_t width;
            const double *mean, *std; /* NULL: withMean, withStd are false */
        } standard;
        struct {
            size_t width;
            const double *min, *max; /* of the rows it was fitted on */
            double lower, upper;     /* Spark's min and max */
        } min_max;
        struct {
            double surrogate, missing;
            enum feature_strategy strategy;
        } imputer; /* one column: an Imputer of several becomes several stages */
        struct {
            const double *splits; /* ascending; at least 3 */
            size_t count;
        } bucketizer;
        struct {
            enum feature_operation operation;
        } unary;
        struct {
            enum feature_operation operation;
            bool column_a, column_b; /* from a column: inputs[0], then the next; else: */
            double a, b;
        } binary;
        struct {
            const struct labels *labels; /* StringMap */
            const double *keys;          /* NumberMap: ascending */
            const double *values;        /* of each label or key */
            size_t count;                /* of them */
            double otherwise;            /* for what is not among them, with FEATURE_KEEP */
            bool takes_missing;          /* what is missing becomes: */
            double missing;              /* otherwise it is invalid, too */
        } map;
        struct {
            const double *values; /* an element: maxAbs, scalingVec or idf */
        } scale;                  /* MaxAbsScaler, ElementwiseProduct, IDF */
        struct {
            double p; /* of the norm: 1 or more, or infinite */
        } normalizer;
        struct {
            const double *thresholds;           /* an input */
            const struct feature_shape *shapes; /* an input */
        } binarizer;
        struct {
            size_t degree;
        } expansion;
        struct {
            const struct feature_shape *shapes; /* an input */
            const size_t *categories;           /* an element of all inputs; 1: a number */
        } interaction;
        struct {
            const size_t *indices;
            size_t count;
        } slicer; /* VectorSlicer, ChiSqSelector */
        struct {
            const double *components; /* `width` numbers each */
            size_t count;
        } pca;
        struct {
            size_t width; /* numFeatures */
            bool binary;
        } hashing;
        struct {
            const double *coefficients; /* of a class, `width` each; of one where there are two */
            const double *intercepts;
            const double *thresholds; /* a class; NULL: none. Of two classes only the second's */
            size_t classes;           /* 0: a LinearRegression */
        } linear;
        struct {
            const struct feature_forest *forest;
        } forest; /* the models of trees */
    } of;
};

/* Spark's name of a kind, such as "StringIndexer"; MLeap's, such as "string_indexer". */
const char *feature_kind_name(enum feature_kind kind);
const char *feature_kind_op(enum feature_kind kind);
const char *feature_operation_name(enum feature_operation operation);

/* How many elements the vector of output `i` of a OneHotEncoder has. */
size_t feature_one_hot_width(const struct feature_stage *stage, size_t i);

/* What element `i` of a MaxAbsScaler, ElementwiseProduct or IDF is multiplied by. */
double feature_scale(const struct feature_stage *stage, size_t i);

/* ---- pipelines ---- */

struct pipeline;

void pipeline_close(struct pipeline *pipeline);
const char *pipeline_name(const struct pipeline *pipeline);
/* The schema of the rows that it is for, where it knows one: JSON text as Amazon SageMaker's
 * SparkML container has it. NULL: its inputs are all that is known. */
const char *pipeline_schema(const struct pipeline *pipeline);
const struct feature_stage *pipeline_stages(const struct pipeline *pipeline, size_t *count);

/* FEATURE_INTEGER differs from FEATURE_NUMBER only where a StringIndexer reads the column: 4 is
 * the label "4" there, and "4.0" in a column of FEATURE_NUMBER. */
enum feature_type {
    FEATURE_NUMBER,
    FEATURE_INTEGER,
    FEATURE_TEXT,
    FEATURE_WORDS /* a text as a Tokenizer's list of words: only between stages */
};

struct feature_column {
    const char *name;
    enum feature_type type;
    bool vector;
    size_t width; /* values a row: 1 for a scalar, the elements of a vector (may be 0) */
};

/* The columns that a pipeline reads and does not make itself, in the order in which its stages
 * name them, with the types that its stages ask for. NULL where they contradict each other. */
const struct feature_column *pipeline_inputs(const struct pipeline *pipeline, size_t *count);

/* ---- plans ---- */

struct plan;

/* Ties a pipeline to `columns` (count of them; NULL: pipeline_inputs), which every batch will
 * bring, and to the columns wanted, each made by a stage or given (NULL: every column that a stage
 * makes and no other stage reads). Stages on which nothing wanted depends are left out, unless
 * they skip rows and have their inputs. The pipeline must outlive the plan. Errors name the stage
 * or column: a wanted column that nothing makes, a text where numbers are needed, a wrong width. */
struct plan *plan_open(const struct pipeline *pipeline, const struct feature_column *columns,
                       size_t count, const char *const *wanted, size_t wanted_count,
                       struct lathe_error *error);
void plan_close(struct plan *plan);

/* Tells the plan which of its output values (as many as plan_apply gives) are asked for; the others
 * are NULL from then on, and what only they depend on is not computed: of a one-hot block often a
 * few elements. What is refused is the same, so that all that rows bring is still looked at. */
void plan_narrow(struct plan *plan, const bool *asked);

/* The columns of a batch, and whether the plan reads the one at `index`. */
const struct feature_column *plan_inputs(const struct plan *plan, size_t *count);
bool plan_reads(const struct plan *plan, size_t index);

/* The wanted columns, in order. */
const struct feature_column *plan_outputs(const struct plan *plan, size_t *count);

/* Values of one scalar column, or of one element of a vector: as many as there are rows. */
union feature_values {
    const double *numbers;        /* NaN: missing */
    const struct csv_text *texts; /* bytes NULL: missing */
};

struct feature_batch {
    size_t rows;
    size_t first_row;      /* the first row's number, for errors; or */
    const size_t *numbers; /* each row's, where they do not simply follow each other */
    /* `width` of them a column, in the order of plan_inputs. Those
     * that the plan does not read may be NULL. */
    const union feature_values *values;
};

/* The number of the row at `row`, from 0, of a batch. */
static inline size_t feature_row_number(const struct feature_batch *batch, size_t row)
{
    return batch->numbers ? batch->numbers[row] : batch->first_row + row;
}

struct feature_result {
    /* `width` of them a column, in the order of plan_outputs. They point into the scratch, the
     * batch or the pipeline. */
    const union feature_values *values;
    /* NULL, or a byte a row: 1 where handleInvalid "skip" left the row out. Its values mean
     * nothing. */
    const unsigned char *skipped;
    size_t kept; /* rows less those skipped */
};

/* Bytes of scratch for batches of up to `rows` rows. Aligned as malloc does. A few thousand rows
 * at a time stay in the processor's cache. */
size_t plan_scratch(const struct plan *plan, size_t rows);

/* Applies the stages. Allocates nothing. Fails with LATHE_INVALID_DATA, naming the row, the
 * column, what was found there and what would be right. */
bool plan_apply(const struct plan *plan, const struct feature_batch *batch, void *scratch,
                struct feature_result *result, struct lathe_error *error);

#endif
