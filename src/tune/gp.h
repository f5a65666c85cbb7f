/* gp.h: a Gaussian process over configurations: what their losses may be (C. E. Rasmussen and C. K.
 * I. Williams, Gaussian Processes for Machine Learning, 2006).
 *
 * Matern 5/2 covariance with a length for each parameter, on places of the unit cube that are bent
 * by the Kumaraswamy distribution's function (J. Snoek and others, Input Warping for Bayesian
 * Optimization of Non-Stationary Functions, 2014); categories are apart or not; noise. Its
 * hyperparameters have priors. Memory is taken when it is made, and nowhere else. */
#ifndef LATHE_TUNE_GP_H
#define LATHE_TUNE_GP_H

#include <stdbool.h>
#include <stddef.h>

#include "tune/space.h"

/* Functions of LAPACK's C interface, by whoever has loaded it. */
struct gp_lapack {
    int (*cholesky)(int layout, char triangle, int n, double *matrix, int rows);  /* dpotrf */
    int (*inverse)(int layout, char triangle, int n, double *cholesky, int rows); /* dpotri */
    int (*solve)(int layout, char triangle, int n, int columns, const double *cholesky, int rows,
                 double *right, int right_rows); /* dpotrs */
    int (*solve_half)(int layout, char triangle, char transposed, char unit, int n, int columns,
                      const double *cholesky, int rows, double *right, int right_rows); /* dtrtrs */
};
enum { GP_COLUMNS_FIRST = 102 }; /* LAPACK's layout of matrices, of which all are so */

/* Hyperparameters, of `count` parameters, as logarithms: lengths; the variances of the function and
 * of the noise; of each parameter the two exponents by which its place is bent. */
size_t gp_hyperparameters(size_t count);
enum { GP_LENGTHS = 0 };
#define GP_VARIANCE(count) (count)
#define GP_NOISE(count) ((count) + 1)
#define GP_BENDS(count) ((count) + 2)

struct gp;

/* room: how many observations there may come to be. NULL where there is no memory. */
struct gp *gp_new(const struct tune_space *space, const struct gp_lapack *lapack, size_t room);
void gp_free(struct gp *gp);

/* What was seen: places (a row of the space's count an observation) and values, which are best
 * centred and of unit variance. */
void gp_observe(struct gp *gp, const double *places, const double *values, size_t count);
/* Other values at the same places. */
void gp_revalue(struct gp *gp, const double *values);

/* The negative logarithm of the likelihood (and of the hyperparameters' prior, where with_prior),
 * and its gradient by the hyperparameters (may be NULL). Infinite where the covariance is not
 * positive definite. */
double gp_misfit(struct gp *gp, const double *hyperparameters, bool with_prior, double *gradient);

/* The hyperparameters that fit best, begun from those given; leaves the process with them. */
void gp_fit(struct gp *gp, double *hyperparameters, unsigned steps);
/* Takes them as they are; false where the covariance is not positive definite. */
bool gp_take(struct gp *gp, const double *hyperparameters);

/* Where the search for hyperparameters begins: their priors' middles. */
void gp_first(const struct tune_space *space, double *hyperparameters);

/* At a place: mean and variance of the function (without noise), and their gradients by the place
 * (both NULL, or both of the space's count). */
void gp_predict(struct gp *gp, const double *place, double *mean, double *variance,
                double *mean_gradient, double *variance_gradient);
/* The covariance of the function at two places, given what was observed. */
double gp_covariance(struct gp *gp, const double *a, const double *b);

#endif
