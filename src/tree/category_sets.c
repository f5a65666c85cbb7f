/* The sets of categories that splits ask about, as a model file lists them. */
#include "parse/block.h"
#include "parse/target.h"
#include "tree/ensemble.h"

#include <stdlib.h>
#include <string.h>

bool category_listed(const struct ensemble *ensemble, uint32_t set, uint32_t category)
{
    const int32_t *at = ensemble->categories + ensemble->sets[set].first;
    size_t count = ensemble->sets[set].count;
    while (count > 1) {
        size_t half = count / 2;
        at += at[half] <= (int32_t)category ? half : 0;
        count -= half;
    }
    return count && *at == (int32_t)category;
}

int64_t category_set_next(const struct ensemble *ensemble, uint32_t set, uint32_t least)
{
    const struct category_set *from = &ensemble->sets[set];
    const int32_t *at = ensemble->categories + from->first;
    for (size_t left = from->count; left;) {
        size_t half = left / 2;
        bool below = (uint32_t)at[half] < least;
        at += below ? half + 1 : 0;
        left = below ? left - half - 1 : half;
    }
    if (from->count)
        return at < ensemble->categories + from->first + from->count ? *at : -1;
    uint64_t seen = (uint64_t)-1 << least % 64;
    for (uint32_t word = least / 64; word < from->words; word++, seen = (uint64_t)-1) {
        uint64_t found = ensemble->set_bits[from->bits + word] & seen;
        if (found)
            return (int64_t)word * 64 + __builtin_ctzll(found);
    }
    return -1;
}

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Each word is put together before it is stored, for the next category is most often in it too. */
static void fill_words(uint64_t *bits, const int32_t *from, size_t count)
{
    uint64_t word = 0;
    uint32_t at = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t category = (uint32_t)from[i];
        if (category / 64 != at) {
            bits[at] = word;
            at = category / 64;
            word = 0;
        }
        word |= (uint64_t)1 << category % 64;
    }
    bits[at] = word;
}

enum { MARKS = 4096 };

/* The same where they are many for what could be: a byte each, which none has to wait for, and of
 * 64 bytes then a word. */
static void fill_marked(uint64_t *bits, size_t words, const int32_t *from, size_t count)
{
    unsigned char marks[MARKS];
    memset(marks, 0, BLOCK_SIZE * words);
    UNROLL
    for (size_t i = 0; i < count; i++)
        marks[from[i]] = 1;
    for (size_t word = 0; word < words; word++)
        bits[word] = block_equal(marks + BLOCK_SIZE * word, 0, 1);
}

static bool add_bits(struct ensemble *ensemble, struct category_set *set, const int32_t *from,
                     size_t count, struct lathe_error *error)
{
    if (!GROW(ensemble->set_bits, ensemble->word_room, ensemble->word_count + set->words, error))
        return false;
    if (ensemble->word_count + set->words > UINT32_MAX)
        return fail(error, LATHE_LIMIT, "categories of more than %u words of bits", UINT32_MAX);
    set->bits = (uint32_t)ensemble->word_count;
    uint64_t *bits = ensemble->set_bits + set->bits;
    ensemble->word_count += set->words;
    if (set->end <= MARKS && set->end < 16 * count) {
        fill_marked(bits, set->words, from, count);
    } else {
        memset(bits, 0, set->words * sizeof *bits);
        fill_words(bits, from, count);
    }
    return true;
}

/* The list that the last one ends with is that of the set, if it is to have one. */
static bool add_list(struct ensemble *ensemble, struct category_set *set, const int32_t *from,
                     size_t count, struct lathe_error *error)
{
    size_t done = ensemble->category_count;
    if (!GROW(ensemble->categories, ensemble->category_room, done + count + 1, error))
        return false;
    if (done + count > UINT32_MAX)
        return fail(error, LATHE_LIMIT, "more than %u categories", UINT32_MAX);
    memcpy(ensemble->categories + done, from, count * sizeof *from);
    set->first = (uint32_t)done;
    set->count = (uint32_t)count;
    ensemble->category_count += count;
    return true;
}

