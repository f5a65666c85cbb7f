/* XGBoost's old binary model file, the default of 1.x: C structs as they lie in memory,
 * little-endian, with or without the leading "binf". */
#include "tree/ensemble.h"

#include <stdlib.h>
#include <string.h>

struct cursor {
    const unsigned char *next, *end;
    struct lathe_error *error;
};

static size_t left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->next);
}

/* The next `size` bytes, or NULL where they are not there. */
static const unsigned char *take(struct cursor *cursor, size_t size, const char *what)
{
    const unsigned char *at = cursor->next;
    if (left(cursor) < size) {
        fail(cursor->error, LATHE_INVALID_MODEL, "%s: %zu bytes needed, %zu left", what, size,
             left(cursor));
        return NULL;
    }
    cursor->next += size;
    return at;
}

static uint32_t word_at(const unsigned char *bytes, size_t index)
{
    const unsigned char *at = bytes + 4 * index;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static int32_t integer_at(const unsigned char *bytes, size_t index)
{
    return (int32_t)word_at(bytes, index);
}

static float float_at(const unsigned char *bytes, size_t index)
{
    uint32_t bits = word_at(bytes, index);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A length of 64 bits, at most `most` and at most what is left in elements of `size` bytes. */
static bool take_length(struct cursor *cursor, size_t size, size_t most, size_t *length,
                        const char *what)
{
    const unsigned char *at = take(cursor, 8, what);
    if (!at)
        return false;
    uint64_t value = (uint64_t)word_at(at, 1) << 32 | word_at(at, 0);
    if (value > most || value > left(cursor) / size)
        return fail(cursor->error, LATHE_INVALID_MODEL, "%s: a length of %llu, %zu bytes left",
                    what, (unsigned long long)value, left(cursor));
    *length = (size_t)value;
    return true;
}

static bool take_name(struct cursor *cursor, char *out, size_t size, const char *what)
{
    size_t length;
    if (!take_length(cursor, 1, size - 1, &length, what))
        return false;
    memcpy(out, take(cursor, length, what), length);
    out[length] = '\0';
    return true;
}

/* A vector<float>: freed by the caller. */
static bool take_floats(struct cursor *cursor, float **values, size_t *count, const char *what)
{
    if (!take_length(cursor, 4, SIZE_MAX, count, what))
        return false;
    const unsigned char *at = take(cursor, 4 * *count, what);
    *values = malloc((*count + 1) * sizeof **values);
    if (!*values)
        return fail(cursor->error, LATHE_NO_MEMORY, "no memory for %s", what);
    for (size_t i = 0; i < *count; i++)
        (*values)[i] = float_at(at, i);
    return true;
}

/* The columns of one tree, reused from tree to tree: 8 slices of one allocation. */
struct scratch {
    void *data;
    size_t room; /* nodes */
};

enum { SLICES = 8, NODE_BYTES = 20, STATISTIC_BYTES = 16, TREE_HEADER_BYTES = 148 };

/* RTree: TreeParam, then Node (parent, left, right, feature | default_left << 31, value), then
 * RTreeNodeStat (gain, cover, weight, leaf children). */
static bool read_tree(struct cursor *cursor, struct ensemble *ensemble, struct scratch *scratch)
{
    const unsigned char *header = take(cursor, TREE_HEADER_BYTES, "a tree");
    if (!header)
        return false;
    int32_t count = integer_at(header, 1);
    if (count <= 0 || (size_t)count > left(cursor) / (NODE_BYTES + STATISTIC_BYTES))
        return fail(cursor->error, LATHE_INVALID_MODEL, "a tree of %d nodes, %zu bytes left", count,
                    left(cursor));
    if (integer_at(header, 5) > 1)
        return fail(cursor->error, LATHE_UNSUPPORTED, "vector leaves in the old binary form");
    size_t nodes = (size_t)count;
    if (!ensemble_grow(&scratch->data, &scratch->room, nodes, SLICES * sizeof(int32_t),
                       cursor->error))
        return false;
    int32_t *integers = scratch->data;
    int32_t *child_left = integers, *child_right = integers + nodes;
    int32_t *feature = integers + 2 * nodes, *default_left = integers + 3 * nodes;
    float *value = (float *)(integers + 4 * nodes);
    float *gain = value + nodes, *cover = value + 2 * nodes;

    const unsigned char *node = take(cursor, nodes * NODE_BYTES, "nodes");
    for (size_t i = 0; i < nodes; i++, node += NODE_BYTES) {
        child_left[i] = integer_at(node, 1);
        child_right[i] = integer_at(node, 2);
        feature[i] = (int32_t)(word_at(node, 3) & 0x7FFFFFFF);
        default_left[i] = word_at(node, 3) >> 31 != 0;
        value[i] = float_at(node, 4);
    }
    const unsigned char *statistic = take(cursor, nodes * STATISTIC_BYTES, "statistics");
    for (size_t i = 0; i < nodes; i++, statistic += STATISTIC_BYTES) {
        gain[i] = float_at(statistic, 0);
        cover[i] = float_at(statistic, 1);
    }
    struct tree_columns columns = {.count = nodes,
                                   .left = child_left,
                                   .right = child_right,
                                   .feature = feature,
                                   .default_left = default_left,
                                   .value = value,
                                   .gain = gain,
                                   .cover = cover,
                                   .leaf_size = 1};
    return ensemble_add_tree(ensemble, &columns, cursor->error);
}

/* What is allocated while reading, freed at one place. */
struct loose {
    struct scratch scratch;
    int32_t *tree_outputs;
    float *tree_weights, *linear;
};

/* GBTreeModelParam (160 bytes), the trees, then each one's output; dart adds its weights. */
static bool read_trees(struct cursor *cursor, struct ensemble *ensemble, struct loose *loose,
                       struct model_facts *facts)
{
    const unsigned char *header = take(cursor, 160, "the booster's parameters");
    if (!header)
        return false;
    int32_t count = integer_at(header, 0);
    if (count < 0 || (size_t)count > left(cursor) / TREE_HEADER_BYTES)
        return fail(cursor->error, LATHE_INVALID_MODEL, "%d trees, %zu bytes left", count,
                    left(cursor));
    for (int32_t i = 0; i < count; i++)
        if (!read_tree(cursor, ensemble, &loose->scratch))
            return false;
    const unsigned char *outputs = take(cursor, 4 * (size_t)count, "tree_info");
    loose->tree_outputs = malloc(((size_t)count + 1) * sizeof *loose->tree_outputs);
    if (!outputs || !loose->tree_outputs)
        return outputs && fail(cursor->error, LATHE_NO_MEMORY, "no memory for %d trees", count);
    for (int32_t i = 0; i < count; i++)
        loose->tree_outputs[i] = integer_at(outputs, (size_t)i);
    facts->tree_outputs = loose->tree_outputs;
    facts->tree_output_count = (size_t)count;
    if (strcmp(facts->booster, "dart") != 0 || count == 0)
        return true;
    bool good = take_floats(cursor, &loose->tree_weights, &facts->tree_weight_count, "weight_drop");
    facts->tree_weights = loose->tree_weights;
    return good;
}

/* vector<pair<string, string>>. */
static bool read_attributes(struct cursor *cursor, struct ensemble *ensemble)
{
    size_t count, length;
    if (!take_length(cursor, 16, SIZE_MAX, &count, "the attributes"))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!take_length(cursor, 1, SIZE_MAX, &length, "an attribute's name"))
            return false;
        const unsigned char *name = take(cursor, length, "an attribute's name");
        bool limit = length == 16 && memcmp(name, "best_ntree_limit", 16) == 0;
        if (!take_length(cursor, 1, SIZE_MAX, &length, "an attribute"))
            return false;
        const unsigned char *value = take(cursor, length, "an attribute");
        int64_t number = 0;
        for (size_t k = 0; k < length && k < 18 && value[k] >= '0' && value[k] <= '9'; k++)
            number = number * 10 + (value[k] - '0');
        if (limit)
            ensemble->best_ntree_limit = number;
    }
    return true;
}

