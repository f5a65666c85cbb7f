#include "tune/gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/minimize.h"

#define SQRT5 2.23606797749978969641
#define JITTER 1e-8 /* of the variance: keeps the matrix positive definite */
#define EDGE 1e-6   /* how near to an end of the interval a place is bent */
#define HALF_LOG_2PI 0.91893853320467274178

struct gp {
    const struct tune_space *space;
    const struct gp_lapack *lapack;
    size_t count;      /* of parameters */
    size_t room, seen; /* observations */
    double *places, *values;
    double *bent;     /* places, bent */
    double *cholesky; /* of the covariance of what was seen; its lower half */
    double *inverse;  /* of the covariance */
    double *weights;  /* the covariance's inverse times the values */
    double *by_place; /* the misfit's derivative by each bent place */
    double *near;     /* covariances of one place and those seen */
    double *half;     /* the same, solved by the Cholesky factor */
    double *hyperparameters;
    double *scales;  /* one over each length */
    double variance; /* of the function */
};

/* ---- memory ---- */

size_t gp_hyperparameters(size_t count)
{
    return GP_BENDS(count) + 2 * count;
}

struct gp *gp_new(const struct tune_space *space, const struct gp_lapack *lapack, size_t room)
{
    size_t count = space->count, rows = room * count;
    size_t numbers = 3 * rows + 2 * room * room + 4 * room + gp_hyperparameters(count) + count;
    struct gp *gp = malloc(sizeof *gp + numbers * sizeof(double));
    if (!gp)
        return NULL;
    double *next = (double *)(void *)(gp + 1);
    *gp = (struct gp){.space = space, .lapack = lapack, .count = count, .room = room};
    gp->places = next;
    gp->bent = gp->places + rows;
    gp->by_place = gp->bent + rows;
    gp->cholesky = gp->by_place + rows;
    gp->inverse = gp->cholesky + room * room;
    gp->values = gp->inverse + room * room;
    gp->weights = gp->values + room;
    gp->near = gp->weights + room;
    gp->half = gp->near + room;
    gp->hyperparameters = gp->half + room;
    gp->scales = gp->hyperparameters + gp_hyperparameters(count);
    return gp;
}

void gp_free(struct gp *gp)
{
    free(gp);
}

void gp_observe(struct gp *gp, const double *places, const double *values, size_t count)
{
    gp->seen = count < gp->room ? count : gp->room;
    memcpy(gp->places, places, gp->seen * gp->count * sizeof *places);
    memcpy(gp->values, values, gp->seen * sizeof *values);
}

/* ---- places, bent ---- */

static bool is_number(const struct gp *gp, size_t parameter)
{
    return gp->space->parameters[parameter].kind != TUNE_CATEGORICAL;
}

/* 1 - (1 - u^a)^b, with its derivatives by u and by the logarithms of a and b. */
struct bend {
    double place, by_u, by_log_a, by_log_b;
};

static struct bend bend(double u, double log_a, double log_b)
{
    double a = exp(log_a), b = exp(log_b);
    u = fmin(fmax(u, EDGE), 1 - EDGE);
    double log_u = log(u), power = exp(a * log_u), rest = 1 - power, log_rest = log(rest);
    double rest_b = exp(b * log_rest), slope = b * rest_b / rest;
    return (struct bend){1 - rest_b, slope * a * power / u, slope * a * power * log_u,
                         -b * rest_b * log_rest};
}

static struct bend bend_of(const struct gp *gp, const double *hyperparameters, size_t parameter,
                           double u)
{
    const double *bends = hyperparameters + GP_BENDS(gp->count) + 2 * parameter;
    return is_number(gp, parameter) ? bend(u, bends[0], bends[1]) : (struct bend){u, 0, 0, 0};
}

static void bend_place(const struct gp *gp, const double *hyperparameters, const double *place,
                       double *bent)
{
    for (size_t i = 0; i < gp->count; i++)
        bent[i] = bend_of(gp, hyperparameters, i, place[i]).place;
}

