#include <stdio.h>

#include "cli/cli.h"
#include "sample/sample.h"

static int list_samples(void)
{
    const struct sample_info *info;
    for (size_t i = 0; (info = sample_list(i)); i++)
        printf("  %-10s%s\n", info->name, info->summary);
    return CLI_OK;
}

int cli_sample(int argc, char **argv)
{
    gint64 rows = 10000, seed = 1;
    const GOptionEntry options[] = {
        {"rows", 0, 0, G_OPTION_ARG_INT64, &rows, NULL, NULL},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, NULL, NULL},
        {0},
    };
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (argc == 1)
        return list_samples();
    if (argc > 2 || rows < 0) {
        fprintf(stderr, "lathe sample: one NAME and --rows of at least 0 are needed\n");
        return CLI_USAGE;
    }
    struct lathe_error error;
    if (sample_write(argv[1], (size_t)rows, (uint64_t)seed, stdout, &error))
        return CLI_OK;
    fprintf(stderr, "lathe: %s\n", error.message);
    return CLI_FAILED;
}
