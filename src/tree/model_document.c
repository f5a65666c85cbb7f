/* Model files as JSON and UBJSON, XGBoost 1.0 to 3.4. The layout is that of XGBoost's
 * doc/model.schema; keys may come in any order, unknown ones are passed over. */
#include "parse/number.h"
#include "tree/model_document_inside.h"

#include <stdlib.h>
#include <string.h>

/* Reads the object just begun: each key through its field, or passed over. XGBoost writes keys in
 * alphabetical order, as the fields are listed, so the search goes on from the last one found. */
bool document_fields(struct document *document, const struct field *fields, size_t count)
{
    struct reader *reader = &document->reader;
    size_t at = 0;
    while (reader_next(reader) == READER_KEY) {
        size_t tried = 0;
        for (; tried < count && !reader_is(reader, fields[at].key); tried++)
            at = at + 1 < count ? at + 1 : 0;
        if (!(tried < count ? fields[at].read(document, &fields[at]) : reader_skip(reader)))
            return false;
    }
    return reader->event == READER_OBJECT_END;
}

bool document_object(struct document *document, const struct field *fields, size_t count,
                     const char *what)
{
    return reader_expect(&document->reader, READER_OBJECT, what) &&
           document_fields(document, fields, count);
}

static bool grow_column(struct document *document, struct column *column, size_t count)
{
    return ensemble_grow(&column->data, &column->room, count, sizeof *column->floats,
                         document->error);
}

/* Takes a whole list of numbers. */
bool document_column(struct document *document, struct column *column, bool integers,
                     const char *what)
{
    struct reader *reader = &document->reader;
    column->count = 0;
    if (!reader_expect(reader, READER_ARRAY, what))
        return false;
    size_t expected = reader_count(reader);
    size_t taken, space;
    do {
        /* one place more, so that a list as long as expected is seen to be over */
        size_t wanted = column->count < expected ? expected : column->count;
        if (!grow_column(document, column, wanted + 1))
            return false;
        space = column->room - column->count;
        if (!(integers ? reader_integers(reader, column->integers + column->count, space, &taken)
                       : reader_floats(reader, column->floats + column->count, space, &taken)))
            return false;
        column->count += taken;
    } while (taken == space);
    return true;
}

static bool read_floats(struct document *document, const struct field *field)
{
    return document_column(document, column_at(document, field), false, field->key);
}

bool document_integers(struct document *document, const struct field *field)
{
    return document_column(document, column_at(document, field), true, field->key);
}

/* XGBoost writes its parameters as texts: "num_feature": "28". */
static bool read_parameter(struct document *document, const struct field *field)
{
    struct reader *reader = &document->reader;
    enum reader_event event = reader_next(reader);
    double value = -1;
    if (event == READER_NUMBER)
        value = reader->number;
    else if (event != READER_STRING || !number_parse(reader->text, reader->size, &value))
        return event != READER_FAILED &&
               reader_fail(reader, "%s: a whole number was expected", field->key);
    if (!(value >= 0 && value <= 1e15) || value != (double)(int64_t)value)
        return reader_fail(reader, "%s: a count was expected, not %g", field->key, value);
    *(int64_t *)((char *)document + field->offset) = (int64_t)value;
    return true;
}

