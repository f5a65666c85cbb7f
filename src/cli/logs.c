#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"
#include "service/home.h"

enum { LOGS = 2 };

/* Where something's log is, and of which kind it is. */
struct log {
    const struct kind *kind;
    const char *name;
    char *stream;
    char *groups[LOGS]; /* the second: of what it wrote to its standard error, where that is apart;
                         * or NULL */
    char *tokens[LOGS]; /* behind what was printed */
};

static void log_clear(struct log *log)
{
    g_free(log->stream);
    for (int i = 0; i < LOGS; i++) {
        g_free(log->groups[i]);
        g_free(log->tokens[i]);
    }
}

/* What is no job and has a log of its own, as an endpoint has; NULL: there is none of that name. */
static const struct kind *find_logged(const char *name)
{
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++) {
        g_autoptr(json_auto) found =
            kind->own_log_group ? cli_ask_job(kind, kind->describe, name, NULL) : NULL;
        if (found)
            return kind;
    }
    return NULL;
}

/* A job's stream has its name; of others it is the one that was written to last. */
static json_t *streams_of(const struct log *log)
{
    g_autoptr(json_auto) request =
        log->kind->own_log_group
            ? json_pack("{sssssb}", "logGroupName", log->groups[0], "orderBy", "LastEventTime",
                        "descending", 1)
            : json_pack("{ssso}", "logGroupName", log->groups[0], "logStreamNamePrefix",
                        json_sprintf(log->kind->parents ? "%s" : "%s/", log->name));
    return cli_ask("logs", "DescribeLogStreams", request, NULL);
}

/* Glue's runs say themselves where their logs are. */
static void find_groups(struct log *log)
{
    const struct kind *kind = log->kind;
    if (kind->own_log_group) {
        log->groups[0] = g_strconcat(kind->own_log_group, log->name, NULL);
        return;
    }
    g_autoptr(json_auto) told =
        kind->parents ? cli_ask_job(kind, kind->describe, log->name, NULL) : NULL;
    const char *group = json_text_at(told, "LogGroupName");
    log->groups[0] = group ? g_strconcat(group, "/output", NULL) : g_strdup(kind->log_group);
    log->groups[1] = group ? g_strconcat(group, "/error", NULL) : NULL;
}

static bool find_log(struct log *log, const char *name, GError **error)
{
    GError *cause = NULL;
    log->name = name;
    log->kind = cli_find_job(name, &cause);
    if (!log->kind)
        log->kind = find_logged(name);
    if (!log->kind) {
        g_propagate_error(error, cause);
        return false;
    }
    g_clear_error(&cause);
    const char *own = log->kind->own_log_group;
    find_groups(log);
    g_autoptr(json_auto) output = streams_of(log);
    log->stream = g_strdup(json_text_at(output, "logStreams[0].logStreamName"));
    return log->stream || error_set(error, ERROR_NOT_FOUND, "%s %s has not written a log yet",
                                    own ? "the endpoint" : "the job", name);
}

static void print_event(const json_t *event, bool as_json)
{
    if (as_json) {
        g_autofree char *text = json_text_of(event);
        puts(text);
        return;
    }
    g_autofree char *time = clock_iso((double)json_integer_at(event, "timestamp", 0) / 1000);
    printf("%s %s\n", time, json_text_at(event, "message"));
}

/* What has come to one of its logs since the token, which moves behind it. A log that is not there
 * has nothing. */
static json_t *read_events(struct log *log, int which, GError **error)
{
    g_autoptr(json_auto) request =
        json_pack("{sssssbss*}", "logGroupName", log->groups[which], "logStreamName", log->stream,
                  "startFromHead", 1, "nextToken", log->tokens[which]);
    g_autoptr(json_auto) output = cli_ask("logs", "GetLogEvents", request, which ? NULL : error);
    const char *next = json_text_at(output, "nextForwardToken");
    if (next) {
        g_free(log->tokens[which]);
        log->tokens[which] = g_strdup(next);
    }
    return json_incref(json_object_get(output, "events"));
}

static gint64 time_of(const json_t *events, size_t i)
{
    const json_t *event = json_array_get(events, i);
    return event ? json_integer_at(event, "timestamp", 0) : G_MAXINT64;
}

/* Prints what has come to its logs, by its time; whether there was any. */
static bool print_events(struct log *log, bool as_json, GError **error)
{
    g_autoptr(json_auto) output = read_events(log, 0, error);
    g_autoptr(json_auto) errors = log->groups[1] ? read_events(log, 1, error) : NULL;
    size_t i = 0, j = 0, all = json_array_size(output) + json_array_size(errors);
    while (i + j < all) {
        bool is_output = time_of(output, i) <= time_of(errors, j);
        print_event(is_output ? json_array_get(output, i++) : json_array_get(errors, j++), as_json);
    }
    fflush(stdout);
    return all > 0;
}

/* What is no job goes on while it is there. */
static bool has_ended(const struct log *log)
{
    const struct kind *kind = log->kind;
    g_autoptr(json_auto) output = cli_ask_job(kind, kind->describe, log->name, NULL);
    const char *status = json_text_at(output, kind->status);
    return !status || (!kind->own_log_group && kind_outcome(kind, status) != KIND_GOES_ON);
}

int cli_logs(int argc, char **argv)
{
    gboolean follow = FALSE, as_json = FALSE;
    const GOptionEntry options[] = {
        {"follow", 'f', 0, G_OPTION_ARG_NONE, &follow, NULL, NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, NULL, NULL},
        {0},
    };
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (argc != 2) {
        fprintf(stderr, "lathe logs: the name of a job or an endpoint is needed\n");
        return CLI_USAGE;
    }
    GError *error = NULL;
    struct log log = {0};
    bool ended = !follow, found = find_log(&log, argv[1], &error);
    while (found) {
        bool more = print_events(&log, as_json, &error);
        if (error || (ended && !more))
            break;
        if (!more) {
            g_usleep(300000);
            ended = has_ended(&log);
        }
    }
    log_clear(&log);
    return error ? cli_error(error) : CLI_OK;
}
