#include "serve/endpoint.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "serve/captures.h"

struct variant {
    char *name;
    double weight;
    struct served_model *model;
};

/* The variants of an endpoint at one time: immutable and counted. A change makes a new fleet. */
struct fleet {
    /* Counted with C11's atomics: those of Debian's GLib are hidden from the thread sanitizer. */
    atomic_int references;
    char *endpoint;                   /* as it was created; clients write its name in any case */
    struct endpoint_capture *capture; /* NULL: its traffic is not captured */
    size_t quick_bytes;               /* of the variant that has the fewest (served_model_kind) */
    bool waits;                       /* one does, for processes */
    atomic_uint turn;                 /* of the next request */
    size_t count;
    double weights; /* their sum */
    struct variant variants[];
};

struct endpoints {
    pthread_rwlock_t lock;
    GHashTable *fleets; /* name -> struct fleet, a reference */
};

/* ---- fleets ---- */

static struct fleet *fleet_new(const char *endpoint, const struct endpoint_variant *variants,
                               size_t count, struct endpoint_capture *capture)
{
    struct fleet *fleet = g_malloc0(sizeof *fleet + count * sizeof fleet->variants[0]);
    atomic_init(&fleet->references, 1);
    fleet->endpoint = g_strdup(endpoint);
    fleet->count = count;
    fleet->capture = endpoint_capture_ref(capture);
    fleet->quick_bytes = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        fleet->variants[i] = (struct variant){g_strdup(variants[i].name), variants[i].weight,
                                              served_model_ref(variants[i].model)};
        fleet->weights += variants[i].weight;
        fleet->quick_bytes = MIN(fleet->quick_bytes, served_model_quick_bytes(variants[i].model));
        fleet->waits |= served_model_waits(variants[i].model);
    }
    return fleet;
}

static struct fleet *fleet_ref(struct fleet *fleet)
{
    atomic_fetch_add(&fleet->references, 1);
    return fleet;
}

static void fleet_unref(void *data)
{
    struct fleet *fleet = data;
    if (!fleet || atomic_fetch_sub(&fleet->references, 1) > 1)
        return;
    for (size_t i = 0; i < fleet->count; i++) {
        g_free(fleet->variants[i].name);
        served_model_unref(fleet->variants[i].model);
    }
    endpoint_capture_unref(fleet->capture);
    g_free(fleet->endpoint);
    g_free(fleet);
}

/* Shares the traffic by weights: turn after turn steps around the circle by the golden ratio, which
 * visits every arc as often as it is long, and evenly in time (three distance theorem), where
 * random numbers would only do so on average. */
static const struct variant *fleet_choose(struct fleet *fleet)
{
    if (fleet->count == 1)
        return &fleet->variants[0];
    double turn = (double)atomic_fetch_add(&fleet->turn, 1) * 0.6180339887498949;
    double at = (turn - (double)(gint64)turn) * fleet->weights;
    for (size_t i = 0; i < fleet->count; i++) {
        at -= fleet->variants[i].weight;
        if (at < 0)
            return &fleet->variants[i];
    }
    return &fleet->variants[0]; /* all weights are 0 */
}

static const struct variant *fleet_find(const struct fleet *fleet, const char *name)
{
    for (size_t i = 0; i < fleet->count; i++)
        if (strcmp(fleet->variants[i].name, name) == 0)
            return &fleet->variants[i];
    return NULL;
}

/* ---- endpoints ---- */

/* Names are the same in any case. */
static guint name_hash(gconstpointer name)
{
    guint hash = 5381;
    for (const char *at = name; *at; at++)
        hash = hash * 33 + (guchar)g_ascii_tolower(*at);
    return hash;
}

static gboolean name_equal(gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp(a, b) == 0;
}

struct endpoints *endpoints_new(void)
{
    struct endpoints *endpoints = g_new0(struct endpoints, 1);
    pthread_rwlock_init(&endpoints->lock, NULL);
    endpoints->fleets = g_hash_table_new_full(name_hash, name_equal, g_free, fleet_unref);
    return endpoints;
}

void endpoints_free(struct endpoints *endpoints)
{
    if (!endpoints)
        return;
    g_hash_table_unref(endpoints->fleets);
    pthread_rwlock_destroy(&endpoints->lock);
    g_free(endpoints);
}

static struct fleet *take_fleet(struct endpoints *endpoints, const char *name)
{
    pthread_rwlock_rdlock(&endpoints->lock);
    struct fleet *fleet = g_hash_table_lookup(endpoints->fleets, name);
    if (fleet)
        fleet_ref(fleet);
    pthread_rwlock_unlock(&endpoints->lock);
    return fleet;
}

/* Under the lock for writing: puts a fleet (or none) behind a name and gives back what was there,
 * for the caller to drop once the lock is open: closing a large model takes a while. */
