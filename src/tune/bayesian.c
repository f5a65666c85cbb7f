#include "tune/bayesian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sample/random.h"
#include "tune/minimize.h"
#include "tune/sobol.h"

enum {
    MOST_SEEN = 240,   /* trials that are learnt from: of more, the best and the latest */
    MOST_PENDING = 60, /* of those under way, the latest */
    MOST_MODELS = 8,
    FIRST = 5,      /* trials at random before anything is learnt, or as many as parameters */
    MOST_FIRST = 8, /* but no more */
    SPREAD = 1000,  /* candidates all over the space */
    NEAR = 400,     /* candidates near the best */
    REFINED = 6,    /* candidates that are improved by their gradients */
    FIT_STEPS = 60,
    REFINE_STEPS = 30,
};
#define SQRT_HALF 0.70710678118654752440
#define INV_SQRT_2PI 0.39894228040143267794
#define HALF_LOG_2PI 0.91893853320467274178

/* ---- expected improvement ---- */

/* log(phi(z) + z Phi(z)), and Phi and phi over that. */
struct improvement {
    double log, cumulative, density;
};

static struct improvement improvement_of(double z)
{
    double density = INV_SQRT_2PI * exp(-z * z / 2), cumulative = erfc(-z * SQRT_HALF) / 2;
    if (z > -1) {
        double sum = density + z * cumulative;
        return (struct improvement){log(sum), cumulative / sum, density / sum};
    }
    /* Over phi, since all become very small: 1 + z Phi / phi, by its series where that cancels. */
    double ratio = z > -30 ? cumulative / density : -1 / z * (1 - 1 / (z * z));
    double rest = z > -30 ? 1 + z * ratio : 1 / (z * z) * (1 - 3 / (z * z));
    return (struct improvement){log(rest) - z * z / 2 - HALF_LOG_2PI, ratio / rest, 1 / rest};
}

double log_improvement(double best, double mean, double deviation, double *by_mean,
                       double *by_deviation)
{
    struct improvement improvement = improvement_of((best - mean) / deviation);
    if (by_mean) {
        *by_mean = -improvement.cumulative / deviation;
        *by_deviation = improvement.density / deviation;
    }
    return improvement.log + log(deviation);
}

/* ---- models ---- */

/* A process with hyperparameters of its own, and values that it drew for what is under way. */
struct model {
    struct gp *gp;
    double best; /* the lowest mean where something was seen */
};

struct search {
    const struct tune_study *study;
    const struct gp_lapack *lapack;
    struct random random;
    size_t count, seen, pending;
    double *places; /* of what was seen, then of what is under way */
    double *losses; /* of what was seen, normalized; then room for those drawn */
    struct model models[MOST_MODELS];
    size_t models_count;
};

/* Where two processes agree on what is known, their mean says what is expected. */
static double expected(const struct search *search, const double *place, double *gradient)
{
    double logs[MOST_MODELS], by_place[MOST_MODELS][TUNE_MOST_PARAMETERS], most = -INFINITY;
    for (size_t m = 0; m < search->models_count; m++) {
        double mean, variance, by_mean, by_deviation;
        double means[TUNE_MOST_PARAMETERS], variances[TUNE_MOST_PARAMETERS];
        gp_predict(search->models[m].gp, place, &mean, &variance, gradient ? means : NULL,
                   gradient ? variances : NULL);
        double deviation = sqrt(fmax(variance, 1e-12));
        logs[m] = log_improvement(search->models[m].best, mean, deviation, &by_mean, &by_deviation);
        most = fmax(most, logs[m]);
        for (size_t i = 0; gradient && i < search->count; i++)
            by_place[m][i] = by_mean * means[i] + by_deviation * variances[i] / (2 * deviation);
    }
    double sum = 0;
    for (size_t m = 0; m < search->models_count; m++)
        sum += exp(logs[m] - most);
    for (size_t i = 0; gradient && i < search->count; i++) {
        gradient[i] = 0;
        for (size_t m = 0; m < search->models_count; m++)
            gradient[i] += exp(logs[m] - most) / sum * by_place[m][i];
    }
    return most + log(sum / (double)search->models_count);
}

