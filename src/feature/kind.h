/* kind.h: what there is to know of a kind of transformer: a row of the table in kinds.c. Another
 * kind is a member of enum feature_kind, its parameters in struct feature_stage, and a row, whose
 * functions are best kept in one file. What a specification says of it is in fit_spec.c. */
#ifndef LATHE_FEATURE_KIND_H
#define LATHE_FEATURE_KIND_H

#include "feature/bundle_node.h"
#include "feature/steps.h"

/* Of inputs: a width that any vector has. */
#define ANY_WIDTH SIZE_MAX

typedef bool kind_reader(struct bundle_node *node);
typedef void kind_writer(struct json_out *json, const struct feature_stage *stage, size_t column);
typedef bool kind_check(const struct feature_stage *stage, const char *who,
                        struct lathe_error *error);
/* What input i must be, or what output i is, where the inputs have `total` values together. The
 * name of the column is filled in by whoever asks. */
typedef struct feature_column kind_ask(const struct feature_stage *stage, size_t i);
typedef struct feature_column kind_make(const struct feature_stage *stage, size_t i, size_t total);
typedef size_t kind_pick(const struct feature_stage *stage, size_t element);
typedef bool kind_refuses(const struct feature_stage *stage);

/* How Spark keeps the vectors that a stage makes, which decides how its models sum them up. */
enum kind_form {
    FORM_SAME,    /* as those it reads */
    FORM_DENSE,   /* all elements */
    FORM_SPARSE,  /* those that are not 0 */
    FORM_SHORTER, /* row by row what takes less memory */
};
typedef enum kind_form kind_form_of(const struct feature_stage *stage);

struct kind {
    const char *name, *op; /* Spark's; MLeap's */
    kind_reader *read;     /* the stage, from the attributes and the shape of a node */
    kind_writer *write;    /* the attributes; NULL: it is only read */
    kind_check *check;     /* parameters that no data can make right; NULL: there are none */
    kind_ask *ask;         /* NULL: single numbers */
    kind_make *make;       /* NULL: single numbers */
    step_function *apply;  /* NULL: it computes nothing, and the output is of the inputs' values: */
    kind_pick *pick;       /* which of them; NULL: all */
    kind_refuses *refuses; /* whether it may refuse or skip a row for any of its inputs; NULL: no */
    kind_form_of *form;    /* NULL: FORM_SHORTER */
    bool by_element;       /* each value it reads makes one of its own */
    bool plain;            /* makes neither NaN nor -0.0 */
    bool by_column;        /* becomes a node a column: MLeap's runtime knows no other */
    bool numbered;         /* its ports in a bundle are input0, input1 ... even where it has one */
};

const struct kind *kind_of(enum feature_kind kind);

/* For `form`: FORM_SAME, FORM_DENSE. */
kind_form_of form_same, form_dense;

/* A vector that has as many elements as the stage reads: for `ask`. */
kind_ask ask_vector, ask_text;
/* A vector of as many elements as it reads: for `make`. */
kind_make make_same;

kind_reader bundle_read_indexer, bundle_read_one_hot, bundle_read_to_string, bundle_read_assembler,
    bundle_read_standard, bundle_read_min_max, bundle_read_imputer, bundle_read_bucketizer,
    bundle_read_unary, bundle_read_binary, bundle_read_string_map, bundle_read_number_map;
kind_writer bundle_write_indexer, bundle_write_one_hot, bundle_write_to_string,
    bundle_write_assembler, bundle_write_standard, bundle_write_min_max, bundle_write_imputer,
    bundle_write_bucketizer, bundle_write_unary, bundle_write_binary, bundle_write_map;

/* Those that have a file of their own. */
extern const struct kind KIND_MAX_ABS, KIND_ELEMENTWISE, KIND_IDF, KIND_NORMALIZER, KIND_BINARIZER,
    KIND_EXPANSION, KIND_INTERACTION, KIND_SLICER, KIND_CHI_SQ, KIND_PCA, KIND_TOKENIZER,
    KIND_HASHING, KIND_LINEAR, KIND_LOGISTIC, KIND_TREE_CLASSIFIER, KIND_TREE_REGRESSION,
    KIND_FOREST_CLASSIFIER, KIND_FOREST_REGRESSION, KIND_GBT_CLASSIFIER, KIND_GBT_REGRESSION;

#endif
