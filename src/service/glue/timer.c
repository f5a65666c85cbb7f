#include "service/glue/timer.h"

#include <string.h>

#include "base/clock.h"
#include "base/cron.h"

/* In a body: when it wakes next. */
#define NEXT "Next"

struct timer {
    struct flow_life *life;
    const struct timer_type *type;
    struct lathe *lathe;
    double next; /* 0: never again */
    bool again;  /* it was changed */
    bool ended;
};

static const char *expression_of(const struct timer_type *type, const json_t *body)
{
    const char *expression = json_text_at(body, type->expression);
    return expression && *expression ? expression : NULL;
}

void timer_set(const struct timer_type *type, struct lathe *lathe, json_t *body)
{
    const char *expression = expression_of(type, body);
    if (expression)
        json_object_set_new(body, NEXT, json_real(cron_next(expression, clock_wall(lathe->clock))));
}

void timer_tell(const struct timer_type *type, struct lathe *lathe, const char *name)
{
    g_autoptr(resource_auto) resource = resource_get(lathe->store, type->kind, name, NULL);
    if (resource)
        resource_tell_later(lathe->store, type->kind, name, resource->status);
}

static bool is_active(const struct timer *timer, const struct resource *resource)
{
    return strcmp(resource->status, timer->type->active) == 0 &&
           expression_of(timer->type, resource->body);
}

static bool read_next(struct timer *timer, GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) resource =
        resource_get(timer->lathe->store, timer->type->kind, flow_name(timer->life), &cause);
    if (cause)
        return g_propagate_error(error, cause), false;
    timer->ended = !resource || !is_active(timer, resource);
    if (timer->ended)
        return true;
    /* a clock that was set back meanwhile has its next time earlier */
    double next =
        cron_next(expression_of(timer->type, resource->body), clock_wall(timer->lathe->clock));
    timer->next = MIN(json_number_at(resource->body, NEXT, next), next);
    return true;
}

void *timer_load(struct flow_life *life, const struct timer_type *type, GError **error)
{
    struct timer *timer = g_new0(struct timer, 1);
    timer->life = life;
    timer->type = type;
    timer->lathe = operations_lathe(flow_context(life)->operations);
    if (read_next(timer, error) && !timer->ended)
        return timer;
    g_free(timer);
    return NULL;
}

void timer_heard(void *state, const char *kind, const char *name, const char *status)
{
    struct timer *timer = state;
    (void)name;
    (void)status;
    timer->again |= strcmp(kind, timer->type->kind) == 0;
}

/* ---- its time ---- */

struct due {
    struct timer *timer;
    bool fires;
    struct resource resource; /* as it is then: name, parent, body */
};

/* Where it was stopped meanwhile, that is its end; where it got another schedule, its time may not
 * have come. */
static bool pass(struct resource *resource, void *data, GError **error)
{
    struct due *due = data;
    struct timer *timer = due->timer;
    double now = clock_wall(timer->lathe->clock), woke = timer->next;
    (void)error;
    timer->ended = !is_active(timer, resource);
    if (timer->ended)
        return true;
    timer->next = json_number_at(resource->body, NEXT, 0);
    due->fires = cron_is_due(expression_of(timer->type, resource->body), timer->next, woke, now);
    if (!due->fires)
        return true;
    timer_set(timer->type, timer->lathe, resource->body);
    timer->next = json_number_at(resource->body, NEXT, 0);
    due->resource.name = g_strdup(resource->name);
    due->resource.parent = g_strdup(resource->parent);
    due->resource.body = json_incref(resource->body);
    return true;
}

static bool fire_due(struct store_connection *connection, void *data, GError **error)
{
    struct due *due = data;
    struct timer *timer = due->timer;
    timer->ended = true; /* where it is gone */
    return resource_update_within(connection, timer->lathe->store, timer->type->kind,
                                  flow_name(timer->life), pass, due, error) &&
           (!due->fires || timer->type->fire(connection, timer->lathe, &due->resource, error));
}

enum flow_turn timer_advance(void *state, GError **error)
{
    struct timer *timer = state;
    if (timer->again && !read_next(timer, error))
        return FLOW_FAILED;
    timer->again = false;
    if (timer->ended)
        return FLOW_ENDED;
    if (!timer->next || clock_wall(timer->lathe->clock) < timer->next)
        return FLOW_WAITS;
    struct due due = {.timer = timer};
    bool done = store_write(timer->lathe->store, fire_due, &due, error);
    g_free(due.resource.name);
    g_free(due.resource.parent);
    json_decref(due.resource.body);
    return !done ? FLOW_FAILED : timer->ended ? FLOW_ENDED : FLOW_WAITS;
}

double timer_wakes_at(const void *state)
{
    return ((const struct timer *)state)->next;
}
