/* What came of an execution, in a few lines. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/s3_uri.h"
#include "cli/cli.h"
#include "cli/run.h"
#include "flow/pipeline/expression.h"
#include "service/home.h"
#include "wire/local.h"

static bool succeeded(const json_t *step)
{
    return g_strcmp0(json_text_at(step, "StepStatus"), "Succeeded") == 0;
}

/* What the step's job is described as, whichever kind it is of; NULL where it has none. */
static json_t *describe_job(const json_t *step)
{
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++) {
        const char *job = kind->log_group ? run_job_name(step, kind->step_metadata) : NULL;
        if (job)
            return cli_ask_job(kind, kind->describe, job, NULL);
    }
    return NULL;
}

static void print_metrics(const char *name, const json_t *job)
{
    const json_t *metrics = json_object_get(job, "FinalMetricDataList");
    size_t i;
    const json_t *metric;
    if (json_array_size(metrics))
        printf("%s:", name);
    json_array_foreach((json_t *)metrics, i, metric)
        printf("%s %s %.6g", i ? "," : "", json_text_at(metric, "MetricName"),
               json_number_at(metric, "Value", 0));
    if (json_array_size(metrics))
        putchar('\n');
}

/* A report in Model Monitor's form: groups of metrics, each with a value. */
static void print_report(const char *name, const json_t *report)
{
    const char *group, *metric;
    json_t *metrics, *entry;
    json_object_foreach((json_t *)report, group, metrics)
    {
        const char *separator = "";
        json_object_foreach(metrics, metric, entry)
        {
            const json_t *value = json_object_get(entry, "value");
            if (!json_is_number(value))
                continue;
            if (!*separator)
                printf("%s:", name);
            printf("%s %s %.6g", separator, metric, json_number_value(value));
            separator = ",";
        }
        if (*separator)
            putchar('\n');
    }
}

static json_t *read_object(const char *uri)
{
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    if (!s3_uri_parse(uri, &bucket, &key, NULL))
        return NULL;
    g_autoptr(json_auto) request = json_pack("{ssss}", "Bucket", bucket, "Key", key);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(json_auto) reply =
        local_call(cli_home(), "s3", "GetObject", request, NULL, &bytes, NULL);
    gsize size = 0;
    const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    return text ? json_parse(text, size, uri, NULL) : NULL;
}

/* The files that its definition says are for others to read numbers from. */
static void print_reports(const struct definition_step *definition, const json_t *job)
{
    const json_t *files = json_object_get(definition->json, "PropertyFiles");
    size_t i;
    const json_t *file;
    json_array_foreach((json_t *)files, i, file)
    {
        g_autofree char *path =
            g_strdup_printf("ProcessingOutputConfig.Outputs['%s'].S3Output.S3Uri",
                            json_text_at(file, "OutputName"));
        const char *folder = json_string_value(expression_path(job, path));
        if (!folder)
            continue;
        g_autofree char *uri = g_strconcat(folder, g_str_has_suffix(folder, "/") ? "" : "/",
                                           json_text_at(file, "FilePath"), NULL);
        g_autoptr(json_auto) report = read_object(uri);
        print_report(definition->name, report);
    }
}

/* An ARN has its name in lower case; the list knows how it is written. */
static char *endpoint_name(const char *arn)
{
    const char *lower = strrchr(arn, '/') + 1;
    g_autoptr(json_auto) request = json_pack("{ss}", "NameContains", lower);
    g_autoptr(json_auto) list = cli_ask("sagemaker", "ListEndpoints", request, NULL);
    size_t i;
    const json_t *endpoint;
    json_array_foreach(json_object_get(list, "Endpoints"), i, endpoint)
    {
        if (g_strcmp0(json_text_at(endpoint, "EndpointArn"), arn) == 0)
            return g_strdup(json_text_at(endpoint, "EndpointName"));
    }
    return g_strdup(lower);
}

static void print_endpoint(const char *arn)
{
    g_autoptr(json_auto) ask = json_pack("{sb}", "About", 1);
    g_autoptr(json_auto) about = local_ask(cli_home(), ask, NULL);
    const char *url = json_text_at(about, "Output.Url");
    g_autofree char *name = endpoint_name(arn);
    printf("endpoint %s is in service%s:\n", name, url ? "" : " while `lathe serve` runs");
    printf("  curl -H 'Content-Type: text/csv' --data-binary @rows.csv \\\n"
           "       %s/endpoints/%s/invocations\n",
           url ? url : "http://" CLI_LISTEN, name);
}

void run_print_summary(const struct definition *definition, const json_t *execution,
                       const json_t *steps)
{
    const char *reason = json_text_at(execution, "FailureReason");
    putchar('\n');
    for (guint i = 0; i < definition->steps->len; i++) {
        const struct definition_step *one = g_ptr_array_index(definition->steps, i);
        const json_t *step = run_step(steps, one->name);
        const char *outcome = json_text_at(step, "Metadata.Condition.Outcome");
        const char *package = json_text_at(step, "Metadata.RegisterModel.Arn");
        const char *endpoint = json_text_at(step, "Metadata.Endpoint.Arn");
        if (!succeeded(step))
            continue;
        g_autoptr(json_auto) job = describe_job(step);
        print_metrics(one->name, job);
        print_reports(one, job);
        if (outcome)
            printf("%s: %s\n", one->name,
                   strcmp(outcome, "True") == 0 ? "the condition holds"
                                                : "the condition does not hold");
        if (package)
            printf("%s: registered as %s\n", one->name, package);
        if (endpoint)
            print_endpoint(endpoint);
    }
    printf("%s after %.1f s\n", json_text_at(execution, "PipelineExecutionStatus"),
           json_number_at(execution, "LastModifiedTime", 0) -
               json_number_at(execution, "CreationTime", 0));
    if (reason)
        printf("%s\n", reason);
    fflush(stdout);
}
