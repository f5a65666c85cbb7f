/* timer.h: what lives by a schedule: it wakes when its time has come, and does what it is there
 * for. One whose time came while no server ran does it when the next does. */
#ifndef LATHE_SERVICE_GLUE_TIMER_H
#define LATHE_SERVICE_GLUE_TIMER_H

#include "flow/driver.h"
#include "service/home.h"
#include "store/resource.h"

struct timer_type {
    const char *kind;   /* of its resources */
    const char *active; /* the status in which it wakes */
    const char
        *expression; /* the member of the body that is its schedule; none or "": it has none */
    /* What is to happen, within the change in which its time came. */
    bool (*fire)(struct store_connection *connection, struct lathe *lathe,
                 const struct resource *resource, GError **error);
};

/* Sets in a body when it wakes next, by its schedule. */
void timer_set(const struct timer_type *type, struct lathe *lathe, json_t *body);
/* After a change that may have given it another schedule and left its status: it hears of that. */
void timer_tell(const struct timer_type *type, struct lathe *lathe, const char *name);

/* Of its driver, whose `load` calls this one with the type, and whose `free` is g_free. */
void *timer_load(struct flow_life *life, const struct timer_type *type, GError **error);
void timer_heard(void *state, const char *kind, const char *name, const char *status);
enum flow_turn timer_advance(void *state, GError **error);
double timer_wakes_at(const void *state);

#endif
