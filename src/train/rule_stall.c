/* The rule that a training goes on: it has to be told in time, and so by a thread of its own. */
#include "train/report.h"
#include "train/rules_inside.h"

struct rule_stall {
    const char *name; /* of the rule's configuration */
    double threshold; /* seconds */
    int report_fd;
    GThread *thread;
    GMutex lock; /* of what is below */
    GCond ends;
    gint64 due; /* by the monotonic clock */
    int round;
    bool over; /* it was told, or the training is over */
};

static void push_back(struct rule_stall *stall)
{
    double longest = 1e9; /* seconds, which every clock can hold */
    stall->due = g_get_monotonic_time() + (gint64)(CLAMP(stall->threshold, 0, longest) * 1e6);
}

/* Once. */
static void tell_if_due(struct rule_stall *stall)
{
    if (stall->over || g_get_monotonic_time() < stall->due)
        return;
    stall->over = true;
    g_autofree char *details = rule_details("StalledTrainingRule", stall->round, NULL);
    report_log("WARNING", "%s", details);
    report_rule(stall->report_fd, stall->name, "IssuesFound", stall->round, details);
}

static void *watch(void *data)
{
    struct rule_stall *stall = data;
    g_mutex_lock(&stall->lock);
    while (!stall->over)
        if (!g_cond_wait_until(&stall->ends, &stall->lock, stall->due))
            tell_if_due(stall);
    g_mutex_unlock(&stall->lock);
    return NULL;
}

struct rule_stall *rule_stall_start(const char *name, double threshold, int report_fd)
{
    struct rule_stall *stall = g_new0(struct rule_stall, 1);
    stall->name = name;
    stall->threshold = threshold;
    stall->report_fd = report_fd;
    g_mutex_init(&stall->lock);
    g_cond_init(&stall->ends);
    push_back(stall);
    stall->thread = g_thread_new("stall", watch, stall);
    return stall;
}

void rule_stall_moved(struct rule_stall *stall, int round)
{
    g_mutex_lock(&stall->lock);
    tell_if_due(stall); /* where the thread has not come to it */
    stall->round = round;
    push_back(stall); /* the thread sees it when its time has come */
    g_mutex_unlock(&stall->lock);
}

void rule_stall_end(void *of)
{
    struct rule_stall *stall = of;
    g_mutex_lock(&stall->lock);
    stall->over = true;
    g_cond_signal(&stall->ends);
    g_mutex_unlock(&stall->lock);
    g_thread_join(stall->thread);
    g_mutex_clear(&stall->lock);
    g_cond_clear(&stall->ends);
    g_free(stall);
}
