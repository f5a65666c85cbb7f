/* Trees as C: one table of nodes and the walk of src/tree/plain.c over it. */
#include "model/export.h"
#include "tree/forest_parts.h"

#include <stdlib.h>

static void put_nodes(struct code *code, const struct ensemble *ensemble, size_t index)
{
    code_put(
        code,
        "\n/* A leaf has no left; a node's value is its threshold, a leaf's its own; `how` is\n"
        " * the feature, shifted by 2: 1 where missing goes left, 2 where the value is a\n"
        " * category, right of which are those in the set. */\n"
        "static const struct {\n    int32_t left, right, how;\n    float value;\n"
        "} nodes_%zu[%zu] = {\n",
        index, ensemble->node_count ? ensemble->node_count : 1);
    for (size_t t = 0; t < ensemble->tree_count; t++) {
        const struct tree *tree = &ensemble->trees[t];
        for (size_t i = 0; i < tree->count; i++) {
            const struct tree_node *node = &ensemble->nodes[tree->first + i];
            if (node->left == NO_CHILD) {
                code_put(code, "    {-1, %d, 0, ", ensemble->vector_leaves ? node->right : 0);
                code_float(code, ensemble->vector_leaves ? 0 : node->leaf);
            } else {
                code_put(code, "    {%d, %d, %d, ", node->left, node->right,
                         (int)(node->feature << 2 | (unsigned)node->categorical << 1 |
                               node->default_left));
                code_float(code, node->categorical ? (float)node->set : node->threshold);
            }
            code_put(code, "},\n");
        }
    }
    code_put(code, "%s};\n", ensemble->node_count ? "" : "    {-1, 0, 0, 0},\n");
    code_put(code, "static const struct {\n    int32_t first, output;\n} trees_%zu[%zu] = {\n",
             index, ensemble->tree_count ? ensemble->tree_count : 1);
    for (size_t t = 0; t < ensemble->tree_count; t++)
        code_put(code, "    {%zu, %u},\n", ensemble->trees[t].first, ensemble->trees[t].output);
    code_put(code, "%s};\n", ensemble->tree_count ? "" : "    {0, 0},\n");
}

static void put_floats(struct code *code, const char *name, size_t index, const float *values,
                       size_t count)
{
    code_put(code, "static const float %s_%zu[%zu] = {", name, index, count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        code_put(code, "%s", i % 6 ? " " : "\n    ");
        code_float(code, values[i]);
        code_put(code, ",");
    }
    code_put(code, "%s\n};\n", count ? "" : "0");
}

static void put_sets(struct code *code, const struct ensemble *ensemble, size_t index)
{
    code_put(code, "static const int32_t categories_%zu[] = {", index);
    for (size_t i = 0; i < ensemble->category_count; i++)
        code_put(code, "%s%d,", i % 16 ? " " : "\n    ", ensemble->categories[i]);
    code_put(code, "\n};\nstatic const struct {\n    uint32_t first, count;\n} sets_%zu[] = {\n",
             index);
    for (size_t i = 0; i < ensemble->set_count; i++)
        code_put(code, "    {%u, %u},\n", ensemble->sets[i].first, ensemble->sets[i].count);
    code_put(code,
             "};\n\nstatic int in_set_%zu(uint32_t set, float value)\n{\n"
             "    if (!(value >= 0.0f && value < 16777216.0f))\n        return 0;\n"
             "    for (uint32_t i = 0; i < sets_%zu[set].count; i++)\n"
             "        if (categories_%zu[sets_%zu[set].first + i] == (int32_t)value)\n"
             "            return 1;\n    return 0;\n}\n",
             index, index, index, index);
}

/* sum += leaf, for one tree or all: the order of the library's. */
static void put_walk(struct code *code, const struct ensemble *ensemble, size_t index)
{
    code_put(code,
             "    for (size_t i = 0; i < %zu; i++) {\n"
             "        int32_t first = trees_%zu[i].first, at = first;\n"
             "        while (nodes_%zu[at].left >= 0) {\n"
             "            int32_t how = nodes_%zu[at].how;\n"
             "            float value = row[how >> 2], limit = nodes_%zu[at].value;\n"
             "            int left = value != value ? how & 1 : ",
             ensemble->tree_count, index, index, index, index);
    if (ensemble->set_count)
        code_put(code, "how & 2 ? !in_set_%zu((uint32_t)limit, value) : ", index);
    code_put(code,
             "value < limit;\n"
             "            at = first + (left ? nodes_%zu[at].left : nodes_%zu[at].right);\n"
             "        }\n",
             index, index);
    if (ensemble->vector_leaves)
        code_put(
            code,
            "        for (size_t k = 0; k < %zu; k++)\n"
            "            sum[k] += leaves_%zu[(size_t)nodes_%zu[at].right * %zu + k];\n    }\n",
            ensemble->outputs, index, index, ensemble->outputs);
    else
        code_put(code, "        sum[trees_%zu[i].output] += nodes_%zu[at].value;\n    }\n", index,
                 index);
}

