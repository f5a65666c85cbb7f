#include <stdio.h>

#include "base/error.h"
#include "cli/cli.h"
#include "wire/local.h"

static int stop_job(const char *name)
{
    GError *error = NULL;
    const struct kind *kind = cli_find_job(name, &error);
    g_autoptr(json_auto) output = kind ? cli_ask_job(kind, kind->stop, name, &error) : NULL;
    return output ? CLI_OK : cli_error(error);
}

/* Returns when the server has let go of its home, so that a script may start the next one. */
static int stop_server(void)
{
    GError *error = NULL;
    g_autoptr(json_auto) stop = json_pack("{sb}", "Stop", 1);
    g_autoptr(json_auto) reply = local_ask(cli_home(), stop, &error);
    if (!reply)
        return cli_error(error);
    g_autoptr(json_auto) ask = json_pack("{sb}", "About", 1);
    for (int i = 0; i < 300; i++) {
        g_autoptr(json_auto) still = local_ask(cli_home(), ask, NULL);
        if (!still)
            return CLI_OK;
        g_usleep(100000);
    }
    fprintf(stderr, "lathe: the server is still finishing its requests\n");
    return CLI_FAILED;
}

int cli_stop(int argc, char **argv)
{
    if (!cli_options(&argc, &argv, NULL))
        return CLI_USAGE;
    return argc > 1 ? stop_job(argv[1]) : stop_server();
}
