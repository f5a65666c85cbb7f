/* The verb that a process of the SQL engine is started with: what it says and hears goes over its
 * descriptor 3 (worker/serve.h). */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "table/engine.h"

int cli_engine(int argc, char **argv)
{
    if (!cli_options(&argc, &argv, NULL))
        return CLI_USAGE;
    if (argc != 4) {
        fprintf(stderr, "lathe engine: a folder, bytes of memory and a number of threads are "
                        "needed\n");
        return CLI_USAGE;
    }
    return engine_serve(argv[1], (size_t)g_ascii_strtoull(argv[2], NULL, 10),
                        (unsigned)atoi(argv[3]));
}
