/* model_document_inside.h: a document on its way in; between model_document.c and
 * model_categories.c. */
#ifndef LATHE_TREE_MODEL_DOCUMENT_INSIDE_H
#define LATHE_TREE_MODEL_DOCUMENT_INSIDE_H

#include "parse/reader.h"
#include "tree/ensemble.h"

/* A growing list of 4-byte numbers, reused from tree to tree. */
struct column {
    union {
        float *floats;
        int32_t *integers;
        void *data;
    };
    size_t count, room;
};

enum tree_column {
    LEFT,
    RIGHT,
    FEATURE,
    DEFAULT_LEFT,
    VALUE,
    GAIN,
    COVER,
    CATEGORICAL,
    CATEGORIES,
    CATEGORY_NODES,
    CATEGORY_STARTS,
    CATEGORY_SIZES,
    LEAF_WEIGHTS,
    TREE_COLUMNS
};

struct document {
    struct reader reader;
    struct ensemble *ensemble;
    struct lathe_error *error;
    struct column columns[TREE_COLUMNS];
    int64_t leaf_size;
    bool base_weights_seen;
    struct reader base_weights; /* where they begin */

    int64_t features, classes, targets, from_average;
    struct column base_score, tree_outputs, tree_weights, linear;
    char objective[64], booster[16];
    char **names;
    size_t name_count, name_room;

    struct column version; /* of the XGBoost that wrote it */
    struct kept_categories *kept;
    size_t kept_count, kept_room;
    struct column offsets; /* of a feature's categories that are texts, in their bytes */
    bool offsets_seen, values_seen;
    int64_t category_type;
    struct reader category_values; /* where they begin: what they are may be said behind them */
};

/* What to do with the value of a key. */
struct field {
    const char *key;
    bool (*read)(struct document *document, const struct field *field);
    size_t offset; /* of what it sets in struct document */
};

/* Reads the object just begun, or expects one: each key through its field, or passed over. */
bool document_fields(struct document *document, const struct field *fields, size_t count);
bool document_object(struct document *document, const struct field *fields, size_t count,
                     const char *what);

#define READ_OBJECT(document, fields, what) \
    document_object(document, fields, sizeof(fields) / sizeof *(fields), what)

/* Takes a whole list of numbers. */
bool document_column(struct document *document, struct column *column, bool integers,
                     const char *what);

static inline struct column *column_at(struct document *document, const struct field *field)
{
    return (struct column *)((char *)document + field->offset);
}

/* The same into the column at the field's offset. */
bool document_integers(struct document *document, const struct field *field);

/* The categories that the model keeps of its features, into `kept`. */
bool document_categories(struct document *document, const struct field *field);
/* From there to the ensemble, whose features are known by now. */
bool document_keep_categories(struct document *document);

#endif
