/* `lathe tune`: a tuning job from a file, run to its end: in the server that has the home, or in
 * this process where there is none. */
#include "cli/tune.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/id.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "cli/run.h"
#include "cli/server.h"
#include "flow/tuning/tuning.h"

#define ROLE "arn:aws:iam::000000000000:role/lathe"
enum { NAME_DIGITS = 6, LONGEST_NAME = 32, PAGE = 100, DAY = 86400 };

struct tune_run {
    char *file, *folder, *name, *bucket;
    bool as_json;
    json_t *request;
    int signals, changes; /* as run_wait_for_change takes them */
};

/* ---- the request ---- */

/* The file's name, and letters that make it another each time. */
static char *choose_name(const char *file)
{
    g_autofree char *stem = run_name_of(file);
    g_autofree char *random = id_hex(NAME_DIGITS);
    if (strlen(stem) > LONGEST_NAME - NAME_DIGITS - 1)
        stem[LONGEST_NAME - NAME_DIGITS - 1] = '\0';
    return g_strdup_printf("%s-%s", stem, random);
}

/* value is taken. */
static void fill_in(json_t *object, const char *member, json_t *value)
{
    if (json_object_get(object, member))
        json_decref(value);
    else
        json_object_set_new(object, member, value);
}

static void complete_definition(const struct tune_run *run, json_t *definition)
{
    fill_in(definition, "RoleArn", json_string(ROLE));
    fill_in(definition, "OutputDataConfig",
            json_pack("{so}", "S3OutputPath", json_sprintf("s3://%s/models", run->bucket)));
    fill_in(definition, "StoppingCondition", json_pack("{si}", "MaxRuntimeInSeconds", DAY));
    if (!json_object_get(definition, "HyperParameterTuningResourceConfig"))
        fill_in(definition, "ResourceConfig",
                json_pack("{sssisi}", "InstanceType", "ml.m5.large", "InstanceCount", 1,
                          "VolumeSizeInGB", 1));
}

static bool read_request(struct tune_run *run, GError **error)
{
    g_autofree char *text = NULL;
    gsize size;
    if (!g_file_get_contents(run->file, &text, &size, error))
        return false;
    run->request = yaml_parse(text, size, run->file, error);
    if (!run->request)
        return false;
    const char *given = json_text_at(run->request, "HyperParameterTuningJobName");
    if (!run->name)
        run->name = given ? g_strdup(given) : choose_name(run->file);
    return json_is_object(run->request) || error_set(error, ERROR_VALIDATION,
                                                     "%s: an object is expected, the request of "
                                                     "CreateHyperParameterTuningJob",
                                                     run->file);
}

static bool start(struct tune_run *run, GError **error)
{
    size_t i;
    json_t *definition;
    g_autofree char *stem = run_name_of(run->file);
    run->bucket = run_default_bucket(stem);
    run_make_bucket(run->bucket);
    if (!run_upload_files(&run->request, run->folder, run->bucket, error))
        return false;
    json_object_set_new(run->request, "HyperParameterTuningJobName", json_string(run->name));
    json_array_foreach(json_object_get(run->request, "TrainingJobDefinitions"), i, definition)
        complete_definition(run, definition);
    definition = json_object_get(run->request, "TrainingJobDefinition");
    if (definition)
        complete_definition(run, definition);
    g_autoptr(json_auto) reply =
        cli_ask("sagemaker", "CreateHyperParameterTuningJob", run->request, error);
    return reply != NULL;
}

/* ---- following ---- */

static json_t *ask_by_name(const struct tune_run *run, const char *operation, GError **error)
{
    g_autoptr(json_auto) request = json_pack("{ss}", "HyperParameterTuningJobName", run->name);
    return cli_ask("sagemaker", operation, request, error);
}

/* All trials so far, oldest first. */
static json_t *list_trials(const struct tune_run *run, GError **error)
{
    g_autoptr(json_auto) all = json_array();
    g_autofree char *token = NULL;
    do {
        g_autoptr(json_auto) request =
            json_pack("{sssssiss*}", "HyperParameterTuningJobName", run->name, "SortBy",
                      "CreationTime", "MaxResults", PAGE, "NextToken", token);
        g_autoptr(json_auto) page =
            cli_ask("sagemaker", "ListTrainingJobsForHyperParameterTuningJob", request, error);
        if (!page)
            return NULL;
        json_array_extend(all, json_object_get(page, "TrainingJobSummaries"));
        g_free(token);
        token = g_strdup(json_text_at(page, "NextToken"));
    } while (token);
    return g_steal_pointer(&all);
}

