/* within.h: whether a connection comes from a sandbox of ours. What leads out of a sandbox connects
 * from an address of its own, which nobody within can choose, and which nobody else would. */
#ifndef LATHE_BASE_WITHIN_H
#define LATHE_BASE_WITHIN_H

#include <netinet/in.h>
#include <stdbool.h>

/* The address, any port. */
struct sockaddr_in within_address(void);
/* Whether it is that of a peer; NULL is nobody's. */
bool within_is(const struct sockaddr *peer);
/* Whether a connected socket's peer has it. */
bool within_is_peer(int fd);

#endif
