/* address.h: where a tunnel may lead: to the internet, and to nothing that only this machine or its
 * network can reach. */
#ifndef LATHE_PROXY_ADDRESS_H
#define LATHE_PROXY_ADDRESS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Whether an address is anybody's: not loopback, link-local, private, unique-local, shared, for
 * documentation or benchmarks, multicast, or one of IPv4 inside of IPv6 that is such. */
bool address_is_public(const struct sockaddr *address);

/* A connection to the first of the host's public addresses that takes it; -1 and an error:
 * ERROR_ACCESS_DENIED where it has none, else ERROR_SERVICE_UNAVAILABLE. It is the address that was
 * looked at which is connected to. */
int address_connect(const char *host, unsigned port, GError **error);

#endif
