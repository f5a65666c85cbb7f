#include "wire/guard.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/error.h"

#define LOCAL_SUFFIX ".localhost"

/* ":" and at most five digits, or nothing. */
static bool is_port(const char *text)
{
    if (*text == '\0')
        return true;
    size_t digits = strspn(text + 1, "0123456789");
    return *text == ':' && digits > 0 && digits <= 5 && text[1 + digits] == '\0' &&
           g_ascii_strtoull(text + 1, NULL, 10) <= G_MAXUINT16;
}

/* What a name may be made of: letters, digits, "-", "_", and dots inside. */
static bool is_name(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("-_.", *c))
            return false;
    return *text && *text != '.' && !strstr(text, "..") && !g_str_has_suffix(text, ".");
}

/* The Host in lower case and without its port, [::1] under its name; NULL where it is
 * not "name[:port]" or "[address][:port]" to the last character, for what it means would then be a
 * matter of who reads it. */
static char *host_of(const char *header)
{
    size_t length = *header == '[' ? strcspn(header, "]") + 1 : strcspn(header, ":");
    struct in6_addr v6;
    g_autofree char *host = g_ascii_strdown(header, (gssize)MIN(length, strlen(header)));
    if (strlen(host) != length || !is_port(header + length))
        return NULL;
    if (*header != '[')
        return is_name(host) ? g_steal_pointer(&host) : NULL;
    g_autofree char *address = g_strndup(host + 1, length - 2);
    bool is_address = inet_pton(AF_INET6, address, &v6) == 1;
    return is_address ? g_strdup(IN6_IS_ADDR_LOOPBACK(&v6) ? "localhost" : host) : NULL;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcmp(host, "localhost") == 0 || g_str_has_suffix(host, LOCAL_SUFFIX);
}

static bool is_among(const char *text, const char *const *list)
{
    for (; list && *list; list++)
        if (g_ascii_strcasecmp(text, *list) == 0)
            return true;
    return false;
}

bool guard_host(const struct wire_request *request, const char *const *hosts, GError **error)
{
    const char *header = wire_header(request, "host");
    g_autofree char *host = host_of(header ? header : "");
    if (host && (is_loopback(host) || is_among(host, hosts)))
        return true;
    return error_set(error, ERROR_ACCESS_DENIED,
                     "the Host header is '%.255s', not a loopback address, localhost or a "
                     "configured name: refused, since a web page can make any other name point "
                     "here",
                     header ? header : "");
}

bool guard_same_host(const struct wire_request *request, const char *host, GError **error)
{
    const char *header = wire_header(request, "host");
    g_autofree char *named = host_of(header ? header : "");
    if (g_strcmp0(named, host) == 0)
        return true;
    return error_set(error, ERROR_ACCESS_DENIED,
                     "the Host header is '%.255s' on a connection that was made to %s",
                     header ? header : "", host);
}

/* "http://127.0.0.1:4566" where the Host is "127.0.0.1:4566" */
static bool is_own_origin(const char *origin, const char *host)
{
    const char *authority = strstr(origin, "://");
    return authority && host && g_ascii_strcasecmp(authority + 3, host) == 0;
}

bool guard_origin(const struct wire_request *request, const char *const *origins, GError **error)
{
    const char *origin = wire_header(request, "origin");
    if (origin) {
        if (is_own_origin(origin, wire_header(request, "host")) || is_among(origin, origins))
            return true;
        return error_set(error, ERROR_ACCESS_DENIED,
                         "the web page at '%.255s' may not call this server; add it to the "
                         "configured origins if it should",
                         origin);
    }
    /* Requests without an Origin, such as an <img>'s, from a page of another site. */
    const char *site = wire_header(request, "sec-fetch-site");
    if (site && (strcmp(site, "cross-site") == 0 || strcmp(site, "same-site") == 0))
        return error_set(error, ERROR_ACCESS_DENIED,
                         "a web page of another site may not call this server");
    return true;
}

char *guard_virtual_bucket(const struct wire_request *request)
{
    const char *header = wire_header(request, "host");
    g_autofree char *host = host_of(header ? header : "");
    if (!host || !g_str_has_suffix(host, LOCAL_SUFFIX))
        return NULL;
    return g_strndup(host, strlen(host) - strlen(LOCAL_SUFFIX));
}
