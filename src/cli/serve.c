#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/server.h"

int cli_serve(int argc, char **argv)
{
    g_autofree char *listen = NULL;
    g_autofree char *proxy = NULL;
    g_autofree char *configuration = NULL;
    double lifecycle_day = 0;
    gboolean no_tunnels = FALSE, test_clock = FALSE;
    const GOptionEntry options[] = {
        {"listen", 0, 0, G_OPTION_ARG_STRING, &listen, NULL, NULL},
        {"proxy", 0, 0, G_OPTION_ARG_STRING, &proxy, NULL, NULL},
        {"no-tunnels", 0, 0, G_OPTION_ARG_NONE, &no_tunnels, NULL, NULL},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &configuration, NULL, NULL},
        /* For tests: POST /_lathe/clock/SECONDS moves the clock on. */
        {"test-clock", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &test_clock, NULL, NULL},
        /* For tests of lifecycles that wait for the wall's clock: the seconds of a day. */
        {"lifecycle-day", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_DOUBLE, &lifecycle_day, NULL, NULL},
        {0},
    };
    GError *error = NULL;
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (!listen)
        listen = g_strdup(CLI_LISTEN);
    if (!server_check_listen("--listen", listen, &error) ||
        (proxy && strcmp(proxy, "off") != 0 && !server_check_listen("--proxy", proxy, &error))) {
        cli_error(error);
        return CLI_USAGE;
    }
    const struct server_options asked = {listen, configuration, proxy, no_tunnels, test_clock};
    struct server *server = server_open(&asked, &error);
    if (!server)
        return cli_error(error);
    if (lifecycle_day > 0)
        server_shorten_days(server, lifecycle_day);
    printf("lathe listens on %s\n", server_url(server));
    fflush(stdout);
    server_wait(server);
    server_close(server);
    return CLI_OK;
}