static struct fleet *swap_fleet(struct endpoints *endpoints, const char *name, struct fleet *fleet)
{
    struct fleet *old = g_hash_table_lookup(endpoints->fleets, name);
    if (old)
        fleet_ref(old);
    if (fleet)
        g_hash_table_replace(endpoints->fleets, g_strdup(name), fleet);
    else
        g_hash_table_remove(endpoints->fleets, name);
    return old;
}

static void set_fleet(struct endpoints *endpoints, const char *name, struct fleet *fleet)
{
    pthread_rwlock_wrlock(&endpoints->lock);
    struct fleet *old = swap_fleet(endpoints, name, fleet);
    pthread_rwlock_unlock(&endpoints->lock);
    fleet_unref(old);
}

void endpoints_put(struct endpoints *endpoints, const char *name,
                   const struct endpoint_variant *variants, size_t count,
                   struct endpoint_capture *capture)
{
    set_fleet(endpoints, name, fleet_new(name, variants, count, capture));
}

void endpoints_remove(struct endpoints *endpoints, const char *name)
{
    set_fleet(endpoints, name, NULL);
}

void endpoints_end(struct endpoints *endpoints)
{
    GHashTableIter each;
    void *value;
    pthread_rwlock_rdlock(&endpoints->lock);
    g_hash_table_iter_init(&each, endpoints->fleets);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct fleet *fleet = value;
        for (size_t i = 0; i < fleet->count; i++)
            served_model_end(fleet->variants[i].model);
    }
    pthread_rwlock_unlock(&endpoints->lock);
}

bool endpoints_have(struct endpoints *endpoints, const char *name)
{
    struct fleet *fleet = take_fleet(endpoints, name);
    fleet_unref(fleet);
    return fleet != NULL;
}

/* The same fleet with another weight for one variant, or NULL where it has none of that name. */
static struct fleet *fleet_with_weight(const struct fleet *fleet, const char *variant,
                                       double weight)
{
    g_autofree struct endpoint_variant *variants = g_new(struct endpoint_variant, fleet->count);
    bool found = false;
    for (size_t i = 0; i < fleet->count; i++) {
        const struct variant *old = &fleet->variants[i];
        bool meant = strcmp(old->name, variant) == 0;
        variants[i] =
            (struct endpoint_variant){old->name, meant ? weight : old->weight, old->model};
        found |= meant;
    }
    return found ? fleet_new(fleet->endpoint, variants, fleet->count, fleet->capture) : NULL;
}

bool endpoints_weigh(struct endpoints *endpoints, const char *name, const char *variant,
                     double weight)
{
    /* Read and replaced under one lock: a fleet that is put in between must not be lost. */
    pthread_rwlock_wrlock(&endpoints->lock);
    struct fleet *fleet = g_hash_table_lookup(endpoints->fleets, name);
    struct fleet *changed = fleet ? fleet_with_weight(fleet, variant, weight) : NULL;
    struct fleet *old = changed ? swap_fleet(endpoints, name, changed) : NULL;
    pthread_rwlock_unlock(&endpoints->lock);
    fleet_unref(old);
    return changed;
}

/* ---- invoking ---- */

enum pace endpoint_pace(struct endpoints *endpoints, const char *name, gint64 size)
{
    struct fleet *fleet = take_fleet(endpoints, name);
    bool quick = fleet && fleet->quick_bytes && size >= 0 && (size_t)size <= fleet->quick_bytes;
    enum pace pace = !quick ? PACE_BLOCKING : fleet->waits ? PACE_WAITING : PACE_QUICK;
    fleet_unref(fleet);
    return pace;
}

static bool variant_answer(const struct fleet *fleet, const struct variant *variant,
                           const struct invocation *invocation, struct invocation_reply *reply,
                           GError **error)
{
    if (invocation->target_model && !served_model_takes_target(variant->model))
        return error_set(error, ERROR_VALIDATION_RUNTIME,
                         "Endpoint %s is not a multi-model endpoint: it takes no TargetModel.",
                         invocation->endpoint);
    reply->variant = g_strdup(variant->name);
    if (!served_model_answer(variant->model, invocation, reply, error))
        return false;
    if (fleet->capture)
        endpoint_capture_see(fleet->capture, invocation, reply);
    return true;
}

bool endpoint_invoke(struct endpoints *endpoints, const struct invocation *invocation,
                     struct invocation_reply *reply, GError **error)
{
    struct fleet *fleet = take_fleet(endpoints, invocation->endpoint);
    if (!fleet)
        return error_set(error, ERROR_VALIDATION_RUNTIME, "Endpoint %s of account %s not found.",
                         invocation->endpoint, invocation->account);
    const struct variant *variant = invocation->target_variant
                                        ? fleet_find(fleet, invocation->target_variant)
                                        : fleet_choose(fleet);
    bool answered =
        variant ? variant_answer(fleet, variant, invocation, reply, error)
                : error_set(error, ERROR_VALIDATION_RUNTIME, "Variant %s of endpoint %s not found.",
                            invocation->target_variant, invocation->endpoint);
    fleet_unref(fleet);
    return answered;
}
