#include "feature/split.h"

#include "csv/labels.h"
#include "parse/fail.h"

#include <math.h>
#include <stdlib.h>

/* Rows that are dealt out together: all, those of a label, or the groups. */
struct deck {
    uint64_t random;          /* state of the generator */
    unsigned left;            /* rows of the block to come */
    uint8_t of[SPLIT_PARTS];  /* those of them that each part will get */
    double owed[SPLIT_PARTS]; /* rows that each part has had too few of, in all blocks */
};

struct split {
    double shares[SPLIT_PARTS];
    size_t parts;
    uint64_t seed;
    struct labels *labels; /* or groups */
    struct deck all, *decks;
    uint8_t *of_group;
    size_t capacity; /* of decks or of_group */
};

struct split *split_open(const double *shares, size_t parts, uint64_t seed,
                         struct lathe_error *error)
{
    double sum = 0;
    bool right = parts > 0 && parts <= SPLIT_PARTS;
    for (size_t i = 0; i < parts && right; i++) {
        right = shares[i] >= 0;
        sum += shares[i];
    }
    if (!right || !(fabs(sum - 1) <= 1e-6)) {
        fail(error, LATHE_INVALID_DATA,
             "the shares of a split are of %zu parts with a sum of %g, and must be of 1 to %d "
             "parts, none negative, with a sum of 1",
             parts, sum, SPLIT_PARTS);
        return NULL;
    }
    struct split *split = calloc(1, sizeof *split);
    if (split)
        split->labels = labels_new();
    if (!split || !split->labels) {
        split_close(split);
        fail_memory(error, "splitting rows");
        return NULL;
    }
    memcpy(split->shares, shares, parts * sizeof *shares);
    split->parts = parts;
    split->seed = seed;
    split->all.random = seed;
    return split;
}

void split_close(struct split *split)
{
    if (!split)
        return;
    labels_free(split->labels);
    free(split->decks);
    free(split->of_group);
    free(split);
}

/* splitmix64: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators",
 * OOPSLA 2014. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return mixed ^ mixed >> 31;
}

/* Shares out the next block: each place goes to the part that is owed most. */
static void begin_block(const struct split *split, struct deck *deck)
{
    for (size_t part = 0; part < split->parts; part++) {
        deck->of[part] = 0;
        deck->owed[part] += split->shares[part] * SPLIT_BLOCK;
    }
    for (deck->left = 0; deck->left < SPLIT_BLOCK; deck->left++) {
        size_t most = 0;
        for (size_t part = 1; part < split->parts; part++)
            if (deck->owed[part] > deck->owed[most])
                most = part;
        deck->of[most]++;
        deck->owed[most] -= 1;
    }
}

static uint8_t deal(const struct split *split, struct deck *deck)
{
    if (!deck->left)
        begin_block(split, deck);
    /* One of the places left, each as likely as the other. */
    unsigned place = (unsigned)((next_random(&deck->random) >> 32) * deck->left >> 32);
    uint8_t part = 0;
    while (place >= deck->of[part])
        place -= deck->of[part++];
    deck->of[part]--;
    deck->left--;
    return part;
}

void split_rows(struct split *split, size_t rows, uint8_t *parts)
{
    for (size_t row = 0; row < rows; row++)
        parts[row] = deal(split, &split->all);
}

/* Room for one more label or group. */
static bool reserve(struct split *split, size_t index, bool groups)
{
    if (index < split->capacity)
        return true;
    size_t capacity = split->capacity ? split->capacity * 2 : 16;
    size_t element = groups ? sizeof *split->of_group : sizeof *split->decks;
    void *larger =
        realloc(groups ? (void *)split->of_group : (void *)split->decks, capacity * element);
    if (!larger)
        return false;
    if (groups)
        split->of_group = larger;
    else
        split->decks = larger;
    split->capacity = capacity;
    return true;
}

/* The part of the next row with this label. */
static bool deal_label(struct split *split, struct csv_text label, uint8_t *part)
{
    size_t known = labels_count(split->labels);
    int32_t index = labels_add(split->labels, label);
    if (index < 0 || !reserve(split, (size_t)index, false))
        return false;
    struct deck *deck = &split->decks[index];
    if ((size_t)index == known) {
        uint64_t own = split->seed + (uint64_t)index;
        *deck = (struct deck){.random = next_random(&own)};
    }
    *part = deal(split, deck);
    return true;
}

bool split_by_label(struct split *split, const struct csv_text *labels, size_t rows, uint8_t *parts,
                    struct lathe_error *error)
{
    for (size_t row = 0; row < rows; row++) {
        /* No text has NUL in it where it comes from, so this one is nobody's. */
        struct csv_text label = labels[row].bytes ? labels[row] : text_of("\0missing", 8);
        if (!deal_label(split, label, &parts[row]))
            return fail_memory(error, "splitting rows");
    }
    return true;
}

bool split_by_number(struct split *split, const double *labels, size_t rows, uint8_t *parts,
                     struct lathe_error *error)
{
    for (size_t row = 0; row < rows; row++) {
        double label = isnan(labels[row]) ? NAN : labels[row] + 0.0; /* one NaN, one zero */
        if (!deal_label(split, text_of((const char *)&label, sizeof label), &parts[row]))
            return fail_memory(error, "splitting rows");
    }
    return true;
}

bool split_by_group(struct split *split, const struct csv_text *groups, size_t rows, uint8_t *parts,
                    struct lathe_error *error)
{
    for (size_t row = 0; row < rows; row++) {
        if (!groups[row].bytes) {
            parts[row] = deal(split, &split->all);
            continue;
        }
        size_t known = labels_count(split->labels);
        int32_t index = labels_add(split->labels, groups[row]);
        if (index < 0 || !reserve(split, (size_t)index, true))
            return fail_memory(error, "splitting rows");
        if ((size_t)index == known)
            split->of_group[index] = deal(split, &split->all);
        parts[row] = split->of_group[index];
    }
    return true;
}
