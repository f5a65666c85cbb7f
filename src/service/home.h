/* home.h: an opened home: what operations work on, opened once and passed down. */
#ifndef LATHE_SERVICE_HOME_H
#define LATHE_SERVICE_HOME_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "operation/operation.h"

struct clock;
struct jobs;
struct catalog;
struct lake;
struct logs;
struct captures;
struct endpoints;
struct engine;
struct executions;
struct flows;
struct proxy;
struct store;
struct data_streams;
struct delivery_streams;
struct settings;
struct tasks;

enum { DEPLOYERS = 8 };

struct lathe {
    char *home;                /* the folder that holds everything; one owner at a time */
    int lock;                  /* the open lock file */
    char *account;             /* twelve digits */
    char *groups;              /* the control group for those of scripts; NULL: none */
    struct settings *settings; /* of the home's configuration file */
    const char *url; /* where it is asked over HTTP, "http://127.0.0.1:8080"; NULL: nowhere */
    struct proxy
        *proxy; /* what leads scripts to AWS's own hosts here (proxy/proxy.h); NULL: nothing */
    struct clock *clock; /* what everything waits on */
    struct store *store;
    struct lake *lake;
    struct catalog *catalog; /* of databases and tables over the lake */
    struct engine *engine;   /* of SQL over files: queries, and records that become Parquet */
    struct logs *logs;
    struct jobs *jobs;
    struct endpoints *endpoints;
    struct captures *captures;          /* samples of their traffic, on their way to the lake */
    struct tasks *deployers[DEPLOYERS]; /* open the models of endpoints, each those of some names */
    atomic_bool ends;                   /* the server does: nobody waits for what takes long */
    struct delivery_streams *streams;   /* of records on their way to the lake */
    struct data_streams *data_streams;  /* of records that are kept for whoever reads them */
    struct executions *executions;      /* queries of Athena's, under way */
    struct operations *operations;
    struct flows *flows;       /* the engine of workflows */
    struct tasks *chores;      /* what takes long and nobody waits for: services' tidying */
    _Atomic guint64 next_tidy; /* an alarm of the clock */
    double day;                /* of lifecycles, in seconds; shorter only in tests */
    atomic_bool tidy_waits;    /* among the chores */
};

/* The role that everybody has: STS answers it, and a notebook's descriptions name it. */
#define LATHE_ROLE "SageMakerRole"
/* "arn:aws:iam::<account>:role/SageMakerRole", g_free. */
char *call_role(const struct call *call);

/* The services that are built, from tools/operations/; ends with NULL. */
extern const struct service *const services[];

/* Takes the home folder (created where missing; refused where another process has it) and opens
 * what is in it. configuration: a path; NULL: the home's own file, where there is one
 * (runtime/settings.h). */
struct lathe *lathe_open(const char *home, const char *account, const char *configuration,
                         GError **error);

/* Once url and proxy are set, which scripts are told: takes up again what a crash interrupted, and
 * everything that goes on by itself. To be called before any operation. */
bool lathe_recover(struct lathe *lathe, GError **error);

/* For tests: makes lifecycles' days so short, and tidies five times in each. */
void lathe_shorten_days(struct lathe *lathe, double seconds);

/* For tests: moves the clock on, and returns when what that set off has been done. */
void lathe_move_clock(struct lathe *lathe, double seconds);

/* Fails what waits for a script, and will not end soon by itself. */
void lathe_hurry(struct lathe *lathe);

/* Stops jobs and endpoints and closes everything. */
void lathe_close(struct lathe *lathe);

#endif
