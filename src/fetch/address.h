/* address.h: which addresses may be fetched from. Pure. */
#ifndef LATHE_FETCH_ADDRESS_H
#define LATHE_FETCH_ADDRESS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>

/* What may be fetched. Without an entry for it, only what is on the public internet. An entry is a
 * host's name or an address, with a port or for all ports: "files.example.org", "127.0.0.1:8080",
 * "[::1]:80". A name that is listed may lead anywhere: who lists it trusts it. */
struct fetch_rules {
    const char *const *allow; /* NULL-terminated; NULL: none */
    bool listed_only;         /* a script in a sandbox asks: nothing but what is listed */
};

/* Whether a text can be an entry. */
bool fetch_entry_is(const char *text);
/* Whether there is an entry for this host (a name, or an address with or without brackets). */
bool fetch_is_listed(const struct fetch_rules *rules, const char *host, unsigned port);
/* The same of an address that a connection is about to be made to. */
bool fetch_peer_is_listed(const struct fetch_rules *rules, const struct sockaddr *peer);
/* Whether an address is of the public internet: not of this machine, of a link, of a private
 * network, of a group, nor one that stands for such an address of IPv4. */
bool fetch_peer_is_public(const struct sockaddr *peer);
/* "127.0.0.1:80"; g_free. */
char *fetch_peer_text(const struct sockaddr *peer);

#endif
