/* The verbs that work on a job's folder: what jobs' child processes execute, and users by hand. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "runtime/evaluate_job.h"
#include "runtime/features_job.h"
#include "train/xgboost_job.h"

static bool has_folder(int *argc, char ***argv)
{
    if (!cli_options(argc, argv, NULL))
        return false;
    if (*argc == 2)
        return true;
    fprintf(stderr, "lathe %s: a folder in the /opt/ml layout is needed\n", (*argv)[0]);
    return false;
}

int cli_train(int argc, char **argv)
{
    const char *report = g_getenv("LATHE_REPORT_FD");
    if (!has_folder(&argc, &argv))
        return CLI_USAGE;
    return train_main(argv[1], report ? atoi(report) : -1);
}

int cli_features(int argc, char **argv)
{
    return has_folder(&argc, &argv) ? features_main(argv[1]) : CLI_USAGE;
}

int cli_evaluate(int argc, char **argv)
{
    return has_folder(&argc, &argv) ? evaluate_main(argv[1]) : CLI_USAGE;
}