static bool read_all(struct cursor *cursor, struct ensemble *ensemble, struct loose *loose)
{
    if (left(cursor) >= 4 && memcmp(cursor->next, "binf", 4) == 0)
        cursor->next += 4;
    /* LearnerModelParamLegacy */
    const unsigned char *header = take(cursor, 136, "the learner's parameters");
    char objective[64], booster[16];
    if (!header || !take_name(cursor, objective, sizeof objective, "the objective's name") ||
        !take_name(cursor, booster, sizeof booster, "the booster's name"))
        return false;
    uint32_t version = word_at(header, 5);
    float base_score = float_at(header, 0);
    struct model_facts facts = {
        .features = word_at(header, 1),
        .classes = integer_at(header, 2),
        .targets = version ? integer_at(header, 7) : 1,
        .base_score = &base_score,
        .base_score_count = 1,
        .base_score_is_margin = version == 0,
        .objective = objective,
        .booster = booster,
    };
    if (strcmp(booster, "gblinear") == 0) {
        /* GBLinearModelParam */
        bool good = take(cursor, 136, "the booster's parameters") &&
                    take_floats(cursor, &loose->linear, &facts.linear_count, "weights");
        facts.linear = loose->linear;
        good = good && ensemble_finish(ensemble, &facts, cursor->error);
        loose->linear = facts.linear;
        return good;
    }
    return read_trees(cursor, ensemble, loose, &facts) &&
           ensemble_finish(ensemble, &facts, cursor->error) &&
           (!integer_at(header, 3) || read_attributes(cursor, ensemble));
}

/* As pickles of 1.0 to 1.2 have it: the training's configuration is behind the model, where that
 * ends. */
static bool skip_offset(struct cursor *cursor)
{
    static const char mark[] = "CONFIG-offset:";
    size_t size = sizeof mark - 1, length;
    if (left(cursor) < size || memcmp(cursor->next, mark, size) != 0)
        return true;
    cursor->next += size;
    if (!take_length(cursor, 1, SIZE_MAX, &length, "the configuration's offset"))
        return false;
    cursor->end = cursor->next + length;
    return true;
}

bool model_read_binary(struct ensemble *ensemble, const void *bytes, size_t size,
                       struct lathe_error *error)
{
    struct cursor cursor = {bytes, (const unsigned char *)bytes + size, error};
    if (!skip_offset(&cursor))
        return false;
    struct loose loose = {0};
    bool good = read_all(&cursor, ensemble, &loose);
    free(loose.scratch.data);
    free(loose.tree_outputs);
    free(loose.tree_weights);
    free(loose.linear);
    return good;
}
