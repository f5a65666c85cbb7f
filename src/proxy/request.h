/* request.h: what a client asks of a proxy. */
#ifndef LATHE_PROXY_REQUEST_H
#define LATHE_PROXY_REQUEST_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define LONGEST_HEAD 8192
#define LONGEST_HOST 253

/* What CONNECT names: a host in lower case, an address without its brackets. */
struct proxy_target {
    char host[LONGEST_HOST + 1];
    unsigned port;
};

/* The length of the head with its empty line, where that is there; else 0. */
size_t proxy_head_length(const char *bytes, size_t size);

/* Reads a whole head of that size. Returns 0, or the status to refuse it with, and why: whatever is
 * not CONNECT, what a web page can send, what two readers could take differently. */
unsigned proxy_head_read(const char *head, size_t size, struct proxy_target *target,
                         const char **why);

/* Whether a text, in lower case, can be a host's name (letters, digits, "-", "_", dots inside). */
bool proxy_is_name(const char *text);

#endif
