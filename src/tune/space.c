#include "tune/space.h"

#include <math.h>

/* A range that spans so many times its smallest value is one of powers. */
#define POWERS 100

enum tune_scaling tune_scaling_of(double low, double high, bool integer)
{
    if (low > 0 && high / low >= POWERS)
        return TUNE_LOGARITHMIC;
    if (!integer && low >= 0 && high < 1 && (1 - low) / (1 - high) >= POWERS)
        return TUNE_REVERSE_LOGARITHMIC;
    return TUNE_LINEAR;
}

/* ---- one parameter ---- */

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* Along its scale, where equal steps are equally likely, and back. */
static double scaled(enum tune_scaling scaling, double value)
{
    switch (scaling) {
    case TUNE_LOGARITHMIC:
        return log(value);
    case TUNE_REVERSE_LOGARITHMIC:
        return -log1p(-value);
    default:
        return value;
    }
}

static double unscaled(enum tune_scaling scaling, double place)
{
    switch (scaling) {
    case TUNE_LOGARITHMIC:
        return exp(place);
    case TUNE_REVERSE_LOGARITHMIC:
        return -expm1(-place);
    default:
        return place;
    }
}

struct stretch {
    double from, length;
};

/* An integer stands for what rounds to it. */
static struct stretch stretch_of(const struct tune_parameter *parameter)
{
    double margin = parameter->kind == TUNE_INTEGER ? 0.5 : 0;
    double from = scaled(parameter->scaling, parameter->low - margin);
    return (struct stretch){from, scaled(parameter->scaling, parameter->high + margin) - from};
}

double tune_value(const struct tune_parameter *parameter, double u)
{
    u = clamp(u, 0, 1);
    if (parameter->kind == TUNE_CATEGORICAL)
        return fmin(floor(u * (double)parameter->choices), (double)parameter->choices - 1);
    struct stretch stretch = stretch_of(parameter);
    double value = unscaled(parameter->scaling, stretch.from + u * stretch.length);
    if (parameter->kind == TUNE_INTEGER)
        value = floor(value + 0.5);
    return clamp(value, parameter->low, parameter->high);
}

double tune_place(const struct tune_parameter *parameter, double value)
{
    if (parameter->kind == TUNE_CATEGORICAL)
        return (value + 0.5) / (double)parameter->choices;
    struct stretch stretch = stretch_of(parameter);
    if (!(stretch.length > 0))
        return 0.5;
    value = clamp(value, parameter->low, parameter->high);
    return clamp((scaled(parameter->scaling, value) - stretch.from) / stretch.length, 0, 1);
}

/* ---- configurations ---- */

void tune_values(const struct tune_space *space, const double *places, double *values)
{
    for (size_t i = 0; i < space->count; i++)
        values[i] = tune_value(&space->parameters[i], places[i]);
}

void tune_places(const struct tune_space *space, const double *values, double *places)
{
    for (size_t i = 0; i < space->count; i++)
        places[i] = tune_place(&space->parameters[i], values[i]);
}

static double size_of(const struct tune_parameter *parameter)
{
    if (parameter->kind == TUNE_CATEGORICAL)
        return (double)parameter->choices;
    if (parameter->kind == TUNE_INTEGER)
        return parameter->high - parameter->low + 1;
    return parameter->low < parameter->high ? INFINITY : 1;
}

double tune_size(const struct tune_space *space)
{
    double size = 1;
    for (size_t i = 0; i < space->count; i++)
        size *= size_of(&space->parameters[i]);
    return size;
}

void tune_grid(const struct tune_space *space, size_t index, double *values)
{
    for (size_t i = space->count; i-- > 0;) {
        size_t choices = space->parameters[i].choices;
        values[i] = (double)(index % choices);
        index /= choices;
    }
}
