/* stop.h: SIGTERM as a question instead of an interruption. */
#ifndef LATHE_TRAIN_STOP_H
#define LATHE_TRAIN_STOP_H

#include <stdbool.h>

/* From here on SIGTERM waits until asked for, in this thread and those it starts. */
void stop_hold(void);

/* Whether SIGTERM has come. */
bool stop_requested(void);

#endif
