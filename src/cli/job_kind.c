#include "base/error.h"
#include "cli/cli.h"

static const struct cli_job_kind kinds[] = {
    {"/aws/sagemaker/TrainingJobs", "DescribeTrainingJob", "StopTrainingJob", "TrainingJobName",
     "TrainingJobStatus"},
    {"/aws/sagemaker/ProcessingJobs", "DescribeProcessingJob", "StopProcessingJob",
     "ProcessingJobName", "ProcessingJobStatus"},
};

json_t *cli_ask_job(const struct cli_job_kind *kind, const char *operation, const char *name,
                    GError **error)
{
    g_autoptr(json_auto) request = json_pack("{ss}", kind->name_member, name);
    return cli_ask("sagemaker", operation, request, error);
}

const struct cli_job_kind *cli_find_job(const char *name, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GError) cause = NULL;
        g_autoptr(json_auto) found = cli_ask_job(&kinds[i], kinds[i].describe, name, &cause);
        if (found)
            return &kinds[i];
        if (g_error_matches(cause, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return NULL;
        }
    }
    error_set(error, ERROR_NOT_FOUND, "there is no job named %s", name);
    return NULL;
}
