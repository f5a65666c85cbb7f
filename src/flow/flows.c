#include "flow/flows.h"

#include <pthread.h>
#include <string.h>

#include "base/tasks.h"
#include "flow/driver.h"
#include "operation/kind.h"
#include "store/resource.h"

/* How long to wait before the store is tried again, where it could not be written (a full disk). */
#define STORE_RETRY_SECONDS 1
/* Turns at once: most of one is waiting for the store's writer, which commits theirs together. */
#define MOST_TURNS 8
/* Errands at once: of all, and of one life. */
#define MOST_ERRANDS 64
#define MOST_ERRANDS_OF_ONE 8
#define MOST_BRIEF_ERRANDS 8

struct flows {
    struct flow_context context;
    struct tasks *turns, *errands, *brief_errands;
    unsigned watch;

    pthread_mutex_t lock; /* of what follows, and of what is said so in a life */
    GHashTable *lives;    /* key -> struct flow_life */
    GHashTable *awaited;  /* key -> GPtrArray of struct flow_life */
    GQueue due;           /* lives that are to have a turn */
    bool closing;
};

struct event {
    char *kind, *name, *status;
};

struct flow_life {
    struct flows *flows;
    const struct flow_driver *driver;
    char *name;
    /* Of whoever gives it its turn: */
    void *state; /* NULL: not loaded yet, or ended */
    guint64 alarm;
    bool deleted; /* as the turn began */
    /* Under the lock of the flows: */
    char *status;        /* as it was heard last; NULL: it was deleted */
    GQueue events;       /* struct event */
    GQueue back;         /* struct errand */
    GHashTable *awaits;  /* keys: what it is found by in flows->awaited */
    unsigned away;       /* errands that are not back */
    unsigned generation; /* of its state: an errand of an earlier one is nobody's */
    GList due;           /* its link in flows->due */
    bool is_due, moving;
    bool woken; /* there is something for another turn */
};

struct errand {
    struct flow_life *life;
    const struct flow_errand *type;
    void *data;
    unsigned generation;
};

static char *key_of(const char *kind, const char *name)
{
    return g_strdup_printf("%s\n%s", kind, name);
}

static void event_free(void *data)
{
    struct event *event = data;
    g_free(event->kind);
    g_free(event->name);
    g_free(event->status);
    g_free(event);
}

static void errand_free(void *data)
{
    struct errand *errand = data;
    errand->type->free(errand->data);
    g_free(errand);
}

/* ---- lives ---- */

static struct flow_life *life_new(struct flows *flows, const struct flow_driver *driver,
                                  const char *name, const char *status)
{
    struct flow_life *life = g_new0(struct flow_life, 1);
    life->flows = flows;
    life->driver = driver;
    life->name = g_strdup(name);
    life->status = g_strdup(status);
    life->awaits = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    life->due.data = life;
    g_hash_table_insert(flows->lives, key_of(driver->kind, name), life);
    return life;
}

static void life_free(void *data)
{
    struct flow_life *life = data;
    if (life->state)
        life->driver->free(life->state);
    g_queue_clear_full(&life->events, event_free);
    g_queue_clear_full(&life->back, errand_free);
    g_hash_table_unref(life->awaits);
    g_free(life->name);
    g_free(life->status);
    g_free(life);
}

/* What it awaited wakes it no more. */
static void stop_awaiting(struct flow_life *life)
{
    GHashTableIter iterator;
    void *key;
    g_hash_table_iter_init(&iterator, life->awaits);
    while (g_hash_table_iter_next(&iterator, &key, NULL)) {
        GPtrArray *lives = g_hash_table_lookup(life->flows->awaited, key);
        g_ptr_array_remove_fast(lives, life);
        if (!lives->len)
            g_hash_table_remove(life->flows->awaited, key);
    }
    g_hash_table_remove_all(life->awaits);
}

static void give_turn(void *data);

/* Under the lock: it gets a turn, or another where it has one. */
static void wake(struct flow_life *life, bool first)
{
    struct flows *flows = life->flows;
    if (flows->closing)
        return;
    life->woken = true;
    if (life->moving)
        return;
    if (life->is_due && first)
        g_queue_unlink(&flows->due, &life->due);
    if (!life->is_due || first)
        (first ? g_queue_push_head_link : g_queue_push_tail_link)(&flows->due, &life->due);
    if (!life->is_due)
        tasks_add(flows->turns, give_turn, flows);
    life->is_due = true;
}

