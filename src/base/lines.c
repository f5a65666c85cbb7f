#include "base/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LONGEST (256 * 1024)

bool lines_read(struct lines *lines, int fd, bool *more)
{
    char block[65536]; /* as much as a pipe holds */
    ssize_t n = read(fd, block, sizeof block);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (n == 0)
        return false;
    *more |= (size_t)n == sizeof block;
    if (!lines->rest)
        lines->rest = g_string_new(NULL);
    g_string_append_len(lines->rest, block, n);
    const char *at = lines->rest->str, *end = at + lines->rest->len, *newline;
    while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
        size_t size = (size_t)(newline - at);
        lines->take(at, size && newline[-1] == '\r' ? size - 1 : size, lines->data);
        at = newline + 1;
    }
    g_string_erase(lines->rest, 0, at - lines->rest->str);
    if (lines->rest->len > LONGEST) {
        lines->take(lines->rest->str, lines->rest->len, lines->data);
        g_string_truncate(lines->rest, 0);
    }
    return true;
}

void lines_end(struct lines *lines)
{
    if (!lines->rest)
        return;
    if (lines->rest->len)
        lines->take(lines->rest->str, lines->rest->len, lines->data);
    g_string_free(lines->rest, TRUE);
    lines->rest = NULL;
}
