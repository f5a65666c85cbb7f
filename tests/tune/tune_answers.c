/* Answers a question a line, with numbers a line:
 *     sobol DIMENSIONS COUNT
 *     scrambled DIMENSIONS COUNT SEED
 *     value KIND SCALING LOW HIGH U      place KIND SCALING LOW HIGH VALUE
 *     scaling LOW HIGH INTEGER */
#include <stdio.h>
#include <string.h>

#include "tune/sobol.h"
#include "tune/space.h"

static void show(const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%.17g%c", numbers[i], i + 1 < count ? ' ' : '\n');
}

static void sobol(size_t dimensions, unsigned count)
{
    uint32_t bits[SOBOL_DIMENSIONS];
    double point[SOBOL_DIMENSIONS];
    for (unsigned i = 0; i < count; i++) {
        sobol_point(dimensions, i, bits);
        for (size_t d = 0; d < dimensions; d++)
            point[d] = bits[d] * 0x1p-32;
        show(point, dimensions);
    }
}

static void scrambled(size_t dimensions, unsigned count, unsigned long seed)
{
    double point[SOBOL_DIMENSIONS];
    for (unsigned i = 0; i < count; i++) {
        sobol_scrambled(dimensions, i, seed, point);
        show(point, dimensions);
    }
}

static void answer(const char *line)
{
    size_t dimensions;
    unsigned count, kind, scaling;
    unsigned long seed;
    double low, high, at;
    if (sscanf(line, "sobol %zu %u", &dimensions, &count) == 2) {
        sobol(dimensions, count);
    } else if (sscanf(line, "scrambled %zu %u %lu", &dimensions, &count, &seed) == 3) {
        scrambled(dimensions, count, seed);
    } else if (sscanf(line, "scaling %lf %lf %u", &low, &high, &kind) == 3) {
        printf("%d\n", (int)tune_scaling_of(low, high, kind));
    } else if (sscanf(line, "%*s %u %u %lf %lf %lf", &kind, &scaling, &low, &high, &at) == 5) {
        struct tune_parameter parameter = {kind, scaling, low, high, (size_t)high};
        printf("%.17g\n", *line == 'v' ? tune_value(&parameter, at) : tune_place(&parameter, at));
    }
}

int main(void)
{
    char line[256];
    while (fgets(line, sizeof line, stdin))
        answer(line);
    return 0;
}
