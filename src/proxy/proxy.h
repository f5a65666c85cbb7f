/* proxy.h: AWS's hosts on this machine, for clients that know no other address: an HTTPS proxy, on
 * a listener of its own.
 *
 * CONNECT to a host under AWS's domains (aws_host.h) ends here: TLS with a certificate of this
 * home's authority, and the requests inside go to the server as if they had come to its port, told
 * the host that the client named. CONNECT to any other host is a tunnel, to public addresses alone.
 * A connection that begins with TLS itself, without CONNECT, is for the AWS host that it names. */
#ifndef LATHE_PROXY_PROXY_H
#define LATHE_PROXY_PROXY_H

#include <glib.h>
#include <stdbool.h>

#include "http/http.h"

struct proxy_options {
    const char *address; /* "127.0.0.1" */
    unsigned port;       /* 0: any free one */
    bool no_tunnels;     /* AWS's hosts alone are reached */
    const char *home;    /* of the authority, which is made when it is first needed */
};

struct proxy;

/* Listens: connections come, and wait for proxy_start. */
struct proxy *proxy_open(const struct proxy_options *options, struct http_server *server,
                         GError **error);
/* Serves; the server has started. */
bool proxy_start(struct proxy *proxy, GError **error);
const char *proxy_url(const struct proxy *proxy);
/* A file with the system's root certificates and the authority's, written when it is first asked
 * for. NULL with an error. */
const char *proxy_bundle(struct proxy *proxy, GError **error);
/* Gives the server no more connections, before that is stopped. */
void proxy_end(struct proxy *proxy);
/* After the server has stopped: ends what is still under way. NULL is let be. */
void proxy_close(struct proxy *proxy);

#endif
