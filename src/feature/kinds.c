/* The table of transformers, and what the checks and columns of those are that have no file of
 * their own. */
#include "feature/kind.h"

#include <math.h>

/* ---- what they read and make ---- */

struct feature_column ask_vector(const struct feature_stage *stage, size_t i)
{
    (void)i;
    return (struct feature_column){NULL, FEATURE_NUMBER, true, stage->width};
}

struct feature_column ask_text(const struct feature_stage *stage, size_t i)
{
    (void)stage;
    (void)i;
    return (struct feature_column){NULL, FEATURE_TEXT, false, 1};
}

struct feature_column make_same(const struct feature_stage *stage, size_t i, size_t total)
{
    (void)stage;
    (void)i;
    return (struct feature_column){NULL, FEATURE_NUMBER, true, total};
}

static struct feature_column ask_assembler(const struct feature_stage *stage, size_t i)
{
    struct feature_shape shape = {false, 1};
    if (stage->of.assembler.shapes)
        shape = stage->of.assembler.shapes[i];
    return (struct feature_column){NULL, FEATURE_NUMBER, shape.vector, shape.width};
}

static struct feature_column ask_standard(const struct feature_stage *stage, size_t i)
{
    (void)i;
    return (struct feature_column){NULL, FEATURE_NUMBER, true, stage->of.standard.width};
}

static struct feature_column ask_min_max(const struct feature_stage *stage, size_t i)
{
    (void)i;
    return (struct feature_column){NULL, FEATURE_NUMBER, true, stage->of.min_max.width};
}

static struct feature_column make_text(const struct feature_stage *stage, size_t i, size_t total)
{
    (void)stage;
    (void)i;
    (void)total;
    return (struct feature_column){NULL, FEATURE_TEXT, false, 1};
}

static struct feature_column make_one_hot(const struct feature_stage *stage, size_t i, size_t total)
{
    (void)total;
    return (struct feature_column){NULL, FEATURE_NUMBER, true, feature_one_hot_width(stage, i)};
}

/* ---- how Spark keeps it ---- */

enum kind_form form_same(const struct feature_stage *stage)
{
    (void)stage;
    return FORM_SAME;
}

enum kind_form form_dense(const struct feature_stage *stage)
{
    (void)stage;
    return FORM_DENSE;
}

static enum kind_form form_sparse(const struct feature_stage *stage)
{
    (void)stage;
    return FORM_SPARSE;
}

/* What is shifted is no longer 0. */
static enum kind_form form_standard(const struct feature_stage *stage)
{
    return stage->of.standard.mean ? FORM_DENSE : FORM_SAME;
}

/* ---- what they refuse ---- */

static bool refuses_invalid(const struct feature_stage *stage)
{
    return stage->invalid != FEATURE_KEEP;
}

/* A Bucketizer's are also what lies outside of all splits. */
static bool refuses_always(const struct feature_stage *stage)
{
    (void)stage;
    return true;
}

static bool check_bucketizer(const struct feature_stage *stage, const char *who,
                             struct lathe_error *error)
{
    size_t count = stage->of.bucketizer.count;
    const double *splits = stage->of.bucketizer.splits;
    if (!splits) /* to be learned */
        return true;
    if (count < 3)
        return fail(error, LATHE_INVALID_MODEL, "%s has %zu splits, and needs at least 3", who,
                    count);
    for (size_t i = 0; i < count; i++)
        if (isnan(splits[i]) || (i && !(splits[i - 1] < splits[i])))
            return fail(error, LATHE_INVALID_MODEL,
                        "%s: split %zu is %g after %g, and splits must grow strictly", who, i + 1,
                        splits[i], i ? splits[i - 1] : -INFINITY);
    return true;
}

