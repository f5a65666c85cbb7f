/* What a tuning job tries next. */
#include <string.h>

#include "flow/tuning/search.h"
#include "flow/tuning/trial.h"

/* Trials begun in one turn: a stop is heard in between. */
#define MOST_BEGUN 50

static const char *strategy_of(const struct search *search)
{
    return json_text_at(search->resource->body, "HyperParameterTuningJobConfig.Strategy");
}

/* ---- the definition whose turn it is ---- */

/* How many of its configurations were begun. */
static guint begun_of(const struct search *search, guint definition)
{
    guint count = 0;
    for (guint i = 0; i < search->trials->len; i++) {
        const struct trial *trial = g_ptr_array_index(search->trials, i);
        count += trial->definition == definition && !trial->again;
    }
    return count;
}

/* Those with the fewest trials first, so that all get as many. -1: a grid is through. */
static int next_definition(const struct search *search, bool grid)
{
    int next = -1;
    guint fewest = G_MAXUINT;
    for (guint d = 0; d < search->definitions->count; d++) {
        guint begun = begun_of(search, d);
        bool left = !grid || begun < tune_size(&search->definitions->all[d].space);
        if (left && begun < fewest) {
            next = (int)d;
            fewest = begun;
        }
    }
    return next;
}

/* ---- its next configuration ---- */

static struct tune_study study_of(const struct search *search, guint definition,
                                  struct tune_trial *trials)
{
    struct tune_study study = {.space = &search->definitions->all[definition].space,
                               .trials = trials,
                               .seed = search->seed + definition};
    for (guint i = 0; i < search->trials->len; i++) {
        const struct trial *trial = g_ptr_array_index(search->trials, i);
        if (trial->definition == definition && !trial->again)
            trials[study.count++] = (struct tune_trial){.values = trial->values};
    }
    return study;
}

static void choose_at_random(struct search *search, guint definition)
{
    double values[TUNE_MOST_PARAMETERS];
    g_autofree struct tune_trial *trials = g_new0(struct tune_trial, search->trials->len + 1);
    struct tune_study study = study_of(search, definition, trials);
    study_random(&study, values);
    search_begin(search, definition, values, NULL);
}

static void choose_of_grid(struct search *search, guint definition)
{
    double values[TUNE_MOST_PARAMETERS];
    tune_grid(&search->definitions->all[definition].space, begun_of(search, definition), values);
    search_begin(search, definition, values, NULL);
}

static void try_again(struct search *search)
{
    const struct trial *failed = g_ptr_array_steal_index(search->to_retry, 0);
    search_begin(search, failed->definition, failed->values, failed);
}

/* False: nothing is left to try. */
static bool choose(struct search *search)
{
    bool grid = strcmp(strategy_of(search), "Grid") == 0;
    if (search->to_retry->len) {
        try_again(search);
        return true;
    }
    int definition =
        search->most && search->used >= search->most ? -1 : next_definition(search, grid);
    if (definition < 0)
        return false;
    (grid ? choose_of_grid : choose_at_random)(search, (guint)definition);
    return true;
}

bool search_choose(struct search *search)
{
    int begun = 0;
    while (search->running->len < search->parallel && begun++ < MOST_BEGUN)
        if (!choose(search))
            return true;
    return false;
}