/* ---- hyperparameters ---- */

/* Fits from several beginnings; the best fit. */
static void fit_best(struct search *search, struct gp *gp, double *best)
{
    static const double lengths[] = {0, -1.2, 0.8};
    double lowest = INFINITY, tried[MINIMIZE_MOST];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        gp_first(search->study->space, tried);
        for (size_t p = 0; p < search->count; p++)
            tried[GP_LENGTHS + p] += lengths[i];
        gp_fit(gp, tried, FIT_STEPS);
        double misfit = gp_misfit(gp, tried, true, NULL);
        if (misfit < lowest || i == 0) {
            lowest = misfit;
            memcpy(best, tried, gp_hyperparameters(search->count) * sizeof *best);
        }
    }
}

/* One hyperparameter drawn anew, the others held (R. M. Neal, Slice Sampling, 2003). */
static void slice(struct search *search, struct gp *gp, double *h, size_t which)
{
    const double width = 1;
    double level =
        -gp_misfit(gp, h, true, NULL) + exact_log(fmax(random_uniform(&search->random), 1e-12));
    double middle = h[which], low = middle - width * random_uniform(&search->random);
    double high = low + width;
    for (int tries = 0; tries < 20; tries++) {
        h[which] = low + (high - low) * random_uniform(&search->random);
        if (-gp_misfit(gp, h, true, NULL) > level)
            return;
        *(h[which] < middle ? &low : &high) = h[which];
    }
    h[which] = middle;
}

static void sample(struct search *search, struct gp *gp, double *h)
{
    for (size_t i = 0; i < gp_hyperparameters(search->count); i++) {
        bool bends = i >= GP_BENDS(search->count);
        size_t parameter = bends ? (i - GP_BENDS(search->count)) / 2 : 0;
        if (!bends || search->study->space->parameters[parameter].kind != TUNE_CATEGORICAL)
            slice(search, gp, h, i);
    }
}

/* Few observations leave open what the hyperparameters are, and many are dear. */
static size_t models_for(size_t seen)
{
    return seen <= 50 ? MOST_MODELS : seen <= 120 ? MOST_MODELS / 2 : 1;
}

/* ---- what is under way ---- */

/* Draws a value for one more place, as the model expects it. */
static double draw(struct search *search, struct gp *gp, const double *place)
{
    double mean, variance;
    gp_predict(gp, place, &mean, &variance, NULL, NULL);
    double drawn = search->models_count > 1 ? random_normal(&search->random) : 0;
    return mean + sqrt(variance) * drawn;
}

static bool add_pending(struct search *search, struct gp *gp, const double *h)
{
    for (size_t i = 0; i < search->pending; i++) {
        size_t at = search->seen + i;
        search->losses[at] = draw(search, gp, search->places + at * search->count);
        gp_observe(gp, search->places, search->losses, at + 1);
        if (!gp_take(gp, h))
            return false;
    }
    return true;
}

static double lowest_mean(struct search *search, struct gp *gp)
{
    double lowest = INFINITY, mean, variance;
    for (size_t i = 0; i < search->seen; i++) {
        gp_predict(gp, search->places + i * search->count, &mean, &variance, NULL, NULL);
        lowest = fmin(lowest, mean);
    }
    return lowest;
}

static bool make_model(struct search *search, struct model *model, const double *h)
{
    model->gp = gp_new(search->study->space, search->lapack, search->seen + search->pending);
    if (!model->gp)
        return false;
    gp_observe(model->gp, search->places, search->losses, search->seen);
    if (!gp_take(model->gp, h) || !add_pending(search, model->gp, h))
        return false;
    model->best = lowest_mean(search, model->gp);
    return true;
}