static bool check_keys(const struct feature_stage *stage, const char *who,
                       struct lathe_error *error)
{
    const double *keys = stage->of.map.keys;
    for (size_t i = 0; i < stage->of.map.count; i++)
        if (isnan(keys[i]) || (i && !(keys[i - 1] < keys[i])))
            return fail(error, LATHE_INVALID_MODEL,
                        "%s: key %zu is %g after %g, and keys must grow strictly", who, i + 1,
                        keys[i], i ? keys[i - 1] : -INFINITY);
    return true;
}

static bool check_min_max(const struct feature_stage *stage, const char *who,
                          struct lathe_error *error)
{
    return stage->of.min_max.lower < stage->of.min_max.upper ||
           fail(error, LATHE_INVALID_MODEL, "%s: min is %g, and must be below max, %g", who,
                stage->of.min_max.lower, stage->of.min_max.upper);
}

static bool check_one_hot(const struct feature_stage *stage, const char *who,
                          struct lathe_error *error)
{
    for (size_t i = 0; i < stage->input_count; i++)
        if (stage->of.one_hot.categories[i] < 0 ||
            stage->of.one_hot.categories[i] > BUILD_CATEGORIES)
            return fail(error, LATHE_LIMIT,
                        "%s: column '%.80s' has %ld categories, and at most %d are taken", who,
                        stage->inputs[i], (long)stage->of.one_hot.categories[i], BUILD_CATEGORIES);
    return true;
}

/* ---- the table ---- */

static const struct kind STRING_INDEXER = {
    .name = "StringIndexer",
    .op = "string_indexer",
    .read = bundle_read_indexer,
    .write = bundle_write_indexer,
    .ask = ask_text,
    .apply = step_string_indexer,
    .refuses = refuses_invalid,
    .by_element = true,
    .by_column = true,
    .plain = true,
};

static const struct kind ONE_HOT_ENCODER = {
    .name = "OneHotEncoder",
    .op = "one_hot_encoder",
    .read = bundle_read_one_hot,
    .write = bundle_write_one_hot,
    .check = check_one_hot,
    .make = make_one_hot,
    .form = form_sparse,
    .apply = step_one_hot,
    .refuses = refuses_invalid,
    .plain = true,
    .numbered = true,
};

static const struct kind INDEX_TO_STRING = {
    .name = "IndexToString",
    .op = "reverse_string_indexer",
    .read = bundle_read_to_string,
    .write = bundle_write_to_string,
    .make = make_text,
    .apply = step_index_to_string,
    .refuses = refuses_always,
};

static const struct kind VECTOR_ASSEMBLER = {
    .name = "VectorAssembler",
    .op = "vector_assembler",
    .read = bundle_read_assembler,
    .write = bundle_write_assembler,
    .ask = ask_assembler,
    .make = make_same,
    .apply = step_assemble,
    .refuses = refuses_invalid,
    .by_element = true,
    .numbered = true,
};

static const struct kind STANDARD_SCALER = {
    .name = "StandardScaler",
    .op = "standard_scaler",
    .read = bundle_read_standard,
    .write = bundle_write_standard,
    .ask = ask_standard,
    .make = make_same,
    .form = form_standard,
    .apply = step_standard,
    .by_element = true,
};

static const struct kind MIN_MAX_SCALER = {
    .name = "MinMaxScaler",
    .op = "min_max_scaler",
    .read = bundle_read_min_max,
    .write = bundle_write_min_max,
    .check = check_min_max,
    .ask = ask_min_max,
    .make = make_same,
    .apply = step_min_max,
    .by_element = true,
};

static const struct kind IMPUTER = {
    .name = "Imputer",
    .op = "imputer",
    .read = bundle_read_imputer,
    .write = bundle_write_imputer,
    .apply = step_imputer,
};

static const struct kind BUCKETIZER = {
    .name = "Bucketizer",
    .op = "bucketizer",
    .read = bundle_read_bucketizer,
    .write = bundle_write_bucketizer,
    .check = check_bucketizer,
    .apply = step_bucketizer,
    .refuses = refuses_always,
    .plain = true,
};

