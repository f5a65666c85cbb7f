#include "cli/server.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "http/http.h"
#include "lathe.h"
#include "proxy/proxy.h"
#include "runtime/settings.h"
#include "service/home.h"
#include "store/store.h"
#include "wire/dispatch.h"
#include "wire/local.h"

#define DEFAULT_ACCOUNT "000000000000"
#define STOP_SECONDS 10

struct server {
    sigset_t signals;
    struct lathe *lathe;
    struct dispatcher *dispatcher;
    struct http_server *http;
    struct local_door *door;
    struct proxy *proxy, *inner; /* inner: for scripts in sandboxes, AWS's hosts alone */
    char *url;

    const char *watched; /* the kind of server_changes */
    unsigned watch;
    int changes; /* an eventfd, or -1 */
};

static bool parse_listen(const char *option, const char *listen, char **address, unsigned *port,
                         GError **error)
{
    const char *colon = strrchr(listen, ':');
    const char *digits = colon ? colon + 1 : listen;
    guint64 number;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, 65535, &number, NULL))
        return error_set(error, ERROR_VALIDATION,
                         "%s %s: a port from 0 to 65535 is expected after the colon", option,
                         listen);
    *port = (unsigned)number;
    *address = colon && colon > listen ? g_strndup(listen, (gsize)(colon - listen))
                                       : g_strdup("127.0.0.1");
    if (strcmp(*address, "localhost") == 0) {
        g_free(*address);
        *address = g_strdup("127.0.0.1");
    }
    if (!g_str_has_prefix(*address, "127."))
        return error_set(error, ERROR_VALIDATION,
                         "%s %s: only loopback addresses (127.0.0.1) are accepted: anyone who can "
                         "reach lathe may do anything with it",
                         option, listen);
    return true;
}

bool server_check_listen(const char *option, const char *listen, GError **error)
{
    g_autofree char *address = NULL;
    unsigned port;
    return parse_listen(option, listen, &address, &port, error);
}

void server_block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void end_wait(void *data)
{
    (void)data;
    kill(getpid(), SIGTERM);
}

static void move_clock(double seconds, void *data)
{
    struct server *server = data;
    lathe_move_clock(server->lathe, seconds);
}

static struct proxy *new_proxy(struct server *server, const struct server_options *asked,
                               const char *address, unsigned port, GError **error)
{
    const struct proxy_options options = {
        .address = address,
        .port = port,
        .no_tunnels = asked->no_tunnels || server->lathe->settings->no_tunnels,
        .home = server->lathe->home,
    };
    return proxy_open(&options, server->http, error);
}

/* Where nothing is said of it: on the port after HTTP's, so that what `lathe env` told stays right
 * from one start to the next; where that is taken, or HTTP's was any free one, on any. */
static bool open_proxy(struct server *server, const struct server_options *asked,
                       const char *address, unsigned http_port, GError **error)
{
    g_autofree char *own = NULL;
    unsigned port;
    if (g_strcmp0(asked->proxy, "off") == 0)
        return true;
    if (asked->proxy) {
        if (!parse_listen("--proxy", asked->proxy, &own, &port, error))
            return false;
        server->proxy = new_proxy(server, asked, own, port, error);
    } else {
        if (http_port && http_port < G_MAXUINT16)
            server->proxy = new_proxy(server, asked, address, http_port + 1, NULL);
        if (!server->proxy)
            server->proxy = new_proxy(server, asked, address, 0, error);
    }
    return server->proxy != NULL;
}

static void hurry(void *data)
{
    struct server *server = data;
    if (server->lathe)
        lathe_hurry(server->lathe);
}

/* Scripts that have the machine's network may go through tunnels, too. */
static bool open_inner_proxy(struct server *server, GError **error)
{
    const struct settings *settings = server->lathe->settings;
    if (!server->proxy)
        return true;
    if (!settings->host_network && settings->isolated) {
        const struct server_options closed = {.no_tunnels = true};
        server->inner = new_proxy(server, &closed, "127.0.0.1", 0, error);
        if (!server->inner)
            return false;
    }
    server->lathe->proxy = server->inner ? server->inner : server->proxy;
    return true;
}

