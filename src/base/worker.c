#include "base/worker.h"

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>

struct task {
    void (*run)(void *data);
    void *data;
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t waits;
    GQueue tasks;
    bool closing;
};

static void *run(void *data)
{
    struct worker *worker = data;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (g_queue_is_empty(&worker->tasks) && !worker->closing)
            pthread_cond_wait(&worker->waits, &worker->lock);
        struct task *task = g_queue_pop_head(&worker->tasks);
        if (!task)
            break;
        pthread_mutex_unlock(&worker->lock);
        task->run(task->data);
        g_free(task);
        pthread_mutex_lock(&worker->lock);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

struct worker *worker_new(void)
{
    struct worker *worker = g_new0(struct worker, 1);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->waits, NULL);
    g_queue_init(&worker->tasks);
    pthread_create(&worker->thread, NULL, run, worker);
    return worker;
}

void worker_add(struct worker *worker, void (*task)(void *data), void *data)
{
    struct task *entry = g_new(struct task, 1);
    *entry = (struct task){task, data};
    pthread_mutex_lock(&worker->lock);
    g_queue_push_tail(&worker->tasks, entry);
    pthread_cond_signal(&worker->waits);
    pthread_mutex_unlock(&worker->lock);
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->closing = true;
    pthread_cond_signal(&worker->waits);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->waits);
    g_free(worker);
}
