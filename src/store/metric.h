/* metric.h: CloudWatch's metrics: numbers with a namespace, a name, dimensions and a time. */
#ifndef LATHE_STORE_METRIC_H
#define LATHE_STORE_METRIC_H

#include "base/json.h"
#include "store/store.h"

/* One datum, as a statistic set: a single value v is {v, v, v, 1}. */
struct metric_datum {
    const char *name_space;
    const char *name;
    const json_t *dimensions; /* [{"Name", "Value"}, ...], or NULL */
    double time;              /* seconds since 1970 */
    const char *unit;         /* "None" where NULL */
    double sum, minimum, maximum, count;
};

/* All of the data (struct metric_datum), or none: on the disk when this returns. */
bool metric_put(struct store *store, const GArray *data, GError **error);

/* Copies the data (struct metric_datum) and waits for nothing: a crash may lose the last ones. What
 * a job reports of itself goes this way, since its log holds it too. */
void metric_put_later(struct store *store, const GArray *data);

/* A metric's data over a stretch of time, in periods. */
struct metric_query {
    const char *name_space, *name;
    const json_t *dimensions;
    const char *unit;  /* NULL: any */
    double start, end; /* start <= time < end */
    double period;     /* seconds */
};
struct metric_period {
    double time; /* where it begins: a whole multiple of the period since 1970 */
    double sum, minimum, maximum, count;
    char unit[24];
};
/* Periods that have data, oldest first: an array of struct metric_period. */
GArray *metric_read(struct store *store, const struct metric_query *query, GError **error);

/* The averages of a metric's data, one by one in the order of their times: an array of double. */
GArray *metric_values(struct store *store, const char *name_space, const char *name,
                      const json_t *dimensions, GError **error);

/* Keeps what CloudWatch keeps at a time: data as they came for 15 days, in periods of five minutes
 * for 63, of an hour for 455, and nothing beyond. */
bool metric_trim(struct store *store, double now, GError **error);

/* Forgets what a namespace has of these dimensions (a list of {"Name", "Value"}). */
bool metric_remove(struct store *store, const char *name_space, const json_t *dimensions,
                   GError **error);

/* The metrics there are, as ListMetrics gives them: [{"Namespace","MetricName","Dimensions"}]. NULL
 * namespace or name: any. */
json_t *metric_list(struct store *store, const char *name_space, const char *name, GError **error);

#endif
