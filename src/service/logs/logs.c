/* CloudWatch Logs, over the log streams that jobs and endpoints write. */
#include "service/home.h"

#include <string.h>

#include "base/page.h"
#include "log/log_stream.h"
#include "store/resource.h"

#define GROUP_KIND "log-group" /* in the store: those with a retention */

static bool missing_group(GError **error)
{
    return error_set(error, ERROR_NOT_FOUND_EXCEPTION, "The specified log group does not exist.");
}

static bool find_page(struct page *page, const struct call *call, const json_t *request,
                      size_t count, size_t limit, GError **error)
{
    limit = (size_t)json_integer_at(request, "limit", (gint64)limit);
    return page_find(page, call->operation, json_text_at(request, "nextToken"), count, limit,
                     ERROR_INVALID_PARAMETER, error);
}

static void put_token(json_t *output, const struct call *call, const struct page *page,
                      size_t count)
{
    g_autofree char *next = page_next(page, call->operation, count);
    json_put(output, "nextToken", next ? json_string(next) : NULL);
}

static json_t *log_arn(const struct call *call, const char *group)
{
    return json_sprintf("arn:aws:logs:%s:%s:log-group:%s:*", call->region, call->account, group);
}

static bool describe_log_groups(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    struct logs *logs = call->lathe->logs;
    g_autoptr(GPtrArray) groups = logs_groups(logs, json_text_at(request, "logGroupNamePrefix"));
    struct page page;
    if (!find_page(&page, call, request, groups->len, 50, error))
        return false;
    json_t *list = json_array();
    for (size_t i = page.first; i < page.end; i++) {
        const char *name = g_ptr_array_index(groups, i);
        g_autoptr(GPtrArray) streams = logs_streams(logs, name, NULL);
        gint64 size = 0, created = 0;
        for (guint s = 0; s < streams->len; s++) {
            const struct log_stream_info *stream = g_ptr_array_index(streams, s);
            size += stream->size;
            created = s && created < stream->created ? created : stream->created;
        }
        g_autoptr(resource_auto) kept = resource_get(call->lathe->store, GROUP_KIND, name, NULL);
        json_t *days = kept ? json_object_get(kept->body, "retentionInDays") : NULL;
        json_array_append_new(list, json_pack("{sssosIsIsO*}", "logGroupName", name, "arn",
                                              log_arn(call, name), "storedBytes", (json_int_t)size,
                                              "creationTime", (json_int_t)created,
                                              "retentionInDays", days));
    }
    reply->output = json_pack("{so}", "logGroups", list);
    put_token(reply->output, call, &page, groups->len);
    return true;
}

static int by_last_event(gconstpointer a, gconstpointer b)
{
    const struct log_stream_info *left = *(struct log_stream_info *const *)a;
    const struct log_stream_info *right = *(struct log_stream_info *const *)b;
    return left->last < right->last ? -1 : left->last > right->last;
}

static json_t *describe_stream(const struct call *call, const char *group,
                               const struct log_stream_info *stream)
{
    json_t *entry = json_pack("{sssIsosI}", "logStreamName", stream->name, "creationTime",
                              (json_int_t)stream->created, "arn",
                              json_sprintf("arn:aws:logs:%s:%s:log-group:%s:log-stream:%s",
                                           call->region, call->account, group, stream->name),
                              "storedBytes", (json_int_t)stream->size);
    if (stream->first >= 0) {
        json_put(entry, "firstEventTimestamp", json_integer(stream->first));
        json_put(entry, "lastEventTimestamp", json_integer(stream->last));
        json_put(entry, "lastIngestionTime", json_integer(stream->last));
    }
    return entry;
}

/* No nextToken unless there is a next page: the SDK asks again and again where it sees one. */
static bool describe_log_streams(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    struct logs *logs = call->lathe->logs;
    const char *group = json_text_at(request, "logGroupName");
    if (!group || !logs_has_group(logs, group))
        return missing_group(error);
    g_autoptr(GPtrArray) streams =
        logs_streams(logs, group, json_text_at(request, "logStreamNamePrefix"));
    if (g_strcmp0(json_text_at(request, "orderBy"), "LastEventTime") == 0)
        g_ptr_array_sort(streams, by_last_event);
    bool descending = json_true_at(request, "descending");
    struct page page;
    if (!find_page(&page, call, request, streams->len, 50, error))
        return false;
    json_t *list = json_array();
    for (size_t i = page.first; i < page.end; i++) {
        guint at = (guint)(descending ? streams->len - 1 - i : i);
        json_array_append_new(list, describe_stream(call, group, g_ptr_array_index(streams, at)));
    }
    reply->output = json_pack("{so}", "logStreams", list);
    put_token(reply->output, call, &page, streams->len);
    return true;
}

