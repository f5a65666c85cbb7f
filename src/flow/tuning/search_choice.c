/* What a tuning job tries next. */
#include <math.h>
#include <string.h>

#include "flow/tuning/search.h"
#include "flow/tuning/trial.h"
#include "tune/bayesian.h"

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

/* What a trial says of its values; one that was superseded by another attempt says nothing. */
static struct tune_trial known_of(const struct search *search, const struct trial *trial)
{
    double value, loss = NAN;
    if (trial_objective(trial->entry, &value))
        loss = search->definitions->all[trial->definition].maximize ? -value : value;
    return (struct tune_trial){trial->values, loss, !trial_is_settled(trial->entry)};
}

/* Room for all that a study may have. */
static struct tune_trial *new_trials(const struct search *search)
{
    return g_new0(struct tune_trial, search->trials->len + search->parents->len + 1);
}

/* `trials` has room for all. */
static struct tune_study study_of(const struct search *search, guint definition,
                                  struct tune_trial *trials)
{
    struct tune_study study = {.space = &search->definitions->all[definition].space,
                               .trials = trials,
                               .seed = search->seed + definition};
    for (guint i = 0; search->identical && i < search->parents->len; i++) {
        const struct parent_trial *parent = g_ptr_array_index(search->parents, i);
        if (parent->definition == definition)
            trials[study.count++] = (struct tune_trial){parent->values, parent->loss, false};
    }
    for (guint i = 0; i < search->trials->len; i++) {
        const struct trial *trial = g_ptr_array_index(search->trials, i);
        if (trial->definition == definition && !trial->promoted &&
            !trial_is_superseded(trial->entry))
            trials[study.count++] = known_of(search, trial);
    }
    return study;
}

void search_begin_at_random(struct search *search, guint definition)
{
    double values[TUNE_MOST_PARAMETERS];
    g_autofree struct tune_trial *trials = new_trials(search);
    struct tune_study study = study_of(search, definition, trials);
    study_random(&study, values);
    search_begin(search, definition, values, NULL);
}

/* Whether the answer is awaited. */
static bool ask(struct search *search, guint definition)
{
    g_autofree struct tune_trial *trials = new_trials(search);
    struct tune_study study = study_of(search, definition, trials);
    return !study_is_early(&study) && search_ask(search, definition, &study);
}

static void choose_of_grid(struct search *search, guint definition)
{
    double values[TUNE_MOST_PARAMETERS];
    tune_grid(&search->definitions->all[definition].space, begun_of(search, definition), values);
    search_begin(search, definition, values, NULL);
}

/* With other data, what was best for the parents is tried first. */
#define MOST_TRANSFERRED 3

static bool transfer(struct search *search, guint definition)
{
    guint begun = begun_of(search, definition);
    for (guint i = 0; !search->identical && begun < MOST_TRANSFERRED && i < search->parents->len;
         i++) {
        const struct parent_trial *parent = g_ptr_array_index(search->parents, i);
        if (parent->definition != definition || begun-- > 0)
            continue;
        search_begin(search, definition, parent->values, NULL);
        return true;
    }
    return false;
}

/* Hyperband's: one that was paused, and is now seen to be good. */
static bool promote(struct search *search)
{
    for (guint i = 0; search->most_epochs && i < search->trials->len; i++) {
        struct trial *trial = g_ptr_array_index(search->trials, i);
        if (!search_promotes(search, trial))
            continue;
        search_begin(search, trial->definition, trial->values, trial);
        return true;
    }
    return false;
}

static void try_again(struct search *search)
{
    struct trial *failed = g_ptr_array_steal_index(search->to_retry, 0);
    search_begin(search, failed->definition, failed->values, failed);
}

enum choice { CHOSEN, ASKED, NOTHING_LEFT };

static enum choice choose_of(struct search *search, guint definition)
{
    const char *strategy = strategy_of(search);
    if (strcmp(strategy, "Grid") == 0)
        choose_of_grid(search, definition);
    else if (transfer(search, definition))
        return CHOSEN;
    else if (strcmp(strategy, "Bayesian") == 0 && ask(search, definition))
        return ASKED;
    else
        search_begin_at_random(search, definition);
    return CHOSEN;
}

static enum choice choose(struct search *search)
{
    if (search->to_retry->len) {
        try_again(search);
        return CHOSEN;
    }
    bool enough = search->most && search->used >= search->most;
    if (!enough && promote(search))
        return CHOSEN;
    int definition =
        enough ? -1 : next_definition(search, strcmp(strategy_of(search), "Grid") == 0);
    return definition < 0 ? NOTHING_LEFT : choose_of(search, (guint)definition);
}

bool search_choose(struct search *search)
{
    enum choice choice = CHOSEN;
    for (int begun = 0; choice == CHOSEN && begun < MOST_BEGUN && !search->asking &&
                        search->running->len < search->parallel;
         begun++)
        choice = choose(search);
    return choice == NOTHING_LEFT;
}