/* ---- covariances ---- */

/* How far apart, in lengths; categories are one apart, or none. */
static double apart(const struct gp *gp, size_t parameter, double a, double b)
{
    return (is_number(gp, parameter) ? a - b : a != b) * gp->scales[parameter];
}

static double squared_distance(const struct gp *gp, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < gp->count; i++) {
        double distance = apart(gp, i, a[i], b[i]);
        sum += distance * distance;
    }
    return sum;
}

/* At a squared distance, of unit variance; by_square: its derivative. */
static double matern(double square, double *by_square)
{
    double r = SQRT5 * sqrt(square), fall = exp(-r);
    if (by_square)
        *by_square = -5.0 / 6 * (1 + r) * fall;
    return (1 + r + r * r / 3) * fall;
}

static void take_hyperparameters(struct gp *gp, const double *hyperparameters)
{
    memmove(gp->hyperparameters, hyperparameters,
            gp_hyperparameters(gp->count) * sizeof *hyperparameters);
    gp->variance = exp(hyperparameters[GP_VARIANCE(gp->count)]);
    for (size_t i = 0; i < gp->count; i++)
        gp->scales[i] = exp(-hyperparameters[GP_LENGTHS + i]);
}

static void fill_covariance(struct gp *gp)
{
    size_t n = gp->seen;
    const double *hyperparameters = gp->hyperparameters;
    double noise = exp(hyperparameters[GP_NOISE(gp->count)]) + JITTER * gp->variance;
    for (size_t i = 0; i < n; i++)
        bend_place(gp, hyperparameters, gp->places + i * gp->count, gp->bent + i * gp->count);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double square =
                squared_distance(gp, gp->bent + i * gp->count, gp->bent + j * gp->count);
            gp->cholesky[j * n + i] = gp->variance * matern(square, NULL);
        }
        gp->cholesky[j * n + j] += noise;
    }
}

static void find_weights(struct gp *gp)
{
    int n = (int)gp->seen;
    memcpy(gp->weights, gp->values, gp->seen * sizeof *gp->weights);
    gp->lapack->solve(GP_COLUMNS_FIRST, 'L', n, 1, gp->cholesky, n, gp->weights, n);
}

bool gp_take(struct gp *gp, const double *hyperparameters)
{
    int n = (int)gp->seen;
    take_hyperparameters(gp, hyperparameters);
    fill_covariance(gp);
    if (n && gp->lapack->cholesky(GP_COLUMNS_FIRST, 'L', n, gp->cholesky, n) != 0)
        return false;
    if (n)
        find_weights(gp);
    return true;
}

void gp_revalue(struct gp *gp, const double *values)
{
    memcpy(gp->values, values, gp->seen * sizeof *values);
    find_weights(gp);
}

/* ---- priors ---- */

/* Normal ones, of the logarithms. */
struct prior {
    double mean, deviation;
};

/* Lengths grow with the number of parameters (C. Hvarfner and others, Vanilla Bayesian Optimization
 * Performs Great in High Dimensions, 2024). */
static struct prior prior_of(size_t count, size_t hyperparameter)
{
    if (hyperparameter < GP_VARIANCE(count))
        return (struct prior){-0.5 + 0.5 * log((double)count), 1};
    if (hyperparameter == GP_VARIANCE(count))
        return (struct prior){0, 1};
    if (hyperparameter == GP_NOISE(count))
        return (struct prior){-6, 2};
    return (struct prior){0, 0.5};
}

void gp_first(const struct tune_space *space, double *hyperparameters)
{
    for (size_t i = 0; i < gp_hyperparameters(space->count); i++)
        hyperparameters[i] = prior_of(space->count, i).mean;
}

