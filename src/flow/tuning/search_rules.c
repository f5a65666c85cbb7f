/* What ends early: trials that will not become the best, and searches that have found enough. */
#include <math.h>
#include <string.h>

#include "flow/tuning/search.h"
#include "flow/tuning/trial.h"
#include "operation/kind.h"
#include "store/metric.h"
#include "tune/stopping.h"

static bool is_watched(const struct search *search)
{
    return search->stops_early || search->most_epochs;
}

/* ---- curves ---- */

static struct trial *paused_before(const struct search *search, const struct trial *trial)
{
    gint64 number = json_integer_at(trial->entry, "GoesOnFrom", 0);
    return number ? g_ptr_array_index(search->trials, number - 1) : NULL;
}

/* What was reported by the trials that it goes on from comes first. */
static bool read_curve(struct search *search, struct trial *trial, GError **error)
{
    const struct kind *kind = kind_of_word(operations_services(search->operations), "training-job");
    const struct tuning_definition *definition = &search->definitions->all[trial->definition];
    g_autoptr(json_auto) dimensions =
        json_pack("[{ssss}]", "Name", kind->name, "Value", trial->job);
    struct trial *earlier = paused_before(search, trial);
    if (earlier && !earlier->curve && !read_curve(search, earlier, error))
        return false;
    g_autoptr(GArray) values =
        metric_values(search->store, kind->log_group, definition->metric, dimensions, error);
    if (!values)
        return false;
    if (trial->curve)
        g_array_unref(trial->curve);
    trial->curve = g_array_new(FALSE, FALSE, sizeof(double));
    if (earlier)
        g_array_append_vals(trial->curve, earlier->curve->data, earlier->curve->len);
    for (guint i = 0; i < values->len; i++) {
        double value = g_array_index(values, double, i);
        value = definition->maximize ? -value : value;
        g_array_append_val(trial->curve, value);
    }
    return true;
}

static struct tune_curve curve_of(const struct trial *trial)
{
    return (struct tune_curve){(const double *)(const void *)trial->curve->data, trial->curve->len};
}

/* ---- the median rule ---- */

static bool is_completed(const struct trial *trial)
{
    return g_strcmp0(json_text_at(trial->entry, "TrainingJobStatus"), "Completed") == 0;
}

static void judge_by_median(struct search *search, struct trial *trial)
{
    g_autoptr(GArray) earlier = g_array_new(FALSE, FALSE, sizeof(struct tune_curve));
    for (guint i = 0; i < search->trials->len; i++) {
        const struct trial *other = g_ptr_array_index(search->trials, i);
        if (other->definition != trial->definition || !is_completed(other) || !other->curve)
            continue;
        struct tune_curve curve = curve_of(other);
        g_array_append_val(earlier, curve);
    }
    struct tune_curve own = curve_of(trial);
    trial->to_stop |=
        median_rule_stops(&own, (const struct tune_curve *)(void *)earlier->data, earlier->len);
}

/* ---- Hyperband ---- */

guint search_bracket(const struct search *search)
{
    if (!search->most_epochs)
        return 0;
    guint brackets =
        (guint)halving_brackets((size_t)search->least_epochs, (size_t)search->most_epochs);
    return search->trials->len % brackets;
}

static size_t epochs_of(const struct search *search, const struct trial *trial, guint rung)
{
    return halving_rung((size_t)search->least_epochs, (size_t)search->most_epochs, trial->bracket,
                        rung);
}

/* Whether it is among the best of those that came to that rung of its bracket. */
static bool keeps(const struct search *search, const struct trial *trial, guint rung)
{
    size_t epochs = epochs_of(search, trial, rung);
    g_autoptr(GArray) losses = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = 0; i < search->trials->len; i++) {
        const struct trial *other = g_ptr_array_index(search->trials, i);
        if (other->definition == trial->definition && other->bracket == trial->bracket &&
            !other->promoted && other->curve && other->curve->len >= epochs)
            g_array_append_val(losses, g_array_index(other->curve, double, epochs - 1));
    }
    return halving_keeps(g_array_index(trial->curve, double, epochs - 1),
                         (const double *)(void *)losses->data, losses->len);
}

static void judge_by_rungs(struct search *search, struct trial *trial)
{
    size_t epochs;
    while ((epochs = epochs_of(search, trial, trial->rung)) && trial->curve->len >= epochs) {
        if (!keeps(search, trial, trial->rung)) {
            json_object_set_new(trial->entry, "Paused", json_integer(trial->rung));
            search_change(search, trial);
            trial->to_stop = true;
            return;
        }
        trial->rung++;
    }
    trial->to_stop |= trial->curve->len >= (guint)search->most_epochs;
}

