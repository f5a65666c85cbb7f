/* pump.h: bytes both ways between two connections, until both have ended. */
#ifndef LATHE_PROXY_PUMP_H
#define LATHE_PROXY_PUMP_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct pump_end {
    int fd;       /* does not block */
    SSL *session; /* over fd, its handshake done; NULL: bytes as they are */
};

/* The server's side of TLS on a descriptor that does not block; false where the client ends it,
 * offers nothing that is spoken, or takes longer than so many milliseconds. */
bool pump_accept(SSL *session, int fd, int timeout_ms);

/* Returns when both have ended, one has failed, or neither has moved a byte for idle_ms. The
 * descriptors stay the caller's. */
void pump_run(struct pump_end client, struct pump_end server, int idle_ms);

#endif
