/* Crawlers: creating, telling, changing, deleting. */
#include "service/glue/crawler.h"

#include <string.h>

#include "base/clock.h"
#include "base/cron.h"
#include "crawl/crawl.h"
#include "service/glue/named.h"

#define LIST_PAGE 100

static const struct named_type named = {
    CRAWLER_KIND, "crawler", {"Crawler with name ", " does not exist"}, {"", " already exists"}};

bool crawler_missing(const char *name, GError **error)
{
    return named_missing(&named, name, error);
}

/* ---- checking ---- */

static bool check_targets(const json_t *body, GError **error)
{
    const json_t *targets = json_at(body, "Targets.S3Targets");
    size_t i;
    const json_t *target;
    if (!json_array_size(targets))
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "Targets: the crawler has none; S3Targets names at least one Path.");
    json_array_foreach((json_t *)targets, i, target)
    {
        if (!crawl_check_target(target, error))
            return false;
    }
    return true;
}

/* Folders that are known stay as they are, whatever the policy says. */
static bool check_policies(const json_t *body, GError **error)
{
    const char *recrawl = json_text_at(body, "RecrawlPolicy.RecrawlBehavior");
    const char *update = json_text_at(body, "SchemaChangePolicy.UpdateBehavior");
    const char *delete = json_text_at(body, "SchemaChangePolicy.DeleteBehavior");
    if (g_strcmp0(recrawl, "CRAWL_NEW_FOLDERS_ONLY") != 0)
        return true;
    return ((!update || strcmp(update, "LOG") == 0) && (!delete || strcmp(delete, "LOG") == 0)) ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                     "The SchemaChangePolicy for \"Crawl new folders only\" Amazon S3 target can "
                     "have only LOG DeleteBehavior value and LOG UpdateBehavior value.");
}

static bool check(const struct call *call, const json_t *body, GError **error)
{
    const char *configuration = json_text_at(body, "Configuration");
    const char *schedule = json_text_at(body, "Schedule");
    const char *database = json_text_at(body, "DatabaseName");
    g_autoptr(json_auto) classifiers =
        classifiers_named(call->lathe->store, json_object_get(body, "Classifiers"), error);
    if (classifiers && (!database || !*database))
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "DatabaseName is needed.");
    return classifiers && check_targets(body, error) && check_policies(body, error) &&
           (!configuration || !*configuration || crawl_check_configuration(configuration, error)) &&
           (!schedule || !*schedule || cron_check(schedule, ERROR_INVALID_INPUT_EXCEPTION, error));
}

/* ---- CreateCrawler ---- */

static bool schedule(struct store_connection *connection, const struct named_creation *creation,
                     GError **error)
{
    return schedule_set_within(connection, creation->call->lathe,
                               json_text_at(creation->request, "Name"),
                               json_text_at(creation->request, "Schedule"), error);
}

static json_t *body_of(const json_t *request)
{
    json_t *body = json_copy((json_t *)request);
    json_object_del(body, "Tags");
    json_object_del(body, "CatalogId");
    json_object_del(body, "Schedule");
    json_object_set_new(body, "Version", json_integer(1));
    return body;
}

bool create_crawler(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    (void)reply;
    if (!glue_catalog(call, request, error) || !check(call, request, error))
        return false;
    g_autoptr(json_auto) body = body_of(request);
    struct named_creation creation = {.call = call,
                                      .type = &named,
                                      .request = request,
                                      .status = "READY",
                                      .parent = "",
                                      .body = body,
                                      .also = schedule};
    return named_create(&creation, error);
}

/* ---- UpdateCrawler ---- */

struct change {
    const struct call *call;
    const json_t *request;
    bool found;
};

static bool change_body(struct resource *crawler, void *data, GError **error)
{
    struct change *change = data;
    change->found = true;
    if (strcmp(crawler->status, "READY") != 0)
        return error_set(error, ERROR_CRAWLER_RUNNING,
                         "Crawler with name %s is running, and cannot be updated", crawler->name);
    g_autoptr(json_auto) given = body_of(change->request);
    json_object_del(given, "Version");
    json_object_update(crawler->body, given);
    json_object_set_new(crawler->body, "Version",
                        json_integer(json_integer_at(crawler->body, "Version", 1) + 1));
    return true;
}

static bool update(struct store_connection *connection, void *data, GError **error)
{
    struct change *change = data;
    struct lathe *lathe = change->call->lathe;
    const char *name = json_text_at(change->request, "Name");
    const char *schedule = json_text_at(change->request, "Schedule");
    return resource_update_within(connection, lathe->store, CRAWLER_KIND, name, change_body, change,
                                  error) &&
           (change->found || crawler_missing(name, error)) &&
           (!schedule || schedule_set_within(connection, lathe, name, schedule, error));
}

bool update_crawler(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) crawler =
        named_find(call, &named, json_text_at(request, "Name"), error);
    if (!glue_catalog(call, request, crawler ? error : NULL) || !crawler)
        return false;
    g_autoptr(json_auto) body = json_copy(crawler->body);
    json_object_update(body, (json_t *)request);
    struct change change = {call, request, false};
    if (!check(call, body, error) || !store_write(call->lathe->store, update, &change, error))
        return false;
    schedule_tell(call->lathe, crawler->name, json_text_at(request, "Schedule"));
    return true;
}

/* ---- telling ---- */

