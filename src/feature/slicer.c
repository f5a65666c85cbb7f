/* VectorSlicer and ChiSqSelector: some elements of a vector. They compute nothing. */
#include "feature/kind.h"

static bool read_indices(struct bundle_node *node, const char *name, const size_t **indices,
                         size_t *count)
{
    struct feature_stage *stage = &node->stage;
    stage->width = ANY_WIDTH;
    if (json_member(node->attributes, "input_size") &&
        !node_whole(node, "input_size", 0, BUILD_WIDTH, &stage->width))
        return false;
    return node_indices(node, name, stage->width == ANY_WIDTH ? BUILD_WIDTH : stage->width, indices,
                        count);
}

static bool read_chi_sq(struct bundle_node *node)
{
    return node_shape(node, 1, 1) &&
           read_indices(node, "filter_indices", &node->stage.of.slicer.indices,
                        &node->stage.of.slicer.count);
}

/* First those given by number, then those given by name, whose numbers MLeap writes beside them. */
static bool read_slicer(struct bundle_node *node)
{
    const size_t *numbered, *named = NULL;
    size_t count, more = 0;
    if (!node_shape(node, 1, 1) || !read_indices(node, "indices", &numbered, &count))
        return false;
    if (json_member(node->attributes, "named_indices") &&
        !read_indices(node, "named_indices", &named, &more))
        return false;
    size_t *all = arena_take(node->arena, count + more, sizeof *all);
    if (!all)
        return fail_memory(node->error, "a bundle");
    for (size_t i = 0; i < count + more; i++)
        all[i] = i < count ? numbered[i] : named[i - count];
    node->stage.of.slicer.indices = all;
    node->stage.of.slicer.count = count + more;
    return true;
}

static void write_slicer(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    bool slicer = stage->kind == FEATURE_VECTOR_SLICER;
    put_indices(json, slicer ? "indices" : "filter_indices", "long", stage->of.slicer.indices,
                stage->of.slicer.count);
    if (slicer) {
        put_indices(json, "names", "string", NULL, 0);
        put_indices(json, "named_indices", "int", NULL, 0);
    }
    put_whole(json, "input_size", "int", stage->width);
}

static size_t pick_index(const struct feature_stage *stage, size_t element)
{
    return stage->of.slicer.indices[element];
}

static struct feature_column make_slice(const struct feature_stage *stage, size_t i, size_t total)
{
    (void)i;
    (void)total;
    return (struct feature_column){NULL, FEATURE_NUMBER, true, stage->of.slicer.count};
}

const struct kind KIND_SLICER = {
    .name = "VectorSlicer",
    .op = "vector_slicer",
    .read = read_slicer,
    .write = write_slicer,
    .ask = ask_vector,
    .make = make_slice,
    .form = form_same,
    .pick = pick_index,
};

const struct kind KIND_CHI_SQ = {
    .name = "ChiSqSelector",
    .op = "chi_sq_selector",
    .read = read_chi_sq,
    .write = write_slicer,
    .ask = ask_vector,
    .make = make_slice,
    .form = form_same,
    .pick = pick_index,
};
