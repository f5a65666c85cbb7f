/* `lathe run`: a workflow from a file, run to its end: in the server that has the home, or in this
 * process where there is none. Both ways go through the local door. */
#include "cli/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/id.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "cli/server.h"
#include "flow/pipeline/pipeline.h"
#include "service/home.h"
#include "wire/local.h"

#define ROLE "arn:aws:iam::000000000000:role/lathe"
/* How often the execution is looked at: where the server is another process, and where it is this
 * one, which tells of each change, for what the view shows between them. */
#define LOOK_MILLISECONDS 20
#define FRAME_MILLISECONDS 100
#define TOKEN_DIGITS 32

struct workflow_run {
    char *file, *folder;
    char *pipeline; /* its name */
    char *bucket;   /* where its local files go */
    char **parameters;
    bool as_json;
    json_t *json; /* the definition */
    struct definition *definition;
    char *arn; /* of the execution */

    int signals; /* a signalfd of Ctrl-C and its like */
    int changes; /* readable where an execution has changed; -1: the server is another process */
};

/* ---- the definition ---- */

char *run_name_of(const char *file)
{
    g_autofree char *path = g_canonicalize_filename(file, NULL);
    g_autofree char *name = g_path_get_basename(path);
    char *dot = strrchr(name, '.');
    if (dot && dot > name)
        *dot = '\0';
    if (strcmp(name, "pipeline") == 0 || strcmp(name, "workflow") == 0) {
        g_autofree char *folder = g_path_get_dirname(path);
        g_free(name);
        name = g_path_get_basename(folder);
    }
    g_strcanon(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-", '-');
    const char *first = name + strspn(name, "-");
    size_t length = strlen(first);
    while (length && first[length - 1] == '-')
        length--;
    return length ? g_strndup(first, length) : g_strdup("pipeline");
}

static bool read_file(struct workflow_run *run, GError **error)
{
    g_autofree char *text = NULL;
    gsize size;
    if (!g_file_get_contents(run->file, &text, &size, error))
        return false;
    run->json = yaml_parse(text, size, run->file, error);
    return run->json != NULL;
}

/* The value of the parameter Bucket, as given or by default: a workflow names its bucket there
 * once, for its files and for itself. NULL: it has none of its own. */
static const char *named_bucket(const struct workflow_run *run)
{
    for (char **given = run->parameters; given && *given; given++)
        if (g_str_has_prefix(*given, "Bucket="))
            return *given + strlen("Bucket=");
    size_t i;
    const json_t *parameter;
    json_array_foreach(json_object_get(run->json, "Parameters"), i, parameter)
    {
        if (g_strcmp0(json_text_at(parameter, "Name"), "Bucket") == 0)
            return json_text_at(parameter, "DefaultValue");
    }
    return NULL;
}

static void find_bucket(struct workflow_run *run)
{
    const char *named = named_bucket(run);
    run->bucket = named ? g_strdup(named) : run_default_bucket(run->pipeline);
    if (named)
        run_make_bucket(named);
}

/* Uploads the local files it names; what is left is what the server sees. */
static bool complete_definition(struct workflow_run *run, GError **error)
{
    if (!run_upload_files(&run->json, run->folder, run->bucket, error))
        return false;
    g_autofree char *text = json_text_of(run->json);
    run->definition = definition_parse(text, services, error);
    if (!run->definition)
        g_prefix_error(error, "%s: ", run->file);
    return run->definition != NULL;
}

static json_t *read_parameters(const struct workflow_run *run, GError **error)
{
    g_autoptr(json_auto) list = json_array();
    for (char **given = run->parameters; given && *given; given++) {
        const char *equals = strchr(*given, '=');
        if (!equals) {
            error_set(error, ERROR_VALIDATION, "-p %s: Name=Value is expected", *given);
            return NULL;
        }
        json_t *value = json_string(equals + 1);
        /* Paths on the command line are relative to where it is typed. */
        bool uploaded = run_upload_files(&value, NULL, run->bucket, error);
        json_array_append_new(
            list, json_pack("{ss%so}", "Name", *given, (size_t)(equals - *given), "Value", value));
        if (!uploaded)
            return NULL;
    }
    return g_steal_pointer(&list);
}

/* ---- starting ---- */

/* Creates the pipeline, or updates one that was there with another definition. */
static bool put_pipeline(const struct workflow_run *run, GError **error)
{
    g_autofree char *text = json_text_of(run->json);
    g_autofree char *token = id_hex(TOKEN_DIGITS);
    g_autoptr(json_auto) name = json_pack("{ss}", "PipelineName", run->pipeline);
    g_autoptr(json_auto) present = cli_ask("sagemaker", "DescribePipeline", name, NULL);
    if (present && g_strcmp0(json_text_at(present, "PipelineDefinition"), text) == 0)
        return true;
    g_autoptr(json_auto) request = json_pack("{ssssss}", "PipelineName", run->pipeline,
                                             "PipelineDefinition", text, "RoleArn", ROLE);
    if (!present)
        json_put(request, "ClientRequestToken", json_string(token));
    g_autoptr(json_auto) reply =
        cli_ask("sagemaker", present ? "UpdatePipeline" : "CreatePipeline", request, error);
    return reply != NULL;
}

static bool start(struct workflow_run *run, GError **error)
{
    find_bucket(run);
    g_autofree char *token = id_hex(TOKEN_DIGITS);
    g_autoptr(json_auto) parameters = read_parameters(run, error);
    if (!parameters || !complete_definition(run, error) || !put_pipeline(run, error))
        return false;
    g_autoptr(json_auto) request =
        json_pack("{sssssO}", "PipelineName", run->pipeline, "ClientRequestToken", token,
                  "PipelineParameters", parameters);
    g_autoptr(json_auto) reply = cli_ask("sagemaker", "StartPipelineExecution", request, error);
    run->arn = g_strdup(json_text_at(reply, "PipelineExecutionArn"));
    return run->arn != NULL;
}

/* ---- following ---- */

static json_t *describe(const struct workflow_run *run, GError **error)
{
    g_autoptr(json_auto) request = json_pack("{ss}", "PipelineExecutionArn", run->arn);
    return cli_ask("sagemaker", "DescribePipelineExecution", request, error);
}

/* All steps begun so far, oldest first. */
static json_t *list_steps(const struct workflow_run *run, GError **error)
{
    g_autoptr(json_auto) all = json_array();
    g_autofree char *token = NULL;
    do {
        g_autoptr(json_auto) request = json_pack("{ssssss*}", "PipelineExecutionArn", run->arn,
                                                 "SortOrder", "Ascending", "NextToken", token);
        g_autoptr(json_auto) page =
            cli_ask("sagemaker", "ListPipelineExecutionSteps", request, error);
        if (!page)
            return NULL;
        json_array_extend(all, json_object_get(page, "PipelineExecutionSteps"));
        g_free(token);
        token = g_strdup(json_text_at(page, "NextToken"));
    } while (token);
    return g_steal_pointer(&all);
}

static bool is_under_way(const json_t *execution)
{
    const char *status = json_text_at(execution, "PipelineExecutionStatus");
    return g_strcmp0(status, "Executing") == 0 || g_strcmp0(status, "Stopping") == 0;
}

/* Ctrl-C stops the execution; its end is still waited for. */
static bool stop(const struct workflow_run *run, GError **error)
{
    struct signalfd_siginfo taken;
    if (read(run->signals, &taken, sizeof taken) < 0)
        return error_set_errno(error, errno, "taking a signal");
    g_autofree char *token = id_hex(TOKEN_DIGITS);
    g_autoptr(json_auto) request =
        json_pack("{ssss}", "PipelineExecutionArn", run->arn, "ClientRequestToken", token);
    g_autoptr(json_auto) reply = cli_ask("sagemaker", "StopPipelineExecution", request, error);
    fprintf(stderr, "lathe: stopping the execution\n");
    return reply != NULL;
}

bool run_wait_for_change(int signals, int changes)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = changes, .events = POLLIN}};
    eventfd_t ignored;
    poll(fds, G_N_ELEMENTS(fds), changes < 0 ? LOOK_MILLISECONDS : FRAME_MILLISECONDS);
    if (fds[1].revents)
        eventfd_read(changes, &ignored);
    return fds[0].revents != 0;
}

