/* Trees as C: one table of nodes a model and the walk of src/tree/plain.c over it. */
#include "export/export_inside.h"
#include "tree/nodes.h"
#include "tree/objective.h"

#include <stdio.h>

enum { MOST_SETS = 1 << 24 }; /* their numbers stand among the nodes' floats */

/* One model on its way out. Its names in C end in _PART_MODEL. */
struct model {
    struct code *code;
    const struct forest *forest;
    const struct forest_info *info;
    const float *linear;
    bool vectors;
    size_t sets; /* categorical splits */
    char id[48];
};

static void model_open(struct model *model, struct code *code, const struct part *part,
                       size_t index, size_t number)
{
    const struct forest *forest = part->forests[number];
    *model = (struct model){.code = code,
                            .forest = forest,
                            .info = forest_describe(forest),
                            .linear = forest_linear(forest),
                            .vectors = forest_vector_leaves(forest)};
    snprintf(model->id, sizeof model->id, "%zu_%zu", index, number);
    for (size_t t = 0; t < model->info->trees; t++)
        for (size_t i = 0; i < forest_tree(forest, t).nodes; i++)
            model->sets += forest_node(forest, t, i).categorical;
}

/* ---- tables ---- */

static void put_node(struct code *code, const struct forest_node *node, bool vectors,
                     size_t *leaves, size_t *sets)
{
    if (node->left < 0) {
        code_put(code, "    {-1, %zu, 0, ", vectors ? (*leaves)++ : 0);
        code_float(code, vectors ? 0 : *node->values);
    } else {
        uint32_t how = node->feature << 2 | (unsigned)node->categorical << 1 | node->default_left;
        code_put(code, "    {%d, %d, %u, ", node->left, node->right, how);
        code_float(code, node->categorical ? (float)(*sets)++ : node->threshold);
    }
    code_put(code, "},\n");
}

static void put_nodes(const struct model *model)
{
    struct code *code = model->code;
    const struct forest_info *info = model->info;
    size_t leaves = 0, sets = 0, first = 0;
    code_put(code,
             "\n/* A leaf's left is -1; a split's value is its threshold, a leaf's its own. `how` "
             "is the\n * feature times 4, and 1 where missing goes left, and 2 where the value is "
             "a category: those\n * of the set whose number stands for a threshold go right. */\n"
             "static const struct {\n    int32_t left, right, how;\n    float value;\n"
             "} nodes_%s[%zu] = {\n",
             model->id, info->nodes);
    for (size_t t = 0; t < info->trees; t++)
        for (size_t i = 0; i < forest_tree(model->forest, t).nodes; i++) {
            const struct forest_node node = forest_node(model->forest, t, i);
            put_node(code, &node, model->vectors, &leaves, &sets);
        }
    code_put(code, "};\n\nstatic const struct {\n    int32_t first, output;\n} trees_%s[%zu] = {\n",
             model->id, info->trees);
    for (size_t t = 0; t < info->trees; t++) {
        const struct forest_tree tree = forest_tree(model->forest, t);
        code_put(code, "    {%zu, %zu},\n", first, tree.output);
        first += tree.nodes;
    }
    code_put(code, "};\n");
}

static void put_floats(const struct model *model, const char *name, const float *values,
                       size_t count)
{
    code_put(model->code, "\nstatic const float %s_%s[%zu] = {", name, model->id, count);
    for (size_t i = 0; i < count; i++) {
        code_put(model->code, "%s", i % 6 ? " " : "\n    ");
        code_float(model->code, values[i]);
        code_put(model->code, ",");
    }
    code_put(model->code, "\n};\n");
}

/* In the order in which put_node numbers them. */
static void put_vector_leaves(const struct model *model)
{
    struct code *code = model->code;
    code_put(code, "\nstatic const float leaves_%s[][%zu] = {\n", model->id, model->info->outputs);
    for (size_t t = 0; t < model->info->trees; t++)
        for (size_t i = 0; i < forest_tree(model->forest, t).nodes; i++) {
            const struct forest_node node = forest_node(model->forest, t, i);
            if (node.left >= 0)
                continue;
            code_put(code, "    {");
            for (size_t k = 0; k < model->info->outputs; k++) {
                code_put(code, "%s", k ? ", " : "");
                code_float(code, node.values[k]);
            }
            code_put(code, "},\n");
        }
    code_put(code, "};\n");
}

