/* series.h: what a resource reported of itself over its time: for each name a series of numbers,
 * each with a time and perhaps a step, and what sums them up. They go with their resource. */
#ifndef LATHE_STORE_SERIES_H
#define LATHE_STORE_SERIES_H

#include "store/store.h"

#define SERIES_NO_STEP G_MININT64

struct series_point {
    const char *name; /* of its series; where points are read: NULL */
    gint64 time;      /* milliseconds since 1970 */
    gint64 step;      /* or SERIES_NO_STEP */
    double value;     /* also one that is not finite */
};

/* Of the values that are finite. */
struct series_summary {
    gint64 count;
    double minimum, maximum, mean, deviation; /* deviation: of the population */
    double last;                              /* of the greatest time; of equals the newest */
    gint64 time;                              /* its */
};
void series_summary_add(struct series_summary *summary, double value, gint64 time);

struct series {
    char *name;
    struct series_summary summary;
    struct series_point latest; /* of all values: of the greatest step, then time, then value */
};

/* Within a change of the store's: adds them to the resource's series. repeats: what is there
 * already (all of name, time, step and value) is there again; else it is left out. */
bool series_add(struct store_connection *connection, const char *kind, const char *owner,
                const struct series_point *points, size_t count, bool repeats, GError **error);

/* A resource's series in order of their names; struct series, which the array frees. */
GPtrArray *series_list(struct store *store, const char *kind, const char *owner, GError **error);
/* The same within a piece of work. */
GPtrArray *series_list_within(struct store_connection *connection, const char *kind,
                              const char *owner, GError **error);

/* Which points of a series: from the offset, at most limit (0: all). */
struct series_query {
    const char *kind, *owner, *name;
    bool by_step; /* in order of step, time, value; else of time, step, value */
    gint64 offset, limit;
};
/* struct series_point. */
GArray *series_points(struct store *store, const struct series_query *query, GError **error);

#endif