static const struct kind MATH_UNARY = {
    .name = "MathUnary",
    .op = "math_unary",
    .read = bundle_read_unary,
    .write = bundle_write_unary,
    .apply = step_math_unary,
};

static const struct kind MATH_BINARY = {
    .name = "MathBinary",
    .op = "math_binary",
    .read = bundle_read_binary,
    .write = bundle_write_binary,
    .apply = step_math_binary,
};

static const struct kind STRING_MAP = {
    .name = "StringMap",
    .op = "string_map",
    .read = bundle_read_string_map,
    .write = bundle_write_map,
    .ask = ask_text,
    .apply = step_string_map,
    .refuses = refuses_invalid,
};

static const struct kind NUMBER_MAP = {
    .name = "NumberMap",
    .op = "number_map",
    .read = bundle_read_number_map,
    .write = bundle_write_map,
    .check = check_keys,
    .apply = step_number_map,
    .refuses = refuses_invalid,
};

static const struct kind *const KINDS[FEATURE_KINDS] = {
    [FEATURE_STRING_INDEXER] = &STRING_INDEXER,
    [FEATURE_ONE_HOT_ENCODER] = &ONE_HOT_ENCODER,
    [FEATURE_INDEX_TO_STRING] = &INDEX_TO_STRING,
    [FEATURE_VECTOR_ASSEMBLER] = &VECTOR_ASSEMBLER,
    [FEATURE_STANDARD_SCALER] = &STANDARD_SCALER,
    [FEATURE_MIN_MAX_SCALER] = &MIN_MAX_SCALER,
    [FEATURE_IMPUTER] = &IMPUTER,
    [FEATURE_BUCKETIZER] = &BUCKETIZER,
    [FEATURE_MATH_UNARY] = &MATH_UNARY,
    [FEATURE_MATH_BINARY] = &MATH_BINARY,
    [FEATURE_STRING_MAP] = &STRING_MAP,
    [FEATURE_NUMBER_MAP] = &NUMBER_MAP,
    [FEATURE_MAX_ABS_SCALER] = &KIND_MAX_ABS,
    [FEATURE_ELEMENTWISE_PRODUCT] = &KIND_ELEMENTWISE,
    [FEATURE_IDF] = &KIND_IDF,
    [FEATURE_NORMALIZER] = &KIND_NORMALIZER,
    [FEATURE_BINARIZER] = &KIND_BINARIZER,
    [FEATURE_POLYNOMIAL_EXPANSION] = &KIND_EXPANSION,
    [FEATURE_INTERACTION] = &KIND_INTERACTION,
    [FEATURE_VECTOR_SLICER] = &KIND_SLICER,
    [FEATURE_CHI_SQ_SELECTOR] = &KIND_CHI_SQ,
    [FEATURE_PCA] = &KIND_PCA,
    [FEATURE_TOKENIZER] = &KIND_TOKENIZER,
    [FEATURE_HASHING_TF] = &KIND_HASHING,
    [FEATURE_LINEAR_REGRESSION] = &KIND_LINEAR,
    [FEATURE_LOGISTIC_REGRESSION] = &KIND_LOGISTIC,
    [FEATURE_DECISION_TREE_CLASSIFIER] = &KIND_TREE_CLASSIFIER,
    [FEATURE_DECISION_TREE_REGRESSOR] = &KIND_TREE_REGRESSION,
    [FEATURE_RANDOM_FOREST_CLASSIFIER] = &KIND_FOREST_CLASSIFIER,
    [FEATURE_RANDOM_FOREST_REGRESSOR] = &KIND_FOREST_REGRESSION,
    [FEATURE_GBT_CLASSIFIER] = &KIND_GBT_CLASSIFIER,
    [FEATURE_GBT_REGRESSOR] = &KIND_GBT_REGRESSION,
};

const struct kind *kind_of(enum feature_kind kind)
{
    return KINDS[kind];
}
