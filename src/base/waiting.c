#include "base/waiting.h"

#include <stddef.h>

static _Thread_local const struct waiting_lender *lender;

void waiting_lend(const struct waiting_lender *given)
{
    lender = given;
}

void waiting_begin(void)
{
    if (lender && lender->begin)
        lender->begin(lender->data);
}

void waiting_end(void)
{
    if (lender && lender->end)
        lender->end(lender->data);
}

int waiting_poll(struct pollfd *fds, unsigned count, int milliseconds)
{
    return lender && lender->poll ? lender->poll(fds, count, milliseconds, lender->data)
                                  : poll(fds, count, milliseconds);
}

const struct waiting_lender *waiting_here(void)
{
    return lender && lender->wake ? lender : NULL;
}

void waiting_wake(const struct waiting_lender *here)
{
    if (here)
        here->wake(here->data);
}