bool search_promotes(const struct search *search, const struct trial *trial)
{
    const json_t *paused = json_object_get(trial->entry, "Paused");
    const json_t *definition = search->definitions->all[trial->definition].json;
    guint rung = (guint)json_integer_value(paused);
    return paused && !trial->promoted && trial_is_settled(trial->entry) && trial->curve &&
           json_object_get(definition, "CheckpointConfig") &&
           trial->curve->len >= epochs_of(search, trial, rung) && keeps(search, trial, rung);
}

/* ---- what was reported ---- */

bool search_judge(struct search *search, GError **error)
{
    for (guint i = 0; is_watched(search) && i < search->trials->len; i++) {
        struct trial *trial = g_ptr_array_index(search->trials, i);
        bool settled = trial_is_settled(trial->entry);
        if (!(trial->reported || (settled && !trial->curve)))
            continue;
        if (!read_curve(search, trial, error))
            return false;
        trial->reported = false;
        if (settled || trial->to_stop)
            continue;
        (search->most_epochs ? judge_by_rungs : judge_by_median)(search, trial);
    }
    return true;
}

/* ---- whole searches ---- */

struct ending {
    double at, loss;
};

static int by_time(const void *a, const void *b)
{
    double left = ((const struct ending *)a)->at, right = ((const struct ending *)b)->at;
    return (left > right) - (left < right);
}

/* In the order of their ends; those without an objective are worse than any. */
static GArray *losses_in_order(const struct search *search)
{
    g_autoptr(GArray) endings = g_array_new(FALSE, FALSE, sizeof(struct ending));
    for (guint i = 0; i < search->trials->len; i++) {
        const struct trial *trial = g_ptr_array_index(search->trials, i);
        double value = INFINITY;
        if (!trial_is_settled(trial->entry) || trial_is_superseded(trial->entry))
            continue;
        if (trial_objective(trial->entry, &value) &&
            search->definitions->all[trial->definition].maximize)
            value = -value;
        struct ending ending = {json_number_at(trial->entry, "TrainingEndTime", 0), value};
        g_array_append_val(endings, ending);
    }
    g_array_sort(endings, by_time);
    GArray *losses = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = 0; i < endings->len; i++)
        g_array_append_val(losses, g_array_index(endings, struct ending, i).loss);
    return losses;
}

static void tell_details(struct search *search, guint without, bool converged)
{
    json_t *body = search->resource->body;
    json_t *details = json_object_get(body, "TuningJobCompletionDetails");
    if (!details) {
        details = json_object();
        json_object_set_new(body, "TuningJobCompletionDetails", details);
    }
    json_object_set_new(details, "NumberOfTrainingJobsObjectiveNotImproving",
                        json_integer(without));
    if (converged && !json_object_get(details, "ConvergenceDetectedTime"))
        json_object_set_new(details, "ConvergenceDetectedTime",
                            json_real(clock_wall(search->clock)));
}

static bool is_at_target(const struct search *search, const json_t *criteria)
{
    double best;
    const json_t *job = json_object_get(search->resource->body, "BestTrainingJob");
    const json_t *target = json_object_get(criteria, "TargetObjectiveMetricValue");
    if (!target || !trial_objective(job, &best))
        return false;
    const char *type = json_text_at(job, "FinalHyperParameterTuningJobObjectiveMetric.Type");
    double wanted = json_number_value(target);
    return g_strcmp0(type, "Maximize") == 0 ? best >= wanted : best <= wanted;
}

bool search_is_complete(struct search *search)
{
    const json_t *criteria = json_at(search->resource->body,
                                     "HyperParameterTuningJobConfig.TuningJobCompletionCriteria");
    g_autoptr(GArray) losses = losses_in_order(search);
    const double *all = (const double *)(void *)losses->data;
    guint without = losses->len ? (guint)not_improving(all, losses->len) : 0;
    bool converged = losses->len && search_has_converged(all, losses->len,
                                                         search->definitions->all[0].space.count);
    if (losses->len)
        tell_details(search, without, converged);
    gint64 most = json_integer_at(
        criteria, "BestObjectiveNotImproving.MaxNumberOfTrainingJobsNotImproving", 0);
    const char *on_convergence =
        json_text_at(criteria, "ConvergenceDetected.CompleteOnConvergence");
    return is_at_target(search, criteria) || (most && without >= most) ||
           (converged && g_strcmp0(on_convergence, "Enabled") == 0);
}
