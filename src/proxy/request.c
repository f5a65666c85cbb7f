#define _GNU_SOURCE /* memmem */
#include "proxy/request.h"

#include <string.h>

static const char only_connect[] =
    "this is lathe's proxy, which takes CONNECT alone: set HTTPS_PROXY to it, not HTTP_PROXY; the "
    "API's own address is what `lathe env` prints as AWS_ENDPOINT_URL";

size_t proxy_head_length(const char *bytes, size_t size)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4); /* it may hold zeros */
    return end ? (size_t)(end - bytes) + 4 : 0;
}

bool proxy_is_name(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!g_ascii_isdigit(*c) && !g_ascii_islower(*c) && !strchr("-_.", *c))
            return false;
    return *text && *text != '.' && !strstr(text, "..") && !g_str_has_suffix(text, ".");
}

/* "[::1]" without its brackets; what is not of hexadecimal digits and colons is no address. */
static bool is_bracketed(const char *text)
{
    size_t inside = *text == '[' ? strspn(text + 1, "0123456789abcdef:.") : 0;
    return inside > 1 && strcmp(text + 1 + inside, "]") == 0;
}

/* "host:port" */
static bool read_target(const char *text, struct proxy_target *target)
{
    const char *colon = strrchr(text, ':');
    guint64 port;
    if (!colon || colon - text > LONGEST_HOST ||
        !g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
        return false;
    g_autofree char *host = g_ascii_strdown(text, colon - text);
    bool bracketed = is_bracketed(host);
    if (!bracketed && !proxy_is_name(host))
        return false;
    if (bracketed)
        host[strlen(host) - 1] = '\0';
    g_strlcpy(target->host, host + bracketed, sizeof target->host);
    target->port = (unsigned)port;
    return true;
}

static unsigned refuse(unsigned status, const char **why, const char *text)
{
    *why = text;
    return status;
}

/* Who names the proxy itself as Host, as Node.js does, is let be: CONNECT's line says where to. */
static unsigned read_field(char *line, const char **why)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line || strcspn(line, " \t") < (size_t)(colon - line))
        return refuse(400, why, "a line of the head is no field, \"Name: value\"");
    *colon = '\0';
    if (g_ascii_strcasecmp(line, "origin") == 0 || g_ascii_strcasecmp(line, "referer") == 0)
        return refuse(403, why, "a web page may not use this proxy");
    if (g_ascii_strcasecmp(line, "content-length") == 0 ||
        g_ascii_strcasecmp(line, "transfer-encoding") == 0)
        return refuse(400, why, "CONNECT has no body");
    return 0;
}

static unsigned read_fields(char **lines, const char **why)
{
    for (; *lines; lines++) {
        unsigned status = **lines ? read_field(*lines, why) : 0;
        if (status)
            return status;
    }
    return 0;
}

/* "CONNECT host:port HTTP/1.1": the part between, cut out of the line, or NULL. */
static char *cut_target(char *line)
{
    char *target = line + strlen("CONNECT ");
    char *space = strchr(target, ' ');
    if (!space || (strcmp(space, " HTTP/1.1") != 0 && strcmp(space, " HTTP/1.0") != 0))
        return NULL;
    *space = '\0';
    return target;
}

/* Lines end in both characters: one of them alone is read differently by different programs. */
static bool has_control(char **lines)
{
    for (; *lines; lines++)
        for (const char *c = *lines; *c; c++)
            if ((guchar)*c < ' ' && *c != '\t')
                return true;
    return false;
}

unsigned proxy_head_read(const char *head, size_t size, struct proxy_target *target,
                         const char **why)
{
    g_autofree char *text = g_strndup(head, size);
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    if (strlen(text) != size || has_control(lines))
        return refuse(400, why, "the head has a control character");
    if (!g_str_has_prefix(lines[0], "CONNECT "))
        return refuse(405, why, only_connect);
    char *named = cut_target(lines[0]);
    if (!named || !read_target(named, target))
        return refuse(400, why, "the first line is not \"CONNECT host:port HTTP/1.1\"");
    return read_fields(lines + 1, why);
}
