/* crawler.h: crawlers, their crawls and schedules, between the files that have them.
 *
 * A crawler is a resource of status READY, RUNNING or STOPPING. Each of its crawls is one of its
 * own, which a driver moves (crawl.c); so is its schedule (schedule.c). */
#ifndef LATHE_SERVICE_GLUE_CRAWLER_H
#define LATHE_SERVICE_GLUE_CRAWLER_H

#include "flow/driver.h"
#include "operation/kind.h"
#include "service/glue/glue_inside.h"
#include "store/resource.h"

#define CRAWLER_KIND "crawler"
#define CRAWL_KIND "crawl"
#define CRAWLER_SCHEDULE_KIND "crawler-schedule"
#define CRAWLER_LOG_GROUP "/aws-glue/crawlers"

extern const struct kind crawl_kind, crawler_schedule_kind;
extern const struct flow_driver crawl_driver, crawler_schedule_driver;

/* ERROR_ENTITY_NOT_FOUND. */
bool crawler_missing(const char *name, GError **error);

/* Begins a crawl, within a change of the store's; made: its id comes out (g_free), or NULL.
 * ERROR_CRAWLER_RUNNING. */
bool crawl_start_within(struct store_connection *connection, struct store *store,
                        const char *crawler, char **made, GError **error);
/* What is told of the crawls of one: numbers of all, newest first; and they go with it. */
bool crawls_delete(struct store *store, const char *crawler, GError **error);

/* Gives a crawler that schedule, or none ("" or NULL), within a change. */
bool schedule_set_within(struct store_connection *connection, struct lathe *lathe,
                         const char *crawler, const char *expression, GError **error);
/* After such a change: whoever waits by the schedule hears that it is another. */
void schedule_tell(struct lathe *lathe, const char *crawler, const char *expression);
/* {"ScheduleExpression", "State"}; NULL where it has none. */
json_t *schedule_describe(struct store *store, const char *crawler);

/* The bodies of classifiers, as crawl_plan has them, in the order of their names here.
 * ERROR_INVALID_INPUT_EXCEPTION where one is not there. */
json_t *classifiers_named(struct store *store, const json_t *names, GError **error);

operation_function create_classifier, update_classifier, get_classifier, get_classifiers,
    delete_classifier;
operation_function create_crawler, update_crawler, get_crawler, get_crawlers, list_crawlers,
    batch_get_crawlers, delete_crawler, get_crawler_metrics;
operation_function start_crawler, stop_crawler, list_crawls;
operation_function start_crawler_schedule, stop_crawler_schedule, update_crawler_schedule;

#endif
