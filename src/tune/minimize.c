#include "tune/minimize.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MEMORY = 8, HALVINGS = 25 };
#define SUFFICIENT 1e-4 /* of the decrease that the gradient promises */
#define TOLERANCE 1e-7  /* of the value, and of the gradient */

/* Steps taken last and what they did to the gradient, the newest at `last`. */
struct memory {
    double steps[MEMORY][MINIMIZE_MOST], changes[MEMORY][MINIMIZE_MOST], curvature[MEMORY];
    unsigned count, last;
};

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static void add(double *to, double times, const double *what, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += times * what[i];
}

static void remember(struct memory *memory, const double *step, const double *change, size_t count)
{
    double curvature = dot(step, change, count);
    if (!(curvature > 1e-12 * dot(change, change, count)))
        return;
    memory->last = (memory->last + 1) % MEMORY;
    memcpy(memory->steps[memory->last], step, count * sizeof *step);
    memcpy(memory->changes[memory->last], change, count * sizeof *change);
    memory->curvature[memory->last] = curvature;
    if (memory->count < MEMORY)
        memory->count++;
}

/* Where the gradient points out of the box, the variable stays. */
static bool is_held(const struct minimize_problem *problem, const double *x, const double *gradient,
                    size_t i)
{
    return (x[i] <= problem->low[i] && gradient[i] > 0) ||
           (x[i] >= problem->high[i] && gradient[i] < 0);
}

/* The two loops of the method: the gradient, as if divided by the curvature seen. */
static void divide(const struct memory *memory, double *direction, size_t count)
{
    double weights[MEMORY];
    for (unsigned k = 0; k < memory->count; k++) {
        unsigned i = (memory->last + MEMORY - k) % MEMORY;
        weights[i] = dot(memory->steps[i], direction, count) / memory->curvature[i];
        add(direction, -weights[i], memory->changes[i], count);
    }
    if (memory->count) {
        const double *change = memory->changes[memory->last];
        double scale = memory->curvature[memory->last] / dot(change, change, count);
        for (size_t i = 0; i < count; i++)
            direction[i] *= scale;
    }
    for (unsigned k = memory->count; k-- > 0;) {
        unsigned i = (memory->last + MEMORY - k) % MEMORY;
        double weight = dot(memory->changes[i], direction, count) / memory->curvature[i];
        add(direction, weights[i] - weight, memory->steps[i], count);
    }
}

static void choose_direction(const struct minimize_problem *problem, const struct memory *memory,
                             const double *x, const double *gradient, double *direction)
{
    size_t count = problem->count;
    for (size_t i = 0; i < count; i++)
        direction[i] = is_held(problem, x, gradient, i) ? 0 : gradient[i];
    divide(memory, direction, count);
    for (size_t i = 0; i < count; i++)
        direction[i] = is_held(problem, x, gradient, i) ? 0 : -direction[i];
}

struct point {
    double x[MINIMIZE_MOST], gradient[MINIMIZE_MOST], value;
};

static void step_to(const struct minimize_problem *problem, const struct point *from,
                    const double *direction, double length, struct point *to)
{
    for (size_t i = 0; i < problem->count; i++)
        to->x[i] =
            fmin(fmax(from->x[i] + length * direction[i], problem->low[i]), problem->high[i]);
    to->value = problem->function(to->x, to->gradient, problem->data);
}

/* Halves the step until it goes down far enough. */
static bool search_line(const struct minimize_problem *problem, const struct point *from,
                        const double *direction, double length, struct point *to)
{
    double moved[MINIMIZE_MOST];
    for (int halving = 0; halving < HALVINGS; halving++) {
        step_to(problem, from, direction, length, to);
        memcpy(moved, to->x, problem->count * sizeof *moved);
        add(moved, -1, from->x, problem->count);
        double promised = dot(moved, from->gradient, problem->count);
        if (isfinite(to->value) && to->value <= from->value + SUFFICIENT * promised &&
            to->value < from->value)
            return true;
        length /= 2;
    }
    return false;
}

/* A first step goes no farther than a part of the box. */
static double first_length(const struct minimize_problem *problem, const struct memory *memory,
                           const double *direction)
{
    double steepest = 0;
    for (size_t i = 0; i < problem->count; i++)
        steepest = fmax(steepest, fabs(direction[i]) / (problem->high[i] - problem->low[i]));
    return memory->count || steepest < 0.1 ? 1 : 0.1 / steepest;
}

/* Whether it went on; then it is at the next point. */
static bool go_down(const struct minimize_problem *problem, struct memory *memory,
                    struct point *now)
{
    double direction[MINIMIZE_MOST];
    struct point next;
    choose_direction(problem, memory, now->x, now->gradient, direction);
    if (dot(direction, now->gradient, problem->count) >= 0 ||
        !search_line(problem, now, direction, first_length(problem, memory, direction), &next)) {
        bool again = memory->count > 0;
        memory->count = 0; /* the steepest way, before it gives up */
        return again;
    }
    double step[MINIMIZE_MOST], change[MINIMIZE_MOST];
    for (size_t i = 0; i < problem->count; i++) {
        step[i] = next.x[i] - now->x[i];
        change[i] = next.gradient[i] - now->gradient[i];
    }
    remember(memory, step, change, problem->count);
    bool far = now->value - next.value > TOLERANCE * (fabs(next.value) + TOLERANCE);
    *now = next;
    return far;
}

double minimize(const struct minimize_problem *problem, double *x)
{
    struct memory memory = {.count = 0};
    struct point now;
    memcpy(now.x, x, problem->count * sizeof *x);
    now.value = problem->function(now.x, now.gradient, problem->data);
    for (unsigned step = 0; isfinite(now.value) && step < problem->steps; step++)
        if (!go_down(problem, &memory, &now))
            break;
    memcpy(x, now.x, problem->count * sizeof *x);
    return now.value;
}
