/* The verb that a process for partition keys is started with: what it says and hears goes over its
 * descriptor 3 (worker/serve.h). */
#include "stream/extract.h"
#include "cli/cli.h"

int cli_extract(int argc, char **argv)
{
    return cli_options(&argc, &argv, NULL) ? extract_serve() : CLI_USAGE;
}
