/* The signal is blocked and its pending mark read: no handler, and so no global to set. */
#include "train/stop.h"

#include <signal.h>
#include <stddef.h>

void stop_hold(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

bool stop_requested(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}
