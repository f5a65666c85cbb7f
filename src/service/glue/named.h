/* named.h: what has a name in Glue and is made, found and listed alike: crawlers, jobs, triggers,
 * workflows. */
#ifndef LATHE_SERVICE_GLUE_NAMED_H
#define LATHE_SERVICE_GLUE_NAMED_H

#include "service/glue/glue_inside.h"
#include "store/resource.h"

struct named_type {
    const char *kind; /* of the store */
    const char *word; /* in ARNs */
    /* What is said where there is none of that name, and where there is one: before and behind the
     * name. */
    const char *missing[2], *taken[2];
};

/* ERROR_ENTITY_NOT_FOUND. */
bool named_missing(const struct named_type *type, const char *name, GError **error);
/* NULL and an error where there is none. */
struct resource *named_find(const struct call *call, const struct named_type *type,
                            const char *name, GError **error);

struct named_creation {
    const struct call *call;
    const struct named_type *type;
    const json_t *request; /* with Name and Tags */
    const char *status, *parent;
    json_t *body; /* stays the caller's */
    /* What else is to happen within the same change; or NULL. */
    bool (*also)(struct store_connection *connection, const struct named_creation *creation,
                 GError **error);
};
/* ERROR_ALREADY_EXISTS. */
bool named_create(const struct named_creation *creation, GError **error);

/* All of them by name, at most `limit` (0: all). */
GPtrArray *named_list(const struct call *call, const struct named_type *type, size_t limit,
                      GError **error);

/* How one is told. */
typedef json_t *named_describe(struct lathe *lathe, const struct resource *resource);
/* {found: [...], missing: [...]} of the names in the request's member `names`. */
void named_get_batch(const struct call *call, const struct named_type *type,
                     named_describe *describe, const json_t *names, const char *found,
                     const char *missing, struct reply *reply);
/* Lists for glue_reply_page: what is told of each; the names of those with the request's Tags. NULL
 * where `all` is. */
json_t *named_described(const struct call *call, const GPtrArray *all, named_describe *describe);
json_t *named_names(const struct call *call, const GPtrArray *all, const json_t *request);

#endif
