/* Warm starts: what the parents of a tuning job tried. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "flow/tuning/search.h"
#include "flow/tuning/trial.h"
#include "flow/tuning/tuning.h"
#include "store/entry.h"

static void free_parent(void *data)
{
    struct parent_trial *trial = data;
    g_free(trial->values);
    g_free(trial);
}

/* The definition of the same name; where they have none, the only one. */
static int same_definition(const struct search *search, const json_t *entry)
{
    const char *name = json_text_at(entry, "TrainingJobDefinitionName");
    for (guint i = 0; i < search->definitions->count; i++)
        if (g_strcmp0(search->definitions->all[i].name, name) == 0)
            return (int)i;
    return search->definitions->count == 1 ? 0 : -1;
}

/* What is tuned now may have been static then. */
static json_t *hyperparameters_of(const json_t *entry, const struct tuning_definitions *parents)
{
    json_t *all = json_object();
    guint index = (guint)json_integer_at(entry, "Definition", 0);
    if (index < parents->count)
        json_object_update(all, json_object_get(parents->all[index].json, "StaticHyperParameters"));
    json_object_update(all, json_object_get(entry, "TunedHyperParameters"));
    return all;
}

static void take_trial(struct search *search, const json_t *entry,
                       const struct tuning_definitions *parents)
{
    double value, values[TUNE_MOST_PARAMETERS];
    int index = same_definition(search, entry);
    g_autoptr(json_auto) hyperparameters = hyperparameters_of(entry, parents);
    if (index < 0 || !trial_objective(entry, &value))
        return;
    const struct tuning_definition *definition = &search->definitions->all[index];
    if (!tuning_values(definition, hyperparameters, values))
        return;
    struct parent_trial *trial = g_new0(struct parent_trial, 1);
    trial->definition = (guint)index;
    trial->values = g_memdup2(values, MAX(definition->space.count, 1) * sizeof *values);
    trial->loss = definition->maximize ? -value : value;
    g_ptr_array_add(search->parents, trial);
}

/* The best of all of them and of this one. */
static void take_best(struct search *search, const json_t *body)
{
    json_t *best = json_object_get(body, "OverallBestTrainingJob");
    if (!best)
        best = json_object_get(body, "BestTrainingJob");
    double value, found;
    const json_t *known = json_object_get(search->resource->body, "OverallBestTrainingJob");
    if (!trial_objective(best, &value))
        return;
    bool maximize = search->definitions->all[0].maximize;
    if (!trial_objective(known, &found) || (maximize ? value > found : value < found))
        json_object_set(search->resource->body, "OverallBestTrainingJob", best);
}

static bool read_parent(struct search *search, const char *name, GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) parent = resource_get(search->store, TUNING_JOB, name, &cause);
    if (cause)
        g_propagate_error(error, cause);
    if (!parent) /* deleted since: what it knew is gone */
        return !cause;
    struct entry_query query = {.kind = TUNING_JOB, .owner = name};
    g_autoptr(tuning_definitions_auto) definitions = tuning_definitions_read(parent->body, error);
    g_autoptr(GPtrArray) entries = definitions ? entry_list(search->store, &query, error) : NULL;
    for (guint i = 0; entries && i < entries->len; i++)
        take_trial(search, ((struct entry *)g_ptr_array_index(entries, i))->body, definitions);
    if (search->identical)
        take_best(search, parent->body);
    return entries != NULL;
}

static int by_loss(const void *a, const void *b)
{
    double left = (*(struct parent_trial *const *)a)->loss;
    double right = (*(struct parent_trial *const *)b)->loss;
    return (left > right) - (left < right);
}

bool search_read_parents(struct search *search, GError **error)
{
    const json_t *config = json_object_get(search->resource->body, "WarmStartConfig");
    size_t i;
    const json_t *parent;
    search->parents = g_ptr_array_new_with_free_func(free_parent);
    search->identical =
        g_strcmp0(json_text_at(config, "WarmStartType"), "IdenticalDataAndAlgorithm") == 0;
    json_array_foreach(json_object_get(config, "ParentHyperParameterTuningJobs"), i, parent)
    {
        if (!read_parent(search, json_text_at(parent, "HyperParameterTuningJobName"), error))
            return false;
    }
    g_ptr_array_sort(search->parents, by_loss);
    return true;
}
