#include "tree/cuts.h"

#include "parse/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t key_of(const struct split *split)
{
    return (uint64_t)split->feature << 32 | split->threshold;
}

/* Sorts by feature, then threshold: by digits from the lowest, as few as the keys need, of up to 13
 * bits, or 8 where the splits are too few to be worth so many values. Returns where the result is,
 * in splits or in spare. */
static struct split *radix_sort(struct split *splits, struct split *spare, size_t count)
{
    enum { MOST_BITS = 13, FEW_BITS = 8, FEW_SPLITS = 4096 };
    unsigned most = count < FEW_SPLITS ? FEW_BITS : MOST_BITS;
    uint64_t differ = 0;
    for (size_t i = 1; i < count; i++)
        differ |= key_of(&splits[i]) ^ key_of(&splits[0]);
    unsigned bits = differ ? 64 - (unsigned)__builtin_clzll(differ) : 0;
    unsigned digits = (bits + most - 1) / most, width = digits ? (bits - 1) / digits + 1 : 0;
    uint64_t mask = ((uint64_t)1 << width) - 1;
    for (unsigned digit = 0; digit < digits; digit++) {
        uint32_t starts[1 << MOST_BITS], at = 0;
        memset(starts, 0, (mask + 1) * sizeof *starts);
        for (size_t i = 0; i < count; i++)
            starts[key_of(&splits[i]) >> digit * width & mask]++;
        for (size_t i = 0; i <= mask; i++) {
            uint32_t here = starts[i];
            starts[i] = at;
            at += here;
        }
        for (size_t i = 0; i < count; i++)
            spare[starts[key_of(&splits[i]) >> digit * width & mask]++] = splits[i];
        struct split *swap = splits;
        splits = spare;
        spare = swap;
    }
    return splits;
}

/* The float that cut_order made a number of. */
static float cut_value(uint32_t order)
{
    uint32_t bits = order ^ ((order >> 31 ? 0 : 0x7FFFFFFFu) | 0x80000000u);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static struct cut_step step_of(uint32_t column, int8_t threshold)
{
    return (struct cut_step){column * BLOCK_ROWS, 0x01010101u * (uint8_t)threshold};
}

/* Walks the sorted splits, each the first of those that are alike: a new key is a new cut, a full
 * band or a new feature a new band. */
static void rank_splits(struct cut_plan *plan, const struct split *splits, size_t count,
                        struct cut_step *steps)
{
    struct band *band = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct split *split = &splits[i];
        bool same = i && key_of(split) == key_of(split - 1);
        if (!same && (!band || band->feature != split->feature || band->count == MOST_CUTS)) {
            band = &plan->bands[plan->band_count++];
            *band = (struct band){split->feature, (uint32_t)plan->cut_count, 0, 0, NO_COLUMN,
                                  NO_COLUMN};
        }
        if (!same) {
            plan->cuts[plan->cut_count++] = cut_value(split->threshold);
            band->count++;
            band->levels += band->count >> band->levels != 0;
        }
        uint32_t *column = split->default_left ? &band->low : &band->high;
        if (*column == NO_COLUMN)
            *column = (uint32_t)plan->columns++;
        steps[split->step] = step_of(*column, (int8_t)((int)band->count - CODE_BIAS));
    }
}

/* What splits that are alike are found by: the number, from 1, of the first one. */
struct known {
    uint32_t *slots;
    unsigned bits; /* there are 2^bits slots */
};

/* A split that is like this one, or `next`, which it then is itself. Where as many have been looked
 * at as are to be, it is one more like others: sorting and ranking do not mind. */
static ALWAYS_INLINE uint32_t find_alike(const struct known *known, const struct split *splits,
                                         const struct split *split, uint32_t next)
{
    enum { MOST_TRIES = 4 };
    uint64_t key = key_of(split) | (uint64_t)split->default_left << 63;
    size_t slot = key * 0x9E3779B97F4A7C15u >> (64 - known->bits);
    for (size_t i = 0; i < MOST_TRIES; i++) {
        uint32_t *at = &known->slots[slot ^ i];
        if (*at == 0) {
            *at = next + 1;
            return next;
        }
        const struct split *other = &splits[*at - 1];
        if (key_of(other) == key_of(split) && other->default_left == split->default_left)
            return *at - 1;
    }
    return next;
}

/* Trees share most of their splits: only the different ones are sorted. Moves these to the front of
 * a copy of the splits, numbered as steps of their own, and leaves in each split's threshold which
 * of them it is. Returns how many there are. */