static int end_code(const json_t *execution)
{
    const char *status = json_text_at(execution, "PipelineExecutionStatus");
    return g_strcmp0(status, "Succeeded") == 0 ? CLI_OK : CLI_FAILED;
}

static int tell_end(const struct workflow_run *run, json_t *execution, json_t *steps)
{
    if (run->as_json) {
        json_object_set(execution, "PipelineExecutionSteps", steps);
        json_dumpf(execution, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        run_print_summary(run->definition, execution, steps);
    }
    return end_code(execution);
}

static int follow(const struct workflow_run *run)
{
    struct run_view *view = run_view_new(run->definition, run->as_json);
    GError *error = NULL;
    int code = CLI_FAILED;
    for (;;) {
        /* The status first: what it says is final is in the steps that are asked for next. */
        g_autoptr(json_auto) execution = describe(run, &error);
        g_autoptr(json_auto) steps = execution ? list_steps(run, &error) : NULL;
        if (!steps)
            break;
        run_view_update(view, steps, !is_under_way(execution));
        if (!is_under_way(execution)) {
            code = tell_end(run, execution, steps);
            break;
        }
        if (run_wait_for_change(run->signals, run->changes) && !stop(run, &error))
            break;
    }
    run_view_free(view);
    return error ? cli_error(error) : code;
}

/* ---- the verb ---- */

static bool is_served(void)
{
    g_autoptr(json_auto) ask = json_pack("{sb}", "About", 1);
    g_autoptr(json_auto) about = local_ask(cli_home(), ask, NULL);
    return about != NULL;
}

bool run_find_server(const char *listen, const char *kind, struct server **server, int *changes,
                     GError **error)
{
    if (is_served())
        return !listen || error_set(error, ERROR_IN_USE,
                                    "--serve: %s is served already; run without --serve to use "
                                    "that server",
                                    cli_home());
    const struct server_options options = {.listen = listen};
    *server = server_open(&options, error);
    if (*server)
        *changes = server_changes(*server, kind, error);
    return *changes >= 0;
}

static int run_workflow(struct workflow_run *run, const char *listen)
{
    GError *error = NULL;
    struct server *server = NULL;
    sigset_t signals;
    server_block_signals(&signals);
    run->signals = signalfd(-1, &signals, SFD_CLOEXEC);
    bool started = read_file(run, &error) &&
                   run_find_server(listen, PIPELINE_EXECUTION, &server, &run->changes, &error) &&
                   start(run, &error);
    int code = started ? follow(run) : cli_error(error);
    if (server && listen && code == CLI_OK) {
        printf("lathe listens on %s\n", server_url(server));
        fflush(stdout);
        server_wait(server);
    }
    server_close(server);
    close(run->signals);
    return code;
}

int cli_run(int argc, char **argv)
{
    struct workflow_run run = {.signals = -1, .changes = -1};
    gboolean as_json = FALSE, serve = FALSE;
    g_autofree char *listen = NULL;
    const GOptionEntry options[] = {
        {"parameter", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &run.parameters, NULL, NULL},
        {"name", 0, 0, G_OPTION_ARG_STRING, &run.pipeline, NULL, NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, NULL, NULL},
        {"serve", 0, 0, G_OPTION_ARG_NONE, &serve, NULL, NULL},
        {"listen", 0, 0, G_OPTION_ARG_STRING, &listen, NULL, NULL},
        {0},
    };
    int code = CLI_USAGE;
    if (!cli_options(&argc, &argv, options)) {
        code = CLI_USAGE;
    } else if (argc != 2) {
        fprintf(stderr, "lathe run: a file with a pipeline definition is needed\n");
    } else {
        run.file = argv[1];
        run.folder = g_path_get_dirname(run.file);
        run.as_json = as_json;
        if (!run.pipeline)
            run.pipeline = run_name_of(run.file);
        if (serve && !listen)
            listen = g_strdup(CLI_LISTEN);
        code = run_workflow(&run, listen);
    }
    g_strfreev(run.parameters);
    g_free(run.folder);
    g_free(run.pipeline);
    g_free(run.bucket);
    g_free(run.arn);
    json_decref(run.json);
    definition_free(run.definition);
    return code;
}
