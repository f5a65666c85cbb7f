#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "service/lathe.h"
#include "wire/dispatch.h"
#include "wire/http.h"
#include "wire/local.h"

#define DEFAULT_LISTEN "127.0.0.1:4566"
#define DEFAULT_ACCOUNT "000000000000"
#define STOP_SECONDS 10

/* "127.0.0.1:4566", "localhost:0", ":8080" or "8080". */
static bool parse_listen(const char *listen, char **address, unsigned *port, GError **error)
{
    const char *colon = strrchr(listen, ':');
    const char *digits = colon ? colon + 1 : listen;
    guint64 number;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, 65535, &number, NULL))
        return error_set(error, ERROR_VALIDATION,
                         "--listen %s: a port from 0 to 65535 is expected after the colon", listen);
    *port = (unsigned)number;
    *address = colon && colon > listen ? g_strndup(listen, (gsize)(colon - listen))
                                       : g_strdup("127.0.0.1");
    if (strcmp(*address, "localhost") == 0) {
        g_free(*address);
        *address = g_strdup("127.0.0.1");
    }
    if (!g_str_has_prefix(*address, "127."))
        return error_set(error, ERROR_VALIDATION,
                         "--listen %s: only loopback addresses (127.0.0.1) are accepted: anyone "
                         "who can reach lathe may do anything with it",
                         listen);
    return true;
}

static void end_wait(void *data)
{
    (void)data;
    kill(getpid(), SIGTERM);
}

/* Blocks SIGTERM and SIGINT in every thread, so that only the wait below sees them. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int serve_until_stopped(struct lathe *lathe, const char *address, unsigned port)
{
    sigset_t signals;
    block_signals(&signals);
    GError *error = NULL;
    const struct dispatcher_options wire = {.version = LATHE_VERSION};
    struct dispatcher *dispatcher = dispatcher_new(lathe->operations, &wire);
    struct http_options options = {.address = address, .port = port};
    struct http_server *server =
        http_server_start(&options, dispatcher_handler(dispatcher), &error);
    if (!server) {
        dispatcher_free(dispatcher);
        return cli_error(error);
    }
    g_autofree char *url = g_strdup_printf("http://%s:%u", address, http_server_port(server));
    json_t *about = json_pack("{sssssiss}", "Url", url, "Home", lathe->home, "ProcessId",
                              (int)getpid(), "Account", lathe->account);
    struct local_door *door =
        local_open(lathe->home, lathe->operations, about, end_wait, NULL, &error);
    int code = CLI_OK;
    if (door) {
        printf("lathe listens on %s\n", url);
        fflush(stdout);
        int signal;
        sigwait(&signals, &signal);
    } else {
        code = cli_error(error);
    }
    local_close(door);
    http_server_stop(server, STOP_SECONDS);
    dispatcher_free(dispatcher);
    return code;
}

int cli_serve(int argc, char **argv)
{
    g_autofree char *listen = NULL;
    g_autofree char *address = NULL;
    unsigned port;
    const GOptionEntry options[] = {
        {"listen", 0, 0, G_OPTION_ARG_STRING, &listen, NULL, NULL},
        {0},
    };
    GError *error = NULL;
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (!parse_listen(listen ? listen : DEFAULT_LISTEN, &address, &port, &error)) {
        cli_error(error);
        return CLI_USAGE;
    }
    const char *account = g_getenv("LATHE_ACCOUNT");
    struct lathe *lathe = lathe_open(cli_home(), account ? account : DEFAULT_ACCOUNT, &error);
    if (!lathe)
        return cli_error(error);
    int code = serve_until_stopped(lathe, address, port);
    lathe_close(lathe);
    return code;
}
