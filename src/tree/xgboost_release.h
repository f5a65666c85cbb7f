/* xgboost_release.h: what the releases of SageMaker's XGBoost image do differently, in one table.
 *
 * Source: the image's own code (sagemaker-xgboost-container), at its branches 0.90-1 (132188b),
 * 0.90-2 (a034e4b), 1.0-1 (0c7a3b8), 1.2-1 (0d8f55d), 1.2-2 (dd637a0), 1.3-1 (07ece4c) and its tags
 * v1.5-1 (c9fa83d), v1.7-1 (6dcd442) and v3.0-5 (c988a0e); 3.2-0 is its main branch at cb8df91.
 * The image `xgboost` (0.72) was never published: what is said of it is what its users saw. */
#ifndef LATHE_TREE_XGBOOST_RELEASE_H
#define LATHE_TREE_XGBOOST_RELEASE_H

#include <stdbool.h>

/* In the order in which they came, so that "since" and "until" are comparisons. */
enum xgboost_image {
    IMAGE_0_72,
    IMAGE_0_90_1,
    IMAGE_0_90_2,
    IMAGE_1_0_1,
    IMAGE_1_2_1,
    IMAGE_1_2_2,
    IMAGE_1_3_1,
    IMAGE_1_5_1,
    IMAGE_1_7_1,
    IMAGE_3_0_5,
    IMAGE_3_2_0,
};

/* The form of the file xgboost-model that a training job writes. */
enum xgboost_model_form {
    MODEL_PICKLE,       /* a pickled Booster, of the binary form: 0.90 knows no other */
    MODEL_PICKLED_JSON, /* a pickled Booster, of JSON, which 1.7 to the newest read */
    MODEL_BINARY,       /* save_model of 1.3 and 1.5, whose load_model knows no later form */
    MODEL_UBJSON, /* save_model of 3.x. 1.7's own is the binary form, but reads this one as well,
                   * and 3.x, where such models end up, refuses the binary form. */
};

struct xgboost_release {
    enum xgboost_image image;
    const char *tag;     /* "1.2-1" */
    const char *version; /* of XGBoost in it: "1.2.0" */
    enum xgboost_model_form model;
    bool lenient;        /* passes over hyperparameters that it does not know */
    bool six_digits;     /* prints metrics as C's %g does; later ones with five places */
    bool counts_columns; /* says in its log how many columns the rows have */

    /* serving: */
    bool stops_early; /* predicts with the trees up to a saved model's best_ntree_limit; with those
                         up  to a pickled one's, all do */
    bool raw_from_logit;     /* starts binary:logitraw from the base score's logit */
    bool empty_from_score;   /* starts from the base score itself where nothing was trained */
    bool selects;            /* heeds SAGEMAKER_INFERENCE_OUTPUT */
    bool ensembles;          /* puts several models together; earlier ones take the first */
    bool writes_lines;       /* answers a CSV line a row, and JSON; earlier ones CSV in one line */
    bool counts_from_one;    /* libsvm rows none of which has an index 0 count from 1 */
    bool refuses_wide_rows;  /* has XGBoost refuse columns that the model does not have */
    bool refuses_infinities; /* and values that are infinite as a float */
    bool says_shape;         /* its numpy tells the shape of rows of different lengths */
    bool wraps_texts;        /* its numpy shows a text as np.str_('x') */
};

/* The release that an image stands for: a URI of a registry, "repository:tag" or a tag alone, with
 * or without what follows a release in it ("1.0-1-cpu-py3"). `xgboost` without a release in its tag
 * ("1", "latest") is 0.72, everything else without one (NULL, "latest", a digest) the newest. A
 * release that is not in the table is the last one before it. Never NULL. */
const struct xgboost_release *xgboost_release_find(const char *image);

#endif