static void put_set(const struct model *model, uint32_t set)
{
    size_t k = 0;
    for (int64_t category = forest_category(model->forest, set, 0); category >= 0;
         category = forest_category(model->forest, set, (uint32_t)category + 1))
        code_put(model->code, "%s%d,", k++ % 16 ? " " : "\n    ", (int)category);
}

static size_t count_set(const struct model *model, uint32_t set)
{
    size_t count = 0;
    for (int64_t category = forest_category(model->forest, set, 0); category >= 0;
         category = forest_category(model->forest, set, (uint32_t)category + 1))
        count++;
    return count;
}

/* The categories of all splits one after the other, then where each split's lie. */
static void put_sets(const struct model *model)
{
    struct code *code = model->code;
    size_t first = 0;
    code_put(code, "\nstatic const int32_t categories_%s[] = {", model->id);
    for (size_t t = 0; t < model->info->trees; t++)
        for (size_t i = 0; i < forest_tree(model->forest, t).nodes; i++) {
            const struct forest_node node = forest_node(model->forest, t, i);
            if (node.categorical)
                put_set(model, node.set);
        }
    code_put(code,
             "\n    -1,\n};\n\nstatic const struct {\n    uint32_t first, count;\n"
             "} sets_%s[] = {\n",
             model->id);
    for (size_t t = 0; t < model->info->trees; t++)
        for (size_t i = 0; i < forest_tree(model->forest, t).nodes; i++) {
            const struct forest_node node = forest_node(model->forest, t, i);
            if (!node.categorical)
                continue;
            size_t count = count_set(model, node.set);
            code_put(code, "    {%zu, %zu},\n", first, count);
            first += count;
        }
    code_put(code,
             "};\n\nstatic int in_set_%s(uint32_t set, float value)\n{\n"
             "    if (!(value >= 0.0f && value < 16777216.0f))\n        return 0;\n"
             "    for (uint32_t i = 0; i < sets_%s[set].count; i++)\n"
             "        if (categories_%s[sets_%s[set].first + i] == (int32_t)value)\n"
             "            return 1;\n    return 0;\n}\n",
             model->id, model->id, model->id, model->id);
}

/* ---- margins: the order of the library's sums ---- */

static void put_walk(const struct model *model)
{
    struct code *code = model->code;
    const char *id = model->id;
    code_put(code, "    memcpy(out, base_%s, sizeof base_%s);\n", id, id);
    if (!model->info->trees) {
        code_put(code, "    (void)row;\n");
        return;
    }
    code_put(code,
             "    for (size_t i = 0; i < %zu; i++) {\n"
             "        int32_t first = trees_%s[i].first, at = first;\n"
             "        while (nodes_%s[at].left >= 0) {\n"
             "            int32_t how = nodes_%s[at].how;\n"
             "            float value = row[how >> 2], limit = nodes_%s[at].value;\n"
             "            int left = value != value ? how & 1 : ",
             model->info->trees, id, id, id, id);
    if (model->sets)
        code_put(code, "how & 2 ? !in_set_%s((uint32_t)limit, value) : ", id);
    code_put(code,
             "value < limit;\n"
             "            at = first + (left ? nodes_%s[at].left : nodes_%s[at].right);\n"
             "        }\n",
             id, id);
    if (model->vectors)
        code_put(code,
                 "        for (size_t k = 0; k < %zu; k++)\n"
                 "            out[k] += leaves_%s[nodes_%s[at].right][k];\n    }\n",
                 model->info->outputs, id, id);
    else
        code_put(code, "        out[trees_%s[i].output] += nodes_%s[at].value;\n    }\n", id, id);
}

