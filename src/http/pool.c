#include "http/pool.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/waiting.h"

struct task {
    void (*work)(void *data);
    void *data;
    guint64 number; /* in the order of their coming */
    struct task *next;
};

struct line {
    struct task *first, **last;
    unsigned length;
};

struct http_pool {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a task came, or the end */
    pthread_cond_t ended;   /* a thread has */
    struct line tasks, streams;
    guint64 numbered;
    unsigned most_workers, most_streams;
    unsigned threads;
    unsigned idle;      /* threads that wait for a task */
    unsigned waiting;   /* threads that wait for a client */
    unsigned streaming; /* streams under way */
    bool ending;
    struct waiting_lender lender; /* of its threads */
};

/* ---- lines; under the lock ---- */

static void join_line(struct http_pool *pool, struct line *line, struct task *task)
{
    task->number = pool->numbered++;
    *line->last = task;
    line->last = &task->next;
    line->length++;
}

static struct task *leave_line(struct line *line)
{
    struct task *task = line->first;
    line->first = task->next;
    if (!line->first)
        line->last = &line->first;
    line->length--;
    return task;
}

static bool may_stream(const struct http_pool *pool)
{
    return pool->streams.first && pool->streaming < pool->most_streams;
}

/* The next task that may run, in the order of their coming, or NULL; *stream: it is one. */
static struct task *next_task(struct http_pool *pool, bool *stream)
{
    const struct task *task = pool->tasks.first;
    *stream = may_stream(pool) && (!task || pool->streams.first->number < task->number);
    if (*stream)
        return leave_line(&pool->streams);
    return task ? leave_line(&pool->tasks) : NULL;
}

static unsigned ready_tasks(const struct http_pool *pool)
{
    unsigned room = pool->most_streams - pool->streaming;
    return pool->tasks.length + MIN(pool->streams.length, room);
}

static unsigned workers(const struct http_pool *pool)
{
    return pool->threads - pool->waiting;
}

/* ---- threads ---- */

static void run_task(struct http_pool *pool, struct task *task, bool stream)
{
    pool->streaming += stream;
    pthread_mutex_unlock(&pool->lock);
    task->work(task->data);
    g_free(task);
    pthread_mutex_lock(&pool->lock);
    pool->streaming -= stream;
}

/* Those that took the place of threads which waited for clients end when these are back. */
static bool is_surplus(const struct http_pool *pool)
{
    return workers(pool) > pool->most_workers;
}

static void *run_tasks(void *data)
{
    struct http_pool *pool = data;
    waiting_lend(&pool->lender);
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        bool stream;
        struct task *task = is_surplus(pool) ? NULL : next_task(pool, &stream);
        if (task) {
            run_task(pool, task, stream);
            continue;
        }
        if (is_surplus(pool) || pool->ending)
            break;
        pool->idle++;
        pthread_cond_wait(&pool->changed, &pool->lock);
        pool->idle--;
    }
    pool->threads--;
    pthread_cond_broadcast(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Under the lock. Returns 0 or an errno. */
static int start_thread(struct http_pool *pool)
{
    pthread_t thread;
    int failure = pthread_create(&thread, NULL, run_tasks, pool);
    if (failure)
        return failure;
    pthread_detach(thread);
    pool->threads++;
    return 0;
}

/* Under the lock: there is more to do, or one less to do it. Where no other thread can be started,
 * those that run take the task in turn. Whether an idle one is to be woken, once the lock is open:
 * one that is woken before waits for it again. */
static bool attend(struct http_pool *pool)
{
    unsigned ready = ready_tasks(pool);
    if (ready > pool->idle && workers(pool) < pool->most_workers)
        start_thread(pool);
    return ready && pool->idle;
}

static void begin_wait(void *data)
{
    struct http_pool *pool = data;
    pthread_mutex_lock(&pool->lock);
    pool->waiting++;
    bool wake = attend(pool);
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        pthread_cond_signal(&pool->changed);
}

static void end_wait(void *data)
{
    struct http_pool *pool = data;
    pthread_mutex_lock(&pool->lock);
    pool->waiting--;
    if (is_surplus(pool) && pool->idle)
        pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

struct http_pool *http_pool_new(unsigned most_workers, unsigned streams, GError **error)
{
    struct http_pool *pool = g_new0(struct http_pool, 1);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pthread_cond_init(&pool->ended, NULL);
    pool->tasks.last = &pool->tasks.first;
    pool->streams.last = &pool->streams.first;
    pool->most_workers = most_workers;
    pool->most_streams = streams;
    pool->lender = (struct waiting_lender){.begin = begin_wait, .end = end_wait, .data = pool};
    pthread_mutex_lock(&pool->lock);
    int failure = start_thread(pool);
    pthread_mutex_unlock(&pool->lock);
    if (!failure)
        return pool;
    error_set_errno(error, failure, "starting a thread for requests that may wait");
    http_pool_free(pool);
    return NULL;
}

static void queue(struct http_pool *pool, struct line *line, void (*work)(void *data), void *data)
{
    struct task *task = g_new(struct task, 1);
    *task = (struct task){.work = work, .data = data};
    pthread_mutex_lock(&pool->lock);
    join_line(pool, line, task);
    bool wake = attend(pool);
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        pthread_cond_signal(&pool->changed);
}

void http_pool_run(struct http_pool *pool, void (*work)(void *data), void *data)
{
    queue(pool, &pool->tasks, work, data);
}

void http_pool_run_stream(struct http_pool *pool, void (*work)(void *data), void *data)
{
    queue(pool, &pool->streams, work, data);
}

void http_pool_free(struct http_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->changed);
    while (pool->threads)
        pthread_cond_wait(&pool->ended, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&pool->changed);
    pthread_cond_destroy(&pool->ended);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool);
}