static bool make_models(struct search *search)
{
    double h[MINIMIZE_MOST];
    struct gp *gp = gp_new(search->study->space, search->lapack, search->seen);
    if (!gp)
        return false;
    gp_observe(gp, search->places, search->losses, search->seen);
    fit_best(search, gp, h);
    search->models_count = models_for(search->seen);
    bool made = true;
    for (size_t m = 0; m < search->models_count && made; m++) {
        if (m)
            sample(search, gp, h);
        made = make_model(search, &search->models[m], h);
    }
    gp_free(gp);
    return made;
}

/* ---- candidates ---- */

struct candidate {
    double place[TUNE_MOST_PARAMETERS], expected;
};

/* Keeps the best, the first of all first. */
static void offer(const struct search *search, struct candidate *best, const double *place)
{
    struct candidate offered;
    memcpy(offered.place, place, search->count * sizeof *place);
    offered.expected = expected(search, place, NULL);
    for (size_t i = 0; i < REFINED; i++) {
        if (offered.expected > best[i].expected) {
            struct candidate moved = best[i];
            best[i] = offered;
            offered = moved;
        }
    }
}

/* The middle of the stretch that a place is in: what its configuration is learnt from at. */
static void settle_place(const struct search *search, double *place)
{
    double values[TUNE_MOST_PARAMETERS];
    tune_values(search->study->space, place, values);
    tune_places(search->study->space, values, place);
}

static void spread(const struct search *search, struct candidate *best)
{
    double place[SOBOL_DIMENSIONS];
    for (uint32_t i = 0; i < SPREAD; i++) {
        sobol_scrambled(search->count, i, search->study->seed + search->study->count, place);
        settle_place(search, place);
        offer(search, best, place);
    }
}

/* The place of what was best so far, some of its coordinates moved. */
static void move_near(struct search *search, const double *from, double *place)
{
    double reach = random_uniform(&search->random) < 0.5 ? 0.05 : 0.2;
    for (size_t i = 0; i < search->count; i++) {
        bool moves = search->count < 3 || random_uniform(&search->random) < 0.5;
        place[i] = from[i];
        if (!moves)
            continue;
        if (search->study->space->parameters[i].kind == TUNE_CATEGORICAL)
            place[i] = random_uniform(&search->random);
        else
            place[i] = fmin(fmax(from[i] + reach * random_normal(&search->random), 0), 1);
    }
}

static const double *best_place(const struct search *search)
{
    size_t best = 0;
    for (size_t i = 1; i < search->seen; i++)
        if (search->losses[i] < search->losses[best])
            best = i;
    return search->places + best * search->count;
}

static void look_near(struct search *search, struct candidate *best)
{
    double place[TUNE_MOST_PARAMETERS];
    const double *from = best_place(search);
    for (int i = 0; i < NEAR; i++) {
        move_near(search, from, place);
        settle_place(search, place);
        offer(search, best, place);
    }
}

/* Categories have no gradient, and stay. */
static double unexpected_at(const double *place, double *gradient, void *data)
{
    const struct search *search = data;
    double value = -expected(search, place, gradient);
    for (size_t i = 0; i < search->count; i++)
        gradient[i] = -gradient[i];
    return value;
}

static void refine(struct search *search, struct candidate *candidate)
{
    double low[TUNE_MOST_PARAMETERS] = {0}, high[TUNE_MOST_PARAMETERS];
    for (size_t i = 0; i < search->count; i++)
        high[i] = 1;
    struct minimize_problem problem = {unexpected_at, search, search->count,
                                       low,           high,   REFINE_STEPS};
    minimize(&problem, candidate->place);
    settle_place(search, candidate->place);
    candidate->expected = expected(search, candidate->place, NULL);
}

