/* Processes that are warm for a program, and the jobs that are forked from them. */
#include <string.h>

#include "base/clock.h"
#include "base/warm.h"
#include "job/job_inside.h"

/* The trials of a tuning job follow each other at once, the steps of a workflow within seconds. */
#define WAIT_SECONDS 15

struct warmed {
    struct warm *warm;
    char *program, *image; /* for which it has loaded what they need */
    pthread_t opener;      /* it ends where that thread does, and so serves no other's jobs */
    double cold_at;        /* by the steady clock: when it has waited long enough */
};

void warmed_free(void *data)
{
    struct warmed *warmed = data;
    warm_close(warmed->warm);
    g_free(warmed->program);
    g_free(warmed->image);
    g_free(warmed);
}

static bool suits(const struct warmed *warmed, const struct job_plan *plan)
{
    return pthread_equal(warmed->opener, pthread_self()) &&
           strcmp(warmed->program, plan->program) == 0 &&
           g_strcmp0(warmed->image, plan->image) == 0;
}

/* One that waits for work; NULL where there is none. */
static struct warmed *take(struct job *job)
{
    struct jobs *jobs = job->jobs;
    struct warmed *found = NULL;
    pthread_mutex_lock(&jobs->lock);
    for (guint i = jobs->warmed->len; i-- > 0 && !found;)
        if (suits(g_ptr_array_index(jobs->warmed, i), job->plan))
            found = g_ptr_array_steal_index_fast(jobs->warmed, i);
    pthread_mutex_unlock(&jobs->lock);
    return found;
}

static struct warmed *open_one(const struct job *job, char *const *environment)
{
    char self[] = "/proc/self/exe", verb[] = "job", many[] = "-";
    char *argv[] = {self, verb, job->plan->program, many, NULL};
    struct warm *warm = warm_open(argv, environment, NULL);
    if (!warm)
        return NULL;
    struct warmed *warmed = g_new(struct warmed, 1);
    *warmed = (struct warmed){warm, g_strdup(job->plan->program), g_strdup(job->plan->image),
                              pthread_self(), 0};
    return warmed;
}

static bool fork_from(struct warmed *warmed, struct job *job, char *const *environment)
{
    if (!warmed)
        return false;
    if (warm_fork(warmed->warm, &job->process, environment, job->folder, NULL)) {
        job->warmed = warmed;
        return true;
    }
    warmed_free(warmed);
    return false;
}

/* One that has ended meanwhile, whyever, is no reason for anything. Where a new one ends at once,
 * the program, executed, says why. */
bool warmed_start(struct job *job, char *const *environment)
{
    return fork_from(take(job), job, environment) ||
           fork_from(open_one(job, environment), job, environment);
}

/* ---- those that wait ---- */

/* Ends those that waited long enough: what they hold is some memory. */
static void cool(void *data)
{
    struct jobs *jobs = data;
    g_autoptr(GPtrArray) over = g_ptr_array_new_with_free_func(warmed_free);
    pthread_mutex_lock(&jobs->lock);
    double now = clock_steady(jobs->clock), next = 0;
    for (guint i = jobs->warmed->len; i-- > 0;) {
        const struct warmed *warmed = g_ptr_array_index(jobs->warmed, i);
        if (warmed->cold_at <= now)
            g_ptr_array_add(over, g_ptr_array_steal_index_fast(jobs->warmed, i));
        else if (next == 0 || warmed->cold_at < next)
            next = warmed->cold_at;
    }
    jobs->cools =
        next > 0 && !jobs->closing ? clock_set(jobs->clock, CLOCK_STEADY, next, cool, jobs) : 0;
    pthread_mutex_unlock(&jobs->lock);
}

void warmed_give_back(struct job *job)
{
    struct jobs *jobs = job->jobs;
    if (!job->warmed)
        return;
    pthread_mutex_lock(&jobs->lock);
    job->warmed->cold_at = clock_steady(jobs->clock) + WAIT_SECONDS;
    g_ptr_array_add(jobs->warmed, job->warmed);
    if (!jobs->cools && !jobs->closing)
        jobs->cools = clock_set(jobs->clock, CLOCK_STEADY, job->warmed->cold_at, cool, jobs);
    pthread_mutex_unlock(&jobs->lock);
    job->warmed = NULL;
}
