/* resource.h: AWS resources and their life: what was created, under which name, in which status.
 *
 * A resource's body is the JSON that Describe gives back (the request that created it and what came
 * of it since), less what its columns hold. Status words are AWS's. */
#ifndef LATHE_STORE_RESOURCE_H
#define LATHE_STORE_RESOURCE_H

#include "base/json.h"
#include "store/store.h"

struct resource {
    char *kind; /* "training-job", "endpoint", ...: the word in its ARN */
    char *name;
    char *arn;
    char *status; /* "" where the kind has none */
    char *parent; /* the name of what it belongs to (a model package's group), or "" */
    json_t *body;
    double created; /* seconds since 1970 */
    double modified;
    /* For resource_create: */
    bool any_case;      /* no other's name may differ in case alone */
    const json_t *tags; /* written with it; or NULL */
};

void resource_free(struct resource *resource);
typedef struct resource resource_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(resource_auto, resource_free)

/* Adds a resource with its tags; created and modified become now where they are 0. Where the name
 * is taken: false, `*taken` true if given, and ERROR_IN_USE (callers word it as their service
 * does); then nothing was written. */
bool resource_create(struct store *store, struct resource *resource, bool *taken, GError **error);
/* The same within a change of the store's: for what has to be there together with others. */
bool resource_create_within(struct store_connection *connection, struct store *store,
                            struct resource *resource, bool *taken, GError **error);

/* NULL without an error where there is none. */
struct resource *resource_get(struct store *store, const char *kind, const char *name,
                              GError **error);
/* The same for kinds whose names are the same in any case. */
struct resource *resource_get_any_case(struct store *store, const char *kind, const char *name,
                                       GError **error);
struct resource *resource_get_by_arn(struct store *store, const char *arn, GError **error);

/* Changes a resource in one transaction: change sees it as it is and edits status and body; false
 * from it leaves all as it was. Where there is none: change is not called, `*found` is false, and
 * the return is true. */
typedef bool resource_change(struct resource *resource, void *data, GError **error);
bool resource_update(struct store *store, const char *kind, const char *name,
                     resource_change *change, void *data, bool *found, GError **error);
/* The same by store_write_ordered: a status on the way to the next. */
bool resource_update_ordered(struct store *store, const char *kind, const char *name,
                             resource_change *change, void *data, GError **error);

/* The same within a change of the store's: for what has to happen together with others. */
bool resource_update_within(struct store_connection *connection, struct store *store,
                            const char *kind, const char *name, resource_change *change, void *data,
                            GError **error);

/* Its status within a change of the store's, g_free; NULL where there is none. */
bool resource_status_within(struct store_connection *connection, const char *kind, const char *name,
                            char **status, GError **error);

/* Removes it, its tags, entries and series; `*found` says whether there was one. */
bool resource_delete(struct store *store, const char *kind, const char *name, bool *found,
                     GError **error);
/* The same where `check`, which sees it as it is in that change and edits nothing, lets it go. */
bool resource_delete_checked(struct store *store, const char *kind, const char *name,
                             resource_change *check, bool *found, GError **error);
/* The same within a change of the store's. */
bool resource_delete_within(struct store_connection *connection, struct store *store,
                            const char *kind, const char *name, bool *found, GError **error);

/* Tells the watchers its status again, though it is the same: something that belongs to it, and was
 * written before this, has changed. Waits for nothing. */
void resource_tell_later(struct store *store, const char *kind, const char *name,
                         const char *status);

/* What a list asks for; zero what is not wanted. */
struct resource_query {
    const char *kind;
    const char *parent;
    bool of_a_parent; /* only what belongs to something */
    const char *name_contains;
    const char *name_prefix;
    const char *status;
    double created_after, created_before, modified_after, modified_before;
    enum { RESOURCE_BY_CREATED, RESOURCE_BY_NAME, RESOURCE_BY_MODIFIED, RESOURCE_BY_STATUS } order;
    bool ascending;
    size_t limit;      /* 0: all */
    const char *token; /* where the last page ended */
};

/* The resources asked for, in order. next_token is NULL at the end, else g_free it. */
GPtrArray *resource_list(struct store *store, const struct resource_query *query, char **next_token,
                         GError **error);
/* All of them within a change of the store's, as it finds them. */
GPtrArray *resource_list_within(struct store_connection *connection,
                                const struct resource_query *query, GError **error);

/* Tags, a JSON array of {"Key","Value"} in order of their keys. put adds or replaces; where there
 * would be more than RESOURCE_MOST_TAGS, none is, and it is an ERROR_VALIDATION. */
#define RESOURCE_MOST_TAGS 50
json_t *resource_tags(struct store *store, const char *arn, GError **error);
bool resource_tags_put(struct store *store, const char *arn, const json_t *tags, GError **error);
bool resource_tags_remove(struct store *store, const char *arn, const json_t *keys, GError **error);

/* Client tokens: the first answer to a request, for its repeats. get: NULL without an error where
 * the token is new. */
json_t *store_token_get(struct store *store, const char *operation, const char *token,
                        GError **error);
bool store_token_put(struct store *store, const char *operation, const char *token,
                     const json_t *answer, GError **error);
/* The same within the change that the answer tells of. */
bool store_token_put_within(struct store_connection *connection, const char *operation,
                            const char *token, const json_t *answer, GError **error);

#endif
