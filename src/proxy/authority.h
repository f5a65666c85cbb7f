/* authority.h: a home's own certificate authority, for AWS's hosts and no others: what it signs for
 * any other name, or for an address, is refused by whoever checks it (critical name constraints).
 *
 * It is made when it is first wanted. Its key lies in the home, for its user alone. */
#ifndef LATHE_PROXY_AUTHORITY_H
#define LATHE_PROXY_AUTHORITY_H

#include <glib.h>
#include <openssl/ssl.h>
#include <stdbool.h>

struct authority;

/* Reads <home>/authority.pem, or makes it. Of several that make it at once all get the same. */
struct authority *authority_open(const char *home, GError **error);
void authority_free(struct authority *authority);

/* Writes <home>/ca.pem, its certificate, and <home>/ca-bundle.pem, the system's roots with it;
 * their paths, g_free. *has_roots: whether the system's were found. */
bool authority_write_bundle(const struct authority *authority, const char *home, char **own,
                            char **bundle, bool *has_roots, GError **error);

/* The server's side of a connection for a host, which shows a certificate for it. host has room for
 * LONGEST_HOST characters (request.h) and stays as long as the session: "" becomes the AWS host
 * that the client's handshake names. One that names another than host fails. Any thread. */
SSL *authority_session(struct authority *authority, char *host, GError **error);

#endif
