/* driver.h: what moves a resource that lives long: the face that the engine (flows.h) is given, and
 * what it gives.
 *
 * Whatever is on its way somewhere for seconds or months (an execution of a pipeline, a tuning job,
 * a crawler's schedule) is a resource of the store; while its status says so, the engine has it in
 * hand as a life, and its kind's driver moves it. The engine knows no kind: it calls a driver when
 * something happened that the life waits for, and never otherwise.
 *
 * Turns. A life is moved in turns: load (before the first), then errands that came back, then what
 * was heard, then advance, then wakes_at. One thread at a time moves a life, so that its state
 * needs no locks; which thread, changes. Many lives are moved at once, and a turn that takes long
 * holds up others: it may read the store, commit to it and call what only describes, but must not
 * wait for anything else. What starts or does work, and may take long, is an errand.
 *
 * Errands run on threads of their own, several of a life at a time; only the turns see the state.
 * An errand works on what it was given, of which it is the only owner. There are 64 threads: only
 * where the errands of more than eight lives take long do others wait for them.
 *
 * Crashes. The state is what can be made again from the store: the resource, and entries of its own
 * (store/entry.h), of which a commit writes those that changed. Before an errand is sent, the store
 * has to know of it: what is to be called, under which name or client token. After a crash, load
 * finds that entry, and either what it was to make is there (its description tells, or what it was
 * marked with), or the errand is sent again; an operation with a client token is answered with its
 * first answer. What an errand brings back is in the store only with the turn's commit. On the way,
 * commits need only be in order (store_write_ordered); what ends a life is on the disk when it is
 * told (store_write_spare).
 *
 * A life whose resource is deleted ends with its next turn, of which its driver hears only free. */
#ifndef LATHE_FLOW_DRIVER_H
#define LATHE_FLOW_DRIVER_H

#include "base/clock.h"
#include "operation/operation.h"
#include "store/store.h"

/* One resource in the engine's hands. */
struct flow_life;

/* How a turn ended. */
enum flow_turn {
    FLOW_WAITS,   /* for what it awaits, its errands or its time */
    FLOW_GOES_ON, /* there is more to do at once: after the others' turns */
    FLOW_ENDED,   /* the store has the status that it ended with */
    FLOW_FAILED,  /* the store could not be written: another turn in a second */
};

struct flow_driver {
    const char *kind;            /* of its resources; has a row (operation/kind.h) */
    const char *const *statuses; /* those in which it moves them; ends with NULL */

    /* The state of a life, made from the store. NULL without an error where there is no such
     * resource, or not in one of the statuses. Where it fails, the resource gets its kind's bad
     * status, with the error as the reason; where that cannot be written, load is called again in a
     * second. */
    void *(*load)(struct flow_life *life, GError **error);
    /* Something awaited reached another status (NULL: it was deleted); or, with the driver's own
     * kind and the life's name, someone gave the life that status. */
    void (*heard)(void *state, const char *kind, const char *name, const char *status);
    /* Does what can be done now, and commits it. The error (FLOW_FAILED) is told in the log. */
    enum flow_turn (*advance)(void *state, GError **error);
    /* When it wants another turn although nothing happens (wall time of the context's clock); 0:
     * never. Asked after each turn. */
    double (*wakes_at)(const void *state);
    /* After the end, or when the engine is closed, where errands have ended before. */
    void (*free)(void *state);
};

/* What drivers work with. */
struct flow_context {
    struct store *store;
    const struct operations *operations;
    struct clock *clock; /* what a driver waits for, it tells by this clock's wall time */
};
const struct flow_context *flow_context(const struct flow_life *life);
const char *flow_name(const struct flow_life *life); /* the resource's */

/* From now to its end, the life hears of that resource. To miss nothing, it awaits before it looks.
 * Only within a turn; a second time is let be. */
void flow_await(struct flow_life *life, const char *kind, const char *name);

/* Something that may take long. */
struct flow_errand {
    void (*run)(void *data);               /* on a thread of its own; not where the engine closes */
    void (*back)(void *state, void *data); /* then, in a turn of the life that sent it */
    void (*free)(void *data);              /* at last, whether the others were called or not */
    /* It answers at once, as what asks others to stop does: it does not wait until those that take
     * long leave it a thread. */
    bool is_brief;
};

/* Whether another errand may be sent: a life has so many at a time that it leaves threads to
 * others. One that comes back is followed by a turn. */
bool flow_may_send(const struct flow_life *life);
/* Only within a turn, as advance does after its commit. Takes data. */
void flow_send(struct flow_life *life, const struct flow_errand *type, void *data);

#endif
