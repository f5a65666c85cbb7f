#include "parse/word.h"
#include "tree/sliced.h"

#include <stdlib.h>
#include <string.h>

/* How many codes each feature has: 0 where no split has categories of it. */
static uint32_t *count_codes(const struct ensemble *ensemble, const struct category_split *splits,
                             size_t count)
{
    uint32_t *codes = calloc((size_t)ensemble->used_features + 1, sizeof *codes);
    for (size_t i = 0; codes && i < count; i++) {
        const struct tree_node *node = splits[i].node;
        uint32_t needed = CODE_FIRST + ensemble->sets[node->set].end;
        if (needed > codes[node->feature])
            codes[node->feature] = needed;
    }
    return codes;
}

/* By feature, and where each one is among them left in its count of codes. */
static bool place_features(struct category_plan *plan, uint32_t *codes, uint32_t used_features,
                           size_t *columns)
{
    for (uint32_t f = 0; f < used_features; f++) {
        if (!codes[f])
            continue;
        if (codes[f] > MOST_CATEGORY + CODE_FIRST)
            return false;
        plan->features[plan->feature_count] =
            (struct category_feature){f, codes[f], (uint32_t)*columns};
        *columns += 2 * (size_t)category_pages(codes[f]);
        codes[f] = (uint32_t)plan->feature_count++;
    }
    return true;
}

static size_t set_bytes(uint32_t codes)
{
    uint32_t pages = category_pages(codes);
    return pages > 1 ? (size_t)pages * PAGE_BYTES
                     : ((codes + 7) / 8 + SET_UNIT - 1) / SET_UNIT * SET_UNIT;
}

static void add_code(uint8_t *set, uint32_t code)
{
    set[code / 8] |= (uint8_t)(1 << code % 8);
}

/* Words of categories as codes, which are some higher: what that carries out of the last word is
 * there only where the set has room for it. */
static void add_words(uint8_t *set, const uint64_t *words, size_t count)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < count; i++) {
        word_store((char *)set + 8 * i, words[i] << CODE_FIRST | carry);
        carry = words[i] >> (64 - CODE_FIRST);
    }
    if (carry)
        set[8 * count] = (uint8_t)carry;
}

static void fill_set(const struct ensemble *ensemble, const struct tree_node *node, uint8_t *set)
{
    const struct category_set *from = &ensemble->sets[node->set];
    add_words(set, ensemble->set_bits + from->bits, from->words);
    for (uint32_t i = 0; i < from->count; i++)
        add_code(set, CODE_FIRST + (uint32_t)ensemble->categories[from->first + i]);
    if (!node->default_left)
        add_code(set, CODE_MISSING);
}

static uint64_t find_units(const uint8_t *set, size_t size)
{
    uint64_t units = 0;
    for (size_t i = 0; i < size; i += 8) /* of a unit of 16 */
        units |= (uint64_t)(word_load((const char *)set + i) != 0) << i / SET_UNIT;
    return units;
}

static void lay_thresholds(uint8_t *sets)
{
    for (uint32_t threshold = 0; threshold < THRESHOLDS; threshold++) {
        uint8_t *set = sets + threshold_set(threshold);
        memset(set + threshold / 8, 0xFF, THRESHOLD_BYTES - threshold / 8);
        set[threshold / 8] = (uint8_t)(0xFF << threshold % 8);
    }
}

/* Each split's test, without its set, and how many bytes the sets take. */
static size_t place_tests(struct category_plan *plan, const struct category_split *splits,
                          size_t count, const uint32_t *places, size_t *columns)
{
    size_t bytes = THRESHOLDS * THRESHOLD_BYTES, slots = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t place = places[splits[i].node->feature];
        const struct category_feature *feature = &plan->features[place];
        size_t size = set_bytes(feature->codes);
        plan->tests[i] = (struct category_test){
            .feature = place,
            .column = feature->column,
            .set = (uint32_t)bytes,
            .size = (uint16_t)size,
            .pages = (uint16_t)category_pages(feature->codes),
        };
        bytes += size;
        if (splits[i].slot != UINT32_MAX && splits[i].slot >= slots)
            slots = splits[i].slot + 1;
    }
    plan->test_count = count;
    plan->outcomes = *columns;
    *columns += slots;
    return bytes;
}

