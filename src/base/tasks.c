#include "base/tasks.h"

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>

struct task {
    void (*run)(void *data);
    void *data;
};

struct tasks {
    unsigned most;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    GArray *threads; /* pthread_t */
    GQueue waiting;
    unsigned running, lent;
    bool closing;
};

/* Under the lock. */
static bool may_run(const struct tasks *tasks)
{
    return !g_queue_is_empty((GQueue *)&tasks->waiting) &&
           tasks->running < tasks->most + tasks->lent;
}

static void *run_tasks(void *data)
{
    struct tasks *tasks = data;
    pthread_mutex_lock(&tasks->lock);
    for (;;) {
        while (!may_run(tasks) && !(tasks->closing && g_queue_is_empty(&tasks->waiting)))
            pthread_cond_wait(&tasks->changed, &tasks->lock);
        struct task *task = g_queue_pop_head(&tasks->waiting);
        if (!task)
            break;
        tasks->running++;
        pthread_mutex_unlock(&tasks->lock);
        task->run(task->data);
        g_free(task);
        pthread_mutex_lock(&tasks->lock);
        tasks->running--;
        pthread_cond_broadcast(&tasks->changed);
    }
    pthread_mutex_unlock(&tasks->lock);
    return NULL;
}

/* Under the lock; whether there is a thread now. Where there are others, one that cannot be made is
 * done without. */
static bool make_thread(struct tasks *tasks)
{
    guint wanted = tasks->running + g_queue_get_length(&tasks->waiting);
    pthread_t thread;
    if (!tasks->closing && tasks->threads->len < MIN(wanted, tasks->most + tasks->lent) &&
        pthread_create(&thread, NULL, run_tasks, tasks) == 0)
        g_array_append_val(tasks->threads, thread);
    return tasks->threads->len > 0;
}

struct tasks *tasks_new_many(unsigned threads)
{
    struct tasks *tasks = g_new0(struct tasks, 1);
    tasks->most = threads;
    tasks->threads = g_array_new(FALSE, FALSE, sizeof(pthread_t));
    pthread_mutex_init(&tasks->lock, NULL);
    pthread_cond_init(&tasks->changed, NULL);
    g_queue_init(&tasks->waiting);
    return tasks;
}

struct tasks *tasks_new(void)
{
    return tasks_new_many(1);
}

void tasks_add(struct tasks *tasks, void (*task)(void *data), void *data)
{
    struct task *entry = g_new(struct task, 1);
    *entry = (struct task){task, data};
    pthread_mutex_lock(&tasks->lock);
    g_queue_push_tail(&tasks->waiting, entry);
    bool alone = !make_thread(tasks) && g_queue_pop_tail(&tasks->waiting);
    pthread_cond_broadcast(&tasks->changed);
    pthread_mutex_unlock(&tasks->lock);
    if (!alone)
        return;
    task(data);
    g_free(entry);
}

void tasks_lend(struct tasks *tasks)
{
    pthread_mutex_lock(&tasks->lock);
    tasks->lent++;
    make_thread(tasks);
    pthread_cond_broadcast(&tasks->changed);
    pthread_mutex_unlock(&tasks->lock);
}

void tasks_take_back(struct tasks *tasks)
{
    pthread_mutex_lock(&tasks->lock);
    tasks->lent--;
    pthread_mutex_unlock(&tasks->lock);
}

void tasks_wait(struct tasks *tasks)
{
    pthread_mutex_lock(&tasks->lock);
    while (tasks->running || !g_queue_is_empty(&tasks->waiting))
        pthread_cond_wait(&tasks->changed, &tasks->lock);
    pthread_mutex_unlock(&tasks->lock);
}

void tasks_free(struct tasks *tasks)
{
    if (!tasks)
        return;
    pthread_mutex_lock(&tasks->lock);
    tasks->closing = true;
    pthread_cond_broadcast(&tasks->changed);
    pthread_mutex_unlock(&tasks->lock);
    for (guint i = 0; i < tasks->threads->len; i++)
        pthread_join(g_array_index(tasks->threads, pthread_t, i), NULL);
    g_array_unref(tasks->threads);
    pthread_mutex_destroy(&tasks->lock);
    pthread_cond_destroy(&tasks->changed);
    g_free(tasks);
}
