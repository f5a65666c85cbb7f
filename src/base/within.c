#include "base/within.h"

#include <sys/socket.h>

/* 127.83.66.88, of the loopback's 16 million: "SBX". */
#define ADDRESS 0x7f534258U

struct sockaddr_in within_address(void)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(ADDRESS)};
}

bool within_is(const struct sockaddr *peer)
{
    return peer && peer->sa_family == AF_INET &&
           ((const struct sockaddr_in *)(const void *)peer)->sin_addr.s_addr == htonl(ADDRESS);
}

bool within_is_peer(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
           within_is((const struct sockaddr *)&peer);
}
