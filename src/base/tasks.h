/* tasks.h: threads that run tasks in the order in which they were given. */
#ifndef LATHE_BASE_TASKS_H
#define LATHE_BASE_TASKS_H

struct tasks;

/* One thread: each task begins when the one before it has ended. */
struct tasks *tasks_new(void);
/* Up to so many at once, on threads that are made when they are first needed, and then stay. */
struct tasks *tasks_new_many(unsigned threads);
/* Runs task(data) on one of its threads; on the caller's where the system has none left. */
void tasks_add(struct tasks *tasks, void (*task)(void *data), void *data);
/* From within a task that waits for others, or on behalf of it: one more may run meanwhile; and no
 * more. Each lend is taken back once. */
void tasks_lend(struct tasks *tasks);
void tasks_take_back(struct tasks *tasks);
/* Waits until nothing runs and nothing waits. */
void tasks_wait(struct tasks *tasks);
/* Runs what is waiting, and what that adds, then ends the threads. */
void tasks_free(struct tasks *tasks);

#endif