static bool goes_on(const json_t *job)
{
    const char *status = json_text_at(job, "HyperParameterTuningJobStatus");
    return g_strcmp0(status, "InProgress") == 0 || g_strcmp0(status, "Stopping") == 0;
}

/* Ctrl-C stops the tuning job; its end is still waited for. */
static bool stop(const struct tune_run *run, GError **error)
{
    struct signalfd_siginfo taken;
    if (read(run->signals, &taken, sizeof taken) < 0)
        return error_set_errno(error, errno, "taking a signal");
    g_autoptr(json_auto) reply = ask_by_name(run, "StopHyperParameterTuningJob", error);
    fprintf(stderr, "lathe: stopping the tuning job\n");
    return reply != NULL;
}

static void print_best(const json_t *job)
{
    const json_t *best = json_object_get(job, "BestTrainingJob");
    const char *reason = json_text_at(job, "FailureReason");
    const char *name, *metric = "FinalHyperParameterTuningJobObjectiveMetric";
    json_t *value;
    printf("%s: %s\n", json_text_at(job, "HyperParameterTuningJobName"),
           json_text_at(job, "HyperParameterTuningJobStatus"));
    if (reason)
        printf("%s\n", reason);
    if (!best)
        return;
    const json_t *objective = json_object_get(best, metric);
    printf("best: %s with %s %.6g\n", json_text_at(best, "TrainingJobName"),
           json_text_at(objective, "MetricName"), json_number_at(objective, "Value", 0));
    json_object_foreach(json_object_get(best, "TunedHyperParameters"), name, value)
        printf("  %s: %s\n", name, json_string_value(value));
}

static int tell_end(const struct tune_run *run, json_t *job, json_t *trials)
{
    const char *status = json_text_at(job, "HyperParameterTuningJobStatus");
    if (run->as_json) {
        json_object_set(job, "TrainingJobSummaries", trials);
        json_dumpf(job, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_best(job);
    }
    return g_strcmp0(status, "Completed") == 0 ? CLI_OK : CLI_FAILED;
}

static int follow(const struct tune_run *run)
{
    struct tune_view *view = tune_view_new(run->as_json);
    GError *error = NULL;
    int code = CLI_FAILED;
    for (;;) {
        /* The status first: what it says is final is in the trials that are asked for next. */
        g_autoptr(json_auto) job = ask_by_name(run, "DescribeHyperParameterTuningJob", &error);
        g_autoptr(json_auto) trials = job ? list_trials(run, &error) : NULL;
        if (!trials)
            break;
        tune_view_update(view, job, trials);
        if (!goes_on(job)) {
            code = tell_end(run, job, trials);
            break;
        }
        if (run_wait_for_change(run->signals, run->changes) && !stop(run, &error))
            break;
    }
    tune_view_free(view);
    return error ? cli_error(error) : code;
}

/* ---- the verb ---- */

static int tune(struct tune_run *run)
{
    GError *error = NULL;
    struct server *server = NULL;
    sigset_t signals;
    server_block_signals(&signals);
    run->signals = signalfd(-1, &signals, SFD_CLOEXEC);
    bool started = read_request(run, &error) &&
                   run_find_server(NULL, TUNING_JOB, &server, &run->changes, &error) &&
                   start(run, &error);
    int code = started ? follow(run) : cli_error(error);
    server_close(server);
    close(run->signals);
    return code;
}

int cli_tune(int argc, char **argv)
{
    struct tune_run run = {.signals = -1, .changes = -1};
    gboolean as_json = FALSE;
    const GOptionEntry options[] = {
        {"name", 0, 0, G_OPTION_ARG_STRING, &run.name, NULL, NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, NULL, NULL},
        {0},
    };
    int code = CLI_USAGE;
    if (!cli_options(&argc, &argv, options)) {
        code = CLI_USAGE;
    } else if (argc != 2) {
        fprintf(stderr, "lathe tune: a file with a tuning job is needed\n");
    } else {
        run.file = argv[1];
        run.folder = g_path_get_dirname(run.file);
        run.as_json = as_json;
        code = tune(&run);
    }
    g_free(run.folder);
    g_free(run.name);
    g_free(run.bucket);
    json_decref(run.request);
    return code;
}