static void put_linear(const struct model *model)
{
    size_t outputs = model->info->outputs, features = model->info->features;
    const char *id = model->id;
    code_put(model->code,
             "    for (size_t k = 0; k < %zu; k++) {\n"
             "        out[k] = weights_%s[%zu + k] + base_%s[k];\n"
             "        for (size_t i = 0; i < %zu; i++) {\n"
             "            volatile float product = row[i] * weights_%s[i * %zu + k];\n"
             "            if (row[i] == row[i])\n                out[k] += product;\n"
             "        }\n    }\n",
             outputs, id, features * outputs, id, features, id, outputs);
}

/* src/tree/objective.c, in the words of C, in place. */
static void put_transform(struct code *code, enum answer_kind answer, size_t outputs)
{
    static const char *const each[] = {
        [ANSWER_SIGMOID] = "1.0f / (expf(-out[k] < 88.7f ? -out[k] : 88.7f) + 1.0f + 1e-16f)",
        [ANSWER_EXP] = "expf(out[k])",
        [ANSWER_SIGN] = "out[k] > 0.0f ? 1.0f : 0.0f",
    };
    switch (answer) {
    case ANSWER_MARGIN:
        return;
    case ANSWER_CLASS:
        code_put(code,
                 "    size_t best = 0;\n    for (size_t k = 1; k < %zu; k++)\n"
                 "        if (out[k] > out[best])\n            best = k;\n"
                 "    out[0] = (float)best;\n",
                 outputs);
        return;
    case ANSWER_SOFTMAX:
        code_put(code,
                 "    float largest = out[0];\n    double total = 0.0;\n"
                 "    for (size_t k = 1; k < %zu; k++)\n"
                 "        largest = out[k] > largest ? out[k] : largest;\n"
                 "    for (size_t k = 0; k < %zu; k++) {\n"
                 "        out[k] = expf(out[k] - largest);\n        total += (double)out[k];\n"
                 "    }\n    for (size_t k = 0; k < %zu; k++)\n"
                 "        out[k] /= (float)total;\n",
                 outputs, outputs, outputs);
        return;
    default:
        code_put(code, "    for (size_t k = 0; k < %zu; k++)\n        out[k] = %s;\n", outputs,
                 each[answer]);
    }
}

/* A model: its tables, and a function from a row to its prediction. */
static bool put_model(const struct model *model, struct lathe_error *error)
{
    const struct forest_info *info = model->info;
    if (model->sets > MOST_SETS)
        return fail(error, LATHE_LIMIT, "%zu categorical splits are exported at most, found %zu",
                    (size_t)MOST_SETS, model->sets);
    put_floats(model, "base", info->base_margin, info->outputs);
    if (model->linear)
        put_floats(model, "weights", model->linear, (info->features + 1) * info->outputs);
    else if (info->trees)
        put_nodes(model);
    if (model->vectors)
        put_vector_leaves(model);
    if (model->sets)
        put_sets(model);
    code_put(model->code, "\nstatic void model_%s(const float *row, float *out)\n{\n", model->id);
    if (model->linear)
        put_linear(model);
    else
        put_walk(model);
    put_transform(model->code, objective_find(info->objective)->answer, info->outputs);
    code_put(model->code, "}\n");
    return true;
}

/* ---- several models: src/model/run.c's way to put their predictions together ---- */

static void put_vote(struct code *code, const struct part *part)
{
    code_put(code,
             "    for (size_t k = 0; k < %zu; k++) {\n"
             "        float best = answers[0][k];\n        size_t most = 0;\n"
             "        for (size_t i = 0; i < %zu; i++) {\n            size_t votes = 0;\n"
             "            for (size_t j = 0; j < %zu; j++)\n"
             "                votes += answers[j][k] == answers[i][k];\n"
             "            if (votes > most || (votes == most && answers[i][k] < best)) {\n"
             "                best = answers[i][k];\n                most = votes;\n"
             "            }\n        }\n        answer[k] = best;\n    }\n",
             part->answers, part->forest_count, part->forest_count);
}

static void put_average(struct code *code, const struct part *part)
{
    code_put(code,
             "    for (size_t k = 0; k < %zu; k++) {\n        float sum = answers[0][k];\n"
             "        for (size_t i = 1; i < %zu; i++)\n            sum += answers[i][k];\n"
             "        answer[k] = sum / %zu.0f;\n    }\n",
             part->answers, part->forest_count, part->forest_count);
}

