#include "sample/random.h"

#include <math.h>

static const double ln2 = 0.69314718055994530942;

struct random random_start(uint64_t seed, uint64_t stream)
{
    struct random random = {.state = 0, .increment = stream << 1 | 1};
    random_bits(&random);
    random.state += seed;
    random_bits(&random);
    return random;
}

uint32_t random_bits(struct random *random)
{
    uint64_t old = random->state;
    random->state = old * 6364136223846793005u + random->increment;
    uint32_t shifted = (uint32_t)((old >> 18 ^ old) >> 27);
    unsigned turn = (unsigned)(old >> 59);
    return shifted >> turn | shifted << (-turn & 31);
}

double random_uniform(struct random *random)
{
    return random_bits(random) * 0x1p-32;
}

uint32_t random_below(struct random *random, uint32_t limit)
{
    return (uint32_t)((uint64_t)random_bits(random) * limit >> 32);
}

/* The polar method (G. Marsaglia, T. Bray, 1964); the second number is not kept. */
double random_normal(struct random *random)
{
    for (;;) {
        double x = 2 * random_uniform(random) - 1, y = 2 * random_uniform(random) - 1;
        double square = x * x + y * y;
        if (square > 0 && square < 1)
            return x * sqrt(-2 * exact_log(square) / square);
    }
}

size_t random_pick(struct random *random, const double *weights, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    double left = random_uniform(random) * sum;
    for (size_t i = 0; i + 1 < count; i++) {
        left -= weights[i];
        if (left < 0)
            return i;
    }
    return count - 1;
}

double exact_exp(double x)
{
    double twos = floor(x / ln2 + 0.5), rest = x - twos * ln2;
    double sum = 1;
    for (int i = 14; i > 0; i--) /* Taylor's series, by Horner; |rest| is at most ln(2) / 2 */
        sum = 1 + sum * rest / i;
    return ldexp(sum, (int)twos);
}

double exact_log(double x)
{
    int twos;
    double part = frexp(x, &twos); /* in [1/2, 1) */
    if (part < 0.70710678118654752440) {
        part *= 2;
        twos--;
    }
    /* ln(part) = 2 artanh(s), |s| at most 0.172 */
    double s = (part - 1) / (part + 1), square = s * s, sum = 0;
    for (int i = 21; i > 0; i -= 2)
        sum = sum * square + 1.0 / i;
    return twos * ln2 + 2 * s * sum;
}
