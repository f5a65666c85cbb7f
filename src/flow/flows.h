/* flows.h: the engine that moves what lives long, by the drivers that services bring (driver.h).
 *
 * It wakes when the store's change feed tells that a driver's resource got a status in which it is
 * to be moved, or that something awaited reached another, and when the clock says so; it polls
 * nothing. To start a life, create its resource in such a status; to say something to it, change
 * its status. Nothing else is said to the engine.
 *
 * It has no thread that knows everything: whoever tells it something puts it into the life's box
 * and puts the life among those that are due; a few threads give these their turns, in order, those
 * that were told something by a client first. Errands have threads of their own. */
#ifndef LATHE_FLOW_FLOWS_H
#define LATHE_FLOW_FLOWS_H

#include "base/clock.h"
#include "operation/operation.h"
#include "store/store.h"

struct flows;

/* Takes up again what was under way, then runs until it is closed, with the drivers of the services
 * that operations was made with. All must outlive it. */
struct flows *flows_open(struct store *store, const struct operations *operations,
                         struct clock *clock, GError **error);

/* Waits for the turns and errands under way, and begins no others. What is under way stays so in
 * the store: the next start goes on with it. */
void flows_close(struct flows *flows);

#endif
