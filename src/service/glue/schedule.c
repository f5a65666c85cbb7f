/* Schedules of crawlers, each of which starts a crawl when its time has come. */
#include <string.h>

#include "base/cron.h"
#include "service/glue/crawler.h"
#include "service/glue/timer.h"

const struct kind crawler_schedule_kind = {
    .service = "glue",
    .word = CRAWLER_SCHEDULE_KIND,
    .noun = "Schedule",
    .name = "CrawlerName",
    .status = "State",
    .reason = "Reason",
    .bad = {"NOT_SCHEDULED"},
    .going = "SCHEDULED",
};

static const struct timer_type timer;

/* ---- what is kept ---- */

static json_t *body_of(struct lathe *lathe, const char *expression)
{
    json_t *body = json_pack("{ss}", "ScheduleExpression", expression);
    timer_set(&timer, lathe, body);
    return body;
}

struct setting {
    struct lathe *lathe;
    const char *expression; /* NULL: the one that it has */
    const char *status;     /* NULL: the one that it has */
    bool found;
};

static bool change(struct resource *schedule, void *data, GError **error)
{
    struct setting *setting = data;
    const char *has = json_text_at(schedule->body, "ScheduleExpression");
    setting->found = true;
    if (g_strcmp0(setting->status, schedule->status) == 0 && !setting->expression)
        return strcmp(schedule->status, "SCHEDULED") == 0
                   ? error_set(error, ERROR_SCHEDULER_RUNNING,
                               "The schedule of the crawler %s is running.", schedule->name)
                   : error_set(error, ERROR_SCHEDULER_NOT_RUNNING,
                               "The schedule of the crawler %s is not running.", schedule->name);
    json_t *body = body_of(setting->lathe, setting->expression ? setting->expression : has);
    json_decref(schedule->body);
    schedule->body = body;
    if (setting->status) {
        g_free(schedule->status);
        schedule->status = g_strdup(setting->status);
    }
    return true;
}

bool schedule_set_within(struct store_connection *connection, struct lathe *lathe,
                         const char *crawler, const char *expression, GError **error)
{
    struct setting setting = {lathe, expression, "SCHEDULED", false};
    bool found;
    if (!expression || !*expression)
        return resource_delete_within(connection, lathe->store, CRAWLER_SCHEDULE_KIND, crawler,
                                      &found, error);
    if (!resource_update_within(connection, lathe->store, CRAWLER_SCHEDULE_KIND, crawler, change,
                                &setting, error) ||
        setting.found)
        return setting.found;
    g_autoptr(json_auto) body = body_of(lathe, expression);
    struct resource schedule = {.kind = (char *)CRAWLER_SCHEDULE_KIND,
                                .name = (char *)crawler,
                                .arn = (char *)"",
                                .status = (char *)"SCHEDULED",
                                .parent = (char *)"",
                                .body = body};
    return resource_create_within(connection, lathe->store, &schedule, NULL, error);
}

json_t *schedule_describe(struct store *store, const char *crawler)
{
    g_autoptr(resource_auto) schedule = resource_get(store, CRAWLER_SCHEDULE_KIND, crawler, NULL);
    return schedule ? json_pack("{sOss}", "ScheduleExpression",
                                json_object_get(schedule->body, "ScheduleExpression"), "State",
                                schedule->status)
                    : NULL;
}

/* ---- operations ---- */

static bool check_crawler(const struct call *call, const char *name, GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) crawler = resource_get(call->lathe->store, CRAWLER_KIND, name, &cause);
    if (cause)
        g_propagate_error(error, cause);
    return crawler || (!cause && crawler_missing(name, error));
}

static bool set_status(const struct call *call, const json_t *request, const char *status,
                       GError **error)
{
    const char *name = json_text_at(request, "CrawlerName");
    struct setting setting = {call->lathe, NULL, status, false};
    bool found;
    return check_crawler(call, name, error) &&
           resource_update(call->lathe->store, CRAWLER_SCHEDULE_KIND, name, change, &setting,
                           &found, error) &&
           (found || error_set(error,
                               strcmp(status, "SCHEDULED") == 0 ? ERROR_NO_SCHEDULE
                                                                : ERROR_SCHEDULER_NOT_RUNNING,
                               "There is no schedule for the crawler %s.", name));
}

bool start_crawler_schedule(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    return set_status(call, request, "SCHEDULED", error);
}

bool stop_crawler_schedule(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    (void)reply;
    return set_status(call, request, "NOT_SCHEDULED", error);
}

struct update {
    struct lathe *lathe;
    const char *crawler, *expression;
};

static bool update(struct store_connection *connection, void *data, GError **error)
{
    const struct update *given = data;
    return schedule_set_within(connection, given->lathe, given->crawler, given->expression, error);
}

void schedule_tell(struct lathe *lathe, const char *crawler, const char *expression)
{
    if (expression && *expression)
        timer_tell(&timer, lathe, crawler);
}

bool update_crawler_schedule(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    (void)reply;
    struct update given = {call->lathe, json_text_at(request, "CrawlerName"),
                           json_text_at(request, "Schedule")};
    const char *expression = given.expression;
    return check_crawler(call, given.crawler, error) &&
           (!expression || !*expression ||
            cron_check(expression, ERROR_INVALID_INPUT_EXCEPTION, error)) &&
           store_write(call->lathe->store, update, &given, error) &&
           (schedule_tell(call->lathe, given.crawler, expression), true);
}

/* ---- the life ---- */

/* A crawl that still runs is not started once more. */
static bool start_crawl(struct store_connection *connection, struct lathe *lathe,
                        const struct resource *schedule, GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (crawl_start_within(connection, lathe->store, schedule->name, NULL, &cause) ||
        g_error_matches(cause, LATHE_ERROR, ERROR_CRAWLER_RUNNING) ||
        g_error_matches(cause, LATHE_ERROR, ERROR_ENTITY_NOT_FOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

static const struct timer_type timer = {CRAWLER_SCHEDULE_KIND, "SCHEDULED", "ScheduleExpression",
                                        start_crawl};

static void *load(struct flow_life *life, GError **error)
{
    return timer_load(life, &timer, error);
}

static const char *const statuses[] = {"SCHEDULED", NULL};

const struct flow_driver crawler_schedule_driver = {
    .kind = CRAWLER_SCHEDULE_KIND,
    .statuses = statuses,
    .load = load,
    .heard = timer_heard,
    .advance = timer_advance,
    .wakes_at = timer_wakes_at,
    .free = g_free,
};