/* ---- what happens outside ---- */

static const struct flow_driver *driver_of(const struct flows *flows, const char *kind)
{
    const struct service *const *service = operations_services(flows->context.operations);
    for (; *service; service++)
        for (const struct flow_driver *const *d = (*service)->drivers; d && *d; d++)
            if (strcmp((*d)->kind, kind) == 0)
                return *d;
    return NULL;
}

static void note(struct flow_life *life, const char *kind, const char *name, const char *status,
                 bool first)
{
    struct event *event = g_new(struct event, 1);
    *event = (struct event){g_strdup(kind), g_strdup(name), g_strdup(status)};
    g_queue_push_tail(&life->events, event);
    wake(life, first);
}

/* A resource of a driver's got a status: from a client (who is heard before others), or from its
 * own life, which repeats what is known with each commit. */
static void hear_own(struct flows *flows, const struct flow_driver *driver, const char *name,
                     const char *status)
{
    g_autofree char *key = key_of(driver->kind, name);
    struct flow_life *life = g_hash_table_lookup(flows->lives, key);
    bool moves = status && g_strv_contains(driver->statuses, status);
    if (!life && moves) {
        wake(life_new(flows, driver, name, status), false);
    } else if (life && g_strcmp0(life->status, status) != 0) {
        g_free(life->status);
        life->status = g_strdup(status);
        if (moves)
            note(life, driver->kind, name, status, true);
        if (!status)
            wake(life, true);
    }
}

/* On the store's writer thread: only noted here. */
static void hear(const char *kind, const char *name, const char *status, void *data)
{
    struct flows *flows = data;
    const struct flow_driver *driver = driver_of(flows, kind);
    g_autofree char *key = key_of(kind, name);
    pthread_mutex_lock(&flows->lock);
    if (driver)
        hear_own(flows, driver, name, status);
    const GPtrArray *lives = g_hash_table_lookup(flows->awaited, key);
    for (guint i = 0; lives && i < lives->len; i++)
        note(g_ptr_array_index(lives, i), kind, name, status, false);
    pthread_mutex_unlock(&flows->lock);
}

static void wake_at_its_time(void *data)
{
    struct flow_life *life = data;
    pthread_mutex_lock(&life->flows->lock);
    wake(life, false);
    pthread_mutex_unlock(&life->flows->lock);
}

/* ---- turns ---- */

static bool fail_unreadable(struct resource *resource, void *data, GError **error)
{
    (void)error;
    const struct kind *kind = ((void **)data)[0];
    const GError *cause = ((void **)data)[1];
    g_free(resource->status);
    resource->status = g_strdup(kind->bad[0]);
    json_object_set_new(resource->body, kind->reason, json_string(cause->message));
    return true;
}

/* What cannot be read would otherwise be under way for ever. */
static bool give_up(const struct flow_life *life, GError *cause)
{
    const struct flow_context *context = &life->flows->context;
    const struct kind *kind =
        kind_of_word(operations_services(context->operations), life->driver->kind);
    void *data[] = {(void *)kind, cause};
    g_autoptr(GError) error = NULL;
    if (resource_update(context->store, life->driver->kind, life->name, fail_unreadable, data, NULL,
                        &error))
        return true;
    g_warning("the %s %s: %s; %s", life->driver->kind, life->name, cause->message, error->message);
    return false;
}

/* FLOW_GOES_ON where it has its state. */
static enum flow_turn load(struct flow_life *life)
{
    g_autoptr(GError) error = NULL;
    life->generation++; /* read by flow_send, in this thread alone */
    life->state = life->driver->load(life, &error);
    if (life->state)
        return FLOW_GOES_ON;
    return !error || give_up(life, error) ? FLOW_ENDED : FLOW_FAILED;
}

