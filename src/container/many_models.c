#include "container/many_models.h"

#include <pthread.h>

#include "base/error.h"

struct one {
    struct served_model *model;
    guint64 used; /* when, by the count of requests */
};

struct many {
    struct served_model *(*open)(const char *name, void *data, GError **error);
    void (*free_data)(void *data);
    void *data;
    pthread_mutex_t lock;    /* of what follows */
    pthread_mutex_t opening; /* one at a time; taken before the other */
    GHashTable *models;      /* name -> struct one */
    guint64 requests;
};

static void one_free(void *data)
{
    struct one *one = data;
    served_model_unref(one->model);
    g_free(one);
}

/* A reference to what is open, or NULL. */
static struct served_model *take(struct many *many, const char *name)
{
    pthread_mutex_lock(&many->lock);
    struct one *one = g_hash_table_lookup(many->models, name);
    if (one)
        one->used = ++many->requests;
    struct served_model *model = one ? served_model_ref(one->model) : NULL;
    pthread_mutex_unlock(&many->lock);
    return model;
}

/* Under the lock: takes out the one that nobody has asked for for longest. */
static struct one *take_oldest(struct many *many)
{
    GHashTableIter each;
    void *name, *value, *oldest = NULL;
    struct one *found = NULL;
    g_hash_table_iter_init(&each, many->models);
    while (g_hash_table_iter_next(&each, &name, &value)) {
        struct one *one = value;
        if (!found || one->used < found->used) {
            found = one;
            oldest = name;
        }
    }
    void *key = NULL;
    if (found)
        g_hash_table_steal_extended(many->models, oldest, &key, NULL);
    g_free(key);
    return found;
}

static void keep(struct many *many, const char *name, struct served_model *model)
{
    struct one *one = g_new(struct one, 1);
    pthread_mutex_lock(&many->lock);
    struct one *oldest =
        g_hash_table_size(many->models) >= MANY_MODELS_OPEN ? take_oldest(many) : NULL;
    *one = (struct one){served_model_ref(model), ++many->requests};
    g_hash_table_replace(many->models, g_strdup(name), one);
    pthread_mutex_unlock(&many->lock);
    if (oldest)
        one_free(oldest);
}

static struct served_model *find(struct many *many, const char *name, GError **error)
{
    struct served_model *model = take(many, name);
    if (model)
        return model;
    pthread_mutex_lock(&many->opening);
    model = take(many, name); /* somebody else may have opened it by now */
    if (!model && (model = many->open(name, many->data, error)))
        keep(many, name, model);
    pthread_mutex_unlock(&many->opening);
    return model;
}

static bool answer(void *data, const struct invocation *invocation, struct invocation_reply *reply,
                   GError **error)
{
    GError *cause = NULL;
    if (!invocation->target_model)
        return error_set(error, ERROR_VALIDATION_RUNTIME,
                         "Endpoint %s holds several models: TargetModel has to name one.",
                         invocation->endpoint);
    struct served_model *model = find(data, invocation->target_model, &cause);
    if (!model && g_error_matches(cause, LATHE_ERROR, ERROR_MODEL)) {
        bool refused = invocation_refuse(reply, 500, cause->message, error);
        g_error_free(cause);
        return refused;
    }
    if (!model) {
        g_propagate_error(error, cause);
        return false;
    }
    bool answered = served_model_answer(model, invocation, reply, error);
    served_model_unref(model);
    return answered;
}

static void end(void *data)
{
    struct many *many = data;
    GHashTableIter each;
    void *value;
    pthread_mutex_lock(&many->lock);
    g_hash_table_iter_init(&each, many->models);
    while (g_hash_table_iter_next(&each, NULL, &value))
        served_model_end(((struct one *)value)->model);
    pthread_mutex_unlock(&many->lock);
}

static void close_model(void *data)
{
    struct many *many = data;
    g_hash_table_unref(many->models);
    pthread_mutex_destroy(&many->lock);
    pthread_mutex_destroy(&many->opening);
    many->free_data(many->data);
    g_free(many);
}

struct served_model *many_models_new(struct served_model *(*open)(const char *name, void *data,
                                                                  GError **error),
                                     void (*free_data)(void *data), void *data)
{
    static const struct served_model_kind kind = {
        .answer = answer, .close = close_model, .end = end, .takes_target = true};
    struct many *many = g_new0(struct many, 1);
    many->open = open;
    many->free_data = free_data;
    many->data = data;
    pthread_mutex_init(&many->lock, NULL);
    pthread_mutex_init(&many->opening, NULL);
    many->models = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, one_free);
    return served_model_new(&kind, many);
}
