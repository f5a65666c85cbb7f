/* search.h: one tuning job while the engine has it in hand: what its driver moves.
 *
 * Its state is its entries, one a trial, numbered in the order in which they were chosen; what
 * stands here beside them can be made again from there. A trial is in the store, with the name of
 * its training job, before that is created: after a crash the training job is there or not, and is
 * created where it is not. A trial whose training job the server's end cut off has failed; another
 * attempt with the same values is another trial. */
#ifndef LATHE_FLOW_TUNING_SEARCH_H
#define LATHE_FLOW_TUNING_SEARCH_H

#include "flow/driver.h"
#include "flow/tuning/definition.h"
#include "store/resource.h"
#include "tune/study.h"

/* A trial in hand. */
struct trial {
    gint64 number; /* of its entry */
    guint definition;
    double *values;
    json_t *entry;       /* trial.h */
    const char *job;     /* the name of its training job; the entry's */
    double not_before;   /* its training job could not be created: when to try again */
    bool again;          /* it is another attempt of an earlier one */
    bool changed;        /* the entry is other than in the store: in search->changed */
    GArray *curve;       /* losses (double), an epoch each; NULL: not read */
    guint bracket, rung; /* of Hyperband: its bracket, and the next rung at which it is judged */
    bool reported;       /* its curve may have grown */
    bool to_stop;        /* it is to be stopped before its end */
    bool promoted;       /* another trial goes on from where it was paused */
    bool heard;          /* its training job may be at its end */
    bool created;        /* its training job is there */
    bool calling;        /* an errand creates that */
    bool stopping;       /* it was asked to stop */
};

/* How it goes on. */
enum search_phase {
    SEARCH_GOES_ON,
    SEARCH_STOPS, /* begins nothing more; what runs is stopped */
};

struct search {
    struct flow_life *life;
    struct store *store;
    const struct operations *operations;
    struct clock *clock;
    struct resource *resource; /* as it was read; its body has what was counted since */
    struct tuning_definitions *definitions;
    struct call_context asker;
    uint64_t seed;
    bool stops_early;                 /* by the median rule */
    gint64 least_epochs, most_epochs; /* of Hyperband; most 0: another strategy */
    gint64 most, parallel;            /* training jobs in all (0: no limit) and at once */
    double deadline;                  /* wall time; 0: none */

    GPtrArray *trials;   /* struct trial; number i is at i - 1 */
    GHashTable *by_job;  /* name -> struct trial */
    GPtrArray *running;  /* those that are not settled */
    GPtrArray *to_retry; /* settled, and to be tried again */
    GPtrArray *parents;  /* struct parent_trial, the best first */
    bool identical;      /* what they learnt is true of this one too: same data, same algorithm */
    GPtrArray *changed;  /* whose entries are to be written */
    guint used;          /* trials that count: neither retried nor dropped */
    guint succeeded, failed;

    enum search_phase phase;
    const char *final;       /* the status with which it will end, where that is decided */
    char *reason;            /* of a Failed end */
    bool stop_asked;         /* by a client */
    struct workers *workers; /* who is asked what to try; NULL: not yet */
    bool asking;             /* an errand does */
    bool asks_in_vain;       /* there was no answer: chance goes on alone */
    bool body_changed;
    bool ended;
};

/* A trial of a tuning job that this one was started warm from. */
struct parent_trial {
    guint definition;
    double *values, loss;
};

/* ---- trials (search_trials.c) ---- */

/* Makes one, to be created once it is in the store. `earlier` (or NULL): what it is another attempt
 * of, or goes on from where that was paused. */
struct trial *search_begin(struct search *search, guint definition, const double *values,
                           struct trial *earlier);
/* Its entry is other than in the store. */
void search_change(struct search *search, struct trial *trial);
/* One that was read. */
void search_attach(struct search *search, gint64 number, json_t *entry);
/* Looks at its training job, where that may have ended. */
bool search_look(struct search *search, struct trial *trial, GError **error);
/* Creates the training jobs of trials in the store, as far as they may be now. */
void search_create(struct search *search);
/* Where it stops: forgets what is not created yet, and asks the others to stop. */
void search_drop(struct search *search);
void search_send_stops(struct search *search, bool all);
/* The earliest time at which creating is tried again; 0: none. */
double search_retries_at(const struct search *search);

/* ---- what ends early (search_rules.c) ---- */

/* Reads what trials reported, and says which of them are to stop. */
bool search_judge(struct search *search, GError **error);
/* The bracket of the next trial. */
guint search_bracket(const struct search *search);
/* Whether it is among the best at the rung where it was paused, and may go on. */
bool search_promotes(const struct search *search, const struct trial *trial);
/* Where the job's completion criteria are met; tells how far they are. */
bool search_is_complete(struct search *search);

/* ---- warm starts (search_parents.c) ---- */

bool search_read_parents(struct search *search, GError **error);

/* ---- what to try (search_choice.c) ---- */

/* Begins as many as may be; whether there is nothing more to try. */
bool search_choose(struct search *search);
void search_begin_at_random(struct search *search, guint definition);

/* ---- asked of a process (search_ask.c) ---- */

/* What that definition tries next is asked, and begun when the answer is back; false: not now. */
bool search_ask(struct search *search, guint definition, const struct tune_study *study);
/* It is not needed any more: it will be back soon. */
void search_stop_asking(struct search *search);
void search_close(struct search *search);

#endif