/* A token of GetLogEvents is "f/" or "b/", forward or backward, and a position in the stream. */
static char *events_listing(const json_t *request)
{
    return g_strdup_printf("GetLogEvents\n%s\n%s", json_text_at(request, "logGroupName"),
                           json_text_at(request, "logStreamName"));
}

static bool read_log_token(const json_t *request, struct log_query *query, GError **error)
{
    const char *token = json_text_at(request, "nextToken");
    if (!token)
        return true;
    if (!g_str_has_prefix(token, "f/") && !g_str_has_prefix(token, "b/"))
        return error_set(error, ERROR_INVALID_PARAMETER,
                         "The specified nextToken is invalid: '%.64s' begins with neither f/ nor "
                         "b/",
                         token);
    g_autofree char *listing = events_listing(request);
    query->backward = token[0] == 'b';
    return page_position(listing, token + 2, &query->position, ERROR_INVALID_PARAMETER, error);
}

static json_t *log_token(const char *direction, const json_t *request, gint64 position)
{
    g_autofree char *listing = events_listing(request);
    g_autofree char *token = page_token_at(listing, position);
    return json_sprintf("%s/%s", direction, token);
}

static bool get_log_events(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    const char *group = json_text_at(request, "logGroupName");
    struct log_query query = {
        .start = json_integer_at(request, "startTime", 0),
        .end = json_integer_at(request, "endTime", 0),
        .position = -1,
        .from_head = json_true_at(request, "startFromHead"),
        .limit = (size_t)json_integer_at(request, "limit", 10000),
    };
    if (!read_log_token(request, &query, error))
        return false;
    if (!group || !logs_has_group(call->lathe->logs, group))
        return missing_group(error);
    struct log_page page = {0};
    if (!logs_read(call->lathe->logs, group, json_text_at(request, "logStreamName"), &query, &page,
                   error))
        return false;
    json_t *events = json_array();
    for (guint i = 0; i < page.events->len; i++) {
        const struct log_event *event = g_ptr_array_index(page.events, i);
        json_array_append_new(
            events, json_pack("{sIsssI}", "timestamp", (json_int_t)event->milliseconds, "message",
                              event->message, "ingestionTime", (json_int_t)event->milliseconds));
    }
    reply->output = json_pack("{sososo}", "events", events, "nextForwardToken",
                              log_token("f", request, page.after), "nextBackwardToken",
                              log_token("b", request, page.before));
    log_page_clear(&page);
    return true;
}

/* ---- FilterLogEvents ---- */

/* CloudWatch's simple filter patterns: every word must occur, "quoted words" as they are, ?any of
 * these, -none of these. JSON and space-delimited patterns ({...}, [...]) are not among them. */
static bool pattern_fits(const char *pattern, const char *message)
{
    bool any_wanted = false, any_found = false;
    for (const char *at = pattern; *at;) {
        at += strspn(at, " ");
        char sign = *at == '?' || *at == '-' ? *at++ : '+';
        bool quoted = *at == '"';
        at += quoted;
        size_t length = strcspn(at, quoted ? "\"" : " ");
        g_autofree char *word = g_strndup(at, length);
        at += length;
        at += quoted && *at == '"';
        if (!*word)
            continue;
        bool found = strstr(message, word) != NULL;
        any_wanted |= sign == '?';
        any_found |= sign == '?' && found;
        if ((sign == '+' && !found) || (sign == '-' && found))
            return false;
    }
    return !any_wanted || any_found;
}

static bool is_wanted_stream(const json_t *request, const char *stream)
{
    const json_t *names = json_object_get(request, "logStreamNames");
    size_t i;
    const json_t *name;
    json_array_foreach((json_t *)names, i, name)
    {
        if (strcmp(json_string_value(name), stream) == 0)
            return true;
    }
    return json_array_size(names) == 0;
}