/* As AWS tells of what nobody set. */
static json_t *defaults(void)
{
    return json_pack("{s:[], s:{ss}, s:{ssss}, s:{ss}, s:{sbss}}", "Classifiers", "RecrawlPolicy",
                     "RecrawlBehavior", "CRAWL_EVERYTHING", "SchemaChangePolicy", "UpdateBehavior",
                     "UPDATE_IN_DATABASE", "DeleteBehavior", "DEPRECATE_IN_DATABASE",
                     "LineageConfiguration", "CrawlerLineageSettings", "DISABLE",
                     "LakeFormationConfiguration", "UseLakeFormationCredentials", 0, "AccountId",
                     "");
}

static json_t *describe(struct lathe *lathe, const struct resource *crawler)
{
    static const char *const own[] = {"Crawl", "Runtimes", "Counts", "Began", NULL};
    json_t *described = defaults();
    json_t *schedule = schedule_describe(lathe->store, crawler->name);
    bool runs = strcmp(crawler->status, "READY") != 0;
    double began = json_number_at(crawler->body, "Began", crawler->modified);
    json_object_update(described, crawler->body);
    for (size_t i = 0; own[i]; i++)
        json_object_del(described, own[i]);
    json_object_set_new(described, "Name", json_string(crawler->name));
    json_object_set_new(described, "State", json_string(crawler->status));
    json_object_set_new(described, "CreationTime", json_real(crawler->created));
    json_object_set_new(described, "LastUpdated", json_real(crawler->modified));
    json_object_set_new(
        described, "CrawlElapsedTime",
        json_integer(runs ? (json_int_t)MAX(0, (clock_wall(lathe->clock) - began) * 1000) : 0));
    if (schedule)
        json_object_set_new(described, "Schedule", schedule);
    return described;
}

bool get_crawler(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    g_autoptr(resource_auto) crawler =
        named_find(call, &named, json_text_at(request, "Name"), error);
    return crawler && glue_reply(reply, "Crawler", describe(call->lathe, crawler));
}

bool get_crawlers(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    g_autoptr(GPtrArray) all = named_list(call, &named, 0, error);
    json_t *list = named_described(call, all, describe);
    return glue_reply_page(call, request, NULL, "Crawlers", list, LIST_PAGE, reply, error);
}

bool list_crawlers(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    g_autoptr(GPtrArray) all = named_list(call, &named, 0, error);
    json_t *list = named_names(call, all, request);
    return glue_reply_page(call, request, NULL, "CrawlerNames", list, LIST_PAGE, reply, error);
}

bool batch_get_crawlers(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)error;
    named_get_batch(call, &named, describe, json_object_get(request, "CrawlerNames"), "Crawlers",
                    "CrawlersNotFound", reply);
    return true;
}

/* ---- GetCrawlerMetrics ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const json_t *list)
{
    size_t count = json_array_size(list);
    g_autofree double *numbers = g_new(double, count + 1);
    for (size_t i = 0; i < count; i++)
        numbers[i] = json_number_value(json_array_get(list, i));
    qsort(numbers, count, sizeof *numbers, by_size);
    return count ? numbers[count / 2] : 0;
}

static json_t *metrics_of(const struct resource *crawler)
{
    const json_t *runtimes = json_object_get(crawler->body, "Runtimes");
    const json_t *counts = json_object_get(crawler->body, "Counts");
    size_t count = json_array_size(runtimes);
    double last = count ? json_number_value(json_array_get(runtimes, count - 1)) : 0;
    return json_pack("{sssfsbsfsfsIsIsI}", "CrawlerName", crawler->name, "TimeLeftSeconds", 0.0,
                     "StillEstimating", 0, "LastRuntimeSeconds", last, "MedianRuntimeSeconds",
                     median(runtimes), "TablesCreated",
                     (json_int_t)json_integer_at(counts, "Created", 0), "TablesUpdated",
                     (json_int_t)json_integer_at(counts, "Updated", 0), "TablesDeleted",
                     (json_int_t)json_integer_at(counts, "Deleted", 0));
}

static bool is_named(const json_t *names, const char *name)
{
    size_t i;
    const json_t *one;
    json_array_foreach((json_t *)names, i, one)
    {
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return !json_array_size(names);
}

bool get_crawler_metrics(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(GPtrArray) all = named_list(call, &named, 0, error);
    json_t *list = all ? json_array() : NULL;
    for (guint i = 0; all && i < all->len; i++) {
        const struct resource *crawler = all->pdata[i];
        if (is_named(json_object_get(request, "CrawlerNameList"), crawler->name))
            json_array_append_new(list, metrics_of(crawler));
    }
    return glue_reply_page(call, request, NULL, "CrawlerMetricsList", list, LIST_PAGE, reply,
                           error);
}

/* ---- DeleteCrawler ---- */

static bool check_ready(struct resource *crawler, void *data, GError **error)
{
    (void)data;
    return strcmp(crawler->status, "READY") == 0 ||
           error_set(error, ERROR_CRAWLER_RUNNING,
                     "Crawler with name %s is running, and cannot be deleted", crawler->name);
}

bool delete_crawler(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "Name");
    struct store *store = call->lathe->store;
    bool found;
    return resource_delete_checked(store, CRAWLER_KIND, name, check_ready, &found, error) &&
           (found || crawler_missing(name, error)) &&
           resource_delete(store, CRAWLER_SCHEDULE_KIND, name, &found, error) &&
           crawls_delete(store, name, error);
}