static bool open_http(struct server *server, const struct server_options *asked, GError **error)
{
    g_autofree char *address = NULL;
    unsigned port;
    if (!parse_listen("--listen", asked->listen, &address, &port, error))
        return false;
    const struct dispatcher_options wire = {
        .version = lathe_version(),
        .move_clock = asked->test_clock ? move_clock : NULL,
        .data = server,
    };
    server->dispatcher = dispatcher_new(server->lathe->operations, &wire);
    struct http_options options = {
        .address = address, .port = port, .hurry = hurry, .data = server};
    server->http = http_server_open(&options, dispatcher_handler(server->dispatcher), error);
    if (server->http)
        server->url = g_strdup_printf("http://%s:%u", address, http_server_port(server->http));
    server->lathe->url = server->url;
    return server->http && open_proxy(server, asked, address, port, error) &&
           open_inner_proxy(server, error);
}

static bool answer(struct server *server, GError **error)
{
    return (!server->http || http_server_start(server->http, error)) &&
           (!server->proxy || proxy_start(server->proxy, error)) &&
           (!server->inner || proxy_start(server->inner, error));
}

static bool open_door(struct server *server, GError **error)
{
    json_t *about = json_pack("{sssiss}", "Home", server->lathe->home, "ProcessId", (int)getpid(),
                              "Account", server->lathe->account);
    if (server->url)
        json_put(about, "Url", json_string(server->url));
    if (server->proxy)
        json_put(about, "Proxy", json_string(proxy_url(server->proxy)));
    server->door =
        local_open(server->lathe->home, server->lathe->operations, about, end_wait, NULL, error);
    return server->door != NULL;
}

/* The addresses are taken first: what recovery starts is told them. Who comes meanwhile waits. */
struct server *server_open(const struct server_options *options, GError **error)
{
    struct server *server = g_new0(struct server, 1);
    server->changes = -1;
    server_block_signals(&server->signals);
    const char *account = g_getenv("LATHE_ACCOUNT");
    server->lathe =
        lathe_open(cli_home(), account ? account : DEFAULT_ACCOUNT, options->configuration, error);
    if (server->lathe && (!options->listen || open_http(server, options, error)) &&
        lathe_recover(server->lathe, error) && answer(server, error) && open_door(server, error))
        return server;
    server_close(server);
    return NULL;
}

void server_shorten_days(struct server *server, double seconds)
{
    lathe_shorten_days(server->lathe, seconds);
}

const char *server_url(const struct server *server)
{
    return server->url;
}

/* On the store's writer thread. */
static void note_change(const char *kind, const char *name, const char *status, void *data)
{
    const struct server *server = data;
    (void)name;
    (void)status;
    if (strcmp(kind, server->watched) == 0)
        eventfd_write(server->changes, 1);
}

int server_changes(struct server *server, const char *kind, GError **error)
{
    server->changes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->changes < 0) {
        error_set_errno(error, errno, "watching the workflow");
        return -1;
    }
    server->watched = kind;
    server->watch = store_watch(server->lathe->store, note_change, server);
    return server->changes;
}

void server_wait(struct server *server)
{
    int signal;
    sigwait(&server->signals, &signal);
}

void server_close(struct server *server)
{
    if (!server)
        return;
    if (server->lathe && server->changes >= 0) {
        store_unwatch(server->lathe->store, server->watch);
        close(server->changes);
    }
    local_close(server->door);
    if (server->proxy)
        proxy_end(server->proxy);
    if (server->inner)
        proxy_end(server->inner);
    if (server->http)
        http_server_stop(server->http, STOP_SECONDS);
    if (server->dispatcher)
        dispatcher_free(server->dispatcher);
    lathe_close(server->lathe); /* jobs that begin know the proxies until then */
    proxy_close(server->inner);
    proxy_close(server->proxy);
    g_free(server->url);
    g_free(server);
}
