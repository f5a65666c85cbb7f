/* fiber.h: a function on a stack of its own, which may pause in the middle, so that its thread does
 * something else meanwhile. A fiber belongs to one thread. */
#ifndef LATHE_HTTP_FIBER_H
#define LATHE_HTTP_FIBER_H

#include <stdbool.h>

struct fiber;

/* NULL where there is no memory for its stack. */
struct fiber *fiber_new(void);
/* One that is in no function. */
void fiber_free(struct fiber *fiber);

/* What it runs with the next fiber_go_on; it is in no function. */
void fiber_set(struct fiber *fiber, void (*function)(void *data), void *data);
/* Runs it until it pauses or its function returns; whether it returned. Not within a fiber. */
bool fiber_go_on(struct fiber *fiber);
/* Within the fiber: goes back to who called fiber_go_on. */
void fiber_pause(struct fiber *fiber);

#endif
