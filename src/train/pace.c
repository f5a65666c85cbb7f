#include "train/pace.h"

#include "base/clock.h"

/* A trial has so many rounds of each kind, and is repeated as the machine's load may change. */
#define TRIAL_ROUNDS 3
#define ROUNDS_BETWEEN_TRIALS 64

enum turn { TURN_OF_ALL, TURN_OF_ONE, TURN_OF_THE_FASTER };

/* Whose round it is. The first of all is nobody's: it has more to do than the others. */
static enum turn whose_turn(const struct pace *pace)
{
    if (pace->rounds == 0)
        return TURN_OF_THE_FASTER;
    int round = (pace->rounds - 1) % ROUNDS_BETWEEN_TRIALS;
    if (round < TRIAL_ROUNDS)
        return TURN_OF_ALL;
    return round < 2 * TRIAL_ROUNDS ? TURN_OF_ONE : TURN_OF_THE_FASTER;
}

static int threads_of(const struct pace *pace, enum turn turn)
{
    if (turn == TURN_OF_ONE)
        return 1;
    return turn == TURN_OF_THE_FASTER && pace->chosen ? pace->chosen : pace->threads;
}

bool pace_begin(struct pace *pace, const struct xgboost *xgboost, void *booster, GError **error)
{
    if (pace->threads < 2)
        return true;
    int threads = threads_of(pace, whose_turn(pace));
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
    if (pace->threads < 2)
        return;
    double spent = clock_monotonic() - pace->began;
    enum turn turn = whose_turn(pace);
    if (turn == TURN_OF_ALL)
        pace->spent_by_all += spent;
    if (turn == TURN_OF_ONE)
        pace->spent_by_one += spent;
    pace->rounds++;
    if (turn == TURN_OF_ONE && whose_turn(pace) == TURN_OF_THE_FASTER) {
        pace->chosen = pace->spent_by_one < pace->spent_by_all ? 1 : pace->threads;
        pace->spent_by_one = pace->spent_by_all = 0;
    }
}