static void put_linear(struct code *code, const struct ensemble *ensemble, size_t index)
{
    code_put(code,
             "    for (size_t k = 0; k < %zu; k++) {\n"
             "        sum[k] = weights_%zu[%zu + k] + base_%zu[k];\n"
             "        for (size_t i = 0; i < %zu; i++) {\n"
             "            volatile float product = row[i] * weights_%zu[i * %zu + k];\n"
             "            if (row[i] == row[i])\n                sum[k] += product;\n"
             "        }\n    }\n",
             ensemble->outputs, index, ensemble->features * ensemble->outputs, index,
             ensemble->features, index, ensemble->outputs);
}

/* src/tree/objective.c, in the words of C. */
static void put_answer(struct code *code, const struct ensemble *ensemble)
{
    static const char *const each[] = {
        [ANSWER_MARGIN] = "(double)sum[k]",
        [ANSWER_SIGMOID] =
            ("(double)(1.0f / (expf(-sum[k] < 88.7f ? -sum[k] : 88.7f) + 1.0f + 1e-16f))"),
        [ANSWER_EXP] = "(double)expf(sum[k])",
        [ANSWER_SIGN] = "sum[k] > 0.0f ? 1.0 : 0.0",
    };
    size_t outputs = ensemble->outputs;
    if (ensemble->objective->answer == ANSWER_CLASS) {
        code_put(code,
                 "    size_t best = 0;\n    for (size_t k = 1; k < %zu; k++)\n"
                 "        if (sum[k] > sum[best])\n            best = k;\n"
                 "    out[0] = (double)best;\n",
                 outputs);
    } else if (ensemble->objective->answer == ANSWER_SOFTMAX) {
        code_put(code,
                 "    float largest = sum[0];\n    double total = 0;\n"
                 "    for (size_t k = 1; k < %zu; k++)\n"
                 "        largest = sum[k] > largest ? sum[k] : largest;\n"
                 "    for (size_t k = 0; k < %zu; k++) {\n"
                 "        sum[k] = expf(sum[k] - largest);\n        total += (double)sum[k];\n"
                 "    }\n    for (size_t k = 0; k < %zu; k++)\n"
                 "        out[k] = (double)(sum[k] / (float)total);\n",
                 outputs, outputs, outputs);
    } else {
        code_put(code, "    for (size_t k = 0; k < %zu; k++)\n        out[k] = %s;\n", outputs,
                 each[ensemble->objective->answer]);
    }
}

bool export_trees(struct code *code, const struct part *part, size_t index,
                  struct lathe_error *error)
{
    const struct ensemble *ensemble = &part->forests[0]->ensemble;
    if (part->selection.count)
        return fail(error, LATHE_UNSUPPORTED, "selected content is not exported");
    put_floats(code, "base", index, ensemble->base_margin, ensemble->outputs);
    if (ensemble->linear)
        put_floats(code, "weights", index, ensemble->linear,
                   (ensemble->features + 1) * ensemble->outputs);
    else
        put_nodes(code, ensemble, index);
    if (ensemble->vector_leaves)
        put_floats(code, "leaves", index, ensemble->leaves, ensemble->leaf_count);
    if (ensemble->set_count)
        put_sets(code, ensemble, index);
    code_put(code,
             "\nstatic int part_%zu(const double *in, const char *const *in_text, double *out,\n"
             "    const char **out_text)\n{\n    float row[%zu], sum[%zu];\n"
             "    (void)in_text;\n    (void)out_text;\n"
             "    for (size_t i = 0; i < %zu; i++)\n        row[i] = (float)in[i];\n",
             index, ensemble->features ? ensemble->features : 1, ensemble->outputs,
             ensemble->features);
    if (ensemble->linear) {
        put_linear(code, ensemble, index);
    } else {
        code_put(code, "    memcpy(sum, base_%zu, sizeof sum);\n", index);
        put_walk(code, ensemble, index);
    }
    put_answer(code, ensemble);
    code_put(code, "    return 0;\n}\n");
    return true;
}