static bool filter_stream(const struct call *call, const json_t *request, const char *stream,
                          json_t *events, GError **error)
{
    const char *pattern = json_text_at(request, "filterPattern");
    struct log_query query = {
        .start = json_integer_at(request, "startTime", 0),
        .end = json_integer_at(request, "endTime", 0),
        .position = -1,
        .from_head = true,
        .limit = G_MAXSIZE,
    };
    struct log_page page = {0};
    if (!logs_read(call->lathe->logs, json_text_at(request, "logGroupName"), stream, &query, &page,
                   error))
        return false;
    for (guint i = 0; i < page.events->len; i++) {
        const struct log_event *event = g_ptr_array_index(page.events, i);
        if (!pattern || pattern_fits(pattern, event->message))
            json_array_append_new(events, json_pack("{sssIsssIso}", "logStreamName", stream,
                                                    "timestamp", (json_int_t)event->milliseconds,
                                                    "message", event->message, "ingestionTime",
                                                    (json_int_t)event->milliseconds, "eventId",
                                                    json_sprintf("%s/%u", stream, i)));
    }
    log_page_clear(&page);
    return true;
}

static int by_timestamp(const void *a, const void *b, void *data)
{
    (void)data;
    json_int_t left = json_integer_at(*(json_t *const *)a, "timestamp", 0);
    json_int_t right = json_integer_at(*(json_t *const *)b, "timestamp", 0);
    return left < right ? -1 : left > right;
}

/* Every page with events has a token, the last one, too: what comes later is read on from it, as
 * Airflow's Glue operators do. The page after that is empty and has none. */
static void put_later_token(json_t *output, const struct call *call, const struct page *page)
{
    if (page->end == page->first)
        return;
    g_autofree char *later = page_token_at(call->operation, (gint64)page->end);
    json_put(output, "nextToken", json_string(later));
}

static bool filter_log_events(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    struct logs *logs = call->lathe->logs;
    const char *group = json_text_at(request, "logGroupName");
    const char *pattern = json_text_at(request, "filterPattern");
    if (!group || !logs_has_group(logs, group))
        return missing_group(error);
    if (pattern && (*pattern == '{' || *pattern == '['))
        return error_set(error, ERROR_INVALID_PARAMETER,
                         "The filterPattern %s is a JSON or space-delimited one; lathe reads "
                         "patterns of words.",
                         pattern);
    g_autoptr(GPtrArray) streams =
        logs_streams(logs, group, json_text_at(request, "logStreamNamePrefix"));
    g_autoptr(json_auto) events = json_array();
    for (guint i = 0; i < streams->len; i++) {
        const struct log_stream_info *stream = g_ptr_array_index(streams, i);
        if (is_wanted_stream(request, stream->name) &&
            !filter_stream(call, request, stream->name, events, error))
            return false;
    }
    size_t count = json_array_size(events);
    g_autofree json_t **order = g_new(json_t *, count + 1);
    for (size_t i = 0; i < count; i++)
        order[i] = json_array_get(events, i);
    g_qsort_with_data(order, (int)count, sizeof *order, by_timestamp, NULL);
    struct page page;
    if (!find_page(&page, call, request, count, 10000, error))
        return false;
    json_t *list = json_array();
    for (size_t i = page.first; i < page.end; i++)
        json_array_append(list, order[i]);
    reply->output = json_pack("{so}", "events", list);
    put_later_token(reply->output, call, &page);
    return true;
}

/* ---- what clients write ---- */

static bool create_log_group(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    (void)reply;
    const char *group = json_text_at(request, "logGroupName");
    if (logs_has_group(call->lathe->logs, group))
        return error_set(error, ERROR_ALREADY_EXISTS_RESOURCE,
                         "The specified log group already exists");
    return logs_create_group(call->lathe->logs, group, error);
}

static bool create_log_stream(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply;
    struct logs *logs = call->lathe->logs;
    const char *group = json_text_at(request, "logGroupName");
    const char *stream = json_text_at(request, "logStreamName");
    if (!logs_has_group(logs, group))
        return missing_group(error);
    if (logs_has_stream(logs, group, stream))
        return error_set(error, ERROR_ALREADY_EXISTS_RESOURCE,
                         "The specified log stream already exists");
    struct log_writer *writer = log_writer_open(logs, group, stream, error);
    log_writer_close(writer);
    return writer != NULL;
}

