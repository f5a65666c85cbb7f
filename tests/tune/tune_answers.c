/* Answers a question a line, with numbers a line:
 *     sobol DIMENSIONS COUNT
 *     scrambled DIMENSIONS COUNT SEED
 *     value KIND SCALING LOW HIGH U      place KIND SCALING LOW HIGH VALUE
 *     scaling LOW HIGH INTEGER
 *     improvement BEST MEAN DEVIATION
 *     normalize COUNT LOSS...
 *     process COUNT SEEN ASKED KINDS... HYPERPARAMETERS... PLACES VALUES... PLACES...
 * The last answers the misfit without prior and with it, the latter's gradient, and of each place
 * asked for the mean, the variance, their gradients, and the covariance with the first. */
#include <lapacke.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune/bayesian.h"
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

/* ---- Gaussian processes ---- */

static double *read_numbers(char **line, size_t count)
{
    double *numbers = calloc(count + 1, sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = strtod(*line, line);
    return numbers;
}

static void improvement(char *line)
{
    double *given = read_numbers(&line, 3), told[3];
    told[0] = log_improvement(given[0], given[1], given[2], &told[1], &told[2]);
    show(told, 3);
    free(given);
}

static void normalize(char *line)
{
    size_t count = strtoul(line, &line, 10);
    double *losses = read_numbers(&line, count);
    normalize_losses(losses, count);
    show(losses, count);
    free(losses);
}

static void predict(struct gp *gp, size_t count, const double *places, const double *place)
{
    double told[2 + 2 * TUNE_MOST_PARAMETERS + 1];
    gp_predict(gp, place, &told[0], &told[1], told + 2, told + 2 + count);
    told[2 + 2 * count] = gp_covariance(gp, place, places);
    show(told, 3 + 2 * count);
}

static void process(char *line)
{
    static const struct gp_lapack lapack = {LAPACKE_dpotrf, LAPACKE_dpotri, LAPACKE_dpotrs,
                                            LAPACKE_dtrtrs};
    double *sizes = read_numbers(&line, 3);
    size_t count = (size_t)sizes[0], seen = (size_t)sizes[1], asked = (size_t)sizes[2];
    double *kinds = read_numbers(&line, count);
    double *hyperparameters = read_numbers(&line, gp_hyperparameters(count));
    double *places = read_numbers(&line, seen * count), *values = read_numbers(&line, seen);
    double *others = read_numbers(&line, asked * count);
    struct tune_parameter parameters[TUNE_MOST_PARAMETERS];
    for (size_t i = 0; i < count; i++)
        parameters[i] = (struct tune_parameter){(enum tune_kind)kinds[i], TUNE_LINEAR, 0, 1, 4};
    struct tune_space space = {parameters, count};
    struct gp *gp = gp_new(&space, &lapack, seen);
    gp_observe(gp, places, values, seen);
    double misfits[] = {gp_misfit(gp, hyperparameters, false, NULL), 0};
    double gradient[3 * TUNE_MOST_PARAMETERS + 2];
    misfits[1] = gp_misfit(gp, hyperparameters, true, gradient);
    show(misfits, 2);
    show(gradient, gp_hyperparameters(count));
    for (size_t i = 0; i < asked; i++)
        predict(gp, count, others, others + i * count);
    gp_free(gp);
    double *all[] = {sizes, kinds, hyperparameters, places, values, others};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void answer(char *line)
{
    size_t dimensions;
    unsigned count, kind, scaling;
    unsigned long seed;
    double low, high, at;
    if (sscanf(line, "sobol %zu %u", &dimensions, &count) == 2) {
        sobol(dimensions, count);
    } else if (sscanf(line, "scrambled %zu %u %lu", &dimensions, &count, &seed) == 3) {
        scrambled(dimensions, count, seed);
    } else if (strncmp(line, "improvement ", 12) == 0) {
        improvement(line + 12);
    } else if (strncmp(line, "normalize ", 10) == 0) {
        normalize(line + 10);
    } else if (strncmp(line, "process ", 8) == 0) {
        process(line + 8);
    } else if (sscanf(line, "scaling %lf %lf %u", &low, &high, &kind) == 3) {
        printf("%d\n", (int)tune_scaling_of(low, high, kind));
    } else if (sscanf(line, "%*s %u %u %lf %lf %lf", &kind, &scaling, &low, &high, &at) == 5) {
        struct tune_parameter parameter = {kind, scaling, low, high, (size_t)high};
        printf("%.17g\n", *line == 'v' ? tune_value(&parameter, at) : tune_place(&parameter, at));
    }
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0)
        answer(line);
    free(line);
    return 0;
}