/* Ascending categories. */
static bool add_sorted(struct ensemble *ensemble, const int32_t *from, size_t count,
                       struct lathe_error *error)
{
    enum { FEW_WORDS = 4 };
    struct category_set set = {.end = count ? (uint32_t)from[count - 1] + 1 : 0};
    set.words = (set.end + 63) / 64;
    if (set.words > 2 * count + FEW_WORDS)
        set.words = 0;
    if (!GROW(ensemble->sets, ensemble->set_room, ensemble->set_count + 1, error) ||
        !(set.words ? add_bits(ensemble, &set, from, count, error)
                    : add_list(ensemble, &set, from, count, error)))
        return false;
    ensemble->sets[ensemble->set_count++] = set;
    return true;
}

static bool add_unsorted(struct ensemble *ensemble, const int32_t *from, size_t count,
                         struct lathe_error *error)
{
    int32_t *sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        return fail(error, LATHE_NO_MEMORY, "no memory for %zu categories", count);
    memcpy(sorted, from, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
    bool added = add_sorted(ensemble, sorted, count, error);
    free(sorted);
    return added;
}

static bool refuse_category(const int32_t *from, size_t count, int32_t node,
                            struct lathe_error *error)
{
    while (count-- && *from >= 0 && *from < 16777216)
        from++;
    return fail(error, LATHE_INVALID_MODEL, "node %d: %d is no category", node, *from);
}

/* What is found among categories: the bits of all, and all ones if each is above that before it. */
struct sight {
    uint32_t all;
    int32_t rise;
};

/* Looks at some, each of which has one before it, without a way out: where there are BLOCK_SIZE of
 * them compilers use wide registers. */
static ALWAYS_INLINE void look_at_some(const int32_t *from, size_t count, struct sight *sight)
{
    const int32_t *before = from - 1;
    uint32_t all = 0;
    int32_t rise = -1;
    for (size_t i = 0; i < count; i++) {
        all |= (uint32_t)from[i];
        rise &= -(before[i] < from[i]);
    }
    sight->all |= all;
    sight->rise &= rise;
}

/* Whether all are categories, and whether they ascend. */
static bool look_at(const int32_t *from, size_t count, bool *sorted)
{
    struct sight sight = {count ? (uint32_t)from[0] : 0, -1};
    for (size_t i = 1; i + BLOCK_SIZE <= count; i += BLOCK_SIZE)
        look_at_some(from + i, BLOCK_SIZE, &sight);
    if (count > BLOCK_SIZE) /* the last ones, some of them again */
        look_at_some(from + count - BLOCK_SIZE, BLOCK_SIZE, &sight);
    else if (count)
        look_at_some(from + 1, count - 1, &sight);
    *sorted = sight.rise;
    return sight.all < 16777216;
}

bool category_set_add(struct ensemble *ensemble, const struct tree_columns *columns, size_t k,
                      size_t *taken, struct lathe_error *error)
{
    int32_t start = columns->category_starts[k], size = columns->category_sizes[k];
    if (start < 0 || size < 0 || (size_t)start > columns->category_count ||
        (size_t)size > columns->category_count - (size_t)start)
        return fail(error, LATHE_INVALID_MODEL, "node %d: categories %d to %lld of a list of %zu",
                    columns->category_nodes[k], start, (long long)start + size,
                    columns->category_count);
    *taken += (size_t)size;
    if (*taken > columns->category_count)
        return fail(error, LATHE_INVALID_MODEL, "node %d: categories that other nodes have",
                    columns->category_nodes[k]);
    const int32_t *from = columns->categories + start;
    size_t count = (size_t)size;
    bool sorted;
    if (!look_at(from, count, &sorted))
        return refuse_category(from, count, columns->category_nodes[k], error);
    return sorted ? add_sorted(ensemble, from, count, error)
                  : add_unsorted(ensemble, from, count, error);
}