static bool put_log_events(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    struct logs *logs = call->lathe->logs;
    const char *group = json_text_at(request, "logGroupName");
    const char *stream = json_text_at(request, "logStreamName");
    if (!logs_has_group(logs, group))
        return missing_group(error);
    if (!logs_has_stream(logs, group, stream))
        return error_set(error, ERROR_NOT_FOUND_EXCEPTION,
                         "The specified log stream does not exist.");
    struct log_writer *writer = log_writer_open(logs, group, stream, error);
    bool written = writer != NULL;
    size_t i;
    const json_t *event;
    json_array_foreach(json_object_get(request, "logEvents"), i, event)
    {
        const char *message = json_text_at(event, "message");
        written = written && log_writer_add(writer, json_integer_at(event, "timestamp", 0), message,
                                            strlen(message), error);
    }
    log_writer_close(writer);
    if (written)
        reply->output = json_pack("{ss}", "nextSequenceToken", "0");
    return written;
}

/* ---- retention ----
 *
 * A group that has one is a resource; groups without are kept for ever. */

#define DAY_SECONDS 86400.0

static bool set_days(struct resource *group, void *data, GError **error)
{
    (void)error;
    json_object_set_new(group->body, "retentionInDays", json_incref(data));
    return true;
}

static bool put_retention_policy(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    (void)reply;
    struct store *store = call->lathe->store;
    const char *name = json_text_at(request, "logGroupName");
    json_t *days = json_object_get(request, "retentionInDays");
    bool found;
    if (!logs_has_group(call->lathe->logs, name))
        return missing_group(error);
    if (!resource_update(store, GROUP_KIND, name, set_days, days, &found, error) || found)
        return found;
    g_autoptr(json_auto) body = json_pack("{sO}", "retentionInDays", days);
    struct resource group = {.kind = (char *)GROUP_KIND,
                             .name = (char *)name,
                             .arn = (char *)"",
                             .status = (char *)"",
                             .parent = (char *)"",
                             .body = body};
    return resource_create(store, &group, NULL, error);
}

static bool delete_retention_policy(const struct call *call, const json_t *request,
                                    struct reply *reply, GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "logGroupName");
    if (!logs_has_group(call->lathe->logs, name))
        return missing_group(error);
    return resource_delete(call->lathe->store, GROUP_KIND, name, NULL, error);
}

/* ---- deleting ---- */

static bool delete_log_stream(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply;
    struct logs *logs = call->lathe->logs;
    const char *group = json_text_at(request, "logGroupName");
    return logs_has_group(logs, group)
               ? logs_delete_stream(logs, group, json_text_at(request, "logStreamName"), error)
               : missing_group(error);
}

static bool delete_log_group(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "logGroupName");
    return logs_delete_group(call->lathe->logs, name, error) &&
           resource_delete(call->lathe->store, GROUP_KIND, name, NULL, error);
}

static void tidy(struct lathe *lathe, double now)
{
    struct resource_query query = {.kind = GROUP_KIND};
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) groups = resource_list(lathe->store, &query, NULL, &error);
    if (!groups)
        g_warning("the retention of log groups: %s", error->message);
    for (guint i = 0; groups && i < groups->len; i++) {
        const struct resource *group = g_ptr_array_index(groups, i);
        double days = json_number_at(group->body, "retentionInDays", G_MAXINT);
        logs_trim(lathe->logs, group->name, (gint64)((now - days * DAY_SECONDS) * 1000));
    }
}

static const struct operation operations[] = {
    {"CreateLogGroup", create_log_group, OPERATION_BLOCKING},
    {"CreateLogStream", create_log_stream, OPERATION_BLOCKING},
    {"DeleteLogGroup", delete_log_group, OPERATION_BLOCKING},
    {"DeleteLogStream", delete_log_stream, OPERATION_BLOCKING},
    {"PutRetentionPolicy", put_retention_policy, OPERATION_BLOCKING},
    {"DeleteRetentionPolicy", delete_retention_policy, OPERATION_BLOCKING},
    {"PutLogEvents", put_log_events, OPERATION_BLOCKING},
    {"DescribeLogGroups", describe_log_groups, OPERATION_BLOCKING},
    {"DescribeLogStreams", describe_log_streams, OPERATION_BLOCKING},
    {"GetLogEvents", get_log_events, OPERATION_BLOCKING},
    {"FilterLogEvents", filter_log_events, OPERATION_BLOCKING},
};

const struct service logs_service = {
    .name = "logs",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .tidy = tidy,
};
