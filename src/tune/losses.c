/* Losses as a Gaussian process likes them. */
#include <math.h>

#include "tune/bayesian.h"

static double power_of(double value, double power)
{
    if (value >= 0)
        return fabs(power) < 1e-9 ? log1p(value) : (pow(value + 1, power) - 1) / power;
    power = 2 - power;
    return fabs(power) < 1e-9 ? -log1p(-value) : -(pow(1 - value, power) - 1) / power;
}

static void moments(const double *values, size_t count, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    *mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - *mean) * (values[i] - *mean);
    *deviation = sqrt(squares / (double)count);
}

static void standardize(double *values, size_t count)
{
    double mean, deviation;
    moments(values, count, &mean, &deviation);
    for (size_t i = 0; i < count; i++)
        values[i] = deviation > 1e-12 * (fabs(mean) + 1e-300) ? (values[i] - mean) / deviation : 0;
}

/* The logarithm of the likelihood as normal values, up to a constant. */
static double likelihood(const double *values, size_t count, double power)
{
    double sum = 0, squares = 0, jacobian = 0, n = (double)count;
    for (size_t i = 0; i < count; i++) {
        double moved = power_of(values[i], power);
        sum += moved;
        squares += moved * moved;
        jacobian += copysign(log1p(fabs(values[i])), values[i]);
    }
    double variance = squares / n - sum / n * sum / n;
    return variance > 0 ? -n / 2 * log(variance) + (power - 1) * jacobian : -INFINITY;
}

void normalize_losses(double *losses, size_t count)
{
    double best = 1, most = -INFINITY;
    if (!count)
        return;
    standardize(losses, count);
    for (int i = -20; i <= 20; i++) {
        double found = likelihood(losses, count, i / 10.0);
        if (found > most) {
            most = found;
            best = i / 10.0;
        }
    }
    for (size_t i = 0; i < count; i++)
        losses[i] = power_of(losses[i], best);
    standardize(losses, count);
}
