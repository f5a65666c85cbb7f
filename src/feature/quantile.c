#include "feature/quantile.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { HEAD = 50000, COMPRESS = 10000 };

/* g: how far the value's smallest possible rank is above that of the sample before it; delta: how
 * far its largest possible rank is above its smallest. */
struct sample {
    double value;
    int64_t g, delta;
};

struct quantile {
    double relative_error;
    struct sample *samples, *spare; /* both have room for `capacity` */
    size_t count, capacity;
    int64_t values; /* in the samples; those in the head are not counted */
    size_t head_count;
    double head[HEAD];
};

struct quantile *quantile_open(double relative_error)
{
    struct quantile *quantile = calloc(1, sizeof *quantile);
    if (quantile)
        quantile->relative_error = relative_error;
    return quantile;
}

void quantile_close(struct quantile *quantile)
{
    if (!quantile)
        return;
    free(quantile->samples);
    free(quantile->spare);
    free(quantile);
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    if (a == 0 && b == 0) /* -0.0 first, as Java sorts */
        return signbit(b) ? !signbit(a) : signbit(a) ? -1 : 0;
    return (a > b) - (a < b);
}

static bool reserve(struct quantile *quantile, size_t count)
{
    if (count <= quantile->capacity)
        return true;
    size_t capacity = count + count / 2;
    struct sample *samples = realloc(quantile->samples, capacity * sizeof *samples);
    if (!samples)
        return false;
    quantile->samples = samples;
    struct sample *spare = realloc(quantile->spare, capacity * sizeof *spare);
    if (!spare)
        return false;
    quantile->spare = spare;
    quantile->capacity = capacity;
    return true;
}

/* Sorts the head into the samples. */
static bool insert_head(struct quantile *quantile)
{
    size_t heads = quantile->head_count, old = quantile->count, from = 0, count = 0;
    if (!heads)
        return true;
    if (!reserve(quantile, old + heads))
        return false;
    qsort(quantile->head, heads, sizeof *quantile->head, ascending);
    struct sample *in = quantile->samples, *out = quantile->spare;
    for (size_t i = 0; i < heads; i++) {
        double value = quantile->head[i];
        while (from < old && in[from].value <= value)
            out[count++] = in[from++];
        quantile->values++;
        bool outermost = count == 0 || (from == old && i == heads - 1);
        double span = floor(2 * quantile->relative_error * (double)quantile->values);
        out[count++] = (struct sample){value, 1, outermost ? 0 : (int64_t)span};
    }
    while (from < old)
        out[count++] = in[from++];
    quantile->samples = out;
    quantile->spare = in;
    quantile->count = count;
    quantile->head_count = 0;
    return true;
}

/* Merges samples into their successors where the error bound allows it. */
static void compress(struct quantile *quantile)
{
    if (!quantile->count)
        return;
    double threshold = 2 * quantile->relative_error * (double)quantile->values;
    struct sample *in = quantile->samples, *out = quantile->spare;
    size_t at = quantile->count; /* filled from the back */
    struct sample head = in[quantile->count - 1];
    for (size_t i = quantile->count - 1; i-- > 1;) {
        if ((double)(in[i].g + head.g + head.delta) < threshold) {
            head.g += in[i].g;
        } else {
            out[--at] = head;
            head = in[i];
        }
    }
    out[--at] = head;
    if (in[0].value <= head.value && quantile->count > 1)
        out[--at] = in[0];
    size_t count = quantile->count - at;
    for (size_t i = 0; i < count; i++)
        in[i] = out[at + i];
    quantile->count = count;
}

bool quantile_add(struct quantile *quantile, double value)
{
    quantile->head[quantile->head_count++] = value;
    if (quantile->head_count < HEAD)
        return true;
    if (!insert_head(quantile))
        return false;
    if (quantile->count >= COMPRESS)
        compress(quantile);
    return true;
}

bool quantile_find(struct quantile *quantile, double part, double *value)
{
    *value = NAN;
    if (!insert_head(quantile))
        return false;
    compress(quantile);
    if (!quantile->count)
        return true;
    const struct sample *samples = quantile->samples;
    *value = samples[quantile->count - 1].value;
    if (part <= quantile->relative_error) {
        *value = samples[0].value;
        return true;
    }
    if (part >= 1 - quantile->relative_error)
        return true;
    int64_t rank = (int64_t)ceil(part * (double)quantile->values), error = 0, least = 0;
    for (size_t i = 0; i < quantile->count; i++)
        if (samples[i].g + samples[i].delta > error)
            error = samples[i].g + samples[i].delta;
    error /= 2;
    for (size_t i = 0; i + 1 < quantile->count; i++) {
        least += samples[i].g;
        if (least + samples[i].delta - error <= rank && rank <= least + error) {
            *value = samples[i].value;
            return true;
        }
    }
    return true;
}
