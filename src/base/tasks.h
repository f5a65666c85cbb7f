/* tasks.h: one thread that runs tasks in the order in which they were given. */
#ifndef LATHE_BASE_TASKS_H
#define LATHE_BASE_TASKS_H

struct tasks;

struct tasks *tasks_new(void);
/* Runs task(data) on its thread. */
void tasks_add(struct tasks *tasks, void (*task)(void *data), void *data);
/* Waits until nothing runs and nothing waits. */
void tasks_wait(struct tasks *tasks);
/* Runs what is waiting, then ends the thread. */
void tasks_free(struct tasks *tasks);

#endif
