#include "base/tasks.h"

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>

struct task {
    void (*run)(void *data);
    void *data;
};

struct tasks {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GQueue waiting;
    bool running, closing;
};

static void *run(void *data)
{
    struct tasks *tasks = data;
    pthread_mutex_lock(&tasks->lock);
    for (;;) {
        while (g_queue_is_empty(&tasks->waiting) && !tasks->closing)
            pthread_cond_wait(&tasks->changed, &tasks->lock);
        struct task *task = g_queue_pop_head(&tasks->waiting);
        if (!task)
            break;
        tasks->running = true;
        pthread_mutex_unlock(&tasks->lock);
        task->run(task->data);
        g_free(task);
        pthread_mutex_lock(&tasks->lock);
        tasks->running = false;
        pthread_cond_broadcast(&tasks->changed);
    }
    pthread_mutex_unlock(&tasks->lock);
    return NULL;
}

struct tasks *tasks_new(void)
{
    struct tasks *tasks = g_new0(struct tasks, 1);
    pthread_mutex_init(&tasks->lock, NULL);
    pthread_cond_init(&tasks->changed, NULL);
    g_queue_init(&tasks->waiting);
    pthread_create(&tasks->thread, NULL, run, tasks);
    return tasks;
}

void tasks_add(struct tasks *tasks, void (*task)(void *data), void *data)
{
    struct task *entry = g_new(struct task, 1);
    *entry = (struct task){task, data};
    pthread_mutex_lock(&tasks->lock);
    g_queue_push_tail(&tasks->waiting, entry);
    pthread_cond_broadcast(&tasks->changed);
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
    pthread_cond_signal(&tasks->changed);
    pthread_mutex_unlock(&tasks->lock);
    pthread_join(tasks->thread, NULL);
    pthread_mutex_destroy(&tasks->lock);
    pthread_cond_destroy(&tasks->changed);
    g_free(tasks);
}
