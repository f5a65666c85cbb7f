#include "train/pace.h"

#include "base/clock.h"

/* A trial has so many rounds of each kind, and is repeated as the machine's load may change. */
#define TRIAL_ROUNDS 3
#define ROUNDS_FROM_TRIAL_TO_TRIAL 64

/* Positions: the first round of all, which has more to do than the others and is not measured; then
 * the trial's rounds by one thread, those by all, and what is done by the faster. */
enum { FIRST, BY_ONE, BY_ALL = BY_ONE + TRIAL_ROUNDS, BY_THE_FASTER = BY_ALL + TRIAL_ROUNDS };

bool pace_begin(struct pace *pace, const struct xgboost *xgboost, void *booster, GError **error)
{
    if (pace->threads < 1)
        return true;
    bool by_all = pace->position >= BY_THE_FASTER ? pace->all_are_faster : pace->position >= BY_ALL;
    int threads = by_all ? pace->threads : 1;
    if (threads != pace->set) {
        g_autofree char *text = g_strdup_printf("%d", threads);
        /* The others have been validated; each time would tell of unknown ones again. */
        if ((pace->set && xgboost->booster_set(booster, "validate_parameters", "0") != 0) ||
            xgboost->booster_set(booster, "nthread", text) != 0)
            return xgboost_fail(xgboost, error, "setting the number of threads");
        pace->set = threads;
    }
    pace->began = clock_monotonic();
    return true;
}

void pace_end(struct pace *pace)
{
    double spent = clock_monotonic() - pace->began;
    int position = pace->position++;
    if (position >= BY_ONE && position < BY_ALL) {
        pace->lead += spent;
    } else if (position >= BY_ALL && position < BY_THE_FASTER) {
        pace->lead -= spent;
        pace->all_are_faster = pace->lead > 0;
        if (!pace->all_are_faster) /* not to be made up for: one such round may take a hundred */
            pace->position = BY_THE_FASTER;
    } else if (pace->position >= ROUNDS_FROM_TRIAL_TO_TRIAL) {
        pace->position = BY_ONE;
        pace->lead = 0;
    }
}
