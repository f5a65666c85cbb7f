#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "train/xgboost_job.h"

int cli_train(int argc, char **argv)
{
    if (!cli_options(&argc, &argv, NULL))
        return CLI_USAGE;
    if (argc != 2) {
        fprintf(stderr, "lathe train: a folder in the /opt/ml layout is needed\n");
        return CLI_USAGE;
    }
    const char *report = g_getenv("LATHE_REPORT_FD");
    return train_main(argv[1], report ? atoi(report) : -1);
}