static double add_prior(const struct gp *gp, const double *hyperparameters, double *gradient)
{
    double sum = 0;
    for (size_t i = 0; i < gp_hyperparameters(gp->count); i++) {
        struct prior prior = prior_of(gp->count, i);
        double off = (hyperparameters[i] - prior.mean) / prior.deviation;
        sum += off * off / 2;
        if (gradient)
            gradient[i] += off / prior.deviation;
    }
    return sum;
}

/* ---- how well it fits ---- */

static double misfit(const struct gp *gp)
{
    double sum = (double)gp->seen * HALF_LOG_2PI;
    for (size_t i = 0; i < gp->seen; i++)
        sum += gp->values[i] * gp->weights[i] / 2 + log(gp->cholesky[i * gp->seen + i]);
    return sum;
}

/* Of one pair of observations: what a change of their covariance does to the misfit, on both sides
 * of the diagonal, passed on to what it depends on. */
static void pass_on(struct gp *gp, size_t i, size_t j, double by, double *gradient)
{
    const double *a = gp->bent + i * gp->count, *b = gp->bent + j * gp->count;
    double by_square, square = squared_distance(gp, a, b);
    gradient[GP_VARIANCE(gp->count)] += by * gp->variance * matern(square, &by_square);
    by *= gp->variance * by_square;
    for (size_t p = 0; p < gp->count; p++) {
        double distance = apart(gp, p, a[p], b[p]);
        gradient[GP_LENGTHS + p] -= by * 2 * distance * distance;
        if (is_number(gp, p)) {
            double by_a = by * 2 * distance * gp->scales[p];
            gp->by_place[i * gp->count + p] += by_a;
            gp->by_place[j * gp->count + p] -= by_a;
        }
    }
}

static void pass_on_bends(const struct gp *gp, const double *hyperparameters, double *gradient)
{
    double *bends = gradient + GP_BENDS(gp->count);
    for (size_t i = 0; i < gp->seen; i++) {
        for (size_t p = 0; p < gp->count; p++) {
            size_t at = i * gp->count + p;
            struct bend bent = bend_of(gp, hyperparameters, p, gp->places[at]);
            bends[2 * p] += gp->by_place[at] * bent.by_log_a;
            bends[2 * p + 1] += gp->by_place[at] * bent.by_log_b;
        }
    }
}

/* d misfit = 1/2 trace((K^-1 - w w') dK), w being the weights. */
static void find_gradient(struct gp *gp, const double *hyperparameters, double *gradient)
{
    size_t n = gp->seen;
    memcpy(gp->inverse, gp->cholesky, n * n * sizeof *gp->inverse);
    gp->lapack->inverse(GP_COLUMNS_FIRST, 'L', (int)n, gp->inverse, (int)n);
    memset(gp->by_place, 0, n * gp->count * sizeof *gp->by_place);
    double diagonal = 0;
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double by = gp->inverse[j * n + i] - gp->weights[i] * gp->weights[j];
            if (i == j)
                diagonal += by / 2;
            else
                pass_on(gp, i, j, by, gradient);
        }
    }
    gradient[GP_VARIANCE(gp->count)] += diagonal * gp->variance * (1 + JITTER);
    gradient[GP_NOISE(gp->count)] += diagonal * exp(hyperparameters[GP_NOISE(gp->count)]);
    pass_on_bends(gp, hyperparameters, gradient);
}

double gp_misfit(struct gp *gp, const double *hyperparameters, bool with_prior, double *gradient)
{
    if (gradient)
        memset(gradient, 0, gp_hyperparameters(gp->count) * sizeof *gradient);
    if (!gp_take(gp, hyperparameters))
        return INFINITY;
    double sum = misfit(gp);
    if (gradient && gp->seen)
        find_gradient(gp, hyperparameters, gradient);
    if (with_prior)
        sum += add_prior(gp, hyperparameters, gradient);
    return isfinite(sum) ? sum : INFINITY;
}

static double misfit_at(const double *hyperparameters, double *gradient, void *data)
{
    return gp_misfit(data, hyperparameters, true, gradient);
}

