#include "train/folds.h"

#include <stdlib.h>

/* SplitMix64 (Steele, Lea, Flood 2014): one number of state, and good enough to shuffle with. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A row with its place after the shuffle, which keeps the sort by label from undoing it. */
struct dealt {
    float label;
    size_t place, row;
};

static int compare_dealt(const void *a, const void *b)
{
    const struct dealt *one = a;
    const struct dealt *other = b;
    if (one->label != other->label)
        return one->label < other->label ? -1 : 1;
    return one->place < other->place ? -1 : 1;
}

void folds_deal(int *fold, size_t rows, int folds, const float *labels, uint64_t *random)
{
    g_autofree struct dealt *cards = g_new(struct dealt, rows);
    for (size_t i = 0; i < rows; i++) {
        size_t j = (size_t)(next_random(random) % (i + 1));
        cards[i].row = cards[j].row;
        cards[j].row = i;
    }
    for (size_t i = 0; i < rows; i++) {
        cards[i].place = i;
        cards[i].label = !labels ? 0 : labels[cards[i].row];
    }
    qsort(cards, rows, sizeof *cards, compare_dealt);
    for (size_t i = 0; i < rows; i++)
        fold[cards[i].row] = (int)(i % (size_t)folds);
}
