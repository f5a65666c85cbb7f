/* minimize.h: a smooth function made small within a box: limited-memory BFGS (J. Nocedal, Updating
 * Quasi-Newton Matrices with Limited Storage, 1980), its steps projected into the box. */
#ifndef LATHE_TUNE_MINIMIZE_H
#define LATHE_TUNE_MINIMIZE_H

#include <stddef.h>

enum { MINIMIZE_MOST = 320 }; /* variables */

/* The value at x, with its gradient; infinite where there is none, and then the gradient is not
 * read. */
typedef double minimize_function(const double *x, double *gradient, void *data);

struct minimize_problem {
    minimize_function *function;
    void *data;
    size_t count;
    const double *low, *high; /* the box */
    unsigned steps;           /* at most */
};

/* Goes down from x, which lies in the box, and leaves the lowest point in it. Its value. */
double minimize(const struct minimize_problem *problem, double *x);

#endif