void gp_fit(struct gp *gp, double *hyperparameters, unsigned steps)
{
    double low[MINIMIZE_MOST], high[MINIMIZE_MOST];
    size_t all = gp_hyperparameters(gp->count);
    for (size_t i = 0; i < all; i++) {
        struct prior prior = prior_of(gp->count, i);
        low[i] = prior.mean - 4 * prior.deviation;
        high[i] = prior.mean + 4 * prior.deviation;
    }
    struct minimize_problem problem = {misfit_at, gp, all, low, high, steps};
    minimize(&problem, hyperparameters);
    gp_take(gp, hyperparameters);
}

/* ---- predicting ---- */

static void find_near(struct gp *gp, const double *bent, double *near)
{
    for (size_t i = 0; i < gp->seen; i++)
        near[i] = gp->variance * matern(squared_distance(gp, bent, gp->bent + i * gp->count), NULL);
}

static void solve_half(const struct gp *gp, char transposed, double *right)
{
    int n = (int)gp->seen;
    if (n)
        gp->lapack->solve_half(GP_COLUMNS_FIRST, 'L', transposed, 'N', n, 1, gp->cholesky, n, right,
                               n);
}

/* By each parameter of the place, what the covariances with one observation do. */
static void add_gradients(const struct gp *gp, const double *place, const double *bent, size_t i,
                          double *mean_gradient, double *variance_gradient)
{
    const double *other = gp->bent + i * gp->count;
    double by_square;
    matern(squared_distance(gp, bent, other), &by_square);
    by_square *= gp->variance;
    for (size_t p = 0; p < gp->count; p++) {
        if (!is_number(gp, p))
            continue;
        double by = by_square * 2 * apart(gp, p, bent[p], other[p]) * gp->scales[p] *
                    bend_of(gp, gp->hyperparameters, p, place[p]).by_u;
        mean_gradient[p] += gp->weights[i] * by;
        variance_gradient[p] -= 2 * gp->half[i] * by;
    }
}

void gp_predict(struct gp *gp, const double *place, double *mean, double *variance,
                double *mean_gradient, double *variance_gradient)
{
    double bent[TUNE_MOST_PARAMETERS];
    bend_place(gp, gp->hyperparameters, place, bent);
    find_near(gp, bent, gp->near);
    memcpy(gp->half, gp->near, gp->seen * sizeof *gp->half);
    solve_half(gp, 'N', gp->half);
    *mean = 0;
    *variance = gp->variance;
    for (size_t i = 0; i < gp->seen; i++) {
        *mean += gp->near[i] * gp->weights[i];
        *variance -= gp->half[i] * gp->half[i];
    }
    *variance = fmax(*variance, 0);
    if (!mean_gradient)
        return;
    memset(mean_gradient, 0, gp->count * sizeof *mean_gradient);
    memset(variance_gradient, 0, gp->count * sizeof *variance_gradient);
    solve_half(gp, 'T', gp->half);
    for (size_t i = 0; i < gp->seen; i++)
        add_gradients(gp, place, bent, i, mean_gradient, variance_gradient);
}

double gp_covariance(struct gp *gp, const double *a, const double *b)
{
    double bent_a[TUNE_MOST_PARAMETERS], bent_b[TUNE_MOST_PARAMETERS];
    const double *h = gp->hyperparameters;
    bend_place(gp, h, a, bent_a);
    bend_place(gp, h, b, bent_b);
    find_near(gp, bent_a, gp->near);
    find_near(gp, bent_b, gp->half);
    solve_half(gp, 'N', gp->near);
    solve_half(gp, 'N', gp->half);
    double sum = gp->variance * matern(squared_distance(gp, bent_a, bent_b), NULL);
    for (size_t i = 0; i < gp->seen; i++)
        sum -= gp->near[i] * gp->half[i];
    return sum;
}
