/* server.h: the owner of a home: opened, with the door for the command line, and with HTTP where
 * that is wanted. */
#ifndef LATHE_CLI_SERVER_H
#define LATHE_CLI_SERVER_H

#include <glib.h>
#include <signal.h>
#include <stdbool.h>

struct server;

/* Checks what an option ("--listen") says: "127.0.0.1:4566", "localhost:0", ":8080" or "8080". */
bool server_check_listen(const char *option, const char *listen, GError **error);

struct server_options {
    const char *listen;        /* where HTTP is served; NULL: not at all */
    const char *configuration; /* a path; NULL: the home's own file (runtime/settings.h) */
    const char *proxy; /* where the proxy is, "off", or NULL: the port after, else any free one */
    bool no_tunnels;   /* of the proxy, whatever the configuration says */
    bool test_clock;   /* HTTP may move the clock on */
};

/* Opens cli_home() and its door; serves HTTP and its proxy. Blocks SIGTERM and SIGINT in every
 * thread: they are taken by server_wait or a signalfd. */
struct server *server_open(const struct server_options *options, GError **error);

/* How long a day of lifecycles is (lathe_shorten_days). */
void server_shorten_days(struct server *server, double seconds);

/* "http://127.0.0.1:4566", or NULL without HTTP. */
const char *server_url(const struct server *server);

/* A descriptor that becomes readable when a resource of that kind (a literal) has changed: an
 * eventfd, the server's own. To be called once. */
int server_changes(struct server *server, const char *kind, GError **error);

/* Until SIGTERM, SIGINT or `lathe stop`. */
void server_wait(struct server *server);

/* Requests under way finish first. */
void server_close(struct server *server);

/* SIGTERM and SIGINT, blocked in the calling thread and those it starts. */
void server_block_signals(sigset_t *signals);

#endif