/* A text into an array of `size` characters; too long a one is cut, and then equals nothing. */
static bool read_name(struct document *document, char *out, size_t size, const char *what)
{
    struct reader *reader = &document->reader;
    if (!reader_expect(reader, READER_STRING, what))
        return false;
    char text[256];
    if (reader->size > sizeof text)
        return reader_fail(reader, "%s: a name of %zu bytes", what, reader->size);
    size_t length = reader_copy(reader, text);
    length = length < size ? length : size - 1;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

/* ---- learner_model_param ---- */

/* "5E-1", or since XGBoost 3.1 "[5E-1,2E-1]", or a bare number. */
static bool read_base_score(struct document *document, const struct field *field)
{
    struct reader *reader = &document->reader;
    struct column *column = &document->base_score;
    enum reader_event event = reader_next(reader);
    column->count = 0;
    if (event != READER_STRING && event != READER_NUMBER)
        return event != READER_FAILED && reader_fail(reader, "%s: numbers expected", field->key);
    if (event == READER_NUMBER) {
        if (!grow_column(document, column, 1))
            return false;
        column->floats[column->count++] = reader_float(reader);
        return true;
    }
    /* The text inside is JSON too, so the same reader takes it. */
    struct reader inner;
    reader_open(&inner, READER_JSON, reader->text, reader->size, document->error);
    inner.words = true;
    struct document part = {.reader = inner, .error = document->error, .base_score = *column};
    bool good = true;
    if (reader->size && reader->text[0] == '[') {
        good = document_column(&part, &part.base_score, false, field->key);
    } else {
        good = grow_column(&part, &part.base_score, 1) &&
               reader_expect(&part.reader, READER_NUMBER, field->key);
        if (good)
            part.base_score.floats[part.base_score.count++] = reader_float(&part.reader);
    }
    *column = part.base_score;
    return good && reader_expect(&part.reader, READER_END, field->key);
}

static bool read_model_parameters(struct document *document, const struct field *field)
{
    static const struct field fields[] = {
        {"base_score", read_base_score, 0},
        {"boost_from_average", read_parameter, offsetof(struct document, from_average)},
        {"num_class", read_parameter, offsetof(struct document, classes)},
        {"num_feature", read_parameter, offsetof(struct document, features)},
        {"num_target", read_parameter, offsetof(struct document, targets)},
    };
    return READ_OBJECT(document, fields, field->key);
}

/* ---- trees ---- */

static bool read_tree_parameters(struct document *document, const struct field *field)
{
    static const struct field fields[] = {
        {"size_leaf_vector", read_parameter, offsetof(struct document, leaf_size)},
    };
    return READ_OBJECT(document, fields, field->key);
}

/* Vector leaves of XGBoost 2.0 to 3.1; for all other trees they are of no use. Which kind this
 * tree is of is said further on, so remember the place. */
static bool note_base_weights(struct document *document, const struct field *field)
{
    (void)field;
    document->base_weights = document->reader;
    document->base_weights_seen = true;
    return reader_skip(&document->reader);
}

static bool read_base_weights(struct document *document)
{
    struct reader here = document->reader;
    document->reader = document->base_weights;
    bool good = document_column(document, &document->columns[LEAF_WEIGHTS], false, "base_weights");
    if (good)
        document->reader = here;
    return good;
}

/* A column of the tree that is there either for every node or not at all. */
static bool column_fits(struct document *document, enum tree_column which, const char *name,
                        bool optional)
{
    size_t count = document->columns[which].count, nodes = document->columns[LEFT].count;
    return count == nodes || (optional && count == 0) ||
           reader_fail(&document->reader, "%s: %zu values for a tree of %zu nodes", name, count,
                       nodes);
}

/* XGBoost says of every node whether it is categorical, though most models have no such node. */
static const int32_t *categorical_nodes(const struct column *column)
{
    int32_t any = 0;
    for (size_t i = 0; i < column->count; i++)
        any |= column->integers[i];
    return any ? column->integers : NULL;
}

static bool add_tree(struct document *document)
{
    struct column *columns = document->columns;
    struct reader *reader = &document->reader;
    if (!column_fits(document, RIGHT, "right_children", false) ||
        !column_fits(document, FEATURE, "split_indices", false) ||
        !column_fits(document, DEFAULT_LEFT, "default_left", false) ||
        !column_fits(document, VALUE, "split_conditions", false) ||
        !column_fits(document, GAIN, "loss_changes", true) ||
        !column_fits(document, COVER, "sum_hessian", true) ||
        !column_fits(document, CATEGORICAL, "split_type", true))
        return false;
    if (columns[CATEGORY_STARTS].count != columns[CATEGORY_NODES].count ||
        columns[CATEGORY_SIZES].count != columns[CATEGORY_NODES].count)
        return reader_fail(reader, "categories_nodes, _segments and _sizes differ in length");
    bool vector = document->leaf_size > 1, by_node = false;
    if (vector && columns[LEAF_WEIGHTS].count == 0 && document->base_weights_seen) {
        by_node = true;
        if (!read_base_weights(document))
            return false;
    }
    if (document->leaf_size > MOST_OUTPUTS)
        return reader_fail(reader, "leaves of %lld values", (long long)document->leaf_size);
    if (vector && columns[LEAF_WEIGHTS].count % (size_t)document->leaf_size != 0)
        return reader_fail(reader, "%zu values in leaves of %lld", columns[LEAF_WEIGHTS].count,
                           (long long)document->leaf_size);
    struct tree_columns tree = {
        .count = columns[LEFT].count,
        .left = columns[LEFT].integers,
        .right = columns[RIGHT].integers,
        .feature = columns[FEATURE].integers,
        .default_left = columns[DEFAULT_LEFT].integers,
        .value = columns[VALUE].floats,
        .gain = columns[GAIN].count ? columns[GAIN].floats : NULL,
        .cover = columns[COVER].count ? columns[COVER].floats : NULL,
        .categorical = categorical_nodes(&columns[CATEGORICAL]),
        .category_nodes = columns[CATEGORY_NODES].integers,
        .category_starts = columns[CATEGORY_STARTS].integers,
        .category_sizes = columns[CATEGORY_SIZES].integers,
        .categories = columns[CATEGORIES].integers,
        .category_node_count = columns[CATEGORY_NODES].count,
        .category_count = columns[CATEGORIES].count,
        .leaves = columns[LEAF_WEIGHTS].floats,
        .leaf_size = vector ? (size_t)document->leaf_size : 1,
        .leaf_count = vector ? columns[LEAF_WEIGHTS].count / (size_t)document->leaf_size : 0,
        .leaves_by_node = by_node,
    };
    return ensemble_add_tree(document->ensemble, &tree, document->error);
}

#define COLUMN(which) offsetof(struct document, columns) + (which) * sizeof(struct column)

/* The tree whose object was just begun. */
static bool read_tree(struct document *document)
{
    static const struct field fields[] = {
        {"base_weights", note_base_weights, 0},
        {"categories", document_integers, COLUMN(CATEGORIES)},
        {"categories_nodes", document_integers, COLUMN(CATEGORY_NODES)},
        {"categories_segments", document_integers, COLUMN(CATEGORY_STARTS)},
        {"categories_sizes", document_integers, COLUMN(CATEGORY_SIZES)},
        {"default_left", document_integers, COLUMN(DEFAULT_LEFT)},
        {"leaf_weights", read_floats, COLUMN(LEAF_WEIGHTS)},
        {"left_children", document_integers, COLUMN(LEFT)},
        {"loss_changes", read_floats, COLUMN(GAIN)},
        {"right_children", document_integers, COLUMN(RIGHT)},
        {"split_conditions", read_floats, COLUMN(VALUE)},
        {"split_indices", document_integers, COLUMN(FEATURE)},
        {"split_type", document_integers, COLUMN(CATEGORICAL)},
        {"sum_hessian", read_floats, COLUMN(COVER)},
        {"tree_param", read_tree_parameters, 0},
    };
    for (size_t i = 0; i < TREE_COLUMNS; i++)
        document->columns[i].count = 0;
    document->leaf_size = 0;
    document->base_weights_seen = false;
    return document_fields(document, fields, sizeof fields / sizeof *fields) && add_tree(document);
}

static bool read_trees(struct document *document, const struct field *field)
{
    struct reader *reader = &document->reader;
    if (document->ensemble->tree_count)
        return reader_fail(reader, "a second list of trees");
    if (!reader_expect(reader, READER_ARRAY, field->key))
        return false;
    while (reader_next(reader) == READER_OBJECT)
        if (!read_tree(document))
            return false;
    return reader->event == READER_ARRAY_END ||
           (reader->event != READER_FAILED && reader_fail(reader, "a tree was expected"));
}

/* ---- gradient_booster, objective, names ---- */

static bool read_model(struct document *document, const struct field *field)
{
    static const struct field fields[] = {
        {"cats", document_categories, 0},
        {"tree_info", document_integers, offsetof(struct document, tree_outputs)},
        {"trees", read_trees, 0},
        {"weights", read_floats, offsetof(struct document, linear)},
    };
    return READ_OBJECT(document, fields, field->key);
}

/* dart keeps its trees one level deeper. */
static bool read_inner_booster(struct document *document, const struct field *field)
{
    static const struct field fields[] = {{"model", read_model, 0}};
    return READ_OBJECT(document, fields, field->key);
}

static bool read_booster_name(struct document *document, const struct field *field)
{
    return read_name(document, document->booster, sizeof document->booster, field->key);
}

static bool read_booster(struct document *document, const struct field *field)
{
    static const struct field fields[] = {
        {"gbtree", read_inner_booster, 0},
        {"model", read_model, 0},
        {"name", read_booster_name, 0},
        {"weight_drop", read_floats, offsetof(struct document, tree_weights)},
    };
    return READ_OBJECT(document, fields, field->key);
}

static bool read_objective_name(struct document *document, const struct field *field)
{
    return read_name(document, document->objective, sizeof document->objective, field->key);
}

static bool read_objective(struct document *document, const struct field *field)
{
    static const struct field fields[] = {{"name", read_objective_name, 0}};
    return READ_OBJECT(document, fields, field->key);
}

static bool read_feature_names(struct document *document, const struct field *field)
{
    struct reader *reader = &document->reader;
    if (document->name_count)
        return reader_fail(reader, "%s: a second list", field->key);
    if (!reader_expect(reader, READER_ARRAY, field->key))
        return false;
    while (reader_next(reader) == READER_STRING) {
        if (!ensemble_grow((void **)&document->names, &document->name_room,
                           document->name_count + 1, sizeof *document->names, document->error))
            return false;
        char *name = malloc(reader->size + 1);
        if (!name)
            return fail_memory(document->error, "a feature's name");
        name[reader_copy(reader, name)] = '\0';
        document->names[document->name_count++] = name;
    }
    return reader->event == READER_ARRAY_END ||
           (reader->event != READER_FAILED &&
            reader_fail(reader, "%s: texts expected", field->key));
}

/* A text, as all attributes are. One that is no number is none of XGBoost's. */
static bool read_limit(struct document *document, const struct field *field)
{
    struct reader *reader = &document->reader;
    (void)field;
    enum reader_event event = reader_next(reader);
    if (event != READER_STRING || reader->size > 18)
        return event == READER_ARRAY || event == READER_OBJECT ? reader_skip(reader)
                                                               : event != READER_FAILED;
    char text[24];
    text[reader_copy(reader, text)] = '\0';
    long long limit = strtoll(text, NULL, 10);
    document->ensemble->best_ntree_limit = limit > 0 ? limit : 0;
    return true;
}

static bool read_attributes(struct document *document, const struct field *field)
{
    static const struct field fields[] = {{"best_ntree_limit", read_limit, 0}};
    return READ_OBJECT(document, fields, field->key);
}

static bool read_learner(struct document *document, const struct field *field)
{
    static const struct field fields[] = {
        {"attributes", read_attributes, 0},    {"feature_names", read_feature_names, 0},
        {"gradient_booster", read_booster, 0}, {"learner_model_param", read_model_parameters, 0},
        {"objective", read_objective, 0},
    };
    return READ_OBJECT(document, fields, field->key);
}

/* ---- the whole ---- */

/* What a pickled Booster has beside its "Config". */
static bool read_pickled(struct document *document, const struct field *field)
{
    static const struct field fields[] = {
        {"learner", read_learner, 0},
        {"version", document_integers, offsetof(struct document, version)},
    };
    return READ_OBJECT(document, fields, field->key);
}

static bool finish(struct document *document)
{
    struct ensemble *ensemble = document->ensemble;
    struct lathe_error *error = document->error;
    if (!document->booster[0] || !document->objective[0] || document->features < 0 ||
        !document->base_score.count)
        return fail(error, LATHE_INVALID_MODEL,
                    "no XGBoost model: learner's gradient_booster.name, objective.name, "
                    "learner_model_param.num_feature and base_score are all needed");
    struct model_facts facts = {
        .features = document->features,
        .classes = document->classes,
        .targets = document->targets,
        .base_score = document->base_score.floats,
        .base_score_count = document->base_score.count,
        .objective = document->objective,
        .booster = document->booster,
        .tree_outputs = document->tree_outputs.integers,
        .tree_output_count = document->tree_outputs.count,
        .linear = document->linear.floats,
        .linear_count = document->linear.count,
    };
    if (strcmp(document->booster, "dart") == 0) {
        facts.tree_weights = document->tree_weights.floats;
        facts.tree_weight_count = document->tree_weights.count;
    }
    bool good = ensemble_finish(ensemble, &facts, error);
    document->linear.floats = facts.linear;
    if (!good)
        return false;
    if (document->name_count && document->name_count != ensemble->features)
        return fail(error, LATHE_INVALID_MODEL, "%zu feature_names for %zu features",
                    document->name_count, ensemble->features);
    ensemble->unestimated = document->from_average == 1 && !ensemble->tree_count;
    ensemble->feature_names = document->names;
    document->names = NULL;
    return document_keep_categories(document);
}

bool model_read_document(struct ensemble *ensemble, bool ubjson, const void *bytes, size_t size,
                         struct lathe_error *error)
{
    struct document *document = calloc(1, sizeof *document);
    if (!document)
        return fail(error, LATHE_NO_MEMORY, "no memory to read a model");
    document->ensemble = ensemble;
    document->error = error;
    document->features = -1;
    reader_open(&document->reader, ubjson ? READER_UBJSON : READER_JSON, bytes, size, error);
    document->reader.words = true;
    /* what XGBoost needs for a node, so that few models are moved in memory while they grow */
    enum { JSON_NODE = 60, UBJSON_NODE = 35 };

    static const struct field fields[] = {
        {"Model", read_pickled, 0},
        {"learner", read_learner, 0},
        {"version", document_integers, offsetof(struct document, version)},
    };
    bool good = ensemble_expect(ensemble, size / (ubjson ? UBJSON_NODE : JSON_NODE), error) &&
                READ_OBJECT(document, fields, "the model") &&
                reader_expect(&document->reader, READER_END, "the model") && finish(document);

    for (size_t i = 0; i < TREE_COLUMNS; i++)
        free(document->columns[i].data);
    free(document->base_score.data);
    free(document->tree_outputs.data);
    free(document->tree_weights.data);
    free(document->linear.data);
    free(document->offsets.data);
    free(document->version.data);
    kept_categories_free(document->kept, document->kept_count);
    for (size_t i = 0; document->names && i < document->name_count; i++)
        free(document->names[i]);
    free(document->names);
    free(document);
    return good;
}