static void deliver(struct flow_life *life, GQueue *events, GQueue *back)
{
    struct errand *errand;
    while ((errand = g_queue_pop_head(back))) {
        if (errand->generation == life->generation)
            errand->type->back(life->state, errand->data);
        errand_free(errand);
    }
    struct event *event;
    while ((event = g_queue_pop_head(events))) {
        life->driver->heard(life->state, event->kind, event->name, event->status);
        event_free(event);
    }
}

static enum flow_turn move(struct flow_life *life, GQueue *events, GQueue *back)
{
    enum flow_turn turn = life->deleted ? FLOW_ENDED : life->state ? FLOW_GOES_ON : load(life);
    if (turn != FLOW_GOES_ON)
        return turn;
    deliver(life, events, back);
    g_autoptr(GError) error = NULL;
    turn = life->driver->advance(life->state, &error);
    if (turn == FLOW_FAILED)
        g_warning("the %s %s waits: %s", life->driver->kind, life->name, error->message);
    return turn;
}

static void set_alarm(struct flow_life *life, enum flow_turn turn)
{
    struct clock *clock = life->flows->context.clock;
    double at = life->state ? life->driver->wakes_at(life->state) : 0;
    clock_cancel(clock, life->alarm);
    life->alarm = 0;
    if (turn == FLOW_FAILED)
        life->alarm = clock_set(clock, CLOCK_STEADY, clock_steady(clock) + STORE_RETRY_SECONDS,
                                wake_at_its_time, life);
    else if (at > 0)
        life->alarm = clock_set(clock, CLOCK_WALL, at, wake_at_its_time, life);
}

/* The life whose turn it is, with what came for it; NULL where the engine closes. */
static struct flow_life *begin_turn(struct flows *flows, GQueue *events, GQueue *back)
{
    struct flow_life *life = NULL;
    pthread_mutex_lock(&flows->lock);
    GList *link = flows->closing ? NULL : g_queue_pop_head_link(&flows->due);
    if (link) {
        life = link->data;
        life->is_due = life->woken = false;
        life->moving = true;
        life->deleted = !life->status;
        *events = life->events;
        *back = life->back;
        g_queue_init(&life->events);
        g_queue_init(&life->back);
    }
    pthread_mutex_unlock(&flows->lock);
    return life;
}

/* Where it ended and nothing came meanwhile (a retry, say), it is forgotten. */
static void end_turn(struct flow_life *life, enum flow_turn turn)
{
    struct flows *flows = life->flows;
    bool forget = false;
    pthread_mutex_lock(&flows->lock);
    life->moving = false;
    if (life->woken || turn == FLOW_GOES_ON) {
        wake(life, false);
    } else if (turn == FLOW_ENDED && !life->away) {
        g_autofree char *key = key_of(life->driver->kind, life->name);
        g_autofree void *kept = NULL;
        stop_awaiting(life);
        forget = g_hash_table_steal_extended(flows->lives, key, &kept, NULL);
    }
    pthread_mutex_unlock(&flows->lock);
    if (forget)
        life_free(life);
}

/* A task: one turn of the life that is due first. */
static void give_turn(void *data)
{
    GQueue events = G_QUEUE_INIT, back = G_QUEUE_INIT;
    struct flow_life *life = begin_turn(data, &events, &back);
    if (!life)
        return;
    enum flow_turn turn = move(life, &events, &back);
    g_queue_clear_full(&events, event_free);
    g_queue_clear_full(&back, errand_free);
    if (turn == FLOW_ENDED && life->state) {
        life->driver->free(life->state);
        life->state = NULL;
    }
    set_alarm(life, turn);
    end_turn(life, turn);
}

/* ---- what drivers ask for ---- */

const struct flow_context *flow_context(const struct flow_life *life)
{
    return &life->flows->context;
}

const char *flow_name(const struct flow_life *life)
{
    return life->name;
}

void flow_await(struct flow_life *life, const char *kind, const char *name)
{
    struct flows *flows = life->flows;
    char *key = key_of(kind, name);
    pthread_mutex_lock(&flows->lock);
    if (g_hash_table_add(life->awaits, key)) {
        GPtrArray *lives = g_hash_table_lookup(flows->awaited, key);
        if (!lives) {
            lives = g_ptr_array_new();
            g_hash_table_insert(flows->awaited, g_strdup(key), lives);
        }
        g_ptr_array_add(lives, life);
    }
    pthread_mutex_unlock(&flows->lock);
}

