#include "fetch/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

/* ---- entries ---- */

/* One spelling of a host: small letters, no brackets, no dot at its end, addresses as the C library
 * writes them. g_free. */
static char *plain_host(const char *host, gsize size)
{
    bool bracketed = size > 2 && host[0] == '[' && host[size - 1] == ']';
    char *plain = bracketed ? g_ascii_strdown(host + 1, (gssize)size - 2)
                            : g_ascii_strdown(host, (gssize)size);
    size_t length = strlen(plain);
    if (length && plain[length - 1] == '.')
        plain[length - 1] = '\0';
    struct in6_addr six;
    char text[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, plain, &six) != 1 || !inet_ntop(AF_INET6, &six, text, sizeof text))
        return plain;
    g_free(plain);
    return g_strdup(text);
}

/* Where the port of "host:port" begins, or NULL; an address of IPv6 without brackets has none. */
static const char *port_of(const char *text)
{
    const char *colon = strrchr(text, ':'), *first = strchr(text, ':');
    const char *bracket = strrchr(text, ']');
    bool has_port = colon && (colon == first || (bracket && colon == bracket + 1));
    return has_port ? colon + 1 : NULL;
}

/* The entry's host, g_free, and port (0: any); NULL where it is none. */
static char *read_entry(const char *text, unsigned *port)
{
    const char *digits = port_of(text);
    guint64 number = 0;
    gsize size = digits ? (gsize)(digits - text) - 1 : strlen(text);
    if (digits && !g_ascii_string_to_unsigned(digits, 10, 1, 65535, &number, NULL))
        return NULL;
    *port = (unsigned)number;
    g_autofree char *host = plain_host(text, size);
    unsigned char six[sizeof(struct in6_addr)];
    bool named = *host && !host[strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.")];
    return named || inet_pton(AF_INET6, host, six) == 1 ? g_steal_pointer(&host) : NULL;
}

bool fetch_entry_is(const char *text)
{
    unsigned port;
    g_autofree char *host = read_entry(text, &port);
    return host != NULL;
}

bool fetch_is_listed(const struct fetch_rules *rules, const char *host, unsigned port)
{
    g_autofree char *asked = plain_host(host, strlen(host));
    for (const char *const *entry = rules->allow; entry && *entry; entry++) {
        unsigned own;
        g_autofree char *listed = read_entry(*entry, &own);
        if (listed && strcmp(listed, asked) == 0 && (!own || own == port))
            return true;
    }
    return false;
}

/* ---- addresses ---- */

struct net4 {
    uint32_t first;
    unsigned bits;
};

/* What IANA's registry of special-purpose addresses says is not globally reachable, and groups. */
static const struct net4 special[] = {
    {0x00000000, 8},  /* this network; 0.0.0.0 is this machine */
    {0x0A000000, 8},  /* private */
    {0x64400000, 10}, /* shared, behind a provider's address translation */
    {0x7F000000, 8},  /* loopback */
    {0xA9FE0000, 16}, /* the link; clouds' metadata */
    {0xAC100000, 12}, /* private */
    {0xC0000000, 24}, /* protocols */
    {0xC0000200, 24}, /* documentation */
    {0xC0586300, 24}, /* relays of 6to4 */
    {0xC0A80000, 16}, /* private */
    {0xC6120000, 15}, /* benchmarks */
    {0xC6336400, 24}, /* documentation */
    {0xCB007100, 24}, /* documentation */
    {0xE0000000, 3},  /* groups, reserved, broadcast */
};

static bool is_public_4(uint32_t address)
{
    for (size_t i = 0; i < G_N_ELEMENTS(special); i++)
        if ((address ^ special[i].first) >> (32 - special[i].bits) == 0)
            return false;
    return true;
}

static uint32_t four_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Addresses that stand for one of IPv4 are as public as that; of all others only global unicast is,
 * without tunnels, protocols and documentation. */
static bool is_public_6(const unsigned char *bytes)
{
    static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    static const unsigned char translated[12] = {0x00, 0x64, 0xFF, 0x9B};
    uint32_t head = four_at(bytes);
    if (memcmp(bytes, mapped, sizeof mapped) == 0 ||
        memcmp(bytes, translated, sizeof translated) == 0)
        return is_public_4(four_at(bytes + 12));
    return head >> 29 == 1 &&              /* 2000::/3 */
           head >> 9 != 0x20010000 >> 9 && /* 2001::/23: protocols, Teredo */
           head != 0x20010DB8 &&           /* documentation */
           head >> 16 != 0x2002 &&         /* 6to4 */
           head >> 12 != 0x3FFF0;          /* documentation */
}

static unsigned port_of_peer(const struct sockaddr *peer)
{
    return ntohs(peer->sa_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)peer)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)peer)->sin_port);
}

static const void *bytes_of_peer(const struct sockaddr *peer)
{
    return peer->sa_family == AF_INET6
               ? (const void *)&((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr
               : (const void *)&((const struct sockaddr_in *)(const void *)peer)->sin_addr;
}

bool fetch_peer_is_public(const struct sockaddr *peer)
{
    if (peer->sa_family == AF_INET)
        return is_public_4(four_at(bytes_of_peer(peer)));
    return peer->sa_family == AF_INET6 && is_public_6(bytes_of_peer(peer));
}

bool fetch_peer_is_listed(const struct fetch_rules *rules, const struct sockaddr *peer)
{
    char host[INET6_ADDRSTRLEN];
    bool known = peer->sa_family == AF_INET || peer->sa_family == AF_INET6;
    return known && inet_ntop(peer->sa_family, bytes_of_peer(peer), host, sizeof host) &&
           fetch_is_listed(rules, host, port_of_peer(peer));
}

char *fetch_peer_text(const struct sockaddr *peer)
{
    char host[INET6_ADDRSTRLEN];
    bool known = peer->sa_family == AF_INET || peer->sa_family == AF_INET6;
    if (!known || !inet_ntop(peer->sa_family, bytes_of_peer(peer), host, sizeof host))
        return g_strdup("an address that is not of the internet");
    return g_strdup_printf(peer->sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
                           port_of_peer(peer));
}
