#include "serve/endpoint.h"

#include <pthread.h>
#include <stdatomic.h>
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
    /* Counted with C11's atomics: those of Debian's GLib are hidden from the thread sanitizer. */
    atomic_int references;
    char *endpoint;   /* as it was created; clients write its name in any case */
    atomic_uint turn; /* of the next request */
    size_t count;
    double weights; /* their sum */
    struct variant variants[];
};

struct endpoints {
    pthread_rwlock_t lock;
    GHashTable *fleets; /* name -> struct fleet, a reference */
    endpoint_observer *observer;
    void *observer_data;
};

/* --- fleets ------------------------------------------------------------------------------------
 */

static struct fleet *fleet_new(const char *endpoint, const struct endpoint_variant *variants,
                               size_t count)
{
    struct fleet *fleet = g_malloc0(sizeof *fleet + count * sizeof fleet->variants[0]);
    atomic_init(&fleet->references, 1);
    fleet->endpoint = g_strdup(endpoint);
    fleet->count = count;
    for (size_t i = 0; i < count; i++) {
        fleet->variants[i] = (struct variant){g_strdup(variants[i].name), variants[i].weight,
                                              served_model_ref(variants[i].model)};
        fleet->weights += variants[i].weight;
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

/* --- endpoints ---------------------------------------------------------------------------------
 */

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

void endpoints_observe(struct endpoints *endpoints, endpoint_observer *observer, void *data)
{
    endpoints->observer = observer;
    endpoints->observer_data = data;
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
                   const struct endpoint_variant *variants, size_t count)
{
    set_fleet(endpoints, name, fleet_new(name, variants, count));
}

void endpoints_remove(struct endpoints *endpoints, const char *name)
{
    set_fleet(endpoints, name, NULL);
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
    return found ? fleet_new(fleet->endpoint, variants, fleet->count) : NULL;
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
    return error_set(error, ERROR_MODEL, "Received %s error (%u) from primary with message \"%s\".",
                     status < 500 ? "client" : "server", status, words);
}

/* How a container of a kind refuses what it is given: the XGBoost container calls rows that it
 * cannot read an unsupported media type, and those that are not its model's a bad request. */
static unsigned rows_status(const struct served_model *model, enum lathe_code code)
{
    if (code == LATHE_NO_MEMORY)
        return 500;
    if (served_model_reader(model))
        return code == LATHE_MISFIT ? 400 : 415;
    return code == LATHE_UNSUPPORTED ? 415 : 400;
}

/* The format of the rows; where that is refused, the words. */
static char *rows_format(const struct served_model *model, const struct invocation *invocation,
                         enum lathe_format *format)
{
    if (served_model_reader(model))
        return media_container_format(invocation->content_type, format);
    if (media_read_format(invocation->content_type, format))
        return NULL;
    return g_strdup_printf("Content type %s is not supported; text/csv, application/json and "
                           "application/jsonlines are.",
                           invocation->content_type);
}

/* The format of the answer and its content type; where that is refused, the words and the status.
 */
static char *answer_format(const struct served_model *model, const struct invocation *invocation,
                           enum lathe_format *format, const char **content_type, unsigned *status)
{
    const char *accept = invocation->accept;
    const char *fallback = served_model_default_accept(model);
    if (served_model_writer(model))
        return media_container_answer(served_model_writer(model), served_model_selects(model),
                                      accept, fallback, format, content_type, status);
    if (media_is_any(accept))
        accept = fallback;
    if (media_write_format(accept, true, format, content_type))
        return NULL;
    *status = 400;
    return g_strdup_printf("Accept type %s is not supported; text/csv, application/json and "
                           "application/jsonlines are.",
                           accept);
}

/* In the container's order: rows that cannot be read are refused before an answer that cannot be
 * written. */
static bool answer(const struct served_model *model, const struct invocation *invocation,
                   struct invocation_reply *reply, GError **error)
{
    if (invocation->size == 0 && served_model_reader(model))
        return true; /* the container answers 204 with nothing in it */
    enum lathe_format rows, answers = LATHE_CSV;
    g_autofree char *unread = rows_format(model, invocation, &rows);
    if (unread)
        return refuse(reply, 415, unread, error);
    unsigned status = 0;
    const char *content_type = NULL;
    g_autofree char *unwritten = answer_format(model, invocation, &answers, &content_type, &status);
    struct lathe_error cause;
    if (!lathe_predict_text(served_model_predictor(model), rows, invocation->bytes,
                            invocation->size, answers, &reply->body, &cause))
        return refuse(reply, rows_status(model, cause.code), cause.message, error);
    reply->content_type = content_type;
    return !unwritten || refuse(reply, status, unwritten, error);
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
    bool answered;
    if (variant) {
        reply->variant = g_strdup(variant->name);
        answered = answer(variant->model, invocation, reply, error);
        if (answered && endpoints->observer) {
            struct invocation seen = *invocation;
            seen.endpoint = fleet->endpoint;
            endpoints->observer(&seen, reply, endpoints->observer_data);
        }
    } else {
        answered =
            error_set(error, ERROR_VALIDATION_RUNTIME, "Variant %s of endpoint %s not found.",
                      invocation->target_variant, invocation->endpoint);
    }
    fleet_unref(fleet);
    return answered;
}