bool flow_may_send(const struct flow_life *life)
{
    pthread_mutex_lock(&life->flows->lock);
    bool may = life->away < MOST_ERRANDS_OF_ONE && !life->flows->closing;
    pthread_mutex_unlock(&life->flows->lock);
    return may;
}

static void run_errand(void *data)
{
    struct errand *errand = data;
    struct flow_life *life = errand->life;
    struct flows *flows = life->flows;
    pthread_mutex_lock(&flows->lock);
    bool closing = flows->closing;
    pthread_mutex_unlock(&flows->lock);
    if (!closing)
        errand->type->run(errand->data);
    pthread_mutex_lock(&flows->lock);
    life->away--;
    g_queue_push_tail(&life->back, errand);
    wake(life, false);
    pthread_mutex_unlock(&flows->lock);
}

void flow_send(struct flow_life *life, const struct flow_errand *type, void *data)
{
    struct errand *errand = g_new(struct errand, 1);
    *errand = (struct errand){life, type, data, life->generation};
    pthread_mutex_lock(&life->flows->lock);
    life->away++;
    pthread_mutex_unlock(&life->flows->lock);
    tasks_add(type->is_brief ? life->flows->brief_errands : life->flows->errands, run_errand,
              errand);
}

/* ---- opening and closing ---- */

static bool take_up_those(struct flows *flows, const struct flow_driver *driver, const char *status,
                          GError **error)
{
    struct resource_query query = {.kind = driver->kind, .status = status};
    g_autoptr(GPtrArray) found = resource_list(flows->context.store, &query, NULL, error);
    pthread_mutex_lock(&flows->lock);
    for (guint i = 0; found && i < found->len; i++) {
        const struct resource *resource = g_ptr_array_index(found, i);
        hear_own(flows, driver, resource->name, status);
    }
    pthread_mutex_unlock(&flows->lock);
    return found != NULL;
}

static bool take_up(struct flows *flows, GError **error)
{
    const struct service *const *service = operations_services(flows->context.operations);
    for (; *service; service++)
        for (const struct flow_driver *const *d = (*service)->drivers; d && *d; d++)
            for (const char *const *status = (*d)->statuses; *status; status++)
                if (!take_up_those(flows, *d, *status, error))
                    return false;
    return true;
}

static void free_lives(void *lives)
{
    g_ptr_array_unref(lives);
}

struct flows *flows_open(struct store *store, const struct operations *operations,
                         struct clock *clock, GError **error)
{
    struct flows *flows = g_new0(struct flows, 1);
    flows->context = (struct flow_context){store, operations, clock};
    flows->lives = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, life_free);
    flows->awaited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_lives);
    flows->turns = tasks_new_many(MOST_TURNS);
    flows->errands = tasks_new_many(MOST_ERRANDS);
    flows->brief_errands = tasks_new_many(MOST_BRIEF_ERRANDS);
    pthread_mutex_init(&flows->lock, NULL);
    g_queue_init(&flows->due);
    /* Watched before anything is looked at, so that nothing is missed between the two. */
    flows->watch = store_watch(store, hear, flows);
    if (take_up(flows, error))
        return flows;
    flows_close(flows);
    return NULL;
}

/* With nobody left who could set another. */
static void cancel_alarms(struct flows *flows)
{
    GHashTableIter iterator;
    void *life;
    g_hash_table_iter_init(&iterator, flows->lives);
    while (g_hash_table_iter_next(&iterator, NULL, &life))
        clock_cancel(flows->context.clock, ((struct flow_life *)life)->alarm);
}

void flows_close(struct flows *flows)
{
    if (!flows)
        return;
    store_unwatch(flows->context.store, flows->watch);
    pthread_mutex_lock(&flows->lock);
    flows->closing = true;
    pthread_mutex_unlock(&flows->lock);
    tasks_free(flows->turns);
    tasks_free(flows->errands);
    tasks_free(flows->brief_errands);
    cancel_alarms(flows);
    g_hash_table_unref(flows->lives);
    g_hash_table_unref(flows->awaited);
    pthread_mutex_destroy(&flows->lock);
    g_free(flows);
}
