/* transfer.h: one address into a file of a folder that outlives whoever brings it: what was cut
 * off, the next one goes on with. */
#ifndef LATHE_FETCH_TRANSFER_H
#define LATHE_FETCH_TRANSFER_H

#include "fetch/address.h"

struct transfer {
    const char *url;
    const struct fetch_rules *rules;
    const char *folder; /* of what is half here */
    gint64 limit;       /* bytes that it may have */
    unsigned retries;
    void (*moved)(gint64 here, gint64 total, void *data);       /* total: -1 where it is not told */
    void (*waits)(const char *why, double seconds, void *data); /* before another try */
    void *data;
};

/* What came of it. */
struct transferred {
    gint64 resumed; /* bytes that were here before, of those that are here now; 0: none */
    bool unchanged; /* the whole was here, and the server says that it still is what it has */
};

/* The whole file, as a new one at `to`, never to be written; it stays in the folder, too. */
bool transfer_bring(const struct transfer *transfer, const char *to,
                    struct transferred *transferred, GError **error);
/* Removes from the folder what is there of an address, unless another is bringing the same. */
void transfer_forget(const char *folder, const char *url);

/* Removes from a folder what nobody went on with for a week. */
void transfer_tidy(const char *folder);

#endif
