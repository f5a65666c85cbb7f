/* space.h: what is searched: parameters with their ranges, and configurations, which are points of
 * the unit cube as strategies see them and numbers as trainings do. */
#ifndef LATHE_TUNE_SPACE_H
#define LATHE_TUNE_SPACE_H

#include <stdbool.h>
#include <stddef.h>

enum { TUNE_MOST_PARAMETERS = 100 };

struct tune_parameter {
    enum tune_kind { TUNE_CONTINUOUS, TUNE_INTEGER, TUNE_CATEGORICAL } kind;
    /* Of numbers: along which scale equal steps are equally likely. Logarithmic ranges begin above
     * 0; reverse logarithmic ones lie in [0, 1), and are fine near 1. */
    enum tune_scaling { TUNE_LINEAR, TUNE_LOGARITHMIC, TUNE_REVERSE_LOGARITHMIC } scaling;
    double low, high; /* of numbers, both within */
    size_t choices;   /* of categories, which are 0 to choices - 1 */
};

struct tune_space {
    struct tune_parameter *parameters;
    size_t count; /* at most TUNE_MOST_PARAMETERS */
};

/* What "Auto" stands for: a scale of powers where the range spans them. */
enum tune_scaling tune_scaling_of(double low, double high, bool integer);

/* The value at a place u of [0, 1], and the middle of the places of a value. Integers and
 * categories have stretches of the interval: of equal length, or as their scale says. */
double tune_value(const struct tune_parameter *parameter, double u);
double tune_place(const struct tune_parameter *parameter, double value);

/* The same of a whole configuration, a number a parameter. */
void tune_values(const struct tune_space *space, const double *places, double *values);
void tune_places(const struct tune_space *space, const double *values, double *places);

/* How many configurations there are; infinite where a parameter is continuous. */
double tune_size(const struct tune_space *space);

/* Of a space of categories alone: the index-th of its configurations, the last parameter turning
 * fastest. */
void tune_grid(const struct tune_space *space, size_t index, double *values);

#endif
