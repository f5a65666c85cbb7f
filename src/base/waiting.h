/* waiting.h: a thread says that it waits for somebody else: a process, a client. Who lent it (a
 * pool of threads) may then let another take its place, so that those that wait hold up nobody. On
 * threads that nobody lent this does nothing. */
#ifndef LATHE_BASE_WAITING_H
#define LATHE_BASE_WAITING_H

struct waiting_lender {
    void (*begin)(void *data);
    void (*end)(void *data);
    void *data;
};

/* For the lender, on the thread, which it outlives. */
void waiting_lend(const struct waiting_lender *given);

/* Around each wait, in pairs; not one within another. */
void waiting_begin(void);
void waiting_end(void);

#endif
