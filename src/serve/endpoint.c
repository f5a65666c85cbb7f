#include "serve/endpoint.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "serve/media.h"

struct variant {
    char *name;
    double weight;
    struct served_model *model;
};

/* The variants of an endpoint at one time: immutable and counted. A change makes a new fleet. */
struct fleet {
    size_t count;
    double weights; /* their sum */
    gint turn;      /* of the next request; atomic */
    struct variant variants[];
};

struct endpoints {
    pthread_rwlock_t lock;
    GHashTable *fleets; /* name -> struct fleet, a reference */
};

/* --- fleets ------------------------------------------------------------------------------------
 */

static void fleet_clear(void *data)
{
    struct fleet *fleet = data;
    for (size_t i = 0; i < fleet->count; i++) {
        g_free(fleet->variants[i].name);
        served_model_unref(fleet->variants[i].model);
    }
}

static void fleet_unref(void *fleet)
{
    g_atomic_rc_box_release_full(fleet, fleet_clear);
}

static struct fleet *fleet_new(const struct endpoint_variant *variants, size_t count)
{
    struct fleet *fleet = g_atomic_rc_box_alloc0(sizeof *fleet + count * sizeof fleet->variants[0]);
    fleet->count = count;
    for (size_t i = 0; i < count; i++) {
        fleet->variants[i] = (struct variant){g_strdup(variants[i].name), variants[i].weight,
                                              served_model_ref(variants[i].model)};
        fleet->weights += variants[i].weight;
    }
    return fleet;
}

/* Shares the traffic by weights: turn after turn steps around the circle by the golden ratio, which
 * visits every arc as often as it is long, and evenly in time (three distance theorem), where
 * random numbers would only do so on average. */
static const struct variant *fleet_choose(struct fleet *fleet)
{
    if (fleet->count == 1)
        return &fleet->variants[0];
    double turn = (double)(guint)g_atomic_int_add(&fleet->turn, 1) * 0.6180339887498949;
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

/* --- endpoints ---------------------------------------------------------------------------------
 */

struct endpoints *endpoints_new(void)
{
    struct endpoints *endpoints = g_new0(struct endpoints, 1);
    pthread_rwlock_init(&endpoints->lock, NULL);
    endpoints->fleets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, fleet_unref);
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
        g_atomic_rc_box_acquire(fleet);
    pthread_rwlock_unlock(&endpoints->lock);
    return fleet;
}

void endpoints_put(struct endpoints *endpoints, const char *name,
                   const struct endpoint_variant *variants, size_t count)
{
    struct fleet *fleet = fleet_new(variants, count);
    pthread_rwlock_wrlock(&endpoints->lock);
    g_hash_table_replace(endpoints->fleets, g_strdup(name), fleet);
    pthread_rwlock_unlock(&endpoints->lock);
}

bool endpoints_weigh(struct endpoints *endpoints, const char *name, const char *variant,
                     double weight)
{
    struct fleet *fleet = take_fleet(endpoints, name);
    if (!fleet)
        return false;
    g_autofree struct endpoint_variant *variants = g_new(struct endpoint_variant, fleet->count);
    bool found = false;
    for (size_t i = 0; i < fleet->count; i++) {
        const struct variant *old = &fleet->variants[i];
        bool meant = strcmp(old->name, variant) == 0;
        variants[i] =
            (struct endpoint_variant){old->name, meant ? weight : old->weight, old->model};
        found |= meant;
    }
    if (found)
        endpoints_put(endpoints, name, variants, fleet->count);
    fleet_unref(fleet);
    return found;
}

void endpoints_remove(struct endpoints *endpoints, const char *name)
{
    pthread_rwlock_wrlock(&endpoints->lock);
    g_hash_table_remove(endpoints->fleets, name);
    pthread_rwlock_unlock(&endpoints->lock);
}

/* --- invoking ----------------------------------------------------------------------------------
 */

void invocation_reply_clear(struct invocation_reply *reply)
{
    g_free(reply->variant);
    g_free(reply->refusal);
    lathe_text_clear(&reply->body);
}

static bool refuse(struct invocation_reply *reply, unsigned status, const char *words,
                   GError **error)
{
    reply->refused_status = status;
    reply->refusal = g_strdup(words);
    return error_set(error, ERROR_MODEL,
                     "Received client error (%u) from primary with message \"%s\".", status, words);
}

static bool answer(const struct served_model *model, const struct invocation *invocation,
                   struct invocation_reply *reply, GError **error)
{
    enum lathe_format rows, answers;
    if (!media_read_format(invocation->content_type, &rows)) {
        g_autofree char *words = g_strdup_printf("Content type %s is not supported; text/csv is.",
                                                 invocation->content_type);
        return refuse(reply, 415, words, error);
    }
    if (!media_write_format(invocation->accept, &answers, &reply->content_type)) {
        g_autofree char *words =
            g_strdup_printf("Accept type %s is not supported; text/csv, application/json and "
                            "application/jsonlines are.",
                            invocation->accept);
        return refuse(reply, 406, words, error);
    }
    if (invocation->size == 0)
        return true; /* the container answers 204 with nothing in it */
    struct lathe_error cause;
    if (!lathe_predict_text(served_model_predictor(model), rows, invocation->bytes,
                            invocation->size, answers, &reply->body, &cause))
        return refuse(reply, cause.code == LATHE_INVALID_DATA ? 415 : 400, cause.message, error);
    return true;
}

bool endpoint_invoke(struct endpoints *endpoints, const struct invocation *invocation,
                     struct invocation_reply *reply, GError **error)
{
    struct fleet *fleet = take_fleet(endpoints, invocation->endpoint);
    if (!fleet)
        return error_set(error, ERROR_VALIDATION_RUNTIME, "Endpoint %s not found.",
                         invocation->endpoint);
    const struct variant *variant = invocation->target_variant
                                        ? fleet_find(fleet, invocation->target_variant)
                                        : fleet_choose(fleet);
    bool answered;
    if (variant) {
        reply->variant = g_strdup(variant->name);
        answered = answer(variant->model, invocation, reply, error);
    } else {
        answered =
            error_set(error, ERROR_VALIDATION_RUNTIME, "Variant %s of endpoint %s not found.",
                      invocation->target_variant, invocation->endpoint);
    }
    fleet_unref(fleet);
    return answered;
}