static size_t find_different(struct split *splits, size_t count, const struct known *known,
                             struct split *different)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        different[found] = splits[i];
        different[found].step = found & MOST_STEPS;
        splits[i].threshold = find_alike(known, different, &splits[i], found);
        found += splits[i].threshold == found;
    }
    return found;
}

/* Bands and cuts of splits that are different, and each one's step. */
static bool plan_different(struct cut_plan *plan, struct split *splits, size_t count,
                           struct cut_step *steps)
{
    size_t bands = 1, cuts = 1;
    struct split *spare = malloc((count + 1) * sizeof *spare);
    if (spare) {
        struct split *sorted = radix_sort(splits, spare, count);
        for (size_t i = 1; i < count; i++) {
            cuts += key_of(&sorted[i]) != key_of(&sorted[i - 1]);
            bands += sorted[i].feature != sorted[i - 1].feature;
        }
        plan->bands = malloc((bands + cuts / MOST_CUTS) * sizeof *plan->bands);
        plan->cuts = malloc(cuts * sizeof *plan->cuts);
        if (plan->bands && plan->cuts)
            rank_splits(plan, sorted, count, steps);
    }
    free(spare);
    return plan->bands && plan->cuts;
}

static bool plan_numbers(struct cut_plan *plan, const struct split_list *list,
                         struct cut_step *steps, struct lathe_error *error)
{
    enum { LEAST_BITS = 8, MOST_BITS = 15 };
    size_t count = list->number_count;
    struct known known = {.bits = LEAST_BITS};
    while (known.bits < MOST_BITS && (size_t)1 << known.bits < 2 * count)
        known.bits++;
    known.slots = calloc((size_t)1 << known.bits, sizeof *known.slots);
    struct split *different = malloc((count + 1) * sizeof *different);
    struct cut_step *ranked = NULL;
    if (known.slots && different) {
        size_t found = find_different(list->numbers, count, &known, different);
        ranked = malloc((found + 1) * sizeof *ranked);
        if (ranked && plan_different(plan, different, found, ranked))
            for (size_t i = 0; i < count; i++)
                steps[list->numbers[i].step] = ranked[list->numbers[i].threshold];
    }
    free(known.slots);
    free(different);
    free(ranked);
    return (plan->bands && plan->cuts) ||
           fail(error, LATHE_NO_MEMORY, "no memory for the cuts of %zu splits", count);
}

bool cuts_plan(struct cut_plan *plan, const struct ensemble *ensemble, struct split_list *list,
               struct cut_step *steps, struct lathe_error *error)
{
    if (!plan_numbers(plan, list, steps, error) ||
        !categories_plan(&plan->categories, ensemble, list->categories, list->category_count,
                         &plan->columns, error))
        return false;
    for (size_t i = 0; i < list->category_count; i++) {
        const struct category_split *split = &list->categories[i];
        if (split->slot != NO_COLUMN)
            steps[split->step] = step_of((uint32_t)plan->categories.outcomes + split->slot, 0);
    }
    return true;
}

void cuts_clear(struct cut_plan *plan)
{
    free(plan->bands);
    free(plan->cuts);
    categories_clear(&plan->categories);
    free(plan->search);
}

/* ---- applying ---- */

/* How many cuts are at or below the value: NaN none. */
static int count_cuts(const float *cuts, uint32_t count, float value)
{
    const float *at = cuts;
    while (count > 1) {
        uint32_t half = count / 2;
        at += (value >= at[half - 1]) * half; /* a product: a branch would be mispredicted */
        count -= half;
    }
    return (int)(at - cuts) + (count && value >= *at);
}

static void apply_band(const struct cut_plan *plan, const struct band *band,
                       const struct row_source *source, size_t first, size_t count, int8_t *columns,
                       size_t pitch)
{
    const float *cuts = plan->cuts + band->first;
    int8_t *low = band->low == NO_COLUMN ? NULL : columns + band->low * pitch;
    int8_t *high = band->high == NO_COLUMN ? NULL : columns + band->high * pitch;
    for (size_t r = 0; r < count; r++) {
        float value = row_value(source, first + r, band->feature);
        int8_t code = (int8_t)(count_cuts(cuts, band->count, value) - CODE_BIAS);
        bool missing = value != value;
        if (low)
            low[r] = missing ? CODE_LOWEST : code;
        if (high)
            high[r] = missing ? CODE_HIGHEST : code;
    }
}

void cuts_apply(const struct cut_plan *plan, const struct row_source *source, size_t first,
                size_t count, int8_t *columns, size_t pitch)
{
    for (size_t i = 0; i < plan->band_count; i++)
        apply_band(plan, &plan->bands[i], source, first, count, columns, pitch);
    categories_code(&plan->categories, source, first, count, columns, pitch);
}
