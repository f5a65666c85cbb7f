#include "base/waiting.h"

#include <stddef.h>

static _Thread_local const struct waiting_lender *lender;

void waiting_lend(const struct waiting_lender *given)
{
    lender = given;
}

void waiting_begin(void)
{
    if (lender)
        lender->begin(lender->data);
}

void waiting_end(void)
{
    if (lender)
        lender->end(lender->data);
}