static void put_together(struct code *code, const struct part *part, size_t index, size_t outputs)
{
    if (part->forest_count == 1) {
        code_put(code, "    float answer[%zu];\n    model_%zu_0(row, answer);\n", outputs, index);
        return;
    }
    code_put(code, "    float answers[%zu][%zu], answer[%zu];\n", part->forest_count, outputs,
             part->answers);
    for (size_t i = 0; i < part->forest_count; i++)
        code_put(code, "    model_%zu_%zu(row, answers[%zu]);\n", index, i, i);
    if (part->vote)
        put_vote(code, part);
    else
        put_average(code, part);
}

/* ---- the part ---- */

/* src/model/selection.c, for one row. */
static void put_selected(struct code *code, const struct selection *selection,
                         const struct selected *selected, size_t at)
{
    static const char *const labels[SELECT_FROM_SOFTPROB + 1] = {
        [SELECT_FROM_LOGISTIC] = "answer[0] > 0.5f",
        [SELECT_FROM_LOGITRAW] = "answer[0] > 0.0f",
        [SELECT_FROM_SOFTPROB] = "(double)best",
    };
    bool softprob = selection->objective == SELECT_FROM_SOFTPROB;
    const char *label = labels[selection->objective];
    if (!selected->valid) {
        code_put(code, "    out[%zu] = (double)NAN;\n", at);
    } else if (selected->key == SELECT_PREDICTED_LABEL) {
        code_put(code, "    out[%zu] = %s;\n", at, label ? label : "(double)answer[0]");
    } else if (selected->list && !softprob && selected->key != SELECT_LABELS) {
        code_put(code, "    out[%zu] = 1.0 - (double)answer[0];\n", at);
        code_put(code, "    out[%zu] = (double)answer[0];\n", at + 1);
    } else if (selected->list) {
        code_put(code, "    for (size_t k = 0; k < %zu; k++)\n        out[%zu + k] = %s;\n",
                 selected->width, at,
                 selected->key == SELECT_LABELS ? "(double)k" : "(double)answer[k]");
    } else {
        code_put(code, "    out[%zu] = (double)answer[%s];\n", at, softprob ? "best" : "0");
    }
}

static void put_selection(struct code *code, const struct selection *selection)
{
    size_t at = 0;
    if (selection->objective == SELECT_FROM_SOFTPROB)
        code_put(code,
                 "    size_t best = 0;\n    for (size_t k = 1; k < %zu; k++)\n"
                 "        if (answer[k] > answer[best])\n            best = k;\n    (void)best;\n",
                 selection->classes);
    for (size_t i = 0; i < selection->count; i++) {
        put_selected(code, selection, &selection->selected[i], at);
        at += selection->selected[i].width;
    }
}

bool export_trees(struct code *code, const struct part *part, size_t index,
                  struct lathe_error *error)
{
    const struct forest_info *info = forest_describe(part->forests[0]);
    for (size_t i = 0; i < part->forest_count; i++) {
        struct model model;
        model_open(&model, code, part, index, i);
        if (!put_model(&model, error))
            return false;
    }
    code_put(code,
             "\nstatic int part_%zu(const double *in, const char *const *in_text, double *out,\n"
             "    const char **out_text)\n{\n    float row[%zu]%s;\n"
             "    (void)in;\n    (void)in_text;\n    (void)out_text;\n",
             index, info->features ? info->features : 1, info->features ? "" : " = {0}");
    if (info->features)
        code_put(code, "    for (size_t i = 0; i < %zu; i++)\n        row[i] = (float)in[i];\n",
                 info->features);
    put_together(code, part, index, info->outputs);
    if (part->selection.count)
        put_selection(code, &part->selection);
    else
        code_put(code,
                 "    for (size_t k = 0; k < %zu; k++)\n        out[k] = (double)answer[k];\n",
                 part->answers);
    code_put(code, "    return 0;\n}\n");
    return true;
}