/* False: all that are good were tried already. */
static bool choose(struct search *search, double *values)
{
    struct candidate best[REFINED];
    double most = -INFINITY, tried[TUNE_MOST_PARAMETERS];
    for (size_t i = 0; i < REFINED; i++)
        best[i].expected = -INFINITY;
    spread(search, best);
    look_near(search, best);
    for (size_t i = 0; i < REFINED && isfinite(best[i].expected); i++) {
        struct candidate refined = best[i];
        refine(search, &refined);
        const struct candidate *found[] = {&refined, &best[i]};
        for (size_t f = 0; f < 2; f++) {
            tune_values(search->study->space, found[f]->place, tried);
            if (found[f]->expected <= most || study_has(search->study, tried))
                continue;
            most = found[f]->expected;
            memcpy(values, tried, search->count * sizeof *tried);
        }
    }
    return isfinite(most);
}

/* ---- what is learnt from ---- */

static bool has_loss(const struct tune_trial *trial)
{
    return !trial->pending && isfinite(trial->loss);
}

static double worst_of(const struct tune_study *study)
{
    double worst = -INFINITY;
    for (size_t i = 0; i < study->count; i++)
        if (has_loss(&study->trials[i]))
            worst = fmax(worst, study->trials[i].loss);
    return worst;
}

static int by_loss(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* A loss that the better half of those that are learnt from does not pass. */
static double bound_of_best(const struct tune_study *study, double worst, double *losses)
{
    size_t count = 0;
    for (size_t i = 0; i < study->count; i++)
        if (!study->trials[i].pending)
            losses[count++] = has_loss(&study->trials[i]) ? study->trials[i].loss : worst;
    qsort(losses, count, sizeof *losses, by_loss);
    return count <= MOST_SEEN ? INFINITY : losses[MOST_SEEN / 2];
}

static void take_trial(struct search *search, size_t at, const struct tune_trial *trial)
{
    tune_places(search->study->space, trial->values, search->places + at * search->count);
}

static void take_seen(struct search *search, double worst, double bound)
{
    const struct tune_study *study = search->study;
    for (size_t i = study->count; i-- > 0 && search->seen < MOST_SEEN;) {
        const struct tune_trial *trial = &study->trials[i];
        double loss = has_loss(trial) ? trial->loss : worst;
        bool late = search->seen < MOST_SEEN / 2;
        if (trial->pending || (!late && loss > bound))
            continue;
        take_trial(search, search->seen, trial);
        search->losses[search->seen++] = loss;
    }
}

static void take_pending(struct search *search)
{
    const struct tune_study *study = search->study;
    for (size_t i = study->count; i-- > 0 && search->pending < MOST_PENDING;)
        if (study->trials[i].pending)
            take_trial(search, search->seen + search->pending++, &study->trials[i]);
}

static bool learn(struct search *search)
{
    size_t room = MOST_SEEN + MOST_PENDING;
    search->places = calloc(room * search->count, sizeof(double));
    search->losses = calloc(search->study->count + room, sizeof(double));
    if (!search->places || !search->losses)
        return false;
    double worst = worst_of(search->study);
    take_seen(search, worst, bound_of_best(search->study, worst, search->losses));
    take_pending(search);
    normalize_losses(search->losses, search->seen);
    return make_models(search);
}

bool study_is_early(const struct tune_study *study)
{
    size_t known = 0, first = study->space->count > FIRST ? study->space->count : FIRST;
    for (size_t i = 0; i < study->count; i++)
        known += has_loss(&study->trials[i]);
    return study->count < (first < MOST_FIRST ? first : MOST_FIRST) || known < 2;
}

void study_bayesian(const struct tune_study *study, const struct gp_lapack *lapack, double *values)
{
    struct search search = {.study = study,
                            .lapack = lapack,
                            .random = random_start(study->seed, study->count),
                            .count = study->space->count};
    bool chosen =
        search.count && !study_is_early(study) && learn(&search) && choose(&search, values);
    for (size_t m = 0; m < MOST_MODELS; m++)
        gp_free(search.models[m].gp);
    free(search.places);
    free(search.losses);
    if (!chosen)
        study_random(study, values);
}
