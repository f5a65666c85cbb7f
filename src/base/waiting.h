/* waiting.h: a thread says that it waits for somebody else: a process, a client. Who lent it (a
 * pool of threads) may then let another take its place, so that those that wait hold up nobody. A
 * lender may also wait in its place: then the thread does other things meanwhile, and the caller's
 * function goes on when what it waits for has come. On threads that nobody lent these do nothing
 * beside waiting. */
#ifndef LATHE_BASE_WAITING_H
#define LATHE_BASE_WAITING_H

#include <poll.h>

/* What a piece of work does to the thread that it runs on. */
enum pace {
    PACE_BLOCKING, /* it may wait for anything, or take long */
    PACE_QUICK,    /* well under a millisecond, and waits for nothing */
    PACE_WAITING,  /* likewise, but for its waits, which are all by waiting_poll */
};

struct waiting_lender {
    void (*begin)(void *data); /* NULL, as the others: nothing is to be done */
    void (*end)(void *data);
    int (*poll)(struct pollfd *fds, unsigned count, int milliseconds, void *data);
    void (*wake)(void *data);
    void *data;
};

/* For the lender, on the thread, which it outlives. NULL: it is lent no longer. */
void waiting_lend(const struct waiting_lender *given);

/* Around each wait, in pairs; not one within another. */
void waiting_begin(void);
void waiting_end(void);

/* As poll(2), and returns also, with 0, when it is woken. No lock may be held. */
int waiting_poll(struct pollfd *fds, unsigned count, int milliseconds);
/* By what another thread wakes a waiting_poll of this one, once: the next where there is none now.
 * As long as the caller's function runs. NULL: it cannot be woken. */
const struct waiting_lender *waiting_here(void);
/* NULL: nothing. */
void waiting_wake(const struct waiting_lender *here);

#endif
