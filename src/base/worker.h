/* worker.h: one thread that runs tasks in the order in which they were given. */
#ifndef LATHE_BASE_WORKER_H
#define LATHE_BASE_WORKER_H

struct worker;

struct worker *worker_new(void);
/* Runs task(data) on the worker's thread. */
void worker_add(struct worker *worker, void (*task)(void *data), void *data);
/* Runs what is waiting, then ends the thread. */
void worker_free(struct worker *worker);

#endif
