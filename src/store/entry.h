/* entry.h: a life's entries: rows of its own beside its resource, in the order in which they began
 * (an execution's steps, a tuning job's trainings). One that changed is one row written, however
 * many there are. They go with their resource. */
#ifndef LATHE_STORE_ENTRY_H
#define LATHE_STORE_ENTRY_H

#include "base/json.h"
#include "store/store.h"

struct entry {
    gint64 number; /* from 1, in the order of beginning */
    char *owner;   /* the name of its resource */
    json_t *body;
};

void entry_free(struct entry *entry);

/* Within a change of the store's, beside the resource's own: adds or replaces an entry; where its
 * resource was deleted meanwhile, nothing. word: what it may be found again by, among all of the
 * kind; or NULL. */
bool entry_put(struct store_connection *connection, const char *kind, const char *owner,
               gint64 number, const char *word, const json_t *body, GError **error);

/* Which of a resource's entries: up to `limit` (0: all) behind `after` (0: from the first; where
 * newest_first, before it), in that order. */
struct entry_query {
    const char *kind, *owner;
    bool newest_first;
    gint64 after;
    size_t limit;
};
/* struct entry; with the array they are freed. */
GPtrArray *entry_list(struct store *store, const struct entry_query *query, GError **error);

/* The entries of a kind that have that word, those of the newest resources first. */
GPtrArray *entry_find(struct store *store, const char *kind, const char *word, GError **error);

#endif