static bool no_memory(size_t count, struct lathe_error *error)
{
    return fail(error, LATHE_NO_MEMORY, "no memory for %zu categorical splits", count);
}

static bool plan_all(struct category_plan *plan, const struct ensemble *ensemble,
                     const struct category_split *splits, size_t count, uint32_t *codes,
                     size_t *columns, struct lathe_error *error)
{
    if (!place_features(plan, codes, ensemble->used_features, columns))
        return false;
    size_t bytes = place_tests(plan, splits, count, codes, columns);
    size_t held = 4 * ensemble->category_count + 8 * ensemble->word_count;
    if (bytes > 64 * held + ((size_t)1 << 24) || bytes > UINT32_MAX)
        return false;
    plan->sets = calloc(bytes + PAGE_BYTES, 1);
    if (!plan->sets)
        return no_memory(count, error);
    lay_thresholds(plan->sets);
    for (size_t i = 0; i < count; i++) {
        uint8_t *set = plan->sets + plan->tests[i].set;
        fill_set(ensemble, splits[i].node, set);
        plan->tests[i].units = find_units(set, plan->tests[i].size);
    }
    return true;
}

bool categories_plan(struct category_plan *plan, const struct ensemble *ensemble,
                     const struct category_split *splits, size_t count, size_t *columns,
                     struct lathe_error *error)
{
    plan->first = plan->outcomes = *columns;
    if (!ensemble->set_count)
        return true;
    uint32_t *codes = count_codes(ensemble, splits, count);
    size_t features = count < ensemble->used_features ? count : ensemble->used_features;
    plan->features = malloc((features + 1) * sizeof *plan->features);
    plan->tests = malloc((count + 1) * sizeof *plan->tests);
    bool planned = codes && plan->features && plan->tests
                       ? plan_all(plan, ensemble, splits, count, codes, columns, error)
                       : no_memory(count, error);
    free(codes);
    return planned;
}

void categories_clear(struct category_plan *plan)
{
    free(plan->features);
    free(plan->tests);
    free(plan->sets);
}

/* As category_in_set has it: truncated, and nothing where it is no category. */
static uint32_t code_of(const struct category_feature *feature, float value)
{
    if (value != value)
        return CODE_MISSING;
    bool known = value >= 0.0f && value < (float)(feature->codes - CODE_FIRST);
    return known ? CODE_FIRST + (uint32_t)value : CODE_NONE;
}

void categories_code(const struct category_plan *plan, const struct row_source *source,
                     size_t first, size_t count, int8_t *columns, size_t pitch)
{
    for (size_t i = 0; i < plan->feature_count; i++) {
        const struct category_feature *feature = &plan->features[i];
        uint32_t pages = category_pages(feature->codes);
        for (size_t r = 0; r < count; r++) {
            uint32_t code = code_of(feature, row_value(source, first + r, feature->feature));
            int8_t *out = columns + feature->column * pitch + r;
            for (uint32_t page = 0; page < pages; page++, out += 2 * pitch) {
                bool here = code / PAGE_CODES == page;
                out[0] = (int8_t)(code % PAGE_CODES / 8);
                out[pitch] = (int8_t)(here ? 1 << code % 8 : 0);
            }
        }
    }
}

void categories_code_block(const struct category_plan *plan, const struct row_block *block,
                           size_t vector, category_coder *code)
{
    _Alignas(64) float values[BLOCK_ROWS];
    size_t whole = (block->count + vector - 1) / vector * vector;
    for (size_t i = 0; i < plan->feature_count; i++) {
        const struct category_feature *feature = &plan->features[i];
        for (size_t r = 0; r < block->count; r++)
            values[r] = row_value(block->source, block->first + r, feature->feature);
        for (size_t r = block->count; r < whole; r++)
            values[r] = 0; /* rows that are not there */
        code(feature, values, whole, block->columns + feature->column * BLOCK_ROWS);
    }
}
