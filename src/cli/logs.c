#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"

static char *find_stream(const char *group, const char *job, GError **error)
{
    g_autoptr(json_auto) request =
        json_pack("{ssso}", "logGroupName", group, "logStreamNamePrefix", json_sprintf("%s/", job));
    g_autoptr(json_auto) output = cli_ask("logs", "DescribeLogStreams", request, NULL);
    const char *name = json_text_at(output, "logStreams[0].logStreamName");
    if (!name)
        error_set(error, ERROR_NOT_FOUND, "the job %s has not written a log yet", job);
    return g_strdup(name);
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

/* Prints what has come since the token; the next token. */
static char *print_events(const char *group, const char *stream, const char *token, bool as_json,
                          GError **error)
{
    g_autoptr(json_auto) request = json_pack("{sssssbss*}", "logGroupName", group, "logStreamName",
                                             stream, "startFromHead", 1, "nextToken", token);
    g_autoptr(json_auto) output = cli_ask("logs", "GetLogEvents", request, error);
    size_t i;
    const json_t *event;
    json_array_foreach(json_object_get(output, "events"), i, event) print_event(event, as_json);
    fflush(stdout);
    return g_strdup(json_text_at(output, "nextForwardToken"));
}

static bool has_ended(const struct kind *kind, const char *job)
{
    g_autoptr(json_auto) output = cli_ask_job(kind, kind->describe, job, NULL);
    const char *status = json_text_at(output, kind->status);
    return !status || kind_outcome(kind, status) != KIND_GOES_ON;
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
        fprintf(stderr, "lathe logs: the name of a job is needed\n");
        return CLI_USAGE;
    }
    GError *error = NULL;
    const struct kind *kind = cli_find_job(argv[1], &error);
    g_autofree char *stream = kind ? find_stream(kind->log_group, argv[1], &error) : NULL;
    g_autofree char *token = NULL;
    bool ended = !follow;
    while (stream) {
        char *next = print_events(kind->log_group, stream, token, as_json, &error);
        bool more = next && g_strcmp0(next, token) != 0;
        g_free(token);
        token = next;
        if (error || (ended && !more))
            break;
        if (!more) {
            g_usleep(300000);
            ended = has_ended(kind, argv[1]);
        }
    }
    return error ? cli_error(error) : CLI_OK;
}
