#include "wire/http_pool.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

struct task {
    void (*work)(void *data);
    void *data;
    struct task *next;
};

struct http_pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct task *first, **last; /* in line */
    unsigned waiting;           /* tasks in line */
    unsigned idle;              /* threads that wait for one */
    bool ending;
    unsigned limit, started;
    pthread_t *threads;
};

static void *run_tasks(void *data)
{
    struct http_pool *pool = data;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        pool->idle++;
        while (!pool->first && !pool->ending)
            pthread_cond_wait(&pool->changed, &pool->lock);
        pool->idle--;
        struct task *task = pool->first;
        if (!task)
            break;
        pool->first = task->next;
        if (!pool->first)
            pool->last = &pool->first;
        pool->waiting--;
        pthread_mutex_unlock(&pool->lock);
        task->work(task->data);
        g_free(task);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Under the lock, or before anybody else knows the pool. Returns 0 or an errno. */
static int start_thread(struct http_pool *pool)
{
    int failure = pthread_create(&pool->threads[pool->started], NULL, run_tasks, pool);
    if (!failure)
        pool->started++;
    return failure;
}

struct http_pool *http_pool_new(unsigned threads, GError **error)
{
    struct http_pool *pool = g_new0(struct http_pool, 1);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->last = &pool->first;
    pool->limit = threads;
    pool->threads = g_new(pthread_t, threads);
    int failure = start_thread(pool);
    if (!failure)
        return pool;
    error_set_errno(error, failure, "starting a thread for requests that may wait");
    http_pool_free(pool);
    return NULL;
}

void http_pool_run(struct http_pool *pool, void (*work)(void *data), void *data)
{
    struct task *task = g_new(struct task, 1);
    *task = (struct task){work, data, NULL};
    pthread_mutex_lock(&pool->lock);
    *pool->last = task;
    pool->last = &task->next;
    pool->waiting++;
    /* Where no other thread can be started, those that run take the task in turn. */
    if (pool->waiting > pool->idle && pool->started < pool->limit)
        start_thread(pool);
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

void http_pool_free(struct http_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->threads[i], NULL);
    g_free(pool->threads);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool);
}
